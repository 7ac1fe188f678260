/* The handshake with servers that are old, strict, slow, or no servers at all. */
#include "scripted.h"

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=5"
#define UNKNOWN_HELLO "-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n"

/* The world's URL with user information in it. */
static const char *url_with(world_t *w, const char *user)
{
    const scripted_t *server = w->data;
    static char url[128];
    snprintf(url, sizeof url, "redis://%s@127.0.0.1:%d", user, server->port);
    return url;
}

static void hello_3_is_said_first(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    assert_string_equal(server->journal.lines[0], "accept");
    assert_contains(server->journal.lines[1], "HELLO 3");
    assert_string_equal(cairn_server(&c->cairn), "redis 7.0.15");
    assert_int_equal(client_stats(c).connects, 1);
    assert_int_equal(client_stats(c).disconnects, 0);
    assert_int_equal(journal_count(&server->journal, "AUTH"), 0);
    assert_lacks(server->journal.lines[1], "AUTH");
}

static void works_over_resp2(world_t *w, scripted_t *server, client_t *c)
{
    (void)w;
    client_await_count(c, "connected", 1);
    probe_t *probe = client_probe(c);
    assert_status(probe_try(probe, cairn_str("news"), NULL), 0);
    probe_await(probe, "subscribed");
    pub_await(client_publish(c, "other", "x"), 0);
    scripted_message(server, "news", "hello");
    probe_await(probe, "subscribed", "message hello");
}

static void a_server_without_hello_is_spoken_to_in_resp2(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_always(server, "HELLO", UNKNOWN_HELLO);
    client_t *c = world_open(w, "client_name=planner");
    works_over_resp2(w, server, c);
    assert_int_equal(server->accepted, 2);
    assert_true(journal_count(&server->journal, "CLIENT SETNAME planner") >= 1);
    client_await(c, "connected");
}

static void a_server_without_resp3_is_spoken_to_in_resp2(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_always(server, "HELLO", "-NOPROTO unsupported protocol version\r\n");
    works_over_resp2(w, server, world_open(w, NULL));
}

static void resp2_is_spoken_when_asked_for(world_t *w)
{
    scripted_t *server = scripted_of(w);
    works_over_resp2(w, server, world_open(w, "protocol=2"));
    assert_int_equal(journal_count(&server->journal, "HELLO 3"), 0);
}

static void resp3_is_insisted_on_when_asked_for(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_always(server, "HELLO", "-NOPROTO unsupported protocol version\r\n");
    client_t *c = world_open(w, "protocol=3&" QUICK);
    client_await_count(c, "disconnected", 2);
    assert_int_equal(journal_count(&c->journal, "connected"), 0);
    assert_contains(c->detail, "NOPROTO");
}

static void a_wrong_password_is_told_in_the_servers_words(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_always(server, "HELLO",
                    "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    w->url = url_with(w, "ann:open-sesame");
    client_t *c = world_open(w, QUICK);
    client_await_count(c, "disconnected CAIRN_EAUTH", 1);
    assert_contains(c->detail, "WRONGPASS invalid username-password pair");
    assert_lacks(c->detail, "open-sesame");
    assert_contains(server->journal.lines[1], "AUTH ann open-sesame");
}

static void a_missing_password_is_told(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_always(server, "HELLO",
                    "-NOAUTH HELLO must be called with the client already authenticated\r\n");
    client_t *c = world_open(w, QUICK);
    client_await_count(c, "disconnected CAIRN_EAUTH", 1);
    assert_contains(c->detail, "NOAUTH");
}

static void an_old_servers_refusal_of_the_password_is_told(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_always(server, "HELLO", UNKNOWN_HELLO);
    scripted_always(server, "AUTH", "-ERR invalid password\r\n");
    w->url = url_with(w, ":open-sesame");
    client_t *c = world_open(w, QUICK);
    client_await_count(c, "disconnected CAIRN_EAUTH", 1);
    assert_contains(c->detail, "ERR invalid password");
    scripted_await_count(server, "AUTH open-sesame", 1);
}

static void the_password_is_given_to_old_servers_too(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_always(server, "HELLO", UNKNOWN_HELLO);
    w->url = url_with(w, "ann:open-sesame");
    works_over_resp2(w, server, world_open(w, NULL));
    assert_int_equal(journal_count(&server->journal, "AUTH ann open-sesame"), 2);
}

/* Redis 5 quotes what it was sent, and what it was sent was the password. */
static void a_password_quoted_by_the_server_is_not_passed_on(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_always(server, "HELLO",
                    "-ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, "
                    "`default`, `open-sesame`, \r\n");
    w->url = url_with(w, ":open-sesame");
    client_t *strict = world_open(w, "protocol=3&" QUICK);
    client_await_count(strict, "disconnected", 1);
    assert_lacks(strict->detail, "open-sesame");

    scripted_always(server, "AUTH", "-ERR no such password: open-sesame\r\n");
    client_t *c = world_open(w, QUICK);
    client_await_count(c, "disconnected", 1);
    assert_lacks(c->detail, "open-sesame");
}

static void a_failed_handshake_is_tried_again(world_t *w, const char *reply, const char *line)
{
    scripted_t *server = scripted_of(w);
    scripted_once(server, "HELLO", reply);
    client_t *c = world_open(w, "connect_timeout_ms=100&" QUICK);
    pub_t *pub = client_publish(c, "news", "waits");
    client_await(c, line, "connected");
    pub_await(pub, 0);
    assert_int_equal(server->accepted, 2);
    assert_int_equal(client_stats(c).connects, 1);
    assert_int_equal(client_stats(c).disconnects, 1);
}

static void a_loading_server_is_tried_again(world_t *w)
{
    a_failed_handshake_is_tried_again(w, "-LOADING Redis is loading the dataset in memory\r\n",
                                      "disconnected CAIRN_ELOADING");
}

static void a_silent_server_is_given_up_and_tried_again(world_t *w)
{
    a_failed_handshake_is_tried_again(w, SCRIPTED_SILENCE, "disconnected UV_ETIMEDOUT");
}

static void a_server_that_hangs_up_is_tried_again(world_t *w)
{
    a_failed_handshake_is_tried_again(w, SCRIPTED_HANGUP, "disconnected UV_EOF");
}

static void what_is_no_redis_is_tried_again(world_t *w)
{
    a_failed_handshake_is_tried_again(w, "HTTP/1.1 400 Bad Request\r\n\r\n",
                                      "disconnected CAIRN_EPROTOCOL");
}

static void a_greeting_of_another_type_is_a_protocol_error(world_t *w)
{
    a_failed_handshake_is_tried_again(w, ":42\r\n", "disconnected CAIRN_EPROTOCOL");
}

static void a_greeting_with_an_odd_count_is_survived(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_once(server, "HELLO", "*3\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n");
    client_t *c = world_open(w, QUICK);
    client_await_count(c, "connected", 1);
}

static void a_deaf_server_is_given_up(world_t *w)
{
    scripted_t *server = scripted_of(w);
    server->deaf = true;
    client_t *c = world_open(w, "connect_timeout_ms=30&" QUICK);
    client_await_count(c, "disconnected UV_ETIMEDOUT", 1);
    server->deaf = false;
    client_await_count(c, "connected", 1);
}

static void a_refused_select_is_told(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_always(server, "SELECT", "-ERR DB index is out of range\r\n");
    client_t *c = world_open(w, "db=99&" QUICK);
    client_await_count(c, "disconnected CAIRN_ESERVER", 1);
    assert_contains(c->detail, "DB index is out of range");
    scripted_await_count(server, "SELECT 99", 1);
}

static void a_server_without_client_names_is_good_enough(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_always(server, "CLIENT", "-ERR unknown subcommand\r\n");
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    pub_await(client_publish(c, "news", "x"), 0);
}

static void the_clients_name_is_told(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "client_name=planner");
    client_await(c, "connected");
    assert_contains(server->journal.lines[1], "SETNAME planner");
}

