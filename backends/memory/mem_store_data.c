#include "mem_store.h"

#include <cairn/sys/alloc.h>
#include <cairn/sys/namespace.h>
#include <string.h>
#include <uv.h>

/* ---- paths ---- */

int mem_path_make(mem_path_t *path, cairn_namespace_t ns)
{
    size_t size = cairn_namespace_encoded_size(ns);
    path->big = size > sizeof path->small ? cairn_malloc(size) : NULL;
    if (size > sizeof path->small && !path->big) return UV_ENOMEM;
    char *bytes = path->big ? path->big : path->small;
    cairn_namespace_encode(ns, bytes);
    path->bytes = cairn_slice(bytes, size);
    return 0;
}

void mem_path_free(mem_path_t *path)
{
    cairn_free(path->big);
}

/* ---- shelves ---- */

static mem_shelf_t *shelf_of(mem_node_t *node)
{
    return node ? CAIRN_CONTAINER_OF(node, mem_shelf_t, node) : NULL;
}

mem_shelf_t *mem_shelf_find(const mem_store_t *store, cairn_slice_t path)
{
    return shelf_of(mem_map_find(&store->shelves, mem_key(path)));
}

static mem_shelf_t *among(mem_node_t *node, cairn_slice_t prefix)
{
    if (!node || node->key.major.len < prefix.len) return NULL;
    if (prefix.len > 0 && memcmp(node->key.major.ptr, prefix.ptr, prefix.len) != 0) return NULL;
    return shelf_of(node);
}

mem_shelf_t *mem_shelf_first(const mem_store_t *store, cairn_slice_t prefix)
{
    return among(mem_map_from(&store->shelves, mem_key(prefix)), prefix);
}

mem_shelf_t *mem_shelf_next(const mem_shelf_t *shelf, cairn_slice_t prefix)
{
    return among(mem_map_next(&shelf->node), prefix);
}

/* One block: the shelf, its labels, their bytes, its path. */
mem_shelf_t *mem_shelf_make(mem_store_t *store, cairn_namespace_t ns, cairn_slice_t path)
{
    mem_shelf_t *shelf = mem_shelf_find(store, path);
    if (shelf) return shelf;
    size_t bytes = 0;
    for (size_t i = 0; i < ns.count; i++) bytes += ns.labels[i].len;
    shelf = cairn_malloc(sizeof *shelf + ns.count * sizeof *ns.labels + bytes + path.len);
    if (!shelf) return NULL;
    *shelf = (mem_shelf_t){0};
    cairn_slice_t *labels = (cairn_slice_t *)(void *)(shelf + 1);
    char *end = (char *)(labels + ns.count);
    for (size_t i = 0; i < ns.count; i++) {
        memcpy(end, ns.labels[i].ptr, ns.labels[i].len);
        labels[i] = cairn_slice(end, ns.labels[i].len);
        end += ns.labels[i].len;
    }
    memcpy(end, path.ptr, path.len);
    shelf->ns = (cairn_namespace_t){labels, ns.count};
    shelf->node.key = mem_key(cairn_slice(end, path.len));
    mem_map_insert(&store->shelves, &shelf->node);
    return shelf;
}

void mem_shelf_trim(mem_store_t *store, mem_shelf_t *shelf)
{
    if (shelf->items.count > 0 || shelf->claims > 0) return;
    mem_tables_free(shelf);
    mem_map_remove(&store->shelves, &shelf->node);
    cairn_free(shelf);
}

/* ---- items ---- */

mem_item_t *mem_item_find(const mem_shelf_t *shelf, cairn_slice_t key)
{
    mem_node_t *node = mem_map_find(&shelf->items, mem_key(key));
    return node ? CAIRN_CONTAINER_OF(node, mem_item_t, node) : NULL;
}

uint64_t mem_change_number(int64_t updated_at_us)
{
    return UINT64_MAX - (uint64_t)updated_at_us;
}

void mem_item_add(mem_shelf_t *shelf, mem_item_t *item)
{
    item->shelf = shelf;
    item->in_changes.key = mem_number_key(item->change_key, mem_change_number(item->updated_at_us));
    item->in_changes.key.minor = item->node.key.major;
    mem_map_insert(&shelf->items, &item->node);
    mem_map_insert(&shelf->changes, &item->in_changes);
}

void mem_item_delete(mem_store_t *store, mem_item_t *item)
{
    mem_shelf_t *shelf = item->shelf;
    for (size_t i = 0; i < item->row_count; i++) mem_table_remove(&item->rows[i]);
    mem_item_live(store, item, CAIRN_TTL_PERSIST);
    mem_map_remove(&shelf->items, &item->node);
    mem_map_remove(&shelf->changes, &item->in_changes);
    cairn_free(item);
    mem_shelf_trim(store, shelf);
}

void mem_store_clear(mem_store_t *store)
{
    for (mem_node_t *node; (node = mem_map_first(&store->shelves));) {
        mem_node_t *item = mem_map_first(&shelf_of(node)->items);
        mem_item_delete(store, CAIRN_CONTAINER_OF(item, mem_item_t, node));
    }
}
