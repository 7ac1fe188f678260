#include "latency.h"

uint64_t cairn_latency_limit(size_t bucket)
{
    if (bucket >= CAIRN_LATENCY_BUCKETS - 1) return UINT64_MAX;
    if (bucket < 4) return bucket + 1;
    return (uint64_t)(4 + bucket % 4 + 1) << (bucket / 4 - 1);
}

uint64_t cairn_latency_count(const cairn_latency_t *latency)
{
    uint64_t count = 0;
    for (size_t i = 0; i < CAIRN_LATENCY_BUCKETS; i++) count += latency->counts[i];
    return count;
}

uint64_t cairn_latency_percentile(const cairn_latency_t *latency, double percentile)
{
    const uint64_t count = cairn_latency_count(latency);
    if (count == 0) return 0;
    const double part = percentile < 0 ? 0 : percentile > 100 ? 1 : percentile / 100;
    uint64_t seen = 0;
    size_t i = 0;
    for (; i < CAIRN_LATENCY_BUCKETS - 1; i++) {
        seen += latency->counts[i];
        if (seen > 0 && (double)seen >= part * (double)count) break;
    }
    return cairn_latency_limit(i) - 1;
}
