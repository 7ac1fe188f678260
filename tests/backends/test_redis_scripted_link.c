/* Links that go silent, break and come back, and requests that outlive them or do not. */
#include "fake_clock.h"
#include "scripted.h"

#include <stdlib.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=5"

static probe_t *subscribed(client_t *c, const char *channel)
{
    probe_t *probe = client_probe(c);
    assert_status(probe_try(probe, cairn_str(channel), NULL), 0);
    probe_await(probe, "subscribed");
    return probe;
}

/* ---- half-open ---- */

static void a_half_open_link_is_given_up_and_replaced(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_always(server, "PING", SCRIPTED_SILENCE);
    client_t *c = world_open(w, "keepalive_ms=40&" QUICK);
    client_await_count(c, "connected", 1);
    probe_t *probe = subscribed(c, "news");
    client_await_count(c, "disconnected CAIRN_EHALFOPEN", 1);
    scripted_always(server, "PING", "+PONG\r\n");
    probe_await_count(probe, "resubscribed", 1);
    probe_await(probe, "subscribed", "disconnected CAIRN_EHALFOPEN", "gap -1", "resubscribed");
}

static void a_half_open_link_of_resp2_is_given_up_too(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_always(server, "PING", SCRIPTED_SILENCE);
    client_t *c = world_open(w, "protocol=2&keepalive_ms=40&" QUICK);
    probe_t *probe = subscribed(c, "news");
    probe_await_count(probe, "disconnected CAIRN_EHALFOPEN", 1);
    scripted_always(server, "PING", "+PONG\r\n");
    scripted_once(server, "PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    probe_await_count(probe, "gap -1", 1);
    probe_await_count(probe, "resubscribed", 1);
}

static void a_request_on_a_half_open_link_ends(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_always(server, "PING", SCRIPTED_SILENCE);
    scripted_once(server, "PUBLISH", SCRIPTED_SILENCE);
    client_t *c = world_open(w, "keepalive_ms=40&" QUICK);
    client_await_count(c, "connected", 1);
    pub_await(client_publish(c, "news", "x"), CAIRN_EMAYBE);
}

static void an_idle_link_is_asked_for_a_sign_of_life_and_kept(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "keepalive_ms=25");
    scripted_await_count(server, "PING", 4);
    client_await(c, "connected");
    assert_int_equal(server->accepted, 1);
}

static void an_idle_subscriber_of_resp2_is_kept_too(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "protocol=2&keepalive_ms=25");
    probe_t *probe = subscribed(c, "news");
    scripted_await_count(server, "PING", 8);
    assert_int_equal(server->accepted, 2);
    scripted_message(server, "news", "hello");
    probe_await(probe, "subscribed", "message hello");
}

static void a_keepalive_of_zero_asks_nothing(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "keepalive_ms=0");
    client_await(c, "connected");
    loop_run_for(&w->loop, 60);
    assert_int_equal(journal_count(&server->journal, "PING"), 0);
}

/* ---- deadlines ---- */

static client_t *open_with_clock(world_t *w, fake_clock_t *clock, const char *query)
{
    client_t *c = world_client(w);
    c->cairn.clock = fake_clock_hook(clock);
    client_open(c, query);
    return c;
}

static void a_deadline_ends_the_request_and_spares_the_link(world_t *w)
{
    static fake_clock_t clock;
    scripted_t *server = scripted_of(w);
    client_t *c = open_with_clock(w, &clock, NULL);
    client_await(c, "connected");
    scripted_once(server, "PUBLISH", SCRIPTED_SILENCE);
    pub_t *pub = client_request(c);
    pub->publish.req.timeout_ms = 100;
    pub_again(pub, "news", "slow");
    scripted_await_count(server, "PUBLISH", 1);
    fake_clock_advance(&clock, &c->cairn, 90);
    loop_turns(&w->loop, 3);
    assert_int_equal(pub->calls, 0);
    fake_clock_advance(&clock, &c->cairn, 20);
    pub_await(pub, UV_ETIMEDOUT);
    assert_int_equal(client_stats(c).timed_out, 1);

    scripted_once(server, "PUBLISH", ":9\r\n");
    scripted_push(server, ":7\r\n", 4);
    pub_t *next = client_publish(c, "news", "next");
    pub_await(next, 0);
    assert_int_equal(next->receivers, 9);
    assert_int_equal(server->accepted, 1);
    assert_int_equal(client_stats(c).connects, 1);
}

