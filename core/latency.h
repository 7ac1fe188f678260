/* Where the buckets of a cairn_latency_t are: values below four have one each, and from there on
 * each power of two has four. */
#ifndef CAIRN_CORE_LATENCY_H
#define CAIRN_CORE_LATENCY_H

#include <cairn/stats.h>

static inline size_t latency_bucket(uint64_t us)
{
    if (us < 4) return (size_t)us;
    unsigned power = 63 - (unsigned)__builtin_clzll(us);
    size_t bucket = 4 * (power - 1) + ((us >> (power - 2)) & 3);
    return bucket < CAIRN_LATENCY_BUCKETS ? bucket : CAIRN_LATENCY_BUCKETS - 1;
}

static inline void latency_record(cairn_latency_t *latency, uint64_t us)
{
    latency->counts[latency_bucket(us)]++;
    latency->sum_us += us;
}

#endif
