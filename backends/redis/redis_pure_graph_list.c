/* The list of a stream that is in another slot of a cluster: what is done with it goes there when
 * the stream has answered, so the stream is what counts, and the list may be behind. */
#include "redis_pure_graph.h"
#include "redis_pure_graph_json.h"

#include <cairn/sys/alloc.h>
#include <stdio.h>
#include <uv.h>

struct redis_graph_rest {
    uint16_t slot;
    uint64_t entries;                 /* of an append */
    cairn_stream_appended_t appended; /* what its stream answered */
    size_t len;
    char bytes[]; /* of the call; of an append without its last argument */
};

static redis_graph_rest_t *rest_of(const cairn_req_t *req)
{
    return (redis_graph_rest_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_MEMORY];
}

/* ---- what is to be done ---- */

/* With room for a key and so many bytes. */
static redis_graph_rest_t *rest_new(const redis_graph_name_t *name, size_t bytes)
{
    redis_graph_rest_t *rest = cairn_malloc(sizeof *rest + redis_graph_key_bound(name->id) + bytes);
    if (rest) *rest = (redis_graph_rest_t){.slot = name->list_slot};
    return rest;
}

/* Up to `end` it is written. */
static int rest_give(redis_graph_rest_t *rest, const char *end, redis_graph_rest_t **given)
{
    rest->len = (size_t)(end - rest->bytes);
    *given = rest;
    return 0;
}

int redis_graph_rest_of_clear(const redis_graph_name_t *name, redis_graph_rest_t **given)
{
    static const char begin[] = "*2\r\n$6\r\nUNLINK\r\n";
    *given = NULL;
    if (!redis_graph_is_apart(name)) return 0;
    redis_graph_rest_t *rest = rest_new(name, sizeof begin);
    if (!rest) return UV_ENOMEM;
    char *out = redis_cmd_literal(rest->bytes, LITERAL(begin));
    return rest_give(rest, redis_graph_list(out, name->id), given);
}

int redis_graph_rest_of_ttl(const redis_graph_name_t *name, int64_t ttl_ms,
                            redis_graph_rest_t **given)
{
    *given = NULL;
    if (!redis_graph_is_apart(name)) return 0;
    redis_graph_rest_t *rest = rest_new(name, redis_cmd_bound(3, REDIS_CMD_NUMBER + 16));
    if (!rest) return UV_ENOMEM;
    char *out = redis_cmd_begin(rest->bytes, ttl_ms > 0 ? 3 : 2);
    out = redis_cmd_arg(out, cairn_str(ttl_ms > 0 ? "PEXPIRE" : "PERSIST"));
    out = redis_graph_list(out, name->id);
    if (ttl_ms > 0) out = redis_cmd_i64(out, ttl_ms);
    return rest_give(rest, out, given);
}

enum {
    LIST_ARGS = 2, /* before the entries */
    ENTRY_ARGS = 2
};

static size_t size_entries(const cairn_stream_append_args_t *args,
                           const redis_graph_messages_t *messages)
{
    size_t size = 2 * REDIS_CMD_NUMBER;
    for (size_t i = 0; i < args->count; i++)
        size += 1 + redis_json_ascii_size(redis_graph_message_at(messages, i));
    return size;
}

int redis_graph_rest_of_append(const redis_graph_name_t *name,
                               const cairn_stream_append_args_t *args,
                               const redis_graph_messages_t *messages, redis_graph_rest_t **given)
{
    const size_t count = LIST_ARGS + ENTRY_ARGS * args->count + 1;
    *given = NULL;
    if (!redis_graph_is_apart(name)) return 0;
    redis_graph_rest_t *rest =
        rest_new(name, REDIS_SCRIPT_BEGIN + redis_cmd_bound(count, size_entries(args, messages)));
    if (!rest) return UV_ENOMEM;
    rest->entries = args->count;
    char *out = redis_script_begin(rest->bytes, &redis_script_pure_graph_list, REDIS_GUARD_OMITTED,
                                   1, count);
    out = redis_graph_list(out, name->id);
    out = redis_cmd_i64(out, args->ttl_ms);
    out = redis_graph_limit_arg(out, args);
    for (size_t i = 0; i < args->count; i++) {
        out = redis_cmd_arg(out, cairn_str(args->entries[i].id.ptr ? "i" : "n"));
        out = redis_graph_ascii_arg(out, redis_graph_message_at(messages, i));
    }
    return rest_give(rest, out, given);
}

/* ---- doing it ---- */

static int rest_send(cairn_req_t *req, cairn_slice_t last, redis_answer_fn answer, bool idempotent)
{
    const redis_graph_rest_t *rest = rest_of(req);
    redis_conn_t *conn = redis_route_choose_slot(&redis_saver_of(req)->route, rest->slot);
    char *out;
    int rc = redis_conn_reserve_unbounded(conn, rest->len + last.len, &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, rest->bytes, rest->len);
    out = redis_bytes(out, last);
    redis_conn_commit_script(conn, out, answer, req, idempotent);
    return 0;
}

bool redis_graph_has_rest(const cairn_req_t *req)
{
    return rest_of(req) != NULL;
}

int redis_graph_rest_send(cairn_req_t *req, redis_answer_fn answer)
{
    return rest_send(req, cairn_slice(NULL, 0), answer, true);
}

int redis_graph_rest_send_append(cairn_req_t *req, const cairn_stream_appended_t *appended,
                                 redis_answer_fn answer)
{
    redis_graph_rest_t *rest = rest_of(req);
    const bool all_new = appended->count == rest->entries;
    rest->appended = *appended;
    return rest_send(req, cairn_str(all_new ? "$1\r\n1\r\n" : "$1\r\n0\r\n"), answer, false);
}

cairn_stream_appended_t redis_graph_rest_appended(const cairn_req_t *req)
{
    return rest_of(req)->appended;
}

void redis_graph_rest_fail(cairn_req_t *req, int status, cairn_slice_t detail)
{
    char text[256];
    const size_t most = detail.len < sizeof text ? detail.len : sizeof text;
    int len = snprintf(text, sizeof text, "done with the stream, but not with its list: %.*s",
                       (int)most, most > 0 ? detail.ptr : "");
    if (len >= (int)sizeof text) len = sizeof text - 1;
    redis_saver_fail(req, status, cairn_slice(text, (size_t)len));
}
