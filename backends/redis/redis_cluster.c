#include "redis_route.h"

#include "redis_cmd.h"
#include "redis_error.h"
#include "redis_log.h"

#include <cairn/sys/alloc.h>
#include <inttypes.h>
#include <stdio.h>

enum {
    ASK_AGAIN_MS = 100,      /* the map, at the most so often */
    ASK_UNTIL_MS = 2000,     /* somebody else is asked */
    ASK_WHILE_LOST_MS = 250, /* as long as a node is not there, or a slot is nobody's */
    DOUBT_MS = 5000,         /* so long it is asked as often when it may be old */
    ASK_ANYWAY_MS = 15000,
    ASK_OFTEN_MS = 2000
};

#define LITERAL(text) text, sizeof(text) - 1

/* ---- who is there ---- */

static redis_cluster_t *cluster_of(const redis_standalone_t *node)
{
    return node->route->cluster;
}

static bool is_ready(const redis_standalone_t *node)
{
    return node->connected;
}

redis_standalone_t *redis_cluster_any(const redis_cluster_t *cluster)
{
    for (size_t i = 0; i < cluster->count; i++) {
        redis_member_t *member = cluster->members[i];
        if (member->named && is_ready(&member->node)) return &member->node;
    }
    return &cluster->route->one;
}

redis_member_t *redis_cluster_find(const redis_cluster_t *cluster, const redis_address_t *place)
{
    for (size_t i = 0; i < cluster->count; i++) {
        redis_member_t *member = cluster->members[i];
        if (!member->closing && redis_address_eq(&member->place, place)) return member;
    }
    return NULL;
}

redis_standalone_t *redis_cluster_next(const redis_cluster_t *cluster, size_t *at)
{
    for (; *at < cluster->count; ++*at)
        if (!cluster->members[*at]->closing) return &cluster->members[(*at)++]->node;
    for (; *at < cluster->count + cluster->replica_count; ++*at) {
        redis_replica_t *replica = cluster->replicas[*at - cluster->count];
        if (replica->closing) continue;
        ++*at;
        return &replica->node;
    }
    return NULL;
}

static const redis_standalone_events_t member_events;

static redis_member_t *add(redis_cluster_t *cluster, const redis_address_t *place)
{
    redis_member_t **grown =
        cairn_realloc(cluster->members, (cluster->count + 1) * sizeof *cluster->members);
    if (!grown) return NULL;
    cluster->members = grown;
    redis_member_t *member = cairn_calloc(1, sizeof *member);
    if (!member) return NULL;
    member->cluster = cluster;
    member->place = *place;
    member->lost_ms = uv_now(cluster->host->loop);
    member->node.route = cluster->route;
    if (redis_standalone_open_beside(&member->node, &cluster->route->one, place, &member_events) <
        0) {
        cairn_free(member);
        return NULL;
    }
    cluster->members[cluster->count++] = member;
    cluster->open++;
    return member;
}

redis_standalone_t *redis_cluster_at(redis_cluster_t *cluster, const redis_address_t *place)
{
    if (cluster->closing) return NULL;
    redis_member_t *member = redis_cluster_find(cluster, place);
    if (!member) member = add(cluster, place);
    return member ? &member->node : NULL;
}

/* ---- the map is there ---- */

static void tell_core(redis_cluster_t *cluster)
{
    const redis_standalone_t *any = redis_cluster_any(cluster);
    if (cluster->told || !cluster->has_map || any == &cluster->route->one) return;
    const uint64_t lacks = cluster->by_slots ? CAIRN_CAP_RECEIVERS : 0; /* as topics are classic */
    cluster->told = true;
    cluster->host->api->connected(cluster->host, any->capabilities & ~lacks,
                                  any->commands.hello.server);
}

/* A master that has failed: from Redis 8.0 on such are named without their slots, though nodes go
 * on to say MOVED to them. */
static bool has_failed(const redis_cluster_t *cluster, redis_standalone_t *node)
{
    const redis_slot_map_t *map = &cluster->map;
    if (node == &cluster->route->one) return false;
    const uint16_t at = redis_slot_map_find(map, &redis_member_of(node)->place);
    return at != REDIS_NO_NODE && !map->nodes[at].replica && map->nodes[at].health == REDIS_FAILED;
}

/* Who had a slot that nobody has; whoever is asked for the map if that is gone. */
static redis_standalone_t *owner_until_now(const redis_cluster_t *cluster, unsigned slot,
                                           redis_standalone_t **failed)
{
    redis_standalone_t *before = cluster->of_slot[slot];
    if (before == *failed) return before;
    if (!has_failed(cluster, before)) return &cluster->route->one;
    *failed = before;
    return before;
}

