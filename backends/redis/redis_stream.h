/* Run streams on Redis: what their files share.
 *
 * A stream is a stream of Redis. What changes one is one call of a script, which also publishes
 * what it did on the stream's channel; whoever follows subscribes to that. A page is read by plain
 * commands. */
#ifndef CAIRN_REDIS_STREAM_H
#define CAIRN_REDIS_STREAM_H

#include "redis_saver.h"

/* ---- redis_stream.c: names and calls ---- */

typedef struct redis_queue_name {
    cairn_slice_t id;
    size_t size; /* escaped */
} redis_queue_name_t;

redis_queue_name_t redis_queue_name(cairn_slice_t id);

/* "langgraph:queue:{id}" */
char *redis_queue_key(char *out, const redis_queue_name_t *name);
size_t redis_queue_key_size(const redis_queue_name_t *name);

/* "langgraph:queue_more:{id}" */
char *redis_queue_more_key(char *out, const redis_queue_name_t *name);

/* The keys of scripts that work on a stream: itself, what goes with it. */
#define REDIS_QUEUE_KEYS 2
char *redis_queue_keys(char *out, const redis_queue_name_t *name);

/* The channel, as an argument or part of one. */
size_t redis_queue_channel_size(const redis_backend_t *redis, cairn_slice_t id);
char *redis_queue_channel(char *out, const redis_backend_t *redis, cairn_slice_t id);
char *redis_queue_channel_arg(char *out, const redis_backend_t *redis, cairn_slice_t id);

/* Bytes of a call with `args` arguments behind the channel and `payload` bytes in them, at the
 * most. */
size_t redis_queue_bound(const redis_backend_t *redis, const redis_queue_name_t *name, size_t args,
                         size_t payload);

static inline redis_guard_t redis_queue_guard(const redis_backend_t *redis,
                                              const redis_queue_name_t *name)
{
    const bool split = redis_route_is_split(&redis->route);
    return split ? (redis_guard_t)redis_slot_of_id(name->id) : REDIS_GUARD_OF_NONE;
}

/* Begins the call of a script with the stream's keys and, as the first argument, its channel. */
char *redis_queue_begin(char *out, const redis_script_t *script, const redis_backend_t *redis,
                        const redis_queue_name_t *name, size_t args);

const cairn_stream_done_t *redis_stream_done(const cairn_req_t *req);

/* Of a copy, in words: UV_EEXIST. */
#define REDIS_TARGET_IS_THERE "the target is there"

/* Whether a channel is one of a run stream; such are reserved. */
static inline bool redis_is_queue_channel(cairn_slice_t channel)
{
    static const char prefix[] = REDIS_CHANNEL_QUEUE;
    const size_t len = sizeof prefix - 1;
    /* A topic's channel hardly ever has the last of these bytes in its place. */
    return channel.len > len && channel.ptr[len - 1] == prefix[len - 1] &&
           memcmp(channel.ptr, prefix, len) == 0;
}

/* ---- redis_stream_copy_spread.c: a copy to another slot of a cluster ---- */

CAIRN_MUST_USE int redis_stream_copy_spread(redis_backend_t *redis, cairn_stream_count_t *req,
                                            const cairn_stream_copy_args_t *args);

/* ---- redis_stream_event.c: positions and events as bytes ---- */

/* Bytes that a position takes, at the most. */
#define REDIS_POSITION_SIZE CAIRN_POSITION_SIZE

char *redis_position_arg(char *out, cairn_position_t position);
CAIRN_MUST_USE int redis_position_read(redis_reply_t *reply, cairn_position_t *position);

size_t redis_event_size(const cairn_stream_entry_t *entry);
char *redis_event_write(char *out, const cairn_stream_entry_t *entry);

/* All but the position; slices borrow from `packed`. CAIRN_EPROTOCOL. */
CAIRN_MUST_USE int redis_event_read(cairn_slice_t packed, cairn_stream_event_t *event);

/* Of the number that an event has in its stream, as scripts/lib_stream.lua gives them. */
static inline cairn_position_t redis_position_at(uint64_t number)
{
    return (cairn_position_t){1, number};
}

/* Events that are published, taken apart. */
typedef struct redis_pushed {
    cairn_slice_t rest;
    uint64_t next; /* number of the next */
    uint64_t left; /* how many there may be */
    bool begins;   /* the stream began with the next */
} redis_pushed_t;

/* Of a message that has them; or that tells of them, which come in others. CAIRN_EPROTOCOL. */
CAIRN_MUST_USE int redis_pushed_begin(redis_pushed_t *pushed, cairn_slice_t message);
CAIRN_MUST_USE int redis_pushed_announced(redis_pushed_t *pushed, cairn_slice_t message);

