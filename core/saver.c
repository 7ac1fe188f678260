/* cairn/saver.h: checks the arguments (saver_args.c), then hands on. */
#include "interfaces.h"
#include "list.h"
#include "page.h"
#include "saver_args.h"

#include <cairn/sys/alloc.h>

#define HAVE(ops, slot) OPS_HAVE(cairn_saver_ops_t, ops, slot)

/* ---- the view ---- */

int cairn_saver_init(cairn_saver_t *saver, cairn_t *cairn, const cairn_saver_options_t *options)
{
    static const cairn_saver_options_t defaults;
    if (!options) options = &defaults;
    verify_t check;
    verify_init(&check);
    verify_ttl(&check, "default_ttl", options->default_ttl, CAIRN_TTL_PERSIST);
    verify_enum(&check, "ttl_scope", options->ttl_scope, CAIRN_SCOPE_THREAD);
    if (check.status < 0) return check.status;
    *saver = (cairn_saver_t){.cairn = cairn, .options = *options};
    return 0;
}

/* ---- put, put_writes ---- */

int cairn_saver_put(cairn_saver_t *saver, cairn_saver_put_t *req,
                    const cairn_checkpoint_ref_t *parent, const cairn_checkpoint_t *checkpoint,
                    cairn_slice_t metadata, const cairn_saver_put_options_t *options,
                    cairn_saver_put_cb cb)
{
    static const cairn_saver_put_options_t defaults;
    if (!options) options = &defaults;
    verify_t check;
    verify_init(&check);
    saver_verify_ref(&check, "parent", parent);
    saver_verify_checkpoint(&check, checkpoint);
    char *memory;
    cairn_slice_t run_id = saver_run_id(&check, metadata, options->run_id, &memory);
    cairn_saver_terms_t terms = saver_terms(&check, saver, options->ttl);
    cairn_core_t *core;
    int rc = verify_begin(&check, saver->cairn, &req->req, CAIRN_CAP_SAVER, &core);
    if (rc < 0) goto out;
    const cairn_saver_ops_t *ops = core->backend->saver;
    if (!HAVE(ops, put)) {
        rc = verify_no_slot(core, &req->req);
        goto out;
    }
    cairn_saver_put_args_t args = {
        .size = sizeof args,
        .parent = *parent,
        .checkpoint = checkpoint,
        .metadata = metadata.len > 0 ? metadata : cairn_str("{}"),
        .run_id = run_id,
        .terms = terms,
    };
    req->cb = cb;
    rc = core_started(core, &req->req, CORE_REQ_SAVER_PUT, ops->put(core->self, req, &args));
out:
    cairn_free(memory);
    return rc;
}

int cairn_saver_put_writes(cairn_saver_t *saver, cairn_saver_put_t *req,
                           const cairn_checkpoint_ref_t *at, const cairn_task_writes_t *writes,
                           cairn_ttl_t ttl, cairn_saver_put_cb cb)
{
    verify_t check;
    verify_init(&check);
    saver_verify_ref(&check, "at", at);
    if (check.status == 0) verify_id(&check, "checkpoint_id", at->checkpoint_id);
    saver_verify_writes(&check, writes);
    cairn_saver_terms_t terms = saver_terms(&check, saver, ttl);
    cairn_core_t *core;
    int rc = verify_begin(&check, saver->cairn, &req->req, CAIRN_CAP_SAVER, &core);
    if (rc < 0) return rc;
    const cairn_saver_ops_t *ops = core->backend->saver;
    if (!HAVE(ops, put_writes)) return verify_no_slot(core, &req->req);
    cairn_saver_put_writes_args_t args = {sizeof args, *at, writes, terms};
    req->cb = cb;
    rc = ops->put_writes(core->self, req, &args);
    return core_started(core, &req->req, CORE_REQ_SAVER_PUT_WRITES, rc);
}

/* ---- get, list ---- */

int cairn_saver_get(cairn_saver_t *saver, cairn_saver_get_t *req, const cairn_checkpoint_ref_t *at,
                    const cairn_saver_get_options_t *options, cairn_saver_get_cb cb)
{
    static const cairn_saver_get_options_t defaults;
    if (!options) options = &defaults;
    verify_t check;
    verify_init(&check);
    saver_verify_ref(&check, "at", at);
    verify_enum(&check, "refresh", options->refresh, CAIRN_REFRESH_YES);
    cairn_saver_terms_t terms = saver_terms(&check, saver, (cairn_ttl_t){0});
    terms.refresh = options->refresh == CAIRN_REFRESH_DEFAULT
                        ? saver->options.refresh_on_read
                        : options->refresh == CAIRN_REFRESH_YES;
    cairn_core_t *core;
    int rc = verify_begin(&check, saver->cairn, &req->req, CAIRN_CAP_SAVER, &core);
    if (rc < 0) return rc;
    const cairn_saver_ops_t *ops = core->backend->saver;
    if (!HAVE(ops, get)) return verify_no_slot(core, &req->req);
    cairn_saver_get_args_t args = {sizeof args, *at, options->headers_only, terms};
    req->cb = cb;
    return core_started(core, &req->req, CORE_REQ_SAVER_GET, ops->get(core->self, req, &args));
}

