/* Items in slots of all nodes of a cluster, read all at once, and where that was done. */
#ifndef TESTS_BACKENDS_REDIS_BURSTS_H
#define TESTS_BACKENDS_REDIS_BURSTS_H

#include "cluster.h"
#include "replicas.h"
#include "store_client.h"

enum {
    MASTERS = 3,
    ITEMS = 48
};

static cluster_t cluster;

/* ---- items; each in a namespace of its own ---- */

static inline const char *path_of(int item)
{
    static char paths[4][16];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "n%d", item);
    return path;
}

static inline void put_all(items_t *items)
{
    for (int i = 0; i < ITEMS; i++) items_put(items, path_of(i), "k", "1");
    cluster_await_whole(&cluster);
}

typedef struct burst {
    call_t *calls[ITEMS];
} burst_t;

static inline void ask_all(items_t *items, burst_t *burst)
{
    for (int i = 0; i < ITEMS; i++) {
        call_t *call = burst->calls[i] = items_call(items);
        call->timeout_ms = 30000;
        assert_status(call_get(call, ns(path_of(i)), cairn_str("k"), CAIRN_REFRESH_NO), 0);
    }
}

static inline void await_all(const burst_t *burst)
{
    for (int i = 0; i < ITEMS; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "%s:k=1", path_of(i));
        call_await(burst->calls[i], 0);
        assert_string_equal(text_chars(&burst->calls[i]->text), expected);
    }
}

static inline void read_all(items_t *items)
{
    burst_t burst;
    ask_all(items, &burst);
    await_all(&burst);
}

static inline items_t *open_items(world_t *w, const char *query)
{
    client_t *client = world_open(w, query);
    client_await(client, "connected");
    return items_on(client);
}

static inline int ready_replicas(const client_t *client)
{
    cairn_connection_t all[64];
    const size_t count = cairn_connections(&client->cairn, all, 64);
    int ready = 0;
    for (size_t i = 0; i < count && i < 64; i++)
        ready += strcmp(all[i].role, "replica") == 0 && strcmp(all[i].state, "ready") == 0;
    return ready;
}

static inline bool all_are_ready(void *ctx)
{
    return ready_replicas(ctx) == MASTERS;
}

static inline items_t *open_reader(world_t *w, const char *query)
{
    items_t *items = open_items(w, query);
    loop_run_until(&w->loop, "replicas to be connected", all_are_ready, items->client);
    return items;
}

static inline unsigned long reads_at_masters(void)
{
    unsigned long sum = 0;
    for (unsigned i = 0; i < MASTERS; i++)
        sum += replicas_reads_at(&cluster, cluster_owner(&cluster, 100 + 5500 * i));
    return sum;
}

/* Soon, if not now: all are read at replicas, and nowhere else. */
static inline void await_reads_at_replicas(world_t *w, items_t *items)
{
    unsigned long others = 1;
    for (int i = 0; i < 200 && others > 0; i++) {
        loop_run_for(&w->loop, 100);
        replicas_forget_reads(&cluster);
        read_all(items);
        others = reads_at_masters();
    }
    assert_int_equal(others, 0);
}

static inline int a_replica(void)
{
    return cluster_replica_of(&cluster, cluster_owner(&cluster, 100));
}

#endif
