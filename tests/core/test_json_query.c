#include "check.h"

#include <cairn/sys/json.h>
#include <string.h>
#include <uv.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static int matches(const char *document, const char *filter)
{
    cairn_json_query_t *query = NULL;
    cairn_error_t error = {0};
    int rc = cairn_json_query_read(cairn_str(filter), &query, &error);
    if (rc < 0) check_fail("%s: %s", filter, error.text);
    rc = cairn_json_query_matches(query, cairn_str(document));
    cairn_json_query_free(query);
    return rc;
}

#define assert_match(document, filter) assert_match_is((document), (filter), 1, __LINE__)
#define assert_no_match(document, filter) assert_match_is((document), (filter), 0, __LINE__)

static void assert_match_is(const char *document, const char *filter, int expected, int line)
{
    int found = matches(document, filter);
    if (found != expected)
        check_fail("line %d: %s on %s: %d, not %d", line, filter, document, found, expected);
}

static void plain_values_are_equal_and_plain_objects_subsets(void **state)
{
    (void)state;
    assert_match("{\"a\":1,\"b\":2}", "{\"a\":1.0}");
    assert_no_match("{\"a\":1}", "{\"a\":2}");
    assert_match("{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":1}}");
    assert_no_match("{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1,\"c\":2}}");
    assert_no_match("{\"a\":1}", "{\"a\":{}}");
    assert_match("{\"a\":[{\"b\":1}]}", "{\"a\":[{\"b\":1}]}");
    assert_no_match("{\"a\":[{\"b\":1,\"c\":2}]}", "{\"a\":[{\"b\":1}]}");
}

static void order_is_exact_across_kinds_of_numbers(void **state)
{
    (void)state;
    assert_match("{\"a\":9007199254740993}", "{\"a\":{\"$gt\":9007199254740992.0}}");
    assert_no_match("{\"a\":9007199254740992}", "{\"a\":{\"$gt\":9007199254740992.0}}");
    assert_match("{\"a\":9223372036854775807}", "{\"a\":{\"$lt\":9223372036854775808.0}}");
    assert_match("{\"a\":1.5}", "{\"a\":{\"$gt\":1,\"$lt\":2}}");
    assert_match("{\"a\":-1.5}", "{\"a\":{\"$lt\":-1,\"$gt\":-2}}");
    assert_match("{\"a\":1e300}", "{\"a\":{\"$gt\":9223372036854775807}}");
    assert_match("{\"a\":-1e300}", "{\"a\":{\"$lt\":-9223372036854775808}}");
    assert_match("{\"a\":-0.0}", "{\"a\":{\"$gte\":0,\"$lte\":0}}");
}

static void strings_are_in_the_order_of_their_bytes(void **state)
{
    (void)state;
    assert_match("{\"a\":\"B\"}", "{\"a\":{\"$lt\":\"a\"}}");
    assert_match("{\"a\":\"ab\"}", "{\"a\":{\"$gt\":\"a\"}}");
    assert_match("{\"a\":\"a\\u0000b\"}", "{\"a\":{\"$gt\":\"a\\u0000a\",\"$lt\":\"ab\"}}");
    assert_match("{\"a\":\"\\uffff\"}", "{\"a\":{\"$lt\":\"\\ud83d\\ude00\"}}");
    assert_no_match("{\"a\":\"\"}", "{\"a\":{\"$lt\":\"\"}}");
}

static void what_has_no_order_never_matches_one(void **state)
{
    (void)state;
    static const char *const values[] = {"null", "true", "[1]", "{}", "\"1\""};
    static const char *const names[] = {"$gt", "$gte", "$lt", "$lte"};
    for (size_t v = 0; v < COUNT_OF(values); v++) {
        for (size_t n = 0; n < COUNT_OF(names); n++) {
            char document[64], filter[64];
            snprintf(document, sizeof document, "{\"a\":%s}", values[v]);
            snprintf(filter, sizeof filter, "{\"a\":{\"%s\":1}}", names[n]);
            assert_no_match(document, filter);
            assert_no_match("{}", filter);
            snprintf(filter, sizeof filter, "{\"a\":{\"%s\":%s}}", names[n],
                     v == 4 ? "1" : values[v]);
            assert_no_match(document, filter);
        }
    }
}

static void ne_is_the_opposite_of_eq(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "{}", "{\"a\":1}", "{\"a\":null}", "{\"a\":\"1\"}", "{\"a\":{\"b\":1}}", "{\"a\":[1]}"};
    static const char *const operands[] = {"1", "1.0", "null", "\"1\"", "{\"b\":1}", "[1]", "{}"};
    for (size_t d = 0; d < COUNT_OF(documents); d++) {
        for (size_t o = 0; o < COUNT_OF(operands); o++) {
            char eq[64], ne[64];
            snprintf(eq, sizeof eq, "{\"a\":{\"$eq\":%s}}", operands[o]);
            snprintf(ne, sizeof ne, "{\"a\":{\"$ne\":%s}}", operands[o]);
            assert_int_equal(matches(documents[d], eq) + matches(documents[d], ne), 1);
        }
    }
    assert_match("{\"a\":{\"$gt\":1}}", "{\"a\":{\"$eq\":{\"$gt\":1}}}");
}

