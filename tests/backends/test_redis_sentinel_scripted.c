/* Sentinels and masters that do what real ones will not do on cue: lie, keep silent, talk nonsense.
 */
#include "scripted.h"

#include <stdio.h>
#include <stdlib.h>

#define WHERE "SENTINEL GET-MASTER-ADDR-BY-NAME"
#define QUICK "reconnect_min_ms=1&reconnect_max_ms=5"
#define PEERS "SENTINEL SENTINELS"

/* Two sentinels, asked in this order, and two servers. */
typedef struct cast {
    scripted_t sentinels[2];
    scripted_t servers[2];
    char places[2][96]; /* what a sentinel says of a server */
    char url[256];
} cast_t;

static void close_cast(world_t *w)
{
    cast_t *cast = w->data;
    for (int i = 0; i < 2; i++) {
        scripted_close(&cast->sentinels[i]);
        scripted_close(&cast->servers[i]);
    }
    free(cast);
}

/* All agree on the first server. */
static cast_t *cast_of(world_t *w)
{
    cast_t *cast = calloc(1, sizeof *cast);
    if (!cast) abort();
    for (int i = 0; i < 2; i++) {
        scripted_open(&cast->sentinels[i], &w->loop);
        scripted_open(&cast->servers[i], &w->loop);
        snprintf(cast->places[i], sizeof cast->places[i], "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n%05d\r\n",
                 cast->servers[i].port);
    }
    for (int i = 0; i < 2; i++) {
        scripted_always(&cast->sentinels[i], WHERE, cast->places[0]);
        scripted_always(&cast->sentinels[i], PEERS, "*0\r\n");
    }
    snprintf(cast->url, sizeof cast->url, "redis+sentinel://127.0.0.1:%d,127.0.0.1:%d/svc",
             cast->sentinels[0].port, cast->sentinels[1].port);
    w->url = cast->url;
    w->data = cast;
    w->at_end = close_cast;
    return cast;
}

static void everybody_says(cast_t *cast, int server)
{
    for (int i = 0; i < 2; i++) scripted_always(&cast->sentinels[i], WHERE, cast->places[server]);
}

static void assert_publishes_to(client_t *c, scripted_t *server)
{
    size_t before = journal_count(&server->journal, "PUBLISH");
    pub_await(client_publish(c, "news", "hello"), 0);
    assert_int_equal(journal_count(&server->journal, "PUBLISH"), before + 1);
}

/* ---- where to ---- */

static void the_first_sentinel_is_asked_and_listened_to(world_t *w)
{
    cast_t *cast = cast_of(w);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    assert_publishes_to(c, &cast->servers[0]);
    scripted_await_count(&cast->sentinels[0], "SENTINEL GET-MASTER-ADDR-BY-NAME svc", 1);
    scripted_await_count(&cast->sentinels[0], "SUBSCRIBE +switch-master", 1);
    assert_int_equal(cast->sentinels[1].accepted, 0);
}

static void who_is_not_there_is_passed_by(world_t *w)
{
    cast_t *cast = cast_of(w);
    scripted_refuse(&cast->sentinels[0]);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    assert_publishes_to(c, &cast->servers[0]);
}

static void who_is_silent_has_a_share_of_the_time(world_t *w)
{
    cast_t *cast = cast_of(w);
    scripted_always(&cast->sentinels[0], WHERE, SCRIPTED_SILENCE);
    client_t *c = world_open(w, QUICK "&connect_timeout_ms=3000");
    client_await(c, "connected");
    assert_int_equal(journal_count(&cast->sentinels[0].journal, WHERE), 1);
}

static void who_does_not_greet_has_a_share_of_the_time(world_t *w)
{
    cast_t *cast = cast_of(w);
    cast->sentinels[0].deaf = true;
    client_t *c = world_open(w, QUICK "&connect_timeout_ms=3000");
    client_await(c, "connected");
    assert_int_equal(cast->sentinels[0].accepted, 1);
}

