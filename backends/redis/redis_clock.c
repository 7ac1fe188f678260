#include "redis_clock.h"

#define ASK_AGAIN_US INT64_C(5000000)
#define ASK_BETTER_US INT64_C(20000) /* after an answer that took too long */
#define GIVE_UP_US INT64_C(1000000)  /* the answer will not come */
#define FRESH_US INT64_C(10000000)
#define DRIFT_PARTS 8192 /* one of so many, at the most, that clocks run apart */

static int64_t drift(const redis_clock_t *clock, int64_t now_us)
{
    return (now_us - clock->heard_us) / DRIFT_PARTS;
}

static bool is_known(const redis_clock_t *clock, int64_t now_us)
{
    return clock->heard_us > 0 && now_us - clock->heard_us < FRESH_US &&
           clock->most_us - clock->least_us + 2 * drift(clock, now_us) <= clock->behind_us;
}

bool redis_clock_asks(redis_clock_t *clock, int64_t now_us)
{
    if (clock->behind_us == 0) return false;
    if (clock->asked_us > 0 && now_us - clock->asked_us < GIVE_UP_US) return false;
    const int64_t pause_us = is_known(clock, now_us) ? ASK_AGAIN_US : ASK_BETTER_US;
    if (clock->heard_us > 0 && now_us - clock->heard_us < pause_us) return false;
    clock->asked_us = now_us;
    return true;
}

void redis_clock_hear(redis_clock_t *clock, int64_t server_us, int64_t now_us)
{
    int64_t least_us = server_us - now_us, most_us = server_us - clock->asked_us;
    if (clock->heard_us > 0) {
        const int64_t apart_us = drift(clock, now_us);
        const int64_t known_least_us = clock->least_us - apart_us;
        const int64_t known_most_us = clock->most_us + apart_us;
        /* Else a clock has been set, and what was known is void. */
        if (known_least_us <= most_us && least_us <= known_most_us) {
            if (known_least_us > least_us) least_us = known_least_us;
            if (known_most_us < most_us) most_us = known_most_us;
        }
    }
    clock->least_us = least_us;
    clock->most_us = most_us;
    clock->heard_us = now_us;
    clock->asked_us = 0;
}

void redis_clock_follow(redis_clock_t *clock, int64_t server_us)
{
    if (server_us > clock->stamp_us) clock->stamp_us = server_us;
}

int64_t redis_clock_stamp(redis_clock_t *clock, int64_t now_us)
{
    if (!is_known(clock, now_us)) return 0;
    const int64_t server_us = now_us + clock->least_us - drift(clock, now_us);
    clock->stamp_us = server_us > clock->stamp_us ? server_us : clock->stamp_us + 1;
    return clock->stamp_us;
}
