/* list. One call a page, newest first: of a thread by merging its namespaces, of all threads by
 * merging the shards of the list of all checkpoints, each of which is in that order.
 *
 * A member of that list, encoded id and inverted place, is also the cursor: that of the last row.
 * Filtering is done here, so a page may have fewer rows than asked for. */
#include "redis_saver_list.h"

#include <cairn/sys/alloc.h>
#include <cairn/sys/json.h>
#include <uv.h>

/* What a request keeps. */
typedef struct listing {
    cairn_slice_t filter; /* may be absent */
    char bytes[];
} listing_t;

static int read_rows(redis_reply_t *reply, cairn_arena_t *arena, cairn_slice_t filter,
                     cairn_saver_page_t *page)
{
    size_t parts, count;
    if (redis_reply_array(reply, &parts) < 0 || parts != 2 ||
        redis_reply_string(reply, &page->cursor) < 0 || redis_reply_array(reply, &count) < 0)
        return CAIRN_EPROTOCOL;
    cairn_checkpoint_tuple_t *tuples = cairn_arena_alloc(arena, count, sizeof *tuples);
    if (!tuples) return UV_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        cairn_checkpoint_tuple_t *tuple = &tuples[page->count];
        int rc = redis_listed_row_read(reply, arena, tuple);
        if (rc < 0) return rc;
        int matches = filter.len ? cairn_json_contains(tuple->metadata, filter) : 1;
        if (matches < 0) return matches;
        page->count += (size_t)matches;
    }
    page->tuples = tuples;
    return 0;
}

static void on_page(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_backend_t *redis = redis_saver_of(req);
    const listing_t *listing = (listing_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_MEMORY];
    cairn_saver_page_t page = {0};
    cairn_arena_reset(&redis->arena);
    int rc = status < 0 ? 0 : read_rows(reply, &redis->arena, listing->filter, &page);
    if (redis_saver_failed(req, status, rc, detail)) return;
    redis_saver_release(req);
    redis_saver_done(req)->list_done(CAIRN_CONTAINER_OF(req, cairn_saver_list_t, req), &page);
}

/* ---- where a page begins ---- */

/* Takes the cursor apart; its id is written to `room`. */
static int read_cursor(cairn_slice_t cursor, char *room, cairn_slice_t *id)
{
    cairn_slice_t rest = cursor, encoded, thread_id, ns;
    if (!redis_take_encoded(&rest, false, &encoded) ||
        !redis_take_encoded(&rest, true, &thread_id) || !redis_take_encoded(&rest, true, &ns) ||
        rest.len > 0)
        return UV_EINVAL;
    *id = cairn_slice(room, (size_t)(redis_decode(room, encoded) - room));
    return 0;
}

static redis_bound_t find_bound(const cairn_saver_list_args_t *args, const cairn_slice_t *cursor_id)
{
    const cairn_slice_t id = args->checkpoint_id, before = args->before_id;
    const redis_bound_t nothing = {.from = REDIS_FROM_NOTHING};
    const redis_bound_t at_cursor = {REDIS_FROM_CURSOR, cursor_id ? *cursor_id : before,
                                     args->cursor};
    if (id.ptr) {
        if (before.ptr && cairn_slice_cmp(id, before) >= 0) return nothing;
        int order = cursor_id ? cairn_slice_cmp(id, *cursor_id) : -1;
        if (order == 0) return at_cursor;
        return order > 0 ? nothing : (redis_bound_t){.from = REDIS_FROM_ID, .id = id};
    }
    if (before.ptr && (!cursor_id || cairn_slice_cmp(before, *cursor_id) <= 0))
        return (redis_bound_t){.from = REDIS_FROM_BEFORE, .id = before};
    return cursor_id ? at_cursor : (redis_bound_t){.from = REDIS_FROM_NEWEST};
}

/* ---- the calls ---- */

static char *lex(char *out, char sign, cairn_slice_t id)
{
    out = redis_cmd_arg_begin(out, 1 + id.len);
    *out++ = sign;
    if (id.len > 0) out = redis_cmd_literal(out, id.ptr, id.len);
    return redis_cmd_end(out);
}

static char *lex_encoded(char *out, char sign, cairn_slice_t id, char last)
{
    out = redis_cmd_arg_begin(out, 1 + redis_encoded_size(id));
    *out++ = sign;
    out = redis_encode(out, id);
    out[-1] = last;
    return redis_cmd_end(out);
}

static char *page_end(char *out, const cairn_saver_list_args_t *args)
{
    out = redis_cmd_u64(out, args->most);
    return args->headers_only ? redis_cmd_literal(out, LITERAL("$1\r\nh\r\n"))
                              : redis_cmd_literal(out, LITERAL("$0\r\n\r\n"));
}

static char *greatest_id(char *out, const redis_bound_t *bound)
{
    switch (bound->from) {
    case REDIS_FROM_NEWEST:
        return redis_cmd_literal(out, LITERAL("$1\r\n+\r\n"));
    case REDIS_FROM_NOTHING:
        return redis_cmd_literal(out, LITERAL("$1\r\n-\r\n"));
    case REDIS_FROM_BEFORE:
        return lex(out, '(', bound->id);
    default:
        return lex(out, '[', bound->id);
    }
}

