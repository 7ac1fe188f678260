/* list: the spaces that match, each read from its newest object down, merged by a heap of them. */
#include "mem_saver.h"

#include <cairn/sys/json.h>
#include <stdint.h>
#include <uv.h>

/* Where a page begins: behind this object. */
typedef struct place {
    cairn_slice_t id, thread_id, ns;
} place_t;

/* ---- the cursor: lengths of id and thread id, four bytes each, id, thread id, namespace ---- */

#define LENGTHS 8

static void put_length(char *out, size_t length)
{
    for (unsigned i = 0; i < 4; i++) out[i] = (char)(length >> (8 * i));
}

static size_t get_length(const char *at)
{
    size_t length = 0;
    for (unsigned i = 0; i < 4; i++) length |= (size_t)(unsigned char)at[i] << (8 * i);
    return length;
}

static int make_cursor(cairn_arena_t *arena, const cairn_checkpoint_ref_t *last, cairn_slice_t *out)
{
    size_t size = LENGTHS + last->checkpoint_id.len + last->thread_id.len + last->checkpoint_ns.len;
    char *cursor = cairn_arena_alloc(arena, size, 1);
    if (!cursor) return UV_ENOMEM;
    put_length(cursor, last->checkpoint_id.len);
    put_length(cursor + 4, last->thread_id.len);
    char *end = cursor + LENGTHS;
    mem_keep(&end, last->checkpoint_id);
    mem_keep(&end, last->thread_id);
    mem_keep(&end, last->checkpoint_ns);
    *out = cairn_slice(cursor, size);
    return 0;
}

static int read_cursor(cairn_slice_t cursor, place_t *out)
{
    if (!cursor.ptr || cursor.len < LENGTHS) return UV_EINVAL;
    size_t left = cursor.len - LENGTHS;
    size_t id_len = get_length(cursor.ptr), thread_len = get_length(cursor.ptr + 4);
    if (id_len > left || thread_len > left - id_len) return UV_EINVAL;
    const char *at = cursor.ptr + LENGTHS;
    out->id = cairn_slice(at, id_len);
    out->thread_id = cairn_slice(at + id_len, thread_len);
    out->ns = cairn_slice(at + id_len + thread_len, left - id_len - thread_len);
    return 0;
}

/* ---- the heap ---- */

/* Of equal ids the lesser thread comes first, then the lesser namespace. */
static int compare_spaces(const mem_space_t *a, cairn_slice_t thread_id, cairn_slice_t ns)
{
    int by_thread = cairn_slice_cmp(a->thread->node.key.major, thread_id);
    return by_thread != 0 ? by_thread : cairn_slice_cmp(a->node.key.major, ns);
}

static bool comes_first(const mem_object_t *a, const mem_object_t *b)
{
    int by_id = cairn_slice_cmp(a->node.key.major, b->node.key.major);
    if (by_id != 0) return by_id > 0;
    const mem_space_t *other = b->space;
    return compare_spaces(a->space, other->thread->node.key.major, other->node.key.major) < 0;
}

/* heap[0] comes first; each comes before its children at 2i + 1 and 2i + 2. */
static void sift_down(mem_object_t **heap, size_t count, size_t i)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= count) return;
        if (child + 1 < count && comes_first(heap[child + 1], heap[child])) child++;
        if (comes_first(heap[i], heap[child])) return;
        mem_object_t *moved = heap[i];
        heap[i] = heap[child];
        heap[child] = moved;
        i = child;
    }
}

/* ---- what takes part ---- */

typedef struct search {
    const cairn_saver_list_args_t *args;
    cairn_arena_t *arena;
    cairn_json_filter_t *filter; /* NULL: none */
    bool resumed;
    place_t behind; /* if resumed */
    cairn_rows_t heap;
} search_t;

/* The newest object of the space that can be in the page. */
static mem_object_t *entry_of(const search_t *search, const mem_space_t *space)
{
    const cairn_saver_list_args_t *args = search->args;
    mem_node_t *node = args->checkpoint_id.ptr
                           ? mem_map_find(&space->objects, mem_key(args->checkpoint_id))
                           : mem_map_last(&space->objects);
    mem_key_t bound = mem_key(args->before_id);
    if (node && args->before_id.ptr && cairn_slice_cmp(node->key.major, bound.major) >= 0)
        node = args->checkpoint_id.ptr ? NULL : mem_map_before(&space->objects, bound);
    if (!node || !search->resumed)
        return node ? CAIRN_CONTAINER_OF(node, mem_object_t, node) : NULL;

    int by_id = cairn_slice_cmp(node->key.major, search->behind.id);
    bool same_id_is_next = compare_spaces(space, search->behind.thread_id, search->behind.ns) > 0;
    if (by_id > 0 || (by_id == 0 && !same_id_is_next)) {
        if (args->checkpoint_id.ptr) return NULL;
        mem_key_t key = mem_key(search->behind.id);
        mem_node_t *same = same_id_is_next ? mem_map_find(&space->objects, key) : NULL;
        node = same ? same : mem_map_before(&space->objects, key);
    }
    return node ? CAIRN_CONTAINER_OF(node, mem_object_t, node) : NULL;
}

