/* read: a transaction of two plain commands, so that what a page holds does not pass through a
 * script.
 *
 *     MULTI
 *     XRANGE stream after+1 until COUNT most+1     or XREVRANGE, for the newest
 *     XREVRANGE stream + - COUNT 1                 where it ends
 *     EXEC
 *
 * A replica may not have the stream yet, or not as much of it as the caller has seen: then its
 * master is asked. */
#include "redis_stream.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

/* ---- the answer ---- */

/* {position, {"d", packed}}; "b" in the place of "d": the stream began with it. */
static int read_entry(redis_reply_t *reply, cairn_stream_event_t *event, cairn_position_t *previous)
{
    size_t parts, fields = 0;
    cairn_slice_t field = {NULL, 0}, packed;
    int rc = redis_reply_array(reply, &parts);
    if (rc == 0 && parts != 2) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = redis_position_read(reply, &event->position);
    if (rc == 0) rc = redis_reply_array(reply, &fields);
    if (rc == 0 && fields != 2) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = redis_reply_string(reply, &field);
    *previous = (cairn_position_t){0, 0};
    if (rc == 0 && !cairn_slice_eq(field, cairn_str("b")))
        *previous = (cairn_position_t){event->position.high, event->position.low - 1};
    if (rc == 0) rc = redis_reply_string(reply, &packed);
    return rc < 0 ? rc : redis_event_read(packed, event);
}

/* What was asked for: most, and this bit. */
#define NEWEST (UINT64_C(1) << 32)

static int read_events(redis_reply_t *reply, cairn_arena_t *arena, uint64_t asked,
                       cairn_stream_page_t *page, cairn_position_t *before)
{
    const size_t most = (size_t)(asked & (NEWEST - 1));
    size_t found;
    int rc = redis_reply_array(reply, &found);
    if (rc < 0) return rc;
    page->more = found > most;
    page->count = found > most ? most : found;
    if (found > most + 1) return CAIRN_EPROTOCOL;
    if (found == 0) return 0;
    cairn_stream_event_t *events = cairn_arena_alloc(arena, page->count, sizeof *events);
    if (!events) return UV_ENOMEM;
    page->events = events;
    for (size_t i = 0; i < page->count && rc == 0; i++) {
        cairn_position_t previous;
        rc = read_entry(reply, &events[asked & NEWEST ? page->count - 1 - i : i], &previous);
        if (i == 0) *before = previous;
    }
    if (rc == 0 && page->more) rc = redis_reply_skip(reply);
    return rc;
}

static int read_end(redis_reply_t *reply, cairn_stream_page_t *page)
{
    size_t found;
    cairn_stream_event_t last;
    cairn_position_t previous;
    int rc = redis_reply_array(reply, &found);
    if (rc < 0 || found == 0) return rc;
    rc = found == 1 ? read_entry(reply, &last, &previous) : CAIRN_EPROTOCOL;
    if (rc < 0) return rc;
    page->last = last.position;
    page->ended = cairn_stream_ends(last.event);
    return 0;
}

static int read_page(const cairn_req_t *req, redis_reply_t *reply, cairn_arena_t *arena,
                     cairn_stream_page_t *page)
{
    const uint64_t asked = req->scratch[REDIS_SCRATCH_NUMBER];
    const cairn_position_t *after =
        (const cairn_position_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_MEMORY];
    cairn_position_t before = {0, 0};
    size_t results;
    int rc = redis_reply_array(reply, &results);
    if (rc == 0 && results != 2) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = read_events(reply, arena, asked, page, &before);
    if (rc == 0) rc = read_end(reply, page);
    /* The first of them follows one that the caller has not seen. */
    if (after && page->count > 0 && cairn_position_cmp(before, *after) > 0) page->lost = -1;
    return rc;
}

static bool ends_too_soon(const cairn_req_t *req, const cairn_stream_page_t *page)
{
    const cairn_position_t *after =
        (const cairn_position_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_MEMORY];
    if (page->last.high == 0 && page->last.low == 0) return true;
    return after && cairn_position_cmp(page->last, *after) < 0;
}