static void who_talks_nonsense_is_passed_by(world_t *w)
{
    static const char *const nonsense[] = {
        ":1\r\n",
        "*0\r\n",
        "*1\r\n$9\r\n127.0.0.1\r\n",
        "*2\r\n$9\r\n127.0.0.1\r\n$1\r\nx\r\n",
        "*2\r\n$9\r\n127.0.0.1\r\n$1\r\n0\r\n",
        "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n65536\r\n",
        "*2\r\n$0\r\n\r\n$4\r\n6379\r\n",
        "*2\r\n$3\r\na b\r\n$4\r\n6379\r\n",
        "-NOAUTH Authentication required.\r\n",
        "nonsense\r\n",
        SCRIPTED_HANGUP,
    };
    cast_t *cast = cast_of(w);
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        scripted_always(&cast->sentinels[0], WHERE, nonsense[i]);
        client_t *c = world_open(w, QUICK);
        client_await(c, "connected");
        client_close(c);
        client_await_closed(c);
        assert_int_equal(journal_count(&cast->sentinels[0].journal, WHERE), i + 1);
    }
}

/* What it says of the master is right all the same. */
static void nonsense_about_others_does_no_harm(world_t *w)
{
    cast_t *cast = cast_of(w);
    scripted_once(&cast->sentinels[0], PEERS, "*1\r\n:1\r\n");
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    scripted_await_count(&cast->sentinels[0], PEERS, 1);
    assert_publishes_to(c, &cast->servers[0]);
    assert_int_equal(cast->sentinels[1].accepted, 0);
}

/* Those that answer and hang up are asked no oftener than a link is made again. */
static void who_ends_the_link_is_not_asked_in_a_hurry(world_t *w)
{
    cast_t *cast = cast_of(w);
    for (int i = 0; i < 2; i++) scripted_always(&cast->sentinels[i], PEERS, SCRIPTED_HANGUP);
    client_t *c = world_open(w, "reconnect_max_ms=60000&reconnect_min_ms=60000");
    client_await(c, "connected");
    loop_run_for(&w->loop, 50);
    assert_true(cast->sentinels[0].accepted + cast->sentinels[1].accepted <= 2);
}

static void nobody_knowing_the_service_is_said(world_t *w)
{
    cast_t *cast = cast_of(w);
    for (int i = 0; i < 2; i++) scripted_always(&cast->sentinels[i], WHERE, "*-1\r\n");
    client_t *c = world_open(w, QUICK);
    client_await_count(c, "disconnected CAIRN_ESERVER", 2);
    assert_contains(c->detail, "none of 2 sentinels says where \"svc\" is; the last: sentinel ");
    assert_contains(c->detail, "does not know the service");
    everybody_says(cast, 0);
    client_await_count(c, "connected", 1);
}

static void nobody_being_there_is_said(world_t *w)
{
    cast_t *cast = cast_of(w);
    for (int i = 0; i < 2; i++) scripted_refuse(&cast->sentinels[i]);
    client_t *c = world_open(w, QUICK);
    client_await_count(c, "disconnected UV_ECONNREFUSED", 2);
    assert_contains(c->detail, "none of 2 sentinels");
    for (int i = 0; i < 2; i++) scripted_accept(&cast->sentinels[i]);
    client_await_count(c, "connected", 1);
}

static void others_are_learnt_of(world_t *w)
{
    char peers[256], url[128];
    cast_t *cast = cast_of(w);
    snprintf(peers, sizeof peers,
             "*1\r\n%%3\r\n$4\r\nname\r\n$1\r\nx\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n"
             "$4\r\nport\r\n$5\r\n%05d\r\n",
             cast->sentinels[1].port);
    snprintf(url, sizeof url, "redis+sentinel://127.0.0.1:%d/svc", cast->sentinels[0].port);
    scripted_always(&cast->sentinels[0], PEERS, peers);
    w->url = url;
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    scripted_await_count(&cast->sentinels[0], PEERS, 1);
    loop_turns(&w->loop, 5);
    scripted_refuse(&cast->sentinels[0]);
    scripted_hangup(&cast->sentinels[0]);
    scripted_hangup(&cast->servers[0]);
    client_await_count(c, "connected", 2);
    assert_true(journal_count(&cast->sentinels[1].journal, WHERE) > 0);
}