static int add_space(search_t *search, const mem_space_t *space)
{
    mem_object_t *entry = entry_of(search, space);
    if (!entry) return 0;
    mem_object_t **row = cairn_rows_add(search->arena, &search->heap, sizeof(mem_object_t *));
    if (!row) return UV_ENOMEM;
    *row = entry;
    return 0;
}

static int add_thread(search_t *search, const mem_thread_t *thread)
{
    cairn_slice_t ns = search->args->checkpoint_ns;
    if (ns.ptr) {
        mem_node_t *node = mem_map_find(&thread->spaces, mem_key(ns));
        return node ? add_space(search, CAIRN_CONTAINER_OF(node, mem_space_t, node)) : 0;
    }
    int rc = 0;
    for (mem_node_t *node = mem_map_first(&thread->spaces); node && rc == 0;
         node = mem_map_next(node))
        rc = add_space(search, CAIRN_CONTAINER_OF(node, mem_space_t, node));
    return rc;
}

static int add_threads(search_t *search, const mem_saver_t *saver)
{
    int rc = 0;
    if (search->args->thread_id.ptr) {
        const mem_thread_t *thread = mem_thread_find(saver, search->args->thread_id);
        if (thread) rc = add_thread(search, thread);
    } else {
        for (mem_node_t *node = mem_map_first(&saver->threads); node && rc == 0;
             node = mem_map_next(node))
            rc = add_thread(search, CAIRN_CONTAINER_OF(node, mem_thread_t, node));
    }
    for (size_t i = search->heap.count / 2; i-- > 0;)
        sift_down(search->heap.at, search->heap.count, i);
    return rc;
}

/* Takes the first object off the heap and puts the next of its space in its place. */
static mem_object_t *take_first(search_t *search)
{
    mem_object_t **heap = search->heap.at;
    mem_object_t *first = heap[0];
    mem_node_t *older = search->args->checkpoint_id.ptr ? NULL : mem_map_prev(&first->node);
    heap[0] = older ? CAIRN_CONTAINER_OF(older, mem_object_t, node) : heap[--search->heap.count];
    sift_down(heap, search->heap.count, 0);
    return first;
}

/* The next object that matches, or NULL; <0 in `*status`. */
static mem_object_t *next_match(search_t *search, int *status)
{
    while (search->heap.count > 0) {
        mem_object_t *object = take_first(search);
        if (!object->checkpoint) continue;
        if (!search->filter) return object;
        int matches = cairn_json_filter_matches(search->filter, object->checkpoint->metadata);
        if (matches > 0) return object;
        if (matches < 0) {
            *status = matches;
            return NULL;
        }
    }
    return NULL;
}

static int fill_page(search_t *search, cairn_saver_page_t *page)
{
    cairn_rows_t rows = {0};
    int rc = 0;
    for (const mem_object_t *object; (object = next_match(search, &rc));) {
        if (rows.count == search->args->most) {
            const cairn_checkpoint_tuple_t *tuples = rows.at;
            rc = make_cursor(search->arena, &tuples[rows.count - 1].ref, &page->cursor);
            break;
        }
        cairn_checkpoint_tuple_t *tuple = cairn_rows_add(search->arena, &rows, sizeof *tuple);
        if (!tuple) return UV_ENOMEM;
        rc = mem_tuple(search->arena, object, search->args->headers_only, tuple);
        if (rc < 0) return rc;
    }
    page->tuples = rows.at;
    page->count = rows.count;
    return rc;
}

int mem_list(const mem_saver_t *saver, const cairn_saver_list_args_t *args, cairn_arena_t *arena,
             cairn_saver_page_t *page)
{
    *page = (cairn_saver_page_t){0};
    search_t search = {.args = args, .arena = arena, .resumed = args->cursor.len > 0};
    int rc = search.resumed ? read_cursor(args->cursor, &search.behind) : 0;
    if (rc < 0 || args->most == 0) return rc;
    if (args->filter.len > 0) rc = cairn_json_filter_read(args->filter, &search.filter);
    if (rc == 0) rc = add_threads(&search, saver);
    if (rc == 0) rc = fill_page(&search, page);
    cairn_json_filter_free(search.filter);
    return rc;
}
