/* Subscriptions: what is lost and how it is told, stop and start, credit, drain. */
#include "ears.h"

/* ---- policies ---- */

static void stopped_with(ear_t *ear, cairn_broker_policy_t policy, uint32_t max_messages)
{
    cairn_broker_sub_options_t options = {
        .policy = policy, .max_messages = max_messages, .stopped = true};
    subscribed(ear, "x", &options);
}

static void drop_oldest_keeps_the_newest(void **state)
{
    (void)state;
    stopped_with(&a, CAIRN_DROP_OLDEST, 2);
    later_numbers("x", 1, 5);
    assert_int_equal(cairn_broker_buffered(&a.sub), 2);
    assert_int_equal(cairn_broker_dropped(&a.sub), 3);
    assert_int_equal(stage_stats().dropped, 3);
    start(&a);
    assert_said("a slow", "a gap 3", "a message 4", "a message 5");
}

static void drop_newest_keeps_the_oldest(void **state)
{
    (void)state;
    stopped_with(&a, CAIRN_DROP_NEWEST, 2);
    later_numbers("x", 1, 5);
    assert_int_equal(cairn_broker_dropped(&a.sub), 3);
    start(&a);
    assert_said("a slow", "a message 1", "a message 2", "a gap 3");
    now("x", "6");
    assert_said("a slow", "a message 1", "a message 2", "a gap 3", "a message 6");
}

static void drop_newest_tells_each_gap_where_it_is(void **state)
{
    (void)state;
    cairn_broker_sub_options_t options = {
        .policy = CAIRN_DROP_NEWEST, .max_messages = 2, .credit = 1};
    subscribed(&a, "x", &options);
    later_numbers("x", 1, 1);
    loop_turns(&stage.loop, 2);
    later_numbers("x", 2, 5); /* 4 and 5 are lost */
    credit(&a, 1);
    loop_turns(&stage.loop, 2);
    later_numbers("x", 6, 8); /* 7 and 8 too */
    credit(&a, 10);
    assert_said("a message 1", "a slow", "a message 2", "a message 3", "a gap 2", "a message 6",
                "a gap 2");
}

static void close_slow_fails_behind_what_is_buffered(void **state)
{
    (void)state;
    stopped_with(&a, CAIRN_CLOSE_SLOW, 2);
    later_numbers("x", 1, 3);
    assert_int_equal(later("x", "4"), 0);
    assert_int_equal(cairn_broker_dropped(&a.sub), 1);
    assert_said("a slow");
    start(&a);
    assert_said("a slow", "a message 1", "a message 2", "a gap 1",
                "a failed CAIRN_ESLOW subscriber was too slow; closed by its policy");
    assert_int_equal(later("x", "5"), 0);
    unsubscribe(&a);
    assert_int_equal(puppet.topics_open, 1);
    journal_await_count(&stage.journal, &stage.loop, "a closed", 1);
    assert_int_equal(puppet.topics_open, 0);
}

static void slow_is_told_once_until_the_buffer_was_empty(void **state)
{
    (void)state;
    stopped_with(&a, CAIRN_DROP_OLDEST, 1);
    later_numbers("x", 1, 2);
    loop_turns(&stage.loop, 2);
    later_numbers("x", 3, 4);
    start(&a);
    assert_said("a slow", "a gap 3", "a message 4");
    stop(&a);
    later_numbers("x", 5, 6);
    start(&a);
    assert_said("a slow", "a gap 3", "a message 4", "a slow", "a gap 1", "a message 6");
}

