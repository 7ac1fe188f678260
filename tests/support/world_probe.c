#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static probe_t *probe_of(cairn_broker_sub_t *sub)
{
    return sub->data;
}

static void enter(const probe_t *probe, const char *what)
{
    world_t *world = probe->client->world;
    if (world->inside) world_trouble(world, "%s inside a call into the library", what);
    if (!probe->live) world_trouble(world, "%s after the subscription's end", what);
    if (!probe->client->open) world_trouble(world, "%s after the close callback", what);
}

static void react(probe_t *probe, const char *line)
{
    if (probe->react) probe->react(probe, line);
}

static void keep(probe_t *probe, cairn_slice_t payload)
{
    if (probe->last_len < payload.len || !probe->last) {
        free(probe->last);
        probe->last = malloc(payload.len + 1);
        if (!probe->last) abort();
    }
    if (payload.len) memcpy(probe->last, payload.ptr, payload.len);
    probe->last[payload.len] = '\0';
    probe->last_len = payload.len;
}

static cairn_slice_t without_number(const probe_t *probe, cairn_slice_t channel)
{
    world_prefix_t prefix;
    const size_t len = strlen(world_prefix(probe->client->world, prefix));
    if (channel.len < len || memcmp(channel.ptr, prefix, len) != 0) return channel;
    return cairn_slice(channel.ptr + len, channel.len - len);
}

static void check_names(const probe_t *probe, const cairn_broker_message_t *message)
{
    cairn_slice_t pattern = probe->pattern ? probe->name : cairn_str("");
    bool right = cairn_slice_eq(message->pattern, pattern) &&
                 (probe->pattern || cairn_slice_eq(message->channel, probe->name));
    journal_text_t text;
    if (!right)
        world_trouble(probe->client->world, "a message names channel %s and the wrong pattern",
                      journal_bytes(text, message->channel));
}

static void check_welcome(const probe_t *probe)
{
    world_t *world = probe->client->world;
    if (probe->failed) world_trouble(world, "a message after FAILED");
    if (probe->stopped) world_trouble(world, "a message to a stopped subscription");
    if (probe->unsubscribed) world_trouble(world, "a message after unsubscribe");
    if (!probe->begun && probe->sub.on_event) world_trouble(world, "a message before SUBSCRIBED");
}

static void on_message(cairn_broker_sub_t *sub, const cairn_broker_message_t *message)
{
    probe_t *probe = probe_of(sub);
    enter(probe, "a message");
    check_welcome(probe);
    check_names(probe, message);
    probe->messages++;
    keep(probe, message->payload);
    journal_text_t payload;
    journal_text_t channel;
    const char *line = NULL;
    if (!probe->quiet) {
        line = journal_add(
            &probe->journal, "message %s%s%s", journal_bytes(payload, message->payload),
            probe->pattern ? " on " : "",
            probe->pattern ? journal_bytes(channel, without_number(probe, message->channel)) : "");
    }
    react(probe, line);
}

static const char *record_event(probe_t *probe, const cairn_broker_event_t *event)
{
    journal_t *journal = &probe->journal;
    switch (event->type) {
    case CAIRN_SUB_SUBSCRIBED:
        if (probe->begun) world_trouble(probe->client->world, "SUBSCRIBED twice");
        probe->begun = true;
        return journal_add(journal, "subscribed");
    case CAIRN_SUB_DISCONNECTED:
        return journal_add(journal, "disconnected %s", cairn_err_name(event->status));
    case CAIRN_SUB_GAP:
        return journal_add(journal, "gap %lld", (long long)event->lost);
    case CAIRN_SUB_RESUBSCRIBED:
        return journal_add(journal, "resubscribed");
    case CAIRN_SUB_SLOW:
        return journal_add(journal, "slow");
    case CAIRN_SUB_FAILED:
        probe->failed = true;
        return journal_add(journal, "failed %s", cairn_err_name(event->status));
    }
    world_trouble(probe->client->world, "unknown subscription event %d", event->type);
    return journal_add(journal, "event %d", event->type);
}

static void on_event(cairn_broker_sub_t *sub, const cairn_broker_event_t *event)
{
    probe_t *probe = probe_of(sub);
    enter(probe, "a subscription's event");
    snprintf(probe->detail, sizeof probe->detail, "%.*s", (int)event->detail.len,
             event->detail.len ? event->detail.ptr : "");
    const char *line = record_event(probe, event);
    if (event->type == CAIRN_SUB_FAILED && event->status == UV_ECANCELED) probe->live = false;
    react(probe, line);
}

static void on_closed(cairn_broker_sub_t *sub)
{
    probe_t *probe = probe_of(sub);
    enter(probe, "an unsubscribe callback");
    probe->live = false;
    react(probe, journal_add(&probe->journal, "closed"));
}

