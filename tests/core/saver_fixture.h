/* A saver on the stub backend: every operation with arguments that are right, what arrives, and
 * what comes back. */
#ifndef TESTS_CORE_SAVER_FIXTURE_H
#define TESTS_CORE_SAVER_FIXTURE_H

#include "stub_backend.h"

#include <cairn/saver.h>
#include <stdio.h>

/* ---- a backend's saver that keeps its arguments ---- */

static struct {
    cairn_saver_put_args_t put;
    cairn_saver_put_writes_args_t writes;
    cairn_saver_get_args_t get;
    cairn_saver_list_args_t list;
    cairn_saver_prune_args_t prune;
    cairn_saver_history_args_t history;
    cairn_saver_ttl_args_t ttl;
    cairn_slice_t thread, target;
    size_t runs;
    uint64_t interval_ms;
    const char *called;
    char cursor[64]; /* a copy: borrowed for the call only */
    size_t cursor_len;
} seen;

static int take_put(void *self, cairn_saver_put_t *req, const cairn_saver_put_args_t *args)
{
    (void)self;
    seen.called = "put";
    seen.put = *args;
    return stub_take(&req->req);
}

static int take_writes(void *self, cairn_saver_put_t *req,
                       const cairn_saver_put_writes_args_t *args)
{
    (void)self;
    seen.called = "put_writes";
    seen.writes = *args;
    return stub_take(&req->req);
}

static int take_get(void *self, cairn_saver_get_t *req, const cairn_saver_get_args_t *args)
{
    (void)self;
    seen.called = "get";
    seen.get = *args;
    return stub_take(&req->req);
}

static int take_list(void *self, cairn_saver_list_t *req, const cairn_saver_list_args_t *args)
{
    (void)self;
    seen.called = "list";
    seen.list = *args;
    seen.cursor_len = args->cursor.len;
    if (args->cursor.len > 0) memcpy(seen.cursor, args->cursor.ptr, args->cursor.len);
    return stub_take(&req->req);
}

static int take_delete_thread(void *self, cairn_saver_delete_t *req, cairn_slice_t thread_id)
{
    (void)self;
    seen.called = "delete_thread";
    seen.thread = thread_id;
    return stub_take(&req->req);
}

static int take_delete_for_runs(void *self, cairn_saver_delete_t *req, const cairn_slice_t *run_ids,
                                size_t count)
{
    (void)self;
    (void)run_ids;
    seen.called = "delete_for_runs";
    seen.runs = count;
    return stub_take(&req->req);
}

static int take_prune(void *self, cairn_saver_delete_t *req, const cairn_saver_prune_args_t *args)
{
    (void)self;
    seen.called = "prune";
    seen.prune = *args;
    return stub_take(&req->req);
}

static int take_copy(void *self, cairn_saver_copy_t *req, cairn_slice_t source,
                     cairn_slice_t target)
{
    (void)self;
    seen.called = "copy_thread";
    seen.thread = source;
    seen.target = target;
    return stub_take(&req->req);
}

static int take_history(void *self, cairn_saver_history_t *req,
                        const cairn_saver_history_args_t *args)
{
    (void)self;
    seen.called = "history";
    seen.history = *args;
    return stub_take(&req->req);
}

static int take_ttl(void *self, cairn_saver_ttl_t *req, const cairn_saver_ttl_args_t *args)
{
    (void)self;
    seen.called = "ttl";
    seen.ttl = *args;
    return stub_take(&req->req);
}

static int take_set_ttl(void *self, cairn_saver_ttl_t *req, const cairn_saver_ttl_args_t *args)
{
    (void)self;
    seen.called = "set_ttl";
    seen.ttl = *args;
    return stub_take(&req->req);
}

static int take_sweep(void *self, cairn_saver_delete_t *req)
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

