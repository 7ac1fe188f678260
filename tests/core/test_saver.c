#include "alloc_fault.h"
#include "saver_fixture.h"

/* ---- refusals ---- */

static void a_backend_without_the_capability_refuses(void **state)
{
    (void)state;
    stub.backend.saver = &every_op;
    stub_open("stub", 0, 0);
    for (size_t i = 0; i < COUNT_OF(operations); i++)
        assert_refused(operations[i].submit(), UV_ENOTSUP, operations[i].req, "backend stub");
    assert_status(cairn_saver_start_ttl_sweeper(&saver, 1000), UV_ENOTSUP);
    cairn_saver_stop_ttl_sweeper(&saver);
    stub_close();
    assert_int_equal(told.calls, 0);
}

static void a_closed_handle_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(operations); i++)
        assert_refused(operations[i].submit(), CAIRN_ECLOSED, operations[i].req, "");
    assert_status(cairn_saver_start_ttl_sweeper(&saver, 1000), CAIRN_ECLOSED);
    cairn_saver_stop_ttl_sweeper(&saver);

    open_with(&every_op);
    cairn_close(&stub.cairn, stub_on_closed);
    for (size_t i = 0; i < COUNT_OF(operations); i++)
        assert_refused(operations[i].submit(), CAIRN_ECLOSED, operations[i].req, "");
    assert_status(cairn_saver_start_ttl_sweeper(&saver, 1000), CAIRN_ECLOSED);
    cairn_saver_stop_ttl_sweeper(&saver);
    stub_close();
    assert_null(seen.called);
}

static void a_table_without_the_slot_refuses(void **state)
{
    (void)state;
    const cairn_saver_ops_t none = {.size = sizeof none};
    cairn_saver_ops_t old = every_op;
    old.size = offsetof(cairn_saver_ops_t, put);
    const cairn_saver_ops_t *const tables[] = {NULL, &none, &old};
    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        open_with(tables[t]);
        for (size_t i = 0; i < COUNT_OF(operations); i++)
            assert_refused(operations[i].submit(), UV_ENOTSUP, operations[i].req, "backend stub");
        int sweeper = tables[t] ? 0 : UV_ENOTSUP;
        assert_status(cairn_saver_start_ttl_sweeper(&saver, 1000), sweeper);
        cairn_saver_stop_ttl_sweeper(&saver);
        stub_close();
    }
    assert_null(seen.called);
}

static void what_the_backend_refuses_is_refused(void **state)
{
    (void)state;
    open_with(&every_op);
    stub.answer = CAIRN_EFULL;
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        assert_refused(operations[i].submit(), CAIRN_EFULL, operations[i].req, "");
        assert_string_equal(seen.called, operations[i].slot);
    }
    assert_status(cairn_saver_start_ttl_sweeper(&saver, 1000), CAIRN_EFULL);
    assert_int_equal(seen.interval_ms, 1000);
    stub_close();
    assert_int_equal(told.calls, 0);
}

static void a_request_in_flight_is_busy(void **state)
{
    (void)state;
    open_with(&every_op);
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        if (!cairn_is_active(operations[i].req)) assert_status(operations[i].submit(), 0);
        assert_status(operations[i].submit(), UV_EBUSY);
    }
    stub_close();
}

