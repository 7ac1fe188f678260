#include "store_fixture.h"

#include <math.h>

/* ---- refusals ---- */

static void a_backend_without_a_store_refuses(void **state)
{
    (void)state;
    stub_open("stub", 0, 0);
    for (size_t i = 0; i < COUNT_OF(operations); i++)
        assert_refused(operations[i].submit(), UV_ENOTSUP, operations[i].req, "backend stub");
    assert_status(cairn_store_start_ttl_sweeper(&store, 1000), UV_ENOTSUP);
    cairn_store_stop_ttl_sweeper(&store);
    stub_close();
    assert_int_equal(told.calls, 0);
}

static void a_closed_handle_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(operations); i++)
        assert_refused(operations[i].submit(), CAIRN_ECLOSED, operations[i].req, "");
    assert_status(cairn_store_start_ttl_sweeper(&store, 1000), CAIRN_ECLOSED);
    cairn_store_stop_ttl_sweeper(&store);

    open_with(&every_op, 0);
    cairn_close(&stub.cairn, stub_on_closed);
    for (size_t i = 0; i < COUNT_OF(operations); i++)
        assert_refused(operations[i].submit(), CAIRN_ECLOSED, operations[i].req, "");
    assert_status(cairn_store_start_ttl_sweeper(&store, 1000), CAIRN_ECLOSED);
    cairn_store_stop_ttl_sweeper(&store);
    stub_close();
    assert_null(seen.called);
}

static void a_table_without_the_slot_refuses(void **state)
{
    (void)state;
    const cairn_store_ops_t none = {.size = sizeof none};
    cairn_store_ops_t old = every_op;
    old.size = offsetof(cairn_store_ops_t, get);
    const cairn_store_ops_t *const tables[] = {NULL, &none, &old};
    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        open_with(tables[t], 0);
        for (size_t i = 0; i < COUNT_OF(operations); i++)
            assert_refused(operations[i].submit(), UV_ENOTSUP, operations[i].req, "backend stub");
        int sweeper = tables[t] ? 0 : UV_ENOTSUP;
        assert_status(cairn_store_start_ttl_sweeper(&store, 1000), sweeper);
        cairn_store_stop_ttl_sweeper(&store);
        stub_close();
    }
    assert_null(seen.called);
}

static void what_the_backend_refuses_is_refused(void **state)
{
    (void)state;
    open_with(&every_op, 0);
    stub.answer = CAIRN_EFULL;
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        assert_refused(operations[i].submit(), CAIRN_EFULL, operations[i].req, "");
        assert_string_equal(seen.called, operations[i].slot);
    }
    assert_status(cairn_store_start_ttl_sweeper(&store, 1000), CAIRN_EFULL);
    assert_int_equal(seen.interval_ms, 1000);
    assert_status(cairn_store_start_ttl_sweeper(&store, 0), UV_EINVAL);
    cairn_store_stop_ttl_sweeper(&store);
    assert_string_equal(seen.called, "stop_ttl_sweeper");
    stub_close();
    assert_int_equal(told.calls, 0);
}

static void a_request_in_flight_is_busy(void **state)
{
    (void)state;
    open_with(&every_op, 0);
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        if (!cairn_is_active(operations[i].req)) assert_status(operations[i].submit(), 0);
        assert_status(operations[i].submit(), UV_EBUSY);
    }
    stub_close();
}

/* ---- arguments ---- */

#define WRONG(change, submit, status, words)                                                       \
    do {                                                                                           \
        change;                                                                                    \
        assert_submit_refused((submit), (status), (words));                                        \
        arguments_are_right();                                                                     \
    } while (0)

static const cairn_slice_t broken = {NULL, 3};

