/* Plain hiredis with its bundled libuv adapter, as its documentation and a competent C programmer
 * have it: what cairn is compared with. */
#include "client.h"
#include "saver_ops.h"
#include <hiredis/adapters/libuv.h>
#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct hiredis_client {
    client_t base;
    redisAsyncContext *context; /* NULL once hiredis has freed it */
    unsigned inflight;
    bool full;
    bool ready;
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
    cast(client)->ready = true;
    client->hooks->on_ready(client);
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
    cast(client)->context = NULL;
    snprintf(what, sizeof what, "cannot use %s", cast(client)->where);
    report(client, what, context->errstr);
}

static void on_disconnected(const redisAsyncContext *context, int status)
{
    (void)status;
    client_t *client = client_of(context);
    char what[400];
    cast(client)->context = NULL;
    snprintf(what, sizeof what,
             cast(client)->ready ? "the connection is lost: %s" : "cannot use %s",
             cast(client)->where);
    report(client, what, context->errstr);
}

static int start_connecting(hiredis_client_t *self, uv_loop_t *loop, const cairn_options_t *options,
                            char *error)
{
    bool local = strcmp(options->scheme, "unix") == 0;
    if (!local && strcmp(options->scheme, "redis") != 0) {
        snprintf(error, CLIENT_ERROR_MAX, "hiredis needs a redis:// or unix:// URL");
        return -1;
    }
    redisAsyncContext *context = local ? redisAsyncConnectUnix(options->path)
                                       : redisAsyncConnect(options->host, options->port);
    if (context) {
        context->data = &self->base;
        if (!context->err && redisLibuvAttach(context, loop) == REDIS_OK &&
            redisAsyncSetConnectCallback(context, on_connected) == REDIS_OK &&
            redisAsyncSetDisconnectCallback(context, on_disconnected) == REDIS_OK &&
            shake_hands(context, options) == REDIS_OK) {
            self->context = context;
            return 0;
        }
    }
    snprintf(error, CLIENT_ERROR_MAX, "cannot use %s: %s", self->where,
             context && context->err ? context->errstr : "out of memory");
    self->base.closing = true;
    if (context) redisAsyncFree(context);
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
    redisAsyncContext *context = cast(client)->context;
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
    if (self->context && redisAsyncCommand(self->context, on_published, NULL, "PUBLISH %b %b",
                                           channel, channel_len, payload, len) == REDIS_OK) {
        self->inflight++;
        return 0;
    }
    snprintf(client->error, sizeof client->error, "cannot publish: %s",
             self->context ? self->context->errstr : "not connected");
    return -1;
}

/* ---- closing ---- */

static void close_client(client_t *client)
{
    redisAsyncContext *context = cast(client)->context;
    client->closing = true;
    cast(client)->context = NULL;
    if (context) redisAsyncFree(context);
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

redisAsyncContext *client_hiredis_context(client_t *client)
{
    return cast(client)->context;
}
