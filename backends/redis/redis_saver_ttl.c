/* ttl and set_ttl. */
#include "redis_saver.h"

#include <uv.h>

static cairn_saver_ttl_t *ttl_of(cairn_req_t *req)
{
    return CAIRN_CONTAINER_OF(req, cairn_saver_ttl_t, req);
}

/* ---- ttl ---- */

static void on_ttl(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int64_t left = 0;
    int rc = status < 0 ? 0 : redis_saver_call_again(req, reply, on_ttl);
    const bool again = rc > 0;
    if (status == 0 && rc == 0) rc = redis_reply_int(reply, &left);
    if (rc == 0 && left < CAIRN_TTL_ABSENT) rc = CAIRN_EPROTOCOL;
    if (redis_saver_failed(req, status, rc, detail) || again) return;
    redis_saver_done(req)->ttl_done(ttl_of(req), left == 0 ? 1 : left); /* it is there still */
}

int redis_saver_ttl(void *self, cairn_saver_ttl_t *req, const cairn_saver_ttl_args_t *args)
{
    redis_backend_t *redis = self;
    const redis_space_t space = redis_space(redis, args->at.thread_id, args->at.checkpoint_ns);
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    char *out;
    int rc = redis_saver_reserve(
        redis, space.thread_id,
        redis_thread_bound(&space, 2, space.ns_place + 1 + args->at.checkpoint_id.len), &out);
    if (rc < 0) return rc;
    out = redis_thread_begin(out, &redis_script_ttl, &space, 2);
    out = redis_space_start(out, &space);
    out = args->scope == CAIRN_SCOPE_THREAD ? redis_cmd_literal(out, LITERAL("$1\r\n*\r\n"))
                                            : redis_optional(out, args->at.checkpoint_id);
    redis_conn_commit_script(redis_saver_conn(redis), out, on_ttl, &req->req, true);
    return 0;
}

/* ---- set_ttl ---- */

static void on_set(cairn_req_t *req, int64_t found)
{
    int64_t ttl_ms = (int64_t)req->scratch[REDIS_SCRATCH_NUMBER];
    redis_saver_done(req)->ttl_done(ttl_of(req), found ? ttl_ms : CAIRN_TTL_ABSENT);
}

int redis_saver_set_ttl(void *self, cairn_saver_ttl_t *req, const cairn_saver_ttl_args_t *args)
{
    redis_backend_t *redis = self;
    const bool of_thread = args->scope == CAIRN_SCOPE_THREAD;
    const redis_space_t space = redis_space(redis, args->at.thread_id, args->at.checkpoint_ns);
    const size_t payload = space.ns_place + 1 + args->at.checkpoint_id.len + REDIS_CMD_NUMBER;
    redis_steps_t *steps = redis_steps_new(1, redis_thread_bound(&space, 4, payload), on_set);
    if (!steps) return UV_ENOMEM;
    char *out = redis_steps_at(steps);
    if (of_thread) {
        out = redis_thread_begin(out, &redis_script_move, &space, 2);
    } else {
        out = redis_thread_begin(out, &redis_script_set_ttl, &space, 4);
        out = redis_space_start(out, &space);
        out = redis_optional(out, args->at.checkpoint_id);
    }
    redis_steps_add(steps, redis_cmd_i64(out, args->ttl_ms));
    req->req.scratch[REDIS_SCRATCH_NUMBER] = (uint64_t)args->ttl_ms;
    redis_hints_doubt(&redis->hints);
    return redis_steps_start(redis, &req->req, steps, &space.thread_id, 1);
}