/* What can never fit makes nothing else go, whatever its size is a multiple of. */
static void a_message_too_large_for_the_buffer_is_lost_alone(void **state)
{
    (void)state;
    for (uint64_t max_bytes = 133; max_bytes <= 148; max_bytes++) {
        ear_t *ear = &a;
        cairn_broker_sub_options_t options = {.max_bytes = max_bytes, .stopped = true};
        char text[200];
        size_t len = (size_t)max_bytes + 1 - 32;
        memset(text, 'x', len);
        text[len] = '\0';
        subscribed(ear, "x", &options);
        later("x", "1");
        later("x", text);
        assert_int_equal(cairn_broker_buffered(&ear->sub), 1);
        later("x", "2");
        start(ear);
        assert_said("a slow", "a message 1", "a gap 1", "a message 2");
        unsubscribe(ear);
        journal_await_count(&stage.journal, &stage.loop, "a closed", 1);
        puppet_api()->topic_closed(puppet.host, topic("x"));
        stage_forget();
    }
}

static void a_lost_link_makes_a_counted_loss_unknown(void **state)
{
    (void)state;
    stopped_with(&a, CAIRN_DROP_NEWEST, 1);
    later_numbers("x", 1, 3);
    down();
    up("x");
    start(&a);
    assert_said("a disconnected UV_EOF gone", "a resubscribed", "a slow", "a message 1",
                "a gap -1");
}

/* ---- out of memory ---- */

static void a_message_that_finds_no_memory_is_lost_and_told(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    alloc_fail(ALLOC_FAIL_FROM, 1);
    later("x", "1");
    later("x", "2");
    alloc_fail(ALLOC_FAIL_ONCE, 0);
    later("x", "3");
    assert_said("a slow", "a gap 2", "a message 3");
    assert_int_equal(cairn_broker_dropped(&a.sub), 2);
}

static void the_last_loss_for_want_of_memory_is_told_too(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    alloc_fail(ALLOC_FAIL_FROM, 1);
    later("x", "1");
    alloc_fail(ALLOC_FAIL_ONCE, 0);
    assert_said("a slow", "a gap 1");
}

static void close_slow_fails_for_want_of_memory(void **state)
{
    (void)state;
    cairn_broker_sub_options_t options = {.policy = CAIRN_CLOSE_SLOW};
    subscribed(&a, "x", &options);
    alloc_fail(ALLOC_FAIL_FROM, 1);
    later("x", "1");
    alloc_fail(ALLOC_FAIL_ONCE, 0);
    assert_said("a slow", "a gap 1",
                "a failed CAIRN_ESLOW subscriber was too slow; closed by its policy");
}

/* ---- losing more while a loss is told ---- */

static void overflow_in_gap(const char *line)
{
    if (!is_line(line, "a gap")) return;
    stage.react = NULL;
    later_numbers("x", 4, 5);
}

/* The gap that was just told is not all: what it displaced must be told before what is left. */
static void what_is_lost_while_a_gap_is_told_is_told_as_well(void **state)
{
    (void)state;
    stopped_with(&a, CAIRN_DROP_OLDEST, 2);
    later_numbers("x", 1, 3);
    stage.react = overflow_in_gap;
    start(&a);
    assert_said("a slow", "a gap 1", "a gap 2", "a message 4", "a message 5");
    assert_int_equal(cairn_broker_dropped(&a.sub), 3);
}

static void overflow_in_message(const char *line)
{
    if (!is_line(line, "a message 1")) return;
    stage.react = NULL;
    later_numbers("x", 4, 6);
}

static void what_is_lost_while_a_message_is_delivered_is_told_before_the_next(void **state)
{
    (void)state;
    stopped_with(&a, CAIRN_DROP_OLDEST, 3);
    later_numbers("x", 1, 3);
    stage.react = overflow_in_message;
    start(&a);
    assert_said("a message 1", "a slow", "a gap 2", "a message 4", "a message 5", "a message 6");
}

/* Too large for a subscription that is behind, though it is so only for a moment. */
static void lose_one(ear_t *ear)
{
    char text[201];
    memset(text, 'x', 200);
    text[200] = '\0';
    stop(ear);
    later("x", text);
    start(ear);
}

