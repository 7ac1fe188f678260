#include "chaos_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    FORGOTTEN_MS = 300,
    FLOOD_COMMANDS = 4000,
    FLOOD_BYTES = 1000,
    HANDSHAKE_MS = 1500 /* no attempt to connect lasts longer, times pace */
};

/* ---- faults of the server ---- */

static void crash(chaos_world_t *world)
{
    inside_kill_and_restart(world, inside_roll(world, 0, 400));
}

static void outage(chaos_world_t *world)
{
    inside_kill_and_restart(world, inside_roll(world, 1500, 3000));
}

static void stop(chaos_world_t *world)
{
    server_pause(&world->server);
    inside_away(world);
    inside_linger(world, inside_roll(world, 50, 1500));
    server_resume(&world->server);
    inside_back(world);
}

static void client_pause(chaos_world_t *world)
{
    char command[64];
    snprintf(command, sizeof command, "CLIENT PAUSE %u %s", inside_roll(world, 20, 800),
             inside_roll(world, 0, 1) ? "ALL" : "WRITE");
    inside_ask(world, command);
}

void chaos_client_kill(chaos_world_t *world)
{
    if (world->kept == CHAOS_CLUSTERED) {
        chaos_nodes_tell(&world->cluster, "CLIENT KILL TYPE normal SKIPME yes");
        chaos_nodes_tell(&world->cluster, "CLIENT KILL TYPE pubsub");
        atomic_fetch_add(&world->epoch, 1);
        return;
    }
    if (inside_ask(world, "CLIENT KILL TYPE normal SKIPME yes") &&
        inside_ask(world, "CLIENT KILL TYPE pubsub"))
        atomic_fetch_add(&world->epoch, 1);
}

static void squeeze(chaos_world_t *world)
{
    inside_ask(world, "CONFIG SET maxmemory 1");
    inside_linger(world, inside_roll(world, 100, 800));
    inside_ask(world, "CONFIG SET maxmemory 0");
}

/* A transaction whose script is unknown is carried out but for that, and then again. Should the
 * server fail in between, it is a half: so it is left alone for that long. */
static void forget_scripts(chaos_world_t *world)
{
    inside_ask(world, "SCRIPT FLUSH");
    inside_linger(world, FORGOTTEN_MS);
}

/* Many large commands at once, some of which keep the server busy, from somebody who is slow to
 * read. */
static void flood(chaos_world_t *world)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, world->server.unix_path, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        inside_fail(world, "cannot connect to flood the server");
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
    inside_linger(world, inside_roll(world, 50, 500));
    close(fd);
}

/* ---- faults of the network ---- */

static const chaos_order_t heal = {.spoil = CHAOS_HEAL};

void chaos_order_all(chaos_world_t *world, const chaos_order_t *order)
{
    for (int i = 0; i < CHAOS_WAYS; i++) {
        if (world->proxies[i]) chaos_proxy_order(world->proxies[i], order);
    }
}

static void spoil(chaos_world_t *world, const chaos_order_t *order, uint64_t ms)
{
    chaos_order_all(world, order);
    inside_linger(world, ms);
    chaos_order_all(world, &heal);
}

static void cut(chaos_world_t *world)
{
    const chaos_order_t order = {.spoil = CHAOS_CUT, .one_in = inside_roll(world, 1, 3)};
    spoil(world, &order, 0);
}

static void reset(chaos_world_t *world)
{
    const chaos_order_t order = {.spoil = CHAOS_RESET, .one_in = inside_roll(world, 1, 3)};
    spoil(world, &order, 0);
}

static void tear_replies(chaos_world_t *world)
{
    const chaos_order_t order = {.spoil = CHAOS_TEAR,
                                 .amount = inside_roll(world, 1, 3000),
                                 .one_in = inside_roll(world, 1, 2),
                                 .replies = true,
                                 .newcomers = inside_roll(world, 0, 1)};
    spoil(world, &order, inside_roll(world, 20, 400));
}

static void tear_requests(chaos_world_t *world)
{
    const chaos_order_t order = {.spoil = CHAOS_TEAR,
                                 .amount = inside_roll(world, 1, 6000),
                                 .one_in = inside_roll(world, 1, 2),
                                 .requests = true,
                                 .newcomers = inside_roll(world, 0, 1)};
    spoil(world, &order, inside_roll(world, 20, 400));
}

static void stall(chaos_world_t *world)
{
    const uint32_t which = inside_roll(world, 1, 3);
    const chaos_order_t order = {.spoil = CHAOS_STALL,
                                 .one_in = inside_roll(world, 1, 2),
                                 .requests = which & 1,
                                 .replies = which & 2,
                                 .newcomers = inside_roll(world, 0, 1)};
    spoil(world, &order, inside_roll(world, 100, 2500));
}

