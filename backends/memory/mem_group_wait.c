/* Reads that wait: in the order they came, until there is something, the time is up, or the group
 * is gone. */
#include "mem_stream.h"

#include <cairn/sys/alloc.h>
#include <string.h>
#include <uv.h>

static mem_wait_t *wait_at(mem_node_t *node)
{
    return CAIRN_CONTAINER_OF(node, mem_wait_t, node);
}

static const cairn_host_t *host_of(const mem_wait_t *wait)
{
    return (const cairn_host_t *)(uintptr_t)wait->req->req.scratch[MEM_HOST];
}

void mem_wait_free(mem_wait_t *wait)
{
    const cairn_host_t *host = host_of(wait);
    host->api->deadline_stop(host, &wait->deadline);
    if (wait->group) mem_map_remove(&wait->group->waits, &wait->node);
    cairn_free(wait);
}

static void end(mem_wait_t *wait, int rc, mem_stream_answer_t *answer)
{
    cairn_group_read_t *req = wait->req;
    mem_wait_free(wait);
    mem_group_read_answer(req, rc, answer);
}

/* From when on it pays to look again. */
static void arm(mem_wait_t *wait)
{
    const cairn_host_t *host = host_of(wait);
    uint64_t now_ms = host->api->now_ms(host);
    uint64_t due_ms = mem_group_due_ms(wait->group);
    if (due_ms > wait->until_ms) due_ms = wait->until_ms;
    host->api->deadline_stop(host, &wait->deadline);
    host->api->deadline_start(host, &wait->deadline, due_ms > now_ms ? due_ms - now_ms : 0);
}

/* Whether it has ended. */
static bool look(mem_wait_t *wait)
{
    mem_streams_t *streams = wait->group->stream->streams;
    mem_stream_answer_t *answer = cairn_calloc(1, sizeof *answer);
    int rc = answer ? mem_group_read(wait->group, wait->member, wait->most, answer) : UV_ENOMEM;
    if (rc < 0 || answer->count > 0 || streams->now_ms >= wait->until_ms) {
        end(wait, rc, answer);
        return true;
    }
    mem_stream_answer_free(answer);
    arm(wait);
    return false;
}

static void expire(cairn_deadline_t *deadline)
{
    mem_wait_t *wait = CAIRN_CONTAINER_OF(deadline, mem_wait_t, deadline);
    const cairn_host_t *host = host_of(wait);
    mem_streams_expire(wait->group->stream->streams, host->api->now_ms(host));
    if (!wait->group) return;
    mem_stream_push_later(wait->group->stream); /* for those behind it */
    look(wait);
}

int mem_wait_start(mem_group_t *group, cairn_group_read_t *req, const cairn_group_read_args_t *args)
{
    mem_wait_t *wait = cairn_calloc(1, sizeof *wait + args->member.len);
    if (!wait) return UV_ENOMEM;
    if (args->member.len) memcpy(wait->text, args->member.ptr, args->member.len);
    wait->member = cairn_slice(wait->text, args->member.len);
    wait->group = group;
    wait->req = req;
    wait->most = args->most;
    wait->until_ms = group->stream->streams->now_ms + args->wait_ms;
    wait->deadline.expire = expire;
    wait->node.key = mem_number_key(wait->key, ++group->waited);
    mem_map_insert(&group->waits, &wait->node);
    req->req.scratch[MEM_ANSWER] = (uintptr_t)wait;
    req->req.task.run = mem_wait_gone;
    arm(wait);
    return 0;
}

/* A callback may end any wait or group: so after each, from the beginning. */
static bool wake_one(mem_stream_t *stream)
{
    for (mem_node_t *g = mem_map_first(&stream->groups); g; g = mem_map_next(g)) {
        const mem_group_t *group = CAIRN_CONTAINER_OF(g, mem_group_t, node);
        mem_node_t *first = mem_map_first(&group->waits);
        if (first && look(wait_at(first))) return true;
    }
    return false;
}

void mem_stream_wake(mem_stream_t *stream)
{
    while (wake_one(stream)) {
    }
}

void mem_wait_gone(cairn_task_t *task)
{
    cairn_req_t *req = CAIRN_CONTAINER_OF(task, cairn_req_t, task);
    mem_wait_t *wait = (mem_wait_t *)(uintptr_t)req->scratch[MEM_ANSWER];
    const cairn_host_t *host = host_of(wait);
    mem_wait_free(wait);
    host->api->fail(req, UV_ENOENT, cairn_str("the group is gone"));
}

void mem_waits_end(mem_group_t *group)
{
    for (mem_node_t *node; (node = mem_map_first(&group->waits));) {
        mem_wait_t *wait = wait_at(node);
        const cairn_host_t *host = host_of(wait);
        host->api->deadline_stop(host, &wait->deadline);
        mem_map_remove(&group->waits, node);
        wait->group = NULL;
        host->api->defer(host, &wait->req->req.task);
    }
}
