/* Many events, or large ones, of one stream: a transaction of plain commands. A string that passes
 * through a script costs the server with its length, which here only its names and numbers do.
 *
 *     MULTI
 *     XADD stream 1-* d event          for each
 *     EVAL scripts/stream_push.lua     limit, TTL; tells of the events if they are there
 *     PUBLISH channel events           in messages of some 64 KiB
 *     EXEC
 *
 * It needs Redis 7.0, which gives events their numbers, and a stream that is there. Either was seen
 * when the last append was answered. If the stream has gone since, the script makes good what XADD
 * began; if it has ended, XADD fails.
 *
 * Not for a stream that is followed here over the same connection. */
#include "redis_stream.h"

enum {
    PAYS_FROM = 2500, /* bytes, ... */
    EVENT_PAYS = 32,  /* ... of which each event counts for so many */
    LARGE = 32768,    /* an event that is not sent to who follows: they read it */
    MESSAGE = 65536   /* about, of events that are sent together */
};

/* ---- when ---- */

bool redis_hears_itself(const redis_backend_t *redis, cairn_slice_t stream)
{
    const redis_cluster_t *cluster = redis->route.cluster;
    const redis_standalone_t *node =
        cluster ? redis_cluster_node(cluster, redis_slot_of_id(stream)) : &redis->route.one;
    if (node->subscriptions.state != REDIS_CONN_CLOSED) return false;
    return redis->has_patterns || redis_channels_find(&redis->channels, stream);
}

bool redis_push_pays(const redis_backend_t *redis, const redis_tip_t *tip, cairn_slice_t stream,
                     size_t events, size_t bytes)
{
    if (bytes + EVENT_PAYS * events < PAYS_FROM || !tip) return false;
    if (!redis_route_knows_channels(&redis->route)) return false;
    return redis->host->api->now_ms(redis->host) < tip->until_ms &&
           !redis_hears_itself(redis, stream);
}

/* ---- events that are written as arguments ---- */

/* "$5\r\nhello\r\n": gives hello, and moves behind it. */
static cairn_slice_t take_argument(cairn_slice_t *from)
{
    size_t len = 0, at = 1;
    for (; from->ptr[at] != '\r'; at++) len = len * 10 + (size_t)(from->ptr[at] - '0');
    const cairn_slice_t event = cairn_slice(from->ptr + at + 2, len);
    const size_t size = at + 2 + len + 2;
    *from = cairn_slice(from->ptr + size, from->len - size);
    return event;
}

static size_t shown(cairn_slice_t event)
{
    return event.len <= LARGE ? event.len : 0;
}

static size_t shown_size(cairn_slice_t event)
{
    char digits[REDIS_CMD_NUMBER];
    return (size_t)(redis_cmd_digits(digits, shown(event)) - digits) + 1 + shown(event);
}

/* ---- writing ---- */

#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define EXEC "*1\r\n$4\r\nEXEC\r\n"
#define XADD "*5\r\n$4\r\nXADD\r\n"
#define NUMBERED "$3\r\n1-*\r\n$1\r\nd\r\n"
#define PUBLISH "*3\r\n$7\r\nPUBLISH\r\n"
#define SPUBLISH "*3\r\n$8\r\nSPUBLISH\r\n"

size_t redis_push_bound(const redis_push_t *push)
{
    const size_t key = redis_queue_key_size(push->name) + REDIS_CMD_OVERHEAD;
    const size_t channel =
        redis_queue_channel_size(push->redis, push->name->id) + REDIS_CMD_OVERHEAD;
    const size_t messages = 1 + push->arguments.len / MESSAGE;
    const size_t adding = push->events * (sizeof XADD NUMBERED + key) + push->arguments.len;
    const size_t script = REDIS_GUARD_SIZE +
                          redis_cmd_bound(8, redis_script_stream_push.guarded.size + 2 * key +
                                                 channel + REDIS_APPEND_TERMS + REDIS_CMD_NUMBER) +
                          sizeof REDIS_KEY_QUEUE_MORE;
    const size_t publishing = messages * (sizeof SPUBLISH + channel + REDIS_CMD_OVERHEAD + 1);
    return sizeof MULTI EXEC + adding + script + publishing + push->events * REDIS_CMD_OVERHEAD +
           push->arguments.len;
}

