/* Statistics, log and traces of handles on a real server, against traffic that is known. */
#include "exposition.h"
#include "redis.h"
#include "world.h"

#include <cairn/trace.h>
#include <stdlib.h>
#include <string.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=10&timeout_ms=15000"
#define PASSWORD "open-sesame"

static redis_t redis;

static void publish_many(client_t *c, size_t count)
{
    for (size_t i = 0; i < count; i++) pub_await(client_publish(c, "news", "x"), 0);
}

/* ---- counters ---- */

static void what_is_done_is_counted(world_t *w)
{
    client_t *c = world_open(w, QUICK "&latency_stats=1");
    publish_many(c, 50);
    cairn_stats_t stats = client_stats(c);
    assert_int_equal(stats.requests, 50);
    assert_int_equal(stats.completed, 50);
    assert_int_equal(stats.failed, 0);
    assert_int_equal(cairn_latency_count(&stats.latency), 50);
    assert_true(stats.latency.sum_us > 0);
    assert_true(stats.queued_bytes == 0);

    cairn_connection_t all[4];
    assert_int_equal(cairn_connections(&c->cairn, all, 4), 1);
    char where[64];
    snprintf(where, sizeof where, "127.0.0.1:%d", redis.server.port);
    assert_string_equal(all[0].role, "commands");
    assert_string_equal(all[0].where, where);
    assert_string_equal(all[0].state, "ready");
    assert_int_equal(all[0].answered, 50);
    assert_int_equal(all[0].errors, 0);
    assert_int_equal(all[0].inflight, 0);
    assert_int_equal(all[0].attempts, 1);
    assert_int_equal(all[0].connects, 1);
    assert_int_equal(all[0].losses, 0);
    assert_string_equal(all[0].last_loss, "");
    assert_true(all[0].bytes_in == stats.bytes_in);
    assert_true(all[0].bytes_out == stats.bytes_out);

    cairn_node_t node;
    assert_int_equal(cairn_nodes(&c->cairn, &node, 1), 1);
    assert_string_equal(node.role, "server");
    assert_string_equal(node.where, where);
    assert_int_equal(node.ready, 1);
    assert_int_equal(node.slots, 0);
    assert_int_equal(node.connections, 1);
    assert_int_equal(node.answered, 50);
    assert_true(node.bytes_in == stats.bytes_in);
}

static void over_resp2_subscriptions_have_their_own(world_t *w)
{
    client_t *c = world_open(w, QUICK "&protocol=2");
    client_subscribed(c, "news", NULL);
    cairn_connection_t all[2];
    assert_int_equal(cairn_connections(&c->cairn, all, 2), 2);
    assert_string_equal(all[0].role, "commands");
    assert_string_equal(all[1].role, "subscriptions");
    assert_string_equal(all[1].state, "ready");
    assert_int_equal(all[1].answered, 1);
}

static void errors_of_the_server_are_counted(world_t *w)
{
    redis_ask(&redis, "ACL SETUSER mute on nopass +@all -publish ~* &*");
    char url[128];
    snprintf(url, sizeof url, "redis://mute:any@127.0.0.1:%d", redis.server.port);
    w->url = url;
    client_t *c = world_open(w, QUICK);
    pub_await(client_publish(c, "news", "x"), CAIRN_EDENIED);
    cairn_connection_t one;
    assert_int_equal(client_stats(c).failures[CAIRN_FAILURE_AUTH], 1);
    assert_int_equal(cairn_connections(&c->cairn, &one, 1), 1);
    assert_int_equal(one.answered, 1);
    assert_int_equal(one.errors, 1);
}

static bool has_unanswered(void *ctx)
{
    const client_t *c = ctx;
    cairn_connection_t one;
    (void)cairn_connections(&c->cairn, &one, 1);
    return one.inflight == 3 && one.queued == 0;
}

static void a_killed_server_shows(world_t *w)
{
    client_t *c = world_open(w, QUICK);
    publish_many(c, 2);
    redis_pause(&redis);
    pub_t *lost[3];
    for (int i = 0; i < 3; i++) lost[i] = client_publish(c, "news", "lost");
    loop_run_until(&w->loop, "all to be written", has_unanswered, c);
    server_kill(&redis.server);
    for (int i = 0; i < 3; i++) pub_await(lost[i], CAIRN_EMAYBE);
    client_await_count(c, "disconnected UV_ECONNREFUSED", 1);
    pub_t *waits = client_publish(c, "news", "waits");
    cairn_connection_t one;
    assert_int_equal(cairn_connections(&c->cairn, &one, 1), 1);
    assert_int_equal(one.queued, 1);
    assert_true(one.queued_bytes > 20 && one.queued_bytes == one.inflight_bytes);
    assert_true(one.queued_bytes == client_stats(c).queued_bytes);
    assert_contains(one.last_loss, "refused");
    redis_restart(&redis);
    pub_await(waits, 0);

    cairn_stats_t stats = client_stats(c);
    assert_int_equal(stats.requests, 6);
    assert_int_equal(stats.completed, 3);
    assert_int_equal(stats.failures[CAIRN_FAILURE_CONNECTION], 3);
    assert_int_equal(stats.failed, 3);
    assert_int_equal(stats.connects, 2);
    assert_int_equal(stats.reconnects, 1);
    assert_int_equal(cairn_connections(&c->cairn, &one, 1), 1);
    assert_int_equal(one.connects, 2);
    assert_int_equal(one.losses, stats.disconnects);
    assert_int_equal(one.attempts, one.losses + 1); /* the first loss was of a link that was up */
    assert_int_equal(one.queued, 0);
}

