#include "keyspace.h"

#ifdef CAIRN_WITH_REDIS

#include "check.h"
#include "saver_check.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

void keyspace_check(redis_t *redis, keyspace_t *out)
{
    saver_check_t found;
    char error[SAVER_CHECK_TEXT];
    redisContext *link = redisConnectUnix(redis->server.unix_path);
    if (!link || link->err) check_fail("cannot connect to look at the keys");
    int rc = saver_check_run(link, &found, error);
    redisFree(link);
    if (rc < 0) check_fail("cannot look at the keys: %s", error);
    *out = (keyspace_t){.keys = found.keys + found.others,
                        .without_ttl = found.without_ttl,
                        .orphans = found.orphans + found.others};
    snprintf(out->key, sizeof out->key, "%s", found.keys > 0 ? found.key : found.other);
    snprintf(out->persistent, sizeof out->persistent, "%s", found.persistent[0]);
    snprintf(out->orphan, sizeof out->orphan, "%s",
             found.orphans > 0 ? found.orphan[0] : found.other);
}

void keyspace_assert_whole_at(redis_t *redis, const char *file, int line)
{
    keyspace_t found;
    keyspace_check(redis, &found);
    if (found.orphans > 0)
        check_fail_at(file, line, "%zu orphans, as %s", found.orphans, found.orphan);
}

void keyspace_await_empty(redis_t *redis)
{
    keyspace_t found;
    uint64_t deadline = uv_hrtime() + 2000000000u;
    do {
        keyspace_check(redis, &found);
    } while (found.keys > 0 && uv_hrtime() < deadline);
    if (found.keys > 0) check_fail("%zu keys are left, as %s", found.keys, found.key);
}

#endif
