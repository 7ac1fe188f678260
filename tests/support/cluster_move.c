#include "cluster_view.h"

#include "check.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAILOVER_ATTEMPTS 6
#define FAILOVER_MS 10000

static void must(redisReply *reply, int node, const char *what)
{
    if (reply->type == REDIS_REPLY_ERROR) check_fail("%s, node %d: %s", what, node, reply->str);
    freeReplyObject(reply);
}

/* ---- a slot, step by step ---- */

static void set_slot(cluster_t *cluster, int node, unsigned slot, const char *how, int other)
{
    must(cluster_command(cluster, node, "CLUSTER SETSLOT %u %s %s", slot, how,
                         cluster->nodes[other].id),
         node, how);
}

static void begin(cluster_t *cluster, unsigned slot, int from, int to)
{
    set_slot(cluster, to, slot, "IMPORTING", from);
    set_slot(cluster, from, slot, "MIGRATING", to);
}

static void migrate_key(cluster_t *cluster, int from, int to, const char *key, size_t len)
{
    const char *password = cluster->options.password;
    const int port = cluster_port(cluster, to);
    redisReply *reply =
        password
            ? cluster_command(cluster, from, "MIGRATE 127.0.0.1 %d %b 0 10000 AUTH %s", port, key,
                              len, password)
            : cluster_command(cluster, from, "MIGRATE 127.0.0.1 %d %b 0 10000", port, key, len);
    must(reply, from, "MIGRATE");
}

static int move_keys(cluster_t *cluster, unsigned slot, int from, int to, int most)
{
    redisReply *keys = cluster_command(cluster, from, "CLUSTER GETKEYSINSLOT %u %d", slot, most);
    if (keys->type != REDIS_REPLY_ARRAY) check_fail("GETKEYSINSLOT: %s", keys->str);
    const int count = (int)keys->elements;
    for (int i = 0; i < count; i++)
        migrate_key(cluster, from, to, keys->element[i]->str, keys->element[i]->len);
    freeReplyObject(keys);
    return count;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp((*(redisReply *const *)a)->str, (*(redisReply *const *)b)->str);
}

redisReply *cluster_keys(cluster_t *cluster, unsigned slot)
{
    redisReply *keys = cluster_command(cluster, cluster_owner(cluster, slot),
                                       "CLUSTER GETKEYSINSLOT %u 1000", slot);
    if (keys->type != REDIS_REPLY_ARRAY) check_fail("GETKEYSINSLOT: %s", keys->str);
    qsort(keys->element, keys->elements, sizeof *keys->element, compare_keys);
    return keys;
}

void cluster_move_key(cluster_t *cluster, unsigned slot, int to, const char *key, size_t len)
{
    migrate_key(cluster, cluster_owner(cluster, slot), to, key, len);
}

/* The new owner first: should this end between the two, one of them still has the slot. */
static void finish(cluster_t *cluster, unsigned slot, int from, int to)
{
    set_slot(cluster, to, slot, "NODE", to);
    set_slot(cluster, from, slot, "NODE", to);
}

static void await_moved(cluster_t *cluster, unsigned slot, int to)
{
    cluster_wish_t wish = {.cluster = cluster, .slot = slot, .node = to};
    if (!cluster_await(&wish, cluster_all_say_owner))
        check_fail("not all know that slot %u is node %d's", slot, to);
}

void cluster_move_begin(cluster_t *cluster, unsigned slot, int to)
{
    begin(cluster, slot, cluster_owner(cluster, slot), to);
}

int cluster_move_keys(cluster_t *cluster, unsigned slot, int to, int most)
{
    return move_keys(cluster, slot, cluster_owner(cluster, slot), to, most);
}

void cluster_move_finish(cluster_t *cluster, unsigned slot, int to)
{
    finish(cluster, slot, cluster_owner(cluster, slot), to);
    await_moved(cluster, slot, to);
}

void cluster_move_cancel(cluster_t *cluster, unsigned slot, int to)
{
    const int nodes[] = {cluster_owner(cluster, slot), to};
    for (int i = 0; i < 2; i++)
        must(cluster_command(cluster, nodes[i], "CLUSTER SETSLOT %u STABLE", slot), nodes[i],
             "STABLE");
}

void cluster_move(cluster_t *cluster, unsigned first, unsigned last, int to)
{
    enum {
        AT_ONCE = 100
    };
    cluster_view_t view;
    cluster_owner(cluster, first); /* all agree: so any node's view will do */
    if (!cluster_view_read(cluster, to, &view)) check_fail("node %d does not answer", to);
    for (unsigned slot = first; slot <= last; slot++) {
        const int from = view.owner[slot];
        if (from == to) continue;
        if (from < 0) check_fail("nobody has slot %u", slot);
        begin(cluster, slot, from, to);
        while (move_keys(cluster, slot, from, to, AT_ONCE) > 0) continue;
        finish(cluster, slot, from, to);
    }
    await_moved(cluster, first, to);
    await_moved(cluster, last, to);
}

/* ---- failover ---- */

static unsigned slot_of_master(const cluster_view_t *view, int replica)
{
    const int master = view->nodes[replica].master;
    for (unsigned slot = 0; slot < CLUSTER_SLOTS && master >= 0; slot++)
        if (view->owner[slot] == master) return slot;
    check_fail("node %d follows no master that has slots", replica);
    return 0;
}

/* Asked again if nothing came of it: votes are lost, and masters busy, under load. */
void cluster_failover(cluster_t *cluster, int replica, const char *how)
{
    cluster_view_t view;
    if (!cluster_view_read(cluster, replica, &view)) check_fail("node %d does not answer", replica);
    cluster_wish_t wish = {.cluster = cluster, .node = replica};
    wish.slot = slot_of_master(&view, replica);
    for (int attempt = 0; attempt < FAILOVER_ATTEMPTS; attempt++) {
        redisReply *reply = how ? cluster_command(cluster, replica, "CLUSTER FAILOVER %s", how)
                                : cluster_command(cluster, replica, "CLUSTER FAILOVER");
        if (attempt == 0)
            must(reply, replica, "FAILOVER");
        else
            freeReplyObject(reply);
        if (cluster_await_for(&wish, cluster_all_say_owner, FAILOVER_MS)) return;
    }
    check_fail("node %d did not take over", replica);
}
