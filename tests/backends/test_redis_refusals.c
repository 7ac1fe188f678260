/* A real server that cannot now, or may not, do what it is asked: what becomes of a publish, a put
 * of the saver, puts of the store with and without a script, and an append. */
#include "redis.h"
#include "saver_client.h"
#include "store_client.h"
#include "stream_client.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=10&timeout_ms=15000"

static redis_t redis;
static unsigned refusals; /* logged */

static void note_refusal(cairn_t *cairn, cairn_log_level_t level, const char *text)
{
    (void)cairn, (void)level;
    refusals += strstr(text, "will be tried again") != NULL;
}

/* ---- the work ---- */

typedef struct work {
    client_t *client;
    saver_client_t *saver;
    items_t *items;
    streams_client_t *streams;
    pub_t *publish;
    ask_t *put;
    call_t *plain, *scripted;
    streams_ask_t *append;
    int rounds;
} work_t;

/* Each kind of client takes the world's end for itself. */
static struct {
    void (*end)(world_t *world);
    void *data;
} parts[3];

static void end_parts(world_t *w)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        w->data = parts[i].data;
        parts[i].end(w);
    }
}

static void put_aside(world_t *w, int part)
{
    parts[part].end = w->at_end;
    parts[part].data = w->data;
    w->data = NULL;
    w->at_end = end_parts;
}

static work_t prepare(world_t *w)
{
    redis_ask(&redis, "FLUSHALL");
    refusals = 0;
    work_t work = {.client = world_client(w)};
    work.client->cairn.on_log = note_refusal;
    client_open(work.client, QUICK);
    client_await_count(work.client, "connected", 1);
    work.saver = saver_on(work.client);
    put_aside(w, 0);
    work.items = items_on(work.client);
    put_aside(w, 1);
    work.streams = streams_on(work.client);
    put_aside(w, 2);
    /* So that the next put needs no script. */
    for (int i = 0; i < 3; i++) items_put(work.items, "a", "plain", "0");
    work.publish = client_request(work.client);
    work.put = saver_ask(work.saver);
    work.plain = items_call(work.items);
    work.scripted = items_call(work.items);
    work.append = streams_ask(work.streams);
    return work;
}

static void begin_writes(work_t *work)
{
    char name[16];
    snprintf(name, sizeof name, "c%d", ++work->rounds);
    assert_status(ask_put(work->put, &(put_words_t){.id = name, .channels = "a@1"}), 0);
    assert_status(call_put(work->plain, &(item_words_t){.ns = "a", .key = "plain", .value = "1"}),
                  0);
    assert_status(call_put(work->scripted, &(item_words_t){.ns = "a",
                                                           .key = "scripted",
                                                           .value = "1",
                                                           .options.ttl = cairn_ttl_ms(600000)}),
                  0);
    assert_status(ask_append(work->append, "run", name, NULL), 0);
}

static void begin_all(work_t *work)
{
    begin_writes(work);
    pub_again(work->publish, "news", "hello");
}

static void await_writes(work_t *work, int status)
{
    ask_await(work->put, status);
    call_await(work->plain, status);
    call_await(work->scripted, status);
    streams_ask_await(work->append, status);
}

/* After so many rounds, each carried out once. */
static void assert_done(work_t *work, const char *checkpoints, const char *events)
{
    assert_list(work->saver, checkpoints, .thread_id = cairn_str("t"));
    assert_item(work->items, "a", "plain", "1");
    assert_item(work->items, "a", "scripted", "1");
    assert_stream(work->streams, "run", events);
}

static bool was_refused(void *ctx)
{
    (void)ctx;
    return refusals > 0;
}

/* ---- not now: sent again ---- */

/* A connection that asks for a script without an end. */
static int run_for_ever(void)
{
    static const char script[] = "EVAL \"while true do end\" 0\r\n";
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)redis.server.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(fd, script, sizeof script - 1, 0), (ssize_t)sizeof script - 1);
    return fd;
}

static bool is_busy(void *ctx)
{
    char reply[256];
    (void)ctx;
    return server_ask(&redis.server, "GET x", reply, sizeof reply) < 0 &&
           strstr(redis.server.error, "BUSY");
}

