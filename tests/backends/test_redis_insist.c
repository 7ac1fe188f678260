/* What a put has left to do is done, though the server refuses it, or has no use for us, for a
 * while: whoever put it is told of a failure, and nothing stays half done behind it. */
#include "keyspace.h"
#include "redis.h"
#include "saver_client.h"
#include "scripted.h"
#include "store_client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "ACL SETUSER default +script");
    redis_ask(&redis, "CONFIG SET maxmemory 0");
    redis_ask(&redis, "FLUSHALL");
}

/* ---- scripts that cannot be loaded ---- */

/* Whatever is called is not known to it, and stays so. */
static void refuse_scripts(void)
{
    redis_ask(&redis, "SCRIPT FLUSH");
    redis_ask(&redis, "ACL SETUSER default -script");
    redis_ask(&redis, "CONFIG RESETSTAT");
}

static bool is_insisted(void *ctx)
{
    enum {
        TIMES = 16 /* more than any call is sent again by itself */
    };
    static const char name[] = "errorstat_NOSCRIPT:count=";
    (void)ctx;
    const char *at = strstr(redis_ask(&redis, "INFO errorstats"), name);
    return at && strtol(at + sizeof name - 1, NULL, 10) >= TIMES;
}

/* It is asked for in vain, and then not in vain. */
static void allow_scripts(world_t *w)
{
    loop_run_until(&w->loop, "the server to be asked again", is_insisted, NULL);
    redis_ask(&redis, "ACL SETUSER default +script");
}

static bool is_whole(void *ctx)
{
    keyspace_t found;
    (void)ctx;
    keyspace_check(&redis, &found);
    return found.orphans == 0;
}

static void assert_not_whole(void)
{
    assert_false(is_whole(NULL));
}

static void await_whole(saver_client_t *s)
{
    loop_run_until(&s->world->loop, "the keys to be whole", is_whole, NULL);
}

static const put_words_t fourth = {.id = "c4", .channels = "a@1 b@1=y"};
static const put_words_t other_fourth = {.id = "c4", .channels = "a@1 z@1=q"};

static void put_fourth(saver_client_t *s, const put_words_t *words, int status)
{
    assert_status(ask_put(s->own, words), 0);
    ask_await(s->own, status);
}

/* What it put last is known to be the latest, and never to expire. */
static saver_client_t *put_three(saver_client_t *s)
{
    saver_put(s, "c1", "a@1=x");
    saver_put(s, "c2", "a@1");
    saver_put(s, "c3", "a@1");
    return s;
}

static void a_put_is_ended_once_its_script_can_be_loaded(world_t *w)
{
    saver_client_t *s = put_three(saver_open(w, NULL)), *other = saver_open(w, NULL);
    put_fourth(s, &other_fourth, 0);
    assert_get(other, at("c4"), "c4 a@1=x z@1=q");
    refuse_scripts();
    put_fourth(other, &fourth, CAIRN_ESERVER);
    allow_scripts(w);
    await_whole(other);
    assert_get(s, at("c4"), "c4 a@1=x b@1=y");
}

static void so_is_one_by_plain_commands_that_needs_it_after_all(world_t *w)
{
    saver_client_t *s = put_three(saver_open(w, NULL)), *other = saver_open(w, NULL);
    put_fourth(other, &other_fourth, 0);
    refuse_scripts();
    put_fourth(s, &fourth, CAIRN_EMAYBE);
    allow_scripts(w);
    await_whole(s);
    assert_get(other, at("c4"), "c4 a@1=x b@1=y");
}

static void several_are_ended(world_t *w)
{
    enum {
        COUNT = 20
    };
    saver_client_t *s = saver_open(w, NULL), *other = saver_open(w, NULL);
    char id[16];
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof id, "d%02d", i);
        saver_put(s, id, "a@1=x z@1=q");
    }
    assert_get(other, at("d00"), "d00 a@1=x z@1=q");
    refuse_scripts();
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof id, "d%02d", i);
        put_fourth(other, &(put_words_t){.id = id, .channels = "a@1 b@1=y"}, CAIRN_ESERVER);
    }
    allow_scripts(w);
    await_whole(other);
    assert_get(s, at("d07"), "d07 a@1=x b@1=y");
}

