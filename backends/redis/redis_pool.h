/* The connections that take commands: one, or several where max_connections lets there be.
 *
 * A request names what it is about: a thread, a namespace, a stream, a topic. Of those that name
 * the same, none overtakes another: as long as the last is not answered, the next goes to the same
 * connection. Else it goes to the one with the fewest bytes outstanding. Who names nothing, or is
 * ordered by one of several names only, sees of the others what was answered before.
 *
 * Names are known by a hash, in a table of fixed size: others in the same place only share a
 * connection for a while. */
#ifndef CAIRN_REDIS_POOL_H
#define CAIRN_REDIS_POOL_H

#include "redis_conn.h"

typedef struct redis_pool redis_pool_t;

typedef struct redis_bucket {
    redis_conn_t *conn;
    uint64_t last; /* the number there of the last request that named it */
} redis_bucket_t;

typedef struct redis_pool_terms {
    size_t most; /* connections */
    uint64_t spread_after;
    uint64_t idle_ms;
    void (*open)(redis_pool_t *pool, redis_conn_t *conn);
    void (*closed)(redis_pool_t *pool);
} redis_pool_terms_t;

struct redis_pool {
    redis_pool_terms_t terms;
    /* The one that the request at hand goes to, or has its answer from. */
    redis_conn_t *current;
    redis_bucket_t *buckets; /* NULL: one connection does for all */
    redis_conn_t **conns;    /* the first is the owner's; the others are opened when needed */
    size_t count;
    uv_timer_t timer; /* for those that have nothing to do */
};

/* UV_ENOMEM. */
CAIRN_MUST_USE int redis_pool_init(redis_pool_t *pool, redis_conn_t *first,
                                   const redis_pool_terms_t *terms);
void redis_pool_free(redis_pool_t *pool);

/* Before the first opens. */
void redis_pool_start(redis_pool_t *pool, uv_loop_t *loop);

/* Closes all but the first. With a choice terms.closed follows. */
void redis_pool_close(redis_pool_t *pool);

static inline bool redis_pool_has_choice(const redis_pool_t *pool)
{
    return pool->buckets != NULL;
}

uint64_t redis_pool_hash(cairn_slice_t name);

/* A request that names this is put in next: makes `current` the connection for it. */
void redis_pool_choose(redis_pool_t *pool, uint64_t hash);

/* The same for one that names nothing. */
void redis_pool_choose_any(redis_pool_t *pool);

/* It names this as well: the same connection for what comes. False: another is still busy with it.
 */
bool redis_pool_join(redis_pool_t *pool, uint64_t hash);

/* What is put in next goes to this connection, or was answered there, and names this. */
void redis_pool_turn_to(redis_pool_t *pool, redis_conn_t *conn, uint64_t hash);

/* What is about this has been put in. */
void redis_pool_put_in(redis_pool_t *pool, redis_conn_t *conn, uint64_t hash, uint64_t seq);

/* The same of conn->name: what a request does next is as much about it as what it did first. */
void redis_pool_put_in_named(redis_pool_t *pool, redis_conn_t *conn, uint64_t seq);

/* Whether a request that named this is not answered yet. */
bool redis_pool_is_held(redis_pool_t *pool, uint64_t hash);

/* Whether there is a connection that is ready. */
bool redis_pool_is_ready(const redis_pool_t *pool);

/* redis_conn_hold and redis_conn_hurry, of all but the first. */
void redis_pool_hold(redis_pool_t *pool);
void redis_pool_hurry(redis_pool_t *pool);

#endif