/* Full jitter draws each delay from nothing to the bound, but never spins. */
static void attempts_are_spaced_by_the_backoff(world_t *w)
{
    scripted_t *server = scripted_of(w);
    scripted_always(server, "HELLO", SCRIPTED_HANGUP);
    world_open(w, "reconnect_min_ms=100&reconnect_max_ms=100");
    loop_run_for(&w->loop, 300);
    assert_in_range(server->accepted, 1, 60);
}

/* Bounds of 1, 2, 4 ... 128 ms by then: if they went on growing, five more would take seconds. */
static void the_backoff_begins_anew_once_connected(world_t *w)
{
    scripted_t *server = scripted_of(w);
    for (int i = 0; i < 8; i++) scripted_once(server, "HELLO", SCRIPTED_HANGUP);
    client_t *c = world_open(w, "reconnect_min_ms=1&reconnect_max_ms=1000000");
    client_await_count(c, "connected", 1);
    uint64_t began = uv_hrtime();
    for (size_t i = 0; i < 5; i++) {
        scripted_hangup(server);
        client_await_count(c, "connected", i + 2);
    }
    assert_true(uv_hrtime() - began < 1000 * 1000000ull);
}

static const scenario_t scenarios[] = {
    SCENARIO(hello_3_is_said_first),
    SCENARIO(a_server_without_hello_is_spoken_to_in_resp2),
    SCENARIO(a_server_without_resp3_is_spoken_to_in_resp2),
    SCENARIO(resp2_is_spoken_when_asked_for),
    SCENARIO(resp3_is_insisted_on_when_asked_for),
    SCENARIO(a_wrong_password_is_told_in_the_servers_words),
    SCENARIO(a_missing_password_is_told),
    SCENARIO(an_old_servers_refusal_of_the_password_is_told),
    SCENARIO(the_password_is_given_to_old_servers_too),
    SCENARIO(a_password_quoted_by_the_server_is_not_passed_on),
    SCENARIO(a_loading_server_is_tried_again),
    SCENARIO(a_silent_server_is_given_up_and_tried_again),
    SCENARIO(a_server_that_hangs_up_is_tried_again),
    SCENARIO(what_is_no_redis_is_tried_again),
    SCENARIO(a_greeting_of_another_type_is_a_protocol_error),
    SCENARIO(a_greeting_with_an_odd_count_is_survived),
    SCENARIO(a_deaf_server_is_given_up),
    SCENARIO(a_refused_select_is_told),
    SCENARIO(a_server_without_client_names_is_good_enough),
    SCENARIO(the_clients_name_is_told),
    SCENARIO(attempts_are_spaced_by_the_backoff),
    SCENARIO(the_backoff_begins_anew_once_connected),
};

int main(void)
{
    return SCENARIOS_RUN("redis: handshake", scenarios, NULL);
}
