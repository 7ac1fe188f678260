/* Groups of many events: what there is to do comes in pieces, so that no command holds the server
 * long; and no more of those who wait are woken than there are events. */
#include "monitor.h"
#include "redis.h"
#include "stream_client.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    EVENTS = 6000,
    WAITS = 10,
    DELIVERIES_MOST = 128, /* of one call */
    ACKS_MOST = 500,
    NAKS_MOST = 128
};

static redis_t redis;
static cairn_position_t positions[EVENTS];

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

#define assert_commands(monitor, least, most)                                                      \
    assert_commands_at((monitor), (least), (most), __FILE__, __LINE__)
static void assert_commands_at(monitor_t *m, size_t least, size_t most, const char *file, int line)
{
    monitor_read(m);
    if (m->commands >= least && m->commands <= most) return;
    check_fail_at(file, line, "%zu commands, expected %zu to %zu; the last:%s", m->commands, least,
                  most, m->last);
}

/* The stream "run" with all events, and the group "g". */
static streams_client_t *open_large(world_t *w, const cairn_group_options_t *options)
{
    static cairn_stream_entry_t entries[EVENTS];
    for (size_t i = 0; i < EVENTS; i++)
        entries[i] = (cairn_stream_entry_t){.event = cairn_str("m"),
                                            .data = {cairn_str(TEXT_TYPE), cairn_str("a")}};
    streams_client_t *s = streams_open(w, NULL);
    assert_ends(s->own, ask_append_raw(s->own, cairn_str("run"), entries, EVENTS, NULL), 0);
    assert_int_equal(group_create(s, options), 1);
    return s;
}

static void read_all(streams_client_t *s, const char *member)
{
    size_t count = 0;
    while (count < EVENTS) {
        group_read(s, member, CAIRN_PAGE_MAX);
        assert_in_range(s->own->position_count, 1, DELIVERIES_MOST);
        memcpy(positions + count, s->own->positions, s->own->position_count * sizeof *positions);
        count += s->own->position_count;
    }
    assert_int_equal(count, EVENTS);
    assert_string_equal(group_read(s, member, CAIRN_PAGE_MAX), "");
}

static void assert_facts(streams_client_t *s, uint64_t waiting, uint64_t held)
{
    group_info(s);
    assert_int_equal(s->own->group_facts.waiting, waiting);
    assert_int_equal(s->own->group_facts.held, held);
}

static void an_ack_of_many_goes_in_pieces(world_t *w)
{
    static const cairn_group_options_t all = {.from = CAIRN_FROM_ALL};
    monitor_t m;
    streams_client_t *s = open_large(w, &all);
    read_all(s, "one");
    assert_facts(s, 0, EVENTS);
    monitor_start(&m, &redis);
    assert_ends(s->own, ask_group_ack(s->own, "run", "g", positions, EVENTS), 0);
    assert_int_equal(s->own->count, EVENTS);
    assert_commands(&m, EVENTS / ACKS_MOST, EVENTS / ACKS_MOST);
    monitor_stop(&m);
    assert_facts(s, 0, 0);
    assert_int_equal(s->own->group_facts.members, 1);
}

static void so_does_a_nak_and_what_it_gives_back(world_t *w)
{
    static const cairn_group_options_t all = {.from = CAIRN_FROM_ALL};
    const size_t pieces = (EVENTS + NAKS_MOST - 1) / NAKS_MOST;
    monitor_t m;
    streams_client_t *s = open_large(w, &all);
    read_all(s, "one");
    monitor_start(&m, &redis);
    assert_ends(s->own, ask_group_nak(s->own, "run", "g", positions, EVENTS, 0), 0);
    assert_int_equal(s->own->count, EVENTS);
    assert_commands(&m, pieces, pieces);
    assert_string_equal(group_claim(s, "two", CAIRN_PAGE_MAX, 0), ""); /* looks at all of them */
    assert_commands(&m, 10, EVENTS / 50);
    monitor_stop(&m);
    assert_facts(s, 0, EVENTS);
    read_all(s, "two");
}

