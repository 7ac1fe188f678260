/* Against brute force in long double: scores to 1e-6 of themselves, and the best of many exactly.
 */
#include "check.h"
#include "vector_sums.h"

#include <cairn/sys/vector.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define LONGEST 67

static uint64_t state_of_random = 1;

static float random_float(void)
{
    state_of_random = state_of_random * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)(state_of_random >> 33) / (1u << 30) - 1);
}

static void fill(float *out, size_t count)
{
    for (size_t i = 0; i < count; i++) out[i] = random_float();
}

static long double exact_dot(const float *a, const float *b, size_t dimensions)
{
    long double sum = 0;
    for (size_t i = 0; i < dimensions; i++) sum += (long double)a[i] * (long double)b[i];
    return sum;
}

static long double exact_distance(const float *a, const float *b, size_t dimensions)
{
    long double sum = 0;
    for (size_t i = 0; i < dimensions; i++) {
        long double apart = (long double)a[i] - (long double)b[i];
        sum += apart * apart;
    }
    return sqrtl(sum);
}

static double exact_score(cairn_metric_t metric, const float *a, const float *b, size_t dimensions)
{
    if (metric == CAIRN_METRIC_L2) return (double)-exact_distance(a, b, dimensions);
    long double dot = exact_dot(a, b, dimensions);
    if (metric == CAIRN_METRIC_INNER_PRODUCT) return (double)dot;
    long double norms = sqrtl(exact_dot(a, a, dimensions)) * sqrtl(exact_dot(b, b, dimensions));
    return norms > 0 ? (double)(dot / norms) : 0;
}

static double score(cairn_metric_t metric, const float *a, const float *b, size_t dimensions)
{
    cairn_probe_t probe = cairn_probe(metric, a, dimensions);
    double norm = cairn_vector_norm(b, dimensions), out;
    cairn_probe_scores(&probe, b, &norm, 1, &out);
    return out;
}

static void assert_close(double found, double expected, double scale)
{
    if (fabs(found - expected) <= 1e-6 * scale) return;
    check_fail("%.17g, not %.17g", found, expected);
}

static void scores_are_exact_whatever_the_number_of_dimensions(void **state)
{
    (void)state;
    float a[LONGEST + 1], b[LONGEST + 1];
    for (size_t dimensions = 1; dimensions <= LONGEST; dimensions++) {
        fill(a, COUNT_OF(a));
        fill(b, COUNT_OF(b));
        for (cairn_metric_t m = CAIRN_METRIC_COSINE; m <= CAIRN_METRIC_INNER_PRODUCT; m++) {
            assert_close(score(m, a, b, dimensions), exact_score(m, a, b, dimensions), 1);
            assert_close(score(m, a + 1, b, dimensions), exact_score(m, a + 1, b, dimensions), 1);
        }
    }
}

static void large_and_small_numbers_neither_overflow_nor_vanish(void **state)
{
    (void)state;
    static const float scales[] = {FLT_MAX, 1e30f, 1e-30f, FLT_MIN};
    float a[LONGEST], b[LONGEST];
    for (size_t s = 0; s < COUNT_OF(scales); s++) {
        fill(a, LONGEST);
        fill(b, LONGEST);
        for (size_t i = 0; i < LONGEST; i++) {
            a[i] *= scales[s];
            b[i] *= scales[s];
        }
        for (cairn_metric_t m = CAIRN_METRIC_COSINE; m <= CAIRN_METRIC_INNER_PRODUCT; m++) {
            double expected = exact_score(m, a, b, LONGEST);
            assert_true(isfinite(score(m, a, b, LONGEST)));
            assert_close(score(m, a, b, LONGEST), expected, fabs(expected));
        }
    }
}

static void what_has_no_direction_has_cosine_0(void **state)
{
    (void)state;
    const float zero[3] = {0}, one[3] = {1, 0, 0};
    assert_true(score(CAIRN_METRIC_COSINE, zero, one, 3) == 0);
    assert_true(score(CAIRN_METRIC_COSINE, one, zero, 3) == 0);
    assert_true(score(CAIRN_METRIC_COSINE, zero, zero, 3) == 0);
}