int cairn_saver_list(cairn_saver_t *saver, cairn_saver_list_t *req,
                     const cairn_saver_query_t *query, cairn_saver_list_cb cb)
{
    static const cairn_saver_query_t everything;
    if (!query) query = &everything;
    verify_t check;
    verify_init(&check);
    page_ask_t ask;
    saver_verify_query(&check, query, &ask);
    cairn_core_t *core;
    int rc = verify_begin(&check, saver->cairn, &req->req, CAIRN_CAP_SAVER, &core);
    if (rc < 0) return rc;
    const cairn_saver_ops_t *ops = core->backend->saver;
    if (!HAVE(ops, list)) return verify_no_slot(core, &req->req);
    cairn_saver_list_args_t args = {
        .size = sizeof args,
        .thread_id = query->thread_id,
        .checkpoint_ns = query->checkpoint_ns,
        .checkpoint_id = query->checkpoint_id,
        .filter = query->filter,
        .headers_only = query->headers_only,
        .most = ask.most,
        .cursor = ask.cursor,
    };
    if (query->before) args.before_id = query->before->checkpoint_id;
    req->cb = cb;
    req->left = ask.left;
    return core_started(core, &req->req, CORE_REQ_SAVER_LIST, ops->list(core->self, req, &args));
}

/* ---- delete_thread, delete_for_runs, prune, sweep_ttl ---- */

