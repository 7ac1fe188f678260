#include "broker_random.h"

#include <stdio.h>

enum {
    SUBS = 12,
    PUBS = 24
};

typedef struct player {
    broker_random_t *random;
    probe_t *probes[SUBS];
    pub_t *pubs[PUBS];
} player_t;

uint64_t broker_random_next(broker_random_t *random)
{
    random->state ^= random->state << 13;
    random->state ^= random->state >> 7;
    random->state ^= random->state << 17;
    return random->state >> 11;
}

const char *broker_random_channel(broker_random_t *random, unsigned channel)
{
    static char name[48];
    snprintf(name, sizeof name, "%u.channel-%u", random->client->world->number, channel);
    return name;
}

const char *broker_random_message(broker_random_t *random, unsigned channel)
{
    static char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)++random->sent[channel]);
    return text;
}

static void act(player_t *player, unsigned depth);

/* ---- what callbacks do: now and then, something ---- */

static void on_line(probe_t *probe, const char *line)
{
    (void)line;
    player_t *player = probe->data;
    if (broker_random_next(player->random) % 8 == 0) act(player, 1);
}

static void on_done(pub_t *pub)
{
    player_t *player = pub->data;
    if (broker_random_next(player->random) % 8 == 0) act(player, 1);
}

/* ---- actions ---- */

static void publish(player_t *player, pub_t *pub, uint64_t roll)
{
    broker_random_t *random = player->random;
    if (cairn_is_active(&pub->publish.req)) return;
    unsigned channel = (unsigned)(roll % BROKER_RANDOM_CHANNELS);
    pub->publish.req.timeout_ms = roll % 5 == 0 ? 1 + (uint32_t)(roll % 7) : 0;
    pub->publish.req.flags = roll % 3 == 0 ? CAIRN_REQ_IDEMPOTENT : 0;
    const char *text = random->fake_server ? "0" : broker_random_message(random, channel);
    cairn_slice_t name = cairn_str(broker_random_channel(random, channel));
    int status = pub_try(pub, name, cairn_str(text));
    if (status == 0) return;
    if (!random->fake_server) random->sent[channel]--;
    if (status != CAIRN_EFULL && status != CAIRN_ECLOSED)
        world_trouble(random->client->world, "a publish was refused with %s",
                      cairn_err_name(status));
}

static void subscribe(player_t *player, probe_t **slot, uint64_t roll)
{
    broker_random_t *random = player->random;
    if (*slot && (*slot)->live) return;
    cairn_broker_sub_options_t options = {
        .policy = (cairn_broker_policy_t)(roll % 3),
        .max_messages = roll % 2 ? 0 : 3,
        .credit = roll % 7 == 0 ? 2 : 0,
        .stopped = roll % 11 == 0,
    };
    *slot = client_probe(random->client);
    (*slot)->data = player;
    (*slot)->react = on_line;
    unsigned channel = (unsigned)(roll / 7 % BROKER_RANDOM_CHANNELS);
    int status = probe_try(*slot, cairn_str(broker_random_channel(random, channel)), &options);
    if (status != 0 && status != CAIRN_ECLOSED)
        world_trouble(random->client->world, "a subscription was refused with %s",
                      cairn_err_name(status));
}

static void use_probe(player_t *player, probe_t *probe, uint64_t roll)
{
    (void)player;
    if (!probe || !probe->live) return;
    switch (roll % 8) {
    case 0:
        probe_unsubscribe(probe);
        break;
    case 1:
        if (roll % 3 == 0) (void)probe_drain(probe, (uint32_t)(roll % 5));
        break;
    case 2:
        probe_stop(probe);
        break;
    case 3:
    case 4:
        probe_start(probe);
        break;
    default:
        probe_credit(probe, 1 + (uint32_t)(roll % 3));
    }
}

/* Some turns; without a connection some time, so that there is one again before long. */
static void let_it_run(client_t *client, uint64_t roll)
{
    bool ready = cairn_state(&client->cairn) == CAIRN_READY;
    if (!ready || roll % 64 == 0)
        loop_run_for(&client->world->loop, 1);
    else
        loop_turns(&client->world->loop, (int)(roll % 4));
}

static void act(player_t *player, unsigned depth)
{
    broker_random_t *random = player->random;
    uint64_t roll = broker_random_next(random);
    uint64_t which = broker_random_next(random);
    switch (roll % 8) {
    case 0:
    case 1:
    case 2:
        publish(player, player->pubs[which % PUBS], roll / 8);
        break;
    case 3:
        (void)pub_cancel(player->pubs[which % PUBS]);
        break;
    case 4:
        subscribe(player, &player->probes[which % SUBS], roll / 8);
        break;
    case 5:
        use_probe(player, player->probes[which % SUBS], roll / 8);
        break;
    default:
        if (depth > 0) break;
        if (random->disturb) random->disturb(random, roll / 8);
        let_it_run(random->client, which);
    }
}

/* ---- afterwards ---- */

/* Numbers rise; where one is missing a gap says so. */
static void check_order(const probe_t *probe)
{
    unsigned long long last = 0;
    bool gap = true; /* nobody knows what came before the first */
    for (size_t i = 0; i < probe->journal.count; i++) {
        const char *line = probe->journal.lines[i];
        if (strncmp(line, "gap", 3) == 0) gap = true;
        unsigned long long number = 0;
        if (sscanf(line, "message %llu", &number) != 1 || number == 0) continue;
        if (number <= last || (number != last + 1 && !gap))
            check_fail("message %llu after %llu %s", number, last, gap ? "" : "without a gap");
        last = number;
        gap = false;
    }
}

void broker_random_run(broker_random_t *random, unsigned steps)
{
    player_t player = {.random = random};
    client_t *client = random->client;
    for (int i = 0; i < PUBS; i++) {
        player.pubs[i] = client_request(client);
        player.pubs[i]->data = &player;
        player.pubs[i]->react = on_done;
    }
    while (steps-- > 0) act(&player, 0);
    client_close(client);
    client_await_closed(client);
    for (const probe_t *probe = client->world->probes; probe; probe = probe->next) {
        if (probe->client == client) check_order(probe);
    }
}
