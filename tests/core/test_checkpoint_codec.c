#include "alloc_fault.h"
#include "check.h"
#include "random.h"

#include <cairn/sys/alloc.h>
#include <cairn/sys/checkpoint_codec.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define S cairn_str

static const cairn_channel_version_t versions[] = {
    {{"a", 1}, {"1", 1}},
    {{"b\0|", 3}, {"", 0}},
    {{"", 0}, {"00000000000000000000000000000002.0.25", 36}},
};
static const cairn_version_seen_t seen[] = {
    {{"node", 4}, {"a", 1}, {"1", 1}},
    {{"idle", 4}, {NULL, 0}, {NULL, 0}},
    {{"", 0}, {"", 0}, {"", 0}},
};
static const cairn_slice_t updated[] = {{"a", 1}, {"", 0}};

static cairn_checkpoint_t example(void)
{
    return (cairn_checkpoint_t){
        .id = S("1ef4f797-8335-6428-8001-8a1503f9b875"),
        .ts = S("2024-07-31T20:14:19.804150+00:00"),
        .v = -4,
        .channel_versions = versions,
        .channel_version_count = 3,
        .versions_seen = seen,
        .version_seen_count = 3,
        .updated_channels = updated,
        .updated_channel_count = 2,
        .extra = cairn_value(S("json"), S("{}")),
    };
}

/* Encoded in a block of its own, so that a sanitizer sees a byte too many; to be freed. */
static cairn_slice_t encoded(const cairn_checkpoint_t *checkpoint)
{
    size_t size = cairn_checkpoint_encoded_size(checkpoint);
    char *bytes = malloc(size);
    assert_non_null(bytes);
    assert_ptr_equal(cairn_checkpoint_encode(checkpoint, bytes), bytes + size);
    return cairn_slice(bytes, size);
}

#define assert_same(a, b) assert_true(cairn_slice_eq((a), (b)))

static void assert_equal(const cairn_checkpoint_t *a, const cairn_checkpoint_t *b)
{
    assert_same(a->id, b->id);
    assert_same(a->ts, b->ts);
    assert_int_equal(a->v, b->v);
    assert_int_equal(a->channel_version_count, b->channel_version_count);
    for (size_t i = 0; i < a->channel_version_count; i++) {
        assert_same(a->channel_versions[i].channel, b->channel_versions[i].channel);
        assert_same(a->channel_versions[i].version, b->channel_versions[i].version);
    }
    assert_int_equal(a->version_seen_count, b->version_seen_count);
    for (size_t i = 0; i < a->version_seen_count; i++) {
        assert_same(a->versions_seen[i].node, b->versions_seen[i].node);
        assert_same(a->versions_seen[i].channel, b->versions_seen[i].channel);
        assert_int_equal(!a->versions_seen[i].channel.ptr, !b->versions_seen[i].channel.ptr);
        assert_same(a->versions_seen[i].version, b->versions_seen[i].version);
    }
    assert_int_equal(!a->updated_channels, !b->updated_channels);
    assert_int_equal(a->updated_channel_count, b->updated_channel_count);
    for (size_t i = 0; i < a->updated_channel_count; i++)
        assert_same(a->updated_channels[i], b->updated_channels[i]);
    assert_same(a->extra.type, b->extra.type);
    assert_same(a->extra.bytes, b->extra.bytes);
}

static void assert_round_trip(const cairn_checkpoint_t *checkpoint)
{
    cairn_arena_t arena = {0};
    cairn_slice_t bytes = encoded(checkpoint);
    cairn_checkpoint_t back;
    assert_status(cairn_checkpoint_decode(bytes, &arena, &back), 0);
    assert_equal(checkpoint, &back);
    assert_int_equal(back.channel_value_count, 0);
    assert_null(back.channel_values);
    cairn_checkpoint_t header;
    assert_status(cairn_checkpoint_decode_header(bytes, &header), 0);
    assert_same(header.id, checkpoint->id);
    assert_same(header.ts, checkpoint->ts);
    assert_int_equal(header.v, checkpoint->v);
    assert_int_equal(header.channel_version_count + header.version_seen_count, 0);
    assert_null(header.updated_channels);
    free((char *)bytes.ptr);
    cairn_arena_free(&arena);
}

