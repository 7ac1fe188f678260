/* For backends: the operations of run streams and of their groups, and what core keeps of a stream
 * that is followed.
 *
 * Core has checked every argument and filled every default before it calls; slices and arrays are
 * consumed before an operation returns. <0 refuses the submit. 0 promises one call of the done
 * function named, or of the host's fail, later, never inside the operation. Results are borrowed
 * for that call; in them an absent slice has a NULL ptr and a present one has not, empty or not.
 * The structs of <cairn/stream.h> and <cairn/group.h> never grow within a major version; the args
 * here may, at their end. */
#ifndef CAIRN_SYS_STREAM_H
#define CAIRN_SYS_STREAM_H

#include <cairn/group.h>
#include <cairn/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cairn_stream_append_args {
    uint32_t size; /* sizeof of the headers core was built with, as in all args */
    cairn_slice_t stream;
    const cairn_stream_entry_t *entries; /* one that ends a stream is the last: cairn_stream_ends */
    size_t count;                        /* > 0 */
    const cairn_position_t *expected_last; /* may be NULL */
    int64_t ttl_ms;                        /* > 0, or CAIRN_TTL_PERSIST */
    uint64_t max_events;                   /* > 0; UINT64_MAX: no limit */
} cairn_stream_append_args_t;

typedef struct cairn_stream_read_args {
    uint32_t size;
    cairn_slice_t stream;
    cairn_position_t after;
    cairn_position_t until; /* zero: to the end */
    uint32_t most;          /* > 0 */
    bool newest;
    bool may_lag; /* it may tell how the stream was a while ago, if the options have reads go to who
                     may be behind. Core's own, for tails, may not */
} cairn_stream_read_args_t;

typedef struct cairn_stream_copy_args {
    uint32_t size;
    cairn_slice_t source;
    cairn_slice_t target;
    int64_t ttl_ms; /* > 0, or CAIRN_TTL_PERSIST */
} cairn_stream_copy_args_t;

typedef struct cairn_group_create_args {
    uint32_t size;
    cairn_slice_t stream;
    cairn_slice_t group;
    cairn_tail_from_t from;
    cairn_position_t after;
    uint64_t last;
    uint32_t max_deliveries;   /* 0: no dead letters */
    cairn_slice_t dead_letter; /* absent if so */
    int64_t ttl_ms;      /* of the stream, if it is made here, and of the dead-letter stream */
    uint64_t max_events; /* of the dead-letter stream */
} cairn_group_create_args_t;

typedef struct cairn_group_ack_args {
    uint32_t size;
    cairn_slice_t stream;
    cairn_slice_t group;
    const cairn_position_t *positions;
    size_t count;
    uint64_t delay_ms; /* of nak */
} cairn_group_ack_args_t;

typedef struct cairn_group_read_args {
    uint32_t size;
    cairn_slice_t stream;
    cairn_slice_t group;
    cairn_slice_t member;
    uint32_t most;        /* > 0 */
    uint32_t wait_ms;     /* of read */
    uint64_t min_idle_ms; /* of claim */
} cairn_group_read_args_t;

/* A stream that somebody in this handle tails or watches. Core owns it, from feed_open until the
 * backend calls host feed_closed; core joins history and live events by position, finds gaps by the
 * predecessor and repairs them with read, buffers, counts credit, and fans out. One feed a
 * stream. */
typedef struct cairn_feed {
    cairn_slice_t stream; /* lives as long as the feed */
    void *data;           /* the backend's */
    uint64_t counter;     /* the backend's; 0 at first */
} cairn_feed_t;

