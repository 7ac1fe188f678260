/* What a workload needs of a client library, so that it is written once for all of them and each
 * pays the same for it. A client is one handle or connection. All calls and hooks are on the
 * thread of `loop`; hooks may call anything here but `destroy`. */
#ifndef CAIRN_BENCH_CLIENT_H
#define CAIRN_BENCH_CLIENT_H

#include <cairn/options.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

enum {
    CLIENT_ERROR_MAX = 1024
};

/* Most publishes that any client has unanswered, so that none gains by queueing without limit. */
enum {
    CLIENT_INFLIGHT_MAX = 65536
};

/* What publish returns when it has no room: wait for on_room. */
enum {
    CLIENT_FULL = 1
};

typedef struct client client_t;

typedef struct client_hooks {
    void (*on_ready)(client_t *client);
    void (*on_subscribed)(void *subscriber); /* once a subscribe */
    void (*on_message)(void *subscriber, const char *payload, size_t len);
    void (*on_published)(client_t *client);
    void (*on_room)(client_t *client);
    void (*on_failed)(client_t *client, const char *text); /* it is of no more use; close it */
} client_hooks_t;

typedef struct client_ops {
    const char *name;

    /* NULL, with `error` (of CLIENT_ERROR_MAX) saying why. `options` are copied. */
    client_t *(*open)(uv_loop_t *loop, const cairn_options_t *options, const client_hooks_t *hooks,
                      void *data, char *error);

    /* -1: client->error says why. `subscriber` is what on_subscribed and on_message are given.
     * `channel` and its length must stay until the client is destroyed. */
    int (*subscribe)(client_t *client, const char *channel, void *subscriber);

    /* 0, CLIENT_FULL, or -1: client->error says why. */
    int (*publish)(client_t *client, const char *channel, size_t channel_len, const char *payload,
                   size_t len);

    /* No hook is called any more. The loop ends when everything on it is closed. */
    void (*close)(client_t *client);

    /* After the loop has ended. */
    void (*destroy)(client_t *client);

    const struct saver_ops *saver; /* saver_ops.h */
} client_ops_t;

struct client {
    const client_ops_t *ops;
    const client_hooks_t *hooks;
    void *data;      /* the workload's */
    char server[64]; /* "redis 7.0.15"; once ready */
    char error[CLIENT_ERROR_MAX];
    bool closing;
};

extern const client_ops_t client_cairn;
extern const client_ops_t client_hiredis;

/* What a client stands on, for the files that add to it. hiredis's is NULL once it is gone; of a
 * cluster's it is that of the node that has the slot of this hash tag. */
struct cairn *client_cairn_handle(client_t *client);
struct redisAsyncContext *client_hiredis_context(client_t *client, const char *tag, size_t len);

/* Where a client connects to, without user information: "127.0.0.1:6379". */
void client_describe(const cairn_options_t *options, char *text, size_t size);

/* What a newcomer may do about a failure that on_failed told in `text`: a sentence, or "". */
const char *client_advice(const char *text);

#endif
