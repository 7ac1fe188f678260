/* A master that real sentinels watch: found, lost, and found again elsewhere. */
#include "sentinel.h"
#include "stream_client.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#define QUICK "reconnect_min_ms=5&reconnect_max_ms=100"
#define PATIENT_MS 30000

static sentinel_trio_t trio;

static bool has_client(redis_t *redis, const char *name)
{
    return strstr(redis_ask(redis, "CLIENT LIST"), name) != NULL;
}

static void it_connects_to_the_master(world_t *w)
{
    redis_t *master = sentinel_master(&trio);
    client_t *c = world_open(w, "client_name=finds");
    client_await(c, "connected");
    for (int i = 0; i < SENTINEL_SERVERS; i++)
        assert_int_equal(has_client(&trio.servers[i], "name=finds"), &trio.servers[i] == master);
}

static void a_service_that_they_do_not_know_is_said(world_t *w)
{
    char url[128];
    snprintf(url, sizeof url, "redis+sentinel://127.0.0.1:%d/nosuch?" QUICK,
             trio.sentinels[0].server.port);
    w->url = url;
    client_t *c = world_open(w, NULL);
    client_await_count(c, "disconnected CAIRN_ESERVER", 2);
    assert_contains(c->detail, "\"nosuch\"");
    assert_contains(c->detail, "does not know the service");
}

/* One of them is named; the others come from it. */
static void sentinels_may_go_one_by_one(world_t *w)
{
    char url[128];
    snprintf(url, sizeof url, "redis+sentinel://127.0.0.1:%d/" SENTINEL_SERVICE "?" QUICK,
             trio.sentinels[0].server.port);
    w->url = url;
    client_t *c = world_open(w, NULL);
    pub_await(client_publish(c, "news", "x"), 0);
    redis_t *master = sentinel_master(&trio);
    for (int i = 0; i < SENTINELS - 1; i++) {
        server_kill(&trio.sentinels[i].server);
        redis_ask(master, "CLIENT KILL TYPE normal");
        client_await_count(c, "connected", (size_t)i + 2);
        pub_await(client_publish(c, "news", "x"), 0);
    }
    sentinel_mend(&trio);
}

static void a_failover_by_command_is_followed(world_t *w)
{
    redis_t *old = sentinel_master(&trio);
    client_t *c = world_open(w, QUICK);
    probe_t *probe = client_subscribed(c, "news", NULL);
    redis_ask(&trio.sentinels[0], "SENTINEL FAILOVER " SENTINEL_SERVICE);
    redis_t *master = sentinel_await_other(&trio, old);
    probe_await_count(probe, "gap -1", 1);
    pub_t *pub;
    do {
        pub = client_publish(c, "news", "hello");
        pub_await_any(pub);
    } while (pub->status != 0 || !has_client(master, "name=cairn"));
    probe_await_messages(probe, 1);
    assert_int_equal(journal_count(&probe->journal, "gap -1"),
                     journal_count(&probe->journal, "resubscribed"));
    sentinel_mend(&trio);
}

/* ---- killed under traffic ---- */

enum {
    APPENDS = 400,
    KILLED_AT = 200
};

typedef struct traffic {
    streams_client_t *s;
    bool acknowledged[APPENDS];
} traffic_t;

static void append_one(traffic_t *traffic, int number)
{
    char word[16];
    snprintf(word, sizeof word, "e%d", number);
    streams_ask_t *ask = streams_ask(traffic->s);
    ask->timeout_ms = PATIENT_MS;
    assert_status(ask_append(ask, "run", word, NULL), 0);
    while (!streams_ask_is_done(ask)) uv_run(&traffic->s->world->loop, UV_RUN_ONCE);
    traffic->acknowledged[number] = ask->status == 0;
    bool may_fail = ask->status == CAIRN_EMAYBE || ask->status == CAIRN_EREADONLY;
    if (ask->status == 0 || may_fail) return;
    sentinel_explain(&trio);
    check_fail("append %d: %s: %s", number, cairn_err_name(ask->status), ask->detail);
}

/* In order, each once; of those acknowledged only the last before the kill may be missing, which
 * no replica had. */
static void check_what_is_there(const traffic_t *traffic, const char *text, bool *lost)
{
    bool found[APPENDS] = {false};
    int last = -1;
    *lost = false;
    for (const char *at = text; at && *at; at = strchr(at, ' ')) {
        if (*at == ' ') at++;
        int number = (int)strtol(at + 1, NULL, 10);
        if (number <= last) check_fail("e%d comes behind e%d", number, last);
        found[last = number] = true;
    }
    bool gone = false;
    for (int i = 0; i < APPENDS; i++) {
        if (!traffic->acknowledged[i]) continue;
        if (found[i] && gone && i < KILLED_AT) check_fail("e%d is there, but not those before", i);
        if (!found[i] && i >= KILLED_AT) check_fail("e%d was lost behind the failover", i);
        gone |= !found[i];
    }
    *lost = gone;
}

