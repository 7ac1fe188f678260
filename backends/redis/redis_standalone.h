/* The route to one server, the first of a list that answers or the one that sentinels call the
 * master: which connection a command takes.
 *
 * Commands take those of a pool (redis_pool.h), one connection less than max_connections. With
 * RESP3 and a pool of one that carries everything. Else subscriptions get one of their own, opened
 * with the first of them, which stays theirs: with RESP2 a connection that has subscriptions can do
 * nothing else, and of many connections one may as well keep messages and answers apart. */
#ifndef CAIRN_REDIS_STANDALONE_H
#define CAIRN_REDIS_STANDALONE_H

#include "redis_pool.h"
#include "redis_sentinel.h"

typedef struct redis_standalone redis_standalone_t;

struct redis_route;

#define REDIS_CAPABILITIES                                                                         \
    (CAIRN_CAP_TOPICS | CAIRN_CAP_PATTERNS | CAIRN_CAP_RECEIVERS | CAIRN_CAP_PERSISTENT |          \
     CAIRN_CAP_SHARED | CAIRN_CAP_SAVER | CAIRN_CAP_STREAMS | CAIRN_CAP_STREAM_GROUPS |            \
     CAIRN_CAP_STREAMS_ATOMIC | CAIRN_CAP_STORE | CAIRN_CAP_STORE_VECTORS)

/* What the route tells the backend it belongs to. */
typedef struct redis_standalone_events {
    /* The subscription link is about to be ready: subscribe to all topics and channels on it. */
    void (*resubscribe)(redis_standalone_t *route, redis_conn_t *conn);
    /* Whether there is anything to subscribe to. */
    bool (*has_subscriptions)(redis_standalone_t *route);
    void (*subscriptions_lost)(redis_standalone_t *route, int status, const char *detail);
    void (*commands_lost)(redis_standalone_t *route, int status,
                          const char *detail); /* the first */
    int (*message)(redis_standalone_t *route, cairn_slice_t kind, size_t count,
                   redis_reply_t *rest);
    void (*closed)(redis_standalone_t *route);
    /* A cluster's slots may have other owners. NULL: no matter. */
    void (*moved)(redis_standalone_t *route);
    /* Commands are let in: it is known whether there is a cluster. Of the backend alone. */
    void (*known)(redis_standalone_t *route);
    /* A connection that was full takes more. Of the backend alone, too. */
    void (*room)(redis_standalone_t *route);
    /* Of a cluster's nodes; NULL: core is told instead, and redirects are errors. A connection that
     * takes commands is ready, the first of them; or none is any more. */
    void (*up)(redis_standalone_t *route);
    void (*down)(redis_standalone_t *route, int status, const char *detail);
    /* redis_conn_owner_t's. */
    bool (*redirect)(redis_conn_t *conn, const redis_entry_t *entry, cairn_slice_t bytes,
                     cairn_slice_t *text);
} redis_standalone_events_t;

struct redis_standalone {
    struct redis_route *route; /* whose it is; set before it is opened */
    const redis_standalone_events_t *events;
    const cairn_host_t *host;
    uint64_t capabilities; /* of its backend; set before it is opened */
    redis_tls_t *tls;      /* its backend's, or NULL; set before it is opened */
    bool
        reads_only; /* a replica of a cluster's, which is only read from; set before it is opened */
    redis_conn_options_t options;
    char *texts; /* path, users, passwords, client name, service: our copies */
    size_t texts_len;
    const char *service; /* that sentinels are asked for; NULL: no sentinels */
    redis_hello_options_t sentinel_hello;
    cairn_hiredis_uv_t group;
    redis_sentinel_t *sentinel; /* says where to; NULL: the options do */
    redis_conn_t commands;      /* the first of the pool */
    redis_conn_t subscriptions; /* CLOSED as long as `commands` does for both */
    redis_pool_t pool;
    int open;                     /* connections, the group and the pool */
    bool connected;               /* a connection of the pool is ready, and core has been told */
    bool scripted;                /* calls scripts: they are loaded with each new link */
    uint64_t redirected, put_off; /* by a node of a cluster: see cairn_node_t */
    uint64_t slots;               /* as redis_route_each_node has counted them */
};

