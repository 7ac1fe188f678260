/* What subscriptions have in common: their topic, and what becomes of it. */
#include "ears.h"

/* ---- the life of a topic ---- */

static void the_last_subscription_closes_the_topic(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    assert_status(subscribe(&b, "x", NULL), 0);
    unsubscribe(&a);
    assert_said("b subscribed", "a closed");
    unsubscribe(&b);
    assert_said("b subscribed", "a closed", "topic_close x", "b closed");
    cairn_topic_t *closing = topic("x");
    assert_int_equal(now("x", "1"), 0);
    puppet_api()->topic_up(puppet.host, closing);
    puppet_api()->topic_closed(puppet.host, closing);
    assert_null(puppet_api()->topic_find(puppet.host, false, cairn_str("x")));
}

static void a_topic_that_is_closing_may_live_on(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    unsubscribe(&a);
    assert_said("topic_close x", "a closed");
    cairn_topic_t *same = topic("x");
    assert_status(subscribe(&b, "x", NULL), 0);
    assert_ptr_equal(topic("x"), same);
    assert_int_equal(now("x", "too early"), 0);
    puppet_api()->topic_closed(puppet.host, same); /* of the close before: no more of interest */
    up("x");
    now("x", "1");
    assert_said("topic_close x", "a closed", "topic_open x", "b subscribed", "b message 1");
}

static void a_closing_topic_that_cannot_be_opened_again_goes_on_closing(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    unsubscribe(&a);
    assert_said("topic_close x", "a closed");
    puppet.topic_open_status = UV_ENOMEM;
    assert_status(subscribe(&b, "x", NULL), UV_ENOMEM);
    assert_null(b.sub.sub);
    puppet_api()->topic_closed(puppet.host, topic("x"));
    assert_null(puppet_api()->topic_find(puppet.host, false, cairn_str("x")));
}

static void topics_are_listed_in_the_order_they_were_opened(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    subscribed(&b, "y", NULL);
    subscribed(&c, "z", NULL);
    const char *const names[] = {"x", "y", "z"};
    cairn_topic_t *at = NULL;
    for (int i = 0; i < 3; i++) {
        at = puppet_api()->topic_next(puppet.host, at);
        assert_ptr_equal(at, topic(names[i]));
    }
    assert_null(puppet_api()->topic_next(puppet.host, at));
}

/* ---- refused by the server ---- */

static void a_refused_topic_fails_all_its_subscriptions(void **state)
{
    (void)state;
    assert_status(subscribe(&a, "x", NULL), 0);
    assert_status(subscribe(&b, "x", NULL), 0);
    subscribed(&c, "y", NULL);
    refuse("x");
    assert_said("a failed CAIRN_EDENIED NOPERM", "b failed CAIRN_EDENIED NOPERM");
    assert_null(puppet_api()->topic_find(puppet.host, false, cairn_str("x")));
    assert_non_null(a.sub.sub);
    unsubscribe(&a);
    unsubscribe(&b);
    assert_said("a failed CAIRN_EDENIED NOPERM", "b failed CAIRN_EDENIED NOPERM", "a closed",
                "b closed");
    now("y", "1");
    assert_int_equal(journal_count(&stage.journal, "c message 1"), 1);
}

static void nothing_follows_a_failure(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    stop(&a);
    now("x", "1");
    refuse("x");
    start(&a);
    credit(&a, 5);
    assert_status(drain(&a, 100), UV_EALREADY);
    assert_said("a failed CAIRN_EDENIED NOPERM");
    stage_forget();
    assert_silence();
}

/* What was due and not yet told is overtaken. */
static void a_failure_right_behind_the_link_is_all_that_is_told(void **state)
{
    (void)state;
    assert_status(subscribe(&a, "x", NULL), 0);
    up("x");
    refuse("x");
    assert_said("topic_open x", "a failed CAIRN_EDENIED NOPERM");
    stage_forget();
    assert_silence();

    subscribed(&b, "y", NULL);
    down();
    up("y");
    refuse("y");
    assert_said("b disconnected UV_EOF gone", "b failed CAIRN_EDENIED NOPERM");
    stage_forget();
    assert_silence();
}

