#include "stream_fixture.h"

/* ---- refusals; of the operations on groups too ---- */

static void a_backend_without_streams_refuses(void **state)
{
    (void)state;
    stub_open("stub", 0, 0);
    for (size_t i = 0; i < COUNT_OF(operations); i++)
        assert_refused(operations[i].submit(), UV_ENOTSUP, operations[i].req, "backend stub");
    stub_close();
    assert_int_equal(told.calls, 0);
}

static void a_closed_handle_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(operations); i++)
        assert_refused(operations[i].submit(), CAIRN_ECLOSED, operations[i].req, "");
    open_with(&every_op);
    cairn_close(&stub.cairn, stub_on_closed);
    for (size_t i = 0; i < COUNT_OF(operations); i++)
        assert_refused(operations[i].submit(), CAIRN_ECLOSED, operations[i].req, "");
    stub_close();
    assert_null(seen.called);
}

static void a_table_without_the_slot_refuses(void **state)
{
    (void)state;
    const cairn_stream_ops_t none = {.size = sizeof none};
    cairn_stream_ops_t old = every_op;
    old.size = offsetof(cairn_stream_ops_t, append);
    const cairn_stream_ops_t *const tables[] = {NULL, &none, &old};
    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        open_with(tables[t]);
        for (size_t i = 0; i < COUNT_OF(operations); i++)
            assert_refused(operations[i].submit(), UV_ENOTSUP, operations[i].req, "backend stub");
        stub_close();
    }
    assert_null(seen.called);
}

static void groups_have_a_capability_of_their_own(void **state)
{
    (void)state;
    stub.backend.stream = &every_op;
    stub_open("stub", CAIRN_CAP_STREAMS, 0);
    for (size_t i = FIRST_OF_GROUPS; i < COUNT_OF(operations); i++)
        assert_refused(operations[i].submit(), UV_ENOTSUP, operations[i].req, "backend stub");
    assert_null(seen.called);
    assert_status(do_append(), 0);
    stub_close();
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

static void every_operation_names_a_missing_stream(void **state)
{
    (void)state;
    open_with(&every_op);
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        const char *name = operations[i].submit == do_copy ? "source is " : "stream is ";
        WRONG(stream = ABSENT, operations[i].submit, UV_EINVAL, name);
        WRONG(stream = too_long(), operations[i].submit, CAIRN_ETOOBIG, name);
    }
    stub_close();
    assert_null(seen.called);
}

/* ---- arguments ---- */

static void wrong_appends_are_named(void **state)
{
    (void)state;
    open_with(&every_op);
    WRONG(entry_count = 0, do_append, UV_EINVAL, "entries are none");
    WRONG(entry_count = CAIRN_APPEND_MAX + 1, do_append, CAIRN_ETOOBIG, "entries has 65537");
    WRONG(entries[0].event = S(""), do_append, UV_EINVAL, "entries[0].event is empty");
    WRONG(entries[1].event = ABSENT, do_append, UV_EINVAL, "entries[1].event is absent");
    WRONG(entries[1].data.bytes = broken, do_append, UV_EINVAL, "entries[1].data has a length");
    WRONG(entries[0].id = too_long(), do_append, CAIRN_ETOOBIG, "entries[0].id is 65537");
    WRONG(entries[0].event = S(CAIRN_STREAM_CANCEL), do_append, UV_EINVAL,
          "entries[0].event ends the stream, but is not the last");
    WRONG(append_options.ttl = cairn_ttl_ms(0), do_append, UV_EINVAL, "ttl is 0 ms");
    WRONG(entries[0].data.bytes = broken, do_end, UV_EINVAL, "entries[0].data has a length");
    assert_refused(cairn_stream_append(&streams, &append_req, stream, NULL, 1, NULL, NULL),
                   UV_EINVAL, &append_req.req, "entries has a count but is NULL");
    stub_close();
    assert_null(seen.called);
}

