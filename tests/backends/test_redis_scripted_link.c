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
    subscribed(c, "weather");
}

typedef struct traffic {
    uint64_t ends_ns;
    uint64_t last_ns;
    uint64_t longest_ns; /* between two answers */
} traffic_t;

static void keep_busy(pub_t *pub)
{
    traffic_t *traffic = pub->data;
    uint64_t now_ns = uv_hrtime();
    uint64_t silence_ns = now_ns - traffic->last_ns;
    if (silence_ns > traffic->longest_ns) traffic->longest_ns = silence_ns;
    traffic->last_ns = now_ns;
    if (now_ns < traffic->ends_ns) pub_again(pub, "news", "busy");
}

static void a_busy_link_is_not_asked(world_t *w)
{
    enum {
        KEEPALIVE_MS = 50
    };
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "keepalive_ms=50");
    client_await(c, "connected");
    uint64_t now_ns = uv_hrtime();
    traffic_t traffic = {now_ns + 4 * KEEPALIVE_MS * 1000000ull, now_ns, 0};
    pub_t *pub = client_request(c);
    pub->data = &traffic;
    pub->react = keep_busy;
    pub_again(pub, "news", "busy");
    pub_await(pub, 0);
    bool was_busy = traffic.longest_ns < KEEPALIVE_MS * 1000000ull / 2;
    if (was_busy) assert_int_equal(journal_count(&server->journal, "PING"), 0);
}

/* Reads a little now and then, and answers nothing before all is there. */
static void an_upload_over_a_slow_link_is_no_silence(world_t *w)
{
    enum {
        BYTES = 60 << 20
    };
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "keepalive_ms=300");
    client_await(c, "connected");
    char *large = malloc(BYTES);
    assert_non_null(large);
    memset(large, 'x', BYTES);
    pub_t *pub = client_request(c);
    pub->publish.req.timeout_ms = 60000;
    scripted_pause(server);
    assert_status(pub_try(pub, world_channel(w, "news"), cairn_slice(large, BYTES)), 0);
    for (int i = 0; i < 10; i++) {
        loop_run_for(&w->loop, 100);
        scripted_resume(server);
        loop_turns(&w->loop, 3);
        scripted_pause(server);
    }
    scripted_resume(server);
    pub_await(pub, 0);
    assert_int_equal(server->accepted, 1);
    free(large);
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
    assert_contains(pub->detail, " has not answered");
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
    SCENARIO(a_busy_link_is_not_asked),
    SCENARIO(an_upload_over_a_slow_link_is_no_silence),
    SCENARIO(a_keepalive_of_zero_asks_nothing),
    SCENARIO(a_deadline_ends_the_request_and_spares_the_link),
    SCENARIO(the_handles_deadline_is_the_default),
    SCENARIO(late_replies_are_swallowed_in_order),
    SCENARIO(a_swallowed_error_reaches_nobody),
    SCENARIO(a_refused_connection_is_told_with_its_address),
    SCENARIO(the_state_says_reconnecting),
    SCENARIO(unsent_requests_wait_and_go_out_in_order),
    SCENARIO(what_was_sent_and_not_answered_may_have_been_applied),
    SCENARIO(an_idempotent_request_keeps_its_deadline_over_links),
    SCENARIO(a_canceled_request_is_not_sent_again),
    SCENARIO(closing_inside_the_disconnected_event_works),
    SCENARIO(closing_while_connecting_works),
};

int main(void)
{
    return SCENARIOS_RUN("redis: link", scenarios, NULL);
}
