#include "world.h"

#include "alloc_fault.h"

#include <stdio.h>
#include <stdlib.h>

bool world_tags_channels;

static unsigned worlds;

void world_begin(world_t *world, const char *url)
{
    memset(world, 0, sizeof *world);
    world->url = url;
    world->number = ++worlds;
    if (!alloc_watching()) alloc_watch();
    assert_int_equal(uv_loop_init(&world->loop), 0);
}

bool world_call(world_t *world)
{
    bool outer = world->inside;
    world->inside = true;
    return outer;
}

void world_return(world_t *world, bool outer)
{
    world->inside = outer;
}

void world_trouble(world_t *world, const char *format, ...)
{
    if (world->trouble[0]) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(world->trouble, sizeof world->trouble, format, arguments);
    va_end(arguments);
}

const char *world_prefix(const world_t *world, world_prefix_t out)
{
    snprintf(out, sizeof(world_prefix_t), world_tags_channels ? "{%u}." : "%u.", world->number);
    return out;
}

cairn_slice_t world_channel(world_t *world, const char *text)
{
    char *name = NULL;
    world_prefix_t prefix;
    int len = asprintf(&name, "%s%s", world_prefix(world, prefix), text);
    world->names = realloc(world->names, (world->name_count + 1) * sizeof *world->names);
    if (len < 0 || !world->names) abort();
    world->names[world->name_count++] = name;
    return cairn_slice(name, (size_t)len);
}

/* ---- the laws ---- */

static void check_stats(const client_t *client)
{
    cairn_stats_t s = client_stats(client);
    if (s.requests == s.completed + s.failed + s.inflight && s.timed_out + s.canceled <= s.failed)
        return;
    world_trouble(client->world,
                  "stats do not add up: %llu requests, %llu completed, %llu failed, %llu in flight",
                  (unsigned long long)s.requests, (unsigned long long)s.completed,
                  (unsigned long long)s.failed, (unsigned long long)s.inflight);
}

static void check_endings(world_t *world)
{
    for (const pub_t *pub = world->pubs; pub; pub = pub->next) {
        if (pub->calls != pub->submits)
            world_trouble(world, "a request accepted %d times called back %d times", pub->submits,
                          pub->calls);
    }
    for (const client_t *client = world->clients; client; client = client->next)
        if (client->begun != client->ended[0] + client->ended[1])
            world_trouble(world, "%llu requests began, %llu ended well and %llu did not",
                          (unsigned long long)client->begun, (unsigned long long)client->ended[0],
                          (unsigned long long)client->ended[1]);
    for (const probe_t *probe = world->probes; probe; probe = probe->next) {
        if (probe->live && !probe->failed) world_trouble(world, "a subscription never ended");
    }
}

static void free_all(world_t *world)
{
    for (client_t *client = world->clients, *next; client; client = next) {
        next = client->next;
        journal_free(&client->journal);
        free(client);
    }
    for (probe_t *probe = world->probes, *next; probe; probe = next) {
        next = probe->next;
        journal_free(&probe->journal);
        free(probe->last);
        free(probe);
    }
    for (pub_t *pub = world->pubs, *next; pub; pub = next) {
        next = pub->next;
        free(pub);
    }
    for (size_t i = 0; i < world->name_count; i++) free(world->names[i]);
    free(world->names);
}

void world_end(world_t *world)
{
    for (client_t *client = world->clients; client; client = client->next) {
        if (!client->open) continue;
        check_stats(client);
        client_close(client);
    }
    for (client_t *client = world->clients; client; client = client->next)
        client_await_closed(client);
    check_endings(world);
    if (world->at_end) world->at_end(world);
    if (world->trouble[0]) check_fail("%s", world->trouble);
    loop_finish(&world->loop);
    if (alloc_live() > 0) check_fail("%zu blocks are still allocated", alloc_live());
    alloc_unwatch();
    free_all(world);
}

/* ---- running ---- */

typedef struct run {
    const scenario_t *scenario;
    const char *url;
} run_t;

/* On the heap: after a failure its callbacks may still hold on to it. */
static void run_scenario(void **state)
{
    const run_t *run = *state;
    world_t *world = malloc(sizeof *world);
    assert_non_null(world);
    if (alloc_watching()) alloc_unwatch(); /* a test that failed left it so */
    world_begin(world, run->url);
    run->scenario->run(world);
    world_end(world);
    free(world);
}

int scenarios_run(const char *group, const scenario_t *scenarios, size_t count, const char *url)
{
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    run_t *runs = calloc(count, sizeof *runs);
    if (!tests || !runs) abort();
    for (size_t i = 0; i < count; i++) {
        runs[i] = (run_t){&scenarios[i], url};
        tests[i].name = scenarios[i].name;
        tests[i].test_func = run_scenario;
        tests[i].initial_state = &runs[i];
    }
    int failures = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
    free(tests);
    free(runs);
    return failures;
}
