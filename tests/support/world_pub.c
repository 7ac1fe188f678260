#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static void on_published(cairn_broker_publish_t *req, int status, int64_t receivers)
{
    pub_t *pub = req->req.data;
    world_t *world = pub->client->world;
    pub->calls++;
    if (world->inside) world_trouble(world, "a publish's callback inside a call");
    if (pub->calls > pub->submits) world_trouble(world, "a publish called back twice");
    if (!pub->client->open) world_trouble(world, "a publish's callback after the close callback");
    if (cairn_is_active(&req->req)) world_trouble(world, "a request is active in its callback");
    pub->status = status;
    pub->receivers = receivers;
    snprintf(pub->detail, sizeof pub->detail, "%.*s", (int)req->req.detail.len,
             req->req.detail.len ? req->req.detail.ptr : "");
    if (pub->react) pub->react(pub);
}

pub_t *client_request(client_t *client)
{
    pub_t *pub = calloc(1, sizeof *pub);
    if (!pub) abort();
    pub->client = client;
    pub->publish.req.data = pub;
    pub->next = client->world->pubs;
    client->world->pubs = pub;
    return pub;
}

int pub_try(pub_t *pub, cairn_slice_t channel, cairn_slice_t payload)
{
    world_t *world = pub->client->world;
    bool outer = world_call(world);
    int status =
        cairn_broker_publish(&pub->client->broker, &pub->publish, channel, payload, on_published);
    world_return(world, outer);
    if (status == 0) pub->submits++;
    return status;
}

void pub_again(pub_t *pub, const char *channel, const char *payload)
{
    world_t *world = pub->client->world;
    int status = pub_try(pub, world_channel(world, channel), cairn_str(payload));
    if (status != 0) world_trouble(world, "publish refused with %s", cairn_err_name(status));
}

pub_t *client_publish(client_t *client, const char *channel, const char *payload)
{
    pub_t *pub = client_request(client);
    pub_again(pub, channel, payload);
    return pub;
}

bool pub_is_done(const pub_t *pub)
{
    return pub->calls == pub->submits;
}

static bool is_done(void *ctx)
{
    return pub_is_done(ctx);
}

void pub_await_any(pub_t *pub)
{
    loop_run_until(&pub->client->world->loop, "a publish's callback", is_done, pub);
}

void pub_await_at(pub_t *pub, int status, const char *file, int line)
{
    if (pub->submits == 0) check_fail_at(file, line, "the request was never accepted");
    loop_run_until_at(&pub->client->world->loop, "a publish's callback", is_done, pub, file, line);
    assert_status_at(pub->status, status, file, line);
}

int pub_cancel(pub_t *pub)
{
    world_t *world = pub->client->world;
    bool outer = world_call(world);
    int status = cairn_cancel(&pub->publish.req);
    world_return(world, outer);
    return status;
}
