/* From a link that has come up to one that is secured. Each step takes of its turn's share. */
#include "redis_conn.h"
#include "redis_turn.h"

#include <stdio.h>

static void lose(redis_conn_t *conn, int status, const char *why)
{
    char detail[512];
    snprintf(detail, sizeof detail, "connect %s: %s", conn->where, why);
    redis_conn_lose(conn, status, detail);
}

static void step(redisAsyncContext *ac)
{
    redis_conn_t *conn = ac->data;
    if (!conn->tls) conn->tls = redis_tls_link_new(conn->options->tls, ac->c.fd, conn->place->host);
    if (!conn->tls) {
        lose(conn, UV_ENOMEM, uv_strerror(UV_ENOMEM));
        return;
    }
    int rc = redis_tls_shake_hands(conn->tls);
    if (rc < 0) {
        lose(conn, rc, redis_tls_reason(conn->tls));
    } else if (rc > 0) {
        redis_connect_greet(conn);
    } else if (redis_tls_wants_write(conn->tls)) {
        ac->ev.addWrite(ac->ev.data);
    } else {
        ac->ev.delWrite(ac->ev.data);
        ac->ev.addRead(ac->ev.data);
    }
}

static void step_in_turn(redisAsyncContext *ac)
{
    const redis_conn_t *conn = ac->data;
    const uv_loop_t *loop = conn->host->loop;
    const uint64_t began_ns = redis_turn_clock();
    step(ac);
    redis_turn_spent(loop, began_ns);
}

static void read_step(redisAsyncContext *ac)
{
    const redis_conn_t *conn = ac->data;
    if (redis_turn_has_time(conn->host->loop)) step_in_turn(ac);
}

static void write_step(redisAsyncContext *ac)
{
    const redis_conn_t *conn = ac->data;
    const uv_loop_t *loop = conn->host->loop;
    if (conn->tls ? redis_turn_has_time(loop) : redis_turn_has_time_to_begin(loop)) {
        step_in_turn(ac);
    } else {
        ac->ev.addWrite(ac->ev.data);
    }
}

void redis_secure_begin(redis_conn_t *conn)
{
    redisAsyncContext *ac = conn->ac;
    conn->funcs = *ac->c.funcs;
    conn->funcs.async_read = read_step;
    conn->funcs.async_write = write_step;
    ac->c.funcs = &conn->funcs;
    ac->ev.addWrite(ac->ev.data);
}
