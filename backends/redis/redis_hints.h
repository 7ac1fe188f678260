/* What a saver believes to be the latest checkpoint of a (thread, namespace), and the blobs it
 * names: that of the last put or get that came by. With it a get asks for the values by their keys
 * in the same transaction that finds the latest, and they need not pass through a script. Only a
 * belief: the server says in that transaction whether it holds. Should it not, the request is made
 * anew, and comes behind others that were made after it; so what was done here must not be the
 * reason: what may be gone, by a deletion or by its TTL, is not believed.
 *
 * A table of a fixed number of slots, one for each hash; a newcomer takes the slot over. */
#ifndef CAIRN_REDIS_HINTS_H
#define CAIRN_REDIS_HINTS_H

#include <cairn/bytes.h>
#include <stdint.h>

typedef struct redis_hint {
    uint64_t
        sure_until_ms; /* until then it was there when last heard of, and not deleted from here */
    uint64_t epoch;    /* in which that holds */
    uint64_t token;    /* of this one, and no other */
    bool newest;       /* it was the latest, and nothing newer was put from here */
    uint32_t room;     /* behind the struct */
    uint32_t thread, ns, id, list; /* sizes; they follow each other */
    char bytes[];
} redis_hint_t;

typedef struct redis_hints {
    redis_hint_t **slots; /* NULL: none yet */
    uint64_t epoch;
    uint64_t made;
} redis_hints_t;

/* Zero it before use. Frees what it holds. */
void redis_hints_free(redis_hints_t *hints);

/* Copies. What comes behind the newest is the newest. One with a lesser id than is known is left
 * alone; so is what is too long, and everything without memory. sure_until_ms: 0 if it is not known
 * for how long it will be there. */
void redis_hints_set(redis_hints_t *hints, cairn_slice_t thread_id, cairn_slice_t ns,
                     cairn_slice_t id, cairn_slice_t list, uint64_t sure_until_ms);

/* That with this token is the latest, if it is still here. */
void redis_hints_confirm(redis_hints_t *hints, uint64_t token);

/* Something is deleted, or its life shortened: nothing is sure any more. */
static inline void redis_hints_doubt(redis_hints_t *hints)
{
    hints->epoch++;
}

/* NULL: none, or it may be gone by what happened here. Valid until the next set. */
const redis_hint_t *redis_hints_get(const redis_hints_t *hints, cairn_slice_t thread_id,
                                    cairn_slice_t ns, uint64_t now_ms);

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