static void every_machine_adds_up_the_same(void **state)
{
    (void)state;
    const vector_sums_t *here = vector_sums(), *anywhere = &vector_sums_portable;
    float a[LONGEST + 1], b[LONGEST + 1];
    for (size_t dimensions = 0; dimensions <= LONGEST; dimensions++) {
        fill(a, COUNT_OF(a));
        fill(b, COUNT_OF(b));
        for (size_t from = 0; from <= 1; from++) {
            const float *at = a + from;
            assert_close(here->dot(at, b, dimensions), anywhere->dot(at, b, dimensions), 1e-6);
            assert_close(here->squared_distance(at, b, dimensions),
                         anywhere->squared_distance(at, b, dimensions), 1e-6);
            assert_close(anywhere->dot(at, b, dimensions), (double)exact_dot(at, b, dimensions),
                         1e-6);
            double distance = sqrt(anywhere->squared_distance(at, b, dimensions));
            assert_close(distance, (double)exact_distance(at, b, dimensions), 1e-6);
        }
    }
}

/* ---- the best of many ---- */

static int by_address(const void *a, const void *b)
{
    return ((uintptr_t)a > (uintptr_t)b) - ((uintptr_t)a < (uintptr_t)b);
}

static int best_first(const void *a, const void *b)
{
    const cairn_ranked_t *one = a, *other = b;
    if (one->score != other->score) return one->score < other->score ? 1 : -1;
    return by_address(one->what, other->what);
}

static void check_top(size_t count, size_t most, unsigned different)
{
    static const char places[200];
    cairn_ranked_t all[200], room[200];
    cairn_top_t top = {.at = room, .most = most, .tie = by_address};
    for (size_t i = 0; i < count; i++) {
        all[i] = (cairn_ranked_t){(double)((unsigned)(random_float() * 1000 + 1000) % different),
                                  &places[i]};
        cairn_top_take(&top, all[i].score, all[i].what);
    }
    qsort(all, count, sizeof *all, best_first);
    cairn_top_sort(&top);
    assert_int_equal(top.count, most < count ? most : count);
    for (size_t i = 0; i < top.count; i++) {
        assert_true(room[i].score == all[i].score);
        assert_ptr_equal(room[i].what, all[i].what);
    }
}

static void the_best_of_many_come_best_first_ties_in_order(void **state)
{
    (void)state;
    for (size_t count = 0; count <= 200; count += 1 + count / 8)
        for (size_t most = 0; most <= count + 1; most += 1 + most / 4)
            for (unsigned different = 1; different <= 1000; different *= 10)
                check_top(count, most, different);
}

/* Recall 1.0: the best k by brute force are the best k, for every metric. */
static void recall_is_whole(void **state)
{
    (void)state;
    enum {
        ROWS = 2000,
        DIMENSIONS = 48,
        BEST = 50
    };
    float *rows = malloc(ROWS * DIMENSIONS * sizeof *rows);
    double *norms = malloc(ROWS * sizeof *norms), *scores = malloc(ROWS * sizeof *scores);
    assert_true(rows && norms && scores);
    fill(rows, ROWS * DIMENSIONS);
    for (size_t i = 0; i < ROWS; i++)
        norms[i] = cairn_vector_norm(rows + i * DIMENSIONS, DIMENSIONS);
    float query[DIMENSIONS];
    fill(query, DIMENSIONS);
    for (cairn_metric_t m = CAIRN_METRIC_COSINE; m <= CAIRN_METRIC_INNER_PRODUCT; m++) {
        cairn_probe_t probe = cairn_probe(m, query, DIMENSIONS);
        cairn_probe_scores(&probe, rows, norms, ROWS, scores);
        static cairn_ranked_t exact[ROWS], room[BEST];
        cairn_top_t top = {.at = room, .most = BEST, .tie = by_address};
        for (size_t i = 0; i < ROWS; i++) {
            const float *row = rows + i * DIMENSIONS;
            exact[i] = (cairn_ranked_t){exact_score(m, query, row, DIMENSIONS), row};
            cairn_top_take(&top, scores[i], row);
        }
        cairn_top_sort(&top);
        qsort(exact, ROWS, sizeof *exact, best_first);
        for (size_t i = 0; i < BEST; i++) assert_ptr_equal(room[i].what, exact[i].what);
    }
    free(rows);
    free(norms);
    free(scores);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_exact_whatever_the_number_of_dimensions),
        cmocka_unit_test(large_and_small_numbers_neither_overflow_nor_vanish),
        cmocka_unit_test(what_has_no_direction_has_cosine_0),
        cmocka_unit_test(every_machine_adds_up_the_same),
        cmocka_unit_test(the_best_of_many_come_best_first_ties_in_order),
        cmocka_unit_test(recall_is_whole),
    };
    return cmocka_run_group_tests_name("vector", tests, NULL, NULL);
}
