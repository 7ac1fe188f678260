/* Typed values, ids, and slices that may be absent: what the saver, the store and the run streams
 * have in common.
 *
 * Optional slices. Where a comment says that a slice may be absent, it is absent if its ptr is
 * NULL, as in {0} and cairn_str(NULL). An empty one that is present has a ptr, as cairn_str("")
 * has. Slices you are given keep to the same rule. */
#ifndef CAIRN_VALUE_H
#define CAIRN_VALUE_H

#include <cairn/bytes.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Longest id of any kind (thread, checkpoint, namespace, channel, version, task, run, store label
 * and key, stream, group, member), in bytes; a longer one is CAIRN_ETOOBIG. Any byte is legal in an
 * id, and so is no byte at all unless a comment says otherwise. */
#define CAIRN_ID_MAX 65536

/* Opaque typed bytes: how `bytes` are encoded is between you and `type`, for instance "json" or
 * "msgpack". Kept and given back as they are. The type is an id like any other. */
typedef struct cairn_value {
    cairn_slice_t type;
    cairn_slice_t bytes;
} cairn_value_t;

static inline cairn_value_t cairn_value(cairn_slice_t type, cairn_slice_t bytes)
{
    cairn_value_t value = {type, bytes};
    return value;
}

#ifdef __cplusplus
}
#endif
#endif
