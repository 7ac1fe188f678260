/* Groups, but for reading: create, destroy, ack, nak, info. Each is one call of its script, or a
 * few if there is much to do: none holds the server long. */
#include "redis_group.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

char *redis_group_arg(char *out, cairn_slice_t group)
{
    out = redis_cmd_arg_begin(out, redis_escaped_size(group));
    return redis_cmd_end(redis_escape(out, group));
}

bool redis_group_is_missing(int64_t answer, int *status, cairn_slice_t *detail)
{
    if (answer != REDIS_GROUP_MISSING) return false;
    *status = UV_ENOENT;
    *detail = cairn_str("there is no such group");
    return true;
}

int redis_group_ask_again(redis_conn_t *conn, cairn_req_t *req, const char *cursor,
                          redis_answer_fn answer, bool idempotent)
{
    const cairn_slice_t command = conn->answered;
    char *copy = cairn_malloc(command.len), *out;
    if (!copy) return UV_ENOMEM;
    memcpy(copy, command.ptr, command.len);
    if (cursor) memcpy(copy + command.len - 2 - REDIS_GROUP_CURSOR, cursor, REDIS_GROUP_CURSOR);
    int rc = redis_conn_reserve_unbounded(conn, command.len, &out);
    if (rc == 0) {
        out = redis_cmd_literal(out, copy, command.len);
        redis_conn_commit_script(conn, out, answer, req, idempotent);
    }
    cairn_free(copy);
    return rc;
}

/* ---- create, destroy, ack, nak ---- */

static void on_changed(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int64_t count = 0;
    int rc = status < 0 ? 0 : redis_reply_int(reply, &count);
    if (rc == 0 && count < REDIS_GROUP_MISSING) rc = CAIRN_EPROTOCOL;
    if (rc == 0 && status == 0) (void)redis_group_is_missing(count, &status, &detail);
    if (redis_saver_failed(req, status, rc, detail)) return;
    redis_stream_done(req)->change_done(CAIRN_CONTAINER_OF(req, cairn_group_change_t, req),
                                        (uint64_t)count);
}

static void commit(redis_backend_t *redis, cairn_group_change_t *req, const char *out)
{
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    redis_conn_commit_script(redis_saver_conn(redis), out, on_changed, &req->req, false);
}

static char *from_of(char *out, const cairn_group_create_args_t *args)
{
    switch (args->from) {
    case CAIRN_FROM_ALL:
        return redis_cmd_literal(out, LITERAL("$1\r\na\r\n$0\r\n\r\n"));
    case CAIRN_FROM_AFTER:
        return redis_position_arg(redis_cmd_literal(out, LITERAL("$1\r\np\r\n")), args->after);
    case CAIRN_FROM_LAST:
        if (args->last == 0) break;
        return redis_cmd_u64(redis_cmd_literal(out, LITERAL("$1\r\nl\r\n")), args->last);
    case CAIRN_FROM_NEW:
        break;
    }
    return redis_cmd_literal(out, LITERAL("$1\r\nn\r\n$0\r\n\r\n"));
}

/* "deliveries ttl limit {tag} channel", as scripts/lib_group.lua takes it; "0" without dead
 * letters. */
static char *options_of(char *out, const redis_backend_t *redis,
                        const cairn_group_create_args_t *args)
{
    char head[4 * REDIS_CMD_NUMBER];
    char *end = redis_cmd_digits(head, args->max_deliveries);
    if (args->max_deliveries == 0) return redis_cmd_arg(out, cairn_str("0"));
    const bool persists = args->ttl_ms == CAIRN_TTL_PERSIST;
    *end++ = ' ';
    end = persists ? redis_cmd_literal(end, LITERAL("-1"))
                   : redis_cmd_digits(end, (uint64_t)args->ttl_ms);
    *end++ = ' ';
    if (args->max_events < INT64_MAX) end = redis_cmd_digits(end, args->max_events);
    end = redis_cmd_literal(end, LITERAL(" {"));
    const size_t size = (size_t)(end - head);
    const cairn_slice_t letters = args->dead_letter;
    out = redis_cmd_arg_begin(out, size + redis_escaped_size(letters) + 2 +
                                       redis_queue_channel_size(redis, letters));
    out = redis_cmd_literal(out, head, size);
    out = redis_escape(out, letters);
    out = redis_cmd_literal(out, LITERAL("} "));
    return redis_cmd_end(redis_queue_channel(out, redis, letters));
}

