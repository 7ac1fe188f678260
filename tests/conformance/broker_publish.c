/* Publishing: what arrives, where, in which order, and what is refused. */
#include "broker_suite.h"

#include <stdlib.h>

/* [scenario] */
static void publish_reaches_every_subscription_of_the_channel(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *one = client_subscribed(c, "news", NULL);
    probe_t *two = client_subscribed(c, "news", NULL);
    pub_await(client_publish(c, "news", "hello"), 0);
    probe_await(one, "subscribed", "message hello");
    probe_await(two, "subscribed", "message hello");
    client_fence(c);
    assert_int_equal(one->messages, 1);
    assert_int_equal(two->messages, 1);
}
/* [scenario] end */

static void publish_reaches_no_other_channel(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *longer = client_subscribed(c, "newspaper", NULL);
    probe_t *shorter = client_subscribed(c, "new", NULL);
    probe_t *upper = client_subscribed(c, "NEWS", NULL);
    pub_await(client_publish(c, "news", "hello"), 0);
    client_fence(c);
    assert_int_equal(longer->messages + shorter->messages + upper->messages, 0);
}

static void publish_without_subscribers_succeeds(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    pub_t *pub = client_publish(c, "nobody", "hello");
    pub_await(pub, 0);
    bool counts = cairn_capabilities(&c->cairn) & CAIRN_CAP_RECEIVERS;
    assert_int_equal(pub->receivers, counts ? 0 : -1);
}

static void publish_tells_how_many_received_it(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    client_subscribed(c, "news", NULL);
    client_subscribed(c, "news", NULL);
    pub_t *pub = client_publish(c, "news", "hello");
    pub_await(pub, 0);
    if (cairn_capabilities(&c->cairn) & CAIRN_CAP_RECEIVERS)
        assert_in_range(pub->receivers, 1, 2);
    else
        assert_int_equal(pub->receivers, -1);
}

static void submits_before_the_connection_wait_for_it(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribe(c, "news", NULL);
    pub_t *pub = client_publish(c, "other", "early");
    assert_true(cairn_is_active(&pub->publish.req));
    pub_await(pub, 0);
    probe_await(probe, "subscribed");
}

static void a_payload_may_hold_any_bytes(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    char bytes[512];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)i;
    memcpy(bytes, "\0\r\n$-1\r\n*2\r\n", 12);
    pub_t *pub = client_request(c);
    assert_status(pub_try(pub, probe->name, cairn_slice(bytes, sizeof bytes)), 0);
    probe_await_messages(probe, 1);
    assert_int_equal(probe->last_len, sizeof bytes);
    assert_memory_equal(probe->last, bytes, sizeof bytes);
}

static void a_payload_may_be_empty(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    pub_t *pub = client_request(c);
    assert_status(pub_try(pub, probe->name, cairn_slice(NULL, 0)), 0);
    pub_await(pub, 0);
    probe_await(probe, "subscribed", "message ");
    assert_int_equal(probe->last_len, 0);
}

static void a_payload_may_be_a_mebibyte(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    size_t len = 1 << 20;
    char *bytes = malloc(len);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++) bytes[i] = (char)(i * 31 >> 3);
    pub_t *pub = client_request(c);
    assert_status(pub_try(pub, probe->name, cairn_slice(bytes, len)), 0);
    probe_await_messages(probe, 1);
    assert_int_equal(probe->last_len, len);
    assert_memory_equal(probe->last, bytes, len);
    free(bytes);
}

static void a_channel_may_hold_any_bytes(world_t *w)
{
    static const char odd[][8] = {"a\0b",    "\r\n\0\0", "*2\r\n$1",    " ",
                                  ":|{}*?[", "\\",       "\xff\xfe\x80"};
    client_t *c = world_open(w, NULL);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        probe_t *probe = client_probe(c);
        cairn_slice_t channel = cairn_slice(odd[i], i == 3 ? 1 : sizeof odd[i] - 1);
        assert_status(probe_try(probe, channel, NULL), 0);
        probe_await(probe, "subscribed");
        pub_t *pub = client_request(c);
        assert_status(pub_try(pub, channel, cairn_str("hello")), 0);
        probe_await(probe, "subscribed", "message hello");
    }
}

static void channels_that_differ_after_a_nul_are_different(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *one = client_probe(c);
    probe_t *two = client_probe(c);
    assert_status(probe_try(one, cairn_slice("news\0one", 8), NULL), 0);
    assert_status(probe_try(two, cairn_slice("news\0two", 8), NULL), 0);
    probe_await(one, "subscribed");
    probe_await(two, "subscribed");
    pub_t *pub = client_request(c);
    assert_status(pub_try(pub, cairn_slice("news\0two", 8), cairn_str("2")), 0);
    probe_await(two, "subscribed", "message 2");
    client_fence(c);
    assert_int_equal(one->messages, 0);
}

static void the_longest_channel_is_accepted_and_one_byte_more_refused(world_t *w)
{
    client_t *c = world_open(w, NULL);
    char *name = malloc(CAIRN_CHANNEL_MAX + 1);
    assert_non_null(name);
    memset(name, 'x', CAIRN_CHANNEL_MAX + 1);
    pub_t *pub = client_request(c);
    assert_status(pub_try(pub, cairn_slice(name, CAIRN_CHANNEL_MAX + 1), cairn_str("hello")),
                  CAIRN_ETOOBIG);
    journal_text_t detail;
    assert_contains(journal_bytes(detail, pub->publish.req.detail), "channel");

    probe_t *probe = client_probe(c);
    assert_status(probe_try(probe, cairn_slice(name, CAIRN_CHANNEL_MAX + 1), NULL), CAIRN_ETOOBIG);
    assert_status(probe_try_pattern(probe, cairn_slice(name, CAIRN_CHANNEL_MAX + 1), NULL),
                  CAIRN_ETOOBIG);
    assert_status(probe_try(probe, cairn_slice(name, CAIRN_CHANNEL_MAX), NULL), 0);
    probe_await(probe, "subscribed");
    assert_status(pub_try(pub, cairn_slice(name, CAIRN_CHANNEL_MAX), cairn_str("hello")), 0);
    probe_await(probe, "subscribed", "message hello");
    free(name);
}

