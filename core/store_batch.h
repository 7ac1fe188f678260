/* A batch in flight: what the backend was asked, and what core must remember until it answers.
 * Private to core. */
#ifndef CAIRN_CORE_STORE_BATCH_H
#define CAIRN_CORE_STORE_BATCH_H

#include "store_args.h"

/* One operation's args, to which its step points. */
typedef struct store_batch_op {
    union {
        cairn_store_get_args_t get;
        cairn_store_put_args_t put;
        cairn_store_search_args_t search;
        cairn_store_list_args_t list;
    } args;
    uint64_t left; /* of a search or a list, for its cursor */
} store_batch_op_t;

/* One block, to be freed with cairn_free. */
typedef struct cairn_store_batch_state {
    cairn_store_step_t *steps;
    store_batch_op_t ops[];
} store_batch_t;

/* NULL if a check fails, memory running out included. */
store_batch_t *store_batch_new(verify_t *check, const cairn_store_t *store,
                               const cairn_store_op_t *ops, size_t count, store_needs_t *needs);

/* The results as the application sees them, with its own cursors: one block, to be freed with
 * cairn_free; or NULL. */
cairn_store_result_t *store_batch_results(const store_batch_t *batch,
                                          const cairn_store_result_t *results, size_t count);

#endif
