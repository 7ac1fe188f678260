/* Producers and tails at random in the layout of Pure Graph on a cluster, while its nodes are
 * killed and started again, and stopped, connections are cut, and slots of the streams go from node
 * to node. Nodes write everything to disk before they answer: so every tail must see every event
 * once, in order. CAIRN_SEED runs one seed alone. */
#include "cluster.h"
#include "stream_suite.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MASTERS = 2,
    STEPS = 3000,
    SEEDS = 4
};

static cluster_t cluster;
static world_t *here;
static unsigned turn;
static unsigned kills, pauses, cuts, moves;

static int next_node(void)
{
    return (int)(turn / 5 % MASTERS);
}

static void kill_one(void)
{
    cluster_kill(&cluster, next_node());
    cluster_restart(&cluster, next_node());
    kills++;
}

static void stop_one_for_a_while(void)
{
    cluster_pause(&cluster, next_node());
    loop_turns(&here->loop, 20);
    cluster_resume(&cluster, next_node());
    pauses++;
}

static void cut_all_of_one(void)
{
    (void)cluster_ask(&cluster, next_node(), "CLIENT KILL TYPE normal SKIPME yes");
    cuts++;
}

/* Of a stream or its list, which then are apart or come together. */
static void move_one(void)
{
    char key[32];
    snprintf(key, sizeof key, "%s:run-%u", moves % 2 ? "stream" : "queue", moves % 3 + 1);
    const unsigned slot = cluster_slot(key);
    cluster_await_whole(&cluster); /* a master that has begun anew serves nobody at first */
    cluster_move(&cluster, slot, slot, 1 - cluster_owner(&cluster, slot));
    moves++;
}

static void disturb(void)
{
    switch (turn++ % 5) {
    case 0:
        cut_all_of_one();
        break;
    case 1:
        stop_one_for_a_while();
        break;
    case 2:
    case 3:
        move_one();
        break;
    default:
        if (turn % 3 == 0)
            kill_one();
        else
            (void)cluster_ask(&cluster, next_node(), "SCRIPT FLUSH");
    }
}

static void every_event_once_in_order_whatever_happens_to_the_nodes(world_t *w)
{
    static uint64_t number;
    const char *replayed = getenv("CAIRN_SEED");
    here = w;
    stream_random_run(w, replayed ? strtoull(replayed, NULL, 10) : uv_hrtime() + number++, STEPS,
                      disturb);
}

static void so_much_has_happened(world_t *w)
{
    (void)w;
    print_message("%u kills, %u pauses, %u cuts, %u moves\n", kills, pauses, cuts, moves);
    assert_in_range(kills, 1, STEPS);
    assert_in_range(pauses, 1, STEPS);
    assert_in_range(cuts, 1, STEPS);
    assert_in_range(moves, 1, STEPS);
}

static void clear(void)
{
    cluster_await_whole(&cluster);
    for (int node = 0; node < MASTERS; node++) (void)cluster_ask(&cluster, node, "FLUSHALL");
}

int main(void)
{
    static char appendonly[] = "--appendonly", yes[] = "yes";
    static char appendfsync[] = "--appendfsync", always[] = "always";
    static char *const args[] = {appendonly, yes, appendfsync, always, NULL};
    static const scenario_t scenarios[] = {
        SCENARIO(every_event_once_in_order_whatever_happens_to_the_nodes)};
    static const scenario_t last[] = {SCENARIO(so_much_has_happened)};
    static const char *const queries[] = {
        "cluster=yes&stream_layout=pure_graph&reconnect_min_ms=1&reconnect_max_ms=20",
        "cluster=auto&stream_layout=pure_graph&protocol=2&reconnect_min_ms=1&reconnect_max_ms=20"};
    const cluster_options_t options = {
        .masters = MASTERS, .replicas = -1, .node_timeout_ms = 6000, .args = args};
    cluster_start(&cluster, &options);
    streams_backend.clear = clear;
    int failures = 0;
    for (size_t i = 0; i < SEEDS; i++)
        failures += SCENARIOS_RUN(i % 2 ? "stream as Pure Graph in a cluster: RESP2"
                                        : "stream as Pure Graph in a cluster: RESP3",
                                  scenarios, cluster_url(&cluster, queries[i % 2]));
    if (!getenv("CAIRN_SEED"))
        failures += SCENARIOS_RUN("stream as Pure Graph in a cluster: disturbances", last,
                                  cluster_url(&cluster, NULL));
    cluster_stop(&cluster);
    return failures;
}
