/* Steps that outlive the call they came with. Private to core. */
#ifndef CAIRN_CORE_STORE_COPY_H
#define CAIRN_CORE_STORE_COPY_H

#include <cairn/sys/store.h>
#include <cairn/sys/tuple.h>

/* Deep copies in `arena`. UV_ENOMEM. */
CAIRN_MUST_USE int store_copy_steps(cairn_arena_t *arena, const cairn_store_step_t *steps,
                                    size_t count, cairn_store_step_t **out);

/* The args of a copied step, to be changed. */
cairn_store_put_args_t *store_own_put(cairn_store_step_t *copies, size_t which);
cairn_store_search_args_t *store_own_search(cairn_store_step_t *copies, size_t which);

#endif
