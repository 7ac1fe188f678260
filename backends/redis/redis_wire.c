/* The hot path: bytes from the socket to answers and messages, commands to the socket.
 *
 * hiredis calls async_read and async_write of a context's table when the socket is ready. Under TLS
 * OpenSSL stands between us and the socket (redis_tls.c). Replies are parsed where they were read,
 * without an allocation; one recv takes what is there, one send gives all that waits: at the end of
 * a turn, and while many replies are taken (write_early). */
#include "redis_conn.h"
#include "redis_error.h"
#include "redis_log.h"
#include "redis_turn.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#define LEAST_READ (16u << 10)

static const char unasked[] = "a reply that no command asked for";

/* ---- answers ---- */

/* Where the command that the next answer is to stands at the head. */
static redis_queue_t *answered_next(redis_conn_t *conn)
{
    if (conn->prelude.head != conn->prelude.tail) return &conn->prelude;
    redis_queue_t *queue = &conn->queue;
    redis_queue_skip_voids(queue);
    return queue;
}

/* The same while others before it are held. */
static const redis_entry_t *held_entry(redis_conn_t *conn)
{
    uint64_t *seq = &conn->hold.seq;
    const redis_queue_t *queue = &conn->queue;
    while (*seq != queue->tail && (redis_queue_at(queue, *seq)->flags & REDIS_CMD_VOID)) ++*seq;
    return *seq == queue->tail ? NULL : redis_queue_at(queue, *seq);
}

static const redis_entry_t *oldest_entry(redis_conn_t *conn)
{
    if (conn->hold.on) return held_entry(conn);
    const redis_queue_t *queue = answered_next(conn);
    return queue->head == queue->tail ? NULL : redis_queue_at(queue, queue->head);
}

/* The call of a script that the server does not know, whose bytes are still at the head. 0: it has
 * been put in again, behind the scripts. */
static int send_again(redis_conn_t *conn, const redis_entry_t *entry)
{
    char *at;
    int rc = conn->owner->unscripted(conn);
    if (rc < 0) return rc;
    redis_log(conn->host, CAIRN_LOG_INFO, "%s: has lost its scripts: they are loaded again",
              conn->where);
    rc = redis_conn_reserve_unbounded(conn, entry->bytes, &at);
    if (rc < 0) return rc;
    memcpy(at, conn->out.buf + conn->out.head, entry->bytes);
    cairn_req_t *req = entry->ctx;
    req->scratch[REDIS_SCRATCH_SEQ] = redis_conn_commit_again(conn, at + entry->bytes, entry);
    return 0;
}

static bool lacks_script(const redis_entry_t *entry, cairn_slice_t text)
{
    static const char word[] = "NOSCRIPT";
    if (!(entry->flags & REDIS_CMD_SCRIPT)) return false;
    if ((entry->flags & REDIS_CMD_AGAINS) == REDIS_CMD_AGAINS) return false;
    return text.len >= sizeof word - 1 && memcmp(text.ptr, word, sizeof word - 1) == 0;
}

/* Of what went with the handshake there are none, nor need there be a buffer. */
static inline cairn_slice_t bytes_of(const redis_conn_t *conn, const redis_entry_t *entry)
{
    const char *bytes = entry->bytes > 0 ? conn->out.buf + conn->out.head : NULL;
    return cairn_slice(bytes, entry->bytes);
}

/* Of what was carried out nothing is: a transaction is discarded as a whole, or was not opened. But
 * for what only reads: that may be done twice. */
static bool is_redirected(redis_conn_t *conn, const redis_entry_t *entry, cairn_slice_t *text)
{
    if (!conn->owner->redirect || !entry->ctx || entry->bytes == 0) return false;
    if (entry->skip > 0 && !conn->hold.discarded && !conn->options->hello.reads_only) return false;
    return conn->owner->redirect(conn, entry, bytes_of(conn, entry), text);
}

