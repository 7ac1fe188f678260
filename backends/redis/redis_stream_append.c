/* append: one call of scripts/stream_append.lua, which says what the arguments are. */
#include "redis_stream.h"

#include <uv.h>

/* The script's words for a refusal. */
enum {
    HAS_ENDED = 1,
    ENDS_ELSEWHERE = 2,
    UNSURE = 3
};

/* ---- the answer ---- */

void redis_append_ended(int *status, cairn_slice_t *detail)
{
    *status = UV_EPIPE;
    *detail = cairn_str("the stream has ended");
}

static int read_refusal(redis_reply_t *reply, int *status, cairn_slice_t *detail)
{
    int64_t code = 0;
    int rc = redis_reply_int(reply, &code);
    if (rc == 0 && code == UNSURE) return REDIS_APPEND_UNSURE;
    if (rc < 0 || (code != HAS_ENDED && code != ENDS_ELSEWHERE)) return CAIRN_EPROTOCOL;
    redis_append_ended(status, detail);
    if (code == HAS_ENDED) return 0;
    *status = UV_EEXIST;
    *detail = cairn_str("the stream does not end at expected_last");
    return 0;
}

int redis_append_read(redis_reply_t *reply, uint64_t events, int *status, cairn_slice_t *detail,
                      cairn_stream_appended_t *appended, bool *numbered)
{
    size_t parts;
    int64_t count = 0;
    *appended = (cairn_stream_appended_t){.count = events};
    *numbered = redis_reply_type(reply) == REDIS_STRING;
    if (*numbered) return redis_position_read(reply, &appended->position);
    if (redis_reply_type(reply) == REDIS_INT) return read_refusal(reply, status, detail);
    int rc = redis_reply_array(reply, &parts);
    if (rc == 0 && parts != 2) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = redis_position_read(reply, &appended->position);
    if (rc == 0) rc = redis_reply_int(reply, &count);
    if (rc == 0 && (count < 0 || (uint64_t)count > events)) rc = CAIRN_EPROTOCOL;
    appended->count = (uint64_t)count;
    return rc;
}

static void on_appended(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    cairn_stream_appended_t appended;
    bool numbered;
    int rc = 0;
    if (status == 0)
        rc = redis_append_read(reply, req->scratch[REDIS_SCRATCH_NUMBER], &status, &detail,
                               &appended, &numbered);
    if (rc == REDIS_APPEND_UNSURE) rc = CAIRN_EPROTOCOL; /* nothing was claimed */
    if (redis_saver_failed(req, status, rc, detail)) return;
    redis_stream_done(req)->append_done(CAIRN_CONTAINER_OF(req, cairn_stream_append_t, req),
                                        &appended);
}

/* ---- the call ---- */

static size_t entries_size(const cairn_stream_append_args_t *args)
{
    size_t size = 0;
    for (size_t i = 0; i < args->count; i++) size += redis_event_size(&args->entries[i]);
    return size;
}

char *redis_append_terms(char *out, int64_t ttl_ms, uint64_t max_events)
{
    out = ttl_ms == CAIRN_TTL_PERSIST ? redis_cmd_literal(out, LITERAL("-1"))
                                      : redis_cmd_digits(out, (uint64_t)ttl_ms);
    *out++ = ' ';
    return max_events < INT64_MAX ? redis_cmd_digits(out, max_events) : out;
}

char *redis_append_begin(char *out, const redis_backend_t *redis, const redis_queue_name_t *name,
                         const cairn_stream_append_args_t *args, size_t events)
{
    char terms[REDIS_APPEND_TERMS];
    char *end = redis_append_terms(terms, args->ttl_ms, args->max_events);
    *end++ = ' ';
    if (args->expected_last) end += cairn_position_format(*args->expected_last, end);
    out = redis_queue_begin(out, &redis_script_stream_append, redis, name, 1 + events);
    return redis_cmd_arg(out, cairn_slice(terms, (size_t)(end - terms)));
}

char *redis_append_begin_claimed(char *out, const redis_backend_t *redis,
                                 const redis_queue_name_t *name, int64_t ttl_ms,
                                 uint64_t max_events, uint64_t number)
{
    char terms[REDIS_APPEND_TERMS];
    char *end = redis_append_terms(terms, ttl_ms, max_events);
    *end++ = ' ';
    end += redis_claim_mark(end, number);
    out = redis_queue_begin(out, &redis_script_stream_append, redis, name, 2);
    return redis_cmd_arg(out, cairn_slice(terms, (size_t)(end - terms)));
}

int redis_stream_append(void *self, cairn_stream_append_t *req,
                        const cairn_stream_append_args_t *args)
{
    redis_backend_t *redis = self;
    int rc = redis_batch_append(redis, req, args);
    if (rc != REDIS_BATCH_ALONE) return rc;
    const redis_queue_name_t name = redis_queue_name(args->stream);
    char *out;
    rc = redis_stream_reserve(
        redis, name.id,
        redis_queue_bound(redis, &name, 1 + args->count, REDIS_APPEND_TERMS + entries_size(args)),
        &out);
    if (rc < 0) return rc;
    redis_tips_forget(redis, name.id);
    out = redis_append_begin(out, redis, &name, args, args->count);
    for (size_t i = 0; i < args->count; i++) out = redis_event_arg(out, &args->entries[i]);
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    req->req.scratch[REDIS_SCRATCH_NUMBER] = args->count;
    redis_conn_commit_script(redis_saver_conn(redis), out, on_appended, &req->req, false);
    return 0;
}
