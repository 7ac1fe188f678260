/* put: a transaction of plain commands, which store body, metadata and values, and a script behind
 * them, which sees to everything else. What goes through a script costs with its length, and values
 * are most of it.
 *
 *     MULTI
 *     COPY checkpoint replaced                of one that it takes the place of
 *     HSET checkpoint l channels b body m metadata [p parent]
 *     SET blob value NX [PX ttl]              of each channel that changed
 *     EVALSHA put
 *     EXEC
 *
 * Behind the latest checkpoint, where that is known and never expires, there is nothing for the
 * script to do but to list the new one: plain commands do that for less,
 *
 *     COPY, HSET, SET ...
 *     RPUSH writes "", ZADD thread, ZADD shard
 *     EXISTS of what would make a difference
 *
 * and should it turn out that there was more to it (somebody else has put the same, or something
 * that expires), the script comes after, before the request is answered. What was asked for in the
 * meantime comes before it: it changes no more than it must. It also comes after if nobody waits
 * for the answer any more, or that is lost with the link, or the server had forgotten the script
 * (redis_saver_mend.c). Until it has, what was replaced can be told from the copy. */
#include "redis_saver.h"

#include <cairn/sys/alloc.h>
#include <cairn/sys/checkpoint_codec.h>
#include <uv.h>

/* ---- the answer ---- */

static void finished(cairn_req_t *req)
{
    redis_saver_done(req)->put_done(CAIRN_CONTAINER_OF(req, cairn_saver_put_t, req));
}

/* Of one that has just been answered, or given up. */
static cairn_slice_t answered_of(const cairn_req_t *req)
{
    return redis_saver_conn(redis_saver_of(req))->answered;
}

/* Of a transaction. Whatever became of it at last, it may have been carried out before: on a link
 * that was lost, or but for a script that the server lacked. */
static bool may_be_half_done(const cairn_req_t *req, int status)
{
    const redis_conn_t *conn = redis_saver_conn(redis_saver_of(req));
    if (status == CAIRN_EMAYBE || status == CAIRN_ESERVER) return true;
    return status < 0 && (conn->answered_flags & (REDIS_CMD_SENT | REDIS_CMD_BEGUN));
}

/* The put itself has been carried out before. */
static void on_finished(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    bool more = status == 0 && redis_reply_type(reply) == REDIS_ARRAY;
    cairn_slice_t nothing;
    int rc = 0;
    if (more) {
        rc = redis_saver_finish(req, reply, on_finished);
    } else if (status == 0) {
        rc = redis_reply_string(reply, &nothing);
    }
    if (status < 0) redis_insist(redis_saver_of(req), answered_of(req));
    if (redis_saver_failed(req, status < 0 ? CAIRN_EMAYBE : 0, rc, detail) || more) return;
    finished(req);
}

void redis_saver_on_put_script(cairn_req_t *req, redis_reply_t *reply)
{
    on_finished(req, 0, reply, cairn_slice(NULL, 0));
}

/* What the plain commands say does not matter: an error among them is one of the whole. */
static int skip_to_last(redis_reply_t *reply)
{
    size_t count;
    int rc = redis_reply_array(reply, &count);
    if (rc == 0 && count == 0) rc = CAIRN_EPROTOCOL;
    for (size_t i = 1; i < count && rc == 0; i++) rc = redis_reply_skip(reply);
    return rc;
}

static void on_put(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int rc = status < 0 ? 0 : skip_to_last(reply);
    const int told = redis_saver_told(req, status);
    if (may_be_half_done(req, status)) redis_saver_mend(redis_saver_of(req), answered_of(req));
    if (redis_saver_failed(req, told, rc, detail)) return;
    redis_reply_t script = *reply;
    cairn_slice_t text = {NULL, 0};
    if (redis_reply_type(&script) == REDIS_STRING) rc = redis_reply_string(&script, &text);
    if (rc == 0 && cairn_slice_eq(text, cairn_str("again"))) {
        rc = redis_saver_send_again(req, on_put);
        (void)redis_saver_failed(req, 0, rc, detail);
        return;
    }
    if (redis_saver_failed(req, 0, rc, detail)) return;
    if (cairn_slice_eq(text, cairn_str("newest")))
        redis_hints_confirm(&redis_saver_of(req)->hints, req->scratch[REDIS_SCRATCH_NUMBER]);
    redis_saver_on_put_script(req, reply);
}

