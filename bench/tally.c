#include "tally.h"

void tally_add(tally_t *tally, const row_t *row, const hist_t *latency)
{
    const int run = tally->runs++;
    tally->row = *row;
    hist_merge(&tally->latency, latency);
    tally->rates[run] = row->msgs_per_s;
    tally->cpus[run] = row->client_cpu_us_per_msg;
    tally->server_cpus[run] = row->server_cpu_us_per_msg;
    tally->p50s[run] = row->p50_us;
    tally->lags[run] = row->lag_p99_us;
    tally->lost += row->lost;
    tally->duplicated += row->duplicated;
    tally->reordered += row->reordered;
}

static row_t summary(tally_t *tally)
{
    const int runs = tally->runs;
    row_t row = tally->row;
    const double megabytes = row.mb_per_s / row.msgs_per_s;
    row_set_latency(&row, &tally->latency);
    row.msgs_per_s = row_median(tally->rates, runs);
    row.mb_per_s = row.msgs_per_s * megabytes;
    row.client_cpu_us_per_msg = row_median(tally->cpus, runs);
    row.server_cpu_us_per_msg = row_median(tally->server_cpus, runs);
    row.lag_p99_us = row_median(tally->lags, runs);
    if (row.lost == ROW_NO_COUNT) return row;
    row.lost = tally->lost;
    row.duplicated = tally->duplicated;
    row.reordered = tally->reordered;
    return row;
}

int tally_rows(tally_t *ours, tally_t *theirs, row_t *rows)
{
    if (!theirs) {
        rows[0] = summary(ours);
        return 1;
    }
    const int runs = ours->runs;
    const double rate = row_median_ratio(ours->rates, theirs->rates, runs);
    const double cpu = row_median_ratio(ours->cpus, theirs->cpus, runs);
    const double server_cpu = row_median_ratio(ours->server_cpus, theirs->server_cpus, runs);
    const double p50 = row_median_ratio(ours->p50s, theirs->p50s, runs);
    rows[0] = summary(theirs);
    rows[1] = summary(ours);
    if (isnan(rows[1].rate_wanted)) rows[1].rate_ratio = rate; /* an open loop's was told it */
    rows[1].cpu_ratio = cpu;
    rows[1].server_cpu_ratio = server_cpu;
    rows[1].p50_ratio = p50;
    return 2;
}
