/* put and delete by store_put.lua. What is large is staged before it, by plain commands in the same
 * transaction: what passes through a script costs with its length. */
#include "redis_directory.h"

#include <uv.h>

/* The longest value that goes through the script: as much as a command of its own costs. */
#define INLINE_MOST ((size_t)1024)

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

/* ---- when ---- */

static int64_t now_us(void)
{
    return (int64_t)(uv_hrtime() / 1000);
}

/* {seconds, microseconds} */
static int read_time(redis_reply_t *reply, int64_t *time_us)
{
    enum {
        US_IN_A_SECOND = 1000000
    };
    size_t count;
    cairn_slice_t text;
    int64_t seconds, us;
    int rc = redis_reply_array(reply, &count);
    if (rc == 0 && count != 2) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = redis_reply_string(reply, &text);
    if (rc == 0) rc = redis_store_number(text, &seconds);
    if (rc == 0) rc = redis_reply_string(reply, &text);
    if (rc == 0) rc = redis_store_number(text, &us);
    if (rc == 0 && seconds > CAIRN_TTL_MAX_MS / US_IN_A_SECOND) rc = CAIRN_EPROTOCOL;
    if (rc == 0) *time_us = seconds * US_IN_A_SECOND + us;
    return rc;
}

static void on_time(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    redis_backend_t *redis = ctx;
    int64_t time_us;
    (void)detail;
    if (status == 0 && read_time(reply, &time_us) == 0)
        redis_clock_hear(&redis->clock, time_us, now_us());
}

/* Without an answer puts go by the script. */
static void ask_time(redis_backend_t *redis)
{
    static const char command[] = "*1\r\n$4\r\nTIME\r\n";
    redis_conn_t *conn = redis_saver_conn(redis);
    char *out;
    if (conn->state != REDIS_CONN_READY || !redis_clock_asks(&redis->clock, now_us())) return;
    if (redis_conn_reserve_unbounded(conn, sizeof command, &out) < 0) return;
    out = redis_cmd_literal(out, LITERAL(command));
    redis_conn_commit(conn, out, on_time, redis, REDIS_CMD_TRANSIENT);
}

int64_t redis_store_stamp(redis_backend_t *redis)
{
    ask_time(redis);
    return redis_clock_stamp(&redis->clock, now_us());
}

char *redis_stamp_arg(char *out, int64_t stamp_us)
{
    if (stamp_us == 0) return redis_cmd_literal(out, LITERAL("$0\r\n\r\n"));
    out = redis_cmd_arg_begin(out, REDIS_HEAD_NUMBER);
    return redis_cmd_end(redis_head_number(out, stamp_us));
}

/* ---- the parts of the call ---- */

size_t redis_put_bound(const redis_shelf_t *shelf, const cairn_store_put_args_t *put)
{
    size_t fields, floats = 0;
    const size_t names = fields_size(put, &fields);
    for (size_t i = 0; i < put->vector_count; i++) floats += floats_size(&put->vectors[i]);
    return 5 * redis_store_item_bound(shelf, put->key) +
           redis_cmd_bound(20 + 2 * fields, 2 * REDIS_HEAD_SIZE + 64 + put->key.len +
                                                put->value.len + names + floats);
}

static bool is_value_inline(const cairn_store_put_args_t *put)
{
    return put->value.len <= INLINE_MOST;
}

bool redis_put_is_inline(const cairn_store_put_args_t *put)
{
    return put->vector_count == 0 && is_value_inline(put);
}

size_t redis_put_stagings(const cairn_store_put_args_t *put)
{
    enum {
        VECTORS = 3
    };
    const size_t value = is_value_inline(put) ? 0 : 1;
    return value + (put->vector_count > 0 ? VECTORS : 0);
}

/* For as long as nobody comes to fetch it. */
#define STAGED_MS "$5\r\n60000\r\n"

static char *stage_value(char *out, const redis_shelf_t *shelf, const cairn_store_put_args_t *put)
{
    out = redis_cmd_literal(out, LITERAL("*5\r\n$3\r\nSET\r\n"));
    out = redis_store_item_key(out, shelf, LITERAL(REDIS_ITEM_STAGED), put->key);
    out = redis_cmd_arg_begin(out, REDIS_HEAD_SIZE + put->value.len);
    out = redis_head(out, 0, 0, 0, false);
    out = redis_cmd_end(redis_bytes(out, put->value));
    return redis_cmd_literal(out, LITERAL("$2\r\nPX\r\n" STAGED_MS));
}

