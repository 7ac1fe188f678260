#include "nodes.h"

#include "slot.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    START_ATTEMPTS = 5,
    WHOLE_MS = 20000,
    MEET_MS = 1000, /* then once more: a meeting may be missed */
    POLL_US = 20000
};

static int fail(nodes_t *nodes, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(nodes_t *nodes, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(nodes->error, sizeof nodes->error, format, args);
    va_end(args);
    return -1;
}

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* ---- one ---- */

static int ask(nodes_t *nodes, unsigned node, const char *command, char *reply, size_t size)
{
    server_t *server = &nodes->servers[node];
    if (server_ask(server, command, reply, size) == 0) return 0;
    return fail(nodes, "node %u: %.200s: %.200s", node, command, server->error);
}

int nodes_tell(nodes_t *nodes, const char *command)
{
    char reply[64];
    int rc = 0;
    for (unsigned i = 0; i < nodes->count && rc == 0; i++)
        rc = ask(nodes, i, command, reply, sizeof reply);
    return rc;
}

/* Anybody may take the port of its bus before it does: then with another. */
static int start_one(nodes_t *nodes, unsigned node, const server_options_t *options)
{
    server_t *server = &nodes->servers[node];
    server_options_t own = options ? *options : (server_options_t){0};
    char *bus_port = nodes->bus_ports[node];
    char *args[] = {"--cluster-enabled", "yes", "--cluster-port", bus_port, NULL};
    memcpy(nodes->args[node], args, sizeof args);
    own.args = nodes->args[node];
    for (int attempt = 0; attempt < START_ATTEMPTS; attempt++) {
        snprintf(bus_port, sizeof nodes->bus_ports[node], "%d", server_free_port());
        if (server_start(server, &own) == 0) return 0;
    }
    return fail(nodes, "%s", server->error);
}

/* ---- all ---- */

static int share_slots(nodes_t *nodes)
{
    char command[96], reply[64];
    int rc = 0;
    for (unsigned i = 0; i < nodes->count && rc == 0; i++) {
        const unsigned first = (SLOTS * i + nodes->count - 1) / nodes->count;
        const unsigned end = (SLOTS * (i + 1) + nodes->count - 1) / nodes->count;
        snprintf(command, sizeof command, "CLUSTER ADDSLOTSRANGE %u %u", first, end - 1);
        rc = ask(nodes, i, command, reply, sizeof reply);
        snprintf(command, sizeof command, "CLUSTER SET-CONFIG-EPOCH %u", i + 1);
        if (rc == 0) rc = ask(nodes, i, command, reply, sizeof reply);
    }
    return rc;
}

static int meet_all(nodes_t *nodes)
{
    char command[96], reply[64];
    int rc = 0;
    for (unsigned i = 0; i < nodes->count; i++) {
        for (unsigned k = 0; k < i && rc == 0; k++) {
            snprintf(command, sizeof command, "CLUSTER MEET 127.0.0.1 %d %s",
                     nodes->servers[k].port, nodes->bus_ports[k]);
            rc = ask(nodes, i, command, reply, sizeof reply);
        }
    }
    return rc;
}

static bool serves(nodes_t *nodes, unsigned node)
{
    char reply[2048], known[32];
    snprintf(known, sizeof known, "cluster_known_nodes:%u\r", nodes->count);
    return ask(nodes, node, "CLUSTER INFO", reply, sizeof reply) == 0 &&
           strstr(reply, "cluster_state:ok") && strstr(reply, known);
}

static bool all_serve(nodes_t *nodes)
{
    for (unsigned i = 0; i < nodes->count; i++)
        if (!serves(nodes, i)) return false;
    return true;
}

int nodes_await(nodes_t *nodes)
{
    const long long begun = now_ms();
    long long met = begun;
    int rc = meet_all(nodes);
    while (rc == 0 && !all_serve(nodes)) {
        const long long now = now_ms();
        if (now - begun > WHOLE_MS) return fail(nodes, "the cluster did not become whole");
        if (now - met > MEET_MS) {
            rc = meet_all(nodes);
            met = now;
        }
        usleep(POLL_US);
    }
    return rc;
}

static void make_url(nodes_t *nodes)
{
    size_t used = (size_t)snprintf(nodes->url, sizeof nodes->url, "redis+cluster://");
    for (unsigned i = 0; i < nodes->count; i++)
        used += (size_t)snprintf(nodes->url + used, sizeof nodes->url - used, "%s127.0.0.1:%d",
                                 i ? "," : "", nodes->servers[i].port);
}

int nodes_start(nodes_t *nodes, unsigned masters, const server_options_t *options)
{
    memset(nodes, 0, sizeof *nodes);
    if (masters == 0 || masters > NODES_MAX)
        return fail(nodes, "a cluster has 1 to %d masters here", NODES_MAX);
    int rc = 0;
    while (nodes->count < masters && rc == 0) {
        rc = start_one(nodes, nodes->count, options);
        if (rc == 0) nodes->count++;
    }
    if (rc == 0) rc = share_slots(nodes);
    if (rc == 0) rc = nodes_await(nodes);
    if (rc < 0) nodes_stop(nodes);
    make_url(nodes);
    return rc;
}

void nodes_stop(nodes_t *nodes)
{
    for (unsigned i = 0; i < nodes->count; i++) server_stop(&nodes->servers[i]);
    nodes->count = 0;
}