static void the_handles_deadline_is_the_default(world_t *w)
{
    static fake_clock_t clock;
    scripted_t *server = scripted_of(w);
    scripted_always(server, "PUBLISH", SCRIPTED_SILENCE);
    client_t *c = open_with_clock(w, &clock, "timeout_ms=700");
    client_await(c, "connected");
    pub_t *normal = client_publish(c, "news", "x");
    pub_t *patient = client_request(c);
    patient->publish.req.timeout_ms = CAIRN_NO_TIMEOUT;
    pub_again(patient, "news", "y");
    fake_clock_advance(&clock, &c->cairn, 690);
    loop_turns(&w->loop, 3);
    assert_int_equal(normal->calls, 0);
    fake_clock_advance(&clock, &c->cairn, 20);
    pub_await(normal, UV_ETIMEDOUT);
    fake_clock_advance(&clock, &c->cairn, 100ull * 24 * 3600 * 1000);
    loop_turns(&w->loop, 3);
    assert_int_equal(patient->calls, 0);
    scripted_push(server, ":1\r\n:2\r\n", 8);
    pub_await(patient, 0);
    assert_int_equal(patient->receivers, 2);
}

static void late_replies_are_swallowed_in_order(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    scripted_always(server, "PUBLISH", SCRIPTED_SILENCE);
    pub_t *pubs[9];
    for (int i = 0; i < 9; i++) {
        pubs[i] = client_request(c);
        pubs[i]->publish.req.timeout_ms = i % 3 == 0 ? 10 : 15000;
        pub_again(pubs[i], "news", "x");
    }
    scripted_await_count(server, "PUBLISH", 9);
    for (int i = 1; i < 9; i += 3) assert_status(pub_cancel(pubs[i]), 0);
    for (int i = 0; i < 9; i += 3) pub_await(pubs[i], UV_ETIMEDOUT);
    const char *replies = ":0\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n";
    scripted_push(server, replies, strlen(replies));
    for (int i = 2; i < 9; i += 3) {
        pub_await(pubs[i], 0);
        assert_int_equal(pubs[i]->receivers, i);
    }
    for (int i = 1; i < 9; i += 3) pub_await(pubs[i], UV_ECANCELED);
    assert_int_equal(server->accepted, 1);
}

static void a_swallowed_error_reaches_nobody(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    scripted_once(server, "PUBLISH", "-ERR no\r\n");
    pub_t *canceled = client_publish(c, "news", "x");
    loop_turns(&w->loop, 1);
    if (cairn_is_active(&canceled->publish.req)) (void)pub_cancel(canceled);
    pub_t *next = client_publish(c, "news", "y");
    pub_await(next, 0);
    assert_int_equal(next->receivers, 1);
}

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
    client_publish(c, "news", payload);
    pub_t *refused = client_request(c);
    assert_status(pub_try(refused, cairn_str("news"), cairn_str(payload)), CAIRN_EFULL);
    pub_t *small = client_publish(c, "news", "small");
    scripted_await_count(server, "PUBLISH", 2);
    scripted_push(server, ":1\r\n", 4);
    client_await(c, "connected", "credit");
    assert_status(pub_try(refused, cairn_str("news"), cairn_str(payload)), 0);
    scripted_await_count(server, "PUBLISH", 3);
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

/* ---- broken links ---- */

