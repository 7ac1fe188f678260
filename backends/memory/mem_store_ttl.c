/* Time to live: of an item as a whole, in a map by deadline that is looked at before every
 * operation, so that what has expired is gone for whoever asks. */
#include "mem_store.h"

void mem_item_live(mem_store_t *store, mem_item_t *item, int64_t ttl_ms)
{
    if (item->ttl_ms > 0) mem_map_remove(&store->deadlines, &item->in_deadlines);
    item->ttl_ms = ttl_ms;
    if (ttl_ms == CAIRN_TTL_PERSIST) return;
    item->deadline_ms = store->now_ms + (uint64_t)ttl_ms;
    item->in_deadlines.key = mem_number_key(item->deadline_key, item->deadline_ms);
    mem_map_insert(&store->deadlines, &item->in_deadlines);
}

int64_t mem_item_left(const mem_store_t *store, const mem_item_t *item)
{
    if (item->ttl_ms == CAIRN_TTL_PERSIST) return CAIRN_TTL_PERSIST;
    return (int64_t)(item->deadline_ms - store->now_ms);
}

void mem_store_expire(mem_store_t *store, uint64_t now_ms)
{
    store->now_ms = now_ms;
    for (mem_node_t *node; (node = mem_map_first(&store->deadlines));) {
        mem_item_t *item = CAIRN_CONTAINER_OF(node, mem_item_t, in_deadlines);
        if (item->deadline_ms > now_ms) return;
        mem_item_delete(store, item);
    }
}

uint64_t mem_store_expires_next_ms(const mem_store_t *store)
{
    const mem_node_t *node = mem_map_first(&store->deadlines);
    return node ? CAIRN_CONTAINER_OF(node, mem_item_t, in_deadlines)->deadline_ms : UINT64_MAX;
}
