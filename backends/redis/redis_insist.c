#include "redis_insist.h"

#include "redis_log.h"
#include "redis_saver.h"

#include <cairn/sys/alloc.h>
#include <string.h>
#include <uv.h>

/* Of calls that wait to be made again; beyond, the oldest go. */
#define MOST_BYTES ((size_t)1 << 20)

typedef struct redis_insist_call {
    struct redis_insist_call *next;
    size_t size;
    char bytes[];
} call_t;

static call_t *copy_of(cairn_slice_t bytes)
{
    call_t *call = cairn_malloc(sizeof *call + bytes.len);
    if (!call) return NULL;
    call->next = NULL;
    call->size = bytes.len;
    memcpy(call->bytes, bytes.ptr, bytes.len);
    return call;
}

/* ---- making ---- */

static int make(redis_backend_t *redis, redis_conn_t *conn, const call_t *call)
{
    cairn_req_t *req = &redis->insist.req;
    char *out;
    int rc = redis_conn_reserve_unbounded(conn, call->size, &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, call->bytes, call->size);
    req->flags = CAIRN_REQ_IDEMPOTENT;
    redis_conn_commit_script(conn, out, redis_insist_answered, req, true);
    return 0;
}

void redis_insist(redis_backend_t *redis, cairn_slice_t bytes)
{
    /* What is given may lie where there is to be room. */
    call_t *call = bytes.len > 0 ? copy_of(bytes) : NULL;
    if (!call) return;
    (void)!make(redis, redis_saver_conn(redis), call);
    cairn_free(call);
}

/* ---- making again ---- */

static call_t *take_first(redis_insist_t *insist)
{
    call_t *call = insist->first;
    insist->first = call->next;
    if (!insist->first) insist->last = NULL;
    insist->bytes -= call->size;
    return call;
}

static void keep(redis_backend_t *redis, call_t *call)
{
    redis_insist_t *insist = &redis->insist;
    if (insist->last) {
        insist->last->next = call;
    } else {
        insist->first = call;
    }
    insist->last = call;
    insist->bytes += call->size;
    while (insist->bytes > MOST_BYTES && insist->first != call) {
        redis_log(redis->host, CAIRN_LOG_WARN, "too much to be ended later: a put stays half done");
        cairn_free(take_first(insist));
    }
}

static void make_all(cairn_deadline_t *pause);

static void wait(redis_backend_t *redis)
{
    const redis_conn_options_t *options = &redis->route.one.options;
    redis_insist_t *insist = &redis->insist;
    if (insist->backoff.max_ms == 0)
        redis_backoff_init(&insist->backoff, options->reconnect_min_ms, options->reconnect_max_ms,
                           uv_hrtime() ^ (uintptr_t)insist);
    insist->pause.expire = make_all;
    redis->host->api->deadline_start(redis->host, &insist->pause,
                                     redis_backoff_next(&insist->backoff));
}

/* In a cluster, whoever has the slot by now. */
static redis_conn_t *conn_for(redis_backend_t *redis, const call_t *call)
{
    redis_route_t *route = &redis->route;
    const int slot = redis_route_is_split(route)
                         ? redis_cluster_slot_of(cairn_slice(call->bytes, call->size))
                         : -1;
    return slot < 0 ? redis_route_first(route) : redis_route_choose_slot(route, (unsigned)slot);
}

static void make_all(cairn_deadline_t *pause)
{
    redis_backend_t *redis = CAIRN_CONTAINER_OF(pause, redis_backend_t, insist.pause);
    redis_insist_t *insist = &redis->insist;
    while (insist->first) {
        if (make(redis, conn_for(redis, insist->first), insist->first) < 0) {
            wait(redis);
            return;
        }
        cairn_free(take_first(insist));
    }
}

void redis_insist_answered(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_backend_t *redis = CAIRN_CONTAINER_OF(req, redis_backend_t, insist.req);
    (void)detail;
    if (status == 0) {
        redis_backoff_reset(&redis->insist.backoff);
        if (redis_reply_type(reply) == REDIS_ARRAY)
            (void)!redis_saver_finish(req, reply, redis_insist_answered);
        return;
    }
    call_t *call = copy_of(redis_saver_conn(redis)->answered);
    if (!call) return;
    const bool waits = redis->insist.first != NULL;
    keep(redis, call);
    if (!waits) wait(redis);
}

void redis_insist_close(redis_backend_t *redis)
{
    redis_insist_t *insist = &redis->insist;
    redis->host->api->deadline_stop(redis->host, &insist->pause);
    while (insist->first) cairn_free(take_first(insist));
}
