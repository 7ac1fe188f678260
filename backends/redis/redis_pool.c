#include "redis_pool.h"

#include <cairn/sys/alloc.h>

enum {
    BUCKETS = 1024,
    NAME_SHIFT = 16,
    BUSY_BYTES = 65536,
    LOOKS = 4 /* for idle connections, in the time they may be idle */
};

/* ---- which are how busy ---- */

static size_t outstanding(const redis_conn_t *conn)
{
    const redis_in_t *in = &conn->in;
    size_t bytes = redis_out_held(&conn->out);
    if (in->tail > in->head) bytes += (size_t)redis_frame_missing(&in->frame, in->tail - in->head);
    return bytes;
}

static bool is_busy(const redis_pool_t *pool, const redis_conn_t *conn)
{
    return redis_queue_owed(&conn->queue) >= pool->terms.spread_after ||
           outstanding(conn) >= BUSY_BYTES;
}

static bool is_there(const redis_conn_t *conn)
{
    return conn->state != REDIS_CONN_CLOSED && conn->state != REDIS_CONN_CLOSING;
}

bool redis_pool_is_ready(const redis_pool_t *pool)
{
    for (size_t i = 0; i < pool->count; i++)
        if (pool->conns[i]->state == REDIS_CONN_READY) return true;
    return false;
}

/* ---- one more ---- */

/* NULL: there may be none, or there is no memory for it. */
static redis_conn_t *another(redis_pool_t *pool)
{
    for (size_t i = 1; i < pool->count; i++)
        if (pool->conns[i]->state == REDIS_CONN_CLOSED) return pool->conns[i];
    if (pool->count == pool->terms.most) return NULL;
    redis_conn_t **grown = cairn_realloc(pool->conns, (pool->count + 1) * sizeof *grown);
    if (!grown) return NULL;
    pool->conns = grown;
    redis_conn_t *conn = cairn_calloc(1, sizeof *conn);
    if (conn) pool->conns[pool->count++] = conn;
    return conn;
}

static void look_for_idle(uv_timer_t *timer);

static void look_later(redis_pool_t *pool)
{
    if (pool->terms.idle_ms == 0 || uv_is_active((uv_handle_t *)&pool->timer)) return;
    const uint64_t period_ms = pool->terms.idle_ms / LOOKS + 1;
    uv_timer_start(&pool->timer, look_for_idle, period_ms, period_ms);
}

/* One at a time, and only to a server that is there. */
static void open_another(redis_pool_t *pool)
{
    for (size_t i = 0; i < pool->count; i++)
        if (is_there(pool->conns[i]) && pool->conns[i]->state != REDIS_CONN_READY) return;
    redis_conn_t *conn = another(pool);
    if (!conn) return;
    const redis_tally_t tally = conn->tally; /* counts on */
    memset(conn, 0, sizeof *conn);
    conn->tally = tally;
    conn->used_ms = uv_now(pool->timer.loop);
    pool->terms.open(pool, conn);
    look_later(pool);
}

/* ---- those that have nothing to do ---- */

static void retire(redis_pool_t *pool, redis_conn_t *conn)
{
    for (size_t i = 0; i < BUCKETS; i++)
        if (pool->buckets[i].conn == conn) pool->buckets[i].conn = NULL;
    if (pool->current == conn) pool->current = pool->conns[0];
    redis_conn_close(conn);
}

static void look_for_idle(uv_timer_t *timer)
{
    redis_pool_t *pool = timer->data;
    const uint64_t now_ms = uv_now(timer->loop);
    size_t left = 0;
    for (size_t i = 1; i < pool->count; i++) {
        redis_conn_t *conn = pool->conns[i];
        if (!is_there(conn)) continue;
        const bool works = conn->used || redis_queue_owed(&conn->queue) > 0;
        conn->used = false;
        if (works) conn->used_ms = now_ms;
        if (now_ms - conn->used_ms >= pool->terms.idle_ms)
            retire(pool, conn);
        else
            left++;
    }
    if (left == 0) uv_timer_stop(timer);
}

/* ---- the choice ---- */

/* In equality the one that was opened first: so the last have nothing to do, and are closed. */
static redis_conn_t *least_busy(redis_pool_t *pool)
{
    redis_conn_t *best = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < pool->count && least > 0; i++) {
        redis_conn_t *conn = pool->conns[i];
        if (conn->state != REDIS_CONN_READY) continue;
        const size_t bytes = outstanding(conn);
        if (best && bytes >= least) continue;
        best = conn;
        least = bytes;
    }
    if (!best) return pool->conns[0];
    if (is_busy(pool, best)) open_another(pool);
    return best;
}

/* Whether it must go where those before it went. What was put off is behind all that is there. */
static bool is_held(const redis_bucket_t *bucket)
{
    const redis_conn_t *conn = bucket->conn;
    if (!conn || (int64_t)(bucket->last - conn->queue.head) < 0) return false;
    return conn->state == REDIS_CONN_READY || redis_queue_owed(&conn->queue) > 0;
}

