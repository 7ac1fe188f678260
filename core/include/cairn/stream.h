/* Run streams: what a run's worker appends flows at once to everybody who follows the run, and is
 * replayed to those who come late (semantics.md rules 45-48, 50, 51; "rule" below means these).
 * Groups of workers that share a stream: <cairn/group.h>. Live topics: <cairn/broker.h>.
 *
 *     cairn_streams_t streams;
 *     int rc = cairn_streams_init(&streams, &cairn, NULL);
 *     ...
 *     cairn_stream_entry_t token = {.event = cairn_str("messages"), .data = {type, bytes}};
 *     rc = cairn_stream_append(&streams, &req, cairn_str("run-1"), &token, 1, NULL, on_appended);
 *     ...
 *     cairn_stream_tail_options_t from = {.from = CAIRN_FROM_AFTER, .after = last_event_id};
 *     rc = cairn_stream_tail_open(&streams, &tail, cairn_str("run-1"), &from, on_event);
 *
 * A stream is there from its first append until it is cleared or expires.
 *
 * A submit consumes its arguments before it returns. It refuses with
 *     UV_EBUSY       the request is in flight, the tail or the watch is open
 *     UV_EINVAL      an argument is missing or makes no sense; req.detail names it
 *     CAIRN_ETOOBIG  an id is longer than CAIRN_ID_MAX, a TTL or a count too large; named too
 *     CAIRN_ECLOSED  the handle is closed
 *     UV_ENOTSUP     the backend cannot do it: CAIRN_CAP_STREAMS
 *     CAIRN_EFULL, UV_ENOMEM
 *
 * A request ends with 0, UV_ETIMEDOUT, UV_ECANCELED, CAIRN_EMAYBE, the server's error, or what its
 * operation names. Its result is borrowed until the callback returns, and NULL or 0 on error. What
 * is not there is no error. A request's callback may be NULL. */
#ifndef CAIRN_STREAM_H
#define CAIRN_STREAM_H

#include <cairn/cairn.h>
#include <cairn/page.h>
#include <cairn/position.h>
#include <cairn/ttl.h>
#include <cairn/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Events that end a stream for its readers (rule 46). */
#define CAIRN_STREAM_END "__stream_end__"
#define CAIRN_STREAM_ERROR "__stream_error__"
#define CAIRN_STREAM_CANCEL "__stream_cancel__"

/* Used where cairn_streams_options_t says nothing. */
#define CAIRN_STREAM_TTL_MS 300000
#define CAIRN_STREAM_MAX_EVENTS 100000

/* Most entries of one append. */
#define CAIRN_APPEND_MAX 65536

typedef struct cairn_streams_options {
    cairn_ttl_t ttl;     /* every append starts it anew; not given: CAIRN_STREAM_TTL_MS (rule 47) */
    uint64_t max_events; /* the oldest go; 0: CAIRN_STREAM_MAX_EVENTS; UINT64_MAX: no limit */
} cairn_streams_options_t;

/* A view of a handle. Holds no resources, needs no close; must outlive what was started on it. */
typedef struct cairn_streams {
    cairn_t *cairn;
    cairn_streams_options_t options;
} cairn_streams_t;

/* `cairn` need not be open yet. `options` (NULL: all defaults) is copied. UV_EINVAL or
 * CAIRN_ETOOBIG if the TTL is none; `streams` is then left alone. */
CAIRN_MUST_USE int cairn_streams_init(cairn_streams_t *streams, cairn_t *cairn,
                                      const cairn_streams_options_t *options);

/* Borrowed until the callback returns. */
typedef struct cairn_stream_event {
    cairn_position_t position;
    cairn_slice_t event; /* its name */
    cairn_value_t data;
    cairn_slice_t id; /* that it was appended with; absent if none */
} cairn_stream_event_t;

