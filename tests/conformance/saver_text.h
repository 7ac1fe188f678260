/* Checkpoints as text, in both directions, so that a test reads as the rule does.
 *
 * What is put, as words: "a@1=x b@2 c@3! d@4~ -e@5=y"
 *     a@1=x    channel a at version 1 with the value x
 *     b@2      channel b is at version 2, unchanged
 *     c@3!     channel c is empty at version 3
 *     d@4~     channel d is a delta at version 4
 *     -e@5=y   a value that channel_versions does not mention
 *
 * What is read: "c2 <c1 a@1=x b@2 {"k":1} [t.0 a=x]": checkpoint c2 of the root namespace of thread
 * t (others are THREAD/NAMESPACE/ID), whose parent is c1, with channels, metadata (left out if {})
 * and pending writes by task and index. Ids with bytes other than [A-Za-z0-9_.-] are escaped, the
 * empty one is ''. Two different things never give the same text. */
#ifndef TESTS_CONFORMANCE_SAVER_TEXT_H
#define TESTS_CONFORMANCE_SAVER_TEXT_H

#include <cairn/saver.h>
#include <stdbool.h>

/* The type of values written as text. */
#define TEXT_TYPE "text"

typedef struct text {
    char *chars; /* NUL-terminated; NULL while nothing was added */
    size_t len;
    size_t room;
} text_t;

CAIRN_PRINTF(2, 3) void text_add(text_t *text, const char *format, ...);
void text_clear(text_t *text);
void text_free(text_t *text);
const char *text_chars(const text_t *text);

void text_add_id(text_t *text, cairn_slice_t id);
void text_add_ref(text_t *text, const cairn_checkpoint_ref_t *ref);
void text_add_tuple(text_t *text, const cairn_checkpoint_tuple_t *tuple);

/* "a=seed [t.0 a=x]": the seed (none: "a") and the writes, one channel after the other. */
void text_add_history(text_t *text, const cairn_channel_history_t *channels, size_t count);

/* What is wrong with the shape of a tuple, whatever it holds; NULL if nothing is. */
const char *tuple_flaw(const cairn_checkpoint_tuple_t *tuple);

#define CHANNELS_MOST 64

typedef struct channels {
    cairn_channel_version_t versions[CHANNELS_MOST];
    size_t version_count;
    cairn_channel_value_t values[CHANNELS_MOST];
    size_t value_count;
} channels_t;

/* Both borrow from `words`. */
void channels_parse(channels_t *out, const char *words);
size_t writes_parse(cairn_write_t out[CHANNELS_MOST], const char *words);

#endif
