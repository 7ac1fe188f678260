#include "redis_route.h"

#include "redis_stats.h"

#include <cairn/options.h>
#include <stdio.h>
#include <strings.h>

/* ---- options ---- */

static bool ends_with(const char *text, const char *suffix)
{
    const size_t len = strlen(text), suffix_len = strlen(suffix);
    return len > suffix_len && strcasecmp(text + len - suffix_len, suffix) == 0;
}

static int refuse(cairn_error_t *error, const char *text)
{
    error->code = CAIRN_EOPTION;
    snprintf(error->text, sizeof error->text, "%s", text);
    return CAIRN_EOPTION;
}

static int check_use(const cairn_options_t *options, bool is_alone, cairn_error_t *error)
{
    if (strcasecmp(options->scheme, "unix") == 0)
        return refuse(error, "cluster=yes is not for a socket's path");
    if (is_alone) return refuse(error, "cluster=yes is not for sentinels");
    return options->db == 0 ? 0 : refuse(error, "db is not 0: a cluster has one database");
}

static int read_use(redis_route_t *route, const cairn_options_t *options, cairn_error_t *error)
{
    const char *said = options->cluster ? options->cluster : "";
    const bool is_auto = strcmp(said, CAIRN_CLUSTER_AUTO) == 0;
    const bool is_no = strcmp(said, CAIRN_CLUSTER_NO) == 0;
    const bool is_yes = strcmp(said, CAIRN_CLUSTER_YES) == 0;
    const bool by_scheme = ends_with(options->scheme, "+cluster");
    const bool has_sentinels = ends_with(options->scheme, "+sentinel");
    const bool is_unix = strcasecmp(options->scheme, "unix") == 0;
    if (options->cluster && !is_auto && !is_no && !is_yes)
        return refuse(error, "cluster is neither \"" CAIRN_CLUSTER_NO "\" nor \"" CAIRN_CLUSTER_YES
                             "\" nor \"" CAIRN_CLUSTER_AUTO "\"");
    if (by_scheme && is_no) return refuse(error, "cluster=no, but the scheme is a cluster's");
    route->use = REDIS_CLUSTER_NO;
    if (by_scheme || is_yes) {
        route->use = REDIS_CLUSTER_YES;
        return check_use(options, has_sentinels, error);
    }
    if (is_auto && !has_sentinels && !is_unix && options->db == 0) route->use = REDIS_CLUSTER_AUTO;
    return 0;
}

/* It counts if there may be a cluster; where there is none for sure, it is a mistake. */
static int read_from(redis_route_t *route, const cairn_options_t *options, cairn_error_t *error)
{
    static const char *const names[] = {
        [REDIS_READ_MASTER] = CAIRN_READ_FROM_MASTER,
        [REDIS_READ_PREFER_REPLICA] = CAIRN_READ_FROM_PREFER_REPLICA,
        [REDIS_READ_REPLICA] = CAIRN_READ_FROM_REPLICA,
        [REDIS_READ_NEAREST] = CAIRN_READ_FROM_NEAREST,
    };
    enum {
        NAMES = sizeof names / sizeof *names
    };
    char text[160];
    unsigned said = 0;
    const char *name = options->read_from ? options->read_from : names[REDIS_READ_MASTER];
    while (said < NAMES && strcmp(name, names[said]) != 0) said++;
    if (said == NAMES) {
        snprintf(text, sizeof text,
                 "read_from=\"%.40s\" is none of " CAIRN_READ_FROM_MASTER
                 ", " CAIRN_READ_FROM_PREFER_REPLICA ", " CAIRN_READ_FROM_REPLICA
                 ", " CAIRN_READ_FROM_NEAREST,
                 name);
        return refuse(error, text);
    }
    const bool is_auto = options->cluster && strcmp(options->cluster, CAIRN_CLUSTER_AUTO) == 0;
    if (said != REDIS_READ_MASTER && route->use == REDIS_CLUSTER_NO && !is_auto) {
        snprintf(text, sizeof text,
                 "read_from=%s is for a cluster: redis+cluster://, or cluster=", name);
        return refuse(error, text);
    }
    route->read_from = (redis_read_from_t)said;
    return 0;
}

int redis_route_read_use(redis_route_t *route, const cairn_options_t *options, cairn_error_t *error)
{
    int rc = read_use(route, options, error);
    return rc < 0 ? rc : read_from(route, options, error);
}

/* ---- life ---- */

