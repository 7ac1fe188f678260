#include "count.h"
#include <cairn/alloc.h>
#include "feeder.h"
#include "message.h"
#include "nodes.h"
#include "server.h"
#include <hiredis/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    PAYLOAD = 64,
    WINDOW = 64,
    GIVE_UP_MS = 600000
};

static const char channel[] = "cairn-bench:count";

/* As simple as it can be, because all of it is counted along. */
typedef struct count_run {
    const count_config_t *config;
    uv_loop_t loop;
    uv_timer_t give_up;
    client_t *publisher, *subscriber; /* NULL if there is none; in memory they are one */
    count_work_t *work;               /* on the publisher's handle; or NULL */
    unsigned ready;
    unsigned wanted_ready;
    bool subscribed;
    bool failed;
    uint64_t wanted; /* in all, so far */
    uint64_t sent;
    uint64_t arrived;
    char payload[PAYLOAD];
    char *error;
} count_run_t;

/* ---- allocations ---- */

static uint64_t allocations;

static void *counting_malloc(size_t size)
{
    allocations++;
    return malloc(size);
}

static void *counting_calloc(size_t count, size_t size)
{
    allocations++;
    return calloc(count, size);
}

static void *counting_realloc(void *ptr, size_t size)
{
    allocations++;
    return realloc(ptr, size);
}

static char *counting_strdup(const char *text)
{
    allocations++;
    return strdup(text);
}

static int count_allocations(void)
{
    static const cairn_allocator_t allocator = {counting_malloc, counting_realloc, free};
    hiredisAllocFuncs functions = {counting_malloc, counting_calloc, counting_realloc,
                                   counting_strdup, free};
    hiredisSetAllocators(&functions);
    if (uv_replace_allocator(counting_malloc, counting_realloc, counting_calloc, free) < 0)
        return -1;
    return cairn_set_allocator(&allocator);
}

/* ---- traffic ---- */

static void fail(count_run_t *run, const char *text)
{
    if (!run->failed) snprintf(run->error, CLIENT_ERROR_MAX, "%s", text);
    run->failed = true;
    uv_stop(&run->loop);
}

static void send_next(count_run_t *run)
{
    if (run->sent == run->wanted) return;
    client_t *client = run->publisher;
    if (run->work) {
        run->sent++;
        count_work_send(run->work);
        return;
    }
    if (client->ops->publish(client, channel, sizeof channel - 1, run->payload, PAYLOAD) != 0) {
        fail(run, client->error);
        return;
    }
    run->sent++;
}

static void count_arrival(count_run_t *run)
{
    if (++run->arrived == run->wanted) uv_stop(&run->loop);
}

static void on_message(void *subscriber, const char *payload, size_t len)
{
    (void)payload, (void)len;
    count_run_t *run = subscriber;
    count_arrival(run);
    if (run->publisher) send_next(run);
}

static void on_published(client_t *client)
{
    count_run_t *run = client->data;
    if (run->config->what != COUNT_PUBLISH) return;
    count_arrival(run);
    send_next(run);
}

/* In rounds, so that a turn has as many answers each time, however busy the server is. */
static void on_worked(void *ctx)
{
    count_run_t *run = ctx;
    count_arrival(run);
    if (run->arrived < run->sent) return;
    for (int i = 0; i < WINDOW && !run->failed; i++) send_next(run);
}

static void on_work_failed(void *ctx, const char *text)
{
    fail(ctx, text);
}

static const count_work_hooks_t work_hooks = {on_worked, on_work_failed};

static void on_ready(client_t *client)
{
    count_run_t *run = client->data;
    if (++run->ready == run->wanted_ready) uv_stop(&run->loop);
}

static void on_subscribed(void *subscriber)
{
    count_run_t *run = subscriber;
    run->subscribed = true;
    uv_stop(&run->loop);
}

static void on_failed(client_t *client, const char *text)
{
    fail(client->data, text);
}

static void on_room(client_t *client)
{
    (void)client;
}

static void on_give_up(uv_timer_t *timer)
{
    fail(timer->data, "the server gives no answer");
}

static const client_hooks_t hooks = {
    .on_ready = on_ready,
    .on_subscribed = on_subscribed,
    .on_message = on_message,
    .on_published = on_published,
    .on_room = on_room,
    .on_failed = on_failed,
};

/* ---- the window ---- */

/* Tools that trace system calls find the window between these two, which nobody else makes. */
static void mark(void)
{
    (void)syscall(SYS_getppid);
}

/* Sends the first of them, if we are who sends; what arrives brings about the rest. */
static void run_until_arrived(count_run_t *run)
{
    unsigned first = run->config->what == COUNT_ROUNDTRIP ? 1 : WINDOW;
    for (unsigned i = 0; run->publisher && i < first && !run->failed; i++) send_next(run);
    if (!run->failed) uv_run(&run->loop, UV_RUN_DEFAULT);
}

void count_window(void *run);

/* By its name, tools that count instructions know when to. */
__attribute__((noinline)) void count_window(void *run)
{
    mark();
    run_until_arrived(run);
    mark();
}

static void run_messages(count_run_t *run, feeder_t *feeder, uint64_t messages, bool counted)
{
    run->wanted += messages;
    if (run->config->what == COUNT_RECEIVE) feeder_feed(feeder, messages);
    if (counted)
        count_window(run);
    else
        run_until_arrived(run);
}

/* ---- set-up ---- */

