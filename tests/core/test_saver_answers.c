#include "alloc_fault.h"
#include "saver_fixture.h"

/* ---- what reaches the backend ---- */

static void defaults_are_filled(void **state)
{
    (void)state;
    open_with(&every_op);
    assert_status(cairn_saver_put(&saver, &put_req, &at, &checkpoint, ABSENT, NULL, on_put), 0);
    assert_int_equal(seen.put.size, sizeof seen.put);
    assert_memory_equal(seen.put.metadata.ptr, "{}", 2);
    assert_null(seen.put.run_id.ptr);
    assert_ptr_equal(seen.put.checkpoint, &checkpoint);
    assert_true(cairn_slice_eq(seen.put.parent.checkpoint_id, S("id-1")));
    assert_int_equal(seen.put.terms.ttl_ms, CAIRN_TTL_PERSIST);
    assert_false(seen.put.terms.ttl_given);
    assert_false(seen.put.terms.shallow);
    assert_int_equal(seen.put.terms.scope, CAIRN_SCOPE_CHECKPOINT);

    assert_status(cairn_saver_list(&saver, &list_req, NULL, on_page), 0);
    assert_int_equal(seen.list.size, sizeof seen.list);
    assert_int_equal(seen.list.most, CAIRN_PAGE_DEFAULT);
    assert_null(seen.list.thread_id.ptr);
    assert_null(seen.list.before_id.ptr);

    assert_status(do_prune(), 0);
    assert_int_equal(seen.prune.keep, 1);
    assert_int_equal(seen.prune.thread_count, 2);
    stub_close();
}

static void the_saver_s_options_count_where_the_call_says_nothing(void **state)
{
    (void)state;
    cairn_saver_options_t options = {.default_ttl = cairn_ttl_ms(60000),
                                     .ttl_scope = CAIRN_SCOPE_THREAD,
                                     .refresh_on_read = true,
                                     .shallow = true};
    assert_status(cairn_saver_init(&saver, &stub.cairn, &options), 0);
    open_with(&every_op);

    assert_status(do_put(), 0);
    assert_int_equal(seen.put.terms.ttl_ms, 60000);
    assert_false(seen.put.terms.ttl_given);
    assert_true(seen.put.terms.shallow);
    assert_int_equal(seen.put.terms.scope, CAIRN_SCOPE_THREAD);
    up()->put_done(&put_req);

    put_options.ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST);
    assert_status(do_put_writes(), 0);
    assert_int_equal(seen.writes.terms.ttl_ms, CAIRN_TTL_PERSIST);
    assert_true(seen.writes.terms.ttl_given);
    assert_ptr_equal(seen.writes.writes, &task);

    assert_status(do_get(), 0);
    assert_true(seen.get.terms.refresh);
    up()->get_done(&get_req, NULL);
    cairn_saver_get_options_t get_options = {.refresh = CAIRN_REFRESH_NO, .headers_only = true};
    assert_status(cairn_saver_get(&saver, &get_req, &at, &get_options, on_got), 0);
    assert_false(seen.get.terms.refresh);
    assert_true(seen.get.headers_only);

    assert_status(do_unpin(), 0);
    assert_int_equal(seen.ttl.ttl_ms, 60000);
    up()->ttl_done(&ttl_req, 60000);
    assert_status(do_pin(), 0);
    assert_int_equal(seen.ttl.ttl_ms, CAIRN_TTL_PERSIST);
    stub_close();
}

static void what_the_call_says_reaches_the_backend(void **state)
{
    (void)state;
    open_with(&every_op);
    assert_status(do_set_ttl(), 0);
    assert_int_equal(seen.ttl.scope, CAIRN_SCOPE_THREAD);
    assert_int_equal(seen.ttl.ttl_ms, 5);
    up()->ttl_done(&ttl_req, 5);
    assert_status(do_unpin(), 0);
    assert_int_equal(seen.ttl.ttl_ms, CAIRN_TTL_PERSIST);

    prune.strategy = CAIRN_PRUNE_DELETE;
    prune.keep = 7;
    assert_status(do_prune(), 0);
    assert_int_equal(seen.prune.keep, 0);
    up()->delete_done(&delete_req, 0);
    prune.strategy = CAIRN_PRUNE_KEEP_LATEST;
    assert_status(do_prune(), 0);
    assert_int_equal(seen.prune.keep, 7);
    up()->delete_done(&delete_req, 0);
    assert_status(cairn_saver_delete_for_runs(&saver, &delete_req, NULL, 0, NULL), 0);
    assert_int_equal(seen.runs, 0);

    assert_status(do_copy(), 0);
    assert_true(cairn_slice_eq(seen.thread, S("thread")));
    assert_true(cairn_slice_eq(seen.target, S("target")));
    assert_status(do_history(), 0);
    assert_int_equal(seen.history.count, 2);

    cairn_checkpoint_ref_t before = {.checkpoint_id = S("id-9")};
    query = (cairn_saver_query_t){.before = &before, .filter = S("{}"), .headers_only = true};
    assert_status(do_list(), 0);
    assert_true(cairn_slice_eq(seen.list.before_id, S("id-9")));
    assert_true(cairn_slice_eq(seen.list.filter, S("{}")));
    assert_true(seen.list.headers_only);
    stub_close();
}

