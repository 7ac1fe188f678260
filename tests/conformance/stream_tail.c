/* Rules 45 and 48: where a tail begins, and how history and what is appended join. */
#include "stream_suite.h"

#include <stdio.h>

static void a_tail_from_new_sees_what_is_appended_from_now_on(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b");
    follower_t *f = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    streams_append(s, "run", "c");
    streams_append(s, "run", "token=d e#1");
    follower_await(f, "live", "event c", "event token=d", "event e#1");
}

static void what_is_appended_right_behind_the_opening_is_new(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b");
    follower_t *f = streams_follow(s, "run", NULL);
    streams_append(s, "run", "c");
    streams_append(s, "run", "d");
    follower_await_events(f, 2);
    assert_string_equal(text_chars(&f->text), "c d");
}

static void a_tail_from_all_sees_everything(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b c");
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    follower_await(f, "event a", "event b", "event c", "live");
    streams_append(s, "run", "d");
    follower_await(f, "event a", "event b", "event c", "live", "event d");
}

static void a_tail_from_a_position_sees_what_is_behind_it(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a");
    cairn_position_t b = streams_append(s, "run", "b");
    streams_append(s, "run", "c d");
    follower_t *f = streams_follow_after(s, "run", b);
    assert_int_equal(cairn_position_cmp(cairn_stream_tail_position(&f->tail), b), 0);
    follower_await(f, "event c", "event d", "live");
    follower_t *at_end = streams_follow_after(s, "run", f->position);
    follower_await(at_end, "live");
    streams_append(s, "run", "e");
    follower_await(at_end, "live", "event e");
    follower_await(f, "event c", "event d", "live", "event e");
}

static void a_position_goes_through_text(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cairn_position_t a = streams_append(s, "run", "a"), parsed;
    streams_append(s, "run", "b");
    char text[CAIRN_POSITION_SIZE];
    size_t len = cairn_position_format(a, text);
    assert_status(cairn_position_parse(cairn_slice(text, len), &parsed), 0);
    follower_t *f = streams_follow_after(s, "run", parsed);
    follower_await(f, "event b", "live");
}

static void a_tail_from_a_position_far_ahead_waits_for_what_is_behind_it(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a");
    cairn_position_t far = {UINT64_MAX, 0};
    follower_t *f = streams_follow_after(s, "run", far);
    follower_t *other = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    follower_await(f, "live");
    follower_await(other, "event a", "live");
    streams_append(s, "run", "b");
    follower_await(other, "event a", "live", "event b");
    assert_int_equal(f->events, 0);
}

static void a_tail_from_the_last_ones_sees_them(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b c d e");
    static const char *const expected[] = {"f", "e f", "d e f", "a b c d e f", "a b c d e f"};
    static const uint64_t last[] = {0, 1, 2, 5, 100000};
    follower_t *f[5];
    for (int i = 0; i < 5; i++) {
        cairn_stream_tail_options_t options = {.from = CAIRN_FROM_LAST, .last = last[i]};
        f[i] = streams_follow(s, "run", &options);
        follower_await_count(f[i], "live", 1);
    }
    streams_append(s, "run", "f");
    for (int i = 0; i < 5; i++) {
        follower_await_count(f[i], "event f", 1);
        assert_string_equal(text_chars(&f[i]->text), expected[i]);
    }
}

static void the_last_ones_may_be_very_many(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    enum {
        EVENTS = 4000,
        LAST = 3500
    };
    for (int i = 0; i < EVENTS; i += 10) streams_append(s, "run", "a b c d e f g h i j");
    cairn_stream_tail_options_t options = {
        .from = CAIRN_FROM_LAST, .last = LAST, .max_events = 100};
    follower_t *f = streams_follow(s, "run", &options);
    follower_await_count(f, "live", 1);
    assert_int_equal(f->events, LAST);
}

static void a_stream_may_be_followed_before_it_is_there(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *f[4];
    for (int i = 0; i < 4; i++) {
        f[i] = streams_follow_from(s, "run", (cairn_tail_from_t)i);
        follower_await(f[i], "live");
    }
    assert_false(streams_exists(s, "run"));
    streams_append(s, "run", "a");
    for (int i = 0; i < 4; i++) follower_await_count(f[i], "event a", 1);
}

static void a_tail_opened_before_the_connect_sees_all_too(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    assert_int_equal(cairn_state(&s->client->cairn), CAIRN_OPENING);
    streams_append(s, "run", "a");
    follower_await_events(f, 1);
}