/* ---- channels ---- */

/* Which of the values is that of each entry of channel_versions. What is not named there has no
 * place; of a channel that comes twice the last counts. */
enum {
    NO_VALUE = -1,
    FEW = 32
};

typedef struct channels {
    const cairn_checkpoint_t *checkpoint;
    size_t count;
    int64_t *values; /* of each entry: an index, or NO_VALUE */
    int64_t few[FEW];
    size_t list_size;
    size_t set_count;
    size_t set_bytes; /* of keys behind their stem, and values */
} channels_t;

static int64_t find_value(const cairn_checkpoint_t *checkpoint, const cairn_channel_version_t *at)
{
    for (size_t i = checkpoint->channel_value_count; i-- > 0;) {
        const cairn_channel_value_t *value = &checkpoint->channel_values[i];
        if (!cairn_slice_eq(value->channel, at->channel)) continue;
        return cairn_slice_eq(value->version, at->version) ? (int64_t)i : NO_VALUE;
    }
    return NO_VALUE;
}

static size_t blob_size(const cairn_channel_value_t *value)
{
    if (value->kind != CAIRN_CHANNEL_VALUE) return 1;
    return 1 + REDIS_PACKED_LENGTH + value->value.type.len + value->value.bytes.len;
}

static int find_channels(const cairn_checkpoint_t *checkpoint, channels_t *channels)
{
    channels->checkpoint = checkpoint;
    channels->count = checkpoint->channel_version_count;
    channels->list_size = channels->count > 0 ? channels->count - 1 : 0;
    channels->set_count = channels->set_bytes = 0;
    channels->values = channels->few;
    if (channels->count > FEW)
        channels->values = cairn_malloc(channels->count * sizeof *channels->values);
    if (!channels->values) return UV_ENOMEM;
    for (size_t i = 0; i < channels->count; i++) {
        const cairn_channel_version_t *at = &checkpoint->channel_versions[i];
        const size_t size = redis_suffix_size(at);
        int64_t value = find_value(checkpoint, at);
        channels->values[i] = value;
        channels->list_size += size;
        if (value == NO_VALUE) continue;
        channels->set_count++;
        channels->set_bytes += size + blob_size(&checkpoint->channel_values[value]);
    }
    return 0;
}

static void free_channels(channels_t *channels)
{
    if (channels->values != channels->few) cairn_free(channels->values);
}

static bool has_delta(const cairn_saver_put_args_t *args)
{
    static const char counters[] = "counters_since_delta_snapshot";
    const cairn_checkpoint_t *checkpoint = args->checkpoint;
    for (size_t i = 0; i < checkpoint->channel_value_count; i++)
        if (checkpoint->channel_values[i].kind == CAIRN_CHANNEL_DELTA) return true;
    return memmem(args->metadata.ptr, args->metadata.len, LITERAL(counters)) != NULL;
}

/* ---- the commands ---- */

static char *list_of(char *out, const channels_t *channels, cairn_slice_t *list)
{
    out = redis_cmd_arg_begin(out, channels->list_size);
    *list = cairn_slice(out, channels->list_size);
    return redis_cmd_end(redis_suffixes(out, channels->checkpoint));
}

static size_t head_fields(const cairn_saver_put_args_t *args)
{
    return args->parent.checkpoint_id.ptr ? 4 : 3;
}

