/* What a connection keeps of its word when memory, time or room run short at the wrong moment. */
#include "alloc_fault.h"
#include "scripted.h"

#include <stdio.h>
#include <stdlib.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=5"

/* A request that is not answered, with a deadline of its own. */
static pub_t *publish_for(client_t *c, uint32_t timeout_ms)
{
    pub_t *pub = client_request(c);
    pub->publish.req.timeout_ms = timeout_ms;
    pub_again(pub, "news", "waits");
    return pub;
}

static pub_t *refused(client_t *c)
{
    pub_t *pub = client_request(c);
    assert_status(pub_try(pub, cairn_str("news"), cairn_str("x")), CAIRN_EFULL);
    return pub;
}

/* ---- a full queue ---- */

static void submit_later(pub_t *later)
{
    if (later->submits > 0) return;
    int rc = pub_try(later, cairn_str("news"), cairn_str("x"));
    if (rc < 0) world_trouble(later->client->world, "refused: %s", cairn_err_name(rc));
}

static void submit_while_failing(pub_t *pub)
{
    pub->react = NULL;
    pub_t *later = pub->data;
    int rc = pub_try(later, cairn_str("news"), cairn_str("x"));
    if (rc < 0 && rc != CAIRN_EFULL) world_trouble(pub->client->world, "%s", cairn_err_name(rc));
}

static void submit_on_credit(client_t *c, const char *line)
{
    if (strcmp(line, "credit") == 0) submit_later(c->data);
}

/* The queue is full and was sent; what is submitted as the link goes was not. It may be too early
 * for it, but then credit follows. */
static void what_is_submitted_while_others_fail_waits_for_the_next_link(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "max_inflight=3&" QUICK);
    client_await(c, "connected");
    scripted_always(server, "PUBLISH", SCRIPTED_SILENCE);
    pub_t *first = publish_for(c, 0), *second = publish_for(c, 0), *third = publish_for(c, 0);
    scripted_await_count(server, "PUBLISH", 3);
    pub_t *later = client_request(c);
    assert_status(pub_try(later, cairn_str("news"), cairn_str("x")), CAIRN_EFULL);
    assert_status(pub_cancel(third), 0);
    pub_await(third, UV_ECANCELED);
    first->react = submit_while_failing;
    first->data = later;
    c->react = submit_on_credit;
    c->data = later;
    scripted_always(server, "PUBLISH", ":1\r\n");
    scripted_hangup(server);
    pub_await(first, CAIRN_EMAYBE);
    pub_await(second, CAIRN_EMAYBE);
    pub_await(later, 0);
    assert_int_equal(journal_count(&server->journal, "PUBLISH"), 4);
}

static void submit_on_disconnect(client_t *c, const char *line)
{
    if (strncmp(line, "disconnected", 12) != 0) return;
    c->react = NULL;
    (void)pub_try(c->data, cairn_str("news"), cairn_str("x"));
}

/* Making room for it must not make anybody forget what was sent. */
static void what_is_submitted_as_the_link_goes_makes_nothing_go_twice(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "max_inflight=3&" QUICK);
    client_await(c, "connected");
    scripted_always(server, "PUBLISH", SCRIPTED_SILENCE);
    pub_t *first = publish_for(c, 0), *second = publish_for(c, 0), *third = publish_for(c, 0);
    scripted_await_count(server, "PUBLISH", 3);
    assert_status(pub_cancel(third), 0);
    c->data = client_request(c);
    c->react = submit_on_disconnect;
    scripted_hangup(server);
    pub_await(first, CAIRN_EMAYBE);
    pub_await(second, CAIRN_EMAYBE);
    client_await_count(c, "connected", 2);
    loop_turns(&w->loop, 10);
    pub_t *late = c->data;
    assert_int_equal(journal_count(&server->journal, "PUBLISH"), 3 + late->submits);
}

