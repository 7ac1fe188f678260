/* The workload: threads of agents that checkpoint, each doing one thing after another, many of
 * them at a time, and every answer checked against what was put. */
#ifndef CAIRN_BENCH_SAVER_H
#define CAIRN_BENCH_SAVER_H

#include "client.h"
#include "hist.h"
#include "row.h"

enum {
    SAVER_CHANNELS_MAX = 1000,
    SAVER_VALUE_MAX = 1 << 24,
    SAVER_THREADS_MAX = 100000,
    SAVER_PAGE = 10 /* checkpoints that a list asks for */
};

typedef enum saver_op {
    SAVER_PUT,        /* one more checkpoint, all its channels new */
    SAVER_PUT_WRITES, /* a task's writes, as many as there are channels; three tasks a checkpoint */
    SAVER_GET,        /* the latest */
    SAVER_GET_ID,     /* one by its id, not the latest */
    SAVER_LIST,       /* a page of the newest */
    SAVER_AGENT, /* a step: put, the writes of three tasks at once, which share the channels out,
                    get the latest. An operation is one of the five; latency is that of the step */
    SAVER_OPS
} saver_op_t;

typedef struct saver_config {
    const char *url;
    const client_ops_t *client;
    saver_op_t op;
    uint32_t channels;
    uint32_t value;      /* bytes of each */
    uint32_t threads;    /* 0: `window` of them, or 1,000 of an open loop */
    uint32_t window;     /* closed loop: threads that have something underway at a time */
    double rate;         /* open loop, if > 0: operations a second */
    uint64_t ttl_ms;     /* of everything that is put; 0: none */
    double warmup_s;     /* not measured */
    double duration_s;   /* measured */
    uint64_t most_bytes; /* of values put, after which the measurement ends early: memory is finite.
                            The warmup ends after a quarter of it. 0: no limit */
    int server_pid;      /* of a server of our own, whose processor time is then told; 0: none */
    bool keep;           /* leave what was put on the server */
    bool loop_lag;       /* measure the longest turn of the loop, from opening to closing */

    /* Called some times a second; may be NULL. */
    void (*on_progress)(const struct saver_config *config, double elapsed_s, double ops_per_s);
} saver_config_t;

typedef struct saver_result {
    row_t row;
    hist_t latency;
    char server[64]; /* "redis 7.0.15" */
} saver_result_t;

/* "put", "put_writes", "get", "get_id", "list", "agent". */
const char *saver_bench_op_name(saver_op_t op);

/* Moderate values for all but the URL, which is that of a memory backend. */
void saver_bench_init(saver_config_t *config);

/* Whether it makes sense at all. 0, or -1 with a sentence in `error` (of CLIENT_ERROR_MAX). */
int saver_bench_check(const saver_config_t *config, char *error);

/* Runs it on a loop of its own. 0, or -1 with a sentence in `error` (of CLIENT_ERROR_MAX): also
 * for one wrong answer. */
int saver_bench_run(const saver_config_t *config, saver_result_t *result, char *error);

#endif
