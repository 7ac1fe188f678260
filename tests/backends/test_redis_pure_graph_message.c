/* Events as messages of Pure Graph's queues: written and read again, as it writes them, and
 * everything that is no such thing refused, without a look beyond its end. */
#include "check.h"
#include "redis_pure_graph.h"
#include "redis_pure_graph_json.h"

#include <stdio.h>
#include <stdlib.h>

#define S cairn_str

/* ---- writing ---- */

static char *written(const cairn_stream_entry_t *entry, size_t *len)
{
    const size_t bound = redis_graph_message_bound(entry);
    char *bytes = malloc(bound + 1);
    assert_non_null(bytes);
    *len = (size_t)(redis_graph_message_write(bytes, entry) - bytes);
    assert_true(*len <= bound);
    bytes[*len] = '\0';
    return bytes;
}

static void assert_written(const cairn_stream_entry_t *entry, const char *message)
{
    size_t len;
    char *bytes = written(entry, &len);
    assert_string_equal(bytes, message);
    free(bytes);
}

static void a_message_is_what_pure_graph_reads(void **state)
{
    (void)state;
    assert_written(&(cairn_stream_entry_t){.event = S("messages"),
                                           .data = {S("json"), S("[{\"a\": 1}, null]")}},
                   "{\"event\":\"messages\",\"data\":[{\"a\": 1}, null]}");
    assert_written(
        &(cairn_stream_entry_t){.event = S("e\"\\\n"), .data = {S("json"), S("1")}, .id = S("7")},
        "{\"event\":\"e\\\"\\\\\\u000a\",\"data\":1,\"id\":\"7\"}");
    assert_written(&(cairn_stream_entry_t){.event = S("m"), .data = {S("text"), S("\xc3\xa9")}},
                   "{\"event\":\"m\",\"data\":\"\xc3\xa9\",\"cairn_type\":\"text\"}");
}

static void what_is_no_json_goes_as_a_string(void **state)
{
    static const char *const texts[] = {
        "",         " 1",       "1 ",      "{",           "{\"a\"}", "[1,]", "01", "1.",  "nul",
        "\"\x01\"", "\"\xff\"", "\"\\x\"", "\"\\u12g4\"", "1 2",     "-",    "1e", "[1}", "{1:2}"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t len;
        const cairn_stream_entry_t entry = {.event = S("m"), .data = {S("json"), S(texts[i])}};
        char *bytes = written(&entry, &len);
        assert_non_null(strstr(bytes, ",\"cairn_type\":\"json\"}"));
        cairn_stream_event_t event;
        assert_status(redis_graph_message_read(bytes, len, &event), 0);
        assert_true(cairn_slice_eq(event.data.type, S("json")));
        assert_true(cairn_slice_eq(event.data.bytes, S(texts[i])));
        free(bytes);
    }
}

static void json_of_every_kind_stays_as_it_is(void **state)
{
    static const char *const texts[] = {"0",
                                        "-1.5e+3",
                                        "1E9",
                                        "true",
                                        "false",
                                        "null",
                                        "\"\"",
                                        "[]",
                                        "{ }",
                                        "[ 1 , [2] , {\"a\" : [ ] } ]",
                                        "\"\\ud83c\\udf75 \\/ \\u00e9 \xe2\x9c\x93\"",
                                        "123456789012345678901234567890"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char wanted[256];
        snprintf(wanted, sizeof wanted, "{\"event\":\"m\",\"data\":%s}", texts[i]);
        assert_written(&(cairn_stream_entry_t){.event = S("m"), .data = {S("json"), S(texts[i])}},
                       wanted);
    }
}

static void depth_is_bounded(void **state)
{
    char deep[2 * (REDIS_JSON_DEPTH + 1)];
    (void)state;
    memset(deep, '[', REDIS_JSON_DEPTH + 1);
    memset(deep + REDIS_JSON_DEPTH + 1, ']', REDIS_JSON_DEPTH + 1);
    assert_true(redis_json_is_value(cairn_slice(deep + 1, 2 * REDIS_JSON_DEPTH)));
    assert_false(redis_json_is_value(cairn_slice(deep, sizeof deep)));
}

/* ---- and reading ---- */

static void assert_comes_back(const cairn_stream_entry_t *entry)
{
    size_t len;
    char *bytes = written(entry, &len);
    cairn_stream_event_t event;
    assert_status(redis_graph_message_read(bytes, len, &event), 0);
    assert_true(cairn_slice_eq(entry->event, event.event));
    assert_true(cairn_slice_eq(entry->data.type, event.data.type));
    assert_true(cairn_slice_eq(entry->data.bytes, event.data.bytes));
    assert_int_equal(entry->id.ptr != NULL, event.id.ptr != NULL);
    assert_true(cairn_slice_eq(entry->id, event.id));
    free(bytes);
}

