/* A real server that is killed, stopped, and restarted under load. */
#include "redis.h"
#include "world.h"

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=10&timeout_ms=15000"

static redis_t redis;

/* ---- killed and restarted ten times under a publishing load ---- */

enum {
    OUTAGES = 10,
    PUBLISHERS = 8,
    PROBES = 4
};

typedef struct load {
    bool over;
    uint64_t ended[3]; /* 0, CAIRN_EMAYBE, any other */
} load_t;

static void go_on(pub_t *pub)
{
    load_t *load = pub->data;
    load->ended[pub->status == 0 ? 0 : pub->status == CAIRN_EMAYBE ? 1 : 2]++;
    if (!load->over) pub_again(pub, pub->countdown++ % 2 ? "news" : "weather", "load");
}

static void subscribe_all(client_t *c, probe_t **probes)
{
    probes[0] = client_subscribe(c, "news", NULL);
    probes[1] = client_subscribe(c, "news", NULL);
    probes[2] = client_subscribe(c, "weather", NULL);
    probes[3] = client_psubscribe(c, "n*", NULL);
    for (int i = 0; i < PROBES; i++) probe_await_count(probes[i], "subscribed", 1);
}

static void await_traffic(probe_t **probes, size_t resubscribed)
{
    for (int i = 0; i < PROBES; i++) {
        probe_await_count(probes[i], "resubscribed", resubscribed);
        probe_await_messages(probes[i], probes[i]->messages + 50);
    }
}

/* disconnected, gap, resubscribed: next to each other, the same number of times, and nothing else
 * beside messages. */
static void check_gaps(const probe_t *probe)
{
    const journal_t *j = &probe->journal;
    assert_int_equal(journal_count(j, "disconnected"), OUTAGES);
    assert_int_equal(journal_count(j, "gap -1"), OUTAGES);
    assert_int_equal(journal_count(j, "resubscribed"), OUTAGES);
    assert_int_equal(journal_count(j, "message") + 3 * OUTAGES + 1, j->count);
    for (size_t at = journal_find(j, 0, "disconnected"); at < j->count;
         at = journal_find(j, at + 1, "disconnected")) {
        assert_string_equal(j->lines[at + 1], "gap -1");
        assert_string_equal(j->lines[at + 2], "resubscribed");
    }
}

static void ten_outages(world_t *w)
{
    client_t *c = world_open(w, QUICK);
    probe_t *probes[PROBES];
    subscribe_all(c, probes);
    load_t load = {0};
    pub_t *pubs[PUBLISHERS];
    for (int i = 0; i < PUBLISHERS; i++) {
        pubs[i] = client_request(c);
        pubs[i]->data = &load;
        pubs[i]->react = go_on;
        pub_again(pubs[i], "news", "load");
    }
    for (size_t outage = 0; outage < OUTAGES; outage++) {
        await_traffic(probes, outage);
        server_kill(&redis.server);
        if (outage % 2) client_await_count(c, "disconnected UV_ECONNREFUSED", 1);
        redis_restart(&redis);
    }
    await_traffic(probes, OUTAGES);
    load.over = true;
    for (int i = 0; i < PUBLISHERS; i++) pub_await_any(pubs[i]);

    for (int i = 0; i < PROBES; i++) check_gaps(probes[i]);
    assert_true(load.ended[0] > 500);
    assert_in_range(load.ended[1], 1, OUTAGES * PUBLISHERS);
    assert_int_equal(load.ended[2], 0);
    assert_int_equal(client_stats(c).completed, load.ended[0]);
    assert_int_equal(client_stats(c).failed, load.ended[1]);
    assert_int_equal(journal_count(&c->journal, "connected"), OUTAGES + 1);
}

static void killed_and_restarted_ten_times_under_load(world_t *w)
{
    w->url = redis_url(&redis, NULL, NULL);
    ten_outages(w);
}

static void killed_and_restarted_ten_times_under_load_over_resp2(world_t *w)
{
    w->url = redis_url(&redis, NULL, "?protocol=2");
    ten_outages(w);
}

static void killed_and_restarted_ten_times_under_load_over_a_unix_socket(world_t *w)
{
    w->url = redis_unix_url(&redis, NULL);
    client_t *c = world_open(w, QUICK);
    probe_t *probe = client_subscribed(c, "news", NULL);
    for (size_t outage = 1; outage <= OUTAGES; outage++) {
        redis_restart(&redis);
        probe_await_count(probe, "resubscribed", outage);
        pub_await(client_publish(c, "news", "x"), 0);
        probe_await_messages(probe, outage);
    }
    check_gaps(probe);
}

/* ---- what was published when ---- */

static void publishes_during_an_outage_wait_and_succeed(world_t *w)
{
    client_t *c = world_open(w, QUICK);
    client_await(c, "connected");
    server_kill(&redis.server);
    client_await_count(c, "disconnected", 1);
    pub_t *pubs[20];
    for (int i = 0; i < 20; i++) pubs[i] = client_publish(c, "news", "waits");
    pub_t *hasty = client_request(c);
    hasty->publish.req.timeout_ms = 30;
    pub_again(hasty, "news", "does not wait");
    pub_await(hasty, UV_ETIMEDOUT);
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", redis.server.port);
    assert_contains(hasty->detail, address);
    redis_restart(&redis);
    for (int i = 0; i < 20; i++) pub_await(pubs[i], 0);
}

