/* Rule 37: what an item is, and put, get and delete of it. */
#include "store_suite.h"

#include <stdio.h>

static void an_item_is_read_as_it_was_put(world_t *w)
{
    items_t *s = items_open(w, NULL);
    assert_no_item(s, "users/u-1", "name");
    assert_false(items_put(s, "users/u-1", "name", "{\"first\":\"Ada\"}"));
    assert_item(s, "users/u-1", "name", "{\"first\":\"Ada\"}");
    assert_int_equal(s->own->facts[0].ttl_ms, CAIRN_TTL_PERSIST);
}

static void a_value_may_be_any_bytes(world_t *w)
{
    static const char all[] = "\x00\x01\xff{}[\"\r\n%\\";
    items_t *s = items_open(w, NULL);
    cairn_slice_t values[] = {cairn_slice(all, sizeof all - 1), cairn_str("not JSON"),
                              cairn_str(""), cairn_str("[1,2]"), cairn_str("{\"a\": 1 }")};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        items_put_raw(s, ns("a"), cairn_str("k"), values[i]);
        cairn_item_t expected = {.ns = ns("a"), .key = cairn_str("k"), .value = values[i]};
        text_t text = {0};
        text_add_item(&text, &expected);
        assert_string_equal(items_get(s, "a", "k"), text_chars(&text));
        text_free(&text);
    }
}

static void a_large_value_comes_back_whole(world_t *w)
{
    enum {
        LARGE = 3 * 1024 * 1024
    };
    static char value[LARGE + 1];
    memset(value, 'x', LARGE);
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", value);
    assert_item(s, "a", "k", value);
}

static void an_update_keeps_created_at_and_moves_updated_at(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "{\"v\":1}");
    span_t made = s->span;
    items_get(s, "a", "k");
    item_facts_t first = s->own->facts[0];
    assert_true(first.created_at_us == first.updated_at_us);
    assert_true(first.created_at_us >= made.before_us - store_backend.clock_slack_us);
    assert_true(first.created_at_us <= made.after_us + store_backend.clock_slack_us);
    assert_true(items_put(s, "a", "k", "{\"v\":2}"));
    assert_item(s, "a", "k", "{\"v\":2}");
    assert_true(s->own->facts[0].created_at_us == first.created_at_us);
    assert_true(s->own->facts[0].updated_at_us > first.updated_at_us);
}

static void what_was_deleted_is_created_anew(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "{}");
    items_get(s, "a", "k");
    int64_t created_at_us = s->own->facts[0].created_at_us;
    items_delete(s, "a", "k");
    assert_false(items_put(s, "a", "k", "{}"));
    items_get(s, "a", "k");
    assert_true(s->own->facts[0].created_at_us > created_at_us);
}

static void reads_leave_updated_at_alone(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "{}", .options.ttl = cairn_ttl_ms(60000));
    items_get(s, "a", "k");
    int64_t updated_at_us = s->own->facts[0].updated_at_us;
    items_search(s, NULL);
    items_set_ttl(s, "a", "k", 50000);
    items_get(s, "a", "k");
    assert_true(s->own->facts[0].updated_at_us == updated_at_us);
}

static void a_delete_takes_the_item_and_says_whether_it_was_there(world_t *w)
{
    items_t *s = items_open(w, NULL);
    assert_false(items_delete(s, "a", "k"));
    items_put(s, "a", "k", "{}");
    items_put(s, "a", "l", "{}");
    assert_true(items_delete(s, "a", "k"));
    assert_false(items_delete(s, "a", "k"));
    assert_no_item(s, "a", "k");
    assert_item(s, "a", "l", "{}");
    assert_true(items_delete(s, "a", "l"));
    items_assert_empty(s);
}

static void a_put_without_value_deletes(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "{}");
    assert_true(items_put(s, "a", "k", NULL));
    assert_no_item(s, "a", "k");
    assert_false(items_put(s, "a", "k", NULL));
    items_assert_empty(s);
}

/* ---- identity: any bytes, literally ---- */

