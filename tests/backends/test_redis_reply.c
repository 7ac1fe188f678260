/* Reading framed values: each reader, each type. Random values: test_redis_reply_random.c. */
#include "check.h"
#include "redis_reply.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* One framed value, in memory of exactly its size, so that reading on is seen. */
typedef struct value {
    char *bytes;
    size_t len;
    redis_reply_t reply;
} value_t;

static value_t value_of(const char *bytes, size_t len)
{
    value_t value = {malloc(len ? len : 1), len, {NULL, NULL}};
    assert_non_null(value.bytes);
    memcpy(value.bytes, bytes, len);
    redis_reply_init(&value.reply, value.bytes, len);
    return value;
}

static value_t framed(const char *bytes, size_t len)
{
    redis_frame_t frame = {0};
    size_t framed_len = 0;
    assert_status(redis_frame_scan(&frame, bytes, len, 1u << 30, &framed_len), 1);
    assert_int_equal(framed_len, len);
    return value_of(bytes, len);
}

#define FRAMED(literal) framed(literal, sizeof(literal) - 1)

static void drop(value_t *value)
{
    free(value->bytes);
}

static void assert_text(cairn_slice_t actual, const char *expected)
{
    cairn_slice_t wanted = cairn_str(expected);
    if (!cairn_slice_eq(actual, wanted)) {
        check_fail("\"%.*s\", not \"%s\"", (int)actual.len, actual.ptr, expected);
    }
}

/* ---- readers ---- */

static void tells_types(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        redis_type_t type;
    } rows[] = {
        {"$1\r\na\r\n", REDIS_STRING},
        {"$-1\r\n", REDIS_NIL},
        {"*-1\r\n", REDIS_NIL},
        {"_\r\n", REDIS_NIL},
        {"+OK\r\n", REDIS_STRING},
        {"=4\r\ntxt:\r\n", REDIS_STRING},
        {"(12\r\n", REDIS_STRING},
        {"-ERR\r\n", REDIS_ERROR},
        {"!3\r\nERR\r\n", REDIS_ERROR},
        {":1\r\n", REDIS_INT},
        {",1\r\n", REDIS_DOUBLE},
        {"#t\r\n", REDIS_BOOL},
        {"*0\r\n", REDIS_ARRAY},
        {"~0\r\n", REDIS_ARRAY},
        {">0\r\n", REDIS_ARRAY},
        {"%0\r\n", REDIS_MAP},
        {"|1\r\n+a\r\n*1\r\n+b\r\n%0\r\n", REDIS_MAP},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        value_t value = framed(rows[i].bytes, strlen(rows[i].bytes));
        assert_int_equal(redis_reply_type(&value.reply), rows[i].type);
        assert_ptr_equal(value.reply.at, value.bytes);
        assert_status(redis_reply_skip(&value.reply), 0);
        assert_true(redis_reply_done(&value.reply));
        assert_int_equal(redis_reply_type(&value.reply), REDIS_NONE);
        drop(&value);
    }
}

static void reads_integers(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        int64_t value;
    } rows[] = {
        {":0\r\n", 0},
        {":9\r\n", 9},
        {":10\r\n", 10},
        {":-1\r\n", -1},
        {":+5\r\n", 5},
        {":-0\r\n", 0},
        {":999999999999999999\r\n", 999999999999999999},
        {":1000000000000000000\r\n", 1000000000000000000},
        {":9223372036854775807\r\n", INT64_MAX},
        {":-9223372036854775808\r\n", INT64_MIN},
        {"|1\r\n+a\r\n+b\r\n:7\r\n", 7},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        value_t value = framed(rows[i].bytes, strlen(rows[i].bytes));
        int64_t read = 77;
        assert_status(redis_reply_int(&value.reply, &read), 0);
        assert_true(read == rows[i].value);
        assert_true(redis_reply_done(&value.reply));
        drop(&value);
    }
}

