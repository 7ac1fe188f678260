/* The nodes of a cluster: the map of slots, asked for and kept, and one redis_standalone_t for each
 * master that it names; and, if reads may go there, one for each replica.
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

typedef enum redis_read_from {
    REDIS_READ_MASTER,
    REDIS_READ_PREFER_REPLICA,
    REDIS_READ_REPLICA,
    REDIS_READ_NEAREST
} redis_read_from_t;

/* How long a node takes to answer PING, of which one at a time is out. */
typedef struct redis_probe {
    uint64_t sent_us; /* 0: none is out */
    uint64_t losses;  /* of its connection when it was sent: with the next it is lost, too */
    uint64_t took_us; /* those of late, smoothed; 0: none was answered yet */
    unsigned missed;  /* how often the next was due before it was answered */
} redis_probe_t;

typedef struct redis_replica redis_replica_t;

typedef struct redis_member {
    redis_standalone_t node;
    redis_cluster_t *cluster;
    redis_address_t place;
    bool named;                /* by the map, as a master */
    unsigned unnamed;          /* in how many maps, one behind the other */
    uint64_t lost_ms;          /* since when it is not there; 0: it is */
    bool closing;              /* it is not used any more */
    redis_replica_t *replicas; /* that may be read from, in the order of the map */
    redis_replica_t *nearest;  /* of them; NULL: the master itself is */
    redis_probe_t probe;       /* with REDIS_READ_NEAREST */
} redis_member_t;

/* A replica has a node of its own, whose links are READONLY; what becomes a master is another, that
 * is connected anew, as is what becomes a replica. So a link means the same as long as it lasts. */
struct redis_replica {
    redis_standalone_t node;
    redis_cluster_t *cluster;
    redis_address_t place;
    redis_replica_t *beside; /* the next of the same master */
    bool named;              /* by the map, as a replica */
    unsigned unnamed;        /* in how many maps, one behind the other */
    bool closing;            /* it is not used any more */
    bool silent;             /* it takes long over a PING */
    uint64_t refused_ms;     /* when it would not answer anything; 0: it did not */
    redis_probe_t probe;
};

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
    bool wanted;         /* again, since it was asked for */
    uint64_t asked_ms;
    uint64_t doubt_ms; /* until when it is asked for often */
    uv_timer_t map_timer;
    uv_timer_t park_timer;
    redis_parked_t *parked, **parked_end; /* oldest first */
    redis_read_from_t read_from;          /* what follows is for others than masters */
    redis_replica_t **replicas;
    size_t replica_count;
    redis_standalone_t waiting; /* reads that no replica could take yet: REDIS_READ_REPLICA */
    cairn_task_t hand_out;
    uv_timer_t read_timer;
    size_t held_bytes; /* of those that wait for the map */
    bool refused_room; /* for one more such, since room was last told */
    char refusal[400]; /* told for the last one that was given up */
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

/* The same, and again for some seconds: a slot has gone elsewhere, and who is asked may not know it
 * yet. Where it was takes subscriptions even so, should it be a replica of its owner now, which
 * hears of what is published over the bus alone. */
void redis_cluster_doubt_map(redis_cluster_t *cluster);

/* Whoever is at that place; opens it. NULL: out of memory, or it is closing. */
redis_standalone_t *redis_cluster_at(redis_cluster_t *cluster, const redis_address_t *place);

/* Whoever is believed to have the slot. */
static inline redis_standalone_t *redis_cluster_node(const redis_cluster_t *cluster, unsigned slot)
{
    return cluster->of_slot[slot];
}

/* A master that is connected, if there is one. */
redis_standalone_t *redis_cluster_any(const redis_cluster_t *cluster);

static inline redis_member_t *redis_member_of(redis_standalone_t *node)
{
    return CAIRN_CONTAINER_OF(node, redis_member_t, node);
}

redis_member_t *redis_cluster_find(const redis_cluster_t *cluster, const redis_address_t *place);

/* Every node that is used, masters first; *at is 0 at first. NULL behind the last. */
redis_standalone_t *redis_cluster_next(const redis_cluster_t *cluster, size_t *at);

/* Of what is counted in `open`. */
void redis_cluster_one_closed(redis_cluster_t *cluster);

/* ---- redis_cluster_replicas.c ---- */

/* Whoever a read of that slot goes to, that changes nothing: as read_from says. */
redis_standalone_t *redis_cluster_reader(redis_cluster_t *cluster, unsigned slot);

