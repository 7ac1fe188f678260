/* Run streams: what appending, following, replaying and coming back cost, beside plain hiredis on
 * the same server. `cairn-bench stream` goes through all of it. */
#ifndef CAIRN_BENCH_STREAM_H
#define CAIRN_BENCH_STREAM_H

#include "client.h"
#include "hist.h"
#include "row.h"
#include "server.h"

#include <stdio.h>

enum {
    STREAM_ROWS_MAX = 32,
    STREAM_PAYLOAD_MIN = 32, /* number and time are in it */
    STREAM_PAYLOAD_MAX = 1 << 20,
    STREAM_TAILS_MAX = 10000
};

typedef struct stream_config {
    bool quick;
    uint32_t payload; /* bytes of an event's data */
    double rate;      /* of the open loops, events a second in all */
} stream_config_t;

typedef struct stream_result {
    row_t rows[STREAM_ROWS_MAX];
    int count;
    char server[64]; /* "redis 7.0.15" */
} stream_result_t;

void stream_bench_init(stream_config_t *config);

/* On a redis-server started for it. 0, or -1 with a sentence in `error` (of CLIENT_ERROR_MAX): also
 * for an event lost or told twice. */
int stream_bench_run(const stream_config_t *config, stream_result_t *result, char *error);

/* Workloads, and the client that stands in for Pure Graph. */
#define STREAM_DELIVER "stream.deliver"
#define STREAM_PUBSUB "stream.pubsub"
#define STREAM_PURE_GRAPH "as Pure Graph"

/* Delivery by cairn beside pub/sub and Pure Graph at the same work, a line each. */
void stream_ratios(const row_t *rows, int count, FILE *out);

/* ---- between the files of this workload ---- */

/* One piece of work. */
typedef struct stream_work {
    server_t *server;
    const char *url;
    uint32_t payload;
    uint32_t tails;  /* each of its own run, but for one that is replayed */
    uint32_t window; /* appends underway; 0: open loop */
    double rate;     /* of the open loop */
    uint64_t events; /* to append in all */
    unsigned cuts;   /* times that all connections are cut meanwhile */
    hist_t *latency; /* from when an append was due to delivery; of a storm, to recovery */
    double elapsed_s;
    double cpu_us; /* the client's */
    int64_t lost, duplicated;
    char server_name[64];
    char *error;
} stream_work_t;

/* 0, or -1 with a sentence in work->error. */
int stream_cairn_append(stream_work_t *work);
int stream_cairn_deliver(stream_work_t *work);
int stream_cairn_replay(stream_work_t *work);
int stream_hiredis_append(stream_work_t *work);  /* XADD in a pipeline */
int stream_hiredis_deliver(stream_work_t *work); /* a thread a reader, blocked in XREAD */
int stream_hiredis_replay(stream_work_t *work);  /* XRANGE in pages */

int stream_cairn_pubsub(stream_work_t *work); /* topics, no streams */
int stream_hiredis_pubsub(stream_work_t *work);
int stream_pure_graph_deliver(stream_work_t *work);

/* What came of it, in a row without names. */
void stream_row(row_t *row, const stream_work_t *work);

double stream_cpu_us(void);
int stream_fail(stream_work_t *work, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An event's data: when it was due, padded. */
void stream_stamp(char *data, size_t size, uint64_t due_ns);
uint64_t stream_stamped(const char *data, size_t size);

#endif
