#include "redis_clock.h"

#define FRESH_US INT64_C(10000000)

static bool is_fresh(const redis_clock_t *clock, int64_t now_us)
{
    return clock->heard_us > 0 && now_us - clock->heard_us < FRESH_US;
}

void redis_clock_hear(redis_clock_t *clock, int64_t server_us, int64_t now_us)
{
    const int64_t ahead_us = server_us - now_us;
    if (server_us > clock->stamp_us) clock->stamp_us = server_us;
    if (is_fresh(clock, now_us) && ahead_us <= clock->ahead_us) return;
    clock->ahead_us = ahead_us;
    clock->heard_us = now_us;
}

int64_t redis_clock_stamp(redis_clock_t *clock, int64_t now_us)
{
    if (!is_fresh(clock, now_us)) return 0;
    const int64_t server_us = now_us + clock->ahead_us;
    clock->stamp_us = server_us > clock->stamp_us ? server_us : clock->stamp_us + 1;
    return clock->stamp_us;
}
