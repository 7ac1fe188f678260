/* Jobs: what a request keeps that takes more than one answer, and the operations that are nothing
 * but one query. */
#include "redis_store.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

/* ---- life ---- */

redis_job_t *redis_job_new(redis_backend_t *redis, size_t queries, void (*finish)(cairn_req_t *req))
{
    redis_job_t *job = cairn_calloc(1, sizeof *job);
    if (!job) return NULL;
    job->redis = redis;
    job->finish = finish;
    job->queries = cairn_arena_alloc(&job->arena, queries, sizeof *job->queries);
    if (!job->queries) {
        redis_job_free(job);
        return NULL;
    }
    memset(job->queries, 0, queries * sizeof *job->queries);
    job->query_count = queries;
    return job;
}

void redis_job_free(redis_job_t *job)
{
    redis_fan_stop(job);
    for (size_t i = 0; i < job->query_count; i++) {
        cairn_json_query_free(job->queries[i].filter);
        cairn_arena_free(&job->queries[i].round);
        cairn_arena_free(&job->queries[i].names.arena);
    }
    cairn_arena_free(&job->arena);
    cairn_free(job);
}

bool redis_store_let_go(uint64_t memory)
{
    if (!(memory & REDIS_JOB_TAG)) return false;
    redis_job_free((redis_job_t *)(uintptr_t)(memory & ~REDIS_JOB_TAG));
    return true;
}

redis_job_t *redis_job_of(const cairn_req_t *req)
{
    return (redis_job_t *)(uintptr_t)(req->scratch[REDIS_SCRATCH_MEMORY] & ~REDIS_JOB_TAG);
}

redis_job_t *redis_job_take(cairn_req_t *req)
{
    redis_job_t *job = redis_job_of(req);
    req->scratch[REDIS_SCRATCH_MEMORY] = 0;
    return job;
}

redis_query_t *redis_query_of(const cairn_req_t *req)
{
    redis_job_t *job = redis_job_of(req);
    return &job->queries[job->query_at];
}

/* ---- commands and answers ---- */

void redis_job_name(redis_job_t *job, cairn_namespace_t ns)
{
    const redis_shelf_t shelf = redis_shelf(job->redis, ns);
    if (!redis_route_has_choice(&job->redis->route)) return;
    job->name = redis_store_name(job->redis, &shelf);
    job->named = true;
}

void redis_job_turn(redis_job_t *job, const redis_shelf_t *shelf)
{
    if (!redis_store_is_split(job->redis)) return;
    job->slot = shelf->slot;
    job->turned = true;
    job->conn = NULL;
}

static void choose(const redis_job_t *job)
{
    if (job->turned)
        (void)redis_route_choose_slot(&job->redis->route, job->slot);
    else if (job->named)
        (void)redis_route_choose_hash(&job->redis->route, job->name);
    else
        (void)redis_route_choose_any(&job->redis->route);
}

int redis_job_reserve(redis_job_t *job, size_t bytes, char **at)
{
    redis_route_t *route = &job->redis->route;
    if (job->submitting) {
        int rc = redis_saver_prepare(job->redis);
        if (rc < 0) return rc;
        choose(job);
        return redis_conn_reserve(redis_route_commands(route), bytes, at);
    }
    if (job->conn && !redis_route_is_split(route))
        redis_route_turn_to(route, job->conn);
    else
        choose(job);
    return redis_conn_reserve_unbounded(redis_route_commands(route), bytes, at);
}

void redis_job_commit(cairn_req_t *req, const char *end, redis_answer_fn answer, size_t commands,
                      bool idempotent)
{
    redis_job_t *job = redis_job_of(req);
    redis_conn_t *conn = job->conn = redis_saver_conn(job->redis);
    job->turned = false;
    if (commands > 0) {
        redis_conn_commit_transaction(conn, end, answer, req, commands, idempotent);
    } else {
        redis_conn_commit_script(conn, end, answer, req, idempotent);
    }
}

bool redis_job_failed(cairn_req_t *req, int status, int rc, cairn_slice_t detail)
{
    const cairn_slice_t nothing = {NULL, 0};
    if (status >= 0 && rc >= 0) return false;
    redis_job_t *job = redis_job_take(req);
    const cairn_host_api_t *api = job->redis->host->api;
    redis_job_free(job);
    if (status < 0) {
        api->fail(req, status, detail);
    } else if (rc == CAIRN_EPROTOCOL) {
        api->fail(req, rc, cairn_str("the server's answer makes no sense"));
    } else {
        api->fail(req, rc, nothing);
    }
    return true;
}

/* ---- one query after the other ---- */

static void run_finish(cairn_task_t *task)
{
    cairn_req_t *req = CAIRN_CONTAINER_OF(task, cairn_req_t, task);
    redis_job_of(req)->finish(req);
}

/* Never inside the submit. */
static int finish(cairn_req_t *req)
{
    redis_job_t *job = redis_job_of(req);
    if (!job->submitting) {
        job->finish(req);
        return 0;
    }
    const uint64_t memory = req->scratch[REDIS_SCRATCH_MEMORY];
    int rc = redis_saver_answer_later(job->redis, req, run_finish);
    req->scratch[REDIS_SCRATCH_MEMORY] = memory;
    return rc;
}

