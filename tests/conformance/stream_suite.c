#include "stream_suite.h"

#include <stdlib.h>

#define SCENARIOS_MOST 512

static const scenario_t *const parts[] = {
    stream_append_scenarios, stream_read_scenarios,         stream_manage_scenarios,
    stream_tail_scenarios,   stream_end_scenarios,          stream_flow_scenarios,
    stream_group_scenarios,  stream_redelivery_scenarios,   stream_request_scenarios,
    stream_random_scenarios, stream_random_group_scenarios,
};

static const char *reason_to_skip(const stream_factory_t *factory, const char *scenario)
{
    for (const stream_lack_t *lack = factory->lacks; lack && lack->scenario; lack++) {
        if (strcmp(lack->scenario, scenario) == 0) return lack->reason;
    }
    return NULL;
}

static size_t count_lacks(const stream_factory_t *factory)
{
    size_t count = 0;
    for (const stream_lack_t *lack = factory->lacks; lack && lack->scenario; lack++) count++;
    return count;
}

int stream_suite_run(const stream_factory_t *factory)
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
    streams_backend = factory->backend;
    return scenarios_run(factory->name, scenarios, count, factory->url);
}
