/* A cluster whose nodes come and go: one that is added, one that is removed, and another cluster at
 * the same places. No request fails. */
#include "cluster.h"
#include "cluster_view.h"
#include "store_client.h"
#include "stream_client.h"

#include <stdio.h>
#include <stdlib.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=50"

enum {
    MASTERS = 2,
    MOVED = 40, /* slots, the first */
    PLACES = 16
};

static cluster_t cluster;

static void clear(void)
{
    for (int node = 0; node < cluster.count; node++)
        if (cluster.nodes[node].member) cluster_ask(&cluster, node, "FLUSHALL");
}

static long keys_of(int node)
{
    return strtol(cluster_ask(&cluster, node, "DBSIZE"), NULL, 10);
}

static bool is_connected_to(const client_t *client, int node)
{
    cairn_connection_t connections[PLACES];
    char port[16];
    const size_t count = cairn_connections(&client->cairn, connections, PLACES);
    snprintf(port, sizeof port, ":%d", cluster_port(&cluster, node));
    for (size_t i = 0; i < count && i < PLACES; i++)
        if (strstr(connections[i].where, port)) return true;
    return false;
}

static void assert_has(items_t *items, const char *path, const char *value)
{
    char expected[48];
    snprintf(expected, sizeof expected, "%s:k=%s", path, value);
    assert_string_equal(items_get(items, path, "k"), expected);
}

/* A stream with a tail, or an item, in a slot that goes from node to node. */
typedef struct work {
    client_t *client;
    streams_client_t *streams; /* or else */
    items_t *items;
    follower_t *tail;
    cluster_tag_t name;
    unsigned done;
} work_t;

static void begin(work_t *work, world_t *w, bool streams, unsigned slot)
{
    *work = (work_t){.client = world_open(w, NULL)};
    cluster_tag(work->name, slot);
    client_await(work->client, "connected");
    if (!streams) {
        work->items = items_on(work->client);
        return;
    }
    work->streams = streams_on(work->client);
    work->tail = streams_follow(work->streams, work->name, NULL);
    follower_await(work->tail, "live");
}

static void go_on(work_t *work)
{
    char value[16];
    snprintf(value, sizeof value, "%u", ++work->done);
    if (work->items) {
        items_put(work->items, work->name, "k", value);
        assert_has(work->items, work->name, value);
        return;
    }
    streams_append(work->streams, work->name, "e");
    follower_await_events(work->tail, work->done);
    assert_int_equal(journal_count(&work->tail->journal, "gap"), 0);
}

static void come_and_go(world_t *w, bool streams)
{
    work_t work;
    begin(&work, w, streams, 0);
    go_on(&work);
    const int added = cluster_add(&cluster);
    cluster_move(&cluster, 0, MOVED, added);
    go_on(&work);
    assert_true(keys_of(added) > 0);
    assert_true(is_connected_to(work.client, added));
    cluster_move(&cluster, 0, MOVED / 2, 0);
    cluster_move(&cluster, MOVED / 2, MOVED, 1);
    go_on(&work);
    cluster_remove(&cluster, added);
    cluster_await_whole(&cluster);
    go_on(&work);
}

static void streams_go_on_while_nodes_come_and_go(world_t *w)
{
    come_and_go(w, true);
}

static void items_stay_while_nodes_come_and_go(world_t *w)
{
    come_and_go(w, false);
}

/* ---- another cluster ---- */

static void tell(int node, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(int node, const char *format, ...)
{
    char command[128];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    cluster_ask(&cluster, node, command);
}

/* Of the same nodes, which know nothing of before, and have each other's slots. */
static void make_anew(void)
{
    const int low = 1 - cluster_owner(&cluster, 0);
    clear();
    for (int node = 0; node < MASTERS; node++) tell(node, "CLUSTER RESET SOFT");
    tell(1 - low, "CLUSTER ADDSLOTSRANGE %d %d", CLUSTER_SLOTS / 2, CLUSTER_SLOTS - 1);
    tell(low, "CLUSTER ADDSLOTSRANGE 0 %d", CLUSTER_SLOTS / 2 - 1);
    tell(1, "CLUSTER MEET 127.0.0.1 %d %d", cluster_port(&cluster, 0), cluster.nodes[0].bus_port);
    cluster_wish_t wish = {.cluster = &cluster};
    assert_true(cluster_await(&wish, cluster_is_whole));
}

static void streams_of_another_cluster_at_the_same_places_are_used(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cluster_tag_t name;
    cluster_tag(name, 1);
    streams_append(s, name, "a b");
    make_anew();
    streams_append(s, name, "c");
    assert_stream(s, name, "c");
    const int owner = cluster_owner(&cluster, 1);
    assert_true(keys_of(owner) > 0);
    assert_int_equal(keys_of(1 - owner), 0);
}

static void so_are_items(world_t *w)
{
    items_t *s = items_open(w, NULL);
    cluster_tag_t low, high;
    cluster_tag(low, 1);
    cluster_tag(high, CLUSTER_SLOTS - 1);
    items_put(s, low, "k", "1");
    items_put(s, high, "k", "1");
    make_anew();
    items_put(s, high, "k", "2");
    assert_search(s, "", .prefix = ns(low));
    assert_has(s, high, "2");
}

int main(void)
{
    static const scenario_t scenarios[] = {
        SCENARIO(streams_go_on_while_nodes_come_and_go),
        SCENARIO(items_stay_while_nodes_come_and_go),
        SCENARIO(streams_of_another_cluster_at_the_same_places_are_used),
        SCENARIO(so_are_items),
    };
    const cluster_options_t options = {.masters = MASTERS, .replicas = -1, .node_timeout_ms = 6000};
    char url[256];
    streams_backend.clear = clear;
    cluster_start(&cluster, &options);
    snprintf(url, sizeof url, "redis+cluster://127.0.0.1:%d,127.0.0.1:%d?" QUICK,
             cluster_port(&cluster, 0), cluster_port(&cluster, 1));
    const int failures = SCENARIOS_RUN("redis: nodes that come and go", scenarios, url);
    cluster_stop(&cluster);
    return failures;
}
