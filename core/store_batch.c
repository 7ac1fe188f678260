#include "store_batch.h"

#include "page.h"

#include <cairn/sys/alloc.h>

/* ---- going down ---- */

static void take(verify_t *check, const cairn_store_t *store, const cairn_store_op_t *from,
                 cairn_store_step_t *step, store_batch_op_t *op, store_needs_t *needs)
{
    step->type = from->type;
    switch (from->type) {
    case CAIRN_STORE_GET:
        op->args.get = store_get_args(check, store, from->ns, from->key, from->refresh);
        step->get = &op->args.get;
        return;
    case CAIRN_STORE_PUT:
        op->args.put =
            store_put_args(check, store, from->ns, from->key, from->value, from->options, needs);
        step->put = &op->args.put;
        return;
    case CAIRN_STORE_DELETE:
        op->args.put =
            store_put_args(check, store, from->ns, from->key, cairn_slice(NULL, 0), NULL, needs);
        step->put = &op->args.put;
        return;
    case CAIRN_STORE_SEARCH:
        op->args.search = store_search_args(check, store, from->search, &op->left, needs);
        step->search = &op->args.search;
        return;
    case CAIRN_STORE_LIST_NAMESPACES:
        op->args.list = store_list_args(check, from->list, &op->left);
        step->list = &op->args.list;
        return;
    }
    verify_wrong(check, UV_EINVAL, "type", "is %d, which has no meaning", (int)from->type);
}

store_batch_t *store_batch_new(verify_t *check, const cairn_store_t *store,
                               const cairn_store_op_t *ops, size_t count, store_needs_t *needs)
{
    verify_array(check, "ops", ops, count, CAIRN_BATCH_MAX);
    if (check->status < 0) return NULL;
    store_batch_t *batch = cairn_calloc(
        1, sizeof *batch + count * (sizeof(store_batch_op_t) + sizeof(cairn_store_step_t)));
    if (!batch) {
        verify_wrong(check, UV_ENOMEM, "ops", "do not fit into memory");
        return NULL;
    }
    batch->steps = (cairn_store_step_t *)(void *)(batch->ops + count);
    for (size_t i = 0; i < count && check->status == 0; i++) {
        verify_op(check, "ops", i);
        take(check, store, &ops[i], &batch->steps[i], &batch->ops[i], needs);
    }
    if (check->status == 0) return batch;
    cairn_free(batch);
    return NULL;
}

/* ---- coming up ---- */

static cairn_slice_t cursor_of(const cairn_store_result_t *result, size_t *rows)
{
    if (result->page) {
        *rows = result->page->count;
        return result->page->cursor;
    }
    if (result->namespaces) {
        *rows = result->namespaces->count;
        return result->namespaces->cursor;
    }
    *rows = 0;
    return cairn_slice(NULL, 0);
}

/* A page of either kind, as a result points to it. */
typedef union any_page {
    cairn_store_page_t items;
    cairn_namespace_page_t namespaces;
} any_page_t;

static void repage(cairn_store_result_t *result, any_page_t *page, cairn_slice_t cursor)
{
    if (result->page) {
        page->items = *result->page;
        page->items.cursor = cursor;
        result->page = &page->items;
    } else if (result->namespaces) {
        page->namespaces = *result->namespaces;
        page->namespaces.cursor = cursor;
        result->namespaces = &page->namespaces;
    }
}

cairn_store_result_t *store_batch_results(const store_batch_t *batch,
                                          const cairn_store_result_t *results, size_t count)
{
    size_t size = count * (sizeof *results + sizeof(any_page_t)) + 1, rows;
    for (size_t i = 0; i < count; i++) {
        cairn_slice_t cursor = cursor_of(&results[i], &rows);
        size += page_cursor_size(batch->ops[i].left, rows, cursor);
    }
    cairn_store_result_t *given = cairn_malloc(size);
    if (!given) return NULL;
    any_page_t *pages = (any_page_t *)(void *)(given + count);
    char *at = (char *)(pages + count);
    for (size_t i = 0; i < count; i++) {
        given[i] = results[i];
        given[i].type = batch->steps[i].type;
        cairn_slice_t cursor = cursor_of(&results[i], &rows);
        size_t len = page_cursor_size(batch->ops[i].left, rows, cursor);
        if (len > 0) page_cursor_write(batch->ops[i].left, rows, cursor, at);
        repage(&given[i], &pages[i], cairn_slice(at, len));
        at += len;
    }
    return given;
}
