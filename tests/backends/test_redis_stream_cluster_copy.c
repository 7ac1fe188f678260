/* A copy of a run stream from one slot of a cluster to another takes many calls. Whatever comes
 * between two of them, nobody ever sees half of a target, it is what the source held at one moment,
 * and what is left of a copy that was not carried through expires. */
#include "cluster.h"
#include "cut.h"
#include "loop.h"
#include "stream_client.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=20"
#define HOUR INT64_C(3600000)

enum {
    MASTERS = 2,
    APPENDS = 40,
    TOGETHER = 50, /* events of one append; of all it takes some five pieces */
    CUTS_MOST = 64,
    BRIEF_MS = 300,
    UNSEEN_MS = 60000
};

static cluster_t cluster;
static cluster_tag_t run, copy, beside; /* the last is in another slot of the first's node */

static void clear(void)
{
    for (int node = 0; node < MASTERS; node++) (void)cluster_ask(&cluster, node, "FLUSHALL");
}

/* ---- a source of many pieces ---- */

static void fill(streams_client_t *s, int appends)
{
    char words[TOGETHER * 16];
    for (int i = 0; i < appends; i++) {
        size_t used = 0;
        for (int j = 0; j < TOGETHER; j++)
            used += (size_t)snprintf(words + used, sizeof words - used, "%d%s%d ", i * TOGETHER + j,
                                     j % 7 ? "=" : "#", i * TOGETHER + j);
        words[used - 1] = '\0';
        streams_append(s, run, words);
    }
}

static char *text_of(streams_client_t *s, const char *stream)
{
    char *text = strdup(streams_text(s, stream));
    assert_non_null(text);
    return text;
}

static streams_ask_t *begin_to_copy(streams_client_t *s)
{
    streams_ask_t *ask = streams_ask(s);
    ask->timeout_ms = 60000;
    assert_status(ask_copy_stream(ask, run, copy, cairn_ttl_ms(HOUR)), 0);
    return ask;
}

/* ---- what is made of it before it is the target ---- */

static size_t count_unseen(void)
{
    size_t count = 0;
    for (int node = 0; node < MASTERS; node++) {
        redisReply *keys = cluster_command(&cluster, node, "KEYS langgraph:queue_copy*");
        for (size_t i = 0; i < keys->elements; i++) {
            redisReply *left = cluster_command(&cluster, node, "PTTL %s", keys->element[i]->str);
            assert_in_range(left->integer, 1, UNSEEN_MS);
            freeReplyObject(left);
        }
        count += keys->elements;
        freeReplyObject(keys);
    }
    return count;
}

static bool target_is_there(void)
{
    char command[64];
    snprintf(command, sizeof command, "EXISTS langgraph:queue:{%s}", copy);
    const int owner = cluster_owner(&cluster, cluster_slot(copy));
    return strcmp(cluster_ask(&cluster, owner, command), "0") != 0;
}

static bool is_being_made(void *ctx)
{
    (void)ctx;
    if (count_unseen() == 0) return false;
    assert_false(target_is_there());
    return true;
}

static streams_ask_t *copy_half(streams_client_t *s)
{
    streams_ask_t *ask = begin_to_copy(s);
    loop_run_until(&s->world->loop, "a part of it is made", is_being_made, NULL);
    return ask;
}

static void assert_copied(streams_client_t *s, streams_ask_t *ask, char *expected, uint64_t events)
{
    streams_ask_await(ask, 0);
    assert_int_equal(ask->count, events);
    assert_stream(s, copy, expected);
    assert_stream_ttl(s, copy, HOUR);
    assert_int_equal(count_unseen(), 0);
    free(expected);
}

/* ---- what may come in between ---- */

static void many_pieces_and_large_ones_arrive_whole(world_t *w)
{
    enum {
        LARGE = 300000
    };
    streams_client_t *s = streams_open(w, NULL);
    char *large = malloc(LARGE + 1);
    assert_non_null(large);
    memset(large, 'x', LARGE);
    large[LARGE] = '\0';
    for (int i = 0; i < 3; i++) streams_append(s, run, large);
    fill(s, APPENDS);
    streams_append(s, run, "END=of#it");
    char *expected = text_of(s, run);
    assert_copied(s, copy_half(s), expected, APPENDS * TOGETHER + 4);
    assert_ends(s->own, ask_append(s->own, copy, "more", NULL), UV_EPIPE);
    streams_append(s, copy, "0#0");
    assert_int_equal(s->own->count, 0);
    free(large);
}

static void what_is_appended_meanwhile_is_not_of_the_moment(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_client_t *other = streams_on(world_open(w, NULL));
    fill(s, APPENDS);
    streams_append(other, beside, "a");
    char *expected = text_of(s, run);
    streams_ask_t *ask = copy_half(s), *append = streams_ask(other);
    assert_status(ask_append(append, run, "late", NULL), 0);
    assert_copied(s, ask, expected, APPENDS * TOGETHER);
    streams_ask_await(append, 0);
    assert_int_equal(streams_length(s, run), APPENDS * TOGETHER + 1);
}

