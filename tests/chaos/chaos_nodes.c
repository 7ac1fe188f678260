#include "chaos_nodes.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum {
    SLOTS = 16384,
    PATIENCE_MS = 30000,
    POLL_US = 2000
};

void chaos_nodes_start(cluster_t *cluster)
{
    static char appendonly[] = "--appendonly", yes[] = "yes";
    static char appendfsync[] = "--appendfsync", always[] = "always";
    static char *const args[] = {appendonly, yes, appendfsync, always, NULL};
    const cluster_options_t options = {.args = args, .node_timeout_ms = 3000};
    cluster_start(cluster, &options);
}

/* -1: it does not say. */
static long long offset_of(cluster_t *cluster, int node, const char *name)
{
    const char *at = strstr(cluster_ask(cluster, node, "INFO replication"), name);
    return at ? strtoll(at + strlen(name), NULL, 10) : -1;
}

/* It acknowledges nothing from here on, until it is another process. */
static void finish_with(cluster_t *cluster, int node)
{
    const uint64_t deadline = uv_hrtime() + PATIENCE_MS * UINT64_C(1000000);
    const int replica = cluster_replica_of(cluster, node);
    cluster_ask(cluster, node, "CLIENT PAUSE 600000 WRITE");
    const long long all = offset_of(cluster, node, "master_repl_offset:");
    while (offset_of(cluster, replica, "slave_repl_offset:") < all) {
        if (uv_hrtime() > deadline) check_fail("node %d does not follow %d", replica, node);
        usleep(POLL_US);
    }
    cluster_kill(cluster, node);
}

int chaos_nodes_master(cluster_t *cluster, uint64_t roll)
{
    return cluster_owner(cluster, (unsigned)(roll % SLOTS));
}

void chaos_nodes_crash(cluster_t *cluster, int node)
{
    finish_with(cluster, node);
    cluster_restart(cluster, node);
    cluster_await_whole(cluster);
}

static unsigned slot_of_node(cluster_t *cluster, int node)
{
    unsigned slot = 0;
    while (slot < SLOTS && cluster_owner(cluster, slot) != node) slot += SLOTS / 64;
    return slot;
}

void chaos_nodes_replace(cluster_t *cluster, int node)
{
    const unsigned slot = slot_of_node(cluster, node);
    finish_with(cluster, node);
    cluster_await_other(cluster, slot, node);
}

void chaos_nodes_restore(cluster_t *cluster, int node)
{
    cluster_restart(cluster, node);
    cluster_await_whole(cluster);
}

void chaos_nodes_swap(cluster_t *cluster, int node)
{
    cluster_failover(cluster, cluster_replica_of(cluster, node), NULL);
    cluster_await_whole(cluster);
}

void chaos_nodes_move(cluster_t *cluster, unsigned first, unsigned count, int to)
{
    const unsigned last = first + count > SLOTS ? SLOTS - 1 : first + count - 1;
    cluster_move(cluster, first, last, to);
}

void chaos_nodes_tell(cluster_t *cluster, const char *command)
{
    for (int node = 0; node < cluster->count; node++)
        if (cluster_is_running(cluster, node)) cluster_ask(cluster, node, command);
}

void chaos_nodes_tell_masters(cluster_t *cluster, const char *command)
{
    for (int node = 0; node < cluster->count; node++)
        if (strstr(cluster_ask(cluster, node, "INFO replication"), "role:master"))
            cluster_ask(cluster, node, command);
}
