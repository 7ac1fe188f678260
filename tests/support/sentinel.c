#include "sentinel.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define PATIENCE_MS 90000 /* one that could not run for two seconds does nothing for thirty */
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

static void print_output(const redis_t *redis)
{
    char path[128], line[256];
    snprintf(path, sizeof path, "%s/output", redis->server.folder);
    FILE *file = fopen(path, "re");
    if (!file) return;
    while (fgets(line, sizeof line, file)) fprintf(stderr, "  %s", line);
    fclose(file);
}

void sentinel_explain(sentinel_trio_t *trio)
{
    for (int i = 0; i < SENTINELS; i++) {
        redis_t *sentinel = &trio->sentinels[i];
        fprintf(stderr, "sentinel %d, port %d: %s\n", i, sentinel->server.port,
                ask(trio, sentinel, "INFO sentinel"));
        print_output(sentinel);
    }
    for (int i = 0; i < SENTINEL_SERVERS; i++) {
        redis_t *server = &trio->servers[i];
        fprintf(stderr, "server %d, port %d: %s\n", i, server->server.port,
                ask(trio, server, "INFO replication"));
        print_output(server);
    }
}

static bool await(sentinel_trio_t *trio, condition_t is_so)
{
    const uint64_t deadline = uv_hrtime() + PATIENCE_MS * UINT64_C(1000000);
    while (!is_so(trio)) {
        if (uv_hrtime() > deadline) {
            sentinel_explain(trio);
            return false;
        }
        usleep(POLL_US);
    }
    return true;
}

/* The one that others are told. */
static int port_of(const redis_t *redis)
{
    return redis->server.tls_port > 0 ? redis->server.tls_port : redis->server.port;
}

/* ---- what they say ---- */

