/* The layout of Pure Graph in a cluster, key by key: a stream and its list are in slots of their
 * own, so what an append, a clear or a copy does with the list is a step of its own, and may be
 * late, or not come to be at all. What is told of the stream holds all the same. */
#include "cluster.h"
#include "stream_client.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#define QUICK "stream_layout=pure_graph&reconnect_min_ms=1&reconnect_max_ms=20"
#define LATE_MS 300

static cluster_t cluster;

static void clear(void)
{
    for (int node = 0; node < 3; node++) (void)cluster_ask(&cluster, node, "FLUSHALL");
}

/* ---- raw commands ---- */

static int owner_of(const char *key)
{
    return cluster_owner(&cluster, cluster_slot(key));
}

/* The answer of whoever has the key, "command key rest"; good until the node's next. */
static const char *ask(const char *command, const char *key, const char *rest)
{
    char line[256];
    snprintf(line, sizeof line, "%s %s %s", command, key, rest);
    return cluster_ask(&cluster, owner_of(key), line);
}

static void assert_ttl(const char *key, long least, long most)
{
    assert_in_range(strtol(ask("PTTL", key, ""), NULL, 10), least, most);
}

/* Keys in the slot of this one. */
static size_t keys_beside(const char *key)
{
    redisReply *keys = cluster_keys(&cluster, cluster_slot(key));
    const size_t count = keys->elements;
    freeReplyObject(keys);
    return count;
}

static size_t keys_of_all(void)
{
    size_t count = 0;
    for (int node = 0; node < 3; node++)
        count += strtoul(cluster_ask(&cluster, node, "DBSIZE"), NULL, 10);
    return count;
}

#define M1 "eyJldmVudCI6InQiLCJkYXRhIjoxfQ==" /* {"event":"t","data":1} */
#define M2 "eyJldmVudCI6InQiLCJkYXRhIjoyfQ=="

static void push_raw(const char *base64)
{
    char rest[128];
    snprintf(rest, sizeof rest, "* data %s", base64);
    (void)ask("XADD", "stream:run", rest);
    (void)ask("RPUSH", "queue:run", "x");
}

/* ---- what is where ---- */

static void a_cluster_says_that_it_is_not_one_step(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    client_await(s->client, "connected");
    const uint64_t offered = cairn_capabilities(s->streams.cairn);
    assert_true(offered & CAIRN_CAP_STREAMS);
    assert_false(offered & (CAIRN_CAP_STREAMS_ATOMIC | CAIRN_CAP_STREAM_GROUPS));
    w->url = cluster_url(&cluster, "cluster=yes");
    streams_client_t *own = streams_open(w, NULL);
    client_await(own->client, "connected");
    assert_true(cairn_capabilities(own->streams.cairn) & CAIRN_CAP_STREAMS_ATOMIC);
}

static void an_append_leaves_a_stream_and_a_list(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    const cairn_stream_entry_t entry = {.event = cairn_str("t"),
                                        .data = {cairn_str("json"), cairn_str("1")}};
    assert_ends(s->own, ask_append_raw(s->own, cairn_str("run"), &entry, 1, NULL), 0);
    assert_int_not_equal(cluster_slot("stream:run"), cluster_slot("queue:run"));
    assert_string_equal(ask("XLEN", "stream:run", ""), "1");
    assert_string_equal(ask("LLEN", "queue:run", ""), "1");
    assert_string_equal(ask("LINDEX", "queue:run", "0"), "{\"event\":\"t\",\"data\":1}");
    assert_ttl("stream:run", 200000, 300000);
    assert_ttl("queue:run", 200000, 300000);
    assert_int_equal(keys_of_all(), 2);
}

static void every_key_has_a_ttl_and_a_clear_leaves_none(world_t *w)
{
    const cairn_streams_options_t options = {.max_events = 2};
    streams_client_t *s = streams_open(w, &options);
    streams_append(s, "run", "a#1 b#2 c");
    assert_int_equal(keys_of_all(), 4);
    assert_int_equal(keys_beside("stream:run"), 3);
    assert_string_equal(ask("LLEN", "queue:run", ""), "2");
    redisReply *keys = cluster_keys(&cluster, cluster_slot("stream:run"));
    for (size_t i = 0; i < keys->elements; i++) assert_ttl(keys->element[i]->str, 200000, 300000);
    freeReplyObject(keys);
    assert_int_equal(streams_set_ttl(s, "run", 100000), 100000);
    assert_ttl("stream:run", 1, 100000);
    assert_ttl("queue:run", 1, 100000);
    assert_int_equal(streams_set_ttl(s, "run", CAIRN_TTL_PERSIST), CAIRN_TTL_PERSIST);
    assert_string_equal(ask("PTTL", "queue:run", ""), "-1");
    assert_int_equal(streams_clear(s, "run"), 2);
    assert_int_equal(keys_of_all(), 1); /* up to where it was cleared, for a second */
    assert_int_equal(keys_beside("stream:run"), 1);
}

