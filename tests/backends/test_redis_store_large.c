/* A namespace of many items, and many namespaces: what a put and a get cost does not grow with
 * them, and nobody waits long while they are searched, listed and counted. Time is not to be relied
 * on here, so work is counted: what a script does before others are served again. */
#include "keyspace.h"
#include "monitor.h"
#include "redis.h"
#include "store_client.h"

#include <stdio.h>

enum {
    ITEMS = 10000,
    SPACES = 2000,
    IN_A_BATCH = 200,
    /* Of all the calls of one script: 1 us each, about, on a slow machine. */
    SCRIPT_ARGUMENTS_MOST = 4000
};

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

static void put_many(items_t *s, size_t count, size_t spaces)
{
    static cairn_store_op_t ops[IN_A_BATCH];
    static char keys[IN_A_BATCH][24], names[IN_A_BATCH][24];
    static cairn_slice_t labels[IN_A_BATCH][2];
    for (size_t i = 0; i < count; i++) {
        const size_t at = i % IN_A_BATCH;
        snprintf(keys[at], sizeof keys[at], "k%05zu", i / spaces);
        snprintf(names[at], sizeof names[at], "n%05zu", i % spaces);
        labels[at][0] = cairn_str("all");
        labels[at][1] = cairn_str(names[at]);
        ops[at] = (cairn_store_op_t){.type = CAIRN_STORE_PUT,
                                     .ns = {labels[at], 2},
                                     .key = cairn_str(keys[at]),
                                     .value = cairn_str(i % 100 ? "{\"n\":0}" : "{\"n\":1}")};
        if (at == IN_A_BATCH - 1) items_batch(s, ops, IN_A_BATCH);
    }
}

static void assert_bounded(monitor_t *m)
{
    monitor_read(m);
    assert_true(m->script_arguments > 0);
    if (m->script_arguments > SCRIPT_ARGUMENTS_MOST)
        check_fail("the calls of a script have %zu arguments", m->script_arguments);
}

static size_t cost_of_put(items_t *s, monitor_t *m, const char *key, int64_t ttl_ms)
{
    monitor_read(m);
    items_put(s, "all/n00000", key, "{}", .options.ttl = cairn_ttl_ms(ttl_ms));
    monitor_read(m);
    assert_true(m->commands > 0);
    return 1000 * m->commands + m->script_arguments;
}

/* The first asks for it, in time for the next. */
static void know_the_time(items_t *s)
{
    for (int i = 0; i < 2; i++) items_put(s, "all/n00000", "k", "{}");
}

/* Of what expires, and so goes by the script, and of what does not. */
static void put_does_as_much_in_a_large_namespace_as_in_a_small_one(world_t *w)
{
    static const int64_t ttls[] = {CAIRN_TTL_PERSIST, 3600000};
    static const char *const keys[][2] = {{"new", "newer"}, {"brief", "briefer"}};
    size_t created[2], updated[2];
    monitor_t m;
    items_t *s = items_open(w, NULL);
    know_the_time(s);
    monitor_start(&m, &redis);
    for (int i = 0; i < 2; i++) {
        created[i] = cost_of_put(s, &m, keys[i][0], ttls[i]);
        updated[i] = cost_of_put(s, &m, keys[i][0], ttls[i]);
    }
    monitor_stop(&m);
    put_many(s, ITEMS, 1);
    know_the_time(s);
    monitor_start(&m, &redis);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(cost_of_put(s, &m, keys[i][1], ttls[i]), created[i]);
        assert_int_equal(cost_of_put(s, &m, keys[i][1], ttls[i]), updated[i]);
    }
    monitor_stop(&m);
}

static void search_at(items_t *s, monitor_t *m, const cairn_store_query_t *query, size_t expected)
{
    call_t *call = items_call(s);
    monitor_read(m);
    assert_status(call_search(call, query), 0);
    call_await(call, 0);
    assert_int_equal(call->count, expected);
    assert_bounded(m);
}

static void a_large_namespace_is_searched_in_pieces(world_t *w)
{
    static const cairn_order_t orders[] = {CAIRN_ORDER_UPDATED_DESC, CAIRN_ORDER_UPDATED_ASC,
                                           CAIRN_ORDER_KEY};
    monitor_t m;
    items_t *s = items_open(w, NULL);
    put_many(s, ITEMS, 1);
    monitor_start(&m, &redis);
    for (size_t i = 0; i < 3; i++) {
        cairn_store_query_t query = {.order = orders[i], .paging.page_size = 2000};
        search_at(s, &m, &query, 2000);
        query.offset = ITEMS - 7;
        search_at(s, &m, &query, 7);
        query.offset = 0;
        query.filter = cairn_str("{\"n\":1}");
        search_at(s, &m, &query, ITEMS / 100);
    }
    assert_int_equal(items_count(s, NULL, "{\"n\":1}"), ITEMS / 100);
    assert_bounded(&m);
    assert_int_equal(items_count(s, NULL, NULL), ITEMS);
    monitor_stop(&m);
}

