#include "../core/random.h"
#include "check.h"
#include "mem_map.h"

#include <cairn/sys/backend.h>
#include <stdlib.h>
#include <string.h>

#define NODES 300

typedef struct entry {
    mem_node_t node;
    char major[2], minor[2];
    bool in;
} entry_t;

static cairn_slice_t random_slice(char *room, uint64_t *random)
{
    size_t len = random_below(random, 3);
    for (size_t i = 0; i < len; i++) room[i] = (char)(random_below(random, 4) * 85);
    return cairn_slice(room, len);
}

static int compare(mem_key_t a, mem_key_t b)
{
    int by_major = cairn_slice_cmp(a.major, b.major);
    return by_major ? by_major : cairn_slice_cmp(a.minor, b.minor);
}

/* The least entry that is not before the key (`from`), or the greatest that is: by looking at all.
 */
static const mem_node_t *naive(const entry_t *entries, mem_key_t key, bool from)
{
    const mem_node_t *found = NULL;
    for (size_t i = 0; i < NODES; i++) {
        const mem_node_t *node = &entries[i].node;
        if (!entries[i].in || (compare(node->key, key) >= 0) != from) continue;
        if (!found || (compare(node->key, found->key) < 0) == from) found = node;
    }
    return found;
}

static void assert_equal_nodes(const mem_node_t *a, const mem_node_t *b)
{
    assert_int_equal(!a, !b);
    if (a && b) assert_int_equal(compare(a->key, b->key), 0);
}

static void assert_in_order(const mem_map_t *map, const entry_t *entries)
{
    size_t count = 0, in = 0;
    const mem_node_t *last = NULL;
    for (const mem_node_t *node = mem_map_first(map); node; node = mem_map_next(node)) {
        if (last) assert_true(compare(last->key, node->key) <= 0);
        assert_ptr_equal(mem_map_prev(node), last);
        last = node;
        count++;
    }
    for (size_t i = 0; i < NODES; i++) in += entries[i].in;
    assert_ptr_equal(mem_map_last(map), last);
    assert_int_equal(count, in);
    assert_int_equal(map->count, in);
}

static void agrees_with_looking_at_everything(void **state)
{
    (void)state;
    static entry_t entries[NODES];
    mem_map_t map = {0};
    uint64_t random = 3;
    for (int step = 0; step < 20000; step++) {
        entry_t *entry = &entries[random_below(&random, NODES)];
        if (entry->in) {
            mem_map_remove(&map, &entry->node);
        } else {
            entry->node.key.major = random_slice(entry->major, &random);
            entry->node.key.minor = random_slice(entry->minor, &random);
            mem_map_insert(&map, &entry->node);
        }
        entry->in = !entry->in;

        char major[2], minor[2];
        mem_key_t key = {random_slice(major, &random), random_slice(minor, &random)};
        const mem_node_t *from = naive(entries, key, true);
        assert_equal_nodes(mem_map_from(&map, key), from);
        assert_equal_nodes(mem_map_before(&map, key), naive(entries, key, false));
        bool is_there = from && compare(from->key, key) == 0;
        assert_equal_nodes(mem_map_find(&map, key), is_there ? from : NULL);
        if (step % 500 == 0) assert_in_order(&map, entries);
    }
    assert_in_order(&map, entries);
}

static size_t depth_of(const mem_node_t *node)
{
    if (!node) return 0;
    size_t left = depth_of(node->left), right = depth_of(node->right);
    return 1 + (left > right ? left : right);
}

static void rising_keys_make_no_chain(void **state)
{
    (void)state;
    enum {
        MANY = 50000
    };
    entry_t *entries = calloc(MANY, sizeof *entries);
    assert_non_null(entries);
    mem_map_t map = {0};
    for (size_t i = 0; i < MANY; i++) {
        entries[i].major[0] = (char)(i >> 8);
        entries[i].major[1] = (char)i;
        entries[i].node.key = mem_key(cairn_slice(entries[i].major, 2));
        mem_map_insert(&map, &entries[i].node);
    }
    assert_in_range(depth_of(map.root), 16, 60);
    free(entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_looking_at_everything),
        cmocka_unit_test(rising_keys_make_no_chain),
    };
    return cmocka_run_group_tests_name("mem_map", tests, NULL, NULL);
}
