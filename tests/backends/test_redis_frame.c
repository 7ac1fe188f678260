/* Where RESP values end: in one go, byte by byte, at every pair of splits; and what is refused. */
#include "check.h"
#include "redis_frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNLIMITED (1u << 30)

#define TEXT(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

/* One value each. */
static const cairn_slice_t values[] = {
    TEXT("+OK\r\n"),
    TEXT("+\r\n"),
    TEXT("+QUEUED\r\n"),
    TEXT("+with a \n inside\r\n"),
    TEXT("-ERR unknown command\r\n"),
    TEXT("-\r\n"),
    TEXT(":0\r\n"),
    TEXT(":1\r\n"),
    TEXT(":-1\r\n"),
    TEXT(":+7\r\n"),
    TEXT(":-0\r\n"),
    TEXT(":42\r\n"),
    TEXT(":12345678901234567\r\n"),
    TEXT(":123456789012345678\r\n"),
    TEXT(":1234567890123456789\r\n"),
    TEXT(":9223372036854775807\r\n"),
    TEXT(":-9223372036854775808\r\n"),
    TEXT("$0\r\n\r\n"),
    TEXT("$1\r\na\r\n"),
    TEXT("$5\r\nhello\r\n"),
    TEXT("$6\r\n\r\n\r\n\r\n\r\n"),
    TEXT("$2\r\n\0\xff\r\n"),
    TEXT("$10\r\n0123456789\r\n"),
    TEXT("$-1\r\n"),
    TEXT("*-1\r\n"),
    TEXT("*0\r\n"),
    TEXT("*1\r\n:1\r\n"),
    TEXT("*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
    TEXT("*3\r\n*0\r\n*-1\r\n*1\r\n*1\r\n$-1\r\n"),
    TEXT("*10\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n"),
    TEXT("*11\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n:9\r\n:10\r\n+OK\r\n"),
    TEXT("_\r\n"),
    TEXT("#t\r\n"),
    TEXT("#f\r\n"),
    TEXT(",1.5\r\n"),
    TEXT(",-0\r\n"),
    TEXT(",+1e10\r\n"),
    TEXT(",1.25E-7\r\n"),
    TEXT(",inf\r\n"),
    TEXT(",-inf\r\n"),
    TEXT(",nan\r\n"),
    TEXT(",-nan\r\n"),
    TEXT("(3492890328409238509324850943850943825024385\r\n"),
    TEXT("(-1\r\n"),
    TEXT("(+00\r\n"),
    TEXT("!21\r\nSYNTAX invalid syntax\r\n"),
    TEXT("!0\r\n\r\n"),
    TEXT("=15\r\ntxt:Some string\r\n"),
    TEXT("=4\r\nmkd:\r\n"),
    TEXT("%0\r\n"),
    TEXT("%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n"),
    TEXT("~3\r\n:1\r\n#t\r\n+x\r\n"),
    TEXT("|1\r\n+ttl\r\n:3600\r\n:1\r\n"),
    TEXT("|0\r\n+OK\r\n"),
    TEXT("|1\r\n+a\r\n|1\r\n+b\r\n+c\r\n+d\r\n*1\r\n|1\r\n+e\r\n+f\r\n:1\r\n"),
    TEXT(">0\r\n"),
    TEXT(">2\r\n+invalidate\r\n*1\r\n$3\r\nfoo\r\n"),
    TEXT(">3\r\n$7\r\nmessage\r\n$7\r\nchannel\r\n$12\r\nhello world!\r\n"),
    TEXT("*3\r\n$7\r\nmessage\r\n$7\r\nchannel\r\n$12\r\nhello world!\r\n"),
    TEXT(">3\r\n$7\r\nmessage\r\n$0\r\n\r\n$0\r\n\r\n"),
    TEXT("%3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n:1\r\n:2\r\n:3\r\n"),
    TEXT("~3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n"),
    TEXT("*3\r\n$7\r\nmessage\r\n:1\r\n%1\r\n_\r\n_\r\n"),
    TEXT("*2\r\n*2\r\n$15\r\n1526919030474-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"
         "*2\r\n$15\r\n1526919030474-1\r\n*-1\r\n"),
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* A copy of exactly the bytes that are there, so that reading on is seen; never where it was. */
static char *copy_of(const char *bytes, size_t len)
{
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return copy;
}

static int scan_copy(redis_frame_t *frame, const char *bytes, size_t avail, uint64_t max_bytes,
                     size_t *len)
{
    char *copy = copy_of(bytes, avail);
    int rc = redis_frame_scan(frame, copy, avail, max_bytes, len);
    free(copy);
    return rc;
}

static void assert_zero(const redis_frame_t *frame)
{
    assert_int_equal(frame->at, 0);
    assert_int_equal(frame->pending, 0);
    assert_int_equal(frame->need, 0);
}

static void scans_in_one_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        redis_frame_t frame = {0};
        size_t len = 0;
        assert_status(scan_copy(&frame, values[i].ptr, values[i].len, UNLIMITED, &len), 1);
        assert_int_equal(len, values[i].len);
        assert_zero(&frame);
    }
}

