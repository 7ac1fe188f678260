/* Every allocation of a broker's life fails once, and everything after it: over Redis. */
#include "alloc_fault.h"
#include "alloc_scenario.h"
#include "check.h"
#include "redis.h"

#include <stdio.h>

static redis_t redis;

static void each_allocation_may_fail(void **state)
{
    char url[256];
    snprintf(url, sizeof url, "%s", redis_url(&redis, NULL, *state));
    alloc_fault_each(ALLOC_FAIL_ONCE, 1000, alloc_scenario, url);
}

static void memory_may_be_gone_from_any_allocation_on(void **state)
{
    char url[256];
    snprintf(url, sizeof url, "%s", redis_url(&redis, NULL, *state));
    alloc_fault_each(ALLOC_FAIL_FROM, 1000, alloc_scenario_to_the_end, url);
}

int main(void)
{
    static char resp3[] = "?protocol=3";
    static char resp2[] = "?protocol=2";
    static char pool[] = "?max_connections=4&spread_after=1";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(each_allocation_may_fail, resp3),
        cmocka_unit_test_prestate(each_allocation_may_fail, resp2),
        cmocka_unit_test_prestate(each_allocation_may_fail, pool),
        cmocka_unit_test_prestate(memory_may_be_gone_from_any_allocation_on, resp3),
        cmocka_unit_test_prestate(memory_may_be_gone_from_any_allocation_on, resp2),
        cmocka_unit_test_prestate(memory_may_be_gone_from_any_allocation_on, pool),
    };
    redis_start(&redis, NULL);
    int failures = cmocka_run_group_tests_name("allocation faults: redis", tests, NULL, NULL);
    redis_stop(&redis);
    return failures;
}
