#include "saver.h"
#include "saver_run.h"
#include "server_process.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    OPEN_MS = 10000,
    LONGER_MS = 50,
    DRAIN_MS = 5000,
    CLEAN_MS = 60000,
    WATCH_MS = 250,
    IDLE_WATCHES = 20
};

const char *saver_bench_op_name(saver_op_t op)
{
    static const char *const names[SAVER_OPS] = {
        [SAVER_PUT] = "put",   [SAVER_PUT_WRITES] = "put_writes",
        [SAVER_GET] = "get",   [SAVER_GET_ID] = "get_id",
        [SAVER_LIST] = "list", [SAVER_AGENT] = "agent",
    };
    return names[op];
}

void saver_bench_init(saver_config_t *config)
{
    *config = (saver_config_t){
        .url = "memory:",
        .client = &client_cairn,
        .op = SAVER_AGENT,
        .channels = 5,
        .value = 1024,
        .window = 64,
        .warmup_s = 0.2,
        .duration_s = 3,
        .most_bytes = UINT64_C(1) << 30,
    };
}

/* What waits to be sent is bounded by the window already. The URL may say otherwise. */
static int read_url(const saver_config_t *config, cairn_options_t *options, char *error)
{
    cairn_error_t why;
    cairn_options_init(options);
    options->max_inflight = UINT64_C(1) << 20;
    options->max_queue_bytes = UINT64_C(1) << 34;
    if (cairn_options_from_url(options, config->url, &why) == 0) return 0;
    snprintf(error, CLIENT_ERROR_MAX, "the URL is not right: %s; see `cairn-bench options`",
             why.text);
    return -1;
}

static bool is_memory(const cairn_options_t *options)
{
    return strcmp(options->scheme, "memory") == 0;
}

int saver_bench_check(const saver_config_t *config, char *error)
{
    cairn_options_t options;
    if (read_url(config, &options, error) < 0) return -1;
    if (config->client == &client_cairn || !is_memory(&options)) return 0;
    snprintf(error, CLIENT_ERROR_MAX,
             "%s cannot do without a server: give a redis:// or unix:// --url",
             config->client->name);
    return -1;
}

static double cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* ---- closing ---- */

static void close_timer(uv_timer_t *timer)
{
    if (!uv_is_closing((uv_handle_t *)timer)) uv_close((uv_handle_t *)timer, NULL);
}

static void close_all(saver_run_t *run)
{
    if (run->phase == SAVER_CLOSING) return;
    run->phase = SAVER_CLOSING;
    saver_traffic_stop(run);
    close_timer(&run->phase_timer);
    close_timer(&run->watch_timer);
    loop_lag_stop(&run->loop_lag);
    if (run->client) run->client->ops->close(run->client);
}

void saver_bench_fail(saver_run_t *run, const char *format, ...)
{
    if (!run->failed) {
        va_list args;
        va_start(args, format);
        vsnprintf(run->error, CLIENT_ERROR_MAX, format, args);
        va_end(args);
        run->failed = true;
    }
    close_all(run);
}

/* ---- phases ---- */

static void on_clean_late(uv_timer_t *timer)
{
    saver_bench_fail(timer->data, "what was put cannot be deleted within %d s", CLEAN_MS / 1000);
}

void saver_bench_cleaned(saver_run_t *run)
{
    close_all(run);
}

void saver_bench_drained(saver_run_t *run)
{
    if (run->config->keep || is_memory(&run->options)) {
        close_all(run);
        return;
    }
    run->phase = SAVER_CLEANING;
    uv_timer_start(&run->phase_timer, on_clean_late, CLEAN_MS, 0);
    saver_traffic_clean(run);
}

static void on_drain_late(uv_timer_t *timer)
{
    saver_run_t *run = timer->data;
    saver_bench_fail(run, "%u threads got no answer for %d s", (unsigned)run->underway,
                     DRAIN_MS / 1000);
}

static void end_measuring(saver_run_t *run)
{
    run->measure_end_ns = uv_hrtime();
    run->cpu_end_us = cpu_us();
    run->server_end_us = server_process_cpu_us(run->config->server_pid);
    run->done_at_end = run->done;
    run->phase = SAVER_DRAINING;
    saver_traffic_stop(run);
    uv_timer_start(&run->phase_timer, on_drain_late, DRAIN_MS, 0);
}

