#include "store_cluster.h"

#ifdef CAIRN_WITH_REDIS

#include "check.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#define DIRECTORY "langgraph:store_directory"

enum {
    MASTERS = 3,
    SHARDS = 16
};

cluster_t store_cluster;

void store_cluster_start_as(int argc, char **argv)
{
    const cluster_options_t options = {.masters = MASTERS, .replicas = -1};
    cluster_suite_start(&store_cluster, &options, argc, argv);
    store_backend = (store_backend_t){.clear = store_cluster_clear,
                                      .assert_empty = store_cluster_assert_empty,
                                      .clock_slack_us = 2000};
}

void store_cluster_start(void)
{
    store_cluster_start_as(1, NULL);
}

void store_cluster_stop(void)
{
    cluster_suite_stop(&store_cluster);
}

const char *store_cluster_url(const char *rest)
{
    return cluster_suite_url(&store_cluster, rest);
}

void store_cluster_clear(void)
{
    for (int node = 0; node < MASTERS; node++) (void)cluster_ask(&store_cluster, node, "FLUSHALL");
}

static size_t keys_left(char *one, size_t size)
{
    size_t count = 0;
    for (int node = 0; node < MASTERS; node++) {
        redisReply *reply = cluster_command(&store_cluster, node, "KEYS *");
        for (size_t i = 0; i < reply->elements; i++) {
            if (strncmp(reply->element[i]->str, DIRECTORY, strlen(DIRECTORY)) == 0) continue;
            count++;
            snprintf(one, size, "%s", reply->element[i]->str);
        }
        freeReplyObject(reply);
    }
    return count;
}

void store_cluster_assert_empty(void)
{
    char key[256];
    const uint64_t deadline = uv_hrtime() + 2000000000u;
    size_t left;
    do {
        left = keys_left(key, sizeof key);
    } while (left > 0 && uv_hrtime() < deadline);
    if (left > 0) check_fail("%zu keys are left, as %s", left, key);
}

/* ---- the directory ---- */

int store_cluster_node_of_shard(unsigned shard)
{
    char tag[16];
    snprintf(tag, sizeof tag, "dir:%u", shard);
    return cluster_owner(&store_cluster, cluster_slot(tag));
}

static int64_t ask_shard(unsigned shard, const char *format)
{
    redisReply *reply =
        cluster_command(&store_cluster, store_cluster_node_of_shard(shard), format, shard);
    if (reply->type != REDIS_REPLY_INTEGER) check_fail("%s: no number", format);
    const int64_t number = reply->integer;
    freeReplyObject(reply);
    return number;
}

size_t store_cluster_names(void)
{
    size_t count = 0;
    for (unsigned shard = 0; shard < SHARDS; shard++)
        count += (size_t)ask_shard(shard, "ZCARD " DIRECTORY ":{dir:%u}");
    return count;
}

void store_cluster_age_names(void)
{
    static const char script[] = "for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do "
                                 "redis.call('ZINCRBY', KEYS[1], -3700000, name) end";
    for (unsigned shard = 0; shard < SHARDS; shard++) {
        redisReply *reply = cluster_command(&store_cluster, store_cluster_node_of_shard(shard),
                                            "EVAL %s 1 " DIRECTORY "_age:{dir:%u}", script, shard);
        if (reply->type == REDIS_REPLY_ERROR) check_fail("%s", reply->str);
        freeReplyObject(reply);
    }
}

void store_cluster_expire_names(int64_t ms)
{
    for (unsigned shard = 0; shard < SHARDS; shard++) {
        char format[96];
        snprintf(format, sizeof format, "PEXPIRE " DIRECTORY ":{dir:%%u} %lld", (long long)ms);
        (void)ask_shard(shard, format);
        snprintf(format, sizeof format, "PEXPIRE " DIRECTORY "_age:{dir:%%u} %lld", (long long)ms);
        (void)ask_shard(shard, format);
    }
}

int64_t store_cluster_names_ttl(void)
{
    int64_t longest = -2;
    for (unsigned shard = 0; shard < SHARDS; shard++) {
        const int64_t left = ask_shard(shard, "PTTL " DIRECTORY ":{dir:%u}");
        const int64_t age = ask_shard(shard, "PTTL " DIRECTORY "_age:{dir:%u}");
        if ((left < 0) != (age < 0)) check_fail("a shard's keys do not end together");
        if (left == -1) return -1;
        if (left > longest) longest = left;
    }
    return longest;
}

#endif
