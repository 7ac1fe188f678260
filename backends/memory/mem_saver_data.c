#include "mem_saver.h"

#include <cairn/sys/alloc.h>
#include <string.h>

cairn_slice_t mem_keep(char **end, cairn_slice_t bytes)
{
    char *copy = *end;
    if (bytes.len) memcpy(copy, bytes.ptr, bytes.len);
    *end += bytes.len;
    return cairn_slice(copy, bytes.len);
}

/* ---- finding ---- */

mem_thread_t *mem_thread_find(const mem_saver_t *saver, cairn_slice_t thread_id)
{
    mem_node_t *node = mem_map_find(&saver->threads, mem_key(thread_id));
    return node ? CAIRN_CONTAINER_OF(node, mem_thread_t, node) : NULL;
}

static mem_space_t *space_of(const mem_thread_t *thread, cairn_slice_t ns)
{
    mem_node_t *node = mem_map_find(&thread->spaces, mem_key(ns));
    return node ? CAIRN_CONTAINER_OF(node, mem_space_t, node) : NULL;
}

mem_space_t *mem_space_find(const mem_saver_t *saver, cairn_slice_t thread_id, cairn_slice_t ns)
{
    const mem_thread_t *thread = mem_thread_find(saver, thread_id);
    return thread ? space_of(thread, ns) : NULL;
}

static mem_object_t *object_of(const mem_space_t *space, cairn_slice_t id)
{
    mem_node_t *node = mem_map_find(&space->objects, mem_key(id));
    return node ? CAIRN_CONTAINER_OF(node, mem_object_t, node) : NULL;
}

/* `node`, or the nearest before it, that has a checkpoint. */
static mem_object_t *checkpoint_from(mem_node_t *node)
{
    for (; node; node = mem_map_prev(node)) {
        mem_object_t *object = CAIRN_CONTAINER_OF(node, mem_object_t, node);
        if (object->checkpoint) return object;
    }
    return NULL;
}

mem_object_t *mem_newest(const mem_space_t *space)
{
    return checkpoint_from(mem_map_last(&space->objects));
}

mem_object_t *mem_older(const mem_object_t *object)
{
    return checkpoint_from(mem_map_prev(&object->node));
}

static mem_object_t *checkpoint_of(const mem_space_t *space, cairn_slice_t id)
{
    mem_object_t *object = object_of(space, id);
    return object && object->checkpoint ? object : NULL;
}

mem_object_t *mem_find(const mem_saver_t *saver, const cairn_checkpoint_ref_t *at)
{
    const mem_space_t *space = mem_space_find(saver, at->thread_id, at->checkpoint_ns);
    if (!space) return NULL;
    return at->checkpoint_id.ptr ? checkpoint_of(space, at->checkpoint_id) : mem_newest(space);
}

mem_object_t *mem_parent(const mem_object_t *object)
{
    cairn_slice_t parent_id = object->checkpoint->parent_id;
    return parent_id.ptr ? checkpoint_of(object->space, parent_id) : NULL;
}

const mem_content_t *mem_content_at(const mem_object_t *object, cairn_slice_t channel)
{
    const mem_checkpoint_t *checkpoint = object->checkpoint;
    for (size_t i = 0; i < checkpoint->blob_count; i++) {
        const mem_blob_t *blob = checkpoint->blobs[i];
        if (cairn_slice_eq(blob->node.key.major, channel) && blob->content) return blob->content;
    }
    return NULL;
}

/* ---- making ---- */

static mem_thread_t *thread_make(mem_saver_t *saver, cairn_slice_t id)
{
    mem_thread_t *thread = mem_thread_find(saver, id);
    if (thread) return thread;
    thread = cairn_calloc(1, sizeof *thread + id.len);
    if (!thread) return NULL;
    thread->node.key = mem_key(mem_keep(&(char *){thread->id}, id));
    mem_map_insert(&saver->threads, &thread->node);
    return thread;
}

static mem_space_t *space_make(mem_thread_t *thread, cairn_slice_t ns)
{
    mem_space_t *space = space_of(thread, ns);
    if (space) return space;
    space = cairn_calloc(1, sizeof *space + ns.len);
    if (!space) return NULL;
    space->thread = thread;
    space->node.key = mem_key(mem_keep(&(char *){space->ns}, ns));
    mem_map_insert(&thread->spaces, &space->node);
    return space;
}

