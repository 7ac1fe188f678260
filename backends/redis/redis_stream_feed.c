/* Who follows a stream: its channel is subscribed to once for all of them, over the connection that
 * topics use. In a cluster it is subscribed to at the node of its slot, where it is published
 * (SSUBSCRIBE), and goes with its slot: with each map, those whose owner is another now are
 * subscribed to there; who follows then reads what may have been missed.
 *
 * A channel is wanted as long as it has users. What became of SUBSCRIBEs and UNSUBSCRIBEs is looked
 * at when the last is answered, so that a channel may be left and used again without waiting; nor
 * is it subscribed to elsewhere before. */
#include "redis_error.h"
#include "redis_stream.h"

#include <cairn/sys/alloc.h>

static const cairn_feed_done_t *up(const redis_backend_t *redis)
{
    return redis->host->api->feeds;
}

/* ---- where ---- */

static redis_standalone_t *home_of(redis_backend_t *redis, cairn_slice_t id)
{
    redis_cluster_t *cluster = redis->route.cluster;
    return cluster ? redis_cluster_node(cluster, redis_slot_of_id(id)) : &redis->route.one;
}

/* NULL: there is none to subscribe over, and not before something else happens. */
static redis_conn_t *link_to(redis_backend_t *redis, redis_standalone_t *home)
{
    const redis_cluster_t *cluster = redis->route.cluster;
    if (cluster && (cluster->closing || !cluster->has_map || home == &redis->route.one))
        return NULL;
    redis_conn_t *conn = redis_standalone_subscriptions(home);
    return conn->state == REDIS_CONN_READY ? conn : NULL;
}

/* ---- subscribing ---- */

typedef struct verb {
    const char *begin;
    size_t size;
    uint32_t flags;
} verb_t;

static verb_t verb_of(const redis_backend_t *redis, bool leave)
{
    static const verb_t verbs[2][2] = {
        {{LITERAL("*2\r\n$9\r\nSUBSCRIBE\r\n"), 0}, {LITERAL("*2\r\n$11\r\nUNSUBSCRIBE\r\n"), 0}},
        {{LITERAL("*2\r\n$10\r\nSSUBSCRIBE\r\n"), REDIS_CMD_NO_RETRY},
         {LITERAL("*2\r\n$12\r\nSUNSUBSCRIBE\r\n"), REDIS_CMD_NO_RETRY | REDIS_CMD_LEAVES}},
    };
    return verbs[redis_route_has_shards(&redis->route)][leave];
}

static int send_for(redis_conn_t *conn, const redis_backend_t *redis, cairn_slice_t id, bool leave,
                    redis_answer_fn answer, void *ctx)
{
    const verb_t verb = verb_of(redis, leave);
    char *out;
    int rc = redis_conn_reserve_unbounded(
        conn,
        verb.size + redis_cmd_bound(1, redis_queue_channel_size(redis, id)) + sizeof REDIS_LEFT,
        &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, verb.begin, verb.size);
    out = redis_queue_channel_arg(out, redis, id);
    if (verb.flags & REDIS_CMD_LEAVES) out = redis_cmd_literal(out, LITERAL(REDIS_LEFT));
    redis_conn_commit(conn, out, answer, ctx,
                      REDIS_CMD_TRANSIENT | REDIS_CMD_SUBSCRIPTION | verb.flags);
    return 0;
}

static void on_answered(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail);

static int ask_for(redis_conn_t *conn, redis_channel_t *channel, bool leave)
{
    int rc = send_for(conn, channel->redis, redis_channel_id(channel), leave, on_answered, channel);
    if (rc == 0) channel->unanswered++;
    return rc;
}

static void on_left(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    (void)ctx, (void)status, (void)reply, (void)detail;
}

/* Without a link it is subscribed to with all others, when there is one. */
static int subscribe(redis_channel_t *channel)
{
    redis_conn_t *conn = link_to(channel->redis, channel->home);
    return conn ? ask_for(conn, channel, false) : 0;
}

/* What is refused as the link becomes ready is not held, as what comes later is. */
static bool is_asked_again(redis_channel_t *channel, cairn_slice_t detail)
{
    if (channel->users == 0 || !redis_error_passes(detail)) return false;
    redis_conn_t *conn = link_to(channel->redis, channel->home);
    return conn && ask_for(conn, channel, false) == 0;
}

