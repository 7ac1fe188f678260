/* get. A script finds the checkpoint. What it reads costs the server with its length, so where the
 * caller believes to know the latest (redis_hints.h) it asks for its parts by plain commands in the
 * same transaction, and the script only says whether that is the latest:
 *
 *     MULTI
 *     EVALSHA get_newer                        1, or the whole row
 *     HMGET checkpoint l b m p, MGET blobs, LRANGE writes
 *     EXEC
 *
 * For the checkpoint of a given id it needs no script. Where the script finds something large it
 * gives only id and blobs, and the parts are asked for then: a second round trip, but the server
 * does not stand still for it.
 *
 * A replica may be behind, and while a slot is on its way, have but half of a checkpoint. What it
 * has not, or not all of, and what is older than what was put from here, its master is asked for;
 * and what it says is not remembered, as puts go by that. */
#include "redis_saver.h"

#include <cairn/sys/alloc.h>
#include <cairn/sys/checkpoint_codec.h>
#include <uv.h>

/* What a request keeps: what it asked for, to be told with the answer and to be asked again. */
typedef struct lookup {
    cairn_slice_t thread_id, ns;
    cairn_slice_t id; /* absent: the latest */
    char flags[3];
    size_t flag_count;
    cairn_slice_t hint_id, hint_list; /* sent along; absent: none */
    uint64_t hint_token;
    bool large; /* a script will not read it */
    bool found; /* nor is the id the caller's: it is that of the latest */
    char bytes[];
} lookup_t;

static lookup_t *lookup_of(const cairn_req_t *req)
{
    return (lookup_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_MEMORY];
}

static cairn_slice_t keep(char **at, cairn_slice_t from)
{
    cairn_slice_t kept = cairn_slice(*at, from.len);
    if (from.len > 0) memcpy(*at, from.ptr, from.len);
    *at += from.len;
    return from.ptr ? kept : from;
}

/* The hint is worth asking for if it is of the checkpoint that is wanted, whole and as it is. */
static const redis_hint_t *find_hint(const redis_backend_t *redis,
                                     const cairn_saver_get_args_t *args)
{
    if (args->headers_only || args->terms.refresh) return NULL;
    const redis_hint_t *hint = redis_saver_hint(redis, args->at.thread_id, args->at.checkpoint_ns);
    if (!hint || !args->at.checkpoint_id.ptr) return hint;
    return cairn_slice_eq(args->at.checkpoint_id, redis_hint_id(hint)) ? hint : NULL;
}

static lookup_t *lookup_make(cairn_checkpoint_ref_t of, cairn_slice_t hint_id,
                             cairn_slice_t hint_list)
{
    lookup_t *lookup = cairn_malloc(sizeof *lookup + of.thread_id.len + of.checkpoint_ns.len +
                                    of.checkpoint_id.len + hint_id.len + hint_list.len);
    if (!lookup) return NULL;
    char *at = lookup->bytes;
    *lookup = (lookup_t){.large = false};
    lookup->thread_id = keep(&at, of.thread_id);
    lookup->ns = keep(
        &at, cairn_slice(of.checkpoint_ns.ptr ? of.checkpoint_ns.ptr : "", of.checkpoint_ns.len));
    lookup->id = keep(&at, of.checkpoint_id);
    lookup->hint_id = keep(&at, hint_id);
    lookup->hint_list = keep(&at, hint_list);
    return lookup;
}

static lookup_t *lookup_new(const cairn_saver_get_args_t *args, const redis_hint_t *hint)
{
    const cairn_slice_t none = {NULL, 0};
    lookup_t *lookup = lookup_make(args->at, hint ? redis_hint_id(hint) : none,
                                   hint ? redis_hint_list(hint) : none);
    if (!lookup) return NULL;
    lookup->hint_token = hint ? hint->token : 0;
    if (args->headers_only) lookup->flags[lookup->flag_count++] = 'h';
    if (args->terms.refresh) {
        lookup->flags[lookup->flag_count++] = 'r';
        if (args->terms.scope == CAIRN_SCOPE_THREAD) lookup->flags[lookup->flag_count++] = 't';
    }
    return lookup;
}

