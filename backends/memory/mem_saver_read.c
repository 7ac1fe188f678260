/* What get and list hand up: copies, so that what the application does next cannot touch them. */
#include "mem_saver.h"

#include <cairn/sys/checkpoint_codec.h>
#include <uv.h>

static int copy_value(cairn_arena_t *arena, cairn_value_t from, cairn_value_t *out)
{
    int rc = cairn_arena_copy(arena, from.type, &out->type);
    return rc < 0 ? rc : cairn_arena_copy(arena, from.bytes, &out->bytes);
}

static int copy_channel_values(cairn_arena_t *arena, const mem_checkpoint_t *from,
                               cairn_checkpoint_t *out)
{
    cairn_channel_value_t *values = cairn_arena_alloc(arena, from->blob_count, sizeof *values);
    if (!values) return UV_ENOMEM;
    size_t count = 0;
    for (size_t i = 0; i < from->blob_count; i++) {
        const mem_content_t *content = from->blobs[i]->content;
        if (!content || content->kind != CAIRN_CHANNEL_VALUE) continue;
        cairn_channel_value_t *value = &values[count++];
        value->channel = out->channel_versions[i].channel;
        value->version = out->channel_versions[i].version;
        value->kind = CAIRN_CHANNEL_VALUE;
        int rc = copy_value(arena, content->value, &value->value);
        if (rc < 0) return rc;
    }
    out->channel_values = values;
    out->channel_value_count = count;
    return 0;
}

int mem_pending_write(cairn_arena_t *arena, const mem_write_t *write, cairn_pending_write_t *out)
{
    out->idx = write->idx;
    int rc = cairn_arena_copy(arena, write->node.key.major, &out->task_id);
    if (rc == 0) rc = cairn_arena_copy(arena, write->task_path, &out->task_path);
    if (rc == 0) rc = cairn_arena_copy(arena, write->channel, &out->channel);
    if (rc == 0) rc = copy_value(arena, write->value, &out->value);
    return rc;
}

static int copy_writes(cairn_arena_t *arena, const mem_object_t *from,
                       cairn_checkpoint_tuple_t *tuple)
{
    cairn_pending_write_t *writes = cairn_arena_alloc(arena, from->writes.count, sizeof *writes);
    if (!writes) return UV_ENOMEM;
    size_t count = 0;
    for (const mem_node_t *node = mem_map_first(&from->writes); node; node = mem_map_next(node)) {
        const mem_write_t *write = CAIRN_CONTAINER_OF(node, mem_write_t, node);
        int rc = mem_pending_write(arena, write, &writes[count++]);
        if (rc < 0) return rc;
    }
    tuple->pending_writes = writes;
    tuple->pending_write_count = count;
    return 0;
}

static int copy_config(cairn_arena_t *arena, const mem_object_t *from,
                       cairn_checkpoint_tuple_t *tuple)
{
    const mem_space_t *space = from->space;
    const mem_thread_t *thread = space->thread;
    cairn_checkpoint_ref_t *ref = &tuple->ref;
    int rc = cairn_arena_copy(arena, thread->node.key.major, &ref->thread_id);
    if (rc == 0) rc = cairn_arena_copy(arena, space->node.key.major, &ref->checkpoint_ns);
    if (rc == 0) rc = cairn_arena_copy(arena, from->node.key.major, &ref->checkpoint_id);
    if (rc == 0) rc = cairn_arena_copy(arena, from->checkpoint->parent_id, &tuple->parent_id);
    if (rc == 0) rc = cairn_arena_copy(arena, from->checkpoint->metadata, &tuple->metadata);
    return rc;
}

int mem_tuple(cairn_arena_t *arena, const mem_object_t *object, bool headers_only,
              cairn_checkpoint_tuple_t *tuple)
{
    cairn_slice_t body = {NULL, 0};
    *tuple = (cairn_checkpoint_tuple_t){0};
    int rc = copy_config(arena, object, tuple);
    if (rc == 0) rc = cairn_arena_copy(arena, object->checkpoint->body, &body);
    if (rc < 0) return rc;
    if (headers_only) return cairn_checkpoint_decode_header(body, &tuple->checkpoint);
    rc = cairn_checkpoint_decode(body, arena, &tuple->checkpoint);
    if (rc == 0) rc = copy_channel_values(arena, object->checkpoint, &tuple->checkpoint);
    if (rc == 0) rc = copy_writes(arena, object, tuple);
    return rc;
}