/* ---- joining ---- */

static void a_long_history_comes_whole_and_in_order(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    enum {
        EVENTS = 3000
    };
    for (int i = 0; i < EVENTS; i += 10) streams_append(s, "run", "a b c d e f g h i j");
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    follower_await_count(f, "live", 1);
    assert_int_equal(f->events, EVENTS);
}

/* While a tail reads history, appends go on, without a break. */
static void history_joins_what_is_appended_meanwhile_without_gap_or_duplicate(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    text_t all = {0};
    streams_ask_t *asks[8];
    for (int i = 0; i < 8; i++) asks[i] = streams_ask(s);
    follower_t *f[10] = {NULL};
    for (int round = 0; round < 400; round++) {
        char word[32];
        snprintf(word, sizeof word, "e%d", round);
        text_add(&all, "%s%s", round ? " " : "", word);
        streams_ask_t *ask = asks[round % 8];
        streams_ask_await(ask, 0);
        assert_status(ask_append(ask, "run", word, NULL), 0);
        if (round % 20 == 10 && round < 200)
            f[round / 20] = streams_follow_from(s, "run", CAIRN_FROM_ALL);
        if (round % 3 == 0) loop_turns(&w->loop, round % 4);
    }
    for (int i = 0; i < 10; i++) {
        follower_await_events(f[i], 400);
        assert_string_equal(text_chars(&f[i]->text), text_chars(&all));
        assert_int_equal(journal_count(&f[i]->journal, "live"), 1);
        assert_int_equal(journal_count(&f[i]->journal, "gap"), 0);
    }
    text_free(&all);
}

static void many_tails_of_one_stream_all_see_all(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    enum {
        TAILS = 100
    };
    follower_t *f[TAILS];
    for (int i = 0; i < TAILS; i++) {
        f[i] = streams_follow_from(s, "run", i % 2 ? CAIRN_FROM_ALL : CAIRN_FROM_NEW);
        if (i % 10 == 0) streams_append(s, "run", "x");
    }
    for (int i = 0; i < TAILS; i++) follower_await_count(f[i], "live", 1);
    uint64_t before[TAILS];
    for (int i = 0; i < TAILS; i++) before[i] = f[i]->events;
    for (int i = 0; i < 50; i++) streams_append(s, "run", "a b");
    for (int i = 0; i < TAILS; i++) follower_await_events(f[i], before[i] + 100);
    for (int i = 1; i < TAILS; i += 2) assert_int_equal(f[i]->events, 110);
}

static void tails_see_only_their_own_stream(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *one = streams_follow(s, "one", NULL);
    follower_t *two = streams_follow(s, "two", NULL);
    follower_await(one, "live");
    follower_await(two, "live");
    streams_append(s, "one", "a");
    streams_append(s, "two", "b");
    streams_append(s, "three", "c");
    streams_append(s, "one", "d");
    follower_await(one, "live", "event a", "event d");
    follower_await(two, "live", "event b");
}

static void a_batch_longer_than_the_limit_still_reaches_who_follows(world_t *w)
{
    cairn_streams_options_t options = {.max_events = 2};
    streams_client_t *s = streams_open(w, &options);
    follower_t *f = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    streams_append(s, "run", "a b c d");
    follower_await(f, "live", "event a", "event b", "event c", "event d");
}

static void a_repeated_id_is_delivered_once(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *f = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    streams_append(s, "run", "a#1");
    streams_append(s, "run", "a#1 b#2");
    streams_append(s, "run", "a#1");
    streams_append(s, "run", "c");
    follower_await(f, "live", "event a#1", "event b#2", "event c");
}

static void a_clear_is_told_and_a_new_beginning_follows(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    follower_await(f, "live");
    streams_append(s, "run", "a b");
    follower_await_events(f, 2);
    streams_clear(s, "run");
    follower_await_count(f, "cleared", 1);
    streams_append(s, "run", "c d");
    streams_append(s, "run", "e");
    follower_await_events(f, 5);
    size_t cleared = journal_find(&f->journal, 0, "cleared");
    assert_string_equal(f->journal.lines[cleared - 1], "event b");
    assert_string_equal(f->journal.lines[cleared + 1], "event c");
    assert_int_equal(journal_count(&f->journal, "gap"), 0);
}

