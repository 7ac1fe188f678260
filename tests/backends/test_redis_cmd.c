/* Commands as bytes, in regions of exactly the size that redis_cmd_bound asks for. */
#include "check.h"
#include "redis_cmd.h"
#include "redis_reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void assert_wrote(const char *from, const char *to, const char *expected)
{
    size_t len = strlen(expected);
    if ((size_t)(to - from) != len || memcmp(from, expected, len) != 0) {
        check_fail("\"%.*s\", not \"%s\"", (int)(to - from), from, expected);
    }
}

static char *region(size_t argc, size_t payload)
{
    char *bytes = malloc(redis_cmd_bound(argc, payload));
    assert_non_null(bytes);
    return bytes;
}

static void writes_a_command(void **state)
{
    (void)state;
    char *bytes = region(3, 3 + 3 + 5);
    char *out = redis_cmd_begin(bytes, 3);
    out = redis_cmd_arg(out, cairn_str("SET"));
    out = redis_cmd_arg(out, cairn_str("key"));
    out = redis_cmd_arg(out, cairn_str("value"));
    assert_wrote(bytes, out, "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n");
    free(bytes);
}

static void writes_a_command_of_literals_and_parts(void **state)
{
    (void)state;
    static const char head[] = "*4\r\n$7\r\nPUBLISH\r\n";
    char *bytes = region(4, sizeof head + 6 + 2 * REDIS_CMD_NUMBER);
    char *out = redis_cmd_literal(bytes, head, sizeof head - 1);
    out = redis_cmd_arg_begin(out, 6);
    out = redis_cmd_literal(out, "ab", 2);
    out = redis_cmd_digits(out, 1234);
    out = redis_cmd_end(out);
    out = redis_cmd_u64(out, 60);
    out = redis_cmd_i64(out, -60);
    assert_wrote(bytes, out, "*4\r\n$7\r\nPUBLISH\r\n$6\r\nab1234\r\n$2\r\n60\r\n$3\r\n-60\r\n");
    free(bytes);
}

static void writes_empty_and_binary_arguments(void **state)
{
    (void)state;
    char *bytes = region(2, 3);
    char *out = redis_cmd_arg(bytes, cairn_slice(NULL, 0));
    out = redis_cmd_arg(out, cairn_slice("\0\r\n", 3));
    assert_int_equal(out - bytes, 6 + 9);
    assert_memory_equal(bytes, "$0\r\n\r\n$3\r\n\0\r\n\r\n", 15);
    free(bytes);
}

/* Around every power of ten and of two, and all that fit three digits. */
static size_t interesting(uint64_t *numbers)
{
    size_t count = 0;
    for (uint64_t n = 0; n < 1100; n++) numbers[count++] = n;
    for (uint64_t ten = 1000; ten <= UINT64_MAX / 10; ten *= 10) {
        for (uint64_t n = ten - 3; n <= ten + 3; n++) numbers[count++] = n;
        numbers[count++] = ten * 9 + ten / 7;
    }
    for (unsigned bit = 10; bit < 64; bit++) {
        numbers[count++] = (uint64_t)1 << bit;
        numbers[count++] = ((uint64_t)1 << bit) - 1;
    }
    numbers[count++] = UINT64_C(9999999999999999999);
    numbers[count++] = UINT64_C(10000000000000000000);
    numbers[count++] = UINT64_MAX - 1;
    numbers[count++] = UINT64_MAX;
    return count;
}

static uint64_t numbers[2000];

static void writes_numbers_as_printf_does(void **state)
{
    (void)state;
    size_t count = interesting(numbers);
    assert_in_range(count, 1100, COUNT(numbers));
    char expected[64], digits[32];
    for (size_t i = 0; i < count; i++) {
        int len = snprintf(digits, sizeof digits, "%" PRIu64, numbers[i]);
        char *bytes = malloc((size_t)len);
        assert_non_null(bytes);
        assert_wrote(bytes, redis_cmd_digits(bytes, numbers[i]), digits);
        free(bytes);

        bytes = region(1, REDIS_CMD_NUMBER);
        snprintf(expected, sizeof expected, "$%d\r\n%s\r\n", len, digits);
        assert_wrote(bytes, redis_cmd_u64(bytes, numbers[i]), expected);
        snprintf(expected, sizeof expected, "*%s\r\n", digits);
        assert_wrote(bytes, redis_cmd_begin(bytes, (size_t)numbers[i]), expected);
        snprintf(expected, sizeof expected, "$%s\r\n", digits);
        assert_wrote(bytes, redis_cmd_arg_begin(bytes, (size_t)numbers[i]), expected);
        free(bytes);
    }
}

static void writes_signed_numbers_as_printf_does(void **state)
{
    (void)state;
    size_t count = interesting(numbers);
    char expected[64], digits[32];
    for (size_t i = 0; i < count; i++) {
        int64_t both[2];
        memcpy(&both[0], &numbers[i], sizeof both[0]);
        uint64_t negated = 0 - numbers[i];
        memcpy(&both[1], &negated, sizeof both[1]);
        for (size_t j = 0; j < 2; j++) {
            int len = snprintf(digits, sizeof digits, "%" PRId64, both[j]);
            snprintf(expected, sizeof expected, "$%d\r\n%s\r\n", len, digits);
            char *bytes = region(1, REDIS_CMD_NUMBER);
            assert_wrote(bytes, redis_cmd_i64(bytes, both[j]), expected);
            free(bytes);
        }
    }
}

/* The reader of the same protocol reads what is written, for every length around a digit more. */
static void writes_what_the_cursor_reads(void **state)
{
    (void)state;
    static const size_t lengths[] = {0,   1,    9,    10,   11,    99,    100,   101,
                                     999, 1000, 1001, 9999, 10000, 65535, 100000};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        char *payload = malloc(lengths[i] + 1);
        assert_non_null(payload);
        for (size_t at = 0; at < lengths[i]; at++) payload[at] = (char)(at * 7);
        char *bytes = region(2, 4 + lengths[i]);
        char *out = redis_cmd_begin(bytes, 2);
        out = redis_cmd_arg(out, cairn_str("ECHO"));
        out = redis_cmd_arg(out, cairn_slice(payload, lengths[i]));

        redis_frame_t frame = {0};
        size_t len = 0, count = 0;
        assert_status(redis_frame_scan(&frame, bytes, (size_t)(out - bytes), 1 << 20, &len), 1);
        assert_int_equal(len, out - bytes);
        redis_reply_t reply;
        redis_reply_init(&reply, bytes, len);
        cairn_slice_t name, text;
        assert_status(redis_reply_array(&reply, &count), 0);
        assert_int_equal(count, 2);
        assert_status(redis_reply_string(&reply, &name), 0);
        assert_status(redis_reply_string(&reply, &text), 0);
        assert_true(cairn_slice_eq(name, cairn_str("ECHO")));
        assert_true(cairn_slice_eq(text, cairn_slice(payload, lengths[i])));
        free(bytes);
        free(payload);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_command),
        cmocka_unit_test(writes_a_command_of_literals_and_parts),
        cmocka_unit_test(writes_empty_and_binary_arguments),
        cmocka_unit_test(writes_numbers_as_printf_does),
        cmocka_unit_test(writes_signed_numbers_as_printf_does),
        cmocka_unit_test(writes_what_the_cursor_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
