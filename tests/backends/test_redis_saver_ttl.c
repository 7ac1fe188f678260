/* TTLs, looked at from behind: every key of an object has one, and no key dies before what needs
 * it. */
#include "keyspace.h"
#include "redis.h"
#include "saver_client.h"

#include <stdio.h>
#include <stdlib.h>

#define HOUR 3600000

static redis_t redis;

static const cairn_saver_options_t an_hour = {.default_ttl = {true, HOUR}};

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

#define assert_all_expire() assert_all_expire_at(__FILE__, __LINE__)
static void assert_all_expire_at(const char *file, int line)
{
    keyspace_t found;
    keyspace_check(&redis, &found);
    if (found.without_ttl > 0)
        check_fail_at(file, line, "%zu of %zu keys have no TTL, as %s", found.without_ttl,
                      found.keys, found.persistent);
    if (found.orphans > 0)
        check_fail_at(file, line, "%zu orphans, as %s", found.orphans, found.orphan);
}

static void with_a_default_ttl_every_key_has_one_after_every_operation(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "a@1=x b@1! d@1=seed", .run_id = "r1");
    assert_all_expire();
    saver_write(s, "c1", "t1", "d=1 __error__=e");
    assert_all_expire();
    saver_write(s, "c9", "t1", "a=1", .ns = "n");
    assert_all_expire();
    saver_put(s, "c2", "a@1 d@2~", .parent = "c1", .run_id = "r2");
    assert_all_expire();
    saver_put(s, "c2", "a@1 b@2=y", .ns = "n");
    saver_put(s, "c2", "b@2", .ns = "n");
    assert_all_expire();
    saver_get_with(s, latest(), &(cairn_saver_get_options_t){.refresh = CAIRN_REFRESH_YES});
    assert_all_expire();
    saver_copy(s, "t", "u");
    assert_all_expire();
    saver_put(s, "c3", "a@3=z", .run_id = "r1", .ttl = cairn_ttl_ms(HOUR / 2));
    assert_all_expire();
    saver_prune(s, "u", 1);
    assert_all_expire();
    saver_delete_run(s, "r1");
    assert_all_expire();
    saver_set_thread_ttl(s, "t", HOUR / 4);
    assert_all_expire();
    saver_delete_thread(s, "t");
    assert_all_expire();
    saver_delete_thread(s, "u");
    keyspace_await_empty(&redis);
}

static void what_is_unpinned_has_a_ttl_on_every_key_again(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "a@1=x", .run_id = "r1");
    saver_put(s, "c2", "a@1 b@1=y", .run_id = "r1");
    saver_write(s, "c2", "t1", "a=1");
    saver_pin(s, at("c2"));
    saver_unpin(s, at("c2"));
    assert_all_expire();
    saver_put(s, "c3", "a@1", .ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST));
    saver_put(s, "c3", "b@1", .ttl = cairn_ttl_ms(HOUR));
    assert_all_expire();
    saver_set_thread_ttl(s, "t", CAIRN_TTL_PERSIST);
    saver_set_thread_ttl(s, "t", HOUR);
    assert_all_expire();
    saver_put(s, "c4", "c@1=z", .ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST), .run_id = "r4");
    saver_delete_run(s, "r4");
    assert_all_expire();
}

/* What was persistent and is gone leaves the rest with a TTL. */
static void what_is_deleted_takes_its_permanence_along(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    for (int i = 0; i < 3; i++) {
        saver_put(s, "c1", "a@1=x b@1=y", .run_id = "r1");
        saver_pin(s, at("c1"));
        saver_put(s, "c2", "a@1 b@1", .run_id = "r1");
        if (i == 0) saver_put(s, "c1", "", .ttl = cairn_ttl_ms(HOUR));
        if (i == 1) saver_prune(s, "t", 1);
        if (i == 2) {
            saver_put(s, "c1", "", .run_id = "r2");
            saver_delete_run(s, "r2");
        }
        assert_all_expire();
        saver_delete_thread(s, "t");
        keyspace_await_empty(&redis);
    }
}

/* ---- one by one ---- */

