/* Requests find their node, and follow their slot when it moves. */
#include "cluster.h"
#include "scripted_cluster.h"
#include "store_client.h"
#include "stream_client.h"

#include <cairn/store.h>
#include <stdio.h>
#include <stdlib.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=50"

enum {
    MANY = 90,
    SLOT = 7000, /* of the second of three masters */
    LARGE = 3000
};

static cluster_t cluster;
static redis_t alone;

/* Keys and counts of errors are those of the test that follows. */
static void clear(void)
{
    cluster_await_whole(&cluster);
    for (int i = 0; i < cluster.count; i++) {
        if (!cluster_is_running(&cluster, i)) continue;
        const bool is_master = strstr(cluster_ask(&cluster, i, "INFO replication"), "role:master");
        if (is_master) cluster_ask(&cluster, i, "FLUSHALL");
        cluster_ask(&cluster, i, "CONFIG RESETSTAT");
    }
}

/* How often a node has said so. */
static long said_by(int node, const char *word)
{
    char field[64];
    snprintf(field, sizeof field, "errorstat_%s:count=", word);
    const char *at = strstr(cluster_ask(&cluster, node, "INFO errorstats"), field);
    return at ? strtol(at + strlen(field), NULL, 10) : 0;
}

static long said(const char *word)
{
    long count = 0;
    for (int i = 0; i < cluster.count; i++)
        if (cluster_is_running(&cluster, i)) count += said_by(i, word);
    return count;
}

static void forget_said(void)
{
    for (int i = 0; i < cluster.count; i++)
        if (cluster_is_running(&cluster, i)) cluster_ask(&cluster, i, "CONFIG RESETSTAT");
}

static long keys_of(int node)
{
    return strtol(cluster_ask(&cluster, node, "DBSIZE"), NULL, 10);
}

/* One that has the map. */
static streams_client_t *open_connected(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    client_await(s->client, "connected");
    return s;
}

/* ---- a calm cluster ---- */

static void every_request_goes_to_its_node_at_once(world_t *w)
{
    clear();
    streams_client_t *s = streams_on(world_open(w, NULL));
    streams_ask_t *asks[MANY];
    char name[MANY][16];
    for (int i = 0; i < MANY; i++) { /* before there is a map */
        snprintf(name[i], sizeof name[i], "run-%d", i);
        asks[i] = streams_ask(s);
        assert_status(ask_append(asks[i], name[i], "a", NULL), 0);
    }
    for (int i = 0; i < MANY; i++) streams_ask_await(asks[i], 0);
    client_await(s->client, "connected");
    forget_said();
    for (int i = 0; i < MANY; i++) streams_append(s, name[i], "b");
    for (int i = 0; i < MANY; i++) assert_stream(s, name[i], "a b");
    for (int i = 0; i < 3; i++) assert_in_range(keys_of(i), 1, 2 * MANY);
    assert_int_equal(said("MOVED"), 0);
}

static void a_tail_hears_of_every_node(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    for (unsigned slot = 100; slot < 16384; slot += 5500) {
        cluster_tag_t name;
        cluster_tag(name, slot);
        follower_t *f = streams_follow(s, name, NULL);
        follower_await(f, "live");
        streams_append(s, name, "a b");
        follower_await(f, "live", "event a", "event b");
    }
}

static void one_seed_of_many_will_do(world_t *w)
{
    char url[256];
    snprintf(url, sizeof url, "redis+cluster://127.0.0.1:1,127.0.0.1:%d?" QUICK,
             cluster_port(&cluster, 4));
    w->url = url;
    streams_client_t *s = streams_open(w, NULL);
    client_await(s->client, "connected");
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "run-%d", i);
        streams_append(s, name, "a");
    }
    assert_int_equal(said("MOVED"), 0);
}

static void cluster_no_is_told_what_the_server_says(world_t *w)
{
    char url[256];
    cluster_tag_t name;
    snprintf(url, sizeof url, "redis://127.0.0.1:%d?cluster=no", cluster_port(&cluster, 0));
    w->url = url;
    streams_client_t *s = streams_open(w, NULL);
    streams_ask_t *ask = streams_ask(s);
    assert_ends(ask, ask_append(ask, cluster_tag(name, SLOT), "a", NULL), CAIRN_ECLUSTER);
    assert_contains(ask->detail, "MOVED 7000 ");
}

