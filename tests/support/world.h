/* A loop, the handles opened on it, and everything done with them, recorded.
 *
 * A test is a scenario: a function given a fresh world. When it returns, the world closes every
 * handle and holds the library to its laws, in every test alike:
 *
 *   - no callback runs inside a call into the library;
 *   - an accepted request calls back exactly once, a refused one never;
 *   - every callback of a handle comes before its close callback;
 *   - a subscription ends exactly once, and nothing is said of it afterwards;
 *   - no message comes to a subscription that is stopped, was left, or was not told it is there;
 *   - accepted = completed + failed, once nothing is in flight;
 *   - each trace of a request that begins is followed by one of its end;
 *   - nothing stays allocated, no handle stays open.
 *
 * Channels given as text get the world's number in front, so that what an earlier test left on its
 * way to a server cannot be taken for this one's. Journals show them without it. */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include "check.h"
#include "journal.h"
#include "loop.h"

#include <cairn/broker.h>
#include <stdio.h>

typedef struct world world_t;
typedef struct client client_t;
typedef struct probe probe_t;
typedef struct pub pub_t;

/* ---- running ---- */

typedef struct scenario {
    const char *name;
    void (*run)(world_t *world);
} scenario_t;

/* clang-format off */
#define SCENARIO(function) {#function, function}
/* clang-format on */

/* Runs them as one cmocka group, each in a world whose handles open `url`. */
int scenarios_run(const char *group, const scenario_t *scenarios, size_t count, const char *url);

#define SCENARIOS_RUN(group, scenarios, url)                                                       \
    scenarios_run((group), (scenarios), sizeof(scenarios) / sizeof *(scenarios), (url))

struct world {
    uv_loop_t loop;
    const char *url;
    unsigned number;
    bool inside;                    /* a call into the library is on the stack */
    char trouble[512];              /* the first law that was broken */
    void (*at_end)(world_t *world); /* when every handle is closed; may be NULL */
    void *data;                     /* the scenario's */
    client_t *clients;
    probe_t *probes;
    pub_t *pubs;
    char **names;
    size_t name_count;
};

/* For programs that are no scenarios. `url` must outlive the world. */
void world_begin(world_t *world, const char *url);
void world_end(world_t *world);

/* Whether that number is a hash tag: in a cluster all channels of a world are in one slot then, and
 * one fence is behind all of them. False until a program says otherwise. */
extern bool world_tags_channels;

/* What stands in front of a channel's text. */
typedef char world_prefix_t[16];
const char *world_prefix(const world_t *world, world_prefix_t out);

/* `text` with the world's number in front; lives as long as the world. */
cairn_slice_t world_channel(world_t *world, const char *text);

/* Around every call into the library: callbacks in between break the law. */
bool world_call(world_t *world);
void world_return(world_t *world, bool outer);

/* Records that a law was broken. */
CAIRN_PRINTF(2, 3) void world_trouble(world_t *world, const char *format, ...);

/* ---- handles: "connected", "disconnected NAME", "credit", "closed" ---- */

struct client {
    cairn_t cairn;
    cairn_broker_t broker;
    journal_t journal;
    cairn_error_t error; /* of client_try_open */
    char detail[512];    /* of the last event */
    void (*react)(client_t *client, const char *line);
    void *data;
    bool open;
    uint64_t begun;    /* requests, by their traces */
    uint64_t ended[2]; /* well, or not */
    world_t *world;
    client_t *next;
};

/* Not yet opened: set its clock or what reacts first. */
client_t *world_client(world_t *world);

/* `query`: more parameters for the world's URL, as "a=1&b=2", or NULL. */
int client_try_open(client_t *client, const char *query);
void client_open(client_t *client, const char *query);
client_t *world_open(world_t *world, const char *query);

/* Closes; the journal gets "closed". */
void client_close(client_t *client);
void client_await_closed(client_t *client);

#define client_await(client, ...)                                                                  \
    journal_await(&(client)->journal, &(client)->world->loop, __VA_ARGS__)
#define client_await_count(client, prefix, count)                                                  \
    journal_await_count(&(client)->journal, &(client)->world->loop, (prefix), (count))

/* Waits until everything published before on this handle has been handed to its subscriptions. */
void client_fence(client_t *client);

cairn_stats_t client_stats(const client_t *client);

/* ---- requests ---- */

struct pub {
    cairn_broker_publish_t publish;
    int submits; /* accepted */
    int calls;
    int status; /* of the last call, as are receivers and detail */
    int64_t receivers;
    char detail[512];
    void (*react)(pub_t *pub);
    void *data;
    int countdown;
    client_t *client;
    pub_t *next;
};

/* A request not yet submitted. */
pub_t *client_request(client_t *client);

/* Submits; the status of the submit. */
int pub_try(pub_t *pub, cairn_slice_t channel, cairn_slice_t payload);
void pub_again(pub_t *pub, const char *channel, const char *payload);

/* A request of its own, submitted and accepted. */
pub_t *client_publish(client_t *client, const char *channel, const char *payload);

bool pub_is_done(const pub_t *pub);
#define pub_await(pub, status) pub_await_at((pub), (status), __FILE__, __LINE__)
void pub_await_at(pub_t *pub, int status, const char *file, int line);
void pub_await_any(pub_t *pub);
int pub_cancel(pub_t *pub);

/* ---- subscriptions: "subscribed", "message TEXT" (of a pattern: "message TEXT on CHANNEL"),
 *      "gap N", "slow", "disconnected NAME", "resubscribed", "failed NAME", "closed", "drained N"
 * ---- */

struct probe {
    cairn_broker_sub_t sub;
    journal_t journal;
    uint64_t messages;
    bool quiet; /* count messages, keep the last, but leave them out of the journal */
    char *last; /* payload of the last message, NUL added */
    size_t last_len;
    char detail[512]; /* of the last event */
    void (*react)(probe_t *probe, const char *line);
    probe_t *other;
    pub_t *pub;
    void *data;
    int countdown;
    bool live; /* accepted and not over */
    bool failed;
    bool unsubscribed;
    bool stopped;
    bool begun; /* "subscribed" was told */
    cairn_slice_t name;
    bool pattern;
    client_t *client;
    probe_t *next;
};

/* A subscription not yet made. */
probe_t *client_probe(client_t *client);

int probe_try(probe_t *probe, cairn_slice_t channel, const cairn_broker_sub_options_t *options);
int probe_try_pattern(probe_t *probe, cairn_slice_t pattern,
                      const cairn_broker_sub_options_t *options);

/* Made and accepted. `options` may be NULL. */
probe_t *client_subscribe(client_t *client, const char *channel,
                          const cairn_broker_sub_options_t *options);
probe_t *client_psubscribe(client_t *client, const char *pattern,
                           const cairn_broker_sub_options_t *options);

/* The same, and waits for "subscribed". */
probe_t *client_subscribed(client_t *client, const char *channel,
                           const cairn_broker_sub_options_t *options);

#define probe_await(probe, ...)                                                                    \
    journal_await(&(probe)->journal, &(probe)->client->world->loop, __VA_ARGS__)
#define probe_await_count(probe, prefix, count)                                                    \
    journal_await_count(&(probe)->journal, &(probe)->client->world->loop, (prefix), (count))
void probe_await_messages(probe_t *probe, uint64_t messages);

void probe_stop(probe_t *probe);
void probe_start(probe_t *probe);
void probe_credit(probe_t *probe, uint32_t messages);
void probe_unsubscribe(probe_t *probe);
int probe_drain(probe_t *probe, uint32_t timeout_ms);

#endif