int redis_group_create(void *self, cairn_group_change_t *req, const cairn_group_create_args_t *args)
{
    redis_backend_t *redis = self;
    const redis_queue_name_t name = redis_queue_name(args->stream);
    const size_t payload = redis_escaped_size(args->group) + 1 + REDIS_POSITION_SIZE +
                           5 * REDIS_CMD_NUMBER + redis_escaped_size(args->dead_letter) +
                           redis_queue_channel_size(redis, args->dead_letter);
    char *out;
    int rc =
        redis_stream_reserve(redis, name.id, redis_queue_bound(redis, &name, 5, payload), &out);
    if (rc < 0) return rc;
    redis_tips_forget(redis, name.id);
    out = redis_queue_begin(out, &redis_script_group_create, redis, &name, 5);
    out = redis_group_arg(out, args->group);
    out = from_of(out, args);
    out = options_of(out, redis, args);
    commit(redis, req, redis_cmd_i64(out, args->ttl_ms));
    return 0;
}

int redis_group_destroy(void *self, cairn_group_change_t *req, cairn_slice_t stream,
                        cairn_slice_t group)
{
    redis_backend_t *redis = self;
    const redis_queue_name_t name = redis_queue_name(stream);
    char *out;
    int rc = redis_stream_reserve(
        redis, name.id, redis_queue_bound(redis, &name, 1, redis_escaped_size(group)), &out);
    if (rc < 0) return rc;
    out = redis_queue_begin(out, &redis_script_group_destroy, redis, &name, 1);
    commit(redis, req, redis_group_arg(out, group));
    return 0;
}

/* Positions of one call. */
enum {
    ACKED_AT_ONCE = 500,
    NAKED_AT_ONCE = 128
};

typedef struct settling {
    const redis_script_t *script; /* takes the group, the delay if it has one, and positions */
    size_t most;
    bool has_delay;
} settling_t;

static const settling_t acking = {&redis_script_group_ack, ACKED_AT_ONCE, false};
static const settling_t naking = {&redis_script_group_nak, NAKED_AT_ONCE, true};

static void on_settled(cairn_req_t *req, int64_t count)
{
    cairn_slice_t detail = {NULL, 0};
    int status = 0;
    if (redis_group_is_missing(count, &status, &detail)) {
        redis_saver_fail(req, status, detail);
        return;
    }
    redis_backend_t *redis = redis_saver_of(req);
    const int64_t held = count & UINT32_MAX;
    /* Should there be no memory, the next read takes them away. */
    if (count > held &&
        redis_letters_of_nak(redis, req, redis_saver_conn(redis)->answered, held) == 0)
        return;
    redis_stream_done(req)->change_done(CAIRN_CONTAINER_OF(req, cairn_group_change_t, req),
                                        (uint64_t)held);
}

static size_t settling_bound(const redis_backend_t *redis, const redis_queue_name_t *name,
                             const settling_t *how, const cairn_group_ack_args_t *args)
{
    const size_t calls = (args->count + how->most - 1) / how->most;
    const size_t each =
        redis_queue_bound(redis, name, 3, redis_escaped_size(args->group) + REDIS_CMD_NUMBER);
    return calls * each + args->count * (REDIS_POSITION_SIZE + REDIS_CMD_OVERHEAD);
}

