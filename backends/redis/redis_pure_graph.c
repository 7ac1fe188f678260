/* The operations on a stream as a whole. There are no groups: Pure Graph has none. */
#include "redis_pure_graph.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

/* ---- calls ---- */

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
    const redis_graph_name_t name = redis_graph_name(redis, stream);
    char *out;
    int rc = redis_graph_reserve(redis, &name, size + redis_graph_key_bound(stream), &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, begin, size);
    commit(redis, req, redis_graph_key(out, stream), answer, true);
    return 0;
}

/* The script, with a TTL as its argument or none; then what is left to do with the list, which the
 * request keeps: it is freed on <0. */
static int call(redis_backend_t *redis, cairn_req_t *req, const redis_graph_name_t *name,
                const char *operation, const int64_t *ttl_ms, redis_graph_rest_t *rest,
                redis_answer_fn answer, bool idempotent)
{
    const size_t args = ttl_ms ? 1 : 0;
    char *out;
    int rc =
        redis_graph_reserve(redis, name, redis_graph_bound(name->id, args, REDIS_CMD_NUMBER), &out);
    if (rc < 0) {
        cairn_free(rest);
        return rc;
    }
    out = redis_graph_begin(out, name, operation, args);
    if (ttl_ms) out = redis_cmd_i64(out, *ttl_ms);
    commit(redis, req, out, answer, idempotent);
    req->scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)rest;
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

static void tell_count(cairn_req_t *req, uint64_t count)
{
    redis_saver_release(req);
    redis_stream_done(req)->count_done(CAIRN_CONTAINER_OF(req, cairn_stream_count_t, req), count);
}

static void on_count(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int64_t count = 0;
    int rc = status < 0 ? 0 : redis_reply_int(reply, &count);
    if (rc == 0 && count < -1) rc = CAIRN_EPROTOCOL;
    if (rc == 0 && count == -1) {
        status = UV_EEXIST;
        detail = cairn_str(REDIS_TARGET_IS_THERE);
    }
    if (!redis_saver_failed(req, status, rc, detail)) tell_count(req, (uint64_t)count);
}

static int graph_length(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    return ask(self, &req->req, LITERAL("*2\r\n$4\r\nXLEN\r\n"), stream, on_count);
}

static int graph_exists(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    return ask(self, &req->req, LITERAL("*2\r\n$6\r\nEXISTS\r\n"), stream, on_count);
}

static void on_list_cleared(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    (void)reply;
    if (status < 0)
        redis_graph_rest_fail(req, status, detail);
    else
        tell_count(req, req->scratch[REDIS_SCRATCH_NUMBER]);
}

static void on_cleared(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int64_t count = 0;
    int rc = status < 0 ? 0 : redis_reply_int(reply, &count);
    if (rc == 0 && count < 0) rc = CAIRN_EPROTOCOL;
    if (redis_saver_failed(req, status, rc, detail)) return;
    req->scratch[REDIS_SCRATCH_NUMBER] = (uint64_t)count;
    if (!redis_graph_has_rest(req))
        tell_count(req, (uint64_t)count);
    else if (redis_graph_rest_send(req, on_list_cleared) < 0)
        redis_graph_rest_fail(req, UV_ENOMEM, cairn_str(uv_strerror(UV_ENOMEM)));
}

static int graph_clear(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    const redis_graph_name_t name = redis_graph_name(self, stream);
    redis_graph_rest_t *rest;
    int rc = redis_graph_rest_of_clear(&name, &rest);
    return rc < 0 ? rc : call(self, &req->req, &name, "clear", NULL, rest, on_cleared, false);
}

static int graph_copy(void *self, cairn_stream_count_t *req, const cairn_stream_copy_args_t *args)
{
    redis_backend_t *redis = self;
    const redis_graph_name_t source = redis_graph_name(redis, args->source);
    const redis_graph_name_t target = redis_graph_name(redis, args->target);
    char *out;
    if (source.slot != target.slot || redis_graph_is_apart(&source) ||
        redis_graph_is_apart(&target))
        return redis_graph_copy_spread(redis, req, args);
    int rc = redis_graph_reserve(redis, &source, redis_graph_copy_bound(args->source, args->target),
                                 &out);
    if (rc < 0) return rc;
    redis_route_join(&redis->route, args->target);
    out = redis_graph_copy(out, &source, &target, args->ttl_ms);
    commit(redis, &req->req, out, on_count, false);
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
    const redis_graph_name_t name = redis_graph_name(self, stream);
    return call(self, &req->req, &name, "info", NULL, NULL, on_info, true);
}

/* ---- TTL ---- */

static void tell_ttl(cairn_req_t *req, int64_t ttl_ms)
{
    redis_saver_release(req);
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

static void on_list_ttl_set(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    (void)reply;
    if (status < 0)
        redis_graph_rest_fail(req, status, detail);
    else
        tell_ttl(req, (int64_t)req->scratch[REDIS_SCRATCH_NUMBER]);
}

static void on_ttl_set(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int64_t found = 0;
    int rc = status < 0 ? 0 : redis_reply_int(reply, &found);
    if (redis_saver_failed(req, status, rc, detail)) return;
    if (!found)
        tell_ttl(req, CAIRN_TTL_ABSENT);
    else if (!redis_graph_has_rest(req))
        tell_ttl(req, (int64_t)req->scratch[REDIS_SCRATCH_NUMBER]);
    else if (redis_graph_rest_send(req, on_list_ttl_set) < 0)
        redis_graph_rest_fail(req, UV_ENOMEM, cairn_str(uv_strerror(UV_ENOMEM)));
}

static int graph_set_ttl(void *self, cairn_stream_ttl_t *req, cairn_slice_t stream, int64_t ttl_ms)
{
    const redis_graph_name_t name = redis_graph_name(self, stream);
    redis_graph_rest_t *rest;
    int rc = redis_graph_rest_of_ttl(&name, ttl_ms, &rest);
    if (rc < 0) return rc;
    rc = call(self, &req->req, &name, "ttl", &ttl_ms, rest, on_ttl_set, true);
    if (rc == 0) req->req.scratch[REDIS_SCRATCH_NUMBER] = (uint64_t)ttl_ms;
    return rc;
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
