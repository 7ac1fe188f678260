#include "store.h"
#include "server_process.h"
#include "store_ops.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    OPEN_MS = 10000,
    LONGER_MS = 50,
    DRAIN_MS = 10000,
    FILL_WINDOW = 64,
    SAMPLES = 1 << 16 /* of Zipf's law */
};

#define EXPONENT 0.99

typedef enum phase {
    OPENING,
    FILLING,
    WARMUP,
    MEASURING,
    DRAINING,
    CLOSING
} phase_t;

typedef struct store_run {
    const store_work_t *work;
    const store_ops_t *ops;
    uv_loop_t loop;
    uv_timer_t timer;
    phase_t phase;
    client_t *client;
    store_door_t *door;
    char *calls;
    uint32_t call_count;
    uint32_t *samples; /* NULL: keys are all alike */
    uint64_t random;
    uint32_t filled;
    uint32_t underway;
    uint64_t done, done_at_start, done_at_end;
    uint64_t start_ns, end_ns;
    double cpu_us, server_us; /* of what was measured */
    hist_t *latency;
    bool failed;
    char *error;
} run_t;

/* ---- what it costs ---- */

static double cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* ---- ending ---- */

static void close_all(run_t *run)
{
    if (run->phase == CLOSING) return;
    run->phase = CLOSING;
    uv_close((uv_handle_t *)&run->timer, NULL);
    if (run->client) run->client->ops->close(run->client);
}

static void fail(run_t *run, const char *text)
{
    if (!run->failed) snprintf(run->error, CLIENT_ERROR_MAX, "%s", text);
    run->failed = true;
    close_all(run);
}

static void on_late(uv_timer_t *timer)
{
    fail(timer->data, "the server gives no answer in time");
}

static void on_measured(uv_timer_t *timer)
{
    run_t *run = timer->data;
    if (run->done - run->done_at_start < run->work->window) {
        uv_timer_start(timer, on_measured, LONGER_MS, 0);
        return;
    }
    run->end_ns = uv_hrtime();
    run->cpu_us = cpu_us() - run->cpu_us;
    run->server_us = server_process_cpu_us(run->work->server_pid) - run->server_us;
    run->done_at_end = run->done;
    run->phase = DRAINING;
    uv_timer_start(timer, on_late, DRAIN_MS, 0);
}

static void on_warm(uv_timer_t *timer)
{
    run_t *run = timer->data;
    run->phase = MEASURING;
    run->done_at_start = run->done;
    run->server_us = server_process_cpu_us(run->work->server_pid);
    run->cpu_us = cpu_us();
    run->start_ns = uv_hrtime();
    uv_timer_start(timer, on_measured, (uint64_t)(run->work->duration_s * 1e3), 0);
}

/* ---- which items ---- */

static uint64_t next_random(run_t *run)
{
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    return run->random;
}

static uint32_t pick(run_t *run)
{
    const uint64_t random = next_random(run) >> 16;
    if (run->samples) return run->samples[random % SAMPLES];
    return (uint32_t)(random % run->work->items);
}

/* Items at equal steps of the distribution's sum. */
static int make_samples(run_t *run)
{
    const uint32_t items = run->work->items;
    double sum = 0, reached = 0;
    if (!run->work->zipf) return 0;
    run->samples = malloc(SAMPLES * sizeof *run->samples);
    if (!run->samples) return -1;
    for (uint32_t i = 0; i < items; i++) sum += pow(i + 1, -EXPONENT);
    for (uint32_t i = 0, at = 0; i < items && at < SAMPLES; i++) {
        reached += pow(i + 1, -EXPONENT) / sum;
        for (; at < SAMPLES && (i == items - 1 || at < reached * SAMPLES); at++)
            run->samples[at] = (uint32_t)(i * UINT64_C(2654435761) % items);
    }
    return 0;
}

/* ---- work ---- */

static void on_done(store_call_t *call, uint64_t found);

static int touch(run_t *run, store_call_t *call)
{
    store_touch_t touches[STORE_BATCH_MAX];
    const store_work_t *work = run->work;
    const uint32_t space = pick(run) % work->spaces;
    for (uint32_t i = 0; i < work->batch; i++) {
        uint32_t item = pick(run);
        if (work->batch > 1) item = item - item % work->spaces + space;
        if (item >= work->items) item = space;
        const bool puts =
            work->op == STORE_PUT || (work->op == STORE_MIX && (next_random(run) >> 16) % 5 == 0);
        touches[i] = (store_touch_t){item, puts};
    }
    return run->ops->touch(run->door, call, touches, work->batch);
}