static void fail_entry(redis_conn_t *conn, const redis_entry_t *entry, int status,
                       cairn_slice_t text)
{
    if (is_redirected(conn, entry, &text)) {
        redis_out_answered(&conn->out, entry->bytes);
        conn->tally.answered++;
        return;
    }
    if (redis_hold_keeps(conn, entry, text)) return;
    bool again = entry->ctx && lacks_script(entry, text) && send_again(conn, entry) == 0;
    conn->answered = bytes_of(conn, entry);
    redis_out_answered(&conn->out, entry->bytes);
    conn->tally.answered++;
    conn->tally.errors++;
    redis_hold_told(conn, text);
    if (!entry->ctx || again) return;
    conn->answered_flags = entry->flags;
    redis_conn_answering(conn, entry);
    entry->answer(entry->ctx, status, NULL, text);
}

static inline void answer_entry(redis_conn_t *conn, const redis_entry_t *entry,
                                redis_reply_t *reply)
{
    conn->answered = bytes_of(conn, entry);
    conn->answered_skip = entry->skip;
    redis_out_answered(&conn->out, entry->bytes);
    conn->tally.answered++;
    if (!entry->ctx) return;
    redis_conn_answering(conn, entry);
    entry->answer(entry->ctx, 0, reply, cairn_slice(NULL, 0));
}

static bool is(cairn_slice_t text, const char *word, size_t len)
{
    return text.len == len && memcmp(text.ptr, word, len) == 0;
}

/* ---- transactions ---- */

static void remember_refusal(redis_transaction_t *now, cairn_slice_t text)
{
    if (now->refusal_len > 0) return;
    now->refusal_len = text.len < sizeof now->refusal ? text.len : sizeof now->refusal;
    memcpy(now->refusal, text.ptr, now->refusal_len);
}

/* MULTI's reply, or that of a command behind it. False: it is no such thing. */
static bool count_queued(redis_transaction_t *now, redis_reply_t reply)
{
    bool opens = now->skipped++ == 0;
    cairn_slice_t text;
    if (redis_reply_error(&reply, &text)) {
        remember_refusal(now, text);
        now->unopened |= opens;
        return true;
    }
    if (now->unopened) return true;
    if (redis_reply_string(&reply, &text) < 0) return false;
    return opens ? is(text, "OK", 2) : is(text, "QUEUED", 6);
}

/* 0: an array of as many values, none of them an error, unless these are for others to see. */
static int read_results(redis_reply_t reply, const redis_entry_t *entry, cairn_slice_t *text)
{
    const size_t commands = entry->skip - 1;
    size_t count;
    bool nil;
    int rc = redis_reply_array_or_nil(&reply, &count, &nil);
    if (rc == 0 && (nil || count != commands)) rc = CAIRN_EPROTOCOL;
    if (rc == 0 && (entry->flags & REDIS_CMD_JOINT)) return 0;
    for (; rc == 0 && count > 0; count--) {
        if (redis_reply_error(&reply, text)) return redis_error_code(*text);
        rc = redis_reply_skip(&reply);
    }
    if (rc < 0) *text = cairn_str("EXEC gave no array with a result for each command");
    return rc;
}

static bool begins_with(cairn_slice_t text, const char *word, size_t len)
{
    return text.len >= len && memcmp(text.ptr, word, len) == 0;
}

/* EXEC itself may find a reason, and tells it at the end of a sentence. */
static cairn_slice_t reason_of(cairn_slice_t text)
{
    static const char before[] = "EXECABORT Transaction discarded because of: ";
    const size_t len = sizeof before - 1;
    if (text.len <= len || memcmp(text.ptr, before, len) != 0) return text;
    return cairn_slice(text.ptr + len, text.len - len);
}

/* What EXEC's reply means. `text` may lie in the connection, until its next reply. */
static int end_transaction(redis_conn_t *conn, const redis_entry_t *entry, redis_reply_t reply,
                           cairn_slice_t *text)
{
    redis_transaction_t *ended = &conn->transaction;
    size_t refusal_len = ended->refusal_len;
    bool opened = !ended->unopened;
    ended->skipped = 0;
    ended->unopened = false;
    ended->refusal_len = 0;
    conn->hold.discarded = false;
    if (!redis_reply_error(&reply, text)) return read_results(reply, entry, text);
    conn->hold.discarded =
        opened && (begins_with(*text, "EXECABORT ", 10) || redis_error_is_of_cluster(*text));
    *text = refusal_len > 0 ? cairn_slice(ended->refusal, refusal_len) : reason_of(*text);
    return redis_error_code(*text);
}

