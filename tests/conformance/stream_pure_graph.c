#include "stream_pure_graph.h"

#include <stdio.h>

#define NO_GROUPS "Pure Graph has no groups"
#define LIMIT "polls do not see what came and left between them; it is told as a gap"
#define LATE "what was appended before a tail is live may be told a poll later"

static const stream_lack_t lacks[] = {
    {"info_tells_what_there_is", NO_GROUPS},
    {"a_clear_takes_the_groups_along", NO_GROUPS},
    {"many_tails_of_one_stream_all_see_all", LATE},
    {"a_batch_longer_than_the_limit_still_reaches_who_follows", LIMIT},
    {"what_left_the_stream_before_a_slow_tail_read_it_is_told", LIMIT},
    {"members_share_a_stream_each_event_to_one_of_them", NO_GROUPS},
    {"groups_do_not_share_with_each_other", NO_GROUPS},
    {"a_group_begins_where_it_is_told", NO_GROUPS},
    {"a_group_that_is_there_stays_as_it_is", NO_GROUPS},
    {"a_group_makes_its_stream", NO_GROUPS},
    {"what_ends_the_stream_is_read_like_the_rest", NO_GROUPS},
    {"an_ack_is_the_end_of_it", NO_GROUPS},
    {"an_ack_of_what_nobody_holds_counts_nothing", NO_GROUPS},
    {"info_tells_what_waits_and_what_is_held", NO_GROUPS},
    {"a_destroyed_group_is_forgotten", NO_GROUPS},
    {"without_the_group_there_is_nothing_to_do", NO_GROUPS},
    {"groups_of_similar_names_do_not_meet", NO_GROUPS},
    {"a_read_waits_for_the_first_event", NO_GROUPS},
    {"a_read_that_waits_in_vain_ends_with_nothing", NO_GROUPS},
    {"those_who_wait_share_what_comes", NO_GROUPS},
    {"a_read_waits_for_a_nak_to_be_due", NO_GROUPS},
    {"a_read_that_waits_may_be_cancelled", NO_GROUPS},
    {"a_read_that_waits_ends_when_its_group_goes", NO_GROUPS},
    {"a_nak_delivers_again_to_anybody", NO_GROUPS},
    {"a_nak_with_delay_delivers_no_earlier", NO_GROUPS},
    {"what_a_nak_gave_back_may_still_be_acknowledged", NO_GROUPS},
    {"a_claim_takes_over_what_a_dead_member_held", NO_GROUPS},
    {"a_claim_gives_a_member_its_own_again", NO_GROUPS},
    {"after_so_many_deliveries_a_nak_moves_it_to_the_dead_letters", NO_GROUPS},
    {"after_so_many_deliveries_a_claim_moves_it_to_the_dead_letters", NO_GROUPS},
    {"dead_letters_reach_who_follows_them", NO_GROUPS},
    {"no_dead_letter_is_refused", NO_GROUPS},
    {"what_ends_the_stream_does_not_end_the_dead_letters", NO_GROUPS},
    {"without_a_limit_it_is_delivered_for_ever", NO_GROUPS},
    {"every_event_of_a_group_is_acknowledged_or_a_dead_letter", NO_GROUPS},
    {"what_the_length_limit_took_is_not_delivered_again", NO_GROUPS},
    {"the_backend_says_that_it_can", NO_GROUPS},
    {"every_request_can_be_cancelled", NO_GROUPS},
    {"a_close_ends_every_request", NO_GROUPS},
    {NULL, NULL},
};

/* ---- what those would show, without what they lack ---- */

static void a_batch_longer_than_the_limit_is_told_as_a_gap(world_t *w)
{
    cairn_streams_options_t options = {.max_events = 2};
    streams_client_t *s = streams_open(w, &options);
    follower_t *f = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    streams_append(s, "run", "a");
    follower_await(f, "live", "event a");
    streams_append(s, "run", "b c d e");
    follower_await(f, "live", "event a", "gap -1", "event d", "event e");
}

static void many_tails_of_one_stream_see_all_from_its_beginning(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    enum {
        TAILS = 100
    };
    follower_t *f[TAILS];
    for (int i = 0; i < TAILS; i++) {
        f[i] = streams_follow_from(s, "run", CAIRN_FROM_ALL);
        if (i % 10 == 0) streams_append(s, "run", "x");
    }
    for (int i = 0; i < 50; i++) streams_append(s, "run", "a b");
    for (int i = 0; i < TAILS; i++) follower_await_events(f[i], 110);
}

