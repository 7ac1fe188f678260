/* Tails and watches of cairn/stream.h. No backend feeds them, so that none is ever open: what opens
 * one is checked and refused, and the rest finds it closed. */
#include "verify.h"

#include <cairn/stream.h>

static int refuse(const verify_t *check, const cairn_streams_t *streams)
{
    const cairn_core_t *core = streams->cairn->core;
    if (check->status < 0) return check->status;
    if (!core || !core_is_open(core)) return CAIRN_ECLOSED;
    return UV_ENOTSUP;
}

/* ---- tails ---- */

int cairn_stream_tail_open(cairn_streams_t *streams, cairn_stream_tail_t *tail,
                           cairn_slice_t stream, const cairn_stream_tail_options_t *options,
                           cairn_stream_event_cb on_event)
{
    if (tail->tail) return UV_EBUSY;
    verify_t check;
    verify_init(&check);
    verify_id(&check, "stream", stream);
    if (!on_event) verify_wrong(&check, UV_EINVAL, "on_event", "is NULL");
    if (options) verify_enum(&check, "from", options->from, CAIRN_FROM_LAST);
    return refuse(&check, streams);
}

void cairn_stream_tail_stop(cairn_stream_tail_t *tail)
{
    (void)tail;
}

void cairn_stream_tail_start(cairn_stream_tail_t *tail)
{
    (void)tail;
}

void cairn_stream_tail_credit(cairn_stream_tail_t *tail, uint32_t events)
{
    (void)tail;
    (void)events;
}

cairn_position_t cairn_stream_tail_position(const cairn_stream_tail_t *tail)
{
    (void)tail;
    return (cairn_position_t){0};
}

void cairn_stream_tail_close(cairn_stream_tail_t *tail, cairn_tail_close_cb close_cb)
{
    (void)tail;
    (void)close_cb;
}

int cairn_stream_tail_drain(cairn_stream_tail_t *tail, uint32_t timeout_ms,
                            cairn_tail_drain_cb drain_cb)
{
    (void)tail;
    (void)timeout_ms;
    (void)drain_cb;
    return UV_EALREADY;
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
    return refuse(&check, streams);
}

void cairn_stream_watch_close(cairn_stream_watch_t *watch, cairn_watch_close_cb close_cb)
{
    (void)watch;
    (void)close_cb;
}
