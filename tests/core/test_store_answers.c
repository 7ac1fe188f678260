#include "alloc_fault.h"
#include "store_fixture.h"

/* ---- what reaches the backend ---- */

static void defaults_are_filled(void **state)
{
    (void)state;
    open_with(&every_op, 0);
    assert_status(do_get(), 0);
    assert_int_equal(seen.get.size, sizeof seen.get);
    assert_true(seen.get.refresh); /* rule 42 */
    assert_int_equal(seen.get.ns.count, 2);

    assert_status(cairn_store_put(&store, &put_req, ns, key, value, NULL, NULL), 0);
    assert_int_equal(seen.put.size, sizeof seen.put);
    assert_int_equal(seen.put.ttl_ms, CAIRN_TTL_PERSIST);
    assert_int_equal(seen.put.vector_count, 0);
    assert_true(cairn_slice_eq(seen.put.value, S("{}")));

    assert_status(cairn_store_search(&store, &search_req, NULL, NULL), 0);
    assert_int_equal(seen.search.size, sizeof seen.search);
    assert_int_equal(seen.search.prefix.count, 0);
    assert_int_equal(seen.search.most, CAIRN_PAGE_DEFAULT);
    assert_int_equal(seen.search.order, CAIRN_ORDER_UPDATED_DESC);
    assert_true(seen.search.refresh);
    assert_null(seen.search.near);

    assert_status(cairn_store_list_namespaces(&store, &list_req, NULL, NULL), 0);
    assert_int_equal(seen.list.size, sizeof seen.list);
    assert_int_equal(seen.list.condition_count, 0);
    assert_int_equal(seen.list.most, CAIRN_PAGE_DEFAULT);
    stub_close();
}

static void the_store_s_options_count_where_the_call_says_nothing(void **state)
{
    (void)state;
    cairn_store_options_t options = {.default_ttl = cairn_ttl_ms(7000),
                                     .refresh_on_read = CAIRN_REFRESH_NO};
    assert_status(cairn_store_init(&store, &stub.cairn, &options), 0);
    open_with(&every_op, 0);
    assert_status(do_get(), 0);
    assert_false(seen.get.refresh);
    up()->get_done(&get_req, NULL);
    refresh = CAIRN_REFRESH_YES;
    assert_status(do_get(), 0);
    assert_true(seen.get.refresh);
    assert_status(do_search(), 0);
    assert_false(seen.search.refresh);

    assert_status(do_put(), 0);
    assert_int_equal(seen.put.ttl_ms, 7000);
    up()->put_done(&put_req, false);
    put_options.ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST);
    assert_status(do_put(), 0);
    assert_int_equal(seen.put.ttl_ms, CAIRN_TTL_PERSIST);

    assert_status(do_unpin(), 0);
    assert_int_equal(seen.ttl_ms, 7000);
    up()->ttl_done(&ttl_req, 7000);
    assert_status(do_pin(), 0);
    assert_int_equal(seen.ttl_ms, CAIRN_TTL_PERSIST);
    up()->ttl_done(&ttl_req, CAIRN_TTL_PERSIST);
    assert_status(do_set_ttl(), 0);
    assert_int_equal(seen.ttl_ms, 5);
    stub_close();
}

/* Rule 37. */
static void a_put_without_value_and_a_delete_are_one(void **state)
{
    (void)state;
    use_indexes();
    open_with(&every_op, CAIRN_CAP_STORE_VECTORS);
    value = ABSENT;
    put_options.vectors = &vector;
    put_options.vector_count = 1;
    assert_status(do_put(), 0);
    assert_null(seen.put.value.ptr);
    assert_int_equal(seen.put.vector_count, 0);
    up()->put_done(&put_req, true);
    assert_true(told.existed);
    memset(&seen, 0, sizeof seen);
    assert_status(do_delete(), 0);
    assert_string_equal(seen.called, "put");
    assert_null(seen.put.value.ptr);
    stub_close();
}

static void an_empty_value_is_a_value(void **state)
{
    (void)state;
    open_with(&every_op, 0);
    value = S("");
    assert_status(do_put(), 0);
    assert_non_null(seen.put.value.ptr);
    stub_close();
}

