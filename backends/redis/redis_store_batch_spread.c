/* A batch where namespaces are in different slots: a piece for each, or some, all at the same time;
 * one that fails leaves the others alone. And a put into a namespace that has to be registered,
 * which is a batch of one. */
#include "redis_directory.h"
#include "redis_store_batch.h"

typedef redis_batch_entry_t entry_t;
typedef redis_batch_group_t group_t;
typedef redis_batch_piece_t piece_t;
typedef redis_store_batch_t batch_t;

/* ---- namespaces are registered as they are put into ---- */

static int64_t longest_ttl(const batch_t *batch, const group_t *group)
{
    int64_t most_ms = 0;
    for (size_t i = group->first; i < group->end; i++) {
        const cairn_store_put_args_t *put = batch->entries[i].step->put;
        if (!redis_batch_changes(&batch->entries[i]) || !put->value.ptr) continue;
        if (put->ttl_ms <= 0) return CAIRN_TTL_PERSIST;
        if (put->ttl_ms > most_ms) most_ms = put->ttl_ms;
    }
    return most_ms;
}

/* Marks the groups whose namespaces are to be. */
void redis_batch_find_registers(const redis_backend_t *redis, batch_t *batch)
{
    for (size_t i = 0; i < batch->group_count; i++) {
        group_t *group = &batch->groups[i];
        group->hash = redis_store_space_hash(&group->shelf);
        group->ttl_ms = longest_ttl(batch, group);
        group->registers =
            group->ttl_ms != 0 && !redis_directory_knows(redis, group->hash, group->ttl_ms);
    }
}

size_t redis_batch_registers_bound(const batch_t *batch)
{
    size_t size = 0;
    for (size_t i = 0; i < batch->group_count; i++)
        size += REDIS_DIRECTORY_BOUND + redis_cmd_bound(1, batch->groups[i].shelf.path_size);
    return size;
}

/* Each by a call of its own: there are few. */
int redis_batch_encode_registers(redis_job_t *job, batch_t *batch, char *out, cairn_rows_t *rows)
{
    for (size_t i = 0; i < batch->group_count; i++) {
        const group_t *group = &batch->groups[i];
        const redis_shelf_t *shelf = &group->shelf;
        if (!group->registers) continue;
        piece_t *piece = cairn_rows_add(&job->arena, rows, sizeof *piece);
        if (!piece) return UV_ENOMEM;
        cairn_namespace_encode(shelf->ns, out); /* for a moment, to know its shard */
        const unsigned shard = redis_directory_shard(cairn_slice(out, shelf->path_size));
        *piece = (piece_t){.first = i,
                           .end = i + 1,
                           .from = (size_t)(out - batch->bytes),
                           .slot = redis_directory_slot(shard),
                           .registers = true};
        out = redis_directory_register(out, shard, group->ttl_ms, 1);
        out = redis_store_path(out, shelf);
        piece->to = (size_t)(out - batch->bytes);
    }
    return 0;
}

/* ---- all pieces at once ---- */

static int send_part(cairn_req_t *req, redis_part_t *part)
{
    redis_job_t *job = redis_job_of(req);
    const batch_t *batch = job->batch;
    const piece_t *piece = &batch->pieces[part->index];
    const size_t size = piece->to - piece->from;
    char *out;
    int rc = piece->reads ? redis_part_reserve_read(job, piece->slot, size, &out)
                          : redis_part_reserve(job, piece->slot, size, &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, batch->bytes + piece->from, size);
    redis_part_commit(req, part, out, piece->commands, piece->registers || piece->reads);
    return 0;
}

static int take_part(cairn_req_t *req, redis_part_t *part, redis_reply_t *reply)
{
    redis_job_t *job = redis_job_of(req);
    batch_t *batch = job->batch;
    const piece_t *piece = &batch->pieces[part->index];
    const group_t *group = &batch->groups[piece->first];
    if (!piece->registers) {
        batch->answered++;
        return redis_batch_take(job, part->index, reply);
    }
    redis_directory_registered(job->redis, group->hash, group->ttl_ms);
    return redis_reply_skip(reply);
}

/* status: of what was put into a namespace that could not be registered, if nothing worse is known.
 */
static int refuse(redis_job_t *job, batch_t *batch, const piece_t *piece, int status,
                  cairn_slice_t detail)
{
    int rc = cairn_arena_copy(&job->arena, detail, &detail);
    for (size_t g = piece->first; g < piece->end && rc == 0; g++) {
        const group_t *group = &batch->groups[g];
        for (size_t i = group->first; i < group->end; i++) {
            const entry_t *entry = &batch->entries[i];
            cairn_store_result_t *result = &batch->results[entry->index];
            if (result->status < 0 || (piece->registers && !entry->is_put)) continue;
            result->status = status;
            result->detail = detail;
        }
    }
    return rc;
}

static int fail_part(cairn_req_t *req, redis_part_t *part, int status, cairn_slice_t detail)
{
    redis_job_t *job = redis_job_of(req);
    batch_t *batch = job->batch;
    const piece_t *piece = &batch->pieces[part->index];
    if (piece->registers) return refuse(job, batch, piece, CAIRN_EMAYBE, detail);
    batch->refusal = status;
    return refuse(job, batch, piece, status, detail);
}

/* Refused as a whole it is told so. */
static int parts_done(cairn_req_t *req)
{
    redis_job_t *job = redis_job_of(req);
    const batch_t *batch = job->batch;
    const bool has_queries = job->query_count > 0;
    int status = 0;
    if (batch->is_put) status = batch->results->status;
    if (batch->refusal < 0 && batch->answered == 0 && !has_queries) status = batch->refusal;
    if (status == 0) return redis_batch_end(req);
    char detail[256];
    cairn_slice_t said = batch->results[batch->entries->index].detail;
    if (said.len > sizeof detail) said.len = sizeof detail;
    if (said.len > 0) memcpy(detail, said.ptr, said.len);
    (void)redis_job_failed(req, status, 0, cairn_slice(detail, said.len));
    return 0;
}

int redis_batch_send_all(cairn_req_t *req)
{
    enum {
        MOST = 256
    };
    static const redis_fan_plan_t plan = {
        .most = MOST, .send = send_part, .take = take_part, .fail = fail_part, .done = parts_done};
    return redis_fan_begin(req, &plan, redis_job_of(req)->batch->piece_count);
}