static void what_timed_out_makes_room_wherever_it_stands(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_refuse(server);
    client_t *c = world_open(w, "max_inflight=4&" QUICK);
    pub_t *gone[3];
    for (int i = 0; i < 3; i++) gone[i] = publish_for(c, 10);
    pub_t *patient = publish_for(c, 0);
    for (int i = 0; i < 3; i++) pub_await(gone[i], UV_ETIMEDOUT);
    for (int i = 0; i < 3; i++) gone[i] = publish_for(c, 0);
    refused(c);
    scripted_accept(server);
    pub_await(patient, 0);
    for (int i = 0; i < 3; i++) pub_await(gone[i], 0);
    assert_int_equal(journal_count(&server->journal, "PUBLISH"), 4);
}

/* Nobody who waits for credit waits for a server that does not come back. */
static void timeouts_without_a_link_give_credit(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_refuse(server);
    client_t *c = world_open(w, "max_inflight=4&reconnect_min_ms=60000&reconnect_max_ms=60000");
    client_await_count(c, "disconnected", 1);
    for (int i = 0; i < 4; i++) publish_for(c, 10);
    refused(c);
    client_await_count(c, "credit", 1);
    for (int i = 0; i < 3; i++) publish_for(c, 10);
    loop_run_for(&w->loop, 30);
    assert_int_equal(journal_count(&c->journal, "credit"), 1);
}

static void a_cancel_gives_credit_later(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_refuse(server);
    client_t *c = world_open(w, "max_inflight=2&reconnect_min_ms=60000&reconnect_max_ms=60000");
    client_await_count(c, "disconnected", 1);
    pub_t *first = publish_for(c, 0), *second = publish_for(c, 0);
    refused(c);
    assert_status(pub_cancel(first), 0);
    assert_int_equal(journal_count(&c->journal, "credit"), 0);
    client_await_count(c, "credit", 1);
    assert_status(pub_cancel(second), 0);
}

static void a_lost_link_gives_credit(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "max_inflight=4&reconnect_min_ms=60000&reconnect_max_ms=60000");
    client_await(c, "connected");
    scripted_always(server, "PUBLISH", SCRIPTED_SILENCE);
    for (int i = 0; i < 4; i++) publish_for(c, 0);
    refused(c);
    scripted_await_count(server, "PUBLISH", 4);
    scripted_hangup(server);
    client_await(c, "connected", "disconnected UV_EOF", "credit");
}

static void close_on_credit(client_t *c, const char *line)
{
    if (strcmp(line, "credit") == 0) client_close(c);
}

static void closing_in_the_credit_of_a_lost_link_works(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "max_inflight=2&" QUICK);
    client_await(c, "connected");
    scripted_always(server, "PUBLISH", SCRIPTED_SILENCE);
    for (int i = 0; i < 2; i++) publish_for(c, 0);
    refused(c);
    scripted_await_count(server, "PUBLISH", 2);
    c->react = close_on_credit;
    scripted_hangup(server);
    client_await(c, "connected", "disconnected UV_EOF", "credit", "closed");
}

static void closing_with_credit_on_its_way_works(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_refuse(server);
    client_t *c = world_open(w, "max_inflight=1&" QUICK);
    pub_t *pub = publish_for(c, 0);
    refused(c);
    assert_status(pub_cancel(pub), 0);
    client_close(c);
    client_await_closed(c);
    assert_int_equal(journal_count(&c->journal, "credit"), 0);
}

/* ---- a loop that was held up ---- */

static void hold_the_loop_up(unsigned ms)
{
    uint64_t until_ns = uv_hrtime() + ms * 1000000ull;
    while (uv_hrtime() < until_ns) continue;
}

/* The answer lies in the socket when the timer that wants it fires. */
static void a_sign_of_life_that_was_not_read_yet_counts(world_t *w)
{
    enum {
        KEEPALIVE_MS = 60
    };
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "keepalive_ms=60&" QUICK);
    client_await(c, "connected");
    for (size_t i = 1; i <= 3; i++) {
        scripted_await_count(server, "PING", i);
        hold_the_loop_up(2 * KEEPALIVE_MS);
        loop_turns(&w->loop, 3);
    }
    client_await(c, "connected");
    assert_int_equal(server->accepted, 1);
}

