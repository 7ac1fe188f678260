/* search by vector: every row of the index's tables below the prefix gets its score; an item counts
 * once, at its best row. The filter is asked only of items that would be among the best. */
#include "mem_store.h"

#include <cairn/sys/json.h>
#include <cairn/sys/vector.h>
#include <uv.h>

typedef struct near_search {
    mem_reader_t *reader;
    const cairn_store_search_args_t *args;
    cairn_json_query_t *query; /* NULL: none */
    cairn_probe_t probe;
    cairn_slice_t prefix;
    double *scores; /* room for the longest table */
    cairn_top_t top;
} near_search_t;

/* Of equal scores: by key, then by namespace. */
static int tie(const void *a, const void *b)
{
    const mem_item_t *one = a, *other = b;
    int by_key = cairn_slice_cmp(one->node.key.major, other->node.key.major);
    if (by_key != 0) return by_key;
    return cairn_slice_cmp(one->shelf->node.key.major, other->shelf->node.key.major);
}

static const mem_table_t *table_of(const near_search_t *search, const mem_shelf_t *shelf)
{
    const cairn_vector_t *near = search->args->near;
    for (const mem_table_t *table = shelf->tables; table; table = table->next)
        if (table->dimensions == near->dimensions && cairn_slice_eq(table->name, near->index))
            return table;
    return NULL;
}

/* Room for the scores of one table, and for as many of the best as there can be. */
static int make_room(near_search_t *search)
{
    size_t longest = 0, all = 0;
    for (mem_shelf_t *shelf = mem_shelf_first(search->reader->store, search->prefix); shelf;
         shelf = mem_shelf_next(shelf, search->prefix)) {
        const mem_table_t *table = table_of(search, shelf);
        if (!table) continue;
        all += table->count;
        if (table->count > longest) longest = table->count;
    }
    const cairn_store_search_args_t *args = search->args;
    uint64_t most = args->offset < UINT64_MAX - args->most ? args->offset + args->most : UINT64_MAX;
    cairn_arena_t *arena = search->reader->arena;
    search->scores = cairn_arena_alloc(arena, longest, sizeof *search->scores);
    search->top.most = most < all ? (size_t)most : all;
    search->top.at = cairn_arena_alloc(arena, search->top.most, sizeof *search->top.at);
    search->top.tie = tie;
    return search->scores && search->top.at ? 0 : UV_ENOMEM;
}

/* So that who it is of need not be looked at. */
static bool is_too_bad(const cairn_top_t *top, double score)
{
    return top->count == top->most && (top->most == 0 || score < top->at[0].score);
}

/* Whether the item's rows in this table are none better than this one, nor as good and before it.
 */
static bool is_best_of_item(const near_search_t *search, const mem_row_t *row)
{
    const mem_item_t *item = row->item;
    const double score = search->scores[row->at];
    for (size_t i = 0; i < item->row_count; i++) {
        const mem_row_t *other = &item->rows[i];
        if (other == row || other->table != row->table) continue;
        if (search->scores[other->at] > score) return false;
        if (search->scores[other->at] == score && other < row) return false;
    }
    return true;
}

static int rank_table(near_search_t *search, const mem_table_t *table)
{
    cairn_probe_scores(&search->probe, table->floats, table->norms, table->count, search->scores);
    for (size_t i = 0; i < table->count; i++) {
        const double score = search->scores[i];
        if (is_too_bad(&search->top, score)) continue;
        const mem_row_t *row = table->rows[i];
        if (!is_best_of_item(search, row) || !cairn_top_wants(&search->top, score, row->item))
            continue;
        int matches = search->query ? cairn_json_query_matches(search->query, row->item->value) : 1;
        if (matches < 0) return matches;
        if (matches > 0) cairn_top_take(&search->top, score, row->item);
    }
    return 0;
}

static int rank(near_search_t *search)
{
    int rc = make_room(search);
    for (mem_shelf_t *shelf = mem_shelf_first(search->reader->store, search->prefix);
         shelf && rc == 0; shelf = mem_shelf_next(shelf, search->prefix)) {
        const mem_table_t *table = table_of(search, shelf);
        if (table) rc = rank_table(search, table);
    }
    return rc;
}

static int tell(near_search_t *search, cairn_store_page_t *page)
{
    const cairn_store_search_args_t *args = search->args;
    cairn_top_sort(&search->top);
    if (search->top.count <= args->offset) return 0;
    size_t from = (size_t)args->offset, count = search->top.count - from;
    cairn_item_t *items = cairn_arena_alloc(search->reader->arena, count, sizeof *items);
    if (!items) return UV_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const cairn_ranked_t *ranked = &search->top.at[from + i];
        mem_item_t *item = (mem_item_t *)(uintptr_t)ranked->what;
        items[i] = (cairn_item_t){.has_score = true, .score = ranked->score};
        int rc = mem_read_item(search->reader, item, args->refresh, &items[i]);
        if (rc < 0) return rc;
    }
    page->items = items;
    page->count = count;
    return 0;
}

int mem_store_near(mem_reader_t *reader, const cairn_store_search_args_t *args,
                   cairn_store_page_t *page)
{
    near_search_t search = {
        .reader = reader,
        .args = args,
        .probe = cairn_probe(args->metric, args->near->values, args->near->dimensions),
    };
    mem_path_t prefix;
    int rc = mem_path_make(&prefix, args->prefix);
    if (rc < 0) return rc;
    search.prefix = prefix.bytes;
    if (args->filter.len > 0) rc = cairn_json_query_read(args->filter, &search.query, NULL);
    if (rc == 0) rc = rank(&search);
    if (rc == 0) rc = tell(&search, page);
    cairn_json_query_free(search.query);
    mem_path_free(&prefix);
    return rc;
}
