/* Where in a run stream: a plain value to keep, compare and send.
 *
 * As text it is what HTTP's Last-Event-ID carries (semantics.md rule 45). */
#ifndef CAIRN_POSITION_H
#define CAIRN_POSITION_H

#include <cairn/bytes.h>
#include <cairn/compiler.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zeroed: before the first event. The two words mean something to the backend only; positions of
 * one stream grow. */
typedef struct cairn_position {
    uint64_t high, low;
} cairn_position_t;

/* Room for a position's text with its NUL. */
#define CAIRN_POSITION_SIZE 42

/* <0, 0 or >0. */
static inline int cairn_position_cmp(cairn_position_t a, cairn_position_t b)
{
    if (a.high != b.high) return a.high < b.high ? -1 : 1;
    if (a.low != b.low) return a.low < b.low ? -1 : 1;
    return 0;
}

/* "high-low" in decimal, NUL-terminated. Returns its length. */
size_t cairn_position_format(cairn_position_t position, char out[CAIRN_POSITION_SIZE]);

/* The reverse, and nothing else: no sign, no blank, no leading zero, nothing left out. UV_EINVAL,
 * and `*out` is left alone. Text from a client is safe to give. */
CAIRN_MUST_USE int cairn_position_parse(cairn_slice_t text, cairn_position_t *out);

#ifdef __cplusplus
}
#endif
#endif