static void an_expired_stream_goes_on_for_its_tails(world_t *w)
{
    cairn_streams_options_t options = {.ttl = cairn_ttl_ms(timed_brief(40))};
    streams_client_t *s = streams_open(w, &options);
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    follower_await(f, "live");
    streams_append(s, "run", "a");
    follower_await(f, "live", "event a");
    streams_await_gone(s, "run");
    follower_t *late = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    follower_await(late, "live");
    streams_client_t *lasting = streams_beside(s, NULL);
    streams_append(lasting, "run", "b");
    streams_append(lasting, "run", "c");
    follower_await(f, "live", "event a", "event b", "event c");
    follower_await(late, "live", "event b", "event c");
}

static void a_copy_reaches_who_follows_its_target(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b c");
    follower_t *f = streams_follow_from(s, "copy", CAIRN_FROM_ALL);
    follower_await(f, "live");
    streams_copy(s, "run", "copy", (cairn_ttl_t){0});
    streams_append(s, "copy", "d");
    follower_await(f, "live", "event a", "event b", "event c", "event d");
}

/* ---- coming back ---- */

static void who_comes_back_misses_nothing(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b");
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    for (int i = 0; i < 20; i++) {
        follower_await_events(f, 2 + (uint64_t)i * 3);
        cairn_position_t position = f->position;
        follower_close(f);
        streams_append(s, "run", "x y");
        cairn_stream_tail_options_t after = {.from = CAIRN_FROM_AFTER, .after = position};
        follower_await_count(f, "closed", (size_t)i + 1);
        assert_status(follower_try(f, cairn_str("run"), &after), 0);
        streams_append(s, "run", "z");
    }
    follower_await_events(f, 62);
}

static void on_third(follower_t *f, const char *line)
{
    if (line && f->events == 3 && !f->closed) follower_close(f);
}

static void closing_in_the_middle_of_a_page_ends_it(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b c d e");
    follower_t *f = streams_follower(s);
    f->react = on_third;
    cairn_stream_tail_options_t options = {.from = CAIRN_FROM_ALL};
    assert_status(follower_try(f, cairn_str("run"), &options), 0);
    follower_await(f, "event a", "event b", "event c", "closed");
    assert_null(f->tail.tail);
}

static void on_first_follow_again(follower_t *f, const char *line)
{
    if (!line || strcmp(line, "event a") != 0 || f->data) return;
    f->data = streams_follow_from(f->client, "run", CAIRN_FROM_ALL);
}

static void a_tail_may_be_opened_in_a_callback_of_its_own_stream(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *f = streams_follow(s, "run", NULL);
    f->react = on_first_follow_again;
    follower_await(f, "live");
    streams_append(s, "run", "a b");
    follower_await(f, "live", "event a", "event b");
    follower_t *second = f->data;
    follower_await_events(second, 2);
    streams_append(s, "run", "c");
    follower_await_events(second, 3);
    follower_await_events(f, 3);
}

const scenario_t stream_tail_scenarios[] = {
    SCENARIO(a_tail_from_new_sees_what_is_appended_from_now_on),
    SCENARIO(what_is_appended_right_behind_the_opening_is_new),
    SCENARIO(a_tail_from_all_sees_everything),
    SCENARIO(a_tail_from_a_position_sees_what_is_behind_it),
    SCENARIO(a_position_goes_through_text),
    SCENARIO(a_tail_from_a_position_far_ahead_waits_for_what_is_behind_it),
    SCENARIO(a_tail_from_the_last_ones_sees_them),
    SCENARIO(the_last_ones_may_be_very_many),
    SCENARIO(a_stream_may_be_followed_before_it_is_there),
    SCENARIO(a_tail_opened_before_the_connect_sees_all_too),
    SCENARIO(a_long_history_comes_whole_and_in_order),
    SCENARIO(history_joins_what_is_appended_meanwhile_without_gap_or_duplicate),
    SCENARIO(many_tails_of_one_stream_all_see_all),
    SCENARIO(tails_see_only_their_own_stream),
    SCENARIO(a_batch_longer_than_the_limit_still_reaches_who_follows),
    SCENARIO(a_repeated_id_is_delivered_once),
    SCENARIO(a_clear_is_told_and_a_new_beginning_follows),
    SCENARIO(an_expired_stream_goes_on_for_its_tails),
    SCENARIO(a_copy_reaches_who_follows_its_target),
    SCENARIO(who_comes_back_misses_nothing),
    SCENARIO(closing_in_the_middle_of_a_page_ends_it),
    SCENARIO(a_tail_may_be_opened_in_a_callback_of_its_own_stream),
    {NULL, NULL},
};
