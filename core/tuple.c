/* A chain of blocks. Small pieces share the one in use, which is followed by one twice as large
 * when it is full; a large piece gets a block of its own, behind the one in use. */
#include <cairn/sys/alloc.h>
#include <cairn/sys/tuple.h>
#include <stdint.h>
#include <string.h>
#include <uv.h>

#define ROOM_LEAST ((size_t)4000)
#define ROOM_MOST ((size_t)256 * 1024)
#define FIRST_ROWS ((size_t)8)

struct cairn_arena_block {
    cairn_arena_block_t *older;
    size_t used, room;
    max_align_t bytes[];
};

static void free_chain(cairn_arena_block_t *block)
{
    while (block) {
        cairn_arena_block_t *older = block->older;
        cairn_free(block);
        block = older;
    }
}

void cairn_arena_free(cairn_arena_t *arena)
{
    free_chain(arena->blocks);
    arena->blocks = NULL;
}

void cairn_arena_reset(cairn_arena_t *arena)
{
    cairn_arena_block_t *in_use = arena->blocks;
    if (!in_use) return;
    free_chain(in_use->older);
    in_use->older = NULL;
    in_use->used = 0;
}

static cairn_arena_block_t *make_block(size_t room)
{
    if (room > SIZE_MAX - sizeof(cairn_arena_block_t)) return NULL;
    cairn_arena_block_t *block = cairn_malloc(sizeof *block + room);
    if (!block) return NULL;
    block->older = NULL;
    block->used = 0;
    block->room = room;
    return block;
}

static void *take(cairn_arena_block_t *block, size_t size)
{
    char *piece = (char *)block->bytes + block->used;
    block->used += size;
    return piece;
}

static size_t next_room(const cairn_arena_block_t *in_use)
{
    if (!in_use) return ROOM_LEAST;
    return in_use->room < ROOM_MOST / 2 ? 2 * in_use->room : ROOM_MOST;
}

void *cairn_arena_alloc(cairn_arena_t *arena, size_t count, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    if (size && count > (SIZE_MAX - align) / size) return NULL;
    size_t wanted = (count * size + align - 1) / align * align;
    cairn_arena_block_t *in_use = arena->blocks;
    if (in_use && wanted <= in_use->room - in_use->used) return take(in_use, wanted);

    size_t room = next_room(in_use);
    bool own = in_use && wanted > room / 4;
    cairn_arena_block_t *block = make_block(own || wanted > room ? wanted : room);
    if (!block) return NULL;
    if (own) {
        block->older = in_use->older;
        in_use->older = block;
    } else {
        block->older = in_use;
        arena->blocks = block;
    }
    return take(block, wanted);
}

int cairn_arena_copy(cairn_arena_t *arena, cairn_slice_t bytes, cairn_slice_t *out)
{
    if (!bytes.ptr) {
        *out = cairn_slice(NULL, 0);
        return 0;
    }
    char *copy = cairn_arena_alloc(arena, bytes.len, 1);
    if (!copy) return UV_ENOMEM;
    if (bytes.len) memcpy(copy, bytes.ptr, bytes.len);
    *out = cairn_slice(copy, bytes.len);
    return 0;
}

void *cairn_rows_add(cairn_arena_t *arena, cairn_rows_t *rows, size_t size)
{
    if (rows->count == rows->room) {
        if (rows->room > SIZE_MAX / 2) return NULL;
        size_t room = rows->room ? 2 * rows->room : FIRST_ROWS;
        void *at = cairn_arena_alloc(arena, room, size);
        if (!at) return NULL;
        if (rows->count) memcpy(at, rows->at, rows->count * size);
        rows->at = at;
        rows->room = room;
    }
    char *row = (char *)rows->at + rows->count * size;
    memset(row, 0, size);
    rows->count++;
    return row;
}