/* ---- out of memory at the wrong moment ---- */

static void publish_on_disconnect(client_t *c, const char *line)
{
    if (strncmp(line, "disconnected UV_ENOMEM", 22) != 0 || !c->data) return;
    pub_t *pub = c->data;
    c->data = NULL;
    pub_again(pub, "news", "x");
}

/* Whatever allocation fails while it comes back; what is submitted then is sent after the
 * handshake, and once. */
static void resubscribe_without_memory(world_t *w, size_t nth, bool *fired)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    char channel[6000];
    memset(channel, 'c', sizeof channel - 1);
    channel[sizeof channel - 1] = '\0';
    probe_t *probe = client_subscribed(c, channel, NULL);
    pub_t *pub = client_request(c);
    c->react = publish_on_disconnect;
    c->data = pub;
    scripted_hangup(server);
    alloc_fail(ALLOC_FAIL_ONCE, nth);
    client_await_count(c, "connected", 2);
    *fired = alloc_fault_fired();
    alloc_fail(ALLOC_FAIL_ONCE, 0);
    probe_await_count(probe, "resubscribed", 1);
    bool submitted = c->data == NULL;
    if (submitted) pub_await(pub, 0);
    assert_int_equal(journal_count(&server->journal, "PUBLISH"), submitted);
    size_t accept = journal_find(&server->journal, 0, "accept");
    while (accept < server->journal.count) {
        assert_memory_equal(server->journal.lines[accept + 1], "HELLO", 5);
        accept = journal_find(&server->journal, accept + 1, "accept");
    }
}

#define RESUBSCRIBE_WITHOUT(nth)                                                                   \
    static void it_comes_back_though_allocation_##nth##_fails(world_t *w)                          \
    {                                                                                              \
        bool fired = false;                                                                        \
        resubscribe_without_memory(w, nth, &fired);                                                \
        assert_true(fired);                                                                        \
    }

RESUBSCRIBE_WITHOUT(1)
RESUBSCRIBE_WITHOUT(2)
RESUBSCRIBE_WITHOUT(3)

/* ---- options filled by hand ---- */

/* As in a URL, the case of the scheme is no matter. */
static void a_scheme_in_capitals_is_the_same_scheme(world_t *w)
{
    cairn_options_t options;
    cairn_error_t error;
    cairn_options_init(&options);
    options.scheme = "UNIX";
    client_t *c = world_client(w);
    assert_status(cairn_open(&c->cairn, &w->loop, &options, &error), CAIRN_EOPTION);
    assert_contains(error.text, "path");
    options.path = "/nowhere/cairn.sock";
    assert_status(cairn_open(&c->cairn, &w->loop, &options, &error), 0);
    c->open = true;
    client_await_count(c, "disconnected UV_ENOENT", 1);
    assert_contains(c->detail, "/nowhere/cairn.sock");
}

static const scenario_t scenarios[] = {
    SCENARIO(what_is_submitted_while_others_fail_waits_for_the_next_link),
    SCENARIO(what_is_submitted_as_the_link_goes_makes_nothing_go_twice),
    SCENARIO(what_timed_out_makes_room_wherever_it_stands),
    SCENARIO(timeouts_without_a_link_give_credit),
    SCENARIO(a_cancel_gives_credit_later),
    SCENARIO(a_lost_link_gives_credit),
    SCENARIO(closing_in_the_credit_of_a_lost_link_works),
    SCENARIO(closing_with_credit_on_its_way_works),
    SCENARIO(a_sign_of_life_that_was_not_read_yet_counts),
    SCENARIO(it_comes_back_though_allocation_1_fails),
    SCENARIO(it_comes_back_though_allocation_2_fails),
    SCENARIO(it_comes_back_though_allocation_3_fails),
    SCENARIO(a_scheme_in_capitals_is_the_same_scheme),
};

int main(void)
{
    return SCENARIOS_RUN("redis: connection", scenarios, NULL);
}
