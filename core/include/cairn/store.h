/* The store: LangGraph's long-term memory, items under namespaces (semantics.md rules 37-43; "rule"
 * below means these).
 *
 *     cairn_store_t store;
 *     int rc = cairn_store_init(&store, &cairn, NULL);
 *     ...
 *     const cairn_slice_t labels[] = {cairn_str("users"), cairn_str("u-1")};
 *     cairn_namespace_t ns = {labels, 2};
 *     cairn_slice_t value = cairn_str("{\"first\":\"Ada\"}");
 *     rc = cairn_store_put(&store, &req, ns, cairn_str("name"), value, NULL, on_put);
 *
 * An item, its index entries and its vectors change together, with their TTL, in one atomic step.
 *
 * A submit consumes its arguments before it returns. It refuses with
 *     UV_EBUSY       the request is in flight
 *     UV_EINVAL      an argument is missing or makes no sense; req.detail names it
 *     CAIRN_ETOOBIG  an id is longer than CAIRN_ID_MAX, a TTL or a count too large; named too
 *     CAIRN_ECLOSED  the handle is closed
 *     UV_ENOTSUP     the backend cannot do it: CAIRN_CAP_STORE, CAIRN_CAP_STORE_VECTORS
 *     CAIRN_EFULL, UV_ENOMEM
 *
 * A request ends with 0, UV_ETIMEDOUT, UV_ECANCELED, CAIRN_EMAYBE, the server's error, or what its
 * operation names. Its result is borrowed until the callback returns, and NULL or 0 on error. What
 * is not there is no error. Any callback may be NULL. */
#ifndef CAIRN_STORE_H
#define CAIRN_STORE_H

#include <cairn/cairn.h>
#include <cairn/page.h>
#include <cairn/ttl.h>
#include <cairn/value.h>
#include <cairn/vector.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Most labels of a namespace, and most operations of a batch. */
#define CAIRN_NAMESPACE_MAX 256
#define CAIRN_BATCH_MAX 65536

/* A path of labels, outermost first. Of an item: 1 ... CAIRN_NAMESPACE_MAX of them, together at
 * most CAIRN_ID_MAX bytes, none empty, any bytes, compared as they are (rule 37). A prefix to
 * search under may have none, which means everything. */
typedef struct cairn_namespace {
    const cairn_slice_t *labels;
    size_t count;
} cairn_namespace_t;

typedef struct cairn_item {
    cairn_namespace_t ns;
    cairn_slice_t key;
    cairn_slice_t value;   /* as it was put */
    int64_t created_at_us; /* microseconds since 1970, UTC */
    int64_t updated_at_us; /* of the last put; later with every put, the same for those of a batch
                              to one namespace */
    int64_t ttl_ms; /* that it was put with and that a refresh puts back, or CAIRN_TTL_PERSIST; what
                       is left of it: cairn_store_ttl */
    bool has_score; /* only in a search by vector */
    double score;   /* greater is better, whatever the metric */
} cairn_item_t;

/* Zeroed: nothing expires, reads refresh, no vectors. */
typedef struct cairn_store_options {
    cairn_ttl_t default_ttl;             /* of what is put without its own; not given: persistent */
    cairn_refresh_t refresh_on_read;     /* default: yes (rule 42) */
    const cairn_vector_index_t *indexes; /* the vectors items may have, one a name */
    size_t index_count;
} cairn_store_options_t;

/* A view of a handle. Holds no resources, needs no close; must outlive what was started on it. */
typedef struct cairn_store {
    cairn_t *cairn;
    cairn_store_options_t options;
} cairn_store_t;

/* `cairn` need not be open yet. `options` (NULL: all defaults) is copied, but the indexes and what
 * they point to are borrowed as long as the view is used. UV_EINVAL or CAIRN_ETOOBIG if the TTL,
 * the refresh or an index (two of one name, no or too many dimensions, no such metric) is none;
 * `store` is then left alone. */
CAIRN_MUST_USE int cairn_store_init(cairn_store_t *store, cairn_t *cairn,
                                    const cairn_store_options_t *options);

/* ---- get ---- */

