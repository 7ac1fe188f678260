/* What scripts give, read and checked: a server's bytes are input. */
#include "redis_saver.h"

#include <cairn/sys/alloc.h>
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

int redis_blob_read(cairn_slice_t blob, cairn_value_t *value)
{
    size_t type;
    if (blob.len == 0) return CAIRN_EPROTOCOL;
    if (*blob.ptr == REDIS_BLOB_EMPTY || *blob.ptr == REDIS_BLOB_DELTA) return 1;
    cairn_slice_t bytes = cairn_slice(blob.ptr + 1, blob.len - 1);
    if (*blob.ptr != REDIS_BLOB_VALUE || !take_length(&bytes, &type) ||
        !take(&bytes, type, &value->type))
        return CAIRN_EPROTOCOL;
    value->bytes = bytes;
    return 0;
}

/* ---- pending writes ---- */

/* As redis_saver_writes.c packs it. */
static bool read_write(cairn_slice_t bytes, cairn_pending_write_t *write)
{
    size_t idx, task, path, channel, type;
    if (!take_length(&bytes, &idx) || !take_length(&bytes, &task) || !take_length(&bytes, &path) ||
        !take_length(&bytes, &channel) || !take_length(&bytes, &type))
        return false;
    if (!take(&bytes, task, &write->task_id) || !take(&bytes, path, &write->task_path) ||
        !take(&bytes, channel, &write->channel) || !take(&bytes, type, &write->value.type))
        return false;
    write->idx = (int32_t)(uint32_t)idx;
    write->value.bytes = bytes;
    return true;
}

/* Those of one (task_id, idx) stay in the order they came in: that of the bytes. */
static int compare_writes(const void *left, const void *right)
{
    const cairn_pending_write_t *a = left, *b = right;
    int by_task = cairn_slice_cmp(a->task_id, b->task_id);
    if (by_task != 0) return by_task;
    if (a->idx != b->idx) return a->idx > b->idx ? 1 : -1;
    return (a->task_id.ptr > b->task_id.ptr) - (a->task_id.ptr < b->task_id.ptr);
}

/* Of an index from 0 on the first counts, of the others the last (rule 12). */
static size_t keep_what_counts(cairn_pending_write_t *writes, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool same = kept > 0 && writes[kept - 1].idx == writes[i].idx &&
                    cairn_slice_eq(writes[kept - 1].task_id, writes[i].task_id);
        if (!same) {
            writes[kept++] = writes[i];
        } else if (writes[i].idx < 0) {
            writes[kept - 1] = writes[i];
        }
    }
    return kept;
}

int redis_writes_read(redis_reply_t *reply, cairn_arena_t *arena, cairn_pending_write_t **writes,
                      size_t *count)
{
    size_t items;
    cairn_slice_t bytes;
    *count = 0;
    if (redis_reply_array(reply, &items) < 0) return CAIRN_EPROTOCOL;
    *writes = cairn_arena_alloc(arena, items, sizeof **writes);
    if (!*writes) return UV_ENOMEM;
    for (size_t i = 0; i < items; i++) {
        if (redis_reply_string(reply, &bytes) < 0) return CAIRN_EPROTOCOL;
        if (i == 0 || bytes.len == 0) continue; /* the object's TTL; a put that met another */
        if (!read_write(bytes, &(*writes)[(*count)++])) return CAIRN_EPROTOCOL;
    }
    if (*count > 1) qsort(*writes, *count, sizeof **writes, compare_writes);
    *count = keep_what_counts(*writes, *count);
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
        int rc = redis_blob_read(bytes, &value->value);
        if (rc < 0) return rc;
        stored += rc == 0;
    }
    checkpoint->channel_values = values;
    checkpoint->channel_value_count = stored;
    return 0;
}

int redis_row_read_writes(redis_reply_t *reply, cairn_arena_t *arena,
                          cairn_checkpoint_tuple_t *tuple)
{
    cairn_pending_write_t *writes;
    int rc = redis_writes_read(reply, arena, &writes, &tuple->pending_write_count);
    if (rc == 0) tuple->pending_writes = writes;
    return rc;
}

int redis_row_read_rest(redis_reply_t *reply, cairn_arena_t *arena, cairn_checkpoint_tuple_t *tuple)
{
    int rc = read_values(reply, arena, &tuple->checkpoint);
    return rc == 0 ? redis_row_read_writes(reply, arena, tuple) : rc;
}

int redis_row_read(redis_reply_t *reply, cairn_arena_t *arena, cairn_checkpoint_tuple_t *tuple)
{
    enum {
        HEADER = 4,
        WHOLE = 6
    };
    size_t parts;
    cairn_slice_t body;
    bool no_parent;
    if (redis_reply_array(reply, &parts) < 0 || (parts != HEADER && parts != WHOLE) ||
        redis_reply_string(reply, &tuple->ref.checkpoint_id) < 0 ||
        redis_reply_string(reply, &body) < 0 || redis_reply_string(reply, &tuple->metadata) < 0 ||
        redis_reply_string_or_nil(reply, &tuple->parent_id, &no_parent) < 0)
        return CAIRN_EPROTOCOL;
    if (no_parent) tuple->parent_id = cairn_slice(NULL, 0);
    if (parts == HEADER) return cairn_checkpoint_decode_header(body, &tuple->checkpoint);
    int rc = cairn_checkpoint_decode(body, arena, &tuple->checkpoint);
    return rc < 0 ? rc : redis_row_read_rest(reply, arena, tuple);
}

int redis_listed_row_read(redis_reply_t *reply, cairn_arena_t *arena,
                          cairn_checkpoint_tuple_t *tuple)
{
    size_t parts;
    *tuple = (cairn_checkpoint_tuple_t){0};
    if (redis_reply_array(reply, &parts) < 0 || parts != 3 ||
        redis_reply_string(reply, &tuple->ref.thread_id) < 0 ||
        redis_reply_string(reply, &tuple->ref.checkpoint_ns) < 0)
        return CAIRN_EPROTOCOL;
    return redis_row_read(reply, arena, tuple);
}

void redis_saver_remember(redis_backend_t *redis, const cairn_checkpoint_tuple_t *tuple)
{
    const cairn_checkpoint_t *checkpoint = &tuple->checkpoint;
    size_t size = 0;
    for (size_t i = 0; i < checkpoint->channel_version_count; i++)
        size += redis_suffix_size(&checkpoint->channel_versions[i]) + 1;
    char *list = cairn_arena_alloc(&redis->arena, size, 1);
    if (!list) return;
    char *end = redis_suffixes(list, checkpoint);
    redis_hints_set(&redis->hints, tuple->ref.thread_id, tuple->ref.checkpoint_ns,
                    tuple->ref.checkpoint_id, cairn_slice(list, (size_t)(end - list)), UINT64_MAX);
    const redis_hint_t *hint =
        redis_saver_hint(redis, tuple->ref.thread_id, tuple->ref.checkpoint_ns);
    if (hint) redis_hints_confirm(&redis->hints, hint->token);
}
