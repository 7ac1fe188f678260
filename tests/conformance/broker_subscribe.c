/* Subscribing: what begins when, who gets what, and what is refused. */
#include "broker_suite.h"

#include <stdlib.h>

static void subscribed_comes_once_and_before_any_message(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribe(c, "news", NULL);
    assert_int_equal(probe->journal.count, 0);
    probe_await(probe, "subscribed");
    client_publish(c, "news", "hello");
    probe_await(probe, "subscribed", "message hello");
    client_fence(c);
    assert_int_equal(probe->journal.count, 2);
}

static void a_later_subscription_to_the_same_channel_is_told_subscribed_too(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *first = client_subscribed(c, "news", NULL);
    probe_t *second = client_subscribe(c, "news", NULL);
    assert_int_equal(second->journal.count, 0);
    probe_await(second, "subscribed");
    client_publish(c, "news", "hello");
    probe_await(first, "subscribed", "message hello");
    probe_await(second, "subscribed", "message hello");
}

static void each_subscription_gets_its_own_copy(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *stopped = client_subscribed(c, "news", NULL);
    probe_t *running = client_subscribed(c, "news", NULL);
    probe_stop(stopped);
    client_publish(c, "news", "one");
    client_publish(c, "news", "two");
    probe_await(running, "subscribed", "message one", "message two");
    client_fence(c);
    assert_int_equal(stopped->messages, 0);
    probe_unsubscribe(running);
    probe_start(stopped);
    probe_await(stopped, "subscribed", "message one", "message two");
}

static void a_hundred_subscriptions_of_one_channel_each_get_every_message(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probes[100];
    for (int i = 0; i < 100; i++) probes[i] = client_subscribe(c, "news", NULL);
    for (int i = 0; i < 100; i++) probe_await(probes[i], "subscribed");
    for (int i = 0; i < 10; i++) client_publish(c, "news", "hello");
    for (int i = 0; i < 100; i++) probe_await_messages(probes[i], 10);
    client_fence(c);
    for (int i = 0; i < 100; i++) assert_int_equal(probes[i]->messages, 10);
}

static void a_thousand_channels_work_at_once(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probes[1000];
    char name[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "channel-%d", i);
        probes[i] = client_subscribe(c, name, NULL);
    }
    for (int i = 0; i < 1000; i++) probe_await(probes[i], "subscribed");
    for (int i = 999; i >= 0; i--) {
        snprintf(name, sizeof name, "channel-%d", i);
        client_publish(c, name, name);
    }
    client_fence(c);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "channel-%d", i);
        assert_int_equal(probes[i]->messages, 1);
        assert_string_equal(probes[i]->last, name);
    }
}

static void subscribe_copies_channel_and_options(world_t *w)
{
    client_t *c = world_open(w, NULL);
    cairn_slice_t name = world_channel(w, "news");
    char channel[32];
    memcpy(channel, name.ptr, name.len);
    cairn_broker_sub_options_t options = {.credit = 1};
    probe_t *probe = client_probe(c);
    assert_status(probe_try(probe, cairn_slice(channel, name.len), &options), 0);
    memset(channel, 'x', sizeof channel);
    options.credit = 100;
    probe_await(probe, "subscribed");
    client_publish(c, "news", "one");
    client_publish(c, "news", "two");
    client_fence(c);
    probe_await(probe, "subscribed", "message one");
    assert_int_equal(probe->messages, 1);
}

static void bad_arguments_are_refused_and_leave_nothing(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_probe(c);
    cairn_broker_sub_options_t bad = {.policy = (cairn_broker_policy_t)99};
    assert_status(probe_try(probe, cairn_str(""), NULL), UV_EINVAL);
    assert_status(probe_try_pattern(probe, cairn_str(""), NULL), UV_EINVAL);
    assert_status(probe_try(probe, cairn_str("news"), &bad), UV_EINVAL);
    assert_status(cairn_broker_subscribe(&c->broker, &probe->sub, cairn_str("x"), NULL, NULL),
                  UV_EINVAL);
    assert_status(cairn_broker_psubscribe(&c->broker, &probe->sub, cairn_str("x"), NULL, NULL),
                  UV_EINVAL);
    client_fence(c);
    assert_int_equal(probe->journal.count, 0);
    assert_status(probe_try(probe, cairn_str("news"), NULL), 0);
    probe_await(probe, "subscribed");
}

