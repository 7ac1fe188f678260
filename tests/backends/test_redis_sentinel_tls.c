/* rediss+sentinel://: sentinels and servers speak TLS to each other and to us. */
#include "sentinel.h"
#include "world.h"

#include <stdio.h>

#define QUICK "&reconnect_min_ms=5&reconnect_max_ms=100"

static sentinel_trio_t trio;
static certs_t certs;

static bool lists_client(redis_t *redis, const char *name)
{
    return strstr(redis_ask(redis, "CLIENT LIST"), name) != NULL;
}

/* Those of TLS connections. */
static void it_connects_to_the_master(world_t *w)
{
    w->url = sentinel_url(&trio, QUICK "&client_name=finds");
    redis_t *master = sentinel_master(&trio);
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    for (int i = 0; i < SENTINEL_SERVERS; i++)
        assert_int_equal(lists_client(&trio.servers[i], "name=finds"), &trio.servers[i] == master);
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", master->server.tls_port);
    cairn_connection_t connections[4];
    const size_t count = cairn_connections(&c->cairn, connections, 4);
    bool found = false;
    for (size_t i = 0; i < count && i < 4; i++) found |= strcmp(connections[i].where, address) == 0;
    assert_true(found);
}

static void a_killed_master_is_replaced(world_t *w)
{
    w->url = sentinel_url(&trio, QUICK);
    redis_t *old = sentinel_master(&trio);
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    server_kill(&old->server);
    redis_t *master = sentinel_await_other(&trio, old);
    probe_await_count(probe, "resubscribed", 1);
    pub_await(client_publish(c, "news", "hello"), 0);
    probe_await_messages(probe, 1);
    assert_true(lists_client(master, "name=cairn"));
    sentinel_mend(&trio);
}

/* Nobody says where the master is whom we do not trust. */
static void sentinels_that_are_not_trusted_are_refused(world_t *w)
{
    char url[512];
    snprintf(url, sizeof url,
             "rediss+sentinel://127.0.0.1:%d/" SENTINEL_SERVICE "?tls_ca_file=%s" QUICK,
             trio.sentinels[0].server.tls_port, certs_path(&certs, "stranger-ca.pem"));
    w->url = url;
    client_t *c = world_open(w, NULL);
    client_await_count(c, "disconnected CAIRN_ETLS", 1);
    assert_contains(c->detail, "is not trusted");
    assert_int_equal(journal_count(&c->journal, "connected"), 0);
}

static void sentinels_without_tls_are_told(world_t *w)
{
    char url[512];
    snprintf(url, sizeof url,
             "rediss+sentinel://127.0.0.1:%d/" SENTINEL_SERVICE
             "?connect_timeout_ms=300&tls_ca_file=%s" QUICK,
             trio.sentinels[0].server.port, certs_path(&certs, "ca.pem"));
    w->url = url;
    client_t *c = world_open(w, NULL);
    client_await_count(c, "disconnected", 1);
    assert_int_equal(journal_count(&c->journal, "connected"), 0);
}

int main(void)
{
    static const scenario_t scenarios[] = {
        SCENARIO(it_connects_to_the_master),
        SCENARIO(a_killed_master_is_replaced),
        SCENARIO(sentinels_that_are_not_trusted_are_refused),
        SCENARIO(sentinels_without_tls_are_told),
    };
    certs_make(&certs);
    const sentinel_options_t options = {.certs = &certs};
    sentinel_start(&trio, &options);
    int failures = SCENARIOS_RUN("redis sentinel tls", scenarios, NULL);
    sentinel_stop(&trio);
    certs_remove(&certs);
    return failures;
}
