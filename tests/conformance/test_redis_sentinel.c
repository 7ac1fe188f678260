/* The Redis backend over a master that real sentinels watch. */
#include "broker_suite.h"
#include "keyspace.h"
#include "saver_suite.h"
#include "sentinel.h"
#include "store_suite.h"

static sentinel_trio_t trio;
static redis_t *master;

static void clear(void)
{
    redis_ask(master, "FLUSHALL");
}

static void assert_empty(void)
{
    keyspace_await_empty(master);
}

int main(void)
{
    sentinel_start(&trio, NULL);
    master = sentinel_master(&trio);
    const char *url = sentinel_url(&trio, NULL);
    const broker_factory_t broker = {.name = "redis sentinel RESP3", .url = url};
    const saver_backend_t for_saver = {.clear = clear, .assert_empty = assert_empty};
    const saver_factory_t saver = {"saver: redis sentinel RESP3", url, for_saver, NULL};
    const store_backend_t for_store = {
        .clear = clear, .assert_empty = assert_empty, .clock_slack_us = 2000};
    const store_factory_t store = {"store: redis sentinel RESP3", url, for_store, NULL};
    int failures = broker_suite_run(&broker);
    failures += saver_suite_run(&saver);
    failures += store_suite_run(&store);
    sentinel_stop(&trio);
    return failures;
}
