#include "redis_slots.h"

#include <cairn/error.h>
#include <cairn/sys/alloc.h>
#include <uv.h>

/* ---- the slot of a key ---- */

uint16_t redis_slot_of_tag(cairn_slice_t tag)
{
    return redis_slot_of_crc(redis_crc16(0, tag));
}

cairn_slice_t redis_key_tag(cairn_slice_t key)
{
    const cairn_slice_t none = {NULL, 0};
    const char *open = key.len > 0 ? memchr(key.ptr, '{', key.len) : NULL;
    if (!open) return none;
    open++;
    const char *close = memchr(open, '}', key.len - (size_t)(open - key.ptr));
    return close ? cairn_slice(open, (size_t)(close - open)) : none;
}

uint16_t redis_slot(cairn_slice_t key)
{
    const cairn_slice_t tag = redis_key_tag(key);
    return redis_slot_of_tag(tag.len > 0 ? tag : key);
}

/* ---- the map ---- */

#define NODES_STEP 16u /* room is made for so many at once */

void redis_slot_map_init(redis_slot_map_t *map)
{
    map->nodes = NULL;
    map->count = map->shards = map->covered = 0;
    for (size_t i = 0; i < REDIS_SLOTS; i++) map->owner[i] = REDIS_NO_NODE;
}

void redis_slot_map_free(redis_slot_map_t *map)
{
    cairn_free(map->nodes);
    redis_slot_map_init(map);
}

uint16_t redis_slot_map_find(const redis_slot_map_t *map, const redis_address_t *place)
{
    uint16_t found = REDIS_NO_NODE;
    for (uint16_t i = 0; i < map->count; i++) {
        if (!redis_address_eq(&map->nodes[i].place, place)) continue;
        if (map->nodes[i].health != REDIS_FAILED) return i;
        if (found == REDIS_NO_NODE) found = i;
    }
    return found;
}

uint16_t redis_slot_map_find_id(const redis_slot_map_t *map, const char *id)
{
    for (uint16_t i = 0; i < map->count && *id; i++)
        if (strcmp(map->nodes[i].id, id) == 0) return i;
    return REDIS_NO_NODE;
}

int redis_slot_map_add(redis_slot_map_t *map, const redis_node_t *node)
{
    if (map->count == REDIS_NODES_MAX) return CAIRN_EPROTOCOL;
    if (map->count % NODES_STEP == 0) {
        const size_t room = map->count + NODES_STEP;
        redis_node_t *nodes = cairn_realloc(map->nodes, room * sizeof *nodes);
        if (!nodes) return UV_ENOMEM;
        map->nodes = nodes;
    }
    map->nodes[map->count++] = *node;
    if (node->shard == map->shards) map->shards++;
    return 0;
}

int redis_slot_map_note(redis_slot_map_t *map, unsigned slot, const redis_address_t *place,
                        uint16_t *node)
{
    uint16_t found = redis_slot_map_find(map, place);
    if (found == REDIS_NO_NODE) {
        if (map->count == REDIS_NODES_MAX) return CAIRN_ECLUSTER;
        const redis_node_t added = {.place = *place, .shard = map->shards};
        int rc = redis_slot_map_add(map, &added);
        if (rc < 0) return rc;
        found = (uint16_t)(map->count - 1);
    }
    map->nodes[found].replica = false;
    map->covered = (uint16_t)(map->covered + (map->owner[slot] == REDIS_NO_NODE));
    map->owner[slot] = *node = found;
    return 0;
}

/* ---- two maps ---- */

static bool is_same(const redis_node_t *a, const redis_node_t *b)
{
    if (!redis_address_eq(&a->place, &b->place)) return false;
    return !*a->id || !*b->id || strcmp(a->id, b->id) == 0;
}

/* Of each node of `before`, which one of `after` it is; mostly they are in the same order. */
static void match_nodes(const redis_slot_map_t *before, const redis_slot_map_t *after,
                        uint16_t *same)
{
    size_t next = 0;
    for (size_t i = 0; i < before->count; i++) {
        same[i] = REDIS_NO_NODE;
        for (size_t tried = 0; tried < after->count; tried++, next++) {
            next %= after->count;
            if (!is_same(&before->nodes[i], &after->nodes[next])) continue;
            same[i] = (uint16_t)next++;
            break;
        }
    }
}

size_t redis_slot_map_compare(const redis_slot_map_t *before, const redis_slot_map_t *after,
                              redis_slots_changed_cb *on_changed, void *ctx)
{
    uint16_t same[REDIS_NODES_MAX];
    match_nodes(before, after, same);
    size_t changed = 0;
    for (unsigned first = 0, last; first < REDIS_SLOTS; first = last + 1) {
        const uint16_t was = before->owner[first], is = after->owner[first];
        for (last = first; last + 1 < REDIS_SLOTS; last++)
            if (before->owner[last + 1] != was || after->owner[last + 1] != is) break;
        const bool kept = was == REDIS_NO_NODE ? is == was : is != REDIS_NO_NODE && same[was] == is;
        if (kept) continue;
        changed += last - first + 1;
        if (on_changed) on_changed(ctx, first, last, was, is);
    }
    return changed;
}