static int begin_query(cairn_req_t *req)
{
    const redis_query_t *query = redis_query_of(req);
    if (query->kind == REDIS_QUERY_LIST) return redis_list_begin(req);
    if (query->kind == REDIS_QUERY_COUNT && !query->filter) return redis_count_begin(req);
    return redis_search_begin(req);
}

/* Those that have nothing to find are over. */
static int go_on(cairn_req_t *req)
{
    redis_job_t *job = redis_job_of(req);
    for (; job->query_at < job->query_count; job->query_at++) {
        const redis_query_t *query = redis_query_of(req);
        bool finds_nothing = query->most == 0 && query->kind != REDIS_QUERY_COUNT;
        if (query->status == 0 && !finds_nothing) return begin_query(req);
    }
    return finish(req);
}

int redis_query_ended(cairn_req_t *req)
{
    redis_job_of(req)->query_at++;
    return go_on(req);
}

int redis_job_start(cairn_req_t *req, redis_job_t *job)
{
    req->scratch[REDIS_SCRATCH_CONN] = 0;
    req->scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)job | REDIS_JOB_TAG;
    job->submitting = true;
    int rc = go_on(req);
    job->submitting = false;
    if (rc < 0) {
        req->scratch[REDIS_SCRATCH_MEMORY] = 0;
        redis_job_free(job);
    }
    return rc;
}

/* ---- bounds ---- */

static char *bound(char *out, char sign, cairn_slice_t bytes)
{
    *out++ = sign;
    return bytes.len > 0 ? redis_cmd_literal(out, bytes.ptr, bytes.len) : out;
}

int redis_query_bounds(redis_job_t *job, redis_query_t *query, cairn_namespace_t prefix)
{
    const size_t size = cairn_namespace_encoded_size(prefix);
    char *room = cairn_arena_alloc(&job->arena, 3, size + 1);
    if (!room) return UV_ENOMEM;
    cairn_namespace_encode(prefix, room);
    query->prefix = cairn_slice(room, size);
    query->least = cairn_slice("-", 1);
    query->greatest = cairn_slice("+", 1);
    if (size == 0) return 0;
    char *least = room + size, *greatest = least + size + 1;
    bound(least, '[', query->prefix);
    char *end = bound(greatest, '(', query->prefix);
    end[-1]++; /* all that begins with it is less */
    query->least = cairn_slice(least, size + 1);
    query->greatest = cairn_slice(greatest, size + 1);
    return 0;
}

/* ---- search, count, list_namespaces ---- */

static void finish_search(cairn_req_t *req)
{
    redis_job_t *job = redis_job_take(req);
    const redis_query_t *query = job->queries;
    const cairn_store_page_t page = {query->rows.at, query->rows.count, query->cursor};
    redis_store_done(job->redis)
        ->search_done(CAIRN_CONTAINER_OF(req, cairn_store_search_t, req), &page);
    redis_job_free(job);
}

static void finish_list(cairn_req_t *req)
{
    redis_job_t *job = redis_job_take(req);
    const redis_query_t *query = job->queries;
    const cairn_namespace_page_t page = {query->rows.at, query->rows.count, query->cursor};
    redis_store_done(job->redis)
        ->list_done(CAIRN_CONTAINER_OF(req, cairn_store_list_t, req), &page);
    redis_job_free(job);
}

static void finish_count(cairn_req_t *req)
{
    redis_job_t *job = redis_job_take(req);
    const redis_backend_t *redis = job->redis;
    const uint64_t count = job->queries->count;
    redis_job_free(job);
    redis_store_done(redis)->count_done(CAIRN_CONTAINER_OF(req, cairn_store_count_t, req), count);
}

int redis_store_search(void *self, cairn_store_search_t *req, const cairn_store_search_args_t *args)
{
    redis_job_t *job = redis_job_new(self, 1, finish_search);
    if (!job) return UV_ENOMEM;
    redis_job_name(job, args->prefix);
    int rc = redis_query_search(job, job->queries, args);
    if (rc == 0) return redis_job_start(&req->req, job);
    redis_job_free(job);
    return rc;
}

int redis_store_list(void *self, cairn_store_list_t *req, const cairn_store_list_args_t *args)
{
    redis_job_t *job = redis_job_new(self, 1, finish_list);
    if (!job) return UV_ENOMEM;
    int rc = redis_query_list(job, job->queries, args);
    if (rc == 0) return redis_job_start(&req->req, job);
    redis_job_free(job);
    return rc;
}

int redis_store_count(void *self, cairn_store_count_t *req, cairn_namespace_t prefix,
                      cairn_slice_t filter)
{
    redis_job_t *job = redis_job_new(self, 1, finish_count);
    if (!job) return UV_ENOMEM;
    redis_job_name(job, prefix);
    int rc = redis_query_count(job, job->queries, prefix, filter);
    if (rc == 0) return redis_job_start(&req->req, job);
    redis_job_free(job);
    return rc;
}
