/* What scripts and plain reads give, from bytes that a server may send: whole, or an error. */
#include "alloc_fault.h"
#include "check.h"
#include "redis_saver.h"

#include <cairn/sys/checkpoint_codec.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

/* ---- answers, put together ---- */

typedef struct bytes {
    char at[4096];
    size_t len;
} bytes_t;

static void add(bytes_t *out, cairn_slice_t bytes)
{
    assert_true(out->len + bytes.len <= sizeof out->at);
    if (bytes.len > 0) memcpy(out->at + out->len, bytes.ptr, bytes.len);
    out->len += bytes.len;
}

static void add_array(bytes_t *out, size_t count)
{
    char head[32];
    snprintf(head, sizeof head, "*%zu\r\n", count);
    add(out, cairn_str(head));
}

static void add_bulk(bytes_t *out, cairn_slice_t bytes)
{
    char head[32];
    snprintf(head, sizeof head, "$%zu\r\n", bytes.len);
    add(out, cairn_str(head));
    add(out, bytes);
    add(out, cairn_str("\r\n"));
}

static cairn_slice_t slice_of(const bytes_t *bytes)
{
    return cairn_slice(bytes->at, bytes->len);
}

static void add_length(bytes_t *out, uint32_t length)
{
    char packed[REDIS_PACKED_LENGTH];
    assert_ptr_equal(redis_pack_length(packed, length), packed + REDIS_PACKED_LENGTH);
    add(out, cairn_slice(packed, sizeof packed));
}

/* A pending write, each part a word. */
static bytes_t write_of(int32_t idx, const char *task, const char *channel, const char *value)
{
    bytes_t write = {.len = 0};
    add_length(&write, (uint32_t)idx);
    add_length(&write, (uint32_t)strlen(task));
    add_length(&write, 1);
    add_length(&write, (uint32_t)strlen(channel));
    add_length(&write, 4);
    add(&write, cairn_str(task));
    add(&write, cairn_str("p"));
    add(&write, cairn_str(channel));
    add(&write, cairn_str("text"));
    add(&write, cairn_str(value));
    return write;
}

static void add_write(bytes_t *out, int32_t idx, const char *task, const char *channel,
                      const char *value)
{
    bytes_t write = write_of(idx, task, channel, value);
    add_bulk(out, slice_of(&write));
}

/* In memory of exactly its size. */
typedef struct given {
    char *bytes;
    redis_reply_t reply;
} given_t;

static given_t give(cairn_slice_t bytes)
{
    given_t given = {.bytes = malloc(bytes.len)};
    assert_true(given.bytes || bytes.len == 0);
    if (bytes.len > 0) memcpy(given.bytes, bytes.ptr, bytes.len);
    redis_reply_init(&given.reply, given.bytes, bytes.len);
    return given;
}

#define assert_slice(slice, expected) assert_true(cairn_slice_eq((slice), cairn_str(expected)))

/* ---- blobs ---- */

static void a_blob_is_a_value_or_says_that_there_is_none(void **state)
{
    (void)state;
    cairn_value_t value = {0};
    assert_int_equal(redis_blob_read(cairn_slice("v\4\0\0\0textx\0y", 12), &value), 0);
    assert_slice(value.type, "text");
    assert_true(cairn_slice_eq(value.bytes, cairn_slice("x\0y", 3)));
    assert_int_equal(redis_blob_read(cairn_slice("v\0\0\0\0", 5), &value), 0);
    assert_int_equal(value.type.len + value.bytes.len, 0);
    assert_int_equal(redis_blob_read(cairn_str("e"), &value), 1);
    assert_int_equal(redis_blob_read(cairn_str("d"), &value), 1);
}

static void a_malformed_blob_is_refused(void **state)
{
    (void)state;
    static const cairn_slice_t wrong[] = {
        {"", 0},           {"v", 1},
        {"x", 1},          {"v\1", 2},
        {"v\0\0\0", 4},    {"v\1\0\0\0", 5},
        {"\377", 1},       {"v\377\377\377\377", 5},
        {"\0\0\0\0\0", 5}, {"v\5\0\0\0text", 9},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cairn_value_t value = {0};
        given_t given = give(wrong[i]);
        assert_status(redis_blob_read(cairn_slice(given.bytes, wrong[i].len), &value),
                      CAIRN_EPROTOCOL);
        free(given.bytes);
    }
}

/* ---- writes ---- */

static int read_writes(cairn_slice_t bytes, cairn_arena_t *arena, cairn_pending_write_t **writes,
                       size_t *count, given_t *given)
{
    *given = give(bytes);
    return redis_writes_read(&given->reply, arena, writes, count);
}

