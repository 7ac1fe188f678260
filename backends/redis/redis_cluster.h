/* The nodes of a cluster: the map of slots, asked for and kept, and one redis_standalone_t for each
 * master that it names.
 *
 * The map is asked for once a connection is there, and again when a node says MOVED, is lost, or is
 * not known, and when a slot has no owner: at most every 100 ms, and one question at a time. Until
 * there is one, requests go to whoever of the URL's hosts has answered, and are sent on by what
 * that says.
 *
 * A request that a node refuses with MOVED or ASK goes to the other node as it was encoded; one
 * that waits for a node that is lost, to whoever the map makes the owner of its slot. With
 * TRYAGAIN, CLUSTERDOWN, or when it has been sent around too often, it waits a little first
 * (redis_cluster_redirect.c). So requests that name the same keep their order as long as their slot
 * stays where it is; while it moves, one may overtake another. */
#ifndef CAIRN_REDIS_CLUSTER_H
#define CAIRN_REDIS_CLUSTER_H

#include "redis_slots.h"
#include "redis_standalone.h"

typedef struct redis_cluster redis_cluster_t;
typedef struct redis_parked redis_parked_t;

typedef struct redis_member {
    redis_standalone_t node;
    redis_cluster_t *cluster;
    redis_address_t place;
    bool named;       /* by the map, as a master */
    unsigned unnamed; /* in how many maps, one behind the other */
    uint64_t lost_ms; /* since when it is not there; 0: it is */
    bool closing;     /* it is not used any more */
} redis_member_t;

struct redis_cluster {
    struct redis_route *route;
    const cairn_host_t *host;
    redis_slot_map_t map;
    redis_standalone_t *of_slot[REDIS_SLOTS]; /* never NULL */
    redis_member_t **members;
    size_t count;
    size_t open; /* members, the route's own, and the timers */
    bool has_map;
    bool told; /* core has been, that there is a cluster */
    bool closing;
    bool by_slots;       /* CLUSTER SHARDS is not known to it */
    redis_conn_t *asked; /* for the map; NULL: nobody is */
    uint64_t asked_ms;
    uv_timer_t map_timer;
    uv_timer_t park_timer;
    redis_parked_t *parked, **parked_end; /* oldest first */
    char refusal[400];                    /* told for the last one that was given up */
};

/* NULL: out of memory. `open` is called once `route`'s own is about to be opened. */
redis_cluster_t *redis_cluster_new(struct redis_route *route, const cairn_host_t *host);
void redis_cluster_free(redis_cluster_t *cluster);

/* Of the route's own, in a cluster. */
extern const redis_standalone_events_t redis_cluster_seed_events;

/* Before the route's own is opened; and before it is closed. */
void redis_cluster_start(redis_cluster_t *cluster);
void redis_cluster_close(redis_cluster_t *cluster);

/* Asks for the map soon. */
void redis_cluster_want_map(redis_cluster_t *cluster);

/* Whoever is at that place; opens it. NULL: out of memory, or it is closing. */
redis_standalone_t *redis_cluster_at(redis_cluster_t *cluster, const redis_address_t *place);

/* Whoever is believed to have the slot. */
static inline redis_standalone_t *redis_cluster_node(const redis_cluster_t *cluster, unsigned slot)
{
    return cluster->of_slot[slot];
}

/* One that is connected, if there is one. */
redis_standalone_t *redis_cluster_any(const redis_cluster_t *cluster);

/* ---- redis_cluster_redirect.c ---- */

/* redis_standalone_events_t's. */
bool redis_cluster_redirect(redis_conn_t *conn, const redis_entry_t *entry, cairn_slice_t bytes,
                            cairn_slice_t *text);

/* What waits for this node goes to others, where these have its slot now. */
void redis_cluster_give_away(redis_cluster_t *cluster, redis_standalone_t *node);

/* The slot of what was encoded; -1: it names no key. */
int redis_cluster_slot_of(cairn_slice_t bytes);

/* A request that waits is taken away. redis_route_forget does it, wherever it is. */
void redis_cluster_forget(cairn_req_t *req);

/* What one waits for that is parked, in words. */
void redis_cluster_waits_for(const cairn_req_t *req, char *out, size_t size);

void redis_cluster_unpark(uv_timer_t *timer);

/* The same at once, of those that are due. */
void redis_cluster_put_back(redis_cluster_t *cluster);

/* It waits so long, and goes then where the map says; or, refused, is told so. False: out of
 * memory.
 */
CAIRN_MUST_USE bool redis_cluster_park(redis_cluster_t *cluster, const redis_entry_t *entry,
                                       cairn_slice_t bytes, uint64_t wait_ms, bool refused);

/* ---- redis_cluster_adopt.c ---- */

/* The one server turns out to be a node: what waits for it was encoded for one server alone. What
 * is about one slot goes on; what names several ends with CAIRN_ECLUSTER, and was not carried out.
 */
void redis_cluster_adopt(redis_cluster_t *cluster);

void redis_cluster_drop_parked(redis_cluster_t *cluster);

#endif