static void lose_at_message_2(const char *line)
{
    if (is_line(line, "a message 2")) lose_one(&a);
}

static void what_is_lost_in_the_last_message_is_told_in_order(void **state)
{
    (void)state;
    cairn_broker_sub_options_t options = {.max_bytes = 100};
    subscribed(&a, "x", &options);
    stage.react = lose_at_message_2;
    later_numbers("x", 1, 2);
    assert_said("a message 1", "a message 2", "a slow", "a gap 1");
}

static void lose_at_gap(const char *line)
{
    if (!is_line(line, "a gap")) return;
    stage.react = NULL;
    lose_one(&a);
}

static void what_is_lost_in_a_gap_is_told_before_the_message_at_hand(void **state)
{
    (void)state;
    cairn_broker_sub_options_t options = {.max_bytes = 100};
    subscribed(&a, "x", &options);
    lose_one(&a);
    loop_turns(&stage.loop, 2);
    assert_said("a slow", "a gap 1");
    stage_forget();
    stage.react = lose_at_gap;
    lose_one(&a);
    now("x", "1");
    assert_said("a slow", "a gap 1", "a gap 1", "a message 1");
}

static void a_steady_flow_takes_no_more_memory(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    size_t warm = 0;
    for (int i = 0; i < 3000; i++) {
        later_numbers("x", 1, 3);
        loop_turns(&stage.loop, i % 3 + 1);
        stage_forget();
        if (i == 100) warm = alloc_total();
    }
    assert_int_equal(alloc_total(), warm);
}

static void publish_forever(const char *line)
{
    if (is_line(line, "a message")) later("x", "more");
}

/* Whoever answers each message with another leaves the loop its turns. */
static void a_subscription_that_feeds_itself_holds_nobody_up(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    stage.react = publish_forever;
    later("x", "first");
    loop_turns(&stage.loop, 5);
    assert_in_range(journal_count(&stage.journal, "a message"), 3, 6);
    stage.react = NULL;
}

/* ---- stop, start, credit ---- */

static void stop_in_gap(const char *line)
{
    if (is_line(line, "a gap")) stop(&a);
}

static void a_gap_is_told_once_though_its_message_waits(void **state)
{
    (void)state;
    stopped_with(&a, CAIRN_DROP_OLDEST, 1);
    later_numbers("x", 1, 2);
    stage.react = stop_in_gap;
    start(&a);
    assert_said("a slow", "a gap 1");
    stage.react = NULL;
    start(&a);
    assert_said("a slow", "a gap 1", "a message 2");
}

static void a_stopped_subscription_delivers_nothing(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    stop(&a);
    assert_int_equal(now("x", "1"), 1);
    assert_int_equal(later("x", "2"), 1);
    assert_silence();
    start(&a);
    assert_int_equal(stage.journal.count, 0);
    assert_said("a message 1", "a message 2");
}

static void credit_runs_out_and_comes_back(void **state)
{
    (void)state;
    cairn_broker_sub_options_t options = {.credit = 2};
    subscribed(&a, "x", &options);
    for (int i = 0; i < 2; i++) {
        now("x", "1");
        now("x", "2");
        now("x", "3");
        assert_said("a message 1", "a message 2");
        credit(&a, 1);
        assert_int_equal(stage.journal.count, 2);
        assert_said("a message 1", "a message 2", "a message 3");
        stage_forget();
        credit(&a, 2);
    }
}

static void credit_while_stopped_counts(void **state)
{
    (void)state;
    cairn_broker_sub_options_t options = {.credit = 1, .stopped = true};
    subscribed(&a, "x", &options);
    later_numbers("x", 1, 4);
    credit(&a, 2);
    assert_silence();
    start(&a);
    assert_said("a message 1", "a message 2", "a message 3");
    credit(&a, UINT32_MAX);
    credit(&a, UINT32_MAX); /* no more than the most, and not round to less */
    later_numbers("x", 5, 5);
    assert_said("a message 1", "a message 2", "a message 3", "a message 4", "a message 5");
}