typedef struct cairn_store_get cairn_store_get_t;

/* `item` is NULL if there is none. */
typedef void (*cairn_store_get_cb)(cairn_store_get_t *req, int status, const cairn_item_t *item);

struct cairn_store_get {
    cairn_req_t req;       /* yours: req.data, req.timeout_ms, req.flags */
    cairn_store_get_cb cb; /* private */
};

CAIRN_MUST_USE int cairn_store_get(cairn_store_t *store, cairn_store_get_t *req,
                                   cairn_namespace_t ns, cairn_slice_t key, cairn_refresh_t refresh,
                                   cairn_store_get_cb cb);

/* ---- put, delete ---- */

typedef struct cairn_store_put cairn_store_put_t;

/* `existed`: whether there was an item before; in a batch, before the batch. */
typedef void (*cairn_store_put_cb)(cairn_store_put_t *req, int status, bool existed);

struct cairn_store_put {
    cairn_req_t req;       /* yours: req.data, req.timeout_ms, req.flags */
    cairn_store_put_cb cb; /* private */
};

typedef enum cairn_store_embed {
    CAIRN_EMBED_DEFAULT, /* ask the callback of every index that has one and gets no vector here */
    CAIRN_EMBED_NONE     /* ask none */
} cairn_store_embed_t;

typedef struct cairn_store_put_options {
    cairn_ttl_t ttl; /* not given: the store's default. CAIRN_TTL_PERSIST clears an existing one
                        (rule 42) */
    const cairn_vector_t *vectors; /* several of one name are legal: the best one counts */
    size_t vector_count;
    cairn_store_embed_t embed;
    const cairn_slice_t *fields; /* paths to embed instead of the indexes' own; NULL: those. See
                                    cairn_vector_index_t */
    size_t field_count;
} cairn_store_put_options_t;

/* Stores `value`, a JSON object's text if filters, fields and vectors are to see into it. An update
 * keeps created_at, and replaces value, TTL and all vectors (rules 37, 42, 43). An absent value
 * deletes, as in LangGraph. `options` may be NULL.
 *
 * Texts are embedded first: until then nothing is stored, and what is put without texts meanwhile
 * comes before it. The request then ends also with the embed callback's status, or CAIRN_EFULL. */
CAIRN_MUST_USE int cairn_store_put(cairn_store_t *store, cairn_store_put_t *req,
                                   cairn_namespace_t ns, cairn_slice_t key, cairn_slice_t value,
                                   const cairn_store_put_options_t *options, cairn_store_put_cb cb);

CAIRN_MUST_USE int cairn_store_delete(cairn_store_t *store, cairn_store_put_t *req,
                                      cairn_namespace_t ns, cairn_slice_t key,
                                      cairn_store_put_cb cb);

/* ---- search ---- */

typedef struct cairn_store_search cairn_store_search_t;

typedef struct cairn_store_page {
    const cairn_item_t *items;
    size_t count;
    cairn_slice_t cursor; /* of the next page; empty: this was the last */
} cairn_store_page_t;

typedef void (*cairn_store_search_cb)(cairn_store_search_t *req, int status,
                                      const cairn_store_page_t *page);

struct cairn_store_search {
    cairn_req_t req;          /* yours: req.data, req.timeout_ms, req.flags */
    cairn_store_search_cb cb; /* private */
    uint64_t left;            /* private */
};

typedef enum cairn_order {
    CAIRN_ORDER_UPDATED_DESC, /* latest change first */
    CAIRN_ORDER_UPDATED_ASC,
    CAIRN_ORDER_KEY /* by namespace, label by label, then key */
} cairn_order_t;

