/* What delivery by cairn's run streams is held against, as ratios of p50. */
#include "stream.h"

#include <math.h>
#include <string.h>

/* The row of the same work. */
static const row_t *row_of(const row_t *rows, int count, const row_t *like, const char *workload,
                           const char *client)
{
    for (int i = 0; i < count; i++) {
        const row_t *row = &rows[i];
        if (strcmp(row->workload, workload) != 0 || strcmp(row->client, client) != 0) continue;
        if (row->subscribers != like->subscribers) continue;
        if (fabs(row->rate_wanted - like->rate_wanted) < 1e-6) return row;
    }
    return NULL;
}

static void print_pubsub(const row_t *cairn, const row_t *pubsub, FILE *out)
{
    if (!pubsub || !(pubsub->p50_us > 0)) return;
    fprintf(out, ", %.2f of pub/sub by %s", cairn->p50_us / pubsub->p50_us, pubsub->client);
}

static void print_pure_graph(const row_t *cairn, const row_t *other, FILE *out)
{
    if (!other || !(cairn->p50_us > 0)) return;
    fprintf(out, ", %.0f times below Pure Graph's", other->p50_us / cairn->p50_us);
}

void stream_ratios(const row_t *rows, int count, FILE *out)
{
    fprintf(out, "\nDelivery p50 by cairn, at most 1.3 of pub/sub's and at least 50 times below "
                 "Pure Graph's wanted:\n");
    for (int i = 0; i < count; i++) {
        const row_t *row = &rows[i];
        if (strcmp(row->workload, STREAM_DELIVER) != 0) continue;
        if (strcmp(row->client, "cairn") != 0) continue;
        const row_t *cairn = row_of(rows, count, row, STREAM_PUBSUB, "cairn");
        const row_t *hiredis = row_of(rows, count, row, STREAM_PUBSUB, "hiredis");
        const row_t *other = row_of(rows, count, row, STREAM_DELIVER, STREAM_PURE_GRAPH);
        if (!cairn && !hiredis && !other) continue;
        fprintf(out, "  %lld %s at %.0f/s: %.1f us", (long long)row->subscribers,
                row->subscribers == 1 ? "tail" : "tails", row->rate_wanted, row->p50_us);
        print_pubsub(row, cairn, out);
        print_pubsub(row, hiredis, out);
        print_pure_graph(row, other, out);
        fprintf(out, "\n");
    }
}
