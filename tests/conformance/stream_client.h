/* Run streams on a handle of the world, and what is asked of them: blocking where a test wants to
 * read as a rule does, in flight where it is about that. The world's laws hold for these requests,
 * tails and watches too.
 *
 * Events as words: "a token=b END=x c#id1"
 *     a          an event named "m" with the data "a"
 *     token=b    one with a name
 *     c#id1      one with an id
 *     END ERROR CANCEL   those that end the stream */
#ifndef TESTS_CONFORMANCE_STREAM_CLIENT_H
#define TESTS_CONFORMANCE_STREAM_CLIENT_H

#include "saver_text.h"
#include "timed.h"

#include <cairn/group.h>

typedef struct streams_client streams_client_t;
typedef struct streams_ask streams_ask_t;
typedef struct follower follower_t;
typedef struct watcher watcher_t;

/* What stands behind the URL of the tests that follow. */
typedef struct streams_backend {
    bool fake_clock;        /* time is what the handle's clock says, to the millisecond */
    void (*clear)(void);    /* removes everything; NULL: each handle begins with nothing */
    const char *other_type; /* of data that not only words were appended with; may be NULL */
} streams_backend_t;

extern streams_backend_t streams_backend;

struct streams_client {
    cairn_streams_t streams;
    client_t *client;
    world_t *world;
    fake_clock_t *clock; /* the handle's; NULL: it is the time of day */
    fake_clock_t own_clock;
    streams_ask_t *asks;
    streams_ask_t *own; /* of the blocking calls */
    follower_t *followers;
    watcher_t *watchers;
    streams_client_t *next;
};

/* A handle of its own and streams on it. The first of a test finds nothing there. `options` may be
 * NULL. */
streams_client_t *streams_open(world_t *world, const cairn_streams_options_t *options);

/* Others on the same handle, or on one that the test has opened. */
streams_client_t *streams_beside(streams_client_t *s, const cairn_streams_options_t *options);
streams_client_t *streams_on(client_t *client);

/* ---- blocking: submitted, accepted, awaited, and ended with 0; a text lives until the next ----
 */

/* Position of the last. */
cairn_position_t streams_append(streams_client_t *s, const char *stream, const char *words);

/* All pages of the whole stream, as words. */
const char *streams_text(streams_client_t *s, const char *stream);
#define assert_stream(s, stream, expected)                                                         \
    assert_stream_at((s), (stream), (expected), __FILE__, __LINE__)
void assert_stream_at(streams_client_t *s, const char *stream, const char *expected,
                      const char *file, int line);

/* One page, in s->own: text, count, more, ended, last, lost. */
const char *streams_read(streams_client_t *s, const char *stream, cairn_stream_range_t range);

uint64_t streams_length(streams_client_t *s, const char *stream);
bool streams_exists(streams_client_t *s, const char *stream);
uint64_t streams_clear(streams_client_t *s, const char *stream);
uint64_t streams_copy(streams_client_t *s, const char *source, const char *target, cairn_ttl_t ttl);
int64_t streams_ttl(streams_client_t *s, const char *stream);
int64_t streams_set_ttl(streams_client_t *s, const char *stream, int64_t ttl_ms);

/* False: it is not there. The facts are in s->own. */
bool streams_info(streams_client_t *s, const char *stream);

/* Lets time pass until the stream has expired. */
void streams_await_gone(streams_client_t *s, const char *stream);
void streams_pass_ms(streams_client_t *s, uint64_t ms);

/* What is left of `ttl_ms` that began a moment ago. */
#define assert_stream_ttl(s, stream, ttl_ms)                                                       \
    assert_in_range(streams_ttl((s), (stream)), (ttl_ms)-TTL_SLACK_MS, (ttl_ms))
#define TTL_SLACK_MS 20000

/* ---- groups, blocking; of the stream "run" and the group "g" ---- */

uint64_t group_create(streams_client_t *s, const cairn_group_options_t *options);
uint64_t group_ack(streams_client_t *s, size_t first, size_t count); /* of s->own->positions */
uint64_t group_nak(streams_client_t *s, size_t first, size_t count, uint64_t delay_ms);

/* "a:1 b:2": events with their count of deliveries. */
const char *group_read(streams_client_t *s, const char *member, uint32_t most);
const char *group_claim(streams_client_t *s, const char *member, uint32_t most, uint64_t idle_ms);
void group_info(streams_client_t *s);

/* ---- in flight ---- */

#define POSITIONS_MOST 256

struct streams_ask {
    union {
        cairn_req_t req;
        cairn_stream_append_t append;
        cairn_stream_read_t read;
        cairn_stream_count_t count;
        cairn_stream_info_t info;
        cairn_stream_ttl_t ttl;
        cairn_group_change_t change;
        cairn_group_read_t group_read;
        cairn_group_info_t group_info;
    } of;
    streams_client_t *client;
    uint32_t timeout_ms; /* of what is submitted next */
    uint32_t flags;
    int submits; /* accepted */
    int calls;
    int status;       /* of the last call, as what follows */
    char detail[512]; /* also of the last submit that was refused */
    text_t text;
    uint64_t count;
    bool more, ended, found;
    cairn_position_t position, last;
    int64_t lost, ttl_ms;
    cairn_stream_facts_t facts; /* ended_by in text */
    cairn_group_facts_t group_facts;
    cairn_position_t positions[POSITIONS_MOST];
    size_t position_count;
    void (*react)(streams_ask_t *ask);
    void *data;
    streams_ask_t *next;
};

