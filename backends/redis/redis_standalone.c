#include "redis_standalone.h"

#include "redis_script.h"
#include "redis_stats.h"

#include <cairn/sys/alloc.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define REDIS_PORT 6379
#define SENTINEL_PORT 26379

static bool is_for_subscriptions(const redis_conn_t *conn)
{
    const redis_standalone_t *route = conn->data;
    if (route->subscriptions.state != REDIS_CONN_CLOSED) return conn == &route->subscriptions;
    return conn->hello.protocol == 3;
}

/* ---- sentinels ---- */

static void on_locate(redis_conn_t *conn)
{
    const redis_standalone_t *route = conn->data;
    redis_sentinel_ask(route->sentinel);
}

static void follow(redis_conn_t *conn, const redis_address_t *master)
{
    redis_address_text_t where;
    char detail[256];
    if (conn->state == REDIS_CONN_LOCATING) {
        redis_conn_go(conn, master);
    } else if (redis_address_eq(&conn->located, master)) {
        return;
    } else if (conn->state == REDIS_CONN_WAITING) {
        redis_conn_soon(conn);
    } else {
        snprintf(detail, sizeof detail, "sentinels have made %s the master",
                 redis_address_text(where, master));
        redis_conn_lose(conn, CAIRN_EREADONLY, detail);
    }
}

static void on_found(redis_sentinel_t *sentinel, const redis_address_t *master)
{
    redis_standalone_t *route = sentinel->data;
    follow(&route->commands, master);
    follow(&route->subscriptions, master);
}

static void give_up_locating(redis_conn_t *conn, int status, const char *detail)
{
    if (conn->state == REDIS_CONN_LOCATING) redis_conn_lose(conn, status, detail);
}

