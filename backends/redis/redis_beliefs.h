/* What the store believes of items and namespaces that have come by, so that a put can go without a
 * script: when an item was created that has neither expiry nor vectors; and that a namespace is
 * listed for ever. Beliefs go by a hash alone: whatever is done on one asks the server in the same
 * transaction whether it holds.
 *
 * A table of a fixed size; the oldest of those in one place goes. */
#ifndef CAIRN_REDIS_BELIEFS_H
#define CAIRN_REDIS_BELIEFS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct redis_belief {
    uint64_t hash; /* 0: none. Its last bit says nothing */
    int64_t value;
} redis_belief_t;

typedef struct redis_beliefs {
    redis_belief_t *slots; /* NULL: none yet */
    int wrong_guesses;     /* of late, that an item not known of is not there */
} redis_beliefs_t;

/* Zero it before use. Frees what it holds. */
void redis_beliefs_free(redis_beliefs_t *beliefs);

/* 0: nothing is believed. */
int64_t redis_beliefs_get(const redis_beliefs_t *beliefs, uint64_t hash);

/* value: not 0. Without memory nothing is. */
void redis_beliefs_set(redis_beliefs_t *beliefs, uint64_t hash, int64_t value);
void redis_beliefs_drop(redis_beliefs_t *beliefs, uint64_t hash);

/* Whether to guess that what is not known of is not there: not while that has been wrong too
 * often. */
bool redis_beliefs_may_guess(redis_beliefs_t *beliefs);
void redis_beliefs_guessed(redis_beliefs_t *beliefs, bool right);

#endif
