#include "sequence.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void see_range(sequence_t *sequence, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++) sequence_see(sequence, i);
}

static void assert_counts(const sequence_t *sequence, uint64_t lost, uint64_t duplicated,
                          uint64_t reordered)
{
    assert_int_equal(sequence->lost, lost);
    assert_int_equal(sequence->duplicated, duplicated);
    assert_int_equal(sequence->reordered, reordered);
}

static void all_in_order(void **state)
{
    (void)state;
    sequence_t sequence = {0};
    see_range(&sequence, 0, 1000);
    sequence_end(&sequence, 1000);
    assert_counts(&sequence, 0, 0, 0);
    assert_int_equal(sequence.next, 1000);
}

static void a_hole_is_lost(void **state)
{
    (void)state;
    sequence_t sequence = {0};
    see_range(&sequence, 3, 10);
    see_range(&sequence, 15, 20);
    sequence_end(&sequence, 20);
    assert_counts(&sequence, 8, 0, 0);
}

static void what_is_missing_at_the_end_is_lost(void **state)
{
    (void)state;
    sequence_t sequence = {0};
    see_range(&sequence, 0, 10);
    sequence_end(&sequence, 17);
    assert_counts(&sequence, 7, 0, 0);
    sequence_end(&sequence, 17);
    assert_counts(&sequence, 7, 0, 0);

    sequence_t nothing = {0};
    sequence_end(&nothing, 5);
    assert_counts(&nothing, 5, 0, 0);
}

static void a_second_copy_is_a_duplicate(void **state)
{
    (void)state;
    sequence_t sequence = {0};
    see_range(&sequence, 0, 5);
    sequence_see(&sequence, 4);
    sequence_see(&sequence, 0);
    sequence_see(&sequence, 5);
    sequence_end(&sequence, 6);
    assert_counts(&sequence, 0, 2, 0);
}

static void a_late_one_is_reordered_and_not_lost(void **state)
{
    (void)state;
    sequence_t sequence = {0};
    sequence_see(&sequence, 1);
    assert_counts(&sequence, 1, 0, 0);
    sequence_see(&sequence, 0);
    sequence_see(&sequence, 2);
    sequence_end(&sequence, 3);
    assert_counts(&sequence, 0, 0, 1);
}

static void a_late_one_splits_its_hole(void **state)
{
    (void)state;
    sequence_t sequence = {0};
    sequence_see(&sequence, 10);
    sequence_see(&sequence, 5);
    sequence_see(&sequence, 5);
    assert_counts(&sequence, 9, 1, 1);
    see_range(&sequence, 0, 5);
    see_range(&sequence, 6, 10);
    assert_counts(&sequence, 0, 1, 10);
    assert_int_equal(sequence.hole_count, 0);
    see_range(&sequence, 0, 11);
    assert_counts(&sequence, 0, 12, 10);
}

static void reversed_is_all_late_but_the_first(void **state)
{
    (void)state;
    sequence_t sequence = {0};
    for (uint64_t i = 100; i-- > 0;) sequence_see(&sequence, i);
    sequence_end(&sequence, 100);
    assert_counts(&sequence, 0, 0, 99);
}

static void only_so_many_holes_are_remembered(void **state)
{
    (void)state;
    sequence_t sequence = {0};
    for (uint64_t i = 1; i <= 2 * (SEQUENCE_HOLES + 1); i += 2) sequence_see(&sequence, i);
    assert_counts(&sequence, SEQUENCE_HOLES + 1, 0, 0);
    assert_int_equal(sequence.hole_count, SEQUENCE_HOLES);
    sequence_see(&sequence, 0);
    assert_counts(&sequence, SEQUENCE_HOLES + 1, 1, 0);
    sequence_see(&sequence, 2);
    assert_counts(&sequence, SEQUENCE_HOLES, 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_in_order),
        cmocka_unit_test(a_hole_is_lost),
        cmocka_unit_test(what_is_missing_at_the_end_is_lost),
        cmocka_unit_test(a_second_copy_is_a_duplicate),
        cmocka_unit_test(a_late_one_is_reordered_and_not_lost),
        cmocka_unit_test(a_late_one_splits_its_hole),
        cmocka_unit_test(reversed_is_all_late_but_the_first),
        cmocka_unit_test(only_so_many_holes_are_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
