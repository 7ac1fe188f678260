/* For backends: deep copies of what an operation was given, for who cannot consume it before the
 * operation returns.
 *
 *     const size_t size = cairn_copy_size(&cairn_saver_get_shape, args);
 *     void *block = cairn_malloc(size);
 *     const cairn_saver_get_args_t *kept = cairn_copy(&cairn_saver_get_shape, args, block);
 *
 * A shape says where in a struct slices and arrays are; all else of it is copied as it is. */
#ifndef CAIRN_SYS_COPY_H
#define CAIRN_SYS_COPY_H

#include <cairn/bytes.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cairn_shape cairn_shape_t;

/* A slice; or a pointer to the first of some structs, or to floats and the like. */
typedef struct cairn_shape_part {
    size_t at;               /* its offset */
    const cairn_shape_t *of; /* what each of them is; NULL: it is a slice */
    size_t count_at;         /* the offset of a size_t, how many there are; or CAIRN_SHAPE_ONE */
} cairn_shape_part_t;

/* There is one, or none if the pointer is NULL. */
#define CAIRN_SHAPE_ONE SIZE_MAX

struct cairn_shape {
    size_t size;
    const cairn_shape_part_t *parts;
    size_t part_count;
};

/* Bytes that a copy of `value` takes, itself included. */
size_t cairn_copy_size(const cairn_shape_t *shape, const void *value);

/* Makes it in `block`, which is aligned for anything and has room for it; gives `block`. Absent
 * slices and NULL stay so. */
void *cairn_copy(const cairn_shape_t *shape, const void *value, void *block);

/* ---- of arguments ---- */

extern const cairn_shape_t cairn_slice_shape;
extern const cairn_shape_t cairn_saver_put_shape, cairn_saver_put_writes_shape,
    cairn_saver_get_shape, cairn_saver_list_shape, cairn_saver_prune_shape,
    cairn_saver_history_shape, cairn_saver_ttl_shape;
extern const cairn_shape_t cairn_store_get_shape, cairn_store_put_shape, cairn_store_search_shape,
    cairn_store_list_shape, cairn_store_step_shape;
extern const cairn_shape_t cairn_stream_append_shape, cairn_stream_read_shape,
    cairn_stream_copy_shape;
extern const cairn_shape_t cairn_group_create_shape, cairn_group_ack_shape, cairn_group_read_shape;

#ifdef __cplusplus
}
#endif
#endif
