/* Every allocation of a broker's life fails once, and everything after it: in memory. */
#include "alloc_fault.h"
#include "alloc_scenario.h"
#include "check.h"

static char url[] = "memory:";

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(memory_may_be_gone_from_any_allocation_on),
    };
    return cmocka_run_group_tests_name("allocation faults: memory", tests, NULL, NULL);
}
