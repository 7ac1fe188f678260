#include "alloc_fault.h"
#include "check.h"
#include "random.h"

#include <cairn/sys/tuple.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define PIECES 3000

typedef struct piece {
    unsigned char *at;
    size_t size;
    unsigned char fill;
} piece_t;

static size_t random_size(uint64_t *random)
{
    static const size_t most[] = {1, 20, 200, 5000, 70000};
    return random_below(random, most[random_below(random, 40) % 5]);
}

static void fill_pieces(cairn_arena_t *arena, piece_t *pieces, uint64_t *random)
{
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i].size = random_size(random);
        pieces[i].fill = (unsigned char)random_next(random);
        pieces[i].at = cairn_arena_alloc(arena, pieces[i].size, 1);
        assert_non_null(pieces[i].at);
        assert_int_equal((uintptr_t)pieces[i].at % _Alignof(max_align_t), 0);
        memset(pieces[i].at, pieces[i].fill, pieces[i].size);
    }
}

static void pieces_stay_where_and_what_they_are(void **state)
{
    (void)state;
    static piece_t pieces[PIECES];
    uint64_t random = 7;
    cairn_arena_t arena = {0};
    for (int round = 0; round < 3; round++) {
        fill_pieces(&arena, pieces, &random);
        for (size_t i = 0; i < PIECES; i++)
            for (size_t b = 0; b < pieces[i].size; b++)
                if (pieces[i].at[b] != pieces[i].fill) check_fail("piece %zu changed", i);
        cairn_arena_reset(&arena);
    }
    cairn_arena_free(&arena);
}

static void small_pieces_share_blocks(void **state)
{
    (void)state;
    alloc_watch();
    cairn_arena_t arena = {0};
    for (int i = 0; i < 10000; i++) assert_non_null(cairn_arena_alloc(&arena, 3, 10));
    assert_in_range(alloc_total(), 1, 10);
    cairn_arena_reset(&arena);
    assert_int_equal(alloc_live(), 1);
    size_t before = alloc_total();
    for (int i = 0; i < 100; i++) assert_non_null(cairn_arena_alloc(&arena, 3, 10));
    assert_int_equal(alloc_total(), before);
    cairn_arena_free(&arena);
    assert_int_equal(alloc_live(), 0);
    cairn_arena_free(&arena);
    cairn_arena_reset(&arena);
    alloc_unwatch();
}

static void a_large_piece_does_not_waste_the_block_in_use(void **state)
{
    (void)state;
    alloc_watch();
    cairn_arena_t arena = {0};
    char *first = cairn_arena_alloc(&arena, 1, 16);
    assert_non_null(cairn_arena_alloc(&arena, 1, 1000000));
    char *second = cairn_arena_alloc(&arena, 1, 16);
    assert_ptr_equal(second, first + 16);
    assert_int_equal(alloc_total(), 2);
    cairn_arena_free(&arena);
    alloc_unwatch();
}

static void too_much_is_no_memory(void **state)
{
    (void)state;
    cairn_arena_t arena = {0};
    assert_null(cairn_arena_alloc(&arena, SIZE_MAX, 1));
    assert_null(cairn_arena_alloc(&arena, SIZE_MAX / 2, 3));
    assert_non_null(cairn_arena_alloc(&arena, SIZE_MAX, 0));
    cairn_arena_free(&arena);
}

static void a_copy_is_absent_if_the_bytes_are(void **state)
{
    (void)state;
    cairn_arena_t arena = {0};
    char text[] = "a\0b";
    cairn_slice_t copy;
    assert_status(cairn_arena_copy(&arena, cairn_slice(text, 3), &copy), 0);
    text[0] = 'x';
    assert_true(cairn_slice_eq(copy, cairn_slice("a\0b", 3)));
    assert_status(cairn_arena_copy(&arena, cairn_str(""), &copy), 0);
    assert_non_null(copy.ptr);
    assert_int_equal(copy.len, 0);
    assert_status(cairn_arena_copy(&arena, cairn_str(NULL), &copy), 0);
    assert_null(copy.ptr);
    cairn_arena_free(&arena);
}

static void rows_are_zeroed_and_kept(void **state)
{
    (void)state;
    cairn_arena_t arena = {0};
    cairn_rows_t rows = {0};
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t *row = cairn_rows_add(&arena, &rows, 2 * sizeof *row);
        assert_non_null(row);
        assert_int_equal(row[0], 0);
        assert_int_equal(row[1], 0);
        row[0] = i;
        row[1] = ~i;
    }
    assert_int_equal(rows.count, 1000);
    const uint64_t *all = rows.at;
    for (uint64_t i = 0; i < 1000; i++) {
        assert_int_equal(all[2 * i], i);
        assert_int_equal(all[2 * i + 1], ~i);
    }
    cairn_arena_free(&arena);
}

static void without_memory_nothing_is_changed(void **state)
{
    (void)state;
    alloc_watch();
    cairn_arena_t arena = {0};
    cairn_rows_t rows = {0};
    cairn_slice_t copy = cairn_str("untouched");
    for (int i = 0; i < 8; i++) assert_non_null(cairn_rows_add(&arena, &rows, 100));
    void *before = rows.at;
    while (cairn_arena_alloc(&arena, 1, 500) && alloc_total() < 2) continue;
    alloc_fail(ALLOC_FAIL_FROM, 1);
    while (cairn_arena_alloc(&arena, 1, 500)) continue;
    assert_null(cairn_rows_add(&arena, &rows, 100));
    assert_ptr_equal(rows.at, before);
    assert_int_equal(rows.count, 8);
    assert_status(cairn_arena_copy(&arena, cairn_slice(before, 800), &copy), UV_ENOMEM);
    assert_true(cairn_slice_eq(copy, cairn_str("untouched")));
    cairn_arena_free(&arena);
    assert_int_equal(alloc_live(), 0);
    alloc_unwatch();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_stay_where_and_what_they_are),
        cmocka_unit_test(small_pieces_share_blocks),
        cmocka_unit_test(a_large_piece_does_not_waste_the_block_in_use),
        cmocka_unit_test(too_much_is_no_memory),
        cmocka_unit_test(a_copy_is_absent_if_the_bytes_are),
        cmocka_unit_test(rows_are_zeroed_and_kept),
        cmocka_unit_test(without_memory_nothing_is_changed),
    };
    return cmocka_run_group_tests_name("tuple", tests, NULL, NULL);
}