static client_t *open_one(count_run_t *run, const cairn_options_t *options)
{
    client_t *client = run->config->client->open(&run->loop, options, &hooks, run, run->error);
    run->wanted_ready++;
    if (!client) run->failed = true;
    return client;
}

static void open_clients(count_run_t *run, const char *url)
{
    count_what_t what = run->config->what;
    cairn_options_t options;
    cairn_error_t why;
    cairn_options_init(&options);
    if (cairn_options_from_url(&options, url, &why) < 0) {
        fail(run, why.text);
        return;
    }
    if (what != COUNT_PUBLISH && what != COUNT_WORK) run->subscriber = open_one(run, &options);
    if (what == COUNT_MEMORY)
        run->publisher = run->subscriber;
    else if (what != COUNT_RECEIVE && !run->failed)
        run->publisher = open_one(run, &options);
    if (run->failed) return;
    uv_run(&run->loop, UV_RUN_DEFAULT);
    if (run->failed || !run->subscriber) return;
    if (run->subscriber->ops->subscribe(run->subscriber, channel, run) < 0)
        fail(run, run->subscriber->error);
    else
        uv_run(&run->loop, UV_RUN_DEFAULT);
}

/* Objects to work on; they count as sent. */
static void open_work(count_run_t *run)
{
    cairn_t *cairn = client_cairn_handle(run->publisher);
    run->work = count_work_new(cairn, run->config->op, &work_hooks, run);
    if (!run->work) {
        fail(run, "out of memory");
        return;
    }
    run->wanted = run->sent = COUNT_OBJECTS;
    count_work_fill(run->work);
    if (!run->failed) uv_run(&run->loop, UV_RUN_DEFAULT);
}

static void close_clients(count_run_t *run)
{
    uv_close((uv_handle_t *)&run->give_up, NULL);
    client_t *subscriber = run->subscriber, *publisher = run->publisher;
    if (publisher == subscriber) publisher = NULL;
    if (subscriber) subscriber->ops->close(subscriber);
    if (publisher) publisher->ops->close(publisher);
    uv_run(&run->loop, UV_RUN_DEFAULT);
    if (subscriber) subscriber->ops->destroy(subscriber);
    if (publisher) publisher->ops->destroy(publisher);
    count_work_free(run->work);
}

static void count_on(count_run_t *run, const char *url, feeder_t *feeder, count_result_t *result)
{
    uint64_t messages = run->config->messages;
    uint64_t warm = messages < 1000 ? messages : 1000;
    uv_timer_init(&run->loop, &run->give_up);
    run->give_up.data = run;
    uv_timer_start(&run->give_up, on_give_up, GIVE_UP_MS, 0);
    open_clients(run, url);
    if (!run->failed && run->config->what == COUNT_WORK) open_work(run);
    if (!run->failed) run_messages(run, feeder, warm, false);
    uint64_t before = allocations;
    if (!run->failed) run_messages(run, feeder, messages, true);
    *result = (count_result_t){messages, allocations - before};
    close_clients(run);
}

/* ---- the peer ---- */

typedef struct peer {
    feeder_t feeder;
    server_t server;
    nodes_t nodes;
    char url[CAIRN_URL_MAX];
} peer_t;

static int start_server(peer_t *peer, unsigned masters, char *error)
{
    const bool alone = masters == 0;
    const int rc =
        alone ? server_start(&peer->server, NULL) : nodes_start(&peer->nodes, masters, NULL);
    if (rc < 0) {
        snprintf(error, CLIENT_ERROR_MAX, "%s", alone ? peer->server.error : peer->nodes.error);
        return -1;
    }
    if (alone)
        snprintf(peer->url, sizeof peer->url, "redis://127.0.0.1:%d", peer->server.port);
    else
        snprintf(peer->url, sizeof peer->url, "%s", peer->nodes.url);
    return 0;
}

/* Starts what the work needs on the other side, and says where it is. */
static int start_peer(peer_t *peer, const count_config_t *config, char *error)
{
    switch (config->what) {
    case COUNT_MEMORY:
        snprintf(peer->url, sizeof peer->url, "memory:");
        return 0;
    case COUNT_ROUNDTRIP:
    case COUNT_WORK:
        if (!config->url) return start_server(peer, config->masters, error);
        snprintf(peer->url, sizeof peer->url, "%s", config->url);
        return 0;
    default:
        if (feeder_start(&peer->feeder, PAYLOAD, -1) < 0) {
            snprintf(error, CLIENT_ERROR_MAX, "cannot start the feeder");
            return -1;
        }
        snprintf(peer->url, sizeof peer->url, "redis://127.0.0.1:%d", peer->feeder.port);
        return 0;
    }
}

int count_run(const count_config_t *config, count_result_t *result, char *error)
{
    static peer_t peer;
    count_run_t run = {.config = config, .error = error};
    memset(&peer, 0, sizeof peer);
    memset(run.payload, 'x', PAYLOAD);
    int status = -1;
    if (start_peer(&peer, config, error) < 0) goto out;
    if (count_allocations() < 0 || uv_loop_init(&run.loop) < 0) {
        snprintf(error, CLIENT_ERROR_MAX, "out of memory");
        goto out;
    }
    count_on(&run, peer.url, &peer.feeder, result);
    if (uv_loop_close(&run.loop) < 0) fail(&run, "handles were left open on the loop");
    status = run.failed ? -1 : 0;
out:
    feeder_stop(&peer.feeder);
    server_stop(&peer.server);
    nodes_stop(&peer.nodes);
    return status;
}
