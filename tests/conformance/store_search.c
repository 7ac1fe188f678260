/* Rule 38: search under a prefix, its order, offset and limit; and count. */
#include "store_suite.h"

static items_t *with_items(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "foo", "k1", "{\"n\":1}");
    items_put(s, "foo/bar", "k2", "{\"n\":2}");
    items_put(s, "foobar", "k3", "{\"n\":3}");
    items_put(s, "foo/bar/baz", "k4", "{\"n\":4}");
    items_put(s, "other", "k5", "{\"n\":5}");
    return s;
}

static void a_prefix_is_whole_labels(world_t *w)
{
    items_t *s = with_items(w);
    assert_search(s, "foo/bar/baz:k4 foo/bar:k2 foo:k1", .prefix = ns("foo"));
    assert_search(s, "foo/bar/baz:k4 foo/bar:k2", .prefix = ns("foo/bar"));
    assert_search(s, "foobar:k3", .prefix = ns("foobar"));
    assert_search(s, "", .prefix = ns("fo"));
    assert_search(s, "", .prefix = ns("foo/bar/baz/k4"));
    assert_search(s, "", .prefix = ns("bar"));
}

static void an_empty_prefix_matches_all(world_t *w)
{
    items_t *s = with_items(w);
    assert_search(s, "other:k5 foo/bar/baz:k4 foobar:k3 foo/bar:k2 foo:k1", .offset = 0);
    items_search(s, NULL);
    assert_int_equal(s->own->fact_count, 5);
}

static void a_star_in_a_prefix_is_a_label_like_any_other(world_t *w)
{
    items_t *s = with_items(w);
    items_put(s, "*/bar", "k6", "{}");
    assert_search(s, "\\x2a/bar:k6", .prefix = ns("*"));
    assert_search(s, "\\x2a/bar:k6", .prefix = ns("*/bar"));
}

static void an_empty_store_has_nothing_to_find(world_t *w)
{
    items_t *s = items_open(w, NULL);
    assert_search(s, "", .offset = 0);
    assert_search(s, "", .prefix = ns("a"), .filter = cairn_str("{\"a\":1}"));
    assert_int_equal(items_count(s, NULL, NULL), 0);
    assert_namespaces(s, "", .max_depth = 1);
}

static void the_latest_change_comes_first(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k1", "1");
    items_put(s, "b", "k2", "1");
    items_put(s, "a", "k3", "1");
    assert_search(s, "a:k3 b:k2 a:k1", .offset = 0);
    items_put(s, "a", "k1", "2");
    assert_search(s, "a:k1 a:k3 b:k2", .offset = 0);
    for (size_t i = 1; i < s->own->fact_count; i++)
        assert_true(s->own->facts[i - 1].updated_at_us >= s->own->facts[i].updated_at_us);
    assert_search(s, "b:k2 a:k3 a:k1", .order = CAIRN_ORDER_UPDATED_ASC);
}

static void a_delete_and_a_new_put_change_the_order(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k1", "1");
    items_put(s, "a", "k2", "1");
    items_delete(s, "a", "k1");
    assert_search(s, "a:k2", .offset = 0);
    items_put(s, "a", "k1", "1");
    assert_search(s, "a:k1 a:k2", .offset = 0);
}

static void changes_of_one_moment_are_in_the_order_of_keys_then_namespaces(world_t *w)
{
    items_t *s = items_open(w, NULL);
    const cairn_store_put_options_t nothing_said = {0};
    const char *const keys[] = {"k2", "k1", "k3"};
    cairn_store_op_t ops[3];
    for (size_t i = 0; i < 3; i++)
        ops[i] = (cairn_store_op_t){.type = CAIRN_STORE_PUT,
                                    .ns = ns("a"),
                                    .key = cairn_str(keys[i]),
                                    .value = cairn_str("{}"),
                                    .options = &nothing_said};
    items_batch(s, ops, 3);
    items_put(s, "a", "k0", "{}");
    assert_search(s, "a:k0 a:k1 a:k2 a:k3", .offset = 0);
    assert_search(s, "a:k1 a:k2 a:k3 a:k0", .order = CAIRN_ORDER_UPDATED_ASC);
    items_search(s, NULL);
    assert_true(s->own->facts[1].updated_at_us == s->own->facts[3].updated_at_us);
}