static char *keep_replaced(char *out, const redis_space_t *space, cairn_slice_t id)
{
    out = redis_cmd_literal(out, LITERAL("*3\r\n$4\r\nCOPY\r\n"));
    out = redis_object_key(out, space, LITERAL(REDIS_KEY_CHECKPOINT), id);
    return redis_object_key(out, space, LITERAL(REDIS_KEY_REPLACED), id);
}

/* list: where the channels are. redis_saver_mend.c reads it. */
static char *store_head(char *out, const redis_space_t *space, const cairn_saver_put_args_t *args,
                        size_t body, const channels_t *channels, cairn_slice_t *list)
{
    const bool has_parent = args->parent.checkpoint_id.ptr != NULL;
    out = redis_cmd_begin(out, 2 + 2 * head_fields(args));
    out = redis_cmd_literal(out, LITERAL("$4\r\nHSET\r\n"));
    out = redis_object_key(out, space, LITERAL(REDIS_KEY_CHECKPOINT), args->checkpoint->id);
    out = list_of(redis_cmd_literal(out, LITERAL("$1\r\nl\r\n")), channels, list);
    out = redis_cmd_literal(out, LITERAL("$1\r\nb\r\n"));
    out = redis_cmd_arg_begin(out, body);
    out = redis_cmd_end(cairn_checkpoint_encode(args->checkpoint, out));
    out = redis_cmd_literal(out, LITERAL("$1\r\nm\r\n"));
    out = redis_cmd_arg(out, args->metadata);
    if (!has_parent) return out;
    out = redis_cmd_literal(out, LITERAL("$1\r\np\r\n"));
    return redis_cmd_arg(out, args->parent.checkpoint_id);
}

static char *blob(char *out, const cairn_channel_value_t *value)
{
    static const char kinds[] = {[CAIRN_CHANNEL_VALUE] = REDIS_BLOB_VALUE,
                                 [CAIRN_CHANNEL_EMPTY] = REDIS_BLOB_EMPTY,
                                 [CAIRN_CHANNEL_DELTA] = REDIS_BLOB_DELTA};
    out = redis_cmd_arg_begin(out, blob_size(value));
    *out++ = kinds[value->kind];
    if (value->kind == CAIRN_CHANNEL_VALUE) {
        out = redis_pack_length(out, value->value.type.len);
        out = redis_bytes(out, value->value.type);
        out = redis_bytes(out, value->value.bytes);
    }
    return redis_cmd_end(out);
}

static char *store_values(char *out, const redis_space_t *space, const channels_t *channels,
                          int64_t ttl_ms)
{
    const size_t stem = redis_object_stem_size(space, sizeof REDIS_KEY_BLOB - 1);
    const char *written = NULL; /* the stem, from the second on */
    for (size_t i = 0; i < channels->count; i++) {
        const cairn_channel_version_t *at = &channels->checkpoint->channel_versions[i];
        if (channels->values[i] == NO_VALUE) continue;
        out = redis_cmd_begin(out, ttl_ms > 0 ? 6 : 4);
        out = redis_cmd_literal(out, LITERAL("$3\r\nSET\r\n"));
        out = redis_cmd_arg_begin(out, stem + redis_suffix_size(at));
        const char *here = out;
        out = written ? redis_cmd_literal(out, written, stem)
                      : redis_object_stem(out, space, LITERAL(REDIS_KEY_BLOB));
        written = here;
        out = redis_cmd_end(redis_suffix(out, at));
        out = blob(out, &channels->checkpoint->channel_values[channels->values[i]]);
        out = redis_cmd_literal(out, LITERAL("$2\r\nNX\r\n"));
        if (ttl_ms <= 0) continue;
        out = redis_cmd_literal(out, LITERAL("$2\r\nPX\r\n"));
        out = redis_cmd_i64(out, ttl_ms);
    }
    return out;
}

