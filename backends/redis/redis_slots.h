/* Where keys live in a cluster: the slot of a key, the map of slots to nodes, and what servers say
 * of both. Pure: nothing here connects or waits.
 *
 *     redis_slot_map_t map;
 *     redis_slot_map_init(&map);
 *     if ((rc = redis_slots_read_shards(&reply, &asked, &map)) < 0) ...
 *     const redis_node_t *node = redis_slot_map_owner(&map, redis_slot_of_id(thread_id));
 *     redis_slot_map_free(&map);
 *
 * The slot of an id, without its key being written: redis_slot_of_id and redis_slot_of_space of
 * redis_keys.h. */
#ifndef CAIRN_REDIS_SLOTS_H
#define CAIRN_REDIS_SLOTS_H

#include "redis_addresses.h"
#include "redis_crc16.h"
#include "redis_reply.h"

#define REDIS_SLOTS 16384u

/* Of one map; an answer that names more is CAIRN_EPROTOCOL. */
#define REDIS_NODES_MAX 1024u

#define REDIS_NO_NODE UINT16_MAX

/* ---- the slot of a key ---- */

/* Of what was added up by redis_crc16_add and the like. */
static inline uint16_t redis_slot_of_crc(uint16_t crc)
{
    return crc % REDIS_SLOTS;
}

/* Of a whole key: of its hash tag, if it has one. */
uint16_t redis_slot(cairn_slice_t key);

/* What is between a key's first '{' and the next '}'; nothing if one is missing. */
cairn_slice_t redis_key_tag(cairn_slice_t key);

/* Of a hash tag without its braces; it has at least one byte. */
uint16_t redis_slot_of_tag(cairn_slice_t tag);

/* ---- the map ---- */

typedef enum redis_health {
    REDIS_ONLINE,  /* also if nothing is said, or a word that is not known */
    REDIS_LOADING, /* also a replica whose master has not sent it a write yet */
    REDIS_FAILED
} redis_health_t;

typedef struct redis_node {
    char id[41];           /* "" if none was said */
    redis_address_t place; /* host and port to connect to, never empty, never 0 */
    uint16_t shard;        /* equal for a master and its replicas; less than the map's shards */
    bool replica;          /* else a master; one that owns slots is */
    redis_health_t health;
} redis_node_t;

/* About 32 KiB, and 300 bytes a node. To move one, copy the struct and initialise the old. */
typedef struct redis_slot_map {
    redis_node_t *nodes; /* owned; may move when one is added, indexes stay */
    uint16_t count;
    uint16_t shards;
    uint16_t covered;            /* slots that have an owner */
    uint16_t owner[REDIS_SLOTS]; /* an index into nodes, or REDIS_NO_NODE */
} redis_slot_map_t;

/* No nodes, no slot covered. */
void redis_slot_map_init(redis_slot_map_t *map);

/* Leaves it as redis_slot_map_init does. */
void redis_slot_map_free(redis_slot_map_t *map);

/* Borrowed until the map is changed; NULL: nobody covers the slot. */
static inline const redis_node_t *redis_slot_map_owner(const redis_slot_map_t *map, unsigned slot)
{
    const uint16_t node = map->owner[slot];
    return node == REDIS_NO_NODE ? NULL : &map->nodes[node];
}

/* Its index, or REDIS_NO_NODE. Of two at one place, the one that has not failed. */
uint16_t redis_slot_map_find(const redis_slot_map_t *map, const redis_address_t *place);
uint16_t redis_slot_map_find_id(const redis_slot_map_t *map, const char *id);

/* Appends a node; one of shard map->shards begins a shard. CAIRN_EPROTOCOL: there are
 * REDIS_NODES_MAX already; UV_ENOMEM. */
CAIRN_MUST_USE int redis_slot_map_add(redis_slot_map_t *map, const redis_node_t *node);

/* What a MOVED says: `place` owns the slot from now on. A node that is not known is added, as a
 * master without an id in a shard of its own; a known replica is a master from now on. Gives its
 * index in `node`. UV_ENOMEM; CAIRN_ECLUSTER: there are REDIS_NODES_MAX already. */
CAIRN_MUST_USE int redis_slot_map_note(redis_slot_map_t *map, unsigned slot,
                                       const redis_address_t *place, uint16_t *node);

/* Slots first..last, of all that have another owner: indexes of the map before and of the map
 * after, or REDIS_NO_NODE. */
typedef void redis_slots_changed_cb(void *ctx, unsigned first, unsigned last, uint16_t before,
                                    uint16_t after);

/* How many slots have another owner. A node is the same if its place is, and its id too unless one
 * of the two maps knows none: so one that has moved is another, as connections have to follow; and
 * so is one that another took the place of. `on_changed` may be NULL; it is called in the order of
 * the slots, with the longest runs there are. */
size_t redis_slot_map_compare(const redis_slot_map_t *before, const redis_slot_map_t *after,
                              redis_slots_changed_cb *on_changed, void *ctx);

/* ---- what servers say ---- */

/* Who was asked, as far as it matters to what the answer means. */
typedef struct redis_asked {
    cairn_slice_t host; /* what was connected to; empty over a unix socket */
    uint16_t port;
    bool tls;
} redis_asked_t;

/* CLUSTER SHARDS (Redis 7.0), CLUSTER SLOTS (3.0), of RESP2 or RESP3; both give the same owners.
 * SLOTS says no health, and does not name who failed, is loading, or has no slots.
 *
 * - The endpoint is where a node is. Null or empty: the host that was asked. "?", for a hostname
 *   that is preferred and not known: the ip if the answer says it, else the host that was asked.
 *   Without an endpoint: hostname, ip, the host that was asked; the first there is.
 * - With asked.tls the port is tls-port, else port; SLOTS gives the one of the link it is asked on.
 *   A node without that port, or without a host, is left out; what it owns is not covered.
 * - Of a shard's masters the first that is online owns its slots, else the first loading, else the
 *   first failed. Slots of a shard without a master are not covered.
 * - A node named twice is one, as it was said first; but it is a master if it is given slots.
 * - CAIRN_EPROTOCOL are: a slot named twice, or beyond 16383; a range that ends before it begins; a
 *   port beyond 65535; a host of more than 255 bytes, or with blanks or control characters; an id
 *   of more than 40 bytes; more than REDIS_NODES_MAX nodes. Fields not known are skipped.
 *
 * Replaces what `map`, an initialised one, was. CAIRN_EPROTOCOL (an error of the server's is one as
 * well: look for it first), UV_ENOMEM; `map` is as it was then. */
CAIRN_MUST_USE int redis_slots_read_shards(redis_reply_t *reply, const redis_asked_t *asked,
                                           redis_slot_map_t *map);
CAIRN_MUST_USE int redis_slots_read_slots(redis_reply_t *reply, const redis_asked_t *asked,
                                          redis_slot_map_t *map);

typedef struct redis_redirect {
    bool ask;     /* this once, behind an ASKING; else for good */
    bool guessed; /* the host was "?": it is that of who said it, and a map may know better */
    uint16_t slot;
    redis_address_t place;
} redis_redirect_t;

/* "MOVED 3999 127.0.0.1:6381", "ASK 3999 ::1:6381"; an error's text without its '-'. The host may
 * be an IPv6 address, in brackets or not; empty or "?", it is that of who said it. 1: it is one; 0:
 * it is another error; CAIRN_EPROTOCOL: it begins as one and is not. */
CAIRN_MUST_USE int redis_redirect_read(cairn_slice_t text, const redis_asked_t *asked,
                                       redis_redirect_t *redirect);

#endif