/* Most slots have the owner of the one before. */
static void route_slots(redis_cluster_t *cluster)
{
    const redis_node_t *last = NULL;
    redis_standalone_t *node = NULL, *failed = NULL;
    for (unsigned slot = 0; slot < REDIS_SLOTS; slot++) {
        const redis_node_t *owner = redis_slot_map_owner(&cluster->map, slot);
        if (owner != last) node = owner ? redis_cluster_at(cluster, &owner->place) : NULL;
        last = owner;
        cluster->of_slot[slot] = node ? node : owner_until_now(cluster, slot, &failed);
    }
}

static bool is_idle(const redis_standalone_t *node)
{
    for (size_t i = 1; i < node->pool.count; i++)
        if (redis_queue_owed(&node->pool.conns[i]->queue) > 0) return false;
    return redis_queue_owed(&node->commands.queue) == 0;
}

static void close_member(redis_member_t *member)
{
    redis_route_t *route = member->node.route;
    member->closing = true;
    if (route->at == &member->node) route->at = &route->one;
    if (!member->cluster->closing)
        route->events->subscriptions_lost(&member->node, CAIRN_ECLUSTER,
                                          "the cluster has no such node any more");
    redis_standalone_close(&member->node);
}

/* What waits for a node that has been away for fail_fast_ms, and whose slots nobody took, is told.
 * Who is told may close the handle. */
static void fail_fast(redis_cluster_t *cluster, redis_member_t *member)
{
    const uint64_t most_ms = member->node.options.fail_fast_ms;
    const uint64_t away_ms = uv_now(cluster->host->loop) - member->lost_ms;
    redis_address_text_t place;
    char detail[512];
    if (is_ready(&member->node) || most_ms == 0 || away_ms < most_ms) return;
    snprintf(detail, sizeof detail,
             "%s has been away for %" PRIu64 " ms, and no other node has its slots: %.240s",
             redis_address_text(place, &member->place), away_ms,
             member->node.commands.tally.last_loss);
    redis_standalone_fail_fast(&member->node, detail);
}

/* Nodes that two maps did not name go when nothing waits for them: in this turn of the loop there
 * may be something that is about to. */
static void sweep(redis_cluster_t *cluster)
{
    for (size_t i = 0; i < cluster->count; i++) {
        redis_member_t *member = cluster->members[i];
        if (member->closing) continue;
        const uint16_t at = redis_slot_map_find(&cluster->map, &member->place);
        member->named = at != REDIS_NO_NODE && !cluster->map.nodes[at].replica;
        if (!is_ready(&member->node)) redis_cluster_give_away(cluster, &member->node);
        fail_fast(cluster, member);
        if (cluster->closing) return;
        member->unnamed = member->named ? 0 : member->unnamed + 1;
        if (member->unnamed > 1 && is_idle(&member->node)) close_member(member);
    }
}

/* So that it need not be asked for soon. */
static bool is_whole(const redis_cluster_t *cluster)
{
    if (!cluster->has_map || cluster->map.covered < REDIS_SLOTS) return false;
    if (uv_now(cluster->host->loop) < cluster->doubt_ms) return false;
    for (size_t i = 0; i < cluster->count; i++) {
        const redis_member_t *member = cluster->members[i];
        if (member->named && !is_ready(&member->node)) return false;
    }
    return true;
}

static void on_map_timer(uv_timer_t *timer);

static void ask_later(redis_cluster_t *cluster, uint64_t delay_ms)
{
    if (cluster->closing) return;
    if (uv_is_active((uv_handle_t *)&cluster->map_timer) &&
        uv_timer_get_due_in(&cluster->map_timer) <= delay_ms)
        return;
    uv_timer_start(&cluster->map_timer, on_map_timer, delay_ms, 0);
}

/* Where replicas are read from, nobody tells that one has come; nor, where topics are sharded, that
 * a master is one no more: it takes messages all the same. */
static uint64_t period_ms(const redis_cluster_t *cluster)
{
    const bool often = cluster->read_from != REDIS_READ_MASTER || cluster->route->shards_topics;
    return often ? ASK_OFTEN_MS : ASK_ANYWAY_MS;
}

/* What was wanted while it was on its way may be newer. */
static void ask_in_time(redis_cluster_t *cluster)
{
    const uint64_t jitter_ms = uv_hrtime() % (period_ms(cluster) / 4);
    ask_later(cluster, is_whole(cluster) ? period_ms(cluster) + jitter_ms : ASK_WHILE_LOST_MS);
    if (cluster->wanted) redis_cluster_want_map(cluster);
}