static void reads_strings(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *text;
    } rows[] = {
        {"$0\r\n\r\n", ""},
        {"$1\r\na\r\n", "a"},
        {"$2\r\n\r\n\r\n", "\r\n"},
        {"$9\r\n123456789\r\n", "123456789"},
        {"$10\r\n1234567890\r\n", "1234567890"},
        {"+OK\r\n", "OK"},
        {"+\r\n", ""},
        {"=15\r\ntxt:Some string\r\n", "Some string"},
        {"=4\r\nmkd:\r\n", ""},
        {"(-123\r\n", "-123"},
        {"|1\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n", "c"},
        {"|1\r\n+a\r\n|1\r\n+b\r\n+c\r\n+d\r\n|0\r\n+e\r\n", "e"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        value_t value = framed(rows[i].bytes, strlen(rows[i].bytes));
        cairn_slice_t text;
        redis_reply_t again = value.reply;
        assert_status(redis_reply_string(&value.reply, &text), 0);
        assert_text(text, rows[i].text);
        assert_true(redis_reply_done(&value.reply));
        bool nil = true;
        assert_status(redis_reply_string_or_nil(&again, &text, &nil), 0);
        assert_text(text, rows[i].text);
        assert_false(nil);
        assert_true(redis_reply_done(&again));
        drop(&value);
    }
}

static void reads_strings_of_any_length(void **state)
{
    (void)state;
    static char bytes[128 << 10];
    static const size_t lengths[] = {0, 9, 10, 99, 100, 999, 1000, 9999, 10000, 100000};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        int head = snprintf(bytes, sizeof bytes, "*2\r\n$%zu\r\n", lengths[i]);
        char *end = bytes + head;
        memset(end, 'x', lengths[i]);
        end += lengths[i];
        memcpy(end, "\r\n:5\r\n", 6);
        value_t value = framed(bytes, (size_t)(end + 6 - bytes));
        cairn_slice_t text;
        size_t count;
        int64_t five = 0;
        assert_status(redis_reply_array(&value.reply, &count), 0);
        assert_status(redis_reply_string(&value.reply, &text), 0);
        assert_int_equal(text.len, lengths[i]);
        assert_ptr_equal(text.ptr, value.bytes + head);
        assert_status(redis_reply_int(&value.reply, &five), 0);
        assert_true(five == 5);
        drop(&value);
    }
}

static void reads_nils(void **state)
{
    (void)state;
    static const char *const nils[] = {"$-1\r\n", "*-1\r\n", "_\r\n", "|1\r\n+a\r\n+b\r\n$-1\r\n"};
    for (size_t i = 0; i < COUNT(nils); i++) {
        value_t value = framed(nils[i], strlen(nils[i]));
        redis_reply_t as_array = value.reply;
        cairn_slice_t text = cairn_str("before");
        size_t count = 77;
        bool nil = false;
        assert_status(redis_reply_string(&value.reply, &text), CAIRN_EPROTOCOL);
        assert_status(redis_reply_array(&value.reply, &count), CAIRN_EPROTOCOL);
        assert_ptr_equal(value.reply.at, value.bytes);
        assert_status(redis_reply_string_or_nil(&value.reply, &text, &nil), 0);
        assert_true(nil);
        assert_int_equal(text.len, 0);
        assert_true(redis_reply_done(&value.reply));
        nil = false;
        assert_status(redis_reply_array_or_nil(&as_array, &count, &nil), 0);
        assert_true(nil);
        assert_int_equal(count, 0);
        assert_true(redis_reply_done(&as_array));
        drop(&value);
    }
}

static void reads_bools(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool value;
    } rows[] = {{"#t\r\n", true}, {"#f\r\n", false}, {":1\r\n", true}, {":0\r\n", false}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        value_t value = framed(rows[i].bytes, strlen(rows[i].bytes));
        bool read = !rows[i].value;
        assert_status(redis_reply_bool(&value.reply, &read), 0);
        assert_true(read == rows[i].value);
        assert_true(redis_reply_done(&value.reply));
        drop(&value);
    }
    value_t two = FRAMED(":2\r\n");
    bool read;
    assert_status(redis_reply_bool(&two.reply, &read), CAIRN_EPROTOCOL);
    assert_ptr_equal(two.reply.at, two.bytes);
    drop(&two);
}

static double double_of(const char *bytes)
{
    value_t value = framed(bytes, strlen(bytes));
    double read = 77;
    assert_status(redis_reply_double(&value.reply, &read), 0);
    assert_true(redis_reply_done(&value.reply));
    drop(&value);
    return read;
}

