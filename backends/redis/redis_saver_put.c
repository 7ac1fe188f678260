/* put and put_writes: encoded straight into the connection's output. */
#include "redis_saver.h"

#include <cairn/sys/alloc.h>
#include <cairn/sys/checkpoint_codec.h>
#include <uv.h>

/* ---- the answer ---- */

static void on_moved(cairn_req_t *req, int64_t count)
{
    (void)count;
    redis_saver_done(req)->put_done(CAIRN_CONTAINER_OF(req, cairn_saver_put_t, req));
}

static void on_put(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    cairn_slice_t cursor = {NULL, 0};
    int rc = status < 0 ? 0 : redis_reply_string(reply, &cursor);
    if (rc == 0 && cursor.len > 0)
        rc = req->scratch[REDIS_SCRATCH_MEMORY] ? redis_steps_resume(req, cursor, NULL)
                                                : CAIRN_EPROTOCOL;
    if (redis_saver_failed(req, status, rc, detail) || cursor.len > 0) return;
    redis_saver_release(req);
    on_moved(req, 0);
}

/* ---- what both need ---- */

static char *ttl_and_flags(char *out, const cairn_saver_terms_t *terms)
{
    char flags[3];
    size_t count = 0;
    if (terms->ttl_given) flags[count++] = 'g';
    if (terms->shallow) flags[count++] = 's';
    if (terms->scope == CAIRN_SCOPE_THREAD) flags[count++] = 't';
    out = redis_cmd_i64(out, terms->ttl_ms);
    return redis_cmd_arg(out, cairn_slice(flags, count));
}
#define TTL_AND_FLAGS (REDIS_CMD_NUMBER + 3)

/* With a TTL for the thread there may be more of it than one call moves. */
static int prepare_steps(cairn_req_t *req, const redis_space_t *space,
                         const cairn_saver_terms_t *terms)
{
    req->scratch[REDIS_SCRATCH_MEMORY] = 0;
    if (terms->scope != CAIRN_SCOPE_THREAD) return 0;
    redis_steps_t *steps =
        redis_steps_new(1, redis_space_bound(space, 3, 8 + REDIS_CMD_NUMBER), on_moved);
    if (!steps) return UV_ENOMEM;
    char *out = redis_thread_begin(redis_steps_at(steps), &redis_script_move, space, 3);
    out = terms->ttl_given ? redis_cmd_literal(out, LITERAL("$3\r\nset\r\n"))
                           : redis_cmd_literal(out, LITERAL("$7\r\ndefault\r\n"));
    redis_steps_add(steps, redis_cmd_i64(out, terms->ttl_ms));
    req->scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)steps;
    return 0;
}

static int begin(redis_backend_t *redis, cairn_req_t *req, const redis_space_t *space,
                 const cairn_saver_terms_t *terms, size_t bytes, char **out)
{
    int rc = prepare_steps(req, space, terms);
    if (rc == 0) rc = redis_saver_reserve(redis, bytes, out);
    if (rc < 0) redis_saver_release(req);
    return rc;
}

/* ---- put ---- */

static size_t suffix_size(cairn_slice_t channel, cairn_slice_t version)
{
    return redis_escaped_size(channel) + 1 + redis_escaped_size(version);
}

static char *suffix(char *out, cairn_slice_t channel, cairn_slice_t version)
{
    out = redis_escape(out, channel);
    *out++ = ':';
    return redis_escape(out, version);
}

static size_t list_size(const cairn_checkpoint_t *checkpoint)
{
    size_t count = checkpoint->channel_version_count;
    size_t size = count > 0 ? count - 1 : 0;
    for (size_t i = 0; i < count; i++)
        size += suffix_size(checkpoint->channel_versions[i].channel,
                            checkpoint->channel_versions[i].version);
    return size;
}

