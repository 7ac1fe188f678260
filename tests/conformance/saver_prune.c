/* Rule 26: prune. */
#include "saver_suite.h"

static void prune_keeps_the_newest_of_every_namespace_with_its_writes(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    for (int i = 1; i <= 4; i++) {
        char id[] = {'c', (char)('0' + i), '\0'};
        char channels[] = "a@1=x b@?=y";
        channels[8] = id[1];
        saver_put(s, id, channels);
        saver_put(s, id, "", .ns = "n");
        saver_write(s, id, "t1", "a=1");
    }
    assert_int_equal(saver_prune(s, "t", 1), 6);
    assert_get(s, latest(), "c4 a@1=x b@4=y [t1.0 a=1]");
    assert_get(s, ref("t", "n", NULL), "t/n/c4");
    for (int i = 1; i < 4; i++) {
        char id[] = {'c', (char)('0' + i), '\0'};
        assert_none(s, at(id));
        assert_none(s, ref("t", "n", id));
    }
    assert_int_equal(saver_prune(s, "t", 1), 0);
}

static void prune_keeps_as_many_as_it_is_told(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    for (int i = 1; i <= 5; i++) {
        char id[] = {'c', (char)('0' + i), '\0'};
        saver_put(s, id, "a@1=x");
    }
    assert_int_equal(saver_prune(s, "t", 9), 0);
    assert_int_equal(saver_prune(s, "t", 5), 0);
    assert_int_equal(saver_prune(s, "t", 3), 2);
    assert_list(s, "c5 c4 c3", .thread_id = cairn_str("t"));
    assert_get(s, at("c3"), "c3 a@1=x");
}

static void prune_keeps_one_unless_told_otherwise(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "");
    saver_put(s, "c2", "");
    cairn_slice_t t = cairn_str("t");
    cairn_saver_prune_options_t options = {.thread_ids = &t, .thread_count = 1};
    assert_status(ask_prune(s->own, &options), 0);
    ask_await(s->own, 0);
    assert_int_equal(s->own->count, 1);
    assert_list(s, "c2", .thread_id = t);
}

static void prune_delete_removes_all(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .run_id = "r");
    saver_put(s, "c2", "d@1~", .parent = "c1");
    saver_put(s, "c3", "", .ns = "n");
    saver_write(s, "c1", "t1", "a=1");
    saver_write(s, "c9", "t1", "a=1");
    assert_int_equal(saver_prune(s, "t", 0), 3);
    assert_none(s, latest());
    assert_int_equal(saver_thread_ttl(s, "t"), CAIRN_TTL_ABSENT);
    saver_assert_empty(s);
}

static void values_still_referenced_stay_and_others_go(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x b@1=y c@1=z");
    saver_put(s, "c2", "a@1 b@2=y", .parent = "c1");
    saver_put(s, "c3", "a@1 b@2 c@2=z", .parent = "c2");
    saver_prune(s, "t", 1);
    assert_get(s, latest(), "c3 <c2 a@1=x b@2=y c@2=z");
    saver_put(s, "c4", "a@1 b@1 c@1");
    assert_get(s, at("c4"), "c4 a@1=x b@1 c@1");
    saver_put(s, "c5", "b@1=new");
    assert_get(s, at("c5"), "c5 b@1=new");
}

static void threads_not_listed_are_not_touched(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    static const char *const threads[] = {"t", "u", "v"};
    for (int i = 0; i < 3; i++) {
        saver_put(s, "c1", "", .thread = threads[i]);
        saver_put(s, "c2", "", .thread = threads[i]);
    }
    cairn_slice_t listed[] = {cairn_str("t"), cairn_str("absent"), cairn_str("v")};
    cairn_saver_prune_options_t options = {.thread_ids = listed, .thread_count = 3};
    assert_status(ask_prune(s->own, &options), 0);
    ask_await(s->own, 0);
    assert_int_equal(s->own->count, 2);
    assert_list(s, "u//c2 u//c1", .thread_id = cairn_str("u"));
    assert_list(s, "v//c2", .thread_id = cairn_str("v"));
    assert_int_equal(saver_thread_ttl(s, "absent"), CAIRN_TTL_ABSENT);
}

static void a_thread_listed_twice_is_pruned_once(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "");
    saver_put(s, "c2", "");
    saver_put(s, "c3", "");
    cairn_slice_t listed[] = {cairn_str("t"), cairn_str("t")};
    cairn_saver_prune_options_t options = {.thread_ids = listed, .thread_count = 2};
    assert_status(ask_prune(s->own, &options), 0);
    ask_await(s->own, 0);
    assert_int_equal(s->own->count, 2);
    options.strategy = CAIRN_PRUNE_DELETE;
    assert_status(ask_prune(s->own, &options), 0);
    ask_await(s->own, 0);
    assert_int_equal(s->own->count, 1);
    saver_assert_empty(s);
}

static void no_threads_are_a_no_op(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "");
    saver_put(s, "c2", "");
    cairn_saver_prune_options_t options = {.strategy = CAIRN_PRUNE_DELETE};
    assert_status(ask_prune(s->own, &options), 0);
    ask_await(s->own, 0);
    assert_int_equal(s->own->count, 0);
    assert_list(s, "c2 c1", .headers_only = true);
}

