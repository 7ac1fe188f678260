/* append: one call of the script, and one for a list that is apart. read: a transaction of plain
 * commands.
 *
 *     MULTI
 *     XRANGE stream after+1 until COUNT most+1     or XREVRANGE, for the newest
 *     XREVRANGE stream + - COUNT 1                 where it ends
 *     GET past                                     what has left it
 *     EXEC */
#include "redis_pure_graph.h"
#include "redis_pure_graph_json.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

/* ---- append ---- */

enum {
    APPEND_ARGS = 3,
    ENTRY_ARGS = 3
};

static void tell_appended(cairn_req_t *req, const cairn_stream_appended_t *appended)
{
    redis_stream_done(req)->append_done(CAIRN_CONTAINER_OF(req, cairn_stream_append_t, req),
                                        appended);
}

static void on_listed(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int64_t length;
    if (status == 0 && redis_reply_int(reply, &length) < 0) status = CAIRN_EPROTOCOL;
    if (status < 0) {
        /* Another append of the same would be another event, unless it has ids. */
        const bool again = !cairn_err_retryable(status) || (req->flags & CAIRN_REQ_IDEMPOTENT);
        redis_graph_rest_fail(req, again ? status : CAIRN_EMAYBE, detail);
        return;
    }
    const cairn_stream_appended_t appended = redis_graph_rest_appended(req);
    redis_saver_release(req);
    tell_appended(req, &appended);
}

static void on_appended(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    cairn_stream_appended_t appended = {.count = 0};
    bool numbered = false; /* as streams of our own layout are */
    int rc = 0;
    if (status == 0)
        rc = redis_append_read(reply, UINT64_MAX, &status, &detail, &appended, &numbered);
    if (rc == 0 && numbered) rc = CAIRN_EPROTOCOL;
    if (redis_saver_failed(req, status, rc, detail)) return;
    if (!redis_graph_has_rest(req))
        tell_appended(req, &appended);
    else if (redis_graph_rest_send_append(req, &appended, on_listed) < 0)
        redis_graph_rest_fail(req, CAIRN_EMAYBE, cairn_str(uv_strerror(UV_ENOMEM)));
}

/* One block, to be freed at `ends`. UV_ENOMEM. */
static int write_messages(const cairn_stream_append_args_t *args, redis_graph_messages_t *messages)
{
    size_t size = args->count * sizeof *messages->ends;
    for (size_t i = 0; i < args->count; i++) size += redis_graph_message_bound(&args->entries[i]);
    messages->ends = cairn_malloc(size);
    if (!messages->ends) return UV_ENOMEM;
    char *const first = (char *)(messages->ends + args->count);
    char *out = first;
    for (size_t i = 0; i < args->count; i++) {
        out = redis_graph_message_write(out, &args->entries[i]);
        messages->ends[i] = (size_t)(out - first);
    }
    messages->bytes = first;
    return 0;
}

cairn_slice_t redis_graph_message_at(const redis_graph_messages_t *messages, size_t i)
{
    const size_t begin = i > 0 ? messages->ends[i - 1] : 0;
    return cairn_slice(messages->bytes + begin, messages->ends[i] - begin);
}

char *redis_graph_limit_arg(char *out, const cairn_stream_append_args_t *args)
{
    if (args->max_events < INT64_MAX) return redis_cmd_u64(out, args->max_events);
    return redis_cmd_literal(out, LITERAL("$0\r\n\r\n"));
}

char *redis_graph_ascii_arg(char *out, cairn_slice_t message)
{
    out = redis_cmd_arg_begin(out, redis_json_ascii_size(message));
    return redis_cmd_end(redis_json_ascii_write(out, message));
}

static char *kind_arg(char *out, const cairn_stream_entry_t *entry)
{
    static const char kinds[2][2] = {{'n', 'i'}, {'e', 'f'}};
    out = redis_cmd_arg_begin(out, 1 + entry->id.len);
    *out++ = kinds[cairn_stream_ends(entry->event)][entry->id.ptr != NULL];
    return redis_cmd_end(redis_bytes(out, entry->id));
}

