/* A cluster for tests of the store, and what it must be like. */
#ifndef TESTS_CONFORMANCE_STORE_CLUSTER_H
#define TESTS_CONFORMANCE_STORE_CLUSTER_H

#include "cluster_suite.h"
#include "store_client.h"

extern cluster_t store_cluster;

/* Three masters without replicas. Sets store_backend. */
void store_cluster_start(void);
void store_cluster_stop(void);

/* The same as the program's arguments say (cluster_suite.h). */
void store_cluster_start_as(int argc, char **argv);

/* As cluster_url, but saying that it is one. Good for seven more calls. */
const char *store_cluster_url(const char *rest);

void store_cluster_clear(void);

/* Nothing is left but names in the directory, which stay for an hour. */
void store_cluster_assert_empty(void);

/* How many names there are in it. */
size_t store_cluster_names(void);

/* As if all of them had been registered long ago. */
void store_cluster_age_names(void);

/* As if all of them were to end then. */
void store_cluster_expire_names(int64_t ms);

/* The longest that any of it is going to stay, in ms; -1: for ever; -2: there is nothing. */
int64_t store_cluster_names_ttl(void);

/* The node that has that shard of the directory. */
int store_cluster_node_of_shard(unsigned shard);

#endif
