/* What the parts of the workload know of each other: saver.c opens, times and closes a run,
 * saver_traffic.c has the threads work in between, saver_setup.c holds its memory. */
#ifndef CAIRN_BENCH_SAVER_RUN_H
#define CAIRN_BENCH_SAVER_RUN_H

#include "loop_lag.h"
#include "pacer.h"
#include "saver.h"
#include "saver_ops.h"
#include "saver_steps.h"

typedef struct saver_run saver_run_t;

typedef enum saver_stage {
    SAVER_STAGE_END,
    SAVER_STAGE_PUT,
    SAVER_STAGE_TASKS, /* the writes of all tasks at once */
    SAVER_STAGE_TASK,  /* those of the next one */
    SAVER_STAGE_GET,
    SAVER_STAGE_GET_ID,
    SAVER_STAGE_LIST
} saver_stage_t;

/* A thread of LangGraph's. It does one unit of work at a time: stages, one after another. */
typedef struct saver_agent {
    saver_run_t *run;
    char name[48];
    cairn_slice_t thread_id;
    uint32_t step;  /* of its latest checkpoint; 0: it has none */
    uint32_t tasks; /* whose writes it has put, with SAVER_STAGE_TASK */
    const saver_stage_t *stage;
    uint32_t waiting;  /* answers that the stage still waits for */
    uint64_t start_ns; /* when the unit began, or was due */
    saver_call_t *calls[STEPS_TASKS];
    struct saver_agent *next_idle;
} saver_agent_t;

typedef enum saver_phase {
    SAVER_OPENING,
    SAVER_FILLING, /* what is to be read is put */
    SAVER_WARMUP,
    SAVER_MEASURING,
    SAVER_DRAINING, /* nothing is begun any more; what is underway ends, and its latency counts, for
                       it would flatter to leave out what is late */
    SAVER_CLEANING,
    SAVER_CLOSING
} saver_phase_t;

struct saver_run {
    const saver_config_t *config;
    cairn_options_t options;
    uint32_t threads, window;
    uint32_t unit_ops;    /* operations of one unit of work */
    uint32_t history;     /* checkpoints each thread has before the warmup */
    uint32_t task_writes; /* a task's, with SAVER_STAGE_TASKS */
    uv_loop_t loop;
    uv_timer_t phase_timer;
    uv_timer_t watch_timer;
    loop_lag_t loop_lag; /* if it is asked for */
    pacer_t pacer;
    saver_phase_t phase;

    client_t *client;
    saver_door_t *door;
    steps_t steps;
    saver_agent_t *agents;
    char *calls; /* of all agents */
    saver_agent_t *idle, **idle_end;
    uint32_t next_agent; /* to be filled or cleaned */
    uint32_t underway;   /* agents that do something */

    double period_ns; /* of an open loop's units */
    uint64_t traffic_start_ns;
    uint64_t scheduled; /* units of an open loop that were begun */

    uint64_t done; /* operations, in all */
    uint64_t stored_bytes;
    uint64_t done_at_start, done_at_end;
    uint64_t stored_at_start;
    uint64_t measure_start_ns, measure_end_ns;
    double cpu_start_us, cpu_end_us;
    double server_start_us, server_end_us;
    uint64_t watched_done, watched_ns;
    unsigned idle_watches;

    hist_t *latency;
    hist_t *lag;
    bool failed;
    char *error;
};

/* saver.c: ends the run. The first text is kept. */
void saver_bench_fail(saver_run_t *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* saver.c: all threads are filled; nothing is underway any more; all is clean. */
void saver_bench_filled(saver_run_t *run);
void saver_bench_drained(saver_run_t *run);
void saver_bench_cleaned(saver_run_t *run);

/* saver.c: after each unit; ends warmup and measurement early once enough was put. */
void saver_bench_heed_limit(saver_run_t *run);

/* saver_traffic.c */
void saver_traffic_fill(saver_run_t *run);
void saver_traffic_start(saver_run_t *run);
void saver_traffic_stop(saver_run_t *run);
void saver_traffic_clean(saver_run_t *run);

/* saver_setup.c: memory of a run. 0 or -1. */
int saver_setup(saver_run_t *run);
void saver_teardown(saver_run_t *run);

#endif
