/* Redis and the model, given the same random operations, must agree step by step.
 *
 *     CAIRN_SEED=n            runs that one sequence, as it was printed when it failed
 *     CAIRN_DIFF_SECONDS=n    for so long, instead of 5 */
#include "keyspace.h"
#include "redis.h"
#include "store_diff.h"

static redis_t redis;
static sdiff_setting_t settings[6];

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

static void assert_empty(void)
{
    keyspace_await_empty(&redis);
}

static const sdiff_setting_t *setting_of(uint64_t seed)
{
    return &settings[seed % 6];
}

static void random_sequences_agree_step_by_step(void **state)
{
    (void)state;
    sdiff_run_many(setting_of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_sequences_agree_step_by_step),
    };
    redis_start(&redis, NULL);
    store_backend =
        (store_backend_t){.clear = clear, .assert_empty = assert_empty, .clock_slack_us = 2000};
    settings[0] = (sdiff_setting_t){.urls = {redis_url(&redis, NULL, NULL), NULL}};
    settings[1] = (sdiff_setting_t){.urls = {redis_url(&redis, NULL, "?protocol=2"), NULL}};
    settings[2] = (sdiff_setting_t){.urls = {redis_unix_url(&redis, NULL), NULL}};
    for (int i = 0; i < 3; i++) {
        settings[3 + i] = settings[i];
        settings[3 + i].in_turns = true;
    }
    int failures = cmocka_run_group_tests_name("store: redis and model", tests, NULL, NULL);
    sdiff_tell_seed();
    redis_stop(&redis);
    return failures;
}