static int list_thread(redis_backend_t *redis, cairn_saver_list_t *req,
                       const cairn_saver_list_args_t *args, const redis_bound_t *bound)
{
    enum {
        ARGS = 6
    };
    const redis_space_t space = redis_space(redis, args->thread_id, args->checkpoint_ns);
    char *out;
    int rc = redis_saver_reserve(redis, args->thread_id,
                                 redis_thread_bound(&space, ARGS + 1,
                                                    3 + space.ns_place + args->checkpoint_id.len +
                                                        bound->id.len + bound->cursor.len +
                                                        args->thread_id.len + REDIS_CMD_NUMBER + 1),
                                 &out);
    if (rc < 0) return rc;
    out = redis_thread_begin(out, &redis_script_list, &space, ARGS + 1);
    out = args->checkpoint_ns.ptr ? redis_space_start(out, &space)
                                  : redis_cmd_literal(out, LITERAL("$0\r\n\r\n"));
    out = args->checkpoint_id.ptr ? lex(out, '[', args->checkpoint_id)
                                  : redis_cmd_literal(out, LITERAL("$1\r\n-\r\n"));
    out = greatest_id(out, bound);
    out = redis_cmd_arg(out, bound->cursor);
    out = page_end(out, args);
    out = redis_cmd_arg(out, args->thread_id);
    redis_conn_commit_script(redis_saver_conn(redis), out, on_page, &req->req, true);
    return 0;
}

/* The keys of the shards take so much. */
#define SHARD_KEYS (2 * (size_t)REDIS_SHARDS)
#define SHARD_KEYS_SIZE                                                                            \
    (REDIS_SHARDS * (sizeof REDIS_KEY_SHARD + sizeof REDIS_KEY_SHARD_EXPIRY + 4))

/* Members of the list of all: an encoded id, and then the place. */
char *redis_list_greatest(char *out, const redis_bound_t *bound)
{
    switch (bound->from) {
    case REDIS_FROM_NEWEST:
        return redis_cmd_literal(out, LITERAL("$1\r\n+\r\n"));
    case REDIS_FROM_NOTHING:
        return redis_cmd_literal(out, LITERAL("$1\r\n-\r\n"));
    case REDIS_FROM_ID: /* what begins with it: it ends with 0 */
        return lex_encoded(out, '(', bound->id, 1);
    case REDIS_FROM_BEFORE:
        return lex_encoded(out, '(', bound->id, 0);
    default:
        return lex(out, '(', bound->cursor);
    }
}

char *redis_list_namespace(char *out, const cairn_saver_list_args_t *args)
{
    if (!args->checkpoint_ns.ptr) return redis_cmd_literal(out, LITERAL("$0\r\n\r\n"));
    out = redis_cmd_arg_begin(out, 1 + redis_encoded_size(args->checkpoint_ns));
    *out++ = '=';
    return redis_cmd_end(redis_encode_inverted(out, args->checkpoint_ns));
}

char *redis_list_least(char *out, const cairn_saver_list_args_t *args)
{
    return args->checkpoint_id.ptr ? lex_encoded(out, '[', args->checkpoint_id, 0)
                                   : redis_cmd_literal(out, LITERAL("$1\r\n-\r\n"));
}

static char *shard_keys(char *out)
{
    for (unsigned shard = 0; shard < REDIS_SHARDS; shard++) out = redis_number_keys(out, shard);
    return out;
}

static int list_all(redis_backend_t *redis, cairn_saver_list_t *req,
                    const cairn_saver_list_args_t *args, const redis_bound_t *bound)
{
    enum {
        ARGS = 6
    };
    const size_t payload = SHARD_KEYS_SIZE + sizeof REDIS_KEY_NAMES + 3 +
                           redis_encoded_size(args->checkpoint_ns) +
                           redis_encoded_size(args->checkpoint_id) + redis_encoded_size(bound->id) +
                           bound->cursor.len + REDIS_CMD_NUMBER + 1;
    char *out;
    int rc = redis_saver_reserve_any(
        redis, REDIS_SCRIPT_BEGIN + redis_cmd_bound(SHARD_KEYS + ARGS, payload), &out);
    if (rc < 0) return rc;
    out = shard_keys(
        redis_script_begin(out, &redis_script_list_all, REDIS_GUARD_OF_NONE, SHARD_KEYS, ARGS));
    out = redis_cmd_literal(out, LITERAL(REDIS_NAMES_ARG));
    out = redis_list_namespace(out, args);
    out = redis_list_least(out, args);
    out = redis_list_greatest(out, bound);
    out = page_end(out, args);
    redis_conn_commit_script(redis_saver_conn(redis), out, on_page, &req->req, true);
    return 0;
}

int redis_saver_list(void *self, cairn_saver_list_t *req, const cairn_saver_list_args_t *args)
{
    redis_backend_t *redis = self;
    const bool spread = !args->thread_id.ptr && redis_route_is_split(&redis->route);
    listing_t *listing = cairn_malloc(sizeof *listing + args->filter.len + args->cursor.len);
    if (!listing) return UV_ENOMEM;
    listing->filter = cairn_slice(listing->bytes, args->filter.len);
    if (args->filter.len > 0) memcpy(listing->bytes, args->filter.ptr, args->filter.len);

    cairn_slice_t id;
    bool resumed = args->cursor.len > 0;
    int rc = resumed ? read_cursor(args->cursor, listing->bytes + args->filter.len, &id) : 0;
    if (rc == 0) {
        redis_bound_t bound = find_bound(args, resumed ? &id : NULL);
        if (spread) {
            rc = redis_list_spread(redis, req, args, &bound);
        } else {
            req->req.scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)listing;
            rc = args->thread_id.ptr ? list_thread(redis, req, args, &bound)
                                     : list_all(redis, req, args, &bound);
        }
    }
    if (rc < 0 || spread) cairn_free(listing);
    return rc;
}
