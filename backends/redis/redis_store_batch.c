/* batch: searches and lists first, as queries; then gets and puts, in one transaction for all
 * namespaces together, as long as they are few. What is too much of one namespace goes in several,
 * reads before writes.
 *
 *     MULTI
 *     GET item                           of each get; of one namespace:
 *     EVALSHA store_refresh              what they refresh
 *     SET staged value                   of large values
 *     EVALSHA store_put                  what is put and deleted
 *     ...                                and of the next
 *     EXEC
 *
 * All of it is encoded when the batch is submitted. As with a single get, who has not met a TTL yet
 * does not ask for a refresh, but for another one behind when it turns out that there is one. */
#include "redis_store_batch.h"

#include <cairn/sys/alloc.h>
#include <stdlib.h>
#include <uv.h>

/* Steps after which a transaction ends; of one namespace no more go together. */
#define STEPS_IN_A_PIECE ((size_t)256)

/* As how many of them a put counts that changes a vector set. */
#define STEPS_OF_A_SET ((size_t)16)

typedef redis_batch_entry_t entry_t;
typedef redis_batch_group_t group_t;
typedef redis_batch_piece_t piece_t;
typedef redis_store_batch_t batch_t;

/* ---- sorting ---- */

static int by_name(const void *one, const void *other)
{
    const entry_t *a = one, *b = other;
    int order = cairn_namespace_cmp(a->ns, b->ns);
    if (order == 0) order = cairn_slice_cmp(a->key, b->key);
    if (order != 0) return order;
    return a->index < b->index ? -1 : 1;
}

static int reads_first(const void *one, const void *other)
{
    const entry_t *a = one, *b = other;
    return a->is_put != b->is_put ? a->is_put - b->is_put : by_name(one, other);
}

static void take_entries(batch_t *batch, const cairn_store_step_t *steps)
{
    for (size_t i = 0; i < batch->count; i++) {
        const cairn_store_step_t *step = &steps[i];
        if (!step->get && !step->put) continue;
        batch->entries[batch->entry_count++] = (entry_t){
            .step = step,
            .ns = step->get ? step->get->ns : step->put->ns,
            .key = step->get ? step->get->key : step->put->key,
            .index = (uint32_t)i,
            .is_put = step->put != NULL,
        };
    }
    if (batch->entry_count > 1) qsort(batch->entries, batch->entry_count, sizeof(entry_t), by_name);
}

/* Those of one item: the last put counts, and one get that refreshes. */
static void mark_item(group_t *group, entry_t *entries, size_t count, bool refreshes)
{
    entry_t *put = NULL, *refreshing = NULL;
    for (size_t i = 0; i < count; i++) {
        entries[i].run = (uint32_t)group->puts;
        if (entries[i].is_put)
            put = &entries[i];
        else
            group->gets++;
        if (!entries[i].is_put && entries[i].step->get->refresh) refreshing = &entries[i];
    }
    if (refreshing) {
        refreshing->counts = true;
        group->refreshes += refreshes;
    }
    if (!put) return;
    put->counts = true;
    group->puts++;
    if (put->step->put->value.ptr) group->stagings += redis_put_stagings(put->step->put);
}

static bool is_same_item(const entry_t *a, const entry_t *b)
{
    return cairn_slice_eq(a->key, b->key);
}

static void mark_group(batch_t *batch, group_t *group)
{
    for (size_t i = group->first, end; i < group->end; i = end) {
        end = i + 1;
        while (end < group->end && is_same_item(&batch->entries[i], &batch->entries[end])) end++;
        mark_item(group, &batch->entries[i], end - i, batch->refreshes);
    }
}

static size_t steps_of(const batch_t *batch, size_t first, size_t end)
{
    size_t steps = end - first;
    for (size_t i = first; i < end && batch->has_sets; i++) {
        const cairn_store_put_args_t *put = batch->entries[i].step->put;
        if (put && put->vector_count > 0) steps += STEPS_OF_A_SET - 1;
    }
    return steps;
}

/* Of the entries of one namespace from `first` to `end`, where the next transaction ends: not
 * within an item. */
static size_t cut(const batch_t *batch, size_t first, size_t end)
{
    size_t at = first;
    for (size_t steps = 0; at < end && steps < STEPS_IN_A_PIECE; at++)
        steps += steps_of(batch, at, at + 1);
    const entry_t *entries = batch->entries;
    while (at < end && is_same_item(&entries[at - 1], &entries[at]) &&
           entries[at - 1].is_put == entries[at].is_put)
        at++;
    return at;
}

