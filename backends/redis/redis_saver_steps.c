#include "redis_saver.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

struct redis_steps {
    redis_steps_fn done;
    int64_t sum;
    size_t calls;
    size_t next;  /* the call that is made */
    size_t size;  /* of all that is written */
    size_t *ends; /* of each call in `bytes` */
    char *bytes;
};

redis_steps_t *redis_steps_new(size_t calls, size_t bytes, redis_steps_fn done)
{
    redis_steps_t *steps = cairn_malloc(sizeof *steps + calls * sizeof *steps->ends + bytes);
    if (!steps) return NULL;
    *steps = (redis_steps_t){.done = done, .ends = (size_t *)(void *)(steps + 1)};
    steps->bytes = (char *)(steps->ends + calls);
    return steps;
}

char *redis_steps_at(redis_steps_t *steps)
{
    return steps->bytes + steps->size;
}

void redis_steps_add(redis_steps_t *steps, char *end)
{
    steps->size = (size_t)(end - steps->bytes);
    steps->ends[steps->calls++] = steps->size;
}

static redis_steps_t *steps_of(const cairn_req_t *req)
{
    return (redis_steps_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_MEMORY];
}

/* ---- calling ---- */

static cairn_slice_t call_at(const redis_steps_t *steps, size_t index)
{
    size_t begin = index > 0 ? steps->ends[index - 1] : 0;
    return cairn_slice(steps->bytes + begin, steps->ends[index] - begin);
}

static void on_step(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail);

static void send_to(redis_conn_t *conn, cairn_req_t *req, char *at, cairn_slice_t call,
                    cairn_slice_t cursor, redis_answer_fn answer)
{
    at = redis_cmd_literal(at, call.ptr, call.len);
    at = redis_cmd_arg(at, cursor);
    redis_conn_commit_script(conn, at, answer ? answer : on_step, req, false);
}

static size_t size_with(cairn_slice_t call, cairn_slice_t cursor)
{
    return call.len + redis_cmd_bound(1, cursor.len);
}

int redis_steps_start(redis_backend_t *redis, cairn_req_t *req, redis_steps_t *steps,
                      const cairn_slice_t *names, size_t count)
{
    const cairn_slice_t from_the_beginning = {NULL, 0};
    cairn_slice_t call = call_at(steps, 0);
    char *at;
    const size_t size = size_with(call, from_the_beginning);
    int rc = count > 0 ? redis_saver_reserve(redis, names[0], size, &at)
                       : redis_saver_reserve_any(redis, size, &at);
    if (rc < 0) {
        cairn_free(steps);
        return rc;
    }
    for (size_t i = 1; i < count; i++) redis_route_join(&redis->route, names[i]);
    req->scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)steps;
    send_to(redis_saver_conn(redis), req, at, call, from_the_beginning, NULL);
    return 0;
}

int redis_steps_resume(cairn_req_t *req, cairn_slice_t cursor, redis_answer_fn answer)
{
    redis_route_t *route = &redis_saver_of(req)->route;
    cairn_slice_t call = call_at(steps_of(req), steps_of(req)->next);
    const int slot = redis_route_is_split(route) ? redis_cluster_slot_of(call) : -1;
    redis_conn_t *conn =
        slot >= 0 ? redis_route_choose_slot(route, (unsigned)slot) : redis_route_commands(route);
    char *at;
    int rc = redis_conn_reserve_unbounded(conn, size_with(call, cursor), &at);
    if (rc == 0) send_to(conn, req, at, call, cursor, answer);
    return rc;
}

/* ---- answers: {count, cursor} ---- */

static int read_step(redis_reply_t *reply, int64_t *count, cairn_slice_t *cursor)
{
    size_t parts;
    int rc = redis_reply_array(reply, &parts);
    if (rc == 0 && parts != 2) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = redis_reply_int(reply, count);
    if (rc == 0) rc = redis_reply_string(reply, cursor);
    return rc == 0 && *count < -1 ? CAIRN_EPROTOCOL : rc;
}

static void on_step(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_steps_t *steps = steps_of(req);
    int64_t count = 0;
    cairn_slice_t cursor = {NULL, 0};
    int rc = status < 0 ? 0 : read_step(reply, &count, &cursor);
    if (redis_saver_failed(req, status, rc, detail)) return;
    if (count < 0) {
        steps->sum = -1;
        steps->next = steps->calls;
    } else {
        steps->sum += count;
        if (cursor.len == 0) steps->next++;
    }
    if (steps->next < steps->calls) {
        rc = redis_steps_resume(req, cursor, NULL);
        if (rc < 0) redis_saver_fail(req, rc, cairn_slice(NULL, 0));
        return;
    }
    redis_steps_fn done = steps->done;
    int64_t sum = steps->sum;
    redis_saver_release(req);
    done(req, sum);
}
