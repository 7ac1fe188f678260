/* The cluster of a suite's program, which runs twice: as it is, for plain RESP3; and with the
 * argument "tls", over TLS, with RESP2, and without being told that there is a cluster. */
#ifndef TESTS_SUPPORT_CLUSTER_SUITE_H
#define TESTS_SUPPORT_CLUSTER_SUITE_H

#include "cluster.h"

/* `options` say nothing of TLS. Ends the program with a message if the arguments are others. */
void cluster_suite_start(cluster_t *cluster, const cluster_options_t *options, int argc,
                         char **argv);
void cluster_suite_stop(cluster_t *cluster);

/* redis+cluster://, or rediss:// with cluster=auto, all nodes; `rest` is parameters, as
 * "timeout_ms=10", or NULL. Good for eight more calls. */
const char *cluster_suite_url(cluster_t *cluster, const char *rest);

/* "saver: cluster" or "saver: cluster, RESP2 and TLS, as it says"; good until the next call. */
const char *cluster_suite_name(const cluster_t *cluster, const char *name);

#endif
