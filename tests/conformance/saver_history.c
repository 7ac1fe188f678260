/* Rule 27: the history of delta channels. */
#include "saver_suite.h"

#include <stdio.h>

static void the_walk_ends_at_the_nearest_ancestor_with_a_value(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1=old");
    saver_write(s, "c1", "t1", "d=before");
    saver_put(s, "c2", "d@2=seed", .parent = "c1");
    saver_put(s, "c3", "d@3~", .parent = "c2");
    saver_put(s, "c4", "d@4~", .parent = "c3");
    assert_string_equal(saver_history(s, at("c4"), "d"), "d=seed");
    assert_string_equal(saver_history(s, at("c3"), "d"), "d=seed");
    assert_string_equal(saver_history(s, at("c2"), "d"), "d=old [t1.0 d=before]");
    assert_string_equal(saver_history(s, at("c1"), "d"), "d");
}

static void the_seeds_own_writes_are_in_it_and_the_targets_are_not(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1=seed");
    saver_write(s, "c1", "t1", "d=1");
    saver_put(s, "c2", "d@2~", .parent = "c1");
    saver_write(s, "c2", "t1", "d=2");
    saver_put(s, "c3", "d@3~", .parent = "c2");
    saver_write(s, "c3", "t1", "d=3");
    assert_string_equal(saver_history(s, at("c3"), "d"), "d=seed [t1.0 d=1] [t1.0 d=2]");
    assert_string_equal(saver_history(s, latest(), "d"), "d=seed [t1.0 d=1] [t1.0 d=2]");
}

static void the_targets_own_value_is_no_seed(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1=seed");
    saver_put(s, "c2", "d@2=mine", .parent = "c1");
    assert_string_equal(saver_history(s, at("c2"), "d"), "d=seed");
}

static void writes_come_oldest_first_and_of_one_step_by_task_and_index(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1=seed");
    saver_write(s, "c1", "t2", "x=0 d=4 d=5");
    saver_write(s, "c1", "t1", "d=1 __error__=e x=0 d=3", .path = "p");
    saver_put(s, "c2", "d@2~", .parent = "c1");
    saver_write(s, "c2", "t1", "d=6");
    saver_put(s, "c3", "d@3~", .parent = "c2");
    assert_string_equal(saver_history(s, at("c3"), "d"),
                        "d=seed [t1.0 d=1 p] [t1.3 d=3 p] [t2.1 d=4] [t2.2 d=5] [t1.0 d=6]");
    assert_string_equal(saver_history(s, at("c3"), "__error__"), "__error__ [t1.-1 __error__=e p]");
}

static void each_channel_ends_on_its_own(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1=d1 e@1=e1");
    saver_write(s, "c1", "t1", "d=d2 e=e2");
    saver_put(s, "c2", "d@2=d3 e@2~", .parent = "c1");
    saver_write(s, "c2", "t1", "d=d4 e=e4");
    saver_put(s, "c3", "d@3~ e@3~", .parent = "c2");
    assert_string_equal(saver_history(s, at("c3"), "d e"),
                        "d=d3 [t1.0 d=d4] e=e1 [t1.1 e=e2] [t1.1 e=e4]");
}

static void channels_come_in_the_order_asked_for(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x b@1=y c@1=z");
    saver_put(s, "c2", "", .parent = "c1");
    assert_string_equal(saver_history(s, at("c2"), "c a none b"), "c=z a=x none b=y");
    assert_string_equal(saver_history(s, at("c2"), "b a b"), "b=y a=x b=y");
    assert_string_equal(saver_history(s, at("c2"), ""), "");
    assert_int_equal(s->own->count, 0);
}

static void an_empty_mark_and_a_version_without_value_do_not_end_the_walk(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1=seed");
    saver_put(s, "c2", "d@2!", .parent = "c1");
    saver_write(s, "c2", "t1", "d=1");
    saver_put(s, "c3", "d@3", .parent = "c2");
    saver_put(s, "c4", "", .parent = "c3");
    saver_write(s, "c4", "t1", "d=2");
    saver_put(s, "c5", "", .parent = "c4");
    assert_string_equal(saver_history(s, at("c5"), "d"), "d=seed [t1.0 d=1] [t1.0 d=2]");
}

static void an_unchanged_value_ends_the_walk_where_it_is_first_seen(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1=seed");
    saver_write(s, "c1", "t1", "d=1");
    saver_put(s, "c2", "d@1", .parent = "c1");
    saver_put(s, "c3", "d@2~", .parent = "c2");
    assert_string_equal(saver_history(s, at("c3"), "d"), "d=seed");
}

