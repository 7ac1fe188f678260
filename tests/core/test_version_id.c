#include "check.h"

#include <cairn/version_id.h>
#include <string.h>
#include <uv.h>

#define COUNT_LEN 32

static void assert_next(const char *current, const char *expected_count)
{
    char next[CAIRN_VERSION_ID_SIZE];
    assert_status(cairn_version_id_next(cairn_str(current), next), 0);
    assert_int_equal(strlen(next), CAIRN_VERSION_ID_SIZE - 1);
    assert_memory_equal(next, expected_count, COUNT_LEN);
    assert_memory_equal(next + COUNT_LEN, ".0.", 3);
    assert_int_equal(strspn(next + COUNT_LEN + 3, "0123456789"), 16);
}

static void counts_from_whatever_there_was(void **state)
{
    (void)state;
    assert_next(NULL, "00000000000000000000000000000001");
    assert_next("", "00000000000000000000000000000001");
    assert_next("0", "00000000000000000000000000000001");
    assert_next("41", "00000000000000000000000000000042");
    assert_next("7.5", "00000000000000000000000000000008");
    assert_next("1.", "00000000000000000000000000000002");
    assert_next("00000000000000000000000000000009.0.9182736455463728",
                "00000000000000000000000000000010");
    assert_next("00000000000000000000000000000199.0.25", "00000000000000000000000000000200");
    assert_next("0000000000000000000000000000000000000000000041",
                "00000000000000000000000000000042");
    assert_next("18446744073709551615", "00000000000018446744073709551616");
    assert_next("99999999999999999999999999999998", "99999999999999999999999999999999");
}

static void assert_no_next(cairn_slice_t current, int expected)
{
    char next[CAIRN_VERSION_ID_SIZE] = "untouched";
    assert_status(cairn_version_id_next(current, next), expected);
    assert_string_equal(next, "untouched");
}

static void what_counts_nothing_is_refused(void **state)
{
    (void)state;
    const char *const wrong[] = {"a", "-1", "+1", " 1", "1 ", ".5", "1e5", "0x1", "1-2"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_no_next(cairn_str(wrong[i]), UV_EINVAL);
    assert_no_next(cairn_slice("1\0", 2), UV_EINVAL);
}

static void the_end_of_counting_is_refused(void **state)
{
    (void)state;
    assert_no_next(cairn_str("99999999999999999999999999999999"), UV_ERANGE);
    assert_no_next(cairn_str("99999999999999999999999999999999.0.5"), UV_ERANGE);
    assert_no_next(cairn_str("100000000000000000000000000000000"), UV_ERANGE);
}

static void only_the_slice_is_read(void **state)
{
    (void)state;
    char next[CAIRN_VERSION_ID_SIZE];
    assert_status(cairn_version_id_next(cairn_slice("129", 2), next), 0);
    assert_memory_equal(next, "00000000000000000000000000000013", COUNT_LEN);
}

static void a_version_may_be_followed_in_place_and_grows(void **state)
{
    (void)state;
    char version[CAIRN_VERSION_ID_SIZE], before[CAIRN_VERSION_ID_SIZE] = "";
    version[0] = '\0';
    for (int i = 0; i < 2000; i++) {
        assert_status(cairn_version_id_next(cairn_str(version), version), 0);
        assert_true(strcmp(before, version) < 0);
        memcpy(before, version, sizeof version);
    }
    assert_memory_equal(version, "00000000000000000000000000002000", COUNT_LEN);
}

static void forks_of_a_thread_never_share_a_version(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        char one[CAIRN_VERSION_ID_SIZE], other[CAIRN_VERSION_ID_SIZE];
        assert_status(cairn_version_id_next(cairn_str("7"), one), 0);
        assert_status(cairn_version_id_next(cairn_str("7"), other), 0);
        assert_string_not_equal(one, other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_from_whatever_there_was),
        cmocka_unit_test(what_counts_nothing_is_refused),
        cmocka_unit_test(the_end_of_counting_is_refused),
        cmocka_unit_test(only_the_slice_is_read),
        cmocka_unit_test(a_version_may_be_followed_in_place_and_grows),
        cmocka_unit_test(forks_of_a_thread_never_share_a_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
