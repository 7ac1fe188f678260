/* For backends: Redis's glob, decided in one place so that backends cannot disagree. */
#ifndef CAIRN_SYS_GLOB_H
#define CAIRN_SYS_GLOB_H

#include <cairn/bytes.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whether all of `text` matches `pattern`, byte by byte, case-sensitively, as Redis matches
 * PSUBSCRIBE patterns. Time is at most proportional to the product of the lengths; no allocation.
 */
bool cairn_glob_match(cairn_slice_t pattern, cairn_slice_t text);

#ifdef __cplusplus
}
#endif
#endif