static void delay(chaos_world_t *world)
{
    const chaos_order_t order = {.spoil = CHAOS_DELAY,
                                 .amount = inside_roll(world, 5, 200),
                                 .one_in = inside_roll(world, 1, 2),
                                 .requests = true,
                                 .replies = true,
                                 .newcomers = true};
    spoil(world, &order, inside_roll(world, 200, 1500));
}

static void throttle(chaos_world_t *world)
{
    const chaos_order_t order = {.spoil = CHAOS_THROTTLE,
                                 .amount = inside_roll(world, 10, 2000),
                                 .one_in = inside_roll(world, 1, 2),
                                 .requests = true,
                                 .replies = true,
                                 .newcomers = true};
    spoil(world, &order, inside_roll(world, 200, 1500));
}

static void refuse(chaos_world_t *world)
{
    const chaos_order_t all = {.spoil = CHAOS_RESET};
    const chaos_order_t order = {.spoil = CHAOS_REFUSE, .newcomers = true};
    chaos_order_all(world, &order);
    spoil(world, &all, inside_roll(world, 50, 1000));
}

/* Unlike a stalled proxy, this is noticed by nobody's kernel: packets go, and nothing comes. */
static void unplug(chaos_world_t *world)
{
    if (!chaos_space_pull(world->space)) inside_fail(world, "the cable cannot be pulled");
    inside_linger(world, inside_roll(world, 100, 2500));
    if (!chaos_space_plug(world->space)) inside_fail(world, "the cable cannot be plugged in again");
}

/* ---- failovers ---- */

void chaos_take_master(chaos_world_t *world)
{
    world->server = world->watch.master->server;
}

static void replace_master(chaos_world_t *world, chaos_end_t how)
{
    chaos_watch_t *watch = &world->watch;
    if (!chaos_watch_end_master(watch, how)) {
        inside_fail(world, "%s", watch->trouble);
        return;
    }
    inside_away(world);
    inside_linger(world, inside_roll(world, 0, 1000));
    const bool followed = chaos_watch_follow(watch);
    atomic_fetch_add(&world->epoch, 1);
    if (followed) inside_back(world);
    if (followed) inside_linger(world, inside_roll(world, 0, 500));
    if (!followed || !chaos_watch_mend(watch)) inside_fail(world, "%s", watch->trouble);
    chaos_take_master(world);
}

static void kill_master(chaos_world_t *world)
{
    replace_master(world, CHAOS_KILLED);
}

static void stop_master(chaos_world_t *world)
{
    replace_master(world, CHAOS_STOPPED);
}

static void mend(chaos_world_t *world)
{
    if (!chaos_watch_mend(&world->watch)) inside_fail(world, "%s", world->watch.trouble);
    chaos_take_master(world);
}

static void kill_sentinel(chaos_world_t *world)
{
    server_kill(&world->watch.trio.sentinels[inside_roll(world, 0, SENTINELS - 1)].server);
    inside_linger(world, inside_roll(world, 50, 1500));
    mend(world);
}

static void kill_replica(chaos_world_t *world)
{
    redis_t *server = &world->watch.trio.servers[inside_roll(world, 0, SENTINEL_SERVERS - 1)];
    if (server == world->watch.master) return;
    server_kill(&server->server);
    inside_linger(world, inside_roll(world, 50, 500));
    mend(world);
}

/* ---- of a cluster ---- */

enum {
    NODE_SLOTS = 16384,
    MOVED_MOST = 120
};

void chaos_take_node(chaos_world_t *world, int node)
{
    world->server = world->cluster.nodes[node].redis.server;
}

static int some_node(chaos_world_t *world)
{
    return chaos_nodes_master(&world->cluster, inside_roll(world, 0, NODE_SLOTS - 1));
}

static void crash_node(chaos_world_t *world)
{
    chaos_nodes_crash(&world->cluster, some_node(world));
}

static void replace_node(chaos_world_t *world)
{
    const int node = some_node(world);
    chaos_nodes_replace(&world->cluster, node);
    inside_linger(world, inside_roll(world, 0, 1000));
    chaos_nodes_restore(&world->cluster, node);
}

static void swap_node(chaos_world_t *world)
{
    chaos_nodes_swap(&world->cluster, some_node(world));
}

static void stop_node(chaos_world_t *world)
{
    const int node = some_node(world);
    cluster_pause(&world->cluster, node);
    inside_linger(world, inside_roll(world, 50, 1200));
    cluster_resume(&world->cluster, node);
}

