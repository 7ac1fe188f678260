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
} piece_t;

static const piece_t plan[] = {
    {"stream.append", "cairn", stream_cairn_append, 0, 1, 0, 20000, 0},
    {"stream.append", "hiredis", stream_hiredis_append, 0, 1, 0, 20000, 0},
    {"stream.append", "cairn", stream_cairn_append, 0, 64, 0, 400000, 0},
    {"stream.append", "hiredis", stream_hiredis_append, 0, 64, 0, 400000, 0},
    {"stream.append", "cairn", stream_cairn_append, 0, 512, 0, 800000, 0},
    {"stream.append", "hiredis", stream_hiredis_append, 0, 512, 0, 800000, 0},
    {"stream.deliver", "cairn", stream_cairn_deliver, 1, 0, 4, 0, 0},
    {"stream.deliver", "hiredis", stream_hiredis_deliver, 1, 0, 4, 0, 0},
    {"stream.deliver", "cairn", stream_cairn_deliver, 100, 0, 4, 0, 0},
    {"stream.deliver", "hiredis", stream_hiredis_deliver, 100, 0, 4, 0, 0},
    {"stream.deliver", "cairn", stream_cairn_deliver, 10000, 0, 8, 0, 0},
    {"stream.replay", "cairn", stream_cairn_replay, 1, 0, 0, 90000, 0},
    {"stream.replay", "hiredis", stream_hiredis_replay, 1, 0, 0, 90000, 0},
    {"stream.storm", "cairn", stream_cairn_deliver, 1000, 0, 6, 0, 5},
    {"stream.storm", "cairn", stream_cairn_deliver, 10000, 0, 8, 0, 3},
};

void stream_bench_init(stream_config_t *config)
{
    *config = (stream_config_t){.payload = 64, .rate = 1000};
}

static void fill_row(row_t *row, const piece_t *piece, const stream_work_t *work)
{
    const double copies = (double)work->events;
    row_init(row);
    row->unit = ROW_MESSAGES;
    row->workload = piece->workload;
    row->client = piece->client;
    row->backend = "redis";
    row->transport = "tcp";
    row->payload = work->payload;
    row->publishers = 1;
    row->subscribers = piece->tails;
    if (piece->window > 0) row->inflight = piece->window;
    if (piece->seconds > 0) row->rate_wanted = work->rate;
    row->msgs_per_s = copies / work->elapsed_s;
    row->mb_per_s = copies * (double)work->payload / work->elapsed_s / 1e6;
    row->client_cpu_us_per_msg = work->cpu_us / copies;
    row_set_latency(row, work->latency);
    if (piece->tails == 0) return;
    row->lost = work->lost;
    row->duplicated = work->duplicated;
    row->reordered = 0;
}

static int run_piece(const stream_config_t *config, const piece_t *piece, server_t *server,
                     const char *url, stream_result_t *result, char *error)
{
    char reply[256];
    stream_work_t work = {.server = server,
                          .url = url,
                          .payload = config->payload,
                          .tails = piece->tails,
                          .window = piece->window,
                          .rate = config->rate,
                          .cuts = piece->cuts,
                          .error = error};
    const double seconds = config->quick ? piece->seconds / 2 : piece->seconds;
    const uint64_t events = config->quick ? piece->events / 4 : piece->events;
    work.events = seconds > 0 ? (uint64_t)(seconds * config->rate) : events;
    work.latency = calloc(1, sizeof *work.latency);
    if (!work.latency) return stream_fail(&work, "out of memory");
    if (server_ask(server, "FLUSHALL", reply, sizeof reply) < 0) {
        free(work.latency);
        return stream_fail(&work, "%.400s", server->error);
    }
    progress_show("%s, %s, %u tails", piece->workload, piece->client, (unsigned)piece->tails);
    int rc = piece->run(&work);
    if (rc == 0 && (work.lost > 0 || work.duplicated > 0))
        rc = stream_fail(&work, "%s: %" PRId64 " events were lost, %" PRId64 " told twice",
                         piece->workload, work.lost, work.duplicated);
    if (rc == 0) fill_row(&result->rows[result->count++], piece, &work);
    if (rc == 0 && work.server_name[0])
        snprintf(result->server, sizeof result->server, "%s", work.server_name);
    free(work.latency);
    return rc;
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
    for (size_t i = 0; i < sizeof plan / sizeof plan[0] && rc == 0; i++)
        rc = run_piece(config, &plan[i], &server, url, result, error);
    server_stop(&server);
    return rc;
}
