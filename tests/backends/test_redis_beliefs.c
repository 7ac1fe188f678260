#include "redis_beliefs.h"

#include "check.h"

/* They differ in bits that count, and share a place: that many sets there are. */
#define SAME_PLACE(n) (((uint64_t)(n)*16384 + 7) << 1 | 1)

static void nothing_is_believed_of_what_is_not_known(void **state)
{
    (void)state;
    redis_beliefs_t beliefs = {0};
    assert_int_equal(redis_beliefs_get(&beliefs, SAME_PLACE(1)), 0);
    redis_beliefs_drop(&beliefs, SAME_PLACE(1));
    redis_beliefs_set(&beliefs, SAME_PLACE(1), 10);
    assert_int_equal(redis_beliefs_get(&beliefs, SAME_PLACE(2)), 0);
    redis_beliefs_free(&beliefs);
}

static void the_last_that_was_said_is_believed_until_it_is_dropped(void **state)
{
    (void)state;
    redis_beliefs_t beliefs = {0};
    redis_beliefs_set(&beliefs, SAME_PLACE(1), 10);
    redis_beliefs_set(&beliefs, SAME_PLACE(2), 20);
    redis_beliefs_set(&beliefs, SAME_PLACE(1), 11);
    assert_int_equal(redis_beliefs_get(&beliefs, SAME_PLACE(1)), 11);
    assert_int_equal(redis_beliefs_get(&beliefs, SAME_PLACE(2)), 20);
    redis_beliefs_drop(&beliefs, SAME_PLACE(1));
    assert_int_equal(redis_beliefs_get(&beliefs, SAME_PLACE(1)), 0);
    assert_int_equal(redis_beliefs_get(&beliefs, SAME_PLACE(2)), 20);
    redis_beliefs_free(&beliefs);
}

static void where_there_is_no_room_the_oldest_goes(void **state)
{
    (void)state;
    redis_beliefs_t beliefs = {0};
    for (int i = 1; i <= 5; i++) redis_beliefs_set(&beliefs, SAME_PLACE(i), i);
    assert_int_equal(redis_beliefs_get(&beliefs, SAME_PLACE(1)), 0);
    for (int i = 2; i <= 5; i++) assert_int_equal(redis_beliefs_get(&beliefs, SAME_PLACE(i)), i);
    redis_beliefs_free(&beliefs);
}

/* A guess costs nothing if it is right, and several times what it saves if it is not. */
static void who_guesses_wrong_too_often_stops_and_some_day_tries_again(void **state)
{
    (void)state;
    redis_beliefs_t beliefs = {0};
    int wrong = 0, refused = 0;
    for (; redis_beliefs_may_guess(&beliefs); wrong++) redis_beliefs_guessed(&beliefs, false);
    assert_in_range(wrong, 2, 20);
    while (!redis_beliefs_may_guess(&beliefs)) refused++;
    assert_true(refused < 100);
    for (int i = 0; i < 100; i++) {
        assert_true(redis_beliefs_may_guess(&beliefs));
        redis_beliefs_guessed(&beliefs, true);
    }
    redis_beliefs_guessed(&beliefs, false);
    assert_true(redis_beliefs_may_guess(&beliefs));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_believed_of_what_is_not_known),
        cmocka_unit_test(the_last_that_was_said_is_believed_until_it_is_dropped),
        cmocka_unit_test(where_there_is_no_room_the_oldest_goes),
        cmocka_unit_test(who_guesses_wrong_too_often_stops_and_some_day_tries_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
