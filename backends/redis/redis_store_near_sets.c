/* search by vector on servers that have vector sets. A set of a namespace that has all of its items
 * names candidates, best first, by the sum of all its vectors, not by its graph; their own vectors
 * are read and scored as the scan does. So results and scores are those of the scan, if no
 * candidate is missing: what a set says is wrong by less than `slack`, and what it says is worse
 * than the worst of the best by more is not read.
 *
 *     store_near      which namespaces have a set that has all of their items; of each of them:
 *     VSIM            in a thread of the server's own, which it would not be in a transaction
 *     MULTI HGET ... VCARD ZCARD EXISTS EXEC      candidates; and whether it still has all items
 *
 * Those without are scanned. Where a set turns out not to have all items, or as many candidates as
 * one answer should have are not enough, all are. */
#include "redis_store.h"

#include <cairn/sys/vector.h>
#include <math.h>
#include <stdlib.h>
#include <uv.h>

#define SPACES_IN_A_PIECE 128u

/* Candidates that are read beyond those wanted, as some may be gone or be ties. */
#define MARGIN ((uint64_t)8)

/* Candidates in one answer: a few more are nothing to a set that goes through all its elements, but
 * it puts them in order by insertion. */
#define CANDIDATES_LEAST ((uint64_t)64)
#define CANDIDATES_MOST ((uint64_t)1024)

/* With a filter nobody knows how many candidates match; and where they were not enough. */
#define MORE 4u

/* A set reckons in floats and makes all vectors one long: squares must neither vanish nor overflow.
 */
bool redis_near_fits_sets(const cairn_vector_t *vector)
{
    const double norm = cairn_vector_norm(vector->values, vector->dimensions);
    return norm > 1e-15 && norm < 1e15;
}

/* As many are read at a time. */
size_t redis_sets_piece(const redis_query_t *query)
{
    return (size_t)(query->ranks + MARGIN) * (query->filter ? MORE : 1);
}

bool redis_sets_can(const redis_job_t *job, const redis_query_t *query)
{
    return query->kind == REDIS_QUERY_NEAR && query->metric == CAIRN_METRIC_COSINE &&
           query->ranks <= CANDIDATES_MOST / (MORE * MORE) && redis_near_fits_sets(&query->near) &&
           job->redis->route.one.commands.hello.vector_sets;
}

/* ---- all is scanned ---- */

static int scan_all(cairn_req_t *req)
{
    redis_query_t *query = redis_query_of(req);
    query->least = query->sets.least;
    query->greatest = query->sets.greatest;
    query->sets = (redis_sets_t){0};
    query->ranked.count = 0;
    query->has_floor = false;
    query->resumed = false;
    return redis_search_round(req);
}

/* ---- candidates ---- */

static size_t set_size(const redis_query_t *query, const redis_shelf_t *shelf)
{
    return sizeof(REDIS_KEY_STORE REDIS_SPACE_NEAR) - 1 + shelf->tag_size + 1 +
           redis_vector_field_size(query->near.index, query->near.dimensions);
}

static char *set_key(char *out, const redis_query_t *query, const redis_shelf_t *shelf)
{
    out = redis_cmd_arg_begin(out, set_size(query, shelf));
    out = redis_cmd_literal(out, LITERAL(REDIS_KEY_STORE REDIS_SPACE_NEAR));
    out = redis_space_tag(out, shelf->ns);
    *out++ = ':';
    return redis_cmd_end(redis_vector_field(out, query->near.index, query->near.dimensions));
}

static const redis_stretch_t *stretch_of(const redis_query_t *query)
{
    return (const redis_stretch_t *)query->sets.stretches.at + query->sets.at;
}

static int by_bytes(const void *a, const void *b)
{
    const cairn_slice_t *one = a, *other = b;
    return cairn_slice_cmp(*one, *other);
}

static bool is_seen(const redis_sets_t *sets, cairn_slice_t key)
{
    return sets->seen_count > 0 &&
           bsearch(&key, sets->seen, sets->seen_count, sizeof key, by_bytes) != NULL;
}