/* Once the route's own is open, and before it is closed; the last when all have closed. */
void redis_replicas_start(redis_cluster_t *cluster);
void redis_replicas_close(redis_cluster_t *cluster);
void redis_replicas_free(redis_cluster_t *cluster);

/* There is a map, and masters are as it says. */
void redis_replicas_follow_map(redis_cluster_t *cluster);

/* Soon: reads that wait where there is nobody go to others. */
void redis_replicas_hand_out(redis_cluster_t *cluster);

/* At once: all that it has not answered goes to others. */
void redis_replica_relieve(redis_replica_t *replica);

/* Another period has passed without a replica for reads that wait for one. */
void redis_replicas_age_waiting(redis_cluster_t *cluster);

/* ---- redis_cluster_probe.c ---- */

void redis_probe_start(redis_cluster_t *cluster);

/* Of masters and replicas, as far as it is known. */
void redis_probe_choose_nearest(redis_cluster_t *cluster);

/* ---- redis_cluster_redirect.c ---- */

/* redis_standalone_events_t's. */
bool redis_cluster_redirect(redis_conn_t *conn, const redis_entry_t *entry, cairn_slice_t bytes,
                            cairn_slice_t *text);

/* What waits for this node goes to others, where these have its slot now. */
void redis_cluster_give_away(redis_cluster_t *cluster, redis_standalone_t *node);

/* The same of one: `take` is offered what waits there. */
void redis_cluster_offer(redis_standalone_t *node, redis_take_fn *take, void *ctx);

/* Puts a copy of it in there, behind ASKING if it says so. slot: of its key, or less than 0. False:
 * out of memory. */
CAIRN_MUST_USE bool redis_cluster_put_in(redis_standalone_t *node, int slot,
                                         const redis_entry_t *entry, cairn_slice_t bytes, bool ask);

/* How often it was sent elsewhere, and that may be no more often. */
#define REDIS_HOPS_MOST 15u
static inline unsigned redis_hops_of(const redis_entry_t *entry)
{
    return (entry->flags & REDIS_CMD_HOPS) / REDIS_CMD_HOP;
}

/* The slot of what was encoded; -1: it names no key. */
int redis_cluster_slot_of(cairn_slice_t bytes);

/* A request that waits is taken away. redis_route_forget does it, wherever it is. */
void redis_cluster_forget(cairn_req_t *req);

/* What one waits for that is parked, in words. */
void redis_cluster_waits_for(const cairn_req_t *req, char *out, size_t size);

void redis_cluster_unpark(uv_timer_t *timer);

/* The same at once, of those that are due. */
void redis_cluster_put_back(redis_cluster_t *cluster);

/* It waits so long, and goes then where the map says; or is told `refusal`, static, with
 * CAIRN_ECLUSTER, if that is not NULL. False: out of memory. */
CAIRN_MUST_USE bool redis_cluster_park(redis_cluster_t *cluster, const redis_entry_t *entry,
                                       cairn_slice_t bytes, uint64_t wait_ms, const char *refusal);

/* What is published sharded, or not, as the first map tells: until then it waits, in its order;
 * `bytes` is SPUBLISH. False: out of memory. */
CAIRN_MUST_USE bool redis_cluster_hold(redis_cluster_t *cluster, const redis_entry_t *entry,
                                       cairn_slice_t bytes);

/* Whether so many bytes more are too many to wait: room is told when there is some. */
CAIRN_MUST_USE bool redis_cluster_holds_too_much(redis_cluster_t *cluster, size_t bytes);

/* There is a map; and whoever was refused room is told so. */
void redis_cluster_release(redis_cluster_t *cluster);
void redis_cluster_tell_room(redis_cluster_t *cluster);

#define REDIS_SPUBLISH "*3\r\n$8\r\nSPUBLISH\r\n"
#define REDIS_SPUBLISH_SIZE (sizeof REDIS_SPUBLISH - 1)
#define REDIS_PUBLISH "*3\r\n$7\r\nPUBLISH\r\n"
#define REDIS_PUBLISH_SIZE (sizeof REDIS_PUBLISH - 1)

/* ---- redis_cluster_adopt.c ---- */

/* The one server turns out to be a node: what waits for it was encoded for one server alone. What
 * is about one slot goes on; what names several ends with CAIRN_ECLUSTER, and was not carried out.
 */
void redis_cluster_adopt(redis_cluster_t *cluster);

void redis_cluster_drop_parked(redis_cluster_t *cluster);

#endif
