/* A server that has no memory left, and keys that somebody else has written to. */
#include "keyspace.h"
#include "redis.h"
#include "saver_client.h"

#include <stdio.h>

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "CONFIG SET maxmemory 0");
    redis_ask(&redis, "FLUSHALL");
}

/* ---- no memory ---- */

static void a_put_that_finds_no_memory_changes_nothing(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x b@1=y", .run_id = "r1");
    saver_write(s, "c1", "t1", "a=1");
    char keys[32];
    snprintf(keys, sizeof keys, "%s", redis_ask(&redis, "DBSIZE"));
    redis_ask(&redis, "CONFIG SET maxmemory 1");
    assert_status(ask_put(s->own, &(put_words_t){.id = "c1", .channels = "a@2=z"}), 0);
    ask_await(s->own, CAIRN_EOOM);
    assert_true(cairn_err_retryable(s->own->status));
    assert_status(ask_put(s->own, &(put_words_t){.id = "c2", .channels = "a@2=z"}), 0);
    ask_await(s->own, CAIRN_EOOM);
    write_words_t write = {.at = "c1", .task = "t2", .writes = "a=1"};
    assert_status(ask_write(s->own, &write), 0);
    ask_await(s->own, CAIRN_EOOM);
    assert_get(s, latest(), "c1 a@1=x b@1=y [t1.0 a=1]");
    assert_get(s, at("c1"), "c1 a@1=x b@1=y [t1.0 a=1]");
    write.at = "c3";
    assert_status(ask_write(s->own, &write), 0);
    ask_await(s->own, CAIRN_EOOM);
    write.ttl = cairn_ttl_ms(100000);
    assert_status(ask_write(s->own, &write), 0);
    ask_await(s->own, CAIRN_EOOM);
    assert_get(s, latest(), "c1 a@1=x b@1=y [t1.0 a=1]");
    redis_ask(&redis, "CONFIG SET maxmemory 0");
    assert_get(s, latest(), "c1 a@1=x b@1=y [t1.0 a=1]");
    assert_none(s, at("c2"));
    assert_string_equal(redis_ask(&redis, "DBSIZE"), keys);
    assert_string_equal(redis_ask(&redis, "LLEN langgraph:checkpoint_write:{t}:%:c1"), "2");
    assert_string_equal(redis_ask(&redis, "ZCARD langgraph:thread:{t}"), "1");
    keyspace_assert_whole(&redis);
}

static void without_memory_there_is_still_deleting(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    for (int i = 0; i < 5; i++) {
        char id[] = {'c', (char)('0' + i), '\0'};
        saver_put(s, id, "a@1=x", .run_id = i % 2 ? "r1" : "r2");
    }
    redis_ask(&redis, "CONFIG SET maxmemory 1");
    assert_int_equal(saver_delete_run(s, "r1"), 2);
    assert_int_equal(saver_prune(s, "t", 2), 1);
    assert_int_equal(saver_delete_thread(s, "t"), 2);
    redis_ask(&redis, "CONFIG SET maxmemory 0");
    keyspace_await_empty(&redis);
}

/* ---- keys that others have written ---- */

/* Whatever it reads, it says so, and goes on. */
static void expect_trouble(saver_client_t *s)
{
    static const cairn_saver_get_options_t headers = {.headers_only = true};
    cairn_saver_query_t query = {.thread_id = cairn_str("t")};
    cairn_slice_t channel = cairn_str("a");
    cairn_checkpoint_ref_t place = latest();
    int told = 0;
    for (int i = 0; i < 6; i++) {
        int rc = i == 0   ? ask_get(s->own, at("c1"), NULL)
                 : i == 1 ? ask_get(s->own, latest(), NULL)
                 : i == 2 ? ask_get(s->own, latest(), &headers)
                 : i == 3 ? ask_list(s->own, &query)
                 : i == 4 ? ask_list(s->own, NULL)
                          : ask_history(s->own, &place, &channel, 1);
        assert_status(rc, 0);
        ask_await_any(s->own);
        if (s->own->status == 0) continue;
        told++;
        if (s->own->status != CAIRN_ESERVER) assert_status(s->own->status, CAIRN_EPROTOCOL);
        assert_true(s->own->detail[0] != '\0');
    }
    assert_true(told > 0);
    saver_put(s, "c", "a@1=x", .thread = "other");
    assert_get(s, thread("other"), "other//c a@1=x");
    assert_int_equal(client_stats(s->client).disconnects, 0);
}

