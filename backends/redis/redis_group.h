/* Groups on Redis: what redis_group.c and redis_group_wait.c share. */
#ifndef CAIRN_REDIS_GROUP_H
#define CAIRN_REDIS_GROUP_H

#include "redis_stream.h"

/* What scripts say of a group that is not there. */
#define REDIS_GROUP_MISSING (-1)

/* Whether it is that; then `status` and `detail` say so. */
bool redis_group_is_missing(int64_t answer, int *status, cairn_slice_t *detail);

/* Digits of the cursor that a read or claim has for its last argument. */
#define REDIS_GROUP_CURSOR 20

/* Puts in the command again that has just been answered, with another cursor if one is given.
 * UV_ENOMEM. */
CAIRN_MUST_USE int redis_group_ask_again(redis_conn_t *conn, cairn_req_t *req, const char *cursor,
                                         redis_answer_fn answer, bool idempotent);

/* The name, escaped, as an argument. */
char *redis_group_arg(char *out, cairn_slice_t group);

#endif
