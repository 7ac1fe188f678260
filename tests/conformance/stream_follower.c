#include "stream_client.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- tails ---- */

static void enter(const follower_t *follower, const char *what)
{
    world_t *world = follower->client->world;
    if (world->inside) world_trouble(world, "%s inside a call into the library", what);
    if (!follower->live) world_trouble(world, "%s after the tail's end", what);
    if (!follower->client->client->open) world_trouble(world, "%s after the close callback", what);
}

static void react(follower_t *follower, const char *line)
{
    if (follower->react) follower->react(follower, line);
}

static void check_welcome(const follower_t *follower, const cairn_stream_event_t *event)
{
    world_t *world = follower->client->world;
    if (follower->over) world_trouble(world, "an event after ENDED or FAILED");
    if (follower->closed) world_trouble(world, "an event after close");
    if (follower->stopped) world_trouble(world, "an event to a stopped tail");
    if (cairn_position_cmp(event->position, follower->position) <= 0)
        world_trouble(world, "an event out of order, or twice");
    if (cairn_position_cmp(event->position, cairn_stream_tail_position(&follower->tail)) != 0)
        world_trouble(world, "the tail is not where its event is");
    if (!streams_type_is_right(event->data.type))
        world_trouble(world, "an event lost the type of its data");
}

static void on_event(cairn_stream_tail_t *tail, const cairn_stream_event_t *event)
{
    follower_t *follower = tail->data;
    enter(follower, "an event");
    check_welcome(follower, event);
    follower->events++;
    follower->position = event->position;
    text_t word = {0};
    text_add_event(&word, event);
    text_add(&follower->text, "%s%s", follower->text.len ? " " : "", text_chars(&word));
    const char *line = NULL;
    if (!follower->quiet) line = journal_add(&follower->journal, "event %s", text_chars(&word));
    text_free(&word);
    react(follower, line);
}

static const char *record(follower_t *follower, const cairn_tail_notice_t *notice)
{
    journal_t *journal = &follower->journal;
    switch (notice->type) {
    case CAIRN_TAIL_LIVE:
        return journal_add(journal, "live");
    case CAIRN_TAIL_DISCONNECTED:
        return journal_add(journal, "disconnected %s", cairn_err_name(notice->status));
    case CAIRN_TAIL_RESUMED:
        return journal_add(journal, "resumed");
    case CAIRN_TAIL_GAP:
        return journal_add(journal, "gap %lld", (long long)notice->lost);
    case CAIRN_TAIL_CLEARED:
        return journal_add(journal, "cleared");
    case CAIRN_TAIL_ENDED:
        follower->over = true;
        return journal_add(journal, "ended");
    case CAIRN_TAIL_FAILED:
        follower->over = true;
        return journal_add(journal, "failed %s", cairn_err_name(notice->status));
    }
    world_trouble(follower->client->world, "unknown notice %d", notice->type);
    return journal_add(journal, "notice %d", notice->type);
}

static void on_notice(cairn_stream_tail_t *tail, const cairn_tail_notice_t *notice)
{
    follower_t *follower = tail->data;
    enter(follower, "a notice");
    if (follower->over) world_trouble(follower->client->world, "a notice after ENDED or FAILED");
    if (follower->closed) world_trouble(follower->client->world, "a notice after close");
    const char *line = record(follower, notice);
    bool handle_closed = notice->type == CAIRN_TAIL_FAILED && notice->status == UV_ECANCELED;
    if (handle_closed) follower->live = false;
    react(follower, line);
}

static void on_closed(cairn_stream_tail_t *tail)
{
    follower_t *follower = tail->data;
    enter(follower, "a tail's close callback");
    follower->live = false;
    react(follower, journal_add(&follower->journal, "closed"));
}

static void on_drained(cairn_stream_tail_t *tail, int64_t left)
{
    follower_t *follower = tail->data;
    enter(follower, "a tail's drain callback");
    follower->live = follower->closed; /* then its close callback is still to come */
    react(follower, journal_add(&follower->journal, "drained %lld", (long long)left));
}

follower_t *streams_follower(streams_client_t *s)
{
    follower_t *follower = calloc(1, sizeof *follower);
    if (!follower) abort();
    follower->client = s;
    follower->tail.data = follower;
    follower->tail.on_notice = on_notice;
    follower->next = s->followers;
    s->followers = follower;
    return follower;
}

int follower_try(follower_t *follower, cairn_slice_t stream,
                 const cairn_stream_tail_options_t *options)
{
    streams_client_t *s = follower->client;
    bool outer = world_call(s->world);
    int rc = cairn_stream_tail_open(&s->streams, &follower->tail, stream, options, on_event);
    world_return(s->world, outer);
    if (rc != 0) return rc;
    follower->live = true;
    follower->over = false;
    follower->closed = false;
    follower->stopped = options && options->stopped;
    return 0;
}

