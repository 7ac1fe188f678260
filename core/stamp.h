/* The time in microseconds, read once for all that happens in one go.
 *
 * Reading the clock for each request would cost a good part of what the request does. So a reading
 * is good until the loop is about to wait, or something arrives that was waited for: then it is
 * spoiled, and who asks next reads anew. */
#ifndef CAIRN_CORE_STAMP_H
#define CAIRN_CORE_STAMP_H

#include <cairn/cairn.h>
#include <stdbool.h>
#include <uv.h>

/* Handles inside a stamp_t that its owner must uv_close. */
#define STAMP_HANDLES 1

typedef struct stamp {
    bool good;
    bool asked; /* since the loop last waited */
    uint64_t now_us;
    cairn_clock_t clock;  /* {0}: uv_hrtime */
    uv_prepare_t prepare; /* active only while somebody asks */
} stamp_t;

void stamp_init(stamp_t *stamp, uv_loop_t *loop, cairn_clock_t clock);

uint64_t stamp_read(stamp_t *stamp);

static inline uint64_t stamp_us(stamp_t *stamp)
{
    return stamp->good ? stamp->now_us : stamp_read(stamp);
}

static inline void stamp_spoil(stamp_t *stamp)
{
    stamp->good = false;
}

#endif
