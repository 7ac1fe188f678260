#include "redis_saver.h"

#include "redis_slot_tags.h"

#include <cairn/sys/alloc.h>

/* ---- the beginnings of calls ---- */

#define KEYS 3
#define NAMES 3 /* arguments: names, tag, place */

redis_space_t redis_space(const redis_backend_t *redis, cairn_slice_t thread_id, cairn_slice_t ns)
{
    const bool split = redis_route_is_split(&redis->route);
    return (redis_space_t){
        .thread_id = thread_id,
        .ns = ns,
        .thread_size = redis_escaped_size(thread_id),
        .ns_size = redis_escaped_size(ns),
        .thread_place = redis_encoded_size(thread_id),
        .ns_place = redis_encoded_size(ns),
        .split = split,
        .slot = split ? redis_slot_of_id(thread_id) : 0,
    };
}

#define THREAD_PREFIX (sizeof REDIS_KEY_THREAD_EXPIRY - 1) /* the longest of a thread's */
#define SHARD_PREFIX (sizeof REDIS_KEY_SHARD_EXPIRY - 1)

size_t redis_thread_bound(const redis_space_t *space, size_t args, size_t payload)
{
    const size_t keys = THREAD_PREFIX + 2 * (SHARD_PREFIX + REDIS_CMD_NUMBER);
    const size_t own =
        keys + sizeof REDIS_KEY_NAMES + 2 * (space->thread_size + 2) + space->thread_place;
    return REDIS_SCRIPT_BEGIN + redis_cmd_bound(KEYS + NAMES + args, own + payload);
}

size_t redis_object_key_size(const redis_space_t *space, cairn_slice_t id)
{
    return REDIS_OBJECT_PREFIX + space->thread_size + space->ns_size +
           sizeof "{}::" + redis_escaped_size(id);
}

static size_t digits(unsigned number)
{
    return number < 10 ? 1 : 2;
}
_Static_assert(REDIS_SHARDS <= 100, "a shard's number has two digits");

#define SLOT_TAG (REDIS_SLOT_TAG + 2) /* with braces */
_Static_assert(SLOT_TAG <= REDIS_CMD_NUMBER, "it fits where a shard's number does");

static char *slot_tag(char *out, unsigned slot)
{
    *out++ = '{';
    out = redis_slot_tag(out, slot);
    *out++ = '}';
    return out;
}

static char *number_key(char *out, const char *name, size_t size, unsigned shard)
{
    out = redis_cmd_arg_begin(out, size + digits(shard));
    out = redis_cmd_literal(out, name, size);
    return redis_cmd_end(redis_cmd_digits(out, shard));
}

char *redis_number_keys(char *out, unsigned shard)
{
    out = number_key(out, LITERAL(REDIS_KEY_SHARD), shard);
    return number_key(out, LITERAL(REDIS_KEY_SHARD_EXPIRY), shard);
}

char *redis_slot_key(char *out, const char *name, size_t size, unsigned slot)
{
    out = redis_cmd_arg_begin(out, size + SLOT_TAG);
    out = redis_cmd_literal(out, name, size);
    return redis_cmd_end(slot_tag(out, slot));
}

char *redis_shard_key(char *out, const char *name, size_t size, const redis_space_t *space)
{
    if (!space->split) return number_key(out, name, size, redis_shard(space->thread_id));
    return redis_slot_key(out, name, size, space->slot);
}

char *redis_shard_keys(char *out, const redis_space_t *space)
{
    out = redis_shard_key(out, LITERAL(REDIS_KEY_SHARD), space);
    return redis_shard_key(out, LITERAL(REDIS_KEY_SHARD_EXPIRY), space);
}

size_t redis_run_key_size(const redis_space_t *space, cairn_slice_t run_id)
{
    const size_t braces = space->split ? SLOT_TAG + 1 : 2;
    return sizeof REDIS_KEY_RUN - 1 + braces + redis_escaped_size(run_id);
}

char *redis_run_key(char *out, const redis_space_t *space, cairn_slice_t run_id)
{
    out = redis_cmd_arg_begin(out, redis_run_key_size(space, run_id));
    out = redis_cmd_literal(out, LITERAL(REDIS_KEY_RUN));
    if (space->split) {
        out = slot_tag(out, space->slot);
        *out++ = ':';
        return redis_cmd_end(redis_escape(out, run_id));
    }
    *out++ = '{';
    out = redis_escape(out, run_id);
    *out++ = '}';
    return redis_cmd_end(out);
}

static char *tag(char *out, const redis_space_t *space)
{
    *out++ = '{';
    out = redis_escape(out, space->thread_id);
    *out++ = '}';
    return out;
}

char *redis_tag(char *out, const redis_space_t *space)
{
    out = redis_cmd_arg_begin(out, space->thread_size + 2);
    return redis_cmd_end(tag(out, space));
}

char *redis_thread_key(char *out, const redis_space_t *space, const char *prefix, size_t size)
{
    out = redis_cmd_arg_begin(out, size + space->thread_size + 2);
    out = redis_cmd_literal(out, prefix, size);
    return redis_cmd_end(tag(out, space));
}