static char *flags_of(char *out, const cairn_saver_put_args_t *args)
{
    char flags[6];
    size_t count = 0;
    if (args->terms.ttl_ms > 0) flags[count++] = 'e';
    if (args->terms.ttl_given) flags[count++] = 'g';
    if (args->terms.shallow) flags[count++] = 's';
    if (args->terms.scope == CAIRN_SCOPE_THREAD) flags[count++] = 't';
    if (has_delta(args)) flags[count++] = 'd';
    if (!args->parent.checkpoint_id.ptr) flags[count++] = 'p';
    return redis_cmd_arg(out, cairn_slice(flags, count));
}

static char *member_of_thread(char *out, const redis_space_t *space, cairn_slice_t id)
{
    out = redis_cmd_arg_begin(out, 1 + space->ns_place + id.len);
    *out++ = 'c';
    out = redis_encode(out, space->ns);
    return redis_cmd_end(redis_bytes(out, id));
}

static char *member_of_shard(char *out, const redis_space_t *space, cairn_slice_t id)
{
    out = redis_cmd_arg_begin(out, redis_encoded_size(id) + space->thread_place + space->ns_place);
    out = redis_encode(out, id);
    out = redis_encode_inverted(out, space->thread_id);
    return redis_cmd_end(redis_encode_inverted(out, space->ns));
}

static size_t lines_size(const redis_space_t *space, const cairn_saver_put_args_t *args,
                         const channels_t *channels, size_t number)
{
    return number + channels->count + sizeof REDIS_KEY_NAMES - 1 + space->thread_size + 2 +
           redis_object_stem_size(space, sizeof REDIS_KEY_BLOB - 1) + args->run_id.len + 5;
}

/* scripts/put.lua says what they are. */
static char *lines(char *out, const redis_space_t *space, const cairn_saver_put_args_t *args,
                   const channels_t *channels)
{
    char number[REDIS_CMD_NUMBER];
    const int64_t ttl_ms = args->terms.ttl_ms;
    const size_t size =
        (size_t)(ttl_ms > 0 ? redis_cmd_digits(number, (uint64_t)ttl_ms) - number : 2);
    out = redis_cmd_arg_begin(out, lines_size(space, args, channels, size));
    out = redis_cmd_literal(out, ttl_ms > 0 ? number : "-1", size);
    *out++ = '\n';
    for (size_t i = 0; i < channels->count; i++)
        *out++ = channels->values[i] == NO_VALUE ? '0' : '1';
    out = redis_cmd_literal(out, LITERAL("\n" REDIS_KEY_NAMES "\n{"));
    out = redis_escape(out, space->thread_id);
    out = redis_cmd_literal(out, LITERAL("}\n"));
    out = redis_object_stem(out, space, LITERAL(REDIS_KEY_BLOB));
    *out++ = '\n';
    return redis_cmd_end(redis_bytes(out, args->run_id));
}

enum {
    KEYS = 8,
    ARGS = 4
};

/* late: one more argument follows. */
static char *script(char *out, const redis_space_t *space, const cairn_saver_put_args_t *args,
                    const channels_t *channels, bool late)
{
    const cairn_slice_t id = args->checkpoint->id;
    const size_t has_run = args->run_id.ptr != NULL;
    out = redis_script_begin(out, &redis_script_put, redis_space_guard(space), KEYS + has_run,
                             ARGS + late);
    out = redis_object_key(out, space, LITERAL(REDIS_KEY_CHECKPOINT), id);
    out = redis_object_key(out, space, LITERAL(REDIS_KEY_WRITES), id);
    out = redis_thread_key(out, space, LITERAL(REDIS_KEY_THREAD));
    out = redis_thread_key(out, space, LITERAL(REDIS_KEY_THREAD_EXPIRY));
    out = redis_thread_key(out, space, LITERAL(REDIS_KEY_THREAD_LOOSE));
    out = redis_shard_keys(out, space);
    out = redis_object_key(out, space, LITERAL(REDIS_KEY_REPLACED), id);
    if (has_run) out = redis_run_key(out, space, args->run_id);
    out = member_of_thread(out, space, id);
    out = member_of_shard(out, space, id);
    out = flags_of(out, args);
    return lines(out, space, args, channels);
}