static void a_path_goes_through_objects_only(void **state)
{
    (void)state;
    assert_match("{\"a\":{\"b\":{\"c\":1}}}", "{\"a.b.c\":1}");
    assert_match("{\"a\":{\"b\":{\"c\":1}}}", "{\"a\":{\"b.c\":1}}");
    assert_no_match("{\"a\":[{\"b\":1}]}", "{\"a.b\":1}");
    assert_no_match("{\"a\":1}", "{\"a.b\":1}");
    assert_match("{\"a.b\":1,\"a\":{\"b\":2}}", "{\"a.b\":1}");
    assert_match("{\"\":{\"\":1}}", "{\".\":1}");
    assert_match("{\"a\":{\"\":1}}", "{\"a.\":1}");
    assert_no_match("{\"a\":{\"b.c\":1}}", "{\"a.b.c\":1}");
}

static void what_is_no_object_matches_nothing_but_no_condition(void **state)
{
    (void)state;
    static const char *const documents[] = {"", "[]", "1", "null", "{", "x"};
    for (size_t i = 0; i < COUNT_OF(documents); i++) {
        assert_match(documents[i], "{}");
        assert_no_match(documents[i], "{\"a\":{\"$ne\":1}}");
    }
}

static void a_filter_that_is_none_says_what_is_wrong(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"[]", "is no JSON object"},
        {"", "is no JSON object"},
        {"{\"a\":{\"$x\":1}}", "has the unknown operator \"$x\" in \"a\""},
        {"{\"b\":{\"a\":{\"$x\":1}}}", "has the unknown operator \"$x\" in \"a\""},
        {"{\"a\":{\"$gt\":1,\"y\":1}}", "has the field \"y\" beside operators in \"a\""},
        {"{\"$gt\":1}", "has the operator \"$gt\" where a field should be"},
        {"{\"a\":{\"$\\u000a\":1}}", "has the unknown operator \"$?\" in \"a\""},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        cairn_json_query_t *query = NULL;
        cairn_error_t error = {0};
        assert_status(cairn_json_query_read(cairn_str(wrong[i][0]), &query, &error), UV_EINVAL);
        assert_string_equal(error.text, wrong[i][1]);
        assert_status(cairn_json_query_read(cairn_str(wrong[i][0]), &query, NULL), UV_EINVAL);
        assert_null(query);
    }
}

/* ---- texts to embed ---- */

static int add_text(void *context, cairn_slice_t text)
{
    char *texts = context;
    strcat(texts, "|");
    strncat(texts, text.ptr, text.len);
    return strlen(texts) > 100 ? 7 : 0;
}

static void assert_texts(const char *document, const char *path, const char *expected)
{
    char texts[200] = "";
    assert_status(cairn_json_each_text(cairn_str(document), cairn_str(path), add_text, texts), 0);
    assert_string_equal(texts, expected);
}

static void a_path_leads_to_texts(void **state)
{
    (void)state;
    const char *document = "{\"b\":[{\"c\":\"x\"},{\"c\":2},{\"d\":null}],\"a\":\"t\",\"n\":null}";
    assert_texts(document, "a", "|t");
    assert_texts(document, "n", "");
    assert_texts(document, "nothing", "");
    assert_texts(document, "b[0].c", "|x");
    assert_texts(document, "b[1].c", "|2");
    assert_texts(document, "b[-1]", "|{\"d\": null}");
    assert_texts(document, "b[3]", "");
    assert_texts(document, "b[-4]", "");
    assert_texts(document, "b[*].c", "|x|2");
    assert_texts(document, "b.*.c", "|x|2");
    assert_texts(document, "a.b", "");
    assert_texts(document, "a[0]", "");
    assert_texts("{\"b\":{\"z\":1.5,\"a\":true}}", "b", "|{\"a\": true, \"z\": 1.5}");
    assert_texts("{\"b\":{\"z\":1.5}}", "b.*", "|1.5");
    assert_texts("{\"b\":1,\"a\":[]}", "$", "|{\"a\": [], \"b\": 1}");
    assert_texts("plain words", "$", "|plain words");
    assert_texts("plain words", "a", "");
    assert_texts("", "$", "");
}

static void telling_texts_may_be_ended(void **state)
{
    (void)state;
    char texts[200] = "";
    memset(texts, 'x', 100);
    cairn_slice_t document = cairn_str("{\"a\":[\"1\",\"2\",\"3\"]}");
    assert_int_equal(cairn_json_each_text(document, cairn_str("a[*]"), add_text, texts), 7);
    assert_int_equal(strlen(texts), 102);
}

static void a_path_is_names_and_places(void **state)
{
    (void)state;
    static const char *const right[] = {"$", "a", "a.b", "a[0].b", "[*]", "*.*", "a[-12]", "a b"};
    static const char *const wrong[] = {"",     "a.",  ".a",   "a..b",  "a[",           "a[]",
                                        "a[-]", "a[1", "a[x]", "a[0]b", "a[9999999999]"};
    for (size_t i = 0; i < COUNT_OF(right); i++)
        assert_status(cairn_json_check_path(cairn_str(right[i])), 0);
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_status(cairn_json_check_path(cairn_str(wrong[i])), UV_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_values_are_equal_and_plain_objects_subsets),
        cmocka_unit_test(order_is_exact_across_kinds_of_numbers),
        cmocka_unit_test(strings_are_in_the_order_of_their_bytes),
        cmocka_unit_test(what_has_no_order_never_matches_one),
        cmocka_unit_test(ne_is_the_opposite_of_eq),
        cmocka_unit_test(a_path_goes_through_objects_only),
        cmocka_unit_test(what_is_no_object_matches_nothing_but_no_condition),
        cmocka_unit_test(a_filter_that_is_none_says_what_is_wrong),
        cmocka_unit_test(a_path_leads_to_texts),
        cmocka_unit_test(telling_texts_may_be_ended),
        cmocka_unit_test(a_path_is_names_and_places),
    };
    return cmocka_run_group_tests_name("json query", tests, NULL, NULL);
}