/* "Must": with CAIRN_CAP_STREAMS; groups with CAIRN_CAP_STREAM_GROUPS. */
typedef struct cairn_stream_ops {
    uint32_t size; /* sizeof(cairn_stream_ops_t) of the headers the backend was built with */

    /* Must. append_done, or fail with UV_EEXIST (not expected_last) or UV_EPIPE (ended). All
     * entries, TTL and length limit in one atomic step, which also makes the events go to the
     * feeds, here and elsewhere. What else is kept of them may follow, without
     * CAIRN_CAP_STREAMS_ATOMIC. */
    int (*append)(void *self, cairn_stream_append_t *req, const cairn_stream_append_args_t *args);

    /* Must. read_done. All of the page, `last`, `ended` and `lost` included, is of one moment; what
     * was pushed before that moment began is in it or gone. */
    int (*read)(void *self, cairn_stream_read_t *req, const cairn_stream_read_args_t *args);

    /* Must. count_done: of clear, how many events are gone; of exists, 1 or 0. */
    int (*clear)(void *self, cairn_stream_count_t *req, cairn_slice_t stream);
    int (*length)(void *self, cairn_stream_count_t *req, cairn_slice_t stream);
    int (*exists)(void *self, cairn_stream_count_t *req, cairn_slice_t stream);

    /* Must. count_done, or fail with UV_EEXIST. */
    int (*copy)(void *self, cairn_stream_count_t *req, const cairn_stream_copy_args_t *args);

    /* Must. info_done. */
    int (*info)(void *self, cairn_stream_info_t *req, cairn_slice_t stream);

    /* Must. ttl_done, with what there is left; after set_ttl, with what has been set. */
    int (*ttl)(void *self, cairn_stream_ttl_t *req, cairn_slice_t stream);
    int (*set_ttl)(void *self, cairn_stream_ttl_t *req, cairn_slice_t stream, int64_t ttl_ms);

    /* Must. Start receiving what is appended: later, host feed_up, or feed_failed. May be called
     * again for a feed whose feed_close has not been answered by feed_closed: then it lives on. <0:
     * the tail or watch is refused and the feed goes without feed_close. */
    int (*feed_open)(void *self, cairn_feed_t *feed);

    /* Must. Stop receiving: later (or at once) host feed_closed, unless feed_open is called
     * before. */
    void (*feed_close)(void *self, cairn_feed_t *feed);

    /* Must. change_done, or fail with UV_ENOENT (not of create). */
    int (*group_create)(void *self, cairn_group_change_t *req,
                        const cairn_group_create_args_t *args);
    int (*group_destroy)(void *self, cairn_group_change_t *req, cairn_slice_t stream,
                         cairn_slice_t group);
    int (*group_ack)(void *self, cairn_group_change_t *req, const cairn_group_ack_args_t *args);
    int (*group_nak)(void *self, cairn_group_change_t *req, const cairn_group_ack_args_t *args);

    /* Must. group_read_done, or fail with UV_ENOENT. */
    int (*group_read)(void *self, cairn_group_read_t *req, const cairn_group_read_args_t *args);
    int (*group_claim)(void *self, cairn_group_read_t *req, const cairn_group_read_args_t *args);

    /* Must. group_info_done, or fail with UV_ENOENT. */
    int (*group_info)(void *self, cairn_group_info_t *req, cairn_slice_t stream,
                      cairn_slice_t group);
} cairn_stream_ops_t;

/* The ways up; host->api->stream. The request is no longer the backend's when one is called. */
typedef struct cairn_stream_done {
    uint32_t size;
    void (*append_done)(cairn_stream_append_t *req, const cairn_stream_appended_t *appended);
    void (*read_done)(cairn_stream_read_t *req, const cairn_stream_page_t *page);
    void (*count_done)(cairn_stream_count_t *req, uint64_t events);
    void (*info_done)(cairn_stream_info_t *req, const cairn_stream_facts_t *facts);
    void (*ttl_done)(cairn_stream_ttl_t *req, int64_t ttl_ms);
    void (*change_done)(cairn_group_change_t *req, uint64_t count);
    void (*group_read_done)(cairn_group_read_t *req, const cairn_delivery_t *deliveries,
                            size_t count);
    void (*group_info_done)(cairn_group_info_t *req, const cairn_group_facts_t *facts);
} cairn_stream_done_t;

struct cairn_host;

/* The ways up for feeds; host->api->feeds. All but feed_up, feed_closed and the finders may call
 * the application, and thus may not be called inside a submit. */
typedef struct cairn_feed_done {
    uint32_t size;
    /* All of them, in the order they were opened: NULL begins, NULL ends. Stable against opens and
     * closes. */
    cairn_feed_t *(*feed_next)(const struct cairn_host *host, const cairn_feed_t *previous);
    cairn_feed_t *(*feed_find)(const struct cairn_host *host, cairn_slice_t stream);
    /* Receiving begins, or is back: what is appended from now on will be handed over, and core
     * reads what was before. A read submitted from now on tells everything whose push was missed.
     */
    void (*feed_up)(const struct cairn_host *host, cairn_feed_t *feed);
    /* An append, in the order of the stream. `previous`: the position of the event that was the
     * stream's last when this one was appended; zero if it held none. Events left out, repeated or
     * out of order do no harm: core sees it by `previous` and reads. After a copy into a stream
     * that is followed the last event alone will do. */
    void (*feed_event)(const struct cairn_host *host, cairn_feed_t *feed, cairn_position_t previous,
                       const cairn_stream_event_t *event);
    /* The stream was cleared, in order with the events. */
    void (*feed_cleared)(const struct cairn_host *host, cairn_feed_t *feed);
    /* The server refuses it: its tails and watches fail, and it goes without feed_close. */
    void (*feed_failed)(const struct cairn_host *host, cairn_feed_t *feed, int status,
                        cairn_slice_t detail);
    /* The link that feeds come over is lost; all that were up are down until feed_up. */
    void (*feeds_down)(const struct cairn_host *host, int status, cairn_slice_t detail);
    /* Answers feed_close: nothing refers to it any more. Frees it. */
    void (*feed_closed)(const struct cairn_host *host, cairn_feed_t *feed);
    /* feeds_down of one, where feeds come over several links. */
    void (*feed_down)(const struct cairn_host *host, cairn_feed_t *feed, int status,
                      cairn_slice_t detail);
} cairn_feed_done_t;

#ifdef __cplusplus
}
#endif
#endif
