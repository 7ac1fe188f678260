/* Frees what has expired should nobody ask: one deadline, which runs out no later than the first of
 * what expires. When that is deleted or prolonged it stays, and comes to nothing. */
#ifndef CAIRN_MEM_WAKE_H
#define CAIRN_MEM_WAKE_H

#include <cairn/sys/backend.h>

typedef struct mem_wake {
    cairn_deadline_t deadline;
    uint64_t at_ms; /* 0: not running */
} mem_wake_t;

/* next_ms: when the first expires; UINT64_MAX if nothing does. */
void mem_wake_by(mem_wake_t *wake, const cairn_host_t *host, uint64_t next_ms,
                 void (*expire)(cairn_deadline_t *));

/* Of the deadline that `expire` is called with, which is not running any more. */
mem_wake_t *mem_wake_ended(cairn_deadline_t *deadline);

void mem_wake_stop(mem_wake_t *wake, const cairn_host_t *host);

#endif
