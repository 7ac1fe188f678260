#include "redis_saver_gather.h"

#include "redis_slot_tags.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

static redis_gather_t *gather_of(const cairn_req_t *req)
{
    return (redis_gather_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_MEMORY];
}

/* ---- its life ---- */

redis_gather_t *redis_gather_new(redis_backend_t *redis, cairn_req_t *req, size_t size)
{
    redis_gather_t *gather = cairn_calloc(1, size);
    if (!gather) return NULL;
    gather->redis = redis;
    gather->req = req;
    for (size_t i = 0; i < REDIS_GATHER_PARTS; i++) gather->parts[i].gather = gather;
    return gather;
}

void redis_gather_free(redis_gather_t *gather)
{
    if (!gather) return;
    if (gather->gone) gather->gone(gather);
    cairn_arena_free(&gather->arena);
    cairn_free(gather);
}

static void stop(redis_gather_t *gather)
{
    for (size_t i = 0; i < REDIS_GATHER_PARTS; i++) {
        redis_gather_part_t *part = &gather->parts[i];
        if (part->out) redis_route_forget(&part->req);
        part->out = false;
    }
    gather->out = 0;
}

void redis_gather_end(redis_gather_t *gather)
{
    stop(gather);
    gather->req->scratch[REDIS_SCRATCH_MEMORY] = 0;
}

void redis_gather_forget(cairn_req_t *req)
{
    redis_gather_t *gather = gather_of(req);
    redis_gather_end(gather);
    redis_gather_free(gather);
}

static void fail(redis_gather_t *gather, int status, cairn_slice_t detail)
{
    const cairn_host_t *host = gather->redis->host;
    cairn_req_t *req = gather->req;
    redis_gather_end(gather);
    redis_gather_free(gather);
    host->api->fail(req, status, detail);
}

/* ---- rounds ---- */

/* What may be out is. */
static int go_on(redis_gather_t *gather)
{
    for (size_t i = 0; i < REDIS_GATHER_PARTS && gather->next < gather->count; i++) {
        redis_gather_part_t *part = &gather->parts[i];
        if (part->out) continue;
        part->index = gather->next++;
        int rc = gather->plan->send(gather, part);
        if (rc < 0) return rc;
    }
    return 0;
}

int redis_gather_round(redis_gather_t *gather, const redis_gather_plan_t *plan, size_t count)
{
    gather->plan = plan;
    gather->count = count;
    gather->next = 0;
    return count > 0 ? go_on(gather) : plan->done(gather);
}

int redis_gather_start(redis_gather_t *gather, const redis_gather_plan_t *plan, size_t count)
{
    cairn_req_t *req = gather->req;
    req->scratch[REDIS_SCRATCH_CONN] = REDIS_CONN_GATHERS;
    req->scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)gather;
    int rc = redis_gather_round(gather, plan, count);
    if (rc < 0) redis_gather_forget(req);
    return rc;
}

static void on_part(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    redis_gather_part_t *part = CAIRN_CONTAINER_OF(ctx, redis_gather_part_t, req);
    redis_gather_t *gather = part->gather;
    const cairn_slice_t none = {NULL, 0};
    part->out = false;
    gather->out--;
    if (status < 0) {
        fail(gather, status, detail);
        return;
    }
    int rc = gather->plan->take(gather, part, reply);
    if (rc == REDIS_GATHER_AGAIN) rc = gather->plan->send(gather, part);
    if (rc == 0) rc = go_on(gather);
    if (rc == 0 && gather->out == 0) rc = gather->plan->done(gather);
    if (rc == CAIRN_EPROTOCOL)
        fail(gather, rc, cairn_str("a script's answer makes no sense"));
    else if (rc < 0)
        fail(gather, rc, none);
}

int redis_gather_reserve(redis_gather_t *gather, unsigned slot, bool any, size_t bytes, char **at)
{
    redis_route_t *route = &gather->redis->route;
    int rc = redis_saver_prepare(gather->redis);
    if (rc < 0) return rc;
    redis_conn_t *conn = redis_route_choose_slot(route, slot);
    if (any) conn = redis_standalone_choose_any(route->at);
    /* Who is refused has sent nothing. */
    if (!gather->begun) return redis_conn_reserve(conn, bytes, at);
    return redis_conn_reserve_unbounded(conn, bytes, at);
}

void redis_gather_commit(redis_gather_t *gather, redis_gather_part_t *part, const char *end,
                         bool idempotent)
{
    part->req.flags = gather->req->flags;
    part->out = true;
    gather->out++;
    gather->begun = true;
    redis_conn_commit_script(redis_saver_conn(gather->redis), end, on_part, &part->req, idempotent);
}

/* ---- pieces ---- */

int redis_gather_cut(redis_gather_t *gather)
{
    const redis_cluster_t *cluster = gather->redis->route.cluster;
    redis_piece_t *pieces = cairn_arena_alloc(&gather->arena, REDIS_SLOTS, sizeof *pieces);
    redis_piece_t *last = NULL;
    if (!pieces) return UV_ENOMEM;
    for (unsigned slot = 0; slot < REDIS_SLOTS; slot++) {
        if (!last || last->count == REDIS_PIECE_SLOTS ||
            redis_cluster_node(cluster, slot) != redis_cluster_node(cluster, last->first)) {
            last = &pieces[gather->piece_count++];
            *last = (redis_piece_t){.first = (uint16_t)slot};
        }
        last->count++;
    }
    gather->pieces = pieces;
    return 0;
}

size_t redis_piece_bound(void)
{
    return redis_cmd_bound(1, REDIS_PIECE_SLOTS * (size_t)REDIS_SLOT_TAG);
}

char *redis_piece_tags(char *out, const redis_piece_t *piece)
{
    out = redis_cmd_arg_begin(out, piece->count * (size_t)REDIS_SLOT_TAG);
    return redis_cmd_end(redis_slot_tags(out, piece->first, piece->count));
}

int redis_piece_read(redis_gather_t *gather, const redis_piece_t *piece, redis_reply_t *reply,
                     cairn_rows_t *slots)
{
    size_t count = 0;
    int rc = redis_reply_array(reply, &count);
    for (size_t i = 0; i < count && rc == 0; i++) {
        int64_t place;
        rc = redis_reply_int(reply, &place);
        if (rc < 0 || place < 0 || place >= piece->count) return CAIRN_EPROTOCOL;
        uint16_t *slot = cairn_rows_add(&gather->arena, slots, sizeof *slot);
        if (!slot) return UV_ENOMEM;
        *slot = (uint16_t)(piece->first + place);
    }
    return rc;
}

int redis_gather_keep(redis_gather_t *gather, const redis_reply_t *reply, redis_reply_t *kept)
{
    const size_t size = (size_t)(reply->end - reply->at);
    char *copy = cairn_arena_alloc(&gather->arena, size, 1);
    if (!copy) return UV_ENOMEM;
    memcpy(copy, reply->at, size);
    redis_reply_init(kept, copy, size);
    return 0;
}
