/* A slot that is half way to another node: of what has several keys some are here and some there.
 * Nothing may be taken for gone because it is on the other node, and all that is asked meanwhile
 * must come to its end, as soon as the slot has. Every key goes alone, and every key is left
 * behind alone. */
#include "cluster.h"
#include "saver_client.h"
#include "store_client.h"
#include "stream_client.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

enum {
    MASTERS = 2,
    PATIENCE_MS = 60000,
    REFUSALS = 40 /* so often, all in all, is what waits sent again before the slot goes on */
};

static cluster_t cluster;

static void clear(void)
{
    for (int node = 0; node < MASTERS; node++) (void)cluster_ask(&cluster, node, "FLUSHALL");
}

/* ---- what is asked half way ---- */

typedef struct asked {
    ask_t *asks[16];
    call_t *calls[16];
    streams_ask_t *streams[16];
    size_t ask_count, call_count, stream_count;
} asked_t;

static ask_t *one(asked_t *asked, saver_client_t *s)
{
    ask_t *ask = saver_ask(s);
    ask->timeout_ms = PATIENCE_MS;
    return asked->asks[asked->ask_count++] = ask;
}

static call_t *one_call(asked_t *asked, items_t *s)
{
    call_t *call = items_call(s);
    call->timeout_ms = PATIENCE_MS;
    return asked->calls[asked->call_count++] = call;
}

static streams_ask_t *one_of_stream(asked_t *asked, streams_client_t *s)
{
    streams_ask_t *ask = streams_ask(s);
    ask->timeout_ms = PATIENCE_MS;
    return asked->streams[asked->stream_count++] = ask;
}

static bool all_done(const asked_t *asked)
{
    bool done = true;
    for (size_t i = 0; i < asked->ask_count; i++) done = done && ask_is_done(asked->asks[i]);
    for (size_t i = 0; i < asked->call_count; i++) done = done && call_is_done(asked->calls[i]);
    for (size_t i = 0; i < asked->stream_count; i++)
        done = done && streams_ask_is_done(asked->streams[i]);
    return done;
}

static unsigned long refusals(void)
{
    static const char name[] = "errorstat_TRYAGAIN:count=";
    unsigned long count = 0;
    for (int node = 0; node < MASTERS; node++) {
        const char *at = strstr(cluster_ask(&cluster, node, "INFO errorstats"), name);
        if (at) count += strtoul(at + sizeof name - 1, NULL, 10);
    }
    return count;
}

static bool all_have_had_their_chance(void *ctx)
{
    return all_done(ctx) || refusals() >= REFUSALS;
}

static void await_all(const asked_t *asked)
{
    for (size_t i = 0; i < asked->ask_count; i++) ask_await(asked->asks[i], 0);
    for (size_t i = 0; i < asked->call_count; i++) call_await(asked->calls[i], 0);
    for (size_t i = 0; i < asked->stream_count; i++) streams_ask_await(asked->streams[i], 0);
}

/* ---- ways to be half way ---- */

typedef struct thing {
    const char *tag;
    size_t keys; /* at the least */
    void *(*make)(world_t *w);
    void (*ask)(void *made, asked_t *asked);
    void (*check)(void *made, const asked_t *asked);
} thing_t;

/* `number` goes alone, or stays alone. False: there is no such key. */
static bool go_half_way(unsigned slot, int to, size_t number, bool alone, size_t least)
{
    redisReply *keys = cluster_keys(&cluster, slot);
    const size_t count = keys->elements;
    if (count < least) check_fail("only %zu keys", count);
    if (number < count) cluster_move_begin(&cluster, slot, to);
    for (size_t i = 0; i < count && number < count; i++)
        if ((i == number) == alone)
            cluster_move_key(&cluster, slot, to, keys->element[i]->str, keys->element[i]->len);
    freeReplyObject(keys);
    return number < count;
}

static bool try_one(world_t *w, const thing_t *thing, size_t number, bool alone)
{
    const unsigned slot = cluster_slot(thing->tag);
    const int to = 1 - cluster_owner(&cluster, slot);
    asked_t asked = {0};
    clear();
    void *made = thing->make(w);
    if (!go_half_way(slot, to, number, alone, thing->keys)) return false;
    for (int node = 0; node < MASTERS; node++)
        (void)cluster_ask(&cluster, node, "CONFIG RESETSTAT");
    thing->ask(made, &asked);
    loop_run_until(&w->loop, "all have been asked", all_have_had_their_chance, &asked);
    while (cluster_move_keys(&cluster, slot, to, 100) > 0) continue;
    cluster_move_finish(&cluster, slot, to);
    await_all(&asked);
    thing->check(made, &asked);
    return true;
}

static void try_all(world_t *w, const thing_t *thing)
{
    bool more = true;
    for (size_t number = 0; more; number++) {
        more = try_one(w, thing, number, true);
        more = more && try_one(w, thing, number, false);
    }
}