/* ---- the calls ---- */

static size_t flags_size(const lookup_t *lookup)
{
    return lookup->flag_count + (lookup->id.ptr ? 1 : 0);
}

static size_t digits(size_t number)
{
    char text[REDIS_CMD_NUMBER];
    return (size_t)(redis_cmd_digits(text, number) - text);
}

static size_t lines_size(const redis_space_t *space, const lookup_t *lookup)
{
    return flags_size(lookup) + redis_object_stem_size(space, sizeof REDIS_KEY_CHECKPOINT - 1) +
           redis_object_stem_size(space, sizeof REDIS_KEY_BLOB - 1) +
           redis_object_stem_size(space, sizeof REDIS_KEY_WRITES - 1) + sizeof REDIS_KEY_NAMES - 1 +
           space->thread_size + 2 + digits(space->thread_place) + 1 + digits(lookup->id.len) + 7 +
           space->thread_place + lookup->id.len + 2 + space->ns_place;
}

static size_t script_bound(const redis_space_t *space, const lookup_t *lookup)
{
    return redis_thread_bound(
        space, 2, lines_size(space, lookup) + 1 + space->ns_place + lookup->hint_id.len);
}

static char *line(char *out, const redis_space_t *space, const char *prefix, size_t size)
{
    out = redis_object_stem(out, space, prefix, size);
    *out++ = '\n';
    return out;
}

/* scripts/get.lua says what they are. */
static char *lines(char *out, const redis_space_t *space, const lookup_t *lookup)
{
    out = redis_cmd_arg_begin(out, lines_size(space, lookup));
    out = redis_cmd_literal(out, lookup->flags, lookup->flag_count);
    if (lookup->id.ptr) *out++ = 'i';
    *out++ = '\n';
    out = line(out, space, LITERAL(REDIS_KEY_CHECKPOINT));
    out = line(out, space, LITERAL(REDIS_KEY_BLOB));
    out = line(out, space, LITERAL(REDIS_KEY_WRITES));
    out = redis_cmd_literal(out, LITERAL(REDIS_KEY_NAMES "\n{"));
    out = redis_escape(out, space->thread_id);
    out = redis_cmd_literal(out, LITERAL("}\n"));
    out = redis_cmd_digits(out, space->thread_place);
    *out++ = ' ';
    out = redis_cmd_digits(out, lookup->id.len);
    *out++ = '\n';
    out = redis_bytes(redis_encode_inverted(out, space->thread_id), lookup->id);
    out = redis_encode(redis_cmd_literal(out, "(c", 2), space->ns);
    out[-1] = 1;
    return redis_cmd_end(out);
}

static char *script(char *out, const redis_space_t *space, const lookup_t *lookup)
{
    const bool moves = lookup->flag_count > 0 && lookup->flags[lookup->flag_count - 1] != 'h';
    out = redis_script_begin(out, &redis_script_get, redis_space_guard(space), moves ? 3 : 1, 1);
    out = redis_thread_key(out, space, LITERAL(REDIS_KEY_THREAD));
    if (moves) out = redis_shard_keys(out, space);
    return lines(out, space, lookup);
}

static char *script_of_newer(char *out, const redis_space_t *space, const lookup_t *lookup)
{
    out = redis_script_begin(out, &redis_script_get_newer, redis_space_guard(space), 1, 1);
    out = redis_thread_key(out, space, LITERAL(REDIS_KEY_THREAD));
    out = redis_cmd_arg_begin(out, 1 + space->ns_place + lookup->hint_id.len);
    *out++ = 'c';
    out = redis_encode(out, space->ns);
    return redis_cmd_end(redis_bytes(out, lookup->hint_id));
}