static void on_page(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    cairn_arena_t *arena = &redis_saver_of(req)->arena;
    cairn_stream_page_t page = {.count = 0};
    int rc = status < 0 ? 0 : read_page(req, reply, arena, &page);
    if (status == 0 && rc == 0 && ends_too_soon(req, &page) && redis_read_goes_on(req, on_page)) {
        cairn_arena_reset(arena);
        return;
    }
    if (!redis_saver_failed(req, status, rc, detail)) {
        redis_saver_release(req);
        redis_stream_done(req)->read_done(CAIRN_CONTAINER_OF(req, cairn_stream_read_t, req), &page);
    }
    cairn_arena_reset(arena);
}

/* ---- the commands ---- */

#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define EXEC "*1\r\n$4\r\nEXEC\r\n"
#define END "$1\r\n+\r\n$1\r\n-\r\n$5\r\nCOUNT\r\n$1\r\n1\r\n"

/* The first position behind one. */
static cairn_position_t behind(cairn_position_t at)
{
    const cairn_position_t farthest = {UINT64_MAX, UINT64_MAX};
    if (cairn_position_cmp(at, farthest) == 0) return farthest;
    at.low++;
    if (at.low == 0) at.high++;
    return at;
}

static char *range(char *out, const redis_queue_name_t *name, const cairn_stream_read_args_t *args)
{
    const bool to_the_end = args->until.high == 0 && args->until.low == 0;
    out = args->newest ? redis_cmd_literal(out, LITERAL("*6\r\n$9\r\nXREVRANGE\r\n"))
                       : redis_cmd_literal(out, LITERAL("*6\r\n$6\r\nXRANGE\r\n"));
    out = redis_queue_key(out, name);
    if (!args->newest) out = redis_position_arg(out, behind(args->after));
    out = to_the_end ? redis_cmd_literal(out, LITERAL("$1\r\n+\r\n"))
                     : redis_position_arg(out, args->until);
    if (args->newest) out = redis_position_arg(out, behind(args->after));
    out = redis_cmd_literal(out, LITERAL("$5\r\nCOUNT\r\n"));
    return redis_cmd_u64(out, (uint64_t)args->most + 1);
}

static size_t bound(const redis_queue_name_t *name)
{
    const size_t key = redis_queue_key_size(name);
    return sizeof MULTI EXEC END + 2 * redis_cmd_bound(6, 32 + key) + 2 * REDIS_POSITION_SIZE +
           REDIS_CMD_NUMBER;
}

int redis_stream_read(void *self, cairn_stream_read_t *req, const cairn_stream_read_args_t *args)
{
    const redis_queue_name_t name = redis_queue_name(args->stream);
    const bool tells_lost = !args->newest && (args->after.high != 0 || args->after.low != 0);
    cairn_position_t *after = NULL;
    if (tells_lost) {
        after = cairn_malloc(sizeof *after);
        if (!after) return UV_ENOMEM;
        *after = args->after;
    }
    char *out;
    int rc = args->may_lag ? redis_stream_reserve_read(self, name.id, bound(&name), &out)
                           : redis_stream_reserve(self, name.id, bound(&name), &out);
    if (rc < 0) {
        cairn_free(after);
        return rc;
    }
    out = redis_cmd_literal(out, LITERAL(MULTI));
    out = range(out, &name, args);
    out = redis_cmd_literal(out, LITERAL("*6\r\n$9\r\nXREVRANGE\r\n"));
    out = redis_queue_key(out, &name);
    out = redis_cmd_literal(out, LITERAL(END));
    out = redis_cmd_literal(out, LITERAL(EXEC));
    req->req.scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)after;
    req->req.scratch[REDIS_SCRATCH_NUMBER] = args->most | (args->newest ? NEWEST : 0);
    redis_conn_commit_transaction(redis_saver_conn(self), out, on_page, &req->req, 2, true);
    return 0;
}