static void reads_doubles(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        double value;
    } rows[] = {
        {",0\r\n", 0},
        {",1.5\r\n", 1.5},
        {",-1.5\r\n", -1.5},
        {",+2\r\n", 2},
        {",0.10000000000000001\r\n", 0.1},
        {",3.1415926535897931\r\n", 3.1415926535897931},
        {",1.25e3\r\n", 1250},
        {",1.25E-3\r\n", 0.00125},
        {",1e+2\r\n", 100},
        {",1.7976931348623157e+308\r\n", 1.7976931348623157e308},
        {",4.9406564584124654e-324\r\n", 4.9406564584124654e-324},
        {",1e999999999999\r\n", INFINITY},
        {",-1e999999999999\r\n", -INFINITY},
        {",1e-999999999999\r\n", 0},
        {",inf\r\n", INFINITY},
        {",-inf\r\n", -INFINITY},
        {":-3\r\n", -3},
        {"$3\r\n1.5\r\n", 1.5},
        {"+2.5\r\n", 2.5},
        {"$3\r\ninf\r\n", INFINITY},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (double_of(rows[i].bytes) != rows[i].value) check_fail("%s", rows[i].bytes);
    }
    assert_true(isnan(double_of(",nan\r\n")));
    assert_true(isnan(double_of(",-nan\r\n")));
    assert_true(signbit(double_of(",-0\r\n")));
}

static void reads_the_longest_double(void **state)
{
    (void)state;
    char bytes[REDIS_DOUBLE_MAX + 8];
    memset(bytes, '0', sizeof bytes);
    memcpy(bytes, ",2.", 3);
    memcpy(bytes + 1 + REDIS_DOUBLE_MAX, "\r\n", 3);
    assert_true(double_of(bytes) == 2);
    memset(bytes, '9', sizeof bytes);
    bytes[0] = ',';
    memcpy(bytes + 1 + REDIS_DOUBLE_MAX, "\r\n", 3);
    assert_true(isinf(double_of(bytes)));
}

static void refuses_text_that_is_no_double(void **state)
{
    (void)state;
    static const char *const texts[] = {"$0\r\n\r\n",    "$1\r\nx\r\n",   "$4\r\n1.5x\r\n",
                                        "$3\r\n 15\r\n", "$3\r\n0x1\r\n", "+OK\r\n"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        value_t value = framed(texts[i], strlen(texts[i]));
        double read;
        assert_status(redis_reply_double(&value.reply, &read), CAIRN_EPROTOCOL);
        assert_ptr_equal(value.reply.at, value.bytes);
        drop(&value);
    }
    char longer[REDIS_DOUBLE_MAX + 16];
    int head = snprintf(longer, sizeof longer, "$%d\r\n", REDIS_DOUBLE_MAX + 1);
    memset(longer + head, '1', REDIS_DOUBLE_MAX + 1);
    memcpy(longer + head + REDIS_DOUBLE_MAX + 1, "\r\n", 2);
    value_t value = framed(longer, (size_t)head + REDIS_DOUBLE_MAX + 3);
    double read;
    assert_status(redis_reply_double(&value.reply, &read), CAIRN_EPROTOCOL);
    drop(&value);
}

/* Only where a locale with a decimal comma is installed. */
static void reads_doubles_in_any_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8"};
    const char *set = NULL;
    for (size_t i = 0; i < COUNT(names) && !set; i++) set = setlocale(LC_NUMERIC, names[i]);
    if (!set) skip();
    double read = double_of(",1.5\r\n");
    setlocale(LC_NUMERIC, "C");
    assert_true(read == 1.5);
}

static void reads_aggregates(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t count;
    } rows[] = {
        {"*0\r\n", 0},
        {"*1\r\n_\r\n", 1},
        {"~2\r\n_\r\n_\r\n", 2},
        {"%1\r\n_\r\n_\r\n", 2},
        {">2\r\n_\r\n_\r\n", 2},
        {"*10\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n", 10},
        {"|1\r\n+a\r\n+b\r\n*1\r\n_\r\n", 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        value_t value = framed(rows[i].bytes, strlen(rows[i].bytes));
        assert_true(redis_reply_is_push(&value.reply) == (rows[i].bytes[0] == '>'));
        redis_reply_t again = value.reply;
        size_t count = 77;
        assert_status(redis_reply_array(&value.reply, &count), 0);
        assert_int_equal(count, rows[i].count);
        assert_int_equal(value.reply.end - value.reply.at, count * 3);
        bool nil = true;
        assert_status(redis_reply_array_or_nil(&again, &count, &nil), 0);
        assert_int_equal(count, rows[i].count);
        assert_false(nil);
        while (count-- > 0) assert_status(redis_reply_skip(&value.reply), 0);
        assert_true(redis_reply_done(&value.reply));
        assert_false(redis_reply_is_push(&value.reply));
        drop(&value);
    }
}

