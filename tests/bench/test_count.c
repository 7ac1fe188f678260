#include "count.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    MESSAGES = 3000
};

static uint64_t allocations(count_what_t what, const client_ops_t *client)
{
    char error[CLIENT_ERROR_MAX];
    count_config_t config = {.what = what, .client = client, .messages = MESSAGES};
    count_result_t result;
    if (count_run(&config, &result, error) < 0) fail_msg("%s", error);
    assert_int_equal(result.messages, MESSAGES);
    return result.allocations;
}

static void cairn_makes_none_in_steady_state(void **state)
{
    (void)state;
    assert_int_equal(allocations(COUNT_MEMORY, &client_cairn), 0);
    assert_int_equal(allocations(COUNT_RECEIVE, &client_cairn), 0);
    assert_int_equal(allocations(COUNT_PUBLISH, &client_cairn), 0);
    assert_int_equal(allocations(COUNT_ROUNDTRIP, &client_cairn), 0);
}

/* That they are seen at all. */
static void those_of_hiredis_are_counted(void **state)
{
    (void)state;
    assert_true(allocations(COUNT_RECEIVE, &client_hiredis) >= MESSAGES);
    assert_true(allocations(COUNT_PUBLISH, &client_hiredis) >= MESSAGES);
    assert_true(allocations(COUNT_ROUNDTRIP, &client_hiredis) >= MESSAGES);
}

/* Neither where the server is one of its own, nor where it is a node of a cluster. */
static void routing_makes_none(void **state)
{
    (void)state;
    char error[CLIENT_ERROR_MAX];
    for (int op = 0; op < COUNT_OPS; op++) {
        uint64_t made[2];
        for (unsigned masters = 0; masters < 2; masters++) {
            const count_config_t config = {.what = COUNT_WORK,
                                           .op = (count_op_t)op,
                                           .client = &client_cairn,
                                           .messages = MESSAGES,
                                           .masters = masters};
            count_result_t result;
            if (count_run(&config, &result, error) < 0) fail_msg("%s", error);
            assert_int_equal(result.messages, MESSAGES);
            made[masters] = result.allocations;
        }
        /* What is kept to be used again may be made only now. */
        if (made[1] > made[0] + MESSAGES / 10)
            fail_msg("%s: %u allocations, and %u without routing", count_op_name((count_op_t)op),
                     (unsigned)made[1], (unsigned)made[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cairn_makes_none_in_steady_state),
        cmocka_unit_test(those_of_hiredis_are_counted),
        cmocka_unit_test(routing_makes_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
