/* The operations of run streams: carried out at once, in the order of their calls, and answered
 * from the loop, behind what they push. What an answer consists of is put together at once, too, so
 * that it shows the state of its turn. */
#include "mem_backend.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

_Static_assert(MEM_WORDS <= CAIRN_REQ_SCRATCH, "what a request needs fits");

static const cairn_host_t *host_of(const cairn_req_t *req)
{
    return (const cairn_host_t *)(uintptr_t)req->scratch[MEM_HOST];
}

static const cairn_stream_done_t *done_of(const cairn_req_t *req)
{
    return host_of(req)->api->stream;
}

static mem_stream_answer_t *answer_of(const cairn_req_t *req)
{
    return (mem_stream_answer_t *)(uintptr_t)req->scratch[MEM_ANSWER];
}

void mem_stream_answer_free(mem_stream_answer_t *answer)
{
    if (!answer) return;
    for (size_t i = 0; i < answer->count; i++) mem_event_release(answer->events[i]);
    cairn_arena_free(&answer->arena);
    cairn_free(answer);
}

/* ---- from the loop ---- */

static void run_append(cairn_task_t *task)
{
    cairn_stream_append_t *req = CAIRN_CONTAINER_OF(task, cairn_stream_append_t, req.task);
    mem_stream_answer_t *answer = answer_of(&req->req);
    done_of(&req->req)->append_done(req, &answer->appended);
    mem_stream_answer_free(answer);
}

static void run_read(cairn_task_t *task)
{
    cairn_stream_read_t *req = CAIRN_CONTAINER_OF(task, cairn_stream_read_t, req.task);
    mem_stream_answer_t *answer = answer_of(&req->req);
    done_of(&req->req)->read_done(req, &answer->page);
    mem_stream_answer_free(answer);
}

static void run_count(cairn_task_t *task)
{
    cairn_stream_count_t *req = CAIRN_CONTAINER_OF(task, cairn_stream_count_t, req.task);
    done_of(&req->req)->count_done(req, req->req.scratch[MEM_NUMBER]);
}

static void run_info(cairn_task_t *task)
{
    cairn_stream_info_t *req = CAIRN_CONTAINER_OF(task, cairn_stream_info_t, req.task);
    mem_stream_answer_t *answer = answer_of(&req->req);
    done_of(&req->req)->info_done(req, answer ? &answer->facts : NULL);
    mem_stream_answer_free(answer);
}

static void run_ttl(cairn_task_t *task)
{
    cairn_stream_ttl_t *req = CAIRN_CONTAINER_OF(task, cairn_stream_ttl_t, req.task);
    done_of(&req->req)->ttl_done(req, (int64_t)req->req.scratch[MEM_NUMBER]);
}

static void run_change(cairn_task_t *task)
{
    cairn_group_change_t *req = CAIRN_CONTAINER_OF(task, cairn_group_change_t, req.task);
    done_of(&req->req)->change_done(req, req->req.scratch[MEM_NUMBER]);
}

static void run_group_info(cairn_task_t *task)
{
    cairn_group_info_t *req = CAIRN_CONTAINER_OF(task, cairn_group_info_t, req.task);
    mem_stream_answer_t *answer = answer_of(&req->req);
    done_of(&req->req)->group_info_done(req, &answer->group_facts);
    mem_stream_answer_free(answer);
}

static void run_group_read(cairn_task_t *task)
{
    cairn_group_read_t *req = CAIRN_CONTAINER_OF(task, cairn_group_read_t, req.task);
    mem_group_read_answer(req, 0, answer_of(&req->req));
}

void mem_group_read_answer(cairn_group_read_t *req, int rc, mem_stream_answer_t *answer)
{
    const cairn_host_t *host = host_of(&req->req);
    if (rc < 0) {
        host->api->fail(&req->req, rc, cairn_str(NULL));
    } else {
        host->api->stream->group_read_done(req, answer->deliveries, answer->count);
    }
    mem_stream_answer_free(answer);
}

static const char *words_for(int status)
{
    switch (status) {
    case UV_EPIPE:
        return "the stream has ended";
    case UV_EEXIST:
        return "the stream does not end at expected_last, or the target exists";
    default:
        return "there is no such group";
    }
}

