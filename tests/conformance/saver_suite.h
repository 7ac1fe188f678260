/* What every saver must show: at least one test a rule of semantics.md (1-36) and of cairn/saver.h,
 * named after what it shows. A backend's test program is its factory. */
#ifndef TESTS_CONFORMANCE_SAVER_SUITE_H
#define TESTS_CONFORMANCE_SAVER_SUITE_H

#include "saver_client.h"

/* A test that a backend cannot pass, and why that is all right. */
typedef struct saver_lack {
    const char *scenario;
    const char *reason;
} saver_lack_t;

typedef struct saver_factory {
    const char *name; /* in the output */
    const char *url;  /* what every test opens */
    saver_backend_t backend;
    const saver_lack_t *lacks; /* ends with {NULL, NULL}; NULL: it lacks nothing */
} saver_factory_t;

/* The number of failures. */
int saver_suite_run(const saver_factory_t *factory);

/* Rules 1-3, 4-9, 10-15, 16-17, 18-21, 22-24, 25-26, 27, 28, 29-36, and requests; each part ends
 * with {NULL, NULL}. */
extern const scenario_t saver_identity_scenarios[];
extern const scenario_t saver_put_scenarios[];
extern const scenario_t saver_write_scenarios[];
extern const scenario_t saver_get_scenarios[];
extern const scenario_t saver_list_scenarios[];
extern const scenario_t saver_page_scenarios[];
extern const scenario_t saver_filter_scenarios[];
extern const scenario_t saver_delete_scenarios[];
extern const scenario_t saver_copy_scenarios[];
extern const scenario_t saver_prune_scenarios[];
extern const scenario_t saver_history_scenarios[];
extern const scenario_t saver_shallow_scenarios[];
extern const scenario_t saver_ttl_scenarios[];
extern const scenario_t saver_refresh_scenarios[];
extern const scenario_t saver_expiry_scenarios[];
extern const scenario_t saver_request_scenarios[];

#endif
