/* The slot of a key, of an id, of a namespace; and what becomes of a map. */
#include "redis_slots.h"

#include "alloc_fault.h"
#include "check.h"
#include "redis_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum {
    ROUNDS = 20000,
    MOST = 40,
    LABELS = 4
};

/* ---- slots ---- */

static void crc16_is_that_of_xmodem(void **state)
{
    (void)state;
    assert_int_equal(redis_crc16(0, cairn_str("123456789")), 0x31c3);
    assert_int_equal(redis_crc16(redis_crc16(0, cairn_str("1234")), cairn_str("56789")), 0x31c3);
    assert_int_equal(redis_crc16(0, cairn_str("")), 0);
}

/* The bit by bit definition. */
static unsigned plain_crc16(cairn_slice_t bytes)
{
    unsigned crc = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (unsigned)(unsigned char)bytes.ptr[i] << 8;
        for (int bit = 0; bit < 8; bit++) crc = (crc << 1 ^ (crc & 0x8000 ? 0x1021u : 0)) & 0xffff;
    }
    return crc;
}

static void random_bytes(unsigned *seed, char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) bytes[i] = (char)rand_r(seed);
}

static void any_bytes_have_the_crc_of_its_definition(void **state)
{
    (void)state;
    unsigned seed = 1;
    char bytes[MOST];
    for (int i = 0; i < ROUNDS; i++) {
        const cairn_slice_t key = cairn_slice(bytes, (size_t)rand_r(&seed) % MOST);
        random_bytes(&seed, bytes, key.len);
        assert_int_equal(redis_crc16(0, key), plain_crc16(key));
        assert_int_equal(redis_slot_of_tag(key), plain_crc16(key) % 16384);
    }
}

static void assert_hashed(const char *key, const char *part)
{
    const unsigned expected = plain_crc16(cairn_str(part)) % 16384,
                   found = redis_slot(cairn_str(key));
    if (found != expected) check_fail("%s has slot %u, not %u of %s", key, found, expected, part);
}

