/* Rules 50 and 51: slow tails, and how a tail closes. */
#include "stream_suite.h"

#include <stdlib.h>

static void a_stopped_tail_gets_nothing_until_it_is_started(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *f = streams_follow(s, "run", NULL);
    follower_t *fence = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    follower_await(fence, "live");
    follower_stop(f);
    streams_append(s, "run", "a b");
    follower_await_events(fence, 2);
    assert_int_equal(f->events, 0);
    follower_start(f);
    follower_await(f, "live", "event a", "event b");
}

static void a_tail_that_begins_stopped_loses_nothing(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a");
    cairn_stream_tail_options_t options = {.from = CAIRN_FROM_ALL, .stopped = true};
    follower_t *f = streams_follow(s, "run", &options);
    streams_append(s, "run", "b");
    streams_append(s, "run", "c");
    follower_start(f);
    follower_await_events(f, 3);
    assert_string_equal(text_chars(&f->text), "a b c");
}

static void credit_meters_events(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b c");
    cairn_stream_tail_options_t options = {.from = CAIRN_FROM_ALL, .credit = 2};
    follower_t *f = streams_follow(s, "run", &options);
    follower_await_events(f, 2);
    streams_append(s, "run", "d e");
    assert_int_equal(f->events, 2);
    follower_credit(f, 2);
    follower_await_events(f, 4);
    follower_credit(f, 1);
    follower_await_events(f, 5);
    follower_credit(f, UINT32_MAX);
    follower_credit(f, UINT32_MAX);
    streams_append(s, "run", "f");
    follower_await_events(f, 6);
    assert_string_equal(text_chars(&f->text), "a b c d e f");
    assert_int_equal(journal_count(&f->journal, "gap"), 0);
}

static void without_credit_given_credit_does_nothing(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *f = streams_follow(s, "run", NULL);
    follower_credit(f, 1);
    follower_await(f, "live");
    streams_append(s, "run", "a b c");
    follower_await(f, "live", "event a", "event b", "event c");
}

static void a_slow_tail_stops_reading_and_loses_nothing(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cairn_stream_tail_options_t options = {.max_events = 4};
    follower_t *f = streams_follow(s, "run", &options);
    follower_t *quick = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    follower_await(quick, "live");
    follower_stop(f);
    text_t all = {0};
    for (int i = 0; i < 100; i++) {
        streams_append(s, "run", "a b c");
        text_add(&all, "%sa b c", i ? " " : "");
    }
    follower_await_events(quick, 300);
    assert_int_equal(f->events, 0);
    follower_start(f);
    follower_await_events(f, 300);
    streams_append(s, "run", "d");
    follower_await_events(f, 301);
    text_add(&all, " d");
    assert_string_equal(text_chars(&f->text), text_chars(&all));
    assert_int_equal(journal_count(&f->journal, "gap"), 0);
    text_free(&all);
}

static void a_slow_tail_that_is_given_a_little_now_and_then_loses_nothing(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cairn_stream_tail_options_t options = {.from = CAIRN_FROM_ALL, .max_events = 3, .credit = 1};
    follower_t *f = streams_follow(s, "run", &options);
    for (int i = 0; i < 60; i++) {
        streams_append(s, "run", "a b");
        follower_await_events(f, (uint64_t)i + 1);
        follower_credit(f, 1);
    }
    follower_credit(f, 1000);
    follower_await_events(f, 120);
    assert_int_equal(journal_count(&f->journal, "gap"), 0);
}

static void the_bound_on_bytes_holds_a_tail_back_too(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cairn_stream_tail_options_t options = {.from = CAIRN_FROM_ALL, .max_bytes = 4000, .credit = 1};
    follower_t *f = streams_follow(s, "run", &options);
    char large[3000];
    memset(large, 'x', sizeof large);
    cairn_stream_entry_t entry = {.event = cairn_str("m"),
                                  .data = {cairn_str(TEXT_TYPE), cairn_slice(large, sizeof large)}};
    for (int i = 0; i < 30; i++)
        assert_ends(s->own, ask_append_raw(s->own, cairn_str("run"), &entry, 1, NULL), 0);
    for (uint64_t i = 1; i <= 30; i++) {
        follower_await_events(f, i);
        follower_credit(f, 1);
    }
}

