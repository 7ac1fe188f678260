/* Names, the script's calls, and the operations on a stream as a whole. There are no groups: Pure
 * Graph has none. */
#include "redis_pure_graph.h"

#include <uv.h>

/* ---- names ---- */

static char *raw_key(char *out, const char *prefix, size_t size, cairn_slice_t stream)
{
    out = redis_cmd_arg_begin(out, size + stream.len);
    out = redis_cmd_literal(out, prefix, size);
    return redis_cmd_end(redis_bytes(out, stream));
}

static char *own_key(char *out, const char *prefix, size_t size, cairn_slice_t stream)
{
    out = redis_cmd_arg_begin(out, size + redis_escaped_size(stream) + 2);
    out = redis_cmd_literal(out, prefix, size);
    *out++ = '{';
    out = redis_escape(out, stream);
    *out++ = '}';
    return redis_cmd_end(out);
}

char *redis_graph_key(char *out, cairn_slice_t stream)
{
    return raw_key(out, LITERAL(REDIS_GRAPH_STREAM), stream);
}

size_t redis_graph_key_bound(cairn_slice_t stream)
{
    return REDIS_CMD_OVERHEAD + sizeof REDIS_GRAPH_STREAM + stream.len;
}

char *redis_graph_past(char *out, cairn_slice_t stream)
{
    return own_key(out, LITERAL(REDIS_KEY_QUEUE_PAST), stream);
}

size_t redis_graph_past_bound(cairn_slice_t stream)
{
    return REDIS_CMD_OVERHEAD + sizeof REDIS_KEY_QUEUE_PAST "{}" + redis_escaped_size(stream);
}

/* ---- calls ---- */

enum {
    KEYS = 4
};

static char *write_keys(char *out, cairn_slice_t stream)
{
    out = redis_graph_key(out, stream);
    out = raw_key(out, LITERAL(REDIS_GRAPH_LIST), stream);
    out = own_key(out, LITERAL(REDIS_KEY_QUEUE_MORE), stream);
    return redis_graph_past(out, stream);
}

static size_t keys_bound(cairn_slice_t stream)
{
    return 2 * redis_graph_key_bound(stream) + 2 * redis_graph_past_bound(stream);
}

size_t redis_graph_bound(cairn_slice_t stream, size_t args, size_t payload)
{
    return REDIS_SCRIPT_BEGIN + keys_bound(stream) + redis_cmd_bound(1 + args, 16 + payload);
}

char *redis_graph_begin(char *out, cairn_slice_t stream, const char *operation, size_t args)
{
    out = redis_script_begin(out, &redis_script_pure_graph, REDIS_GUARD_OF_NONE, KEYS, 1 + args);
    out = write_keys(out, stream);
    return redis_cmd_arg(out, cairn_str(operation));
}

static void commit(redis_backend_t *redis, cairn_req_t *req, const char *out,
                   redis_answer_fn answer, bool idempotent)
{
    req->scratch[REDIS_SCRATCH_MEMORY] = 0;
    redis_conn_commit_script(redis_saver_conn(redis), out, answer, req, idempotent);
}

/* A plain command with the stream's key for its only argument; `begin` is all that comes before. */
static int ask(redis_backend_t *redis, cairn_req_t *req, const char *begin, size_t size,
               cairn_slice_t stream, redis_answer_fn answer)
{
    char *out;
    int rc = redis_stream_reserve(redis, stream, size + redis_graph_key_bound(stream), &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, begin, size);
    commit(redis, req, redis_graph_key(out, stream), answer, true);
    return 0;
}

/* The script without arguments of its own. */
static int call(redis_backend_t *redis, cairn_req_t *req, cairn_slice_t stream,
                const char *operation, redis_answer_fn answer, bool idempotent)
{
    char *out;
    int rc = redis_stream_reserve(redis, stream, redis_graph_bound(stream, 0, 0), &out);
    if (rc < 0) return rc;
    commit(redis, req, redis_graph_begin(out, stream, operation, 0), answer, idempotent);
    return 0;
}

/* ---- what is read ---- */

int redis_graph_read_past(redis_reply_t *reply, redis_graph_past_t *past)
{
    const bool is_there = redis_reply_type(reply) != REDIS_NIL;
    cairn_slice_t text;
    cairn_position_t at;
    *past = (redis_graph_past_t){.trimmed = {0, 0}};
    if (!is_there) return redis_reply_skip(reply);
    int rc = redis_reply_string(reply, &text);
    if (rc < 0 || text.len == 0) return CAIRN_EPROTOCOL;
    if (cairn_position_parse(cairn_slice(text.ptr + 1, text.len - 1), &at) < 0)
        return CAIRN_EPROTOCOL;
    if (*text.ptr != 't' && *text.ptr != 'c') return CAIRN_EPROTOCOL;
    *(*text.ptr == 't' ? &past->trimmed : &past->cleared) = at;
    return 0;
}

