/* Any bytes as a message of Pure Graph's: what is read of one, written and read again, is the same.
 * Any bytes as an event's parts: they come back. Any bytes as base64. */
#include "redis_pure_graph_json.h"
#include "redis_pure_graph_message.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition) require((condition), #condition, __LINE__)

static void require(bool holds, const char *condition, int line)
{
    if (holds) return;
    fprintf(stderr, "fuzz_redis_pure_graph: line %d: %s\n", line, condition);
    abort();
}

/* Of just that size, so that a look beyond the end is seen. */
static char *room_for(size_t size)
{
    char *room = malloc(size > 0 ? size : 1);
    REQUIRE(room != NULL);
    return room;
}

static void check_ascii(cairn_slice_t message)
{
    const size_t size = redis_json_ascii_size(message);
    char *ascii = room_for(size);
    REQUIRE(redis_json_ascii_write(ascii, message) == ascii + size);
    for (size_t i = 0; i < size; i++) REQUIRE((ascii[i] & 0x80) == 0);
    REQUIRE(redis_json_is_value(cairn_slice(ascii, size)));
    free(ascii);
}

static void check_comes_back(const cairn_stream_entry_t *entry)
{
    const size_t bound = redis_graph_message_bound(entry);
    char *message = room_for(bound);
    const size_t len = (size_t)(redis_graph_message_write(message, entry) - message);
    REQUIRE(len <= bound);
    REQUIRE(redis_json_is_value(cairn_slice(message, len)));
    check_ascii(cairn_slice(message, len));
    cairn_stream_event_t event;
    REQUIRE(redis_graph_message_read(message, len, &event) == 0);
    const bool is_cancel = cairn_slice_eq(entry->event, cairn_str(REDIS_GRAPH_CANCEL));
    REQUIRE(is_cancel || cairn_slice_eq(event.event, entry->event));
    REQUIRE(cairn_slice_eq(event.data.type, entry->data.type));
    REQUIRE(cairn_slice_eq(event.data.bytes, entry->data.bytes));
    REQUIRE((event.id.ptr != NULL) == (entry->id.ptr != NULL));
    REQUIRE(cairn_slice_eq(event.id, entry->id));
    free(message);
}

static void as_message(const char *bytes, size_t size)
{
    char *message = room_for(size);
    if (size > 0) memcpy(message, bytes, size);
    cairn_stream_event_t event;
    int rc = redis_graph_message_read(message, size, &event);
    REQUIRE(rc == 0 || rc == CAIRN_EPROTOCOL);
    if (rc == 0) {
        const cairn_stream_entry_t entry = {event.event, event.data, event.id};
        check_comes_back(&entry);
    }
    free(message);
}

static void as_event(const char *bytes, size_t size)
{
    const size_t part = size / 3;
    const cairn_slice_t first = cairn_slice(bytes, part), second = cairn_slice(bytes + part, part);
    const cairn_slice_t rest = cairn_slice(bytes + 2 * part, size - 2 * part);
    check_comes_back(&(cairn_stream_entry_t){first, {second, rest}, rest});
    check_comes_back(&(cairn_stream_entry_t){first, {cairn_str("json"), rest}, {NULL, 0}});
}

static void as_base64(const char *bytes, size_t size)
{
    const cairn_slice_t given = cairn_slice(bytes, size);
    char *decoded = room_for(size / 4 * 3 + 3);
    const size_t encoded_size = redis_graph_base64_size(size);
    char *encoded = room_for(encoded_size);
    size_t len = 0;
    int rc = redis_graph_base64_read(given, decoded, &len);
    REQUIRE(rc == 0 || rc == CAIRN_EPROTOCOL);
    REQUIRE(redis_graph_base64_write(encoded, given) == encoded + encoded_size);
    free(decoded);
    decoded = room_for(encoded_size / 4 * 3);
    REQUIRE(redis_graph_base64_read(cairn_slice(encoded, encoded_size), decoded, &len) == 0);
    REQUIRE(cairn_slice_eq(cairn_slice(decoded, len), given));
    free(encoded);
    free(decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char nothing[1];
    const char *bytes = size > 0 ? (const char *)data : nothing;
    as_message(bytes, size);
    as_event(bytes, size);
    as_base64(bytes, size);
    return 0;
}
