/* One connection's life, reconnects included.
 *
 *     CLOSED -> LOCATING -> RESOLVING -> CONNECTING -> GREETING -> READY
 *                  ^            |             |            |         |
 *                  |            +-------------+------------+---------+--> lost: WAITING (backoff)
 *                  +------------------------------------------------------------+
 *     any -> CLOSING -> CLOSED
 *
 * Where to is a list of places, tried one behind the other in an attempt, and each name's addresses
 * in turn; the next attempt begins with who answered last, or behind who was silent. With an empty
 * list each attempt asks its owner first.
 * A TLS handshake is part of CONNECTING, an ask for credentials of GREETING.
 *
 * hiredis connects; from then on the bytes are ours (redis_wire.c), behind the context's table of
 * functions. Commands may be put in at any time before CLOSING; while there is no connection they
 * wait. */
#ifndef CAIRN_REDIS_CONN_H
#define CAIRN_REDIS_CONN_H

#include "redis_addresses.h"
#include "redis_backoff.h"
#include "redis_credentials.h"
#include "redis_hello.h"
#include "redis_hold.h"
#include "redis_out.h"
#include "redis_queue.h"
#include "redis_tls.h"

#include <cairn/adapters/hiredis_uv.h>
#include <cairn/sys/backend.h>
#include <hiredis/async.h>
#include <uv.h>

typedef enum redis_conn_state {
    REDIS_CONN_CLOSED,
    REDIS_CONN_LOCATING,
    REDIS_CONN_RESOLVING,
    REDIS_CONN_CONNECTING,
    REDIS_CONN_GREETING,
    REDIS_CONN_READY,
    REDIS_CONN_WAITING,
    REDIS_CONN_CLOSING
} redis_conn_state_t;

typedef struct redis_conn redis_conn_t;

/* What a connection tells its owner; each may close the connection. */
typedef struct redis_conn_owner {
    /* Where to, if the options do not say: redis_conn_go answers, in here or later, or
     * redis_conn_lose ends the attempt, later. */
    void (*locate)(redis_conn_t *conn);
    /* About to be ready: commands put in now go before all that wait. Calls nobody else. */
    void (*prelude)(redis_conn_t *conn);
    void (*ready)(redis_conn_t *conn);
    /* An attempt failed or the link broke. Commands that wait are kept, but those of
     * REDIS_CMD_TRANSIENT, which are forgotten without an answer. */
    void (*lost)(redis_conn_t *conn, int status, const char *detail);
    /* A published message, or "sunsubscribe", whether that was asked for or not: `kind` is read,
     * the rest is next. <0: malformed; the link is given up. */
    int (*message)(redis_conn_t *conn, cairn_slice_t kind, size_t count, redis_reply_t *rest);
    /* The answer of a command is about to be told; `name` is what it was about. NULL: no matter. */
    void (*answering)(redis_conn_t *conn);
    /* A command was refused, and not carried out, with one of MOVED, ASK, TRYAGAIN, CLUSTERDOWN.
     * True: it has been put in elsewhere. False: it is told, by `text`, which may be made another.
     * `entry` and `bytes` are borrowed. NULL: nobody does. */
    bool (*redirect)(redis_conn_t *conn, const redis_entry_t *entry, cairn_slice_t bytes,
                     cairn_slice_t *text);
    /* A request that names something is that number in the queue. Only if there are names. */
    void (*put_in)(redis_conn_t *conn, uint64_t seq);
    /* There is room again after a reserve was refused with CAIRN_EFULL. */
    void (*room)(redis_conn_t *conn);
    /* The server does not know a script: commands put in now go before the call, which is sent
     * again. <0: it is not. */
    int (*unscripted)(redis_conn_t *conn);
    void (*closed)(redis_conn_t *conn);
} redis_conn_owner_t;

