/* Plain hiredis with its bundled libuv adapter, as its documentation and a competent C programmer
 * have it: what cairn is compared with. To a cluster it has a connection to each node and knows who
 * has which slot, which is the best that can be written by hand: it never asks for the map, and
 * nothing may move. */
#include "client.h"
#include "nodes.h"
#include "saver_ops.h"
#include "slot.h"
#include <hiredis/adapters/libuv.h>
#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct hiredis_client {
    client_t base;
    redisAsyncContext *contexts[NODES_MAX]; /* NULL once hiredis has freed it */
    unsigned nodes, greeted;
    unsigned inflight;
    bool full;
    char where[300];
} hiredis_client_t;

static hiredis_client_t *cast(client_t *client)
{
    return (hiredis_client_t *)client;
}

static client_t *client_of(const redisAsyncContext *context)
{
    return context->data;
}

static void forget(const redisAsyncContext *context)
{
    hiredis_client_t *self = cast(client_of(context));
    for (unsigned i = 0; i < self->nodes; i++)
        if (self->contexts[i] == context) self->contexts[i] = NULL;
}

static void report(client_t *client, const char *what, const char *why)
{
    if (client->closing) return;
    snprintf(client->error, sizeof client->error, "%s: %s", what, why);
    client->hooks->on_failed(client, client->error);
}

/* The reply of a command that must succeed; NULL if it did not, which is then reported. */
static redisReply *checked(redisAsyncContext *context, void *reply, const char *what)
{
    redisReply *answer = reply;
    if (!answer) return NULL; /* the connection ends, which is told elsewhere */
    if (answer->type != REDIS_REPLY_ERROR) return answer;
    report(client_of(context), what, answer->str);
    return NULL;
}

/* ---- opening ---- */

static void on_authenticated(redisAsyncContext *context, void *reply, void *data)
{
    (void)data;
    checked(context, reply, "the server refuses the user or password");
}

static void on_selected(redisAsyncContext *context, void *reply, void *data)
{
    (void)data;
    checked(context, reply, "the server refuses the database");
}

static void on_info(redisAsyncContext *context, void *reply, void *data)
{
    (void)data;
    client_t *client = client_of(context);
    redisReply *answer = checked(context, reply, "the server refuses INFO");
    if (!answer || client->closing) return;
    const char *version = answer->str ? strstr(answer->str, "redis_version:") : NULL;
    version = version ? version + strlen("redis_version:") : "?";
    snprintf(client->server, sizeof client->server, "redis %.*s", (int)strcspn(version, "\r\n"),
             version);
    if (++cast(client)->greeted == cast(client)->nodes) client->hooks->on_ready(client);
}

/* hiredis sends these as soon as it is connected. */
static int shake_hands(redisAsyncContext *context, const cairn_options_t *options)
{
    int status = REDIS_OK;
    if (options->username && options->password)
        status = redisAsyncCommand(context, on_authenticated, NULL, "AUTH %s %s", options->username,
                                   options->password);
    else if (options->password)
        status = redisAsyncCommand(context, on_authenticated, NULL, "AUTH %s", options->password);
    if (status == REDIS_OK && options->db)
        status = redisAsyncCommand(context, on_selected, NULL, "SELECT %llu",
                                   (unsigned long long)options->db);
    if (status == REDIS_OK) status = redisAsyncCommand(context, on_info, NULL, "INFO server");
    return status;
}

static void on_connected(const redisAsyncContext *context, int status)
{
    client_t *client = client_of(context);
    char what[400];
    if (status == REDIS_OK) return;
    forget(context);
    snprintf(what, sizeof what, "cannot use %s", cast(client)->where);
    report(client, what, context->errstr);
}

static void on_disconnected(const redisAsyncContext *context, int status)
{
    (void)status;
    client_t *client = client_of(context);
    char what[400];
    forget(context);
    snprintf(what, sizeof what,
             cast(client)->greeted == cast(client)->nodes ? "the connection is lost: %s"
                                                          : "cannot use %s",
             cast(client)->where);
    report(client, what, context->errstr);
}

/* What could not be begun is freed, and NULL. */
static redisAsyncContext *start_context(hiredis_client_t *self, uv_loop_t *loop,
                                        const cairn_options_t *options, const char *host, int port,
                                        char *error)
{
    redisAsyncContext *context = strcmp(options->scheme, "unix") == 0
                                     ? redisAsyncConnectUnix(options->path)
                                     : redisAsyncConnect(host, port);
    if (context) {
        context->data = &self->base;
        if (!context->err && redisLibuvAttach(context, loop) == REDIS_OK &&
            redisAsyncSetConnectCallback(context, on_connected) == REDIS_OK &&
            redisAsyncSetDisconnectCallback(context, on_disconnected) == REDIS_OK &&
            shake_hands(context, options) == REDIS_OK)
            return context;
    }
    snprintf(error, CLIENT_ERROR_MAX, "cannot use %s: %s", self->where,
             context && context->err ? context->errstr : "out of memory");
    if (context) redisAsyncFree(context);
    return NULL;
}

static int start_one(hiredis_client_t *self, uv_loop_t *loop, const cairn_options_t *options,
                     char *error)
{
    self->nodes = 1;
    self->contexts[0] =
        start_context(self, loop, options, options->host, (int)options->port, error);
    return self->contexts[0] ? 0 : -1;
}