static int add_groups(redis_job_t *job, batch_t *batch, size_t first, size_t end,
                      cairn_rows_t *rows)
{
    const redis_shelf_t shelf = redis_shelf(job->redis, batch->entries[first].ns);
    if (steps_of(batch, first, end) > STEPS_IN_A_PIECE)
        qsort(batch->entries + first, end - first, sizeof(entry_t), reads_first);
    while (first < end) {
        group_t *group = cairn_rows_add(&job->arena, rows, sizeof *group);
        if (!group) return UV_ENOMEM;
        *group = (group_t){.first = first, .end = cut(batch, first, end), .shelf = shelf};
        mark_group(batch, group);
        first = group->end;
    }
    return 0;
}

static int find_groups(redis_job_t *job, batch_t *batch)
{
    cairn_rows_t rows = {0};
    int rc = 0;
    for (size_t first = 0, end; first < batch->entry_count && rc == 0; first = end) {
        const cairn_namespace_t ns = batch->entries[first].ns;
        end = first + 1;
        while (end < batch->entry_count && cairn_namespace_cmp(batch->entries[end].ns, ns) == 0)
            end++;
        rc = add_groups(job, batch, first, end, &rows);
    }
    batch->groups = rows.at;
    batch->group_count = rows.count;
    return rc;
}

/* ---- encoding ---- */

static size_t group_bound(const batch_t *batch, const group_t *group)
{
    const redis_shelf_t *shelf = &group->shelf;
    size_t size = 2 * redis_store_call_bound(shelf, 0, 1);
    for (size_t i = group->first; i < group->end; i++) {
        const entry_t *entry = &batch->entries[i];
        size += entry->is_put ? redis_put_bound(shelf, entry->step->put)
                              : redis_item_ask_bound(shelf, entry->key) +
                                    redis_store_item_bound(shelf, entry->key) +
                                    redis_cmd_bound(1, entry->key.len);
    }
    return size;
}

static bool asks_to_refresh(const entry_t *entry)
{
    return !entry->is_put && entry->counts;
}

static char *refresh_call(char *out, const batch_t *batch, const group_t *group)
{
    const entry_t *entries = batch->entries;
    out = redis_store_call(out, &redis_script_store_refresh, &group->shelf, group->refreshes,
                           group->refreshes);
    for (size_t i = group->first; i < group->end; i++)
        if (asks_to_refresh(&entries[i]))
            out = redis_store_item(out, &group->shelf, entries[i].key);
    out = redis_store_path(out, &group->shelf);
    for (size_t i = group->first; i < group->end; i++)
        if (asks_to_refresh(&entries[i])) out = redis_cmd_arg(out, entries[i].key);
    return out;
}

static char *put_call(char *out, const batch_t *batch, const group_t *group)
{
    const cairn_slice_t nothing = {NULL, 0};
    const entry_t *entries = batch->entries;
    for (size_t i = group->first; i < group->end; i++)
        if (redis_batch_changes(&entries[i]) && entries[i].step->put->value.ptr)
            out = redis_put_stage(out, &group->shelf, entries[i].step->put);
    out = redis_store_call(out, &redis_script_store_put, &group->shelf, group->puts,
                           1 + 3 * group->puts);
    for (size_t i = group->first; i < group->end; i++)
        if (redis_batch_changes(&entries[i]))
            out = redis_store_item(out, &group->shelf, entries[i].key);
    out = redis_store_path(out, &group->shelf);
    out = redis_stamp_arg(out, batch->stamp_us);
    for (size_t i = group->first; i < group->end; i++)
        if (redis_batch_changes(&entries[i]))
            out = redis_put_args(out, entries[i].step->put, nothing);
    return out;
}

static char *encode_group(char *out, const batch_t *batch, const group_t *group)
{
    for (size_t i = group->first; i < group->end; i++)
        if (!batch->entries[i].is_put)
            out = redis_item_ask(out, &group->shelf, batch->entries[i].key);
    if (group->refreshes > 0) out = refresh_call(out, batch, group);
    if (group->puts > 0) out = put_call(out, batch, group);
    return out;
}

static size_t commands_of(const group_t *group)
{
    return group->gets + (group->refreshes > 0) + group->stagings + (group->puts > 0);
}

/* What is to be refreshed, now or once its TTL is known, is read where that is done. */
static bool only_reads(const batch_t *batch, const group_t *group)
{
    for (size_t i = group->first; i < group->end; i++) {
        const entry_t *entry = &batch->entries[i];
        if (entry->is_put || entry->step->get->refresh) return false;
    }
    return true;
}

