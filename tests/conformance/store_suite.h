/* What every store must show: at least one test a rule of semantics.md (37-43) and of
 * cairn/store.h, named after what it shows. A backend's test program is its factory. */
#ifndef TESTS_CONFORMANCE_STORE_SUITE_H
#define TESTS_CONFORMANCE_STORE_SUITE_H

#include "store_client.h"

/* A test that a backend cannot pass, and why that is all right. */
typedef struct store_lack {
    const char *scenario;
    const char *reason;
} store_lack_t;

typedef struct store_factory {
    const char *name; /* in the output */
    const char *url;  /* what every test opens */
    store_backend_t backend;
    const store_lack_t *lacks; /* ends with {NULL, NULL}; NULL: it lacks nothing */
} store_factory_t;

/* The number of failures. */
int store_suite_run(const store_factory_t *factory);

/* Rules 37, 38, 38, 39, 40, 41, 42, 42, 43, 43, and requests; each part ends with {NULL, NULL}. */
extern const scenario_t store_item_scenarios[];
extern const scenario_t store_search_scenarios[];
extern const scenario_t store_page_scenarios[];
extern const scenario_t store_filter_scenarios[];
extern const scenario_t store_list_scenarios[];
extern const scenario_t store_batch_scenarios[];
extern const scenario_t store_ttl_scenarios[];
extern const scenario_t store_refresh_scenarios[];
extern const scenario_t store_vector_scenarios[];
extern const scenario_t store_embed_scenarios[];
extern const scenario_t store_request_scenarios[];

#endif
