/* Appends of one turn to one stream go as one call of the script, or as one transaction if they are
 * many (redis_stream_push.c): a call costs the server more than what it does for a small event.
 *
 * Only such as say nothing of their own go together: no ids, no expected position, the same TTL and
 * limit; and nothing goes behind what ends a stream. All of a batch is appended or refused, as each
 * would have been alone. What else is asked of streams in the meantime goes behind the open
 * batches. */
#include "redis_stream.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

enum {
    MOST_APPENDS = 512,
    MOST_BYTES = 65536,
    FIRST_SLOTS = 4
};

typedef struct slot {
    cairn_stream_append_t *append; /* NULL: it was taken away */
    size_t events;
    size_t bytes;
} slot_t;

/* Of a request in a batch, REDIS_SCRATCH_MEMORY is the batch, REDIS_SCRATCH_SEQ the number of its
 * slot, and REDIS_CONN_BATCHED stands where the connection does otherwise. */
struct redis_batch {
    cairn_req_t req; /* what the connection knows */
    redis_backend_t *redis;
    redis_conn_t *conn;  /* where it goes */
    redis_batch_t *next; /* the one opened before it; not sent */
    bool sent;
    bool pushed; /* as a transaction */
    bool ends;   /* nothing goes behind it */
    uint64_t sent_ms;
    int64_t ttl_ms;
    uint64_t max_events;
    slot_t *slots;
    size_t count, room; /* of slots */
    size_t alive;       /* whose append was not taken away */
    size_t events;
    char *bytes; /* the events as arguments */
    size_t len, size;
    size_t stream;
    char id[];
};

/* ---- life ---- */

static void batch_free(redis_batch_t *batch)
{
    cairn_free(batch->slots);
    cairn_free(batch->bytes);
    cairn_free(batch);
}

static redis_batch_t *batch_new(redis_backend_t *redis, redis_conn_t *conn,
                                const cairn_stream_append_args_t *args)
{
    redis_batch_t *batch = cairn_calloc(1, sizeof *batch + args->stream.len);
    if (!batch) return NULL;
    batch->redis = redis;
    batch->conn = conn;
    batch->ttl_ms = args->ttl_ms;
    batch->max_events = args->max_events;
    batch->stream = args->stream.len;
    if (batch->stream > 0) memcpy(batch->id, args->stream.ptr, batch->stream);
    return batch;
}

static cairn_slice_t stream_of(const redis_batch_t *batch)
{
    return cairn_slice(batch->id, batch->stream);
}

static void unlink_open(redis_batch_t *batch)
{
    redis_batch_t **at = &batch->redis->batches;
    while (*at && *at != batch) at = &(*at)->next;
    if (*at) *at = batch->next;
}

/* What is not sent is not going to be. */
static void take_back(redis_batch_t *batch, slot_t *slot)
{
    size_t at = 0;
    for (const slot_t *before = batch->slots; before != slot; before++) at += before->bytes;
    const size_t end = at + slot->bytes;
    memmove(batch->bytes + at, batch->bytes + end, batch->len - end);
    batch->len -= slot->bytes;
    batch->events -= slot->events;
    batch->ends &= slot != &batch->slots[batch->count - 1];
    slot->bytes = slot->events = 0;
}

void redis_batch_forget(cairn_req_t *req)
{
    redis_batch_t *batch = (redis_batch_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_MEMORY];
    slot_t *slot = &batch->slots[req->scratch[REDIS_SCRATCH_SEQ]];
    slot->append = NULL;
    if (!batch->sent) take_back(batch, slot);
    req->scratch[REDIS_SCRATCH_MEMORY] = 0;
    if (--batch->alive > 0) return;
    if (batch->sent) {
        redis_route_forget(&batch->req);
    } else {
        unlink_open(batch);
    }
    batch_free(batch);
}

/* ---- the answer ---- */