static void what_the_call_says_reaches_the_backend(void **state)
{
    (void)state;
    open_with(&every_op, 0);
    query.order = CAIRN_ORDER_KEY;
    query.offset = 40;
    query.refresh = CAIRN_REFRESH_NO;
    assert_status(do_search(), 0);
    assert_int_equal(seen.search.order, CAIRN_ORDER_KEY);
    assert_int_equal(seen.search.offset, 40);
    assert_false(seen.search.refresh);
    assert_true(cairn_slice_eq(seen.search.filter, query.filter));

    list.max_depth = 2;
    list.offset = 9;
    assert_status(do_list(), 0);
    assert_int_equal(seen.list.max_depth, 2);
    assert_int_equal(seen.list.offset, 9);
    assert_ptr_equal(seen.list.conditions, &condition);

    assert_status(do_count(), 0);
    assert_ptr_equal(seen.ns.labels, labels);
    assert_true(cairn_slice_eq(seen.filter, query.filter));
    stub_close();
}

static void a_search_by_vector_takes_the_metric_of_its_index(void **state)
{
    (void)state;
    use_indexes();
    open_with(&every_op, CAIRN_CAP_STORE_VECTORS);
    query.near = &vector;
    query.paging.limit = cairn_limit(700);
    assert_status(do_search(), 0);
    assert_ptr_equal(seen.search.near, &vector);
    assert_int_equal(seen.search.metric, CAIRN_METRIC_COSINE);
    assert_int_equal(seen.search.most, 700);
    up()->search_done(&search_req, &(cairn_store_page_t){.cursor = S("more")});
    assert_int_equal(told.cursor_len, 0);

    indexes[0].metric = CAIRN_METRIC_L2;
    assert_status(do_search(), 0);
    assert_int_equal(seen.search.metric, CAIRN_METRIC_L2);
    up()->search_done(&search_req, &(cairn_store_page_t){0});
    query.metric = CAIRN_METRIC_INNER_PRODUCT;
    assert_status(do_search(), 0);
    assert_int_equal(seen.search.metric, CAIRN_METRIC_INNER_PRODUCT);
    stub_close();
}

/* ---- what comes back ---- */

static void results_reach_their_callbacks(void **state)
{
    (void)state;
    open_with(&every_op, 0);
    cairn_item_t item = {.key = S("k")};
    assert_status(do_get(), 0);
    up()->get_done(&get_req, &item);
    assert_true(told.has_result);
    assert_status(do_get(), 0);
    up()->get_done(&get_req, NULL);
    assert_status(told.status, 0);
    assert_false(told.has_result);

    assert_status(do_put(), 0);
    up()->put_done(&put_req, true);
    assert_true(told.existed);
    assert_status(do_count(), 0);
    up()->count_done(&count_req, 77);
    assert_int_equal(told.count, 77);
    assert_status(do_ttl(), 0);
    up()->ttl_done(&ttl_req, CAIRN_TTL_PERSIST);
    assert_int_equal(told.ttl_ms, CAIRN_TTL_PERSIST);
    assert_int_equal(told.calls, 5);
    stub_close();
}

static void a_failure_reaches_every_callback_without_a_result(void **state)
{
    (void)state;
    alloc_watch();
    open_with(&every_op, 0);
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        told.has_result = told.existed = true;
        told.count = 99;
        told.ttl_ms = 99;
        assert_status(operations[i].submit(), 0);
        stub_fail(operations[i].req, UV_EIO, S("because"));
        assert_int_equal(told.calls, i + 1);
        assert_status(told.status, UV_EIO);
        assert_string_equal(told.detail, "because");
        if (operations[i].req == &ttl_req.req) assert_int_equal(told.ttl_ms, CAIRN_TTL_ABSENT);
        if (operations[i].req == &count_req.req) assert_int_equal(told.count, 0);
        if (operations[i].req == &put_req.req) assert_false(told.existed);
        if (operations[i].req == &batch_req.req) assert_false(told.has_result);
    }
    stub_close();
    assert_int_equal(alloc_live(), 0);
    alloc_unwatch();
}

static void a_close_ends_every_request(void **state)
{
    (void)state;
    alloc_watch();
    open_with(&every_op, 0);
    unsigned started = 0;
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        if (cairn_is_active(operations[i].req)) continue;
        assert_status(operations[i].submit(), 0);
        started++;
    }
    stub_close();
    assert_int_equal(told.calls, started);
    assert_status(told.status, UV_ECANCELED);
    assert_int_equal(alloc_live(), 0);
    alloc_unwatch();
}

