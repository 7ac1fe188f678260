/* The Redis backend over a real server: RESP3 and RESP2, TCP, TLS and a unix socket. */
#include "broker_suite.h"
#include "certs.h"
#include "redis.h"

static redis_t redis;

static void redis_is_shared(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    uint64_t found = cairn_capabilities(&c->cairn);
    assert_true(found & CAIRN_CAP_SHARED);
    assert_true(found & CAIRN_CAP_RECEIVERS);
}

static void the_server_is_named_as_it_names_itself(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    const char *version = strchr(cairn_server(&c->cairn), ' ');
    assert_non_null(version);
    assert_contains(redis_ask(&redis, "INFO server"), version + 1);
}

static void receivers_are_connections(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_t *d = world_open(w, NULL);
    client_subscribed(c, "news", NULL);
    client_subscribed(c, "news", NULL);
    client_subscribed(d, "news", NULL);
    pub_t *pub = client_publish(c, "news", "hello");
    pub_await(pub, 0);
    assert_int_equal(pub->receivers, 2);
}

static void bytes_are_counted(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    cairn_stats_t before = client_stats(c);
    char payload[10001];
    memset(payload, 'x', sizeof payload - 1);
    payload[sizeof payload - 1] = '\0';
    probe_t *probe = client_subscribed(c, "news", NULL);
    client_publish(c, "news", payload);
    probe_await_messages(probe, 1);
    cairn_stats_t after = client_stats(c);
    assert_in_range(after.bytes_out - before.bytes_out, 10000, 11000);
    assert_in_range(after.bytes_in - before.bytes_in, 10000, 11000);
    assert_int_equal(after.connects >= 1, 1);
}

static const scenario_t own_scenarios[] = {
    SCENARIO(redis_is_shared),
    SCENARIO(the_server_is_named_as_it_names_itself),
    SCENARIO(receivers_are_connections),
    SCENARIO(bytes_are_counted),
};

int main(void)
{
    certs_t certs;
    certs_make(&certs);
    const server_options_t options = {.tls_cert = certs_path(&certs, "server.pem"),
                                      .tls_key = certs_path(&certs, "server.key"),
                                      .tls_ca = certs_path(&certs, "ca.pem")};
    redis_start(&redis, &options);
    const broker_factory_t factories[] = {
        {.name = "redis RESP3 tcp", .url = redis_url(&redis, NULL, NULL)},
        {.name = "redis RESP2 tcp", .url = redis_url(&redis, NULL, "?protocol=2")},
        {.name = "redis RESP3 unix", .url = redis_unix_url(&redis, NULL)},
        {.name = "redis pool", .url = redis_url(&redis, NULL, "?max_connections=8&spread_after=1")},
        {.name = "redis, sharded_topics of no cluster",
         .url = redis_url(&redis, NULL, "?sharded_topics=1&cluster=auto")},
        {.name = "redis RESP2 unix", .url = redis_unix_url(&redis, "?protocol=2")},
        {.name = "redis RESP3 tls", .url = redis_tls_url(&redis, "localhost", NULL, NULL)},
        {.name = "redis RESP2 tls", .url = redis_tls_url(&redis, "127.0.0.1", NULL, "protocol=2")},
    };
    int failures = 0;
    for (size_t i = 0; i < sizeof factories / sizeof *factories; i++) {
        failures += broker_suite_run(&factories[i]);
        failures += SCENARIOS_RUN(factories[i].name, own_scenarios, factories[i].url);
    }
    redis_stop(&redis);
    certs_remove(&certs);
    return failures;
}
