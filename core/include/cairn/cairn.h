/* The handle: one backend, opened on one loop.
 *
 * A handle belongs to the thread that runs its loop; nothing here may be called from another
 * (debug builds assert it). The three interfaces are views of a handle and hold no resources:
 * <cairn/saver.h>, <cairn/store.h>, <cairn/broker.h> (live topics), <cairn/stream.h> (run streams).
 * An open handle keeps its loop alive, as libuv's own handles do. */
#ifndef CAIRN_CAIRN_H
#define CAIRN_CAIRN_H

#include <cairn/alloc.h>
#include <cairn/bytes.h>
#include <cairn/error.h>
#include <cairn/options.h>
#include <cairn/request.h>
#include <cairn/stats.h>
#include <cairn/trace.h>
#include <cairn/version.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* libuv's, so that these headers compile without it (uv.h is no strict C11). */
typedef struct uv_loop_s uv_loop_t;

typedef struct cairn cairn_t;

/* OPENING -> READY <-> RECONNECTING; from any of them CLOSING -> CLOSED. */
typedef enum cairn_state {
    CAIRN_CLOSED,       /* never opened, or close_cb has run */
    CAIRN_OPENING,      /* open returned 0; not yet connected for the first time */
    CAIRN_READY,        /* requests are served */
    CAIRN_RECONNECTING, /* was ready; requests wait within their deadline */
    CAIRN_CLOSING
} cairn_state_t;

typedef enum cairn_event_type {
    CAIRN_EVENT_CONNECTED = 1,  /* now READY */
    CAIRN_EVENT_DISCONNECTED,   /* an attempt failed or the link broke: status and detail say why */
    CAIRN_EVENT_CREDIT,         /* after a CAIRN_EFULL: the queue is down to half; submit again */
    CAIRN_EVENT_REAUTHENTICATED /* after cairn_reauth, once a connection: status 0, or why it keeps
                                   what it had */
} cairn_event_type_t;

typedef struct cairn_event {
    cairn_event_type_t type;
    int status;           /* 0 or why */
    cairn_slice_t detail; /* in words, e.g. `connect 127.0.0.1:6379: connection refused` */
} cairn_event_t;

/* Called on the loop's thread, never inside cairn_open. Everything is legal in it. */
typedef void (*cairn_event_cb)(cairn_t *cairn, const cairn_event_t *event);

/* The last call the library makes for a handle; its memory is yours again. */
typedef void (*cairn_close_cb)(cairn_t *cairn);

typedef enum cairn_log_level {
    CAIRN_LOG_DEBUG,
    CAIRN_LOG_INFO,
    CAIRN_LOG_WARN,
    CAIRN_LOG_ERROR
} cairn_log_level_t;

/* One line, never with a password or a value:
 *     INFO   links made, and with what; scripts the server had lost
 *     WARN   links lost and attempts that failed, with the reason; subscriptions refused
 *     ERROR  what will not mend by itself: a password that is refused
 *     DEBUG  attempts to connect, the pause before the next, requests that will be sent again
 * It must not submit, cancel or close anything. */
typedef void (*cairn_log_cb)(cairn_t *cairn, cairn_log_level_t level, const char *text);

/* Milliseconds that never go back. Replaces the loop's time for deadlines and TTLs, in tests. */
typedef struct cairn_clock {
    uint64_t (*now_ms)(void *ctx);
    void *ctx;
} cairn_clock_t;

/* Zero it, then set what you want before cairn_open. */
struct cairn {
    void *data;              /* yours */
    cairn_event_cb on_event; /* may be NULL; may be changed at any time */
    cairn_log_cb on_log;     /* may be NULL; may be changed at any time */
    cairn_trace_cb on_trace; /* the same */
    cairn_clock_t clock;     /* {0}: the loop's time. Fixed from open to close */

    struct cairn_core *core; /* private; NULL when closed */
};

