/* Memory and Redis, given the same random operations, must agree step by step.
 *
 *     CAIRN_SEED=n            runs that one sequence, as it was printed when it failed
 *     CAIRN_DIFF_SECONDS=n    for so long, instead of 5 */
#include "keyspace.h"
#include "redis.h"
#include "saver_diff.h"

#include <stdio.h>
#include <stdlib.h>

static redis_t redis;

static void check_keys(bool only_ttls)
{
    keyspace_t found;
    keyspace_check(&redis, &found);
    if (found.orphans > 0) check_fail("%zu orphans, as %s", found.orphans, found.orphan);
    if (only_ttls && found.without_ttl > 0)
        check_fail("%zu keys have no TTL, as %s", found.without_ttl, found.persistent);
}

static void assert_no_keys(void)
{
    keyspace_await_empty(&redis);
}

static void run(uint64_t seed, const char *query)
{
    diff_setting_t setting = {.urls = {"memory:", redis_url(&redis, NULL, query)},
                              .after = check_keys,
                              .assert_empty = assert_no_keys};
    diff_run(&setting, seed);
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static uint64_t running; /* the seed, for whoever reads that it failed */

static void random_sequences_agree_step_by_step(void **state)
{
    (void)state;
    uint64_t replayed = number_of("CAIRN_SEED", 0);
    uint64_t seconds = number_of("CAIRN_DIFF_SECONDS", 5);
    uint64_t until = uv_hrtime() + seconds * 1000000000u;
    uint64_t first = uv_hrtime();
    unsigned sequences = 0;
    do {
        running = replayed ? replayed : first + sequences;
        run(running, running % 2 ? "?protocol=2" : NULL);
        sequences++;
    } while (!replayed && uv_hrtime() < until);
    print_message("%u sequences agree\n", sequences);
    running = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_sequences_agree_step_by_step),
    };
    redis_start(&redis, NULL);
    int failures = cmocka_run_group_tests_name("saver: memory and redis", tests, NULL, NULL);
    if (running) fprintf(stderr, "CAIRN_SEED=%llu\n", (unsigned long long)running);
    redis_stop(&redis);
    return failures;
}