static void run_fail(cairn_task_t *task)
{
    cairn_req_t *req = CAIRN_CONTAINER_OF(task, cairn_req_t, task);
    int status = (int)(int64_t)req->scratch[MEM_STATUS];
    host_of(req)->api->fail(req, status, cairn_str(words_for(status)));
}

/* ---- at the call ---- */

/* What there is at the time of the call. */
static mem_streams_t *streams_of(mem_backend_t *mem)
{
    mem_streams_expire(&mem->streams, mem->host->api->now_ms(mem->host));
    return &mem->streams;
}

/* Answers later, unless `rc` is a refusal: then the answer is not needed. */
static int answer_later(mem_backend_t *mem, cairn_req_t *req, void (*run)(cairn_task_t *),
                        uint64_t number, mem_stream_answer_t *answer, int rc)
{
    if (rc < 0) {
        mem_stream_answer_free(answer);
        answer = NULL;
    }
    if (rc == UV_ENOMEM) return rc;
    req->scratch[MEM_HOST] = (uintptr_t)mem->host;
    req->scratch[MEM_NUMBER] = number;
    req->scratch[MEM_ANSWER] = (uintptr_t)answer;
    req->scratch[MEM_STATUS] = (uint64_t)(int64_t)rc;
    req->task.run = rc < 0 ? run_fail : run;
    mem->host->api->defer(mem->host, &req->task);
    return 0;
}

void mem_stream_forget(cairn_req_t *req)
{
    void (*run)(cairn_task_t *) = req->task.run;
    if (run == run_append || run == run_read || run == run_info || run == run_group_info ||
        run == run_group_read) {
        mem_stream_answer_free(answer_of(req));
    } else if (run == mem_wait_gone) {
        mem_wait_free((mem_wait_t *)(uintptr_t)req->scratch[MEM_ANSWER]);
    }
}

static mem_stream_answer_t *new_answer(void)
{
    return cairn_calloc(1, sizeof(mem_stream_answer_t));
}

/* ---- streams ---- */

static int append(void *self, cairn_stream_append_t *req, const cairn_stream_append_args_t *args)
{
    mem_stream_answer_t *answer = new_answer();
    if (!answer) return UV_ENOMEM;
    int rc = mem_stream_append(streams_of(self), args, &answer->appended);
    return answer_later(self, &req->req, run_append, 0, answer, rc);
}

static int read_page(void *self, cairn_stream_read_t *req, const cairn_stream_read_args_t *args)
{
    mem_stream_answer_t *answer = new_answer();
    if (!answer) return UV_ENOMEM;
    int rc = mem_stream_read(streams_of(self), args, answer);
    return answer_later(self, &req->req, run_read, 0, answer, rc);
}

static int clear(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    uint64_t events = mem_stream_clear(streams_of(self), stream);
    return answer_later(self, &req->req, run_count, events, NULL, 0);
}

static int length(void *self, cairn_stream_count_t *req, cairn_slice_t id)
{
    const mem_stream_t *stream = mem_stream_find(streams_of(self), id);
    return answer_later(self, &req->req, run_count, stream ? stream->count : 0, NULL, 0);
}

static int exists(void *self, cairn_stream_count_t *req, cairn_slice_t id)
{
    const mem_stream_t *stream = mem_stream_find(streams_of(self), id);
    return answer_later(self, &req->req, run_count, stream != NULL, NULL, 0);
}

static int copy(void *self, cairn_stream_count_t *req, const cairn_stream_copy_args_t *args)
{
    uint64_t events;
    int rc = mem_stream_copy(streams_of(self), args, &events);
    return answer_later(self, &req->req, run_count, events, NULL, rc);
}

static int info(void *self, cairn_stream_info_t *req, cairn_slice_t id)
{
    mem_streams_t *streams = streams_of(self);
    if (!mem_stream_find(streams, id)) return answer_later(self, &req->req, run_info, 0, NULL, 0);
    mem_stream_answer_t *answer = new_answer();
    if (!answer) return UV_ENOMEM;
    int rc = mem_stream_info(streams, id, answer);
    return answer_later(self, &req->req, run_info, 0, answer, rc);
}

