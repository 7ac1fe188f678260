#include <cairn/saver.h>
#include "saver_ops.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct cairn_door {
    saver_door_t base;
    cairn_saver_t saver;
} cairn_door_t;

typedef struct cairn_call {
    saver_call_t base;
    client_t *client;
    cairn_saver_put_t put;
    cairn_saver_get_t get;
    cairn_saver_list_t list;
    cairn_saver_delete_t drop;
} cairn_call_t;

static cairn_saver_t *saver_of(saver_door_t *door)
{
    return &((cairn_door_t *)door)->saver;
}

static saver_door_t *open_door(client_t *client, uint64_t ttl_ms)
{
    cairn_door_t *door = calloc(1, sizeof *door);
    cairn_saver_options_t options = {0};
    if (ttl_ms > 0) options.default_ttl = cairn_ttl_ms((int64_t)ttl_ms);
    if (!door) return NULL;
    door->base = (saver_door_t){&saver_bench_cairn, client};
    if (cairn_saver_init(&door->saver, client_cairn_handle(client), &options) < 0) {
        free(door);
        return NULL;
    }
    return &door->base;
}

static void destroy(saver_door_t *door)
{
    free(door);
}

/* ---- answers ---- */

static void describe(client_t *client, const char *what, int status, const cairn_req_t *req)
{
    cairn_slice_t why = req->detail.len > 0 ? req->detail : cairn_str(cairn_strerror(status));
    snprintf(client->error, sizeof client->error, "%s: %.*s", what, (int)why.len, why.ptr);
}

static void finish(const cairn_req_t *req, const char *what, int status,
                   const saver_answer_t *answer)
{
    cairn_call_t *call = req->data;
    client_t *client = call->client;
    if (client->closing) return;
    if (status == 0) {
        call->base.on_done(&call->base, answer);
        return;
    }
    describe(client, what, status, req);
    client->hooks->on_failed(client, client->error);
}

static void count_tuple(saver_answer_t *answer, const cairn_checkpoint_tuple_t *tuple)
{
    const cairn_checkpoint_t *checkpoint = &tuple->checkpoint;
    if (answer->checkpoints++ == 0) answer->newest_id = checkpoint->id;
    answer->values += checkpoint->channel_value_count;
    for (size_t i = 0; i < checkpoint->channel_value_count; i++)
        answer->value_bytes += checkpoint->channel_values[i].value.bytes.len;
    answer->writes += tuple->pending_write_count;
    for (size_t i = 0; i < tuple->pending_write_count; i++)
        answer->write_bytes += tuple->pending_writes[i].value.bytes.len;
}

static const saver_answer_t nothing;

static void on_put(cairn_saver_put_t *req, int status)
{
    finish(&req->req, "put failed", status, &nothing);
}

static void on_get(cairn_saver_get_t *req, int status, const cairn_checkpoint_tuple_t *tuple)
{
    saver_answer_t answer = {0};
    if (tuple) count_tuple(&answer, tuple);
    finish(&req->req, "get failed", status, &answer);
}

static void on_list(cairn_saver_list_t *req, int status, const cairn_saver_page_t *page)
{
    saver_answer_t answer = {0};
    for (size_t i = 0; page && i < page->count; i++) count_tuple(&answer, &page->tuples[i]);
    finish(&req->req, "list failed", status, &answer);
}

static void on_dropped(cairn_saver_delete_t *req, int status, uint64_t checkpoints)
{
    (void)checkpoints;
    finish(&req->req, "delete_thread failed", status, &nothing);
}

/* ---- questions ---- */

static cairn_call_t *begin(saver_door_t *door, saver_call_t *call)
{
    cairn_call_t *own = (cairn_call_t *)call;
    own->client = door->client;
    return own;
}

static int started(saver_door_t *door, const char *what, int status, const cairn_req_t *req)
{
    if (status == 0) return 0;
    describe(door->client, what, status, req);
    return -1;
}

static int put(saver_door_t *door, saver_call_t *call, const cairn_checkpoint_ref_t *parent,
               const cairn_checkpoint_t *checkpoint, cairn_slice_t metadata)
{
    cairn_saver_put_t *req = &begin(door, call)->put;
    req->req.data = call;
    int status = cairn_saver_put(saver_of(door), req, parent, checkpoint, metadata, NULL, on_put);
    return started(door, "cannot put", status, &req->req);
}

static int put_writes(saver_door_t *door, saver_call_t *call, const cairn_checkpoint_ref_t *at,
                      const cairn_task_writes_t *writes)
{
    cairn_saver_put_t *req = &begin(door, call)->put;
    cairn_ttl_t as_the_saver_says = {0};
    req->req.data = call;
    int status = cairn_saver_put_writes(saver_of(door), req, at, writes, as_the_saver_says, on_put);
    return started(door, "cannot put writes", status, &req->req);
}

static int get(saver_door_t *door, saver_call_t *call, const cairn_checkpoint_ref_t *at)
{
    cairn_saver_get_t *req = &begin(door, call)->get;
    req->req.data = call;
    int status = cairn_saver_get(saver_of(door), req, at, NULL, on_get);
    return started(door, "cannot get", status, &req->req);
}

static int list(saver_door_t *door, saver_call_t *call, cairn_slice_t thread_id, uint32_t limit)
{
    cairn_saver_list_t *req = &begin(door, call)->list;
    cairn_saver_query_t query = {
        .thread_id = thread_id,
        .checkpoint_ns = cairn_str(""),
        .paging = {.limit = cairn_limit(limit), .page_size = limit},
    };
    req->req.data = call;
    int status = cairn_saver_list(saver_of(door), req, &query, on_list);
    return started(door, "cannot list", status, &req->req);
}

static int drop(saver_door_t *door, saver_call_t *call, cairn_slice_t thread_id, steps_t *steps,
                uint32_t last)
{
    (void)steps, (void)last;
    cairn_saver_delete_t *req = &begin(door, call)->drop;
    req->req.data = call;
    req->req.timeout_ms = CAIRN_NO_TIMEOUT;
    int status = cairn_saver_delete_thread(saver_of(door), req, thread_id, on_dropped);
    return started(door, "cannot delete a thread", status, &req->req);
}

const saver_ops_t saver_bench_cairn = {
    .call_size = sizeof(cairn_call_t),
    .open = open_door,
    .put = put,
    .put_writes = put_writes,
    .get = get,
    .list = list,
    .drop = drop,
    .destroy = destroy,
};
