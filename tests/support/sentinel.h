/* A master, its replicas and the sentinels that watch over them, all real, on free loopback ports.
 */
#ifndef TESTS_SUPPORT_SENTINEL_H
#define TESTS_SUPPORT_SENTINEL_H

#include "certs.h"
#include "redis.h"

#define SENTINEL_SERVICE "svc"

enum {
    SENTINELS = 3,
    SENTINEL_SERVERS = 3 /* data servers: one master at a time */
};

typedef struct sentinel_options {
    const char *password; /* of the sentinels; NULL: none */
    certs_t *certs;       /* everybody speaks TLS to everybody; NULL: nobody does */
} sentinel_options_t;

typedef struct sentinel_trio {
    redis_t servers[SENTINEL_SERVERS]; /* the first begins as the master */
    redis_t sentinels[SENTINELS];
    char config[512];
    const char *tls_ca;    /* NULL: no TLS */
    const redis_t *asleep; /* set by who sends SIGSTOP to one: it is not asked */
    char reply[512];
    char url[512];
} sentinel_trio_t;

/* Returns once replicas follow and sentinels know of each other. Ends the program with a message if
 * that cannot be. `options` may be NULL. */
void sentinel_start(sentinel_trio_t *trio, const sentinel_options_t *options);
void sentinel_stop(sentinel_trio_t *trio);

/* redis+sentinel://sentinels/svc[rest], or with TLS
 * rediss+sentinel://sentinels/svc?tls_ca_file=...[rest]; good until the next call. */
const char *sentinel_url(sentinel_trio_t *trio, const char *rest);

/* The master by what most sentinels say; awaited to be one that is running and says so itself. */
redis_t *sentinel_master(sentinel_trio_t *trio);

/* The same, once it is another than `old`, with all others running following it. */
redis_t *sentinel_await_other(sentinel_trio_t *trio, const redis_t *old);

/* NULL where the test would fail: for threads that are not the test's. */
redis_t *sentinel_try_await_other(sentinel_trio_t *trio, const redis_t *old);

/* Starts what was killed and waits until every server follows one master, and all sentinels know.
 */
void sentinel_mend(sentinel_trio_t *trio);
bool sentinel_try_mend(sentinel_trio_t *trio);

/* Prints what each says and has logged since it was started, for whoever has to find out why they
 * do not agree. What waits in vain does so itself. */
void sentinel_explain(sentinel_trio_t *trio);

#endif
