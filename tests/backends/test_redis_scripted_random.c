/* The broker used at random over a server that misbehaves at random. */
#include "broker_random.h"
#include "scripted.h"

enum {
    SEEDS = 10,
    STEPS = 1000
};

static const char *protocol;

static void misbehave(scripted_t *server, uint64_t roll)
{
    static const char *const replies[] = {
        ":1\r\n",         SCRIPTED_SILENCE, SCRIPTED_HANGUP, "-ERR no\r\n",
        "*1\r\n+odd\r\n", ":1\r\n",         "garbage\r\n",   "-LOADING not yet\r\n",
    };
    static const char *const commands[] = {"PUBLISH", "PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE",
                                           "HELLO"};
    const char *command = commands[roll % 5];
    const char *reply = replies[roll / 5 % 8];
    bool acknowledges = strstr(command, "SUBSCRIBE") != NULL;
    if (acknowledges && reply[0] == ':') return; /* the server's own answer is the right one */
    scripted_once(server, command, reply);
}

static void disturb(broker_random_t *random, uint64_t roll)
{
    scripted_t *server = random->data;
    unsigned channel = (unsigned)(roll / 64 % BROKER_RANDOM_CHANNELS);
    if (roll % 40 == 0) {
        scripted_hangup(server);
    } else if (roll % 40 < 4 && !server->rules) {
        misbehave(server, roll / 40);
    } else if (scripted_has_subscriber(server)) {
        scripted_message(server, broker_random_channel(random, channel),
                         broker_random_message(random, channel));
    }
}

static void play(world_t *w, uint64_t seed)
{
    scripted_t *server = w->data;
    char query[128];
    snprintf(query, sizeof query, "%s&timeout_ms=20&reconnect_min_ms=1&reconnect_max_ms=2",
             protocol);
    server->piece = seed % 3 == 0 ? 7 : 0;
    broker_random_t random = {
        .client = world_open(w, query),
        .state = seed * 0x9e3779b97f4a7c15u + 1,
        .fake_server = true,
        .disturb = disturb,
        .data = server,
    };
    broker_random_run(&random, STEPS);
}

static void random_use_breaks_no_law(world_t *w)
{
    scripted_of(w);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        play(w, seed);
        if (w->trouble[0]) check_fail("seed %llu: %s", (unsigned long long)seed, w->trouble);
    }
}

static const scenario_t scenarios[] = {
    SCENARIO(random_use_breaks_no_law),
};

int main(void)
{
    protocol = "protocol=3";
    int failures = SCENARIOS_RUN("redis: at random, RESP3", scenarios, NULL);
    protocol = "protocol=2";
    failures += SCENARIOS_RUN("redis: at random, RESP2", scenarios, NULL);
    return failures;
}
