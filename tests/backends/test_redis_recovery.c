/* After an outage of seconds: traffic flows again within 1.5x of the backoff in force, and those
 * who come back do not come as a herd. */
#include "redis.h"
#include "world.h"

#include <stdlib.h>

enum {
    HANDLES = 16,
    MIN_MS = 50,
    MOST_MS = 2000,
    OUTAGE_MS = 5000,
    TICK_MS = 5,
    ATTEMPTS_MOST = 20 /* a handle's in the outage, on average; 11 are to be expected */
};

static redis_t redis;

/* How long the loop was kept from running; what it can not be blamed for. */
typedef struct lag {
    uv_timer_t timer;
    uint64_t ticked_ns, sum_ns;
} lag_t;

typedef struct handle {
    client_t *client;
    pub_t *pub;
    uint64_t attempts;   /* before the outage */
    uint64_t backoff_ms; /* the longest pause that it may be in when the server is back */
    uint64_t late_ms;    /* from then to its first success, but for the loop's lag */
    struct test *test;
} handle_t;

typedef struct test {
    handle_t handles[HANDLES];
    lag_t lag;
    uint64_t back_ns, lag_before_ns;
    size_t recovered;
} test_t;

static void on_tick(uv_timer_t *timer)
{
    lag_t *lag = timer->data;
    const uint64_t now = uv_hrtime(), gap = now - lag->ticked_ns;
    if (gap > 2 * TICK_MS * UINT64_C(1000000)) lag->sum_ns += gap;
    lag->ticked_ns = now;
}

static uint64_t attempts_of(const client_t *client)
{
    cairn_connection_t connections[8];
    uint64_t attempts = 0;
    const size_t count = cairn_connections(&client->cairn, connections, 8);
    for (size_t i = 0; i < count && i < 8; i++) attempts += connections[i].attempts;
    return attempts;
}

static void on_published(pub_t *pub)
{
    handle_t *handle = pub->data;
    test_t *test = handle->test;
    const uint64_t lag_ns = test->lag.sum_ns - test->lag_before_ns;
    const uint64_t since_ns = uv_hrtime() - test->back_ns;
    handle->late_ms = since_ns > lag_ns ? (since_ns - lag_ns) / 1000000 : 0;
    test->recovered++;
}

static bool have_recovered(void *ctx)
{
    const test_t *test = ctx;
    return test->recovered == HANDLES;
}

static void begin_outage(test_t *test)
{
    server_kill(&redis.server);
    for (int i = 0; i < HANDLES; i++)
        client_await_count(test->handles[i].client, "disconnected", 1);
}

/* What waits in the outage goes on when it is over. */
static void wait_for_traffic(world_t *w, test_t *test)
{
    for (int i = 0; i < HANDLES; i++) {
        handle_t *handle = &test->handles[i];
        const uint64_t failed = attempts_of(handle->client) - handle->attempts;
        const uint64_t doubled = failed < 16 ? (uint64_t)MIN_MS << failed : MOST_MS;
        handle->backoff_ms = doubled < MOST_MS ? doubled : MOST_MS;
        handle->pub = client_request(handle->client);
        handle->pub->data = handle;
        handle->pub->react = on_published;
        pub_again(handle->pub, "news", "again");
    }
    redis_restart(&redis);
    test->back_ns = uv_hrtime();
    test->lag.ticked_ns = uv_hrtime(); /* the restart kept the loop, not the handles */
    test->lag_before_ns = test->lag.sum_ns;
    loop_run_until(&w->loop, "all to recover", have_recovered, test);
}

static long long received(const char *info)
{
    static const char name[] = "total_connections_received:";
    const char *at = strstr(info, name);
    return at ? strtoll(at + strlen(name), NULL, 10) : -1;
}

static void traffic_flows_again_in_time_and_nobody_hurries(world_t *w)
{
    static test_t test;
    uint64_t tried = 0;
    test = (test_t){.lag.ticked_ns = uv_hrtime()};
    test.lag.timer.data = &test.lag;
    uv_timer_init(&w->loop, &test.lag.timer);
    uv_timer_start(&test.lag.timer, on_tick, TICK_MS, TICK_MS);
    for (int i = 0; i < HANDLES; i++) {
        handle_t *handle = &test.handles[i];
        handle->test = &test;
        handle->client = world_open(w, "reconnect_min_ms=50&reconnect_max_ms=2000&timeout_ms=60000"
                                       "&max_connections=1");
        client_await(handle->client, "connected");
        handle->attempts = attempts_of(handle->client);
    }
    begin_outage(&test);
    loop_run_for(&w->loop, OUTAGE_MS);
    for (int i = 0; i < HANDLES; i++)
        tried += attempts_of(test.handles[i].client) - test.handles[i].attempts;
    wait_for_traffic(w, &test);
    uv_close((uv_handle_t *)&test.lag.timer, NULL);

    for (int i = 0; i < HANDLES; i++) {
        const handle_t *handle = &test.handles[i];
        assert_int_equal(handle->pub->status, 0);
        if (2 * handle->late_ms > 3 * handle->backoff_ms)
            check_fail("handle %d: traffic after %llu ms, with a backoff of %llu ms", i,
                       (unsigned long long)handle->late_ms, (unsigned long long)handle->backoff_ms);
    }
    if (tried < HANDLES || tried > HANDLES * ATTEMPTS_MOST)
        check_fail("%llu attempts of %d handles", (unsigned long long)tried, HANDLES);
    /* Ours, that of the restart and the one that asks: each came once. */
    assert_in_range(received(redis_ask(&redis, "INFO stats")), HANDLES, HANDLES + 8);
}

int main(void)
{
    static const scenario_t scenarios[] = {
        SCENARIO(traffic_flows_again_in_time_and_nobody_hurries),
    };
    redis_start(&redis, NULL);
    int failures = SCENARIOS_RUN("redis: recovery", scenarios, redis_url(&redis, NULL, NULL));
    redis_stop(&redis);
    return failures;
}
