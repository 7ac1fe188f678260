/* Queries where namespaces are in different slots: names below the prefix are read from the
 * directory, some at a time; what one server says of all namespaces together is asked of each in
 * its own slot, of many at the same time, and put in order here. */
#include "redis_directory.h"

#include <stdlib.h>
#include <uv.h>

/* Calls that are out at a time. */
#define CALLS_MOST ((size_t)64)
#define NAMES_MOST ((size_t)256)

/* So few names come with their items at once. */
#define NAMES_WITH_ITEMS ((size_t)4)

/* What is asked of each namespace. */
typedef struct redis_spread_plan {
    /* Whether it need be asked at all; NULL: each. */
    int (*keep)(redis_query_t *query, cairn_slice_t path);
    int (*send)(cairn_req_t *req, redis_part_t *part);
    int (*take)(cairn_req_t *req, redis_part_t *part, redis_reply_t *reply);
    /* All of those at hand have been: redis_spread's next, or something else. */
    int (*done)(cairn_req_t *req);
} redis_spread_plan_t;

static redis_name_t *name_of(const redis_query_t *query, const redis_part_t *part)
{
    return (redis_name_t *)query->names.paths.at + part->index;
}

/* ---- the directory ---- */

static bool is_in_one_shard(const redis_query_t *query)
{
    return redis_directory_is_one(query->prefix);
}

static size_t names_of_a_shard(const redis_query_t *query)
{
    const size_t wanted = query->names.wanted;
    return is_in_one_shard(query) ? wanted : 2 * wanted / REDIS_SPACE_SHARDS + 2;
}

static int send_read(cairn_req_t *req, redis_part_t *part)
{
    const redis_query_t *query = redis_query_of(req);
    const cairn_slice_t from = query->names.from;
    const unsigned shard =
        is_in_one_shard(query) ? redis_directory_shard(query->prefix) : (unsigned)part->index;
    char *out;
    int rc = redis_part_reserve(redis_job_of(req), redis_directory_slot(shard),
                                redis_directory_read_bound(from, query->greatest), &out);
    if (rc < 0) return rc;
    out = redis_directory_read(out, shard, from, query->greatest, names_of_a_shard(query));
    redis_part_commit(req, part, out, 0, true);
    return 0;
}

static int add_name(redis_names_t *names, cairn_slice_t path, bool is_listed)
{
    redis_name_t *name = cairn_rows_add(&names->arena, &names->paths, sizeof *name);
    if (!name) return UV_ENOMEM;
    *name = (redis_name_t){.is_listed = is_listed};
    return cairn_arena_copy(&names->arena, path, &name->path);
}

static int take_read(cairn_req_t *req, redis_part_t *part, redis_reply_t *reply)
{
    redis_query_t *query = redis_query_of(req);
    redis_names_t *names = &query->names;
    cairn_slice_t path;
    size_t count;
    (void)part;
    int rc = redis_reply_array(reply, &count);
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = redis_reply_string(reply, &path);
        if (rc == 0) rc = add_name(names, path, true);
    }
    if (rc < 0 || count < names_of_a_shard(query)) return rc;
    const redis_name_t *last = (const redis_name_t *)names->paths.at + names->paths.count - 1;
    if (names->until.len == 0 || cairn_slice_cmp(last->path, names->until) < 0)
        names->until = last->path;
    return 0;
}

static int by_path(const void *a, const void *b)
{
    const redis_name_t *one = a, *other = b;
    int order = cairn_slice_cmp(one->path, other->path);
    return order != 0 ? order : other->is_listed - one->is_listed;
}

/* What has the prefix for its name is asked without the directory's word. */
static int add_prefix(redis_query_t *query)
{
    const cairn_slice_t from = query->names.from, prefix = query->prefix;
    if (prefix.len == 0 || from.len != prefix.len + 1 || from.ptr[0] != '[' ||
        memcmp(from.ptr + 1, prefix.ptr, prefix.len) != 0)
        return 0;
    return add_name(&query->names, prefix, false);
}

/* In order, once each, as far as all shards have told, and the query wants to know of them. */
static int sort_names(redis_query_t *query)
{
    redis_names_t *names = &query->names;
    redis_name_t *all = names->paths.at;
    size_t kept = 0;
    if (names->paths.count > 1) qsort(all, names->paths.count, sizeof *all, by_path);
    for (size_t i = 0; i < names->paths.count; i++) {
        if (names->until.len > 0 && cairn_slice_cmp(all[i].path, names->until) > 0) break;
        if (i > 0 && cairn_slice_eq(all[i].path, all[i - 1].path)) continue;
        int keeps = names->plan->keep ? names->plan->keep(query, all[i].path) : 1;
        if (keeps < 0) return keeps;
        if (keeps) all[kept++] = all[i];
    }
    names->paths.count = kept;
    return 0;
}

