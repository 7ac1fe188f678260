#include "table.h"
#include "top.h"
#include <inttypes.h>
#include <jansson.h>
#include <unistd.h>

static const char *state_name(cairn_state_t state)
{
    static const char *const names[] = {
        [CAIRN_CLOSED] = "closed",   [CAIRN_OPENING] = "opening",
        [CAIRN_READY] = "ready",     [CAIRN_RECONNECTING] = "reconnecting",
        [CAIRN_CLOSING] = "closing",
    };
    return names[state];
}

static double rate(const top_sample_t *sample, uint64_t count)
{
    return sample->seconds > 0 ? (double)count / sample->seconds : 0;
}

/* ---- a screen ---- */

static void show_server(const top_sample_t *sample, FILE *out)
{
    static const char *const titles[] = {
#define TITLE(name, title) title,
        TOP_FIELDS(TITLE)
#undef TITLE
    };
    const top_info_t *info = &sample->info;
    if (!info->given) {
        fprintf(out, "server        %s\n", info->why);
        return;
    }
    fprintf(out, "server        %s, %s%s%s\n", sample->server, info->role,
            info->link[0] ? ", link to its master " : "", info->link);
    fprintf(out, "             ");
    for (size_t i = 0; i < TOP_FIELD_COUNT; i++)
        fprintf(out, " %s %" PRIu64 "%s", titles[i], info->fields[i],
                i == TOP_FIELD_COUNT / 2 ? "\n             " : ",");
    fprintf(out, " keys %" PRIu64 "\n", info->keys);
}

static void show_handle(const top_sample_t *sample, FILE *out)
{
    const cairn_stats_t *since = &sample->since;
    fprintf(out, "this handle   %s, %.1f requests/s, %" PRIu64 " in flight, %" PRIu64 " failed\n",
            state_name(sample->state), rate(sample, since->completed), since->inflight,
            since->failed);
    fprintf(out, "              in %.0f B/s, out %.0f B/s, %" PRIu64 " reconnects in all\n",
            rate(sample, since->bytes_in), rate(sample, since->bytes_out),
            sample->total.reconnects);
    fprintf(out, "a message     p50 %" PRIu64 " us, p99 %" PRIu64 " us, worst %" PRIu64 " us\n",
            cairn_latency_percentile(&since->latency, 50),
            cairn_latency_percentile(&since->latency, 99),
            cairn_latency_percentile(&since->latency, 100));
    for (int i = 0; i < CAIRN_FAILURES; i++)
        if (since->failures[i] > 0)
            fprintf(out, "failed        %" PRIu64 " %s\n", since->failures[i],
                    cairn_failure_name((cairn_failure_t)i));
}

static void show_connections(const top_sample_t *sample, FILE *out)
{
    static const char *const titles[] = {"<connection", "<where",   "<state", "for s", "in flight",
                                         "queued B",    "answered", "errors", "losses"};
    static table_t table;
    if (sample->connection_count == 0) return;
    table_init(&table, titles, sizeof titles / sizeof *titles);
    for (size_t i = 0; i < sample->connection_count; i++) {
        const cairn_connection_t *one = &sample->connections[i];
        char(*row)[TABLE_CELL_MAX] = table_add_row(&table);
        snprintf(row[0], TABLE_CELL_MAX, "%.20s", one->role);
        snprintf(row[1], TABLE_CELL_MAX, "%.39s", one->where);
        snprintf(row[2], TABLE_CELL_MAX, "%.20s", one->state);
        snprintf(row[3], TABLE_CELL_MAX, "%.1f", (double)one->state_ms / 1000);
        const uint64_t figures[] = {one->inflight, one->queued_bytes, one->answered, one->errors,
                                    one->losses};
        for (int f = 0; f < 5; f++) snprintf(row[4 + f], TABLE_CELL_MAX, "%" PRIu64, figures[f]);
    }
    fputc('\n', out);
    table_print(&table, out);
    for (size_t i = 0; i < sample->connection_count; i++)
        if (sample->connections[i].last_loss[0])
            fprintf(out, "lost last: %s\n", sample->connections[i].last_loss);
}

