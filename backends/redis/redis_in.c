/* Where bytes are read to, and stay until their replies are taken: it grows by doubling, and is
 * given back when it is empty and was large. */
#include "redis_conn.h"

#include <cairn/sys/alloc.h>
#include <string.h>

#define FIRST_READ (64u << 10)
#define KEEP_READ (1u << 20) /* a larger buffer is given back when it is empty */

void redis_in_free(redis_in_t *in)
{
    cairn_free(in->buf);
    memset(in, 0, sizeof *in);
}

bool redis_in_space(redis_in_t *in, size_t need)
{
    if (in->capacity - in->tail >= need) return true;
    size_t held = in->tail - in->head;
    size_t capacity = in->capacity ? in->capacity : FIRST_READ;
    if (need > SIZE_MAX / 4 - held) return false;
    while (capacity < held + need) capacity *= 2;
    char *to = in->buf;
    if (capacity > in->capacity) to = cairn_malloc(capacity);
    if (!to) return false;
    if (held) memmove(to, in->buf + in->head, held);
    if (to != in->buf) cairn_free(in->buf);
    in->buf = to;
    in->capacity = capacity;
    in->head = 0;
    in->tail = held;
    return true;
}

void redis_in_rest(redis_in_t *in)
{
    if (in->head < in->tail) return;
    in->head = in->tail = 0;
    if (in->capacity > KEEP_READ) redis_in_free(in);
}
