#include "pubsub.h"
#include "message.h"
#include "pubsub_run.h"
#include "server_process.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
    OPEN_MS = 10000,
    DRAIN_MS = 3000,
    WATCH_MS = 250,
    IDLE_WATCHES = 20
};

void pubsub_config_init(pubsub_config_t *config)
{
    *config = (pubsub_config_t){
        .url = "memory:",
        .client = &client_cairn,
        .payload = 64,
        .publishers = 1,
        .subscribers = 1,
        .channels = 1,
        .window = 64,
        .warmup_s = 0.5,
        .duration_s = 3,
    };
}

static int read_url(const pubsub_config_t *config, cairn_options_t *options, char *error)
{
    cairn_error_t why;
    cairn_options_init(options);
    if (cairn_options_from_url(options, config->url, &why) == 0) return 0;
    snprintf(error, CLIENT_ERROR_MAX, "the URL is not right: %s; see `cairn-bench options`",
             why.text);
    return -1;
}

static bool is_memory(const cairn_options_t *options)
{
    return strcmp(options->scheme, "memory") == 0;
}

int pubsub_check(const pubsub_config_t *config, char *error)
{
    cairn_options_t options;
    const char *cannot = NULL;
    if (read_url(config, &options, error) < 0) return -1;
    if (config->client == &client_cairn) return 0;
    if (is_memory(&options)) cannot = "do without a server: give a redis:// or unix:// --url";
    if (config->shared) cannot = "publish and subscribe on one connection";
    if (!cannot) return 0;
    snprintf(error, CLIENT_ERROR_MAX, "%s cannot %s", config->client->name, cannot);
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

static void close_all(pubsub_run_t *run)
{
    if (run->phase == PHASE_CLOSING) return;
    run->phase = PHASE_CLOSING;
    pubsub_traffic_stop(run);
    close_timer(&run->phase_timer);
    close_timer(&run->watch_timer);
    loop_lag_stop(&run->loop_lag);
    for (uint32_t i = 0; i < run->client_count; i++) run->clients[i]->ops->close(run->clients[i]);
}

void pubsub_fail(pubsub_run_t *run, const char *format, ...)
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

static void on_drain_over(uv_timer_t *timer)
{
    close_all(timer->data);
}

void pubsub_drained(pubsub_run_t *run)
{
    if (pubsub_traffic_underway(run) == 0) close_all(run);
}

static void on_measured(uv_timer_t *timer)
{
    pubsub_run_t *run = timer->data;
    run->measure_end_ns = uv_hrtime();
    run->cpu_end_us = cpu_us();
    run->server_end_us = server_process_cpu_us(run->config->server_pid);
    run->delivered_at_end = run->delivered;
    run->phase = PHASE_DRAINING;
    pubsub_traffic_stop(run);
    uv_timer_start(timer, on_drain_over, DRAIN_MS, 0);
    pubsub_drained(run);
}

static void on_warm(uv_timer_t *timer)
{
    pubsub_run_t *run = timer->data;
    run->phase = PHASE_MEASURING;
    run->delivered_at_start = run->delivered;
    run->server_start_us = server_process_cpu_us(run->config->server_pid);
    run->cpu_start_us = cpu_us();
    run->measure_start_ns = uv_hrtime();
    uv_timer_start(timer, on_measured, (uint64_t)(run->config->duration_s * 1e3), 0);
}

static void on_subscribed(void *subscriber_data)
{
    pubsub_run_t *run = ((subscriber_t *)subscriber_data)->run;
    if (run->phase != PHASE_SUBSCRIBING ||
        ++run->subscribed < run->config->subscribers * run->config->channels)
        return;
    run->phase = PHASE_WARMUP;
    uv_timer_start(&run->phase_timer, on_warm, (uint64_t)(run->config->warmup_s * 1e3), 0);
    pubsub_traffic_start(run);
}

static void subscribe_all(pubsub_run_t *run)
{
    run->phase = PHASE_SUBSCRIBING;
    for (uint32_t i = 0; i < run->config->subscribers; i++) {
        subscriber_t *subscriber = &run->subscribers[i];
        client_t *client = subscriber->client;
        for (uint32_t c = 0; c < run->config->channels; c++) {
            if (client->ops->subscribe(client, run->channels[c].name, subscriber) == 0) continue;
            pubsub_fail(run, "%s", client->error);
            return;
        }
    }
}

static void on_ready(client_t *client)
{
    pubsub_run_t *run = client->data;
    if (++run->ready == run->client_count && run->phase == PHASE_OPENING) subscribe_all(run);
}

static void on_open_late(uv_timer_t *timer)
{
    pubsub_fail(timer->data, "the server takes connections but gives no answer");
}

/* ---- watching ---- */

static void on_watch(uv_timer_t *timer)
{
    pubsub_run_t *run = timer->data;
    const pubsub_config_t *config = run->config;
    uint64_t delivered = run->delivered - run->watched_delivered, now_ns = uv_hrtime();
    double seconds = (double)(now_ns - run->watched_ns) / 1e9;
    if (run->phase != PHASE_WARMUP && run->phase != PHASE_MEASURING) return;

    bool expected = config->feeder || pubsub_traffic_underway(run) > 0;
    run->idle_watches = delivered == 0 && expected ? run->idle_watches + 1 : 0;
    if (run->idle_watches == IDLE_WATCHES) {
        pubsub_fail(run, "no message has arrived for %d s, though %llu are underway",
                    IDLE_WATCHES * WATCH_MS / 1000,
                    (unsigned long long)pubsub_traffic_underway(run));
        return;
    }
    if (config->on_progress && run->watched_ns)
        config->on_progress(config, (double)(now_ns - run->traffic_start_ns) / 1e9,
                            (double)delivered / seconds);
    run->watched_delivered = run->delivered;
    run->watched_ns = now_ns;
}

/* ---- opening ---- */

static void on_published(client_t *client)
{
    (void)client;
}

static void on_room(client_t *client)
{
    pubsub_traffic_room(client->data, client);
}

static void on_failed(client_t *client, const char *text)
{
    const char *advice = client_advice(text);
    pubsub_fail(client->data, "%s%s%s", text, *advice ? ". " : "", advice);
}

static const client_hooks_t hooks = {
    .on_ready = on_ready,
    .on_subscribed = on_subscribed,
    .on_message = pubsub_on_message,
    .on_published = on_published,
    .on_room = on_room,
    .on_failed = on_failed,
};

static client_t *open_one(pubsub_run_t *run)
{
    const pubsub_config_t *config = run->config;
    client_t *client = config->client->open(&run->loop, &run->options, &hooks, run, run->error);
    if (!client) {
        run->failed = true;
        close_all(run);
        return NULL;
    }
    run->clients[run->client_count++] = client;
    return client;
}

static int open_clients(pubsub_run_t *run)
{
    const pubsub_config_t *config = run->config;
    client_t *shared = run->shared ? open_one(run) : NULL;
    if (run->shared && !shared) return -1;
    for (uint32_t i = 0; i < config->publishers && !config->feeder; i++)
        if (!(run->publishers[i].client = shared ? shared : open_one(run))) return -1;
    for (uint32_t i = 0; i < config->subscribers; i++)
        if (!(run->subscribers[i].client = shared ? shared : open_one(run))) return -1;
    return 0;
}

static void run_loop(pubsub_run_t *run)
{
    uv_timer_init(&run->loop, &run->phase_timer);
    uv_timer_init(&run->loop, &run->watch_timer);
    if (run->config->loop_lag) loop_lag_start(&run->loop_lag, &run->loop);
    run->phase_timer.data = run->watch_timer.data = run;
    uv_timer_start(&run->phase_timer, on_open_late, OPEN_MS, 0);
    uv_timer_start(&run->watch_timer, on_watch, WATCH_MS, WATCH_MS);
    (void)open_clients(run); /* that it failed is noted in `run` */
    uv_run(&run->loop, UV_RUN_DEFAULT);
}

/* ---- the result ---- */

static void set_faults(const pubsub_run_t *run, row_t *row)
{
    const pubsub_config_t *config = run->config;
    row->lost = row->duplicated = row->reordered = 0;
    for (uint32_t s = 0; s < config->subscribers; s++) {
        for (uint32_t i = 0; i < config->publishers * config->channels; i++) {
            sequence_t *stream = &run->subscribers[s].streams[i];
            const publisher_t *publisher = &run->publishers[i / config->channels];
            if (!config->feeder)
                sequence_end(stream, publisher->next_numbers[i % config->channels]);
            row->lost += (int64_t)stream->lost;
            row->duplicated += (int64_t)stream->duplicated;
            row->reordered += (int64_t)stream->reordered;
        }
    }
}

static const char *transport_of(const cairn_options_t *options)
{
    if (is_memory(options)) return "memory";
    if (strcmp(options->scheme, "rediss") == 0) return "tls";
    return strcmp(options->scheme, "unix") == 0 ? "unix" : "tcp";
}

static void set_work(const pubsub_run_t *run, row_t *row)
{
    const pubsub_config_t *config = run->config;
    bool open_loop = config->rate > 0;
    row_init(row);
    row->workload = config->feeder ? "receive only" : open_loop ? "open loop" : "closed loop";
    row->client = config->client->name;
    row->backend = config->feeder ? "feeder" : is_memory(&run->options) ? "memory" : "redis";
    row->transport = transport_of(&run->options);
    row->shared = run->shared;
    row->payload = config->payload;
    row->publishers = config->publishers;
    row->subscribers = config->subscribers;
    row->channels = config->channels;
    if (open_loop) row->rate_wanted = config->rate;
    if (!open_loop && !config->feeder) row->inflight = config->window;
}

static void set_result(const pubsub_run_t *run, pubsub_result_t *result)
{
    row_t *row = &result->row;
    double seconds = (double)(run->measure_end_ns - run->measure_start_ns) / 1e9;
    double delivered = (double)(run->delivered_at_end - run->delivered_at_start);
    set_work(run, row);
    set_faults(run, row);
    row_set_latency(row, run->latency);
    row->msgs_per_s = delivered / seconds;
    row->mb_per_s = row->msgs_per_s * run->config->payload / 1e6;
    if (delivered > 0) {
        row->client_cpu_us_per_msg = (run->cpu_end_us - run->cpu_start_us) / delivered;
        row->server_cpu_us_per_msg = (run->server_end_us - run->server_start_us) / delivered;
    }
    if (run->config->rate > 0) row->lag_p99_us = (double)hist_percentile(run->lag, 99) / 1e3;
    if (run->config->loop_lag) row->loop_lag_ms = loop_lag_longest_ms(&run->loop_lag);
    snprintf(result->server, sizeof result->server, "%s", run->clients[0]->server);
}

int pubsub_run(const pubsub_config_t *config, pubsub_result_t *result, char *error)
{
    pubsub_run_t *run = calloc(1, sizeof *run);
    if (!run) {
        snprintf(error, CLIENT_ERROR_MAX, "out of memory");
        return -1;
    }
    run->config = config;
    run->error = error;
    run->latency = &result->latency;
    hist_reset(run->latency);
    int status = -1;
    if (pubsub_check(config, error) < 0 || read_url(config, &run->options, error) < 0) goto out;
    run->shared = config->shared || is_memory(&run->options);
    if (pubsub_setup(run) < 0 || uv_loop_init(&run->loop) < 0) {
        snprintf(error, CLIENT_ERROR_MAX, "out of memory");
        goto out;
    }
    run_loop(run);
    if (uv_loop_close(&run->loop) < 0) pubsub_fail(run, "handles were left open on the loop");
    if (run->failed) goto out;
    set_result(run, result);
    status = 0;
out:
    pubsub_teardown(run);
    free(run);
    return status;
}
