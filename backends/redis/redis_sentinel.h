/* Where the master is: asked of sentinels, one behind the other until one knows, over a connection
 * that then stays and listens for news of a switch.
 *
 * What the sentinel asked last says, counts. If an attempt to connect to where it said comes to
 * nothing, another is asked. Those of the URL are complemented by those they know of. */
#ifndef CAIRN_REDIS_SENTINEL_H
#define CAIRN_REDIS_SENTINEL_H

#include "redis_conn.h"

typedef struct redis_sentinel redis_sentinel_t;

/* What it tells; each may close it. */
typedef struct redis_sentinel_events {
    /* Somebody asked, or the master has moved, or it is the same still. */
    void (*found)(redis_sentinel_t *sentinel, const redis_address_t *master);
    /* None of them says where it is. */
    void (*unknown)(redis_sentinel_t *sentinel, int status, const char *detail);
    void (*closed)(redis_sentinel_t *sentinel);
} redis_sentinel_events_t;

struct redis_sentinel {
    void *data; /* the owner's */
    const redis_sentinel_events_t *events;
    const char *service;   /* borrowed */
    uint64_t patience_ms;  /* for all of them, and the server */
    uint64_t ask_again_ms; /* without being asked */
    redis_conn_options_t options;
    redis_addresses_t known;
    size_t turn;      /* who is asked, or next */
    size_t failed;    /* so many in a row, to answer */
    bool asking;      /* an answer is to come */
    bool doubted;     /* what was said last led nowhere */
    int open;         /* handles */
    uv_timer_t timer; /* the answer's deadline, or when to ask again */
    redis_conn_t link;
};

/* NULL: out of memory. Freed by its close, or by cairn_free if it is never opened. */
redis_sentinel_t *redis_sentinel_new(void);

/* Never fails; begins to connect. `of` is like the connections that ask, but that places and
 * `hello` are the sentinels': the places move into it. */
void redis_sentinel_open(redis_sentinel_t *sentinel, const cairn_host_t *host,
                         cairn_hiredis_uv_t *group, const redis_conn_options_t *of,
                         const char *service, const redis_sentinel_events_t *events);

/* events->closed follows; the memory goes with it. */
void redis_sentinel_close(redis_sentinel_t *sentinel);

/* `found` or `unknown` follows, for all who ask meanwhile. */
void redis_sentinel_ask(redis_sentinel_t *sentinel);

/* What was found led nowhere: another is asked next. */
void redis_sentinel_doubt(redis_sentinel_t *sentinel);

#endif
