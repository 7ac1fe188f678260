#include <cairn/sys/copy.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

/* Of one block: how much of it is taken. Without one it is only measured. */
typedef struct room {
    char *block;
    size_t used;
} room_t;

/* A copy of so many bytes; NULL: it is only measured. */
static char *take(room_t *room, const void *bytes, size_t size)
{
    const size_t align = alignof(max_align_t);
    char *copy = room->block ? room->block + room->used : NULL;
    if (copy && size > 0) memcpy(copy, bytes, size);
    room->used += (size + align - 1) / align * align;
    return copy;
}

static void copy_parts(room_t *room, const cairn_shape_t *shape, const char *from, char *to);

static void copy_slice(room_t *room, const char *from, char *to)
{
    cairn_slice_t slice;
    memcpy(&slice, from, sizeof slice);
    if (!slice.ptr) return;
    slice.ptr = take(room, slice.ptr, slice.len);
    if (to) memcpy(to, &slice, sizeof slice);
}

static void copy_array(room_t *room, const cairn_shape_t *of, size_t count, const char *from,
                       char *to)
{
    const char *items;
    memcpy(&items, from, sizeof items);
    if (!items) return;
    char *copies = take(room, items, count * of->size);
    for (size_t i = 0; of->part_count > 0 && i < count; i++)
        copy_parts(room, of, items + i * of->size, copies ? copies + i * of->size : NULL);
    if (to) memcpy(to, &copies, sizeof copies);
}

/* What is at `to` is the same already, but for what it points to. */
static void copy_parts(room_t *room, const cairn_shape_t *shape, const char *from, char *to)
{
    for (size_t i = 0; i < shape->part_count; i++) {
        const cairn_shape_part_t *part = &shape->parts[i];
        char *const place = to ? to + part->at : NULL;
        size_t count = 1;
        if (!part->of) {
            copy_slice(room, from + part->at, place);
            continue;
        }
        if (part->count_at != CAIRN_SHAPE_ONE) memcpy(&count, from + part->count_at, sizeof count);
        copy_array(room, part->of, count, from + part->at, place);
    }
}

static size_t copy_all(const cairn_shape_t *shape, const void *value, char *block)
{
    room_t room = {.block = block};
    char *copy = take(&room, value, shape->size);
    copy_parts(&room, shape, value, copy);
    return room.used;
}

size_t cairn_copy_size(const cairn_shape_t *shape, const void *value)
{
    return copy_all(shape, value, NULL);
}

void *cairn_copy(const cairn_shape_t *shape, const void *value, void *block)
{
    (void)copy_all(shape, value, block);
    return block;
}
