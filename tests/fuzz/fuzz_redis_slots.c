/* What nodes of a cluster say: read or refused, whatever it is; a map that was read is whole, and
 * one that was refused has changed nothing.
 *
 * The first byte of the input decides what the rest is the answer to, and how it was asked. */
#include "redis_slots.h"

#include <cairn/error.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition) require((condition), #condition, __LINE__)

typedef int read_t(redis_reply_t *reply, const redis_asked_t *asked, redis_slot_map_t *map);

static void require(bool holds, const char *condition, int line)
{
    if (holds) return;
    fprintf(stderr, "fuzz_redis_slots: line %d: %s\n", line, condition);
    abort();
}

static void check_place(const redis_address_t *place)
{
    const size_t len = strnlen(place->host, sizeof place->host);
    REQUIRE(len > 0 && len < sizeof place->host);
    REQUIRE(place->port > 0);
    for (size_t i = 0; i < len; i++) REQUIRE((unsigned char)place->host[i] > ' ');
}

static void check_map(const redis_slot_map_t *map)
{
    size_t covered = 0;
    REQUIRE(map->count <= REDIS_NODES_MAX && map->shards <= map->count);
    for (uint16_t i = 0; i < map->count; i++) {
        const redis_node_t *node = &map->nodes[i];
        check_place(&node->place);
        REQUIRE(strnlen(node->id, sizeof node->id) < sizeof node->id);
        REQUIRE(node->shard < map->shards);
        REQUIRE(node->health <= REDIS_FAILED);
        REQUIRE(!*node->id || redis_slot_map_find_id(map, node->id) == i);
    }
    for (unsigned slot = 0; slot < REDIS_SLOTS; slot++) {
        const uint16_t owner = map->owner[slot];
        REQUIRE(owner == REDIS_NO_NODE || owner < map->count);
        REQUIRE(owner == REDIS_NO_NODE || !map->nodes[owner].replica);
        covered += owner != REDIS_NO_NODE;
    }
    REQUIRE(map->covered == covered);
}

/* Each slot is told at most once, in order. */
typedef struct changes {
    size_t count;
    unsigned next;
} changes_t;

static void on_changed(void *ctx, unsigned first, unsigned last, uint16_t before, uint16_t after)
{
    changes_t *changes = ctx;
    REQUIRE(first >= changes->next && first <= last && last < REDIS_SLOTS);
    REQUIRE(before != REDIS_NO_NODE || after != REDIS_NO_NODE);
    changes->next = last + 1;
    changes->count += last - first + 1;
}

static void check_compare(const redis_slot_map_t *before, const redis_slot_map_t *after)
{
    changes_t changes = {0, 0};
    REQUIRE(redis_slot_map_compare(before, after, on_changed, &changes) == changes.count);
}

static void check_note(redis_slot_map_t *map)
{
    redis_address_t place;
    uint16_t node;
    REQUIRE(redis_address_set(&place, cairn_str("noted"), 1));
    int rc = redis_slot_map_note(map, 77, &place, &node);
    REQUIRE(rc == 0 || (rc == CAIRN_ECLUSTER && map->count == REDIS_NODES_MAX));
    if (rc == 0) REQUIRE(map->owner[77] == node);
    check_map(map);
}

/* The same bytes are the same map, until something is noted in it. */
static void check_again(read_t *read, const redis_asked_t *asked, redis_reply_t reply,
                        const redis_slot_map_t *map)
{
    redis_slot_map_t again;
    redis_slot_map_init(&again);
    REQUIRE(read(&reply, asked, &again) == 0);
    check_compare(map, &again);
    check_note(&again);
    check_compare(map, &again);
    check_compare(&again, map);
    redis_slot_map_free(&again);
}

static void read_map(read_t *read, const redis_asked_t *asked, const char *bytes, size_t len)
{
    redis_slot_map_t map;
    redis_slot_map_init(&map);
    redis_reply_t reply;
    redis_reply_init(&reply, bytes, len);
    const redis_reply_t whole = reply;
    int rc = read(&reply, asked, &map);
    REQUIRE(rc == 0 || rc == CAIRN_EPROTOCOL);
    if (rc == 0) {
        check_map(&map);
        check_again(read, asked, whole, &map);
    } else {
        REQUIRE(map.count == 0 && map.covered == 0);
    }
    redis_slot_map_free(&map);
}

static void read_redirect(const redis_asked_t *asked, const char *bytes, size_t len)
{
    redis_redirect_t redirect;
    int rc = redis_redirect_read(cairn_slice(bytes, len), asked, &redirect);
    REQUIRE(rc == 1 || rc == 0 || rc == CAIRN_EPROTOCOL);
    if (rc < 1) return;
    check_place(&redirect.place);
    REQUIRE(redirect.slot < REDIS_SLOTS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    const redis_asked_t asked = {
        .host = data[0] & 8 ? cairn_slice(NULL, 0) : cairn_str("asked"),
        .port = 7000,
        .tls = (data[0] & 4) != 0,
    };
    /* Exactly these bytes, so that a sanitizer sees a read beyond them. */
    char *bytes = malloc(size);
    REQUIRE(bytes != NULL);
    memcpy(bytes, data, size);
    switch (data[0] & 3) {
    case 0:
        read_map(redis_slots_read_shards, &asked, bytes + 1, size - 1);
        break;
    case 1:
        read_map(redis_slots_read_slots, &asked, bytes + 1, size - 1);
        break;
    default:
        read_redirect(&asked, bytes + 1, size - 1);
    }
    free(bytes);
    return 0;
}
