/* Every allocation of a store's life fails once, and everything after it: over Redis. Whatever a
 * submit accepted ends once, what it gives is whole, and nothing is left behind. */
#include "alloc_life.h"
#include "check.h"

#include <cairn/store.h>
#include <stdio.h>
#include <string.h>

#define VALUE "{\"n\":1}"

static char large[3000];

/* ---- one life ---- */

typedef struct life {
    cairn_store_t store;
    cairn_store_put_t put, again, near;
    cairn_store_get_t get;
    cairn_store_search_t search, filtered, nearest, nearest_of_many, first_of_many;
    cairn_store_list_t list;
    cairn_store_count_t count, counted;
    cairn_store_batch_t batch, many;
    cairn_store_ttl_t ttl;
    bool puts_done; /* every put ended with 0, so what is read must be all of it */
} life_t;

static life_t it;

static void check_item(const cairn_item_t *item)
{
    const size_t len = item->value.len;
    alloc_life_expect(cairn_slice_eq(item->value, cairn_str(VALUE)) || len == sizeof large - 1,
                      "a value is not whole");
    alloc_life_expect(item->ns.count == 2 && item->ns.labels[1].len == 3,
                      "a namespace is not whole");
}

static void on_put(cairn_store_put_t *req, int status, bool existed)
{
    (void)req;
    if (!alloc_life_ends(status)) it.puts_done = false;
    alloc_life_expect(!existed || it.puts_done, "an item was there before");
}

static void on_got(cairn_store_get_t *req, int status, const cairn_item_t *item)
{
    (void)req;
    if (!alloc_life_ends(status) || !it.puts_done) return;
    alloc_life_expect(item != NULL, "an item is not there");
    if (item) check_item(item);
}

static void on_found(cairn_store_search_t *req, int status, const cairn_store_page_t *page)
{
    if (!alloc_life_ends(status) || !it.puts_done) return;
    alloc_life_expect(page->count == (req == &it.nearest ? 1 : 3), "a page is not whole");
    for (size_t i = 0; i < page->count; i++) check_item(&page->items[i]);
}

static void on_listed(cairn_store_list_t *req, int status, const cairn_namespace_page_t *page)
{
    (void)req;
    if (alloc_life_ends(status) && it.puts_done)
        alloc_life_expect(page->count == 1, "namespaces are missing");
}

static void on_counted(cairn_store_count_t *req, int status, uint64_t items)
{
    if (!alloc_life_ends(status) || !it.puts_done) return;
    alloc_life_expect(items == (req == &it.count ? 3 : 2), "a count is wrong");
}

static void on_batch(cairn_store_batch_t *req, int status, const cairn_store_result_t *results,
                     size_t count)
{
    (void)req;
    if (!alloc_life_ends(status)) return;
    alloc_life_expect(count == 4, "results are missing");
    if (!it.puts_done) return;
    alloc_life_expect(results[0].item != NULL, "an item is not there for a batch");
    alloc_life_expect(results[1].page && results[1].page->count == 3,
                      "a page of a batch is not whole");
    alloc_life_expect(results[3].existed, "what a batch deletes was not there");
    if (results[0].item) check_item(results[0].item);
}

static void on_many_put(cairn_store_batch_t *req, int status, const cairn_store_result_t *results,
                        size_t count)
{
    (void)req;
    it.puts_done = alloc_life_ends(status);
    for (size_t i = 0; i < count && it.puts_done; i++)
        alloc_life_expect(results[i].status == 0, "a put of a batch has failed");
}

static void on_found_among_many(cairn_store_search_t *req, int status,
                                const cairn_store_page_t *page)
{
    const char *first = req == &it.nearest_of_many ? "m03" : "m00";
    if (!alloc_life_ends(status) || !it.puts_done) return;
    alloc_life_expect(page->count == 1, "the nearest of many is missing");
    if (page->count == 1)
        alloc_life_expect(cairn_slice_eq(page->items[0].key, cairn_str(first)),
                          "it is not the nearest");
}

static void on_ttl(cairn_store_ttl_t *req, int status, int64_t ttl_ms)
{
    (void)req;
    if (alloc_life_ends(status) && it.puts_done)
        alloc_life_expect(ttl_ms == 60000, "another TTL was set");
}

