/* Topics with sharded_topics go with their slots, on a real cluster: what is missed is told,
 * nothing comes twice, other nodes' topics hear nothing of it, and the cluster's bus carries none
 * of it. */
#include "check.h"
#include "cluster.h"
#include "scripted_cluster.h"
#include "world.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=50&sharded_topics=1"

enum {
    SLOT = 7000, /* of the second of three masters */
    OTHER = 100,
    ROUNDS = 6,
    SPREAD = 30
};

static cluster_t cluster;
static cluster_tag_t here, other; /* channels of these slots */

static client_t *open_connected(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    return c;
}

/* Channels as they are: the world's number is of no use where the slot counts. */
static probe_t *listen_to(client_t *c, const char *channel)
{
    probe_t *probe = client_probe(c);
    assert_status(probe_try(probe, cairn_str(channel), NULL), 0);
    return probe;
}

static probe_t *listen_up(client_t *c, const char *channel)
{
    probe_t *probe = listen_to(c, channel);
    probe_await_count(probe, "subscribed", 1);
    return probe;
}

static pub_t *say(client_t *c, const char *channel, int *number)
{
    char payload[16];
    snprintf(payload, sizeof payload, "%04d", ++*number);
    pub_t *pub = client_request(c);
    assert_status(pub_try(pub, cairn_str(channel), cairn_str(payload)), 0);
    return pub;
}

static void say_surely(client_t *c, const char *channel, int *number)
{
    pub_await(say(c, channel, number), 0);
}

/* None twice, none out of order, and none missed without a gap before the next. */
static void assert_heard(const probe_t *probe, int last)
{
    int heard = 0;
    bool gap = false;
    for (size_t i = 0; i < probe->journal.count; i++) {
        const char *line = probe->journal.lines[i];
        int number = 0;
        if (strncmp(line, "gap", 3) == 0) gap = true;
        if (sscanf(line, "message %d", &number) != 1) continue;
        if (number <= heard) check_fail("%d came behind %d", number, heard);
        if (number > heard + 1 && !gap) check_fail("%d came behind %d, and no gap", number, heard);
        heard = number;
        gap = false;
    }
    assert_int_equal(heard, last);
}

static void await_message(probe_t *probe, int number)
{
    char line[32];
    snprintf(line, sizeof line, "message %04d", number);
    probe_await_count(probe, line, 1);
}

static long long listeners_at(int node, const char *channel)
{
    redisReply *reply = cluster_command(&cluster, node, "PUBSUB SHARDNUMSUB %s", channel);
    assert_int_equal(reply->elements, 2);
    const long long count = reply->element[1]->integer;
    freeReplyObject(reply);
    return count;
}

static long sent_over_bus(int node)
{
    static const char field[] = "cluster_stats_messages_publish_sent:";
    const char *at = strstr(cluster_ask(&cluster, node, "CLUSTER INFO"), field);
    return at ? strtol(at + strlen(field), NULL, 10) : 0;
}

/* ---- where ---- */

static void a_message_goes_by_the_node_of_its_slot(world_t *w)
{
    client_t *listener = open_connected(w), *speaker = open_connected(w);
    probe_t *probe = listen_up(listener, here);
    const int owner = cluster_owner(&cluster, SLOT);
    assert_int_not_equal(owner, 0); /* whom the URL names first */
    const long before = sent_over_bus(owner);
    int number = 0;
    pub_t *pub = say(speaker, here, &number);
    pub_await(pub, 0);
    assert_int_equal(pub->receivers, 1);
    await_message(probe, number);
    for (int node = 0; node < 3; node++) {
        assert_int_equal(listeners_at(node, here), node == owner);
        redisReply *reply = cluster_command(&cluster, node, "PUBSUB CHANNELS");
        assert_int_equal(reply->elements, 0);
        freeReplyObject(reply);
    }
    assert_int_equal(sent_over_bus(owner), before);
}

static void a_channels_hash_tag_counts(world_t *w)
{
    client_t *c = open_connected(w);
    char tagged[64];
    snprintf(tagged, sizeof tagged, "news of {%s} today", here);
    probe_t *probe = listen_up(c, tagged);
    int number = 0;
    assert_int_equal(listeners_at(cluster_owner(&cluster, SLOT), tagged), 1);
    say_surely(c, tagged, &number);
    await_message(probe, number);
}

