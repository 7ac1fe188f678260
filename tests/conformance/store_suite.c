#include "store_suite.h"

#include <stdlib.h>

#define SCENARIOS_MOST 512

static const scenario_t *const parts[] = {
    store_item_scenarios,   store_search_scenarios,  store_page_scenarios,
    store_filter_scenarios, store_list_scenarios,    store_batch_scenarios,
    store_ttl_scenarios,    store_refresh_scenarios, store_vector_scenarios,
    store_embed_scenarios,  store_request_scenarios,
};

static const char *reason_to_skip(const store_factory_t *factory, const char *scenario)
{
    for (const store_lack_t *lack = factory->lacks; lack && lack->scenario; lack++) {
        if (strcmp(lack->scenario, scenario) == 0) return lack->reason;
    }
    return NULL;
}

static size_t count_lacks(const store_factory_t *factory)
{
    size_t count = 0;
    for (const store_lack_t *lack = factory->lacks; lack && lack->scenario; lack++) count++;
    return count;
}

int store_suite_run(const store_factory_t *factory)
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
    store_backend = factory->backend;
    return scenarios_run(factory->name, scenarios, count, factory->url);
}
