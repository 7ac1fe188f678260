/* Every allocation of a store's life fails once, and everything after it: in memory, with texts
 * that are embedded. Whatever a submit accepted ends once, and nothing is left behind. */
#include "alloc_fault.h"
#include "check.h"
#include "loop.h"

#include <cairn/store.h>

#define S cairn_str
#define MOST_ALLOCATIONS 1000

static struct {
    uv_loop_t loop;
    cairn_t cairn;
    cairn_store_t store;
    cairn_store_put_t put, plain;
    cairn_store_get_t get;
    cairn_store_search_t search, near;
    cairn_store_list_t list;
    cairn_store_batch_t batch, taken_back;
    cairn_store_count_t count;
    cairn_store_ttl_t ttl;
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

static void on_put(cairn_store_put_t *req, int status, bool existed)
{
    (void)req;
    assert_false(existed);
    end(status);
}

static void on_get(cairn_store_get_t *req, int status, const cairn_item_t *item)
{
    (void)req;
    if (item) assert_true(cairn_slice_eq(item->key, S("plain")));
    end(status);
}

static void on_search(cairn_store_search_t *req, int status, const cairn_store_page_t *page)
{
    (void)req;
    if (status == 0) assert_in_range(page->count, 0, 4);
    end(status);
}

static void on_list(cairn_store_list_t *req, int status, const cairn_namespace_page_t *page)
{
    (void)req;
    if (status == 0) assert_in_range(page->count, 0, 1);
    end(status);
}

static void on_batch(cairn_store_batch_t *req, int status, const cairn_store_result_t *results,
                     size_t count)
{
    (void)req;
    if (status == 0) assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) assert_status(results[i].status, 0);
    end(status);
}

static void on_count(cairn_store_count_t *req, int status, uint64_t items)
{
    (void)req;
    assert_in_range(items, 0, 4);
    end(status);
}

static void on_ttl(cairn_store_ttl_t *req, int status, int64_t ttl_ms)
{
    (void)req;
    (void)ttl_ms;
    end(status);
}

static void embed(cairn_embed_job_t *job, const cairn_slice_t *texts, size_t count, void *data)
{
    static float floats[2 * 8];
    (void)data;
    assert_in_range(count, 1, 8);
    for (size_t i = 0; i < count; i++) floats[2 * i] = (float)texts[i].len;
    job->done(job, 0, floats);
}

static const cairn_vector_index_t texts_index = {
    .name = {"texts", 5}, .dimensions = 2, .embed = embed};
static const cairn_store_options_t options = {.indexes = &texts_index, .index_count = 1};

static void ask_batches(cairn_namespace_t ns)
{
    const cairn_store_query_t near = {
        .near_text = S("x"), .near_index = texts_index.name, .paging.limit = cairn_limit(3)};
    const cairn_store_op_t ops[] = {
        {.type = CAIRN_STORE_PUT, .ns = ns, .key = S("in batch"), .value = S("{\"a\":[1]}")},
        {.type = CAIRN_STORE_GET, .ns = ns, .key = S("plain")},
        {.type = CAIRN_STORE_SEARCH, .search = &near},
        {.type = CAIRN_STORE_LIST_NAMESPACES},
    };
    accept_or_refuse(cairn_store_search(&it.store, &it.near, &near, on_search));
    accept_or_refuse(cairn_store_batch(&it.store, &it.batch, ops, 4, on_batch));
    int rc = cairn_store_batch(&it.store, &it.taken_back, ops, 4, on_batch);
    if (accept_or_refuse(rc) == 0) assert_status(cairn_cancel(&it.taken_back.req), 0);
}

static void ask_everything(void)
{
    static const cairn_store_put_options_t plain = {.embed = CAIRN_EMBED_NONE, .ttl = {true, 1000}};
    const cairn_slice_t labels[] = {S("a"), S("b")};
    cairn_namespace_t ns = {labels, 2};
    const cairn_store_query_t query = {.filter = S("{\"a\":{\"$gt\":1}}"), .paging.page_size = 1};
    accept_or_refuse(
        cairn_store_put(&it.store, &it.plain, ns, S("plain"), S("{\"a\":2}"), &plain, on_put));
    accept_or_refuse(
        cairn_store_put(&it.store, &it.put, ns, S("text"), S("{\"a\":3}"), NULL, on_put));
    accept_or_refuse(
        cairn_store_get(&it.store, &it.get, ns, S("plain"), CAIRN_REFRESH_DEFAULT, on_get));
    accept_or_refuse(cairn_store_search(&it.store, &it.search, &query, on_search));
    accept_or_refuse(cairn_store_list_namespaces(&it.store, &it.list, NULL, on_list));
    accept_or_refuse(cairn_store_count(&it.store, &it.count, ns, query.filter, on_count));
    accept_or_refuse(cairn_store_pin(&it.store, &it.ttl, ns, S("plain"), on_ttl));
    ask_batches(ns);
}

/* With `wait`, what was asked is answered; without, the close takes it back. */
static void live(void *wait)
{
    memset(&it, 0, sizeof it);
    assert_int_equal(uv_loop_init(&it.loop), 0);
    int rc = cairn_open(&it.cairn, &it.loop, NULL, NULL);
    if (rc == 0) {
        assert_status(cairn_store_init(&it.store, &it.cairn, &options), 0);
        ask_everything();
        if (wait) loop_turns(&it.loop, 4);
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
    return cmocka_run_group_tests_name("allocation faults: the store in memory", tests, NULL, NULL);
}
