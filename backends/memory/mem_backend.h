/* The embedded backend: everything lives in the handle and dies with it. Read this one first. */
#ifndef CAIRN_MEM_BACKEND_H
#define CAIRN_MEM_BACKEND_H

#include "mem_saver.h"
#include "mem_store.h"
#include "mem_stream.h"
#include "mem_wake.h"

#include <cairn/sys/backend.h>

typedef struct mem_backend {
    const cairn_host_t *host;
    cairn_task_t connect; /* tells core, on the loop, that this backend is ready */
    size_t patterns;      /* topics that are patterns; 0 spares publish the look */
    mem_saver_t saver;
    mem_wake_t saver_wake;
    mem_store_t store;
    mem_wake_t store_wake;
    mem_streams_t streams;
} mem_backend_t;

extern const cairn_broker_ops_t mem_broker_ops;
extern const cairn_saver_ops_t mem_saver_ops;
extern const cairn_store_ops_t mem_store_ops;

/* Each frees all that its interface holds. */
void mem_saver_close(mem_backend_t *mem);
void mem_store_close(mem_backend_t *mem);

/* Each frees what an undeferred request of its interface holds, and leaves others alone. */
void mem_saver_forget(cairn_req_t *req);
void mem_store_forget(cairn_req_t *req);

#endif
