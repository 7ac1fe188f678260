/* What waited on a connection while it was not known that the server is a node of a cluster. What
 * is published to topics goes as it is, or waits for the map where topics are sharded. Nothing else
 * is encoded before it is known (redis_early.h); should what was one server come back as a cluster,
 * it is refused: nothing of it was carried out. */
#include "redis_route.h"

#include "redis_cmd.h"

#include <cairn/sys/alloc.h>
#include <string.h>

static const char refusal[] =
    "asked for before the server was known to be a node of a cluster, where it goes otherwise: "
    "ask again";

static bool is_publish(cairn_slice_t bytes)
{
    return bytes.len >= REDIS_PUBLISH_SIZE &&
           memcmp(bytes.ptr, REDIS_PUBLISH, REDIS_PUBLISH_SIZE) == 0;
}

static bool hold(redis_cluster_t *cluster, const redis_entry_t *entry, cairn_slice_t bytes)
{
    const size_t more = REDIS_SPUBLISH_SIZE - REDIS_PUBLISH_SIZE;
    char *sharded = cairn_malloc(bytes.len + more);
    if (!sharded) return false;
    memcpy(sharded, REDIS_SPUBLISH, REDIS_SPUBLISH_SIZE);
    memcpy(sharded + REDIS_SPUBLISH_SIZE, bytes.ptr + REDIS_PUBLISH_SIZE,
           bytes.len - REDIS_PUBLISH_SIZE);
    const bool done = redis_cluster_hold(cluster, entry, cairn_slice(sharded, bytes.len + more));
    cairn_free(sharded);
    return done;
}

static bool take(void *ctx, const redis_entry_t *entry, cairn_slice_t bytes)
{
    redis_cluster_t *cluster = ctx;
    if (!is_publish(bytes)) return redis_cluster_park(cluster, entry, bytes, 0, refusal);
    if (cluster->route->shards_topics) return hold(cluster, entry, bytes);
    return redis_cluster_park(cluster, entry, bytes, 0, NULL);
}

void redis_cluster_adopt(redis_cluster_t *cluster)
{
    redis_pool_t *pool = &cluster->route->one.pool;
    for (size_t i = 1; i < pool->count; i++)
        if (pool->conns[i]->state == REDIS_CONN_WAITING)
            redis_conn_give_away(pool->conns[i], take, cluster);
    redis_conn_give_away(&cluster->route->one.commands, take, cluster);
    redis_cluster_put_back(cluster);
}