/* ---- slots move ---- */

static void a_moved_slot_is_followed(world_t *w)
{
    cluster_tag_t name;
    cluster_tag(name, SLOT);
    streams_client_t *s = open_connected(w);
    const int from = cluster_owner(&cluster, SLOT), to = (from + 1) % 3;
    streams_append(s, name, "a b");
    cluster_move(&cluster, SLOT, SLOT, to);
    streams_append(s, name, "c");
    streams_append(s, name, "d");
    assert_stream(s, name, "a b c d");
    assert_int_equal(said("MOVED"), 1);
    cluster_move(&cluster, SLOT, SLOT, from);
}

static void what_is_in_flight_follows_in_its_order(world_t *w)
{
    cluster_tag_t name;
    cluster_tag(name, SLOT);
    streams_client_t *s = open_connected(w);
    const int from = cluster_owner(&cluster, SLOT), to = (from + 1) % 3;
    streams_ask_t *asks[MANY];
    text_t expected = {.chars = NULL};
    streams_append(s, name, "begin");
    cluster_move(&cluster, SLOT, SLOT, to);
    text_add(&expected, "begin");
    for (int i = 0; i < MANY; i++) {
        const cairn_stream_append_options_t options = {.ttl = cairn_ttl_ms(100000u + (unsigned)i)};
        char word[16];
        snprintf(word, sizeof word, "e%d", i);
        text_add(&expected, " %s", word);
        asks[i] = streams_ask(s);
        assert_status(ask_append(asks[i], name, word, &options), 0);
    }
    for (int i = 0; i < MANY; i++) streams_ask_await(asks[i], 0);
    assert_stream(s, name, text_chars(&expected));
    text_free(&expected);
    assert_in_range(said("MOVED"), 1, MANY);
    cluster_move(&cluster, SLOT, SLOT, from);
}

static void a_transaction_follows_as_a_whole(world_t *w)
{
    char large[LARGE];
    memset(large, 'x', sizeof large);
    const cairn_stream_entry_t entry = {
        .event = cairn_str("m"), .data = {cairn_str(TEXT_TYPE), cairn_slice(large, sizeof large)}};
    cluster_tag_t name;
    cluster_tag(name, SLOT);
    streams_client_t *s = open_connected(w);
    const int from = cluster_owner(&cluster, SLOT), to = (from + 1) % 3;
    const cairn_slice_t stream = cairn_str(name);
    for (int i = 0; i < 3; i++) /* by then it is known to be there, and pushed to */
        assert_ends(s->own, ask_append_raw(s->own, stream, &entry, 1, NULL), 0);
    cluster_move(&cluster, SLOT, SLOT, to);
    assert_ends(s->own, ask_append_raw(s->own, stream, &entry, 1, NULL), 0);
    assert_int_equal(said_by(from, "EXECABORT"), 1);
    assert_int_equal(streams_length(s, name), 4);
    cluster_move(&cluster, SLOT, SLOT, from);
}

static void ask_is_followed_each_time(world_t *w)
{
    cluster_tag_t name;
    cluster_tag(name, SLOT);
    streams_client_t *s = open_connected(w);
    const int from = cluster_owner(&cluster, SLOT), to = (from + 1) % 3;
    streams_append(s, name, "a");
    cluster_move_begin(&cluster, SLOT, to);
    while (cluster_move_keys(&cluster, SLOT, to, 10) > 0) continue;
    assert_int_equal(streams_length(s, name), 1);
    assert_int_equal(streams_length(s, name), 1);
    assert_in_range(said_by(from, "ASK"), 2, 100); /* more when one waits for a CLUSTERDOWN */
    assert_int_equal(said("MOVED"), 0);
    cluster_move_finish(&cluster, SLOT, to);
    streams_append(s, name, "b");
    assert_stream(s, name, "a b");
    assert_int_equal(said("MOVED"), 1);
    cluster_move(&cluster, SLOT, SLOT, from);
}

