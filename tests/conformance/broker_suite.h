/* What every broker must show: one test a rule of semantics.md (44, 50, 51) and of cairn/cairn.h,
 * cairn/request.h and cairn/broker.h, named after what it shows. A backend's test program is its
 * factory. */
#ifndef TESTS_CONFORMANCE_BROKER_SUITE_H
#define TESTS_CONFORMANCE_BROKER_SUITE_H

#include "world.h"

/* A test that a backend cannot pass, and why that is all right. */
typedef struct broker_lack {
    const char *scenario;
    const char *reason;
} broker_lack_t;

typedef struct broker_factory {
    const char *name;           /* in the output */
    const char *url;            /* what every test opens */
    const broker_lack_t *lacks; /* ends with {NULL, NULL}; NULL: it lacks nothing */
} broker_factory_t;

/* The number of failures. */
int broker_suite_run(const broker_factory_t *factory);

/* The suite's parts, each ending with {NULL, NULL}. */
extern const scenario_t broker_handle_scenarios[];
extern const scenario_t broker_publish_scenarios[];
extern const scenario_t broker_request_scenarios[];
extern const scenario_t broker_subscribe_scenarios[];
extern const scenario_t broker_unsubscribe_scenarios[];
extern const scenario_t broker_pattern_scenarios[];
extern const scenario_t broker_flow_scenarios[];
extern const scenario_t broker_slow_scenarios[];
extern const scenario_t broker_drain_scenarios[];
extern const scenario_t broker_close_scenarios[];

#endif
