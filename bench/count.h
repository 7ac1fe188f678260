/* A fixed number of operations in one function, count_window, and nothing else in it: for tools
 * that count instructions, system calls or allocations, which noise cannot touch. */
#ifndef CAIRN_BENCH_COUNT_H
#define CAIRN_BENCH_COUNT_H

#include "client.h"
#include "count_work.h"

typedef enum count_what {
    COUNT_RECEIVE,   /* messages from a feeder */
    COUNT_PUBLISH,   /* to a feeder, 64 in flight, until answered */
    COUNT_ROUNDTRIP, /* one message at a time, publish to delivery, over a redis-server */
    COUNT_MEMORY,    /* publish to delivery in memory, 64 in flight */
    COUNT_WORK       /* operations of cairn's, 64 in flight, over a redis-server or a cluster */
} count_what_t;

typedef struct count_config {
    count_what_t what;
    count_op_t op;    /* of COUNT_WORK */
    const char *name; /* of both */
    const client_ops_t *client;
    uint64_t messages;
    unsigned masters; /* COUNT_WORK: of a cluster of our own; 0: a redis-server */
    const char *url;  /* for round trip and work, a server's; NULL: one of our own */
} count_config_t;

typedef struct count_result {
    uint64_t messages;
    uint64_t allocations; /* in the window: of cairn, hiredis and libuv together */
} count_result_t;

/* 0, or -1 with a sentence in `error` (of CLIENT_ERROR_MAX). Once in a process. */
int count_run(const count_config_t *config, count_result_t *result, char *error);

#endif
