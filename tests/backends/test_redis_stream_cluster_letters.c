/* Dead letters of a cluster, which are in another slot than their stream: they are moved by whoever
 * finds them, in several calls. Whoever is cut off between two of these leaves them to the next,
 * and every one arrives once. */
#include "cluster.h"
#include "cut.h"
#include "loop.h"
#include "stream_client.h"

#include <stdio.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=20"

enum {
    MASTERS = 2,
    BRIEF_MS = 300
};

static cluster_t cluster;
static cut_t cut;
static cluster_tag_t dead; /* in another slot of the node of the stream */
static cairn_group_options_t once = {.from = CAIRN_FROM_ALL, .max_deliveries = 1};

static void clear(void)
{
    for (int node = 0; node < MASTERS; node++) (void)cluster_ask(&cluster, node, "FLUSHALL");
}

static bool is_over(void *ask)
{
    return streams_ask_is_done(ask);
}

static bool is_settled(void *client)
{
    cairn_connection_t rows[8];
    const size_t count = cairn_connections(&((client_t *)client)->cairn, rows, 8);
    for (size_t i = 0; i < count && i < 8; i++)
        if (strcmp(rows[i].state, "ready") != 0 || rows[i].inflight > 0) return false;
    return count > 0;
}

static void stand_between(world_t *w, int node)
{
    static char url[128];
    cut_open(&cut, &w->loop, cluster_port(&cluster, node));
    cluster_announce(&cluster, node, cut.port);
    snprintf(url, sizeof url, "redis+cluster://127.0.0.1:%d?" QUICK, cut.port);
    w->url = url;
}

static void stand_aside(int node)
{
    cluster_announce(&cluster, node, 0);
    cut_close(&cut);
}

/* ---- one by one ---- */

typedef int (*asking_t)(streams_ask_t *ask, const cairn_position_t *positions);

static int ask_claim(streams_ask_t *ask, const cairn_position_t *positions)
{
    (void)positions;
    return ask_group_claim(ask, "run", "g", "two", 9, 0);
}

static int ask_nak(streams_ask_t *ask, const cairn_position_t *positions)
{
    return ask_group_nak(ask, "run", "g", positions, 2, 0);
}

/* Gives how many commands it took, `at` 0: it is not cut off. */
static size_t ask_cut_off(world_t *w, asking_t asking, size_t at)
{
    clear();
    streams_client_t *s = streams_on(world_open(w, NULL));
    streams_append(s, "run", "a#1 b c");
    group_create(s, &once);
    assert_false(streams_exists(s, dead));
    assert_string_equal(group_read(s, "one", 2), "a#1:1 b:1");
    assert_true(loop_try_until(&w->loop, is_settled, s->client));
    cut_heal(&cut);
    if (at > 0) cut_arm(&cut, at);
    streams_ask_t *ask = streams_ask(s);
    ask->timeout_ms = BRIEF_MS;
    assert_status(asking(ask, s->own->positions), 0);
    assert_true(loop_try_until(&w->loop, is_over, ask));
    if (at == 0) assert_status(ask->status, 0);
    const size_t commands = cut.commands;
    client_close(s->client);
    client_await_closed(s->client);
    cut_heal(&cut);
    return commands;
}

static void cut_off_all_ways(world_t *w, asking_t asking)
{
    const int node = cluster_owner(&cluster, cluster_slot("run"));
    assert_int_equal(cluster_owner(&cluster, cluster_slot(dead)), node);
    stand_between(w, node);
    const size_t cuts = ask_cut_off(w, asking, 0) + 1;
    assert_in_range(cuts, 4, 16);
    size_t half = 0;
    for (size_t at = 1; at <= cuts; at++) {
        (void)ask_cut_off(w, asking, at);
        streams_client_t *s = streams_on(world_open(w, NULL));
        group_info(s);
        half += streams_exists(s, dead) && s->own->group_facts.held > 0;
        assert_string_equal(group_read(s, "three", 9), "c:1");
        group_ack(s, 0, 1);
        assert_string_equal(group_claim(s, "three", 9, 0), "");
        group_info(s);
        assert_int_equal(s->own->group_facts.held, 0);
        assert_stream(s, dead, "a#1 b");
        client_close(s->client);
        client_await_closed(s->client);
    }
    printf("%zu cuts, behind %zu of them it was half done\n", cuts, half);
    assert_true(half > 0);
    stand_aside(node);
}

static void whoever_is_cut_off_in_a_claim_leaves_letters_to_the_next(world_t *w)
{
    cut_off_all_ways(w, ask_claim);
}

static void whoever_is_cut_off_in_a_nak_leaves_letters_to_the_next(world_t *w)
{
    cut_off_all_ways(w, ask_nak);
}

static void a_read_that_waits_moves_what_is_due_and_waits_on(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a");
    group_create(s, &once);
    assert_string_equal(group_read(s, "one", 2), "a:1");
    streams_ask_t *ask = streams_ask(s);
    assert_status(ask_group_read(ask, "run", "g", "two", 9, 5000), 0);
    group_nak(s, 0, 1, 0);
    assert_stream(s, dead, "a");
    streams_append(s, "run", "b");
    streams_ask_await(ask, 0);
    assert_string_equal(text_chars(&ask->text), "b:1");
}

static void many_letters_go_in_pieces(world_t *w)
{
    enum {
        EVENTS = 300
    };
    streams_client_t *s = streams_open(w, NULL);
    group_create(s, &once);
    for (int i = 0; i < EVENTS; i++) streams_append(s, "run", "a");
    for (int i = 0; i < EVENTS; i += 100) (void)group_read(s, "one", 100);
    assert_string_equal(group_claim(s, "two", 9, 0), "");
    assert_int_equal(streams_length(s, dead), EVENTS);
    group_info(s);
    assert_int_equal(s->own->group_facts.held, 0);
}

static const scenario_t scenarios[] = {
    SCENARIO(a_read_that_waits_moves_what_is_due_and_waits_on),
    SCENARIO(many_letters_go_in_pieces),
    SCENARIO(whoever_is_cut_off_in_a_claim_leaves_letters_to_the_next),
    SCENARIO(whoever_is_cut_off_in_a_nak_leaves_letters_to_the_next),
};

int main(void)
{
    const cluster_options_t options = {.masters = MASTERS, .replicas = -1};
    static char url[1024];
    cluster_start(&cluster, &options);
    once.dead_letter = cairn_str(cluster_tag(dead, 200));
    snprintf(url, sizeof url, "redis+cluster%s", strchr(cluster_url(&cluster, NULL), ':'));
    streams_backend = (streams_backend_t){.clear = clear};
    const int failures = SCENARIOS_RUN("redis cluster: dead letters", scenarios, url);
    cluster_stop(&cluster);
    return failures;
}
