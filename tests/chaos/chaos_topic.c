/* Topics: numbered messages, each at most once and in order; and no subscription misses one that
 * was published for sure unless it was told so (a gap) before the next. */
#include "chaos.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PUBLISHERS = 3,
    LISTENERS = 6,
    MESSAGES = 4096 /* of a publisher in a round */
};

typedef struct publisher {
    chaos_actor_t actor;
    char channel[CHAOS_NAME];
    unsigned last;
    uint8_t outcomes[MESSAGES]; /* 1 + chaos_outcome_t; 0: in flight, or not asked for */
    cairn_broker_publish_t publish;
} publisher_t;

typedef struct listener {
    chaos_link_t *link;
    const publisher_t *publisher;
    cairn_broker_sub_t sub;
    unsigned last; /* number seen */
    bool any;      /* the next may be any behind that */
    bool closed;
    uint8_t seen[MESSAGES];
    uint8_t missed[MESSAGES]; /* between two messages, with no gap told of */
} listener_t;

static publisher_t *publishers;
static listener_t *listeners;

/* ---- publishing ---- */

static void on_published(cairn_broker_publish_t *req, int status, int64_t receivers)
{
    publisher_t *publisher = req->req.data;
    (void)receivers;
    const chaos_outcome_t outcome = chaos_answered(&publisher->actor, &req->req, status);
    publisher->outcomes[publisher->last] = (uint8_t)(1 + outcome);
}

static void act(chaos_actor_t *actor)
{
    publisher_t *publisher = (publisher_t *)actor;
    char payload[64];
    if (publisher->last + 1 >= MESSAGES) return;
    publisher->last++;
    snprintf(payload, sizeof payload, "%u of %s", publisher->last, publisher->channel);
    chaos_ask(actor, CHAOS_PUBLISH, &publisher->publish.req, 0);
    const bool accepted = chaos_asked(
        actor, &publisher->publish.req,
        cairn_broker_publish(&actor->link->broker, &publisher->publish,
                             cairn_str(publisher->channel), cairn_str(payload), on_published));
    if (!accepted) publisher->outcomes[publisher->last] = 1 + CHAOS_NOT_DONE;
}

/* ---- listening ---- */

/* What is in doubt may come late; what is not comes in order. */
static void take(listener_t *listener, unsigned number)
{
    const publisher_t *publisher = listener->publisher;
    chaos_t *chaos = listener->link->chaos;
    const char *channel = publisher->channel, *link = listener->link->name;
    if (listener->seen[number]++)
        chaos_flaw(chaos, "%s on %s: message %u came twice", channel, link, number);
    if (publisher->outcomes[number] == 1 + CHAOS_NOT_DONE)
        chaos_flaw(chaos, "%s on %s: message %u came, which was refused", channel, link, number);
    if (number < listener->last) {
        if (publisher->outcomes[number] != 1 + CHAOS_IN_DOUBT)
            chaos_flaw(chaos, "%s on %s: message %u behind %u", channel, link, number,
                       listener->last);
        return;
    }
    if (!listener->any)
        memset(listener->missed + listener->last + 1, 1, number - listener->last - 1);
    listener->any = false;
    listener->last = number;
}

static void on_message(cairn_broker_sub_t *sub, const cairn_broker_message_t *message)
{
    listener_t *listener = sub->data;
    char expected[64], head[16];
    unsigned number = 0;
    listener->link->chaos->told++;
    snprintf(head, sizeof head, "%.*s", (int)(message->payload.len < 8 ? message->payload.len : 8),
             message->payload.ptr);
    if (sscanf(head, "%u", &number) == 1)
        snprintf(expected, sizeof expected, "%u of %s", number, listener->publisher->channel);
    if (number == 0 || number > listener->publisher->last ||
        !cairn_slice_eq(message->payload, cairn_str(expected)))
        chaos_flaw(listener->link->chaos, "%s on %s: a message that nobody published",
                   listener->publisher->channel, listener->link->name);
    else
        take(listener, number);
}

