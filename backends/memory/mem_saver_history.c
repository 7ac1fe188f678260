/* The history of delta channels: the path of ancestors once for all channels, then each channel's
 * writes along it, oldest first. */
#include "mem_saver.h"

#include <uv.h>

typedef struct walk {
    cairn_arena_t *arena;
    cairn_rows_t path; /* const mem_object_t *: from the parent of the target on */
    size_t *ends;      /* of each channel: how much of the path is its own */
    cairn_channel_history_t *channels;
    size_t count, unresolved;
} walk_t;

static int copy_seed(walk_t *walk, cairn_channel_history_t *channel, const mem_object_t *ancestor)
{
    const mem_content_t *content = mem_content_at(ancestor, channel->channel);
    if (!content || content->kind != CAIRN_CHANNEL_VALUE) return 0;
    channel->has_seed = true;
    walk->unresolved--;
    int rc = cairn_arena_copy(walk->arena, content->value.type, &channel->seed.type);
    if (rc == 0) rc = cairn_arena_copy(walk->arena, content->value.bytes, &channel->seed.bytes);
    return rc;
}

static int visit(walk_t *walk, const mem_object_t *ancestor)
{
    const mem_object_t **row = cairn_rows_add(walk->arena, &walk->path, sizeof ancestor);
    if (!row) return UV_ENOMEM;
    *row = ancestor;
    int rc = 0;
    for (size_t i = 0; i < walk->count && rc == 0; i++) {
        if (walk->channels[i].has_seed) continue;
        walk->ends[i] = walk->path.count;
        rc = copy_seed(walk, &walk->channels[i], ancestor);
    }
    return rc;
}

/* Ends at the root, at a parent that is not there, and where it has been before. */
static int visit_ancestors(walk_t *walk, mem_saver_t *saver, mem_object_t *target)
{
    uint64_t mark = ++saver->marks;
    target->met = mark;
    int rc = 0;
    for (mem_object_t *at = mem_parent(target);
         rc == 0 && walk->unresolved > 0 && at && at->met != mark; at = mem_parent(at)) {
        at->met = mark;
        rc = visit(walk, at);
    }
    return rc;
}

static int add_writes(walk_t *walk, cairn_rows_t *rows, const mem_object_t *ancestor,
                      cairn_slice_t channel)
{
    for (const mem_node_t *node = mem_map_first(&ancestor->writes); node;
         node = mem_map_next(node)) {
        const mem_write_t *write = CAIRN_CONTAINER_OF(node, mem_write_t, node);
        if (!cairn_slice_eq(write->channel, channel)) continue;
        cairn_pending_write_t *row = cairn_rows_add(walk->arena, rows, sizeof *row);
        int rc = row ? mem_pending_write(walk->arena, write, row) : UV_ENOMEM;
        if (rc < 0) return rc;
    }
    return 0;
}

static int collect_writes(walk_t *walk)
{
    const mem_object_t *const *path = walk->path.at;
    for (size_t i = 0; i < walk->count; i++) {
        cairn_channel_history_t *channel = &walk->channels[i];
        cairn_rows_t rows = {0};
        for (size_t at = walk->ends[i]; at-- > 0;) {
            int rc = add_writes(walk, &rows, path[at], channel->channel);
            if (rc < 0) return rc;
        }
        channel->writes = rows.at;
        channel->write_count = rows.count;
    }
    return 0;
}

static int begin(walk_t *walk, const cairn_saver_history_args_t *args)
{
    walk->count = args->count;
    walk->unresolved = args->count;
    walk->ends = cairn_arena_alloc(walk->arena, args->count, sizeof *walk->ends);
    walk->channels = cairn_arena_alloc(walk->arena, args->count, sizeof *walk->channels);
    if (!walk->ends || !walk->channels) return UV_ENOMEM;
    for (size_t i = 0; i < args->count; i++) {
        walk->ends[i] = 0;
        walk->channels[i] = (cairn_channel_history_t){0};
        int rc = cairn_arena_copy(walk->arena, args->channels[i], &walk->channels[i].channel);
        if (rc < 0) return rc;
    }
    return 0;
}

int mem_history(mem_saver_t *saver, const cairn_saver_history_args_t *args, cairn_arena_t *arena,
                cairn_channel_history_t **channels)
{
    walk_t walk = {.arena = arena};
    int rc = begin(&walk, args);
    if (rc < 0) return rc;
    mem_object_t *target = mem_find(saver, &args->at);
    if (target) rc = visit_ancestors(&walk, saver, target);
    if (rc == 0) rc = collect_writes(&walk);
    *channels = walk.channels;
    return rc;
}
