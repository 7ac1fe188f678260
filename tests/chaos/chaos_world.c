#include "chaos_world.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

enum {
    FAULTS_MOST = 64,
    REWRITE_MS = 20000,
    FORGOTTEN_MS = 300,
    FLOOD_COMMANDS = 4000,
    FLOOD_BYTES = 1000
};

typedef enum phase {
    STARTING,
    CALM,
    RAGING,
    CALMING,
    ENDING
} phase_t;

struct chaos_world {
    uv_thread_t thread;
    server_t server;
    bool forgets;
    chaos_proxy_t *proxy;
    uint64_t random;
    unsigned counts[FAULTS_MOST];
    unsigned deck[FAULTS_MOST], left; /* every fault once before any comes twice */
    char trouble[512];
    atomic_uint_least64_t epoch, back_ns, away_ms;

    uv_mutex_t lock; /* for what follows */
    uv_cond_t changed;
    phase_t phase;
};

static void fail(chaos_world_t *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fail(chaos_world_t *world, const char *format, ...)
{
    if (world->trouble[0]) return;
    va_list args;
    va_start(args, format);
    vsnprintf(world->trouble, sizeof world->trouble, format, args);
    va_end(args);
}

static uint32_t roll(chaos_world_t *world, uint32_t from, uint32_t to)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return from + (uint32_t)((world->random >> 11) % (to - from + 1));
}

/* ---- what faults are made of ---- */

/* For so long, or until calm is asked for. */
static void linger(chaos_world_t *world, uint64_t ms)
{
    const uint64_t deadline = uv_hrtime() + ms * 1000000;
    uv_mutex_lock(&world->lock);
    uint64_t now;
    while (world->phase == RAGING && (now = uv_hrtime()) < deadline)
        uv_cond_timedwait(&world->changed, &world->lock, deadline - now);
    uv_mutex_unlock(&world->lock);
}

static bool ask(chaos_world_t *world, const char *command)
{
    char reply[256];
    if (server_ask(&world->server, command, reply, sizeof reply) == 0) return true;
    fail(world, "%s: %s", command, world->server.error);
    return false;
}

static bool says(chaos_world_t *world, const char *text)
{
    char reply[8192];
    return server_ask(&world->server, "INFO persistence", reply, sizeof reply) == 0 &&
           strstr(reply, text);
}

/* A transaction that was cut Redis 7 leaves out when it starts, but not out of its file: the next
 * start would take what follows for a part of it. */
static void forget_what_was_cut(chaos_world_t *world)
{
    const uint64_t deadline = uv_hrtime() + REWRITE_MS * 1000000ull;
    ask(world, "BGREWRITEAOF");
    while (!says(world, "aof_rewrite_in_progress:0") || !says(world, "aof_rewrite_scheduled:0")) {
        if (uv_hrtime() > deadline) {
            fail(world, "the server does not rewrite its log");
            return;
        }
        usleep(2000);
    }
    if (!says(world, "aof_last_bgrewrite_status:ok")) fail(world, "the log was not rewritten");
}

static void away(chaos_world_t *world)
{
    atomic_store(&world->away_ms, uv_hrtime() / 1000000);
    atomic_store(&world->back_ns, 0);
}

static void back(chaos_world_t *world)
{
    const uint64_t now = uv_hrtime();
    atomic_store(&world->away_ms, now / 1000000 - atomic_load(&world->away_ms));
    atomic_store(&world->back_ns, now);
}

static void kill_and_restart(chaos_world_t *world, uint64_t down_ms)
{
    server_kill(&world->server);
    atomic_fetch_add(&world->epoch, 1);
    away(world);
    linger(world, down_ms);
    if (server_restart(&world->server) < 0) {
        fail(world, "restart: %s", world->server.error);
        return;
    }
    back(world);
    if (!world->forgets) forget_what_was_cut(world);
}

/* ---- faults of the server ---- */

static void crash(chaos_world_t *world)
{
    kill_and_restart(world, roll(world, 0, 400));
}

