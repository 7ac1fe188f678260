/* Fails fast while there is no connection: when there has been none for fail_fast_ms, what waits
 * and what is asked for is told so, until there is one. Connecting goes on meanwhile, one attempt
 * at a time: that is the probe. Who set no deadline waits on. */
#include "circuit.h"

#include "list.h"

static void open_circuit(cairn_deadline_t *deadline)
{
    cairn_core_t *core = CONTAINER_OF(deadline, cairn_core_t, circuit.deadline);
    if (!core_is_open(core)) return;
    core->circuit.open = core->is_gated = true;
    for (cairn_link_t *at = core->inflight.next; at != &core->inflight; at = at->next) {
        cairn_req_t *req = CONTAINER_OF(at, cairn_req_t, inflight);
        if (req->state == CORE_REQ_STARTED && req->timeout_ms != CAIRN_NO_TIMEOUT)
            core_end_later(req, CAIRN_EDOWN);
    }
}

void circuit_link_lost(cairn_core_t *core)
{
    circuit_t *circuit = &core->circuit;
    if (circuit->fail_fast_ms == 0 || circuit->counting) return;
    circuit->counting = true;
    circuit->deadline.expire = open_circuit;
    deadlines_start(&core->deadlines, &circuit->deadline, circuit->fail_fast_ms);
}

void circuit_connected(cairn_core_t *core)
{
    deadlines_stop(&core->deadlines, &core->circuit.deadline);
    core->circuit.counting = false;
    core->circuit.open = false;
    core->is_gated = core->shutdown.begun;
}

int circuit_refuse(cairn_core_t *core, cairn_req_t *req)
{
    return core_refuse(core, req, CAIRN_EDOWN, "%s",
                       core->link_error[0] ? core->link_error : cairn_strerror(CAIRN_EDOWN));
}
