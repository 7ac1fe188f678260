/* What waits to be sent or answered: bounded, in order, and kept for the next link. */
#include "scripted.h"

#include <stdlib.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=5"

/* ---- bounds ---- */

static void a_full_queue_refuses_and_tells_when_there_is_room(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "max_inflight=8");
    client_await(c, "connected");
    scripted_always(server, "PUBLISH", SCRIPTED_SILENCE);
    pub_t *first = client_publish(c, "news", "x");
    for (int i = 1; i < 8; i++) client_publish(c, "news", "x");
    pub_t *refused = client_request(c);
    assert_status(pub_try(refused, cairn_str("news"), cairn_str("x")), CAIRN_EFULL);
    journal_text_t detail;
    assert_string_not_equal(journal_bytes(detail, refused->publish.req.detail), "");

    scripted_await_count(server, "PUBLISH", 8);
    scripted_push(server, ":1\r\n:1\r\n", 8);
    pub_await(first, 0);
    loop_turns(&w->loop, 5);
    client_await(c, "connected");
    assert_int_equal(c->journal.count, 1);
    scripted_push(server, ":1\r\n:1\r\n:1\r\n", 12);
    client_await(c, "connected", "credit");
    assert_status(pub_try(refused, cairn_str("news"), cairn_str("x")), 0);
    scripted_push(server, ":1\r\n:1\r\n:1\r\n:4\r\n", 16);
    pub_await(refused, 0);
    loop_turns(&w->loop, 5);
    assert_int_equal(c->journal.count, 2);
}

static void submit_on_credit(client_t *c, const char *line)
{
    if (strcmp(line, "credit") == 0) pub_again(c->data, "news", "again");
}

static void submitting_inside_the_credit_event_works(world_t *w)
{
    scripted_of(w);
    client_t *c = world_open(w, "max_inflight=4");
    client_await(c, "connected");
    for (int i = 0; i < 4; i++) client_publish(c, "news", "x");
    pub_t *pub = client_request(c);
    assert_status(pub_try(pub, cairn_str("news"), cairn_str("x")), CAIRN_EFULL);
    c->data = pub;
    c->react = submit_on_credit;
    client_await(c, "connected", "credit");
    pub_await(pub, 0);
}

static void the_queue_is_bounded_in_bytes_too(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "max_queue_bytes=65536");
    client_await(c, "connected");
    scripted_always(server, "PUBLISH", SCRIPTED_SILENCE);
    static char payload[40001];
    memset(payload, 'x', sizeof payload - 1);
    pub_t *first = client_publish(c, "news", "first");
    client_publish(c, "news", payload);
    pub_t *refused = client_request(c);
    assert_status(pub_try(refused, cairn_str("news"), cairn_str(payload)), CAIRN_EFULL);
    pub_t *small = client_publish(c, "news", "small");
    scripted_await_count(server, "PUBLISH", 3);
    scripted_push(server, ":1\r\n", 4);
    pub_await(first, 0);
    loop_turns(&w->loop, 5);
    assert_int_equal(c->journal.count, 1); /* more than half the bytes still wait */
    scripted_push(server, ":1\r\n", 4);
    client_await(c, "connected", "credit");
    assert_status(pub_try(refused, cairn_str("news"), cairn_str(payload)), 0);
    scripted_await_count(server, "PUBLISH", 4);
    scripted_push(server, ":2\r\n:3\r\n", 8);
    pub_await(small, 0);
    pub_await(refused, 0);
    assert_int_equal(refused->receivers, 3);
}

/* CAIRN_EFULL would invite to try again for ever. */
static void what_can_never_fit_is_too_big(world_t *w)
{
    scripted_of(w);
    client_t *c = world_open(w, "max_queue_bytes=65536");
    client_await(c, "connected");
    static char payload[100001];
    memset(payload, 'x', sizeof payload - 1);
    pub_t *pub = client_request(c);
    assert_status(pub_try(pub, cairn_str("news"), cairn_str(payload)), CAIRN_ETOOBIG);
    journal_text_t detail;
    assert_contains(journal_bytes(detail, pub->publish.req.detail), "payload");
}

static void the_queue_is_bounded_without_a_connection_too(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_refuse(server);
    client_t *c = world_open(w, "max_inflight=4&" QUICK);
    for (int i = 0; i < 4; i++) client_publish(c, "news", "x");
    pub_t *refused = client_request(c);
    assert_status(pub_try(refused, cairn_str("news"), cairn_str("x")), CAIRN_EFULL);
    scripted_accept(server);
    client_await_count(c, "credit", 1);
    assert_status(pub_try(refused, cairn_str("news"), cairn_str("x")), 0);
    pub_await(refused, 0);
}

static void a_canceled_request_that_was_not_sent_makes_room(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_refuse(server);
    client_t *c = world_open(w, "max_inflight=4&" QUICK);
    pub_t *pubs[4];
    for (int i = 0; i < 4; i++) pubs[i] = client_publish(c, "news", "x");
    assert_status(pub_cancel(pubs[1]), 0);
    assert_status(pub_cancel(pubs[2]), 0);
    pub_await(pubs[1], UV_ECANCELED);
    pub_await(pubs[2], UV_ECANCELED);
    client_publish(c, "news", "third");
    pub_t *last = client_publish(c, "news", "fourth");
    scripted_accept(server);
    pub_await(last, 0);
    assert_int_equal(journal_count(&server->journal, "PUBLISH"), 4);
}

