/* Groups: workers that share a run stream, each event to one of them, until it is acknowledged
 * (semantics.md rule 49).
 *
 * At least once: an event that a member holds and does not acknowledge is delivered again, to
 * whoever claims it, or to anybody after a nak. What left the stream by its length limit is not.
 * What a stream is, what a submit refuses and what ends a request: <cairn/stream.h>; the capability
 * is CAIRN_CAP_STREAM_GROUPS. On a group that is not there every operation but create ends with
 * UV_ENOENT. */
#ifndef CAIRN_GROUP_H
#define CAIRN_GROUP_H

#include <cairn/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Most positions of one ack or nak. */
#define CAIRN_ACK_MAX 65536

/* ---- create, destroy, ack, nak ---- */

typedef struct cairn_group_change cairn_group_change_t;

/* `count`: of ack and nak, how many events the group was waiting for; of create, 1 if it is new; of
 * destroy, 1 if it was there. */
typedef void (*cairn_group_change_cb)(cairn_group_change_t *req, int status, uint64_t count);

struct cairn_group_change {
    cairn_req_t req;          /* yours: req.data, req.timeout_ms, req.flags */
    cairn_group_change_cb cb; /* private */
};

typedef struct cairn_group_options {
    cairn_tail_from_t from; /* what the first member reads first: as of a tail */
    cairn_position_t after;
    uint64_t last;
    /* After so many deliveries without ack, the next nak, read or claim of the event moves it to
     * the dead-letter stream instead; 0: never. There it is appended whatever that stream holds,
     * ended or not, with the TTL and the length limit of the options of `streams`; only an event
     * that ends a stream is given up without that. */
    uint32_t max_deliveries;
    cairn_slice_t dead_letter; /* that stream's id; must be present if max_deliveries > 0 */
} cairn_group_options_t;

/* Makes a group, and its stream, with the TTL of the options of `streams`, if that is not there.
 * One that is there stays as it is. `options` may be NULL: from now on, without dead letters. */
CAIRN_MUST_USE int cairn_group_create(cairn_streams_t *streams, cairn_group_change_t *req,
                                      cairn_slice_t stream, cairn_slice_t group,
                                      const cairn_group_options_t *options,
                                      cairn_group_change_cb cb);

/* Forgets the group and what its members hold; the stream stays. */
CAIRN_MUST_USE int cairn_group_destroy(cairn_streams_t *streams, cairn_group_change_t *req,
                                       cairn_slice_t stream, cairn_slice_t group,
                                       cairn_group_change_cb cb);

/* These are done with. Positions that nobody holds do not count. */
CAIRN_MUST_USE int cairn_group_ack(cairn_streams_t *streams, cairn_group_change_t *req,
                                   cairn_slice_t stream, cairn_slice_t group,
                                   const cairn_position_t *positions, size_t count,
                                   cairn_group_change_cb cb);

/* These are not: deliver them again, to any member, in `delay_ms` at the earliest. */
CAIRN_MUST_USE int cairn_group_nak(cairn_streams_t *streams, cairn_group_change_t *req,
                                   cairn_slice_t stream, cairn_slice_t group,
                                   const cairn_position_t *positions, size_t count,
                                   uint64_t delay_ms, cairn_group_change_cb cb);

/* ---- read, claim ---- */

typedef struct cairn_group_read cairn_group_read_t;

typedef struct cairn_delivery {
    cairn_stream_event_t event;
    uint64_t deliveries; /* of this event, this one included */
} cairn_delivery_t;

typedef void (*cairn_group_read_cb)(cairn_group_read_t *req, int status,
                                    const cairn_delivery_t *deliveries, size_t count);

struct cairn_group_read {
    cairn_req_t req;        /* yours: req.data, req.timeout_ms, req.flags */
    cairn_group_read_cb cb; /* private */
};

/* Gives `member` up to `most` (1 ... CAIRN_PAGE_MAX) events: those whose nak is due, then new ones.
 * A member is a name; reading makes it. If there is none, waits up to `wait_ms` for the first; none
 * then is no error. UV_EINVAL if the request's deadline is not beyond `wait_ms`. */
CAIRN_MUST_USE int cairn_group_read(cairn_streams_t *streams, cairn_group_read_t *req,
                                    cairn_slice_t stream, cairn_slice_t group, cairn_slice_t member,
                                    uint32_t most, uint32_t wait_ms, cairn_group_read_cb cb);

/* Gives `member` up to `most` (1 ... CAIRN_PAGE_MAX) events that members, itself included, have
 * held for `min_idle_ms` or longer. What a nak gave back is held by nobody. */
CAIRN_MUST_USE int cairn_group_claim(cairn_streams_t *streams, cairn_group_read_t *req,
                                     cairn_slice_t stream, cairn_slice_t group,
                                     cairn_slice_t member, uint32_t most, uint64_t min_idle_ms,
                                     cairn_group_read_cb cb);

/* ---- info ---- */

typedef struct cairn_group_info cairn_group_info_t;

typedef struct cairn_group_facts {
    uint64_t waiting; /* events not delivered to anybody yet */
    uint64_t held;    /* delivered and not acknowledged, those after a nak included */
    uint64_t members;
    cairn_position_t delivered; /* the last one */
} cairn_group_facts_t;

typedef void (*cairn_group_info_cb)(cairn_group_info_t *req, int status,
                                    const cairn_group_facts_t *facts);

struct cairn_group_info {
    cairn_req_t req;        /* yours: req.data, req.timeout_ms, req.flags */
    cairn_group_info_cb cb; /* private */
};

CAIRN_MUST_USE int cairn_group_info(cairn_streams_t *streams, cairn_group_info_t *req,
                                    cairn_slice_t stream, cairn_slice_t group,
                                    cairn_group_info_cb cb);

#ifdef __cplusplus
}
#endif
#endif
