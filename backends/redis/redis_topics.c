/* Who listens to topics: SUBSCRIBE and PSUBSCRIBE; in a cluster with sharded_topics SSUBSCRIBE, at
 * the node of the channel's slot, which it goes with as run streams do (redis_stream_feed.c).
 *
 * Core keeps the topics. Here these things count: whether one is wanted, whether what is published
 * comes, where it is subscribed to, and how many of its SUBSCRIBEs and UNSUBSCRIBEs are unanswered.
 * What became of it is said when the last answer is in, so that a topic may be left and joined
 * again without waiting; nor is it subscribed to elsewhere before. */
#include "redis_topics.h"

#include "redis_cmd.h"
#include "redis_error.h"
#include "redis_stream.h"

/* topic->data is the node that it is subscribed to at; topic->counter counts unanswered commands,
 * above these bits. */
#define WANTED 1u
#define UP 2u
#define UNANSWERED 4u

static const char no_patterns[] =
    "sharded_topics=1: patterns hear nothing of sharded messages, and so there are none here";

static redis_standalone_t *home(const cairn_topic_t *topic)
{
    return topic->data;
}

static redis_backend_t *backend_of(const cairn_topic_t *topic)
{
    return redis_backend_of(home(topic));
}

static cairn_topic_t *topic_after(const redis_backend_t *redis, const cairn_topic_t *topic)
{
    return redis->host->api->topic_next(redis->host, topic);
}

/* ---- where ---- */

static bool is_undecided(const redis_backend_t *redis)
{
    return redis->route.shards_topics && !redis_route_knows_channels(&redis->route);
}

bool redis_topics_are_sharded(const redis_backend_t *redis)
{
    return redis->route.shards_topics && redis_route_has_shards(&redis->route);
}

bool redis_topics_may_be_sharded(const redis_backend_t *redis)
{
    return is_undecided(redis) || redis_topics_are_sharded(redis);
}

static redis_standalone_t *home_of(redis_backend_t *redis, cairn_slice_t channel)
{
    if (!redis_topics_are_sharded(redis)) return &redis->route.one;
    return redis_cluster_node(redis->route.cluster, redis_slot(channel));
}

static bool is_one_that_knows(const redis_backend_t *redis, const redis_standalone_t *node)
{
    const bool is_one = node == &redis->route.one;
    return !is_undecided(redis) && is_one != redis_topics_are_sharded(redis);
}

/* NULL: there is none to subscribe over, and not before something else happens. */
static redis_conn_t *link_to(const redis_backend_t *redis, redis_standalone_t *node)
{
    const redis_cluster_t *cluster = redis->route.cluster;
    if (!is_one_that_knows(redis, node) || (cluster && cluster->closing)) return NULL;
    redis_conn_t *conn = redis_standalone_subscriptions(node);
    return conn->state == REDIS_CONN_READY ? conn : NULL;
}

static bool has_no_patterns(const redis_backend_t *redis)
{
    return redis->route.shards_topics && redis_route_is_split(&redis->route);
}

/* ---- subscribing ---- */

typedef struct verb {
    const char *begin;
    size_t size;
    uint32_t flags;
} verb_t;

static verb_t verb_of(const cairn_topic_t *topic, bool leave)
{
    static const verb_t verbs[3][2] = {
        {{LITERAL("*2\r\n$9\r\nSUBSCRIBE\r\n"), 0}, {LITERAL("*2\r\n$11\r\nUNSUBSCRIBE\r\n"), 0}},
        {{LITERAL("*2\r\n$10\r\nPSUBSCRIBE\r\n"), 0},
         {LITERAL("*2\r\n$12\r\nPUNSUBSCRIBE\r\n"), 0}},
        {{LITERAL("*2\r\n$10\r\nSSUBSCRIBE\r\n"), REDIS_CMD_NO_RETRY},
         {LITERAL("*2\r\n$12\r\nSUNSUBSCRIBE\r\n"), REDIS_CMD_NO_RETRY | REDIS_CMD_LEAVES}},
    };
    if (redis_topics_are_sharded(backend_of(topic))) return verbs[2][leave];
    return verbs[topic->pattern][leave];
}

