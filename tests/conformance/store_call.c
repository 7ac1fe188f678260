#include "store_client.h"

#include <stdio.h>
#include <stdlib.h>

call_t *items_call(items_t *s)
{
    call_t *call = calloc(1, sizeof *call);
    if (!call) abort();
    call->items = s;
    call->ttl_ms = CAIRN_TTL_ABSENT;
    call->next = s->calls;
    s->calls = call;
    return call;
}

/* ---- a submit ---- */

/* A request in flight is left as it is: submitting it again must be refused. */
static bool begin(call_t *call)
{
    if (call_is_done(call)) {
        memset(&call->of, 0, sizeof call->of);
        call->of.req.data = call;
        call->of.req.timeout_ms = call->timeout_ms;
        call->of.req.flags = call->flags;
    }
    call->detail[0] = '\0';
    return world_call(call->items->world);
}

static void keep_detail(call_t *call, const cairn_req_t *req)
{
    snprintf(call->detail, sizeof call->detail, "%.*s", (int)req->detail.len,
             req->detail.len ? req->detail.ptr : "");
}

static int end(call_t *call, bool outer, int rc)
{
    world_return(call->items->world, outer);
    if (rc == 0) call->submits++;
    if (rc < 0) keep_detail(call, &call->of.req);
    if (rc > 0) world_trouble(call->items->world, "a submit said %d", rc);
    return rc;
}

/* ---- its callback ---- */

static call_t *enter(cairn_req_t *req, int status)
{
    call_t *call = req->data;
    world_t *world = call->items->world;
    if (world->inside) world_trouble(world, "a request's callback inside a call into the library");
    if (!call->items->client->open) world_trouble(world, "a callback after the close callback");
    if (call->calls >= call->submits) world_trouble(world, "a request called back twice");
    if (cairn_is_active(req)) world_trouble(world, "a request is in flight in its own callback");
    call->calls++;
    call->status = status;
    call->count = 0;
    call->existed = false;
    call->ttl_ms = CAIRN_TTL_ABSENT;
    keep_detail(call, req);
    return call;
}

static void leave(call_t *call)
{
    if (call->react) call->react(call);
}

static void add_item(call_t *call, const cairn_item_t *item, bool has_score)
{
    const char *flaw = item_flaw(item, has_score);
    if (flaw) world_trouble(call->items->world, "%s", flaw);
    text_add_item(&call->text, item);
    if (call->fact_count == FACTS_MOST) return;
    call->facts[call->fact_count++] =
        (item_facts_t){item->created_at_us, item->updated_at_us, item->ttl_ms, item->score};
}

static void on_put(cairn_store_put_t *req, int status, bool existed)
{
    call_t *call = enter(&req->req, status);
    call->existed = existed;
    if (status != 0 && existed) world_trouble(call->items->world, "a result beside an error");
    leave(call);
}

static void on_got(cairn_store_get_t *req, int status, const cairn_item_t *item)
{
    call_t *call = enter(&req->req, status);
    if (status != 0 && item) world_trouble(call->items->world, "an item beside an error");
    text_clear(&call->text);
    call->fact_count = 0;
    call->count = item != NULL;
    if (item)
        add_item(call, item, false);
    else
        text_add(&call->text, "none");
    leave(call);
}

static void keep_cursor(call_t *call, cairn_slice_t cursor)
{
    free(call->cursor);
    call->cursor = malloc(cursor.len + 1);
    if (!call->cursor) abort();
    if (cursor.len > 0) memcpy(call->cursor, cursor.ptr, cursor.len);
    call->cursor_len = cursor.len;
}

static bool check_page(call_t *call, int status, const void *page)
{
    if ((status == 0) == (page != NULL)) return page != NULL;
    world_trouble(call->items->world, "status %d, and %s page", status, page ? "a" : "no");
    return false;
}

