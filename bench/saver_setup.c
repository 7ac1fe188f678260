#include "saver_run.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Checkpoints a thread has before its reads are measured. */
static uint32_t history_of(saver_op_t op)
{
    switch (op) {
    case SAVER_GET:
    case SAVER_GET_ID:
        return 5;
    case SAVER_LIST:
        return 2 * SAVER_PAGE;
    default:
        return 0;
    }
}

static void set_work(saver_run_t *run)
{
    const saver_config_t *config = run->config;
    bool open_loop = config->rate > 0;
    run->threads = config->threads ? config->threads : open_loop ? 1000 : config->window;
    run->window = open_loop || config->window > run->threads ? run->threads : config->window;
    run->unit_ops = config->op == SAVER_AGENT ? 2 + STEPS_TASKS : 1;
    run->history = history_of(config->op);
    run->task_writes = (config->channels + STEPS_TASKS - 1) / STEPS_TASKS;
}

static void setup_agent(saver_run_t *run, uint32_t index, size_t call_size)
{
    saver_agent_t *agent = &run->agents[index];
    int len = snprintf(agent->name, sizeof agent->name, "cairn-bench-%d-%llx-%u", (int)getpid(),
                       (unsigned long long)uv_hrtime() >> 10, (unsigned)index);
    agent->run = run;
    agent->thread_id = cairn_slice(agent->name, (size_t)len);
    for (size_t i = 0; i < STEPS_TASKS; i++) {
        agent->calls[i] =
            (saver_call_t *)(void *)(run->calls + (index * (size_t)STEPS_TASKS + i) * call_size);
        agent->calls[i]->data = agent;
    }
}

int saver_setup(saver_run_t *run)
{
    const saver_config_t *config = run->config;
    size_t call_size = config->client->saver->call_size;
    set_work(run);
    run->idle_end = &run->idle;
    run->lag = calloc(1, sizeof *run->lag);
    run->agents = calloc(run->threads, sizeof *run->agents);
    run->calls = calloc((size_t)run->threads * STEPS_TASKS, call_size);
    if (steps_init(&run->steps, config->channels, config->value) < 0 || !run->lag || !run->agents ||
        !run->calls)
        return -1;
    for (uint32_t i = 0; i < run->threads; i++) setup_agent(run, i, call_size);
    return 0;
}

void saver_teardown(saver_run_t *run)
{
    if (run->door) run->door->ops->destroy(run->door);
    if (run->client) run->client->ops->destroy(run->client);
    steps_free(&run->steps);
    free(run->lag);
    free(run->agents);
    free(run->calls);
}