/* Copies the options and begins to connect. UV_ENOMEM. */
CAIRN_MUST_USE int redis_standalone_open(redis_standalone_t *route, const cairn_host_t *host,
                                         const cairn_options_t *options,
                                         const redis_standalone_events_t *events);

/* The same with the options of another, which outlives it, to that place. UV_ENOMEM. */
CAIRN_MUST_USE int redis_standalone_open_beside(redis_standalone_t *route,
                                                const redis_standalone_t *like,
                                                const redis_address_t *place,
                                                const redis_standalone_events_t *events);

/* One that is nowhere: what is put in waits for `what`, until it is given away. For
 * redis_standalone_drop. */
void redis_standalone_wait(redis_standalone_t *route, const redis_standalone_t *like,
                           const char *what, const redis_standalone_events_t *events);

/* Drops what waits there, without answers. */
void redis_standalone_drop(redis_standalone_t *route);

/* Others are told from now on, and redirects are theirs. */
void redis_standalone_listen(redis_standalone_t *route, const redis_standalone_events_t *events);

/* events->closed follows. */
void redis_standalone_close(redis_standalone_t *route);

/* What waits for connections that are not there ends with CAIRN_EDOWN, but for requests without a
 * deadline; connecting goes on. Who is told may close the handle. */
void redis_standalone_fail_fast(redis_standalone_t *route, const char *detail);

/* Has live connections authenticate anew. UV_ENOTSUP. */
CAIRN_MUST_USE int redis_standalone_reauth(redis_standalone_t *route);

/* Before the call of a script. UV_ENOMEM. */
CAIRN_MUST_USE int redis_standalone_use_scripts(redis_standalone_t *route);

/* For the request at hand: that which was chosen for it, or has just answered it. */
static inline redis_conn_t *redis_standalone_commands(redis_standalone_t *route)
{
    return route->pool.current;
}

/* Chooses for one that names this. */
static inline redis_conn_t *redis_standalone_choose(redis_standalone_t *route, cairn_slice_t name)
{
    redis_pool_t *pool = &route->pool;
    if (redis_pool_has_choice(pool)) redis_pool_choose(pool, redis_pool_hash(name));
    return pool->current;
}

/* For one that names nothing, or too much. */
static inline redis_conn_t *redis_standalone_choose_any(redis_standalone_t *route)
{
    redis_pool_t *pool = &route->pool;
    if (redis_pool_has_choice(pool)) redis_pool_choose_any(pool);
    return pool->current;
}

/* For what names nothing and keeps to one connection: the first. */
static inline redis_conn_t *redis_standalone_first(redis_standalone_t *route)
{
    route->commands.name = 0;
    return &route->commands;
}

/* It names this as well. */
static inline void redis_standalone_join(redis_standalone_t *route, cairn_slice_t name)
{
    redis_pool_t *pool = &route->pool;
    if (redis_pool_has_choice(pool)) (void)redis_pool_join(pool, redis_pool_hash(name));
}

/* What is put in now is a request's that went there. */
static inline void redis_standalone_turn_to(redis_standalone_t *route, redis_conn_t *conn)
{
    route->pool.current = conn;
}

/* For subscriptions; opens the second connection if the server turned out to need it. */
redis_conn_t *redis_standalone_subscriptions(redis_standalone_t *route);

/* Calls `take` with each connection there is. */
void redis_standalone_each(const redis_standalone_t *route, cairn_connection_fn take, void *ctx);

/* Where commands go: "127.0.0.1:6379"; "" before the first attempt. */
static inline const char *redis_standalone_where(const redis_standalone_t *route)
{
    return route->commands.where;
}

#endif
