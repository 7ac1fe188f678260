/* A real cluster on free loopback ports: masters that share the slots in even ranges, and their
 * replicas. Its nodes have numbers: first the masters, then the replicas, in the order of their
 * masters (of 3 x 1: 0 1 2, and 3 follows 0), then those that are added.
 *
 *     cluster_t cluster;
 *     cluster_start(&cluster, NULL);
 *     ... cluster_url(&cluster, NULL) ...
 *     cluster_move(&cluster, 0, 99, 1);
 *     cluster_kill(&cluster, cluster_owner(&cluster, 0));
 *     cluster_stop(&cluster);
 *
 * Redis >= 7.0 or Valkey. All calls block, with a deadline; what does not come to be fails the
 * test. Nothing is on disk but what nodes know of each other: one that was killed and is started
 * again knows its slots and has no keys, unless options.args say otherwise or a replica took over.
 */
#ifndef TESTS_SUPPORT_CLUSTER_H
#define TESTS_SUPPORT_CLUSTER_H

#include "redis.h"

enum {
    CLUSTER_NODES_MAX = 16,
    CLUSTER_ARGS_MAX = 48
};

typedef struct cluster_options {
    int masters;          /* 0: 3 */
    int replicas;         /* of each; 0: 1, less: none */
    int node_timeout_ms;  /* until a silent node is suspected; 0: 2000, less: failovers by load */
    bool partial;         /* serve what slots are covered, though not all are */
    const char *password; /* of the default user; NULL: none */
    const char *tls_cert; /* PEM files: nodes talk TLS to each other, and clients may; NULL: none */
    const char *tls_key;
    const char *tls_ca;
    char *const *args; /* more, of each node; NULL-terminated */
} cluster_options_t;

typedef struct cluster_node {
    redis_t redis;
    char id[41];
    bool member; /* false once it was removed */
    bool paused;
    int bus_port;
    char bus_text[16];
    char *args[CLUSTER_ARGS_MAX];
} cluster_node_t;

typedef struct cluster {
    cluster_node_t nodes[CLUSTER_NODES_MAX];
    int count;
    cluster_options_t options; /* what it points to is borrowed until cluster_stop */
    char timeout_text[16];
    char urls[8][1024];
    unsigned next_url;
} cluster_t;

/* Ready when every node says so and knows every other, and replicas follow. Ends the program with a
 * message if that cannot be. `options` may be NULL. Takes some 2.5 s: a master refuses to serve for
 * its first two. */
void cluster_start(cluster_t *cluster, const cluster_options_t *options);
void cluster_stop(cluster_t *cluster);

/* redis://[:password@]127.0.0.1:port,...[?rest], or rediss:// with the CA and "&rest": all nodes
 * that are running, or one. `rest` is parameters, as "db=0&timeout_ms=10", or NULL. Good for eight
 * more calls. */
const char *cluster_url(cluster_t *cluster, const char *rest);
const char *cluster_node_url(cluster_t *cluster, int node, const char *rest);

/* The port for clients of the kind that the URLs are for. */
int cluster_port(const cluster_t *cluster, int node);

/* ---- one node ---- */

/* As a crash would. */
void cluster_kill(cluster_t *cluster, int node);

/* The process again, on the same ports; awaits that it answers, not that others take it back. */
void cluster_restart(cluster_t *cluster, int node);

/* SIGSTOP and SIGCONT. */
void cluster_pause(cluster_t *cluster, int node);
void cluster_resume(cluster_t *cluster, int node);

bool cluster_is_running(const cluster_t *cluster, int node);

/* The reply to one command, words separated by blanks; fails the test if there is none or it is an
 * error. Good until the node's next. */
const char *cluster_ask(cluster_t *cluster, int node, const char *command);

/* The reply to any command, in hiredis' format, errors too; freeReplyObject is for the caller.
 * Fails the test if there is none. */
struct redisReply *cluster_command(cluster_t *cluster, int node, const char *format, ...);

/* Makes clients be told another port, of a proxy in front of it; 0: its own. All nodes that run say
 * so when it returns. */
void cluster_announce(cluster_t *cluster, int node, int port);

/* ---- all of them ---- */

/* Started, every node running, of every slot all say the same, every replica has caught up. */
void cluster_await_whole(cluster_t *cluster);

/* The master of a slot, once all nodes that run say the same, and it runs. */
int cluster_owner(cluster_t *cluster, unsigned slot);

/* The same once it is another than `old`, the cluster serves, and its master can be written to. */
int cluster_await_other(cluster_t *cluster, unsigned slot, int old);

/* Once all nodes that run say that the slot's master has failed, or that it has none; they refuse
 * everything then, or, with options.partial, serve the rest and say MOVED to the master that failed
 * (if it has none: "CLUSTERDOWN Hash slot not served"). */
void cluster_await_uncovered(cluster_t *cluster, unsigned slot);

/* A replica of the master that runs; fails the test if there is none. */
int cluster_replica_of(cluster_t *cluster, int master);

unsigned cluster_slot(const char *key);

/* A short hash tag, without braces, of that slot. */
typedef char cluster_tag_t[16];
const char *cluster_tag(cluster_tag_t out, unsigned slot);

/* ---- slots move ---- */

/* In steps, so that a test may stop between any two: from then on the owner says ASK for keys that
 * it does not have, and nothing more goes by itself. */
void cluster_move_begin(cluster_t *cluster, unsigned slot, int to);

/* Takes at most so many of its keys over; gives how many. */
int cluster_move_keys(cluster_t *cluster, unsigned slot, int to, int most);

/* The names of its keys, an array in their order; freeReplyObject is for the caller. */
struct redisReply *cluster_keys(cluster_t *cluster, unsigned slot);

/* Takes over that one. */
void cluster_move_key(cluster_t *cluster, unsigned slot, int to, const char *key, size_t len);

/* Makes `to` the owner; all nodes say so when it returns. What keys are left behind are lost. */
void cluster_move_finish(cluster_t *cluster, unsigned slot, int to);

/* Makes nobody give it up or take it. Keys that were taken over stay where they are. */
void cluster_move_cancel(cluster_t *cluster, unsigned slot, int to);

/* All steps, of slots first..last, one after the other. */
void cluster_move(cluster_t *cluster, unsigned first, unsigned last, int to);

/* ---- nodes change ---- */

/* CLUSTER FAILOVER to this replica; `how` is NULL, "FORCE" or "TAKEOVER". Awaits that all nodes
 * that run know. */
void cluster_failover(cluster_t *cluster, int replica, const char *how);

/* A new node that all others know, a master without slots that serves; gives its number. */
int cluster_add(cluster_t *cluster);

/* Makes it one that follows `master`, and awaits that it has caught up. */
void cluster_follow(cluster_t *cluster, int node, int master);

/* It ends, and all others forget it. It has no slots, and nobody follows it. */
void cluster_remove(cluster_t *cluster, int node);

#endif