static void a_sweeper_needs_an_interval(void **state)
{
    (void)state;
    open_with(&every_op);
    assert_status(cairn_saver_start_ttl_sweeper(&saver, 0), UV_EINVAL);
    assert_int_equal(seen.interval_ms, 0);
    cairn_saver_stop_ttl_sweeper(&saver);
    assert_string_equal(seen.called, "stop_ttl_sweeper");
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

static void wrong_ids_are_named(void **state)
{
    (void)state;
    open_with(&every_op);
    WRONG(at.thread_id = ABSENT, do_put, UV_EINVAL, "thread_id is absent");
    WRONG(at.thread_id = ABSENT, do_get, UV_EINVAL, "thread_id is absent");
    WRONG(at.thread_id = ABSENT, do_delete_thread, UV_EINVAL, "thread_id is absent");
    WRONG(at.thread_id = ABSENT, do_history, UV_EINVAL, "thread_id is absent");
    WRONG(at.thread_id = ABSENT, do_ttl, UV_EINVAL, "thread_id is absent");
    WRONG(at.thread_id = ABSENT, do_pin, UV_EINVAL, "thread_id is absent");
    WRONG(at.thread_id = ABSENT, do_copy, UV_EINVAL, "source_thread_id is absent");
    WRONG(at.thread_id = S("target"), do_copy, UV_EINVAL, "target_thread_id is the source");
    WRONG(at.thread_id = too_long(), do_get, CAIRN_ETOOBIG,
          "thread_id is 65537 bytes long; at most 65536");
    WRONG(at.thread_id = broken, do_get, UV_EINVAL, "thread_id has a length but no ptr");
    WRONG(at.checkpoint_ns = too_long(), do_get, CAIRN_ETOOBIG, "checkpoint_ns is 65537");
    WRONG(at.checkpoint_id = broken, do_get, UV_EINVAL, "checkpoint_id has a length");
    WRONG(at.checkpoint_id = ABSENT, do_put_writes, UV_EINVAL, "checkpoint_id is absent");
    WRONG(ids[1] = ABSENT, do_delete_for_runs, UV_EINVAL, "run_ids[1] is absent");
    WRONG(ids[0] = too_long(), do_history, CAIRN_ETOOBIG, "channels[0] is 65537");
    WRONG(ids[0] = broken, do_prune, UV_EINVAL, "thread_ids[0] has a length");
    WRONG(prune.thread_ids = NULL, do_prune, UV_EINVAL, "thread_ids has a count");
    WRONG(prune.strategy = (cairn_prune_t)9, do_prune, UV_EINVAL, "strategy is 9");
    WRONG(query.thread_id = broken, do_list, UV_EINVAL, "thread_id has a length");
    WRONG(query.checkpoint_ns = too_long(), do_list, CAIRN_ETOOBIG, "checkpoint_ns");
    WRONG(query.checkpoint_id = broken, do_list, UV_EINVAL, "checkpoint_id");
    stub_close();
    assert_null(seen.called);
    assert_int_equal(told.calls, 0);
}

static void wrong_checkpoints_are_named(void **state)
{
    (void)state;
    open_with(&every_op);
    WRONG(checkpoint.id = ABSENT, do_put, UV_EINVAL, "checkpoint.id is absent");
    WRONG(checkpoint.ts = broken, do_put, UV_EINVAL, "checkpoint.ts has a length");
    WRONG(checkpoint.channel_versions = NULL, do_put, UV_EINVAL,
          "channel_versions has a count but is NULL");
    WRONG(versions[1].channel = ABSENT, do_put, UV_EINVAL, "channel_versions[1].channel is absent");
    WRONG(versions[0].version = too_long(), do_put, CAIRN_ETOOBIG,
          "channel_versions[0].version is 65537");
    WRONG(checkpoint.channel_values = NULL, do_put, UV_EINVAL, "channel_values has a count");
    WRONG(values[1].version = ABSENT, do_put, UV_EINVAL, "channel_values[1].version is absent");
    WRONG(values[0].kind = (cairn_channel_kind_t)3, do_put, UV_EINVAL,
          "channel_values[0].kind is 3");
    WRONG(values[0].value.bytes = broken, do_put, UV_EINVAL,
          "channel_values[0].value has a length");
    WRONG(values[0].value.type = too_long(), do_put, CAIRN_ETOOBIG,
          "channel_values[0].value is 65537");
    WRONG(checkpoint.versions_seen = NULL, do_put, UV_EINVAL, "versions_seen has a count");
    WRONG(seen_versions[0].node = ABSENT, do_put, UV_EINVAL, "versions_seen[0].node is absent");
    WRONG(seen_versions[1].channel = broken, do_put, UV_EINVAL, "versions_seen[1].channel");
    WRONG(updated[1] = ABSENT, do_put, UV_EINVAL, "updated_channels[1] is absent");
    WRONG(checkpoint.extra.bytes = broken, do_put, UV_EINVAL, "extra has a length");
    WRONG(put_options.run_id = too_long(), do_put, CAIRN_ETOOBIG, "run_id is 65537");
    WRONG(task.task_id = ABSENT, do_put_writes, UV_EINVAL, "task_id is absent");
    WRONG(task.task_path = broken, do_put_writes, UV_EINVAL, "task_path has a length");
    WRONG(task.writes = NULL, do_put_writes, UV_EINVAL, "writes has a count");
    WRONG(task.count = SIZE_MAX, do_put_writes, CAIRN_ETOOBIG, "writes has 18446744073");
    WRONG(writes[1].channel = ABSENT, do_put_writes, UV_EINVAL, "writes[1].channel is absent");
    WRONG(writes[0].value.bytes = broken, do_put_writes, UV_EINVAL, "writes[0].value has");
    stub_close();
    assert_null(seen.called);
}

static void what_is_no_json_object_is_named(void **state)
{
    (void)state;
    const char *const wrong[] = {"[]", "{", "}", " ", "\"{}\"", "null", "{} x", "x {}"};
    open_with(&every_op);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        WRONG(metadata = S(wrong[i]), do_put, UV_EINVAL, "metadata is no JSON object");
        WRONG(query.filter = S(wrong[i]), do_list, UV_EINVAL, "filter is no JSON object");
    }
    stub_close();
}

