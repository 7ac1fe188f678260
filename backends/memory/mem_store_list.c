/* list_namespaces: the shelves below what all conditions have in common, in their order. */
#include "mem_store.h"

#include <cairn/sys/namespace.h>
#include <string.h>
#include <uv.h>

#define CLOSED "\0\1" /* how an encoded namespace ends */
#define CLOSED_LEN 2

/* Behind everything that begins with the namespace `encoded`: 00 02 instead of 00 01. */
static mem_shelf_t *behind_all_of(const mem_store_t *store, cairn_arena_t *arena,
                                  cairn_slice_t encoded, int *status)
{
    cairn_slice_t bound;
    *status = cairn_arena_copy(arena, encoded, &bound);
    if (*status < 0) return NULL;
    char *last = (char *)(uintptr_t)bound.ptr + bound.len - 1;
    ++*last;
    mem_node_t *node = mem_map_from(&store->shelves, mem_key(bound));
    return node ? CAIRN_CONTAINER_OF(node, mem_shelf_t, node) : NULL;
}

typedef struct listing {
    const mem_store_t *store;
    const cairn_store_list_args_t *args;
    cairn_arena_t *arena;
    cairn_slice_t common; /* what all begin with */
} listing_t;

static bool is_below(const mem_shelf_t *shelf, cairn_slice_t prefix)
{
    cairn_slice_t path = shelf->node.key.major;
    return path.len >= prefix.len && memcmp(path.ptr, prefix.ptr, prefix.len) == 0;
}

/* How much of the path is that of the first `count` labels. */
static cairn_slice_t cut_path(const mem_shelf_t *shelf, size_t count)
{
    cairn_namespace_t cut = {shelf->ns.labels, count};
    return cairn_slice(shelf->node.key.major.ptr, cairn_namespace_encoded_size(cut));
}

/* The next that is another one when cut. */
static mem_shelf_t *after(const listing_t *listing, const mem_shelf_t *shelf, int *status)
{
    size_t depth = listing->args->max_depth;
    if (depth == 0 || shelf->ns.count < depth) return mem_shelf_next(shelf, listing->common);
    return behind_all_of(listing->store, listing->arena, cut_path(shelf, depth), status);
}

static size_t count_labels(cairn_slice_t encoded)
{
    size_t count = 0;
    for (size_t i = 1; i < encoded.len; i++)
        count += memcmp(encoded.ptr + i - 1, CLOSED, CLOSED_LEN) == 0;
    return count;
}

static mem_shelf_t *first(const listing_t *listing, int *status)
{
    cairn_slice_t cursor = listing->args->cursor;
    *status = 0;
    if (cursor.len == 0) return mem_shelf_first(listing->store, listing->common);
    if (cursor.len <= CLOSED_LEN ||
        memcmp(cursor.ptr + cursor.len - CLOSED_LEN, CLOSED, CLOSED_LEN) != 0) {
        *status = UV_EINVAL;
        return NULL;
    }
    size_t depth = listing->args->max_depth;
    if (depth > 0 && count_labels(cursor) >= depth)
        return behind_all_of(listing->store, listing->arena, cursor, status);
    mem_node_t *node = mem_map_from(&listing->store->shelves, mem_key(cursor));
    if (node && cairn_slice_eq(node->key.major, cursor)) node = mem_map_next(node);
    return node ? CAIRN_CONTAINER_OF(node, mem_shelf_t, node) : NULL;
}

static int add_row(const listing_t *listing, const mem_shelf_t *shelf, cairn_rows_t *rows,
                   cairn_slice_t *last)
{
    cairn_namespace_t cut = cairn_namespace_cut(shelf->ns, listing->args->max_depth);
    cairn_namespace_t *row = cairn_rows_add(listing->arena, rows, sizeof *row);
    if (!row) return UV_ENOMEM;
    *last = cut_path(shelf, cut.count);
    return cairn_namespace_decode(listing->arena, *last, row);
}

static int fill_page(const listing_t *listing, cairn_namespace_page_t *page)
{
    const cairn_store_list_args_t *args = listing->args;
    cairn_rows_t rows = {0};
    cairn_slice_t last = {NULL, 0};
    uint64_t skip = args->offset;
    int rc;
    for (const mem_shelf_t *shelf = first(listing, &rc), *next; rc == 0 && shelf; shelf = next) {
        if (!is_below(shelf, listing->common)) break;
        bool matches = cairn_namespace_matches(shelf->ns, args->conditions, args->condition_count);
        next = matches ? after(listing, shelf, &rc)
                       : (const mem_shelf_t *)mem_shelf_next(shelf, listing->common);
        if (!matches || rc < 0) continue;
        if (skip > 0) {
            skip--;
            continue;
        }
        if (rows.count == args->most) {
            rc = cairn_arena_copy(listing->arena, last, &page->cursor);
            break;
        }
        rc = add_row(listing, shelf, &rows, &last);
    }
    page->namespaces = rows.at;
    page->count = rows.count;
    return rc;
}

int mem_store_list(mem_reader_t *reader, const cairn_store_list_args_t *args,
                   cairn_namespace_page_t *page)
{
    *page = (cairn_namespace_page_t){0};
    if (args->most == 0) return 0;
    mem_path_t common;
    int rc =
        mem_path_make(&common, cairn_namespace_common(args->conditions, args->condition_count));
    if (rc < 0) return rc;
    const listing_t listing = {reader->store, args, reader->arena, common.bytes};
    rc = fill_page(&listing, page);
    mem_path_free(&common);
    return rc;
}
