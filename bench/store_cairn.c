#include <cairn/store.h>
#include "store_ops.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    NAME_MAX_LEN = 24
};

typedef struct cairn_door {
    store_door_t base;
    cairn_store_t store;
    cairn_vector_index_t index;
} cairn_door_t;

typedef struct cairn_call {
    store_call_t base;
    store_door_t *door;
    union {
        cairn_store_get_t get;
        cairn_store_put_t put;
        cairn_store_batch_t batch;
        cairn_store_search_t search;
    } req;
} cairn_call_t;

static store_door_t *open_door(client_t *client, const store_work_t *work)
{
    cairn_door_t *door = calloc(1, sizeof *door);
    if (!door) return NULL;
    door->base = (store_door_t){.ops = &store_bench_cairn, .client = client, .work = work};
    door->index = (cairn_vector_index_t){.name = {"v", 1}, .dimensions = work->dimensions};
    const cairn_store_options_t options = {.indexes = &door->index,
                                           .index_count = work->dimensions ? 1 : 0};
    if (cairn_store_init(&door->store, client_cairn_handle(client), &options) == 0)
        return &door->base;
    free(door);
    return NULL;
}

static void destroy(store_door_t *door)
{
    free(door);
}

/* ---- answers ---- */

static void finish(const cairn_req_t *req, int status, uint64_t found)
{
    cairn_call_t *call = req->data;
    client_t *client = call->door->client;
    if (client->closing) return;
    if (status == 0) {
        call->base.on_done(&call->base, found);
        return;
    }
    cairn_slice_t why = req->detail.len > 0 ? req->detail : cairn_str(cairn_strerror(status));
    snprintf(client->error, sizeof client->error, "%.*s", (int)why.len, why.ptr);
    client->hooks->on_failed(client, client->error);
}

static uint64_t count_item(const cairn_req_t *req, const cairn_item_t *item)
{
    const cairn_call_t *call = req->data;
    return item && item->value.len == call->door->work->value ? 1 : UINT64_MAX;
}

static void on_put(cairn_store_put_t *req, int status, bool existed)
{
    (void)existed;
    finish(&req->req, status, 0);
}

static void on_got(cairn_store_get_t *req, int status, const cairn_item_t *item)
{
    finish(&req->req, status, status == 0 ? count_item(&req->req, item) : 0);
}

static void on_batch(cairn_store_batch_t *req, int status, const cairn_store_result_t *results,
                     size_t count)
{
    uint64_t found = 0;
    for (size_t i = 0; i < count && found != UINT64_MAX; i++) {
        if (results[i].type != CAIRN_STORE_GET) continue;
        found = count_item(&req->req, results[i].item) == 1 ? found + 1 : UINT64_MAX;
    }
    finish(&req->req, status, found);
}

static void on_found(cairn_store_search_t *req, int status, const cairn_store_page_t *page)
{
    finish(&req->req, status, status == 0 ? page->count : 0);
}

/* ---- questions ---- */

typedef struct name {
    char space[NAME_MAX_LEN], key[NAME_MAX_LEN];
    cairn_slice_t labels[2];
    cairn_namespace_t ns;
} name_t;

static void set_space(name_t *name, uint32_t space)
{
    int len = snprintf(name->space, sizeof name->space, "u%u", (unsigned)space);
    name->labels[0] = cairn_str("users");
    name->labels[1] = cairn_slice(name->space, (size_t)len);
    name->ns = (cairn_namespace_t){name->labels, 2};
}

static cairn_slice_t set_name(name_t *name, const store_work_t *work, uint32_t item)
{
    set_space(name, item % work->spaces);
    int len = snprintf(name->key, sizeof name->key, "k%u", (unsigned)(item / work->spaces));
    return cairn_slice(name->key, (size_t)len);
}

static int started(store_door_t *door, int status)
{
    if (status == 0) return 0;
    snprintf(door->client->error, sizeof door->client->error, "cannot submit: %s",
             cairn_strerror(status));
    return -1;
}

/* Each item has a place of its own: what a scan takes does not depend on where. */
static void place(const store_door_t *door, uint32_t item)
{
    for (uint32_t i = 0; i < door->work->dimensions; i++)
        door->vector[i] = (float)((item * 2654435761u + i * 40503u) >> 8 & 0xffff) / 65536.0f;
}

static cairn_vector_t vector_of(const store_door_t *door)
{
    return (cairn_vector_t){cairn_str("v"), door->vector, door->work->dimensions};
}

static int touch_one(store_door_t *door, cairn_call_t *call, const store_touch_t *touch)
{
    cairn_store_t *store = &((cairn_door_t *)door)->store;
    name_t name;
    const cairn_slice_t key = set_name(&name, door->work, touch->item);
    if (!touch->puts) {
        call->req.get.req.data = call;
        return cairn_store_get(store, &call->req.get, name.ns, key, CAIRN_REFRESH_DEFAULT, on_got);
    }
    const cairn_vector_t vector = vector_of(door);
    const cairn_store_put_options_t placed = {.vectors = &vector, .vector_count = 1};
    if (door->vector) place(door, touch->item);
    call->req.put.req.data = call;
    return cairn_store_put(store, &call->req.put, name.ns, key,
                           cairn_slice(door->value, door->work->value),
                           door->vector ? &placed : NULL, on_put);
}

static int touch_many(store_door_t *door, cairn_call_t *call, const store_touch_t *touches,
                      uint32_t count)
{
    static name_t names[STORE_BATCH_MAX];
    static cairn_store_op_t ops[STORE_BATCH_MAX];
    for (uint32_t i = 0; i < count; i++) {
        ops[i] = (cairn_store_op_t){
            .type = touches[i].puts ? CAIRN_STORE_PUT : CAIRN_STORE_GET,
            .key = set_name(&names[i], door->work, touches[i].item),
            .value = cairn_slice(door->value, door->work->value),
        };
        ops[i].ns = names[i].ns;
    }
    call->req.batch.req.data = call;
    return cairn_store_batch(&((cairn_door_t *)door)->store, &call->req.batch, ops, count,
                             on_batch);
}

static int touch(store_door_t *door, store_call_t *call, const store_touch_t *touches,
                 uint32_t count)
{
    cairn_call_t *own = (cairn_call_t *)call;
    own->door = door;
    memset(&own->req, 0, sizeof own->req);
    return started(door, count == 1 ? touch_one(door, own, touches)
                                    : touch_many(door, own, touches, count));
}

static int search(store_door_t *door, store_call_t *call, uint32_t space)
{
    cairn_call_t *own = (cairn_call_t *)call;
    name_t name;
    set_space(&name, space);
    const cairn_vector_t vector = vector_of(door);
    cairn_store_query_t query = {.prefix = name.ns, .paging.limit = cairn_limit(STORE_PAGE)};
    if (door->work->op == STORE_FILTER) query.filter = cairn_str("{\"n\":{\"$gte\":9}}");
    if (door->work->op == STORE_NEAR) {
        place(door, 7);
        query.near = &vector;
    }
    own->door = door;
    memset(&own->req, 0, sizeof own->req);
    own->req.search.req.data = own;
    return started(door, cairn_store_search(&((cairn_door_t *)door)->store, &own->req.search,
                                            &query, on_found));
}

const store_ops_t store_bench_cairn = {
    .call_size = sizeof(cairn_call_t),
    .open = open_door,
    .touch = touch,
    .search = search,
    .destroy = destroy,
};
