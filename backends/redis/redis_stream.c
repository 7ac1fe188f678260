/* Names and calls; the operations on a stream as a whole: length, exists, clear, copy, info, TTL.
 */
#include "redis_stream.h"

#include <uv.h>

/* ---- names ---- */

redis_queue_name_t redis_queue_name(cairn_slice_t id)
{
    return (redis_queue_name_t){id, redis_escaped_size(id)};
}

static char *key_of(char *out, const char *prefix, size_t size, const redis_queue_name_t *name)
{
    out = redis_cmd_arg_begin(out, size + name->size + 2);
    out = redis_cmd_literal(out, prefix, size);
    *out++ = '{';
    out = redis_escape(out, name->id);
    *out++ = '}';
    return redis_cmd_end(out);
}

char *redis_queue_key(char *out, const redis_queue_name_t *name)
{
    return key_of(out, LITERAL(REDIS_KEY_QUEUE), name);
}

size_t redis_queue_key_size(const redis_queue_name_t *name)
{
    return sizeof REDIS_KEY_QUEUE "{}" + name->size;
}

char *redis_queue_more_key(char *out, const redis_queue_name_t *name)
{
    return key_of(out, LITERAL(REDIS_KEY_QUEUE_MORE), name);
}

char *redis_queue_keys(char *out, const redis_queue_name_t *name)
{
    return redis_queue_more_key(redis_queue_key(out, name), name);
}

static uint64_t db_of(const redis_backend_t *redis)
{
    return (uint64_t)redis->route.one.options.hello.db;
}

size_t redis_queue_channel_size(const redis_backend_t *redis, cairn_slice_t id)
{
    char digits[REDIS_CMD_NUMBER];
    if (redis_route_is_split(&redis->route))
        return sizeof REDIS_CHANNEL_QUEUE - 1 + 2 + redis_escaped_size(id);
    const size_t db = (size_t)(redis_cmd_digits(digits, db_of(redis)) - digits);
    return sizeof REDIS_CHANNEL_QUEUE - 1 + db + 1 + id.len;
}

char *redis_queue_channel(char *out, const redis_backend_t *redis, cairn_slice_t id)
{
    out = redis_cmd_literal(out, LITERAL(REDIS_CHANNEL_QUEUE));
    if (redis_route_is_split(&redis->route)) {
        *out++ = '{';
        out = redis_escape(out, id);
        *out++ = '}';
        return out;
    }
    out = redis_cmd_digits(out, db_of(redis));
    *out++ = ':';
    return id.len > 0 ? redis_cmd_literal(out, id.ptr, id.len) : out;
}

char *redis_queue_channel_arg(char *out, const redis_backend_t *redis, cairn_slice_t id)
{
    out = redis_cmd_arg_begin(out, redis_queue_channel_size(redis, id));
    return redis_cmd_end(redis_queue_channel(out, redis, id));
}

/* ---- calls ---- */

size_t redis_queue_bound(const redis_backend_t *redis, const redis_queue_name_t *name, size_t args,
                         size_t payload)
{
    const size_t keys = REDIS_QUEUE_KEYS * (sizeof REDIS_KEY_QUEUE_MORE "{}" + name->size);
    return REDIS_SCRIPT_BEGIN +
           redis_cmd_bound(REDIS_QUEUE_KEYS + 1 + args,
                           keys + redis_queue_channel_size(redis, name->id) + payload);
}

char *redis_queue_begin(char *out, const redis_script_t *script, const redis_backend_t *redis,
                        const redis_queue_name_t *name, size_t args)
{
    out =
        redis_script_begin(out, script, redis_queue_guard(redis, name), REDIS_QUEUE_KEYS, 1 + args);
    out = redis_queue_keys(out, name);
    return redis_queue_channel_arg(out, redis, name->id);
}

const cairn_stream_done_t *redis_stream_done(const cairn_req_t *req)
{
    return redis_conn_host(req)->api->stream;
}

/* ---- counts ---- */

