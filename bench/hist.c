#include "hist.h"
#include <string.h>

static unsigned bucket_of(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | (HIST_UNITS - 1));
    return bits - (HIST_HALF_BITS + 1);
}

static uint64_t index_of(uint64_t value)
{
    unsigned bucket = bucket_of(value);
    return (uint64_t)bucket * HIST_HALF + (value >> bucket);
}

/* The highest value counted at `index`. */
static uint64_t highest_at(uint64_t index)
{
    uint64_t bucket = index < HIST_UNITS ? 0 : index / HIST_HALF - 1;
    return ((index - bucket * HIST_HALF + 1) << bucket) - 1;
}

void hist_reset(hist_t *hist)
{
    memset(hist, 0, sizeof *hist);
}

void hist_record(hist_t *hist, uint64_t value)
{
    if (value > hist->max) hist->max = value;
    hist->counts[index_of(value < HIST_HIGHEST ? value : HIST_HIGHEST)]++;
    hist->total++;
}

void hist_merge(hist_t *into, const hist_t *from)
{
    for (int i = 0; i < HIST_COUNTS; i++) into->counts[i] += from->counts[i];
    into->total += from->total;
    if (from->max > into->max) into->max = from->max;
}

uint64_t hist_percentile(const hist_t *hist, double percentile)
{
    if (hist->total == 0) return 0;
    uint64_t wanted = (uint64_t)(percentile / 100 * (double)hist->total + 0.5);
    if (wanted < 1) wanted = 1;
    if (wanted > hist->total) wanted = hist->total;

    uint64_t seen = 0, index = 0;
    while ((seen += hist->counts[index]) < wanted) index++;
    uint64_t value = highest_at(index);
    return value < hist->max ? value : hist->max;
}