static size_t count_suffixes(cairn_slice_t list)
{
    size_t count = list.len > 0;
    for (size_t i = 0; i < list.len; i++) count += list.ptr[i] == ' ';
    return count;
}

static size_t parts_bound(const redis_space_t *space, const lookup_t *lookup)
{
    const size_t count = count_suffixes(lookup->hint_list);
    return 2 * redis_cmd_bound(6, 16 + redis_object_key_size(space, lookup->hint_id)) +
           redis_cmd_bound(1 + count,
                           4 + count * redis_object_stem_size(space, sizeof REDIS_KEY_BLOB) +
                               lookup->hint_list.len);
}

static char *values(char *out, const redis_space_t *space, cairn_slice_t list)
{
    const size_t stem = redis_object_stem_size(space, sizeof REDIS_KEY_BLOB - 1);
    const char *written = NULL;
    out = redis_cmd_begin(out, 1 + count_suffixes(list));
    out = redis_cmd_literal(out, LITERAL("$4\r\nMGET\r\n"));
    for (const char *at = list.ptr, *end = list.ptr + list.len; at < end;) {
        const char *space_at = memchr(at, ' ', (size_t)(end - at));
        const size_t size = (size_t)((space_at ? space_at : end) - at);
        out = redis_cmd_arg_begin(out, stem + size);
        const char *here = out;
        out = written ? redis_cmd_literal(out, written, stem)
                      : redis_object_stem(out, space, LITERAL(REDIS_KEY_BLOB));
        written = here;
        out = redis_cmd_end(redis_cmd_literal(out, at, size));
        at += size + 1;
    }
    return out;
}

/* The parts by plain commands. Without channels there is no MGET. */
static char *parts(char *out, const redis_space_t *space, const lookup_t *lookup, size_t *commands)
{
    out = redis_cmd_literal(out, LITERAL("*6\r\n$5\r\nHMGET\r\n"));
    out = redis_object_key(out, space, LITERAL(REDIS_KEY_CHECKPOINT), lookup->hint_id);
    out = redis_cmd_literal(out, LITERAL("$1\r\nl\r\n$1\r\nb\r\n$1\r\nm\r\n$1\r\np\r\n"));
    if (lookup->hint_list.len > 0) out = values(out, space, lookup->hint_list);
    out = redis_cmd_literal(out, LITERAL("*4\r\n$6\r\nLRANGE\r\n"));
    out = redis_object_key(out, space, LITERAL(REDIS_KEY_WRITES), lookup->hint_id);
    *commands += lookup->hint_list.len > 0 ? 3 : 2;
    return redis_cmd_literal(out, LITERAL("$1\r\n0\r\n$2\r\n-1\r\n"));
}

static void on_row(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail);
static void on_parts(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail);

/* again: the request was accepted, so it must not fail for want of room. */
static int reserve(redis_backend_t *redis, const lookup_t *lookup, bool again, size_t bytes,
                   char **at)
{
    const bool refreshes = memchr(lookup->flags, 'r', lookup->flag_count);
    if (again) return redis_conn_reserve_unbounded(redis_saver_conn(redis), bytes, at);
    return refreshes ? redis_saver_reserve(redis, lookup->thread_id, bytes, at)
                     : redis_saver_reserve_read(redis, lookup->thread_id, bytes, at);
}

/* Both are made anew from what the request keeps. */
static int send_script(redis_backend_t *redis, cairn_req_t *req, bool again)
{
    lookup_t *lookup = lookup_of(req);
    lookup->hint_id = lookup->hint_list = cairn_slice(NULL, 0);
    if (lookup->found) lookup->id = lookup->hint_id;
    lookup->large = lookup->found = false;
    const redis_space_t space = redis_space(redis, lookup->thread_id, lookup->ns);
    char *out;
    int rc = reserve(redis, lookup, again, script_bound(&space, lookup), &out);
    if (rc < 0) return rc;
    out = script(out, &space, lookup);
    redis_conn_commit_script(redis_saver_conn(redis), out, on_row, req, true);
    return 0;
}

