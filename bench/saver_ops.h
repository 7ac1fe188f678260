/* What the saver's workload needs of a client library, on top of client.h: a saver on a client that
 * is open. The workload names things in cairn's structs, as plain data; a client that is not cairn
 * makes of them what its commands need. */
#ifndef CAIRN_BENCH_SAVER_OPS_H
#define CAIRN_BENCH_SAVER_OPS_H

#include <cairn/checkpoint.h>
#include "client.h"
#include "saver_steps.h"

/* What a read gave, counted by the client as it looked at each part of it. */
typedef struct saver_answer {
    cairn_slice_t newest_id; /* of the first checkpoint; absent if there is none */
    uint64_t checkpoints;
    uint64_t values, value_bytes;
    uint64_t writes, write_bytes;
} saver_answer_t;

/* One operation underway: memory of the workload's, `call_size` of it and zeroed, to be used again
 * once `on_done` was called. */
typedef struct saver_call {
    void *data;                                                             /* the workload's */
    void (*on_done)(struct saver_call *call, const saver_answer_t *answer); /* put: empty */
} saver_call_t;

typedef struct saver_ops saver_ops_t;

typedef struct saver_door {
    const saver_ops_t *ops;
    client_t *client;
} saver_door_t;

/* A failure later on is told by the client's on_failed. Calls return 0, or -1: client->error says
 * why. Answers never come inside the call. Thread ids stay where they are until then; other
 * arguments are consumed. */
struct saver_ops {
    size_t call_size;

    /* NULL for want of memory. `ttl_ms` of what is put; 0: none. */
    saver_door_t *(*open)(client_t *client, uint64_t ttl_ms);

    int (*put)(saver_door_t *door, saver_call_t *call, const cairn_checkpoint_ref_t *parent,
               const cairn_checkpoint_t *checkpoint, cairn_slice_t metadata);
    int (*put_writes)(saver_door_t *door, saver_call_t *call, const cairn_checkpoint_ref_t *at,
                      const cairn_task_writes_t *writes);
    int (*get)(saver_door_t *door, saver_call_t *call, const cairn_checkpoint_ref_t *at);
    int (*list)(saver_door_t *door, saver_call_t *call, cairn_slice_t thread_id, uint32_t limit);

    /* Deletes everything of one thread, which has no steps after `last`. */
    int (*drop)(saver_door_t *door, saver_call_t *call, cairn_slice_t thread_id, steps_t *steps,
                uint32_t last);

    /* After the loop has ended. */
    void (*destroy)(saver_door_t *door);
};

extern const saver_ops_t saver_bench_cairn;
extern const saver_ops_t saver_bench_hiredis;

#endif
