/* The Redis backend in the layout of Pure Graph over a real cluster: RESP3 and RESP2, plain and
 * over TLS. */
#include "cluster_suite.h"
#include "stream_pure_graph.h"

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
    int failures =
        stream_pure_graph_run(cluster_suite_name(&cluster, "stream: cluster as Pure Graph"),
                              cluster_suite_url(&cluster, "stream_layout=pure_graph"), &backend);
    if (!cluster.options.tls_cert)
        failures += stream_pure_graph_run(
            "stream: cluster as Pure Graph, RESP2",
            cluster_suite_url(&cluster, "stream_layout=pure_graph&protocol=2"), &backend);
    cluster_suite_stop(&cluster);
    return failures;
}
