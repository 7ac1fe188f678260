#include "hist.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    SAMPLES = 200000
};

static const double percentiles[] = {0, 1, 25, 50, 75, 90, 99, 99.9, 99.99, 100};
enum {
    PERCENTILES = sizeof percentiles / sizeof percentiles[0]
};

static int setup(void **state)
{
    *state = calloc(1, sizeof(hist_t));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* As HdrHistogram counts: the k-th smallest, k = percentile of the number, rounded, at least 1. */
static uint64_t exact(const uint64_t *sorted, double percentile)
{
    size_t k = (size_t)(percentile / 100 * SAMPLES + 0.5);
    return sorted[k < 1 ? 0 : k - 1];
}

static void assert_within_three_digits(uint64_t value, uint64_t truth)
{
    assert_true(value >= truth);
    assert_true(value - truth <= truth / 1000);
}

static void an_empty_one_is_zero(void **state)
{
    hist_t *hist = *state;
    for (int i = 0; i < PERCENTILES; i++)
        assert_int_equal(hist_percentile(hist, percentiles[i]), 0);
    assert_int_equal(hist->max, 0);
}

static void small_values_are_exact(void **state)
{
    hist_t *hist = *state;
    for (uint64_t value = 1; value <= 2000; value++) hist_record(hist, value);
    assert_int_equal(hist->total, 2000);
    assert_int_equal(hist_percentile(hist, 50), 1000);
    assert_int_equal(hist_percentile(hist, 99), 1980);
    assert_int_equal(hist_percentile(hist, 100), 2000);
    assert_int_equal(hist_percentile(hist, 0), 1);
}

/* Figures of HdrHistogram's own documentation: 10,000 has a resolution of 8, one hour one of 2^21.
 */
static void buckets_are_those_of_hdr_histogram(void **state)
{
    hist_t *hist = *state;
    hist_record(hist, 10000);
    hist_record(hist, HIST_HIGHEST);
    assert_int_equal(hist_percentile(hist, 50), 10007);

    hist_reset(hist);
    hist_record(hist, 2047);
    hist_record(hist, 2048);
    hist_record(hist, 2049);
    hist_record(hist, 4096);
    assert_int_equal(hist_percentile(hist, 25), 2047);
    assert_int_equal(hist_percentile(hist, 50), 2049);
    assert_int_equal(hist_percentile(hist, 75), 2049);
    assert_int_equal(hist_percentile(hist, 100), 4096);
}

static void percentiles_match_a_sorted_array(void **state)
{
    hist_t *hist = *state;
    uint64_t *values = malloc(SAMPLES * sizeof *values);
    assert_non_null(values);
    for (unsigned bits = 8; bits <= 40; bits += 8) {
        uint64_t seed = 88172645463325252u + bits;
        hist_reset(hist);
        for (size_t i = 0; i < SAMPLES; i++) {
            uint64_t length = 1 + next_random(&seed) % bits;
            values[i] = 1 + (next_random(&seed) & ((UINT64_C(1) << length) - 1));
            hist_record(hist, values[i]);
        }
        qsort(values, SAMPLES, sizeof *values, compare);
        assert_int_equal(hist->total, SAMPLES);
        assert_int_equal(hist->max, values[SAMPLES - 1]);
        for (int i = 0; i < PERCENTILES; i++)
            assert_within_three_digits(hist_percentile(hist, percentiles[i]),
                                       exact(values, percentiles[i]));
    }
    free(values);
}

static void merging_is_recording_both(void **state)
{
    hist_t *both = *state;
    hist_t *other = calloc(1, sizeof *other), *sum = calloc(1, sizeof *sum);
    assert_non_null(other);
    assert_non_null(sum);
    uint64_t seed = 42;
    for (int i = 0; i < 10000; i++) {
        uint64_t value = next_random(&seed) % 1000000;
        hist_record(both, value);
        hist_record(i % 3 ? other : sum, value);
    }
    hist_merge(sum, other);
    assert_memory_equal(sum, both, sizeof *sum);
    free(other);
    free(sum);
}

static void beyond_an_hour_counts_as_an_hour(void **state)
{
    hist_t *hist = *state;
    hist_record(hist, UINT64_MAX);
    hist_record(hist, 0);
    assert_int_equal(hist->total, 2);
    assert_int_equal(hist->max, UINT64_MAX);
    assert_int_equal(hist_percentile(hist, 0), 0);
    assert_within_three_digits(hist_percentile(hist, 100), HIST_HIGHEST);
}

#define HIST_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HIST_TEST(an_empty_one_is_zero),
        HIST_TEST(small_values_are_exact),
        HIST_TEST(buckets_are_those_of_hdr_histogram),
        HIST_TEST(percentiles_match_a_sorted_array),
        HIST_TEST(merging_is_recording_both),
        HIST_TEST(beyond_an_hour_counts_as_an_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
