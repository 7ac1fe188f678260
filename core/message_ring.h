/* A subscription's buffer: messages in arrival order, bounded by count and bytes.
 *
 * Records lie contiguous in one circular block that grows by doubling up to its bound, so a steady
 * state allocates nothing. The record handed out by take stays readable until release, whatever is
 * pushed, dropped or grown meanwhile. */
#ifndef CAIRN_CORE_MESSAGE_RING_H
#define CAIRN_CORE_MESSAGE_RING_H

#include <cairn/bytes.h>
#include <stdint.h>

/* What a record costs beside its bytes. */
#define MESSAGE_RING_OVERHEAD 32u

typedef struct message_record {
    cairn_slice_t channel;
    cairn_slice_t payload;
    int64_t lost; /* messages lost right before this one; -1: unknown how many */
} message_record_t;

typedef struct message_ring {
    char *block;
    size_t capacity; /* of block; a power of two, or 0 */
    size_t head;     /* where the oldest record still readable begins */
    size_t front; /* where the oldest record not yet taken begins; equals head but during a take */
    size_t tail;  /* where the next record goes */
    size_t used;  /* bytes from head to tail, padding at the wrap included */
    size_t
        queued; /* bytes of the records not yet taken, without padding: what the bound is held to */
    uint32_t count; /* records not yet taken */
    uint32_t max_messages;
    uint64_t max_bytes;
    char *retired; /* the block of the record taken, if the ring grew since */
    bool taken;
} message_ring_t;

void message_ring_init(message_ring_t *ring, uint32_t max_messages, uint64_t max_bytes);
void message_ring_free(message_ring_t *ring);

/* Copies. UV_ENOBUFS if a bound would be exceeded, UV_ENOMEM. */
int message_ring_push(message_ring_t *ring, const message_record_t *record);

/* The same without the bounds. */
int message_ring_push_unbounded(message_ring_t *ring, const message_record_t *record);

/* The `lost` of the oldest record not yet taken, which becomes 0; 0 if there is none. */
int64_t message_ring_take_lost(message_ring_t *ring);

/* Takes the oldest record; false if there is none. Release before the next take. */
bool message_ring_take(message_ring_t *ring, message_record_t *out);
void message_ring_release(message_ring_t *ring);

/* Discards the oldest record not yet taken, and adds it and what was lost before it to the
 * `lost` of the next. Returns that sum if there is no next for it to be added to, else 0. */
int64_t message_ring_drop_oldest(message_ring_t *ring);

/* a + b, where -1 is unknown and stays so. */
int64_t message_lost_add(int64_t a, int64_t b);

#endif
