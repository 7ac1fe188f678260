#include "stream_client.h"

#include <stdlib.h>

streams_backend_t streams_backend;

/* ---- life ---- */

static void end_asks(world_t *world, streams_client_t *s)
{
    for (streams_ask_t *ask = s->asks, *next; ask; ask = next) {
        next = ask->next;
        if (!streams_ask_is_done(ask))
            world_trouble(world, "a request accepted %d times called back %d times", ask->submits,
                          ask->calls);
        text_free(&ask->text);
        free(ask);
    }
}

static void end_followers(world_t *world, streams_client_t *s)
{
    for (follower_t *follower = s->followers, *next; follower; follower = next) {
        next = follower->next;
        if (follower->live && !follower->over) world_trouble(world, "a tail never ended");
        journal_free(&follower->journal);
        text_free(&follower->text);
        free(follower);
    }
    for (watcher_t *watcher = s->watchers, *next; watcher; watcher = next) {
        next = watcher->next;
        if (watcher->live && !watcher->told) world_trouble(world, "a watch never ended");
        journal_free(&watcher->journal);
        free(watcher);
    }
}

/* When every handle is closed. */
static void end_clients(world_t *world)
{
    for (streams_client_t *s = world->data, *next; s; s = next) {
        next = s->next;
        end_asks(world, s);
        end_followers(world, s);
        free(s);
    }
}

static streams_client_t *add_client(world_t *world, client_t *client, fake_clock_t *clock,
                                    const cairn_streams_options_t *options)
{
    streams_client_t *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->world = world;
    s->client = client;
    s->clock = clock;
    s->next = world->data;
    world->data = s;
    world->at_end = end_clients;
    s->own = streams_ask(s);
    assert_status(cairn_streams_init(&s->streams, &client->cairn, options), 0);
    return s;
}

streams_client_t *streams_open(world_t *world, const cairn_streams_options_t *options)
{
    bool first = !world->clients;
    if (first && streams_backend.clear) streams_backend.clear();
    streams_client_t *s = add_client(world, world_client(world), NULL, options);
    if (streams_backend.fake_clock) s->clock = &s->own_clock;
    timed_open(s->client, s->clock);
    return s;
}

streams_client_t *streams_beside(streams_client_t *s, const cairn_streams_options_t *options)
{
    return add_client(s->world, s->client, s->clock, options);
}

streams_client_t *streams_on(client_t *client)
{
    return add_client(client->world, client, NULL, NULL);
}

/* ---- blocking ---- */

static streams_ask_t *start(streams_client_t *s)
{
    text_clear(&s->own->text);
    return s->own;
}

static void finish(streams_client_t *s, int rc)
{
    if (rc != 0) print_error("refused: %s\n", s->own->detail);
    assert_status(rc, 0);
    streams_ask_await(s->own, 0);
}

cairn_position_t streams_append(streams_client_t *s, const char *stream, const char *words)
{
    finish(s, ask_append(start(s), stream, words, NULL));
    return s->own->position;
}

const char *streams_read(streams_client_t *s, const char *stream, cairn_stream_range_t range)
{
    finish(s, ask_read(start(s), cairn_str(stream), &range));
    return text_chars(&s->own->text);
}

const char *streams_text(streams_client_t *s, const char *stream)
{
    cairn_stream_range_t range = {0};
    start(s);
    do {
        finish(s, ask_read(s->own, cairn_str(stream), &range));
        range.after = s->own->position;
    } while (s->own->more);
    return text_chars(&s->own->text);
}

void assert_stream_at(streams_client_t *s, const char *stream, const char *expected,
                      const char *file, int line)
{
    assert_text_at(streams_text(s, stream), expected, file, line);
}

uint64_t streams_length(streams_client_t *s, const char *stream)
{
    finish(s, ask_length(start(s), stream));
    return s->own->count;
}

bool streams_exists(streams_client_t *s, const char *stream)
{
    finish(s, ask_exists(start(s), stream));
    assert_in_range(s->own->count, 0, 1);
    return s->own->count == 1;
}

uint64_t streams_clear(streams_client_t *s, const char *stream)
{
    finish(s, ask_clear(start(s), stream));
    return s->own->count;
}

uint64_t streams_copy(streams_client_t *s, const char *source, const char *target, cairn_ttl_t ttl)
{
    finish(s, ask_copy_stream(start(s), source, target, ttl));
    return s->own->count;
}

int64_t streams_ttl(streams_client_t *s, const char *stream)
{
    finish(s, ask_stream_ttl(start(s), stream));
    return s->own->ttl_ms;
}

int64_t streams_set_ttl(streams_client_t *s, const char *stream, int64_t ttl_ms)
{
    finish(s, ask_set_stream_ttl(start(s), stream, cairn_ttl_ms(ttl_ms)));
    return s->own->ttl_ms;
}

bool streams_info(streams_client_t *s, const char *stream)
{
    finish(s, ask_info(start(s), stream));
    return s->own->found;
}

/* ---- time ---- */

void streams_pass_ms(streams_client_t *s, uint64_t ms)
{
    timed_pass(s->client, s->clock, (unsigned)ms);
}

void streams_await_gone(streams_client_t *s, const char *stream)
{
    uint64_t since_ms = timed_now_ms(s->clock);
    while (streams_exists(s, stream))
        timed_wait(s->client, s->clock, since_ms, "a stream to expire");
}

/* ---- groups ---- */

uint64_t group_create(streams_client_t *s, const cairn_group_options_t *options)
{
    finish(s, ask_group_create(start(s), "run", "g", options));
    return s->own->count;
}

static const cairn_position_t *positions_at(const streams_client_t *s, size_t first, size_t count,
                                            cairn_position_t out[POSITIONS_MOST])
{
    assert_in_range(first + count, 0, s->own->position_count);
    memcpy(out, &s->own->positions[first], count * sizeof *out);
    return out;
}

uint64_t group_ack(streams_client_t *s, size_t first, size_t count)
{
    cairn_position_t copy[POSITIONS_MOST];
    const cairn_position_t *positions = positions_at(s, first, count, copy);
    streams_ask_t *ask = streams_ask(s);
    assert_ends(ask, ask_group_ack(ask, "run", "g", positions, count), 0);
    return ask->count;
}

uint64_t group_nak(streams_client_t *s, size_t first, size_t count, uint64_t delay_ms)
{
    cairn_position_t copy[POSITIONS_MOST];
    const cairn_position_t *positions = positions_at(s, first, count, copy);
    streams_ask_t *ask = streams_ask(s);
    assert_ends(ask, ask_group_nak(ask, "run", "g", positions, count, delay_ms), 0);
    return ask->count;
}

const char *group_read(streams_client_t *s, const char *member, uint32_t most)
{
    finish(s, ask_group_read(start(s), "run", "g", member, most, 0));
    return text_chars(&s->own->text);
}

const char *group_claim(streams_client_t *s, const char *member, uint32_t most, uint64_t idle_ms)
{
    finish(s, ask_group_claim(start(s), "run", "g", member, most, idle_ms));
    return text_chars(&s->own->text);
}

void group_info(streams_client_t *s)
{
    finish(s, ask_group_info(start(s), "run", "g"));
}
