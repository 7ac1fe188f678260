/* Rule 41: batches. */
#include "store_suite.h"

#include <stdlib.h>

static cairn_store_op_t get_op(const char *path, const char *key)
{
    return (cairn_store_op_t){.type = CAIRN_STORE_GET, .ns = ns(path), .key = cairn_str(key)};
}

static cairn_store_op_t put_op(const char *path, const char *key, const char *value)
{
    return (cairn_store_op_t){
        .type = CAIRN_STORE_PUT, .ns = ns(path), .key = cairn_str(key), .value = cairn_str(value)};
}

static cairn_store_op_t delete_op(const char *path, const char *key)
{
    return (cairn_store_op_t){.type = CAIRN_STORE_DELETE, .ns = ns(path), .key = cairn_str(key)};
}

static cairn_store_op_t search_op(const cairn_store_query_t *query)
{
    return (cairn_store_op_t){.type = CAIRN_STORE_SEARCH, .search = query};
}

static cairn_store_op_t list_op(const cairn_namespace_query_t *query)
{
    return (cairn_store_op_t){.type = CAIRN_STORE_LIST_NAMESPACES, .list = query};
}

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static void results_come_in_the_order_of_the_operations(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k1", "1");
    items_put(s, "b", "k2", "2");
    const cairn_store_query_t under_b = {.prefix = ns("b")};
    const cairn_store_op_t ops[] = {
        list_op(NULL),           get_op("a", "k1"),      put_op("c", "k3", "3"),
        search_op(&under_b),     get_op("b", "none"),    delete_op("b", "k2"),
        search_op(NULL),         put_op("a", "k1", "9"), get_op("b", "k2"),
        delete_op("b", "other"),
    };
    assert_string_equal(items_batch(s, ops, COUNT_OF(ops)),
                        "namespaces a b\nget a:k1=1\nput 0\nsearch b:k2\nget none\ndelete 1\n"
                        "search b:k2 a:k1\nput 1\nget b:k2=2\ndelete 0");
    assert_search(s, "a:k1 c:k3", .order = CAIRN_ORDER_KEY);
    assert_item(s, "a", "k1", "9");
}

static void reads_see_what_was_there_before_the_puts(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "old");
    const cairn_store_op_t ops[] = {
        put_op("a", "k", "new"),   get_op("a", "k"),    put_op("a", "l", "new"),
        get_op("a", "l"),          delete_op("a", "k"), get_op("a", "k"),
        put_op("new", "k", "new"), search_op(NULL),     list_op(NULL)};
    assert_string_equal(items_batch(s, ops, COUNT_OF(ops)),
                        "put 1\nget a:k=old\nput 0\nget none\ndelete 1\nget a:k=old\nput 0\n"
                        "search a:k\nnamespaces a");
    assert_search(s, "a:l new:k", .order = CAIRN_ORDER_KEY);
}

static void of_several_puts_to_one_item_the_last_counts(world_t *w)
{
    items_t *s = items_open(w, NULL);
    const cairn_store_op_t ops[] = {put_op("a", "k", "1"), put_op("a", "l", "1"),
                                    put_op("a", "k", "2"), put_op("b", "k", "3"),
                                    put_op("a", "k", "4")};
    assert_string_equal(items_batch(s, ops, COUNT_OF(ops)), "put 0\nput 0\nput 0\nput 0\nput 0");
    assert_item(s, "a", "k", "4");
    assert_item(s, "a", "l", "1");
    assert_item(s, "b", "k", "3");
    assert_int_equal(items_count(s, NULL, NULL), 3);
}

static void a_put_after_a_delete_in_one_batch_is_an_update(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    items_get(s, "a", "k");
    int64_t created_at_us = s->own->facts[0].created_at_us;
    const cairn_store_op_t ops[] = {delete_op("a", "k"), put_op("a", "k", "2")};
    assert_string_equal(items_batch(s, ops, 2), "delete 1\nput 1");
    assert_item(s, "a", "k", "2");
    assert_true(s->own->facts[0].created_at_us == created_at_us);
}

static void a_delete_after_a_put_in_one_batch_leaves_nothing(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    const cairn_store_op_t ops[] = {put_op("a", "k", "2"), delete_op("a", "k"),
                                    put_op("b", "n", "1"), delete_op("b", "n")};
    assert_string_equal(items_batch(s, ops, 4), "put 1\ndelete 1\nput 0\ndelete 0");
    items_assert_empty(s);
}

static void a_put_in_a_batch_has_its_own_ttl(world_t *w)
{
    static const cairn_store_options_t an_hour = {.default_ttl = {true, 3600000}};
    static const cairn_store_put_options_t a_minute = {.ttl = {true, 60000}};
    static const cairn_store_put_options_t persist = {.ttl = {true, CAIRN_TTL_PERSIST}};
    items_t *s = items_open(w, &an_hour);
    cairn_store_op_t ops[] = {put_op("a", "k1", "1"), put_op("a", "k2", "1"),
                              put_op("a", "k3", "1")};
    ops[1].options = &a_minute;
    ops[2].options = &persist;
    items_batch(s, ops, 3);
    span_t since = s->span;
    assert_item_ttl(s, "a", "k1", 3600000, since);
    assert_item_ttl(s, "a", "k2", 60000, since);
    assert_int_equal(items_ttl(s, "a", "k3"), CAIRN_TTL_PERSIST);
}

