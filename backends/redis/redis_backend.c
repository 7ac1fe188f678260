#include "redis_pure_graph.h"
#include "redis_topics.h"

#include <cairn/sys/alloc.h>
#include <stdio.h>
#include <string.h>

/* Of a cluster each node has the subscriptions of its streams, and of its topics if they are
 * sharded; else the first has those. */
static void on_resubscribe(redis_standalone_t *node, redis_conn_t *conn)
{
    redis_backend_t *redis = redis_backend_of(node);
    redis_topics_resubscribe(redis, node, conn);
    if (conn->state == REDIS_CONN_READY) redis_streams_resubscribe(redis, node, conn);
}

static bool has_subscriptions(redis_standalone_t *node)
{
    redis_backend_t *redis = redis_backend_of(node);
    return redis_streams_are_at(redis, node) || redis_topics_are_at(redis, node);
}

static void on_subscriptions_lost(redis_standalone_t *node, int status, const char *detail)
{
    redis_backend_t *redis = redis_backend_of(node);
    redis_topics_link_lost(redis, node, status, detail);
    if (!redis->pure_graph) redis_streams_link_lost(redis, node, status, detail);
}

static void on_moved(redis_standalone_t *node)
{
    redis_streams_move(redis_backend_of(node));
    redis_topics_move(redis_backend_of(node));
}

static void on_known(redis_standalone_t *node)
{
    redis_early_go(redis_backend_of(node));
}

static void on_room(redis_standalone_t *node)
{
    redis_early_go_on(redis_backend_of(node));
}

static void on_commands_lost(redis_standalone_t *node, int status, const char *detail)
{
    redis_backend_t *redis = redis_backend_of(node);
    if (redis_conn_is_refusal(status)) redis_early_fail(redis, status, cairn_str(detail));
    if (redis->pure_graph) redis_pure_graph_link_lost(redis->pure_graph, node, status, detail);
}

static void on_closed(redis_standalone_t *route)
{
    redis_backend_t *redis = redis_backend_of(route);
    const cairn_host_t *host = redis->host;
    void (*closed)(const cairn_host_t *) = redis->closed;
    cairn_arena_free(&redis->arena);
    redis_hints_free(&redis->hints);
    redis_beliefs_free(&redis->beliefs);
    redis_beliefs_free(&redis->registered);
    redis_joints_free(redis);
    redis_channels_free(&redis->channels);
    redis_pure_graph_free(redis->pure_graph);
    redis_tls_free(redis->route.one.tls);
    cairn_free(redis->tips);
    cairn_free(redis);
    closed(host);
}

static const redis_standalone_events_t route_events = {
    .resubscribe = on_resubscribe,
    .has_subscriptions = has_subscriptions,
    .subscriptions_lost = on_subscriptions_lost,
    .commands_lost = on_commands_lost,
    .message = redis_broker_message,
    .closed = on_closed,
    .moved = on_moved,
    .known = on_known,
    .room = on_room,
};

static int refuse(cairn_error_t *error, int code, const char *text)
{
    error->code = code;
    snprintf(error->text, sizeof error->text, "%s", text);
    return code;
}

/* In which layout streams are, and what that cannot do. */
static int choose_layout(redis_backend_t *redis, const char *layout, cairn_error_t *error)
{
    if (!layout || strcmp(layout, CAIRN_STREAM_LAYOUT_CAIRN) == 0) return 0;
    if (strcmp(layout, CAIRN_STREAM_LAYOUT_PURE_GRAPH) != 0)
        return refuse(error, CAIRN_EOPTION,
                      "stream_layout is neither " CAIRN_STREAM_LAYOUT_CAIRN
                      " nor " CAIRN_STREAM_LAYOUT_PURE_GRAPH);
    redis->route.one.capabilities &= ~CAIRN_CAP_STREAM_GROUPS;
    redis->route.cluster_capabilities &= ~(CAIRN_CAP_STREAM_GROUPS | CAIRN_CAP_STREAMS_ATOMIC);
    redis->pure_graph = redis_pure_graph_new(redis);
    return redis->pure_graph ? 0 : refuse(error, UV_ENOMEM, uv_strerror(UV_ENOMEM));
}

/* What each kind of server can do. */
static void set_capabilities(redis_route_t *route)
{
    route->one.capabilities = REDIS_CAPABILITIES;
    route->cluster_capabilities = cairn_redis_cluster_backend.capabilities;
    route->cluster_capabilities &=
        route->shards_topics ? ~CAIRN_CAP_PATTERNS : ~CAIRN_CAP_RECEIVERS;
}

static int redis_open(const cairn_host_t *host, const cairn_options_t *options, void **self,
                      cairn_error_t *error)
{
    redis_backend_t *redis = cairn_calloc(1, sizeof *redis);
    if (!redis) return refuse(error, UV_ENOMEM, uv_strerror(UV_ENOMEM));
    redis->host = host;
    redis->clock.behind_us = (int64_t)options->clock_ms * 1000;
    int rc = redis_route_read_use(&redis->route, options, error);
    if (rc < 0) goto fail;
    redis->route.shards_topics = options->sharded_topics != 0;
    set_capabilities(&redis->route);
    rc = choose_layout(redis, options->stream_layout, error);
    if (rc < 0) goto fail;
    if (redis->route.use == REDIS_CLUSTER_YES)
        redis->route.one.capabilities = redis->route.cluster_capabilities;
    redis_early_init(redis, redis->route.use == REDIS_CLUSTER_AUTO);
    rc = redis_tls_open(&redis->route.one.tls, options, error);
    if (rc < 0) goto fail;
    rc = redis_route_open(&redis->route, host, options, &route_events);
    if (rc < 0) {
        refuse(error, rc, uv_strerror(rc));
        goto fail;
    }
    *self = redis;
    return 0;

fail:
    redis_pure_graph_free(redis->pure_graph);
    redis_tls_free(redis->route.one.tls);
    cairn_free(redis);
    return rc;
}

