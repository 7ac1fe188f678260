#include "sentinel.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define PATIENCE_MS 30000
#define POLL_US 5000

typedef bool (*condition_t)(sentinel_trio_t *trio);

static bool is_running(const redis_t *redis)
{
    return redis->server.pid > 0;
}

/* "" if it does not answer. */
static const char *ask(sentinel_trio_t *trio, redis_t *redis, const char *command)
{
    trio->reply[0] = '\0';
    if (is_running(redis) &&
        server_ask(&redis->server, command, redis->reply, sizeof redis->reply) == 0)
        return redis->reply;
    return trio->reply;
}

static bool await(sentinel_trio_t *trio, condition_t is_so)
{
    const uint64_t deadline = uv_hrtime() + PATIENCE_MS * UINT64_C(1000000);
    while (!is_so(trio)) {
        if (uv_hrtime() > deadline) return false;
        usleep(POLL_US);
    }
    return true;
}

/* ---- what they say ---- */

/* The server at the address that a sentinel gives in "...,address=127.0.0.1:7000,...". */
static redis_t *server_named(sentinel_trio_t *trio, const char *info)
{
    const char *at = strstr(info, "address=127.0.0.1:");
    const int port = at ? (int)strtol(at + strlen("address=127.0.0.1:"), NULL, 10) : 0;
    for (int i = 0; i < SENTINEL_SERVERS; i++)
        if (trio->servers[i].server.port == port) return &trio->servers[i];
    return NULL;
}

/* Who all sentinels that run say is the master, or NULL. */
static redis_t *agreed(sentinel_trio_t *trio, const char *also)
{
    redis_t *master = NULL;
    for (int i = 0; i < SENTINELS; i++) {
        if (!is_running(&trio->sentinels[i])) continue;
        const char *info = ask(trio, &trio->sentinels[i], "INFO sentinel");
        redis_t *found = server_named(trio, info);
        if (!found || (master && found != master)) return NULL;
        if (!strstr(info, "status=ok") || !strstr(info, also)) return NULL;
        master = found;
    }
    return master;
}

static bool has_line(const char *info, const char *line)
{
    return strstr(info, line) != NULL;
}

static redis_t *whole_master(sentinel_trio_t *trio, const char *also)
{
    redis_t *master = agreed(trio, also);
    if (!master || !has_line(ask(trio, master, "INFO replication"), "role:master")) return NULL;
    for (int i = 0; i < SENTINEL_SERVERS; i++) {
        redis_t *server = &trio->servers[i];
        if (server == master || !is_running(server)) continue;
        char port[32];
        snprintf(port, sizeof port, "master_port:%d", master->server.port);
        const char *info = ask(trio, server, "INFO replication");
        if (!has_line(info, port) || !has_line(info, "master_link_status:up")) return NULL;
    }
    return master;
}

static bool is_complete(sentinel_trio_t *trio)
{
    return whole_master(trio, "slaves=2,sentinels=3") != NULL;
}

static bool has_master(sentinel_trio_t *trio)
{
    return whole_master(trio, "") != NULL;
}

redis_t *sentinel_master(sentinel_trio_t *trio)
{
    if (!await(trio, has_master)) check_fail("sentinels agree on no master");
    return agreed(trio, "");
}

redis_t *sentinel_await_other(sentinel_trio_t *trio, const redis_t *old)
{
    const uint64_t deadline = uv_hrtime() + PATIENCE_MS * UINT64_C(1000000);
    redis_t *master;
    while (!(master = whole_master(trio, "")) || master == old) {
        if (uv_hrtime() > deadline) check_fail("there was no failover");
        usleep(POLL_US);
    }
    return master;
}

/* ---- life ---- */

