/* delete_for_runs, prune, and what shallow mode leaves. */
#include "mem_saver.h"

#include <cairn/sys/json.h>
#include <stdlib.h>
#include <uv.h>

uint64_t mem_delete_runs(mem_saver_t *saver, const cairn_slice_t *run_ids, size_t count)
{
    uint64_t checkpoints = 0;
    for (size_t i = 0; i < count; i++)
        for (mem_node_t *node; (node = mem_map_find(&saver->runs, mem_key(run_ids[i])));) {
            mem_checkpoint_t *checkpoint = CAIRN_CONTAINER_OF(node, mem_checkpoint_t, in_runs);
            checkpoints += mem_object_delete(saver, checkpoint->object);
        }
    return checkpoints;
}

void mem_keep_latest(mem_saver_t *saver, mem_space_t *space)
{
    const mem_object_t *newest = mem_newest(space);
    for (mem_node_t *node; (node = mem_map_prev(&newest->node));)
        mem_object_delete(saver, CAIRN_CONTAINER_OF(node, mem_object_t, node));
}

/* ---- prune: first mark what is kept, which may fail, then delete the rest ---- */

typedef struct prune {
    mem_saver_t *saver;
    uint64_t mark; /* of mem_object_t.kept */
    uint32_t keep;
    cairn_arena_t arena;
    cairn_rows_t needs; /* need_t, of the space that is looked at */
    mem_object_t *kept; /* whose needs are looked for */
} prune_t;

/* A delta channel that a kept checkpoint has no value of: its ancestors have. */
typedef struct need {
    cairn_slice_t channel;
    mem_object_t *kept;
} need_t;

static int add_need(prune_t *prune, cairn_slice_t channel)
{
    need_t *need = cairn_rows_add(&prune->arena, &prune->needs, sizeof *need);
    if (!need) return UV_ENOMEM;
    need->kept = prune->kept;
    return cairn_arena_copy(&prune->arena, channel, &need->channel);
}

static bool has_value(const mem_object_t *object, cairn_slice_t channel)
{
    const mem_content_t *content = mem_content_at(object, channel);
    return content && content->kind == CAIRN_CHANNEL_VALUE;
}

static int add_counter(void *context, cairn_slice_t channel)
{
    prune_t *prune = context;
    return has_value(prune->kept, channel) ? 0 : add_need(prune, channel);
}

static int add_needs(prune_t *prune, mem_object_t *kept)
{
    const mem_checkpoint_t *checkpoint = kept->checkpoint;
    prune->kept = kept;
    for (size_t i = 0; i < checkpoint->blob_count; i++) {
        const mem_blob_t *blob = checkpoint->blobs[i];
        if (!blob->content || blob->content->kind != CAIRN_CHANNEL_DELTA) continue;
        int rc = add_need(prune, blob->node.key.major);
        if (rc < 0) return rc;
    }
    return cairn_json_each_key(checkpoint->metadata, CAIRN_JSON_DELTA_COUNTERS, add_counter, prune);
}

static int by_channel(const void *a, const void *b)
{
    return cairn_slice_cmp(((const need_t *)a)->channel, ((const need_t *)b)->channel);
}

/* Up to the nearest value. Where `walk`, which is the channel's, has been before, it need not go
 * again. */
static void keep_ancestors(const prune_t *prune, const need_t *need, uint64_t walk)
{
    need->kept->met = walk;
    for (mem_object_t *at = mem_parent(need->kept); at && at->met != walk; at = mem_parent(at)) {
        at->met = walk;
        at->kept = prune->mark;
        if (has_value(at, need->channel)) return;
    }
}

static void keep_all_ancestors(prune_t *prune)
{
    need_t *needs = prune->needs.at;
    if (prune->needs.count > 1) qsort(needs, prune->needs.count, sizeof *needs, by_channel);
    for (size_t i = 0; i < prune->needs.count; i++) {
        if (i == 0 || by_channel(&needs[i - 1], &needs[i]) != 0) prune->saver->marks++;
        keep_ancestors(prune, &needs[i], prune->saver->marks);
    }
}

/* Marks the newest checkpoints and whatever lies above the oldest of these; if there are not that
 * many, everything. */
static int mark_space(prune_t *prune, mem_space_t *space)
{
    cairn_arena_reset(&prune->arena);
    prune->needs = (cairn_rows_t){0};
    uint32_t left = prune->keep;
    for (mem_node_t *node = mem_map_last(&space->objects); node && left > 0;
         node = mem_map_prev(node)) {
        mem_object_t *object = CAIRN_CONTAINER_OF(node, mem_object_t, node);
        object->kept = prune->mark;
        if (!object->checkpoint) continue;
        left--;
        int rc = add_needs(prune, object);
        if (rc < 0) return rc;
    }
    keep_all_ancestors(prune);
    return 0;
}

static int mark_thread(prune_t *prune, const mem_thread_t *thread)
{
    int rc = 0;
    for (mem_node_t *node = mem_map_first(&thread->spaces); node && rc == 0;
         node = mem_map_next(node))
        rc = mark_space(prune, CAIRN_CONTAINER_OF(node, mem_space_t, node));
    return rc;
}

/* The next is found before anything is freed; a space goes only with its last object. */
static uint64_t sweep_space(prune_t *prune, mem_space_t *space)
{
    uint64_t checkpoints = 0;
    for (mem_node_t *node = mem_map_first(&space->objects), *next; node; node = next) {
        next = mem_map_next(node);
        mem_object_t *object = CAIRN_CONTAINER_OF(node, mem_object_t, node);
        if (object->kept != prune->mark) checkpoints += mem_object_delete(prune->saver, object);
    }
    return checkpoints;
}

static uint64_t sweep_thread(prune_t *prune, mem_thread_t *thread)
{
    uint64_t checkpoints = 0;
    for (mem_node_t *node = mem_map_first(&thread->spaces), *next; node; node = next) {
        next = mem_map_next(node);
        checkpoints += sweep_space(prune, CAIRN_CONTAINER_OF(node, mem_space_t, node));
    }
    return checkpoints;
}

int mem_prune(mem_saver_t *saver, const cairn_saver_prune_args_t *args, uint64_t *checkpoints)
{
    prune_t prune = {.saver = saver, .mark = ++saver->marks, .keep = args->keep};
    int rc = 0;
    *checkpoints = 0;
    for (size_t i = 0; i < args->thread_count && rc == 0; i++) {
        const mem_thread_t *thread = mem_thread_find(saver, args->thread_ids[i]);
        if (thread) rc = mark_thread(&prune, thread);
    }
    for (size_t i = 0; i < args->thread_count && rc == 0; i++) {
        mem_thread_t *thread = mem_thread_find(saver, args->thread_ids[i]);
        if (thread) *checkpoints += sweep_thread(&prune, thread);
    }
    cairn_arena_free(&prune.arena);
    return rc;
}
