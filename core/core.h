/* What core keeps of an open handle, and the life of a request. Private to core. */
#ifndef CAIRN_CORE_CORE_H
#define CAIRN_CORE_CORE_H

#include "deadlines.h"
#include "feeds.h"
#include "stamp.h"
#include "topics.h"
#include "turn.h"

#include <cairn/compiler.h>
#include <cairn/sys/backend.h>
#include <assert.h>
#include <uv.h>

/* X(name, operation, how its callback is called with an error: request.c). */
#define CORE_REQUESTS(X)                                                                           \
    X(PUBLISH, "broker.publish", publish_failed)                                                   \
    X(SAVER_PUT, "saver.put", saver_put_failed)                                                    \
    X(SAVER_PUT_WRITES, "saver.put_writes", saver_put_failed)                                      \
    X(SAVER_GET, "saver.get", saver_get_failed)                                                    \
    X(SAVER_LIST, "saver.list", saver_list_failed)                                                 \
    X(SAVER_DELETE_THREAD, "saver.delete_thread", saver_delete_failed)                             \
    X(SAVER_DELETE_RUNS, "saver.delete_for_runs", saver_delete_failed)                             \
    X(SAVER_PRUNE, "saver.prune", saver_delete_failed)                                             \
    X(SAVER_SWEEP, "saver.sweep_ttl", saver_delete_failed)                                         \
    X(SAVER_COPY, "saver.copy_thread", saver_copy_failed)                                          \
    X(SAVER_HISTORY, "saver.history", saver_history_failed)                                        \
    X(SAVER_TTL, "saver.ttl", saver_ttl_failed)                                                    \
    X(SAVER_SET_TTL, "saver.set_ttl", saver_ttl_failed)                                            \
    X(STORE_GET, "store.get", store_get_failed)                                                    \
    X(STORE_PUT, "store.put", store_put_failed)                                                    \
    X(STORE_SEARCH, "store.search", store_search_failed)                                           \
    X(STORE_LIST, "store.list_namespaces", store_list_failed)                                      \
    X(STORE_BATCH, "store.batch", store_batch_failed)                                              \
    X(STORE_COUNT, "store.count", store_count_failed)                                              \
    X(STORE_SWEEP, "store.sweep_ttl", store_count_failed)                                          \
    X(STORE_TTL, "store.ttl", store_ttl_failed)                                                    \
    X(STORE_SET_TTL, "store.set_ttl", store_ttl_failed)                                            \
    X(STREAM_APPEND, "stream.append", stream_append_failed)                                        \
    X(STREAM_READ, "stream.read", stream_read_failed)                                              \
    X(STREAM_CLEAR, "stream.clear", stream_count_failed)                                           \
    X(STREAM_COPY, "stream.copy", stream_count_failed)                                             \
    X(STREAM_LENGTH, "stream.length", stream_count_failed)                                         \
    X(STREAM_EXISTS, "stream.exists", stream_count_failed)                                         \
    X(STREAM_INFO, "stream.info", stream_info_failed)                                              \
    X(STREAM_TTL, "stream.ttl", stream_ttl_failed)                                                 \
    X(STREAM_SET_TTL, "stream.set_ttl", stream_ttl_failed)                                         \
    X(GROUP_CREATE, "group.create", group_change_failed)                                           \
    X(GROUP_DESTROY, "group.destroy", group_change_failed)                                         \
    X(GROUP_ACK, "group.ack", group_change_failed)                                                 \
    X(GROUP_NAK, "group.nak", group_change_failed)                                                 \
    X(GROUP_READ, "group.read", group_read_failed)                                                 \
    X(GROUP_CLAIM, "group.claim", group_read_failed)                                               \
    X(GROUP_INFO, "group.info", group_info_failed)

typedef enum core_req_type {
    CORE_REQ_NONE,
#define CORE_REQ_ENUM(name, operation, failed) CORE_REQ_##name,
    CORE_REQUESTS(CORE_REQ_ENUM)
#undef CORE_REQ_ENUM
    CORE_REQ_TYPES
} core_req_type_t;

enum {
    CORE_REQ_IDLE,
    CORE_REQ_STARTED,
    CORE_REQ_ENDING
};

/* Without a connection (circuit.c). */
typedef struct circuit {
    uint64_t fail_fast_ms;
    cairn_deadline_t deadline;
    bool counting; /* there is none */
    bool open;     /* nor has there been for fail_fast_ms */
} circuit_t;

/* A close that waits (shutdown.c). */
typedef struct core_shutdown {
    bool begun;
    cairn_close_cb close_cb;
    cairn_deadline_t deadline;
    cairn_task_t task;
} core_shutdown_t;