static int take_candidates(redis_query_t *query, redis_reply_t *reply)
{
    redis_sets_t *sets = &query->sets;
    size_t count;
    int rc = redis_reply_array(reply, &count);
    if (rc == 0 && (count % 2 != 0 || count / 2 > sets->asked)) rc = CAIRN_EPROTOCOL;
    for (size_t i = 0; i < count && rc == 0; i += 2) {
        cairn_slice_t key;
        double similarity;
        rc = redis_reply_string(reply, &key);
        if (rc == 0) rc = redis_reply_double(reply, &similarity);
        if (rc < 0 || is_seen(sets, key)) continue;
        redis_place_t *place = cairn_rows_add(&query->round, &query->places, sizeof *place);
        if (!place) return UV_ENOMEM;
        place->path = stretch_of(query)->first;
        place->score = 2 * similarity - 1;
        rc = cairn_arena_copy(&query->round, key, &place->key);
    }
    sets->is_exhausted = count / 2 < sets->asked;
    sets->are_enough = sets->is_whole = false;
    return rc;
}

static void on_candidates(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int rc = 0;
    const bool refused = status == CAIRN_ESERVER || status == CAIRN_EDENIED;
    if (refused) status = 0;
    if (status == 0 && !refused) rc = take_candidates(redis_query_of(req), reply);
    if (redis_job_failed(req, status, rc, detail)) return;
    rc = refused ? scan_all(req) : redis_search_on_places(req);
    if (rc < 0) (void)redis_job_failed(req, 0, rc, detail);
}

static void clear_round(redis_query_t *query)
{
    cairn_arena_reset(&query->round);
    query->places = (cairn_rows_t){0};
    query->read = query->asked = query->taken = 0;
}

static int ask_candidates(cairn_req_t *req)
{
    redis_query_t *query = redis_query_of(req);
    const size_t size = query->near.dimensions * sizeof(float);
    cairn_namespace_t ns;
    char *out;
    clear_round(query);
    int rc = cairn_namespace_decode(&query->round, stretch_of(query)->first, &ns);
    if (rc < 0) return rc == UV_EINVAL ? CAIRN_EPROTOCOL : rc;
    const redis_shelf_t shelf = redis_shelf(redis_job_of(req)->redis, ns);
    redis_job_turn(redis_job_of(req), &shelf);
    rc = redis_job_reserve(redis_job_of(req),
                           redis_cmd_bound(8, 64 + set_size(query, &shelf) + size), &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, LITERAL("*8\r\n$4\r\nVSIM\r\n"));
    out = set_key(out, query, &shelf);
    out = redis_cmd_literal(out, LITERAL("$4\r\nFP32\r\n"));
    out = redis_cmd_arg(out, cairn_slice((const char *)query->near.values, size));
    out = redis_cmd_literal(out, LITERAL("$5\r\nCOUNT\r\n"));
    out = redis_cmd_u64(out, query->sets.asked);
    out = redis_cmd_literal(out, LITERAL("$10\r\nWITHSCORES\r\n$5\r\nTRUTH\r\n"));
    redis_job_commit(req, out, on_candidates, 0, true);
    return 0;
}

/* By how much a cosine made of floats may be wrong, in whatever order its sums are made. */
static double slack(const redis_query_t *query)
{
    return (double)(query->near.dimensions + 16) * 0x1p-23;
}

/* One is read in any case, for whether the set has all items. */
void redis_sets_trim(redis_query_t *query)
{
    const redis_place_t *places = query->places.at;
    if (redis_sets_checks(query) == 0) return;
    redis_near_keep_best(query);
    if (!query->has_floor) return;
    const double bound = query->floor - slack(query);
    for (size_t i = query->read > 0 ? query->read - 1 : 1; i < query->taken; i++) {
        if (!(places[i].score < bound)) continue;
        query->taken = i < query->read ? query->read : i;
        query->sets.are_enough = true;
    }
}