int redis_route_open(redis_route_t *route, const cairn_host_t *host, const cairn_options_t *options,
                     const redis_standalone_events_t *events)
{
    route->at = &route->one;
    route->one.route = route;
    route->events = events;
    if (route->use != REDIS_CLUSTER_YES)
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

/* ---- what the server says of itself ---- */

static int refuse_alone(redis_conn_t *conn)
{
    char detail[256];
    snprintf(detail, sizeof detail, "%s: the server is not a node of a cluster", conn->where);
    redis_connect_gave_up(conn); /* another may be */
    redis_conn_lose(conn, CAIRN_ECLUSTER, detail);
    return CAIRN_ECLUSTER;
}

int redis_route_greeted(redis_route_t *route, redis_conn_t *conn)
{
    const redis_hello_t *hello = &conn->hello;
    if (route->cluster && hello->says_mode && !hello->is_cluster) return refuse_alone(conn);
    if (route->use != REDIS_CLUSTER_AUTO || route->cluster || !hello->is_cluster) return 0;
    route->cluster = redis_cluster_new(route, route->one.host);
    if (!route->cluster) {
        redis_conn_lose(conn, UV_ENOMEM, "out of memory for the map of a cluster");
        return UV_ENOMEM;
    }
    route->adopts = true;
    route->one.capabilities = route->cluster_capabilities;
    redis_standalone_listen(&route->one, &redis_cluster_seed_events);
    redis_cluster_start(route->cluster);
    return 0;
}

void redis_route_ready(redis_route_t *route, redis_conn_t *conn)
{
    if (conn != &route->one.commands) return;
    if (route->adopts) redis_cluster_adopt(route->cluster);
    route->adopts = false;
    route->events->known(&route->one);
}

void redis_route_close(redis_route_t *route)
{
    if (route->cluster) redis_cluster_close(route->cluster);
    redis_standalone_close(&route->one);
}

int redis_route_reauth(redis_route_t *route)
{
    int rc = redis_standalone_reauth(&route->one);
    redis_standalone_t *node;
    size_t at = 0;
    while (route->cluster && rc == 0 && (node = redis_cluster_next(route->cluster, &at)))
        rc = redis_standalone_reauth(node);
    return rc;
}

int redis_route_use_scripts(redis_route_t *route)
{
    if (route->one.scripted) return 0;
    int rc = redis_standalone_use_scripts(&route->one);
    redis_standalone_t *node;
    size_t at = 0;
    while (route->cluster && rc == 0 && (node = redis_cluster_next(route->cluster, &at)))
        rc = redis_standalone_use_scripts(node);
    return rc;
}

void redis_route_each(const redis_route_t *route, cairn_connection_fn take, void *ctx)
{
    redis_standalone_each(&route->one, take, ctx);
    const redis_standalone_t *node;
    size_t at = 0;
    while (route->cluster && (node = redis_cluster_next(route->cluster, &at)))
        redis_standalone_each(node, take, ctx);
}

static void count_slots(const redis_cluster_t *cluster)
{
    redis_standalone_t *node;
    size_t at = 0;
    while ((node = redis_cluster_next(cluster, &at))) node->slots = 0;
    for (unsigned slot = 0; slot < REDIS_SLOTS; slot++) redis_cluster_node(cluster, slot)->slots++;
}

void redis_route_each_node(const redis_route_t *route, cairn_node_fn take, void *ctx)
{
    const redis_cluster_t *cluster = route->cluster;
    cairn_node_t one;
    redis_node_describe(&route->one, cluster ? "seed" : "server", &one);
    take(ctx, &one);
    if (cluster) count_slots(cluster);
    const redis_standalone_t *node;
    size_t at = 0;
    while (cluster && (node = redis_cluster_next(cluster, &at))) {
        redis_node_describe(node, node->reads_only ? "replica" : "master", &one);
        one.slots = node->slots;
        take(ctx, &one);
    }
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
    const redis_standalone_t *node;
    size_t at = 0;
    while (route->cluster && (node = redis_cluster_next(route->cluster, &at))) {
        const char *where = where_of(node, conn & ~(uint64_t)REDIS_CONN_WAITS);
        if (where) return where;
    }
    return redis_standalone_where(&route->one);
}

void redis_route_waits_for(const redis_route_t *route, const cairn_req_t *req, char *out,
                           size_t size)
{
    const uint64_t at = req->scratch[REDIS_SCRATCH_CONN] & ~(uint64_t)REDIS_CONN_WAITS;
    if (at == REDIS_CONN_PARKED) {
        redis_cluster_waits_for(req, out, size);
    } else if (at > REDIS_CONN_TAGS) {
        redis_conn_waits_for((const redis_conn_t *)(uintptr_t)at, out, size);
    } else if (!route->cluster) {
        redis_conn_waits_for(&route->one.commands, out, size);
    }
}
