/* Closing the handle: everything in flight ends first, from wherever it is called. */
#include "broker_suite.h"

#include <cairn/sys/backend.h>
#include <stdlib.h>

static void close_ends_requests_in_flight_with_ECANCELED_first(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    pub_t *pubs[10];
    for (int i = 0; i < 10; i++) pubs[i] = client_publish(c, "news", "hello");
    client_close(c);
    for (int i = 0; i < 10; i++) assert_int_equal(pubs[i]->calls, 0);
    client_await(c, "connected", "closed");
    for (int i = 0; i < 10; i++) {
        assert_int_equal(pubs[i]->calls, 1);
        assert_status(pubs[i]->status, UV_ECANCELED);
        assert_int_equal(pubs[i]->receivers, -1);
    }
}

static void close_calls_back_later_and_once(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    client_close(c);
    assert_true(c->open);
    cairn_close(&c->cairn, NULL);
    client_await(c, "connected", "closed");
    client_close(c);
    loop_turns(&w->loop, 5);
    assert_int_equal(c->journal.count, 2);
}

static void closing_what_was_never_opened_does_nothing(world_t *w)
{
    client_t *c = world_client(w);
    client_close(c);
    loop_turns(&w->loop, 5);
    assert_int_equal(c->journal.count, 0);
}

static void close_right_after_open_connects_nothing(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_close(c);
    client_await(c, "closed");
}

static void close_before_the_connection_ends_what_waits(world_t *w)
{
    client_t *c = world_open(w, NULL);
    pub_t *pub = client_publish(c, "news", "hello");
    probe_t *probe = client_subscribe(c, "news", NULL);
    client_close(c);
    client_await(c, "closed");
    assert_status(pub->status, UV_ECANCELED);
    probe_await(probe, "failed UV_ECANCELED");
}

static void close_without_a_callback_closes(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    cairn_close(&c->cairn, NULL);
    c->open = false;
    while (cairn_state(&c->cairn) != CAIRN_CLOSED) loop_turns(&w->loop, 1);
}

static void close_tells_every_subscription_and_takes_nothing_back(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *running = client_subscribed(c, "news", NULL);
    probe_t *stopped = client_subscribed(c, "news", &(cairn_broker_sub_options_t){.stopped = true});
    probe_t *pattern = client_psubscribe(c, "n*", NULL);
    probe_await(pattern, "subscribed");
    client_publish(c, "news", "buffered");
    client_fence(c);
    client_close(c);
    assert_int_equal(running->journal.count, 2);
    client_await_closed(c);
    probe_await(running, "subscribed", "message buffered", "failed UV_ECANCELED");
    probe_await(stopped, "subscribed", "failed UV_ECANCELED");
    assert_int_equal(journal_count(&pattern->journal, "failed UV_ECANCELED"), 1);
    assert_status(probe_drain(stopped, 1), UV_EALREADY);
    probe_unsubscribe(stopped);
    loop_turns(&w->loop, 3);
    assert_int_equal(stopped->journal.count, 2);
}

static void close_completes_an_unsubscribe_that_is_under_way(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    probe_unsubscribe(probe);
    client_close(c);
    client_await_closed(c);
    probe_await(probe, "subscribed", "closed");
    assert_int_equal(probe->journal.count, 2);
}

static void close_completes_a_drain_that_is_under_way(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", &(cairn_broker_sub_options_t){.stopped = true});
    client_publish(c, "news", "x");
    client_fence(c);
    assert_status(probe_drain(probe, 60000), 0);
    client_close(c);
    client_await_closed(c);
    assert_string_equal(probe->journal.lines[probe->journal.count - 1], "drained 1");
    assert_int_equal(journal_count(&probe->journal, "drained"), 1);
}

static void no_message_follows_a_close(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    for (int i = 0; i < 10; i++) client_publish(c, "news", "x");
    client_close(c);
    client_await_closed(c);
    assert_int_equal(probe->messages, 0);
}

/* ---- close inside every kind of callback ---- */

static void close_in_message(probe_t *probe, const char *line)
{
    if (strncmp(line, "message", 7) == 0) client_close(probe->client);
}

static void close_inside_a_message_callback_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *before = client_subscribed(c, "news", NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    probe_t *after = client_subscribed(c, "news", NULL);
    probe->react = close_in_message;
    for (int i = 0; i < 5; i++) client_publish(c, "news", "x");
    client_await_closed(c);
    probe_await(probe, "subscribed", "message x", "failed UV_ECANCELED");
    assert_int_equal(journal_count(&before->journal, "failed UV_ECANCELED"), 1);
    assert_int_equal(journal_count(&after->journal, "failed UV_ECANCELED"), 1);
}

