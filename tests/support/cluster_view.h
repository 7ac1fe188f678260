/* What one node of a test's cluster says of all. Private to cluster*.c. */
#ifndef TESTS_SUPPORT_CLUSTER_VIEW_H
#define TESTS_SUPPORT_CLUSTER_VIEW_H

#include "cluster.h"

enum {
    CLUSTER_SLOTS = 16384,
    CLUSTER_NOBODY = -1
};

typedef struct cluster_seen {
    bool known; /* and not merely being met */
    bool failed;
    bool replica;
    int master; /* of a replica */
} cluster_seen_t;

typedef struct cluster_view {
    bool serves; /* cluster_state:ok */
    cluster_seen_t nodes[CLUSTER_NODES_MAX];
    signed char owner[CLUSTER_SLOTS];
} cluster_view_t;

/* False if it does not answer. */
bool cluster_view_read(cluster_t *cluster, int node, cluster_view_t *view);

/* As cluster_command, NULL if there is no answer. */
struct redisReply *cluster_try(cluster_t *cluster, int node, const char *format, ...);

typedef struct cluster_wish {
    cluster_t *cluster;
    unsigned slot;
    int node;
    int port;
} cluster_wish_t;

typedef bool cluster_condition_t(cluster_wish_t *wish);

/* Polls. False if it did not come to be in time. */
bool cluster_await(cluster_wish_t *wish, cluster_condition_t *is_so);
bool cluster_await_for(cluster_wish_t *wish, cluster_condition_t *is_so, unsigned patience_ms);

/* Every running node knows every other. */
bool cluster_all_known(cluster_wish_t *wish);
bool cluster_all_serve(cluster_wish_t *wish);
bool cluster_is_whole(cluster_wish_t *wish);

/* wish->node is the owner of wish->slot, for all. */
bool cluster_all_say_owner(cluster_wish_t *wish);

#endif
