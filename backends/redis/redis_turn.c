#include "redis_turn.h"

#include <time.h>

#define SHARE_NS (REDIS_TURN_SHARE_MS * UINT64_C(1000000))

/* A loop is its thread's. libuv takes the time when a turn begins and when its events have come:
 * that tells one turn from the next, and a long one has two shares. */
static _Thread_local struct {
    const uv_loop_t *loop;
    uint64_t now_ms;
    uint64_t spent_ns;
} turn;

static void enter(const uv_loop_t *loop)
{
    const uint64_t now_ms = uv_now(loop);
    if (turn.loop == loop && turn.now_ms == now_ms) return;
    turn.loop = loop;
    turn.now_ms = now_ms;
    turn.spent_ns = 0;
}

bool redis_turn_has_time(const uv_loop_t *loop)
{
    enter(loop);
    return turn.spent_ns < SHARE_NS;
}

bool redis_turn_has_time_to_begin(const uv_loop_t *loop)
{
    enter(loop);
    return turn.spent_ns < SHARE_NS / 4;
}

uint64_t redis_turn_clock(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void redis_turn_spent(const uv_loop_t *loop, uint64_t began_ns)
{
    enter(loop);
    turn.spent_ns += redis_turn_clock() - began_ns;
}
