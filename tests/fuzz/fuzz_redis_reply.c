/* A server's bytes: framed in one go and in pieces, which must agree; walked by the cursor, which
 * must find each framed value whole; and given to the cursor unframed, which must stay inside.
 *
 * The first byte of the input decides where the pieces end and how long a value may be. */
#include "redis_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition) require((condition), #condition, __LINE__)

static void require(bool holds, const char *condition, int line)
{
    if (holds) return;
    fprintf(stderr, "fuzz_redis_reply: line %d: %s\n", line, condition);
    abort();
}

typedef struct verdict {
    int rc;
    size_t len;
} verdict_t;

/* Exactly these bytes, and each time elsewhere. */
static char *copy_of(const char *bytes, size_t len)
{
    char *copy = malloc(len ? len : 1);
    REQUIRE(copy != NULL);
    if (len) memcpy(copy, bytes, len);
    return copy;
}

static verdict_t frame_at_once(const char *bytes, size_t avail, uint64_t max_bytes)
{
    redis_frame_t frame = {0};
    verdict_t verdict = {0, 0};
    verdict.rc = redis_frame_scan(&frame, bytes, avail, max_bytes, &verdict.len);
    REQUIRE(verdict.rc >= 0 || frame.error != NULL);
    if (verdict.rc == 1) REQUIRE(verdict.len > 0 && verdict.len <= avail);
    if (verdict.rc == 1) REQUIRE(verdict.len <= max_bytes);
    if (verdict.rc == 0) REQUIRE(avail <= max_bytes && redis_frame_missing(&frame, avail) > 0);
    return verdict;
}

static verdict_t frame_in_pieces(const char *bytes, size_t avail, uint64_t max_bytes,
                                 uint32_t chance)
{
    redis_frame_t frame = {0};
    verdict_t verdict = {0, 0};
    uint64_t whole_at_least = 0;
    size_t there = 0;
    for (;;) {
        char *copy = copy_of(bytes, there);
        verdict.rc = redis_frame_scan(&frame, copy, there, max_bytes, &verdict.len);
        free(copy);
        if (verdict.rc == 1) REQUIRE(verdict.len >= whole_at_least);
        if (verdict.rc != 0 || there == avail) return verdict;
        whole_at_least = there + redis_frame_missing(&frame, there);
        chance = chance * 1664525u + 1013904223u;
        size_t piece = 1 + (chance >> 16) % ((chance >> 28) ? 7 : 400);
        there = avail - there > piece ? there + piece : avail;
    }
}

static void require_inside(const redis_reply_t *reply, const char *begin, cairn_slice_t text)
{
    if (text.len == 0) return;
    REQUIRE(text.ptr >= begin && text.ptr <= reply->end);
    REQUIRE(text.len <= (size_t)(reply->end - text.ptr));
}

/* Reads what is next as what it says it is. */
static int read_next(redis_reply_t *reply, const char *begin)
{
    cairn_slice_t text = {NULL, 0};
    int64_t integer;
    double real;
    size_t count;
    bool truth;
    int rc = CAIRN_EPROTOCOL;
    switch (redis_reply_type(reply)) {
    case REDIS_NONE:
        break;
    case REDIS_NIL:
        rc = redis_reply_string_or_nil(reply, &text, &truth);
        break;
    case REDIS_INT:
        rc = redis_reply_int(reply, &integer);
        break;
    case REDIS_STRING:
        rc = redis_reply_string(reply, &text);
        break;
    case REDIS_DOUBLE:
        rc = redis_reply_double(reply, &real);
        break;
    case REDIS_BOOL:
        rc = redis_reply_bool(reply, &truth);
        break;
    case REDIS_ARRAY:
    case REDIS_MAP:
        rc = redis_reply_array(reply, &count);
        break;
    case REDIS_ERROR:
        REQUIRE(redis_reply_error(reply, &text));
        rc = redis_reply_skip(reply);
        break;
    }
    require_inside(reply, begin, text);
    return rc;
}

static void walk_framed(const char *bytes, size_t len)
{
    char *copy = copy_of(bytes, len);
    redis_reply_t reply;
    redis_reply_init(&reply, copy, len);
    while (!redis_reply_done(&reply)) {
        const char *before = reply.at;
        REQUIRE(read_next(&reply, copy) == 0);
        REQUIRE(reply.at > before && reply.at <= reply.end);
    }
    redis_reply_init(&reply, copy, len);
    REQUIRE(redis_reply_skip(&reply) == 0);
    REQUIRE(redis_reply_done(&reply));
    free(copy);
}

/* Every reader at every place it may be asked to read. */
static void walk_unframed(const char *bytes, size_t len)
{
    char *copy = copy_of(bytes, len);
    redis_reply_t reply;
    redis_reply_init(&reply, copy, len);
    for (;;) {
        const char *before = reply.at;
        redis_reply_t other = reply;
        cairn_slice_t text = {NULL, 0};
        size_t count;
        bool nil;
        if (redis_reply_error(&other, &text)) require_inside(&other, copy, text);
        if (redis_reply_string_or_nil(&other, &text, &nil) == 0) require_inside(&other, copy, text);
        other.at = before;
        if (redis_reply_array_or_nil(&other, &count, &nil) == 0) REQUIRE(count <= len);
        other.at = before;
        int skipped = redis_reply_skip(&other);
        REQUIRE(skipped == 0 ? other.at > before && other.at <= other.end : other.at == before);
        if (read_next(&reply, copy) < 0) break;
        REQUIRE(reply.at > before && reply.at <= reply.end);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    const char *bytes = (const char *)data + 1;
    size_t avail = size - 1;
    uint32_t chance = data[0] * 2654435761u;
    uint64_t max_bytes = data[0] % 4 == 0 ? 64 : 1u << 20;
    walk_unframed(bytes, avail);
    for (;;) {
        verdict_t once = frame_at_once(bytes, avail, max_bytes);
        verdict_t pieces = frame_in_pieces(bytes, avail, max_bytes, chance);
        REQUIRE(once.rc == pieces.rc);
        if (once.rc != 1) return 0;
        REQUIRE(once.len == pieces.len);
        walk_framed(bytes, once.len);
        bytes += once.len;
        avail -= once.len;
    }
}
