/* Who follows a stream goes with its slot, on a real cluster: nothing is missed, nothing comes
 * twice, and the cluster's bus carries none of it. */
#include "check.h"
#include "cluster.h"
#include "scripted_cluster.h"
#include "stream_client.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=50"

enum {
    SLOT = 7000, /* of the second of three masters */
    OTHER = 100,
    ROUNDS = 6
};

static cluster_t cluster;
static cluster_tag_t run, other; /* streams of these slots */

static void clear(void)
{
    cluster_await_whole(&cluster);
    for (int i = 0; i < cluster.count; i++)
        if (strstr(cluster_ask(&cluster, i, "INFO replication"), "role:master"))
            cluster_ask(&cluster, i, "FLUSHALL");
}

static streams_client_t *open_connected(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    client_await(s->client, "connected");
    return s;
}

static follower_t *follow(streams_client_t *s, const char *stream)
{
    follower_t *f = streams_follow(s, stream, NULL);
    follower_await(f, "live");
    return f;
}

static long number_behind(int node, const char *command, const char *field)
{
    const char *at = strstr(cluster_ask(&cluster, node, command), field);
    return at ? strtol(at + strlen(field), NULL, 10) : -1;
}

static void assert_followed(const follower_t *f, uint64_t events)
{
    char line[32];
    assert_int_equal(f->events, events);
    for (uint64_t i = 0; i < events; i++) {
        snprintf(line, sizeof line, "event e%02d", (int)i);
        assert_int_equal(journal_count(&f->journal, line), 1);
    }
}

static void append_next(streams_client_t *s, const char *stream, int *number)
{
    char word[16];
    snprintf(word, sizeof word, "e%02d", (*number)++);
    streams_append(s, stream, word);
}

/* Whether somebody follows `run` there. */
static long long subscribed_at(int node)
{
    redisReply *reply =
        cluster_command(&cluster, node, "PUBSUB SHARDNUMSUB langgraph:queue@{%s}", run);
    assert_int_equal(reply->elements, 2);
    const long long count = reply->element[1]->integer;
    freeReplyObject(reply);
    return count;
}

/* ---- where ---- */

static void it_is_published_where_it_is(world_t *w)
{
    streams_client_t *s = open_connected(w);
    follower_t *f = follow(s, run);
    const int owner = cluster_owner(&cluster, SLOT);
    for (int node = 0; node < 3; node++) {
        redisReply *reply = cluster_command(&cluster, node, "PUBSUB CHANNELS");
        assert_int_equal(reply->elements, 0);
        freeReplyObject(reply);
    }
    for (int node = 0; node < 3; node++) assert_int_equal(subscribed_at(node), node == owner);
    const long before =
        number_behind(owner, "CLUSTER INFO", "cluster_stats_messages_publish_sent:");
    streams_append(s, run, "a");
    follower_await_events(f, 1);
    assert_int_equal(number_behind(owner, "CLUSTER INFO", "cluster_stats_messages_publish_sent:"),
                     before);
}

/* With RESP2 as well, which needs one for nothing else. */
static void a_node_has_one_subscriber_for_all_its_streams(world_t *w)
{
    streams_client_t *s = open_connected(w);
    cluster_tag_t name;
    for (unsigned i = 0; i < 20; i++) (void)follow(s, cluster_tag(name, SLOT + i));
    const char *at = cluster_ask(&cluster, cluster_owner(&cluster, SLOT), "CLIENT LIST");
    int subscribers = 0;
    while ((at = strstr(at, " ssub="))) {
        at += strlen(" ssub=");
        const long channels = strtol(at, NULL, 10);
        if (channels > 0) assert_int_equal(channels, 20);
        subscribers += channels > 0;
    }
    assert_int_equal(subscribers, 1);
}

/* ---- slots move ---- */