static void a_killed_master_is_replaced_under_traffic(world_t *w)
{
    redis_t *old = sentinel_master(&trio);
    redis_ask(old, "FLUSHALL");
    char url[512];
    snprintf(url, sizeof url, "%s", sentinel_url(&trio, "?" QUICK));
    w->url = url;
    traffic_t traffic = {.s = streams_open(w, NULL)};
    follower_t *f = streams_follow(traffic.s, "run", NULL);
    follower_await_count(f, "live", 1);
    f->quiet = true;
    for (int i = 0; i < APPENDS; i++) {
        if (i == KILLED_AT) server_kill(&old->server);
        append_one(&traffic, i);
    }
    bool lost;
    text_t told = {0};
    check_what_is_there(&traffic, streams_text(traffic.s, "run"), &lost);
    text_add(&told, "%s", streams_text(traffic.s, "run"));
    const size_t there = streams_length(traffic.s, "run");
    if (!lost && !journal_count(&f->journal, "gap")) {
        follower_await_events(f, there);
        assert_string_equal(text_chars(&f->text), text_chars(&told));
    }
    /* A gap is told to who saw an event that no replica had. */
    if (journal_count(&f->journal, "gap"))
        assert_string_not_equal(text_chars(&f->text), text_chars(&told));
    text_free(&told);
    assert_int_equal(journal_count(&f->journal, "disconnected"),
                     journal_count(&f->journal, "resumed"));
    sentinel_mend(&trio);
}

static const scenario_t scenarios[] = {
    SCENARIO(it_connects_to_the_master),
    SCENARIO(a_service_that_they_do_not_know_is_said),
    SCENARIO(a_failover_by_command_is_followed),
    SCENARIO(a_killed_master_is_replaced_under_traffic),
    SCENARIO(sentinels_may_go_one_by_one),
};

/* ---- one sentinel alone ---- */

static redis_t alone_master, alone;

static void it_wants_its_own_password(world_t *w)
{
    char url[160];
    snprintf(url, sizeof url,
             "redis+sentinel://127.0.0.1:%d/" SENTINEL_SERVICE "?sentinel_password=s3cret&" QUICK,
             alone.server.port);
    w->url = url;
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
}

static void a_wrong_password_is_said_and_not_shown(world_t *w)
{
    char url[160];
    snprintf(url, sizeof url,
             "redis+sentinel://127.0.0.1:%d/" SENTINEL_SERVICE "?sentinel_password=wr0ng&" QUICK,
             alone.server.port);
    w->url = url;
    client_t *c = world_open(w, NULL);
    client_await_count(c, "disconnected CAIRN_EAUTH", 2);
    assert_contains(c->detail, "WRONGPASS");
    assert_lacks(c->detail, "wr0ng");
}

static void no_password_is_said(world_t *w)
{
    char url[128];
    snprintf(url, sizeof url, "redis+sentinel://127.0.0.1:%d/" SENTINEL_SERVICE "?" QUICK,
             alone.server.port);
    w->url = url;
    client_t *c = world_open(w, NULL);
    client_await_count(c, "disconnected CAIRN_EAUTH", 2);
    assert_contains(c->detail, "NOAUTH");
}

static const scenario_t alone_scenarios[] = {
    SCENARIO(it_wants_its_own_password),
    SCENARIO(a_wrong_password_is_said_and_not_shown),
    SCENARIO(no_password_is_said),
};

/* It announces the master by a name, which is looked up. */
static int run_alone(void)
{
    static char config[256];
    redis_start(&alone_master, NULL);
    snprintf(config, sizeof config,
             "sentinel resolve-hostnames yes\nsentinel announce-hostnames yes\n"
             "sentinel monitor " SENTINEL_SERVICE " localhost %d 1\n",
             alone_master.server.port);
    const server_options_t options = {.sentinel = config, .password = "s3cret"};
    redis_start(&alone, &options);
    int failures = SCENARIOS_RUN("redis: one sentinel", alone_scenarios, NULL);
    redis_stop(&alone);
    redis_stop(&alone_master);
    return failures;
}

int main(void)
{
    sentinel_start(&trio, NULL);
    char url[512];
    snprintf(url, sizeof url, "%s", sentinel_url(&trio, NULL));
    int failures = SCENARIOS_RUN("redis: sentinels", scenarios, url);
    sentinel_stop(&trio);
    return failures + run_alone();
}
