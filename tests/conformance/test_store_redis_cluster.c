/* The store on a real cluster, plain and over TLS; plain RESP2 is left to the random sequences
 * (test_store_redis_cluster_diff.c). */
#include "store_cluster.h"
#include "store_suite.h"

int main(int argc, char **argv)
{
    store_cluster_start_as(argc, argv);
    const store_factory_t factory = {cluster_suite_name(&store_cluster, "store: redis cluster"),
                                     store_cluster_url(NULL), store_backend, NULL};
    const int failures = store_suite_run(&factory);
    store_cluster_stop();
    return failures;
}
