/* A cluster of three masters with a replica each that write everything to disk before they answer:
 * nodes are killed and replaced, and slots move, whatever is in them. In the thread that started
 * it; what should not be so ends the program.
 *
 * Replication is asynchronous, and a node that is to end ends when its replica has all that it
 * acknowledged: at any other moment Redis itself may lose the last of it. */
#ifndef TESTS_CHAOS_NODES_H
#define TESTS_CHAOS_NODES_H

#include "cluster.h"

#include <stdbool.h>
#include <stdint.h>

void chaos_nodes_start(cluster_t *cluster);

/* A master that has slots; `roll` is any number. */
int chaos_nodes_master(cluster_t *cluster, uint64_t roll);

/* Killed when its replica has everything, and started again before anybody misses it. */
void chaos_nodes_crash(cluster_t *cluster, int node);

/* The same, but it stays away until its replica has taken over. Then it follows that. */
void chaos_nodes_replace(cluster_t *cluster, int node);
void chaos_nodes_restore(cluster_t *cluster, int node);

/* Its replica asks for its place. */
void chaos_nodes_swap(cluster_t *cluster, int node);

/* So many slots from `first` on, one after the other. */
void chaos_nodes_move(cluster_t *cluster, unsigned first, unsigned count, int to);

/* One command to each that runs. */
void chaos_nodes_tell(cluster_t *cluster, const char *command);

/* One command to each master. */
void chaos_nodes_tell_masters(cluster_t *cluster, const char *command);

#endif
