/* Short runs of the store's workload, and what is right of their rows. */
#ifndef TESTS_BENCH_STORE_WORK_H
#define TESTS_BENCH_STORE_WORK_H

#include "server.h"
#include "store.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
    ITEMS = 1000
};

static store_result_t result;
static char error[CLIENT_ERROR_MAX];

static inline store_work_t short_run(const char *url, const client_ops_t *client, store_op_t op)
{
    return (store_work_t){
        .name = "work",
        .url = url,
        .client = client,
        .op = op,
        .items = op >= STORE_SEARCH ? ITEMS / 5 : ITEMS,
        .spaces = op >= STORE_SEARCH ? 2 : 7,
        .batch = 1,
        .window = 8,
        .value = 64,
        .dimensions = op == STORE_NEAR ? 4 : 0,
        .warmup_s = 0.02,
        .duration_s = 0.1,
    };
}

static inline const row_t *run(const store_work_t *work)
{
    error[0] = '\0';
    if (store_bench_run(work, &result, error) < 0) fail_msg("%s", error);
    return &result.row;
}

static inline void assert_fails(const store_work_t *work, const char *why)
{
    error[0] = '\0';
    assert_int_equal(store_bench_run(work, &result, error), -1);
    if (!strstr(error, why)) fail_msg("it failed with: %s", error);
}

static inline void assert_row(const row_t *row, const store_work_t *work, const char *backend,
                              const char *transport)
{
    assert_int_equal(row->unit, ROW_OPERATIONS);
    assert_string_equal(row->workload, work->name);
    assert_string_equal(row->client, work->client->name);
    assert_string_equal(row->backend, backend);
    assert_string_equal(row->transport, transport);
    assert_int_equal(row->payload, work->value);
    assert_int_equal(row->channels, work->batch);
    assert_int_equal(row->inflight, work->window);
    assert_int_equal(row->threads, ROW_NO_COUNT);
    assert_true(row->msgs_per_s > 0);
    assert_true(fabs(row->mb_per_s - row->msgs_per_s * work->value / 1e6) < 1e-6);
    assert_true(row->p50_us > 0);
    assert_true(row->p50_us <= row->p90_us);
    assert_true(row->p90_us <= row->p99_us);
    assert_true(row->p99_us <= row->p999_us);
    assert_true(row->p999_us <= row->max_us);
    assert_true(row->client_cpu_us_per_msg > 0);
    assert_true(isnan(row->rate_ratio));
}

#endif