static void submit_all(void)
{
    const cairn_slice_t labels[] = {cairn_str("a"), cairn_str("b:c")};
    const cairn_namespace_t ns = {labels, 2};
    const cairn_vector_t vector = {cairn_str("v"), (const float[]){1, 2}, 2};
    const cairn_store_put_options_t brief = {.ttl = cairn_ttl_ms(100000)},
                                    placed = {.vectors = &vector, .vector_count = 1};
    const cairn_slice_t value = cairn_str(VALUE);
    const cairn_store_query_t filtered = {.filter = cairn_str("{}"), .order = CAIRN_ORDER_KEY},
                              nearest = {.near = &vector, .paging.limit = cairn_limit(9)};
    const cairn_match_condition_t condition = {CAIRN_MATCH_PREFIX, {labels, 1}};
    const cairn_namespace_query_t list = {.conditions = &condition, .condition_count = 1};
    cairn_store_t *s = &it.store;
    it.puts_done =
        alloc_life_accepts(cairn_store_put(s, &it.put, ns, cairn_str("k1"), value, &brief, on_put));
    it.puts_done &= alloc_life_accepts(
        cairn_store_put(s, &it.again, ns, cairn_str("k2"), cairn_str(large), NULL, on_put));
    it.puts_done &= alloc_life_accepts(
        cairn_store_put(s, &it.near, ns, cairn_str("k3"), value, &placed, on_put));
    alloc_life_accepts(cairn_store_get(s, &it.get, ns, cairn_str("k1"), CAIRN_REFRESH_YES, on_got));
    alloc_life_accepts(cairn_store_search(s, &it.search, NULL, on_found));
    alloc_life_accepts(cairn_store_search(s, &it.filtered, &filtered, on_found));
    alloc_life_accepts(cairn_store_search(s, &it.nearest, &nearest, on_found));
    alloc_life_accepts(cairn_store_list_namespaces(s, &it.list, &list, on_listed));
    alloc_life_accepts(cairn_store_count(s, &it.count, ns, cairn_str(NULL), on_counted));
    alloc_life_accepts(cairn_store_count(s, &it.counted, ns, cairn_str("{\"n\":1}"), on_counted));
    alloc_life_accepts(
        cairn_store_set_ttl(s, &it.ttl, ns, cairn_str("k2"), cairn_ttl_ms(60000), on_ttl));
}

/* Once everything else has ended: what it deletes is counted and found before. */
static void submit_batch(void)
{
    const cairn_slice_t labels[] = {cairn_str("a"), cairn_str("b:c")};
    const cairn_namespace_t ns = {labels, 2};
    const cairn_store_op_t ops[] = {
        {.type = CAIRN_STORE_GET, .ns = ns, .key = cairn_str("k1")},
        {.type = CAIRN_STORE_SEARCH},
        {.type = CAIRN_STORE_PUT, .ns = ns, .key = cairn_str("k4"), .value = cairn_str(large)},
        {.type = CAIRN_STORE_DELETE, .ns = ns, .key = cairn_str("k2")},
    };
    alloc_life_accepts(cairn_store_batch(&it.store, &it.batch, ops, 4, on_batch));
}

/* So many that servers with vector sets make use of them, and so many alike that candidates are
 * asked for twice. */
enum {
    MANY = 80
};

static void submit_many(void)
{
    static cairn_store_op_t ops[MANY];
    static char keys[MANY][24];
    static const float alike[] = {1, 1}, other[] = {1, 2};
    static const cairn_vector_t vectors[] = {{{"v", 1}, alike, 2}, {{"v", 1}, other, 2}};
    static const cairn_store_put_options_t options[] = {
        {.vectors = &vectors[0], .vector_count = 1}, {.vectors = &vectors[1], .vector_count = 1}};
    const cairn_slice_t labels[] = {cairn_str("z"), cairn_str("b:c")};
    for (size_t i = 0; i < MANY; i++) {
        snprintf(keys[i], sizeof keys[i], "m%02zu", i);
        ops[i] = (cairn_store_op_t){.type = CAIRN_STORE_PUT,
                                    .ns = {labels, 2},
                                    .key = cairn_str(keys[i]),
                                    .value = cairn_str(VALUE),
                                    .options = &options[i == 3]};
    }
    it.puts_done =
        alloc_life_accepts(cairn_store_batch(&it.store, &it.many, ops, MANY, on_many_put));
}

static void search_many(void)
{
    const cairn_slice_t labels[] = {cairn_str("z"), cairn_str("b:c")};
    const cairn_vector_t near[] = {{cairn_str("v"), (const float[]){1, 2}, 2},
                                   {cairn_str("v"), (const float[]){1, 1}, 2}};
    cairn_store_query_t query = {.prefix = {labels, 2},
                                 .near = &near[0],
                                 .filter = cairn_str("{\"n\":1}"),
                                 .paging.limit = cairn_limit(1)};
    alloc_life_accepts(
        cairn_store_search(&it.store, &it.nearest_of_many, &query, on_found_among_many));
    query.near = &near[1];
    query.filter = cairn_str(NULL);
    alloc_life_accepts(
        cairn_store_search(&it.store, &it.first_of_many, &query, on_found_among_many));
}

static void live(void)
{
    static const cairn_vector_index_t index = {.name = {"v", 1}, .dimensions = 2};
    const cairn_store_options_t options = {.indexes = &index, .index_count = 1};
    memset(&it, 0, sizeof it);
    assert_status(cairn_store_init(&it.store, &alloc_life.cairn, &options), 0);
    submit_all();
    alloc_life_await();
    submit_batch();
    alloc_life_await();
    submit_many();
    alloc_life_await();
    search_many();
}

int main(void)
{
    memset(large, 'x', sizeof large - 1);
    return alloc_life_run("allocation faults: store over redis", live, NULL);
}