static void a_refused_connection_is_told_with_its_address(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_refuse(server);
    client_t *c = world_open(w, QUICK);
    pub_t *pub = client_request(c);
    pub->publish.req.timeout_ms = 50;
    pub_again(pub, "news", "x");
    client_await_count(c, "disconnected UV_ECONNREFUSED", 2);
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", server->port);
    assert_contains(c->detail, address);
    assert_int_equal(cairn_state(&c->cairn), CAIRN_OPENING);
    pub_await(pub, UV_ETIMEDOUT);
    assert_contains(pub->detail, address);
    scripted_accept(server);
    client_await_count(c, "connected", 1);
}

static void the_state_says_reconnecting(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    scripted_refuse(server);
    scripted_hangup(server);
    client_await_count(c, "disconnected UV_ECONNREFUSED", 1);
    assert_int_equal(cairn_state(&c->cairn), CAIRN_RECONNECTING);
    assert_string_equal(cairn_server(&c->cairn), "");
    scripted_accept(server);
    client_await_count(c, "connected", 2);
    assert_int_equal(cairn_state(&c->cairn), CAIRN_READY);
}

static void unsent_requests_wait_and_go_out_in_order(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    scripted_refuse(server);
    scripted_hangup(server);
    client_await_count(c, "disconnected", 1);
    pub_t *pubs[5];
    for (int i = 0; i < 5; i++) {
        char payload[16];
        snprintf(payload, sizeof payload, "%d", i);
        pubs[i] = client_publish(c, "news", payload);
    }
    assert_status(pub_cancel(pubs[2]), 0);
    client_await_count(c, "disconnected", 3);
    scripted_accept(server);
    for (int i = 0; i < 5; i++) pub_await(pubs[i], i == 2 ? UV_ECANCELED : 0);
    char line[32];
    size_t at = 0;
    for (int i = 0; i < 5; i++) {
        snprintf(line, sizeof line, "PUBLISH %u.news %d", w->number, i);
        if (i == 2) {
            assert_int_equal(journal_count(&server->journal, line), 0);
            continue;
        }
        size_t found = journal_find(&server->journal, at, line);
        assert_true(found < server->journal.count);
        at = found;
    }
}

static void what_was_sent_and_not_answered_may_have_been_applied(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    scripted_once(server, "PUBLISH", ":1\r\n");
    scripted_once(server, "PUBLISH", SCRIPTED_SILENCE);
    scripted_once(server, "PUBLISH", SCRIPTED_SILENCE);
    pub_t *answered = client_publish(c, "news", "answered");
    pub_t *plain = client_publish(c, "news", "plain");
    pub_t *idempotent = client_request(c);
    idempotent->publish.req.flags = CAIRN_REQ_IDEMPOTENT;
    pub_again(idempotent, "news", "idempotent");
    scripted_await_count(server, "PUBLISH", 3);
    scripted_hangup(server);
    pub_await(answered, 0);
    pub_await(plain, CAIRN_EMAYBE);
    assert_string_not_equal(plain->detail, "");
    pub_await(idempotent, 0);
    assert_int_equal(journal_count(&server->journal, "PUBLISH"), 4);
    assert_int_equal(server->accepted, 2);
}

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
    client_t *c = world_open(w, QUICK);
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
    client_t *c = world_open(w, QUICK);
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

static void an_idempotent_request_keeps_its_deadline_over_links(world_t *w)
{
    static fake_clock_t clock;
    scripted_t *server = scripted_of(w);
    client_t *c = open_with_clock(w, &clock, QUICK);
    client_await(c, "connected");
    scripted_always(server, "PUBLISH", SCRIPTED_SILENCE);
    pub_t *pub = client_request(c);
    pub->publish.req.flags = CAIRN_REQ_IDEMPOTENT;
    pub->publish.req.timeout_ms = 1000;
    pub_again(pub, "news", "x");
    scripted_await_count(server, "PUBLISH", 1);
    fake_clock_advance(&clock, &c->cairn, 900);
    scripted_hangup(server);
    scripted_await_count(server, "PUBLISH", 2);
    assert_int_equal(pub->calls, 0);
    fake_clock_advance(&clock, &c->cairn, 110);
    pub_await(pub, UV_ETIMEDOUT);
}

