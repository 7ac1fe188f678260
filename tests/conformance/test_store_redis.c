/* The Redis backend over a real server: RESP3 and RESP2, TCP, TLS and a unix socket. */
#include "certs.h"
#include "keyspace.h"
#include "redis.h"
#include "store_suite.h"

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

static void assert_empty(void)
{
    keyspace_await_empty(&redis);
}

static void another_handle_sees_the_same(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a/b", "k", "{\"n\":1}");
    items_t *other = items_open(w, NULL);
    assert_item(other, "a/b", "k", "{\"n\":1}");
    assert_true(items_put(other, "a/b", "k", "{\"n\":2}"));
    assert_item(s, "a/b", "k", "{\"n\":2}");
    assert_namespaces(s, "a/b", .max_depth = 0);
    assert_true(items_delete(other, "a/b", "k"));
    assert_no_item(s, "a/b", "k");
}

static void redis_keeps_what_a_closed_handle_has_put(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    client_close(s->client);
    client_await_closed(s->client);
    assert_item(items_open(w, NULL), "a", "k", "1");
}

static const scenario_t own_scenarios[] = {
    SCENARIO(another_handle_sees_the_same),
    SCENARIO(redis_keeps_what_a_closed_handle_has_put),
};

int main(void)
{
    certs_t certs;
    certs_make(&certs);
    const server_options_t options = {.tls_cert = certs_path(&certs, "server.pem"),
                                      .tls_key = certs_path(&certs, "server.key"),
                                      .tls_ca = certs_path(&certs, "ca.pem")};
    redis_start(&redis, &options);
    const store_backend_t backend = {
        .clear = clear, .assert_empty = assert_empty, .clock_slack_us = 2000};
    const store_factory_t factories[] = {
        {"store: redis RESP3 tcp", redis_url(&redis, NULL, NULL), backend, NULL},
        {"store: redis RESP2 tcp", redis_url(&redis, NULL, "?protocol=2"), backend, NULL},
        {"store: redis pool", redis_url(&redis, NULL, "?max_connections=8&spread_after=1"), backend,
         NULL},
        {"store: redis RESP3 unix", redis_unix_url(&redis, NULL), backend, NULL},
        {"store: redis RESP3 tls", redis_tls_url(&redis, "localhost", NULL, NULL), backend, NULL},
    };
    int failures = 0;
    for (size_t i = 0; i < sizeof factories / sizeof *factories; i++) {
        failures += store_suite_run(&factories[i]);
        failures += SCENARIOS_RUN(factories[i].name, own_scenarios, factories[i].url);
    }
    redis_stop(&redis);
    certs_remove(&certs);
    return failures;
}
