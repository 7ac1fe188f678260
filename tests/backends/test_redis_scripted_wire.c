/* Bytes from a server: torn, wrong, too many. The request fails, at worst the connection ends,
 * and in every case the next publish and the next message work. */
#include "scripted.h"

#include <stdlib.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=5"

static probe_t *subscribed_to_news(client_t *c)
{
    probe_t *probe = client_probe(c);
    assert_status(probe_try(probe, cairn_str("news"), NULL), 0);
    probe_await_count(probe, "subscribed", 1);
    return probe;
}

/* ---- torn ---- */

static size_t one_exchange(world_t *w, scripted_t *server, const char *query)
{
    client_t *c = world_open(w, query);
    probe_t *probe = subscribed_to_news(c);
    pub_t *pub = client_publish(c, "other", "x");
    pub_await(pub, 0);
    assert_int_equal(pub->receivers, 1);
    scripted_message(server, "news", "hello\r\nworld");
    scripted_message(server, "news", "");
    scripted_message(server, "news", "bye");
    probe_await(probe, "subscribed", "message hello\\x0d\\x0aworld", "message ", "message bye");
    size_t sent = scripted_sent(server);
    client_await(c, "connected");
    client_close(c);
    client_await_closed(c);
    return sent;
}

static void torn_at_every_byte(world_t *w, const char *query)
{
    scripted_t *server = scripted_of(w);
    size_t sent = one_exchange(w, server, query);
    assert_true(sent > 100);
    for (size_t at = 1; at < sent; at++) {
        server->split_at = at;
        one_exchange(w, server, query);
    }
}

static void resp3_torn_at_every_byte_is_read(world_t *w)
{
    torn_at_every_byte(w, NULL);
}

static void resp2_torn_at_every_byte_is_read(world_t *w)
{
    torn_at_every_byte(w, "protocol=2");
}

static void bytes_that_come_one_by_one_are_read(world_t *w)
{
    scripted_t *server = scripted_of(w);
    server->piece = 1;
    one_exchange(w, server, NULL);
    one_exchange(w, server, "protocol=2");
}

static void a_burst_of_messages_in_odd_pieces_is_read(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, NULL);
    probe_t *probe = subscribed_to_news(c);
    server->piece = 1021;
    for (int i = 0; i < 2000; i++) scripted_message(server, "news", "a message of some length");
    probe_await_messages(probe, 2000);
    assert_int_equal(journal_count(&probe->journal, "message a message of some length"), 2000);
}

static void a_message_larger_than_the_read_buffer_is_read(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, NULL);
    probe_t *probe = subscribed_to_news(c);
    size_t len = 3 << 20;
    char *payload = malloc(len + 1);
    assert_non_null(payload);
    memset(payload, 'y', len);
    payload[len] = '\0';
    server->piece = 100003;
    scripted_message(server, "news", payload);
    scripted_message(server, "news", "after");
    probe_await_messages(probe, 2);
    assert_string_equal(probe->last, "after");
    free(payload);
}

/* ---- replies ---- */

/* What publish must end with when it is answered so; the connection lives on. */
static const struct {
    const char *reply;
    int status;
} refusals[] = {
    {"-ERR something is amiss\r\n", CAIRN_ESERVER},
    {"-WHATEVER\r\n", CAIRN_ESERVER},
    {"-\r\n", CAIRN_ESERVER},
    {"-NOPERM this user has no permissions\r\n", CAIRN_EDENIED},
    {"-NOAUTH Authentication required.\r\n", CAIRN_EAUTH},
    {"-LOADING Redis is loading the dataset in memory\r\n", CAIRN_ELOADING},
    {"-READONLY You can't write against a read only replica.\r\n", CAIRN_EREADONLY},
    {"-OOM command not allowed when used memory > 'maxmemory'.\r\n", CAIRN_EOOM},
    {"-BUSY Redis is busy running a script.\r\n", CAIRN_EBUSY},
    {"-CLUSTERDOWN The cluster is down\r\n", CAIRN_ECLUSTER},
    {"!21\r\nSYNTAX invalid syntax\r\n", CAIRN_ESERVER},
};

static bool leaves_the_link(int status)
{
    return status == CAIRN_EREADONLY;
}

/* Once it is told: what may be sent again is not, by the request's own wish. */
static void a_servers_error_ends_the_request_and_nothing_else(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    unsigned links = 1;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        scripted_once(server, "PUBLISH", refusals[i].reply);
        pub_t *pub = client_request(c);
        pub->publish.req.flags = CAIRN_REQ_NO_RETRY;
        pub_again(pub, "news", "x");
        pub_t *next = client_publish(c, "news", "y");
        pub_await(pub, refusals[i].status);
        assert_int_equal(pub->receivers, -1);
        char word[16] = "";
        if (sscanf(refusals[i].reply, "-%15[A-Z]", word) == 1) assert_contains(pub->detail, word);
        pub_await(next, 0);
        links += leaves_the_link(refusals[i].status);
        client_await_count(c, "connected", links);
    }
    assert_int_equal(server->accepted, links);
}

