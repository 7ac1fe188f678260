#include "broker_suite.h"

#include <stdlib.h>

#define SCENARIOS_MOST 512

static const scenario_t *const parts[] = {
    broker_handle_scenarios,    broker_publish_scenarios,     broker_request_scenarios,
    broker_subscribe_scenarios, broker_unsubscribe_scenarios, broker_pattern_scenarios,
    broker_flow_scenarios,      broker_slow_scenarios,        broker_drain_scenarios,
    broker_close_scenarios,
};

static const char *reason_to_skip(const broker_factory_t *factory, const char *scenario)
{
    for (const broker_lack_t *lack = factory->lacks; lack && lack->scenario; lack++) {
        if (strcmp(lack->scenario, scenario) == 0) return lack->reason;
    }
    return NULL;
}

static size_t count_lacks(const broker_factory_t *factory)
{
    size_t count = 0;
    for (const broker_lack_t *lack = factory->lacks; lack && lack->scenario; lack++) count++;
    return count;
}

int broker_suite_run(const broker_factory_t *factory)
{
    static scenario_t scenarios[SCENARIOS_MOST];
    size_t count = 0;
    size_t skipped = 0;
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++) {
        for (const scenario_t *at = parts[part]; at->name; at++) {
            const char *reason = reason_to_skip(factory, at->name);
            if (reason) {
                print_message("%s lacks %s: %s\n", factory->name, at->name, reason);
                skipped++;
                continue;
            }
            if (count == SCENARIOS_MOST) abort();
            scenarios[count++] = *at;
        }
    }
    if (skipped != count_lacks(factory)) {
        print_error("%s lacks a test that the suite does not have\n", factory->name);
        return 1;
    }
    return scenarios_run(factory->name, scenarios, count, factory->url);
}
