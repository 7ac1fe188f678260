/* One that appends numbered events to a run stream, with ids (what is in doubt is asked for again
 * until it is there) or without (what is in doubt stays so). */
#ifndef TESTS_CHAOS_PRODUCER_H
#define TESTS_CHAOS_PRODUCER_H

#include "chaos.h"

enum {
    CHAOS_EVENTS = 4096, /* a stream has in a round; numbers are 1 ... CHAOS_EVENTS - 1 */
    CHAOS_BATCH = 5
};

typedef enum chaos_event_state {
    CHAOS_EVENT_UNKNOWN, /* not asked for, or in flight */
    CHAOS_EVENT_THERE,
    CHAOS_EVENT_NOT,
    CHAOS_EVENT_DOUBT
} chaos_event_state_t;

typedef struct chaos_producer {
    chaos_actor_t actor;
    char stream[CHAOS_NAME];
    bool with_ids;
    unsigned last;         /* number asked for */
    unsigned first, count; /* the batch in flight, or to be asked for again */
    unsigned there;        /* events that are there for sure */
    bool again;
    uint8_t states[CHAOS_EVENTS];
    cairn_stream_append_t append;
    cairn_stream_count_t length;
    uint64_t events;
} chaos_producer_t;

void chaos_producer_begin(chaos_producer_t *producer, chaos_t *chaos, chaos_link_t *link,
                          const char *stream, bool with_ids);

/* When all is calm: what is to be asked for again is, until it is there, and the stream's length is
 * checked. */
void chaos_producer_settle(chaos_producer_t *producer);

/* Whether what was told is an event of this stream, and its number. */
bool chaos_producer_knows(const chaos_producer_t *producer, const cairn_stream_event_t *event,
                          unsigned *number);

#endif
