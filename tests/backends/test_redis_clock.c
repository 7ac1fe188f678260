#include "redis_clock.h"

#include "check.h"

static void without_an_answer_there_is_no_time(void **state)
{
    (void)state;
    redis_clock_t clock = {0};
    assert_int_equal(redis_clock_stamp(&clock, 5), 0);
}

static void it_goes_on_from_what_was_heard(void **state)
{
    (void)state;
    redis_clock_t clock = {0};
    redis_clock_hear(&clock, 1000000, 300);
    assert_int_equal(redis_clock_stamp(&clock, 310), 1000010);
    assert_int_equal(redis_clock_stamp(&clock, 500), 1000200);
}

static void no_time_is_given_twice(void **state)
{
    (void)state;
    redis_clock_t clock = {0};
    redis_clock_hear(&clock, 1000000, 300);
    assert_int_equal(redis_clock_stamp(&clock, 310), 1000010);
    assert_int_equal(redis_clock_stamp(&clock, 310), 1000011);
    assert_int_equal(redis_clock_stamp(&clock, 311), 1000012);
    assert_int_equal(redis_clock_stamp(&clock, 400), 1000100);
}

/* The answer that took longest says least. */
static void of_several_answers_the_fastest_counts(void **state)
{
    (void)state;
    redis_clock_t clock = {0};
    redis_clock_hear(&clock, 1000000, 300);
    redis_clock_hear(&clock, 1000100, 900);
    assert_int_equal(redis_clock_stamp(&clock, 1000), 1000700);
    redis_clock_hear(&clock, 1001000, 1100);
    assert_int_equal(redis_clock_stamp(&clock, 1200), 1001100);
}

static void what_was_told_is_never_in_the_future(void **state)
{
    (void)state;
    redis_clock_t clock = {0};
    redis_clock_hear(&clock, 1000000, 300);
    redis_clock_hear(&clock, 1500000, 310);
    assert_int_equal(redis_clock_stamp(&clock, 310), 1500001);
}

static void after_a_while_it_must_be_heard_again_and_may_have_been_set_back(void **state)
{
    (void)state;
    redis_clock_t clock = {0};
    redis_clock_hear(&clock, 1000000000, 300);
    assert_int_equal(redis_clock_stamp(&clock, 10000299), 1009999999);
    assert_int_equal(redis_clock_stamp(&clock, 10000300), 0);
    redis_clock_hear(&clock, 500000000, 10000400);
    assert_int_equal(clock.ahead_us, 500000000 - 10000400);
    /* but nothing gets an earlier time than what came before */
    assert_int_equal(redis_clock_stamp(&clock, 10000500), 1010000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_answer_there_is_no_time),
        cmocka_unit_test(it_goes_on_from_what_was_heard),
        cmocka_unit_test(no_time_is_given_twice),
        cmocka_unit_test(of_several_answers_the_fastest_counts),
        cmocka_unit_test(what_was_told_is_never_in_the_future),
        cmocka_unit_test(after_a_while_it_must_be_heard_again_and_may_have_been_set_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
