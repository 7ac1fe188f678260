/* The handshake: what is said before the first command of a connection.
 *
 *     HELLO 3 [AUTH user password] [SETNAME name]      first, and alone
 *     [AUTH ...]  [CLIENT SETNAME]                     only where HELLO is not understood: RESP2
 *     [ROLE]                                           where that has not said it
 *     [CLUSTER INFO]                                   where that has not said it, and who asks
 *     [READONLY]                                       then, at a replica that is read from
 *     [SELECT db] CLIENT SETINFO ...
 *
 * A pure state machine between answers and an output window. */
#ifndef CAIRN_REDIS_HELLO_H
#define CAIRN_REDIS_HELLO_H

#include "redis_out.h"
#include "redis_reply.h"

typedef struct redis_hello_options {
    uint64_t protocol; /* 0: 3 or else 2 */
    uint64_t db;
    const char *username; /* NULL: the default user */
    const char *password; /* NULL: none */
    const char *client_name;
    bool master_only; /* a server that says it is a replica is refused: CAIRN_EREADONLY */
    bool asks_mode; /* where HELLO does not tell whether it is a node of a cluster, that is asked */
    bool
        reads_only; /* a replica of a cluster's: it is told READONLY, lest it says MOVED to reads */
} redis_hello_options_t;

/* What an answer of the second round is to. */
typedef enum redis_hello_step {
    HELLO_STEP_AUTH,
    HELLO_STEP_SELECT,
    HELLO_STEP_READONLY,
    HELLO_STEP_ROLE,
    HELLO_STEP_MODE,    /* may fail: no cluster, then */
    HELLO_STEP_COURTESY /* may fail: older servers, restricted users */
} redis_hello_step_t;

#define REDIS_HELLO_STEPS 6

typedef struct redis_hello {
    int protocol; /* 2 or 3, once known */
    bool begun;   /* HELLO is said */
    bool greeted; /* and answered */
    uint8_t steps[REDIS_HELLO_STEPS];
    uint8_t step_count;
    uint8_t step;   /* the one answered next */
    bool is_master; /* it has said so */
    bool says_mode; /* and whether it is a node of a cluster */
    bool is_cluster;
    bool vector_sets; /* the server says that it has them */
    char server[48];  /* "redis 7.0.15", or "redis" where the server does not tell */
    char detail[320]; /* why it failed */
} redis_hello_t;

/* Encodes the first command. UV_ENOMEM. */
CAIRN_MUST_USE int redis_hello_begin(redis_hello_t *hello, const redis_hello_options_t *options,
                                     redis_out_t *out);

/* Takes one answer. 1: the connection is ready; 0: go on (maybe `out` has more to send); <0: it
 * failed, `detail` says how, without the password. */
CAIRN_MUST_USE int redis_hello_answer(redis_hello_t *hello, const redis_hello_options_t *options,
                                      redis_reply_t *reply, redis_out_t *out);

#endif
