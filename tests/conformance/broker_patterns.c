/* Patterns: what matches what, the same for every backend. */
#include "broker_suite.h"

static void a_pattern_subscription_gets_channel_and_pattern(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_psubscribe(c, "news.*", NULL);
    probe_await(probe, "subscribed");
    client_publish(c, "news.art", "one");
    client_publish(c, "weather", "no");
    client_publish(c, "news.", "two");
    probe_await(probe, "subscribed", "message one on news.art", "message two on news.");
}

static void a_channel_and_a_pattern_subscription_each_get_the_message(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *channel = client_subscribed(c, "news", NULL);
    probe_t *pattern = client_psubscribe(c, "n*s", NULL);
    probe_t *other = client_psubscribe(c, "?ews", NULL);
    probe_await(pattern, "subscribed");
    probe_await(other, "subscribed");
    client_publish(c, "news", "hello");
    client_fence(c);
    probe_await(channel, "subscribed", "message hello");
    probe_await(pattern, "subscribed", "message hello on news");
    probe_await(other, "subscribed", "message hello on news");
    assert_int_equal(channel->messages + pattern->messages + other->messages, 3);
}

static void two_subscriptions_of_one_pattern_each_get_the_message(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *one = client_psubscribe(c, "n*", NULL);
    probe_t *two = client_psubscribe(c, "n*", NULL);
    probe_await(one, "subscribed");
    probe_await(two, "subscribed");
    client_publish(c, "news", "hello");
    client_fence(c);
    probe_await(one, "subscribed", "message hello on news");
    probe_await(two, "subscribed", "message hello on news");
    assert_int_equal(one->messages + two->messages, 2);
}

static void a_channel_with_a_globs_characters_is_no_pattern(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *literal = client_subscribed(c, "n*", NULL);
    client_publish(c, "news", "no");
    client_publish(c, "n*", "yes");
    client_fence(c);
    probe_await(literal, "subscribed", "message yes");
    assert_int_equal(literal->messages, 1);
}

static void a_pattern_equal_to_a_channels_name_is_its_own_subscription(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *channel = client_subscribed(c, "news", NULL);
    probe_t *pattern = client_psubscribe(c, "news", NULL);
    probe_await(pattern, "subscribed");
    client_publish(c, "news", "one");
    probe_await(channel, "subscribed", "message one");
    probe_await(pattern, "subscribed", "message one on news");
    probe_unsubscribe(channel);
    probe_await(channel, "subscribed", "message one", "closed");
    client_publish(c, "news", "two");
    probe_await(pattern, "subscribed", "message one on news", "message two on news");
    client_fence(c);
    assert_int_equal(channel->messages, 1);
}

static void buffered_messages_of_a_pattern_keep_their_channels(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_psubscribe(c, "news.*", &(cairn_broker_sub_options_t){.stopped = true});
    probe_await(probe, "subscribed");
    client_publish(c, "news.a", "one");
    client_publish(c, "news.bcd", "");
    client_publish(c, "news.", "three");
    client_fence(c);
    assert_int_equal(cairn_broker_buffered(&probe->sub), 3);
    probe_start(probe);
    probe_await(probe, "subscribed", "message one on news.a", "message  on news.bcd",
                "message three on news.");
}

static void messages_through_one_pattern_keep_the_order_of_their_submits(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_psubscribe(c, "n*", NULL);
    probe_await(probe, "subscribed");
    for (int i = 0; i < 200; i++) {
        char payload[16];
        snprintf(payload, sizeof payload, "%d", i);
        client_publish(c, i % 2 ? "news" : "novel", payload);
    }
    probe_await_messages(probe, 200);
    for (int i = 0; i < 200; i++) {
        char line[48];
        snprintf(line, sizeof line, "message %d on %s", i, i % 2 ? "news" : "novel");
        assert_string_equal(probe->journal.lines[i + 1], line);
    }
}

