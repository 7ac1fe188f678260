/* Calls of a job that are out at the same time, each in a slot of its own. */
#include "redis_store.h"

#include <uv.h>

void redis_fan_stop(redis_job_t *job)
{
    redis_fan_t *fan = &job->fan;
    for (size_t i = 0; i < fan->part_count && fan->out > 0; i++) {
        redis_part_t *part = &fan->parts[i];
        if (!part->out) continue;
        part->out = false;
        fan->out--;
        if (part->req.scratch[REDIS_SCRATCH_CONN] == REDIS_CONN_PARKED) {
            redis_cluster_forget(&part->req);
            continue;
        }
        redis_route_turn_to(&job->redis->route, redis_conn_of_request(&part->req));
        redis_conn_forget_request(&part->req);
    }
    *fan = (redis_fan_t){.parts = fan->parts, .room = fan->room};
}

/* What is left of them is made. Refused while nothing is out: nobody will be told later. */
static int go_on(cairn_req_t *req)
{
    redis_job_t *job = redis_job_of(req);
    redis_fan_t *fan = &job->fan;
    for (size_t i = 0; i < fan->part_count && fan->next < fan->count; i++) {
        redis_part_t *part = &fan->parts[i];
        if (part->out) continue;
        part->index = fan->next++;
        int rc = fan->plan->send(req, part);
        if (rc == 0) continue;
        if (fan->out == 0) return rc;
        fan->failure = rc; /* told with the next answer */
        return 0;
    }
    return 0;
}

static int end(cairn_req_t *req)
{
    redis_job_t *job = redis_job_of(req);
    const redis_fan_plan_t *plan = job->fan.plan;
    redis_fan_stop(job);
    return plan->done(req);
}

static int part_answered(cairn_req_t *req, redis_part_t *part, redis_reply_t *reply)
{
    redis_fan_t *fan = &redis_job_of(req)->fan;
    int rc = fan->plan->take(req, part, reply);
    return rc == REDIS_PART_AGAIN ? fan->plan->send(req, part) : rc;
}

static bool has_nil(redis_reply_t reply)
{
    size_t count;
    if (redis_reply_array(&reply, &count) < 0) return false;
    for (; count > 0; count--) {
        if (redis_reply_type(&reply) == REDIS_NIL) return true;
        if (redis_reply_skip(&reply) < 0) return false;
    }
    return false;
}

static void on_part(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    redis_part_t *part = CAIRN_CONTAINER_OF(ctx, redis_part_t, req);
    cairn_req_t *req = part->whole;
    redis_job_t *job = redis_job_of(req);
    redis_fan_t *fan = &job->fan;
    int rc = 1;
    if (status == 0 && redis_route_is_behind(&job->redis->route) && has_nil(*reply))
        rc = redis_read_at_master(job->redis, &part->req, on_part);
    if (rc == 0) return;
    part->out = false;
    fan->out--;
    if (status == 0 && rc > 0) {
        rc = part_answered(req, part, reply);
    } else if (status < 0 && fan->plan->fail) {
        rc = fan->plan->fail(req, part, status, detail);
        status = 0;
    }
    if (rc >= 0) rc = fan->failure;
    if (redis_job_failed(req, status, rc, detail)) return;
    rc = go_on(req);
    if (rc == 0 && fan->out == 0 && fan->next == fan->count) rc = end(req);
    if (rc < 0) (void)redis_job_failed(req, 0, rc, detail);
}

int redis_fan_begin(cairn_req_t *req, const redis_fan_plan_t *plan, size_t count)
{
    redis_job_t *job = redis_job_of(req);
    redis_fan_t *fan = &job->fan;
    const size_t parts = count < plan->most ? count : plan->most;
    fan->plan = plan;
    if (count == 0) return end(req);
    if (fan->room < parts) {
        fan->parts = cairn_arena_alloc(&job->arena, parts, sizeof *fan->parts);
        if (!fan->parts) return UV_ENOMEM;
        fan->room = parts;
    }
    fan->count = count;
    fan->part_count = parts;
    memset(fan->parts, 0, parts * sizeof *fan->parts);
    req->scratch[REDIS_SCRATCH_CONN] = REDIS_CONN_SPREAD;
    return go_on(req);
}

/* ---- one of them ---- */

static int reserve(const redis_job_t *job, redis_conn_t *conn, size_t bytes, char **at)
{
    /* Who is refused has sent nothing. */
    if (job->submitting && job->fan.out == 0) return redis_conn_reserve(conn, bytes, at);
    return redis_conn_reserve_unbounded(conn, bytes, at);
}

int redis_part_reserve(redis_job_t *job, unsigned slot, size_t bytes, char **at)
{
    int rc = redis_saver_prepare(job->redis);
    if (rc < 0) return rc;
    return reserve(job, redis_route_choose_slot(&job->redis->route, slot), bytes, at);
}

int redis_part_reserve_read(redis_job_t *job, unsigned slot, size_t bytes, char **at)
{
    int rc = redis_saver_prepare(job->redis);
    if (rc < 0) return rc;
    return reserve(job, redis_route_choose_read(&job->redis->route, slot), bytes, at);
}

void redis_part_commit(cairn_req_t *req, redis_part_t *part, const char *end_of_it, size_t commands,
                       bool idempotent)
{
    redis_job_t *job = redis_job_of(req);
    redis_conn_t *conn = redis_saver_conn(job->redis);
    part->whole = req;
    part->req.flags = req->flags;
    part->out = true;
    job->fan.out++;
    if (commands > 0)
        redis_conn_commit_transaction(conn, end_of_it, on_part, &part->req, commands, idempotent);
    else
        redis_conn_commit_script(conn, end_of_it, on_part, &part->req, idempotent);
}
