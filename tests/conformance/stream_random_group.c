/* A producer appends 1, 2, 3 ... and members of a group share them: they read, acknowledge, give
 * back, claim, and now and then forget all that they hold, as one does that dies. No two deliveries
 * of an event have the same number, none is beyond the limit, none comes once it is acknowledged,
 * and where no answer is lost none is left out. In the end each event was acknowledged or is a dead
 * letter, and none is both. */
#include "stream_suite.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MEMBERS = 5,
    HELD_MOST = 64,
    EVENTS_MOST = 8192,
    DELIVERIES_MOST = 4,
    ROUNDS = 20000,
    STEPS = 2500
};

typedef struct team team_t;

/* What became of it, as far as is known. */
typedef struct item {
    unsigned deliveries; /* a bit for each */
    bool acknowledged;   /* it was held until then */
    bool perhaps;        /* an acknowledgement whose answer does not say */
    unsigned letters;
} item_t;

typedef struct holding {
    cairn_position_t position;
    uint64_t number;
} holding_t;

typedef struct member {
    team_t *team;
    streams_ask_t *ask;
    char name[16];
    holding_t held[HELD_MOST];
    size_t count;
    size_t settling; /* so many of the first are in an ack or a nak that is in flight */
    bool acks;
    bool reads;
} member_t;

struct team {
    uint64_t random;
    streams_client_t *s;
    streams_ask_t *producer;
    char words[256];
    uint64_t sent;
    bool repeat; /* the batch is not known to be there */
    member_t members[MEMBERS];
    item_t items[EVENTS_MOST];
    void (*disturb)(void);
    uint64_t deliveries, letters;
};

static uint64_t roll(team_t *team)
{
    team->random ^= team->random << 13;
    team->random ^= team->random >> 7;
    team->random ^= team->random << 17;
    return team->random >> 11;
}

/* ---- the producer ---- */

static void append_batch(team_t *team)
{
    if (!streams_ask_is_done(team->producer)) return;
    if (!team->repeat) {
        size_t len = 0;
        for (uint64_t count = 1 + roll(team) % 4; count > 0; count--) {
            if (team->sent + 1 >= EVENTS_MOST) break;
            unsigned long long number = ++team->sent;
            len += (size_t)snprintf(team->words + len, sizeof team->words - len, "%llu#%llu ",
                                    number, number);
        }
        if (len == 0) return;
    }
    team->repeat = true;
    team->producer->flags = CAIRN_REQ_IDEMPOTENT;
    int rc = ask_append(team->producer, "run", team->words, NULL);
    if (rc != 0 && rc != CAIRN_EFULL)
        world_trouble(team->s->world, "an append was refused with %s", cairn_err_name(rc));
}

static void on_appended(streams_ask_t *ask)
{
    team_t *team = ask->data;
    if (ask->status == 0) team->repeat = false;
}

/* ---- members ---- */

static void take_delivery(member_t *member, unsigned long long number, uint64_t deliveries,
                          cairn_position_t position)
{
    team_t *team = member->team;
    world_t *world = team->s->world;
    if (number == 0 || number > team->sent) {
        world_trouble(world, "%llu was never appended", number);
        return;
    }
    item_t *item = &team->items[number];
    if (item->acknowledged) world_trouble(world, "%llu came again", number);
    const unsigned this_one = deliveries <= DELIVERIES_MOST ? 1u << deliveries : 0;
    if (!this_one || (item->deliveries & this_one))
        world_trouble(world, "%llu: delivery %llu, and there were %x", number,
                      (unsigned long long)deliveries, item->deliveries);
    item->deliveries |= this_one;
    team->deliveries++;
    if (member->count < HELD_MOST) member->held[member->count++] = (holding_t){position, number};
}

static void take_deliveries(member_t *member)
{
    const streams_ask_t *ask = member->ask;
    const char *at = text_chars(&ask->text);
    for (size_t i = 0; i < ask->position_count; i++) {
        unsigned long long number = 0, id = 0, deliveries = 0;
        int len = 0;
        if (sscanf(at, "%llu#%llu:%llu%n", &number, &id, &deliveries, &len) != 3 || number != id) {
            world_trouble(member->team->s->world, "no delivery: %.40s", at);
            return;
        }
        at += at[len] == ' ' ? len + 1 : len;
        take_delivery(member, number, deliveries, ask->positions[i]);
    }
}

