/* Rule 49: what is not acknowledged is delivered again, but not for ever. */
#include "stream_suite.h"

#include <stdlib.h>

static const cairn_group_options_t from_all = {.from = CAIRN_FROM_ALL};
static const cairn_group_options_t twice = {
    .from = CAIRN_FROM_ALL, .max_deliveries = 2, .dead_letter = {"dead", 4}};

static streams_client_t *open_group(world_t *w, const char *words,
                                    const cairn_group_options_t *options)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", words);
    group_create(s, options);
    return s;
}

static void a_nak_delivers_again_to_anybody(world_t *w)
{
    streams_client_t *s = open_group(w, "a b", &from_all);
    assert_string_equal(group_read(s, "one", 2), "a:1 b:1");
    assert_int_equal(group_nak(s, 0, 1, 0), 1);
    assert_string_equal(group_read(s, "two", 9), "a:2");
    assert_int_equal(group_nak(s, 0, 1, 0), 1);
    streams_append(s, "run", "c");
    assert_string_equal(group_read(s, "one", 9), "a:3 c:1");
}

static void a_nak_with_delay_delivers_no_earlier(world_t *w)
{
    streams_client_t *s = open_group(w, "a b", &from_all);
    assert_string_equal(group_read(s, "one", 2), "a:1 b:1");
    assert_int_equal(group_nak(s, 0, 2, 300), 2);
    assert_string_equal(group_read(s, "two", 9), "");
    assert_string_equal(group_claim(s, "two", 9, 0), "");
    streams_pass_ms(s, 310);
    assert_string_equal(group_read(s, "two", 9), "a:2 b:2");
}

static void what_a_nak_gave_back_may_still_be_acknowledged(world_t *w)
{
    streams_client_t *s = open_group(w, "a", &from_all);
    assert_string_equal(group_read(s, "one", 2), "a:1");
    assert_int_equal(group_nak(s, 0, 1, 0), 1);
    assert_int_equal(group_ack(s, 0, 1), 1);
    assert_string_equal(group_read(s, "one", 2), "");
}

static void a_claim_takes_over_what_a_dead_member_held(world_t *w)
{
    streams_client_t *s = open_group(w, "a b c", &from_all);
    assert_string_equal(group_read(s, "dead", 2), "a:1 b:1");
    streams_pass_ms(s, 1010);
    assert_string_equal(group_read(s, "quick", 1), "c:1"); /* claimed before it has been so long */
    assert_string_equal(group_claim(s, "heir", 9, 10000), "");
    assert_string_equal(group_claim(s, "heir", 1, 1000), "a:2");
    assert_string_equal(group_claim(s, "heir", 9, 1000), "b:2");
    assert_string_equal(group_claim(s, "heir", 9, 5000), "");
}

static void a_claim_gives_a_member_its_own_again(world_t *w)
{
    streams_client_t *s = open_group(w, "a b", &from_all);
    assert_string_equal(group_read(s, "one", 2), "a:1 b:1");
    assert_string_equal(group_claim(s, "one", 9, 0), "a:2 b:2");
}

static void after_so_many_deliveries_a_nak_moves_it_to_the_dead_letters(world_t *w)
{
    streams_client_t *s = open_group(w, "token=a#1 b", &twice);
    assert_string_equal(group_read(s, "one", 1), "token=a#1:1");
    assert_int_equal(group_nak(s, 0, 1, 0), 1);
    assert_string_equal(group_read(s, "one", 1), "token=a#1:2");
    assert_int_equal(group_nak(s, 0, 1, 0), 1);
    assert_stream(s, "dead", "token=a#1");
    assert_stream_ttl(s, "dead", CAIRN_STREAM_TTL_MS);
    assert_string_equal(group_read(s, "one", 9), "b:1");
    group_info(s);
    assert_int_equal(s->own->group_facts.held, 1);
}

