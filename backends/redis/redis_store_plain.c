/* Puts without a script, of items that have neither TTL nor vectors, as most have not: a script
 * costs the server several times as much as these commands. It needs to know beforehand when the
 * item was created, as that stays. Of an item that has come by before that is believed:
 *
 *     SET item new GET, ZADD changes XX
 *
 * What was there tells whether it was right: the item was listed, and so it is still. If not, there
 * is more to do, for which store_mend.lua comes after: also if nobody waits for the put any more,
 * or its answer was lost with the link. Of an item not known of it is guessed that there is none,
 * in a namespace that is:
 *
 *     GETRANGE item, PTTL changes, SET item new NX, ZADD changes NX, ZADD keys NX
 *
 * If there is one nothing has changed, and store_put.lua comes after. Then the same item may have
 * been changed from here in the meantime, which counts: so the script is told what was seen, and
 * leaves alone what has changed since. Other puts of it are no guesses: from the first one on it is
 * believed to be there.
 *
 * All times are the client's notion of the server's clock, so that what is put later from here has
 * the later time, whichever way it goes. */
#include "redis_store.h"

#include <uv.h>

/* The longest value whose replacement is asked for the whole of what was there. */
#define WHOLE_MOST ((size_t)1024)

static const cairn_slice_t nothing = {NULL, 0};

/* In place of the head of what was replaced. */
static const cairn_slice_t unknown = {"?", 1};

/* ---- what has been sent, from its bytes ---- */

/* A word of one of the commands sent. */
static int read_word(cairn_slice_t sent, size_t command, size_t word, cairn_slice_t *out)
{
    redis_reply_t at;
    size_t words;
    redis_reply_init(&at, sent.ptr, sent.len);
    int rc = 0;
    for (; command > 0 && rc == 0; command--) rc = redis_reply_skip(&at);
    if (rc == 0) rc = redis_reply_array(&at, &words);
    for (; word > 0 && rc == 0; word--) rc = redis_reply_skip(&at);
    return rc < 0 ? rc : redis_reply_string(&at, out);
}

/* The first command of either kind names it. */
static int read_item(redis_backend_t *redis, cairn_slice_t sent, cairn_item_t *item)
{
    cairn_slice_t name;
    cairn_arena_reset(&redis->arena);
    int rc = read_word(sent, 0, 1, &name);
    return rc < 0 ? rc : redis_item_take_name(&redis->arena, name, item);
}

/* Whether there is nobody to tell, or a failure has been told. */
static bool is_over(cairn_req_t *req, int rc)
{
    return !req || redis_saver_failed(req, 0, rc, nothing);
}

static void tell(redis_backend_t *redis, cairn_req_t *req, bool existed)
{
    redis_store_done(redis)->put_done(CAIRN_CONTAINER_OF(req, cairn_store_put_t, req), existed);
}

/* ---- mending ---- */

/* The put itself has been carried out before. */
static void mended(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail, bool existed)
{
    cairn_req_t *req = ctx;
    int64_t unused;
    int rc = status < 0 ? 0 : redis_reply_int(reply, &unused);
    if (redis_saver_failed(req, status < 0 ? CAIRN_EMAYBE : 0, rc, detail)) return;
    tell(redis_saver_of(req), req, existed);
}

static void on_mended_new(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    mended(ctx, status, reply, detail, false);
}

static void on_mended_old(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    mended(ctx, status, reply, detail, true);
}

enum {
    MEND_TIMES = 2 * REDIS_HEAD_NUMBER + 1 /* created and updated, at the beginning of a head */
};

