/* Rule 40: list_namespaces. */
#include "store_suite.h"

static items_t *with_namespaces(world_t *w)
{
    static const char *const names[] = {"a/b/c", "a/b/d/e", "a/b/d/i", "a/b/f",
                                        "a/c/f", "b/a/f",   "users",   "users/123"};
    items_t *s = items_open(w, NULL);
    for (size_t i = sizeof names / sizeof *names; i-- > 0;) items_put(s, names[i], "k", "{}");
    return s;
}

static void every_namespace_is_listed_once_in_order(world_t *w)
{
    items_t *s = with_namespaces(w);
    items_put(s, "a/b/c", "another", "{}");
    assert_namespaces(s, "a/b/c a/b/d/e a/b/d/i a/b/f a/c/f b/a/f users users/123", .max_depth = 0);
}

static void a_prefix_condition_matches_the_beginning(world_t *w)
{
    items_t *s = with_namespaces(w);
    assert_namespaces(s, "a/b/c a/b/d/e a/b/d/i a/b/f", .prefix = "a/b");
    assert_namespaces(s, "users users/123", .prefix = "users");
    assert_namespaces(s, "", .prefix = "user");
    assert_namespaces(s, "", .prefix = "a/b/c/d");
}

static void a_suffix_condition_matches_the_end(world_t *w)
{
    items_t *s = with_namespaces(w);
    assert_namespaces(s, "a/b/f a/c/f b/a/f", .suffix = "f");
    assert_namespaces(s, "b/a/f", .suffix = "a/f");
    assert_namespaces(s, "users", .suffix = "users");
    assert_namespaces(s, "", .suffix = "x/a/b/f");
}

static void conditions_are_anded(world_t *w)
{
    items_t *s = with_namespaces(w);
    assert_namespaces(s, "a/b/f a/c/f", .prefix = "a", .suffix = "f");
    assert_namespaces(s, "a/b/f", .prefix = "a/b", .suffix = "b/f");
    assert_namespaces(s, "users", .prefix = "users", .suffix = "users");
    assert_namespaces(s, "", .prefix = "b", .suffix = "e");
    cairn_match_condition_t both[] = {{CAIRN_MATCH_PREFIX, ns("a")},
                                      {CAIRN_MATCH_PREFIX, ns("a/b/*")},
                                      {CAIRN_MATCH_SUFFIX, ns("f")}};
    cairn_namespace_query_t query = {.conditions = both, .condition_count = 3};
    call_t *call = items_call(s);
    assert_status(call_list(call, &query), 0);
    call_await(call, 0);
    assert_string_equal(text_chars(&call->places), "a/b/f");
}

static void a_star_is_exactly_one_label(world_t *w)
{
    items_t *s = with_namespaces(w);
    assert_namespaces(s, "a/b/f a/c/f", .prefix = "a/*/f");
    items_put(s, "a/b/g/f", "k", "{}");
    assert_namespaces(s, "a/b/f a/c/f", .prefix = "a/*/f");
    assert_namespaces(s, "a/b/f a/c/f", .prefix = "*/*/f", .suffix = "a/*/*");
    assert_namespaces(s, "a/b/d/e", .suffix = "b/*/e");
    assert_namespaces(s, "users/123", .prefix = "users/*");
}

static void a_star_matches_the_label_star_too_and_nothing_else_is_special(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a/*", "k", "{}");
    items_put(s, "a/*b", "k", "{}");
    items_put(s, "a/[b]", "k", "{}");
    assert_namespaces(s, "a/\\x2a a/\\x2ab a/\\x5bb\\x5d", .prefix = "a/*");
    assert_namespaces(s, "a/\\x2ab", .prefix = "a/*b");
    assert_namespaces(s, "a/\\x5bb\\x5d", .suffix = "[b]");
}

static void max_depth_cuts_after_matching_and_each_comes_once(world_t *w)
{
    items_t *s = with_namespaces(w);
    assert_namespaces(s, "a b users", .max_depth = 1);
    assert_namespaces(s, "a/b a/c b/a users users/123", .max_depth = 2);
    assert_namespaces(s, "a/b/c a/b/d a/b/f a/c/f b/a/f users users/123", .max_depth = 3);
    assert_namespaces(s, "a/b a/c b/a", .suffix = "f", .max_depth = 2);
    assert_namespaces(s, "a/b", .suffix = "i", .max_depth = 2);
    assert_namespaces(s, "a/b/d", .prefix = "a/b/d", .max_depth = 3);
}

static void offset_and_limit_count_what_was_cut(world_t *w)
{
    items_t *s = with_namespaces(w);
    assert_namespaces(s, "a/c b/a", .max_depth = 2, .offset = 1, .limit = cairn_limit(2));
    assert_namespaces(s, "users", .max_depth = 1, .offset = 2);
    assert_namespaces(s, "", .max_depth = 1, .offset = 3);
    assert_namespaces(s, "", .limit = cairn_limit(0));
}

static void labels_are_sorted_one_by_one(world_t *w)
{
    items_t *s = items_open(w, NULL);
    static const char *const names[] = {"ab", "a/b", "a!", "a", "a/b/c", "B", "a.b"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) items_put(s, names[i], "k", "{}");
    const cairn_slice_t zero[] = {{"a\0", 2}};
    items_put_raw(s, (cairn_namespace_t){zero, 1}, cairn_str("k"), cairn_str("{}"));
    assert_namespaces(s, "B a a/b a/b/c a\\x00 a\\x21 a.b ab", .max_depth = 0);
}

static void only_namespaces_that_hold_an_item_are_listed(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a/b/c", "k1", "{}");
    items_put(s, "a/b/c", "k2", "{}");
    items_put(s, "d", "k1", "{}");
    assert_namespaces(s, "a/b/c d", .max_depth = 0);
    items_delete(s, "a/b/c", "k1");
    assert_namespaces(s, "a/b/c d", .max_depth = 0);
    items_delete(s, "a/b/c", "k2");
    assert_namespaces(s, "d", .max_depth = 0);
    items_delete(s, "e", "k");
    assert_namespaces(s, "d", .max_depth = 0);
}

static void a_namespace_whose_items_have_expired_is_gone(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k1", "{}", .options.ttl = cairn_ttl_ms(20));
    items_put(s, "b", "k1", "{}", .options.ttl = cairn_ttl_ms(20));
    items_put(s, "b", "k2", "{}");
    items_await_gone(s, "b", "k1");
    items_await_gone(s, "a", "k1");
    assert_namespaces(s, "b", .max_depth = 0);
    assert_int_equal(items_count(s, NULL, NULL), 1);
}

const scenario_t store_list_scenarios[] = {
    SCENARIO(every_namespace_is_listed_once_in_order),
    SCENARIO(a_prefix_condition_matches_the_beginning),
    SCENARIO(a_suffix_condition_matches_the_end),
    SCENARIO(conditions_are_anded),
    SCENARIO(a_star_is_exactly_one_label),
    SCENARIO(a_star_matches_the_label_star_too_and_nothing_else_is_special),
    SCENARIO(max_depth_cuts_after_matching_and_each_comes_once),
    SCENARIO(offset_and_limit_count_what_was_cut),
    SCENARIO(labels_are_sorted_one_by_one),
    SCENARIO(only_namespaces_that_hold_an_item_are_listed),
    SCENARIO(a_namespace_whose_items_have_expired_is_gone),
    {NULL, NULL},
};