static redis_bucket_t *bucket_of(redis_pool_t *pool, uint64_t hash)
{
    return &pool->buckets[hash % BUCKETS];
}

/* Never 0. */
static uint32_t name_of(const redis_pool_t *pool, const redis_bucket_t *bucket)
{
    _Static_assert((BUCKETS << NAME_SHIFT & REDIS_CMD_NAME) == BUCKETS << NAME_SHIFT,
                   "it has room");
    return (uint32_t)(bucket - pool->buckets + 1) << NAME_SHIFT;
}

static void take(redis_pool_t *pool, redis_conn_t *conn)
{
    conn->used = true;
    pool->current = conn;
}

uint64_t redis_pool_hash(cairn_slice_t name)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.ptr[i]) * UINT64_C(1099511628211);
    return hash ^ hash >> 32;
}

void redis_pool_choose(redis_pool_t *pool, uint64_t hash)
{
    redis_bucket_t *bucket = bucket_of(pool, hash);
    redis_conn_t *conn = is_held(bucket) ? bucket->conn : least_busy(pool);
    *bucket = (redis_bucket_t){conn, conn->queue.tail};
    conn->name = name_of(pool, bucket);
    take(pool, conn);
}

/* Where only one is at work, behind all that it has to do. */
void redis_pool_choose_any(redis_pool_t *pool)
{
    redis_conn_t *working = NULL;
    size_t count = 0;
    for (size_t i = 0; i < pool->count && count < 2; i++) {
        redis_conn_t *conn = pool->conns[i];
        if (conn->state != REDIS_CONN_READY || redis_queue_owed(&conn->queue) == 0) continue;
        working = conn;
        count++;
    }
    take(pool, count == 1 ? working : least_busy(pool));
    pool->current->name = 0;
}

bool redis_pool_join(redis_pool_t *pool, uint64_t hash)
{
    redis_bucket_t *bucket = bucket_of(pool, hash);
    redis_conn_t *conn = pool->current;
    if (is_held(bucket) && bucket->conn != conn) return false;
    *bucket = (redis_bucket_t){conn, conn->queue.tail};
    conn->used = true;
    return true;
}

bool redis_pool_is_held(redis_pool_t *pool, uint64_t hash)
{
    return redis_pool_has_choice(pool) && is_held(bucket_of(pool, hash));
}

void redis_pool_turn_to(redis_pool_t *pool, redis_conn_t *conn, uint64_t hash)
{
    pool->current = conn;
    conn->name = name_of(pool, bucket_of(pool, hash));
}

static void put_in(redis_bucket_t *bucket, redis_conn_t *conn, uint64_t seq)
{
    if (bucket->conn == conn) bucket->last = seq;
}

void redis_pool_put_in(redis_pool_t *pool, redis_conn_t *conn, uint64_t hash, uint64_t seq)
{
    put_in(bucket_of(pool, hash), conn, seq);
}

void redis_pool_put_in_named(redis_pool_t *pool, redis_conn_t *conn, uint64_t seq)
{
    put_in(&pool->buckets[(conn->name >> NAME_SHIFT) - 1], conn, seq);
}

/* ---- the server is lost, and found ---- */

void redis_pool_hold(redis_pool_t *pool)
{
    for (size_t i = 1; i < pool->count; i++) redis_conn_hold(pool->conns[i]);
}

void redis_pool_hurry(redis_pool_t *pool)
{
    for (size_t i = 1; i < pool->count; i++) redis_conn_hurry(pool->conns[i]);
}

/* ---- life ---- */

int redis_pool_init(redis_pool_t *pool, redis_conn_t *first, const redis_pool_terms_t *terms)
{
    *pool = (redis_pool_t){.terms = *terms, .current = first};
    if (terms->most < 2) return 0;
    pool->conns = cairn_malloc(sizeof *pool->conns);
    pool->buckets = cairn_calloc(BUCKETS, sizeof *pool->buckets);
    if (!pool->conns || !pool->buckets) {
        redis_pool_free(pool);
        return UV_ENOMEM;
    }
    pool->conns[pool->count++] = first;
    return 0;
}

void redis_pool_start(redis_pool_t *pool, uv_loop_t *loop)
{
    if (!redis_pool_has_choice(pool)) return;
    uv_timer_init(loop, &pool->timer);
    pool->timer.data = pool;
}

static void on_timer_closed(uv_handle_t *handle)
{
    redis_pool_t *pool = handle->data;
    pool->terms.closed(pool);
}

void redis_pool_close(redis_pool_t *pool)
{
    if (!redis_pool_has_choice(pool)) return;
    for (size_t i = 1; i < pool->count; i++)
        if (is_there(pool->conns[i])) redis_conn_close(pool->conns[i]);
    uv_close((uv_handle_t *)&pool->timer, on_timer_closed);
}

void redis_pool_free(redis_pool_t *pool)
{
    for (size_t i = 1; i < pool->count; i++) cairn_free(pool->conns[i]);
    cairn_free(pool->conns);
    cairn_free(pool->buckets);
    pool->conns = NULL;
    pool->buckets = NULL;
    pool->count = 0;
}