static void outage(chaos_world_t *world)
{
    kill_and_restart(world, roll(world, 1500, 3000));
}

static void stop(chaos_world_t *world)
{
    server_pause(&world->server);
    away(world);
    linger(world, roll(world, 50, 1500));
    server_resume(&world->server);
    back(world);
}

static void client_pause(chaos_world_t *world)
{
    char command[64];
    snprintf(command, sizeof command, "CLIENT PAUSE %u %s", roll(world, 20, 800),
             roll(world, 0, 1) ? "ALL" : "WRITE");
    ask(world, command);
}

static void client_kill(chaos_world_t *world)
{
    if (ask(world, "CLIENT KILL TYPE normal SKIPME yes") && ask(world, "CLIENT KILL TYPE pubsub"))
        atomic_fetch_add(&world->epoch, 1);
}

static void squeeze(chaos_world_t *world)
{
    ask(world, "CONFIG SET maxmemory 1");
    linger(world, roll(world, 100, 800));
    ask(world, "CONFIG SET maxmemory 0");
}

/* A transaction whose script is unknown is carried out but for that, and then again. A script is
 * loaded again once: so the server is left alone for that long. */
static void forget_scripts(chaos_world_t *world)
{
    ask(world, "SCRIPT FLUSH");
    linger(world, FORGOTTEN_MS);
}

/* Many large commands at once, some of which keep the server busy, from somebody who is slow to
 * read. */
static void flood(chaos_world_t *world)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, world->server.unix_path, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail(world, "cannot connect to flood the server");
    static const char busy[] =
        "*3\r\n$4\r\nEVAL\r\n$28\r\nfor i=1,1000000 do i=i+1 end\r\n$1\r\n0\r\n";
    static char payload[FLOOD_BYTES + 1];
    memset(payload, 'f', FLOOD_BYTES);
    char command[FLOOD_BYTES + 64];
    const int len = snprintf(command, sizeof command, "*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n",
                             FLOOD_BYTES, payload);
    for (int i = 0; i < FLOOD_COMMANDS; i++) {
        ssize_t sent = i % 200 == 0 ? send(fd, busy, sizeof busy - 1, MSG_NOSIGNAL)
                                    : send(fd, command, (size_t)len, MSG_NOSIGNAL);
        const ssize_t whole = i % 200 == 0 ? (ssize_t)sizeof busy - 1 : len;
        if (sent < whole) break; /* the server's buffers are full, too */
    }
    linger(world, roll(world, 50, 500));
    close(fd);
}

/* ---- faults of the network ---- */

static const chaos_order_t heal = {.spoil = CHAOS_HEAL};

static void spoil(chaos_world_t *world, const chaos_order_t *order, uint64_t ms)
{
    chaos_proxy_order(world->proxy, order);
    linger(world, ms);
    chaos_proxy_order(world->proxy, &heal);
}

static void cut(chaos_world_t *world)
{
    const chaos_order_t order = {.spoil = CHAOS_CUT, .one_in = roll(world, 1, 3)};
    spoil(world, &order, 0);
}

static void reset(chaos_world_t *world)
{
    const chaos_order_t order = {.spoil = CHAOS_RESET, .one_in = roll(world, 1, 3)};
    spoil(world, &order, 0);
}

static void tear_replies(chaos_world_t *world)
{
    const chaos_order_t order = {.spoil = CHAOS_TEAR,
                                 .amount = roll(world, 1, 3000),
                                 .one_in = roll(world, 1, 2),
                                 .replies = true,
                                 .newcomers = roll(world, 0, 1)};
    spoil(world, &order, roll(world, 20, 400));
}

static void tear_requests(chaos_world_t *world)
{
    const chaos_order_t order = {.spoil = CHAOS_TEAR,
                                 .amount = roll(world, 1, 6000),
                                 .one_in = roll(world, 1, 2),
                                 .requests = true,
                                 .newcomers = roll(world, 0, 1)};
    spoil(world, &order, roll(world, 20, 400));
}

