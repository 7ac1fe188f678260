/* One producer a stream appends 1, 2, 3 ... in small batches and repeats a batch until it is told
 * that it is there. Tails begin anywhere, lag, close and come back to where they were. Each checks
 * what it is given as it comes. */
#include "stream_suite.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    RUNS = 3,
    TAILS = 15,
    STEPS = 2500
};

static const char *const runs[RUNS] = {"run-1", "run-2", "run-3"};

typedef struct player player_t;

typedef struct producer {
    player_t *player;
    streams_ask_t *ask;
    const char *run;
    char words[512];
    uint64_t sent; /* the last number of the batch in flight */
    bool repeat;   /* it is not known to be there */
} producer_t;

typedef struct reader {
    player_t *player;
    follower_t *follower;
    const producer_t *producer;
    uint64_t seen;    /* the last number; 0: none */
    bool any;         /* the next may be any number */
    uint64_t at_most; /* ... up to this one */
} one_reader_t;

struct player {
    uint64_t random;
    streams_client_t *s;
    producer_t producers[RUNS];
    one_reader_t readers[TAILS];
    void (*disturb)(void);
    bool over; /* nobody does anything of his own any more */
};

static uint64_t roll(player_t *player)
{
    player->random ^= player->random << 13;
    player->random ^= player->random >> 7;
    player->random ^= player->random << 17;
    return player->random >> 11;
}

/* ---- producers ---- */

static void append_batch(producer_t *producer)
{
    player_t *player = producer->player;
    if (!streams_ask_is_done(producer->ask)) return;
    if (!producer->repeat) {
        size_t len = 0;
        for (uint64_t count = 1 + roll(player) % 5; count > 0; count--) {
            unsigned long long number = ++producer->sent;
            len += (size_t)snprintf(producer->words + len, sizeof producer->words - len,
                                    "%llu#%llu ", number, number);
        }
    }
    producer->repeat = true;
    producer->ask->flags = CAIRN_REQ_IDEMPOTENT;
    int rc = ask_append(producer->ask, producer->run, producer->words, NULL);
    if (rc != 0 && rc != CAIRN_EFULL)
        world_trouble(player->s->world, "an append was refused with %s", cairn_err_name(rc));
}

static void on_appended(streams_ask_t *ask)
{
    producer_t *producer = ask->data;
    if (ask->status == 0) producer->repeat = false;
}

/* ---- readers ---- */

static void use_reader(one_reader_t *reader, uint64_t dice);

static void on_line(follower_t *follower, const char *line)
{
    one_reader_t *reader = follower->data;
    player_t *player = reader->player;
    world_t *world = player->s->world;
    unsigned long long number = 0;
    if (line && strncmp(line, "gap", 3) == 0) world_trouble(world, "a gap in a durable stream");
    if (line && sscanf(line, "event %llu", &number) == 1) {
        bool expected = reader->any ? number <= reader->at_most : number == reader->seen + 1;
        if (!expected)
            world_trouble(world, "tail of %s: %llu behind %llu", reader->producer->run, number,
                          (unsigned long long)reader->seen);
        reader->seen = number;
        reader->any = false;
    }
    if (!player->over && roll(player) % 8 == 0) use_reader(reader, roll(player));
}

static void open_reader(one_reader_t *reader, uint64_t dice)
{
    player_t *player = reader->player;
    follower_t *follower = reader->follower;
    cairn_stream_tail_options_t options = {
        .from = (cairn_tail_from_t)(dice % 4),
        .last = dice / 4 % 50,
        .credit = dice % 3 == 0 ? 1 + (uint32_t)(dice / 64 % 5) : 0,
        .max_events = dice % 5 < 2 ? 1 + (uint32_t)(dice / 32 % 8) : 0,
        .stopped = dice % 7 == 0,
    };
    bool comes_back = reader->seen > 0 && options.from != CAIRN_FROM_ALL;
    if (comes_back) {
        options.from = CAIRN_FROM_AFTER;
        options.after = follower->position;
    } else if (options.from == CAIRN_FROM_ALL || options.from == CAIRN_FROM_AFTER) {
        reader->seen = 0;
        follower->position = (cairn_position_t){0, 0};
    } else {
        reader->any = true;
        reader->at_most = UINT64_MAX;
    }
    int rc = follower_try(follower, cairn_str(reader->producer->run), &options);
    if (rc != 0) world_trouble(player->s->world, "a tail was refused: %s", cairn_err_name(rc));
}

