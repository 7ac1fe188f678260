#include "stream_fixture.h"

static void wrong_groups_are_named(void **state)
{
    (void)state;
    open_with(&every_op);
    for (size_t i = FIRST_OF_GROUPS; i < COUNT_OF(operations); i++) {
        WRONG(group = ABSENT, operations[i].submit, UV_EINVAL, "group is absent");
        WRONG(group = broken, operations[i].submit, UV_EINVAL, "group has a length but no ptr");
    }
    WRONG(group_options.from = (cairn_tail_from_t)4, do_create, UV_EINVAL, "from is 4");
    WRONG(group_options.dead_letter = ABSENT, do_create, UV_EINVAL, "dead_letter is absent");
    WRONG(group_options.dead_letter = stream, do_create, UV_EINVAL, "dead_letter is the stream");
    stub_close();
    assert_null(seen.called);
}

static void wrong_positions_are_named(void **state)
{
    (void)state;
    open_with(&every_op);
    WRONG(position_count = CAIRN_ACK_MAX + 1, do_ack, CAIRN_ETOOBIG, "positions has 65537");
    WRONG(position_count = CAIRN_ACK_MAX + 1, do_nak, CAIRN_ETOOBIG, "positions has 65537");
    WRONG(delay_ms = UINT64_MAX, do_nak, CAIRN_ETOOBIG, "delay_ms is 18446744073709551615");
    assert_refused(cairn_group_ack(&streams, &change_req, stream, group, NULL, 1, NULL), UV_EINVAL,
                   &change_req.req, "positions has a count but is NULL");
    stub_close();
    assert_null(seen.called);
}

static void wrong_reads_are_named(void **state)
{
    (void)state;
    open_with(&every_op);
    int (*const reads[])(void) = {do_group_read, do_claim};
    for (size_t i = 0; i < 2; i++) {
        WRONG(member = ABSENT, reads[i], UV_EINVAL, "member is absent");
        WRONG(most = 0, reads[i], UV_EINVAL, "most is 0; at least 1");
        WRONG(most = CAIRN_PAGE_MAX + 1, reads[i], CAIRN_ETOOBIG, "most is 10001");
    }
    WRONG(delay_ms = UINT64_MAX, do_claim, CAIRN_ETOOBIG, "min_idle_ms is 18446744073709551615");
    stub_close();
    assert_null(seen.called);
}

static void a_wait_must_end_before_the_deadline(void **state)
{
    (void)state;
    open_with(&every_op);
    WRONG(wait_ms = 5000, do_group_read, UV_EINVAL, "wait_ms is 5000; the deadline 5000");
    group_read_req.req.timeout_ms = 200;
    WRONG(wait_ms = 200, do_group_read, UV_EINVAL, "wait_ms is 200; the deadline 200");
    wait_ms = 199;
    assert_status(do_group_read(), 0);
    assert_int_equal(seen.group_read.wait_ms, 199);
    up()->group_read_done(&group_read_req, NULL, 0);
    group_read_req.req.timeout_ms = CAIRN_NO_TIMEOUT;
    wait_ms = UINT32_MAX;
    assert_status(do_group_read(), 0);
    stub_close();
}

static void what_the_call_says_reaches_the_backend(void **state)
{
    (void)state;
    open_with(&every_op);
    assert_status(do_create(), 0);
    assert_int_equal(seen.create.size, sizeof seen.create);
    assert_int_equal(seen.create.from, CAIRN_FROM_ALL);
    assert_int_equal(seen.create.max_deliveries, 3);
    assert_true(cairn_slice_eq(seen.create.dead_letter, S("dead")));
    up()->change_done(&change_req, 1);
    assert_int_equal(told.count, 1);

    group_options.max_deliveries = 0;
    assert_status(do_create(), 0);
    assert_null(seen.create.dead_letter.ptr);
    up()->change_done(&change_req, 0);
    assert_status(cairn_group_create(&streams, &change_req, stream, group, NULL, NULL), 0);
    assert_int_equal(seen.create.from, CAIRN_FROM_NEW);
    up()->change_done(&change_req, 0);

    assert_status(do_ack(), 0);
    assert_int_equal(seen.ack.count, 2);
    assert_ptr_equal(seen.ack.positions, positions);
    up()->change_done(&change_req, 2);
    assert_status(do_nak(), 0);
    assert_int_equal(seen.ack.delay_ms, 1000);

    assert_status(do_claim(), 0);
    assert_int_equal(seen.group_read.most, 10);
    assert_int_equal(seen.group_read.min_idle_ms, 1000);
    assert_true(cairn_slice_eq(seen.group_read.member, S("worker")));
    stub_close();
}

static void results_reach_their_callbacks(void **state)
{
    (void)state;
    const cairn_delivery_t deliveries[2] = {{.deliveries = 1}, {.deliveries = 2}};
    open_with(&every_op);
    assert_status(do_group_read(), 0);
    up()->group_read_done(&group_read_req, deliveries, 2);
    assert_true(told.has_result);
    assert_int_equal(told.count, 2);
    assert_status(do_destroy(), 0);
    up()->change_done(&change_req, 1);
    assert_int_equal(told.count, 1);
    assert_status(do_group_info(), 0);
    up()->group_info_done(&group_info_req, &(cairn_group_facts_t){.held = 6});
    assert_int_equal(told.count, 6);
    assert_int_equal(told.calls, 3);
    stub_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(wrong_groups_are_named, fresh),
        cmocka_unit_test_setup(wrong_positions_are_named, fresh),
        cmocka_unit_test_setup(wrong_reads_are_named, fresh),
        cmocka_unit_test_setup(a_wait_must_end_before_the_deadline, fresh),
        cmocka_unit_test_setup(what_the_call_says_reaches_the_backend, fresh),
        cmocka_unit_test_setup(results_reach_their_callbacks, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