static void spoil(world_t *w, const char *command)
{
    clear();
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c0", "a@1=x");
    saver_put(s, "c1", "a@1", .parent = "c0");
    saver_write(s, "c1", "t1", "a=1");
    redis_ask(&redis, command);
    expect_trouble(s);
}

static void a_spoilt_body_is_an_error_and_no_more(world_t *w)
{
    spoil(w, "HSET langgraph:checkpoint:{t}:%:c1 b garbage");
    spoil(w, "HSET langgraph:checkpoint:{t}:%:c1 b \"\"");
    spoil(w,
          "HSET langgraph:checkpoint:{t}:%:c1 b \"\\x01\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\"");
    spoil(w, "HSET langgraph:checkpoint:{t}:%:c1 b \"\\xff\"");
}

/* Sizes that are more than there is, of each part. */
static void a_spoilt_write_is_an_error_and_no_more(world_t *w)
{
    static const char write[] = "RPUSH langgraph:checkpoint_write:{t}:%:c1 ";
    static const char *const spoilt[] = {
        "garbage",
        "x",
        "\"\\x00\\x00\\x00\\x00\\xff\\xff\\xff\\xff\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
        "\\x00\\x00\\x00\\x00t\"",
        "\"\\x00\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x00\\x00\\x00"
        "\\x01\\x00\\x00\\x00ta\"",
        "\"\\x00\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x00\\x00\\x00\"",
    };
    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
        char command[512];
        snprintf(command, sizeof command, "%s%s", write, spoilt[i]);
        spoil(w, command);
    }
    spoil(w, "SET langgraph:checkpoint_write:{t}:%:c1 garbage");
}

static void a_spoilt_value_is_an_error_and_no_more(world_t *w)
{
    spoil(w, "SET langgraph:checkpoint_blob:{t}:%:a:1 \"\\xff\\xff\\xff\\xff\\xffx\"");
    spoil(w, "SET langgraph:checkpoint_blob:{t}:%:a:1 \"v\\xff\\xff\\xff\\xffx\"");
    spoil(w, "SET langgraph:checkpoint_blob:{t}:%:a:1 \"v\\x01\\x00\"");
    spoil(w, "SET langgraph:checkpoint_blob:{t}:%:a:1 \"\"");
    spoil(w, "SET langgraph:checkpoint:{t}:%:c1 x");
}

static void a_spoilt_list_is_an_error_and_no_more(world_t *w)
{
    spoil(w, "HSET langgraph:checkpoint:{t}:%:c1 l \"a:1 b:1\"");
    spoil(w, "HSET langgraph:checkpoint:{t}:%:c1 l \"\"");
    spoil(w, "SET langgraph:thread:{t} x");
    spoil(w, "ZADD langgraph:thread:{t} 0 cgarbage");
    spoil(w, "ZADD langgraph:checkpoints:52 0 garbage");
    spoil(w, "SET langgraph:checkpoints:52 x");
}

static const scenario_t scenarios[] = {
    SCENARIO(a_put_that_finds_no_memory_changes_nothing),
    SCENARIO(without_memory_there_is_still_deleting),
    SCENARIO(a_spoilt_body_is_an_error_and_no_more),
    SCENARIO(a_spoilt_write_is_an_error_and_no_more),
    SCENARIO(a_spoilt_value_is_an_error_and_no_more),
    SCENARIO(a_spoilt_list_is_an_error_and_no_more),
};

int main(void)
{
    redis_start(&redis, NULL);
    saver_backend.clear = clear;
    int failures = SCENARIOS_RUN("redis: saver's faults", scenarios, redis_url(&redis, NULL, NULL));
    redis_stop(&redis);
    return failures;
}
