/* append: one call of scripts/stream_append.lua, which says what the arguments are. */
#include "redis_stream.h"

#include <uv.h>

/* The script's words for a refusal. */
enum {
    HAS_ENDED = 1,
    ENDS_ELSEWHERE = 2
};

int redis_append_refusal(redis_reply_t *reply, int *status, cairn_slice_t *detail)
{
    int64_t code = 0;
    int rc = redis_reply_int(reply, &code);
    if (rc < 0 || (code != HAS_ENDED && code != ENDS_ELSEWHERE)) return CAIRN_EPROTOCOL;
    *status = code == HAS_ENDED ? UV_EPIPE : UV_EEXIST;
    *detail = cairn_str(code == HAS_ENDED ? "the stream has ended"
                                          : "the stream does not end at expected_last");
    return 0;
}

/* A position alone: as many are new as were given. */
static int read_appended(const cairn_req_t *req, redis_reply_t *reply,
                         cairn_stream_appended_t *appended)
{
    appended->count = req->scratch[REDIS_SCRATCH_NUMBER];
    if (redis_reply_type(reply) != REDIS_ARRAY)
        return redis_position_read(reply, &appended->position);
    size_t parts;
    int64_t count = 0;
    int rc = redis_reply_array(reply, &parts);
    if (rc == 0 && parts != 2) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = redis_position_read(reply, &appended->position);
    if (rc == 0) rc = redis_reply_int(reply, &count);
    if (rc == 0 && count < 0) rc = CAIRN_EPROTOCOL;
    appended->count = (uint64_t)count;
    return rc;
}

static void on_appended(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    cairn_stream_appended_t appended;
    int rc = 0;
    if (status == 0) {
        rc = redis_reply_type(reply) == REDIS_INT ? redis_append_refusal(reply, &status, &detail)
                                                  : read_appended(req, reply, &appended);
    }
    if (redis_saver_failed(req, status, rc, detail)) return;
    redis_stream_done(req)->append_done(CAIRN_CONTAINER_OF(req, cairn_stream_append_t, req),
                                        &appended);
}

static size_t entries_size(const cairn_stream_append_args_t *args)
{
    size_t size = 0;
    for (size_t i = 0; i < args->count; i++) size += redis_event_size(&args->entries[i]);
    return size;
}

static char *limit_of(char *out, uint64_t max_events)
{
    return max_events < INT64_MAX ? redis_cmd_u64(out, max_events)
                                  : redis_cmd_literal(out, LITERAL("$0\r\n\r\n"));
}

char *redis_append_begin(char *out, const redis_backend_t *redis, const redis_queue_name_t *name,
                         int64_t ttl_ms, uint64_t max_events, size_t events)
{
    out = redis_queue_begin(out, &redis_script_stream_append, redis, name,
                            REDIS_APPEND_ARGS + events);
    out = redis_cmd_i64(out, ttl_ms);
    return limit_of(out, max_events);
}

int redis_stream_append(void *self, cairn_stream_append_t *req,
                        const cairn_stream_append_args_t *args)
{
    redis_backend_t *redis = self;
    int rc = redis_batch_append(redis, req, args);
    if (rc != REDIS_BATCH_ALONE) return rc;
    const redis_queue_name_t name = redis_queue_name(args->stream);
    const size_t payload = 2 * REDIS_CMD_NUMBER + REDIS_POSITION_SIZE + entries_size(args);
    char *out;
    rc = redis_stream_reserve(
        redis, redis_queue_bound(redis, &name, REDIS_APPEND_ARGS + args->count, payload), &out);
    if (rc < 0) return rc;
    out = redis_append_begin(out, redis, &name, args->ttl_ms, args->max_events, args->count);
    out = args->expected_last ? redis_position_arg(out, *args->expected_last)
                              : redis_cmd_literal(out, LITERAL("$0\r\n\r\n"));
    for (size_t i = 0; i < args->count; i++) out = redis_event_arg(out, &args->entries[i]);
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    req->req.scratch[REDIS_SCRATCH_NUMBER] = args->count;
    redis_conn_commit_script(redis_saver_conn(redis), out, on_appended, &req->req, false);
    return 0;
}