/* Frees it if nobody has any use for it. */
static void trim(redis_channel_t *channel)
{
    if (channel->users > 0 || channel->unanswered > 0 || channel->busy > 0) return;
    redis_channels_remove(&channel->redis->channels, channel);
}

static void refuse(redis_channel_t *channel, int status, cairn_slice_t detail)
{
    redis_backend_t *redis = channel->redis;
    cairn_feed_t *feed = channel->feed;
    channel->up = false;
    if (feed) {
        channel->feed = NULL;
        channel->users--;
        up(redis)->feed_failed(redis->host, feed, status, detail);
    }
    redis_waits_fail(channel, status, detail);
}

static void become_up(redis_channel_t *channel)
{
    const redis_backend_t *redis = channel->redis;
    channel->up = true;
    channel->news++;
    if (channel->feed) up(redis)->feed_up(redis->host, channel->feed);
    redis_waits_wake(channel, REDIS_WAKE_ALL);
}

/* The node that was asked has not the slot, or does not serve now: what the next map says is asked.
 */
static bool is_for_others(redis_channel_t *channel, cairn_slice_t detail)
{
    redis_cluster_t *cluster = channel->redis->route.cluster;
    if (!cluster || channel->users == 0) return false;
    if (!redis_error_is_of_cluster(detail) && !redis_error_passes(detail)) return false;
    channel->up = false;
    redis_cluster_want_map(cluster);
    return true;
}

static void on_answered(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    redis_channel_t *channel = ctx;
    (void)reply;
    if (--channel->unanswered > 0) return;
    if (status < 0 && is_for_others(channel, detail)) return;
    if (status < 0 && is_asked_again(channel, detail)) return;
    channel->busy++;
    if (channel->users > 0 && status < 0) {
        refuse(channel, status, detail);
    } else if (channel->users > 0) {
        become_up(channel);
    }
    channel->busy--;
    if (status == 0 && channel->redis->route.cluster) redis_channel_move(channel);
    trim(channel);
}

redis_channel_t *redis_channel_use(redis_backend_t *redis, cairn_slice_t stream)
{
    redis_channel_t *channel = redis_channels_find(&redis->channels, stream);
    if (!channel) channel = redis_channels_add(&redis->channels, stream);
    if (!channel) return NULL;
    channel->redis = redis;
    if (channel->users++ > 0) return channel;
    if (channel->unanswered == 0) channel->home = home_of(redis, stream);
    channel->up = false;
    if (subscribe(channel) == 0) return channel;
    channel->users--;
    trim(channel);
    return NULL;
}

void redis_channel_leave(redis_channel_t *channel)
{
    if (--channel->users > 0) return;
    redis_conn_t *conn = link_to(channel->redis, channel->home);
    channel->up = false;
    /* Out of memory to say so: messages of a channel that nobody has are dropped as they come. */
    if (conn) (void)!ask_for(conn, channel, true);
    trim(channel);
}

/* ---- the link ---- */

void redis_streams_resubscribe(redis_backend_t *redis, redis_standalone_t *node, redis_conn_t *conn)
{
    const redis_channels_t *channels = &redis->channels;
    const redis_cluster_t *cluster = redis->route.cluster;
    if (cluster && (!cluster->has_map || node == &redis->route.one)) return;
    for (size_t i = 0; i < channels->bucket_count; i++) {
        for (redis_channel_t *at = channels->buckets[i]; at; at = at->same_bucket) {
            if (at->home != node) continue;
            int rc = ask_for(conn, at, false);
            if (rc == 0) continue;
            redis_conn_lose(conn, rc, "out of memory while subscribing");
            return;
        }
    }
}

/* Of those that are subscribed to there. */
static void forget_link(redis_backend_t *redis, const redis_standalone_t *node)
{
    const redis_channels_t *channels = &redis->channels;
    for (size_t i = 0; i < channels->bucket_count; i++) {
        for (redis_channel_t *at = channels->buckets[i], *next; at; at = next) {
            next = at->same_bucket;
            if (at->home != node) continue;
            at->unanswered = 0;
            at->announced_left = 0;
            at->up = false;
            trim(at);
        }
    }
}