static cairn_req_t *take(redis_batch_t *batch, size_t slot)
{
    cairn_stream_append_t *append = batch->slots[slot].append;
    if (!append) return NULL;
    batch->slots[slot].append = NULL;
    append->req.scratch[REDIS_SCRATCH_CONN] = (uintptr_t)batch->conn;
    append->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    return &append->req;
}

/* Callbacks may take away what is not told yet, but not the batch. */
static void fail_all(redis_batch_t *batch, int status, cairn_slice_t detail)
{
    batch->alive++;
    for (size_t i = 0; i < batch->count; i++) {
        cairn_req_t *req = take(batch, i);
        if (!req) continue;
        batch->alive--;
        redis_saver_fail(req, status, detail);
    }
}

static void tell_one(redis_batch_t *batch, size_t slot, cairn_position_t position)
{
    const cairn_stream_appended_t appended = {position, batch->slots[slot].events};
    cairn_req_t *req = take(batch, slot);
    if (!req) return;
    batch->alive--;
    redis_stream_done(req)->append_done(CAIRN_CONTAINER_OF(req, cairn_stream_append_t, req),
                                        &appended);
}

/* Their positions follow each other. */
static void tell_all(redis_batch_t *batch, cairn_position_t last)
{
    cairn_position_t at = last;
    at.low -= batch->events;
    batch->alive++;
    for (size_t i = 0; i < batch->count; i++) {
        at.low += batch->slots[i].events;
        tell_one(batch, i, at);
    }
    batch->alive--;
}

static void expect_it_to_live(redis_batch_t *batch)
{
    if (batch->ttl_ms == CAIRN_TTL_PERSIST || batch->ends) return;
    redis_push_alive(batch->redis, stream_of(batch), batch->sent_ms + (uint64_t)batch->ttl_ms);
}

static int read_answer(redis_batch_t *batch, redis_reply_t *reply, int *status,
                       cairn_slice_t *detail, cairn_stream_appended_t *appended)
{
    bool numbered = true;
    int rc = batch->pushed
                 ? redis_push_read(reply, batch->events, status, detail, appended)
                 : redis_append_read(reply, batch->events, status, detail, appended, &numbered);
    if (rc < 0 || *status < 0) return rc;
    if (appended->count != batch->events || appended->position.low < batch->events)
        return CAIRN_EPROTOCOL;
    if (numbered) expect_it_to_live(batch);
    return 0;
}

static void on_appended(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_batch_t *batch = CAIRN_CONTAINER_OF(req, redis_batch_t, req);
    cairn_stream_appended_t appended;
    int rc = 0;
    batch->conn = redis_conn_of_request(req);
    if (status == 0) {
        rc = read_answer(batch, reply, &status, &detail, &appended);
    } else if (batch->pushed && redis_push_refused(detail)) {
        redis_append_ended(&status, &detail);
    }
    if (rc < 0) {
        status = CAIRN_EPROTOCOL;
        detail = cairn_str("a script's answer makes no sense");
    }
    if (status < 0) {
        fail_all(batch, status, detail);
    } else {
        tell_all(batch, appended.position);
    }
    batch_free(batch);
}

/* ---- sending ---- */

static size_t bound(const redis_batch_t *batch, const redis_queue_name_t *name)
{
    return redis_queue_bound(batch->redis, name, 1, REDIS_APPEND_TERMS + batch->len);
}

static int call_script(redis_batch_t *batch, const redis_queue_name_t *name)
{
    redis_conn_t *conn = batch->conn;
    const cairn_stream_append_args_t args = {.ttl_ms = batch->ttl_ms,
                                             .max_events = batch->max_events};
    char *out;
    int rc = redis_conn_reserve_unbounded(conn, bound(batch, name), &out);
    if (rc < 0) return rc;
    out = redis_append_begin(out, batch->redis, name, &args, batch->events);
    out = redis_cmd_literal(out, batch->bytes, batch->len);
    redis_conn_commit_script(conn, out, on_appended, &batch->req, false);
    return 0;
}

