#include "redis_conn.h"

#include "redis_cmd.h"
#include "redis_log.h"
#include "redis_turn.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- the timer: one meaning a state ---- */

static void attempt(redis_conn_t *conn)
{
    const uv_loop_t *loop = conn->host->loop;
    if (!redis_turn_has_time(loop)) {
        redis_conn_set_state(conn, REDIS_CONN_WAITING, 1);
        return;
    }
    const uint64_t began_ns = redis_turn_clock();
    redis_connect_begin(conn);
    redis_turn_spent(loop, began_ns);
}

static void on_timer(uv_timer_t *timer);

static void look_for_life(redis_conn_t *conn)
{
    const uint64_t next_ms = redis_keepalive_look(conn);
    if (next_ms > 0) uv_timer_start(&conn->timer, on_timer, next_ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    redis_conn_t *conn = timer->data;
    char detail[192];
    switch (conn->state) {
    case REDIS_CONN_WAITING:
        attempt(conn);
        break;
    case REDIS_CONN_READY:
        if (!redis_hold_due(conn)) look_for_life(conn);
        break;
    case REDIS_CONN_LOCATING:
        redis_conn_lose(conn, UV_ETIMEDOUT, "no sentinel said in time where the master is");
        break;
    default:
        snprintf(detail, sizeof detail, "connect %s: %s", conn->where, redis_connect_awaited(conn));
        redis_conn_lose(conn, UV_ETIMEDOUT, detail);
    }
}

void redis_conn_set_state(redis_conn_t *conn, redis_conn_state_t state, uint64_t timeout_ms)
{
    conn->state = state;
    conn->tally.since_ms = uv_now(conn->host->loop);
    if (timeout_ms > 0) {
        uv_timer_start(&conn->timer, on_timer, timeout_ms, 0);
    } else {
        uv_timer_stop(&conn->timer);
    }
}

void redis_conn_hold(redis_conn_t *conn)
{
    if (conn->state == REDIS_CONN_WAITING) uv_timer_stop(&conn->timer);
}

void redis_conn_hurry(redis_conn_t *conn)
{
    if (conn->state == REDIS_CONN_WAITING) uv_timer_start(&conn->timer, on_timer, 0, 0);
}

/* ---- losing the link ---- */

static void drop_link(redis_conn_t *conn)
{
    redisAsyncContext *ac = conn->ac;
    conn->ac = NULL;
    redis_tls_link_free(conn->tls);
    conn->tls = NULL;
    if (ac) redisAsyncFree(ac);
    redis_credentials_withdraw(conn);
    redis_in_free(&conn->in);
    conn->in_prelude = false;
    conn->hello_out.head = conn->hello_out.sent = conn->hello_out.tail = 0;
    conn->written = conn->passed = 0;
    conn->prelude.head = conn->prelude.tail;
    conn->loading = 0;
    conn->unscripted = false;
    conn->transaction = (redis_transaction_t){0};
}

/* Oldest first. Entries keep their sequence numbers. */
void redis_conn_compact(redis_conn_t *conn, uint32_t dropped)
{
    redis_out_t *out = &conn->out;
    redis_queue_t *queue = &conn->queue;
    size_t from = out->head, to = out->head;
    uint64_t end = queue->head, kept = 0;
    for (uint64_t seq = queue->head; seq != queue->tail; seq++) {
        redis_entry_t *entry = redis_queue_at(queue, seq);
        size_t bytes = entry->bytes;
        if (entry->ctx && !(entry->flags & dropped)) {
            if (to != from) memmove(out->buf + to, out->buf + from, bytes);
            entry->flags &= ~REDIS_CMD_AGAINS;
            to += bytes;
            end = seq + 1;
            kept++;
        } else {
            *entry = (redis_entry_t){.flags = REDIS_CMD_VOID};
        }
        from += bytes;
    }
    queue->tail = end;
    queue->voids = redis_queue_count(queue) - kept;
    redis_queue_skip_voids(queue);
    out->tail = to;
    redis_out_rewind(out);
    conn->forgotten = 0;
    conn->hold.on = conn->hold.limited = false;
}

typedef bool (*spares_fn)(const redis_entry_t *entry);

static bool is_transient(const redis_entry_t *entry)
{
    return (entry->flags & REDIS_CMD_TRANSIENT) != 0;
}

static bool may_go_again(const redis_entry_t *entry)
{
    return (entry->flags & (REDIS_CMD_IDEMPOTENT | REDIS_CMD_TRANSIENT)) != 0;
}

/* Who set no deadline waits on. */
static bool is_patient(const redis_entry_t *entry)
{
    const cairn_req_t *req = entry->flags & REDIS_CMD_REQUEST ? entry->ctx : NULL;
    return is_transient(entry) || (req && req->timeout_ms == CAIRN_NO_TIMEOUT);
}

/* Ends the commands up to `sent` bytes, or all that wait if `sent` is SIZE_MAX, but those that are
 * spared. Any answer may put new commands behind, or close. */
static void fail_entries(redis_conn_t *conn, size_t sent, spares_fn spares, int status,
                         const char *detail)
{
    const redis_hold_t *hold = &conn->hold;
    bool answered = hold->on && sent != SIZE_MAX; /* as not carried out, those before hold->seq */
    const size_t first = conn->out.head;          /* answers may have room made, which moves it */
    size_t end = first + (answered ? hold->at : 0);
    uint64_t last = conn->queue.tail;
    for (uint64_t seq = answered ? hold->seq : conn->queue.head; seq != last; seq++) {
        redis_entry_t *entry = redis_queue_at(&conn->queue, seq);
        end += entry->bytes;
        if (end > sent) return; /* not written to its end, so the server cannot have acted on it */
        if (!entry->ctx) continue;
        if (spares(entry)) {
            if (sent != SIZE_MAX) entry->flags |= REDIS_CMD_SENT;
            continue;
        }
        void *ctx = entry->ctx;
        entry->ctx = NULL;
        conn->answered = cairn_slice(conn->out.buf + conn->out.head + (end - first) - entry->bytes,
                                     entry->bytes);
        conn->answered_flags = entry->flags;
        redis_conn_answering(conn, entry);
        entry->answer(ctx, status, NULL, cairn_str(detail));
        if (conn->state == REDIS_CONN_CLOSING) return;
    }
}

/* ---- room ---- */

void redis_conn_tell_room(redis_conn_t *conn)
{
    if (!conn->refused) return;
    const redis_conn_options_t *most = conn->options;
    if (redis_queue_owed(&conn->queue) > most->max_inflight / 2) return;
    if (redis_out_held(&conn->out) > most->max_queue_bytes / 2) return;
    conn->refused = false;
    conn->owner->room(conn);
}

/* Without a link there are no answers that make room; what is given up does. */
static void run_room(cairn_task_t *task)
{
    redis_conn_t *conn = CAIRN_CONTAINER_OF(task, redis_conn_t, room_task);
    if (conn->state != REDIS_CONN_READY) redis_conn_compact(conn, REDIS_CMD_TRANSIENT);
    redis_conn_tell_room(conn);
}

/* ---- losing it, all told ---- */

static bool may_be_lost(const redis_conn_t *conn)
{
    return conn->state == REDIS_CONN_LOCATING || conn->state == REDIS_CONN_RESOLVING ||
           conn->state == REDIS_CONN_CONNECTING || conn->state == REDIS_CONN_GREETING ||
           conn->state == REDIS_CONN_READY;
}

/* Tells everybody. Until it is over, entries and bytes stay where they are, whatever is submitted
 * meanwhile: they say what was sent. */
static void tell_lost(redis_conn_t *conn, bool refused_us, int status, const char *detail)
{
    conn->owner->lost(conn, status, detail);
    if (conn->state == REDIS_CONN_CLOSING) return;
    fail_entries(conn, conn->out.sent, may_go_again, CAIRN_EMAYBE, detail);
    if (conn->state == REDIS_CONN_CLOSING) return;
    /* Whoever waits shall hear of it. */
    if (refused_us) fail_entries(conn, SIZE_MAX, is_transient, status, detail);
}

static void note_loss(redis_conn_t *conn, const char *text)
{
    conn->tally.losses++;
    snprintf(conn->tally.last_loss, sizeof conn->tally.last_loss, "%.255s", text);
}

static void log_loss(const redis_conn_t *conn)
{
    redis_log(conn->host, CAIRN_LOG_DEBUG,
              "%s: next attempt in %" PRIu64 " ms; %" PRIu64 " commands wait to be sent",
              conn->where[0] ? conn->where : "server", uv_timer_get_due_in(&conn->timer),
              redis_queue_owed(&conn->queue));
}

void redis_conn_lose(redis_conn_t *conn, int status, const char *detail)
{
    if (!may_be_lost(conn)) return;
    char text[512]; /* `detail` may lie in what is dropped */
    snprintf(text, sizeof text, "%s", detail);
    bool refused_us = conn->state != REDIS_CONN_READY && redis_conn_is_refusal(status);
    if (conn->state != REDIS_CONN_READY) redis_connect_gave_up(conn);
    drop_link(conn);
    if (conn->looking_up) uv_cancel((uv_req_t *)&conn->lookup);
    note_loss(conn, text);
    redis_conn_set_state(conn, REDIS_CONN_WAITING, redis_backoff_next(&conn->backoff));
    conn->losing = true;
    tell_lost(conn, refused_us, status, text);
    conn->losing = false;
    if (conn->state == REDIS_CONN_CLOSING) return;
    redis_conn_compact(conn, REDIS_CMD_TRANSIENT);
    log_loss(conn);
    redis_conn_tell_room(conn);
}

static void fail_waiting(redis_conn_t *conn, spares_fn spares, int status, const char *detail)
{
    conn->losing = true;
    fail_entries(conn, SIZE_MAX, spares, status, detail);
    conn->losing = false;
    if (conn->state == REDIS_CONN_CLOSING) return;
    redis_conn_compact(conn, REDIS_CMD_TRANSIENT);
    redis_conn_tell_room(conn);
}

void redis_conn_refuse(redis_conn_t *conn, int status, const char *detail)
{
    if (conn->state != REDIS_CONN_WAITING || conn->losing) return;
    fail_waiting(conn, is_transient, status, detail);
}

void redis_conn_fail_fast(redis_conn_t *conn, const char *detail)
{
    if (conn->state == REDIS_CONN_READY || conn->state == REDIS_CONN_CLOSED) return;
    if (conn->state == REDIS_CONN_CLOSING || conn->losing) return;
    fail_waiting(conn, is_patient, CAIRN_EDOWN, detail);
}

void redis_conn_soon(redis_conn_t *conn)
{
    if (conn->state != REDIS_CONN_WAITING) return;
    redis_backoff_reset(&conn->backoff);
    redis_conn_set_state(conn, REDIS_CONN_WAITING, redis_backoff_next(&conn->backoff));
}

/* ---- the handshake ---- */

static void become_ready(redis_conn_t *conn)
{
    redis_conn_compact(conn, REDIS_CMD_TRANSIENT);
    redis_backoff_reset(&conn->backoff);
    redis_connect_arrived(conn);
    conn->arrived = true;
    conn->pinged = false;
    conn->heard_ms = uv_now(conn->host->loop);
    redis_conn_set_state(conn, REDIS_CONN_READY, conn->options->keepalive_ms);
    redis_credentials_done(conn);
    conn->in_prelude = true;
    conn->tally.connects++;
    redis_log(conn->host, CAIRN_LOG_DEBUG, "%s: %s, RESP%d", conn->where, conn->hello.server,
              conn->hello.protocol);
    conn->owner->prelude(conn);
    conn->in_prelude = false;
    if (conn->state != REDIS_CONN_READY) return; /* out of memory in there */
    redis_wire_flush_later(conn);
    conn->owner->ready(conn);
}

void redis_conn_greeted(redis_conn_t *conn, redis_reply_t *reply)
{
    int rc = redis_hello_answer(&conn->hello, &conn->credentials.hello, reply, &conn->hello_out);
    if (rc < 0) {
        char detail[512];
        snprintf(detail, sizeof detail, "%s: %s", conn->where, conn->hello.detail);
        redis_conn_lose(conn, rc, detail);
    } else if (rc > 0) {
        become_ready(conn);
    } else if (redis_out_unsent(&conn->hello_out) > 0) {
        redis_wire_flush_later(conn);
    }
}

/* ---- commands ---- */

/* How many times max_inflight the queue may be long, void entries counted. */
#define VOIDS_MOST 4

static bool is_full(const redis_conn_t *conn, size_t bytes)
{
    return redis_queue_owed(&conn->queue) >= conn->options->max_inflight ||
           redis_queue_count(&conn->queue) / VOIDS_MOST >= conn->options->max_inflight ||
           redis_out_held(&conn->out) + bytes > conn->options->max_queue_bytes;
}

int redis_conn_reserve_unbounded(redis_conn_t *conn, size_t bytes, char **at)
{
    if (!redis_queue_reserve(conn->in_prelude ? &conn->prelude : &conn->queue)) return UV_ENOMEM;
    *at = redis_out_reserve(conn->in_prelude ? &conn->hello_out : &conn->out, bytes);
    return *at ? 0 : UV_ENOMEM;
}

int redis_conn_reserve(redis_conn_t *conn, size_t bytes, char **at)
{
    if (bytes > conn->options->max_queue_bytes) return CAIRN_ETOOBIG;
    if (is_full(conn, bytes)) {
        bool may_compact = conn->state != REDIS_CONN_READY && !conn->losing;
        if (may_compact && conn->forgotten > 0) redis_conn_compact(conn, REDIS_CMD_TRANSIENT);
        if (is_full(conn, bytes)) {
            conn->refused = true;
            return CAIRN_EFULL;
        }
    }
    return redis_conn_reserve_unbounded(conn, bytes, at);
}

static inline uint64_t commit(redis_conn_t *conn, const char *end, redis_entry_t entry)
{
    redis_out_t *out = conn->in_prelude ? &conn->hello_out : &conn->out;
    size_t tail = (size_t)(end - out->buf);
    entry.bytes = tail - out->tail;
    out->tail = tail;
    if (conn->in_prelude) {
        entry.bytes = 0; /* hello_out lets its bytes go when they are written */
        return redis_queue_push(&conn->prelude, entry);
    }
    if (conn->state == REDIS_CONN_READY) redis_wire_flush_later(conn);
    return redis_queue_push(&conn->queue, entry);
}

uint64_t redis_conn_commit(redis_conn_t *conn, const char *end, redis_answer_fn answer, void *ctx,
                           uint32_t flags)
{
    return commit(conn, end, (redis_entry_t){.answer = answer, .ctx = ctx, .flags = flags});
}

uint64_t redis_conn_commit_again(redis_conn_t *conn, const char *end, const redis_entry_t *entry)
{
    redis_entry_t again = *entry;
    again.flags += REDIS_CMD_AGAIN;
    again.flags |= REDIS_CMD_BEGUN;
    return commit(conn, end, again);
}

static redis_conn_t *conn_of(const cairn_req_t *req)
{
    return (redis_conn_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_CONN];
}

void redis_conn_commit_moved(redis_conn_t *conn, const char *end, const redis_entry_t *entry)
{
    redis_entry_t moved = *entry;
    moved.flags &= ~(REDIS_CMD_AGAINS | REDIS_CMD_NAME);
    moved.flags |= conn->name;
    const uint64_t seq = commit(conn, end, moved);
    if (!(entry->flags & REDIS_CMD_REQUEST)) return;
    cairn_req_t *req = entry->ctx;
    req->scratch[REDIS_SCRATCH_CONN] = (uintptr_t)conn | redis_conn_mark(req);
    req->scratch[REDIS_SCRATCH_SEQ] = seq;
    if (conn->name) conn->owner->put_in(conn, seq);
}

void redis_conn_hand_over(redis_conn_t *conn, redis_take_fn *take, void *ctx)
{
    size_t from = conn->out.head;
    for (uint64_t seq = conn->queue.head; seq != conn->queue.tail; seq++) {
        redis_entry_t *entry = redis_queue_at(&conn->queue, seq);
        const cairn_slice_t bytes = cairn_slice(conn->out.buf + from, entry->bytes);
        from += entry->bytes;
        if (!entry->ctx || (entry->flags & REDIS_CMD_TRANSIENT)) continue;
        if (take(ctx, entry, bytes)) entry->ctx = NULL;
    }
}

void redis_conn_give_away(redis_conn_t *conn, redis_take_fn *take, void *ctx)
{
    redis_conn_hand_over(conn, take, ctx);
    redis_conn_compact(conn, REDIS_CMD_TRANSIENT);
    redis_conn_tell_room(conn);
}

static void commit_request(redis_conn_t *conn, const char *end, redis_answer_fn answer,
                           cairn_req_t *req, uint32_t flags, uint32_t skip)
{
    _Static_assert((int)CAIRN_REQ_NO_RETRY == REDIS_CMD_NO_RETRY, "one flag is the other");
    flags |= (req->flags & CAIRN_REQ_NO_RETRY) | REDIS_CMD_REQUEST;
    redis_entry_t entry = {.answer = answer, .ctx = req, .flags = flags | conn->name, .skip = skip};
    const uint64_t seq = commit(conn, end, entry);
    req->scratch[REDIS_SCRATCH_CONN] = (uintptr_t)conn;
    req->scratch[REDIS_SCRATCH_SEQ] = seq;
    if (conn->name) conn->owner->put_in(conn, seq);
}

void redis_conn_commit_request(redis_conn_t *conn, const char *end, redis_answer_fn answer,
                               cairn_req_t *req)
{
    uint32_t flags = req->flags & CAIRN_REQ_IDEMPOTENT ? REDIS_CMD_IDEMPOTENT : 0;
    req->scratch[REDIS_SCRATCH_MEMORY] = 0;
    commit_request(conn, end, answer, req, flags, 0);
}

static uint32_t script_flags(const cairn_req_t *req, bool idempotent)
{
    bool again = idempotent || (req->flags & CAIRN_REQ_IDEMPOTENT);
    return REDIS_CMD_SCRIPT | (again ? REDIS_CMD_IDEMPOTENT : 0);
}

void redis_conn_commit_script(redis_conn_t *conn, const char *end, redis_answer_fn answer,
                              cairn_req_t *req, bool idempotent)
{
    commit_request(conn, end, answer, req, script_flags(req, idempotent), 0);
}

void redis_conn_commit_transaction(redis_conn_t *conn, const char *end, redis_answer_fn answer,
                                   cairn_req_t *req, size_t commands, bool idempotent)
{
    const uint32_t multi = 1;
    commit_request(conn, end, answer, req, script_flags(req, idempotent),
                   multi + (uint32_t)commands);
}

void redis_conn_commit_joint(redis_conn_t *conn, const char *end, redis_answer_fn answer,
                             cairn_req_t *req, size_t commands)
{
    const uint32_t multi = 1;
    commit_request(conn, end, answer, req, REDIS_CMD_JOINT, multi + (uint32_t)commands);
}

bool redis_conn_may_have_sent(const redis_conn_t *conn, const cairn_req_t *req)
{
    const uint64_t seq = req->scratch[REDIS_SCRATCH_SEQ];
    return redis_conn_may_have_written(conn) ||
           (redis_queue_at(&conn->queue, seq)->flags & (REDIS_CMD_SENT | REDIS_CMD_BEGUN));
}

redis_answer_fn redis_conn_answer_of(const redis_conn_t *conn, const cairn_req_t *req)
{
    return redis_queue_at(&conn->queue, req->scratch[REDIS_SCRATCH_SEQ])->answer;
}

cairn_slice_t redis_conn_bytes_of(const redis_conn_t *conn, const cairn_req_t *req)
{
    const uint64_t own = req->scratch[REDIS_SCRATCH_SEQ];
    size_t before = conn->out.head;
    for (uint64_t seq = conn->queue.head; seq != own; seq++)
        before += redis_queue_at(&conn->queue, seq)->bytes;
    return cairn_slice(conn->out.buf + before, redis_queue_at(&conn->queue, own)->bytes);
}

void redis_conn_forget_request(cairn_req_t *req)
{
    redis_conn_t *conn = conn_of(req);
    redis_entry_t *entry = redis_queue_at(&conn->queue, req->scratch[REDIS_SCRATCH_SEQ]);
    entry->ctx = NULL;
    conn->name = entry->flags & REDIS_CMD_NAME;
    conn->forgotten++;
    if (conn->refused && conn->state != REDIS_CONN_READY)
        conn->host->api->defer(conn->host, &conn->room_task);
}

const cairn_host_t *redis_conn_host(const cairn_req_t *req)
{
    return conn_of(req)->host;
}

/* ---- open and close ---- */

void redis_conn_prepare(redis_conn_t *conn, const cairn_host_t *host,
                        const redis_conn_options_t *options, const redis_conn_owner_t *owner)
{
    conn->host = host;
    conn->options = options;
    conn->owner = owner;
    conn->room_task.run = run_room;
    conn->state = REDIS_CONN_WAITING;
}

void redis_conn_drop(redis_conn_t *conn)
{
    conn->host->api->undefer(conn->host, &conn->room_task);
    redis_out_free(&conn->out);
    redis_queue_free(&conn->queue);
}

void redis_conn_open(redis_conn_t *conn, const cairn_host_t *host, cairn_hiredis_uv_t *group,
                     const redis_conn_options_t *options, const redis_conn_owner_t *owner)
{
    redis_conn_prepare(conn, host, options, owner);
    conn->group = group;
    uint64_t seed = uv_hrtime() ^ (uintptr_t)conn;
    redis_backoff_init(&conn->backoff, options->reconnect_min_ms, options->reconnect_max_ms, seed);
    conn->tally.since_ms = uv_now(host->loop);
    uv_timer_init(host->loop, &conn->timer);
    conn->timer.data = conn;
    uv_timer_start(&conn->timer, on_timer, 0, 0);
}

void redis_conn_finish_closing(redis_conn_t *conn)
{
    if (!conn->timer_closed || conn->looking_up) return;
    redis_connect_free(conn);
    redis_out_free(&conn->out);
    redis_out_free(&conn->hello_out);
    redis_queue_free(&conn->queue);
    redis_queue_free(&conn->prelude);
    conn->state = REDIS_CONN_CLOSED;
    conn->owner->closed(conn);
}

static void on_timer_closed(uv_handle_t *handle)
{
    redis_conn_t *conn = handle->data;
    conn->timer_closed = true;
    redis_conn_finish_closing(conn);
}

void redis_conn_close(redis_conn_t *conn)
{
    conn->state = REDIS_CONN_CLOSING;
    conn->host->api->undefer(conn->host, &conn->room_task);
    drop_link(conn);
    if (conn->looking_up) uv_cancel((uv_req_t *)&conn->lookup);
    uv_close((uv_handle_t *)&conn->timer, on_timer_closed);
}