static void credentials_are_the_sentinels_own(world_t *w)
{
    cast_t *cast = cast_of(w);
    char url[256];
    snprintf(url, sizeof url,
             "redis+sentinel://u:datapass@127.0.0.1:%d/svc/2?sentinel_username=s&"
             "sentinel_password=sentpass",
             cast->sentinels[0].port);
    w->url = url;
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    const journal_t *asked = &cast->sentinels[0].journal;
    assert_int_equal(journal_count(asked, "HELLO 3 AUTH s sentpass"), 1);
    assert_int_equal(journal_count(asked, "SELECT"), 0);
    const journal_t *served = &cast->servers[0].journal;
    assert_int_equal(journal_count(served, "HELLO 3 AUTH u datapass"), 1);
    assert_int_equal(journal_count(served, "SELECT 2"), 1);
}

/* ---- the role ---- */

#define REPLICA "%2\r\n$5\r\nproto\r\n:3\r\n$4\r\nrole\r\n$7\r\nreplica\r\n"

static void a_replica_is_refused_and_another_sentinel_asked(world_t *w)
{
    cast_t *cast = cast_of(w);
    scripted_always(&cast->servers[0], "HELLO", REPLICA);
    scripted_always(&cast->sentinels[1], WHERE, cast->places[1]);
    client_t *c = world_open(w, QUICK);
    client_await(c, "disconnected CAIRN_EREADONLY", "connected");
    assert_publishes_to(c, &cast->servers[1]);
}

