/* Ids in keys and out of them: any bytes, in their order, each in a way of its own. */
#include "check.h"
#include "redis_keys.h"
#include "redis_slot_tags.h"
#include "redis_slots.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ROUNDS = 20000,
    MOST = 12
};

/* Of ids that are likely to be alike, or hard. */
static cairn_slice_t random_id(unsigned *seed, char room[MOST])
{
    static const char alphabet[] = {0, 1, '\xff', '\xfe', '%', ':', '{', '}', 'a', 'Z', '_', ' '};
    size_t len = (size_t)rand_r(seed) % (MOST + 1);
    for (size_t i = 0; i < len; i++) {
        unsigned random = (unsigned)rand_r(seed);
        room[i] = random % 4 == 0 ? (char)(random >> 8) : alphabet[random / 4 % sizeof alphabet];
    }
    return cairn_slice(room, len);
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

/* In memory of exactly its size, so that a byte too many is seen. */
static cairn_slice_t written(char *(*write)(char *, cairn_slice_t), size_t size, cairn_slice_t id)
{
    char *bytes = malloc(size);
    assert_non_null(bytes);
    assert_ptr_equal(write(bytes, id), bytes + size);
    return cairn_slice(bytes, size);
}

static void an_escaped_id_comes_back(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int i = 0; i < ROUNDS; i++) {
        char room[MOST], back[MOST];
        cairn_slice_t id = random_id(&seed, room);
        cairn_slice_t escaped = written(redis_escape, redis_escaped_size(id), id);
        assert_true(escaped.len > 0);
        for (size_t at = 0; at < escaped.len; at++)
            assert_non_null(strchr("%0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_.-"
                                   "abcdefghijklmnopqrstuvwxyz",
                                   escaped.ptr[at]));
        char *end = redis_unescape(back, escaped);
        assert_true(cairn_slice_eq(cairn_slice(back, (size_t)(end - back)), id));
        free((char *)(uintptr_t)escaped.ptr);
    }
}

static void different_ids_are_escaped_differently(void **state)
{
    (void)state;
    unsigned seed = 2;
    for (int i = 0; i < ROUNDS; i++) {
        char rooms[2][MOST], escaped[2][3 * MOST + 1];
        cairn_slice_t a = random_id(&seed, rooms[0]);
        cairn_slice_t b = random_id(&seed, rooms[1]);
        a.len %= 3, b.len %= 3;
        *redis_escape(escaped[0], a) = '\0';
        *redis_escape(escaped[1], b) = '\0';
        assert_int_equal(strcmp(escaped[0], escaped[1]) == 0, cairn_slice_eq(a, b));
    }
}

static void known_ids_are_spelt_as_they_always_were(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        const char *escaped;
    } known[] = {
        {"", "%"},         {"%", "%25"},       {"a-b_c.d9Z", "a-b_c.d9Z"},
        {"a:b", "a%3Ab"},  {"{x}", "%7Bx%7D"}, {"\xc3\xa9", "%C3%A9"},
        {" \n", "%20%0A"}, {"a b", "a%20b"},   {"1ef/0", "1ef%2F0"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char escaped[32];
        *redis_escape(escaped, cairn_str(known[i].id)) = '\0';
        assert_string_equal(escaped, known[i].escaped);
        assert_int_equal(redis_escaped_size(cairn_str(known[i].id)), strlen(known[i].escaped));
    }
}

/* The beginning of an escaped id: nothing is read beyond it, and no more is written. */
static void an_escaped_id_that_is_cut_gives_no_more_than_there_is(void **state)
{
    (void)state;
    unsigned seed = 3;
    for (int i = 0; i < ROUNDS; i++) {
        char room[MOST];
        cairn_slice_t escaped, id = random_id(&seed, room);
        escaped = written(redis_escape, redis_escaped_size(id), id);
        size_t len = (size_t)rand_r(&seed) % (escaped.len + 1);
        char *cut = malloc(len), *out = malloc(len + 1);
        assert_true(out && (cut || len == 0));
        if (len > 0) memcpy(cut, escaped.ptr, len);
        out[len] = '!';
        char *end = redis_unescape(out, cairn_slice(cut, len));
        assert_in_range(end - out, 0, len);
        assert_int_equal(out[len], '!');
        free(cut), free(out), free((char *)(uintptr_t)escaped.ptr);
    }
}

static void encoded_ids_are_in_the_order_of_the_ids(void **state)
{
    (void)state;
    unsigned seed = 4;
    for (int i = 0; i < ROUNDS; i++) {
        char rooms[2][MOST];
        cairn_slice_t a = random_id(&seed, rooms[0]), b = random_id(&seed, rooms[1]);
        cairn_slice_t x = written(redis_encode, redis_encoded_size(a), a);
        cairn_slice_t y = written(redis_encode, redis_encoded_size(b), b);
        cairn_slice_t p = written(redis_encode_inverted, redis_encoded_size(a), a);
        cairn_slice_t q = written(redis_encode_inverted, redis_encoded_size(b), b);
        const int order = sign(cairn_slice_cmp(a, b));
        assert_int_equal(sign(cairn_slice_cmp(x, y)), order);
        assert_int_equal(sign(cairn_slice_cmp(p, q)), -order);
        /* None is the beginning of another. */
        const size_t shared = x.len < y.len ? x.len : y.len;
        assert_int_equal(memcmp(x.ptr, y.ptr, shared) == 0, order == 0);
        free((char *)(uintptr_t)x.ptr), free((char *)(uintptr_t)y.ptr);
        free((char *)(uintptr_t)p.ptr), free((char *)(uintptr_t)q.ptr);
    }
}