static void change_source(const char *command)
{
    redisReply *reply =
        cluster_command(&cluster, cluster_owner(&cluster, cluster_slot(run)), command, run);
    assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
    freeReplyObject(reply);
}

static void what_leaves_before_it_is_read_makes_it_begin_anew(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    fill(s, APPENDS);
    streams_ask_t *ask = copy_half(s);
    change_source("XTRIM langgraph:queue:{%s} MAXLEN 100");
    assert_copied(s, ask, text_of(s, run), 100);
}

static void what_leaves_behind_it_does_not(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    fill(s, APPENDS);
    char *expected = text_of(s, run);
    streams_ask_t *ask = copy_half(s);
    change_source("XTRIM langgraph:queue:{%s} MAXLEN 1900");
    assert_copied(s, ask, expected, APPENDS * TOGETHER);
}

static void a_source_that_goes_leaves_no_target(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    fill(s, APPENDS);
    streams_ask_t *ask = copy_half(s);
    change_source("DEL langgraph:queue:{%s}");
    streams_ask_await(ask, 0);
    assert_int_equal(ask->count, 0);
    assert_false(streams_exists(s, copy));
    (void)count_unseen();
}

static void a_target_that_comes_is_kept(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    fill(s, APPENDS);
    streams_ask_t *ask = begin_to_copy(s), *append = streams_ask(s);
    loop_run_until(&w->loop, "a part of it is made", is_being_made, NULL);
    assert_status(ask_append(append, copy, "mine", NULL), 0);
    streams_ask_await(append, 0);
    streams_ask_await(ask, UV_EEXIST);
    assert_stream(s, copy, "mine");
    assert_int_equal(count_unseen(), 0);
}

static void what_was_made_and_is_lost_is_made_again(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    fill(s, APPENDS);
    streams_ask_t *ask = copy_half(s);
    const int owner = cluster_owner(&cluster, cluster_slot(copy));
    redisReply *keys = cluster_command(&cluster, owner, "KEYS langgraph:queue_copy:*");
    assert_int_equal(keys->elements, 1);
    freeReplyObject(cluster_command(&cluster, owner, "DEL %s", keys->element[0]->str));
    freeReplyObject(keys);
    assert_copied(s, ask, text_of(s, run), APPENDS * TOGETHER);
}

static void two_copies_to_one_target_do_not_mix(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_client_t *other = streams_on(world_open(w, NULL));
    fill(s, APPENDS);
    streams_append(other, beside, "b");
    streams_ask_t *one = begin_to_copy(s), *two = streams_ask(other);
    assert_status(ask_copy_stream(two, beside, copy, cairn_ttl_ms(HOUR)), 0);
    streams_ask_await(two, 0);
    streams_ask_await(one, UV_EEXIST);
    assert_stream(s, copy, "b");
    assert_int_equal(count_unseen(), 0);
}

static void a_copy_of_nothing_but_groups_is_empty(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_ask_t *ask = streams_ask(s);
    assert_ends(ask, ask_group_create(ask, run, "g", NULL), 0);
    assert_int_equal(streams_copy(s, run, copy, cairn_ttl_ms(HOUR)), 0);
    assert_true(streams_info(s, copy));
    assert_int_equal(s->own->facts.groups, 0);
    assert_stream_ttl(s, copy, HOUR);
    streams_append(s, copy, "a");
    assert_stream(s, copy, "a");
}

/* With one key of several gone already. */
static void move_meanwhile(world_t *w, const char *tag)
{
    streams_client_t *s = streams_open(w, NULL);
    fill(s, APPENDS);
    char *expected = text_of(s, run);
    streams_ask_t *ask = copy_half(s);
    const unsigned slot = cluster_slot(tag);
    const int to = 1 - cluster_owner(&cluster, slot);
    cluster_move_begin(&cluster, slot, to);
    assert_int_equal(cluster_move_keys(&cluster, slot, to, 1), 1);
    loop_run_for(&w->loop, 30);
    assert_false(streams_ask_is_done(ask));
    while (cluster_move_keys(&cluster, slot, to, 100) > 0) continue;
    cluster_move_finish(&cluster, slot, to);
    assert_copied(s, ask, expected, APPENDS * TOGETHER);
    cluster_move(&cluster, slot, slot, 1 - to);
}

static void the_source_may_move_meanwhile(world_t *w)
{
    move_meanwhile(w, run);
}

static void the_target_may_move_meanwhile(world_t *w)
{
    move_meanwhile(w, copy);
}

