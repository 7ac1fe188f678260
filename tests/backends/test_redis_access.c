/* Who may connect and to what: passwords, users, channels, databases. Once a protocol. */
#include "redis.h"
#include "world.h"

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=10"

static redis_t redis;
static const char *protocol; /* "protocol=2" ... */

static client_t *open_as(world_t *w, const char *user)
{
    char rest[64];
    snprintf(rest, sizeof rest, "?%s&%s", protocol, QUICK);
    w->url = redis_url(&redis, user, rest);
    return world_open(w, NULL);
}

static void works(client_t *c)
{
    client_await(c, "connected");
    probe_t *probe = client_subscribed(c, "news", NULL);
    pub_await(client_publish(c, "news", "hello"), 0);
    probe_await(probe, "subscribed", "message hello");
}

static void the_password_opens(world_t *w)
{
    works(open_as(w, ":s3cret"));
}

static void the_default_user_may_be_named(world_t *w)
{
    works(open_as(w, "default:s3cret"));
}

static void a_wrong_password_is_refused_in_the_servers_words(world_t *w)
{
    client_t *c = open_as(w, ":open-sesame");
    pub_t *pub = client_publish(c, "news", "x");
    client_await_count(c, "disconnected CAIRN_EAUTH", 1);
    assert_contains(c->detail, "WRONGPASS");
    assert_lacks(c->detail, "open-sesame");
    pub_await(pub, CAIRN_EAUTH);
    assert_contains(pub->detail, "WRONGPASS");
    assert_lacks(pub->detail, "open-sesame");
    assert_int_equal(journal_count(&c->journal, "connected"), 0);
}

static void no_password_is_refused_in_the_servers_words(world_t *w)
{
    client_t *c = open_as(w, NULL);
    client_await_count(c, "disconnected CAIRN_EAUTH", 1);
    assert_contains(c->detail, "NOAUTH");
}

static void a_user_of_ones_own_works(world_t *w)
{
    redis_ask(&redis, "ACL SETUSER ann on >ann-pass resetchannels &* +@all");
    works(open_as(w, "ann:ann-pass"));
}

static void a_password_of_odd_characters_works_escaped_and_plain(world_t *w)
{
    redis_ask(&redis, "ACL SETUSER odd on >p@ss:w%rd resetchannels &* +@all");
    works(open_as(w, "odd:p%40ss%3Aw%25rd"));
    works(open_as(w, "odd:p@ss:w%25rd"));
}

static void a_denied_channel_fails_and_spares_the_others(world_t *w)
{
    redis_ask(&redis, "ACL SETUSER bob reset on >bob-pass &*news &*fence +@all");
    client_t *c = open_as(w, "bob:bob-pass");
    client_await(c, "connected");
    probe_t *allowed = client_subscribe(c, "news", NULL);
    probe_t *denied = client_subscribe(c, "secret", NULL);
    probe_t *pattern = client_psubscribe(c, "s*", NULL);
    probe_await(allowed, "subscribed");
    probe_await(denied, "failed CAIRN_EDENIED");
    probe_await(pattern, "failed CAIRN_EDENIED");
    assert_contains(denied->detail, "NOPERM");

    pub_t *pub = client_publish(c, "secret", "x");
    pub_await(pub, CAIRN_EDENIED);
    assert_contains(pub->detail, "NOPERM");
    pub_await(client_publish(c, "news", "hello"), 0);
    probe_await(allowed, "subscribed", "message hello");
    probe_unsubscribe(denied);
    probe_await(denied, "failed CAIRN_EDENIED", "closed");
    client_await(c, "connected");
}

static void a_channel_allowed_later_may_be_subscribed_then(world_t *w)
{
    redis_ask(&redis, "ACL SETUSER eve reset on >eve-pass &*fence +@all");
    client_t *c = open_as(w, "eve:eve-pass");
    probe_t *probe = client_subscribe(c, "news", NULL);
    probe_await(probe, "failed CAIRN_EDENIED");
    redis_ask(&redis, "ACL SETUSER eve &*");
    probe_unsubscribe(probe);
    probe_await(probe, "failed CAIRN_EDENIED", "closed");
    assert_status(probe_try(probe, probe->name, NULL), 0);
    probe_await(probe, "failed CAIRN_EDENIED", "closed", "subscribed");
    client_publish(c, "news", "hello");
    probe_await_messages(probe, 1);
}

static void a_user_without_the_client_command_works(world_t *w)
{
    redis_ask(&redis, "ACL SETUSER dan reset on >dan-pass &* +@all -client");
    works(open_as(w, "dan:dan-pass"));
}

static void a_user_who_is_removed_is_told_and_comes_back_when_restored(world_t *w)
{
    redis_ask(&redis, "ACL SETUSER kim on >kim-pass resetchannels &* +@all");
    client_t *c = open_as(w, "kim:kim-pass");
    probe_t *probe = client_subscribed(c, "news", NULL);
    redis_ask(&redis, "ACL DELUSER kim");
    client_await_count(c, "disconnected CAIRN_EAUTH", 1);
    redis_ask(&redis, "ACL SETUSER kim on >kim-pass resetchannels &* +@all");
    probe_await_count(probe, "resubscribed", 1);
    assert_int_equal(journal_count(&probe->journal, "gap -1"), 1);
}

static void a_database_is_selected(world_t *w)
{
    char rest[64];
    snprintf(rest, sizeof rest, "/3?client_name=selector&%s", protocol);
    w->url = redis_url(&redis, ":s3cret", rest);
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    const char *line = strstr(redis_ask(&redis, "CLIENT LIST"), "name=selector");
    assert_non_null(line);
    assert_contains(line, " db=3 ");
}

static void a_database_that_is_not_there_is_refused_in_words(world_t *w)
{
    char rest[64];
    snprintf(rest, sizeof rest, "/9999?%s&%s", protocol, QUICK);
    w->url = redis_url(&redis, ":s3cret", rest);
    client_t *c = world_open(w, NULL);
    client_await_count(c, "disconnected CAIRN_ESERVER", 1);
    assert_contains(c->detail, "DB index is out of range");
}

static const scenario_t scenarios[] = {
    SCENARIO(the_password_opens),
    SCENARIO(the_default_user_may_be_named),
    SCENARIO(a_wrong_password_is_refused_in_the_servers_words),
    SCENARIO(no_password_is_refused_in_the_servers_words),
    SCENARIO(a_user_of_ones_own_works),
    SCENARIO(a_password_of_odd_characters_works_escaped_and_plain),
    SCENARIO(a_denied_channel_fails_and_spares_the_others),
    SCENARIO(a_channel_allowed_later_may_be_subscribed_then),
    SCENARIO(a_user_without_the_client_command_works),
    SCENARIO(a_user_who_is_removed_is_told_and_comes_back_when_restored),
    SCENARIO(a_database_is_selected),
    SCENARIO(a_database_that_is_not_there_is_refused_in_words),
};

int main(void)
{
    static const server_options_t options = {.password = "s3cret"};
    redis_start(&redis, &options);
    protocol = "protocol=3";
    int failures = SCENARIOS_RUN("redis: access, RESP3", scenarios, NULL);
    protocol = "protocol=2";
    failures += SCENARIOS_RUN("redis: access, RESP2", scenarios, NULL);
    redis_stop(&redis);
    return failures;
}
