/* search, not by vector: the shelves below the prefix, one after the other in the order of their
 * keys, or merged by a heap in the order of changes. */
#include "mem_store.h"

#include <cairn/sys/json.h>
#include <string.h>
#include <uv.h>

/* Where a page begins: behind this item. */
typedef struct place {
    int64_t updated_at_us;
    cairn_slice_t key, path;
} place_t;

/* ---- the cursor: time of the change and length of the key, eight bytes each, key, path ---- */

#define NUMBER sizeof(uint64_t)

static int make_cursor(cairn_arena_t *arena, const mem_item_t *last, cairn_slice_t *out)
{
    cairn_slice_t key = last->node.key.major, path = last->shelf->node.key.major;
    size_t size = 2 * NUMBER + key.len + path.len;
    char *cursor = cairn_arena_alloc(arena, size, 1);
    if (!cursor) return UV_ENOMEM;
    mem_number_key(cursor, (uint64_t)last->updated_at_us);
    mem_number_key(cursor + NUMBER, key.len);
    if (key.len) memcpy(cursor + 2 * NUMBER, key.ptr, key.len);
    memcpy(cursor + 2 * NUMBER + key.len, path.ptr, path.len);
    *out = cairn_slice(cursor, size);
    return 0;
}

static uint64_t read_number(const char *from)
{
    uint64_t number = 0;
    for (size_t i = 0; i < NUMBER; i++) number = number << 8 | (unsigned char)from[i];
    return number;
}

static int read_cursor(cairn_slice_t cursor, place_t *out)
{
    if (cursor.len < 2 * NUMBER) return UV_EINVAL;
    uint64_t key_len = read_number(cursor.ptr + NUMBER);
    if (key_len > cursor.len - 2 * NUMBER) return UV_EINVAL;
    out->updated_at_us = (int64_t)read_number(cursor.ptr);
    out->key = cairn_slice(cursor.ptr + 2 * NUMBER, (size_t)key_len);
    out->path = cairn_slice(out->key.ptr + key_len, cursor.len - 2 * NUMBER - (size_t)key_len);
    return 0;
}

/* ---- what takes part ---- */

typedef struct search {
    mem_reader_t *reader;
    const cairn_store_search_args_t *args;
    cairn_json_query_t *query; /* NULL: none */
    cairn_slice_t prefix;
    bool resumed;
    place_t behind;    /* if resumed */
    cairn_rows_t heap; /* mem_item_t *; by change only: of each shelf the next that may come */
    mem_item_t *next;  /* by key only */
} search_t;

static mem_item_t *by_key(mem_node_t *node)
{
    return node ? CAIRN_CONTAINER_OF(node, mem_item_t, node) : NULL;
}

static mem_item_t *by_change(mem_node_t *node)
{
    return node ? CAIRN_CONTAINER_OF(node, mem_item_t, in_changes) : NULL;
}

/* ---- one shelf in the order of its changes; those of one moment are in the order of keys ---- */

/* The first of the moment that `node` is of. */
static mem_node_t *first_of_moment(const mem_shelf_t *shelf, const mem_node_t *node)
{
    return node ? mem_map_from(&shelf->changes, mem_key(node->key.major)) : NULL;
}

static bool is_same_moment(const mem_node_t *a, const mem_node_t *b)
{
    return a && cairn_slice_eq(a->key.major, b->key.major);
}

static mem_item_t *following(const search_t *search, const mem_item_t *item)
{
    mem_node_t *next = mem_map_next(&item->in_changes);
    if (search->args->order == CAIRN_ORDER_UPDATED_DESC || is_same_moment(next, &item->in_changes))
        return by_change(next);
    const mem_shelf_t *shelf = item->shelf;
    const mem_node_t *first = first_of_moment(shelf, &item->in_changes);
    return by_change(first_of_moment(shelf, mem_map_prev(first)));
}