static void a_subscription_in_use_is_refused(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    assert_status(probe_try(probe, cairn_str("other"), NULL), UV_EBUSY);
    assert_status(probe_try_pattern(probe, cairn_str("other*"), NULL), UV_EBUSY);
    probe_unsubscribe(probe);
    assert_status(probe_try(probe, cairn_str("other"), NULL), UV_EBUSY);
    probe_await(probe, "subscribed", "closed");
    assert_status(probe_try(probe, cairn_str("other"), NULL), 0);
    probe_await(probe, "subscribed", "closed", "subscribed");
}

static void subscribe_the_other(probe_t *probe, const char *line)
{
    if (strncmp(line, "message", 7) == 0 && !probe->other)
        probe->other = client_subscribe(probe->client, "news", NULL);
}

static void subscribing_inside_a_message_callback_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    probe->react = subscribe_the_other;
    client_publish(c, "news", "one");
    probe_await(probe, "subscribed", "message one");
    probe_await(probe->other, "subscribed");
    client_publish(c, "news", "two");
    probe_await(probe, "subscribed", "message one", "message two");
    probe_await(probe->other, "subscribed", "message two");
}

static void subscribe_another_channel(probe_t *probe, const char *line)
{
    if (strcmp(line, "subscribed") == 0) probe->other = client_subscribe(probe->client, "b", NULL);
}

static void subscribing_inside_an_event_callback_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribe(c, "a", NULL);
    probe->react = subscribe_another_channel;
    probe_await(probe, "subscribed");
    client_fence(c);
    probe_await(probe->other, "subscribed");
    client_publish(c, "b", "hello");
    probe_await(probe->other, "subscribed", "message hello");
}

static void subscribe_when_connected(client_t *c, const char *line)
{
    if (strcmp(line, "connected") == 0) c->data = client_subscribe(c, "news", NULL);
}

static void subscribing_inside_the_handles_event_works(world_t *w)
{
    client_t *c = world_client(w);
    c->react = subscribe_when_connected;
    client_open(c, NULL);
    client_await(c, "connected");
    probe_t *probe = c->data;
    probe_await(probe, "subscribed");
    client_publish(c, "news", "hello");
    probe_await(probe, "subscribed", "message hello");
}

static void a_subscription_without_an_event_callback_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *told = client_subscribe(c, "news", NULL);
    probe_t *untold = client_probe(c);
    untold->sub.on_event = NULL;
    assert_status(probe_try(untold, told->name, NULL), 0);
    probe_await(told, "subscribed");
    client_publish(c, "news", "hello");
    probe_await(untold, "message hello");
    probe_unsubscribe(untold);
    probe_await(untold, "message hello", "closed");
}

const scenario_t broker_subscribe_scenarios[] = {
    SCENARIO(subscribed_comes_once_and_before_any_message),
    SCENARIO(a_later_subscription_to_the_same_channel_is_told_subscribed_too),
    SCENARIO(each_subscription_gets_its_own_copy),
    SCENARIO(a_hundred_subscriptions_of_one_channel_each_get_every_message),
    SCENARIO(a_thousand_channels_work_at_once),
    SCENARIO(subscribe_copies_channel_and_options),
    SCENARIO(bad_arguments_are_refused_and_leave_nothing),
    SCENARIO(a_subscription_in_use_is_refused),
    SCENARIO(subscribing_inside_a_message_callback_works),
    SCENARIO(subscribing_inside_an_event_callback_works),
    SCENARIO(subscribing_inside_the_handles_event_works),
    SCENARIO(a_subscription_without_an_event_callback_works),
    {NULL, NULL},
};
