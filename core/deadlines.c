#include "deadlines.h"

#include "list.h"

/* Far enough to fire never, near enough that adding the loop's time does not overflow. */
#define FAR_MS (UINT64_MAX / 4)

static void on_timer(uv_timer_t *timer);

uint64_t deadlines_now(const deadlines_t *deadlines)
{
    if (deadlines->clock.now_ms) return deadlines->clock.now_ms(deadlines->clock.ctx);
    return uv_now(deadlines->timer.loop);
}

static void arm(deadlines_t *deadlines, uint64_t at_ms, uint64_t now_ms)
{
    uint64_t wait_ms = at_ms > now_ms ? at_ms - now_ms : 0;
    deadlines->armed_ms = at_ms;
    uv_timer_start(&deadlines->timer, on_timer, wait_ms < FAR_MS ? wait_ms : FAR_MS, 0);
}

void deadlines_tick(deadlines_t *deadlines)
{
    uint64_t now_ms = deadlines_now(deadlines);
    wheel_advance(&deadlines->wheel, now_ms);
    for (;;) {
        wheel_entry_t *due = wheel_pop(&deadlines->wheel);
        if (!due) break;
        due->expire(due);
    }
    arm(deadlines, wheel_next(&deadlines->wheel), now_ms);
}

static void on_check(uv_check_t *check)
{
    deadlines_t *deadlines = CONTAINER_OF(check, deadlines_t, check);
    uv_check_stop(check);
    uv_idle_stop(&deadlines->no_wait);
    deadlines_tick(deadlines);
}

static void on_no_wait(uv_idle_t *idle)
{
    (void)idle;
}

static void on_timer(uv_timer_t *timer)
{
    deadlines_t *deadlines = CONTAINER_OF(timer, deadlines_t, timer);
    arm(deadlines, WHEEL_NEVER, 0);
    uv_idle_start(&deadlines->no_wait, on_no_wait);
    uv_check_start(&deadlines->check, on_check);
}

void deadlines_init(deadlines_t *deadlines, uv_loop_t *loop, cairn_clock_t clock)
{
    deadlines->clock = clock;
    uv_timer_init(loop, &deadlines->timer);
    uv_idle_init(loop, &deadlines->no_wait);
    uv_check_init(loop, &deadlines->check);
    wheel_init(&deadlines->wheel, deadlines_now(deadlines));
    arm(deadlines, WHEEL_NEVER, 0);
}

void deadlines_start(deadlines_t *deadlines, cairn_deadline_t *deadline, uint64_t timeout_ms)
{
    uint64_t now_ms = deadlines_now(deadlines);
    uint64_t due_ms = now_ms + timeout_ms;
    wheel_add(&deadlines->wheel, deadline, due_ms);
    if (due_ms < deadlines->armed_ms) arm(deadlines, due_ms, now_ms);
}

void deadlines_stop(deadlines_t *deadlines, cairn_deadline_t *deadline)
{
    wheel_remove(&deadlines->wheel, deadline);
}

void deadlines_handles(deadlines_t *deadlines, uv_handle_t **out)
{
    out[0] = (uv_handle_t *)&deadlines->timer;
    out[1] = (uv_handle_t *)&deadlines->no_wait;
    out[2] = (uv_handle_t *)&deadlines->check;
}