static void the_others_are_named_too(void **state)
{
    (void)state;
    open_with(&every_op);
    WRONG(range.page_size = CAIRN_PAGE_MAX + 1, do_read, CAIRN_ETOOBIG, "page_size is 10001");
    WRONG(target = ABSENT, do_copy, UV_EINVAL, "target is absent");
    WRONG(target = stream, do_copy, UV_EINVAL, "target is the source");
    WRONG(ttl = cairn_ttl_ms(-3), do_copy, UV_EINVAL, "ttl is -3 ms");
    WRONG(ttl = cairn_ttl_ms(0), do_set_ttl, UV_EINVAL, "ttl is 0 ms");
    WRONG(ttl.given = false, do_set_ttl, UV_EINVAL, "ttl is not given");
    stub_close();
    assert_null(seen.called);
}

/* ---- what reaches the backend ---- */

static void defaults_are_filled(void **state)
{
    (void)state;
    open_with(&every_op);
    assert_status(cairn_stream_append(&streams, &append_req, stream, entries, 1, NULL, on_appended),
                  0);
    assert_int_equal(seen.append.size, sizeof seen.append);
    assert_int_equal(seen.append.ttl_ms, 300000); /* rule 47 */
    assert_int_equal(seen.append.max_events, CAIRN_STREAM_MAX_EVENTS);
    assert_null(seen.append.expected_last);

    assert_status(cairn_stream_read(&streams, &read_req, stream, NULL, on_page), 0);
    assert_int_equal(seen.read.size, sizeof seen.read);
    assert_int_equal(seen.read.most, CAIRN_PAGE_DEFAULT);
    assert_int_equal(cairn_position_cmp(seen.read.after, (cairn_position_t){0}), 0);
    assert_false(seen.read.newest);

    ttl.given = false;
    assert_status(do_copy(), 0);
    assert_int_equal(seen.copy.ttl_ms, 300000);
    stub_close();
}

static void options_and_calls_reach_the_backend(void **state)
{
    (void)state;
    cairn_streams_options_t options = {.ttl = cairn_ttl_ms(9000), .max_events = UINT64_MAX};
    assert_status(cairn_streams_init(&streams, &stub.cairn, &options), 0);
    open_with(&every_op);
    assert_status(do_append(), 0);
    assert_int_equal(seen.append.ttl_ms, 9000);
    assert_true(seen.append.max_events == UINT64_MAX);
    assert_int_equal(seen.append.count, 2);
    assert_ptr_equal(seen.append.expected_last, &positions[0]);
    up()->append_done(&append_req, &(cairn_stream_appended_t){{7, 1}, 2});

    append_options.ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST);
    assert_status(do_append(), 0);
    assert_int_equal(seen.append.ttl_ms, CAIRN_TTL_PERSIST);

    range = (cairn_stream_range_t){{1, 2}, {3, 4}, 50, true};
    assert_status(do_read(), 0);
    assert_int_equal(seen.read.most, 50);
    assert_int_equal(seen.read.after.low, 2);
    assert_int_equal(seen.read.until.high, 3);
    assert_true(seen.read.newest);

    assert_status(do_copy(), 0);
    assert_int_equal(seen.copy.ttl_ms, 5);
    assert_true(cairn_slice_eq(seen.copy.source, S("run")));
    assert_true(cairn_slice_eq(seen.copy.target, S("copy")));
    assert_status(do_set_ttl(), 0);
    assert_int_equal(seen.ttl_ms, 5);
    stub_close();
}

/* Rule 46. */
static void what_ends_a_stream_is_an_append(void **state)
{
    (void)state;
    int (*const submits[])(void) = {do_end, do_error, do_cancel};
    const char *const events[] = {"__stream_end__", "__stream_error__", "__stream_cancel__"};
    open_with(&every_op);
    for (size_t i = 0; i < 3; i++) {
        assert_status(submits[i](), 0);
        assert_int_equal(seen.append.count, 1);
        assert_true(cairn_slice_eq(seen.event, S(events[i])));
        assert_true(cairn_stream_ends(S(events[i])));
        up()->append_done(&append_req, &(cairn_stream_appended_t){{0, 0}, 1});
    }
    assert_false(cairn_stream_ends(S("__stream_end_")));
    assert_false(cairn_stream_ends(S("")));
    stub_close();
}

/* ---- what comes back ---- */