/* One call, which waits for the rest of the slot: of the source some is there and some not. */
static void in_one_slot_it_is_one_step(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cluster_tag_t near;
    const unsigned slot = cluster_slot("run");
    const int to = 1 - cluster_owner(&cluster, slot);
    cluster_tag(near, slot);
    streams_append(s, "run", "a#1 b END=x#2");
    streams_ask_t *ask = streams_ask(s);
    ask->timeout_ms = 60000;
    cluster_move_begin(&cluster, slot, to);
    assert_int_equal(cluster_move_keys(&cluster, slot, to, 1), 1);
    assert_status(ask_copy_stream(ask, "run", near, cairn_ttl_ms(HOUR)), 0);
    loop_run_for(&w->loop, 30);
    assert_false(streams_ask_is_done(ask));
    while (cluster_move_keys(&cluster, slot, to, 100) > 0) continue;
    cluster_move_finish(&cluster, slot, to);
    streams_ask_await(ask, 0);
    assert_int_equal(ask->count, 3);
    assert_stream(s, near, "a#1 b END=x#2");
    assert_stream_ttl(s, near, HOUR);
    streams_append(s, near, "a#1");
    assert_int_equal(s->own->count, 0);
    cluster_move(&cluster, slot, slot, 1 - to);
}

/* ---- cut off ---- */

static cut_t cut;

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

/* Gives how many commands it took; `at` 0: it is not cut off. */
static size_t copy_cut_off(world_t *w, size_t at, const char *target)
{
    streams_client_t *s = streams_on(world_open(w, NULL));
    assert_false(streams_exists(s, target));
    assert_int_equal(streams_copy(s, "none", target, (cairn_ttl_t){0}), 0); /* scripts are loaded */
    assert_true(loop_try_until(&w->loop, is_settled, s->client));
    cut_heal(&cut);
    if (at > 0) cut_arm(&cut, at);
    streams_ask_t *ask = streams_ask(s);
    ask->timeout_ms = BRIEF_MS;
    assert_status(ask_copy_stream(ask, run, target, cairn_ttl_ms(HOUR)), 0);
    assert_true(loop_try_until(&w->loop, is_over, ask));
    const size_t commands = cut.commands;
    if (at == 0) assert_status(ask->status, 0);
    client_close(s->client);
    client_await_closed(s->client);
    cut_heal(&cut);
    return commands;
}

static void whoever_is_cut_off_leaves_all_or_nothing(world_t *w)
{
    char url[128];
    streams_client_t *s = streams_open(w, NULL);
    fill(s, APPENDS);
    char *expected = text_of(s, run);
    const int node = cluster_owner(&cluster, cluster_slot(run));
    cut_open(&cut, &w->loop, cluster_port(&cluster, node));
    cluster_announce(&cluster, node, cut.port);
    snprintf(url, sizeof url, "redis+cluster://127.0.0.1:%d?" QUICK, cut.port);
    w->url = url;
    const size_t cuts = copy_cut_off(w, 0, beside) + 1;
    assert_in_range(cuts, 8, CUTS_MOST);
    streams_client_t *other = streams_on(world_open(w, NULL));
    size_t whole = 0, unseen = 0;
    for (size_t at = 1; at <= cuts; at++) {
        streams_clear(other, beside);
        (void)copy_cut_off(w, at, beside);
        const bool is_there = streams_exists(other, beside);
        unseen += count_unseen();
        whole += is_there;
        if (!is_there)
            assert_int_equal(streams_copy(other, run, beside, cairn_ttl_ms(HOUR)),
                             APPENDS * TOGETHER);
        assert_stream(other, beside, expected);
        assert_stream_ttl(other, beside, HOUR);
    }
    printf("%zu cuts, behind %zu of them it was done\n", cuts, whole);
    assert_in_range(whole, 1, 2); /* the last ones */
    assert_true(unseen > 0);
    free(expected);
    cluster_announce(&cluster, node, 0);
    client_close(other->client);
    client_await_closed(other->client);
    cut_close(&cut);
}

static const scenario_t scenarios[] = {
    SCENARIO(many_pieces_and_large_ones_arrive_whole),
    SCENARIO(what_is_appended_meanwhile_is_not_of_the_moment),
    SCENARIO(what_leaves_before_it_is_read_makes_it_begin_anew),
    SCENARIO(what_leaves_behind_it_does_not),
    SCENARIO(a_source_that_goes_leaves_no_target),
    SCENARIO(a_target_that_comes_is_kept),
    SCENARIO(what_was_made_and_is_lost_is_made_again),
    SCENARIO(two_copies_to_one_target_do_not_mix),
    SCENARIO(a_copy_of_nothing_but_groups_is_empty),
    SCENARIO(the_source_may_move_meanwhile),
    SCENARIO(the_target_may_move_meanwhile),
    SCENARIO(in_one_slot_it_is_one_step),
    SCENARIO(whoever_is_cut_off_leaves_all_or_nothing),
};

int main(void)
{
    const cluster_options_t options = {.masters = MASTERS, .replicas = -1};
    static char url[1024];
    cluster_start(&cluster, &options);
    cluster_tag(run, 100);
    cluster_tag(copy, 12000);
    cluster_tag(beside, 200);
    snprintf(url, sizeof url, "redis+cluster%s", strchr(cluster_url(&cluster, NULL), ':'));
    streams_backend = (streams_backend_t){.clear = clear};
    const int failures = SCENARIOS_RUN("redis cluster: copies of streams", scenarios, url);
    cluster_stop(&cluster);
    return failures;
}
