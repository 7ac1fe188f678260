/* Scripted servers that play nodes of a cluster: honest until they are told what to say.
 *
 *     scripted_cluster_t *cluster = scripted_cluster_of(&world, 2);
 *     scripted_always(&cluster->nodes[0], "GET", scripted_moved(cluster, 12182, "", port_of_1));
 *
 * Without instructions each owns an even range of the slots, says so to CLUSTER SHARDS and CLUSTER
 * SLOTS, greets as a node of a cluster, says OK to ASKING and READONLY, and answers everything else
 * as a scripted server does, whatever the slot. */
#ifndef TESTS_SUPPORT_SCRIPTED_CLUSTER_H
#define TESTS_SUPPORT_SCRIPTED_CLUSTER_H

#include "scripted.h"

enum {
    SCRIPTED_NODES_MAX = 8
};

typedef struct scripted_text scripted_text_t;

typedef struct scripted_cluster {
    scripted_t nodes[SCRIPTED_NODES_MAX];
    int count;
    char url[256]; /* of all nodes */
    scripted_text_t *texts;
} scripted_cluster_t;

/* One master and what it is said to own. */
typedef struct scripted_shard {
    const char *slots;  /* "0-99 150", or anything else of that form, true or not */
    const char *host;   /* NULL: 127.0.0.1; "": said to be unknown */
    int port;           /* 0: that of the node of the same number */
    const char *id;     /* NULL: one of its own */
    const char *health; /* NULL: online */
} scripted_shard_t;

void scripted_cluster_open(scripted_cluster_t *cluster, uv_loop_t *loop, int nodes);

/* As scripted_close; then no text of it is good any more. */
void scripted_cluster_close(scripted_cluster_t *cluster);

/* One that the world's handles connect to, and that goes with the world. */
scripted_cluster_t *scripted_cluster_of(world_t *world, int nodes);

/* The map that `node` gives from now on, by CLUSTER SHARDS and CLUSTER SLOTS. */
void scripted_cluster_say(scripted_cluster_t *cluster, int node, const scripted_shard_t *shards,
                          int count);

/* "-MOVED slot host:port\r\n" and the same with ASK, to give to scripted_once and scripted_always.
 */
const char *scripted_moved(scripted_cluster_t *cluster, unsigned slot, const char *host, int port);
const char *scripted_ask(scripted_cluster_t *cluster, unsigned slot, const char *host, int port);

/* Two nodes that send every such command, of any slot, to each other for ever. */
void scripted_moved_loop(scripted_cluster_t *cluster, const char *command, unsigned slot, int a,
                         int b);
void scripted_ask_loop(scripted_cluster_t *cluster, const char *command, unsigned slot, int a,
                       int b);

#endif
