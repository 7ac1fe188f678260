/* The allocator hook: the library's only mutable global. */
#ifndef CAIRN_ALLOC_H
#define CAIRN_ALLOC_H

#include <cairn/compiler.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Standard semantics each; any may return NULL, which the library survives as UV_ENOMEM. Called
 * from the thread of the handle that needs memory. */
typedef struct cairn_allocator {
    void *(*malloc)(size_t size);
    void *(*realloc)(void *ptr, size_t size);
    void (*free)(void *ptr);
} cairn_allocator_t;

/* Replaces malloc, realloc and free; NULL restores the C library's. Copies the table. Call it
 * before the first cairn_open, or while every handle is closed; never while one is open.
 * UV_EINVAL if a member is NULL. */
CAIRN_MUST_USE int cairn_set_allocator(const cairn_allocator_t *allocator);

#ifdef __cplusplus
}
#endif
#endif
