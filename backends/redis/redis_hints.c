#include "redis_hints.h"

#include <cairn/sys/alloc.h>

enum {
    SLOTS = 4096,
    MOST_BYTES = 4096 /* of one */
};

static size_t slot_of(cairn_slice_t thread_id, cairn_slice_t ns)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < thread_id.len; i++)
        hash = (hash ^ (unsigned char)thread_id.ptr[i]) * 1099511628211u;
    hash = (hash ^ 0x100) * 1099511628211u;
    for (size_t i = 0; i < ns.len; i++) hash = (hash ^ (unsigned char)ns.ptr[i]) * 1099511628211u;
    return (size_t)(hash ^ hash >> 32) % SLOTS;
}

void redis_hints_free(redis_hints_t *hints)
{
    for (size_t i = 0; hints->slots && i < SLOTS; i++) cairn_free(hints->slots[i]);
    cairn_free(hints->slots);
    hints->slots = NULL;
}

static bool is_of(const redis_hint_t *hint, cairn_slice_t thread_id, cairn_slice_t ns)
{
    return cairn_slice_eq(cairn_slice(hint->bytes, hint->thread), thread_id) &&
           cairn_slice_eq(cairn_slice(hint->bytes + hint->thread, hint->ns), ns);
}

const redis_hint_t *redis_hints_get(const redis_hints_t *hints, cairn_slice_t thread_id,
                                    cairn_slice_t ns, uint64_t now_ms)
{
    const redis_hint_t *hint = hints->slots ? hints->slots[slot_of(thread_id, ns)] : NULL;
    if (!hint || hint->epoch != hints->epoch || now_ms >= hint->sure_until_ms) return NULL;
    return is_of(hint, thread_id, ns) ? hint : NULL;
}

static char *append(char *at, cairn_slice_t bytes)
{
    if (bytes.len > 0) memcpy(at, bytes.ptr, bytes.len);
    return at + bytes.len;
}

/* With room for `bytes`, or NULL. */
static redis_hint_t *slot_with_room(redis_hint_t **slot, size_t bytes)
{
    if (*slot && (*slot)->room >= bytes) return *slot;
    redis_hint_t *hint = cairn_malloc(sizeof *hint + bytes);
    if (!hint) return NULL;
    hint->room = (uint32_t)bytes;
    cairn_free(*slot);
    *slot = hint;
    return hint;
}

void redis_hints_set(redis_hints_t *hints, cairn_slice_t thread_id, cairn_slice_t ns,
                     cairn_slice_t id, cairn_slice_t list, uint64_t sure_until_ms)
{
    const size_t bytes = thread_id.len + ns.len + id.len + list.len;
    if (bytes > MOST_BYTES) return;
    if (!hints->slots) hints->slots = cairn_calloc(SLOTS, sizeof *hints->slots);
    if (!hints->slots) return;
    const size_t index = slot_of(thread_id, ns);
    redis_hint_t **slot = &hints->slots[index];
    const bool known = *slot && (*slot)->epoch == hints->epoch && is_of(*slot, thread_id, ns);
    if (known && cairn_slice_cmp(id, redis_hint_id(*slot)) < 0) return;
    const bool newest = known && (*slot)->newest;
    redis_hint_t *hint = slot_with_room(slot, bytes);
    if (!hint) return;
    hint->sure_until_ms = sure_until_ms;
    hint->epoch = hints->epoch;
    hint->newest = newest;
    hint->token = ++hints->made * SLOTS + index;
    hint->thread = (uint32_t)thread_id.len;
    hint->ns = (uint32_t)ns.len;
    hint->id = (uint32_t)id.len;
    hint->list = (uint32_t)list.len;
    append(append(append(append(hint->bytes, thread_id), ns), id), list);
}

void redis_hints_confirm(redis_hints_t *hints, uint64_t token)
{
    redis_hint_t *hint = hints->slots ? hints->slots[token % SLOTS] : NULL;
    if (hint && hint->token == token) hint->newest = true;
}