static void any_bytes_come_back(void **state)
{
    (void)state;
    char all[256];
    for (int i = 0; i < 256; i++) all[i] = (char)i;
    const cairn_slice_t every = cairn_slice(all, sizeof all);
    const cairn_slice_t odd[] = {
        every,
        S("\xed\xa0\x80"), /* half of a pair, which is no UTF-8 */
        S("\xc0\x80 \xf8 \xf4\x90\x80\x80"),
        S("\xf0\x9f\x8d\xb5"),
        S("\xf0\x9f\x8d"), /* cut off */
        S("\\udc80"),      /* no escape, but these letters */
        cairn_slice("\0", 1),
        S(""),
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_comes_back(
            &(cairn_stream_entry_t){.event = odd[i], .data = {odd[i], odd[i]}, .id = odd[i]});
}

/* From memory of its own, so that a look beyond the end is seen. */
static int read_copy(const char *text, size_t len, char *described)
{
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    cairn_stream_event_t event;
    int rc = redis_graph_message_read(copy, len, &event);
    if (rc == 0)
        sprintf(described, "%.*s|%.*s|%.*s|%.*s", (int)event.event.len, event.event.ptr,
                (int)event.data.type.len, event.data.type.ptr, (int)event.data.bytes.len,
                event.data.bytes.ptr, event.id.ptr ? (int)event.id.len : 2,
                event.id.ptr ? event.id.ptr : "no");
    free(copy);
    return rc;
}

static void messages_of_pure_graph_are_read(void **state)
{
    static const char *const messages[][2] = {
        {"{\"event\":\"values\",\"data\":{\"a\":[1]},\"id\":{\"lc\":2,\"type\":\"undefined\"}}",
         "values|json|{\"a\":[1]}|no"},
        {"{\"event\":\"__system_cancel__\",\"data\":\"user cancel this run\"}",
         "__stream_cancel__|json|\"user cancel this run\"|no"},
        {" { \"id\" : \"x\\u00e9\" , \"data\" : null , \"event\" : \"m\" } ",
         "m|json|null|x\xc3\xa9"},
        {"{\"event\":\"m\"}", "m|json|null|no"},
        {"{\"other\":{\"event\":\"x\"},\"event\":\"m\",\"data\":\"\\ud83c\\udf75\"}",
         "m|json|\"\\ud83c\\udf75\"|no"},
        {"{\"event\":\"m\",\"data\":1,\"cairn_type\":\"text\"}", "m|json|1|no"},
        {"{\"event\":\"\\b\\f\\n\\r\\t\\/\\ud83c\\udf75\\ud83c\",\"data\":2}",
         "\b\f\n\r\t/\xf0\x9f\x8d\xb5\xed\xa0\xbc|json|2|no"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        char described[256];
        assert_status(read_copy(messages[i][0], strlen(messages[i][0]), described), 0);
        assert_string_equal(described, messages[i][1]);
    }
}

static void what_is_no_message_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "[]",
                                        "{}",
                                        "{\"data\":1}",
                                        "{\"event\":1}",
                                        "{\"event\":\"m\"} x",
                                        "{\"event\":\"m\",}",
                                        "{event:\"m\"}",
                                        "{\"event\" \"m\"}",
                                        "\"m\"",
                                        "{\"event\":\"m\" \"data\":1}",
                                        "{\"event\":\"m\",\"data\":}"};
    static const char whole[] =
        "{\"event\":\"m\",\"data\":[1,\"\\u00e9\",true],\"id\":\"i\",\"cairn_type\":\"t\"}";
    char described[256];
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_status(read_copy(texts[i], strlen(texts[i]), described), CAIRN_EPROTOCOL);
    assert_status(read_copy(whole, sizeof whole - 1, described), 0);
    for (size_t cut = 0; cut < sizeof whole - 1; cut++)
        assert_status(read_copy(whole, cut, described), CAIRN_EPROTOCOL);
}

/* ---- the list's ASCII, and base64 ---- */

static void the_list_has_the_same_in_ascii(void **state)
{
    (void)state;
    const cairn_slice_t text = S("\"a\xc3\xa9\xe2\x9c\x93\xf0\x9f\x8d\xb5\"");
    char out[64];
    const size_t size = redis_json_ascii_size(text);
    assert_ptr_equal(redis_json_ascii_write(out, text), out + size);
    assert_string_equal((out[size] = '\0', out), "\"a\\u00e9\\u2713\\ud83c\\udf75\"");
}

static void base64_goes_both_ways(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
        {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xff\xfe>?", "//4+Pw=="}};
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[16], bytes[16];
        size_t len = 99;
        const size_t size = redis_graph_base64_size(strlen(pairs[i][0]));
        assert_ptr_equal(redis_graph_base64_write(text, S(pairs[i][0])), text + size);
        assert_memory_equal(text, pairs[i][1], size);
        assert_int_equal(size, strlen(pairs[i][1]));
        assert_status(redis_graph_base64_read(S(pairs[i][1]), bytes, &len), 0);
        assert_true(cairn_slice_eq(cairn_slice(bytes, len), S(pairs[i][0])));
    }
}

static void what_is_no_base64_is_refused(void **state)
{
    static const char *const texts[] = {
        "Z", "Zg", "Zg=", "Z===", "Zg==Zg==", "Zm9v\n", "Zm-v", "=Zg="};
    char bytes[16];
    size_t len;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_status(redis_graph_base64_read(S(texts[i]), bytes, &len), CAIRN_EPROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_what_pure_graph_reads),
        cmocka_unit_test(what_is_no_json_goes_as_a_string),
        cmocka_unit_test(json_of_every_kind_stays_as_it_is),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(messages_of_pure_graph_are_read),
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(the_list_has_the_same_in_ascii),
        cmocka_unit_test(base64_goes_both_ways),
        cmocka_unit_test(what_is_no_base64_is_refused),
    };
    return cmocka_run_group_tests_name("messages of Pure Graph", tests, NULL, NULL);
}