static int read_map(redis_cluster_t *cluster, redis_conn_t *conn, redis_reply_t *reply)
{
    const redis_asked_t asked = {
        .host = conn->place ? cairn_str(conn->place->host) : cairn_slice("", 0),
        .port = conn->place ? conn->place->port : 0,
        .tls = conn->options->tls != NULL,
    };
    redis_slot_map_t fresh;
    redis_slot_map_init(&fresh);
    int rc = cluster->by_slots ? redis_slots_read_slots(reply, &asked, &fresh)
                               : redis_slots_read_shards(reply, &asked, &fresh);
    if (rc < 0) {
        redis_slot_map_free(&fresh);
        return rc;
    }
    redis_slot_map_free(&cluster->map);
    cluster->map = fresh;
    return 0;
}

static void ask(redis_cluster_t *cluster);

static bool is_unknown(cairn_slice_t text)
{
    static const char begin[] = "ERR unknown subcommand", old[] = "ERR Unknown subcommand";
    const size_t len = sizeof begin - 1;
    return text.len >= len &&
           (memcmp(text.ptr, begin, len) == 0 || memcmp(text.ptr, old, len) == 0);
}

static void on_map(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    redis_cluster_t *cluster = ctx;
    redis_conn_t *conn = cluster->asked;
    cluster->asked = NULL;
    if (!conn) return;                  /* too late: somebody else was asked since */
    uv_timer_stop(&cluster->map_timer); /* nobody else needs to be */
    if (status < 0 && is_unknown(detail) && !cluster->by_slots) {
        cluster->by_slots = true;
        ask(cluster);
        return;
    }
    const int rc = status < 0 ? status : read_map(cluster, conn, reply);
    if (rc < 0) {
        redis_log(cluster->host, CAIRN_LOG_WARN, "%s: no map of the cluster: %.*s", conn->where,
                  status < 0 ? (int)detail.len : 0, detail.ptr ? detail.ptr : "");
        ask_later(cluster, ASK_WHILE_LOST_MS);
        return;
    }
    cluster->has_map = true;
    route_slots(cluster);
    redis_cluster_release(cluster);
    sweep(cluster);
    if (cluster->closing) return;
    redis_replicas_follow_map(cluster);
    if (cluster->route->events->moved) cluster->route->events->moved(&cluster->route->one);
    tell_core(cluster);
    ask_in_time(cluster);
    redis_cluster_tell_room(cluster);
}

/* ---- asking for it ---- */

static void ask(redis_cluster_t *cluster)
{
    static const char shards[] = "*2\r\n$7\r\nCLUSTER\r\n$6\r\nSHARDS\r\n";
    static const char slots[] = "*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n";
    redis_standalone_t *node = &cluster->route->one;
    if (!is_ready(node)) node = redis_cluster_any(cluster);
    redis_conn_t *conn = &node->commands;
    char *at;
    ask_later(cluster, ASK_UNTIL_MS);
    if (conn->state != REDIS_CONN_READY || conn->hold.limited) return;
    if (redis_conn_reserve_unbounded(conn, sizeof shards, &at) < 0) return;
    at = cluster->by_slots ? redis_cmd_literal(at, LITERAL(slots))
                           : redis_cmd_literal(at, LITERAL(shards));
    cluster->asked = conn;
    cluster->wanted = false;
    cluster->asked_ms = uv_now(cluster->host->loop);
    redis_conn_commit(conn, at, on_map, cluster, REDIS_CMD_TRANSIENT);
}

static void on_map_timer(uv_timer_t *timer)
{
    redis_cluster_t *cluster = timer->data;
    cluster->asked = NULL;
    ask(cluster);
}

void redis_cluster_want_map(redis_cluster_t *cluster)
{
    const uint64_t since_ms = uv_now(cluster->host->loop) - cluster->asked_ms;
    cluster->wanted = cluster->asked != NULL;
    if (cluster->wanted) return;
    ask_later(cluster, since_ms < ASK_AGAIN_MS ? ASK_AGAIN_MS - since_ms : 0);
}

void redis_cluster_doubt_map(redis_cluster_t *cluster)
{
    cluster->doubt_ms = uv_now(cluster->host->loop) + DOUBT_MS;
    redis_cluster_want_map(cluster);
}

static void forget_asked(redis_cluster_t *cluster, const redis_standalone_t *node)
{
    if (cluster->asked == &node->commands) cluster->asked = NULL;
}

/* ---- what nodes tell ---- */

static void tell_of_loss(redis_cluster_t *cluster, int status, const char *detail)
{
    if (!cluster->told) return;
    if (redis_cluster_any(cluster) != &cluster->route->one) return;
    cluster->told = false;
    cluster->host->api->disconnected(cluster->host, status, detail);
}

void redis_cluster_one_closed(redis_cluster_t *cluster)
{
    redis_route_t *route = cluster->route;
    if (--cluster->open > 0) return;
    redis_cluster_free(cluster);
    route->cluster = NULL;
    route->events->closed(&route->one);
}

static void member_up(redis_standalone_t *node)
{
    redis_member_of(node)->lost_ms = 0;
    tell_core(cluster_of(node));
}