int cairn_saver_delete_thread(cairn_saver_t *saver, cairn_saver_delete_t *req,
                              cairn_slice_t thread_id, cairn_saver_delete_cb cb)
{
    verify_t check;
    verify_init(&check);
    verify_id(&check, "thread_id", thread_id);
    cairn_core_t *core;
    int rc = verify_begin(&check, saver->cairn, &req->req, CAIRN_CAP_SAVER, &core);
    if (rc < 0) return rc;
    const cairn_saver_ops_t *ops = core->backend->saver;
    if (!HAVE(ops, delete_thread)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    rc = ops->delete_thread(core->self, req, thread_id);
    return core_started(core, &req->req, CORE_REQ_SAVER_DELETE_THREAD, rc);
}

int cairn_saver_delete_for_runs(cairn_saver_t *saver, cairn_saver_delete_t *req,
                                const cairn_slice_t *run_ids, size_t count,
                                cairn_saver_delete_cb cb)
{
    verify_t check;
    verify_init(&check);
    saver_verify_ids(&check, "run_ids", run_ids, count);
    cairn_core_t *core;
    int rc = verify_begin(&check, saver->cairn, &req->req, CAIRN_CAP_SAVER, &core);
    if (rc < 0) return rc;
    const cairn_saver_ops_t *ops = core->backend->saver;
    if (!HAVE(ops, delete_for_runs)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    rc = ops->delete_for_runs(core->self, req, run_ids, count);
    return core_started(core, &req->req, CORE_REQ_SAVER_DELETE_RUNS, rc);
}

int cairn_saver_prune(cairn_saver_t *saver, cairn_saver_delete_t *req,
                      const cairn_saver_prune_options_t *options, cairn_saver_delete_cb cb)
{
    verify_t check;
    verify_init(&check);
    verify_pointer(&check, "options", options);
    if (check.status == 0) {
        saver_verify_ids(&check, "thread_ids", options->thread_ids, options->thread_count);
        verify_enum(&check, "strategy", options->strategy, CAIRN_PRUNE_DELETE);
    }
    cairn_core_t *core;
    int rc = verify_begin(&check, saver->cairn, &req->req, CAIRN_CAP_SAVER, &core);
    if (rc < 0) return rc;
    const cairn_saver_ops_t *ops = core->backend->saver;
    if (!HAVE(ops, prune)) return verify_no_slot(core, &req->req);
    cairn_saver_prune_args_t args = {sizeof args, options->thread_ids, options->thread_count, 0};
    if (options->strategy == CAIRN_PRUNE_KEEP_LATEST) args.keep = options->keep ? options->keep : 1;
    req->cb = cb;
    return core_started(core, &req->req, CORE_REQ_SAVER_PRUNE, ops->prune(core->self, req, &args));
}

int cairn_saver_sweep_ttl(cairn_saver_t *saver, cairn_saver_delete_t *req, cairn_saver_delete_cb cb)
{
    cairn_core_t *core;
    int rc = core_begin(saver->cairn, &req->req, CAIRN_CAP_SAVER, &core);
    if (rc < 0) return rc;
    const cairn_saver_ops_t *ops = core->backend->saver;
    if (!HAVE(ops, sweep_ttl)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    return core_started(core, &req->req, CORE_REQ_SAVER_SWEEP, ops->sweep_ttl(core->self, req));
}

int cairn_saver_start_ttl_sweeper(cairn_saver_t *saver, uint64_t interval_ms)
{
    cairn_core_t *core = saver->cairn->core;
    if (interval_ms == 0) return UV_EINVAL;
    if (!core || !core_takes_work(core)) return CAIRN_ECLOSED;
    if (!(core->capabilities & CAIRN_CAP_SAVER)) return UV_ENOTSUP;
    const cairn_saver_ops_t *ops = core->backend->saver;
    return HAVE(ops, start_ttl_sweeper) ? ops->start_ttl_sweeper(core->self, interval_ms) : 0;
}

void cairn_saver_stop_ttl_sweeper(cairn_saver_t *saver)
{
    cairn_core_t *core = saver->cairn->core;
    if (!core || !core_is_open(core)) return;
    const cairn_saver_ops_t *ops = core->backend->saver;
    if (HAVE(ops, stop_ttl_sweeper)) ops->stop_ttl_sweeper(core->self);
}

/* ---- copy_thread, history ---- */

int cairn_saver_copy_thread(cairn_saver_t *saver, cairn_saver_copy_t *req, cairn_slice_t source,
                            cairn_slice_t target, cairn_saver_copy_cb cb)
{
    verify_t check;
    verify_init(&check);
    verify_id(&check, "source_thread_id", source);
    verify_id(&check, "target_thread_id", target);
    if (check.status == 0 && cairn_slice_eq(source, target))
        verify_wrong(&check, UV_EINVAL, "target_thread_id", "is the source");
    cairn_core_t *core;
    int rc = verify_begin(&check, saver->cairn, &req->req, CAIRN_CAP_SAVER, &core);
    if (rc < 0) return rc;
    const cairn_saver_ops_t *ops = core->backend->saver;
    if (!HAVE(ops, copy_thread)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    rc = ops->copy_thread(core->self, req, source, target);
    return core_started(core, &req->req, CORE_REQ_SAVER_COPY, rc);
}

int cairn_saver_history(cairn_saver_t *saver, cairn_saver_history_t *req,
                        const cairn_checkpoint_ref_t *at, const cairn_slice_t *channels,
                        size_t count, cairn_saver_history_cb cb)
{
    verify_t check;
    verify_init(&check);
    saver_verify_ref(&check, "at", at);
    saver_verify_ids(&check, "channels", channels, count);
    cairn_core_t *core;
    int rc = verify_begin(&check, saver->cairn, &req->req, CAIRN_CAP_SAVER, &core);
    if (rc < 0) return rc;
    const cairn_saver_ops_t *ops = core->backend->saver;
    if (!HAVE(ops, history)) return verify_no_slot(core, &req->req);
    cairn_saver_history_args_t args = {sizeof args, *at, channels, count};
    req->cb = cb;
    rc = ops->history(core->self, req, &args);
    return core_started(core, &req->req, CORE_REQ_SAVER_HISTORY, rc);
}

/* ---- TTL ---- */

int cairn_saver_ttl(cairn_saver_t *saver, cairn_saver_ttl_t *req, cairn_saver_scope_t scope,
                    const cairn_checkpoint_ref_t *at, cairn_saver_ttl_cb cb)
{
    verify_t check;
    verify_init(&check);
    verify_enum(&check, "scope", scope, CAIRN_SCOPE_THREAD);
    saver_verify_ref(&check, "at", at);
    cairn_core_t *core;
    int rc = verify_begin(&check, saver->cairn, &req->req, CAIRN_CAP_SAVER, &core);
    if (rc < 0) return rc;
    const cairn_saver_ops_t *ops = core->backend->saver;
    if (!HAVE(ops, ttl)) return verify_no_slot(core, &req->req);
    cairn_saver_ttl_args_t args = {sizeof args, scope, *at, CAIRN_TTL_PERSIST};
    req->cb = cb;
    return core_started(core, &req->req, CORE_REQ_SAVER_TTL, ops->ttl(core->self, req, &args));
}

int cairn_saver_set_ttl(cairn_saver_t *saver, cairn_saver_ttl_t *req, cairn_saver_scope_t scope,
                        const cairn_checkpoint_ref_t *at, cairn_ttl_t ttl, cairn_saver_ttl_cb cb)
{
    verify_t check;
    verify_init(&check);
    verify_enum(&check, "scope", scope, CAIRN_SCOPE_THREAD);
    saver_verify_ref(&check, "at", at);
    int64_t ttl_ms = verify_given_ttl(&check, "ttl", ttl);
    cairn_core_t *core;
    int rc = verify_begin(&check, saver->cairn, &req->req, CAIRN_CAP_SAVER, &core);
    if (rc < 0) return rc;
    const cairn_saver_ops_t *ops = core->backend->saver;
    if (!HAVE(ops, set_ttl)) return verify_no_slot(core, &req->req);
    cairn_saver_ttl_args_t args = {sizeof args, scope, *at, ttl_ms};
    req->cb = cb;
    return core_started(core, &req->req, CORE_REQ_SAVER_SET_TTL,
                        ops->set_ttl(core->self, req, &args));
}

int cairn_saver_pin(cairn_saver_t *saver, cairn_saver_ttl_t *req, cairn_saver_scope_t scope,
                    const cairn_checkpoint_ref_t *at, cairn_saver_ttl_cb cb)
{
    return cairn_saver_set_ttl(saver, req, scope, at, cairn_ttl_ms(CAIRN_TTL_PERSIST), cb);
}

int cairn_saver_unpin(cairn_saver_t *saver, cairn_saver_ttl_t *req, cairn_saver_scope_t scope,
                      const cairn_checkpoint_ref_t *at, cairn_saver_ttl_cb cb)
{
    return cairn_saver_set_ttl(saver, req, scope, at, cairn_ttl_ms(saver_default_ttl_ms(saver)),
                               cb);
}

/* ---- the ways up ---- */

static void put_done(cairn_saver_put_t *req)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0);
}

static void get_done(cairn_saver_get_t *req, const cairn_checkpoint_tuple_t *tuple)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, tuple);
}