/* Fields that are not ours to know are passed over. */
static int read_message(redis_reply_t *reply, cairn_slice_t *message)
{
    size_t fields = 0;
    bool found = false;
    int rc = redis_reply_array(reply, &fields);
    for (size_t i = 0; i < fields / 2 && rc == 0; i++) {
        cairn_slice_t name, value;
        rc = redis_reply_string(reply, &name);
        if (rc == 0) rc = redis_reply_string(reply, &value);
        if (rc < 0 || !cairn_slice_eq(name, cairn_str("data"))) continue;
        *message = value;
        found = true;
    }
    return rc == 0 && found && fields % 2 == 0 ? 0 : CAIRN_EPROTOCOL;
}

static int decode(cairn_slice_t message, cairn_arena_t *arena, cairn_stream_event_t *event)
{
    size_t len = 0;
    char *bytes = cairn_arena_alloc(arena, message.len / 4 + 1, 3);
    if (!bytes) return UV_ENOMEM;
    int rc = redis_graph_base64_read(message, bytes, &len);
    return rc < 0 ? rc : redis_graph_message_read(bytes, len, event);
}

int redis_graph_read_entry(redis_reply_t *reply, cairn_arena_t *arena, cairn_stream_event_t *event)
{
    size_t parts;
    cairn_slice_t message;
    int rc = redis_reply_array(reply, &parts);
    if (rc == 0 && parts != 2) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = redis_position_read(reply, &event->position);
    if (rc == 0) rc = read_message(reply, &message);
    return rc < 0 ? rc : decode(message, arena, event);
}

/* ---- counts ---- */

static void on_count(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int64_t count = 0;
    int rc = status < 0 ? 0 : redis_reply_int(reply, &count);
    if (rc == 0 && count < -1) rc = CAIRN_EPROTOCOL;
    if (rc == 0 && count == -1) {
        status = UV_EEXIST;
        detail = cairn_str("the target is there");
    }
    if (redis_saver_failed(req, status, rc, detail)) return;
    redis_stream_done(req)->count_done(CAIRN_CONTAINER_OF(req, cairn_stream_count_t, req),
                                       (uint64_t)count);
}

static int graph_length(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    return ask(self, &req->req, LITERAL("*2\r\n$4\r\nXLEN\r\n"), stream, on_count);
}

static int graph_exists(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    return ask(self, &req->req, LITERAL("*2\r\n$6\r\nEXISTS\r\n"), stream, on_count);
}

static int graph_clear(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    return call(self, &req->req, stream, "clear", on_count, false);
}

static int graph_copy(void *self, cairn_stream_count_t *req, const cairn_stream_copy_args_t *args)
{
    const size_t bytes =
        redis_graph_bound(args->source, 1, REDIS_CMD_NUMBER) + keys_bound(args->target);
    char *out;
    redis_backend_t *redis = self;
    int rc = redis_stream_reserve(redis, args->source, bytes, &out);
    if (rc < 0) return rc;
    redis_route_join(&redis->route, args->target);
    out =
        redis_script_begin(out, &redis_script_pure_graph, REDIS_GUARD_OF_NONE, 2 * (size_t)KEYS, 2);
    out = write_keys(out, args->source);
    out = write_keys(out, args->target);
    out = redis_cmd_arg(out, cairn_str("copy"));
    commit(self, &req->req, redis_cmd_i64(out, args->ttl_ms), on_count, false);
    return 0;
}

/* ---- info ---- */

static int read_optional_position(redis_reply_t *reply, cairn_position_t *position)
{
    cairn_slice_t text;
    int rc = redis_reply_string(reply, &text);
    if (rc == 0 && text.len > 0 && cairn_position_parse(text, position) < 0) rc = CAIRN_EPROTOCOL;
    return rc;
}

static int read_ending(redis_reply_t *reply, cairn_arena_t *arena, cairn_stream_facts_t *facts)
{
    cairn_slice_t message;
    cairn_stream_event_t event;
    int rc = redis_reply_string(reply, &message);
    if (rc < 0 || message.len == 0) return rc;
    rc = decode(message, arena, &event);
    if (rc == 0 && cairn_stream_ends(event.event)) facts->ended_by = event.event;
    return rc;
}

static int read_facts(redis_reply_t *reply, cairn_arena_t *arena, cairn_stream_facts_t *facts)
{
    size_t count;
    int64_t length = 0;
    int rc = redis_reply_array(reply, &count);
    if (rc == 0 && count != 5) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = redis_reply_int(reply, &length);
    if (rc == 0) rc = read_optional_position(reply, &facts->first);
    if (rc == 0) rc = read_optional_position(reply, &facts->last);
    if (rc == 0) rc = read_ending(reply, arena, facts);
    if (rc == 0) rc = redis_reply_int(reply, &facts->ttl_ms);
    if (rc == 0 && (length < 0 || facts->ttl_ms < CAIRN_TTL_PERSIST)) rc = CAIRN_EPROTOCOL;
    facts->length = (uint64_t)length;
    if (facts->ttl_ms == 0) facts->ttl_ms = 1; /* it is there still */
    return rc;
}

