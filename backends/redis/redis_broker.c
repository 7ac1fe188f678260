/* Topics on Redis: PUBLISH, SUBSCRIBE, PSUBSCRIBE.
 *
 * Core keeps the topics. Here only two things count: whether one is wanted, and how many of its
 * SUBSCRIBEs and UNSUBSCRIBEs are unanswered. What became of it is said when the last answer is in,
 * so that a topic may be left and joined again without waiting. */
#include "redis_backend.h"
#include "redis_cmd.h"
#include "redis_error.h"
#include "redis_stream.h"

static redis_backend_t *backend_of(void *self)
{
    return self;
}

/* ---- publish ---- */

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
        api->publish_done(req, receivers);
    }
}

static int redis_publish(void *self, cairn_broker_publish_t *req, cairn_slice_t channel,
                         cairn_slice_t payload)
{
    redis_conn_t *conn = redis_route_choose_slot(&backend_of(self)->route, redis_slot(channel));
    char *at;
    int rc = redis_conn_reserve(conn, redis_cmd_bound(3, 16 + channel.len + payload.len), &at);
    if (rc < 0) return rc;
    at = redis_cmd_literal(at, LITERAL("*3\r\n$7\r\nPUBLISH\r\n"));
    at = redis_cmd_arg(at, channel);
    at = redis_cmd_arg(at, payload);
    redis_conn_commit_request(conn, at, on_published, &req->req);
    return 0;
}

/* ---- subscribe ---- */

/* topic->data is the backend; topic->counter counts unanswered commands, above this bit. */
#define WANTED 1u
#define UNANSWERED 2u

static void settle(cairn_topic_t *topic, int status, cairn_slice_t detail)
{
    const cairn_host_t *host = backend_of(topic->data)->host;
    if (topic->counter >= UNANSWERED) return;
    if (!(topic->counter & WANTED)) {
        host->api->topic_closed(host, topic);
    } else if (status < 0) {
        host->api->topic_failed(host, topic, status, detail);
    } else {
        host->api->topic_up(host, topic);
    }
}

static char *begin_subscribe(char *at, bool pattern)
{
    if (pattern) return redis_cmd_literal(at, LITERAL("*2\r\n$10\r\nPSUBSCRIBE\r\n"));
    return redis_cmd_literal(at, LITERAL("*2\r\n$9\r\nSUBSCRIBE\r\n"));
}

static char *begin_unsubscribe(char *at, bool pattern)
{
    if (pattern) return redis_cmd_literal(at, LITERAL("*2\r\n$12\r\nPUNSUBSCRIBE\r\n"));
    return redis_cmd_literal(at, LITERAL("*2\r\n$11\r\nUNSUBSCRIBE\r\n"));
}

static void on_answered(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail);

static int send_for(redis_conn_t *conn, cairn_topic_t *topic, char *(*begin)(char *, bool))
{
    char *at;
    int rc = redis_conn_reserve_unbounded(conn, redis_cmd_bound(2, 16 + topic->name.len), &at);
    if (rc < 0) return rc;
    at = redis_cmd_arg(begin(at, topic->pattern), topic->name);
    redis_conn_commit(conn, at, on_answered, topic, REDIS_CMD_TRANSIENT | REDIS_CMD_SUBSCRIPTION);
    topic->counter += UNANSWERED;
    return 0;
}

/* What is refused as the link becomes ready is not held, as what comes later is. */
static bool is_asked_again(cairn_topic_t *topic, cairn_slice_t detail)
{
    redis_conn_t *conn = redis_route_subscriptions(&backend_of(topic->data)->route);
    if (topic->counter != WANTED || !redis_error_passes(detail)) return false;
    return conn->state == REDIS_CONN_READY && send_for(conn, topic, begin_subscribe) == 0;
}

static void on_answered(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_topic_t *topic = ctx;
    (void)reply;
    topic->counter -= UNANSWERED;
    if (status < 0 && is_asked_again(topic, detail)) return;
    settle(topic, status, detail);
}

static int redis_topic_open(void *self, cairn_topic_t *topic)
{
    redis_backend_t *redis = backend_of(self);
    redis_conn_t *conn = redis_route_subscriptions(&redis->route);
    topic->data = redis;
    /* Without a link it is subscribed with all others, when there is one. */
    int rc = conn->state == REDIS_CONN_READY ? send_for(conn, topic, begin_subscribe) : 0;
    if (rc == 0) topic->counter |= WANTED;
    redis->has_patterns |= topic->pattern;
    return rc;
}

static void redis_topic_close(void *self, cairn_topic_t *topic)
{
    redis_conn_t *conn = redis_route_subscriptions(&backend_of(self)->route);
    topic->counter &= ~(uint64_t)WANTED;
    /* Out of memory to say so: messages for a topic that nobody has are dropped as they come. */
    if (conn->state == REDIS_CONN_READY) (void)!send_for(conn, topic, begin_unsubscribe);
    settle(topic, 0, cairn_slice(NULL, 0));
}

void redis_broker_resubscribe(redis_backend_t *redis, redis_conn_t *conn)
{
    const cairn_host_t *host = redis->host;
    for (cairn_topic_t *topic = NULL; (topic = host->api->topic_next(host, topic));) {
        int rc = send_for(conn, topic, begin_subscribe);
        if (rc < 0) {
            redis_conn_lose(conn, rc, "out of memory while subscribing");
            return;
        }
    }
}

void redis_broker_link_lost(redis_backend_t *redis, int status, const char *detail)
{
    const cairn_host_t *host = redis->host;
    cairn_topic_t *next;
    for (cairn_topic_t *topic = host->api->topic_next(host, NULL); topic; topic = next) {
        next = host->api->topic_next(host, topic);
        topic->counter &= WANTED;
        if (!topic->counter) host->api->topic_closed(host, topic);
    }
    host->api->topics_down(host, status, cairn_str(detail));
}

/* ---- messages ---- */

int redis_broker_message(redis_standalone_t *node, cairn_slice_t kind, size_t count,
                         redis_reply_t *rest)
{
    redis_backend_t *redis = redis_backend_of(node);
    const cairn_host_t *host = redis->host;
    const bool pattern = kind.ptr[0] == 'p';
    if (kind.ptr[0] == 's') return redis_streams_sharded(redis, node, kind, count, rest);
    cairn_broker_message_t message = {.pattern = {NULL, 0}};
    if (count != (pattern ? 3 : 2)) return CAIRN_EPROTOCOL;
    if (pattern && redis_reply_string(rest, &message.pattern) < 0) return CAIRN_EPROTOCOL;
    if (redis_reply_string(rest, &message.channel) < 0) return CAIRN_EPROTOCOL;
    if (redis_reply_string(rest, &message.payload) < 0) return CAIRN_EPROTOCOL;
    if (redis_is_queue_channel(message.channel))
        return pattern ? 0 : redis_streams_message(redis, node, message.channel, message.payload);
    cairn_topic_t *topic =
        host->api->topic_find(host, pattern, pattern ? message.pattern : message.channel);
    if (topic) host->api->deliver_now(host, topic, &message);
    return 0;
}

const cairn_broker_ops_t redis_broker_ops = {
    .size = sizeof(cairn_broker_ops_t),
    .publish = redis_publish,
    .topic_open = redis_topic_open,
    .topic_close = redis_topic_close,
};
