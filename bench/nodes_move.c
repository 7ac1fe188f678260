#include "nodes.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEYS_AT_ONCE = 100,
    MIGRATE_MS = 5000
};

typedef struct end {
    redisContext *link;
    char id[64];
} end_t;

typedef struct move {
    nodes_t *nodes;
    end_t from, to;
    char to_port[8];
} move_t;

static int fail(move_t *move, const char *what, const char *why)
{
    snprintf(move->nodes->error, sizeof move->nodes->error, "moving slots: %.100s: %.300s", what,
             why);
    return -1;
}

/* NULL: it failed. */
static redisReply *checked(move_t *move, const end_t *end, redisReply *reply, const char *what)
{
    if (reply && reply->type != REDIS_REPLY_ERROR) return reply;
    (void)fail(move, what, reply ? reply->str : end->link->errstr);
    if (reply) freeReplyObject(reply);
    return NULL;
}

static int set_slot(move_t *move, const end_t *end, unsigned slot, const char *how,
                    const end_t *other)
{
    redisReply *reply = redisCommand(end->link, "CLUSTER SETSLOT %u %s %s", slot, how, other->id);
    reply = checked(move, end, reply, how);
    if (!reply) return -1;
    freeReplyObject(reply);
    return 0;
}

static int migrate(move_t *move, const redisReply *keys)
{
    enum {
        BEFORE = 7
    };
    char ms[16];
    const char *argv[BEFORE + KEYS_AT_ONCE] = {"MIGRATE", "127.0.0.1", move->to_port, "",
                                               "0",       ms,          "KEYS"};
    size_t lens[BEFORE + KEYS_AT_ONCE];
    snprintf(ms, sizeof ms, "%d", MIGRATE_MS);
    for (size_t i = 0; i < BEFORE; i++) lens[i] = strlen(argv[i]);
    for (size_t i = 0; i < keys->elements; i++) {
        argv[BEFORE + i] = keys->element[i]->str;
        lens[BEFORE + i] = keys->element[i]->len;
    }
    redisReply *reply = redisCommandArgv(move->from.link, BEFORE + (int)keys->elements, argv, lens);
    reply = checked(move, &move->from, reply, "MIGRATE");
    if (!reply) return -1;
    freeReplyObject(reply);
    return 0;
}

/* How many keys went; -1: it failed. */
static int move_keys(move_t *move, unsigned slot)
{
    redisReply *keys =
        redisCommand(move->from.link, "CLUSTER GETKEYSINSLOT %u %d", slot, KEYS_AT_ONCE);
    keys = checked(move, &move->from, keys, "GETKEYSINSLOT");
    if (!keys) return -1;
    const int count = (int)keys->elements;
    const int rc = count > 0 ? migrate(move, keys) : 0;
    freeReplyObject(keys);
    return rc < 0 ? -1 : count;
}

static int move_slot(move_t *move, unsigned slot)
{
    int rc = set_slot(move, &move->to, slot, "IMPORTING", &move->from);
    if (rc == 0) rc = set_slot(move, &move->from, slot, "MIGRATING", &move->to);
    while (rc == 0) {
        const int moved = move_keys(move, slot);
        if (moved < 0) rc = -1;
        if (moved <= 0) break;
    }
    /* The new owner first: should this end between the two, one of them still has the slot. */
    if (rc == 0) rc = set_slot(move, &move->to, slot, "NODE", &move->to);
    if (rc == 0) rc = set_slot(move, &move->from, slot, "NODE", &move->to);
    return rc;
}

static int open_end(move_t *move, end_t *end, unsigned node)
{
    end->link = redisConnectUnix(move->nodes->servers[node].unix_path);
    if (!end->link || end->link->err)
        return fail(move, "connecting", end->link ? end->link->errstr : "out of memory");
    redisReply *id = checked(move, end, redisCommand(end->link, "CLUSTER MYID"), "MYID");
    if (!id) return -1;
    snprintf(end->id, sizeof end->id, "%s", id->str);
    freeReplyObject(id);
    return 0;
}

int nodes_move(nodes_t *nodes, unsigned first, unsigned count, unsigned from, unsigned to)
{
    move_t move = {.nodes = nodes};
    snprintf(move.to_port, sizeof move.to_port, "%d", nodes->servers[to].port);
    int rc = open_end(&move, &move.from, from);
    if (rc == 0) rc = open_end(&move, &move.to, to);
    for (unsigned slot = first; slot < first + count && rc == 0; slot++)
        rc = move_slot(&move, slot);
    if (move.from.link) redisFree(move.from.link);
    if (move.to.link) redisFree(move.to.link);
    return rc;
}