static void wrong_items_are_named(void **state)
{
    (void)state;
    static cairn_slice_t many[CAIRN_NAMESPACE_MAX + 1];
    static char half[CAIRN_ID_MAX / 2 + 1];
    for (size_t i = 0; i < COUNT_OF(many); i++) many[i] = S("label");
    const cairn_slice_t halves[] = {{half, sizeof half}, {half, sizeof half}};

    open_with(&every_op, 0);
    int (*const by_item[])(void) = {do_get, do_put,     do_delete, do_ttl,
                                    do_pin, do_set_ttl, do_unpin};
    for (size_t i = 0; i < COUNT_OF(by_item); i++) {
        WRONG(ns.count = 0, by_item[i], UV_EINVAL, "ns has no labels");
        WRONG(ns.labels = NULL, by_item[i], UV_EINVAL, "ns has a count but is NULL");
        WRONG(labels[1] = S(""), by_item[i], UV_EINVAL, "ns is empty");
        WRONG(labels[1] = ABSENT, by_item[i], UV_EINVAL, "ns is absent");
        WRONG(labels[0] = broken, by_item[i], UV_EINVAL, "ns has a length but no ptr");
        WRONG(labels[0] = too_long(), by_item[i], CAIRN_ETOOBIG, "ns is 65537 bytes long");
        WRONG((ns = (cairn_namespace_t){many, COUNT_OF(many)}), by_item[i], CAIRN_ETOOBIG,
              "ns has 257 elements; at most 256");
        WRONG((ns = (cairn_namespace_t){halves, 2}), by_item[i], CAIRN_ETOOBIG,
              "ns is 65538 bytes long; at most 65536");
        WRONG(key = ABSENT, by_item[i], UV_EINVAL, "key is absent");
        WRONG(key = too_long(), by_item[i], CAIRN_ETOOBIG, "key is 65537");
    }
    WRONG(value = broken, do_put, UV_EINVAL, "value has a length");
    WRONG(refresh = (cairn_refresh_t)3, do_get, UV_EINVAL, "refresh is 3");
    stub_close();
    assert_null(seen.called);
}

static void wrong_ttls_are_named_and_delete_nothing(void **state)
{
    (void)state;
    open_with(&every_op, 0);
    WRONG(put_options.ttl = cairn_ttl_ms(0), do_put, UV_EINVAL, "ttl is 0 ms");
    WRONG(put_options.ttl = cairn_ttl_ms(-2), do_put, UV_EINVAL, "ttl is -2 ms");
    WRONG(put_options.ttl = cairn_ttl_ms(INT64_MAX), do_put, CAIRN_ETOOBIG, "ttl is 922337");
    WRONG(ttl = cairn_ttl_ms(0), do_set_ttl, UV_EINVAL, "ttl is 0 ms");
    WRONG(ttl.given = false, do_set_ttl, UV_EINVAL, "ttl is not given");
    stub_close();
    assert_null(seen.called);
}

static void wrong_queries_are_named(void **state)
{
    (void)state;
    open_with(&every_op, 0);
    WRONG(labels[0] = S(""), do_search, UV_EINVAL, "prefix is empty");
    WRONG(labels[0] = S(""), do_count, UV_EINVAL, "prefix is empty");
    WRONG(query.filter = S("[]"), do_search, UV_EINVAL, "filter is no JSON object");
    WRONG(query.filter = S("1"), do_count, UV_EINVAL, "filter is no JSON object");
    WRONG(query.filter = S("{\"a\":{\"$in\":[1]}}"), do_search, UV_EINVAL,
          "filter has the unknown operator \"$in\" in \"a\"");
    WRONG(query.filter = S("{\"$or\":[]}"), do_count, UV_EINVAL,
          "filter has the operator \"$or\" where a field should be");
    WRONG(query.order = (cairn_order_t)3, do_search, UV_EINVAL, "order is 3");
    WRONG(query.metric = (cairn_metric_t)4, do_search, UV_EINVAL, "metric is 4");
    WRONG(query.refresh = (cairn_refresh_t)3, do_search, UV_EINVAL, "refresh is 3");
    WRONG(query.paging.page_size = 10001, do_search, CAIRN_ETOOBIG, "paging.page_size is 10001");
    WRONG(query.paging.cursor = S("1"), do_search, UV_EINVAL, "paging.cursor is none of ours");
    WRONG(list.conditions = NULL, do_list, UV_EINVAL, "conditions has a count but is NULL");
    WRONG(condition.type = (cairn_match_type_t)2, do_list, UV_EINVAL, "conditions[0].type is 2");
    WRONG(labels[1] = S(""), do_list, UV_EINVAL, "conditions[0].path is empty");
    WRONG(list.paging.page_size = 10001, do_list, CAIRN_ETOOBIG, "paging.page_size");
    stub_close();
    assert_null(seen.called);
}

static void wrong_batches_name_the_operation(void **state)
{
    (void)state;
    open_with(&every_op, 0);
    WRONG(op_count = CAIRN_BATCH_MAX + 1, do_batch, CAIRN_ETOOBIG, "ops has 65537 elements");
    WRONG(ops[0].type = (cairn_store_op_type_t)0, do_batch, UV_EINVAL, "ops[0].type is 0");
    WRONG(ops[2].type = (cairn_store_op_type_t)6, do_batch, UV_EINVAL, "ops[2].type is 6");
    WRONG(ops[0].key = ABSENT, do_batch, UV_EINVAL, "ops[0].key is absent");
    WRONG(ops[1].value = broken, do_batch, UV_EINVAL, "ops[1].value has a length");
    WRONG(ops[2].ns.count = 0, do_batch, UV_EINVAL, "ops[2].ns has no labels");
    WRONG(query.filter = S("x"), do_batch, UV_EINVAL, "ops[3].filter is no JSON object");
    WRONG(condition.type = (cairn_match_type_t)2, do_batch, UV_EINVAL,
          "ops[4].conditions[0].type is 2");
    assert_refused(cairn_store_batch(&store, &batch_req, NULL, 1, NULL), UV_EINVAL, &batch_req.req,
                   "ops has a count but is NULL");
    stub_close();
    assert_null(seen.called);
}