/* ---- a thread ---- */

static void *make_thread(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x b@1=y", .run_id = "r", .ttl = cairn_ttl_ms(600000));
    saver_put(s, "c2", "a@2=z b@1", .parent = "c1");
    saver_write(s, "c1", "t1", "a=1");
    saver_write(s, "c2", "t1", "a=1");
    return s;
}

static void ask_thread(void *made, asked_t *asked)
{
    saver_client_t *s = made;
    const cairn_checkpoint_ref_t c1 = at("c1"), c3 = at("c3");
    const cairn_slice_t other_run = cairn_str("q"), channel = cairn_str("a");
    assert_status(ask_get(one(asked, s), at("c1"), NULL), 0);
    assert_status(ask_list(one(asked, s), &(cairn_saver_query_t){.thread_id = cairn_str("t"),
                                                                 .before = &c3,
                                                                 .headers_only = true}),
                  0);
    assert_status(
        ask_list(one(asked, s), &(cairn_saver_query_t){.before = &c3, .headers_only = true}), 0);
    assert_status(ask_history(one(asked, s), &c1, &channel, 1), 0);
    assert_status(ask_ttl(one(asked, s), CAIRN_SCOPE_CHECKPOINT, at("c1")), 0);
    assert_status(ask_delete_for_runs(one(asked, s), &other_run, 1), 0);
    assert_status(
        ask_set_ttl(one(asked, s), CAIRN_SCOPE_CHECKPOINT, at("c1"), cairn_ttl_ms(500000)), 0);
    assert_status(
        ask_write(one(asked, s), &(write_words_t){.at = "c2", .task = "t2", .writes = "b=2"}), 0);
    assert_status(
        ask_put(one(asked, s),
                &(put_words_t){.id = "c3", .channels = "a@2 b@2=v", .parent = "c2", .run_id = "r"}),
        0);
}

static void check_thread(void *made, const asked_t *asked)
{
    saver_client_t *s = made;
    assert_string_equal(text_chars(&asked->asks[0]->text), "c1 a@1=x b@1=y [t1.0 a=1]");
    assert_string_equal(text_chars(&asked->asks[1]->refs), "c2 c1");
    assert_string_equal(text_chars(&asked->asks[2]->refs), "c2 c1");
    assert_true(asked->asks[4]->ttl_ms > 400000);
    assert_get(s, at("c1"), "c1 a@1=x b@1=y [t1.0 a=1]");
    assert_get(s, at("c2"), "c2 <c1 a@2=z b@1=y [t1.0 a=1] [t2.0 b=2]");
    assert_get(s, latest(), "c3 <c2 a@2=z b@2=v");
    assert_list(s, "c3 c2 c1", .headers_only = true);
    assert_int_equal(saver_delete_run(s, "r"), 2);
    assert_get(s, latest(), "c2 <c1 a@2=z b@1=y [t1.0 a=1] [t2.0 b=2]");
    assert_int_equal(saver_delete_thread(s, "t"), 1);
    saver_assert_empty(s);
    client_close(s->client);
    client_await_closed(s->client);
}

static void nothing_of_a_thread_is_taken_for_gone(world_t *w)
{
    const thing_t thing = {"t", 10, make_thread, ask_thread, check_thread};
    try_all(w, &thing);
}

/* ---- a namespace ---- */

static void *make_space(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "users", "k1", "{\"n\":1}", .options.ttl = cairn_ttl_ms(600000));
    items_put(s, "users", "k2", "{\"n\":2}");
    return s;
}

static int put(call_t *call, const char *key, const char *value, cairn_ttl_t ttl)
{
    return call_put(call,
                    &(item_words_t){.ns = "users", .key = key, .value = value, .options.ttl = ttl});
}

static void ask_space(void *made, asked_t *asked)
{
    items_t *s = made;
    const cairn_ttl_t none = {0};
    const cairn_store_query_t query = {.prefix = ns("users"), .filter = cairn_str("{\"n\":1}")};
    assert_status(call_get(one_call(asked, s), ns("users"), cairn_str("k1"), CAIRN_REFRESH_NO), 0);
    assert_status(call_search(one_call(asked, s), &query), 0);
    assert_status(call_list(one_call(asked, s), NULL), 0);
    assert_status(call_get(one_call(asked, s), ns("users"), cairn_str("k1"), CAIRN_REFRESH_YES), 0);
    assert_status(call_ttl(one_call(asked, s), ns("users"), cairn_str("k1")), 0);
    assert_status(put(one_call(asked, s), "k2", "{\"n\":3}", none), 0);
    assert_status(put(one_call(asked, s), "k3", "{\"n\":4}", none), 0);
    assert_status(put(one_call(asked, s), "k4", "{\"n\":5}", cairn_ttl_ms(600000)), 0);
    assert_status(call_delete(one_call(asked, s), ns("users"), cairn_str("k5")), 0);
}

