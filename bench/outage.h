/* The workload: items on the nodes of a cluster that stay, four gets to a put, while one node is
 * lost; beside it requests about that node's, which wait and fail. */
#ifndef CAIRN_BENCH_OUTAGE_H
#define CAIRN_BENCH_OUTAGE_H

#include "hist.h"
#include "nodes.h"
#include "row.h"
#include <stdint.h>

typedef struct outage_work {
    const char *name; /* of the row; static */
    nodes_t *nodes;
    unsigned node;   /* the one that is lost, */
    bool happens;    /* if it is: killed when the measuring begins, and started again behind it */
    uint32_t window; /* requests underway about the others' items */
    uint32_t value;  /* bytes of each */
    double warmup_s;
    double duration_s;
} outage_work_t;

typedef struct outage_result {
    row_t row; /* of what is about the others' items */
    hist_t latency;
    uint64_t lost_done, lost_failed; /* of requests about the lost one's, while measured */
} outage_result_t;

/* 0, or -1 with a sentence in `error` (of CLIENT_ERROR_MAX): also if one request about the others'
 * items fails. */
int outage_run(const outage_work_t *work, outage_result_t *result, char *error);

#endif