static void a_run_id_too_long_in_the_metadata_is_named(void **state)
{
    (void)state;
    static char text[CAIRN_ID_MAX + 64];
    size_t len = (size_t)snprintf(text, sizeof text, "{\"run_id\":\"%0*d\"}", CAIRN_ID_MAX + 1, 0);
    open_with(&every_op);
    WRONG((put_options.run_id = ABSENT, metadata = cairn_slice(text, len)), do_put, CAIRN_ETOOBIG,
          "metadata has a run_id longer");
    metadata = cairn_slice(text, len);
    assert_status(do_put(), 0);
    stub_close();
}

static void a_run_id_that_was_escaped_is_let_go_after_the_call(void **state)
{
    (void)state;
    const cairn_saver_ops_t none = {.size = sizeof none};
    const cairn_slice_t escaped = S("{\"run_id\":\"\\u0072\"}");
    alloc_watch();
    open_with(&every_op);
    size_t before = alloc_live();
    WRONG((put_options.run_id = ABSENT, metadata = escaped, put_options.ttl = cairn_ttl_ms(0)),
          do_put, UV_EINVAL, "ttl is 0 ms");
    put_options.run_id = ABSENT;
    metadata = escaped;
    assert_status(do_put(), 0);
    assert_status(do_put(), UV_EBUSY);
    assert_int_equal(alloc_live(), before);
    stub_close();
    open_with(&none);
    before = alloc_live();
    assert_status(do_put(), UV_ENOTSUP);
    assert_int_equal(alloc_live(), before);
    stub_close();
    alloc_unwatch();
}

static void wrong_ttls_are_named_and_delete_nothing(void **state)
{
    (void)state;
    const cairn_ttl_t zero = cairn_ttl_ms(0), negative = cairn_ttl_ms(-2),
                      huge = cairn_ttl_ms(CAIRN_TTL_MAX_MS + 1);
    open_with(&every_op);
    WRONG(put_options.ttl = zero, do_put, UV_EINVAL, "ttl is 0 ms");
    WRONG(put_options.ttl = negative, do_put, UV_EINVAL, "ttl is -2 ms");
    WRONG(put_options.ttl = huge, do_put, CAIRN_ETOOBIG, "at most 4503599627370496");
    WRONG(put_options.ttl = zero, do_put_writes, UV_EINVAL, "ttl is 0 ms");
    arguments_are_right();
    cairn_saver_ttl_t *req = &ttl_req;
    assert_refused(
        cairn_saver_set_ttl(&saver, req, CAIRN_SCOPE_THREAD, &at, (cairn_ttl_t){0}, NULL),
        UV_EINVAL, &req->req, "ttl is not given");
    assert_refused(cairn_saver_set_ttl(&saver, req, CAIRN_SCOPE_THREAD, &at, zero, NULL), UV_EINVAL,
                   &req->req, "ttl is 0 ms");
    assert_refused(cairn_saver_ttl(&saver, req, (cairn_saver_scope_t)2, &at, NULL), UV_EINVAL,
                   &req->req, "scope is 2");
    assert_refused(cairn_saver_pin(&saver, req, (cairn_saver_scope_t)2, &at, NULL), UV_EINVAL,
                   &req->req, "scope is 2");
    stub_close();
    assert_null(seen.called);
}

static void missing_structs_are_named(void **state)
{
    (void)state;
    open_with(&every_op);
    assert_refused(cairn_saver_put(&saver, &put_req, NULL, &checkpoint, metadata, NULL, NULL),
                   UV_EINVAL, &put_req.req, "parent is NULL");
    assert_refused(cairn_saver_put(&saver, &put_req, &at, NULL, metadata, NULL, NULL), UV_EINVAL,
                   &put_req.req, "checkpoint is NULL");
    assert_refused(cairn_saver_put_writes(&saver, &put_req, &at, NULL, (cairn_ttl_t){0}, NULL),
                   UV_EINVAL, &put_req.req, "writes is NULL");
    assert_refused(cairn_saver_get(&saver, &get_req, NULL, NULL, NULL), UV_EINVAL, &get_req.req,
                   "at is NULL");
    assert_refused(cairn_saver_prune(&saver, &delete_req, NULL, NULL), UV_EINVAL, &delete_req.req,
                   "options is NULL");
    cairn_checkpoint_ref_t nowhere = {.thread_id = S("other")};
    query.before = &nowhere;
    assert_refused(do_list(), UV_EINVAL, &list_req.req, "before.checkpoint_id is absent");
    cairn_saver_get_options_t options = {.refresh = (cairn_refresh_t)7};
    assert_refused(cairn_saver_get(&saver, &get_req, &at, &options, NULL), UV_EINVAL, &get_req.req,
                   "refresh is 7");
    stub_close();
}

