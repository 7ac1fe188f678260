#include "stream_client.h"

#include <stdio.h>
#include <stdlib.h>

streams_ask_t *streams_ask(streams_client_t *s)
{
    streams_ask_t *ask = calloc(1, sizeof *ask);
    if (!ask) abort();
    ask->client = s;
    ask->next = s->asks;
    s->asks = ask;
    return ask;
}

/* ---- a submit ---- */

/* A request in flight is left as it is: submitting it again must be refused. */
static bool begin(streams_ask_t *ask)
{
    if (streams_ask_is_done(ask)) {
        memset(&ask->of, 0, sizeof ask->of);
        ask->of.req.data = ask;
        ask->of.req.timeout_ms = ask->timeout_ms;
        ask->of.req.flags = ask->flags;
    }
    ask->detail[0] = '\0';
    return world_call(ask->client->world);
}

static int end(streams_ask_t *ask, bool outer, int rc)
{
    world_return(ask->client->world, outer);
    if (rc == 0) ask->submits++;
    if (rc < 0)
        snprintf(ask->detail, sizeof ask->detail, "%.*s", (int)ask->of.req.detail.len,
                 ask->of.req.detail.len ? ask->of.req.detail.ptr : "");
    if (rc > 0) world_trouble(ask->client->world, "a submit said %d", rc);
    return rc;
}

/* ---- its callback ---- */

static streams_ask_t *enter(cairn_req_t *req, int status, bool has_result)
{
    streams_ask_t *ask = req->data;
    world_t *world = ask->client->world;
    if (world->inside) world_trouble(world, "a request's callback inside a call into the library");
    if (!ask->client->client->open) world_trouble(world, "a callback after the close callback");
    if (ask->calls >= ask->submits) world_trouble(world, "a request called back twice");
    if (cairn_is_active(req)) world_trouble(world, "a request is in flight in its own callback");
    if (status != 0 && has_result) world_trouble(world, "a result beside an error");
    ask->calls++;
    ask->status = status;
    ask->count = 0;
    ask->more = ask->ended = ask->found = false;
    ask->lost = 0;
    ask->ttl_ms = CAIRN_TTL_ABSENT;
    ask->position_count = 0;
    snprintf(ask->detail, sizeof ask->detail, "%.*s", (int)req->detail.len,
             req->detail.len ? req->detail.ptr : "");
    return ask;
}

static void leave(streams_ask_t *ask)
{
    if (ask->react) ask->react(ask);
}

static void on_appended(cairn_stream_append_t *req, int status,
                        const cairn_stream_appended_t *appended)
{
    streams_ask_t *ask = enter(&req->req, status, appended != NULL);
    if (appended) {
        ask->position = appended->position;
        ask->count = appended->count;
    }
    leave(ask);
}

static void keep_position(streams_ask_t *ask, cairn_position_t position)
{
    if (ask->position_count < POSITIONS_MOST) ask->positions[ask->position_count++] = position;
}

static void add_event(streams_ask_t *ask, const cairn_stream_event_t *event)
{
    if (ask->text.len > 0) text_add(&ask->text, " ");
    text_add_event(&ask->text, event);
    keep_position(ask, event->position);
    ask->position = event->position;
    if (!streams_type_is_right(event->data.type))
        world_trouble(ask->client->world, "an event lost the type of its data");
}

static void on_page(cairn_stream_read_t *req, int status, const cairn_stream_page_t *page)
{
    streams_ask_t *ask = enter(&req->req, status, page != NULL);
    if (page) {
        ask->count = page->count;
        ask->more = page->more;
        ask->ended = page->ended;
        ask->last = page->last;
        ask->lost = page->lost;
        for (size_t i = 0; i < page->count; i++) add_event(ask, &page->events[i]);
    }
    leave(ask);
}

static void on_count(cairn_stream_count_t *req, int status, uint64_t events)
{
    streams_ask_t *ask = enter(&req->req, status, events > 0);
    ask->count = events;
    leave(ask);
}

