/* User and password from a provider: with each connection, and anew while it is in use. */
#include "alloc_fault.h"
#include "redis.h"
#include "world.h"

#include <stdlib.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=10"

static redis_t redis;
static const char *protocol; /* "protocol=2" ... */

/* What a provider of the test's does when it is asked. */
typedef enum manner {
    GIVES,
    FAILS,
    WAITS, /* gives the ask to `pending` */
    CLOSES /* the handle, then gives */
} manner_t;

typedef struct provider {
    client_t *client;
    manner_t manner;
    const char *username;
    const char *password;
    int status; /* of FAILS */
    int asks;
    cairn_credentials_ask_t *pending;
} provider_t;

static void give(provider_t *p, cairn_credentials_ask_t *ask)
{
    bool outer = world_call(p->client->world);
    cairn_credentials_give(ask, p->username, p->password);
    world_return(p->client->world, outer);
}

static void on_ask(void *ctx, cairn_credentials_ask_t *ask)
{
    provider_t *p = ctx;
    if (p->client->world->inside) world_trouble(p->client->world, "asked inside a call");
    p->asks++;
    switch (p->manner) {
    case GIVES:
        give(p, ask);
        break;
    case FAILS:
        cairn_credentials_fail(ask, p->status, "the token service is gone");
        break;
    case WAITS:
        p->pending = ask;
        break;
    case CLOSES:
        client_close(p->client);
        give(p, ask);
        break;
    }
}

static void give_pending(provider_t *p)
{
    cairn_credentials_ask_t *ask = p->pending;
    p->pending = NULL;
    give(p, ask);
}

static client_t *try_open_on(world_t *w, provider_t *p, const char *query)
{
    cairn_options_t options;
    char url[160];
    snprintf(url, sizeof url, "redis://127.0.0.1:%d?%s&" QUICK "%s%s", redis.server.port, protocol,
             query ? "&" : "", query ? query : "");
    cairn_options_init(&options);
    assert_status(cairn_options_from_url(&options, url, NULL), 0);
    options.credentials = (cairn_credentials_t){.ask = on_ask, .ctx = p};
    client_t *c = world_client(w);
    p->client = c;
    bool outer = world_call(w);
    int status = cairn_open(&c->cairn, &w->loop, &options, &c->error);
    world_return(w, outer);
    c->open = status == 0;
    return c;
}

static client_t *open_on(world_t *w, provider_t *p, const char *query)
{
    client_t *c = try_open_on(w, p, query);
    assert_true(c->open);
    return c;
}

static void set_user(const char *rules)
{
    char command[256];
    snprintf(command, sizeof command, "ACL SETUSER kim %s", rules);
    redis_ask(&redis, command);
}

static provider_t kim(manner_t manner)
{
    set_user("reset on >kim-pass &* ~* +@all");
    return (provider_t){.manner = manner, .username = "kim", .password = "kim-pass"};
}

static void reauth(client_t *c, int status)
{
    bool outer = world_call(c->world);
    int rc = cairn_reauth(&c->cairn);
    world_return(c->world, outer);
    assert_status(rc, status);
}

static void works(client_t *c, const char *channel)
{
    probe_t *probe = client_subscribed(c, channel, NULL);
    pub_await(client_publish(c, channel, "hello"), 0);
    probe_await(probe, "subscribed", "message hello");
}

static bool is_asked(void *p)
{
    return ((provider_t *)p)->pending != NULL;
}

static void await_ask(world_t *w, provider_t *p)
{
    loop_run_until(&w->loop, "an ask", is_asked, p);
}

/* ---- at the handshake ---- */

static void what_is_given_at_once_opens(world_t *w)
{
    provider_t p = kim(GIVES);
    client_t *c = open_on(w, &p, NULL);
    assert_int_equal(p.asks, 0);
    client_await(c, "connected");
    works(c, "news");
}

static void what_is_given_later_opens(world_t *w)
{
    provider_t p = kim(WAITS);
    client_t *c = open_on(w, &p, NULL);
    pub_t *pub = client_publish(c, "news", "x");
    await_ask(w, &p);
    assert_int_equal(journal_count(&c->journal, "connected"), 0);
    give_pending(&p);
    p.manner = GIVES;
    pub_await(pub, 0);
    works(c, "news");
}