static mem_item_t *first_behind(const search_t *search, const mem_shelf_t *shelf)
{
    char moment[NUMBER];
    mem_key_t place = mem_number_key(moment, mem_change_number(search->behind.updated_at_us));
    place.minor = search->behind.key;
    mem_node_t *node = mem_map_from(&shelf->changes, place);
    bool same = node && cairn_slice_eq(node->key.major, place.major) &&
                cairn_slice_eq(node->key.minor, place.minor);
    if (same && cairn_slice_cmp(shelf->node.key.major, search->behind.path) <= 0)
        node = mem_map_next(node);
    if (search->args->order == CAIRN_ORDER_UPDATED_DESC) return by_change(node);
    if (node && cairn_slice_eq(node->key.major, place.major)) return by_change(node);
    mem_node_t *later = mem_map_before(&shelf->changes, mem_key(place.major));
    return by_change(first_of_moment(shelf, later));
}

static mem_item_t *first_of_all(const search_t *search, const mem_shelf_t *shelf)
{
    if (search->args->order == CAIRN_ORDER_UPDATED_DESC)
        return by_change(mem_map_first(&shelf->changes));
    return by_change(first_of_moment(shelf, mem_map_last(&shelf->changes)));
}

/* ---- the heap ---- */

static bool comes_first(const search_t *search, const mem_item_t *a, const mem_item_t *b)
{
    if (a->updated_at_us != b->updated_at_us) {
        bool later = a->updated_at_us > b->updated_at_us;
        return (search->args->order == CAIRN_ORDER_UPDATED_DESC) == later;
    }
    int by_keys = cairn_slice_cmp(a->node.key.major, b->node.key.major);
    if (by_keys != 0) return by_keys < 0;
    return cairn_slice_cmp(a->shelf->node.key.major, b->shelf->node.key.major) < 0;
}

/* heap[0] comes first; each comes before its children at 2i + 1 and 2i + 2. */
static void sift_down(const search_t *search, mem_item_t **heap, size_t count, size_t i)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= count) return;
        if (child + 1 < count && comes_first(search, heap[child + 1], heap[child])) child++;
        if (comes_first(search, heap[i], heap[child])) return;
        mem_item_t *moved = heap[i];
        heap[i] = heap[child];
        heap[child] = moved;
        i = child;
    }
}

static int fill_heap(search_t *search)
{
    const mem_store_t *store = search->reader->store;
    for (mem_shelf_t *shelf = mem_shelf_first(store, search->prefix); shelf;
         shelf = mem_shelf_next(shelf, search->prefix)) {
        mem_item_t *entry =
            search->resumed ? first_behind(search, shelf) : first_of_all(search, shelf);
        if (!entry) continue;
        mem_item_t **row =
            cairn_rows_add(search->reader->arena, &search->heap, sizeof(mem_item_t *));
        if (!row) return UV_ENOMEM;
        *row = entry;
    }
    for (size_t i = search->heap.count / 2; i-- > 0;)
        sift_down(search, search->heap.at, search->heap.count, i);
    return 0;
}

static mem_item_t *take_by_change(search_t *search)
{
    if (search->heap.count == 0) return NULL;
    mem_item_t **heap = search->heap.at;
    mem_item_t *first = heap[0], *next = following(search, first);
    heap[0] = next ? next : heap[--search->heap.count];
    sift_down(search, heap, search->heap.count, 0);
    return first;
}

/* ---- by key ---- */

static mem_item_t *first_of_shelf(const mem_shelf_t *shelf)
{
    return shelf ? by_key(mem_map_first(&shelf->items)) : NULL;
}

static mem_item_t *following_by_key(const search_t *search, const mem_item_t *item)
{
    mem_node_t *next = mem_map_next(&item->node);
    if (next) return by_key(next);
    return first_of_shelf(mem_shelf_next(item->shelf, search->prefix));
}

