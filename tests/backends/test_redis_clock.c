#include "redis_clock.h"

#include "check.h"

#define SECOND INT64_C(1000000)

/* An answer that came so much later than the question, the server's clock being 1,000 s ahead and
 * its time taken just before the answer arrived. */
static void ask(redis_clock_t *clock, int64_t at_us, int64_t took_us)
{
    assert_true(redis_clock_asks(clock, at_us));
    redis_clock_hear(clock, 1000 * SECOND + at_us + took_us, at_us + took_us);
}

static void without_an_answer_there_is_no_time(void **state)
{
    (void)state;
    redis_clock_t clock = {.behind_us = 2000};
    assert_int_equal(redis_clock_stamp(&clock, 5), 0);
    assert_true(redis_clock_asks(&clock, 5));
    assert_int_equal(redis_clock_stamp(&clock, 6), 0);
}

static void it_goes_on_from_what_was_heard(void **state)
{
    (void)state;
    redis_clock_t clock = {.behind_us = 2000};
    ask(&clock, 200, 100);
    assert_int_equal(redis_clock_stamp(&clock, 310), 1000 * SECOND + 310);
    assert_int_equal(redis_clock_stamp(&clock, 500), 1000 * SECOND + 500);
}

static void no_time_is_given_twice(void **state)
{
    (void)state;
    redis_clock_t clock = {.behind_us = 2000};
    ask(&clock, 200, 100);
    assert_int_equal(redis_clock_stamp(&clock, 310), 1000 * SECOND + 310);
    assert_int_equal(redis_clock_stamp(&clock, 310), 1000 * SECOND + 311);
    assert_int_equal(redis_clock_stamp(&clock, 311), 1000 * SECOND + 312);
    assert_int_equal(redis_clock_stamp(&clock, 400), 1000 * SECOND + 400);
}

static void one_question_at_a_time_and_none_while_it_is_known(void **state)
{
    (void)state;
    redis_clock_t clock = {.behind_us = 2000};
    assert_true(redis_clock_asks(&clock, 100));
    assert_false(redis_clock_asks(&clock, 200));
    redis_clock_hear(&clock, 1000 * SECOND, 300);
    assert_false(redis_clock_asks(&clock, 400));
    assert_false(redis_clock_asks(&clock, 5 * SECOND));
    assert_true(redis_clock_asks(&clock, 6 * SECOND));
    assert_false(redis_clock_asks(&clock, 6 * SECOND + 1));
    /* its answer has been lost */
    assert_true(redis_clock_asks(&clock, 7 * SECOND));
}

/* The time is that of some moment between: an answer that took long says little. */
static void an_answer_that_took_too_long_only_bounds_the_next(void **state)
{
    (void)state;
    redis_clock_t clock = {.behind_us = 2000};
    ask(&clock, 100, 5000);
    assert_int_equal(redis_clock_stamp(&clock, 6000), 0);
    ask(&clock, 26000, 1000);
    assert_int_equal(redis_clock_stamp(&clock, 27500), 1000 * SECOND + 27500);
}

/* Where every answer takes long, not every put asks. */
static void after_such_an_answer_it_does_not_ask_at_once(void **state)
{
    (void)state;
    redis_clock_t clock = {.behind_us = 2000};
    ask(&clock, 100, 5000);
    assert_false(redis_clock_asks(&clock, 5200));
    assert_false(redis_clock_asks(&clock, 25000));
    assert_true(redis_clock_asks(&clock, 25100));
}

static void how_far_behind_it_may_be_is_the_users_choice(void **state)
{
    (void)state;
    redis_clock_t clock = {.behind_us = 5000};
    ask(&clock, 100, 5000);
    assert_int_equal(redis_clock_stamp(&clock, 5100), 1000 * SECOND + 5100);
    redis_clock_t never = {.behind_us = 0};
    assert_false(redis_clock_asks(&never, 100));
    assert_int_equal(redis_clock_stamp(&never, 100), 0);
}

/* One answer came late, the other question went slowly: together they leave little doubt. */
static void answers_bound_each_other(void **state)
{
    (void)state;
    redis_clock_t clock = {.behind_us = 2000};
    assert_true(redis_clock_asks(&clock, 1000));
    redis_clock_hear(&clock, 1000 * SECOND + 1100, 2000); /* 900 us late, at the least */
    assert_int_equal(redis_clock_stamp(&clock, 2000), 1000 * SECOND + 1100);
    assert_true(redis_clock_asks(&clock, 6 * SECOND));
    redis_clock_hear(&clock, 1006 * SECOND + 1900, 6 * SECOND + 2000);
    assert_int_equal(redis_clock_stamp(&clock, 6 * SECOND + 2000), 1006 * SECOND + 1900);
    assert_in_range(clock.most_us - clock.least_us, 0, 100 + 100 + 6 * SECOND / 8192);
}

static void what_has_not_been_heard_of_for_long_is_not_known(void **state)
{
    (void)state;
    redis_clock_t clock = {.behind_us = 2000};
    ask(&clock, 200, 100);
    assert_true(redis_clock_stamp(&clock, 7 * SECOND) > 0);
    assert_int_equal(redis_clock_stamp(&clock, 11 * SECOND), 0);
}

static void a_clock_that_was_set_back_is_believed_but_gives_no_earlier_time(void **state)
{
    (void)state;
    redis_clock_t clock = {.behind_us = 2000};
    ask(&clock, 200, 100);
    const int64_t before = redis_clock_stamp(&clock, 6 * SECOND);
    assert_true(redis_clock_asks(&clock, 6 * SECOND));
    redis_clock_hear(&clock, 500 * SECOND, 6 * SECOND + 100);
    assert_int_equal(clock.least_us, 500 * SECOND - (6 * SECOND + 100));
    assert_int_equal(redis_clock_stamp(&clock, 6 * SECOND + 200), before + 1);
}

static void what_the_server_has_dated_itself_comes_before(void **state)
{
    (void)state;
    redis_clock_t clock = {.behind_us = 2000};
    ask(&clock, 200, 100);
    redis_clock_follow(&clock, 1000 * SECOND + 900);
    assert_int_equal(redis_clock_stamp(&clock, 310), 1000 * SECOND + 901);
    redis_clock_follow(&clock, 1000 * SECOND + 500);
    assert_int_equal(redis_clock_stamp(&clock, 311), 1000 * SECOND + 902);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_answer_there_is_no_time),
        cmocka_unit_test(it_goes_on_from_what_was_heard),
        cmocka_unit_test(no_time_is_given_twice),
        cmocka_unit_test(one_question_at_a_time_and_none_while_it_is_known),
        cmocka_unit_test(an_answer_that_took_too_long_only_bounds_the_next),
        cmocka_unit_test(after_such_an_answer_it_does_not_ask_at_once),
        cmocka_unit_test(how_far_behind_it_may_be_is_the_users_choice),
        cmocka_unit_test(answers_bound_each_other),
        cmocka_unit_test(what_has_not_been_heard_of_for_long_is_not_known),
        cmocka_unit_test(what_the_server_has_dated_itself_comes_before),
        cmocka_unit_test(a_clock_that_was_set_back_is_believed_but_gives_no_earlier_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