static void close_inside_a_buffered_message_callback_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", &(cairn_broker_sub_options_t){.stopped = true});
    for (int i = 0; i < 5; i++) client_publish(c, "news", "x");
    client_fence(c);
    probe->react = close_in_message;
    probe_start(probe);
    client_await_closed(c);
    probe_await(probe, "subscribed", "message x", "failed UV_ECANCELED");
}

static void close_in_publish(pub_t *pub)
{
    client_close(pub->client);
}

static void close_inside_a_publish_callback_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    pub_t *first = client_request(c);
    first->react = close_in_publish;
    pub_again(first, "news", "x");
    pub_t *second = client_publish(c, "news", "x");
    client_await_closed(c);
    assert_status(first->status, 0);
    assert_int_equal(second->calls, 1);
    assert_true(second->status == 0 || second->status == UV_ECANCELED);
}

static void close_inside_a_canceled_callback_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    pub_t *pub = client_publish(c, "news", "x");
    pub->react = close_in_publish;
    assert_status(pub_cancel(pub), 0);
    client_await_closed(c);
    assert_status(pub->status, UV_ECANCELED);
}

static void close_in_event(probe_t *probe, const char *line)
{
    if (strcmp(line, probe->data) == 0) client_close(probe->client);
}

static void close_inside_a_subscriptions_event_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribe(c, "news", NULL);
    probe->data = "subscribed";
    probe->react = close_in_event;
    client_await_closed(c);
    probe_await(probe, "subscribed", "failed UV_ECANCELED");
}

static void close_inside_the_gap_event_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    cairn_broker_sub_options_t options = {.max_messages = 1, .stopped = true};
    probe_t *probe = client_subscribed(c, "news", &options);
    for (int i = 0; i < 5; i++) client_publish(c, "news", "x");
    client_fence(c);
    probe->data = "gap 4";
    probe->react = close_in_event;
    probe_start(probe);
    client_await_closed(c);
    probe_await(probe, "subscribed", "slow", "gap 4", "failed UV_ECANCELED");
}

static void close_inside_an_unsubscribe_callback_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *other = client_subscribed(c, "news", NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    probe->data = "closed";
    probe->react = close_in_event;
    probe_unsubscribe(probe);
    client_await_closed(c);
    probe_await(probe, "subscribed", "closed");
    probe_await(other, "subscribed", "failed UV_ECANCELED");
}

static void close_inside_a_drain_callback_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    probe->data = "drained 0";
    probe->react = close_in_event;
    assert_status(probe_drain(probe, 5000), 0);
    client_await_closed(c);
    probe_await(probe, "subscribed", "drained 0");
}

static void close_inside_a_failed_event_does_nothing_more(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *one = client_subscribed(c, "news", NULL);
    probe_t *two = client_subscribed(c, "news", NULL);
    one->data = two->data = "failed UV_ECANCELED";
    one->react = two->react = close_in_event;
    client_close(c);
    client_await_closed(c);
    probe_await(one, "subscribed", "failed UV_ECANCELED");
    probe_await(two, "subscribed", "failed UV_ECANCELED");
}

/* ---- afterwards ---- */

static void reopen_once(client_t *c, const char *line)
{
    if (strcmp(line, "closed") != 0 || c->data) return;
    c->data = c;
    if (client_try_open(c, NULL) != 0) world_trouble(c->world, "reopening was refused");
}

static void a_handle_is_usable_again_in_its_close_callback(world_t *w)
{
    client_t *c = world_open(w, NULL);
    c->react = reopen_once;
    client_await(c, "connected");
    client_close(c);
    client_await(c, "connected", "closed", "connected");
    probe_t *probe = client_subscribed(c, "news", NULL);
    client_publish(c, "news", "hello");
    probe_await(probe, "subscribed", "message hello");
}

static bool freed;

static void free_cairn(cairn_t *cairn)
{
    memset(cairn, 0xa5, sizeof *cairn);
    free(cairn);
    freed = true;
}

static bool is_freed(void *ctx)
{
    (void)ctx;
    return freed;
}

static void a_handle_may_be_freed_in_its_close_callback(world_t *w)
{
    cairn_t *cairn = calloc(1, sizeof *cairn);
    assert_non_null(cairn);
    assert_status(cairn_open_url(cairn, &w->loop, w->url, NULL), 0);
    freed = false;
    cairn_close(cairn, free_cairn);
    assert_false(freed);
    loop_run_until(&w->loop, "the close callback", is_freed, NULL);
}

