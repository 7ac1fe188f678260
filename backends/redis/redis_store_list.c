/* list_namespaces, and count without a filter: the list of namespaces, in pieces. Conditions are
 * met here; what the depth cuts away is stepped over. */
#include "redis_store.h"

#include <uv.h>

#define SPACES_IN_A_PIECE 256u
#define CLOSED "\0\1" /* how an encoded namespace ends */
#define CLOSED_SIZE 2

static int copy_conditions(redis_job_t *job, redis_query_t *query,
                           const cairn_store_list_args_t *args)
{
    cairn_match_condition_t *conditions =
        cairn_arena_alloc(&job->arena, args->condition_count, sizeof *conditions);
    if (!conditions) return UV_ENOMEM;
    for (size_t i = 0; i < args->condition_count; i++) {
        const cairn_namespace_t from = args->conditions[i].path;
        cairn_slice_t *labels = cairn_arena_alloc(&job->arena, from.count, sizeof *labels);
        if (!labels) return UV_ENOMEM;
        for (size_t k = 0; k < from.count; k++)
            if (cairn_arena_copy(&job->arena, from.labels[k], &labels[k]) < 0) return UV_ENOMEM;
        conditions[i] = (cairn_match_condition_t){args->conditions[i].type, {labels, from.count}};
    }
    query->conditions = conditions;
    query->condition_count = args->condition_count;
    return 0;
}

static size_t count_labels(cairn_slice_t encoded)
{
    size_t count = 0;
    for (size_t i = 1; i < encoded.len; i++)
        count += memcmp(encoded.ptr + i - 1, CLOSED, CLOSED_SIZE) == 0;
    return count;
}

/* Behind the namespace; if it has been cut, then behind all that begins with it. */
static int bound_behind(redis_job_t *job, const redis_query_t *query, cairn_slice_t path,
                        cairn_slice_t *out)
{
    char *bytes = cairn_arena_alloc(&job->arena, 1 + path.len, 1);
    if (!bytes) return UV_ENOMEM;
    bytes[0] = '(';
    memcpy(bytes + 1, path.ptr, path.len);
    if (query->max_depth > 0 && count_labels(path) >= query->max_depth) {
        bytes[0] = '[';
        bytes[path.len]++;
    }
    *out = cairn_slice(bytes, 1 + path.len);
    return 0;
}

/* It must not lead out of what the conditions have in common. */
static int read_cursor(redis_job_t *job, redis_query_t *query, cairn_slice_t cursor)
{
    if (cursor.len <= CLOSED_SIZE ||
        memcmp(cursor.ptr + cursor.len - CLOSED_SIZE, CLOSED, CLOSED_SIZE) != 0)
        return UV_EINVAL;
    if (cairn_slice_cmp(cursor, query->prefix) < 0) return 0;
    return bound_behind(job, query, cursor, &query->from);
}

int redis_query_list(redis_job_t *job, redis_query_t *query, const cairn_store_list_args_t *args)
{
    query->kind = REDIS_QUERY_LIST;
    query->skip = args->offset;
    query->most = args->most;
    query->max_depth = args->max_depth;
    int rc = redis_query_bounds(job, query,
                                cairn_namespace_common(args->conditions, args->condition_count));
    if (rc == 0) rc = copy_conditions(job, query, args);
    query->from = query->least;
    if (rc == 0 && args->cursor.len > 0) rc = read_cursor(job, query, args->cursor);
    return rc;
}

/* ---- pieces ---- */

static int send_piece(cairn_req_t *req, const redis_script_t *script, redis_answer_fn answer)
{
    enum {
        ARGS = 3
    };
    const redis_query_t *query = redis_query_of(req);
    char *out;
    int rc = redis_job_reserve(
        redis_job_of(req),
        REDIS_SHARDS_BOUND +
            redis_cmd_bound(ARGS, query->from.len + query->greatest.len + REDIS_CMD_NUMBER),
        &out);
    if (rc < 0) return rc;
    out = redis_shards_call(out, script, ARGS);
    out = redis_cmd_arg(out, query->from);
    out = redis_cmd_arg(out, query->greatest);
    out = redis_cmd_u64(out, SPACES_IN_A_PIECE);
    redis_job_commit(req, out, answer, 0, true);
    return 0;
}

static bool begins_with(cairn_slice_t bytes, cairn_slice_t prefix)
{
    return bytes.len >= prefix.len && memcmp(bytes.ptr, prefix.ptr, prefix.len) == 0;
}

