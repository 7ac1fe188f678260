/* put_writes: RPUSHX adds to the list of writes that its object has; who reads sorts out which of
 * them count. It does nothing where there is no object, so it goes into a transaction behind a
 * script that sees to that, and to the expiry. As a rule it goes alone: where the checkpoint was
 * put from here. Should it be gone all the same, the script comes after. */
#include "redis_saver.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

static void finished(cairn_req_t *req)
{
    redis_saver_done(req)->put_done(CAIRN_CONTAINER_OF(req, cairn_saver_put_t, req));
}

static void run_put(cairn_task_t *task)
{
    cairn_saver_put_t *req = CAIRN_CONTAINER_OF(task, cairn_saver_put_t, req.task);
    redis_saver_deferred_done(&req->req)->put_done(req);
}

/* ---- the command ---- */

#define WRITE_HEAD ((size_t)5 * REDIS_PACKED_LENGTH) /* scripts/compact.lua knows it too */

static size_t write_size(const cairn_task_writes_t *task, const cairn_write_t *write)
{
    return WRITE_HEAD + task->task_id.len + task->task_path.len + write->channel.len +
           write->value.type.len + write->value.bytes.len;
}

static char *pending_write(char *out, const cairn_task_writes_t *task, size_t position)
{
    const cairn_write_t *write = &task->writes[position];
    out = redis_cmd_arg_begin(out, write_size(task, write));
    out = redis_pack_length(out, (uint32_t)cairn_write_idx(write->channel, (int32_t)position));
    out = redis_pack_length(out, task->task_id.len);
    out = redis_pack_length(out, task->task_path.len);
    out = redis_pack_length(out, write->channel.len);
    out = redis_pack_length(out, write->value.type.len);
    out = redis_bytes(out, task->task_id);
    out = redis_bytes(out, task->task_path);
    out = redis_bytes(out, write->channel);
    out = redis_bytes(out, write->value.type);
    return redis_cmd_end(redis_bytes(out, write->value.bytes));
}

static size_t push_bound(const redis_space_t *space, const cairn_saver_put_writes_args_t *args)
{
    size_t payload = sizeof "RPUSHX" + redis_object_key_size(space, args->at.checkpoint_id);
    for (size_t i = 0; i < args->writes->count; i++)
        payload += write_size(args->writes, &args->writes->writes[i]);
    return redis_cmd_bound(2 + args->writes->count, payload);
}

static char *push(char *out, const redis_space_t *space, const cairn_saver_put_writes_args_t *args)
{
    out = redis_cmd_begin(out, 2 + args->writes->count);
    out = redis_cmd_literal(out, LITERAL("$6\r\nRPUSHX\r\n"));
    out = redis_object_key(out, space, LITERAL(REDIS_KEY_WRITES), args->at.checkpoint_id);
    for (size_t i = 0; i < args->writes->count; i++) out = pending_write(out, args->writes, i);
    return out;
}

/* ---- with a script before it ---- */

/* Of a transaction, {script, length}. */
static void on_written(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    size_t count;
    redis_reply_t script;
    int64_t length = 1;
    int rc = status < 0 ? 0 : redis_reply_array(reply, &count);
    if (status == 0 && rc == 0) {
        script = *reply;
        if (count != 2) rc = CAIRN_EPROTOCOL;
        if (rc == 0) rc = redis_reply_skip(reply);
        if (rc == 0) rc = redis_reply_int(reply, &length);
    }
    /* What was there expired in between. */
    if (rc == 0 && length == 0) rc = redis_saver_send_again(req, on_written);
    if (redis_saver_failed(req, redis_saver_told(req, status), rc, detail) || length == 0) return;
    redis_saver_on_put_script(req, &script);
}

static size_t script_bound(const redis_space_t *space, cairn_slice_t id)
{
    return sizeof REDIS_MULTI + sizeof REDIS_EXEC +
           redis_thread_bound(space, 7,
                              3 * redis_object_key_size(space, id) + space->ns_place + id.len + 2 +
                                  REDIS_CMD_NUMBER);
}

typedef struct terms {
    bool given, of_thread;
    int64_t ttl_ms;
} terms_t;

