#include "stamp.h"

#include "list.h"

static void on_prepare(uv_prepare_t *prepare)
{
    stamp_t *stamp = CONTAINER_OF(prepare, stamp_t, prepare);
    stamp->good = false;
    if (!stamp->asked) uv_prepare_stop(prepare);
    stamp->asked = false;
}

void stamp_init(stamp_t *stamp, uv_loop_t *loop, cairn_clock_t clock)
{
    stamp->good = stamp->asked = false;
    stamp->clock = clock;
    uv_prepare_init(loop, &stamp->prepare);
}

uint64_t stamp_read(stamp_t *stamp)
{
    if (stamp->clock.now_ms) return stamp->clock.now_ms(stamp->clock.ctx) * 1000;
    if (!stamp->asked) uv_prepare_start(&stamp->prepare, on_prepare);
    stamp->good = stamp->asked = true;
    stamp->now_us = uv_hrtime() / 1000;
    return stamp->now_us;
}
