/* redis-benchmark, which comes with the server: what PUBLISH alone can reach there. */
#ifndef CAIRN_BENCH_REDIS_BENCHMARK_H
#define CAIRN_BENCH_REDIS_BENCHMARK_H

#include "row.h"
#include <stddef.h>

typedef struct redis_benchmark {
    int port; /* on 127.0.0.1 */
    int connections;
    int pipeline;
    long messages;
    int payload;
    int cpu;         /* to pin it to; < 0: nowhere */
    unsigned most_s; /* it is killed then; without a server it would try for ever */
} redis_benchmark_t;

/* PUBLISH to a channel without subscribers. 0, or -1 with a sentence in `error`. */
int redis_benchmark_run(const redis_benchmark_t *work, row_t *row, char *error, size_t size);

/* Takes the figures from what `redis-benchmark --csv` prints. 0 or -1. */
int redis_benchmark_parse(const char *csv, row_t *row);

#endif