static void encoded_ids_are_taken_apart_again(void **state)
{
    (void)state;
    unsigned seed = 5;
    for (int i = 0; i < ROUNDS; i++) {
        char rooms[2][MOST], bytes[6 * MOST], back[2 * MOST + 2];
        cairn_slice_t a = random_id(&seed, rooms[0]), b = random_id(&seed, rooms[1]), encoded;
        char *end = redis_encode_inverted(redis_encode(bytes, a), b);
        cairn_slice_t rest = cairn_slice(bytes, (size_t)(end - bytes));
        assert_true(redis_take_encoded(&rest, false, &encoded));
        assert_int_equal(encoded.len, redis_encoded_size(a));
        char *stop = redis_decode(back, encoded);
        assert_true(cairn_slice_eq(cairn_slice(back, (size_t)(stop - back)), a));
        assert_true(redis_take_encoded(&rest, true, &encoded));
        assert_int_equal(encoded.len, redis_encoded_size(b));
        assert_int_equal(rest.len, 0);
    }
}

static void what_ends_early_or_was_never_encoded_is_not_taken(void **state)
{
    (void)state;
    static const cairn_slice_t wrong[] = {
        {"", 0},         {"a", 1},       {"a\0", 2},      {"a\0\1", 3},
        {"\0\1\0\0", 4}, {"a\0\377", 3}, {"\0\377\0", 3},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cairn_slice_t rest = wrong[i], encoded;
        assert_false(redis_take_encoded(&rest, false, &encoded));
        assert_ptr_equal(rest.ptr, wrong[i].ptr);
        assert_int_equal(rest.len, wrong[i].len);
    }
    unsigned seed = 6;
    for (int i = 0; i < ROUNDS; i++) {
        char room[MOST], back[MOST];
        cairn_slice_t bytes = random_id(&seed, room), encoded;
        cairn_slice_t rest = bytes;
        if (!redis_take_encoded(&rest, i % 2, &encoded)) continue;
        assert_int_equal(encoded.len + rest.len, bytes.len);
        if (i % 2 == 0) assert_true(redis_decode(back, encoded) < back + encoded.len);
    }
}

static void a_shard_is_one_of_them_and_all_are_used(void **state)
{
    (void)state;
    unsigned used[REDIS_SHARDS] = {0};
    assert_int_equal(redis_shard(cairn_str("")), 0);
    assert_int_equal(redis_shard(cairn_str("t")), 't' % REDIS_SHARDS);
    assert_int_equal(redis_shard(cairn_slice("\xff\xff", 2)), (255 * 33 + 255) % REDIS_SHARDS);
    for (int i = 0; i < 10000; i++) {
        char thread[32];
        snprintf(thread, sizeof thread, "thread-%d", i);
        unsigned shard = redis_shard(cairn_str(thread));
        assert_in_range(shard, 0, REDIS_SHARDS - 1);
        used[shard]++;
    }
    for (unsigned i = 0; i < REDIS_SHARDS; i++) assert_in_range(used[i], 50, 500);
}

static void every_slot_has_a_tag(void **state)
{
    (void)state;
    char all[REDIS_SLOTS * REDIS_SLOT_TAG], key[REDIS_SLOT_TAG + 2] = "{";
    assert_ptr_equal(redis_slot_tags(all, 0, REDIS_SLOTS), all + sizeof all);
    key[sizeof key - 1] = '}';
    for (unsigned slot = 0; slot < REDIS_SLOTS; slot++) {
        assert_ptr_equal(redis_slot_tag(key + 1, slot), key + 1 + REDIS_SLOT_TAG);
        assert_int_equal(redis_slot(cairn_slice(key, sizeof key)), slot);
        assert_memory_equal(all + slot * REDIS_SLOT_TAG, key + 1, REDIS_SLOT_TAG);
    }
    assert_ptr_equal(redis_slot_tags(key + 1, 8191, 1), key + 1 + REDIS_SLOT_TAG);
    assert_int_equal(redis_slot(cairn_slice(key, sizeof key)), 8191);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_escaped_id_comes_back),
        cmocka_unit_test(different_ids_are_escaped_differently),
        cmocka_unit_test(known_ids_are_spelt_as_they_always_were),
        cmocka_unit_test(an_escaped_id_that_is_cut_gives_no_more_than_there_is),
        cmocka_unit_test(encoded_ids_are_in_the_order_of_the_ids),
        cmocka_unit_test(encoded_ids_are_taken_apart_again),
        cmocka_unit_test(what_ends_early_or_was_never_encoded_is_not_taken),
        cmocka_unit_test(a_shard_is_one_of_them_and_all_are_used),
        cmocka_unit_test(every_slot_has_a_tag),
    };
    return cmocka_run_group_tests_name("redis: keys", tests, NULL, NULL);
}
