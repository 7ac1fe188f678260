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

/* ---- redis_group_letters.c: dead letters of a cluster ---- */

/* What group_read.lua says in the place of a time: letters follow. */
#define REDIS_GROUP_LETTERS (-3)

/* Takes away the letters of a reply, and asks the command, which has just been answered with them,
 * again. The request keeps `wait` (NULL: none) for as long. On <0 nothing has been done. */
CAIRN_MUST_USE int redis_letters_of_read(redis_backend_t *redis, cairn_req_t *req,
                                         cairn_slice_t command, redis_reply_t *letters,
                                         redis_wait_t *wait);

/* The same of all letters that naks have left, of whom `command` was the last; then the request is
 * done with `count`. */
CAIRN_MUST_USE int redis_letters_of_nak(redis_backend_t *redis, cairn_req_t *req,
                                        cairn_slice_t command, int64_t count);

/* ---- redis_group_wait.c ---- */

/* The request, which keeps nothing, asks again; or its wait does. UV_ENOMEM. */
CAIRN_MUST_USE int redis_group_resume(redis_backend_t *redis, cairn_req_t *req, redis_wait_t *wait,
                                      cairn_slice_t command);

/* Its request is over. */
void redis_wait_drop(redis_wait_t *wait);

/* The name, escaped, as an argument. */
char *redis_group_arg(char *out, cairn_slice_t group);

#endif