#define CORE_HANDLES (DEADLINES_HANDLES + STAMP_HANDLES + 1)

typedef struct cairn_core {
    cairn_t *cairn; /* the caller's */
    uv_loop_t *loop;
    uv_thread_t thread;
    cairn_host_t host;
    const cairn_backend_t *backend;
    void *self; /* the backend's instance */

    cairn_state_t state;
    uint64_t offered;      /* capabilities of the backend at its best */
    uint64_t capabilities; /* and with the server it found */
    bool owes_credit;      /* a submit was refused with CAIRN_EFULL since the last CREDIT */
    uint64_t timeout_ms;
    bool shallow; /* savers keep only the latest checkpoint */

    cairn_link_t inflight; /* cairn_req_t.inflight, oldest first */
    deadlines_t deadlines;
    stamp_t stamp;
    turn_t turn;
    topics_t topics;
    cairn_link_t subs; /* cairn_sub_t.in_core */
    feeds_t feeds;
    cairn_link_t tails;   /* cairn_tail_t.in_core */
    cairn_link_t watches; /* cairn_watch_t.in_core */
    bool keeps_latency;
    cairn_stats_t stats; /* what is kept as it happens; cairn_stats fills in the rest */

    char refusal[256];    /* why the last submit failed, for its req->detail */
    char link_error[256]; /* why there is no connection; empty when there is */
    char server[64];

    circuit_t circuit;
    core_shutdown_t shutdown;
    bool is_gated;      /* circuit.open or shutdown.begun: new work is looked at closely */
    uint64_t own_reads; /* of the requests in flight, those that core makes for itself */
    cairn_close_cb close_cb;
    cairn_task_t closing;
    int handles_open;
} cairn_core_t;

/* ---- requests, in the order of their life ---- */

/* Whether `cairn` can take `req`: 0 and *core set, or CAIRN_ECLOSED, UV_EBUSY, UV_ENOTSUP,
 * CAIRN_EDOWN. */
CAIRN_MUST_USE int core_begin(cairn_t *cairn, cairn_req_t *req, uint64_t capability,
                              cairn_core_t **core);

/* Refuses a submit: puts the words into req->detail and returns `status`. */
CAIRN_MUST_USE CAIRN_PRINTF(4, 5) int core_refuse(cairn_core_t *core, cairn_req_t *req, int status,
                                                  const char *format, ...);

/* The backend's answer to a submit: 0 puts the request in flight, <0 is passed on. */
CAIRN_MUST_USE int core_started(cairn_core_t *core, cairn_req_t *req, core_req_type_t type,
                                int status);

/* Takes the request out of flight. The caller then calls its callback and touches neither again. */
void core_finish(cairn_req_t *req, int status);

/* core_finish and the callback of whatever type it is, without a result. */
void core_fail(cairn_req_t *req, int status, cairn_slice_t detail);

/* Takes the request from the backend; its callback follows later on the loop. */
void core_end_later(cairn_req_t *req, int status);

/* ---- the handle ---- */

/* Whether the descriptor reaches as far as the member: behind its own size there is nothing. */
#define CORE_REACHES(descriptor, type, member)                                                     \
    ((descriptor)->size >= offsetof(type, member) + sizeof(((type *)NULL)->member))

void core_emit(cairn_core_t *core, cairn_event_type_t type, int status, cairn_slice_t detail);

/* Calls `take` with each connection of the backend's, if it has any. */
void core_each_connection(const cairn_core_t *core, cairn_connection_fn take, void *ctx);
void core_each_node(const cairn_core_t *core, cairn_node_fn take, void *ctx);

/* Where the request goes, or requests (NULL) go; "" where the backend does not say. */
const char *core_where(const cairn_core_t *core, const cairn_req_t *req);

/* Expires what is due by the handle's clock: for tests with a clock of their own. */
void core_tick(cairn_t *cairn);

extern const cairn_host_api_t core_host_api;

static inline bool core_is_open(const cairn_core_t *core)
{
    return core->state != CAIRN_CLOSING;
}

/* Whether anything new may begin. */
static inline bool core_takes_work(const cairn_core_t *core)
{
    return core_is_open(core) && !core->shutdown.begun;
}

/* One handle, one thread. */
static inline void core_check_thread(const cairn_core_t *core)
{
    assert(uv_thread_equal(&core->thread, &(uv_thread_t){uv_thread_self()}));
    (void)core;
}

static inline cairn_core_t *core_of(const cairn_host_t *host)
{
    return host->core;
}

#endif
