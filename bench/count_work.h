/* Operations of saver, store and run streams, one after the other, for count.c: as little around
 * them as can be, because all of it is counted along. Of 64 objects: threads and streams are in
 * different slots of a cluster, items in one namespace, because puts to several are one transaction
 * on one server, and in a cluster one each. */
#ifndef CAIRN_BENCH_COUNT_WORK_H
#define CAIRN_BENCH_COUNT_WORK_H

#include <cairn/cairn.h>

typedef enum count_op {
    COUNT_OP_STORE_GET,
    COUNT_OP_STORE_PUT,
    COUNT_OP_SAVER_GET, /* the latest */
    COUNT_OP_SAVER_PUT, /* behind the latest */
    COUNT_OP_APPEND,
    COUNT_OPS
} count_op_t;

enum {
    COUNT_OBJECTS = 64 /* and operations underway, at the most */
};

typedef struct count_work count_work_t;

typedef struct count_work_hooks {
    void (*on_done)(void *ctx);
    void (*on_failed)(void *ctx, const char *text);
} count_work_hooks_t;

/* "store.get" ... */
const char *count_op_name(count_op_t op);

/* `cairn` is open and outlives it. NULL: out of memory. */
count_work_t *count_work_new(cairn_t *cairn, count_op_t op, const count_work_hooks_t *hooks,
                             void *ctx);
void count_work_free(count_work_t *work); /* once the handle is closed; may be NULL */

/* Makes all the objects: as many on_done. */
void count_work_fill(count_work_t *work);

/* The next operation. */
void count_work_send(count_work_t *work);

#endif
