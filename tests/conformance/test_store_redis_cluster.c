/* The store on a real cluster; RESP2 is left to the random sequences
 * (test_store_redis_cluster_diff.c). */
#include "store_cluster.h"
#include "store_suite.h"

int main(void)
{
    store_cluster_start();
    const store_factory_t factory = {"store: redis cluster", store_cluster_url(NULL), store_backend,
                                     NULL};
    const int failures = store_suite_run(&factory);
    store_cluster_stop();
    return failures;
}
