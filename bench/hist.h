/* A histogram of nanoseconds with HdrHistogram's semantics: values from 1 to one hour are counted
 * in buckets that keep three significant decimal digits, at a cost that does not depend on how
 * many were recorded. It is big; keep it on the heap. Zeroed memory is an empty histogram. */
#ifndef CAIRN_BENCH_HIST_H
#define CAIRN_BENCH_HIST_H

#include <stdint.h>

#define HIST_HIGHEST UINT64_C(3600000000000)

/* 2,048 units tell 1,999 from 2,000, so three digits are kept; each further bucket covers twice
 * the range of the one before with its upper 1,024 units. 32 buckets reach beyond one hour. */
enum {
    HIST_HALF_BITS = 10,
    HIST_HALF = 1 << HIST_HALF_BITS,
    HIST_UNITS = 2 * HIST_HALF,
    HIST_BUCKETS = 32,
    HIST_COUNTS = (HIST_BUCKETS + 1) * HIST_HALF
};

typedef struct hist {
    uint64_t total;
    uint64_t max; /* exact */
    uint64_t counts[HIST_COUNTS];
} hist_t;

void hist_reset(hist_t *hist);

/* What is above HIST_HIGHEST is counted as that; max keeps it as it was. */
void hist_record(hist_t *hist, uint64_t value);

void hist_merge(hist_t *into, const hist_t *from);

/* The value that `percentile` percent of the recorded ones are at or below: the highest that
 * cannot be told from it, though never above max. 0 if nothing was recorded. */
uint64_t hist_percentile(const hist_t *hist, double percentile);

#endif
