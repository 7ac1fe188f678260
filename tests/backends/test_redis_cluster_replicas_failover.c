/* Replicas that are read from and become masters, and masters that become replicas. No read fails.
 */
#include "redis_bursts.h"

static void through_failovers(world_t *w, const char *query)
{
    enum {
        ROUNDS = 2
    };
    replicas_clear(&cluster);
    items_t *writer = open_items(w, NULL);
    put_all(writer);
    items_t *items = open_reader(w, query);
    for (int round = 0; round < ROUNDS; round++) {
        burst_t before, after;
        const int master = cluster_owner(&cluster, 100);
        ask_all(items, &before);
        loop_turns(&w->loop, round % 2);
        cluster_failover(&cluster, cluster_replica_of(&cluster, master), NULL);
        ask_all(items, &after);
        await_all(&before);
        await_all(&after);
        items_put(items, path_of(round), "k", "1");
        cluster_await_whole(&cluster);
    }
    await_reads_at_replicas(w, items);
}

static void failovers_do_no_harm(world_t *w)
{
    through_failovers(w, "read_from=prefer_replica");
}

static void nor_where_only_replicas_are_read_from(world_t *w)
{
    through_failovers(w, "read_from=replica");
}

static void a_master_that_dies_leaves_its_replica_to_be_read_from(world_t *w)
{
    replicas_clear(&cluster);
    put_all(open_items(w, NULL));
    items_t *items = open_reader(w, "read_from=prefer_replica");
    burst_t before, after;
    const int master = cluster_owner(&cluster, 100);
    ask_all(items, &before);
    loop_turns(&w->loop, 1);
    cluster_kill(&cluster, master);
    ask_all(items, &after);
    await_all(&before);
    await_all(&after);
    (void)cluster_await_other(&cluster, 100, master);
    read_all(items);
    cluster_restart(&cluster, master);
    cluster_await_whole(&cluster);
    read_all(items);
}

static const scenario_t scenarios[] = {
    SCENARIO(failovers_do_no_harm),
    SCENARIO(nor_where_only_replicas_are_read_from),
    SCENARIO(a_master_that_dies_leaves_its_replica_to_be_read_from),
};

int main(void)
{
    char url[1024];
    cluster_start(&cluster, NULL);
    snprintf(url, sizeof url, "%s",
             cluster_url(&cluster, "cluster=yes&reconnect_min_ms=1&reconnect_max_ms=50"));
    const int failures = SCENARIOS_RUN("redis: replicas that become masters", scenarios, url);
    cluster_stop(&cluster);
    return failures;
}
