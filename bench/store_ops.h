/* What the store's workload needs of a client library, on top of client.h. Items are numbers: item
 * i is in namespace i modulo `spaces`. */
#ifndef CAIRN_BENCH_STORE_OPS_H
#define CAIRN_BENCH_STORE_OPS_H

#include "store.h"

typedef struct store_ops store_ops_t;

typedef struct store_door {
    const store_ops_t *ops;
    client_t *client;
    const store_work_t *work;
    char *value;   /* what is put, of work->value bytes */
    float *vector; /* what is near; NULL: no vectors */
} store_door_t;

/* One request underway: memory of the workload's, `call_size` of it and zeroed. */
typedef struct store_call {
    void *data; /* the workload's */
    uint64_t start_ns;
    /* `found`: items that were read, whole; UINT64_MAX if one was not. */
    void (*on_done)(struct store_call *call, uint64_t found);
} store_call_t;

/* One get or put. */
typedef struct store_touch {
    uint32_t item;
    bool puts;
} store_touch_t;

/* As those of saver_ops.h. Without search or near a client cannot do it. */
struct store_ops {
    size_t call_size;
    store_door_t *(*open)(client_t *client, const store_work_t *work);
    int (*touch)(store_door_t *door, store_call_t *call, const store_touch_t *touches,
                 uint32_t count);
    int (*search)(store_door_t *door, store_call_t *call, uint32_t space);
    void (*destroy)(store_door_t *door);
};

extern const store_ops_t store_bench_cairn;
extern const store_ops_t store_bench_hiredis;

#endif