static void begin(run_t *run, store_call_t *call)
{
    call->start_ns = uv_hrtime();
    call->on_done = on_done;
    run->underway++;
    int rc = run->work->op >= STORE_SEARCH
                 ? run->ops->search(run->door, call, pick(run) % run->work->spaces)
                 : touch(run, call);
    if (rc < 0) fail(run, run->client->error);
}

static void start_traffic(run_t *run)
{
    run->phase = WARMUP;
    uv_timer_start(&run->timer, on_warm, (uint64_t)(run->work->warmup_s * 1e3), 0);
    for (uint32_t i = 0; i < run->work->window && run->phase != CLOSING; i++)
        begin(run, (store_call_t *)(void *)(run->calls + i * run->ops->call_size));
}

static void fill(run_t *run, store_call_t *call)
{
    const store_touch_t one = {run->filled++, true};
    const uint32_t digit = one.item / run->work->spaces % 10;
    run->door->value[5] = (char)('0' + digit); /* {"n":7, */
    run->underway++;
    if (run->ops->touch(run->door, call, &one, 1) < 0) fail(run, run->client->error);
}

static void on_filled(store_call_t *call, uint64_t found)
{
    run_t *run = call->data;
    (void)found;
    run->underway--;
    if (run->filled < run->work->items) {
        fill(run, call);
    } else if (run->underway == 0) {
        start_traffic(run);
    }
}

static bool is_right(const run_t *run, uint64_t found)
{
    if (found == UINT64_MAX) return false;
    return run->work->op < STORE_SEARCH || found == STORE_PAGE;
}

static void on_done(store_call_t *call, uint64_t found)
{
    run_t *run = call->data;
    run->underway--;
    run->done += run->work->batch;
    if (!is_right(run, found)) {
        fail(run, "an answer was wrong");
        return;
    }
    if (run->phase == MEASURING) hist_record(run->latency, uv_hrtime() - call->start_ns);
    if (run->phase == DRAINING && run->underway == 0) close_all(run);
    if (run->phase == WARMUP || run->phase == MEASURING) begin(run, call);
}

/* ---- opening ---- */

static void on_ready(client_t *client)
{
    run_t *run = client->data;
    if (run->phase != OPENING) return;
    const store_work_t *work = run->work;
    run->phase = FILLING;
    uv_timer_stop(&run->timer);
    run->door = run->ops->open(client, work);
    if (!run->door) {
        fail(run, "out of memory");
        return;
    }
    run->door->value = malloc(work->value + 1);
    run->door->vector = work->dimensions ? malloc(work->dimensions * sizeof(float)) : NULL;
    if (!run->door->value || (work->dimensions && !run->door->vector)) {
        fail(run, "out of memory");
        return;
    }
    memset(run->door->value, 'x', work->value);
    memcpy(run->door->value, "{\"n\":0,\"t\":\"", 12);
    memcpy(run->door->value + work->value - 2, "\"}", 2);
    for (uint32_t i = 0; i < run->call_count; i++) {
        store_call_t *call = (store_call_t *)(void *)(run->calls + i * run->ops->call_size);
        call->data = run;
        call->on_done = on_filled;
        if (i < FILL_WINDOW && run->filled < work->items && run->phase == FILLING) fill(run, call);
    }
}

static void on_nothing(client_t *client)
{
    (void)client;
}

static void on_failed(client_t *client, const char *text)
{
    fail(client->data, text);
}

static const client_hooks_t hooks = {
    .on_ready = on_ready,
    .on_published = on_nothing,
    .on_room = on_nothing,
    .on_failed = on_failed,
};

static void run_loop(run_t *run, const cairn_options_t *options)
{
    uv_timer_init(&run->loop, &run->timer);
    run->timer.data = run;
    uv_timer_start(&run->timer, on_late, OPEN_MS, 0);
    run->client = run->work->client->open(&run->loop, options, &hooks, run, run->error);
    if (!run->client) {
        run->failed = true;
        close_all(run);
    }
    uv_run(&run->loop, UV_RUN_DEFAULT);
}