/* What was sent may end within it, and its first replies be there. */
static void answer_transaction(redis_conn_t *conn, redis_queue_t *queue, redis_reply_t *reply)
{
    const redis_entry_t entry = *redis_queue_at(queue, queue->head);
    size_t sent = conn->out.sent - conn->out.head;
    bool ends = conn->transaction.skipped == entry.skip;
    if (sent == 0 || (ends && sent < entry.bytes)) {
        redis_conn_lose(conn, CAIRN_EPROTOCOL, unasked);
        return;
    }
    if (!ends) {
        if (!count_queued(&conn->transaction, *reply))
            redis_conn_lose(conn, CAIRN_EPROTOCOL, "a transaction's command was not queued");
        return;
    }
    queue->head++;
    cairn_slice_t text;
    int status = end_transaction(conn, &entry, *reply, &text);
    if (status < 0) {
        fail_entry(conn, &entry, status, text);
    } else {
        answer_entry(conn, &entry, reply);
    }
}

/* ---- answers in order ---- */

/* To what was written behind a command that is held. */
static void answer_held(redis_conn_t *conn, redis_reply_t *reply)
{
    const redis_entry_t *entry = held_entry(conn);
    const size_t sent = conn->out.sent - conn->out.head - conn->hold.at;
    bool ends = entry && conn->transaction.skipped == entry->skip;
    if (!entry || sent == 0 || (ends && sent < entry->bytes)) {
        redis_conn_lose(conn, CAIRN_EPROTOCOL, unasked);
        return;
    }
    if (!ends) {
        if (!count_queued(&conn->transaction, *reply))
            redis_conn_lose(conn, CAIRN_EPROTOCOL, "a transaction's command was not queued");
        return;
    }
    cairn_slice_t text = {NULL, 0};
    int status = 0;
    if (entry->skip > 0)
        status = end_transaction(conn, entry, *reply, &text);
    else if (redis_reply_error(reply, &text))
        status = redis_error_code(text);
    redis_hold_answered(conn, status, reply, text, status < 0 && lacks_script(entry, text));
}

static void answer_oldest(redis_conn_t *conn, redis_reply_t *reply)
{
    if (conn->hold.on) {
        answer_held(conn, reply);
        return;
    }
    redis_queue_t *queue = answered_next(conn);
    const redis_entry_t *oldest =
        queue->head == queue->tail ? NULL : redis_queue_at(queue, queue->head);
    if (oldest && oldest->skip > 0) {
        answer_transaction(conn, queue, reply);
        return;
    }
    if (!oldest || conn->out.sent - conn->out.head < oldest->bytes) {
        redis_conn_lose(conn, CAIRN_EPROTOCOL, unasked);
        return;
    }
    const redis_entry_t entry = *oldest;
    queue->head++;
    cairn_slice_t text;
    if (redis_reply_error(reply, &text)) {
        fail_entry(conn, &entry, redis_error_code(text), text);
    } else {
        answer_entry(conn, &entry, reply);
    }
}

static bool is_leaving(const redis_entry_t *entry)
{
    const uint32_t both = REDIS_CMD_SUBSCRIPTION | REDIS_CMD_LEAVES;
    return (entry->flags & both) == both;
}

/* What a node says to SUNSUBSCRIBE when it has not the slot, or to a user who may not; PING, whose
 * answer counts, is behind it, and never told so. */
static bool is_refused_leave(redis_conn_t *conn, const redis_reply_t *reply)
{
    const redis_entry_t *oldest = oldest_entry(conn);
    redis_reply_t at = *reply;
    cairn_slice_t text;
    if (!oldest || !is_leaving(oldest) || !redis_reply_error(&at, &text)) return false;
    return redis_error_is_of_cluster(text) || redis_error_code(text) == CAIRN_EDENIED;
}