static void move_slots(chaos_world_t *world)
{
    const unsigned first = inside_roll(world, 0, NODE_SLOTS - 1);
    chaos_nodes_move(&world->cluster, first, inside_roll(world, 1, MOVED_MOST), some_node(world));
}

/* ---- certificates ---- */

static uint64_t pace(void)
{
    const char *text = getenv("CAIRN_CHAOS_PACE");
    return text && *text ? strtoull(text, NULL, 10) : 1;
}

static void issue_server(chaos_world_t *world)
{
    certs_replace_by_both(&world->certs, "serving.pem",
                          world->by_strangers ? "stranger.pem" : "server.pem",
                          world->by_strangers ? "stranger.key" : "server.key");
}

static void issue_client(chaos_world_t *world)
{
    certs_replace(&world->certs, "trusted.pem", world->by_strangers ? "stranger-ca.pem" : "ca.pem");
    certs_replace_by_both(&world->certs, "mine.pem",
                          world->by_strangers ? "stranger-client.pem" : "client.pem",
                          world->by_strangers ? "stranger-client.key" : "client.key");
}

/* As it is done where nothing may fail: first clients trust both issuers; when none is left that
 * knew but one, the server has its new certificate; when none is left that was shown the old one,
 * clients trust the new issuer alone, and have certificates by it. Who does not read its files
 * again is shut out for good. */
static void rotate(chaos_world_t *world)
{
    char command[256];
    certs_replace_by_both(&world->certs, "trusted.pem", "ca.pem", "stranger-ca.pem");
    inside_linger(world, HANDSHAKE_MS * pace());
    if (inside_phase_of(world) != RAGING) return;
    world->by_strangers = !world->by_strangers;
    issue_server(world);
    snprintf(command, sizeof command, "CONFIG SET tls-cert-file %s", world->options.tls_cert);
    inside_ask(world, command);
    if (inside_roll(world, 0, 1)) cut(world);
    inside_linger(world, HANDSHAKE_MS * pace());
    if (inside_phase_of(world) == RAGING) issue_client(world);
}

void chaos_make_certificates(chaos_world_t *world)
{
    certs_make(&world->certs);
    issue_server(world);
    issue_client(world);
    certs_replace_by_both(&world->certs, "both-cas.pem", "ca.pem", "stranger-ca.pem");
    world->options.tls_cert = world->options.tls_key = certs_path(&world->certs, "serving.pem");
    world->options.tls_ca = certs_path(&world->certs, "both-cas.pem");
    snprintf(world->tls, sizeof world->tls, "tls_ca_file=%s&tls_cert_file=%s",
             certs_path(&world->certs, "trusted.pem"), certs_path(&world->certs, "mine.pem"));
}

/* ---- all of them ---- */

/* A new one is a row here. */
const fault_t chaos_faults[] = {
    {"server killed, restarted", crash, ALONE, false},
    {"server away for seconds", outage, ALONE, false},
    {"server stopped (SIGSTOP)", stop, ALONE, false},
    {"CLIENT PAUSE", client_pause, ANY, false},
    {"CLIENT KILL", chaos_client_kill, ANY, false},
    {"out of memory", squeeze, ANY, true},
    {"SCRIPT FLUSH", forget_scripts, ANY, true},
    {"flooded", flood, ANY, false},
    {"connections cut", cut, ALONE, false},
    {"connections reset", reset, ALONE, false},
    {"replies torn", tear_replies, ALONE, false},
    {"requests torn", tear_requests, ALONE, false},
    {"stalled", stall, ALONE, false},
    {"delayed", delay, ALONE, false},
    {"throttled", throttle, ALONE, false},
    {"connections refused", refuse, ALONE, false},
    {"network unplugged", unplug, ALONE, false},
    {"certificates rotated", rotate, ALONE, false},
    {"master killed", kill_master, REPLICATED, false},
    {"master stopped (SIGSTOP)", stop_master, REPLICATED, false},
    {"sentinel killed", kill_sentinel, REPLICATED, false},
    {"replica killed", kill_replica, REPLICATED, false},
    {"node killed, restarted", crash_node, CLUSTERED, false},
    {"node killed, replaced", replace_node, CLUSTERED, false},
    {"CLUSTER FAILOVER", swap_node, CLUSTERED, false},
    {"node stopped (SIGSTOP)", stop_node, CLUSTERED, false},
    {"slots moved", move_slots, CLUSTERED, false},
};

const unsigned chaos_fault_count = sizeof chaos_faults / sizeof *chaos_faults;
_Static_assert(sizeof chaos_faults / sizeof *chaos_faults <= FAULTS_MOST,
               "more faults than counters");
