#include "redis_route.h"

#include <cairn/options.h>
#include <strings.h>

bool redis_route_is_for_cluster(const cairn_options_t *options)
{
    static const char suffix[] = "+cluster";
    const size_t len = strlen(options->scheme), suffix_len = sizeof suffix - 1;
    return len > suffix_len && strcasecmp(options->scheme + len - suffix_len, suffix) == 0;
}

int redis_route_open(redis_route_t *route, const cairn_host_t *host, const cairn_options_t *options,
                     const redis_standalone_events_t *events)
{
    route->at = &route->one;
    route->one.route = route;
    route->events = events;
    if (!redis_route_is_for_cluster(options))
        return redis_standalone_open(&route->one, host, options, events);
    route->cluster = redis_cluster_new(route, host);
    if (!route->cluster) return UV_ENOMEM;
    int rc = redis_standalone_open(&route->one, host, options, &redis_cluster_seed_events);
    if (rc == 0) {
        redis_cluster_start(route->cluster);
    } else {
        redis_cluster_free(route->cluster);
        route->cluster = NULL;
    }
    return rc;
}

void redis_route_close(redis_route_t *route)
{
    if (route->cluster) redis_cluster_close(route->cluster);
    redis_standalone_close(&route->one);
}

int redis_route_reauth(redis_route_t *route)
{
    int rc = redis_standalone_reauth(&route->one);
    if (!route->cluster) return rc;
    for (size_t i = 0; i < route->cluster->count && rc == 0; i++)
        if (!route->cluster->members[i]->closing)
            rc = redis_standalone_reauth(&route->cluster->members[i]->node);
    return rc;
}

int redis_route_use_scripts(redis_route_t *route)
{
    if (route->one.scripted) return 0;
    int rc = redis_standalone_use_scripts(&route->one);
    if (!route->cluster) return rc;
    for (size_t i = 0; i < route->cluster->count && rc == 0; i++)
        if (!route->cluster->members[i]->closing)
            rc = redis_standalone_use_scripts(&route->cluster->members[i]->node);
    return rc;
}

void redis_route_each(const redis_route_t *route, cairn_connection_fn take, void *ctx)
{
    redis_standalone_each(&route->one, take, ctx);
    if (!route->cluster) return;
    for (size_t i = 0; i < route->cluster->count; i++)
        if (!route->cluster->members[i]->closing)
            redis_standalone_each(&route->cluster->members[i]->node, take, ctx);
}

static const char *where_of(const redis_standalone_t *node, uint64_t conn)
{
    if (conn == (uintptr_t)&node->commands) return node->commands.where;
    for (size_t i = 1; i < node->pool.count; i++)
        if (conn == (uintptr_t)node->pool.conns[i]) return node->pool.conns[i]->where;
    return NULL;
}

const char *redis_route_where(const redis_route_t *route, uint64_t conn)
{
    const redis_cluster_t *cluster = route->cluster;
    for (size_t i = 0; cluster && i < cluster->count; i++) {
        const char *where =
            where_of(&cluster->members[i]->node, conn & ~(uint64_t)REDIS_CONN_WAITS);
        if (where) return where;
    }
    return redis_standalone_where(&route->one);
}
