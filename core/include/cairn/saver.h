/* The saver: LangGraph's checkpoints (semantics.md rules 1-36; "rule" below means these).
 *
 *     cairn_saver_t saver;
 *     cairn_saver_options_t options = {.default_ttl = cairn_ttl_ms(3600000)};
 *     int rc = cairn_saver_init(&saver, &cairn, &options);
 *     ...
 *     cairn_checkpoint_ref_t at = {.thread_id = cairn_str("t-1")};
 *     rc = cairn_saver_get(&saver, &req, &at, NULL, on_got);
 *
 * Each operation is one atomic step: a reader sees all of it or nothing, with its TTL (rules 9,
 * 30).
 *
 * A submit consumes its arguments before it returns. It refuses with
 *     UV_EBUSY       the request is in flight
 *     UV_EINVAL      an argument is missing or makes no sense; req.detail names it
 *     CAIRN_ETOOBIG  an id is longer than CAIRN_ID_MAX, a TTL or a count too large; named too
 *     CAIRN_ECLOSED  the handle is closed
 *     UV_ENOTSUP     the backend cannot do it: CAIRN_CAP_SAVER
 *     CAIRN_EFULL, UV_ENOMEM
 *
 * A request ends with 0, UV_ETIMEDOUT, UV_ECANCELED, CAIRN_EMAYBE, the server's error, or what its
 * operation names. Its result is borrowed until the callback returns, and NULL or 0 on error. What
 * is not there is no error. Any callback may be NULL. */
#ifndef CAIRN_SAVER_H
#define CAIRN_SAVER_H

#include <cairn/cairn.h>
#include <cairn/checkpoint.h>
#include <cairn/page.h>
#include <cairn/ttl.h>
#include <cairn/uuid6.h>
#include <cairn/version_id.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What one TTL is for. */
typedef enum cairn_saver_scope {
    CAIRN_SCOPE_CHECKPOINT, /* one checkpoint, with its writes and the values that it uses */
    CAIRN_SCOPE_THREAD /* everything of its thread, so that no ancestor dies under a live head */
} cairn_saver_scope_t;

/* Zeroed: nothing expires, every checkpoint is kept. */
typedef struct cairn_saver_options {
    cairn_ttl_t default_ttl; /* of what is put without its own; not given: persistent. Writes join
                                what is there instead (cairn_saver_put_writes) */
    cairn_saver_scope_t ttl_scope; /* what a put and a refreshing read move (rule 34) */
    bool refresh_on_read;          /* a read puts the full TTL back, but gives none (rule 32) */
    bool shallow; /* keep only the latest checkpoint of a (thread, namespace) (rule 28). Also if the
                     handle was opened with cairn_options_t.shallow */
} cairn_saver_options_t;

/* A view of a handle. Holds no resources, needs no close; must outlive what was started on it. */
typedef struct cairn_saver {
    cairn_t *cairn;
    cairn_saver_options_t options;
} cairn_saver_t;

/* `cairn` need not be open yet. `options` (NULL: all defaults) is copied. UV_EINVAL or
 * CAIRN_ETOOBIG if the TTL or the scope is none; `saver` is then left alone. */
CAIRN_MUST_USE int cairn_saver_init(cairn_saver_t *saver, cairn_t *cairn,
                                    const cairn_saver_options_t *options);

/* ---- put, put_writes ---- */

typedef struct cairn_saver_put cairn_saver_put_t;
typedef void (*cairn_saver_put_cb)(cairn_saver_put_t *req, int status);

struct cairn_saver_put {
    cairn_req_t req;       /* yours: req.data, req.timeout_ms, req.flags */
    cairn_saver_put_cb cb; /* private */
};

typedef struct cairn_saver_put_options {
    cairn_ttl_t ttl;      /* not given: the saver's default. Given: also unpins (rules 33, 34) */
    cairn_slice_t run_id; /* for delete_for_runs; absent: the metadata's string "run_id", if any */
} cairn_saver_put_options_t;