/* Whoever waits for credit must not wait for a server that never comes. */
static void credit_comes_when_what_filled_the_queue_has_expired(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_refuse(server);
    client_t *c = world_open(w, "max_inflight=4&" QUICK);
    pub_t *last = NULL;
    for (int i = 0; i < 4; i++) {
        last = client_request(c);
        last->publish.req.timeout_ms = 20;
        pub_again(last, "news", "x");
    }
    pub_t *refused = client_request(c);
    assert_status(pub_try(refused, cairn_str("news"), cairn_str("x")), CAIRN_EFULL);
    pub_await(last, UV_ETIMEDOUT);
    client_await_count(c, "credit", 1);
    assert_status(pub_try(refused, cairn_str("news"), cairn_str("x")), 0);
}

/* ---- more than a socket takes ---- */

/* More than the sockets' buffers take while nobody reads. */
static pub_t *publish_more_than_fits(client_t *c)
{
    enum {
        LEN = 12 << 20
    };
    char *payload = malloc(LEN);
    assert_non_null(payload);
    memset(payload, 'x', LEN);
    pub_t *pub = client_request(c);
    pub->publish.req.timeout_ms = 60000;
    assert_status(pub_try(pub, cairn_str("news"), cairn_slice(payload, LEN)), 0);
    free(payload);
    return pub;
}

static void what_was_sent_in_part_cannot_have_been_applied_and_is_sent_again(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK "&timeout_ms=60000");
    client_await(c, "connected");
    scripted_pause(server);
    pub_t *pub = publish_more_than_fits(c);
    pub_t *behind = client_publish(c, "news", "behind");
    loop_turns(&w->loop, 10);
    scripted_hangup(server);
    pub_await(pub, 0);
    pub_await(behind, 0);
    assert_int_equal(journal_count(&server->journal, "PUBLISH"), 2);
    client_await_count(c, "connected", 2);
}

static void a_slow_reader_gets_everything_in_order(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK "&timeout_ms=60000");
    client_await(c, "connected");
    scripted_pause(server);
    pub_t *pub = publish_more_than_fits(c);
    pub_t *behind = client_publish(c, "news", "behind");
    loop_turns(&w->loop, 10);
    assert_int_equal(journal_count(&server->journal, "PUBLISH"), 0);
    scripted_resume(server);
    pub_await(pub, 0);
    pub_await(behind, 0);
    assert_int_equal(server->accepted, 1);
}

static void an_answer_ahead_of_its_command_is_no_answer(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    scripted_pause(server);
    pub_t *pub = publish_more_than_fits(c);
    loop_turns(&w->loop, 10);
    scripted_push(server, ":77\r\n", 5);
    client_await_count(c, "disconnected CAIRN_EPROTOCOL", 1);
    pub_await(pub, 0);
    assert_int_equal(pub->receivers, 1);
}

static void a_link_that_takes_nothing_is_given_up(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "keepalive_ms=40&" QUICK);
    client_await(c, "connected");
    scripted_pause(server);
    pub_t *pub = publish_more_than_fits(c);
    client_await_count(c, "disconnected CAIRN_EHALFOPEN", 1);
    assert_status(pub_cancel(pub), 0);
    client_await_count(c, "connected", 2);
    pub_await(client_publish(c, "news", "next"), 0);
}

/* ---- many answers in one read ---- */

enum {
    BURST = 64
};

typedef struct burst {
    int answered;
    uint64_t before, behind; /* bytes written when the first was answered, and the last */
} burst_t;

static void ask_again(pub_t *pub)
{
    burst_t *burst = pub->client->data;
    const uint64_t written = client_stats(pub->client).bytes_out;
    if (burst->answered++ == 0) burst->before = written;
    burst->behind = written;
    pub->react = NULL;
    pub_again(pub, "news", "again");
}

/* So that the server has work before all its answers are taken. */
static void what_answers_ask_for_is_sent_before_the_last_is_read(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, NULL);
    burst_t burst = {0};
    c->data = &burst;
    client_await(c, "connected");
    scripted_always(server, "PUBLISH", SCRIPTED_SILENCE);
    pub_t *pubs[BURST];
    for (int i = 0; i < BURST; i++) {
        pubs[i] = client_publish(c, "news", "x");
        pubs[i]->react = ask_again;
    }
    scripted_await_count(server, "PUBLISH", BURST);
    char answers[BURST * 4 + 1] = "";
    for (int i = 0; i < BURST; i++) memcpy(answers + i * 4, ":1\r\n", 5);
    scripted_push(server, answers, BURST * 4);
    scripted_await_count(server, "PUBLISH", 2 * BURST);
    assert_int_equal(burst.answered, BURST);
    assert_true(burst.behind > burst.before);
    scripted_push(server, answers, BURST * 4);
    for (int i = 0; i < BURST; i++) pub_await(pubs[i], 0);
}

static const scenario_t scenarios[] = {
    SCENARIO(a_full_queue_refuses_and_tells_when_there_is_room),
    SCENARIO(submitting_inside_the_credit_event_works),
    SCENARIO(the_queue_is_bounded_in_bytes_too),
    SCENARIO(what_can_never_fit_is_too_big),
    SCENARIO(the_queue_is_bounded_without_a_connection_too),
    SCENARIO(a_canceled_request_that_was_not_sent_makes_room),
    SCENARIO(credit_comes_when_what_filled_the_queue_has_expired),
    SCENARIO(what_was_sent_in_part_cannot_have_been_applied_and_is_sent_again),
    SCENARIO(a_slow_reader_gets_everything_in_order),
    SCENARIO(an_answer_ahead_of_its_command_is_no_answer),
    SCENARIO(a_link_that_takes_nothing_is_given_up),
    SCENARIO(what_answers_ask_for_is_sent_before_the_last_is_read),
};

int main(void)
{
    return SCENARIOS_RUN("redis: queue", scenarios, NULL);
}