/* ---- pages ---- */

static void a_limit_counts_over_all_pages_of_a_search(void **state)
{
    (void)state;
    static const cairn_item_t items[10];
    open_with(&every_op, 0);
    query.paging = (cairn_paging_t){.limit = cairn_limit(15), .page_size = 10};
    assert_status(do_search(), 0);
    assert_int_equal(seen.search.most, 10);
    up()->search_done(&search_req, &(cairn_store_page_t){items, 10, S("next")});
    assert_int_equal(told.count, 10);
    query.paging.cursor = cairn_slice(told.cursor, told.cursor_len);
    assert_status(do_search(), 0);
    assert_int_equal(seen.search.most, 5);
    assert_int_equal(seen.cursor_len, 4);
    assert_memory_equal(seen.cursor, "next", 4);
    up()->search_done(&search_req, &(cairn_store_page_t){items, 5, S("next")});
    assert_int_equal(told.cursor_len, 0);
    stub_close();
}

/* It counts once: what it skips is before the cursor. */
static void an_offset_counts_for_the_first_page_only(void **state)
{
    (void)state;
    open_with(&every_op, 0);
    query.offset = 7;
    list.offset = 8;
    assert_status(do_search(), 0);
    assert_int_equal(seen.search.offset, 7);
    up()->search_done(&search_req, &(cairn_store_page_t){.cursor = S("next")});
    query.paging.cursor = list.paging.cursor = cairn_slice(told.cursor, told.cursor_len);
    assert_status(do_search(), 0);
    assert_int_equal(seen.search.offset, 0);
    assert_status(do_list(), 0);
    assert_int_equal(seen.list.offset, 0);
    stub_close();
}

static void namespaces_come_in_pages_too(void **state)
{
    (void)state;
    static const cairn_namespace_t namespaces[3];
    open_with(&every_op, 0);
    list.paging.page_size = 3;
    assert_status(do_list(), 0);
    up()->list_done(&list_req, &(cairn_namespace_page_t){namespaces, 3, S("z")});
    assert_int_equal(told.cursor_len, 9);
    list.paging.cursor = cairn_slice(told.cursor, told.cursor_len);
    assert_status(do_list(), 0);
    assert_int_equal(seen.list.most, 3);
    assert_memory_equal(seen.cursor, "z", 1);
    up()->list_done(&list_req, &(cairn_namespace_page_t){namespaces, 1, ABSENT});
    assert_int_equal(told.cursor_len, 0);
    stub_close();
}

static void a_cursor_that_fits_into_no_memory_fails_the_page(void **state)
{
    (void)state;
    alloc_watch();
    open_with(&every_op, 0);
    assert_status(do_search(), 0);
    alloc_fail(ALLOC_FAIL_ONCE, 1);
    up()->search_done(&search_req, &(cairn_store_page_t){.cursor = S("next")});
    assert_status(told.status, UV_ENOMEM);
    assert_false(told.has_result);
    assert_status(do_list(), 0);
    alloc_fail(ALLOC_FAIL_ONCE, 1);
    up()->list_done(&list_req, &(cairn_namespace_page_t){.cursor = S("next")});
    assert_status(told.status, UV_ENOMEM);
    assert_int_equal(told.calls, 2);
    stub_close();
    assert_int_equal(alloc_live(), 0);
    alloc_unwatch();
}

/* ---- batches ---- */

static void a_batch_reaches_the_backend_as_it_was_given(void **state)
{
    (void)state;
    open_with(&every_op, 0);
    assert_status(do_batch(), 0);
    assert_int_equal(seen.steps, 5);
    for (size_t i = 0; i < 5; i++) assert_int_equal(seen.step_types[i], i + 1);
    assert_true(seen.get.refresh);
    assert_true(cairn_slice_eq(seen.step_puts[1].value, S("{}")));
    assert_int_equal(seen.step_puts[1].ttl_ms, CAIRN_TTL_PERSIST);
    assert_null(seen.step_puts[2].value.ptr); /* delete: without the value that was there */
    assert_true(cairn_slice_eq(seen.step_searches[3].filter, query.filter));
    assert_ptr_equal(seen.list.conditions, &condition);
    stub_close();
}

