/* Topics on Redis: what is published, and what comes of it. */
#include "redis_cmd.h"
#include "redis_stream.h"
#include "redis_topics.h"

/* ---- publish ---- */

/* What is passed on over a cluster's bus, only the node that was asked counts: its own. */
static bool counts_all(const cairn_broker_publish_t *req)
{
    const redis_backend_t *redis = redis_backend_of(redis_conn_of_request(&req->req)->data);
    return !redis_route_is_split(&redis->route) || redis_topics_are_sharded(redis);
}

static void on_published(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_broker_publish_t *req = ctx;
    const cairn_host_api_t *api = redis_conn_host(&req->req)->api;
    int64_t receivers = 0;
    if (status == 0) {
        status = redis_reply_int(reply, &receivers);
        if (receivers < 0) status = CAIRN_EPROTOCOL;
        if (status < 0) detail = cairn_str("the answer to PUBLISH is not a count");
    }
    if (status < 0) {
        api->fail(&req->req, status, detail);
    } else {
        api->publish_done(req, counts_all(req) ? receivers : -1);
    }
}

/* In a cluster whose topics are sharded, or may turn out to be. */
static int publish_sharded(redis_backend_t *redis, cairn_broker_publish_t *req,
                           cairn_slice_t channel, cairn_slice_t payload)
{
    const size_t most = REDIS_SPUBLISH_SIZE + redis_cmd_bound(2, channel.len + payload.len);
    const bool holds = !redis_route_knows_channels(&redis->route);
    redis_conn_t *conn = redis_route_choose_slot(&redis->route, redis_slot(channel));
    char *at;
    if (holds && redis_cluster_holds_too_much(redis->route.cluster, most)) return CAIRN_EFULL;
    int rc = redis_conn_reserve(conn, most, &at);
    if (rc < 0) return rc;
    const char *const begin = at;
    at = redis_cmd_literal(at, REDIS_SPUBLISH, REDIS_SPUBLISH_SIZE);
    at = redis_cmd_arg(at, channel);
    at = redis_cmd_arg(at, payload);
    if (!holds) {
        redis_conn_commit_request(conn, at, on_published, &req->req);
        return 0;
    }
    const redis_entry_t entry = redis_conn_entry_of(&req->req, on_published);
    req->req.scratch[REDIS_SCRATCH_MEMORY] = req->req.scratch[REDIS_SCRATCH_CONN] = 0;
    const cairn_slice_t bytes = cairn_slice(begin, (size_t)(at - begin));
    return redis_cluster_hold(redis->route.cluster, &entry, bytes) ? 0 : UV_ENOMEM;
}

static int redis_publish(void *self, cairn_broker_publish_t *req, cairn_slice_t channel,
                         cairn_slice_t payload)
{
    redis_backend_t *redis = self;
    if (redis_topics_may_be_sharded(redis)) return publish_sharded(redis, req, channel, payload);
    redis_conn_t *conn = redis_route_choose_slot(&redis->route, redis_slot(channel));
    char *at;
    int rc = redis_conn_reserve(conn, redis_cmd_bound(3, 16 + channel.len + payload.len), &at);
    if (rc < 0) return rc;
    at = redis_cmd_literal(at, REDIS_PUBLISH, REDIS_PUBLISH_SIZE);
    at = redis_cmd_arg(at, channel);
    at = redis_cmd_arg(at, payload);
    redis_conn_commit_request(conn, at, on_published, &req->req);
    return 0;
}

/* ---- messages ---- */

static bool is_left(cairn_slice_t kind)
{
    return cairn_slice_eq(kind, cairn_str("sunsubscribe"));
}

static int take_left(redis_backend_t *redis, const redis_standalone_t *node, size_t count,
                     redis_reply_t *rest)
{
    cairn_slice_t channel;
    if (count != 2) return CAIRN_EPROTOCOL;
    if (redis_reply_type(rest) == REDIS_NIL) return 0; /* there was none to leave */
    if (redis_reply_string(rest, &channel) < 0) return CAIRN_EPROTOCOL;
    if (!redis->route.cluster) return 0;
    if (redis_is_queue_channel(channel)) return redis_streams_left(redis, node, channel);
    redis_topics_left(redis, node, channel);
    return 0;
}

int redis_broker_message(redis_standalone_t *node, cairn_slice_t kind, size_t count,
                         redis_reply_t *rest)
{
    redis_backend_t *redis = redis_backend_of(node);
    const cairn_host_t *host = redis->host;
    const bool pattern = kind.ptr[0] == 'p';
    cairn_broker_message_t message = {.pattern = {NULL, 0}};
    if (is_left(kind)) return take_left(redis, node, count, rest);
    if (count != (pattern ? 3 : 2)) return CAIRN_EPROTOCOL;
    if (pattern && redis_reply_string(rest, &message.pattern) < 0) return CAIRN_EPROTOCOL;
    if (redis_reply_string(rest, &message.channel) < 0) return CAIRN_EPROTOCOL;
    if (redis_reply_string(rest, &message.payload) < 0) return CAIRN_EPROTOCOL;
    if (redis_is_queue_channel(message.channel))
        return pattern ? 0 : redis_streams_message(redis, node, message.channel, message.payload);
    cairn_topic_t *topic =
        host->api->topic_find(host, pattern, pattern ? message.pattern : message.channel);
    if (topic && redis_topic_is_at(topic, node)) host->api->deliver_now(host, topic, &message);
    return 0;
}

const cairn_broker_ops_t redis_broker_ops = {
    .size = sizeof(cairn_broker_ops_t),
    .publish = redis_publish,
    .topic_open = redis_topic_open,
    .topic_close = redis_topic_close,
};