static void tell_of_node(redis_backend_t *redis, const redis_standalone_t *node, int status,
                         const char *detail)
{
    const redis_channels_t *channels = &redis->channels;
    for (size_t i = 0; i < channels->bucket_count; i++) {
        for (redis_channel_t *at = channels->buckets[i], *next; at; at = next) {
            at->busy++;
            if (at->home == node && at->feed)
                up(redis)->feed_down(redis->host, at->feed, status, cairn_str(detail));
            at->busy--;
            next = at->same_bucket;
            trim(at);
        }
    }
}

void redis_streams_link_lost(redis_backend_t *redis, redis_standalone_t *node, int status,
                             const char *detail)
{
    forget_link(redis, node);
    if (redis->route.cluster) {
        tell_of_node(redis, node, status, detail);
    } else {
        up(redis)->feeds_down(redis->host, status, cairn_str(detail));
    }
}

/* ---- a cluster's slots ---- */

bool redis_streams_are_at(const redis_backend_t *redis, const redis_standalone_t *node)
{
    const redis_channels_t *channels = &redis->channels;
    if (!redis->route.cluster) return channels->count > 0;
    for (size_t i = 0; i < channels->bucket_count; i++)
        for (const redis_channel_t *at = channels->buckets[i]; at; at = at->same_bucket)
            if (at->home == node) return true;
    return false;
}

/* Where it is not any more it is left, should the node still know of it. */
static void leave_home(const redis_channel_t *channel)
{
    redis_conn_t *conn = channel->up ? link_to(channel->redis, channel->home) : NULL;
    if (!conn) return;
    (void)!send_for(conn, channel->redis, redis_channel_id(channel), true, on_left, conn);
}

void redis_channel_move(redis_channel_t *channel)
{
    redis_standalone_t *home = home_of(channel->redis, redis_channel_id(channel));
    if (channel->users == 0 || channel->unanswered > 0) return;
    if (channel->up && channel->home == home) return;
    if (channel->home != home) {
        leave_home(channel);
        channel->announced_left = 0;
        channel->up = false;
        channel->home = home;
    }
    /* Without memory it is tried with the next map. */
    if (subscribe(channel) < 0) redis_cluster_want_map(channel->redis->route.cluster);
}

void redis_streams_move(redis_backend_t *redis)
{
    const redis_channels_t *channels = &redis->channels;
    for (size_t i = 0; i < channels->bucket_count; i++)
        for (redis_channel_t *at = channels->buckets[i]; at; at = at->same_bucket)
            redis_channel_move(at);
}

/* ---- feeds ---- */

int redis_feed_open(void *self, cairn_feed_t *feed)
{
    redis_backend_t *redis = self;
    redis_channel_t *channel = redis_channel_use(redis, feed->stream);
    if (!channel) return UV_ENOMEM;
    channel->feed = feed;
    feed->data = channel;
    if (channel->up) up(redis)->feed_up(redis->host, feed);
    return 0;
}

void redis_feed_close(void *self, cairn_feed_t *feed)
{
    redis_backend_t *redis = self;
    redis_channel_t *channel = feed->data;
    channel->feed = NULL;
    redis_channel_leave(channel);
    up(redis)->feed_closed(redis->host, feed);
}

/* ---- what is published ---- */

/* Whoever waits need not be told of more than what there is. */
static void take_news(redis_channel_t *channel, uint64_t events)
{
    channel->news++;
    redis_waits_wake(channel, events);
}

/* One that was left out is told of as a gap behind which something follows, so that it is read. */
static void push(redis_channel_t *channel, cairn_position_t previous,
                 const cairn_stream_event_t *event)
{
    const redis_backend_t *redis = channel->redis;
    static const cairn_stream_event_t left_out = {.event = {"", 0},
                                                  .data = {.type = {"", 0}, .bytes = {"", 0}}};
    if (!channel->feed) return;
    if (event->event.ptr) {
        up(redis)->feed_event(redis->host, channel->feed, previous, event);
        return;
    }
    cairn_stream_event_t gap = left_out;
    gap.position = event->position;
    up(redis)->feed_event(redis->host, channel->feed, gap.position, &gap);
}

static int push_all(redis_channel_t *channel, redis_pushed_t *pushed)
{
    const uint64_t first = pushed->next;
    cairn_position_t previous;
    cairn_stream_event_t event;
    int rc;
    while ((rc = redis_pushed_next(pushed, &previous, &event)) > 0) push(channel, previous, &event);
    if (pushed->next > first) take_news(channel, pushed->next - first);
    return rc;
}

