/* Every allocation of a broker's life fails once, and everything after it: over Redis. */
#include "alloc_fault.h"
#include "alloc_scenario.h"
#include "certs.h"
#include "check.h"
#include "redis.h"

#include <stdio.h>

static redis_t redis;

static char tls[] = "tls";

/* With these parameters, or over TLS. */
static void make_url(char *url, size_t size, const char *state)
{
    const char *made = state == tls ? redis_tls_url(&redis, "localhost", NULL, NULL)
                                    : redis_url(&redis, NULL, state);
    snprintf(url, size, "%s", made);
}

static void each_allocation_may_fail(void **state)
{
    char url[512];
    make_url(url, sizeof url, *state);
    alloc_fault_each(ALLOC_FAIL_ONCE, 1000, alloc_scenario, url);
}

static void memory_may_be_gone_from_any_allocation_on(void **state)
{
    char url[512];
    make_url(url, sizeof url, *state);
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
        cmocka_unit_test_prestate(each_allocation_may_fail, tls),
        cmocka_unit_test_prestate(memory_may_be_gone_from_any_allocation_on, resp3),
        cmocka_unit_test_prestate(memory_may_be_gone_from_any_allocation_on, resp2),
        cmocka_unit_test_prestate(memory_may_be_gone_from_any_allocation_on, tls),
        cmocka_unit_test_prestate(each_allocation_may_fail, pool),
        cmocka_unit_test_prestate(memory_may_be_gone_from_any_allocation_on, resp3),
        cmocka_unit_test_prestate(memory_may_be_gone_from_any_allocation_on, resp2),
        cmocka_unit_test_prestate(memory_may_be_gone_from_any_allocation_on, pool),
    };
    certs_t certs;
    certs_make(&certs);
    const server_options_t options = {.tls_cert = certs_path(&certs, "server.pem"),
                                      .tls_key = certs_path(&certs, "server.key"),
                                      .tls_ca = certs_path(&certs, "ca.pem")};
    redis_start(&redis, &options);
    int failures = cmocka_run_group_tests_name("allocation faults: redis", tests, NULL, NULL);
    redis_stop(&redis);
    certs_remove(&certs);
    return failures;
}
