/* More has expired in a thread than one call forgets: what is listed of it still is nowhere seen,
 * and counts nowhere. */
#include "keyspace.h"
#include "redis.h"
#include "saver_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HOUR = 3600000,
    GHOSTS = 2100, /* a call forgets 1000 */
    BRIEF = 3000
};

static redis_t redis;

static const cairn_saver_options_t an_hour = {.default_ttl = {true, HOUR}};

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

static const char *ask(const char *format, const char *thread)
{
    char command[128];
    snprintf(command, sizeof command, format, thread);
    return redis_ask(&redis, command);
}

static void await_gone(saver_client_t *s, const char *thread)
{
    char last[16];
    snprintf(last, sizeof last, "c%05d", GHOSTS - 1);
    saver_await_gone(s, ref(thread, NULL, last));
}

static void assert_listed(const char *thread, int count)
{
    assert_int_equal(atoi(ask("ZCARD langgraph:thread:{%s}", thread)), count);
}

/* All of a thread expires, but for its lists: as those of a longer TTL do, they stay for a minute.
 */
static void haunt(saver_client_t *s, const char *thread)
{
    assert_int_equal(saver_set_thread_ttl(s, thread, BRIEF), BRIEF);
    ask("PEXPIRE langgraph:thread:{%s} 60000", thread);
    ask("PEXPIRE langgraph:thread_expiry:{%s} 60000", thread);
}

static void a_thread_of_ghosts_is_not_there(world_t *w)
{
    static const char *const threads[] = {"t", "u", "v"};
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put_many(s, GHOSTS, "a@1=x");
    assert_int_equal(saver_copy(s, "t", "u"), GHOSTS);
    assert_int_equal(saver_copy(s, "t", "v"), GHOSTS);
    saver_put(s, "c1", "a@1=y", .thread = "alive");
    for (int i = 0; i < 3; i++) haunt(s, threads[i]);
    for (int i = 0; i < 3; i++) await_gone(s, threads[i]);
    for (int i = 0; i < 3; i++) assert_listed(threads[i], GHOSTS);
    assert_int_equal(saver_thread_ttl(s, "t"), CAIRN_TTL_ABSENT);
    assert_int_equal(saver_set_thread_ttl(s, "u", HOUR), CAIRN_TTL_ABSENT);
    assert_int_equal(saver_copy(s, "alive", "v"), 1);
    assert_list(s, "v//c1", .thread_id = cairn_str("v"));
    assert_int_equal(saver_delete_thread(s, "alive"), 1);
    assert_int_equal(saver_delete_thread(s, "v"), 1);
    saver_assert_empty(s);
}

/* One that lives among them is told of, and no more than that. */
static void one_that_lives_among_ghosts_is_its_thread(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put_many(s, GHOSTS, "a@1=x");
    saver_put(s, "a", "a@1", .ns = "n");
    saver_put(s, "c1", "a@1=y", .thread = "alive");
    haunt(s, "t");
    saver_set_ttl(s, ref("t", "n", "a"), HOUR);
    const moment_t since = s->moment;
    await_gone(s, "t");
    assert_listed("t", GHOSTS + 1);
    assert_thread_ttl(s, "t", HOUR, since);
    assert_status(ask_copy(s->own, cairn_str("alive"), cairn_str("t")), 0);
    ask_await(s->own, UV_EEXIST);
    assert_int_equal(saver_copy(s, "t", "u"), 1);
    assert_get(s, ref("u", "n", "a"), "u/n/a a@1");
    assert_int_equal(saver_set_thread_ttl(s, "t", HOUR / 2), HOUR / 2);
    assert_thread_ttl(s, "t", HOUR / 2, s->moment);
}

/* ---- the newest of them ---- */

