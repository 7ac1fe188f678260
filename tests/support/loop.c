#include "loop.h"

#include "check.h"

#include <stdlib.h>

typedef struct watchdog {
    uv_timer_t timer;
    bool expired;
} watchdog_t;

static void on_watchdog(uv_timer_t *timer)
{
    watchdog_t *watchdog = timer->data;
    watchdog->expired = true;
}

static void free_watchdog(uv_handle_t *handle)
{
    free(handle->data);
}

/* The watchdog outlives the call by a turn, so that no turn is run that was not asked for. It
 * repeats: should it expire before the turn waits, it must end the wait too. */
bool loop_try_for(uv_loop_t *loop, unsigned ms, loop_condition done, void *ctx)
{
    watchdog_t *watchdog = calloc(1, sizeof *watchdog);
    if (!watchdog) abort();
    uv_timer_init(loop, &watchdog->timer);
    watchdog->timer.data = watchdog;
    uv_update_time(loop);
    uv_timer_start(&watchdog->timer, on_watchdog, ms, 1);

    bool is_done = done(ctx);
    while (!is_done && !watchdog->expired) {
        uv_run(loop, UV_RUN_ONCE);
        is_done = done(ctx);
    }
    uv_close((uv_handle_t *)&watchdog->timer, free_watchdog);
    return is_done;
}

bool loop_try_until(uv_loop_t *loop, loop_condition done, void *ctx)
{
    return loop_try_for(loop, LOOP_DEADLINE_MS, done, ctx);
}

void loop_run_until_at(uv_loop_t *loop, const char *what, loop_condition done, void *ctx,
                       const char *file, int line)
{
    if (loop_try_until(loop, done, ctx)) return;
    check_fail_at(file, line, "waited %d ms in vain for: %s", LOOP_DEADLINE_MS, what);
}

void loop_turns(uv_loop_t *loop, int turns)
{
    while (turns-- > 0) uv_run(loop, UV_RUN_NOWAIT);
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

void loop_run_for(uv_loop_t *loop, unsigned ms)
{
    (void)loop_try_for(loop, ms, never, NULL);
}

static void print_handle(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    print_error("handle left open: %s%s\n", uv_handle_type_name(handle->type),
                uv_is_closing(handle) ? " (closing)" : "");
}

void loop_finish(uv_loop_t *loop)
{
    uint64_t deadline = uv_hrtime() + LOOP_DEADLINE_MS * 1000000ull;
    while (uv_loop_alive(loop) && uv_hrtime() < deadline) uv_run(loop, UV_RUN_NOWAIT);
    int status = uv_loop_close(loop);
    if (status == 0) return;
    uv_walk(loop, print_handle, NULL);
    check_fail("uv_loop_close: %s", uv_err_name(status));
}
