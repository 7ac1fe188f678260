/* Rules 45 and 47: what an append does. */
#include "stream_suite.h"

#include <stdio.h>

#define S cairn_str
#define HOUR 3600000

static void append_gives_a_position_and_positions_grow(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cairn_position_t zero = {0, 0}, last = zero;
    for (int i = 0; i < 20; i++) {
        cairn_position_t position = streams_append(s, "run", "a");
        assert_int_equal(s->own->count, 1);
        assert_true(cairn_position_cmp(position, last) > 0);
        last = position;
    }
    assert_int_equal(streams_length(s, "run"), 20);
}

static void an_append_of_many_tells_the_position_of_the_last(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cairn_position_t position = streams_append(s, "run", "a b c");
    assert_int_equal(s->own->count, 3);
    assert_stream(s, "run", "a b c");
    assert_int_equal(cairn_position_cmp(s->own->positions[2], position), 0);
    streams_append(s, "run", "d e");
    assert_stream(s, "run", "a b c d e");
}

static void appends_in_flight_take_effect_in_order(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_ask_t *asks[20];
    for (int i = 0; i < 20; i++) {
        char word[32];
        snprintf(word, sizeof word, "%d", i);
        asks[i] = streams_ask(s);
        assert_status(ask_append(asks[i], "run", word, NULL), 0);
    }
    for (int i = 0; i < 20; i++) streams_ask_await(asks[i], 0);
    for (int i = 1; i < 20; i++)
        assert_true(cairn_position_cmp(asks[i]->position, asks[i - 1]->position) > 0);
    assert_stream(s, "run", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19");
}

static void names_data_types_and_ids_are_any_bytes(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    const cairn_slice_t raw = cairn_slice("\0:{*}|\xff\n", 8);
    cairn_stream_entry_t entries[] = {
        {.event = raw, .data = {S(TEXT_TYPE), raw}, .id = raw},
        {.event = S("m"), .data = {S(TEXT_TYPE), S("")}, .id = S("")},
    };
    assert_ends(s->own, ask_append_raw(s->own, raw, entries, 2, NULL), 0);
    assert_ends(s->own, ask_read(s->own, raw, NULL), 0);
    assert_int_equal(s->own->count, 2);
    text_t wanted = {0};
    text_add_event(&wanted,
                   &(cairn_stream_event_t){.event = raw, .data = {S(TEXT_TYPE), raw}, .id = raw});
    text_add(&wanted, " #''");
    assert_string_equal(text_chars(&s->own->text), text_chars(&wanted));
    text_free(&wanted);
}

static void streams_of_similar_names_do_not_meet(world_t *w)
{
    static const char *const ids[] = {"", "a", "a:b", "a:b:", ":a", "{a}", "a}", "a%3Ab", "A"};
    enum {
        IDS = sizeof ids / sizeof *ids
    };
    streams_client_t *s = streams_open(w, NULL);
    for (size_t i = 0; i < IDS; i++) {
        char word[32];
        snprintf(word, sizeof word, "e%zu", i);
        streams_append(s, ids[i], word);
    }
    for (size_t i = 0; i < IDS; i++) {
        char word[32];
        snprintf(word, sizeof word, "e%zu", i);
        assert_stream(s, ids[i], word);
    }
}

/* ---- the expected last position ---- */

static void an_append_where_the_stream_is_expected_to_end(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cairn_position_t zero = {0, 0};
    cairn_stream_append_options_t at = {.expected_last = &zero};
    assert_ends(s->own, ask_append(s->own, "run", "a", &at), 0);
    cairn_position_t last = s->own->position;
    at.expected_last = &last;
    assert_ends(s->own, ask_append(s->own, "run", "b", &at), 0);
    assert_stream(s, "run", "a b");
}

static void an_append_elsewhere_than_expected_changes_nothing(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cairn_position_t zero = {0, 0};
    cairn_position_t first = streams_append(s, "run", "a");
    cairn_position_t second = streams_append(s, "run", "b");
    const cairn_position_t *const wrong[] = {&zero, &first};
    for (int i = 0; i < 2; i++) {
        cairn_stream_append_options_t at = {.expected_last = wrong[i], .ttl = cairn_ttl_ms(50000)};
        assert_ends(s->own, ask_append(s->own, "run", "c d", &at), UV_EEXIST);
    }
    cairn_stream_append_options_t at = {.expected_last = &second};
    assert_ends(s->own, ask_append(s->own, "other", "c", &at), UV_EEXIST);
    assert_false(streams_exists(s, "other"));
    assert_stream(s, "run", "a b");
    assert_in_range(streams_ttl(s, "run"), CAIRN_STREAM_TTL_MS - TTL_SLACK_MS, CAIRN_STREAM_TTL_MS);
}

/* ---- ids ---- */

static void an_id_that_is_there_is_not_appended_again(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cairn_position_t first = streams_append(s, "run", "a#1");
    streams_append(s, "run", "b#2");
    cairn_position_t again = streams_append(s, "run", "a#1");
    assert_int_equal(s->own->count, 0);
    assert_int_equal(cairn_position_cmp(again, first), 0);
    assert_stream(s, "run", "a#1 b#2");
}

static void of_a_batch_only_what_is_new_is_appended(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a#1 b#2");
    streams_append(s, "run", "b#2 c#3 d c#3 d");
    assert_int_equal(s->own->count, 3);
    assert_stream(s, "run", "a#1 b#2 c#3 d d");
}

static void an_id_may_come_again_when_its_event_has_gone(world_t *w)
{
    cairn_streams_options_t options = {.max_events = 2};
    streams_client_t *s = streams_open(w, &options);
    streams_append(s, "run", "a#1");
    streams_append(s, "run", "b c");
    streams_append(s, "run", "d#1");
    assert_int_equal(s->own->count, 1);
    assert_stream(s, "run", "c d#1");
    streams_clear(s, "run");
    streams_append(s, "run", "e#1");
    assert_stream(s, "run", "e#1");
}

static void ids_are_of_one_stream(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "one", "a#1");
    streams_append(s, "two", "b#1");
    assert_stream(s, "one", "a#1");
    assert_stream(s, "two", "b#1");
}