static void many_handles_open_and_close_on_one_loop(world_t *w)
{
    for (int round = 0; round < 3; round++) {
        client_t *clients[10];
        for (int i = 0; i < 10; i++) clients[i] = world_open(w, NULL);
        for (int i = 0; i < 10; i += 2) client_close(clients[i]);
        for (int i = 1; i < 10; i += 2) client_await(clients[i], "connected");
        for (int i = 1; i < 10; i += 2) client_close(clients[i]);
        for (int i = 0; i < 10; i++) client_await_closed(clients[i]);
    }
}

/* ---- a close that waits ---- */

static void note_closed(cairn_t *cairn)
{
    client_t *c = CAIRN_CONTAINER_OF(cairn, client_t, cairn);
    c->open = false;
    journal_add(&c->journal, "closed");
}

static void shut_down(client_t *c, uint64_t timeout_ms)
{
    bool outer = world_call(c->world);
    cairn_shutdown(&c->cairn, timeout_ms, note_closed);
    world_return(c->world, outer);
}

static void a_shutdown_lets_what_is_in_flight_finish(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    probe_t *probe = client_subscribed(c, "news", NULL);
    pub_t *pubs[10];
    for (int i = 0; i < 10; i++) pubs[i] = client_publish(c, "news", "hello");
    shut_down(c, 15000);
    assert_int_equal(cairn_state(&c->cairn), CAIRN_CLOSING);
    pub_t *late = client_request(c);
    assert_status(pub_try(late, world_channel(w, "news"), cairn_str("x")), CAIRN_ECLOSED);
    assert_status(probe_try(client_probe(c), world_channel(w, "news"), NULL), CAIRN_ECLOSED);
    client_await(c, "connected", "closed");
    for (int i = 0; i < 10; i++) assert_status(pubs[i]->status, 0);
    assert_int_equal(journal_count(&probe->journal, "failed UV_ECANCELED"), 1);
}

static void a_shutdown_before_the_connection_serves_what_waits(world_t *w)
{
    client_t *c = world_open(w, NULL);
    pub_t *pub = client_publish(c, "news", "hello");
    shut_down(c, 15000);
    client_await(c, "connected", "closed");
    assert_status(pub->status, 0);
}

static void a_shutdown_without_time_cancels(world_t *w)
{
    client_t *c = world_open(w, NULL);
    pub_t *pub = client_publish(c, "news", "hello");
    shut_down(c, 15000);
    cairn_close(&c->cairn, NULL);
    client_await(c, "closed");
    assert_status(pub->status, UV_ECANCELED);
}

const scenario_t broker_close_scenarios[] = {
    SCENARIO(close_ends_requests_in_flight_with_ECANCELED_first),
    SCENARIO(close_calls_back_later_and_once),
    SCENARIO(closing_what_was_never_opened_does_nothing),
    SCENARIO(close_right_after_open_connects_nothing),
    SCENARIO(close_before_the_connection_ends_what_waits),
    SCENARIO(close_without_a_callback_closes),
    SCENARIO(close_tells_every_subscription_and_takes_nothing_back),
    SCENARIO(close_completes_an_unsubscribe_that_is_under_way),
    SCENARIO(close_completes_a_drain_that_is_under_way),
    SCENARIO(no_message_follows_a_close),
    SCENARIO(close_inside_a_message_callback_works),
    SCENARIO(close_inside_a_buffered_message_callback_works),
    SCENARIO(close_inside_a_publish_callback_works),
    SCENARIO(close_inside_a_canceled_callback_works),
    SCENARIO(close_inside_a_subscriptions_event_works),
    SCENARIO(close_inside_the_gap_event_works),
    SCENARIO(close_inside_an_unsubscribe_callback_works),
    SCENARIO(close_inside_a_drain_callback_works),
    SCENARIO(close_inside_a_failed_event_does_nothing_more),
    SCENARIO(a_handle_is_usable_again_in_its_close_callback),
    SCENARIO(a_handle_may_be_freed_in_its_close_callback),
    SCENARIO(many_handles_open_and_close_on_one_loop),
    SCENARIO(a_shutdown_lets_what_is_in_flight_finish),
    SCENARIO(a_shutdown_before_the_connection_serves_what_waits),
    SCENARIO(a_shutdown_without_time_cancels),
    {NULL, NULL},
};