static const char *const odd_replies[] = {
    "+OK\r\n",
    "$5\r\nhello\r\n",
    "$-1\r\n",
    "*-1\r\n",
    "_\r\n",
    "*0\r\n",
    "*2\r\n:1\r\n:2\r\n",
    "%1\r\n+a\r\n:1\r\n",
    "~1\r\n:1\r\n",
    ",1.5\r\n",
    "(12345678901234567890123\r\n",
    "=7\r\ntxt:odd\r\n",
    "*1\r\n*1\r\n*1\r\n:1\r\n",
    ":-7\r\n",
};

/* The reply is well formed but no answer to PUBLISH. */
static void a_reply_of_another_type_fails_the_request(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    for (size_t i = 0; i < sizeof odd_replies / sizeof *odd_replies; i++) {
        scripted_once(server, "PUBLISH", odd_replies[i]);
        pub_t *pub = client_publish(c, "news", "x");
        pub_await_any(pub);
        if (pub->status != CAIRN_EPROTOCOL || pub->receivers != -1)
            check_fail("reply %zu ended with %s", i, cairn_err_name(pub->status));
        pub_await(client_publish(c, "news", "y"), 0);
    }
}

static const char *const garbage[] = {
    "garbage\r\n",
    "\r\n",
    ":\r\n",
    ":12x\r\n",
    ":99999999999999999999999\r\n",
    "$\r\n",
    "$-5\r\nhello\r\n",
    "$5\r\nhelloXX",
    "$5x\r\nhello\r\n",
    "$99999999999999999999\r\n",
    "*-7\r\n",
    "*x\r\n",
    "%-2\r\n",
    "#x\r\n",
    ",one\r\n",
    "(12a\r\n",
    ">-1\r\n",
    "*2\r\n:1\r\n?\r\n",
    "$?\r\n;4\r\n",
    "\x80\x81\x82",
};

/* The reply is no reply: the stream cannot be trusted any more. */
static void garbage_ends_the_connection_and_the_next_one_works(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    probe_t *probe = subscribed_to_news(c);
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        scripted_once(server, "PUBLISH", garbage[i]);
        pub_t *pub = client_publish(c, "news", "x");
        pub_await_any(pub);
        if (pub->status != CAIRN_EPROTOCOL && pub->status != CAIRN_EMAYBE)
            check_fail("garbage %zu ended with %s", i, cairn_err_name(pub->status));
        client_await_count(c, "connected", i + 2);
        probe_await_count(probe, "resubscribed", i + 1);
        pub_await(client_publish(c, "news", "y"), 0);
    }
    scripted_message(server, "news", "still here");
    probe_await_count(probe, "message still here", 1);
}

static void a_line_that_never_ends_is_given_up(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "max_reply_bytes=65536&" QUICK);
    client_await(c, "connected");
    char junk[4096];
    memset(junk, '+', sizeof junk);
    for (int i = 0; i < 40; i++) scripted_push(server, junk, sizeof junk);
    client_await_count(c, "connected", 2);
    pub_await(client_publish(c, "news", "y"), 0);
}

static void an_answer_to_nothing_ends_the_connection(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    scripted_push(server, ":77\r\n", 5);
    client_await(c, "connected", "disconnected CAIRN_EPROTOCOL", "connected");
    pub_t *pub = client_publish(c, "news", "y");
    pub_await(pub, 0);
    assert_int_equal(pub->receivers, 1);
}

/* ---- sizes ---- */

static void too_large(world_t *w, const char *bytes)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "max_reply_bytes=65536&" QUICK);
    probe_t *probe = subscribed_to_news(c);
    scripted_push(server, bytes, strlen(bytes));
    client_await_count(c, "disconnected", 1);
    client_await_count(c, "connected", 2);
    probe_await_count(probe, "resubscribed", 1);
    scripted_message(server, "news", "still here");
    probe_await_count(probe, "message still here", 1);
    assert_int_equal(probe->messages, 1);
}

