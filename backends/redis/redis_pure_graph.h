/* Run streams in the layout of Pure Graph's RedisStreamQueue (npm: @langgraph-js/pure-graph), so
 * that its servers and this library follow each other's runs. Of the stream <id>:
 *
 *     stream:<id>     a stream of Redis; an entry is `data`: a message in base64
 *     queue:<id>      a list of the same messages as they are, which its getAll reads
 *
 * A message is JSON: {"event": its name, "data": any value, "id": a string, if it has one}. What is
 * more than that is ours, and out of its way:
 *
 *     langgraph:queue_more:{id}   a hash: "i" and an id: the position of the event that has it
 *     langgraph:queue_past:{id}   t or c and the position up to which events have left the stream,
 *                                 by its length limit or by a clear
 *
 * What of it needs one step is one call of scripts/pure_graph.lua.
 *
 * In a cluster these names have no hash tag, and stream and list are in slots of their own. What is
 * ours is in the stream's: it is called langgraph:queue_more:{tag of the slot}:id there. So
 * whatever is told of a stream is still of one step; the list is done key by key, when the stream
 * has answered (redis_pure_graph_list.c). An id that has a hash tag of its own keeps all in one
 * slot, and then all is one step. */
#ifndef CAIRN_REDIS_PURE_GRAPH_H
#define CAIRN_REDIS_PURE_GRAPH_H

#include "redis_pure_graph_message.h"
#include "redis_stream.h"

/* ---- redis_pure_graph.c ---- */

extern const cairn_stream_ops_t redis_pure_graph_ops;

/* ---- redis_pure_graph_names.c ---- */

#define REDIS_GRAPH_STREAM "stream:"
#define REDIS_GRAPH_LIST "queue:"

/* A stream, and where its keys are; borrows the id. */
typedef struct redis_graph_name {
    cairn_slice_t id;
    bool split; /* in a cluster; then the slots count */
    uint16_t slot;
    uint16_t list_slot;
} redis_graph_name_t;

redis_graph_name_t redis_graph_name(const redis_backend_t *redis, cairn_slice_t id);

/* Whether the list is elsewhere than all the rest. */
static inline bool redis_graph_is_apart(const redis_graph_name_t *name)
{
    return name->slot != name->list_slot;
}

/* Of a stream, should there be a cluster. */
uint16_t redis_graph_slot(cairn_slice_t id);

/* Room for a call about it. As redis_conn_reserve. */
CAIRN_MUST_USE int redis_graph_reserve(redis_backend_t *redis, const redis_graph_name_t *name,
                                       size_t bytes, char **at);

/* "stream:<id>" and "queue:<id>" as arguments; each is within the bound. */
size_t redis_graph_key_bound(cairn_slice_t id);
char *redis_graph_key(char *out, cairn_slice_t id);
char *redis_graph_list(char *out, cairn_slice_t id);

/* That of what has left it. */
size_t redis_graph_past_bound(cairn_slice_t id);
char *redis_graph_past(char *out, const redis_graph_name_t *name);

/* Bytes of a call of the script with `args` arguments and `payload` bytes in them, at the most; its
 * beginning, up to the operation: "append", ... */
size_t redis_graph_bound(cairn_slice_t id, size_t args, size_t payload);
char *redis_graph_begin(char *out, const redis_graph_name_t *name, const char *operation,
                        size_t args);

/* The whole call that copies; both are in one slot with their lists. */
size_t redis_graph_copy_bound(cairn_slice_t source, cairn_slice_t target);
char *redis_graph_copy(char *out, const redis_graph_name_t *source,
                       const redis_graph_name_t *target, int64_t ttl_ms);

/* ---- redis_pure_graph.c: answers ---- */

/* What left the stream. */
typedef struct redis_graph_past {
    cairn_position_t trimmed; /* zero: nothing by its limit */
    cairn_position_t cleared;
} redis_graph_past_t;

/* As GET gives it. CAIRN_EPROTOCOL. */
CAIRN_MUST_USE int redis_graph_read_past(redis_reply_t *reply, redis_graph_past_t *past);

/* {position, {..., "data", message, ...}}; the event lives in `arena`. CAIRN_EPROTOCOL, UV_ENOMEM.
 */
CAIRN_MUST_USE int redis_graph_read_entry(redis_reply_t *reply, cairn_arena_t *arena,
                                          cairn_stream_event_t *event);

/* ---- redis_pure_graph_log.c: append and read ---- */

int redis_graph_append(void *self, cairn_stream_append_t *req,
                       const cairn_stream_append_args_t *args);
int redis_graph_read(void *self, cairn_stream_read_t *req, const cairn_stream_read_args_t *args);

/* All messages of an append, one behind the other. */
typedef struct redis_graph_messages {
    size_t *ends; /* where each ends in `bytes`; owned, with `bytes` behind it */
    const char *bytes;
} redis_graph_messages_t;

cairn_slice_t redis_graph_message_at(const redis_graph_messages_t *messages, size_t i);

/* The length limit as an argument. */
char *redis_graph_limit_arg(char *out, const cairn_stream_append_args_t *args);

/* A message as it is in the list: ASCII, as Pure Graph reads that byte by byte. */
char *redis_graph_ascii_arg(char *out, cairn_slice_t message);

/* ---- redis_pure_graph_list.c ---- */

/* What is still to be done with a list that is apart. A request keeps it in REDIS_SCRATCH_MEMORY
 * until it ends. */
typedef struct redis_graph_rest redis_graph_rest_t;

/* *rest: to be freed by cairn_free, if no request keeps it; NULL: the list is not apart. UV_ENOMEM.
 */
CAIRN_MUST_USE int redis_graph_rest_of_append(const redis_graph_name_t *name,
                                              const cairn_stream_append_args_t *args,
                                              const redis_graph_messages_t *messages,
                                              redis_graph_rest_t **rest);
CAIRN_MUST_USE int redis_graph_rest_of_clear(const redis_graph_name_t *name,
                                             redis_graph_rest_t **rest);
CAIRN_MUST_USE int redis_graph_rest_of_ttl(const redis_graph_name_t *name, int64_t ttl_ms,
                                           redis_graph_rest_t **rest);

bool redis_graph_has_rest(const cairn_req_t *req);

/* Does it. UV_ENOMEM. */
CAIRN_MUST_USE int redis_graph_rest_send(cairn_req_t *req, redis_answer_fn answer);
CAIRN_MUST_USE int redis_graph_rest_send_append(cairn_req_t *req,
                                                const cairn_stream_appended_t *appended,
                                                redis_answer_fn answer);

/* What was given to redis_graph_rest_send_append. */
cairn_stream_appended_t redis_graph_rest_appended(const cairn_req_t *req);

/* Ends the request, and says that its stream is done with. */
void redis_graph_rest_fail(cairn_req_t *req, int status, cairn_slice_t detail);

/* ---- redis_pure_graph_copy.c ---- */

/* From one slot to another. */
int redis_graph_copy_spread(redis_backend_t *redis, cairn_stream_count_t *req,
                            const cairn_stream_copy_args_t *args);

/* ---- redis_pure_graph_feed.c ---- */

int redis_graph_feed_open(void *self, cairn_feed_t *feed);
void redis_graph_feed_close(void *self, cairn_feed_t *feed);

/* What a backend in this layout keeps. NULL: no memory. */
redis_pure_graph_t *redis_pure_graph_new(redis_backend_t *redis);

#endif
