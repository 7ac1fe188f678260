/* A subscription: what stands between a topic and the application's callback. */
#ifndef CAIRN_CORE_SUB_H
#define CAIRN_CORE_SUB_H

#include "core.h"
#include "message_ring.h"

typedef enum sub_state {
    SUB_OPEN,
    SUB_DRAINING, /* takes nothing new; closes when the ring is empty or the time is up */
    SUB_FAILING,  /* takes nothing new; FAILED follows when the ring is empty */
    SUB_FAILED,   /* FAILED was told; waits for unsubscribe */
    SUB_CLOSING   /* its last task is deferred */
} sub_state_t;

typedef struct cairn_sub {
    cairn_broker_sub_t *handle; /* the caller's */
    cairn_core_t *core;
    topic_t *topic; /* NULL once the server refused it */
    cairn_link_t in_topic;
    cairn_link_t in_core; /* cairn_core_t.subs */
    cairn_task_t task;
    cairn_broker_message_cb on_message;

    sub_state_t state;
    cairn_broker_policy_t policy;
    bool started;
    bool live;        /* the server is sending: messages belong to it */
    bool missed_link; /* was live when the link was lost */
    bool kept_out;    /* has been told why it is not live yet */
    bool metered;     /* counts credit */
    bool slow;        /* the policy applies since the ring was last empty */
    uint8_t due;      /* events to tell, SUB_DUE_* */
    uint32_t credit;
    int64_t lost; /* since the newest record in the ring, to be told before the next; -1: unknown */
    uint64_t dropped;
    message_ring_t ring;

    int fail_status;
    cairn_deadline_t drain_deadline;
    cairn_broker_drain_cb drain_cb;
    cairn_broker_close_cb close_cb;
} cairn_sub_t;

/* Attaches `handle` to its topic, which is opened if it is the first. Copies name and options. */
int sub_open(cairn_core_t *core, cairn_broker_sub_t *handle, bool pattern, cairn_slice_t name,
             const cairn_broker_sub_options_t *options, cairn_broker_message_cb on_message);

/* From the application. */
void sub_stop(cairn_sub_t *sub);
void sub_start(cairn_sub_t *sub);
void sub_credit(cairn_sub_t *sub, uint32_t messages);
void sub_close(cairn_sub_t *sub, cairn_broker_close_cb close_cb);
int sub_drain(cairn_sub_t *sub, uint32_t timeout_ms, cairn_broker_drain_cb drain_cb);

/* Messages and events from the backend. All but `later` and `up` may call the application. */
bool sub_offer_now(cairn_sub_t *sub, const cairn_broker_message_t *message);
bool sub_offer_later(cairn_sub_t *sub, const cairn_broker_message_t *message);
void sub_up(cairn_sub_t *sub);
void sub_down(cairn_sub_t *sub, int status, cairn_slice_t detail);
void sub_kept_out(cairn_sub_t *sub, int status, cairn_slice_t detail);
void sub_fail(cairn_sub_t *sub, int status, cairn_slice_t detail);

/* The handle closes: FAILED with UV_ECANCELED (or the close the caller is waiting for), then the
 * subscription is gone. */
void sub_end(cairn_sub_t *sub);

#endif
