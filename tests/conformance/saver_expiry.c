/* Rules 30, 31, 33 and 36: what goes when time is up, and what does not. */
#include "saver_suite.h"

#define HOUR 3600000
#define SOON cairn_ttl_ms(timed_brief(60))
#define LATER cairn_ttl_ms(HOUR)

#define SOON_BY_DEFAULT (&(cairn_saver_options_t){.default_ttl = SOON})

/* ---- 30: all of it at once ---- */

static void an_expired_checkpoint_takes_values_and_writes_along(world_t *w)
{
    saver_client_t *s = saver_open(w, SOON_BY_DEFAULT);
    saver_put(s, "c1", "a@1=x b@1!", .run_id = "r1");
    saver_write(s, "c1", "t1", "a=1 __error__=e");
    saver_await_gone(s, at("c1"));
    saver_put(s, "c1", "a@1 b@1=new", .ttl = LATER);
    assert_get(s, at("c1"), "c1 a@1 b@1=new");
    assert_int_equal(saver_delete_run(s, "r1"), 0);
}

static void writes_without_a_checkpoint_expire_too(world_t *w)
{
    saver_client_t *s = saver_open(w, SOON_BY_DEFAULT);
    saver_write(s, "c1", "t1", "a=1");
    saver_put(s, "c", "", .thread = "brief");
    saver_await_gone(s, ref("brief", NULL, "c"));
    assert_int_equal(saver_thread_ttl(s, "t"), CAIRN_TTL_ABSENT);
    saver_put(s, "c1", "", .ttl = LATER);
    assert_get(s, at("c1"), "c1");
}

static void writes_that_joined_go_with_their_checkpoint(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .ttl = SOON);
    saver_write(s, "c1", "t1", "a=1");
    saver_await_gone(s, at("c1"));
    saver_put(s, "c1", "", .ttl = LATER);
    assert_get(s, at("c1"), "c1");
}

static void writes_that_joined_stay_with_a_checkpoint_that_lives_on(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .ttl = cairn_ttl_ms(timed_brief(400)));
    saver_write(s, "c1", "t1", "a=1");
    saver_set_ttl(s, at("c1"), HOUR);
    saver_put(s, "brief", "", .ttl = cairn_ttl_ms(timed_brief(400)));
    saver_await_gone(s, at("brief"));
    assert_get(s, at("c1"), "c1 a@1=x [t1.0 a=1]");
}

static void when_all_has_expired_nothing_is_left_behind(world_t *w)
{
    saver_client_t *s = saver_open(w, SOON_BY_DEFAULT);
    saver_put(s, "c1", "a@1=x d@1~", .run_id = "r1");
    saver_put(s, "c2", "a@1 b@1!", .parent = "c1", .ns = "n", .run_id = "r2");
    saver_write(s, "c1", "t1", "a=1");
    saver_write(s, "c8", "t1", "a=1");
    saver_put(s, "c9", "a@1=x", .thread = "brief");
    saver_await_gone(s, ref("brief", NULL, "c9"));
    assert_none(s, latest());
    saver_assert_empty(s);
}

/* ---- 31: shared values ---- */

static void a_value_outlives_the_checkpoint_that_wrote_it_for_another_that_uses_it(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x b@1=y", .ttl = SOON);
    saver_put(s, "c2", "a@1 b@2=z", .parent = "c1", .ttl = LATER);
    saver_await_gone(s, at("c1"));
    assert_get(s, at("c2"), "c2 <c1 a@1=x b@2=z");
    saver_put(s, "c3", "a@1 b@1", .ttl = LATER);
    assert_get(s, at("c3"), "c3 a@1=x b@1");
}

static void a_value_outlives_a_later_user_with_a_shorter_life(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .ttl = LATER);
    saver_put(s, "c2", "a@1", .ttl = SOON);
    saver_await_gone(s, at("c2"));
    assert_get(s, at("c1"), "c1 a@1=x");
}

static void a_value_of_a_persistent_checkpoint_is_persistent(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .ttl = SOON);
    saver_put(s, "c2", "a@1");
    saver_put(s, "c3", "a@1", .ttl = SOON);
    saver_await_gone(s, at("c3"));
    saver_await_gone(s, at("c1"));
    assert_get(s, latest(), "c2 a@1=x");
}

static void a_shorter_ttl_for_one_user_does_not_shorten_the_others_values(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .ttl = LATER);
    saver_put(s, "c2", "a@1", .ttl = LATER);
    saver_put(s, "c3", "b@1=y", .ttl = LATER);
    saver_put(s, "c4", "b@1");
    saver_set_ttl(s, at("c1"), timed_brief(60));
    saver_set_ttl(s, at("c3"), timed_brief(60));
    saver_await_gone(s, at("c3"));
    saver_await_gone(s, at("c1"));
    assert_get(s, at("c2"), "c2 a@1=x");
    assert_get(s, at("c4"), "c4 b@1=y");
}

