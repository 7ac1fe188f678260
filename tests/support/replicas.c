#include "replicas.h"

#include "check.h"
#include "cluster_view.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void replicas_clear(cluster_t *cluster)
{
    for (int node = 0; node < cluster->count; node++)
        if (cluster_is_running(cluster, node))
            freeReplyObject(cluster_command(cluster, node, "FLUSHALL")); /* replicas refuse it */
    cluster_await_whole(cluster);
}

void replicas_forget_reads(cluster_t *cluster)
{
    for (int node = 0; node < cluster->count; node++)
        if (cluster_is_running(cluster, node) && !cluster->nodes[node].paused)
            cluster_ask(cluster, node, "CONFIG RESETSTAT");
}

/* The number behind `before` in what INFO says. */
static unsigned long number_of(const char *info, const char *before)
{
    const char *at = strstr(info, before);
    return at ? strtoul(at + strlen(before), NULL, 10) : 0;
}

unsigned long replicas_calls_at(cluster_t *cluster, int node, const char *command)
{
    char before[48];
    snprintf(before, sizeof before, "cmdstat_%s:calls=", command);
    return number_of(cluster_ask(cluster, node, "INFO commandstats"), before);
}

unsigned long replicas_reads_at(cluster_t *cluster, int node)
{
    static const char *const reads[] = {"get",  "mget",   "hmget", "evalsha", "lrange",
                                        "xlen", "exists", "pttl",  "xrange",  "xrevrange"};
    unsigned long sum = 0;
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
        sum += replicas_calls_at(cluster, node, reads[i]);
    return sum;
}

unsigned long replicas_errors_at(cluster_t *cluster, int node, const char *word)
{
    char before[48];
    snprintf(before, sizeof before, "errorstat_%s:count=", word);
    return number_of(cluster_ask(cluster, node, "INFO errorstats"), before);
}

static bool is_cut(cluster_wish_t *wish)
{
    return strstr(cluster_ask(wish->cluster, wish->node, "INFO replication"),
                  "master_link_status:down") != NULL;
}

/* The master takes no password; so it refuses one. */
void replicas_cut(cluster_t *cluster, int replica)
{
    cluster_wish_t wish = {.cluster = cluster, .node = replica};
    cluster_ask(cluster, replica, "CONFIG SET masterauth wrong");
    cluster_ask(cluster, replica, "CLIENT KILL TYPE master");
    if (!cluster_await(&wish, is_cut)) check_fail("node %d is still linked to its master", replica);
}

void replicas_mend(cluster_t *cluster, int replica)
{
    freeReplyObject(cluster_command(cluster, replica, "CONFIG SET masterauth %s", ""));
    cluster_await_whole(cluster);
}
