/* Rule 47: clear, copy, exists, length, info, TTL. */
#include "stream_suite.h"

#define HOUR 3600000

static void a_stream_is_there_from_its_first_append_until_it_is_cleared(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    assert_false(streams_exists(s, "run"));
    assert_int_equal(streams_length(s, "run"), 0);
    streams_append(s, "run", "a b");
    assert_true(streams_exists(s, "run"));
    assert_int_equal(streams_clear(s, "run"), 2);
    assert_false(streams_exists(s, "run"));
    assert_int_equal(streams_length(s, "run"), 0);
    assert_int_equal(streams_clear(s, "run"), 0);
}

static void a_cleared_stream_begins_anew_behind_its_old_positions(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    for (int i = 0; i < 5; i++) {
        cairn_position_t last = streams_append(s, "run", "a b END");
        streams_clear(s, "run");
        assert_true(cairn_position_cmp(streams_append(s, "run", "c"), last) > 0);
        assert_stream(s, "run", "c");
        streams_clear(s, "run");
    }
}

static void a_copy_has_the_events_with_their_positions_and_ids(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a#1 token=b c END=x#2");
    assert_stream(s, "run", "a#1 token=b c END=x#2");
    cairn_position_t positions[4];
    memcpy(positions, s->own->positions, sizeof positions);
    assert_int_equal(streams_copy(s, "run", "copy", (cairn_ttl_t){0}), 4);
    assert_stream(s, "copy", "a#1 token=b c END=x#2");
    for (int i = 0; i < 4; i++)
        assert_int_equal(cairn_position_cmp(positions[i], s->own->positions[i]), 0);
    assert_stream(s, "run", "a#1 token=b c END=x#2");
    assert_ends(s->own, ask_append(s->own, "copy", "d", NULL), UV_EPIPE);
    streams_append(s, "copy", "a#1");
    assert_int_equal(s->own->count, 0);
}

static void a_copy_has_a_life_of_its_own(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b");
    streams_copy(s, "run", "copy", cairn_ttl_ms(HOUR));
    streams_copy(s, "run", "other", (cairn_ttl_t){0});
    streams_copy(s, "run", "pinned", cairn_ttl_ms(CAIRN_TTL_PERSIST));
    assert_stream_ttl(s, "copy", HOUR);
    assert_stream_ttl(s, "other", CAIRN_STREAM_TTL_MS);
    assert_int_equal(streams_ttl(s, "pinned"), CAIRN_TTL_PERSIST);
    streams_append(s, "copy", "c");
    streams_append(s, "run", "d");
    assert_stream(s, "copy", "a b c");
    assert_stream(s, "run", "a b d");
    streams_clear(s, "run");
    assert_stream(s, "other", "a b");
    cairn_position_t last = s->own->position;
    assert_true(cairn_position_cmp(streams_append(s, "other", "e"), last) > 0);
}

static void a_copy_keeps_what_the_length_limit_left(world_t *w)
{
    cairn_streams_options_t options = {.max_events = 2};
    streams_client_t *s = streams_open(w, &options);
    streams_append(s, "run", "a b c");
    assert_int_equal(streams_copy(s, "run", "copy", (cairn_ttl_t){0}), 2);
    streams_append(s, "copy", "d");
    assert_stream(s, "copy", "c d");
    assert_stream(s, "run", "b c");
}

static void a_copy_goes_where_nothing_is(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a");
    streams_append(s, "taken", "b");
    cairn_ttl_t ttl = {0};
    assert_ends(s->own, ask_copy_stream(s->own, "run", "taken", ttl), UV_EEXIST);
    assert_stream(s, "taken", "b");
    assert_int_equal(streams_copy(s, "none", "copy", ttl), 0);
    assert_false(streams_exists(s, "copy"));
}

static void info_tells_what_there_is(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    assert_false(streams_info(s, "run"));
    cairn_position_t first = streams_append(s, "run", "a");
    cairn_position_t last = streams_append(s, "run", "b c");
    assert_true(streams_info(s, "run"));
    assert_int_equal(s->own->facts.length, 3);
    assert_int_equal(cairn_position_cmp(s->own->facts.first, first), 0);
    assert_int_equal(cairn_position_cmp(s->own->facts.last, last), 0);
    assert_in_range(s->own->facts.ttl_ms, 1, CAIRN_STREAM_TTL_MS);
    assert_int_equal(s->own->facts.groups, 0);
    assert_string_equal(text_chars(&s->own->text), "");
    group_create(s, NULL);
    streams_append(s, "run", "ERROR=x");
    streams_set_ttl(s, "run", CAIRN_TTL_PERSIST);
    assert_true(streams_info(s, "run"));
    assert_string_equal(text_chars(&s->own->text), CAIRN_STREAM_ERROR);
    assert_int_equal(s->own->facts.ttl_ms, CAIRN_TTL_PERSIST);
    assert_int_equal(s->own->facts.groups, 1);
}

static void a_ttl_is_asked_and_set(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    assert_int_equal(streams_ttl(s, "run"), CAIRN_TTL_ABSENT);
    assert_int_equal(streams_set_ttl(s, "run", HOUR), CAIRN_TTL_ABSENT);
    assert_false(streams_exists(s, "run"));
    streams_append(s, "run", "a");
    assert_int_equal(streams_set_ttl(s, "run", HOUR), HOUR);
    assert_stream_ttl(s, "run", HOUR);
    assert_int_equal(streams_set_ttl(s, "run", CAIRN_TTL_PERSIST), CAIRN_TTL_PERSIST);
    assert_int_equal(streams_ttl(s, "run"), CAIRN_TTL_PERSIST);
    assert_int_equal(streams_set_ttl(s, "run", 30), 30);
    streams_await_gone(s, "run");
}

static void a_clear_takes_the_groups_along(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    group_create(s, NULL);
    streams_append(s, "run", "a");
    assert_string_equal(group_read(s, "w", 10), "a:1");
    streams_clear(s, "run");
    assert_ends(s->own, ask_group_info(s->own, "run", "g"), UV_ENOENT);
    streams_append(s, "run", "b");
    assert_ends(s->own, ask_group_read(s->own, "run", "g", "w", 10, 0), UV_ENOENT);
}

const scenario_t stream_manage_scenarios[] = {
    SCENARIO(a_stream_is_there_from_its_first_append_until_it_is_cleared),
    SCENARIO(a_cleared_stream_begins_anew_behind_its_old_positions),
    SCENARIO(a_copy_has_the_events_with_their_positions_and_ids),
    SCENARIO(a_copy_has_a_life_of_its_own),
    SCENARIO(a_copy_keeps_what_the_length_limit_left),
    SCENARIO(a_copy_goes_where_nothing_is),
    SCENARIO(info_tells_what_there_is),
    SCENARIO(a_ttl_is_asked_and_set),
    SCENARIO(a_clear_takes_the_groups_along),
    {NULL, NULL},
};
