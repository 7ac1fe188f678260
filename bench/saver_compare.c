#include "saver_compare.h"
#include "pin.h"
#include "progress.h"
#include "saver.h"
#include "server.h"
#include "tally.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    VALUE = 1024,
    TTL_MS = 3600000
};

static const uint32_t channel_counts[] = {1, 5, 20};
enum {
    CHANNEL_COUNTS = sizeof channel_counts / sizeof channel_counts[0]
};

/* One piece of work. */
typedef struct plan {
    bool memory; /* which hiredis cannot do */
    saver_op_t op;
    uint32_t channels, threads;
    double rate; /* 0: closed loop of `threads` */
    uint64_t ttl_ms;
} plan_t;

/* What comes after all operations with all counts of channels. The open loop's rate is one that
 * both clients and a modest server can hold. */
static const plan_t more_plans[] = {
    {.op = SAVER_PUT, .channels = 5, .threads = 64, .ttl_ms = TTL_MS},
    {.op = SAVER_AGENT, .channels = 5, .threads = 64, .ttl_ms = TTL_MS},
    {.op = SAVER_AGENT, .channels = 5, .threads = 1},
    {.op = SAVER_AGENT, .channels = 5, .threads = 1000},
    {.op = SAVER_AGENT, .channels = 5, .threads = 1000, .rate = 5000},
};
enum {
    MORE_PLANS = sizeof more_plans / sizeof more_plans[0],
    PLANS = 2 * SAVER_OPS * CHANNEL_COUNTS + MORE_PLANS
};
_Static_assert(2 * PLANS <= COMPARE_ROWS_MAX, "a plan makes two rows at most");

typedef struct pace {
    int repeats;
    double warmup_s, duration_s;
    uint64_t most_bytes;
} pace_t;

static const pace_t full_pace = {7, 0.1, 0.5, UINT64_C(512) << 20};
static const pace_t quick_pace = {3, 0.05, 0.2, UINT64_C(256) << 20};

typedef struct compare {
    const pace_t *pace;
    compare_result_t *result;
    char *error;
    server_t server;
    char url[64];
    int step;
    saver_result_t *last;
    tally_t *cairn, *hiredis;
} compare_t;

/* ---- one run ---- */

/* What one run has put is gone before the next. */
static int clear_server(compare_t *compare)
{
    char reply[64];
    if (server_ask(&compare->server, "FLUSHALL SYNC", reply, sizeof reply) == 0) return 0;
    snprintf(compare->error, CLIENT_ERROR_MAX, "%s", compare->server.error);
    return -1;
}

static int run_once(compare_t *compare, const plan_t *plan, const client_ops_t *client,
                    tally_t *tally, int repeat)
{
    const pace_t *pace = compare->pace;
    saver_config_t config = {
        .url = plan->memory ? "memory:" : compare->url,
        .client = client,
        .op = plan->op,
        .channels = plan->channels,
        .value = VALUE,
        .threads = plan->threads,
        .window = plan->threads,
        .rate = plan->rate,
        .ttl_ms = plan->ttl_ms,
        .warmup_s = pace->warmup_s,
        .duration_s = pace->duration_s,
        .most_bytes = pace->most_bytes,
        .server_pid = plan->memory ? 0 : (int)compare->server.pid,
        .keep = true,
    };
    progress_show("%d of %d: %s, repeat %d of %d: %s", compare->step, PLANS,
                  saver_bench_op_name(plan->op), repeat + 1, pace->repeats, client->name);
    if (!plan->memory && clear_server(compare) < 0) return -1;
    if (saver_bench_run(&config, compare->last, compare->error) < 0) return -1;
    tally_add(tally, &compare->last->row, &compare->last->latency);
    if (!plan->memory)
        snprintf(compare->result->server, sizeof compare->result->server, "%s",
                 compare->last->server);
    return 0;
}

/* ---- one piece of work ---- */

/* The speed of a machine drifts: so the two take turns, and who begins changes each time. */
static int run_plan(compare_t *compare, const plan_t *plan)
{
    memset(compare->cairn, 0, sizeof *compare->cairn);
    memset(compare->hiredis, 0, sizeof *compare->hiredis);
    compare->step++;
    for (int i = 0; i < compare->pace->repeats; i++) {
        bool cairn_first = i % 2 == 0;
        for (int turn = 0; turn < 2; turn++) {
            bool cairn = cairn_first == (turn == 0);
            if (!cairn && plan->memory) continue;
            tally_t *tally = cairn ? compare->cairn : compare->hiredis;
            if (run_once(compare, plan, cairn ? &client_cairn : &client_hiredis, tally, i) < 0)
                return -1;
        }
    }
    compare_result_t *result = compare->result;
    result->count += tally_rows(compare->cairn, plan->memory ? NULL : compare->hiredis,
                                &result->rows[result->count]);
    return 0;
}

/* ---- all of it ---- */

static int run_plans(compare_t *compare)
{
    for (int i = 0; i < PLANS - MORE_PLANS; i++) {
        plan_t plan = {
            .memory = i < SAVER_OPS * CHANNEL_COUNTS,
            .op = (saver_op_t)(i / CHANNEL_COUNTS % SAVER_OPS),
            .channels = channel_counts[i % CHANNEL_COUNTS],
            .threads = 64,
        };
        if (run_plan(compare, &plan) < 0) return -1;
    }
    for (int i = 0; i < MORE_PLANS; i++)
        if (run_plan(compare, &more_plans[i]) < 0) return -1;
    return 0;
}

static int start_server(compare_t *compare)
{
    server_options_t options = {.pin = pin_server_cpu() >= 0, .cpu = pin_server_cpu()};
    if (server_start(&compare->server, &options) < 0) {
        snprintf(compare->error, CLIENT_ERROR_MAX, "%s", compare->server.error);
        return -1;
    }
    snprintf(compare->url, sizeof compare->url, "redis://127.0.0.1:%d", compare->server.port);
    return 0;
}

int saver_compare_run(const compare_config_t *config, compare_result_t *result, char *error)
{
    compare_t compare = {
        .pace = config->quick ? &quick_pace : &full_pace,
        .result = result,
        .error = error,
        .last = malloc(sizeof(saver_result_t)),
        .cairn = malloc(sizeof(tally_t)),
        .hiredis = malloc(sizeof(tally_t)),
    };
    *result = (compare_result_t){0};
    int status = -1;
    if (!compare.last || !compare.cairn || !compare.hiredis) {
        snprintf(error, CLIENT_ERROR_MAX, "out of memory");
        goto out;
    }
    if (start_server(&compare) < 0) goto out;
    if (pin_client_cpu() >= 0 && pin_to(pin_client_cpu()) < 0)
        fprintf(stderr, "cairn-bench: cannot keep to one core; the figures will vary more\n");
    status = run_plans(&compare);
out:
    progress_clear();
    server_stop(&compare.server);
    free(compare.last);
    free(compare.cairn);
    free(compare.hiredis);
    return status;
}