/* Whether the event named `event` ends a stream. */
static inline bool cairn_stream_ends(cairn_slice_t event)
{
    return cairn_slice_eq(event, cairn_str(CAIRN_STREAM_END)) ||
           cairn_slice_eq(event, cairn_str(CAIRN_STREAM_ERROR)) ||
           cairn_slice_eq(event, cairn_str(CAIRN_STREAM_CANCEL));
}

/* ---- append, end, error, cancel ---- */

typedef struct cairn_stream_append cairn_stream_append_t;

typedef struct cairn_stream_appended {
    cairn_position_t position; /* of the last entry; of one that was there already, where it is */
    uint64_t count;            /* how many are new */
} cairn_stream_appended_t;

typedef void (*cairn_stream_append_cb)(cairn_stream_append_t *req, int status,
                                       const cairn_stream_appended_t *appended);

struct cairn_stream_append {
    cairn_req_t req;           /* yours: req.data, req.timeout_ms, req.flags */
    cairn_stream_append_cb cb; /* private */
};

typedef struct cairn_stream_entry {
    cairn_slice_t event; /* name; not empty */
    cairn_value_t data;
    cairn_slice_t id; /* absent: none. An event of this id that the stream still holds is not
                         appended again: with it, CAIRN_REQ_IDEMPOTENT may be set */
} cairn_stream_entry_t;

typedef struct cairn_stream_append_options {
    cairn_ttl_t ttl; /* not given: that of the options of `streams` */

    /* NULL: none. Where the stream must end, or else the append ends with UV_EEXIST; zero: it must
     * hold no event yet. */
    const cairn_position_t *expected_last;
} cairn_stream_append_options_t;

/* Adds entries at the end, all or none, and sends them to the tails, in one step with TTL and
 * length limit (rules 45, 47). Appends of one handle to one stream take effect in the order of
 * their submits. Behind an event that ends the stream nothing is appended: ends with UV_EPIPE,
 * until it is cleared. That, and expected_last, are for what is new: when the stream holds all of
 * the ids, the append ends well. `options` may be NULL. */
CAIRN_MUST_USE int cairn_stream_append(cairn_streams_t *streams, cairn_stream_append_t *req,
                                       cairn_slice_t stream, const cairn_stream_entry_t *entries,
                                       size_t count, const cairn_stream_append_options_t *options,
                                       cairn_stream_append_cb cb);

/* cairn_stream_append of one entry that ends the stream. cairn_stream_cancel is for those who do
 * not produce it: it also reaches the producer's watch. */
CAIRN_MUST_USE int cairn_stream_end(cairn_streams_t *streams, cairn_stream_append_t *req,
                                    cairn_slice_t stream, cairn_value_t data,
                                    cairn_stream_append_cb cb);
CAIRN_MUST_USE int cairn_stream_error(cairn_streams_t *streams, cairn_stream_append_t *req,
                                      cairn_slice_t stream, cairn_value_t data,
                                      cairn_stream_append_cb cb);
CAIRN_MUST_USE int cairn_stream_cancel(cairn_streams_t *streams, cairn_stream_append_t *req,
                                       cairn_slice_t stream, cairn_value_t data,
                                       cairn_stream_append_cb cb);

/* ---- read ---- */

typedef struct cairn_stream_read cairn_stream_read_t;

typedef struct cairn_stream_page {
    const cairn_stream_event_t *events; /* oldest first */
    size_t count;
    bool more; /* the range holds more: behind the last of these, or before the first if `newest` */
    bool ended;            /* the stream's last event, here or not, ended it */
    cairn_position_t last; /* of the stream's last event, here or not; zero: it holds none */
    int64_t lost; /* events behind a non-zero `after` that left the stream, by its length limit,
                     before this read; -1: unknown how many. Not if `newest` */
} cairn_stream_page_t;

typedef void (*cairn_stream_read_cb)(cairn_stream_read_t *req, int status,
                                     const cairn_stream_page_t *page);

struct cairn_stream_read {
    cairn_req_t req;         /* yours: req.data, req.timeout_ms, req.flags */
    cairn_stream_read_cb cb; /* private */
};

