/* An allocator that counts what is live and fails on demand. */
#ifndef TESTS_SUPPORT_ALLOC_FAULT_H
#define TESTS_SUPPORT_ALLOC_FAULT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum alloc_fault {
    ALLOC_FAIL_ONCE, /* the n-th allocation fails */
    ALLOC_FAIL_FROM  /* the n-th and all after it fail */
} alloc_fault_t;

/* Makes Cairn allocate here, counting from zero; every handle must be closed. */
void alloc_watch(void);

/* Gives Cairn the C library's allocator back. */
void alloc_unwatch(void);

bool alloc_watching(void);

size_t alloc_live(void);  /* blocks not freed */
size_t alloc_total(void); /* allocations asked for, reallocations included */

/* The `nth` allocation from now on fails, counted from 1. 0: none does. */
void alloc_fail(alloc_fault_t fault, size_t nth);
bool alloc_fault_fired(void);

/* Runs `scenario` with the first allocation failing, then the second, and so on until it ends
 * without having met the fault; after each run nothing may be left allocated. Fails the test if a
 * scenario asks for more than `most` allocations, or for none at all. */
void alloc_fault_each(alloc_fault_t fault, size_t most, void (*scenario)(void *ctx), void *ctx);

#endif
