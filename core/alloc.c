#include <cairn/sys/alloc.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static const cairn_allocator_t libc_allocator = {malloc, realloc, free};

static cairn_allocator_t current = {malloc, realloc, free};

int cairn_set_allocator(const cairn_allocator_t *allocator)
{
    if (!allocator) allocator = &libc_allocator;
    if (!allocator->malloc || !allocator->realloc || !allocator->free) return UV_EINVAL;
    current = *allocator;
    return 0;
}

/* NULL must mean that memory ran out, so nobody is asked for nothing. */
static size_t at_least_one(size_t size)
{
    return size ? size : 1;
}

void *cairn_malloc(size_t size)
{
    return current.malloc(at_least_one(size));
}

void *cairn_calloc(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) return NULL;
    void *ptr = cairn_malloc(count * size);
    if (ptr) memset(ptr, 0, count * size);
    return ptr;
}

void *cairn_realloc(void *ptr, size_t size)
{
    return current.realloc(ptr, at_least_one(size));
}

void cairn_free(void *ptr)
{
    current.free(ptr);
}

char *cairn_strndup(const char *text, size_t len)
{
    if (len == SIZE_MAX) return NULL;
    char *copy = cairn_malloc(len + 1);
    if (!copy) return NULL;
    if (len) memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}