/* Zeroed: the whole stream, in pages. The next page is read `after` the last position of this
 * one. */
typedef struct cairn_stream_range {
    cairn_position_t after; /* not this one, those behind it */
    cairn_position_t until; /* up to and with this one; zero: to the end */
    uint32_t page_size;     /* 0: CAIRN_PAGE_DEFAULT; above CAIRN_PAGE_MAX: CAIRN_ETOOBIG */
    bool newest; /* the page at the end of the range instead of the one at its beginning */
} cairn_stream_range_t;

/* `range` may be NULL. */
CAIRN_MUST_USE int cairn_stream_read(cairn_streams_t *streams, cairn_stream_read_t *req,
                                     cairn_slice_t stream, const cairn_stream_range_t *range,
                                     cairn_stream_read_cb cb);

/* ---- clear, copy, length, exists ---- */

typedef struct cairn_stream_count cairn_stream_count_t;
typedef void (*cairn_stream_count_cb)(cairn_stream_count_t *req, int status, uint64_t events);

struct cairn_stream_count {
    cairn_req_t req;          /* yours: req.data, req.timeout_ms, req.flags */
    cairn_stream_count_cb cb; /* private */
};

/* Removes the stream with its groups; the next append begins it anew, behind the positions it had.
 * `events`: how many are gone. */
CAIRN_MUST_USE int cairn_stream_clear(cairn_streams_t *streams, cairn_stream_count_t *req,
                                      cairn_slice_t stream, cairn_stream_count_cb cb);

/* Copies the events with their positions and ids, but no groups, all or none: those that the source
 * held at one moment. `ttl` is the copy's; not given: that of the options of `streams`. `events`:
 * how many there are in the copy; 0 if there is no source. Ends with UV_EEXIST if the target is
 * there, refuses with UV_EINVAL if the two are one. */
CAIRN_MUST_USE int cairn_stream_copy(cairn_streams_t *streams, cairn_stream_count_t *req,
                                     cairn_slice_t source, cairn_slice_t target, cairn_ttl_t ttl,
                                     cairn_stream_count_cb cb);

/* `events`: how many the stream holds. */
CAIRN_MUST_USE int cairn_stream_length(cairn_streams_t *streams, cairn_stream_count_t *req,
                                       cairn_slice_t stream, cairn_stream_count_cb cb);

/* `events`: 1 if the stream is there, else 0. */
CAIRN_MUST_USE int cairn_stream_exists(cairn_streams_t *streams, cairn_stream_count_t *req,
                                       cairn_slice_t stream, cairn_stream_count_cb cb);

/* ---- info ---- */

typedef struct cairn_stream_info cairn_stream_info_t;

typedef struct cairn_stream_facts {
    uint64_t length; /* events held */
    cairn_position_t first, last;
    cairn_slice_t ended_by; /* name of the event that ended it; absent: it goes on */
    int64_t ttl_ms;         /* left to live, or CAIRN_TTL_PERSIST */
    uint64_t groups;
} cairn_stream_facts_t;

/* `facts` is NULL if there is no such stream. */
typedef void (*cairn_stream_info_cb)(cairn_stream_info_t *req, int status,
                                     const cairn_stream_facts_t *facts);

struct cairn_stream_info {
    cairn_req_t req;         /* yours: req.data, req.timeout_ms, req.flags */
    cairn_stream_info_cb cb; /* private */
};

CAIRN_MUST_USE int cairn_stream_info(cairn_streams_t *streams, cairn_stream_info_t *req,
                                     cairn_slice_t stream, cairn_stream_info_cb cb);

/* ---- TTL ---- */

typedef struct cairn_stream_ttl cairn_stream_ttl_t;

/* `ttl_ms`: what there is left to live, after any change: > 0, CAIRN_TTL_PERSIST or
 * CAIRN_TTL_ABSENT. On error CAIRN_TTL_ABSENT. */
typedef void (*cairn_stream_ttl_cb)(cairn_stream_ttl_t *req, int status, int64_t ttl_ms);

