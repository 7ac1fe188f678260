/* Private to the world: its state, what faults are made of, and the faults. All of it is called in
 * the world's thread. */
#ifndef TESTS_CHAOS_INSIDE_H
#define TESTS_CHAOS_INSIDE_H

#include "certs.h"
#include "chaos_nodes.h"
#include "chaos_watch.h"
#include "chaos_world.h"

#include <stdatomic.h>
#include <uv.h>

enum {
    FAULTS_MOST = 64
};

typedef enum phase {
    STARTING,
    CALM,
    RAGING,
    CALMING,
    ENDING
} phase_t;

struct chaos_world {
    uv_thread_t thread;
    server_t server;
    chaos_kept_t kept;
    bool interrupts;
    chaos_watch_t watch; /* of CHAOS_REPLICATED; `server` is a copy of its master */
    cluster_t cluster;   /* of CHAOS_CLUSTERED; `server` is a copy of one of its masters */
    server_options_t options;
    char tls[256];
    chaos_proxy_t *proxies[CHAOS_WAYS]; /* none of CHAOS_STRAIGHT */
    chaos_space_t *space;               /* NULL: the machine does not allow it */
    certs_t certs;
    bool by_strangers; /* the certificates in use */
    uint64_t random;
    unsigned counts[FAULTS_MOST];
    unsigned deck[FAULTS_MOST], left; /* every fault once before any comes twice */
    char trouble[512];
    atomic_uint_least64_t epoch, back_ns, away_ms;

    uv_mutex_t lock; /* for what follows */
    uv_cond_t changed;
    phase_t phase;
};

/* Something is wrong with the world itself; the first that is said is kept. */
void inside_fail(chaos_world_t *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

uint32_t inside_roll(chaos_world_t *world, uint32_t from, uint32_t to);
phase_t inside_phase_of(chaos_world_t *world);

/* For so long, or until calm is asked for. */
void inside_linger(chaos_world_t *world, uint64_t ms);

/* One command to the server. */
bool inside_ask(chaos_world_t *world, const char *command);

/* The server does not answer from here on; it does again. */
void inside_away(chaos_world_t *world);
void inside_back(chaos_world_t *world);
void inside_kill_and_restart(chaos_world_t *world, uint64_t down_ms);

/* ---- chaos_faults.c ---- */

typedef enum suited {
    ALONE,      /* to a server that is alone, behind proxies */
    REPLICATED, /* to one that is watched */
    CLUSTERED,  /* to a cluster */
    ANY
} suited_t;

/* `happen` returns when it is over. */
typedef struct fault {
    const char *name;
    void (*happen)(chaos_world_t *world);
    suited_t suited;
    bool interrupts; /* can end a put half way */
} fault_t;

extern const fault_t chaos_faults[];
extern const unsigned chaos_fault_count;

void chaos_order_all(chaos_world_t *world, const chaos_order_t *order);
void chaos_client_kill(chaos_world_t *world);
void chaos_take_master(chaos_world_t *world);
void chaos_take_node(chaos_world_t *world, int node);
void chaos_make_certificates(chaos_world_t *world);

#endif