static int push(redis_batch_t *batch, const redis_queue_name_t *name)
{
    redis_conn_t *conn = batch->conn;
    const redis_push_t push = {.redis = batch->redis,
                               .name = name,
                               .ttl_ms = batch->ttl_ms,
                               .max_events = batch->max_events,
                               .arguments = cairn_slice(batch->bytes, batch->len),
                               .events = batch->events};
    size_t commands;
    char *out;
    int rc = redis_conn_reserve_unbounded(conn, redis_push_bound(&push), &out);
    if (rc < 0) return rc;
    out = redis_push_write(out, &push, &commands);
    redis_conn_commit_transaction(conn, out, on_appended, &batch->req, commands, false);
    return 0;
}

static int send_one(redis_batch_t *batch)
{
    redis_backend_t *redis = batch->redis;
    const redis_queue_name_t name = redis_queue_name(stream_of(batch));
    const bool may_push = batch->ttl_ms != CAIRN_TTL_PERSIST && !batch->ends;
    int rc = redis_route_use_scripts(&redis->route);
    if (rc < 0) return rc;
    redis_route_turn_to(&redis->route, batch->conn);
    redis_pool_t *pool = redis_route_pool(&redis->route);
    if (redis_pool_has_choice(pool))
        redis_pool_turn_to(pool, batch->conn, redis_route_name(&redis->route, stream_of(batch)));
    batch->pushed = may_push && redis_push_pays(redis, &name, batch->events, batch->len);
    rc = batch->pushed ? push(batch, &name) : call_script(batch, &name);
    if (rc < 0) return rc;
    cairn_free(batch->bytes);
    batch->bytes = NULL;
    batch->sent = true;
    batch->sent_ms = redis->host->api->now_ms(redis->host);
    return 0;
}

static redis_batch_t *oldest(const redis_backend_t *redis)
{
    redis_batch_t *batch = redis->batches;
    while (batch && batch->next) batch = batch->next;
    return batch;
}

int redis_batches_flush(redis_backend_t *redis)
{
    for (redis_batch_t *batch; (batch = oldest(redis));) {
        int rc = send_one(batch);
        if (rc < 0) return rc;
        unlink_open(batch);
    }
    return 0;
}

static void run(cairn_task_t *task)
{
    redis_backend_t *redis = CAIRN_CONTAINER_OF(task, redis_backend_t, flush);
    while (redis_batches_flush(redis) < 0) {
        redis_batch_t *batch = oldest(redis);
        unlink_open(batch);
        fail_all(batch, UV_ENOMEM, cairn_slice(NULL, 0));
        batch_free(batch);
    }
}

int redis_stream_reserve(redis_backend_t *redis, cairn_slice_t stream, size_t bytes, char **at)
{
    int rc = redis_batches_flush(redis);
    return rc < 0 ? rc : redis_saver_reserve(redis, stream, bytes, at);
}

/* ---- joining ---- */

/* Without a link they wait one by one, so that one that is given up is not sent with others. */
static bool may_go_together(const redis_conn_t *conn, const cairn_stream_append_t *req,
                            const cairn_stream_append_args_t *args)
{
    if (conn->state != REDIS_CONN_READY) return false;
    if (args->expected_last || (req->req.flags & (CAIRN_REQ_IDEMPOTENT | CAIRN_REQ_NO_RETRY)))
        return false;
    for (size_t i = 0; i < args->count; i++)
        if (args->entries[i].id.ptr) return false;
    return true;
}

static bool has_room(const redis_batch_t *batch, const cairn_stream_append_args_t *args)
{
    return !batch->ends && batch->count < MOST_APPENDS && batch->len < MOST_BYTES &&
           batch->ttl_ms == args->ttl_ms && batch->max_events == args->max_events;
}

static redis_batch_t *find_open(const redis_backend_t *redis, cairn_slice_t stream)
{
    redis_batch_t *batch = redis->batches;
    while (batch && !cairn_slice_eq(stream_of(batch), stream)) batch = batch->next;
    return batch;
}

