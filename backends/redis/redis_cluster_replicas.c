/* Reads that go to replicas, where read_from says so.
 *
 * A replica answers reads of its master's slots, on links that were told READONLY. It may be
 * behind. What it refuses its master is asked for, as the same bytes: it changes nothing, and so
 * may be done twice. So is all that it has not answered, once it is lost, or has been silent for
 * a while (redis_cluster_probe.c). What it answers that it does not have, or not all of, whoever
 * asked sends to the master (redis_read_at_master): while a slot is on its way, nodes that hand it
 * over know of that, and their replicas do not.
 *
 * Of several that may do, the slot says which: so as long as the same ones are there, what is read
 * of a thread, a namespace or a stream never goes back in time.
 *
 * With REDIS_READ_REPLICA nobody else is asked but for what was not found, or could not be read
 * without a change. Without one that may do, reads wait at a node that is nowhere, for some three
 * seconds, or the first map. */
#include "redis_route.h"

#include "redis_error.h"

#include <cairn/sys/alloc.h>

enum {
    REFUSED_FOR_MS = 1000, /* who would not answer anything is left alone */
    AGE_HOPS = 3           /* a period of waiting counts as so many times of being sent elsewhere */
};

static redis_replica_t *replica_of(redis_standalone_t *node)
{
    return CAIRN_CONTAINER_OF(node, redis_replica_t, node);
}

/* ---- the choice ---- */

static bool may_read(const redis_replica_t *replica)
{
    if (!replica->node.connected || replica->silent || replica->closing) return false;
    if (replica->refused_ms == 0) return true;
    return uv_now(replica->node.host->loop) - replica->refused_ms >= REFUSED_FOR_MS;
}

static redis_replica_t *pick(const redis_member_t *master, unsigned slot)
{
    unsigned able = 0;
    for (redis_replica_t *at = master->replicas; at; at = at->beside) able += may_read(at);
    if (able == 0) return NULL;
    unsigned left = slot % able;
    redis_replica_t *at = master->replicas;
    while (!may_read(at) || left-- > 0) at = at->beside;
    return at;
}

redis_standalone_t *redis_cluster_reader(redis_cluster_t *cluster, unsigned slot)
{
    redis_standalone_t *node = redis_cluster_node(cluster, slot);
    const redis_member_t *master =
        node == &cluster->route->one ? NULL : redis_member_of(node); /* before there is a map */
    redis_replica_t *replica = NULL;
    if (master && cluster->read_from == REDIS_READ_NEAREST) {
        replica = master->nearest && may_read(master->nearest) ? master->nearest : NULL;
        if (!replica && !node->connected) replica = pick(master, slot);
    } else if (master) {
        replica = pick(master, slot);
    }
    if (replica) return &replica->node;
    return cluster->read_from == REDIS_READ_REPLICA ? &cluster->waiting : node;
}

/* ---- what one cannot answer ---- */

/* A script that it does not know is loaded, and the call sent again, there. */
static bool lacks_script(const redis_entry_t *entry, cairn_slice_t text)
{
    static const char word[] = "NOSCRIPT";
    if ((entry->flags & REDIS_CMD_AGAINS) == REDIS_CMD_AGAINS) return false;
    return text.len >= sizeof word - 1 && memcmp(text.ptr, word, sizeof word - 1) == 0;
}

static bool names_another(cairn_slice_t text)
{
    return redis_error_is_of_cluster(text) && (text.ptr[0] == 'M' || text.ptr[0] == 'A');
}

/* It answers nobody for now: it is loading, busy, or cut off from its master. */
static bool refuses_all(const redis_meaning_t *meaning, cairn_slice_t text)
{
    if (meaning->code == CAIRN_EREADONLY) return false;
    if (redis_error_is_of_cluster(text)) return text.ptr[0] == 'C';
    return meaning->remedy == REDIS_WAIT || meaning->remedy == REDIS_LEAVE;
}

/* It waits for a replica: the map, or a period, may bring one. False: it has been sent around often
 * enough. */