/* Of a stream's two keys one has gone. */
static void what_is_to_be_tried_again_waits(world_t *w)
{
    cluster_tag_t name;
    cluster_tag(name, SLOT);
    streams_client_t *s = open_connected(w);
    const int from = cluster_owner(&cluster, SLOT), to = (from + 1) % 3;
    streams_append(s, name, "a");
    cluster_move_begin(&cluster, SLOT, to);
    assert_int_equal(cluster_move_keys(&cluster, SLOT, to, 1), 1);
    streams_ask_t *ask = streams_ask(s);
    assert_status(ask_append(ask, name, "b", NULL), 0);
    const uint64_t deadline = uv_hrtime() + UINT64_C(20000000000);
    while (said("TRYAGAIN") < 3 && uv_hrtime() < deadline) uv_run(&w->loop, UV_RUN_NOWAIT);
    assert_false(streams_ask_is_done(ask));
    while (cluster_move_keys(&cluster, SLOT, to, 10) > 0) continue;
    cluster_move_finish(&cluster, SLOT, to);
    streams_ask_await(ask, 0);
    assert_stream(s, name, "a b");
    assert_in_range(said("TRYAGAIN"), 3, 100000);
    cluster_move(&cluster, SLOT, SLOT, from);
}

/* All that there is of it has gone, and the script names a key that was never there: each time it
 * is sent on, and then told to wait. */
static void so_does_what_is_sent_on_each_time(world_t *w)
{
    cluster_tag_t name;
    cluster_tag(name, SLOT);
    streams_client_t *s = open_connected(w);
    const int from = cluster_owner(&cluster, SLOT), to = (from + 1) % 3;
    streams_append(s, name, "a");
    cluster_move_begin(&cluster, SLOT, to);
    while (cluster_move_keys(&cluster, SLOT, to, 10) > 0) continue;
    streams_ask_t *ask = streams_ask(s);
    ask->timeout_ms = 30000;
    assert_status(ask_append(ask, name, "b", NULL), 0);
    const uint64_t deadline = uv_hrtime() + UINT64_C(20000000000);
    while (said("TRYAGAIN") < 25 && !streams_ask_is_done(ask) && uv_hrtime() < deadline)
        uv_run(&w->loop, UV_RUN_NOWAIT);
    assert_false(streams_ask_is_done(ask));
    assert_in_range(said("TRYAGAIN"), 25, 100000);
    cluster_move_finish(&cluster, SLOT, to);
    streams_ask_await(ask, 0);
    assert_stream(s, name, "a b");
    cluster_move(&cluster, SLOT, SLOT, from);
}

/* ---- nodes change ---- */

/* Not behind a failover by command: killed too soon after it, a master may not be replaced, for its
 * replica claims the slots with an older epoch. */
static void a_killed_master_is_replaced(world_t *w)
{
    cluster_tag_t name, other, third;
    cluster_tag(name, SLOT);
    cluster_tag(other, 100);
    cluster_tag(third, 16000);
    streams_client_t *s = streams_open(w, NULL);
    const int master = cluster_owner(&cluster, SLOT);
    streams_append(s, name, "a");
    streams_append(s, other, "a"); /* so all three are connected to */
    streams_append(s, third, "a");
    cluster_await_whole(&cluster);
    cluster_kill(&cluster, master);
    client_await_count(s->client, "connected", 1);
    streams_ask_t *ask = streams_ask(s);
    ask->timeout_ms = 30000;
    do {
        assert_status(ask_length(ask, name), 0);
        while (!streams_ask_is_done(ask)) uv_run(&w->loop, UV_RUN_ONCE);
    } while (ask->status == CAIRN_EMAYBE);
    assert_int_equal(ask->status, 0);
    assert_int_equal(ask->count, 1);
    streams_append(s, other, "x");
    assert_int_equal(journal_count(&s->client->journal, "disconnected"), 0);
    cluster_restart(&cluster, master);
    cluster_await_whole(&cluster);
}

static void a_failover_by_command_is_followed(world_t *w)
{
    cluster_tag_t name;
    cluster_tag(name, SLOT);
    streams_client_t *s = streams_open(w, NULL);
    const int master = cluster_owner(&cluster, SLOT);
    streams_append(s, name, "a");
    cluster_failover(&cluster, cluster_replica_of(&cluster, master), NULL);
    streams_append(s, name, "b");
    assert_stream(s, name, "a b");
    cluster_await_whole(&cluster);
}

/* ---- liars ---- */