static void many_namespaces_are_searched_and_listed_in_pieces(world_t *w)
{
    monitor_t m;
    items_t *s = items_open(w, NULL);
    put_many(s, 2 * SPACES, SPACES);
    monitor_start(&m, &redis);
    cairn_store_query_t query = {.paging.page_size = 10};
    search_at(s, &m, &query, 10);
    query.order = CAIRN_ORDER_KEY;
    search_at(s, &m, &query, 10);
    call_t *call = items_call(s);
    cairn_namespace_query_t list = {.paging.page_size = 10000};
    assert_status(call_list(call, &list), 0);
    call_await(call, 0);
    assert_int_equal(call->count, SPACES);
    assert_bounded(&m);
    assert_int_equal(items_count(s, "all", NULL), 2 * SPACES);
    assert_bounded(&m);
    monitor_stop(&m);
}

/* Of thousands that have expired together nobody sees any, and lists lose them in pieces. */
static void what_has_expired_in_great_number_is_purged_in_pieces(world_t *w)
{
    static const cairn_store_options_t brief = {.default_ttl = {true, 400}};
    monitor_t m;
    items_t *s = items_open(w, &brief);
    items_put(s, "all/n00000", "kept", "{}", .options.ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST));
    put_many(s, ITEMS / 2, 1);
    items_put(s, "all/n00000", "last", "{}");
    monitor_start(&m, &redis);
    items_await_gone(s, "all/n00000", "last");
    assert_int_equal(items_count(s, NULL, NULL), 1);
    monitor_read(&m);
    monitor_stop(&m);
    assert_search(s, "all/n00000:kept", .offset = 0);
    items_delete(s, "all/n00000", "kept");
    items_assert_empty(s);
}

static void many_namespaces_are_purged_in_pieces(world_t *w)
{
    enum {
        MANY = 40
    };
    static const cairn_store_options_t brief = {.default_ttl = {true, 600}};
    monitor_t m;
    items_t *s = items_open(w, &brief);
    items_t *lasting = items_beside(s, NULL);
    put_many(lasting, IN_A_BATCH, MANY);
    for (size_t i = 0; i < ITEMS; i += IN_A_BATCH) {
        static cairn_store_op_t ops[IN_A_BATCH];
        static char keys[IN_A_BATCH][24], name[24];
        snprintf(name, sizeof name, "all/n%05zu", i / IN_A_BATCH % MANY);
        for (size_t k = 0; k < IN_A_BATCH; k++) {
            snprintf(keys[k], sizeof keys[k], "x%05zu", i + k);
            ops[k] = (cairn_store_op_t){.type = CAIRN_STORE_PUT,
                                        .ns = ns(name),
                                        .key = cairn_str(keys[k]),
                                        .value = cairn_str("{}")};
        }
        items_batch(s, ops, IN_A_BATCH);
    }
    items_put(s, "all/n00000", "last", "{}");
    items_await_gone(s, "all/n00000", "last");
    monitor_start(&m, &redis);
    assert_int_equal(items_count(lasting, NULL, NULL), IN_A_BATCH);
    assert_bounded(&m);
    monitor_stop(&m);
}

static const scenario_t scenarios[] = {
    SCENARIO(put_does_as_much_in_a_large_namespace_as_in_a_small_one),
    SCENARIO(a_large_namespace_is_searched_in_pieces),
    SCENARIO(many_namespaces_are_searched_and_listed_in_pieces),
    SCENARIO(many_namespaces_are_purged_in_pieces),
    SCENARIO(what_has_expired_in_great_number_is_purged_in_pieces),
};

static void assert_empty(void)
{
    keyspace_await_empty(&redis);
}

int main(void)
{
    redis_start(&redis, NULL);
    store_backend =
        (store_backend_t){.clear = clear, .assert_empty = assert_empty, .clock_slack_us = 2000};
    int failures = SCENARIOS_RUN("redis: large stores", scenarios,
                                 redis_url(&redis, NULL, "?keepalive_ms=0&clock_ms=60000"));
    redis_stop(&redis);
    return failures;
}