char *redis_object_stem(char *out, const redis_space_t *space, const char *prefix, size_t size)
{
    out = redis_cmd_literal(out, prefix, size);
    out = tag(out, space);
    *out++ = ':';
    out = redis_escape(out, space->ns);
    *out++ = ':';
    return out;
}

size_t redis_object_stem_size(const redis_space_t *space, size_t prefix)
{
    return prefix + space->thread_size + 2 + 1 + space->ns_size + 1;
}

char *redis_object_key(char *out, const redis_space_t *space, const char *prefix, size_t size,
                       cairn_slice_t id)
{
    out = redis_cmd_arg_begin(out, redis_object_stem_size(space, size) + redis_escaped_size(id));
    out = redis_object_stem(out, space, prefix, size);
    return redis_cmd_end(redis_escape(out, id));
}

char *redis_thread_keys(char *out, const redis_space_t *space)
{
    out = redis_thread_key(out, space, LITERAL(REDIS_KEY_THREAD));
    return redis_shard_keys(out, space);
}

char *redis_thread_names(char *out, const redis_space_t *space)
{
    out = redis_tag(out, space);
    out = redis_cmd_arg_begin(out, space->thread_place);
    return redis_cmd_end(redis_encode_inverted(out, space->thread_id));
}

char *redis_thread_begin(char *out, const redis_script_t *script, const redis_space_t *space,
                         size_t args)
{
    out = redis_script_begin(out, script, redis_space_guard(space), KEYS, NAMES + args);
    out = redis_thread_keys(out, space);
    out = redis_cmd_literal(out, LITERAL(REDIS_NAMES_ARG));
    return redis_thread_names(out, space);
}

char *redis_space_start(char *out, const redis_space_t *space)
{
    out = redis_cmd_arg_begin(out, space->ns_place);
    return redis_cmd_end(redis_encode(out, space->ns));
}

char *redis_optional(char *out, cairn_slice_t id)
{
    if (!id.ptr) return redis_cmd_literal(out, LITERAL("$0\r\n\r\n"));
    out = redis_cmd_arg_begin(out, id.len + 1);
    *out++ = '=';
    return redis_cmd_end(redis_cmd_literal(out, id.ptr, id.len));
}

size_t redis_suffix_size(const cairn_channel_version_t *at)
{
    return redis_escaped_size(at->channel) + 1 + redis_escaped_size(at->version);
}

char *redis_suffix(char *out, const cairn_channel_version_t *at)
{
    out = redis_escape(out, at->channel);
    *out++ = ':';
    return redis_escape(out, at->version);
}

char *redis_suffixes(char *out, const cairn_checkpoint_t *checkpoint)
{
    for (size_t i = 0; i < checkpoint->channel_version_count; i++) {
        if (i > 0) *out++ = ' ';
        out = redis_suffix(out, &checkpoint->channel_versions[i]);
    }
    return out;
}

/* ---- calls and answers ---- */

redis_conn_t *redis_saver_conn(redis_backend_t *redis)
{
    return redis_route_commands(&redis->route);
}

int redis_saver_prepare(redis_backend_t *redis)
{
    int rc = redis_joint_flush(redis);
    return rc < 0 ? rc : redis_route_use_scripts(&redis->route);
}

int redis_saver_reserve(redis_backend_t *redis, cairn_slice_t name, size_t bytes, char **at)
{
    int rc = redis_saver_prepare(redis);
    if (rc < 0) return rc;
    return redis_conn_reserve(redis_route_choose(&redis->route, name), bytes, at);
}

int redis_saver_reserve_read(redis_backend_t *redis, cairn_slice_t name, size_t bytes, char **at)
{
    redis_route_t *route = &redis->route;
    int rc = redis_saver_prepare(redis);
    if (rc < 0) return rc;
    redis_conn_t *conn = route->cluster ? redis_route_choose_read(route, redis_slot_of_id(name))
                                        : redis_route_choose(route, name);
    return redis_conn_reserve(conn, bytes, at);
}

int redis_saver_reserve_any(redis_backend_t *redis, size_t bytes, char **at)
{
    int rc = redis_saver_prepare(redis);
    if (rc < 0) return rc;
    return redis_conn_reserve(redis_route_choose_any(&redis->route), bytes, at);
}

const redis_hint_t *redis_saver_hint(const redis_backend_t *redis, cairn_slice_t thread_id,
                                     cairn_slice_t ns)
{
    return redis_hints_get(&redis->hints, thread_id, ns, redis->host->api->now_ms(redis->host));
}