static void a_longer_ttl_for_one_user_lengthens_its_values(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .ttl = cairn_ttl_ms(timed_brief(400)));
    saver_put(s, "c2", "a@1", .ttl = cairn_ttl_ms(timed_brief(400)));
    saver_put(s, "brief", "", .ttl = cairn_ttl_ms(timed_brief(400)));
    saver_set_ttl(s, at("c2"), HOUR);
    saver_await_gone(s, at("brief"));
    saver_await_gone(s, at("c1"));
    assert_get(s, at("c2"), "c2 a@1=x");
}

static void a_value_goes_with_the_last_of_its_users(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c0", "b@1=y");
    saver_put(s, "c1", "a@1=x", .ttl = LATER);
    saver_put(s, "c2", "a@1", .ttl = LATER);
    saver_put(s, "c3", "a@1", .ttl = LATER, .run_id = "r");
    saver_set_ttl(s, at("c1"), timed_brief(60));
    saver_set_ttl(s, at("c2"), timed_brief(60));
    saver_delete_run(s, "r");
    saver_await_gone(s, at("c1"));
    saver_await_gone(s, at("c2"));
    saver_put(s, "c4", "a@1 b@1");
    assert_get(s, at("c4"), "c4 a@1 b@1=y");
}

static void a_value_goes_with_a_thread_whose_ttl_was_shortened(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .ttl = LATER);
    saver_put(s, "c2", "a@1", .ttl = LATER);
    saver_put(s, "c3", "a@1 b@1=y");
    saver_set_thread_ttl(s, "t", timed_brief(60));
    saver_await_gone(s, at("c1"));
    saver_await_gone(s, at("c3"));
    saver_assert_empty(s);
    saver_put(s, "c4", "a@1 b@1=z");
    assert_get(s, at("c4"), "c4 a@1 b@1=z");
}

/* ---- 33: pinned ---- */

static void a_pinned_checkpoint_stays_with_all_it_needs(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x b@1=y", .ttl = cairn_ttl_ms(timed_brief(400)));
    saver_put(s, "c2", "a@1 b@2=z", .parent = "c1", .ttl = cairn_ttl_ms(timed_brief(400)));
    saver_write(s, "c2", "t1", "a=1", .ttl = cairn_ttl_ms(timed_brief(400)));
    saver_put(s, "brief", "", .ttl = cairn_ttl_ms(timed_brief(400)));
    saver_pin(s, at("c2"));
    saver_await_gone(s, at("brief"));
    saver_await_gone(s, at("c1"));
    assert_get(s, at("c2"), "c2 <c1 a@1=x b@2=z [t1.0 a=1]");
    assert_get(s, latest(), "c2 <c1 a@1=x b@2=z [t1.0 a=1]");
    assert_list(s, "c2", .headers_only = true);
    saver_set_ttl(s, at("c2"), 30);
    saver_await_gone(s, at("c2"));
    saver_assert_empty(s);
}

/* ---- 36: invisible at once ---- */

static void latest_is_then_the_newest_that_lives(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x");
    saver_put(s, "c2", "", .ttl = LATER);
    for (int i = 3; i < 9; i++) {
        char id[] = {'c', (char)('0' + i), '\0'};
        saver_put(s, id, "", .ttl = SOON);
    }
    saver_await_gone(s, at("c8"));
    assert_get(s, latest(), "c2");
    assert_get(s, latest(), "c2");
    assert_int_equal(saver_set_ttl(s, latest(), 30), 30);
    saver_await_gone(s, at("c2"));
    assert_get(s, latest(), "c1 a@1=x");
}

/* c0 ... c9, of which the odd ones, and all of the thread "brief", have expired. */
static saver_client_t *open_half_expired(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    for (int i = 0; i < 10; i++) {
        char id[] = {'c', (char)('0' + i), '\0'};
        saver_put(s, id, "a@1=x", .ttl = i % 2 ? SOON : LATER, .run_id = "r");
    }
    saver_put(s, "c", "a@1=x", .ns = "gone", .ttl = SOON, .run_id = "r");
    saver_put(s, "c9", "a@1=x", .thread = "brief", .ttl = SOON, .run_id = "r");
    saver_await_gone(s, ref("brief", NULL, "c9"));
    return s;
}

static void what_has_expired_is_in_no_list_and_no_page_comes_up_short(world_t *w)
{
    saver_client_t *s = open_half_expired(w);
    cairn_slice_t t = cairn_str("t");
    assert_list(s, "c8 c6 c4 c2 c0", .thread_id = t);
    assert_list(s, "c8 c6 c4 c2 c0", .headers_only = true);
    assert_list(s, "c8 c6 c4", .thread_id = t, .paging.limit = cairn_limit(3));
    assert_list(s, "c8 c6 c4", .paging.limit = cairn_limit(3));
    assert_list(s, "", .thread_id = cairn_str("brief"));
    assert_list(s, "", .checkpoint_ns = cairn_str("gone"));
    assert_list(s, "", .checkpoint_id = cairn_str("c9"));
    cairn_saver_query_t query = {.thread_id = t, .paging.page_size = 2};
    assert_status(ask_list(s->own, &query), 0);
    ask_await(s->own, 0);
    assert_int_equal(s->own->count, 2);
    assert_list(s, "c8 c6 c4 c2 c0", .thread_id = t, .paging.page_size = 1);
}

