/* A client is cut off behind each command of what it asks for, and the master is killed: what an
 * object consists of, and when each key of it expires, is then as before or as after, never some of
 * both. */
#include "cluster.h"
#include "cluster_view.h"
#include "cut.h"
#include "saver_client.h"
#include "store_client.h"
#include "stream_client.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=20"
#define HOUR INT64_C(3600000)

enum {
    CUTS_MOST = 64,
    CHANGES_MOST = 8,
    BRIEF_MS = 300,
    STATE = 2048
};

static cluster_t cluster;

/* ---- what is asked: of an object that expires in an hour, what makes it two ---- */

/* One of them. */
typedef struct hands {
    saver_client_t *saver;
    items_t *items;
    streams_client_t *streams;
    client_t *client;
} hands_t;

typedef struct change {
    const char *name;
    void (*open)(hands_t *hands, world_t *world);
    void (*make)(hands_t *hands, const char *name);
    void (*ask)(hands_t *hands, const char *name); /* and await whatever comes */
} change_t;

static const cairn_saver_options_t an_hour = {.default_ttl = {true, HOUR}};

static void open_saver(hands_t *hands, world_t *world)
{
    hands->saver = saver_open(world, &an_hour);
    hands->client = hands->saver->client;
}

static ask_t *brief_ask(hands_t *hands)
{
    ask_t *ask = saver_ask(hands->saver);
    ask->timeout_ms = BRIEF_MS;
    return ask;
}

static cairn_checkpoint_ref_t first_of(const char *name)
{
    return ref(name, "", "c1");
}

static void make_thread(hands_t *hands, const char *name)
{
    saver_put(hands->saver, "c1", "a@1=x b@1=y", .thread = name);
    saver_write(hands->saver, "c1", "t1", "a=1", .thread = name);
}

static void make_nothing(hands_t *hands, const char *name)
{
    (void)hands, (void)name;
}

static void make_checkpoint(hands_t *hands, const char *name)
{
    saver_put(hands->saver, "c1", "a@1=x b@1=y", .thread = name);
}

static void make_pinned(hands_t *hands, const char *name)
{
    make_thread(hands, name);
    saver_pin(hands->saver, first_of(name));
}

static void write_first(hands_t *hands, const char *name)
{
    ask_t *ask = brief_ask(hands);
    const write_words_t words = {.at = "c1",
                                 .task = "t1",
                                 .writes = "a=1 b=2",
                                 .thread = name,
                                 .ttl = cairn_ttl_ms(2 * HOUR)};
    assert_status(ask_write(ask, &words), 0);
    ask_await_any(ask);
}

static void put_checkpoint(hands_t *hands, const char *name)
{
    ask_t *ask = brief_ask(hands);
    const put_words_t words = {
        .id = "c1", .channels = "a@2=z b@2=y", .thread = name, .ttl = cairn_ttl_ms(2 * HOUR)};
    assert_status(ask_put(ask, &words), 0);
    ask_await_any(ask);
}

static void set_thread_ttl(hands_t *hands, const char *name)
{
    ask_t *ask = brief_ask(hands);
    assert_status(ask_set_ttl(ask, CAIRN_SCOPE_CHECKPOINT, first_of(name), cairn_ttl_ms(2 * HOUR)),
                  0);
    ask_await_any(ask);
}

static void pin_thread(hands_t *hands, const char *name)
{
    ask_t *ask = brief_ask(hands);
    assert_status(ask_pin(ask, CAIRN_SCOPE_CHECKPOINT, first_of(name)), 0);
    ask_await_any(ask);
}

static void unpin_thread(hands_t *hands, const char *name)
{
    ask_t *ask = brief_ask(hands);
    assert_status(ask_unpin(ask, CAIRN_SCOPE_CHECKPOINT, first_of(name)), 0);
    ask_await_any(ask);
}

static void delete_thread(hands_t *hands, const char *name)
{
    ask_t *ask = brief_ask(hands);
    assert_status(ask_delete_thread(ask, cairn_str(name)), 0);
    ask_await_any(ask);
}

static void open_store(hands_t *hands, world_t *world)
{
    hands->items = items_open(world, NULL);
    hands->client = hands->items->client;
}

static call_t *brief_call(hands_t *hands)
{
    call_t *call = items_call(hands->items);
    call->timeout_ms = BRIEF_MS;
    return call;
}

static void make_item(hands_t *hands, const char *name)
{
    items_put(hands->items, name, "k", "1", .options.ttl = cairn_ttl_ms(HOUR));
}

static void put_item(hands_t *hands, const char *name)
{
    call_t *call = brief_call(hands);
    const item_words_t words = {
        .ns = name, .key = "k", .value = "2", .options.ttl = cairn_ttl_ms(2 * HOUR)};
    assert_status(call_put(call, &words), 0);
    call_await_any(call);
}