static const cairn_slice_t odd[] = {
    {"a", 1},        {"A", 1},      {"\0", 1},        {"a\0", 2},  {"a\0b", 3}, {":", 1},
    {"a:", 2},       {"{a}", 3},    {"{", 1},         {"}", 1},    {"*", 1},    {"a*", 2},
    {"?", 1},        {"[a]", 3},    {".", 1},         {"a.b", 3},  {"%", 1},    {"%00", 3},
    {"\0\x01", 2},   {"\0\xff", 2}, {"\xff", 1},      {"\x01", 1}, {" ", 1},    {"\r\n", 2},
    {"\xc3\xa4", 2}, {"/", 1},      {"langgraph", 9}, {"\\", 1},   {"\"", 1},   {"|", 1},
};

enum {
    ODDS = sizeof odd / sizeof *odd
};

static void any_bytes_are_a_key(world_t *w)
{
    items_t *s = items_open(w, NULL);
    char value[32];
    for (size_t i = 0; i < ODDS; i++) {
        snprintf(value, sizeof value, "{\"i\":%zu}", i);
        assert_false(items_put_raw(s, ns("a"), odd[i], cairn_str(value)));
    }
    for (size_t i = 0; i < ODDS; i++) {
        snprintf(value, sizeof value, "={\"i\":%zu}", i);
        assert_contains(items_get_raw(s, ns("a"), odd[i], CAIRN_REFRESH_DEFAULT), value);
    }
    assert_int_equal(items_count(s, "a", NULL), ODDS);
}

static void any_bytes_are_a_label(world_t *w)
{
    items_t *s = items_open(w, NULL);
    char value[32];
    for (size_t i = 0; i < ODDS; i++) {
        snprintf(value, sizeof value, "{\"i\":%zu}", i);
        assert_false(
            items_put_raw(s, (cairn_namespace_t){&odd[i], 1}, cairn_str("k"), cairn_str(value)));
    }
    for (size_t i = 0; i < ODDS; i++) {
        cairn_namespace_t name = {&odd[i], 1};
        snprintf(value, sizeof value, "={\"i\":%zu}", i);
        assert_contains(items_get_raw(s, name, cairn_str("k"), CAIRN_REFRESH_DEFAULT), value);
        cairn_store_query_t below = {.prefix = name};
        items_search(s, &below);
        assert_int_equal(s->own->fact_count, 1);
    }
    assert_int_equal(items_count(s, NULL, NULL), ODDS);
    items_list(s, &(list_words_t){.page_size = 7});
    for (size_t i = 0; i < ODDS; i++) {
        text_t name = {0};
        text_add_id(&name, odd[i]);
        assert_contains(text_chars(&s->own->places), text_chars(&name));
        text_free(&name);
    }
}

static void no_two_items_share_a_place(world_t *w)
{
    static const cairn_slice_t splits[][3] = {
        {{"a", 1}, {"b", 1}, {"c", 1}},
        {{"a:b", 3}, {"c", 1}, {NULL, 0}},
        {{"a", 1}, {"b:c", 3}, {NULL, 0}},
        {{"a.b.c", 5}, {NULL, 0}, {NULL, 0}},
        {{"a", 1}, {"b.c", 3}, {NULL, 0}},
        {{"a\0b", 3}, {"c", 1}, {NULL, 0}},
        {{"a", 1}, {"b\0c", 3}, {NULL, 0}},
        {{"ab", 2}, {"c", 1}, {NULL, 0}},
        {{"a", 1}, {"bc", 2}, {NULL, 0}},
        {{"a\0\x01"
          "b",
          4},
         {"c", 1},
         {NULL, 0}},
    };
    enum {
        SPLITS = sizeof splits / sizeof *splits
    };
    items_t *s = items_open(w, NULL);
    char value[32];
    for (size_t i = 0; i < SPLITS; i++) {
        size_t count = 0;
        while (count < 3 && splits[i][count].ptr) count++;
        snprintf(value, sizeof value, "{\"i\":%zu}", i);
        assert_false(items_put_raw(s, (cairn_namespace_t){splits[i], count}, cairn_str("k"),
                                   cairn_str(value)));
    }
    assert_int_equal(items_count(s, NULL, NULL), SPLITS);
    items_put(s, "x", "y:z", "1");
    items_put(s, "x:y", "z", "2");
    items_put(s, "x/y", "z", "3");
    assert_item(s, "x", "y:z", "1");
    assert_item(s, "x:y", "z", "2");
    assert_item(s, "x/y", "z", "3");
}

