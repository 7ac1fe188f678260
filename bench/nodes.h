/* The masters of a Redis Cluster of one's own, on loopback ports, without replicas; they share the
 * slots in even ranges. Redis >= 7.0 or Valkey. All calls block. */
#ifndef CAIRN_BENCH_NODES_H
#define CAIRN_BENCH_NODES_H

#include "server.h"

enum {
    NODES_MAX = 8
};

typedef struct nodes {
    server_t servers[NODES_MAX];
    char bus_ports[NODES_MAX][8];
    char *args[NODES_MAX][8]; /* that servers[] borrow */
    unsigned count;
    char url[256];   /* redis+cluster://... */
    char error[512]; /* of nodes_start, as one sentence */
} nodes_t;

/* Once every node serves, which takes some 2 s: a master refuses to for its first two. `options`
 * are those of each; may be NULL. 0, or -1 with nodes->error set and nothing left to stop. */
int nodes_start(nodes_t *nodes, unsigned masters, const server_options_t *options);
void nodes_stop(nodes_t *nodes);

/* Until every node serves, one that was started again too. 0 or -1. */
int nodes_await(nodes_t *nodes);

/* The same command to each. 0 or -1. */
int nodes_tell(nodes_t *nodes, const char *command);

/* nodes_move.c: `count` slots from `first` on, of one node, go to another, one after the other with
 * all their keys. May be called in a thread of its own. 0 or -1 with nodes->error. */
int nodes_move(nodes_t *nodes, unsigned first, unsigned count, unsigned from, unsigned to);

#endif