static int subscribers_at(int node)
{
    const char *at = cluster_ask(&cluster, node, "CLIENT LIST");
    int subscribers = 0;
    while ((at = strstr(at, " ssub="))) {
        at += strlen(" ssub=");
        subscribers += strtol(at, NULL, 10) > 0;
    }
    return subscribers;
}

static void topics_are_spread_over_nodes_with_one_subscriber_each(world_t *w)
{
    client_t *c = open_connected(w);
    probe_t *probes[SPREAD];
    char names[SPREAD][24];
    int numbers[SPREAD] = {0}, at[3] = {0};
    for (int i = 0; i < SPREAD; i++) {
        snprintf(names[i], sizeof names[i], "spread-%d", i);
        probes[i] = listen_up(c, names[i]);
    }
    for (int i = 0; i < SPREAD; i++) {
        const int owner = cluster_owner(&cluster, cluster_slot(names[i]));
        assert_int_equal(listeners_at(owner, names[i]), 1);
        at[owner]++;
        say_surely(c, names[i], &numbers[i]);
        await_message(probes[i], 1);
    }
    for (int node = 0; node < 3; node++) {
        assert_true(at[node] > 0);
        assert_int_equal(subscribers_at(node), 1);
    }
}

static void who_left_hears_nothing_and_may_come_again(world_t *w)
{
    client_t *c = open_connected(w);
    int number = 0;
    probe_t *first = listen_up(c, here);
    probe_unsubscribe(first);
    probe_await_count(first, "closed", 1);
    probe_t *second = listen_up(c, here);
    say_surely(c, here, &number);
    await_message(second, number);
    assert_int_equal(first->messages, 0);
    probe_unsubscribe(second);
    probe_await_count(second, "closed", 1);
    while (listeners_at(cluster_owner(&cluster, SLOT), here) > 0) loop_turns(&w->loop, 1);
    pub_t *pub = say(c, here, &number);
    pub_await(pub, 0);
    assert_int_equal(pub->receivers, 0);
}

/* ---- before it is known ---- */

/* Everything is asked for in the turn of the open, and more until the handle is connected. */
static void what_is_asked_for_early_goes_in_its_order(world_t *w)
{
    client_t *listener = open_connected(w);
    probe_t *probe = listen_up(listener, here);
    client_t *early = world_open(w, NULL);
    probe_t *own = listen_to(early, here);
    int number = 0;
    while (client_stats(early).connects == 0) {
        for (int i = 0; i < 20; i++) (void)say(early, here, &number);
        loop_turns(&w->loop, 1);
    }
    for (int i = 0; i < 20; i++) (void)say(early, here, &number);
    await_message(probe, number);
    assert_heard(probe, number);
    assert_int_equal(probe->messages, number);
    probe_await_count(own, "subscribed", 1);
    say_surely(early, here, &number);
    await_message(own, number);
}

static void there_are_no_patterns(world_t *w)
{
    client_t *c = open_connected(w);
    assert_false(cairn_capabilities(&c->cairn) & CAIRN_CAP_PATTERNS);
    assert_true(cairn_capabilities(&c->cairn) & CAIRN_CAP_TOPICS);
    assert_status(probe_try_pattern(client_probe(c), cairn_str("n*"), NULL), UV_ENOTSUP);
}

/* Asked for before it is known that the server is a node of a cluster. */
static void who_asked_for_one_too_early_is_told(world_t *w)
{
    client_t *c = world_open(w, "cluster=auto");
    probe_t *probe = client_probe(c);
    assert_status(probe_try_pattern(probe, cairn_str("n*"), NULL), 0);
    probe_await_count(probe, "failed UV_ENOTSUP", 1);
    assert_contains(probe->detail, "sharded_topics=1");
    client_t *sure = world_open(w, "cluster=yes");
    assert_status(probe_try_pattern(client_probe(sure), cairn_str("n*"), NULL), UV_ENOTSUP);
}

/* ---- slots move ---- */

static void a_topic_goes_with_its_slot(world_t *w)
{
    client_t *c = open_connected(w), *speaker = open_connected(w);
    probe_t *probe = listen_up(c, here), *calm = listen_up(c, other);
    const int first = cluster_owner(&cluster, SLOT);
    int number = 0;
    say_surely(speaker, here, &number);
    for (int round = 1; round <= ROUNDS; round++) {
        cluster_move(&cluster, SLOT, SLOT, (first + round) % 3);
        probe_await_count(probe, "resubscribed", (size_t)round);
        say_surely(speaker, here, &number);
        say_surely(speaker, here, &number);
        await_message(probe, number);
    }
    assert_heard(probe, number);
    assert_int_equal(probe->messages, number);
    assert_int_equal(journal_count(&probe->journal, "gap -1"), ROUNDS);
    for (int i = 0; i < 3; i++) assert_int_equal(listeners_at(i, here), i == (first + ROUNDS) % 3);
    assert_int_equal(calm->journal.count, 1);
}

