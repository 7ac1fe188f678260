/* For backends that link the library: memory through the allocator hook. */
#ifndef CAIRN_SYS_ALLOC_H
#define CAIRN_SYS_ALLOC_H

#include <cairn/alloc.h>

#ifdef __cplusplus
extern "C" {
#endif

void *cairn_malloc(size_t size);
void *cairn_calloc(size_t count, size_t size); /* NULL if the product overflows */
void *cairn_realloc(void *ptr, size_t size);
void cairn_free(void *ptr); /* NULL is fine */

/* A NUL-terminated copy, or NULL. */
char *cairn_strndup(const char *text, size_t len);

#ifdef __cplusplus
}
#endif
#endif
