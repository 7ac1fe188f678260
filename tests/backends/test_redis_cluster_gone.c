/* A node that is gone for good, and nobody in its place: what is about its slots is told so, with
 * words, and everything else goes on. */
#include "cluster.h"
#include "cluster_view.h"
#include "stream_client.h"

#include <stdio.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=50"

enum {
    MASTERS = 3, /* of two, the one that is left would be a minority, and serve nobody */
    FAIL_FAST_MS = 3000,
    LONG_MS = 30000,
    PLACES = 16,
    ROUNDS = 20
};

static cluster_t cluster;

static void clear(void)
{
    for (int node = 0; node < cluster.count; node++) cluster_ask(&cluster, node, "FLUSHALL");
}

/* A stream in a slot of the node that goes, one in a slot that stays, and the node's place. */
typedef struct loss {
    streams_client_t *s;
    cluster_tag_t low, high;
    int node;
    char place[32];
} loss_t;

static loss_t begin(world_t *w)
{
    loss_t loss = {.s = streams_open(w, NULL), .node = cluster_owner(&cluster, CLUSTER_SLOTS - 1)};
    cluster_tag(loss.low, 1);
    cluster_tag(loss.high, CLUSTER_SLOTS - 1);
    snprintf(loss.place, sizeof loss.place, "127.0.0.1:%d", cluster_port(&cluster, loss.node));
    streams_append(loss.s, loss.low, "a");
    streams_append(loss.s, loss.high, "a");
    return loss;
}

static bool is_there(void *data)
{
    loss_t *loss = data;
    cairn_connection_t rows[PLACES];
    const size_t count = cairn_connections(&loss->s->client->cairn, rows, PLACES);
    for (size_t i = 0; i < count && i < PLACES; i++)
        if (strcmp(rows[i].where, loss->place) == 0 && strcmp(rows[i].role, "commands") == 0 &&
            strcmp(rows[i].state, "ready") == 0)
            return true;
    return false;
}

static bool is_away(void *loss)
{
    return !is_there(loss);
}

/* What is asked from here on is not in doubt. */
static void kill_node(loss_t *loss)
{
    cluster_kill(&cluster, loss->node);
    assert_true(loop_try_for(&loss->s->world->loop, LONG_MS, is_away, loss));
}

static void restart_node(loss_t *loss)
{
    cluster_restart(&cluster, loss->node);
    cluster_await_whole(&cluster);
}

static void bring_back(loss_t *loss)
{
    restart_node(loss);
    assert_true(loop_try_for(&loss->s->world->loop, LONG_MS, is_there, loss));
}

static streams_ask_t *ask_for(loss_t *loss, uint32_t timeout_ms)
{
    streams_ask_t *ask = streams_ask(loss->s);
    ask->timeout_ms = timeout_ms;
    assert_status(ask_append(ask, loss->high, "b", NULL), 0);
    return ask;
}

static bool is_told(void *ask)
{
    return streams_ask_is_done(ask);
}

static void await_told(loss_t *loss, streams_ask_t *ask)
{
    assert_true(loop_try_for(&loss->s->world->loop, LONG_MS, is_told, ask));
    assert_status(ask->status, CAIRN_EDOWN);
    assert_contains(ask->detail, loss->place);
    assert_contains(ask->detail, "onnection refused");
}

static void what_waits_for_it_is_told_and_everything_else_goes_on(world_t *w)
{
    loss_t loss = begin(w);
    follower_t *f = streams_follow(loss.s, loss.low, NULL);
    follower_await(f, "live");
    kill_node(&loss);
    streams_ask_t *patient = ask_for(&loss, CAIRN_NO_TIMEOUT);
    streams_ask_t *ask = ask_for(&loss, LONG_MS);
    for (int i = 0; i < ROUNDS; i++) streams_append(loss.s, loss.low, "e");
    await_told(&loss, ask);
    await_told(&loss, ask_for(&loss, LONG_MS));
    for (int i = 0; i < ROUNDS; i++) streams_append(loss.s, loss.low, "e");
    follower_await_events(f, 2 * ROUNDS);
    assert_int_equal(journal_count(&f->journal, "gap"), 0);
    assert_int_equal(journal_count(&f->journal, "disconnected"), 0);
    assert_false(streams_ask_is_done(patient)); /* who set no deadline waits on */
    bring_back(&loss);
    streams_ask_await(patient, 0);
}

/* Else who asks when it is lost for the second time would be told at once. */
static void it_may_come_back_and_its_time_begins_anew(world_t *w)
{
    loss_t loss = begin(w);
    kill_node(&loss);
    await_told(&loss, ask_for(&loss, LONG_MS));
    bring_back(&loss);
    streams_ask_await(ask_for(&loss, LONG_MS), 0);
    kill_node(&loss);
    streams_ask_t *brief = ask_for(&loss, FAIL_FAST_MS / 6);
    streams_ask_await(brief, UV_ETIMEDOUT);
    assert_contains(brief->detail, "is not connected: ");
    assert_contains(brief->detail, loss.place);
    bring_back(&loss);
}

static void close_handle(streams_ask_t *ask)
{
    client_close(ask->client->client);
}

static void who_is_told_may_close_the_handle(world_t *w)
{
    loss_t loss = begin(w);
    kill_node(&loss);
    streams_ask_t *first = ask_for(&loss, LONG_MS), *second = ask_for(&loss, LONG_MS);
    first->react = close_handle;
    assert_true(loop_try_for(&w->loop, LONG_MS, is_told, second));
    assert_status(first->status, CAIRN_EDOWN);
    assert_status(second->status, UV_ECANCELED);
    restart_node(&loss);
}

int main(void)
{
    static const scenario_t scenarios[] = {
        SCENARIO(what_waits_for_it_is_told_and_everything_else_goes_on),
        SCENARIO(it_may_come_back_and_its_time_begins_anew),
        SCENARIO(who_is_told_may_close_the_handle),
    };
    const cluster_options_t options = {.masters = MASTERS, .replicas = -1, .partial = true};
    char url[256];
    streams_backend.clear = clear;
    cluster_start(&cluster, &options);
    snprintf(url, sizeof url, "redis+cluster://127.0.0.1:%d,127.0.0.1:%d?" QUICK "&fail_fast_ms=%d",
             cluster_port(&cluster, 0), cluster_port(&cluster, 1), FAIL_FAST_MS);
    const int failures = SCENARIOS_RUN("redis: a node that is gone", scenarios, url);
    cluster_stop(&cluster);
    return failures;
}