static bool is_listed(void *ctx)
{
    (void)ctx;
    return strcmp(redis_ask(&redis, "ZCARD langgraph:store_keys:{a}"), "2") == 0;
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

static void an_item_is_listed_once_the_script_can_be_loaded(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    items_delete(other, "a", "k");
    refuse_scripts();
    call_t *put = items_call(s);
    assert_status(call_put(put, &(item_words_t){.ns = "a", .key = "k", .value = "2"}), 0);
    call_await(put, CAIRN_EMAYBE);
    assert_false(is_listed(NULL));
    allow_scripts(w);
    loop_run_until(&w->loop, "the item to be listed", is_listed, NULL);
    assert_item(other, "a", "k", "2");
    assert_search(other, "a:first a:k", .order = CAIRN_ORDER_KEY);
}

static void a_handle_closes_with_something_left_to_do(world_t *w)
{
    saver_client_t *s = put_three(saver_open(w, NULL)), *other = saver_open(w, NULL);
    put_fourth(s, &other_fourth, 0);
    assert_get(other, at("c4"), "c4 a@1=x z@1=q");
    refuse_scripts();
    put_fourth(other, &fourth, CAIRN_ESERVER);
    loop_turns(&w->loop, 3);
    client_close(other->client);
    client_await_closed(other->client);
    redis_ask(&redis, "ACL SETUSER default +script");
    assert_get(s, at("c4"), "c4 a@1=x b@1=y");
}

/* ---- what was begun once, and is refused when it is sent again ---- */

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
    assert_int_equal(send(fd, "PING\r\n", 6, MSG_NOSIGNAL), 6);
    assert_true(recv(fd, reply, sizeof reply, 0) > 0);
    return fd;
}

static void send_line(int fd, const char *line)
{
    assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
}

static bool has_written_more(void *ctx)
{
    const client_t *client = ctx;
    return client_stats(client).bytes_out > (uint64_t)(uintptr_t)client->data;
}

/* The put finds no script, and no memory when it is sent again behind that. */
static void a_put_without_memory_is_ended_though_its_script_came_too_late(world_t *w)
{
    saver_client_t *s = put_three(saver_open(w, NULL)), *other = saver_open(w, NULL);
    put_fourth(s, &other_fourth, 0);
    assert_get(other, at("c4"), "c4 a@1=x z@1=q");
    redis_ask(&redis, "SCRIPT FLUSH");
    const int fd = open_link();
    ask_t *put = saver_ask(other);
    other->client->data = (void *)(uintptr_t)client_stats(other->client).bytes_out;
    redis_pause(&redis);
    assert_status(ask_put(put, &fourth), 0);
    loop_run_until(&w->loop, "the put to be written", has_written_more, other->client);
    send_line(fd, "CONFIG SET maxmemory 1\r\n");
    redis_resume(&redis);
    ask_await_any(put);
    redis_ask(&redis, "CONFIG SET maxmemory 0");
    close(fd);
    if (put->status != 0 && put->status != CAIRN_EOOM) assert_status(put->status, CAIRN_EMAYBE);
    await_whole(other);
    if (put->status == CAIRN_EOOM) /* before it was begun */
        assert_get(s, at("c4"), "c4 a@1=x z@1=q");
    else
        assert_get(s, at("c4"), "c4 a@1=x b@1=y");
}

/* ---- a server that does not let us in ---- */

static bool is_refused(void *ctx)
{
    const client_t *client = ctx;
    return journal_count(&client->journal, "disconnected CAIRN_EAUTH") > 0;
}