static char *entry_args(char *out, const cairn_stream_entry_t *entry, cairn_slice_t message)
{
    out = kind_arg(out, entry);
    out = redis_cmd_arg_begin(out, redis_graph_base64_size(message.len));
    out = redis_cmd_end(redis_graph_base64_write(out, message));
    return redis_graph_ascii_arg(out, message);
}

static size_t payload_of(const cairn_stream_append_args_t *args,
                         const redis_graph_messages_t *messages)
{
    size_t size = 2 * REDIS_CMD_NUMBER + REDIS_POSITION_SIZE;
    for (size_t i = 0; i < args->count; i++) {
        const cairn_slice_t message = redis_graph_message_at(messages, i);
        size += 1 + args->entries[i].id.len + redis_graph_base64_size(message.len) +
                redis_json_ascii_size(message);
    }
    return size;
}

static char *write_append(char *out, const redis_graph_name_t *name,
                          const cairn_stream_append_args_t *args,
                          const redis_graph_messages_t *messages)
{
    out = redis_graph_begin(out, name, "append", APPEND_ARGS + ENTRY_ARGS * args->count);
    out = redis_cmd_i64(out, args->ttl_ms);
    out = redis_graph_limit_arg(out, args);
    out = args->expected_last ? redis_position_arg(out, *args->expected_last)
                              : redis_cmd_literal(out, LITERAL("$0\r\n\r\n"));
    for (size_t i = 0; i < args->count; i++)
        out = entry_args(out, &args->entries[i], redis_graph_message_at(messages, i));
    return out;
}

int redis_graph_append(void *self, cairn_stream_append_t *req,
                       const cairn_stream_append_args_t *args)
{
    const redis_graph_name_t name = redis_graph_name(self, args->stream);
    redis_graph_messages_t messages;
    redis_graph_rest_t *rest = NULL;
    char *out;
    int rc = write_messages(args, &messages);
    if (rc < 0) return rc;
    rc = redis_graph_rest_of_append(&name, args, &messages, &rest);
    if (rc == 0)
        rc = redis_graph_reserve(self, &name,
                                 redis_graph_bound(args->stream,
                                                   APPEND_ARGS + ENTRY_ARGS * args->count,
                                                   payload_of(args, &messages)),
                                 &out);
    if (rc < 0) goto out;
    out = write_append(out, &name, args, &messages);
    req->req.scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)rest;
    redis_conn_commit_script(redis_saver_conn(self), out, on_appended, &req->req, false);
    rest = NULL;

out:
    cairn_free(rest);
    cairn_free(messages.ends);
    return rc;
}

/* ---- the answer of read ---- */

/* What was asked for: most, and this bit. */
#define NEWEST (UINT64_C(1) << 32)

static int read_events(redis_reply_t *reply, cairn_arena_t *arena, uint64_t asked,
                       cairn_stream_page_t *page)
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
    for (size_t i = 0; i < page->count && rc == 0; i++)
        rc =
            redis_graph_read_entry(reply, arena, &events[asked & NEWEST ? page->count - 1 - i : i]);
    if (rc == 0 && page->more) rc = redis_reply_skip(reply);
    return rc;
}

static int read_end(redis_reply_t *reply, cairn_arena_t *arena, cairn_stream_page_t *page)
{
    size_t found;
    cairn_stream_event_t last;
    int rc = redis_reply_array(reply, &found);
    if (rc < 0 || found == 0) return rc;
    rc = found == 1 ? redis_graph_read_entry(reply, arena, &last) : CAIRN_EPROTOCOL;
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
    redis_graph_past_t past = {.trimmed = {0, 0}};
    size_t results;
    int rc = redis_reply_array(reply, &results);
    if (rc == 0 && results != 3) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = read_events(reply, arena, asked, page);
    if (rc == 0) rc = read_end(reply, arena, page);
    if (rc == 0) rc = redis_graph_read_past(reply, &past);
    if (after && page->count > 0 && cairn_position_cmp(past.trimmed, *after) > 0) page->lost = -1;
    return rc;
}

