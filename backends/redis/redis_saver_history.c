/* history: the path of ancestors comes once, with the writes of each; here every channel takes its
 * own from its part of it. */
#include "redis_saver.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

typedef struct path {
    cairn_pending_write_t *writes;
    size_t count;
} path_t;

/* What a request keeps: the channels it asked for. */
typedef struct asked {
    size_t count;
    cairn_slice_t channels[];
} asked_t;

typedef struct history {
    cairn_arena_t *arena;
    const asked_t *asked;
    cairn_channel_history_t *channels;
    size_t *ends; /* of each channel, in the path */
    path_t *path; /* from the parent on */
    size_t path_count;
} history_t;

static int read_channel(redis_reply_t *reply, history_t *history, size_t index)
{
    cairn_channel_history_t *channel = &history->channels[index];
    size_t parts;
    int64_t end;
    cairn_slice_t seed;
    bool nil;
    *channel = (cairn_channel_history_t){.channel = history->asked->channels[index]};
    if (redis_reply_array(reply, &parts) < 0 || parts != 2) return CAIRN_EPROTOCOL;
    if (redis_reply_int(reply, &end) < 0 || end < 0) return CAIRN_EPROTOCOL;
    if (redis_reply_string_or_nil(reply, &seed, &nil) < 0) return CAIRN_EPROTOCOL;
    history->ends[index] = (size_t)end;
    channel->has_seed = !nil;
    if (nil) return 0;
    return redis_blob_read(seed, &channel->seed) == 0 ? 0 : CAIRN_EPROTOCOL;
}

static int read_path(redis_reply_t *reply, history_t *history)
{
    size_t count;
    if (redis_reply_array(reply, &count) < 0) return CAIRN_EPROTOCOL;
    history->path = cairn_arena_alloc(history->arena, count, sizeof *history->path);
    if (!history->path) return UV_ENOMEM;
    history->path_count = count;
    for (size_t i = 0; i < count; i++) {
        path_t *at = &history->path[i];
        int rc = redis_writes_read(reply, history->arena, &at->writes, &at->count);
        if (rc < 0) return rc;
    }
    return 0;
}

/* Oldest first. */
static int take_writes(history_t *history, size_t index)
{
    cairn_channel_history_t *channel = &history->channels[index];
    cairn_rows_t rows = {0};
    if (history->ends[index] > history->path_count) return CAIRN_EPROTOCOL;
    for (size_t at = history->ends[index]; at-- > 0;) {
        const path_t *step = &history->path[at];
        for (size_t i = 0; i < step->count; i++) {
            if (!cairn_slice_eq(step->writes[i].channel, channel->channel)) continue;
            cairn_pending_write_t *row = cairn_rows_add(history->arena, &rows, sizeof *row);
            if (!row) return UV_ENOMEM;
            *row = step->writes[i];
        }
    }
    channel->writes = rows.at;
    channel->write_count = rows.count;
    return 0;
}

static int read_history(redis_reply_t *reply, history_t *history)
{
    size_t parts, count;
    const size_t asked = history->asked->count;
    if (redis_reply_array(reply, &parts) < 0 || parts != 2) return CAIRN_EPROTOCOL;
    if (redis_reply_array(reply, &count) < 0 || count != asked) return CAIRN_EPROTOCOL;
    history->channels = cairn_arena_alloc(history->arena, asked, sizeof *history->channels);
    history->ends = cairn_arena_alloc(history->arena, asked, sizeof *history->ends);
    if (!history->channels || !history->ends) return UV_ENOMEM;
    int rc = 0;
    for (size_t i = 0; i < asked && rc == 0; i++) rc = read_channel(reply, history, i);
    if (rc == 0) rc = read_path(reply, history);
    for (size_t i = 0; i < asked && rc == 0; i++) rc = take_writes(history, i);
    return rc;
}

static void on_history(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_backend_t *redis = redis_saver_of(req);
    asked_t *asked = (asked_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_MEMORY];
    history_t history = {.arena = &redis->arena, .asked = asked};
    cairn_arena_reset(&redis->arena);
    int rc = status < 0 ? 0 : redis_saver_call_again(req, reply, on_history);
    const bool again = rc > 0;
    if (status == 0 && rc == 0) rc = read_history(reply, &history);
    if (redis_saver_failed(req, status, rc, detail) || again) return;
    size_t count = asked->count;
    req->scratch[REDIS_SCRATCH_MEMORY] = 0; /* what is told has its names in there */
    redis_saver_done(req)->history_done(CAIRN_CONTAINER_OF(req, cairn_saver_history_t, req),
                                        history.channels, count);
    cairn_free(asked);
}

static asked_t *keep_asked(const cairn_saver_history_args_t *args)
{
    size_t bytes = 0;
    for (size_t i = 0; i < args->count; i++) bytes += args->channels[i].len;
    asked_t *asked = cairn_malloc(sizeof *asked + args->count * sizeof *asked->channels + bytes);
    if (!asked) return NULL;
    asked->count = args->count;
    char *end = (char *)(asked->channels + args->count);
    for (size_t i = 0; i < args->count; i++) {
        asked->channels[i] = cairn_slice(end, args->channels[i].len);
        if (args->channels[i].len > 0) memcpy(end, args->channels[i].ptr, args->channels[i].len);
        end += args->channels[i].len;
    }
    return asked;
}

int redis_saver_history(void *self, cairn_saver_history_t *req,
                        const cairn_saver_history_args_t *args)
{
    redis_backend_t *redis = self;
    const redis_space_t space = redis_space(redis, args->at.thread_id, args->at.checkpoint_ns);
    size_t payload = space.ns_place + 1 + args->at.checkpoint_id.len;
    for (size_t i = 0; i < args->count; i++) payload += redis_escaped_size(args->channels[i]);
    asked_t *asked = keep_asked(args);
    char *out;
    int rc = asked ? 0 : UV_ENOMEM;
    if (rc == 0)
        rc = redis_saver_reserve(redis, space.thread_id,
                                 redis_thread_bound(&space, 2 + args->count, payload), &out);
    if (rc < 0) {
        cairn_free(asked);
        return rc;
    }
    req->req.scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)asked;
    out = redis_thread_begin(out, &redis_script_history, &space, 2 + args->count);
    out = redis_space_start(out, &space);
    out = redis_optional(out, args->at.checkpoint_id);
    for (size_t i = 0; i < args->count; i++) {
        out = redis_cmd_arg_begin(out, redis_escaped_size(args->channels[i]));
        out = redis_cmd_end(redis_escape(out, args->channels[i]));
    }
    redis_conn_commit_script(redis_saver_conn(redis), out, on_history, &req->req, true);
    return 0;
}