static saver_client_t *open_with_two_among_ghosts(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put_many(s, GHOSTS, "a@1=x");
    saver_put(s, "a1", "a@1");
    saver_put(s, "a2", "a@1");
    assert_int_equal(saver_set_thread_ttl(s, "t", BRIEF), BRIEF);
    saver_pin(s, at("a1"));
    saver_pin(s, at("a2"));
    await_gone(s, "t");
    assert_listed("t", GHOSTS + 2);
    return s;
}

static void a_prune_keeps_what_lives_and_no_ghost(world_t *w)
{
    saver_client_t *s = open_with_two_among_ghosts(w);
    assert_int_equal(saver_prune(s, "t", 1), 1);
    assert_list(s, "a2", .thread_id = cairn_str("t"));
    assert_get(s, latest(), "a2 a@1=x");
    assert_listed("t", 1);
    keyspace_assert_whole(&redis);
}

static void a_list_forgets_the_ghosts_it_meets(world_t *w)
{
    saver_client_t *s = open_with_two_among_ghosts(w);
    assert_list(s, "a2 a1", .thread_id = cairn_str("t"));
    assert_listed("t", 2);
    keyspace_assert_whole(&redis);
}

static void a_shallow_put_leaves_what_it_put_and_no_ghost(world_t *w)
{
    static const cairn_saver_options_t shallow = {.shallow = true};
    saver_client_t *s = open_with_two_among_ghosts(w);
    saver_put(saver_beside(s, &shallow), "a3", "a@1");
    assert_list(s, "a3", .thread_id = cairn_str("t"));
    assert_get(s, latest(), "a3 a@1=x");
    assert_listed("t", 1);
    keyspace_assert_whole(&redis);
}

/* A call looks at some hundred, and does not keep the server longer. */
static void the_latest_is_looked_for_in_pieces(world_t *w)
{
    saver_client_t *s = open_with_two_among_ghosts(w);
    saver_client_t *other = saver_open(w, NULL);
    redis_ask(&redis, "CONFIG RESETSTAT");
    assert_get(other, latest(), "a2 a@1=x");
    const char *calls = strstr(redis_ask(&redis, "INFO commandstats"), "cmdstat_evalsha:calls=");
    assert_non_null(calls);
    assert_in_range(atoi(strchr(calls, '=') + 1), GHOSTS / 600, GHOSTS / 100);
    assert_listed("t", 2);
    assert_get(s, latest(), "a2 a@1=x");
    keyspace_assert_whole(&redis);
}

static void so_it_is_by_who_asks_for_more_than_it(world_t *w)
{
    saver_client_t *s = open_with_two_among_ghosts(w);
    assert_int_equal(saver_ttl(s, latest()), CAIRN_TTL_PERSIST);
    assert_listed("t", 2);
    clear();
    s = open_with_two_among_ghosts(w);
    saver_set_ttl(s, latest(), HOUR);
    assert_in_range(saver_ttl(s, at("a2")), HOUR - 60000, HOUR);
    clear();
    s = open_with_two_among_ghosts(w);
    const cairn_slice_t channel = cairn_str("a");
    const cairn_checkpoint_ref_t place = latest();
    assert_status(ask_history(s->own, &place, &channel, 1), 0);
    ask_await(s->own, 0);
    assert_listed("t", 2);
}

static const scenario_t scenarios[] = {
    SCENARIO(the_latest_is_looked_for_in_pieces),
    SCENARIO(so_it_is_by_who_asks_for_more_than_it),
    SCENARIO(a_thread_of_ghosts_is_not_there),
    SCENARIO(one_that_lives_among_ghosts_is_its_thread),
    SCENARIO(a_prune_keeps_what_lives_and_no_ghost),
    SCENARIO(a_list_forgets_the_ghosts_it_meets),
    SCENARIO(a_shallow_put_leaves_what_it_put_and_no_ghost),
};

int main(void)
{
    redis_start(&redis, NULL);
    saver_backend.clear = clear;
    int failures = SCENARIOS_RUN("redis: more has expired than a call forgets", scenarios,
                                 redis_url(&redis, NULL, "?timeout_ms=60000"));
    redis_stop(&redis);
    return failures;
}
