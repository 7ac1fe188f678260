#include "top.h"
#include <cairn/broker.h>
#include <string.h>
#include <uv.h>

enum {
    PROBES_A_SAMPLE = 50,
    PROBE_LEAST_MS = 10
};

typedef struct top {
    const top_config_t *config;
    FILE *out;
    uv_loop_t loop;
    uv_timer_t sampling;
    uv_timer_t probing;
    cairn_t cairn;
    cairn_broker_t broker;
    cairn_broker_publish_t probe;
    redisContext *link; /* for INFO */
    uint64_t taken;
    uint64_t taken_ns;
    top_sample_t sample;
    cairn_stats_t before;
    char refused[LINK_ERROR_MAX]; /* a probe was, for this */
    bool failed;                  /* to write */
} top_t;

/* ---- probing ---- */

static void on_probing(uv_timer_t *timer)
{
    top_t *top = timer->data;
    if (cairn_is_active(&top->probe.req)) return;
    int rc = cairn_broker_publish(&top->broker, &top->probe, cairn_str("cairn-bench:top"),
                                  cairn_str("x"), NULL);
    if (rc < 0) snprintf(top->refused, sizeof top->refused, "%s", cairn_strerror(rc));
}

/* ---- sampling ---- */

static void take_sample(top_t *top)
{
    top_sample_t *sample = &top->sample;
    const uint64_t now_ns = uv_hrtime();
    sample->seconds = (double)(now_ns - top->taken_ns) / 1e9;
    top->taken_ns = now_ns;
    sample->state = cairn_state(&top->cairn);
    snprintf(sample->server, sizeof sample->server, "%s", cairn_server(&top->cairn));
    cairn_stats(&top->cairn, &sample->total);
    cairn_stats_since(&sample->total, &top->before, &sample->since);
    top->before = sample->total;
    sample->connection_count =
        cairn_connections(&top->cairn, sample->connections, TOP_CONNECTIONS_MAX);
    if (sample->connection_count > TOP_CONNECTIONS_MAX)
        sample->connection_count = TOP_CONNECTIONS_MAX;
    sample->node_count = cairn_nodes(&top->cairn, sample->nodes, TOP_NODES_MAX);
    if (sample->node_count > TOP_NODES_MAX) sample->node_count = TOP_NODES_MAX;
    top_info_ask(&top->link, top->config->url, &sample->info);
}

static void end(top_t *top)
{
    cairn_close(&top->cairn, NULL);
    uv_close((uv_handle_t *)&top->sampling, NULL);
    uv_close((uv_handle_t *)&top->probing, NULL);
}

static void on_sampling(uv_timer_t *timer)
{
    top_t *top = timer->data;
    take_sample(top);
    if (top->config->json)
        top->failed |= top_show_json(&top->sample, top->out) < 0;
    else
        top_show(top->config, &top->sample, top->out);
    if (++top->taken == top->config->count || top->failed || ferror(top->out)) end(top);
}

/* ---- running ---- */

/* The first sample is one interval after the first that is heard of the server, be it good or bad.
 */
static void on_event(cairn_t *cairn, const cairn_event_t *event)
{
    top_t *top = cairn->data;
    (void)event;
    if (top->taken_ns > 0) return;
    top->taken_ns = uv_hrtime();
    uv_timer_start(&top->sampling, on_sampling, top->config->interval_ms, top->config->interval_ms);
}

static int open_handle(top_t *top, char *error)
{
    cairn_options_t options;
    cairn_error_t refused = {0};
    cairn_options_init(&options);
    int rc = cairn_options_from_url(&options, top->config->url, &refused);
    options.latency_stats = 1;
    if (!options.client_name) options.client_name = "cairn-top";
    if (rc == 0) rc = cairn_open(&top->cairn, &top->loop, &options, &refused);
    if (rc < 0) snprintf(error, LINK_ERROR_MAX, "%s", refused.text);
    return rc < 0 ? -1 : 0;
}

static void start(top_t *top)
{
    const uint64_t interval_ms = top->config->interval_ms;
    uint64_t probe_ms = interval_ms / PROBES_A_SAMPLE;
    cairn_broker_init(&top->broker, &top->cairn);
    uv_timer_init(&top->loop, &top->sampling);
    uv_timer_init(&top->loop, &top->probing);
    top->sampling.data = top->probing.data = top;
    uv_timer_start(&top->probing, on_probing, 0,
                   probe_ms > PROBE_LEAST_MS ? probe_ms : PROBE_LEAST_MS);
}

static int judge(const top_t *top, char *error)
{
    const top_sample_t *sample = &top->sample;
    if (top->failed || ferror(top->out)) {
        snprintf(error, LINK_ERROR_MAX, "cannot write");
        return -1;
    }
    if (sample->state == CAIRN_READY) return 0;
    const char *why = sample->connection_count ? sample->connections[0].last_loss : top->refused;
    snprintf(error, LINK_ERROR_MAX, "not connected: %.200s", why);
    return -1;
}

int top_run(const top_config_t *config, FILE *out, char error[LINK_ERROR_MAX])
{
    static top_t top;
    top = (top_t){.config = config, .out = out};
    top.cairn.data = &top;
    top.cairn.on_event = on_event;
    if (uv_loop_init(&top.loop) < 0) {
        snprintf(error, LINK_ERROR_MAX, "cannot make a loop");
        return -1;
    }
    int rc = open_handle(&top, error);
    if (rc == 0) {
        start(&top);
        uv_run(&top.loop, UV_RUN_DEFAULT);
        rc = judge(&top, error);
    }
    uv_loop_close(&top.loop);
    if (top.link) redisFree(top.link);
    return rc;
}
