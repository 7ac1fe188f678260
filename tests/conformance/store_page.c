/* cairn/page.h, as it holds for searches and for list_namespaces. */
#include "store_suite.h"

#include <stdio.h>

enum {
    MANY = 57
};

static const cairn_order_t orders[] = {CAIRN_ORDER_UPDATED_DESC, CAIRN_ORDER_UPDATED_ASC,
                                       CAIRN_ORDER_KEY};

enum {
    ORDERS = sizeof orders / sizeof *orders
};

/* Over several namespaces, many of them changed in one moment. */
static items_t *with_many(world_t *w)
{
    static const char *const names[] = {"a", "a/b", "b", "b/c/d"};
    items_t *s = items_open(w, NULL);
    static char keys[MANY][16], values[MANY][24];
    cairn_store_op_t ops[MANY];
    for (int i = 0; i < MANY; i++) {
        snprintf(keys[i], sizeof keys[i], "k%d", i * 7 % MANY);
        snprintf(values[i], sizeof values[i], "{\"n\":%d}", i);
        ops[i] = (cairn_store_op_t){.type = CAIRN_STORE_PUT,
                                    .ns = ns(names[i % 4]),
                                    .key = cairn_str(keys[i]),
                                    .value = cairn_str(values[i])};
    }
    items_batch(s, ops, MANY / 2);
    items_batch(s, ops + MANY / 2, MANY - MANY / 2);
    return s;
}

static void assert_pages(items_t *s, cairn_store_query_t query, uint32_t page_size)
{
    query.paging.page_size = 0;
    text_t whole = {0};
    text_add(&whole, "%s", items_search(s, &query));
    query.paging.page_size = page_size;
    assert_string_equal(items_search(s, &query), text_chars(&whole));
    text_free(&whole);
}

static void pages_join_to_the_whole_in_every_order(world_t *w)
{
    items_t *s = with_many(w);
    for (size_t i = 0; i < ORDERS; i++) {
        for (uint32_t size = 1; size <= MANY + 1; size += 1 + size / 4) {
            assert_pages(s, (cairn_store_query_t){.order = orders[i]}, size);
            assert_true(s->pages >= MANY / size);
            assert_int_equal(s->own->fact_count, MANY);
        }
    }
}

static void pages_go_on_with_prefix_filter_offset_and_limit(world_t *w)
{
    items_t *s = with_many(w);
    for (size_t i = 0; i < ORDERS; i++) {
        cairn_store_query_t query = {
            .order = orders[i], .prefix = ns("b"), .filter = cairn_str("{\"n\":{\"$gt\":9}}")};
        assert_pages(s, query, 3);
        query.offset = 5;
        assert_pages(s, query, 3);
        query.paging.limit = cairn_limit(11);
        assert_pages(s, query, 4);
        assert_int_equal(s->own->fact_count, 11);
    }
}

static void a_page_that_is_exactly_full_is_the_last(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k1", "1");
    items_put(s, "a", "k2", "1");
    assert_search(s, "a:k2 a:k1", .paging.page_size = 2);
    assert_int_equal(s->pages, 1);
    assert_namespaces(s, "a", .page_size = 1);
    assert_int_equal(s->pages, 1);
}

static void a_page_goes_on_behind_an_item_that_is_gone(world_t *w)
{
    items_t *s = items_open(w, NULL);
    for (const char *key = "abcdef"; *key; key++)
        items_put_raw(s, ns(*key < 'd' ? "a" : "b"), cairn_slice(key, 1), cairn_str("1"));
    for (size_t i = 0; i < ORDERS; i++) {
        call_t *call = items_call(s);
        cairn_store_query_t query = {.order = orders[i], .paging.page_size = 3};
        assert_status(call_search(call, &query), 0);
        call_await(call, 0);
        bool falling = orders[i] == CAIRN_ORDER_UPDATED_DESC;
        items_delete(s, falling ? "b" : "a", falling ? "d" : "c");
        query.paging.cursor = cairn_slice(call->cursor, call->cursor_len);
        assert_status(call_search(call, &query), 0);
        call_await(call, 0);
        assert_string_equal(text_chars(&call->places),
                            falling ? "b:f b:e b:d a:c a:b a:a" : "a:a a:b a:c b:d b:e b:f");
        items_delete(s, "a", "c");
        items_delete(s, "a", "b");
        items_delete(s, "a", "a");
        items_delete(s, "b", "d");
        items_delete(s, "b", "e");
        items_delete(s, "b", "f");
        for (const char *key = "abcdef"; *key; key++)
            items_put_raw(s, ns(*key < 'd' ? "a" : "b"), cairn_slice(key, 1), cairn_str("1"));
    }
}