static void leaves_what_follows(void **state)
{
    (void)state;
    static const cairn_slice_t more[] = {TEXT("+"), TEXT(":1\r\n"), TEXT("$3\r\nabc\r\n"),
                                         TEXT("\r\n\r\n\r\n\r\n0000000000000000")};
    char both[512];
    for (size_t i = 0; i < COUNT(values); i++) {
        for (size_t j = 0; j < COUNT(more); j++) {
            memcpy(both, values[i].ptr, values[i].len);
            memcpy(both + values[i].len, more[j].ptr, more[j].len);
            redis_frame_t frame = {0};
            size_t len = 0;
            size_t avail = values[i].len + more[j].len;
            assert_status(scan_copy(&frame, both, avail, UNLIMITED, &len), 1);
            assert_int_equal(len, values[i].len);
        }
    }
}

static void waits_for_any_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        for (size_t avail = 0; avail < values[i].len; avail++) {
            redis_frame_t frame = {0};
            size_t len = 77;
            assert_status(scan_copy(&frame, values[i].ptr, avail, UNLIMITED, &len), 0);
            assert_int_equal(len, 77);
            uint64_t missing = redis_frame_missing(&frame, avail);
            assert_in_range(missing, 1, values[i].len - avail);
        }
    }
}

static void scans_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        redis_frame_t frame = {0};
        size_t len = 0;
        for (size_t avail = 0; avail < values[i].len; avail++) {
            assert_status(scan_copy(&frame, values[i].ptr, avail, UNLIMITED, &len), 0);
            uint64_t missing = redis_frame_missing(&frame, avail);
            assert_in_range(missing, 1, values[i].len - avail);
        }
        assert_status(scan_copy(&frame, values[i].ptr, values[i].len, UNLIMITED, &len), 1);
        assert_int_equal(len, values[i].len);
        assert_zero(&frame);
    }
}

static void scans_at_every_pair_of_splits(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        for (size_t first = 0; first < values[i].len; first++) {
            for (size_t second = first; second < values[i].len; second++) {
                redis_frame_t frame = {0};
                size_t len = 0;
                const char *bytes = values[i].ptr;
                assert_status(scan_copy(&frame, bytes, first, UNLIMITED, &len), 0);
                assert_status(scan_copy(&frame, bytes, second, UNLIMITED, &len), 0);
                assert_status(scan_copy(&frame, bytes, values[i].len, UNLIMITED, &len), 1);
                assert_int_equal(len, values[i].len);
            }
        }
    }
}

/* Bulks alone, in an array and in a message. */
static const char *const bulk_heads[] = {"", "*2\r\n:1\r\n", ">3\r\n$7\r\nmessage\r\n$2\r\nch\r\n"};

static void scans_bulk(const char *bytes, size_t whole)
{
    redis_frame_t frame = {0};
    size_t len = 0;
    assert_status(scan_copy(&frame, bytes, whole, UNLIMITED, &len), 1);
    assert_int_equal(len, whole);
    assert_status(scan_copy(&frame, bytes, whole - 1, UNLIMITED, &len), 0);
    assert_int_equal(redis_frame_missing(&frame, whole - 1), 1);
    assert_status(scan_copy(&frame, bytes, whole, UNLIMITED, &len), 1);
    assert_int_equal(len, whole);
}

/* Full of line ends, so that a length read wrong finds one where it looks for it: at even distances
 * from the end, or at odd ones. */