static void set_item_ttl(hands_t *hands, const char *name)
{
    call_t *call = brief_call(hands);
    assert_status(call_set_ttl(call, ns(name), cairn_str("k"), cairn_ttl_ms(2 * HOUR)), 0);
    call_await_any(call);
}

static void pin_item(hands_t *hands, const char *name)
{
    call_t *call = brief_call(hands);
    assert_status(call_pin(call, ns(name), cairn_str("k")), 0);
    call_await_any(call);
}

static void delete_item(hands_t *hands, const char *name)
{
    call_t *call = brief_call(hands);
    assert_status(call_delete(call, ns(name), cairn_str("k")), 0);
    call_await_any(call);
}

static void open_streams(hands_t *hands, world_t *world)
{
    hands->streams = streams_open(world, NULL);
    hands->client = hands->streams->client;
}

static streams_ask_t *brief_of_stream(hands_t *hands)
{
    streams_ask_t *ask = streams_ask(hands->streams);
    ask->timeout_ms = BRIEF_MS;
    return ask;
}

static bool is_over(void *ask)
{
    return streams_ask_is_done(ask);
}

static void await_stream(hands_t *hands, streams_ask_t *ask)
{
    assert_true(loop_try_until(&hands->streams->world->loop, is_over, ask));
}

static void make_stream(hands_t *hands, const char *name)
{
    streams_append(hands->streams, name, "a b#id");
    streams_set_ttl(hands->streams, name, HOUR);
}

static void append_event(hands_t *hands, const char *name)
{
    streams_ask_t *ask = brief_of_stream(hands);
    const cairn_stream_append_options_t options = {.ttl = cairn_ttl_ms(2 * HOUR)};
    assert_status(ask_append(ask, name, "c#more d", &options), 0);
    await_stream(hands, ask);
}

static void set_stream_ttl(hands_t *hands, const char *name)
{
    streams_ask_t *ask = brief_of_stream(hands);
    assert_status(ask_set_stream_ttl(ask, name, cairn_ttl_ms(2 * HOUR)), 0);
    await_stream(hands, ask);
}

static void clear_stream(hands_t *hands, const char *name)
{
    streams_ask_t *ask = brief_of_stream(hands);
    assert_status(ask_clear(ask, name), 0);
    await_stream(hands, ask);
}

static const change_t of_threads[] = {
    {"first put", open_saver, make_nothing, put_checkpoint},
    {"put again", open_saver, make_thread, put_checkpoint},
    {"put_writes", open_saver, make_checkpoint, write_first},
    {"set_ttl", open_saver, make_thread, set_thread_ttl},
    {"pin", open_saver, make_thread, pin_thread},
    {"unpin", open_saver, make_pinned, unpin_thread},
    {"delete_thread", open_saver, make_thread, delete_thread},
};

static const change_t of_items[] = {
    {"first put", open_store, make_nothing, put_item},
    {"put again", open_store, make_item, put_item},
    {"set_ttl", open_store, make_item, set_item_ttl},
    {"pin", open_store, make_item, pin_item},
    {"delete", open_store, make_item, delete_item},
};

static const change_t of_streams[] = {
    {"first append", open_streams, make_nothing, append_event},
    {"append", open_streams, make_stream, append_event},
    {"set_ttl", open_streams, make_stream, set_stream_ttl},
    {"clear", open_streams, make_stream, clear_stream},
};

/* ---- what is there of it: its keys, in order, and in how many hours each expires ---- */

typedef char state_t[STATE];

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static long hours_left(const char *key)
{
    redisReply *reply = cluster_command(&cluster, 0, "PTTL %s", key);
    const long hours =
        reply->integer < 0 ? (long)reply->integer : (long)((reply->integer + HOUR / 2) / HOUR);
    freeReplyObject(reply);
    return hours;
}

static void look_at(const char *name, state_t out)
{
    char *names[64];
    size_t used = 0;
    const size_t len = strlen(name);
    redisReply *keys = cluster_command(&cluster, 0, "KEYS *{%s}*", name);
    assert_in_range(keys->elements, 0, 64);
    for (size_t i = 0; i < keys->elements; i++) names[i] = keys->element[i]->str;
    qsort(names, keys->elements, sizeof *names, by_text);
    out[0] = '\0';
    for (size_t i = 0; i < keys->elements; i++) {
        const char *at = strstr(names[i], name);
        used += (size_t)snprintf(out + used, STATE - used, "%.*s*%s: %ld h\n", (int)(at - names[i]),
                                 names[i], at + len, hours_left(names[i]));
        assert_in_range(used, 0, STATE - 1);
    }
    freeReplyObject(keys);
}

/* ---- one cut behind the other ---- */

typedef struct trial {
    const change_t *change;
    int number;
    size_t cuts; /* as many objects */
    state_t before, after;
} trial_t;

static cut_t cut;
static trial_t trials[CHANGES_MOST];

static void name_object(char out[32], const trial_t *trial, size_t at)
{
    snprintf(out, 32, "object%d-%zu", trial->number, at);
}