static char *add_all(char *out, const redis_push_t *push)
{
    cairn_slice_t rest = push->arguments;
    while (rest.len > 0) {
        const char *const begin = rest.ptr;
        (void)take_argument(&rest);
        out = redis_cmd_literal(out, LITERAL(XADD));
        out = redis_queue_key(out, push->name);
        out = redis_cmd_literal(out, LITERAL(NUMBERED));
        out = redis_cmd_literal(out, begin, (size_t)(rest.ptr - begin));
    }
    return out;
}

static char *call_script(char *out, const redis_push_t *push)
{
    const redis_guard_t guard = redis_queue_guard(push->redis, push->name);
    const redis_script_text_t *script = redis_script_text(&redis_script_stream_push, guard);
    const size_t keys = REDIS_QUEUE_KEYS + (guard >= 0);
    char terms[REDIS_APPEND_TERMS];
    const char *end = redis_append_terms(terms, push->ttl_ms, push->max_events);
    out = redis_cmd_begin(out, 6 + keys);
    out = redis_cmd_literal(out, LITERAL("$4\r\nEVAL\r\n"));
    out = redis_cmd_arg(out, cairn_slice((const char *)script->source, script->size));
    out = redis_cmd_u64(out, keys);
    if (guard >= 0) out = redis_guard_key(out, guard);
    out = redis_queue_keys(out, push->name);
    out = redis_queue_channel_arg(out, push->redis, push->name->id);
    out = redis_cmd_arg(out, cairn_slice(terms, (size_t)(end - terms)));
    return redis_cmd_u64(out, push->events);
}

/* As many as make up a message; moves behind them. */
static char *publish_some(char *out, const redis_push_t *push, cairn_slice_t *rest)
{
    cairn_slice_t ahead = *rest;
    size_t size = 1;
    while (ahead.len > 0 && size <= MESSAGE) size += shown_size(take_argument(&ahead));
    out = redis_route_has_shards(&push->redis->route) ? redis_cmd_literal(out, LITERAL(SPUBLISH))
                                                      : redis_cmd_literal(out, LITERAL(PUBLISH));
    out = redis_queue_channel_arg(out, push->redis, push->name->id);
    out = redis_cmd_arg_begin(out, size);
    *out++ = 'e';
    while (rest->len > ahead.len) {
        const cairn_slice_t event = take_argument(rest);
        out = redis_cmd_digits(out, shown(event));
        *out++ = ' ';
        out = redis_cmd_literal(out, event.ptr, shown(event));
    }
    return redis_cmd_end(out);
}

char *redis_push_write(char *out, const redis_push_t *push, size_t *commands)
{
    cairn_slice_t rest = push->arguments;
    *commands = push->events + 1;
    out = redis_cmd_literal(out, LITERAL(MULTI));
    out = add_all(out, push);
    out = call_script(out, push);
    for (; rest.len > 0; ++*commands) out = publish_some(out, push, &rest);
    return redis_cmd_literal(out, LITERAL(EXEC));
}

/* ---- the answer ---- */

int redis_push_read(redis_reply_t *reply, uint64_t events, int *status, cairn_slice_t *detail,
                    cairn_stream_appended_t *appended)
{
    size_t results;
    *appended = (cairn_stream_appended_t){.count = events};
    int rc = redis_reply_array(reply, &results);
    if (rc == 0 && results <= events) rc = CAIRN_EPROTOCOL;
    for (uint64_t i = 0; i < events && rc == 0; i++) rc = redis_reply_skip(reply);
    if (rc < 0) return rc;
    if (redis_reply_type(reply) != REDIS_NIL)
        return redis_position_read(reply, &appended->position);
    redis_append_ended(status, detail);
    return 0;
}

bool redis_push_refused(cairn_slice_t detail)
{
    static const char text[] = "ERR The ID specified in XADD is equal or smaller";
    const size_t len = sizeof text - 1;
    return detail.len >= len && memcmp(detail.ptr, text, len) == 0;
}