static void an_id_with_a_tag_keeps_all_in_one_slot(world_t *w)
{
    const cairn_streams_options_t options = {.max_events = 2};
    streams_client_t *s = streams_open(w, &options);
    streams_append(s, "{user}:run}", "a#1 b#2 c");
    assert_int_equal(keys_beside("{user}"), 4);
    assert_int_equal(streams_copy(s, "{user}:run}", "copy:{user}", cairn_ttl_ms(100000)), 2);
    assert_int_equal(keys_beside("{user}"), 7);
    assert_stream(s, "copy:{user}", "b#2 c");
    assert_string_equal(ask("LLEN", "queue:copy:{user}", ""), "2");
    assert_int_equal(streams_clear(s, "{user}:run}"), 2);
    assert_string_equal(ask("EXISTS", "queue:{user}:run}", ""), "0");
}

/* ---- a list that is behind ---- */

static void an_append_that_is_repeated_mends_the_list(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a#1 b#2");
    (void)ask("RPOP", "queue:run", "");
    streams_append(s, "run", "a#1 b#2 c#3");
    assert_string_equal(ask("LLEN", "queue:run", ""), "3");
    streams_append(s, "run", "a#1 b#2 c#3 c#3");
    assert_string_equal(ask("LLEN", "queue:run", ""), "3");
    assert_stream(s, "run", "a#1 b#2 c#3");
}

static void what_the_list_refuses_is_told_apart(world_t *w)
{
    static const char said[] = "done with the stream, but not with its list: WRONGTYPE";
    streams_client_t *s = streams_open(w, NULL);
    (void)ask("SET", "queue:run", "x");
    assert_ends(s->own, ask_append(s->own, "run", "a", NULL), CAIRN_ESERVER);
    assert_memory_equal(s->own->detail, said, sizeof said - 1);
    assert_stream(s, "run", "a");
}

static void a_list_that_is_out_of_reach_holds_nothing_else_up(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    char stream[32] = "", list[32] = "";
    for (int i = 0; !*list || owner_of(list) == owner_of(stream); i++) {
        snprintf(stream, sizeof stream, "stream:%d", i);
        snprintf(list, sizeof list, "queue:%d", i);
    }
    const char *run = stream + strlen("stream:");
    const int node = owner_of(list);
    streams_append(s, run, "a#1");
    cluster_pause(&cluster, node);
    streams_ask_t *late = streams_ask(s);
    late->timeout_ms = LATE_MS;
    assert_ends(late, ask_append(late, run, "b#2", NULL), UV_ETIMEDOUT);
    assert_stream(s, run, "a#1 b#2");
    cluster_resume(&cluster, node);
    streams_append(s, run, "b#2");
    assert_stream(s, run, "a#1 b#2");
    assert_string_equal(ask("LLEN", list, ""), "2");
}

/* ---- copies between slots ---- */

static void a_copy_takes_list_and_ids_along(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a#1 b#2");
    (void)ask("RPUSH", "queue:copy", "old");
    assert_int_equal(streams_copy(s, "run", "copy", cairn_ttl_ms(100000)), 2);
    assert_stream(s, "copy", "a#1 b#2");
    assert_string_equal(ask("LLEN", "queue:copy", ""), "2");
    assert_ttl("queue:copy", 1, 100000);
    assert_ttl("stream:copy", 1, 100000);
    streams_append(s, "copy", "b#2 c#3");
    assert_stream(s, "copy", "a#1 b#2 c#3");
    assert_stream(s, "run", "a#1 b#2");
}

static void a_copy_leaves_a_target_and_its_list_alone(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b");
    streams_append(s, "copy", "c");
    assert_ends(s->own, ask_copy_stream(s->own, "run", "copy", (cairn_ttl_t){0}), UV_EEXIST);
    assert_stream(s, "copy", "c");
    assert_string_equal(ask("LLEN", "queue:copy", ""), "1");
    assert_int_equal(streams_copy(s, "nothing", "other", (cairn_ttl_t){0}), 0);
    assert_false(streams_exists(s, "other"));
}