static int call_mend(redis_backend_t *redis, redis_conn_t *conn, const cairn_item_t *item,
                     cairn_slice_t put, cairn_slice_t head, redis_answer_fn answer,
                     cairn_req_t *req)
{
    enum {
        ARGS = 3
    };
    const redis_shelf_t shelf = redis_shelf(redis, item->ns);
    char *out;
    int rc = redis_conn_reserve_unbounded(
        conn,
        redis_store_call_bound(&shelf, 1, ARGS) + redis_store_item_bound(&shelf, item->key) +
            redis_cmd_bound(ARGS, item->key.len + MEND_TIMES + REDIS_HEAD_SIZE),
        &out);
    if (rc < 0) return rc;
    out = redis_store_call(out, &redis_script_store_mend, &shelf, 1, ARGS);
    out = redis_store_item(out, &shelf, item->key);
    out = redis_store_path(out, &shelf);
    out = redis_cmd_arg(out, item->key);
    out = redis_cmd_arg(out, cairn_slice(put.ptr, MEND_TIMES));
    out = redis_cmd_arg(out, head);
    redis_conn_commit_script(conn, out, answer, req, true);
    return 0;
}

/* req: NULL if nobody waits. put: what was. head: of what was replaced, or empty, or unknown. The
 * call that is nobody's is never given up, and survives the link; that of the request comes behind
 * it, and finds nothing left to do. */
static int mend(redis_backend_t *redis, cairn_req_t *req, cairn_slice_t sent, cairn_slice_t put,
                cairn_slice_t head)
{
    const redis_answer_fn heard = head.len > 0 ? on_mended_old : on_mended_new;
    redis_conn_t *conn = redis_saver_conn(redis);
    cairn_item_t item;
    int rc = read_item(redis, sent, &item);
    if (rc < 0) return rc;
    const redis_shelf_t shelf = redis_shelf(redis, item.ns);
    redis_store_believe_nothing(redis, &shelf, item.key);
    rc = call_mend(redis, conn, &item, put, head, redis_insist_answered, &redis->insist.req);
    if (rc == 0 && req) rc = call_mend(redis, conn, &item, put, head, heard, req);
    return rc;
}

/* ---- an item that is believed to be there ---- */

static bool is_whole(cairn_slice_t value)
{
    return value.len <= WHOLE_MOST;
}

static bool was_as_believed(cairn_slice_t head, cairn_slice_t put)
{
    cairn_item_t before, item;
    bool had_vectors;
    if (redis_head_read(head, &before, &had_vectors) < 0 || redis_head_read(put, &item, NULL) < 0)
        return false;
    return before.created_at_us == item.created_at_us &&
           before.updated_at_us < item.updated_at_us && before.ttl_ms == CAIRN_TTL_PERSIST &&
           !had_vectors;
}

static int read_replaced(redis_reply_t *reply, cairn_slice_t *head)
{
    bool absent;
    int rc = redis_reply_string_or_nil(reply, head, &absent);
    if (rc < 0) return rc;
    if (absent) *head = nothing;
    if (head->len > REDIS_HEAD_SIZE) head->len = REDIS_HEAD_SIZE;
    return 0;
}

/* What is large was asked for its head beforehand. */
static void on_updated(redis_backend_t *redis, cairn_req_t *req, redis_reply_t *reply,
                       cairn_slice_t sent)
{
    cairn_slice_t head = unknown, put, name;
    bool more = false;
    int rc = reply ? read_replaced(reply, &head) : 0;
    if (rc == 0) rc = read_word(sent, 0, 0, &name);
    if (rc == 0) rc = read_word(sent, cairn_slice_eq(name, cairn_str("SET")) ? 0 : 1, 2, &put);
    if (rc == 0) more = !was_as_believed(head, put);
    if (more) rc = mend(redis, req, sent, put, head);
    if (is_over(req, rc) || more) return;
    tell(redis, req, true);
}

static char *get_head(char *out, const redis_shelf_t *shelf, cairn_slice_t key)
{
    _Static_assert(REDIS_HEAD_SIZE == 51, "the last byte of a head is spelt out");
    out = redis_cmd_literal(out, LITERAL("*4\r\n$8\r\nGETRANGE\r\n"));
    out = redis_store_item(out, shelf, key);
    return redis_cmd_literal(out, LITERAL("$1\r\n0\r\n$2\r\n50\r\n"));
}