static void redis_close(void *self, void (*closed)(const cairn_host_t *))
{
    redis_backend_t *redis = self;
    redis->closed = closed;
    redis->host->api->undefer(redis->host, &redis->flush);
    redis->host->api->undefer(redis->host, &redis->joint_flush);
    redis_early_close(redis);
    redis_insist_close(redis);
    if (redis->pure_graph) redis_pure_graph_close(redis->pure_graph);
    redis_route_close(&redis->route);
}

static int redis_reauth(void *self)
{
    redis_backend_t *redis = self;
    return redis_route_reauth(&redis->route);
}

static void redis_forget(void *self, cairn_req_t *req)
{
    redis_backend_t *redis = self;
    if (req->scratch[REDIS_SCRATCH_CONN] & REDIS_CONN_WAITS) {
        redis_group_forget(req);
        return;
    }
    if (req->scratch[REDIS_SCRATCH_CONN] == REDIS_CONN_EARLY) {
        redis_early_forget(redis, req);
        return;
    }
    if (req->scratch[REDIS_SCRATCH_CONN] == REDIS_CONN_BATCHED) {
        redis_batch_forget(req);
        return;
    }
    if (req->scratch[REDIS_SCRATCH_CONN] == REDIS_CONN_JOINED) {
        redis_joint_forget(req);
        return;
    }
    if (req->scratch[REDIS_SCRATCH_CONN] == REDIS_CONN_SPREAD) {
        (void)redis_store_let_go(req->scratch[REDIS_SCRATCH_MEMORY]);
        req->scratch[REDIS_SCRATCH_MEMORY] = 0;
        return;
    }
    if (req->scratch[REDIS_SCRATCH_CONN] == REDIS_CONN_GATHERS) {
        redis_gather_forget(req);
        return;
    }
    if (req->scratch[REDIS_SCRATCH_CONN]) {
        redis_conn_t *conn = redis_conn_of_request(req);
        if (conn) {
            redis_route_turn_to(&redis->route, conn);
            redis_saver_give_up(redis, req);
        }
        redis_route_forget(req);
    } else {
        redis->host->api->undefer(redis->host, &req->task);
    }
    const uint64_t memory = req->scratch[REDIS_SCRATCH_MEMORY];
    if (!redis_store_let_go(memory) && !redis_saver_let_go(memory))
        cairn_free((void *)(uintptr_t)memory);
    req->scratch[REDIS_SCRATCH_MEMORY] = 0;
}

static void redis_connections(void *self, cairn_connection_fn take, void *ctx)
{
    const redis_backend_t *redis = self;
    redis_route_each(&redis->route, take, ctx);
}

static void redis_nodes(void *self, cairn_node_fn take, void *ctx)
{
    const redis_backend_t *redis = self;
    redis_route_each_node(&redis->route, take, ctx);
}

static const char *redis_where(void *self, const cairn_req_t *req)
{
    const redis_backend_t *redis = self;
    return redis_route_where(&redis->route, req ? req->scratch[REDIS_SCRATCH_CONN] : 0);
}

static void redis_waits_for(void *self, const cairn_req_t *req, char *out, size_t size)
{
    const redis_backend_t *redis = self;
    redis_route_waits_for(&redis->route, req, out, size);
}

const cairn_backend_t cairn_redis_backend = {
    .magic = CAIRN_BACKEND_MAGIC,
    .abi_major = CAIRN_ABI_MAJOR,
    .abi_minor = CAIRN_ABI_MINOR,
    .size = sizeof(cairn_backend_t),
    .name = "redis",
    .version = CAIRN_VERSION_STRING,
    .schemes =
        (const char *const[]){"redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", NULL},
    .capabilities = REDIS_CAPABILITIES,
    .open = redis_open,
    .close = redis_close,
    .forget = redis_forget,
    .reauth = redis_reauth,
    .broker = &redis_broker_ops,
    .saver = &redis_early_saver_ops,
    .stream = &redis_layout_ops,
    .store = &redis_early_store_ops,
    .connections = redis_connections,
    .where = redis_where,
    .waits_for = redis_waits_for,
    .nodes = redis_nodes,
};

const cairn_backend_t cairn_redis_cluster_backend = {
    .magic = CAIRN_BACKEND_MAGIC,
    .abi_major = CAIRN_ABI_MAJOR,
    .abi_minor = CAIRN_ABI_MINOR,
    .size = sizeof(cairn_backend_t),
    .name = "redis cluster",
    .version = CAIRN_VERSION_STRING,
    .schemes = (const char *const[]){"redis+cluster", "rediss+cluster", NULL},
    .capabilities = REDIS_CAPABILITIES,
    .open = redis_open,
    .close = redis_close,
    .forget = redis_forget,
    .reauth = redis_reauth,
    .broker = &redis_broker_ops,
    .saver = &redis_early_saver_ops,
    .stream = &redis_layout_ops,
    .store = &redis_early_store_ops,
    .connections = redis_connections,
    .where = redis_where,
    .waits_for = redis_waits_for,
    .nodes = redis_nodes,
};