static bool wait_for_replica(redis_cluster_t *cluster, int slot, const redis_entry_t *entry,
                             cairn_slice_t bytes)
{
    redis_entry_t hopped = *entry;
    hopped.flags += REDIS_CMD_HOP;
    if (redis_hops_of(entry) == REDIS_HOPS_MOST) return false;
    return redis_cluster_put_in(&cluster->waiting, slot, &hopped, bytes, false);
}

static bool redirect(redis_conn_t *conn, const redis_entry_t *entry, cairn_slice_t bytes,
                     cairn_slice_t *text)
{
    redis_replica_t *replica = replica_of(conn->data);
    redis_cluster_t *cluster = replica->cluster;
    const int slot = redis_cluster_slot_of(bytes);
    if ((entry->flags & REDIS_CMD_TRANSIENT) || cluster->closing || slot < 0) return false;
    if (lacks_script(entry, *text)) return false;
    const redis_meaning_t meaning = redis_error_meaning(*text);
    if (redis_error_is_of_cluster(*text)) redis_cluster_want_map(cluster);
    if (refuses_all(&meaning, *text)) {
        replica->refused_ms = uv_now(cluster->host->loop);
        redis_replicas_hand_out(cluster); /* another may be there */
    }
    if (cluster->read_from == REDIS_READ_REPLICA && meaning.effect == REDIS_NEVER &&
        meaning.code != CAIRN_EREADONLY)
        return wait_for_replica(cluster, slot, entry, bytes);
    if (names_another(*text)) return redis_cluster_redirect(conn, entry, bytes, text);
    return redis_cluster_put_in(redis_cluster_node(cluster, (unsigned)slot), slot, entry, bytes,
                                false);
}

/* ---- what waits where there is nobody ---- */

static bool take(void *ctx, const redis_entry_t *entry, cairn_slice_t bytes)
{
    const redis_replica_t *from = ctx;
    const int slot = redis_cluster_slot_of(bytes);
    if (slot < 0) return false;
    redis_standalone_t *to = redis_cluster_reader(from->cluster, (unsigned)slot);
    return to != &from->node && redis_cluster_put_in(to, slot, entry, bytes, false);
}

static bool take_waiting(void *ctx, const redis_entry_t *entry, cairn_slice_t bytes)
{
    static const char refusal[] = "no replica of the slot's master could be read from "
                                  "(read_from=" CAIRN_READ_FROM_REPLICA ")";
    redis_cluster_t *cluster = ctx;
    const int slot = redis_cluster_slot_of(bytes);
    if (slot < 0) return false;
    if (redis_hops_of(entry) == REDIS_HOPS_MOST)
        return redis_cluster_park(cluster, entry, bytes, 0, refusal);
    redis_standalone_t *to = redis_cluster_reader(cluster, (unsigned)slot);
    return to != &cluster->waiting && redis_cluster_put_in(to, slot, entry, bytes, false);
}

static void hand_out(cairn_task_t *task)
{
    redis_cluster_t *cluster = CAIRN_CONTAINER_OF(task, redis_cluster_t, hand_out);
    for (size_t i = 0; i < cluster->replica_count; i++) {
        redis_replica_t *replica = cluster->replicas[i];
        if (replica->closing || replica->node.connected) continue;
        redis_cluster_offer(&replica->node, take, replica);
    }
    redis_cluster_offer(&cluster->waiting, take_waiting, cluster);
}

void redis_replicas_hand_out(redis_cluster_t *cluster)
{
    cluster->host->api->defer(cluster->host, &cluster->hand_out);
}

void redis_replica_relieve(redis_replica_t *replica)
{
    const redis_pool_t *pool = &replica->node.pool;
    if (replica->node.commands.state == REDIS_CONN_READY)
        redis_conn_hand_over(&replica->node.commands, take, replica);
    for (size_t i = 1; i < pool->count; i++)
        if (pool->conns[i]->state == REDIS_CONN_READY)
            redis_conn_hand_over(pool->conns[i], take, replica);
    redis_cluster_offer(&replica->node, take, replica);
}