static void results_reach_their_callbacks(void **state)
{
    (void)state;
    open_with(&every_op);
    assert_status(do_append(), 0);
    up()->append_done(&append_req, &(cairn_stream_appended_t){{7, 1}, 2});
    assert_true(told.has_result);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.position.high, 7);

    const cairn_stream_event_t events[3] = {{.event = S("a")}};
    assert_status(do_read(), 0);
    up()->read_done(&read_req, &(cairn_stream_page_t){.events = events, .count = 3, .more = true});
    assert_int_equal(told.count, 3);
    assert_status(do_length(), 0);
    up()->count_done(&count_req, 8);
    assert_int_equal(told.count, 8);

    assert_status(do_info(), 0);
    up()->info_done(&info_req, &(cairn_stream_facts_t){.length = 9});
    assert_true(told.has_result);
    assert_int_equal(told.count, 9);
    assert_status(do_info(), 0);
    up()->info_done(&info_req, NULL);
    assert_status(told.status, 0);
    assert_false(told.has_result);

    assert_status(do_ttl(), 0);
    up()->ttl_done(&ttl_req, 1234);
    assert_int_equal(told.ttl_ms, 1234);
    assert_int_equal(told.calls, 6);
    stub_close();
}

static void a_failure_reaches_every_callback_without_a_result(void **state)
{
    (void)state;
    open_with(&every_op);
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        told.has_result = true;
        told.ttl_ms = 99;
        told.count = 99;
        assert_status(operations[i].submit(), 0);
        stub_fail(operations[i].req, UV_EPIPE, S("because"));
        assert_int_equal(told.calls, i + 1);
        assert_status(told.status, UV_EPIPE);
        assert_string_equal(told.detail, "because");
        assert_false(told.has_result);
        assert_false(cairn_is_active(operations[i].req));
        if (operations[i].req == &ttl_req.req) assert_int_equal(told.ttl_ms, CAIRN_TTL_ABSENT);
        if (operations[i].req == &count_req.req) assert_int_equal(told.count, 0);
        if (operations[i].req == &change_req.req) assert_int_equal(told.count, 0);
    }
    stub_close();
}

static void a_close_ends_every_request(void **state)
{
    (void)state;
    open_with(&every_op);
    unsigned started = 0;
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        if (cairn_is_active(operations[i].req)) continue;
        assert_status(operations[i].submit(), 0);
        started++;
    }
    stub_close();
    assert_int_equal(told.calls, started);
    assert_status(told.status, UV_ECANCELED);
}

/* ---- the view ---- */

static void wrong_options_leave_the_view_alone(void **state)
{
    (void)state;
    cairn_streams_t untouched, view;
    memset(&untouched, 0x5a, sizeof untouched);
    memcpy(&view, &untouched, sizeof view);
    const cairn_streams_options_t zero = {.ttl = cairn_ttl_ms(0)};
    const cairn_streams_options_t huge = {.ttl = cairn_ttl_ms(INT64_MAX)};
    assert_status(cairn_streams_init(&view, &stub.cairn, &zero), UV_EINVAL);
    assert_status(cairn_streams_init(&view, &stub.cairn, &huge), CAIRN_ETOOBIG);
    assert_memory_equal(&view, &untouched, sizeof view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_backend_without_streams_refuses, fresh),
        cmocka_unit_test_setup(a_closed_handle_refuses, fresh),
        cmocka_unit_test_setup(a_table_without_the_slot_refuses, fresh),
        cmocka_unit_test_setup(groups_have_a_capability_of_their_own, fresh),
        cmocka_unit_test_setup(what_the_backend_refuses_is_refused, fresh),
        cmocka_unit_test_setup(a_request_in_flight_is_busy, fresh),
        cmocka_unit_test_setup(every_operation_names_a_missing_stream, fresh),
        cmocka_unit_test_setup(wrong_appends_are_named, fresh),
        cmocka_unit_test_setup(the_others_are_named_too, fresh),
        cmocka_unit_test_setup(defaults_are_filled, fresh),
        cmocka_unit_test_setup(options_and_calls_reach_the_backend, fresh),
        cmocka_unit_test_setup(what_ends_a_stream_is_an_append, fresh),
        cmocka_unit_test_setup(results_reach_their_callbacks, fresh),
        cmocka_unit_test_setup(a_failure_reaches_every_callback_without_a_result, fresh),
        cmocka_unit_test_setup(a_close_ends_every_request, fresh),
        cmocka_unit_test_setup(wrong_options_leave_the_view_alone, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
