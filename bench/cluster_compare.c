#include "cluster_compare.h"

#include "nodes.h"
#include "outage.h"
#include "pin.h"
#include "progress.h"
#include "pubsub.h"
#include "saver.h"
#include "slot.h"
#include "store.h"
#include "stream.h"
#include "tally.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    VALUE = 64,
    CHANNEL_VALUE = 1024,
    ITEMS = 20000,
    SPACES = 100,
    MASTERS_MAX = 3,
    APPENDS = 100000
};

typedef struct cluster_compare compare_t;
typedef struct piece piece_t;

/* One run; its row and latencies are added to the tally. */
typedef int (*run_fn)(compare_t *compare, const piece_t *piece, const client_ops_t *client,
                      tally_t *tally);

struct piece {
    const char *name;
    run_fn run;
    int op;
    uint32_t many; /* channels of a checkpoint, operations of a batch */
    uint32_t window;
};

struct cluster_compare {
    bool quick;
    int repeats;
    int server_cpu; /* -1: anywhere */
    int longer;     /* so many times as long */
    compare_result_t *result;
    char *error;
    server_t alone;
    nodes_t nodes; /* none: work goes to the one above */
    char url[256];
    union {
        store_result_t store;
        saver_result_t saver;
        pubsub_result_t pubsub;
        hist_t appends;
        outage_result_t outage;
    } * last;
    tally_t *cairn, *hiredis;
};

static double warmup_s(const compare_t *compare)
{
    return compare->quick ? 0.05 : 0.2;
}

static double duration_s(const compare_t *compare)
{
    return (compare->quick ? 0.2 : 0.5) * compare->longer;
}

static int fail(compare_t *compare, const char *why)
{
    snprintf(compare->error, CLIENT_ERROR_MAX, "%s", why);
    return -1;
}

/* ---- one run ---- */

static int run_store(compare_t *compare, const piece_t *piece, const client_ops_t *client,
                     tally_t *tally)
{
    store_result_t *last = &compare->last->store;
    const store_work_t work = {
        .name = piece->name,
        .url = compare->url,
        .client = client,
        .op = (store_op_t)piece->op,
        .items = ITEMS,
        .spaces = SPACES,
        .batch = piece->many,
        .window = piece->window,
        .value = VALUE,
        .warmup_s = warmup_s(compare),
        .duration_s = duration_s(compare),
    };
    if (store_bench_run(&work, last, compare->error) < 0) return -1;
    tally_add(tally, &last->row, &last->latency);
    snprintf(compare->result->server, sizeof compare->result->server, "%s", last->server);
    return 0;
}

static int run_saver(compare_t *compare, const piece_t *piece, const client_ops_t *client,
                     tally_t *tally)
{
    saver_result_t *last = &compare->last->saver;
    const saver_config_t config = {
        .url = compare->url,
        .client = client,
        .op = (saver_op_t)piece->op,
        .channels = piece->many,
        .value = CHANNEL_VALUE,
        .window = piece->window,
        .warmup_s = warmup_s(compare),
        .duration_s = duration_s(compare),
        .most_bytes = UINT64_C(256) << 20,
        .keep = true,
    };
    if (saver_bench_run(&config, last, compare->error) < 0) return -1;
    tally_add(tally, &last->row, &last->latency);
    return 0;
}

/* One run's events: all in one slot. */
static int run_stream(compare_t *compare, const piece_t *piece, const client_ops_t *client,
                      tally_t *tally)
{
    static const char key[] = "run-0"; /* hiredis's */
    const bool is_cairn = client == &client_cairn;
    nodes_t *nodes = &compare->nodes;
    const unsigned owner = slot_owner(slot_of(key, sizeof key - 1), nodes->count);
    row_t row;
    stream_work_t work = {
        .server = nodes->count > 0 ? &nodes->servers[owner] : &compare->alone,
        .url = compare->url,
        .payload = VALUE,
        .window = piece->window,
        .events = compare->quick ? APPENDS / 4 : APPENDS,
        .latency = &compare->last->appends,
        .error = compare->error,
    };
    hist_reset(work.latency);
    if ((is_cairn ? stream_cairn_append : stream_hiredis_append)(&work) < 0) return -1;
    stream_row(&row, &work);
    row.workload = piece->name;
    row.client = client->name;
    tally_add(tally, &row, work.latency);
    return 0;
}

/* Classic: the node that is subscribed to is published to. */
static int run_pubsub(compare_t *compare, const piece_t *piece, const client_ops_t *client,
                      tally_t *tally)
{
    pubsub_result_t *last = &compare->last->pubsub;
    pubsub_config_t config;
    pubsub_config_init(&config);
    config.url = compare->url;
    config.client = client;
    config.payload = VALUE;
    config.window = piece->window;
    config.warmup_s = warmup_s(compare);
    config.duration_s = duration_s(compare);
    if (pubsub_run(&config, last, compare->error) < 0) return -1;
    tally_add(tally, &last->row, &last->latency);
    return 0;
}