follower_t *streams_follow(streams_client_t *s, const char *stream,
                           const cairn_stream_tail_options_t *options)
{
    follower_t *follower = streams_follower(s);
    assert_status(follower_try(follower, cairn_str(stream), options), 0);
    return follower;
}

follower_t *streams_follow_from(streams_client_t *s, const char *stream, cairn_tail_from_t from)
{
    cairn_stream_tail_options_t options = {.from = from};
    return streams_follow(s, stream, &options);
}

follower_t *streams_follow_after(streams_client_t *s, const char *stream, cairn_position_t after)
{
    cairn_stream_tail_options_t options = {.from = CAIRN_FROM_AFTER, .after = after};
    return streams_follow(s, stream, &options);
}

typedef struct wanted {
    const follower_t *follower;
    uint64_t events;
} wanted_t;

static bool has_events(void *ctx)
{
    const wanted_t *wanted = ctx;
    return wanted->follower->events >= wanted->events;
}

void follower_await_events(follower_t *follower, uint64_t events)
{
    wanted_t wanted = {follower, events};
    loop_run_until(&follower->client->world->loop, "a tail's events", has_events, &wanted);
    assert_int_equal(follower->events, events);
}

/* `op` inside a call into the library. */
#define CALL(one, op)                                                                              \
    world_t *world = (one)->client->world;                                                         \
    bool outer = world_call(world);                                                                \
    op;                                                                                            \
    world_return(world, outer)

void follower_stop(follower_t *follower)
{
    CALL(follower, cairn_stream_tail_stop(&follower->tail));
    follower->stopped = true;
}

void follower_start(follower_t *follower)
{
    follower->stopped = false;
    CALL(follower, cairn_stream_tail_start(&follower->tail));
}

void follower_credit(follower_t *follower, uint32_t events)
{
    CALL(follower, cairn_stream_tail_credit(&follower->tail, events));
}

void follower_close(follower_t *follower)
{
    CALL(follower, cairn_stream_tail_close(&follower->tail, on_closed));
    follower->closed = true;
}

int follower_drain(follower_t *follower, uint32_t timeout_ms)
{
    CALL(follower, int rc = cairn_stream_tail_drain(&follower->tail, timeout_ms, on_drained));
    return rc;
}

/* ---- watches ---- */

static void enter_watch(const watcher_t *watcher, const char *what)
{
    world_t *world = watcher->client->world;
    if (world->inside) world_trouble(world, "%s inside a call into the library", what);
    if (!watcher->live) world_trouble(world, "%s after the watch's end", what);
    if (!watcher->client->client->open) world_trouble(world, "%s after the close callback", what);
}

static void on_cancel(cairn_stream_watch_t *watch, int status, const cairn_stream_event_t *event)
{
    watcher_t *watcher = watch->data;
    enter_watch(watcher, "a cancel");
    if (watcher->told) world_trouble(watcher->client->world, "a watch was told twice");
    if (watcher->closed) world_trouble(watcher->client->world, "a watch was told after its close");
    if ((status == 0) != (event != NULL))
        world_trouble(watcher->client->world, "status %d, and %s event", status,
                      event ? "an" : "no");
    watcher->told = true;
    if (status == UV_ECANCELED) watcher->live = false;
    text_t word = {0};
    if (event) text_add_event(&word, event);
    journal_add(&watcher->journal, "%s %s", event ? "cancelled" : "failed",
                event ? text_chars(&word) : cairn_err_name(status));
    text_free(&word);
    if (watcher->react) watcher->react(watcher);
}

static void on_watch_closed(cairn_stream_watch_t *watch)
{
    watcher_t *watcher = watch->data;
    enter_watch(watcher, "a watch's close callback");
    watcher->live = false;
    journal_add(&watcher->journal, "closed");
}

watcher_t *streams_watcher(streams_client_t *s)
{
    watcher_t *watcher = calloc(1, sizeof *watcher);
    if (!watcher) abort();
    watcher->client = s;
    watcher->watch.data = watcher;
    watcher->next = s->watchers;
    s->watchers = watcher;
    return watcher;
}

int watcher_try(watcher_t *watcher, cairn_slice_t stream)
{
    streams_client_t *s = watcher->client;
    CALL(watcher,
         int rc = cairn_stream_watch_open(&s->streams, &watcher->watch, stream, on_cancel));
    if (rc == 0) watcher->live = true;
    return rc;
}

watcher_t *streams_watch(streams_client_t *s, const char *stream)
{
    watcher_t *watcher = streams_watcher(s);
    assert_status(watcher_try(watcher, cairn_str(stream)), 0);
    return watcher;
}

void watcher_close(watcher_t *watcher)
{
    CALL(watcher, cairn_stream_watch_close(&watcher->watch, on_watch_closed));
    watcher->closed = true;
}
