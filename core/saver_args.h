/* What the saver's calls and options say together, checked. Private to core. */
#ifndef CAIRN_CORE_SAVER_ARGS_H
#define CAIRN_CORE_SAVER_ARGS_H

#include "page.h"
#include "verify.h"

#include <cairn/sys/saver.h>

int64_t saver_default_ttl_ms(const cairn_saver_t *saver);
cairn_saver_terms_t saver_terms(verify_t *check, const cairn_saver_t *saver, cairn_ttl_t ttl);

/* Checks both, and gives the run id that counts: `given`, or if that is absent the metadata's.
 * `*memory` is what it may be borrowed from: cairn_free it after use, whatever the check says. */
cairn_slice_t saver_run_id(verify_t *check, cairn_slice_t metadata, cairn_slice_t given,
                           char **memory);

/* `what` names the argument, should it be NULL. */
void saver_verify_ref(verify_t *check, const char *what, const cairn_checkpoint_ref_t *ref);
void saver_verify_ids(verify_t *check, const char *what, const cairn_slice_t *ids, size_t count);
void saver_verify_checkpoint(verify_t *check, const cairn_checkpoint_t *checkpoint);
void saver_verify_writes(verify_t *check, const cairn_task_writes_t *writes);
void saver_verify_query(verify_t *check, const cairn_saver_query_t *query, page_ask_t *ask);

#endif
