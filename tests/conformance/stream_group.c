/* Rule 49: members of a group share a stream. */
#include "stream_suite.h"

static const cairn_group_options_t from_all = {.from = CAIRN_FROM_ALL};

static void members_share_a_stream_each_event_to_one_of_them(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b c d e");
    assert_int_equal(group_create(s, &from_all), 1);
    assert_string_equal(group_read(s, "one", 2), "a:1 b:1");
    assert_string_equal(group_read(s, "two", 2), "c:1 d:1");
    assert_string_equal(group_read(s, "one", 2), "e:1");
    assert_string_equal(group_read(s, "two", 2), "");
    streams_append(s, "run", "f#1");
    assert_string_equal(group_read(s, "two", 2), "f#1:1");
}

static void groups_do_not_share_with_each_other(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b");
    group_create(s, &from_all);
    assert_ends(s->own, ask_group_create(s->own, "run", "h", &from_all), 0);
    assert_string_equal(group_read(s, "one", 10), "a:1 b:1");
    streams_ask_t *ask = streams_ask(s);
    assert_ends(ask, ask_group_read(ask, "run", "h", "one", 10, 0), 0);
    assert_string_equal(text_chars(&ask->text), "a:1 b:1");
}

static void a_group_begins_where_it_is_told(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a");
    cairn_position_t b = streams_append(s, "run", "b");
    streams_append(s, "run", "c d");
    const cairn_group_options_t options[] = {
        {.from = CAIRN_FROM_NEW},
        {.from = CAIRN_FROM_ALL},
        {.from = CAIRN_FROM_AFTER, .after = b},
        {.from = CAIRN_FROM_LAST, .last = 1},
        {.from = CAIRN_FROM_LAST, .last = 100},
        {.from = CAIRN_FROM_LAST},
    };
    static const char *const groups[] = {"g0", "g1", "g2", "g3", "g4", "g5"};
    static const char *const expected[] = {"e:1",     "a:1 b:1 c:1 d:1 e:1", "c:1 d:1 e:1",
                                           "d:1 e:1", "a:1 b:1 c:1 d:1 e:1", "e:1"};
    for (int i = 0; i < 6; i++)
        assert_ends(s->own, ask_group_create(s->own, "run", groups[i], &options[i]), 0);
    streams_append(s, "run", "e");
    for (int i = 0; i < 6; i++) {
        streams_ask_t *ask = streams_ask(s);
        assert_ends(ask, ask_group_read(ask, "run", groups[i], "one", 10, 0), 0);
        assert_string_equal(text_chars(&ask->text), expected[i]);
    }
}

static void a_group_that_is_there_stays_as_it_is(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b");
    assert_int_equal(group_create(s, &from_all), 1);
    assert_string_equal(group_read(s, "one", 1), "a:1");
    assert_int_equal(group_create(s, NULL), 0);
    assert_string_equal(group_read(s, "one", 9), "b:1");
}

static void a_group_makes_its_stream(world_t *w)
{
    cairn_streams_options_t options = {.ttl = cairn_ttl_ms(200000)};
    streams_client_t *s = streams_open(w, &options);
    assert_int_equal(group_create(s, NULL), 1);
    assert_true(streams_exists(s, "run"));
    assert_int_equal(streams_length(s, "run"), 0);
    assert_stream_ttl(s, "run", 200000);
    assert_true(streams_info(s, "run"));
    assert_int_equal(s->own->facts.last.high + s->own->facts.last.low, 0);
    cairn_position_t zero = {0, 0};
    cairn_stream_append_options_t at = {.expected_last = &zero};
    assert_ends(s->own, ask_append(s->own, "run", "a", &at), 0);
    assert_string_equal(group_read(s, "one", 10), "a:1");
}

static void what_ends_the_stream_is_read_like_the_rest(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    group_create(s, NULL);
    streams_append(s, "run", "a END=x");
    assert_string_equal(group_read(s, "one", 10), "a:1 END=x:1");
}

static void an_ack_is_the_end_of_it(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b c");
    group_create(s, &from_all);
    assert_string_equal(group_read(s, "one", 10), "a:1 b:1 c:1");
    assert_int_equal(group_ack(s, 0, 2), 2);
    assert_int_equal(group_ack(s, 0, 3), 1);
    assert_int_equal(group_ack(s, 0, 3), 0);
    assert_string_equal(group_claim(s, "two", 10, 0), "");
    assert_int_equal(streams_length(s, "run"), 3);
}