static void a_loop_of_asks_ends(world_t *w)
{
    scripted_cluster_t *liars = scripted_cluster_of(w, 2);
    scripted_ask_loop(liars, "PUBLISH", SLOT, 0, 1);
    client_t *c = world_open(w, "cluster=auto&" QUICK);
    pub_t *pub = client_publish(c, "news", "x");
    pub_await(pub, CAIRN_ECLUSTER);
    char place[32];
    for (int i = 0; i < 2; i++) {
        snprintf(place, sizeof place, "127.0.0.1:%d", liars->nodes[i].port);
        assert_contains(pub->detail, place);
    }
    assert_contains(pub->detail, "ASK 7000");
}

static void a_loop_of_moved_ends(world_t *w)
{
    scripted_cluster_t *liars = scripted_cluster_of(w, 2);
    scripted_moved_loop(liars, "PUBLISH", SLOT, 0, 1);
    client_t *c = world_open(w, "cluster=auto&" QUICK);
    pub_t *pub = client_publish(c, "news", "x");
    pub_await(pub, CAIRN_ECLUSTER);
    assert_contains(pub->detail, "MOVED 7000");
}

static void moved_to_nowhere_is_the_one_that_said_it(world_t *w)
{
    scripted_cluster_t *liars = scripted_cluster_of(w, 2);
    for (int i = 0; i < 2; i++)
        scripted_once(&liars->nodes[i], "PUBLISH",
                      scripted_moved(liars, SLOT, "", liars->nodes[1 - i].port));
    client_t *c = world_open(w, "cluster=auto&" QUICK);
    pub_await(client_publish(c, "news", "x"), 0);
}

static bool both_are_there(void *client)
{
    cairn_node_t rows[8];
    const size_t count = cairn_nodes(&((client_t *)client)->cairn, rows, 8);
    size_t ready = 0;
    for (size_t i = 0; i < count && i < 8; i++)
        ready += rows[i].ready && strcmp(rows[i].role, "master") == 0;
    return ready == 2;
}

typedef struct asked {
    const scripted_t *node;
    size_t before;
} asked_t;

static bool is_asked_twice_more(void *data)
{
    const asked_t *asked = data;
    return journal_count(&asked->node->journal, "CLUSTER SHARDS") >= asked->before + 2;
}

/* As Redis 8.0 names it; others would but send what is about it back to it. */
static void what_is_of_a_failed_master_without_slots_waits_for_it(world_t *w)
{
    static const scripted_shard_t map[] = {{.slots = "0-8191"}, {.slots = "", .health = "fail"}};
    scripted_cluster_t *nodes = scripted_cluster_of(w, 2);
    scripted_t *there = &nodes->nodes[0], *gone = &nodes->nodes[1];
    cluster_tag_t last;
    cluster_tag(last, 16383);
    scripted_always(gone, "SPUBLISH", ":1\r\n");
    scripted_always(there, "SPUBLISH", scripted_moved(nodes, 16383, "127.0.0.1", gone->port));
    client_t *c = world_open(w, "cluster=yes&sharded_topics=1&" QUICK);
    client_await(c, "connected");
    pub_await(client_publish(c, last, "x"), 0);
    scripted_cluster_say(nodes, 0, map, 2);
    asked_t asked = {there, journal_count(&there->journal, "CLUSTER SHARDS")};
    scripted_refuse(gone);
    scripted_hangup(gone);
    loop_run_until(&w->loop, "the map is asked for", is_asked_twice_more, &asked);
    const size_t before = journal_count(&there->journal, "SPUBLISH");
    pub_t *late = client_request(c), *patient = client_publish(c, last, "x");
    late->publish.req.timeout_ms = 100;
    pub_again(late, last, "x");
    pub_await(late, UV_ETIMEDOUT);
    assert_int_equal(journal_count(&there->journal, "SPUBLISH"), before);
    scripted_accept(gone);
    pub_await(patient, 0);
}

/* Not after the two seconds in which somebody else would have been asked, either. */
static void a_map_that_is_whole_is_not_asked_for_again_soon(world_t *w)
{
    scripted_cluster_t *nodes = scripted_cluster_of(w, 2);
    client_t *c = world_open(w, "cluster=auto&" QUICK);
    client_await(c, "connected");
    loop_run_until(&w->loop, "both nodes are there", both_are_there, c);
    loop_run_for(&w->loop, 700); /* it is asked for once more */
    const size_t before = journal_count(&nodes->nodes[0].journal, "CLUSTER SHARDS") +
                          journal_count(&nodes->nodes[1].journal, "CLUSTER SHARDS");
    loop_run_for(&w->loop, 2500);
    const size_t after = journal_count(&nodes->nodes[0].journal, "CLUSTER SHARDS") +
                         journal_count(&nodes->nodes[1].journal, "CLUSTER SHARDS");
    assert_int_equal(after, before);
}