/* ---- vectors ---- */

static void wrong_vectors_are_named(void **state)
{
    (void)state;
    open_with(&every_op, CAIRN_CAP_STORE_VECTORS);
#define WRONG_VECTOR(change, status, words)                                                        \
    do {                                                                                           \
        use_indexes();                                                                             \
        put_options.vectors = &vector;                                                             \
        put_options.vector_count = 1;                                                              \
        WRONG(change, do_put, (status), "vectors[0]." words);                                      \
        use_indexes();                                                                             \
        query.near = &vector;                                                                      \
        query.paging.limit = cairn_limit(5);                                                       \
        WRONG(change, do_search, (status), words);                                                 \
    } while (0)
    WRONG_VECTOR(vector.index = ABSENT, UV_EINVAL, "index is absent");
    WRONG_VECTOR(vector.index = S("other"), UV_EINVAL, "index names no index of this store");
    WRONG_VECTOR(vector.dimensions = 2, UV_EINVAL, "dimensions is 2; the index has 3");
    WRONG_VECTOR(vector.values = NULL, UV_EINVAL, "values is NULL");
    WRONG_VECTOR(floats[2] = NAN, UV_EINVAL, "values is not finite at 2");
    WRONG_VECTOR(floats[0] = INFINITY, UV_EINVAL, "values is not finite at 0");
    put_options.vector_count = 1;
    assert_submit_refused(do_put, UV_EINVAL, "vectors has a count but is NULL");
    stub_close();
    assert_null(seen.called);
}

static void wrong_searches_by_vector_are_named(void **state)
{
    (void)state;
    use_indexes();
    open_with(&every_op, CAIRN_CAP_STORE_VECTORS);
#define WRONG_NEAR(change, status, words)                                                          \
    do {                                                                                           \
        query.near = &vector;                                                                      \
        query.paging.limit = cairn_limit(5);                                                       \
        WRONG(change, do_search, (status), (words));                                               \
    } while (0)
    WRONG_NEAR(query.paging.limit.given = false, UV_EINVAL, "paging.limit is not given");
    WRONG_NEAR(query.paging.limit.count = 10001, CAIRN_ETOOBIG, "paging.limit is 10001");
    WRONG_NEAR(query.paging.cursor = S("123456789"), UV_EINVAL, "paging.cursor is given");
    WRONG_NEAR(query.near_text = S("hello"), UV_EINVAL, "near_text is given beside near");
    WRONG_NEAR((query.near = NULL, query.near_text = S("hi")), UV_EINVAL, "near_index is absent");
    WRONG_NEAR((query.near = NULL, query.near_text = S("hi"), query.near_index = S("text")),
               UV_EINVAL, "near_index names an index without embed callback");
    stub_close();
    assert_null(seen.called);
}

static void vectors_need_a_backend_that_has_them(void **state)
{
    (void)state;
    use_indexes();
    open_with(&every_op, 0);
    put_options.vectors = &vector;
    put_options.vector_count = 1;
    assert_submit_refused(do_put, UV_ENOTSUP, "backend stub has no vectors");
    query.near = &vector;
    query.paging.limit = cairn_limit(5);
    assert_submit_refused(do_search, UV_ENOTSUP, "backend stub has no vectors");
    assert_submit_refused(do_batch, UV_ENOTSUP, "backend stub has no vectors");
    assert_status(do_delete(), 0); /* leaves vectors alone */
    stub_close();
}

static void texts_need_a_backend_that_has_vectors(void **state)
{
    (void)state;
    use_indexes();
    open_with(&every_op, 0);
    put_options.embed = CAIRN_EMBED_DEFAULT;
    assert_submit_refused(do_put, UV_ENOTSUP, "backend stub has no vectors");
    query.near_text = S("hello");
    query.near_index = S("asked");
    query.paging.limit = cairn_limit(5);
    assert_submit_refused(do_search, UV_ENOTSUP, "backend stub has no vectors");
    stub_close();
    assert_null(seen.called);
}

