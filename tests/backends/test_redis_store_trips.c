/* One command an operation: counted where the server counts them. A transaction counts as its
 * commands with MULTI and EXEC, which go in one flush. */
#include "keyspace.h"
#include "monitor.h"
#include "redis.h"
#include "store_client.h"

#include <stdio.h>

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

/* A store whose connection is up and whose scripts the server knows. */
static items_t *open_watched(world_t *w, const cairn_store_options_t *options, monitor_t *monitor)
{
    items_t *s = items_open(w, options);
    for (int i = 0; i < 2; i++) /* the second asks for the time as well */
        items_put(s, "warm", "k", "1", .options.ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST));
    items_delete(s, "warm", "k");
    monitor_start(monitor, &redis);
    return s;
}

#define assert_commands(monitor, expected)                                                         \
    assert_commands_at((monitor), (expected), __FILE__, __LINE__)
static void assert_commands_at(monitor_t *monitor, size_t expected, const char *file, int line)
{
    monitor_read(monitor);
    if (monitor->commands == expected) return;
    check_fail_at(file, line, "%zu commands, expected %zu; the last:%s", monitor->commands,
                  expected, monitor->last);
}

/* Puts that go by no script are one transaction: test_redis_store_plain.c. */
static void a_put_and_a_delete_are_one_command(world_t *w)
{
    monitor_t m;
    items_t *s = open_watched(w, NULL, &m);
    items_put(s, "a/b", "k", "{\"n\":1}");
    assert_commands(&m, 1);
    items_put(s, "a/b", "k", "{\"n\":3}", .options.ttl = cairn_ttl_ms(60000));
    assert_commands(&m, 1);
    items_delete(s, "a/b", "k");
    assert_commands(&m, 1);
    monitor_stop(&m);
}

static void what_is_large_does_not_pass_through_the_script(world_t *w)
{
    enum {
        LARGE = 5000
    };
    static char value[LARGE + 1];
    memset(value, 'x', LARGE);
    monitor_t m;
    items_t *s = open_watched(w, NULL, &m);
    items_put(s, "a", "k", value);
    assert_commands(&m, 4); /* MULTI SET EVALSHA EXEC */
    assert_item(s, "a", "k", value);
    monitor_stop(&m);
}

static void a_get_is_one_command(world_t *w)
{
    monitor_t m;
    items_t *s = open_watched(w, NULL, &m);
    items_put(s, "a", "k", "1");
    monitor_read(&m);
    items_get(s, "a", "k");
    assert_commands(&m, 1);
    items_get(s, "a", "none");
    assert_commands(&m, 1);
    items_has(s, "a", "k");
    assert_commands(&m, 1);
    monitor_stop(&m);
}

static void a_get_that_refreshes_is_one_transaction(world_t *w)
{
    static const cairn_store_options_t hourly = {.default_ttl = {true, 3600000}};
    monitor_t m;
    items_t *s = open_watched(w, &hourly, &m);
    items_put(s, "a", "k", "1");
    monitor_read(&m);
    items_get(s, "a", "k");
    assert_commands(&m, 4); /* MULTI GET EVALSHA EXEC */
    items_has(s, "a", "k");
    assert_commands(&m, 1);
    monitor_stop(&m);
}

/* Who has not met a TTL yet asks plainly, and once more when it turns out that there is one. */
static void the_first_get_of_what_expires_asks_twice(world_t *w)
{
    monitor_t m;
    items_t *s = open_watched(w, NULL, &m);
    items_t *other = items_open(w, NULL);
    items_put(s, "a", "k", "1", .options.ttl = cairn_ttl_ms(60000));
    items_has(other, "b", "k");
    monitor_read(&m);
    items_get(other, "a", "k");
    assert_commands(&m, 5);
    items_get(other, "a", "k");
    assert_commands(&m, 4);
    monitor_stop(&m);
}

static void ttls_are_one_command(world_t *w)
{
    monitor_t m;
    items_t *s = open_watched(w, NULL, &m);
    items_put(s, "a", "k", "1");
    monitor_read(&m);
    items_set_ttl(s, "a", "k", 60000);
    assert_commands(&m, 1);
    items_ttl(s, "a", "k");
    assert_commands(&m, 1);
    items_pin(s, "a", "k");
    assert_commands(&m, 1);
    monitor_stop(&m);
}

enum {
    BATCH = 256
};

static cairn_store_op_t ops[2 * BATCH];
static char keys[BATCH][16];