/* Borrowed; outlives the connection. */
typedef struct redis_conn_options {
    const char *path;         /* of a unix socket; or else */
    redis_addresses_t places; /* none: the owner is asked */
    redis_hello_options_t hello;
    redis_tls_t *tls;                /* NULL: none */
    cairn_credentials_t credentials; /* in place of hello's, if there is an `ask` */
    uint64_t connect_timeout_ms;
    uint64_t reconnect_min_ms;
    uint64_t reconnect_max_ms;
    uint64_t keepalive_ms;
    uint64_t fail_fast_ms; /* of a node of a cluster; of the whole, core sees to it */
    uint64_t max_inflight;
    uint64_t max_queue_bytes;
    uint64_t max_reply_bytes;
} redis_conn_options_t;

/* How far the transaction at the head of the queue is answered: of its replies, all but that of
 * EXEC say only that a command was taken, or why not. */
typedef struct redis_transaction {
    uint32_t skipped; /* of those */
    bool unopened;    /* MULTI was refused: what follows is not queued, but done at once */
    size_t refusal_len;
    char refusal[256]; /* the beginning of the first error among them */
} redis_transaction_t;

/* What has been read and not yet looked at. */
typedef struct redis_in {
    char *buf;
    size_t capacity;
    size_t head;
    size_t tail;
    redis_frame_t frame;
} redis_in_t;

/* What has happened, for statistics. */
typedef struct redis_tally {
    uint64_t answered; /* commands */
    uint64_t errors;   /* of them, by an error */
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t attempts;
    uint64_t connects;
    uint64_t losses;
    uint64_t since_ms; /* when it became what it is: ready, waiting, or busy with an attempt */
    char last_loss[256];
} redis_tally_t;

struct redis_conn {
    void *data; /* the owner's */
    const redis_conn_owner_t *owner;
    const redis_conn_options_t *options;
    const cairn_host_t *host;
    cairn_hiredis_uv_t *group;

    redis_conn_state_t state;
    bool subscriber; /* RESP2 and used for subscriptions: arrays are pushes */
    bool in_prelude; /* commands go to hello_out and prelude */
    bool losing;     /* inside redis_conn_lose: the queue is not to be compacted */
    bool refused;    /* a reserve was, since room was last told */
    uint32_t name;   /* the pool's, of what the request at hand is about: REDIS_CMD_NAME. 0: none */
    bool used;       /* the pool's: since it last looked */
    uint64_t used_ms;
    cairn_task_t room_task;
    bool pinged; /* a sign of life was asked for and has not come */
    uint64_t heard_ms;
    uint64_t written; /* bytes, on this link */
    uint64_t passed;  /* of those that the socket took, acknowledged when last looked at */

    redisAsyncContext *ac;   /* hiredis's; NULL without a link */
    redisContextFuncs funcs; /* its table, with our reads and writes */
    redis_tls_link_t *tls;   /* NULL: none, or not begun */
    redis_in_t in;
    redis_out_t out;
    redis_queue_t queue;
    redis_transaction_t transaction;
    redis_hold_t hold;
    cairn_slice_t answered;  /* bytes of the command whose answer is told, or which is given
                                up with the link; until the next reserve */
    uint32_t answered_skip;  /* its skip */
    uint32_t answered_flags; /* likewise, where it is an error */
    uint64_t forgotten;      /* entries without ctx since the last compaction, about */
    unsigned loading;        /* scripts that are, on this link */
    bool unscripted;         /* one was refused */
    redis_hello_t hello;
    redis_credentials_t credentials;
    redis_out_t hello_out; /* goes before `out`: the handshake, then the prelude */
    redis_queue_t
        prelude; /* answered before `queue`; all of it transient, its bytes in hello_out */

    redis_backoff_t backoff;
    uv_timer_t timer; /* one deadline a state: to be connected, next attempt, keepalive */
    bool timer_closed;
    uv_getaddrinfo_t lookup;
    bool looking_up;
    struct addrinfo *addresses; /* of the lookup */
    struct addrinfo *address;   /* the one to try next */
    unsigned tried;             /* how many stand before it */
    unsigned first;             /* how many the next attempt leaves out: behind who was silent, or
                                   before who answered */
    redis_address_t located;    /* what the owner said */
    const redis_address_t
        *place;         /* whose addresses these are; NULL: none was tried in this attempt */
    size_t place_at;    /* its number; between attempts: of the one to begin with */
    size_t places_left; /* not tried in this attempt */
    bool arrived;       /* this attempt led to READY */
    char where[160];    /* "127.0.0.1:6379", for messages */
    char failure[256];  /* of the address tried last */
    int failure_status;
    redis_tally_t tally;
};

