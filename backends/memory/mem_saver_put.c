/* put and put_writes: everything that can fail is made first, off to the side; then it is put in
 * place, which cannot. */
#include "mem_saver.h"

#include <cairn/sys/alloc.h>
#include <cairn/sys/checkpoint_codec.h>
#include <uv.h>

/* ---- the checkpoint ---- */

static size_t optional_len(cairn_slice_t slice)
{
    return slice.ptr ? slice.len : 0;
}

/* Claims the blobs of channel_versions as far as that goes. */
static bool claim_blobs(mem_saver_t *saver, mem_checkpoint_t *made, const cairn_checkpoint_t *from)
{
    uint64_t mark = ++saver->marks;
    for (size_t i = 0; i < from->channel_version_count; i++) {
        const cairn_channel_version_t *entry = &from->channel_versions[i];
        mem_blob_t *blob =
            mem_blob_make(made->object->space, (mem_key_t){entry->channel, entry->version});
        if (!blob) return false;
        blob->users++;
        blob->met = mark;
        made->blobs[made->blob_count++] = blob;
    }
    return true;
}

/* For `object`, which does not know of it yet. NULL: no memory. */
static mem_checkpoint_t *make_checkpoint(mem_saver_t *saver, mem_object_t *object,
                                         const cairn_saver_put_args_t *args)
{
    const cairn_checkpoint_t *from = args->checkpoint;
    size_t body = cairn_checkpoint_encoded_size(from);
    size_t blobs = from->channel_version_count * sizeof(mem_blob_t *);
    cairn_slice_t parent_id = args->parent.checkpoint_id;
    mem_checkpoint_t *made = cairn_malloc(sizeof *made + blobs + body + args->metadata.len +
                                          optional_len(parent_id) + optional_len(args->run_id));
    if (!made) return NULL;
    char *end = (char *)made->blobs + blobs;
    *made = (mem_checkpoint_t){.object = object};
    made->body = cairn_slice(end, body);
    end = cairn_checkpoint_encode(from, end);
    made->metadata = mem_keep(&end, args->metadata);
    if (parent_id.ptr) made->parent_id = mem_keep(&end, parent_id);
    if (args->run_id.ptr) {
        made->in_runs.key = mem_key(mem_keep(&end, args->run_id));
        mem_map_insert(&saver->runs, &made->in_runs);
    }
    if (claim_blobs(saver, made, from)) return made;
    mem_checkpoint_free(saver, made);
    return NULL;
}

/* ---- its values ---- */

static void free_contents(mem_content_t *list)
{
    while (list) {
        mem_content_t *next = list->next;
        cairn_free(list);
        list = next;
    }
}

static mem_content_t *make_content(mem_blob_t *blob, const cairn_channel_value_t *from)
{
    cairn_value_t value = {{NULL, 0}, {NULL, 0}};
    if (from->kind == CAIRN_CHANNEL_VALUE) value = from->value;
    mem_content_t *content = cairn_malloc(sizeof *content + value.type.len + value.bytes.len);
    if (!content) return NULL;
    char *end = content->text;
    *content = (mem_content_t){.blob = blob, .kind = from->kind};
    content->value.type = mem_keep(&end, value.type);
    content->value.bytes = mem_keep(&end, value.bytes);
    return content;
}

/* The blob that `value` is to be kept in; NULL if it need not be kept: there is one already, or the
 * checkpoint, whose claim has `mark`, does not name this version. */
static mem_blob_t *blob_for(const mem_space_t *space, const cairn_channel_value_t *value,
                            uint64_t mark)
{
    mem_node_t *node = mem_map_find(&space->blobs, (mem_key_t){value->channel, value->version});
    if (!node) return NULL;
    mem_blob_t *blob = CAIRN_CONTAINER_OF(node, mem_blob_t, node);
    return blob->content || blob->met != mark ? NULL : blob;
}

/* Makes a list of what is to be kept. Of a channel that comes twice the last counts, so it goes
 * from the end, and `seen` has a node for each. */
static int make_contents(const mem_space_t *space, const cairn_checkpoint_t *from, uint64_t mark,
                         mem_node_t *seen, mem_content_t **list)
{
    mem_map_t channels = {0};
    for (size_t i = from->channel_value_count; i-- > 0;) {
        const cairn_channel_value_t *value = &from->channel_values[i];
        seen[i].key = mem_key(value->channel);
        if (mem_map_find(&channels, seen[i].key)) continue;
        mem_map_insert(&channels, &seen[i]);
        mem_blob_t *blob = blob_for(space, value, mark);
        if (!blob) continue;
        mem_content_t *content = make_content(blob, value);
        if (!content) return UV_ENOMEM;
        content->next = *list;
        *list = content;
    }
    return 0;
}

