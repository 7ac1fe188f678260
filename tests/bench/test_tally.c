#include "tally.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static row_t run_of(double rate, double cpu, int64_t lost)
{
    row_t row;
    row_init(&row);
    row.workload = "work";
    row.msgs_per_s = rate;
    row.mb_per_s = rate * 2;
    row.client_cpu_us_per_msg = cpu;
    row.p50_us = 1000 / cpu;
    row.lost = row.duplicated = row.reordered = lost;
    return row;
}

/* Runs of this rate each; its latency is one value. */
static tally_t *tally_of(const double *rates, int count, double cpu, int64_t lost)
{
    tally_t *tally = calloc(1, sizeof *tally);
    hist_t *latency = calloc(1, sizeof *latency);
    assert_non_null(tally);
    assert_non_null(latency);
    hist_record(latency, 5000);
    for (int i = 0; i < count; i++) {
        const row_t row = run_of(rates[i], cpu, lost);
        tally_add(tally, &row, latency);
    }
    free(latency);
    return tally;
}

static void assert_near(double value, double wanted)
{
    assert_true(fabs(value - wanted) < 1e-9 * fabs(wanted));
}

static void a_row_has_medians_and_all_latencies(void **state)
{
    (void)state;
    static const double rates[] = {100, 900, 300};
    tally_t *tally = tally_of(rates, 3, 2, 4);
    row_t row;
    assert_int_equal(tally->latency.total, 3);
    assert_int_equal(tally_rows(tally, NULL, &row), 1);
    assert_string_equal(row.workload, "work");
    assert_near(row.msgs_per_s, 300);
    assert_near(row.mb_per_s, 600);
    assert_near(row.client_cpu_us_per_msg, 2);
    assert_near(row.max_us, 5);
    assert_int_equal(row.lost, 12);
    assert_int_equal(row.duplicated, 12);
    assert_int_equal(row.reordered, 12);
    assert_true(isnan(row.rate_ratio));
    free(tally);
}

/* Not of the medians: a bad moment of the machine is in both runs of a pair. */
static void ratios_are_those_of_pairs(void **state)
{
    (void)state;
    static const double fast[] = {200, 60, 40}, slow[] = {100, 30, 10};
    tally_t *ours = tally_of(fast, 3, 1, ROW_NO_COUNT), *theirs = tally_of(slow, 3, 4, 0);
    row_t rows[2];
    assert_int_equal(tally_rows(ours, theirs, rows), 2);
    assert_near(rows[0].msgs_per_s, 30);
    assert_true(isnan(rows[0].rate_ratio));
    assert_int_equal(rows[0].lost, 0);
    assert_near(rows[1].msgs_per_s, 60);
    assert_near(rows[1].rate_ratio, 2);
    assert_near(rows[1].cpu_ratio, 0.25);
    assert_near(rows[1].p50_ratio, 4);
    assert_true(isnan(rows[1].server_cpu_ratio));
    assert_int_equal(rows[1].lost, ROW_NO_COUNT);
    free(ours);
    free(theirs);
}

static void an_open_loop_has_no_ratio_of_rates(void **state)
{
    (void)state;
    static const double rates[] = {100};
    tally_t *ours = tally_of(rates, 1, 1, 0), *theirs = tally_of(rates, 1, 2, 0);
    row_t rows[2];
    ours->row.rate_wanted = theirs->row.rate_wanted = 100;
    assert_int_equal(tally_rows(ours, theirs, rows), 2);
    assert_true(isnan(rows[1].rate_ratio));
    assert_near(rows[1].cpu_ratio, 0.5);
    free(ours);
    free(theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_has_medians_and_all_latencies),
        cmocka_unit_test(ratios_are_those_of_pairs),
        cmocka_unit_test(an_open_loop_has_no_ratio_of_rates),
    };
    return cmocka_run_group_tests_name("bench: tally", tests, NULL, NULL);
}