static void on_info(cairn_stream_info_t *req, int status, const cairn_stream_facts_t *facts)
{
    streams_ask_t *ask = enter(&req->req, status, facts != NULL);
    ask->found = facts != NULL;
    if (facts) {
        ask->facts = *facts;
        text_clear(&ask->text);
        if (facts->ended_by.ptr) text_add_id(&ask->text, facts->ended_by);
    }
    leave(ask);
}

static void on_ttl(cairn_stream_ttl_t *req, int status, int64_t ttl_ms)
{
    streams_ask_t *ask = enter(&req->req, status, ttl_ms != CAIRN_TTL_ABSENT);
    ask->ttl_ms = ttl_ms;
    leave(ask);
}

static void on_change(cairn_group_change_t *req, int status, uint64_t count)
{
    streams_ask_t *ask = enter(&req->req, status, count > 0);
    ask->count = count;
    leave(ask);
}

static void on_deliveries(cairn_group_read_t *req, int status, const cairn_delivery_t *deliveries,
                          size_t count)
{
    streams_ask_t *ask = enter(&req->req, status, count > 0);
    ask->count = count;
    for (size_t i = 0; i < count; i++) {
        add_event(ask, &deliveries[i].event);
        text_add(&ask->text, ":%llu", (unsigned long long)deliveries[i].deliveries);
    }
    leave(ask);
}

static void on_group_info(cairn_group_info_t *req, int status, const cairn_group_facts_t *facts)
{
    streams_ask_t *ask = enter(&req->req, status, facts != NULL);
    if (facts) ask->group_facts = *facts;
    leave(ask);
}

/* ---- the operations ---- */

#define STREAMS(ask) (&(ask)->client->streams)
#define S cairn_str

int ask_append_raw(streams_ask_t *ask, cairn_slice_t stream, const cairn_stream_entry_t *entries,
                   size_t count, const cairn_stream_append_options_t *options)
{
    bool outer = begin(ask);
    return end(ask, outer,
               cairn_stream_append(STREAMS(ask), &ask->of.append, stream, entries, count, options,
                                   on_appended));
}

int ask_append(streams_ask_t *ask, const char *stream, const char *words,
               const cairn_stream_append_options_t *options)
{
    cairn_stream_entry_t entries[WORDS_MOST];
    size_t count = entries_parse(entries, words);
    return ask_append_raw(ask, S(stream), entries, count, options);
}

typedef int (*ending_t)(cairn_streams_t *, cairn_stream_append_t *, cairn_slice_t, cairn_value_t,
                        cairn_stream_append_cb);

static int ask_ending(streams_ask_t *ask, ending_t ending, const char *stream, const char *data)
{
    bool outer = begin(ask);
    return end(ask, outer,
               ending(STREAMS(ask), &ask->of.append, S(stream), cairn_value(S(TEXT_TYPE), S(data)),
                      on_appended));
}

int ask_cancel_run(streams_ask_t *ask, const char *stream, const char *data)
{
    return ask_ending(ask, cairn_stream_cancel, stream, data);
}

int ask_end_run(streams_ask_t *ask, const char *stream, const char *data)
{
    return ask_ending(ask, cairn_stream_end, stream, data);
}

int ask_error_run(streams_ask_t *ask, const char *stream, const char *data)
{
    return ask_ending(ask, cairn_stream_error, stream, data);
}

int ask_read(streams_ask_t *ask, cairn_slice_t stream, const cairn_stream_range_t *range)
{
    bool outer = begin(ask);
    return end(ask, outer, cairn_stream_read(STREAMS(ask), &ask->of.read, stream, range, on_page));
}

int ask_length(streams_ask_t *ask, const char *stream)
{
    bool outer = begin(ask);
    return end(ask, outer, cairn_stream_length(STREAMS(ask), &ask->of.count, S(stream), on_count));
}

int ask_exists(streams_ask_t *ask, const char *stream)
{
    bool outer = begin(ask);
    return end(ask, outer, cairn_stream_exists(STREAMS(ask), &ask->of.count, S(stream), on_count));
}