static void dead_letters_of_many_come_in_pieces(world_t *w)
{
    static const cairn_group_options_t once = {
        .from = CAIRN_FROM_ALL, .max_deliveries = 1, .dead_letter = {"dead", 4}};
    monitor_t m;
    streams_client_t *s = open_large(w, &once);
    read_all(s, "one");
    monitor_start(&m, &redis);
    assert_string_equal(group_claim(s, "two", CAIRN_PAGE_MAX, 0), "");
    assert_commands(&m, 10, EVENTS / 50);
    monitor_stop(&m);
    assert_facts(s, 0, 0);
    assert_int_equal(streams_length(s, "dead"), EVENTS);
}

static void what_the_length_limit_took_is_forgotten_in_pieces(world_t *w)
{
    static const cairn_group_options_t all = {.from = CAIRN_FROM_ALL};
    const cairn_streams_options_t few = {.max_events = 10};
    monitor_t m;
    streams_client_t *s = open_large(w, &all);
    read_all(s, "one");
    streams_append(streams_beside(s, &few), "run", "b");
    monitor_start(&m, &redis);
    assert_facts(s, 1, 9);
    assert_commands(&m, 10, EVENTS / 50);
    monitor_stop(&m);
    assert_ends(s->own, ask_group_ack(s->own, "run", "g", positions, EVENTS), 0);
    assert_int_equal(s->own->count, 9);
}

static void an_ack_does_not_count_what_the_length_limit_took(world_t *w)
{
    static const cairn_group_options_t all = {.from = CAIRN_FROM_ALL};
    const cairn_streams_options_t few = {.max_events = 10};
    streams_client_t *s = open_large(w, &all);
    read_all(s, "one");
    streams_append(streams_beside(s, &few), "run", "b");
    assert_ends(s->own, ask_group_ack(s->own, "run", "g", positions, EVENTS), 0);
    assert_int_equal(s->own->count, 9);
    assert_facts(s, 1, 0);
}

/* Neither walks over them. */
static void the_last_of_many_are_counted_at_once(world_t *w)
{
    static const cairn_group_options_t last = {.from = CAIRN_FROM_LAST, .last = EVENTS - 1};
    monitor_t m;
    streams_client_t *s = open_large(w, &last);
    monitor_start(&m, &redis);
    assert_facts(s, EVENTS - 1, 0);
    group_read(s, "one", 1);
    assert_facts(s, EVENTS - 2, 1);
    assert_commands(&m, 3, 3);
    assert_in_range(m.script_calls, 1, 40);
    monitor_stop(&m);
}

/* ---- waits ---- */

static bool one_is_done(void *ctx)
{
    streams_ask_t **asks = ctx;
    for (int i = 0; i < WAITS; i++)
        if (streams_ask_is_done(asks[i])) return true;
    return false;
}

static unsigned count_done(streams_ask_t *asks[WAITS])
{
    unsigned done = 0;
    for (int i = 0; i < WAITS; i++) done += streams_ask_is_done(asks[i]);
    return done;
}

static void submit_waits(streams_client_t *s, const char *group, streams_ask_t *asks[WAITS])
{
    for (int i = 0; i < WAITS; i++) {
        asks[i] = streams_ask(s);
        assert_status(ask_group_read(asks[i], "run", group, "one", 1, 20000), 0);
    }
}

static void begin_cancel(streams_ask_t *ask)
{
    bool outer = world_call(ask->client->world);
    assert_status(cairn_cancel(&ask->of.req), 0);
    world_return(ask->client->world, outer);
}

static void cancel(streams_ask_t *ask)
{
    begin_cancel(ask);
    streams_ask_await(ask, UV_ECANCELED);
}

/* Until the server is asked for nothing more. */
static void settle(streams_client_t *s, monitor_t *m)
{
    enum {
        QUIET = 3
    };
    for (int quiet = 0; quiet < QUIET; quiet = m->commands == 0 ? quiet + 1 : 0) {
        streams_pass_ms(s, 10);
        monitor_read(m);
    }
}

