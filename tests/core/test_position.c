#include "check.h"

#include <cairn/position.h>
#include <uv.h>

static void assert_round_trip(cairn_position_t position, const char *expected)
{
    char text[CAIRN_POSITION_SIZE];
    size_t len = cairn_position_format(position, text);
    assert_string_equal(text, expected);
    assert_int_equal(len, strlen(expected));

    cairn_position_t back = {7, 7};
    assert_status(cairn_position_parse(cairn_str(text), &back), 0);
    assert_int_equal(cairn_position_cmp(back, position), 0);
}

static void text_and_back(void **state)
{
    (void)state;
    assert_round_trip((cairn_position_t){0}, "0-0");
    assert_round_trip((cairn_position_t){1700000000000, 12}, "1700000000000-12");
    assert_round_trip((cairn_position_t){UINT64_MAX, UINT64_MAX},
                      "18446744073709551615-18446744073709551615");
}

static void only_what_is_printed_is_read(void **state)
{
    (void)state;
    const char *const wrong[] = {"",
                                 "-",
                                 "1",
                                 "1-",
                                 "-1",
                                 "1-2-3",
                                 " 1-2",
                                 "1-2 ",
                                 "1 -2",
                                 "+1-2",
                                 "1--2",
                                 "01-2",
                                 "1-02",
                                 "00-0",
                                 "a-1",
                                 "1-a",
                                 "0x1-2",
                                 "1.0-2",
                                 "1_2",
                                 "1-2\n",
                                 "1:2",
                                 "$",
                                 "1-*",
                                 "18446744073709551616-0",
                                 "0-18446744073709551616",
                                 "99999999999999999999-0",
                                 "000000000000000000000000000000000000-0",
                                 "18446744073709551615-184467440737095516150"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cairn_position_t position = {7, 7};
        if (cairn_position_parse(cairn_str(wrong[i]), &position) != UV_EINVAL)
            check_fail("\"%s\" was read", wrong[i]);
        assert_int_equal(position.high, 7);
        assert_int_equal(position.low, 7);
    }
}

static void only_the_slice_is_read(void **state)
{
    (void)state;
    cairn_position_t position;
    assert_status(cairn_position_parse(cairn_slice("12-345", 5), &position), 0);
    assert_int_equal(position.low, 34);
    assert_status(cairn_position_parse(cairn_slice("1-2\0", 4), &position), UV_EINVAL);
    assert_status(cairn_position_parse(cairn_slice(NULL, 0), &position), UV_EINVAL);
}

static void order_is_by_the_high_word_first(void **state)
{
    (void)state;
    const cairn_position_t rising[] = {{0, 0}, {0, 1},          {0, UINT64_MAX},         {1, 0},
                                       {1, 5}, {UINT64_MAX, 0}, {UINT64_MAX, UINT64_MAX}};
    const int count = sizeof rising / sizeof *rising;
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < count; j++) {
            int order = cairn_position_cmp(rising[i], rising[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_back),
        cmocka_unit_test(only_what_is_printed_is_read),
        cmocka_unit_test(only_the_slice_is_read),
        cmocka_unit_test(order_is_by_the_high_word_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
