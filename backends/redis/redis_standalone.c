#include "redis_route.h"
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
    return conn->hello.protocol == 3 && !redis_pool_has_choice(&route->pool);
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
    for (size_t i = 1; i < route->pool.count; i++) follow(route->pool.conns[i], master);
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
    for (size_t i = 1; i < route->pool.count; i++)
        give_up_locating(route->pool.conns[i], status, detail);
    give_up_locating(&route->subscriptions, status, detail);
}

/* ---- what connections tell ---- */

/* What the first has loaded the server knows; should it have forgotten, it says so. */
static bool needs_scripts(const redis_standalone_t *route, const redis_conn_t *conn)
{
    if (!route->scripted || conn == &route->subscriptions) return false;
    const redis_conn_t *first = &route->commands;
    return conn == first || first->state != REDIS_CONN_READY || first->loading > 0;
}

static int load_scripts(redis_conn_t *conn)
{
    const redis_standalone_t *route = conn->data;
    return redis_scripts_load(conn, route->route->cluster != NULL);
}

static void on_prelude(redis_conn_t *conn)
{
    redis_standalone_t *route = conn->data;
    if (conn == &route->commands && route == &route->route->one &&
        redis_route_greeted(route->route, conn) < 0)
        return;
    conn->subscriber = conn == &route->subscriptions && conn->hello.protocol == 2;
    if (is_for_subscriptions(conn)) route->events->resubscribe(route, conn);
    if (!needs_scripts(route, conn) || conn->state != REDIS_CONN_READY) return;
    if (load_scripts(conn) < 0)
        redis_conn_lose(conn, UV_ENOMEM, "out of memory while loading scripts");
}

static void on_ready(redis_conn_t *conn)
{
    redis_standalone_t *route = conn->data;
    if (conn == &route->subscriptions) return;
    if (conn == &route->commands) {
        redis_route_ready(route->route, conn);
        if (route->events->has_subscriptions(route)) (void)redis_standalone_subscriptions(route);
        redis_conn_hurry(&route->subscriptions);
        redis_pool_hurry(&route->pool);
    }
    if (route->connected) return;
    route->connected = true;
    if (route->events->up) {
        route->events->up(route);
    } else {
        route->host->api->connected(route->host, route->capabilities, conn->hello.server);
    }
}

/* Of all that were lost with their server only the first tries to connect, until it is ready. */
static void hold(redis_standalone_t *route, redis_conn_t *lost)
{
    if (lost == &route->commands) {
        redis_pool_hold(&route->pool);
        redis_conn_hold(&route->subscriptions);
    } else if (route->commands.state != REDIS_CONN_READY) {
        redis_conn_hold(lost);
    }
}

/* They wait for the first, which was not let in. */
static void refuse_others(redis_standalone_t *route, int status, const char *detail)
{
    for (size_t i = 1; i < route->pool.count; i++)
        redis_conn_refuse(route->pool.conns[i], status, detail);
}

void redis_standalone_fail_fast(redis_standalone_t *route, const char *detail)
{
    redis_conn_fail_fast(&route->commands, detail);
    for (size_t i = 1; i < route->pool.count; i++)
        redis_conn_fail_fast(route->pool.conns[i], detail);
}

static void on_subscriptions_lost(redis_standalone_t *route, int status, const char *detail)
{
    const cairn_host_t *host = route->host;
    host->api->log(host, CAIRN_LOG_WARN, detail);
    if (!route->subscriptions.arrived && route->connected)
        host->api->topics_kept_out(host, status, cairn_str(detail));
}

static void on_lost(redis_conn_t *conn, int status, const char *detail)
{
    redis_standalone_t *route = conn->data;
    if (route->sentinel && !conn->arrived) redis_sentinel_doubt(route->sentinel);
    if (is_for_subscriptions(conn)) route->events->subscriptions_lost(route, status, detail);
    hold(route, conn);
    if (conn == &route->subscriptions) {
        on_subscriptions_lost(route, status, detail);
        return;
    }
    if (conn == &route->commands) route->events->commands_lost(route, status, detail);
    if (conn == &route->commands && !conn->arrived && redis_conn_is_refusal(status))
        refuse_others(route, status, detail);
    if (redis_pool_is_ready(&route->pool)) return;
    route->connected = false;
    if (route->events->down) {
        route->events->down(route, status, detail);
    } else {
        route->host->api->disconnected(route->host, status, detail);
    }
}