static char *script(char *out, const redis_space_t *space, cairn_slice_t id, terms_t terms)
{
    enum {
        KEYS = 6,
        ARGS = 6
    };
    char flags[2];
    size_t count = 0;
    if (terms.given) flags[count++] = 'g';
    if (terms.of_thread) flags[count++] = 't';
    out = redis_cmd_literal(out, LITERAL(REDIS_MULTI));
    out = redis_script_begin(out, &redis_script_put_writes, redis_space_guard(space), KEYS, ARGS);
    out = redis_object_key(out, space, LITERAL(REDIS_KEY_WRITES), id);
    out = redis_object_key(out, space, LITERAL(REDIS_KEY_CHECKPOINT), id);
    out = redis_thread_keys(out, space);
    out = redis_thread_key(out, space, LITERAL(REDIS_KEY_THREAD_EXPIRY));
    out = redis_cmd_arg_begin(out, space->ns_place + id.len);
    out = redis_cmd_end(redis_bytes(redis_encode(out, space->ns), id));
    out = redis_cmd_arg_begin(out, space->thread_place);
    out = redis_cmd_end(redis_encode_inverted(out, space->thread_id));
    out = redis_cmd_arg(out, cairn_slice(flags, count));
    out = redis_cmd_i64(out, terms.ttl_ms);
    out = redis_cmd_literal(out, LITERAL(REDIS_NAMES_ARG));
    return redis_tag(out, space);
}

#define COMMANDS 2

/* ---- when there is no object ---- */

/* The bulk that `*at` begins with, of a command we have written. */
static cairn_slice_t take_bulk(const char **at)
{
    size_t size = 0;
    const char *c = *at + 1;
    for (; *c != '\r'; c++) size = size * 10 + (size_t)(*c - '0');
    cairn_slice_t bulk = cairn_slice(c + 2, size);
    *at = c + 2 + size + 2;
    return bulk;
}

/* The bytes up to `end`, unescaped at `*to`, which moves on. */
static cairn_slice_t take_id(cairn_slice_t *key, char end, char **to)
{
    const char *stop = key->len > 0 ? memchr(key->ptr, end, key->len) : NULL;
    size_t size = stop ? (size_t)(stop - key->ptr) : key->len;
    char *from = *to;
    *to = redis_unescape(from, cairn_slice(key->ptr, size));
    size_t skip = stop ? size + 1 : size;
    *key = cairn_slice(key->ptr + skip, key->len - skip);
    return cairn_slice(from, (size_t)(*to - from));
}

/* The same command again, copied behind the names in its key, in a transaction that makes the
 * object. */
static int make_object(cairn_req_t *req)
{
    redis_backend_t *redis = redis_saver_of(req);
    redis_conn_t *conn = redis_saver_conn(redis);
    const cairn_slice_t command = conn->answered;
    char *copy = cairn_malloc(2 * command.len);
    if (!copy) return UV_ENOMEM;
    memcpy(copy, command.ptr, command.len);
    const char *at = (const char *)memchr(copy, '\n', command.len) + 1;
    (void)take_bulk(&at);
    cairn_slice_t key = take_bulk(&at);
    const size_t prefix = sizeof REDIS_KEY_WRITES "{" - 1;
    key = cairn_slice(key.ptr + prefix, key.len - prefix);
    char *names = copy + command.len;
    cairn_slice_t thread_id = take_id(&key, '}', &names);
    key = cairn_slice(key.ptr + 1, key.len - 1);
    cairn_slice_t ns = take_id(&key, ':', &names);
    cairn_slice_t id = take_id(&key, ':', &names);

    const redis_space_t space = redis_space(redis, thread_id, ns);
    const terms_t terms = {.ttl_ms = (int64_t)req->scratch[REDIS_SCRATCH_NUMBER]};
    char *out;
    int rc = redis_conn_reserve_unbounded(conn, script_bound(&space, id) + command.len, &out);
    if (rc == 0) {
        out = script(out, &space, id, terms);
        out = redis_cmd_literal(out, copy, command.len);
        out = redis_cmd_literal(out, LITERAL(REDIS_EXEC));
        redis_conn_commit_transaction(conn, out, on_written, req, COMMANDS, false);
    }
    cairn_free(copy);
    return rc;
}

