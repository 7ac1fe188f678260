/* From the store's calls to what backends are given: checked, defaults filled. Private to core. */
#ifndef CAIRN_CORE_STORE_ARGS_H
#define CAIRN_CORE_STORE_ARGS_H

#include "verify.h"

#include <cairn/sys/store.h>

/* What a call needs of the backend beyond CAIRN_CAP_STORE. */
typedef struct store_needs {
    bool vectors;   /* CAIRN_CAP_STORE_VECTORS */
    bool embedding; /* texts to be turned into vectors first */
} store_needs_t;

int64_t store_default_ttl_ms(const cairn_store_t *store);

void store_verify_options(verify_t *check, const cairn_store_options_t *options);
void store_verify_item(verify_t *check, cairn_namespace_t ns, cairn_slice_t key);
void store_verify_filter(verify_t *check, cairn_slice_t filter);
void store_verify_prefix(verify_t *check, const char *what, cairn_namespace_t prefix);

cairn_store_get_args_t store_get_args(verify_t *check, const cairn_store_t *store,
                                      cairn_namespace_t ns, cairn_slice_t key,
                                      cairn_refresh_t refresh);

/* `options` may be NULL. An absent `value` deletes. */
cairn_store_put_args_t store_put_args(verify_t *check, const cairn_store_t *store,
                                      cairn_namespace_t ns, cairn_slice_t key, cairn_slice_t value,
                                      const cairn_store_put_options_t *options,
                                      store_needs_t *needs);

/* `query` may be NULL. *left: rows still to be given, this page included; see page.h. */
cairn_store_search_args_t store_search_args(verify_t *check, const cairn_store_t *store,
                                            const cairn_store_query_t *query, uint64_t *left,
                                            store_needs_t *needs);
cairn_store_list_args_t store_list_args(verify_t *check, const cairn_namespace_query_t *query,
                                        uint64_t *left);

/* UV_ENOTSUP if the handle cannot do what is needed. */
CAIRN_MUST_USE int store_verify_needs(cairn_core_t *core, cairn_req_t *req,
                                      const store_needs_t *needs);

#endif
