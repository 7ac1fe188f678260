/* Rule 46: what ends a stream, and how a cancel reaches everybody. */
#include "stream_suite.h"

static void an_end_ends_every_tail(world_t *w)
{
    static int (*const ways[])(streams_ask_t *, const char *,
                               const char *) = {ask_end_run, ask_error_run, ask_cancel_run};
    static const char *const events[] = {"event END=why", "event ERROR=why", "event CANCEL=why"};
    static const char *const runs[] = {"one", "two", "three"};
    streams_client_t *s = streams_open(w, NULL);
    for (int i = 0; i < 3; i++) {
        follower_t *early = streams_follow(s, runs[i], NULL);
        follower_await(early, "live");
        streams_append(s, runs[i], "a");
        assert_ends(s->own, ways[i](s->own, runs[i], "why"), 0);
        follower_t *late = streams_follow_from(s, runs[i], CAIRN_FROM_ALL);
        follower_await(early, "live", "event a", events[i], "ended");
        follower_await(late, "event a", events[i], "ended");
    }
}

static void behind_an_end_nothing_is_appended_until_a_clear(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a END");
    assert_ends(s->own, ask_append(s->own, "run", "b", NULL), UV_EPIPE);
    assert_ends(s->own, ask_cancel_run(s->own, "run", ""), UV_EPIPE);
    assert_ends(s->own, ask_append(s->own, "run", "b c d", NULL), UV_EPIPE);
    assert_stream(s, "run", "a END");
    streams_clear(s, "run");
    streams_append(s, "run", "b");
    assert_stream(s, "run", "b");
}

static void an_end_stays_the_end_when_the_limit_took_what_was_before_it(world_t *w)
{
    cairn_streams_options_t options = {.max_events = 1};
    streams_client_t *s = streams_open(w, &options);
    streams_append(s, "run", "a b");
    streams_append(s, "run", "END=x");
    assert_stream(s, "run", "END=x");
    assert_ends(s->own, ask_append(s->own, "run", "c", NULL), UV_EPIPE);
}

static void an_end_is_told_to_who_comes_back_behind_it(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cairn_position_t a = streams_append(s, "run", "a");
    cairn_position_t end = streams_append(s, "run", "END");
    follower_await(streams_follow_after(s, "run", a), "event END", "ended");
    follower_await(streams_follow_after(s, "run", end), "ended");
    follower_await(streams_follow(s, "run", NULL), "ended");
}

static void an_ended_tail_hears_nothing_of_a_new_beginning(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a END");
    follower_t *old = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    follower_await(old, "event a", "event END", "ended");
    streams_clear(s, "run");
    streams_append(s, "run", "b");
    follower_t *new = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    follower_await(new, "event b", "live");
    follower_await(old, "event a", "event END", "ended");
    follower_close(old);
    follower_await(old, "event a", "event END", "ended", "closed");
}

static void an_ended_tail_may_be_opened_again(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a END");
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    follower_await_count(f, "ended", 1);
    assert_status(follower_try(f, cairn_str("run"), NULL), UV_EBUSY);
    follower_close(f);
    follower_await_count(f, "closed", 1);
    f->position = (cairn_position_t){0, 0};
    cairn_stream_tail_options_t all = {.from = CAIRN_FROM_ALL};
    assert_status(follower_try(f, cairn_str("run"), &all), 0);
    follower_await_count(f, "ended", 2);
    assert_int_equal(f->events, 4);
}

static void a_stopped_tail_is_told_of_the_end_behind_what_it_has_not_seen(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cairn_stream_tail_options_t options = {.from = CAIRN_FROM_ALL, .credit = 1};
    follower_t *f = streams_follow(s, "run", &options);
    follower_await(f, "live");
    streams_append(s, "run", "a b END");
    follower_await(f, "live", "event a");
    follower_credit(f, 1);
    follower_await(f, "live", "event a", "event b");
    follower_credit(f, 1);
    follower_await(f, "live", "event a", "event b", "event END", "ended");
}

/* ---- watches ---- */

