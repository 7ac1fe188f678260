#include "saver_suite.h"

#include <stdlib.h>

#define SCENARIOS_MOST 512

static const scenario_t *const parts[] = {
    saver_identity_scenarios, saver_put_scenarios,     saver_write_scenarios,
    saver_get_scenarios,      saver_list_scenarios,    saver_page_scenarios,
    saver_filter_scenarios,   saver_delete_scenarios,  saver_copy_scenarios,
    saver_prune_scenarios,    saver_history_scenarios, saver_shallow_scenarios,
    saver_ttl_scenarios,      saver_refresh_scenarios, saver_expiry_scenarios,
    saver_request_scenarios,
};

static const char *reason_to_skip(const saver_factory_t *factory, const char *scenario)
{
    for (const saver_lack_t *lack = factory->lacks; lack && lack->scenario; lack++) {
        if (strcmp(lack->scenario, scenario) == 0) return lack->reason;
    }
    return NULL;
}

static size_t count_lacks(const saver_factory_t *factory)
{
    size_t count = 0;
    for (const saver_lack_t *lack = factory->lacks; lack && lack->scenario; lack++) count++;
    return count;
}

int saver_suite_run(const saver_factory_t *factory)
{
    static scenario_t scenarios[SCENARIOS_MOST];
    size_t count = 0;
    size_t skipped = 0;
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++) {
        for (const scenario_t *one = parts[part]; one->name; one++) {
            const char *reason = reason_to_skip(factory, one->name);
            if (reason) {
                print_message("%s lacks %s: %s\n", factory->name, one->name, reason);
                skipped++;
                continue;
            }
            if (count == SCENARIOS_MOST) abort();
            scenarios[count++] = *one;
        }
    }
    if (skipped != count_lacks(factory)) {
        print_error("%s lacks a test that the suite does not have\n", factory->name);
        return 1;
    }
    saver_backend = factory->backend;
    return scenarios_run(factory->name, scenarios, count, factory->url);
}
