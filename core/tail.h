/* A tail: what stands between a stream and the application's callback. And a watch. */
#ifndef CAIRN_CORE_TAIL_H
#define CAIRN_CORE_TAIL_H

#include "core.h"
#include "event_queue.h"
#include "feeds.h"

typedef enum tail_state {
    TAIL_OPEN,
    TAIL_DRAINING, /* takes nothing new; closes when the queue is empty or the time is up */
    TAIL_TOLD,     /* ENDED or FAILED was told; waits for its close */
    TAIL_CLOSING   /* its last task is deferred */
} tail_state_t;

/* Where the next event comes from. */
typedef enum tail_source {
    TAIL_SEEKS,  /* where to begin is not known yet: asks for the stream's end */
    TAIL_READS,  /* pages of history, behind `tip` */
    TAIL_JOINED, /* the feed: everything up to the feed's tip is delivered or in the queue */
    TAIL_OVER    /* nowhere: the event that ends the stream was taken in */
} tail_source_t;

typedef struct cairn_tail {
    cairn_stream_tail_t *handle; /* the caller's */
    cairn_core_t *core;
    feed_t *feed; /* NULL once it is of no use any more */
    cairn_link_t in_feed;
    cairn_link_t in_core; /* cairn_core_t.tails */
    cairn_task_t task;
    cairn_stream_event_cb on_event;

    tail_state_t state;
    tail_source_t source;
    bool started;
    bool metered; /* counts credit */
    bool has_joined;
    bool missed_link; /* DISCONNECTED was told, and nothing since */
    bool resumed;     /* RESUMED is to be told */
    bool read_again;  /* what the read in flight brings is out of date */
    uint8_t before;   /* of the next event, and of silence: BEFORE_* */
    uint32_t credit;
    int64_t lost;              /* before the next event; -1: unknown how many */
    cairn_position_t position; /* of what was delivered last */
    cairn_position_t tip;      /* of what was taken in last */
    cairn_position_t passed;   /* of the first event pushed that was left to be read; zero: none */
    uint64_t last;             /* of CAIRN_FROM_LAST: events still to go back */
    cairn_position_t until;    /* before which */

    uint32_t page_size; /* of the next read: as much as fits the bounds, by what the last one had */
    uint32_t max_events;
    uint64_t max_bytes;
    event_queue_t queue;
    reader_t *reader;
    uint32_t epoch;            /* the feed's when it began to read */
    cairn_position_t feed_tip; /* likewise */

    cairn_deadline_t drain_deadline;
    cairn_tail_drain_cb drain_cb;
    cairn_tail_close_cb close_cb;
} cairn_tail_t;

/* ---- from the application ---- */

/* Attaches `handle` to its feed, which is opened if it is the first. Copies name and options. */
CAIRN_MUST_USE int tail_open(cairn_core_t *core, cairn_stream_tail_t *handle, cairn_slice_t stream,
                             const cairn_stream_tail_options_t *options,
                             cairn_stream_event_cb on_event);
void tail_stop(cairn_tail_t *tail);
void tail_start(cairn_tail_t *tail);
void tail_credit(cairn_tail_t *tail, uint32_t events);
void tail_close(cairn_tail_t *tail, cairn_tail_close_cb close_cb);
CAIRN_MUST_USE int tail_drain(cairn_tail_t *tail, uint32_t timeout_ms,
                              cairn_tail_drain_cb drain_cb);

/* ---- to a tail, from its feed. All but wake may call the application. ---- */

/* Takes the event in, delivered or queued; false: there is no room, it has to be read later. */
bool tail_take(cairn_tail_t *tail, passing_event_t *passing);

/* The feed passes an event on. */
void tail_offer(cairn_tail_t *tail, passing_event_t *passing);

/* An event that is left to be read. */
void tail_pass_by(cairn_tail_t *tail, cairn_position_t position);

/* Events are lost before the next one. */
void tail_lost(cairn_tail_t *tail, int64_t lost);

/* It must go on reading: the feed has nothing for it. */
void tail_unjoin(cairn_tail_t *tail);

void tail_cleared(cairn_tail_t *tail);
void tail_up(cairn_tail_t *tail);
void tail_down(cairn_tail_t *tail, int status, cairn_slice_t detail);
void tail_detach(cairn_tail_t *tail); /* the feed goes; it takes the tail out of its list */
void tail_fail(cairn_tail_t *tail, int status, cairn_slice_t detail);

/* Looks in its own task what there is to do. */
void tail_wake(cairn_tail_t *tail);

/* The handle closes: FAILED with UV_ECANCELED (or the close the caller is waiting for), then the
 * tail is gone. */
void tail_end(cairn_tail_t *tail);

/* ---- watches ---- */

typedef struct cairn_watch {
    cairn_stream_watch_t *handle; /* the caller's */
    cairn_core_t *core;
    feed_t *feed; /* NULL once it is of no use any more */
    cairn_link_t in_feed;
    cairn_link_t in_core; /* cairn_core_t.watches */
    cairn_task_t task;
    cairn_stream_watch_cb on_cancel;
    cairn_watch_close_cb close_cb;
    bool told;
    bool closing;
    bool checked; /* the stream's end was looked at since the feed came up */
    reader_t *reader;
    uint32_t epoch;
} cairn_watch_t;

CAIRN_MUST_USE int watch_open(cairn_core_t *core, cairn_stream_watch_t *handle,
                              cairn_slice_t stream, cairn_stream_watch_cb on_cancel);
void watch_close(cairn_watch_t *watch, cairn_watch_close_cb close_cb);

void watch_event(cairn_watch_t *watch, const cairn_stream_event_t *event);
void watch_fail(cairn_watch_t *watch, int status, cairn_slice_t detail);
void watch_detach(cairn_watch_t *watch);
void watch_up(cairn_watch_t *watch);
void watch_wake(cairn_watch_t *watch);
void watch_end(cairn_watch_t *watch);

#endif
