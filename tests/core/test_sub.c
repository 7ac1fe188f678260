#include "ears.h"

/* ---- subscribing ---- */

static void the_first_subscription_opens_the_topic(void **state)
{
    (void)state;
    assert_status(subscribe(&a, "x", NULL), 0);
    assert_said("topic_open x");
    assert_non_null(a.sub.sub);
    stage_forget();
    assert_silence();
    up("x");
    assert_int_equal(stage.journal.count, 0);
    assert_said("a subscribed");
    up("x");
    assert_said("a subscribed");
}

static void others_share_the_topic(void **state)
{
    (void)state;
    assert_status(subscribe(&a, "x", NULL), 0);
    assert_status(subscribe(&b, "x", NULL), 0);
    up("x");
    assert_status(subscribe(&c, "x", NULL), 0);
    assert_int_equal(puppet.topics_open, 1);
    assert_said("topic_open x", "a subscribed", "b subscribed", "c subscribed");
}

static void a_topic_may_be_up_at_once(void **state)
{
    (void)state;
    puppet.instant_topics = true;
    assert_status(subscribe(&a, "x", NULL), 0);
    assert_int_equal(later("x", "1"), 1);
    assert_int_equal(stage.journal.count, 1);
    assert_said("topic_open x", "a subscribed", "a message 1");
    unsubscribe(&a);
    assert_said("topic_open x", "a subscribed", "a message 1", "topic_close x", "a closed");
}

static void what_the_backend_refuses_leaves_nothing(void **state)
{
    (void)state;
    size_t live = alloc_live();
    puppet.topic_open_status = UV_ENOMEM;
    assert_status(subscribe(&a, "x", NULL), UV_ENOMEM);
    assert_null(a.sub.sub);
    assert_null(puppet_api()->topic_find(puppet.host, false, cairn_str("x")));
    assert_true(alloc_live() <= live + 1); /* the table of topics stays */
    stage_forget();
    assert_silence();
    puppet.topic_open_status = 0;
    assert_status(subscribe(&a, "x", NULL), 0);
}

static void bad_arguments_are_refused(void **state)
{
    (void)state;
    static char name[CAIRN_CHANNEL_MAX + 1];
    cairn_broker_t *broker = &stage.broker;
    cairn_broker_sub_options_t options = {.policy = (cairn_broker_policy_t)3};
    assert_status(subscribe(&a, "", NULL), UV_EINVAL);
    assert_status(subscribe(&a, "x", &options), UV_EINVAL);
    assert_status(cairn_broker_subscribe(broker, &a.sub, cairn_str("x"), NULL, NULL), UV_EINVAL);
    assert_status(cairn_broker_psubscribe(broker, &a.sub, cairn_str(""), NULL, ear_message),
                  UV_EINVAL);
    assert_status(
        cairn_broker_subscribe(broker, &a.sub, cairn_slice(name, sizeof name), NULL, ear_message),
        CAIRN_ETOOBIG);
    assert_null(a.sub.sub);
    assert_silence();
}

static void a_subscription_is_busy_until_it_is_closed(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    assert_status(subscribe(&a, "y", NULL), UV_EBUSY);
    unsubscribe(&a);
    assert_status(subscribe(&a, "x", NULL), UV_EBUSY);
    assert_said("topic_close x", "a closed");
    assert_status(subscribe(&a, "x", NULL), 0);
}

static void a_closed_handle_takes_no_subscription(void **state)
{
    (void)state;
    stage_close();
    assert_status(subscribe(&a, "x", NULL), CAIRN_ECLOSED);
    loop_run_until(&stage.loop, "close", stage_is_closed, NULL);
    assert_status(subscribe(&a, "x", NULL), CAIRN_ECLOSED);
}

static void want_of_memory_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    size_t nth = 1;
    for (;; nth++) {
        alloc_fail(ALLOC_FAIL_ONCE, nth);
        int rc = subscribe(&a, "x", NULL);
        if (!alloc_fault_fired()) break;
        assert_status(rc, UV_ENOMEM);
        assert_null(a.sub.sub);
        assert_null(puppet_api()->topic_find(puppet.host, false, cairn_str("x")));
        assert_int_equal(puppet.topics_open, 0);
    }
    alloc_fail(ALLOC_FAIL_ONCE, 0);
    assert_in_range(nth, 4, 10); /* the subscription, the topic, and the table of topics */
    assert_int_equal(puppet.topics_open, 1);
}

static void a_subscription_without_events_works(void **state)
{
    (void)state;
    a.sub.on_event = NULL;
    subscribed(&a, "x", NULL);
    down();
    up("x");
    now("x", "1");
    assert_said("a message 1");
    refuse("x");
    unsubscribe(&a);
    assert_said("a message 1", "a closed");
}

/* ---- messages ---- */

static void messages_from_the_socket_come_at_once(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    assert_status(subscribe(&b, "x", NULL), 0);
    assert_int_equal(now("x", "1"), 2);
    assert_said("a message 1", "b subscribed", "b message 1");
    assert_int_equal(stage_stats().delivered, 2);
}

