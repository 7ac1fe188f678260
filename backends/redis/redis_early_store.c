/* The store's operations: at once, or kept for later. */
#include "redis_backend.h"

#include <stddef.h>

typedef struct steps {
    const cairn_store_step_t *at;
    size_t count;
} steps_t;

/* What count, ttl and set_ttl are given. */
typedef struct place {
    cairn_namespace_t ns;
    cairn_slice_t text; /* the filter, or the key */
    int64_t ttl_ms;
} place_t;

static const cairn_shape_part_t steps_parts[] = {
    {offsetof(steps_t, at), &cairn_store_step_shape, offsetof(steps_t, count)}};
static const cairn_shape_t steps_shape = {sizeof(steps_t), steps_parts, 1};
static const cairn_shape_part_t place_parts[] = {
    {offsetof(place_t, ns.labels), &cairn_slice_shape, offsetof(place_t, ns.count)},
    {offsetof(place_t, text), NULL, 0}};
static const cairn_shape_t place_shape = {sizeof(place_t), place_parts, 2};

static bool keeps(const redis_backend_t *redis)
{
    return redis->early.keeps;
}

/* ---- get and put ---- */

static int ask_get(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return redis_store_ops.get(redis, CAIRN_CONTAINER_OF(req, cairn_store_get_t, req), args);
}

static int get(void *self, cairn_store_get_t *req, const cairn_store_get_args_t *args)
{
    static const redis_early_op_t op = {&cairn_store_get_shape, ask_get};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return redis_store_ops.get(self, req, args);
}

static int ask_put(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return redis_store_ops.put(redis, CAIRN_CONTAINER_OF(req, cairn_store_put_t, req), args);
}

static int put(void *self, cairn_store_put_t *req, const cairn_store_put_args_t *args)
{
    static const redis_early_op_t op = {&cairn_store_put_shape, ask_put};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return redis_store_ops.put(self, req, args);
}

static int ask_batch(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    const steps_t *steps = args;
    return redis_store_ops.batch(redis, CAIRN_CONTAINER_OF(req, cairn_store_batch_t, req),
                                 steps->at, steps->count);
}

static int batch(void *self, cairn_store_batch_t *req, const cairn_store_step_t *steps,
                 size_t count)
{
    static const redis_early_op_t op = {&steps_shape, ask_batch};
    const steps_t all = {steps, count};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, &all);
    return redis_store_ops.batch(self, req, steps, count);
}

/* ---- search, lists, counts ---- */

static int ask_search(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return redis_store_ops.search(redis, CAIRN_CONTAINER_OF(req, cairn_store_search_t, req), args);
}

static int search(void *self, cairn_store_search_t *req, const cairn_store_search_args_t *args)
{
    static const redis_early_op_t op = {&cairn_store_search_shape, ask_search};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return redis_store_ops.search(self, req, args);
}

static int ask_list(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return redis_store_ops.list_namespaces(redis, CAIRN_CONTAINER_OF(req, cairn_store_list_t, req),
                                           args);
}

static int list_namespaces(void *self, cairn_store_list_t *req, const cairn_store_list_args_t *args)
{
    static const redis_early_op_t op = {&cairn_store_list_shape, ask_list};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return redis_store_ops.list_namespaces(self, req, args);
}

static int ask_count(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    const place_t *place = args;
    return redis_store_ops.count(redis, CAIRN_CONTAINER_OF(req, cairn_store_count_t, req),
                                 place->ns, place->text);
}

static int count(void *self, cairn_store_count_t *req, cairn_namespace_t prefix,
                 cairn_slice_t filter)
{
    static const redis_early_op_t op = {&place_shape, ask_count};
    const place_t place = {.ns = prefix, .text = filter};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, &place);
    return redis_store_ops.count(self, req, prefix, filter);
}

/* ---- TTL ---- */

static int ask_ttl(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    const place_t *place = args;
    return redis_store_ops.ttl(redis, CAIRN_CONTAINER_OF(req, cairn_store_ttl_t, req), place->ns,
                               place->text);
}

static int ttl(void *self, cairn_store_ttl_t *req, cairn_namespace_t ns, cairn_slice_t key)
{
    static const redis_early_op_t op = {&place_shape, ask_ttl};
    const place_t place = {.ns = ns, .text = key};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, &place);
    return redis_store_ops.ttl(self, req, ns, key);
}

static int ask_set_ttl(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    const place_t *place = args;
    return redis_store_ops.set_ttl(redis, CAIRN_CONTAINER_OF(req, cairn_store_ttl_t, req),
                                   place->ns, place->text, place->ttl_ms);
}

static int set_ttl(void *self, cairn_store_ttl_t *req, cairn_namespace_t ns, cairn_slice_t key,
                   int64_t ttl_ms)
{
    static const redis_early_op_t op = {&place_shape, ask_set_ttl};
    const place_t place = {.ns = ns, .text = key, .ttl_ms = ttl_ms};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, &place);
    return redis_store_ops.set_ttl(self, req, ns, key, ttl_ms);
}

static int sweep_ttl(void *self, cairn_store_count_t *req)
{
    return redis_store_ops.sweep_ttl(self, req);
}

const cairn_store_ops_t redis_early_store_ops = {
    .size = sizeof(cairn_store_ops_t),
    .get = get,
    .put = put,
    .search = search,
    .list_namespaces = list_namespaces,
    .batch = batch,
    .count = count,
    .ttl = ttl,
    .set_ttl = set_ttl,
    .sweep_ttl = sweep_ttl,
};
