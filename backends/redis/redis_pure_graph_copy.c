/* cairn_stream_copy to another slot of a cluster, in the layout of Pure Graph: key by key, each as
 * DUMP gives it. The stream comes last, so that who gets no further leaves no target behind. */
#include "redis_pure_graph.h"
#include "redis_saver_gather.h"

#include <uv.h>

typedef enum copy_phase {
    OUT,      /* the stream, and ids, are asked for */
    LOOK,     /* whether there is a target */
    LIST_OUT, /* the list is asked for */
    LIST_IN,
    IN
} copy_phase_t;

typedef struct copying {
    redis_gather_t gather;
    redis_graph_name_t from, to;
    int64_t ttl_ms;
    copy_phase_t phase; /* of the call that is out */
    redis_reply_t keys; /* what OUT gave */
    cairn_slice_t list; /* what LIST_OUT did; borrowed while the next call is made; NULL: no list */
    uint64_t count;
    bool exists; /* the target does */
} copying_t;

/* ---- the calls ---- */

/* The first one may be refused. */
static int reserve(copying_t *copying, unsigned slot, size_t bytes, char **out)
{
    return redis_gather_reserve(&copying->gather, slot, false, bytes, out);
}

static int write_out(copying_t *copying, char **out)
{
    int rc = reserve(copying, copying->from.slot, redis_graph_bound(copying->from.id, 0, 0), out);
    if (rc == 0) *out = redis_graph_begin(*out, &copying->from, "out", 0);
    return rc;
}

static int write_look(copying_t *copying, char **out)
{
    static const char begin[] = "*2\r\n$6\r\nEXISTS\r\n";
    const size_t bytes = sizeof begin + redis_graph_key_bound(copying->to.id);
    int rc = reserve(copying, copying->to.slot, bytes, out);
    if (rc < 0) return rc;
    *out = redis_cmd_literal(*out, LITERAL(begin));
    *out = redis_graph_key(*out, copying->to.id);
    return 0;
}

static int write_list_out(copying_t *copying, char **out)
{
    static const char begin[] = "*2\r\n$4\r\nDUMP\r\n";
    const size_t bytes = sizeof begin + redis_graph_key_bound(copying->from.id);
    int rc = reserve(copying, copying->from.list_slot, bytes, out);
    if (rc < 0) return rc;
    *out = redis_cmd_literal(*out, LITERAL(begin));
    *out = redis_graph_list(*out, copying->from.id);
    return 0;
}

static int write_list_in(copying_t *copying, char **out)
{
    const size_t bytes = redis_graph_key_bound(copying->to.id) +
                         redis_cmd_bound(4, 32 + REDIS_CMD_NUMBER + copying->list.len);
    int rc = reserve(copying, copying->to.list_slot, bytes, out);
    if (rc < 0) return rc;
    *out = redis_cmd_begin(*out, copying->list.ptr ? 5 : 2);
    *out = redis_cmd_arg(*out, cairn_str(copying->list.ptr ? "RESTORE" : "UNLINK"));
    *out = redis_graph_list(*out, copying->to.id);
    if (!copying->list.ptr) return 0;
    *out = redis_cmd_i64(*out, copying->ttl_ms > 0 ? copying->ttl_ms : 0);
    *out = redis_cmd_arg(*out, copying->list);
    *out = redis_cmd_arg(*out, cairn_str("REPLACE"));
    return 0;
}

static int write_in(copying_t *copying, char **out)
{
    cairn_slice_t stream, ids;
    int rc = redis_reply_string(&copying->keys, &stream);
    if (rc == 0) rc = redis_reply_string(&copying->keys, &ids);
    if (rc < 0) return CAIRN_EPROTOCOL;
    const size_t payload = REDIS_CMD_NUMBER + stream.len + ids.len;
    rc = reserve(copying, copying->to.slot, redis_graph_bound(copying->to.id, 3, payload), out);
    if (rc < 0) return rc;
    *out = redis_graph_begin(*out, &copying->to, "in", 3);
    *out = redis_cmd_i64(*out, copying->ttl_ms);
    *out = redis_cmd_arg(*out, stream);
    *out = redis_cmd_arg(*out, ids);
    return 0;
}