/* What Redis answers, asked of a redis-server 7.0; every backend must agree. */
static const struct {
    const char *pattern;
    const char *channel;
    bool matches;
} globs[] = {
    {"*", "anything", true},
    {"**", "anything", true},
    {"a*", "a", true},
    {"a*", "abc", true},
    {"a*", "ba", false},
    {"*a", "bca", true},
    {"*a", "bcab", false},
    {"a*b*c", "aXXbYYc", true},
    {"a*b*c", "aXXbYY", false},
    {"a*b*c", "abbbbbbc", true},
    {"?", "a", true},
    {"?", "ab", false},
    {"a?c", "abc", true},
    {"a?c", "ac", false},
    {"*?", "a", true},
    {"?*", "abc", true},
    {"[abc]", "b", true},
    {"[abc]", "d", false},
    {"[abc]", "ab", false},
    {"[a-c]x", "bx", true},
    {"[a-c]x", "dx", false},
    {"[c-a]x", "bx", true},
    {"[^a-c]x", "dx", true},
    {"[^a-c]x", "bx", false},
    {"[!a]", "!", true},
    {"[!a]", "b", false},
    {"[\\]]", "]", true},
    {"[\\^a]", "^", true},
    {"[a\\-c]", "-", true},
    {"[a\\-c]", "b", false},
    {"[abc", "c", true},
    {"[abc", "d", false},
    {"[^", "a", true},
    {"h[ae]llo", "hallo", true},
    {"h[ae]llo", "hillo", false},
    {"\\*", "*", true},
    {"\\*", "a", false},
    {"\\?x", "?x", true},
    {"\\[a]", "[a]", true},
    {"\\a", "a", true},
    {"\\\\", "\\", true},
    {"a\\", "a\\", true},
    {"A*", "abc", false},
    {"{a,b}", "a", false},
    {"{a,b}", "{a,b}", true},
    {"news.*", "news.art.modern", true},
    {"*.*", "news", false},
    {"é*", "été", true},
    {"é?", "éé", false},
    {"x]", "x]", true},
    {"-", "-", true},
};
#define GLOBS (sizeof globs / sizeof *globs)

static void globs_match_as_in_redis(world_t *w)
{
    client_t *c = world_open(w, NULL);
    for (size_t i = 0; i < GLOBS; i++) {
        probe_t *probe = client_probe(c);
        assert_status(probe_try_pattern(probe, cairn_str(globs[i].pattern), NULL), 0);
        probe_await(probe, "subscribed");
        pub_t *pub = client_request(c);
        assert_status(pub_try(pub, cairn_str(globs[i].channel), cairn_str("x")), 0);
        pub_await(pub, 0);
        client_fence(c);
        size_t got = journal_count(&probe->journal, "message x");
        if (got != globs[i].matches)
            check_fail("pattern \"%s\" and channel \"%s\": %smatch expected", globs[i].pattern,
                       globs[i].channel, globs[i].matches ? "a " : "no ");
        probe_unsubscribe(probe);
    }
}

static void patterns_and_channels_may_hold_a_nul(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_probe(c);
    assert_status(probe_try_pattern(probe, cairn_slice("nul\0*", 5), NULL), 0);
    probe_await(probe, "subscribed");
    pub_t *other = client_request(c);
    assert_status(pub_try(other, cairn_slice("nulX", 4), cairn_str("no")), 0);
    pub_t *pub = client_request(c);
    assert_status(pub_try(pub, cairn_slice("nul\0x\0y", 7), cairn_str("yes")), 0);
    probe_await(probe, "subscribed", "message yes on nul\\x00x\\x00y");
}

const scenario_t broker_pattern_scenarios[] = {
    SCENARIO(a_pattern_subscription_gets_channel_and_pattern),
    SCENARIO(a_channel_and_a_pattern_subscription_each_get_the_message),
    SCENARIO(two_subscriptions_of_one_pattern_each_get_the_message),
    SCENARIO(a_channel_with_a_globs_characters_is_no_pattern),
    SCENARIO(a_pattern_equal_to_a_channels_name_is_its_own_subscription),
    SCENARIO(buffered_messages_of_a_pattern_keep_their_channels),
    SCENARIO(messages_through_one_pattern_keep_the_order_of_their_submits),
    SCENARIO(globs_match_as_in_redis),
    SCENARIO(patterns_and_channels_may_hold_a_nul),
    {NULL, NULL},
};
