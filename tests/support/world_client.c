#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static client_t *client_of(cairn_t *cairn)
{
    return cairn->data;
}

static bool enter(const client_t *client, const char *what)
{
    world_t *world = client->world;
    if (world->inside) world_trouble(world, "%s inside a call into the library", what);
    if (!client->open) world_trouble(world, "%s after the close callback", what);
    return client->open;
}

static void on_event(cairn_t *cairn, const cairn_event_t *event)
{
    client_t *client = client_of(cairn);
    if (!enter(client, "a handle's event")) return;
    snprintf(client->detail, sizeof client->detail, "%.*s", (int)event->detail.len,
             event->detail.len ? event->detail.ptr : "");
    const char *line = NULL;
    switch (event->type) {
    case CAIRN_EVENT_CONNECTED:
        line = journal_add(&client->journal, "connected");
        break;
    case CAIRN_EVENT_DISCONNECTED:
        line = journal_add(&client->journal, "disconnected %s", cairn_err_name(event->status));
        break;
    case CAIRN_EVENT_CREDIT:
        line = journal_add(&client->journal, "credit");
        break;
    case CAIRN_EVENT_REAUTHENTICATED:
        line = journal_add(&client->journal, "reauthenticated %s", cairn_err_name(event->status));
        break;
    }
    if (!line) {
        world_trouble(client->world, "unknown event %d", event->type);
        return;
    }
    if (client->react) client->react(client, line);
}

/* Every request ends once for each time that it begins. */
static void on_trace(cairn_t *cairn, const cairn_trace_t *trace)
{
    client_t *client = client_of(cairn);
    if (trace->type == CAIRN_TRACE_BEGIN) client->begun++;
    if (trace->type == CAIRN_TRACE_END) client->ended[trace->status != 0]++;
    if (!client->open) world_trouble(client->world, "a trace after the close callback");
    if (!*trace->operation) world_trouble(client->world, "a request without a name");
}

static void on_close(cairn_t *cairn)
{
    client_t *client = client_of(cairn);
    if (!enter(client, "a close callback")) return;
    client->open = false;
    const char *line = journal_add(&client->journal, "closed");
    if (client->react) client->react(client, line);
}

client_t *world_client(world_t *world)
{
    client_t *client = calloc(1, sizeof *client);
    if (!client) abort();
    client->world = world;
    client->cairn.data = client;
    client->cairn.on_event = on_event;
    client->cairn.on_trace = on_trace;
    cairn_broker_init(&client->broker, &client->cairn);
    client->next = world->clients;
    world->clients = client;
    return client;
}

/* The world's, with `query`, and as much patience as a machine that is busy with other things asks
 * for, where the test does not say how much it has. */
static void make_url(char *url, size_t size, const char *base, const char *query)
{
    const char *joint = strchr(base, '?') ? "&" : "?";
    int len = snprintf(url, size, "%s%s%s", base, query ? joint : "", query ? query : "");
    if (strstr(url, "timeout_ms=")) return;
    snprintf(url + len, size - (size_t)len, "%stimeout_ms=30000", strchr(url, '?') ? "&" : "?");
}

int client_try_open(client_t *client, const char *query)
{
    world_t *world = client->world;
    char url[1024];
    make_url(url, sizeof url, world->url, query);
    bool outer = world_call(world);
    int status = cairn_open_url(&client->cairn, &world->loop, url, &client->error);
    world_return(world, outer);
    if (status == 0) client->open = true;
    return status;
}

void client_open(client_t *client, const char *query)
{
    int status = client_try_open(client, query);
    if (status != 0) check_fail("open: %s: %s", cairn_err_name(status), client->error.text);
}

client_t *world_open(world_t *world, const char *query)
{
    client_t *client = world_client(world);
    client_open(client, query);
    return client;
}

void client_close(client_t *client)
{
    world_t *world = client->world;
    bool outer = world_call(world);
    cairn_close(&client->cairn, on_close);
    world_return(world, outer);
}

static bool is_closed(void *ctx)
{
    const client_t *client = ctx;
    return !client->open;
}

void client_await_closed(client_t *client)
{
    loop_run_until(&client->world->loop, "a handle's close callback", is_closed, client);
}

void client_fence(client_t *client)
{
    probe_t *fence = client_subscribed(client, "fence", NULL);
    client_publish(client, "fence", "passed");
    probe_await(fence, "subscribed", "message passed");
    probe_unsubscribe(fence);
    probe_await(fence, "subscribed", "message passed", "closed");
    loop_turns(&client->world->loop, 3);
}

cairn_stats_t client_stats(const client_t *client)
{
    cairn_stats_t stats;
    cairn_stats(&client->cairn, &stats);
    return stats;
}
