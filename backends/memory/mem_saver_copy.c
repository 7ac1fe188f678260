/* copy_thread: everything as if it had been put to the target in the first place. */
#include "mem_saver.h"

#include <cairn/sys/checkpoint_codec.h>
#include <uv.h>

/* The checkpoint as it was given to put; borrows from `from`. */
static int unpack(cairn_arena_t *arena, const mem_checkpoint_t *from, cairn_checkpoint_t *out)
{
    int rc = cairn_checkpoint_decode(from->body, arena, out);
    if (rc < 0) return rc;
    cairn_channel_value_t *values = cairn_arena_alloc(arena, from->blob_count, sizeof *values);
    if (!values) return UV_ENOMEM;
    out->channel_values = values;
    for (size_t i = 0; i < from->blob_count; i++) {
        const mem_blob_t *blob = from->blobs[i];
        if (!blob->content) continue;
        values[out->channel_value_count++] = (cairn_channel_value_t){
            .channel = blob->node.key.major,
            .version = blob->node.key.minor,
            .kind = blob->content->kind,
            .value = blob->content->value,
        };
    }
    return 0;
}

static int copy_checkpoint(mem_saver_t *saver, const mem_object_t *from,
                           const cairn_checkpoint_ref_t *to)
{
    const mem_checkpoint_t *checkpoint = from->checkpoint;
    cairn_arena_t arena = {0};
    cairn_checkpoint_t unpacked;
    int rc = unpack(&arena, checkpoint, &unpacked);
    if (rc == 0) {
        cairn_saver_put_args_t args = {
            .parent = {to->thread_id, to->checkpoint_ns, checkpoint->parent_id},
            .checkpoint = &unpacked,
            .metadata = checkpoint->metadata,
            .run_id = checkpoint->in_runs.key.major,
            .terms = {.ttl_ms = CAIRN_TTL_PERSIST},
        };
        rc = mem_put(saver, &args);
    }
    cairn_arena_free(&arena);
    return rc;
}

static int copy_write(const mem_write_t *from, mem_object_t *to)
{
    mem_write_t *copy = mem_write_make(&(cairn_pending_write_t){
        .task_id = from->node.key.major,
        .task_path = from->task_path,
        .idx = from->idx,
        .channel = from->channel,
        .value = from->value,
    });
    if (!copy) return UV_ENOMEM;
    mem_map_insert(&to->writes, &copy->node);
    return 0;
}

static int copy_object(mem_saver_t *saver, const mem_object_t *from, cairn_slice_t target)
{
    cairn_checkpoint_ref_t to = {target, from->space->node.key.major, from->node.key.major};
    int rc = from->checkpoint ? copy_checkpoint(saver, from, &to) : 0;
    if (rc < 0) return rc;
    mem_object_t *copy = mem_object_make(saver, &to);
    if (!copy) return UV_ENOMEM;
    mem_ttl_start(saver, copy, from->ttl_ms, from->deadline_ms);
    for (const mem_node_t *node = mem_map_first(&from->writes); node && rc == 0;
         node = mem_map_next(node))
        rc = copy_write(CAIRN_CONTAINER_OF(node, mem_write_t, node), copy);
    mem_trim(saver, copy); /* should not even the first write have been copied */
    return rc;
}

static int copy_space(mem_saver_t *saver, const mem_space_t *from, cairn_slice_t target,
                      uint64_t *checkpoints)
{
    int rc = 0;
    for (mem_node_t *node = mem_map_first(&from->objects); node && rc == 0;
         node = mem_map_next(node)) {
        const mem_object_t *object = CAIRN_CONTAINER_OF(node, mem_object_t, node);
        rc = copy_object(saver, object, target);
        if (rc == 0 && object->checkpoint) ++*checkpoints;
    }
    return rc;
}

int mem_copy_thread(mem_saver_t *saver, cairn_slice_t source, cairn_slice_t target,
                    uint64_t *checkpoints)
{
    *checkpoints = 0;
    if (mem_thread_find(saver, target)) return UV_EEXIST;
    const mem_thread_t *from = mem_thread_find(saver, source);
    if (!from) return 0;
    int rc = 0;
    for (mem_node_t *node = mem_map_first(&from->spaces); node && rc == 0;
         node = mem_map_next(node))
        rc = copy_space(saver, CAIRN_CONTAINER_OF(node, mem_space_t, node), target, checkpoints);
    mem_thread_t *to = mem_thread_find(saver, target);
    if (rc < 0 && to) mem_thread_delete(saver, to);
    return rc;
}
