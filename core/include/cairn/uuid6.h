/* Checkpoint ids: UUIDs of version 6 (RFC 9562), which sort by the time they were made, as
 * LangGraph makes them. Cairn never parses one (semantics.md rule 2). */
#ifndef CAIRN_UUID6_H
#define CAIRN_UUID6_H

#include <cairn/compiler.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Room for an id with its NUL. */
#define CAIRN_UUID6_SIZE 37

/* Zeroed: ready. One per thread; what one makes grows strictly, even if the clock steps back. */
typedef struct cairn_uuid6 {
    uint64_t last; /* private */
} cairn_uuid6_t;

/* Writes the next id: 36 characters, lower case, NUL-terminated. `clock_seq`: LangGraph passes the
 * step; the low 14 bits go in. The node is random each time, so that ids made elsewhere at the same
 * moment, or after a fork, differ. Fails only if the system has no random bytes to give: the UV_E*
 * of uv_random. */
CAIRN_MUST_USE int cairn_uuid6_next(cairn_uuid6_t *maker, int32_t clock_seq,
                                    char out[CAIRN_UUID6_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
