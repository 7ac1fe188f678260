/* A thread of 10,000 checkpoints: what a put and a get cost does not grow with it, and nobody waits
 * long while it is deleted, pruned, copied or given a TTL. Time is not to be relied on here, so
 * work is counted: what a script does before others are served again. How often that took more than
 * 5 ms is printed beside it. */
#include "keyspace.h"
#include "monitor.h"
#include "redis.h"
#include "saver_client.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    CHECKPOINTS = 10000,
    IN_FLIGHT = 500,
    FEW = 1000,
    /* Of all the calls of one script: 1 us each, about, on a slow machine. */
    SCRIPT_ARGUMENTS_MOST = 4000
};

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

/* Each has a parent, a value of its own and one in common, and every tenth pending writes. */
static void put_thread(saver_client_t *s, int count)
{
    static ask_t *asks[IN_FLIGHT];
    for (int i = 0; i < IN_FLIGHT; i++) asks[i] = saver_ask(s);
    for (int i = 0; i < count; i++) {
        ask_t *ask = asks[i % IN_FLIGHT];
        char texts[3][32];
        snprintf(texts[0], sizeof texts[0], "c%05d", i);
        snprintf(texts[1], sizeof texts[1], "c%05d", i - 1);
        snprintf(texts[2], sizeof texts[2], i ? "a@1 b@%d=y" : "a@1=x b@%d=y", i);
        put_words_t put = {
            .id = texts[0], .channels = texts[2], .parent = i ? texts[1] : NULL, .run_id = "r"};
        ask_await_any(ask);
        assert_status(ask->status, 0);
        assert_status(ask_put(ask, &put), 0);
        if (i % 10 == 0) saver_write(s, texts[0], "t1", "a=1 b=2");
    }
    for (int i = 0; i < IN_FLIGHT; i++) ask_await_any(asks[i]);
}

/* Of a thread like the large one, but for its length: a piece of work is as large there. */
static void check_pieces(saver_client_t *s, void (*work)(saver_client_t *s, int count))
{
    monitor_t m;
    put_thread(s, FEW);
    monitor_start(&m, &redis);
    work(s, FEW);
    monitor_read(&m);
    monitor_stop(&m);
    if (m.script_arguments > SCRIPT_ARGUMENTS_MOST)
        check_fail("the calls of a script have %zu arguments", m.script_arguments);
}

static void check_whole(saver_client_t *s, void (*work)(saver_client_t *s, int count))
{
    put_thread(s, CHECKPOINTS);
    redis_ask(&redis, "CONFIG SET slowlog-log-slower-than 5000");
    redis_ask(&redis, "SLOWLOG RESET");
    work(s, CHECKPOINTS);
    print_message("the server was held up for more than 5 ms %s times\n",
                  redis_ask(&redis, "SLOWLOG LEN"));
}

/* ---- put and get ---- */

static size_t cost_of_put(saver_client_t *s, monitor_t *m, const char *id)
{
    char words[32];
    snprintf(words, sizeof words, "a@1 b@%s=y", id);
    monitor_read(m);
    saver_put(s, id, words, .parent = "c00001", .run_id = "r");
    monitor_read(m);
    return m->script_arguments;
}

static size_t cost_of_latest(saver_client_t *s, monitor_t *m)
{
    monitor_read(m);
    saver_get(s, latest());
    monitor_read(m);
    return m->script_arguments;
}

static void put_and_get_latest_do_as_much_in_a_large_thread_as_in_a_small_one(world_t *w)
{
    monitor_t m;
    saver_client_t *s = saver_open(w, NULL);
    put_thread(s, 10);
    monitor_start(&m, &redis);
    size_t put = cost_of_put(s, &m, "d00001");
    size_t get = cost_of_latest(s, &m);
    monitor_stop(&m);
    saver_delete_thread(s, "t");
    put_thread(s, CHECKPOINTS);
    monitor_start(&m, &redis);
    assert_int_equal(cost_of_put(s, &m, "d00001"), put);
    assert_int_equal(cost_of_latest(s, &m), get);
    monitor_stop(&m);
    assert_contains(saver_get(s, latest()), "d00001 <c00001 a@1=x b@d00001=y");
}

/* ---- work on a whole thread ---- */

static void delete_it(saver_client_t *s, int count)
{
    assert_int_equal(saver_delete_thread(s, "t"), count);
    assert_none(s, latest());
    keyspace_await_empty(&redis);
}

static void delete_thread_works_in_pieces(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    check_pieces(s, delete_it);
    clear();
    check_whole(s, delete_it);
}

static void prune_it(saver_client_t *s, int count)
{
    char expected[64];
    assert_int_equal(saver_prune(s, "t", 3), count - 3);
    snprintf(expected, sizeof expected, "c%05d c%05d c%05d", count - 1, count - 2, count - 3);
    assert_list(s, expected, .thread_id = cairn_str("t"));
    snprintf(expected, sizeof expected, "c%05d <c%05d a@1=x b@%d=y", count - 1, count - 2,
             count - 1);
    assert_get(s, latest(), expected);
    keyspace_t found;
    keyspace_check(&redis, &found);
    if (found.orphans > 0) check_fail("%zu orphans, as %s", found.orphans, found.orphan);
}