/* Stores `checkpoint` under its own id in the thread and namespace of `parent`, whose checkpoint_id
 * becomes its parent (absent: it has none). A checkpoint with that id is replaced, its pending
 * writes stay (rules 4-9). `metadata`: a JSON object's text; absent or empty: {}. `options` may be
 * NULL. The same put twice is the same as once: CAIRN_REQ_IDEMPOTENT may be set. */
CAIRN_MUST_USE int cairn_saver_put(cairn_saver_t *saver, cairn_saver_put_t *req,
                                   const cairn_checkpoint_ref_t *parent,
                                   const cairn_checkpoint_t *checkpoint, cairn_slice_t metadata,
                                   const cairn_saver_put_options_t *options, cairn_saver_put_cb cb);

/* Adds a task's writes to the checkpoint `at`, which need not be there yet; its checkpoint_id must
 * be present (rules 10-15). No writes: ends with 0.
 *
 * `ttl` zeroed: the writes join what is there, the checkpoint or writes that came before it, and
 * expire with it. When that is, and its full TTL, stay what they are, whatever the saver's default;
 * if nothing is there, the default applies. Given: moves all of it, as put would. With
 * CAIRN_SCOPE_THREAD writing moves the thread either way, as put does. */
CAIRN_MUST_USE int cairn_saver_put_writes(cairn_saver_t *saver, cairn_saver_put_t *req,
                                          const cairn_checkpoint_ref_t *at,
                                          const cairn_task_writes_t *writes, cairn_ttl_t ttl,
                                          cairn_saver_put_cb cb);

/* ---- get ---- */

typedef struct cairn_saver_get cairn_saver_get_t;

/* `tuple` is NULL if there is no such checkpoint. */
typedef void (*cairn_saver_get_cb)(cairn_saver_get_t *req, int status,
                                   const cairn_checkpoint_tuple_t *tuple);

struct cairn_saver_get {
    cairn_req_t req;       /* yours: req.data, req.timeout_ms, req.flags */
    cairn_saver_get_cb cb; /* private */
};

typedef struct cairn_saver_get_options {
    cairn_refresh_t refresh; /* default: the saver's refresh_on_read */
    bool headers_only;       /* no channels, no writes: see cairn_checkpoint_tuple_t */
} cairn_saver_get_options_t;

/* The checkpoint `at`; checkpoint_id absent: the latest of its thread and namespace. An id that is
 * not there gives none, never the latest (rule 16). `options` may be NULL. */
CAIRN_MUST_USE int cairn_saver_get(cairn_saver_t *saver, cairn_saver_get_t *req,
                                   const cairn_checkpoint_ref_t *at,
                                   const cairn_saver_get_options_t *options, cairn_saver_get_cb cb);

/* ---- list ---- */

typedef struct cairn_saver_list cairn_saver_list_t;

typedef struct cairn_saver_page {
    const cairn_checkpoint_tuple_t *tuples;
    size_t count;         /* may be less than the page_size asked for, and 0, in any page */
    cairn_slice_t cursor; /* of the next page; empty: this was the last, and no other is */
} cairn_saver_page_t;

typedef void (*cairn_saver_list_cb)(cairn_saver_list_t *req, int status,
                                    const cairn_saver_page_t *page);

struct cairn_saver_list {
    cairn_req_t req;        /* yours: req.data, req.timeout_ms, req.flags */
    cairn_saver_list_cb cb; /* private */
    uint64_t left;          /* private */
};

/* Zeroed: every checkpoint there is. What is said is AND-ed; the limit counts what is left after
 * filtering (rule 19). */
typedef struct cairn_saver_query {
    cairn_slice_t thread_id;     /* absent: all threads */
    cairn_slice_t checkpoint_ns; /* absent: all namespaces; empty: the root only (rule 18) */
    cairn_slice_t checkpoint_id; /* absent: any */
    const cairn_checkpoint_ref_t *before; /* NULL: none. Ids strictly less than its checkpoint_id,
                                             which must be present; its other fields do not count */
    cairn_slice_t filter; /* absent or empty: none. A JSON object's text: metadata that contains it,
                             all keys, nested objects as subsets, null only null (rule 20) */
    bool headers_only;
    cairn_paging_t paging;
} cairn_saver_query_t;

