/* What scripts give, read and checked: a server's bytes are input. */
#include "redis_saver.h"

#include <cairn/sys/checkpoint_codec.h>
#include <stdint.h>
#include <stdlib.h>
#include <uv.h>

char *redis_pack_length(char *out, size_t length)
{
    for (int i = 0; i < REDIS_PACKED_LENGTH; i++) *out++ = (char)(length >> (8 * i));
    return out;
}

/* A length at the beginning of `bytes`, or none. */
static bool take_length(cairn_slice_t *bytes, size_t *length)
{
    if (bytes->len < REDIS_PACKED_LENGTH) return false;
    *length = 0;
    for (int i = 0; i < REDIS_PACKED_LENGTH; i++)
        *length |= (size_t)(unsigned char)bytes->ptr[i] << (8 * i);
    *bytes = cairn_slice(bytes->ptr + REDIS_PACKED_LENGTH, bytes->len - REDIS_PACKED_LENGTH);
    return true;
}

static bool take(cairn_slice_t *bytes, size_t length, cairn_slice_t *out)
{
    if (length > bytes->len) return false;
    *out = cairn_slice(bytes->ptr, length);
    *bytes = cairn_slice(bytes->ptr + length, bytes->len - length);
    return true;
}

int redis_value_unpack(cairn_slice_t bytes, cairn_value_t *value)
{
    size_t type;
    if (!take_length(&bytes, &type) || !take(&bytes, type, &value->type)) return CAIRN_EPROTOCOL;
    value->bytes = bytes;
    return 0;
}

/* ---- pending writes ---- */

/* "-1:task" */
static bool read_field(cairn_slice_t field, cairn_pending_write_t *write)
{
    const char *at = field.ptr;
    const char *end = at + field.len;
    bool negative = at < end && *at == '-';
    at += negative;
    int64_t idx = 0;
    const char *first = at;
    for (; at < end && *at >= '0' && *at <= '9' && idx <= INT32_MAX; at++) idx = idx * 10 + (*at - '0');
    if (at == first || at == end || *at != ':' || idx > INT32_MAX) return false;
    write->idx = (int32_t)(negative ? -idx : idx);
    write->task_id = cairn_slice(at + 1, (size_t)(end - at - 1));
    return true;
}

static bool read_write(redis_reply_t *reply, cairn_pending_write_t *write)
{
    cairn_slice_t field, bytes;
    size_t path, channel, type;
    if (redis_reply_string(reply, &field) < 0 || !read_field(field, write)) return false;
    if (redis_reply_string(reply, &bytes) < 0) return false;
    if (!take_length(&bytes, &path) || !take_length(&bytes, &channel) || !take_length(&bytes, &type))
        return false;
    if (!take(&bytes, path, &write->task_path) || !take(&bytes, channel, &write->channel) ||
        !take(&bytes, type, &write->value.type))
        return false;
    write->value.bytes = bytes;
    return true;
}

static int compare_writes(const void *left, const void *right)
{
    const cairn_pending_write_t *a = left, *b = right;
    int by_task = cairn_slice_cmp(a->task_id, b->task_id);
    return by_task != 0 ? by_task : (a->idx > b->idx) - (a->idx < b->idx);
}

int redis_writes_read(redis_reply_t *reply, cairn_arena_t *arena, cairn_pending_write_t **writes,
                      size_t *count)
{
    size_t items;
    if (redis_reply_array(reply, &items) < 0 || items % 2 != 0) return CAIRN_EPROTOCOL;
    *count = items / 2;
    *writes = cairn_arena_alloc(arena, *count, sizeof **writes);
    if (!*writes) return UV_ENOMEM;
    for (size_t i = 0; i < *count; i++)
        if (!read_write(reply, &(*writes)[i])) return CAIRN_EPROTOCOL;
    if (*count > 1) qsort(*writes, *count, sizeof **writes, compare_writes);
    return 0;
}

/* ---- rows ---- */

/* In the order of channel_versions, nil where nothing is stored. */
static int read_values(redis_reply_t *reply, cairn_arena_t *arena, cairn_checkpoint_t *checkpoint)
{
    size_t count;
    if (redis_reply_array(reply, &count) < 0 || count != checkpoint->channel_version_count)
        return CAIRN_EPROTOCOL;
    cairn_channel_value_t *values = cairn_arena_alloc(arena, count, sizeof *values);
    if (!values) return UV_ENOMEM;
    size_t stored = 0;
    for (size_t i = 0; i < count; i++) {
        cairn_channel_value_t *value = &values[stored];
        cairn_slice_t bytes;
        bool nil;
        if (redis_reply_string_or_nil(reply, &bytes, &nil) < 0) return CAIRN_EPROTOCOL;
        if (nil) continue;
        value->channel = checkpoint->channel_versions[i].channel;
        value->version = checkpoint->channel_versions[i].version;
        value->kind = CAIRN_CHANNEL_VALUE;
        if (redis_value_unpack(bytes, &value->value) < 0) return CAIRN_EPROTOCOL;
        stored++;
    }
    checkpoint->channel_values = values;
    checkpoint->channel_value_count = stored;
    return 0;
}

static int read_rest(redis_reply_t *reply, cairn_arena_t *arena, cairn_checkpoint_tuple_t *tuple)
{
    cairn_pending_write_t *writes;
    int rc = read_values(reply, arena, &tuple->checkpoint);
    if (rc == 0) rc = redis_writes_read(reply, arena, &writes, &tuple->pending_write_count);
    if (rc == 0) tuple->pending_writes = writes;
    return rc;
}

int redis_row_read(redis_reply_t *reply, cairn_arena_t *arena, cairn_checkpoint_tuple_t *tuple)
{
    enum {
        HEADER = 4,
        WHOLE = 6
    };
    size_t count, parts;
    cairn_slice_t body;
    bool no_parent;
    *tuple = (cairn_checkpoint_tuple_t){0};
    if (redis_reply_array(reply, &count) < 0 || count != 3 ||
        redis_reply_string(reply, &tuple->ref.thread_id) < 0 ||
        redis_reply_string(reply, &tuple->ref.checkpoint_ns) < 0 ||
        redis_reply_array(reply, &parts) < 0 || (parts != HEADER && parts != WHOLE) ||
        redis_reply_string(reply, &tuple->ref.checkpoint_id) < 0 ||
        redis_reply_string(reply, &body) < 0 || redis_reply_string(reply, &tuple->metadata) < 0 ||
        redis_reply_string_or_nil(reply, &tuple->parent_id, &no_parent) < 0)
        return CAIRN_EPROTOCOL;
    if (no_parent) tuple->parent_id = cairn_slice(NULL, 0);
    if (parts == HEADER) return cairn_checkpoint_decode_header(body, &tuple->checkpoint);
    int rc = cairn_checkpoint_decode(body, arena, &tuple->checkpoint);
    return rc < 0 ? rc : read_rest(reply, arena, tuple);
}