static char *item_arg(char *out, const cairn_store_put_args_t *put, int64_t created_at_us,
                      int64_t stamp_us)
{
    out = redis_cmd_arg_begin(out, REDIS_HEAD_SIZE + put->value.len);
    out = redis_head(out, created_at_us, stamp_us, 0, false);
    return redis_cmd_end(redis_bytes(out, put->value));
}

/* -1 * updated_at */
static char *score_arg(char *out, int64_t stamp_us)
{
    out = redis_cmd_arg_begin(out, 1 + REDIS_HEAD_NUMBER);
    *out++ = '-';
    return redis_cmd_end(redis_head_number(out, stamp_us));
}

static char *update(char *out, const redis_shelf_t *shelf, const cairn_store_put_args_t *put,
                    int64_t created_at_us, int64_t stamp_us, size_t *commands)
{
    const bool whole = is_whole(put->value);
    *commands = whole ? 2 : 3;
    if (!whole) out = get_head(out, shelf, put->key);
    out = whole ? redis_cmd_literal(out, LITERAL("*4\r\n$3\r\nSET\r\n"))
                : redis_cmd_literal(out, LITERAL("*3\r\n$3\r\nSET\r\n"));
    out = redis_store_item(out, shelf, put->key);
    out = item_arg(out, put, created_at_us, stamp_us);
    if (whole) out = redis_cmd_literal(out, LITERAL("$3\r\nGET\r\n"));
    out = redis_cmd_literal(out, LITERAL("*5\r\n$4\r\nZADD\r\n"));
    out = redis_store_list_key(out, shelf, LITERAL(REDIS_SPACE_CHANGES));
    out = score_arg(redis_cmd_literal(out, LITERAL("$2\r\nXX\r\n")), stamp_us);
    return redis_cmd_arg(out, put->key);
}

/* ---- an item that is guessed not to be there ---- */

enum {
    SET = 2, /* the commands before it */
    INSERTS = 5
};

typedef struct inserted {
    cairn_slice_t head; /* of what was there */
    int64_t lists_ttl_ms;
    bool set;
    int64_t changes, keys; /* listed anew */
} inserted_t;

static int read_inserted(redis_reply_t *reply, inserted_t *found)
{
    cairn_slice_t ok;
    bool not_set = false;
    int rc = redis_reply_string(reply, &found->head);
    if (rc == 0) rc = redis_reply_int(reply, &found->lists_ttl_ms);
    if (rc == 0) rc = redis_reply_string_or_nil(reply, &ok, &not_set);
    if (rc == 0) rc = redis_reply_int(reply, &found->changes);
    if (rc == 0) rc = redis_reply_int(reply, &found->keys);
    found->set = !not_set;
    return rc;
}

/* It is there. */
static int put_again(redis_backend_t *redis, cairn_req_t *req, cairn_slice_t sent,
                     cairn_slice_t value, cairn_slice_t head)
{
    enum {
        UPDATED = REDIS_HEAD_NUMBER + 1 /* where that begins; the TTL is behind it */
    };
    cairn_item_t item, before;
    int rc = read_item(redis, sent, &item);
    if (rc == 0) rc = redis_head_read(head, &before, NULL);
    if (rc < 0) return rc;
    const cairn_slice_t seen = cairn_slice(head.ptr + UPDATED, UPDATED + REDIS_HEAD_NUMBER);
    const cairn_store_put_args_t put = {
        .size = sizeof put,
        .ns = item.ns,
        .key = item.key,
        .value = cairn_slice(value.ptr + REDIS_HEAD_SIZE, value.len - REDIS_HEAD_SIZE),
        .ttl_ms = CAIRN_TTL_PERSIST,
    };
    const redis_shelf_t shelf = redis_shelf(redis, item.ns);
    return redis_put_by_script(redis, req, &shelf, &put, seen);
}

static bool is_listed(const inserted_t *found)
{
    return found->lists_ttl_ms == -1 && found->changes == 1 && found->keys == 1;
}