void redis_replicas_age_waiting(redis_cluster_t *cluster)
{
    const redis_queue_t *queue = &cluster->waiting.commands.queue;
    if (!cluster->has_map) return;
    for (uint64_t seq = queue->head; seq != queue->tail; seq++) {
        redis_entry_t *entry = redis_queue_at(queue, seq);
        const unsigned hops = redis_hops_of(entry) + AGE_HOPS;
        entry->flags &= ~(uint32_t)REDIS_CMD_HOPS;
        entry->flags |= (hops < REDIS_HOPS_MOST ? hops : REDIS_HOPS_MOST) * REDIS_CMD_HOP;
    }
    if (redis_queue_owed(queue) == 0) return;
    redis_cluster_want_map(cluster); /* there may be one by now */
    redis_replicas_hand_out(cluster);
}

/* ---- what they tell ---- */

static void no_subscriptions(redis_standalone_t *node, redis_conn_t *conn)
{
    (void)node, (void)conn;
}

static bool has_none(redis_standalone_t *node)
{
    (void)node;
    return false;
}

static void no_loss(redis_standalone_t *node, int status, const char *detail)
{
    (void)node, (void)status, (void)detail;
}

static int no_message(redis_standalone_t *node, cairn_slice_t kind, size_t count,
                      redis_reply_t *rest)
{
    (void)node, (void)kind, (void)count, (void)rest;
    return 0;
}

static void up(redis_standalone_t *node)
{
    redis_replica_t *replica = replica_of(node);
    replica->silent = false;
    redis_replicas_hand_out(replica->cluster);
}

static void down(redis_standalone_t *node, int status, const char *detail)
{
    redis_cluster_t *cluster = replica_of(node)->cluster;
    (void)status, (void)detail;
    redis_cluster_want_map(cluster);
    redis_replicas_hand_out(cluster);
}

static void closed(redis_standalone_t *node)
{
    redis_replica_t *replica = replica_of(node);
    redis_cluster_t *cluster = replica->cluster;
    for (size_t i = 0; i < cluster->replica_count; i++) {
        if (cluster->replicas[i] != replica) continue;
        cluster->replicas[i] = cluster->replicas[--cluster->replica_count];
        break;
    }
    cairn_free(replica);
    redis_cluster_one_closed(cluster);
}

static const redis_standalone_events_t events = {
    .resubscribe = no_subscriptions,
    .has_subscriptions = has_none,
    .subscriptions_lost = no_loss,
    .commands_lost = no_loss,
    .message = no_message,
    .closed = closed,
    .up = up,
    .down = down,
    .redirect = redirect,
};

/* ---- who there is ---- */

static redis_replica_t *find(const redis_cluster_t *cluster, const redis_address_t *place)
{
    for (size_t i = 0; i < cluster->replica_count; i++) {
        redis_replica_t *replica = cluster->replicas[i];
        if (!replica->closing && redis_address_eq(&replica->place, place)) return replica;
    }
    return NULL;
}

static redis_replica_t *add(redis_cluster_t *cluster, const redis_address_t *place)
{
    redis_replica_t **grown =
        cairn_realloc(cluster->replicas, (cluster->replica_count + 1) * sizeof(redis_replica_t *));
    if (!grown) return NULL;
    cluster->replicas = grown;
    redis_replica_t *replica = cairn_calloc(1, sizeof *replica);
    if (!replica) return NULL;
    replica->cluster = cluster;
    replica->place = *place;
    replica->node.route = cluster->route;
    replica->node.reads_only = true;
    if (redis_standalone_open_beside(&replica->node, &cluster->route->one, place, &events) < 0) {
        cairn_free(replica);
        return NULL;
    }
    cluster->replicas[cluster->replica_count++] = replica;
    cluster->open++;
    return replica;
}

static bool is_idle(const redis_standalone_t *node)
{
    for (size_t i = 1; i < node->pool.count; i++)
        if (redis_queue_owed(&node->pool.conns[i]->queue) > 0) return false;
    return redis_queue_owed(&node->commands.queue) == 0;
}