/* That of the phase. */
static int send_next(redis_gather_t *gather, redis_gather_part_t *part)
{
    static int (*const write[])(copying_t *, char **) = {
        [OUT] = write_out, [LOOK] = write_look,       [LIST_OUT] = write_list_out,
        [IN] = write_in,   [LIST_IN] = write_list_in,
    };
    copying_t *copying = (copying_t *)gather;
    char *out;
    int rc = write[copying->phase](copying, &out);
    if (rc == 0) redis_gather_commit(gather, part, out, copying->phase != IN);
    return rc;
}

/* ---- answers ---- */

static int take_out(copying_t *copying, const redis_reply_t *reply)
{
    size_t keys;
    int rc = redis_gather_keep(&copying->gather, reply, &copying->keys);
    if (rc < 0) return rc;
    if (redis_reply_array(&copying->keys, &keys) < 0) return CAIRN_EPROTOCOL;
    if (keys == 0) return 0; /* there is no source */
    return keys == 2 ? REDIS_GATHER_AGAIN : CAIRN_EPROTOCOL;
}

static int take_look(copying_t *copying, redis_reply_t *reply)
{
    int64_t count;
    if (redis_reply_int(reply, &count) < 0) return CAIRN_EPROTOCOL;
    copying->exists = count > 0;
    return copying->exists ? 0 : REDIS_GATHER_AGAIN;
}

static int take_list_out(copying_t *copying, redis_reply_t *reply)
{
    copying->list = cairn_slice(NULL, 0);
    if (redis_reply_type(reply) == REDIS_NIL) return REDIS_GATHER_AGAIN;
    return redis_reply_string(reply, &copying->list) < 0 ? CAIRN_EPROTOCOL : REDIS_GATHER_AGAIN;
}

static int take_in(copying_t *copying, redis_reply_t *reply)
{
    int64_t count;
    if (redis_reply_int(reply, &count) < 0 || count < -1) return CAIRN_EPROTOCOL;
    copying->exists = count < 0;
    if (!copying->exists) copying->count = (uint64_t)count;
    return 0;
}

static int take_answer(copying_t *copying, redis_reply_t *reply)
{
    switch (copying->phase) {
    case OUT:
        return take_out(copying, reply);
    case LOOK:
        return take_look(copying, reply);
    case LIST_OUT:
        return take_list_out(copying, reply);
    case LIST_IN:
        return REDIS_GATHER_AGAIN;
    case IN:
    default:
        return take_in(copying, reply);
    }
}

static int take(redis_gather_t *gather, redis_gather_part_t *part, redis_reply_t *reply)
{
    copying_t *copying = (copying_t *)gather;
    int rc = take_answer(copying, reply);
    if (rc != REDIS_GATHER_AGAIN) return rc;
    copying->phase++;
    return send_next(gather, part); /* at once: it borrows from the reply */
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

int redis_graph_copy_spread(redis_backend_t *redis, cairn_stream_count_t *req,
                            const cairn_stream_copy_args_t *args)
{
    static const redis_gather_plan_t plan = {send_next, take, tell};
    cairn_slice_t source = {NULL, 0}, target = {NULL, 0};
    copying_t *copying = (copying_t *)redis_gather_new(redis, &req->req, sizeof *copying);
    if (!copying) return UV_ENOMEM;
    cairn_arena_t *arena = &copying->gather.arena;
    int rc = cairn_arena_copy(arena, args->source, &source);
    if (rc == 0) rc = cairn_arena_copy(arena, args->target, &target);
    if (rc < 0) {
        redis_gather_free(&copying->gather);
        return rc;
    }
    copying->from = redis_graph_name(redis, source);
    copying->to = redis_graph_name(redis, target);
    copying->ttl_ms = args->ttl_ms;
    return redis_gather_start(&copying->gather, &plan, 1);
}
