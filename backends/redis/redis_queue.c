#include "redis_queue.h"

#include <cairn/sys/alloc.h>

#define FIRST_ENTRIES 64u

void redis_queue_free(redis_queue_t *queue)
{
    cairn_free(queue->entries);
    memset(queue, 0, sizeof *queue);
}

bool redis_queue_grow(redis_queue_t *queue)
{
    uint64_t count = queue->entries ? 2 * (queue->mask + 1) : FIRST_ENTRIES;
    redis_entry_t *entries = cairn_calloc(count, sizeof *entries);
    if (!entries) return false;
    for (uint64_t seq = queue->head; seq != queue->tail; seq++)
        entries[seq & (count - 1)] = *redis_queue_at(queue, seq);
    cairn_free(queue->entries);
    queue->entries = entries;
    queue->mask = count - 1;
    return true;
}