static void check_space(void *made, const asked_t *asked)
{
    items_t *s = made;
    assert_string_equal(text_chars(&asked->calls[0]->text), "users:k1={\"n\":1}");
    assert_string_equal(text_chars(&asked->calls[1]->places), "users:k1");
    assert_string_equal(text_chars(&asked->calls[2]->places), "users");
    assert_true(asked->calls[4]->ttl_ms > 400000);
    assert_item(s, "users", "k1", "{\"n\":1}");
    assert_item(s, "users", "k2", "{\"n\":3}");
    assert_item(s, "users", "k3", "{\"n\":4}");
    assert_search(s, "users:k1", .prefix = ns("users"), .filter = cairn_str("{\"n\":1}"));
    assert_int_equal(items_count(s, "users", NULL), 4);
    assert_true(items_ttl(s, "users", "k4") > 400000);
    assert_namespaces(s, "users", .prefix = NULL);
    for (int i = 0; i < 4; i++)
        assert_true(items_delete(s, "users", (const char *[]){"k1", "k2", "k3", "k4"}[i]));
    assert_int_equal(items_count(s, "users", NULL), 0);
    client_close(s->client);
    client_await_closed(s->client);
}

static void nothing_of_a_namespace_is_taken_for_gone(world_t *w)
{
    const thing_t thing = {"users", 6, make_space, ask_space, check_space};
    try_all(w, &thing);
}

/* ---- a stream and its group, and copies out of and into its slot ---- */

static cluster_tag_t beside_run;

static void *make_stream(world_t *w)
{
    static const cairn_group_options_t from_all = {.from = CAIRN_FROM_ALL};
    streams_client_t *s = streams_open(w, NULL);
    cluster_tag(beside_run, cluster_slot("run"));
    streams_append(s, "elsewhere", "x y#id");
    streams_append(s, "run", "a b");
    group_create(s, &from_all);
    assert_string_equal(group_read(s, "one", 2), "a:1 b:1");
    group_nak(s, 0, 1, 1);
    return s;
}

static void ask_stream(void *made, asked_t *asked)
{
    streams_client_t *s = made;
    assert_status(ask_length(one_of_stream(asked, s), "run"), 0);
    assert_status(ask_read(one_of_stream(asked, s), cairn_str("run"), NULL), 0);
    assert_status(ask_group_info(one_of_stream(asked, s), "run", "g"), 0);
    assert_status(ask_stream_ttl(one_of_stream(asked, s), "run"), 0);
    assert_status(ask_append(one_of_stream(asked, s), "run", "c", NULL), 0);
    assert_status(ask_copy_stream(one_of_stream(asked, s), "run", "copy", (cairn_ttl_t){0}), 0);
    assert_status(
        ask_copy_stream(one_of_stream(asked, s), "elsewhere", beside_run, (cairn_ttl_t){0}), 0);
}

static void check_stream(void *made, const asked_t *asked)
{
    streams_client_t *s = made;
    assert_in_range(asked->streams[0]->count, 2, 3);
    assert_int_equal(strncmp(text_chars(&asked->streams[1]->text), "a b", 3), 0);
    assert_stream(s, "run", "a b c");
    assert_in_range(asked->streams[5]->count, 2, 3);
    assert_int_equal(strncmp(streams_text(s, "copy"), "a b", 3), 0);
    assert_stream(s, beside_run, "x y#id");
    assert_string_equal(group_read(s, "two", 3), "a:2 c:1");
    group_ack(s, 0, 2);
    assert_string_equal(group_claim(s, "two", 3, 0), "b:2");
    assert_int_equal(streams_clear(s, "run"), 3);
    client_close(s->client);
    client_await_closed(s->client);
}

static void nothing_of_a_stream_is_taken_for_gone(world_t *w)
{
    const thing_t thing = {"run", 3, make_stream, ask_stream, check_stream};
    try_all(w, &thing);
}

static const scenario_t scenarios[] = {
    SCENARIO(nothing_of_a_thread_is_taken_for_gone),
    SCENARIO(nothing_of_a_namespace_is_taken_for_gone),
    SCENARIO(nothing_of_a_stream_is_taken_for_gone),
};

int main(void)
{
    const cluster_options_t options = {.masters = MASTERS, .replicas = -1};
    char url[1024];
    cluster_start(&cluster, &options);
    snprintf(url, sizeof url, "redis+cluster%s", strchr(cluster_url(&cluster, NULL), ':'));
    saver_backend = (saver_backend_t){.clear = clear};
    store_backend = (store_backend_t){.clear = clear, .clock_slack_us = 2000};
    streams_backend = (streams_backend_t){.clear = clear};
    const int failures = SCENARIOS_RUN("redis cluster: half way", scenarios, url);
    cluster_stop(&cluster);
    return failures;
}
