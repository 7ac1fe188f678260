/* cairn_stream_copy to another slot of a cluster: what is read in the one is written in the other,
 * piece by piece, under a name that nobody reads; with the last piece that becomes the target, in
 * one step. What is copied is what the source held when the copy began: if some of that is gone
 * before it was read, the copy begins anew. */
#include "redis_saver_gather.h"
#include "redis_stream.h"

#include <uv.h>

typedef struct copying {
    redis_gather_t gather;
    redis_queue_name_t from, to;
    int64_t ttl_ms;
    cairn_position_t at, till; /* both zero: it begins */
    uint64_t number;           /* of what is made; 0: nothing yet */
    uint64_t count;
    bool writes; /* the call that is out does */
    bool all;    /* with it there is nothing more to read */
    bool exists; /* the target does */
} copying_t;

/* ---- reading ---- */

/* The first one goes behind all that was appended before. */
static int reserve(copying_t *copying, const redis_queue_name_t *name, size_t bytes, char **out)
{
    redis_gather_t *gather = &copying->gather;
    if (!gather->begun) return redis_stream_reserve(gather->redis, name->id, bytes, out);
    return redis_gather_reserve(gather, redis_slot_of_id(name->id), false, bytes, out);
}

static int send_out(redis_gather_t *gather, redis_gather_part_t *part)
{
    copying_t *copying = (copying_t *)gather;
    const size_t bytes =
        redis_queue_bound(gather->redis, &copying->from, 2, 2 * (size_t)REDIS_POSITION_SIZE);
    char *out;
    int rc = reserve(copying, &copying->from, bytes, &out);
    if (rc < 0) return rc;
    out = redis_queue_begin(out, &redis_script_stream_copy_out, gather->redis, &copying->from, 2);
    out = redis_position_arg(out, copying->at);
    out = redis_position_arg(out, copying->till);
    copying->writes = false;
    redis_gather_commit(gather, part, out, true);
    return 0;
}

/* ---- writing ---- */

enum {
    HEAD = 3,     /* what comes before the events */
    EVENT = 3,    /* words */
    ARGUMENTS = 3 /* before the events */
};

static int read_events(redis_reply_t events, size_t words, cairn_position_t *last, size_t *bytes)
{
    *bytes = 0;
    for (size_t i = 0; i < words; i++) {
        const bool is_position = i % EVENT == 0;
        cairn_slice_t word;
        int rc = redis_reply_string(&events, &word);
        if (rc == 0 && is_position && cairn_position_parse(word, last) < 0) rc = CAIRN_EPROTOCOL;
        if (rc < 0) return rc;
        *bytes += word.len;
    }
    return 0;
}

static int send_in(copying_t *copying, redis_gather_part_t *part, redis_reply_t *events,
                   size_t words)
{
    redis_gather_t *gather = &copying->gather;
    redis_backend_t *redis = gather->redis;
    const cairn_position_t must_be_at = copying->at;
    size_t bytes;
    char *out;
    int rc = read_events(*events, words, &copying->at, &bytes);
    if (rc < 0) return rc;
    bytes += REDIS_POSITION_SIZE + 2 * (size_t)REDIS_CMD_NUMBER;
    rc = reserve(copying, &copying->to,
                 redis_queue_bound(redis, &copying->to, ARGUMENTS + words, bytes), &out);
    if (rc < 0) return rc;
    redis_tips_forget(redis, copying->to.id);
    out = redis_queue_begin(out, &redis_script_stream_copy_in, redis, &copying->to,
                            ARGUMENTS + words);
    out = redis_cmd_u64(out, copying->number);
    out = redis_position_arg(out, must_be_at);
    out = copying->all ? redis_cmd_i64(out, copying->ttl_ms) : redis_cmd_arg(out, cairn_str(""));
    for (size_t i = 0; i < words && rc == 0; i++) {
        cairn_slice_t word = {NULL, 0};
        rc = redis_reply_string(events, &word);
        out = redis_cmd_arg(out, word);
    }
    if (rc < 0) return rc;
    copying->writes = true;
    redis_gather_commit(gather, part, out, false);
    return 0;
}