static void an_empty_value_is_a_value(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1=old");
    saver_put(s, "c2", "d@2=", .parent = "c1");
    saver_put(s, "c3", "d@3~", .parent = "c2");
    assert_string_equal(saver_history(s, at("c3"), "d"), "d=");
}

static void a_missing_parent_is_the_root(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c2", "d@2~", .parent = "c1");
    saver_write(s, "c2", "t1", "d=1");
    saver_put(s, "c3", "d@3~", .parent = "c2");
    saver_write(s, "c1", "t1", "d=orphan");
    assert_string_equal(saver_history(s, at("c3"), "d"), "d [t1.0 d=1]");
}

static void only_the_path_of_parents_counts(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1=seed");
    saver_write(s, "c1", "t1", "d=1");
    saver_put(s, "c2", "d@2~", .parent = "c1");
    saver_write(s, "c2", "t1", "d=fork");
    saver_put(s, "c3", "d@2~", .parent = "c1");
    saver_write(s, "c3", "t1", "d=2");
    saver_put(s, "c4", "d@3~", .parent = "c3");
    saver_put(s, "c3", "d@9=elsewhere", .ns = "n");
    assert_string_equal(saver_history(s, at("c4"), "d"), "d=seed [t1.0 d=1] [t1.0 d=2]");
    assert_string_equal(saver_history(s, ref("t", "n", NULL), "d"), "d");
}

static void of_a_checkpoint_that_is_not_there_no_seed_and_no_writes(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1=seed");
    saver_write(s, "c2", "t1", "d=1");
    assert_string_equal(saver_history(s, at("c2"), "d e"), "d e");
    assert_string_equal(saver_history(s, thread("u"), "d"), "d");
}

static void a_long_path_is_walked_to_its_end(world_t *w)
{
    enum {
        STEPS = 120
    };
    saver_client_t *s = saver_open(w, NULL);
    cairn_uuid6_t maker = {0};
    char id[2][CAIRN_UUID6_SIZE];
    text_t expected = {0};
    text_add(&expected, "d=seed");
    for (int i = 0; i <= STEPS; i++) {
        char words[32];
        snprintf(words, sizeof words, i == 0 ? "d@%d=seed" : "d@%d~", i);
        assert_status(cairn_uuid6_next(&maker, i, id[i % 2]), 0);
        saver_put(s, id[i % 2], words, .parent = i > 0 ? id[(i + 1) % 2] : NULL);
        if (i == STEPS) break;
        snprintf(words, sizeof words, "d=%d", i);
        saver_write(s, id[i % 2], "t1", words);
        text_add(&expected, " [t1.0 d=%d]", i);
    }
    assert_string_equal(saver_history(s, latest(), "d"), text_chars(&expected));
    text_free(&expected);
}

static void history_asks_for_what_makes_sense(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    cairn_checkpoint_ref_t place = ref(NULL, NULL, "c");
    cairn_slice_t channel = cairn_str("d");
    assert_refused(s->own, ask_history(s->own, &place, &channel, 1), UV_EINVAL, "thread_id");
    place = at("c");
    assert_refused(s->own, ask_history(s->own, &place, NULL, 1), UV_EINVAL, "channels");
}

const scenario_t saver_history_scenarios[] = {
    SCENARIO(the_walk_ends_at_the_nearest_ancestor_with_a_value),
    SCENARIO(the_seeds_own_writes_are_in_it_and_the_targets_are_not),
    SCENARIO(the_targets_own_value_is_no_seed),
    SCENARIO(writes_come_oldest_first_and_of_one_step_by_task_and_index),
    SCENARIO(each_channel_ends_on_its_own),
    SCENARIO(channels_come_in_the_order_asked_for),
    SCENARIO(an_empty_mark_and_a_version_without_value_do_not_end_the_walk),
    SCENARIO(an_unchanged_value_ends_the_walk_where_it_is_first_seen),
    SCENARIO(an_empty_value_is_a_value),
    SCENARIO(a_missing_parent_is_the_root),
    SCENARIO(only_the_path_of_parents_counts),
    SCENARIO(of_a_checkpoint_that_is_not_there_no_seed_and_no_writes),
    SCENARIO(a_long_path_is_walked_to_its_end),
    SCENARIO(history_asks_for_what_makes_sense),
    {NULL, NULL},
};
