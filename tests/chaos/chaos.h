/* What the loads of the bad day share: links (handles), actors that each do one operation after the
 * other, and a journal that holds the library to its word.
 *
 * An operation is done, not done, or in doubt: it may have been carried out, or will be, as long as
 * anything of it is on its way (chaos_world_epoch says when that ends). */
#ifndef TESTS_CHAOS_CHAOS_H
#define TESTS_CHAOS_CHAOS_H

#include "chaos_world.h"

#include <cairn/broker.h>
#include <cairn/group.h>
#include <cairn/saver.h>
#include <cairn/store.h>
#include <cairn/stream.h>
#include <stddef.h>
#include <uv.h>

typedef struct chaos chaos_t;
typedef struct chaos_actor chaos_actor_t;

typedef enum chaos_outcome {
    CHAOS_DONE,
    CHAOS_NOT_DONE,
    CHAOS_IN_DOUBT
} chaos_outcome_t;

/* A handle with its views. */
typedef struct chaos_link {
    chaos_t *chaos;
    const char *name;
    cairn_t cairn;
    cairn_saver_t saver;
    cairn_store_t store;
    cairn_streams_t streams;
    cairn_broker_t broker;
    uint64_t recovered_ns; /* the return of the server that this link has seen */
    uint64_t successes;
    bool closed;
} chaos_link_t;

/* One that does one operation at a time. The first member of what a load keeps of it. */
struct chaos_actor {
    chaos_t *chaos;
    chaos_link_t *link;
    chaos_actor_t *next;
    void (*act)(chaos_actor_t *actor); /* begins an operation, or none */

    /* Private, from here on. */
    bool busy;
    unsigned kind;
    uint64_t next_at_ms;
    uint64_t submitted_ms;
    uint32_t timeout_ms;
    uint64_t epoch;
};

/* What can be asked; a row of the report each. */
typedef enum chaos_kind {
    CHAOS_SAVER_PUT,
    CHAOS_SAVER_WRITES,
    CHAOS_SAVER_GET,
    CHAOS_SAVER_LIST,
    CHAOS_SAVER_DELETE,
    CHAOS_STORE_PUT,
    CHAOS_STORE_DELETE,
    CHAOS_STORE_GET,
    CHAOS_STORE_BATCH,
    CHAOS_STORE_SEARCH,
    CHAOS_STREAM_APPEND,
    CHAOS_STREAM_LENGTH,
    CHAOS_GROUP_READ,
    CHAOS_GROUP_CLAIM,
    CHAOS_GROUP_CHANGE,
    CHAOS_PUBLISH,
    CHAOS_KINDS
} chaos_kind_t;

enum {
    CHAOS_LINKS = 6,
    CHAOS_NAME = 48,
    CHAOS_LATE_MS =
        100, /* after its deadline a request ends at the latest, but for the loop's lag */
    CHAOS_STATUSES = 24,
    CHAOS_PROBES = 1024,
    CHAOS_RECOVERIES = 4096
};

typedef struct chaos_count {
    uint64_t asked, done, not_done, in_doubt, refused;
} chaos_count_t;

struct chaos {
    uv_loop_t *loop;
    chaos_world_t *world;
    uint64_t random;
    unsigned pace; /* 1; more on slower machines: so many times as long between operations */
    unsigned round;
    bool over;     /* nobody begins anything of his own */
    bool at_peace; /* ... and what is asked now must succeed */
    chaos_link_t links[CHAOS_LINKS];
    chaos_link_t clean; /* straight to the server, for the checks */
    chaos_actor_t *actors;

    uv_timer_t tick;
    uint64_t ticked_ms;
    struct {
        uint64_t at_ms, late_ms;
    } probes[CHAOS_PROBES]; /* a ring: how late the loop was, and when */
    size_t probe_count;
    uint64_t lag_most_ms;

    chaos_count_t counts[CHAOS_KINDS];
    struct {
        int status;
        uint64_t count;
    } statuses[CHAOS_STATUSES];
    uint64_t late_most_ms; /* beyond deadline and lag */
    uint32_t recoveries[CHAOS_RECOVERIES];
    size_t recovery_count;
    uint64_t told; /* events, messages and deliveries that were looked at */
    uint64_t flaws;
    bool expects_flaws; /* none is printed */
};

/* A load. Its state is its own; rounds share nothing but the links. */
typedef struct chaos_load {
    const char *name;
    void (*begin)(chaos_t *chaos);  /* while all is calm: makes actors, and what they need */
    void (*settle)(chaos_t *chaos); /* nobody acts any more, all is calm: ends what goes on */
    void (*check)(chaos_t *chaos);  /* against the server, through chaos->clean */
    void (*end)(chaos_t *chaos);    /* frees what begin made */
} chaos_load_t;

extern const chaos_load_t chaos_saver_load, chaos_store_load, chaos_stream_load, chaos_group_load,
    chaos_topic_load;

/* 0 ... below - 1 */
uint64_t chaos_roll(chaos_t *chaos, uint64_t below);

/* Milliseconds that the checks count in. */
uint64_t chaos_now_ms(void);

/* The library broke its word: counted, and the first of these are printed. */
void chaos_flaw(chaos_t *chaos, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- actors ---- */

void chaos_add(chaos_t *chaos, chaos_actor_t *actor, chaos_link_t *link,
               void (*act)(chaos_actor_t *actor));

/* Before a submit: gives the request its deadline, `least_ms` or later, and its data, the actor. */
void chaos_ask(chaos_actor_t *actor, chaos_kind_t kind, cairn_req_t *req, uint32_t least_ms);

/* With what the submit returned. Whether it was accepted; if not, nothing was done. */
bool chaos_asked(chaos_actor_t *actor, const cairn_req_t *req, int rc);

/* In the callback. */
chaos_outcome_t chaos_answered(chaos_actor_t *actor, const cairn_req_t *req, int status);

/* Runs the loop until the actor's operation is over. For checks. */
void chaos_wait(chaos_actor_t *actor);

/* Runs the loop until `done(ctx)`; a flaw, and false, if that takes too long. */
bool chaos_await(chaos_t *chaos, const char *what, bool (*done)(void *ctx), void *ctx);

/* ---- the whole ---- */

void chaos_open(chaos_t *chaos, uv_loop_t *loop, chaos_world_t *world, uint64_t seed,
                unsigned pace);
void chaos_run_for(chaos_t *chaos, uint64_t ms);
void chaos_come_to_rest(chaos_t *chaos); /* until nobody is busy, and the world is calm */
void chaos_forget_actors(chaos_t *chaos);
void chaos_close(chaos_t *chaos);
void chaos_print(chaos_t *chaos);

#endif
