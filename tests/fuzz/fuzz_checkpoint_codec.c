/* Any bytes: what decode accepts, encode writes again to the byte; a header reads as the whole
 * does. */
#include <cairn/error.h>
#include <cairn/sys/checkpoint_codec.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition) require((condition), #condition, __LINE__)

static void require(bool holds, const char *condition, int line)
{
    if (holds) return;
    fprintf(stderr, "fuzz_checkpoint_codec: line %d: %s\n", line, condition);
    abort();
}

static void check_again(cairn_slice_t bytes, const cairn_checkpoint_t *checkpoint)
{
    REQUIRE(cairn_checkpoint_encoded_size(checkpoint) == bytes.len);
    char *again = malloc(bytes.len);
    REQUIRE(again != NULL);
    REQUIRE(cairn_checkpoint_encode(checkpoint, again) == again + bytes.len);
    REQUIRE(memcmp(again, bytes.ptr, bytes.len) == 0);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cairn_slice_t bytes = cairn_slice(data, size);
    cairn_arena_t arena = {0};
    cairn_checkpoint_t whole, header;
    int rc = cairn_checkpoint_decode(bytes, &arena, &whole);
    int header_rc = cairn_checkpoint_decode_header(bytes, &header);
    REQUIRE(rc == 0 || rc == CAIRN_EPROTOCOL);
    REQUIRE(header_rc == 0 || header_rc == CAIRN_EPROTOCOL);
    if (rc == 0) {
        check_again(bytes, &whole);
        REQUIRE(header_rc == 0);
        REQUIRE(cairn_slice_eq(header.id, whole.id) && cairn_slice_eq(header.ts, whole.ts));
        REQUIRE(header.v == whole.v);
    }
    cairn_arena_free(&arena);
    return 0;
}
