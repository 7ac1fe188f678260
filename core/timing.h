/* When requests begin and end, for who wants to know: the latency that is kept, and the
 * application's trace hook. Private to core. */
#ifndef CAIRN_CORE_TIMING_H
#define CAIRN_CORE_TIMING_H

#include "core.h"

/* Whether anybody does; else neither of these needs to be called. */
static inline bool timing_is_wanted(const cairn_core_t *core)
{
    return core->keeps_latency || core->cairn->on_trace;
}

void timing_begin(cairn_req_t *req);
void timing_end(const cairn_req_t *req, int status);

#endif
