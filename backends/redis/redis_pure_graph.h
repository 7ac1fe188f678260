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
 * What of it needs one step is one call of scripts/pure_graph.lua. */
#ifndef CAIRN_REDIS_PURE_GRAPH_H
#define CAIRN_REDIS_PURE_GRAPH_H

#include "redis_pure_graph_message.h"
#include "redis_stream.h"

/* ---- redis_pure_graph.c ---- */

extern const cairn_stream_ops_t redis_pure_graph_ops;

/* "stream:<id>" as an argument. */
#define REDIS_GRAPH_STREAM "stream:"
#define REDIS_GRAPH_LIST "queue:"
char *redis_graph_key(char *out, cairn_slice_t stream);
size_t redis_graph_key_bound(cairn_slice_t stream);

/* "langgraph:queue_past:{id}" */
char *redis_graph_past(char *out, cairn_slice_t stream);
size_t redis_graph_past_bound(cairn_slice_t stream);

/* Bytes of a call of the script with `args` arguments and `payload` bytes in them, at the most; its
 * beginning, up to the operation: "append", ... */
size_t redis_graph_bound(cairn_slice_t stream, size_t args, size_t payload);
char *redis_graph_begin(char *out, cairn_slice_t stream, const char *operation, size_t args);

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

/* ---- redis_pure_graph_feed.c ---- */

int redis_graph_feed_open(void *self, cairn_feed_t *feed);
void redis_graph_feed_close(void *self, cairn_feed_t *feed);

/* What a backend in this layout keeps. NULL: no memory. */
redis_pure_graph_t *redis_pure_graph_new(redis_backend_t *redis);

#endif
