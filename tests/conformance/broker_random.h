/* A broker used at random, inside and outside of callbacks: no expectation but the world's laws,
 * and that nothing is lost or reordered without a gap. */
#ifndef TESTS_CONFORMANCE_BROKER_RANDOM_H
#define TESTS_CONFORMANCE_BROKER_RANDOM_H

#include "world.h"

#define BROKER_RANDOM_CHANNELS 4

typedef struct broker_random {
    client_t *client;
    uint64_t state; /* of the generator: the seed */
    uint64_t sent[BROKER_RANDOM_CHANNELS];
    bool fake_server; /* messages do not come from publishes but from `disturb` */

    /* Does something to the server; `roll` is random. May be NULL. */
    void (*disturb)(struct broker_random *random, uint64_t roll);
    void *data;
} broker_random_t;

/* The channel's name, and the next message for it. */
const char *broker_random_channel(broker_random_t *random, unsigned channel);
const char *broker_random_message(broker_random_t *random, unsigned channel);

uint64_t broker_random_next(broker_random_t *random);

/* So many things done, then the handle is closed. */
void broker_random_run(broker_random_t *random, unsigned steps);

#endif
