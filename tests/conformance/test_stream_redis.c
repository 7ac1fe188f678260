/* The Redis backend over a real server: RESP3 and RESP2, TCP, TLS and a unix socket. */
#include "certs.h"
#include "redis.h"
#include "stream_suite.h"

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

static void another_handle_follows_the_same(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_client_t *other = streams_open(w, NULL);
    follower_t *f = streams_follow(other, "run", NULL);
    follower_await(f, "live");
    streams_append(s, "run", "a b");
    follower_await(f, "live", "event a", "event b");
    assert_int_equal(streams_clear(other, "run"), 2);
    assert_false(streams_exists(s, "run"));
}

static void redis_keeps_what_a_closed_handle_has_appended(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b");
    client_close(s->client);
    client_await_closed(s->client);
    assert_stream(streams_open(w, NULL), "run", "a b");
}

static const scenario_t own_scenarios[] = {
    SCENARIO(another_handle_follows_the_same),
    SCENARIO(redis_keeps_what_a_closed_handle_has_appended),
};

int main(void)
{
    certs_t certs;
    certs_make(&certs);
    const server_options_t options = {.tls_cert = certs_path(&certs, "server.pem"),
                                      .tls_key = certs_path(&certs, "server.key"),
                                      .tls_ca = certs_path(&certs, "ca.pem")};
    redis_start(&redis, &options);
    const streams_backend_t backend = {.clear = clear};
    const stream_factory_t factories[] = {
        {.name = "stream: redis RESP3", .url = redis_url(&redis, NULL, NULL), .backend = backend},
        {.name = "stream: redis pool",
         .url = redis_url(&redis, NULL, "?max_connections=8&spread_after=1"),
         .backend = backend},
        {.name = "stream: redis RESP2 unix",
         .url = redis_unix_url(&redis, "?protocol=2"),
         .backend = backend},
        {.name = "stream: redis RESP3 tls",
         .url = redis_tls_url(&redis, "localhost", NULL, NULL),
         .backend = backend},
    };
    int failures = 0;
    for (size_t i = 0; i < sizeof factories / sizeof *factories; i++) {
        failures += stream_suite_run(&factories[i]);
        failures += SCENARIOS_RUN(factories[i].name, own_scenarios, factories[i].url);
    }
    redis_stop(&redis);
    certs_remove(&certs);
    return failures;
}
