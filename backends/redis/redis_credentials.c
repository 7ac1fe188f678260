/* An ask and its answer are told from the loop, never inside a call of the application's; so
 * either may end the connection. */
#include "redis_cmd.h"
#include "redis_conn.h"

#include <cairn/sys/alloc.h>
#include <stdio.h>
#include <string.h>

/* ---- what was given ---- */

static void wipe(redis_credentials_t *mine)
{
    if (mine->texts) explicit_bzero(mine->texts, mine->texts_size);
    cairn_free(mine->texts);
    mine->texts = NULL;
    mine->hello.username = mine->hello.password = NULL;
}

static void keep(redis_credentials_t *mine, int status, const char *username, const char *password)
{
    size_t username_size = username ? strlen(username) + 1 : 0;
    size_t password_size = strlen(password) + 1;
    mine->status = status;
    mine->texts_size = password_size + username_size;
    mine->texts = cairn_malloc(mine->texts_size);
    if (!mine->texts) {
        mine->status = UV_ENOMEM;
        return;
    }
    mine->hello.password = memcpy(mine->texts, password, password_size);
    if (username)
        mine->hello.username = memcpy(mine->texts + password_size, username, username_size);
}

/* In words, where there are no credentials. */
static const char *reason(const redis_credentials_t *mine)
{
    return mine->texts ? mine->texts : uv_strerror(mine->status);
}

/* ---- the handshake ---- */

static void greet(redis_conn_t *conn)
{
    if (redis_hello_begin(&conn->hello, &conn->credentials.hello, &conn->hello_out) < 0) {
        redis_conn_lose(conn, UV_ENOMEM, uv_strerror(UV_ENOMEM));
        return;
    }
    redis_wire_flush_later(conn);
}

static void go_on_greeting(redis_conn_t *conn)
{
    redis_credentials_t *mine = &conn->credentials;
    if (mine->status == 0) {
        greet(conn);
        return;
    }
    char detail[512];
    snprintf(detail, sizeof detail, "%s: no credentials: %.256s", conn->where, reason(mine));
    redis_conn_lose(conn, mine->status, detail);
}

void redis_credentials_done(redis_conn_t *conn)
{
    redis_credentials_t *mine = &conn->credentials;
    if (!conn->options->credentials.ask) return;
    wipe(mine);
    if (conn->hello_out.buf) explicit_bzero(conn->hello_out.buf, conn->hello_out.capacity);
    if (mine->stale) redis_credentials_renew(conn);
}

/* ---- a connection that is in use ---- */

static void tell(redis_conn_t *conn, int status, const char *what, cairn_slice_t why)
{
    char detail[512];
    snprintf(detail, sizeof detail, "%s: %s%.*s", conn->where, what,
             why.len < 256 ? (int)why.len : 256, why.len ? why.ptr : "");
    conn->host->api->reauthenticated(conn->host, status, detail);
}

static void on_auth(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    redis_conn_t *conn = ctx;
    (void)reply;
    if (status < 0) {
        tell(conn, status, "AUTH: ", detail);
        return;
    }
    /* Bytes of ours, which are let go. */
    explicit_bzero((char *)conn->answered.ptr, conn->answered.len);
    tell(conn, 0, "authenticated anew", cairn_slice(NULL, 0));
}

static int say_auth(redis_conn_t *conn)
{
    const redis_hello_options_t *say = &conn->credentials.hello;
    const char *username = say->username ? say->username : "";
    size_t payload = strlen("AUTH") + strlen(username) + strlen(say->password);
    char *at;
    int rc = redis_conn_reserve_unbounded(conn, redis_cmd_bound(3, payload), &at);
    if (rc < 0) return rc;
    at = redis_cmd_begin(at, say->username ? 3 : 2);
    at = redis_cmd_arg(at, cairn_str("AUTH"));
    if (say->username) at = redis_cmd_arg(at, cairn_str(username));
    at = redis_cmd_arg(at, cairn_str(say->password));
    redis_conn_commit(conn, at, on_auth, conn, REDIS_CMD_TRANSIENT);
    return 0;
}

static void go_on_live(redis_conn_t *conn)
{
    redis_credentials_t *mine = &conn->credentials;
    int rc = mine->status;
    if (rc == 0) rc = say_auth(conn);
    if (rc == 0) {
        wipe(mine);
        return;
    }
    char why[256];
    snprintf(why, sizeof why, "%s", mine->status < 0 ? reason(mine) : uv_strerror(rc));
    wipe(mine);
    tell(conn, rc, "no credentials: ", cairn_str(why));
}

void redis_credentials_renew(redis_conn_t *conn)
{
    redis_credentials_t *mine = &conn->credentials;
    bool in_use = conn->state == REDIS_CONN_READY;
    if (in_use && conn->subscriber) {
        mine->deaf = true;
        conn->host->api->defer(conn->host, &mine->task);
    } else if (in_use) {
        redis_credentials_withdraw(conn);
        mine->live = true;
        conn->host->api->defer(conn->host, &mine->task);
    } else {
        mine->stale = conn->state == REDIS_CONN_GREETING && conn->hello.begun;
    }
}

/* ---- asking ---- */

/* Inside a call of the application's. */
static void on_answered(void *owner, int status, const char *username, const char *password)
{
    redis_credentials_t *mine = owner;
    mine->ask = NULL;
    mine->answered = true;
    keep(mine, status, username, password);
    mine->conn->host->api->defer(mine->conn->host, &mine->task);
}

static void go_on(redis_conn_t *conn)
{
    conn->credentials.answered = false;
    if (conn->credentials.live) {
        go_on_live(conn);
    } else {
        go_on_greeting(conn);
    }
}

static void run(cairn_task_t *task)
{
    redis_credentials_t *mine = CAIRN_CONTAINER_OF(task, redis_credentials_t, task);
    redis_conn_t *conn = mine->conn;
    if (mine->deaf) {
        mine->deaf = false;
        tell(conn, UV_ENOTSUP, "RESP2 lets no AUTH in between subscriptions", cairn_slice(NULL, 0));
        return;
    }
    if (mine->answered) {
        go_on(conn);
        return;
    }
    const cairn_credentials_t *provider = &conn->options->credentials;
    mine->ask = cairn_credentials_ask_new(mine, on_answered);
    if (mine->ask) {
        provider->ask(provider->ctx, mine->ask);
        return;
    }
    mine->status = UV_ENOMEM;
    go_on(conn);
}

void redis_credentials_greet(redis_conn_t *conn)
{
    redis_credentials_t *mine = &conn->credentials;
    mine->conn = conn;
    mine->task.run = run;
    mine->hello = conn->options->hello;
    mine->live = mine->stale = false;
    if (conn->options->credentials.ask) {
        conn->host->api->defer(conn->host, &mine->task);
    } else {
        greet(conn);
    }
}

void redis_credentials_withdraw(redis_conn_t *conn)
{
    redis_credentials_t *mine = &conn->credentials;
    if (mine->ask) cairn_credentials_ask_abandon(mine->ask);
    mine->ask = NULL;
    mine->answered = mine->deaf = false;
    conn->host->api->undefer(conn->host, &mine->task);
    wipe(mine);
}
