#include "store_read.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE = 64,
    AHEAD = 4096
};

typedef uint64_t line_t __attribute__((vector_size(LINE)));

static volatile uint64_t kept; /* lest nothing be read */

/* As fast as it can be: what is far ahead is asked for, as the search does. */
static uint64_t read_all(const line_t *lines, size_t count)
{
    line_t sum = {0};
    for (size_t i = 0; i < count; i++) {
        __builtin_prefetch((const void *)((uintptr_t)&lines[i] + AHEAD));
        sum ^= lines[i];
    }
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3] ^ sum[4] ^ sum[5] ^ sum[6] ^ sum[7];
}

static void read_for(const line_t *lines, size_t count, double seconds, hist_t *times)
{
    const uint64_t end_ns = uv_hrtime() + (uint64_t)(seconds * 1e9);
    for (uint64_t now_ns = uv_hrtime(), then_ns; now_ns < end_ns; now_ns = then_ns) {
        kept ^= read_all(lines, count);
        then_ns = uv_hrtime();
        hist_record(times, then_ns - now_ns);
    }
}

static void set_row(const store_work_t *work, const hist_t *times, row_t *row)
{
    row_init(row);
    row->unit = ROW_OPERATIONS;
    row->workload = work->name;
    row->client = "plain read";
    row->note = "the bytes of all vectors, read once; beside it the search's ratios";
    row->transport = "memory";
    row->backend = "memory";
    row->payload = work->value;
    row->channels = work->batch;
    row->inflight = work->window;
    row_set_latency(row, times);
    row->client_cpu_us_per_msg = row->p50_us;
    row->msgs_per_s = 1e6 / row->p50_us;
}

int store_read_run(const store_work_t *work, store_result_t *result, char *error)
{
    const size_t bytes = (size_t)work->items * work->dimensions * sizeof(float);
    const size_t count = (bytes + LINE - 1) / LINE;
    line_t *lines = aligned_alloc(LINE, count * LINE);
    if (!lines) {
        snprintf(error, CLIENT_ERROR_MAX, "out of memory");
        return -1;
    }
    memset(lines, 1, count * LINE);
    hist_reset(&result->latency);
    read_for(lines, count, work->warmup_s, &result->latency);
    hist_reset(&result->latency);
    read_for(lines, count, work->duration_s, &result->latency);
    set_row(work, &result->latency, &result->row);
    result->server[0] = '\0';
    free(lines);
    return 0;
}