static void scans_bulk_of_length(const char *head, size_t length, size_t odd)
{
    static char bytes[128 << 10];
    int header = snprintf(bytes, sizeof bytes, "%s$%zu\r\n", head, length);
    size_t whole = (size_t)header + length + 2;
    for (size_t at = 0; at < length; at++) {
        bytes[(size_t)header + at] = (length - at + odd) % 2 ? '\n' : '\r';
    }
    memcpy(bytes + whole - 2, "\r\n", 2);
    scans_bulk(bytes, whole);

    size_t len;
    redis_frame_t frame = {0};
    bytes[whole - 1] = '\r';
    assert_status(scan_copy(&frame, bytes, whole, UNLIMITED, &len), CAIRN_EPROTOCOL);
    memcpy(bytes + whole - 2, "xx\r\n", 4);
    frame = (redis_frame_t){0};
    assert_status(scan_copy(&frame, bytes, whole + 2, UNLIMITED, &len), CAIRN_EPROTOCOL);
}

static void scans_bulks_of_any_length(void **state)
{
    (void)state;
    static const size_t longer[] = {9998, 9999, 10000, 10001, 45678, 65535, 99999, 100000, 123456};
    for (size_t h = 0; h < COUNT(bulk_heads); h++) {
        for (size_t length = 0; length < 1234; length++) {
            scans_bulk_of_length(bulk_heads[h], length, length / 2 % 2);
            if (length % 10 == 0) scans_bulk_of_length(bulk_heads[h], length, !(length / 2 % 2));
        }
        for (size_t i = 0; i < COUNT(longer); i++) {
            scans_bulk_of_length(bulk_heads[h], longer[i], 0);
            scans_bulk_of_length(bulk_heads[h], longer[i], 1);
        }
    }
}

/* ---- what is refused ---- */

static const cairn_slice_t malformed[] = {
    TEXT("?"),
    TEXT("\r\n"),
    TEXT("hello\r\n"),
    TEXT("HTTP/1.1 400 Bad Request\r\n"),
    TEXT("\0"),
    TEXT("+OK\rx"),
    TEXT("+OK\r\r\n"),
    TEXT("-ERR\r-"),
    TEXT(":\r\n"),
    TEXT(":x"),
    TEXT(":1x"),
    TEXT(":1\n"),
    TEXT(":1\rx"),
    TEXT(":-\r\n"),
    TEXT(":+-1"),
    TEXT(":--1"),
    TEXT(":01"),
    TEXT(":00\r\n"),
    TEXT(":1 \r\n"),
    TEXT(":0123456\r\n"),
    TEXT(":9223372036854775808\r\n"),
    TEXT(":-9223372036854775809\r\n"),
    TEXT(":10000000000000000000\r\n"),
    TEXT(":18446744073709551617\r\n"),
    TEXT(":99999999999999999999"),
    TEXT("$\r\n"),
    TEXT("$x"),
    TEXT("$+1"),
    TEXT("$-2"),
    TEXT("$-0"),
    TEXT("$-12"),
    TEXT("$-1\rx"),
    TEXT("$-1x\r\n"),
    TEXT("$01"),
    TEXT("$1\rx"),
    TEXT("$1x\r\n"),
    TEXT("$12x\r\n"),
    TEXT("$123x\r\n"),
    TEXT("$1\r\nab\r\n"),
    TEXT("$1\r\na\rx"),
    TEXT("$3\r\nab\r\n\r\n"),
    TEXT("$10\r\n0123456789abcdef"),
    TEXT("$9999999999999999999"),
    TEXT("$?\r\n"),
    TEXT("*?\r\n"),
    TEXT("%?\r\n"),
    TEXT(";4\r\n"),
    TEXT(".\r\n"),
    TEXT("*\r\n"),
    TEXT("*x"),
    TEXT("*+1"),
    TEXT("*-2"),
    TEXT("*01"),
    TEXT("*1\rx"),
    TEXT("*1\r\n?"),
    TEXT("*2\r\n:1\r\n\r\n"),
    TEXT("*9999999999999999999"),
    TEXT("%-1\r\n"),
    TEXT("~-1\r\n"),
    TEXT(">-1\r\n"),
    TEXT("|-1\r\n"),
    TEXT("!-1\r\n"),
    TEXT("=-1\r\n"),
    TEXT("=3\r\ntxt\r\n"),
    TEXT("=0\r\n\r\n"),
    TEXT("=5\r\ntxt;a\r\n"),
    TEXT("_x"),
    TEXT("_\rx"),
    TEXT("#\r\n"),
    TEXT("#x"),
    TEXT("#tt"),
    TEXT("#t\rx"),
    TEXT(",\r\n"),
    TEXT(",.5\r\n"),
    TEXT(",1.\r\n"),
    TEXT(",1.e1\r\n"),
    TEXT(",1e\r\n"),
    TEXT(",1e+\r\n"),
    TEXT(",0x10\r\n"),
    TEXT(",1,5\r\n"),
    TEXT(", 1\r\n"),
    TEXT(",infinity\r\n"),
    TEXT(",INF\r\n"),
    TEXT("(\r\n"),
    TEXT("(-\r\n"),
    TEXT("(12a\r\n"),
    TEXT("(1.5\r\n"),
    TEXT("*1\r\n>1\r\n:1\r\n"),
    TEXT("|1\r\n+a\r\n+b\r\n>1\r\n:1\r\n"),
    TEXT(">3\r\n$7\r\nmessage\r\n$7\r\nchannel\r\n$1x"),
    TEXT(">3\r\n$7\r\nmessage\rx$7\r\nchannel\r\n$1\r\na\r\n"),
    TEXT("?3\r\n$7\r\nmessage\r\n$7\r\nchannel\r\n$1\r\na\r\n"),
    TEXT(">3\r\n$7\r\nmessage\r\n$7\r\nchannels\r\n$1\r\na\r\n"),
};