static void after_so_many_deliveries_a_claim_moves_it_to_the_dead_letters(world_t *w)
{
    streams_client_t *s = open_group(w, "a b", &twice);
    assert_string_equal(group_read(s, "one", 1), "a:1");
    assert_string_equal(group_claim(s, "two", 1, 0), "a:2");
    assert_string_equal(group_read(s, "one", 1), "b:1");
    assert_string_equal(group_claim(s, "one", 9, 0), "b:2");
    assert_stream(s, "dead", "a");
    assert_string_equal(group_claim(s, "one", 9, 0), "");
    assert_stream(s, "dead", "a b");
    assert_stream(s, "run", "a b");
}

static void dead_letters_reach_who_follows_them(world_t *w)
{
    streams_client_t *s = open_group(w, "a", &twice);
    follower_t *f = streams_follow(s, "dead", NULL);
    follower_await(f, "live");
    assert_string_equal(group_read(s, "one", 1), "a:1");
    assert_string_equal(group_claim(s, "one", 1, 0), "a:2");
    assert_string_equal(group_claim(s, "one", 1, 0), "");
    follower_await(f, "live", "event a");
}

static void no_dead_letter_is_refused(world_t *w)
{
    streams_client_t *s = open_group(w, "a#1", &twice);
    streams_append(s, "dead", "x#1 END");
    assert_string_equal(group_read(s, "one", 1), "a#1:1");
    assert_string_equal(group_claim(s, "one", 1, 0), "a#1:2");
    assert_string_equal(group_claim(s, "one", 1, 0), "");
    assert_stream(s, "dead", "x#1 END a#1");
}

static void what_ends_the_stream_does_not_end_the_dead_letters(world_t *w)
{
    streams_client_t *s = open_group(w, "a END", &twice);
    assert_string_equal(group_read(s, "one", 9), "a:1 END:1");
    assert_string_equal(group_claim(s, "one", 9, 0), "a:2 END:2");
    assert_string_equal(group_claim(s, "one", 9, 0), "");
    assert_stream(s, "dead", "a");
    group_info(s);
    assert_int_equal(s->own->group_facts.held, 0);
}

static void without_a_limit_it_is_delivered_for_ever(world_t *w)
{
    streams_client_t *s = open_group(w, "a", &from_all);
    assert_string_equal(group_read(s, "one", 1), "a:1");
    for (int i = 2; i < 30; i++) {
        const char *text = group_claim(s, "one", 1, 0);
        assert_int_equal(strncmp(text, "a:", 2), 0);
        assert_int_equal(strtol(text + 2, NULL, 10), i);
    }
}

static void what_the_length_limit_took_is_not_delivered_again(world_t *w)
{
    cairn_streams_options_t options = {.max_events = 2};
    streams_client_t *s = streams_open(w, &options);
    streams_append(s, "run", "a b");
    group_create(s, &from_all);
    assert_string_equal(group_read(s, "one", 1), "a:1");
    streams_append(s, "run", "c d");
    assert_string_equal(group_claim(s, "one", 9, 0), "");
    assert_string_equal(group_read(s, "one", 9), "c:1 d:1");
}

const scenario_t stream_redelivery_scenarios[] = {
    SCENARIO(a_nak_delivers_again_to_anybody),
    SCENARIO(a_nak_with_delay_delivers_no_earlier),
    SCENARIO(what_a_nak_gave_back_may_still_be_acknowledged),
    SCENARIO(a_claim_takes_over_what_a_dead_member_held),
    SCENARIO(a_claim_gives_a_member_its_own_again),
    SCENARIO(after_so_many_deliveries_a_nak_moves_it_to_the_dead_letters),
    SCENARIO(after_so_many_deliveries_a_claim_moves_it_to_the_dead_letters),
    SCENARIO(dead_letters_reach_who_follows_them),
    SCENARIO(no_dead_letter_is_refused),
    SCENARIO(what_ends_the_stream_does_not_end_the_dead_letters),
    SCENARIO(without_a_limit_it_is_delivered_for_ever),
    SCENARIO(what_the_length_limit_took_is_not_delivered_again),
    {NULL, NULL},
};