static void a_canceled_request_is_not_sent_again(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    scripted_once(server, "PUBLISH", SCRIPTED_SILENCE);
    pub_t *pub = client_request(c);
    pub->publish.req.flags = CAIRN_REQ_IDEMPOTENT;
    pub_again(pub, "news", "gone");
    scripted_await_count(server, "PUBLISH", 1);
    assert_status(pub_cancel(pub), 0);
    scripted_hangup(server);
    client_await_count(c, "connected", 2);
    pub_await(client_publish(c, "news", "next"), 0);
    pub_await(pub, UV_ECANCELED);
    assert_int_equal(journal_count(&server->journal, "PUBLISH"), 2);
}

static void close_inside_the_disconnected_event(client_t *c, const char *line)
{
    if (strncmp(line, "disconnected", 12) == 0) client_close(c);
}

static void closing_inside_the_disconnected_event_works(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    probe_t *probe = subscribed(c, "news");
    scripted_once(server, "PUBLISH", SCRIPTED_SILENCE);
    pub_t *pub = client_publish(c, "news", "x");
    scripted_await_count(server, "PUBLISH", 1);
    c->react = close_inside_the_disconnected_event;
    scripted_hangup(server);
    client_await_closed(c);
    assert_int_equal(journal_count(&probe->journal, "failed UV_ECANCELED"), 1);
    assert_true(pub->status == CAIRN_EMAYBE || pub->status == UV_ECANCELED);
}

static void closing_while_connecting_works(world_t *w)
{
    scripted_t *server = scripted_of(w);
    server->deaf = true;
    client_t *c = world_open(w, NULL);
    scripted_await_count(server, "accept", 1);
    client_close(c);
    client_await(c, "closed");

    scripted_refuse(server);
    client_t *waiting = world_open(w, "reconnect_min_ms=10000&reconnect_max_ms=10000");
    client_await_count(waiting, "disconnected", 1);
    client_close(waiting);
    client_await_count(waiting, "closed", 1);
}

static const scenario_t scenarios[] = {
    SCENARIO(a_half_open_link_is_given_up_and_replaced),
    SCENARIO(a_half_open_link_of_resp2_is_given_up_too),
    SCENARIO(a_request_on_a_half_open_link_ends),
    SCENARIO(an_idle_link_is_asked_for_a_sign_of_life_and_kept),
    SCENARIO(an_idle_subscriber_of_resp2_is_kept_too),
    SCENARIO(a_keepalive_of_zero_asks_nothing),
    SCENARIO(a_deadline_ends_the_request_and_spares_the_link),
    SCENARIO(the_handles_deadline_is_the_default),
    SCENARIO(late_replies_are_swallowed_in_order),
    SCENARIO(a_swallowed_error_reaches_nobody),
    SCENARIO(a_full_queue_refuses_and_tells_when_there_is_room),
    SCENARIO(submitting_inside_the_credit_event_works),
    SCENARIO(the_queue_is_bounded_in_bytes_too),
    SCENARIO(what_can_never_fit_is_too_big),
    SCENARIO(the_queue_is_bounded_without_a_connection_too),
    SCENARIO(a_refused_connection_is_told_with_its_address),
    SCENARIO(the_state_says_reconnecting),
    SCENARIO(unsent_requests_wait_and_go_out_in_order),
    SCENARIO(what_was_sent_and_not_answered_may_have_been_applied),
    SCENARIO(what_was_sent_in_part_cannot_have_been_applied_and_is_sent_again),
    SCENARIO(a_slow_reader_gets_everything_in_order),
    SCENARIO(an_answer_ahead_of_its_command_is_no_answer),
    SCENARIO(a_link_that_takes_nothing_is_given_up),
    SCENARIO(an_idempotent_request_keeps_its_deadline_over_links),
    SCENARIO(a_canceled_request_is_not_sent_again),
    SCENARIO(closing_inside_the_disconnected_event_works),
    SCENARIO(closing_while_connecting_works),
};

int main(void)
{
    return SCENARIOS_RUN("redis: link", scenarios, NULL);
}