static void messages_from_a_submit_come_later_and_in_order(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    assert_int_equal(later("x", "1"), 1);
    assert_int_equal(later("x", "2"), 1);
    assert_int_equal(cairn_broker_buffered(&a.sub), 2);
    assert_int_equal(stage.journal.count, 0);
    assert_int_equal(now("x", "3"), 1); /* behind those that wait */
    assert_int_equal(stage.journal.count, 0);
    assert_said("a message 1", "a message 2", "a message 3");
    assert_int_equal(cairn_broker_buffered(&a.sub), 0);
    assert_int_equal(stage_stats().delivered, 3);
}

static void patterns_tell_the_channel(void **state)
{
    (void)state;
    assert_status(
        cairn_broker_psubscribe(&stage.broker, &a.sub, cairn_str("n*"), NULL, ear_message), 0);
    cairn_topic_t *pattern = puppet_api()->topic_find(puppet.host, true, cairn_str("n*"));
    assert_non_null(pattern);
    assert_true(pattern->pattern);
    puppet_api()->topic_up(puppet.host, pattern);
    cairn_broker_message_t message = {cairn_str("news"), cairn_str("n*"), cairn_str("1")};
    assert_int_equal(puppet_api()->deliver_now(puppet.host, pattern, &message), 1);
    message.channel = cairn_str("no");
    assert_int_equal(puppet_api()->deliver_later(puppet.host, pattern, &message), 1);
    assert_said("topic_open n*", "a subscribed", "a message 1 on news", "a message 1 on no");
}

static void nothing_comes_before_subscribed(void **state)
{
    (void)state;
    assert_status(subscribe(&a, "x", NULL), 0);
    assert_int_equal(now("x", "1"), 0);
    assert_int_equal(later("x", "2"), 0);
    up("x");
    assert_int_equal(now("x", "3"), 1);
    assert_said("topic_open x", "a subscribed", "a message 3");
}

static void subscribe_b_on_message(const char *line)
{
    if (is_line(line, "a message")) assert_status(subscribe(&b, "x", NULL), 0);
    stage.react = NULL;
}

static void who_subscribes_in_a_message_gets_the_next_one(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    stage.react = subscribe_b_on_message;
    assert_int_equal(now("x", "1"), 1);
    assert_int_equal(now("x", "2"), 2);
    assert_said("a message 1", "a message 2", "b subscribed", "b message 2");
}

/* ---- the link ---- */

static void a_lost_link_is_one_gap(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    down();
    assert_said("a disconnected UV_EOF gone");
    assert_int_equal(now("x", "missed"), 0);
    down();
    up("x");
    assert_said("a disconnected UV_EOF gone", "a gap -1", "a resubscribed");
    now("x", "1");
    assert_said("a disconnected UV_EOF gone", "a gap -1", "a resubscribed", "a message 1");
}

static void a_message_right_behind_the_link_comes_after_the_gap(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    down();
    up("x");
    assert_int_equal(now("x", "1"), 1);
    assert_said("a disconnected UV_EOF gone", "a gap -1", "a resubscribed", "a message 1");
    stage_forget();
    down();
    up("x");
    assert_int_equal(later("x", "2"), 1);
    assert_said("a disconnected UV_EOF gone", "a resubscribed", "a gap -1", "a message 2");
}

static void flapping_before_anything_was_told_is_one_gap(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    down();
    for (int i = 0; i < 5; i++) {
        up("x");
        down();
    }
    up("x");
    assert_said("a disconnected UV_EOF gone", "a gap -1", "a resubscribed");
    stage_forget();
    assert_silence();
}

static void flapping_before_subscribed_was_told_is_no_gap(void **state)
{
    (void)state;
    assert_status(subscribe(&a, "x", NULL), 0);
    for (int i = 0; i < 5; i++) {
        up("x");
        down();
    }
    up("x");
    assert_said("topic_open x", "a subscribed");
    stage_forget();
    now("x", "1");
    assert_said("a message 1");
}

/* What came in between makes it a subscription that missed something. */
static void messages_between_two_links_are_told_with_their_gap(void **state)
{
    (void)state;
    assert_status(subscribe(&a, "x", NULL), 0);
    stage_forget();
    up("x");
    later("x", "1");
    down();
    up("x");
    later("x", "2");
    journal_await_count(&stage.journal, &stage.loop, "a message 2", 1);
    size_t first = journal_find(&stage.journal, 0, "a message 1");
    size_t second = journal_find(&stage.journal, 0, "a message 2");
    size_t gap = journal_find(&stage.journal, 0, "a gap -1");
    assert_true(journal_find(&stage.journal, 0, "a subscribed") < first);
    assert_true(first < gap && gap < second);
    assert_int_equal(journal_count(&stage.journal, "a gap"), 1);
    assert_int_equal(journal_count(&stage.journal, "a subscribed"), 1);
    assert_int_equal(journal_count(&stage.journal, "a disconnected"),
                     journal_count(&stage.journal, "a resubscribed"));
}