static char *list(char *out, const cairn_checkpoint_t *checkpoint, size_t size)
{
    out = redis_cmd_arg_begin(out, size);
    for (size_t i = 0; i < checkpoint->channel_version_count; i++) {
        if (i > 0) *out++ = ' ';
        out = suffix(out, checkpoint->channel_versions[i].channel,
                     checkpoint->channel_versions[i].version);
    }
    return redis_cmd_end(out);
}

/* Of a channel that comes twice the last counts. */
static bool counts(const cairn_checkpoint_t *checkpoint, size_t index)
{
    const cairn_channel_value_t *value = &checkpoint->channel_values[index];
    for (size_t i = index + 1; i < checkpoint->channel_value_count; i++)
        if (cairn_slice_eq(checkpoint->channel_values[i].channel, value->channel)) return false;
    return true;
}

static size_t value_bytes(const cairn_channel_value_t *value)
{
    if (value->kind != CAIRN_CHANNEL_VALUE) return 0;
    return REDIS_PACKED_LENGTH + value->value.type.len + value->value.bytes.len;
}

/* How much the values are, and how many. */
static size_t values_size(const cairn_checkpoint_t *checkpoint, size_t *count)
{
    size_t size = 0;
    *count = 0;
    for (size_t i = 0; i < checkpoint->channel_value_count; i++) {
        const cairn_channel_value_t *value = &checkpoint->channel_values[i];
        if (!counts(checkpoint, i)) continue;
        size += 1 + suffix_size(value->channel, value->version) + value_bytes(value);
        ++*count;
    }
    return size;
}

static char *bytes_of(char *out, cairn_slice_t slice)
{
    return slice.len > 0 ? redis_cmd_literal(out, slice.ptr, slice.len) : out;
}

static char *channel_value(char *out, const cairn_channel_value_t *value)
{
    static const char kinds[] = {
        [CAIRN_CHANNEL_VALUE] = 's', [CAIRN_CHANNEL_EMPTY] = 'e', [CAIRN_CHANNEL_DELTA] = 'd'};
    out = redis_cmd_arg_begin(out, 1 + suffix_size(value->channel, value->version));
    *out++ = kinds[value->kind];
    out = redis_cmd_end(suffix(out, value->channel, value->version));
    out = redis_cmd_arg_begin(out, value_bytes(value));
    if (value->kind == CAIRN_CHANNEL_VALUE) {
        out = redis_pack_length(out, value->value.type.len);
        out = bytes_of(out, value->value.type);
        out = bytes_of(out, value->value.bytes);
    }
    return redis_cmd_end(out);
}

int redis_saver_put(void *self, cairn_saver_put_t *req, const cairn_saver_put_args_t *args)
{
    enum { ARGS = 8 };
    redis_backend_t *redis = self;
    const cairn_checkpoint_t *checkpoint = args->checkpoint;
    const redis_space_t space = redis_space(args->parent.thread_id, args->parent.checkpoint_ns);
    const size_t body = cairn_checkpoint_encoded_size(checkpoint);
    const size_t listed = list_size(checkpoint);
    size_t values;
    const size_t payload = TTL_AND_FLAGS + checkpoint->id.len + body + args->metadata.len +
                           args->parent.checkpoint_id.len + args->run_id.len + 2 + listed +
                           values_size(checkpoint, &values);
    const size_t count = ARGS + 2 * values;
    char *out;
    int rc = begin(redis, &req->req, &space, &args->terms,
                   redis_space_bound(&space, count, payload), &out);
    if (rc < 0) return rc;
    out = redis_space_begin(out, &redis_script_put, &space, count);
    out = redis_cmd_arg(out, checkpoint->id);
    out = ttl_and_flags(out, &args->terms);
    out = redis_cmd_arg_begin(out, body);
    out = redis_cmd_end(cairn_checkpoint_encode(checkpoint, out));
    out = redis_cmd_arg(out, args->metadata);
    out = redis_optional(out, args->parent.checkpoint_id);
    out = redis_optional(out, args->run_id);
    out = list(out, checkpoint, listed);
    for (size_t i = 0; i < checkpoint->channel_value_count; i++)
        if (counts(checkpoint, i)) out = channel_value(out, &checkpoint->channel_values[i]);
    redis_conn_commit_script(redis_saver_conn(redis), out, on_put, &req->req, false);
    return 0;
}

