/* cairn/group.h: checks the arguments, then hands on. */
#include "interfaces.h"
#include "list.h"
#include "verify.h"

#include <cairn/group.h>

#define HAVE(ops, slot) OPS_HAVE(cairn_stream_ops_t, ops, slot)

static void verify_group(verify_t *check, cairn_slice_t stream, cairn_slice_t group)
{
    verify_id(check, "stream", stream);
    verify_id(check, "group", group);
}

static int begin(const verify_t *check, cairn_streams_t *streams, cairn_req_t *req,
                 cairn_core_t **core)
{
    return verify_begin(check, streams->cairn, req, CAIRN_CAP_STREAM_GROUPS, core);
}

/* ---- create, destroy, ack, nak ---- */

int cairn_group_create(cairn_streams_t *streams, cairn_group_change_t *req, cairn_slice_t stream,
                       cairn_slice_t group, const cairn_group_options_t *options,
                       cairn_group_change_cb cb)
{
    static const cairn_group_options_t defaults;
    if (!options) options = &defaults;
    verify_t check;
    verify_init(&check);
    verify_group(&check, stream, group);
    verify_enum(&check, "from", options->from, CAIRN_FROM_LAST);
    verify_optional(&check, "dead_letter", options->dead_letter);
    if (options->max_deliveries > 0) verify_id(&check, "dead_letter", options->dead_letter);
    if (options->dead_letter.ptr && cairn_slice_eq(stream, options->dead_letter))
        verify_wrong(&check, UV_EINVAL, "dead_letter", "is the stream itself");
    cairn_core_t *core;
    int rc = begin(&check, streams, &req->req, &core);
    if (rc < 0) return rc;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, group_create)) return verify_no_slot(core, &req->req);
    cairn_group_create_args_t args = {
        .size = sizeof args,
        .stream = stream,
        .group = group,
        .from = options->from,
        .after = options->after,
        .last = options->last,
        .max_deliveries = options->max_deliveries,
        .ttl_ms = stream_ttl_ms(streams),
        .max_events = stream_max_events(streams),
    };
    if (options->max_deliveries > 0) args.dead_letter = options->dead_letter;
    req->cb = cb;
    rc = ops->group_create(core->self, req, &args);
    return core_started(core, &req->req, CORE_REQ_GROUP_CREATE, rc);
}

int cairn_group_destroy(cairn_streams_t *streams, cairn_group_change_t *req, cairn_slice_t stream,
                        cairn_slice_t group, cairn_group_change_cb cb)
{
    verify_t check;
    verify_init(&check);
    verify_group(&check, stream, group);
    cairn_core_t *core;
    int rc = begin(&check, streams, &req->req, &core);
    if (rc < 0) return rc;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, group_destroy)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    rc = ops->group_destroy(core->self, req, stream, group);
    return core_started(core, &req->req, CORE_REQ_GROUP_DESTROY, rc);
}

static void verify_ack(verify_t *check, const cairn_group_ack_args_t *args)
{
    verify_group(check, args->stream, args->group);
    verify_array(check, "positions", args->positions, args->count, CAIRN_ACK_MAX);
}

int cairn_group_ack(cairn_streams_t *streams, cairn_group_change_t *req, cairn_slice_t stream,
                    cairn_slice_t group, const cairn_position_t *positions, size_t count,
                    cairn_group_change_cb cb)
{
    cairn_group_ack_args_t args = {sizeof args, stream, group, positions, count, 0};
    verify_t check;
    verify_init(&check);
    verify_ack(&check, &args);
    cairn_core_t *core;
    int rc = begin(&check, streams, &req->req, &core);
    if (rc < 0) return rc;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, group_ack)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    rc = ops->group_ack(core->self, req, &args);
    return core_started(core, &req->req, CORE_REQ_GROUP_ACK, rc);
}

int cairn_group_nak(cairn_streams_t *streams, cairn_group_change_t *req, cairn_slice_t stream,
                    cairn_slice_t group, const cairn_position_t *positions, size_t count,
                    uint64_t delay_ms, cairn_group_change_cb cb)
{
    cairn_group_ack_args_t args = {sizeof args, stream, group, positions, count, delay_ms};
    verify_t check;
    verify_init(&check);
    verify_ack(&check, &args);
    verify_number(&check, "delay_ms", delay_ms, 0, CAIRN_TTL_MAX_MS);
    cairn_core_t *core;
    int rc = begin(&check, streams, &req->req, &core);
    if (rc < 0) return rc;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, group_nak)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    rc = ops->group_nak(core->self, req, &args);
    return core_started(core, &req->req, CORE_REQ_GROUP_NAK, rc);
}

