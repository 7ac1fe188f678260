/* Threads at work. One timestamp a unit of work: the end of one is the beginning of the next. */
#include "saver_run.h"

/* A tick begins what is due, so so many ticks a second are enough for any rate. When much is due,
 * it begins some of it and leaves the loop to its other work until the next tick. */
static const double most_ticks_per_s = 50000;
enum {
    MOST_A_TICK = 256
};

static const saver_stage_t fill_unit[] = {SAVER_STAGE_PUT, SAVER_STAGE_TASKS, SAVER_STAGE_END};

static const saver_stage_t units[SAVER_OPS][4] = {
    [SAVER_PUT] = {SAVER_STAGE_PUT},
    [SAVER_PUT_WRITES] = {SAVER_STAGE_TASK},
    [SAVER_GET] = {SAVER_STAGE_GET},
    [SAVER_GET_ID] = {SAVER_STAGE_GET_ID},
    [SAVER_LIST] = {SAVER_STAGE_LIST},
    [SAVER_AGENT] = {SAVER_STAGE_PUT, SAVER_STAGE_TASKS, SAVER_STAGE_GET},
};

static bool is_beginning(const saver_run_t *run)
{
    return run->phase == SAVER_WARMUP || run->phase == SAVER_MEASURING;
}

/* ---- stages ---- */

static cairn_checkpoint_ref_t ref_to(const saver_agent_t *agent, cairn_slice_t id)
{
    return (cairn_checkpoint_ref_t){.thread_id = agent->thread_id, .checkpoint_id = id};
}

static int put_next(saver_agent_t *agent)
{
    saver_run_t *run = agent->run;
    const saver_config_t *config = run->config;
    steps_t *steps = &run->steps;
    steps_set(steps, ++agent->step);
    cairn_checkpoint_ref_t parent = ref_to(agent, steps->parent_id);
    agent->waiting = 1;
    run->stored_bytes += (uint64_t)config->channels * config->value;
    return run->door->ops->put(run->door, agent->calls[0], &parent, &steps->checkpoint,
                               steps->metadata);
}

static int put_task(saver_agent_t *agent, uint32_t step, uint32_t task, uint32_t writes_count,
                    saver_call_t *call)
{
    saver_run_t *run = agent->run;
    steps_set(&run->steps, step);
    cairn_checkpoint_ref_t at = ref_to(agent, run->steps.checkpoint.id);
    cairn_task_writes_t writes = steps_writes(&run->steps, task, writes_count);
    run->stored_bytes += (uint64_t)writes_count * run->config->value;
    return run->door->ops->put_writes(run->door, call, &at, &writes);
}

static int put_all_tasks(saver_agent_t *agent)
{
    agent->waiting = STEPS_TASKS;
    for (uint32_t task = 0; task < STEPS_TASKS; task++)
        if (put_task(agent, agent->step, task, agent->run->task_writes, agent->calls[task]) < 0)
            return -1;
    return 0;
}

static int put_next_task(saver_agent_t *agent)
{
    uint32_t step = 1 + agent->tasks / STEPS_TASKS, task = agent->tasks % STEPS_TASKS;
    agent->tasks++;
    agent->waiting = 1;
    return put_task(agent, step, task, agent->run->config->channels, agent->calls[0]);
}

/* The step which SAVER_STAGE_GET_ID asks for. */
static uint32_t step_by_id(const saver_agent_t *agent)
{
    return (agent->step + 1) / 2;
}

static int get(saver_agent_t *agent, bool by_id)
{
    saver_run_t *run = agent->run;
    char id[STEPS_ID_LEN + 1];
    steps_id(step_by_id(agent), id);
    cairn_checkpoint_ref_t at =
        ref_to(agent, by_id ? cairn_slice(id, STEPS_ID_LEN) : cairn_str(NULL));
    agent->waiting = 1;
    return run->door->ops->get(run->door, agent->calls[0], &at);
}

static int list(saver_agent_t *agent)
{
    saver_run_t *run = agent->run;
    agent->waiting = 1;
    return run->door->ops->list(run->door, agent->calls[0], agent->thread_id, SAVER_PAGE);
}

