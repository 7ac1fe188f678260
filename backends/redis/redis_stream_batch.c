/* Appends of one turn to one stream go as one call of the script, or as one transaction if they are
 * many (redis_stream_push.c): a call costs the server more than what it does for a small event. One
 * event goes without the script, if nobody else is thought to append (redis_stream_claim.c).
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
    bool pushed;        /* as a transaction */
    bool claiming;      /* a claim is not answered */
    bool settling;      /* nor the call behind it */
    bool ends;          /* nothing goes behind it */
    bool alone;         /* nothing of the stream was on its way when it was sent */
    uint64_t claim;     /* the number that it claimed */
    cairn_req_t settle; /* what the connection knows of the call behind a claim */
    redis_tip_t *tip;   /* of the stream; NULL: there is no place for it */
    uint32_t stamp;     /* its stamp then */
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

/* Nothing needs to go behind its claim any more. */
static void end_claim(redis_batch_t *batch)
{
    if (!batch->tip || batch->tip->claim != batch) return;
    batch->tip->claim = NULL;
    batch->redis->claims--;
}

static void batch_free(redis_batch_t *batch)
{
    end_claim(batch);
    if (batch->tip) batch->tip->in_flight--;
    if (batch->settling) redis_route_forget(&batch->settle);
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
    if (!batch->sent) {
        unlink_open(batch);
    } else if (batch->claiming || !batch->settling) {
        redis_route_forget(&batch->req);
    }
    if (batch->claiming) redis_tips_forget(batch->redis, stream_of(batch));
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

static void believe(redis_batch_t *batch, cairn_position_t last)
{
    redis_tip_t *tip = batch->tip;
    if (!tip || batch->ttl_ms == CAIRN_TTL_PERSIST || batch->ends) return;
    tip->until_ms = batch->sent_ms + (uint64_t)batch->ttl_ms;
    if (tip->stamp == batch->stamp) redis_tip_told(tip, batch->conn, last.low, batch->alone);
}

static int read_answer(redis_batch_t *batch, redis_reply_t *reply, int *status,
                       cairn_slice_t *detail, cairn_stream_appended_t *appended)
{
    bool numbered = true;
    int rc = batch->pushed
                 ? redis_push_read(reply, batch->events, status, detail, appended)
                 : redis_append_read(reply, batch->events, status, detail, appended, &numbered);
    if (rc != 0 || *status < 0) return rc;
    if (appended->count != batch->events || appended->position.low < batch->events)
        return CAIRN_EPROTOCOL;
    if (numbered) believe(batch, appended->position);
    return 0;
}

/* `rc`: what it was to read the answer. */
static void finish(redis_batch_t *batch, int status, int rc, cairn_slice_t detail,
                   cairn_position_t last)
{
    if (rc < 0) {
        status = CAIRN_EPROTOCOL;
        detail = cairn_str("an append's answer makes no sense");
    }
    if (status < 0) {
        fail_all(batch, status, detail);
    } else {
        tell_all(batch, last);
    }
    batch_free(batch);
}

static void on_appended(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_batch_t *batch = CAIRN_CONTAINER_OF(req, redis_batch_t, req);
    cairn_stream_appended_t appended = {.count = 0};
    int rc = 0;
    batch->conn = redis_conn_of_request(req);
    if (status == 0) {
        rc = read_answer(batch, reply, &status, &detail, &appended);
    } else if (batch->pushed && redis_push_refused(detail)) {
        redis_append_ended(&status, &detail);
    }
    if (rc == REDIS_APPEND_UNSURE) rc = CAIRN_EPROTOCOL; /* it was not asked to look */
    finish(batch, status, rc, detail, appended.position);
}

/* ---- claims ---- */

/* Its event by the script: the number that it claimed was refused; or it may have been. */
static int call_for_claimed(redis_batch_t *batch, uint64_t number, redis_answer_fn answer,
                            cairn_req_t *req)
{
    redis_conn_t *conn = batch->conn;
    const redis_queue_name_t name = redis_queue_name(stream_of(batch));
    char *out;
    int rc = redis_conn_reserve_unbounded(
        conn, redis_queue_bound(batch->redis, &name, 1, REDIS_APPEND_TERMS + batch->len), &out);
    if (rc < 0) return rc;
    out = redis_append_begin_claimed(out, batch->redis, &name, batch->ttl_ms, batch->max_events,
                                     number);
    out = redis_cmd_literal(out, batch->bytes, batch->len);
    redis_conn_commit_script(conn, out, answer, req, false);
    return 0;
}

static void append_refused(redis_batch_t *batch)
{
    int rc = call_for_claimed(batch, 0, on_appended, &batch->req);
    if (rc == 0) return;
    finish(batch, rc, 0, cairn_slice(NULL, 0), (cairn_position_t){0, 0});
}

/* The claim was refused, or this would not be told. */
static void on_settled(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_batch_t *batch = CAIRN_CONTAINER_OF(req, redis_batch_t, settle);
    cairn_stream_appended_t appended = {.count = 0};
    batch->settling = false;
    int rc = status == 0 ? read_answer(batch, reply, &status, &detail, &appended) : 0;
    if (rc == REDIS_APPEND_UNSURE) {
        append_refused(batch);
        return;
    }
    finish(batch, status, rc, detail, appended.position);
}

static void on_claimed(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_batch_t *batch = CAIRN_CONTAINER_OF(req, redis_batch_t, req);
    redis_tip_t *tip = batch->tip;
    const cairn_position_t claimed = redis_position_at(batch->claim);
    bool has_more = false;
    batch->claiming = false;
    if (status < 0 && redis_push_refused(detail)) {
        redis_tip_failed(tip, REDIS_TIP_REFUSED);
        tip->last = 0;
        end_claim(batch);
        if (!batch->settling) append_refused(batch);
        return;
    }
    int rc = status == 0 ? redis_claim_read(reply, batch->claim, &has_more) : 0;
    if (status == 0 && rc == 0) {
        believe(batch, claimed);
        if (!batch->settling) redis_tip_claimed(tip);
    }
    if (has_more) {
        tip->has_more = true;
        redis_claim_touch(batch->redis, stream_of(batch), batch->ttl_ms);
    }
    finish(batch, status, rc, detail, claimed);
}

static int claim(redis_batch_t *batch, const redis_queue_name_t *name)
{
    redis_conn_t *conn = batch->conn;
    const redis_claim_t what = {.redis = batch->redis,
                                .name = name,
                                .ttl_ms = batch->ttl_ms,
                                .max_events = batch->max_events,
                                .argument = cairn_slice(batch->bytes, batch->len),
                                .number = batch->tip->last + 1};
    char *out;
    int rc = redis_conn_reserve_unbounded(conn, redis_claim_bound(&what), &out);
    if (rc < 0) return rc;
    out = redis_claim_write(out, &what);
    redis_conn_commit_transaction(conn, out, on_claimed, &batch->req, REDIS_CLAIM_COMMANDS, false);
    batch->claim = what.number;
    batch->claiming = true;
    batch->tip->claim = batch;
    batch->redis->claims++;
    return 0;
}

/* What is put in now goes behind it. */
static void turn_to(const redis_batch_t *batch, cairn_slice_t stream)
{
    redis_route_t *route = &batch->redis->route;
    redis_route_turn_to(route, batch->conn);
    redis_pool_t *pool = redis_route_pool(route);
    if (redis_pool_has_choice(pool))
        redis_pool_turn_to(pool, batch->conn, redis_route_name(route, stream));
}

/* What comes next is about a stream. */
static int settle(redis_backend_t *redis, cairn_slice_t stream)
{
    if (redis->claims == 0) return 0;
    redis_tip_t *tip = redis_tips_find(redis, stream);
    redis_batch_t *batch = tip ? tip->claim : NULL;
    if (!batch) return 0;
    turn_to(batch, stream);
    int rc = call_for_claimed(batch, batch->claim, on_settled, &batch->settle);
    if (rc < 0) return rc;
    batch->settling = true;
    batch->alone = false;
    redis_tip_failed(tip, REDIS_TIP_FOLLOWED);
    end_claim(batch);
    return 0;
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

static bool may_claim(const redis_batch_t *batch, const redis_tip_t *tip)
{
    if (batch->events != 1 || batch->ends || !tip) return false;
    return redis_tip_may_claim(tip, batch->conn, batch->sent_ms) &&
           redis_claim_serves(batch->redis, stream_of(batch), batch->ttl_ms, batch->max_events);
}

/* In the way that costs least; `alone`: nothing about the stream is known to come behind it. */
static int send_somehow(redis_batch_t *batch, redis_tip_t *tip, bool alone)
{
    redis_backend_t *redis = batch->redis;
    const cairn_slice_t stream = stream_of(batch);
    const redis_queue_name_t name = redis_queue_name(stream);
    const bool may_push = batch->ttl_ms != CAIRN_TTL_PERSIST && !batch->ends;
    batch->tip = tip;
    if (alone && may_claim(batch, tip)) return claim(batch, &name);
    batch->pushed = may_push && redis_push_pays(redis, tip, stream, batch->events, batch->len);
    int rc = batch->pushed ? push(batch, &name) : call_script(batch, &name);
    if (rc < 0) return rc;
    cairn_free(batch->bytes);
    batch->bytes = NULL;
    return 0;
}

static int send_one(redis_batch_t *batch, bool alone)
{
    redis_backend_t *redis = batch->redis;
    const cairn_slice_t stream = stream_of(batch);
    int rc = redis_route_use_scripts(&redis->route);
    if (rc == 0) rc = settle(redis, stream);
    if (rc < 0) return rc;
    turn_to(batch, stream);
    redis_tip_t *tip = redis_tips_take(redis, stream);
    batch->sent_ms = redis->host->api->now_ms(redis->host);
    rc = send_somehow(batch, tip, alone);
    if (rc < 0) {
        batch->tip = NULL;
        return rc;
    }
    batch->sent = true;
    if (!tip) return 0;
    batch->alone = tip->in_flight++ == 0 && batch->events == 1;
    if (batch->ends) redis_tips_forget(redis, stream);
    batch->stamp = tip->stamp;
    return 0;
}

static redis_batch_t *oldest(const redis_backend_t *redis)
{
    redis_batch_t *batch = redis->batches;
    while (batch && batch->next) batch = batch->next;
    return batch;
}

/* `before`: what is about this stream comes next; NULL: nothing does. */
static int send_open(redis_backend_t *redis, const cairn_slice_t *before)
{
    for (redis_batch_t *batch; (batch = oldest(redis));) {
        int rc = send_one(batch, !before || !cairn_slice_eq(stream_of(batch), *before));
        if (rc < 0) return rc;
        unlink_open(batch);
    }
    return before ? settle(redis, *before) : 0;
}

int redis_batches_flush(redis_backend_t *redis, cairn_slice_t stream)
{
    return send_open(redis, &stream);
}

static void run(cairn_task_t *task)
{
    redis_backend_t *redis = CAIRN_CONTAINER_OF(task, redis_backend_t, flush);
    while (send_open(redis, NULL) < 0) {
        redis_batch_t *batch = oldest(redis);
        unlink_open(batch);
        fail_all(batch, UV_ENOMEM, cairn_slice(NULL, 0));
        batch_free(batch);
    }
}

int redis_stream_reserve_read(redis_backend_t *redis, cairn_slice_t stream, size_t bytes, char **at)
{
    int rc = redis_batches_flush(redis, stream);
    return rc < 0 ? rc : redis_saver_reserve_read(redis, stream, bytes, at);
}

int redis_stream_reserve(redis_backend_t *redis, cairn_slice_t stream, size_t bytes, char **at)
{
    int rc = redis_batches_flush(redis, stream);
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
        int rc = redis_batches_flush(redis, args->stream);
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
