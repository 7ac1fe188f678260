/* Stop, start and credit: the subscriber sets the pace. */
#include "broker_suite.h"

#define STOPPED (&(cairn_broker_sub_options_t){.stopped = true})
#define CREDIT(n) (&(cairn_broker_sub_options_t){.credit = (n)})

static void publish_numbers(client_t *c, int from, int to)
{
    for (int i = from; i <= to; i++) {
        char payload[16];
        snprintf(payload, sizeof payload, "%d", i);
        client_publish(c, "news", payload);
    }
    client_fence(c);
}

static void stop_buffers_and_start_delivers_in_order(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    publish_numbers(c, 1, 1);
    probe_stop(probe);
    publish_numbers(c, 2, 4);
    assert_int_equal(probe->messages, 1);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 3);
    probe_start(probe);
    assert_int_equal(probe->messages, 1);
    probe_await(probe, "subscribed", "message 1", "message 2", "message 3", "message 4");
    assert_int_equal(cairn_broker_buffered(&probe->sub), 0);
    publish_numbers(c, 5, 5);
    probe_await(probe, "subscribed", "message 1", "message 2", "message 3", "message 4",
                "message 5");
    assert_int_equal(cairn_broker_dropped(&probe->sub), 0);
}

static void a_subscription_may_begin_stopped(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", STOPPED);
    publish_numbers(c, 1, 2);
    assert_int_equal(probe->messages, 0);
    probe_start(probe);
    probe_await(probe, "subscribed", "message 1", "message 2");
}

static void stop_and_start_are_idempotent(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    probe_start(probe);
    probe_stop(probe);
    probe_stop(probe);
    publish_numbers(c, 1, 2);
    assert_int_equal(probe->messages, 0);
    probe_start(probe);
    probe_start(probe);
    probe_await(probe, "subscribed", "message 1", "message 2");
    client_fence(c);
    assert_int_equal(probe->messages, 2);
}

static void stop_after_start_in_one_turn_delivers_nothing(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", STOPPED);
    publish_numbers(c, 1, 2);
    probe_start(probe);
    probe_stop(probe);
    client_fence(c);
    assert_int_equal(probe->messages, 0);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 2);
}

static void stop_oneself(probe_t *probe, const char *line)
{
    if (strncmp(line, "message", 7) == 0) probe_stop(probe);
}

static void stop_inside_a_message_callback_holds_the_next_one_back(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    probe->react = stop_oneself;
    publish_numbers(c, 1, 3);
    assert_int_equal(probe->messages, 1);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 2);
    probe_start(probe);
    client_fence(c);
    assert_int_equal(probe->messages, 2);
    probe_start(probe);
    probe_await(probe, "subscribed", "message 1", "message 2", "message 3");
}

static void restart_oneself(probe_t *probe, const char *line)
{
    if (strncmp(line, "message", 7) != 0) return;
    probe_stop(probe);
    probe_start(probe);
}

static void start_inside_a_message_callback_keeps_the_order(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    probe->react = restart_oneself;
    publish_numbers(c, 1, 4);
    probe_await(probe, "subscribed", "message 1", "message 2", "message 3", "message 4");
}

static void a_stopped_subscription_holds_up_no_other(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_subscribed(c, "news", STOPPED);
    probe_t *other = client_subscribed(c, "weather", NULL);
    publish_numbers(c, 1, 100);
    client_publish(c, "weather", "rain");
    probe_await(other, "subscribed", "message rain");
}

static void credit_delivers_as_many_as_it_allows(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", CREDIT(2));
    publish_numbers(c, 1, 6);
    probe_await(probe, "subscribed", "message 1", "message 2");
    assert_int_equal(probe->messages, 2);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 4);
    probe_credit(probe, 3);
    assert_int_equal(probe->messages, 2);
    client_fence(c);
    assert_int_equal(probe->messages, 5);
    probe_credit(probe, 10);
    client_fence(c);
    assert_int_equal(probe->messages, 6);
    publish_numbers(c, 7, 20);
    assert_int_equal(probe->messages, 15);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 5);
}

static void credit_without_metering_does_nothing(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    probe_credit(probe, 1);
    publish_numbers(c, 1, 3);
    probe_await(probe, "subscribed", "message 1", "message 2", "message 3");
}

static void credit_does_not_start_what_is_stopped(world_t *w)
{
    client_t *c = world_open(w, NULL);
    cairn_broker_sub_options_t options = {.credit = 1, .stopped = true};
    probe_t *probe = client_subscribed(c, "news", &options);
    publish_numbers(c, 1, 4);
    probe_credit(probe, 1);
    client_fence(c);
    assert_int_equal(probe->messages, 0);
    probe_start(probe);
    client_fence(c);
    assert_int_equal(probe->messages, 2);
}

static void give_credit(probe_t *probe, const char *line)
{
    if (strncmp(line, "message", 7) == 0) probe_credit(probe, 1);
}

static void credit_given_in_the_message_callback_keeps_it_running(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", CREDIT(1));
    probe->react = give_credit;
    publish_numbers(c, 1, 50);
    probe_await_messages(probe, 50);
}

static void credit_saturates(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", CREDIT(5));
    probe_credit(probe, UINT32_MAX);
    probe_credit(probe, UINT32_MAX);
    publish_numbers(c, 1, 10);
    assert_int_equal(probe->messages, 10);
}

const scenario_t broker_flow_scenarios[] = {
    SCENARIO(stop_buffers_and_start_delivers_in_order),
    SCENARIO(a_subscription_may_begin_stopped),
    SCENARIO(stop_and_start_are_idempotent),
    SCENARIO(stop_after_start_in_one_turn_delivers_nothing),
    SCENARIO(stop_inside_a_message_callback_holds_the_next_one_back),
    SCENARIO(start_inside_a_message_callback_keeps_the_order),
    SCENARIO(a_stopped_subscription_holds_up_no_other),
    SCENARIO(credit_delivers_as_many_as_it_allows),
    SCENARIO(credit_without_metering_does_nothing),
    SCENARIO(credit_does_not_start_what_is_stopped),
    SCENARIO(credit_given_in_the_message_callback_keeps_it_running),
    SCENARIO(credit_saturates),
    {NULL, NULL},
};