static void credit_in_message(const char *line)
{
    if (is_line(line, "a message")) credit(&a, 1);
}

static void credit_given_in_the_message_keeps_them_coming(void **state)
{
    (void)state;
    cairn_broker_sub_options_t options = {.credit = 1};
    subscribed(&a, "x", &options);
    stage.react = credit_in_message;
    later_numbers("x", 1, 3);
    now("x", "4");
    assert_said("a message 1", "a message 2", "a message 3", "a message 4");
    now("x", "5");
    now("x", "6");
    assert_int_equal(journal_count(&stage.journal, "a message"), 6);
    stage.react = NULL;
}

/* Events are no messages: they come without credit, but for the gap, which has its place. */
static void events_need_no_credit(void **state)
{
    (void)state;
    cairn_broker_sub_options_t options = {.credit = 1};
    assert_status(subscribe(&a, "x", &options), 0);
    stop(&a);
    stage_forget();
    up("x");
    assert_said("a subscribed");
    down();
    up("x");
    assert_said("a subscribed", "a disconnected UV_EOF gone", "a resubscribed");
    start(&a);
    assert_said("a subscribed", "a disconnected UV_EOF gone", "a resubscribed", "a gap -1");
}

/* ---- drain ---- */

static void drain_delivers_what_is_buffered_and_nothing_new(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    later_numbers("x", 1, 2);
    assert_status(drain(&a, 1000), 0);
    assert_int_equal(later("x", "3"), 0);
    assert_int_equal(now("x", "4"), 0);
    assert_int_equal(stage.journal.count, 0);
    assert_said("a message 1", "a message 2", "topic_close x", "a drained 0");
    stage_forget();
    advance(1000);
    assert_silence();
}

static void drain_tells_the_gap_at_its_end(void **state)
{
    (void)state;
    stopped_with(&a, CAIRN_DROP_NEWEST, 1);
    later_numbers("x", 1, 2);
    assert_status(drain(&a, 1000), 0);
    start(&a);
    assert_said("a slow", "a message 1", "a gap 1", "topic_close x", "a drained 0");
}

static void drain_is_over_when_its_time_is_up(void **state)
{
    (void)state;
    stopped_with(&a, CAIRN_DROP_NEWEST, 10);
    later_numbers("x", 1, 3);
    assert_status(drain(&a, 500), 0);
    advance(499);
    assert_silence();
    advance(1);
    assert_said("topic_close x", "a drained 3");
    assert_null(a.sub.sub);
}

static void drain_goes_on_as_credit_comes(void **state)
{
    (void)state;
    cairn_broker_sub_options_t options = {.credit = 1};
    subscribed(&a, "x", &options);
    later_numbers("x", 1, 3);
    assert_status(drain(&a, 500), 0);
    assert_said("a message 1");
    credit(&a, 1);
    assert_said("a message 1", "a message 2");
    advance(500);
    assert_said("a message 1", "a message 2", "topic_close x", "a drained 1");
}

static void drain_hears_nothing_of_the_link(void **state)
{
    (void)state;
    stopped_with(&a, CAIRN_DROP_NEWEST, 10);
    later_numbers("x", 1, 1);
    assert_status(drain(&a, 500), 0);
    down();
    up("x");
    assert_silence();
    start(&a);
    assert_said("a message 1", "topic_close x", "a drained 0");
}

static void drain_ends_when_the_server_refuses(void **state)
{
    (void)state;
    stopped_with(&a, CAIRN_DROP_NEWEST, 10);
    later_numbers("x", 1, 2);
    assert_status(drain(&a, 500), 0);
    refuse("x");
    assert_int_equal(stage.journal.count, 0);
    assert_said("a drained 2");
}

