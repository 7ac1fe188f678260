#include "cluster.h"

#include "check.h"
#include "cluster_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_ATTEMPTS 5
#define MEET_ATTEMPTS 10
#define MEET_MS 3000

/* ---- one node ---- */

bool cluster_is_running(const cluster_t *cluster, int node)
{
    return cluster->nodes[node].redis.server.pid > 0 && !cluster->nodes[node].paused;
}

static size_t add(char **args, size_t count, const char *name, const char *value)
{
    if (count + 3 > CLUSTER_ARGS_MAX) check_fail("too many arguments for a node");
    args[count++] = (char *)name;
    args[count++] = (char *)value;
    return count;
}

static void make_args(cluster_t *cluster, cluster_node_t *node)
{
    const cluster_options_t *options = &cluster->options;
    size_t count = 0;
    snprintf(node->bus_text, sizeof node->bus_text, "%d", node->bus_port);
    count = add(node->args, count, "--cluster-enabled", "yes");
    count = add(node->args, count, "--cluster-port", node->bus_text);
    count = add(node->args, count, "--cluster-node-timeout", cluster->timeout_text);
    count = add(node->args, count, "--cluster-replica-validity-factor", "0");
    count = add(node->args, count, "--cluster-allow-replica-migration", "no");
    count = add(node->args, count, "--repl-diskless-sync-delay", "0");
    count = add(node->args, count, "--repl-ping-replica-period", "1");
    if (options->partial) count = add(node->args, count, "--cluster-require-full-coverage", "no");
    if (options->password) count = add(node->args, count, "--masterauth", options->password);
    if (options->tls_cert) {
        count = add(node->args, count, "--tls-cluster", "yes");
        count = add(node->args, count, "--tls-replication", "yes");
    }
    for (char *const *arg = options->args; arg && *arg; arg++) {
        if (count + 1 >= CLUSTER_ARGS_MAX) check_fail("too many arguments for a node");
        node->args[count++] = *arg;
    }
    node->args[count] = NULL;
}

/* Anybody may take the port of the bus before the node does: then with another. */
static bool start_node(cluster_t *cluster, cluster_node_t *node)
{
    const cluster_options_t *options = &cluster->options;
    memset(node, 0, sizeof *node);
    for (int attempt = 0; attempt < START_ATTEMPTS; attempt++) {
        node->bus_port = server_free_port();
        make_args(cluster, node);
        const server_options_t server = {
            .password = options->password,
            .args = node->args,
            .tls_cert = options->tls_cert,
            .tls_key = options->tls_key,
            .tls_ca = options->tls_ca,
        };
        if (server_start(&node->redis.server, &server) == 0) break;
    }
    server_t *server = &node->redis.server;
    if (server->pid <= 0) return false;
    char id[64];
    if (server_ask(server, "CLUSTER MYID", id, sizeof id) < 0) return false;
    snprintf(node->id, sizeof node->id, "%.40s", id);
    node->member = true;
    return true;
}

void cluster_kill(cluster_t *cluster, int node)
{
    cluster->nodes[node].paused = false;
    server_kill(&cluster->nodes[node].redis.server);
}

void cluster_restart(cluster_t *cluster, int node)
{
    cluster->nodes[node].paused = false;
    redis_restart(&cluster->nodes[node].redis);
}

void cluster_pause(cluster_t *cluster, int node)
{
    redis_pause(&cluster->nodes[node].redis);
    cluster->nodes[node].paused = true;
}

void cluster_resume(cluster_t *cluster, int node)
{
    cluster->nodes[node].paused = false;
    redis_resume(&cluster->nodes[node].redis);
}

const char *cluster_ask(cluster_t *cluster, int node, const char *command)
{
    return redis_ask(&cluster->nodes[node].redis, command);
}

/* ---- URLs ---- */

int cluster_port(const cluster_t *cluster, int node)
{
    const server_t *server = &cluster->nodes[node].redis.server;
    return cluster->options.tls_cert ? server->tls_port : server->port;
}

static const char *make_url(cluster_t *cluster, int first, int last, const char *rest)
{
    const cluster_options_t *options = &cluster->options;
    const size_t size = sizeof cluster->urls[0];
    char *url = cluster->urls[cluster->next_url++ % (sizeof cluster->urls / size)];
    size_t used =
        (size_t)snprintf(url, size, "%s://%s%s%s", options->tls_cert ? "rediss" : "redis",
                         options->password ? ":" : "", options->password ? options->password : "",
                         options->password ? "@" : "");
    const char *before = "";
    for (int i = first; i <= last && used < size; i++) {
        if (first != last && !cluster_is_running(cluster, i)) continue;
        used += (size_t)snprintf(url + used, size - used, "%s127.0.0.1:%d", before,
                                 cluster_port(cluster, i));
        before = ",";
    }
    if (options->tls_cert && used < size)
        used += (size_t)snprintf(url + used, size - used, "?tls_ca_file=%s", options->tls_ca);
    if (rest && used < size)
        used +=
            (size_t)snprintf(url + used, size - used, "%c%s", options->tls_cert ? '&' : '?', rest);
    if (used >= size) check_fail("the URL is too long");
    return url;
}

