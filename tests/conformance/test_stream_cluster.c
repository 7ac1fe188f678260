/* The Redis backend over a real cluster of six nodes: RESP3 and RESP2, plain and over TLS. */
#include "cluster_suite.h"
#include "stream_suite.h"

static cluster_t cluster;

#define TWO_SLOTS "what it moves would be in two slots, and is refused: UV_ENOTSUP"

static const stream_lack_t lacks[] = {
    {"after_so_many_deliveries_a_nak_moves_it_to_the_dead_letters", TWO_SLOTS},
    {"after_so_many_deliveries_a_claim_moves_it_to_the_dead_letters", TWO_SLOTS},
    {"dead_letters_reach_who_follows_them", TWO_SLOTS},
    {"no_dead_letter_is_refused", TWO_SLOTS},
    {"what_ends_the_stream_does_not_end_the_dead_letters", TWO_SLOTS},
    {"every_event_of_a_group_is_acknowledged_or_a_dead_letter", TWO_SLOTS},
    {NULL, NULL},
};

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
                                      .backend = backend,
                                      .lacks = lacks};
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