/* The link is given up with the put unanswered, and its user may not come back for a while. */
static void a_put_is_ended_though_we_are_not_let_in_for_a_while(world_t *w)
{
    redis_ask(&redis, "ACL SETUSER worker on >pw ~* &* +@all");
    saver_client_t *other = saver_open(w, NULL);
    w->url =
        redis_url(&redis, "worker:pw", "?keepalive_ms=1000&reconnect_min_ms=1&timeout_ms=15000");
    saver_client_t *s = put_three(saver_on(world_open(w, NULL)));
    put_fourth(other, &other_fourth, 0);
    const int fd = open_link();
    ask_t *put = saver_ask(s);
    s->client->data = (void *)(uintptr_t)client_stats(s->client).bytes_out;
    redis_pause(&redis);
    assert_status(ask_put(put, &fourth), 0);
    loop_run_until(&w->loop, "the put to be written", has_written_more, s->client);
    send_line(fd, "ACL SETUSER worker off\r\n"); /* before any new link */
    ask_await(put, CAIRN_EMAYBE);
    redis_resume(&redis);
    loop_run_until(&w->loop, "the user to be refused", is_refused, s->client);
    assert_not_whole();
    redis_ask(&redis, "ACL SETUSER worker on");
    await_whole(s);
    close(fd);
    assert_get(other, at("c4"), "c4 a@1=x b@1=y");
}

/* ---- what is overtaken ---- */

#define NOSCRIPT "-NOSCRIPT No matching script.\r\n"
#define NEWEST "*4\r\n:0\r\n:3\r\n+OK\r\n$6\r\nnewest\r\n"
#define MORE_TO_IT "*7\r\n:1\r\n:3\r\n+OK\r\n:1\r\n:1\r\n:1\r\n:0\r\n"
#define BUSY_DISCARDS "-EXECABORT Transaction discarded because of: BUSY Redis is busy.\r\n"

static size_t calls_of_put(const scripted_t *server, const char *id)
{
    const journal_t *journal = &server->journal;
    char key[64];
    snprintf(key, sizeof key, "langgraph:checkpoint:{t}:%%:%s", id);
    size_t count = 0;
    for (size_t i = 0; i < journal->count; i++)
        count += strncmp(journal->lines[i], "EVALSHA ", 8) == 0 &&
                 strstr(journal->lines[i], key) != NULL;
    return count;
}

static bool is_called_alone(void *ctx)
{
    return calls_of_put(ctx, "c1") == 3;
}

static void open_scripted(world_t *w, scripted_t *server)
{
    static const char *const queued[] = {"COPY", "HSET", "SET", "RPUSH", "ZADD", "EXISTS"};
    scripted_open(server, &w->loop);
    w->url = server->url;
    for (size_t i = 0; i < sizeof queued / sizeof *queued; i++)
        scripted_always(server, queued[i], "+QUEUED\r\n");
    scripted_always(server, "MULTI", "+OK\r\n");
    scripted_always(server, "SCRIPT LOAD", "+OK\r\n");
}

static void close_scripted(client_t *c, scripted_t *server)
{
    client_close(c);
    client_await_closed(c);
    scripted_close(server);
}

/* The put was begun, and is refused when it is sent again; a publish behind it is carried out, so
 * that it cannot be sent any more in its order. */