/* A request not yet submitted; lives as long as the world. */
streams_ask_t *streams_ask(streams_client_t *s);

/* Each submits and gives the status of the submit. */
int ask_append(streams_ask_t *ask, const char *stream, const char *words,
               const cairn_stream_append_options_t *options);
int ask_append_raw(streams_ask_t *ask, cairn_slice_t stream, const cairn_stream_entry_t *entries,
                   size_t count, const cairn_stream_append_options_t *options);
int ask_cancel_run(streams_ask_t *ask, const char *stream, const char *data);
int ask_end_run(streams_ask_t *ask, const char *stream, const char *data);
int ask_error_run(streams_ask_t *ask, const char *stream, const char *data);
int ask_read(streams_ask_t *ask, cairn_slice_t stream, const cairn_stream_range_t *range);
int ask_length(streams_ask_t *ask, const char *stream);
int ask_exists(streams_ask_t *ask, const char *stream);
int ask_clear(streams_ask_t *ask, const char *stream);
int ask_copy_stream(streams_ask_t *ask, const char *source, const char *target, cairn_ttl_t ttl);
int ask_info(streams_ask_t *ask, const char *stream);
int ask_stream_ttl(streams_ask_t *ask, const char *stream);
int ask_set_stream_ttl(streams_ask_t *ask, const char *stream, cairn_ttl_t ttl);
int ask_group_create(streams_ask_t *ask, const char *stream, const char *group,
                     const cairn_group_options_t *options);
int ask_group_destroy(streams_ask_t *ask, const char *stream, const char *group);
int ask_group_ack(streams_ask_t *ask, const char *stream, const char *group,
                  const cairn_position_t *positions, size_t count);
int ask_group_nak(streams_ask_t *ask, const char *stream, const char *group,
                  const cairn_position_t *positions, size_t count, uint64_t delay_ms);
int ask_group_read(streams_ask_t *ask, const char *stream, const char *group, const char *member,
                   uint32_t most, uint32_t wait_ms);
int ask_group_claim(streams_ask_t *ask, const char *stream, const char *group, const char *member,
                    uint32_t most, uint64_t min_idle_ms);
int ask_group_info(streams_ask_t *ask, const char *stream, const char *group);

bool streams_ask_is_done(const streams_ask_t *ask);
#define streams_ask_await(ask, status) streams_ask_await_at((ask), (status), __FILE__, __LINE__)
void streams_ask_await_at(streams_ask_t *ask, int status, const char *file, int line);

/* Accepted, and ended with `status`. */
#define assert_ends(ask, rc, status)                                                               \
    do {                                                                                           \
        assert_status((rc), 0);                                                                    \
        streams_ask_await((ask), (status));                                                        \
    } while (0)

/* ---- tails: "event WORD", "live", "gap N", "cleared", "ended", "disconnected NAME", "resumed",
 *      "failed NAME", "closed", "drained N" ---- */

struct follower {
    cairn_stream_tail_t tail;
    journal_t journal;
    uint64_t events;
    bool quiet;                /* leave events out of the journal, but for their text */
    text_t text;               /* all events, as words */
    cairn_position_t position; /* of the last */
    void (*react)(follower_t *follower, const char *line);
    void *data;
    int countdown;
    bool live; /* accepted and not over */
    bool over; /* ended or failed */
    bool closed;
    bool stopped;
    streams_client_t *client;
    follower_t *next;
};

/* A tail not yet opened; lives as long as the world. */
follower_t *streams_follower(streams_client_t *s);
int follower_try(follower_t *follower, cairn_slice_t stream,
                 const cairn_stream_tail_options_t *options);

/* Opened and accepted. */
follower_t *streams_follow(streams_client_t *s, const char *stream,
                           const cairn_stream_tail_options_t *options);
follower_t *streams_follow_from(streams_client_t *s, const char *stream, cairn_tail_from_t from);
follower_t *streams_follow_after(streams_client_t *s, const char *stream, cairn_position_t after);

#define follower_await(follower, ...)                                                              \
    journal_await(&(follower)->journal, &(follower)->client->world->loop, __VA_ARGS__)
#define follower_await_count(follower, prefix, count)                                              \
    journal_await_count(&(follower)->journal, &(follower)->client->world->loop, (prefix), (count))
void follower_await_events(follower_t *follower, uint64_t events);
void follower_stop(follower_t *follower);
void follower_start(follower_t *follower);
void follower_credit(follower_t *follower, uint32_t events);
void follower_close(follower_t *follower);
int follower_drain(follower_t *follower, uint32_t timeout_ms);

/* ---- watches: "cancelled WORD", "failed NAME", "closed" ---- */

struct watcher {
    cairn_stream_watch_t watch;
    journal_t journal;
    void (*react)(watcher_t *watcher);
    bool live, told, closed;
    streams_client_t *client;
    watcher_t *next;
};

watcher_t *streams_watcher(streams_client_t *s);
int watcher_try(watcher_t *watcher, cairn_slice_t stream);
watcher_t *streams_watch(streams_client_t *s, const char *stream);
void watcher_close(watcher_t *watcher);
#define watcher_await(watcher, ...)                                                                \
    journal_await(&(watcher)->journal, &(watcher)->client->world->loop, __VA_ARGS__)

/* ---- words ---- */

#define WORDS_MOST 64

/* Borrows from `words`. */
size_t entries_parse(cairn_stream_entry_t out[WORDS_MOST], const char *words);
void text_add_event(text_t *text, const cairn_stream_event_t *event);

/* Of words, or streams_backend.other_type. */
bool streams_type_is_right(cairn_slice_t type);

#endif
