/* put and delete: one call of store_put.lua. What is large goes before it, by a plain command in
 * the same transaction: what passes through a script costs with its length. */
#include "redis_store.h"

#include <uv.h>

/* The longest value that goes through the script: as much as a command of its own costs. */
#define INLINE_MOST ((size_t)1024)

bool redis_put_is_inline(const cairn_store_put_args_t *put)
{
    return put->vector_count == 0 && put->value.len <= INLINE_MOST;
}

/* ---- vectors: those of one index are one field ---- */

static size_t digits(size_t number)
{
    char text[REDIS_CMD_NUMBER];
    return (size_t)(redis_cmd_digits(text, number) - text);
}

size_t redis_vector_field_size(cairn_slice_t index, size_t dimensions)
{
    return 1 + redis_escaped_size(index) + 1 + digits(dimensions);
}

char *redis_vector_field(char *out, cairn_slice_t index, size_t dimensions)
{
    *out++ = 'x';
    out = redis_escape(out, index);
    *out++ = ':';
    return redis_cmd_digits(out, dimensions);
}

static bool is_first_of_index(const cairn_store_put_args_t *put, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (cairn_slice_eq(put->vectors[i].index, put->vectors[at].index)) return false;
    return true;
}

static size_t floats_size(const cairn_vector_t *vector)
{
    return vector->dimensions * sizeof *vector->values;
}

static size_t rows_size(const cairn_store_put_args_t *put, cairn_slice_t index)
{
    size_t size = 0;
    for (size_t i = 0; i < put->vector_count; i++)
        if (cairn_slice_eq(put->vectors[i].index, index)) size += floats_size(&put->vectors[i]);
    return size;
}

static char *rows(char *out, const cairn_store_put_args_t *put, cairn_slice_t index)
{
    out = redis_cmd_arg_begin(out, rows_size(put, index));
    for (size_t i = 0; i < put->vector_count; i++) {
        const cairn_vector_t *vector = &put->vectors[i];
        if (!cairn_slice_eq(vector->index, index)) continue;
        memcpy(out, vector->values, floats_size(vector));
        out += floats_size(vector);
    }
    return redis_cmd_end(out);
}

static size_t fields_size(const cairn_store_put_args_t *put, size_t *count)
{
    size_t size = 0;
    *count = 0;
    for (size_t i = 0; i < put->vector_count; i++) {
        if (!is_first_of_index(put, i)) continue;
        size += 1 + redis_vector_field_size(put->vectors[i].index, put->vectors[i].dimensions);
        ++*count;
    }
    return size;
}

/* ---- the parts of the call ---- */

size_t redis_put_bound(const redis_shelf_t *shelf, const cairn_store_put_args_t *put)
{
    size_t fields, floats = 0;
    const size_t names = fields_size(put, &fields);
    for (size_t i = 0; i < put->vector_count; i++) floats += floats_size(&put->vectors[i]);
    return 2 * redis_store_item_bound(shelf, put->key) +
           redis_cmd_bound(8 + 2 * fields, 32 + put->key.len + put->value.len + 2 * names + floats);
}

char *redis_put_value(char *out, const redis_shelf_t *shelf, const cairn_store_put_args_t *put)
{
    size_t fields;
    (void)fields_size(put, &fields);
    out = redis_cmd_begin(out, 4 + 2 * fields);
    out = redis_cmd_literal(out, LITERAL("$4\r\nHSET\r\n"));
    out = redis_store_item(out, shelf, put->key);
    out = redis_cmd_literal(out, LITERAL("$1\r\nv\r\n"));
    out = redis_cmd_arg(out, put->value);
    for (size_t i = 0; i < put->vector_count; i++) {
        if (!is_first_of_index(put, i)) continue;
        const cairn_vector_t *vector = &put->vectors[i];
        out = redis_cmd_arg_begin(out, redis_vector_field_size(vector->index, vector->dimensions));
        out = redis_cmd_end(redis_vector_field(out, vector->index, vector->dimensions));
        out = rows(out, put, vector->index);
    }
    return out;
}

