#include "redis_saver.h"

#include <cairn/sys/alloc.h>

/* ---- the beginnings of calls ---- */

#define KEYS 3

redis_space_t redis_space(cairn_slice_t thread_id, cairn_slice_t ns)
{
    return (redis_space_t){
        .thread_id = thread_id,
        .ns = ns,
        .thread_size = redis_escaped_size(thread_id),
        .ns_size = redis_escaped_size(ns),
        .thread_place = redis_encoded_size(thread_id),
        .ns_place = redis_encoded_size(ns),
    };
}

size_t redis_space_bound(const redis_space_t *space, size_t args, size_t payload)
{
    const size_t names = sizeof REDIS_KEY_STEM + sizeof REDIS_KEY_THREAD + sizeof REDIS_KEY_SHARD +
                         sizeof REDIS_KEY_SHARD_EXPIRY + 2 * REDIS_CMD_NUMBER + sizeof "{}:{}";
    const size_t own = names + 2 * space->thread_size + space->ns_size + space->thread_place +
                       space->ns_place + space->ns.len;
    return REDIS_SCRIPT_BEGIN + redis_cmd_bound(KEYS + 4 + args, own + payload);
}

static size_t digits(unsigned number)
{
    return number < 10 ? 1 : 2;
}
_Static_assert(REDIS_SHARDS <= 100, "a shard's number has two digits");

static char *shard_key(char *out, const char *name, size_t size, unsigned shard)
{
    out = redis_cmd_arg_begin(out, size + digits(shard));
    out = redis_cmd_literal(out, name, size);
    return redis_cmd_end(redis_cmd_digits(out, shard));
}

char *redis_shard_keys(char *out, unsigned shard)
{
    out = shard_key(out, LITERAL(REDIS_KEY_SHARD), shard);
    return shard_key(out, LITERAL(REDIS_KEY_SHARD_EXPIRY), shard);
}

static char *tag(char *out, const redis_space_t *space)
{
    *out++ = '{';
    out = redis_escape(out, space->thread_id);
    *out++ = '}';
    return out;
}

char *redis_thread_keys(char *out, const redis_space_t *space)
{
    out = redis_cmd_arg_begin(out, sizeof REDIS_KEY_THREAD - 1 + space->thread_size + 2);
    out = redis_cmd_literal(out, LITERAL(REDIS_KEY_THREAD));
    out = redis_cmd_end(tag(out, space));
    return redis_shard_keys(out, redis_shard(space->thread_id));
}

char *redis_thread_names(char *out, const redis_space_t *space)
{
    out = redis_cmd_arg_begin(out, space->thread_size + 2);
    out = redis_cmd_end(tag(out, space));
    out = redis_cmd_arg_begin(out, space->thread_place);
    return redis_cmd_end(redis_encode_inverted(out, space->thread_id));
}

char *redis_thread_begin(char *out, const redis_script_t *script, const redis_space_t *space,
                         size_t args)
{
    out = redis_script_begin(out, script, KEYS, 3 + args);
    out = redis_thread_keys(out, space);
    out = redis_cmd_arg(out, cairn_slice(LITERAL(REDIS_KEY_STEM)));
    return redis_thread_names(out, space);
}

char *redis_space_begin(char *out, const redis_script_t *script, const redis_space_t *space,
                        size_t args)
{
    out = redis_script_begin(out, script, KEYS, 4 + args);
    out = redis_thread_keys(out, space);
    out = redis_cmd_arg(out, cairn_slice(LITERAL(REDIS_KEY_STEM)));
    out = redis_cmd_arg_begin(out, space->thread_size + 3 + space->ns_size);
    out = tag(out, space);
    *out++ = ':';
    out = redis_cmd_end(redis_escape(out, space->ns));
    out = redis_cmd_arg(out, space->ns);
    out = redis_cmd_arg_begin(out, space->thread_place + space->ns_place);
    out = redis_encode_inverted(out, space->thread_id);
    return redis_cmd_end(redis_encode_inverted(out, space->ns));
}

char *redis_optional(char *out, cairn_slice_t id)
{
    if (!id.ptr) return redis_cmd_literal(out, LITERAL("$0\r\n\r\n"));
    out = redis_cmd_arg_begin(out, id.len + 1);
    *out++ = '=';
    return redis_cmd_end(redis_cmd_literal(out, id.ptr, id.len));
}

/* ---- calls and answers ---- */

redis_conn_t *redis_saver_conn(redis_backend_t *redis)
{
    return redis_standalone_commands(&redis->route);
}

int redis_saver_reserve(redis_backend_t *redis, size_t bytes, char **at)
{
    int rc = redis_standalone_use_scripts(&redis->route);
    return rc < 0 ? rc : redis_conn_reserve(redis_saver_conn(redis), bytes, at);
}

redis_backend_t *redis_saver_of(const cairn_req_t *req)
{
    const redis_conn_t *conn = (const redis_conn_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_CONN];
    redis_standalone_t *route = conn->data;
    return CAIRN_CONTAINER_OF(route, redis_backend_t, route);
}

const cairn_saver_done_t *redis_saver_done(const cairn_req_t *req)
{
    return redis_conn_host(req)->api->saver;
}

void redis_saver_release(cairn_req_t *req)
{
    cairn_free((void *)(uintptr_t)req->scratch[REDIS_SCRATCH_MEMORY]);
    req->scratch[REDIS_SCRATCH_MEMORY] = 0;
}

void redis_saver_fail(cairn_req_t *req, int status, cairn_slice_t detail)
{
    redis_saver_release(req);
    redis_conn_host(req)->api->fail(req, status, detail);
}

void redis_saver_malformed(cairn_req_t *req)
{
    redis_saver_fail(req, CAIRN_EPROTOCOL, cairn_str("a script's answer makes no sense"));
}

bool redis_saver_failed(cairn_req_t *req, int status, int rc, cairn_slice_t detail)
{
    if (status < 0) {
        redis_saver_fail(req, status, detail);
    } else if (rc == CAIRN_EPROTOCOL) {
        redis_saver_malformed(req);
    } else if (rc < 0) {
        redis_saver_fail(req, rc, cairn_slice(NULL, 0));
    }
    return status < 0 || rc < 0;
}

const cairn_saver_done_t *redis_saver_deferred_done(const cairn_req_t *req)
{
    return ((const cairn_host_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_NUMBER])->api->saver;
}

int redis_saver_answer_later(redis_backend_t *redis, cairn_req_t *req, void (*run)(cairn_task_t *))
{
    req->scratch[REDIS_SCRATCH_CONN] = 0;
    req->scratch[REDIS_SCRATCH_MEMORY] = 0;
    req->scratch[REDIS_SCRATCH_NUMBER] = (uintptr_t)redis->host;
    req->task.run = run;
    redis->host->api->defer(redis->host, &req->task);
    return 0;
}

const cairn_saver_ops_t redis_saver_ops = {
    .size = sizeof(cairn_saver_ops_t),
    .put = redis_saver_put,
    .put_writes = redis_saver_put_writes,
    .get = redis_saver_get,
    .list = redis_saver_list,
    .delete_thread = redis_saver_delete_thread,
    .delete_for_runs = redis_saver_delete_for_runs,
    .prune = redis_saver_prune,
    .copy_thread = redis_saver_copy_thread,
    .history = redis_saver_history,
    .ttl = redis_saver_ttl,
    .set_ttl = redis_saver_set_ttl,
    .sweep_ttl = redis_saver_sweep_ttl,
};