static void a_tag_is_hashed_instead_of_its_key(void **state)
{
    (void)state;
    assert_int_equal(redis_slot(cairn_str("foo")), 12182);
    assert_int_equal(redis_slot(cairn_slice(NULL, 0)), 0);
    static const char *const cases[][2] = {
        {"{user1000}.following", "user1000"},
        {"a{user1000}", "user1000"},
        {"{a}{b}", "a"},
        {"foo{bar}{zap}", "bar"},
        {"foo{{bar}}zap", "{bar"},
        {"{a:b}", "a:b"},
        {"foo{}{bar}", "foo{}{bar}"},
        {"{}", "{}"},
        {"{", "{"},
        {"}{", "}{"},
        {"a}b{c}", "c"},
        {"a{b", "a{b"},
        {"{", "{"},
        {"}", "}"},
        {"{}}", "{}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_hashed(cases[i][0], cases[i][1]);
}

/* In memory of exactly its size, so that a byte too many is seen. */
static cairn_slice_t random_id(unsigned *seed)
{
    const size_t len = (size_t)rand_r(seed) % MOST;
    char *bytes = malloc(len + 1);
    assert_non_null(bytes);
    random_bytes(seed, bytes, len);
    for (size_t i = 0; i < len; i++)
        if (rand_r(seed) % 4 > 0) bytes[i] = "abcXYZ019-._{}:%"[rand_r(seed) % 16];
    return cairn_slice(bytes, len);
}

static void free_id(cairn_slice_t id)
{
    free((char *)(uintptr_t)id.ptr);
}

static void an_id_has_the_slot_of_its_keys(void **state)
{
    (void)state;
    unsigned seed = 2;
    char key[256];
    for (int i = 0; i < ROUNDS; i++) {
        const cairn_slice_t id = i == 0 ? cairn_str("") : random_id(&seed);
        char *end = stpcpy(key, REDIS_KEY_CHECKPOINT "{");
        end = stpcpy(redis_escape(end, id), "}:ns:1");
        assert_int_equal(redis_slot_of_id(id), redis_slot(cairn_slice(key, (size_t)(end - key))));
        if (i > 0) free_id(id);
    }
}

static void a_namespace_has_the_slot_of_its_keys(void **state)
{
    (void)state;
    unsigned seed = 3;
    char key[1024];
    for (int i = 0; i < ROUNDS / 4; i++) {
        cairn_slice_t labels[LABELS];
        const cairn_namespace_t ns = {labels, (size_t)rand_r(&seed) % LABELS + 1};
        for (size_t at = 0; at < ns.count; at++) labels[at] = random_id(&seed);
        char *end = stpcpy(key, REDIS_KEY_STORE REDIS_ITEM);
        end = stpcpy(redis_space_tag(end, ns), ":key");
        size_t tag_size;
        assert_int_equal(redis_slot_of_space(ns, &tag_size),
                         redis_slot(cairn_slice(key, (size_t)(end - key))));
        assert_int_equal(tag_size, redis_space_tag_size(ns));
        for (size_t at = 0; at < ns.count; at++) free_id(labels[at]);
    }
}

/* ---- the map ---- */

static redis_address_t place_of(const char *host, uint16_t port)
{
    redis_address_t place;
    assert_true(redis_address_set(&place, cairn_str(host), port));
    return place;
}

static uint16_t note(redis_slot_map_t *map, unsigned slot, uint16_t port)
{
    const redis_address_t place = place_of("h", port);
    uint16_t node = REDIS_NO_NODE;
    assert_status(redis_slot_map_note(map, slot, &place, &node), 0);
    return node;
}

static void a_new_map_covers_nothing(void **state)
{
    (void)state;
    redis_slot_map_t map;
    redis_slot_map_init(&map);
    assert_null(redis_slot_map_owner(&map, 0));
    assert_null(redis_slot_map_owner(&map, REDIS_SLOTS - 1));
    assert_int_equal(map.covered, 0);
    assert_int_equal(redis_slot_map_find_id(&map, ""), REDIS_NO_NODE);
    redis_slot_map_free(&map);
}

static void what_is_noted_owns(void **state)
{
    (void)state;
    redis_slot_map_t map;
    redis_slot_map_init(&map);
    assert_int_equal(note(&map, 5, 1), 0);
    assert_int_equal(note(&map, 5, 1), 0);
    assert_int_equal(note(&map, 6, 1), 0);
    assert_int_equal(map.covered, 2);
    assert_int_equal(note(&map, 6, 2), 1);
    assert_int_equal(map.covered, 2);
    assert_int_equal(map.count, 2);
    assert_int_equal(map.shards, 2);
    assert_int_equal(redis_slot_map_owner(&map, 6)->place.port, 2);

    redis_node_t replica = {.id = "r", .shard = 0, .replica = true, .place = place_of("r", 3)};
    assert_status(redis_slot_map_add(&map, &replica), 0);
    assert_int_equal(map.shards, 2);
    uint16_t node;
    assert_status(redis_slot_map_note(&map, 7, &replica.place, &node), 0);
    assert_int_equal(node, redis_slot_map_find_id(&map, "r"));
    assert_false(map.nodes[node].replica);
    redis_slot_map_free(&map);
}

static void of_two_at_a_place_the_living_is_found(void **state)
{
    (void)state;
    redis_slot_map_t map;
    redis_slot_map_init(&map);
    redis_node_t node = {.id = "old", .health = REDIS_FAILED, .place = place_of("h", 1)};
    assert_status(redis_slot_map_add(&map, &node), 0);
    assert_int_equal(redis_slot_map_find(&map, &node.place), 0);
    node = (redis_node_t){.id = "new", .shard = 1, .place = place_of("H", 1)};
    assert_status(redis_slot_map_add(&map, &node), 0);
    assert_int_equal(redis_slot_map_find(&map, &node.place), 1);
    node.place.port = 2;
    assert_int_equal(redis_slot_map_find(&map, &node.place), REDIS_NO_NODE);
    redis_slot_map_free(&map);
}

static void a_map_is_full_one_day(void **state)
{
    (void)state;
    redis_slot_map_t map;
    redis_slot_map_init(&map);
    for (unsigned i = 0; i < REDIS_NODES_MAX; i++)
        assert_int_equal(note(&map, i, (uint16_t)(i + 1)), i);
    const redis_address_t place = place_of("one more", 1);
    uint16_t node;
    assert_status(redis_slot_map_note(&map, 0, &place, &node), CAIRN_ECLUSTER);
    assert_int_equal(redis_slot_map_owner(&map, 0)->place.port, 1);
    assert_int_equal(note(&map, 0, 9), 8);
    redis_slot_map_free(&map);
}

static void memory_may_be_gone(void **state)
{
    (void)state;
    redis_slot_map_t map;
    redis_slot_map_init(&map);
    alloc_watch();
    alloc_fail(ALLOC_FAIL_ONCE, 1);
    const redis_address_t place = place_of("h", 1);
    uint16_t node;
    assert_status(redis_slot_map_note(&map, 0, &place, &node), UV_ENOMEM);
    assert_null(redis_slot_map_owner(&map, 0));
    assert_int_equal(map.covered, 0);
    assert_int_equal(note(&map, 0, 1), 0);
    redis_slot_map_free(&map);
    assert_int_equal(alloc_live(), 0);
    alloc_unwatch();
}

/* ---- two maps ---- */

typedef struct told {
    char text[512];
} told_t;

static void on_changed(void *ctx, unsigned first, unsigned last, uint16_t before, uint16_t after)
{
    told_t *told = ctx;
    const size_t used = strlen(told->text);
    snprintf(told->text + used, sizeof told->text - used, "%u-%u %d>%d ", first, last,
             before == REDIS_NO_NODE ? -1 : before, after == REDIS_NO_NODE ? -1 : after);
}

static void add(redis_slot_map_t *map, const char *id, uint16_t port, unsigned first, unsigned last)
{
    redis_node_t node = {.shard = map->shards, .place = place_of("h", port)};
    snprintf(node.id, sizeof node.id, "%s", id);
    assert_status(redis_slot_map_add(map, &node), 0);
    for (unsigned slot = first; slot <= last; slot++) {
        map->owner[slot] = (uint16_t)(map->count - 1);
        map->covered++;
    }
}

static void assert_changes(const redis_slot_map_t *before, const redis_slot_map_t *after,
                           size_t count, const char *expected)
{
    told_t told = {""};
    assert_int_equal(redis_slot_map_compare(before, after, on_changed, &told), count);
    assert_string_equal(told.text, expected);
    assert_int_equal(redis_slot_map_compare(before, after, NULL, NULL), count);
}

static void what_has_changed_is_told_in_runs(void **state)
{
    (void)state;
    redis_slot_map_t a, b;
    redis_slot_map_init(&a);
    redis_slot_map_init(&b);
    assert_changes(&a, &b, 0, "");
    add(&a, "one", 1, 0, 99);
    add(&a, "two", 2, 100, 199);
    assert_changes(&a, &a, 0, "");
    assert_changes(&a, &b, 200, "0-99 0>-1 100-199 1>-1 ");
    assert_changes(&b, &a, 200, "0-99 -1>0 100-199 -1>1 ");
    add(&b, "two", 2, 100, 199);
    add(&b, "one", 1, 0, 99);
    assert_changes(&a, &b, 0, "");
    b.owner[5] = b.owner[6] = 0;
    b.owner[150] = REDIS_NO_NODE;
    b.owner[REDIS_SLOTS - 1] = 1;
    assert_changes(&a, &b, 4, "5-6 0>0 150-150 1>-1 16383-16383 -1>1 ");
    redis_slot_map_free(&a);
    redis_slot_map_free(&b);
}

static void a_node_is_its_place_and_its_id(void **state)
{
    (void)state;
    redis_slot_map_t known, moved, replaced, noted;
    redis_slot_map_init(&known);
    redis_slot_map_init(&moved);
    redis_slot_map_init(&replaced);
    redis_slot_map_init(&noted);
    add(&known, "one", 1, 0, 9);
    add(&moved, "one", 2, 0, 9);
    add(&replaced, "another", 1, 0, 9);
    add(&noted, "", 1, 0, 9);
    assert_changes(&known, &moved, 10, "0-9 0>0 ");
    assert_changes(&known, &replaced, 10, "0-9 0>0 ");
    assert_changes(&known, &noted, 0, "");
    assert_changes(&noted, &known, 0, "");
    redis_slot_map_free(&known);
    redis_slot_map_free(&moved);
    redis_slot_map_free(&replaced);
    redis_slot_map_free(&noted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc16_is_that_of_xmodem),
        cmocka_unit_test(any_bytes_have_the_crc_of_its_definition),
        cmocka_unit_test(a_tag_is_hashed_instead_of_its_key),
        cmocka_unit_test(an_id_has_the_slot_of_its_keys),
        cmocka_unit_test(a_namespace_has_the_slot_of_its_keys),
        cmocka_unit_test(a_new_map_covers_nothing),
        cmocka_unit_test(what_is_noted_owns),
        cmocka_unit_test(of_two_at_a_place_the_living_is_found),
        cmocka_unit_test(a_map_is_full_one_day),
        cmocka_unit_test(memory_may_be_gone),
        cmocka_unit_test(what_has_changed_is_told_in_runs),
        cmocka_unit_test(a_node_is_its_place_and_its_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