static bool grow(void **block, size_t *room, size_t needed, size_t first, size_t each)
{
    size_t more = *room > 0 ? *room : first;
    while (more < needed) more *= 2;
    if (more == *room) return true;
    void *grown = cairn_realloc(*block, more * each);
    if (!grown) return false;
    *block = grown;
    *room = more;
    return true;
}

static size_t arguments_size(const cairn_stream_append_args_t *args)
{
    size_t size = 0;
    for (size_t i = 0; i < args->count; i++)
        size += REDIS_CMD_OVERHEAD + redis_event_size(&args->entries[i]);
    return size;
}

static bool make_room(redis_batch_t *batch, size_t bytes)
{
    void *slots = batch->slots, *text = batch->bytes;
    bool fits = grow(&slots, &batch->room, batch->count + 1, FIRST_SLOTS, sizeof *batch->slots);
    batch->slots = slots;
    fits = fits && grow(&text, &batch->size, batch->len + bytes, 512, 1);
    batch->bytes = text;
    return fits;
}

static void put(redis_batch_t *batch, cairn_stream_append_t *req,
                const cairn_stream_append_args_t *args)
{
    char *const begin = batch->bytes + batch->len;
    char *out = begin;
    for (size_t i = 0; i < args->count; i++) out = redis_event_arg(out, &args->entries[i]);
    batch->len = (size_t)(out - batch->bytes);
    batch->events += args->count;
    batch->ends = cairn_stream_ends(args->entries[args->count - 1].event);
    req->req.scratch[REDIS_SCRATCH_CONN] = REDIS_CONN_BATCHED;
    req->req.scratch[REDIS_SCRATCH_SEQ] = batch->count;
    req->req.scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)batch;
    batch->slots[batch->count++] = (slot_t){req, args->count, (size_t)(out - begin)};
    batch->alive++;
}

/* Which it goes to; a new one is not open yet. */
static int find_batch(redis_backend_t *redis, redis_conn_t *conn,
                      const cairn_stream_append_args_t *args, redis_batch_t **out)
{
    redis_batch_t *batch = find_open(redis, args->stream);
    if (batch && !has_room(batch, args)) {
        int rc = redis_batches_flush(redis);
        if (rc < 0) return rc;
        batch = NULL;
    }
    *out = batch ? batch : batch_new(redis, conn, args);
    return *out ? 0 : UV_ENOMEM;
}

/* As much as would be refused if it were sent at once. */
static int check_room(redis_backend_t *redis, const redis_batch_t *batch, size_t bytes)
{
    const redis_queue_name_t name = redis_queue_name(stream_of(batch));
    char *unused;
    size_t waiting = 0;
    for (const redis_batch_t *at = redis->batches; at; at = at->next)
        waiting += at->conn == batch->conn ? at->len : 0;
    return redis_conn_reserve(batch->conn, waiting + bound(batch, &name) + bytes, &unused);
}

int redis_batch_append(redis_backend_t *redis, cairn_stream_append_t *req,
                       const cairn_stream_append_args_t *args)
{
    redis_conn_t *conn = redis_route_choose(&redis->route, args->stream);
    if (!may_go_together(conn, req, args)) return REDIS_BATCH_ALONE;
    const size_t bytes = arguments_size(args);
    redis_batch_t *batch;
    int rc = find_batch(redis, conn, args, &batch);
    if (rc < 0) return rc;
    const bool is_new = batch->count == 0;
    rc = check_room(redis, batch, bytes);
    if (rc == 0 && !make_room(batch, bytes)) rc = UV_ENOMEM;
    if (rc < 0) {
        if (is_new) batch_free(batch);
        return rc;
    }
    put(batch, req, args);
    if (is_new) {
        batch->next = redis->batches;
        redis->batches = batch;
    }
    redis->flush.run = run;
    redis->host->api->defer(redis->host, &redis->flush);
    return 0;
}
