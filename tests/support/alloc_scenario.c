#include "alloc_scenario.h"

#include "world.h"

#include <stdlib.h>

enum {
    MESSAGES = 6,
    TRIES = 40,
    TRY_MS = 50
};

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=5"

static void check_refusal(int status, const char *what)
{
    if (status != 0 && status != UV_ENOMEM)
        check_fail("%s was refused with %s", what, cairn_err_name(status));
}

static bool has_begun(void *ctx)
{
    const probe_t *probe = ctx;
    return probe->failed || journal_count(&probe->journal, "subscribed") > 0;
}

/* The subscription, once it receives; NULL if there was no memory for it. */
static probe_t *subscribe(client_t *c, cairn_slice_t name, bool pattern, bool stopped)
{
    cairn_broker_sub_options_t options = {.max_messages = 1, .stopped = stopped};
    probe_t *probe = client_probe(c);
    int status = pattern ? probe_try_pattern(probe, name, stopped ? &options : NULL)
                         : probe_try(probe, name, stopped ? &options : NULL);
    check_refusal(status, "a subscription");
    if (status != 0) return NULL;
    loop_run_until(&c->world->loop, "a subscription to begin or fail", has_begun, probe);
    return probe->failed ? NULL : probe;
}

/* Until it is accepted and has ended without an error: the fault strikes but once. */
static void publish_surely(client_t *c, cairn_slice_t channel, const char *payload)
{
    for (int i = 0; i < TRIES; i++) {
        pub_t *pub = client_request(c);
        int status = pub_try(pub, channel, cairn_str(payload));
        check_refusal(status, "a publish");
        if (status != 0) continue;
        pub_await_any(pub);
        if (pub->status == 0) return;
    }
    check_fail("publishing %s never succeeded", payload);
}

static bool has_ended(void *ctx)
{
    const probe_t *probe = ctx;
    return probe->failed || journal_count(&probe->journal, "message end") > 0;
}

static void publish_until_the_end_arrives(probe_t *probe, cairn_slice_t channel)
{
    for (int i = 0; i < TRIES && !has_ended(probe); i++) {
        publish_surely(probe->client, channel, "end");
        (void)loop_try_for(&probe->client->world->loop, TRY_MS, has_ended, probe);
    }
    if (!has_ended(probe)) check_fail("a subscription stays silent after a failed allocation");
}

/* Numbers are missing only where a gap says so. */
static void check_losses(const probe_t *probe)
{
    int expected = 1;
    long long told = 0;
    bool unknown = false;
    for (size_t i = 0; i < probe->journal.count; i++) {
        const char *line = probe->journal.lines[i];
        long long lost = 0;
        if (sscanf(line, "gap %lld", &lost) == 1) {
            unknown = unknown || lost < 0;
            told += lost;
        }
        bool is_end = strncmp(line, "message end", 11) == 0;
        int number = is_end ? MESSAGES + 1 : 0;
        if (!is_end && sscanf(line, "message %d", &number) != 1) continue;
        if (number > expected && !unknown && told < number - expected)
            check_fail("%d messages are missing, %lld are told of", number - expected, told);
        if (number >= expected) told = 0;
        if (number >= expected) unknown = false;
        expected = is_end ? MESSAGES + 1 : number + 1;
    }
}

static void use(client_t *c)
{
    world_t *w = c->world;
    cairn_slice_t channel = world_channel(w, "news");
    probe_t *probes[3] = {subscribe(c, channel, false, false), subscribe(c, channel, false, true),
                          subscribe(c, world_channel(w, "n*"), true, false)};
    for (int i = 1; i <= MESSAGES; i++) {
        char payload[512 * MESSAGES]; /* each longer, so that buffers grow while they drop */
        snprintf(payload, sizeof payload, "%-*d", i * 500, i);
        publish_surely(c, channel, payload);
    }
    for (int i = 0; i < 3; i++) {
        if (!probes[i]) continue;
        probe_start(probes[i]);
        publish_until_the_end_arrives(probes[i], channel);
        check_losses(probes[i]);
    }
    if (probes[0]) probe_unsubscribe(probes[0]);
    if (probes[1]) check_refusal(probe_drain(probes[1], 1000), "a drain");
}

static world_t *begin(const char *url)
{
    world_t *w = malloc(sizeof *w);
    if (!w) abort();
    world_begin(w, url);
    return w;
}

static void end(world_t *w)
{
    world_end(w);
    free(w);
}

void alloc_scenario(void *url)
{
    world_t *w = begin(url);
    client_t *c = world_client(w);
    int status = client_try_open(c, QUICK);
    check_refusal(status, "an open");
    if (status != 0) assert_int_equal(c->error.code, UV_ENOMEM);
    if (status == 0) use(c);
    end(w);
}

void alloc_scenario_to_the_end(void *url)
{
    world_t *w = begin(url);
    client_t *c = world_client(w);
    int status = client_try_open(c, QUICK);
    check_refusal(status, "an open");
    for (int i = 0; i < 3 && status == 0; i++) {
        check_refusal(probe_try(client_probe(c), world_channel(w, "news"), NULL), "a subscription");
        check_refusal(probe_try_pattern(client_probe(c), world_channel(w, "n*"), NULL), "one");
        for (int k = 0; k < 5; k++)
            check_refusal(pub_try(client_request(c), world_channel(w, "news"), cairn_str("x")),
                          "a publish");
        loop_run_for(&w->loop, 2);
    }
    end(w);
}