static void the_default_user_needs_no_name(world_t *w)
{
    provider_t p = {.manner = GIVES, .password = "s3cret"};
    client_t *c = open_on(w, &p, NULL);
    client_await(c, "connected");
}

static void each_connection_asks_anew(world_t *w)
{
    provider_t p = kim(GIVES);
    client_t *c = open_on(w, &p, NULL);
    client_await(c, "connected");
    int asks = p.asks;
    set_user("<kim-pass >second");
    p.password = "second";
    redis_ask(&redis, "CLIENT KILL USER kim");
    client_await_count(c, "connected", 2);
    assert_true(p.asks > asks);
    assert_int_equal(journal_count(&c->journal, "disconnected CAIRN_EAUTH"), 0);
}

static void a_wrong_one_is_told_without_it(world_t *w)
{
    provider_t p = kim(GIVES);
    p.password = "open-sesame";
    client_t *c = open_on(w, &p, NULL);
    pub_t *pub = client_publish(c, "news", "x");
    client_await_count(c, "disconnected CAIRN_EAUTH", 1);
    assert_contains(c->detail, "WRONGPASS");
    assert_lacks(c->detail, "open-sesame");
    pub_await(pub, CAIRN_EAUTH);
    p.password = "kim-pass";
    client_await_count(c, "connected", 1);
}

static void an_empty_one_is_none(world_t *w)
{
    provider_t p = kim(GIVES);
    p.password = "";
    client_t *c = open_on(w, &p, NULL);
    client_await_count(c, "disconnected UV_EINVAL", 1);
    assert_contains(c->detail, "the password is empty");
}

static void having_none_ends_the_attempt(world_t *w)
{
    provider_t p = kim(FAILS);
    p.status = UV_ECONNREFUSED;
    client_t *c = open_on(w, &p, NULL);
    pub_t *pub = client_publish(c, "news", "x");
    client_await_count(c, "disconnected UV_ECONNREFUSED", 2);
    assert_contains(c->detail, "no credentials: the token service is gone");
    assert_false(pub_is_done(pub));
    p.manner = GIVES;
    pub_await(pub, 0);
}

static void having_none_for_good_is_told_to_who_waits(world_t *w)
{
    provider_t p = kim(FAILS);
    p.status = CAIRN_EAUTH;
    client_t *c = open_on(w, &p, NULL);
    pub_t *pub = client_publish(c, "news", "x");
    pub_await(pub, CAIRN_EAUTH);
    assert_contains(pub->detail, "the token service is gone");
}

static void what_comes_too_late_is_for_nobody(world_t *w)
{
    provider_t p = kim(WAITS);
    client_t *c = open_on(w, &p, "connect_timeout_ms=100");
    await_ask(w, &p);
    cairn_credentials_ask_t *first = p.pending;
    client_await_count(c, "disconnected UV_ETIMEDOUT", 1);
    assert_contains(c->detail, "no credentials in time");
    give(&p, first);
    p.manner = GIVES;
    client_await_count(c, "connected", 1);
    if (p.pending && p.pending != first) give_pending(&p);
}

static void an_ask_may_outlive_its_handle(world_t *w)
{
    provider_t p = kim(WAITS);
    client_t *c = open_on(w, &p, NULL);
    await_ask(w, &p);
    client_close(c);
    client_await_closed(c);
    give_pending(&p);
}

static void a_handle_may_be_closed_when_asked(world_t *w)
{
    provider_t p = kim(CLOSES);
    client_t *c = open_on(w, &p, NULL);
    client_await_closed(c);
    assert_int_equal(p.asks, 1);
}

static void a_password_beside_a_provider_is_refused(world_t *w)
{
    cairn_options_t options;
    cairn_error_t error;
    cairn_t cairn = {0};
    cairn_options_init(&options);
    options.scheme = "redis";
    options.password = "x";
    options.credentials.ask = on_ask;
    assert_status(cairn_open(&cairn, &w->loop, &options, &error), CAIRN_EOPTION);
    assert_contains(error.text, "provider of credentials");
}

/* ---- in use ---- */

static void a_live_connection_is_told_the_new_one(world_t *w)
{
    provider_t p = kim(GIVES);
    client_t *c = open_on(w, &p, NULL);
    client_await(c, "connected");
    pub_t *before = client_publish(c, "news", "x");
    set_user(">second");
    p.password = "second";
    reauth(c, 0);
    pub_t *behind = client_publish(c, "news", "y");
    client_await(c, "connected", "reauthenticated OK");
    pub_await(before, 0);
    pub_await(behind, 0);
    assert_int_equal(p.asks, 2);
}