static void a_reply_beyond_the_bound_is_not_waited_for(world_t *w)
{
    too_large(w, ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$70000\r\n");
}

static void an_absurd_length_is_not_believed(world_t *w)
{
    too_large(w, ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$9223372036854775807\r\n");
}

static void an_absurd_count_is_not_believed(world_t *w)
{
    too_large(w, "*2147483647\r\n");
}

static void a_reply_nested_without_end_is_given_up(world_t *w)
{
    static char nested[80001];
    for (size_t i = 0; i + 4 < sizeof nested; i += 4) memcpy(nested + i, "*1\r\n", 4);
    too_large(w, nested);
}

static void a_reply_up_to_the_bound_is_taken(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "max_reply_bytes=65536&" QUICK);
    probe_t *probe = subscribed_to_news(c);
    static char payload[65001];
    memset(payload, 'z', sizeof payload - 1);
    scripted_message(server, "news", payload);
    probe_await_messages(probe, 1);
    assert_int_equal(probe->last_len, sizeof payload - 1);
    client_await(c, "connected");
}

/* ---- pushes ---- */

static const char *const bad_pushes[] = {
    ">0\r\n",
    ">1\r\n$7\r\nmessage\r\n",
    ">2\r\n$7\r\nmessage\r\n$4\r\nnews\r\n",
    ">3\r\n$7\r\nmessage\r\n:1\r\n:2\r\n",
    ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$-1\r\n",
    ">3\r\n$7\r\nmessage\r\n*1\r\n$4\r\nnews\r\n$1\r\nx\r\n",
    ">4\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\nx\r\n$1\r\ny\r\n",
    ">3\r\n$8\r\npmessage\r\n$4\r\nnews\r\n$1\r\nx\r\n",
    ">3\r\n:1\r\n:2\r\n:3\r\n",
    ">1\r\n$9\r\nsubscribe\r\n",
    ">3\r\n$9\r\nsubscribe\r\n:1\r\n:2\r\n",
    ">3\r\n$11\r\nunsubscribe\r\n$-1\r\n$-1\r\n",
};

static void a_malformed_push_is_survived(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    probe_t *probe = subscribed_to_news(c);
    for (size_t i = 0; i < sizeof bad_pushes / sizeof *bad_pushes; i++) {
        unsigned before = server->accepted;
        scripted_push(server, bad_pushes[i], strlen(bad_pushes[i]));
        pub_t *pub = client_publish(c, "other", "x");
        pub_await_any(pub);
        if (pub->status != 0) client_await_count(c, "connected", before + 1);
        probe_await_count(probe, "resubscribed", server->accepted - 1);
        char text[32];
        snprintf(text, sizeof text, "after %zu", i);
        scripted_message(server, "news", text);
        snprintf(text, sizeof text, "message after %zu", i);
        probe_await_count(probe, text, 1);
    }
}

static const char *const strange_pushes[] = {
    ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n",
    ">1\r\n+future\r\n",
    ">3\r\n$7\r\nmessage\r\n$7\r\nunheard\r\n$1\r\nx\r\n",
    ">4\r\n$8\r\npmessage\r\n$2\r\nu*\r\n$7\r\nunheard\r\n$1\r\nx\r\n",
    ">3\r\n$11\r\nunsubscribe\r\n$7\r\nunheard\r\n:0\r\n",
};

static void a_push_that_concerns_nobody_is_ignored(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    probe_t *probe = subscribed_to_news(c);
    for (size_t i = 0; i < sizeof strange_pushes / sizeof *strange_pushes; i++) {
        scripted_push(server, strange_pushes[i], strlen(strange_pushes[i]));
        pub_await(client_publish(c, "other", "x"), 0);
    }
    scripted_message(server, "news", "hello");
    probe_await(probe, "subscribed", "message hello");
    assert_int_equal(server->accepted, 1);
}

static void a_push_between_replies_disturbs_neither(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, NULL);
    probe_t *probe = subscribed_to_news(c);
    scripted_once(server, "PUBLISH",
                  ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\none\r\n:5\r\n"
                  ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\ntwo\r\n");
    pub_t *first = client_publish(c, "news", "x");
    pub_t *second = client_publish(c, "news", "y");
    pub_await(first, 0);
    pub_await(second, 0);
    assert_int_equal(first->receivers, 5);
    assert_int_equal(second->receivers, 1);
    probe_await(probe, "subscribed", "message one", "message two");
}

static void an_attribute_before_a_reply_is_skipped(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, NULL);
    scripted_once(server, "PUBLISH", "|1\r\n+ttl\r\n:3600\r\n:6\r\n");
    pub_t *pub = client_publish(c, "news", "x");
    pub_await(pub, 0);
    assert_int_equal(pub->receivers, 6);
}

static const scenario_t scenarios[] = {
    SCENARIO(resp3_torn_at_every_byte_is_read),
    SCENARIO(resp2_torn_at_every_byte_is_read),
    SCENARIO(bytes_that_come_one_by_one_are_read),
    SCENARIO(a_burst_of_messages_in_odd_pieces_is_read),
    SCENARIO(a_message_larger_than_the_read_buffer_is_read),
    SCENARIO(a_servers_error_ends_the_request_and_nothing_else),
    SCENARIO(a_reply_of_another_type_fails_the_request),
    SCENARIO(garbage_ends_the_connection_and_the_next_one_works),
    SCENARIO(a_line_that_never_ends_is_given_up),
    SCENARIO(an_answer_to_nothing_ends_the_connection),
    SCENARIO(a_reply_beyond_the_bound_is_not_waited_for),
    SCENARIO(an_absurd_length_is_not_believed),
    SCENARIO(an_absurd_count_is_not_believed),
    SCENARIO(a_reply_nested_without_end_is_given_up),
    SCENARIO(a_reply_up_to_the_bound_is_taken),
    SCENARIO(a_malformed_push_is_survived),
    SCENARIO(a_push_that_concerns_nobody_is_ignored),
    SCENARIO(a_push_between_replies_disturbs_neither),
    SCENARIO(an_attribute_before_a_reply_is_skipped),
};

int main(void)
{
    return SCENARIOS_RUN("redis: wire", scenarios, NULL);
}
