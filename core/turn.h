/* Work put off to the loop: an intrusive FIFO, run once a loop turn.
 *
 * What is deferred while the queue runs waits for the next turn, so that I/O is never starved. An
 * idle handle, active only while there is work, keeps the loop from sleeping meanwhile. */
#ifndef CAIRN_CORE_TURN_H
#define CAIRN_CORE_TURN_H

#include "stamp.h"

#include <cairn/request.h>
#include <uv.h>

typedef struct turn {
    cairn_link_t tasks;
    cairn_link_t fence; /* behind the tasks of the turn that is running */
    uv_idle_t idle;
    bool attached;
    stamp_t *stamp; /* not of this turn any more when tasks run; NULL: there is none */
} turn_t;

/* Tasks may be deferred from here on; they run once the turn is attached to a loop, which never
 * fails and after which `idle` is the caller's to uv_close. */
void turn_init(turn_t *turn);
void turn_attach(turn_t *turn, uv_loop_t *loop);

/* task->run is called later, once. Deferring what is deferred already does nothing. */
void turn_defer(turn_t *turn, cairn_task_t *task);

/* Harmless on a task that is not deferred. */
void turn_undefer(cairn_task_t *task);

#endif