static char *settle_some(char *out, const redis_backend_t *redis, const redis_queue_name_t *name,
                         const settling_t *how, const cairn_group_ack_args_t *args, size_t first)
{
    const size_t left = args->count - first;
    const size_t count = left < how->most ? left : how->most;
    out = redis_queue_begin(out, how->script, redis, name, 1 + how->has_delay + count + 1);
    out = redis_group_arg(out, args->group);
    if (how->has_delay) out = redis_cmd_u64(out, args->delay_ms);
    for (size_t i = 0; i < count; i++) out = redis_position_arg(out, args->positions[first + i]);
    return out;
}

static int settle(redis_backend_t *redis, cairn_group_change_t *req, const settling_t *how,
                  const cairn_group_ack_args_t *args)
{
    const redis_queue_name_t name = redis_queue_name(args->stream);
    const size_t calls = (args->count + how->most - 1) / how->most;
    redis_steps_t *steps =
        redis_steps_new(calls, settling_bound(redis, &name, how, args), on_settled);
    if (!steps) return UV_ENOMEM;
    for (size_t first = 0; first < args->count; first += how->most)
        redis_steps_add(steps, settle_some(redis_steps_at(steps), redis, &name, how, args, first));
    int rc = redis_batches_flush(redis, args->stream);
    if (rc == 0) return redis_steps_start(redis, &req->req, steps, &name.id, 1);
    cairn_free(steps);
    return rc;
}

int redis_group_ack(void *self, cairn_group_change_t *req, const cairn_group_ack_args_t *args)
{
    return settle(self, req, &acking, args);
}

int redis_group_nak(void *self, cairn_group_change_t *req, const cairn_group_ack_args_t *args)
{
    return settle(self, req, &naking, args);
}

/* ---- info ---- */

static int read_facts(redis_reply_t *reply, cairn_group_facts_t *facts)
{
    size_t count;
    int64_t numbers[3] = {0};
    int rc = redis_reply_array(reply, &count);
    if (rc == 0 && count != 4) rc = CAIRN_EPROTOCOL;
    for (int i = 0; i < 3 && rc == 0; i++) {
        rc = redis_reply_int(reply, &numbers[i]);
        if (rc == 0 && numbers[i] < 0) rc = CAIRN_EPROTOCOL;
    }
    if (rc == 0) rc = redis_position_read(reply, &facts->delivered);
    facts->waiting = (uint64_t)numbers[0];
    facts->held = (uint64_t)numbers[1];
    facts->members = (uint64_t)numbers[2];
    return rc;
}

static void on_info(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    cairn_group_facts_t facts = {.waiting = 0};
    int rc = 0;
    if (status == 0 && redis_reply_type(reply) == REDIS_INT) {
        status =
            redis_group_ask_again(redis_saver_conn(redis_saver_of(req)), req, NULL, on_info, true);
        if (status == 0) return;
    } else if (status == 0 && redis_reply_type(reply) == REDIS_NIL) {
        (void)redis_group_is_missing(REDIS_GROUP_MISSING, &status, &detail);
    } else if (status == 0) {
        rc = read_facts(reply, &facts);
    }
    if (redis_saver_failed(req, status, rc, detail)) return;
    redis_stream_done(req)->group_info_done(CAIRN_CONTAINER_OF(req, cairn_group_info_t, req),
                                            &facts);
}

int redis_group_info(void *self, cairn_group_info_t *req, cairn_slice_t stream, cairn_slice_t group)
{
    redis_backend_t *redis = self;
    const redis_queue_name_t name = redis_queue_name(stream);
    char *out;
    int rc = redis_stream_reserve(
        redis, name.id, redis_queue_bound(redis, &name, 1, redis_escaped_size(group)), &out);
    if (rc < 0) return rc;
    out = redis_queue_begin(out, &redis_script_group_info, redis, &name, 1);
    out = redis_group_arg(out, group);
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    redis_conn_commit_script(redis_saver_conn(redis), out, on_info, &req->req, true);
    return 0;
}