static int send_parts(redis_backend_t *redis, cairn_req_t *req, bool again)
{
    lookup_t *lookup = lookup_of(req);
    const redis_space_t space = redis_space(redis, lookup->thread_id, lookup->ns);
    const bool of_latest = !lookup->id.ptr;
    size_t commands = of_latest ? 1 : 0;
    char *out;
    int rc = reserve(redis, lookup, again,
                     sizeof REDIS_MULTI + sizeof REDIS_EXEC + script_bound(&space, lookup) +
                         parts_bound(&space, lookup),
                     &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, LITERAL(REDIS_MULTI));
    if (of_latest) out = script_of_newer(out, &space, lookup);
    out = parts(out, &space, lookup, &commands);
    out = redis_cmd_literal(out, LITERAL(REDIS_EXEC));
    redis_conn_commit_transaction(redis_saver_conn(redis), out, on_parts, req, commands, true);
    return 0;
}

/* ---- the answers ---- */

static bool is_behind(redis_backend_t *redis)
{
    return redis_route_is_behind(&redis->route);
}

/* From the beginning, of the master, whoever has answered. */
static int ask_master(redis_backend_t *redis, cairn_req_t *req)
{
    if (is_behind(redis)) (void)redis_route_choose(&redis->route, lookup_of(req)->thread_id);
    return send_script(redis, req, true);
}

/* Values, where there are channels, and the list of writes, which always begins with a TTL. */
static bool has_all(redis_reply_t at, bool has_values)
{
    size_t count = 0;
    if (has_values && redis_reply_array(&at, &count) < 0) return false;
    for (; count > 0; count--)
        if (redis_reply_type(&at) == REDIS_NIL || redis_reply_skip(&at) < 0) return false;
    return redis_reply_array(&at, &count) == 0 && count > 0;
}

/* A row, as a replica gave it. */
static bool is_whole(redis_reply_t row)
{
    enum {
        HEADER = 4
    };
    size_t count;
    if (redis_reply_array(&row, &count) < 0) return false;
    if (count == HEADER) return true;
    for (size_t i = 0; i < HEADER; i++)
        if (redis_reply_skip(&row) < 0) return false;
    return has_all(row, true);
}

static bool is_older_than_put(const redis_backend_t *redis, const lookup_t *lookup,
                              cairn_slice_t id)
{
    const redis_hint_t *hint = redis_saver_hint(redis, lookup->thread_id, lookup->ns);
    return !lookup->id.ptr && hint && cairn_slice_cmp(id, redis_hint_id(hint)) < 0;
}

/* persistent: it has no expiry, so it may be remembered. */
static void tell(cairn_req_t *req, cairn_checkpoint_tuple_t *found, bool persistent)
{
    redis_backend_t *redis = redis_saver_of(req);
    lookup_t *lookup = lookup_of(req);
    if (found) {
        found->ref.thread_id = lookup->thread_id;
        found->ref.checkpoint_ns = lookup->ns;
        if (persistent && !is_behind(redis) && !lookup->id.ptr && lookup->flag_count == 0 &&
            !lookup->hint_id.ptr)
            redis_saver_remember(redis, found);
    }
    req->scratch[REDIS_SCRATCH_MEMORY] = 0; /* what is told has its names in there */
    redis_saver_done(req)->get_done(CAIRN_CONTAINER_OF(req, cairn_saver_get_t, req), found);
    cairn_free(lookup);
}

static void on_finished(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int rc = 0;
    if (status == 0 && redis_reply_type(reply) == REDIS_ARRAY) {
        rc = redis_saver_finish(req, reply, on_finished);
    } else if (status == 0) {
        lookup_of(req)->flag_count = memchr(lookup_of(req)->flags, 'h', 1) ? 1 : 0;
        rc = send_script(redis_saver_of(req), req, true);
    }
    (void)redis_saver_failed(req, status, rc, detail);
}

