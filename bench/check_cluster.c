#include "check_cluster.h"
#include "link.h"
#include "link_place.h"
#include "slot.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ranges of slots and who has them, as CLUSTER SLOTS says. */
typedef struct range {
    long long first, last;
    link_place_t master;
} range_t;

typedef struct map {
    range_t *ranges;
    size_t count;
} map_t;

static int fail(char *error, const char *what, const char *why)
{
    snprintf(error, SAVER_CHECK_TEXT, "%.100s: %.140s", what, why);
    return -1;
}

bool check_cluster_is_node(redisContext *link)
{
    redisReply *info = redisCommand(link, "INFO cluster");
    const bool says_so =
        info && info->type != REDIS_REPLY_ERROR && strstr(info->str, "cluster_enabled:1");
    freeReplyObject(info);
    return says_so;
}

/* ---- the map ---- */

/* {first, last, {host, port, ...}, ...}; without a host it is the one that is asked. */
static bool read_range(const redisContext *link, const redisReply *reply, range_t *range)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 3) return false;
    const redisReply *master = reply->element[2];
    if (reply->element[0]->type != REDIS_REPLY_INTEGER ||
        reply->element[1]->type != REDIS_REPLY_INTEGER || master->type != REDIS_REPLY_ARRAY ||
        master->elements < 2 || master->element[1]->type != REDIS_REPLY_INTEGER)
        return false;
    const char *host = master->element[0]->str;
    *range = (range_t){.first = reply->element[0]->integer, .last = reply->element[1]->integer};
    snprintf(range->master.host, sizeof range->master.host, "%s",
             host && *host ? host : link->tcp.host);
    range->master.port = (int)master->element[1]->integer;
    return range->first >= 0 && range->last < SLOTS && range->first <= range->last;
}

static int read_map(redisContext *link, map_t *map, char *error)
{
    redisReply *reply = redisCommand(link, "CLUSTER SLOTS");
    long long covered = 0;
    int rc = 0;
    *map = (map_t){NULL, 0};
    if (!reply || reply->type != REDIS_REPLY_ARRAY) {
        rc = fail(error, "CLUSTER SLOTS", reply && reply->str ? reply->str : link->errstr);
        goto out;
    }
    map->ranges = calloc(reply->elements + 1, sizeof *map->ranges);
    if (!map->ranges) abort();
    for (size_t i = 0; i < reply->elements && rc == 0; i++) {
        range_t *range = &map->ranges[map->count++];
        if (!read_range(link, reply->element[i], range))
            rc = fail(error, "CLUSTER SLOTS", "the answer makes no sense");
        covered += range->last - range->first + 1;
    }
    if (rc == 0 && covered != SLOTS) {
        snprintf(error, SAVER_CHECK_TEXT, "%lld slots have no node", SLOTS - covered);
        rc = -1;
    }

out:
    freeReplyObject(reply);
    return rc;
}

static bool is_same_place(const link_place_t *a, const link_place_t *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static bool is_same_map(const map_t *a, const map_t *b)
{
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->ranges[i].first != b->ranges[i].first || a->ranges[i].last != b->ranges[i].last ||
            !is_same_place(&a->ranges[i].master, &b->ranges[i].master))
            return false;
    return true;
}

static bool comes_first(const map_t *map, size_t which)
{
    for (size_t i = 0; i < which; i++)
        if (is_same_place(&map->ranges[i].master, &map->ranges[which].master)) return false;
    return true;
}

/* ---- its nodes ---- */

/* Of a slot that is on its way a node says so in its own line: [slot->-node]. */
static int check_that_nothing_moves(redisContext *link, char *error)
{
    redisReply *nodes = redisCommand(link, "CLUSTER NODES");
    int rc = 0;
    if (!nodes || nodes->type == REDIS_REPLY_ERROR)
        rc = fail(error, "CLUSTER NODES", nodes ? nodes->str : link->errstr);
    else if (nodes->str && (strstr(nodes->str, "->-") || strstr(nodes->str, "-<-")))
        rc = fail(error, "slots are on their way", "once they have arrived all can be told");
    freeReplyObject(nodes);
    return rc;
}

static int check_node(const char *url, const link_place_t *place, saver_check_t *found, char *error)
{
    redisContext *link;
    if (link_connect_to(url, place->host, place->port, &link, error) < 0) return -1;
    int rc = check_that_nothing_moves(link, error);
    if (rc == 0) rc = saver_check_node(link, found, error);
    redisFree(link);
    return rc;
}

int check_cluster_run(const char *url, redisContext *link, saver_check_t *found,
                      char error[SAVER_CHECK_TEXT])
{
    map_t before, after = {NULL, 0};
    memset(found, 0, sizeof *found);
    error[0] = '\0';
    int rc = read_map(link, &before, error);
    for (size_t i = 0; i < before.count && rc == 0; i++)
        if (comes_first(&before, i)) rc = check_node(url, &before.ranges[i].master, found, error);
    if (rc == 0) rc = read_map(link, &after, error);
    if (rc == 0 && !is_same_map(&before, &after))
        rc = fail(error, "slots have gone elsewhere meanwhile", "ask again");
    free(before.ranges);
    free(after.ranges);
    return rc;
}