/* What takes long goes on until every thread has had its turn, or there would be no figure. */
static void on_measured(uv_timer_t *timer)
{
    saver_run_t *run = timer->data;
    uint64_t least = (uint64_t)run->window * run->unit_ops;
    if (run->config->rate <= 0 && run->done - run->done_at_start < least) {
        uv_timer_start(timer, on_measured, LONGER_MS, 0);
        return;
    }
    end_measuring(run);
    if (run->underway == 0) saver_bench_drained(run);
}

static void begin_measuring(saver_run_t *run)
{
    run->phase = SAVER_MEASURING;
    run->done_at_start = run->done;
    run->stored_at_start = run->stored_bytes;
    run->server_start_us = server_process_cpu_us(run->config->server_pid);
    run->cpu_start_us = cpu_us();
    run->measure_start_ns = uv_hrtime();
    uv_timer_start(&run->phase_timer, on_measured, (uint64_t)(run->config->duration_s * 1e3), 0);
}

static void on_warm(uv_timer_t *timer)
{
    begin_measuring(timer->data);
}

void saver_bench_heed_limit(saver_run_t *run)
{
    uint64_t most = run->config->most_bytes;
    if (most == 0) return;
    uint64_t stored = run->stored_bytes - run->stored_at_start;
    if (run->phase == SAVER_WARMUP && stored >= most / 4)
        begin_measuring(run);
    else if (run->phase == SAVER_MEASURING && stored >= most)
        end_measuring(run);
}

void saver_bench_filled(saver_run_t *run)
{
    run->phase = SAVER_WARMUP;
    run->stored_at_start = run->stored_bytes;
    uv_timer_start(&run->phase_timer, on_warm, (uint64_t)(run->config->warmup_s * 1e3), 0);
    saver_traffic_start(run);
}

static void on_open_late(uv_timer_t *timer)
{
    saver_bench_fail(timer->data, "the server takes connections but gives no answer");
}

/* ---- watching ---- */

static void on_watch(uv_timer_t *timer)
{
    saver_run_t *run = timer->data;
    const saver_config_t *config = run->config;
    uint64_t done = run->done - run->watched_done, now_ns = uv_hrtime();
    double seconds = (double)(now_ns - run->watched_ns) / 1e9;
    if (run->phase == SAVER_OPENING) return;

    run->idle_watches = done == 0 && run->underway > 0 ? run->idle_watches + 1 : 0;
    if (run->idle_watches == IDLE_WATCHES) {
        saver_bench_fail(run, "nothing was answered for %d s, though %u threads wait",
                         IDLE_WATCHES * WATCH_MS / 1000, (unsigned)run->underway);
        return;
    }
    bool working = run->phase == SAVER_WARMUP || run->phase == SAVER_MEASURING;
    if (config->on_progress && run->watched_ns && working)
        config->on_progress(config, (double)(now_ns - run->traffic_start_ns) / 1e9,
                            (double)done / seconds);
    run->watched_done = run->done;
    run->watched_ns = now_ns;
}

/* ---- opening ---- */

static void on_ready(client_t *client)
{
    saver_run_t *run = client->data;
    if (run->phase != SAVER_OPENING) return;
    run->door = client->ops->saver->open(client, run->config->ttl_ms);
    if (!run->door) {
        saver_bench_fail(run, "out of memory");
        return;
    }
    run->phase = SAVER_FILLING;
    uv_timer_stop(&run->phase_timer);
    saver_traffic_fill(run);
}

static void on_nothing(client_t *client)
{
    (void)client;
}

static void on_failed(client_t *client, const char *text)
{
    const char *advice = client_advice(text);
    saver_bench_fail(client->data, "%s%s%s", text, *advice ? ". " : "", advice);
}

static const client_hooks_t hooks = {
    .on_ready = on_ready,
    .on_published = on_nothing,
    .on_room = on_nothing,
    .on_failed = on_failed,
};

static void run_loop(saver_run_t *run)
{
    const saver_config_t *config = run->config;
    uv_timer_init(&run->loop, &run->phase_timer);
    uv_timer_init(&run->loop, &run->watch_timer);
    if (run->config->loop_lag) loop_lag_start(&run->loop_lag, &run->loop);
    run->phase_timer.data = run->watch_timer.data = run;
    uv_timer_start(&run->phase_timer, on_open_late, OPEN_MS, 0);
    uv_timer_start(&run->watch_timer, on_watch, WATCH_MS, WATCH_MS);
    run->client = config->client->open(&run->loop, &run->options, &hooks, run, run->error);
    if (!run->client) {
        run->failed = true;
        close_all(run);
    }
    uv_run(&run->loop, UV_RUN_DEFAULT);
}

