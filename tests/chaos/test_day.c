/* The bad day: saver, store, streams, groups and topics in use, on several links, while the server
 * and the network suffer; and every acknowledged operation is held against what is there then.
 *
 * CAIRN_CHAOS_SECONDS says for how long, CAIRN_CHAOS_PACE how many times slower than usual,
 * CAIRN_CHAOS_WORLD (disk, replicated, cluster) that all of it is spent in one; CAIRN_SEED repeats
 * the faults and the choices of a run, though not their timing. */
#include "chaos.h"
#include "check.h"
#include "loop.h"
#include "saver_check.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECONDS = 20,
    ROUND_SECONDS = 15,
    PATIENCE_MS = 10000,
    FAILOVER_SHARE = 25,
    CLUSTER_SHARE = 25
};

static const chaos_load_t *const loads[] = {
    &chaos_saver_load, &chaos_store_load, &chaos_stream_load, &chaos_group_load, &chaos_topic_load};
enum {
    LOADS = sizeof loads / sizeof *loads
};

/* Topics of a cluster go from node to node over its bus, which tells nobody what it lost. */
static int loads_of(chaos_kept_t kept)
{
    return kept == CHAOS_CLUSTERED ? LOADS - 1 : LOADS;
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

/* What no checkpoint names, and what names nothing; once links that were lost have come back, over
 * which puts are ended that nobody waits for. Not after failovers: replicas know no scripts. */
static void check_orphans(chaos_t *chaos, const server_t *server)
{
    const uint64_t deadline_ms = chaos_now_ms() + PATIENCE_MS;
    saver_check_t found;
    char error[SAVER_CHECK_TEXT];
    redisContext *link = redisConnectUnix(server->unix_path);
    bool looked = link && !link->err && saver_check_run(link, &found, error) == 0;
    while (looked && found.orphans > 0 && chaos_now_ms() < deadline_ms) {
        chaos_run_for(chaos, 100);
        looked = saver_check_run(link, &found, error) == 0;
    }
    if (!looked)
        chaos_flaw(chaos, "cannot look at the keys");
    else if (found.orphans > 0)
        chaos_flaw(chaos, "the saver left %zu orphans, as %s", found.orphans, found.orphan[0]);
    if (link) redisFree(link);
}

/* With a minute or more everything may happen in every round, and failovers too. A shorter run is
 * not to find by luck what only that finds: in every other round nothing ends a put half way, and
 * orphans are looked for in these. */
static bool is_long(void)
{
    return number_from("CAIRN_CHAOS_SECONDS", SECONDS) >= 60;
}

static void begin_round(chaos_t *chaos, int count)
{
    chaos->round++;
    for (int i = 0; i < count; i++) loads[i]->begin(chaos);
}

static void run_round(chaos_t *chaos, uint64_t ms, chaos_kept_t kept)
{
    const int count = loads_of(kept);
    begin_round(chaos, count);
    const bool interrupts = is_long() || chaos->round % 2 == 0;
    chaos_world_rage(chaos->world, interrupts);
    chaos_run_for(chaos, ms);
    chaos_come_to_rest(chaos);
    if (chaos_world_trouble(chaos->world))
        chaos_flaw(chaos, "the world: %s", chaos_world_trouble(chaos->world));
    for (int i = 0; i < count; i++) loads[i]->settle(chaos);
    for (int i = 0; i < count; i++) loads[i]->check(chaos);
    server_t server = chaos_world_server(chaos->world);
    const bool looks = is_long() || !interrupts;
    if (looks && kept == CHAOS_ON_DISK) check_orphans(chaos, &server);
    for (int i = 0; i < count; i++) loads[i]->end(chaos);
    chaos_forget_actors(chaos);
    if (!chaos_world_clear(chaos->world)) chaos_flaw(chaos, "keys cannot be taken away");
}

static void run_day(chaos_t *chaos, uint64_t seconds, chaos_kept_t kept)
{
    const uint64_t end_ms = chaos_now_ms() + seconds * 1000;
    uint64_t now;
    while ((now = chaos_now_ms()) < end_ms && chaos->flaws == 0) {
        const uint64_t left = end_ms - now;
        run_round(chaos, left < ROUND_SECONDS * 1000 ? left : ROUND_SECONDS * 1000, kept);
    }
    for (int i = 0; i < CHAOS_LINKS; i++) {
        if (chaos->links[i].successes == 0)
            chaos_flaw(chaos, "nothing ever succeeded on %s", chaos->links[i].name);
    }
}

/* Percent of the time that there is. */
static uint64_t share_of(chaos_kept_t kept)
{
    static const char *const names[] = {
        [CHAOS_ON_DISK] = "disk", [CHAOS_REPLICATED] = "replicated", [CHAOS_CLUSTERED] = "cluster"};
    const char *only = getenv("CAIRN_CHAOS_WORLD");
    if (only && *only) return strcmp(only, names[kept]) == 0 ? 100 : 0;
    if (kept == CHAOS_ON_DISK) return 100 - FAILOVER_SHARE - CLUSTER_SHARE;
    if (!is_long()) return 0; /* sentinels may take long to agree, and nodes to meet */
    return kept == CHAOS_REPLICATED ? FAILOVER_SHARE : CLUSTER_SHARE;
}

static void spend_a_day(chaos_kept_t kept)
{
    const uint64_t share = share_of(kept);
    if (share == 0) skip();
    static chaos_t chaos;
    uv_loop_t loop;
    const uint64_t seed = number_from("CAIRN_SEED", uv_hrtime() % 1000000);
    const uint64_t seconds = number_from("CAIRN_CHAOS_SECONDS", SECONDS) * share / 100;
    const uint64_t pace = number_from("CAIRN_CHAOS_PACE", 1);
    printf("CAIRN_SEED=%llu, %llu seconds\n", (unsigned long long)seed,
           (unsigned long long)seconds);
    fflush(stdout);
    assert_int_equal(uv_loop_init(&loop), 0);
    chaos_world_t *world = chaos_world_start(seed, kept);
    chaos_open(&chaos, &loop, world, seed, (unsigned)pace);
    run_day(&chaos, seconds, kept);
    chaos_close(&chaos);
    chaos_print(&chaos);
    chaos_world_print(world);
    chaos_world_stop(world);
    loop_finish(&loop);
    if (chaos.flaws > 0)
        check_fail("%llu flaws; CAIRN_SEED=%llu", (unsigned long long)chaos.flaws,
                   (unsigned long long)seed);
}

static void nothing_that_was_acknowledged_is_lost(void **state)
{
    (void)state;
    spend_a_day(CHAOS_ON_DISK);
}

static void nothing_that_was_replicated_is_lost(void **state)
{
    (void)state;
    spend_a_day(CHAOS_REPLICATED);
}

static void nothing_that_a_cluster_acknowledged_is_lost(void **state)
{
    (void)state;
    spend_a_day(CHAOS_CLUSTERED);
}

/* The checks can fail: here a server loses everything when it is killed. */
static void a_server_that_forgets_is_found_out(void **state)
{
    static chaos_t chaos;
    uv_loop_t loop;
    (void)state;
    const uint64_t pace = number_from("CAIRN_CHAOS_PACE", 1);
    assert_int_equal(uv_loop_init(&loop), 0);
    chaos_world_t *world = chaos_world_start(1, CHAOS_NOWHERE);
    chaos_open(&chaos, &loop, world, 1, (unsigned)pace);
    chaos.expects_flaws = true;
    uint64_t found[LOADS];
    begin_round(&chaos, LOADS);
    chaos_run_for(&chaos, 1500 * pace);
    chaos_come_to_rest(&chaos);
    for (int i = 0; i < LOADS; i++) {
        const uint64_t before = chaos.flaws;
        loads[i]->settle(&chaos);
        loads[i]->check(&chaos);
        found[i] = chaos.flaws - before;
    }
    for (int i = 0; i < LOADS; i++) loads[i]->end(&chaos);
    chaos_forget_actors(&chaos);
    chaos_close(&chaos);
    chaos_world_stop(world);
    loop_finish(&loop);
    for (int i = 0; i < LOADS; i++) {
        if (loads[i] != &chaos_topic_load) assert_true(found[i] > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_forgets_is_found_out),
        cmocka_unit_test(nothing_that_was_acknowledged_is_lost),
        cmocka_unit_test(nothing_that_was_replicated_is_lost),
        cmocka_unit_test(nothing_that_a_cluster_acknowledged_is_lost),
    };
    return cmocka_run_group_tests_name("chaos", tests, NULL, NULL);
}
