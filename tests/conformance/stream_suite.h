/* What every backend's run streams must show: at least one test a rule of semantics.md (45-51) and
 * of cairn/stream.h and cairn/group.h, named after what it shows. A backend's test program is its
 * factory. */
#ifndef TESTS_CONFORMANCE_STREAM_SUITE_H
#define TESTS_CONFORMANCE_STREAM_SUITE_H

#include "stream_client.h"

/* A test that a backend cannot pass, and why that is all right. */
typedef struct stream_lack {
    const char *scenario;
    const char *reason;
} stream_lack_t;

typedef struct stream_factory {
    const char *name; /* in the output */
    const char *url;  /* what every test opens */
    streams_backend_t backend;
    const stream_lack_t *lacks; /* ends with {NULL, NULL}; NULL: it lacks nothing */
} stream_factory_t;

/* The number of failures. */
int stream_suite_run(const stream_factory_t *factory);

/* Producers and tails that append, start, stop, lag, close and come back at random, on two handles:
 * every tail sees every event exactly once in order. `disturb` (may be NULL) is called now and then
 * and does what it likes to the server. CAIRN_SEED runs one seed alone. */
void stream_random_run(world_t *world, uint64_t seed, unsigned steps, void (*disturb)(void));

/* The same of a group's members, which read, acknowledge, give back, claim and die: no event is
 * lost, and none comes more often than it may. */
void stream_random_groups_run(world_t *world, uint64_t seed, unsigned steps, void (*disturb)(void));

/* Rules 45 and 47; 45 and 48; 46; 50 and 51; 49; requests. Each ends with {NULL, NULL}. */
extern const scenario_t stream_append_scenarios[];
extern const scenario_t stream_read_scenarios[];
extern const scenario_t stream_manage_scenarios[];
extern const scenario_t stream_tail_scenarios[];
extern const scenario_t stream_end_scenarios[];
extern const scenario_t stream_flow_scenarios[];
extern const scenario_t stream_group_scenarios[];
extern const scenario_t stream_redelivery_scenarios[];
extern const scenario_t stream_request_scenarios[];
extern const scenario_t stream_random_scenarios[];
extern const scenario_t stream_random_group_scenarios[];

#endif