static void forget_first(member_t *member, size_t count)
{
    member->count -= count;
    memmove(member->held, member->held + count, member->count * sizeof *member->held);
}

static void settle(member_t *member)
{
    const size_t count = member->settling;
    const bool all_held = member->ask->status == 0 && member->ask->count == count;
    for (size_t i = 0; i < count && member->acks; i++) {
        item_t *item = &member->team->items[member->held[i].number];
        item->acknowledged |= all_held;
        item->perhaps |= !all_held;
    }
    member->settling = 0;
    forget_first(member, count);
}

static void on_answer(streams_ask_t *ask)
{
    member_t *member = ask->data;
    if (ask->status == UV_ENOENT) world_trouble(member->team->s->world, "the group is gone");
    if (member->settling > 0) settle(member);
    if (member->reads && ask->status == 0) take_deliveries(member);
    member->reads = false;
}

static int submit_settling(member_t *member, size_t count, bool acks, uint64_t delay_ms)
{
    cairn_position_t positions[HELD_MOST];
    for (size_t i = 0; i < count; i++) positions[i] = member->held[i].position;
    member->settling = count;
    member->acks = acks;
    int rc = acks ? ask_group_ack(member->ask, "run", "g", positions, count)
                  : ask_group_nak(member->ask, "run", "g", positions, count, delay_ms);
    if (rc != 0) member->settling = 0;
    return rc;
}

static void begin_reading(member_t *member)
{
    text_clear(&member->ask->text);
    member->reads = true;
}

static int submit_read(member_t *member, uint32_t most, uint32_t wait_ms)
{
    begin_reading(member);
    int rc = ask_group_read(member->ask, "run", "g", member->name, most, wait_ms);
    member->reads = rc == 0;
    return rc;
}

static int submit_claim(member_t *member, uint32_t most, uint64_t idle_ms)
{
    begin_reading(member);
    int rc = ask_group_claim(member->ask, "run", "g", member->name, most, idle_ms);
    member->reads = rc == 0;
    return rc;
}

static void use_member(member_t *member, uint64_t dice)
{
    if (!streams_ask_is_done(member->ask)) return;
    const uint32_t most = 1 + (uint32_t)(dice / 8 % 6);
    const size_t some = member->count > 0 ? 1 + dice / 8 % member->count : 0;
    int rc = 0;
    switch (dice % 8) {
    case 0:
    case 1:
        if (some > 0) rc = submit_settling(member, some, true, 0);
        break;
    case 2:
        if (some > 0) rc = submit_settling(member, some, false, dice / 64 % 3 * 4);
        break;
    case 3:
        if (dice / 8 % 4 == 0) member->count = 0; /* it dies; another has its name */
        break;
    case 4:
        rc = submit_claim(member, most, dice / 64 % 2 * 10);
        break;
    default:
        if (member->count + most <= HELD_MOST)
            rc = submit_read(member, most, (uint32_t)(dice / 64 % 4 * 5));
    }
    if (rc != 0 && rc != CAIRN_EFULL)
        world_trouble(member->team->s->world, "a member was refused: %s", cairn_err_name(rc));
}

/* ---- the whole ---- */

static void begin(team_t *team)
{
    static const cairn_group_options_t options = {
        .from = CAIRN_FROM_ALL, .max_deliveries = DELIVERIES_MOST, .dead_letter = {"dead", 4}};
    team->producer = streams_ask(team->s);
    team->producer->data = team;
    team->producer->react = on_appended;
    for (int i = 0; i < MEMBERS; i++) {
        member_t *member = &team->members[i];
        snprintf(member->name, sizeof member->name, "m%d", i);
        member->team = team;
        member->ask = streams_ask(team->s);
        member->ask->data = member;
        member->ask->react = on_answer;
    }
    assert_int_equal(group_create(team->s, &options), 1);
}

static void act(team_t *team)
{
    const uint64_t which = roll(team), dice = roll(team);
    switch (roll(team) % 8) {
    case 0:
    case 1:
        append_batch(team);
        break;
    case 2:
    case 3:
    case 4:
        use_member(&team->members[which % MEMBERS], dice);
        break;
    default:
        if (team->disturb && dice % 64 == 0) team->disturb();
        if (dice % 4 == 1)
            streams_pass_ms(team->s, 1);
        else
            loop_turns(&team->s->world->loop, (int)(which % 3));
    }
}