static bool ends_with_subscribe(cairn_slice_t kind)
{
    return kind.len >= 9 && memcmp(kind.ptr + kind.len - 9, "subscribe", 9) == 0;
}

static inline void tell_message(redis_conn_t *conn, cairn_slice_t kind, size_t count,
                                redis_reply_t *rest_of_it)
{
    if (conn->owner->message(conn, kind, count - 1, rest_of_it) < 0)
        redis_conn_lose(conn, CAIRN_EPROTOCOL, "a malformed message");
}

static void take_push(redis_conn_t *conn, redis_reply_t *reply)
{
    redis_reply_t rest_of_it = *reply;
    size_t count;
    cairn_slice_t kind;
    if (redis_reply_array(&rest_of_it, &count) < 0 || count == 0 ||
        redis_reply_string(&rest_of_it, &kind) < 0) {
        redis_conn_lose(conn, CAIRN_EPROTOCOL, "a push that does not say what it is");
        return;
    }
    if (is(kind, "message", 7) || is(kind, "pmessage", 8) || is(kind, "smessage", 8)) {
        tell_message(conn, kind, count, &rest_of_it);
        return;
    }
    const bool left = is(kind, "sunsubscribe", 12);
    const redisAsyncContext *link = conn->ac;
    if (left) tell_message(conn, kind, count, &rest_of_it);
    if (conn->ac != link) return; /* it was given up over it */
    const redis_entry_t *oldest = oldest_entry(conn);
    bool awaited = oldest && (oldest->flags & REDIS_CMD_SUBSCRIPTION) && !is_leaving(oldest);
    bool is_answer = awaited ? ends_with_subscribe(kind) && !left : is(kind, "pong", 4);
    if (is_answer) answer_oldest(conn, reply);
    /* Others are news nobody here asked for, such as client-side caching's. */
}

static void take_reply(redis_conn_t *conn, redis_reply_t *reply)
{
    if (conn->state == REDIS_CONN_GREETING) {
        redis_conn_greeted(conn, reply);
    } else if (redis_reply_is_push(reply) || (conn->subscriber && *reply->at == '*')) {
        take_push(conn, reply);
    } else if (*reply->at != '-' || !is_refused_leave(conn, reply)) {
        answer_oldest(conn, reply);
    }
}

/* What cannot be a reply may be a record of TLS, whose alerts begin so. */
static void lose_for_frame(redis_conn_t *conn, int status, char first)
{
    const char tls_alert = 21;
    char detail[256];
    if (conn->state != REDIS_CONN_GREETING || first != tls_alert || conn->tls) {
        redis_conn_lose(conn, status, conn->in.frame.error);
        return;
    }
    snprintf(detail, sizeof detail, "%s: the server speaks TLS on this port: rediss://",
             conn->where);
    redis_conn_lose(conn, CAIRN_ETLS, detail);
}

/* ---- reading and writing ---- */

static void lose_for(redis_conn_t *conn, int status)
{
    char detail[512];
    const char *why = status == UV_EOF ? "server closed the connection" : cairn_strerror(status);
    if (conn->tls && redis_tls_status(conn->tls) == status) why = redis_tls_reason(conn->tls);
    bool turned_away = conn->state == REDIS_CONN_GREETING && !conn->hello.greeted && !conn->tls &&
                       !conn->options->path;
    snprintf(detail, sizeof detail, "%s: %s%s", conn->where, why,
             turned_away ? " before it greeted; it may want TLS (rediss://)" : "");
    redis_conn_lose(conn, status, detail);
}

