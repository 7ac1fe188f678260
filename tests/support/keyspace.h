/* What the saver keeps on a Redis server, looked at from behind (bench/saver_check.h), of a server
 * that has nothing else. */
#ifndef TESTS_SUPPORT_KEYSPACE_H
#define TESTS_SUPPORT_KEYSPACE_H

#include "redis.h"

#include <stddef.h>

/* Of each kind that is counted, the first is named, escaped. */
typedef struct keyspace {
    size_t keys;
    size_t without_ttl;
    size_t orphans;
    char key[256];
    char persistent[256];
    char orphan[256];
} keyspace_t;

/* Orphans are
 *   - values that no checkpoint names, or that live longer or shorter than those that do;
 *   - checkpoints and writes that their thread, the list of all or their run does not list, that
 *     lack each other, or that expire at another time than is written down;
 *   - entries of such a list that name what is not there, unless they are known to have expired,
 *     when the next who comes by takes them away;
 *   - lists that go before what they list, or stay long after it;
 *   - values whose users were not counted to the end, and keys of no known kind.
 * Fails the test if the server does not answer. */
void keyspace_check(redis_t *redis, keyspace_t *out);

/* Fails the test if there are orphans. */
#define keyspace_assert_whole(redis) keyspace_assert_whole_at((redis), __FILE__, __LINE__)
void keyspace_assert_whole_at(redis_t *redis, const char *file, int line);

/* Fails the test unless there are no keys at all, soon if not now: what expires goes when it goes.
 */
void keyspace_await_empty(redis_t *redis);

#endif
