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

/* The keys of scripts that work on a stream: itself, what goes with it, its past. */
#define REDIS_QUEUE_KEYS 3
char *redis_queue_keys(char *out, const redis_queue_name_t *name);

/* The channel, as an argument or part of one. */
size_t redis_queue_channel_size(const redis_backend_t *redis, cairn_slice_t id);
char *redis_queue_channel(char *out, const redis_backend_t *redis, cairn_slice_t id);
char *redis_queue_channel_arg(char *out, const redis_backend_t *redis, cairn_slice_t id);

/* Bytes of a call with `args` arguments behind the channel and `payload` bytes in them, at the
 * most. */
size_t redis_queue_bound(const redis_backend_t *redis, const redis_queue_name_t *name, size_t args,
                         size_t payload);

/* Begins the call of a script with the stream's keys and, as the first argument, its channel. */
char *redis_queue_begin(char *out, const redis_script_t *script, const redis_backend_t *redis,
                        const redis_queue_name_t *name, size_t args);

const cairn_stream_done_t *redis_stream_done(const cairn_req_t *req);

/* Whether a channel is one of a run stream; such are reserved. */
static inline bool redis_is_queue_channel(cairn_slice_t channel)
{
    static const char prefix[] = REDIS_CHANNEL_QUEUE;
    const size_t len = sizeof prefix - 1;
    /* A topic's channel hardly ever has the last of these bytes in its place. */
    return channel.len > len && channel.ptr[len - 1] == prefix[len - 1] &&
           memcmp(channel.ptr, prefix, len) == 0;
}

/* ---- redis_stream_event.c: positions and events as bytes ---- */

/* Bytes that a position takes, at the most. */
#define REDIS_POSITION_SIZE CAIRN_POSITION_SIZE

char *redis_position_arg(char *out, cairn_position_t position);
CAIRN_MUST_USE int redis_position_read(redis_reply_t *reply, cairn_position_t *position);

size_t redis_event_size(const cairn_stream_entry_t *entry);
char *redis_event_write(char *out, const cairn_stream_entry_t *entry);

/* All but the position; slices borrow from `packed`. CAIRN_EPROTOCOL. */
CAIRN_MUST_USE int redis_event_read(cairn_slice_t packed, cairn_stream_event_t *event);

/* What is published behind an append, taken apart. */
typedef struct redis_pushed {
    cairn_slice_t rest;
    cairn_position_t previous;
} redis_pushed_t;

CAIRN_MUST_USE int redis_pushed_begin(redis_pushed_t *pushed, cairn_slice_t message);

/* The next event; one whose name is absent was left out. 1: there was one; 0: no more;
 * CAIRN_EPROTOCOL. */
CAIRN_MUST_USE int redis_pushed_next(redis_pushed_t *pushed, cairn_position_t *previous,
                                     cairn_stream_event_t *event);

/* The same as an argument of a command. */
char *redis_event_arg(char *out, const cairn_stream_entry_t *entry);

/* ---- redis_stream_append.c: what a batch and a single append share ---- */

#define REDIS_APPEND_ARGS 3 /* TTL, limit, expected_last */

/* Begins the call up to the limit; expected_last and `events` events follow. */
char *redis_append_begin(char *out, const redis_backend_t *redis, const redis_queue_name_t *name,
                         int64_t ttl_ms, uint64_t max_events, size_t events);

/* The script's number for a refusal. */
CAIRN_MUST_USE int redis_append_refusal(redis_reply_t *reply, int *status, cairn_slice_t *detail);

/* ---- redis_stream_batch.c: appends of one turn ---- */

/* Room for a call of `bytes` behind all that was appended. As redis_conn_reserve. */
CAIRN_MUST_USE int redis_stream_reserve(redis_backend_t *redis, size_t bytes, char **at);

/* Sends what is open. UV_ENOMEM. */
CAIRN_MUST_USE int redis_batches_flush(redis_backend_t *redis);

/* It goes by itself. */
#define REDIS_BATCH_ALONE 1
CAIRN_MUST_USE int redis_batch_append(redis_backend_t *redis, cairn_stream_append_t *req,
                                      const cairn_stream_append_args_t *args);

/* ---- redis_stream_feed.c: subscriptions ---- */

/* Another user of the stream's channel, which is subscribed to if it is new. NULL: out of memory.
 */
redis_channel_t *redis_channel_use(redis_backend_t *redis, cairn_slice_t stream);
void redis_channel_leave(redis_channel_t *channel);

/* ---- redis_group_wait.c: reads that wait ---- */

typedef struct redis_wait redis_wait_t;

/* Something happened that may end waits, or the server refuses (<0) to tell. */
void redis_waits_wake(redis_channel_t *channel, int status, cairn_slice_t detail);

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