static void a_vector_that_is_given_need_not_be_asked_for(void **state)
{
    (void)state;
    use_indexes();
    open_with(&every_op, CAIRN_CAP_STORE_VECTORS);
    put_options.embed = CAIRN_EMBED_DEFAULT;
    const float two[] = {1, 2};
    const cairn_vector_t given = {S("asked"), two, 2};
    put_options.vectors = &given;
    put_options.vector_count = 1;
    assert_status(do_put(), 0);
    assert_int_equal(seen.put.vector_count, 1);
    stub_close();
}

static void wrong_fields_are_named(void **state)
{
    (void)state;
    use_indexes();
    open_with(&every_op, CAIRN_CAP_STORE_VECTORS);
    static const char *const wrong[] = {"", ".", "a.", "a..b", "a[", "a[x]", "[0", "a[0]b"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        fields[0] = S(wrong[i]);
        assert_submit_refused(do_put, UV_EINVAL, "fields has \"");
    }
    static const char *const right[] = {"$", "a", "a.b", "a[0]", "a[-1]", "a[*].b", "*", "[0].a"};
    for (size_t i = 0; i < COUNT_OF(right); i++) {
        fields[0] = S(right[i]);
        assert_status(do_put(), 0);
        up()->put_done(&put_req, false);
    }
    stub_close();
}

/* ---- the view ---- */

static void assert_no_view(const cairn_store_options_t *options, int status)
{
    cairn_store_t untouched, view;
    memset(&untouched, 0x5a, sizeof untouched);
    memcpy(&view, &untouched, sizeof view);
    assert_status(cairn_store_init(&view, &stub.cairn, options), status);
    assert_memory_equal(&view, &untouched, sizeof view);
}

static void wrong_options_leave_the_view_alone(void **state)
{
    (void)state;
    assert_no_view(&(cairn_store_options_t){.default_ttl = cairn_ttl_ms(0)}, UV_EINVAL);
    assert_no_view(&(cairn_store_options_t){.default_ttl = cairn_ttl_ms(INT64_MAX)}, CAIRN_ETOOBIG);
    assert_no_view(&(cairn_store_options_t){.refresh_on_read = (cairn_refresh_t)3}, UV_EINVAL);
    assert_no_view(&(cairn_store_options_t){.index_count = 1}, UV_EINVAL);
}

static void wrong_indexes_leave_the_view_alone(void **state)
{
    (void)state;
    const cairn_store_options_t options = {.indexes = indexes, .index_count = 2};
    cairn_store_t view;
    assert_status(cairn_store_init(&view, &stub.cairn, &options), 0);
#define WRONG_INDEX(change, status)                                                                \
    do {                                                                                           \
        change;                                                                                    \
        assert_no_view(&options, (status));                                                        \
        arguments_are_right();                                                                     \
    } while (0)
    WRONG_INDEX(indexes[1].name = S("text"), UV_EINVAL);
    WRONG_INDEX(indexes[1].name = ABSENT, UV_EINVAL);
    WRONG_INDEX(indexes[0].dimensions = 0, UV_EINVAL);
    WRONG_INDEX(indexes[0].dimensions = CAIRN_DIMENSIONS_MAX + 1, CAIRN_ETOOBIG);
    WRONG_INDEX(indexes[0].metric = (cairn_metric_t)4, UV_EINVAL);
    WRONG_INDEX(indexes[0].field_count = 1, UV_EINVAL);
    WRONG_INDEX((indexes[0].fields = &broken, indexes[0].field_count = 1), UV_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_backend_without_a_store_refuses, fresh),
        cmocka_unit_test_setup(a_closed_handle_refuses, fresh),
        cmocka_unit_test_setup(a_table_without_the_slot_refuses, fresh),
        cmocka_unit_test_setup(what_the_backend_refuses_is_refused, fresh),
        cmocka_unit_test_setup(a_request_in_flight_is_busy, fresh),
        cmocka_unit_test_setup(wrong_items_are_named, fresh),
        cmocka_unit_test_setup(wrong_ttls_are_named_and_delete_nothing, fresh),
        cmocka_unit_test_setup(wrong_queries_are_named, fresh),
        cmocka_unit_test_setup(wrong_batches_name_the_operation, fresh),
        cmocka_unit_test_setup(wrong_vectors_are_named, fresh),
        cmocka_unit_test_setup(wrong_searches_by_vector_are_named, fresh),
        cmocka_unit_test_setup(vectors_need_a_backend_that_has_them, fresh),
        cmocka_unit_test_setup(texts_need_a_backend_that_has_vectors, fresh),
        cmocka_unit_test_setup(a_vector_that_is_given_need_not_be_asked_for, fresh),
        cmocka_unit_test_setup(wrong_fields_are_named, fresh),
        cmocka_unit_test_setup(wrong_options_leave_the_view_alone, fresh),
        cmocka_unit_test_setup(wrong_indexes_leave_the_view_alone, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
