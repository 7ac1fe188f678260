/* copy_thread to another slot of a cluster: what is read in the one is written in the other, piece
 * by piece. The target is looked at before the first piece is written; what is left of a copy that
 * is not carried through is part of a thread, the oldest of it. */
#include "redis_saver_gather.h"

#include <uv.h>

typedef struct copying {
    redis_gather_t gather;
    redis_space_t from, to;
    cairn_slice_t cursor;
    bool writes; /* the call that is out does */
    bool begun;  /* a piece has been written */
    bool exists; /* the target does, and is no copy */
    uint64_t copied;
} copying_t;

/* ---- reading ---- */

static int send_out(redis_gather_t *gather, redis_gather_part_t *part)
{
    copying_t *copying = (copying_t *)gather;
    char *out;
    int rc = redis_gather_reserve(gather, copying->from.slot, false,
                                  redis_thread_bound(&copying->from, 1, copying->cursor.len), &out);
    if (rc < 0) return rc;
    out = redis_thread_begin(out, &redis_script_copy_out, &copying->from, 1);
    out = redis_cmd_arg(out, copying->cursor);
    copying->writes = false;
    redis_gather_commit(gather, part, out, true);
    return 0;
}

/* ---- writing ---- */

enum {
    PART = 3 /* words */
};

static int read_parts(redis_reply_t parts, size_t words, size_t *bytes)
{
    *bytes = 0;
    for (size_t i = 0; i < words; i++) {
        cairn_slice_t word;
        int rc = redis_reply_string(&parts, &word);
        if (rc < 0 || (i % PART == 0 && word.len == 0)) return CAIRN_EPROTOCOL;
        *bytes += word.len;
    }
    return 0;
}

static int send_in(redis_gather_t *gather, redis_gather_part_t *part, redis_reply_t *parts,
                   size_t words)
{
    copying_t *copying = (copying_t *)gather;
    size_t bytes;
    char *out;
    int rc = read_parts(*parts, words, &bytes);
    if (rc == 0)
        rc = redis_gather_reserve(gather, copying->to.slot, false,
                                  redis_thread_bound(&copying->to, 1 + words, 1 + bytes), &out);
    if (rc < 0) return rc;
    out = redis_thread_begin(out, &redis_script_copy_in, &copying->to, 1 + words);
    out = redis_cmd_arg(out, cairn_str(copying->begun ? "" : "f"));
    for (size_t i = 0; i < words && rc == 0; i++) {
        cairn_slice_t word = {NULL, 0};
        rc = redis_reply_string(parts, &word);
        out = redis_cmd_arg(out, word);
    }
    if (rc < 0) return rc;
    copying->writes = copying->begun = true;
    redis_gather_commit(gather, part, out, false);
    return 0;
}

/* ---- answers ---- */

static int take_out(redis_gather_t *gather, redis_gather_part_t *part, redis_reply_t *reply)
{
    copying_t *copying = (copying_t *)gather;
    size_t words;
    cairn_slice_t cursor;
    if (redis_reply_array(reply, &words) < 0 || words % PART != 1 ||
        redis_reply_string(reply, &cursor) < 0)
        return CAIRN_EPROTOCOL;
    int rc = cairn_arena_copy(&gather->arena, cursor, &copying->cursor);
    return rc < 0 ? rc : send_in(gather, part, reply, words - 1);
}

static int take_in(copying_t *copying, redis_reply_t *reply)
{
    int64_t count;
    if (redis_reply_int(reply, &count) < 0 || count < -1) return CAIRN_EPROTOCOL;
    copying->exists = count < 0;
    if (copying->exists) return 0;
    copying->copied += (uint64_t)count;
    return copying->cursor.len > 0 ? REDIS_GATHER_AGAIN : 0;
}

static int take(redis_gather_t *gather, redis_gather_part_t *part, redis_reply_t *reply)
{
    copying_t *copying = (copying_t *)gather;
    return copying->writes ? take_in(copying, reply) : take_out(gather, part, reply);
}

static int tell(redis_gather_t *gather)
{
    const cairn_host_t *host = gather->redis->host;
    const copying_t *copying = (copying_t *)gather;
    cairn_saver_copy_t *req = CAIRN_CONTAINER_OF(gather->req, cairn_saver_copy_t, req);
    const bool exists = copying->exists;
    const uint64_t copied = copying->copied;
    redis_gather_end(gather);
    redis_gather_free(gather);
    if (exists)
        host->api->fail(&req->req, UV_EEXIST, cairn_str("the target thread exists"));
    else
        host->api->saver->copy_done(req, copied);
    return 0;
}

int redis_copy_spread(redis_backend_t *redis, cairn_saver_copy_t *req, cairn_slice_t source,
                      cairn_slice_t target)
{
    static const redis_gather_plan_t plan = {send_out, take, tell};
    const cairn_slice_t none = {NULL, 0};
    copying_t *copying = (copying_t *)redis_gather_new(redis, &req->req, sizeof *copying);
    if (!copying) return UV_ENOMEM;
    cairn_arena_t *arena = &copying->gather.arena;
    int rc = cairn_arena_copy(arena, source, &source);
    if (rc == 0) rc = cairn_arena_copy(arena, target, &target);
    if (rc < 0) {
        redis_gather_free(&copying->gather);
        return rc;
    }
    copying->from = redis_space(redis, source, none);
    copying->to = redis_space(redis, target, none);
    return redis_gather_start(&copying->gather, &plan, 1);
}
