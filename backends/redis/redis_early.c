#include "redis_early.h"

#include "redis_backend.h"

#include <cairn/sys/alloc.h>
#include <stddef.h>
#include <uv.h>

/* A request has REDIS_CONN_EARLY where its connection would stand, and this as its memory. */
struct redis_held {
    redis_held_t *next, **at;
    cairn_req_t *req;
    const redis_early_op_t *op;
    size_t bytes;
    max_align_t args[];
};

static void run(cairn_task_t *task);

void redis_early_init(redis_backend_t *redis, bool keeps)
{
    redis->early = (redis_early_t){.keeps = keeps, .task = {.run = run}};
    redis->early.end = &redis->early.first;
}

void redis_early_close(redis_backend_t *redis)
{
    redis->host->api->undefer(redis->host, &redis->early.task);
}

/* ---- keeping ---- */

static bool is_full(const redis_backend_t *redis, size_t bytes)
{
    const redis_early_t *early = &redis->early;
    const redis_conn_options_t *options = redis->route.one.commands.options;
    return early->count >= options->max_inflight || early->bytes + bytes > options->max_queue_bytes;
}

static redis_held_t *held_by(const cairn_req_t *req)
{
    return (redis_held_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_MEMORY];
}

static void put_in(redis_early_t *early, redis_held_t *held, redis_held_t **at)
{
    held->at = at;
    held->next = *at;
    *at = held;
    if (held->next)
        held->next->at = &held->next;
    else
        early->end = &held->next;
    early->count++;
    early->bytes += held->bytes;
    held->req->scratch[REDIS_SCRATCH_CONN] = REDIS_CONN_EARLY;
    held->req->scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)held;
}

int redis_early_keep(redis_backend_t *redis, cairn_req_t *req, const redis_early_op_t *op,
                     const void *args)
{
    redis_early_t *early = &redis->early;
    const size_t bytes = sizeof(redis_held_t) + cairn_copy_size(op->shape, args);
    if (bytes > redis->route.one.commands.options->max_queue_bytes) return CAIRN_ETOOBIG;
    if (is_full(redis, bytes)) {
        early->refused = true;
        return CAIRN_EFULL;
    }
    redis_held_t *held = cairn_malloc(bytes);
    if (!held) return UV_ENOMEM;
    *held = (redis_held_t){.req = req, .op = op, .bytes = bytes};
    (void)cairn_copy(op->shape, args, held->args);
    put_in(early, held, early->end);
    return 0;
}

/* To be freed. */
static void take_out(redis_early_t *early, redis_held_t *held)
{
    *held->at = held->next;
    if (held->next)
        held->next->at = held->at;
    else
        early->end = held->at;
    early->count--;
    early->bytes -= held->bytes;
    held->req->scratch[REDIS_SCRATCH_CONN] = 0;
    held->req->scratch[REDIS_SCRATCH_MEMORY] = 0;
}

void redis_early_forget(redis_backend_t *redis, cairn_req_t *req)
{
    redis_held_t *held = held_by(req);
    take_out(&redis->early, held);
    cairn_free(held);
}

/* ---- going ---- */

static void tell_room(redis_backend_t *redis)
{
    if (!redis->early.refused) return;
    redis->early.refused = false;
    redis->host->api->credit(redis->host);
}

/* The oldest. False: there is no room for it yet. */
static bool ask_first(redis_backend_t *redis)
{
    redis_early_t *early = &redis->early;
    redis_held_t *held = early->first;
    cairn_req_t *req = held->req;
    take_out(early, held);
    int rc = held->op->ask(redis, req, held->args);
    if (rc == CAIRN_EFULL) {
        put_in(early, held, &early->first);
        return false;
    }
    cairn_free(held);
    if (rc < 0) redis->host->api->fail(req, rc, cairn_slice(NULL, 0));
    return true;
}

/* Not those that come by what these are told: the loop goes on first. */
static void run(cairn_task_t *task)
{
    redis_early_t *early = CAIRN_CONTAINER_OF(task, redis_early_t, task);
    redis_backend_t *redis = CAIRN_CONTAINER_OF(early, redis_backend_t, early);
    bool has_room = true;
    for (size_t i = early->count; i > 0 && early->first && has_room; i--)
        has_room = ask_first(redis);
    early->keeps = early->first != NULL;
    if (early->keeps && has_room) redis->host->api->defer(redis->host, task);
    if (has_room) tell_room(redis);
}

void redis_early_go(redis_backend_t *redis)
{
    redis->early.known = true;
    if (redis->early.keeps) redis->host->api->defer(redis->host, &redis->early.task);
}

void redis_early_go_on(redis_backend_t *redis)
{
    if (redis->early.known) redis_early_go(redis);
}

void redis_early_fail(redis_backend_t *redis, int status, cairn_slice_t detail)
{
    redis_early_t *early = &redis->early;
    for (size_t i = early->count; i > 0 && early->first; i--) {
        redis_held_t *held = early->first;
        cairn_req_t *req = held->req;
        take_out(early, held);
        cairn_free(held);
        redis->host->api->fail(req, status, detail);
    }
    tell_room(redis);
}
