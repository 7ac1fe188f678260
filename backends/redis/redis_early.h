/* With cluster=auto: what is asked for before a server has said whether it is a node of a cluster.
 * How saver, store and run streams encode it depends on that; so it is kept as it was asked for,
 * and asked for again once a server has greeted. (Streams are in redis_layout.c; topics are encoded
 * at once: redis_cluster_adopt.c.)
 *
 * What is kept is bounded as what a connection keeps, and goes in its order; as long as some of it
 * is there, what comes later is kept behind it. */
#ifndef CAIRN_REDIS_EARLY_H
#define CAIRN_REDIS_EARLY_H

#include <cairn/sys/backend.h>
#include <cairn/sys/copy.h>

struct redis_backend;

typedef struct redis_held redis_held_t;

typedef struct redis_early {
    bool keeps;   /* everything; false for ever once all of it has gone */
    bool known;   /* a server has greeted */
    bool refused; /* one, since room was last told */
    redis_held_t *first, **end;
    size_t count;
    size_t bytes;
    cairn_task_t task;
} redis_early_t;

/* An operation: what it is given, and how it is asked for. */
typedef struct redis_early_op {
    const cairn_shape_t *shape;
    int (*ask)(struct redis_backend *redis, cairn_req_t *req, const void *args);
} redis_early_op_t;

/* `keeps`: there is something to wait for. */
void redis_early_init(struct redis_backend *redis, bool keeps);
void redis_early_close(struct redis_backend *redis);

/* Keeps a copy. CAIRN_EFULL, CAIRN_ETOOBIG, UV_ENOMEM. */
CAIRN_MUST_USE int redis_early_keep(struct redis_backend *redis, cairn_req_t *req,
                                    const redis_early_op_t *op, const void *args);

/* Nobody waits for it any more. */
void redis_early_forget(struct redis_backend *redis, cairn_req_t *req);

/* A server has greeted: what is kept goes soon. */
void redis_early_go(struct redis_backend *redis);

/* There is room again where there was none. */
void redis_early_go_on(struct redis_backend *redis);

/* None lets us in: all of it fails. */
void redis_early_fail(struct redis_backend *redis, int status, cairn_slice_t detail);

/* As redis_saver_ops and its like, that they are in front of. */
extern const cairn_saver_ops_t redis_early_saver_ops;
extern const cairn_store_ops_t redis_early_store_ops;

#endif