static void writes_come_in_order_and_only_those_that_count(void **state)
{
    (void)state;
    static const struct {
        int32_t idx;
        const char *task, *channel, *value;
    } expected[] = {
        {-1, "t1", "__error__", "last"},
        {0, "t1", "a", "first"},
        {1, "t1", "b", "only"},
        {0, "t2", "a", "other task"},
    };
    bytes_t list = {.len = 0};
    add_array(&list, 9);
    add_bulk(&list, cairn_str("60000"));
    add_write(&list, 0, "t2", "a", "other task");
    add_write(&list, 1, "t1", "b", "only");
    add_write(&list, -1, "t1", "__error__", "first");
    add_write(&list, 0, "t1", "a", "first");
    add_write(&list, -1, "t1", "__error__", "second");
    add_write(&list, 0, "t1", "a", "second");
    add_write(&list, -1, "t1", "__error__", "last");
    add_write(&list, 0, "t2", "a", "again");
    cairn_arena_t arena = {0};
    cairn_pending_write_t *writes;
    size_t count;
    given_t given;
    assert_status(read_writes(slice_of(&list), &arena, &writes, &count, &given), 0);
    assert_true(redis_reply_done(&given.reply));
    assert_int_equal(count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(writes[i].idx, expected[i].idx);
        assert_slice(writes[i].task_id, expected[i].task);
        assert_slice(writes[i].task_path, "p");
        assert_slice(writes[i].channel, expected[i].channel);
        assert_slice(writes[i].value.type, "text");
        assert_slice(writes[i].value.bytes, expected[i].value);
    }
    free(given.bytes);
    cairn_arena_free(&arena);
}

static void no_writes_are_none(void **state)
{
    (void)state;
    static const char *const none[] = {"*0\r\n", "*1\r\n$0\r\n\r\n", "*1\r\n$5\r\n60000\r\n"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        cairn_arena_t arena = {0};
        cairn_pending_write_t *writes;
        size_t count = 7;
        given_t given;
        assert_status(read_writes(cairn_str(none[i]), &arena, &writes, &count, &given), 0);
        assert_int_equal(count, 0);
        free(given.bytes);
        cairn_arena_free(&arena);
    }
}

/* The same write, cut anywhere before its value, and with each of its sizes too large. */
static void a_malformed_write_is_refused(void **state)
{
    (void)state;
    enum {
        SIZES = 4,
        BEFORE_VALUE = 5 * REDIS_PACKED_LENGTH + 2 + 1 + 1 + 4
    };
    const bytes_t whole = write_of(0, "t1", "a", "x");
    for (size_t cut = 1; cut < BEFORE_VALUE + SIZES; cut++) {
        bytes_t list = {.len = 0}, write = whole;
        if (cut < BEFORE_VALUE)
            write.len = cut;
        else
            write.at[(cut - BEFORE_VALUE + 1) * REDIS_PACKED_LENGTH + 3] = '\x7f';
        add_array(&list, 2);
        add_bulk(&list, cairn_str(""));
        add_bulk(&list, slice_of(&write));
        cairn_arena_t arena = {0};
        cairn_pending_write_t *writes;
        size_t count;
        given_t given;
        assert_status(read_writes(slice_of(&list), &arena, &writes, &count, &given),
                      CAIRN_EPROTOCOL);
        free(given.bytes);
        cairn_arena_free(&arena);
    }
}

/* It began a list that was there already. */
static void what_a_put_that_met_another_leaves_is_no_write(void **state)
{
    (void)state;
    const bytes_t whole = write_of(0, "t1", "a", "x");
    bytes_t list = {.len = 0};
    add_array(&list, 3);
    add_bulk(&list, cairn_str(""));
    add_bulk(&list, cairn_str(""));
    add_bulk(&list, slice_of(&whole));
    cairn_arena_t arena = {0};
    cairn_pending_write_t *writes;
    size_t count;
    given_t given;
    assert_status(read_writes(slice_of(&list), &arena, &writes, &count, &given), 0);
    assert_int_equal(count, 1);
    assert_true(cairn_slice_eq(writes[0].task_id, cairn_str("t1")));
    free(given.bytes);
    cairn_arena_free(&arena);
}

static void a_list_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        ":1\r\n",
        "$1\r\nx\r\n",
        "*1\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n$-1\r\n",
        "_\r\n",
        "*2\r\n$0\r\n\r\n*0\r\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cairn_arena_t arena = {0};
        cairn_pending_write_t *writes;
        size_t count;
        given_t given;
        assert_status(read_writes(cairn_str(wrong[i]), &arena, &writes, &count, &given),
                      CAIRN_EPROTOCOL);
        free(given.bytes);
        cairn_arena_free(&arena);
    }
}

