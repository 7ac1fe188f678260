/* Unsubscribing: no message after the call, the callback later, everything legal everywhere. */
#include "broker_suite.h"

#include <stdlib.h>

static void unsubscribe_calls_back_later_and_once(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    probe_unsubscribe(probe);
    assert_true(probe->live);
    cairn_broker_unsubscribe(&probe->sub, NULL);
    probe_await(probe, "subscribed", "closed");
    probe_unsubscribe(probe);
    client_fence(c);
    assert_int_equal(probe->journal.count, 2);
}

static void no_message_follows_an_unsubscribe(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *gone = client_subscribed(c, "news", NULL);
    probe_t *stays = client_subscribed(c, "news", NULL);
    client_publish(c, "news", "one");
    probe_unsubscribe(gone);
    client_publish(c, "news", "two");
    probe_await(stays, "subscribed", "message one", "message two");
    client_fence(c);
    probe_await(gone, "subscribed", "closed");
    assert_int_equal(gone->messages, 0);
}

static void unsubscribe_discards_what_is_buffered(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", &(cairn_broker_sub_options_t){.stopped = true});
    client_publish(c, "news", "one");
    client_fence(c);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 1);
    probe_unsubscribe(probe);
    probe_start(probe);
    probe_await(probe, "subscribed", "closed");
    assert_int_equal(probe->messages, 0);
}

static void unsubscribe_before_subscribed_says_only_closed(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribe(c, "news", NULL);
    probe_unsubscribe(probe);
    probe_await(probe, "closed");
    client_fence(c);
    assert_int_equal(probe->journal.count, 1);
}

static void unsubscribing_a_closed_subscription_does_nothing(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_probe(c);
    probe_unsubscribe(probe);
    probe_stop(probe);
    probe_start(probe);
    probe_credit(probe, 5);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 0);
    assert_int_equal(cairn_broker_dropped(&probe->sub), 0);
    client_fence(c);
    assert_int_equal(probe->journal.count, 0);
}

static void unsubscribe_oneself(probe_t *probe, const char *line)
{
    if (strncmp(line, "message", 7) == 0) probe_unsubscribe(probe);
}

static void unsubscribing_oneself_inside_a_message_callback_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *first = client_subscribed(c, "news", NULL);
    probe_t *middle = client_subscribed(c, "news", NULL);
    probe_t *last = client_subscribed(c, "news", NULL);
    middle->react = unsubscribe_oneself;
    client_publish(c, "news", "one");
    client_publish(c, "news", "two");
    probe_await(first, "subscribed", "message one", "message two");
    probe_await(middle, "subscribed", "message one", "closed");
    probe_await(last, "subscribed", "message one", "message two");
}

static void unsubscribe_the_other(probe_t *probe, const char *line)
{
    if (strncmp(line, "message", 7) == 0) probe_unsubscribe(probe->other);
}

/* Whichever comes first takes the other away before it has seen the message. */
static void unsubscribing_another_inside_a_message_callback_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *one = client_subscribed(c, "news", NULL);
    probe_t *two = client_subscribed(c, "news", NULL);
    probe_t *three = client_subscribed(c, "news", NULL);
    one->other = two;
    two->other = one;
    one->react = two->react = unsubscribe_the_other;
    client_publish(c, "news", "hello");
    probe_await(three, "subscribed", "message hello");
    client_fence(c);
    assert_int_equal(one->messages + two->messages, 1);
    probe_await(one->messages ? two : one, "subscribed", "closed");
}

static void unsubscribe_when_subscribed(probe_t *probe, const char *line)
{
    if (strcmp(line, "subscribed") == 0) probe_unsubscribe(probe);
}

static void unsubscribing_inside_an_event_callback_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribe(c, "news", NULL);
    probe->react = unsubscribe_when_subscribed;
    probe_await(probe, "subscribed", "closed");
}

