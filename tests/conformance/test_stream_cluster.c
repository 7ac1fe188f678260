/* The Redis backend over a real cluster of six nodes: RESP3 and RESP2. */
#include "cluster.h"
#include "stream_suite.h"

static cluster_t cluster;

static void clear(void)
{
    for (int node = 0; node < 3; node++) cluster_ask(&cluster, node, "FLUSHALL");
}

int main(void)
{
    cluster_start(&cluster, NULL);
    const streams_backend_t backend = {.clear = clear};
    char url[1024], old[1100];
    snprintf(url, sizeof url, "redis+cluster%s", strchr(cluster_url(&cluster, NULL), ':'));
    snprintf(old, sizeof old, "%s?protocol=2", url);
    const stream_factory_t factories[] = {
        {.name = "stream: cluster RESP3", .url = url, .backend = backend},
        {.name = "stream: cluster RESP2", .url = old, .backend = backend},
    };
    int failures = 0;
    for (size_t i = 0; i < sizeof factories / sizeof *factories; i++)
        failures += stream_suite_run(&factories[i]);
    cluster_stop(&cluster);
    return failures;
}
