/* What is told of each node of a cluster: its slots, what it did, and what it sent elsewhere. */
#include "cluster.h"
#include "cluster_view.h"
#include "exposition.h"
#include "stream_client.h"

#include <stdio.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=20"

enum {
    MASTERS = 3,
    ROWS = 16,
    MOVED = 7,
    PATIENCE = 10000, /* requests */
    LONG_MS = 30000
};

static cluster_t cluster;

static void clear(void)
{
    for (int node = 0; node < cluster.count; node++) cluster_ask(&cluster, node, "FLUSHALL");
}

/* ---- rows ---- */

typedef struct rows {
    cairn_node_t of[ROWS];
    size_t count;
} rows_t;

static rows_t look(const client_t *client)
{
    rows_t rows;
    rows.count = cairn_nodes(&client->cairn, rows.of, ROWS);
    assert_in_range(rows.count, 1, ROWS);
    return rows;
}

/* NULL: there is no row of it. */
static const cairn_node_t *master(const rows_t *rows, int node)
{
    char where[32];
    snprintf(where, sizeof where, "127.0.0.1:%d", cluster_port(&cluster, node));
    for (size_t i = 0; i < rows->count; i++)
        if (strcmp(rows->of[i].role, "master") == 0 && strcmp(rows->of[i].where, where) == 0)
            return &rows->of[i];
    return NULL;
}

static bool all_are_ready(void *client)
{
    const rows_t rows = look(client);
    for (int node = 0; node < MASTERS; node++) {
        const cairn_node_t *row = master(&rows, node);
        if (!row || !row->ready) return false;
    }
    return true;
}

static streams_client_t *open_streams(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    loop_run_until(&w->loop, "all nodes are there", all_are_ready, s->client);
    return s;
}

/* ---- what they say ---- */

static void slots_are_those_of_the_map(world_t *w)
{
    streams_client_t *s = open_streams(w);
    rows_t rows = look(s->client);
    uint64_t before[MASTERS], sum = 0;
    for (int node = 0; node < MASTERS; node++) sum += before[node] = master(&rows, node)->slots;
    assert_int_equal(sum, CLUSTER_SLOTS);
    for (int node = 0; node < MASTERS; node++)
        assert_in_range(before[node], CLUSTER_SLOTS / MASTERS, CLUSTER_SLOTS / MASTERS + 1);

    cluster_tag_t name;
    cluster_tag(name, 0);
    const int from = cluster_owner(&cluster, 0), to = (from + 1) % MASTERS;
    streams_append(s, name, "a");
    cluster_move(&cluster, 0, MOVED - 1, to);
    streams_append(s, name, "b"); /* it is told, and asks for the map */
    rows = look(s->client);
    assert_int_equal(master(&rows, from)->redirected, 1);
    assert_int_equal(master(&rows, to)->redirected, 0);
    for (int i = 0; i < PATIENCE && master(&rows, to)->slots != before[to] + MOVED; i++) {
        streams_append(s, name, "c");
        rows = look(s->client);
    }
    assert_int_equal(master(&rows, to)->slots, before[to] + MOVED);
    assert_int_equal(master(&rows, from)->slots, before[from] - MOVED);
    cluster_move(&cluster, 0, MOVED - 1, from);
}

/* Half way it is put off. */
static void what_a_node_cannot_take_is_counted(world_t *w)
{
    streams_client_t *s = open_streams(w);
    cluster_tag_t name;
    cluster_tag(name, 0);
    const int from = cluster_owner(&cluster, 0), to = (from + 1) % MASTERS;
    streams_append(s, name, "a#id");
    cluster_move_begin(&cluster, 0, to);
    assert_int_equal(cluster_move_keys(&cluster, 0, to, 1), 1);
    streams_ask_t *ask = streams_ask(s);
    assert_status(ask_append(ask, name, "b", NULL), 0);
    loop_run_for(&w->loop, 100);
    const rows_t rows = look(s->client);
    assert_true(master(&rows, from)->put_off + master(&rows, to)->put_off > 0);
    while (cluster_move_keys(&cluster, 0, to, 100) > 0) continue;
    cluster_move_finish(&cluster, 0, to);
    streams_ask_await(ask, 0);
    cluster_move(&cluster, 0, 0, from);
}