static void on_found(cairn_store_search_t *req, int status, const cairn_store_page_t *page)
{
    call_t *call = enter(&req->req, status);
    bool has_page = check_page(call, status, page);
    call->count = has_page ? page->count : 0;
    for (size_t i = 0; i < call->count; i++) {
        if (call->places.len > 0) {
            text_add(&call->places, " ");
            text_add(&call->text, "\n");
        }
        add_item(call, &page->items[i], call->scores);
        text_add_place(&call->places, page->items[i].ns, page->items[i].key);
    }
    keep_cursor(call, has_page ? page->cursor : cairn_str(NULL));
    leave(call);
}

static void on_listed(cairn_store_list_t *req, int status, const cairn_namespace_page_t *page)
{
    call_t *call = enter(&req->req, status);
    bool has_page = check_page(call, status, page);
    call->count = has_page ? page->count : 0;
    for (size_t i = 0; i < call->count; i++) {
        if (call->places.len > 0) text_add(&call->places, " ");
        text_add_ns(&call->places, page->namespaces[i]);
    }
    keep_cursor(call, has_page ? page->cursor : cairn_str(NULL));
    leave(call);
}

static void on_counted(cairn_store_count_t *req, int status, uint64_t items)
{
    call_t *call = enter(&req->req, status);
    call->count = items;
    leave(call);
}

static void on_ttl(cairn_store_ttl_t *req, int status, int64_t ttl_ms)
{
    call_t *call = enter(&req->req, status);
    call->ttl_ms = ttl_ms;
    if (status != 0 && ttl_ms != CAIRN_TTL_ABSENT)
        world_trouble(call->items->world, "a TTL beside an error");
    leave(call);
}

/* ---- a batch's results ---- */

static void add_search(call_t *call, const cairn_store_page_t *page)
{
    text_add(&call->text, "search");
    for (size_t i = 0; i < page->count; i++) {
        const char *flaw = item_flaw(&page->items[i], page->items[i].has_score);
        if (flaw) world_trouble(call->items->world, "%s", flaw);
        text_add(&call->text, " ");
        text_add_place(&call->text, page->items[i].ns, page->items[i].key);
    }
    keep_cursor(call, page->cursor);
}

static void add_namespaces(call_t *call, const cairn_namespace_page_t *page)
{
    text_add(&call->text, "namespaces");
    for (size_t i = 0; i < page->count; i++) {
        text_add(&call->text, " ");
        text_add_ns(&call->text, page->namespaces[i]);
    }
    keep_cursor(call, page->cursor);
}

static void add_result(call_t *call, const cairn_store_result_t *result)
{
    bool writes = result->type == CAIRN_STORE_PUT || result->type == CAIRN_STORE_DELETE;
    if (result->status != 0) {
        if (result->detail.len == 0)
            world_trouble(call->items->world, "an operation failed without a word");
        if (result->item || result->existed || result->page || result->namespaces)
            world_trouble(call->items->world, "a result beside an error");
        text_add(&call->text, "error %s", cairn_err_name(result->status));
    } else if (writes) {
        text_add(&call->text, "%s %d", result->type == CAIRN_STORE_PUT ? "put" : "delete",
                 result->existed);
    } else if (result->type == CAIRN_STORE_GET) {
        text_add(&call->text, "get ");
        if (result->item)
            add_item(call, result->item, false);
        else
            text_add(&call->text, "none");
    } else if (result->type == CAIRN_STORE_SEARCH && result->page) {
        add_search(call, result->page);
    } else if (result->type == CAIRN_STORE_LIST_NAMESPACES && result->namespaces) {
        add_namespaces(call, result->namespaces);
    } else {
        world_trouble(call->items->world, "a result of type %d without its member", result->type);
    }
}

static void on_batch(cairn_store_batch_t *req, int status, const cairn_store_result_t *results,
                     size_t count)
{
    call_t *call = enter(&req->req, status);
    if (status != 0 && (results || count > 0))
        world_trouble(call->items->world, "results beside an error");
    text_clear(&call->text);
    call->fact_count = 0;
    call->count = count;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) text_add(&call->text, "\n");
        add_result(call, &results[i]);
    }
    leave(call);
}

/* ---- the operations ---- */