static void what_goes_in_comes_out(void **state)
{
    (void)state;
    cairn_checkpoint_t checkpoint = example();
    assert_round_trip(&checkpoint);
    checkpoint.v = INT64_MAX;
    checkpoint.updated_channel_count = 0;
    assert_round_trip(&checkpoint);
    checkpoint.v = INT64_MIN;
    checkpoint.updated_channels = NULL;
    assert_round_trip(&checkpoint);
    assert_round_trip(&(cairn_checkpoint_t){.id = S("")});
}

static void lengths_of_several_bytes_come_out(void **state)
{
    (void)state;
    static const size_t lengths[] = {126, 127, 128, 16383, 16384, 65535, 65536, 3000000};
    char *bytes = calloc(1, 3000000);
    assert_non_null(bytes);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        cairn_version_seen_t row = {S("n"), cairn_slice(bytes, lengths[i]), S("v")};
        assert_round_trip(&(cairn_checkpoint_t){
            .id = S("c"),
            .versions_seen = &row,
            .version_seen_count = 1,
            .extra = cairn_value(S("t"), cairn_slice(bytes, lengths[i])),
        });
    }
    free(bytes);
}

static void what_must_be_present_is(void **state)
{
    (void)state;
    cairn_checkpoint_t checkpoint = {.id = {NULL, 0}};
    cairn_channel_version_t version = {{NULL, 0}, {NULL, 0}};
    cairn_slice_t none[1];
    checkpoint.channel_versions = &version;
    checkpoint.channel_version_count = 1;
    checkpoint.updated_channels = none;
    cairn_slice_t bytes = encoded(&checkpoint);
    cairn_arena_t arena = {0};
    cairn_checkpoint_t back;
    assert_status(cairn_checkpoint_decode(bytes, &arena, &back), 0);
    assert_non_null(back.id.ptr);
    assert_non_null(back.ts.ptr);
    assert_non_null(back.channel_versions[0].channel.ptr);
    assert_non_null(back.channel_versions[0].version.ptr);
    assert_non_null(back.updated_channels);
    assert_int_equal(back.updated_channel_count, 0);
    assert_non_null(back.extra.type.ptr);
    assert_non_null(back.extra.bytes.ptr);
    free((char *)bytes.ptr);
    cairn_arena_free(&arena);
}

/* ---- what was not written by encode ---- */

static int decode_copy(cairn_slice_t bytes)
{
    char *copy = malloc(bytes.len ? bytes.len : 1);
    assert_non_null(copy);
    if (bytes.len) memcpy(copy, bytes.ptr, bytes.len);
    cairn_arena_t arena = {0};
    cairn_checkpoint_t back;
    int rc = cairn_checkpoint_decode(cairn_slice(copy, bytes.len), &arena, &back);
    if (rc < 0) {
        static const cairn_checkpoint_t zero;
        assert_memory_equal(&back, &zero, sizeof back);
    }
    cairn_arena_free(&arena);
    free(copy);
    return rc;
}

static void what_is_cut_or_longer_is_refused(void **state)
{
    (void)state;
    cairn_checkpoint_t checkpoint = example();
    cairn_slice_t bytes = encoded(&checkpoint);
    for (size_t len = 0; len < bytes.len; len++)
        assert_status(decode_copy(cairn_slice(bytes.ptr, len)), CAIRN_EPROTOCOL);
    char *longer = malloc(bytes.len + 1);
    assert_non_null(longer);
    memcpy(longer, bytes.ptr, bytes.len);
    longer[bytes.len] = '\0';
    assert_status(decode_copy(cairn_slice(longer, bytes.len + 1)), CAIRN_EPROTOCOL);
    assert_status(decode_copy(cairn_slice(NULL, 0)), CAIRN_EPROTOCOL);
    free(longer);
    free((char *)bytes.ptr);
}

