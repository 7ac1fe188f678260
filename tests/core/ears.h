/* Subscriptions on a stage, and the puppet's side of them. Each line begins with the name of the
 * ear: "a subscribed", "a message TEXT" (of a pattern: "a message TEXT on CHANNEL"), "a gap N",
 * "a slow", "a disconnected STATUS DETAIL", "a resubscribed", "a failed STATUS DETAIL",
 * "a closed", "a drained N". */
#ifndef TESTS_CORE_EARS_H
#define TESTS_CORE_EARS_H

#include "stage.h"

typedef struct ear {
    cairn_broker_sub_t sub;
    const char *name;
} ear_t;

static ear_t a, b, c;

static const ear_t *ear_of(cairn_broker_sub_t *sub)
{
    return CAIRN_CONTAINER_OF(sub, ear_t, sub);
}

static void ear_message(cairn_broker_sub_t *sub, const cairn_broker_message_t *message)
{
    journal_text_t text, channel;
    journal_bytes(text, message->payload);
    journal_bytes(channel, message->channel);
    const char *on = message->pattern.len ? " on " : "";
    stage_react(journal_add(&stage.journal, "%s message %s%s%s", ear_of(sub)->name, text, on,
                            message->pattern.len ? channel : ""));
}

static void ear_status(const char *name, const char *what, const cairn_broker_event_t *event)
{
    int len = (int)event->detail.len;
    stage_react(journal_add(&stage.journal, "%s %s %s %.*s", name, what,
                            cairn_err_name(event->status), len, len ? event->detail.ptr : ""));
}

static void ear_event(cairn_broker_sub_t *sub, const cairn_broker_event_t *event)
{
    const char *name = ear_of(sub)->name;
    switch (event->type) {
    case CAIRN_SUB_SUBSCRIBED:
        stage_react(journal_add(&stage.journal, "%s subscribed", name));
        break;
    case CAIRN_SUB_DISCONNECTED:
        ear_status(name, "disconnected", event);
        break;
    case CAIRN_SUB_GAP:
        stage_react(journal_add(&stage.journal, "%s gap %d", name, (int)event->lost));
        break;
    case CAIRN_SUB_RESUBSCRIBED:
        stage_react(journal_add(&stage.journal, "%s resubscribed", name));
        break;
    case CAIRN_SUB_SLOW:
        stage_react(journal_add(&stage.journal, "%s slow", name));
        break;
    case CAIRN_SUB_FAILED:
        ear_status(name, "failed", event);
        break;
    }
}

static void ear_closed(cairn_broker_sub_t *sub)
{
    if (sub->sub) journal_add(&stage.journal, "NOT CLOSED");
    stage_react(journal_add(&stage.journal, "%s closed", ear_of(sub)->name));
}

static void ear_drained(cairn_broker_sub_t *sub, int64_t left)
{
    if (sub->sub) journal_add(&stage.journal, "NOT CLOSED");
    stage_react(journal_add(&stage.journal, "%s drained %d", ear_of(sub)->name, (int)left));
}

static inline int ears_begin(void **state)
{
    a = (ear_t){.sub = {.on_event = ear_event}, .name = "a"};
    b = (ear_t){.sub = {.on_event = ear_event}, .name = "b"};
    c = (ear_t){.sub = {.on_event = ear_event}, .name = "c"};
    int rc = stage_begin(state);
    stage_ready();
    return rc;
}

/* ---- the application's side ---- */

static inline int subscribe(ear_t *ear, const char *channel,
                            const cairn_broker_sub_options_t *options)
{
    return cairn_broker_subscribe(&stage.broker, &ear->sub, cairn_str(channel), options,
                                  ear_message);
}

static inline void unsubscribe(ear_t *ear)
{
    cairn_broker_unsubscribe(&ear->sub, ear_closed);
}

static inline int drain(ear_t *ear, uint32_t timeout_ms)
{
    return cairn_broker_drain(&ear->sub, timeout_ms, ear_drained);
}

static inline void start(ear_t *ear)
{
    cairn_broker_start(&ear->sub);
}

static inline void stop(ear_t *ear)
{
    cairn_broker_stop(&ear->sub);
}

static inline void credit(ear_t *ear, uint32_t messages)
{
    cairn_broker_credit(&ear->sub, messages);
}

/* ---- the puppet's side ---- */

static inline cairn_topic_t *topic(const char *name)
{
    cairn_topic_t *found = puppet_api()->topic_find(puppet.host, false, cairn_str(name));
    if (!found) check_fail("there is no topic %s", name);
    return found;
}

static inline void up(const char *name)
{
    puppet_api()->topic_up(puppet.host, topic(name));
}

static inline void down(void)
{
    puppet_api()->topics_down(puppet.host, UV_EOF, cairn_str("gone"));
}

static inline void refuse(const char *name)
{
    puppet.topics_open--;
    puppet_api()->topic_failed(puppet.host, topic(name), CAIRN_EDENIED, cairn_str("NOPERM"));
}

static inline uint32_t offer(const char *name, const char *text, bool at_once)
{
    char bytes[256];
    snprintf(bytes, sizeof bytes, "%s", text); /* gone when this returns */
    cairn_broker_message_t message = {.channel = cairn_str(name), .payload = cairn_str(bytes)};
    return at_once ? puppet_api()->deliver_now(puppet.host, topic(name), &message)
                   : puppet_api()->deliver_later(puppet.host, topic(name), &message);
}

/* Delivers from the socket: the application may be called at once. */
static inline uint32_t now(const char *name, const char *text)
{
    return offer(name, text, true);
}

/* Delivers from inside a submit. */
static inline uint32_t later(const char *name, const char *text)
{
    return offer(name, text, false);
}

static inline void later_numbers(const char *name, int from, int to)
{
    char text[16];
    for (int i = from; i <= to; i++) {
        snprintf(text, sizeof text, "%d", i);
        later(name, text);
    }
}

/* Subscribed to a channel of which messages come, and nothing in the journal. */
static inline void subscribed(ear_t *ear, const char *channel,
                              const cairn_broker_sub_options_t *options)
{
    assert_status(subscribe(ear, channel, options), 0);
    up(channel);
    loop_turns(&stage.loop, 2);
    stage_forget();
}

#endif
