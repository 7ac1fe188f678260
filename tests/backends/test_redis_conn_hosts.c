/* Several addresses in a URL, tried in turn. */
#include "scripted.h"

#include <stdio.h>
#include <stdlib.h>

/* Servers that a URL names in this order. */
typedef struct several {
    scripted_t servers[3];
    char url[256];
} several_t;

static void close_several(world_t *w)
{
    several_t *several = w->data;
    for (int i = 0; i < 3; i++) scripted_close(&several->servers[i]);
    free(several);
}

static several_t *several_of(world_t *w, const char *name)
{
    several_t *several = calloc(1, sizeof *several);
    if (!several) abort();
    for (int i = 0; i < 3; i++) scripted_open(&several->servers[i], &w->loop);
    snprintf(several->url, sizeof several->url,
             "redis://%s:%d,127.0.0.1:%d,%s:%d?reconnect_min_ms=1&reconnect_max_ms=2", name,
             several->servers[0].port, several->servers[1].port, name, several->servers[2].port);
    w->url = several->url;
    w->data = several;
    w->at_end = close_several;
    return several;
}

static void assert_on(client_t *c, scripted_t *server)
{
    size_t before = journal_count(&server->journal, "PUBLISH");
    pub_await(client_publish(c, "news", "hello"), 0);
    assert_int_equal(journal_count(&server->journal, "PUBLISH"), before + 1);
}

static void the_first_is_taken_if_it_is_there(world_t *w)
{
    several_t *several = several_of(w, "127.0.0.1");
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    assert_on(c, &several->servers[0]);
    assert_int_equal(several->servers[1].accepted, 0);
}

static void pass_by_those_that_refuse(world_t *w, const char *name)
{
    several_t *several = several_of(w, name);
    scripted_refuse(&several->servers[0]);
    scripted_refuse(&several->servers[1]);
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    assert_on(c, &several->servers[2]);
}

static void who_refuses_is_passed_by_in_the_same_attempt(world_t *w)
{
    pass_by_those_that_refuse(w, "127.0.0.1");
}

static void names_are_looked_up_in_turn(world_t *w)
{
    pass_by_those_that_refuse(w, "localhost");
}

static void who_answered_last_comes_first(world_t *w)
{
    several_t *several = several_of(w, "127.0.0.1");
    scripted_refuse(&several->servers[0]);
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    scripted_accept(&several->servers[0]);
    scripted_hangup(&several->servers[1]);
    client_await(c, "connected", "disconnected UV_EOF", "connected");
    assert_on(c, &several->servers[1]);
    assert_int_equal(several->servers[0].accepted, 0);
}

static void from_the_last_it_goes_on_with_the_first(world_t *w)
{
    several_t *several = several_of(w, "127.0.0.1");
    scripted_refuse(&several->servers[0]);
    scripted_refuse(&several->servers[1]);
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    scripted_accept(&several->servers[0]);
    scripted_refuse(&several->servers[2]);
    scripted_hangup(&several->servers[2]);
    client_await(c, "connected", "disconnected UV_EOF", "connected");
    assert_on(c, &several->servers[0]);
}

/* An attempt has one time for all; but the next does not begin where nobody answered. */
static void who_is_silent_is_passed_by_in_the_next_attempt(world_t *w)
{
    several_t *several = several_of(w, "127.0.0.1");
    several->servers[0].deaf = true;
    client_t *c = world_open(w, "connect_timeout_ms=1500");
    client_await(c, "disconnected UV_ETIMEDOUT", "connected");
    assert_on(c, &several->servers[1]);
}

static void who_does_not_greet_is_passed_by_in_the_next_attempt(world_t *w)
{
    several_t *several = several_of(w, "127.0.0.1");
    scripted_always(&several->servers[0], "HELLO", "-LOADING Redis is loading\r\n");
    scripted_always(&several->servers[1], "HELLO", SCRIPTED_HANGUP);
    client_t *c = world_open(w, NULL);
    client_await(c, "disconnected CAIRN_ELOADING", "disconnected UV_EOF", "connected");
    assert_on(c, &several->servers[2]);
}

static void nobody_there_is_told_of_the_last(world_t *w)
{
    several_t *several = several_of(w, "localhost");
    char last[32];
    for (int i = 0; i < 3; i++) scripted_refuse(&several->servers[i]);
    client_t *c = world_open(w, NULL);
    client_await_count(c, "disconnected UV_ECONNREFUSED", 2);
    snprintf(last, sizeof last, "localhost:%d", several->servers[2].port);
    assert_contains(c->detail, last);
    scripted_accept(&several->servers[1]);
    client_await_count(c, "connected", 1);
}

static void a_name_that_is_none_is_passed_by(world_t *w)
{
    several_t *several = several_of(w, "127.0.0.1");
    snprintf(several->url, sizeof several->url,
             "redis://nobody.invalid:1,127.0.0.1:%d?reconnect_min_ms=1&connect_timeout_ms=20000",
             several->servers[1].port);
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    assert_on(c, &several->servers[1]);
}

static const scenario_t scenarios[] = {
    SCENARIO(the_first_is_taken_if_it_is_there),
    SCENARIO(who_refuses_is_passed_by_in_the_same_attempt),
    SCENARIO(names_are_looked_up_in_turn),
    SCENARIO(who_answered_last_comes_first),
    SCENARIO(from_the_last_it_goes_on_with_the_first),
    SCENARIO(who_is_silent_is_passed_by_in_the_next_attempt),
    SCENARIO(who_does_not_greet_is_passed_by_in_the_next_attempt),
    SCENARIO(nobody_there_is_told_of_the_last),
    SCENARIO(a_name_that_is_none_is_passed_by),
};

int main(void)
{
    return SCENARIOS_RUN("redis: hosts", scenarios, NULL);
}
