/* Where the next items of a search are: asked of the namespaces' lists in pieces, put in order
 * here. In the order of keys one namespace comes after the other; in the order of changes all have
 * to be asked. */
#include "redis_store.h"

#include <stdlib.h>
#include <uv.h>

#define SPACES_IN_A_PIECE 64u

static int by_path(const redis_place_t *a, const redis_place_t *b)
{
    return a->path.ptr == b->path.ptr ? 0 : cairn_slice_cmp(a->path, b->path);
}

static int by_key(const redis_place_t *a, const redis_place_t *b)
{
    int order = cairn_slice_cmp(a->key, b->key);
    return order != 0 ? order : by_path(a, b);
}

static int falling(const void *one, const void *other)
{
    const redis_place_t *a = one, *b = other;
    if (a->updated_at_us != b->updated_at_us) return a->updated_at_us > b->updated_at_us ? -1 : 1;
    return by_key(a, b);
}

static int rising(const void *one, const void *other)
{
    const redis_place_t *a = one, *b = other;
    if (a->updated_at_us != b->updated_at_us) return a->updated_at_us < b->updated_at_us ? -1 : 1;
    return by_key(a, b);
}

static int path_first(const void *one, const void *other)
{
    const redis_place_t *a = one, *b = other;
    int order = by_path(a, b);
    return order != 0 ? order : cairn_slice_cmp(a->key, b->key);
}

/* ---- what a call gives ---- */

static int take_space(redis_query_t *query, redis_reply_t *reply)
{
    const size_t fields = query->order == CAIRN_ORDER_KEY ? 1 : 2;
    cairn_slice_t path, key, score;
    size_t count;
    if (redis_reply_string(reply, &path) < 0 || redis_reply_array(reply, &count) < 0 ||
        count % fields != 0)
        return CAIRN_EPROTOCOL;
    int rc = cairn_arena_copy(&query->round, path, &path);
    for (size_t i = 0; i < count && rc == 0; i += fields) {
        redis_place_t *place = cairn_rows_add(&query->round, &query->places, sizeof *place);
        if (!place) return UV_ENOMEM;
        place->path = path;
        rc = redis_reply_string(reply, &key);
        if (rc == 0) rc = cairn_arena_copy(&query->round, key, &place->key);
        if (rc < 0 || fields == 1) continue;
        rc = redis_reply_string(reply, &score);
        if (rc == 0) rc = redis_store_number(score, &place->updated_at_us);
        place->updated_at_us = -place->updated_at_us;
    }
    return rc;
}

int redis_place_take_item(redis_query_t *query, redis_place_t *place, redis_reply_t *reply)
{
    cairn_item_t item = {0};
    int rc = redis_item_read(reply, &item);
    place->is_gone = rc == 1;
    if (rc != 0) return rc < 0 ? rc : 0;
    place->item = cairn_arena_alloc(&query->round, 1, sizeof item);
    if (!place->item) return UV_ENOMEM;
    *place->item = item;
    return cairn_arena_copy(&query->round, item.value, &place->item->value);
}

/* Those that came along, in the order of the places. */
static int take_items(redis_query_t *query, size_t before, redis_reply_t *reply)
{
    redis_place_t *places = query->places.at;
    size_t count;
    int rc = redis_reply_array(reply, &count);
    if (rc == 0 && count > query->places.count - before) rc = CAIRN_EPROTOCOL;
    for (size_t i = before; rc == 0 && i < before + count; i++)
        rc = redis_place_take_item(query, &places[i], reply);
    return rc;
}

int redis_places_take(redis_query_t *query, redis_reply_t *reply)
{
    size_t parts, count;
    cairn_slice_t cursor;
    if (redis_reply_array(reply, &parts) < 0 || parts != 3 ||
        redis_reply_string(reply, &cursor) < 0 || redis_reply_array(reply, &count) < 0 ||
        count % 2 != 0)
        return CAIRN_EPROTOCOL;
    const size_t before = query->places.count;
    int rc = cairn_arena_copy(&query->round, cursor, &query->from);
    for (size_t i = 0; i < count && rc == 0; i += 2) rc = take_space(query, reply);
    return rc < 0 ? rc : take_items(query, before, reply);
}

void redis_places_sort(redis_query_t *query)
{
    static int (*const orders[])(const void *,
                                 const void *) = {[CAIRN_ORDER_UPDATED_DESC] = falling,
                                                  [CAIRN_ORDER_UPDATED_ASC] = rising,
                                                  [CAIRN_ORDER_KEY] = path_first};
    if (query->places.count > 1)
        qsort(query->places.at, query->places.count, sizeof(redis_place_t), orders[query->order]);
    if (query->places.count > query->wanted) query->places.count = query->wanted;
}

