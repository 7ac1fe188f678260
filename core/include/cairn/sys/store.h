/* For backends: the store's operations.
 *
 * Core has checked every argument and filled every default before it calls; slices and arrays are
 * consumed before an operation returns. <0 refuses the submit. 0 promises one call of the done
 * function named, or of the host's fail, later, never inside the operation. Results are borrowed
 * for that call; in them an absent slice has a NULL ptr and a present one has not, empty or not.
 * Labels and keys are any bytes; no two objects may ever share a key. The structs of
 * <cairn/store.h> and <cairn/vector.h> never grow within a major version; the args here may, at
 * their end. */
#ifndef CAIRN_SYS_STORE_H
#define CAIRN_SYS_STORE_H

#include <cairn/store.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cairn_store_get_args {
    uint32_t size; /* sizeof of the headers core was built with, as in all args */
    cairn_namespace_t ns;
    cairn_slice_t key;
    bool refresh; /* the item's own TTL again, if it has one (rule 42) */
} cairn_store_get_args_t;

/* Texts have become vectors by now; each names its index. A vector's place is the item: it has the
 * item's TTL, and a put replaces all of an item's vectors (rule 43). */
typedef struct cairn_store_put_args {
    uint32_t size;
    cairn_namespace_t ns;
    cairn_slice_t key;
    cairn_slice_t value; /* absent: delete */
    int64_t ttl_ms;      /* > 0, or CAIRN_TTL_PERSIST */
    const cairn_vector_t *vectors;
    size_t vector_count;
} cairn_store_put_args_t;

typedef struct cairn_store_search_args {
    uint32_t size;
    cairn_namespace_t prefix;
    cairn_slice_t filter; /* may be absent or empty; cairn_json_query_read takes it */
    cairn_order_t order;
    uint64_t offset;      /* 0 with a cursor */
    uint32_t most;        /* items in this page; 0: an empty page without a cursor */
    cairn_slice_t cursor; /* of yours, or empty. It came through the application: check it */
    bool refresh;
    const cairn_vector_t *near; /* NULL: not by vector; names its index */
    cairn_metric_t metric;      /* of `near`; never CAIRN_METRIC_DEFAULT */
} cairn_store_search_args_t;

typedef struct cairn_store_list_args {
    uint32_t size;
    const cairn_match_condition_t *conditions;
    size_t condition_count;
    size_t max_depth;     /* 0: no cut */
    uint64_t offset;      /* 0 with a cursor */
    uint32_t most;        /* namespaces in this page; 0: an empty page without a cursor */
    cairn_slice_t cursor; /* of yours, or empty. It came through the application: check it */
} cairn_store_list_args_t;

/* One operation of a batch; the member of its type is set, the others are NULL. */
typedef struct cairn_store_step {
    cairn_store_op_type_t type;
    const cairn_store_get_args_t *get;
    const cairn_store_put_args_t *put; /* of delete too, without value */
    const cairn_store_search_args_t *search;
    const cairn_store_list_args_t *list;
} cairn_store_step_t;

/* "Must": with CAIRN_CAP_STORE; vectors reach only backends with CAIRN_CAP_STORE_VECTORS. */
typedef struct cairn_store_ops {
    uint32_t size; /* sizeof(cairn_store_ops_t) of the headers the backend was built with */

    /* Must. get_done. */
    int (*get)(void *self, cairn_store_get_t *req, const cairn_store_get_args_t *args);

    /* Must. put_done. Item, index entries and vectors in one atomic step, TTL included. */
    int (*put)(void *self, cairn_store_put_t *req, const cairn_store_put_args_t *args);

    /* Must. search_done, with a cursor of yours if there is more. */
    int (*search)(void *self, cairn_store_search_t *req, const cairn_store_search_args_t *args);

    /* Must. list_done, with a cursor of yours if there is more. */
    int (*list_namespaces)(void *self, cairn_store_list_t *req,
                           const cairn_store_list_args_t *args);

    /* Must. batch_done, a result for each step, in their order: reads before writes, a write's
     * `existed` before the batch, an update's created_at that of before the batch, one updated_at a
     * namespace. A step that fails has status and detail, and nothing else. */
    int (*batch)(void *self, cairn_store_batch_t *req, const cairn_store_step_t *steps,
                 size_t count);

    /* Must. count_done. `filter` may be absent. */
    int (*count)(void *self, cairn_store_count_t *req, cairn_namespace_t prefix,
                 cairn_slice_t filter);

    /* Must. ttl_done, with what there is left; after set_ttl, with what has been set. */
    int (*ttl)(void *self, cairn_store_ttl_t *req, cairn_namespace_t ns, cairn_slice_t key);
    int (*set_ttl)(void *self, cairn_store_ttl_t *req, cairn_namespace_t ns, cairn_slice_t key,
                   int64_t ttl_ms);

    /* Must. count_done: 0 where what expires goes by itself. */
    int (*sweep_ttl)(void *self, cairn_store_count_t *req);

    /* May; if NULL then nothing needs to be done. */
    int (*start_ttl_sweeper)(void *self, uint64_t interval_ms);
    void (*stop_ttl_sweeper)(void *self);
} cairn_store_ops_t;

/* The ways up; host->api->store. The request is no longer the backend's when one is called. */
typedef struct cairn_store_done {
    uint32_t size;
    void (*get_done)(cairn_store_get_t *req, const cairn_item_t *item);
    void (*put_done)(cairn_store_put_t *req, bool existed);
    void (*search_done)(cairn_store_search_t *req, const cairn_store_page_t *page);
    void (*list_done)(cairn_store_list_t *req, const cairn_namespace_page_t *page);
    void (*batch_done)(cairn_store_batch_t *req, const cairn_store_result_t *results, size_t count);
    void (*count_done)(cairn_store_count_t *req, uint64_t items);
    void (*ttl_done)(cairn_store_ttl_t *req, int64_t ttl_ms);
} cairn_store_done_t;

#ifdef __cplusplus
}
#endif
#endif