static bool is_for_later(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* UV_EAGAIN: nothing has come. */
static inline ssize_t receive(redis_conn_t *conn, int fd, char *to, size_t room)
{
    if (conn->tls) return redis_tls_read(conn->tls, to, room);
    ssize_t got = recv(fd, to, room, 0);
    if (got > 0) return got;
    if (got == 0) return UV_EOF;
    return is_for_later(errno) ? UV_EAGAIN : uv_translate_sys_error(errno);
}

/* 0: there is no room. */
static inline ssize_t give(redis_conn_t *conn, const char *from, size_t len)
{
    if (conn->tls) return redis_tls_write(conn->tls, from, len);
    ssize_t took = send(conn->ac->c.fd, from, len, MSG_NOSIGNAL);
    if (took >= 0) return took;
    return is_for_later(errno) ? 0 : uv_translate_sys_error(errno);
}

/* How much may be written. */
static size_t unsent_of(const redis_conn_t *conn, const redis_out_t *out)
{
    if (!conn->hold.limited || out == &conn->hello_out) return redis_out_unsent(out);
    return out->head + conn->hold.limit - out->sent;
}

/* Records of TLS take 16 KiB each; this is how much goes at a time, if there is room for it. */
#define TLS_WRITE_MOST (1u << 20)

/* Writes what one send takes of a window. 0, or why the link is broken. */
static int write_some(redis_conn_t *conn, redis_out_t *out)
{
    size_t unsent = unsent_of(conn, out);
    if (unsent == 0) return 0;
    size_t all = 0;
    ssize_t took;
    do {
        took = give(conn, out->buf + out->sent, unsent - all);
        if (took < 0) break;
        out->sent += (size_t)took;
        all += (size_t)took;
    } while (conn->tls && took > 0 && all < unsent && all < TLS_WRITE_MOST);
    conn->written += all;
    conn->tally.bytes_out += all;
    if (all > 0) conn->host->api->count_bytes(conn->host, 0, all);
    return took < 0 ? (int)took : 0;
}

/* ---- many replies at a time ---- */

/* Inside a transaction: the replies that are as they should be, and whole. */
static uint32_t take_queued(redis_conn_t *conn)
{
    static const char queued[] = "+QUEUED\r\n";
    const size_t len = sizeof queued - 1;
    redis_in_t *in = &conn->in;
    if (conn->hold.on || conn->in.frame.pending > 0) return 0;
    const redis_queue_t *queue = answered_next(conn);
    if (queue->head == queue->tail) return 0;
    const uint32_t skip = redis_queue_at(queue, queue->head)->skip;
    const uint32_t before = conn->transaction.skipped;
    while (conn->transaction.skipped < skip && in->tail - in->head >= len &&
           memcmp(in->buf + in->head, queued, len) == 0) {
        conn->transaction.skipped++;
        in->head += len;
    }
    return conn->transaction.skipped - before;
}

/* With many answers in one read, what they made callers ask next goes out before all are taken: so
 * the server works meanwhile, instead of waiting for the turn's end. A quarter of what is under way
 * at a time, lest a send of a few bytes costs more than it wins. */
#define EARLY_LEAST 16

static uint64_t early_after(const redis_conn_t *conn)
{
    const uint64_t quarter = (conn->queue.tail - conn->queue.head) / 4;
    return quarter > EARLY_LEAST ? quarter : EARLY_LEAST;
}

/* False: the link is lost. What does not go now goes when the turn ends: so does all that waits for
 * what is tried first, whose answer counts when the read is over. */
static bool write_early(redis_conn_t *conn, const redisAsyncContext *link)
{
    if (conn->hold.limited) return true;
    if (conn->state != REDIS_CONN_READY || redis_out_unsent(&conn->hello_out) > 0) return true;
    if (conn->tls && redis_tls_wants_write(conn->tls)) return true;
    const int rc = write_some(conn, &conn->out);
    if (rc < 0) lose_for(conn, rc);
    return conn->ac == link;
}

/* Every complete reply that is there; each may end the link or close the connection. */
static void take_replies(redis_conn_t *conn, const redisAsyncContext *link)
{
    redis_in_t *in = &conn->in;
    const uint64_t enough = early_after(conn);
    uint64_t since_write = 0;
    while (in->head < in->tail) {
        if (conn->transaction.skipped > 0) since_write += take_queued(conn);
        if (in->head == in->tail) return;
        size_t len;
        const char *at = in->buf + in->head;
        int rc = redis_frame_scan(&in->frame, at, in->tail - in->head,
                                  conn->options->max_reply_bytes, &len);
        if (rc == 0) return;
        if (rc < 0) {
            lose_for_frame(conn, rc, *at);
            return;
        }
        in->head += len;
        redis_reply_t reply;
        redis_reply_init(&reply, at, len);
        take_reply(conn, &reply);
        if (conn->ac != link) return;
        if (++since_write < enough) continue;
        since_write = 0;
        if (!write_early(conn, link)) return;
    }
}

/* ---- the socket is ready ---- */

/* What TLS has left undone when a read ended. */
static void settle_tls(redis_conn_t *conn)
{
    int status = redis_tls_status(conn->tls);
    if (status < 0) {
        lose_for(conn, status);
    } else if (redis_tls_wants_write(conn->tls)) {
        redis_wire_flush_later(conn);
    }
}

static void wire_read(redisAsyncContext *ac)
{
    redis_conn_t *conn = ac->data;
    redis_in_t *in = &conn->in;
    uint64_t missing = redis_frame_missing(&in->frame, in->tail - in->head);
    size_t need = missing < SIZE_MAX ? (size_t)missing : SIZE_MAX;
    size_t least = conn->tls ? REDIS_TLS_LEAST_ROOM : LEAST_READ;
    if (!redis_in_space(in, need > least ? need : least)) {
        lose_for(conn, UV_ENOMEM);
        return;
    }
    ssize_t got = receive(conn, ac->c.fd, in->buf + in->tail, in->capacity - in->tail);
    if (got == UV_EAGAIN) return;
    if (got < 0) {
        lose_for(conn, (int)got);
        return;
    }
    in->tail += (size_t)got;
    conn->heard_ms = uv_now(conn->host->loop);
    conn->pinged = false;
    conn->tally.bytes_in += (uint64_t)got;
    conn->host->api->count_bytes(conn->host, (uint64_t)got, 0);
    take_replies(conn, ac);
    if (conn->ac != ac) return;
    redis_in_rest(in);
    if (conn->hold.limited) redis_hold_probed(conn);
    if (conn->ac == ac && conn->tls) settle_tls(conn);
    if (conn->ac == ac) redis_conn_tell_room(conn);
}

/* While it greets. What answers HELLO brings tickets of TLS, which cost about as much as a
 * handshake's step, and a buffer to read into, and begins all that waits for a connection. */
static void greeting_read(redisAsyncContext *ac)
{
    redis_conn_t *conn = ac->data;
    const uv_loop_t *loop = conn->host->loop;
    if (!redis_turn_has_time(loop)) return;
    const uint64_t began_ns = redis_turn_clock();
    wire_read(ac);
    redis_turn_spent(loop, began_ns);
    if (conn->ac == ac && conn->state == REDIS_CONN_READY) conn->funcs.async_read = wire_read;
}

static void wire_write(redisAsyncContext *ac)
{
    redis_conn_t *conn = ac->data;
    if (conn->tls && redis_tls_wants_write(conn->tls)) {
        wire_read(ac); /* which had to stop for it */
        if (conn->ac != ac) return;
    }
    redis_out_t *first = &conn->hello_out;
    int rc = write_some(conn, first);
    size_t unsent = redis_out_unsent(first);
    if (unsent == 0) first->head = first->sent = first->tail = 0;
    if (rc == 0 && unsent == 0 && conn->state == REDIS_CONN_READY) {
        rc = write_some(conn, &conn->out);
        unsent = unsent_of(conn, &conn->out);
    }
    if (rc < 0) {
        lose_for(conn, rc);
    } else if (unsent > 0) {
        ac->ev.addWrite(ac->ev.data);
    } else {
        ac->ev.delWrite(ac->ev.data);
    }
}

void redis_wire_flush_later(redis_conn_t *conn)
{
    conn->ac->ev.addWrite(conn->ac->ev.data);
}

void redis_wire_attach(redis_conn_t *conn)
{
    conn->funcs = *conn->ac->c.funcs;
    conn->funcs.async_read = greeting_read;
    conn->funcs.async_write = wire_write;
    conn->ac->c.funcs = &conn->funcs;
}
