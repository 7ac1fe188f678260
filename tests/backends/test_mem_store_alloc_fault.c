/* Every allocation of every operation of the memory store fails once: then the operation says so,
 * and what is kept is what was kept before, to the last count. */
#include "alloc_fault.h"
#include "check.h"
#include "mem_store.h"

#include <cairn/sys/namespace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define S cairn_str
#define MOST_ALLOCATIONS 500
#define VALUE "{\"n\":1,\"text\":\"as long as a value is\"}"

/* ---- everything that is kept, as text ---- */

static char *written;
static size_t written_len;
static FILE *out;

static void show(const char *what, cairn_slice_t bytes)
{
    fprintf(out, " %s=", what);
    for (size_t i = 0; i < bytes.len; i++) fprintf(out, "%02x", (unsigned char)bytes.ptr[i]);
}

static void show_item(const mem_item_t *item)
{
    show("\n  item", item->node.key.major);
    show("value", item->value);
    fprintf(out, " created=%lld updated=%lld ttl=%lld", (long long)item->created_at_us,
            (long long)item->updated_at_us, (long long)item->ttl_ms);
    if (item->ttl_ms > 0) fprintf(out, " until %llu", (unsigned long long)item->deadline_ms);
    for (size_t i = 0; i < item->row_count; i++) {
        const mem_row_t *row = &item->rows[i];
        fprintf(out, " row %zu:", row->at);
        assert_ptr_equal(row->table->rows[row->at], row);
        for (size_t k = 0; k < row->table->dimensions; k++)
            fprintf(out, " %g", (double)row->table->floats[row->at * row->table->dimensions + k]);
    }
}

/* To be freed. */
static char *kept(const mem_store_t *store)
{
    out = open_memstream(&written, &written_len);
    assert_non_null(out);
    fprintf(out, "%zu shelves, %zu deadlines", store->shelves.count, store->deadlines.count);
    for (mem_node_t *s = mem_map_first(&store->shelves); s; s = mem_map_next(s)) {
        const mem_shelf_t *shelf = CAIRN_CONTAINER_OF(s, mem_shelf_t, node);
        show("\nshelf", s->key.major);
        fprintf(out, " %zu items, %zu changes, %zu claims", shelf->items.count,
                shelf->changes.count, shelf->claims);
        for (mem_node_t *i = mem_map_first(&shelf->items); i; i = mem_map_next(i))
            show_item(CAIRN_CONTAINER_OF(i, mem_item_t, node));
        for (const mem_table_t *table = shelf->tables; table; table = table->next)
            assert_int_equal(table->claims, 0);
    }
    assert_int_equal(fclose(out), 0);
    return written;
}

/* ---- something to work on ---- */

static const cairn_slice_t labels[] = {{"users", 5}, {"u-1", 3}, {"notes", 5}};
static const float floats[] = {1, 2, 3, 4};
static const cairn_vector_t vectors[] = {
    {{"two", 3}, floats, 2}, {{"two", 3}, floats + 2, 2}, {{"four", 4}, floats, 4}};

static cairn_namespace_t depth(size_t count)
{
    return (cairn_namespace_t){labels, count};
}

/* A namespace that does not fit into a path's own room. */
static cairn_namespace_t long_name(void)
{
    static char bytes[300];
    static cairn_slice_t label;
    memset(bytes, 'x', sizeof bytes);
    label = cairn_slice(bytes, sizeof bytes);
    return (cairn_namespace_t){&label, 1};
}

static cairn_store_put_args_t put_args(cairn_namespace_t ns, const char *key, size_t vector_count)
{
    return (cairn_store_put_args_t){
        .ns = ns,
        .key = S(key),
        .value = S(VALUE),
        .ttl_ms = 5000,
        .vectors = vectors,
        .vector_count = vector_count,
    };
}

static int put(mem_store_t *store, cairn_namespace_t ns, const char *key, size_t vector_count)
{
    cairn_store_put_args_t args = put_args(ns, key, vector_count);
    mem_change_t change;
    int rc = mem_change_prepare(store, &args, &change);
    if (rc == 0) mem_change_apply(store, &change);
    return rc;
}

static void fill(mem_store_t *store)
{
    mem_store_expire(store, 1000);
    store->now_us = 1000000;
    assert_status(put(store, depth(1), "k1", 0), 0);
    assert_status(put(store, depth(2), "k1", 3), 0);
    assert_status(put(store, depth(2), "k2", 2), 0);
    assert_status(put(store, depth(3), "k3", 1), 0);
    store->now_us = 2000000;
}

/* ---- the operations ---- */

static int put_new(mem_store_t *store)
{
    return put(store, long_name(), "k", 3);
}

static int put_again(mem_store_t *store)
{
    return put(store, depth(2), "k1", 3);
}

static int put_beside(mem_store_t *store)
{
    return put(store, depth(1), "k9", 3);
}

static int delete_item(mem_store_t *store)
{
    cairn_store_put_args_t args = {.ns = long_name(), .key = S("k")};
    mem_change_t change;
    int rc = mem_change_prepare(store, &args, &change);
    if (rc == 0) mem_change_apply(store, &change);
    return rc;
}

