/* Calls of scripts that must be carried out though nobody waits for them, or their caller has been
 * told of a failure: what a put has left to do. They survive the link, and are made again after a
 * pause when they are refused, whatever the reason, as long as the handle lives. Any of them may be
 * carried out twice. */
#ifndef CAIRN_REDIS_INSIST_H
#define CAIRN_REDIS_INSIST_H

#include "redis_backoff.h"
#include "redis_reply.h"

#include <cairn/request.h>

struct redis_backend;
struct redis_insist_call;

typedef struct redis_insist {
    cairn_req_t req;                        /* for whom they are made: never told */
    struct redis_insist_call *first, *last; /* refused, to be made again */
    size_t bytes;                           /* of them */
    cairn_deadline_t pause;
    redis_backoff_t backoff;
} redis_insist_t;

/* Makes a call. Copies it. */
void redis_insist(struct redis_backend *redis, cairn_slice_t call);

/* The answer to such a call, of redis->insist.req. */
void redis_insist_answered(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail);

/* No more of it. */
void redis_insist_close(struct redis_backend *redis);

#endif