static void a_put_is_ended_though_another_request_overtook_it(world_t *w)
{
    scripted_t own, *server = &own; /* the world's end is the saver's */
    open_scripted(w, server);
    for (int i = 0; i < 2; i++) scripted_once(server, "EVALSHA", "+QUEUED\r\n");
    scripted_always(server, "EVALSHA", "$0\r\n\r\n");
    scripted_once(server, "EXEC", "*4\r\n:0\r\n:3\r\n+OK\r\n" NOSCRIPT);
    scripted_once(server, "EXEC", SCRIPTED_SILENCE);
    scripted_once(server, "PUBLISH", ":1\r\n");
    scripted_once(server, "PUBLISH", SCRIPTED_SILENCE);
    client_t *c = world_open(w, "reconnect_min_ms=1&reconnect_max_ms=10");
    client_await(c, "connected");
    saver_client_t *s = saver_on(c);
    ask_t *put = saver_ask(s);
    assert_status(ask_put(put, &(put_words_t){.id = "c1", .channels = "a@1=x"}), 0);
    pub_t *before = client_publish(c, "news", "before");
    pub_await(before, 0);
    scripted_await_count(server, "EXEC", 2);
    pub_t *behind = client_publish(c, "news", "behind");
    scripted_await_count(server, "PUBLISH", 2);
    assert_int_equal(calls_of_put(server, "c1"), 2);
    scripted_push(server, BUSY_DISCARDS ":1\r\n", sizeof BUSY_DISCARDS + sizeof ":1\r\n" - 2);
    pub_await(behind, 0);
    ask_await(put, CAIRN_EMAYBE);
    loop_run_until(&w->loop, "the script alone", is_called_alone, server);
    close_scripted(c, server);
}

static bool is_called_late(void *ctx)
{
    return calls_of_put(ctx, "c2") == 1;
}

/* Of a put by plain commands the server has said that there is more to it; the link is lost before
 * that is written, and the deadline comes before the next link. */
static void a_put_is_ended_though_its_script_was_never_written(world_t *w)
{
    scripted_t own, *server = &own;
    open_scripted(w, server);
    scripted_once(server, "EVALSHA", "+QUEUED\r\n");
    scripted_once(server, "EXEC", NEWEST);
    scripted_once(server, "EXEC", SCRIPTED_SILENCE);
    client_t *c = world_open(w, "reconnect_min_ms=1&reconnect_max_ms=10");
    client_await(c, "connected");
    saver_client_t *s = saver_on(c);
    ask_t *put = saver_ask(s);
    assert_status(ask_put(put, &(put_words_t){.id = "c1", .channels = "a@1=x"}), 0);
    ask_await(put, 0);
    put = saver_ask(s);
    put->timeout_ms = 200;
    assert_status(ask_put(put, &(put_words_t){.id = "c2", .channels = "a@2=y"}), 0);
    scripted_await_count(server, "EXEC", 2);
    assert_int_equal(journal_count(&server->journal, "EXISTS"), 1);
    scripted_refuse(server);
    scripted_push(server, MORE_TO_IT "x\r\n", sizeof MORE_TO_IT + sizeof "x\r\n" - 2);
    ask_await_any(put);
    assert_int_not_equal(put->status, 0);
    assert_int_equal(calls_of_put(server, "c2"), 0);
    scripted_accept(server);
    loop_run_until(&w->loop, "the script alone", is_called_late, server);
    close_scripted(c, server);
}

static const scenario_t scripted[] = {
    SCENARIO(a_put_is_ended_though_its_script_was_never_written),
    SCENARIO(a_put_is_ended_though_another_request_overtook_it),
};

static const scenario_t scenarios[] = {
    SCENARIO(a_put_is_ended_once_its_script_can_be_loaded),
    SCENARIO(so_is_one_by_plain_commands_that_needs_it_after_all),
    SCENARIO(several_are_ended),
    SCENARIO(an_item_is_listed_once_the_script_can_be_loaded),
    SCENARIO(a_handle_closes_with_something_left_to_do),
    SCENARIO(a_put_without_memory_is_ended_though_its_script_came_too_late),
    SCENARIO(a_put_is_ended_though_we_are_not_let_in_for_a_while),
};

int main(void)
{
    redis_start(&redis, NULL);
    saver_backend.clear = store_backend.clear = clear;
    int failures = SCENARIOS_RUN("redis: puts that are ended later", scenarios,
                                 redis_url(&redis, NULL, "?reconnect_max_ms=200&timeout_ms=15000"));
    saver_backend.clear = store_backend.clear = NULL;
    failures += SCENARIOS_RUN("redis: puts that are overtaken", scripted, NULL);
    redis_stop(&redis);
    return failures;
}
