/* The saver's operations: at once, or kept for later. */
#include "redis_backend.h"

#include <stddef.h>

/* A count and the first of them. */
typedef struct slices {
    const cairn_slice_t *at;
    size_t count;
} slices_t;

static const cairn_shape_part_t slices_parts[] = {
    {offsetof(slices_t, at), &cairn_slice_shape, offsetof(slices_t, count)}};
static const cairn_shape_t slices_shape = {sizeof(slices_t), slices_parts, 1};

static bool keeps(const redis_backend_t *redis)
{
    return redis->early.keeps;
}

/* ---- put and put_writes ---- */

static int ask_put(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return redis_saver_ops.put(redis, CAIRN_CONTAINER_OF(req, cairn_saver_put_t, req), args);
}

static int put(void *self, cairn_saver_put_t *req, const cairn_saver_put_args_t *args)
{
    static const redis_early_op_t op = {&cairn_saver_put_shape, ask_put};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return redis_saver_ops.put(self, req, args);
}

static int ask_put_writes(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return redis_saver_ops.put_writes(redis, CAIRN_CONTAINER_OF(req, cairn_saver_put_t, req), args);
}

static int put_writes(void *self, cairn_saver_put_t *req, const cairn_saver_put_writes_args_t *args)
{
    static const redis_early_op_t op = {&cairn_saver_put_writes_shape, ask_put_writes};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return redis_saver_ops.put_writes(self, req, args);
}

/* ---- reads ---- */

static int ask_get(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return redis_saver_ops.get(redis, CAIRN_CONTAINER_OF(req, cairn_saver_get_t, req), args);
}

static int get(void *self, cairn_saver_get_t *req, const cairn_saver_get_args_t *args)
{
    static const redis_early_op_t op = {&cairn_saver_get_shape, ask_get};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return redis_saver_ops.get(self, req, args);
}

static int ask_list(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return redis_saver_ops.list(redis, CAIRN_CONTAINER_OF(req, cairn_saver_list_t, req), args);
}

static int list(void *self, cairn_saver_list_t *req, const cairn_saver_list_args_t *args)
{
    static const redis_early_op_t op = {&cairn_saver_list_shape, ask_list};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return redis_saver_ops.list(self, req, args);
}

static int ask_history(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return redis_saver_ops.history(redis, CAIRN_CONTAINER_OF(req, cairn_saver_history_t, req),
                                   args);
}

static int history(void *self, cairn_saver_history_t *req, const cairn_saver_history_args_t *args)
{
    static const redis_early_op_t op = {&cairn_saver_history_shape, ask_history};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return redis_saver_ops.history(self, req, args);
}

/* ---- what deletes, and copies ---- */

static cairn_saver_delete_t *delete_of(cairn_req_t *req)
{
    return CAIRN_CONTAINER_OF(req, cairn_saver_delete_t, req);
}

static int ask_delete_thread(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return redis_saver_ops.delete_thread(redis, delete_of(req), *(const cairn_slice_t *)args);
}

static int delete_thread(void *self, cairn_saver_delete_t *req, cairn_slice_t thread_id)
{
    static const redis_early_op_t op = {&cairn_slice_shape, ask_delete_thread};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, &thread_id);
    return redis_saver_ops.delete_thread(self, req, thread_id);
}

static int ask_delete_for_runs(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    const slices_t *runs = args;
    return redis_saver_ops.delete_for_runs(redis, delete_of(req), runs->at, runs->count);
}

static int delete_for_runs(void *self, cairn_saver_delete_t *req, const cairn_slice_t *run_ids,
                           size_t count)
{
    static const redis_early_op_t op = {&slices_shape, ask_delete_for_runs};
    const slices_t runs = {run_ids, count};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, &runs);
    return redis_saver_ops.delete_for_runs(self, req, run_ids, count);
}

static int ask_prune(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return redis_saver_ops.prune(redis, delete_of(req), args);
}

static int prune(void *self, cairn_saver_delete_t *req, const cairn_saver_prune_args_t *args)
{
    static const redis_early_op_t op = {&cairn_saver_prune_shape, ask_prune};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return redis_saver_ops.prune(self, req, args);
}

static int ask_copy_thread(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    const slices_t *ids = args;
    return redis_saver_ops.copy_thread(redis, CAIRN_CONTAINER_OF(req, cairn_saver_copy_t, req),
                                       ids->at[0], ids->at[1]);
}

static int copy_thread(void *self, cairn_saver_copy_t *req, cairn_slice_t source,
                       cairn_slice_t target)
{
    static const redis_early_op_t op = {&slices_shape, ask_copy_thread};
    const cairn_slice_t both[] = {source, target};
    const slices_t ids = {both, 2};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, &ids);
    return redis_saver_ops.copy_thread(self, req, source, target);
}

/* ---- TTL ---- */

static cairn_saver_ttl_t *ttl_of(cairn_req_t *req)
{
    return CAIRN_CONTAINER_OF(req, cairn_saver_ttl_t, req);
}

static int ask_ttl(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return redis_saver_ops.ttl(redis, ttl_of(req), args);
}

static int ttl(void *self, cairn_saver_ttl_t *req, const cairn_saver_ttl_args_t *args)
{
    static const redis_early_op_t op = {&cairn_saver_ttl_shape, ask_ttl};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return redis_saver_ops.ttl(self, req, args);
}

static int ask_set_ttl(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return redis_saver_ops.set_ttl(redis, ttl_of(req), args);
}

static int set_ttl(void *self, cairn_saver_ttl_t *req, const cairn_saver_ttl_args_t *args)
{
    static const redis_early_op_t op = {&cairn_saver_ttl_shape, ask_set_ttl};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return redis_saver_ops.set_ttl(self, req, args);
}

static int sweep_ttl(void *self, cairn_saver_delete_t *req)
{
    return redis_saver_ops.sweep_ttl(self, req);
}

const cairn_saver_ops_t redis_early_saver_ops = {
    .size = sizeof(cairn_saver_ops_t),
    .put = put,
    .put_writes = put_writes,
    .get = get,
    .list = list,
    .delete_thread = delete_thread,
    .delete_for_runs = delete_for_runs,
    .prune = prune,
    .copy_thread = copy_thread,
    .history = history,
    .ttl = ttl,
    .set_ttl = set_ttl,
    .sweep_ttl = sweep_ttl,
};
