/* Slices: how bytes cross the API in both directions.
 *
 * A slice borrows; it never owns. Slices you pass in are consumed before the call returns, so the
 * bytes may be on your stack. Slices you are given live until your callback returns. Any byte is
 * legal, NUL included; nothing is NUL-terminated unless a comment says so. */
#ifndef CAIRN_BYTES_H
#define CAIRN_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cairn_slice {
    const char *ptr; /* may be NULL if len is 0 */
    size_t len;
} cairn_slice_t;

static inline cairn_slice_t cairn_slice(const void *ptr, size_t len)
{
    cairn_slice_t s = {(const char *)ptr, len};
    return s;
}

/* A slice of a NUL-terminated string, without its NUL. NULL gives the empty slice. */
static inline cairn_slice_t cairn_str(const char *text)
{
    return cairn_slice(text, text ? strlen(text) : 0);
}

static inline bool cairn_slice_eq(cairn_slice_t a, cairn_slice_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Bytewise order, a prefix before what it begins: <0, 0 or >0 (semantics.md rule 2). */
static inline int cairn_slice_cmp(cairn_slice_t a, cairn_slice_t b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared ? memcmp(a.ptr, b.ptr, shared) : 0;
    if (order != 0) return order;
    return (a.len > b.len) - (a.len < b.len);
}

#ifdef __cplusplus
}
#endif
#endif