/* ---- the plan ---- */

static const piece_t pieces[] = {
    {"store.get", run_store, STORE_GET, 1, 64}, {"store.put", run_store, STORE_PUT, 1, 64},
    {"store.get", run_store, STORE_GET, 1, 1},  {"store.80/20", run_store, STORE_MIX, 16, 16},
    {"saver.put", run_saver, SAVER_PUT, 5, 64}, {"saver.get", run_saver, SAVER_GET, 5, 64},
    {"stream.append", run_stream, 0, 1, 64},    {"closed loop", run_pubsub, 0, 1, 64},
};
enum {
    PIECES = sizeof pieces / sizeof pieces[0]
};
_Static_assert(2 * PIECES * (MASTERS_MAX + 1) + 4 <= COMPARE_ROWS_MAX, "two rows each");

static const char *transport_of(unsigned masters)
{
    static const char *const names[MASTERS_MAX + 1] = {"one server", "cluster of 1", "cluster of 2",
                                                       "cluster of 3"};
    return names[masters];
}

static int clear(compare_t *compare)
{
    char reply[64];
    if (compare->nodes.count > 0)
        return nodes_tell(&compare->nodes, "FLUSHALL SYNC") < 0
                   ? fail(compare, compare->nodes.error)
                   : 0;
    if (server_ask(&compare->alone, "FLUSHALL SYNC", reply, sizeof reply) == 0) return 0;
    return fail(compare, compare->alone.error);
}

/* The two take turns, and who begins changes each time. */
static int run_piece(compare_t *compare, const piece_t *piece)
{
    compare_result_t *result = compare->result;
    const char *where = transport_of(compare->nodes.count);
    memset(compare->cairn, 0, sizeof *compare->cairn);
    memset(compare->hiredis, 0, sizeof *compare->hiredis);
    for (int turn = 0; turn < 2 * compare->repeats; turn++) {
        const bool cairn = turn % 4 == 0 || turn % 4 == 3;
        const client_ops_t *client = cairn ? &client_cairn : &client_hiredis;
        progress_show("%s, %s, repeat %d of %d: %s", where, piece->name, turn / 2 + 1,
                      compare->repeats, client->name);
        if (clear(compare) < 0) return -1;
        if (piece->run(compare, piece, client, cairn ? compare->cairn : compare->hiredis) < 0)
            return -1;
    }
    row_t *rows = &result->rows[result->count];
    const int added = tally_rows(compare->cairn, compare->hiredis, rows);
    for (int i = 0; i < added; i++) rows[i].transport = where;
    result->count += added;
    return 0;
}

/* ---- while slots move ---- */

enum {
    MOVED = 1000,
    MOVING_WINDOW = 16
};

typedef struct mover {
    nodes_t *nodes;
    unsigned from;
    int rc;
} mover_t;

static void move_slots(void *arg)
{
    mover_t *mover = arg;
    mover->rc = nodes_move(mover->nodes, 0, MOVED, mover->from, 1 - mover->from);
}

/* Calm, and while slots go to the other node, or back again. One request that fails ends it. */
static int run_moving(compare_t *compare, bool moves, unsigned from)
{
    const piece_t piece = {moves ? "store.80/20, 1,000 slots move" : "store.80/20, calm", run_store,
                           STORE_MIX, 1, MOVING_WINDOW};
    mover_t mover = {&compare->nodes, from, 0};
    uv_thread_t thread;
    if (moves && uv_thread_create(&thread, move_slots, &mover) != 0)
        return fail(compare, "no thread");
    const int rc = run_store(compare, &piece, &client_cairn, compare->cairn);
    if (moves) uv_thread_join(&thread);
    if (rc == 0 && mover.rc < 0) return fail(compare, compare->nodes.error);
    return rc;
}

static int run_moves(compare_t *compare)
{
    compare_result_t *result = compare->result;
    compare->longer = 4;
    int rc = 0;
    for (int moves = 0; moves < 2 && rc == 0; moves++) {
        memset(compare->cairn, 0, sizeof *compare->cairn);
        for (int i = 0; i < compare->repeats && rc == 0; i++) {
            progress_show("slots %s, repeat %d of %d", moves ? "move" : "stay", i + 1,
                          compare->repeats);
            rc = clear(compare);
            if (rc == 0) rc = run_moving(compare, moves, (unsigned)i % 2);
        }
        if (rc < 0) break;
        row_t *row = &result->rows[result->count];
        result->count += tally_rows(compare->cairn, NULL, row);
        row->transport = transport_of(compare->nodes.count);
    }
    compare->longer = 1;
    return rc;
}

/* ---- while a node is lost ---- */

