/* The Redis backend over a real cluster of six nodes: RESP3 and RESP2, plain and over TLS. */
#include "cluster_suite.h"
#include "stream_suite.h"

static cluster_t cluster;

static void clear(void)
{
    for (int node = 0; node < 3; node++) cluster_ask(&cluster, node, "FLUSHALL");
}

int main(int argc, char **argv)
{
    /* A node that is only slow is not given up: its streams would lose what they have. */
    const cluster_options_t options = {.node_timeout_ms = 6000};
    cluster_suite_start(&cluster, &options, argc, argv);
    const streams_backend_t backend = {.clear = clear};
    const stream_factory_t factory = {.name = cluster_suite_name(&cluster, "stream: cluster"),
                                      .url = cluster_suite_url(&cluster, NULL),
                                      .backend = backend};
    int failures = stream_suite_run(&factory);
    if (!cluster.options.tls_cert) {
        stream_factory_t old = factory;
        old.name = "stream: cluster RESP2";
        old.url = cluster_suite_url(&cluster, "protocol=2");
        failures += stream_suite_run(&old);
    }
    cluster_suite_stop(&cluster);
    return failures;
}