static int set_from(redis_names_t *names)
{
    names->from = cairn_slice(NULL, 0);
    if (names->until.len == 0) return 0;
    char *bytes = cairn_arena_alloc(&names->arena, 1 + names->until.len, 1);
    if (!bytes) return UV_ENOMEM;
    bytes[0] = '(';
    memcpy(bytes + 1, names->until.ptr, names->until.len);
    names->from = cairn_slice(bytes, 1 + names->until.len);
    return 0;
}

static int names_have_come(cairn_req_t *req)
{
    redis_query_t *query = redis_query_of(req);
    redis_names_t *names = &query->names;
    const redis_spread_plan_t *plan = names->plan;
    redis_job_of(req)->ask = (redis_fan_plan_t){
        .most = CALLS_MOST, .send = plan->send, .take = plan->take, .done = plan->done};
    int rc = add_prefix(query);
    if (rc == 0) rc = sort_names(query);
    if (rc == 0) rc = set_from(names);
    names->before = query->places.count;
    return rc < 0 ? rc : redis_fan_begin(req, &redis_job_of(req)->ask, names->paths.count);
}

/* The next names from `from` on, which may be one of them. */
static int read_names(cairn_req_t *req, cairn_slice_t from, size_t wanted)
{
    static const redis_fan_plan_t plan = {
        .most = REDIS_SPACE_SHARDS, .send = send_read, .take = take_read, .done = names_have_come};
    redis_query_t *query = redis_query_of(req);
    redis_names_t *names = &query->names;
    int rc = cairn_arena_copy(&query->round, from, &from);
    if (rc < 0) return rc;
    cairn_arena_reset(&names->arena);
    names->paths = (cairn_rows_t){0};
    names->until = cairn_slice(NULL, 0);
    names->wanted = wanted;
    rc = cairn_arena_copy(&names->arena, from, &names->from);
    if (rc < 0) return rc;
    return redis_fan_begin(req, &plan, is_in_one_shard(query) ? 1 : REDIS_SPACE_SHARDS);
}

/* ---- a call about one ---- */

/* There is nothing in it. */
static void doubt(const cairn_req_t *req, const redis_name_t *name)
{
    if (name->is_listed) redis_directory_doubt(redis_job_of(req)->redis, name->path);
}

typedef struct call {
    redis_shelf_t shelf;
    cairn_slice_t bound; /* that only this namespace is in */
    char *out;
} call_t;

static int begin_call(cairn_req_t *req, const redis_part_t *part, const redis_script_t *script,
                      size_t args, size_t bytes, call_t *call)
{
    redis_job_t *job = redis_job_of(req);
    redis_query_t *query = redis_query_of(req);
    redis_names_t *names = &query->names;
    const cairn_slice_t path = name_of(query, part)->path;
    cairn_namespace_t ns;
    int rc = cairn_namespace_decode(&names->arena, path, &ns);
    if (rc < 0) return rc == UV_EINVAL ? CAIRN_EPROTOCOL : rc;
    char *bound = cairn_arena_alloc(&names->arena, 1 + path.len, 1);
    if (!bound) return UV_ENOMEM;
    bound[0] = '[';
    memcpy(bound + 1, path.ptr, path.len);
    call->bound = cairn_slice(bound, 1 + path.len);
    call->shelf = redis_shelf(job->redis, ns);
    rc = redis_part_reserve(
        job, call->shelf.slot,
        redis_store_call_bound(&call->shelf, 0, args) + 2 * call->bound.len + bytes, &call->out);
    if (rc < 0) return rc;
    call->out = redis_script_begin(call->out, script, redis_shelf_guard(&call->shelf), 1, args);
    call->out = redis_store_shard_of_slot(call->out, call->shelf.slot);
    return 0;
}

/* Of a call with three arguments. */
static int send_short(cairn_req_t *req, redis_part_t *part, const redis_script_t *script)
{
    enum {
        ARGS = 3
    };
    call_t call;
    int rc = begin_call(req, part, script, ARGS, REDIS_CMD_NUMBER, &call);
    if (rc < 0) return rc;
    char *out = redis_cmd_arg(call.out, call.bound);
    out = redis_cmd_arg(out, call.bound);
    out = redis_cmd_u64(out, 2);
    redis_part_commit(req, part, out, 0, true);
    return 0;
}

/* What answers begin with; whether it is to be asked again, as it had to be cleared up first. */
static int begin_answer(redis_reply_t *reply, size_t parts, bool *again)
{
    size_t count;
    cairn_slice_t cursor;
    if (redis_reply_array(reply, &count) < 0 || count != parts ||
        redis_reply_string(reply, &cursor) < 0)
        return CAIRN_EPROTOCOL;
    *again = cursor.len > 0 && cursor.ptr[0] == '[';
    return 0;
}