/* ---- answers ---- */

static bool is_zero(cairn_position_t position)
{
    return position.high == 0 && position.low == 0;
}

static int take_out(copying_t *copying, redis_gather_part_t *part, redis_reply_t *reply)
{
    size_t words;
    int64_t begins, all;
    int rc = redis_reply_array(reply, &words);
    if (rc == 0 && words == 0) return 0; /* there is no source */
    if (rc < 0 || words % EVENT != HEAD % EVENT || redis_reply_int(reply, &begins) < 0 ||
        redis_reply_int(reply, &all) < 0 || redis_position_read(reply, &copying->till) < 0)
        return CAIRN_EPROTOCOL;
    /* What gives nothing and is not all would be asked for without end. */
    if (!all && words == HEAD) return CAIRN_EPROTOCOL;
    if (begins) copying->at = (cairn_position_t){0, 0};
    if (!begins && is_zero(copying->at)) return CAIRN_EPROTOCOL;
    copying->all = all;
    return send_in(copying, part, reply, words - HEAD);
}

static int take_in(copying_t *copying, redis_reply_t *reply)
{
    size_t parts;
    int64_t count, number;
    if (redis_reply_array(reply, &parts) < 0 || parts != 2 || redis_reply_int(reply, &count) < 0 ||
        redis_reply_int(reply, &number) < 0 || count < -2 || number < (count >= 0))
        return CAIRN_EPROTOCOL;
    copying->exists = count == -1;
    if (copying->exists) return 0;
    copying->number = (uint64_t)number;
    if (count == -2) {
        copying->at = copying->till = (cairn_position_t){0, 0};
        return REDIS_GATHER_AGAIN;
    }
    if (copying->all) copying->count = (uint64_t)count;
    return copying->all ? 0 : REDIS_GATHER_AGAIN;
}

static int take(redis_gather_t *gather, redis_gather_part_t *part, redis_reply_t *reply)
{
    copying_t *copying = (copying_t *)gather;
    return copying->writes ? take_in(copying, reply) : take_out(copying, part, reply);
}

static int tell(redis_gather_t *gather)
{
    const cairn_host_t *host = gather->redis->host;
    const copying_t *copying = (copying_t *)gather;
    cairn_stream_count_t *req = CAIRN_CONTAINER_OF(gather->req, cairn_stream_count_t, req);
    const bool exists = copying->exists;
    const uint64_t count = copying->count;
    redis_gather_end(gather);
    redis_gather_free(gather);
    if (exists)
        host->api->fail(&req->req, UV_EEXIST, cairn_str(REDIS_TARGET_IS_THERE));
    else
        host->api->stream->count_done(req, count);
    return 0;
}

int redis_stream_copy_spread(redis_backend_t *redis, cairn_stream_count_t *req,
                             const cairn_stream_copy_args_t *args)
{
    static const redis_gather_plan_t plan = {send_out, take, tell};
    cairn_slice_t source = {NULL, 0}, target = {NULL, 0};
    copying_t *copying = (copying_t *)redis_gather_new(redis, &req->req, sizeof *copying);
    if (!copying) return UV_ENOMEM;
    cairn_arena_t *arena = &copying->gather.arena;
    int rc = cairn_arena_copy(arena, args->source, &source);
    if (rc == 0) rc = cairn_arena_copy(arena, args->target, &target);
    if (rc == 0) rc = redis_batches_flush(redis, target);
    if (rc < 0) {
        redis_gather_free(&copying->gather);
        return rc;
    }
    copying->from = redis_queue_name(source);
    copying->to = redis_queue_name(target);
    copying->ttl_ms = args->ttl_ms;
    return redis_gather_start(&copying->gather, &plan, 1);
}