static void what_left_the_stream_before_a_slow_tail_read_it_is_told(world_t *w)
{
    cairn_streams_options_t streams = {.max_events = 5};
    streams_client_t *s = streams_open(w, &streams);
    cairn_stream_tail_options_t options = {.max_events = 2, .max_bytes = 1 << 20};
    follower_t *f = streams_follow(s, "run", &options);
    follower_t *quick = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    follower_await(quick, "live");
    follower_stop(f);
    streams_append(s, "run", "a b c d e f");
    streams_append(s, "run", "g h i j k l");
    follower_await_events(quick, 12);
    follower_start(f);
    follower_await_count(f, "event l", 1);
    assert_string_equal(text_chars(&f->text), "a b h i j k l");
    size_t gap = journal_find(&f->journal, 0, "gap");
    assert_string_equal(f->journal.lines[gap - 1], "event b");
    assert_string_equal(f->journal.lines[gap + 1], "event h");
    int64_t lost = strtoll(f->journal.lines[gap] + strlen("gap "), NULL, 10);
    assert_true(lost == 5 || lost == -1);
    assert_int_equal(journal_count(&f->journal, "gap"), 1);
}

static void what_expired_before_a_slow_tail_read_it_is_told(world_t *w)
{
    cairn_streams_options_t streams = {.ttl = cairn_ttl_ms(timed_brief(60))};
    streams_client_t *s = streams_open(w, &streams);
    cairn_stream_tail_options_t options = {.max_events = 2};
    follower_t *f = streams_follow(s, "run", &options);
    follower_await(f, "live");
    follower_stop(f);
    streams_append(s, "run", "a b c d");
    streams_await_gone(s, "run");
    follower_start(f);
    follower_await_events(f, 2);
    streams_client_t *lasting = streams_beside(s, NULL);
    streams_append(lasting, "run", "e");
    follower_await(f, "live", "event a", "event b", "gap -1", "event e");
}

static void stop_on_event(follower_t *f, const char *line)
{
    if (line && strncmp(line, "event", 5) == 0) follower_stop(f);
}

static void a_tail_may_be_stopped_at_every_event(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b c");
    follower_t *f = streams_follower(s);
    f->react = stop_on_event;
    cairn_stream_tail_options_t options = {.from = CAIRN_FROM_ALL};
    assert_status(follower_try(f, cairn_str("run"), &options), 0);
    for (uint64_t i = 1; i <= 3; i++) {
        follower_await_events(f, i);
        follower_start(f);
    }
    streams_append(s, "run", "d e");
    for (uint64_t i = 4; i <= 5; i++) {
        follower_await_events(f, i);
        follower_start(f);
    }
    assert_string_equal(text_chars(&f->text), "a b c d e");
}

/* ---- closing ---- */

static void a_closed_tail_gets_nothing_more(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *f = streams_follow(s, "run", NULL);
    follower_t *fence = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    follower_await(fence, "live");
    assert_status(ask_append(s->own, "run", "a b", NULL), 0);
    follower_close(f);
    streams_ask_await(s->own, 0);
    follower_await_events(fence, 2);
    follower_await(f, "live", "closed");
    assert_null(f->tail.tail);
    assert_int_equal(cairn_stream_tail_position(&f->tail).high, 0);
    follower_stop(f);
    follower_start(f);
    follower_credit(f, 1);
    assert_status(follower_drain(f, 1), UV_EALREADY);
}