/* "127.0.0.1:7000,127.0.0.1:7001": those of the bench are all so. */
static int start_nodes(hiredis_client_t *self, uv_loop_t *loop, const cairn_options_t *options,
                       char *error)
{
    const char *at = options->hosts;
    while (*at) {
        char host[64];
        int port, len = 0;
        if (self->nodes == NODES_MAX || sscanf(at, "%63[^:,]:%d%n", host, &port, &len) != 2) {
            snprintf(error, CLIENT_ERROR_MAX, "%s: not 1 to %d nodes with host and port", at,
                     NODES_MAX);
            return -1;
        }
        redisAsyncContext *context = start_context(self, loop, options, host, port, error);
        if (!context) return -1;
        self->contexts[self->nodes++] = context;
        at += len;
        at += strspn(at, ",");
    }
    return 0;
}

static void drop_contexts(hiredis_client_t *self)
{
    self->base.closing = true;
    for (unsigned i = 0; i < self->nodes; i++) {
        redisAsyncContext *context = self->contexts[i];
        self->contexts[i] = NULL;
        if (context) redisAsyncFree(context);
    }
}

static int start_connecting(hiredis_client_t *self, uv_loop_t *loop, const cairn_options_t *options,
                            char *error)
{
    const bool cluster = strcmp(options->scheme, "redis+cluster") == 0;
    if (!cluster && strcmp(options->scheme, "redis") != 0 && strcmp(options->scheme, "unix") != 0) {
        snprintf(error, CLIENT_ERROR_MAX,
                 "hiredis needs a redis://, redis+cluster:// or unix:// URL");
        return -1;
    }
    const int rc = cluster && options->hosts ? start_nodes(self, loop, options, error)
                                             : start_one(self, loop, options, error);
    if (rc == 0) return 0;
    drop_contexts(self);
    uv_run(loop, UV_RUN_NOWAIT); /* for the adapter to free what it attached */
    return -1;
}

static client_t *open_client(uv_loop_t *loop, const cairn_options_t *options,
                             const client_hooks_t *hooks, void *data, char *error)
{
    hiredis_client_t *self = calloc(1, sizeof *self);
    if (!self) {
        snprintf(error, CLIENT_ERROR_MAX, "out of memory");
        return NULL;
    }
    self->base = (client_t){.ops = &client_hiredis, .hooks = hooks, .data = data};
    client_describe(options, self->where, sizeof self->where);
    if (start_connecting(self, loop, options, error) < 0) {
        free(self);
        return NULL;
    }
    return &self->base;
}

/* ---- subscribing ---- */

static void on_push(redisAsyncContext *context, void *reply, void *subscriber)
{
    client_t *client = client_of(context);
    redisReply *push = checked(context, reply, "the server refuses the subscription");
    if (!push || client->closing) return;
    if (push->type != REDIS_REPLY_ARRAY || push->elements != 3) return;
    redisReply *kind = push->element[0], *value = push->element[2];
    if (strcmp(kind->str, "message") == 0)
        client->hooks->on_message(subscriber, value->str, value->len);
    else if (strcmp(kind->str, "subscribe") == 0)
        client->hooks->on_subscribed(subscriber);
}

static int subscribe(client_t *client, const char *channel, void *subscriber)
{
    redisAsyncContext *context = cast(client)->contexts[0]; /* a cluster's nodes tell all */
    if (context &&
        redisAsyncCommand(context, on_push, subscriber, "SUBSCRIBE %s", channel) == REDIS_OK)
        return 0;
    snprintf(client->error, sizeof client->error, "cannot subscribe: %s",
             context ? context->errstr : "not connected");
    return -1;
}

/* ---- publishing ---- */

static void on_published(redisAsyncContext *context, void *reply, void *data)
{
    (void)data;
    client_t *client = client_of(context);
    hiredis_client_t *self = cast(client);
    self->inflight--;
    if (!checked(context, reply, "publish failed") || client->closing) return;
    client->hooks->on_published(client);
    if (!self->full || self->inflight > CLIENT_INFLIGHT_MAX / 2) return;
    self->full = false;
    client->hooks->on_room(client);
}

static int publish_message(client_t *client, const char *channel, size_t channel_len,
                           const char *payload, size_t len)
{
    hiredis_client_t *self = cast(client);
    if (self->inflight >= CLIENT_INFLIGHT_MAX) {
        self->full = true;
        return CLIENT_FULL;
    }
    redisAsyncContext *context = self->contexts[0];
    if (context && redisAsyncCommand(context, on_published, NULL, "PUBLISH %b %b", channel,
                                     channel_len, payload, len) == REDIS_OK) {
        self->inflight++;
        return 0;
    }
    snprintf(client->error, sizeof client->error, "cannot publish: %s",
             context ? context->errstr : "not connected");
    return -1;
}

/* ---- closing ---- */

static void close_client(client_t *client)
{
    drop_contexts(cast(client));
}

static void destroy(client_t *client)
{
    free(cast(client));
}

const client_ops_t client_hiredis = {
    .name = "hiredis",
    .open = open_client,
    .subscribe = subscribe,
    .publish = publish_message,
    .close = close_client,
    .destroy = destroy,
    .saver = &saver_bench_hiredis,
};

redisAsyncContext *client_hiredis_context(client_t *client, const char *tag, size_t len)
{
    hiredis_client_t *self = cast(client);
    if (self->nodes == 1) return self->contexts[0];
    return self->contexts[slot_owner(slot_of(tag, len), self->nodes)];
}
