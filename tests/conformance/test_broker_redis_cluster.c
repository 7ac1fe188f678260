/* The Redis backend's topics over a real cluster: classic, and sharded; plain and over TLS. */
#include "broker_suite.h"
#include "cluster_suite.h"

#define NO_PATTERNS "patterns hear nothing of sharded messages, and are refused: UV_ENOTSUP"

#define THE_BUS                                                                                    \
    "nodes pass it on to each other, and that comes when it comes: no fence is behind it"

static const broker_lack_t classic_lacks[] = {
    {"globs_match_as_in_redis", "its channels are in several slots. " THE_BUS},
    {"a_shutdown_before_the_connection_serves_what_waits",
     "it serves it before the map is there, and so before it is told to be connected"},
    {"ten_thousand_requests_in_one_turn_all_call_back", "more than the bus takes. " THE_BUS},
    {"the_default_bound_is_65536_messages", "more than the bus takes. " THE_BUS},
    {NULL, NULL},
};

static const broker_lack_t sharded_lacks[] = {
    {"capabilities_tell_what_can_be_asked", "patterns are one of them. " NO_PATTERNS},
    {"close_tells_every_subscription_and_takes_nothing_back", "one is a pattern's. " NO_PATTERNS},
    {"a_pattern_subscription_gets_channel_and_pattern", NO_PATTERNS},
    {"a_channel_and_a_pattern_subscription_each_get_the_message", NO_PATTERNS},
    {"two_subscriptions_of_one_pattern_each_get_the_message", NO_PATTERNS},
    {"a_pattern_equal_to_a_channels_name_is_its_own_subscription", NO_PATTERNS},
    {"buffered_messages_of_a_pattern_keep_their_channels", NO_PATTERNS},
    {"messages_through_one_pattern_keep_the_order_of_their_submits", NO_PATTERNS},
    {"globs_match_as_in_redis", NO_PATTERNS},
    {"patterns_and_channels_may_hold_a_nul", NO_PATTERNS},
    {NULL, NULL},
};

/* Not of whoever hears it over the bus, but of all. */
static void receivers_are_told_where_they_are_known(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    const bool counts = cairn_capabilities(&c->cairn) & CAIRN_CAP_RECEIVERS;
    const bool is_sharded = strstr(w->url, "sharded_topics=1");
    const bool has_patterns = cairn_capabilities(&c->cairn) & CAIRN_CAP_PATTERNS;
    assert_int_equal(counts, is_sharded);
    assert_int_equal(has_patterns, !is_sharded);
    client_subscribed(world_open(w, NULL), "news", NULL);
    pub_t *pub = client_publish(c, "news", "hello");
    pub_await(pub, 0);
    assert_int_equal(pub->receivers, is_sharded ? 1 : -1);
}

static const scenario_t own_scenarios[] = {SCENARIO(receivers_are_told_where_they_are_known)};

typedef struct way {
    const char *name;
    const char *query;
    const broker_lack_t *lacks;
} way_t;

int main(int argc, char **argv)
{
    static const way_t plain[] = {
        {"cluster RESP3", NULL, classic_lacks},
        {"cluster RESP3, sharded", "sharded_topics=1", sharded_lacks},
        {"cluster pool, sharded", "sharded_topics=1&max_connections=8&spread_after=1",
         sharded_lacks},
    };
    static const way_t secure[] = {
        {"cluster RESP2 tls", NULL, classic_lacks},
        {"cluster RESP2 tls, sharded", "sharded_topics=1", sharded_lacks},
    };
    static cluster_t cluster;
    const cluster_options_t masters = {.masters = 3, .replicas = -1};
    cluster_suite_start(&cluster, &masters, argc, argv);
    world_tags_channels = true;
    const way_t *ways = cluster.options.tls_cert ? secure : plain;
    const size_t count = cluster.options.tls_cert ? 2 : 3;
    int failures = 0;
    for (size_t i = 0; i < count; i++) {
        const broker_factory_t factory = {.name = ways[i].name,
                                          .url = cluster_suite_url(&cluster, ways[i].query),
                                          .lacks = ways[i].lacks};
        failures += broker_suite_run(&factory);
        failures += SCENARIOS_RUN(factory.name, own_scenarios, factory.url);
    }
    cluster_suite_stop(&cluster);
    return failures;
}
