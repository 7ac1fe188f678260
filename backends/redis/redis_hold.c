#include "redis_hold.h"

#include "redis_conn.h"
#include "redis_error.h"

#include <stdio.h>
#include <string.h>

static uint64_t now_ms(const redis_conn_t *conn)
{
    return uv_now(conn->host->loop);
}

/* ---- what is kept ---- */

static bool is_kept(const redis_conn_t *conn, const redis_entry_t *entry,
                    const redis_meaning_t *meaning)
{
    if (meaning->effect != REDIS_NEVER || !entry->ctx || entry->bytes == 0) return false;
    if (meaning->remedy != REDIS_WAIT && meaning->remedy != REDIS_LEAVE) return false;
    if (meaning->code == CAIRN_EAUTH && !conn->options->hello.password) return false;
    if (entry->flags & REDIS_CMD_NO_RETRY) return false;
    if ((entry->flags & REDIS_CMD_TRANSIENT) && !(entry->flags & REDIS_CMD_SUBSCRIPTION))
        return false;
    return entry->skip == 0 || conn->hold.discarded;
}

static void remember(redis_hold_t *hold, const redis_meaning_t *meaning, cairn_slice_t text)
{
    size_t len = text.len < sizeof hold->reason - 1 ? text.len : sizeof hold->reason - 1;
    hold->status = meaning->code;
    memcpy(hold->reason, text.ptr, len);
    hold->reason[len] = '\0';
    if (meaning->remedy == REDIS_LEAVE) hold->leave = true;
}

/* ---- begin ---- */

/* A command that is written in part must be written to its end, and what TLS has put into a record
 * counts as written. */
static size_t end_of_written(redis_conn_t *conn)
{
    const redis_hold_t *hold = &conn->hold;
    const size_t refused = conn->tls ? redis_tls_refused(conn->tls) : 0;
    const size_t sent = conn->out.sent - conn->out.head + refused;
    size_t end = hold->at;
    for (uint64_t seq = hold->seq; end < sent && seq != conn->queue.tail; seq++)
        end += redis_queue_at(&conn->queue, seq)->bytes;
    return end;
}

static void say_so(const redis_conn_t *conn)
{
    char line[512];
    snprintf(line, sizeof line, "%s: %s; will be tried again", conn->where, conn->hold.reason);
    conn->host->api->log(conn->host, CAIRN_LOG_WARN, line);
}

static void begin(redis_conn_t *conn, size_t kept, const redis_meaning_t *meaning,
                  cairn_slice_t text)
{
    const redis_conn_options_t *options = conn->options;
    redis_hold_t *hold = &conn->hold;
    if (hold->backoff.max_ms == 0)
        redis_backoff_init(&hold->backoff, options->reconnect_min_ms, options->reconnect_max_ms,
                           uv_hrtime() ^ (uintptr_t)hold);
    if (now_ms(conn) - hold->ended_ms > options->reconnect_max_ms)
        redis_backoff_reset(&hold->backoff);
    hold->on = hold->limited = true;
    hold->waited = hold->leave = false;
    hold->seq = conn->queue.head + (kept > 0);
    hold->at = kept;
    hold->limit = end_of_written(conn);
    remember(hold, meaning, text);
    if (hold->backoff.attempt == 0) say_so(conn);
    redis_conn_set_state(conn, REDIS_CONN_READY, redis_backoff_next(&hold->backoff));
}

bool redis_hold_keeps(redis_conn_t *conn, const redis_entry_t *entry, cairn_slice_t text)
{
    const redis_meaning_t meaning = redis_error_meaning(text);
    if (!is_kept(conn, entry, &meaning)) return false;
    conn->queue.head--;
    begin(conn, entry->bytes, &meaning, text);
    return true;
}

void redis_hold_told(redis_conn_t *conn, cairn_slice_t text)
{
    const redis_meaning_t meaning = redis_error_meaning(text);
    if (meaning.remedy != REDIS_LEAVE || conn->prelude.head != conn->prelude.tail) return;
    if (meaning.code == CAIRN_EAUTH && !conn->options->hello.password) return;
    begin(conn, 0, &meaning, text);
}

/* ---- end ---- */

static bool is_over(const redis_conn_t *conn)
{
    const redis_hold_t *hold = &conn->hold;
    return hold->on && hold->waited && hold->at == hold->limit;
}

/* What refuses commands refused the scripts as well: they go first. */
static bool load_scripts(redis_conn_t *conn)
{
    if (!conn->unscripted) return true;
    conn->unscripted = false;
    conn->in_prelude = true;
    const int rc = conn->owner->unscripted(conn);
    conn->in_prelude = false;
    if (rc == 0) return true;
    redis_conn_lose(conn, rc, "out of memory while loading scripts");
    return false;
}

/* Everything is unsent now; the first of it is sent alone. */
static void probe(redis_conn_t *conn)
{
    redis_hold_t *hold = &conn->hold;
    redis_conn_compact(conn, 0);
    if (!load_scripts(conn)) return;
    redis_conn_set_state(conn, REDIS_CONN_READY, conn->options->keepalive_ms);
    hold->ended_ms = now_ms(conn);
    if (redis_queue_count(&conn->queue) > 0) {
        hold->limited = true;
        hold->seq = conn->queue.head;
        hold->limit = redis_queue_at(&conn->queue, hold->seq)->bytes;
        redis_wire_flush_later(conn);
    }
    redis_conn_tell_room(conn);
}

