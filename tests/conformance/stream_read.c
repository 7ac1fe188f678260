/* Rules 45 and 47: reading a range in pages. */
#include "stream_suite.h"

/* The positions of a ... j. */
static const cairn_position_t *ten(streams_client_t *s)
{
    streams_append(s, "run", "a b c d e f g h i j");
    assert_stream(s, "run", "a b c d e f g h i j");
    static cairn_position_t positions[10];
    memcpy(positions, s->own->positions, sizeof positions);
    return positions;
}

#define assert_page(s, expected, more_of_it, ...)                                                  \
    do {                                                                                           \
        assert_string_equal(streams_read((s), "run", (cairn_stream_range_t){__VA_ARGS__}),         \
                            (expected));                                                           \
        assert_int_equal((s)->own->more, (more_of_it));                                            \
    } while (0)

static void a_stream_is_read_in_pages(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    const cairn_position_t *at = ten(s);
    assert_page(s, "a b c d", true, .page_size = 4);
    assert_page(s, "e f g h", true, .after = at[3], .page_size = 4);
    assert_page(s, "i j", false, .after = at[7], .page_size = 4);
    assert_page(s, "", false, .after = at[9], .page_size = 4);
    assert_page(s, "g h i j", false, .after = at[5], .page_size = 4);
}

static void a_range_ends_with_until(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    const cairn_position_t *at = ten(s);
    assert_page(s, "c d e", false, .after = at[1], .until = at[4]);
    assert_page(s, "c d", true, .after = at[1], .until = at[4], .page_size = 2);
    assert_page(s, "a", false, .until = at[0]);
    assert_page(s, "", false, .after = at[4], .until = at[4]);
    assert_page(s, "", false, .after = at[5], .until = at[2]);
}

static void the_newest_page_is_the_end_of_the_range(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    const cairn_position_t *at = ten(s);
    assert_page(s, "h i j", true, .newest = true, .page_size = 3);
    assert_page(s, "e f g", true, .newest = true, .page_size = 3, .until = at[6]);
    assert_page(s, "a b", false, .newest = true, .page_size = 3, .until = at[1]);
    assert_page(s, "c d", false, .newest = true, .page_size = 3, .after = at[1], .until = at[3]);
}

static void bounds_need_not_be_positions_of_events(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    ten(s);
    cairn_position_t far = {UINT64_MAX, UINT64_MAX}, near = {0, 1};
    assert_page(s, "", false, .after = far);
    assert_page(s, "a b c d e f g h i j", false, .until = far, .after = near);
    assert_page(s, "", false, .until = near);
}

static void a_page_tells_where_the_stream_ends(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    const cairn_position_t *at = ten(s);
    cairn_position_t far = {UINT64_MAX, 0};
    cairn_stream_range_t ranges[5];
    memset(ranges, 0, sizeof ranges);
    ranges[1].page_size = 1;
    ranges[2].after = at[9];
    ranges[3].after = far;
    ranges[4].until = at[3];
    for (size_t i = 0; i < 5; i++) {
        streams_read(s, "run", ranges[i]);
        assert_int_equal(cairn_position_cmp(s->own->last, at[9]), 0);
        assert_false(s->own->ended);
    }
    cairn_position_t end = streams_append(s, "run", "END");
    for (size_t i = 0; i < 5; i++) {
        streams_read(s, "run", ranges[i]);
        assert_int_equal(cairn_position_cmp(s->own->last, end), 0);
        assert_true(s->own->ended);
    }
    streams_read(s, "none", ranges[0]);
    assert_int_equal(s->own->last.high + s->own->last.low, 0);
    assert_false(s->own->ended);
}

static void a_page_tells_that_events_are_gone(world_t *w)
{
    cairn_streams_options_t options = {.max_events = 4};
    streams_client_t *s = streams_open(w, &options);
    streams_append(s, "run", "a b c d");
    streams_read(s, "run", (cairn_stream_range_t){.page_size = 0});
    cairn_position_t a = s->own->positions[0], c = s->own->positions[2];
    streams_append(s, "run", "e f");
    assert_page(s, "c d e f", false, .after = a);
    assert_true(s->own->lost == 1 || s->own->lost == -1);
    assert_page(s, "d e f", false, .after = c);
    assert_int_equal(s->own->lost, 0);
    assert_page(s, "c d e f", false, .page_size = 4);
    assert_int_equal(s->own->lost, 0);
    assert_page(s, "e f", true, .after = a, .newest = true, .page_size = 2);
    assert_int_equal(s->own->lost, 0);
}

static void what_is_not_there_is_an_empty_page(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    assert_page(s, "", false, .page_size = 0);
    assert_page(s, "", false, .newest = true);
    assert_false(streams_exists(s, "run"));
}

const scenario_t stream_read_scenarios[] = {
    SCENARIO(a_stream_is_read_in_pages),
    SCENARIO(a_range_ends_with_until),
    SCENARIO(the_newest_page_is_the_end_of_the_range),
    SCENARIO(bounds_need_not_be_positions_of_events),
    SCENARIO(a_page_tells_where_the_stream_ends),
    SCENARIO(a_page_tells_that_events_are_gone),
    SCENARIO(what_is_not_there_is_an_empty_page),
    {NULL, NULL},
};
