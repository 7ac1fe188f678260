/* What moves while requests are under way, on a real cluster: none is lost, none is done twice. */
#include "cluster.h"
#include "stream_client.h"

static cluster_t cluster;
static char url[1024];

enum {
    STREAMS = 64
};

static const char *stream_name(int number)
{
    static char names[4][16];
    static unsigned next;
    char *name = names[next++ % 4];
    snprintf(name, sizeof names[0], "run-%d", number);
    return name;
}

static unsigned slot_of(int number)
{
    char key[64];
    snprintf(key, sizeof key, "langgraph:queue:{%s}", stream_name(number));
    return cluster_slot(key);
}

static streams_client_t *open_empty(world_t *w)
{
    for (int node = 0; node < 3; node++) cluster_ask(&cluster, node, "FLUSHALL");
    return streams_open(w, NULL);
}

static void append_all(streams_client_t *s, const char *events)
{
    for (int i = 0; i < STREAMS; i++) streams_append(s, stream_name(i), events);
}

static void assert_all(streams_client_t *s, const char *events)
{
    for (int i = 0; i < STREAMS; i++) assert_stream(s, stream_name(i), events);
}

static void each_goes_to_the_node_of_its_slot(world_t *w)
{
    streams_client_t *s = open_empty(w);
    append_all(s, "a b");
    assert_all(s, "a b");
    for (int i = 0; i < STREAMS; i++) {
        char command[80];
        snprintf(command, sizeof command, "EXISTS langgraph:queue:{%s}", stream_name(i));
        assert_string_equal(cluster_ask(&cluster, cluster_owner(&cluster, slot_of(i)), command),
                            "1");
    }
}

static void what_has_moved_is_followed(world_t *w)
{
    streams_client_t *s = open_empty(w);
    append_all(s, "a");
    const unsigned slot = slot_of(0);
    const int from = cluster_owner(&cluster, slot), to = (from + 1) % 3;
    cluster_move(&cluster, slot, slot, to);
    append_all(s, "b");
    assert_all(s, "a b");
    cluster_move(&cluster, slot, slot, from);
    append_all(s, "c");
    assert_all(s, "a b c");
}

/* The node that gives the slot away says ASK of what it has not any more. */
static void half_way_the_other_node_is_asked(world_t *w)
{
    streams_client_t *s = open_empty(w);
    append_all(s, "a");
    const unsigned slot = slot_of(0);
    const int from = cluster_owner(&cluster, slot), to = (from + 1) % 3;
    cluster_move_begin(&cluster, slot, to);
    while (cluster_move_keys(&cluster, slot, to, 1) > 0) continue;
    assert_all(s, "a");
    cluster_move_finish(&cluster, slot, to);
    append_all(s, "b");
    assert_all(s, "a b");
    cluster_move(&cluster, slot, slot, from);
}

static void a_failover_that_is_asked_for_loses_nothing(world_t *w)
{
    streams_client_t *s = open_empty(w);
    append_all(s, "a");
    const int master = cluster_owner(&cluster, slot_of(0));
    const int replica = cluster_replica_of(&cluster, master);
    cluster_failover(&cluster, replica, NULL);
    append_all(s, "b");
    assert_all(s, "a b");
    cluster_failover(&cluster, master, NULL);
    append_all(s, "c");
    assert_all(s, "a b c");
}

static char said[256];

static void on_log(cairn_t *cairn, cairn_log_level_t level, const char *text)
{
    (void)cairn, (void)level;
    if (strncmp(text, "connected to", 12) == 0) snprintf(said, sizeof said, "%s", text);
}

static void the_log_says_where_it_is_connected(world_t *w)
{
    client_t *c = world_client(w);
    c->cairn.on_log = on_log;
    client_open(c, NULL);
    client_await(c, "connected");
    assert_non_null(strstr(said, " at 127.0.0.1:"));
}

static const scenario_t scenarios[] = {
    SCENARIO(the_log_says_where_it_is_connected),
    SCENARIO(each_goes_to_the_node_of_its_slot),
    SCENARIO(what_has_moved_is_followed),
    SCENARIO(half_way_the_other_node_is_asked),
    SCENARIO(a_failover_that_is_asked_for_loses_nothing),
};

int main(void)
{
    cluster_start(&cluster, NULL);
    snprintf(url, sizeof url, "redis+cluster%s", strchr(cluster_url(&cluster, NULL), ':'));
    const int failures = SCENARIOS_RUN("redis cluster", scenarios, url);
    cluster_stop(&cluster);
    return failures;
}
