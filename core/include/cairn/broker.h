/* The broker's live side: topics. At most once, fire and forget (semantics.md rules 44, 50, 51).
 * Its durable side, run streams, is <cairn/stream.h>.
 *
 *     cairn_broker_t broker;
 *     cairn_broker_init(&broker, &cairn);
 *     cairn_broker_subscribe(&broker, &sub, cairn_str("news"), NULL, on_message);
 *     cairn_broker_publish(&broker, &req, cairn_str("news"), cairn_str("hello"), on_published);
 */
#ifndef CAIRN_BROKER_H
#define CAIRN_BROKER_H

#include <cairn/cairn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Longest channel or pattern, in bytes. */
#define CAIRN_CHANNEL_MAX 65536

/* A view of a handle. Holds no resources, needs no close; must outlive what was started on it. */
typedef struct cairn_broker {
    cairn_t *cairn;
} cairn_broker_t;

/* `cairn` need not be open yet. */
void cairn_broker_init(cairn_broker_t *broker, cairn_t *cairn);

/* ---- publish ---- */

typedef struct cairn_broker_publish cairn_broker_publish_t;

/* `receivers`: how many subscribers got it, as the backend counts them: subscriptions in memory,
 * connections in Redis; -1 where it cannot know (no CAIRN_CAP_RECEIVERS, as in a cluster without
 * sharded_topics), or on error. */
typedef void (*cairn_broker_publish_cb)(cairn_broker_publish_t *req, int status, int64_t receivers);

struct cairn_broker_publish {
    cairn_req_t req;            /* yours: req.data, req.timeout_ms, req.flags */
    cairn_broker_publish_cb cb; /* private */
    int64_t receivers;          /* private */
};

/* Sends `payload` to whoever is subscribed to `channel` now. Copies both. Messages of one handle
 * to one channel arrive in the order of their submits. `cb` may be NULL.
 * Refuses with UV_EINVAL (empty channel), CAIRN_ETOOBIG, CAIRN_EFULL, CAIRN_ECLOSED, UV_EBUSY
 * (request in flight), UV_ENOTSUP, UV_ENOMEM. Ends with 0, UV_ETIMEDOUT, UV_ECANCELED,
 * CAIRN_EMAYBE, or the server's error: CAIRN_EAUTH as soon as it refuses user and password. */
CAIRN_MUST_USE int cairn_broker_publish(cairn_broker_t *broker, cairn_broker_publish_t *req,
                                        cairn_slice_t channel, cairn_slice_t payload,
                                        cairn_broker_publish_cb cb);

/* ---- subscribe ---- */

typedef struct cairn_broker_sub cairn_broker_sub_t;

/* Borrowed until the callback returns. */
typedef struct cairn_broker_message {
    cairn_slice_t channel; /* that it was published to */
    cairn_slice_t pattern; /* that matched; empty for a channel's subscription */
    cairn_slice_t payload;
} cairn_broker_message_t;

typedef void (*cairn_broker_message_cb)(cairn_broker_sub_t *sub,
                                        const cairn_broker_message_t *message);

typedef enum cairn_broker_event_type {
    CAIRN_SUB_SUBSCRIBED = 1, /* messages published from now on arrive; once */
    CAIRN_SUB_DISCONNECTED,   /* the link is lost, or with sharded_topics the channel's slot goes to
                                 another node: messages are being missed; status says why. Before
                                 SUBSCRIBED, which follows: the connection that subscriptions have
                                 of their own could not be had yet, though the handle has one */
    CAIRN_SUB_GAP,            /* messages were lost before the next one: `lost`, or -1 if unknown */
    CAIRN_SUB_RESUBSCRIBED, /* back after CAIRN_SUB_DISCONNECTED; its GAP has come before, or waits
                               in order behind what is buffered */
    CAIRN_SUB_SLOW,         /* the buffer is full: the policy applies; its GAP follows in order */
    CAIRN_SUB_FAILED /* over: the server refused it, or the policy closed it, or the handle closed.
                        No message follows. The subscription must still be unsubscribed, unless the
                        handle closed: status UV_ECANCELED, after which its memory is yours. */
} cairn_broker_event_type_t;

typedef struct cairn_broker_event {
    cairn_broker_event_type_t type;
    int status;           /* 0 or why */
    int64_t lost;         /* of GAP: how many messages, or -1 */
    cairn_slice_t detail; /* in words; borrowed until the callback returns */
} cairn_broker_event_t;