/* Under RESP2 no AUTH can be said where subscriptions are. */
static void who_cannot_be_told_says_so(world_t *w)
{
    provider_t p = kim(GIVES);
    client_t *c = open_on(w, &p, NULL);
    works(c, "news");
    const bool apart = strcmp(protocol, "protocol=2") == 0;
    reauth(c, 0);
    client_await_count(c, "reauthenticated OK", 1);
    client_await_count(c, "reauthenticated UV_ENOTSUP", apart ? 1 : 0);
    pub_await(client_publish(c, "news", "x"), 0);
    assert_int_equal(journal_count(&c->journal, "reauthenticated UV_ENOTSUP"), apart ? 1 : 0);
    assert_int_equal(client_stats(c).disconnects, 0);
}

static void a_live_connection_may_become_another_users(world_t *w)
{
    provider_t p = kim(GIVES);
    client_t *c = open_on(w, &p, "client_name=renamed");
    client_await(c, "connected");
    redis_ask(&redis, "ACL SETUSER lee reset on >lee-pass &* ~* +@all");
    p.username = "lee";
    p.password = "lee-pass";
    p.manner = WAITS;
    reauth(c, 0);
    await_ask(w, &p);
    pub_await(client_publish(c, "news", "meanwhile"), 0);
    give_pending(&p);
    client_await(c, "connected", "reauthenticated OK");
    const char *line = strstr(redis_ask(&redis, "CLIENT LIST"), "name=renamed");
    assert_non_null(line);
    assert_contains(line, "user=lee");
    redis_ask(&redis, "ACL DELUSER kim");
    pub_await(client_publish(c, "news", "x"), 0);
    client_await(c, "connected", "reauthenticated OK");
}

static void a_refused_one_leaves_the_connection_as_it_is(world_t *w)
{
    provider_t p = kim(GIVES);
    client_t *c = open_on(w, &p, NULL);
    client_await(c, "connected");
    p.password = "open-sesame";
    reauth(c, 0);
    client_await(c, "connected", "reauthenticated CAIRN_EAUTH");
    assert_contains(c->detail, "WRONGPASS");
    assert_lacks(c->detail, "open-sesame");
    pub_await(client_publish(c, "news", "x"), 0);
    p.manner = FAILS;
    p.status = UV_ECONNREFUSED;
    reauth(c, 0);
    client_await(c, "connected", "reauthenticated CAIRN_EAUTH", "reauthenticated UV_ECONNREFUSED");
    assert_contains(c->detail, "the token service is gone");
    pub_await(client_publish(c, "news", "x"), 0);
}

static void the_last_call_counts(world_t *w)
{
    provider_t p = kim(GIVES);
    client_t *c = open_on(w, &p, NULL);
    client_await(c, "connected");
    p.manner = WAITS;
    reauth(c, 0);
    await_ask(w, &p);
    cairn_credentials_ask_t *first = p.pending;
    p.manner = GIVES;
    reauth(c, 0);
    client_await(c, "connected", "reauthenticated OK");
    give(&p, first);
    pub_await(client_publish(c, "news", "x"), 0);
    client_await(c, "connected", "reauthenticated OK");
}

static void a_link_that_is_lost_is_asked_for_anyway(world_t *w)
{
    provider_t p = kim(GIVES);
    client_t *c = open_on(w, &p, NULL);
    client_await(c, "connected");
    p.manner = WAITS;
    reauth(c, 0);
    await_ask(w, &p);
    cairn_credentials_ask_t *first = p.pending;
    p.manner = GIVES;
    redis_ask(&redis, "CLIENT KILL USER kim");
    client_await_count(c, "connected", 2);
    give(&p, first);
    pub_await(client_publish(c, "news", "x"), 0);
    assert_int_equal(journal_count(&c->journal, "reauthenticated"), 0);
}

static void a_handle_may_be_closed_while_it_is_asked_for(world_t *w)
{
    provider_t p = kim(GIVES);
    client_t *c = open_on(w, &p, NULL);
    client_await(c, "connected");
    p.manner = WAITS;
    reauth(c, 0);
    await_ask(w, &p);
    client_close(c);
    client_await_closed(c);
    give_pending(&p);
    reauth(c, CAIRN_ECLOSED);
}