static mem_item_t *start_by_key(const search_t *search)
{
    const mem_store_t *store = search->reader->store;
    if (!search->resumed) return first_of_shelf(mem_shelf_first(store, search->prefix));
    cairn_slice_t path = search->behind.path, prefix = search->prefix;
    if (path.len < prefix.len || (prefix.len && memcmp(path.ptr, prefix.ptr, prefix.len) != 0))
        return NULL;
    const mem_shelf_t *shelf = mem_shelf_find(store, path);
    if (shelf) {
        mem_node_t *node = mem_map_from(&shelf->items, mem_key(search->behind.key));
        if (node && cairn_slice_eq(node->key.major, search->behind.key)) node = mem_map_next(node);
        return node ? by_key(node) : first_of_shelf(mem_shelf_next(shelf, prefix));
    }
    mem_node_t *node = mem_map_from(&store->shelves, mem_key(path));
    if (!node) return NULL;
    shelf = CAIRN_CONTAINER_OF(node, mem_shelf_t, node);
    bool below = node->key.major.len >= prefix.len &&
                 (!prefix.len || memcmp(node->key.major.ptr, prefix.ptr, prefix.len) == 0);
    return below ? first_of_shelf(shelf) : NULL;
}

static mem_item_t *take_by_key(search_t *search)
{
    mem_item_t *item = search->next;
    if (item) search->next = following_by_key(search, item);
    return item;
}

/* ---- the page ---- */

/* The next item that matches, or NULL; <0 in `*status`. */
static mem_item_t *next_match(search_t *search, int *status)
{
    bool in_key_order = search->args->order == CAIRN_ORDER_KEY;
    for (;;) {
        mem_item_t *item = in_key_order ? take_by_key(search) : take_by_change(search);
        if (!item || !search->query) return item;
        int matches = cairn_json_query_matches(search->query, item->value);
        if (matches > 0) return item;
        if (matches < 0) {
            *status = matches;
            return NULL;
        }
    }
}

static int fill_page(search_t *search, cairn_store_page_t *page)
{
    const cairn_store_search_args_t *args = search->args;
    cairn_arena_t *arena = search->reader->arena;
    cairn_rows_t rows = {0};
    uint64_t skip = args->offset;
    int rc = 0;
    const mem_item_t *last = NULL;
    for (mem_item_t *item; rc == 0 && (item = next_match(search, &rc));) {
        if (skip > 0) {
            skip--;
            continue;
        }
        if (last && rows.count == args->most) {
            rc = make_cursor(arena, last, &page->cursor);
            break;
        }
        cairn_item_t *row = cairn_rows_add(arena, &rows, sizeof *row);
        rc = row ? mem_read_item(search->reader, item, args->refresh, row) : UV_ENOMEM;
        last = item;
    }
    page->items = rows.at;
    page->count = rows.count;
    return rc;
}

int mem_store_search(mem_reader_t *reader, const cairn_store_search_args_t *args,
                     cairn_store_page_t *page)
{
    *page = (cairn_store_page_t){0};
    if (args->most == 0) return 0;
    if (args->near) return mem_store_near(reader, args, page);
    search_t search = {.reader = reader, .args = args, .resumed = args->cursor.len > 0};
    int rc = search.resumed ? read_cursor(args->cursor, &search.behind) : 0;
    if (rc < 0) return rc;
    mem_path_t prefix;
    rc = mem_path_make(&prefix, args->prefix);
    if (rc < 0) return rc;
    search.prefix = prefix.bytes;
    if (args->filter.len > 0) rc = cairn_json_query_read(args->filter, &search.query, NULL);
    if (rc == 0 && args->order == CAIRN_ORDER_KEY) search.next = start_by_key(&search);
    if (rc == 0 && args->order != CAIRN_ORDER_KEY) rc = fill_heap(&search);
    if (rc == 0) rc = fill_page(&search, page);
    cairn_json_query_free(search.query);
    mem_path_free(&prefix);
    return rc;
}
