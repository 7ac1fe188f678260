/* The feeds of a handle: streams that somebody tails or watches, by name for what is pushed, in
 * opening order for subscribing again.
 *
 * A feed exists while it has tails or watches, and after that until the backend has let go of it.
 */
#ifndef CAIRN_CORE_FEEDS_H
#define CAIRN_CORE_FEEDS_H

#include "event_queue.h"
#include "name_table.h"
#include "reader.h"

#include <cairn/sys/stream.h>

typedef enum feed_state {
    FEED_OPENING, /* the backend was asked for it */
    FEED_UP,
    FEED_DOWN,   /* was up; the link is lost */
    FEED_CLOSING /* nobody wants it; the backend was asked to stop */
} feed_state_t;

typedef struct feed {
    cairn_feed_t shared; /* what the backend sees; first */
    feed_state_t state;
    struct cairn_core *core;

    bool synced;          /* tails have joined: `tip` is where the sequence of events has come to */
    bool repairing;       /* something is missing behind `tip`: read it, hold back what is pushed */
    cairn_position_t tip; /* position of the last event passed on; zero: none since the beginning */
    reader_t *repair;
    uint32_t repair_epoch;
    cairn_deadline_t retry; /* running: nobody reads before it is over */

    uint32_t epoch;   /* a read begun in an earlier one cannot be joined to what is pushed now */
    uint32_t reading; /* reads in flight that what is pushed meanwhile is kept for */
    event_queue_t recent; /* kept so, oldest first */

    name_node_t in_names; /* feeds_t.names */
    cairn_link_t tails;   /* cairn_tail_t.in_feed */
    cairn_link_t watches; /* cairn_watch_t.in_feed */
    char name[];
} feed_t;

typedef struct feeds {
    name_table_t names;
} feeds_t;

void feeds_init(feeds_t *feeds);
void feeds_free(feeds_t *feeds); /* with every feed in it */

feed_t *feeds_find(feeds_t *feeds, cairn_slice_t name);

/* One that is not there yet; copies the name. NULL if out of memory. */
feed_t *feeds_add(feeds_t *feeds, cairn_slice_t name);

/* Removes and frees. Nobody may be on it. */
void feeds_remove(feeds_t *feeds, feed_t *feed);

#endif