/* Unless its deadline passes while it is being asked once more. */
static void who_waits_for_a_cluster_that_is_down_hears_of_it(world_t *w)
{
    enum {
        TRIES = 10
    };
    static const char words[] = "no node takes it yet: CLUSTERDOWN The cluster is down";
    scripted_cluster_t *down = scripted_cluster_of(w, 2);
    for (int i = 0; i < 2; i++)
        scripted_always(&down->nodes[i], "PUBLISH", "-CLUSTERDOWN The cluster is down\r\n");
    client_t *c = world_open(w, "cluster=auto&" QUICK);
    bool told = false;
    for (int i = 0; i < TRIES && !told; i++) {
        pub_t *pub = client_request(c);
        pub->publish.req.timeout_ms = 200;
        pub_again(pub, "news", "x");
        pub_await(pub, UV_ETIMEDOUT);
        told = strcmp(pub->detail, words) == 0;
    }
    assert_true(told);
}

static void a_server_alone_is_refused_where_a_cluster_is_asked_for(world_t *w)
{
    scripted_of(w);
    client_t *c = world_open(w, "cluster=yes&" QUICK);
    client_await_count(c, "disconnected CAIRN_ECLUSTER", 2);
    assert_contains(c->detail, "not a node of a cluster");
}

/* ---- options, and what the server says ---- */

static void refused(world_t *w, const char *url, const char *why)
{
    w->url = url;
    client_t *c = world_client(w);
    assert_status(client_try_open(c, NULL), CAIRN_EOPTION);
    assert_contains(c->error.text, why);
}

static void what_cannot_be_a_cluster_is_refused(world_t *w)
{
    refused(w, "redis://localhost?cluster=perhaps", "cluster is neither");
    refused(w, "redis+cluster://localhost?cluster=no", "cluster=no, but");
    refused(w, "unix:///socket?cluster=yes", "a socket's path");
    refused(w, "redis+sentinel://localhost/service?cluster=yes", "sentinels");
    refused(w, "redis://localhost/2?cluster=yes", "one database");
}

static void one_server_is_used_as_such(world_t *w)
{
    streams_client_t *s = streams_on(world_open(w, NULL));
    streams_append(s, "run", "a b"); /* before it is known */
    assert_true(cairn_capabilities(&s->client->cairn) & CAIRN_CAP_SAVER);
    assert_int_equal(streams_copy(s, "run", "copy", (cairn_ttl_t){0}), 2);
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    follower_await_events(f, 2);
    streams_append(s, "run", "c");
    follower_await_events(f, 3);
    assert_string_equal(redis_ask(&alone, "PUBSUB CHANNELS langgraph:queue@0:run"), "1");
}

static void what_names_several_slots_too_early_is_carried_out(world_t *w)
{
    clear();
    streams_client_t *s = streams_on(world_open(w, NULL));
    streams_ask_t *copy = streams_ask(s), *append = streams_ask(s), *cancelled = streams_ask(s);
    assert_status(ask_append(append, "run-1", "a", NULL), 0);
    assert_status(ask_copy_stream(cancelled, "run-1", "run-3", (cairn_ttl_t){0}), 0);
    assert_status(ask_copy_stream(copy, "run-1", "run-2", (cairn_ttl_t){0}), 0);
    assert_status(cairn_cancel(&cancelled->of.req), 0);
    streams_ask_await(append, 0);
    streams_ask_await(copy, 0);
    streams_ask_await(cancelled, UV_ECANCELED);
    assert_stream(s, "run-1", "a");
    assert_stream(s, "run-2", "a");
    assert_false(streams_exists(s, "run-3"));
}

