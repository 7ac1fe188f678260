/* A store on the stub backend: every operation with arguments that are right, what arrives, and
 * what comes back. */
#ifndef TESTS_CORE_STORE_FIXTURE_H
#define TESTS_CORE_STORE_FIXTURE_H

#include "stub_backend.h"

#include <cairn/store.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- a backend's store that keeps its arguments ---- */

static struct {
    cairn_store_get_args_t get;
    cairn_store_put_args_t put;
    cairn_store_search_args_t search;
    cairn_store_list_args_t list;
    cairn_namespace_t ns;
    cairn_slice_t key, filter;
    int64_t ttl_ms;
    uint64_t interval_ms;
    size_t steps;
    cairn_store_op_type_t step_types[8];
    cairn_store_put_args_t step_puts[8];
    cairn_store_search_args_t step_searches[8];
    const char *called;
    char cursor[64]; /* a copy: borrowed for the call only */
    size_t cursor_len;
} seen;

static int take_get(void *self, cairn_store_get_t *req, const cairn_store_get_args_t *args)
{
    (void)self;
    seen.called = "get";
    seen.get = *args;
    return stub_take(&req->req);
}

static int take_put(void *self, cairn_store_put_t *req, const cairn_store_put_args_t *args)
{
    (void)self;
    seen.called = "put";
    seen.put = *args;
    return stub_take(&req->req);
}

static void take_cursor(cairn_slice_t cursor)
{
    seen.cursor_len = cursor.len;
    if (cursor.len > 0) memcpy(seen.cursor, cursor.ptr, cursor.len);
}

static int take_search(void *self, cairn_store_search_t *req, const cairn_store_search_args_t *args)
{
    (void)self;
    seen.called = "search";
    seen.search = *args;
    take_cursor(args->cursor);
    return stub_take(&req->req);
}

static int take_list(void *self, cairn_store_list_t *req, const cairn_store_list_args_t *args)
{
    (void)self;
    seen.called = "list_namespaces";
    seen.list = *args;
    take_cursor(args->cursor);
    return stub_take(&req->req);
}

static int take_batch(void *self, cairn_store_batch_t *req, const cairn_store_step_t *steps,
                      size_t count)
{
    (void)self;
    seen.called = "batch";
    seen.steps = count;
    for (size_t i = 0; i < count && i < COUNT_OF(seen.step_types); i++) {
        seen.step_types[i] = steps[i].type;
        if (steps[i].get) seen.get = *steps[i].get;
        if (steps[i].put) seen.step_puts[i] = *steps[i].put;
        if (steps[i].search) seen.step_searches[i] = *steps[i].search;
        if (steps[i].list) seen.list = *steps[i].list;
    }
    return stub_take(&req->req);
}

static int take_count(void *self, cairn_store_count_t *req, cairn_namespace_t prefix,
                      cairn_slice_t filter)
{
    (void)self;
    seen.called = "count";
    seen.ns = prefix;
    seen.filter = filter;
    return stub_take(&req->req);
}

static int take_ttl(void *self, cairn_store_ttl_t *req, cairn_namespace_t ns, cairn_slice_t key)
{
    (void)self;
    seen.called = "ttl";
    seen.ns = ns;
    seen.key = key;
    return stub_take(&req->req);
}

static int take_set_ttl(void *self, cairn_store_ttl_t *req, cairn_namespace_t ns, cairn_slice_t key,
                        int64_t ttl_ms)
{
    (void)self;
    seen.called = "set_ttl";
    seen.ns = ns;
    seen.key = key;
    seen.ttl_ms = ttl_ms;
    return stub_take(&req->req);
}

static int take_sweep(void *self, cairn_store_count_t *req)
{
    (void)self;
    seen.called = "sweep_ttl";
    return stub_take(&req->req);
}

static int take_start(void *self, uint64_t interval_ms)
{
    (void)self;
    seen.interval_ms = interval_ms;
    return stub.answer;
}

static void take_stop(void *self)
{
    (void)self;
    seen.called = "stop_ttl_sweeper";
}

static const cairn_store_ops_t every_op = {
    .size = sizeof(cairn_store_ops_t),
    .get = take_get,
    .put = take_put,
    .search = take_search,
    .list_namespaces = take_list,
    .batch = take_batch,
    .count = take_count,
    .ttl = take_ttl,
    .set_ttl = take_set_ttl,
    .sweep_ttl = take_sweep,
    .start_ttl_sweeper = take_start,
    .stop_ttl_sweeper = take_stop,
};

