/* put and delete: everything that can fail is done before anything is changed. */
#include "mem_store.h"

#include <cairn/sys/alloc.h>
#include <string.h>
#include <uv.h>

static cairn_slice_t keep(char **end, cairn_slice_t bytes)
{
    char *copy = *end;
    if (bytes.len) memcpy(copy, bytes.ptr, bytes.len);
    *end += bytes.len;
    return cairn_slice(copy, bytes.len);
}

static mem_item_t *make_item(const cairn_store_put_args_t *args)
{
    size_t rows = args->vector_count * sizeof(mem_row_t);
    mem_item_t *item = cairn_malloc(sizeof *item + rows + args->key.len + args->value.len + 1);
    if (!item) return NULL;
    *item = (mem_item_t){.ttl_ms = CAIRN_TTL_PERSIST};
    char *end = (char *)item->rows + rows;
    item->node.key = mem_key(keep(&end, args->key));
    item->value = keep(&end, args->value);
    return item;
}

static void drop_item(mem_item_t *item)
{
    if (!item) return;
    for (size_t i = 0; i < item->row_count; i++) mem_table_unclaim(item->rows[i].table);
    cairn_free(item);
}

/* The rows are counted as they are claimed. */
static int claim_rows(mem_shelf_t *shelf, mem_item_t *item, const cairn_store_put_args_t *args)
{
    for (; item->row_count < args->vector_count; item->row_count++) {
        mem_table_t *table = mem_table_claim(shelf, &args->vectors[item->row_count]);
        if (!table) return UV_ENOMEM;
        item->rows[item->row_count] = (mem_row_t){.item = item, .table = table};
    }
    return 0;
}

static int prepare_at(mem_store_t *store, cairn_slice_t path, mem_change_t *change)
{
    const cairn_store_put_args_t *args = change->args;
    bool deletes = !args->value.ptr;
    mem_shelf_t *shelf =
        deletes ? mem_shelf_find(store, path) : mem_shelf_make(store, args->ns, path);
    if (!shelf) return deletes ? 0 : UV_ENOMEM;
    shelf->claims++;
    change->shelf = shelf;
    const mem_item_t *before = mem_item_find(shelf, args->key);
    change->existed = before != NULL;
    change->created_at_us = before ? before->created_at_us : store->now_us;
    if (deletes) return 0;
    change->item = make_item(args);
    return change->item ? claim_rows(shelf, change->item, args) : UV_ENOMEM;
}

int mem_change_prepare(mem_store_t *store, const cairn_store_put_args_t *args, mem_change_t *out)
{
    *out = (mem_change_t){.args = args};
    mem_path_t path;
    int rc = mem_path_make(&path, args->ns);
    if (rc < 0) return rc;
    rc = prepare_at(store, path.bytes, out);
    mem_path_free(&path);
    if (rc < 0) mem_change_drop(store, out);
    return rc;
}

void mem_change_drop(mem_store_t *store, mem_change_t *change)
{
    drop_item(change->item);
    if (!change->shelf) return;
    change->shelf->claims--;
    mem_shelf_trim(store, change->shelf);
}

void mem_change_apply(mem_store_t *store, mem_change_t *change)
{
    mem_shelf_t *shelf = change->shelf;
    if (!shelf) return;
    mem_item_t *before = mem_item_find(shelf, change->args->key), *item = change->item;
    if (before) mem_item_delete(store, before);
    if (item) {
        item->created_at_us = change->created_at_us;
        item->updated_at_us = store->now_us;
        mem_item_add(shelf, item);
        mem_item_live(store, item, change->args->ttl_ms);
        for (size_t i = 0; i < item->row_count; i++)
            mem_table_add(&item->rows[i], change->args->vectors[i].values);
    }
    shelf->claims--;
    mem_shelf_trim(store, shelf);
}