static void the_gap_waits_behind_what_is_buffered(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    stop(&a);
    now("x", "1");
    down();
    up("x");
    now("x", "2");
    assert_said("a disconnected UV_EOF gone", "a resubscribed");
    start(&a);
    assert_said("a disconnected UV_EOF gone", "a resubscribed", "a message 1", "a gap -1",
                "a message 2");
}

static void two_losses_while_stopped_are_one_gap_if_nothing_lies_between(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    stop(&a);
    for (int i = 0; i < 2; i++) {
        down();
        up("x");
        loop_turns(&stage.loop, 2);
    }
    stage_forget();
    now("x", "1");
    start(&a);
    assert_said("a gap -1", "a message 1");
}

static void every_link_has_its_gap(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    for (int i = 0; i < 3; i++) {
        down();
        up("x");
        now("x", "1");
    }
    assert_int_equal(journal_count(&stage.journal, "a gap -1"), 3);
    assert_int_equal(journal_count(&stage.journal, "a disconnected"), 3);
    assert_int_equal(journal_count(&stage.journal, "a resubscribed"), 3);
}

static void who_comes_while_the_link_is_down_misses_nothing(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    down();
    assert_status(subscribe(&b, "x", NULL), 0);
    assert_status(subscribe(&c, "y", NULL), 0);
    down();
    up("x");
    up("y");
    assert_said("a disconnected UV_EOF gone", "topic_open y", "a gap -1", "a resubscribed",
                "b subscribed", "c subscribed");
}

static void subscribe_and_unsubscribe(const char *line)
{
    if (!is_line(line, "a disconnected")) return;
    assert_status(subscribe(&b, "x", NULL), 0);
    assert_status(subscribe(&c, "y", NULL), 0);
    unsubscribe(&a);
}

static void the_list_of_topics_may_change_while_the_link_is_lost(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    stage.react = subscribe_and_unsubscribe;
    down();
    up("x");
    up("y");
    assert_said("a disconnected UV_EOF gone", "topic_open y", "a closed", "b subscribed",
                "c subscribed");
}

/* ---- the end of the handle ---- */

static void the_end_of_the_handle_ends_every_subscription(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    assert_status(subscribe(&b, "y", NULL), 0);
    assert_status(subscribe(&c, "y", NULL), 0);
    stage_forget();
    stage_close();
    assert_int_equal(stage.journal.count, 0);
    unsubscribe(&c);
    assert_said("topic_close x", "a failed UV_ECANCELED handle closed",
                "b failed UV_ECANCELED handle closed", "topic_close y", "c closed",
                "close, 0 held, 0 topics", "closed");
    assert_null(a.sub.sub);
    unsubscribe(&a);
    assert_int_equal(cairn_broker_buffered(&a.sub), 0);
    assert_int_equal(cairn_broker_dropped(&a.sub), 0);
}

static void a_failed_subscription_ends_silently_with_the_handle(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    refuse("x");
    stage_forget();
    stage_close();
    assert_said("close, 0 held, 0 topics", "closed");
    assert_null(a.sub.sub);
}

static void what_is_buffered_does_not_follow_a_close(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    later("x", "1");
    down();
    up("x");
    stage_forget();
    stage_close();
    assert_said("topic_close x", "a failed UV_ECANCELED handle closed", "close, 0 held, 0 topics",
                "closed");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, ears_begin, stage_end)
    const struct CMUnitTest tests[] = {
        TEST(the_first_subscription_opens_the_topic),
        TEST(others_share_the_topic),
        TEST(a_topic_may_be_up_at_once),
        TEST(what_the_backend_refuses_leaves_nothing),
        TEST(bad_arguments_are_refused),
        TEST(a_subscription_is_busy_until_it_is_closed),
        TEST(a_closed_handle_takes_no_subscription),
        TEST(want_of_memory_is_refused_and_leaves_nothing),
        TEST(a_subscription_without_events_works),
        TEST(messages_from_the_socket_come_at_once),
        TEST(messages_from_a_submit_come_later_and_in_order),
        TEST(patterns_tell_the_channel),
        TEST(nothing_comes_before_subscribed),
        TEST(who_subscribes_in_a_message_gets_the_next_one),
        TEST(a_lost_link_is_one_gap),
        TEST(a_message_right_behind_the_link_comes_after_the_gap),
        TEST(flapping_before_anything_was_told_is_one_gap),
        TEST(flapping_before_subscribed_was_told_is_no_gap),
        TEST(messages_between_two_links_are_told_with_their_gap),
        TEST(the_gap_waits_behind_what_is_buffered),
        TEST(two_losses_while_stopped_are_one_gap_if_nothing_lies_between),
        TEST(every_link_has_its_gap),
        TEST(who_comes_while_the_link_is_down_misses_nothing),
        TEST(the_list_of_topics_may_change_while_the_link_is_lost),
        TEST(the_end_of_the_handle_ends_every_subscription),
        TEST(a_failed_subscription_ends_silently_with_the_handle),
        TEST(what_is_buffered_does_not_follow_a_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
