#include "store_copy.h"

#include <string.h>
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

static void *copy_bytes(cairn_arena_t *arena, const void *from, size_t count, size_t size)
{
    void *copy = cairn_arena_alloc(arena, count, size);
    if (copy && count > 0) memcpy(copy, from, count * size);
    return copy;
}

static int copy_namespace(cairn_arena_t *arena, cairn_namespace_t *ns)
{
    cairn_slice_t *labels = copy_bytes(arena, ns->labels, ns->count, sizeof *labels);
    if (!labels) return UV_ENOMEM;
    for (size_t i = 0; i < ns->count; i++) {
        int rc = cairn_arena_copy(arena, labels[i], &labels[i]);
        if (rc < 0) return rc;
    }
    ns->labels = labels;
    return 0;
}

static int copy_vectors(cairn_arena_t *arena, const cairn_vector_t **vectors, size_t count)
{
    cairn_vector_t *copies = copy_bytes(arena, *vectors, count, sizeof *copies);
    if (!copies) return UV_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        float *values =
            copy_bytes(arena, copies[i].values, copies[i].dimensions, sizeof *copies[i].values);
        int rc = cairn_arena_copy(arena, copies[i].index, &copies[i].index);
        if (!values || rc < 0) return UV_ENOMEM;
        copies[i].values = values;
    }
    *vectors = copies;
    return 0;
}

static int copy_get(cairn_arena_t *arena, cairn_store_step_t *step)
{
    cairn_store_get_args_t *args = copy_bytes(arena, step->get, 1, sizeof *args);
    if (!args) return UV_ENOMEM;
    step->get = args;
    int rc = copy_namespace(arena, &args->ns);
    return rc < 0 ? rc : cairn_arena_copy(arena, args->key, &args->key);
}

static int copy_put(cairn_arena_t *arena, cairn_store_step_t *step)
{
    cairn_store_put_args_t *args = copy_bytes(arena, step->put, 1, sizeof *args);
    if (!args) return UV_ENOMEM;
    step->put = args;
    int rc = copy_namespace(arena, &args->ns);
    if (rc == 0) rc = cairn_arena_copy(arena, args->key, &args->key);
    if (rc == 0) rc = cairn_arena_copy(arena, args->value, &args->value);
    return rc < 0 ? rc : copy_vectors(arena, &args->vectors, args->vector_count);
}

static int copy_search(cairn_arena_t *arena, cairn_store_step_t *step)
{
    cairn_store_search_args_t *args = copy_bytes(arena, step->search, 1, sizeof *args);
    if (!args) return UV_ENOMEM;
    step->search = args;
    int rc = copy_namespace(arena, &args->prefix);
    if (rc == 0) rc = cairn_arena_copy(arena, args->filter, &args->filter);
    if (rc == 0) rc = cairn_arena_copy(arena, args->cursor, &args->cursor);
    if (rc < 0 || !args->near) return rc;
    return copy_vectors(arena, &args->near, 1);
}

static int copy_list(cairn_arena_t *arena, cairn_store_step_t *step)
{
    cairn_store_list_args_t *args = copy_bytes(arena, step->list, 1, sizeof *args);
    if (!args) return UV_ENOMEM;
    step->list = args;
    cairn_match_condition_t *conditions =
        copy_bytes(arena, args->conditions, args->condition_count, sizeof *conditions);
    int rc = conditions ? 0 : UV_ENOMEM;
    for (size_t i = 0; i < args->condition_count && rc == 0; i++)
        rc = copy_namespace(arena, &conditions[i].path);
    args->conditions = conditions;
    return rc < 0 ? rc : cairn_arena_copy(arena, args->cursor, &args->cursor);
}

int store_copy_steps(cairn_arena_t *arena, const cairn_store_step_t *steps, size_t count,
                     cairn_store_step_t **out)
{
    cairn_store_step_t *copies = copy_bytes(arena, steps, count, sizeof *copies);
    int rc = copies ? 0 : UV_ENOMEM;
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (copies[i].get) rc = copy_get(arena, &copies[i]);
        if (copies[i].put) rc = copy_put(arena, &copies[i]);
        if (copies[i].search) rc = copy_search(arena, &copies[i]);
        if (copies[i].list) rc = copy_list(arena, &copies[i]);
    }
    *out = copies;
    return rc;
}
