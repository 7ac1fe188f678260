/* MULTI, commands and EXEC as one request, when the link or memory goes; and on a real server. */
#include "alloc_fault.h"
#include "redis.h"
#include "redis_transacting.h"

#include <stdlib.h>

/* ---- a lost link ---- */

/* A put, half answered: one of its commands was refused. */
static pub_t *half_answered(world_t *w, client_t *c, pub_t *put)
{
    scripted_t *server = w->data;
    scripted_await_count(server, "EXEC", 1);
    scripted_push(server, LITERAL("+OK\r\n-OOM no memory\r\n"));
    await_skipped(w, 2);
    speak(server);
    scripted_hangup(server);
    client_await_count(c, "connected", 2);
    return put;
}

static void what_may_go_twice_goes_again_from_multi_on(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    fall_silent(server);
    pub_t *put = half_answered(w, c, put_again(c));
    pub_await(put, 0);
    assert_int_equal(put->receivers, 5);
    assert_int_equal(journal_count(&server->journal, "MULTI"), 2);
    assert_int_equal(journal_count(&server->journal, "EXEC"), 2);
}

static void a_backend_may_say_what_goes_twice(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    fall_silent(server);
    idempotent = true;
    pub_t *put = half_answered(w, c, client_publish(c, "key", "put x"));
    pub_await(put, 0);
    assert_int_equal(journal_count(&server->journal, "MULTI"), 2);
}

static void others_fail_with_the_link(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    fall_silent(server);
    pub_t *put = half_answered(w, c, client_publish(c, "key", "put x"));
    pub_await(put, CAIRN_EMAYBE);
    assert_puts(c, 5);
    assert_int_equal(journal_count(&server->journal, "MULTI"), 2);
}

static void a_refusal_goes_with_its_link(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    fall_silent(server);
    scripted_once(server, "EXEC", SCRIPTED_SILENCE);
    scripted_once(server, "EXEC", ABORTED);
    pub_t *put = half_answered(w, c, put_again(c));
    pub_await(put, CAIRN_ESERVER);
    assert_contains(put->detail, "EXECABORT");
}

static pub_t *put_more_than_fits(client_t *c)
{
    enum {
        LEN = 12 << 20
    };
    char *payload = malloc(LEN);
    assert_non_null(payload);
    memset(payload, 'p', LEN);
    pub_t *put = client_request(c);
    assert_status(pub_try(put, world_channel(c->world, "key"), cairn_slice(payload, LEN)), 0);
    free(payload);
    return put;
}

/* MULTI is answered while the rest is still on its way. */
static void replies_may_come_before_all_is_sent(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, "timeout_ms=60000&" QUICK);
    scripted_once(server, "MULTI", SCRIPTED_SILENCE);
    scripted_pause(server);
    pub_t *put = put_more_than_fits(c);
    loop_turns(&w->loop, 10);
    scripted_push(server, LITERAL("+OK\r\n"));
    await_skipped(w, 1);
    scripted_resume(server);
    pub_await(put, 0);
    assert_int_equal(put->receivers, 5);
    assert_int_equal(server->accepted, 1);
}

static void what_was_sent_in_part_was_not_carried_out_and_goes_again(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, "timeout_ms=60000&" QUICK);
    scripted_pause(server);
    pub_t *put = put_more_than_fits(c);
    loop_turns(&w->loop, 10);
    scripted_push(server, LITERAL("+OK\r\n"));
    await_skipped(w, 1);
    scripted_hangup(server);
    pub_await(put, 0);
    assert_int_equal(journal_count(&server->journal, "MULTI"), 1);
}

static void exec_is_not_answered_before_it_is_sent(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, "timeout_ms=60000&" QUICK);
    scripted_pause(server);
    pub_t *put = put_more_than_fits(c);
    loop_turns(&w->loop, 10);
    scripted_push(server, LITERAL("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n:77\r\n"));
    client_await_count(c, "disconnected CAIRN_EPROTOCOL", 1);
    pub_await(put, 0);
    assert_int_equal(put->receivers, 5);
}

static void put_behind(pub_t *pub)
{
    pub->react = NULL;
    pub_again(pub->data, "key", "put x");
}

static void nothing_is_answered_before_it_is_sent(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    scripted_once(server, "PUBLISH", ":1\r\n+OK\r\n");
    pub_t *put = client_request(c);
    pub_t *pub = client_request(c);
    pub->data = put;
    pub->react = put_behind;
    pub_again(pub, "key", "say x");
    client_await_count(c, "disconnected CAIRN_EPROTOCOL", 1);
    assert_contains(c->detail, "no command asked for");
    pub_await(put, 0);
    assert_int_equal(journal_count(&server->journal, "MULTI"), 1);
}

/* ---- out of memory ---- */

/* What is to be sent again finds no room beside what waits behind it. */
static void without_memory_a_script_is_not_loaded(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    fall_silent(server);
    static char value[3001], rest[3601];
    memset(value, 'p', sizeof value - 1);
    memset(rest, 'y', sizeof rest - 1);
    pub_t *put = client_publish(c, "key", value);
    pub_t *behind = client_publish(c, "key", rest);
    scripted_await_count(server, "PUBLISH", 1);
    scripted_push(server, LITERAL("+OK\r\n+QUEUED\r\n+QUEUED\r\n"));
    await_skipped(w, 3);
    alloc_fail(ALLOC_FAIL_ONCE, 1);
    scripted_push(server, LITERAL("*2\r\n+OK\r\n" NOSCRIPT ":7\r\n"));
    pub_await(behind, 0);
    assert_true(alloc_fault_fired());
    pub_await(put, CAIRN_ESERVER);
    assert_contains(put->detail, "NOSCRIPT");
    assert_int_equal(journal_count(&server->journal, "EXEC"), 1);
    speak(server);
    assert_puts(c, 5);
}

