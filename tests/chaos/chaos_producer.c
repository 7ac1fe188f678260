#include "chaos_producer.h"

#include <stdio.h>
#include <string.h>

enum {
    DATA_MOST = 41000
};

/* Most are small, some are beyond what passes through a script, a few beyond what is pushed. */
static size_t fill(char *out, const chaos_producer_t *producer, unsigned number)
{
    size_t len = number * 31 % 120;
    if (number % 17 == 0) len = 3000;
    if (number % 127 == 0) len = 40000;
    int begun = snprintf(out, DATA_MOST, "%u %s ", number, producer->stream);
    memset(out + begun, 'a' + (int)(number % 26), len);
    return (size_t)begun + len;
}

bool chaos_producer_knows(const chaos_producer_t *producer, const cairn_stream_event_t *event,
                          unsigned *number)
{
    static char expected[DATA_MOST];
    char head[24];
    const cairn_slice_t data = event->data.bytes;
    snprintf(head, sizeof head, "%.*s", (int)(data.len < 20 ? data.len : 20), data.ptr);
    if (sscanf(head, "%u", number) != 1) return false;
    if (*number == 0 || *number > producer->last) return false;
    return cairn_slice_eq(data, cairn_slice(expected, fill(expected, producer, *number)));
}

static void on_appended(cairn_stream_append_t *req, int status,
                        const cairn_stream_appended_t *appended)
{
    chaos_producer_t *producer = req->req.data;
    (void)appended;
    const chaos_outcome_t outcome = chaos_answered(&producer->actor, &req->req, status);
    producer->again = outcome != CHAOS_DONE && producer->with_ids;
    if (producer->again) return;
    for (unsigned i = 0; i < producer->count; i++)
        producer->states[producer->first + i] = outcome == CHAOS_DONE       ? CHAOS_EVENT_THERE
                                                : outcome == CHAOS_NOT_DONE ? CHAOS_EVENT_NOT
                                                                            : CHAOS_EVENT_DOUBT;
    if (outcome == CHAOS_DONE) producer->there += producer->count;
}

static void submit(chaos_producer_t *producer)
{
    static char data[CHAOS_BATCH][DATA_MOST];
    char ids[CHAOS_BATCH][16];
    cairn_stream_entry_t entries[CHAOS_BATCH];
    for (unsigned i = 0; i < producer->count; i++) {
        const unsigned number = producer->first + i;
        snprintf(ids[i], sizeof ids[i], "id-%u", number);
        entries[i] = (cairn_stream_entry_t){
            .event = cairn_str("e"),
            .data = cairn_value(cairn_str("text"),
                                cairn_slice(data[i], fill(data[i], producer, number))),
            .id = cairn_str(producer->with_ids ? ids[i] : NULL)};
    }
    chaos_ask(&producer->actor, CHAOS_STREAM_APPEND, &producer->append.req, 0);
    producer->append.req.flags = producer->with_ids ? CAIRN_REQ_IDEMPOTENT : 0;
    const bool accepted =
        chaos_asked(&producer->actor, &producer->append.req,
                    cairn_stream_append(&producer->actor.link->streams, &producer->append,
                                        cairn_str(producer->stream), entries, producer->count, NULL,
                                        on_appended));
    if (!accepted) producer->again = true; /* nothing of it is there, nor on its way */
}

static void act(chaos_actor_t *actor)
{
    chaos_producer_t *producer = (chaos_producer_t *)actor;
    if (!producer->again) {
        producer->count = 1 + (unsigned)chaos_roll(actor->chaos, CHAOS_BATCH);
        if (producer->last + producer->count >= CHAOS_EVENTS) return;
        producer->first = producer->last + 1;
        producer->last += producer->count;
    }
    submit(producer);
}

void chaos_producer_begin(chaos_producer_t *producer, chaos_t *chaos, chaos_link_t *link,
                          const char *stream, bool with_ids)
{
    *producer = (chaos_producer_t){.with_ids = with_ids};
    snprintf(producer->stream, sizeof producer->stream, "%s", stream);
    chaos_add(chaos, &producer->actor, link, act);
}

static void on_length(cairn_stream_count_t *req, int status, uint64_t events)
{
    chaos_producer_t *producer = req->req.data;
    if (chaos_answered(&producer->actor, &req->req, status) == CHAOS_DONE)
        producer->events = events;
}

void chaos_producer_settle(chaos_producer_t *producer)
{
    chaos_t *chaos = producer->actor.chaos;
    producer->actor.link = &chaos->clean;
    if (producer->again) {
        submit(producer);
        chaos_wait(&producer->actor);
    }
    chaos_ask(&producer->actor, CHAOS_STREAM_LENGTH, &producer->length.req, 0);
    chaos_asked(&producer->actor, &producer->length.req,
                cairn_stream_length(&producer->actor.link->streams, &producer->length,
                                    cairn_str(producer->stream), on_length));
    chaos_wait(&producer->actor);
    unsigned doubts = 0;
    for (unsigned i = 1; i <= producer->last; i++)
        doubts += producer->states[i] == CHAOS_EVENT_DOUBT;
    if (producer->events < producer->there || producer->events > producer->there + doubts)
        chaos_flaw(chaos, "%s holds %llu events, but %u are there for sure and %u in doubt",
                   producer->stream, (unsigned long long)producer->events, producer->there, doubts);
}
