/* search, and count with a filter: rounds of places, and the items there read in pieces. Filters
 * are evaluated here, where numbers are exact. */
#include "redis_store.h"

#include <uv.h>

#define WANTED_MOST ((size_t)512)
#define NUMBER sizeof(uint64_t)

/* ---- the cursor: time of the change and length of the key, eight bytes each, key, path ---- */

static void write_number(char *out, uint64_t number)
{
    for (size_t i = NUMBER; i-- > 0; number >>= 8) out[i] = (char)(number & 0xff);
}

static uint64_t read_number(const char *from)
{
    uint64_t number = 0;
    for (size_t i = 0; i < NUMBER; i++) number = number << 8 | (unsigned char)from[i];
    return number;
}

static int make_cursor(redis_job_t *job, redis_query_t *query)
{
    const cairn_item_t *last = (const cairn_item_t *)query->rows.at + query->rows.count - 1;
    const size_t size = 2 * NUMBER + last->key.len + cairn_namespace_encoded_size(last->ns);
    char *cursor = cairn_arena_alloc(&job->arena, size, 1);
    if (!cursor) return UV_ENOMEM;
    write_number(cursor, (uint64_t)query->last_updated_at_us);
    write_number(cursor + NUMBER, last->key.len);
    if (last->key.len > 0) memcpy(cursor + 2 * NUMBER, last->key.ptr, last->key.len);
    cairn_namespace_encode(last->ns, cursor + 2 * NUMBER + last->key.len);
    query->cursor = cairn_slice(cursor, size);
    return 0;
}

static int read_cursor(redis_job_t *job, redis_query_t *query, cairn_slice_t cursor)
{
    if (cursor.len < 2 * NUMBER) return UV_EINVAL;
    int rc = cairn_arena_copy(&job->arena, cursor, &cursor);
    if (rc < 0) return rc;
    const uint64_t updated = read_number(cursor.ptr), key_len = read_number(cursor.ptr + NUMBER);
    if (key_len > cursor.len - 2 * NUMBER || updated > (uint64_t)CAIRN_TTL_MAX_MS) return UV_EINVAL;
    const char *path = cursor.ptr + 2 * NUMBER + key_len;
    query->behind = (redis_place_t){
        .updated_at_us = (int64_t)updated,
        .key = cairn_slice(cursor.ptr + 2 * NUMBER, (size_t)key_len),
        .path = cairn_slice(path, (size_t)(cursor.ptr + cursor.len - path)),
    };
    query->resumed = true;
    return 0;
}

/* ---- queries ---- */

static int read_filter(redis_query_t *query, cairn_slice_t filter)
{
    return filter.len > 0 ? cairn_json_query_read(filter, &query->filter, NULL) : 0;
}

static int copy_near(redis_job_t *job, redis_query_t *query, const cairn_store_search_args_t *args)
{
    const cairn_vector_t *near = args->near;
    float *values = cairn_arena_alloc(&job->arena, near->dimensions, sizeof *values);
    if (!values) return UV_ENOMEM;
    memcpy(values, near->values, near->dimensions * sizeof *values);
    query->kind = REDIS_QUERY_NEAR;
    query->order = CAIRN_ORDER_KEY;
    query->near.values = values;
    query->near.dimensions = near->dimensions;
    query->metric = args->metric;
    query->ranks = args->offset < UINT64_MAX - args->most ? args->offset + args->most : UINT64_MAX;
    return cairn_arena_copy(&job->arena, near->index, &query->near.index);
}

int redis_query_search(redis_job_t *job, redis_query_t *query,
                       const cairn_store_search_args_t *args)
{
    query->kind = REDIS_QUERY_SEARCH;
    query->order = args->order;
    query->skip = args->offset;
    query->most = args->most;
    query->refresh = args->refresh;
    int rc = redis_query_bounds(job, query, args->prefix);
    if (rc == 0) rc = read_filter(query, args->filter);
    if (rc == 0 && args->near) rc = copy_near(job, query, args);
    if (rc == 0 && args->cursor.len > 0) rc = read_cursor(job, query, args->cursor);
    return rc;
}

int redis_query_count(redis_job_t *job, redis_query_t *query, cairn_namespace_t prefix,
                      cairn_slice_t filter)
{
    query->kind = REDIS_QUERY_COUNT;
    query->order = CAIRN_ORDER_KEY;
    int rc = redis_query_bounds(job, query, prefix);
    query->from = query->least;
    return rc == 0 ? read_filter(query, filter) : rc;
}

/* ---- the end ---- */

static int end_search(cairn_req_t *req, bool more)
{
    redis_job_t *job = redis_job_of(req);
    redis_query_t *query = redis_query_of(req);
    int rc = more && query->kind == REDIS_QUERY_SEARCH ? make_cursor(job, query) : 0;
    cairn_item_t *rows = query->rows.at;
    for (size_t i = 0; query->refresh && i < query->rows.count && rc == 0; i++)
        rc = redis_refresh_add(job, &rows[i]);
    return rc < 0 ? rc : redis_refresh_begin(req, redis_query_ended);
}

