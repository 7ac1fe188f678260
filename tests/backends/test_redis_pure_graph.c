/* The layout of Pure Graph, key by key: what an append leaves on the server, and what is read of
 * what others left there, by raw commands as its RedisStreamQueue sends them. */
#include "redis.h"
#include "stream_client.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

static redis_t redis;
static redisContext *raw;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

/* ---- raw commands ---- */

static redisReply *ask_raw(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(raw, format, args);
    va_end(args);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR) fail_msg("%s", reply->str);
    return reply;
}

#define RAW(...) freeReplyObject(ask_raw(__VA_ARGS__))

static void assert_raw(const char *wanted, redisReply *reply)
{
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    assert_string_equal(reply->str, wanted);
    freeReplyObject(reply);
}

/* As its push: base64 of {"event":"m","data":1,"id":{"lc":2,"type":"undefined"}} and so on. */
static void push_raw(const char *stream, const char *base64, const char *message)
{
    RAW("XADD stream:%s * data %s", stream, base64);
    RAW("EXPIRE stream:%s 300", stream);
    RAW("RPUSH queue:%s %s", stream, message);
    RAW("EXPIRE queue:%s 300", stream);
}

#define M1 "eyJldmVudCI6InQiLCJkYXRhIjoxfQ==" /* {"event":"t","data":1} */
#define M2 "eyJldmVudCI6InQiLCJkYXRhIjoyfQ=="
#define END_64                                                                                     \
    "eyJldmVudCI6Il9fc3RyZWFtX2VuZF9fIiwiZGF0YSI6InN0cmVhbSBlbmQifQ=="   /* ..."stream end"} */
#define CANCEL_64 "eyJldmVudCI6Il9fc3lzdGVtX2NhbmNlbF9fIiwiZGF0YSI6MX0=" /* __system_cancel__ */

/* ---- what an append leaves ---- */

static void assert_entry(const char *stream, const char *position, const char *base64)
{
    redisReply *reply = ask_raw("XRANGE stream:%s - +", stream);
    assert_int_equal(reply->elements, 1);
    const redisReply *entry = reply->element[0];
    assert_string_equal(entry->element[0]->str, position);
    assert_int_equal(entry->element[1]->elements, 2);
    assert_string_equal(entry->element[1]->element[0]->str, "data");
    assert_string_equal(entry->element[1]->element[1]->str, base64);
    freeReplyObject(reply);
}

static void an_append_leaves_a_stream_and_a_list(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    const cairn_stream_entry_t entry = {.event = cairn_str("t"),
                                        .data = {cairn_str("json"), cairn_str("1")}};
    assert_ends(s->own, ask_append_raw(s->own, cairn_str("a:{b}"), &entry, 1, NULL), 0);
    char position[CAIRN_POSITION_SIZE];
    cairn_position_format(s->own->position, position);
    assert_entry("a:{b}", position, M1);
    assert_raw("{\"event\":\"t\",\"data\":1}", ask_raw("LINDEX queue:a:{b} 0"));
    assert_string_equal(redis_ask(&redis, "DBSIZE"), "2");
    assert_in_range(strtol(redis_ask(&redis, "PTTL stream:a:{b}"), NULL, 10), 200000, 300000);
    assert_in_range(strtol(redis_ask(&redis, "PTTL queue:a:{b}"), NULL, 10), 200000, 300000);
}

static void every_key_has_a_ttl_and_a_clear_leaves_none(world_t *w)
{
    const cairn_streams_options_t options = {.max_events = 2};
    streams_client_t *s = streams_open(w, &options);
    streams_append(s, "run", "a#1 b#2 c");
    static const char *const keys[] = {"stream:run", "queue:run", "langgraph:queue_more:{run}",
                                       "langgraph:queue_past:{run}"};
    assert_string_equal(redis_ask(&redis, "DBSIZE"), "4");
    for (size_t i = 0; i < 4; i++) {
        char command[64];
        snprintf(command, sizeof command, "PTTL %s", keys[i]);
        assert_in_range(strtol(redis_ask(&redis, command), NULL, 10), 200000, 300000);
    }
    assert_string_equal(redis_ask(&redis, "LLEN queue:run"), "2");
    assert_int_equal(streams_clear(s, "run"), 2);
    assert_string_equal(redis_ask(&redis, "DBSIZE"), "1");
    assert_in_range(strtol(redis_ask(&redis, "PTTL langgraph:queue_past:{run}"), NULL, 10), 1,
                    1000);
}

/* ---- what others left ---- */

static void what_others_push_is_followed(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_backend.other_type = "json";
    push_raw("run", M1, "x");
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    follower_await(f, "event t=1", "live");
    push_raw("run", M2, "x");
    follower_await(f, "event t=1", "live", "event t=2");
    push_raw("run", END_64, "x");
    follower_await_count(f, "ended", 1);
    assert_true(streams_info(s, "run"));
    assert_string_equal(text_chars(&s->own->text), CAIRN_STREAM_END);
    assert_ends(s->own, ask_append(s->own, "run", "more", NULL), UV_EPIPE);
}