/* ---- the result ---- */

static const char *transport_of(const cairn_options_t *options)
{
    if (strcmp(options->scheme, "memory") == 0) return "memory";
    return strcmp(options->scheme, "unix") == 0 ? "unix" : "tcp";
}

static void set_result(const run_t *run, const cairn_options_t *options, store_result_t *result)
{
    const store_work_t *work = run->work;
    const double seconds = (double)(run->end_ns - run->start_ns) / 1e9;
    const double done = (double)(run->done_at_end - run->done_at_start);
    row_t *row = &result->row;
    row_init(row);
    row->unit = ROW_OPERATIONS;
    row->workload = work->name;
    row->client = work->client->name;
    row->transport = transport_of(options);
    row->backend = strcmp(row->transport, "memory") == 0 ? "memory" : "redis";
    row->payload = work->value;
    row->channels = work->batch;
    row->inflight = work->window;
    row_set_latency(row, run->latency);
    row->msgs_per_s = done / seconds;
    row->mb_per_s = row->msgs_per_s * work->value / 1e6;
    if (done > 0) {
        row->client_cpu_us_per_msg = run->cpu_us / done;
        row->server_cpu_us_per_msg = run->server_us / done;
    }
    snprintf(result->server, sizeof result->server, "%s", run->client->server);
}

/* What is wrong with the work, or NULL. */
static const char *flaw_of(const store_work_t *work, const store_ops_t *ops)
{
    const bool searches = work->op >= STORE_SEARCH;
    if (searches && !ops->search) return "hiredis cannot search";
    if (work->client == &client_hiredis && strncmp(work->url, "memory:", 7) == 0)
        return "hiredis needs a server";
    if (work->batch == 0 || work->batch > (searches ? 1 : STORE_BATCH_MAX))
        return "no request has a batch like that";
    if (work->window == 0) return "the window is empty";
    if (work->value < STORE_VALUE_LEAST || work->value > STORE_VALUE_MAX)
        return "no value has that size";
    if (work->spaces == 0 || work->spaces > work->items)
        return "not every namespace would have an item";
    if (work->op == STORE_NEAR && work->dimensions == 0) return "items without vectors";
    return NULL;
}

static int read_url(const store_work_t *work, cairn_options_t *options, char *error)
{
    cairn_error_t why;
    cairn_options_init(options);
    options->max_inflight = UINT64_C(1) << 20;
    options->max_queue_bytes = UINT64_C(1) << 34;
    if (cairn_options_from_url(options, work->url, &why) == 0) return 0;
    snprintf(error, CLIENT_ERROR_MAX, "the URL is not right: %s", why.text);
    return -1;
}

static void tear_down(run_t *run)
{
    if (run->door) {
        free(run->door->value);
        free(run->door->vector);
        run->ops->destroy(run->door);
    }
    if (run->client) run->client->ops->destroy(run->client);
    free(run->samples);
    free(run->calls);
}

int store_bench_run(const store_work_t *work, store_result_t *result, char *error)
{
    run_t run = {
        .work = work,
        .ops = work->client == &client_cairn ? &store_bench_cairn : &store_bench_hiredis,
        .call_count = work->window > FILL_WINDOW ? work->window : FILL_WINDOW,
        .random = UINT64_C(0x9e3779b97f4a7c15),
        .latency = &result->latency,
        .error = error,
    };
    cairn_options_t options;
    int status = -1;
    hist_reset(run.latency);
    const char *flaw = flaw_of(work, run.ops);
    if (flaw) {
        snprintf(error, CLIENT_ERROR_MAX, "%s", flaw);
        return -1;
    }
    if (read_url(work, &options, error) < 0) return -1;
    run.calls = calloc(run.call_count, run.ops->call_size);
    if (!run.calls || make_samples(&run) < 0 || uv_loop_init(&run.loop) < 0) {
        snprintf(error, CLIENT_ERROR_MAX, "out of memory");
        goto out;
    }
    run_loop(&run, &options);
    if (uv_loop_close(&run.loop) < 0) fail(&run, "handles were left open on the loop");
    if (run.failed) goto out;
    set_result(&run, &options, result);
    status = 0;
out:
    tear_down(&run);
    return status;
}
