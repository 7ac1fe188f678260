/* A notion of the server's clock, from asking it for the time now and then. An answer was given
 * between the question and its coming, so it bounds by how much the server's clock is ahead of
 * ours; several bound it closer. What is told is the lower bound: never ahead of the server's, and
 * behind by no more than is allowed, or nothing is told. */
#ifndef CAIRN_REDIS_CLOCK_H
#define CAIRN_REDIS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* All times are by a clock of ours that never goes back, but where they say server. */
typedef struct redis_clock {
    int64_t behind_us;         /* at the most; 0: no time is told, nor asked for */
    int64_t least_us, most_us; /* that the server's is ahead */
    int64_t heard_us;          /* 0: never */
    int64_t asked_us;          /* 0: nobody waits for an answer */
    int64_t stamp_us;          /* by the server's: given last */
} redis_clock_t;

/* Whether to ask now; then it counts as asked. */
bool redis_clock_asks(redis_clock_t *clock, int64_t now_us);

/* The answer. */
void redis_clock_hear(redis_clock_t *clock, int64_t server_us, int64_t now_us);

/* Something was dated by the server itself: what is dated from here comes later. */
void redis_clock_follow(redis_clock_t *clock, int64_t server_us);

/* The server's time, and later than any given before; 0: it is not known well enough. */
int64_t redis_clock_stamp(redis_clock_t *clock, int64_t now_us);

#endif
