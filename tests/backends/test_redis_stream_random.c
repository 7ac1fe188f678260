/* Producers and tails at random, while the server is killed and started again, stopped, and its
 * connections are cut; and the members of a group. It writes everything to disk before it answers:
 * so every tail must see every event once, in order, and no event of a group may be lost.
 * CAIRN_SEED runs one seed alone. */
#include "redis.h"
#include "stream_suite.h"

#include <stdlib.h>

enum {
    STEPS = 3000,
    SEEDS = 3
};

static redis_t redis;
static world_t *here;
static unsigned turn;
static unsigned kills, pauses, cuts;

static void kill_it(void)
{
    redis_restart(&redis);
    kills++;
}

static void stop_it_for_a_while(void)
{
    redis_pause(&redis);
    loop_turns(&here->loop, 20);
    redis_resume(&redis);
    pauses++;
}

static void hold_it_up(void)
{
    redis_ask(&redis, "CLIENT PAUSE 15 ALL");
    pauses++;
}

static void cut(const char *command)
{
    redis_ask(&redis, command);
    cuts++;
}

static void disturb(void)
{
    switch (turn++ % 7) {
    case 0:
        cut("CLIENT KILL TYPE normal SKIPME yes");
        break;
    case 1:
    case 4:
        stop_it_for_a_while();
        break;
    case 2:
        kill_it();
        break;
    case 3:
        cut("CLIENT KILL TYPE pubsub");
        break;
    case 5:
        hold_it_up();
        break;
    default:
        redis_ask(&redis, "SCRIPT FLUSH");
    }
}

static void every_event_once_in_order_whatever_happens_to_the_server(world_t *w)
{
    static uint64_t number;
    const char *replayed = getenv("CAIRN_SEED");
    here = w;
    stream_random_run(w, replayed ? strtoull(replayed, NULL, 10) : uv_hrtime() + number++, STEPS,
                      disturb);
}

static void no_event_of_a_group_is_lost_whatever_happens_to_the_server(world_t *w)
{
    static uint64_t number;
    const char *replayed = getenv("CAIRN_SEED");
    here = w;
    stream_random_groups_run(w, replayed ? strtoull(replayed, NULL, 10) : uv_hrtime() + number++,
                             STEPS, disturb);
}

static void so_much_has_happened(world_t *w)
{
    (void)w;
    print_message("%u kills, %u pauses, %u cuts\n", kills, pauses, cuts);
    assert_in_range(kills, 1, STEPS);
    assert_in_range(pauses, 1, STEPS);
    assert_in_range(cuts, 1, STEPS);
}

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

int main(void)
{
    static char appendonly[] = "--appendonly", yes[] = "yes";
    static char appendfsync[] = "--appendfsync", always[] = "always";
    static char *const args[] = {appendonly, yes, appendfsync, always, NULL};
    static const scenario_t scenarios[] = {
        SCENARIO(every_event_once_in_order_whatever_happens_to_the_server),
        SCENARIO(no_event_of_a_group_is_lost_whatever_happens_to_the_server)};
    static const char *const queries[] = {"?reconnect_min_ms=1&reconnect_max_ms=20",
                                          "?protocol=2&reconnect_min_ms=1&reconnect_max_ms=20"};
    const server_options_t options = {.args = args};
    redis_start(&redis, &options);
    streams_backend.clear = clear;
    int failures = 0;
    for (size_t i = 0; i < 2 * (size_t)SEEDS; i++) {
        const char *url = redis_url(&redis, NULL, queries[i % 2]);
        failures += SCENARIOS_RUN(i % 2 ? "stream: RESP2" : "stream: RESP3", scenarios, url);
    }
    static const scenario_t last[] = {SCENARIO(so_much_has_happened)};
    if (!getenv("CAIRN_SEED"))
        failures += SCENARIOS_RUN("stream: disturbances", last, redis_url(&redis, NULL, NULL));
    redis_stop(&redis);
    return failures;
}