static void do_stage(saver_agent_t *agent)
{
    int status = 0;
    switch (*agent->stage) {
    case SAVER_STAGE_END:
        break;
    case SAVER_STAGE_PUT:
        status = put_next(agent);
        break;
    case SAVER_STAGE_TASKS:
        status = put_all_tasks(agent);
        break;
    case SAVER_STAGE_TASK:
        status = put_next_task(agent);
        break;
    case SAVER_STAGE_GET:
        status = get(agent, false);
        break;
    case SAVER_STAGE_GET_ID:
        status = get(agent, true);
        break;
    case SAVER_STAGE_LIST:
        status = list(agent);
        break;
    }
    if (status < 0) saver_bench_fail(agent->run, "%s", agent->run->client->error);
}

/* ---- units of work ---- */

static void begin_unit(saver_agent_t *agent, const saver_stage_t *unit, uint64_t start_ns)
{
    agent->stage = unit;
    agent->start_ns = start_ns;
    agent->run->underway++;
    do_stage(agent);
}

static void push_idle(saver_agent_t *agent)
{
    saver_run_t *run = agent->run;
    agent->next_idle = NULL;
    *run->idle_end = agent;
    run->idle_end = &agent->next_idle;
}

static saver_agent_t *pop_idle(saver_run_t *run)
{
    saver_agent_t *agent = run->idle;
    if (!agent) return NULL;
    run->idle = agent->next_idle;
    if (!run->idle) run->idle_end = &run->idle;
    return agent;
}

/* Closed loop: as many as the window allows, those that have waited longest. */
static void fill_window(saver_run_t *run, uint64_t now_ns)
{
    while (is_beginning(run) && run->underway < run->window && run->idle)
        begin_unit(pop_idle(run), units[run->config->op], now_ns);
}

/* Open loop: whatever the schedule says should have begun by now. Its time is what the schedule
 * says, not when we got round to it, or when a thread had nothing else to do. */
static void begin_due(saver_run_t *run)
{
    uint64_t now_ns = uv_hrtime();
    for (int begun = 0; begun < MOST_A_TICK && is_beginning(run) && run->idle; begun++) {
        uint64_t due_ns =
            run->traffic_start_ns + (uint64_t)((double)run->scheduled * run->period_ns);
        if (due_ns > now_ns) return;
        if (run->phase == SAVER_MEASURING) hist_record(run->lag, now_ns - due_ns);
        run->scheduled++;
        begin_unit(pop_idle(run), units[run->config->op], due_ns);
    }
}

static void on_tick(pacer_t *pacer)
{
    begin_due(pacer->data);
}

static void fill_next(saver_run_t *run)
{
    if (run->next_agent < run->threads)
        begin_unit(&run->agents[run->next_agent++], fill_unit, 0);
    else if (run->underway == 0)
        saver_bench_filled(run);
}

static void drop_next(saver_run_t *run)
{
    if (run->next_agent == run->threads) {
        if (run->underway == 0) saver_bench_cleaned(run);
        return;
    }
    saver_agent_t *agent = &run->agents[run->next_agent++];
    uint32_t last = agent->step + (agent->tasks + STEPS_TASKS - 1) / STEPS_TASKS;
    run->underway++;
    agent->waiting = 1;
    if (run->door->ops->drop(run->door, agent->calls[0], agent->thread_id, &run->steps, last) < 0)
        saver_bench_fail(run, "%s", run->client->error);
}

static void end_unit(saver_agent_t *agent)
{
    saver_run_t *run = agent->run;
    run->underway--;
    if (run->phase == SAVER_CLEANING) {
        drop_next(run);
        return;
    }
    if (run->phase == SAVER_FILLING) {
        if (agent->step < run->history)
            begin_unit(agent, fill_unit, 0);
        else
            fill_next(run);
        return;
    }
    uint64_t now_ns = uv_hrtime();
    if (run->phase == SAVER_MEASURING || run->phase == SAVER_DRAINING)
        hist_record(run->latency, now_ns - agent->start_ns);
    push_idle(agent);
    saver_bench_heed_limit(run);
    if (run->phase == SAVER_DRAINING) {
        if (run->underway == 0) saver_bench_drained(run);
    } else if (run->config->rate > 0) {
        begin_due(run);
    } else {
        fill_window(run, now_ns);
    }
}

