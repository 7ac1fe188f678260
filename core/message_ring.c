#include "message_ring.h"

#include <cairn/sys/alloc.h>
#include <string.h>
#include <uv.h>

#define FIRST_CAPACITY 1024u
#define ALIGNMENT 8u

/* Precedes each record's channel and payload. A size of 0 says: the rest of the block is padding.
 */
typedef struct header {
    uint64_t size; /* of the whole record, aligned */
    uint64_t payload_len;
    int64_t lost;
    uint32_t channel_len;
    uint32_t reserved;
} header_t;

_Static_assert(sizeof(header_t) == MESSAGE_RING_OVERHEAD, "the documented cost of a message");

int64_t message_lost_add(int64_t a, int64_t b)
{
    return a < 0 || b < 0 ? -1 : a + b;
}

void message_ring_init(message_ring_t *ring, uint32_t max_messages, uint64_t max_bytes)
{
    memset(ring, 0, sizeof *ring);
    ring->max_messages = max_messages;
    ring->max_bytes = max_bytes;
}

void message_ring_free(message_ring_t *ring)
{
    cairn_free(ring->block);
    cairn_free(ring->retired);
    memset(ring, 0, sizeof *ring);
}

static header_t *header_at(const message_ring_t *ring, size_t at)
{
    return (header_t *)(void *)(ring->block + at);
}

/* The record at `at`, or at the block's beginning if only padding is left there. */
static size_t skip_padding(const message_ring_t *ring, size_t at)
{
    if (at == ring->capacity || header_at(ring, at)->size == 0) return 0;
    return at;
}

static size_t cost_of(size_t channel_len, size_t payload_len)
{
    return MESSAGE_RING_OVERHEAD + channel_len + payload_len;
}

/* Copies the records not yet taken to a larger block, dense from its beginning. */
static int grow(message_ring_t *ring, size_t need)
{
    need += ring->queued + (size_t)ring->count * (ALIGNMENT - 1);
    size_t capacity = ring->capacity ? ring->capacity : FIRST_CAPACITY;
    while (capacity < need) {
        if (capacity > SIZE_MAX / 2) return UV_ENOMEM;
        capacity *= 2;
    }
    if (capacity == ring->capacity)
        capacity *= 2; /* fragmented: room in all, but not in one piece */
    char *block = cairn_malloc(capacity);
    if (!block) return UV_ENOMEM;

    size_t at = ring->front, to = 0;
    for (uint32_t i = 0; i < ring->count; i++) {
        at = skip_padding(ring, at);
        size_t size = (size_t)header_at(ring, at)->size;
        memcpy(block + to, ring->block + at, size);
        at += size;
        to += size;
    }
    if (ring->taken && !ring->retired) {
        ring->retired = ring->block;
    } else {
        cairn_free(ring->block);
    }
    ring->block = block;
    ring->capacity = capacity;
    ring->head = ring->front = 0;
    ring->tail = to;
    ring->used = to;
    return 0;
}

/* Where a record of `size` bytes can go in one piece, or SIZE_MAX. */
static size_t place(message_ring_t *ring, size_t size)
{
    size_t free_bytes = ring->capacity - ring->used;
    if (free_bytes < size) return SIZE_MAX;
    bool wrapped = ring->tail < ring->head || (ring->tail == ring->head && ring->used > 0);
    size_t to_end = (wrapped ? ring->head : ring->capacity) - ring->tail;
    if (to_end >= size) return ring->tail;
    if (wrapped || ring->head < size) return SIZE_MAX;
    if (to_end > 0) header_at(ring, ring->tail)->size = 0;
    ring->used += to_end;
    return 0;
}

int message_ring_push(message_ring_t *ring, const message_record_t *record)
{
    size_t cost = cost_of(record->channel.len, record->payload.len);
    if (ring->count >= ring->max_messages) return UV_ENOBUFS;
    if (cost > ring->max_bytes || ring->queued > ring->max_bytes - cost) return UV_ENOBUFS;
    return message_ring_push_unbounded(ring, record);
}

int message_ring_push_unbounded(message_ring_t *ring, const message_record_t *record)
{
    size_t cost = cost_of(record->channel.len, record->payload.len);
    size_t size = (cost + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    size_t at = place(ring, size);
    if (at == SIZE_MAX) {
        int rc = grow(ring, size);
        if (rc < 0) return rc;
        at = place(ring, size);
    }
    header_t *header = header_at(ring, at);
    *header = (header_t){.size = size,
                         .payload_len = record->payload.len,
                         .lost = record->lost,
                         .channel_len = (uint32_t)record->channel.len};
    char *to = (char *)(header + 1);
    if (record->channel.len) memcpy(to, record->channel.ptr, record->channel.len);
    if (record->payload.len)
        memcpy(to + record->channel.len, record->payload.ptr, record->payload.len);
    ring->tail = at + size;
    ring->used += size;
    ring->queued += cost;
    ring->count++;
    return 0;
}

/* Steps over the record at `front`; its bytes stay. */
static header_t *advance_front(message_ring_t *ring)
{
    size_t at = skip_padding(ring, ring->front);
    header_t *header = header_at(ring, at);
    ring->front = at + (size_t)header->size;
    ring->queued -= cost_of(header->channel_len, (size_t)header->payload_len);
    ring->count--;
    return header;
}

/* Gives the bytes up to `front` back; nothing there may be lent out. */
static void reclaim(message_ring_t *ring)
{
    if (ring->count == 0) {
        ring->head = ring->front = ring->tail = ring->used = 0;
        return;
    }
    size_t freed = ring->front >= ring->head ? ring->front - ring->head
                                             : ring->capacity - ring->head + ring->front;
    ring->used -= freed;
    ring->head = ring->front;
}

int64_t message_ring_take_lost(message_ring_t *ring)
{
    if (ring->count == 0) return 0;
    header_t *header = header_at(ring, skip_padding(ring, ring->front));
    int64_t lost = header->lost;
    header->lost = 0;
    return lost;
}

bool message_ring_take(message_ring_t *ring, message_record_t *out)
{
    if (ring->count == 0) return false;
    const header_t *header = advance_front(ring);
    const char *bytes = (const char *)(header + 1);
    out->channel = cairn_slice(bytes, header->channel_len);
    out->payload = cairn_slice(bytes + header->channel_len, (size_t)header->payload_len);
    out->lost = header->lost;
    ring->taken = true;
    return true;
}

void message_ring_release(message_ring_t *ring)
{
    ring->taken = false;
    if (ring->retired) {
        cairn_free(ring->retired);
        ring->retired = NULL;
    }
    reclaim(ring);
}

int64_t message_ring_drop_oldest(message_ring_t *ring)
{
    if (ring->count == 0) return 0;
    int64_t lost = message_lost_add(advance_front(ring)->lost, 1);
    if (!ring->taken || ring->retired) reclaim(ring);
    if (ring->count == 0) return lost;
    header_t *next = header_at(ring, skip_padding(ring, ring->front));
    next->lost = message_lost_add(next->lost, lost);
    return 0;
}
