/* Events of run streams that wait for somebody: copied once, shared by all who keep them.
 *
 * A thousand slow tails of one stream hold a thousand pointers to one copy. */
#ifndef CAIRN_CORE_EVENT_QUEUE_H
#define CAIRN_CORE_EVENT_QUEUE_H

#include <cairn/compiler.h>
#include <cairn/stream.h>

typedef struct shared_event {
    cairn_stream_event_t event; /* slices point behind the struct */
    cairn_position_t previous;
    size_t cost;
    uint32_t users;
    char bytes[];
} shared_event_t;

void shared_event_release(shared_event_t *shared);

/* An event on its way to many: borrowed, and copied as soon as somebody keeps it. Zero `kept` at
 * first, and let go of it at the end. */
typedef struct passing_event {
    const cairn_stream_event_t *event;
    cairn_position_t previous;
    shared_event_t *kept;
} passing_event_t;

/* What one event costs who keeps it. */
size_t event_cost(const cairn_stream_event_t *event);

void passing_event_end(passing_event_t *passing);

/* What is told before the event. */
enum {
    BEFORE_CLEARED = 1,
    BEFORE_LIVE = 2
};

typedef struct queued_event {
    shared_event_t *shared;
    int64_t lost; /* events lost right before this one; -1: unknown how many */
    uint8_t before;
} queued_event_t;

/* Zeroed: empty, holding no memory. */
typedef struct event_queue {
    queued_event_t *slots;
    uint32_t room, first, count;
    size_t bytes; /* the sum of the costs */
} event_queue_t;

void event_queue_free(event_queue_t *queue);

/* Keeps the event at the end. UV_ENOMEM. */
CAIRN_MUST_USE int event_queue_push(event_queue_t *queue, passing_event_t *passing, int64_t lost,
                                    uint8_t before);

/* The `at`-th oldest of those there are. */
queued_event_t *event_queue_at(const event_queue_t *queue, uint32_t at);

/* Takes the oldest, of which there must be one. The caller releases it. */
shared_event_t *event_queue_take(event_queue_t *queue);

#endif
