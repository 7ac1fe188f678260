/* Subscriptions over links that break: back by themselves, with one gap each, and no one forgotten.
 */
#include "scripted.h"

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=5"

static probe_t *subscribe(client_t *c, const char *channel)
{
    probe_t *probe = client_probe(c);
    assert_status(probe_try(probe, cairn_str(channel), NULL), 0);
    return probe;
}

static probe_t *subscribed(client_t *c, const char *channel)
{
    probe_t *probe = subscribe(c, channel);
    probe_await(probe, "subscribed");
    return probe;
}

static void subscriptions_come_back_with_one_gap_each_on(world_t *w, const char *query)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, query);
    probe_t *one = subscribed(c, "news");
    probe_t *two = subscribed(c, "news");
    probe_t *other = subscribed(c, "weather");
    probe_t *pattern = client_probe(c);
    assert_status(probe_try_pattern(pattern, cairn_str("w*"), NULL), 0);
    probe_await(pattern, "subscribed");
    scripted_hangup(server);
    probe_t *all[] = {one, two, other, pattern};
    for (int i = 0; i < 4; i++)
        probe_await(all[i], "subscribed", "disconnected UV_EOF", "gap -1", "resubscribed");
    scripted_message(server, "news", "hello");
    probe_await(one, "subscribed", "disconnected UV_EOF", "gap -1", "resubscribed",
                "message hello");
    probe_await(two, "subscribed", "disconnected UV_EOF", "gap -1", "resubscribed",
                "message hello");
}

static void subscriptions_come_back_with_one_gap_each(world_t *w)
{
    subscriptions_come_back_with_one_gap_each_on(w, QUICK);
}

static void subscriptions_come_back_over_resp2_too(world_t *w)
{
    subscriptions_come_back_with_one_gap_each_on(w, "protocol=2&" QUICK);
}

/* The link is ready before the topics are: the gap belongs to the outage, not to the attempts. */
static void one_outage_of_many_attempts_is_one_gap(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    probe_t *probe = subscribed(c, "news");
    probe_t *other = subscribed(c, "weather");
    for (int i = 0; i < 3; i++) scripted_once(server, "HELLO", SCRIPTED_HANGUP);
    scripted_once(server, "SUBSCRIBE", SCRIPTED_HANGUP);
    scripted_hangup(server);
    probe_await(probe, "subscribed", "disconnected UV_EOF", "gap -1", "resubscribed");
    probe_await(other, "subscribed", "disconnected UV_EOF", "gap -1", "resubscribed");
    assert_int_equal(server->accepted, 6);
    pub_await(client_publish(c, "news", "x"), 0);
}

static void a_subscription_made_while_disconnected_has_no_gap(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    scripted_refuse(server);
    scripted_hangup(server);
    client_await_count(c, "disconnected", 1);
    probe_t *probe = subscribe(c, "news");
    scripted_accept(server);
    probe_await(probe, "subscribed");
    scripted_message(server, "news", "hello");
    probe_await(probe, "subscribed", "message hello");
}

static void a_subscription_never_acknowledged_has_no_gap(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    scripted_once(server, "SUBSCRIBE", SCRIPTED_SILENCE);
    probe_t *probe = subscribe(c, "news");
    scripted_await_count(server, "SUBSCRIBE news", 1);
    scripted_hangup(server);
    probe_await(probe, "subscribed");
    assert_int_equal(server->accepted, 2);
    pub_await(client_publish(c, "other", "x"), 0);
    assert_int_equal(journal_count(&server->journal, "SUBSCRIBE news"), 2);
}

static void a_subscription_that_joins_one_that_is_down_has_no_gap(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    probe_t *before = subscribed(c, "news");
    scripted_refuse(server);
    scripted_hangup(server);
    client_await_count(c, "disconnected UV_ECONNREFUSED", 1);
    probe_t *during = subscribe(c, "news");
    scripted_accept(server);
    probe_await(before, "subscribed", "disconnected UV_EOF", "gap -1", "resubscribed");
    probe_await(during, "subscribed");
}

static void unsubscribing_while_disconnected_is_not_undone(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    probe_t *gone = subscribed(c, "news");
    probe_t *stays = subscribed(c, "weather");
    scripted_refuse(server);
    scripted_hangup(server);
    client_await_count(c, "disconnected", 1);
    probe_unsubscribe(gone);
    probe_await_count(gone, "closed", 1);
    scripted_accept(server);
    probe_await_count(stays, "resubscribed", 1);
    size_t second = journal_find(&server->journal, 0, "close");
    assert_int_equal(journal_find(&server->journal, second, "SUBSCRIBE news"),
                     server->journal.count);
}

static void a_link_lost_between_unsubscribe_and_its_answer_ends_well(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    probe_t *probe = subscribed(c, "news");
    scripted_once(server, "UNSUBSCRIBE", SCRIPTED_SILENCE);
    probe_unsubscribe(probe);
    probe_await(probe, "subscribed", "closed");
    scripted_await_count(server, "UNSUBSCRIBE news", 1);
    probe_t *again = subscribe(c, "news");
    scripted_hangup(server);
    probe_await(again, "subscribed");
    scripted_message(server, "news", "hello");
    probe_await(again, "subscribed", "message hello");
}

