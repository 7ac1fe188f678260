/* batch: all reads, then all puts in their order. What can fail comes before what changes anything.
 */
#include "mem_store.h"

#include <uv.h>

static int read_search(mem_reader_t *reader, const cairn_store_search_args_t *args,
                       const cairn_store_page_t **out)
{
    cairn_store_page_t *page = cairn_arena_alloc(reader->arena, 1, sizeof *page);
    if (!page) return UV_ENOMEM;
    int rc = mem_store_search(reader, args, page);
    if (rc == 0) *out = page;
    return rc;
}

static int read_list(mem_reader_t *reader, const cairn_store_list_args_t *args,
                     const cairn_namespace_page_t **out)
{
    cairn_namespace_page_t *page = cairn_arena_alloc(reader->arena, 1, sizeof *page);
    if (!page) return UV_ENOMEM;
    int rc = mem_store_list(reader, args, page);
    if (rc == 0) *out = page;
    return rc;
}

/* A cursor that is none fails its operation only. */
static int read_step(mem_reader_t *reader, const cairn_store_step_t *step,
                     cairn_store_result_t *result)
{
    int rc = 0;
    if (step->get) rc = mem_store_get(reader, step->get, &result->item);
    if (step->search) rc = read_search(reader, step->search, &result->page);
    if (step->list) rc = read_list(reader, step->list, &result->namespaces);
    if (rc != UV_EINVAL) return rc;
    result->status = rc;
    result->detail = cairn_str("paging.cursor is none of ours");
    return 0;
}

static int read_all(mem_reader_t *reader, const cairn_store_step_t *steps, size_t count,
                    cairn_store_result_t *results)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        results[i] = (cairn_store_result_t){.type = steps[i].type};
        if (!steps[i].put) rc = read_step(reader, &steps[i], &results[i]);
    }
    return rc;
}

/* After all reads: a namespace that is prepared for its first item is there to be seen. */
static int prepare(mem_store_t *store, const cairn_store_step_t *steps, size_t count,
                   cairn_store_result_t *results, mem_change_t *changes, size_t *prepared)
{
    for (size_t i = 0; i < count; i++) {
        if (!steps[i].put) continue;
        int rc = mem_change_prepare(store, steps[i].put, &changes[*prepared]);
        if (rc < 0) return rc;
        results[i].existed = changes[(*prepared)++].existed;
    }
    return 0;
}

int mem_store_batch(mem_reader_t *reader, const cairn_store_step_t *steps, size_t count,
                    cairn_store_result_t **out)
{
    cairn_store_result_t *results = cairn_arena_alloc(reader->arena, count, sizeof *results);
    mem_change_t *changes = cairn_arena_alloc(reader->arena, count, sizeof *changes);
    if (!results || !changes) return UV_ENOMEM;
    size_t prepared = 0;
    int rc = read_all(reader, steps, count, results);
    if (rc == 0) rc = prepare(reader->store, steps, count, results, changes, &prepared);
    if (rc == 0) mem_reader_refresh(reader);
    for (size_t i = 0; i < prepared; i++) {
        if (rc == 0)
            mem_change_apply(reader->store, &changes[i]);
        else
            mem_change_drop(reader->store, &changes[i]);
    }
    *out = results;
    return rc;
}