/* As fast as they are taken, all the while. */
static void messages_go_on_while_it_moves(world_t *w)
{
    client_t *c = open_connected(w), *speaker = open_connected(w);
    probe_t *probe = listen_up(c, here);
    const int from = cluster_owner(&cluster, SLOT), to = (from + 1) % 3;
    int number = 0;
    for (int i = 0; i < 100; i++) say_surely(speaker, here, &number);
    cluster_move_begin(&cluster, SLOT, to);
    for (int i = 0; i < 100; i++) say_surely(speaker, here, &number);
    await_message(probe, number);
    assert_int_equal(probe->messages, number); /* all of them, as long as nobody took it */
    assert_int_equal(journal_count(&probe->journal, "gap"), 0);
    cluster_move_finish(&cluster, SLOT, to);
    for (int i = 0; i < 100; i++) say_surely(speaker, here, &number);
    probe_await_count(probe, "resubscribed", 1);
    for (int i = 0; i < 100; i++) say_surely(speaker, here, &number);
    await_message(probe, number);
    assert_heard(probe, number);
    assert_true(probe->messages >= 300);
    assert_int_equal(journal_count(&probe->journal, "gap -1"), 1);
    cluster_move(&cluster, SLOT, SLOT, from);
}

/* ---- nodes change ---- */

static void a_topic_survives_its_node(world_t *w)
{
    client_t *c = open_connected(w), *speaker = open_connected(w);
    probe_t *probe = listen_up(c, here), *calm = listen_up(c, other);
    const int master = cluster_owner(&cluster, SLOT);
    int number = 0, others = 0;
    say_surely(speaker, here, &number);
    await_message(probe, number);
    cluster_await_whole(&cluster);
    cluster_kill(&cluster, master);
    probe_await_count(probe, "disconnected", 1);
    say_surely(speaker, other, &others);
    (void)cluster_await_other(&cluster, SLOT, master);
    probe_await_count(probe, "resubscribed", 1);
    say_surely(speaker, here, &number);
    await_message(probe, number);
    say_surely(speaker, other, &others);
    await_message(calm, others);
    assert_heard(probe, number);
    assert_heard(calm, others);
    assert_int_equal(journal_count(&probe->journal, "gap -1"), 1);
    assert_int_equal(calm->journal.count, 3);
    cluster_restart(&cluster, master);
    cluster_await_whole(&cluster);
}

static void a_topic_survives_a_failover(world_t *w)
{
    client_t *c = open_connected(w), *speaker = open_connected(w);
    probe_t *probe = listen_up(c, here), *calm = listen_up(c, other);
    const int master = cluster_owner(&cluster, SLOT);
    const int replica = cluster_replica_of(&cluster, master);
    int number = 0, others = 0;
    say_surely(speaker, here, &number);
    cluster_failover(&cluster, replica, NULL);
    probe_await_count(probe, "resubscribed", 1);
    /* Its replica takes subscriptions too, and hears over the bus alone. */
    while (listeners_at(replica, here) == 0) loop_turns(&w->loop, 1);
    say_surely(speaker, here, &number);
    await_message(probe, number);
    assert_heard(probe, number);
    assert_int_equal(listeners_at(master, here), 0);
    say_surely(speaker, other, &others);
    await_message(calm, others);
    assert_int_equal(calm->journal.count, 2);
    cluster_failover(&cluster, master, NULL);
    cluster_await_whole(&cluster);
}

/* ---- what a real one does not do on cue ---- */

static client_t *open_scripted(world_t *w, scripted_cluster_t *nodes, const char *query)
{
    w->url = nodes->url;
    return world_open(w, query);
}