static bool is_settled(void *client)
{
    cairn_connection_t rows[8];
    const size_t count = cairn_connections(&((client_t *)client)->cairn, rows, 8);
    for (size_t i = 0; i < count && i < 8; i++)
        if (strcmp(rows[i].state, "ready") != 0 || rows[i].inflight > 0) return false;
    return count > 0;
}

/* All scripts are loaded, and what is believed is the same each time. */
static hands_t open_hands(world_t *w, const trial_t *trial, const char *name)
{
    hands_t hands = {0};
    char other[40];
    trial->change->open(&hands, w);
    snprintf(other, sizeof other, "other-%s", name);
    trial->change->make(&hands, other);
    trial->change->ask(&hands, other);
    trial->change->make(&hands, name);
    assert_true(loop_try_until(&w->loop, is_settled, hands.client));
    return hands;
}

static void close_hands(hands_t *hands)
{
    client_close(hands->client);
    client_await_closed(hands->client);
}

/* How it looks before and behind, and how many commands it takes: a little more, for what a handle
 * asks on its own account. */
static void see_it_whole(world_t *w, trial_t *trial)
{
    char name[32];
    name_object(name, trial, CUTS_MOST);
    hands_t hands = open_hands(w, trial, name);
    look_at(name, trial->before);
    cut_heal(&cut);
    trial->change->ask(&hands, name);
    trial->cuts = cut.commands + 1;
    look_at(name, trial->after);
    close_hands(&hands);
    assert_in_range(trial->cuts, 2, CUTS_MOST);
    assert_string_not_equal(trial->before, trial->after);
}

static void cut_it_off(world_t *w, trial_t *trial, size_t at)
{
    char name[32];
    name_object(name, trial, at);
    hands_t hands = open_hands(w, trial, name);
    cut_arm(&cut, at);
    trial->change->ask(&hands, name);
    close_hands(&hands);
    cut_heal(&cut);
}

/* How many are as behind. */
static size_t judge(const trial_t *trial)
{
    size_t done = 0;
    for (size_t at = 1; at <= trial->cuts; at++) {
        char name[32];
        state_t state;
        name_object(name, trial, at);
        look_at(name, state);
        if (strcmp(state, trial->after) == 0)
            done++;
        else if (strcmp(state, trial->before) != 0)
            check_fail("%s, cut off behind %zu of %zu commands:\n%snot\n%snor\n%s",
                       trial->change->name, at, trial->cuts - 1, state, trial->before,
                       trial->after);
    }
    return done;
}

static void stand_between(world_t *w)
{
    static char url[128];
    cut_open(&cut, &w->loop, cluster_port(&cluster, 0));
    cluster_announce(&cluster, 0, cut.port);
    snprintf(url, sizeof url, "redis+cluster://127.0.0.1:%d?" QUICK, cut.port);
    w->url = url;
}

/* The master's death comes behind all of them: nothing more was heard of each. */
static void cut_all_off(world_t *w, const change_t *changes, int count)
{
    size_t cuts = 0, done = 0;
    stand_between(w);
    for (int i = 0; i < count; i++) {
        trials[i] = (trial_t){.change = &changes[i], .number = i};
        see_it_whole(w, &trials[i]);
        for (size_t at = 1; at <= trials[i].cuts; at++) cut_it_off(w, &trials[i], at);
    }
    cluster_kill(&cluster, 0);
    cluster_restart(&cluster, 0);
    for (int i = 0; i < count; i++) {
        const size_t of_it = judge(&trials[i]);
        assert_true(of_it > 0);
        cuts += trials[i].cuts;
        done += of_it;
    }
    printf("%zu cuts, behind %zu of them it was done\n", cuts, done);
    cluster_await_whole(&cluster);
    cluster_ask(&cluster, 0, "FLUSHALL");
    cut_close(&cut);
}

static void no_thread_is_changed_by_halves(world_t *w)
{
    cut_all_off(w, of_threads, sizeof of_threads / sizeof *of_threads);
}

static void no_item_is_changed_by_halves(world_t *w)
{
    cut_all_off(w, of_items, sizeof of_items / sizeof *of_items);
}

static void no_stream_is_changed_by_halves(world_t *w)
{
    cut_all_off(w, of_streams, sizeof of_streams / sizeof *of_streams);
}

int main(void)
{
    static const scenario_t scenarios[] = {
        SCENARIO(no_thread_is_changed_by_halves),
        SCENARIO(no_item_is_changed_by_halves),
        SCENARIO(no_stream_is_changed_by_halves),
    };
    static char *const args[] = {
        "--appendonly", "yes", "--appendfsync", "always", "--cluster-allow-reads-when-down",
        "yes",          NULL};
    const cluster_options_t options = {.masters = 1, .replicas = -1, .args = args};
    cluster_start(&cluster, &options);
    const int failures = SCENARIOS_RUN("redis: a client that is cut off", scenarios, NULL);
    cluster_stop(&cluster);
    return failures;
}
