/* Events as the messages of Pure Graph's queues, and these in base64. */
#ifndef CAIRN_REDIS_PURE_GRAPH_MESSAGE_H
#define CAIRN_REDIS_PURE_GRAPH_MESSAGE_H

#include <cairn/stream.h>

/* Its cancel names itself so, and its readers await CAIRN_STREAM_CANCEL: told as that. */
#define REDIS_GRAPH_CANCEL "__system_cancel__"

/* The type of values that are JSON. Other values are strings, and say what they are as
 * "cairn_type". */
#define REDIS_GRAPH_JSON "json"

size_t redis_graph_message_bound(const cairn_stream_entry_t *entry);
char *redis_graph_message_write(char *out, const cairn_stream_entry_t *entry);

/* All but the position; slices borrow from `message`, which is changed. CAIRN_EPROTOCOL. */
CAIRN_MUST_USE int redis_graph_message_read(char *message, size_t len, cairn_stream_event_t *event);

size_t redis_graph_base64_size(size_t len);
char *redis_graph_base64_write(char *out, cairn_slice_t bytes);

/* Writes three bytes for each four of `text`, at the most. CAIRN_EPROTOCOL. */
CAIRN_MUST_USE int redis_graph_base64_read(cairn_slice_t text, char *out, size_t *len);

#endif