static int on_message(redis_conn_t *conn, cairn_slice_t kind, size_t count, redis_reply_t *rest)
{
    redis_standalone_t *route = conn->data;
    return route->events->message(route, kind, count, rest);
}

static void on_room(redis_conn_t *conn)
{
    redis_standalone_t *route = conn->data;
    route->route->events->room(route);
    route->host->api->credit(route->host);
}

static int on_unscripted(redis_conn_t *conn)
{
    return load_scripts(conn);
}

static void free_options(redis_standalone_t *route);

static void one_closed(redis_standalone_t *route)
{
    if (--route->open > 0) return;
    redis_pool_free(&route->pool);
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

static void on_pool_closed(redis_pool_t *pool)
{
    one_closed(CAIRN_CONTAINER_OF(pool, redis_standalone_t, pool));
}

static void on_answering(redis_conn_t *conn)
{
    redis_standalone_t *route = conn->data;
    redis_standalone_turn_to(route, conn);
    route->route->at = route;
}

static bool on_redirect(redis_conn_t *conn, const redis_entry_t *entry, cairn_slice_t bytes,
                        cairn_slice_t *text)
{
    const redis_standalone_t *route = conn->data;
    return route->events->redirect && route->events->redirect(conn, entry, bytes, text);
}

static void on_put_in(redis_conn_t *conn, uint64_t seq)
{
    redis_standalone_t *route = conn->data;
    redis_pool_put_in_named(&route->pool, conn, seq);
}

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

/* Of one among several that take commands. */
static const redis_conn_owner_t pool_owner = {
    .redirect = on_redirect,
    .locate = on_locate,
    .prelude = on_prelude,
    .ready = on_ready,
    .lost = on_lost,
    .message = on_message,
    .answering = on_answering,
    .put_in = on_put_in,
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
                  .master_only = uses_sentinels(from),
                  .asks_mode = route->route->use != REDIS_CLUSTER_NO},
        .tls = route->tls,
        .credentials = from->credentials,
        .connect_timeout_ms = from->connect_timeout_ms,
        .reconnect_min_ms = from->reconnect_min_ms,
        .reconnect_max_ms = from->reconnect_max_ms,
        .keepalive_ms = from->keepalive_ms,
        .fail_fast_ms = from->fail_fast_ms,
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
    if (route->texts) memset(route->texts, 0, route->texts_len); /* the passwords */
    cairn_free(route->texts);
    redis_addresses_free(&route->options.places);
}

/* ---- life ---- */

static void open_conn(redis_standalone_t *route, redis_conn_t *conn)
{
    conn->data = route;
    const bool is_of_many = (redis_pool_has_choice(&route->pool) || route->events->redirect) &&
                            conn != &route->subscriptions;
    route->open++;
    redis_conn_open(conn, route->host, &route->group, &route->options,
                    is_of_many ? &pool_owner : &owner);
}

static void open_of_pool(redis_pool_t *pool, redis_conn_t *conn)
{
    open_conn(CAIRN_CONTAINER_OF(pool, redis_standalone_t, pool), conn);
}

