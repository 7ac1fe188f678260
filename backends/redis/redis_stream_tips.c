/* Where streams are believed to end, so that an append can claim the next number by itself
 * (redis_stream_claim.c). It was seen when the last append of this handle was answered.
 *
 * A claim that is refused costs more than others save, and one that something comes behind more
 * than it saves: then the next comes only when some appends, by the script, have met nobody else,
 * nor each other. The more so, the more often that happens. */
#include "redis_stream.h"

#include <cairn/sys/alloc.h>

enum {
    SLOTS = 4096,
    MOST_PENALTY = 64
};

uint64_t redis_stream_hash(cairn_slice_t id)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < id.len; i++) hash = (hash ^ (unsigned char)id.ptr[i]) * 1099511628211u;
    return hash ^ hash >> 32;
}

redis_tip_t *redis_tips_find(const redis_backend_t *redis, cairn_slice_t stream)
{
    if (!redis->tips) return NULL;
    const uint64_t hash = redis_stream_hash(stream);
    redis_tip_t *tip = &redis->tips[hash % SLOTS];
    return tip->hash == hash ? tip : NULL;
}

redis_tip_t *redis_tips_take(redis_backend_t *redis, cairn_slice_t stream)
{
    if (!redis->tips) redis->tips = cairn_calloc(SLOTS, sizeof *redis->tips);
    if (!redis->tips) return NULL;
    const uint64_t hash = redis_stream_hash(stream);
    redis_tip_t *tip = &redis->tips[hash % SLOTS];
    if (tip->hash == hash) return tip;
    if (tip->in_flight > 0) return NULL;
    *tip = (redis_tip_t){.hash = hash};
    return tip;
}

void redis_tips_forget(redis_backend_t *redis, cairn_slice_t stream)
{
    redis_tip_t *tip = redis_tips_find(redis, stream);
    if (!tip) return;
    tip->last = 0;
    tip->stamp++;
}

void redis_tip_told(redis_tip_t *tip, const redis_conn_t *conn, uint64_t last, bool alone)
{
    const bool was_only = tip->last > 0 && last == tip->last + 1;
    tip->last = last;
    tip->conn = conn;
    tip->losses = conn->tally.losses;
    if (tip->waits > 0 && alone && was_only) tip->waits--;
}

void redis_tip_claimed(redis_tip_t *tip)
{
    if (tip->penalty > 0) tip->penalty--;
}

void redis_tip_failed(redis_tip_t *tip, redis_tip_failure_t why)
{
    if (tip->penalty < MOST_PENALTY) tip->penalty = (uint16_t)(tip->penalty + why);
    tip->waits = tip->penalty;
}

bool redis_tip_may_claim(const redis_tip_t *tip, const redis_conn_t *conn, uint64_t now_ms)
{
    return tip->last > 0 && tip->waits == 0 && tip->in_flight == 0 && !tip->has_more &&
           tip->conn == conn && tip->losses == conn->tally.losses && now_ms < tip->until_ms;
}
