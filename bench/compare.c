#include "compare.h"
#include "feeder.h"
#include "pin.h"
#include "progress.h"
#include "pubsub.h"
#include "redis_benchmark.h"
#include "server.h"
#include "tally.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum via {
    VIA_MEMORY,
    VIA_TCP,
    VIA_UNIX,
    VIA_FEEDER
} via_t;

/* One piece of work: a closed loop if there is a window, an open loop if there is a rate, and
 * receiving only, from a feeder, if there is neither. */
typedef struct plan {
    via_t via;
    uint32_t window;
    double rate;
    bool shared;     /* cairn does it all on one connection; hiredis takes the two it needs */
    bool cairn_only; /* for hiredis cannot do it */
} plan_t;

static const plan_t plans[] = {
    {VIA_MEMORY, .window = 1, .cairn_only = true},
    {VIA_MEMORY, .window = 64, .cairn_only = true},
    {VIA_MEMORY, .window = 512, .cairn_only = true},
    {VIA_TCP, .window = 1},
    {VIA_TCP, .window = 64},
    {VIA_TCP, .window = 512},
    {VIA_TCP, .window = 1, .shared = true},
    {VIA_TCP, .window = 64, .shared = true},
    {VIA_UNIX, .window = 1},
    {VIA_UNIX, .window = 64},
    {VIA_UNIX, .window = 512},
    {VIA_TCP, .rate = 20000},
    {.via = VIA_FEEDER},
};
enum {
    PLANS = sizeof plans / sizeof plans[0]
};

typedef struct pace {
    int repeats;
    double warmup_s, duration_s;
    long benchmark_messages;
} pace_t;

static const pace_t full_pace = {7, 0.2, 0.7, 3000000};
static const pace_t quick_pace = {3, 0.08, 0.35, 500000};

typedef struct compare {
    const compare_config_t *config;
    const pace_t *pace;
    compare_result_t *result;
    char *error;
    server_t server;
    feeder_t feeder;
    int step;
    pubsub_result_t *last;
    tally_t *cairn, *hiredis;
} compare_t;

/* ---- one run ---- */

static void make_url(const compare_t *compare, via_t via, char *url, size_t size)
{
    switch (via) {
    case VIA_MEMORY:
        snprintf(url, size, "memory:");
        break;
    case VIA_TCP:
        snprintf(url, size, "redis://127.0.0.1:%d", compare->server.port);
        break;
    case VIA_UNIX:
        snprintf(url, size, "unix://%s", compare->server.unix_path);
        break;
    case VIA_FEEDER:
        snprintf(url, size, "redis://127.0.0.1:%d", compare->feeder.port);
        break;
    }
}

static int run_once(compare_t *compare, const plan_t *plan, const client_ops_t *client,
                    tally_t *tally, int repeat)
{
    char url[256];
    pubsub_config_t config;
    make_url(compare, plan->via, url, sizeof url);
    pubsub_config_init(&config);
    config.url = url;
    config.client = client;
    config.payload = compare->config->payload;
    config.rate = plan->rate;
    if (plan->window) config.window = plan->window;
    if (plan->via == VIA_FEEDER) config.feeder = &compare->feeder;
    config.shared = plan->shared && client == &client_cairn;
    config.warmup_s = compare->pace->warmup_s;
    config.duration_s = compare->pace->duration_s;
    progress_show("%d of %d, repeat %d of %d: %s", compare->step, PLANS + 1, repeat + 1,
                  compare->pace->repeats, client->name);
    if (pubsub_run(&config, compare->last, compare->error) < 0) return -1;
    tally_add(tally, &compare->last->row, &compare->last->latency);
    if (plan->via == VIA_TCP)
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
            if (!cairn && plan->cairn_only) continue;
            tally_t *tally = cairn ? compare->cairn : compare->hiredis;
            if (run_once(compare, plan, cairn ? &client_cairn : &client_hiredis, tally, i) < 0)
                return -1;
        }
    }
    compare_result_t *result = compare->result;
    result->count += tally_rows(compare->cairn, plan->cairn_only ? NULL : compare->hiredis,
                                &result->rows[result->count]);
    return 0;
}

/* ---- all of it ---- */

/* Without redis-benchmark the report has a row less; that is worth a word, not a failure. */
static void run_redis_benchmark(compare_t *compare)
{
    char why[256];
    redis_benchmark_t work = {
        .port = compare->server.port,
        .connections = 50,
        .pipeline = 64,
        .messages = compare->pace->benchmark_messages,
        .payload = (int)compare->config->payload,
        .cpu = pin_client_cpu(),
        .most_s = 60,
    };
    progress_show("%d of %d: redis-benchmark", PLANS + 1, PLANS + 1);
    row_t *row = &compare->result->rows[compare->result->count];
    if (redis_benchmark_run(&work, row, why, sizeof why) == 0)
        compare->result->count++;
    else
        fprintf(stderr, "cairn-bench: no row for redis-benchmark: %s\n", why);
}

static int start_servers(compare_t *compare)
{
    server_options_t options = {.pin = pin_server_cpu() >= 0, .cpu = pin_server_cpu()};
    if (server_start(&compare->server, &options) < 0) {
        snprintf(compare->error, CLIENT_ERROR_MAX, "%s", compare->server.error);
        return -1;
    }
    if (feeder_start(&compare->feeder, compare->config->payload, pin_server_cpu()) == 0) return 0;
    snprintf(compare->error, CLIENT_ERROR_MAX, "cannot start the feeder");
    return -1;
}

int compare_run(const compare_config_t *config, compare_result_t *result, char *error)
{
    compare_t compare = {
        .config = config,
        .pace = config->quick ? &quick_pace : &full_pace,
        .result = result,
        .error = error,
        .last = malloc(sizeof(pubsub_result_t)),
        .cairn = malloc(sizeof(tally_t)),
        .hiredis = malloc(sizeof(tally_t)),
    };
    *result = (compare_result_t){0};
    int status = -1;
    if (!compare.last || !compare.cairn || !compare.hiredis) {
        snprintf(error, CLIENT_ERROR_MAX, "out of memory");
        goto out;
    }
    if (start_servers(&compare) < 0) goto out;
    if (pin_client_cpu() >= 0 && pin_to(pin_client_cpu()) < 0)
        fprintf(stderr, "cairn-bench: cannot keep to one core; the figures will vary more\n");
    for (int i = 0; i < PLANS; i++)
        if (run_plan(&compare, &plans[i]) < 0) goto out;
    run_redis_benchmark(&compare);
    status = 0;
out:
    progress_clear();
    feeder_stop(&compare.feeder);
    server_stop(&compare.server);
    free(compare.last);
    free(compare.cairn);
    free(compare.hiredis);
    return status;
}