/* Of max_connections one is for subscriptions. */
static int make_pool(redis_standalone_t *route, const cairn_options_t *options)
{
    const redis_pool_terms_t terms = {
        .most = options->max_connections > 2 ? (size_t)options->max_connections - 1 : 1,
        .spread_after = options->spread_after,
        .idle_ms = options->idle_ms,
        .open = open_of_pool,
        .closed = on_pool_closed,
    };
    return redis_pool_init(&route->pool, &route->commands, &terms);
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

static void open_all(redis_standalone_t *route)
{
    redis_pool_start(&route->pool, route->host->loop);
    route->group.data = route;
    route->open = redis_pool_has_choice(&route->pool) ? 2 : 1;
    if (route->sentinel) open_sentinel(route);
    open_conn(route, &route->commands);
}

int redis_standalone_open_beside(redis_standalone_t *route, const redis_standalone_t *like,
                                 const redis_address_t *place,
                                 const redis_standalone_events_t *events)
{
    route->host = like->host;
    route->events = events;
    route->capabilities = like->capabilities;
    route->tls = like->tls;
    route->scripted = like->scripted;
    route->options = like->options;
    route->options.hello.reads_only = route->reads_only;
    route->options.path = NULL;
    route->options.places = (redis_addresses_t){0};
    int rc = redis_pool_init(&route->pool, &route->commands, &like->pool.terms);
    if (rc == 0)
        rc = redis_addresses_add(&route->options.places, cairn_str(place->host), place->port);
    if (rc == 0) rc = cairn_hiredis_uv_init(&route->group, route->host->loop);
    if (rc == 0) {
        open_all(route);
        return 0;
    }
    redis_pool_free(&route->pool);
    free_options(route);
    return rc;
}

int redis_standalone_open(redis_standalone_t *route, const cairn_host_t *host,
                          const cairn_options_t *options, const redis_standalone_events_t *events)
{
    route->host = host;
    route->events = events;
    int rc = copy_options(route, options);
    if (rc < 0) return rc;
    rc = make_pool(route, options);
    if (rc == 0) rc = prepare(route, options);
    if (rc < 0) {
        redis_pool_free(&route->pool);
        cairn_free(route->sentinel);
        free_options(route);
        return rc;
    }
    open_all(route);
    return 0;
}

void redis_standalone_wait(redis_standalone_t *route, const redis_standalone_t *like,
                           const char *what, const redis_standalone_events_t *events)
{
    route->host = like->host;
    route->events = events;
    route->options = like->options;
    route->pool.current = &route->commands;
    route->commands.data = route;
    redis_conn_prepare(&route->commands, route->host, &route->options, &pool_owner);
    snprintf(route->commands.where, sizeof route->commands.where, "%s", what);
}

void redis_standalone_drop(redis_standalone_t *route)
{
    redis_conn_drop(&route->commands);
}

void redis_standalone_listen(redis_standalone_t *route, const redis_standalone_events_t *events)
{
    route->events = events;
    route->commands.owner = &pool_owner;
    for (size_t i = 1; i < route->pool.count; i++) route->pool.conns[i]->owner = &pool_owner;
}

void redis_standalone_close(redis_standalone_t *route)
{
    if (route->sentinel) redis_sentinel_close(route->sentinel);
    redis_conn_close(&route->commands);
    redis_pool_close(&route->pool);
    if (route->subscriptions.state != REDIS_CONN_CLOSED) redis_conn_close(&route->subscriptions);
    cairn_hiredis_uv_close(&route->group, on_group_closed);
}

int redis_standalone_reauth(redis_standalone_t *route)
{
    if (!route->options.credentials.ask) return UV_ENOTSUP;
    redis_credentials_renew(&route->commands);
    for (size_t i = 1; i < route->pool.count; i++) redis_credentials_renew(route->pool.conns[i]);
    if (route->subscriptions.state != REDIS_CONN_CLOSED)
        redis_credentials_renew(&route->subscriptions);
    return 0;
}

static int load_if_ready(redis_conn_t *conn)
{
    return conn->state == REDIS_CONN_READY ? load_scripts(conn) : 0;
}

int redis_standalone_use_scripts(redis_standalone_t *route)
{
    if (route->scripted) return 0;
    int rc = load_if_ready(&route->commands);
    for (size_t i = 1; i < route->pool.count && rc == 0; i++)
        rc = load_if_ready(route->pool.conns[i]);
    route->scripted = rc == 0;
    return rc;
}

redis_conn_t *redis_standalone_subscriptions(redis_standalone_t *route)
{
    redis_conn_t *second = &route->subscriptions;
    if (second->state != REDIS_CONN_CLOSED) return second;
    redis_conn_t *first = &route->commands;
    if (first->state != REDIS_CONN_READY) return first;
    if (first->hello.protocol == 3 && !redis_pool_has_choice(&route->pool)) return first;
    open_conn(route, second);
    return second;
}

void redis_standalone_each(const redis_standalone_t *route, cairn_connection_fn take, void *ctx)
{
    const char *role = route->reads_only ? "replica" : "commands";
    cairn_connection_t one;
    redis_conn_describe(&route->commands, role, &one);
    take(ctx, &one);
    for (size_t i = 1; i < route->pool.count; i++) {
        redis_conn_describe(route->pool.conns[i], role, &one);
        take(ctx, &one);
    }
    if (route->subscriptions.state != REDIS_CONN_CLOSED) {
        redis_conn_describe(&route->subscriptions, "subscriptions", &one);
        take(ctx, &one);
    }
    if (!route->sentinel) return;
    redis_conn_describe(&route->sentinel->link, "sentinel", &one);
    take(ctx, &one);
}
