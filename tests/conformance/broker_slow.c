/* The slow subscriber: each policy, counted to the message, and never silent (semantics.md 50). */
#include "broker_suite.h"

static probe_t *stopped(client_t *c, cairn_broker_policy_t policy, uint32_t max_messages)
{
    cairn_broker_sub_options_t options = {
        .policy = policy, .max_messages = max_messages, .stopped = true};
    return client_subscribed(c, "news", &options);
}

static void publish_numbers(client_t *c, int from, int to)
{
    for (int i = from; i <= to; i++) {
        char payload[16];
        snprintf(payload, sizeof payload, "%d", i);
        client_publish(c, "news", payload);
    }
    client_fence(c);
}

static void a_buffer_filled_to_the_brim_loses_nothing(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = stopped(c, CAIRN_DROP_OLDEST, 4);
    publish_numbers(c, 1, 4);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 4);
    assert_int_equal(cairn_broker_dropped(&probe->sub), 0);
    probe_start(probe);
    probe_await(probe, "subscribed", "message 1", "message 2", "message 3", "message 4");
}

static void drop_oldest_keeps_the_newest_behind_a_gap(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = stopped(c, CAIRN_DROP_OLDEST, 4);
    publish_numbers(c, 1, 10);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 4);
    assert_int_equal(cairn_broker_dropped(&probe->sub), 6);
    assert_int_equal(client_stats(c).dropped, 6);
    probe_start(probe);
    probe_await(probe, "subscribed", "slow", "gap 6", "message 7", "message 8", "message 9",
                "message 10");
    publish_numbers(c, 11, 11);
    probe_await(probe, "subscribed", "slow", "gap 6", "message 7", "message 8", "message 9",
                "message 10", "message 11");
}

static void drop_newest_keeps_the_oldest_and_a_gap_before_the_next(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = stopped(c, CAIRN_DROP_NEWEST, 4);
    publish_numbers(c, 1, 10);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 4);
    assert_int_equal(cairn_broker_dropped(&probe->sub), 6);
    assert_int_equal(client_stats(c).dropped, 6);
    probe_start(probe);
    probe_await_messages(probe, 4);
    publish_numbers(c, 11, 11);
    probe_await(probe, "subscribed", "slow", "message 1", "message 2", "message 3", "message 4",
                "gap 6", "message 11");
}

static void close_slow_delivers_what_is_buffered_and_fails(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = stopped(c, CAIRN_CLOSE_SLOW, 4);
    publish_numbers(c, 1, 10);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 4);
    assert_true(cairn_broker_dropped(&probe->sub) >= 1);
    probe_start(probe);
    probe_await_count(probe, "failed", 1);
    publish_numbers(c, 11, 12);
    assert_int_equal(probe->messages, 4);
    assert_int_equal(journal_count(&probe->journal, "failed CAIRN_ESLOW"), 1);
    assert_int_equal(journal_count(&probe->journal, "slow"), 1);
    size_t failed = journal_find(&probe->journal, 0, "failed");
    assert_true(journal_find(&probe->journal, 0, "message 4") < failed);
    assert_int_equal(failed, probe->journal.count - 1);
    probe_unsubscribe(probe);
    probe_await_count(probe, "closed", 1);
}

static void a_subscription_that_failed_slow_leaves_others_alone(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *slow = stopped(c, CAIRN_CLOSE_SLOW, 1);
    probe_t *fast = client_subscribed(c, "news", NULL);
    publish_numbers(c, 1, 3);
    probe_start(slow);
    probe_await_count(slow, "failed CAIRN_ESLOW", 1);
    publish_numbers(c, 4, 4);
    probe_await(fast, "subscribed", "message 1", "message 2", "message 3", "message 4");
}

static void slow_is_told_while_the_subscription_is_stopped(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = stopped(c, CAIRN_DROP_OLDEST, 2);
    publish_numbers(c, 1, 20);
    probe_await(probe, "subscribed", "slow");
    client_fence(c);
    assert_int_equal(probe->journal.count, 2);
}

