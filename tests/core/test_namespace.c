#include "check.h"

#include <cairn/sys/namespace.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* Sorted label by label. */
static const cairn_slice_t names[][4] = {
    {{"\0", 1}},
    {{"\0\0", 2}},
    {{"\0\1", 2}},
    {{"\1", 1}},
    {{"a", 1}},
    {{"a", 1}, {"\0", 1}},
    {{"a", 1}, {"b", 1}},
    {{"a", 1}, {"b", 1}, {"c", 1}},
    {{"a", 1}, {"bc", 2}},
    {{"a\0", 2}},
    {{"a\0", 2}, {"b", 1}},
    {{"a\0\1", 3}},
    {{"a\0\xff", 3}},
    {{"a\1", 2}},
    {{"ab", 2}},
    {{"ab", 2}, {"c", 1}},
    {{"\xff", 1}},
    {{"\xff\xff", 2}, {"\xff", 1}},
};

static cairn_namespace_t name_at(size_t i)
{
    size_t count = 0;
    while (count < 4 && names[i][count].ptr) count++;
    return (cairn_namespace_t){names[i], count};
}

static cairn_slice_t encoded(size_t i, char *room)
{
    cairn_namespace_encode(name_at(i), room);
    return cairn_slice(room, cairn_namespace_encoded_size(name_at(i)));
}

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static void encoded_they_sort_and_begin_as_they_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        for (size_t k = 0; k < COUNT_OF(names); k++) {
            char rooms[2][64];
            cairn_slice_t a = encoded(i, rooms[0]), b = encoded(k, rooms[1]);
            int expected = (i > k) - (i < k);
            assert_int_equal(sign(cairn_namespace_cmp(name_at(i), name_at(k))), expected);
            assert_int_equal(sign(cairn_slice_cmp(a, b)), expected);
            bool begins = a.len >= b.len && memcmp(a.ptr, b.ptr, b.len) == 0;
            assert_int_equal(cairn_namespace_begins(name_at(i), name_at(k)), begins);
        }
    }
}

static void decoded_they_are_what_they_were(void **state)
{
    (void)state;
    cairn_arena_t arena = {0};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char room[64];
        cairn_namespace_t out;
        assert_status(cairn_namespace_decode(&arena, encoded(i, room), &out), 0);
        assert_int_equal(cairn_namespace_cmp(out, name_at(i)), 0);
    }
    cairn_namespace_t none;
    assert_status(cairn_namespace_decode(&arena, cairn_str(""), &none), 0);
    assert_int_equal(none.count, 0);
    cairn_arena_free(&arena);
}

static void what_is_no_encoded_namespace_is_refused(void **state)
{
    (void)state;
    static const cairn_slice_t wrong[] = {
        {"a", 1},      {"a\0", 2},       {"\0\1", 2},    {"a\0\2", 3},
        {"a\0\1b", 4}, {"a\0\1\0\1", 5}, {"a\0\xff", 3}, {"\0", 1},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        cairn_arena_t arena = {0};
        cairn_namespace_t out;
        char *exact = malloc(wrong[i].len);
        assert_non_null(exact);
        memcpy(exact, wrong[i].ptr, wrong[i].len);
        assert_status(cairn_namespace_decode(&arena, cairn_slice(exact, wrong[i].len), &out),
                      UV_EINVAL);
        free(exact);
        cairn_arena_free(&arena);
    }
}

#define NS(...)                                                                                    \
    ((cairn_namespace_t){(const cairn_slice_t[]){__VA_ARGS__},                                     \
                         sizeof((const cairn_slice_t[]){__VA_ARGS__}) / sizeof(cairn_slice_t)})
#define A                                                                                          \
    {                                                                                              \
        "a", 1                                                                                     \
    }
#define B                                                                                          \
    {                                                                                              \
        "b", 1                                                                                     \
    }
#define C                                                                                          \
    {                                                                                              \
        "c", 1                                                                                     \
    }
#define ANY                                                                                        \
    {                                                                                              \
        "*", 1                                                                                     \
    }

static bool prefix_matches(cairn_namespace_t ns, cairn_namespace_t path)
{
    const cairn_match_condition_t condition = {CAIRN_MATCH_PREFIX, path};
    return cairn_namespace_matches(ns, &condition, 1);
}

static bool suffix_matches(cairn_namespace_t ns, cairn_namespace_t path)
{
    const cairn_match_condition_t condition = {CAIRN_MATCH_SUFFIX, path};
    return cairn_namespace_matches(ns, &condition, 1);
}

static void conditions_match_whole_labels(void **state)
{
    (void)state;
    cairn_namespace_t abc = NS(A, B, C);
    assert_true(prefix_matches(abc, NS(A)));
    assert_true(prefix_matches(abc, NS(A, ANY, C)));
    assert_true(prefix_matches(abc, abc));
    assert_false(prefix_matches(abc, NS(B)));
    assert_false(prefix_matches(abc, NS(A, B, C, ANY)));
    assert_true(suffix_matches(abc, NS(C)));
    assert_true(suffix_matches(abc, NS(ANY, C)));
    assert_true(suffix_matches(abc, NS(ANY, ANY, ANY)));
    assert_false(suffix_matches(abc, NS(B)));
    assert_false(suffix_matches(abc, NS(ANY, A, B, C)));
    assert_true(prefix_matches(abc, (cairn_namespace_t){NULL, 0}));
    assert_true(cairn_namespace_matches(abc, NULL, 0));
    const cairn_match_condition_t both[] = {{CAIRN_MATCH_PREFIX, NS(A)},
                                            {CAIRN_MATCH_SUFFIX, NS(B)}};
    assert_false(cairn_namespace_matches(abc, both, 2));
    assert_true(cairn_namespace_matches(NS(A, B), both, 2));
}

static void what_all_begin_with_is_the_longest_literal_prefix(void **state)
{
    (void)state;
    const cairn_match_condition_t conditions[] = {{CAIRN_MATCH_SUFFIX, NS(A, B, C)},
                                                  {CAIRN_MATCH_PREFIX, NS(A)},
                                                  {CAIRN_MATCH_PREFIX, NS(A, B, ANY, C)},
                                                  {CAIRN_MATCH_PREFIX, NS(ANY, B, C)}};
    assert_int_equal(cairn_namespace_common(conditions, 1).count, 0);
    assert_int_equal(cairn_namespace_common(conditions, 2).count, 1);
    assert_int_equal(cairn_namespace_cmp(cairn_namespace_common(conditions, 4), NS(A, B)), 0);
}

static void a_cut_leaves_the_first_labels(void **state)
{
    (void)state;
    assert_int_equal(cairn_namespace_cut(NS(A, B, C), 0).count, 3);
    assert_int_equal(cairn_namespace_cut(NS(A, B, C), 2).count, 2);
    assert_int_equal(cairn_namespace_cut(NS(A, B, C), 3).count, 3);
    assert_int_equal(cairn_namespace_cut(NS(A, B, C), 9).count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoded_they_sort_and_begin_as_they_do),
        cmocka_unit_test(decoded_they_are_what_they_were),
        cmocka_unit_test(what_is_no_encoded_namespace_is_refused),
        cmocka_unit_test(conditions_match_whole_labels),
        cmocka_unit_test(what_all_begin_with_is_the_longest_literal_prefix),
        cmocka_unit_test(a_cut_leaves_the_first_labels),
    };
    return cmocka_run_group_tests_name("namespace", tests, NULL, NULL);
}
