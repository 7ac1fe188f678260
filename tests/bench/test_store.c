#include "store_work.h"
#include <uv.h>

static store_work_t in_memory(store_op_t op)
{
    return short_run("memory:", &client_cairn, op);
}

static void assert_sound(const row_t *row, const store_work_t *work)
{
    assert_row(row, work, "memory", "memory");
    assert_true(isnan(row->server_cpu_us_per_msg));
    assert_int_equal(strncmp(result.server, "memory ", 7), 0);
}

/* ---- runs ---- */

static void every_operation_in_memory(void **state)
{
    (void)state;
    for (int op = 0; op < STORE_OPS; op++) {
        const store_work_t work = in_memory((store_op_t)op);
        assert_sound(run(&work), &work);
    }
}

static void one_at_a_time_is_one_at_a_time(void **state)
{
    (void)state;
    store_work_t work = in_memory(STORE_MIX);
    work.window = 1;
    const row_t *row = run(&work);
    assert_sound(row, &work);
    /* Half of them took as long as that, one after the other. */
    assert_true(0.49 * row->p50_us <= 1e6 / row->msgs_per_s);
}

/* Each request is `batch` operations; it has one latency. */
static void a_batch_counts_for_as_many_operations(void **state)
{
    (void)state;
    static const uint32_t batches[] = {1, 16, STORE_BATCH_MAX};
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        store_work_t work = in_memory(STORE_MIX);
        work.batch = batches[i];
        uint64_t begin_ns = uv_hrtime();
        const row_t *row = run(&work);
        const double whole_s = (double)(uv_hrtime() - begin_ns) / 1e9;
        assert_sound(row, &work);
        const double measured_s = (double)(result.latency.total * work.batch) / row->msgs_per_s;
        assert_true(measured_s > 0.03 && measured_s < whole_s); /* 0.1, on a machine at leisure */
    }
}

static void keys_by_zipfs_law_are_all_there(void **state)
{
    (void)state;
    store_work_t work = in_memory(STORE_GET);
    work.zipf = true;
    assert_sound(run(&work), &work);
    work.batch = 16;
    assert_sound(run(&work), &work);
    work.batch = 1;
    work.items = work.spaces = 1;
    assert_sound(run(&work), &work);
}

static void namespaces_may_differ_by_an_item(void **state)
{
    (void)state;
    for (uint32_t items = 50; items < 60; items++) {
        store_work_t work = in_memory(STORE_MIX);
        work.items = items;
        work.spaces = 50;
        work.batch = 16;
        work.warmup_s = 0;
        work.duration_s = 0.01;
        assert_sound(run(&work), &work);
    }
}

static void a_value_may_be_as_large_as_they_come(void **state)
{
    (void)state;
    store_work_t work = in_memory(STORE_MIX);
    work.items = 20;
    work.value = STORE_VALUE_MAX;
    assert_sound(run(&work), &work);
    work.value = STORE_VALUE_LEAST;
    assert_sound(run(&work), &work);
}

/* ---- failures ---- */

/* A search must find a whole page; of these one has an item less to find. */
static void a_page_that_is_not_full_is_a_wrong_answer(void **state)
{
    (void)state;
    static const store_op_t ops[] = {STORE_SEARCH, STORE_NEAR};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        store_work_t work = in_memory(ops[i]);
        work.spaces = 1;
        work.items = STORE_PAGE;
        run(&work);
        work.items = STORE_PAGE - 1;
        assert_fails(&work, "an answer was wrong");
    }
    store_work_t work = in_memory(STORE_FILTER); /* one in ten meets it */
    work.spaces = 1;
    work.items = 10 * STORE_PAGE;
    run(&work);
    work.items = 10 * STORE_PAGE - 1;
    assert_fails(&work, "an answer was wrong");
}

static void a_wrong_url_is_told(void **state)
{
    (void)state;
    store_work_t work = in_memory(STORE_GET);
    work.url = "rediss:";
    assert_fails(&work, "URL");
}

static void a_server_that_is_not_there_is_told(void **state)
{
    (void)state;
    char url[64];
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", server_free_port());
    const client_ops_t *const clients[] = {&client_cairn, &client_hiredis};
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        store_work_t work = in_memory(STORE_GET);
        work.url = url;
        work.client = clients[i];
        assert_fails(&work, "onnection refused");
    }
}

static void what_no_run_can_do_is_refused(void **state)
{
    (void)state;
    store_work_t work = in_memory(STORE_GET);
    work.batch = 0;
    assert_fails(&work, "batch");
    work.batch = STORE_BATCH_MAX + 1;
    assert_fails(&work, "batch");
    work = in_memory(STORE_SEARCH);
    work.batch = 2;
    assert_fails(&work, "batch");
    work = in_memory(STORE_GET);
    work.window = 0;
    assert_fails(&work, "window");
    work = in_memory(STORE_GET);
    work.value = STORE_VALUE_LEAST - 1;
    assert_fails(&work, "value");
    work.value = STORE_VALUE_MAX + 1;
    assert_fails(&work, "value");
    work = in_memory(STORE_GET);
    work.spaces = 0;
    assert_fails(&work, "namespace");
    work.spaces = work.items + 1;
    assert_fails(&work, "namespace");
    work = in_memory(STORE_NEAR);
    work.dimensions = 0;
    assert_fails(&work, "vector");
}

static void hiredis_has_neither_searches_nor_memory(void **state)
{
    (void)state;
    store_work_t work = in_memory(STORE_SEARCH);
    work.client = &client_hiredis;
    work.url = "redis://127.0.0.1:1";
    assert_fails(&work, "hiredis cannot search");
    work = in_memory(STORE_GET);
    work.client = &client_hiredis;
    assert_fails(&work, "server");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_in_memory),
        cmocka_unit_test(one_at_a_time_is_one_at_a_time),
        cmocka_unit_test(a_batch_counts_for_as_many_operations),
        cmocka_unit_test(keys_by_zipfs_law_are_all_there),
        cmocka_unit_test(namespaces_may_differ_by_an_item),
        cmocka_unit_test(a_value_may_be_as_large_as_they_come),
        cmocka_unit_test(a_page_that_is_not_full_is_a_wrong_answer),
        cmocka_unit_test(a_wrong_url_is_told),
        cmocka_unit_test(a_server_that_is_not_there_is_told),
        cmocka_unit_test(what_no_run_can_do_is_refused),
        cmocka_unit_test(hiredis_has_neither_searches_nor_memory),
    };
    return cmocka_run_group_tests_name("bench: store in memory", tests, NULL, NULL);
}