/* They have no sharded channels: everybody is told so by the map, and talks the classic way. */
static void an_old_cluster_has_classic_topics(world_t *w)
{
    scripted_cluster_t *old = scripted_cluster_of(w, 1);
    scripted_t *node = &old->nodes[0];
    scripted_once(node, "CLUSTER SHARDS",
                  "-ERR Unknown subcommand or wrong number of arguments\r\n");
    scripted_always(node, "PUBLISH", ":1\r\n");
    client_t *c = open_scripted(w, old, "cluster=yes&" QUICK);
    probe_t *probe = listen_to(c, "news");
    int number = 0;
    pub_t *early = say(c, "news", &number);
    probe_await_count(probe, "subscribed", 1);
    pub_await(early, 0);
    say_surely(c, "news", &number);
    scripted_await_count(node, "SUBSCRIBE news", 1);
    scripted_await_count(node, "PUBLISH news 0001", 1);
    scripted_await_count(node, "PUBLISH news 0002", 1);
    assert_int_equal(journal_count(&node->journal, "SPUBLISH"), 0);
    assert_int_equal(journal_count(&node->journal, "SSUBSCRIBE"), 0);
    assert_false(cairn_capabilities(&c->cairn) & CAIRN_CAP_RECEIVERS);
    assert_int_equal(early->receivers, -1);
    scripted_message(node, "news", "0007");
    await_message(probe, 7);
}

/* Within bounds, and their deadlines; whoever is refused is told when there is room. */
static void what_waits_for_the_map_is_bounded(world_t *w)
{
    scripted_cluster_t *nodes = scripted_cluster_of(w, 1);
    scripted_t *node = &nodes->nodes[0];
    scripted_once(node, "CLUSTER SHARDS", "-LOADING soon\r\n");
    scripted_once(node, "CLUSTER SHARDS", "-LOADING soon\r\n");
    scripted_always(node, "SPUBLISH", ":0\r\n");
    client_t *c = open_scripted(w, nodes, "cluster=yes&max_queue_bytes=65536&" QUICK);
    int number = 0, rc = 0;
    pub_t *cancelled = say(c, "news", &number);
    pub_t *late = client_request(c);
    late->publish.req.timeout_ms = 1;
    assert_status(pub_try(late, cairn_str("news"), cairn_str("late")), 0);
    pub_await(late, UV_ETIMEDOUT);
    assert_status(pub_cancel(cancelled), 0);
    while (rc == 0) rc = pub_try(client_request(c), cairn_str("news"), cairn_str("many"));
    assert_status(rc, CAIRN_EFULL);
    client_await_count(c, "credit", 1);
    say_surely(c, "news", &number);
    assert_int_equal(journal_count(&node->journal, "SPUBLISH news 0001"), 0);
    assert_int_equal(journal_count(&node->journal, "SPUBLISH news late"), 0);
    assert_int_equal(journal_count(&node->journal, "SPUBLISH news 0002"), 1);
}

/* Who is asked may not know yet that the slot is another's, and the node that it was takes the
 * subscription again, as its replica does. */
static void a_map_is_doubted_when_a_node_ends_subscriptions(world_t *w)
{
    scripted_cluster_t *nodes = scripted_cluster_of(w, 2);
    const char *ended = ">3\r\n$12\r\nsunsubscribe\r\n$3\r\nfoo\r\n:0\r\n"; /* in slot 12182 */
    for (int i = 0; i < 2; i++)
        scripted_always(&nodes->nodes[i], "SSUBSCRIBE",
                        ">3\r\n$10\r\nssubscribe\r\n$3\r\nfoo\r\n:1\r\n");
    scripted_always(&nodes->nodes[1], "SUNSUBSCRIBE", ended);
    client_t *c = open_scripted(w, nodes, "cluster=yes&" QUICK);
    client_await(c, "connected");
    probe_t *probe = listen_up(c, "foo");
    scripted_await_count(&nodes->nodes[1], "SSUBSCRIBE foo", 1);
    enum {
        ASKS = 8
    };
    const uint64_t since = uv_hrtime();
    const size_t before = journal_count(&nodes->nodes[0].journal, "CLUSTER SHARDS");
    scripted_push(&nodes->nodes[1], ended, strlen(ended));
    probe_await_count(probe, "resubscribed", 1);
    scripted_await_count(&nodes->nodes[1], "SSUBSCRIBE foo", 2);
    scripted_await_count(&nodes->nodes[0], "CLUSTER SHARDS", before + ASKS);
    assert_in_range((uv_hrtime() - since) / 1000000, 0, ASKS * 1000); /* every 250 ms, or so */
    const scripted_shard_t later[] = {{.slots = "0-16383"}};
    scripted_cluster_say(nodes, 0, later, 1);
    scripted_cluster_say(nodes, 1, later, 1);
    probe_await_count(probe, "resubscribed", 2);
    scripted_await_count(&nodes->nodes[0], "SSUBSCRIBE foo", 1);
    scripted_await_count(&nodes->nodes[1], "SUNSUBSCRIBE foo", 1);
}