/* ---- put_writes ---- */

/* "-1:" to the largest index. */
#define FIELD_INDEX 12
#define WRITE_LENGTHS ((size_t)3 * REDIS_PACKED_LENGTH)

static size_t index_text(char text[FIELD_INDEX], int32_t idx)
{
    char *end = text;
    if (idx < 0) *end++ = '-';
    end = redis_cmd_digits(end, (uint64_t)(idx < 0 ? -(int64_t)idx : idx));
    *end++ = ':';
    return (size_t)(end - text);
}

static char *pending_write(char *out, const cairn_task_writes_t *task, size_t position)
{
    const cairn_write_t *write = &task->writes[position];
    char index[FIELD_INDEX];
    size_t index_size = index_text(index, cairn_write_idx(write->channel, (int32_t)position));
    out = redis_cmd_arg_begin(out, index_size + task->task_id.len);
    out = redis_cmd_literal(out, index, index_size);
    out = redis_cmd_end(bytes_of(out, task->task_id));
    out = redis_cmd_arg_begin(out, WRITE_LENGTHS + task->task_path.len + write->channel.len +
                                       write->value.type.len + write->value.bytes.len);
    out = redis_pack_length(out, task->task_path.len);
    out = redis_pack_length(out, write->channel.len);
    out = redis_pack_length(out, write->value.type.len);
    out = bytes_of(out, task->task_path);
    out = bytes_of(out, write->channel);
    out = bytes_of(out, write->value.type);
    return redis_cmd_end(bytes_of(out, write->value.bytes));
}

static bool is_special(const cairn_write_t *write)
{
    return cairn_write_idx(write->channel, 0) < 0;
}

/* Ordinary writes first, then those that replace. */
static char *pending_writes(char *out, const cairn_task_writes_t *task, bool special)
{
    for (size_t i = 0; i < task->count; i++)
        if (is_special(&task->writes[i]) == special) out = pending_write(out, task, i);
    return out;
}

static void run_put(cairn_task_t *task)
{
    cairn_saver_put_t *req = CAIRN_CONTAINER_OF(task, cairn_saver_put_t, req.task);
    redis_saver_deferred_done(&req->req)->put_done(req);
}

int redis_saver_put_writes(void *self, cairn_saver_put_t *req,
                           const cairn_saver_put_writes_args_t *args)
{
    enum { ARGS = 4 };
    redis_backend_t *redis = self;
    const cairn_task_writes_t *task = args->writes;
    if (task->count == 0) return redis_saver_answer_later(redis, &req->req, run_put);
    const redis_space_t space = redis_space(args->at.thread_id, args->at.checkpoint_ns);
    size_t payload = TTL_AND_FLAGS + args->at.checkpoint_id.len + REDIS_CMD_NUMBER;
    uint64_t ordinary = 0;
    for (size_t i = 0; i < task->count; i++) {
        const cairn_write_t *write = &task->writes[i];
        payload += FIELD_INDEX + task->task_id.len + WRITE_LENGTHS + task->task_path.len +
                   write->channel.len + write->value.type.len + write->value.bytes.len;
        ordinary += !is_special(write);
    }
    const size_t count = ARGS + 2 * task->count;
    char *out;
    int rc = begin(redis, &req->req, &space, &args->terms,
                   redis_space_bound(&space, count, payload), &out);
    if (rc < 0) return rc;
    out = redis_space_begin(out, &redis_script_put_writes, &space, count);
    out = redis_cmd_arg(out, args->at.checkpoint_id);
    out = ttl_and_flags(out, &args->terms);
    out = redis_cmd_u64(out, ordinary);
    out = pending_writes(out, task, false);
    out = pending_writes(out, task, true);
    redis_conn_commit_script(redis_saver_conn(redis), out, on_put, &req->req, false);
    return 0;
}