/* ---- answers ---- */

/* What a read must give: of `count` checkpoints, the newest of which is that of `step`. */
static bool is_right(const saver_run_t *run, const saver_answer_t *answer, uint32_t step,
                     uint32_t count)
{
    char id[STEPS_ID_LEN + 1];
    uint64_t values = (uint64_t)count * run->config->channels;
    uint64_t writes = (uint64_t)count * STEPS_TASKS * run->task_writes;
    steps_id(step, id);
    return answer->checkpoints == count && answer->values == values && answer->writes == writes &&
           answer->value_bytes == values * run->config->value &&
           answer->write_bytes == writes * run->config->value &&
           cairn_slice_eq(answer->newest_id, cairn_slice(id, STEPS_ID_LEN));
}

static bool is_expected(const saver_agent_t *agent, const saver_answer_t *answer)
{
    switch (*agent->stage) {
    case SAVER_STAGE_GET:
        return is_right(agent->run, answer, agent->step, 1);
    case SAVER_STAGE_GET_ID:
        return is_right(agent->run, answer, step_by_id(agent), 1);
    case SAVER_STAGE_LIST:
        return is_right(agent->run, answer, agent->step, SAVER_PAGE);
    default:
        return true;
    }
}

static void refuse_answer(saver_agent_t *agent, const saver_answer_t *answer)
{
    saver_bench_fail(agent->run,
                     "a wrong answer at step %u: %llu checkpoints from %.*s on, %llu values of "
                     "%llu bytes, %llu writes of %llu bytes",
                     (unsigned)agent->step, (unsigned long long)answer->checkpoints,
                     (int)answer->newest_id.len, answer->newest_id.len ? answer->newest_id.ptr : "",
                     (unsigned long long)answer->values, (unsigned long long)answer->value_bytes,
                     (unsigned long long)answer->writes, (unsigned long long)answer->write_bytes);
}

static void on_done(saver_call_t *call, const saver_answer_t *answer)
{
    saver_agent_t *agent = call->data;
    saver_run_t *run = agent->run;
    if (run->phase == SAVER_CLOSING) return;
    run->done++;
    if (run->phase != SAVER_CLEANING && !is_expected(agent, answer)) {
        refuse_answer(agent, answer);
        return;
    }
    if (--agent->waiting > 0) return;
    if (run->phase != SAVER_CLEANING && *++agent->stage != SAVER_STAGE_END)
        do_stage(agent);
    else
        end_unit(agent);
}

/* ---- all threads ---- */

void saver_traffic_fill(saver_run_t *run)
{
    for (uint32_t i = 0; i < run->threads; i++)
        for (size_t c = 0; c < STEPS_TASKS; c++) run->agents[i].calls[c]->on_done = on_done;
    if (run->history == 0) run->next_agent = run->threads;
    for (uint32_t i = 0; i < run->window && run->phase == SAVER_FILLING; i++) fill_next(run);
}

void saver_traffic_start(saver_run_t *run)
{
    const saver_config_t *config = run->config;
    for (uint32_t i = 0; i < run->threads; i++) push_idle(&run->agents[i]);
    run->traffic_start_ns = uv_hrtime();
    if (config->rate <= 0) {
        fill_window(run, run->traffic_start_ns);
        return;
    }
    double units_per_s = config->rate / run->unit_ops;
    double ticks_per_s = units_per_s < most_ticks_per_s ? units_per_s : most_ticks_per_s;
    run->period_ns = 1e9 / units_per_s;
    int status = pacer_start(&run->pacer, &run->loop, run->traffic_start_ns,
                             (uint64_t)(1e9 / ticks_per_s), on_tick, run);
    if (status < 0) saver_bench_fail(run, "cannot set a timer: %s", uv_strerror(status));
}

void saver_traffic_stop(saver_run_t *run)
{
    pacer_stop(&run->pacer);
}

void saver_traffic_clean(saver_run_t *run)
{
    run->next_agent = 0;
    for (uint32_t i = 0; i < run->window && run->phase == SAVER_CLEANING; i++) drop_next(run);
}