static void make_ops(cairn_store_op_type_t type)
{
    for (size_t i = 0; i < BATCH; i++) {
        snprintf(keys[i], sizeof keys[i], "k%zu", i);
        ops[i] = (cairn_store_op_t){.type = type,
                                    .ns = ns("a/b"),
                                    .key = cairn_str(keys[i]),
                                    .value = cairn_str("{\"n\":1}")};
    }
}

static item_facts_t facts_of(items_t *s, const char *key)
{
    items_get_raw(s, ns("a/b"), cairn_str(key), CAIRN_REFRESH_NO);
    assert_int_equal(s->own->fact_count, 1);
    return s->own->facts[0];
}

/* What is sent before its answers are read is one transaction: MULTI and EXEC once. */
static void a_batch_of_256_is_one_round_trip(world_t *w)
{
    monitor_t m;
    items_t *s = open_watched(w, NULL, &m);
    make_ops(CAIRN_STORE_PUT);
    items_batch(s, ops, BATCH);
    assert_commands(&m, 3); /* MULTI EVALSHA EXEC */
    items_batch(s, ops, BATCH);
    assert_commands(&m, 3);
    make_ops(CAIRN_STORE_GET);
    items_batch(s, ops, BATCH);
    assert_commands(&m, BATCH + 2); /* MULTI GET... EXEC */
    assert_int_equal(s->own->fact_count, BATCH);
    make_ops(CAIRN_STORE_DELETE);
    items_batch(s, ops, BATCH);
    assert_commands(&m, 3);
    monitor_stop(&m);
    items_assert_empty(s);
}

/* What the script does of it: a look at each, a SET of each, and all into the list at once. */
static void a_batch_of_what_is_there_costs_two_calls_a_put(world_t *w)
{
    monitor_t m;
    items_t *s = open_watched(w, NULL, &m);
    make_ops(CAIRN_STORE_PUT);
    items_batch(s, ops, BATCH);
    const item_facts_t before = facts_of(s, "k7");
    monitor_read(&m);
    items_batch(s, ops, BATCH);
    assert_commands(&m, 3);
    assert_int_equal(m.script_calls, 2 * BATCH + 1);
    const item_facts_t after = facts_of(s, "k7");
    assert_true(after.created_at_us == before.created_at_us);
    assert_true(after.updated_at_us > before.updated_at_us);
    items_put(s, "a/b", "k3", "2", .options.ttl = cairn_ttl_ms(60000));
    items_batch(s, ops, BATCH); /* one of which loses its TTL */
    assert_int_equal(items_ttl(s, "a/b", "k3"), CAIRN_TTL_PERSIST);
    assert_int_equal(items_count(s, "a", NULL), BATCH);
    monitor_stop(&m);
    make_ops(CAIRN_STORE_DELETE);
    items_batch(s, ops, BATCH);
    items_assert_empty(s);
}

static void what_a_batch_reads_is_refreshed_behind_it_and_from_then_on_within_it(world_t *w)
{
    const cairn_store_op_t two[] = {
        {.type = CAIRN_STORE_GET, .ns = ns("a"), .key = cairn_str("k")},
        {.type = CAIRN_STORE_GET, .ns = ns("a"), .key = cairn_str("l")}};
    monitor_t m;
    items_t *s = open_watched(w, NULL, &m);
    items_t *other = items_open(w, NULL);
    items_put(s, "a", "k", "1", .options.ttl = cairn_ttl_ms(60000));
    items_put(s, "a", "l", "1");
    items_has(other, "b", "k");
    items_await_ttl(s, "a", "k", 59990);
    monitor_read(&m);
    items_batch(other, two, 2);
    span_t read = other->span;
    assert_commands(&m, 7); /* MULTI GET GET EXEC, MULTI EVALSHA EXEC */
    assert_item_ttl(s, "a", "k", 60000, read);
    items_await_ttl(s, "a", "k", 59990);
    monitor_read(&m);
    items_batch(other, two, 2);
    read = other->span;
    assert_commands(&m, 5); /* MULTI GET GET EVALSHA EXEC */
    assert_item_ttl(s, "a", "k", 60000, read);
    assert_int_equal(items_ttl(s, "a", "l"), CAIRN_TTL_PERSIST);
    monitor_stop(&m);
}