static int make_values(const mem_saver_t *saver, const mem_space_t *space,
                       const cairn_checkpoint_t *from, mem_content_t **list)
{
    if (from->channel_value_count == 0) return 0;
    mem_node_t *seen = cairn_calloc(from->channel_value_count, sizeof *seen);
    if (!seen) return UV_ENOMEM;
    int rc = make_contents(space, from, saver->marks, seen, list);
    cairn_free(seen);
    return rc;
}

static void place_contents(mem_content_t *list)
{
    while (list) {
        mem_content_t *next = list->next;
        list->next = NULL;
        list->blob->content = list;
        list = next;
    }
}

int mem_put(mem_saver_t *saver, const cairn_saver_put_args_t *args)
{
    cairn_checkpoint_ref_t at = args->parent;
    at.checkpoint_id = args->checkpoint->id;
    mem_object_t *object = mem_object_make(saver, &at);
    if (!object) return UV_ENOMEM;
    mem_content_t *contents = NULL;
    mem_checkpoint_t *made = make_checkpoint(saver, object, args);
    if (!made || make_values(saver, object->space, args->checkpoint, &contents) < 0) {
        free_contents(contents);
        if (made) mem_checkpoint_free(saver, made);
        mem_trim(saver, object);
        return UV_ENOMEM;
    }
    place_contents(contents);
    mem_checkpoint_t *replaced = object->checkpoint;
    object->checkpoint = made;
    if (replaced) mem_checkpoint_free(saver, replaced);
    mem_ttl_put(saver, object, &args->terms);
    if (args->terms.shallow) mem_keep_latest(saver, object->space);
    return 0;
}

/* ---- put_writes ---- */

static void set_index(mem_write_t *write, int32_t idx)
{
    uint32_t biased = (uint32_t)idx ^ 0x80000000u; /* so that bytes have the order of the index */
    for (size_t i = 0; i < sizeof biased; i++)
        write->index_key[i] = (char)(biased >> (8 * (sizeof biased - 1 - i)));
    write->idx = idx;
    write->node.key.minor = cairn_slice(write->index_key, sizeof write->index_key);
}

mem_write_t *mem_write_make(const cairn_pending_write_t *from)
{
    mem_write_t *write =
        cairn_malloc(sizeof *write + from->task_id.len + from->task_path.len + from->channel.len +
                     from->value.type.len + from->value.bytes.len);
    if (!write) return NULL;
    char *end = write->text;
    *write = (mem_write_t){.idx = 0};
    write->node.key.major = mem_keep(&end, from->task_id);
    write->task_path = mem_keep(&end, from->task_path);
    write->channel = mem_keep(&end, from->channel);
    write->value.type = mem_keep(&end, from->value.type);
    write->value.bytes = mem_keep(&end, from->value.bytes);
    set_index(write, from->idx);
    return write;
}

static void free_writes(mem_write_t *list)
{
    while (list) {
        mem_write_t *next = list->next;
        cairn_free(list);
        list = next;
    }
}

/* A list in the order of the call. */
static int make_writes(const cairn_task_writes_t *task, mem_write_t **list)
{
    for (size_t i = 0; i < task->count; i++) {
        const cairn_write_t *from = &task->writes[i];
        *list = mem_write_make(&(cairn_pending_write_t){
            .task_id = task->task_id,
            .task_path = task->task_path,
            .idx = cairn_write_idx(from->channel, (int32_t)i),
            .channel = from->channel,
            .value = from->value,
        });
        if (!*list) return UV_ENOMEM;
        list = &(*list)->next;
    }
    return 0;
}

/* Rule 12: of a position the first write stays, of a special channel the last. */
static void place_write(mem_object_t *object, mem_write_t *write)
{
    write->next = NULL;
    mem_node_t *node = mem_map_find(&object->writes, write->node.key);
    if (node && write->idx >= 0) {
        cairn_free(write);
        return;
    }
    if (node) {
        mem_map_remove(&object->writes, node);
        cairn_free(CAIRN_CONTAINER_OF(node, mem_write_t, node));
    }
    mem_map_insert(&object->writes, &write->node);
}

int mem_put_writes(mem_saver_t *saver, const cairn_saver_put_writes_args_t *args)
{
    if (args->writes->count == 0) return 0;
    mem_write_t *list = NULL;
    mem_object_t *object = NULL;
    if (make_writes(args->writes, &list) == 0) object = mem_object_make(saver, &args->at);
    if (!object) {
        free_writes(list);
        return UV_ENOMEM;
    }
    while (list) {
        mem_write_t *next = list->next;
        place_write(object, list);
        list = next;
    }
    mem_ttl_put_writes(saver, object, &args->terms);
    return 0;
}