/* ---- count ---- */

static int send_count(cairn_req_t *req, redis_part_t *part)
{
    return send_short(req, part, &redis_script_store_count);
}

static int take_count(cairn_req_t *req, redis_part_t *part, redis_reply_t *reply)
{
    redis_query_t *query = redis_query_of(req);
    int64_t count = 0;
    bool again = false;
    int rc = begin_answer(reply, 2, &again);
    if (rc == 0) rc = redis_reply_int(reply, &count);
    if (rc < 0) return rc;
    if (again) return REDIS_PART_AGAIN;
    query->count += (uint64_t)count;
    if (count == 0) doubt(req, name_of(query, part));
    return 0;
}

static int counted(cairn_req_t *req)
{
    redis_query_t *query = redis_query_of(req);
    if (query->names.from.len == 0) return redis_query_ended(req);
    return read_names(req, query->names.from, NAMES_MOST);
}

int redis_spread_count(cairn_req_t *req)
{
    static const redis_spread_plan_t plan = {
        .send = send_count, .take = take_count, .done = counted};
    redis_query_t *query = redis_query_of(req);
    query->names.plan = &plan;
    return read_names(req, query->from, NAMES_MOST);
}

/* ---- list_namespaces ---- */

static int send_list(cairn_req_t *req, redis_part_t *part)
{
    return send_short(req, part, &redis_script_store_names);
}

static int take_list(cairn_req_t *req, redis_part_t *part, redis_reply_t *reply)
{
    redis_name_t *name = name_of(redis_query_of(req), part);
    size_t count = 0;
    bool again = false;
    int rc = begin_answer(reply, 2, &again);
    if (rc == 0) rc = redis_reply_array(reply, &count);
    if (rc < 0) return rc;
    if (again) return REDIS_PART_AGAIN;
    name->is_alive = count > 0;
    if (count == 0) doubt(req, name);
    return 0;
}

/* One more than the page still needs, but not few, as some may be dead. */
static size_t names_for_list(const redis_query_t *query)
{
    enum {
        LEAST = 16
    };
    const uint64_t needed = query->skip + query->most - query->rows.count + 1;
    return needed < LEAST ? LEAST : needed < NAMES_MOST ? (size_t)needed : NAMES_MOST;
}

static int listed(cairn_req_t *req)
{
    redis_job_t *job = redis_job_of(req);
    redis_query_t *query = redis_query_of(req);
    const redis_name_t *names = query->names.paths.at;
    int rc = 0;
    for (size_t i = 0; i < query->names.paths.count && rc == 0; i++)
        if (names[i].is_alive) rc = redis_list_take(job, query, names[i].path);
    if (rc == 0) rc = redis_list_set_from(job, query, query->names.from);
    if (rc < 0) return rc;
    const bool ends = rc == 1 || query->from.len == 0;
    return ends ? redis_query_ended(req) : redis_spread_list(req);
}

int redis_spread_list(cairn_req_t *req)
{
    static const redis_spread_plan_t plan = {
        .keep = redis_list_wants, .send = send_list, .take = take_list, .done = listed};
    redis_query_t *query = redis_query_of(req);
    query->names.plan = &plan;
    return read_names(req, query->from, names_for_list(query));
}

/* ---- places ---- */

static int send_places(cairn_req_t *req, redis_part_t *part)
{
    const redis_query_t *query = redis_query_of(req);
    const redis_names_t *names = &query->names;
    const bool by_key = query->order == CAIRN_ORDER_KEY;
    const bool with_items = names->paths.count <= NAMES_WITH_ITEMS;
    call_t call;
    int rc = begin_call(req, part, &redis_script_store_places, REDIS_PLACES_ARGS,
                        redis_places_bound(query), &call);
    if (rc < 0) return rc;
    const size_t wanted = query->wanted - (by_key ? names->before : 0);
    char *out = redis_places_args(call.out, query, call.bound, call.bound, wanted, with_items);
    redis_part_commit(req, part, out, 0, true);
    return 0;
}

static bool is_resumed(const redis_query_t *query)
{
    return query->resumed || query->places.count >= query->wanted;
}

static int take_places(cairn_req_t *req, redis_part_t *part, redis_reply_t *reply)
{
    redis_query_t *query = redis_query_of(req);
    redis_name_t *name = name_of(query, part);
    const size_t before = query->places.count;
    redis_reply_t peek = *reply;
    bool again = false;
    int rc = begin_answer(&peek, 3, &again);
    if (rc < 0) return rc;
    if (again) return REDIS_PART_AGAIN;
    rc = redis_places_take(query, reply);
    if (rc < 0) return rc;
    if (query->places.count == before && !is_resumed(query)) doubt(req, name);
    if (query->order != CAIRN_ORDER_KEY) redis_places_sort(query);
    return 0;
}

