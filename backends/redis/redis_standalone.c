#include "redis_standalone.h"

#include "redis_script.h"

#include <cairn/sys/alloc.h>
#include <string.h>
#include <strings.h>

static bool is_for_subscriptions(const redis_conn_t *conn)
{
    const redis_standalone_t *route = conn->data;
    if (route->subscriptions.state != REDIS_CONN_CLOSED) return conn == &route->subscriptions;
    return conn->hello.protocol == 3;
}

/* ---- what connections tell ---- */

static void on_prelude(redis_conn_t *conn)
{
    redis_standalone_t *route = conn->data;
    if (is_for_subscriptions(conn)) route->events->resubscribe(route, conn);
    if (conn != &route->commands || !route->scripted || conn->state != REDIS_CONN_READY) return;
    if (redis_scripts_load(conn) < 0)
        redis_conn_lose(conn, UV_ENOMEM, "out of memory while loading scripts");
}

static void on_ready(redis_conn_t *conn)
{
    redis_standalone_t *route = conn->data;
    if (conn != &route->commands) return;
    if (route->events->has_subscriptions(route)) (void)redis_standalone_subscriptions(route);
    route->host->api->connected(route->host, route->capabilities, conn->hello.server);
}

static void on_lost(redis_conn_t *conn, int status, const char *detail)
{
    redis_standalone_t *route = conn->data;
    if (is_for_subscriptions(conn)) route->events->subscriptions_lost(route, status, detail);
    if (conn != &route->commands) {
        route->host->api->log(route->host, CAIRN_LOG_WARN, detail);
        return;
    }
    route->events->commands_lost(route, status, detail);
    route->host->api->disconnected(route->host, status, detail);
}

static int on_message(redis_conn_t *conn, cairn_slice_t kind, size_t count, redis_reply_t *rest)
{
    redis_standalone_t *route = conn->data;
    return route->events->message(route, kind, count, rest);
}

static void on_room(redis_conn_t *conn)
{
    redis_standalone_t *route = conn->data;
    route->host->api->credit(route->host);
}

static int on_unscripted(redis_conn_t *conn)
{
    return redis_scripts_load(conn);
}

static void one_closed(redis_standalone_t *route)
{
    if (--route->open > 0) return;
    memset(route->texts, 0, route->texts_len); /* the password */
    cairn_free(route->texts);
    route->events->closed(route);
}

static void on_group_closed(cairn_hiredis_uv_t *group)
{
    one_closed(group->data);
}

static void on_closed(redis_conn_t *conn)
{
    one_closed(conn->data);
}

static const redis_conn_owner_t owner = {
    .prelude = on_prelude,
    .ready = on_ready,
    .lost = on_lost,
    .message = on_message,
    .room = on_room,
    .unscripted = on_unscripted,
    .closed = on_closed,
};

/* ---- options ---- */

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* Moves `text` to *at and *at behind it. */
static const char *keep(char **at, const char *text)
{
    if (!text) return NULL;
    size_t size = text_size(text);
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

static int copy_options(redis_standalone_t *route, const cairn_options_t *from)
{
    bool is_unix = strcasecmp(from->scheme, "unix") == 0;
    const char *client_name = from->client_name ? from->client_name : "cairn";
    route->texts_len = text_size(from->host) + text_size(from->path) + text_size(from->username) +
                       text_size(from->password) + text_size(client_name);
    route->texts = cairn_malloc(route->texts_len);
    if (!route->texts) return UV_ENOMEM;
    char *at = route->texts;
    route->options = (redis_conn_options_t){
        .host = keep(&at, from->host),
        .path = is_unix ? keep(&at, from->path) : NULL,
        .port = from->port,
        .hello = {.protocol = from->protocol,
                  .db = from->db,
                  .username = keep(&at, from->username),
                  .password = keep(&at, from->password),
                  .client_name = keep(&at, client_name)},
        .connect_timeout_ms = from->connect_timeout_ms,
        .reconnect_min_ms = from->reconnect_min_ms,
        .reconnect_max_ms = from->reconnect_max_ms,
        .keepalive_ms = from->keepalive_ms,
        .max_inflight = from->max_inflight,
        .max_queue_bytes = from->max_queue_bytes,
        .max_reply_bytes = from->max_reply_bytes,
    };
    return 0;
}

/* ---- life ---- */

static void open_conn(redis_standalone_t *route, redis_conn_t *conn)
{
    conn->data = route;
    route->open++;
    redis_conn_open(conn, route->host, &route->group, &route->options, &owner);
}

int redis_standalone_open(redis_standalone_t *route, const cairn_host_t *host,
                          const cairn_options_t *options, const redis_standalone_events_t *events)
{
    route->host = host;
    route->events = events;
    int rc = copy_options(route, options);
    if (rc < 0) return rc;
    rc = cairn_hiredis_uv_init(&route->group, host->loop);
    if (rc < 0) {
        cairn_free(route->texts);
        return rc;
    }
    route->group.data = route;
    route->open = 1;
    open_conn(route, &route->commands);
    return 0;
}

void redis_standalone_close(redis_standalone_t *route)
{
    redis_conn_close(&route->commands);
    if (route->subscriptions.state != REDIS_CONN_CLOSED) redis_conn_close(&route->subscriptions);
    cairn_hiredis_uv_close(&route->group, on_group_closed);
}

int redis_standalone_use_scripts(redis_standalone_t *route)
{
    if (route->scripted) return 0;
    int rc = route->commands.state == REDIS_CONN_READY ? redis_scripts_load(&route->commands) : 0;
    route->scripted = rc == 0;
    return rc;
}

redis_conn_t *redis_standalone_subscriptions(redis_standalone_t *route)
{
    redis_conn_t *second = &route->subscriptions;
    if (second->state != REDIS_CONN_CLOSED) return second;
    redis_conn_t *first = &route->commands;
    if (first->state != REDIS_CONN_READY || first->hello.protocol == 3) return first;
    second->subscriber = true;
    open_conn(route, second);
    return second;
}