/* Rule 3: ids of any bytes, empty ones too. */
static void any_bytes_are_an_id(void **state)
{
    (void)state;
    open_with(&every_op);
    at = (cairn_checkpoint_ref_t){cairn_slice("a\0:{}|*", 7), S(""), S("")};
    assert_status(do_get(), 0);
    assert_int_equal(seen.get.at.thread_id.len, 7);
    assert_non_null(seen.get.at.checkpoint_id.ptr);
    assert_int_equal(seen.get.at.checkpoint_id.len, 0);
    stub_close();
}

static void wrong_pages_are_named(void **state)
{
    (void)state;
    open_with(&every_op);
    WRONG(query.paging.page_size = CAIRN_PAGE_MAX + 1, do_list, CAIRN_ETOOBIG,
          "paging.page_size is 10001; at most 10000");
    WRONG(query.paging.cursor = S("x"), do_list, UV_EINVAL, "paging.cursor is none of ours");
    WRONG(query.paging.cursor = S("12345678"), do_list, UV_EINVAL, "paging.cursor");
    WRONG(query.paging.cursor = broken, do_list, UV_EINVAL, "paging.cursor has a length");
    stub_close();
    assert_null(seen.called);
}

/* ---- the view, and the index of a write ---- */

static void wrong_options_leave_the_view_alone(void **state)
{
    (void)state;
    cairn_saver_t untouched, view;
    memset(&untouched, 0x5a, sizeof untouched);
    const cairn_saver_options_t wrong[] = {
        {.default_ttl = cairn_ttl_ms(0)},
        {.default_ttl = cairn_ttl_ms(-7)},
        {.ttl_scope = (cairn_saver_scope_t)2},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        memcpy(&view, &untouched, sizeof view);
        assert_status(cairn_saver_init(&view, &stub.cairn, &wrong[i]), UV_EINVAL);
        assert_memory_equal(&view, &untouched, sizeof view);
    }
    const cairn_saver_options_t huge = {.default_ttl = cairn_ttl_ms(INT64_MAX)};
    assert_status(cairn_saver_init(&view, &stub.cairn, &huge), CAIRN_ETOOBIG);
    const cairn_saver_options_t most = {.default_ttl = cairn_ttl_ms(CAIRN_TTL_MAX_MS)};
    assert_status(cairn_saver_init(&view, &stub.cairn, &most), 0);
    assert_ptr_equal(view.cairn, &stub.cairn);
}

/* Rule 11. */
static void special_channels_have_an_index_of_their_own(void **state)
{
    (void)state;
    assert_int_equal(cairn_write_idx(S("__error__"), 5), -1);
    assert_int_equal(cairn_write_idx(S("__scheduled__"), 5), -2);
    assert_int_equal(cairn_write_idx(S("__interrupt__"), 5), -3);
    assert_int_equal(cairn_write_idx(S("__resume__"), 5), -4);
    assert_int_equal(cairn_write_idx(S("__error_"), 5), 5);
    assert_int_equal(cairn_write_idx(S(""), 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_backend_without_the_capability_refuses, fresh),
        cmocka_unit_test_setup(a_closed_handle_refuses, fresh),
        cmocka_unit_test_setup(a_table_without_the_slot_refuses, fresh),
        cmocka_unit_test_setup(what_the_backend_refuses_is_refused, fresh),
        cmocka_unit_test_setup(a_request_in_flight_is_busy, fresh),
        cmocka_unit_test_setup(a_sweeper_needs_an_interval, fresh),
        cmocka_unit_test_setup(wrong_ids_are_named, fresh),
        cmocka_unit_test_setup(wrong_checkpoints_are_named, fresh),
        cmocka_unit_test_setup(what_is_no_json_object_is_named, fresh),
        cmocka_unit_test_setup(a_run_id_too_long_in_the_metadata_is_named, fresh),
        cmocka_unit_test_setup(a_run_id_that_was_escaped_is_let_go_after_the_call, fresh),
        cmocka_unit_test_setup(wrong_ttls_are_named_and_delete_nothing, fresh),
        cmocka_unit_test_setup(missing_structs_are_named, fresh),
        cmocka_unit_test_setup(any_bytes_are_an_id, fresh),
        cmocka_unit_test_setup(wrong_pages_are_named, fresh),
        cmocka_unit_test_setup(wrong_options_leave_the_view_alone, fresh),
        cmocka_unit_test_setup(special_channels_have_an_index_of_their_own, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