/* Where the piece that begins with this group ends. */
static size_t end_of_piece(const redis_job_t *job, const batch_t *batch, size_t first)
{
    size_t end = first;
    for (size_t steps = 0; end < batch->group_count && steps < STEPS_IN_A_PIECE; end++) {
        const group_t *group = &batch->groups[end];
        if (redis_store_is_split(job->redis) && group->hash != batch->groups[first].hash) break;
        steps += steps_of(batch, group->first, group->end);
    }
    return end;
}

static int encode(redis_job_t *job, batch_t *batch)
{
    size_t size = batch->group_count * (sizeof REDIS_MULTI + sizeof REDIS_EXEC);
    for (size_t i = 0; i < batch->group_count; i++) size += group_bound(batch, &batch->groups[i]);
    if (redis_store_is_split(job->redis)) size += redis_batch_registers_bound(batch);
    batch->bytes = cairn_arena_alloc(&job->arena, size, 1);
    if (!batch->bytes) return UV_ENOMEM;
    char *out = batch->bytes;
    cairn_rows_t rows = {0};
    for (size_t i = 0; i < batch->group_count;) {
        piece_t *piece = cairn_rows_add(&job->arena, &rows, sizeof *piece);
        if (!piece) return UV_ENOMEM;
        *piece = (piece_t){.first = i,
                           .end = end_of_piece(job, batch, i),
                           .from = (size_t)(out - batch->bytes),
                           .slot = batch->groups[i].shelf.slot,
                           .reads = true};
        out = redis_cmd_literal(out, LITERAL(REDIS_MULTI));
        for (; i < piece->end; i++) {
            out = encode_group(out, batch, &batch->groups[i]);
            piece->commands += commands_of(&batch->groups[i]);
            piece->reads &= only_reads(batch, &batch->groups[i]);
        }
        out = redis_cmd_literal(out, LITERAL(REDIS_EXEC));
        piece->to = (size_t)(out - batch->bytes);
    }
    int rc = 0;
    if (redis_store_is_split(job->redis)) rc = redis_batch_encode_registers(job, batch, out, &rows);
    batch->pieces = rows.at;
    batch->piece_count = rows.count;
    return rc;
}

/* ---- answers ---- */

static int take_get(redis_job_t *job, batch_t *batch, const entry_t *entry, redis_reply_t *reply)
{
    cairn_item_t item = {.ns = entry->ns, .key = entry->key};
    int rc = redis_item_read(reply, &item);
    if (rc != 0) return rc < 0 ? rc : 0;
    cairn_item_t *kept = cairn_arena_alloc(&job->arena, 1, sizeof *kept);
    if (!kept) return UV_ENOMEM;
    *kept = item;
    batch->results[entry->index].item = kept;
    rc = cairn_arena_copy(&job->arena, item.value, &kept->value);
    return rc == 0 && entry->counts && !batch->refreshes ? redis_refresh_add(job, kept) : rc;
}

static int take_puts(redis_job_t *job, batch_t *batch, group_t *group, redis_reply_t *reply)
{
    const size_t told = group->puts * REDIS_PUT_ANSWER;
    cairn_slice_t text;
    int64_t created_at_us;
    int rc = redis_reply_string(reply, &text);
    if (rc == 0 && text.len < told) rc = CAIRN_EPROTOCOL;
    for (size_t i = group->first; rc == 0 && i < group->end; i++) {
        const entry_t *entry = &batch->entries[i];
        if (!entry->is_put) continue;
        const char *at = text.ptr + entry->run * REDIS_PUT_ANSWER;
        batch->results[entry->index].existed = *at == '1';
        rc = redis_head_read_number(at + 1, &created_at_us);
        if (rc == 0 && entry->hash)
            redis_beliefs_set(&job->redis->beliefs, entry->hash, created_at_us);
    }
    return rc < 0 ? rc
                  : redis_store_follow(job->redis, cairn_slice(text.ptr + told, text.len - told));
}

static int take_group(redis_job_t *job, batch_t *batch, group_t *group, redis_reply_t *reply)
{
    int rc = 0;
    for (size_t i = group->first; i < group->end && rc == 0; i++) {
        const entry_t *entry = &batch->entries[i];
        if (!entry->is_put) rc = take_get(job, batch, entry, reply);
    }
    if (rc == 0 && group->refreshes > 0) rc = redis_reply_skip(reply);
    for (size_t i = 0; i < group->stagings && rc == 0; i++) rc = redis_reply_skip(reply);
    return rc == 0 && group->puts > 0 ? take_puts(job, batch, group, reply) : rc;
}

static int send_piece(cairn_req_t *req);