static void stall(chaos_world_t *world)
{
    const uint32_t which = roll(world, 1, 3);
    const chaos_order_t order = {.spoil = CHAOS_STALL,
                                 .one_in = roll(world, 1, 2),
                                 .requests = which & 1,
                                 .replies = which & 2,
                                 .newcomers = roll(world, 0, 1)};
    spoil(world, &order, roll(world, 100, 2500));
}

static void delay(chaos_world_t *world)
{
    const chaos_order_t order = {.spoil = CHAOS_DELAY,
                                 .amount = roll(world, 5, 200),
                                 .one_in = roll(world, 1, 2),
                                 .requests = true,
                                 .replies = true,
                                 .newcomers = true};
    spoil(world, &order, roll(world, 200, 1500));
}

static void throttle(chaos_world_t *world)
{
    const chaos_order_t order = {.spoil = CHAOS_THROTTLE,
                                 .amount = roll(world, 10, 2000),
                                 .one_in = roll(world, 1, 2),
                                 .requests = true,
                                 .replies = true,
                                 .newcomers = true};
    spoil(world, &order, roll(world, 200, 1500));
}

static void refuse(chaos_world_t *world)
{
    const chaos_order_t all = {.spoil = CHAOS_RESET};
    const chaos_order_t order = {.spoil = CHAOS_REFUSE, .newcomers = true};
    chaos_proxy_order(world->proxy, &order);
    spoil(world, &all, roll(world, 50, 1000));
}

/* ---- one after the other ---- */

typedef struct fault {
    const char *name;
    void (*happen)(chaos_world_t *world);
} fault_t;

/* Each returns when it is over. A new one is a row here. */
static const fault_t faults[] = {
    {"server killed, restarted", crash},
    {"server away for seconds", outage},
    {"server stopped (SIGSTOP)", stop},
    {"CLIENT PAUSE", client_pause},
    {"CLIENT KILL", client_kill},
    {"out of memory", squeeze},
    {"SCRIPT FLUSH", forget_scripts},
    {"flooded", flood},
    {"connections cut", cut},
    {"connections reset", reset},
    {"replies torn", tear_replies},
    {"requests torn", tear_requests},
    {"stalled", stall},
    {"delayed", delay},
    {"throttled", throttle},
    {"connections refused", refuse},
};

enum {
    FAULT_COUNT = sizeof faults / sizeof *faults
};
_Static_assert(sizeof faults / sizeof *faults <= FAULTS_MOST, "more faults than counters");

static unsigned draw(chaos_world_t *world)
{
    if (world->left == 0) {
        world->left = FAULT_COUNT;
        for (unsigned i = 0; i < FAULT_COUNT; i++) world->deck[i] = i;
    }
    const unsigned at = roll(world, 0, world->left - 1);
    const unsigned drawn = world->deck[at];
    world->deck[at] = world->deck[--world->left];
    return drawn;
}

static bool is_wanted(const fault_t *fault)
{
    const char *only = getenv("CAIRN_CHAOS_ONLY");
    return !only || strstr(fault->name, only);
}

/* Some faults come over a slow network, where more is on its way when they do. */
static void let_happen(chaos_world_t *world, const fault_t *fault)
{
    const chaos_order_t slow = {.spoil = CHAOS_DELAY,
                                .amount = roll(world, 5, 40),
                                .one_in = roll(world, 1, 3),
                                .requests = true,
                                .replies = roll(world, 0, 1),
                                .newcomers = true};
    if (roll(world, 0, 2) == 0) {
        chaos_proxy_order(world->proxy, &slow);
        linger(world, roll(world, 0, 100));
    }
    fault->happen(world);
    chaos_proxy_order(world->proxy, &heal);
}

static phase_t phase_of(chaos_world_t *world)
{
    uv_mutex_lock(&world->lock);
    const phase_t phase = world->phase;
    uv_mutex_unlock(&world->lock);
    return phase;
}

