#include "redis_beliefs.h"

#include <cairn/sys/alloc.h>
#include <string.h>

enum {
    PLACES = 16384,
    WAYS = 4,
    UNUSED_BITS = 1,
    COST_OF_WRONG = 4, /* right guesses that a wrong one costs */
    MOST_WRONG = 64
};

void redis_beliefs_free(redis_beliefs_t *beliefs)
{
    cairn_free(beliefs->slots);
    beliefs->slots = NULL;
}

/* Its place: the one that holds it, or else the first of those it may be in. */
static redis_belief_t *find(const redis_beliefs_t *beliefs, uint64_t hash)
{
    redis_belief_t *place = beliefs->slots + (hash >> UNUSED_BITS) % PLACES * WAYS;
    for (int i = 0; i < WAYS; i++)
        if (place[i].hash == hash) return &place[i];
    return place;
}

int64_t redis_beliefs_get(const redis_beliefs_t *beliefs, uint64_t hash)
{
    if (!beliefs->slots) return 0;
    const redis_belief_t *at = find(beliefs, hash);
    return at->hash == hash ? at->value : 0;
}

void redis_beliefs_set(redis_beliefs_t *beliefs, uint64_t hash, int64_t value)
{
    if (!beliefs->slots)
        beliefs->slots = cairn_calloc((size_t)PLACES * WAYS, sizeof *beliefs->slots);
    if (!beliefs->slots) return;
    redis_belief_t *at = find(beliefs, hash);
    if (at->hash != hash) memmove(at + 1, at, (WAYS - 1) * sizeof *at);
    *at = (redis_belief_t){hash, value};
}

void redis_beliefs_drop(redis_beliefs_t *beliefs, uint64_t hash)
{
    if (!beliefs->slots) return;
    redis_belief_t *at = find(beliefs, hash);
    if (at->hash == hash) *at = (redis_belief_t){0, 0};
}

bool redis_beliefs_may_guess(redis_beliefs_t *beliefs)
{
    if (beliefs->wrong_guesses < MOST_WRONG / 2) return true;
    beliefs->wrong_guesses--; /* some day it is tried again */
    return false;
}

void redis_beliefs_guessed(redis_beliefs_t *beliefs, bool right)
{
    beliefs->wrong_guesses += right ? -1 : COST_OF_WRONG;
    if (beliefs->wrong_guesses < 0) beliefs->wrong_guesses = 0;
    if (beliefs->wrong_guesses > MOST_WRONG) beliefs->wrong_guesses = MOST_WRONG;
}