/* Takes commands, which wait; it is not connected. */
void redis_conn_prepare(redis_conn_t *conn, const cairn_host_t *host,
                        const redis_conn_options_t *options, const redis_conn_owner_t *owner);

/* Drops what waits on one that was only prepared, without answers. */
void redis_conn_drop(redis_conn_t *conn);

/* Never fails; begins to connect at once. `conn` stays in place until `closed`. */
void redis_conn_open(redis_conn_t *conn, const cairn_host_t *host, cairn_hiredis_uv_t *group,
                     const redis_conn_options_t *options, const redis_conn_owner_t *owner);

/* Drops the link and what waits, without answers; `closed` follows. Legal anywhere but twice. */
void redis_conn_close(redis_conn_t *conn);

/* Answers owner->locate; ignored if that is not asked for any more. */
void redis_conn_go(redis_conn_t *conn, const redis_address_t *place);

/* If it waits for its next attempt: that begins soon, for something has changed. */
void redis_conn_soon(redis_conn_t *conn);

/* Gives the link up as lost: reconnects. */
void redis_conn_lose(redis_conn_t *conn, int status, const char *detail);

/* If it waits for its next attempt: that is not made before it is told to hurry; and that is made
 * now. */
void redis_conn_hold(redis_conn_t *conn);
void redis_conn_hurry(redis_conn_t *conn);

/* Whether an attempt that failed so will not be mended by waiting: a wrong password or certificate,
 * or a user who may not what we greet with. */
static inline bool redis_conn_is_refusal(int status)
{
    return status == CAIRN_EAUTH || status == CAIRN_ETLS || status == CAIRN_EDENIED;
}

/* If it waits for its next attempt: all that waits on it ends with that, which another connection
 * to the same server was told. */
void redis_conn_refuse(redis_conn_t *conn, int status, const char *detail);

/* Without a link: what waits ends with CAIRN_EDOWN, but for requests without a deadline. */
void redis_conn_fail_fast(redis_conn_t *conn, const char *detail);

/* ---- commands ---- */

/* Room for a command of at most `bytes`, at *at. CAIRN_EFULL, CAIRN_ETOOBIG (it can never fit),
 * UV_ENOMEM. */
CAIRN_MUST_USE int redis_conn_reserve(redis_conn_t *conn, size_t bytes, char **at);

/* The same beyond the bounds on count and bytes, for what must not fail for want of room. */
CAIRN_MUST_USE int redis_conn_reserve_unbounded(redis_conn_t *conn, size_t bytes, char **at);

/* The command reserved for is encoded up to `end`: it goes out at the end of this loop turn.
 * Returns its number in the queue. */
uint64_t redis_conn_commit(redis_conn_t *conn, const char *end, redis_answer_fn answer, void *ctx,
                           uint32_t flags);

/* The same for a request of core's, which remembers connection and number in its scratch area. */
void redis_conn_commit_request(redis_conn_t *conn, const char *end, redis_answer_fn answer,
                               cairn_req_t *req);

/* What stands in a queue for such a request. */
static inline redis_entry_t redis_conn_entry_of(cairn_req_t *req, redis_answer_fn answer)
{
    uint32_t flags = (req->flags & CAIRN_REQ_NO_RETRY) | REDIS_CMD_REQUEST;
    if (req->flags & CAIRN_REQ_IDEMPOTENT) flags |= REDIS_CMD_IDEMPOTENT;
    return (redis_entry_t){.answer = answer, .ctx = req, .flags = flags};
}

