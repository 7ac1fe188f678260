/* Reading: copies of items and namespaces, put together in an arena. */
#include "mem_store.h"

#include <cairn/sys/json.h>
#include <cairn/sys/namespace.h>
#include <uv.h>

mem_reader_t mem_reader(mem_store_t *store, cairn_arena_t *arena)
{
    return (mem_reader_t){.store = store, .arena = arena, .number = ++store->readers};
}

void mem_reader_refresh(const mem_reader_t *reader)
{
    mem_item_t *const *items = reader->touched.at;
    for (size_t i = 0; i < reader->touched.count; i++)
        mem_item_live(reader->store, items[i], items[i]->ttl_ms);
}

/* A namespace is copied once for all its items. */
static int tell_namespace(mem_reader_t *reader, mem_shelf_t *shelf)
{
    if (shelf->told_to == reader->number) return 0;
    cairn_slice_t *labels = cairn_arena_alloc(reader->arena, shelf->ns.count, sizeof *labels);
    if (!labels) return UV_ENOMEM;
    for (size_t i = 0; i < shelf->ns.count; i++) {
        int rc = cairn_arena_copy(reader->arena, shelf->ns.labels[i], &labels[i]);
        if (rc < 0) return rc;
    }
    shelf->told = (cairn_namespace_t){labels, shelf->ns.count};
    shelf->told_to = reader->number;
    return 0;
}

static int touch(mem_reader_t *reader, mem_item_t *item)
{
    if (item->ttl_ms == CAIRN_TTL_PERSIST) return 0;
    mem_item_t **row = cairn_rows_add(reader->arena, &reader->touched, sizeof(mem_item_t *));
    if (!row) return UV_ENOMEM;
    *row = item;
    return 0;
}

int mem_read_item(mem_reader_t *reader, mem_item_t *item, bool refresh, cairn_item_t *out)
{
    int rc = tell_namespace(reader, item->shelf);
    if (rc == 0) rc = cairn_arena_copy(reader->arena, item->node.key.major, &out->key);
    if (rc == 0) rc = cairn_arena_copy(reader->arena, item->value, &out->value);
    if (rc == 0 && refresh) rc = touch(reader, item);
    if (rc < 0) return rc;
    out->ns = item->shelf->told;
    out->created_at_us = item->created_at_us;
    out->updated_at_us = item->updated_at_us;
    out->ttl_ms = item->ttl_ms;
    return 0;
}

int mem_store_get(mem_reader_t *reader, const cairn_store_get_args_t *args,
                  const cairn_item_t **out)
{
    *out = NULL;
    mem_path_t path;
    int rc = mem_path_make(&path, args->ns);
    if (rc < 0) return rc;
    const mem_shelf_t *shelf = mem_shelf_find(reader->store, path.bytes);
    mem_item_t *item = shelf ? mem_item_find(shelf, args->key) : NULL;
    mem_path_free(&path);
    if (!item) return 0;
    cairn_item_t *copy = cairn_arena_alloc(reader->arena, 1, sizeof *copy);
    if (!copy) return UV_ENOMEM;
    *copy = (cairn_item_t){0};
    *out = copy;
    return mem_read_item(reader, item, args->refresh, copy);
}

/* ---- count ---- */

static int count_matches(const mem_shelf_t *shelf, const cairn_json_query_t *query, uint64_t *items)
{
    for (mem_node_t *node = mem_map_first(&shelf->items); node; node = mem_map_next(node)) {
        const mem_item_t *item = CAIRN_CONTAINER_OF(node, mem_item_t, node);
        int matches = cairn_json_query_matches(query, item->value);
        if (matches < 0) return matches;
        *items += (uint64_t)matches;
    }
    return 0;
}

int mem_store_count(const mem_store_t *store, cairn_namespace_t prefix, cairn_slice_t filter,
                    uint64_t *items)
{
    *items = 0;
    mem_path_t path;
    cairn_json_query_t *query = NULL;
    int rc = mem_path_make(&path, prefix);
    if (rc < 0) return rc;
    if (filter.len > 0) rc = cairn_json_query_read(filter, &query, NULL);
    for (mem_shelf_t *shelf = mem_shelf_first(store, path.bytes); shelf && rc == 0;
         shelf = mem_shelf_next(shelf, path.bytes)) {
        if (query)
            rc = count_matches(shelf, query, items);
        else
            *items += shelf->items.count;
    }
    cairn_json_query_free(query);
    mem_path_free(&path);
    return rc;
}
