#include "pin.h"
#include "progress.h"
#include "server.h"
#include "store.h"
#include "store_read.h"
#include "tally.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    VALUE = 64,
    ITEMS = 20000,
    SPACES = 100
};

#define TOUCH(text, what, skewed, ops, many)                                                       \
    {                                                                                              \
        .name = (text), .op = (what), .zipf = (skewed), .items = ITEMS, .spaces = SPACES,          \
        .batch = (ops), .window = (many)                                                           \
    }
#define SEARCH(text, what, many, at_a_time)                                                        \
    {                                                                                              \
        .name = (text), .op = (what), .items = (many), .spaces = 1, .batch = 1,                    \
        .window = (at_a_time)                                                                      \
    }

static const store_work_t plans[] = {
    TOUCH("store.get", STORE_GET, false, 1, 64),
    TOUCH("store.put", STORE_PUT, false, 1, 64),
    TOUCH("store.get", STORE_GET, false, 1, 1),
    TOUCH("store.put", STORE_PUT, false, 1, 1),
    TOUCH("store.80/20", STORE_MIX, false, 1, 64),
    TOUCH("store.80/20 zipf", STORE_MIX, true, 1, 64),
    TOUCH("store.80/20", STORE_MIX, false, 16, 16),
    TOUCH("store.80/20", STORE_MIX, false, 256, 4),
    SEARCH("store.search 1k", STORE_SEARCH, 1000, 16),
    SEARCH("store.search 100k", STORE_SEARCH, 100000, 16),
    SEARCH("store.filter 1k", STORE_FILTER, 1000, 16),
    SEARCH("store.filter 100k", STORE_FILTER, 100000, 16),
    {.name = "store.near 10k of 384",
     .op = STORE_NEAR,
     .items = 10000,
     .spaces = 1,
     .batch = 1,
     .window = 1,
     .dimensions = 384},
};

enum {
    PLANS = sizeof plans / sizeof plans[0]
};
_Static_assert(3 * PLANS <= COMPARE_ROWS_MAX, "a plan makes three rows at most");

typedef struct compare {
    bool quick;
    int repeats;
    compare_result_t *result;
    char *error;
    server_t server;
    char url[64];
    store_result_t *last;
    tally_t *cairn, *other;
} compare_t;

/* NULL: nothing is. */
typedef int (*runner_fn)(const store_work_t *work, store_result_t *result, char *error);

/* What stands beside cairn. */
static runner_fn other_of(const store_work_t *plan, bool memory)
{
    if (memory) return plan->op == STORE_NEAR ? store_read_run : NULL;
    return plan->op < STORE_SEARCH ? store_bench_run : NULL;
}

static int run_once(compare_t *compare, const store_work_t *plan, bool other, bool memory,
                    int repeat)
{
    char reply[64];
    tally_t *tally = other ? compare->other : compare->cairn;
    const client_ops_t *client = other ? &client_hiredis : &client_cairn;
    const runner_fn run = other ? other_of(plan, memory) : store_bench_run;
    store_work_t work = *plan;
    work.url = memory ? "memory:" : compare->url;
    work.client = client;
    work.value = VALUE;
    work.warmup_s = compare->quick ? 0.05 : 0.2;
    work.duration_s = compare->quick ? 0.2 : 0.5;
    work.server_pid = memory ? 0 : (int)compare->server.pid;
    progress_show("%s, repeat %d of %d: %s", plan->name, repeat + 1, compare->repeats,
                  other && memory ? "plain read" : client->name);
    if (!memory && server_ask(&compare->server, "FLUSHALL SYNC", reply, sizeof reply) < 0) {
        snprintf(compare->error, CLIENT_ERROR_MAX, "%s", compare->server.error);
        return -1;
    }
    if (run(&work, compare->last, compare->error) < 0) return -1;
    tally_add(tally, &compare->last->row, &compare->last->latency);
    if (!memory)
        snprintf(compare->result->server, sizeof compare->result->server, "%s",
                 compare->last->server);
    return 0;
}

/* The speed of a machine drifts: so the two take turns, and who begins changes each time. */
static int run_plan(compare_t *compare, const store_work_t *plan, bool memory)
{
    const bool beside = other_of(plan, memory) != NULL;
    tally_t *cairn = compare->cairn, *theirs = compare->other;
    const int repeats = compare->repeats;
    memset(cairn, 0, sizeof *cairn);
    memset(theirs, 0, sizeof *theirs);
    for (int i = 0; i < repeats; i++) {
        for (int turn = 0; turn < 2; turn++) {
            const bool other = (i % 2 == 0) != (turn == 0);
            if (other && !beside) continue;
            if (run_once(compare, plan, other, memory, i) < 0) return -1;
        }
    }
    compare_result_t *result = compare->result;
    result->count += tally_rows(cairn, beside ? theirs : NULL, &result->rows[result->count]);
    return 0;
}

static int run_plans(compare_t *compare)
{
    for (int i = 0; i < 2 * PLANS; i++)
        if (run_plan(compare, &plans[i % PLANS], i < PLANS) < 0) return -1;
    return 0;
}

int store_compare_run(const compare_config_t *config, compare_result_t *result, char *error)
{
    const server_options_t options = {.pin = pin_server_cpu() >= 0, .cpu = pin_server_cpu()};
    compare_t compare = {
        .quick = config->quick,
        .repeats = config->quick ? 3 : 5,
        .result = result,
        .error = error,
        .last = malloc(sizeof(store_result_t)),
        .cairn = malloc(sizeof(tally_t)),
        .other = malloc(sizeof(tally_t)),
    };
    *result = (compare_result_t){0};
    int status = -1;
    if (!compare.last || !compare.cairn || !compare.other) {
        snprintf(error, CLIENT_ERROR_MAX, "out of memory");
        goto out;
    }
    if (server_start(&compare.server, &options) < 0) {
        snprintf(error, CLIENT_ERROR_MAX, "%s", compare.server.error);
        goto out;
    }
    snprintf(compare.url, sizeof compare.url, "redis://127.0.0.1:%d", compare.server.port);
    if (pin_client_cpu() >= 0 && pin_to(pin_client_cpu()) < 0)
        fprintf(stderr, "cairn-bench: cannot keep to one core; the figures will vary more\n");
    status = run_plans(&compare);
out:
    progress_clear();
    server_stop(&compare.server);
    free(compare.last);
    free(compare.cairn);
    free(compare.other);
    return status;
}