static int ttl(void *self, cairn_stream_ttl_t *req, cairn_slice_t id)
{
    const mem_stream_t *stream = mem_stream_find(streams_of(self), id);
    int64_t ttl_ms = stream ? mem_stream_ttl(stream) : CAIRN_TTL_ABSENT;
    return answer_later(self, &req->req, run_ttl, (uint64_t)ttl_ms, NULL, 0);
}

static int set_ttl(void *self, cairn_stream_ttl_t *req, cairn_slice_t id, int64_t ttl_ms)
{
    mem_stream_t *stream = mem_stream_find(streams_of(self), id);
    if (stream) mem_stream_set_ttl(stream, ttl_ms);
    if (!stream) ttl_ms = CAIRN_TTL_ABSENT;
    return answer_later(self, &req->req, run_ttl, (uint64_t)ttl_ms, NULL, 0);
}

/* ---- groups ---- */

static int group_create(void *self, cairn_group_change_t *req,
                        const cairn_group_create_args_t *args)
{
    uint64_t count;
    int rc = mem_group_create(streams_of(self), args, &count);
    return answer_later(self, &req->req, run_change, count, NULL, rc);
}

static int group_destroy(void *self, cairn_group_change_t *req, cairn_slice_t stream,
                         cairn_slice_t group)
{
    int rc = mem_group_destroy(streams_of(self), stream, group);
    return answer_later(self, &req->req, run_change, 1, NULL, rc);
}

static int group_ack(void *self, cairn_group_change_t *req, const cairn_group_ack_args_t *args)
{
    uint64_t count;
    int rc = mem_group_ack(streams_of(self), args, &count);
    return answer_later(self, &req->req, run_change, count, NULL, rc);
}

static int group_nak(void *self, cairn_group_change_t *req, const cairn_group_ack_args_t *args)
{
    uint64_t count;
    int rc = mem_group_nak(streams_of(self), args, &count);
    return answer_later(self, &req->req, run_change, count, NULL, rc);
}

static int group_read(void *self, cairn_group_read_t *req, const cairn_group_read_args_t *args)
{
    mem_backend_t *mem = self;
    mem_group_t *group = mem_group_find(streams_of(mem), args->stream, args->group);
    if (!group) return answer_later(mem, &req->req, run_group_read, 0, NULL, UV_ENOENT);
    mem_stream_answer_t *answer = new_answer();
    if (!answer) return UV_ENOMEM;
    int rc = mem_group_read(group, args->member, args->most, answer);
    if (rc < 0 || answer->count > 0 || args->wait_ms == 0)
        return answer_later(mem, &req->req, run_group_read, 0, answer, rc);
    mem_stream_answer_free(answer);
    req->req.scratch[MEM_HOST] = (uintptr_t)mem->host;
    return mem_wait_start(group, req, args);
}

static int group_claim(void *self, cairn_group_read_t *req, const cairn_group_read_args_t *args)
{
    mem_stream_answer_t *answer = new_answer();
    if (!answer) return UV_ENOMEM;
    int rc = mem_group_claim(streams_of(self), args, answer);
    return answer_later(self, &req->req, run_group_read, 0, answer, rc);
}

static int group_info(void *self, cairn_group_info_t *req, cairn_slice_t stream,
                      cairn_slice_t group)
{
    mem_stream_answer_t *answer = new_answer();
    if (!answer) return UV_ENOMEM;
    int rc = mem_group_info(streams_of(self), stream, group, answer);
    return answer_later(self, &req->req, run_group_info, 0, answer, rc);
}

const cairn_stream_ops_t mem_stream_ops = {
    .size = sizeof(cairn_stream_ops_t),
    .append = append,
    .read = read_page,
    .clear = clear,
    .length = length,
    .exists = exists,
    .copy = copy,
    .info = info,
    .ttl = ttl,
    .set_ttl = set_ttl,
    .feed_open = mem_feed_open,
    .feed_close = mem_feed_close,
    .group_create = group_create,
    .group_destroy = group_destroy,
    .group_ack = group_ack,
    .group_nak = group_nak,
    .group_read = group_read,
    .group_claim = group_claim,
    .group_info = group_info,
};
