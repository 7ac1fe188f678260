#include "store_embed.h"

#include "store_copy.h"

#include <cairn/sys/alloc.h>
#include <cairn/sys/json.h>
#include <math.h>

/* One index's texts, in one call of its callback. */
typedef struct job {
    cairn_embed_job_t public;
    struct embedding *of;
    const cairn_vector_index_t *index;
    cairn_rows_t texts;   /* cairn_slice_t */
    cairn_rows_t owners;  /* size_t: the step that each text is of */
    const float *vectors; /* once answered */
} job_t;

/* Lives until the request has been handed on or given up, and every job that was asked is done. */
typedef struct embedding {
    cairn_arena_t arena;
    cairn_core_t *core;
    cairn_req_t *req; /* NULL: nobody waits */
    core_req_type_t type;
    cairn_store_step_t *steps;
    size_t count;
    job_t *jobs;
    size_t job_count;
    size_t answered;
    size_t users;
    int status;
    const char *reason;
} embedding_t;

static void release(embedding_t *it)
{
    if (--it->users > 0) return;
    cairn_arena_t arena = it->arena; /* holds `it` too */
    cairn_arena_free(&arena);
}

static embedding_t *embedding_of(const cairn_req_t *req)
{
    return (embedding_t *)(uintptr_t)req->scratch[0];
}

/* ---- which texts ---- */

typedef struct gatherer {
    embedding_t *it;
    job_t *job;
    size_t step;
} gatherer_t;

static int add_text(void *context, cairn_slice_t text)
{
    gatherer_t *gatherer = context;
    cairn_arena_t *arena = &gatherer->it->arena;
    cairn_slice_t *row = cairn_rows_add(arena, &gatherer->job->texts, sizeof *row);
    size_t *owner = cairn_rows_add(arena, &gatherer->job->owners, sizeof *owner);
    if (!row || !owner) return UV_ENOMEM;
    *owner = gatherer->step;
    return cairn_arena_copy(arena, text, row);
}

static int gather_put(gatherer_t *gatherer, const cairn_store_op_t *op,
                      const cairn_store_step_t *step)
{
    static const cairn_slice_t all = {"$", 1};
    const cairn_store_put_options_t *options = op->options;
    const cairn_vector_index_t *index = gatherer->job->index;
    if (options && options->embed == CAIRN_EMBED_NONE) return 0;
    for (size_t i = 0; i < step->put->vector_count; i++)
        if (cairn_slice_eq(step->put->vectors[i].index, index->name)) return 0;
    const cairn_slice_t *fields = options && options->fields ? options->fields : index->fields;
    size_t count = options && options->fields ? options->field_count : index->field_count;
    if (!fields) {
        fields = &all;
        count = 1;
    }
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = cairn_json_each_text(step->put->value, fields[i], add_text, gatherer);
    return rc;
}

static int gather_step(gatherer_t *gatherer, const cairn_store_op_t *op,
                       const cairn_store_step_t *step)
{
    if (step->put && step->put->value.ptr) return gather_put(gatherer, op, step);
    if (!step->search || !op->search || !op->search->near_text.ptr) return 0;
    bool asked = cairn_slice_eq(op->search->near_index, gatherer->job->index->name);
    return asked ? add_text(gatherer, op->search->near_text) : 0;
}

static int gather(embedding_t *it, const store_work_t *work)
{
    const cairn_store_options_t *options = &work->store->options;
    it->jobs = cairn_arena_alloc(&it->arena, options->index_count, sizeof *it->jobs);
    if (!it->jobs) return UV_ENOMEM;
    for (size_t i = 0; i < options->index_count; i++) {
        if (!options->indexes[i].embed) continue;
        job_t *job = &it->jobs[it->job_count];
        *job = (job_t){.of = it, .index = &options->indexes[i]};
        gatherer_t gatherer = {it, job, 0};
        for (; gatherer.step < work->count; gatherer.step++) {
            int rc = gather_step(&gatherer, &work->ops[gatherer.step], &work->steps[gatherer.step]);
            if (rc < 0) return rc;
        }
        it->job_count += job->texts.count > 0;
    }
    return 0;
}

/* ---- handing on ---- */

static const float *vector_at(const job_t *job, size_t text)
{
    return job->vectors + text * job->index->dimensions;
}

static int fill_put(embedding_t *it, size_t which)
{
    const cairn_store_put_args_t *given = it->steps[which].put;
    cairn_rows_t vectors = {0};
    for (size_t i = 0; i < given->vector_count; i++) {
        cairn_vector_t *row = cairn_rows_add(&it->arena, &vectors, sizeof *row);
        if (!row) return UV_ENOMEM;
        *row = given->vectors[i];
    }
    for (size_t j = 0; j < it->job_count; j++) {
        const job_t *job = &it->jobs[j];
        const size_t *owners = job->owners.at;
        for (size_t i = 0; i < job->texts.count; i++) {
            if (owners[i] != which) continue;
            cairn_vector_t *row = cairn_rows_add(&it->arena, &vectors, sizeof *row);
            if (!row) return UV_ENOMEM;
            *row = (cairn_vector_t){job->index->name, vector_at(job, i), job->index->dimensions};
        }
    }
    cairn_store_put_args_t *put = store_own_put(it->steps, which);
    put->vectors = vectors.at;
    put->vector_count = vectors.count;
    return 0;
}