/* Newest first by id over everything that matches; equal ids by thread_id ascending, then by
 * checkpoint_ns ascending, all bytewise (rules 18-21). Never refreshes. `query` may be NULL. */
CAIRN_MUST_USE int cairn_saver_list(cairn_saver_t *saver, cairn_saver_list_t *req,
                                    const cairn_saver_query_t *query, cairn_saver_list_cb cb);

/* ---- delete_thread, delete_for_runs, prune, sweep_ttl ---- */

typedef struct cairn_saver_delete cairn_saver_delete_t;

/* `checkpoints`: how many are gone. */
typedef void (*cairn_saver_delete_cb)(cairn_saver_delete_t *req, int status, uint64_t checkpoints);

struct cairn_saver_delete {
    cairn_req_t req;          /* yours: req.data, req.timeout_ms, req.flags */
    cairn_saver_delete_cb cb; /* private */
};

/* Leaves nothing of the thread behind. A thread that is not there: 0 checkpoints (rule 22). */
CAIRN_MUST_USE int cairn_saver_delete_thread(cairn_saver_t *saver, cairn_saver_delete_t *req,
                                             cairn_slice_t thread_id, cairn_saver_delete_cb cb);

/* Deletes the checkpoints of these runs in every thread and namespace. Unknown runs and none at
 * all: 0 checkpoints (rule 23). Atomic per thread. Takes no heed of delta channels: a later
 * checkpoint of another run that was to be rebuilt from these cannot be any more. */
CAIRN_MUST_USE int cairn_saver_delete_for_runs(cairn_saver_t *saver, cairn_saver_delete_t *req,
                                               const cairn_slice_t *run_ids, size_t count,
                                               cairn_saver_delete_cb cb);

typedef enum cairn_prune {
    CAIRN_PRUNE_KEEP_LATEST, /* keep the newest of every (thread, namespace) */
    CAIRN_PRUNE_DELETE       /* keep nothing */
} cairn_prune_t;

/* Zeroed but for the threads: keep the latest one. */
typedef struct cairn_saver_prune_options {
    const cairn_slice_t *thread_ids; /* others are not touched; none: 0 checkpoints */
    size_t thread_count;
    cairn_prune_t strategy;
    uint32_t keep; /* of CAIRN_PRUNE_KEEP_LATEST: how many; 0: 1 */
} cairn_saver_prune_options_t;

/* What is kept keeps its writes, the values it uses, and the ancestors that its delta channels
 * need: those put as CAIRN_CHANNEL_DELTA, and those that its metadata names in LangGraph's
 * "counters_since_delta_snapshot" (rule 26). Atomic per thread. */
CAIRN_MUST_USE int cairn_saver_prune(cairn_saver_t *saver, cairn_saver_delete_t *req,
                                     const cairn_saver_prune_options_t *options,
                                     cairn_saver_delete_cb cb);

/* Where the backend expires natively, which memory and Redis do, these three have nothing to do:
 * sweep ends with 0 checkpoints, start and stop change nothing (rule 35). They are there for
 * interfaces that expect them, and for backends that must be swept: then sweep deletes what has
 * expired, and start does so every `interval_ms`. Start: UV_EINVAL if that is 0, CAIRN_ECLOSED,
 * UV_ENOTSUP. */
CAIRN_MUST_USE int cairn_saver_sweep_ttl(cairn_saver_t *saver, cairn_saver_delete_t *req,
                                         cairn_saver_delete_cb cb);
CAIRN_MUST_USE int cairn_saver_start_ttl_sweeper(cairn_saver_t *saver, uint64_t interval_ms);
void cairn_saver_stop_ttl_sweeper(cairn_saver_t *saver);

/* ---- copy_thread ---- */

typedef struct cairn_saver_copy cairn_saver_copy_t;
typedef void (*cairn_saver_copy_cb)(cairn_saver_copy_t *req, int status, uint64_t checkpoints);

struct cairn_saver_copy {
    cairn_req_t req;        /* yours: req.data, req.timeout_ms, req.flags */
    cairn_saver_copy_cb cb; /* private */
};