static void on_count(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int64_t count = 0;
    int rc = status < 0 ? 0 : redis_reply_int(reply, &count);
    if (rc == 0 && count < -1) rc = CAIRN_EPROTOCOL;
    if (status == 0 && rc == 0 && count == 0 && redis_read_goes_on(req, on_count)) return;
    if (rc == 0 && count == -1) {
        status = UV_EEXIST;
        detail = cairn_str(REDIS_TARGET_IS_THERE);
    }
    if (redis_saver_failed(req, status, rc, detail)) return;
    redis_stream_done(req)->count_done(CAIRN_CONTAINER_OF(req, cairn_stream_count_t, req),
                                       (uint64_t)count);
}

/* A plain command with the key for its only argument; `begin` is all that comes before. Changes
 * nothing. */
static int ask(redis_backend_t *redis, cairn_req_t *req, const char *begin, size_t size,
               cairn_slice_t stream, redis_answer_fn answer)
{
    const redis_queue_name_t name = redis_queue_name(stream);
    char *out;
    int rc = redis_stream_reserve_read(
        redis, name.id, size + redis_cmd_bound(1, redis_queue_key_size(&name)), &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, begin, size);
    out = redis_queue_key(out, &name);
    req->scratch[REDIS_SCRATCH_MEMORY] = 0;
    redis_conn_commit_script(redis_saver_conn(redis), out, answer, req, true);
    return 0;
}

static int redis_stream_length(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    return ask(self, &req->req, LITERAL("*2\r\n$4\r\nXLEN\r\n"), stream, on_count);
}

static int redis_stream_exists(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    return ask(self, &req->req, LITERAL("*2\r\n$6\r\nEXISTS\r\n"), stream, on_count);
}

static int redis_stream_clear(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    redis_backend_t *redis = self;
    const redis_queue_name_t name = redis_queue_name(stream);
    char *out;
    int rc = redis_stream_reserve(redis, name.id, redis_queue_bound(redis, &name, 0, 0), &out);
    if (rc < 0) return rc;
    redis_tips_forget(redis, name.id);
    out = redis_queue_begin(out, &redis_script_stream_clear, redis, &name, 0);
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    redis_conn_commit_script(redis_saver_conn(redis), out, on_count, &req->req, false);
    return 0;
}