int redis_batch_take(redis_job_t *job, size_t index, redis_reply_t *reply)
{
    batch_t *batch = job->batch;
    const piece_t *piece = &batch->pieces[index];
    size_t count;
    int rc = redis_reply_array(reply, &count);
    for (size_t i = piece->first; i < piece->end && rc == 0; i++)
        rc = take_group(job, batch, &batch->groups[i], reply);
    return rc;
}

static void on_piece(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_job_t *job = redis_job_of(req);
    int rc = status < 0 ? 0 : redis_batch_take(job, job->batch->piece_at++, reply);
    if (redis_job_failed(req, status, rc, detail)) return;
    rc = send_piece(req);
    if (rc < 0) (void)redis_job_failed(req, 0, rc, detail);
}

static int tell(cairn_req_t *req)
{
    redis_job_t *job = redis_job_take(req);
    batch_t *batch = job->batch;
    if (batch->is_put) {
        redis_store_done(job->redis)
            ->put_done(CAIRN_CONTAINER_OF(req, cairn_store_put_t, req), batch->results->existed);
        redis_job_free(job);
        return 0;
    }
    redis_store_done(job->redis)
        ->batch_done(CAIRN_CONTAINER_OF(req, cairn_store_batch_t, req), batch->results,
                     batch->count);
    redis_job_free(job);
    return 0;
}

int redis_batch_end(cairn_req_t *req)
{
    return redis_refresh_begin(req, tell);
}

static int send_piece(cairn_req_t *req)
{
    redis_job_t *job = redis_job_of(req);
    const batch_t *batch = job->batch;
    if (redis_store_is_split(job->redis)) return redis_batch_send_all(req);
    if (batch->piece_at == batch->piece_count) return redis_batch_end(req);
    const piece_t *piece = &batch->pieces[batch->piece_at];
    const size_t size = piece->to - piece->from;
    char *out;
    int rc = redis_job_reserve(job, size, &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, batch->bytes + piece->from, size);
    redis_job_commit(req, out, on_piece, piece->commands, false);
    return 0;
}

/* ---- the queries of a batch ---- */

static int tell_query(redis_job_t *job, const redis_query_t *query, cairn_store_result_t *result)
{
    result->status = query->status;
    if (query->status < 0) {
        result->detail = cairn_str("paging.cursor is none of ours");
        return 0;
    }
    if (query->kind == REDIS_QUERY_LIST) {
        cairn_namespace_page_t *page = cairn_arena_alloc(&job->arena, 1, sizeof *page);
        if (!page) return UV_ENOMEM;
        *page = (cairn_namespace_page_t){query->rows.at, query->rows.count, query->cursor};
        result->namespaces = page;
        return 0;
    }
    cairn_store_page_t *page = cairn_arena_alloc(&job->arena, 1, sizeof *page);
    if (!page) return UV_ENOMEM;
    *page = (cairn_store_page_t){query->rows.at, query->rows.count, query->cursor};
    result->page = page;
    return 0;
}

static void queries_have_ended(cairn_req_t *req)
{
    const cairn_slice_t nothing = {NULL, 0};
    redis_job_t *job = redis_job_of(req);
    batch_t *batch = job->batch;
    int rc = 0;
    for (size_t i = 0; i < batch->count && rc == 0; i++)
        if (batch->queries[i]) rc = tell_query(job, batch->queries[i], &batch->results[i]);
    if (rc == 0) rc = send_piece(req);
    if (rc < 0) (void)redis_job_failed(req, 0, rc, nothing);
}

static int make_query(redis_job_t *job, const cairn_store_step_t *step, redis_query_t *query)
{
    int rc = step->search ? redis_query_search(job, query, step->search)
                          : redis_query_list(job, query, step->list);
    if (rc != UV_EINVAL) return rc;
    query->status = rc;
    return 0;
}

/* ---- batch ---- */

static void believe(redis_backend_t *redis, batch_t *batch)
{
    for (size_t g = 0; g < batch->group_count; g++) {
        const group_t *group = &batch->groups[g];
        for (size_t i = group->first; i < group->end; i++) {
            entry_t *entry = &batch->entries[i];
            if (redis_batch_changes(entry))
                entry->hash = redis_put_believe(redis, &group->shelf, entry->step->put);
        }
    }
}

