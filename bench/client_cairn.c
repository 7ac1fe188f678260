#include <cairn/broker.h>
#include <cairn/cairn.h>
#include "client.h"
#include "saver_ops.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    CHUNK = 256,
    BUFFERED_MAX = 1 << 20
};

typedef struct request {
    cairn_broker_publish_t publish;
    struct request *next_free;
} request_t;

/* Requests are made in chunks when none is free, and used again, the last freed first. */
typedef struct chunk {
    struct chunk *next;
    request_t requests[CHUNK];
} chunk_t;

typedef struct subscription {
    cairn_broker_sub_t sub;
    struct subscription *next;
    client_t *client;
    void *subscriber;
} subscription_t;

typedef struct cairn_client {
    client_t base;
    cairn_t handle;
    cairn_broker_t broker;
    chunk_t *chunks;
    request_t *free;
    subscription_t *subscriptions;
    bool ready;
    char where[300];
} cairn_client_t;

static cairn_client_t *cast(client_t *client)
{
    return (cairn_client_t *)client;
}

static void report(client_t *client, const char *what, int status, cairn_slice_t detail)
{
    if (client->closing) return;
    if (detail.len == 0) detail = cairn_str(cairn_strerror(status));
    snprintf(client->error, sizeof client->error, "%s: %.*s", what, (int)detail.len, detail.ptr);
    client->hooks->on_failed(client, client->error);
}

/* ---- opening ---- */

static void on_event(cairn_t *handle, const cairn_event_t *event)
{
    client_t *client = handle->data;
    cairn_client_t *self = cast(client);
    if (client->closing) return;
    switch (event->type) {
    case CAIRN_EVENT_CONNECTED:
        if (self->ready) break;
        self->ready = true;
        snprintf(client->server, sizeof client->server, "%s", cairn_server(handle));
        client->hooks->on_ready(client);
        break;
    case CAIRN_EVENT_DISCONNECTED:
        report(client, self->ready ? "the connection is lost" : "cannot use the server",
               event->status, event->detail);
        break;
    case CAIRN_EVENT_CREDIT:
        client->hooks->on_room(client);
        break;
    case CAIRN_EVENT_REAUTHENTICATED:
        break;
    }
}

static client_t *open_client(uv_loop_t *loop, const cairn_options_t *options,
                             const client_hooks_t *hooks, void *data, char *error)
{
    cairn_client_t *self = calloc(1, sizeof *self);
    if (!self) {
        snprintf(error, CLIENT_ERROR_MAX, "out of memory");
        return NULL;
    }
    self->base = (client_t){.ops = &client_cairn, .hooks = hooks, .data = data};
    self->handle.data = &self->base;
    self->handle.on_event = on_event;
    cairn_broker_init(&self->broker, &self->handle);
    client_describe(options, self->where, sizeof self->where);

    cairn_error_t why;
    if (cairn_open(&self->handle, loop, options, &why) < 0) {
        snprintf(error, CLIENT_ERROR_MAX, "cannot open %s: %s", self->where, why.text);
        free(self);
        return NULL;
    }
    return &self->base;
}

/* ---- subscribing ---- */

static void on_message(cairn_broker_sub_t *sub, const cairn_broker_message_t *message)
{
    subscription_t *subscription = sub->data;
    subscription->client->hooks->on_message(subscription->subscriber, message->payload.ptr,
                                            message->payload.len);
}

static void on_sub_event(cairn_broker_sub_t *sub, const cairn_broker_event_t *event)
{
    subscription_t *subscription = sub->data;
    client_t *client = subscription->client;
    if (client->closing) return;
    if (event->type == CAIRN_SUB_SUBSCRIBED)
        client->hooks->on_subscribed(subscription->subscriber);
    else if (event->type == CAIRN_SUB_FAILED)
        report(client, "the subscription failed", event->status, event->detail);
}

static int subscribe(client_t *client, const char *channel, void *subscriber)
{
    cairn_client_t *self = cast(client);
    subscription_t *subscription = calloc(1, sizeof *subscription);
    if (!subscription) {
        snprintf(client->error, sizeof client->error, "out of memory");
        return -1;
    }
    *subscription = (subscription_t){
        .sub = {.data = subscription, .on_event = on_sub_event},
        .next = self->subscriptions,
        .client = client,
        .subscriber = subscriber,
    };
    self->subscriptions = subscription;
    cairn_broker_sub_options_t options = {.max_messages = BUFFERED_MAX,
                                          .max_bytes = UINT64_C(1) << 30};
    int status = cairn_broker_subscribe(&self->broker, &subscription->sub, cairn_str(channel),
                                        &options, on_message);
    if (status == 0) return 0;
    snprintf(client->error, sizeof client->error, "cannot subscribe: %s", cairn_strerror(status));
    return -1;
}

/* ---- publishing ---- */

static void on_published(cairn_broker_publish_t *publish, int status, int64_t receivers)
{
    (void)receivers;
    client_t *client = publish->req.data;
    cairn_client_t *self = cast(client);
    request_t *request = (request_t *)publish;
    request->next_free = self->free;
    self->free = request;
    if (client->closing) return;
    if (status < 0)
        report(client, "publish failed", status, publish->req.detail);
    else
        client->hooks->on_published(client);
}

static void add_requests(cairn_client_t *self)
{
    chunk_t *chunk = calloc(1, sizeof *chunk);
    if (!chunk) return;
    chunk->next = self->chunks;
    self->chunks = chunk;
    for (int i = 0; i < CHUNK; i++) {
        chunk->requests[i].publish.req.data = &self->base;
        chunk->requests[i].next_free = self->free;
        self->free = &chunk->requests[i];
    }
}

static int publish_message(client_t *client, const char *channel, size_t channel_len,
                           const char *payload, size_t len)
{
    cairn_client_t *self = cast(client);
    if (!self->free) add_requests(self);
    request_t *request = self->free;
    int status = UV_ENOMEM;
    if (request)
        status = cairn_broker_publish(&self->broker, &request->publish,
                                      cairn_slice(channel, channel_len), cairn_slice(payload, len),
                                      on_published);
    if (status == CAIRN_EFULL) return CLIENT_FULL;
    if (status < 0) {
        snprintf(client->error, sizeof client->error, "cannot publish: %s", cairn_strerror(status));
        return -1;
    }
    self->free = request->next_free;
    return 0;
}

/* ---- closing ---- */

static void close_client(client_t *client)
{
    client->closing = true;
    cairn_close(&cast(client)->handle, NULL);
}

static void destroy(client_t *client)
{
    cairn_client_t *self = cast(client);
    while (self->chunks) {
        chunk_t *next = self->chunks->next;
        free(self->chunks);
        self->chunks = next;
    }
    while (self->subscriptions) {
        subscription_t *next = self->subscriptions->next;
        free(self->subscriptions);
        self->subscriptions = next;
    }
    free(self);
}

const client_ops_t client_cairn = {
    .name = "cairn",
    .open = open_client,
    .subscribe = subscribe,
    .publish = publish_message,
    .close = close_client,
    .destroy = destroy,
    .saver = &saver_bench_cairn,
};

cairn_t *client_cairn_handle(client_t *client)
{
    return &cast(client)->handle;
}
