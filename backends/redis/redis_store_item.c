/* What is stored of an item: a string, of a head of fixed size and the value. */
#include "redis_store.h"

#include <uv.h>

/* ---- the head ---- */

char *redis_head_number(char *out, int64_t number)
{
    uint64_t rest = (uint64_t)number;
    for (size_t i = REDIS_HEAD_NUMBER; i > 0; i -= 2, rest /= 100)
        memcpy(out + i - 2, redis_cmd_pairs + 2 * (rest % 100), 2);
    return out + REDIS_HEAD_NUMBER;
}

char *redis_head_ttl(char *out, int64_t ttl_ms)
{
    return redis_head_number(out, ttl_ms > 0 ? ttl_ms : 0);
}

char *redis_head(char *out, int64_t created_at_us, int64_t updated_at_us, int64_t ttl_ms,
                 bool has_vectors)
{
    out = redis_head_number(out, created_at_us);
    *out++ = ' ';
    out = redis_head_number(out, updated_at_us);
    *out++ = ' ';
    out = redis_head_ttl(out, ttl_ms);
    *out++ = has_vectors ? 'x' : '\n';
    return out;
}

int redis_head_read_number(const char *from, int64_t *number)
{
    int64_t value = 0;
    for (size_t i = 0; i < REDIS_HEAD_NUMBER; i++) {
        if (from[i] < '0' || from[i] > '9') return CAIRN_EPROTOCOL;
        value = value * 10 + (from[i] - '0');
    }
    *number = value;
    return 0;
}

int redis_head_read(cairn_slice_t bytes, cairn_item_t *item, bool *has_vectors)
{
    enum {
        NEXT = REDIS_HEAD_NUMBER + 1
    };
    if (bytes.len < REDIS_HEAD_SIZE ||
        redis_head_read_number(bytes.ptr, &item->created_at_us) < 0 ||
        redis_head_read_number(bytes.ptr + NEXT, &item->updated_at_us) < 0 ||
        redis_head_read_number(bytes.ptr + 2 * NEXT, &item->ttl_ms) < 0)
        return CAIRN_EPROTOCOL;
    const char mark = bytes.ptr[REDIS_HEAD_SIZE - 1];
    if (mark != 'x' && mark != '\n') return CAIRN_EPROTOCOL;
    if (item->ttl_ms == 0) item->ttl_ms = CAIRN_TTL_PERSIST;
    if (has_vectors) *has_vectors = mark == 'x';
    item->value = cairn_slice(bytes.ptr + REDIS_HEAD_SIZE, bytes.len - REDIS_HEAD_SIZE);
    return 0;
}

/* ---- reading an item ---- */

#define ASK_BEGIN "*2\r\n$3\r\nGET\r\n"

size_t redis_item_ask_bound(const redis_shelf_t *shelf, cairn_slice_t key)
{
    return sizeof ASK_BEGIN + redis_store_item_bound(shelf, key);
}

char *redis_item_ask(char *out, const redis_shelf_t *shelf, cairn_slice_t key)
{
    out = redis_cmd_literal(out, LITERAL(ASK_BEGIN));
    return redis_store_item(out, shelf, key);
}

int redis_item_read(redis_reply_t *reply, cairn_item_t *item)
{
    cairn_slice_t bytes;
    bool absent;
    int rc = redis_reply_string_or_nil(reply, &bytes, &absent);
    if (rc < 0) return rc;
    return absent ? 1 : redis_head_read(bytes, item, NULL);
}

/* ---- its name ---- */

int redis_item_take_name(cairn_arena_t *arena, cairn_slice_t name, cairn_item_t *item)
{
    const char *at = name.ptr + sizeof(REDIS_KEY_STORE REDIS_ITEM "{") - 1;
    const char *const stop = name.ptr + name.len;
    const char *end = memchr(at, '}', (size_t)(stop - at));
    cairn_rows_t labels = {0};
    char *room = cairn_arena_alloc(arena, name.len, 1);
    if (!room || !end) return UV_ENOMEM;
    while (at < end) {
        const char *colon = memchr(at, ':', (size_t)(end - at));
        const char *label_end = colon ? colon : end;
        cairn_slice_t *label = cairn_rows_add(arena, &labels, sizeof *label);
        if (!label) return UV_ENOMEM;
        char *written = redis_unescape(room, cairn_slice(at, (size_t)(label_end - at)));
        *label = cairn_slice(room, (size_t)(written - room));
        room = written;
        at = label_end + 1;
    }
    item->ns = (cairn_namespace_t){labels.at, labels.count};
    const char *key = end + sizeof "}:" - 1;
    char *written = redis_unescape(room, cairn_slice(key, (size_t)(stop - key)));
    item->key = cairn_slice(room, (size_t)(written - room));
    return 0;
}