static void a_cancel_of_others_is_a_cancel(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_backend.other_type = "json";
    watcher_t *before = streams_watch(s, "run");
    push_raw("run", M1, "x");
    push_raw("run", CANCEL_64, "x");
    watcher_await(before, "cancelled CANCEL=1");
    watcher_t *behind = streams_watch(s, "run");
    watcher_await(behind, "cancelled CANCEL=1");
    assert_ends(s->own, ask_append(s->own, "run", "more", NULL), UV_EPIPE);
}

static void fields_that_nobody_knows_are_passed_over(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_backend.other_type = "json";
    RAW("XADD stream:run * a b data %s c d", M1);
    assert_stream(s, "run", "t=1");
}

static void what_is_no_message_is_an_error_of_who_reads_it(world_t *w)
{
    static const char *const data[] = {"data !", "data e30=", "other x", "data YWJj"};
    streams_client_t *s = streams_open(w, NULL);
    for (size_t i = 0; i < sizeof data / sizeof *data; i++) {
        char command[128];
        redis_ask(&redis, "DEL stream:run");
        follower_t *f = streams_follow(s, "run", NULL);
        follower_await(f, "live");
        snprintf(command, sizeof command, "XADD stream:run * %s", data[i]);
        redis_ask(&redis, command);
        follower_await(f, "live", "failed CAIRN_EPROTOCOL");
        assert_ends(s->own, ask_read(s->own, cairn_str("run"), NULL), CAIRN_EPROTOCOL);
        follower_close(f);
        streams_append(s, "others", "a");
    }
    assert_int_equal(streams_length(s, "others"), 4);
}

/* Its poll is that of the others, too. */
static void a_key_that_is_no_stream_fails_those_who_follow_it(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *good = streams_follow(s, "good", NULL);
    follower_t *bad = streams_follow(s, "bad", NULL);
    follower_await(good, "live");
    follower_await(bad, "live");
    redis_ask(&redis, "SET stream:bad x");
    follower_await_count(bad, "failed", 1);
    streams_append(s, "good", "a");
    follower_await(good, "live", "event a");
    follower_t *again = streams_follow(s, "bad", NULL);
    follower_await_count(again, "failed", 1);
}

static void a_clear_of_others_goes_unnoticed_and_loses_nothing(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_backend.other_type = "json";
    push_raw("run", M1, "x");
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    follower_await(f, "event t=1", "live");
    RAW("DEL stream:run");
    RAW("DEL queue:run");
    push_raw("run", M2, "x");
    follower_await(f, "event t=1", "live", "event t=2");
}

static void a_lost_link_is_followed_over(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_backend.other_type = "json";
    follower_t *f = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    push_raw("run", M1, "x");
    follower_await(f, "live", "event t=1");
    redis_ask(&redis, "CLIENT KILL TYPE normal SKIPME yes");
    redisFree(raw);
    raw = redisConnectUnix(redis.server.unix_path);
    assert_non_null(raw);
    push_raw("run", M2, "x");
    follower_await_events(f, 2);
    follower_await_count(f, "resumed", 1);
    assert_string_equal(text_chars(&f->text), "t=1 t=2");
    assert_int_equal(journal_count(&f->journal, "gap"), 0);
}

static void a_layout_that_is_none_is_refused(world_t *w)
{
    client_t *c = world_client(w);
    w->url = redis_url(&redis, NULL, "?stream_layout=pure-graph");
    assert_status(client_try_open(c, NULL), CAIRN_EOPTION);
    assert_string_equal(c->error.text, "stream_layout is neither cairn nor pure_graph");
    w->url = redis_url(&redis, NULL, "?stream_layout=cairn");
    assert_status(client_try_open(c, NULL), 0);
    client_await(c, "connected");
    assert_true(cairn_capabilities(&c->cairn) & CAIRN_CAP_STREAM_GROUPS);
}

static const scenario_t scenarios[] = {
    SCENARIO(an_append_leaves_a_stream_and_a_list),
    SCENARIO(every_key_has_a_ttl_and_a_clear_leaves_none),
    SCENARIO(what_others_push_is_followed),
    SCENARIO(a_cancel_of_others_is_a_cancel),
    SCENARIO(fields_that_nobody_knows_are_passed_over),
    SCENARIO(what_is_no_message_is_an_error_of_who_reads_it),
    SCENARIO(a_key_that_is_no_stream_fails_those_who_follow_it),
    SCENARIO(a_clear_of_others_goes_unnoticed_and_loses_nothing),
    SCENARIO(a_lost_link_is_followed_over),
    SCENARIO(a_layout_that_is_none_is_refused),
};

int main(void)
{
    redis_start(&redis, NULL);
    raw = redisConnectUnix(redis.server.unix_path);
    if (!raw || raw->err) return 2;
    streams_backend.clear = clear;
    int failures =
        SCENARIOS_RUN("the layout of Pure Graph, RESP3", scenarios,
                      redis_url(&redis, NULL, "?stream_layout=pure_graph&reconnect_min_ms=1"));
    failures += SCENARIOS_RUN(
        "the layout of Pure Graph, RESP2", scenarios,
        redis_url(&redis, NULL, "?stream_layout=pure_graph&protocol=2&reconnect_min_ms=1"));
    redisFree(raw);
    redis_stop(&redis);
    return failures;
}
