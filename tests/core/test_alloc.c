#include "check.h"

#include <cairn/sys/alloc.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static struct {
    size_t mallocs, reallocs, frees;
    size_t last_size;
    bool fail;
} seen;

static void *seen_malloc(size_t size)
{
    seen.mallocs++;
    seen.last_size = size;
    return seen.fail ? NULL : malloc(size);
}

static void *seen_realloc(void *ptr, size_t size)
{
    seen.reallocs++;
    seen.last_size = size;
    return seen.fail ? NULL : realloc(ptr, size);
}

static void seen_free(void *ptr)
{
    seen.frees++;
    free(ptr);
}

static const cairn_allocator_t seen_allocator = {seen_malloc, seen_realloc, seen_free};

static int hook(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    return cairn_set_allocator(&seen_allocator);
}

static int unhook(void **state)
{
    (void)state;
    return cairn_set_allocator(NULL);
}

static void all_memory_goes_through_the_hook(void **state)
{
    (void)state;
    char *block = cairn_malloc(10);
    block = cairn_realloc(block, 20);
    cairn_free(block);
    assert_int_equal(seen.mallocs, 1);
    assert_int_equal(seen.reallocs, 1);
    assert_int_equal(seen.frees, 1);
    assert_int_equal(seen.last_size, 20);
}

static void the_table_is_copied(void **state)
{
    (void)state;
    cairn_allocator_t table = seen_allocator;
    assert_status(cairn_set_allocator(&table), 0);
    memset(&table, 0, sizeof table);
    cairn_free(cairn_malloc(1));
    assert_int_equal(seen.mallocs, 1);
}

static void null_restores_the_c_library(void **state)
{
    (void)state;
    assert_status(cairn_set_allocator(NULL), 0);
    cairn_free(cairn_realloc(cairn_malloc(1), 2));
    assert_int_equal(seen.mallocs + seen.reallocs + seen.frees, 0);
}

static void a_missing_member_is_refused(void **state)
{
    (void)state;
    const cairn_allocator_t bad[] = {
        {NULL, seen_realloc, seen_free},
        {seen_malloc, NULL, seen_free},
        {seen_malloc, seen_realloc, NULL},
    };
    for (size_t i = 0; i < 3; i++) assert_status(cairn_set_allocator(&bad[i]), UV_EINVAL);
    cairn_free(cairn_malloc(1));
    assert_int_equal(seen.mallocs, 1);
}

static void calloc_zeroes(void **state)
{
    (void)state;
    unsigned char *block = cairn_malloc(64);
    memset(block, 0xff, 64);
    cairn_free(block);
    block = cairn_calloc(8, 8);
    for (size_t i = 0; i < 64; i++) assert_int_equal(block[i], 0);
    cairn_free(block);
    assert_int_equal(seen.last_size, 64);
}

static void calloc_refuses_an_overflow(void **state)
{
    (void)state;
    /* Volatile, or the compiler sees the size and warns of it. */
    volatile size_t half = SIZE_MAX / 2 + 1;
    assert_null(cairn_calloc(half, 2));
    assert_null(cairn_calloc(2, half));
    assert_null(cairn_calloc(half, half));
    assert_int_equal(seen.mallocs, 0);
}

/* NULL must mean that memory ran out, and nothing else. */
static void nothing_is_something(void **state)
{
    (void)state;
    void *block = cairn_malloc(0);
    assert_non_null(block);
    assert_int_equal(seen.last_size, 1);
    block = cairn_realloc(block, 0);
    assert_non_null(block);
    assert_int_equal(seen.last_size, 1);
    cairn_free(block);
    block = cairn_calloc(0, 5);
    assert_non_null(block);
    cairn_free(block);
    block = cairn_calloc(5, 0);
    assert_non_null(block);
    cairn_free(block);
}

static void free_takes_null(void **state)
{
    (void)state;
    cairn_free(NULL);
    assert_int_equal(seen.mallocs, 0);
}

static void running_out_gives_null(void **state)
{
    (void)state;
    seen.fail = true;
    assert_null(cairn_malloc(1));
    assert_null(cairn_calloc(1, 1));
    assert_null(cairn_strndup("a", 1));
    seen.fail = false;
    char *block = cairn_malloc(1);
    seen.fail = true;
    assert_null(cairn_realloc(block, 2));
    cairn_free(block);
}

static void strndup_copies_and_terminates(void **state)
{
    (void)state;
    char *copy = cairn_strndup("abc\0def", 5);
    assert_memory_equal(copy, "abc\0d", 6);
    cairn_free(copy);
    copy = cairn_strndup(NULL, 0);
    assert_string_equal(copy, "");
    cairn_free(copy);
    assert_null(cairn_strndup("abc", SIZE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_memory_goes_through_the_hook, hook, unhook),
        cmocka_unit_test_setup_teardown(the_table_is_copied, hook, unhook),
        cmocka_unit_test_setup_teardown(null_restores_the_c_library, hook, unhook),
        cmocka_unit_test_setup_teardown(a_missing_member_is_refused, hook, unhook),
        cmocka_unit_test_setup_teardown(calloc_zeroes, hook, unhook),
        cmocka_unit_test_setup_teardown(calloc_refuses_an_overflow, hook, unhook),
        cmocka_unit_test_setup_teardown(nothing_is_something, hook, unhook),
        cmocka_unit_test_setup_teardown(free_takes_null, hook, unhook),
        cmocka_unit_test_setup_teardown(running_out_gives_null, hook, unhook),
        cmocka_unit_test_setup_teardown(strndup_copies_and_terminates, hook, unhook),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
