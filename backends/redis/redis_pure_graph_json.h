/* As much of JSON as the messages of Pure Graph's queues need: where a value ends, and strings of
 * any bytes.
 *
 * A string of JSON is Unicode, and names, ids and data here are bytes. What is no UTF-8 is written
 * as the lone surrogates DC80 ... DCFF, a byte each (as Python's "surrogateescape" does it), and
 * read back to what it was. */
#ifndef CAIRN_REDIS_PURE_GRAPH_JSON_H
#define CAIRN_REDIS_PURE_GRAPH_JSON_H

#include <cairn/bytes.h>
#include <cairn/compiler.h>

/* Arrays and objects in each other. */
#define REDIS_JSON_DEPTH 512u

typedef struct redis_json {
    const char *at;
    const char *end;
} redis_json_t;

/* Over blanks. */
void redis_json_skip_blanks(redis_json_t *json);

/* Moves behind the value that is next, blanks before it not allowed. False: there is none that is
 * right, or it is nested too deep; `json` is then anywhere. */
CAIRN_MUST_USE bool redis_json_skip(redis_json_t *json);

/* Whether `text` is one value, without blanks around it. */
bool redis_json_is_value(cairn_slice_t text);

/* The quotes included; at most six times `bytes` and two. */
#define REDIS_JSON_STRING_BOUND(len) (6 * (len) + 2)
char *redis_json_write_string(char *out, cairn_slice_t bytes);

/* Of a string that was skipped, quotes included: its bytes, in the place of the text. */
cairn_slice_t redis_json_read_string(char *text, size_t len);

/* The same value in ASCII: what is beyond is escaped. */
size_t redis_json_ascii_size(cairn_slice_t value);
char *redis_json_ascii_write(char *out, cairn_slice_t value);

#endif