/* Version, v, then what a test says, as a NUL-terminated text of hexadecimal digits. */
static int decode_hex(const char *hex)
{
    char bytes[64] = {1};
    size_t len = 9;
    for (; *hex; hex += 2) {
        char digits[3] = {hex[0], hex[1], '\0'};
        bytes[len++] = (char)strtol(digits, NULL, 16);
    }
    return decode_copy(cairn_slice(bytes, len));
}

static void what_encode_would_not_write_is_refused(void **state)
{
    (void)state;
    assert_status(decode_hex("00000000000000"), 0);
    assert_status(decode_hex("8000000000000000"), CAIRN_EPROTOCOL); /* a number too long */
    assert_status(decode_hex("80808080808080808001000000000000"), CAIRN_EPROTOCOL);
    assert_status(decode_hex("ffffffffffffffffff01000000000000"), CAIRN_EPROTOCOL);
    assert_status(decode_hex("ffffffffffffffffff02000000000000"), CAIRN_EPROTOCOL); /* 2^64 */
    assert_status(decode_hex("ffffffffffffffffffff01000000000000"), CAIRN_EPROTOCOL);
    assert_status(decode_hex("0000ffffffff0f00000000"), CAIRN_EPROTOCOL); /* so many channels */
    assert_status(decode_hex("000000ffffff0f000000"), CAIRN_EPROTOCOL);
    assert_status(decode_hex("00000000ffffffffffffffffff010000"), CAIRN_EPROTOCOL);
    assert_status(decode_hex("000000010000000000"), CAIRN_EPROTOCOL); /* one node, cut off */
    char bytes[16] = {2};
    assert_status(decode_copy(cairn_slice(bytes, sizeof bytes)), CAIRN_EPROTOCOL);
}

/* The first block of an arena is all the memory that such texts need. */
static void assert_asks_for_little(const char *hex)
{
    alloc_fail(ALLOC_FAIL_FROM, 2);
    assert_status(decode_hex(hex), CAIRN_EPROTOCOL);
    assert_int_equal(alloc_live(), 0);
}

static void few_bytes_do_not_ask_for_much_memory(void **state)
{
    (void)state;
    alloc_watch();
    assert_asks_for_little("0000ffffff7f");
    assert_asks_for_little("000000ffffff7f");
    assert_asks_for_little("00000000ffffff7f");
    alloc_unwatch();
}

static void any_byte_changed_is_refused_or_read_within_bounds(void **state)
{
    (void)state;
    cairn_checkpoint_t checkpoint = example();
    cairn_slice_t bytes = encoded(&checkpoint);
    char *broken = (char *)bytes.ptr;
    size_t refused = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        char right = broken[i];
        for (int change = 1; change < 256; change++) {
            broken[i] = (char)(right ^ change);
            int rc = decode_copy(bytes);
            refused += rc == CAIRN_EPROTOCOL;
            if (rc != CAIRN_EPROTOCOL) assert_status(rc, 0);
        }
        broken[i] = right;
    }
    assert_in_range(refused, 1000, SIZE_MAX);
    free(broken);
}

static void without_memory_it_says_so(void **state)
{
    (void)state;
    cairn_checkpoint_t checkpoint = example();
    cairn_slice_t bytes = encoded(&checkpoint);
    alloc_watch();
    alloc_fail(ALLOC_FAIL_ONCE, 1);
    assert_status(decode_copy(bytes), UV_ENOMEM);
    assert_int_equal(alloc_live(), 0);
    alloc_unwatch();
    free((char *)bytes.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(lengths_of_several_bytes_come_out),
        cmocka_unit_test(what_must_be_present_is),
        cmocka_unit_test(what_is_cut_or_longer_is_refused),
        cmocka_unit_test(what_encode_would_not_write_is_refused),
        cmocka_unit_test(few_bytes_do_not_ask_for_much_memory),
        cmocka_unit_test(any_byte_changed_is_refused_or_read_within_bounds),
        cmocka_unit_test(without_memory_it_says_so),
    };
    return cmocka_run_group_tests_name("checkpoint_codec", tests, NULL, NULL);
}