static void a_busy_server_is_waited_for(world_t *w)
{
    work_t work = prepare(w);
    redis_ask(&redis, "CONFIG SET lua-time-limit 5");
    int fd = run_for_ever();
    loop_run_until(&w->loop, "the server to be busy", is_busy, NULL);
    begin_all(&work);
    loop_run_until(&w->loop, "a refusal", was_refused, NULL);
    loop_turns(&w->loop, 50);
    redis_ask(&redis, "SCRIPT KILL");
    await_writes(&work, 0);
    pub_await(work.publish, 0);
    close(fd);
    assert_done(&work, "c1", "c1");
    assert_int_equal(client_stats(work.client).connects, 1);
}

static void a_master_that_became_a_replica_is_left_until_there_is_one(world_t *w)
{
    work_t work = prepare(w);
    redis_ask(&redis, "REPLICAOF 127.0.0.1 1");
    begin_writes(&work);
    client_await_count(work.client, "disconnected CAIRN_EREADONLY", 2);
    redis_ask(&redis, "REPLICAOF NO ONE");
    await_writes(&work, 0);
    assert_done(&work, "c1", "c1");
}

static void a_replica_without_its_master_is_left_until_there_is_one(world_t *w)
{
    work_t work = prepare(w);
    redis_ask(&redis, "CONFIG SET replica-serve-stale-data no");
    redis_ask(&redis, "REPLICAOF 127.0.0.1 1");
    begin_writes(&work);
    client_await_count(work.client, "disconnected CAIRN_ECLUSTER", 2);
    redis_ask(&redis, "REPLICAOF NO ONE");
    redis_ask(&redis, "CONFIG SET replica-serve-stale-data yes");
    await_writes(&work, 0);
    assert_done(&work, "c1", "c1");
}

static void a_server_with_too_many_clients_is_waited_for(world_t *w)
{
    client_t *first = world_open(w, QUICK);
    client_await_count(first, "connected", 1);
    redis_ask(&redis, "CONFIG SET maxclients 1");
    client_t *second = world_open(w, QUICK);
    pub_t *pub = client_publish(second, "news", "x");
    client_await_count(second, "disconnected", 2);
    client_close(first);
    client_await_closed(first);
    pub_await(pub, 0);
    client_close(second);
    client_await_closed(second);
    char reply[64];
    while (server_ask(&redis.server, "CONFIG SET maxclients 10000", reply, sizeof reply) < 0)
        loop_turns(&w->loop, 1); /* until the server has seen the other go */
}

/* ---- told ---- */

static void is_told_and_passes(world_t *w, const char *ill, const char *well, int status)
{
    work_t work = prepare(w);
    redis_ask(&redis, ill);
    begin_writes(&work);
    await_writes(&work, status);
    assert_string_not_equal(work.put->detail, "");
    redis_ask(&redis, well);
    begin_writes(&work);
    await_writes(&work, 0);
    assert_done(&work, "c2", "c2");
    assert_int_equal(client_stats(work.client).connects, 1);
}

static void a_server_out_of_memory_says_so(world_t *w)
{
    is_told_and_passes(w, "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", CAIRN_EOOM);
    assert_true(cairn_err_retryable(CAIRN_EOOM));
}

static void a_server_without_its_replicas_says_so(world_t *w)
{
    is_told_and_passes(w, "CONFIG SET min-replicas-to-write 1",
                       "CONFIG SET min-replicas-to-write 0", CAIRN_EUNSAFE);
    assert_true(cairn_err_retryable(CAIRN_EUNSAFE));
}

static void what_is_not_allowed_is_said(world_t *w)
{
    is_told_and_passes(w, "ACL SETUSER default -@write -evalsha -eval", "ACL SETUSER default +@all",
                       CAIRN_EDENIED);
}

static const scenario_t scenarios[] = {
    SCENARIO(a_busy_server_is_waited_for),
    SCENARIO(a_master_that_became_a_replica_is_left_until_there_is_one),
    SCENARIO(a_replica_without_its_master_is_left_until_there_is_one),
    SCENARIO(a_server_with_too_many_clients_is_waited_for),
    SCENARIO(a_server_out_of_memory_says_so),
    SCENARIO(a_server_without_its_replicas_says_so),
    SCENARIO(what_is_not_allowed_is_said),
};

int main(void)
{
    redis_start(&redis, NULL);
    int failures = SCENARIOS_RUN("redis: refusals", scenarios, redis_url(&redis, NULL, NULL));
    redis_stop(&redis);
    return failures;
}