static void a_copy_without_a_list_leaves_none(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a");
    (void)ask("DEL", "queue:run", "");
    (void)ask("RPUSH", "queue:copy", "old");
    assert_int_equal(streams_copy(s, "run", "copy", cairn_ttl_ms(100000)), 1);
    assert_string_equal(ask("EXISTS", "queue:copy", ""), "0");
}

/* ---- who follows ---- */

static void what_others_push_is_followed(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_backend.other_type = "json";
    push_raw(M1);
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    follower_await(f, "event t=1", "live");
    push_raw(M2);
    follower_await(f, "event t=1", "live", "event t=2");
}

static void a_stream_is_followed_to_where_its_slot_goes(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    const unsigned slot = cluster_slot("stream:run");
    const int home = cluster_owner(&cluster, slot);
    follower_t *f = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    streams_append(s, "run", "a#1");
    cluster_move(&cluster, slot, slot, (home + 1) % 3);
    streams_append(s, "run", "a#1 b#2");
    follower_await_events(f, 2);
    cluster_move(&cluster, slot, slot, home);
    streams_append(s, "run", "c#3");
    follower_await_events(f, 3);
    assert_string_equal(text_chars(&f->text), "a#1 b#2 c#3");
    assert_int_equal(journal_count(&f->journal, "gap"), 0);
}

/* Only those that are there are told of it. */
static void a_lost_node_is_told_to_who_follows_what_it_has(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *f = streams_follow(s, "run", NULL);
    char other[32] = "";
    for (int i = 0; !*other || owner_of(other) == owner_of("stream:run"); i++)
        snprintf(other, sizeof other, "stream:%d", i);
    follower_t *beside = streams_follow(s, other + strlen("stream:"), NULL);
    follower_await(f, "live");
    follower_await(beside, "live");
    (void)cluster_ask(&cluster, owner_of("stream:run"), "CLIENT KILL TYPE normal SKIPME yes");
    follower_await_count(f, "resumed", 1);
    streams_append(s, "run", "a");
    follower_await_events(f, 1);
    streams_append(s, other + strlen("stream:"), "b");
    follower_await(beside, "live", "event b");
}

/* ---- a cluster that says that it is one ---- */

static void what_waits_until_it_says_so_goes_to_its_place(world_t *w)
{
    clear();
    push_raw(M1);
    streams_backend.other_type = "json";
    client_t *c = world_client(w);
    assert_status(client_try_open(c, NULL), 0);
    streams_client_t *s = streams_on(c);
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    streams_ask_t *length = streams_ask(s), *read = streams_ask(s);
    assert_status(ask_length(length, "run"), 0);
    assert_status(ask_read(read, cairn_str("run"), NULL), 0);
    streams_ask_await(length, 0);
    assert_int_equal(length->count, 1);
    streams_ask_await(read, 0);
    assert_string_equal(text_chars(&read->text), "t=1");
    follower_await(f, "event t=1", "live");
    streams_append(s, "run", "a");
    follower_await(f, "event t=1", "live", "event a");
}

static const scenario_t scenarios[] = {
    SCENARIO(a_cluster_says_that_it_is_not_one_step),
    SCENARIO(an_append_leaves_a_stream_and_a_list),
    SCENARIO(every_key_has_a_ttl_and_a_clear_leaves_none),
    SCENARIO(an_id_with_a_tag_keeps_all_in_one_slot),
    SCENARIO(an_append_that_is_repeated_mends_the_list),
    SCENARIO(what_the_list_refuses_is_told_apart),
    SCENARIO(a_list_that_is_out_of_reach_holds_nothing_else_up),
    SCENARIO(a_copy_takes_list_and_ids_along),
    SCENARIO(a_copy_leaves_a_target_and_its_list_alone),
    SCENARIO(a_copy_without_a_list_leaves_none),
    SCENARIO(what_others_push_is_followed),
    SCENARIO(a_stream_is_followed_to_where_its_slot_goes),
    SCENARIO(a_lost_node_is_told_to_who_follows_what_it_has),
    SCENARIO(what_waits_until_it_says_so_goes_to_its_place),
};

int main(void)
{
    /* A node that is stopped for a moment is not given up. */
    const cluster_options_t options = {.replicas = -1, .node_timeout_ms = 6000};
    cluster_start(&cluster, &options);
    streams_backend.clear = clear;
    int failures = SCENARIOS_RUN("the layout of Pure Graph, cluster, RESP3", scenarios,
                                 cluster_url(&cluster, "cluster=auto&" QUICK));
    failures += SCENARIOS_RUN("the layout of Pure Graph, cluster, RESP2", scenarios,
                              cluster_url(&cluster, "cluster=yes&protocol=2&" QUICK));
    cluster_stop(&cluster);
    return failures;
}