static void peeks_at_errors(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *text;
    } rows[] = {
        {"-ERR no\r\n", "ERR no"},
        {"!8\r\nERR a\r\nb\r\n", "ERR a\r\nb"},
        {"-\r\n", ""},
        {"|1\r\n+a\r\n+b\r\n-ERR no\r\n", "ERR no"},
        {"|1\r\n-a\r\n-b\r\n+fine\r\n", NULL},
        {"+ERR no\r\n", NULL},
        {"$-1\r\n", NULL},
        {"*1\r\n-ERR no\r\n", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        value_t value = value_of(rows[i].bytes, strlen(rows[i].bytes));
        cairn_slice_t text = cairn_str("before");
        assert_true(redis_reply_error(&value.reply, &text) == (rows[i].text != NULL));
        assert_text(text, rows[i].text ? rows[i].text : "before");
        assert_ptr_equal(value.reply.at, value.bytes);
        drop(&value);
    }
}

static void reads_a_message(void **state)
{
    (void)state;
    value_t value = FRAMED(">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n");
    size_t count;
    cairn_slice_t kind, channel, payload;
    assert_true(redis_reply_is_push(&value.reply));
    assert_status(redis_reply_array(&value.reply, &count), 0);
    assert_int_equal(count, 3);
    assert_status(redis_reply_string(&value.reply, &kind), 0);
    assert_status(redis_reply_string(&value.reply, &channel), 0);
    assert_status(redis_reply_string(&value.reply, &payload), 0);
    assert_text(kind, "message");
    assert_text(channel, "news");
    assert_text(payload, "hello");
    assert_true(redis_reply_done(&value.reply));
    drop(&value);
}

/* ---- what does not fit ---- */

enum {
    INT = 1,
    STRING = 2,
    DOUBLE = 4,
    BOOL = 8,
    ARRAY = 16,
    STRING_OR_NIL = 32,
    ARRAY_OR_NIL = 64
};

/* Which readers take it, each from a copy; none that refuses moves. */
static unsigned takers(const redis_reply_t *reply)
{
    int64_t number;
    cairn_slice_t text;
    double real;
    bool truth, nil;
    size_t count;
    redis_reply_t r[7] = {*reply, *reply, *reply, *reply, *reply, *reply, *reply};
    int rc[7] = {
        redis_reply_int(&r[0], &number),
        redis_reply_string(&r[1], &text),
        redis_reply_double(&r[2], &real),
        redis_reply_bool(&r[3], &truth),
        redis_reply_array(&r[4], &count),
        redis_reply_string_or_nil(&r[5], &text, &nil),
        redis_reply_array_or_nil(&r[6], &count, &nil),
    };
    unsigned taken = 0;
    for (unsigned i = 0; i < 7; i++) {
        if (rc[i] == 0) {
            taken |= 1u << i;
        } else {
            assert_status(rc[i], CAIRN_EPROTOCOL);
            assert_ptr_equal(r[i].at, reply->at);
        }
    }
    return taken;
}