/* The same for the call of a script. What the request keeps in REDIS_SCRATCH_MEMORY stays. */
void redis_conn_commit_script(redis_conn_t *conn, const char *end, redis_answer_fn answer,
                              cairn_req_t *req, bool idempotent);

/* The same for MULTI, `commands` commands and EXEC, one behind the other. They are one to the
 * queue: what is sent again is all of them, and one deadline, one place and one answer are theirs.
 * Status 0: `reply` is at EXEC's array, which has a value for each command, none of them an error.
 * A command that failed, or was refused and so ended the transaction, gives its own code and text.
 *
 * The server takes nothing back: if a script is not known to it, or a command fails, the others
 * were carried out all the same; they are again, when it is sent again. */
void redis_conn_commit_transaction(redis_conn_t *conn, const char *end, redis_answer_fn answer,
                                   cairn_req_t *req, size_t commands, bool idempotent);

/* The same for a transaction that is several requests', of plain commands: the array it is at may
 * have errors for values. */
void redis_conn_commit_joint(redis_conn_t *conn, const char *end, redis_answer_fn answer,
                             cairn_req_t *req, size_t commands);

/* What a request of core's keeps in its scratch area. Memory is a block that goes with the request,
 * or 0; the number is whoever's who sent it. */
enum {
    REDIS_SCRATCH_CONN, /* 0: it is not sent, but deferred */
    REDIS_SCRATCH_SEQ,
    REDIS_SCRATCH_MEMORY,
    REDIS_SCRATCH_NUMBER,
    REDIS_SCRATCH_WORDS
};
_Static_assert(REDIS_SCRATCH_WORDS <= CAIRN_REQ_SCRATCH, "a request has room for it");

/* Put on REDIS_SCRATCH_CONN: the request is a read of a group that waits, and its memory is not
 * just a block (redis_group_wait.c). Or in its place: it is an append in a batch
 * (redis_stream_batch.c). */
#define REDIS_CONN_WAITS 1u
#define REDIS_CONN_BATCHED 2u

/* Or: it is a put that goes with others (redis_store_joint.c). */
#define REDIS_CONN_JOINED 4u

/* Or: it is a job of the store that has several calls out (redis_store_fan.c). */
#define REDIS_CONN_SPREAD 8u

/* Or: no node takes it now, and it waits (redis_cluster_redirect.c). */
#define REDIS_CONN_PARKED 16u

/* Or: it has several calls out (redis_saver_gather.c). */
#define REDIS_CONN_GATHERS 32u

/* Or: no server has said what it is yet (redis_early.c). */
#define REDIS_CONN_EARLY 64u

/* What all of these are less than, or equal to; a connection is beyond. */
#define REDIS_CONN_TAGS 127u

/* What stays on REDIS_SCRATCH_CONN when a request comes to another connection. */
static inline uint64_t redis_conn_mark(const cairn_req_t *req)
{
    return req->scratch[REDIS_SCRATCH_CONN] & REDIS_CONN_WAITS;
}

/* Nobody waits for the answer any more; unsent it will not be sent, if there is no link. */
void redis_conn_forget_request(cairn_req_t *req);

/* Where a request is that was put in; NULL: it is parked. */
static inline struct redis_conn *redis_conn_of_request(const cairn_req_t *req)
{
    const uint64_t conn = req->scratch[REDIS_SCRATCH_CONN] & ~(uint64_t)REDIS_CONN_WAITS;
    return conn == REDIS_CONN_PARKED ? NULL : (struct redis_conn *)(uintptr_t)conn;
}

/* Whether what was put in may have been written and its answer still come; else it is not sent once
 * it is forgotten. */
static inline bool redis_conn_may_have_written(const redis_conn_t *conn)
{
    return conn->state == REDIS_CONN_READY || conn->losing;
}

/* The same of a request in the queue, which may have been sent on links that are lost. */
bool redis_conn_may_have_sent(const redis_conn_t *conn, const cairn_req_t *req);