const char *cluster_url(cluster_t *cluster, const char *rest)
{
    return make_url(cluster, 0, cluster->count - 1, rest);
}

const char *cluster_node_url(cluster_t *cluster, int node, const char *rest)
{
    return make_url(cluster, node, node, rest);
}

/* ---- meeting ---- */

static void meet(cluster_t *cluster, int node, int other)
{
    const cluster_node_t *them = &cluster->nodes[other];
    char command[96];
    snprintf(command, sizeof command, "CLUSTER MEET 127.0.0.1 %d %d", cluster_port(cluster, other),
             them->bus_port);
    cluster_ask(cluster, node, command);
}

/* Every pair, so that nobody waits for hearsay; again, as a meeting may be missed under load. */
static bool meet_all(cluster_t *cluster, int from)
{
    cluster_wish_t wish = {.cluster = cluster};
    for (int attempt = 0; attempt < MEET_ATTEMPTS; attempt++) {
        for (int node = from; node < cluster->count; node++)
            for (int other = 0; other < node; other++)
                if (cluster_is_running(cluster, other)) meet(cluster, node, other);
        if (cluster_await_for(&wish, cluster_all_known, MEET_MS)) return true;
    }
    return false;
}

static void give_slots(cluster_t *cluster, int masters)
{
    char command[96];
    for (int i = 0; i < masters; i++) {
        snprintf(command, sizeof command, "CLUSTER ADDSLOTSRANGE %d %d",
                 CLUSTER_SLOTS * i / masters, CLUSTER_SLOTS * (i + 1) / masters - 1);
        cluster_ask(cluster, i, command);
    }
    for (int i = 0; i < cluster->count; i++) {
        snprintf(command, sizeof command, "CLUSTER SET-CONFIG-EPOCH %d", i + 1);
        cluster_ask(cluster, i, command);
    }
}

static void replicate(cluster_t *cluster, int node, int master)
{
    char command[96];
    snprintf(command, sizeof command, "CLUSTER REPLICATE %s", cluster->nodes[master].id);
    cluster_ask(cluster, node, command);
}

/* ---- life ---- */

static void give_up(cluster_t *cluster, const char *why)
{
    fprintf(stderr, "no cluster to test with: %s\n", why);
    cluster_stop(cluster);
    exit(1);
}

void cluster_start(cluster_t *cluster, const cluster_options_t *options)
{
    memset(cluster, 0, sizeof *cluster);
    if (options) cluster->options = *options;
    const int masters = cluster->options.masters > 0 ? cluster->options.masters : 3;
    const int asked = cluster->options.replicas;
    const int replicas = asked == 0 ? 1 : asked < 0 ? 0 : asked;
    const int timeout = cluster->options.node_timeout_ms;
    snprintf(cluster->timeout_text, sizeof cluster->timeout_text, "%d",
             timeout > 0 ? timeout : 2000);
    if (masters * (1 + replicas) > CLUSTER_NODES_MAX) give_up(cluster, "too many nodes");

    while (cluster->count < masters * (1 + replicas)) {
        cluster_node_t *node = &cluster->nodes[cluster->count++];
        if (!start_node(cluster, node)) give_up(cluster, node->redis.server.error);
    }
    give_slots(cluster, masters);
    if (!meet_all(cluster, 1)) give_up(cluster, "nodes did not find each other");
    for (int i = masters; i < cluster->count; i++)
        replicate(cluster, i, (i - masters) / (replicas > 0 ? replicas : 1));
    cluster_wish_t wish = {.cluster = cluster};
    if (!cluster_await(&wish, cluster_is_whole)) give_up(cluster, "it did not become whole");
}

void cluster_stop(cluster_t *cluster)
{
    for (int i = 0; i < cluster->count; i++) redis_stop(&cluster->nodes[i].redis);
}

/* ---- nodes change ---- */

int cluster_add(cluster_t *cluster)
{
    if (cluster->count == CLUSTER_NODES_MAX) check_fail("too many nodes");
    const int added = cluster->count++;
    if (!start_node(cluster, &cluster->nodes[added]))
        check_fail("no node to add: %s", cluster->nodes[added].redis.server.error);
    if (!meet_all(cluster, added)) check_fail("the others did not meet node %d", added);
    cluster_wish_t wish = {.cluster = cluster};
    if (!cluster_await(&wish, cluster_all_serve)) check_fail("node %d does not serve", added);
    return added;
}

void cluster_follow(cluster_t *cluster, int node, int master)
{
    replicate(cluster, node, master);
    cluster_await_whole(cluster);
}

void cluster_remove(cluster_t *cluster, int node)
{
    char command[96];
    cluster->nodes[node].member = false;
    cluster_kill(cluster, node);
    snprintf(command, sizeof command, "CLUSTER FORGET %s", cluster->nodes[node].id);
    for (int i = 0; i < cluster->count; i++)
        if (cluster->nodes[i].member && cluster_is_running(cluster, i))
            cluster_ask(cluster, i, command);
}