static void labels_and_keys_are_matched_with_their_case(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "Users", "Name", "1");
    assert_no_item(s, "users", "Name");
    assert_no_item(s, "Users", "name");
    assert_search(s, "", .prefix = ns("users"));
    assert_search(s, "Users:Name", .prefix = ns("Users"));
}

static void an_empty_key_is_a_key(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "", "1");
    items_put(s, "a", "k", "2");
    assert_item(s, "a", "", "1");
    assert_search(s, "a:'' a:k", .order = CAIRN_ORDER_KEY);
    assert_true(items_delete(s, "a", ""));
    assert_search(s, "a:k", .order = CAIRN_ORDER_KEY);
}

static void a_namespace_is_not_its_beginning(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a/b", "k", "1");
    assert_no_item(s, "a", "k");
    assert_no_item(s, "a/b/c", "k");
    items_put(s, "a", "k", "2");
    assert_true(items_delete(s, "a", "k"));
    assert_item(s, "a/b", "k", "1");
}

static void the_longest_names_are_kept(world_t *w)
{
    static char bytes[CAIRN_ID_MAX];
    static cairn_slice_t labels[CAIRN_NAMESPACE_MAX];
    memset(bytes, 'x', sizeof bytes);
    cairn_slice_t longest = cairn_slice(bytes, sizeof bytes);
    for (size_t i = 0; i < CAIRN_NAMESPACE_MAX; i++)
        labels[i] = cairn_slice(bytes, sizeof bytes / CAIRN_NAMESPACE_MAX);
    items_t *s = items_open(w, NULL);
    items_put_raw(s, (cairn_namespace_t){&longest, 1}, longest, cairn_str("1"));
    items_put_raw(s, (cairn_namespace_t){labels, CAIRN_NAMESPACE_MAX}, longest, cairn_str("2"));
    assert_int_equal(items_count(s, NULL, NULL), 2);
    assert_contains(items_get_raw(s, (cairn_namespace_t){labels, CAIRN_NAMESPACE_MAX}, longest,
                                  CAIRN_REFRESH_NO),
                    "=2");
    assert_contains(items_get_raw(s, (cairn_namespace_t){&longest, 1}, longest, CAIRN_REFRESH_NO),
                    "=1");
}

static void a_name_that_is_none_is_refused(world_t *w)
{
    items_t *s = items_open(w, NULL);
    const cairn_slice_t labels[] = {cairn_str("a"), cairn_str("")};
    cairn_slice_t key = cairn_str("k"), value = cairn_str("{}");
    call_t *call = s->own;
    assert_call_refused(call, call_put_raw(call, ns(NULL), key, value, NULL), UV_EINVAL, "ns");
    assert_call_refused(call, call_put_raw(call, (cairn_namespace_t){labels, 2}, key, value, NULL),
                        UV_EINVAL, "ns is empty");
    assert_call_refused(call, call_get(call, ns(NULL), key, CAIRN_REFRESH_NO), UV_EINVAL, "ns");
    assert_call_refused(call, call_delete(call, ns("a"), cairn_str(NULL)), UV_EINVAL, "key");
    items_assert_empty(s);
}

const scenario_t store_item_scenarios[] = {
    SCENARIO(an_item_is_read_as_it_was_put),
    SCENARIO(a_value_may_be_any_bytes),
    SCENARIO(a_large_value_comes_back_whole),
    SCENARIO(an_update_keeps_created_at_and_moves_updated_at),
    SCENARIO(what_was_deleted_is_created_anew),
    SCENARIO(reads_leave_updated_at_alone),
    SCENARIO(a_delete_takes_the_item_and_says_whether_it_was_there),
    SCENARIO(a_put_without_value_deletes),
    SCENARIO(any_bytes_are_a_key),
    SCENARIO(any_bytes_are_a_label),
    SCENARIO(no_two_items_share_a_place),
    SCENARIO(labels_and_keys_are_matched_with_their_case),
    SCENARIO(an_empty_key_is_a_key),
    SCENARIO(a_namespace_is_not_its_beginning),
    SCENARIO(the_longest_names_are_kept),
    SCENARIO(a_name_that_is_none_is_refused),
    {NULL, NULL},
};