static void an_ack_of_what_nobody_holds_counts_nothing(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cairn_position_t a = streams_append(s, "run", "a");
    group_create(s, &from_all);
    const cairn_position_t none[] = {a, {0, 1}, {UINT64_MAX, UINT64_MAX}};
    assert_ends(s->own, ask_group_ack(s->own, "run", "g", none, 3), 0);
    assert_int_equal(s->own->count, 0);
    assert_ends(s->own, ask_group_nak(s->own, "run", "g", none, 3, 0), 0);
    assert_int_equal(s->own->count, 0);
    assert_string_equal(group_read(s, "one", 10), "a:1");
}

static void info_tells_what_waits_and_what_is_held(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b c d");
    group_create(s, &from_all);
    group_info(s);
    assert_int_equal(s->own->group_facts.waiting, 4);
    assert_int_equal(s->own->group_facts.held, 0);
    assert_int_equal(s->own->group_facts.members, 0);
    assert_string_equal(group_read(s, "one", 2), "a:1 b:1");
    cairn_position_t b = s->own->positions[1];
    assert_int_equal(group_ack(s, 0, 1), 1);
    assert_string_equal(group_read(s, "two", 1), "c:1");
    assert_int_equal(group_nak(s, 0, 1, 10000), 1);
    group_info(s);
    assert_int_equal(s->own->group_facts.waiting, 1);
    assert_int_equal(s->own->group_facts.held, 2);
    assert_int_equal(s->own->group_facts.members, 2);
    assert_true(cairn_position_cmp(s->own->group_facts.delivered, b) > 0);
}

static void a_destroyed_group_is_forgotten(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a");
    group_create(s, &from_all);
    assert_string_equal(group_read(s, "one", 1), "a:1");
    assert_ends(s->own, ask_group_destroy(s->own, "run", "g"), 0);
    assert_int_equal(s->own->count, 1);
    assert_stream(s, "run", "a");
    assert_int_equal(group_create(s, &from_all), 1);
    assert_string_equal(group_read(s, "one", 1), "a:1");
}

static void without_the_group_there_is_nothing_to_do(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cairn_position_t a = streams_append(s, "run", "a");
    static const char *const runs[] = {"run", "none"};
    for (int i = 0; i < 2; i++) {
        streams_ask_t *o = s->own;
        assert_ends(o, ask_group_destroy(o, runs[i], "g"), UV_ENOENT);
        assert_ends(o, ask_group_ack(o, runs[i], "g", &a, 1), UV_ENOENT);
        assert_ends(o, ask_group_nak(o, runs[i], "g", &a, 1, 0), UV_ENOENT);
        assert_ends(o, ask_group_read(o, runs[i], "g", "one", 1, 0), UV_ENOENT);
        assert_ends(o, ask_group_read(o, runs[i], "g", "one", 1, 100), UV_ENOENT);
        assert_ends(o, ask_group_claim(o, runs[i], "g", "one", 1, 0), UV_ENOENT);
        assert_ends(o, ask_group_info(o, runs[i], "g"), UV_ENOENT);
    }
    assert_false(streams_exists(s, "none"));
}

static void groups_of_similar_names_do_not_meet(world_t *w)
{
    static const char *const names[] = {"", "a", "a:b", ":", "{a}"};
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b");
    for (int i = 0; i < 5; i++)
        assert_ends(s->own, ask_group_create(s->own, "run", names[i], &from_all), 0);
    for (int i = 0; i < 5; i++) {
        streams_ask_t *ask = streams_ask(s);
        assert_ends(ask, ask_group_read(ask, "run", names[i], "", 1, 0), 0);
        assert_string_equal(text_chars(&ask->text), "a:1");
    }
}

/* ---- waiting ---- */

static void a_read_waits_for_the_first_event(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    group_create(s, NULL);
    streams_ask_t *ask = streams_ask(s);
    assert_status(ask_group_read(ask, "run", "g", "one", 10, 4000), 0);
    streams_append(s, "other", "x");
    assert_false(streams_ask_is_done(ask));
    streams_append(s, "run", "a");
    streams_ask_await(ask, 0);
    assert_string_equal(text_chars(&ask->text), "a:1");
}

