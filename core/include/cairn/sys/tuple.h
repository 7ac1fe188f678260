/* For backends: memory in which a result is put together and handed up as a whole.
 *
 *     cairn_arena_t arena = {0};
 *     cairn_rows_t rows = {0};
 *     cairn_checkpoint_tuple_t *tuple = cairn_rows_add(&arena, &rows, sizeof *tuple);
 *     ...
 *     host->api->saver->get_done(req, tuple);
 *     cairn_arena_free(&arena);        or cairn_arena_reset, and use it again
 *
 * What is taken from an arena stays where it is until the arena is reset or freed; nothing is given
 * back singly. Any number of small pieces shares a few blocks, of which reset keeps one. */
#ifndef CAIRN_SYS_TUPLE_H
#define CAIRN_SYS_TUPLE_H

#include <cairn/checkpoint.h>
#include <cairn/compiler.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cairn_arena_block cairn_arena_block_t;

/* Zeroed: empty, holding no memory. May be moved. */
typedef struct cairn_arena {
    cairn_arena_block_t *blocks; /* private: the one in use first */
} cairn_arena_t;

void cairn_arena_free(cairn_arena_t *arena);
void cairn_arena_reset(cairn_arena_t *arena);

/* Aligned for anything; not zeroed. Of no bytes: a valid pointer all the same. NULL: no memory, or
 * the product overflows. */
void *cairn_arena_alloc(cairn_arena_t *arena, size_t count, size_t size);

/* A copy of `bytes`, absent if they are. Returns UV_ENOMEM, and leaves `*out` alone. */
CAIRN_MUST_USE int cairn_arena_copy(cairn_arena_t *arena, cairn_slice_t bytes, cairn_slice_t *out);

/* An array in an arena of which nobody knows beforehand how long it gets. Zeroed: empty. */
typedef struct cairn_rows {
    void *at; /* the first; NULL if empty. It moves when a row is added */
    size_t count;
    size_t room; /* private */
} cairn_rows_t;

/* One more row of `size` bytes, always the same, zeroed. NULL: no memory, and nothing is changed.
 */
void *cairn_rows_add(cairn_arena_t *arena, cairn_rows_t *rows, size_t size);

#ifdef __cplusplus
}
#endif
#endif
