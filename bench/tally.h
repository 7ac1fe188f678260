/* What the repeats of one client at one piece of work add up to: medians, and percentiles of all
 * their messages together. Big; keep it on the heap. Zeroed memory is an empty one. */
#ifndef CAIRN_BENCH_TALLY_H
#define CAIRN_BENCH_TALLY_H

#include "hist.h"
#include "row.h"

typedef struct tally {
    row_t row; /* of the last run */
    hist_t latency;
    int runs;
    double rates[ROW_PAIRS_MAX], cpus[ROW_PAIRS_MAX], server_cpus[ROW_PAIRS_MAX];
    double p50s[ROW_PAIRS_MAX], lags[ROW_PAIRS_MAX];
    int64_t lost, duplicated, reordered;
} tally_t;

/* One more run, of ROW_PAIRS_MAX at the most. */
void tally_add(tally_t *tally, const row_t *row, const hist_t *latency);

/* Writes theirs and ours, which has the ratios of runs in pairs; or ours alone if `theirs` is NULL.
 * How many rows that are. Runs keep their order no longer. */
int tally_rows(tally_t *ours, tally_t *theirs, row_t *rows);

#endif