static void trim_thread(mem_saver_t *saver, mem_thread_t *thread)
{
    if (thread->spaces.count > 0) return;
    mem_map_remove(&saver->threads, &thread->node);
    cairn_free(thread);
}

static void trim_space(mem_saver_t *saver, mem_space_t *space)
{
    if (space->objects.count > 0) return;
    mem_thread_t *thread = space->thread;
    mem_map_remove(&thread->spaces, &space->node);
    cairn_free(space);
    trim_thread(saver, thread);
}

mem_object_t *mem_object_make(mem_saver_t *saver, const cairn_checkpoint_ref_t *at)
{
    mem_thread_t *thread = thread_make(saver, at->thread_id);
    if (!thread) return NULL;
    mem_space_t *space = space_make(thread, at->checkpoint_ns);
    if (!space) {
        trim_thread(saver, thread);
        return NULL;
    }
    mem_object_t *object = object_of(space, at->checkpoint_id);
    if (object) return object;
    object = cairn_calloc(1, sizeof *object + at->checkpoint_id.len);
    if (!object) {
        trim_space(saver, space);
        return NULL;
    }
    object->space = space;
    object->node.key = mem_key(mem_keep(&(char *){object->id}, at->checkpoint_id));
    mem_map_insert(&space->objects, &object->node);
    return object;
}

mem_blob_t *mem_blob_make(mem_space_t *space, mem_key_t key)
{
    mem_node_t *node = mem_map_find(&space->blobs, key);
    if (node) return CAIRN_CONTAINER_OF(node, mem_blob_t, node);
    mem_blob_t *blob = cairn_calloc(1, sizeof *blob + key.major.len + key.minor.len);
    if (!blob) return NULL;
    char *end = blob->text;
    blob->node.key.major = mem_keep(&end, key.major);
    blob->node.key.minor = mem_keep(&end, key.minor);
    mem_map_insert(&space->blobs, &blob->node);
    return blob;
}

/* ---- freeing ---- */

static void leave_blob(mem_space_t *space, mem_blob_t *blob)
{
    if (--blob->users > 0) return;
    mem_map_remove(&space->blobs, &blob->node);
    cairn_free(blob->content);
    cairn_free(blob);
}

void mem_checkpoint_free(mem_saver_t *saver, mem_checkpoint_t *checkpoint)
{
    for (size_t i = 0; i < checkpoint->blob_count; i++)
        leave_blob(checkpoint->object->space, checkpoint->blobs[i]);
    if (checkpoint->in_runs.key.major.ptr) mem_map_remove(&saver->runs, &checkpoint->in_runs);
    cairn_free(checkpoint);
}

void mem_trim(mem_saver_t *saver, mem_object_t *object)
{
    if (object->checkpoint || object->writes.count > 0) return;
    mem_space_t *space = object->space;
    mem_ttl_stop(saver, object);
    mem_map_remove(&space->objects, &object->node);
    cairn_free(object);
    trim_space(saver, space);
}

uint64_t mem_object_delete(mem_saver_t *saver, mem_object_t *object)
{
    uint64_t checkpoints = object->checkpoint ? 1 : 0;
    if (object->checkpoint) mem_checkpoint_free(saver, object->checkpoint);
    object->checkpoint = NULL;
    for (mem_node_t *node; (node = mem_map_first(&object->writes));) {
        mem_map_remove(&object->writes, node);
        cairn_free(CAIRN_CONTAINER_OF(node, mem_write_t, node));
    }
    mem_trim(saver, object);
    return checkpoints;
}

uint64_t mem_thread_delete(mem_saver_t *saver, mem_thread_t *thread)
{
    uint64_t checkpoints = 0;
    for (bool last = false; !last;) {
        mem_node_t *node = mem_map_first(&thread->spaces);
        mem_space_t *space = CAIRN_CONTAINER_OF(node, mem_space_t, node);
        last = thread->spaces.count == 1 && space->objects.count == 1;
        node = mem_map_first(&space->objects);
        checkpoints += mem_object_delete(saver, CAIRN_CONTAINER_OF(node, mem_object_t, node));
    }
    return checkpoints;
}

void mem_saver_clear(mem_saver_t *saver)
{
    for (mem_node_t *node; (node = mem_map_first(&saver->threads));)
        mem_thread_delete(saver, CAIRN_CONTAINER_OF(node, mem_thread_t, node));
}
