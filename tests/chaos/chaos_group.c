/* A group whose members, on several links, read, acknowledge, give back, claim, and now and then
 * forget all that they hold, as one does that dies. What is acknowledged does not come again; in
 * the end everything that was appended has come to somebody. */
#include "chaos_producer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MEMBERS = 6,
    HELD_MOST = 64,
    CLAIM_IDLE_MS = 300,
    DRAIN_ROUNDS = 4000,
    FLAWS_MOST = 200 /* then it goes nowhere */
};

#define GROUP cairn_str("workers")

typedef struct item {
    unsigned deliveries;
    bool acknowledged;
    uint64_t acknowledged_ns;
} item_t;

typedef struct holding {
    cairn_position_t position;
    unsigned number;
} holding_t;

typedef struct member {
    chaos_actor_t actor;
    char name[CHAOS_NAME];
    holding_t held[HELD_MOST];
    size_t count, settling;
    bool acks;
    uint64_t asked_ns;
    size_t given; /* by the last read or claim */
    cairn_group_read_t read;
    cairn_group_change_t change;
    cairn_group_info_t info;
    cairn_group_facts_t facts;
} member_t;

static chaos_producer_t *producer;
static member_t *members;
static item_t *items;

/* ---- reading ---- */

static void take(member_t *member, const cairn_delivery_t *delivery)
{
    chaos_t *chaos = member->actor.chaos;
    unsigned number = 0;
    chaos->told++;
    if (!chaos_producer_knows(producer, &delivery->event, &number)) {
        chaos_flaw(chaos, "the group got an event that nobody appended");
        return;
    }
    item_t *item = &items[number];
    if (item->acknowledged && member->asked_ns > item->acknowledged_ns)
        chaos_flaw(chaos, "event %u came to %s (delivery %llu) %llu ms after it was acknowledged",
                   number, member->name, (unsigned long long)delivery->deliveries,
                   (unsigned long long)((member->asked_ns - item->acknowledged_ns) / 1000000));
    item->deliveries++;
    if (member->count < HELD_MOST)
        member->held[member->count++] = (holding_t){delivery->event.position, number};
}

static void on_read(cairn_group_read_t *req, int status, const cairn_delivery_t *deliveries,
                    size_t count)
{
    member_t *member = req->req.data;
    if (chaos_answered(&member->actor, &req->req, status) != CHAOS_DONE) return;
    member->given = count;
    for (size_t i = 0; i < count; i++) take(member, &deliveries[i]);
}

static void read_some(member_t *member, uint32_t most, uint32_t wait_ms)
{
    member->asked_ns = uv_hrtime();
    member->given = 0;
    chaos_ask(&member->actor, CHAOS_GROUP_READ, &member->read.req, wait_ms + 50);
    chaos_asked(&member->actor, &member->read.req,
                cairn_group_read(&member->actor.link->streams, &member->read,
                                 cairn_str(producer->stream), GROUP, cairn_str(member->name), most,
                                 wait_ms, on_read));
}

static void claim_some(member_t *member, uint32_t most, uint64_t idle_ms)
{
    member->asked_ns = uv_hrtime();
    member->given = 0;
    chaos_ask(&member->actor, CHAOS_GROUP_CLAIM, &member->read.req, 0);
    chaos_asked(&member->actor, &member->read.req,
                cairn_group_claim(&member->actor.link->streams, &member->read,
                                  cairn_str(producer->stream), GROUP, cairn_str(member->name), most,
                                  idle_ms, on_read));
}

/* ---- acknowledging and giving back ---- */

static void on_settled(cairn_group_change_t *req, int status, uint64_t count)
{
    member_t *member = req->req.data;
    const size_t settled = member->settling;
    const chaos_outcome_t outcome = chaos_answered(&member->actor, &req->req, status);
    /* Fewer: somebody else was faster with some of them. */
    const bool all = outcome == CHAOS_DONE && count == settled && member->acks;
    for (size_t i = 0; i < settled && all; i++) {
        item_t *item = &items[member->held[i].number];
        if (!item->acknowledged) item->acknowledged_ns = uv_hrtime();
        item->acknowledged = true;
    }
    if (outcome == CHAOS_NOT_DONE) return;
    member->count -= settled;
    memmove(member->held, member->held + settled, member->count * sizeof *member->held);
}

static void settle_some(member_t *member, size_t count, bool acks)
{
    cairn_position_t positions[HELD_MOST];
    for (size_t i = 0; i < count; i++) positions[i] = member->held[i].position;
    member->settling = count;
    member->acks = acks;
    cairn_streams_t *streams = &member->actor.link->streams;
    const cairn_slice_t stream = cairn_str(producer->stream);
    chaos_ask(&member->actor, CHAOS_GROUP_CHANGE, &member->change.req, 0);
    chaos_asked(&member->actor, &member->change.req,
                acks ? cairn_group_ack(streams, &member->change, stream, GROUP, positions, count,
                                       on_settled)
                     : cairn_group_nak(streams, &member->change, stream, GROUP, positions, count,
                                       20, on_settled));
}

