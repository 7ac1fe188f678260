#include "mem_map.h"

mem_key_t mem_number_key(mem_number_key_t out, uint64_t number)
{
    for (size_t i = 0; i < sizeof number; i++)
        out[i] = (char)(number >> (8 * (sizeof number - 1 - i)));
    return mem_key(cairn_slice(out, sizeof number));
}

static int order(const mem_node_t *node, mem_key_t key)
{
    int by_major = cairn_slice_cmp(node->key.major, key.major);
    return by_major != 0 ? by_major : cairn_slice_cmp(node->key.minor, key.minor);
}

/* splitmix64. The shape it gives has nothing to do with the keys. */
static uint32_t next_random(mem_map_t *map)
{
    map->random += 0x9e3779b97f4a7c15u;
    uint64_t z = map->random;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

static mem_node_t **place_of(mem_map_t *map, mem_node_t *node)
{
    if (!node->parent) return &map->root;
    return node->parent->left == node ? &node->parent->left : &node->parent->right;
}

/* Puts `child`, a child of `node`, in its place and the node below it. */
static void rotate_up(mem_map_t *map, mem_node_t *node, mem_node_t *child)
{
    *place_of(map, node) = child;
    child->parent = node->parent;
    node->parent = child;
    mem_node_t *moved;
    if (node->left == child) {
        moved = child->right;
        child->right = node;
        node->left = moved;
    } else {
        moved = child->left;
        child->left = node;
        node->right = moved;
    }
    if (moved) moved->parent = node;
}

void mem_map_insert(mem_map_t *map, mem_node_t *node)
{
    mem_node_t *parent = NULL, **place = &map->root;
    while (*place) {
        parent = *place;
        place = order(parent, node->key) > 0 ? &parent->left : &parent->right;
    }
    node->parent = parent;
    node->left = NULL;
    node->right = NULL;
    node->priority = next_random(map);
    *place = node;
    map->count++;
    while (node->parent && node->parent->priority < node->priority)
        rotate_up(map, node->parent, node);
}

void mem_map_remove(mem_map_t *map, mem_node_t *node)
{
    while (node->left && node->right)
        rotate_up(map, node,
                  node->left->priority > node->right->priority ? node->left : node->right);
    mem_node_t *child = node->left ? node->left : node->right;
    *place_of(map, node) = child;
    if (child) child->parent = node->parent;
    map->count--;
}

mem_node_t *mem_map_from(const mem_map_t *map, mem_key_t key)
{
    mem_node_t *found = NULL;
    for (mem_node_t *at = map->root; at;) {
        if (order(at, key) >= 0) {
            found = at;
            at = at->left;
        } else {
            at = at->right;
        }
    }
    return found;
}

mem_node_t *mem_map_before(const mem_map_t *map, mem_key_t key)
{
    mem_node_t *found = NULL;
    for (mem_node_t *at = map->root; at;) {
        if (order(at, key) < 0) {
            found = at;
            at = at->right;
        } else {
            at = at->left;
        }
    }
    return found;
}

mem_node_t *mem_map_find(const mem_map_t *map, mem_key_t key)
{
    mem_node_t *node = mem_map_from(map, key);
    return node && order(node, key) == 0 ? node : NULL;
}

mem_node_t *mem_map_first(const mem_map_t *map)
{
    mem_node_t *node = map->root;
    while (node && node->left) node = node->left;
    return node;
}

mem_node_t *mem_map_last(const mem_map_t *map)
{
    mem_node_t *node = map->root;
    while (node && node->right) node = node->right;
    return node;
}

mem_node_t *mem_map_next(const mem_node_t *node)
{
    if (node->right) {
        mem_node_t *next = node->right;
        while (next->left) next = next->left;
        return next;
    }
    while (node->parent && node->parent->right == node) node = node->parent;
    return node->parent;
}

mem_node_t *mem_map_prev(const mem_node_t *node)
{
    if (node->left) {
        mem_node_t *prev = node->left;
        while (prev->right) prev = prev->right;
        return prev;
    }
    while (node->parent && node->parent->left == node) node = node->parent;
    return node->parent;
}