static void close_one(redis_replica_t *replica)
{
    redis_route_t *route = replica->node.route;
    replica->closing = true;
    if (route->at == &replica->node) route->at = &route->one;
    redis_standalone_close(&replica->node);
}

static void unlink_all(redis_cluster_t *cluster)
{
    for (size_t i = 0; i < cluster->count; i++) cluster->members[i]->replicas = NULL;
    for (size_t i = 0; i < cluster->replica_count; i++) {
        cluster->replicas[i]->beside = NULL;
        cluster->replicas[i]->named = false;
    }
}

/* Of each shard the node that has slots. */
static void find_masters(const redis_slot_map_t *map, uint16_t *masters)
{
    for (unsigned i = 0; i < map->shards; i++) masters[i] = REDIS_NO_NODE;
    for (unsigned slot = 0; slot < REDIS_SLOTS; slot++) {
        const uint16_t owner = map->owner[slot];
        if (owner != REDIS_NO_NODE) masters[map->nodes[owner].shard] = owner;
    }
}

/* False: out of memory. */
static bool link_one(redis_cluster_t *cluster, const redis_node_t *at, const redis_node_t *master)
{
    redis_member_t *member = redis_cluster_find(cluster, &master->place);
    redis_replica_t *replica = find(cluster, &at->place);
    if (!replica) replica = add(cluster, &at->place);
    if (!replica || !member) return false;
    if (replica->named) return true; /* twice at one place */
    replica->named = true;
    replica->beside = member->replicas;
    member->replicas = replica;
    return true;
}

/* As with masters: in this turn there may be something that is about to wait for it. */
static void let_go_of_unnamed(redis_cluster_t *cluster)
{
    for (size_t i = 0; i < cluster->replica_count; i++) {
        redis_replica_t *replica = cluster->replicas[i];
        if (replica->closing) continue;
        replica->unnamed = replica->named ? 0 : replica->unnamed + 1;
        if (replica->unnamed > 1 && is_idle(&replica->node)) close_one(replica);
    }
}

void redis_replicas_follow_map(redis_cluster_t *cluster)
{
    const redis_slot_map_t *map = &cluster->map;
    uint16_t masters[REDIS_NODES_MAX];
    bool all = true;
    if (cluster->read_from == REDIS_READ_MASTER) return;
    unlink_all(cluster);
    find_masters(map, masters);
    for (size_t i = map->count; i-- > 0;) {
        const redis_node_t *node = &map->nodes[i];
        if (!node->replica || node->health == REDIS_FAILED) continue;
        const uint16_t master = masters[node->shard];
        if (master != REDIS_NO_NODE) all &= link_one(cluster, node, &map->nodes[master]);
    }
    let_go_of_unnamed(cluster);
    redis_probe_choose_nearest(cluster);
    redis_replicas_hand_out(cluster);
    if (!all) redis_cluster_want_map(cluster);
}

/* ---- life ---- */

void redis_replicas_start(redis_cluster_t *cluster)
{
    if (cluster->read_from == REDIS_READ_MASTER) return;
    cluster->hand_out.run = hand_out;
    cluster->waiting.route = cluster->route;
    redis_standalone_wait(&cluster->waiting, &cluster->route->one, "a replica to read from",
                          &events);
    redis_probe_start(cluster);
}

static void on_timer_closed(uv_handle_t *timer)
{
    redis_cluster_one_closed(timer->data);
}

void redis_replicas_close(redis_cluster_t *cluster)
{
    if (cluster->read_from == REDIS_READ_MASTER) return;
    redis_route_t *route = cluster->route;
    cluster->host->api->undefer(cluster->host, &cluster->hand_out);
    if (route->at == &cluster->waiting) route->at = &route->one;
    uv_close((uv_handle_t *)&cluster->read_timer, on_timer_closed);
    for (size_t i = 0; i < cluster->replica_count; i++)
        if (!cluster->replicas[i]->closing) close_one(cluster->replicas[i]);
}

void redis_replicas_free(redis_cluster_t *cluster)
{
    if (cluster->waiting.route) redis_standalone_drop(&cluster->waiting);
    cairn_free(cluster->replicas);
}
