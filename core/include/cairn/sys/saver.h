/* For backends: the saver's operations.
 *
 * Core has checked every argument and filled every default before it calls; slices and arrays are
 * consumed before an operation returns. <0 refuses the submit. 0 promises one call of the done
 * function named, or of the host's fail, later, never inside the operation. Results are borrowed
 * for that call; in them an absent slice has a NULL ptr and a present one has not, empty or not.
 * Ids are any bytes, NUL and none at all included: no two objects may ever share a key (rule 3).
 * The structs of <cairn/checkpoint.h> and <cairn/saver.h> never grow within a major version; the
 * args here may, at their end. */
#ifndef CAIRN_SYS_SAVER_H
#define CAIRN_SYS_SAVER_H

#include <cairn/saver.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What core has decided from the saver's options and the call's. */
typedef struct cairn_saver_terms {
    int64_t ttl_ms;            /* of what is written: > 0, or CAIRN_TTL_PERSIST */
    bool ttl_given;            /* by the call: only then does it change what is pinned (rule 33),
                                  and only then do writes move what is there (put_writes) */
    bool refresh;              /* of a read: the full TTL again, for what has one (rule 32) */
    bool shallow;              /* of a put: delete what is older (rule 28) */
    cairn_saver_scope_t scope; /* what the TTL is for (rule 34) */
} cairn_saver_terms_t;

typedef struct cairn_saver_put_args {
    uint32_t size; /* sizeof of the headers core was built with, as in all args */
    cairn_checkpoint_ref_t parent;
    const cairn_checkpoint_t *checkpoint;
    cairn_slice_t metadata; /* not empty */
    cairn_slice_t run_id;   /* may be absent */
    cairn_saver_terms_t terms;
} cairn_saver_put_args_t;

typedef struct cairn_saver_put_writes_args {
    uint32_t size;
    cairn_checkpoint_ref_t at;
    const cairn_task_writes_t *writes; /* the index of each: cairn_write_idx */
    cairn_saver_terms_t terms;
} cairn_saver_put_writes_args_t;

typedef struct cairn_saver_get_args {
    uint32_t size;
    cairn_checkpoint_ref_t at; /* checkpoint_id may be absent */
    bool headers_only;
    cairn_saver_terms_t terms;
} cairn_saver_get_args_t;

typedef struct cairn_saver_list_args {
    uint32_t size;
    cairn_slice_t thread_id;     /* may be absent */
    cairn_slice_t checkpoint_ns; /* may be absent */
    cairn_slice_t checkpoint_id; /* may be absent */
    cairn_slice_t before_id;     /* may be absent */
    cairn_slice_t filter;        /* may be absent */
    bool headers_only;
    uint32_t most;        /* tuples in this page; 0: an empty page without a cursor */
    cairn_slice_t cursor; /* of yours, or empty. It came through the application: check it */
} cairn_saver_list_args_t;

typedef struct cairn_saver_prune_args {
    uint32_t size;
    const cairn_slice_t *thread_ids;
    size_t thread_count;
    uint32_t keep; /* the newest of every (thread, namespace); 0: nothing */
} cairn_saver_prune_args_t;

typedef struct cairn_saver_history_args {
    uint32_t size;
    cairn_checkpoint_ref_t at; /* checkpoint_id may be absent */
    const cairn_slice_t *channels;
    size_t count;
} cairn_saver_history_args_t;

typedef struct cairn_saver_ttl_args {
    uint32_t size;
    cairn_saver_scope_t scope;
    cairn_checkpoint_ref_t at; /* checkpoint_id may be absent */
    int64_t ttl_ms;            /* of set_ttl: > 0, or CAIRN_TTL_PERSIST */
} cairn_saver_ttl_args_t;