/* What the list of writes of a whole row begins with says so. */
static bool never_expires(redis_reply_t row)
{
    enum {
        BEFORE_WRITES = 5
    };
    size_t count;
    cairn_slice_t ttl_ms;
    if (redis_reply_array(&row, &count) < 0 || count != BEFORE_WRITES + 1) return false;
    for (size_t i = 0; i < BEFORE_WRITES; i++)
        if (redis_reply_skip(&row) < 0) return false;
    if (redis_reply_array(&row, &count) < 0 || count == 0) return false;
    return redis_reply_string(&row, &ttl_ms) == 0 && ttl_ms.len == 0;
}

/* {id, suffixes}: asks for its parts. */
static int ask_for_parts(redis_backend_t *redis, cairn_req_t *req, redis_reply_t *reply)
{
    lookup_t *lookup = lookup_of(req);
    size_t count;
    cairn_slice_t id, list;
    if (redis_reply_array(reply, &count) < 0 || redis_reply_string(reply, &id) < 0 ||
        redis_reply_string(reply, &list) < 0)
        return CAIRN_EPROTOCOL;
    lookup_t *next =
        lookup_make((cairn_checkpoint_ref_t){lookup->thread_id, lookup->ns, id}, id, list);
    if (!next) return UV_ENOMEM;
    next->large = true;
    next->found = !lookup->id.ptr;
    req->scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)next;
    cairn_free(lookup);
    return send_parts(redis, req, true);
}

/* A row, or what must be done before there is one; or nothing. */
static void take_row(cairn_req_t *req, redis_reply_t *reply)
{
    enum {
        LARGE = 2,
        MOST_IN_A_ROW = 6
    };
    redis_backend_t *redis = redis_saver_of(req);
    cairn_checkpoint_tuple_t tuple = {0};
    redis_reply_t peek = *reply;
    size_t count = 0;
    if (redis_reply_type(reply) == REDIS_NIL) {
        if (is_behind(redis))
            (void)redis_saver_failed(req, 0, ask_master(redis, req), cairn_slice(NULL, 0));
        else
            tell(req, NULL, false);
        return;
    }
    int rc = redis_reply_array(&peek, &count);
    const bool persistent = never_expires(*reply);
    bool more = count == LARGE || count > MOST_IN_A_ROW;
    if (rc == 0 && count == LARGE) {
        rc = ask_for_parts(redis, req, reply);
    } else if (rc == 0 && more) {
        rc = redis_saver_finish(req, reply, on_finished);
    } else if (rc == 0) {
        const bool whole = !is_behind(redis) || is_whole(*reply);
        cairn_arena_reset(&redis->arena);
        rc = redis_row_read(reply, &redis->arena, &tuple);
        more = rc == 0 && is_behind(redis) &&
               (!whole || is_older_than_put(redis, lookup_of(req), tuple.ref.checkpoint_id));
        if (more) rc = ask_master(redis, req);
    }
    if (redis_saver_failed(req, 0, rc, cairn_slice(NULL, 0)) || more) return;
    tell(req, &tuple, persistent);
}

static void on_row(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    const int rc = status < 0 ? 0 : redis_saver_call_again(ctx, reply, on_row);
    if (!redis_saver_failed(ctx, status, rc, detail) && rc == 0) take_row(ctx, reply);
}