/* It loses the slot while it is asked: it says so, and MOVED to who asked, which is nobody else's.
 */
static void a_node_may_answer_twice_to_who_leaves(world_t *w)
{
    scripted_cluster_t *nodes = scripted_cluster_of(w, 1);
    scripted_t *node = &nodes->nodes[0];
    scripted_always(node, "SSUBSCRIBE", ">3\r\n$10\r\nssubscribe\r\n$3\r\nfoo\r\n:1\r\n");
    scripted_always(node, "SUNSUBSCRIBE",
                    ">3\r\n$12\r\nsunsubscribe\r\n$3\r\nfoo\r\n:0\r\n"
                    "-MOVED 12182 127.0.0.1:1\r\n");
    scripted_always(node, "SPUBLISH", ":3\r\n");
    client_t *c = open_scripted(w, nodes, "cluster=yes&" QUICK);
    probe_t *probe = listen_up(c, "foo");
    int number = 0;
    probe_unsubscribe(probe);
    loop_turns(&w->loop, 1);
    pub_t *pubs[3];
    for (int i = 0; i < 3; i++) pubs[i] = say(c, "foo", &number);
    probe_await_count(probe, "closed", 1);
    for (int i = 0; i < 3; i++) {
        pub_await(pubs[i], 0);
        assert_int_equal(pubs[i]->receivers, 3);
    }
    assert_int_equal(journal_count(&node->journal, "SPUBLISH"), 3);
}

static void one_that_may_not_listen_is_told(world_t *w)
{
    scripted_cluster_t *nodes = scripted_cluster_of(w, 1);
    scripted_always(&nodes->nodes[0], "SSUBSCRIBE", "-NOPERM no permissions for this channel\r\n");
    client_t *c = open_scripted(w, nodes, "cluster=yes&" QUICK);
    probe_t *probe = listen_to(c, "foo");
    probe_await_count(probe, "failed CAIRN_EDENIED", 1);
}

int main(void)
{
    static const scenario_t scenarios[] = {
        SCENARIO(a_message_goes_by_the_node_of_its_slot),
        SCENARIO(a_channels_hash_tag_counts),
        SCENARIO(topics_are_spread_over_nodes_with_one_subscriber_each),
        SCENARIO(who_left_hears_nothing_and_may_come_again),
        SCENARIO(what_is_asked_for_early_goes_in_its_order),
        SCENARIO(there_are_no_patterns),
        SCENARIO(a_topic_goes_with_its_slot),
        SCENARIO(messages_go_on_while_it_moves),
    };
    static const scenario_t changes[] = {
        SCENARIO(a_topic_survives_its_node),
        SCENARIO(a_topic_survives_a_failover),
    };
    static const struct {
        const char *name, *query;
        bool nodes_change; /* takes long */
    } ways[] = {
        {"redis: sharded topics, RESP3", QUICK "&cluster=auto", true},
        {"redis: sharded topics, RESP2", QUICK "&cluster=yes&protocol=2", true},
        {"redis: sharded topics, several connections", QUICK "&cluster=auto&max_connections=4",
         false},
    };
    static const scenario_t early[] = {SCENARIO(who_asked_for_one_too_early_is_told)};
    static const scenario_t scripted[] = {
        SCENARIO(an_old_cluster_has_classic_topics),
        SCENARIO(what_waits_for_the_map_is_bounded),
        SCENARIO(a_map_is_doubted_when_a_node_ends_subscriptions),
        SCENARIO(a_node_may_answer_twice_to_who_leaves),
        SCENARIO(one_that_may_not_listen_is_told),
    };
    int failures = SCENARIOS_RUN("redis: sharded topics, scripted", scripted, NULL);
    cluster_tag(here, SLOT);
    cluster_tag(other, OTHER);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) { /* each with epochs of its own */
        cluster_start(&cluster, NULL);
        failures += SCENARIOS_RUN(ways[i].name, scenarios, cluster_url(&cluster, ways[i].query));
        if (ways[i].nodes_change)
            failures += SCENARIOS_RUN(ways[i].name, changes, cluster_url(&cluster, ways[i].query));
        if (i == 0)
            failures += SCENARIOS_RUN("redis: sharded topics, patterns", early,
                                      cluster_url(&cluster, QUICK));
        cluster_stop(&cluster);
    }
    return failures;
}
