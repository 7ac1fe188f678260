/* For core and backends: JSON objects that come as text, which is what metadata, filters and most
 * items of the store are.
 *
 * Text is UTF-8, whole, and an object. Of a key that comes twice the last counts. A key may not
 * contain U+0000; strings may. Any call may also give UV_ENOMEM. */
#ifndef CAIRN_SYS_JSON_H
#define CAIRN_SYS_JSON_H

#include <cairn/bytes.h>
#include <cairn/compiler.h>
#include <cairn/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* LangGraph's metadata: which delta channels the checkpoint has no value of (rule 26). */
#define CAIRN_JSON_DELTA_COUNTERS "counters_since_delta_snapshot"

/* 0 if `text` is a JSON object's, else UV_EINVAL. */
CAIRN_MUST_USE int cairn_json_check_object(cairn_slice_t text);

/* Whether the object `document` contains the object `filter` (rule 20): 1 or 0, UV_EINVAL if one
 * of them is none. All keys of the filter must be there; objects contain objects, however deep;
 * everything else must be equal, numbers by value (1 is 1.0), null to null only. */
CAIRN_MUST_USE int cairn_json_contains(cairn_slice_t document, cairn_slice_t filter);

/* The same with the filter read once, for many documents. Read: 0, UV_EINVAL; `*out` is to be
 * freed. Freeing NULL is fine. */
typedef struct cairn_json_filter cairn_json_filter_t;
CAIRN_MUST_USE int cairn_json_filter_read(cairn_slice_t filter, cairn_json_filter_t **out);
CAIRN_MUST_USE int cairn_json_filter_matches(const cairn_json_filter_t *filter,
                                             cairn_slice_t document);
void cairn_json_filter_free(cairn_json_filter_t *filter);

/* ---- the store's filters (rule 39) ---- */

/* An object whose members must all hold:
 *
 *     {"a": 1}                      a is there and equal, as in cairn_json_contains
 *     {"a": {"b": 1, "c": {...}}}   a is an object whose members hold; those not named may be there
 *     {"a.b": 1}                    the member "a.b" if there is one, else b of a, however deep
 *     {"a": {"$gt": 1, "$lt": 9}}   every operator holds
 *
 * $eq and $ne compare whole values; $ne holds wherever $eq does not, so of what is missing too. $gt
 * $gte $lt $lte compare a number with a number and a string with a string, bytewise; nothing else
 * ever matches them. Nothing equals what is missing. */
typedef struct cairn_json_query cairn_json_query_t;

/* 0, or UV_EINVAL: no object, an operator that is unknown, stands where a field should or beside
 * fields. `error` (may be NULL) says so in words that go on after "filter ". `*out` is to be freed.
 * Freeing NULL is fine. */
CAIRN_MUST_USE int cairn_json_query_read(cairn_slice_t filter, cairn_json_query_t **out,
                                         cairn_error_t *error);

/* 1 or 0. A document that is no object matches {} only. */
CAIRN_MUST_USE int cairn_json_query_matches(const cairn_json_query_t *query,
                                            cairn_slice_t document);
void cairn_json_query_free(cairn_json_query_t *query);

/* ---- texts to embed ---- */

/* Whether `path` is one of LangGraph's: "$" or names and [n], [-n], [*], * one after the other, as
 * in "a.b[0].*". 0 or UV_EINVAL. */
CAIRN_MUST_USE int cairn_json_check_path(cairn_slice_t path);

/* Calls `each` with every text that `path` leads to in `document`, until it returns something else
 * than 0, which is returned. A string is its own text, null is none, everything else is JSON with
 * its keys sorted. What is no object is a text as it is, for "$". `text` is borrowed for the call.
 */
CAIRN_MUST_USE int cairn_json_each_text(cairn_slice_t document, cairn_slice_t path,
                                        int (*each)(void *context, cairn_slice_t text),
                                        void *context);

/* ---- members ---- */

/* Makes `*out` of object[key], if that is a string; else `*out` is absent. It is borrowed from
 * `text`, or from `*memory` if it is not in there byte by byte, being escaped; `*memory` is yours
 * to give to cairn_free, and mostly NULL. UV_EINVAL if `text` is no object: a check, too.
 * CAIRN_ETOOBIG if the string is longer than `most`. On error `*out` is absent and `*memory` NULL.
 */
CAIRN_MUST_USE int cairn_json_string_member(cairn_slice_t text, const char *key, size_t most,
                                            cairn_slice_t *out, char **memory);

/* Calls `each` with every key of the object object[key], in no certain order, until it returns
 * something else than 0, which is returned. 0 if there is no such object. UV_EINVAL if `text` is no
 * object. `name` is borrowed for the call. */
CAIRN_MUST_USE int cairn_json_each_key(cairn_slice_t text, const char *key,
                                       int (*each)(void *context, cairn_slice_t name),
                                       void *context);

#ifdef __cplusplus
}
#endif
#endif
