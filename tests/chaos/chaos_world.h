/* The bad day: a server that writes everything to disk before it answers, proxies before it, and a
 * thread that does to them what days do, in an order and with pauses that a seed gives. */
#ifndef TESTS_CHAOS_WORLD_H
#define TESTS_CHAOS_WORLD_H

#include "chaos_proxy.h"
#include "server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct chaos_world chaos_world_t;

typedef enum chaos_kept {
    CHAOS_ON_DISK,    /* the server writes everything to disk before it answers */
    CHAOS_NOWHERE,    /* the server writes nothing to disk */
    CHAOS_REPLICATED, /* sentinels watch over it and its replicas; there is no proxy */
    CHAOS_CLUSTERED   /* a cluster that writes everything to disk; there is no proxy */
} chaos_kept_t;

/* Starts servers, proxies and the thread; nothing happens yet. Ends the program with a message if
 * it cannot. */
chaos_world_t *chaos_world_start(uint64_t seed, chaos_kept_t kept);

/* Faults, one after the other, until chaos_world_calm. */
void chaos_world_rage(chaos_world_t *world, bool interrupts);

/* Ends the fault that is going on, heals everything, and then kills the server and starts it anew,
 * so that nothing which was asked for before can still take effect. Returns at once;
 * chaos_world_is_calm tells when it is done. */
void chaos_world_calm(chaos_world_t *world);
bool chaos_world_is_calm(chaos_world_t *world);

/* Everything ends. */
void chaos_world_stop(chaos_world_t *world);

/* A copy to ask the server with, from the caller's thread, while the world is calm. */
server_t chaos_world_server(const chaos_world_t *world);

/* Takes every key away, while the world is calm. False: it could not. */
bool chaos_world_clear(chaos_world_t *world);

/* Where links find the server: what their URL begins with, up to its options. Of a TLS link that
 * includes the files of whom it trusts and who it is, which the world renews. */
typedef enum chaos_way {
    CHAOS_STRAIGHT, /* without a proxy */
    CHAOS_PROXIED,
    CHAOS_SECURE, /* through a proxy, to the port that speaks TLS */
    CHAOS_FAR, /* through a proxy in a network namespace of its own, where the machine allows it */
    CHAOS_WAYS,
    CHAOS_CLEAN = CHAOS_WAYS /* for the checks */
} chaos_way_t;
void chaos_world_where(const chaos_world_t *world, chaos_way_t way, char *out, size_t size);

uint64_t chaos_world_accepted(chaos_world_t *world);

/* How often all connections that there were have been ended on the server's side. A request that
 * was over before this grew cannot take effect after it did. From any thread. */
uint64_t chaos_world_epoch(const chaos_world_t *world);

/* When (uv_hrtime) the server last came back from an outage, and how long that had been; 0: never,
 * or it is away again. From any thread. */
uint64_t chaos_world_back_ns(const chaos_world_t *world, uint64_t *away_ms);

/* What went wrong in the world itself; NULL: nothing. When calm. */
const char *chaos_world_trouble(const chaos_world_t *world);

/* How often each fault happened, as lines. When calm. */
void chaos_world_print(const chaos_world_t *world);

#endif
