/* cairn/stream.h: tails and watches. Checks the arguments, then hands on. */
#include "interfaces.h"
#include "tail.h"
#include "verify.h"

#define HAVE(ops, slot) OPS_HAVE(cairn_stream_ops_t, ops, slot)

/* Whether the handle can feed a tail or a watch. */
static int begin(const verify_t *check, const cairn_streams_t *streams, cairn_core_t **out)
{
    cairn_core_t *core = streams->cairn->core;
    if (check->status < 0) return check->status;
    if (!core || !core_takes_work(core)) return CAIRN_ECLOSED;
    core_check_thread(core);
    if (!(core->capabilities & CAIRN_CAP_STREAMS)) return UV_ENOTSUP;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, read) || !HAVE(ops, feed_open) || !HAVE(ops, feed_close)) return UV_ENOTSUP;
    *out = core;
    return 0;
}

/* ---- tails ---- */

int cairn_stream_tail_open(cairn_streams_t *streams, cairn_stream_tail_t *tail,
                           cairn_slice_t stream, const cairn_stream_tail_options_t *options,
                           cairn_stream_event_cb on_event)
{
    static const cairn_stream_tail_options_t defaults;
    if (!options) options = &defaults;
    if (tail->tail) return UV_EBUSY;
    verify_t check;
    verify_init(&check);
    verify_id(&check, "stream", stream);
    if (!on_event) verify_wrong(&check, UV_EINVAL, "on_event", "is NULL");
    verify_enum(&check, "from", options->from, CAIRN_FROM_LAST);
    cairn_core_t *core;
    int rc = begin(&check, streams, &core);
    return rc < 0 ? rc : tail_open(core, tail, stream, options, on_event);
}

void cairn_stream_tail_stop(cairn_stream_tail_t *tail)
{
    if (tail->tail) tail_stop(tail->tail);
}

void cairn_stream_tail_start(cairn_stream_tail_t *tail)
{
    if (tail->tail) tail_start(tail->tail);
}

void cairn_stream_tail_credit(cairn_stream_tail_t *tail, uint32_t events)
{
    if (tail->tail) tail_credit(tail->tail, events);
}

cairn_position_t cairn_stream_tail_position(const cairn_stream_tail_t *tail)
{
    return tail->tail ? tail->tail->position : (cairn_position_t){0, 0};
}

void cairn_stream_tail_close(cairn_stream_tail_t *tail, cairn_tail_close_cb close_cb)
{
    if (tail->tail) tail_close(tail->tail, close_cb);
}

int cairn_stream_tail_drain(cairn_stream_tail_t *tail, uint32_t timeout_ms,
                            cairn_tail_drain_cb drain_cb)
{
    return tail->tail ? tail_drain(tail->tail, timeout_ms, drain_cb) : UV_EALREADY;
}

/* ---- watches ---- */

int cairn_stream_watch_open(cairn_streams_t *streams, cairn_stream_watch_t *watch,
                            cairn_slice_t stream, cairn_stream_watch_cb on_cancel)
{
    if (watch->watch) return UV_EBUSY;
    verify_t check;
    verify_init(&check);
    verify_id(&check, "stream", stream);
    if (!on_cancel) verify_wrong(&check, UV_EINVAL, "on_cancel", "is NULL");
    cairn_core_t *core;
    int rc = begin(&check, streams, &core);
    return rc < 0 ? rc : watch_open(core, watch, stream, on_cancel);
}

void cairn_stream_watch_close(cairn_stream_watch_t *watch, cairn_watch_close_cb close_cb)
{
    if (watch->watch) watch_close(watch->watch, close_cb);
}