redis_backend_t *redis_saver_of(const cairn_req_t *req)
{
    const redis_conn_t *conn = (const redis_conn_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_CONN];
    const redis_standalone_t *node = conn->data;
    return CAIRN_CONTAINER_OF(node->route, redis_backend_t, route);
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

int redis_saver_told(const cairn_req_t *req, int status)
{
    const redis_conn_t *conn = redis_saver_conn(redis_saver_of(req));
    if (status == 0 || !(conn->answered_flags & REDIS_CMD_BEGUN)) return status;
    if (!cairn_err_retryable(status) || (req->flags & CAIRN_REQ_IDEMPOTENT)) return status;
    return CAIRN_EMAYBE;
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

int redis_saver_send_again(cairn_req_t *req, redis_answer_fn answer)
{
    redis_conn_t *conn = redis_saver_conn(redis_saver_of(req));
    const cairn_slice_t command = conn->answered;
    const size_t commands = conn->answered_skip - 1;
    char *copy = cairn_malloc(command.len), *out;
    if (!copy) return UV_ENOMEM;
    memcpy(copy, command.ptr, command.len);
    int rc = redis_conn_reserve_unbounded(conn, command.len, &out);
    if (rc == 0) {
        out = redis_cmd_literal(out, copy, command.len);
        redis_conn_commit_transaction(conn, out, answer, req, commands, false);
    }
    cairn_free(copy);
    return rc;
}

int redis_saver_call_again(cairn_req_t *req, const redis_reply_t *reply, redis_answer_fn answer)
{
    redis_conn_t *conn = redis_saver_conn(redis_saver_of(req));
    const cairn_slice_t call = conn->answered;
    redis_reply_t peek = *reply;
    cairn_slice_t text;
    char *out;
    if (redis_reply_type(&peek) != REDIS_STRING) return 0;
    if (redis_reply_string(&peek, &text) < 0 || !cairn_slice_eq(text, cairn_str("more"))) return 0;
    char *copy = cairn_malloc(call.len);
    if (!copy) return UV_ENOMEM;
    memcpy(copy, call.ptr, call.len); /* it lies where there is to be room */
    int rc = redis_conn_reserve_unbounded(conn, call.len, &out);
    if (rc == 0) {
        out = redis_cmd_literal(out, copy, call.len);
        redis_conn_commit_script(conn, out, answer, req, true);
    }
    cairn_free(copy);
    return rc < 0 ? rc : 1;
}

int redis_read_at_master(redis_backend_t *redis, cairn_req_t *req, redis_answer_fn answer)
{
    redis_route_t *route = &redis->route;
    const redis_conn_t *replica = redis_route_commands(route);
    const cairn_slice_t bytes = replica->answered;
    const uint32_t skip = replica->answered_skip;
    if (!redis_route_is_behind(route)) return 1;
    const int slot = redis_cluster_slot_of(bytes);
    if (slot < 0) return 1;
    redis_conn_t *master = redis_route_choose_slot(route, (unsigned)slot);
    char *out;
    int rc = redis_conn_reserve_unbounded(master, bytes.len, &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, bytes.ptr, bytes.len);
    if (skip > 0)
        redis_conn_commit_transaction(master, out, answer, req, skip - 1, true);
    else
        redis_conn_commit_script(master, out, answer, req, true);
    return 0;
}

bool redis_read_goes_on(cairn_req_t *req, redis_answer_fn answer)
{
    const int rc = redis_read_at_master(redis_saver_of(req), req, answer);
    if (rc > 0) return false;
    (void)redis_saver_failed(req, 0, rc, cairn_slice(NULL, 0));
    return true;
}

/* ---- what a call did not finish ---- */

/* What lib_thread.lua's go_on gives is the call of finish.lua as it is to be made: three keys, five
 * arguments. */
#define FINISH_KEYS 3
#define FINISH_PARTS 8

static int read_parts(redis_reply_t *reply, cairn_slice_t parts[FINISH_PARTS], size_t *bytes)
{
    size_t count;
    int rc = redis_reply_array(reply, &count);
    if (rc == 0 && count != FINISH_PARTS) rc = CAIRN_EPROTOCOL;
    *bytes = 0;
    for (size_t i = 0; i < FINISH_PARTS && rc == 0; i++) {
        rc = redis_reply_string(reply, &parts[i]);
        *bytes += rc == 0 ? parts[i].len : 0;
    }
    return rc;
}

int redis_saver_finish(cairn_req_t *req, redis_reply_t *reply, redis_answer_fn answer)
{
    cairn_slice_t parts[FINISH_PARTS];
    size_t bytes;
    int rc = read_parts(reply, parts, &bytes);
    if (rc < 0) return rc;
    redis_conn_t *conn = redis_saver_conn(redis_saver_of(req));
    char *out;
    rc = redis_conn_reserve_unbounded(
        conn, REDIS_SCRIPT_BEGIN + redis_cmd_bound(FINISH_PARTS, bytes), &out);
    if (rc < 0) return rc;
    const redis_guard_t guard = redis_route_is_split(&redis_saver_of(req)->route)
                                    ? (redis_guard_t)redis_slot(parts[0])
                                    : REDIS_GUARD_OF_NONE;
    out = redis_script_begin(out, &redis_script_finish, guard, FINISH_KEYS,
                             FINISH_PARTS - FINISH_KEYS);
    for (size_t i = 0; i < FINISH_PARTS; i++) out = redis_cmd_arg(out, parts[i]);
    redis_conn_commit_script(conn, out, answer, req, false);
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