static void a_small_search_list_and_count_are_one_command(world_t *w)
{
    monitor_t m;
    items_t *s = open_watched(w, NULL, &m);
    for (int i = 0; i < 20; i++) {
        char key[] = {'k', (char)('a' + i), '\0'};
        items_put(s, i % 2 ? "a" : "a/b", key, "{\"n\":1}");
    }
    monitor_read(&m);
    items_search(s, NULL);
    assert_commands(&m, 1);
    items_search(s, &(cairn_store_query_t){.filter = cairn_str("{\"n\":1}")});
    assert_commands(&m, 1);
    items_search(s, &(cairn_store_query_t){.order = CAIRN_ORDER_KEY, .prefix = ns("a/b")});
    assert_commands(&m, 1);
    items_list(s, &(list_words_t){.prefix = "a"});
    assert_commands(&m, 1);
    items_count(s, NULL, NULL);
    assert_commands(&m, 1);
    monitor_stop(&m);
}

static void a_server_that_has_forgotten_the_scripts_is_told_again(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    redis_ask(&redis, "SCRIPT FLUSH");
    assert_true(items_put(s, "a", "k", "2"));
    redis_ask(&redis, "SCRIPT FLUSH");
    assert_search(s, "a:k", .offset = 0);
    redis_ask(&redis, "SCRIPT FLUSH");
    make_ops(CAIRN_STORE_PUT);
    items_batch(s, ops, BATCH);
    assert_int_equal(items_count(s, NULL, NULL), BATCH + 1);
}

/* ---- keys ---- */

static void assert_every_key_has_a_ttl(void)
{
    keyspace_t found;
    keyspace_check(&redis, &found);
    if (found.without_ttl > 0)
        check_fail("%zu keys have no TTL, as %s", found.without_ttl, found.persistent);
    assert_true(found.keys > 0);
}

static void under_a_default_ttl_every_key_has_one(world_t *w)
{
    static const cairn_store_options_t hourly = {.default_ttl = {true, 3600000}};
    static char value[5000];
    memset(value, 'x', sizeof value - 1);
    items_t *s = items_open(w, &hourly);
    items_put(s, "a/b", "k1", "1");
    assert_every_key_has_a_ttl();
    items_put(s, "a/b", "k2", value);
    items_put(s, "c", "k1", "1", .options.ttl = cairn_ttl_ms(100));
    items_put(s, "a/b", "k1", "2");
    make_ops(CAIRN_STORE_PUT);
    items_batch(s, ops, BATCH);
    items_search(s, NULL);
    assert_every_key_has_a_ttl();
    items_pin(s, "a/b", "k1");
    items_unpin(s, "a/b", "k1");
    assert_every_key_has_a_ttl();
    items_put(s, "a/b", "k9", "1", .options.ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST));
    items_delete(s, "a/b", "k9");
    assert_every_key_has_a_ttl();
}

static void deleting_everything_leaves_no_key(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a/b", "k1", "1", .options.ttl = cairn_ttl_ms(3600000));
    items_put(s, "a/b", "k2", "1");
    items_put(s, "c", "k1", "1");
    items_put(s, "d", "k1", "1", .options.ttl = cairn_ttl_ms(3600000));
    items_delete(s, "a/b", "k2");
    items_delete(s, "c", "k1");
    items_delete(s, "d", "k1");
    items_delete(s, "a/b", "k1");
    assert_string_equal(redis_ask(&redis, "DBSIZE"), "0");
}

static const scenario_t scenarios[] = {
    SCENARIO(a_put_and_a_delete_are_one_command),
    SCENARIO(what_is_large_does_not_pass_through_the_script),
    SCENARIO(a_get_is_one_command),
    SCENARIO(a_get_that_refreshes_is_one_transaction),
    SCENARIO(the_first_get_of_what_expires_asks_twice),
    SCENARIO(ttls_are_one_command),
    SCENARIO(a_batch_of_256_is_one_round_trip),
    SCENARIO(a_batch_of_what_is_there_costs_two_calls_a_put),
    SCENARIO(what_a_batch_reads_is_refreshed_behind_it_and_from_then_on_within_it),
    SCENARIO(a_small_search_list_and_count_are_one_command),
    SCENARIO(a_server_that_has_forgotten_the_scripts_is_told_again),
    SCENARIO(under_a_default_ttl_every_key_has_one),
    SCENARIO(deleting_everything_leaves_no_key),
};

int main(void)
{
    redis_start(&redis, NULL);
    store_backend.clear = clear;
    store_backend.clock_slack_us = 2000;
    int failures = SCENARIOS_RUN("redis: store's round trips", scenarios,
                                 redis_url(&redis, NULL, "?keepalive_ms=0&clock_ms=60000"));
    redis_stop(&redis);
    return failures;
}