static void refuses_what_is_malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(malformed); i++) {
        redis_frame_t frame = {0};
        size_t len = 77;
        int rc = scan_copy(&frame, malformed[i].ptr, malformed[i].len, UNLIMITED, &len);
        if (rc != CAIRN_EPROTOCOL) check_fail("%d: %s", rc, malformed[i].ptr);
        assert_non_null(frame.error);
        assert_int_equal(len, 77);
    }
}

static void refuses_it_byte_by_byte_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(malformed); i++) {
        redis_frame_t frame = {0};
        size_t len;
        size_t avail = 0;
        int rc = 0;
        while (rc == 0 && avail < malformed[i].len) {
            avail++;
            rc = scan_copy(&frame, malformed[i].ptr, avail, UNLIMITED, &len);
        }
        assert_status(rc, CAIRN_EPROTOCOL);
        assert_non_null(frame.error);
    }
}

/* ---- limits ---- */

static void keeps_to_the_limit(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        redis_frame_t frame = {0};
        size_t len = 0;
        const cairn_slice_t *value = &values[i];
        assert_status(scan_copy(&frame, value->ptr, value->len, value->len, &len), 1);
        assert_int_equal(len, value->len);
        for (size_t avail = 0; avail < value->len; avail++) {
            assert_status(scan_copy(&frame, value->ptr, avail, value->len, &len), 0);
        }
        assert_status(scan_copy(&frame, value->ptr, value->len, value->len, &len), 1);
        for (size_t limit = 0; limit < value->len; limit++) {
            frame = (redis_frame_t){0};
            int rc = scan_copy(&frame, value->ptr, value->len, limit, &len);
            assert_status(rc, CAIRN_ETOOBIG);
            assert_non_null(frame.error);
        }
    }
}

static void refuses_at_once_what_cannot_fit(void **state)
{
    (void)state;
    static const cairn_slice_t headers[] = {
        TEXT("$1000\r\n"),
        TEXT("$999999999999999999\r\n"),
        TEXT("!1000\r\n"),
        TEXT("=1000\r\n"),
        TEXT("*334\r\n"),
        TEXT("%167\r\n"),
        TEXT("~999999999999999999\r\n"),
        TEXT(">999999999999999999\r\n"),
        TEXT("|999999999999999999\r\n"),
        TEXT("%999999999999999999\r\n"),
        TEXT("*200\r\n*200\r\n"),
        TEXT("*2\r\n:1\r\n$990\r\n"),
    };
    for (size_t i = 0; i < COUNT(headers); i++) {
        redis_frame_t frame = {0};
        size_t len;
        int rc = scan_copy(&frame, headers[i].ptr, headers[i].len, 1000, &len);
        assert_status(rc, CAIRN_ETOOBIG);
        assert_non_null(frame.error);
    }
}

static void takes_any_limit(void **state)
{
    (void)state;
    redis_frame_t frame = {0};
    size_t len = 0;
    assert_status(scan_copy(&frame, "*1\r\n$1\r\na\r\n", 11, UINT64_MAX, &len), 1);
    assert_int_equal(len, 11);
    int rc = scan_copy(&frame, "*999999999999999999\r\n", 21, UINT64_MAX, &len);
    assert_status(rc, CAIRN_ETOOBIG);
    frame = (redis_frame_t){0};
    rc = scan_copy(&frame, "$999999999999999999\r\n", 21, UINT64_MAX, &len);
    assert_status(rc, 0);
    assert_true(redis_frame_missing(&frame, 21) == 1000000000000000001u);
}

