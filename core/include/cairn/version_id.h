/* Channel versions as LangGraph's savers make them: 32 digits that count, then a random fraction,
 * so that versions grow bytewise and two forks of a thread never share one. */
#ifndef CAIRN_VERSION_ID_H
#define CAIRN_VERSION_ID_H

#include <cairn/bytes.h>
#include <cairn/compiler.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Room for a version with its NUL. */
#define CAIRN_VERSION_ID_SIZE 52

/* Writes the version after `current`: 00000000000000000000000000000008.0.3141592653589793,
 * NUL-terminated. `current` empty: the first one. Otherwise it is a version of this kind or a plain
 * integer or real: digits, up to the end or to a point. It may lie in `out`. UV_EINVAL if `current`
 * is anything else, UV_ERANGE if it has no successor of 32 digits, or the UV_E* of uv_random if the
 * system has no random bytes to give. */
CAIRN_MUST_USE int cairn_version_id_next(cairn_slice_t current, char out[CAIRN_VERSION_ID_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