static void what_has_expired_is_in_no_count(world_t *w)
{
    saver_client_t *s = open_half_expired(w);
    assert_int_equal(saver_copy(s, "t", "copy"), 5);
    assert_int_equal(saver_delete_thread(s, "brief"), 0);
    assert_int_equal(saver_prune(s, "copy", 2), 3);
    assert_list(s, "copy//c8 copy//c6", .thread_id = cairn_str("copy"));
    assert_int_equal(saver_delete_run(s, "r"), 7);
    saver_assert_empty(s);
}

static void what_has_expired_is_not_kept_in_the_place_of_what_lives(world_t *w)
{
    saver_client_t *s = open_half_expired(w);
    assert_int_equal(saver_prune(s, "t", 3), 2);
    assert_list(s, "c8 c6 c4", .thread_id = cairn_str("t"));
    assert_int_equal(saver_delete_thread(s, "t"), 3);
    saver_assert_empty(s);
}

static void what_has_expired_has_no_ttl_and_gets_none(world_t *w)
{
    saver_client_t *s = open_half_expired(w);
    assert_int_equal(saver_ttl(s, at("c9")), CAIRN_TTL_ABSENT);
    assert_int_equal(saver_set_ttl(s, at("c9"), HOUR), CAIRN_TTL_ABSENT);
    assert_int_equal(saver_pin(s, at("c9")), CAIRN_TTL_ABSENT);
    assert_int_equal(saver_thread_ttl(s, "brief"), CAIRN_TTL_ABSENT);
    assert_int_equal(saver_set_thread_ttl(s, "t", HOUR), HOUR);
    assert_none(s, at("c9"));
    assert_list(s, "c8 c6 c4 c2 c0", .thread_id = cairn_str("t"));
}

static void an_expired_ancestor_is_the_root_of_a_history(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "d@1=seed", .ttl = SOON);
    saver_put(s, "c2", "d@2~", .parent = "c1");
    saver_write(s, "c2", "t1", "d=1");
    saver_put(s, "c3", "d@3~", .parent = "c2");
    saver_await_gone(s, at("c1"));
    assert_string_equal(saver_history(s, latest(), "d"), "d [t1.0 d=1]");
}

static void an_id_that_has_expired_begins_anew(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=old b@1=old", .parent = "c0", .ttl = SOON);
    saver_write(s, "c1", "t1", "a=old", .ttl = SOON);
    saver_await_gone(s, at("c1"));
    saver_write(s, "c1", "t1", "a=new");
    assert_none(s, at("c1"));
    saver_put(s, "c1", "a@1=new b@1");
    assert_get(s, at("c1"), "c1 a@1=new b@1 [t1.0 a=new]");
}

static void an_id_that_comes_again_after_it_expired_is_in_no_old_run(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c", "", .thread = "other", .run_id = "r1");
    saver_put(s, "c1", "a@1=old", .run_id = "r1", .ttl = cairn_ttl_ms(30));
    saver_put(s, "c", "", .thread = "brief", .ttl = cairn_ttl_ms(100));
    saver_await_gone(s, ref("brief", NULL, "c"));
    saver_put(s, "c1", "a@1=new");
    assert_int_equal(saver_delete_run(s, "r1"), 1);
    assert_get(s, latest(), "c1 a@1=new");
}

const scenario_t saver_expiry_scenarios[] = {
    SCENARIO(an_expired_checkpoint_takes_values_and_writes_along),
    SCENARIO(writes_without_a_checkpoint_expire_too),
    SCENARIO(writes_that_joined_go_with_their_checkpoint),
    SCENARIO(writes_that_joined_stay_with_a_checkpoint_that_lives_on),
    SCENARIO(when_all_has_expired_nothing_is_left_behind),
    SCENARIO(a_value_outlives_the_checkpoint_that_wrote_it_for_another_that_uses_it),
    SCENARIO(a_value_outlives_a_later_user_with_a_shorter_life),
    SCENARIO(a_value_of_a_persistent_checkpoint_is_persistent),
    SCENARIO(a_shorter_ttl_for_one_user_does_not_shorten_the_others_values),
    SCENARIO(a_longer_ttl_for_one_user_lengthens_its_values),
    SCENARIO(a_value_goes_with_the_last_of_its_users),
    SCENARIO(a_value_goes_with_a_thread_whose_ttl_was_shortened),
    SCENARIO(a_pinned_checkpoint_stays_with_all_it_needs),
    SCENARIO(latest_is_then_the_newest_that_lives),
    SCENARIO(what_has_expired_is_in_no_list_and_no_page_comes_up_short),
    SCENARIO(what_has_expired_is_in_no_count),
    SCENARIO(what_has_expired_is_not_kept_in_the_place_of_what_lives),
    SCENARIO(what_has_expired_has_no_ttl_and_gets_none),
    SCENARIO(an_expired_ancestor_is_the_root_of_a_history),
    SCENARIO(an_id_that_has_expired_begins_anew),
    SCENARIO(an_id_that_comes_again_after_it_expired_is_in_no_old_run),
    {NULL, NULL},
};