static void a_tail_that_has_not_begun_may_be_closed(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    for (int i = 0; i < 4; i++) {
        follower_t *f = streams_follow_from(s, "run", (cairn_tail_from_t)i);
        follower_close(f);
        follower_await(f, "closed");
    }
}

static void a_handle_that_closes_ends_its_tails(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *live = streams_follow(s, "run", NULL);
    follower_await(live, "live");
    follower_t *young = streams_follow_from(s, "run", CAIRN_FROM_LAST);
    client_close(s->client);
    client_await_closed(s->client);
    follower_await(live, "live", "failed UV_ECANCELED");
    follower_await(young, "failed UV_ECANCELED");
    assert_null(live->tail.tail);
    assert_null(young->tail.tail);
}

static void close_the_handle(follower_t *f, const char *line)
{
    if (line && strcmp(line, "event b") == 0) client_close(f->client->client);
}

static void a_handle_may_be_closed_by_an_event(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b c");
    follower_t *f = streams_follower(s);
    f->react = close_the_handle;
    cairn_stream_tail_options_t options = {.from = CAIRN_FROM_ALL};
    assert_status(follower_try(f, cairn_str("run"), &options), 0);
    follower_await(f, "event a", "event b", "failed UV_ECANCELED");
}

/* ---- draining ---- */

static void drain_delivers_what_is_buffered_and_closes(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *f = streams_follow(s, "run", NULL);
    follower_t *fence = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    follower_await(fence, "live");
    follower_stop(f);
    streams_append(s, "run", "a b");
    follower_await_events(fence, 2);
    assert_status(follower_drain(f, 10000), 0);
    assert_status(follower_drain(f, 10000), UV_EALREADY);
    streams_append(s, "run", "c");
    follower_await_events(fence, 3);
    follower_start(f);
    follower_await(f, "live", "event a", "event b", "drained 0");
    assert_null(f->tail.tail);
}

static void drain_reports_what_was_left_when_the_time_is_up(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *f = streams_follow(s, "run", NULL);
    follower_t *fence = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    follower_await(fence, "live");
    follower_stop(f);
    streams_append(s, "run", "a b c");
    follower_await_events(fence, 3);
    assert_status(follower_drain(f, 20), 0);
    streams_pass_ms(s, 20);
    follower_await(f, "live", "drained 3");
}

static void closing_a_tail_that_drains_ends_both(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *f = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    follower_stop(f);
    streams_append(s, "run", "a");
    assert_status(follower_drain(f, 10000), 0);
    follower_close(f);
    follower_await_count(f, "closed", 1);
    assert_int_equal(journal_count(&f->journal, "drained"), 1);
}

const scenario_t stream_flow_scenarios[] = {
    SCENARIO(a_stopped_tail_gets_nothing_until_it_is_started),
    SCENARIO(a_tail_that_begins_stopped_loses_nothing),
    SCENARIO(credit_meters_events),
    SCENARIO(without_credit_given_credit_does_nothing),
    SCENARIO(a_slow_tail_stops_reading_and_loses_nothing),
    SCENARIO(a_slow_tail_that_is_given_a_little_now_and_then_loses_nothing),
    SCENARIO(the_bound_on_bytes_holds_a_tail_back_too),
    SCENARIO(what_left_the_stream_before_a_slow_tail_read_it_is_told),
    SCENARIO(what_expired_before_a_slow_tail_read_it_is_told),
    SCENARIO(a_tail_may_be_stopped_at_every_event),
    SCENARIO(a_closed_tail_gets_nothing_more),
    SCENARIO(a_tail_that_has_not_begun_may_be_closed),
    SCENARIO(a_handle_that_closes_ends_its_tails),
    SCENARIO(a_handle_may_be_closed_by_an_event),
    SCENARIO(drain_delivers_what_is_buffered_and_closes),
    SCENARIO(drain_reports_what_was_left_when_the_time_is_up),
    SCENARIO(closing_a_tail_that_drains_ends_both),
    {NULL, NULL},
};