/* ---- when the list has become long ---- */

#define LONG 4096

static void on_compacted(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    int64_t length;
    int rc = status < 0 ? 0 : redis_reply_int(reply, &length);
    if (!redis_saver_failed(ctx, status, rc, detail)) finished(ctx);
}

/* Whether the list has just come to a power of two: then those of its writes that do not count are
 * taken out, so that what is written again and again does not stay for ever. */
static bool is_due(int64_t length, cairn_slice_t command)
{
    if (length < LONG) return false;
    int64_t added = 0;
    for (const char *c = command.ptr + 1; *c != '\r'; c++) added = added * 10 + (*c - '0');
    int64_t power = LONG;
    while (power <= length / 2) power *= 2;
    return length - (added - 2) < power;
}

static int compact(cairn_req_t *req)
{
    redis_conn_t *conn = redis_saver_conn(redis_saver_of(req));
    const char *at = (const char *)memchr(conn->answered.ptr, '\n', conn->answered.len) + 1;
    (void)take_bulk(&at);
    cairn_slice_t key = take_bulk(&at);
    char *copy = cairn_malloc(key.len);
    if (!copy) return UV_ENOMEM;
    memcpy(copy, key.ptr, key.len);
    char *out;
    int rc =
        redis_conn_reserve_unbounded(conn, REDIS_SCRIPT_BEGIN + redis_cmd_bound(1, key.len), &out);
    if (rc == 0) {
        const bool split = redis_route_is_split(&redis_saver_of(req)->route);
        out = redis_script_begin(out, &redis_script_compact,
                                 split ? REDIS_GUARD_OMITTED : REDIS_GUARD_OF_NONE, 1, 0);
        out = redis_cmd_arg(out, cairn_slice(copy, key.len));
        redis_conn_commit_script(conn, out, on_compacted, req, false);
    }
    cairn_free(copy);
    return rc;
}

/* ---- the request ---- */

static void on_pushed(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int64_t length = 0;
    int rc = status < 0 ? 0 : redis_reply_int(reply, &length);
    if (redis_saver_failed(req, status, rc, detail)) return;
    if (length == 0) {
        rc = make_object(req);
    } else if (is_due(length, redis_saver_conn(redis_saver_of(req))->answered)) {
        rc = compact(req);
    } else {
        finished(req);
        return;
    }
    (void)redis_saver_failed(req, 0, rc, detail);
}

int redis_saver_put_writes(void *self, cairn_saver_put_t *req,
                           const cairn_saver_put_writes_args_t *args)
{
    redis_backend_t *redis = self;
    if (args->writes->count == 0) return redis_saver_answer_later(redis, &req->req, run_put);
    const redis_space_t space = redis_space(redis, args->at.thread_id, args->at.checkpoint_ns);
    const terms_t terms = {.given = args->terms.ttl_given,
                           .of_thread = args->terms.scope == CAIRN_SCOPE_THREAD,
                           .ttl_ms = args->terms.ttl_ms};
    const redis_hint_t *hint = redis_saver_hint(redis, space.thread_id, space.ns);
    const bool plain = !terms.given && !terms.of_thread && hint &&
                       cairn_slice_eq(redis_hint_id(hint), args->at.checkpoint_id);
    if (terms.given || terms.of_thread) redis_hints_doubt(&redis->hints);
    const size_t before = plain ? 0 : script_bound(&space, args->at.checkpoint_id);
    char *out;
    int rc = redis_saver_reserve(redis, space.thread_id, before + push_bound(&space, args), &out);
    if (rc < 0) return rc;
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    req->req.scratch[REDIS_SCRATCH_NUMBER] = (uint64_t)terms.ttl_ms;
    redis_conn_t *conn = redis_saver_conn(redis);
    if (plain) {
        out = push(out, &space, args);
        redis_conn_commit_script(conn, out, on_pushed, &req->req, false);
        return 0;
    }
    out = script(out, &space, args->at.checkpoint_id, terms);
    out = push(out, &space, args);
    out = redis_cmd_literal(out, LITERAL(REDIS_EXEC));
    redis_conn_commit_transaction(conn, out, on_written, &req->req, COMMANDS, false);
    return 0;
}
