#include "turn.h"

#include "list.h"

static void turn_run(uv_idle_t *idle)
{
    turn_t *turn = CONTAINER_OF(idle, turn_t, idle);
    if (turn->stamp) stamp_spoil(turn->stamp);
    list_push_back(&turn->tasks, &turn->fence);
    while (turn->tasks.next != &turn->fence) {
        cairn_task_t *task = CONTAINER_OF(turn->tasks.next, cairn_task_t, link);
        list_remove(&task->link);
        task->run(task);
    }
    list_remove(&turn->fence);
    if (list_empty(&turn->tasks)) uv_idle_stop(idle);
}

void turn_init(turn_t *turn)
{
    list_init(&turn->tasks);
    turn->attached = false;
    turn->stamp = NULL;
}

void turn_attach(turn_t *turn, uv_loop_t *loop)
{
    uv_idle_init(loop, &turn->idle);
    turn->attached = true;
    if (!list_empty(&turn->tasks)) uv_idle_start(&turn->idle, turn_run);
}

void turn_defer(turn_t *turn, cairn_task_t *task)
{
    if (list_linked(&task->link)) return;
    if (turn->attached && list_empty(&turn->tasks)) uv_idle_start(&turn->idle, turn_run);
    list_push_back(&turn->tasks, &task->link);
}

void turn_undefer(cairn_task_t *task)
{
    if (list_linked(&task->link)) list_remove(&task->link);
}