/* Of what is about the others; it would be unaffected. */
static int run_outage(compare_t *compare, bool happens, tally_t *tally)
{
    outage_result_t *last = &compare->last->outage;
    const outage_work_t work = {
        .name = happens ? "store.80/20, of three nodes one is lost" : "store.80/20, all there",
        .nodes = &compare->nodes,
        .node = compare->nodes.count - 1,
        .happens = happens,
        .window = MOVING_WINDOW,
        .value = VALUE,
        .warmup_s = warmup_s(compare),
        .duration_s = duration_s(compare),
    };
    if (outage_run(&work, last, compare->error) < 0) return -1;
    if (happens && last->lost_failed == 0)
        return fail(compare, "nothing failed on a node that was lost");
    tally_add(tally, &last->row, &last->latency);
    return 0;
}

/* In turns. */
static int run_outages(compare_t *compare)
{
    compare_result_t *result = compare->result;
    tally_t *calm = compare->hiredis, *lost = compare->cairn;
    int rc = 0;
    memset(calm, 0, sizeof *calm);
    memset(lost, 0, sizeof *lost);
    compare->longer = 4;
    for (int turn = 0; turn < 2 * compare->repeats && rc == 0; turn++) {
        const bool happens = turn % 4 == 1 || turn % 4 == 2;
        progress_show("one node %s, repeat %d of %d", happens ? "lost" : "more", turn / 2 + 1,
                      compare->repeats);
        rc = clear(compare);
        if (rc == 0) rc = run_outage(compare, happens, happens ? lost : calm);
    }
    compare->longer = 1;
    if (rc < 0) return rc;
    row_t *rows = &result->rows[result->count];
    result->count += tally_rows(calm, NULL, rows);
    result->count += tally_rows(lost, NULL, rows + 1);
    rows[0].transport = rows[1].transport = transport_of(compare->nodes.count);
    return 0;
}

/* ---- all of it ---- */

static int start(compare_t *compare, unsigned masters)
{
    const server_options_t options = {.pin = compare->server_cpu >= 0, .cpu = compare->server_cpu};
    progress_show("starting %s", transport_of(masters));
    if (masters > 0) {
        if (nodes_start(&compare->nodes, masters, &options) < 0)
            return fail(compare, compare->nodes.error);
        snprintf(compare->url, sizeof compare->url, "%s", compare->nodes.url);
        return 0;
    }
    if (server_start(&compare->alone, &options) < 0) return fail(compare, compare->alone.error);
    snprintf(compare->url, sizeof compare->url, "redis://127.0.0.1:%d", compare->alone.port);
    return 0;
}

static int run_on(compare_t *compare, unsigned masters)
{
    int rc = start(compare, masters);
    for (int i = 0; i < PIECES && rc == 0; i++) rc = run_piece(compare, &pieces[i]);
    if (masters == 2 && rc == 0) rc = run_moves(compare);
    if (masters == 3 && rc == 0) rc = run_outages(compare);
    nodes_stop(&compare->nodes);
    server_stop(&compare->alone);
    return rc;
}

static int by_unit(const void *a, const void *b)
{
    const row_t *const *x = a, *const *y = b;
    if ((*x)->unit != (*y)->unit) return (*x)->unit == ROW_OPERATIONS ? -1 : 1;
    return (*x > *y) - (*x < *y);
}

static int sort_rows(compare_result_t *result)
{
    const row_t *order[COMPARE_ROWS_MAX];
    row_t *sorted = malloc(sizeof result->rows);
    if (!sorted) return -1;
    for (int i = 0; i < result->count; i++) order[i] = &result->rows[i];
    qsort(order, (size_t)result->count, sizeof *order, by_unit);
    for (int i = 0; i < result->count; i++) sorted[i] = *order[i];
    memcpy(result->rows, sorted, sizeof *sorted * (size_t)result->count);
    free(sorted);
    return 0;
}

int cluster_compare_run(const compare_config_t *config, compare_result_t *result, char *error)
{
    compare_t *compare = calloc(1, sizeof *compare);
    int rc = -1;
    *result = (compare_result_t){0};
    if (compare) {
        compare->quick = config->quick;
        compare->repeats = config->quick ? 3 : 7;
        compare->server_cpu = pin_server_cpu();
        compare->longer = 1;
        compare->result = result;
        compare->error = error;
        compare->last = malloc(sizeof *compare->last);
        compare->cairn = malloc(sizeof *compare->cairn);
        compare->hiredis = malloc(sizeof *compare->hiredis);
    }
    if (!compare || !compare->last || !compare->cairn || !compare->hiredis) {
        snprintf(error, CLIENT_ERROR_MAX, "out of memory");
        goto out;
    }
    if (pin_client_cpu() >= 0 && pin_to(pin_client_cpu()) < 0)
        fprintf(stderr, "cairn-bench: cannot keep to one core; the figures will vary more\n");
    rc = 0;
    for (unsigned masters = 0; masters <= MASTERS_MAX && rc == 0; masters++)
        rc = run_on(compare, masters);
    if (rc == 0 && sort_rows(result) < 0) {
        snprintf(error, CLIENT_ERROR_MAX, "out of memory");
        rc = -1;
    }
out:
    progress_clear();
    if (compare) {
        free(compare->last);
        free(compare->cairn);
        free(compare->hiredis);
    }
    free(compare);
    return rc;
}