static void limits_lines(void **state)
{
    (void)state;
    static const char types[] = "+-(,";
    for (const char *type = types; *type; type++) {
        size_t longest = *type == ',' ? REDIS_DOUBLE_MAX : REDIS_LINE_MAX;
        char *line = malloc(longest + 4);
        assert_non_null(line);
        memset(line, '1', longest + 4);
        line[0] = *type;
        redis_frame_t frame = {0};
        size_t len = 0;
        assert_status(redis_frame_scan(&frame, line, longest + 1, UNLIMITED, &len), 0);
        assert_status(redis_frame_scan(&frame, line, longest + 2, UNLIMITED, &len), CAIRN_ETOOBIG);
        frame = (redis_frame_t){0};
        memcpy(line + 1 + longest, "\r\n", 2);
        assert_status(redis_frame_scan(&frame, line, longest + 3, UNLIMITED, &len), 1);
        assert_int_equal(len, longest + 3);
        frame = (redis_frame_t){0};
        memcpy(line + 1 + longest, "1\r\n", 3);
        assert_status(redis_frame_scan(&frame, line, longest + 4, UNLIMITED, &len), CAIRN_ETOOBIG);
        free(line);
    }
}

/* ---- state ---- */

static void says_what_is_missing(void **state)
{
    (void)state;
    redis_frame_t frame = {0};
    size_t len;
    assert_int_equal(redis_frame_missing(&frame, 0), 1);
    assert_status(scan_copy(&frame, "$1000000\r\nab", 12, UNLIMITED, &len), 0);
    assert_int_equal(redis_frame_missing(&frame, 12), 1000000);
    frame = (redis_frame_t){0};
    assert_status(scan_copy(&frame, "*3\r\n$500\r\n", 10, UNLIMITED, &len), 0);
    assert_int_equal(redis_frame_missing(&frame, 10), 502 + 2 * 3);
    assert_int_equal(redis_frame_missing(&frame, 500), 12 + 2 * 3);
}

/* What was looked at may change without being noticed. */
static void searches_a_line_once(void **state)
{
    (void)state;
    char line[104];
    memset(line, 'a', sizeof line);
    memcpy(line, "*1\r\n+", 5);
    redis_frame_t frame = {0};
    size_t len = 0;
    assert_status(redis_frame_scan(&frame, line, 50, UNLIMITED, &len), 0);
    memset(line + 5, '\r', 40);
    assert_status(redis_frame_scan(&frame, line, 100, UNLIMITED, &len), 0);
    memset(line + 5, '\r', 90);
    memcpy(line + 102, "\r\n", 2);
    assert_status(redis_frame_scan(&frame, line, 103, UNLIMITED, &len), 0);
    assert_status(redis_frame_scan(&frame, line, 104, UNLIMITED, &len), 1);
    assert_int_equal(len, 104);
}

static void nests_without_limit(void **state)
{
    (void)state;
    enum {
        DEPTH = 100000
    };
    static char bytes[DEPTH * 4 + 4];
    for (size_t i = 0; i < DEPTH; i++) memcpy(bytes + i * 4, i % 2 ? "*1\r\n" : "~1\r\n", 4);
    memcpy(bytes + DEPTH * 4, ":1\r\n", 4);
    redis_frame_t frame = {0};
    size_t len = 0;
    assert_status(redis_frame_scan(&frame, bytes, sizeof bytes, UNLIMITED, &len), 1);
    assert_int_equal(len, sizeof bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scans_in_one_go),
        cmocka_unit_test(leaves_what_follows),
        cmocka_unit_test(waits_for_any_prefix),
        cmocka_unit_test(scans_byte_by_byte),
        cmocka_unit_test(scans_at_every_pair_of_splits),
        cmocka_unit_test(scans_bulks_of_any_length),
        cmocka_unit_test(refuses_what_is_malformed),
        cmocka_unit_test(refuses_it_byte_by_byte_too),
        cmocka_unit_test(keeps_to_the_limit),
        cmocka_unit_test(refuses_at_once_what_cannot_fit),
        cmocka_unit_test(takes_any_limit),
        cmocka_unit_test(limits_lines),
        cmocka_unit_test(says_what_is_missing),
        cmocka_unit_test(searches_a_line_once),
        cmocka_unit_test(nests_without_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