struct cairn_stream_ttl {
    cairn_req_t req;        /* yours: req.data, req.timeout_ms, req.flags */
    cairn_stream_ttl_cb cb; /* private */
};

CAIRN_MUST_USE int cairn_stream_ttl(cairn_streams_t *streams, cairn_stream_ttl_t *req,
                                    cairn_slice_t stream, cairn_stream_ttl_cb cb);

/* Until the next append. `ttl` must be given. */
CAIRN_MUST_USE int cairn_stream_set_ttl(cairn_streams_t *streams, cairn_stream_ttl_t *req,
                                        cairn_slice_t stream, cairn_ttl_t ttl,
                                        cairn_stream_ttl_cb cb);

/* ---- tail: follow a stream ---- */

typedef struct cairn_stream_tail cairn_stream_tail_t;

/* Every event once, in the order of the stream: history, then what is appended, across reconnects
 * (rules 45, 48). Everything is legal in it. */
typedef void (*cairn_stream_event_cb)(cairn_stream_tail_t *tail, const cairn_stream_event_t *event);

typedef enum cairn_tail_notice_type {
    CAIRN_TAIL_LIVE = 1, /* history is delivered; what follows comes as it is appended; once, and
                            not at all if history ends the stream */
    CAIRN_TAIL_DISCONNECTED, /* the link is lost; status says why */
    CAIRN_TAIL_RESUMED,      /* back after CAIRN_TAIL_DISCONNECTED; what was missed follows */

    /* Events left the stream, by its length limit or its TTL, before this tail could read them:
     * `lost`, or -1 if unknown. Comes before the next event. So it does, with -1, if the server
     * came back without what it had acknowledged (a failover): then positions begin again before
     * those that were told. */
    CAIRN_TAIL_GAP,

    /* The stream was cleared; what follows is a new beginning. What was cleared before this tail
     * could read it is not told of, nor is a clear while the link was lost. */
    CAIRN_TAIL_CLEARED,
    CAIRN_TAIL_ENDED, /* an event ended the stream, delivered last or before the tail began;
                         nothing follows, not even if the stream is cleared and begun anew */

    /* Over: the server refused it, or the handle closed. Nothing follows. The tail must still be
     * closed, as after CAIRN_TAIL_ENDED, unless the handle closed: status UV_ECANCELED, after which
     * its memory is yours. */
    CAIRN_TAIL_FAILED
} cairn_tail_notice_type_t;

typedef struct cairn_tail_notice {
    cairn_tail_notice_type_t type;
    int status;           /* 0 or why */
    int64_t lost;         /* of CAIRN_TAIL_GAP */
    cairn_slice_t detail; /* in words; borrowed until the callback returns */
} cairn_tail_notice_t;

typedef void (*cairn_tail_notice_cb)(cairn_stream_tail_t *tail, const cairn_tail_notice_t *notice);

/* The last call made for a tail; its memory is yours again. */
typedef void (*cairn_tail_close_cb)(cairn_stream_tail_t *tail);

/* `left`: events that were buffered and could not be delivered before the time was up. */
typedef void (*cairn_tail_drain_cb)(cairn_stream_tail_t *tail, int64_t left);

/* Zero it, set what you want, open; it stays where it is until its close. */
struct cairn_stream_tail {
    void *data;                     /* yours */
    cairn_tail_notice_cb on_notice; /* yours; may be NULL */
    struct cairn_tail *tail;        /* private; NULL when closed */
};

typedef enum cairn_tail_from {
    CAIRN_FROM_NEW, /* what is appended from now on: all that this handle submits after the tail is
                       opened, and of others' all after CAIRN_TAIL_LIVE at the latest */
    CAIRN_FROM_ALL, /* everything the stream holds */
    CAIRN_FROM_AFTER, /* what is behind `after`, for those who come back; if the server has lost it
                         (a failover) CAIRN_TAIL_GAP says so, and it is what comes from now on */
    CAIRN_FROM_LAST   /* the last `last` events */
} cairn_tail_from_t;

