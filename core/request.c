/* The life of a request: IDLE -> STARTED -> IDLE, or by cancel and close STARTED -> ENDING -> IDLE.
 *
 *            submit accepted              backend done, fail, deadline
 *     IDLE ------------------> STARTED --------------------------------> IDLE, callback
 *                                 | cancel, close (backend forgets it)     ^
 *                                 v                                        |
 *                               ENDING -------------- next turn -----------+
 */
#include "circuit.h"
#include "interfaces.h"
#include "list.h"
#include "shutdown.h"
#include "store_embed.h"
#include "timing.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static void publish_failed(cairn_req_t *req, int status)
{
    cairn_broker_publish_t *publish = CONTAINER_OF(req, cairn_broker_publish_t, req);
    if (publish->cb) publish->cb(publish, status, -1);
}

static core_call_back_t *const call_back[CORE_REQ_TYPES] = {
#define FAILED(name, operation, failed) [CORE_REQ_##name] = failed,
    CORE_REQUESTS(FAILED)
#undef FAILED
};

static int refuse_at_gate(cairn_core_t *core, cairn_req_t *req)
{
    if (core->shutdown.begun) return CAIRN_ECLOSED;
    return circuit_refuses(core, req) ? circuit_refuse(core, req) : 0;
}

int core_begin(cairn_t *cairn, cairn_req_t *req, uint64_t capability, cairn_core_t **core)
{
    cairn_core_t *c = cairn->core;
    if (req->state != CORE_REQ_IDLE) return UV_EBUSY;
    req->detail = cairn_slice(NULL, 0);
    if (!c || !core_is_open(c)) return CAIRN_ECLOSED;
    core_check_thread(c);
    req->core = c;
    if ((c->capabilities & capability) != capability)
        return core_refuse(c, req, UV_ENOTSUP, "backend %s cannot do this", c->backend->name);
    *core = c;
    return c->is_gated ? refuse_at_gate(c, req) : 0;
}

int core_refuse(cairn_core_t *core, cairn_req_t *req, int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(core->refusal, sizeof core->refusal, format, args);
    va_end(args);
    core->stats.refused++;
    req->detail = cairn_str(core->refusal);
    return status;
}

static void forget(cairn_core_t *core, cairn_req_t *req)
{
    if (req->stage == CORE_STAGE_EMBEDDING)
        store_embed_forget(req);
    else
        core->backend->forget(core->self, req);
}

/* Why there is no connection; or else what this one request waits for. */
static void explain(const cairn_core_t *core, const cairn_req_t *req, char *out, size_t size)
{
    const cairn_backend_t *backend = core->backend;
    const bool explains = CORE_REACHES(backend, cairn_backend_t, waits_for) && backend->waits_for;
    snprintf(out, size, "%s", core->link_error);
    if (out[0] || !explains || req->stage == CORE_STAGE_EMBEDDING) return;
    backend->waits_for(core->self, req, out, size);
}

static void expire(cairn_deadline_t *deadline)
{
    cairn_req_t *req = CONTAINER_OF(deadline, cairn_req_t, deadline);
    cairn_core_t *core = req->core;
    char words[512];
    explain(core, req, words, sizeof words);
    forget(core, req);
    stamp_spoil(&core->stamp);
    core_fail(req, UV_ETIMEDOUT, cairn_str(words));
}

int core_started(cairn_core_t *core, cairn_req_t *req, core_req_type_t type, int status)
{
    if (status == CAIRN_EFULL) {
        core->owes_credit = true;
        core->stats.refused_full++;
        return core_refuse(core, req, status, "max_inflight or max_queue_bytes is reached");
    }
    if (status < 0) return core_refuse(core, req, status, "%s", cairn_strerror(status));
    req->type = (uint8_t)type;
    req->state = CORE_REQ_STARTED;
    list_push_back(&core->inflight, &req->inflight);
    core->stats.requests++;
    core->stats.inflight++;
    req->started_us = 0;
    if (timing_is_wanted(core)) timing_begin(req);
    if (req->timeout_ms == CAIRN_NO_TIMEOUT) return 0;
    req->deadline.expire = expire;
    deadlines_start(&core->deadlines, &req->deadline,
                    req->timeout_ms ? req->timeout_ms : core->timeout_ms);
    return 0;
}

void core_finish(cairn_req_t *req, int status)
{
    cairn_core_t *core = req->core;
    assert(req->state != CORE_REQ_IDLE);
    list_remove(&req->inflight);
    deadlines_stop(&core->deadlines, &req->deadline);
    req->state = CORE_REQ_IDLE;
    core->stats.inflight--;
    if (core->shutdown.begun) shutdown_look(core);
    if (status == 0) {
        core->stats.completed++;
    } else {
        core->stats.failures[cairn_failure_of(status)]++;
    }
    if (timing_is_wanted(core)) timing_end(req, status);
}

void core_fail(cairn_req_t *req, int status, cairn_slice_t detail)
{
    req->detail = detail;
    core_finish(req, status);
    call_back[req->type](req, status);
}

static void run_ending(cairn_task_t *task)
{
    cairn_req_t *req = CONTAINER_OF(task, cairn_req_t, task);
    bool is_down = req->status == CAIRN_EDOWN;
    core_fail(req, req->status, is_down ? cairn_str(req->core->link_error) : cairn_slice(NULL, 0));
}

void core_end_later(cairn_req_t *req, int status)
{
    cairn_core_t *core = req->core;
    forget(core, req);
    deadlines_stop(&core->deadlines, &req->deadline);
    req->state = CORE_REQ_ENDING;
    req->status = status;
    req->task.run = run_ending;
    turn_defer(&core->turn, &req->task);
}

int cairn_cancel(cairn_req_t *req)
{
    if (req->state != CORE_REQ_STARTED) return UV_EALREADY;
    core_check_thread(req->core);
    core_end_later(req, UV_ECANCELED);
    return 0;
}

bool cairn_is_active(const cairn_req_t *req)
{
    return req->state != CORE_REQ_IDLE;
}