/* {list, body, metadata, parent}. 1: not what the hint says, or not there. */
static int read_head(redis_reply_t *reply, const lookup_t *lookup, cairn_arena_t *arena,
                     cairn_checkpoint_tuple_t *tuple, bool *is_there)
{
    size_t count;
    cairn_slice_t list, body;
    bool no_list, no_body, no_metadata, no_parent;
    if (redis_reply_array(reply, &count) < 0 || count != 4 ||
        redis_reply_string_or_nil(reply, &list, &no_list) < 0 ||
        redis_reply_string_or_nil(reply, &body, &no_body) < 0 ||
        redis_reply_string_or_nil(reply, &tuple->metadata, &no_metadata) < 0 ||
        redis_reply_string_or_nil(reply, &tuple->parent_id, &no_parent) < 0)
        return CAIRN_EPROTOCOL;
    *is_there = !no_list && !no_body && !no_metadata;
    if (!*is_there || !cairn_slice_eq(list, lookup->hint_list)) return 1;
    if (no_parent) tuple->parent_id = cairn_slice(NULL, 0);
    tuple->ref.checkpoint_id = lookup->hint_id;
    return cairn_checkpoint_decode(body, arena, &tuple->checkpoint);
}

static int read_parts(redis_reply_t *reply, const lookup_t *lookup, bool behind,
                      cairn_arena_t *arena, cairn_checkpoint_tuple_t *tuple, bool *is_there)
{
    int rc = read_head(reply, lookup, arena, tuple, is_there);
    if (rc != 0) return rc;
    if (behind && !has_all(*reply, lookup->hint_list.len > 0)) return 1;
    if (lookup->hint_list.len > 0) return redis_row_read_rest(reply, arena, tuple);
    return redis_row_read_writes(reply, arena, tuple);
}

/* {1 or a row, and the parts}; of a given id, only the parts. */
static void on_parts(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_backend_t *redis = redis_saver_of(req);
    lookup_t *lookup = lookup_of(req);
    if (status == CAIRN_EOOM && !lookup->large) {
        /* A server without memory queues nothing, but a script may read. */
        (void)redis_saver_failed(req, 0, send_script(redis, req, true), detail);
        return;
    }
    if (redis_saver_failed(req, status, 0, detail)) return;
    cairn_checkpoint_tuple_t tuple = {0};
    bool is_there = true;
    size_t count;
    const size_t expected = (lookup->hint_list.len > 0 ? 3u : 2u) + (lookup->id.ptr ? 0u : 1u);
    int rc = redis_reply_array(reply, &count);
    if (rc == 0 && count != expected) rc = CAIRN_EPROTOCOL;
    if (rc == 0 && !lookup->id.ptr) {
        if (redis_reply_type(reply) == REDIS_STRING) { /* 'more' */
            (void)redis_saver_failed(req, 0, ask_master(redis, req), detail);
            return;
        }
        if (redis_reply_type(reply) != REDIS_INT) {
            lookup->hint_id = lookup->hint_list = cairn_slice(NULL, 0);
            take_row(req, reply);
            return;
        }
        if (!is_behind(redis)) redis_hints_confirm(&redis->hints, lookup->hint_token);
        rc = redis_reply_skip(reply);
    }
    cairn_arena_reset(&redis->arena);
    if (rc == 0) rc = read_parts(reply, lookup, is_behind(redis), &redis->arena, &tuple, &is_there);
    if (rc > 0 && !is_there && lookup->id.ptr && !lookup->found && !is_behind(redis)) {
        tell(req, NULL, false);
        return;
    }
    bool ask_again = rc > 0;
    if (ask_again) rc = ask_master(redis, req);
    if (redis_saver_failed(req, 0, rc, detail) || ask_again) return;
    tell(req, &tuple, false);
}

int redis_saver_get(void *self, cairn_saver_get_t *req, const cairn_saver_get_args_t *args)
{
    redis_backend_t *redis = self;
    const redis_hint_t *hint = find_hint(redis, args);
    lookup_t *lookup = lookup_new(args, hint);
    if (!lookup) return UV_ENOMEM;
    req->req.scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)lookup;
    int rc = hint ? send_parts(redis, &req->req, false) : send_script(redis, &req->req, false);
    if (rc < 0) redis_saver_release(&req->req);
    return rc;
}