/* Copies everything of a thread with its ids, order, writes and TTLs; the source stays as it is. A
 * source that is not there: 0 checkpoints. Ends with UV_EEXIST if the target has anything (rule
 * 25), refuses with UV_EINVAL if the two are one. */
CAIRN_MUST_USE int cairn_saver_copy_thread(cairn_saver_t *saver, cairn_saver_copy_t *req,
                                           cairn_slice_t source_thread_id,
                                           cairn_slice_t target_thread_id, cairn_saver_copy_cb cb);

/* ---- delta-channel history ---- */

typedef struct cairn_saver_history cairn_saver_history_t;

/* `channels`: one for each asked for, in that order. */
typedef void (*cairn_saver_history_cb)(cairn_saver_history_t *req, int status,
                                       const cairn_channel_history_t *channels, size_t count);

struct cairn_saver_history {
    cairn_req_t req;           /* yours: req.data, req.timeout_ms, req.flags */
    cairn_saver_history_cb cb; /* private */
};

/* Walks the parents of `at` (checkpoint_id absent: the latest), each channel up to the nearest that
 * has a value stored (rule 27). A checkpoint that is not there: no seed, no writes. */
CAIRN_MUST_USE int cairn_saver_history(cairn_saver_t *saver, cairn_saver_history_t *req,
                                       const cairn_checkpoint_ref_t *at,
                                       const cairn_slice_t *channels, size_t count,
                                       cairn_saver_history_cb cb);

/* ---- TTL ---- */

typedef struct cairn_saver_ttl cairn_saver_ttl_t;

/* `ttl_ms`: what there is left to live, after any change: > 0, CAIRN_TTL_PERSIST or
 * CAIRN_TTL_ABSENT. Of a thread: until the last of it goes. On error CAIRN_TTL_ABSENT. */
typedef void (*cairn_saver_ttl_cb)(cairn_saver_ttl_t *req, int status, int64_t ttl_ms);

struct cairn_saver_ttl {
    cairn_req_t req;       /* yours: req.data, req.timeout_ms, req.flags */
    cairn_saver_ttl_cb cb; /* private */
};

/* All four: of the checkpoint `at` (checkpoint_id absent: the latest), or of its whole thread, when
 * its namespace and checkpoint_id do not count. Of a checkpoint means with its writes and the
 * values that it uses, which expire together (rule 30); a value that several checkpoints share
 * lives as long as the longest of them (rule 31). */

CAIRN_MUST_USE int cairn_saver_ttl(cairn_saver_t *saver, cairn_saver_ttl_t *req,
                                   cairn_saver_scope_t scope, const cairn_checkpoint_ref_t *at,
                                   cairn_saver_ttl_cb cb);

/* `ttl` must be given. */
CAIRN_MUST_USE int cairn_saver_set_ttl(cairn_saver_t *saver, cairn_saver_ttl_t *req,
                                       cairn_saver_scope_t scope, const cairn_checkpoint_ref_t *at,
                                       cairn_ttl_t ttl, cairn_saver_ttl_cb cb);

/* cairn_saver_set_ttl with CAIRN_TTL_PERSIST: the checkpoint, its writes and its values are there
 * for good; no refresh undoes it, and no put without a TTL of its own (rule 33). It does not pin
 * ancestors, not even those that its delta channels are rebuilt from: where one of them expires,
 * cairn_saver_history ends as at the root. To keep these, pin them too, or the whole thread. */
CAIRN_MUST_USE int cairn_saver_pin(cairn_saver_t *saver, cairn_saver_ttl_t *req,
                                   cairn_saver_scope_t scope, const cairn_checkpoint_ref_t *at,
                                   cairn_saver_ttl_cb cb);

/* cairn_saver_set_ttl with the saver's default, which without one is to persist. */
CAIRN_MUST_USE int cairn_saver_unpin(cairn_saver_t *saver, cairn_saver_ttl_t *req,
                                     cairn_saver_scope_t scope, const cairn_checkpoint_ref_t *at,
                                     cairn_saver_ttl_cb cb);

#ifdef __cplusplus
}
#endif
#endif