static void every_episode_has_a_slow_event_and_a_gap_of_its_own(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = stopped(c, CAIRN_DROP_OLDEST, 2);
    publish_numbers(c, 1, 3);
    probe_start(probe);
    probe_await(probe, "subscribed", "slow", "gap 1", "message 2", "message 3");
    publish_numbers(c, 4, 4);
    probe_stop(probe);
    publish_numbers(c, 5, 9);
    probe_start(probe);
    probe_await(probe, "subscribed", "slow", "gap 1", "message 2", "message 3", "message 4", "slow",
                "gap 3", "message 8", "message 9");
    assert_int_equal(cairn_broker_dropped(&probe->sub), 4);
}

static void loss_for_want_of_credit_is_counted_alike(world_t *w)
{
    client_t *c = world_open(w, NULL);
    cairn_broker_sub_options_t options = {.max_messages = 2, .credit = 1};
    probe_t *probe = client_subscribed(c, "news", &options);
    publish_numbers(c, 1, 1);
    publish_numbers(c, 2, 6);
    probe_credit(probe, 10);
    probe_await(probe, "subscribed", "message 1", "slow", "gap 3", "message 5", "message 6");
}

static void drop_newest_counts_a_second_loss_apart_from_the_first(world_t *w)
{
    client_t *c = world_open(w, NULL);
    cairn_broker_sub_options_t options = {
        .policy = CAIRN_DROP_NEWEST, .max_messages = 2, .credit = 1};
    probe_t *probe = client_subscribed(c, "news", &options);
    publish_numbers(c, 1, 1);
    publish_numbers(c, 2, 5); /* keeps 2 and 3 */
    probe_credit(probe, 1);
    probe_await_messages(probe, 2);
    publish_numbers(c, 6, 8); /* keeps 6 */
    probe_credit(probe, 2);
    probe_await_messages(probe, 4);
    publish_numbers(c, 9, 9);
    probe_credit(probe, 1);
    probe_await_messages(probe, 5);
    const journal_t *j = &probe->journal;
    assert_int_equal(journal_find(j, 0, "message 3") + 1, journal_find(j, 0, "gap 2"));
    assert_int_equal(journal_find(j, 0, "gap 2") + 1, journal_find(j, 0, "message 6"));
    size_t second = journal_find(j, journal_find(j, 0, "message 6"), "gap 2");
    assert_true(second < journal_find(j, 0, "message 9"));
    assert_int_equal(cairn_broker_dropped(&probe->sub), 4);
    assert_int_equal(journal_count(j, "gap"), 2);
}

static void publish_kilobytes(client_t *c, int count)
{
    char payload[1001];
    memset(payload, 'x', sizeof payload - 1);
    payload[sizeof payload - 1] = '\0';
    for (int i = 0; i < count; i++) client_publish(c, "news", payload);
    client_fence(c);
}

static void the_bound_in_bytes_counts_32_a_message_on_top(world_t *w)
{
    client_t *c = world_open(w, NULL);
    cairn_broker_sub_options_t options = {.max_bytes = 10000, .stopped = true};
    probe_t *probe = client_subscribed(c, "news", &options);
    publish_kilobytes(c, 9);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 9);
    assert_int_equal(cairn_broker_dropped(&probe->sub), 0);
    publish_kilobytes(c, 3);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 9);
    assert_int_equal(cairn_broker_dropped(&probe->sub), 3);

    cairn_broker_sub_options_t empty = {.max_bytes = 100 * 32, .stopped = true};
    probe_t *second = client_subscribed(c, "empty", &empty);
    for (int i = 0; i < 120; i++) client_publish(c, "empty", "");
    client_fence(c);
    assert_int_equal(cairn_broker_buffered(&second->sub), 100);
}

static void a_message_larger_than_the_whole_buffer_is_lost_and_counted(world_t *w)
{
    client_t *c = world_open(w, NULL);
    cairn_broker_sub_options_t options = {.max_bytes = 500, .stopped = true};
    probe_t *probe = client_subscribed(c, "news", &options);
    client_publish(c, "news", "small");
    publish_kilobytes(c, 1);
    assert_int_equal(cairn_broker_dropped(&probe->sub) + cairn_broker_buffered(&probe->sub), 2);
    probe_start(probe);
    publish_numbers(c, 7, 7);
    probe_await_count(probe, "message 7", 1);
    assert_true(journal_count(&probe->journal, "gap") == 1);
    assert_int_equal(journal_count(&probe->journal, "message x"), 0);
}