/* Tails elsewhere hear of it at once. */
static void what_streams_are_asked_too_early_is_carried_out(world_t *w)
{
    clear();
    streams_client_t *other = streams_open(w, NULL);
    follower_t *f = streams_follow(other, "run", NULL);
    follower_await(f, "live");
    streams_client_t *s = streams_on(world_open(w, NULL));
    streams_ask_t *one = streams_ask(s), *many = streams_ask(s), *group = streams_ask(s);
    streams_ask_t *read = streams_ask(s);
    assert_status(ask_append(one, "run", "a", NULL), 0);
    assert_status(ask_append(many, "run", "b c d", NULL), 0);
    assert_status(ask_group_create(group, "run", "g", NULL), 0);
    assert_status(ask_length(read, "run"), 0);
    streams_ask_await(one, 0);
    streams_ask_await(many, 0);
    streams_ask_await(group, 0);
    streams_ask_await(read, 0);
    follower_await(f, "live", "event a", "event b", "event c", "event d");
    assert_int_equal(said("NOSCRIPT"), 0);
}

/* Where the lists are that it belongs to depends on what the server is. */
static void what_a_store_is_asked_too_early_is_carried_out(world_t *w)
{
    clear();
    items_t *s = items_on(world_open(w, NULL));
    call_t *put = items_call(s);
    assert_status(call_put(put, &(item_words_t){.ns = "users/u-1", .key = "k", .value = "1"}), 0);
    call_await(put, 0);
    assert_search(s, "users/u-1:k", .prefix = ns("users"));
    items_t *other = items_open(w, NULL);
    assert_search(other, "users/u-1:k", .prefix = ns("users"));
}

int main(void)
{
    static const scenario_t scenarios[] = {
        SCENARIO(every_request_goes_to_its_node_at_once),
        SCENARIO(a_tail_hears_of_every_node),
        SCENARIO(one_seed_of_many_will_do),
        SCENARIO(cluster_no_is_told_what_the_server_says),
        SCENARIO(a_moved_slot_is_followed),
        SCENARIO(what_is_in_flight_follows_in_its_order),
        SCENARIO(a_transaction_follows_as_a_whole),
        SCENARIO(ask_is_followed_each_time),
        SCENARIO(what_is_to_be_tried_again_waits),
        SCENARIO(so_does_what_is_sent_on_each_time),
        SCENARIO(a_killed_master_is_replaced),
        SCENARIO(a_failover_by_command_is_followed),
    };
    static const scenario_t lies[] = {
        SCENARIO(a_loop_of_asks_ends),
        SCENARIO(a_loop_of_moved_ends),
        SCENARIO(moved_to_nowhere_is_the_one_that_said_it),
        SCENARIO(who_waits_for_a_cluster_that_is_down_hears_of_it),
        SCENARIO(a_map_that_is_whole_is_not_asked_for_again_soon),
        SCENARIO(what_is_of_a_failed_master_without_slots_waits_for_it),
        SCENARIO(a_server_alone_is_refused_where_a_cluster_is_asked_for),
    };
    static const struct {
        const char *name, *query;
    } ways[] = {
        {"redis: a cluster, as it says", QUICK "&cluster=auto"},
        {"redis: a cluster, several connections a node",
         QUICK "&cluster=yes&max_connections=6&spread_after=1"},
    };
    static const scenario_t of_one[] = {
        SCENARIO(what_cannot_be_a_cluster_is_refused),
        SCENARIO(one_server_is_used_as_such),
    };
    static const scenario_t early[] = {
        SCENARIO(what_names_several_slots_too_early_is_carried_out),
        SCENARIO(what_streams_are_asked_too_early_is_carried_out),
        SCENARIO(what_a_store_is_asked_too_early_is_carried_out),
    };
    int failures = SCENARIOS_RUN("redis: nodes that lie", lies, NULL);
    redis_start(&alone, NULL);
    failures += SCENARIOS_RUN("redis: perhaps a cluster", of_one,
                              redis_url(&alone, NULL, "?cluster=auto&" QUICK));
    redis_stop(&alone);
    streams_backend.clear = clear;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) { /* each with epochs of its own */
        cluster_start(&cluster, NULL);
        failures += SCENARIOS_RUN(ways[i].name, scenarios, cluster_url(&cluster, ways[i].query));
        if (i == 0)
            failures +=
                SCENARIOS_RUN("redis: not known yet", early, cluster_url(&cluster, ways[i].query));
        cluster_stop(&cluster);
    }
    return failures;
}