static void a_shallow_handle_makes_savers_shallow(void **state)
{
    (void)state;
    stub.backend.saver = &every_op;
    stub_open("stub", CAIRN_CAP_SAVER, 1);
    assert_status(do_put(), 0);
    assert_true(seen.put.terms.shallow);
    stub_close();
}

/* ---- what comes back ---- */

static void results_reach_their_callbacks(void **state)
{
    (void)state;
    open_with(&every_op);
    assert_status(do_put(), 0);
    assert_ptr_equal(stub.req, &put_req.req);
    up()->put_done(&put_req);
    assert_int_equal(told.calls, 1);
    assert_status(told.status, 0);
    assert_false(cairn_is_active(&put_req.req));

    cairn_checkpoint_tuple_t tuple = {.ref = at};
    assert_status(do_get(), 0);
    up()->get_done(&get_req, &tuple);
    assert_true(told.has_result);
    assert_status(do_get(), 0);
    up()->get_done(&get_req, NULL);
    assert_status(told.status, 0);
    assert_false(told.has_result);

    assert_status(do_delete_thread(), 0);
    up()->delete_done(&delete_req, 12);
    assert_int_equal(told.count, 12);
    assert_status(do_copy(), 0);
    up()->copy_done(&copy_req, 13);
    assert_int_equal(told.count, 13);

    cairn_channel_history_t channels[2] = {{.channel = S("one")}, {.channel = S("")}};
    assert_status(do_history(), 0);
    up()->history_done(&history_req, channels, 2);
    assert_true(told.has_result);
    assert_int_equal(told.count, 2);

    assert_status(do_ttl(), 0);
    up()->ttl_done(&ttl_req, 1234);
    assert_int_equal(told.ttl_ms, 1234);
    assert_int_equal(told.calls, 7);
    stub_close();
}

static void a_failure_reaches_every_callback_without_a_result(void **state)
{
    (void)state;
    open_with(&every_op);
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        told.has_result = true;
        told.count = 99;
        told.ttl_ms = 99;
        assert_status(operations[i].submit(), 0);
        stub_fail(operations[i].req, UV_EEXIST, S("because"));
        assert_int_equal(told.calls, i + 1);
        assert_status(told.status, UV_EEXIST);
        assert_string_equal(told.detail, "because");
        assert_false(cairn_is_active(operations[i].req));
        if (operations[i].req == &ttl_req.req) assert_int_equal(told.ttl_ms, CAIRN_TTL_ABSENT);
        if (operations[i].req == &delete_req.req) assert_int_equal(told.count, 0);
        if (operations[i].req == &get_req.req) assert_false(told.has_result);
    }
    stub_close();
}

static void a_close_ends_every_request(void **state)
{
    (void)state;
    open_with(&every_op);
    assert_status(do_put(), 0);
    assert_status(do_get(), 0);
    assert_status(do_list(), 0);
    assert_status(do_delete_thread(), 0);
    assert_status(do_copy(), 0);
    assert_status(do_history(), 0);
    assert_status(do_ttl(), 0);
    cairn_close(&stub.cairn, stub_on_closed);
    assert_int_equal(told.calls, 0);
    assert_int_equal(stub.forgotten, 7);
    stub_close();
    assert_int_equal(told.calls, 7);
    assert_status(told.status, UV_ECANCELED);
}