/* Checks `options` (NULL: all defaults), copies what it needs, and returns at once; connecting
 * goes on in the background, for ever, with backoff. Requests may be submitted at once and wait.
 * On <0 there is nothing to close or free, and `error`, if not NULL, says what is wrong:
 * CAIRN_EOPTION, CAIRN_ESCHEME, CAIRN_EABI, UV_EINVAL, UV_EBUSY (already open), UV_ENOMEM. */
CAIRN_MUST_USE int cairn_open(cairn_t *cairn, uv_loop_t *loop, const cairn_options_t *options,
                              cairn_error_t *error);

/* cairn_options_init, cairn_options_from_url and cairn_open in one. */
CAIRN_MUST_USE int cairn_open_url(cairn_t *cairn, uv_loop_t *loop, const char *url,
                                  cairn_error_t *error);

/* Refuses new work, finishes requests in flight with UV_ECANCELED, closes subscriptions, drops the
 * connection, then calls `close_cb` (may be NULL); every other callback comes before it. Legal
 * anywhere, callbacks included. Closing what is closing or closed does nothing, and calls no
 * `close_cb` a second time. */
void cairn_close(cairn_t *cairn, cairn_close_cb close_cb);

/* Asks options->credentials anew and gives the answer to the server on each live connection, which
 * goes on working meanwhile and whatever comes of it; CAIRN_EVENT_REAUTHENTICATED tells. To be
 * called before what they were opened with expires. A connection that is being made is asked for
 * anyway. Under RESP2 the one that has the subscriptions cannot be told, and keeps what it had:
 * its event has UV_ENOTSUP. CAIRN_ECLOSED; UV_ENOTSUP: nobody is to be asked. */
CAIRN_MUST_USE int cairn_reauth(cairn_t *cairn);

/* The same, but what is in flight may finish until `timeout_ms` have passed; then, or as soon as
 * nothing is, it goes on as cairn_close. New work is refused at once with CAIRN_ECLOSED; events and
 * messages are told as before. Subscriptions, tails and watches are not waited for, as they have no
 * end of their own: drain those whose messages you want (cairn_broker_drain, from now on too).
 * cairn_close cuts it short; `close_cb` is still the one called. */
void cairn_shutdown(cairn_t *cairn, uint64_t timeout_ms, cairn_close_cb close_cb);

/* CAIRN_CLOSING from cairn_shutdown on. */
cairn_state_t cairn_state(const cairn_t *cairn);

/* What can be asked of this handle. Of the backend before the first connect, and from then on of
 * the server it found. */
#define CAIRN_CAP_TOPICS (1ull << 0)        /* publish and subscribe by channel */
#define CAIRN_CAP_PATTERNS (1ull << 1)      /* ... and by pattern */
#define CAIRN_CAP_RECEIVERS (1ull << 2)     /* publish tells how many received it */
#define CAIRN_CAP_SAVER (1ull << 3)         /* cairn/saver.h */
#define CAIRN_CAP_STORE (1ull << 4)         /* cairn/store.h, without vectors */
#define CAIRN_CAP_STORE_VECTORS (1ull << 5) /* search by vector */
#define CAIRN_CAP_STREAMS (1ull << 6)       /* cairn/stream.h, without groups */
#define CAIRN_CAP_STREAM_GROUPS (1ull << 7) /* consumer groups */
#define CAIRN_CAP_PERSISTENT (1ull << 8)    /* outlives the process */
#define CAIRN_CAP_SHARED (1ull << 9)        /* other processes see the same data */
/* All that is kept of a stream changes in one step, and its TTLs with it. Not so in a cluster of
 * Redis with stream_layout=pure_graph, where the list is in another slot than the stream: it
 * follows key by key. Saver and store are always so. */
#define CAIRN_CAP_STREAMS_ATOMIC (1ull << 10)
uint64_t cairn_capabilities(const cairn_t *cairn);

/* "name version" of the server, once connected; "" before. Until the next disconnect. */
const char *cairn_server(const cairn_t *cairn);

#ifdef __cplusplus
}
#endif
#endif