static void the_pages_of_a_batch_go_on_with_a_search(void **state)
{
    (void)state;
    static const cairn_item_t items[4];
    static const cairn_namespace_t namespaces[2];
    const cairn_item_t item = {.key = S("k")};
    const cairn_store_page_t page = {items, 4, S("more items")};
    const cairn_namespace_page_t names = {namespaces, 2, S("more names")};
    const cairn_store_result_t answers[5] = {{.item = &item},
                                             {.existed = true},
                                             {.status = UV_EIO},
                                             {.page = &page},
                                             {.namespaces = &names}};

    alloc_watch();
    query.paging = (cairn_paging_t){.limit = cairn_limit(6), .page_size = 4};
    open_with(&every_op, 0);
    assert_status(do_batch(), 0);
    up()->batch_done(&batch_req, answers, 5);
    assert_status(told.status, 0);
    assert_int_equal(told.count, 5);
    for (size_t i = 0; i < 5; i++) assert_int_equal(results[i].type, i + 1);
    assert_ptr_equal(results[0].item, &item);
    assert_true(results[1].existed);
    assert_status(results[2].status, UV_EIO);
    assert_int_equal(results[3].detail.len, 8 + strlen("more items"));
    assert_int_equal(results[4].detail.len, 8 + strlen("more names"));

    query.paging.cursor = results[3].detail; /* where the fixture keeps the cursor */
    assert_status(do_search(), 0);
    assert_int_equal(seen.search.most, 2);
    assert_memory_equal(seen.cursor, "more items", 10);
    stub_close();
    assert_int_equal(alloc_live(), 0);
    alloc_unwatch();
}

static void a_batch_of_nothing_is_a_batch(void **state)
{
    (void)state;
    open_with(&every_op, 0);
    op_count = 0;
    assert_status(do_batch(), 0);
    assert_int_equal(seen.steps, 0);
    up()->batch_done(&batch_req, NULL, 0);
    assert_status(told.status, 0);
    assert_int_equal(told.calls, 1);
    stub_close();
}

static void a_batch_without_memory_is_refused_or_fails(void **state)
{
    (void)state;
    alloc_watch();
    open_with(&every_op, 0);
    alloc_fail(ALLOC_FAIL_ONCE, 1);
    assert_submit_refused(do_batch, UV_ENOMEM, "memory");
    assert_true(alloc_fault_fired());
    alloc_fail(ALLOC_FAIL_ONCE, 0);
    assert_null(seen.called);

    assert_status(do_batch(), 0);
    alloc_fail(ALLOC_FAIL_ONCE, 1);
    const cairn_store_result_t answers[5] = {{0}};
    up()->batch_done(&batch_req, answers, 5);
    assert_status(told.status, UV_ENOMEM);
    assert_false(told.has_result);

    stub.answer = UV_ENOTCONN;
    assert_submit_refused(do_batch, UV_ENOTCONN, "");
    stub_close();
    assert_int_equal(alloc_live(), 0);
    alloc_unwatch();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(defaults_are_filled, fresh),
        cmocka_unit_test_setup(the_store_s_options_count_where_the_call_says_nothing, fresh),
        cmocka_unit_test_setup(a_put_without_value_and_a_delete_are_one, fresh),
        cmocka_unit_test_setup(an_empty_value_is_a_value, fresh),
        cmocka_unit_test_setup(what_the_call_says_reaches_the_backend, fresh),
        cmocka_unit_test_setup(a_search_by_vector_takes_the_metric_of_its_index, fresh),
        cmocka_unit_test_setup(results_reach_their_callbacks, fresh),
        cmocka_unit_test_setup(a_failure_reaches_every_callback_without_a_result, fresh),
        cmocka_unit_test_setup(a_close_ends_every_request, fresh),
        cmocka_unit_test_setup(a_limit_counts_over_all_pages_of_a_search, fresh),
        cmocka_unit_test_setup(an_offset_counts_for_the_first_page_only, fresh),
        cmocka_unit_test_setup(namespaces_come_in_pages_too, fresh),
        cmocka_unit_test_setup(a_cursor_that_fits_into_no_memory_fails_the_page, fresh),
        cmocka_unit_test_setup(a_batch_reaches_the_backend_as_it_was_given, fresh),
        cmocka_unit_test_setup(the_pages_of_a_batch_go_on_with_a_search, fresh),
        cmocka_unit_test_setup(a_batch_of_nothing_is_a_batch, fresh),
        cmocka_unit_test_setup(a_batch_without_memory_is_refused_or_fails, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
