/* What is asked for in one go is done in that order: what a saver believes of a thread must not
 * make it come back for what it has asked for, behind what was asked for after it. */
#include "keyspace.h"
#include "redis.h"
#include "redis_keys.h"
#include "saver_client.h"

#include <stdio.h>

#define HOUR 3600000

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

enum {
    MOST = 4
};

/* In flight, in their order. */
static ask_t *asks[MOST];
static int count;

static ask_t *next(saver_client_t *s)
{
    assert_in_range(count, 0, MOST - 1);
    asks[count] = saver_ask(s);
    return asks[count++];
}

static saver_client_t *open_with_two(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    count = 0;
    saver_put(s, "c1", "a@1=x");
    saver_put(s, "c2", "a@1", .run_id = "r");
    return s;
}

static void put_next(saver_client_t *s, const put_words_t *words)
{
    assert_status(ask_put(next(s), words), 0);
}

static void write_next(saver_client_t *s, cairn_ttl_t ttl)
{
    const write_words_t words = {.at = "c2", .task = "t1", .writes = "a=1", .ttl = ttl};
    assert_status(ask_write(next(s), &words), 0);
}

static void delete_and_expect_nothing(saver_client_t *s)
{
    assert_status(ask_delete_thread(next(s), cairn_str("t")), 0);
    for (int i = 0; i < count; i++) ask_await(asks[i], 0);
    saver_delete_thread(s, "u");
    saver_assert_empty(s);
    keyspace_await_empty(&redis);
}

static void writes_behind_a_delete(world_t *w)
{
    saver_client_t *s = open_with_two(w);
    assert_status(ask_delete_thread(next(s), cairn_str("t")), 0);
    write_next(s, (cairn_ttl_t){0});
    delete_and_expect_nothing(s);
}

static void writes_behind_a_delete_for_runs(world_t *w)
{
    saver_client_t *s = open_with_two(w);
    const cairn_slice_t run = cairn_str("r");
    assert_status(ask_delete_for_runs(next(s), &run, 1), 0);
    write_next(s, (cairn_ttl_t){0});
    delete_and_expect_nothing(s);
}

static void a_put_behind_a_ttl_that_was_set(world_t *w)
{
    saver_client_t *s = open_with_two(w);
    assert_status(ask_set_ttl(next(s), CAIRN_SCOPE_CHECKPOINT, at("c2"), cairn_ttl_ms(HOUR)), 0);
    put_next(s, &(put_words_t){.id = "c3", .channels = "a@1"});
    delete_and_expect_nothing(s);
}

static void a_put_behind_a_put_with_a_ttl(world_t *w)
{
    saver_client_t *s = open_with_two(w);
    put_next(s, &(put_words_t){.id = "c3", .channels = "a@1", .ttl = cairn_ttl_ms(HOUR)});
    put_next(s, &(put_words_t){.id = "c4", .channels = "a@1"});
    delete_and_expect_nothing(s);
}

static void a_put_behind_writes_with_a_ttl(world_t *w)
{
    saver_client_t *s = open_with_two(w);
    write_next(s, cairn_ttl_ms(HOUR));
    put_next(s, &(put_words_t){.id = "c3", .channels = "a@1"});
    delete_and_expect_nothing(s);
}

static void a_put_behind_one_of_a_saver_that_has_a_ttl(world_t *w)
{
    static const cairn_saver_options_t an_hour = {.default_ttl = {true, HOUR}};
    saver_client_t *s = open_with_two(w);
    put_next(saver_beside(s, &an_hour), &(put_words_t){.id = "c3", .channels = "a@1"});
    put_next(s, &(put_words_t){.id = "c4", .channels = "a@1"});
    delete_and_expect_nothing(s);
}

/* A thread whose checkpoints the same shard lists. */
static const char *neighbour_of(const char *thread)
{
    static char name[16];
    for (int i = 0;; i++) {
        snprintf(name, sizeof name, "u%d", i);
        if (redis_shard(cairn_str(name)) == redis_shard(cairn_str(thread))) return name;
    }
}

static void a_put_behind_a_copy_of_what_expires(world_t *w)
{
    static const cairn_saver_options_t an_hour = {.default_ttl = {true, HOUR}};
    const char *neighbour = neighbour_of("t");
    saver_client_t *s = open_with_two(w);
    saver_put(saver_open(w, &an_hour), "c1", "a@1=x", .thread = "u");
    assert_status(ask_copy(next(s), cairn_str("u"), cairn_str(neighbour)), 0);
    put_next(s, &(put_words_t){.id = "c3", .channels = "a@1"});
    assert_status(ask_delete_thread(next(s), cairn_str(neighbour)), 0);
    delete_and_expect_nothing(s);
}

