/* A close that lets what is in flight finish first. Core's own reads are not waited for: they are
 * for tails and the like, which end with the handle. */
#include "shutdown.h"

static void close_now(cairn_core_t *core)
{
    cairn_close(core->cairn, core->shutdown.close_cb);
}

static void close_if_done(cairn_task_t *task)
{
    cairn_core_t *core = CAIRN_CONTAINER_OF(task, cairn_core_t, shutdown.task);
    if (core_is_open(core) && core->stats.inflight == core->own_reads) close_now(core);
}

static void on_deadline(cairn_deadline_t *deadline)
{
    close_now(CAIRN_CONTAINER_OF(deadline, cairn_core_t, shutdown.deadline));
}

void shutdown_look(cairn_core_t *core)
{
    if (!core_is_open(core)) return;
    core->shutdown.task.run = close_if_done;
    turn_defer(&core->turn, &core->shutdown.task);
}

void cairn_shutdown(cairn_t *cairn, uint64_t timeout_ms, cairn_close_cb close_cb)
{
    cairn_core_t *core = cairn->core;
    if (!core || !core_is_open(core) || core->shutdown.begun) return;
    core_check_thread(core);
    core->shutdown.begun = core->is_gated = true;
    core->shutdown.close_cb = close_cb;
    core->shutdown.deadline.expire = on_deadline;
    deadlines_start(&core->deadlines, &core->shutdown.deadline, timeout_ms);
    shutdown_look(core);
}
