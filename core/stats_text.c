/* Statistics in Prometheus's text format: each metric its HELP, its TYPE, its samples. */
#include <cairn/compiler.h>
#include <cairn/stats.h>

#include "core.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

typedef struct text {
    char *out;
    size_t size;
    size_t len; /* of the whole text, whatever there is room for */
} text_t;

static CAIRN_PRINTF(2, 3) void add(text_t *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const size_t room = text->len < text->size ? text->size - text->len : 0;
    const int len = vsnprintf(room ? text->out + text->len : NULL, room, format, args);
    va_end(args);
    if (len > 0) text->len += (size_t)len;
}

static void head(text_t *text, const char *name, const char *type, const char *help)
{
    add(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(text_t *text, const char *name, const char *type, const char *help,
                   uint64_t value)
{
    head(text, name, type, help);
    add(text, "%s %" PRIu64 "\n", name, value);
}

#define COUNTER "counter"
#define GAUGE "gauge"

/* ---- requests ---- */

static void add_failures(text_t *text, const cairn_stats_t *stats)
{
    static const char name[] = "cairn_requests_failed_total";
    head(text, name, COUNTER, "Requests that failed, by kind.");
    for (int i = 0; i < CAIRN_FAILURES; i++)
        add(text, "%s{kind=\"%s\"} %" PRIu64 "\n", name, cairn_failure_name((cairn_failure_t)i),
            stats->failures[i]);
}

/* One bucket for each power of two is enough for a monitoring system. */
#define BUCKETS_A_POWER 4

static void add_latency(text_t *text, const cairn_latency_t *latency)
{
    static const char name[] = "cairn_request_duration_seconds";
    uint64_t seen = 0;
    head(text, name, "histogram", "Requests, whatever their status, from submit to callback.");
    for (size_t i = 0; i < CAIRN_LATENCY_BUCKETS - 1; i++) {
        seen += latency->counts[i];
        if (i % BUCKETS_A_POWER != BUCKETS_A_POWER - 1) continue;
        add(text, "%s_bucket{le=\"%.6f\"} %" PRIu64 "\n", name,
            (double)cairn_latency_limit(i) / 1e6, seen);
    }
    const uint64_t count = seen + latency->counts[CAIRN_LATENCY_BUCKETS - 1];
    add(text, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
    add(text, "%s_sum %.6f\n%s_count %" PRIu64 "\n", name, (double)latency->sum_us / 1e6, name,
        count);
}

static void add_requests(text_t *text, const cairn_stats_t *stats)
{
    single(text, "cairn_requests_total", COUNTER, "Requests accepted.", stats->requests);
    single(text, "cairn_requests_completed_total", COUNTER, "Requests that succeeded.",
           stats->completed);
    add_failures(text, stats);
    single(text, "cairn_requests_refused_total", COUNTER, "Requests refused when submitted.",
           stats->refused);
    single(text, "cairn_requests_refused_full_total", COUNTER, "Requests refused for want of room.",
           stats->refused_full);
    single(text, "cairn_requests_inflight", GAUGE, "Requests accepted and not ended.",
           stats->inflight);
}

/* ---- messages and the link ---- */

static void add_link(text_t *text, const cairn_t *cairn, const cairn_stats_t *stats)
{
    single(text, "cairn_up", GAUGE, "1 while the handle is ready.",
           cairn_state(cairn) == CAIRN_READY);
    single(text, "cairn_messages_delivered_total", COUNTER, "Messages given to subscriptions.",
           stats->delivered);
    single(text, "cairn_messages_dropped_total", COUNTER,
           "Messages lost to a subscription's policy.", stats->dropped);
    single(text, "cairn_connects_total", COUNTER, "Times the handle became ready.",
           stats->connects);
    single(text, "cairn_reconnects_total", COUNTER, "Times it became ready again.",
           stats->reconnects);
    single(text, "cairn_disconnects_total", COUNTER, "Attempts that failed and links that broke.",
           stats->disconnects);
    single(text, "cairn_received_bytes_total", COUNTER, "Bytes from the server.", stats->bytes_in);
    single(text, "cairn_sent_bytes_total", COUNTER, "Bytes to the server.", stats->bytes_out);
    single(text, "cairn_queued_commands", GAUGE, "Commands not written yet.",
           stats->queued_requests);
    single(text, "cairn_queued_bytes", GAUGE, "Bytes not written yet.", stats->queued_bytes);
}

/* ---- connections ---- */

typedef struct column {
    const char *name, *type, *help;
    size_t offset;
} column_t;

static const column_t columns[] = {
#define COLUMN(name, type, help, member)                                                           \
    {                                                                                              \
        "cairn_connection_" name, type, help, offsetof(cairn_connection_t, member)                 \
    }
    COLUMN("inflight_commands", GAUGE, "Commands not answered yet.", inflight),
    COLUMN("inflight_bytes", GAUGE, "Bytes of commands not answered yet.", inflight_bytes),
    COLUMN("queued_bytes", GAUGE, "Bytes not written yet.", queued_bytes),
    COLUMN("answered_total", COUNTER, "Commands answered.", answered),
    COLUMN("errors_total", COUNTER, "Commands answered with an error.", errors),
    COLUMN("received_bytes_total", COUNTER, "Bytes from the server.", bytes_in),
    COLUMN("sent_bytes_total", COUNTER, "Bytes to the server.", bytes_out),
    COLUMN("attempts_total", COUNTER, "Attempts to connect.", attempts),
    COLUMN("connects_total", COUNTER, "Attempts that made it usable.", connects),
    COLUMN("losses_total", COUNTER, "Attempts that failed and links that broke.", losses),
#undef COLUMN
};

typedef struct sampling {
    text_t *text;
    size_t column;
    unsigned number; /* of the connection */
} sampling_t;

/* A value between quotes. */
static void add_escaped(text_t *text, const char *value)
{
    for (; *value; value++) {
        if (*value == '\n') {
            add(text, "\\n");
        } else {
            add(text, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
        }
    }
}

static void add_labels(sampling_t *sampling, const char *name, const cairn_connection_t *one)
{
    add(sampling->text, "%s{connection=\"%u\",role=\"%s\",where=\"", name, sampling->number++,
        one->role);
    add_escaped(sampling->text, one->where);
    add(sampling->text, "\"");
}

static void add_state(void *ctx, const cairn_connection_t *one)
{
    sampling_t *sampling = ctx;
    add_labels(sampling, "cairn_connection_state", one);
    add(sampling->text, ",state=\"%s\"} 1\n", one->state);
}

static void add_sample(void *ctx, const cairn_connection_t *one)
{
    sampling_t *sampling = ctx;
    const size_t offset = columns[sampling->column].offset;
    const bool told = one->size >= offset + sizeof(uint64_t);
    add_labels(sampling, columns[sampling->column].name, one);
    add(sampling->text, "} %" PRIu64 "\n",
        told ? *(const uint64_t *)(const void *)((const char *)one + offset) : 0);
}

static void count_one(void *ctx, const cairn_connection_t *one)
{
    (void)one;
    ++*(unsigned *)ctx;
}

static void add_connections(text_t *text, const cairn_core_t *core)
{
    unsigned count = 0;
    core_each_connection(core, count_one, &count);
    if (count == 0) return;
    sampling_t sampling = {.text = text};
    head(text, "cairn_connection_state", GAUGE, "1 for the state that the connection is in.");
    core_each_connection(core, add_state, &sampling);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        sampling = (sampling_t){.text = text, .column = i};
        head(text, columns[i].name, columns[i].type, columns[i].help);
        core_each_connection(core, add_sample, &sampling);
    }
}

/* ---- nodes ---- */

static const column_t node_columns[] = {
#define COLUMN(name, type, help, member)                                                           \
    {                                                                                              \
        "cairn_node_" name, type, help, offsetof(cairn_node_t, member)                             \
    }
    COLUMN("ready", GAUGE, "1 while commands are answered.", ready),
    COLUMN("slots", GAUGE, "Slots of a cluster that it has.", slots),
    COLUMN("connections", GAUGE, "Connections to it.", connections),
    COLUMN("inflight_commands", GAUGE, "Commands not answered yet.", inflight),
    COLUMN("queued_commands", GAUGE, "Commands not written yet.", queued),
    COLUMN("answered_total", COUNTER, "Commands answered.", answered),
    COLUMN("errors_total", COUNTER, "Commands answered with an error.", errors),
    COLUMN("redirected_total", COUNTER, "Commands sent to another node.", redirected),
    COLUMN("put_off_total", COUNTER, "Commands to be sent again later.", put_off),
    COLUMN("received_bytes_total", COUNTER, "Bytes from it.", bytes_in),
    COLUMN("sent_bytes_total", COUNTER, "Bytes to it.", bytes_out),
    COLUMN("connects_total", COUNTER, "Attempts that made a connection usable.", connects),
    COLUMN("losses_total", COUNTER, "Attempts that failed and links that broke.", losses),
#undef COLUMN
};

static void add_node(void *ctx, const cairn_node_t *one)
{
    sampling_t *sampling = ctx;
    const column_t *column = &node_columns[sampling->column];
    const bool told = one->size >= column->offset + sizeof(uint64_t);
    add(sampling->text, "%s{node=\"", column->name);
    add_escaped(sampling->text, one->where);
    add(sampling->text, "\",role=\"%s\"} %" PRIu64 "\n", one->role,
        told ? *(const uint64_t *)(const void *)((const char *)one + column->offset) : 0);
}

static void count_node(void *ctx, const cairn_node_t *one)
{
    (void)one;
    ++*(unsigned *)ctx;
}

static void add_nodes(text_t *text, const cairn_core_t *core)
{
    unsigned count = 0;
    core_each_node(core, count_node, &count);
    for (size_t i = 0; i < sizeof node_columns / sizeof *node_columns && count > 0; i++) {
        sampling_t sampling = {.text = text, .column = i};
        head(text, node_columns[i].name, node_columns[i].type, node_columns[i].help);
        core_each_node(core, add_node, &sampling);
    }
}

size_t cairn_stats_text(const cairn_t *cairn, char *out, size_t size)
{
    text_t text = {out, size, 0};
    cairn_stats_t stats;
    cairn_stats(cairn, &stats);
    add_requests(&text, &stats);
    if (cairn->core && cairn->core->keeps_latency) add_latency(&text, &stats.latency);
    add_link(&text, cairn, &stats);
    if (cairn->core && core_is_open(cairn->core)) {
        add_connections(&text, cairn->core);
        add_nodes(&text, cairn->core);
    }
    return text.len;
}
