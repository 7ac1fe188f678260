/* Drain: nothing new, the rest delivered, then closed; what was left is told (semantics.md 51). */
#include "broker_suite.h"
#include "fake_clock.h"

#define STOPPED (&(cairn_broker_sub_options_t){.stopped = true})

static void drain_delivers_the_rest_and_closes(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", STOPPED);
    client_publish(c, "news", "one");
    client_publish(c, "news", "two");
    client_fence(c);
    assert_status(probe_drain(probe, 5000), 0);
    assert_int_equal(probe->messages, 0);
    probe_start(probe);
    probe_await(probe, "subscribed", "message one", "message two", "drained 0");
}

static void drain_takes_no_new_message(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", STOPPED);
    client_publish(c, "news", "one");
    client_fence(c);
    assert_status(probe_drain(probe, 5000), 0);
    client_publish(c, "news", "late");
    client_fence(c);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 1);
    probe_start(probe);
    probe_await(probe, "subscribed", "message one", "drained 0");
}

static void drain_of_nothing_calls_back_later(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    assert_status(probe_drain(probe, 5000), 0);
    assert_true(probe->live);
    probe_await(probe, "subscribed", "drained 0");
    assert_status(probe_try(probe, probe->name, NULL), 0);
    probe_await(probe, "subscribed", "drained 0", "subscribed");
}

static void drain_with_credit_goes_on_as_credit_comes(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", &(cairn_broker_sub_options_t){.credit = 1});
    for (int i = 0; i < 3; i++) client_publish(c, "news", "x");
    client_fence(c);
    assert_status(probe_drain(probe, 5000), 0);
    client_fence(c);
    assert_int_equal(probe->messages, 1);
    probe_credit(probe, 2);
    probe_await(probe, "subscribed", "message x", "message x", "message x", "drained 0");
}

static void drain_that_takes_too_long_tells_what_was_left(world_t *w)
{
    fake_clock_t clock = {1000};
    client_t *c = world_client(w);
    c->cairn.clock = fake_clock_hook(&clock);
    client_open(c, NULL);
    probe_t *probe = client_subscribed(c, "news", STOPPED);
    for (int i = 0; i < 3; i++) client_publish(c, "news", "x");
    client_fence(c);
    assert_status(probe_drain(probe, 500), 0);
    fake_clock_advance(&clock, &c->cairn, 490);
    client_fence(c);
    assert_true(probe->live);
    fake_clock_advance(&clock, &c->cairn, 20);
    probe_await(probe, "subscribed", "drained 3");
    assert_int_equal(probe->messages, 0);
}

static void drain_ends_in_real_time_too(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", STOPPED);
    client_publish(c, "news", "x");
    client_fence(c);
    uint64_t began = uv_hrtime();
    assert_status(probe_drain(probe, 30), 0);
    probe_await(probe, "subscribed", "drained 1");
    assert_true(uv_hrtime() - began >= 25 * 1000000ull);
}

static void drain_twice_is_refused(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_probe(c);
    assert_status(probe_drain(probe, 100), UV_EALREADY);
    assert_status(probe_try(probe, world_channel(w, "news"), NULL), 0);
    probe_await(probe, "subscribed");
    assert_status(probe_drain(probe, 5000), 0);
    assert_status(probe_drain(probe, 5000), UV_EALREADY);
    probe_await(probe, "subscribed", "drained 0");
    assert_status(probe_drain(probe, 5000), UV_EALREADY);
}

static void drain_of_what_is_closing_is_refused(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    probe_unsubscribe(probe);
    assert_status(probe_drain(probe, 5000), UV_EALREADY);
    probe_await(probe, "subscribed", "closed");
}

static void drain_oneself(probe_t *probe, const char *line)
{
    if (strcmp(line, "message one") == 0) probe->countdown = probe_drain(probe, 5000);
}

static void drain_inside_a_message_callback_delivers_the_rest(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", STOPPED);
    probe->react = drain_oneself;
    probe->countdown = -1;
    client_publish(c, "news", "one");
    client_publish(c, "news", "two");
    client_fence(c);
    probe_start(probe);
    probe_await(probe, "subscribed", "message one", "message two", "drained 0");
    assert_status(probe->countdown, 0);
}

static void drain_without_a_callback_closes(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    assert_status(cairn_broker_drain(&probe->sub, 5000, NULL), 0);
    client_fence(c);
    probe->live = false;
    assert_status(probe_try(probe, probe->name, NULL), 0);
    probe_await(probe, "subscribed", "subscribed");
}

static void drain_before_subscribed_ends(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribe(c, "news", NULL);
    assert_status(probe_drain(probe, 5000), 0);
    probe_await_count(probe, "drained 0", 1);
    assert_int_equal(probe->messages, 0);
}

static void unsubscribe_ends_a_drain_at_once(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", STOPPED);
    client_publish(c, "news", "x");
    client_fence(c);
    assert_status(probe_drain(probe, 60000), 0);
    probe_unsubscribe(probe);
    assert_int_equal(probe->journal.count, 1);
    probe_await(probe, "subscribed", "drained 1", "closed");
}

static void a_gap_in_what_is_left_is_told_while_draining(world_t *w)
{
    client_t *c = world_open(w, NULL);
    cairn_broker_sub_options_t options = {.max_messages = 1, .stopped = true};
    probe_t *probe = client_subscribed(c, "news", &options);
    for (int i = 0; i < 3; i++) client_publish(c, "news", "x");
    client_fence(c);
    assert_status(probe_drain(probe, 5000), 0);
    probe_start(probe);
    probe_await(probe, "subscribed", "slow", "gap 2", "message x", "drained 0");
}

const scenario_t broker_drain_scenarios[] = {
    SCENARIO(drain_delivers_the_rest_and_closes),
    SCENARIO(drain_takes_no_new_message),
    SCENARIO(drain_of_nothing_calls_back_later),
    SCENARIO(drain_with_credit_goes_on_as_credit_comes),
    SCENARIO(drain_that_takes_too_long_tells_what_was_left),
    SCENARIO(drain_ends_in_real_time_too),
    SCENARIO(drain_twice_is_refused),
    SCENARIO(drain_of_what_is_closing_is_refused),
    SCENARIO(drain_inside_a_message_callback_delivers_the_rest),
    SCENARIO(drain_without_a_callback_closes),
    SCENARIO(drain_before_subscribed_ends),
    SCENARIO(unsubscribe_ends_a_drain_at_once),
    SCENARIO(a_gap_in_what_is_left_is_told_while_draining),
    {NULL, NULL},
};