static void on_drained(cairn_broker_sub_t *sub, int64_t left)
{
    probe_t *probe = probe_of(sub);
    enter(probe, "a drain callback");
    probe->live = probe->unsubscribed; /* then its close callback is still to come */
    react(probe, journal_add(&probe->journal, "drained %lld", (long long)left));
}

/* ---- making ---- */

probe_t *client_probe(client_t *client)
{
    probe_t *probe = calloc(1, sizeof *probe);
    if (!probe) abort();
    probe->client = client;
    probe->sub.data = probe;
    probe->sub.on_event = on_event;
    probe->next = client->world->probes;
    client->world->probes = probe;
    return probe;
}

static cairn_slice_t keep_name(world_t *world, cairn_slice_t name)
{
    char *copy = malloc(name.len + 1);
    world->names = realloc(world->names, (world->name_count + 1) * sizeof *world->names);
    if (!copy || !world->names) abort();
    if (name.len) memcpy(copy, name.ptr, name.len);
    world->names[world->name_count++] = copy;
    return cairn_slice(copy, name.len);
}

static int try_either(probe_t *probe, bool pattern, cairn_slice_t name,
                      const cairn_broker_sub_options_t *options)
{
    client_t *client = probe->client;
    bool outer = world_call(client->world);
    int status =
        pattern ? cairn_broker_psubscribe(&client->broker, &probe->sub, name, options, on_message)
                : cairn_broker_subscribe(&client->broker, &probe->sub, name, options, on_message);
    world_return(client->world, outer);
    if (status != 0) return status;
    probe->live = true;
    probe->unsubscribed = false;
    probe->begun = false;
    probe->stopped = options && options->stopped;
    probe->failed = false;
    probe->pattern = pattern;
    probe->name = keep_name(client->world, name);
    return 0;
}

int probe_try(probe_t *probe, cairn_slice_t channel, const cairn_broker_sub_options_t *options)
{
    return try_either(probe, false, channel, options);
}

int probe_try_pattern(probe_t *probe, cairn_slice_t pattern,
                      const cairn_broker_sub_options_t *options)
{
    return try_either(probe, true, pattern, options);
}

static probe_t *must(client_t *client, bool pattern, const char *name,
                     const cairn_broker_sub_options_t *options)
{
    probe_t *probe = client_probe(client);
    int status = try_either(probe, pattern, world_channel(client->world, name), options);
    if (status != 0)
        world_trouble(client->world, "subscribe refused with %s", cairn_err_name(status));
    return probe;
}

probe_t *client_subscribe(client_t *client, const char *channel,
                          const cairn_broker_sub_options_t *options)
{
    return must(client, false, channel, options);
}

probe_t *client_psubscribe(client_t *client, const char *pattern,
                           const cairn_broker_sub_options_t *options)
{
    return must(client, true, pattern, options);
}

probe_t *client_subscribed(client_t *client, const char *channel,
                           const cairn_broker_sub_options_t *options)
{
    probe_t *probe = client_subscribe(client, channel, options);
    probe_await_count(probe, "subscribed", 1);
    return probe;
}

/* ---- using ---- */

typedef struct goal {
    const probe_t *probe;
    uint64_t messages;
} goal_t;

static bool has_messages(void *ctx)
{
    const goal_t *goal = ctx;
    return goal->probe->messages >= goal->messages;
}

void probe_await_messages(probe_t *probe, uint64_t messages)
{
    goal_t goal = {probe, messages};
    if (loop_try_until(&probe->client->world->loop, has_messages, &goal)) return;
    check_fail("%llu of %llu messages came", (unsigned long long)probe->messages,
               (unsigned long long)messages);
}

void probe_stop(probe_t *probe)
{
    world_t *world = probe->client->world;
    bool outer = world_call(world);
    cairn_broker_stop(&probe->sub);
    probe->stopped = true;
    world_return(world, outer);
}

void probe_start(probe_t *probe)
{
    world_t *world = probe->client->world;
    bool outer = world_call(world);
    cairn_broker_start(&probe->sub);
    probe->stopped = false;
    world_return(world, outer);
}

void probe_credit(probe_t *probe, uint32_t messages)
{
    world_t *world = probe->client->world;
    bool outer = world_call(world);
    cairn_broker_credit(&probe->sub, messages);
    world_return(world, outer);
}

void probe_unsubscribe(probe_t *probe)
{
    world_t *world = probe->client->world;
    bool outer = world_call(world);
    cairn_broker_unsubscribe(&probe->sub, on_closed);
    probe->unsubscribed = probe->live;
    world_return(world, outer);
}

int probe_drain(probe_t *probe, uint32_t timeout_ms)
{
    world_t *world = probe->client->world;
    bool outer = world_call(world);
    int status = cairn_broker_drain(&probe->sub, timeout_ms, on_drained);
    world_return(world, outer);
    return status;
}