static int send_for(redis_conn_t *conn, const cairn_topic_t *topic, bool leave,
                    redis_answer_fn answer, void *ctx)
{
    const verb_t verb = verb_of(topic, leave);
    char *at;
    int rc = redis_conn_reserve_unbounded(
        conn, verb.size + redis_cmd_bound(1, topic->name.len) + sizeof REDIS_LEFT, &at);
    if (rc < 0) return rc;
    at = redis_cmd_arg(redis_cmd_literal(at, verb.begin, verb.size), topic->name);
    if (verb.flags & REDIS_CMD_LEAVES) at = redis_cmd_literal(at, LITERAL(REDIS_LEFT));
    redis_conn_commit(conn, at, answer, ctx,
                      REDIS_CMD_TRANSIENT | REDIS_CMD_SUBSCRIPTION | verb.flags);
    return 0;
}

static void on_answered(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail);

static int ask_for(redis_conn_t *conn, cairn_topic_t *topic, bool leave)
{
    int rc = send_for(conn, topic, leave, on_answered, topic);
    if (rc == 0) topic->counter += UNANSWERED;
    return rc;
}

static void settle(cairn_topic_t *topic, int status, cairn_slice_t detail)
{
    const cairn_host_t *host = backend_of(topic)->host;
    if (topic->counter >= UNANSWERED) return;
    if (!(topic->counter & WANTED)) {
        host->api->topic_closed(host, topic);
    } else if (status < 0) {
        host->api->topic_failed(host, topic, status, detail);
    } else {
        topic->counter |= UP;
        host->api->topic_up(host, topic);
    }
}

/* What is refused as the link becomes ready is not held, as what comes later is. */
static bool is_asked_again(cairn_topic_t *topic, cairn_slice_t detail)
{
    redis_conn_t *conn = link_to(backend_of(topic), home(topic));
    return conn && redis_error_passes(detail) && ask_for(conn, topic, false) == 0;
}

/* The node that was asked has not the slot, or does not serve now: what the next map says is asked.
 */
static bool is_for_others(cairn_topic_t *topic, cairn_slice_t detail)
{
    redis_backend_t *redis = backend_of(topic);
    if (!redis_topics_are_sharded(redis)) return false;
    if (!redis_error_is_of_cluster(detail) && !redis_error_passes(detail)) return false;
    redis_cluster_want_map(redis->route.cluster);
    return true;
}

static void move(cairn_topic_t *topic);

static void on_answered(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_topic_t *topic = ctx;
    (void)reply;
    topic->counter -= UNANSWERED;
    const bool is_last = topic->counter == WANTED;
    if (is_last && status < 0 && is_for_others(topic, detail)) return;
    if (is_last && status < 0 && is_asked_again(topic, detail)) return;
    if (is_last && home(topic) != home_of(backend_of(topic), topic->name)) {
        move(topic);
        return;
    }
    settle(topic, status, detail);
}

int redis_topic_open(void *self, cairn_topic_t *topic)
{
    redis_backend_t *redis = self;
    if (topic->pattern && has_no_patterns(redis)) return UV_ENOTSUP;
    if (topic->counter < UNANSWERED) topic->data = home_of(redis, topic->name);
    /* Without a link it is subscribed with all others, when there is one. */
    redis_conn_t *conn = link_to(redis, home(topic));
    int rc = conn ? ask_for(conn, topic, false) : 0;
    if (rc == 0) topic->counter |= WANTED;
    redis->has_patterns |= topic->pattern;
    return rc;
}

void redis_topic_close(void *self, cairn_topic_t *topic)
{
    redis_conn_t *conn = link_to(self, home(topic));
    topic->counter &= ~(uint64_t)(WANTED | UP);
    /* Out of memory to say so: messages for a topic that nobody has are dropped as they come. */
    if (conn) (void)!ask_for(conn, topic, true);
    settle(topic, 0, cairn_slice(NULL, 0));
}

