/* The commands a connection owes an answer for, oldest first: a ring addressed by sequence number,
 * so that one can be given up (its answer then goes to nobody) without a search. */
#ifndef CAIRN_REDIS_QUEUE_H
#define CAIRN_REDIS_QUEUE_H

#include "redis_reply.h"

/* Status 0: `reply` is at the answer, which is not an error. <0: `reply` is NULL and `detail`,
 * borrowed, says why in words. */
typedef void (*redis_answer_fn)(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail);

enum {
    REDIS_CMD_IDEMPOTENT = 1,   /* may be sent again if the link is lost before the answer */
    REDIS_CMD_NO_RETRY = 2,     /* told of the first refusal, though it could be sent again */
    REDIS_CMD_TRANSIENT = 128,  /* void once the link is lost: its owner says it anew */
    REDIS_CMD_SUBSCRIPTION = 4, /* answered by a push */
    REDIS_CMD_VOID = 8,         /* not sent and never will be: no answer comes */
    REDIS_CMD_SCRIPT = 16, /* of a request, and to be sent again if the server lacks a script */
    REDIS_CMD_BEGUN = 32,  /* carried out before, but for a script that the server lacked */
    REDIS_CMD_JOINT = 64,  /* a transaction of several requests: who asked sees to errors among its
                               results */
    REDIS_CMD_SENT = 256,  /* on a link that was lost before the answer */
    REDIS_CMD_REQUEST = 512, /* ctx is a cairn_req_t, which knows where it is */
    REDIS_CMD_HOP = 1024,    /* counts how often a cluster has sent it elsewhere, in four bits */
    REDIS_CMD_AGAIN = 16384, /* how often it was sent again for want of a script, in two bits */
    /* With REDIS_CMD_SUBSCRIPTION, which is never joint: SUNSUBSCRIBE and, behind it, REDIS_LEFT,
     * whose answer is that of both. */
    REDIS_CMD_LEAVES = REDIS_CMD_JOINT
};

/* A node says "sunsubscribe" when it loses the slot, too, and then answers MOVED to who asked for
 * it: so neither tells whether the command was answered. */
#define REDIS_LEFT "*1\r\n$4\r\nPING\r\n"

#define REDIS_CMD_HOPS (15u * REDIS_CMD_HOP)
#define REDIS_CMD_AGAINS (3u * REDIS_CMD_AGAIN)

/* The bits of the flags that are the pool's (redis_pool.h). */
#define REDIS_CMD_NAME UINT32_C(0xffff0000)

typedef struct redis_entry {
    redis_answer_fn answer;
    void *ctx;      /* NULL: nobody waits any more */
    size_t bytes;   /* of the command, or all of a transaction, in the connection's output */
    uint32_t flags; /* and the pool's name of what it is about */
    uint32_t skip;  /* replies that come before the one that answers */
} redis_entry_t;

typedef struct redis_queue {
    redis_entry_t *entries;
    uint64_t mask;
    uint64_t head;  /* sequence number of the oldest */
    uint64_t tail;  /* and of the next to come */
    uint64_t voids; /* entries between them that are REDIS_CMD_VOID */
} redis_queue_t;

/* Zero it before use. */
void redis_queue_free(redis_queue_t *queue);

bool redis_queue_grow(redis_queue_t *queue);

static inline uint64_t redis_queue_count(const redis_queue_t *queue)
{
    return queue->tail - queue->head;
}

/* Commands that an answer is owed for, or will be. */
static inline uint64_t redis_queue_owed(const redis_queue_t *queue)
{
    return redis_queue_count(queue) - queue->voids;
}

static inline redis_entry_t *redis_queue_at(const redis_queue_t *queue, uint64_t seq)
{
    return &queue->entries[seq & queue->mask];
}

/* Lets void entries at the head go. */
static inline void redis_queue_skip_voids(redis_queue_t *queue)
{
    while (queue->voids > 0 && (redis_queue_at(queue, queue->head)->flags & REDIS_CMD_VOID)) {
        queue->head++;
        queue->voids--;
    }
}

/* Makes sure that the next push succeeds; false if out of memory. */
static inline bool redis_queue_reserve(redis_queue_t *queue)
{
    return (queue->entries && redis_queue_count(queue) <= queue->mask) || redis_queue_grow(queue);
}

/* Returns the sequence number. */
static inline uint64_t redis_queue_push(redis_queue_t *queue, redis_entry_t entry)
{
    *redis_queue_at(queue, queue->tail) = entry;
    return queue->tail++;
}

#endif
