#include "count_work.h"

#include <cairn/saver.h>
#include <cairn/store.h>
#include <cairn/stream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum {
    VALUE = 64
};

typedef struct call {
    count_work_t *work;
    uint32_t step; /* of its checkpoints */
    char name[8];
    union {
        cairn_req_t req;
        cairn_store_get_t store_get;
        cairn_store_put_t store_put;
        cairn_saver_get_t saver_get;
        cairn_saver_put_t saver_put;
        cairn_stream_append_t append;
    } of;
} call_t;

/* A call an object; the next is that which was answered first. */
struct count_work {
    count_op_t op;
    const count_work_hooks_t *hooks;
    void *ctx;
    cairn_store_t store;
    cairn_saver_t saver;
    cairn_streams_t streams;
    call_t calls[COUNT_OBJECTS];
    call_t *idle[COUNT_OBJECTS]; /* a ring */
    uint32_t answered, asked;    /* in all */
    char value[VALUE];
};

const char *count_op_name(count_op_t op)
{
    static const char *const names[] = {
        [COUNT_OP_STORE_GET] = "store.get", [COUNT_OP_STORE_PUT] = "store.put",
        [COUNT_OP_SAVER_GET] = "saver.get", [COUNT_OP_SAVER_PUT] = "saver.put",
        [COUNT_OP_APPEND] = "append",
    };
    return names[op];
}

/* ---- answers ---- */

static void finish(const cairn_req_t *req, int status, bool found)
{
    call_t *call = req->data;
    count_work_t *work = call->work;
    if (status == UV_ECANCELED) return;
    work->idle[work->answered++ % COUNT_OBJECTS] = call;
    if (status < 0)
        work->hooks->on_failed(work->ctx, cairn_strerror(status));
    else if (!found)
        work->hooks->on_failed(work->ctx, "what was put is not there");
    else
        work->hooks->on_done(work->ctx);
}

static void on_item(cairn_store_get_t *req, int status, const cairn_item_t *item)
{
    finish(&req->req, status, item && item->value.len == VALUE);
}

static void on_put(cairn_store_put_t *req, int status, bool existed)
{
    (void)existed;
    finish(&req->req, status, true);
}

static void on_tuple(cairn_saver_get_t *req, int status, const cairn_checkpoint_tuple_t *tuple)
{
    finish(&req->req, status, tuple != NULL);
}

static void on_saved(cairn_saver_put_t *req, int status)
{
    finish(&req->req, status, true);
}

static void on_appended(cairn_stream_append_t *req, int status,
                        const cairn_stream_appended_t *appended)
{
    (void)appended;
    finish(&req->req, status, true);
}

/* ---- questions ---- */

static cairn_slice_t value_of(const count_work_t *work)
{
    return cairn_slice(work->value, VALUE);
}

static int store(count_work_t *work, call_t *call, bool puts)
{
    const cairn_slice_t labels[] = {cairn_str("users"), cairn_str("u-1")};
    const cairn_namespace_t ns = {labels, 2};
    if (puts)
        return cairn_store_put(&work->store, &call->of.store_put, ns, cairn_str(call->name),
                               value_of(work), NULL, on_put);
    return cairn_store_get(&work->store, &call->of.store_get, ns, cairn_str(call->name),
                           CAIRN_REFRESH_DEFAULT, on_item);
}

static int save(count_work_t *work, call_t *call, bool puts)
{
    const cairn_checkpoint_ref_t thread = {.thread_id = cairn_str(call->name)};
    if (!puts) return cairn_saver_get(&work->saver, &call->of.saver_get, &thread, NULL, on_tuple);
    char id[16];
    const int len = snprintf(id, sizeof id, "%08u", (unsigned)++call->step);
    const cairn_slice_t version = cairn_slice(id, (size_t)len);
    const cairn_channel_version_t versions[] = {{cairn_str("messages"), version}};
    const cairn_channel_value_t values[] = {{cairn_str("messages"), version, CAIRN_CHANNEL_VALUE,
                                             cairn_value(cairn_str("json"), value_of(work))}};
    const cairn_checkpoint_t checkpoint = {
        .id = version,
        .channel_versions = versions,
        .channel_version_count = 1,
        .channel_values = values,
        .channel_value_count = 1,
    };
    return cairn_saver_put(&work->saver, &call->of.saver_put, &thread, &checkpoint,
                           cairn_slice(NULL, 0), NULL, on_saved);
}

static int append(count_work_t *work, call_t *call)
{
    const cairn_stream_entry_t entry = {.event = cairn_str("m"),
                                        .data = cairn_value(cairn_str("json"), value_of(work))};
    return cairn_stream_append(&work->streams, &call->of.append, cairn_str(call->name), &entry, 1,
                               NULL, on_appended);
}

static int submit(count_work_t *work, call_t *call, bool fills)
{
    memset(&call->of, 0, sizeof call->of);
    call->of.req.data = call;
    switch (work->op) {
    case COUNT_OP_STORE_GET:
    case COUNT_OP_STORE_PUT:
        return store(work, call, fills || work->op == COUNT_OP_STORE_PUT);
    case COUNT_OP_SAVER_GET:
    case COUNT_OP_SAVER_PUT:
        return save(work, call, fills || work->op == COUNT_OP_SAVER_PUT);
    default:
        return append(work, call);
    }
}

static void submit_next(count_work_t *work, bool fills)
{
    call_t *call = work->idle[work->asked++ % COUNT_OBJECTS];
    const int rc = submit(work, call, fills);
    if (rc < 0) work->hooks->on_failed(work->ctx, cairn_strerror(rc));
}

void count_work_fill(count_work_t *work)
{
    for (int i = 0; i < COUNT_OBJECTS; i++) submit_next(work, true);
}

void count_work_send(count_work_t *work)
{
    submit_next(work, false);
}

/* ---- life ---- */

count_work_t *count_work_new(cairn_t *cairn, count_op_t op, const count_work_hooks_t *hooks,
                             void *ctx)
{
    count_work_t *work = calloc(1, sizeof *work);
    if (!work) return NULL;
    work->op = op;
    work->answered = COUNT_OBJECTS;
    work->hooks = hooks;
    work->ctx = ctx;
    memset(work->value, 'x', VALUE);
    work->value[0] = work->value[VALUE - 1] = '"';
    for (uint32_t i = 0; i < COUNT_OBJECTS; i++) {
        work->calls[i].work = work;
        work->idle[i] = &work->calls[i];
        snprintf(work->calls[i].name, sizeof work->calls[i].name, "u%u", (unsigned)i);
    }
    if (cairn_store_init(&work->store, cairn, NULL) == 0 &&
        cairn_saver_init(&work->saver, cairn, NULL) == 0 &&
        cairn_streams_init(&work->streams, cairn, NULL) == 0)
        return work;
    free(work);
    return NULL;
}

void count_work_free(count_work_t *work)
{
    free(work);
}