static char *stage_vectors(char *out, const redis_shelf_t *shelf, const cairn_store_put_args_t *put)
{
    size_t fields;
    (void)fields_size(put, &fields);
    out = redis_cmd_literal(out, LITERAL("*2\r\n$6\r\nUNLINK\r\n"));
    out = redis_store_item_key(out, shelf, LITERAL(REDIS_ITEM_STAGED_VECTORS), put->key);
    out = redis_cmd_begin(out, 2 + 2 * fields);
    out = redis_cmd_literal(out, LITERAL("$4\r\nHSET\r\n"));
    out = redis_store_item_key(out, shelf, LITERAL(REDIS_ITEM_STAGED_VECTORS), put->key);
    for (size_t i = 0; i < put->vector_count; i++) {
        if (!is_first_of_index(put, i)) continue;
        const cairn_vector_t *vector = &put->vectors[i];
        out = redis_cmd_arg_begin(out, redis_vector_field_size(vector->index, vector->dimensions));
        out = redis_cmd_end(redis_vector_field(out, vector->index, vector->dimensions));
        out = rows(out, put, vector->index);
    }
    out = redis_cmd_literal(out, LITERAL("*3\r\n$7\r\nPEXPIRE\r\n"));
    out = redis_store_item_key(out, shelf, LITERAL(REDIS_ITEM_STAGED_VECTORS), put->key);
    return redis_cmd_literal(out, LITERAL(STAGED_MS));
}

char *redis_put_stage(char *out, const redis_shelf_t *shelf, const cairn_store_put_args_t *put)
{
    if (!is_value_inline(put)) out = stage_value(out, shelf, put);
    if (put->vector_count > 0) out = stage_vectors(out, shelf, put);
    return out;
}

static bool are_fit_for_sets(const cairn_store_put_args_t *put)
{
    for (size_t i = 0; i < put->vector_count; i++)
        if (!redis_near_fits_sets(&put->vectors[i])) return false;
    return true;
}

static char *what(char *out, const cairn_store_put_args_t *put, cairn_slice_t seen)
{
    if (!put->value.ptr) return redis_cmd_literal(out, LITERAL("$1\r\nd\r\n"));
    out = redis_cmd_arg_begin(out, REDIS_HEAD_NUMBER + 2 + seen.len);
    out = redis_head_ttl(out, put->ttl_ms);
    *out++ = is_value_inline(put) ? 'v' : 's';
    *out++ = put->vector_count == 0 ? ' ' : are_fit_for_sets(put) ? 'n' : 'x';
    return redis_cmd_end(redis_bytes(out, seen));
}

char *redis_put_args(char *out, const cairn_store_put_args_t *put, cairn_slice_t seen)
{
    const cairn_slice_t nothing = {NULL, 0};
    out = redis_cmd_arg(out, put->key);
    out = what(out, put, seen);
    return redis_cmd_arg(out, is_value_inline(put) ? put->value : nothing);
}

size_t redis_put_size(const redis_shelf_t *shelf, const cairn_store_put_args_t *put)
{
    return sizeof REDIS_MULTI + sizeof REDIS_EXEC + redis_store_call_bound(shelf, 1, 2) +
           2 * redis_store_list_bound(shelf) + redis_put_bound(shelf, put);
}

/* ---- beliefs ---- */

#define NOT_NOTHING 1 /* set in every hash */

/* FNV-1a, and what spreads its last bytes over all bits. */
static uint64_t mix(uint64_t hash, cairn_slice_t bytes)
{
    hash ^= bytes.len + 1;
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char)bytes.ptr[i]) * UINT64_C(1099511628211);
    hash = (hash ^ hash >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

uint64_t redis_store_space_hash(const redis_shelf_t *shelf)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    if (shelf->hash != 0) return shelf->hash;
    for (size_t i = 0; i < shelf->ns.count; i++) hash = mix(hash, shelf->ns.labels[i]);
    return hash | NOT_NOTHING;
}

uint64_t redis_store_item_hash(const redis_shelf_t *shelf, cairn_slice_t key)
{
    return mix(redis_store_space_hash(shelf), key) | NOT_NOTHING;
}

void redis_store_believe_nothing(redis_backend_t *redis, const redis_shelf_t *shelf,
                                 cairn_slice_t key)
{
    redis_beliefs_set(&redis->beliefs, redis_store_item_hash(shelf, key), REDIS_BELIEF_DOUBT);
}

/* ---- put by a script ---- */

int redis_store_follow(redis_backend_t *redis, cairn_slice_t told)
{
    int64_t told_us;
    if (told.len == 0) return 0;
    if (told.len != REDIS_HEAD_NUMBER || redis_head_read_number(told.ptr, &told_us) < 0)
        return CAIRN_EPROTOCOL;
    redis_clock_follow(&redis->clock, told_us);
    return 0;
}

