/* User and password of a connection: of its options for ever, or asked for each time. */
#ifndef CAIRN_REDIS_CREDENTIALS_H
#define CAIRN_REDIS_CREDENTIALS_H

#include "redis_hello.h"

#include <cairn/sys/backend.h>
#include <cairn/sys/credentials.h>

struct redis_conn;

typedef struct redis_credentials {
    struct redis_conn *conn;
    redis_hello_options_t hello;  /* those of the connection, with the credentials of now */
    cairn_task_t task;            /* asks, or goes on with the answer */
    cairn_credentials_ask_t *ask; /* that is out */
    bool answered;
    bool live;  /* asked for a connection that is in use */
    bool deaf;  /* to be said: the connection in use cannot be told */
    bool stale; /* to be asked for again, once the connection is ready */
    int status;
    char *texts; /* what was given, or why nothing was; ours, wiped when it has been said */
    size_t texts_size;
} redis_credentials_t;

/* Says HELLO, at once or when there is an answer. */
void redis_credentials_greet(struct redis_conn *conn);

/* The handshake is over. */
void redis_credentials_done(struct redis_conn *conn);

/* Asks anew, and says AUTH if the connection is in use; it may be that nothing is to be done. */
void redis_credentials_renew(struct redis_conn *conn);

/* Nobody waits for an answer any more. */
void redis_credentials_withdraw(struct redis_conn *conn);

#endif