static bool has_been_cut(const redis_query_t *query)
{
    return query->last.len > 0 && query->max_depth > 0 &&
           count_labels(query->last) >= query->max_depth;
}

static int wants(redis_query_t *query, cairn_slice_t path, cairn_namespace_t *ns)
{
    if (has_been_cut(query) && begins_with(path, query->last)) return 0;
    cairn_arena_reset(&query->round);
    int rc = cairn_namespace_decode(&query->round, path, ns);
    if (rc < 0) return rc == UV_EINVAL ? CAIRN_EPROTOCOL : rc;
    return cairn_namespace_matches(*ns, query->conditions, query->condition_count);
}

int redis_list_wants(redis_query_t *query, cairn_slice_t path)
{
    cairn_namespace_t ns;
    return wants(query, path, &ns);
}

int redis_list_take(redis_job_t *job, redis_query_t *query, cairn_slice_t path)
{
    cairn_namespace_t ns;
    int rc = wants(query, path, &ns);
    if (rc <= 0) return rc;
    if (query->skip == 0 && query->rows.count == query->most) {
        query->cursor = query->last;
        return 1;
    }
    const cairn_namespace_t cut = cairn_namespace_cut(ns, query->max_depth);
    path.len = cairn_namespace_encoded_size(cut);
    rc = cairn_arena_copy(&job->arena, path, &query->last);
    if (rc < 0) return rc;
    if (query->skip > 0) {
        query->skip--;
        return 0;
    }
    cairn_namespace_t *row = cairn_rows_add(&job->arena, &query->rows, sizeof *row);
    return row ? cairn_namespace_decode(&job->arena, path, row) : UV_ENOMEM;
}

/* Where the next piece begins: where the script says, or behind what has been cut. */
int redis_list_set_from(redis_job_t *job, redis_query_t *query, cairn_slice_t cursor)
{
    if (cursor.len == 0) {
        query->from = cursor;
        return 0;
    }
    const cairn_slice_t next = cairn_slice(cursor.ptr + 1, cursor.len - 1);
    if (has_been_cut(query) && begins_with(next, query->last))
        return bound_behind(job, query, query->last, &query->from);
    return cairn_arena_copy(&job->arena, cursor, &query->from);
}

static int take_piece(redis_job_t *job, redis_query_t *query, redis_reply_t *reply)
{
    size_t parts, count;
    cairn_slice_t cursor, path;
    if (redis_reply_array(reply, &parts) < 0 || parts != 2 ||
        redis_reply_string(reply, &cursor) < 0 || redis_reply_array(reply, &count) < 0)
        return CAIRN_EPROTOCOL;
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = redis_reply_string(reply, &path);
        if (rc == 0) rc = redis_list_take(job, query, path);
    }
    return rc == 0 ? redis_list_set_from(job, query, cursor) : rc;
}

static void on_names(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_query_t *query = redis_query_of(req);
    int rc = status < 0 ? 0 : take_piece(redis_job_of(req), query, reply);
    if (redis_job_failed(req, status, rc, detail)) return;
    bool ends = rc == 1 || query->from.len == 0;
    rc = ends ? redis_query_ended(req) : redis_list_begin(req);
    if (rc < 0) (void)redis_job_failed(req, 0, rc, detail);
}

int redis_list_begin(cairn_req_t *req)
{
    if (redis_store_is_split(redis_job_of(req)->redis)) return redis_spread_list(req);
    return send_piece(req, &redis_script_store_names, on_names);
}

/* ---- count ---- */

static int take_count(redis_job_t *job, redis_query_t *query, redis_reply_t *reply)
{
    size_t parts;
    int64_t count;
    cairn_slice_t cursor;
    if (redis_reply_array(reply, &parts) < 0 || parts != 2 ||
        redis_reply_string(reply, &cursor) < 0 || redis_reply_int(reply, &count) < 0)
        return CAIRN_EPROTOCOL;
    query->count += (uint64_t)count;
    return cairn_arena_copy(&job->arena, cursor, &query->from);
}

static void on_count(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_query_t *query = redis_query_of(req);
    int rc = status < 0 ? 0 : take_count(redis_job_of(req), query, reply);
    if (redis_job_failed(req, status, rc, detail)) return;
    rc = query->from.len == 0 ? redis_query_ended(req) : redis_count_begin(req);
    if (rc < 0) (void)redis_job_failed(req, 0, rc, detail);
}

int redis_count_begin(cairn_req_t *req)
{
    if (redis_store_is_split(redis_job_of(req)->redis)) return redis_spread_count(req);
    return send_piece(req, &redis_script_store_count, on_count);
}