static void in_the_order_of_keys_namespaces_come_first_label_by_label(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "b", "k1", "1");
    items_put(s, "a/b", "k2", "1");
    items_put(s, "a", "k3", "1");
    items_put(s, "a", "k1", "1");
    items_put(s, "a!", "k1", "1");
    items_put(s, "a/b/c", "k0", "1");
    items_put(s, "ab", "k1", "1");
    assert_search(s, "a:k1 a:k3 a/b:k2 a/b/c:k0 a\\x21:k1 ab:k1 b:k1", .order = CAIRN_ORDER_KEY);
    assert_search(s, "a:k1 a:k3 a/b:k2 a/b/c:k0", .order = CAIRN_ORDER_KEY, .prefix = ns("a"));
}

static void an_offset_skips_and_a_limit_ends(world_t *w)
{
    items_t *s = with_items(w);
    assert_search(s, "foobar:k3 foo/bar:k2 foo:k1", .offset = 2);
    assert_search(s, "foobar:k3 foo/bar:k2", .offset = 2, .paging.limit = cairn_limit(2));
    assert_search(s, "", .offset = 5);
    assert_search(s, "", .offset = UINT64_MAX);
    assert_search(s, "foo:k1", .offset = 4, .paging.limit = cairn_limit(9));
    assert_search(s, "", .paging.limit = cairn_limit(0));
}

static void offset_and_limit_count_what_the_filter_leaves(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k1", "{\"even\":false}");
    items_put(s, "a", "k2", "{\"even\":true}");
    items_put(s, "a", "k3", "{\"even\":false}");
    items_put(s, "a", "k4", "{\"even\":true}");
    items_put(s, "a", "k6", "{\"even\":true}");
    cairn_slice_t even = cairn_str("{\"even\":true}");
    assert_search(s, "a:k6 a:k4 a:k2", .filter = even);
    assert_search(s, "a:k4 a:k2", .filter = even, .offset = 1);
    assert_search(s, "a:k4", .filter = even, .offset = 1, .paging.limit = cairn_limit(1));
    assert_search(s, "a:k6 a:k4", .filter = even, .paging.limit = cairn_limit(2));
}

static void items_are_counted_under_a_prefix_and_by_a_filter(world_t *w)
{
    items_t *s = with_items(w);
    assert_int_equal(items_count(s, NULL, NULL), 5);
    assert_int_equal(items_count(s, "foo", NULL), 3);
    assert_int_equal(items_count(s, "foo/bar", NULL), 2);
    assert_int_equal(items_count(s, "fo", NULL), 0);
    assert_int_equal(items_count(s, "foo", "{\"n\":{\"$gt\":1}}"), 2);
    assert_int_equal(items_count(s, NULL, "{\"n\":{\"$lte\":3}}"), 3);
    assert_int_equal(items_count(s, NULL, "{\"m\":1}"), 0);
    items_put(s, "foo", "k1", "{\"n\":9}");
    assert_int_equal(items_count(s, "foo", NULL), 3);
    items_delete(s, "foo", "k1");
    assert_int_equal(items_count(s, "foo", NULL), 2);
}

static void what_is_found_is_whole(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a/b", "k", "{\"n\":[1,2]}", .options.ttl = cairn_ttl_ms(3600000));
    items_get(s, "a/b", "k");
    item_facts_t got = s->own->facts[0];
    items_search(s, NULL);
    assert_string_equal(text_chars(&s->own->text), "a/b:k={\"n\":[1,2]}");
    assert_memory_equal(&s->own->facts[0], &got, sizeof got);
}

const scenario_t store_search_scenarios[] = {
    SCENARIO(a_prefix_is_whole_labels),
    SCENARIO(an_empty_prefix_matches_all),
    SCENARIO(a_star_in_a_prefix_is_a_label_like_any_other),
    SCENARIO(an_empty_store_has_nothing_to_find),
    SCENARIO(the_latest_change_comes_first),
    SCENARIO(a_delete_and_a_new_put_change_the_order),
    SCENARIO(changes_of_one_moment_are_in_the_order_of_keys_then_namespaces),
    SCENARIO(in_the_order_of_keys_namespaces_come_first_label_by_label),
    SCENARIO(an_offset_skips_and_a_limit_ends),
    SCENARIO(offset_and_limit_count_what_the_filter_leaves),
    SCENARIO(items_are_counted_under_a_prefix_and_by_a_filter),
    SCENARIO(what_is_found_is_whole),
    {NULL, NULL},
};