static void subscribe_again(probe_t *probe, const char *line)
{
    if (strcmp(line, "closed") != 0 || probe->countdown-- <= 0) return;
    int status = probe_try(probe, probe->name, NULL);
    if (status != 0) world_trouble(probe->client->world, "%s", cairn_err_name(status));
}

static void a_subscription_is_usable_again_in_its_close_callback(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    probe->react = subscribe_again;
    probe->countdown = 1;
    probe_unsubscribe(probe);
    probe_await(probe, "subscribed", "closed", "subscribed");
    client_publish(c, "news", "hello");
    probe_await(probe, "subscribed", "closed", "subscribed", "message hello");
}

static void free_sub(cairn_broker_sub_t *sub)
{
    int *left = sub->data;
    memset(sub, 0xa5, sizeof *sub);
    free(sub);
    --*left;
}

static void ignore_message(cairn_broker_sub_t *sub, const cairn_broker_message_t *message)
{
    (void)sub;
    (void)message;
}

static bool is_zero(void *ctx)
{
    return *(int *)ctx == 0;
}

static void a_subscription_may_be_freed_in_its_close_callback(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    int left = 3;
    for (int i = 0; i < 3; i++) {
        cairn_broker_sub_t *sub = calloc(1, sizeof *sub);
        assert_non_null(sub);
        sub->data = &left;
        assert_status(cairn_broker_subscribe(&c->broker, sub, cairn_str(i < 2 ? "same" : "other"),
                                             NULL, ignore_message),
                      0);
        cairn_broker_unsubscribe(sub, free_sub);
    }
    loop_run_until(&w->loop, "three close callbacks", is_zero, &left);
}

/* The server's answer to the unsubscribe must not be taken for the end of the new subscription. */
static void resubscribing_right_after_unsubscribing_loses_nothing(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *before = client_subscribed(c, "news", NULL);
    for (int i = 0; i < 50; i++) {
        probe_unsubscribe(before);
        probe_t *after = client_subscribe(c, "news", NULL);
        probe_await(after, "subscribed");
        client_publish(c, "news", "hello");
        probe_await(after, "subscribed", "message hello");
        client_fence(c);
        assert_int_equal(after->messages, 1);
        before = after;
    }
}

static void turning_a_channel_on_and_off_in_one_turn_ends_as_it_was_left(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    probe_t *probe = NULL;
    for (int i = 0; i < 20; i++) {
        probe = client_subscribe(c, "news", NULL);
        if (i < 19) probe_unsubscribe(probe);
    }
    probe_await(probe, "subscribed");
    client_publish(c, "news", "hello");
    client_fence(c);
    probe_await(probe, "subscribed", "message hello");
    assert_int_equal(probe->messages, 1);

    probe_unsubscribe(probe);
    client_fence(c);
    pub_t *pub = client_publish(c, "news", "nobody hears");
    pub_await(pub, 0);
    if (cairn_capabilities(&c->cairn) & CAIRN_CAP_RECEIVERS) assert_int_equal(pub->receivers, 0);
}

const scenario_t broker_unsubscribe_scenarios[] = {
    SCENARIO(unsubscribe_calls_back_later_and_once),
    SCENARIO(no_message_follows_an_unsubscribe),
    SCENARIO(unsubscribe_discards_what_is_buffered),
    SCENARIO(unsubscribe_before_subscribed_says_only_closed),
    SCENARIO(unsubscribing_a_closed_subscription_does_nothing),
    SCENARIO(unsubscribing_oneself_inside_a_message_callback_works),
    SCENARIO(unsubscribing_another_inside_a_message_callback_works),
    SCENARIO(unsubscribing_inside_an_event_callback_works),
    SCENARIO(a_subscription_is_usable_again_in_its_close_callback),
    SCENARIO(a_subscription_may_be_freed_in_its_close_callback),
    SCENARIO(resubscribing_right_after_unsubscribing_loses_nothing),
    SCENARIO(turning_a_channel_on_and_off_in_one_turn_ends_as_it_was_left),
    {NULL, NULL},
};