/* ---- read, claim ---- */

static void verify_read(verify_t *check, const cairn_group_read_args_t *args)
{
    verify_group(check, args->stream, args->group);
    verify_id(check, "member", args->member);
    verify_number(check, "most", args->most, 1, CAIRN_PAGE_MAX);
}

/* A wait that is longer than the deadline would end with UV_ETIMEDOUT, never with nothing. */
static void verify_wait(verify_t *check, const cairn_streams_t *streams, const cairn_req_t *req,
                        uint32_t wait_ms)
{
    const cairn_core_t *core = streams->cairn->core;
    if (!core || req->timeout_ms == CAIRN_NO_TIMEOUT) return;
    uint64_t timeout_ms = req->timeout_ms ? req->timeout_ms : core->timeout_ms;
    if (wait_ms >= timeout_ms)
        verify_wrong(check, UV_EINVAL, "wait_ms", "is %lu; the deadline %llu",
                     (unsigned long)wait_ms, (unsigned long long)timeout_ms);
}

int cairn_group_read(cairn_streams_t *streams, cairn_group_read_t *req, cairn_slice_t stream,
                     cairn_slice_t group, cairn_slice_t member, uint32_t most, uint32_t wait_ms,
                     cairn_group_read_cb cb)
{
    cairn_group_read_args_t args = {sizeof args, stream, group, member, most, wait_ms, 0};
    verify_t check;
    verify_init(&check);
    verify_read(&check, &args);
    verify_wait(&check, streams, &req->req, wait_ms);
    cairn_core_t *core;
    int rc = begin(&check, streams, &req->req, &core);
    if (rc < 0) return rc;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, group_read)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    rc = ops->group_read(core->self, req, &args);
    return core_started(core, &req->req, CORE_REQ_GROUP_READ, rc);
}

int cairn_group_claim(cairn_streams_t *streams, cairn_group_read_t *req, cairn_slice_t stream,
                      cairn_slice_t group, cairn_slice_t member, uint32_t most,
                      uint64_t min_idle_ms, cairn_group_read_cb cb)
{
    cairn_group_read_args_t args = {sizeof args, stream, group, member, most, 0, min_idle_ms};
    verify_t check;
    verify_init(&check);
    verify_read(&check, &args);
    verify_number(&check, "min_idle_ms", min_idle_ms, 0, CAIRN_TTL_MAX_MS);
    cairn_core_t *core;
    int rc = begin(&check, streams, &req->req, &core);
    if (rc < 0) return rc;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, group_claim)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    rc = ops->group_claim(core->self, req, &args);
    return core_started(core, &req->req, CORE_REQ_GROUP_CLAIM, rc);
}

/* ---- info ---- */

int cairn_group_info(cairn_streams_t *streams, cairn_group_info_t *req, cairn_slice_t stream,
                     cairn_slice_t group, cairn_group_info_cb cb)
{
    verify_t check;
    verify_init(&check);
    verify_group(&check, stream, group);
    cairn_core_t *core;
    int rc = begin(&check, streams, &req->req, &core);
    if (rc < 0) return rc;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, group_info)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    rc = ops->group_info(core->self, req, stream, group);
    return core_started(core, &req->req, CORE_REQ_GROUP_INFO, rc);
}

/* ---- the ways up ---- */

void group_change_done(cairn_group_change_t *req, uint64_t count)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, count);
}

void group_read_done(cairn_group_read_t *req, const cairn_delivery_t *deliveries, size_t count)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, deliveries, count);
}

void group_info_done(cairn_group_info_t *req, const cairn_group_facts_t *facts)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, facts);
}

void group_change_failed(cairn_req_t *base, int status)
{
    cairn_group_change_t *req = CONTAINER_OF(base, cairn_group_change_t, req);
    if (req->cb) req->cb(req, status, 0);
}

void group_read_failed(cairn_req_t *base, int status)
{
    cairn_group_read_t *req = CONTAINER_OF(base, cairn_group_read_t, req);
    if (req->cb) req->cb(req, status, NULL, 0);
}

void group_info_failed(cairn_req_t *base, int status)
{
    cairn_group_info_t *req = CONTAINER_OF(base, cairn_group_info_t, req);
    if (req->cb) req->cb(req, status, NULL);
}
