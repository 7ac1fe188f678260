/* Run streams with tails that begin anywhere, stop, go slowly, close and come back to where they
 * were. Each must have seen, in the end, every event that is there for sure, once and in order; at
 * most once those in doubt; and no other. */
#include "chaos_producer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PRODUCERS = 4,
    TAILS = 12,
    SEEN_MOST = 2 * CHAOS_EVENTS
};

typedef struct follower {
    chaos_actor_t actor;
    const chaos_producer_t *producer;
    cairn_stream_tail_t tail;
    cairn_position_t position;
    uint16_t order[SEEN_MOST]; /* the numbers, as they came */
    size_t count;
    bool open, closing;
} follower_t;

static chaos_producer_t *producers;
static follower_t *followers;

static const char *link_name(const follower_t *follower)
{
    return follower->actor.link->name;
}

static void on_event(cairn_stream_tail_t *tail, const cairn_stream_event_t *event)
{
    follower_t *follower = tail->data;
    chaos_t *chaos = follower->actor.chaos;
    unsigned number = 0;
    chaos->told++;
    if (cairn_position_cmp(event->position, follower->position) <= 0)
        chaos_flaw(chaos, "%s on %s: a position again", follower->producer->stream,
                   link_name(follower));
    follower->position = event->position;
    if (!chaos_producer_knows(follower->producer, event, &number))
        chaos_flaw(chaos, "%s on %s: an event that nobody appended", follower->producer->stream,
                   link_name(follower));
    else if (follower->count < SEEN_MOST)
        follower->order[follower->count++] = (uint16_t)number;
}

static void on_closed(cairn_stream_tail_t *tail)
{
    follower_t *follower = tail->data;
    follower->open = follower->closing = false;
}

static void close_tail(follower_t *follower)
{
    if (!follower->open || follower->closing) return;
    follower->closing = true;
    cairn_stream_tail_close(&follower->tail, on_closed);
}

static void on_notice(cairn_stream_tail_t *tail, const cairn_tail_notice_t *notice)
{
    follower_t *follower = tail->data;
    switch (notice->type) {
    case CAIRN_TAIL_GAP:
    case CAIRN_TAIL_CLEARED:
    case CAIRN_TAIL_ENDED:
        chaos_flaw(follower->actor.chaos, "%s on %s: notice %d, but nothing left the stream",
                   follower->producer->stream, link_name(follower), notice->type);
        break;
    case CAIRN_TAIL_FAILED:
        if (!cairn_err_retryable(notice->status))
            chaos_flaw(follower->actor.chaos, "%s on %s: the tail failed: %s %.*s",
                       follower->producer->stream, link_name(follower),
                       cairn_err_name(notice->status), (int)notice->detail.len, notice->detail.ptr);
        close_tail(follower);
        break;
    default:
        break;
    }
}

static void open_tail(follower_t *follower, uint64_t dice)
{
    const cairn_stream_tail_options_t options = {
        .from = follower->count > 0 ? CAIRN_FROM_AFTER : CAIRN_FROM_ALL,
        .after = follower->position,
        .credit = dice % 3 == 0 ? 1 + (uint32_t)dice % 7 : 0,
        .max_events = dice % 4 == 0 ? 4 : 0,
    };
    follower->tail.data = follower;
    follower->tail.on_notice = on_notice;
    int rc = cairn_stream_tail_open(&follower->actor.link->streams, &follower->tail,
                                    cairn_str(follower->producer->stream), &options, on_event);
    follower->open = rc == 0;
    if (rc != 0 && rc != CAIRN_EFULL)
        chaos_flaw(follower->actor.chaos, "a tail was refused: %s", cairn_err_name(rc));
}

