/* How long to wait before connecting again: exponential, with full jitter, so that a thousand
 * clients of one server that went away do not come back together.
 *
 * Pure: time and chance are the caller's. */
#ifndef CAIRN_REDIS_BACKOFF_H
#define CAIRN_REDIS_BACKOFF_H

#include <stdint.h>

typedef struct redis_backoff {
    uint64_t min_ms;
    uint64_t max_ms;
    uint32_t attempt; /* since the last reset */
    uint64_t rng;
} redis_backoff_t;

/* `min_ms` bounds the first wait, `max_ms` every wait; 0 counts as 1, and `max_ms` as no less than
 * `min_ms`. Clients need different seeds. */
void redis_backoff_init(redis_backoff_t *backoff, uint64_t min_ms, uint64_t max_ms, uint64_t seed);

/* Uniform over 1 .. min(max_ms, min_ms * 2^attempt); one attempt more. */
uint64_t redis_backoff_next(redis_backoff_t *backoff);

/* Connected: begin again at min_ms. */
void redis_backoff_reset(redis_backoff_t *backoff);

#endif