static void on_page(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    cairn_arena_t *arena = &redis_saver_of(req)->arena;
    cairn_stream_page_t page = {.count = 0};
    int rc = status < 0 ? 0 : read_page(req, reply, arena, &page);
    if (!redis_saver_failed(req, status, rc, detail)) {
        redis_saver_release(req);
        redis_stream_done(req)->read_done(CAIRN_CONTAINER_OF(req, cairn_stream_read_t, req), &page);
    }
    cairn_arena_reset(arena);
}

/* ---- read ---- */

#define LAST_ONE "$1\r\n+\r\n$1\r\n-\r\n$5\r\nCOUNT\r\n$1\r\n1\r\n"

/* The first position behind one. */
static cairn_position_t behind(cairn_position_t at)
{
    const cairn_position_t farthest = {UINT64_MAX, UINT64_MAX};
    if (cairn_position_cmp(at, farthest) == 0) return farthest;
    at.low++;
    if (at.low == 0) at.high++;
    return at;
}

static char *range(char *out, const cairn_stream_read_args_t *args)
{
    const bool to_the_end = args->until.high == 0 && args->until.low == 0;
    out = args->newest ? redis_cmd_literal(out, LITERAL("*6\r\n$9\r\nXREVRANGE\r\n"))
                       : redis_cmd_literal(out, LITERAL("*6\r\n$6\r\nXRANGE\r\n"));
    out = redis_graph_key(out, args->stream);
    if (!args->newest) out = redis_position_arg(out, behind(args->after));
    out = to_the_end ? redis_cmd_literal(out, LITERAL("$1\r\n+\r\n"))
                     : redis_position_arg(out, args->until);
    if (args->newest) out = redis_position_arg(out, behind(args->after));
    out = redis_cmd_literal(out, LITERAL("$5\r\nCOUNT\r\n"));
    return redis_cmd_u64(out, (uint64_t)args->most + 1);
}

static size_t bound(cairn_slice_t stream)
{
    return sizeof REDIS_MULTI REDIS_EXEC LAST_ONE +
           redis_cmd_bound(14, 64 + 2 * REDIS_POSITION_SIZE + REDIS_CMD_NUMBER) +
           2 * redis_graph_key_bound(stream) + redis_graph_past_bound(stream);
}

/* A copy, for what tells of lost events. */
static int keep_after(const cairn_stream_read_args_t *args, cairn_position_t **after)
{
    const bool tells_lost = !args->newest && (args->after.high != 0 || args->after.low != 0);
    *after = NULL;
    if (!tells_lost) return 0;
    *after = cairn_malloc(sizeof **after);
    if (!*after) return UV_ENOMEM;
    **after = args->after;
    return 0;
}

int redis_graph_read(void *self, cairn_stream_read_t *req, const cairn_stream_read_args_t *args)
{
    const redis_graph_name_t name = redis_graph_name(self, args->stream);
    cairn_position_t *after;
    char *out;
    int rc = keep_after(args, &after);
    if (rc == 0) rc = redis_graph_reserve(self, &name, bound(args->stream), &out);
    if (rc < 0) {
        cairn_free(after);
        return rc;
    }
    out = redis_cmd_literal(out, LITERAL(REDIS_MULTI));
    out = range(out, args);
    out = redis_cmd_literal(out, LITERAL("*6\r\n$9\r\nXREVRANGE\r\n"));
    out = redis_graph_key(out, args->stream);
    out = redis_cmd_literal(out, LITERAL(LAST_ONE "*2\r\n$3\r\nGET\r\n"));
    out = redis_graph_past(out, &name);
    out = redis_cmd_literal(out, LITERAL(REDIS_EXEC));
    req->req.scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)after;
    req->req.scratch[REDIS_SCRATCH_NUMBER] = args->most | (args->newest ? NEWEST : 0);
    redis_conn_commit_transaction(redis_saver_conn(self), out, on_page, &req->req, 3, true);
    return 0;
}
