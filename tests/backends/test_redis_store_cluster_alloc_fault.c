/* Every allocation of a store's life fails once, and everything after it: on a cluster, where
 * requests are several calls at the same time. */
#include "alloc_life.h"
#include "check.h"
#include "store_cluster.h"

#include <stdio.h>
#include <string.h>

#define VALUE "{\"n\":1}"

enum {
    SPACES = 6
};

typedef struct life {
    cairn_store_t store;
    cairn_store_put_t put;
    cairn_store_batch_t batch, read;
    cairn_store_search_t search, filtered, nearest;
    cairn_store_list_t list;
    cairn_store_count_t count;
    bool puts_done; /* every put ended with 0, so what is read must be all of it */
} life_t;

static life_t it;

static void on_put(cairn_store_put_t *req, int status, bool existed)
{
    (void)req, (void)existed;
    if (!alloc_life_ends(status)) it.puts_done = false;
}

static void on_batch(cairn_store_batch_t *req, int status, const cairn_store_result_t *results,
                     size_t count)
{
    (void)req;
    if (!alloc_life_ends(status)) it.puts_done = false;
    for (size_t i = 0; i < count; i++)
        if (results[i].status < 0) it.puts_done = false;
}

static void on_read(cairn_store_batch_t *req, int status, const cairn_store_result_t *results,
                    size_t count)
{
    (void)req;
    if (!alloc_life_ends(status) || !it.puts_done) return;
    for (size_t i = 0; i < count; i++) {
        const cairn_store_result_t *result = &results[i];
        if (result->status < 0) continue;
        alloc_life_expect(result->item || (result->page && result->page->count == SPACES + 1),
                          "a batch misses something");
    }
}

static void on_found(cairn_store_search_t *req, int status, const cairn_store_page_t *page)
{
    if (!alloc_life_ends(status) || !it.puts_done) return;
    alloc_life_expect(page->count == (req == &it.nearest ? 1 : SPACES + 1), "a page is not whole");
}

static void on_listed(cairn_store_list_t *req, int status, const cairn_namespace_page_t *page)
{
    (void)req;
    if (alloc_life_ends(status) && it.puts_done)
        alloc_life_expect(page->count == SPACES, "namespaces are missing");
}

static void on_counted(cairn_store_count_t *req, int status, uint64_t items)
{
    (void)req;
    if (alloc_life_ends(status) && it.puts_done)
        alloc_life_expect(items == SPACES + 1, "a count is wrong");
}

static void put_all(void)
{
    static const char *const names[SPACES] = {"1", "2", "3", "4", "5", "6"};
    static const float floats[] = {1, 2};
    const cairn_vector_t vector = {cairn_str("v"), floats, 2};
    const cairn_store_put_options_t brief = {
        .ttl = cairn_ttl_ms(100000), .vectors = &vector, .vector_count = 1};
    cairn_slice_t labels[SPACES][2];
    cairn_store_op_t ops[SPACES];
    for (int i = 0; i < SPACES; i++) {
        labels[i][0] = cairn_str("a");
        labels[i][1] = cairn_str(names[i]);
        ops[i] = (cairn_store_op_t){.type = CAIRN_STORE_PUT,
                                    .ns = {labels[i], 2},
                                    .key = cairn_str("k"),
                                    .value = cairn_str(VALUE)};
    }
    it.puts_done =
        alloc_life_accepts(cairn_store_batch(&it.store, &it.batch, ops, SPACES, on_batch));
    it.puts_done &= alloc_life_accepts(cairn_store_put(
        &it.store, &it.put, ops[2].ns, cairn_str("l"), cairn_str(VALUE), &brief, on_put));
}

static void read_all(void)
{
    static const float floats[] = {1, 2};
    const cairn_vector_t vector = {cairn_str("v"), floats, 2};
    const cairn_slice_t labels[] = {cairn_str("a"), cairn_str("3")};
    const cairn_store_query_t filtered = {.filter = cairn_str(VALUE), .order = CAIRN_ORDER_KEY},
                              nearest = {.near = &vector, .paging.limit = cairn_limit(9)};
    const cairn_store_op_t ops[] = {
        {.type = CAIRN_STORE_GET, .ns = {labels, 2}, .key = cairn_str("k")},
        {.type = CAIRN_STORE_GET, .ns = {labels, 2}, .key = cairn_str("l")},
        {.type = CAIRN_STORE_SEARCH},
    };
    cairn_store_t *s = &it.store;
    alloc_life_accepts(cairn_store_search(s, &it.search, NULL, on_found));
    alloc_life_accepts(cairn_store_search(s, &it.filtered, &filtered, on_found));
    alloc_life_accepts(cairn_store_search(s, &it.nearest, &nearest, on_found));
    alloc_life_accepts(cairn_store_list_namespaces(s, &it.list, NULL, on_listed));
    alloc_life_accepts(cairn_store_count(s, &it.count, (cairn_namespace_t){labels, 1},
                                         cairn_str(NULL), on_counted));
    alloc_life_accepts(cairn_store_batch(s, &it.read, ops, 3, on_read));
}

static void live(void)
{
    static const cairn_vector_index_t index = {.name = {"v", 1}, .dimensions = 2};
    const cairn_store_options_t options = {.indexes = &index, .index_count = 1};
    memset(&it, 0, sizeof it);
    assert_status(cairn_store_init(&it.store, &alloc_life.cairn, &options), 0);
    put_all();
    alloc_life_await();
    read_all();
}

/* Without being told that there is a cluster. */
static const char *auto_url(const char *rest)
{
    char all[256];
    snprintf(all, sizeof all, "cluster=auto&%s", rest);
    return cluster_url(&store_cluster, all);
}

int main(void)
{
    static const alloc_life_place_t cluster = {store_cluster_url, store_cluster_clear, true};
    static const alloc_life_place_t as_it_says = {auto_url, store_cluster_clear, true};
    store_cluster_start();
    int failures = alloc_life_run_at(&cluster, "allocation faults: store over a cluster", live);
    failures +=
        alloc_life_run_at(&as_it_says, "allocation faults: store, as the server says", live);
    store_cluster_stop();
    return failures;
}
