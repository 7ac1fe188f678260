#include "timing.h"

#include "latency.h"
#include "store_embed.h"

#include <stdlib.h>
#include <string.h>

static const char *const operations[CORE_REQ_TYPES] = {
#define OPERATION(name, operation, failed) [CORE_REQ_##name] = operation,
    CORE_REQUESTS(OPERATION)
#undef OPERATION
};

/* "name:port", "[::1]:port" or a path; what follows behind a space is for people. */
static void split(const char *where, cairn_trace_t *trace)
{
    size_t len = strcspn(where, " ");
    const char *colon = *where == '/' ? NULL : memrchr(where, ':', len);
    trace->address = cairn_slice(where, colon ? (size_t)(colon - where) : len);
    trace->port = colon ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
    if (trace->address.len < 2 || *where != '[') return;
    trace->address = cairn_slice(where + 1, trace->address.len - 2);
}

const char *core_where(const cairn_core_t *core, const cairn_req_t *req)
{
    const cairn_backend_t *backend = core->backend;
    bool says = CORE_REACHES(backend, cairn_backend_t, where) && backend->where;
    const bool is_here = req && req->stage == CORE_STAGE_EMBEDDING; /* and not with the backend */
    return says ? backend->where(core->self, is_here ? NULL : req) : "";
}

static cairn_trace_t begin(cairn_core_t *core, const cairn_req_t *req)
{
    cairn_trace_t trace = {
        .type = CAIRN_TRACE_BEGIN,
        .req = req,
        .operation = operations[req->type],
        .system = core->backend->name,
        .time_us = stamp_us(&core->stamp),
    };
    split(core_where(core, req), &trace);
    return trace;
}

void timing_begin(cairn_req_t *req)
{
    cairn_core_t *core = req->core;
    req->started_us = stamp_us(&core->stamp);
    if (!core->cairn->on_trace) return;
    cairn_trace_t trace = begin(core, req);
    core->cairn->on_trace(core->cairn, &trace);
}

static void trace_end(cairn_core_t *core, const cairn_req_t *req, int status)
{
    cairn_trace_t trace = begin(core, req);
    trace.type = CAIRN_TRACE_END;
    trace.status = status;
    trace.duration_us = req->started_us ? trace.time_us - req->started_us : 0;
    if (status < 0) {
        trace.error = cairn_err_name(status);
        trace.detail = req->detail;
    }
    core->cairn->on_trace(core->cairn, &trace);
}

void timing_end(const cairn_req_t *req, int status)
{
    cairn_core_t *core = req->core;
    if (core->keeps_latency)
        latency_record(&core->stats.latency, stamp_us(&core->stamp) - req->started_us);
    if (core->cairn->on_trace) trace_end(core, req, status);
}