static void drain_ends_with_the_handle(void **state)
{
    (void)state;
    stopped_with(&a, CAIRN_DROP_NEWEST, 10);
    later_numbers("x", 1, 2);
    assert_status(drain(&a, 500), 0);
    stage_close();
    assert_said("topic_close x", "a drained 2", "close, 0 held, 0 topics", "closed");
}

static void unsubscribe_ends_a_drain(void **state)
{
    (void)state;
    stopped_with(&a, CAIRN_DROP_NEWEST, 10);
    later_numbers("x", 1, 2);
    assert_status(drain(&a, 500), 0);
    assert_status(drain(&a, 500), UV_EALREADY);
    unsubscribe(&a);
    assert_status(drain(&a, 500), UV_EALREADY);
    unsubscribe(&a);
    assert_int_equal(stage.journal.count, 0);
    assert_said("topic_close x", "a drained 2", "a closed");
    assert_status(drain(&a, 500), UV_EALREADY);
}

/* The time is up in the very turn in which it was unsubscribed. */
static void a_drain_that_is_over_twice_ends_once(void **state)
{
    (void)state;
    stopped_with(&a, CAIRN_DROP_NEWEST, 10);
    later_numbers("x", 1, 2);
    assert_status(drain(&a, 500), 0);
    unsubscribe(&a);
    advance(500);
    assert_said("topic_close x", "a drained 2", "a closed");
    stage_forget();
    assert_silence();
}

static void unsubscribe_discards_what_is_buffered(void **state)
{
    (void)state;
    subscribed(&a, "x", NULL);
    later_numbers("x", 1, 2);
    unsubscribe(&a);
    unsubscribe(&a);
    assert_int_equal(now("x", "3"), 0);
    start(&a);
    credit(&a, 1);
    assert_said("topic_close x", "a closed");
    stage_forget();
    assert_silence();
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, ears_begin, stage_end)
    const struct CMUnitTest tests[] = {
        TEST(drop_oldest_keeps_the_newest),
        TEST(drop_newest_keeps_the_oldest),
        TEST(drop_newest_tells_each_gap_where_it_is),
        TEST(close_slow_fails_behind_what_is_buffered),
        TEST(slow_is_told_once_until_the_buffer_was_empty),
        TEST(a_message_too_large_for_the_buffer_is_lost_alone),
        TEST(a_lost_link_makes_a_counted_loss_unknown),
        TEST(a_message_that_finds_no_memory_is_lost_and_told),
        TEST(the_last_loss_for_want_of_memory_is_told_too),
        TEST(close_slow_fails_for_want_of_memory),
        TEST(what_is_lost_while_a_gap_is_told_is_told_as_well),
        TEST(what_is_lost_while_a_message_is_delivered_is_told_before_the_next),
        TEST(what_is_lost_in_the_last_message_is_told_in_order),
        TEST(what_is_lost_in_a_gap_is_told_before_the_message_at_hand),
        TEST(a_steady_flow_takes_no_more_memory),
        TEST(a_subscription_that_feeds_itself_holds_nobody_up),
        TEST(a_gap_is_told_once_though_its_message_waits),
        TEST(a_stopped_subscription_delivers_nothing),
        TEST(credit_runs_out_and_comes_back),
        TEST(credit_while_stopped_counts),
        TEST(credit_given_in_the_message_keeps_them_coming),
        TEST(events_need_no_credit),
        TEST(drain_delivers_what_is_buffered_and_nothing_new),
        TEST(drain_tells_the_gap_at_its_end),
        TEST(drain_is_over_when_its_time_is_up),
        TEST(drain_goes_on_as_credit_comes),
        TEST(drain_hears_nothing_of_the_link),
        TEST(drain_ends_when_the_server_refuses),
        TEST(drain_ends_with_the_handle),
        TEST(unsubscribe_ends_a_drain),
        TEST(a_drain_that_is_over_twice_ends_once),
        TEST(unsubscribe_discards_what_is_buffered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