static void reads_of_a_batch_refresh_unless_told_otherwise(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k1", "1", .options.ttl = cairn_ttl_ms(60000));
    items_put(s, "a", "k2", "1", .options.ttl = cairn_ttl_ms(60000));
    items_await_ttl(s, "a", "k2", 59980);
    cairn_store_op_t ops[] = {get_op("a", "k1"), get_op("a", "k2")};
    ops[1].refresh = CAIRN_REFRESH_NO;
    items_batch(s, ops, 2);
    assert_item_ttl(s, "a", "k1", 60000, s->span);
    assert_in_range(items_ttl(s, "a", "k2"), 1, 59980);
}

static void a_page_of_a_batch_goes_on_with_a_search(world_t *w)
{
    items_t *s = items_open(w, NULL);
    for (const char *key = "abcde"; *key; key++)
        items_put_raw(s, ns("n"), cairn_slice(key, 1), cairn_str("1"));
    cairn_store_query_t query = {.order = CAIRN_ORDER_KEY,
                                 .paging = {.limit = cairn_limit(4), .page_size = 3}};
    const cairn_store_op_t op = search_op(&query);
    assert_string_equal(items_batch(s, &op, 1), "search n:a n:b n:c");
    call_t *call = items_call(s);
    query.paging.cursor = cairn_slice(s->own->cursor, s->own->cursor_len);
    assert_status(call_search(call, &query), 0);
    call_await(call, 0);
    assert_string_equal(text_chars(&call->places), "n:d");
    assert_int_equal(call->cursor_len, 0);
}

static void an_operation_that_fails_leaves_the_others_alone(world_t *w)
{
    static const char garbage[] = "\0\0\0\0\0\0\0\5~";
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    cairn_store_query_t odd = {.paging.cursor = cairn_slice(garbage, sizeof garbage - 1)};
    cairn_namespace_query_t odder = {.paging.cursor = odd.paging.cursor};
    const cairn_store_op_t ops[] = {get_op("a", "k"), search_op(&odd), put_op("a", "l", "2"),
                                    list_op(&odder), delete_op("a", "k")};
    assert_string_equal(items_batch(s, ops, COUNT_OF(ops)),
                        "get a:k=1\nerror UV_EINVAL\nput 0\nerror UV_EINVAL\ndelete 1");
    assert_search(s, "a:l", .offset = 0);
}

static void a_malformed_operation_refuses_the_batch_and_is_named(world_t *w)
{
    items_t *s = items_open(w, NULL);
    cairn_store_op_t ops[] = {put_op("a", "k", "1"), put_op("", "k", "1")};
    assert_call_refused(s->own, call_batch(s->own, ops, 2), UV_EINVAL, "ops[1].ns");
    ops[1] = put_op("a", "k", "1");
    ops[1].type = (cairn_store_op_type_t)77;
    assert_call_refused(s->own, call_batch(s->own, ops, 2), UV_EINVAL, "ops[1].type");
    items_assert_empty(s);
}

static void a_batch_of_nothing_is_a_batch(world_t *w)
{
    items_t *s = items_open(w, NULL);
    assert_string_equal(items_batch(s, NULL, 0), "");
}

static void a_batch_of_thousands_is_carried_out_whole(world_t *w)
{
    enum {
        MANY = 5000
    };
    items_t *s = items_open(w, NULL);
    char(*keys)[24] = calloc(MANY, sizeof *keys);
    cairn_store_op_t *ops = calloc(MANY, sizeof *ops);
    assert_true(keys && ops);
    static const cairn_slice_t labels[] = {{"a", 1}, {"b", 1}, {"c", 1}};
    for (size_t i = 0; i < MANY; i++) {
        snprintf(keys[i], sizeof keys[i], "k%zu", i);
        ops[i] = (cairn_store_op_t){.type = CAIRN_STORE_PUT,
                                    .ns = {&labels[i % 3], 1},
                                    .key = cairn_str(keys[i]),
                                    .value = cairn_str(keys[i])};
    }
    items_batch(s, ops, MANY);
    assert_int_equal(items_count(s, NULL, NULL), MANY);
    for (size_t i = 0; i < MANY; i++) ops[i].type = CAIRN_STORE_GET;
    const char *text = items_batch(s, ops, MANY);
    for (size_t i = 0; i < MANY; i++) {
        char expected[80];
        int len =
            snprintf(expected, sizeof expected, "get %c:%s=%s", "abc"[i % 3], keys[i], keys[i]);
        assert_memory_equal(text, expected, (size_t)len);
        text += len + 1;
    }
    free(keys);
    free(ops);
}

const scenario_t store_batch_scenarios[] = {
    SCENARIO(results_come_in_the_order_of_the_operations),
    SCENARIO(reads_see_what_was_there_before_the_puts),
    SCENARIO(of_several_puts_to_one_item_the_last_counts),
    SCENARIO(a_put_after_a_delete_in_one_batch_is_an_update),
    SCENARIO(a_delete_after_a_put_in_one_batch_leaves_nothing),
    SCENARIO(a_put_in_a_batch_has_its_own_ttl),
    SCENARIO(reads_of_a_batch_refresh_unless_told_otherwise),
    SCENARIO(a_page_of_a_batch_goes_on_with_a_search),
    SCENARIO(an_operation_that_fails_leaves_the_others_alone),
    SCENARIO(a_malformed_operation_refuses_the_batch_and_is_named),
    SCENARIO(a_batch_of_nothing_is_a_batch),
    SCENARIO(a_batch_of_thousands_is_carried_out_whole),
    {NULL, NULL},
};