static void missed_deadlines_and_cancels_are_counted(world_t *w)
{
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    redis_pause(&redis);
    pub_t *hasty = client_request(c);
    hasty->publish.req.timeout_ms = 5;
    pub_again(hasty, "news", "x");
    pub_t *unwanted = client_publish(c, "news", "x");
    assert_status(pub_cancel(unwanted), 0);
    pub_await(hasty, UV_ETIMEDOUT);
    pub_await(unwanted, UV_ECANCELED);
    redis_resume(&redis);
    assert_int_equal(client_stats(c).timed_out, 1);
    assert_int_equal(client_stats(c).canceled, 1);
    assert_int_equal(client_stats(c).failures[CAIRN_FAILURE_TIMED_OUT], 1);
    assert_int_equal(client_stats(c).failures[CAIRN_FAILURE_CANCELED], 1);
}

/* ---- commands that are not written ---- */

enum {
    LARGE = 8 << 20
};

static bool is_cut_short(void *ctx)
{
    const client_t *c = ctx;
    cairn_connection_t one;
    (void)cairn_connections(&c->cairn, &one, 1);
    return one.bytes_out > LARGE / 64 && one.queued_bytes > 0;
}

/* A server that does not read: the first is written in part, so all three are queued. */
static void a_write_that_is_cut_short_shows(world_t *w)
{
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    char *large = malloc(LARGE);
    assert_non_null(large);
    memset(large, 'x', LARGE);
    redis_pause(&redis);
    pub_t *pubs[3];
    for (int i = 0; i < 3; i++) {
        pubs[i] = client_request(c);
        assert_status(pub_try(pubs[i], cairn_str("news"), cairn_slice(large, i ? 10 : LARGE)), 0);
    }
    loop_run_until(&w->loop, "a part to be written", is_cut_short, c);
    cairn_connection_t one;
    assert_int_equal(cairn_connections(&c->cairn, &one, 1), 1);
    assert_int_equal(one.queued, 3);
    assert_true(one.queued_bytes < one.inflight_bytes);
    redis_resume(&redis);
    for (int i = 0; i < 3; i++) pub_await(pubs[i], 0);
    free(large);
}

/* ---- the text ---- */

static void the_text_is_right(world_t *w)
{
    static char text[65536];
    client_t *c = world_open(w, QUICK "&protocol=2&latency_stats=1");
    client_subscribed(c, "news", NULL);
    publish_many(c, 5);
    assert_true(cairn_stats_text(&c->cairn, text, sizeof text) < sizeof text);
    exposition_check(text);
    assert_true(exposition_value(text, "cairn_requests_completed_total") == 5);
    assert_true(exposition_value(text, "cairn_request_duration_seconds_count") == 5);
    char sample[256];
    snprintf(sample, sizeof sample,
             "cairn_connection_answered_total{connection=\"0\",role=\"commands\","
             "where=\"127.0.0.1:%d\"}",
             redis.server.port);
    assert_true(exposition_value(text, sample) == 5);
}

/* ---- traces ---- */

typedef struct traced {
    unsigned begun, ended;
    cairn_trace_t last;
    char address[64];
} traced_t;

static traced_t traced;

static void on_trace(cairn_t *cairn, const cairn_trace_t *trace)
{
    (void)cairn;
    traced.begun += trace->type == CAIRN_TRACE_BEGIN;
    traced.ended += trace->type == CAIRN_TRACE_END;
    traced.last = *trace;
    snprintf(traced.address, sizeof traced.address, "%.*s", (int)trace->address.len,
             trace->address.ptr);
}

