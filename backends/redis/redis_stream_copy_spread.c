/* copy to another slot of a cluster: the source is read as it is at one moment, and the target made
 * of that in one step, where its slot is. Who follows the target hears of it as of an append. */
#include "redis_saver_gather.h"
#include "redis_stream.h"

#include <uv.h>

typedef struct copying {
    redis_gather_t gather;
    redis_queue_name_t source, target;
    int64_t ttl_ms;
    bool writes; /* the call that is out does */
    int64_t count;
} copying_t;

/* ---- reading ---- */

static int send_dump(redis_gather_t *gather, redis_gather_part_t *part)
{
    const copying_t *copying = (const copying_t *)gather;
    const redis_backend_t *redis = gather->redis;
    char *out;
    int rc = redis_gather_reserve(gather, redis_slot_of_id(copying->source.id), false,
                                  redis_queue_bound(redis, &copying->source, 0, 0), &out);
    if (rc < 0) return rc;
    out = redis_queue_begin(out, &redis_script_stream_dump, redis, &copying->source, 0);
    redis_gather_commit(gather, part, out, true);
    return 0;
}

/* ---- writing ---- */

static int send_restore(redis_gather_t *gather, redis_gather_part_t *part, cairn_slice_t events,
                        cairn_slice_t more)
{
    copying_t *copying = (copying_t *)gather;
    const redis_backend_t *redis = gather->redis;
    const size_t payload = REDIS_CMD_NUMBER + events.len + more.len;
    char *out;
    int rc = redis_gather_reserve(gather, redis_slot_of_id(copying->target.id), false,
                                  redis_queue_bound(redis, &copying->target, 3, payload), &out);
    if (rc < 0) return rc;
    out = redis_queue_begin(out, &redis_script_stream_restore, redis, &copying->target, 3);
    out = redis_cmd_i64(out, copying->ttl_ms);
    out = redis_cmd_arg(out, events);
    out = redis_cmd_arg(out, more);
    copying->writes = true;
    redis_gather_commit(gather, part, out, false);
    return 0;
}

/* ---- answers ---- */

static int take_dump(redis_gather_t *gather, redis_gather_part_t *part, redis_reply_t *reply)
{
    size_t count;
    cairn_slice_t events, more;
    if (redis_reply_array(reply, &count) < 0 || count != 2) return CAIRN_EPROTOCOL;
    if (redis_reply_string(reply, &events) < 0 || redis_reply_string(reply, &more) < 0)
        return CAIRN_EPROTOCOL;
    return send_restore(gather, part, events, more);
}

static int take(redis_gather_t *gather, redis_gather_part_t *part, redis_reply_t *reply)
{
    copying_t *copying = (copying_t *)gather;
    if (!copying->writes) return take_dump(gather, part, reply);
    if (redis_reply_int(reply, &copying->count) < 0 || copying->count < -1) return CAIRN_EPROTOCOL;
    return 0;
}

static int tell(redis_gather_t *gather)
{
    const cairn_host_t *host = gather->redis->host;
    const int64_t count = ((const copying_t *)gather)->count;
    cairn_stream_count_t *req = CAIRN_CONTAINER_OF(gather->req, cairn_stream_count_t, req);
    redis_gather_end(gather);
    redis_gather_free(gather);
    if (count < 0)
        host->api->fail(&req->req, UV_EEXIST, cairn_str(REDIS_TARGET_IS_THERE));
    else
        host->api->stream->count_done(req, (uint64_t)count);
    return 0;
}

int redis_stream_copy_spread(redis_backend_t *redis, cairn_stream_count_t *req,
                             const cairn_stream_copy_args_t *args)
{
    static const redis_gather_plan_t plan = {send_dump, take, tell};
    copying_t *copying = (copying_t *)redis_gather_new(redis, &req->req, sizeof *copying);
    cairn_slice_t source, target;
    if (!copying) return UV_ENOMEM;
    cairn_arena_t *arena = &copying->gather.arena;
    int rc = cairn_arena_copy(arena, args->source, &source);
    if (rc == 0) rc = cairn_arena_copy(arena, args->target, &target);
    if (rc == 0) rc = redis_batches_flush(redis, source);
    if (rc == 0) rc = redis_batches_flush(redis, target);
    if (rc < 0) {
        redis_gather_free(&copying->gather);
        return rc;
    }
    redis_tips_forget(redis, target);
    copying->source = redis_queue_name(source);
    copying->target = redis_queue_name(target);
    copying->ttl_ms = args->ttl_ms;
    return redis_gather_start(&copying->gather, &plan, 1);
}