static int read_answer(redis_backend_t *redis, cairn_slice_t text, bool *existed,
                       int64_t *created_at_us)
{
    if (text.len < REDIS_PUT_ANSWER) return CAIRN_EPROTOCOL;
    *existed = text.ptr[0] == '1';
    int rc = redis_head_read_number(text.ptr + 1, created_at_us);
    if (rc < 0) return rc;
    return redis_store_follow(
        redis, cairn_slice(text.ptr + REDIS_PUT_ANSWER, text.len - REDIS_PUT_ANSWER));
}

static void on_put(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_backend_t *redis = redis_saver_of(req);
    const uint64_t hash = req->scratch[REDIS_SCRATCH_NUMBER];
    cairn_slice_t text = {NULL, 0};
    bool existed = false;
    int64_t created_at_us = 0;
    size_t count = 1;
    int rc = 0;
    if (status == 0 && redis_reply_type(reply) == REDIS_ARRAY)
        rc = redis_reply_array(reply, &count);
    for (; status == 0 && rc == 0 && count > 1; count--) rc = redis_reply_skip(reply);
    if (status == 0 && rc == 0) rc = redis_reply_string(reply, &text);
    if (status == 0 && rc == 0) rc = read_answer(redis, text, &existed, &created_at_us);
    if (redis_saver_failed(req, status, rc, detail)) return;
    if (hash) redis_beliefs_set(&redis->beliefs, hash, created_at_us);
    redis_store_done(redis)->put_done(CAIRN_CONTAINER_OF(req, cairn_store_put_t, req), existed);
}

uint64_t redis_put_believe(redis_backend_t *redis, const redis_shelf_t *shelf,
                           const cairn_store_put_args_t *put)
{
    const uint64_t hash = redis_store_item_hash(shelf, put->key);
    if (put->value.ptr) {
        redis_beliefs_set(&redis->beliefs, hash, REDIS_BELIEF_DOUBT);
    } else {
        redis_beliefs_drop(&redis->beliefs, hash);
    }
    if (!put->value.ptr || put->ttl_ms != CAIRN_TTL_PERSIST) return 0;
    redis_beliefs_set(&redis->beliefs, redis_store_space_hash(shelf), 1);
    return put->vector_count == 0 ? hash : 0;
}

int redis_put_by_script(redis_backend_t *redis, cairn_req_t *req, const redis_shelf_t *shelf,
                        const cairn_store_put_args_t *put, cairn_slice_t seen)
{
    enum {
        ARGS = 4
    };
    const size_t staged = put->value.ptr ? redis_put_stagings(put) : 0;
    const int64_t stamp_us = redis_store_stamp(redis);
    redis_conn_t *conn = redis_saver_conn(redis);
    char *out;
    int rc = redis_conn_reserve_unbounded(conn, redis_put_size(shelf, put), &out);
    if (rc < 0) return rc;
    const uint64_t hash = redis_put_believe(redis, shelf, put);
    req->scratch[REDIS_SCRATCH_NUMBER] = hash;
    if (staged > 0) {
        out = redis_cmd_literal(out, LITERAL(REDIS_MULTI));
        out = redis_put_stage(out, shelf, put);
    }
    out = redis_store_call(out, &redis_script_store_put, shelf, 1, ARGS);
    out = redis_store_item(out, shelf, put->key);
    out = redis_store_path(out, shelf);
    out = redis_stamp_arg(out, stamp_us);
    out = redis_put_args(out, put, seen);
    if (staged == 0) {
        redis_conn_commit_script(conn, out, on_put, req, false);
        return 0;
    }
    out = redis_cmd_literal(out, LITERAL(REDIS_EXEC));
    redis_conn_commit_transaction(conn, out, on_put, req, 1 + staged, false);
    return 0;
}

/* ---- put ---- */

int redis_store_put(void *self, cairn_store_put_t *req, const cairn_store_put_args_t *args)
{
    const cairn_slice_t nothing = {NULL, 0};
    redis_backend_t *redis = self;
    redis_shelf_t shelf = redis_shelf(redis, args->ns);
    char *unused;
    shelf.hash = redis_store_space_hash(&shelf);
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    if (args->ttl_ms > 0) redis->store_expires = true;
    if (redis_store_is_split(redis) && args->value.ptr &&
        !redis_directory_knows(redis, shelf.hash, args->ttl_ms))
        return redis_put_registering(redis, req, args);
    int rc = redis_put_plain(redis, &req->req, &shelf, args);
    if (rc != REDIS_PUT_BY_SCRIPT) return rc;
    rc = redis_store_reserve(redis, &shelf, redis_put_size(&shelf, args), &unused);
    if (rc < 0) return rc;
    return redis_put_by_script(redis, &req->req, &shelf, args, nothing);
}