/* Zeroed: every item of the store. Filter first, then order, then offset and limit (rule 38). */
typedef struct cairn_store_query {
    cairn_namespace_t prefix; /* whole labels; none: everything */
    cairn_slice_t filter; /* absent or empty: none. A JSON object's text with LangGraph's operators
                             $eq $ne $gt $gte $lt $lte; an unknown one is UV_EINVAL (rule 39). What
                             they mean: cairn/sys/json.h. A value that is no JSON object matches
                             none but {} */
    cairn_order_t order; /* ties by key, then namespace. A search by vector is best first instead */
    uint64_t offset;     /* before the first page; with a cursor it does not count */
    cairn_paging_t paging;
    cairn_refresh_t refresh; /* of the items returned only */

    /* By vector: one of the two, for one of the store's indexes; an item comes once, at its best
     * vector, and not at all if it has none (rule 43); ties by key, then namespace. Needs a limit
     * of at most CAIRN_PAGE_MAX, which makes one page; go on with `offset`. */
    const cairn_vector_t *near; /* NULL: not by vector */
    cairn_slice_t near_text;    /* absent: none. Embedded by the index's own callback */
    cairn_slice_t near_index;   /* which one, of near_text */
    cairn_metric_t metric;
} cairn_store_query_t;

/* `query` may be NULL. */
CAIRN_MUST_USE int cairn_store_search(cairn_store_t *store, cairn_store_search_t *req,
                                      const cairn_store_query_t *query, cairn_store_search_cb cb);

/* ---- list_namespaces ---- */

typedef struct cairn_store_list cairn_store_list_t;

typedef struct cairn_namespace_page {
    const cairn_namespace_t *namespaces;
    size_t count;
    cairn_slice_t cursor; /* of the next page; empty: this was the last */
} cairn_namespace_page_t;

typedef void (*cairn_store_list_cb)(cairn_store_list_t *req, int status,
                                    const cairn_namespace_page_t *page);

struct cairn_store_list {
    cairn_req_t req;        /* yours: req.data, req.timeout_ms, req.flags */
    cairn_store_list_cb cb; /* private */
    uint64_t left;          /* private */
};

typedef enum cairn_match_type {
    CAIRN_MATCH_PREFIX,
    CAIRN_MATCH_SUFFIX
} cairn_match_type_t;

/* The label "*" stands for any one label. */
typedef struct cairn_match_condition {
    cairn_match_type_t type;
    cairn_namespace_t path;
} cairn_match_condition_t;

/* Zeroed: every namespace that holds an item. */
typedef struct cairn_namespace_query {
    const cairn_match_condition_t *conditions; /* AND-ed, on the whole namespace */
    size_t condition_count;
    size_t max_depth; /* 0: no cut. Otherwise cut to so many labels after matching, each once */
    uint64_t offset;  /* before the first page; with a cursor it does not count */
    cairn_paging_t paging;
} cairn_namespace_query_t;

/* Sorted label by label (rule 40). `query` may be NULL. */
CAIRN_MUST_USE int cairn_store_list_namespaces(cairn_store_t *store, cairn_store_list_t *req,
                                               const cairn_namespace_query_t *query,
                                               cairn_store_list_cb cb);

/* ---- batch ---- */

typedef struct cairn_store_batch cairn_store_batch_t;

typedef enum cairn_store_op_type {
    CAIRN_STORE_GET = 1,
    CAIRN_STORE_PUT,
    CAIRN_STORE_DELETE,
    CAIRN_STORE_SEARCH,
    CAIRN_STORE_LIST_NAMESPACES
} cairn_store_op_type_t;

/* One operation; the arguments are those of the function of its name. */
typedef struct cairn_store_op {
    cairn_store_op_type_t type;
    cairn_namespace_t ns;                     /* get, put, delete */
    cairn_slice_t key;                        /* get, put, delete */
    cairn_refresh_t refresh;                  /* get */
    cairn_slice_t value;                      /* put */
    const cairn_store_put_options_t *options; /* put; may be NULL */
    const cairn_store_query_t *search;        /* search; may be NULL */
    const cairn_namespace_query_t *list;      /* list_namespaces; may be NULL */
} cairn_store_op_t;

/* What became of one; the member of its type is set, the others are zero. */
typedef struct cairn_store_result {
    cairn_store_op_type_t type;
    int status;           /* of this operation */
    cairn_slice_t detail; /* in words, if it failed */
    const cairn_item_t *item;
    bool existed;
    const cairn_store_page_t *page; /* its cursor goes into cairn_store_search */
    const cairn_namespace_page_t *namespaces;
} cairn_store_result_t;

