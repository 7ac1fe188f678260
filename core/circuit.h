/* What a handle does while there is no connection for long. Private to core. */
#ifndef CAIRN_CORE_CIRCUIT_H
#define CAIRN_CORE_CIRCUIT_H

#include "core.h"

/* There is no connection: at first, or any more, or another attempt failed. */
void circuit_link_lost(cairn_core_t *core);

void circuit_connected(cairn_core_t *core);

/* Refuses a submit, with why there is no connection. CAIRN_EDOWN. */
CAIRN_MUST_USE int circuit_refuse(cairn_core_t *core, cairn_req_t *req);

static inline bool circuit_refuses(const cairn_core_t *core, const cairn_req_t *req)
{
    return core->circuit.open && req->timeout_ms != CAIRN_NO_TIMEOUT;
}

#endif