static void start_servers(sentinel_trio_t *trio)
{
    static char *const args[] = {"--repl-diskless-sync-delay", "0", "--repl-ping-replica-period",
                                 "1", NULL};
    static const server_options_t options = {.args = args};
    char command[64];
    for (int i = 0; i < SENTINEL_SERVERS; i++) redis_start(&trio->servers[i], &options);
    snprintf(command, sizeof command, "REPLICAOF 127.0.0.1 %d", trio->servers[0].server.port);
    for (int i = 1; i < SENTINEL_SERVERS; i++) redis_ask(&trio->servers[i], command);
}

/* Redis 7's sentinels can be told to look about more often than every ten seconds; others take
 * longer. */
static void hasten(sentinel_trio_t *trio, redis_t *sentinel)
{
    static const char *const commands[] = {
        "SENTINEL DEBUG INFO-PERIOD 200",
        "SENTINEL DEBUG PUBLISH-PERIOD 200",
        "SENTINEL DEBUG PING-PERIOD 100",
        "SENTINEL DEBUG ASK-PERIOD 100",
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        (void)ask(trio, sentinel, commands[i]);
}

static void start_sentinels(sentinel_trio_t *trio, const char *password)
{
    int used = snprintf(trio->config, sizeof trio->config,
                        "sentinel monitor " SENTINEL_SERVICE " 127.0.0.1 %d 2\n"
                        "sentinel down-after-milliseconds " SENTINEL_SERVICE " 500\n"
                        "sentinel failover-timeout " SENTINEL_SERVICE " 3000\n"
                        "sentinel parallel-syncs " SENTINEL_SERVICE " 2\n",
                        trio->servers[0].server.port);
    if (password)
        snprintf(trio->config + used, sizeof trio->config - (size_t)used,
                 "sentinel sentinel-pass %s\n", password);
    const server_options_t options = {.sentinel = trio->config, .password = password};
    for (int i = 0; i < SENTINELS; i++) {
        redis_start(&trio->sentinels[i], &options);
        hasten(trio, &trio->sentinels[i]);
    }
}

void sentinel_start(sentinel_trio_t *trio, const sentinel_options_t *options)
{
    memset(trio, 0, sizeof *trio);
    start_servers(trio);
    start_sentinels(trio, options ? options->password : NULL);
    if (await(trio, is_complete)) return;
    fprintf(stderr, "no sentinels to test with: they did not find each other\n");
    sentinel_stop(trio);
    exit(1);
}

void sentinel_stop(sentinel_trio_t *trio)
{
    for (int i = 0; i < SENTINELS; i++) redis_stop(&trio->sentinels[i]);
    for (int i = 0; i < SENTINEL_SERVERS; i++) redis_stop(&trio->servers[i]);
}

static void restart_dead(redis_t *redis)
{
    if (is_running(redis)) return;
    redis_restart(redis);
}

void sentinel_mend(sentinel_trio_t *trio)
{
    char command[64];
    for (int i = 0; i < SENTINELS; i++) {
        restart_dead(&trio->sentinels[i]);
        hasten(trio, &trio->sentinels[i]);
    }
    const redis_t *master = NULL;
    for (int i = 0; i < SENTINELS && !master; i++)
        master = server_named(trio, ask(trio, &trio->sentinels[i], "INFO sentinel"));
    for (int i = 0; master && i < SENTINEL_SERVERS; i++) {
        redis_t *server = &trio->servers[i];
        if (is_running(server)) continue;
        redis_restart(server);
        snprintf(command, sizeof command, "REPLICAOF 127.0.0.1 %d", master->server.port);
        redis_ask(server, command);
    }
    if (!await(trio, is_complete)) check_fail("master, replicas and sentinels are not whole again");
}

const char *sentinel_url(sentinel_trio_t *trio, const char *rest)
{
    snprintf(trio->url, sizeof trio->url,
             "redis+sentinel://127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d/" SENTINEL_SERVICE "%s",
             trio->sentinels[0].server.port, trio->sentinels[1].server.port,
             trio->sentinels[2].server.port, rest ? rest : "");
    return trio->url;
}