static int take_appended(redis_channel_t *channel, cairn_slice_t message)
{
    redis_pushed_t pushed;
    int rc = redis_pushed_begin(&pushed, message);
    return rc < 0 ? rc : push_all(channel, &pushed);
}

static void announce(redis_channel_t *channel, const redis_pushed_t *pushed)
{
    channel->announced = pushed->next;
    channel->announced_left = pushed->left;
    channel->announced_begins = pushed->begins;
}

static int take_announcement(redis_channel_t *channel, cairn_slice_t message)
{
    redis_pushed_t pushed;
    int rc = redis_pushed_announced(&pushed, message);
    if (rc == 0) announce(channel, &pushed);
    return rc;
}

/* They follow what announces them in one transaction. Those that nothing announces were not
 * appended. */
static int take_announced(redis_channel_t *channel, cairn_slice_t message)
{
    redis_pushed_t pushed = {.rest = cairn_slice(message.ptr + 1, message.len - 1),
                             .next = channel->announced,
                             .left = channel->announced_left,
                             .begins = channel->announced_begins};
    int rc = push_all(channel, &pushed);
    announce(channel, &pushed);
    return rc;
}

static int take(redis_channel_t *channel, cairn_slice_t message)
{
    const redis_backend_t *redis = channel->redis;
    const char kind = message.len > 0 ? message.ptr[0] : '\0';
    if (kind != 'e') channel->announced_left = 0;
    switch (kind) {
    case 'a':
    case 'b':
        return take_appended(channel, message);
    case 'h':
        return take_announcement(channel, message);
    case 'e':
        return take_announced(channel, message);
    case 'c':
        if (channel->feed) up(redis)->feed_cleared(redis->host, channel->feed);
        break;
    case 'g':
        break;
    default:
        return CAIRN_EPROTOCOL;
    }
    take_news(channel, REDIS_WAKE_ALL);
    return 0;
}

/* ---- messages ---- */

static int tell(redis_channel_t *channel, const redis_standalone_t *node, cairn_slice_t payload)
{
    if (!channel || channel->home != node) return 0;
    channel->busy++;
    int rc = take(channel, payload);
    channel->busy--;
    trim(channel);
    return rc;
}

/* Of a cluster: "langgraph:queue@{id}". */
static redis_channel_t *find_tagged(const redis_backend_t *redis, cairn_slice_t name, char *room)
{
    static const char begin[] = REDIS_CHANNEL_QUEUE "{";
    const size_t len = sizeof begin - 1;
    if (name.len <= len || memcmp(name.ptr, begin, len) != 0) return NULL;
    const char *const end = redis_unescape(room, cairn_slice(name.ptr + len, name.len - len - 1));
    return redis_channels_find(&redis->channels, cairn_slice(room, (size_t)(end - room)));
}

/* *found NULL: nobody follows it. UV_ENOMEM. */
static int find(const redis_backend_t *redis, cairn_slice_t name, redis_channel_t **found)
{
    char small[256];
    char *room = name.len <= sizeof small ? small : cairn_malloc(name.len);
    if (!room) return UV_ENOMEM;
    *found = find_tagged(redis, name, room);
    if (room != small) cairn_free(room);
    return 0;
}

int redis_streams_message(redis_backend_t *redis, redis_standalone_t *node, cairn_slice_t channel,
                          cairn_slice_t payload)
{
    redis_channel_t *found;
    if (redis->route.cluster) {
        int rc = find(redis, channel, &found);
        return rc < 0 ? rc : tell(found, node, payload);
    }
    const size_t prefix = redis_queue_channel_size(redis, cairn_slice(NULL, 0));
    if (channel.len < prefix) return 0;
    found = redis_channels_find(&redis->channels,
                                cairn_slice(channel.ptr + prefix, channel.len - prefix));
    return tell(found, node, payload);
}

/* Unless it only answers. */
int redis_streams_left(redis_backend_t *redis, const redis_standalone_t *node, cairn_slice_t name)
{
    redis_channel_t *found;
    int rc = find(redis, name, &found);
    if (rc < 0 || !found || found->home != node || found->unanswered > 0) return rc;
    found->up = false;
    redis_cluster_doubt_map(redis->route.cluster);
    return 0;
}
