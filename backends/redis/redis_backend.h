/* A Redis backend instance: what its interfaces share. */
#ifndef CAIRN_REDIS_BACKEND_H
#define CAIRN_REDIS_BACKEND_H

#include "redis_beliefs.h"
#include "redis_channels.h"
#include "redis_clock.h"
#include "redis_early.h"
#include "redis_hints.h"
#include "redis_insist.h"
#include "redis_route.h"

#include <cairn/sys/backend.h>
#include <cairn/sys/tuple.h>

typedef struct redis_batch redis_batch_t;
typedef struct redis_joint redis_joint_t;
typedef struct redis_pure_graph redis_pure_graph_t;

typedef struct redis_backend {
    const cairn_host_t *host;
    redis_route_t route;
    void (*closed)(const cairn_host_t *);
    redis_hints_t hints;
    redis_channels_t channels; /* of the streams that somebody follows or waits for */
    bool has_patterns;         /* has subscribed to one */
    redis_batch_t *batches;    /* of appends, that are not sent yet; the newest first */
    struct redis_tip *tips;    /* where streams are believed to end; NULL: none yet */
    uint32_t claims;           /* on their way, and nothing is behind them */
    cairn_task_t flush;
    cairn_arena_t arena;        /* where an answer is put together, for as long as it is told */
    redis_beliefs_t beliefs;    /* of the store */
    redis_beliefs_t registered; /* when, in a cluster's directory (redis_directory.h) */
    redis_clock_t clock;
    uint64_t joint_name;   /* of what is about to be put with others */
    redis_joint_t *joint;  /* of puts, that is not sent yet */
    redis_joint_t *joints; /* that are not answered */
    redis_joint_t *idle_joints;
    size_t idle_joint_count;
    cairn_task_t joint_flush;
    cairn_req_t nobody;    /* for whom keys of a stream live on; never told */
    redis_insist_t insist; /* on what puts of saver and store have left to do */
    redis_early_t early;
    redis_pure_graph_t *pure_graph; /* NULL: streams are in the layout of our own */
    bool store_expires; /* items with a TTL have come by: a get may as well refresh at once */
} redis_backend_t;

static inline redis_backend_t *redis_backend_of(redis_standalone_t *node)
{
    return CAIRN_CONTAINER_OF(node->route, redis_backend_t, route);
}

extern const cairn_backend_t cairn_redis_cluster_backend; /* of redis+cluster:// */

extern const cairn_broker_ops_t redis_broker_ops;
extern const cairn_saver_ops_t redis_saver_ops;
extern const cairn_stream_ops_t redis_stream_ops; /* in the layout of our own */
extern const cairn_stream_ops_t redis_layout_ops; /* in that of the handle */
extern const cairn_store_ops_t redis_store_ops;

/* Frees what a request kept, if it is the store's: REDIS_SCRATCH_MEMORY. */
bool redis_store_let_go(uint64_t memory);

/* The same of a put of the saver. */
bool redis_saver_let_go(uint64_t memory);

/* Of a request that nobody waits for any more, before its connection forgets it: should it be a put
 * of the saver it may have something left to do. */
void redis_saver_give_up(redis_backend_t *redis, const cairn_req_t *req);

/* "message", "pmessage", "smessage" or "sunsubscribe" from a server. <0: it is malformed. */
int redis_broker_message(redis_standalone_t *node, cairn_slice_t kind, size_t count,
                         redis_reply_t *rest);

/* The route tells of the subscription link of that server, or that node of a cluster. */
void redis_streams_resubscribe(redis_backend_t *redis, redis_standalone_t *node,
                               redis_conn_t *conn);
void redis_streams_link_lost(redis_backend_t *redis, redis_standalone_t *node, int status,
                             const char *detail);

/* Whether one is subscribed to there. */
bool redis_streams_are_at(const redis_backend_t *redis, const redis_standalone_t *node);

/* Slots may have other owners: those are subscribed to. */
void redis_streams_move(redis_backend_t *redis);

/* A node says that nobody is subscribed to a sharded channel of a run stream there any more.
 * UV_ENOMEM. */
CAIRN_MUST_USE int redis_streams_left(redis_backend_t *redis, const redis_standalone_t *node,
                                      cairn_slice_t name);

/* The same in the layout of Pure Graph, of the link that commands take. Closed: nothing is asked
 * any more; freed when the connections are gone. */
void redis_pure_graph_link_lost(redis_pure_graph_t *graph, const redis_standalone_t *node,
                                int status, const char *detail);
void redis_pure_graph_close(redis_pure_graph_t *graph);
void redis_pure_graph_free(redis_pure_graph_t *graph);

/* A message on a channel of a run stream. <0: it is malformed. */
int redis_streams_message(redis_backend_t *redis, redis_standalone_t *node, cairn_slice_t channel,
                          cairn_slice_t payload);

/* A request that waits for events, or asks for them on behalf of its wait, is taken away. */
void redis_group_forget(cairn_req_t *req);

/* A put that goes with others is taken away. Freed: those that nobody waits for, as no answer will
 * come. */
void redis_joint_forget(cairn_req_t *req);
void redis_joints_free(redis_backend_t *redis);

/* A request that has several calls out is. */
void redis_gather_forget(cairn_req_t *req);

/* An append in a batch is taken away. */
void redis_batch_forget(cairn_req_t *req);

#endif