static void act(chaos_actor_t *actor)
{
    follower_t *follower = (follower_t *)actor;
    const uint64_t dice = chaos_roll(actor->chaos, 1 << 20);
    if (follower->closing) return;
    if (!follower->open) {
        open_tail(follower, dice);
        return;
    }
    switch (dice % 24) {
    case 0:
        close_tail(follower);
        break;
    case 1:
        cairn_stream_tail_stop(&follower->tail);
        break;
    case 2:
    case 3:
    case 4:
        cairn_stream_tail_start(&follower->tail);
        break;
    default:
        cairn_stream_tail_credit(&follower->tail, 1 + (uint32_t)(dice / 32 % 8));
    }
}

/* ---- the round ---- */

static void begin(chaos_t *chaos)
{
    char name[CHAOS_NAME];
    producers = calloc(PRODUCERS, sizeof *producers);
    followers = calloc(TAILS, sizeof *followers);
    if (!producers || !followers) abort();
    for (int i = 0; i < PRODUCERS; i++) {
        snprintf(name, sizeof name, "s%u-%d", chaos->round, i);
        chaos_producer_begin(&producers[i], chaos, &chaos->links[i % CHAOS_LINKS], name, i % 2);
    }
    for (int i = 0; i < TAILS; i++) {
        followers[i].producer = &producers[i % PRODUCERS];
        chaos_add(chaos, &followers[i].actor, &chaos->links[(i + i / PRODUCERS) % CHAOS_LINKS],
                  act);
    }
}

static bool is_closed(void *ctx)
{
    const follower_t *follower = ctx;
    return !follower->open;
}

static bool has_all(void *ctx)
{
    const follower_t *follower = ctx;
    return follower->count >= follower->producer->events;
}

static void settle(chaos_t *chaos)
{
    for (int i = 0; i < PRODUCERS; i++) chaos_producer_settle(&producers[i]);
    for (int i = 0; i < TAILS; i++) {
        follower_t *follower = &followers[i];
        if (!follower->open) open_tail(follower, 1);
        if (follower->closing) chaos_await(chaos, "a tail to close", is_closed, follower);
        if (!follower->open) open_tail(follower, 1);
        cairn_stream_tail_start(&follower->tail);
        cairn_stream_tail_credit(&follower->tail, SEEN_MOST);
    }
    for (int i = 0; i < TAILS; i++) {
        char what[128];
        snprintf(what, sizeof what, "a tail on %s to reach the end of %s (%zu of %llu)",
                 link_name(&followers[i]), followers[i].producer->stream, followers[i].count,
                 (unsigned long long)followers[i].producer->events);
        chaos_await(chaos, what, has_all, &followers[i]);
    }
    for (int i = 0; i < TAILS; i++) {
        close_tail(&followers[i]);
        chaos_await(chaos, "a tail to close", is_closed, &followers[i]);
    }
}

/* Those that are there for sure: all of them, in order. No number twice, none that was not done. */
static void check_follower(chaos_t *chaos, const follower_t *follower)
{
    static uint8_t seen[CHAOS_EVENTS];
    const chaos_producer_t *producer = follower->producer;
    unsigned last = 0, sure = 0;
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < follower->count; i++) {
        const unsigned number = follower->order[i];
        if (seen[number]++)
            chaos_flaw(chaos, "%s on %s: event %u came twice", producer->stream,
                       link_name(follower), number);
        if (producer->states[number] == CHAOS_EVENT_NOT)
            chaos_flaw(chaos, "%s on %s: event %u came, which was refused", producer->stream,
                       link_name(follower), number);
        if (producer->states[number] != CHAOS_EVENT_THERE) continue;
        if (number < last)
            chaos_flaw(chaos, "%s on %s: event %u behind %u", producer->stream, link_name(follower),
                       number, last);
        last = number;
        sure++;
    }
    if (sure < producer->there)
        chaos_flaw(chaos, "%s on %s: %u of %u events came", producer->stream, link_name(follower),
                   sure, producer->there);
}

static void check(chaos_t *chaos)
{
    for (int i = 0; i < TAILS; i++) check_follower(chaos, &followers[i]);
}

static void end(chaos_t *chaos)
{
    (void)chaos;
    free(producers);
    free(followers);
}

const chaos_load_t chaos_stream_load = {"streams", begin, settle, check, end};