static void enter(chaos_world_t *world, phase_t phase)
{
    uv_mutex_lock(&world->lock);
    if (world->phase != ENDING) world->phase = phase;
    uv_cond_broadcast(&world->changed);
    uv_mutex_unlock(&world->lock);
}

static void wait_while_calm(chaos_world_t *world)
{
    uv_mutex_lock(&world->lock);
    while (world->phase == CALM) uv_cond_wait(&world->changed, &world->lock);
    uv_mutex_unlock(&world->lock);
}

static void start_server(chaos_world_t *world)
{
    static char appendonly[] = "--appendonly", yes[] = "yes";
    static char appendfsync[] = "--appendfsync", always[] = "always";
    static char *const args[] = {appendonly, yes, appendfsync, always, NULL};
    static const server_options_t options = {.args = args};
    if (server_start(&world->server, world->forgets ? NULL : &options) == 0) return;
    fprintf(stderr, "no server to test with: %s\n", world->server.error);
    exit(1);
}

/* The server is this thread's: it ends when its thread does. */
static void run(void *arg)
{
    chaos_world_t *world = arg;
    start_server(world);
    enter(world, CALM);
    for (;;) {
        wait_while_calm(world);
        while (phase_of(world) == RAGING) {
            const unsigned drawn = draw(world);
            if (!is_wanted(&faults[drawn])) {
                linger(world, 1);
                continue;
            }
            let_happen(world, &faults[drawn]);
            world->counts[drawn]++;
            linger(world, roll(world, 0, 500));
        }
        if (phase_of(world) == ENDING) break;
        kill_and_restart(world, 0);
        enter(world, CALM);
    }
    server_stop(&world->server);
}

/* ---- from the other threads ---- */

chaos_world_t *chaos_world_start(uint64_t seed, bool forgets)
{
    chaos_world_t *world = calloc(1, sizeof *world);
    if (!world) abort();
    world->forgets = forgets;
    world->random = seed * 0x9e3779b97f4a7c15u | 1;
    if (uv_mutex_init(&world->lock) != 0 || uv_cond_init(&world->changed) != 0 ||
        uv_thread_create(&world->thread, run, world) != 0)
        abort();
    uv_mutex_lock(&world->lock);
    while (world->phase == STARTING) uv_cond_wait(&world->changed, &world->lock);
    uv_mutex_unlock(&world->lock);
    world->proxy = chaos_proxy_start(world->server.port, seed + 1);
    return world;
}

void chaos_world_rage(chaos_world_t *world)
{
    enter(world, RAGING);
}

void chaos_world_calm(chaos_world_t *world)
{
    enter(world, CALMING);
}

bool chaos_world_is_calm(chaos_world_t *world)
{
    return phase_of(world) == CALM;
}

void chaos_world_stop(chaos_world_t *world)
{
    enter(world, ENDING);
    uv_thread_join(&world->thread);
    chaos_proxy_stop(world->proxy);
    uv_cond_destroy(&world->changed);
    uv_mutex_destroy(&world->lock);
    free(world);
}

server_t chaos_world_server(const chaos_world_t *world)
{
    return world->server;
}

int chaos_world_proxy_port(const chaos_world_t *world)
{
    return chaos_proxy_port(world->proxy);
}

uint64_t chaos_world_accepted(chaos_world_t *world)
{
    return chaos_proxy_accepted(world->proxy);
}

uint64_t chaos_world_epoch(const chaos_world_t *world)
{
    return atomic_load(&world->epoch);
}

uint64_t chaos_world_back_ns(const chaos_world_t *world, uint64_t *away_ms)
{
    const uint64_t since = atomic_load(&world->back_ns);
    *away_ms = atomic_load(&world->away_ms);
    return since;
}

const char *chaos_world_trouble(const chaos_world_t *world)
{
    return world->trouble[0] ? world->trouble : NULL;
}

void chaos_world_print(const chaos_world_t *world)
{
    for (unsigned i = 0; i < FAULT_COUNT; i++)
        printf("  %-26s %6u\n", faults[i].name, world->counts[i]);
}
