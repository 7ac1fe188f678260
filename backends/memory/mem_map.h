/* Ordered maps of nodes inside the caller's structs: by the key's major part, then by its minor,
 * bytewise. A treap, so nothing here allocates or fails. Nodes with equal keys may be in one map,
 * in no certain order. */
#ifndef CAIRN_MEM_MAP_H
#define CAIRN_MEM_MAP_H

#include <cairn/bytes.h>
#include <stdint.h>

typedef struct mem_key {
    cairn_slice_t major, minor; /* the bytes are the caller's */
} mem_key_t;

typedef struct mem_node {
    mem_key_t key; /* fixed while the node is in a map */
    uint32_t priority;
    struct mem_node *parent, *left, *right;
} mem_node_t;

static inline mem_key_t mem_key(cairn_slice_t major)
{
    mem_key_t key = {major, {NULL, 0}};
    return key;
}

/* A number as a key that sorts as the number does; it borrows `out`. */
typedef char mem_number_key_t[sizeof(uint64_t)];
mem_key_t mem_number_key(mem_number_key_t out, uint64_t number);

/* Zeroed: empty. */
typedef struct mem_map {
    mem_node_t *root;
    size_t count;
    uint64_t random;
} mem_map_t;

void mem_map_insert(mem_map_t *map, mem_node_t *node);
void mem_map_remove(mem_map_t *map, mem_node_t *node);

/* The first node that is not before `key`; NULL if all are. */
mem_node_t *mem_map_from(const mem_map_t *map, mem_key_t key);

/* The last node that is before `key`; NULL if none is. */
mem_node_t *mem_map_before(const mem_map_t *map, mem_key_t key);

/* A node with that very key, or NULL. */
mem_node_t *mem_map_find(const mem_map_t *map, mem_key_t key);

mem_node_t *mem_map_first(const mem_map_t *map);
mem_node_t *mem_map_last(const mem_map_t *map);
mem_node_t *mem_map_next(const mem_node_t *node);
mem_node_t *mem_map_prev(const mem_node_t *node);

#endif