/* Half of the TTL, as clocks go: the server's is not ours. */
static uint64_t sure_until(const redis_backend_t *redis, int64_t ttl_ms)
{
    enum {
        LEAST_MS = 10000
    };
    if (ttl_ms <= 0) return UINT64_MAX;
    if (ttl_ms < LEAST_MS) return 0;
    return redis->host->api->now_ms(redis->host) + (uint64_t)ttl_ms / 2;
}

/* ---- behind one's own ---- */

#define PLAIN_LISTS 4 /* commands */

static char *plain_lists(char *out, const redis_space_t *space, cairn_slice_t id)
{
    out = redis_cmd_literal(out, LITERAL("*3\r\n$5\r\nRPUSH\r\n"));
    out = redis_object_key(out, space, LITERAL(REDIS_KEY_WRITES), id);
    out = redis_cmd_literal(out, LITERAL("$0\r\n\r\n*4\r\n$4\r\nZADD\r\n"));
    out = redis_thread_key(out, space, LITERAL(REDIS_KEY_THREAD));
    out = redis_cmd_literal(out, LITERAL("$1\r\n0\r\n"));
    out = member_of_thread(out, space, id);
    out = redis_cmd_literal(out, LITERAL("*4\r\n$4\r\nZADD\r\n"));
    out = redis_shard_key(out, LITERAL(REDIS_KEY_SHARD), space);
    out = redis_cmd_literal(out, LITERAL("$1\r\n0\r\n"));
    out = member_of_shard(out, space, id);
    out = redis_cmd_literal(out, LITERAL("*4\r\n$6\r\nEXISTS\r\n"));
    out = redis_thread_key(out, space, LITERAL(REDIS_KEY_THREAD_EXPIRY));
    out = redis_thread_key(out, space, LITERAL(REDIS_KEY_THREAD_LOOSE));
    return redis_shard_key(out, LITERAL(REDIS_KEY_SHARD_EXPIRY), space);
}

/* The call of the script, should it be needed; the request's memory. */
typedef struct later {
    size_t size;
    size_t fields; /* that a new checkpoint is given */
    char call[];
} later_t;

/* The plain commands have been carried out before. */
static void on_late(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_reply_t script;
    cairn_slice_t text = {NULL, 0};
    int rc = 0;
    if (status == 0) script = *reply;
    if (status == 0 && redis_reply_type(reply) == REDIS_STRING)
        rc = redis_reply_string(&script, &text);
    if (rc == 0 && cairn_slice_eq(text, cairn_str("again"))) rc = UV_EAGAIN;
    if (status < 0) redis_insist(redis_saver_of(req), answered_of(req));
    if (redis_saver_failed(req, status < 0 ? CAIRN_EMAYBE : 0, rc, detail)) return;
    redis_saver_release(req);
    redis_saver_on_put_script(req, reply);
}

static cairn_slice_t call_of(const later_t *later)
{
    return cairn_slice(later->call, later->size);
}

static int call_later(redis_backend_t *redis, cairn_req_t *req, const later_t *later)
{
    redis_conn_t *conn = redis_saver_conn(redis);
    char *out;
    int rc = redis_conn_reserve_unbounded(conn, later->size, &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, later->call, later->size);
    redis_conn_commit_script(conn, out, on_late, req, false);
    return 0;
}

/* Of a request whose plain commands are not answered, on REDIS_SCRATCH_MEMORY. */
#define LATER_TAG ((uint64_t)2)

bool redis_saver_let_go(uint64_t memory)
{
    if (!(memory & LATER_TAG)) return false;
    cairn_free((void *)(uintptr_t)(memory & ~LATER_TAG));
    return true;
}

/* {replaced, fields, .. of values, length, .., .., what would make a difference}. 1: there is more
 * to it. */