/* ---- where somebody else is the reason that a put comes back ---- */

static void await_all(void)
{
    for (int i = 0; i < count; i++) ask_await(asks[i], 0);
}

static void a_put_anew_is_the_last_word(world_t *w)
{
    saver_client_t *s = open_with_two(w);
    saver_put(saver_open(w, NULL), "c3", "a@3=t b@3=t");
    put_next(s, &(put_words_t){.id = "c3", .channels = "a@4=p c@4=p"});
    put_next(s, &(put_words_t){.id = "c3", .channels = "a@5=q", .parent = "c2"});
    await_all();
    assert_get(s, at("c3"), "c3 <c2 a@5=q");
    keyspace_assert_whole(&redis);
}

static void a_ttl_that_was_set_stays(world_t *w)
{
    static const cairn_saver_options_t an_hour = {.default_ttl = {true, HOUR}};
    static const int64_t wanted[] = {HOUR / 2, CAIRN_TTL_PERSIST};
    for (int i = 0; i < 2; i++) {
        saver_client_t *s = open_with_two(w);
        saver_put(saver_open(w, &an_hour), "c0", "b@1=y");
        put_next(s, &(put_words_t){.id = "c3", .channels = "a@1 d@1=z"});
        assert_status(
            ask_set_ttl(next(s), CAIRN_SCOPE_CHECKPOINT, at("c3"), cairn_ttl_ms(wanted[i])), 0);
        await_all();
        const int64_t left = saver_ttl(s, at("c3"));
        if (wanted[i] == CAIRN_TTL_PERSIST)
            assert_int_equal(left, wanted[i]);
        else
            assert_in_range(left, HOUR / 2 - 60000, HOUR / 2);
        assert_get(s, at("c3"), "c3 a@1=x d@1=z");
        keyspace_assert_whole(&redis);
        clear();
    }
}

static void so_it_does_on_what_another_had_put(world_t *w)
{
    saver_client_t *s = open_with_two(w);
    saver_put(saver_open(w, NULL), "c3", "a@1 b@1=t");
    put_next(s, &(put_words_t){.id = "c3", .channels = "a@1 d@1=z"});
    assert_status(ask_set_ttl(next(s), CAIRN_SCOPE_CHECKPOINT, at("c3"), cairn_ttl_ms(HOUR)), 0);
    await_all();
    assert_in_range(saver_ttl(s, at("c3")), HOUR - 60000, HOUR);
    assert_get(s, at("c3"), "c3 a@1=x d@1=z");
    keyspace_assert_whole(&redis);
}

static bool has_run_a_transaction(void)
{
    return strstr(redis_ask(&redis, "INFO commandstats"), "cmdstat_exec:") != NULL;
}

/* Whoever reads before it comes back finds one or the other. */
static void a_put_anew_is_whole_before_it_comes_back(world_t *w)
{
    saver_client_t *s = open_with_two(w);
    saver_put(saver_open(w, NULL), "c3", "a@3=t b@3=t");
    redis_ask(&redis, "CONFIG RESETSTAT");
    put_next(s, &(put_words_t){.id = "c3", .channels = "a@4=p c@4=p"});
    loop_turns(&w->loop, 1);
    const uint64_t since_ns = uv_hrtime();
    while (!has_run_a_transaction() && uv_hrtime() - since_ns < UINT64_C(20000000000)) {
    }
    assert_string_equal(redis_ask(&redis, "HGET langgraph:checkpoint:{t}:%:c3 l"), "a:4 c:4");
    await_all();
    assert_get(s, at("c3"), "c3 a@4=p c@4=p");
    keyspace_assert_whole(&redis);
}

static const scenario_t scenarios[] = {
    SCENARIO(writes_behind_a_delete),
    SCENARIO(writes_behind_a_delete_for_runs),
    SCENARIO(a_put_behind_a_ttl_that_was_set),
    SCENARIO(a_put_behind_a_put_with_a_ttl),
    SCENARIO(a_put_behind_writes_with_a_ttl),
    SCENARIO(a_put_behind_one_of_a_saver_that_has_a_ttl),
    SCENARIO(a_put_behind_a_copy_of_what_expires),
    SCENARIO(a_put_anew_is_the_last_word),
    SCENARIO(a_ttl_that_was_set_stays),
    SCENARIO(so_it_does_on_what_another_had_put),
    SCENARIO(a_put_anew_is_whole_before_it_comes_back),
};

int main(void)
{
    redis_start(&redis, NULL);
    saver_backend.clear = clear;
    int failures =
        SCENARIOS_RUN("redis: what is in flight", scenarios, redis_url(&redis, NULL, NULL));
    redis_stop(&redis);
    return failures;
}