static void on_info(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    cairn_arena_t *arena = &redis_saver_of(req)->arena;
    cairn_stream_facts_t facts = {.length = 0};
    const bool is_there = status == 0 && redis_reply_type(reply) != REDIS_NIL;
    int rc = is_there ? read_facts(reply, arena, &facts) : 0;
    if (!redis_saver_failed(req, status, rc, detail))
        redis_stream_done(req)->info_done(CAIRN_CONTAINER_OF(req, cairn_stream_info_t, req),
                                          is_there ? &facts : NULL);
    cairn_arena_reset(arena);
}

static int graph_info(void *self, cairn_stream_info_t *req, cairn_slice_t stream)
{
    return call(self, &req->req, stream, "info", on_info, true);
}

/* ---- TTL ---- */

static void tell_ttl(cairn_req_t *req, int64_t ttl_ms)
{
    redis_stream_done(req)->ttl_done(CAIRN_CONTAINER_OF(req, cairn_stream_ttl_t, req), ttl_ms);
}

static void on_ttl(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int64_t left = 0;
    int rc = status < 0 ? 0 : redis_reply_int(reply, &left);
    if (rc == 0 && left < CAIRN_TTL_ABSENT) rc = CAIRN_EPROTOCOL;
    if (redis_saver_failed(req, status, rc, detail)) return;
    tell_ttl(req, left == 0 ? 1 : left); /* it is there still */
}

static int graph_ttl(void *self, cairn_stream_ttl_t *req, cairn_slice_t stream)
{
    return ask(self, &req->req, LITERAL("*2\r\n$4\r\nPTTL\r\n"), stream, on_ttl);
}

static void on_ttl_set(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int64_t found = 0;
    int rc = status < 0 ? 0 : redis_reply_int(reply, &found);
    if (redis_saver_failed(req, status, rc, detail)) return;
    tell_ttl(req, found ? (int64_t)req->scratch[REDIS_SCRATCH_NUMBER] : CAIRN_TTL_ABSENT);
}

static int graph_set_ttl(void *self, cairn_stream_ttl_t *req, cairn_slice_t stream, int64_t ttl_ms)
{
    char *out;
    int rc =
        redis_stream_reserve(self, stream, redis_graph_bound(stream, 1, REDIS_CMD_NUMBER), &out);
    if (rc < 0) return rc;
    out = redis_graph_begin(out, stream, "ttl", 1);
    req->req.scratch[REDIS_SCRATCH_NUMBER] = (uint64_t)ttl_ms;
    commit(self, &req->req, redis_cmd_i64(out, ttl_ms), on_ttl_set, true);
    return 0;
}

/* ---- groups ---- */

static int no_create(void *self, cairn_group_change_t *req, const cairn_group_create_args_t *args)
{
    (void)self, (void)req, (void)args;
    return UV_ENOTSUP;
}

static int no_destroy(void *self, cairn_group_change_t *req, cairn_slice_t stream,
                      cairn_slice_t group)
{
    (void)self, (void)req, (void)stream, (void)group;
    return UV_ENOTSUP;
}

static int no_settle(void *self, cairn_group_change_t *req, const cairn_group_ack_args_t *args)
{
    (void)self, (void)req, (void)args;
    return UV_ENOTSUP;
}

static int no_read(void *self, cairn_group_read_t *req, const cairn_group_read_args_t *args)
{
    (void)self, (void)req, (void)args;
    return UV_ENOTSUP;
}

static int no_info(void *self, cairn_group_info_t *req, cairn_slice_t stream, cairn_slice_t group)
{
    (void)self, (void)req, (void)stream, (void)group;
    return UV_ENOTSUP;
}

const cairn_stream_ops_t redis_pure_graph_ops = {
    .size = sizeof(cairn_stream_ops_t),
    .append = redis_graph_append,
    .read = redis_graph_read,
    .clear = graph_clear,
    .length = graph_length,
    .exists = graph_exists,
    .copy = graph_copy,
    .info = graph_info,
    .ttl = graph_ttl,
    .set_ttl = graph_set_ttl,
    .feed_open = redis_graph_feed_open,
    .feed_close = redis_graph_feed_close,
    .group_create = no_create,
    .group_destroy = no_destroy,
    .group_ack = no_settle,
    .group_nak = no_settle,
    .group_read = no_read,
    .group_claim = no_read,
    .group_info = no_info,
};