static void takes_only_its_type(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        unsigned takers;
    } rows[] = {
        {":1\r\n", INT | DOUBLE | BOOL},
        {":23\r\n", INT | DOUBLE},
        {"$1\r\n1\r\n", STRING | DOUBLE | STRING_OR_NIL},
        {"$1\r\na\r\n", STRING | STRING_OR_NIL},
        {"+a\r\n", STRING | STRING_OR_NIL},
        {"=5\r\ntxt:1\r\n", STRING | STRING_OR_NIL},
        {"(1\r\n", STRING | STRING_OR_NIL},
        {",1\r\n", DOUBLE},
        {"#t\r\n", BOOL},
        {"-1\r\n", 0},
        {"!1\r\n1\r\n", 0},
        {"_\r\n", STRING_OR_NIL | ARRAY_OR_NIL},
        {"$-1\r\n", STRING_OR_NIL | ARRAY_OR_NIL},
        {"*-1\r\n", STRING_OR_NIL | ARRAY_OR_NIL},
        {"*1\r\n:1\r\n", ARRAY | ARRAY_OR_NIL},
        {"~1\r\n:1\r\n", ARRAY | ARRAY_OR_NIL},
        {">1\r\n:1\r\n", ARRAY | ARRAY_OR_NIL},
        {"%1\r\n:1\r\n:1\r\n", ARRAY | ARRAY_OR_NIL},
        {"|1\r\n:1\r\n:1\r\n:1\r\n", INT | DOUBLE | BOOL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        value_t value = framed(rows[i].bytes, strlen(rows[i].bytes));
        unsigned taken = takers(&value.reply);
        if (taken != rows[i].takers) check_fail("%s: %u", rows[i].bytes, taken);
        drop(&value);
    }
}

/* Bytes that no frame let through: whatever a reader makes of them, it stays inside. */
static void stays_inside_what_was_not_framed(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "$",
        "$5",
        "$5\r",
        "$5\r\n",
        "$5\r\nhell",
        "$5\r\nhello",
        "$-1\r",
        "$-2\r\n",
        "$99\r\nabc\r\n",
        "$999\r\n\r\n",
        "$/9\r\n\r\n",
        "$9/\r\n\r\n",
        "$(((\r\n",
        "$\xff\r\n\r\n\r\n",
        "$1(\r\nabcdefgh",
        "$9999999999999999999\r\n",
        "*",
        "*5",
        "*5\r\n",
        "*\xff\r\n",
        "*/\r\n",
        "*99999\r\n:1\r\n",
        "|1\r\n",
        "|1\r\n+a\r\n",
        "|9\r\n+a\r\n+b\r\n:1\r\n",
        "|1\r\n+a\r\n+b\r\n",
        ":",
        ":1\r",
        ":\xff\r\n",
        "+",
        "+a\r",
        "=3\r\nabc\r\n",
        "\r\n",
        "?1\r\n",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        value_t value = value_of(rows[i], strlen(rows[i]));
        cairn_slice_t text = {NULL, 0};
        if (redis_reply_string(&value.reply, &text) == 0) {
            assert_true(text.ptr >= value.bytes && text.ptr + text.len <= value.bytes + value.len);
        }
        assert_in_range(value.reply.at - value.bytes, 0, value.len);
        redis_reply_init(&value.reply, value.bytes, value.len);
        takers(&value.reply);
        (void)redis_reply_error(&value.reply, &text);
        (void)redis_reply_type(&value.reply);
        assert_ptr_equal(value.reply.at, value.bytes);
        assert_in_range(-redis_reply_skip(&value.reply), 0, -CAIRN_EPROTOCOL);
        assert_in_range(value.reply.at - value.bytes, 0, value.len);
        drop(&value);
    }
}

static void skips_deep_nesting(void **state)
{
    (void)state;
    enum {
        DEPTH = 100000
    };
    static char bytes[DEPTH * 4 + 4];
    for (size_t i = 0; i < DEPTH; i++) memcpy(bytes + i * 4, "*1\r\n", 4);
    memcpy(bytes + DEPTH * 4, ":1\r\n", 4);
    value_t value = framed(bytes, sizeof bytes);
    assert_status(redis_reply_skip(&value.reply), 0);
    assert_true(redis_reply_done(&value.reply));
    drop(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_types),
        cmocka_unit_test(reads_integers),
        cmocka_unit_test(reads_strings),
        cmocka_unit_test(reads_strings_of_any_length),
        cmocka_unit_test(reads_nils),
        cmocka_unit_test(reads_bools),
        cmocka_unit_test(reads_doubles),
        cmocka_unit_test(reads_the_longest_double),
        cmocka_unit_test(refuses_text_that_is_no_double),
        cmocka_unit_test(reads_doubles_in_any_locale),
        cmocka_unit_test(reads_aggregates),
        cmocka_unit_test(peeks_at_errors),
        cmocka_unit_test(reads_a_message),
        cmocka_unit_test(takes_only_its_type),
        cmocka_unit_test(stays_inside_what_was_not_framed),
        cmocka_unit_test(skips_deep_nesting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