/* Of the object, its value, and where it is listed. */
static const char *const of_c1[] = {
    "langgraph:checkpoint:{t}:%:c1",
    "langgraph:checkpoint_write:{t}:%:c1",
    "langgraph:checkpoint_blob:{t}:%:a:1",
    "langgraph:thread:{t}",
    "langgraph:checkpoints:52",
};

/* Where it is written down when that expires: as long as what lists it. */
static const char *const expiries[] = {
    "langgraph:thread_expiry:{t}",
    "langgraph:checkpoints_expiry:52",
};

enum {
    OF_C1 = sizeof of_c1 / sizeof *of_c1,
    EXPIRIES = sizeof expiries / sizeof *expiries
};

static long long left_of(const char *key)
{
    char command[128];
    snprintf(command, sizeof command, "PTTL %s", key);
    return strtoll(redis_ask(&redis, command), NULL, 10);
}

static saver_client_t *open_c1(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "a@1=x");
    saver_write(s, "c1", "t1", "a=1");
    return s;
}

static void a_ttl_is_of_every_key_of_the_object(world_t *w)
{
    saver_client_t *s = open_c1(w);
    long long object = left_of(of_c1[0]);
    assert_in_range(object, HOUR - 60000, HOUR);
    for (int i = 1; i < OF_C1; i++) assert_true(left_of(of_c1[i]) >= HOUR - 60000);
    for (int i = 0; i < EXPIRIES; i++) assert_true(left_of(expiries[i]) >= HOUR - 60000);
    saver_set_ttl(s, at("c1"), 2 * HOUR);
    for (int i = 0; i < OF_C1; i++) assert_true(left_of(of_c1[i]) > HOUR);
    for (int i = 0; i < EXPIRIES; i++) assert_true(left_of(expiries[i]) > HOUR);
    saver_set_ttl(s, at("c1"), HOUR / 2);
    for (int i = 0; i < OF_C1; i++) assert_in_range(left_of(of_c1[i]), 1, HOUR / 2 + 60000);
    for (int i = 0; i < EXPIRIES; i++) assert_in_range(left_of(expiries[i]), 1, HOUR / 2 + 60000);
}

static void writes_that_join_have_the_ttl_of_their_checkpoint(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "a@1=x", .ttl = cairn_ttl_ms(2 * HOUR));
    saver_write(s, "c1", "t1", "a=1");
    for (int i = 0; i < 2; i++) assert_in_range(left_of(of_c1[i]), 2 * HOUR - 60000, 2 * HOUR);
    saver_set_ttl(s, at("c1"), HOUR / 2);
    saver_write(s, "c1", "t2", "a=2");
    for (int i = 0; i < 2; i++) assert_in_range(left_of(of_c1[i]), 1, HOUR / 2);
}

static void a_refresh_is_of_every_key_of_the_object(world_t *w)
{
    saver_client_t *s = open_c1(w);
    saver_await_ttl(s, at("c1"), HOUR - 300);
    long long before[OF_C1];
    for (int i = 0; i < OF_C1; i++) before[i] = left_of(of_c1[i]);
    saver_get_with(s, at("c1"), &(cairn_saver_get_options_t){.refresh = CAIRN_REFRESH_YES});
    long long object = left_of(of_c1[0]);
    assert_true(object > before[0]);
    for (int i = 1; i < OF_C1; i++) assert_true(left_of(of_c1[i]) >= object - 1000);
    for (int i = 0; i < EXPIRIES; i++) assert_true(left_of(expiries[i]) >= object - 1000);
    assert_true(left_of(of_c1[1]) > before[1]);
    assert_true(left_of(of_c1[2]) > before[2]);
}

static void a_pin_is_of_every_key_of_the_object(world_t *w)
{
    saver_client_t *s = open_c1(w);
    saver_put(s, "c2", "b@1=y");
    saver_pin(s, at("c1"));
    for (int i = 0; i < OF_C1; i++) assert_int_equal(left_of(of_c1[i]), -1);
    assert_in_range(left_of("langgraph:checkpoint:{t}:%:c2"), 1, HOUR);
    assert_in_range(left_of("langgraph:checkpoint_write:{t}:%:c2"), 1, HOUR);
    assert_in_range(left_of("langgraph:checkpoint_blob:{t}:%:b:1"), 1, HOUR);
    for (int i = 0; i < EXPIRIES; i++) assert_int_equal(left_of(expiries[i]), -1);
    saver_get_with(s, at("c1"), &(cairn_saver_get_options_t){.refresh = CAIRN_REFRESH_YES});
    for (int i = 0; i < OF_C1; i++) assert_int_equal(left_of(of_c1[i]), -1);
}