static void on_event(cairn_broker_sub_t *sub, const cairn_broker_event_t *event)
{
    listener_t *listener = sub->data;
    if (event->type == CAIRN_SUB_GAP) listener->any = true;
    if (event->type == CAIRN_SUB_FAILED)
        chaos_flaw(listener->link->chaos, "%s on %s: the subscription failed: %s",
                   listener->publisher->channel, listener->link->name,
                   cairn_err_name(event->status));
}

static void on_unsubscribed(cairn_broker_sub_t *sub)
{
    listener_t *listener = sub->data;
    listener->closed = true;
}

/* ---- the round ---- */

static void begin(chaos_t *chaos)
{
    publishers = calloc(PUBLISHERS, sizeof *publishers);
    listeners = calloc(LISTENERS, sizeof *listeners);
    if (!publishers || !listeners) abort();
    for (int i = 0; i < PUBLISHERS; i++) {
        snprintf(publishers[i].channel, sizeof publishers[i].channel, "c%u-%d", chaos->round, i);
        chaos_add(chaos, &publishers[i].actor, &chaos->links[i % CHAOS_LINKS], act);
    }
    for (int i = 0; i < LISTENERS; i++) {
        listener_t *listener = &listeners[i];
        listener->publisher = &publishers[i % PUBLISHERS];
        listener->link = &chaos->links[(i + i / PUBLISHERS) % CHAOS_LINKS];
        listener->any = true;
        listener->sub.data = listener;
        listener->sub.on_event = on_event;
        int rc = cairn_broker_subscribe(&listener->link->broker, &listener->sub,
                                        cairn_str(listener->publisher->channel), NULL, on_message);
        if (rc != 0) chaos_flaw(chaos, "a subscription was refused: %s", cairn_err_name(rc));
    }
}

typedef struct hearing {
    chaos_t *chaos;
    publisher_t *publisher;
} hearing_t;

/* Publishes until everybody heard something: then every subscription is back. */
static bool hear_all(void *ctx)
{
    const hearing_t *hearing = ctx;
    publisher_t *publisher = hearing->publisher;
    if (publisher->actor.busy) return false;
    bool all = true;
    for (int i = 0; i < LISTENERS; i++) {
        const listener_t *listener = &listeners[i];
        if (listener->publisher == publisher) all = all && listener->last == publisher->last;
    }
    if (!all || publisher->last == 0) {
        if (chaos_now_ms() >= publisher->actor.next_at_ms) act(&publisher->actor);
        return false;
    }
    return true;
}

static void settle(chaos_t *chaos)
{
    for (int i = 0; i < PUBLISHERS; i++) {
        publishers[i].actor.link = &chaos->clean;
        hearing_t hearing = {chaos, &publishers[i]};
        chaos_await(chaos, "subscriptions to be back", hear_all, &hearing);
        chaos_wait(&publishers[i].actor);
    }
}

static bool is_closed(void *ctx)
{
    const listener_t *listener = ctx;
    return listener->closed;
}

static void check(chaos_t *chaos)
{
    for (int i = 0; i < LISTENERS; i++) {
        listener_t *listener = &listeners[i];
        const publisher_t *publisher = listener->publisher;
        for (unsigned k = 1; k <= publisher->last; k++) {
            if (listener->missed[k] && !listener->seen[k] &&
                publisher->outcomes[k] == 1 + CHAOS_DONE)
                chaos_flaw(chaos, "%s on %s: message %u did not come, and no gap was told of",
                           publisher->channel, listener->link->name, k);
        }
        cairn_broker_unsubscribe(&listener->sub, on_unsubscribed);
        chaos_await(chaos, "a subscription to close", is_closed, listener);
    }
}

static void end(chaos_t *chaos)
{
    (void)chaos;
    free(publishers);
    free(listeners);
}

const chaos_load_t chaos_topic_load = {"topics", begin, settle, check, end};
