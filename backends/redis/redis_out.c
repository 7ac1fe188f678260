#include "redis_out.h"

#include <cairn/sys/alloc.h>
#include <stdint.h>
#include <string.h>

#define FIRST_CAPACITY 4096u

void redis_out_free(redis_out_t *out)
{
    cairn_free(out->buf);
    memset(out, 0, sizeof *out);
}

bool redis_out_grow(redis_out_t *out, size_t bytes)
{
    size_t held = redis_out_held(out);
    if (bytes > SIZE_MAX / 4 - held) return false;
    size_t capacity = out->capacity ? out->capacity : FIRST_CAPACITY;
    /* Half of the block free after sliding: so sliding stays rare. */
    while (capacity < 2 * (held + bytes)) capacity *= 2;

    char *to = out->buf;
    if (capacity > out->capacity) to = cairn_malloc(capacity);
    if (!to) return false;
    if (held) memmove(to, out->buf + out->head, held);
    if (to != out->buf) cairn_free(out->buf);
    out->buf = to;
    out->capacity = capacity > out->capacity ? capacity : out->capacity;
    out->sent -= out->head;
    out->tail = held;
    out->head = 0;
    return true;
}