static const cairn_saver_ops_t every_op = {
    .size = sizeof(cairn_saver_ops_t),
    .put = take_put,
    .put_writes = take_writes,
    .get = take_get,
    .list = take_list,
    .delete_thread = take_delete_thread,
    .delete_for_runs = take_delete_for_runs,
    .prune = take_prune,
    .copy_thread = take_copy,
    .history = take_history,
    .ttl = take_ttl,
    .set_ttl = take_set_ttl,
    .sweep_ttl = take_sweep,
    .start_ttl_sweeper = take_start,
    .stop_ttl_sweeper = take_stop,
};

static inline const cairn_saver_done_t *up(void)
{
    return stub.host->api->saver;
}

/* ---- callbacks: what they were told ---- */

static struct {
    unsigned calls;
    int status;
    char detail[64];
    bool has_result;
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

static void on_put(cairn_saver_put_t *req, int status)
{
    tell(&req->req, status);
}

static void on_got(cairn_saver_get_t *req, int status, const cairn_checkpoint_tuple_t *tuple)
{
    tell(&req->req, status);
    told.has_result = tuple != NULL;
}

static void on_page(cairn_saver_list_t *req, int status, const cairn_saver_page_t *page)
{
    tell(&req->req, status);
    told.has_result = page != NULL;
    if (!page) return;
    told.count = page->count;
    told.cursor_len = page->cursor.len;
    if (page->cursor.len > 0) memcpy(told.cursor, page->cursor.ptr, page->cursor.len);
}

static void on_deleted(cairn_saver_delete_t *req, int status, uint64_t checkpoints)
{
    tell(&req->req, status);
    told.count = checkpoints;
}

static void on_copied(cairn_saver_copy_t *req, int status, uint64_t checkpoints)
{
    tell(&req->req, status);
    told.count = checkpoints;
}

static void on_history(cairn_saver_history_t *req, int status,
                       const cairn_channel_history_t *channels, size_t count)
{
    tell(&req->req, status);
    told.has_result = channels != NULL;
    told.count = count;
}

static void on_ttl(cairn_saver_ttl_t *req, int status, int64_t ttl_ms)
{
    tell(&req->req, status);
    told.ttl_ms = ttl_ms;
}

/* ---- every operation, with arguments that are right ---- */

static cairn_saver_t saver;
static cairn_saver_put_t put_req;
static cairn_saver_get_t get_req;
static cairn_saver_list_t list_req;
static cairn_saver_delete_t delete_req;
static cairn_saver_copy_t copy_req;
static cairn_saver_history_t history_req;
static cairn_saver_ttl_t ttl_req;

static cairn_checkpoint_ref_t at;
static cairn_checkpoint_t checkpoint;
static cairn_slice_t metadata;
static cairn_saver_put_options_t put_options;
static cairn_channel_version_t versions[2];
static cairn_channel_value_t values[2];
static cairn_version_seen_t seen_versions[2];
static cairn_slice_t updated[2];
static cairn_write_t writes[2];
static cairn_task_writes_t task;
static cairn_saver_query_t query;
static cairn_saver_prune_options_t prune;
static cairn_slice_t ids[2];

static void arguments_are_right(void)
{
    at = (cairn_checkpoint_ref_t){S("thread"), S("ns"), S("id-1")};
    versions[0] = (cairn_channel_version_t){S("a"), S("1")};
    versions[1] = (cairn_channel_version_t){S(""), S("")};
    values[0] = (cairn_channel_value_t){S("a"), S("1"), CAIRN_CHANNEL_VALUE, {S("json"), S("1")}};
    values[1] = (cairn_channel_value_t){S(""), S(""), CAIRN_CHANNEL_EMPTY, {ABSENT, ABSENT}};
    seen_versions[0] = (cairn_version_seen_t){S("node"), S("a"), S("1")};
    seen_versions[1] = (cairn_version_seen_t){S("idle"), ABSENT, ABSENT};
    updated[0] = S("a");
    updated[1] = S("b");
    checkpoint = (cairn_checkpoint_t){
        .id = S("id-2"),
        .ts = S("2026-01-01T00:00:00Z"),
        .v = 4,
        .channel_versions = versions,
        .channel_version_count = 2,
        .channel_values = values,
        .channel_value_count = 2,
        .versions_seen = seen_versions,
        .version_seen_count = 2,
        .updated_channels = updated,
        .updated_channel_count = 2,
    };
    metadata = S(" {\"step\": 1}\n");
    put_options = (cairn_saver_put_options_t){.run_id = S("run")};
    writes[0] = (cairn_write_t){S("a"), {S("json"), S("1")}};
    writes[1] = (cairn_write_t){S(CAIRN_CHANNEL_RESUME), {S("json"), S("2")}};
    task = (cairn_task_writes_t){S("task"), ABSENT, writes, 2};
    query = (cairn_saver_query_t){.thread_id = S("thread")};
    ids[0] = S("one");
    ids[1] = S("");
    prune = (cairn_saver_prune_options_t){.thread_ids = ids, .thread_count = 2};
}

static int do_put(void)
{
    return cairn_saver_put(&saver, &put_req, &at, &checkpoint, metadata, &put_options, on_put);
}

static int do_put_writes(void)
{
    return cairn_saver_put_writes(&saver, &put_req, &at, &task, put_options.ttl, on_put);
}

static int do_get(void)
{
    return cairn_saver_get(&saver, &get_req, &at, NULL, on_got);
}

static int do_list(void)
{
    return cairn_saver_list(&saver, &list_req, &query, on_page);
}

static int do_delete_thread(void)
{
    return cairn_saver_delete_thread(&saver, &delete_req, at.thread_id, on_deleted);
}

static int do_delete_for_runs(void)
{
    return cairn_saver_delete_for_runs(&saver, &delete_req, ids, 2, on_deleted);
}

static int do_prune(void)
{
    return cairn_saver_prune(&saver, &delete_req, &prune, on_deleted);
}

static int do_sweep(void)
{
    return cairn_saver_sweep_ttl(&saver, &delete_req, on_deleted);
}

static int do_copy(void)
{
    return cairn_saver_copy_thread(&saver, &copy_req, at.thread_id, S("target"), on_copied);
}

static int do_history(void)
{
    return cairn_saver_history(&saver, &history_req, &at, ids, 2, on_history);
}

static int do_ttl(void)
{
    return cairn_saver_ttl(&saver, &ttl_req, CAIRN_SCOPE_CHECKPOINT, &at, on_ttl);
}

static int do_set_ttl(void)
{
    return cairn_saver_set_ttl(&saver, &ttl_req, CAIRN_SCOPE_THREAD, &at, cairn_ttl_ms(5), on_ttl);
}

static int do_pin(void)
{
    return cairn_saver_pin(&saver, &ttl_req, CAIRN_SCOPE_CHECKPOINT, &at, on_ttl);
}

static int do_unpin(void)
{
    return cairn_saver_unpin(&saver, &ttl_req, CAIRN_SCOPE_CHECKPOINT, &at, on_ttl);
}

typedef struct operation {
    int (*submit)(void);
    cairn_req_t *req;
    const char *slot;
} operation_t;

static const operation_t operations[] = {
    {do_put, &put_req.req, "put"},
    {do_put_writes, &put_req.req, "put_writes"},
    {do_get, &get_req.req, "get"},
    {do_list, &list_req.req, "list"},
    {do_delete_thread, &delete_req.req, "delete_thread"},
    {do_delete_for_runs, &delete_req.req, "delete_for_runs"},
    {do_prune, &delete_req.req, "prune"},
    {do_sweep, &delete_req.req, "sweep_ttl"},
    {do_copy, &copy_req.req, "copy_thread"},
    {do_history, &history_req.req, "history"},
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
    for (size_t i = 0; i < COUNT_OF(operations); i++)
        memset(operations[i].req, 0, sizeof *operations[i].req);
    arguments_are_right();
    return cairn_saver_init(&saver, &stub.cairn, NULL);
}

static void open_with(const cairn_saver_ops_t *ops)
{
    stub.backend.saver = ops;
    stub_open("stub", CAIRN_CAP_SAVER, 0);
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

#endif
