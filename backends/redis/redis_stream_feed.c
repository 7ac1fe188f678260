/* Who follows a stream: its channel is subscribed to once for all of them, over the connection that
 * topics use.
 *
 * A channel is wanted as long as it has users. What became of SUBSCRIBEs and UNSUBSCRIBEs is looked
 * at when the last is answered, so that a channel may be left and used again without waiting. */
#include "redis_error.h"
#include "redis_stream.h"

#include <cairn/sys/alloc.h>

static const cairn_feed_done_t *up(const redis_backend_t *redis)
{
    return redis->host->api->feeds;
}

/* ---- subscribing ---- */

static void on_answered(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail);

#define SUBSCRIBE "*2\r\n$9\r\nSUBSCRIBE\r\n"
#define UNSUBSCRIBE "*2\r\n$11\r\nUNSUBSCRIBE\r\n"

static int send_for(redis_conn_t *conn, redis_channel_t *channel, const char *begin, size_t size)
{
    const redis_backend_t *redis = channel->redis;
    const cairn_slice_t id = redis_channel_id(channel);
    char *out;
    int rc = redis_conn_reserve_unbounded(
        conn, size + redis_cmd_bound(1, redis_queue_channel_size(redis, id)), &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, begin, size);
    out = redis_queue_channel_arg(out, redis, id);
    redis_conn_commit(conn, out, on_answered, channel,
                      REDIS_CMD_TRANSIENT | REDIS_CMD_SUBSCRIPTION);
    channel->unanswered++;
    return 0;
}

/* What is refused as the link becomes ready is not held, as what comes later is. */
static bool is_asked_again(redis_channel_t *channel, cairn_slice_t detail)
{
    redis_conn_t *conn = redis_route_subscriptions(&channel->redis->route);
    if (channel->users == 0 || !redis_error_passes(detail)) return false;
    return conn->state == REDIS_CONN_READY && send_for(conn, channel, LITERAL(SUBSCRIBE)) == 0;
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

static void on_answered(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    redis_channel_t *channel = ctx;
    redis_backend_t *redis = channel->redis;
    (void)reply;
    if (--channel->unanswered > 0) return;
    if (status < 0 && is_asked_again(channel, detail)) return;
    channel->busy++;
    if (channel->users > 0 && status < 0) {
        refuse(channel, status, detail);
    } else if (channel->users > 0) {
        channel->up = true;
        channel->news++;
        if (channel->feed) up(redis)->feed_up(redis->host, channel->feed);
        redis_waits_wake(channel, REDIS_WAKE_ALL);
    }
    channel->busy--;
    trim(channel);
}

redis_channel_t *redis_channel_use(redis_backend_t *redis, cairn_slice_t stream)
{
    redis_channel_t *channel = redis_channels_find(&redis->channels, stream);
    if (!channel) channel = redis_channels_add(&redis->channels, stream);
    if (!channel) return NULL;
    channel->redis = redis;
    if (channel->users++ > 0) return channel;
    redis_conn_t *conn = redis_route_subscriptions(&redis->route);
    channel->up = false;
    /* Without a link it is subscribed to with all others, when there is one. */
    if (conn->state != REDIS_CONN_READY) return channel;
    if (send_for(conn, channel, LITERAL(SUBSCRIBE)) == 0) return channel;
    channel->users--;
    trim(channel);
    return NULL;
}

void redis_channel_leave(redis_channel_t *channel)
{
    if (--channel->users > 0) return;
    redis_conn_t *conn = redis_route_subscriptions(&channel->redis->route);
    channel->up = false;
    /* Out of memory to say so: messages of a channel that nobody has are dropped as they come. */
    if (conn->state == REDIS_CONN_READY) (void)!send_for(conn, channel, LITERAL(UNSUBSCRIBE));
    trim(channel);
}

/* ---- the link ---- */

void redis_streams_resubscribe(redis_backend_t *redis, redis_conn_t *conn)
{
    const redis_channels_t *channels = &redis->channels;
    for (size_t i = 0; i < channels->bucket_count; i++) {
        for (redis_channel_t *at = channels->buckets[i]; at; at = at->same_bucket) {
            int rc = send_for(conn, at, LITERAL(SUBSCRIBE));
            if (rc == 0) continue;
            redis_conn_lose(conn, rc, "out of memory while subscribing");
            return;
        }
    }
}

void redis_streams_link_lost(redis_backend_t *redis, int status, const char *detail)
{
    const redis_channels_t *channels = &redis->channels;
    for (size_t i = 0; i < channels->bucket_count; i++) {
        for (redis_channel_t *at = channels->buckets[i], *next; at; at = next) {
            next = at->same_bucket;
            at->unanswered = 0;
            at->announced_left = 0;
            at->up = false;
            trim(at);
        }
    }
    up(redis)->feeds_down(redis->host, status, cairn_str(detail));
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

int redis_streams_message(redis_backend_t *redis, cairn_slice_t channel, cairn_slice_t payload)
{
    const size_t prefix = redis_queue_channel_size(redis, cairn_slice(NULL, 0));
    if (channel.len < prefix) return 0;
    redis_channel_t *found = redis_channels_find(
        &redis->channels, cairn_slice(channel.ptr + prefix, channel.len - prefix));
    if (!found) return 0;
    found->busy++;
    int rc = take(found, payload);
    found->busy--;
    trim(found);
    return rc;
}
