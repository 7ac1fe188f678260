/* Puts that take the server two steps, between which it runs out of memory: they are ended all the
 * same. */
#include "keyspace.h"
#include "redis.h"
#include "saver_client.h"
#include "store_client.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

static void send_line(int fd, const char *line)
{
    assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
}

/* A link that the server knows already: what goes over it while the server is stopped is read in
 * the order in which it was sent. */
static int open_link(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char reply[16];
    memcpy(address.sun_path, redis.server.unix_path, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    send_line(fd, "PING\r\n");
    assert_true(recv(fd, reply, sizeof reply, 0) > 0);
    return fd;
}

static bool has_written_more(void *ctx)
{
    const client_t *client = ctx;
    return client_stats(client).bytes_out > (uint64_t)(uintptr_t)client->data;
}

static void await_written(client_t *client, uint64_t before)
{
    client->data = (void *)(uintptr_t)before;
    loop_run_until(&client->world->loop, "the put to be written", has_written_more, client);
}

static bool has_run_a_transaction(void)
{
    return strstr(redis_ask(&redis, "INFO commandstats"), "cmdstat_exec:") != NULL;
}

/* Knows the server's time, and that there is namespace "a". */
static items_t *open_knowing(world_t *w)
{
    enum {
        TRIES = 1000
    };
    items_t *s = items_open(w, NULL);
    redis_ask(&redis, "CONFIG RESETSTAT");
    for (int tries = 0; !has_run_a_transaction(); tries++) {
        assert_in_range(tries, 0, TRIES);
        items_put(s, "a", "first", "0");
    }
    return s;
}

static void an_item_is_listed_though_memory_runs_out_when_it_is_there(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    items_delete(other, "a", "k");
    const int fd = open_link();
    const uint64_t before = client_stats(s->client).bytes_out;
    call_t *put = items_call(s);
    redis_pause(&redis);
    assert_status(call_put(put, &(item_words_t){.ns = "a", .key = "k", .value = "2"}), 0);
    await_written(s->client, before);
    send_line(fd, "CONFIG SET maxmemory 1\r\n");
    redis_resume(&redis);
    call_await_any(put);
    redis_ask(&redis, "CONFIG SET maxmemory 0");
    close(fd);
    if (put->status != 0) assert_status(put->status, CAIRN_EOOM);
    assert_item(other, "a", "k", put->status == 0 ? "2" : NULL);
    assert_search(other, put->status == 0 ? "a:first a:k" : "a:first", .order = CAIRN_ORDER_KEY);
}

static const put_words_t fourth = {.id = "c4", .channels = "a@1 b@1=y"};

static void a_checkpoint_takes_the_place_of_another_though_memory_runs_out_then(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL), *other = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x");
    saver_put(s, "c2", "a@1");
    saver_put(s, "c3", "a@1");
    saver_put(other, "c4", "a@1 z@1=q");
    const int fd = open_link();
    const uint64_t before = client_stats(s->client).bytes_out;
    ask_t *put = saver_ask(s);
    redis_pause(&redis);
    assert_status(ask_put(put, &fourth), 0);
    await_written(s->client, before);
    send_line(fd, "CONFIG SET maxmemory 1\r\n");
    redis_resume(&redis);
    ask_await_any(put);
    redis_ask(&redis, "CONFIG SET maxmemory 0");
    close(fd);
    if (put->status != 0) assert_status(put->status, CAIRN_EOOM);
    assert_get(other, at("c4"), put->status == 0 ? "c4 a@1=x b@1=y" : "c4 a@1=x z@1=q");
    keyspace_assert_whole(&redis);
}

static const scenario_t scenarios[] = {
    SCENARIO(an_item_is_listed_though_memory_runs_out_when_it_is_there),
    SCENARIO(a_checkpoint_takes_the_place_of_another_though_memory_runs_out_then),
};

int main(void)
{
    redis_start(&redis, NULL);
    saver_backend.clear = store_backend.clear = clear;
    int failures =
        SCENARIOS_RUN("redis: half done", scenarios, redis_url(&redis, NULL, "?timeout_ms=15000"));
    redis_stop(&redis);
    return failures;
}