/* ---- the link ---- */

bool redis_topics_are_at(redis_backend_t *redis, const redis_standalone_t *node)
{
    if (!is_one_that_knows(redis, node)) return false;
    for (const cairn_topic_t *topic = NULL; (topic = topic_after(redis, topic));)
        if (home(topic) == node) return true;
    return false;
}

void redis_topics_resubscribe(redis_backend_t *redis, redis_standalone_t *node, redis_conn_t *conn)
{
    if (!is_one_that_knows(redis, node)) return;
    for (cairn_topic_t *topic = NULL; (topic = topic_after(redis, topic));) {
        if (home(topic) != node) continue;
        int rc = ask_for(conn, topic, false);
        if (rc == 0) continue;
        redis_conn_lose(conn, rc, "out of memory while subscribing");
        return;
    }
}

static void tell_down(redis_backend_t *redis, cairn_topic_t *topic, int status, const char *detail)
{
    topic->counter &= ~(uint64_t)UP;
    redis->host->api->topic_down(redis->host, topic, status, cairn_str(detail));
}

void redis_topics_link_lost(redis_backend_t *redis, const redis_standalone_t *node, int status,
                            const char *detail)
{
    cairn_topic_t *next;
    for (cairn_topic_t *topic = topic_after(redis, NULL); topic; topic = next) {
        next = topic_after(redis, topic);
        if (home(topic) != node) continue;
        topic->counter &= WANTED | UP;
        if (!topic->counter) redis->host->api->topic_closed(redis->host, topic);
    }
    for (cairn_topic_t *topic = NULL; (topic = topic_after(redis, topic));)
        if (home(topic) == node && (topic->counter & UP)) tell_down(redis, topic, status, detail);
}

/* ---- a cluster's slots ---- */

static const char gone_elsewhere[] = "the slot of the channel goes to another node";

static void on_left(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    (void)ctx, (void)status, (void)reply, (void)detail;
}

/* Where it is not any more it is left, should the node still know of it. */
static void leave_home(redis_backend_t *redis, const cairn_topic_t *topic)
{
    redis_conn_t *conn = topic->counter & UP ? link_to(redis, home(topic)) : NULL;
    if (conn) (void)!send_for(conn, topic, true, on_left, conn);
}

/* To where it is to be subscribed to, unless it is. */
static void move(cairn_topic_t *topic)
{
    redis_backend_t *redis = backend_of(topic);
    redis_standalone_t *to = home_of(redis, topic->name);
    const bool was_up = topic->counter & UP;
    if (!(topic->counter & WANTED) || topic->counter >= UNANSWERED) return;
    if (was_up && home(topic) == to) return;
    if (home(topic) != to) leave_home(redis, topic);
    topic->data = to;
    redis_conn_t *conn = link_to(redis, to);
    /* Without memory it is tried with the next map. */
    if (conn && ask_for(conn, topic, false) < 0) redis_cluster_want_map(redis->route.cluster);
    if (was_up) tell_down(redis, topic, CAIRN_ECLUSTER, gone_elsewhere);
}

void redis_topics_move(redis_backend_t *redis)
{
    const cairn_host_t *host = redis->host;
    cairn_topic_t *next;
    if (!redis->route.shards_topics) return;
    for (cairn_topic_t *topic = topic_after(redis, NULL); topic; topic = next) {
        next = topic_after(redis, topic);
        if (topic->pattern)
            host->api->topic_failed(host, topic, UV_ENOTSUP, cairn_str(no_patterns));
        else
            move(topic);
    }
}

void redis_topics_left(redis_backend_t *redis, const redis_standalone_t *node,
                       cairn_slice_t channel)
{
    cairn_topic_t *topic = redis->host->api->topic_find(redis->host, false, channel);
    if (!topic || home(topic) != node || topic->counter != (WANTED | UP)) return;
    redis_cluster_doubt_map(redis->route.cluster);
    tell_down(redis, topic, CAIRN_ECLUSTER, gone_elsewhere);
}
