#include "check.h"

#include <cairn/sys/alloc.h>
#include <cairn/sys/json.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static void an_object_is_one_to_the_last_byte(void **state)
{
    (void)state;
    const char *const right[] = {
        "{}",
        " \t\r\n{ } ",
        "{\"a\":1,\"b\":[null,true,-1.5e3,\"\\u0000\\ud83d\\ude00\"],\"c\":{\"\":{}}}",
        "{\"a\":1,\"a\":2}",
        "{\"big\":18446744073709551616}",
        "{\"bigger\":-123456789012345678901234567890}",
    };
    for (size_t i = 0; i < COUNT_OF(right); i++)
        assert_status(cairn_json_check_object(cairn_str(right[i])), 0);
    const char *const wrong[] = {
        "",
        " ",
        "[]",
        "1",
        "null",
        "\"{}\"",
        "{",
        "}",
        "{}{}",
        "{} x",
        "x {}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1,}",
        "{\"a\":NaN}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\\ud83d\"}",
        "{\"\\u0000\":1}",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        if (cairn_json_check_object(cairn_str(wrong[i])) != UV_EINVAL)
            check_fail("accepted: %s", wrong[i]);
    assert_status(cairn_json_check_object(cairn_slice("{}\0", 3)), UV_EINVAL);
    assert_status(cairn_json_check_object(cairn_slice(NULL, 0)), UV_EINVAL);
    assert_status(cairn_json_check_object(cairn_slice("{}}", 2)), 0);
}

static void nesting_without_end_is_refused(void **state)
{
    (void)state;
    enum {
        DEPTH = 1000000
    };
    char *deep = malloc(DEPTH + 5);
    assert_non_null(deep);
    memcpy(deep, "{\"a\":", 5);
    memset(deep + 5, '[', DEPTH);
    assert_status(cairn_json_check_object(cairn_slice(deep, DEPTH + 5)), UV_EINVAL);
    free(deep);
}

/* ---- containment ---- */

#define assert_contained(document, filter) assert_contains_is((document), (filter), 1, __LINE__)
#define assert_not_contained(document, filter) assert_contains_is((document), (filter), 0, __LINE__)

static void assert_contains_is(const char *document, const char *filter, int expected, int line)
{
    int found = cairn_json_contains(cairn_str(document), cairn_str(filter));
    if (found != expected)
        check_fail("line %d: %s in %s: %d, not %d", line, filter, document, found, expected);
}

static void all_keys_must_be_there(void **state)
{
    (void)state;
    assert_contained("{\"a\":1,\"b\":2}", "{}");
    assert_contained("{}", "{}");
    assert_contained("{\"a\":1,\"b\":2}", "{\"a\":1}");
    assert_contained("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}");
    assert_not_contained("{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":3}");
    assert_not_contained("{\"a\":1}", "{\"a\":1,\"b\":2}");
    assert_not_contained("{}", "{\"a\":1}");
}

static void objects_contain_objects_however_deep(void **state)
{
    (void)state;
    const char *document = "{\"a\":{\"b\":{\"c\":1,\"d\":2},\"e\":3},\"f\":4}";
    assert_contained(document, "{\"a\":{}}");
    assert_contained(document, "{\"a\":{\"b\":{\"d\":2}}}");
    assert_not_contained(document, "{\"a\":{\"b\":{\"d\":1}}}");
    assert_not_contained(document, "{\"a\":{\"c\":1}}");
    assert_not_contained(document, "{\"f\":{}}");
    assert_not_contained(document, "{\"a\":3}");
}

static void null_matches_null_only(void **state)
{
    (void)state;
    assert_contained("{\"a\":null}", "{\"a\":null}");
    assert_not_contained("{}", "{\"a\":null}");
    assert_not_contained("{\"a\":0}", "{\"a\":null}");
    assert_not_contained("{\"a\":false}", "{\"a\":null}");
    assert_not_contained("{\"a\":null}", "{\"a\":{}}");
}

static void numbers_are_equal_by_value(void **state)
{
    (void)state;
    assert_contained("{\"a\":1}", "{\"a\":1.0}");
    assert_contained("{\"a\":1.0}", "{\"a\":1}");
    assert_contained("{\"a\":1e2}", "{\"a\":100}");
    assert_contained("{\"a\":-0.0}", "{\"a\":0}");
    assert_not_contained("{\"a\":1}", "{\"a\":1.5}");
    assert_not_contained("{\"a\":1}", "{\"a\":true}");
    assert_not_contained("{\"a\":1}", "{\"a\":\"1\"}");
    assert_not_contained("{\"a\":9007199254740993}", "{\"a\":9007199254740992}");
    assert_not_contained("{\"a\":9007199254740993}", "{\"a\":9007199254740992.0}");
    assert_contained("{\"a\":9007199254740992}", "{\"a\":9007199254740992.0}");
    assert_not_contained("{\"a\":9223372036854775807}", "{\"a\":9223372036854775808.0}");
    assert_contained("{\"a\":-9223372036854775808}", "{\"a\":-9223372036854775808.0}");
    assert_contained("{\"a\":18446744073709551616}", "{\"a\":18446744073709551616.0}");
}

static void everything_else_is_equal_as_a_whole(void **state)
{
    (void)state;
    assert_contained("{\"a\":[1,{\"b\":2}]}", "{\"a\":[1.0,{\"b\":2.0}]}");
    assert_not_contained("{\"a\":[1,{\"b\":2,\"c\":3}]}", "{\"a\":[1,{\"b\":2}]}");
    assert_not_contained("{\"a\":[1,2]}", "{\"a\":[1]}");
    assert_not_contained("{\"a\":[1,2]}", "{\"a\":[2,1]}");
    assert_not_contained("{\"a\":[1,2]}", "{\"a\":1}");
    assert_contained("{\"a\":[]}", "{\"a\":[]}");
    assert_contained("{\"a\":\"x\"}", "{\"a\":\"\\u0078\"}");
    assert_contained("{\"a\":\"x\\u0000y\"}", "{\"a\":\"x\\u0000y\"}");
    assert_not_contained("{\"a\":\"x\\u0000y\"}", "{\"a\":\"x\\u0000z\"}");
    assert_not_contained("{\"a\":\"x\"}", "{\"a\":\"X\"}");
    assert_contained("{\"a\":true}", "{\"a\":true}");
    assert_not_contained("{\"a\":true}", "{\"a\":false}");
}

static void a_filter_is_read_once_for_many_documents(void **state)
{
    (void)state;
    cairn_json_filter_t *filter = NULL;
    assert_status(cairn_json_filter_read(cairn_str("[]"), &filter), UV_EINVAL);
    assert_null(filter);
    cairn_json_filter_free(filter);
    assert_status(cairn_json_filter_read(cairn_str("{\"a\":1}"), &filter), 0);
    assert_int_equal(cairn_json_filter_matches(filter, cairn_str("{\"a\":1.0,\"b\":2}")), 1);
    assert_int_equal(cairn_json_filter_matches(filter, cairn_str("{\"a\":2}")), 0);
    assert_status(cairn_json_filter_matches(filter, cairn_str("1")), UV_EINVAL);
    assert_int_equal(cairn_json_filter_matches(filter, cairn_str("{\"a\":1}")), 1);
    cairn_json_filter_free(filter);
}

static void containment_asks_for_two_objects(void **state)
{
    (void)state;
    assert_contains_is("[]", "{}", UV_EINVAL, __LINE__);
    assert_contains_is("{}", "[]", UV_EINVAL, __LINE__);
    assert_contains_is("{}", "{", UV_EINVAL, __LINE__);
}

/* ---- members ---- */

static const cairn_slice_t absent;

/* Absent or present, and equal. */
static void assert_slice(cairn_slice_t slice, cairn_slice_t expected)
{
    assert_true(!slice.ptr == !expected.ptr);
    assert_true(cairn_slice_eq(slice, expected));
}

static void assert_member(cairn_slice_t text, const char *key, size_t most, int status,
                          cairn_slice_t expected)
{
    cairn_slice_t out = cairn_str("left alone");
    char *memory = (char *)"left alone";
    assert_status(cairn_json_string_member(text, key, most, &out, &memory), status);
    assert_slice(out, expected);
    if (!expected.ptr) assert_null(memory);
    cairn_free(memory);
}

static void assert_copied(const char *text, const char *expected, bool copied)
{
    cairn_slice_t out;
    char *memory;
    assert_status(cairn_json_string_member(cairn_str(text), "r", SIZE_MAX, &out, &memory), 0);
    assert_slice(out, cairn_str(expected));
    if (copied) {
        assert_ptr_equal(out.ptr, memory);
    } else {
        assert_null(memory);
        assert_in_range((uintptr_t)out.ptr, (uintptr_t)text, (uintptr_t)text + strlen(text));
    }
    cairn_free(memory);
}

static void a_string_member_is_read(void **state)
{
    (void)state;
    cairn_slice_t text = cairn_str("{\"n\":1,\"run_id\":\"r\\u0000-1\",\"o\":{\"x\":\"y\"}}");
    assert_member(text, "run_id", SIZE_MAX, 0, cairn_slice("r\0-1", 4));
    assert_member(text, "run_id", 4, 0, cairn_slice("r\0-1", 4));
    assert_member(text, "run_id", 3, CAIRN_ETOOBIG, absent);
    static const char *const none[] = {"n", "o", "x", ""};
    for (size_t i = 0; i < COUNT_OF(none); i++) assert_member(text, none[i], SIZE_MAX, 0, absent);
    assert_member(cairn_str("{\"r\":\"\"}"), "r", 0, 0, cairn_str(""));
    assert_member(cairn_str("{\"r\":\"a\",\"r\":\"b\"}"), "r", 1, 0, cairn_str("b"));
    assert_member(cairn_str("[\"r\"]"), "r", 1, UV_EINVAL, absent);
}

static void a_string_member_is_copied_only_if_it_is_escaped(void **state)
{
    (void)state;
    assert_copied("{\"r\":\"plain\"}", "plain", false);
    assert_copied("{\"r\":\"\xc3\xa4/b\"}", "\xc3\xa4/b", false);
    assert_copied("{\"r\":\"\"}", "", false);
    assert_copied("{\"r\":\"\\u00e4\"}", "\xc3\xa4", true);
    assert_copied("{\"r\":\"a\\\\b\"}", "a\\b", true);
    assert_copied("{\"r\":\"a\\/b\",\"s\":\"a/b\"}", "a/b", false);
    assert_copied("{\"r\":\"\\\"\\n\"}", "\"\n", true);
}

static int add_key(void *context, cairn_slice_t name)
{
    char *keys = context;
    assert_in_range(name.len, 1, 4);
    strncat(keys, name.ptr, name.len);
    return strlen(keys) >= 6 ? 7 : 0;
}

static void the_keys_of_an_object_member_are_told(void **state)
{
    (void)state;
    char keys[32] = "";
    cairn_slice_t text = cairn_str("{\"a\":1,\"c\":{\"xx\":[1,2],\"yy\":null},\"d\":[\"zz\"]}");
    assert_status(cairn_json_each_key(text, "c", add_key, keys), 0);
    assert_true(strcmp(keys, "xxyy") == 0 || strcmp(keys, "yyxx") == 0);
    keys[0] = '\0';
    assert_status(cairn_json_each_key(text, "a", add_key, keys), 0);
    assert_status(cairn_json_each_key(text, "d", add_key, keys), 0);
    assert_status(cairn_json_each_key(text, "e", add_key, keys), 0);
    assert_string_equal(keys, "");
    assert_status(cairn_json_each_key(cairn_str("1"), "a", add_key, keys), UV_EINVAL);
    text = cairn_str("{\"c\":{\"aaa\":1,\"bbb\":1,\"ccc\":1}}");
    assert_int_equal(cairn_json_each_key(text, "c", add_key, keys), 7);
    assert_int_equal(strlen(keys), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_one_to_the_last_byte),
        cmocka_unit_test(nesting_without_end_is_refused),
        cmocka_unit_test(all_keys_must_be_there),
        cmocka_unit_test(objects_contain_objects_however_deep),
        cmocka_unit_test(null_matches_null_only),
        cmocka_unit_test(numbers_are_equal_by_value),
        cmocka_unit_test(everything_else_is_equal_as_a_whole),
        cmocka_unit_test(a_filter_is_read_once_for_many_documents),
        cmocka_unit_test(containment_asks_for_two_objects),
        cmocka_unit_test(a_string_member_is_read),
        cmocka_unit_test(a_string_member_is_copied_only_if_it_is_escaped),
        cmocka_unit_test(the_keys_of_an_object_member_are_told),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
