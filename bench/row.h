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

enum {
    ROW_PAIRS_MAX = 16
};

/* What a row counts; its figures "a message" are then of that. */
typedef enum row_unit {
    ROW_MESSAGES,
    ROW_OPERATIONS
} row_unit_t;

typedef struct row {
    row_unit_t unit;
    const char
        *workload;       /* "closed loop", "open loop", "receive only", "publish only"; "saver.put",
                            ...: closed if `inflight` is there, open if `rate_wanted` is */
    const char *client;  /* "cairn", "hiredis", "redis-benchmark" */
    const char *note;    /* what is to be said of it; may be NULL */
    const char *backend; /* "memory", "redis" */
    const char *transport; /* "memory", "tcp", "tls", "unix" */
    bool shared;           /* publishers and subscribers on one handle */
    int64_t payload;       /* of a message, or of a channel's value */
    int64_t publishers;
    int64_t subscribers;
    int64_t channels;   /* published to, or of a checkpoint */
    int64_t threads;    /* of agents */
    int64_t ttl_ms;     /* of what is put; ROW_NO_COUNT: none */
    int64_t inflight;   /* of a closed loop: a publisher's messages, or the agents at work */
    double rate_wanted; /* of an open loop */
    double msgs_per_s;  /* delivered; of "publish only": published */
    double mb_per_s;    /* of payload; 10^6 bytes */
    double p50_us, p90_us, p99_us, p999_us, max_us;
    double lag_p99_us;  /* by which an open loop sent later than it meant to; part of the latency */
    double loop_lag_ms; /* the longest turn of the client's loop, if that was asked for */
    double client_cpu_us_per_msg;
    double server_cpu_us_per_msg; /* of its main thread; if the server is our own */
    int64_t lost, duplicated, reordered;

    /* This row's over hiredis's of the same work: the median of the ratios of paired runs. */
    double rate_ratio, cpu_ratio, server_cpu_ratio, p50_ratio;
} row_t;

/* All figures and counts not applicable. */
void row_init(row_t *row);

void row_set_latency(row_t *row, const hist_t *latency);

/* The median of ours[i] / theirs[i], of `count` pairs, at most ROW_PAIRS_MAX. */
double row_median_ratio(const double *ours, const double *theirs, int count);

/* The median; reorders `values`. NAN if there are none. */
double row_median(double *values, int count);

#endif