static int keep_names(redis_job_t *job, batch_t *batch)
{
    for (size_t i = 0; i < batch->entry_count; i++) {
        entry_t *entry = &batch->entries[i];
        entry->step = NULL;
        if (entry->is_put) continue;
        const cairn_namespace_t from = entry->ns;
        cairn_slice_t *labels = cairn_arena_alloc(&job->arena, from.count, sizeof *labels);
        if (!labels || cairn_arena_copy(&job->arena, entry->key, &entry->key) < 0) return UV_ENOMEM;
        for (size_t k = 0; k < from.count; k++)
            if (cairn_arena_copy(&job->arena, from.labels[k], &labels[k]) < 0) return UV_ENOMEM;
        entry->ns.labels = labels;
    }
    return 0;
}

static bool has_puts(const batch_t *batch)
{
    for (size_t i = 0; i < batch->entry_count; i++)
        if (batch->entries[i].is_put) return true;
    return false;
}

/* It goes behind what was asked of its namespaces before, unless that is on several connections. */
static void name_job(redis_job_t *job, const batch_t *batch)
{
    for (size_t g = 0; g < batch->group_count; g++) {
        if (g == 0 || !redis_pool_is_held(redis_route_pool(&job->redis->route), job->name))
            redis_job_name(job, batch->groups[g].shelf.ns);
    }
}

static void join_all(redis_job_t *job)
{
    const batch_t *batch = job->batch;
    for (size_t g = 0; g < batch->group_count; g++)
        redis_store_join(job->redis, &batch->groups[g].shelf);
}

static int make_batch(redis_job_t *job, const cairn_store_step_t *steps, size_t count)
{
    batch_t *batch = cairn_arena_alloc(&job->arena, 1, sizeof *batch);
    if (!batch) return UV_ENOMEM;
    *batch = (batch_t){.count = count};
    job->batch = batch;
    batch->results = cairn_arena_alloc(&job->arena, count, sizeof *batch->results);
    batch->queries = cairn_arena_alloc(&job->arena, count, sizeof(redis_query_t *));
    batch->entries = cairn_arena_alloc(&job->arena, count, sizeof *batch->entries);
    if (!batch->results || !batch->queries || !batch->entries) return UV_ENOMEM;
    size_t queries = 0;
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        batch->results[i] = (cairn_store_result_t){.type = steps[i].type};
        batch->queries[i] = NULL;
        if (!steps[i].search && !steps[i].list) continue;
        batch->queries[i] = &job->queries[queries++];
        rc = make_query(job, &steps[i], batch->queries[i]);
    }
    take_entries(batch, steps);
    if (has_puts(batch)) batch->stamp_us = redis_store_stamp(job->redis);
    batch->refreshes = job->redis->store_expires;
    batch->has_sets = job->redis->route.one.commands.hello.vector_sets;
    if (rc == 0) rc = find_groups(job, batch);
    if (rc == 0 && redis_store_is_split(job->redis)) redis_batch_find_registers(job->redis, batch);
    if (rc == 0) rc = encode(job, batch);
    if (rc < 0) return rc;
    name_job(job, batch);
    believe(job->redis, batch);
    return keep_names(job, batch);
}

static int submit(cairn_req_t *req, redis_job_t *job, size_t queries)
{
    if (queries > 0 || job->batch->piece_count == 0) return redis_job_start(req, job);
    req->scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)job | REDIS_JOB_TAG;
    job->submitting = true;
    int rc = send_piece(req);
    job->submitting = false;
    if (rc < 0) {
        req->scratch[REDIS_SCRATCH_MEMORY] = 0;
        redis_job_free(job);
    }
    return rc;
}

int redis_put_registering(redis_backend_t *redis, cairn_store_put_t *req,
                          const cairn_store_put_args_t *put)
{
    const cairn_store_step_t step = {.type = CAIRN_STORE_PUT, .put = put};
    redis_job_t *job = redis_job_new(redis, 0, queries_have_ended);
    if (!job) return UV_ENOMEM;
    int rc = make_batch(job, &step, 1);
    if (rc < 0) {
        redis_job_free(job);
        return rc;
    }
    job->batch->is_put = true;
    return submit(&req->req, job, 0);
}

/* Without queries it is all sent at once, or refused; with them, or with nothing to do, what is
 * left is done from the loop. */
int redis_store_batch(void *self, cairn_store_batch_t *req, const cairn_store_step_t *steps,
                      size_t count)
{
    size_t queries = 0;
    for (size_t i = 0; i < count; i++) queries += steps[i].search || steps[i].list;
    redis_job_t *job = redis_job_new(self, queries, queries_have_ended);
    if (!job) return UV_ENOMEM;
    int rc = make_batch(job, steps, count);
    if (rc < 0) {
        redis_job_free(job);
        return rc;
    }
    rc = submit(&req->req, job, queries);
    if (rc == 0 && queries == 0 && !redis_store_is_split(job->redis)) join_all(job);
    return rc;
}