static int read_plain(redis_reply_t *reply, size_t fields)
{
    size_t count;
    int64_t replaced = 0, added = 0, length = 0, others = 0;
    int rc = redis_reply_array(reply, &count);
    if (rc == 0 && count < 2 + PLAIN_LISTS) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = redis_reply_int(reply, &replaced);
    if (rc == 0) rc = redis_reply_int(reply, &added);
    for (size_t i = 2 + PLAIN_LISTS; i < count && rc == 0; i++) rc = redis_reply_skip(reply);
    if (rc == 0) rc = redis_reply_int(reply, &length);
    if (rc == 0) rc = redis_reply_skip(reply);
    if (rc == 0) rc = redis_reply_skip(reply);
    if (rc == 0) rc = redis_reply_int(reply, &others);
    if (rc < 0) return rc;
    return !replaced && added == (int64_t)fields && length == 1 && others == 0 ? 0 : 1;
}

static void on_plain(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_backend_t *redis = redis_saver_of(req);
    req->scratch[REDIS_SCRATCH_MEMORY] &= ~LATER_TAG;
    const later_t *later = (const later_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_MEMORY];
    int rc = status < 0 ? 0 : read_plain(reply, later->fields);
    const bool more = rc > 0;
    if (more) rc = call_later(redis, req, later);
    if (may_be_half_done(req, status)) redis_insist(redis, call_of(later));
    if (redis_saver_failed(req, status, rc, detail) || more) return;
    redis_saver_release(req);
    finished(req);
}

void redis_saver_give_up(redis_backend_t *redis, const cairn_req_t *req)
{
    const uint64_t memory = req->scratch[REDIS_SCRATCH_MEMORY];
    const redis_conn_t *conn = redis_saver_conn(redis);
    const redis_answer_fn answer = redis_conn_answer_of(conn, req);
    const bool may_have_sent = redis_conn_may_have_sent(conn, req);
    if (answer == on_late || answer == on_finished) /* of a put that was carried out */
        redis_insist(redis, redis_conn_bytes_of(conn, req));
    else if (answer == on_plain && may_have_sent)
        redis_insist(redis, call_of((later_t *)(uintptr_t)(memory & ~LATER_TAG)));
    else if (answer == on_put && may_have_sent)
        redis_saver_mend(redis, redis_conn_bytes_of(conn, req));
}

static bool is_plain(const redis_backend_t *redis, const cairn_saver_put_args_t *args)
{
    const cairn_saver_terms_t *terms = &args->terms;
    if (terms->ttl_ms > 0 || terms->ttl_given || terms->shallow || args->run_id.ptr ||
        terms->scope == CAIRN_SCOPE_THREAD || has_delta(args))
        return false;
    const redis_hint_t *hint =
        redis_saver_hint(redis, args->parent.thread_id, args->parent.checkpoint_ns);
    return hint && hint->newest && cairn_slice_cmp(args->checkpoint->id, redis_hint_id(hint)) > 0;
}

/* ---- the request ---- */

static size_t script_bound(const redis_space_t *space, const cairn_saver_put_args_t *args,
                           const channels_t *channels)
{
    const cairn_slice_t id = args->checkpoint->id;
    return redis_thread_bound(
        space, 14,
        3 * redis_object_key_size(space, id) +
            2 * redis_object_stem_size(space, sizeof REDIS_KEY_THREAD_EXPIRY) +
            redis_run_key_size(space, args->run_id) + 1 + channels->list_size +
            3 * space->ns_place + id.len + redis_encoded_size(id) + space->thread_place + 6 +
            lines_size(space, args, channels, REDIS_CMD_NUMBER));
}