static int placed(cairn_req_t *req)
{
    redis_query_t *query = redis_query_of(req);
    const bool by_key = query->order == CAIRN_ORDER_KEY;
    if (by_key) redis_places_sort(query);
    const bool full = query->places.count == query->wanted;
    if (query->names.from.len > 0 && !(full && by_key))
        return read_names(req, query->names.from, NAMES_MOST);
    query->ended = !full;
    return redis_search_on_places(req);
}

int redis_spread_places(cairn_req_t *req)
{
    enum {
        FIRST_BY_KEY = 4 /* the first namespaces may be enough */
    };
    static const redis_spread_plan_t plan = {
        .send = send_places, .take = take_places, .done = placed};
    redis_query_t *query = redis_query_of(req);
    query->names.plan = &plan;
    return read_names(req, query->from,
                      query->order == CAIRN_ORDER_KEY ? FIRST_BY_KEY : NAMES_MOST);
}

/* ---- vector sets ---- */

static int send_near(cairn_req_t *req, redis_part_t *part)
{
    enum {
        ARGS = 5
    };
    const redis_query_t *query = redis_query_of(req);
    const size_t field = redis_vector_field_size(query->near.index, query->near.dimensions);
    call_t call;
    int rc =
        begin_call(req, part, &redis_script_store_near, ARGS, field + 2 * REDIS_CMD_NUMBER, &call);
    if (rc < 0) return rc;
    char *out = redis_cmd_arg(call.out, call.bound);
    out = redis_cmd_arg(out, call.bound);
    out = redis_cmd_u64(out, 2);
    out = redis_cmd_arg_begin(out, field);
    out = redis_cmd_end(redis_vector_field(out, query->near.index, query->near.dimensions));
    out = redis_cmd_u64(out, 2 * redis_sets_piece(query));
    redis_part_commit(req, part, out, 0, true);
    return 0;
}

/* {namespace, namespace, elements}, or nothing. */
static int take_near(cairn_req_t *req, redis_part_t *part, redis_reply_t *reply)
{
    redis_name_t *name = name_of(redis_query_of(req), part);
    size_t count = 0;
    int64_t elements = 0;
    bool again = false;
    int rc = begin_answer(reply, 2, &again);
    if (rc == 0) rc = redis_reply_array(reply, &count);
    if (rc < 0) return rc;
    if (again) return REDIS_PART_AGAIN;
    name->is_alive = count > 0;
    if (count == 0) {
        doubt(req, name);
        return 0;
    }
    rc = count == 3 ? redis_reply_skip(reply) : CAIRN_EPROTOCOL;
    if (rc == 0) rc = redis_reply_skip(reply);
    if (rc == 0) rc = redis_reply_int(reply, &elements);
    if (rc == 0 && elements < 0) rc = CAIRN_EPROTOCOL;
    name->count = (uint64_t)elements;
    return rc;
}

static int add_stretch(redis_job_t *job, redis_sets_t *sets, const redis_name_t *name)
{
    redis_stretch_t *last = (redis_stretch_t *)sets->stretches.at + sets->stretches.count;
    const bool goes_on = sets->stretches.count > 0 && last[-1].elements == 0 && name->count == 0;
    if (goes_on) return cairn_arena_copy(&job->arena, name->path, &last[-1].last);
    last = cairn_rows_add(&job->arena, &sets->stretches, sizeof *last);
    if (!last) return UV_ENOMEM;
    last->elements = name->count;
    int rc = cairn_arena_copy(&job->arena, name->path, &last->first);
    last->last = last->first;
    return rc;
}

static int near_known(cairn_req_t *req)
{
    redis_job_t *job = redis_job_of(req);
    redis_query_t *query = redis_query_of(req);
    redis_sets_t *sets = &query->sets;
    const redis_name_t *names = query->names.paths.at;
    sets->stretches = (cairn_rows_t){0};
    sets->at = 0;
    int rc = cairn_arena_copy(&job->arena, query->names.from, &sets->from);
    for (size_t i = 0; i < query->names.paths.count && rc == 0; i++)
        if (names[i].is_alive) rc = add_stretch(job, sets, &names[i]);
    return rc < 0 ? rc : redis_sets_begin_stretch(req);
}

int redis_spread_stretches(cairn_req_t *req)
{
    static const redis_spread_plan_t plan = {
        .send = send_near, .take = take_near, .done = near_known};
    redis_query_t *query = redis_query_of(req);
    query->names.plan = &plan;
    return read_names(req, query->sets.from, NAMES_MOST);
}