static int remember_seen(redis_job_t *job, redis_query_t *query)
{
    redis_sets_t *sets = &query->sets;
    const redis_place_t *places = query->places.at;
    const size_t count = sets->seen_count + query->places.count;
    cairn_slice_t *seen = cairn_arena_alloc(&job->arena, count, sizeof *seen);
    if (!seen) return UV_ENOMEM;
    for (size_t i = 0; i < sets->seen_count; i++) seen[i] = sets->seen[i];
    for (size_t i = 0; i < query->places.count; i++)
        if (cairn_arena_copy(&job->arena, places[i].key, &seen[sets->seen_count + i]) < 0)
            return UV_ENOMEM;
    qsort(seen, count, sizeof *seen, by_bytes);
    sets->seen = seen;
    sets->seen_count = count;
    return 0;
}

int redis_sets_round_over(cairn_req_t *req)
{
    redis_query_t *query = redis_query_of(req);
    redis_sets_t *sets = &query->sets;
    if (!sets->is_whole) return scan_all(req);
    if (sets->are_enough || sets->is_exhausted) return redis_sets_next(req);
    if (sets->asked == CANDIDATES_MOST) return scan_all(req);
    int rc = remember_seen(redis_job_of(req), query);
    if (rc < 0) return rc;
    sets->asked = sets->asked < CANDIDATES_MOST / MORE ? sets->asked * MORE : CANDIDATES_MOST;
    return ask_candidates(req);
}

/* ---- whether the set has all items ---- */

size_t redis_sets_checks(const redis_query_t *query)
{
    return query->sets.asked > 0 && !query->telling ? REDIS_SETS_CHECKS : 0;
}

size_t redis_sets_check_bound(const redis_query_t *query, const redis_shelf_t *shelf)
{
    if (redis_sets_checks(query) == 0) return 0;
    return REDIS_SETS_CHECKS * redis_cmd_bound(2, 8) + 2 * redis_store_list_bound(shelf) +
           set_size(query, shelf);
}

char *redis_sets_check(char *out, const redis_query_t *query, const redis_shelf_t *shelf)
{
    if (redis_sets_checks(query) == 0) return out;
    out = redis_cmd_literal(out, LITERAL("*2\r\n$5\r\nVCARD\r\n"));
    out = set_key(out, query, shelf);
    out = redis_cmd_literal(out, LITERAL("*2\r\n$5\r\nZCARD\r\n"));
    out = redis_store_list_key(out, shelf, LITERAL(REDIS_SPACE_KEYS));
    out = redis_cmd_literal(out, LITERAL("*2\r\n$6\r\nEXISTS\r\n"));
    return redis_store_list_key(out, shelf, LITERAL(REDIS_SPACE_LEFT));
}

int redis_sets_read_check(redis_query_t *query, redis_reply_t *reply)
{
    int64_t elements = 0, items = 0, left = 0;
    if (redis_sets_checks(query) == 0) return 0;
    int rc = redis_reply_int(reply, &elements);
    if (rc == 0) rc = redis_reply_int(reply, &items);
    if (rc == 0) rc = redis_reply_int(reply, &left);
    query->sets.is_whole = rc == 0 && elements == items && left == 0;
    return rc;
}

/* ---- stretches ---- */

static int take_stretches(redis_job_t *job, redis_query_t *query, redis_reply_t *reply)
{
    size_t parts, count;
    cairn_slice_t from;
    if (redis_reply_array(reply, &parts) < 0 || parts != 2 ||
        redis_reply_string(reply, &from) < 0 || redis_reply_array(reply, &count) < 0 ||
        count % 3 != 0)
        return CAIRN_EPROTOCOL;
    redis_sets_t *sets = &query->sets;
    int rc = cairn_arena_copy(&job->arena, from, &sets->from);
    sets->stretches = (cairn_rows_t){0};
    sets->at = 0;
    for (size_t i = 0; i < count && rc == 0; i += 3) {
        cairn_slice_t first, last;
        int64_t elements = 0;
        redis_stretch_t *stretch = cairn_rows_add(&job->arena, &sets->stretches, sizeof *stretch);
        if (!stretch) return UV_ENOMEM;
        rc = redis_reply_string(reply, &first);
        if (rc == 0) rc = redis_reply_string(reply, &last);
        if (rc == 0) rc = redis_reply_int(reply, &elements);
        if (rc == 0 && elements < 0) rc = CAIRN_EPROTOCOL;
        if (rc < 0) return rc;
        stretch->elements = (uint64_t)elements;
        rc = cairn_arena_copy(&job->arena, first, &stretch->first);
        if (rc == 0) rc = cairn_arena_copy(&job->arena, last, &stretch->last);
    }
    return rc;
}