static void a_read_that_waits_in_vain_ends_with_nothing(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    group_create(s, NULL);
    streams_ask_t *ask = streams_ask(s);
    assert_status(ask_group_read(ask, "run", "g", "one", 10, 30), 0);
    if (s->clock) {
        streams_pass_ms(s, 29);
        loop_turns(&w->loop, 3);
        assert_false(streams_ask_is_done(ask));
    }
    streams_pass_ms(s, 30);
    streams_ask_await(ask, 0);
    assert_int_equal(ask->count, 0);
}

static void those_who_wait_share_what_comes(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    group_create(s, NULL);
    streams_ask_t *asks[4];
    for (int i = 0; i < 4; i++) {
        asks[i] = streams_ask(s);
        assert_status(ask_group_read(asks[i], "run", "g", "one", 1, 4000), 0);
    }
    streams_append(s, "run", "a b");
    streams_append(s, "run", "c d");
    uint64_t count = 0;
    for (int i = 0; i < 4; i++) {
        streams_ask_await(asks[i], 0);
        count += asks[i]->count;
        for (int k = 0; k < i; k++)
            assert_string_not_equal(text_chars(&asks[i]->text), text_chars(&asks[k]->text));
    }
    assert_int_equal(count, 4);
}

static void a_read_waits_for_a_nak_to_be_due(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a");
    group_create(s, &from_all);
    assert_string_equal(group_read(s, "one", 1), "a:1");
    streams_ask_t *ask = streams_ask(s);
    assert_status(ask_group_read(ask, "run", "g", "two", 10, 4000), 0);
    assert_int_equal(group_nak(s, 0, 1, 40), 1);
    assert_false(streams_ask_is_done(ask));
    streams_pass_ms(s, 40);
    streams_ask_await(ask, 0);
    assert_string_equal(text_chars(&ask->text), "a:2");
}

static void a_read_that_waits_may_be_cancelled(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    group_create(s, NULL);
    streams_ask_t *cancelled = streams_ask(s), *closed = streams_ask(s);
    assert_status(ask_group_read(cancelled, "run", "g", "one", 1, 4000), 0);
    assert_status(ask_group_read(closed, "run", "g", "one", 1, 4000), 0);
    bool outer = world_call(w);
    assert_status(cairn_cancel(&cancelled->of.req), 0);
    world_return(w, outer);
    streams_ask_await(cancelled, UV_ECANCELED);
    client_close(s->client);
    client_await_closed(s->client);
    streams_ask_await(closed, UV_ECANCELED);
}

static void a_read_that_waits_ends_when_its_group_goes(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    for (int i = 0; i < 2; i++) {
        group_create(s, NULL);
        streams_ask_t *one = streams_ask(s), *two = streams_ask(s);
        assert_status(ask_group_read(one, "run", "g", "one", 1, 4000), 0);
        assert_status(ask_group_read(two, "run", "g", "one", 1, 4000), 0);
        if (i == 0) {
            assert_ends(s->own, ask_group_destroy(s->own, "run", "g"), 0);
        } else {
            streams_clear(s, "run");
        }
        streams_ask_await(one, UV_ENOENT);
        streams_ask_await(two, UV_ENOENT);
    }
}

const scenario_t stream_group_scenarios[] = {
    SCENARIO(members_share_a_stream_each_event_to_one_of_them),
    SCENARIO(groups_do_not_share_with_each_other),
    SCENARIO(a_group_begins_where_it_is_told),
    SCENARIO(a_group_that_is_there_stays_as_it_is),
    SCENARIO(a_group_makes_its_stream),
    SCENARIO(what_ends_the_stream_is_read_like_the_rest),
    SCENARIO(an_ack_is_the_end_of_it),
    SCENARIO(an_ack_of_what_nobody_holds_counts_nothing),
    SCENARIO(info_tells_what_waits_and_what_is_held),
    SCENARIO(a_destroyed_group_is_forgotten),
    SCENARIO(without_the_group_there_is_nothing_to_do),
    SCENARIO(groups_of_similar_names_do_not_meet),
    SCENARIO(a_read_waits_for_the_first_event),
    SCENARIO(a_read_that_waits_in_vain_ends_with_nothing),
    SCENARIO(those_who_wait_share_what_comes),
    SCENARIO(a_read_waits_for_a_nak_to_be_due),
    SCENARIO(a_read_that_waits_may_be_cancelled),
    SCENARIO(a_read_that_waits_ends_when_its_group_goes),
    {NULL, NULL},
};