/* ---- rows ---- */

static bytes_t body_of(void)
{
    static const cairn_channel_version_t versions[] = {
        {{"a", 1}, {"1", 1}}, {{"b", 1}, {"2", 1}}, {{"c", 1}, {"3", 1}}};
    const cairn_checkpoint_t checkpoint = {.id = cairn_str("c1"),
                                           .ts = cairn_str("now"),
                                           .v = 4,
                                           .channel_versions = versions,
                                           .channel_version_count = 3};
    bytes_t body = {.len = cairn_checkpoint_encoded_size(&checkpoint)};
    assert_true(body.len <= sizeof body.at);
    cairn_checkpoint_encode(&checkpoint, body.at);
    return body;
}

static void add_head(bytes_t *out, size_t parts)
{
    bytes_t body = body_of();
    add_array(out, parts);
    add_bulk(out, cairn_str("c1"));
    add_bulk(out, slice_of(&body));
    add_bulk(out, cairn_str("{}"));
}

static bytes_t row_of(void)
{
    bytes_t row = {.len = 0};
    add_head(&row, 6);
    add_bulk(&row, cairn_str("c0"));
    add_array(&row, 3);
    add_bulk(&row, cairn_slice("v\4\0\0\0textx", 10));
    add(&row, cairn_str("$-1\r\n"));
    add_bulk(&row, cairn_str("e"));
    add_array(&row, 2);
    add_bulk(&row, cairn_str(""));
    add_write(&row, 0, "t1", "a", "1");
    return row;
}

static int read_row(cairn_slice_t bytes, cairn_arena_t *arena, cairn_checkpoint_tuple_t *tuple,
                    given_t *given)
{
    *given = give(bytes);
    *tuple = (cairn_checkpoint_tuple_t){0};
    return redis_row_read(&given->reply, arena, tuple);
}

static void a_row_is_read_whole(void **state)
{
    (void)state;
    cairn_arena_t arena = {0};
    cairn_checkpoint_tuple_t tuple;
    given_t given;
    bytes_t row = row_of();
    assert_status(read_row(slice_of(&row), &arena, &tuple, &given), 0);
    assert_true(redis_reply_done(&given.reply));
    assert_slice(tuple.ref.checkpoint_id, "c1");
    assert_slice(tuple.parent_id, "c0");
    assert_slice(tuple.metadata, "{}");
    assert_int_equal(tuple.checkpoint.v, 4);
    assert_int_equal(tuple.checkpoint.channel_version_count, 3);
    assert_int_equal(tuple.checkpoint.channel_value_count, 1);
    assert_slice(tuple.checkpoint.channel_values[0].channel, "a");
    assert_slice(tuple.checkpoint.channel_values[0].version, "1");
    assert_slice(tuple.checkpoint.channel_values[0].value.bytes, "x");
    assert_int_equal(tuple.pending_write_count, 1);
    assert_slice(tuple.pending_writes[0].value.bytes, "1");
    free(given.bytes);
    cairn_arena_free(&arena);
}

static void headers_have_no_more_than_that(void **state)
{
    (void)state;
    cairn_arena_t arena = {0};
    cairn_checkpoint_tuple_t tuple;
    given_t given;
    bytes_t row = {.len = 0};
    add_head(&row, 4);
    add(&row, cairn_str("$-1\r\n"));
    assert_status(read_row(slice_of(&row), &arena, &tuple, &given), 0);
    assert_null(tuple.parent_id.ptr);
    assert_int_equal(tuple.checkpoint.v, 4);
    assert_int_equal(tuple.checkpoint.channel_version_count, 0);
    free(given.bytes);
    cairn_arena_free(&arena);
}

static void a_row_with_other_parts_is_refused(void **state)
{
    (void)state;
    for (size_t parts = 0; parts < 9; parts++) {
        cairn_arena_t arena = {0};
        cairn_checkpoint_tuple_t tuple;
        given_t given;
        bytes_t row = row_of();
        row.at[1] = (char)('0' + parts);
        int rc = read_row(slice_of(&row), &arena, &tuple, &given);
        assert_status(rc, parts == 4 || parts == 6 ? 0 : CAIRN_EPROTOCOL);
        free(given.bytes);
        cairn_arena_free(&arena);
    }
}