/* `results`: one an operation, in their order. `status` is 0 if they were carried out, with
 * whatever result; <0 if none was answered. */
typedef void (*cairn_store_batch_cb)(cairn_store_batch_t *req, int status,
                                     const cairn_store_result_t *results, size_t count);

struct cairn_store_batch {
    cairn_req_t req;                       /* yours: req.data, req.timeout_ms, req.flags */
    cairn_store_batch_cb cb;               /* private */
    struct cairn_store_batch_state *batch; /* private */
};

/* Reads see what was there before the batch's puts, and refresh it before them; of several puts and
 * deletes of one item the last counts, the others are as if they had not been. Atomic per namespace
 * (rule 41). A malformed operation refuses the batch and is named by its index; one that fails when
 * it is carried out, as for its cursor, leaves the others alone. All texts of a batch are embedded
 * in one call an index, before any of it is carried out. */
CAIRN_MUST_USE int cairn_store_batch(cairn_store_t *store, cairn_store_batch_t *req,
                                     const cairn_store_op_t *ops, size_t count,
                                     cairn_store_batch_cb cb);

/* ---- count, sweep_ttl ---- */

typedef struct cairn_store_count cairn_store_count_t;
typedef void (*cairn_store_count_cb)(cairn_store_count_t *req, int status, uint64_t items);

struct cairn_store_count {
    cairn_req_t req;         /* yours: req.data, req.timeout_ms, req.flags */
    cairn_store_count_cb cb; /* private */
};

/* Items under `prefix` that match `filter`, both as in cairn_store_query_t. */
CAIRN_MUST_USE int cairn_store_count(cairn_store_t *store, cairn_store_count_t *req,
                                     cairn_namespace_t prefix, cairn_slice_t filter,
                                     cairn_store_count_cb cb);

/* As cairn_saver_sweep_ttl and its neighbours; ends with how many items have gone. */
CAIRN_MUST_USE int cairn_store_sweep_ttl(cairn_store_t *store, cairn_store_count_t *req,
                                         cairn_store_count_cb cb);
CAIRN_MUST_USE int cairn_store_start_ttl_sweeper(cairn_store_t *store, uint64_t interval_ms);
void cairn_store_stop_ttl_sweeper(cairn_store_t *store);

/* ---- TTL ---- */

typedef struct cairn_store_ttl cairn_store_ttl_t;

/* `ttl_ms`: what there is left to live, after any change: > 0, CAIRN_TTL_PERSIST or
 * CAIRN_TTL_ABSENT. On error CAIRN_TTL_ABSENT. */
typedef void (*cairn_store_ttl_cb)(cairn_store_ttl_t *req, int status, int64_t ttl_ms);

struct cairn_store_ttl {
    cairn_req_t req;       /* yours: req.data, req.timeout_ms, req.flags */
    cairn_store_ttl_cb cb; /* private */
};

CAIRN_MUST_USE int cairn_store_ttl(cairn_store_t *store, cairn_store_ttl_t *req,
                                   cairn_namespace_t ns, cairn_slice_t key, cairn_store_ttl_cb cb);

/* `ttl` must be given. It is also what a refresh puts back from now on. */
CAIRN_MUST_USE int cairn_store_set_ttl(cairn_store_t *store, cairn_store_ttl_t *req,
                                       cairn_namespace_t ns, cairn_slice_t key, cairn_ttl_t ttl,
                                       cairn_store_ttl_cb cb);

/* cairn_store_set_ttl with CAIRN_TTL_PERSIST, and with the store's default (without one: to
 * persist). */
CAIRN_MUST_USE int cairn_store_pin(cairn_store_t *store, cairn_store_ttl_t *req,
                                   cairn_namespace_t ns, cairn_slice_t key, cairn_store_ttl_cb cb);
CAIRN_MUST_USE int cairn_store_unpin(cairn_store_t *store, cairn_store_ttl_t *req,
                                     cairn_namespace_t ns, cairn_slice_t key,
                                     cairn_store_ttl_cb cb);

#ifdef __cplusplus
}
#endif
#endif