static char *what(char *out, const cairn_store_put_args_t *put)
{
    if (!put->value.ptr) return redis_cmd_literal(out, LITERAL("$1\r\nd\r\n"));
    const bool persistent = put->ttl_ms == CAIRN_TTL_PERSIST, is_inline = redis_put_is_inline(put);
    size_t count;
    const size_t ttl_size = persistent ? 2 : digits((size_t)put->ttl_ms);
    out = redis_cmd_arg_begin(out, ttl_size + is_inline + fields_size(put, &count));
    out = persistent ? redis_cmd_literal(out, LITERAL("-1"))
                     : redis_cmd_digits(out, (uint64_t)put->ttl_ms);
    if (is_inline) *out++ = 'v';
    for (size_t i = 0; i < put->vector_count; i++) {
        if (!is_first_of_index(put, i)) continue;
        *out++ = ' ';
        out = redis_vector_field(out, put->vectors[i].index, put->vectors[i].dimensions);
    }
    return redis_cmd_end(out);
}

char *redis_put_args(char *out, const cairn_store_put_args_t *put)
{
    const cairn_slice_t nothing = {NULL, 0};
    out = redis_cmd_arg(out, put->key);
    out = what(out, put);
    return redis_cmd_arg(out, redis_put_is_inline(put) ? put->value : nothing);
}

/* ---- put ---- */

static void on_put(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    cairn_slice_t existed = {NULL, 0};
    size_t count;
    int rc = 0;
    if (status == 0 && redis_reply_type(reply) == REDIS_ARRAY) {
        rc = redis_reply_array(reply, &count);
        if (rc == 0) rc = redis_reply_skip(reply);
    }
    if (status == 0 && rc == 0) rc = redis_reply_string(reply, &existed);
    bool again = rc == 0 && cairn_slice_eq(existed, cairn_str("again"));
    if (again) rc = redis_saver_send_again(req, on_put);
    if (status == 0 && rc == 0 && !again && existed.len != 1) rc = CAIRN_EPROTOCOL;
    if (redis_saver_failed(req, status, rc, detail) || again) return;
    redis_store_done(redis_saver_of(req))
        ->put_done(CAIRN_CONTAINER_OF(req, cairn_store_put_t, req), existed.ptr[0] == '1');
}

int redis_store_put(void *self, cairn_store_put_t *req, const cairn_store_put_args_t *args)
{
    enum {
        ARGS = 3
    };
    redis_backend_t *redis = self;
    const redis_shelf_t shelf = redis_shelf(args->ns);
    const bool is_inline = redis_put_is_inline(args);
    char *out;
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    int rc = redis_saver_reserve(redis,
                                 sizeof REDIS_MULTI + sizeof REDIS_EXEC +
                                     redis_store_call_bound(&shelf, 1, ARGS) +
                                     redis_put_bound(&shelf, args),
                                 &out);
    if (rc < 0) return rc;
    if (args->ttl_ms > 0) redis->store_expires = true;
    if (!is_inline) {
        out = redis_cmd_literal(out, LITERAL(REDIS_MULTI));
        out = redis_put_value(out, &shelf, args);
    }
    out = redis_store_call(out, &redis_script_store_put, &shelf, 1, ARGS);
    out = redis_store_item(out, &shelf, args->key);
    out = redis_store_path(out, &shelf);
    out = redis_put_args(out, args);
    redis_conn_t *conn = redis_saver_conn(redis);
    if (is_inline) {
        redis_conn_commit_script(conn, out, on_put, &req->req, false);
        return 0;
    }
    out = redis_cmd_literal(out, LITERAL(REDIS_EXEC));
    redis_conn_commit_transaction(conn, out, on_put, &req->req, 2, false);
    return 0;
}