static void an_empty_channel_is_refused_in_words(world_t *w)
{
    client_t *c = world_open(w, NULL);
    pub_t *pub = client_request(c);
    assert_status(pub_try(pub, cairn_slice(NULL, 0), cairn_str("hello")), UV_EINVAL);
    journal_text_t detail;
    assert_contains(journal_bytes(detail, pub->publish.req.detail), "channel");
    assert_false(cairn_is_active(&pub->publish.req));
    client_fence(c);
    assert_int_equal(pub->calls, 0);
}

static void submit_copies_channel_and_payload(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    char channel[32];
    char payload[] = "hello";
    memcpy(channel, probe->name.ptr, probe->name.len);
    pub_t *pub = client_request(c);
    assert_status(pub_try(pub, cairn_slice(channel, probe->name.len), cairn_str(payload)), 0);
    memset(channel, 'x', sizeof channel);
    memset(payload, 'x', sizeof payload - 1);
    probe_await(probe, "subscribed", "message hello");
}

static void submit_copies_what_waits_for_the_connection(world_t *w)
{
    client_t *c = world_client(w);
    client_open(c, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    client_t *late = world_open(w, NULL);
    char payload[] = "hello";
    pub_t *pub = client_request(late);
    assert_status(pub_try(pub, probe->name, cairn_str(payload)), 0);
    memset(payload, 'x', sizeof payload - 1);
    pub_await(pub, 0);
    if (cairn_capabilities(&c->cairn) & CAIRN_CAP_SHARED)
        probe_await(probe, "subscribed", "message hello");
}

#define MANY 1000

static void messages_of_a_channel_arrive_in_the_order_of_their_submits(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    for (int i = 0; i < MANY; i++) {
        char payload[16];
        snprintf(payload, sizeof payload, "%d", i);
        client_publish(c, "news", payload);
    }
    probe_await_messages(probe, MANY);
    for (int i = 0; i < MANY; i++) {
        char line[32];
        snprintf(line, sizeof line, "message %d", i);
        assert_string_equal(probe->journal.lines[i + 1], line);
    }
}

static void publish_again(pub_t *pub)
{
    if (--pub->countdown > 0) pub_again(pub, "news", "again");
}

static void a_request_is_usable_again_in_its_own_callback(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    pub_t *pub = client_request(c);
    pub->publish.req.timeout_ms = 4000;
    pub->publish.req.flags = CAIRN_REQ_IDEMPOTENT;
    pub->countdown = 100;
    pub->react = publish_again;
    pub_again(pub, "news", "again");
    probe_await_messages(probe, 100);
    pub_await(pub, 0);
    assert_int_equal(pub->calls, 100);
    assert_int_equal(pub->publish.req.timeout_ms, 4000);
    assert_int_equal(pub->publish.req.flags, CAIRN_REQ_IDEMPOTENT);
}

static void answer(probe_t *probe, const char *line)
{
    bool is_message = strncmp(line, "message", 7) == 0;
    if (is_message && probe->messages < 100) client_publish(probe->client, probe->data, "back");
}

static void publishing_from_a_message_callback_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *ping = client_subscribed(c, "ping", NULL);
    probe_t *pong = client_subscribed(c, "pong", NULL);
    ping->data = "pong";
    pong->data = "ping";
    ping->react = pong->react = answer;
    client_publish(c, "ping", "there");
    probe_await_messages(ping, 100);
    probe_await_messages(pong, 99);
}

static void a_publish_without_a_callback_is_carried_out(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    cairn_broker_publish_t req;
    memset(&req, 0, sizeof req);
    assert_status(cairn_broker_publish(&c->broker, &req, probe->name, cairn_str("hello"), NULL), 0);
    probe_await(probe, "subscribed", "message hello");
    client_fence(c);
    assert_false(cairn_is_active(&req.req));
}

const scenario_t broker_publish_scenarios[] = {
    SCENARIO(publish_reaches_every_subscription_of_the_channel),
    SCENARIO(publish_reaches_no_other_channel),
    SCENARIO(publish_without_subscribers_succeeds),
    SCENARIO(publish_tells_how_many_received_it),
    SCENARIO(submits_before_the_connection_wait_for_it),
    SCENARIO(a_payload_may_hold_any_bytes),
    SCENARIO(a_payload_may_be_empty),
    SCENARIO(a_payload_may_be_a_mebibyte),
    SCENARIO(a_channel_may_hold_any_bytes),
    SCENARIO(channels_that_differ_after_a_nul_are_different),
    SCENARIO(the_longest_channel_is_accepted_and_one_byte_more_refused),
    SCENARIO(an_empty_channel_is_refused_in_words),
    SCENARIO(submit_copies_channel_and_payload),
    SCENARIO(submit_copies_what_waits_for_the_connection),
    SCENARIO(messages_of_a_channel_arrive_in_the_order_of_their_submits),
    SCENARIO(a_request_is_usable_again_in_its_own_callback),
    SCENARIO(publishing_from_a_message_callback_works),
    SCENARIO(a_publish_without_a_callback_is_carried_out),
    {NULL, NULL},
};