/* ---- the items ---- */

/* 1: it is the first that does not fit into the page. */
static int take_item(redis_job_t *job, redis_query_t *query, const redis_place_t *place,
                     cairn_item_t *item)
{
    if (query->filter && !query->telling) {
        int matches = cairn_json_query_matches(query->filter, item->value);
        if (matches <= 0) return matches;
    }
    if (query->kind == REDIS_QUERY_COUNT) {
        query->count++;
        return 0;
    }
    if (query->skip > 0 && !query->telling) {
        query->skip--;
        return 0;
    }
    if (query->rows.count == query->most) return 1;
    cairn_item_t *row = cairn_rows_add(&job->arena, &query->rows, sizeof *row);
    if (!row) return UV_ENOMEM;
    *row = *item;
    row->has_score = query->telling;
    row->score = place->score;
    query->last_updated_at_us = place->updated_at_us;
    int rc = cairn_namespace_decode(&job->arena, place->path, &row->ns);
    if (rc == 0) rc = cairn_arena_copy(&job->arena, place->key, &row->key);
    if (rc == 0) rc = cairn_arena_copy(&job->arena, item->value, &row->value);
    return rc == UV_EINVAL ? CAIRN_EPROTOCOL : rc;
}

static bool is_ranking(const redis_query_t *query)
{
    return query->kind == REDIS_QUERY_NEAR && !query->telling;
}

static size_t asks(const redis_query_t *query)
{
    return is_ranking(query) ? redis_near_asks(query) : 1;
}

static int take_items(redis_job_t *job, redis_query_t *query, redis_reply_t *reply)
{
    const redis_place_t *places = query->places.at;
    size_t count;
    int rc = redis_reply_array(reply, &count);
    if (rc == 0 && count != query->asked * asks(query) + redis_sets_checks(query))
        rc = CAIRN_EPROTOCOL;
    for (size_t i = 0; i < query->asked && rc == 0; i++, query->read++) {
        const redis_place_t *place = &places[query->read];
        cairn_item_t item = {0};
        if (is_ranking(query)) {
            rc = redis_near_rank(job, query, place, reply);
            continue;
        }
        rc = redis_item_read(reply, &item);
        rc = rc == 1 ? 0 : rc < 0 ? rc : take_item(job, query, place, &item);
    }
    return rc == 0 ? redis_sets_read_check(query, reply) : rc;
}

static void on_items(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int rc = status < 0 ? 0 : take_items(redis_job_of(req), redis_query_of(req), reply);
    if (redis_job_failed(req, status, rc, detail)) return;
    rc = rc == 1 ? end_search(req, true) : redis_search_ask_items(req);
    if (rc < 0) (void)redis_job_failed(req, 0, rc, detail);
}

static int round_over(cairn_req_t *req);

static int ask_each(cairn_req_t *req, size_t last)
{
    redis_query_t *query = redis_query_of(req);
    const redis_place_t *places = query->places.at;
    const bool ranking = is_ranking(query);
    redis_shelf_t *shelves = cairn_arena_alloc(&query->round, last - query->read, sizeof *shelves);
    if (!shelves) return UV_ENOMEM;
    size_t size = sizeof REDIS_MULTI + sizeof REDIS_EXEC;
    for (size_t i = query->read; i < last; i++) {
        redis_shelf_t *shelf = &shelves[i - query->read];
        if (i > query->read && places[i].path.ptr == places[i - 1].path.ptr) {
            *shelf = shelf[-1];
        } else {
            cairn_namespace_t ns;
            int rc = cairn_namespace_decode(&query->round, places[i].path, &ns);
            if (rc < 0) return rc == UV_EINVAL ? CAIRN_EPROTOCOL : rc;
            *shelf = redis_shelf(redis_job_of(req)->redis, ns);
        }
        size += ranking ? redis_near_ask_bound(query, shelf, places[i].key)
                        : redis_item_ask_bound(shelf, places[i].key);
    }
    size += redis_sets_check_bound(query, shelves);
    char *out;
    redis_job_turn(redis_job_of(req), shelves);
    int rc = redis_job_reserve(redis_job_of(req), size, &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, LITERAL(REDIS_MULTI));
    for (size_t i = query->read; i < last; i++)
        out = ranking ? redis_near_ask(out, query, &shelves[i - query->read], places[i].key)
                      : redis_item_ask(out, &shelves[i - query->read], places[i].key);
    out = redis_sets_check(out, query, shelves);
    out = redis_cmd_literal(out, LITERAL(REDIS_EXEC));
    query->asked = last - query->read;
    redis_job_commit(req, out, on_items, query->asked * asks(query) + redis_sets_checks(query),
                     true);
    return 0;
}

