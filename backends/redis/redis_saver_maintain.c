/* delete_thread, delete_for_runs, prune, copy_thread: a bounded number of checkpoints a call, so
 * that nobody else waits long. */
#include "redis_saver_gather.h"

#include <uv.h>

static cairn_saver_delete_t *delete_of(cairn_req_t *req)
{
    return CAIRN_CONTAINER_OF(req, cairn_saver_delete_t, req);
}

static void on_deleted(cairn_req_t *req, int64_t count)
{
    redis_saver_done(req)->delete_done(delete_of(req), (uint64_t)count);
}

static void run_nothing(cairn_task_t *task)
{
    cairn_saver_delete_t *req = CAIRN_CONTAINER_OF(task, cairn_saver_delete_t, req.task);
    redis_saver_deferred_done(&req->req)->delete_done(req, 0);
}

int redis_saver_sweep_ttl(void *self, cairn_saver_delete_t *req)
{
    return redis_saver_answer_later(self, &req->req, run_nothing);
}

/* ---- delete_thread, prune ---- */

/* keep: 0 to keep nothing. */
static char *prune_call(char *out, const redis_space_t *space, uint32_t keep)
{
    if (keep == 0) return redis_thread_begin(out, &redis_script_delete, space, 1);
    out = redis_thread_begin(out, &redis_script_prune, space, 2);
    return redis_cmd_u64(out, keep);
}

static int prune(redis_backend_t *redis, cairn_saver_delete_t *req, const cairn_slice_t *threads,
                 size_t count, uint32_t keep)
{
    size_t bytes = 0;
    if (count == 0) return redis_saver_answer_later(redis, &req->req, run_nothing);
    redis_hints_doubt(&redis->hints);
    for (size_t i = 0; i < count; i++) {
        const redis_space_t space = redis_space(redis, threads[i], cairn_slice(NULL, 0));
        bytes += redis_thread_bound(&space, 2, REDIS_CMD_NUMBER);
    }
    redis_steps_t *steps = redis_steps_new(count, bytes, on_deleted);
    if (!steps) return UV_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const redis_space_t space = redis_space(redis, threads[i], cairn_slice(NULL, 0));
        redis_steps_add(steps, prune_call(redis_steps_at(steps), &space, keep));
    }
    return redis_steps_start(redis, &req->req, steps, threads, count);
}

int redis_saver_delete_thread(void *self, cairn_saver_delete_t *req, cairn_slice_t thread_id)
{
    return prune(self, req, &thread_id, 1, 0);
}

int redis_saver_prune(void *self, cairn_saver_delete_t *req, const cairn_saver_prune_args_t *args)
{
    return prune(self, req, args->thread_ids, args->thread_count, args->keep);
}

/* ---- delete_for_runs ---- */

#define RUN_ARGS 5

size_t redis_run_bound(cairn_slice_t run_id)
{
    const size_t names =
        sizeof REDIS_KEY_RUN REDIS_KEY_NAMES REDIS_KEY_SHARD REDIS_KEY_SHARD_EXPIRY +
        REDIS_CMD_NUMBER;
    return REDIS_SCRIPT_BEGIN +
           redis_cmd_bound(1 + RUN_ARGS, names + redis_escaped_size(run_id) + run_id.len);
}

char *redis_run_call(char *out, cairn_slice_t run_id, const uint16_t *slot)
{
    const redis_space_t space = {.split = slot != NULL, .slot = slot ? *slot : 0};
    out = redis_script_begin(out, &redis_script_drop_runs, redis_space_guard(&space), 1, RUN_ARGS);
    out = redis_run_key(out, &space, run_id);
    out = redis_cmd_literal(out, LITERAL(REDIS_NAMES_ARG));
    out = redis_cmd_arg(out, cairn_slice(LITERAL(REDIS_KEY_SHARD)));
    out = redis_cmd_arg(out, cairn_slice(LITERAL(REDIS_KEY_SHARD_EXPIRY)));
    return redis_cmd_arg(out, run_id);
}

int redis_saver_delete_for_runs(void *self, cairn_saver_delete_t *req, const cairn_slice_t *run_ids,
                                size_t count)
{
    redis_backend_t *redis = self;
    size_t bytes = 0;
    if (count == 0) return redis_saver_answer_later(redis, &req->req, run_nothing);
    redis_hints_doubt(&redis->hints);
    if (redis_route_is_split(&redis->route)) return redis_runs_spread(redis, req, run_ids, count);
    for (size_t i = 0; i < count; i++) bytes += redis_run_bound(run_ids[i]);
    redis_steps_t *steps = redis_steps_new(count, bytes, on_deleted);
    if (!steps) return UV_ENOMEM;
    for (size_t i = 0; i < count; i++)
        redis_steps_add(steps, redis_run_call(redis_steps_at(steps), run_ids[i], NULL));
    return redis_steps_start(self, &req->req, steps, NULL, 0);
}

/* ---- copy_thread ---- */

static void on_copied(cairn_req_t *req, int64_t count)
{
    if (count < 0) {
        redis_saver_fail(req, UV_EEXIST, cairn_str("the target thread exists"));
    } else {
        redis_saver_done(req)->copy_done(CAIRN_CONTAINER_OF(req, cairn_saver_copy_t, req),
                                         (uint64_t)count);
    }
}

int redis_saver_copy_thread(void *self, cairn_saver_copy_t *req, cairn_slice_t source,
                            cairn_slice_t target)
{
    enum {
        KEYS = 6,
        ARGS = 6
    };
    redis_backend_t *redis = self;
    const redis_space_t from = redis_space(redis, source, cairn_slice(NULL, 0));
    const redis_space_t to = redis_space(redis, target, cairn_slice(NULL, 0));
    if (from.slot != to.slot) {
        redis_hints_doubt(&redis->hints);
        return redis_copy_spread(redis, req, source, target);
    }
    redis_steps_t *steps = redis_steps_new(
        1, redis_thread_bound(&from, 0, 0) + redis_thread_bound(&to, 0, 0), on_copied);
    if (!steps) return UV_ENOMEM;
    char *out = redis_script_begin(redis_steps_at(steps), &redis_script_copy,
                                   redis_space_guard(&from), KEYS, ARGS);
    out = redis_thread_keys(out, &from);
    out = redis_thread_keys(out, &to);
    out = redis_cmd_literal(out, LITERAL(REDIS_NAMES_ARG));
    out = redis_thread_names(out, &from);
    redis_steps_add(steps, redis_thread_names(out, &to));
    redis_hints_doubt(&redis->hints);
    return redis_steps_start(self, &req->req, steps, (cairn_slice_t[]){source, target}, 2);
}
