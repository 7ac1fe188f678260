#include "chaos_inside.h"

#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    REWRITE_MS = 20000
};

static const chaos_order_t heal = {.spoil = CHAOS_HEAL};

void inside_fail(chaos_world_t *world, const char *format, ...)
{
    if (world->trouble[0]) return;
    va_list args;
    va_start(args, format);
    vsnprintf(world->trouble, sizeof world->trouble, format, args);
    va_end(args);
}

uint32_t inside_roll(chaos_world_t *world, uint32_t from, uint32_t to)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return from + (uint32_t)((world->random >> 11) % (to - from + 1));
}

/* ---- what faults are made of ---- */

phase_t inside_phase_of(chaos_world_t *world)
{
    uv_mutex_lock(&world->lock);
    const phase_t phase = world->phase;
    uv_mutex_unlock(&world->lock);
    return phase;
}

/* For so long, or until calm is asked for. */
void inside_linger(chaos_world_t *world, uint64_t ms)
{
    const uint64_t deadline = uv_hrtime() + ms * 1000000;
    uv_mutex_lock(&world->lock);
    uint64_t now;
    while (world->phase == RAGING && (now = uv_hrtime()) < deadline)
        uv_cond_timedwait(&world->changed, &world->lock, deadline - now);
    uv_mutex_unlock(&world->lock);
}

bool inside_ask(chaos_world_t *world, const char *command)
{
    char reply[256];
    if (server_ask(&world->server, command, reply, sizeof reply) == 0) return true;
    inside_fail(world, "%s: %s", command, world->server.error);
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
    inside_ask(world, "BGREWRITEAOF");
    while (!says(world, "aof_rewrite_in_progress:0") || !says(world, "aof_rewrite_scheduled:0")) {
        if (uv_hrtime() > deadline) {
            inside_fail(world, "the server does not rewrite its log");
            return;
        }
        usleep(2000);
    }
    if (!says(world, "aof_last_bgrewrite_status:ok"))
        inside_fail(world, "the log was not rewritten");
}

void inside_away(chaos_world_t *world)
{
    atomic_store(&world->away_ms, uv_hrtime() / 1000000);
    atomic_store(&world->back_ns, 0);
}

void inside_back(chaos_world_t *world)
{
    const uint64_t now = uv_hrtime();
    atomic_store(&world->away_ms, now / 1000000 - atomic_load(&world->away_ms));
    atomic_store(&world->back_ns, now);
}

void inside_kill_and_restart(chaos_world_t *world, uint64_t down_ms)
{
    server_kill(&world->server);
    atomic_fetch_add(&world->epoch, 1);
    inside_away(world);
    inside_linger(world, down_ms);
    if (server_restart(&world->server) < 0) {
        inside_fail(world, "restart: %s", world->server.error);
        return;
    }
    inside_back(world);
    if (world->kept == CHAOS_ON_DISK) forget_what_was_cut(world);
}

/* ---- one after the other ---- */

static unsigned draw(chaos_world_t *world)
{
    if (world->left == 0) {
        world->left = chaos_fault_count;
        for (unsigned i = 0; i < chaos_fault_count; i++) world->deck[i] = i;
    }
    const unsigned at = inside_roll(world, 0, world->left - 1);
    const unsigned drawn = world->deck[at];
    world->deck[at] = world->deck[--world->left];
    return drawn;
}

static bool is_wanted(const chaos_world_t *world, const fault_t *fault)
{
    const char *only = getenv("CAIRN_CHAOS_ONLY");
    if (only && !strstr(fault->name, only)) return false;
    const suited_t here = world->kept == CHAOS_REPLICATED  ? REPLICATED
                          : world->kept == CHAOS_CLUSTERED ? CLUSTERED
                                                           : ALONE;
    if (fault->suited != ANY && fault->suited != here) return false;
    if (strcmp(fault->name, "network unplugged") == 0 && !world->space) return false;
    return !fault->interrupts || world->interrupts;
}

/* Some faults come over a slow network, where more is on its way when they do. */
static void let_happen(chaos_world_t *world, const fault_t *fault)
{
    const chaos_order_t slow = {.spoil = CHAOS_DELAY,
                                .amount = inside_roll(world, 5, 40),
                                .one_in = inside_roll(world, 1, 3),
                                .requests = true,
                                .replies = inside_roll(world, 0, 1),
                                .newcomers = true};
    if (world->kept == CHAOS_CLUSTERED)
        chaos_take_node(world, chaos_nodes_master(&world->cluster, inside_roll(world, 0, 16383)));
    if (inside_roll(world, 0, 2) == 0) {
        chaos_order_all(world, &slow);
        inside_linger(world, inside_roll(world, 0, 100));
    }
    fault->happen(world);
    chaos_order_all(world, &heal);
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
    if (world->kept == CHAOS_REPLICATED) {
        chaos_watch_start(&world->watch);
        chaos_take_master(world);
        return;
    }
    if (world->kept == CHAOS_CLUSTERED) {
        chaos_nodes_start(&world->cluster);
        chaos_take_node(world, 0);
        return;
    }
    world->options.args = world->kept == CHAOS_ON_DISK ? args : NULL;
    chaos_make_certificates(world);
    if (server_start(&world->server, &world->options) == 0) return;
    fprintf(stderr, "no server to test with: %s\n", world->server.error);
    exit(1);
}

static void stop_server(chaos_world_t *world)
{
    if (world->kept == CHAOS_REPLICATED)
        chaos_watch_stop(&world->watch);
    else if (world->kept == CHAOS_CLUSTERED)
        cluster_stop(&world->cluster);
    else
        server_stop(&world->server);
}

