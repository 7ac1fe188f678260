#include "uuid6.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* RFC 9562, appendix A.5. */
static void the_standard_s_own_example(void **state)
{
    (void)state;
    const unsigned char node[6] = {0x9f, 0x6b, 0xde, 0xce, 0xd8, 0x46};
    char id[CAIRN_UUID6_SIZE];
    uuid6_write(UINT64_C(0x1EC9414C232AB00), 0x33C8, node, id);
    assert_string_equal(id, "1ec9414c-232a-6b00-b3c8-9f6bdeced846");
}

static void every_bit_has_its_place(void **state)
{
    (void)state;
    const unsigned char ones[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, zeros[6] = {0};
    char id[CAIRN_UUID6_SIZE];
    uuid6_write(UINT64_C(0xfffffffffffffff), 0xffffffff, ones, id);
    assert_string_equal(id, "ffffffff-ffff-6fff-bfff-ffffffffffff");
    uuid6_write(0, 0, zeros, id);
    assert_string_equal(id, "00000000-0000-6000-8000-000000000000");
}

static void ticks_grow_even_when_the_clock_does_not(void **state)
{
    (void)state;
    cairn_uuid6_t maker = {0};
    assert_int_equal(uuid6_ticks(&maker, 1000), 1000);
    assert_int_equal(uuid6_ticks(&maker, 1000), 1001);
    assert_int_equal(uuid6_ticks(&maker, 5), 1002);
    assert_int_equal(uuid6_ticks(&maker, 1002), 1003);
    assert_int_equal(uuid6_ticks(&maker, 2000), 2000);
}

static void ids_made_in_a_row_sort_that_way(void **state)
{
    (void)state;
    cairn_uuid6_t maker = {0};
    char before[CAIRN_UUID6_SIZE] = "", id[CAIRN_UUID6_SIZE];
    for (int step = 10000; step > -10000; step--) { /* a falling step must not matter */
        assert_status(cairn_uuid6_next(&maker, step, id), 0);
        assert_int_equal(strlen(id), CAIRN_UUID6_SIZE - 1);
        if (strcmp(before, id) >= 0) check_fail("%s came after %s", id, before);
        memcpy(before, id, sizeof id);
    }
}

/* Nothing of the project parses an id; a test may. */
static uint64_t ticks_of(const char *id)
{
    char hex[16] = {0};
    memcpy(hex, id, 8);
    memcpy(hex + 8, id + 9, 4);
    memcpy(hex + 12, id + 15, 3);
    return strtoull(hex, NULL, 16);
}

static void an_id_tells_the_time_the_version_and_the_step(void **state)
{
    (void)state;
    cairn_uuid6_t maker = {0};
    char id[CAIRN_UUID6_SIZE];
    time_t before = time(NULL);
    assert_status(cairn_uuid6_next(&maker, 5, id), 0);
    time_t after = time(NULL);

    const uint64_t epoch = UINT64_C(0x01B21DD213814000);
    time_t made = (time_t)((ticks_of(id) - epoch) / 10000000);
    assert_true(made >= before && made <= after);
    assert_int_equal(id[14], '6');
    assert_memory_equal(id + 19, "8005", 4);
    assert_int_equal(strspn(id, "0123456789abcdef-"), CAIRN_UUID6_SIZE - 1);
    char first_of_node[3] = {id[24], id[25], '\0'};
    assert_int_equal(strtoul(first_of_node, NULL, 16) & 1, 1);

    assert_status(cairn_uuid6_next(&maker, -2, id), 0);
    assert_memory_equal(id + 19, "bffe", 4);
}

static void two_makers_never_agree(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        cairn_uuid6_t one = {UINT64_C(1) << 59}, other = {UINT64_C(1) << 59};
        char a[CAIRN_UUID6_SIZE], b[CAIRN_UUID6_SIZE];
        assert_status(cairn_uuid6_next(&one, 1, a), 0);
        assert_status(cairn_uuid6_next(&other, 1, b), 0);
        assert_memory_equal(a, b, 24); /* the same time and step */
        assert_string_not_equal(a, b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standard_s_own_example),
        cmocka_unit_test(every_bit_has_its_place),
        cmocka_unit_test(ticks_grow_even_when_the_clock_does_not),
        cmocka_unit_test(ids_made_in_a_row_sort_that_way),
        cmocka_unit_test(an_id_tells_the_time_the_version_and_the_step),
        cmocka_unit_test(two_makers_never_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