typedef void (*cairn_broker_event_cb)(cairn_broker_sub_t *sub, const cairn_broker_event_t *event);

/* The last call made for a subscription; its memory is yours again. */
typedef void (*cairn_broker_close_cb)(cairn_broker_sub_t *sub);

/* `left`: messages that were buffered and could not be delivered before the time was up. */
typedef void (*cairn_broker_drain_cb)(cairn_broker_sub_t *sub, int64_t left);

/* Zero it, set what you want, subscribe; it stays where it is until its close. */
struct cairn_broker_sub {
    void *data;                     /* yours */
    cairn_broker_event_cb on_event; /* yours; may be NULL */
    struct cairn_sub *sub;          /* private; NULL when closed */
};

/* What happens to messages that come while the subscription is stopped, out of credit, or not yet
 * handed over, and its buffer is full. */
typedef enum cairn_broker_policy {
    CAIRN_DROP_OLDEST, /* make room: the newest are the ones worth having */
    CAIRN_DROP_NEWEST, /* keep what is there */
    CAIRN_CLOSE_SLOW   /* CAIRN_SUB_FAILED with CAIRN_ESLOW, after what is buffered */
} cairn_broker_policy_t;

typedef struct cairn_broker_sub_options {
    cairn_broker_policy_t policy;
    uint32_t max_messages; /* buffered; 0: 65,536 */
    uint64_t max_bytes;    /* buffered, 32 a message on top; 0: 8 MiB. Allocated as needed */
    uint32_t credit;       /* messages to deliver before cairn_broker_credit; 0: without limit */
    bool stopped;          /* begin stopped: buffer until cairn_broker_start */
} cairn_broker_sub_options_t;

/* From SUBSCRIBED on, calls `on_message` for each message to `channel`, in order, each subscription
 * with its own copy. `options` may be NULL. Reconnects keep it; see the events. Copies channel and
 * options. Refuses with UV_EINVAL (empty channel, no on_message, bad policy), CAIRN_ETOOBIG,
 * CAIRN_ECLOSED, UV_EBUSY (already subscribed), UV_ENOTSUP, UV_ENOMEM. */
CAIRN_MUST_USE int cairn_broker_subscribe(cairn_broker_t *broker, cairn_broker_sub_t *sub,
                                          cairn_slice_t channel,
                                          const cairn_broker_sub_options_t *options,
                                          cairn_broker_message_cb on_message);

/* The same for all channels that match a glob of Redis's kind: * ? [a-z] [^a] and \ to escape. In a
 * cluster with sharded_topics there are no patterns: UV_ENOTSUP, or CAIRN_SUB_FAILED with it where
 * that is not known yet. */
CAIRN_MUST_USE int cairn_broker_psubscribe(cairn_broker_t *broker, cairn_broker_sub_t *sub,
                                           cairn_slice_t pattern,
                                           const cairn_broker_sub_options_t *options,
                                           cairn_broker_message_cb on_message);

/* Stop: no message is delivered until start; they buffer under the policy. Start: deliver again,
 * beginning later on the loop. Idempotent. On a subscription that is closed they do nothing. */
void cairn_broker_stop(cairn_broker_sub_t *sub);
void cairn_broker_start(cairn_broker_sub_t *sub);

/* Allows `messages` more. Only with options.credit > 0; otherwise does nothing. */
void cairn_broker_credit(cairn_broker_sub_t *sub, uint32_t messages);

/* Messages buffered now. */
size_t cairn_broker_buffered(const cairn_broker_sub_t *sub);

/* Messages this subscription lost to its policy so far. */
uint64_t cairn_broker_dropped(const cairn_broker_sub_t *sub);

/* No message after this call; what is buffered is discarded. `close_cb` (may be NULL) runs later on
 * the loop. Legal anywhere. Unsubscribing what is closed or closing does nothing; what is draining
 * ends its drain at once: drain_cb runs, then close_cb. */
void cairn_broker_unsubscribe(cairn_broker_sub_t *sub, cairn_broker_close_cb close_cb);

/* Takes no new message, delivers what is buffered, then closes. Needs the subscription started and
 * with credit to get anywhere; after `timeout_ms` it closes all the same. `drain_cb` (may be NULL)
 * is the last call, unless you unsubscribe meanwhile. UV_EALREADY if closed, closing, draining. */
CAIRN_MUST_USE int cairn_broker_drain(cairn_broker_sub_t *sub, uint32_t timeout_ms,
                                      cairn_broker_drain_cb drain_cb);

#ifdef __cplusplus
}
#endif
#endif