static bool has_written(void *ctx)
{
    const client_t *c = ctx;
    return client_stats(c).bytes_out >= (uint64_t)(uintptr_t)c->data;
}

static void what_was_written_and_not_answered_may_have_been_applied(world_t *w)
{
    client_t *c = world_open(w, QUICK);
    probe_t *probe = client_subscribed(c, "news", NULL);
    redis_pause(&redis);
    c->data = (void *)(uintptr_t)(client_stats(c).bytes_out + 2 * 40);
    pub_t *plain = client_publish(c, "news", "plain");
    pub_t *idempotent = client_request(c);
    idempotent->publish.req.flags = CAIRN_REQ_IDEMPOTENT;
    pub_again(idempotent, "news", "idempotent");
    loop_run_until(&w->loop, "both to be written", has_written, c);
    redis_restart(&redis);
    pub_await(plain, CAIRN_EMAYBE);
    assert_false(cairn_err_retryable(plain->status));
    pub_await(idempotent, 0);
    probe_await_count(probe, "resubscribed", 1);
    assert_int_equal(journal_count(&probe->journal, "message plain"), 0);
}

static void a_deadline_while_the_server_is_stopped_spares_the_link(world_t *w)
{
    client_t *c = world_open(w, QUICK);
    probe_t *probe = client_subscribed(c, "heard", NULL);
    redis_pause(&redis);
    pub_t *late[5];
    for (int i = 0; i < 5; i++) {
        late[i] = client_request(c);
        late[i]->publish.req.timeout_ms = 40;
        pub_again(late[i], "heard", "late");
    }
    for (int i = 0; i < 5; i++) pub_await(late[i], UV_ETIMEDOUT);
    redis_resume(&redis);
    pub_t *unheard = client_publish(c, "unheard", "x");
    pub_t *heard = client_publish(c, "heard", "on time");
    pub_await(unheard, 0);
    assert_int_equal(unheard->receivers, 0);
    pub_await(heard, 0);
    assert_int_equal(heard->receivers, 1);
    probe_await_count(probe, "message on time", 1);
    assert_int_equal(journal_count(&probe->journal, "message late"), 5);
    assert_int_equal(journal_count(&probe->journal, "gap"), 0);
    assert_int_equal(client_stats(c).connects, 1);
    assert_int_equal(client_stats(c).disconnects, 0);
}

static void a_stopped_server_is_given_up_by_the_watchdog(world_t *w)
{
    client_t *c = world_open(w, "keepalive_ms=40&" QUICK);
    probe_t *probe = client_subscribed(c, "news", NULL);
    redis_pause(&redis);
    probe_await_count(probe, "disconnected CAIRN_EHALFOPEN", 1);
    redis_resume(&redis);
    probe_await_count(probe, "resubscribed", 1);
    assert_int_equal(journal_count(&probe->journal, "gap -1"),
                     journal_count(&probe->journal, "resubscribed"));
    pub_await(client_publish(c, "news", "x"), 0);
    probe_await_messages(probe, 1);
}

static void a_killed_client_comes_back(world_t *w)
{
    client_t *c = world_open(w, QUICK);
    probe_t *probe = client_subscribed(c, "news", NULL);
    redis_ask(&redis, "CLIENT KILL TYPE pubsub");
    probe_await(probe, "subscribed", "disconnected UV_EOF", "gap -1", "resubscribed");
    redis_ask(&redis, "CLIENT KILL TYPE pubsub");
    probe_await_count(probe, "resubscribed", 2);
    client_publish(c, "news", "hello");
    probe_await_messages(probe, 1);
    assert_int_equal(journal_count(&probe->journal, "gap -1"), 2);
}

static void a_handle_closes_while_the_server_is_stopped(world_t *w)
{
    client_t *c = world_open(w, QUICK);
    probe_t *probe = client_subscribed(c, "news", NULL);
    redis_pause(&redis);
    pub_t *pub = client_publish(c, "news", "x");
    loop_turns(&w->loop, 3);
    client_close(c);
    client_await_closed(c);
    redis_resume(&redis);
    assert_status(pub->status, UV_ECANCELED);
    assert_int_equal(journal_count(&probe->journal, "failed UV_ECANCELED"), 1);
}

static const scenario_t scenarios[] = {
    SCENARIO(killed_and_restarted_ten_times_under_load),
    SCENARIO(killed_and_restarted_ten_times_under_load_over_resp2),
    SCENARIO(killed_and_restarted_ten_times_under_load_over_a_unix_socket),
    SCENARIO(publishes_during_an_outage_wait_and_succeed),
    SCENARIO(what_was_written_and_not_answered_may_have_been_applied),
    SCENARIO(a_deadline_while_the_server_is_stopped_spares_the_link),
    SCENARIO(a_stopped_server_is_given_up_by_the_watchdog),
    SCENARIO(a_killed_client_comes_back),
    SCENARIO(a_handle_closes_while_the_server_is_stopped),
};

int main(void)
{
    redis_start(&redis, NULL);
    int failures = SCENARIOS_RUN("redis: outage", scenarios, redis_url(&redis, NULL, NULL));
    redis_stop(&redis);
    return failures;
}
