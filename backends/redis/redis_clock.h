/* A notion of the server's clock, from the times that it tells now and then. It is never ahead of
 * what was told, but by how fast the clocks drift apart, and behind by as long as an answer takes.
 */
#ifndef CAIRN_REDIS_CLOCK_H
#define CAIRN_REDIS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct redis_clock {
    int64_t ahead_us; /* the server's clock of ours */
    int64_t heard_us; /* by ours; 0: never */
    int64_t stamp_us; /* given last */
} redis_clock_t;

/* The server's time, as an answer that has just come says. now_us: by a clock that never goes back.
 * Of several answers the one that took least counts, for a while. */
void redis_clock_hear(redis_clock_t *clock, int64_t server_us, int64_t now_us);

/* The server's time, and later than any given before; 0: nothing was heard for too long. */
int64_t redis_clock_stamp(redis_clock_t *clock, int64_t now_us);

#endif
