/* Every allocation of a saver's life fails once, and everything after it: in memory. Whatever a
 * submit accepted ends once, and nothing is left behind. */
#include "alloc_fault.h"
#include "check.h"
#include "loop.h"

#include <cairn/saver.h>

#define S cairn_str
#define MOST_ALLOCATIONS 1000
#define METADATA "{\"run_id\":\"\\u0072\"}" /* escaped, so that the run's id is copied */

static struct {
    uv_loop_t loop;
    cairn_t cairn;
    cairn_saver_t saver;
    cairn_saver_put_t put, again, writes;
    cairn_saver_get_t get, taken_back;
    cairn_saver_list_t list;
    cairn_saver_history_t history;
    cairn_saver_copy_t copy;
    cairn_saver_delete_t prune, delete;
    int accepted, ended;
} it;

static int accept_or_refuse(int rc)
{
    if (rc != 0) assert_status(rc, UV_ENOMEM);
    it.accepted += rc == 0;
    return rc;
}

static void end(int status)
{
    if (status != 0 && status != UV_ECANCELED) assert_status(status, UV_ENOMEM);
    it.ended++;
}

static void on_put(cairn_saver_put_t *req, int status)
{
    (void)req;
    end(status);
}

static void on_get(cairn_saver_get_t *req, int status, const cairn_checkpoint_tuple_t *tuple)
{
    (void)req;
    if (tuple) assert_true(cairn_slice_eq(tuple->metadata, S(METADATA)));
    end(status);
}

static void on_list(cairn_saver_list_t *req, int status, const cairn_saver_page_t *page)
{
    (void)req;
    if (status == 0) assert_in_range(page->count, 0, 1);
    end(status);
}

static void on_history(cairn_saver_history_t *req, int status,
                       const cairn_channel_history_t *channels, size_t count)
{
    (void)req;
    (void)channels;
    if (status == 0) assert_int_equal(count, 1);
    end(status);
}

static void on_copy(cairn_saver_copy_t *req, int status, uint64_t checkpoints)
{
    (void)req;
    (void)checkpoints;
    end(status);
}

static void on_delete(cairn_saver_delete_t *req, int status, uint64_t checkpoints)
{
    (void)req;
    (void)checkpoints;
    end(status);
}

static void put(cairn_saver_put_t *req, const char *parent, const char *id)
{
    const cairn_channel_version_t version = {S("d"), S(id)};
    const cairn_channel_value_t value = {S("d"), S(id), CAIRN_CHANNEL_VALUE, {S("text"), S("x")}};
    cairn_checkpoint_t checkpoint = {
        .id = S(id),
        .channel_versions = &version,
        .channel_version_count = 1,
        .channel_values = &value,
        .channel_value_count = 1,
    };
    cairn_checkpoint_ref_t at = {S("t"), S(NULL), S(parent)};
    accept_or_refuse(cairn_saver_put(&it.saver, req, &at, &checkpoint, S(METADATA), NULL, on_put));
}

static void ask_everything(void)
{
    cairn_checkpoint_ref_t latest = {S("t"), S(NULL), S(NULL)}, c1 = {S("t"), S(NULL), S("c1")};
    const cairn_write_t write = {S("d"), {S("text"), S("y")}};
    const cairn_task_writes_t writes = {S("task"), S(""), &write, 1};
    const cairn_saver_query_t query = {.filter = S("{\"run_id\":\"r\"}"), .paging.page_size = 1};
    cairn_slice_t thread = S("t"), channel = S("d");
    const cairn_saver_prune_options_t prune = {.thread_ids = &thread, .thread_count = 1};
    put(&it.put, NULL, "c1");
    put(&it.again, "c1", "c2");
    accept_or_refuse(
        cairn_saver_put_writes(&it.saver, &it.writes, &c1, &writes, (cairn_ttl_t){0}, on_put));
    accept_or_refuse(cairn_saver_get(&it.saver, &it.get, &latest, NULL, on_get));
    accept_or_refuse(cairn_saver_list(&it.saver, &it.list, &query, on_list));
    accept_or_refuse(cairn_saver_history(&it.saver, &it.history, &latest, &channel, 1, on_history));
    accept_or_refuse(cairn_saver_copy_thread(&it.saver, &it.copy, S("t"), S("copy"), on_copy));
    accept_or_refuse(cairn_saver_prune(&it.saver, &it.prune, &prune, on_delete));
    int rc = cairn_saver_get(&it.saver, &it.taken_back, &latest, NULL, on_get);
    if (accept_or_refuse(rc) == 0) assert_status(cairn_cancel(&it.taken_back.req), 0);
}

/* With `wait`, what was asked is answered; without, the close takes it back. */
static void live(void *wait)
{
    memset(&it, 0, sizeof it);
    assert_int_equal(uv_loop_init(&it.loop), 0);
    int rc = cairn_open(&it.cairn, &it.loop, NULL, NULL);
    if (rc == 0) {
        assert_status(cairn_saver_init(&it.saver, &it.cairn, NULL), 0);
        ask_everything();
        if (wait) loop_turns(&it.loop, 3);
        accept_or_refuse(cairn_saver_delete_thread(&it.saver, &it.delete, S("copy"), on_delete));
        cairn_close(&it.cairn, NULL);
    } else {
        assert_status(rc, UV_ENOMEM);
    }
    loop_finish(&it.loop);
    assert_int_equal(it.ended, it.accepted);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    alloc_fault_each(ALLOC_FAIL_ONCE, MOST_ALLOCATIONS, live, NULL);
    alloc_fault_each(ALLOC_FAIL_ONCE, MOST_ALLOCATIONS, live, &it);
}

static void memory_may_be_gone_from_any_allocation_on(void **state)
{
    (void)state;
    alloc_fault_each(ALLOC_FAIL_FROM, MOST_ALLOCATIONS, live, NULL);
    alloc_fault_each(ALLOC_FAIL_FROM, MOST_ALLOCATIONS, live, &it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(memory_may_be_gone_from_any_allocation_on),
    };
    return cmocka_run_group_tests_name("allocation faults: the saver in memory", tests, NULL, NULL);
}
