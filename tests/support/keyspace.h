/* What the saver keeps on a Redis server, looked at from behind: keys without a TTL, and what
 * nothing refers to any more. It knows how keys are spelt (backends/redis/redis_keys.h) and what is
 * remembered of objects (backends/redis/scripts/lib_objects.lua). */
#ifndef TESTS_SUPPORT_KEYSPACE_H
#define TESTS_SUPPORT_KEYSPACE_H

#include "redis.h"

#include <stddef.h>

/* Of each kind that is counted, one is named, escaped. */
typedef struct keyspace {
    size_t keys;
    size_t without_ttl;
    size_t orphans;
    char key[256];
    char persistent[256];
    char orphan[256];
} keyspace_t;

/* Orphans are
 *   - values that no checkpoint names, and writes and checkpoints that no index lists;
 *   - namespaces that their thread does not list, and those it lists that have nothing;
 *   - entries of an index, of the list of all checkpoints and of runs whose checkpoint is not
 * there, unless they are known to have expired, when the next who comes by takes them away. Fails
 * the test if the server does not answer. */
void keyspace_check(redis_t *redis, keyspace_t *out);

/* Fails the test unless there are no keys at all, soon if not now: what expires goes when it goes.
 */
void keyspace_await_empty(redis_t *redis);

#endif