static void prune_works_in_pieces(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    check_pieces(s, prune_it);
    clear();
    check_whole(s, prune_it);
}

static void delete_its_run(saver_client_t *s, int count)
{
    assert_int_equal(saver_delete_run(s, "r"), count);
    keyspace_await_empty(&redis);
}

static void delete_for_runs_works_in_pieces(world_t *w)
{
    check_pieces(saver_open(w, NULL), delete_its_run);
}

static void give_it_a_ttl(saver_client_t *s, int count)
{
    (void)count;
    assert_int_equal(saver_set_thread_ttl(s, "t", 1000000), 1000000);
    keyspace_t found;
    keyspace_check(&redis, &found);
    if (found.without_ttl > 0)
        check_fail("%zu keys have no TTL, as %s", found.without_ttl, found.persistent);
}

static void a_ttl_for_a_thread_is_set_in_pieces(world_t *w)
{
    check_pieces(saver_open(w, NULL), give_it_a_ttl);
}

static void copy_it(saver_client_t *s, int count)
{
    char expected[64];
    assert_int_equal(saver_copy(s, "t", "u"), count);
    snprintf(expected, sizeof expected, "u//c%05d <c%05d a@1=x b@%d=y", count - 1, count - 2,
             count - 1);
    assert_get(s, thread("u"), expected);
    assert_get(s, ref("u", NULL, "c00000"), "u//c00000 a@1=x b@0=y [t1.0 a=1] [t1.1 b=2]");
}

static void copy_thread_works_in_pieces(world_t *w)
{
    check_pieces(saver_open(w, NULL), copy_it);
}

static void list_it(saver_client_t *s, int count)
{
    cairn_saver_query_t query = {.thread_id = cairn_str("t"), .paging.page_size = CAIRN_PAGE_MAX};
    int rows = 0;
    do {
        assert_status(ask_list(s->own, &query), 0);
        ask_await(s->own, 0);
        rows += (int)s->own->count;
        query.paging.cursor = cairn_slice(s->own->cursor, s->own->cursor_len);
    } while (s->own->cursor_len > 0);
    assert_int_equal(rows, count);
}

static void a_list_works_in_pages(world_t *w)
{
    check_pieces(saver_open(w, NULL), list_it);
}

static void a_history_of_a_thousand_steps_is_found(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    put_thread(s, 1000);
    assert_string_equal(saver_history(s, latest(), "b"), "b=y");
    assert_string_equal(saver_history(s, latest(), "none a"), "none a=x");
}

/* What is written again and again counts once, and is not kept for ever. */
static void writes_that_do_not_count_are_taken_out(world_t *w)
{
    enum {
        AGAIN = 5000
    };
    static ask_t *asks[IN_FLIGHT];
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c", "a@1=x");
    for (int i = 0; i < IN_FLIGHT; i++) asks[i] = saver_ask(s);
    for (int i = 0; i < AGAIN; i++) {
        const write_words_t words = {
            .at = "c", .task = i % 2 ? "t1" : "t2", .writes = i < 2 ? "a=1" : "a=2 __error__=e"};
        ask_await_any(asks[i % IN_FLIGHT]);
        assert_status(asks[i % IN_FLIGHT]->status, 0);
        assert_status(ask_write(asks[i % IN_FLIGHT], &words), 0);
    }
    for (int i = 0; i < IN_FLIGHT; i++) ask_await(asks[i], 0);
    const long kept =
        strtol(redis_ask(&redis, "LLEN langgraph:checkpoint_write:{t}:%:c"), NULL, 10);
    assert_in_range(kept, 5, 4096);
    assert_get(s, latest(),
               "c a@1=x [t1.-1 __error__=e] [t1.0 a=1] [t2.-1 __error__=e] [t2.0 a=1]");
}

static const scenario_t scenarios[] = {
    SCENARIO(put_and_get_latest_do_as_much_in_a_large_thread_as_in_a_small_one),
    SCENARIO(delete_thread_works_in_pieces),
    SCENARIO(prune_works_in_pieces),
    SCENARIO(delete_for_runs_works_in_pieces),
    SCENARIO(a_ttl_for_a_thread_is_set_in_pieces),
    SCENARIO(copy_thread_works_in_pieces),
    SCENARIO(a_list_works_in_pages),
    SCENARIO(a_history_of_a_thousand_steps_is_found),
    SCENARIO(writes_that_do_not_count_are_taken_out),
};

int main(void)
{
    redis_start(&redis, NULL);
    saver_backend.clear = clear;
    int failures = SCENARIOS_RUN("redis: a large thread", scenarios,
                                 redis_url(&redis, NULL, "?keepalive_ms=0&timeout_ms=60000"));
    redis_stop(&redis);
    return failures;
}