typedef struct cairn_stream_tail_options {
    cairn_tail_from_t from;
    cairn_position_t after;
    uint64_t last;
    uint32_t credit; /* events to deliver before cairn_stream_tail_credit; 0: without limit */
    bool stopped;    /* begin stopped */
    /* Buffered at most, while stopped or out of credit. A stream keeps what a slow reader has not
     * read, so nothing is lost by a small buffer: it is read again (rule 50). */
    uint32_t max_events; /* 0: 1,024 */
    uint64_t max_bytes;  /* 0: 1 MiB; one event may be larger */
} cairn_stream_tail_options_t;

/* Follows `stream`, which need not be there yet. `options` may be NULL: from now on. Copies stream
 * and options. There is no request and thus no detail: UV_EINVAL for a missing stream or on_event,
 * a `from` that is none. */
CAIRN_MUST_USE int cairn_stream_tail_open(cairn_streams_t *streams, cairn_stream_tail_t *tail,
                                          cairn_slice_t stream,
                                          const cairn_stream_tail_options_t *options,
                                          cairn_stream_event_cb on_event);

/* Stop: no event is delivered until start. Start: deliver again, beginning later on the loop.
 * Idempotent. On a tail that is closed these and credit do nothing. */
void cairn_stream_tail_stop(cairn_stream_tail_t *tail);
void cairn_stream_tail_start(cairn_stream_tail_t *tail);

/* Allows `events` more. Only with options.credit > 0; otherwise does nothing. */
void cairn_stream_tail_credit(cairn_stream_tail_t *tail, uint32_t events);

/* Of the event delivered last; before the first, where the tail began. Zero if closed. */
cairn_position_t cairn_stream_tail_position(const cairn_stream_tail_t *tail);

/* No event after this call; what is buffered is discarded. `close_cb` (may be NULL) runs later on
 * the loop. Legal anywhere. Closing what is closed or closing does nothing. */
void cairn_stream_tail_close(cairn_stream_tail_t *tail, cairn_tail_close_cb close_cb);

/* Takes no new event, delivers what is buffered, then closes. Needs the tail started and with
 * credit to get anywhere; after `timeout_ms` it closes all the same. `drain_cb` (may be NULL) is
 * the last call (rule 51). UV_EALREADY if closed, closing or draining. */
CAIRN_MUST_USE int cairn_stream_tail_drain(cairn_stream_tail_t *tail, uint32_t timeout_ms,
                                           cairn_tail_drain_cb drain_cb);

/* ---- watch: learn that a run was cancelled ---- */

typedef struct cairn_stream_watch cairn_stream_watch_t;

/* At most once. Status 0: cancelled, by `event`, before or after the watch was opened; also across
 * reconnects. <0: it will never be known; `event` is NULL. The watch must still be closed, unless
 * the handle closed: status UV_ECANCELED, after which its memory is yours. */
typedef void (*cairn_stream_watch_cb)(cairn_stream_watch_t *watch, int status,
                                      const cairn_stream_event_t *event);

/* The last call made for a watch; its memory is yours again. */
typedef void (*cairn_watch_close_cb)(cairn_stream_watch_t *watch);

/* Zero it, open; it stays where it is until its close. */
struct cairn_stream_watch {
    void *data;                /* yours */
    struct cairn_watch *watch; /* private; NULL when closed */
};

/* For the producer (rule 46). Refuses as cairn_stream_tail_open does. */
CAIRN_MUST_USE int cairn_stream_watch_open(cairn_streams_t *streams, cairn_stream_watch_t *watch,
                                           cairn_slice_t stream, cairn_stream_watch_cb on_cancel);

/* No call of on_cancel after this one. `close_cb` (may be NULL) runs later on the loop. Legal
 * anywhere. Closing what is closed or closing does nothing. */
void cairn_stream_watch_close(cairn_stream_watch_t *watch, cairn_watch_close_cb close_cb);

#ifdef __cplusplus
}
#endif
#endif