static void on_stretches(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int rc = status < 0 ? 0 : take_stretches(redis_job_of(req), redis_query_of(req), reply);
    if (redis_job_failed(req, status, rc, detail)) return;
    rc = redis_sets_begin_stretch(req);
    if (rc < 0) (void)redis_job_failed(req, 0, rc, detail);
}

static int ask_stretches(cairn_req_t *req)
{
    enum {
        ARGS = 5
    };
    redis_query_t *query = redis_query_of(req);
    const redis_sets_t *sets = &query->sets;
    query->greatest = sets->greatest;
    if (redis_store_is_split(redis_job_of(req)->redis)) return redis_spread_stretches(req);
    const size_t field = redis_vector_field_size(query->near.index, query->near.dimensions);
    char *out;
    int rc = redis_job_reserve(redis_job_of(req),
                               REDIS_SHARDS_BOUND +
                                   redis_cmd_bound(ARGS, sets->from.len + sets->greatest.len +
                                                             field + 2 * REDIS_CMD_NUMBER),
                               &out);
    if (rc < 0) return rc;
    out = redis_shards_call(out, &redis_script_store_near, ARGS);
    out = redis_cmd_arg(out, sets->from);
    out = redis_cmd_arg(out, sets->greatest);
    out = redis_cmd_u64(out, SPACES_IN_A_PIECE);
    out = redis_cmd_arg_begin(out, field);
    out = redis_cmd_end(redis_vector_field(out, query->near.index, query->near.dimensions));
    out = redis_cmd_u64(out, 2 * redis_sets_piece(query));
    redis_job_commit(req, out, on_stretches, 0, true);
    return 0;
}

static int bound_at(redis_job_t *job, cairn_slice_t path, cairn_slice_t *bound)
{
    char *bytes = cairn_arena_alloc(&job->arena, 1 + path.len, 1);
    if (!bytes) return UV_ENOMEM;
    bytes[0] = '[';
    if (path.len > 0) memcpy(bytes + 1, path.ptr, path.len);
    *bound = cairn_slice(bytes, 1 + path.len);
    return 0;
}

static int scan_stretch(cairn_req_t *req)
{
    redis_job_t *job = redis_job_of(req);
    redis_query_t *query = redis_query_of(req);
    query->resumed = false;
    query->sets.asked = 0;
    int rc = bound_at(job, stretch_of(query)->first, &query->least);
    if (rc == 0) rc = bound_at(job, stretch_of(query)->last, &query->greatest);
    return rc < 0 ? rc : redis_search_round(req);
}

int redis_sets_begin_stretch(cairn_req_t *req)
{
    redis_query_t *query = redis_query_of(req);
    redis_sets_t *sets = &query->sets;
    if (sets->at == sets->stretches.count)
        return sets->from.len > 0 ? ask_stretches(req) : redis_search_tell(req);
    if (stretch_of(query)->elements == 0) return scan_stretch(req);
    sets->asked = redis_sets_piece(query) * MORE;
    if (sets->asked < CANDIDATES_LEAST) sets->asked = CANDIDATES_LEAST;
    if (sets->asked > CANDIDATES_MOST) sets->asked = CANDIDATES_MOST;
    sets->seen_count = 0;
    return ask_candidates(req);
}

int redis_sets_next(cairn_req_t *req)
{
    redis_query_of(req)->sets.at++;
    return redis_sets_begin_stretch(req);
}

int redis_sets_begin(cairn_req_t *req)
{
    redis_query_t *query = redis_query_of(req);
    query->sets = (redis_sets_t){
        .used = true, .least = query->least, .greatest = query->greatest, .from = query->least};
    return ask_stretches(req);
}