static int take_piece(redis_query_t *query, redis_reply_t *reply)
{
    const size_t before = query->places.count;
    int rc = redis_places_take(query, reply);
    if (rc < 0) return rc;
    if (query->order != CAIRN_ORDER_KEY && query->places.count > before) redis_places_sort(query);
    if (query->places.count > query->wanted) query->places.count = query->wanted;
    return 0;
}

/* ---- the calls ---- */

static int send_piece(cairn_req_t *req);

static void on_piece(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_query_t *query = redis_query_of(req);
    int rc = status < 0 ? 0 : take_piece(query, reply);
    if (redis_job_failed(req, status, rc, detail)) return;
    bool full = query->places.count == query->wanted;
    bool all_asked = query->from.len == 0 || (full && query->order == CAIRN_ORDER_KEY);
    if (all_asked) {
        query->ended = !full;
        rc = redis_search_on_places(req);
    } else {
        rc = send_piece(req);
    }
    if (rc < 0) (void)redis_job_failed(req, 0, rc, detail);
}

/* What is no better than the last of enough does not come any more. */
static char *worst(char *out, const redis_query_t *query)
{
    const redis_place_t *places = query->places.at;
    if (query->order == CAIRN_ORDER_KEY || query->places.count < query->wanted)
        return redis_cmd_literal(out, LITERAL("$0\r\n\r\n"));
    return redis_cmd_i64(out, -places[query->wanted - 1].updated_at_us);
}

size_t redis_places_bound(const redis_query_t *query)
{
    return 5 * REDIS_CMD_NUMBER + query->behind.key.len + query->behind.path.len;
}

char *redis_places_args(char *out, const redis_query_t *query, cairn_slice_t from, cairn_slice_t to,
                        size_t wanted, bool with_items)
{
    static const char orders[] = {
        [CAIRN_ORDER_UPDATED_DESC] = 'd', [CAIRN_ORDER_UPDATED_ASC] = 'a', [CAIRN_ORDER_KEY] = 'k'};
    const redis_place_t *behind = &query->behind;
    out = redis_cmd_arg(out, from);
    out = redis_cmd_arg(out, to);
    out = redis_cmd_u64(out, SPACES_IN_A_PIECE);
    out = redis_cmd_arg(out, cairn_slice(&orders[query->order], 1));
    out = redis_cmd_u64(out, wanted);
    out = query->resumed ? redis_cmd_i64(out, behind->updated_at_us)
                         : redis_cmd_literal(out, LITERAL("$0\r\n\r\n"));
    out = redis_cmd_arg(out, behind->key);
    out = redis_cmd_arg(out, behind->path);
    out = worst(out, query);
    with_items = with_items && query->kind != REDIS_QUERY_NEAR && query->skip == 0;
    return with_items ? redis_cmd_literal(out, LITERAL("$1\r\nv\r\n"))
                      : redis_cmd_literal(out, LITERAL("$0\r\n\r\n"));
}

static int send_piece(cairn_req_t *req)
{
    const redis_query_t *query = redis_query_of(req);
    const bool by_key = query->order == CAIRN_ORDER_KEY;
    const size_t payload = query->from.len + query->greatest.len + redis_places_bound(query);
    char *out;
    int rc = redis_job_reserve(
        redis_job_of(req), REDIS_SHARDS_BOUND + redis_cmd_bound(REDIS_PLACES_ARGS, payload), &out);
    if (rc < 0) return rc;
    out = redis_shards_call(out, &redis_script_store_places, REDIS_PLACES_ARGS);
    out = redis_places_args(out, query, query->from, query->greatest,
                            query->wanted - (by_key ? query->places.count : 0), true);
    redis_job_commit(req, out, on_piece, 0, true);
    return 0;
}

/* In the order of keys those namespaces are over that come before the place. */
static int set_from(redis_query_t *query)
{
    const cairn_slice_t path = query->behind.path;
    query->from = query->least;
    if (query->order != CAIRN_ORDER_KEY || !query->resumed ||
        cairn_slice_cmp(path, query->prefix) < 0)
        return 0;
    char *bytes = cairn_arena_alloc(&query->round, 1 + path.len, 1);
    if (!bytes) return UV_ENOMEM;
    bytes[0] = '[';
    if (path.len > 0) memcpy(bytes + 1, path.ptr, path.len);
    query->from = cairn_slice(bytes, 1 + path.len);
    return 0;
}

int redis_places_begin(cairn_req_t *req)
{
    redis_query_t *query = redis_query_of(req);
    cairn_arena_reset(&query->round);
    query->places = (cairn_rows_t){0};
    query->read = query->asked = query->taken = 0;
    query->ended = false;
    int rc = set_from(query);
    if (rc < 0) return rc;
    return redis_store_is_split(redis_job_of(req)->redis) ? redis_spread_places(req)
                                                          : send_piece(req);
}