/* ---- a real server ---- */

static redis_t redis;

static const char *key_of(world_t *w)
{
    static char key[64];
    cairn_slice_t name = world_channel(w, "key");
    snprintf(key, sizeof key, "%.*s", (int)name.len, name.ptr);
    return key;
}

static const char *ask_of_key(world_t *w, const char *before, const char *behind)
{
    char command[256];
    snprintf(command, sizeof command, "%s %s%s", before, key_of(w), behind);
    return redis_ask(&redis, command);
}

static void use_scripts(world_t *w, const char *query)
{
    w->url = redis_url(&redis, NULL, NULL);
    redis_ask(&redis, "SCRIPT FLUSH");
    client_t *c = open_ready(w, query);
    assert_puts(c, 5);
    assert_string_equal(ask_of_key(w, "GET", ""), "put x");
    assert_puts(c, 5);
    redis_ask(&redis, "SCRIPT FLUSH");
    pub_t *puts[3];
    for (int i = 0; i < 3; i++) puts[i] = client_publish(c, "key", i % 2 ? "put xy" : "put xyz");
    for (int i = 0; i < 3; i++) pub_await(puts[i], 0);
    assert_string_equal(ask_of_key(w, "GET", ""), "put xyz");
    assert_int_equal(client_stats(c).disconnects, 0);
}

static void a_real_server_takes_it(world_t *w)
{
    use_scripts(w, QUICK);
}

static void a_real_server_takes_it_over_resp2(world_t *w)
{
    use_scripts(w, "protocol=2&" QUICK);
}

static void a_real_server_without_memory_says_so(world_t *w)
{
    w->url = redis_url(&redis, NULL, NULL);
    client_t *c = open_ready(w, QUICK);
    redis_ask(&redis, "CONFIG SET maxmemory 1");
    pub_t *put = client_publish(c, "key", "put x");
    pub_await_any(put);
    redis_ask(&redis, "CONFIG SET maxmemory 0");
    assert_status(put->status, CAIRN_EOOM);
    assert_contains(put->detail, "OOM command not allowed");
    assert_string_equal(ask_of_key(w, "EXISTS", ""), "0");
    assert_puts(c, 5);
}

static void a_user_without_multi_is_told_of_it(world_t *w)
{
    char url[64];
    redis_ask(&redis, "ACL SETUSER ann on >ann-pass ~* &* +@all -multi");
    snprintf(url, sizeof url, "redis://ann:ann-pass@127.0.0.1:%d", redis.server.port);
    w->url = url;
    client_t *c = open_ready(w, QUICK);
    pub_t *put = client_publish(c, "key", "put x");
    pub_await(put, CAIRN_EDENIED);
    assert_contains(put->detail, "NOPERM");
    assert_contains(put->detail, "multi");
}

/* With some allocation failing: until it is accepted and carried out. */
static void put_surely(client_t *c)
{
    for (int i = 0; i < 5; i++) {
        pub_t *put = client_request(c);
        put->publish.req.flags = CAIRN_REQ_IDEMPOTENT;
        int status = pub_try(put, world_channel(c->world, "key"), cairn_str("put x"));
        if (status != 0) assert_status(status, UV_ENOMEM);
        if (status != 0) continue;
        pub_await_any(put);
        if (put->status == 0) assert_int_equal(put->receivers, 5);
        if (put->status == 0) return;
        assert_contains(put->detail, "NOSCRIPT");
    }
    check_fail("no transaction ever succeeded");
}

static void put_without_some_memory(void *ctx)
{
    (void)ctx;
    world_t *w = malloc(sizeof *w);
    assert_non_null(w);
    world_begin(w, redis_url(&redis, NULL, NULL));
    redis_ask(&redis, "SCRIPT FLUSH");
    client_t *c = world_client(w);
    int status = try_open(c, QUICK);
    if (status != 0) assert_status(status, UV_ENOMEM);
    if (status == 0) put_surely(c);
    if (status == 0) assert_string_equal(ask_of_key(w, "GET", ""), "put x");
    world_end(w);
    free(w);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    alloc_fault_each(ALLOC_FAIL_ONCE, 1000, put_without_some_memory, NULL);
}

static const scenario_t scenarios[] = {
    SCENARIO(what_may_go_twice_goes_again_from_multi_on),
    SCENARIO(a_backend_may_say_what_goes_twice),
    SCENARIO(others_fail_with_the_link),
    SCENARIO(a_refusal_goes_with_its_link),
    SCENARIO(replies_may_come_before_all_is_sent),
    SCENARIO(what_was_sent_in_part_was_not_carried_out_and_goes_again),
    SCENARIO(exec_is_not_answered_before_it_is_sent),
    SCENARIO(nothing_is_answered_before_it_is_sent),
    SCENARIO(without_memory_a_script_is_not_loaded),
    SCENARIO(a_real_server_takes_it),
    SCENARIO(a_real_server_takes_it_over_resp2),
    SCENARIO(a_real_server_without_memory_says_so),
    SCENARIO(a_user_without_multi_is_told_of_it),
};

int main(void)
{
    const struct CMUnitTest faults[] = {cmocka_unit_test(each_allocation_may_fail)};
    redis_start(&redis, NULL);
    int failures = SCENARIOS_RUN("redis: transactions", scenarios, NULL);
    failures += cmocka_run_group_tests_name("allocation faults: transactions", faults, NULL, NULL);
    redis_stop(&redis);
    return failures;
}
