/* cairn/broker.h: checks the arguments, then hands on. */
#include "core.h"
#include "sub.h"

void cairn_broker_init(cairn_broker_t *broker, cairn_t *cairn)
{
    broker->cairn = cairn;
}

int cairn_broker_publish(cairn_broker_t *broker, cairn_broker_publish_t *req, cairn_slice_t channel,
                         cairn_slice_t payload, cairn_broker_publish_cb cb)
{
    cairn_core_t *core;
    int rc = core_begin(broker->cairn, &req->req, CAIRN_CAP_TOPICS, &core);
    if (rc < 0) return rc;
    if (channel.len == 0) return core_refuse(core, &req->req, UV_EINVAL, "channel is empty");
    if (channel.len > CAIRN_CHANNEL_MAX)
        return core_refuse(core, &req->req, CAIRN_ETOOBIG, "channel is %zu bytes long; at most %d",
                           channel.len, CAIRN_CHANNEL_MAX);
    req->cb = cb;
    rc = core->backend->broker->publish(core->self, req, channel, payload);
    if (rc == CAIRN_ETOOBIG)
        return core_refuse(core, &req->req, rc,
                           "payload of %zu bytes can never fit max_queue_bytes", payload.len);
    return core_started(core, &req->req, CORE_REQ_PUBLISH, rc);
}

static int subscribe(cairn_t *cairn, cairn_broker_sub_t *sub, bool pattern, cairn_slice_t name,
                     const cairn_broker_sub_options_t *options, cairn_broker_message_cb on_message)
{
    static const cairn_broker_sub_options_t defaults;
    if (!options) options = &defaults;
    if (sub->sub) return UV_EBUSY;
    if (!on_message || name.len == 0) return UV_EINVAL;
    if ((unsigned)options->policy > CAIRN_CLOSE_SLOW) return UV_EINVAL;
    if (name.len > CAIRN_CHANNEL_MAX) return CAIRN_ETOOBIG;
    cairn_core_t *core = cairn->core;
    if (!core || !core_takes_work(core)) return CAIRN_ECLOSED;
    core_check_thread(core);
    uint64_t capability = pattern ? CAIRN_CAP_PATTERNS : CAIRN_CAP_TOPICS;
    if (!(core->capabilities & capability)) return UV_ENOTSUP;
    return sub_open(core, sub, pattern, name, options, on_message);
}

int cairn_broker_subscribe(cairn_broker_t *broker, cairn_broker_sub_t *sub, cairn_slice_t channel,
                           const cairn_broker_sub_options_t *options,
                           cairn_broker_message_cb on_message)
{
    return subscribe(broker->cairn, sub, false, channel, options, on_message);
}

int cairn_broker_psubscribe(cairn_broker_t *broker, cairn_broker_sub_t *sub, cairn_slice_t pattern,
                            const cairn_broker_sub_options_t *options,
                            cairn_broker_message_cb on_message)
{
    return subscribe(broker->cairn, sub, true, pattern, options, on_message);
}

void cairn_broker_stop(cairn_broker_sub_t *sub)
{
    if (sub->sub) sub_stop(sub->sub);
}

void cairn_broker_start(cairn_broker_sub_t *sub)
{
    if (sub->sub) sub_start(sub->sub);
}

void cairn_broker_credit(cairn_broker_sub_t *sub, uint32_t messages)
{
    if (sub->sub) sub_credit(sub->sub, messages);
}

size_t cairn_broker_buffered(const cairn_broker_sub_t *sub)
{
    return sub->sub ? sub->sub->ring.count : 0;
}

uint64_t cairn_broker_dropped(const cairn_broker_sub_t *sub)
{
    return sub->sub ? sub->sub->dropped : 0;
}

void cairn_broker_unsubscribe(cairn_broker_sub_t *sub, cairn_broker_close_cb close_cb)
{
    if (sub->sub) sub_close(sub->sub, close_cb);
}

int cairn_broker_drain(cairn_broker_sub_t *sub, uint32_t timeout_ms, cairn_broker_drain_cb drain_cb)
{
    return sub->sub ? sub_drain(sub->sub, timeout_ms, drain_cb) : UV_EALREADY;
}
