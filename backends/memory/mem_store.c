/* The store's operations: carried out at once, in the order of their calls, and answered from the
 * loop. What an answer consists of is put together at once, too, so that it shows the state of its
 * turn. */
#include "mem_backend.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

/* Words of a request's scratch. */
enum {
    HOST,
    NUMBER, /* what is to be told: whether, how many, what TTL */
    ANSWER  /* answer_t, freed behind the callback; of get, search, list and batch */
};

typedef struct answer {
    cairn_arena_t arena;
    const cairn_item_t *item;
    cairn_store_page_t page;
    cairn_namespace_page_t namespaces;
    cairn_store_result_t *results;
    size_t count;
} answer_t;

static const cairn_store_done_t *done_of(const cairn_req_t *req)
{
    return ((const cairn_host_t *)(uintptr_t)req->scratch[HOST])->api->store;
}

static answer_t *answer_of(const cairn_req_t *req)
{
    return (answer_t *)(uintptr_t)req->scratch[ANSWER];
}

static void free_answer(answer_t *answer)
{
    cairn_arena_free(&answer->arena);
    cairn_free(answer);
}

/* ---- from the loop ---- */

static void run_get(cairn_task_t *task)
{
    cairn_store_get_t *req = CAIRN_CONTAINER_OF(task, cairn_store_get_t, req.task);
    answer_t *answer = answer_of(&req->req);
    done_of(&req->req)->get_done(req, answer->item);
    free_answer(answer);
}

static void run_put(cairn_task_t *task)
{
    cairn_store_put_t *req = CAIRN_CONTAINER_OF(task, cairn_store_put_t, req.task);
    done_of(&req->req)->put_done(req, req->req.scratch[NUMBER] != 0);
}

static void run_search(cairn_task_t *task)
{
    cairn_store_search_t *req = CAIRN_CONTAINER_OF(task, cairn_store_search_t, req.task);
    answer_t *answer = answer_of(&req->req);
    done_of(&req->req)->search_done(req, &answer->page);
    free_answer(answer);
}

static void run_list(cairn_task_t *task)
{
    cairn_store_list_t *req = CAIRN_CONTAINER_OF(task, cairn_store_list_t, req.task);
    answer_t *answer = answer_of(&req->req);
    done_of(&req->req)->list_done(req, &answer->namespaces);
    free_answer(answer);
}

static void run_batch(cairn_task_t *task)
{
    cairn_store_batch_t *req = CAIRN_CONTAINER_OF(task, cairn_store_batch_t, req.task);
    answer_t *answer = answer_of(&req->req);
    done_of(&req->req)->batch_done(req, answer->results, answer->count);
    free_answer(answer);
}

static void run_count(cairn_task_t *task)
{
    cairn_store_count_t *req = CAIRN_CONTAINER_OF(task, cairn_store_count_t, req.task);
    done_of(&req->req)->count_done(req, req->req.scratch[NUMBER]);
}

static void run_ttl(cairn_task_t *task)
{
    cairn_store_ttl_t *req = CAIRN_CONTAINER_OF(task, cairn_store_ttl_t, req.task);
    done_of(&req->req)->ttl_done(req, (int64_t)req->req.scratch[NUMBER]);
}

void mem_store_forget(cairn_req_t *req)
{
    void (*run)(cairn_task_t *) = req->task.run;
    if (run == run_get || run == run_search || run == run_list || run == run_batch)
        free_answer(answer_of(req));
}

/* ---- when nobody calls ---- */

static void on_wake(cairn_deadline_t *deadline);

static void wake_in_time(mem_backend_t *mem)
{
    mem_wake_by(&mem->store_wake, mem->host, mem_store_expires_next_ms(&mem->store), on_wake);
}

static void on_wake(cairn_deadline_t *deadline)
{
    mem_backend_t *mem = CAIRN_CONTAINER_OF(mem_wake_ended(deadline), mem_backend_t, store_wake);
    mem_store_expire(&mem->store, mem->host->api->now_ms(mem->host));
    wake_in_time(mem);
}

void mem_store_close(mem_backend_t *mem)
{
    mem_wake_stop(&mem->store_wake, mem->host);
    mem_store_clear(&mem->store);
}

/* ---- at the call ---- */

static int64_t time_of_day_us(void)
{
    uv_timeval64_t now;
    if (uv_gettimeofday(&now) != 0) return 0;
    return now.tv_sec * 1000000 + now.tv_usec;
}

/* What there is at the time of the call, which no other call has. */
static mem_store_t *store_of(mem_backend_t *mem)
{
    mem_store_t *store = &mem->store;
    mem_store_expire(store, mem->host->api->now_ms(mem->host));
    int64_t now_us = time_of_day_us();
    store->now_us = now_us > store->now_us ? now_us : store->now_us + 1;
    return store;
}

static int answer_later(mem_backend_t *mem, cairn_req_t *req, void (*run)(cairn_task_t *),
                        uint64_t number, answer_t *answer)
{
    req->scratch[HOST] = (uintptr_t)mem->host;
    req->scratch[NUMBER] = number;
    req->scratch[ANSWER] = (uintptr_t)answer;
    req->task.run = run;
    wake_in_time(mem);
    mem->host->api->defer(mem->host, &req->task);
    return 0;
}