static void rows_add_up_to_those_of_connections(world_t *w)
{
    streams_client_t *s = open_streams(w);
    for (unsigned slot = 0; slot < 60; slot++) {
        cluster_tag_t name;
        cluster_tag(name, slot * 270);
        streams_append(s, name, "a");
    }
    cairn_connection_t connections[ROWS];
    const size_t count = cairn_connections(&s->client->cairn, connections, ROWS);
    const rows_t rows = look(s->client);
    uint64_t answered[2] = {0}, bytes_in[2] = {0}, bytes_out[2] = {0}, made = 0;
    assert_in_range(count, 1, ROWS);
    for (size_t i = 0; i < count; i++) {
        answered[0] += connections[i].answered;
        bytes_in[0] += connections[i].bytes_in;
        bytes_out[0] += connections[i].bytes_out;
    }
    for (size_t i = 0; i < rows.count; i++) {
        answered[1] += rows.of[i].answered;
        bytes_in[1] += rows.of[i].bytes_in;
        bytes_out[1] += rows.of[i].bytes_out;
        made += rows.of[i].connections;
    }
    assert_true(answered[0] >= 60);
    assert_int_equal(answered[0], answered[1]);
    assert_int_equal(bytes_in[0], bytes_in[1]);
    assert_int_equal(bytes_out[0], bytes_out[1]);
    assert_int_equal(made, count);
    for (int node = 0; node < MASTERS; node++) assert_true(master(&rows, node)->answered >= 20);
}

typedef struct loss {
    client_t *client;
    int node;
} loss_t;

static bool is_unusable(void *ctx)
{
    const loss_t *loss = ctx;
    const rows_t rows = look(loss->client);
    const cairn_node_t *row = master(&rows, loss->node);
    return row && !row->ready && strstr(row->last_loss, "onnection refused");
}

static void a_node_that_is_gone_shows_and_why(world_t *w)
{
    static char text[1 << 17];
    streams_client_t *s = open_streams(w);
    loss_t loss = {s->client, 1};
    char sample[128];
    cluster_kill(&cluster, loss.node);
    assert_true(loop_try_for(&w->loop, LONG_MS, is_unusable, &loss));
    assert_true(cairn_stats_text(&s->client->cairn, text, sizeof text) < sizeof text);
    exposition_check(text);
    for (int node = 0; node < MASTERS; node++) {
        snprintf(sample, sizeof sample, "cairn_node_ready{node=\"127.0.0.1:%d\",role=\"master\"}",
                 cluster_port(&cluster, node));
        assert_true(exposition_value(text, sample) == (node == loss.node ? 0 : 1));
    }
    cluster_restart(&cluster, loss.node);
    cluster_await_whole(&cluster);
}

int main(void)
{
    static const scenario_t scenarios[] = {
        SCENARIO(slots_are_those_of_the_map),
        SCENARIO(what_a_node_cannot_take_is_counted),
        SCENARIO(rows_add_up_to_those_of_connections),
        SCENARIO(a_node_that_is_gone_shows_and_why),
    };
    const cluster_options_t options = {
        .masters = MASTERS, .replicas = -1, .node_timeout_ms = 6000, .partial = true};
    char url[256];
    streams_backend.clear = clear;
    cluster_start(&cluster, &options);
    snprintf(url, sizeof url, "redis+cluster://127.0.0.1:%d,127.0.0.1:%d?" QUICK,
             cluster_port(&cluster, 0), cluster_port(&cluster, 2));
    const int failures = SCENARIOS_RUN("redis: statistics of nodes", scenarios, url);
    cluster_stop(&cluster);
    return failures;
}