static void a_server_without_hello_is_asked_for_its_role(world_t *w)
{
    cast_t *cast = cast_of(w);
    for (int i = 0; i < 2; i++)
        scripted_always(&cast->servers[i], "HELLO", "-ERR unknown command\r\n");
    scripted_always(&cast->servers[0], "ROLE", "*1\r\n$5\r\nslave\r\n");
    scripted_always(&cast->servers[1], "ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
    scripted_always(&cast->sentinels[1], WHERE, cast->places[1]);
    client_t *c = world_open(w, QUICK);
    client_await(c, "disconnected CAIRN_EREADONLY", "connected");
    assert_publishes_to(c, &cast->servers[1]);
}

static void a_master_that_is_not_there_makes_another_sentinel_be_asked(world_t *w)
{
    cast_t *cast = cast_of(w);
    scripted_refuse(&cast->servers[0]);
    scripted_always(&cast->sentinels[1], WHERE, cast->places[1]);
    client_t *c = world_open(w, QUICK);
    client_await(c, "disconnected UV_ECONNREFUSED", "connected");
    assert_publishes_to(c, &cast->servers[1]);
}

/* ---- switches ---- */

static void announce(cast_t *cast, const char *service, int from, int to)
{
    char text[128];
    everybody_says(cast, to);
    snprintf(text, sizeof text, "%s 127.0.0.1 %d 127.0.0.1 %d", service, cast->servers[from].port,
             cast->servers[to].port);
    scripted_await_count(&cast->sentinels[0], "SUBSCRIBE +switch-master", 1);
    scripted_message(&cast->sentinels[0], "+switch-master", text);
}

static void a_switch_is_followed_at_once(world_t *w)
{
    cast_t *cast = cast_of(w);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    probe_t *probe = client_subscribed(c, "news", NULL);
    announce(cast, "svc", 0, 1);
    client_await(c, "connected", "disconnected CAIRN_EREADONLY", "connected");
    probe_await(probe, "subscribed", "disconnected CAIRN_EREADONLY", "gap -1", "resubscribed");
    assert_publishes_to(c, &cast->servers[1]);
    assert_int_equal(journal_count(&cast->servers[1].journal, "SUBSCRIBE"), 1);
}

/* A reply on the same link comes behind it. */
static void a_switch_of_another_service_is_not(world_t *w)
{
    cast_t *cast = cast_of(w);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    announce(cast, "other", 0, 1);
    everybody_says(cast, 0);
    scripted_hangup(&cast->servers[0]);
    scripted_await_count(&cast->sentinels[0], WHERE, 2);
    client_await(c, "connected", "disconnected UV_EOF", "connected");
    assert_publishes_to(c, &cast->servers[0]);
}

static void a_malformed_switch_ends_the_sentinel_s_link(world_t *w)
{
    cast_t *cast = cast_of(w);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    scripted_await_count(&cast->sentinels[0], "SUBSCRIBE +switch-master", 1);
    scripted_message(&cast->sentinels[0], "+switch-master", "svc 127.0.0.1");
    scripted_await_count(&cast->sentinels[1], WHERE, 1);
    assert_publishes_to(c, &cast->servers[0]);
    client_await(c, "connected");
}

static void an_old_sentinel_is_asked_again_and_again(world_t *w)
{
    cast_t *cast = cast_of(w);
    for (int i = 0; i < 2; i++)
        scripted_always(&cast->sentinels[i], "HELLO", "-ERR unknown command\r\n");
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    everybody_says(cast, 1);
    client_await(c, "connected", "disconnected CAIRN_EREADONLY", "connected");
    assert_publishes_to(c, &cast->servers[1]);
    assert_int_equal(journal_count(&cast->sentinels[0].journal, "SUBSCRIBE"), 0);
}

/* ---- READONLY ---- */

static void a_master_that_says_readonly_is_left(world_t *w)
{
    cast_t *cast = cast_of(w);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    scripted_always(&cast->servers[0], "PUBLISH",
                    "-READONLY You can't write against a read only replica.\r\n");
    everybody_says(cast, 1);
    pub_t *first = client_publish(c, "news", "a"), *second = client_publish(c, "news", "b");
    pub_await(first, 0);
    pub_await(second, 0);
    assert_int_equal(journal_count(&cast->servers[0].journal, "PUBLISH"), 2);
    assert_int_equal(journal_count(&cast->servers[1].journal, "PUBLISH"), 2);
    client_await(c, "connected", "disconnected CAIRN_EREADONLY", "connected");
}

/* ---- closing ---- */

static void a_handle_closes_while_sentinels_are_silent(world_t *w)
{
    cast_t *cast = cast_of(w);
    for (int i = 0; i < 2; i++) scripted_always(&cast->sentinels[i], WHERE, SCRIPTED_SILENCE);
    client_t *c = world_open(w, QUICK);
    scripted_await_count(&cast->sentinels[0], WHERE, 1);
    client_close(c);
    client_await_closed(c);
}

static void close_when_lost(client_t *c, const char *line)
{
    if (strncmp(line, "disconnected", 12) == 0) client_close(c);
}

static void a_handle_closes_when_it_hears_of_a_switch(world_t *w)
{
    cast_t *cast = cast_of(w);
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    c->react = close_when_lost;
    announce(cast, "svc", 0, 1);
    client_await_closed(c);
}

static void a_handle_closes_when_nobody_knows(world_t *w)
{
    cast_t *cast = cast_of(w);
    for (int i = 0; i < 2; i++) scripted_always(&cast->sentinels[i], WHERE, "*-1\r\n");
    client_t *c = world_client(w);
    c->react = close_when_lost;
    client_open(c, QUICK);
    client_await_closed(c);
    assert_int_equal(journal_count(&c->journal, "connected"), 0);
}

static const scenario_t scenarios[] = {
    SCENARIO(the_first_sentinel_is_asked_and_listened_to),
    SCENARIO(who_is_not_there_is_passed_by),
    SCENARIO(who_is_silent_has_a_share_of_the_time),
    SCENARIO(who_does_not_greet_has_a_share_of_the_time),
    SCENARIO(who_talks_nonsense_is_passed_by),
    SCENARIO(nonsense_about_others_does_no_harm),
    SCENARIO(who_ends_the_link_is_not_asked_in_a_hurry),
    SCENARIO(nobody_knowing_the_service_is_said),
    SCENARIO(nobody_being_there_is_said),
    SCENARIO(others_are_learnt_of),
    SCENARIO(credentials_are_the_sentinels_own),
    SCENARIO(a_replica_is_refused_and_another_sentinel_asked),
    SCENARIO(a_server_without_hello_is_asked_for_its_role),
    SCENARIO(a_master_that_is_not_there_makes_another_sentinel_be_asked),
    SCENARIO(a_switch_is_followed_at_once),
    SCENARIO(a_switch_of_another_service_is_not),
    SCENARIO(a_malformed_switch_ends_the_sentinel_s_link),
    SCENARIO(an_old_sentinel_is_asked_again_and_again),
    SCENARIO(a_master_that_says_readonly_is_left),
    SCENARIO(a_handle_closes_while_sentinels_are_silent),
    SCENARIO(a_handle_closes_when_it_hears_of_a_switch),
    SCENARIO(a_handle_closes_when_nobody_knows),
};

int main(void)
{
    return SCENARIOS_RUN("redis: scripted sentinels", scenarios, NULL);
}