/* What either way takes; what the plain one lists has the same parts as the call. */
static size_t bound(const redis_space_t *space, const cairn_saver_put_args_t *args,
                    const channels_t *channels, size_t body)
{
    const size_t head = redis_cmd_bound(
        13, 13 + 3 * redis_object_key_size(space, args->checkpoint->id) + body +
                channels->list_size + args->metadata.len + args->parent.checkpoint_id.len);
    const size_t blob_key = redis_object_stem_size(space, sizeof REDIS_KEY_BLOB);
    const size_t values =
        channels->set_count * (redis_cmd_bound(6, 8 + REDIS_CMD_NUMBER) + blob_key) +
        channels->set_bytes;
    const size_t lists =
        redis_cmd_bound(20, 31) + redis_object_key_size(space, args->checkpoint->id);
    return sizeof REDIS_MULTI + head + values + lists + script_bound(space, args, channels) +
           sizeof REDIS_EXEC;
}

static int keep_call(cairn_req_t *req, const redis_space_t *space,
                     const cairn_saver_put_args_t *args, const channels_t *channels)
{
    later_t *later = cairn_malloc(sizeof *later + script_bound(space, args, channels));
    if (!later) return UV_ENOMEM;
    char *end = script(later->call, space, args, channels, true);
    end = redis_cmd_arg_begin(end, 1 + channels->list_size);
    *end++ = REDIS_PUT_PLAIN;
    end = redis_cmd_end(redis_suffixes(end, channels->checkpoint));
    later->size = (size_t)(end - later->call);
    later->fields = head_fields(args);
    req->scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)later;
    return 0;
}

/* Returns its token. */
static uint64_t remember(redis_backend_t *redis, const cairn_saver_put_args_t *args,
                         cairn_slice_t list)
{
    if (args->terms.shallow || args->terms.ttl_given || args->terms.scope == CAIRN_SCOPE_THREAD)
        redis_hints_doubt(&redis->hints);
    redis_hints_set(&redis->hints, args->parent.thread_id, args->parent.checkpoint_ns,
                    args->checkpoint->id, list, sure_until(redis, args->terms.ttl_ms));
    const redis_hint_t *hint =
        redis_saver_hint(redis, args->parent.thread_id, args->parent.checkpoint_ns);
    return hint ? hint->token : 0;
}

int redis_saver_put(void *self, cairn_saver_put_t *req, const cairn_saver_put_args_t *args)
{
    redis_backend_t *redis = self;
    const redis_space_t space =
        redis_space(redis, args->parent.thread_id, args->parent.checkpoint_ns);
    const size_t body = cairn_checkpoint_encoded_size(args->checkpoint);
    const bool plain = is_plain(redis, args);
    channels_t channels;
    cairn_slice_t list;
    char *out;
    int rc = find_channels(args->checkpoint, &channels);
    if (rc < 0) return rc;
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    if (plain) rc = keep_call(&req->req, &space, args, &channels);
    if (rc == 0)
        rc =
            redis_saver_reserve(redis, space.thread_id, bound(&space, args, &channels, body), &out);
    if (rc < 0) goto out;
    out = redis_cmd_literal(out, LITERAL(REDIS_MULTI));
    out = keep_replaced(out, &space, args->checkpoint->id);
    out = store_head(out, &space, args, body, &channels, &list);
    out = store_values(out, &space, &channels, args->terms.ttl_ms);
    out = plain ? plain_lists(out, &space, args->checkpoint->id)
                : script(out, &space, args, &channels, false);
    out = redis_cmd_literal(out, LITERAL(REDIS_EXEC));
    req->req.scratch[REDIS_SCRATCH_NUMBER] = remember(redis, args, list);
    redis_conn_commit_transaction(redis_saver_conn(redis), out, plain ? on_plain : on_put,
                                  &req->req, 2 + channels.set_count + (plain ? PLAIN_LISTS : 1),
                                  false);
    if (plain) req->req.scratch[REDIS_SCRATCH_MEMORY] |= LATER_TAG;
out:
    if (rc < 0) redis_saver_release(&req->req);
    free_channels(&channels);
    return rc;
}