static void a_trace_says_what_and_where(world_t *w)
{
    memset(&traced, 0, sizeof traced);
    client_t *c = world_client(w);
    c->cairn.on_trace = on_trace;
    client_open(c, QUICK);
    client_await(c, "connected");
    pub_await(client_publish(c, "news", "x"), 0);
    assert_int_equal(traced.begun, 1);
    assert_int_equal(traced.ended, 1);
    assert_string_equal(traced.last.operation, "broker.publish");
    assert_string_equal(traced.last.system, "redis");
    assert_string_equal(traced.address, "127.0.0.1");
    assert_int_equal(traced.last.port, redis.server.port);
    assert_null(traced.last.error);
    server_kill(&redis.server);
    client_await_count(c, "disconnected", 1);
    pub_t *waits = client_publish(c, "news", "x");
    client_close(c);
    client_await_closed(c);
    assert_status(waits->status, UV_ECANCELED);
    assert_int_equal(traced.begun, 2);
    assert_int_equal(traced.ended, 2);
    assert_string_equal(traced.last.error, "UV_ECANCELED");
    redis_restart(&redis);
}

/* ---- the log ---- */

static struct {
    char text[65536];
    size_t len;
} logged;

static void on_log(cairn_t *cairn, cairn_log_level_t level, const char *text)
{
    (void)cairn;
    int len = snprintf(logged.text + logged.len, sizeof logged.text - logged.len, "%d %s\n",
                       (int)level, text);
    logged.len += (size_t)len;
    if (logged.len >= sizeof logged.text) abort();
}

static client_t *open_logged(world_t *w, const char *query)
{
    memset(&logged, 0, sizeof logged);
    client_t *c = world_client(w);
    c->cairn.on_log = on_log;
    client_open(c, query);
    return c;
}

static void the_log_tells_of_links_made_and_lost(world_t *w)
{
    client_t *c = open_logged(w, QUICK);
    client_await(c, "connected");
    char line[128];
    snprintf(line, sizeof line, "0 connecting to 127.0.0.1:%d\n", redis.server.port);
    assert_contains(logged.text, line);
    snprintf(line, sizeof line, "1 connected to %s at 127.0.0.1:%d\n", cairn_server(&c->cairn),
             redis.server.port);
    assert_contains(logged.text, line);
    server_kill(&redis.server);
    client_await_count(c, "disconnected UV_ECONNREFUSED", 1);
    client_publish(c, "news", "waits");
    client_await_count(c, "disconnected UV_ECONNREFUSED", 2);
    assert_contains(logged.text, ": server closed the connection\n");
    assert_contains(logged.text, "Connection refused\n");
    assert_contains(logged.text, "next attempt in ");
    assert_contains(logged.text, "ms; 1 commands wait to be sent\n");
    redis_restart(&redis);
    client_await_count(c, "connected", 2);
}

static void a_refused_password_is_an_error_and_not_told(world_t *w)
{
    redis_ask(&redis, "ACL SETUSER guarded on >right +@all ~* &*");
    char url[128];
    snprintf(url, sizeof url, "redis://guarded:" PASSWORD "@127.0.0.1:%d", redis.server.port);
    w->url = url;
    client_t *c = open_logged(w, QUICK);
    client_await_count(c, "disconnected CAIRN_EAUTH", 1);
    assert_contains(logged.text, "\n3 ");
    assert_contains(logged.text, "WRONGPASS");
    assert_lacks(logged.text, PASSWORD);
    cairn_connection_t one;
    assert_int_equal(cairn_connections(&c->cairn, &one, 1), 1);
    assert_contains(one.last_loss, "WRONGPASS");
    assert_lacks(one.last_loss, PASSWORD);
}

static void a_refused_subscription_is_told(world_t *w)
{
    redis_ask(&redis, "ACL SETUSER deaf on nopass +@all ~* resetchannels");
    char url[128];
    snprintf(url, sizeof url, "redis://deaf:any@127.0.0.1:%d", redis.server.port);
    w->url = url;
    client_t *c = open_logged(w, QUICK);
    probe_t *probe = client_subscribe(c, "news", NULL);
    probe_await_count(probe, "failed CAIRN_EDENIED", 1);
    assert_contains(logged.text, "\n2 subscription to ");
    assert_contains(logged.text, "news refused: ");
}

static const scenario_t scenarios[] = {
    SCENARIO(what_is_done_is_counted),
    SCENARIO(over_resp2_subscriptions_have_their_own),
    SCENARIO(errors_of_the_server_are_counted),
    SCENARIO(a_killed_server_shows),
    SCENARIO(missed_deadlines_and_cancels_are_counted),
    SCENARIO(a_write_that_is_cut_short_shows),
    SCENARIO(the_text_is_right),
    SCENARIO(a_trace_says_what_and_where),
    SCENARIO(the_log_tells_of_links_made_and_lost),
    SCENARIO(a_refused_password_is_an_error_and_not_told),
    SCENARIO(a_refused_subscription_is_told),
};

int main(void)
{
    redis_start(&redis, NULL);
    int failures = SCENARIOS_RUN("redis: statistics", scenarios, redis_url(&redis, NULL, NULL));
    redis_stop(&redis);
    return failures;
}