static void what_nobody_wants_any_more_is_not_subscribed_again(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    probe_t *gone = subscribed(c, "news");
    probe_t *stays = subscribed(c, "weather");
    scripted_once(server, "UNSUBSCRIBE", SCRIPTED_SILENCE);
    probe_unsubscribe(gone);
    scripted_await_count(server, "UNSUBSCRIBE news", 1);
    scripted_hangup(server);
    probe_await_count(stays, "resubscribed", 1);
    assert_int_equal(journal_count(&server->journal, "SUBSCRIBE news"), 1);
    assert_int_equal(journal_count(&server->journal, "SUBSCRIBE weather"), 2);
}

/* The acknowledgement of the unsubscribe comes while the channel is wanted again. */
static void a_late_unsubscribe_answer_does_not_end_the_new_subscription(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    probe_t *before = subscribed(c, "news");
    scripted_once(server, "UNSUBSCRIBE", SCRIPTED_SILENCE);
    scripted_once(server, "SUBSCRIBE", SCRIPTED_SILENCE);
    probe_unsubscribe(before);
    scripted_await_count(server, "UNSUBSCRIBE", 1);
    probe_t *after = subscribe(c, "news");
    scripted_await_count(server, "SUBSCRIBE", 2);
    static const char answers[] = ">3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:0\r\n"
                                  ">3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"
                                  ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n";
    scripted_push(server, answers, sizeof answers - 1);
    probe_await(after, "subscribed", "message hello");
    client_await(c, "connected");
}

static void a_refused_subscription_fails_alone(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, NULL);
    probe_t *allowed = subscribed(c, "news");
    scripted_once(server, "SUBSCRIBE",
                  "-NOPERM this user has no permissions to access one of the channels\r\n");
    probe_t *refused = subscribe(c, "secret");
    probe_await(refused, "failed CAIRN_EDENIED");
    assert_contains(refused->detail, "NOPERM this user has no permissions");
    scripted_message(server, "news", "hello");
    probe_await(allowed, "subscribed", "message hello");
    probe_unsubscribe(refused);
    probe_await(refused, "failed CAIRN_EDENIED", "closed");
    client_await(c, "connected");
}

/* It goes with the handshake, before anything else was written. */
static void so_does_one_that_is_refused_as_the_link_is_made(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_once(server, "SUBSCRIBE", "-NOPERM this user has no permissions\r\n");
    client_t *c = world_open(w, NULL);
    probe_t *refused = subscribe(c, "secret");
    probe_await(refused, "failed CAIRN_EDENIED");
    probe_t *allowed = subscribed(c, "news");
    scripted_message(server, "news", "hello");
    probe_await(allowed, "subscribed", "message hello");
}

static void messages_before_the_acknowledgement_are_not_delivered_before_it(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    scripted_once(server, "SUBSCRIBE",
                  ">3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"
                  ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\none\r\n"
                  ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\ntwo\r\n");
    probe_t *probe = subscribe(c, "news");
    probe_await(probe, "subscribed", "message one", "message two");
}

/* What is buffered from before the outage comes first, then the gap, then what came after. */
static void the_gap_lies_between_what_was_buffered_and_what_follows(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    probe_t *probe = subscribed(c, "news");
    probe_t *witness = subscribed(c, "news");
    probe_stop(probe);
    scripted_message(server, "news", "before");
    probe_await_messages(witness, 1);
    scripted_hangup(server);
    probe_await_count(witness, "resubscribed", 1);
    scripted_message(server, "news", "after");
    probe_await_messages(witness, 2);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 2);
    probe_start(probe);
    probe_await_messages(probe, 2);
    const journal_t *j = &probe->journal;
    assert_int_equal(journal_count(j, "gap -1"), 1);
    assert_true(journal_find(j, 0, "message before") < journal_find(j, 0, "gap -1"));
    assert_true(journal_find(j, 0, "gap -1") < journal_find(j, 0, "message after"));
}

static void act_when_disconnected(probe_t *probe, const char *line)
{
    if (strncmp(line, "disconnected", 12) == 0) probe_unsubscribe(probe->other);
}

static void unsubscribing_inside_the_disconnected_event_works(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    probe_t *one = subscribed(c, "news");
    probe_t *two = subscribed(c, "news");
    one->other = one;
    two->other = two;
    one->react = two->react = act_when_disconnected;
    scripted_hangup(server);
    probe_await(one, "subscribed", "disconnected UV_EOF", "closed");
    probe_await(two, "subscribed", "disconnected UV_EOF", "closed");
    client_await_count(c, "connected", 2);
}

static const scenario_t scenarios[] = {
    SCENARIO(subscriptions_come_back_with_one_gap_each),
    SCENARIO(subscriptions_come_back_over_resp2_too),
    SCENARIO(one_outage_of_many_attempts_is_one_gap),
    SCENARIO(a_subscription_made_while_disconnected_has_no_gap),
    SCENARIO(a_subscription_never_acknowledged_has_no_gap),
    SCENARIO(a_subscription_that_joins_one_that_is_down_has_no_gap),
    SCENARIO(unsubscribing_while_disconnected_is_not_undone),
    SCENARIO(a_link_lost_between_unsubscribe_and_its_answer_ends_well),
    SCENARIO(what_nobody_wants_any_more_is_not_subscribed_again),
    SCENARIO(a_late_unsubscribe_answer_does_not_end_the_new_subscription),
    SCENARIO(a_refused_subscription_fails_alone),
    SCENARIO(so_does_one_that_is_refused_as_the_link_is_made),
    SCENARIO(messages_before_the_acknowledgement_are_not_delivered_before_it),
    SCENARIO(the_gap_lies_between_what_was_buffered_and_what_follows),
    SCENARIO(unsubscribing_inside_the_disconnected_event_works),
};

int main(void)
{
    return SCENARIOS_RUN("redis: topics", scenarios, NULL);
}