static void use_reader(one_reader_t *reader, uint64_t dice)
{
    follower_t *follower = reader->follower;
    if (!follower->live) {
        open_reader(reader, dice / 8);
        return;
    }
    if (follower->closed) return;
    switch (dice % 8) {
    case 0:
        follower_close(follower);
        break;
    case 1:
        if (dice % 3 == 0 && follower_drain(follower, (uint32_t)(dice / 8 % 4)) == 0)
            follower->closed = false;
        break;
    case 2:
        follower_stop(follower);
        break;
    case 3:
    case 4:
        follower_start(follower);
        break;
    default:
        follower_credit(follower, 1 + (uint32_t)(dice / 8 % 7));
    }
}

/* ---- the whole ---- */

static void begin(player_t *player)
{
    for (int i = 0; i < RUNS; i++) {
        producer_t *producer = &player->producers[i];
        *producer = (producer_t){.player = player, .run = runs[i]};
        producer->ask = streams_ask(player->s);
        producer->ask->data = producer;
        producer->ask->react = on_appended;
    }
    for (int i = 0; i < TAILS; i++) {
        one_reader_t *reader = &player->readers[i];
        *reader = (one_reader_t){.player = player, .producer = &player->producers[i % RUNS]};
        reader->follower = streams_follower(player->s);
        reader->follower->data = reader;
        reader->follower->react = on_line;
    }
}

static void act(player_t *player)
{
    uint64_t which = roll(player), dice = roll(player);
    switch (roll(player) % 8) {
    case 0:
    case 1:
    case 2:
        append_batch(&player->producers[which % RUNS]);
        break;
    case 3:
    case 4:
        use_reader(&player->readers[which % TAILS], dice);
        break;
    default:
        if (player->disturb && dice % 64 == 0) player->disturb();
        if (dice % 32 == 1)
            streams_pass_ms(player->s, 1);
        else
            loop_turns(&player->s->world->loop, (int)(which % 3));
    }
}

static bool appended(void *ctx)
{
    producer_t *producer = ctx;
    if (!streams_ask_is_done(producer->ask)) return false;
    if (producer->repeat) append_batch(producer);
    return !producer->repeat;
}

static bool is_at_end(void *ctx)
{
    const one_reader_t *reader = ctx;
    return reader->seen == reader->producer->sent;
}

static bool may_open(void *ctx)
{
    const one_reader_t *reader = ctx;
    return !reader->follower->live;
}

/* Everybody reads to the end, and nothing comes behind it. */
static void finish(player_t *player)
{
    uv_loop_t *loop = &player->s->world->loop;
    player->over = true;
    for (int i = 0; i < RUNS; i++)
        loop_run_until(loop, "an append", appended, &player->producers[i]);
    for (int i = 0; i < TAILS; i++) {
        one_reader_t *reader = &player->readers[i];
        follower_t *follower = reader->follower;
        if (follower->live && !follower->closed) follower_close(follower);
        loop_run_until(loop, "a tail to close", may_open, reader);
        cairn_stream_tail_options_t options = {.from = CAIRN_FROM_AFTER,
                                               .after = follower->position};
        if (reader->any || reader->seen == 0) {
            reader->seen = 0;
            reader->any = false;
            options.after = follower->position = (cairn_position_t){0, 0};
        }
        assert_status(follower_try(follower, cairn_str(reader->producer->run), &options), 0);
    }
    for (int i = 0; i < TAILS; i++)
        loop_run_until(loop, "a tail to reach the end", is_at_end, &player->readers[i]);
}

void stream_random_run(world_t *world, uint64_t seed, unsigned steps, void (*disturb)(void))
{
    print_message("CAIRN_SEED=%llu\n", (unsigned long long)seed);
    player_t *player = calloc(1, sizeof *player);
    if (!player) abort();
    player->random = seed * 0x9e3779b97f4a7c15u + 1;
    player->disturb = disturb;
    player->s = streams_open(world, NULL);
    begin(player);
    while (steps-- > 0 && !world->trouble[0]) act(player);
    finish(player);
    client_close(player->s->client);
    client_await_closed(player->s->client);
    free(player);
}

static uint64_t seed_of(uint64_t number)
{
    const char *replayed = getenv("CAIRN_SEED");
    if (replayed) return strtoull(replayed, NULL, 10);
    return uv_hrtime() + number;
}

static void every_tail_sees_every_event_once_in_order(world_t *w)
{
    stream_random_run(w, seed_of(0), STEPS, NULL);
}

static void again_with_another_seed(world_t *w)
{
    stream_random_run(w, seed_of(1), STEPS, NULL);
}

const scenario_t stream_random_scenarios[] = {
    SCENARIO(every_tail_sees_every_event_once_in_order),
    SCENARIO(again_with_another_seed),
    {NULL, NULL},
};