static void a_page_goes_on_behind_a_namespace_that_is_gone(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    items_put(s, "b", "k", "1");
    items_put(s, "c", "k", "1");
    call_t *call = items_call(s);
    cairn_store_query_t query = {.order = CAIRN_ORDER_KEY, .paging.page_size = 2};
    assert_status(call_search(call, &query), 0);
    call_await(call, 0);
    items_delete(s, "b", "k");
    query.paging.cursor = cairn_slice(call->cursor, call->cursor_len);
    assert_status(call_search(call, &query), 0);
    call_await(call, 0);
    assert_string_equal(text_chars(&call->places), "a:k b:k c:k");
}

static void namespaces_come_in_pages(world_t *w)
{
    items_t *s = items_open(w, NULL);
    static const char *const names[] = {"a", "a/b", "a/b/c", "a/b/d", "a/c", "b/c", "b/d/e", "c"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) items_put(s, names[i], "k", "1");
    for (size_t depth = 0; depth <= 4; depth++) {
        list_words_t words = {.max_depth = depth};
        text_t whole = {0};
        text_add(&whole, "%s", items_list(s, &words));
        for (words.page_size = 1; words.page_size <= 9; words.page_size++) {
            assert_string_equal(items_list(s, &words), text_chars(&whole));
        }
        text_free(&whole);
    }
    assert_namespaces(s, "a/b a/c b/c", .max_depth = 2, .offset = 1, .limit = cairn_limit(3),
                      .page_size = 2);
    assert_int_equal(s->pages, 2);
}

/* Whatever stands in a cursor's place: an error or a page, never worse. */
static void a_cursor_that_is_none_does_no_harm(world_t *w)
{
    items_t *s = with_many(w);
    static const char garbage[64] = "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\1garbage";
    for (size_t len = 1; len < sizeof garbage; len++) {
        for (size_t i = 0; i < ORDERS; i++) {
            cairn_store_query_t query = {.order = orders[i]};
            query.paging.cursor = cairn_slice(garbage, len);
            int rc = call_search(s->own, &query);
            if (rc == 0) call_await_any(s->own);
            if (rc == 0) rc = s->own->status;
            if (rc != 0) assert_status(rc, UV_EINVAL);
        }
        cairn_namespace_query_t list = {.paging.cursor = cairn_slice(garbage, len)};
        int rc = call_list(s->own, &list);
        if (rc == 0) call_await_any(s->own);
        if (rc == 0) rc = s->own->status;
        if (rc != 0) assert_status(rc, UV_EINVAL);
    }
    assert_int_equal(items_count(s, NULL, NULL), MANY);
}

const scenario_t store_page_scenarios[] = {
    SCENARIO(pages_join_to_the_whole_in_every_order),
    SCENARIO(pages_go_on_with_prefix_filter_offset_and_limit),
    SCENARIO(a_page_that_is_exactly_full_is_the_last),
    SCENARIO(a_page_goes_on_behind_an_item_that_is_gone),
    SCENARIO(a_page_goes_on_behind_a_namespace_that_is_gone),
    SCENARIO(namespaces_come_in_pages),
    SCENARIO(a_cursor_that_is_none_does_no_harm),
    {NULL, NULL},
};