static void a_tail_goes_with_its_slot(world_t *w)
{
    streams_client_t *s = open_connected(w);
    follower_t *f = follow(s, run);
    const int first = cluster_owner(&cluster, SLOT);
    int number = 0;
    append_next(s, run, &number);
    for (int round = 1; round <= ROUNDS; round++) {
        cluster_move(&cluster, SLOT, SLOT, (first + round) % 3);
        append_next(s, run, &number);
        append_next(s, run, &number);
        follower_await_events(f, (uint64_t)number);
    }
    assert_followed(f, (uint64_t)number);
    assert_int_equal(journal_count(&f->journal, "gap"), 0);
    assert_int_equal(journal_count(&f->journal, "disconnected"), 0);
    for (int i = 0; i < 3; i++) {
        const bool is_there = i == (first + ROUNDS) % 3;
        assert_int_equal(subscribed_at(i), is_there);
    }
}

/* What is appended while the slot is on its way waits for its end: not all keys that the script
 * names are there. */
static void it_hears_of_what_waits_for_the_end_of_a_move(world_t *w)
{
    streams_client_t *s = open_connected(w), *producer = open_connected(w);
    follower_t *f = follow(s, run);
    const int from = cluster_owner(&cluster, SLOT), to = (from + 1) % 3;
    streams_ask_t *asks[2] = {streams_ask(producer), streams_ask(producer)};
    int number = 0;
    append_next(producer, run, &number);
    cluster_move_begin(&cluster, SLOT, to);
    while (cluster_move_keys(&cluster, SLOT, to, 10) > 0) continue;
    assert_status(ask_append(asks[0], run, "e01", NULL), 0);
    assert_status(ask_append(asks[1], run, "e02", NULL), 0);
    cluster_move_finish(&cluster, SLOT, to);
    for (int i = 0; i < 2; i++) streams_ask_await(asks[i], 0);
    follower_await_events(f, 3);
    number = 3;
    append_next(producer, run, &number);
    follower_await_events(f, 4);
    assert_int_equal(journal_count(&f->journal, "gap"), 0);
    cluster_move(&cluster, SLOT, SLOT, from);
}

static void so_does_a_watch(world_t *w)
{
    streams_client_t *s = open_connected(w);
    streams_client_t *producer = open_connected(w);
    follower_t *f = follow(s, run);
    const int from = cluster_owner(&cluster, SLOT);
    watcher_t *watcher = streams_watch(s, run);
    cluster_move(&cluster, SLOT, SLOT, (from + 1) % 3);
    streams_append(producer, run, "CANCEL=now");
    watcher_await(watcher, "cancelled CANCEL=now");
    follower_await_count(f, "event", 1);
    cluster_move(&cluster, SLOT, SLOT, from);
}

/* ---- nodes change ---- */

static void a_tail_survives_a_failover(world_t *w)
{
    streams_client_t *s = open_connected(w);
    follower_t *f = follow(s, run), *calm = follow(s, other);
    const int master = cluster_owner(&cluster, SLOT);
    int number = 0;
    append_next(s, run, &number);
    cluster_failover(&cluster, cluster_replica_of(&cluster, master), NULL);
    append_next(s, run, &number);
    append_next(s, run, &number);
    follower_await_events(f, (uint64_t)number);
    cluster_failover(&cluster, master, NULL);
    append_next(s, run, &number);
    follower_await_events(f, (uint64_t)number);
    assert_followed(f, (uint64_t)number);
    streams_append(s, other, "e00");
    follower_await_events(calm, 1);
    assert_int_equal(journal_count(&calm->journal, "disconnected"), 0);
}

static void a_tail_survives_its_node(world_t *w)
{
    streams_client_t *s = open_connected(w);
    follower_t *f = follow(s, run), *calm = follow(s, other);
    const int master = cluster_owner(&cluster, SLOT);
    int number = 0;
    append_next(s, run, &number);
    follower_await_events(f, (uint64_t)number);
    cluster_await_whole(&cluster);
    cluster_kill(&cluster, master);
    follower_await_count(f, "disconnected", 1);
    streams_append(s, other, "e00");
    follower_await_events(calm, 1);
    (void)cluster_await_other(&cluster, SLOT, master);
    append_next(s, run, &number);
    follower_await_events(f, (uint64_t)number);
    assert_followed(f, (uint64_t)number);
    assert_int_equal(journal_count(&f->journal, "gap"), 0);
    assert_int_equal(journal_count(&calm->journal, "disconnected"), 0);
    cluster_restart(&cluster, master);
    cluster_await_whole(&cluster);
}

