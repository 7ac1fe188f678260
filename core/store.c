/* cairn/store.h: checks the arguments (store_args.c), then hands on. Batches: store_batch.c. */
#include "interfaces.h"
#include "list.h"
#include "page.h"
#include "store_args.h"
#include "store_batch.h"
#include "store_embed.h"

#include <cairn/sys/alloc.h>

#define HAVE(ops, slot) OPS_HAVE(cairn_store_ops_t, ops, slot)

int cairn_store_init(cairn_store_t *store, cairn_t *cairn, const cairn_store_options_t *options)
{
    static const cairn_store_options_t defaults;
    if (!options) options = &defaults;
    verify_t check;
    verify_init(&check);
    store_verify_options(&check, options);
    if (check.status < 0) return check.status;
    *store = (cairn_store_t){.cairn = cairn, .options = *options};
    return 0;
}

/* ---- handing on what may need vectors first ---- */

int store_submit(cairn_core_t *core, cairn_req_t *req, core_req_type_t type,
                 const cairn_store_step_t *steps, size_t count)
{
    const cairn_store_ops_t *ops = core->backend->store;
    if (type == CORE_REQ_STORE_PUT)
        return ops->put(core->self, CONTAINER_OF(req, cairn_store_put_t, req), steps->put);
    if (type == CORE_REQ_STORE_SEARCH)
        return ops->search(core->self, CONTAINER_OF(req, cairn_store_search_t, req), steps->search);
    return ops->batch(core->self, CONTAINER_OF(req, cairn_store_batch_t, req), steps, count);
}

static int hand_on(cairn_core_t *core, cairn_req_t *req, const store_needs_t *needs,
                   const store_work_t *work)
{
    int rc = needs->embedding ? store_embed(core, req, work) : STORE_EMBEDS_NOTHING;
    if (rc != STORE_EMBEDS_NOTHING) return rc;
    rc = store_submit(core, req, work->type, work->steps, work->count);
    return core_started(core, req, work->type, rc);
}

/* ---- get, put, delete ---- */

