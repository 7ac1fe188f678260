#include "redis_backoff.h"

void redis_backoff_init(redis_backoff_t *backoff, uint64_t min_ms, uint64_t max_ms, uint64_t seed)
{
    backoff->min_ms = min_ms > 0 ? min_ms : 1;
    backoff->max_ms = max_ms > backoff->min_ms ? max_ms : backoff->min_ms;
    backoff->attempt = 0;
    backoff->rng = seed;
}

void redis_backoff_reset(redis_backoff_t *backoff)
{
    backoff->attempt = 0;
}

/* splitmix64: any seed is good, also 0 and neighbours. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform over 1 .. `most`. */
static uint64_t random_up_to(uint64_t *state, uint64_t most)
{
    /* The part of the range that `most` does not divide would favour small results. */
    uint64_t fair = UINT64_MAX - UINT64_MAX % most;
    uint64_t random;
    do {
        random = next_random(state);
    } while (random >= fair);
    return 1 + random % most;
}

static uint64_t longest_wait(const redis_backoff_t *backoff)
{
    if (backoff->attempt >= 64 || backoff->min_ms > backoff->max_ms >> backoff->attempt) {
        return backoff->max_ms;
    }
    return backoff->min_ms << backoff->attempt;
}

uint64_t redis_backoff_next(redis_backoff_t *backoff)
{
    uint64_t wait_ms = random_up_to(&backoff->rng, longest_wait(backoff));
    if (backoff->attempt < UINT32_MAX) backoff->attempt++;
    return wait_ms;
}