int call_put_raw(call_t *call, cairn_namespace_t name, cairn_slice_t key, cairn_slice_t value,
                 const cairn_store_put_options_t *options)
{
    bool outer = begin(call);
    return end(
        call, outer,
        cairn_store_put(&call->items->store, &call->of.put, name, key, value, options, on_put));
}

int call_put(call_t *call, const item_words_t *words)
{
    return call_put_raw(call, ns(words->ns), cairn_str(words->key), cairn_str(words->value),
                        &words->options);
}

int call_delete(call_t *call, cairn_namespace_t name, cairn_slice_t key)
{
    bool outer = begin(call);
    return end(call, outer,
               cairn_store_delete(&call->items->store, &call->of.put, name, key, on_put));
}

int call_get(call_t *call, cairn_namespace_t name, cairn_slice_t key, cairn_refresh_t refresh)
{
    bool outer = begin(call);
    return end(call, outer,
               cairn_store_get(&call->items->store, &call->of.get, name, key, refresh, on_got));
}

int call_search(call_t *call, const cairn_store_query_t *query)
{
    bool outer = begin(call);
    call->scores = query && (query->near || query->near_text.ptr);
    return end(call, outer,
               cairn_store_search(&call->items->store, &call->of.search, query, on_found));
}

int call_list(call_t *call, const cairn_namespace_query_t *query)
{
    bool outer = begin(call);
    return end(call, outer,
               cairn_store_list_namespaces(&call->items->store, &call->of.list, query, on_listed));
}

int call_batch(call_t *call, const cairn_store_op_t *ops, size_t count)
{
    bool outer = begin(call);
    return end(call, outer,
               cairn_store_batch(&call->items->store, &call->of.batch, ops, count, on_batch));
}

int call_count(call_t *call, cairn_namespace_t prefix, cairn_slice_t filter)
{
    bool outer = begin(call);
    return end(call, outer,
               cairn_store_count(&call->items->store, &call->of.count, prefix, filter, on_counted));
}

int call_sweep(call_t *call)
{
    bool outer = begin(call);
    return end(call, outer,
               cairn_store_sweep_ttl(&call->items->store, &call->of.count, on_counted));
}

int call_ttl(call_t *call, cairn_namespace_t name, cairn_slice_t key)
{
    bool outer = begin(call);
    return end(call, outer, cairn_store_ttl(&call->items->store, &call->of.ttl, name, key, on_ttl));
}

int call_set_ttl(call_t *call, cairn_namespace_t name, cairn_slice_t key, cairn_ttl_t ttl)
{
    bool outer = begin(call);
    return end(call, outer,
               cairn_store_set_ttl(&call->items->store, &call->of.ttl, name, key, ttl, on_ttl));
}

int call_pin(call_t *call, cairn_namespace_t name, cairn_slice_t key)
{
    bool outer = begin(call);
    return end(call, outer, cairn_store_pin(&call->items->store, &call->of.ttl, name, key, on_ttl));
}

int call_unpin(call_t *call, cairn_namespace_t name, cairn_slice_t key)
{
    bool outer = begin(call);
    return end(call, outer,
               cairn_store_unpin(&call->items->store, &call->of.ttl, name, key, on_ttl));
}

/* ---- waiting ---- */

bool call_is_done(const call_t *call)
{
    return call->calls == call->submits;
}

static bool is_done(void *ctx)
{
    return call_is_done(ctx);
}

void call_await_any(call_t *call)
{
    loop_run_until(&call->items->world->loop, "a store's request to end", is_done, call);
}

void call_await_at(call_t *call, int status, const char *file, int line)
{
    loop_run_until_at(&call->items->world->loop, "a store's request to end", is_done, call, file,
                      line);
    if (call->status != status) print_error("detail: %s\n", call->detail);
    assert_status_at(call->status, status, file, line);
}

void assert_call_refused_at(const call_t *call, int rc, int status, const char *part,
                            const char *file, int line)
{
    assert_status_at(rc, status, file, line);
    assert_contains_at(call->detail, part, file, line);
}
