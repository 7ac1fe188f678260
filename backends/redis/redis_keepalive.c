/* Whether there is still somebody at the other end of a link over which nothing comes. */
#include "redis_cmd.h"
#include "redis_conn.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

static void on_pong(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    (void)ctx, (void)status, (void)reply, (void)detail; /* any answer is a sign of life */
}

static void ping(redis_conn_t *conn)
{
    static const char command[] = "*1\r\n$4\r\nPING\r\n";
    char *at;
    if (redis_conn_reserve_unbounded(conn, sizeof command - 1, &at) < 0) return;
    at = redis_cmd_literal(at, command, sizeof command - 1);
    redis_conn_commit(conn, at, on_pong, conn, REDIS_CMD_TRANSIENT);
}

/* The loop may have been held up until the timer was due: then what came meanwhile is not read. */
static bool has_unread(const redis_conn_t *conn)
{
    char byte;
    return recv(conn->ac->c.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* As the kernel counts them: with TLS these are records. */
static uint64_t taken_by_socket(const redis_conn_t *conn)
{
    return conn->tls ? redis_tls_sent(conn->tls) : conn->written;
}

/* A long upload over a slow link is not silence, as long as it gets on. Once the kernel has all of
 * it that says no more: it acknowledges for a server that hangs, too. */
static bool gets_on(redis_conn_t *conn)
{
    int queued = 0;
    if (redis_out_unsent(&conn->out) == 0) return false;
    if (ioctl(conn->ac->c.fd, TIOCOUTQ, &queued) < 0 || queued < 0) queued = 0;
    uint64_t passed = taken_by_socket(conn) - (uint64_t)queued;
    bool more = passed > conn->passed;
    conn->passed = passed;
    return more;
}

uint64_t redis_keepalive_look(redis_conn_t *conn)
{
    uint64_t period_ms = conn->options->keepalive_ms;
    uint64_t silent_ms = uv_now(conn->host->loop) - conn->heard_ms;
    if (silent_ms >= period_ms && gets_on(conn)) {
        conn->pinged = false;
        conn->heard_ms += silent_ms;
        silent_ms = 0;
    }
    if (silent_ms < period_ms) return period_ms - silent_ms;
    if (conn->pinged && !has_unread(conn)) {
        redis_conn_lose(conn, CAIRN_EHALFOPEN, cairn_strerror(CAIRN_EHALFOPEN));
        return 0;
    }
    if (!conn->pinged) ping(conn);
    conn->pinged = true;
    return period_ms;
}