static void await(team_t *team, streams_ask_t *ask)
{
    for (int round = 0; !streams_ask_is_done(ask); round++) {
        if (round == ROUNDS) check_fail("a request does not end");
        loop_turns(&team->s->world->loop, 1);
        if (!streams_ask_is_done(ask)) streams_pass_ms(team->s, 1);
    }
}

static bool is_empty(team_t *team, streams_ask_t *ask)
{
    assert_status(ask_group_info(ask, "run", "g"), 0);
    await(team, ask);
    return ask->status == 0 && ask->group_facts.waiting == 0 && ask->group_facts.held == 0;
}

/* One member takes over all that there is, and acknowledges it. */
static void collect(team_t *team)
{
    member_t *member = &team->members[0];
    streams_ask_t *info = streams_ask(team->s);
    for (int round = 0; !is_empty(team, info); round++) {
        if (round == ROUNDS) check_fail("there is always something left");
        member->count = 0;
        assert_status(round % 2 ? submit_claim(member, 20, 0) : submit_read(member, 20, 0), 0);
        await(team, member->ask);
        if (member->count > 0) {
            assert_status(submit_settling(member, member->count, true, 0), 0);
            await(team, member->ask);
        }
        streams_pass_ms(team->s, 1); /* what was given back with a delay */
    }
}

static void count_letters(team_t *team)
{
    const char *at = streams_text(team->s, "dead");
    unsigned long long number, id;
    for (int len = 0; sscanf(at, "%llu#%llu%n", &number, &id, &len) == 2; at += len) {
        assert_in_range(number, 1, team->sent);
        team->items[number].letters++;
        team->letters++;
        if (at[len] == ' ') len++;
    }
}

static void check_item(const item_t *item, unsigned long long number, bool all_told)
{
    const unsigned next = item->deliveries + 2; /* 2 + 4 + 8 ... */
    if (all_told && (item->deliveries & next))
        check_fail("of the deliveries of %llu some were left out: %x", number, item->deliveries);
    if (item->letters > 1) check_fail("%llu is a dead letter %u times", number, item->letters);
    if (item->letters > 0 && item->acknowledged)
        check_fail("%llu was acknowledged and is a dead letter", number);
    if (item->letters == 0 && !item->acknowledged && !item->perhaps)
        check_fail("%llu is lost", number);
}

static void finish(team_t *team)
{
    while (team->repeat) {
        append_batch(team);
        await(team, team->producer);
    }
    for (int i = 0; i < MEMBERS; i++) await(team, team->members[i].ask);
    collect(team);
    count_letters(team);
    for (uint64_t number = 1; number <= team->sent; number++)
        check_item(&team->items[number], number, !team->disturb);
    print_message("%llu events, %llu deliveries, %llu dead letters\n",
                  (unsigned long long)team->sent, (unsigned long long)team->deliveries,
                  (unsigned long long)team->letters);
    assert_true(team->deliveries >= team->sent);
}

void stream_random_groups_run(world_t *world, uint64_t seed, unsigned steps, void (*disturb)(void))
{
    print_message("CAIRN_SEED=%llu\n", (unsigned long long)seed);
    team_t *team = calloc(1, sizeof *team);
    if (!team) abort();
    team->random = seed * 0x9e3779b97f4a7c15u + 1;
    team->s = streams_open(world, NULL);
    begin(team);
    team->disturb = disturb;
    while (steps-- > 0 && !world->trouble[0]) act(team);
    finish(team);
    client_close(team->s->client);
    client_await_closed(team->s->client);
    free(team);
}

static void every_event_of_a_group_is_acknowledged_or_a_dead_letter(world_t *w)
{
    const char *replayed = getenv("CAIRN_SEED");
    stream_random_groups_run(w, replayed ? strtoull(replayed, NULL, 10) : uv_hrtime(), STEPS, NULL);
}

const scenario_t stream_random_group_scenarios[] = {
    SCENARIO(every_event_of_a_group_is_acknowledged_or_a_dead_letter),
    {NULL, NULL},
};