/* The reads refresh what they tell once nothing can fail any more. */
static int end_reading(mem_backend_t *mem, cairn_req_t *req, void (*run)(cairn_task_t *), int rc,
                       const mem_reader_t *reader, answer_t *answer)
{
    if (rc < 0) {
        free_answer(answer);
        return rc;
    }
    if (reader) mem_reader_refresh(reader);
    return answer_later(mem, req, run, 0, answer);
}

static int get(void *self, cairn_store_get_t *req, const cairn_store_get_args_t *args)
{
    answer_t *answer = cairn_calloc(1, sizeof *answer);
    if (!answer) return UV_ENOMEM;
    mem_reader_t reader = mem_reader(store_of(self), &answer->arena);
    int rc = mem_store_get(&reader, args, &answer->item);
    return end_reading(self, &req->req, run_get, rc, &reader, answer);
}

static int put(void *self, cairn_store_put_t *req, const cairn_store_put_args_t *args)
{
    mem_store_t *store = store_of(self);
    mem_change_t change;
    int rc = mem_change_prepare(store, args, &change);
    if (rc < 0) return rc;
    mem_change_apply(store, &change);
    return answer_later(self, &req->req, run_put, change.existed, NULL);
}

static int search(void *self, cairn_store_search_t *req, const cairn_store_search_args_t *args)
{
    answer_t *answer = cairn_calloc(1, sizeof *answer);
    if (!answer) return UV_ENOMEM;
    mem_reader_t reader = mem_reader(store_of(self), &answer->arena);
    int rc = mem_store_search(&reader, args, &answer->page);
    return end_reading(self, &req->req, run_search, rc, &reader, answer);
}

static int list_namespaces(void *self, cairn_store_list_t *req, const cairn_store_list_args_t *args)
{
    answer_t *answer = cairn_calloc(1, sizeof *answer);
    if (!answer) return UV_ENOMEM;
    mem_reader_t reader = mem_reader(store_of(self), &answer->arena);
    int rc = mem_store_list(&reader, args, &answer->namespaces);
    return end_reading(self, &req->req, run_list, rc, &reader, answer);
}

static int batch(void *self, cairn_store_batch_t *req, const cairn_store_step_t *steps,
                 size_t count)
{
    answer_t *answer = cairn_calloc(1, sizeof *answer);
    if (!answer) return UV_ENOMEM;
    mem_reader_t reader = mem_reader(store_of(self), &answer->arena);
    int rc = mem_store_batch(&reader, steps, count, &answer->results);
    answer->count = count;
    return end_reading(self, &req->req, run_batch, rc, NULL, answer);
}

static int count_items(void *self, cairn_store_count_t *req, cairn_namespace_t prefix,
                       cairn_slice_t filter)
{
    uint64_t items;
    int rc = mem_store_count(store_of(self), prefix, filter, &items);
    return rc < 0 ? rc : answer_later(self, &req->req, run_count, items, NULL);
}

static int find(mem_store_t *store, cairn_namespace_t ns, cairn_slice_t key, mem_item_t **out)
{
    mem_path_t path;
    int rc = mem_path_make(&path, ns);
    if (rc < 0) return rc;
    const mem_shelf_t *shelf = mem_shelf_find(store, path.bytes);
    *out = shelf ? mem_item_find(shelf, key) : NULL;
    mem_path_free(&path);
    return 0;
}

static int ttl(void *self, cairn_store_ttl_t *req, cairn_namespace_t ns, cairn_slice_t key)
{
    mem_store_t *store = store_of(self);
    mem_item_t *item;
    int rc = find(store, ns, key, &item);
    int64_t left_ms = rc == 0 && item ? mem_item_left(store, item) : CAIRN_TTL_ABSENT;
    return rc < 0 ? rc : answer_later(self, &req->req, run_ttl, (uint64_t)left_ms, NULL);
}

static int set_ttl(void *self, cairn_store_ttl_t *req, cairn_namespace_t ns, cairn_slice_t key,
                   int64_t ttl_ms)
{
    mem_store_t *store = store_of(self);
    mem_item_t *item;
    int rc = find(store, ns, key, &item);
    if (rc < 0) return rc;
    if (item) mem_item_live(store, item, ttl_ms);
    int64_t set_ms = item ? ttl_ms : CAIRN_TTL_ABSENT;
    return answer_later(self, &req->req, run_ttl, (uint64_t)set_ms, NULL);
}

static int sweep_ttl(void *self, cairn_store_count_t *req)
{
    return answer_later(self, &req->req, run_count, 0, NULL);
}

const cairn_store_ops_t mem_store_ops = {
    .size = sizeof(cairn_store_ops_t),
    .get = get,
    .put = put,
    .search = search,
    .list_namespaces = list_namespaces,
    .batch = batch,
    .count = count_items,
    .ttl = ttl,
    .set_ttl = set_ttl,
    .sweep_ttl = sweep_ttl,
};