static bool has_come(const redis_place_t *place)
{
    return place->item || place->is_gone;
}

/* What came along with its place need not be asked for. */
static int take_known(cairn_req_t *req)
{
    redis_query_t *query = redis_query_of(req);
    const redis_place_t *places = query->places.at;
    int rc = 0;
    for (; rc == 0 && query->read < query->taken && has_come(&places[query->read]); query->read++)
        if (places[query->read].item)
            rc =
                take_item(redis_job_of(req), query, &places[query->read], places[query->read].item);
    return rc;
}

/* Candidates of a vector set are all in one namespace. */
static bool is_spread(cairn_req_t *req)
{
    return redis_store_is_split(redis_job_of(req)->redis) &&
           redis_sets_checks(redis_query_of(req)) == 0;
}

int redis_search_ask_items(cairn_req_t *req)
{
    redis_query_t *query = redis_query_of(req);
    const redis_place_t *places = query->places.at;
    const size_t piece = is_ranking(query) ? redis_near_piece(query) : REDIS_STORE_PIECE;
    redis_sets_trim(query);
    int rc = take_known(req);
    if (rc != 0) return rc == 1 ? end_search(req, true) : rc;
    if (query->read == query->taken) return round_over(req);
    if (is_spread(req))
        return is_ranking(query) ? redis_spread_ranks(req) : redis_spread_items(req);
    size_t last = query->read + 1;
    while (last < query->taken && last - query->read < piece && !has_come(&places[last])) last++;
    return ask_each(req, last);
}

/* ---- rounds ---- */

static bool is_plain(const redis_query_t *query)
{
    return query->kind == REDIS_QUERY_SEARCH && !query->filter;
}

static size_t needed(const redis_query_t *query)
{
    return query->most - query->rows.count;
}

/* What is left out is not read, where no filter needs to see it. */
int redis_search_on_places(cairn_req_t *req)
{
    redis_query_t *query = redis_query_of(req);
    query->taken = query->places.count;
    if (is_plain(query)) {
        if (query->skip < query->taken) {
            query->read = (size_t)query->skip;
            query->skip = 0;
        } else {
            query->read = query->taken;
            query->skip -= query->taken;
        }
        if (query->taken - query->read > needed(query)) query->taken = query->read + needed(query);
    }
    return redis_search_ask_items(req);
}

/* With a filter nobody knows how many will match: twice as many as are needed, then four times
 * those, and so on. */
static uint64_t wanted(const redis_query_t *query)
{
    const uint64_t skip = query->skip < WANTED_MOST ? query->skip : WANTED_MOST;
    const uint64_t least = skip + needed(query) + 1;
    if (query->kind != REDIS_QUERY_SEARCH) return WANTED_MOST;
    if (query->filter && query->rounds > 4) return WANTED_MOST;
    return query->filter ? 2 * least << 2 * query->rounds : least;
}

int redis_search_round(cairn_req_t *req)
{
    redis_query_t *query = redis_query_of(req);
    const uint64_t most = wanted(query);
    query->wanted = most < WANTED_MOST ? (size_t)most : WANTED_MOST;
    query->rounds++;
    return redis_places_begin(req);
}

static int go_on_behind(redis_job_t *job, redis_query_t *query, const redis_place_t *last)
{
    query->resumed = true;
    query->behind.updated_at_us = last->updated_at_us;
    int rc = cairn_arena_copy(&job->arena, last->key, &query->behind.key);
    return rc < 0 ? rc : cairn_arena_copy(&job->arena, last->path, &query->behind.path);
}

static int round_over(cairn_req_t *req)
{
    redis_job_t *job = redis_job_of(req);
    redis_query_t *query = redis_query_of(req);
    const bool all_taken = query->taken == query->places.count;
    if (query->telling) return end_search(req, false);
    if (is_plain(query) && needed(query) == 0) return end_search(req, !all_taken || !query->ended);
    if (redis_sets_checks(query) > 0) return redis_sets_round_over(req);
    if (query->ended && all_taken) {
        if (query->kind != REDIS_QUERY_NEAR) return end_search(req, false);
        return query->sets.used ? redis_sets_next(req) : redis_search_tell(req);
    }
    const redis_place_t *places = query->places.at;
    int rc = go_on_behind(job, query, &places[query->taken - 1]);
    return rc < 0 ? rc : redis_search_round(req);
}

int redis_search_tell(cairn_req_t *req)
{
    redis_near_end(redis_query_of(req));
    return redis_search_ask_items(req);
}

int redis_search_begin(cairn_req_t *req)
{
    return redis_sets_can(redis_job_of(req), redis_query_of(req)) ? redis_sets_begin(req)
                                                                  : redis_search_round(req);
}