static inline const cairn_store_done_t *up(void)
{
    return stub.host->api->store;
}

/* ---- callbacks: what they were told ---- */

static struct {
    unsigned calls;
    int status;
    char detail[64];
    bool has_result, existed;
    uint64_t count;
    int64_t ttl_ms;
    char cursor[128];
    size_t cursor_len;
} told;

static void tell(const cairn_req_t *req, int status)
{
    told.calls++;
    told.status = status;
    snprintf(told.detail, sizeof told.detail, "%.*s", (int)req->detail.len,
             req->detail.len ? req->detail.ptr : "");
}

static void tell_cursor(cairn_slice_t cursor)
{
    told.cursor_len = cursor.len;
    if (cursor.len > 0) memcpy(told.cursor, cursor.ptr, cursor.len);
}

static void on_got(cairn_store_get_t *req, int status, const cairn_item_t *item)
{
    tell(&req->req, status);
    told.has_result = item != NULL;
}

static void on_put(cairn_store_put_t *req, int status, bool existed)
{
    tell(&req->req, status);
    told.existed = existed;
}

static void on_found(cairn_store_search_t *req, int status, const cairn_store_page_t *page)
{
    tell(&req->req, status);
    told.has_result = page != NULL;
    if (!page) return;
    told.count = page->count;
    tell_cursor(page->cursor);
}

static void on_listed(cairn_store_list_t *req, int status, const cairn_namespace_page_t *page)
{
    tell(&req->req, status);
    told.has_result = page != NULL;
    if (!page) return;
    told.count = page->count;
    tell_cursor(page->cursor);
}

static cairn_store_result_t results[8];
static char result_cursors[8][64];

static void on_batch(cairn_store_batch_t *req, int status, const cairn_store_result_t *got,
                     size_t count)
{
    tell(&req->req, status);
    told.has_result = got != NULL;
    told.count = count;
    for (size_t i = 0; i < count && i < COUNT_OF(results); i++) {
        results[i] = got[i];
        cairn_slice_t cursor = {NULL, 0};
        if (got[i].page) cursor = got[i].page->cursor;
        if (got[i].namespaces) cursor = got[i].namespaces->cursor;
        if (cursor.len > 0) memcpy(result_cursors[i], cursor.ptr, cursor.len);
        results[i].detail = cairn_slice(result_cursors[i], cursor.len);
    }
}

static void on_count(cairn_store_count_t *req, int status, uint64_t items)
{
    tell(&req->req, status);
    told.count = items;
}

static void on_ttl(cairn_store_ttl_t *req, int status, int64_t ttl_ms)
{
    tell(&req->req, status);
    told.ttl_ms = ttl_ms;
}

/* ---- every operation, with arguments that are right ---- */

static cairn_store_t store;
static cairn_store_get_t get_req;
static cairn_store_put_t put_req;
static cairn_store_search_t search_req;
static cairn_store_list_t list_req;
static cairn_store_batch_t batch_req;
static cairn_store_count_t count_req;
static cairn_store_ttl_t ttl_req;

static cairn_slice_t labels[2], fields[1];
static cairn_namespace_t ns;
static cairn_slice_t key, value;
static cairn_refresh_t refresh;
static cairn_store_put_options_t put_options;
static float floats[3];
static cairn_vector_t vector;
static cairn_store_query_t query;
static cairn_match_condition_t condition;
static cairn_namespace_query_t list;
static cairn_store_op_t ops[5];
static size_t op_count;
static cairn_ttl_t ttl;

static void never_asked(cairn_embed_job_t *job, const cairn_slice_t *texts, size_t count,
                        void *data)
{
    (void)job;
    (void)texts;
    (void)count;
    (void)data;
    abort();
}

/* Two indexes: one whose vectors come with the call, one with a callback. */
static cairn_vector_index_t indexes[2];