static void a_repeated_append_ends_well_whatever_has_become_of_the_stream(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cairn_position_t zero = {0, 0};
    cairn_stream_append_options_t at = {.expected_last = &zero};
    cairn_position_t last = streams_append(s, "run", "a#1 END#2");
    assert_ends(s->own, ask_append(s->own, "run", "a#1 END#2", &at), 0);
    assert_int_equal(s->own->count, 0);
    assert_int_equal(cairn_position_cmp(s->own->position, last), 0);
    assert_stream(s, "run", "a#1 END#2");
}

/* ---- length limit and TTL in the same step ---- */

static void the_length_limit_takes_the_oldest(world_t *w)
{
    cairn_streams_options_t options = {.max_events = 3};
    streams_client_t *s = streams_open(w, &options);
    streams_append(s, "run", "a b");
    streams_append(s, "run", "c d");
    assert_stream(s, "run", "b c d");
    streams_append(s, "run", "e f g h i");
    assert_stream(s, "run", "g h i");
    assert_int_equal(streams_length(s, "run"), 3);
}

static void without_a_limit_all_stays(world_t *w)
{
    cairn_streams_options_t options = {.max_events = UINT64_MAX};
    streams_client_t *s = streams_open(w, &options);
    for (int i = 0; i < 50; i++) streams_append(s, "run", "a b c d e f g h i j");
    assert_int_equal(streams_length(s, "run"), 500);
}

static void the_default_ttl_is_five_minutes(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a");
    assert_stream_ttl(s, "run", 300000);
}

static void the_ttl_is_the_streams_or_the_calls(world_t *w)
{
    cairn_streams_options_t options = {.ttl = cairn_ttl_ms(HOUR)};
    streams_client_t *s = streams_open(w, &options);
    streams_append(s, "run", "a");
    assert_stream_ttl(s, "run", HOUR);
    cairn_stream_append_options_t longer = {.ttl = cairn_ttl_ms(2 * HOUR)};
    assert_ends(s->own, ask_append(s->own, "run", "b", &longer), 0);
    assert_stream_ttl(s, "run", 2 * HOUR);
    cairn_stream_append_options_t for_ever = {.ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST)};
    assert_ends(s->own, ask_append(s->own, "run", "c", &for_ever), 0);
    assert_int_equal(streams_ttl(s, "run"), CAIRN_TTL_PERSIST);
}

static void every_append_starts_the_ttl_anew(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a#1");
    assert_int_equal(streams_set_ttl(s, "run", 30000), 30000);
    streams_append(s, "run", "b");
    assert_stream_ttl(s, "run", CAIRN_STREAM_TTL_MS);
    streams_set_ttl(s, "run", 30000);
    streams_append(s, "run", "a#1");
    assert_stream_ttl(s, "run", CAIRN_STREAM_TTL_MS);
}

static void an_expired_stream_is_gone_and_its_positions_are_not_used_again(world_t *w)
{
    cairn_streams_options_t options = {.ttl = cairn_ttl_ms(timed_brief(40))};
    streams_client_t *s = streams_open(w, &options);
    cairn_position_t last = streams_append(s, "run", "a b c#1");
    streams_await_gone(s, "run");
    assert_stream(s, "run", "");
    assert_int_equal(streams_length(s, "run"), 0);
    assert_int_equal(streams_ttl(s, "run"), CAIRN_TTL_ABSENT);
    assert_false(streams_info(s, "run"));
    streams_client_t *lasting = streams_beside(s, NULL);
    assert_true(cairn_position_cmp(streams_append(lasting, "run", "d#1"), last) > 0);
    assert_stream(s, "run", "d#1");
}

const scenario_t stream_append_scenarios[] = {
    SCENARIO(append_gives_a_position_and_positions_grow),
    SCENARIO(an_append_of_many_tells_the_position_of_the_last),
    SCENARIO(appends_in_flight_take_effect_in_order),
    SCENARIO(names_data_types_and_ids_are_any_bytes),
    SCENARIO(streams_of_similar_names_do_not_meet),
    SCENARIO(an_append_where_the_stream_is_expected_to_end),
    SCENARIO(an_append_elsewhere_than_expected_changes_nothing),
    SCENARIO(an_id_that_is_there_is_not_appended_again),
    SCENARIO(of_a_batch_only_what_is_new_is_appended),
    SCENARIO(an_id_may_come_again_when_its_event_has_gone),
    SCENARIO(ids_are_of_one_stream),
    SCENARIO(a_repeated_append_ends_well_whatever_has_become_of_the_stream),
    SCENARIO(the_length_limit_takes_the_oldest),
    SCENARIO(without_a_limit_all_stays),
    SCENARIO(the_default_ttl_is_five_minutes),
    SCENARIO(the_ttl_is_the_streams_or_the_calls),
    SCENARIO(every_append_starts_the_ttl_anew),
    SCENARIO(an_expired_stream_is_gone_and_its_positions_are_not_used_again),
    {NULL, NULL},
};