static void a_callback_may_be_missing(void **state)
{
    (void)state;
    open_with(&every_op);
    assert_status(cairn_saver_get(&saver, &get_req, &at, NULL, NULL), 0);
    up()->get_done(&get_req, NULL);
    assert_status(cairn_saver_get(&saver, &get_req, &at, NULL, NULL), 0);
    stub_fail(&get_req.req, UV_EIO, ABSENT);
    assert_false(cairn_is_active(&get_req.req));
    stub_close();
}

/* ---- pages ---- */

static void answer_page(size_t count, const char *cursor)
{
    static const cairn_checkpoint_tuple_t tuples[CAIRN_PAGE_DEFAULT];
    cairn_saver_page_t page = {tuples, count, S(cursor)};
    up()->list_done(&list_req, &page);
}

/* The next page, asked for as an application does: with the cursor of the last one. */
static void ask_again(void)
{
    static char cursor[sizeof told.cursor];
    memcpy(cursor, told.cursor, told.cursor_len);
    query.paging.cursor = cairn_slice(cursor, told.cursor_len);
    assert_status(do_list(), 0);
}

static void assert_seen_cursor(const char *cursor)
{
    assert_int_equal(seen.cursor_len, strlen(cursor));
    assert_memory_equal(seen.cursor, cursor, strlen(cursor));
}

static void a_limit_counts_over_all_pages(void **state)
{
    (void)state;
    open_with(&every_op);
    query.paging = (cairn_paging_t){.limit = cairn_limit(25), .page_size = 10};
    assert_status(do_list(), 0);
    assert_int_equal(seen.list.most, 10);
    assert_seen_cursor("");
    answer_page(10, "first");
    ask_again();
    assert_int_equal(seen.list.most, 10);
    assert_seen_cursor("first");
    answer_page(7, "a short page");
    ask_again();
    assert_int_equal(seen.list.most, 8);
    assert_seen_cursor("a short page");
    answer_page(8, "there is more");
    assert_int_equal(told.count, 8);
    assert_int_equal(told.cursor_len, 0);
    stub_close();
}

static void without_limit_the_backend_says_when_it_ends(void **state)
{
    (void)state;
    open_with(&every_op);
    assert_status(do_list(), 0);
    for (int page = 0; page < 5; page++) {
        assert_int_equal(seen.list.most, CAIRN_PAGE_DEFAULT);
        answer_page(CAIRN_PAGE_DEFAULT, "more");
        ask_again();
        assert_seen_cursor("more");
    }
    answer_page(3, "");
    assert_int_equal(told.cursor_len, 0);
    stub_close();
}

/* Rule 19. */
static void a_limit_of_zero_gives_nothing(void **state)
{
    (void)state;
    open_with(&every_op);
    query.paging.limit = cairn_limit(0);
    assert_status(do_list(), 0);
    assert_int_equal(seen.list.most, 0);
    answer_page(0, "");
    assert_int_equal(told.cursor_len, 0);
    stub_close();
}

static void a_cursor_that_fits_into_no_memory_fails_the_page(void **state)
{
    (void)state;
    alloc_watch();
    open_with(&every_op);
    assert_status(do_list(), 0);
    alloc_fail(ALLOC_FAIL_ONCE, 1);
    answer_page(1, "more");
    assert_true(alloc_fault_fired());
    alloc_fail(ALLOC_FAIL_ONCE, 0);
    assert_status(told.status, UV_ENOMEM);
    assert_false(told.has_result);
    stub_close();
    assert_int_equal(alloc_live(), 0);
    alloc_unwatch();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(defaults_are_filled, fresh),
        cmocka_unit_test_setup(the_saver_s_options_count_where_the_call_says_nothing, fresh),
        cmocka_unit_test_setup(what_the_call_says_reaches_the_backend, fresh),
        cmocka_unit_test_setup(a_shallow_handle_makes_savers_shallow, fresh),
        cmocka_unit_test_setup(results_reach_their_callbacks, fresh),
        cmocka_unit_test_setup(a_failure_reaches_every_callback_without_a_result, fresh),
        cmocka_unit_test_setup(a_close_ends_every_request, fresh),
        cmocka_unit_test_setup(a_callback_may_be_missing, fresh),
        cmocka_unit_test_setup(a_limit_counts_over_all_pages, fresh),
        cmocka_unit_test_setup(without_limit_the_backend_says_when_it_ends, fresh),
        cmocka_unit_test_setup(a_limit_of_zero_gives_nothing, fresh),
        cmocka_unit_test_setup(a_cursor_that_fits_into_no_memory_fails_the_page, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
