#include "redis_saver.h"

#include <uv.h>

/* The row is there, or the thread's TTL is not put back in all of it: then it is a cursor. */
static void on_get(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_backend_t *redis = redis_saver_of(req);
    cairn_checkpoint_tuple_t tuple, *found = NULL;
    redis_type_t type = status < 0 ? REDIS_NONE : redis_reply_type(reply);
    int rc = 0;
    if (type == REDIS_STRING) {
        cairn_slice_t cursor;
        rc = redis_reply_string(reply, &cursor);
        if (rc == 0)
            rc = req->scratch[REDIS_SCRATCH_MEMORY] ? redis_steps_resume(req, cursor, on_get)
                                                    : CAIRN_EPROTOCOL;
        if (rc == 0) return;
    } else if (status == 0 && type != REDIS_NIL) {
        cairn_arena_reset(&redis->arena);
        rc = redis_row_read(reply, &redis->arena, &tuple);
        found = &tuple;
    }
    if (redis_saver_failed(req, status, rc, detail)) return;
    redis_saver_release(req);
    redis_saver_done(req)->get_done(CAIRN_CONTAINER_OF(req, cairn_saver_get_t, req), found);
}

/* Without its last argument, the cursor. */
#define ARGS 4

static size_t call_bound(const redis_space_t *space, const cairn_saver_get_args_t *args)
{
    enum { FLAGS = 3 };
    return redis_space_bound(space, ARGS,
                             args->at.checkpoint_id.len + 1 + FLAGS + args->at.thread_id.len);
}

static char *call(char *out, const redis_space_t *space, const cairn_saver_get_args_t *args)
{
    char flags[3];
    size_t count = 0;
    if (args->headers_only) flags[count++] = 'h';
    if (args->terms.refresh) flags[count++] = 'r';
    if (args->terms.scope == CAIRN_SCOPE_THREAD) flags[count++] = 't';
    out = redis_space_begin(out, &redis_script_get, space, ARGS);
    out = redis_optional(out, args->at.checkpoint_id);
    out = redis_cmd_arg(out, cairn_slice(flags, count));
    return redis_cmd_arg(out, args->at.thread_id);
}

/* For what may take more than one call. */
static int keep_call(cairn_req_t *req, const redis_space_t *space,
                     const cairn_saver_get_args_t *args)
{
    redis_steps_t *steps = redis_steps_new(1, call_bound(space, args), NULL);
    if (!steps) return UV_ENOMEM;
    redis_steps_add(steps, call(redis_steps_at(steps), space, args));
    req->scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)steps;
    return 0;
}

int redis_saver_get(void *self, cairn_saver_get_t *req, const cairn_saver_get_args_t *args)
{
    redis_backend_t *redis = self;
    const redis_space_t space = redis_space(args->at.thread_id, args->at.checkpoint_ns);
    bool moves_thread = args->terms.refresh && args->terms.scope == CAIRN_SCOPE_THREAD;
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    char *out;
    int rc = moves_thread ? keep_call(&req->req, &space, args) : 0;
    if (rc == 0) rc = redis_saver_reserve(redis, call_bound(&space, args), &out);
    if (rc < 0) {
        redis_saver_release(&req->req);
        return rc;
    }
    out = redis_cmd_arg(call(out, &space, args), cairn_slice(NULL, 0));
    redis_conn_commit_script(redis_saver_conn(redis), out, on_get, &req->req, true);
    return 0;
}
