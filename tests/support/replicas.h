/* Of a real cluster: which of its nodes are read from, and replicas that stay behind. */
#ifndef TESTS_SUPPORT_REPLICAS_H
#define TESTS_SUPPORT_REPLICAS_H

#include "cluster.h"

/* Removes everything; replicas have caught up. */
void replicas_clear(cluster_t *cluster);

/* What nodes have counted is forgotten. */
void replicas_forget_reads(cluster_t *cluster);

unsigned long replicas_calls_at(cluster_t *cluster, int node, const char *command);

/* Commands that read what saver, store and streams keep, also those of scripts. */
unsigned long replicas_reads_at(cluster_t *cluster, int node);

/* Errors that a node has told, as "MOVED". */
unsigned long replicas_errors_at(cluster_t *cluster, int node, const char *word);

/* It loses its master, and goes on answering as things were then. */
void replicas_cut(cluster_t *cluster, int replica);

/* It finds it again, and all have caught up. */
void replicas_mend(cluster_t *cluster, int replica);

#endif
