/* Where the saver, the store and the run streams are joined to request.c and host.c. Private to
 * core. */
#ifndef CAIRN_CORE_INTERFACES_H
#define CAIRN_CORE_INTERFACES_H

#include "core.h"

/* The ways up from a backend; see host.c. */
extern const cairn_saver_done_t core_saver_done;
extern const cairn_store_done_t core_store_done;
extern const cairn_stream_done_t core_stream_done;
extern const cairn_feed_done_t core_feed_done;

/* The callback of a request that failed, by its type; see request.c. */
typedef void core_call_back_t(cairn_req_t *req, int status);

core_call_back_t saver_put_failed, saver_get_failed, saver_list_failed, saver_delete_failed;
core_call_back_t saver_copy_failed, saver_history_failed, saver_ttl_failed;

core_call_back_t store_get_failed, store_put_failed, store_search_failed, store_list_failed;
core_call_back_t store_batch_failed, store_count_failed, store_ttl_failed;

core_call_back_t stream_append_failed, stream_read_failed, stream_count_failed;
core_call_back_t stream_info_failed, stream_ttl_failed;
core_call_back_t group_change_failed, group_read_failed, group_info_failed;

/* What the options of `streams` say, or their defaults. */
int64_t stream_ttl_ms(const cairn_streams_t *streams);
uint64_t stream_max_events(const cairn_streams_t *streams);

/* Submits a read whose arguments are known to be right. */
CAIRN_MUST_USE int stream_read_start(cairn_core_t *core, cairn_stream_read_t *req,
                                     const cairn_stream_read_args_t *args, cairn_stream_read_cb cb);

/* cairn_stream_done_t's part in group.c. */
void group_change_done(cairn_group_change_t *req, uint64_t count);
void group_read_done(cairn_group_read_t *req, const cairn_delivery_t *deliveries, size_t count);
void group_info_done(cairn_group_info_t *req, const cairn_group_facts_t *facts);

#endif