static int redis_stream_copy(void *self, cairn_stream_count_t *req,
                             const cairn_stream_copy_args_t *args)
{
    redis_backend_t *redis = self;
    if (redis_route_is_split(&redis->route) &&
        redis_slot_of_id(args->source) != redis_slot_of_id(args->target))
        return redis_stream_copy_spread(redis, req, args);
    const redis_queue_name_t source = redis_queue_name(args->source);
    const redis_queue_name_t target = redis_queue_name(args->target);
    const size_t bytes = redis_queue_bound(redis, &source, 0, 0) +
                         redis_queue_bound(redis, &target, 1, REDIS_CMD_NUMBER);
    char *out;
    int rc = redis_batches_flush(redis, target.id);
    if (rc == 0) rc = redis_stream_reserve(redis, source.id, bytes, &out);
    if (rc < 0) return rc;
    redis_tips_forget(redis, target.id);
    redis_route_join(&redis->route, target.id);
    out = redis_script_begin(out, &redis_script_stream_copy, redis_queue_guard(redis, &source),
                             2 * (size_t)REDIS_QUEUE_KEYS, 3);
    out = redis_queue_keys(out, &source);
    out = redis_queue_keys(out, &target);
    out = redis_queue_channel_arg(out, redis, args->source);
    out = redis_queue_channel_arg(out, redis, args->target);
    out = redis_cmd_i64(out, args->ttl_ms);
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    redis_conn_commit_script(redis_saver_conn(redis), out, on_count, &req->req, false);
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

static int read_ending(redis_reply_t *reply, cairn_stream_facts_t *facts)
{
    cairn_slice_t packed;
    cairn_stream_event_t event;
    int rc = redis_reply_string(reply, &packed);
    if (rc < 0 || packed.len == 0) return rc;
    rc = redis_event_read(packed, &event);
    if (rc == 0 && cairn_stream_ends(event.event)) facts->ended_by = event.event;
    return rc;
}

static int read_facts(redis_reply_t *reply, cairn_stream_facts_t *facts)
{
    size_t count;
    int64_t length = 0, groups = 0;
    int rc = redis_reply_array(reply, &count);
    if (rc == 0 && count != 6) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = redis_reply_int(reply, &length);
    if (rc == 0) rc = read_optional_position(reply, &facts->first);
    if (rc == 0) rc = read_optional_position(reply, &facts->last);
    if (rc == 0) rc = read_ending(reply, facts);
    if (rc == 0) rc = redis_reply_int(reply, &facts->ttl_ms);
    if (rc == 0) rc = redis_reply_int(reply, &groups);
    if (rc == 0 && (length < 0 || groups < 0 || facts->ttl_ms < CAIRN_TTL_PERSIST))
        rc = CAIRN_EPROTOCOL;
    facts->length = (uint64_t)length;
    facts->groups = (uint64_t)groups;
    if (facts->ttl_ms == 0) facts->ttl_ms = 1; /* it is there still */
    return rc;
}

static void on_info(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    cairn_stream_facts_t facts = {.length = 0};
    const bool there = status == 0 && redis_reply_type(reply) != REDIS_NIL;
    if (status == 0 && !there && redis_read_goes_on(req, on_info)) return;
    int rc = there ? read_facts(reply, &facts) : 0;
    if (redis_saver_failed(req, status, rc, detail)) return;
    redis_stream_done(req)->info_done(CAIRN_CONTAINER_OF(req, cairn_stream_info_t, req),
                                      there ? &facts : NULL);
}

static int redis_stream_info(void *self, cairn_stream_info_t *req, cairn_slice_t stream)
{
    redis_backend_t *redis = self;
    const redis_queue_name_t name = redis_queue_name(stream);
    char *out;
    int rc = redis_stream_reserve_read(redis, name.id, redis_queue_bound(redis, &name, 0, 0), &out);
    if (rc < 0) return rc;
    out = redis_queue_begin(out, &redis_script_stream_info, redis, &name, 0);
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    redis_conn_commit_script(redis_saver_conn(redis), out, on_info, &req->req, true);
    return 0;
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
    if (left == CAIRN_TTL_ABSENT && redis_read_goes_on(req, on_ttl)) return;
    if (redis_saver_failed(req, status, rc, detail)) return;
    tell_ttl(req, left == 0 ? 1 : left); /* it is there still */
}

static int redis_stream_ttl(void *self, cairn_stream_ttl_t *req, cairn_slice_t stream)
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

static int redis_stream_set_ttl(void *self, cairn_stream_ttl_t *req, cairn_slice_t stream,
                                int64_t ttl_ms)
{
    redis_backend_t *redis = self;
    const redis_queue_name_t name = redis_queue_name(stream);
    char *out;
    int rc = redis_stream_reserve(redis, name.id,
                                  redis_queue_bound(redis, &name, 1, REDIS_CMD_NUMBER), &out);
    if (rc < 0) return rc;
    out = redis_queue_begin(out, &redis_script_stream_set_ttl, redis, &name, 1);
    out = redis_cmd_i64(out, ttl_ms);
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    req->req.scratch[REDIS_SCRATCH_NUMBER] = (uint64_t)ttl_ms;
    redis_conn_commit_script(redis_saver_conn(redis), out, on_ttl_set, &req->req, true);
    return 0;
}

const cairn_stream_ops_t redis_stream_ops = {
    .size = sizeof(cairn_stream_ops_t),
    .append = redis_stream_append,
    .read = redis_stream_read,
    .clear = redis_stream_clear,
    .length = redis_stream_length,
    .exists = redis_stream_exists,
    .copy = redis_stream_copy,
    .info = redis_stream_info,
    .ttl = redis_stream_ttl,
    .set_ttl = redis_stream_set_ttl,
    .feed_open = redis_feed_open,
    .feed_close = redis_feed_close,
    .group_create = redis_group_create,
    .group_destroy = redis_group_destroy,
    .group_ack = redis_group_ack,
    .group_nak = redis_group_nak,
    .group_read = redis_group_read,
    .group_claim = redis_group_claim,
    .group_info = redis_group_info,
};