static void show_nodes(const top_sample_t *sample, FILE *out)
{
    static const char *const titles[] = {"<node",     "<where",  "<ready",   "slots",
                                         "in flight", "queued",  "answered", "errors",
                                         "sent on",   "put off", "losses"};
    static table_t table;
    if (sample->node_count < 2) return;
    table_init(&table, titles, sizeof titles / sizeof *titles);
    for (size_t i = 0; i < sample->node_count; i++) {
        const cairn_node_t *one = &sample->nodes[i];
        char(*row)[TABLE_CELL_MAX] = table_add_row(&table);
        snprintf(row[0], TABLE_CELL_MAX, "%.15s", one->role);
        snprintf(row[1], TABLE_CELL_MAX, "%.39s", one->where);
        snprintf(row[2], TABLE_CELL_MAX, "%s", one->ready ? "yes" : "no");
        const uint64_t figures[] = {one->slots,  one->inflight,   one->queued,  one->answered,
                                    one->errors, one->redirected, one->put_off, one->losses};
        for (int f = 0; f < 8; f++) snprintf(row[3 + f], TABLE_CELL_MAX, "%" PRIu64, figures[f]);
    }
    fputc('\n', out);
    table_print(&table, out);
}

void top_show(const top_config_t *config, const top_sample_t *sample, FILE *out)
{
    static const char clear[] = "\x1b[H\x1b[J";
    if (config->count != 1 && isatty(fileno(out))) fputs(clear, out);
    show_server(sample, out);
    show_handle(sample, out);
    show_connections(sample, out);
    show_nodes(sample, out);
    if (config->count != 1) fputc('\n', out);
    fflush(out);
}

/* ---- JSON; as in report_json.c, NULL for want of memory is passed on ---- */

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *server_object(const top_sample_t *sample)
{
    static const char *const names[] = {
#define NAME(name, title) #name,
        TOP_FIELDS(NAME)
#undef NAME
    };
    const top_info_t *info = &sample->info;
    if (!info->given) return json_pack("{s:s}", "error", info->why);
    json_t *server = json_pack("{s:s, s:s, s:I}", "name", sample->server, "role", info->role,
                               "keys", (json_int_t)info->keys);
    if (info->link[0]) json_object_set_new(server, "master_link", json_string(info->link));
    for (size_t i = 0; i < TOP_FIELD_COUNT; i++)
        json_object_set_new(server, names[i], number(info->fields[i]));
    return server;
}

static json_t *latency_object(const cairn_latency_t *latency)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "count", number(cairn_latency_count(latency)), "p50",
                     number(cairn_latency_percentile(latency, 50)), "p99",
                     number(cairn_latency_percentile(latency, 99)), "max",
                     number(cairn_latency_percentile(latency, 100)));
}

static json_t *handle_object(const top_sample_t *sample)
{
    const cairn_stats_t *total = &sample->total;
    json_t *failures = json_object();
    for (int i = 0; i < CAIRN_FAILURES; i++)
        json_object_set_new(failures, cairn_failure_name((cairn_failure_t)i),
                            number(total->failures[i]));
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:o}", "state",
                     state_name(sample->state), "requests", number(total->requests), "completed",
                     number(total->completed), "failures", failures, "inflight",
                     number(total->inflight), "queued_bytes", number(total->queued_bytes),
                     "reconnects", number(total->reconnects), "bytes_in", number(total->bytes_in),
                     "bytes_out", number(total->bytes_out), "requests_per_s",
                     rate(sample, sample->since.completed), "latency_us",
                     latency_object(&sample->since.latency));
}

static json_t *connection_object(const cairn_connection_t *one)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "role",
                     one->role, "where", one->where, "state", one->state, "state_ms",
                     number(one->state_ms), "inflight", number(one->inflight), "inflight_bytes",
                     number(one->inflight_bytes), "queued_bytes", number(one->queued_bytes),
                     "answered", number(one->answered), "errors", number(one->errors), "attempts",
                     number(one->attempts), "connects", number(one->connects), "losses",
                     number(one->losses), "last_loss", one->last_loss);
}

static json_t *node_object(const cairn_node_t *one)
{
    return json_pack(
        "{s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "role", one->role, "where",
        one->where, "ready", one->ready != 0, "slots", number(one->slots), "inflight",
        number(one->inflight), "queued", number(one->queued), "answered", number(one->answered),
        "errors", number(one->errors), "redirected", number(one->redirected), "put_off",
        number(one->put_off), "losses", number(one->losses), "last_loss", one->last_loss);
}

int top_show_json(const top_sample_t *sample, FILE *out)
{
    json_t *connections = json_array();
    for (size_t i = 0; i < sample->connection_count; i++)
        json_array_append_new(connections, connection_object(&sample->connections[i]));
    json_t *nodes = json_array();
    for (size_t i = 0; i < sample->node_count; i++)
        json_array_append_new(nodes, node_object(&sample->nodes[i]));
    json_t *all = json_pack("{s:o, s:o, s:o, s:o}", "server", server_object(sample), "handle",
                            handle_object(sample), "connections", connections, "nodes", nodes);
    int rc = all ? json_dumpf(all, out, JSON_COMPACT) : -1;
    json_decref(all);
    fputc('\n', out);
    return fflush(out) == 0 ? rc : -1;
}
