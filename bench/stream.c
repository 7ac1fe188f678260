#include "stream.h"

#include "pin.h"
#include "progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* ---- what both clients share ---- */

double stream_cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return 1e6 * (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

int stream_fail(stream_work_t *work, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(work->error, CLIENT_ERROR_MAX, format, args);
    va_end(args);
    return -1;
}

void stream_stamp(char *data, size_t size, uint64_t due_ns)
{
    int len = snprintf(data, size, "%020" PRIu64, due_ns);
    memset(data + len, 'x', size - (size_t)len);
}

uint64_t stream_stamped(const char *data, size_t size)
{
    char text[21] = {0};
    memcpy(text, data, size < 20 ? size : 20);
    return strtoull(text, NULL, 10);
}

/* ---- the plan ---- */

typedef struct piece {
    const char *workload;
    const char *client;
    int (*run)(stream_work_t *work);
    uint32_t tails, window;
    double seconds; /* of an open loop; else */
    uint64_t events;
    unsigned cuts;
    double rate; /* 0: that of the configuration */
    const char *note;
    const char *query; /* of the URL */
    unsigned turns;    /* not 0: neighbours of the same number take turns */
} piece_t;

/* Pieces that are compared closely have the machine's good and bad moments alike. */
enum {
    ROUNDS = 5,
    TURNS_MAX = 4
};

/* Events a second of one run. A reader of Pure Graph's takes less than 100; and where they come
 * every 100 ms each comes when its reader just asks again. */
#define SLOW 50

static const char pure_graph_note[] =
    "XADD, EXPIRE, RPUSH and EXPIRE, each awaited, and readers that ask for ten entries and then "
    "sleep 100 ms: what its RedisStreamQueue does, by plain hiredis";
static const char shared_layout_note[] =
    "the same keys as Pure Graph's, polled for all tails at once";

#define PURE_GRAPH_LAYOUT "&stream_layout=pure_graph"

static const piece_t plan[] = {
    {"stream.append", "cairn", stream_cairn_append, .window = 1, .events = 20000},
    {"stream.append", "hiredis", stream_hiredis_append, .window = 1, .events = 20000},
    {"stream.append", "cairn", stream_cairn_append, .window = 64, .events = 400000},
    {"stream.append", "hiredis", stream_hiredis_append, .window = 64, .events = 400000},
    {"stream.append", "cairn", stream_cairn_append, .window = 512, .events = 800000},
    {"stream.append", "hiredis", stream_hiredis_append, .window = 512, .events = 800000},
    {STREAM_DELIVER, "cairn", stream_cairn_deliver, 1, .seconds = 5, .turns = 1},
    {STREAM_PUBSUB, "cairn", stream_cairn_pubsub, 1, .seconds = 5, .turns = 1},
    {STREAM_PUBSUB, "hiredis", stream_hiredis_pubsub, 1, .seconds = 5, .turns = 1},
    {STREAM_DELIVER, "hiredis", stream_hiredis_deliver, 1, .seconds = 4},
    {STREAM_DELIVER, "cairn", stream_cairn_deliver, 1, .seconds = 4, .rate = SLOW},
    {STREAM_DELIVER, STREAM_PURE_GRAPH, stream_pure_graph_deliver, 1, .seconds = 4, .rate = SLOW,
     .note = pure_graph_note},
    {STREAM_DELIVER, "cairn", stream_cairn_deliver, 100, .seconds = 5, .turns = 2},
    {STREAM_PUBSUB, "cairn", stream_cairn_pubsub, 100, .seconds = 5, .turns = 2},
    {STREAM_PUBSUB, "hiredis", stream_hiredis_pubsub, 100, .seconds = 5, .turns = 2},
    {STREAM_DELIVER, "hiredis", stream_hiredis_deliver, 100, .seconds = 4},
    {STREAM_DELIVER, "cairn", stream_cairn_deliver, 40, .seconds = 4},
    {STREAM_DELIVER, STREAM_PURE_GRAPH, stream_pure_graph_deliver, 40, .seconds = 4,
     .note = pure_graph_note},
    {STREAM_DELIVER, "cairn, pure_graph", stream_cairn_deliver, 40, .seconds = 4,
     .note = shared_layout_note, .query = PURE_GRAPH_LAYOUT},
    {STREAM_DELIVER, "cairn", stream_cairn_deliver, 10000, .seconds = 8},
    {"stream.replay", "cairn", stream_cairn_replay, 1, .events = 90000},
    {"stream.replay", "hiredis", stream_hiredis_replay, 1, .events = 90000},
    {"stream.storm", "cairn", stream_cairn_deliver, 1000, .seconds = 6, .cuts = 5},
    {"stream.storm", "cairn", stream_cairn_deliver, 10000, .seconds = 8, .cuts = 3},
};

void stream_bench_init(stream_config_t *config)
{
    *config = (stream_config_t){.payload = 64, .rate = 1000};
}

void stream_row(row_t *row, const stream_work_t *work)
{
    const double copies = (double)work->events;
    row_init(row);
    row->unit = ROW_MESSAGES;
    row->backend = "redis";
    row->transport = "tcp";
    row->payload = work->payload;
    row->publishers = 1;
    row->subscribers = work->tails;
    if (work->window > 0) row->inflight = work->window;
    row->msgs_per_s = copies / work->elapsed_s;
    row->mb_per_s = copies * (double)work->payload / work->elapsed_s / 1e6;
    row->client_cpu_us_per_msg = work->cpu_us / copies;
    row_set_latency(row, work->latency);
    if (work->tails == 0) return;
    row->lost = work->lost;
    row->duplicated = work->duplicated;
    row->reordered = 0;
}

static void fill_row(row_t *row, const piece_t *piece, const stream_work_t *work)
{
    stream_row(row, work);
    row->workload = piece->workload;
    row->client = piece->client;
    row->note = piece->note;
    if (piece->seconds > 0) row->rate_wanted = work->rate;
}

/* What one turn of `rounds` adds to the whole. */
static void add_up(stream_work_t *whole, const stream_work_t *work)
{
    whole->events += work->events;
    whole->elapsed_s += work->elapsed_s;
    whole->cpu_us += work->cpu_us;
    whole->lost += work->lost;
    whole->duplicated += work->duplicated;
}

static int run_once(const stream_config_t *config, const piece_t *piece, unsigned rounds,
                    stream_work_t *whole, stream_result_t *result)
{
    char reply[256];
    stream_work_t work = *whole;
    const double seconds = (config->quick ? piece->seconds / 2 : piece->seconds) / rounds;
    const uint64_t events = config->quick ? piece->events / 4 : piece->events;
    work.events = seconds > 0 ? (uint64_t)(seconds * work.rate) : events;
    work.elapsed_s = work.cpu_us = 0;
    work.lost = work.duplicated = 0;
    if (server_ask(work.server, "FLUSHALL", reply, sizeof reply) < 0)
        return stream_fail(&work, "%.400s", work.server->error);
    progress_show("%s, %s, %u tails", piece->workload, piece->client, (unsigned)piece->tails);
    int rc = piece->run(&work);
    if (rc == 0 && (work.lost > 0 || work.duplicated > 0))
        rc = stream_fail(&work, "%s: %" PRId64 " events were lost, %" PRId64 " told twice",
                         piece->workload, work.lost, work.duplicated);
    add_up(whole, &work);
    if (rc == 0 && work.server_name[0])
        snprintf(result->server, sizeof result->server, "%s", work.server_name);
    return rc;
}

/* `count` neighbours, in turns if they are more than one. */
static int run_pieces(const stream_config_t *config, const piece_t *pieces, size_t count,
                      server_t *server, const char *server_url, stream_result_t *result,
                      char *error)
{
    const unsigned rounds = count > 1 ? ROUNDS : 1;
    char urls[TURNS_MAX][128];
    stream_work_t works[TURNS_MAX];
    int rc = 0;
    for (size_t i = 0; i < count; i++) {
        const piece_t *piece = &pieces[i];
        snprintf(urls[i], sizeof urls[i], "%s%s", server_url, piece->query ? piece->query : "");
        works[i] = (stream_work_t){.server = server,
                                   .url = urls[i],
                                   .payload = config->payload,
                                   .tails = piece->tails,
                                   .window = piece->window,
                                   .rate = piece->rate > 0 ? piece->rate : config->rate,
                                   .cuts = piece->cuts,
                                   .latency = calloc(1, sizeof *works[i].latency),
                                   .error = error};
        if (!works[i].latency) rc = stream_fail(&works[i], "out of memory");
    }
    for (unsigned round = 0; round < rounds; round++)
        for (size_t i = 0; i < count && rc == 0; i++)
            rc = run_once(config, &pieces[i], rounds, &works[i], result);
    for (size_t i = 0; i < count; i++) {
        if (rc == 0) fill_row(&result->rows[result->count++], &pieces[i], &works[i]);
        free(works[i].latency);
    }
    return rc;
}

/* How many pieces, from this one on, take turns. */
static size_t neighbours(size_t first)
{
    size_t count = 1;
    if (plan[first].turns == 0) return 1;
    while (first + count < sizeof plan / sizeof plan[0] && count < TURNS_MAX &&
           plan[first + count].turns == plan[first].turns)
        count++;
    return count;
}

int stream_bench_run(const stream_config_t *config, stream_result_t *result, char *error)
{
    server_t server;
    char url[64];
    const server_options_t options = {.pin = true, .cpu = pin_server_cpu()};
    result->count = 0;
    if (server_start(&server, &options) < 0) {
        snprintf(error, CLIENT_ERROR_MAX, "%.400s", server.error);
        return -1;
    }
    snprintf(url, sizeof url, "redis://127.0.0.1:%d?reconnect_min_ms=1", server.port);
    int rc = 0;
    for (size_t i = 0; i < sizeof plan / sizeof plan[0] && rc == 0; i += neighbours(i))
        rc = run_pieces(config, &plan[i], neighbours(i), &server, url, result, error);
    server_stop(&server);
    return rc;
}