static void on_inserted(redis_backend_t *redis, cairn_req_t *req, redis_reply_t *reply,
                        cairn_slice_t sent)
{
    inserted_t found = {.set = true};
    cairn_slice_t put;
    int rc = reply ? read_inserted(reply, &found) : 0;
    if (rc == 0) rc = read_word(sent, SET, 2, &put);
    const bool more = rc == 0 && !(found.set && is_listed(&found));
    if (rc == 0 && reply) redis_beliefs_guessed(&redis->beliefs, found.set);
    if (more && found.set) rc = mend(redis, req, sent, put, reply ? nothing : unknown);
    if (more && !found.set && req) rc = put_again(redis, req, sent, put, found.head);
    if (is_over(req, rc) || more) return;
    tell(redis, req, false);
}

static char *insert(char *out, const redis_shelf_t *shelf, const cairn_store_put_args_t *put,
                    int64_t stamp_us)
{
    out = get_head(out, shelf, put->key);
    out = redis_cmd_literal(out, LITERAL("*2\r\n$4\r\nPTTL\r\n"));
    out = redis_store_list_key(out, shelf, LITERAL(REDIS_SPACE_CHANGES));
    out = redis_cmd_literal(out, LITERAL("*4\r\n$3\r\nSET\r\n"));
    out = redis_store_item(out, shelf, put->key);
    out = item_arg(out, put, stamp_us, stamp_us);
    out = redis_cmd_literal(out, LITERAL("$2\r\nNX\r\n*5\r\n$4\r\nZADD\r\n"));
    out = redis_store_list_key(out, shelf, LITERAL(REDIS_SPACE_CHANGES));
    out = score_arg(redis_cmd_literal(out, LITERAL("$2\r\nNX\r\n")), stamp_us);
    out = redis_cmd_arg(out, put->key);
    out = redis_cmd_literal(out, LITERAL("*5\r\n$4\r\nZADD\r\n"));
    out = redis_store_list_key(out, shelf, LITERAL(REDIS_SPACE_KEYS));
    out = redis_cmd_literal(out, LITERAL("$2\r\nNX\r\n$1\r\n0\r\n"));
    return redis_cmd_arg(out, put->key);
}

/* ---- put ---- */

static bool may_be_plain(const cairn_req_t *req, const cairn_store_put_args_t *put)
{
    return put->value.ptr && put->ttl_ms == CAIRN_TTL_PERSIST && put->vector_count == 0 &&
           !(req->flags & (CAIRN_REQ_IDEMPOTENT | CAIRN_REQ_NO_RETRY));
}

int redis_put_plain(redis_backend_t *redis, cairn_req_t *req, const redis_shelf_t *shelf,
                    const cairn_store_put_args_t *put)
{
    redis_beliefs_t *beliefs = &redis->beliefs;
    if (!may_be_plain(req, put)) return REDIS_PUT_BY_SCRIPT;
    const uint64_t hash = redis_store_item_hash(shelf, put->key);
    const int64_t created_at_us = redis_beliefs_get(beliefs, hash);
    if (created_at_us == REDIS_BELIEF_DOUBT) return REDIS_PUT_BY_SCRIPT;
    const bool known = created_at_us > 0;
    if (!known && (!redis_beliefs_get(beliefs, redis_store_space_hash(shelf)) ||
                   !redis_beliefs_may_guess(beliefs)))
        return REDIS_PUT_BY_SCRIPT;
    /* Without a link each goes for itself, so that one that is given up is not sent with others. */
    redis_conn_t *conn = redis_joint_conn(redis, shelf);
    if (conn->state != REDIS_CONN_READY) return REDIS_PUT_BY_SCRIPT;
    const int64_t stamp_us = redis_store_stamp(redis);
    if (stamp_us == 0) return REDIS_PUT_BY_SCRIPT;
    size_t commands = INSERTS;
    char *out;
    int rc = redis_joint_reserve(redis, conn, redis_put_size(shelf, put), &out);
    if (rc < 0) return rc;
    out = known ? update(out, shelf, put, created_at_us, stamp_us, &commands)
                : insert(out, shelf, put, stamp_us);
    if (!known) redis_beliefs_set(beliefs, hash, stamp_us);
    redis_joint_commit(redis, shelf, req, out, commands, known ? on_updated : on_inserted);
    return 0;
}