static void a_value_has_the_longest_ttl_of_its_users(world_t *w)
{
    static const char blob[] = "langgraph:checkpoint_blob:{t}:%:a:1";
    saver_client_t *s = open_c1(w);
    saver_put(s, "c2", "a@1", .ttl = cairn_ttl_ms(3 * HOUR));
    assert_in_range(left_of(blob), 3 * HOUR - 60000, 3 * HOUR);
    saver_put(s, "c3", "a@1", .ttl = cairn_ttl_ms(HOUR / 2));
    assert_in_range(left_of(blob), 3 * HOUR - 60000, 3 * HOUR);
    saver_put(s, "c4", "a@1", .ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST), .run_id = "r");
    assert_int_equal(left_of(blob), -1);
    saver_delete_run(s, "r");
    assert_in_range(left_of(blob), 3 * HOUR - 60000, 3 * HOUR);
}

static void lists_live_as_long_as_the_longest_that_they_list(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    for (int i = 0; i < 5; i++) {
        saver_put(s, "c1", "a@1=x", .ttl = cairn_ttl_ms(HOUR / 2));
        saver_put(s, "c2", "a@1");
        keyspace_assert_whole(&redis);
        for (int j = 3; j < OF_C1; j++) assert_true(left_of(of_c1[j]) >= HOUR - 60000);
        saver_delete_thread(s, "t");
    }
}

static void a_shorter_ttl_shortens_that_of_the_runs_list(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "a@1=x", .run_id = "r", .ttl = cairn_ttl_ms(2 * HOUR));
    assert_in_range(left_of("langgraph:checkpoint_run:{r}"), 2 * HOUR - 60000, 2 * HOUR + 60000);
    saver_put(s, "c1", "a@1", .run_id = "r", .ttl = cairn_ttl_ms(HOUR));
    assert_in_range(left_of("langgraph:checkpoint_run:{r}"), HOUR - 60000, HOUR + 60000);
}

/* A call leaves some of it to the next, which must not forget the other. */
static void a_shallow_put_that_takes_many_away_moves_its_thread_too(world_t *w)
{
    static const cairn_saver_options_t shallow = {
        .shallow = true, .default_ttl = {true, 2 * HOUR}, .ttl_scope = CAIRN_SCOPE_THREAD};
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c", "a@1=x", .ns = "other");
    for (int i = 0; i < 200; i++) {
        char id[16];
        snprintf(id, sizeof id, "c%03d", i);
        saver_put(s, id, "a@1=x");
    }
    saver_put(saver_beside(s, &shallow), "d", "a@1");
    assert_list(s, "d t/other/c", .thread_id = cairn_str("t"));
    assert_true(saver_ttl(s, ref("t", "other", "c")) > HOUR);
    keyspace_assert_whole(&redis);
}

static const scenario_t scenarios[] = {
    SCENARIO(with_a_default_ttl_every_key_has_one_after_every_operation),
    SCENARIO(what_is_unpinned_has_a_ttl_on_every_key_again),
    SCENARIO(what_is_deleted_takes_its_permanence_along),
    SCENARIO(a_ttl_is_of_every_key_of_the_object),
    SCENARIO(writes_that_join_have_the_ttl_of_their_checkpoint),
    SCENARIO(a_refresh_is_of_every_key_of_the_object),
    SCENARIO(a_pin_is_of_every_key_of_the_object),
    SCENARIO(a_value_has_the_longest_ttl_of_its_users),
    SCENARIO(lists_live_as_long_as_the_longest_that_they_list),
    SCENARIO(a_shorter_ttl_shortens_that_of_the_runs_list),
    SCENARIO(a_shallow_put_that_takes_many_away_moves_its_thread_too),
};

int main(void)
{
    redis_start(&redis, NULL);
    saver_backend.clear = clear;
    int failures = SCENARIOS_RUN("redis: saver's TTLs", scenarios, redis_url(&redis, NULL, NULL));
    redis_stop(&redis);
    return failures;
}
