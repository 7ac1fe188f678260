/* The saver's operations: carried out at once, in the order of their calls, and answered from the
 * loop. What an answer consists of is put together at once, too, so that it shows the state of its
 * turn. */
#include "mem_backend.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

_Static_assert(sizeof(uintptr_t) <= sizeof(uint64_t), "a pointer fits into a word of scratch");

/* Words of a request's scratch. */
enum {
    HOST,
    NUMBER, /* what is to be told: how many, what TTL */
    ANSWER  /* answer_t, freed behind the callback; of get, list and history */
};

typedef struct answer {
    cairn_arena_t arena;
    const cairn_checkpoint_tuple_t *tuple;
    cairn_saver_page_t page;
    cairn_channel_history_t *channels;
    size_t count;
} answer_t;

static const cairn_saver_done_t *done_of(const cairn_req_t *req)
{
    return ((const cairn_host_t *)(uintptr_t)req->scratch[HOST])->api->saver;
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

static void run_put(cairn_task_t *task)
{
    cairn_saver_put_t *req = CAIRN_CONTAINER_OF(task, cairn_saver_put_t, req.task);
    done_of(&req->req)->put_done(req);
}

static void run_get(cairn_task_t *task)
{
    cairn_saver_get_t *req = CAIRN_CONTAINER_OF(task, cairn_saver_get_t, req.task);
    answer_t *answer = answer_of(&req->req);
    done_of(&req->req)->get_done(req, answer->tuple);
    free_answer(answer);
}

static void run_list(cairn_task_t *task)
{
    cairn_saver_list_t *req = CAIRN_CONTAINER_OF(task, cairn_saver_list_t, req.task);
    answer_t *answer = answer_of(&req->req);
    done_of(&req->req)->list_done(req, &answer->page);
    free_answer(answer);
}

static void run_delete(cairn_task_t *task)
{
    cairn_saver_delete_t *req = CAIRN_CONTAINER_OF(task, cairn_saver_delete_t, req.task);
    done_of(&req->req)->delete_done(req, req->req.scratch[NUMBER]);
}

static void run_copy(cairn_task_t *task)
{
    cairn_saver_copy_t *req = CAIRN_CONTAINER_OF(task, cairn_saver_copy_t, req.task);
    done_of(&req->req)->copy_done(req, req->req.scratch[NUMBER]);
}

static void run_copy_refused(cairn_task_t *task)
{
    cairn_req_t *req = CAIRN_CONTAINER_OF(task, cairn_req_t, task);
    const cairn_host_t *host = (const cairn_host_t *)(uintptr_t)req->scratch[HOST];
    host->api->fail(req, UV_EEXIST, cairn_str("the target thread exists"));
}

static void run_history(cairn_task_t *task)
{
    cairn_saver_history_t *req = CAIRN_CONTAINER_OF(task, cairn_saver_history_t, req.task);
    answer_t *answer = answer_of(&req->req);
    done_of(&req->req)->history_done(req, answer->channels, answer->count);
    free_answer(answer);
}

static void run_ttl(cairn_task_t *task)
{
    cairn_saver_ttl_t *req = CAIRN_CONTAINER_OF(task, cairn_saver_ttl_t, req.task);
    done_of(&req->req)->ttl_done(req, (int64_t)req->req.scratch[NUMBER]);
}

/* ---- when nobody calls ---- */

static void on_wake(cairn_deadline_t *deadline);

static void wake_in_time(mem_backend_t *mem)
{
    mem_wake_by(&mem->saver_wake, mem->host, mem_expires_next_ms(&mem->saver), on_wake);
}

static void on_wake(cairn_deadline_t *deadline)
{
    mem_backend_t *mem = CAIRN_CONTAINER_OF(mem_wake_ended(deadline), mem_backend_t, saver_wake);
    mem_expire(&mem->saver, mem->host->api->now_ms(mem->host));
    wake_in_time(mem);
}

void mem_saver_close(mem_backend_t *mem)
{
    mem_wake_stop(&mem->saver_wake, mem->host);
    mem_saver_clear(&mem->saver);
}

/* ---- at the call ---- */

/* What there is at the time of the call. */
static mem_saver_t *saver_of(mem_backend_t *mem)
{
    mem_expire(&mem->saver, mem->host->api->now_ms(mem->host));
    return &mem->saver;
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

void mem_saver_forget(cairn_req_t *req)
{
    void (*run)(cairn_task_t *) = req->task.run;
    if (run == run_get || run == run_list || run == run_history) free_answer(answer_of(req));
}

static int put(void *self, cairn_saver_put_t *req, const cairn_saver_put_args_t *args)
{
    int rc = mem_put(saver_of(self), args);
    return rc < 0 ? rc : answer_later(self, &req->req, run_put, 0, NULL);
}

static int put_writes(void *self, cairn_saver_put_t *req, const cairn_saver_put_writes_args_t *args)
{
    int rc = mem_put_writes(saver_of(self), args);
    return rc < 0 ? rc : answer_later(self, &req->req, run_put, 0, NULL);
}

static int read_one(mem_saver_t *saver, const cairn_saver_get_args_t *args, answer_t *answer)
{
    mem_object_t *object = mem_find(saver, &args->at);
    if (!object) return 0;
    cairn_checkpoint_tuple_t *tuple = cairn_arena_alloc(&answer->arena, 1, sizeof *tuple);
    int rc = tuple ? mem_tuple(&answer->arena, object, args->headers_only, tuple) : UV_ENOMEM;
    if (rc < 0) return rc;
    answer->tuple = tuple;
    if (args->terms.refresh) mem_ttl_refresh(saver, object, &args->terms);
    return 0;
}

/* Answers later, unless `rc` refuses: then the answer is not needed. */
static int answer_or_refuse(mem_backend_t *mem, cairn_req_t *req, void (*run)(cairn_task_t *),
                            answer_t *answer, int rc)
{
    if (rc == 0) return answer_later(mem, req, run, 0, answer);
    free_answer(answer);
    return rc;
}

static int get(void *self, cairn_saver_get_t *req, const cairn_saver_get_args_t *args)
{
    answer_t *answer = cairn_calloc(1, sizeof *answer);
    if (!answer) return UV_ENOMEM;
    int rc = read_one(saver_of(self), args, answer);
    return answer_or_refuse(self, &req->req, run_get, answer, rc);
}

static int list(void *self, cairn_saver_list_t *req, const cairn_saver_list_args_t *args)
{
    answer_t *answer = cairn_calloc(1, sizeof *answer);
    if (!answer) return UV_ENOMEM;
    int rc = mem_list(saver_of(self), args, &answer->arena, &answer->page);
    return answer_or_refuse(self, &req->req, run_list, answer, rc);
}

static int history(void *self, cairn_saver_history_t *req, const cairn_saver_history_args_t *args)
{
    answer_t *answer = cairn_calloc(1, sizeof *answer);
    if (!answer) return UV_ENOMEM;
    answer->count = args->count;
    int rc = mem_history(saver_of(self), args, &answer->arena, &answer->channels);
    return answer_or_refuse(self, &req->req, run_history, answer, rc);
}

static int delete_thread(void *self, cairn_saver_delete_t *req, cairn_slice_t thread_id)
{
    mem_saver_t *saver = saver_of(self);
    mem_thread_t *thread = mem_thread_find(saver, thread_id);
    uint64_t checkpoints = thread ? mem_thread_delete(saver, thread) : 0;
    return answer_later(self, &req->req, run_delete, checkpoints, NULL);
}

static int delete_for_runs(void *self, cairn_saver_delete_t *req, const cairn_slice_t *run_ids,
                           size_t count)
{
    uint64_t checkpoints = mem_delete_runs(saver_of(self), run_ids, count);
    return answer_later(self, &req->req, run_delete, checkpoints, NULL);
}

static int prune(void *self, cairn_saver_delete_t *req, const cairn_saver_prune_args_t *args)
{
    uint64_t checkpoints;
    int rc = mem_prune(saver_of(self), args, &checkpoints);
    return rc < 0 ? rc : answer_later(self, &req->req, run_delete, checkpoints, NULL);
}

static int copy_thread(void *self, cairn_saver_copy_t *req, cairn_slice_t source,
                       cairn_slice_t target)
{
    uint64_t checkpoints;
    int rc = mem_copy_thread(saver_of(self), source, target, &checkpoints);
    if (rc == UV_EEXIST) return answer_later(self, &req->req, run_copy_refused, 0, NULL);
    return rc < 0 ? rc : answer_later(self, &req->req, run_copy, checkpoints, NULL);
}

static int ttl(void *self, cairn_saver_ttl_t *req, const cairn_saver_ttl_args_t *args)
{
    int64_t left_ms = mem_ttl(saver_of(self), args);
    return answer_later(self, &req->req, run_ttl, (uint64_t)left_ms, NULL);
}

static int set_ttl(void *self, cairn_saver_ttl_t *req, const cairn_saver_ttl_args_t *args)
{
    int64_t set_ms = mem_set_ttl(saver_of(self), args);
    return answer_later(self, &req->req, run_ttl, (uint64_t)set_ms, NULL);
}

static int sweep_ttl(void *self, cairn_saver_delete_t *req)
{
    return answer_later(self, &req->req, run_delete, 0, NULL);
}

const cairn_saver_ops_t mem_saver_ops = {
    .size = sizeof(cairn_saver_ops_t),
    .put = put,
    .put_writes = put_writes,
    .get = get,
    .list = list,
    .delete_thread = delete_thread,
    .delete_for_runs = delete_for_runs,
    .prune = prune,
    .copy_thread = copy_thread,
    .history = history,
    .ttl = ttl,
    .set_ttl = set_ttl,
    .sweep_ttl = sweep_ttl,
};