static void end_all_connections(chaos_world_t *world)
{
    if (world->kept == CHAOS_REPLICATED || world->kept == CHAOS_CLUSTERED)
        chaos_client_kill(world);
    else
        inside_kill_and_restart(world, 0);
}

/* The server is this thread's: it ends when its thread does. */
static void run(void *arg)
{
    chaos_world_t *world = arg;
    chaos_no_sigpipe();
    check_outside();
    start_server(world);
    enter(world, CALM);
    for (;;) {
        wait_while_calm(world);
        while (inside_phase_of(world) == RAGING) {
            const unsigned drawn = draw(world);
            if (!is_wanted(world, &chaos_faults[drawn])) {
                inside_linger(world, 1);
                continue;
            }
            let_happen(world, &chaos_faults[drawn]);
            world->counts[drawn]++;
            inside_linger(world, inside_roll(world, 0, 500));
        }
        if (inside_phase_of(world) == ENDING) break;
        end_all_connections(world);
        enter(world, CALM);
    }
    stop_server(world);
}

/* ---- from the other threads ---- */

static void start_proxies(chaos_world_t *world, uint64_t seed)
{
    char reason[128];
    const server_t *server = &world->server;
    world->space = chaos_space_open(reason, sizeof reason);
    if (!world->space) printf("no cable to pull here: %s\n", reason);
    world->proxies[CHAOS_PROXIED] = chaos_proxy_start(server->port, seed + 1, NULL);
    world->proxies[CHAOS_SECURE] = chaos_proxy_start(server->tls_port, seed + 2, NULL);
    world->proxies[CHAOS_FAR] = chaos_proxy_start(server->port, seed + 3, world->space);
}

chaos_world_t *chaos_world_start(uint64_t seed, chaos_kept_t kept)
{
    chaos_world_t *world = calloc(1, sizeof *world);
    if (!world) abort();
    world->kept = kept;
    world->random = seed * 0x9e3779b97f4a7c15u | 1;
    if (uv_mutex_init(&world->lock) != 0 || uv_cond_init(&world->changed) != 0 ||
        uv_thread_create(&world->thread, run, world) != 0)
        abort();
    uv_mutex_lock(&world->lock);
    while (world->phase == STARTING) uv_cond_wait(&world->changed, &world->lock);
    uv_mutex_unlock(&world->lock);
    if (kept != CHAOS_REPLICATED && kept != CHAOS_CLUSTERED) start_proxies(world, seed);
    return world;
}

void chaos_world_rage(chaos_world_t *world, bool interrupts)
{
    world->interrupts = interrupts; /* its thread waits */
    enter(world, RAGING);
}

void chaos_world_calm(chaos_world_t *world)
{
    enter(world, CALMING);
}

bool chaos_world_is_calm(chaos_world_t *world)
{
    return inside_phase_of(world) == CALM;
}

void chaos_world_stop(chaos_world_t *world)
{
    enter(world, ENDING);
    uv_thread_join(&world->thread);
    for (int i = 0; i < CHAOS_WAYS; i++) {
        if (world->proxies[i]) chaos_proxy_stop(world->proxies[i]);
    }
    chaos_space_close(world->space);
    if (world->certs.folder[0]) certs_remove(&world->certs);
    uv_cond_destroy(&world->changed);
    uv_mutex_destroy(&world->lock);
    free(world);
}

server_t chaos_world_server(const chaos_world_t *world)
{
    return world->server;
}

bool chaos_world_clear(chaos_world_t *world)
{
    char reply[64];
    if (world->kept == CHAOS_CLUSTERED) {
        chaos_nodes_tell_masters(&world->cluster, "FLUSHALL");
        return true;
    }
    return server_ask(&world->server, "FLUSHALL", reply, sizeof reply) == 0;
}

/* Every node has its port for as long as the world lasts. */
static void where_nodes_are(const chaos_world_t *world, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "redis+cluster://");
    for (int i = 0; i < world->cluster.count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s127.0.0.1:%d", i > 0 ? "," : "",
                                 world->cluster.nodes[i].redis.server.port);
    if (used < size) snprintf(out + used, size - used, "?");
}

void chaos_world_where(const chaos_world_t *world, chaos_way_t way, char *out, size_t size)
{
    if (world->kept == CHAOS_CLUSTERED)
        where_nodes_are(world, out, size);
    else if (world->kept == CHAOS_REPLICATED)
        snprintf(out, size, "redis+sentinel://%s?", world->watch.where);
    else if (way == CHAOS_CLEAN)
        snprintf(out, size, "unix://%s?", world->server.unix_path);
    else if (way == CHAOS_STRAIGHT)
        snprintf(out, size, "redis://127.0.0.1:%d?", world->server.port);
    else if (way == CHAOS_SECURE)
        snprintf(out, size, "rediss://%s?%s&", chaos_proxy_where(world->proxies[way]), world->tls);
    else
        snprintf(out, size, "redis://%s?", chaos_proxy_where(world->proxies[way]));
}

uint64_t chaos_world_accepted(chaos_world_t *world)
{
    uint64_t accepted = 0;
    for (int i = 0; i < CHAOS_WAYS; i++) {
        if (world->proxies[i]) accepted += chaos_proxy_accepted(world->proxies[i]);
    }
    return accepted;
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
    for (unsigned i = 0; i < chaos_fault_count; i++) {
        if (world->counts[i] > 0) printf("  %-26s %6u\n", chaos_faults[i].name, world->counts[i]);
    }
}
