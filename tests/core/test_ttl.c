#include "check.h"

#include <cairn/ttl.h>
#include <math.h>
#include <uv.h>

static void assert_minutes(double minutes, int64_t expected_ms)
{
    int64_t ms = 0;
    assert_status(cairn_ttl_ms_from_minutes(minutes, &ms), 0);
    assert_int_equal(ms, expected_ms);
}

static void assert_no_minutes(double minutes, int expected)
{
    int64_t ms = 77;
    assert_status(cairn_ttl_ms_from_minutes(minutes, &ms), expected);
    assert_int_equal(ms, 77);
}

static void minutes_become_milliseconds(void **state)
{
    (void)state;
    assert_minutes(1, 60000);
    assert_minutes(60, 3600000);
    assert_minutes(0.5, 30000);
    assert_minutes(0.1, 6000);
    assert_minutes(1.0 / 3, 20000);
    assert_minutes(0.00001, 1);
    assert_minutes(0.000026, 2);
    assert_minutes((double)CAIRN_TTL_MAX_MS / 60000, CAIRN_TTL_MAX_MS);
}

static void what_is_above_zero_never_becomes_zero(void **state)
{
    (void)state;
    assert_minutes(1e-300, 1);
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    assert_no_minutes(0, UV_EINVAL);
    assert_no_minutes(-0.0, UV_EINVAL);
    assert_no_minutes(-1, UV_EINVAL);
    assert_no_minutes(NAN, UV_EINVAL);
    assert_no_minutes(-INFINITY, UV_EINVAL);
}

static void what_is_too_long_is_refused(void **state)
{
    (void)state;
    assert_no_minutes((double)(CAIRN_TTL_MAX_MS + 60000) / 60000, CAIRN_ETOOBIG);
    assert_no_minutes(1e300, CAIRN_ETOOBIG);
    assert_no_minutes(INFINITY, CAIRN_ETOOBIG);
}

static void zeroed_says_nothing(void **state)
{
    (void)state;
    cairn_ttl_t zeroed = {0};
    assert_false(zeroed.given);
    assert_true(cairn_ttl_ms(0).given);
    assert_int_equal(cairn_ttl_ms(5).ms, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minutes_become_milliseconds),
        cmocka_unit_test(what_is_above_zero_never_becomes_zero),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(zeroed_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