static void member_down(redis_standalone_t *node, int status, const char *detail)
{
    redis_cluster_t *cluster = cluster_of(node);
    redis_member_t *member = redis_member_of(node);
    if (member->lost_ms == 0) member->lost_ms = uv_now(cluster->host->loop);
    forget_asked(cluster, node);
    tell_of_loss(cluster, status, detail);
    redis_cluster_want_map(cluster);
}

/* ---- subscriptions: the seed has those of topics, members those of streams ---- */

static void pass_resubscribe(redis_standalone_t *node, redis_conn_t *conn)
{
    node->route->events->resubscribe(node, conn);
}

static bool pass_has_subscriptions(redis_standalone_t *node)
{
    return node->route->events->has_subscriptions(node);
}

static void pass_subscriptions_lost(redis_standalone_t *node, int status, const char *detail)
{
    node->route->events->subscriptions_lost(node, status, detail);
}

static void pass_commands_lost(redis_standalone_t *node, int status, const char *detail)
{
    node->route->events->commands_lost(node, status, detail);
}

static int pass_message(redis_standalone_t *node, cairn_slice_t kind, size_t count,
                        redis_reply_t *rest)
{
    return node->route->events->message(node, kind, count, rest);
}

static void member_closed(redis_standalone_t *node)
{
    redis_member_t *member = redis_member_of(node);
    redis_cluster_t *cluster = member->cluster;
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->members[i] != member) continue;
        cluster->members[i] = cluster->members[--cluster->count];
        break;
    }
    cairn_free(member);
    redis_cluster_one_closed(cluster);
}

static const redis_standalone_events_t member_events = {
    .resubscribe = pass_resubscribe,
    .has_subscriptions = pass_has_subscriptions,
    .subscriptions_lost = pass_subscriptions_lost,
    .commands_lost = pass_commands_lost,
    .message = pass_message,
    .closed = member_closed,
    .up = member_up,
    .down = member_down,
    .redirect = redis_cluster_redirect,
};

/* ---- and the seed ---- */

static void seed_up(redis_standalone_t *seed)
{
    redis_cluster_want_map(cluster_of(seed));
}

/* Before there is a map nobody else says what is wrong. */
static void seed_down(redis_standalone_t *seed, int status, const char *detail)
{
    redis_cluster_t *cluster = cluster_of(seed);
    forget_asked(cluster, seed);
    if (!cluster->told && !cluster->has_map)
        cluster->host->api->disconnected(cluster->host, status, detail);
    redis_cluster_want_map(cluster);
}

static void seed_closed(redis_standalone_t *seed)
{
    redis_cluster_one_closed(cluster_of(seed));
}

const redis_standalone_events_t redis_cluster_seed_events = {
    .resubscribe = pass_resubscribe,
    .has_subscriptions = pass_has_subscriptions,
    .subscriptions_lost = pass_subscriptions_lost,
    .commands_lost = pass_commands_lost,
    .message = pass_message,
    .closed = seed_closed,
    .up = seed_up,
    .down = seed_down,
    .redirect = redis_cluster_redirect,
};

/* ---- life ---- */

redis_cluster_t *redis_cluster_new(redis_route_t *route, const cairn_host_t *host)
{
    redis_cluster_t *cluster = cairn_calloc(1, sizeof *cluster);
    if (!cluster) return NULL;
    cluster->route = route;
    cluster->host = host;
    cluster->read_from = route->read_from;
    cluster->parked_end = &cluster->parked;
    redis_slot_map_init(&cluster->map);
    for (unsigned slot = 0; slot < REDIS_SLOTS; slot++) cluster->of_slot[slot] = &route->one;
    return cluster;
}

void redis_cluster_free(redis_cluster_t *cluster)
{
    if (!cluster) return;
    redis_slot_map_free(&cluster->map);
    redis_replicas_free(cluster);
    cairn_free(cluster->members);
    cairn_free(cluster);
}

void redis_cluster_start(redis_cluster_t *cluster)
{
    uv_timer_init(cluster->host->loop, &cluster->map_timer);
    uv_timer_init(cluster->host->loop, &cluster->park_timer);
    cluster->map_timer.data = cluster->park_timer.data = cluster;
    cluster->open = 3;
    redis_replicas_start(cluster);
}

static void on_timer_closed(uv_handle_t *timer)
{
    redis_cluster_one_closed(timer->data);
}

void redis_cluster_close(redis_cluster_t *cluster)
{
    cluster->closing = true;
    redis_cluster_drop_parked(cluster);
    uv_close((uv_handle_t *)&cluster->map_timer, on_timer_closed);
    uv_close((uv_handle_t *)&cluster->park_timer, on_timer_closed);
    for (size_t i = 0; i < cluster->count; i++)
        if (!cluster->members[i]->closing) close_member(cluster->members[i]);
    redis_replicas_close(cluster);
}
