#include "store_copy.h"

#include <cairn/sys/copy.h>
#include <uv.h>

/* `copies` point into memory that is ours, through the types of what backends are given. */
cairn_store_put_args_t *store_own_put(cairn_store_step_t *copies, size_t which)
{
    return (cairn_store_put_args_t *)(uintptr_t)copies[which].put;
}

cairn_store_search_args_t *store_own_search(cairn_store_step_t *copies, size_t which)
{
    return (cairn_store_search_args_t *)(uintptr_t)copies[which].search;
}

typedef struct steps {
    const cairn_store_step_t *at;
    size_t count;
} steps_t;

int store_copy_steps(cairn_arena_t *arena, const cairn_store_step_t *steps, size_t count,
                     cairn_store_step_t **out)
{
    static const cairn_shape_part_t parts[] = {
        {offsetof(steps_t, at), &cairn_store_step_shape, offsetof(steps_t, count)}};
    static const cairn_shape_t shape = {sizeof(steps_t), parts, 1};
    const steps_t all = {steps, count};
    void *block = cairn_arena_alloc(arena, cairn_copy_size(&shape, &all), 1);
    if (!block) return UV_ENOMEM;
    const steps_t *copy = cairn_copy(&shape, &all, block);
    *out = (cairn_store_step_t *)(uintptr_t)copy->at;
    return 0;
}