int cairn_store_get(cairn_store_t *store, cairn_store_get_t *req, cairn_namespace_t ns,
                    cairn_slice_t key, cairn_refresh_t refresh, cairn_store_get_cb cb)
{
    verify_t check;
    verify_init(&check);
    cairn_store_get_args_t args = store_get_args(&check, store, ns, key, refresh);
    cairn_core_t *core;
    int rc = verify_begin(&check, store->cairn, &req->req, CAIRN_CAP_STORE, &core);
    if (rc < 0) return rc;
    const cairn_store_ops_t *ops = core->backend->store;
    if (!HAVE(ops, get)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    return core_started(core, &req->req, CORE_REQ_STORE_GET, ops->get(core->self, req, &args));
}

int cairn_store_put(cairn_store_t *store, cairn_store_put_t *req, cairn_namespace_t ns,
                    cairn_slice_t key, cairn_slice_t value,
                    const cairn_store_put_options_t *options, cairn_store_put_cb cb)
{
    verify_t check;
    verify_init(&check);
    store_needs_t needs = {false, false};
    cairn_store_put_args_t args = store_put_args(&check, store, ns, key, value, options, &needs);
    cairn_core_t *core;
    int rc = verify_begin(&check, store->cairn, &req->req, CAIRN_CAP_STORE, &core);
    if (rc == 0) rc = store_verify_needs(core, &req->req, &needs);
    if (rc < 0) return rc;
    const cairn_store_ops_t *ops = core->backend->store;
    if (!HAVE(ops, put)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    const cairn_store_op_t op = {.type = CAIRN_STORE_PUT, .options = options};
    const cairn_store_step_t step = {.type = CAIRN_STORE_PUT, .put = &args};
    const store_work_t work = {store, CORE_REQ_STORE_PUT, &op, &step, 1};
    return hand_on(core, &req->req, &needs, &work);
}

int cairn_store_delete(cairn_store_t *store, cairn_store_put_t *req, cairn_namespace_t ns,
                       cairn_slice_t key, cairn_store_put_cb cb)
{
    return cairn_store_put(store, req, ns, key, cairn_slice(NULL, 0), NULL, cb);
}

/* ---- search, list_namespaces, count ---- */

int cairn_store_search(cairn_store_t *store, cairn_store_search_t *req,
                       const cairn_store_query_t *query, cairn_store_search_cb cb)
{
    verify_t check;
    verify_init(&check);
    store_needs_t needs = {false, false};
    uint64_t left;
    cairn_store_search_args_t args = store_search_args(&check, store, query, &left, &needs);
    cairn_core_t *core;
    int rc = verify_begin(&check, store->cairn, &req->req, CAIRN_CAP_STORE, &core);
    if (rc == 0) rc = store_verify_needs(core, &req->req, &needs);
    if (rc < 0) return rc;
    const cairn_store_ops_t *ops = core->backend->store;
    if (!HAVE(ops, search)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    req->left = left;
    const cairn_store_op_t op = {.type = CAIRN_STORE_SEARCH, .search = query};
    const cairn_store_step_t step = {.type = CAIRN_STORE_SEARCH, .search = &args};
    const store_work_t work = {store, CORE_REQ_STORE_SEARCH, &op, &step, 1};
    return hand_on(core, &req->req, &needs, &work);
}

int cairn_store_list_namespaces(cairn_store_t *store, cairn_store_list_t *req,
                                const cairn_namespace_query_t *query, cairn_store_list_cb cb)
{
    verify_t check;
    verify_init(&check);
    uint64_t left;
    cairn_store_list_args_t args = store_list_args(&check, query, &left);
    cairn_core_t *core;
    int rc = verify_begin(&check, store->cairn, &req->req, CAIRN_CAP_STORE, &core);
    if (rc < 0) return rc;
    const cairn_store_ops_t *ops = core->backend->store;
    if (!HAVE(ops, list_namespaces)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    req->left = left;
    rc = ops->list_namespaces(core->self, req, &args);
    return core_started(core, &req->req, CORE_REQ_STORE_LIST, rc);
}

int cairn_store_count(cairn_store_t *store, cairn_store_count_t *req, cairn_namespace_t prefix,
                      cairn_slice_t filter, cairn_store_count_cb cb)
{
    verify_t check;
    verify_init(&check);
    store_verify_prefix(&check, "prefix", prefix);
    store_verify_filter(&check, filter);
    cairn_core_t *core;
    int rc = verify_begin(&check, store->cairn, &req->req, CAIRN_CAP_STORE, &core);
    if (rc < 0) return rc;
    const cairn_store_ops_t *ops = core->backend->store;
    if (!HAVE(ops, count)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    rc = ops->count(core->self, req, prefix, filter);
    return core_started(core, &req->req, CORE_REQ_STORE_COUNT, rc);
}

/* ---- batch ---- */

int cairn_store_batch(cairn_store_t *store, cairn_store_batch_t *req, const cairn_store_op_t *ops,
                      size_t count, cairn_store_batch_cb cb)
{
    if (cairn_is_active(&req->req)) return UV_EBUSY;
    verify_t check;
    verify_init(&check);
    store_needs_t needs = {false, false};
    store_batch_t *batch = store_batch_new(&check, store, ops, count, &needs);
    cairn_core_t *core;
    int rc = verify_begin(&check, store->cairn, &req->req, CAIRN_CAP_STORE, &core);
    if (rc == 0) rc = store_verify_needs(core, &req->req, &needs);
    if (rc < 0) goto out;
    const cairn_store_ops_t *slots = core->backend->store;
    rc = HAVE(slots, batch) ? 0 : verify_no_slot(core, &req->req);
    if (rc < 0) goto out;
    req->cb = cb;
    req->batch = batch;
    const store_work_t work = {store, CORE_REQ_STORE_BATCH, ops, batch->steps, count};
    rc = hand_on(core, &req->req, &needs, &work);
out:
    if (rc < 0) cairn_free(batch);
    return rc;
}

/* ---- TTL ---- */

int cairn_store_ttl(cairn_store_t *store, cairn_store_ttl_t *req, cairn_namespace_t ns,
                    cairn_slice_t key, cairn_store_ttl_cb cb)
{
    verify_t check;
    verify_init(&check);
    store_verify_item(&check, ns, key);
    cairn_core_t *core;
    int rc = verify_begin(&check, store->cairn, &req->req, CAIRN_CAP_STORE, &core);
    if (rc < 0) return rc;
    const cairn_store_ops_t *ops = core->backend->store;
    if (!HAVE(ops, ttl)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    return core_started(core, &req->req, CORE_REQ_STORE_TTL, ops->ttl(core->self, req, ns, key));
}

int cairn_store_set_ttl(cairn_store_t *store, cairn_store_ttl_t *req, cairn_namespace_t ns,
                        cairn_slice_t key, cairn_ttl_t ttl, cairn_store_ttl_cb cb)
{
    verify_t check;
    verify_init(&check);
    store_verify_item(&check, ns, key);
    int64_t ttl_ms = verify_given_ttl(&check, "ttl", ttl);
    cairn_core_t *core;
    int rc = verify_begin(&check, store->cairn, &req->req, CAIRN_CAP_STORE, &core);
    if (rc < 0) return rc;
    const cairn_store_ops_t *ops = core->backend->store;
    if (!HAVE(ops, set_ttl)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    rc = ops->set_ttl(core->self, req, ns, key, ttl_ms);
    return core_started(core, &req->req, CORE_REQ_STORE_SET_TTL, rc);
}

int cairn_store_pin(cairn_store_t *store, cairn_store_ttl_t *req, cairn_namespace_t ns,
                    cairn_slice_t key, cairn_store_ttl_cb cb)
{
    return cairn_store_set_ttl(store, req, ns, key, cairn_ttl_ms(CAIRN_TTL_PERSIST), cb);
}

int cairn_store_unpin(cairn_store_t *store, cairn_store_ttl_t *req, cairn_namespace_t ns,
                      cairn_slice_t key, cairn_store_ttl_cb cb)
{
    return cairn_store_set_ttl(store, req, ns, key, cairn_ttl_ms(store_default_ttl_ms(store)), cb);
}

int cairn_store_sweep_ttl(cairn_store_t *store, cairn_store_count_t *req, cairn_store_count_cb cb)
{
    cairn_core_t *core;
    int rc = core_begin(store->cairn, &req->req, CAIRN_CAP_STORE, &core);
    if (rc < 0) return rc;
    const cairn_store_ops_t *ops = core->backend->store;
    if (!HAVE(ops, sweep_ttl)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    return core_started(core, &req->req, CORE_REQ_STORE_SWEEP, ops->sweep_ttl(core->self, req));
}

int cairn_store_start_ttl_sweeper(cairn_store_t *store, uint64_t interval_ms)
{
    cairn_core_t *core = store->cairn->core;
    if (interval_ms == 0) return UV_EINVAL;
    if (!core || !core_takes_work(core)) return CAIRN_ECLOSED;
    if (!(core->capabilities & CAIRN_CAP_STORE)) return UV_ENOTSUP;
    const cairn_store_ops_t *ops = core->backend->store;
    return HAVE(ops, start_ttl_sweeper) ? ops->start_ttl_sweeper(core->self, interval_ms) : 0;
}

void cairn_store_stop_ttl_sweeper(cairn_store_t *store)
{
    cairn_core_t *core = store->cairn->core;
    if (!core || !core_is_open(core)) return;
    const cairn_store_ops_t *ops = core->backend->store;
    if (HAVE(ops, stop_ttl_sweeper)) ops->stop_ttl_sweeper(core->self);
}

/* ---- the ways up ---- */

static void get_done(cairn_store_get_t *req, const cairn_item_t *item)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, item);
}

static void put_done(cairn_store_put_t *req, bool existed)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, existed);
}

static void search_done(cairn_store_search_t *req, const cairn_store_page_t *page)
{
    cairn_store_page_t given = *page;
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

static void list_done(cairn_store_list_t *req, const cairn_namespace_page_t *page)
{
    cairn_namespace_page_t given = *page;
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

static void batch_done(cairn_store_batch_t *req, const cairn_store_result_t *results, size_t count)
{
    store_batch_t *batch = req->batch;
    cairn_store_result_t *given = store_batch_results(batch, results, count);
    cairn_free(batch);
    req->batch = NULL;
    if (!given) {
        core_fail(&req->req, UV_ENOMEM, cairn_slice(NULL, 0));
        return;
    }
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, given, count);
    cairn_free(given);
}

static void count_done(cairn_store_count_t *req, uint64_t items)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, items);
}

static void ttl_done(cairn_store_ttl_t *req, int64_t ttl_ms)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, ttl_ms);
}

const cairn_store_done_t core_store_done = {
    .size = sizeof(cairn_store_done_t),
    .get_done = get_done,
    .put_done = put_done,
    .search_done = search_done,
    .list_done = list_done,
    .batch_done = batch_done,
    .count_done = count_done,
    .ttl_done = ttl_done,
};

void store_get_failed(cairn_req_t *base, int status)
{
    cairn_store_get_t *req = CONTAINER_OF(base, cairn_store_get_t, req);
    if (req->cb) req->cb(req, status, NULL);
}

void store_put_failed(cairn_req_t *base, int status)
{
    cairn_store_put_t *req = CONTAINER_OF(base, cairn_store_put_t, req);
    if (req->cb) req->cb(req, status, false);
}

void store_search_failed(cairn_req_t *base, int status)
{
    cairn_store_search_t *req = CONTAINER_OF(base, cairn_store_search_t, req);
    if (req->cb) req->cb(req, status, NULL);
}

void store_list_failed(cairn_req_t *base, int status)
{
    cairn_store_list_t *req = CONTAINER_OF(base, cairn_store_list_t, req);
    if (req->cb) req->cb(req, status, NULL);
}

void store_batch_failed(cairn_req_t *base, int status)
{
    cairn_store_batch_t *req = CONTAINER_OF(base, cairn_store_batch_t, req);
    cairn_free(req->batch);
    req->batch = NULL;
    if (req->cb) req->cb(req, status, NULL, 0);
}

void store_count_failed(cairn_req_t *base, int status)
{
    cairn_store_count_t *req = CONTAINER_OF(base, cairn_store_count_t, req);
    if (req->cb) req->cb(req, status, 0);
}

void store_ttl_failed(cairn_req_t *base, int status)
{
    cairn_store_ttl_t *req = CONTAINER_OF(base, cairn_store_ttl_t, req);
    if (req->cb) req->cb(req, status, CAIRN_TTL_ABSENT);
}