/* As many values as channels: not one more or less. */
static void values_that_are_not_those_of_the_channels_are_refused(void **state)
{
    (void)state;
    for (size_t values = 0; values < 6; values++) {
        cairn_arena_t arena = {0};
        cairn_checkpoint_tuple_t tuple;
        given_t given;
        bytes_t row = {.len = 0};
        add_head(&row, 6);
        add(&row, cairn_str("$-1\r\n"));
        add_array(&row, values);
        for (size_t i = 0; i < values; i++) add_bulk(&row, cairn_slice("v\0\0\0\0", 5));
        add_array(&row, 0);
        int rc = read_row(slice_of(&row), &arena, &tuple, &given);
        assert_status(rc, values == 3 ? 0 : CAIRN_EPROTOCOL);
        free(given.bytes);
        cairn_arena_free(&arena);
    }
}

/* Cut anywhere it is refused; with any byte changed it is read or refused, and never read beyond.
 */
static void a_damaged_row_is_read_or_refused(void **state)
{
    (void)state;
    const bytes_t whole = row_of();
    for (size_t cut = 0; cut < whole.len; cut++) {
        cairn_arena_t arena = {0};
        cairn_checkpoint_tuple_t tuple;
        given_t given;
        assert_status(read_row(cairn_slice(whole.at, cut), &arena, &tuple, &given),
                      CAIRN_EPROTOCOL);
        free(given.bytes);
        cairn_arena_free(&arena);
    }
    static const char others[] = {0, 1, '0', '9', '$', '*', '\r', '\x7f', '\xff'};
    for (size_t at = 0; at < whole.len * sizeof others; at++) {
        bytes_t damaged = whole;
        cairn_arena_t arena = {0};
        cairn_checkpoint_tuple_t tuple;
        given_t given;
        damaged.at[at / sizeof others] = others[at % sizeof others];
        int rc = read_row(slice_of(&damaged), &arena, &tuple, &given);
        if (rc != 0 && rc != UV_ENOMEM) assert_status(rc, CAIRN_EPROTOCOL);
        free(given.bytes);
        cairn_arena_free(&arena);
    }
}

static void a_listed_row_says_where_it_is(void **state)
{
    (void)state;
    for (size_t parts = 0; parts < 5; parts++) {
        cairn_arena_t arena = {0};
        cairn_checkpoint_tuple_t tuple;
        bytes_t listed = {.len = 0}, row = row_of();
        add_array(&listed, parts);
        add_bulk(&listed, cairn_str("t"));
        add_bulk(&listed, cairn_str(""));
        add(&listed, slice_of(&row));
        given_t given = give(slice_of(&listed));
        int rc = redis_listed_row_read(&given.reply, &arena, &tuple);
        assert_status(rc, parts == 3 ? 0 : CAIRN_EPROTOCOL);
        if (rc == 0) {
            assert_slice(tuple.ref.thread_id, "t");
            assert_int_equal(tuple.ref.checkpoint_ns.len, 0);
            assert_slice(tuple.ref.checkpoint_id, "c1");
        }
        free(given.bytes);
        cairn_arena_free(&arena);
    }
}

static void read_a_row(void *ctx)
{
    const bytes_t *row = ctx;
    cairn_arena_t arena = {0};
    cairn_checkpoint_tuple_t tuple;
    given_t given;
    int rc = read_row(slice_of(row), &arena, &tuple, &given);
    assert_status(rc, alloc_fault_fired() ? UV_ENOMEM : 0);
    free(given.bytes);
    cairn_arena_free(&arena);
}

static void without_memory_a_row_is_refused(void **state)
{
    (void)state;
    bytes_t row = row_of();
    alloc_fault_each(ALLOC_FAIL_ONCE, 100, read_a_row, &row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blob_is_a_value_or_says_that_there_is_none),
        cmocka_unit_test(a_malformed_blob_is_refused),
        cmocka_unit_test(writes_come_in_order_and_only_those_that_count),
        cmocka_unit_test(no_writes_are_none),
        cmocka_unit_test(a_malformed_write_is_refused),
        cmocka_unit_test(what_a_put_that_met_another_leaves_is_no_write),
        cmocka_unit_test(a_list_that_is_none_is_refused),
        cmocka_unit_test(a_row_is_read_whole),
        cmocka_unit_test(headers_have_no_more_than_that),
        cmocka_unit_test(a_row_with_other_parts_is_refused),
        cmocka_unit_test(values_that_are_not_those_of_the_channels_are_refused),
        cmocka_unit_test(a_damaged_row_is_read_or_refused),
        cmocka_unit_test(a_listed_row_says_where_it_is),
        cmocka_unit_test(without_memory_a_row_is_refused),
    };
    return cmocka_run_group_tests_name("redis: saver's rows", tests, NULL, NULL);
}