int ask_clear(streams_ask_t *ask, const char *stream)
{
    bool outer = begin(ask);
    return end(ask, outer, cairn_stream_clear(STREAMS(ask), &ask->of.count, S(stream), on_count));
}

int ask_copy_stream(streams_ask_t *ask, const char *source, const char *target, cairn_ttl_t ttl)
{
    bool outer = begin(ask);
    return end(
        ask, outer,
        cairn_stream_copy(STREAMS(ask), &ask->of.count, S(source), S(target), ttl, on_count));
}

int ask_info(streams_ask_t *ask, const char *stream)
{
    bool outer = begin(ask);
    return end(ask, outer, cairn_stream_info(STREAMS(ask), &ask->of.info, S(stream), on_info));
}

int ask_stream_ttl(streams_ask_t *ask, const char *stream)
{
    bool outer = begin(ask);
    return end(ask, outer, cairn_stream_ttl(STREAMS(ask), &ask->of.ttl, S(stream), on_ttl));
}

int ask_set_stream_ttl(streams_ask_t *ask, const char *stream, cairn_ttl_t ttl)
{
    bool outer = begin(ask);
    return end(ask, outer,
               cairn_stream_set_ttl(STREAMS(ask), &ask->of.ttl, S(stream), ttl, on_ttl));
}

/* ---- groups ---- */

int ask_group_create(streams_ask_t *ask, const char *stream, const char *group,
                     const cairn_group_options_t *options)
{
    bool outer = begin(ask);
    return end(
        ask, outer,
        cairn_group_create(STREAMS(ask), &ask->of.change, S(stream), S(group), options, on_change));
}

int ask_group_destroy(streams_ask_t *ask, const char *stream, const char *group)
{
    bool outer = begin(ask);
    return end(ask, outer,
               cairn_group_destroy(STREAMS(ask), &ask->of.change, S(stream), S(group), on_change));
}

int ask_group_ack(streams_ask_t *ask, const char *stream, const char *group,
                  const cairn_position_t *positions, size_t count)
{
    bool outer = begin(ask);
    return end(ask, outer,
               cairn_group_ack(STREAMS(ask), &ask->of.change, S(stream), S(group), positions, count,
                               on_change));
}

int ask_group_nak(streams_ask_t *ask, const char *stream, const char *group,
                  const cairn_position_t *positions, size_t count, uint64_t delay_ms)
{
    bool outer = begin(ask);
    return end(ask, outer,
               cairn_group_nak(STREAMS(ask), &ask->of.change, S(stream), S(group), positions, count,
                               delay_ms, on_change));
}

int ask_group_read(streams_ask_t *ask, const char *stream, const char *group, const char *member,
                   uint32_t most, uint32_t wait_ms)
{
    bool outer = begin(ask);
    return end(ask, outer,
               cairn_group_read(STREAMS(ask), &ask->of.group_read, S(stream), S(group), S(member),
                                most, wait_ms, on_deliveries));
}

int ask_group_claim(streams_ask_t *ask, const char *stream, const char *group, const char *member,
                    uint32_t most, uint64_t min_idle_ms)
{
    bool outer = begin(ask);
    return end(ask, outer,
               cairn_group_claim(STREAMS(ask), &ask->of.group_read, S(stream), S(group), S(member),
                                 most, min_idle_ms, on_deliveries));
}

int ask_group_info(streams_ask_t *ask, const char *stream, const char *group)
{
    bool outer = begin(ask);
    return end(
        ask, outer,
        cairn_group_info(STREAMS(ask), &ask->of.group_info, S(stream), S(group), on_group_info));
}

/* ---- its end ---- */

bool streams_ask_is_done(const streams_ask_t *ask)
{
    return ask->calls == ask->submits;
}

static bool is_done(void *ctx)
{
    return streams_ask_is_done(ctx);
}

void streams_ask_await_at(streams_ask_t *ask, int status, const char *file, int line)
{
    loop_run_until_at(&ask->client->world->loop, "a stream's request to end", is_done, ask, file,
                      line);
    if (ask->status != status && ask->detail[0]) print_error("detail: %s\n", ask->detail);
    assert_status_at(ask->status, status, file, line);
}
