/* Every allocation of a broker's life fails once, and everything after it: over a sentinel. */
#include "alloc_fault.h"
#include "alloc_scenario.h"
#include "check.h"
#include "redis.h"

#include <stdio.h>

static redis_t master, sentinel;
static char url[256];

static void each_allocation_may_fail(void **state)
{
    (void)state;
    alloc_fault_each(ALLOC_FAIL_ONCE, 1000, alloc_scenario, url);
}

static void memory_may_be_gone_from_any_allocation_on(void **state)
{
    (void)state;
    alloc_fault_each(ALLOC_FAIL_FROM, 1000, alloc_scenario_to_the_end, url);
}

static void start(void)
{
    static char config[128];
    redis_start(&master, NULL);
    snprintf(config, sizeof config, "sentinel monitor svc 127.0.0.1 %d 1\n", master.server.port);
    const server_options_t options = {.sentinel = config, .password = "pass"};
    redis_start(&sentinel, &options);
    snprintf(url, sizeof url,
             "redis+sentinel://127.0.0.1:%d,127.0.0.1:%d/svc?sentinel_password=pass",
             sentinel.server.port, sentinel.server.port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(memory_may_be_gone_from_any_allocation_on),
    };
    start();
    int failures = cmocka_run_group_tests_name("allocation faults: sentinel", tests, NULL, NULL);
    redis_stop(&sentinel);
    redis_stop(&master);
    return failures;
}