static void a_cancel_reaches_the_watch_of_the_producer(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    watcher_t *watcher = streams_watch(s, "run");
    streams_append(s, "run", "a");
    streams_append(s, "other", "CANCEL");
    assert_ends(s->own, ask_cancel_run(s->own, "run", "enough"), 0);
    watcher_await(watcher, "cancelled CANCEL=enough");
    assert_ends(s->own, ask_append(s->own, "run", "b", NULL), UV_EPIPE);
}

static void a_cancel_from_before_reaches_the_watch_too(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a CANCEL=early");
    watcher_await(streams_watch(s, "run"), "cancelled CANCEL=early");
}

static void a_cancel_reaches_every_watch_and_tail_once(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    watcher_t *watchers[10];
    follower_t *followers[10];
    for (int i = 0; i < 10; i++) {
        watchers[i] = streams_watch(s, "run");
        followers[i] = streams_follow(s, "run", NULL);
    }
    for (int i = 0; i < 10; i++) follower_await(followers[i], "live");
    assert_ends(s->own, ask_cancel_run(s->own, "run", ""), 0);
    for (int i = 0; i < 10; i++) {
        watcher_await(watchers[i], "cancelled CANCEL");
        follower_await(followers[i], "live", "event CANCEL", "ended");
    }
}

static void an_end_is_no_cancel(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    watcher_t *early = streams_watch(s, "run");
    follower_t *f = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    streams_append(s, "run", "ERROR");
    follower_await(f, "live", "event ERROR", "ended");
    watcher_t *late = streams_watch(s, "run");
    streams_append(s, "fence", "a");
    assert_stream(s, "fence", "a");
    watcher_close(early);
    watcher_close(late);
    watcher_await(early, "closed");
    watcher_await(late, "closed");
}

static void a_closed_watch_is_told_nothing(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    watcher_t *watcher = streams_watch(s, "run");
    follower_t *f = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    watcher_close(watcher);
    streams_append(s, "run", "CANCEL");
    follower_await(f, "live", "event CANCEL", "ended");
    watcher_await(watcher, "closed");
    assert_null(watcher->watch.watch);
}

static void close_at_once(watcher_t *watcher)
{
    watcher_close(watcher);
}

static void a_watch_may_be_closed_in_its_own_callback(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    watcher_t *watcher = streams_watch(s, "run");
    watcher->react = close_at_once;
    streams_append(s, "run", "CANCEL");
    watcher_await(watcher, "cancelled CANCEL", "closed");
}

static void a_watch_ends_with_its_handle(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    watcher_t *watcher = streams_watch(s, "run");
    watcher_t *told = streams_watch(s, "two");
    streams_append(s, "two", "CANCEL");
    watcher_await(told, "cancelled CANCEL");
    client_close(s->client);
    client_await_closed(s->client);
    watcher_await(watcher, "failed UV_ECANCELED");
    assert_null(watcher->watch.watch);
    assert_null(told->watch.watch);
}

const scenario_t stream_end_scenarios[] = {
    SCENARIO(an_end_ends_every_tail),
    SCENARIO(behind_an_end_nothing_is_appended_until_a_clear),
    SCENARIO(an_end_stays_the_end_when_the_limit_took_what_was_before_it),
    SCENARIO(an_end_is_told_to_who_comes_back_behind_it),
    SCENARIO(an_ended_tail_hears_nothing_of_a_new_beginning),
    SCENARIO(an_ended_tail_may_be_opened_again),
    SCENARIO(a_stopped_tail_is_told_of_the_end_behind_what_it_has_not_seen),
    SCENARIO(a_cancel_reaches_the_watch_of_the_producer),
    SCENARIO(a_cancel_from_before_reaches_the_watch_too),
    SCENARIO(a_cancel_reaches_every_watch_and_tail_once),
    SCENARIO(an_end_is_no_cancel),
    SCENARIO(a_closed_watch_is_told_nothing),
    SCENARIO(a_watch_may_be_closed_in_its_own_callback),
    SCENARIO(a_watch_ends_with_its_handle),
    {NULL, NULL},
};