static void without_a_provider_there_is_nobody_to_ask(world_t *w)
{
    w->url = redis_url(&redis, ":s3cret", NULL);
    reauth(world_open(w, NULL), UV_ENOTSUP);
    w->url = "memory:";
    reauth(world_open(w, NULL), UV_ENOTSUP);
}

/* ---- users who lose what they had ---- */

static void a_command_that_is_taken_away_is_denied_in_the_servers_words(world_t *w)
{
    provider_t p = kim(GIVES);
    client_t *c = open_on(w, &p, NULL);
    client_await(c, "connected");
    set_user("-publish");
    pub_t *pub = client_publish(c, "news", "x");
    pub_await(pub, CAIRN_EDENIED);
    assert_contains(pub->detail, "NOPERM");
    client_await(c, "connected");
}

static void a_user_who_is_removed_is_told(world_t *w)
{
    provider_t p = kim(GIVES);
    client_t *c = open_on(w, &p, NULL);
    client_await(c, "connected");
    redis_ask(&redis, "ACL DELUSER kim");
    client_await_count(c, "disconnected CAIRN_EAUTH", 1);
    set_user("on >kim-pass &* ~* +@all");
    client_await_count(c, "connected", 2);
}

/* ---- memory that runs out ---- */

static void open_and_renew(void *unused)
{
    (void)unused;
    world_t *w = malloc(sizeof *w);
    assert_non_null(w);
    world_begin(w, NULL);
    provider_t p = {.manner = GIVES, .username = "kim", .password = "kim-pass"};
    client_t *c = try_open_on(w, &p, NULL);
    if (c->open) {
        client_await_count(c, "connected", 1);
        reauth(c, 0);
        client_await_count(c, "reauthenticated", 1);
        pub_t *pub = client_request(c);
        if (pub_try(pub, world_channel(w, "news"), cairn_str("x")) == 0) pub_await_any(pub);
    } else {
        assert_status(c->error.code, UV_ENOMEM);
    }
    world_end(w);
    free(w);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    (void)kim(GIVES);
    alloc_fault_each(ALLOC_FAIL_ONCE, 1000, open_and_renew, NULL);
}

static const scenario_t scenarios[] = {
    SCENARIO(what_is_given_at_once_opens),
    SCENARIO(what_is_given_later_opens),
    SCENARIO(the_default_user_needs_no_name),
    SCENARIO(each_connection_asks_anew),
    SCENARIO(a_wrong_one_is_told_without_it),
    SCENARIO(an_empty_one_is_none),
    SCENARIO(having_none_ends_the_attempt),
    SCENARIO(having_none_for_good_is_told_to_who_waits),
    SCENARIO(what_comes_too_late_is_for_nobody),
    SCENARIO(an_ask_may_outlive_its_handle),
    SCENARIO(a_handle_may_be_closed_when_asked),
    SCENARIO(a_password_beside_a_provider_is_refused),
    SCENARIO(a_live_connection_is_told_the_new_one),
    SCENARIO(who_cannot_be_told_says_so),
    SCENARIO(a_live_connection_may_become_another_users),
    SCENARIO(a_refused_one_leaves_the_connection_as_it_is),
    SCENARIO(the_last_call_counts),
    SCENARIO(a_link_that_is_lost_is_asked_for_anyway),
    SCENARIO(a_handle_may_be_closed_while_it_is_asked_for),
    SCENARIO(without_a_provider_there_is_nobody_to_ask),
    SCENARIO(a_command_that_is_taken_away_is_denied_in_the_servers_words),
    SCENARIO(a_user_who_is_removed_is_told),
};

int main(void)
{
    static const server_options_t options = {.password = "s3cret"};
    redis_start(&redis, &options);
    protocol = "protocol=3";
    int failures = SCENARIOS_RUN("redis: credentials, RESP3", scenarios, NULL);
    protocol = "protocol=2";
    failures += SCENARIOS_RUN("redis: credentials, RESP2", scenarios, NULL);
    const struct CMUnitTest faults[] = {cmocka_unit_test(each_allocation_may_fail)};
    failures += cmocka_run_group_tests_name("allocation faults: credentials", faults, NULL, NULL);
    redis_stop(&redis);
    return failures;
}