static void prune_asks_for_what_makes_sense(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    cairn_slice_t t = cairn_str(NULL);
    cairn_saver_prune_options_t options = {.thread_ids = &t, .thread_count = 1};
    assert_refused(s->own, ask_prune(s->own, &options), UV_EINVAL, "thread_id");
    t = cairn_str("t");
    options.strategy = (cairn_prune_t)7;
    assert_refused(s->own, ask_prune(s->own, &options), UV_EINVAL, "strategy");
}

/* ---- what delta channels need ---- */

static void ancestors_that_a_delta_needs_stay(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1=old");
    saver_put(s, "c2", "d@2=seed", .parent = "c1");
    saver_write(s, "c2", "t1", "d=1");
    saver_put(s, "c3", "d@3~", .parent = "c2");
    saver_write(s, "c3", "t1", "d=2");
    saver_put(s, "c4", "d@4~", .parent = "c3");
    char history[] = "d=seed [t1.0 d=1] [t1.0 d=2]";
    assert_string_equal(saver_history(s, latest(), "d"), history);
    assert_int_equal(saver_prune(s, "t", 1), 1);
    assert_list(s, "c4 c3 c2", .thread_id = cairn_str("t"));
    assert_string_equal(saver_history(s, latest(), "d"), history);
}

static void ancestors_that_no_delta_needs_go(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1=seed");
    saver_put(s, "c2", "d@2~", .parent = "c1");
    saver_put(s, "c3", "d@3=full", .parent = "c2");
    assert_int_equal(saver_prune(s, "t", 1), 2);
    assert_list(s, "c3", .thread_id = cairn_str("t"));
}

static void each_delta_channel_needs_ancestors_of_its_own(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1=x e@1=y");
    saver_put(s, "c2", "d@2~ e@2=z", .parent = "c1");
    saver_put(s, "c3", "d@3=x e@3~", .parent = "c2");
    saver_put(s, "c4", "d@4~ e@4~", .parent = "c3");
    assert_int_equal(saver_prune(s, "t", 1), 1);
    assert_list(s, "c4 c3 c2", .thread_id = cairn_str("t"));
    assert_string_equal(saver_history(s, latest(), "d e"), "d=x e=z");
}

static void a_delta_without_a_seed_needs_all_its_ancestors(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x");
    saver_write(s, "c1", "t1", "d=1");
    saver_put(s, "c2", "d@1~", .parent = "c1");
    saver_put(s, "c0", "");
    assert_int_equal(saver_prune(s, "t", 1), 1);
    assert_list(s, "c2 c1", .thread_id = cairn_str("t"));
    assert_string_equal(saver_history(s, latest(), "d"), "d [t1.0 d=1]");
}

static void forks_that_are_not_ancestors_go(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1=seed");
    saver_put(s, "c2", "d@2~", .parent = "c1");
    saver_put(s, "c3", "d@2~", .parent = "c1");
    saver_put(s, "c4", "d@3~", .parent = "c2");
    assert_int_equal(saver_prune(s, "t", 1), 1);
    assert_list(s, "c4 c2 c1", .thread_id = cairn_str("t"));
}

static void ancestors_that_the_metadata_names_stay(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1=seed");
    saver_write(s, "c1", "t1", "d=1");
    saver_put(s, "c2", "a@1=x", .parent = "c1",
              .metadata = "{\"counters_since_delta_snapshot\":{\"d\":[1,1]}}");
    saver_put(s, "c3", "a@2=x", .parent = "c2",
              .metadata = "{\"counters_since_delta_snapshot\":{\"d\":[1,2],\"none\":[0,0]}}");
    saver_prune(s, "t", 1);
    assert_string_equal(saver_history(s, latest(), "d"), "d=seed [t1.0 d=1]");
    assert_get(s, at("c1"), "c1 d@1=seed [t1.0 d=1]");
}

static void a_cycle_of_parents_ends(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1~", .parent = "c2");
    saver_put(s, "c2", "d@2~", .parent = "c1");
    saver_put(s, "c3", "d@3~", .parent = "c3");
    assert_string_equal(saver_history(s, at("c2"), "d"), "d");
    assert_string_equal(saver_history(s, at("c3"), "d"), "d");
    assert_int_equal(saver_prune(s, "t", 1), 2);
    assert_list(s, "c3", .thread_id = cairn_str("t"));
    assert_int_equal(saver_prune(s, "t", 0), 1);
}

const scenario_t saver_prune_scenarios[] = {
    SCENARIO(prune_keeps_the_newest_of_every_namespace_with_its_writes),
    SCENARIO(prune_keeps_as_many_as_it_is_told),
    SCENARIO(prune_keeps_one_unless_told_otherwise),
    SCENARIO(prune_delete_removes_all),
    SCENARIO(values_still_referenced_stay_and_others_go),
    SCENARIO(threads_not_listed_are_not_touched),
    SCENARIO(a_thread_listed_twice_is_pruned_once),
    SCENARIO(no_threads_are_a_no_op),
    SCENARIO(prune_asks_for_what_makes_sense),
    SCENARIO(ancestors_that_a_delta_needs_stay),
    SCENARIO(ancestors_that_no_delta_needs_go),
    SCENARIO(each_delta_channel_needs_ancestors_of_its_own),
    SCENARIO(a_delta_without_a_seed_needs_all_its_ancestors),
    SCENARIO(forks_that_are_not_ancestors_go),
    SCENARIO(ancestors_that_the_metadata_names_stay),
    SCENARIO(a_cycle_of_parents_ends),
    {NULL, NULL},
};