static void keep_out(void)
{
    puppet_api()->topics_kept_out(puppet.host, CAIRN_EAUTH, cairn_str("WRONGPASS"));
}

/* And then subscribed, as if nothing had been. */
static void who_is_kept_out_is_told_once(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    assert_status(subscribe(&b, "y", NULL), 0);
    stage_forget();
    keep_out();
    keep_out();
    assert_said("b disconnected CAIRN_EAUTH WRONGPASS");
    stage_forget();
    assert_status(subscribe(&c, "y", NULL), 0);
    keep_out();
    assert_said("c disconnected CAIRN_EAUTH WRONGPASS");
    stage_forget();
    up("y");
    assert_said("b subscribed", "c subscribed");
}

static void who_was_there_and_is_kept_out_has_been_told(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    stage_forget();
    down();
    keep_out();
    assert_said("a disconnected UV_EOF gone");
}

static void unsubscribe_b_when_kept_out(const char *line)
{
    if (is_line(line, "a disconnected")) unsubscribe(&b);
}

static void who_leaves_meanwhile_is_not_told(void **state)
{
    (void)state;
    assert_status(subscribe(&a, "x", NULL), 0);
    assert_status(subscribe(&b, "x", NULL), 0);
    stage_forget();
    stage.react = unsubscribe_b_when_kept_out;
    keep_out();
    assert_said("a disconnected CAIRN_EAUTH WRONGPASS", "b closed");
}

static void subscribe_c_on_failure(const char *line)
{
    if (is_line(line, "a failed")) assert_status(subscribe(&c, "x", NULL), 0);
}

/* It is asked for anew: what the server says to it is another answer. */
static void who_subscribes_in_a_failure_asks_the_server_again(void **state)
{
    (void)state;
    assert_status(subscribe(&a, "x", NULL), 0);
    assert_status(subscribe(&b, "x", NULL), 0);
    stage.react = subscribe_c_on_failure;
    refuse("x");
    assert_said("topic_open x", "a failed CAIRN_EDENIED NOPERM", "topic_open x",
                "b failed CAIRN_EDENIED NOPERM");
    up("x");
    assert_int_equal(now("x", "1"), 1);
    assert_int_equal(journal_count(&stage.journal, "c message 1"), 1);
}

static void unsubscribe_b_on_failure(const char *line)
{
    if (is_line(line, "a failed")) unsubscribe(&b);
}

static void who_unsubscribes_another_in_a_failure_only_closes_it(void **state)
{
    (void)state;
    assert_status(subscribe(&a, "x", NULL), 0);
    assert_status(subscribe(&b, "x", NULL), 0);
    stage.react = unsubscribe_b_on_failure;
    refuse("x");
    assert_said("topic_open x", "a failed CAIRN_EDENIED NOPERM", "b closed");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, ears_begin, stage_end)
    const struct CMUnitTest tests[] = {
        TEST(the_last_subscription_closes_the_topic),
        TEST(a_topic_that_is_closing_may_live_on),
        TEST(a_closing_topic_that_cannot_be_opened_again_goes_on_closing),
        TEST(topics_are_listed_in_the_order_they_were_opened),
        TEST(a_refused_topic_fails_all_its_subscriptions),
        TEST(nothing_follows_a_failure),
        TEST(a_failure_right_behind_the_link_is_all_that_is_told),
        TEST(who_is_kept_out_is_told_once),
        TEST(who_was_there_and_is_kept_out_has_been_told),
        TEST(who_leaves_meanwhile_is_not_told),
        TEST(who_subscribes_in_a_failure_asks_the_server_again),
        TEST(who_unsubscribes_another_in_a_failure_only_closes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
