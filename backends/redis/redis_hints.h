/* What a saver believes to be the latest checkpoint of a (thread, namespace), and the blobs it names:
 * that of the last put or get that came by. With it a get asks for the values by their keys in the
 * same transaction that finds the latest, and they need not pass through a script. Only a belief: the
 * server says in that transaction whether it holds.
 *
 * A table of a fixed number of slots, one for each hash; a newcomer takes the slot over. */
#ifndef CAIRN_REDIS_HINTS_H
#define CAIRN_REDIS_HINTS_H

#include <cairn/bytes.h>
#include <stdint.h>

typedef struct redis_hint {
    uint32_t room; /* behind the struct */
    uint32_t thread, ns, id, list; /* sizes; they follow each other */
    char bytes[];
} redis_hint_t;

typedef struct redis_hints {
    redis_hint_t **slots; /* NULL: none yet */
} redis_hints_t;

/* Zero it before use. Frees what it holds. */
void redis_hints_free(redis_hints_t *hints);

/* Copies. One with a lesser id than is known is left alone; so is what is too long, and everything
 * without memory. */
void redis_hints_set(redis_hints_t *hints, cairn_slice_t thread_id, cairn_slice_t ns,
                     cairn_slice_t id, cairn_slice_t list);

/* NULL: none. Valid until the next set. */
const redis_hint_t *redis_hints_get(const redis_hints_t *hints, cairn_slice_t thread_id,
                                    cairn_slice_t ns);

static inline cairn_slice_t redis_hint_id(const redis_hint_t *hint)
{
    return cairn_slice(hint->bytes + hint->thread + hint->ns, hint->id);
}

/* Suffixes of the blobs, with a space between them. */
static inline cairn_slice_t redis_hint_list(const redis_hint_t *hint)
{
    return cairn_slice(hint->bytes + hint->thread + hint->ns + hint->id, hint->list);
}

#endif