/* The bounds are for what waits. To a subscription with nothing to wait for, backends must not
 * differ in what they deliver. */
static void a_message_larger_than_the_buffer_reaches_who_is_not_behind(world_t *w)
{
    client_t *c = world_open(w, NULL);
    cairn_broker_sub_options_t options = {.max_bytes = 500};
    probe_t *probe = client_subscribed(c, "news", &options);
    publish_kilobytes(c, 1);
    probe_await_messages(probe, 1);
    assert_int_equal(probe->last_len, 1000);
    assert_int_equal(cairn_broker_dropped(&probe->sub), 0);
}

static void the_default_bound_is_65536_messages(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", &(cairn_broker_sub_options_t){.stopped = true});
    probe->quiet = true;
    enum {
        BATCH = 8192,
        BATCHES = 8,
        MORE = 3
    };
    pub_t *pubs[BATCH];
    for (int i = 0; i < BATCH; i++) pubs[i] = client_request(c);
    for (int batch = 0; batch <= BATCHES; batch++) {
        int count = batch < BATCHES ? BATCH : MORE;
        for (int i = 0; i < count; i++)
            assert_status(pub_try(pubs[i], probe->name, cairn_str("x")), 0);
        for (int i = 0; i < count; i++) pub_await(pubs[i], 0);
    }
    client_fence(c);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 65536);
    assert_int_equal(cairn_broker_dropped(&probe->sub), MORE);
}

static void unsubscribe_when_slow(probe_t *probe, const char *line)
{
    if (strcmp(line, "slow") == 0) probe_unsubscribe(probe);
}

static void unsubscribing_inside_the_slow_event_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = stopped(c, CAIRN_DROP_OLDEST, 2);
    probe->react = unsubscribe_when_slow;
    publish_numbers(c, 1, 5);
    probe_await(probe, "subscribed", "slow", "closed");
}

static void stop_in_gap(probe_t *probe, const char *line)
{
    if (strncmp(line, "gap", 3) == 0) probe_stop(probe);
}

static void stopping_inside_the_gap_event_holds_the_message_back(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = stopped(c, CAIRN_DROP_OLDEST, 2);
    probe->react = stop_in_gap;
    publish_numbers(c, 1, 5);
    probe_start(probe);
    client_fence(c);
    probe_await(probe, "subscribed", "slow", "gap 3");
    assert_int_equal(probe->messages, 0);
    probe_start(probe);
    probe_await(probe, "subscribed", "slow", "gap 3", "message 4", "message 5");
}

const scenario_t broker_slow_scenarios[] = {
    SCENARIO(a_buffer_filled_to_the_brim_loses_nothing),
    SCENARIO(drop_oldest_keeps_the_newest_behind_a_gap),
    SCENARIO(drop_newest_keeps_the_oldest_and_a_gap_before_the_next),
    SCENARIO(close_slow_delivers_what_is_buffered_and_fails),
    SCENARIO(a_subscription_that_failed_slow_leaves_others_alone),
    SCENARIO(slow_is_told_while_the_subscription_is_stopped),
    SCENARIO(every_episode_has_a_slow_event_and_a_gap_of_its_own),
    SCENARIO(loss_for_want_of_credit_is_counted_alike),
    SCENARIO(drop_newest_counts_a_second_loss_apart_from_the_first),
    SCENARIO(the_bound_in_bytes_counts_32_a_message_on_top),
    SCENARIO(a_message_larger_than_the_whole_buffer_is_lost_and_counted),
    SCENARIO(a_message_larger_than_the_buffer_reaches_who_is_not_behind),
    SCENARIO(the_default_bound_is_65536_messages),
    SCENARIO(unsubscribing_inside_the_slow_event_works),
    SCENARIO(stopping_inside_the_gap_event_holds_the_message_back),
    {NULL, NULL},
};
