#include "fake_clock.h"

#include "core.h"

static uint64_t fake_now(void *ctx)
{
    const fake_clock_t *clock = ctx;
    return clock->now_ms;
}

cairn_clock_t fake_clock_hook(fake_clock_t *clock)
{
    cairn_clock_t hook = {fake_now, clock};
    return hook;
}

void fake_clock_advance(fake_clock_t *clock, cairn_t *cairn, uint64_t ms)
{
    clock->now_ms += ms;
    core_tick(cairn);
}