static void list_done(cairn_saver_list_t *req, const cairn_saver_page_t *page)
{
    cairn_saver_page_t given = *page;
    char *memory;
    int rc = page_cursor_wrap(req->left, page->count, &given.cursor, &memory);
    if (rc < 0) {
        core_fail(&req->req, rc, cairn_slice(NULL, 0));
        return;
    }
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, &given);
    cairn_free(memory);
}

static void delete_done(cairn_saver_delete_t *req, uint64_t checkpoints)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, checkpoints);
}

static void copy_done(cairn_saver_copy_t *req, uint64_t checkpoints)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, checkpoints);
}

static void history_done(cairn_saver_history_t *req, const cairn_channel_history_t *channels,
                         size_t count)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, channels, count);
}

static void ttl_done(cairn_saver_ttl_t *req, int64_t ttl_ms)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, ttl_ms);
}

const cairn_saver_done_t core_saver_done = {
    .size = sizeof(cairn_saver_done_t),
    .put_done = put_done,
    .get_done = get_done,
    .list_done = list_done,
    .delete_done = delete_done,
    .copy_done = copy_done,
    .history_done = history_done,
    .ttl_done = ttl_done,
};

void saver_put_failed(cairn_req_t *base, int status)
{
    cairn_saver_put_t *req = CONTAINER_OF(base, cairn_saver_put_t, req);
    if (req->cb) req->cb(req, status);
}

void saver_get_failed(cairn_req_t *base, int status)
{
    cairn_saver_get_t *req = CONTAINER_OF(base, cairn_saver_get_t, req);
    if (req->cb) req->cb(req, status, NULL);
}

void saver_list_failed(cairn_req_t *base, int status)
{
    cairn_saver_list_t *req = CONTAINER_OF(base, cairn_saver_list_t, req);
    if (req->cb) req->cb(req, status, NULL);
}

void saver_delete_failed(cairn_req_t *base, int status)
{
    cairn_saver_delete_t *req = CONTAINER_OF(base, cairn_saver_delete_t, req);
    if (req->cb) req->cb(req, status, 0);
}

void saver_copy_failed(cairn_req_t *base, int status)
{
    cairn_saver_copy_t *req = CONTAINER_OF(base, cairn_saver_copy_t, req);
    if (req->cb) req->cb(req, status, 0);
}

void saver_history_failed(cairn_req_t *base, int status)
{
    cairn_saver_history_t *req = CONTAINER_OF(base, cairn_saver_history_t, req);
    if (req->cb) req->cb(req, status, NULL, 0);
}

void saver_ttl_failed(cairn_req_t *base, int status)
{
    cairn_saver_ttl_t *req = CONTAINER_OF(base, cairn_saver_ttl_t, req);
    if (req->cb) req->cb(req, status, CAIRN_TTL_ABSENT);
}
