#include "row.h"
#include <math.h>
#include <stdlib.h>

void row_init(row_t *row)
{
    *row = (row_t){
        .publishers = ROW_NO_COUNT,
        .subscribers = ROW_NO_COUNT,
        .channels = ROW_NO_COUNT,
        .threads = ROW_NO_COUNT,
        .ttl_ms = ROW_NO_COUNT,
        .inflight = ROW_NO_COUNT,
        .rate_wanted = ROW_NO_FIGURE,
        .msgs_per_s = ROW_NO_FIGURE,
        .mb_per_s = ROW_NO_FIGURE,
        .p50_us = ROW_NO_FIGURE,
        .p90_us = ROW_NO_FIGURE,
        .p99_us = ROW_NO_FIGURE,
        .p999_us = ROW_NO_FIGURE,
        .max_us = ROW_NO_FIGURE,
        .lag_p99_us = ROW_NO_FIGURE,
        .loop_lag_ms = ROW_NO_FIGURE,
        .client_cpu_us_per_msg = ROW_NO_FIGURE,
        .server_cpu_us_per_msg = ROW_NO_FIGURE,
        .lost = ROW_NO_COUNT,
        .duplicated = ROW_NO_COUNT,
        .reordered = ROW_NO_COUNT,
        .rate_ratio = ROW_NO_FIGURE,
        .cpu_ratio = ROW_NO_FIGURE,
        .server_cpu_ratio = ROW_NO_FIGURE,
        .p50_ratio = ROW_NO_FIGURE,
    };
}

static double us(uint64_t ns)
{
    return (double)ns / 1e3;
}

void row_set_latency(row_t *row, const hist_t *latency)
{
    if (latency->total == 0) return;
    row->p50_us = us(hist_percentile(latency, 50));
    row->p90_us = us(hist_percentile(latency, 90));
    row->p99_us = us(hist_percentile(latency, 99));
    row->p999_us = us(hist_percentile(latency, 99.9));
    row->max_us = us(latency->max);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double row_median(double *values, int count)
{
    if (count == 0) return ROW_NO_FIGURE;
    qsort(values, (size_t)count, sizeof *values, ascending);
    return (values[count / 2] + values[(count - 1) / 2]) / 2;
}

double row_median_ratio(const double *ours, const double *theirs, int count)
{
    double ratios[ROW_PAIRS_MAX];
    if (count > ROW_PAIRS_MAX) count = ROW_PAIRS_MAX;
    for (int i = 0; i < count; i++) ratios[i] = ours[i] / theirs[i];
    return row_median(ratios, count);
}