static void end(redis_conn_t *conn)
{
    char reason[sizeof conn->where + sizeof conn->hold.reason + 2];
    if (!conn->hold.leave) {
        probe(conn);
        return;
    }
    conn->hold.ended_ms = now_ms(conn);
    snprintf(reason, sizeof reason, "%s: %s", conn->where, conn->hold.reason);
    redis_conn_lose(conn, conn->hold.status, reason);
}

bool redis_hold_due(redis_conn_t *conn)
{
    redis_hold_t *hold = &conn->hold;
    if (!hold->on || hold->waited) return false;
    hold->waited = true;
    if (is_over(conn)) {
        end(conn);
    } else {
        redis_conn_set_state(conn, REDIS_CONN_READY, conn->options->keepalive_ms);
    }
    return true;
}

void redis_hold_probed(redis_conn_t *conn)
{
    redis_hold_t *hold = &conn->hold;
    if (hold->on || conn->queue.head == hold->seq) return;
    hold->limited = false;
    hold->ended_ms = now_ms(conn);
    redis_wire_flush_later(conn);
}

/* ---- answers while it is on ---- */

/* False: the link is gone. */
static bool tell_overtaken(redis_conn_t *conn)
{
    const redisAsyncContext *link = conn->ac;
    const uint32_t spared = REDIS_CMD_IDEMPOTENT | REDIS_CMD_SUBSCRIPTION;
    size_t before = 0; /* behind the output's head, which moves when callbacks ask for room */
    for (uint64_t seq = conn->queue.head; seq != conn->hold.seq; seq++) {
        redis_entry_t *entry = redis_queue_at(&conn->queue, seq);
        const size_t from = before;
        before += entry->bytes;
        if (!entry->ctx || (entry->flags & spared)) continue;
        void *ctx = entry->ctx;
        entry->ctx = NULL;
        conn->answered = cairn_slice(conn->out.buf + conn->out.head + from, entry->bytes);
        conn->answered_flags = entry->flags;
        redis_conn_answering(conn, entry);
        entry->answer(ctx, conn->hold.status, NULL, cairn_str(conn->hold.reason));
        if (conn->ac != link) return false;
    }
    return true;
}

/* Answers the entry at `seq`. False: the link is gone. */
static bool answer(redis_conn_t *conn, int status, redis_reply_t *reply, cairn_slice_t text)
{
    const redisAsyncContext *link = conn->ac;
    redis_hold_t *hold = &conn->hold;
    redis_entry_t *entry = redis_queue_at(&conn->queue, hold->seq);
    void *ctx = entry->ctx;
    const redis_answer_fn tell = entry->answer;
    entry->ctx = NULL;
    conn->answered = cairn_slice(conn->out.buf + conn->out.head + hold->at, entry->bytes);
    conn->answered_skip = entry->skip;
    conn->answered_flags = entry->flags;
    hold->at += entry->bytes;
    hold->seq++;
    if (ctx) redis_conn_answering(conn, entry);
    if (ctx) tell(ctx, status, status == 0 ? reply : NULL, text);
    return conn->ac == link;
}

/* The entry at `seq` was refused. True: it has been put in elsewhere. */
static bool is_redirected(redis_conn_t *conn, cairn_slice_t *text)
{
    redis_hold_t *hold = &conn->hold;
    redis_entry_t *entry = redis_queue_at(&conn->queue, hold->seq);
    if (!conn->owner->redirect || !entry->ctx || (entry->skip > 0 && !hold->discarded))
        return false;
    const cairn_slice_t bytes =
        cairn_slice(conn->out.buf + conn->out.head + hold->at, entry->bytes);
    if (!conn->owner->redirect(conn, entry, bytes, text)) return false;
    entry->ctx = NULL;
    hold->at += entry->bytes;
    hold->seq++;
    return true;
}

void redis_hold_answered(redis_conn_t *conn, int status, redis_reply_t *reply, cairn_slice_t text,
                         bool lacks_script)
{
    redis_hold_t *hold = &conn->hold;
    if (status < 0 && is_redirected(conn, &text)) {
        if (is_over(conn)) end(conn);
        return;
    }
    redis_entry_t *entry = redis_queue_at(&conn->queue, hold->seq);
    const redis_meaning_t meaning =
        status < 0 ? redis_error_meaning(text) : (redis_meaning_t){.effect = REDIS_MAYBE};
    if (status < 0 && (is_kept(conn, entry, &meaning) || (lacks_script && entry->ctx))) {
        if (lacks_script) entry->flags |= REDIS_CMD_BEGUN;
        if (!lacks_script) remember(hold, &meaning, text);
        hold->at += entry->bytes;
        hold->seq++;
    } else {
        bool carried_out = meaning.effect == REDIS_MAYBE && !(entry->flags & REDIS_CMD_TRANSIENT);
        if (meaning.remedy == REDIS_LEAVE) remember(hold, &meaning, text);
        if (carried_out && !tell_overtaken(conn)) return;
        if (!answer(conn, status, reply, text)) return;
    }
    if (is_over(conn)) end(conn);
}
