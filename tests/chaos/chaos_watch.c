#include "chaos_watch.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum {
    PATIENCE_MS = 90000, /* a sentinel that could not run for two seconds does nothing for thirty */
    AGAIN_MS = 5000,
    POLL_US = 2000,
    DOWN_MS = 600000 /* after which sentinels replace a master unasked: one that is only slow would
                       take with it what it acknowledges until it hears of that */
};

static const char replace[] = "SENTINEL FAILOVER " SENTINEL_SERVICE;

static bool say(chaos_watch_t *watch, const char *trouble)
{
    watch->trouble = trouble;
    return false;
}

static bool tell(redis_t *redis, const char *command)
{
    return server_ask(&redis->server, command, redis->reply, sizeof redis->reply) == 0;
}

static bool have_sentinels_wait(chaos_watch_t *watch)
{
    char command[96];
    bool done = true;
    snprintf(command, sizeof command,
             "SENTINEL SET " SENTINEL_SERVICE " down-after-milliseconds %d", DOWN_MS);
    for (int i = 0; i < SENTINELS; i++) done = tell(&watch->trio.sentinels[i], command) && done;
    return done;
}

static redis_t *next_of(sentinel_trio_t *trio, const redis_t *sentinel)
{
    return &trio->sentinels[(sentinel - trio->sentinels + 1) % SENTINELS];
}

static bool names_another(redis_t *sentinel, const redis_t *master)
{
    char address[48];
    snprintf(address, sizeof address, "address=127.0.0.1:%d,", master->server.port);
    return tell(sentinel, "INFO sentinel") && !strstr(sentinel->reply, address);
}

/* Asked to replace the master. The first that finds a replica to promote is the one; NULL: there is
 * none in time. */
static redis_t *find_replacer(chaos_watch_t *watch, uint64_t deadline)
{
    redis_t *sentinel = watch->trio.sentinels;
    while (!tell(sentinel, replace)) {
        if (uv_hrtime() > deadline) return NULL;
        sentinel = next_of(&watch->trio, sentinel);
        usleep(POLL_US);
    }
    return sentinel;
}

/* Who gives up, as where a replica has not been heard of for long, is asked again: no other, to
 * whom the new master may be news yet. One that is at it refuses, and is not asked often, lest it
 * be between its last look at the old master and this. */
static bool have_it_replaced(chaos_watch_t *watch)
{
    const uint64_t ms = UINT64_C(1000000), deadline = uv_hrtime() + PATIENCE_MS * ms;
    redis_t *sentinel = find_replacer(watch, deadline);
    uint64_t again = uv_hrtime() + AGAIN_MS * ms;
    while (sentinel && !names_another(sentinel, watch->master) && uv_hrtime() < deadline) {
        usleep(POLL_US);
        if (uv_hrtime() < again) continue;
        (void)tell(sentinel, replace);
        again = uv_hrtime() + AGAIN_MS * ms;
    }
    if (sentinel && names_another(sentinel, watch->master)) return true;
    sentinel_explain(&watch->trio);
    return say(watch, "no sentinel replaces the master");
}

/* -1: it does not say. */
static long long number_in_info(redis_t *redis, const char *name)
{
    const char *at = tell(redis, "INFO replication") ? strstr(redis->reply, name) : NULL;
    return at ? strtoll(at + strlen(name), NULL, 10) : -1;
}

static bool have_all(chaos_watch_t *watch)
{
    const long long all = number_in_info(watch->master, "master_repl_offset:");
    for (int i = 0; i < SENTINEL_SERVERS; i++) {
        redis_t *server = &watch->trio.servers[i];
        if (server != watch->master && number_in_info(server, "slave_repl_offset:") != all)
            return false;
    }
    return all >= 0;
}

static bool await_all(chaos_watch_t *watch)
{
    const uint64_t deadline = uv_hrtime() + PATIENCE_MS * UINT64_C(1000000);
    while (!have_all(watch)) {
        if (uv_hrtime() > deadline) return say(watch, "the replicas do not catch up");
        usleep(POLL_US);
    }
    return true;
}

/* The pause outlasts the failover: who wakes up acknowledges nothing until it is a replica. */
bool chaos_watch_end_master(chaos_watch_t *watch, chaos_end_t how)
{
    if (!tell(watch->master, "CLIENT PAUSE 600000 WRITE"))
        return say(watch, "the master cannot be paused");
    if (!await_all(watch)) return false;
    if (how == CHAOS_KILLED)
        server_kill(&watch->master->server);
    else if (server_pause(&watch->master->server) < 0)
        return say(watch, "the master cannot be stopped");
    if (how == CHAOS_STOPPED) watch->trio.asleep = watch->asleep = watch->master;
    return true;
}

bool chaos_watch_follow(chaos_watch_t *watch)
{
    if (!have_it_replaced(watch)) return false;
    redis_t *master = sentinel_try_await_other(&watch->trio, watch->master);
    if (!master) return say(watch, "there was no failover");
    watch->master = master;
    return true;
}

/* Sentinels would tell it, too, but wait for an answer to what they published on it, which is
 * paused. Whoever is with it still is thrown out before it answers anything. */
static bool wake(chaos_watch_t *watch, redis_t *server)
{
    static const char *const rest[] = {"CLIENT KILL TYPE normal", "CLIENT KILL TYPE pubsub",
                                       "CLIENT UNPAUSE"};
    char command[64];
    server_resume(&server->server);
    snprintf(command, sizeof command, "REPLICAOF 127.0.0.1 %d", watch->master->server.port);
    bool done = tell(server, command);
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) done = done && tell(server, rest[i]);
    return done || say(watch, "the old master does not wake up");
}

bool chaos_watch_mend(chaos_watch_t *watch)
{
    redis_t *asleep = watch->asleep;
    watch->asleep = NULL;
    watch->trio.asleep = NULL;
    if (asleep && !wake(watch, asleep)) return false;
    if (!sentinel_try_mend(&watch->trio)) return say(watch, "the trio is not whole again");
    if (sentinel_master(&watch->trio) == watch->master) return true;
    return say(watch, "a master was replaced that should not have been");
}

void chaos_watch_start(chaos_watch_t *watch)
{
    watch->trouble = NULL;
    watch->asleep = NULL;
    sentinel_start(&watch->trio, NULL);
    watch->master = sentinel_master(&watch->trio);
    if (!have_sentinels_wait(watch)) check_fail("a sentinel does not listen");
    const redis_t *sentinels = watch->trio.sentinels;
    snprintf(watch->where, sizeof watch->where,
             "127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d/" SENTINEL_SERVICE, sentinels[0].server.port,
             sentinels[1].server.port, sentinels[2].server.port);
}

void chaos_watch_stop(chaos_watch_t *watch)
{
    sentinel_stop(&watch->trio);
}
