/* From a link that has come up to one that is secured. Each step costs a good part of a
 * millisecond, so many connections that come up together share out the turns of their loop: a step
 * that finds its turn long leaves the socket as it is, and libuv tells of it again in the next. */
#include "redis_conn.h"

#include <stdio.h>

/* Of a turn. */
#define LONG_MS 4

/* Of the connections that find a turn long, one in so many goes on all the same: so that each does
 * after as many turns at most, on a loop whose turns are always long, too. */
#define PATIENCE 32

bool redis_conn_gives_way(redis_conn_t *conn)
{
    if (uv_hrtime() / 1000000 < uv_now(conn->host->loop) + LONG_MS) return false;
    return ++conn->gave_way % PATIENCE != 0;
}

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

static void read_step(redisAsyncContext *ac)
{
    if (!redis_conn_gives_way(ac->data)) step(ac);
}

static void write_step(redisAsyncContext *ac)
{
    if (redis_conn_gives_way(ac->data)) {
        ac->ev.addWrite(ac->ev.data);
    } else {
        step(ac);
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