/* Of a request in the queue: who is told, and what was put in, until the next reserve. */
redis_answer_fn redis_conn_answer_of(const redis_conn_t *conn, const cairn_req_t *req);
cairn_slice_t redis_conn_bytes_of(const redis_conn_t *conn, const cairn_req_t *req);

/* The host of the connection a request went to. */
const cairn_host_t *redis_conn_host(const cairn_req_t *req);

/* ---- between redis_conn.c and redis_connect.c ---- */

/* Begins an attempt. */
void redis_connect_begin(redis_conn_t *conn);

/* The place has come to nothing: the next attempt begins behind it. Or it has led to READY. */
void redis_connect_gave_up(redis_conn_t *conn);
void redis_connect_arrived(redis_conn_t *conn);
/* The link is up and, with TLS, secured: asks for credentials where somebody is to be asked, then
 * greets. */
void redis_connect_greet(redis_conn_t *conn);

/* What an attempt that takes too long waits for. */
const char *redis_connect_awaited(const redis_conn_t *conn);

/* redis_secure.c: the TLS handshake on a link that has just come up; redis_connect_greet follows.
 */
void redis_secure_begin(redis_conn_t *conn);

/* Frees what attempts keep. */
void redis_connect_free(redis_conn_t *conn);

/* `timeout_ms` 0: the state may last. */
void redis_conn_set_state(redis_conn_t *conn, redis_conn_state_t state, uint64_t timeout_ms);

/* When it closes and nothing of an attempt is out any more. */
void redis_conn_finish_closing(redis_conn_t *conn);

/* ---- redis_keepalive.c ---- */

/* Of one that is ready: asks for a sign of life if it has been silent, and gives it up if it was
 * asked before. In how many milliseconds to look again; 0: it is lost. */
CAIRN_MUST_USE uint64_t redis_keepalive_look(redis_conn_t *conn);

/* ---- between redis_conn.c, redis_wire.c and redis_hold.c ---- */

/* Moves what is still wanted together, all of it unsent; what has any of the `dropped` flags, and
 * what is answered or given up, becomes void. */
void redis_conn_compact(redis_conn_t *conn, uint32_t dropped);

static inline void redis_conn_answering(redis_conn_t *conn, const redis_entry_t *entry)
{
    if (!conn->owner->answering) return;
    conn->name = entry->flags & REDIS_CMD_NAME;
    conn->owner->answering(conn);
}

/* Commits a copy of what `entry` was sent for, as on a link that it has not been on. A request
 * knows then where it is. */
void redis_conn_commit_moved(redis_conn_t *conn, const char *end, const redis_entry_t *entry);

/* Offers all that waits, oldest first, to `take`, which may put it in elsewhere and says so with
 * true. Only while it is not READY. */
typedef bool redis_take_fn(void *ctx, const redis_entry_t *entry, cairn_slice_t bytes);
void redis_conn_give_away(redis_conn_t *conn, redis_take_fn *take, void *ctx);

/* The same of all that is not answered while it is READY. What has been sent of it is done twice;
 * the answers that come here are swallowed. */
void redis_conn_hand_over(redis_conn_t *conn, redis_take_fn *take, void *ctx);

/* Commits a copy of what `entry` was sent for. Returns its number in the queue. */
uint64_t redis_conn_commit_again(redis_conn_t *conn, const char *end, const redis_entry_t *entry);

/* Puts our functions in place of hiredis's. */
void redis_wire_attach(redis_conn_t *conn);

/* Asks to be flushed at the end of this loop turn. */
void redis_wire_flush_later(redis_conn_t *conn);

/* Tells the owner of room, if it was refused some and there is enough. */
void redis_conn_tell_room(redis_conn_t *conn);

/* A reply of the handshake. */
void redis_conn_greeted(redis_conn_t *conn, redis_reply_t *reply);

/* ---- redis_in.c ---- */

/* Space for at least `need` bytes behind what is there; moves it. False: out of memory. */
bool redis_in_space(redis_in_t *in, size_t need);

/* What was taken of it leaves. */
void redis_in_rest(redis_in_t *in);
void redis_in_free(redis_in_t *in);

#endif