static int fill_search(embedding_t *it, size_t which)
{
    for (size_t j = 0; j < it->job_count; j++) {
        const job_t *job = &it->jobs[j];
        const size_t *owners = job->owners.at;
        for (size_t i = 0; i < job->texts.count; i++) {
            if (owners[i] != which) continue;
            cairn_vector_t *near = cairn_arena_alloc(&it->arena, 1, sizeof *near);
            if (!near) return UV_ENOMEM;
            *near = (cairn_vector_t){job->index->name, vector_at(job, i), job->index->dimensions};
            store_own_search(it->steps, which)->near = near;
        }
    }
    return 0;
}

static int fill(embedding_t *it)
{
    int rc = 0;
    for (size_t i = 0; i < it->count && rc == 0; i++) {
        if (it->steps[i].put && it->steps[i].put->value.ptr) rc = fill_put(it, i);
        if (it->steps[i].search) rc = fill_search(it, i);
    }
    return rc;
}

static embedding_t *take_back(cairn_req_t *req)
{
    embedding_t *it = embedding_of(req);
    req->stage = CORE_STAGE_BACKEND;
    req->scratch[0] = 0;
    it->req = NULL;
    return it;
}

static void run_handing_on(cairn_task_t *task)
{
    cairn_req_t *req = CAIRN_CONTAINER_OF(task, cairn_req_t, task);
    cairn_core_t *core = req->core;
    embedding_t *it = take_back(req);
    int rc = it->status;
    const char *reason = it->reason;
    if (rc == 0) {
        rc = fill(it);
        if (rc == 0) rc = store_submit(core, req, it->type, it->steps, it->count);
        if (rc == CAIRN_EFULL) core->owes_credit = true;
        reason = cairn_strerror(rc);
    }
    if (rc < 0) core_fail(req, rc, cairn_str(reason));
    release(it);
}

static void hand_on_later(embedding_t *it)
{
    it->req->task.run = run_handing_on;
    turn_defer(&it->core->turn, &it->req->task);
}

/* ---- asking ---- */

static void give_up(embedding_t *it, int status, const char *reason)
{
    if (it->status < 0) return;
    it->status = status;
    it->reason = reason;
}

static void take_vectors(embedding_t *it, job_t *job, const float *vectors)
{
    size_t floats = job->texts.count * job->index->dimensions;
    for (size_t i = 0; i < floats; i++) {
        if (isfinite(vectors[i])) continue;
        give_up(it, UV_EINVAL, "the embed callback gave a number that is not finite");
        return;
    }
    float *copy = cairn_arena_alloc(&it->arena, floats, sizeof *copy);
    if (!copy) {
        give_up(it, UV_ENOMEM, cairn_strerror(UV_ENOMEM));
        return;
    }
    memcpy(copy, vectors, floats * sizeof *copy);
    job->vectors = copy;
}

static void on_vectors(cairn_embed_job_t *public, int status, const float *vectors)
{
    job_t *job = CAIRN_CONTAINER_OF(public, job_t, public);
    embedding_t *it = job->of;
    it->answered++;
    if (it->req) {
        core_check_thread(it->core);
        if (status < 0)
            give_up(it, status, "the embed callback failed");
        else
            take_vectors(it, job, vectors);
        if (it->status < 0 || it->answered == it->job_count) hand_on_later(it);
    }
    release(it);
}

static void run_asking(cairn_task_t *task)
{
    embedding_t *it = embedding_of(CAIRN_CONTAINER_OF(task, cairn_req_t, task));
    it->users++;
    for (size_t i = 0; i < it->job_count && it->req && it->status == 0; i++) {
        job_t *job = &it->jobs[i];
        job->public.done = on_vectors;
        it->users++;
        job->index->embed(&job->public, job->texts.at, job->texts.count, job->index->embed_data);
    }
    release(it);
}

int store_embed(cairn_core_t *core, cairn_req_t *req, const store_work_t *work)
{
    cairn_arena_t arena = {0};
    embedding_t *it = cairn_arena_alloc(&arena, 1, sizeof *it);
    if (!it) return core_started(core, req, work->type, UV_ENOMEM);
    *it = (embedding_t){.arena = arena, .core = core, .req = req, .type = work->type, .users = 1};
    int rc = gather(it, work);
    bool asks = it->job_count > 0;
    it->count = work->count;
    if (rc == 0 && asks) rc = store_copy_steps(&it->arena, work->steps, work->count, &it->steps);
    if (rc == 0 && asks) {
        req->stage = CORE_STAGE_EMBEDDING;
        req->scratch[0] = (uintptr_t)it;
        req->task.run = run_asking;
        turn_defer(&core->turn, &req->task);
        return core_started(core, req, work->type, 0);
    }
    release(it);
    return rc < 0 ? core_started(core, req, work->type, rc) : STORE_EMBEDS_NOTHING;
}

void store_embed_forget(cairn_req_t *req)
{
    turn_undefer(&req->task);
    release(take_back(req));
}
