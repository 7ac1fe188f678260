/* Where requests go: to one server, or to the node of a cluster that has their slot. It hides which
 * from saver, store and broker, that are written once for both.
 *
 * A request names what it is about, and that is in one slot: all keys of a thread, a namespace or a
 * stream have its hash tag. What concerns several slots is several requests in a cluster. */
#ifndef CAIRN_REDIS_ROUTE_H
#define CAIRN_REDIS_ROUTE_H

#include "redis_cluster.h"
#include "redis_keys.h"
#include "redis_standalone.h"

typedef enum redis_cluster_use {
    REDIS_CLUSTER_NO,
    REDIS_CLUSTER_YES,
    REDIS_CLUSTER_AUTO /* as the server says when it greets */
} redis_cluster_use_t;

typedef struct redis_route {
    redis_standalone_t one;   /* the server; of a cluster whoever of the URL's hosts answers: it is
                                 asked for the map, and subscribed at */
    redis_standalone_t *at;   /* whose is the request at hand */
    redis_cluster_t *cluster; /* NULL: one server, as far as is known */
    redis_cluster_use_t use;
    redis_read_from_t read_from;   /* of a cluster */
    uint64_t cluster_capabilities; /* if it turns out to be one; set before it is opened */
    bool adopts;                   /* what waits was encoded for one server */
    bool shards_topics;            /* if it is one that can; set before it is opened */
    const redis_standalone_events_t *events;
} redis_route_t;

/* What scheme and options say of it. CAIRN_EOPTION, `error` set. */
CAIRN_MUST_USE int redis_route_read_use(redis_route_t *route, const cairn_options_t *options,
                                        cairn_error_t *error);

/* Copies the options and begins to connect. `use` is read, `one`'s capabilities and TLS are set.
 * UV_ENOMEM. */
CAIRN_MUST_USE int redis_route_open(redis_route_t *route, const cairn_host_t *host,
                                    const cairn_options_t *options,
                                    const redis_standalone_events_t *events);

/* events->closed follows, of `one`. */
void redis_route_close(redis_route_t *route);

CAIRN_MUST_USE int redis_route_reauth(redis_route_t *route);

/* A link of `one`'s that takes commands is greeted: it may be that of a cluster, which the route is
 * from then on. <0: it is given up. */
CAIRN_MUST_USE int redis_route_greeted(redis_route_t *route, redis_conn_t *conn);

/* That link is about to be written to: what waited is put into a cluster's form, if it is one now.
 */
void redis_route_ready(redis_route_t *route, redis_conn_t *conn);

/* Before the call of a script. UV_ENOMEM. */
CAIRN_MUST_USE int redis_route_use_scripts(redis_route_t *route);

/* Calls `take` with each connection there is. */
void redis_route_each(const redis_route_t *route, cairn_connection_fn take, void *ctx);

/* The same with the server, or each node that is used. */
void redis_route_each_node(const redis_route_t *route, cairn_node_fn take, void *ctx);

/* Whether keys of different slots may be on different servers: no command names both. */
static inline bool redis_route_is_split(const redis_route_t *route)
{
    return route->cluster != NULL;
}

/* Whether the channels of run streams are in their slots, as from Redis 7.0 on; and whether that is
 * known. */
static inline bool redis_route_has_shards(const redis_route_t *route)
{
    return route->cluster && route->cluster->has_map && !route->cluster->by_slots;
}

static inline bool redis_route_knows_channels(const redis_route_t *route)
{
    return !route->cluster || route->cluster->has_map;
}

/* Whether it matters what a request names. */
static inline bool redis_route_has_choice(const redis_route_t *route)
{
    return route->cluster || redis_pool_has_choice(&route->one.pool);
}

static inline redis_pool_t *redis_route_pool(const redis_route_t *route)
{
    return &route->at->pool;
}

/* For the request at hand: that which was chosen for it, or has just answered it. */
static inline redis_conn_t *redis_route_commands(const redis_route_t *route)
{
    return route->at->pool.current;
}

/* Chooses for one whose keys are in this slot. */
static inline redis_conn_t *redis_route_choose_slot(redis_route_t *route, unsigned slot)
{
    redis_pool_t *pool;
    if (route->cluster) route->at = redis_cluster_node(route->cluster, slot);
    pool = &route->at->pool;
    if (redis_pool_has_choice(pool)) redis_pool_choose(pool, slot);
    return pool->current;
}

/* The same for one that changes nothing: a replica may do. */
static inline redis_conn_t *redis_route_choose_read(redis_route_t *route, unsigned slot)
{
    if (!route->cluster || route->cluster->read_from == REDIS_READ_MASTER)
        return redis_route_choose_slot(route, slot);
    route->at = redis_cluster_reader(route->cluster, slot);
    redis_pool_t *pool = &route->at->pool;
    if (redis_pool_has_choice(pool)) redis_pool_choose(pool, slot);
    return pool->current;
}

/* Whether what is told now was said by a replica: it may be behind. */
static inline bool redis_route_is_behind(const redis_route_t *route)
{
    return route->at->reads_only;
}

/* What that is of an id: its slot in a cluster, else a hash. */
static inline uint64_t redis_route_name(const redis_route_t *route, cairn_slice_t id)
{
    return route->cluster ? redis_slot_of_id(id) : redis_pool_hash(id);
}

/* Chooses for one that names the id of a thread or a stream. */
static inline redis_conn_t *redis_route_choose(redis_route_t *route, cairn_slice_t id)
{
    if (route->cluster) return redis_route_choose_slot(route, redis_slot_of_id(id));
    return redis_standalone_choose(&route->one, id);
}

/* For one that names nothing, or too much. In a cluster any node does, or none. */
static inline redis_conn_t *redis_route_choose_any(redis_route_t *route)
{
    if (route->cluster) route->at = redis_cluster_any(route->cluster);
    return redis_standalone_choose_any(route->at);
}

/* For one that names the hash of something; its slot in a cluster. */
static inline redis_conn_t *redis_route_choose_hash(redis_route_t *route, uint64_t hash)
{
    if (route->cluster) return redis_route_choose_slot(route, (unsigned)hash);
    redis_pool_t *pool = &route->one.pool;
    if (redis_pool_has_choice(pool)) redis_pool_choose(pool, hash);
    return pool->current;
}

/* For what names nothing and keeps to one connection. */
static inline redis_conn_t *redis_route_first(redis_route_t *route)
{
    route->at = &route->one;
    return redis_standalone_first(&route->one);
}

/* It names this as well. */
static inline void redis_route_join(redis_route_t *route, cairn_slice_t id)
{
    if (!route->cluster) redis_standalone_join(&route->one, id);
}

/* What is put in now is a request's that went there. */
static inline void redis_route_turn_to(redis_route_t *route, redis_conn_t *conn)
{
    route->at = conn->data;
    redis_standalone_turn_to(route->at, conn);
}

/* Nobody waits for a request any more that was put in. */
static inline void redis_route_forget(cairn_req_t *req)
{
    if (redis_conn_of_request(req)) {
        redis_conn_forget_request(req);
    } else {
        redis_cluster_forget(req);
    }
}

static inline redis_conn_t *redis_route_subscriptions(redis_route_t *route)
{
    return redis_standalone_subscriptions(&route->one);
}

/* Where a request went, whose connection this may be: "127.0.0.1:6379"; else where commands go, or
 * "" before the first attempt. */
const char *redis_route_where(const redis_route_t *route, uint64_t conn);

/* What a request waits for, in words; nothing is written where it is several calls. */
void redis_route_waits_for(const redis_route_t *route, const cairn_req_t *req, char *out,
                           size_t size);

#endif
