/* One line of the report: what was done, and what came of it. */
#ifndef CAIRN_BENCH_ROW_H
#define CAIRN_BENCH_ROW_H

#include "hist.h"
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* Of figures that do not apply. */
#define ROW_NO_FIGURE ((double)NAN)
enum {
    ROW_NO_COUNT = -1
};

typedef struct row {
    const char *workload;  /* "closed loop", "open loop", "receive only", "publish only" */
    const char *client;    /* "cairn", "hiredis", "redis-benchmark" */
    const char *backend;   /* "memory", "redis" */
    const char *transport; /* "memory", "tcp", "unix" */
    bool shared;           /* publishers and subscribers on one handle */
    int64_t payload;
    int64_t publishers;
    int64_t subscribers;
    int64_t channels;
    int64_t inflight;   /* a publisher; of a closed loop */
    double rate_wanted; /* of an open loop */
    double msgs_per_s;  /* delivered; of "publish only": published */
    double mb_per_s;    /* of payload; 10^6 bytes */
    double p50_us, p90_us, p99_us, p999_us, max_us;
    double lag_p99_us; /* by which an open loop sent later than it meant to; part of the latency */
    double client_cpu_us_per_msg;
    int64_t lost, duplicated, reordered;

    /* This row's over hiredis's of the same work: the median of the ratios of paired runs. */
    double rate_ratio, cpu_ratio, p50_ratio;
} row_t;

/* All figures and counts not applicable. */
void row_init(row_t *row);

void row_set_latency(row_t *row, const hist_t *latency);

/* The median; reorders `values`. NAN if there are none. */
double row_median(double *values, int count);

#endif