static void on_unknown(redis_sentinel_t *sentinel, int status, const char *detail)
{
    redis_standalone_t *route = sentinel->data;
    give_up_locating(&route->commands, status, detail);
    give_up_locating(&route->subscriptions, status, detail);
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
    if (route->sentinel && !conn->arrived) redis_sentinel_doubt(route->sentinel);
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

static void free_options(redis_standalone_t *route);

static void one_closed(redis_standalone_t *route)
{
    if (--route->open > 0) return;
    free_options(route);
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

static void on_sentinel_closed(redis_sentinel_t *sentinel)
{
    one_closed(sentinel->data);
}

static const redis_sentinel_events_t sentinel_events = {
    .found = on_found,
    .unknown = on_unknown,
    .closed = on_sentinel_closed,
};

static const redis_conn_owner_t owner = {
    .locate = on_locate,
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

static bool uses_sentinels(const cairn_options_t *options)
{
    static const char suffix[] = "+sentinel";
    const size_t len = strlen(options->scheme), suffix_len = sizeof suffix - 1;
    return len > suffix_len && strcasecmp(options->scheme + len - suffix_len, suffix) == 0;
}

static int copy_options(redis_standalone_t *route, const cairn_options_t *from)
{
    bool is_unix = strcasecmp(from->scheme, "unix") == 0;
    const char *client_name = from->client_name ? from->client_name : "cairn";
    route->texts_len = text_size(from->path) + text_size(from->username) +
                       text_size(from->password) + text_size(client_name) +
                       text_size(from->sentinel_service) + text_size(from->sentinel_username) +
                       text_size(from->sentinel_password);
    route->texts = cairn_malloc(route->texts_len);
    if (!route->texts) return UV_ENOMEM;
    char *at = route->texts;
    route->options = (redis_conn_options_t){
        .path = is_unix ? keep(&at, from->path) : NULL,
        .hello = {.protocol = from->protocol,
                  .db = from->db,
                  .username = keep(&at, from->username),
                  .password = keep(&at, from->password),
                  .client_name = keep(&at, client_name),
                  .master_only = uses_sentinels(from)},
        .tls = route->tls,
        .credentials = from->credentials,
        .connect_timeout_ms = from->connect_timeout_ms,
        .reconnect_min_ms = from->reconnect_min_ms,
        .reconnect_max_ms = from->reconnect_max_ms,
        .keepalive_ms = from->keepalive_ms,
        .max_inflight = from->max_inflight,
        .max_queue_bytes = from->max_queue_bytes,
        .max_reply_bytes = from->max_reply_bytes,
    };
    route->sentinel_hello = (redis_hello_options_t){
        .username = keep(&at, from->sentinel_username),
        .password = keep(&at, from->sentinel_password),
        .client_name = route->options.hello.client_name,
    };
    const char *service = keep(&at, from->sentinel_service);
    route->service = uses_sentinels(from) ? service : NULL;
    return 0;
}

static void free_options(redis_standalone_t *route)
{
    memset(route->texts, 0, route->texts_len); /* the passwords */
    cairn_free(route->texts);
    redis_addresses_free(&route->options.places);
}

/* ---- life ---- */

static void open_conn(redis_standalone_t *route, redis_conn_t *conn)
{
    conn->data = route;
    route->open++;
    redis_conn_open(conn, route->host, &route->group, &route->options, &owner);
}

/* What can fail, libuv's handles last. */
static int prepare(redis_standalone_t *route, const cairn_options_t *options)
{
    int rc = 0;
    if (!route->options.path)
        rc = redis_addresses_read(&route->options.places, options,
                                  route->service ? SENTINEL_PORT : REDIS_PORT);
    if (rc < 0) return rc;
    if (route->service) route->sentinel = redis_sentinel_new();
    if (route->service && !route->sentinel) return UV_ENOMEM;
    return cairn_hiredis_uv_init(&route->group, route->host->loop);
}

/* The places are the sentinels' then. */
static void open_sentinel(redis_standalone_t *route)
{
    redis_conn_options_t options = route->options;
    options.hello = route->sentinel_hello;
    options.credentials = (cairn_credentials_t){0}; /* the data servers' */
    route->options.places = (redis_addresses_t){0};
    route->sentinel->data = route;
    route->open++;
    redis_sentinel_open(route->sentinel, route->host, &route->group, &options, route->service,
                        &sentinel_events);
}

int redis_standalone_open(redis_standalone_t *route, const cairn_host_t *host,
                          const cairn_options_t *options, const redis_standalone_events_t *events)
{
    route->host = host;
    route->events = events;
    int rc = copy_options(route, options);
    if (rc < 0) return rc;
    rc = prepare(route, options);
    if (rc < 0) {
        cairn_free(route->sentinel);
        free_options(route);
        return rc;
    }
    route->group.data = route;
    route->open = 1;
    if (route->sentinel) open_sentinel(route);
    open_conn(route, &route->commands);
    return 0;
}

void redis_standalone_close(redis_standalone_t *route)
{
    if (route->sentinel) redis_sentinel_close(route->sentinel);
    redis_conn_close(&route->commands);
    if (route->subscriptions.state != REDIS_CONN_CLOSED) redis_conn_close(&route->subscriptions);
    cairn_hiredis_uv_close(&route->group, on_group_closed);
}

int redis_standalone_reauth(redis_standalone_t *route)
{
    if (!route->options.credentials.ask) return UV_ENOTSUP;
    redis_credentials_renew(&route->commands);
    if (route->subscriptions.state != REDIS_CONN_CLOSED)
        redis_credentials_renew(&route->subscriptions);
    return 0;
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

void redis_standalone_each(const redis_standalone_t *route, cairn_connection_fn take, void *ctx)
{
    cairn_connection_t one;
    redis_conn_describe(&route->commands, "commands", &one);
    take(ctx, &one);
    if (route->subscriptions.state != REDIS_CONN_CLOSED) {
        redis_conn_describe(&route->subscriptions, "subscriptions", &one);
        take(ctx, &one);
    }
    if (!route->sentinel) return;
    redis_conn_describe(&route->sentinel->link, "sentinel", &one);
    take(ctx, &one);
}