/* "Must": with CAIRN_CAP_SAVER. */
typedef struct cairn_saver_ops {
    uint32_t size; /* sizeof(cairn_saver_ops_t) of the headers the backend was built with */

    /* Must. put_done. Atomic, with its TTL on everything it touches. */
    int (*put)(void *self, cairn_saver_put_t *req, const cairn_saver_put_args_t *args);

    /* Must. put_done. The checkpoint need not be there; neither put may erase the other (rule
     * 13).
     *
     * The TTL: writes join their object, which is a checkpoint, or writes that came before it. With
     * terms.scope CAIRN_SCOPE_CHECKPOINT, terms.ttl_given false and an object there, the writes
     * take its expiry, and neither that nor its full TTL changes: terms.ttl_ms does not count,
     * shorter, longer or CAIRN_TTL_PERSIST. It does for an object that this call makes. With
     * ttl_given, and with CAIRN_SCOPE_THREAD, as put. */
    int (*put_writes)(void *self, cairn_saver_put_t *req,
                      const cairn_saver_put_writes_args_t *args);

    /* Must. get_done. */
    int (*get)(void *self, cairn_saver_get_t *req, const cairn_saver_get_args_t *args);

    /* Must. list_done, with a cursor of yours if there is more. Ids descending, of equal ids
     * thread_id, then checkpoint_ns ascending, bytewise. A page may hold fewer than `most`, and
     * none at all; only one without a cursor is the last. */
    int (*list)(void *self, cairn_saver_list_t *req, const cairn_saver_list_args_t *args);

    /* Must. delete_done. */
    int (*delete_thread)(void *self, cairn_saver_delete_t *req, cairn_slice_t thread_id);

    /* May; if NULL then UV_ENOTSUP. delete_done. */
    int (*delete_for_runs)(void *self, cairn_saver_delete_t *req, const cairn_slice_t *run_ids,
                           size_t count);

    /* May; if NULL then UV_ENOTSUP. delete_done. */
    int (*prune)(void *self, cairn_saver_delete_t *req, const cairn_saver_prune_args_t *args);

    /* May; if NULL then UV_ENOTSUP. copy_done, or fail with UV_EEXIST. */
    int (*copy_thread)(void *self, cairn_saver_copy_t *req, cairn_slice_t source,
                       cairn_slice_t target);

    /* May; if NULL then UV_ENOTSUP. history_done, a channel for each asked for, in that order. */
    int (*history)(void *self, cairn_saver_history_t *req, const cairn_saver_history_args_t *args);

    /* Must. ttl_done, with what there is left; after set_ttl, with what has been set. */
    int (*ttl)(void *self, cairn_saver_ttl_t *req, const cairn_saver_ttl_args_t *args);
    int (*set_ttl)(void *self, cairn_saver_ttl_t *req, const cairn_saver_ttl_args_t *args);

    /* Must. delete_done: 0 where what expires goes by itself. */
    int (*sweep_ttl)(void *self, cairn_saver_delete_t *req);

    /* May; if NULL then nothing needs to be done. */
    int (*start_ttl_sweeper)(void *self, uint64_t interval_ms);
    void (*stop_ttl_sweeper)(void *self);
} cairn_saver_ops_t;

/* The ways up; host->api->saver. The request is no longer the backend's when one is called. */
typedef struct cairn_saver_done {
    uint32_t size;
    void (*put_done)(cairn_saver_put_t *req);
    void (*get_done)(cairn_saver_get_t *req, const cairn_checkpoint_tuple_t *tuple);
    void (*list_done)(cairn_saver_list_t *req, const cairn_saver_page_t *page);
    void (*delete_done)(cairn_saver_delete_t *req, uint64_t checkpoints);
    void (*copy_done)(cairn_saver_copy_t *req, uint64_t checkpoints);
    void (*history_done)(cairn_saver_history_t *req, const cairn_channel_history_t *channels,
                         size_t count);
    void (*ttl_done)(cairn_saver_ttl_t *req, int64_t ttl_ms);
} cairn_saver_done_t;

#ifdef __cplusplus
}
#endif
#endif