/* ---- servers before 7.0 ---- */

/* They have no sharded channels: it hears over the bus, still at the node of the slot. */
static void an_old_node_is_subscribed_to_the_classic_way(world_t *w)
{
    static scripted_cluster_t old;
    scripted_t *node = &old.nodes[0];
    scripted_cluster_open(&old, &w->loop, 1);
    w->url = old.url;
    scripted_once(node, "CLUSTER SHARDS",
                  "-ERR Unknown subcommand or wrong number of arguments\r\n");
    scripted_always(node, "MULTI", "+OK\r\n");
    scripted_always(node, "XRANGE", "+QUEUED\r\n");
    scripted_always(node, "XREVRANGE", "+QUEUED\r\n");
    scripted_always(node, "EXEC", "*2\r\n*0\r\n*0\r\n");
    streams_client_t *s = streams_on(world_open(w, "cluster=auto&" QUICK));
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    scripted_await_count(node, "SUBSCRIBE langgraph:queue@{run}", 1);
    follower_await(f, "live");
    scripted_message(node, "langgraph:queue@{run}", "c");
    follower_await(f, "live", "cleared");
    assert_int_equal(journal_count(&node->journal, "SSUBSCRIBE"), 0);
    scripted_cluster_close(&old);
    follower_await_count(f, "disconnected", 1);
}

/* ---- before it is known ---- */

/* What waits for the greeting is published as others hear it. */
static void who_does_not_know_yet_is_heard(world_t *w)
{
    streams_client_t *s = open_connected(w);
    follower_t *f = follow(s, run);
    streams_client_t *producer = streams_on(world_open(w, NULL));
    streams_append(producer, run, "e00");
    follower_await_events(f, 1);
    streams_client_t *third = streams_on(world_open(w, NULL));
    follower_t *early = streams_follow(third, run, NULL);
    follower_await(early, "live");
    streams_append(s, run, "e01");
    follower_await_events(early, 1);
    follower_await_events(f, 2);
    assert_followed(f, 2);
}

int main(void)
{
    static const scenario_t scenarios[] = {
        SCENARIO(it_is_published_where_it_is),
        SCENARIO(a_node_has_one_subscriber_for_all_its_streams),
        SCENARIO(who_does_not_know_yet_is_heard),
        SCENARIO(a_tail_goes_with_its_slot),
        SCENARIO(it_hears_of_what_waits_for_the_end_of_a_move),
        SCENARIO(so_does_a_watch),
        SCENARIO(a_tail_survives_its_node),
        SCENARIO(a_tail_survives_a_failover),
    };
    static const struct {
        const char *name, *query;
    } ways[] = {
        {"redis: tails in a cluster, RESP3", QUICK "&cluster=auto"},
        {"redis: tails in a cluster, RESP2", QUICK "&cluster=auto&protocol=2"},
        {"redis: tails in a cluster, several connections", QUICK "&cluster=yes&max_connections=4"},
    };
    static const scenario_t of_old[] = {SCENARIO(an_old_node_is_subscribed_to_the_classic_way)};
    int failures = SCENARIOS_RUN("redis: tails in an old cluster", of_old, NULL);
    streams_backend.clear = clear;
    cluster_tag(run, SLOT);
    cluster_tag(other, OTHER);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) { /* each with epochs of its own */
        cluster_start(&cluster, NULL);
        failures += SCENARIOS_RUN(ways[i].name, scenarios, cluster_url(&cluster, ways[i].query));
        cluster_stop(&cluster);
    }
    return failures;
}