/* The server at the address that a sentinel gives in "...,address=127.0.0.1:7000,...". */
static redis_t *server_named(sentinel_trio_t *trio, const char *info)
{
    const char *at = strstr(info, "address=127.0.0.1:");
    const int port = at ? (int)strtol(at + strlen("address=127.0.0.1:"), NULL, 10) : 0;
    for (int i = 0; i < SENTINEL_SERVERS; i++)
        if (port_of(&trio->servers[i]) == port) return &trio->servers[i];
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
        if (server == master || server == trio->asleep || !is_running(server)) continue;
        char port[32];
        snprintf(port, sizeof port, "master_port:%d", port_of(master));
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

redis_t *sentinel_try_await_other(sentinel_trio_t *trio, const redis_t *old)
{
    const uint64_t deadline = uv_hrtime() + PATIENCE_MS * UINT64_C(1000000);
    redis_t *master;
    while (!(master = whole_master(trio, "")) || master == old) {
        if (uv_hrtime() > deadline) {
            sentinel_explain(trio);
            return NULL;
        }
        usleep(POLL_US);
    }
    return master;
}

redis_t *sentinel_await_other(sentinel_trio_t *trio, const redis_t *old)
{
    redis_t *master = sentinel_try_await_other(trio, old);
    if (!master) check_fail("there was no failover");
    return master;
}

/* ---- life ---- */

static void add_tls(server_options_t *to, certs_t *certs)
{
    if (!certs) return;
    to->tls_cert = certs_path(certs, "server.pem");
    to->tls_key = certs_path(certs, "server.key");
    to->tls_ca = certs_path(certs, "ca.pem");
}

static void start_servers(sentinel_trio_t *trio, certs_t *certs)
{
    static char *const args[] = {"--repl-diskless-sync-delay", "0", "--repl-ping-replica-period",
                                 "1", NULL};
    static char *const secure_args[] = {"--repl-diskless-sync-delay",
                                        "0",
                                        "--repl-ping-replica-period",
                                        "1",
                                        "--tls-replication",
                                        "yes",
                                        NULL};
    server_options_t options = {.args = certs ? secure_args : args};
    add_tls(&options, certs);
    char command[64];
    for (int i = 0; i < SENTINEL_SERVERS; i++) redis_start(&trio->servers[i], &options);
    snprintf(command, sizeof command, "REPLICAOF 127.0.0.1 %d", port_of(&trio->servers[0]));
    for (int i = 1; i < SENTINEL_SERVERS; i++) redis_ask(&trio->servers[i], command);
}

/* Redis 7's sentinels can be told to look about more often than every ten seconds; others take
 * longer. While a master is down they ask replicas every second, whatever they are told, and
 * promote none whose answer is older than five pings: so these must not come faster than five a
 * second. */
static void hasten(sentinel_trio_t *trio, redis_t *sentinel)
{
    static const char *const commands[] = {
        "SENTINEL DEBUG INFO-PERIOD 200",
        "SENTINEL DEBUG PUBLISH-PERIOD 200",
        "SENTINEL DEBUG PING-PERIOD 300",
        "SENTINEL DEBUG ASK-PERIOD 100",
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        (void)ask(trio, sentinel, commands[i]);
}

static void start_sentinels(sentinel_trio_t *trio, const char *password, certs_t *certs)
{
    static char *const secure_args[] = {"--tls-replication", "yes", NULL};
    int used = snprintf(trio->config, sizeof trio->config,
                        "sentinel monitor " SENTINEL_SERVICE " 127.0.0.1 %d 2\n"
                        "sentinel down-after-milliseconds " SENTINEL_SERVICE " 500\n"
                        "sentinel failover-timeout " SENTINEL_SERVICE " 3000\n"
                        "sentinel parallel-syncs " SENTINEL_SERVICE " 2\n",
                        port_of(&trio->servers[0]));
    if (password)
        snprintf(trio->config + used, sizeof trio->config - (size_t)used,
                 "sentinel sentinel-pass %s\n", password);
    server_options_t options = {
        .sentinel = trio->config, .password = password, .args = certs ? secure_args : NULL};
    add_tls(&options, certs);
    for (int i = 0; i < SENTINELS; i++) {
        redis_start(&trio->sentinels[i], &options);
        hasten(trio, &trio->sentinels[i]);
    }
}

void sentinel_start(sentinel_trio_t *trio, const sentinel_options_t *options)
{
    memset(trio, 0, sizeof *trio);
    certs_t *certs = options ? options->certs : NULL;
    trio->tls_ca = certs ? certs_path(certs, "ca.pem") : NULL;
    start_servers(trio, certs);
    start_sentinels(trio, options ? options->password : NULL, certs);
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

static bool restart_dead(redis_t *redis)
{
    return is_running(redis) || server_restart(&redis->server) == 0;
}

void sentinel_mend(sentinel_trio_t *trio)
{
    if (!sentinel_try_mend(trio)) check_fail("master, replicas and sentinels are not whole again");
}

bool sentinel_try_mend(sentinel_trio_t *trio)
{
    char command[64];
    for (int i = 0; i < SENTINELS; i++) {
        if (!restart_dead(&trio->sentinels[i])) return false;
        hasten(trio, &trio->sentinels[i]);
    }
    const redis_t *master = NULL;
    for (int i = 0; i < SENTINELS && !master; i++)
        master = server_named(trio, ask(trio, &trio->sentinels[i], "INFO sentinel"));
    for (int i = 0; master && i < SENTINEL_SERVERS; i++) {
        redis_t *server = &trio->servers[i];
        if (is_running(server)) continue;
        if (server_restart(&server->server) < 0) return false;
        snprintf(command, sizeof command, "REPLICAOF 127.0.0.1 %d", port_of(master));
        if (!*ask(trio, server, command)) return false;
    }
    return await(trio, is_complete);
}

const char *sentinel_url(sentinel_trio_t *trio, const char *rest)
{
    snprintf(trio->url, sizeof trio->url,
             "%s+sentinel://127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d/" SENTINEL_SERVICE "%s%s%s",
             trio->tls_ca ? "rediss" : "redis", port_of(&trio->sentinels[0]),
             port_of(&trio->sentinels[1]), port_of(&trio->sentinels[2]),
             trio->tls_ca ? "?tls_ca_file=" : "", trio->tls_ca ? trio->tls_ca : "",
             rest ? rest : "");
    return trio->url;
}