/* The next event; one whose name is absent was left out. 1: there was one; 0: no more;
 * CAIRN_EPROTOCOL. */
CAIRN_MUST_USE int redis_pushed_next(redis_pushed_t *pushed, cairn_position_t *previous,
                                     cairn_stream_event_t *event);

/* The same as an argument of a command. */
char *redis_event_arg(char *out, const cairn_stream_entry_t *entry);

/* ---- redis_stream_append.c: what a batch and a single append share ---- */

/* Bytes of "TTL limit last", at the most. */
#define REDIS_APPEND_TERMS (2 * REDIS_CMD_NUMBER + 3 + REDIS_POSITION_SIZE)

/* "TTL limit", an empty limit for none; gives the end. */
char *redis_append_terms(char *out, int64_t ttl_ms, uint64_t max_events);

/* Begins the call; `events` events follow. */
char *redis_append_begin(char *out, const redis_backend_t *redis, const redis_queue_name_t *name,
                         const cairn_stream_append_args_t *args, size_t events);

/* The same of an event for which `number` was claimed; 0: and refused. */
char *redis_append_begin_claimed(char *out, const redis_backend_t *redis,
                                 const redis_queue_name_t *name, int64_t ttl_ms,
                                 uint64_t max_events, uint64_t number);

/* What the script says, of as many events as were given: a refusal is in `status` and `detail`. If
 * it is `numbered`, the server gives an event its number. REDIS_APPEND_UNSURE: nothing was
 * done, as a claim seems not to have been refused. */
#define REDIS_APPEND_UNSURE 1
CAIRN_MUST_USE int redis_append_read(redis_reply_t *reply, uint64_t events, int *status,
                                     cairn_slice_t *detail, cairn_stream_appended_t *appended,
                                     bool *numbered);

void redis_append_ended(int *status, cairn_slice_t *detail);

/* ---- redis_stream_tips.c: where streams end ---- */

/* What is believed of a stream, by the hash of its id. Whatever is done on it finds out whether it
 * holds. */
typedef struct redis_tip {
    uint64_t hash;
    uint64_t until_ms; /* it is there as long */
    uint64_t last;     /* number of its last event; 0: not known */
    uint64_t losses;   /* of the link that this was told on */
    const redis_conn_t *conn;
    redis_batch_t *claim; /* on its way, and nothing is behind it */
    uint32_t in_flight;   /* batches */
    uint32_t stamp;       /* another whenever something else may have changed the stream */
    uint16_t waits;       /* so many appends are to be alone before the next claim */
    uint16_t penalty;     /* what waits begins with when a claim was for nothing */
    bool has_more;        /* something goes with it that has its TTL */
} redis_tip_t;

uint64_t redis_stream_hash(cairn_slice_t id);

/* NULL: nothing is believed of it. */
redis_tip_t *redis_tips_find(const redis_backend_t *redis, cairn_slice_t stream);

/* Its place, empty if it is new. NULL: there is none. */
redis_tip_t *redis_tips_take(redis_backend_t *redis, cairn_slice_t stream);

/* Something other than an append of a batch changes it. */
void redis_tips_forget(redis_backend_t *redis, cairn_slice_t stream);

/* An append was answered: what it made the last; it was `alone` if nothing else was on its way. */
void redis_tip_told(redis_tip_t *tip, const redis_conn_t *conn, uint64_t last, bool alone);

/* A claim has turned out well; or not, and what that weighs. */
typedef enum redis_tip_failure {
    REDIS_TIP_FOLLOWED = 1, /* something came behind it */
    REDIS_TIP_REFUSED = 4
} redis_tip_failure_t;
void redis_tip_claimed(redis_tip_t *tip);
void redis_tip_failed(redis_tip_t *tip, redis_tip_failure_t why);

/* Whether the next append is likely to be the only one. */
bool redis_tip_may_claim(const redis_tip_t *tip, const redis_conn_t *conn, uint64_t now_ms);

/* ---- redis_stream_claim.c: one event, by plain commands ---- */

typedef struct redis_claim {
    const redis_backend_t *redis;
    const redis_queue_name_t *name;
    int64_t ttl_ms; /* > 0 */
    uint64_t max_events;
    cairn_slice_t argument; /* the event */
    uint64_t number;        /* that it is to have */
} redis_claim_t;

/* Whether it can be done so at all. */
bool redis_claim_serves(const redis_backend_t *redis, cairn_slice_t stream, int64_t ttl_ms,
                        uint64_t max_events);

size_t redis_claim_bound(const redis_claim_t *claim);
#define REDIS_CLAIM_COMMANDS 4 /* between MULTI and EXEC */
char *redis_claim_write(char *out, const redis_claim_t *claim);

