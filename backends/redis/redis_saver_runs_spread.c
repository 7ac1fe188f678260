/* delete_for_runs, in a cluster: a run is listed in every slot that has checkpoints of it. First it
 * is asked of all slots, which do; then they are dropped there. */
#include "redis_saver_gather.h"

#include <uv.h>

typedef struct place {
    size_t run;
    uint16_t slot;
} place_t;

typedef struct runs_spread {
    redis_gather_t gather;
    const cairn_slice_t *runs;
    cairn_rows_t places; /* place_t: where there may be something to drop */
    cairn_slice_t cursors[REDIS_GATHER_PARTS];
    uint64_t dropped;
} runs_spread_t;

/* ---- which slots ---- */

static char *escaped(char *out, cairn_slice_t run)
{
    out = redis_cmd_arg_begin(out, redis_escaped_size(run));
    return redis_cmd_end(redis_escape(out, run));
}

static int send_find(redis_gather_t *gather, redis_gather_part_t *part)
{
    enum {
        ARGS = 3
    };
    const runs_spread_t *spread = (runs_spread_t *)gather;
    const redis_piece_t *piece = &gather->pieces[part->index % gather->piece_count];
    const cairn_slice_t run = spread->runs[part->index / gather->piece_count];
    char *out;
    int rc = redis_gather_reserve(
        gather, piece->first, true,
        REDIS_SCRIPT_BEGIN + redis_cmd_bound(ARGS, sizeof REDIS_KEY_RUN + redis_escaped_size(run)) +
            redis_piece_bound(),
        &out);
    if (rc < 0) return rc;
    out = redis_script_begin(out, &redis_script_find_runs, REDIS_GUARD_OMITTED, 0, ARGS);
    out = redis_cmd_arg(out, cairn_slice(LITERAL(REDIS_KEY_RUN)));
    out = redis_piece_tags(out, piece);
    redis_gather_commit(gather, part, escaped(out, run), true);
    return 0;
}

static int take_found(redis_gather_t *gather, redis_gather_part_t *part, redis_reply_t *reply)
{
    runs_spread_t *spread = (runs_spread_t *)gather;
    const redis_piece_t *piece = &gather->pieces[part->index % gather->piece_count];
    cairn_rows_t found = {0};
    int rc = redis_piece_read(gather, piece, reply, &found);
    for (size_t i = 0; i < found.count && rc == 0; i++) {
        place_t *place = cairn_rows_add(&gather->arena, &spread->places, sizeof *place);
        if (!place) return UV_ENOMEM;
        *place =
            (place_t){.run = part->index / gather->piece_count, .slot = ((uint16_t *)found.at)[i]};
    }
    return rc;
}

/* ---- dropping ---- */

static cairn_slice_t *cursor_of(redis_gather_t *gather, const redis_gather_part_t *part)
{
    return &((runs_spread_t *)gather)->cursors[part - gather->parts];
}

static int send_drop(redis_gather_t *gather, redis_gather_part_t *part)
{
    const runs_spread_t *spread = (runs_spread_t *)gather;
    const place_t *place = (const place_t *)spread->places.at + part->index;
    const cairn_slice_t cursor = *cursor_of(gather, part), run = spread->runs[place->run];
    char *out;
    int rc = redis_gather_reserve(gather, place->slot, false,
                                  redis_run_bound(run) + redis_cmd_bound(1, cursor.len), &out);
    if (rc < 0) return rc;
    out = redis_run_call(out, run, &place->slot);
    redis_gather_commit(gather, part, redis_cmd_arg(out, cursor), false);
    return 0;
}

static int take_dropped(redis_gather_t *gather, redis_gather_part_t *part, redis_reply_t *reply)
{
    size_t parts;
    int64_t count;
    cairn_slice_t cursor;
    if (redis_reply_array(reply, &parts) < 0 || parts != 2 || redis_reply_int(reply, &count) < 0 ||
        redis_reply_string(reply, &cursor) < 0 || count < 0)
        return CAIRN_EPROTOCOL;
    ((runs_spread_t *)gather)->dropped += (uint64_t)count;
    int rc = cairn_arena_copy(&gather->arena, cursor, cursor_of(gather, part));
    if (rc < 0) return rc;
    return cursor.len > 0 ? REDIS_GATHER_AGAIN : 0;
}

static int tell(redis_gather_t *gather)
{
    const cairn_host_t *host = gather->redis->host;
    cairn_saver_delete_t *req = CAIRN_CONTAINER_OF(gather->req, cairn_saver_delete_t, req);
    const uint64_t dropped = ((runs_spread_t *)gather)->dropped;
    redis_gather_end(gather);
    redis_gather_free(gather);
    host->api->saver->delete_done(req, dropped);
    return 0;
}

static const redis_gather_plan_t drop_plan = {send_drop, take_dropped, tell};

static int drop_all(redis_gather_t *gather)
{
    redis_hints_doubt(&gather->redis->hints);
    return redis_gather_round(gather, &drop_plan, ((runs_spread_t *)gather)->places.count);
}

static const redis_gather_plan_t find_plan = {send_find, take_found, drop_all};

int redis_runs_spread(redis_backend_t *redis, cairn_saver_delete_t *req, const cairn_slice_t *runs,
                      size_t count)
{
    runs_spread_t *spread = (runs_spread_t *)redis_gather_new(redis, &req->req, sizeof *spread);
    if (!spread) return UV_ENOMEM;
    cairn_slice_t *copies = cairn_arena_alloc(&spread->gather.arena, count, sizeof *copies);
    int rc = copies ? redis_gather_cut(&spread->gather) : UV_ENOMEM;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = cairn_arena_copy(&spread->gather.arena, runs[i], &copies[i]);
    if (rc < 0) {
        redis_gather_free(&spread->gather);
        return rc;
    }
    spread->runs = copies;
    return redis_gather_start(&spread->gather, &find_plan, count * spread->gather.piece_count);
}