static int batch(mem_store_t *store)
{
    const cairn_store_put_args_t puts[] = {
        put_args(long_name(), "k", 3), put_args(depth(2), "k2", 3), put_args(depth(2), "k4", 1)};
    const cairn_store_put_args_t deletes = {.ns = depth(3), .key = S("k3")};
    const cairn_store_get_args_t get = {.ns = depth(2), .key = S("k1"), .refresh = true};
    const cairn_store_search_args_t search = {.most = 9, .filter = S("{\"n\":1}"), .refresh = true};
    const cairn_store_list_args_t list = {.most = 9, .max_depth = 2};
    const cairn_store_step_t steps[] = {
        {.type = CAIRN_STORE_PUT, .put = &puts[0]},
        {.type = CAIRN_STORE_GET, .get = &get},
        {.type = CAIRN_STORE_PUT, .put = &puts[1]},
        {.type = CAIRN_STORE_SEARCH, .search = &search},
        {.type = CAIRN_STORE_DELETE, .put = &deletes},
        {.type = CAIRN_STORE_LIST_NAMESPACES, .list = &list},
        {.type = CAIRN_STORE_PUT, .put = &puts[2]},
    };
    cairn_arena_t arena = {0};
    mem_reader_t reader = mem_reader(store, &arena);
    cairn_store_result_t *results;
    int rc = mem_store_batch(&reader, steps, 7, &results);
    if (rc == 0) assert_int_equal(results[3].page->count, 4);
    cairn_arena_free(&arena);
    return rc;
}

static int search(mem_store_t *store, const cairn_store_search_args_t *args, size_t expected)
{
    cairn_arena_t arena = {0};
    mem_reader_t reader = mem_reader(store, &arena);
    cairn_store_page_t page;
    int rc = mem_store_search(&reader, args, &page);
    if (rc == 0) assert_int_equal(page.count, expected);
    cairn_arena_free(&arena);
    return rc;
}

static int search_by_change(mem_store_t *store)
{
    const cairn_store_search_args_t args = {.most = 2, .filter = S("{\"n\":1}"), .refresh = true};
    return search(store, &args, 2);
}

static int search_by_key(mem_store_t *store)
{
    const cairn_store_search_args_t args = {.most = 3, .order = CAIRN_ORDER_KEY};
    return search(store, &args, 3);
}

static int search_by_vector(mem_store_t *store)
{
    const cairn_store_search_args_t args = {
        .most = 9, .near = &vectors[0], .metric = CAIRN_METRIC_L2, .filter = S("{\"n\":1}")};
    return search(store, &args, 3);
}

static int list(mem_store_t *store)
{
    const cairn_match_condition_t condition = {CAIRN_MATCH_PREFIX, depth(1)};
    const cairn_store_list_args_t args = {
        .conditions = &condition, .condition_count = 1, .max_depth = 2, .most = 1};
    cairn_arena_t arena = {0};
    mem_reader_t reader = mem_reader(store, &arena);
    cairn_namespace_page_t page;
    int rc = mem_store_list(&reader, &args, &page);
    if (rc == 0) assert_true(page.count == 1 && page.cursor.len > 0);
    cairn_arena_free(&arena);
    return rc;
}

static int get(mem_store_t *store)
{
    const cairn_store_get_args_t args = {.ns = depth(2), .key = S("k1"), .refresh = true};
    cairn_arena_t arena = {0};
    mem_reader_t reader = mem_reader(store, &arena);
    const cairn_item_t *item;
    int rc = mem_store_get(&reader, &args, &item);
    if (rc == 0) assert_true(cairn_slice_eq(item->value, S(VALUE)));
    cairn_arena_free(&arena);
    return rc;
}

static int count(mem_store_t *store)
{
    uint64_t items;
    return mem_store_count(store, long_name(), S("{\"n\":1}"), &items);
}

/* ---- each with every fault ---- */

/* Whether the fault was met. */
static bool meets_fault(int (*operation)(mem_store_t *), size_t nth)
{
    mem_store_t store = {0};
    alloc_watch();
    fill(&store);
    char *before = kept(&store);
    alloc_fail(ALLOC_FAIL_ONCE, nth);
    int rc = operation(&store);
    bool met = alloc_fault_fired();
    char *after = kept(&store);
    assert_status(rc, met ? UV_ENOMEM : 0);
    if (met) assert_string_equal(after, before);
    free(before);
    free(after);
    mem_store_clear(&store);
    assert_int_equal(store.shelves.count + store.deadlines.count, 0);
    assert_int_equal(alloc_live(), 0);
    alloc_unwatch();
    return met;
}

static void all_or_nothing(int (*operation)(mem_store_t *))
{
    size_t nth = 1;
    while (meets_fault(operation, nth)) assert_in_range(++nth, 2, MOST_ALLOCATIONS);
    assert_in_range(nth, 2, MOST_ALLOCATIONS);
}

static void a_put_is_all_or_nothing(void **state)
{
    (void)state;
    all_or_nothing(put_new);
    all_or_nothing(put_again);
    all_or_nothing(put_beside);
    all_or_nothing(delete_item);
}

static void a_batch_is_all_or_nothing(void **state)
{
    (void)state;
    all_or_nothing(batch);
}

static void a_read_that_fails_changes_nothing(void **state)
{
    (void)state;
    all_or_nothing(get);
    all_or_nothing(search_by_change);
    all_or_nothing(search_by_key);
    all_or_nothing(search_by_vector);
    all_or_nothing(list);
    all_or_nothing(count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_put_is_all_or_nothing),
        cmocka_unit_test(a_batch_is_all_or_nothing),
        cmocka_unit_test(a_read_that_fails_changes_nothing),
    };
    return cmocka_run_group_tests_name("memory store: allocation faults", tests, NULL, NULL);
}