static void act(chaos_actor_t *actor)
{
    member_t *member = (member_t *)actor;
    const uint64_t dice = chaos_roll(actor->chaos, 1 << 20);
    const uint32_t most = 1 + (uint32_t)(dice / 16 % 8);
    const size_t some = member->count > 0 ? 1 + (size_t)(dice / 16) % member->count : 0;
    switch (dice % 12) {
    case 0:
        member->count = 0;
        break;
    case 1:
        if (some > 0) settle_some(member, some, false);
        break;
    case 2:
    case 3:
        if (member->count + most <= HELD_MOST) claim_some(member, most, CLAIM_IDLE_MS);
        break;
    case 4:
    case 5:
    case 6:
        if (member->count + most <= HELD_MOST)
            read_some(member, most, (uint32_t)(dice / 128 % 4 * 60));
        break;
    default:
        if (some > 0) settle_some(member, some, true);
    }
}

/* ---- the round ---- */

static void on_created(cairn_group_change_t *req, int status, uint64_t count)
{
    member_t *member = req->req.data;
    (void)count;
    chaos_answered(&member->actor, &req->req, status);
}

static void create_group(chaos_t *chaos)
{
    member_t *member = &members[0];
    chaos_link_t *link = member->actor.link;
    const cairn_group_options_t options = {.from = CAIRN_FROM_ALL};
    chaos->over = chaos->at_peace = true;
    member->actor.link = &chaos->clean;
    chaos_ask(&member->actor, CHAOS_GROUP_CHANGE, &member->change.req, 0);
    chaos_asked(&member->actor, &member->change.req,
                cairn_group_create(&chaos->clean.streams, &member->change,
                                   cairn_str(producer->stream), GROUP, &options, on_created));
    chaos_wait(&member->actor);
    member->actor.link = link;
    chaos->over = chaos->at_peace = false;
}

static void begin(chaos_t *chaos)
{
    char name[CHAOS_NAME];
    producer = calloc(1, sizeof *producer);
    members = calloc(MEMBERS, sizeof *members);
    items = calloc(CHAOS_EVENTS, sizeof *items);
    if (!producer || !members || !items) abort();
    snprintf(name, sizeof name, "g%u", chaos->round);
    chaos_producer_begin(producer, chaos, &chaos->links[chaos->round % CHAOS_LINKS], name, true);
    for (int i = 0; i < MEMBERS; i++) {
        snprintf(members[i].name, sizeof members[i].name, "m%d", i);
        chaos_add(chaos, &members[i].actor, &chaos->links[i % CHAOS_LINKS], act);
    }
    create_group(chaos);
}

static void on_info(cairn_group_info_t *req, int status, const cairn_group_facts_t *facts)
{
    member_t *member = req->req.data;
    if (chaos_answered(&member->actor, &req->req, status) == CHAOS_DONE) member->facts = *facts;
}

static void ask_info(member_t *member)
{
    chaos_ask(&member->actor, CHAOS_GROUP_CHANGE, &member->info.req, 0);
    chaos_asked(&member->actor, &member->info.req,
                cairn_group_info(&member->actor.link->streams, &member->info,
                                 cairn_str(producer->stream), GROUP, on_info));
    chaos_wait(&member->actor);
}

/* One member takes over all that others hold, and all that is new, and acknowledges it. */
static void settle(chaos_t *chaos)
{
    member_t *member = &members[0];
    chaos_producer_settle(producer);
    member->actor.link = &chaos->clean;
    member->count = 0;
    ask_info(member);
    for (int i = 0; i < DRAIN_ROUNDS && chaos->flaws < FLAWS_MOST; i++) {
        claim_some(member, HELD_MOST / 2, 0);
        chaos_wait(&member->actor);
        if (member->given == 0) {
            read_some(member, HELD_MOST / 2, 0);
            chaos_wait(&member->actor);
        }
        if (member->count > 0) {
            settle_some(member, member->count, true);
            chaos_wait(&member->actor);
        } else {
            ask_info(member);
            if (member->facts.held == 0 && member->facts.waiting == 0) break;
        }
    }
}

static void check(chaos_t *chaos)
{
    const cairn_group_facts_t *facts = &members[0].facts;
    if (facts->held > 0 || facts->waiting > 0)
        chaos_flaw(chaos, "the group keeps %llu held and %llu waiting that nobody is given",
                   (unsigned long long)facts->held, (unsigned long long)facts->waiting);
    for (unsigned i = 1; i <= producer->last; i++) {
        if (producer->states[i] == CHAOS_EVENT_THERE && items[i].deliveries == 0)
            chaos_flaw(chaos, "event %u of the group never came to anybody", i);
    }
}

static void end(chaos_t *chaos)
{
    (void)chaos;
    free(producer);
    free(members);
    free(items);
}

const chaos_load_t chaos_group_load = {"groups", begin, settle, check, end};