static void arguments_are_right(void)
{
    indexes[0] = (cairn_vector_index_t){.name = S("text"), .dimensions = 3};
    indexes[1] = (cairn_vector_index_t){.name = S("asked"), .dimensions = 2, .embed = never_asked};
    labels[0] = S("users");
    labels[1] = cairn_slice("u\0.1", 4);
    ns = (cairn_namespace_t){labels, 2};
    key = S("");
    value = S("{}");
    refresh = CAIRN_REFRESH_DEFAULT;
    fields[0] = S("$");
    put_options = (cairn_store_put_options_t){.fields = fields, .field_count = 1};
    floats[0] = 1;
    floats[1] = 0;
    floats[2] = -1;
    vector = (cairn_vector_t){S("text"), floats, 3};
    query = (cairn_store_query_t){.prefix = {labels, 1}, .filter = S("{\"a\":{\"$gt\":1}}")};
    condition = (cairn_match_condition_t){CAIRN_MATCH_SUFFIX, {labels, 2}};
    list = (cairn_namespace_query_t){.conditions = &condition, .condition_count = 1};
    ops[0] = (cairn_store_op_t){.type = CAIRN_STORE_GET, .ns = ns, .key = key};
    ops[1] = (cairn_store_op_t){.type = CAIRN_STORE_PUT, .ns = ns, .key = key, .value = value};
    ops[2] = (cairn_store_op_t){.type = CAIRN_STORE_DELETE, .ns = ns, .key = key, .value = value};
    ops[3] = (cairn_store_op_t){.type = CAIRN_STORE_SEARCH, .search = &query};
    ops[4] = (cairn_store_op_t){.type = CAIRN_STORE_LIST_NAMESPACES, .list = &list};
    op_count = 5;
    ttl = cairn_ttl_ms(5);
}

static int do_get(void)
{
    return cairn_store_get(&store, &get_req, ns, key, refresh, on_got);
}

static int do_put(void)
{
    return cairn_store_put(&store, &put_req, ns, key, value, &put_options, on_put);
}

static int do_delete(void)
{
    return cairn_store_delete(&store, &put_req, ns, key, on_put);
}

static int do_search(void)
{
    return cairn_store_search(&store, &search_req, &query, on_found);
}

static int do_list(void)
{
    return cairn_store_list_namespaces(&store, &list_req, &list, on_listed);
}

static int do_batch(void)
{
    return cairn_store_batch(&store, &batch_req, ops, op_count, on_batch);
}

static int do_count(void)
{
    return cairn_store_count(&store, &count_req, ns, query.filter, on_count);
}

static int do_sweep(void)
{
    return cairn_store_sweep_ttl(&store, &count_req, on_count);
}

static int do_ttl(void)
{
    return cairn_store_ttl(&store, &ttl_req, ns, key, on_ttl);
}

static int do_set_ttl(void)
{
    return cairn_store_set_ttl(&store, &ttl_req, ns, key, ttl, on_ttl);
}

static int do_pin(void)
{
    return cairn_store_pin(&store, &ttl_req, ns, key, on_ttl);
}

static int do_unpin(void)
{
    return cairn_store_unpin(&store, &ttl_req, ns, key, on_ttl);
}

typedef struct operation {
    int (*submit)(void);
    cairn_req_t *req;
    const char *slot;
} operation_t;

static const operation_t operations[] = {
    {do_get, &get_req.req, "get"},
    {do_put, &put_req.req, "put"},
    {do_delete, &put_req.req, "put"},
    {do_search, &search_req.req, "search"},
    {do_list, &list_req.req, "list_namespaces"},
    {do_batch, &batch_req.req, "batch"},
    {do_count, &count_req.req, "count"},
    {do_sweep, &count_req.req, "sweep_ttl"},
    {do_ttl, &ttl_req.req, "ttl"},
    {do_set_ttl, &ttl_req.req, "set_ttl"},
    {do_pin, &ttl_req.req, "set_ttl"},
    {do_unpin, &ttl_req.req, "set_ttl"},
};

static int fresh(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    memset(&told, 0, sizeof told);
    memset(results, 0, sizeof results);
    for (size_t i = 0; i < COUNT_OF(operations); i++)
        memset(operations[i].req, 0, sizeof *operations[i].req);
    arguments_are_right();
    return cairn_store_init(&store, &stub.cairn, NULL);
}

static void open_with(const cairn_store_ops_t *table, uint64_t more_capabilities)
{
    stub.backend.store = table;
    stub_open("stub", CAIRN_CAP_STORE | more_capabilities, 0);
}

static inline void assert_submit_refused(int (*submit)(void), int status, const char *words)
{
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        if (operations[i].submit != submit) continue;
        assert_refused(submit(), status, operations[i].req, words);
        return;
    }
    check_fail("no such operation");
}

/* The store with its two indexes. */
static inline void use_indexes(void)
{
    cairn_store_options_t options = {.indexes = indexes, .index_count = 2};
    assert_status(cairn_store_init(&store, &stub.cairn, &options), 0);
    put_options.embed = CAIRN_EMBED_NONE;
}

#endif