/* ---- the result ---- */

static const char *workload_of(saver_op_t op)
{
    static const char *const names[SAVER_OPS] = {
        [SAVER_PUT] = "saver.put",   [SAVER_PUT_WRITES] = "saver.put_writes",
        [SAVER_GET] = "saver.get",   [SAVER_GET_ID] = "saver.get_id",
        [SAVER_LIST] = "saver.list", [SAVER_AGENT] = "saver.agent",
    };
    return names[op];
}

static const char *transport_of(const cairn_options_t *options)
{
    if (is_memory(options)) return "memory";
    if (strcmp(options->scheme, "rediss") == 0) return "tls";
    return strcmp(options->scheme, "unix") == 0 ? "unix" : "tcp";
}

static void set_work(const saver_run_t *run, row_t *row)
{
    const saver_config_t *config = run->config;
    row_init(row);
    row->unit = ROW_OPERATIONS;
    row->workload = workload_of(config->op);
    row->client = config->client->name;
    row->backend = is_memory(&run->options) ? "memory" : "redis";
    row->transport = transport_of(&run->options);
    row->payload = config->value;
    row->channels = config->channels;
    row->threads = run->threads;
    if (config->ttl_ms > 0) row->ttl_ms = (int64_t)config->ttl_ms;
    if (config->rate > 0)
        row->rate_wanted = config->rate;
    else
        row->inflight = run->window;
}

/* Payload that one operation moves, on average. */
static double bytes_of_operation(const saver_run_t *run)
{
    const saver_config_t *config = run->config;
    double checkpoint = (double)config->channels * config->value;
    double tasks = (double)STEPS_TASKS * run->task_writes * config->value;
    switch (config->op) {
    case SAVER_GET:
    case SAVER_GET_ID:
        return checkpoint + tasks;
    case SAVER_LIST:
        return SAVER_PAGE * (checkpoint + tasks);
    case SAVER_AGENT:
        return 2 * (checkpoint + tasks) / run->unit_ops;
    default:
        return checkpoint;
    }
}

static void set_result(const saver_run_t *run, saver_result_t *result)
{
    row_t *row = &result->row;
    double seconds = (double)(run->measure_end_ns - run->measure_start_ns) / 1e9;
    double done = (double)(run->done_at_end - run->done_at_start);
    set_work(run, row);
    row_set_latency(row, run->latency);
    row->msgs_per_s = done / seconds;
    row->mb_per_s = row->msgs_per_s * bytes_of_operation(run) / 1e6;
    if (done > 0) {
        row->client_cpu_us_per_msg = (run->cpu_end_us - run->cpu_start_us) / done;
        row->server_cpu_us_per_msg = (run->server_end_us - run->server_start_us) / done;
    }
    if (run->config->rate > 0) row->lag_p99_us = (double)hist_percentile(run->lag, 99) / 1e3;
    if (run->config->loop_lag) row->loop_lag_ms = loop_lag_longest_ms(&run->loop_lag);
    snprintf(result->server, sizeof result->server, "%s", run->client->server);
}

int saver_bench_run(const saver_config_t *config, saver_result_t *result, char *error)
{
    saver_run_t *run = calloc(1, sizeof *run);
    if (!run) {
        snprintf(error, CLIENT_ERROR_MAX, "out of memory");
        return -1;
    }
    run->config = config;
    run->error = error;
    run->latency = &result->latency;
    hist_reset(run->latency);
    int status = -1;
    if (saver_bench_check(config, error) < 0 || read_url(config, &run->options, error) < 0)
        goto out;
    if (saver_setup(run) < 0 || uv_loop_init(&run->loop) < 0) {
        snprintf(error, CLIENT_ERROR_MAX, "out of memory");
        goto out;
    }
    run_loop(run);
    if (uv_loop_close(&run->loop) < 0) saver_bench_fail(run, "handles were left open on the loop");
    if (run->failed) goto out;
    set_result(run, result);
    status = 0;
out:
    saver_teardown(run);
    free(run);
    return status;
}