static void no_more_waits_are_woken_than_there_are_events(world_t *w)
{
    monitor_t m;
    streams_client_t *s = streams_open(w, NULL);
    streams_client_t *other = streams_open(w, NULL);
    streams_ask_t *asks[WAITS], *more[WAITS];
    streams_append(other, "run", "old");
    group_create(s, NULL);
    assert_ends(s->own, ask_group_create(s->own, "run", "h", NULL), 0);
    submit_waits(s, "g", asks);
    submit_waits(s, "h", more);
    monitor_start(&m, &redis);
    settle(s, &m); /* they have asked, and asked again when the channel came up */
    streams_append(other, "run", "a");
    loop_run_until(&w->loop, "a wait", one_is_done, asks);
    loop_run_until(&w->loop, "a wait of the other group", one_is_done, more);
    streams_append(other, "run", "b c d");
    for (int i = 0; i < 4; i++) streams_ask_await(asks[i], 0);
    for (int i = 0; i < 4; i++) streams_ask_await(more[i], 0);
    assert_int_equal(count_done(asks), 4); /* those who came first */
    assert_int_equal(count_done(more), 4);
    assert_commands(&m, 2 + 2 + 2 * 3, 2 + 2 + 2 * 3);
    monitor_stop(&m);
    for (int i = 4; i < WAITS; i++) cancel(asks[i]);
    for (int i = 4; i < WAITS; i++) cancel(more[i]);
}

/* False: the link was back before it went; it has its event. With it goes, at the same time, the
 * one that would ask in its place. */
static bool goes_without_a_link(streams_client_t *s, streams_client_t *other, streams_ask_t *ask,
                                streams_ask_t *with)
{
    const size_t connected = journal_count(&s->client->journal, "connected");
    const size_t lost = journal_count(&s->client->journal, "disconnected");
    redis_ask(&redis, "CLIENT KILL TYPE normal SKIPME yes");
    client_await_count(s->client, "disconnected", lost + 1);
    client_await_count(other->client, "disconnected", lost + 1); /* it has lost as many */
    streams_append(other, "run", "a");
    streams_pass_ms(s, 30);
    if (journal_count(&s->client->journal, "connected") == connected) {
        begin_cancel(ask);
        if (with) cancel(with);
        streams_ask_await(ask, UV_ECANCELED);
        return true;
    }
    streams_ask_await(ask, 0);
    return false;
}

/* It is woken while there is no link to ask over, and goes: so another asks in its place. */
static void assert_another_is_woken(world_t *w, int together)
{
    streams_client_t *other = streams_open(w, NULL);
    streams_client_t *s = streams_on(world_open(w, "reconnect_min_ms=400&reconnect_max_ms=500"));
    streams_ask_t *asks[WAITS];
    streams_append(other, "run", "old");
    group_create(s, NULL);
    submit_waits(s, "g", asks);
    streams_pass_ms(s, 30);
    int first = 0;
    while (first + together < WAITS &&
           !goes_without_a_link(s, other, asks[first], together > 1 ? asks[first + 1] : NULL))
        first++;
    const int next = first + together;
    assert_true(next < WAITS);
    streams_ask_await(asks[next], 0);
    assert_int_equal(asks[next]->position_count, 1);
    for (int i = next + 1; i < WAITS; i++) cancel(asks[i]);
}

static void one_that_is_woken_and_goes_wakes_another(world_t *w)
{
    assert_another_is_woken(w, 1);
}

static void so_it_does_if_the_other_goes_too(world_t *w)
{
    assert_another_is_woken(w, 2);
}

int main(void)
{
    static const scenario_t scenarios[] = {
        SCENARIO(an_ack_of_many_goes_in_pieces),
        SCENARIO(so_does_a_nak_and_what_it_gives_back),
        SCENARIO(dead_letters_of_many_come_in_pieces),
        SCENARIO(what_the_length_limit_took_is_forgotten_in_pieces),
        SCENARIO(an_ack_does_not_count_what_the_length_limit_took),
        SCENARIO(the_last_of_many_are_counted_at_once),
        SCENARIO(no_more_waits_are_woken_than_there_are_events),
    };
    static const scenario_t two_links[] = {
        SCENARIO(one_that_is_woken_and_goes_wakes_another),
        SCENARIO(so_it_does_if_the_other_goes_too),
    };
    redis_start(&redis, NULL);
    streams_backend.clear = clear;
    int failures = SCENARIOS_RUN("stream: large groups", scenarios, redis_url(&redis, NULL, NULL));
    failures += SCENARIOS_RUN("stream: waits and two links", two_links,
                              redis_url(&redis, NULL, "?protocol=2"));
    redis_stop(&redis);
    return failures;
}
