/* The Redis backend over a real server: RESP3 and RESP2, TCP, TLS and a unix socket. */
#include "certs.h"
#include "keyspace.h"
#include "redis.h"
#include "saver_suite.h"

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
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .metadata = "{\"k\":1}");
    saver_write(s, "c1", "t1", "a=1");
    saver_client_t *other = saver_open(w, NULL);
    assert_get(other, latest(), "c1 a@1=x {\"k\":1} [t1.0 a=1]");
    assert_int_equal(saver_delete_thread(other, "t"), 1);
    assert_none(s, latest());
}

static void redis_keeps_what_a_closed_handle_has_put(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x");
    client_close(s->client);
    client_await_closed(s->client);
    assert_get(saver_open(w, NULL), latest(), "c1 a@1=x");
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
    const saver_backend_t backend = {.clear = clear, .assert_empty = assert_empty};
    const saver_factory_t factories[] = {
        {"saver: redis RESP3 tcp", redis_url(&redis, NULL, NULL), backend, NULL},
        {"saver: redis RESP2 tcp", redis_url(&redis, NULL, "?protocol=2"), backend, NULL},
        {"saver: redis pool", redis_url(&redis, NULL, "?max_connections=8&spread_after=1"), backend,
         NULL},
        {"saver: redis RESP3 unix", redis_unix_url(&redis, NULL), backend, NULL},
        {"saver: redis RESP3 tls", redis_tls_url(&redis, "localhost", NULL, NULL), backend, NULL},
    };
    int failures = 0;
    for (size_t i = 0; i < sizeof factories / sizeof *factories; i++) {
        failures += saver_suite_run(&factories[i]);
        failures += SCENARIOS_RUN(factories[i].name, own_scenarios, factories[i].url);
    }
    redis_stop(&redis);
    certs_remove(&certs);
    return failures;
}
