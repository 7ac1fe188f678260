/* A connection's output: one contiguous window over the stream of commands.
 *
 *     buf ... head ........ sent ........ tail ... capacity
 *              | unanswered  | not yet      |
 *              | by server   | written      |
 *
 * Bytes are kept until their command is answered, not just until they are written, so that what
 * may be sent again after a reconnect need not be encoded again. The window slides to the front of
 * the block when its end is reached; a byte moves at most once on the average. */
#ifndef CAIRN_REDIS_OUT_H
#define CAIRN_REDIS_OUT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct redis_out {
    char *buf;
    size_t capacity;
    size_t head;
    size_t sent;
    size_t tail;
} redis_out_t;

/* Zero it before use. Frees what it holds. */
void redis_out_free(redis_out_t *out);

bool redis_out_grow(redis_out_t *out, size_t bytes);

/* Where `bytes` more may be written, or NULL: out of memory. Valid until the next reserve. */
static inline char *redis_out_reserve(redis_out_t *out, size_t bytes)
{
    if (out->capacity - out->tail < bytes && !redis_out_grow(out, bytes)) return NULL;
    return out->buf + out->tail;
}

/* Bytes not yet answered. */
static inline size_t redis_out_held(const redis_out_t *out)
{
    return out->tail - out->head;
}

static inline size_t redis_out_unsent(const redis_out_t *out)
{
    return out->tail - out->sent;
}

/* The command at the head is answered: lets its bytes go. */
static inline void redis_out_answered(redis_out_t *out, size_t bytes)
{
    out->head += bytes;
    if (out->head == out->tail) out->head = out->sent = out->tail = 0;
}

/* Everything is to be written from the beginning, as after a reconnect. */
static inline void redis_out_rewind(redis_out_t *out)
{
    out->sent = out->head;
}

#endif