static void more_streams_than_one_poll_takes_are_followed(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    enum {
        STREAMS = 150
    };
    follower_t *f[STREAMS];
    char name[16];
    for (int i = 0; i < STREAMS; i++) {
        snprintf(name, sizeof name, "run-%d", i);
        f[i] = streams_follow(s, name, NULL);
    }
    for (int i = 0; i < STREAMS; i++) follower_await(f[i], "live");
    for (int i = 0; i < STREAMS; i += 2) follower_close(f[i]);
    for (int i = 0; i < STREAMS; i++) {
        snprintf(name, sizeof name, "run-%d", i);
        streams_append(s, name, i % 3 ? "a b" : "a END");
    }
    for (int i = 1; i < STREAMS; i += 2) {
        if (i % 3)
            follower_await(f[i], "live", "event a", "event b");
        else
            follower_await(f[i], "live", "event a", "event END", "ended");
    }
}

#define KINDS 9

static int submit_kind(streams_ask_t *ask, int kind)
{
    switch (kind) {
    case 0:
        return ask_append(ask, "run", "a", NULL);
    case 1:
        return ask_cancel_run(ask, "four", "");
    case 2:
        return ask_read(ask, cairn_str("run"), &(cairn_stream_range_t){.after = {1, 1}});
    case 3:
        return ask_length(ask, "run");
    case 4:
        return ask_clear(ask, "run");
    case 5:
        return ask_copy_stream(ask, "run", "copy", (cairn_ttl_t){0});
    case 6:
        return ask_info(ask, "run");
    case 7:
        return ask_stream_ttl(ask, "run");
    default:
        return ask_set_stream_ttl(ask, "run", cairn_ttl_ms(1000));
    }
}

static void every_request_but_of_groups_can_be_cancelled(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b");
    streams_ask_t *asks[KINDS];
    for (int i = 0; i < KINDS; i++) {
        asks[i] = streams_ask(s);
        assert_status(submit_kind(asks[i], i), 0);
        bool outer = world_call(w);
        assert_status(cairn_cancel(&asks[i]->of.req), 0);
        world_return(w, outer);
    }
    for (int i = 0; i < KINDS; i++) streams_ask_await(asks[i], UV_ECANCELED);
}

static void a_close_ends_every_request_but_of_groups(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b");
    streams_ask_t *asks[KINDS];
    for (int i = 0; i < KINDS; i++) {
        asks[i] = streams_ask(s);
        assert_status(submit_kind(asks[i], i), 0);
    }
    client_close(s->client);
    client_await_closed(s->client);
    for (int i = 0; i < KINDS; i++) streams_ask_await(asks[i], UV_ECANCELED);
}

static void info_tells_what_there_is_without_groups(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    assert_false(streams_info(s, "run"));
    cairn_position_t first = streams_append(s, "run", "a");
    cairn_position_t last = streams_append(s, "run", "b ERROR=x");
    assert_true(streams_info(s, "run"));
    assert_int_equal(s->own->facts.length, 3);
    assert_int_equal(cairn_position_cmp(s->own->facts.first, first), 0);
    assert_int_equal(cairn_position_cmp(s->own->facts.last, last), 0);
    assert_in_range(s->own->facts.ttl_ms, 1, CAIRN_STREAM_TTL_MS);
    assert_string_equal(text_chars(&s->own->text), CAIRN_STREAM_ERROR);
    assert_int_equal(s->own->facts.groups, 0);
}

static void groups_are_refused(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    client_await(s->client, "connected");
    const uint64_t offered = cairn_capabilities(s->streams.cairn);
    assert_true(offered & CAIRN_CAP_STREAMS);
    assert_false(offered & CAIRN_CAP_STREAM_GROUPS);
    streams_ask_t *ask = streams_ask(s);
    assert_status(ask_group_create(ask, "run", "g", NULL), UV_ENOTSUP);
}

static const scenario_t own_scenarios[] = {
    SCENARIO(a_batch_longer_than_the_limit_is_told_as_a_gap),
    SCENARIO(many_tails_of_one_stream_see_all_from_its_beginning),
    SCENARIO(more_streams_than_one_poll_takes_are_followed),
    SCENARIO(every_request_but_of_groups_can_be_cancelled),
    SCENARIO(a_close_ends_every_request_but_of_groups),
    SCENARIO(info_tells_what_there_is_without_groups),
    SCENARIO(groups_are_refused),
};

int stream_pure_graph_run(const char *name, const char *url, const streams_backend_t *backend)
{
    const stream_factory_t factory = {
        .name = name, .url = url, .backend = *backend, .lacks = lacks};
    return stream_suite_run(&factory) + SCENARIOS_RUN(name, own_scenarios, url);
}
