/* The workload: items of a store that are read and written, many at a time, and searched; beside it
 * plain hiredis with GET and SET in a pipeline. Every answer is checked. */
#ifndef CAIRN_BENCH_STORE_H
#define CAIRN_BENCH_STORE_H

#include "client.h"
#include "compare.h"
#include "hist.h"
#include "row.h"

enum {
    STORE_BATCH_MAX = 256,
    STORE_VALUE_LEAST = 14, /* {"n":0,"t":""} */
    STORE_VALUE_MAX = 1 << 16,
    STORE_PAGE = 10 /* items that a search asks for */
};

typedef enum store_op {
    STORE_GET,
    STORE_PUT,
    STORE_MIX,    /* four gets to a put */
    STORE_SEARCH, /* the latest of a namespace */
    STORE_FILTER, /* the same by a filter that one in ten meets */
    STORE_NEAR,   /* the nearest of a namespace */
    STORE_OPS
} store_op_t;

/* One piece of work. */
typedef struct store_work {
    const char *name; /* of the row; static */
    const char *url;
    const client_ops_t *client;
    store_op_t op;
    bool zipf;           /* keys by Zipf's law rather than all alike */
    uint32_t items;      /* that there are */
    uint32_t spaces;     /* namespaces they are in */
    uint32_t batch;      /* operations in one request; all in one namespace */
    uint32_t window;     /* requests underway */
    uint32_t value;      /* bytes of each */
    uint32_t dimensions; /* of an item's vector; 0: it has none */
    double warmup_s;
    double duration_s;
    int server_pid; /* of a server of our own; 0: none */
} store_work_t;

typedef struct store_result {
    row_t row;
    hist_t latency;
    char server[64];
} store_result_t;

/* 0, or -1 with a sentence in `error` (of CLIENT_ERROR_MAX): also for one wrong answer. */
int store_bench_run(const store_work_t *work, store_result_t *result, char *error);

/* All pieces of work, in memory and on a server of its own, cairn and hiredis in turns. */
int store_compare_run(const compare_config_t *config, compare_result_t *result, char *error);

#endif