/* Its answer; and whether something goes with the stream. CAIRN_EPROTOCOL. */
CAIRN_MUST_USE int redis_claim_read(redis_reply_t *reply, uint64_t number, bool *has_more);

/* In the place of an expected position: the claim of this number may have been refused; 0: it was.
 */
size_t redis_claim_mark(char *out, uint64_t number);

/* What goes with the stream gets its TTL. */
void redis_claim_touch(redis_backend_t *redis, cairn_slice_t stream, int64_t ttl_ms);

/* ---- redis_stream_push.c: many events, or large ones, by plain commands ---- */

/* An append with `bytes` of arguments. */
bool redis_push_pays(const redis_backend_t *redis, const redis_tip_t *tip, cairn_slice_t stream,
                     size_t events, size_t bytes);

/* Whether the connection is told of what it publishes there. Then a transaction does not work:
 * messages would come in the middle of EXEC's answer. */
bool redis_hears_itself(const redis_backend_t *redis, cairn_slice_t stream);

/* A transaction that appends the events, which are arguments one behind the other. */
typedef struct redis_push {
    const redis_backend_t *redis;
    const redis_queue_name_t *name;
    int64_t ttl_ms; /* > 0 */
    uint64_t max_events;
    cairn_slice_t arguments;
    size_t events;
} redis_push_t;

size_t redis_push_bound(const redis_push_t *push);

/* Also gives the number of commands between MULTI and EXEC. */
char *redis_push_write(char *out, const redis_push_t *push, size_t *commands);

/* Its answer, as that of the script. */
CAIRN_MUST_USE int redis_push_read(redis_reply_t *reply, uint64_t events, int *status,
                                   cairn_slice_t *detail, cairn_stream_appended_t *appended);

/* Whether an error means that the stream has ended. */
bool redis_push_refused(cairn_slice_t detail);

/* ---- redis_stream_batch.c: appends of one turn ---- */

/* Room for a call of `bytes` on a stream, behind all that was appended. As redis_conn_reserve. */
CAIRN_MUST_USE int redis_stream_reserve_read(redis_backend_t *redis, cairn_slice_t stream,
                                             size_t bytes, char **at);
CAIRN_MUST_USE int redis_stream_reserve(redis_backend_t *redis, cairn_slice_t stream, size_t bytes,
                                        char **at);

/* Sends what is open, before something else that is about the stream. UV_ENOMEM. */
CAIRN_MUST_USE int redis_batches_flush(redis_backend_t *redis, cairn_slice_t stream);

/* It goes by itself. */
#define REDIS_BATCH_ALONE 1
CAIRN_MUST_USE int redis_batch_append(redis_backend_t *redis, cairn_stream_append_t *req,
                                      const cairn_stream_append_args_t *args);

/* ---- redis_stream_feed.c: subscriptions ---- */

/* Another user of the stream's channel, which is subscribed to if it is new. NULL: out of memory.
 */
redis_channel_t *redis_channel_use(redis_backend_t *redis, cairn_slice_t stream);
void redis_channel_leave(redis_channel_t *channel);

/* Of a cluster: it is subscribed to at the node that has its slot now, if it is wanted and is not.
 */
void redis_channel_move(redis_channel_t *channel);

/* ---- redis_group_wait.c: reads that wait ---- */

typedef struct redis_wait redis_wait_t;

/* There are so many new events: of each group that wait as many go and ask. */
#define REDIS_WAKE_ALL UINT64_MAX
void redis_waits_wake(redis_channel_t *channel, uint64_t events);

/* The server refuses to tell. */
void redis_waits_fail(redis_channel_t *channel, int status, cairn_slice_t detail);

int redis_group_read(void *self, cairn_group_read_t *req, const cairn_group_read_args_t *args);
int redis_group_claim(void *self, cairn_group_read_t *req, const cairn_group_read_args_t *args);

/* ---- the operations ---- */

int redis_stream_append(void *self, cairn_stream_append_t *req,
                        const cairn_stream_append_args_t *args);
int redis_stream_read(void *self, cairn_stream_read_t *req, const cairn_stream_read_args_t *args);
int redis_feed_open(void *self, cairn_feed_t *feed);
void redis_feed_close(void *self, cairn_feed_t *feed);
int redis_group_create(void *self, cairn_group_change_t *req,
                       const cairn_group_create_args_t *args);
int redis_group_destroy(void *self, cairn_group_change_t *req, cairn_slice_t stream,
                        cairn_slice_t group);
int redis_group_ack(void *self, cairn_group_change_t *req, const cairn_group_ack_args_t *args);
int redis_group_nak(void *self, cairn_group_change_t *req, const cairn_group_ack_args_t *args);
int redis_group_info(void *self, cairn_group_info_t *req, cairn_slice_t stream,
                     cairn_slice_t group);

#endif
