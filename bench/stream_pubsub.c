/* What following a run is held against: plain pub/sub of the same messages, at the same rate, to as
 * many channels with a subscriber each. One client publishes, another is subscribed, as in
 * stream_cairn.c. */
#include "stream.h"

#include "pacer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct pubsub_run {
    stream_work_t *work;
    uv_loop_t loop;
    client_t *publisher, *subscriber;
    pacer_t pacer;
    char (*channels)[32];
    char *data;
    uint32_t ready, subscribed;
    uint64_t submitted, delivered, start_ns, end_ns;
    bool failed;
} pubsub_run_t;

static void give_up(pubsub_run_t *run, const char *text)
{
    if (!run->failed) stream_fail(run->work, "%.900s", text);
    run->failed = true;
    uv_stop(&run->loop);
}

/* ---- hooks ---- */

static void on_ready(client_t *client)
{
    pubsub_run_t *run = client->data;
    if (++run->ready == 2) uv_stop(&run->loop);
}

static void on_subscribed(void *subscriber)
{
    pubsub_run_t *run = subscriber;
    if (++run->subscribed == run->work->tails) uv_stop(&run->loop);
}

static void on_message(void *subscriber, const char *payload, size_t len)
{
    pubsub_run_t *run = subscriber;
    hist_record(run->work->latency, uv_hrtime() - stream_stamped(payload, len));
    if (++run->delivered < run->work->events) return;
    run->end_ns = uv_hrtime();
    uv_stop(&run->loop);
}

static void on_nothing(client_t *client)
{
    (void)client;
}

static void on_failed(client_t *client, const char *text)
{
    give_up(client->data, text);
}

static const client_hooks_t hooks = {
    .on_ready = on_ready,
    .on_subscribed = on_subscribed,
    .on_message = on_message,
    .on_published = on_nothing,
    .on_room = on_nothing,
    .on_failed = on_failed,
};

static void on_tick(pacer_t *pacer)
{
    pubsub_run_t *run = pacer->data;
    const stream_work_t *work = run->work;
    const uint64_t now_ns = uv_hrtime();
    while (run->submitted < work->events && !run->failed) {
        const uint64_t due_ns =
            run->start_ns + (uint64_t)((double)run->submitted * 1e9 / work->rate);
        if (due_ns > now_ns) return;
        const char *channel = run->channels[run->submitted % work->tails];
        stream_stamp(run->data, work->payload, due_ns);
        int rc = run->publisher->ops->publish(run->publisher, channel, strlen(channel), run->data,
                                              work->payload);
        if (rc == CLIENT_FULL) return;
        if (rc < 0) give_up(run, run->publisher->error);
        run->submitted++;
    }
}

/* ---- life ---- */

static int begin(pubsub_run_t *run, stream_work_t *work, const client_ops_t *client)
{
    cairn_options_t options;
    cairn_error_t error;
    *run = (pubsub_run_t){.work = work};
    if (uv_loop_init(&run->loop) < 0) return stream_fail(work, "no loop");
    run->channels = calloc(work->tails, sizeof *run->channels);
    run->data = malloc(work->payload + 1);
    if (!run->channels || !run->data) return stream_fail(work, "out of memory");
    cairn_options_init(&options);
    if (cairn_options_from_url(&options, work->url, &error) < 0)
        return stream_fail(work, "%s", error.text);
    run->publisher = client->open(&run->loop, &options, &hooks, run, work->error);
    if (!run->publisher) return -1;
    run->subscriber = client->open(&run->loop, &options, &hooks, run, work->error);
    if (!run->subscriber) return -1;
    uv_run(&run->loop, UV_RUN_DEFAULT);
    return run->failed ? -1 : 0;
}

static int subscribe_all(pubsub_run_t *run)
{
    for (uint32_t i = 0; i < run->work->tails; i++) {
        snprintf(run->channels[i], sizeof run->channels[i], "run-%u", (unsigned)i);
        if (run->subscriber->ops->subscribe(run->subscriber, run->channels[i], run) < 0)
            return stream_fail(run->work, "%.900s", run->subscriber->error);
    }
    uv_run(&run->loop, UV_RUN_DEFAULT);
    return run->failed ? -1 : 0;
}

static int publish_all(pubsub_run_t *run)
{
    run->work->cpu_us = stream_cpu_us();
    run->start_ns = uv_hrtime();
    int rc = pacer_start(&run->pacer, &run->loop, run->start_ns, (uint64_t)(1e9 / run->work->rate),
                         on_tick, run);
    if (rc < 0) return stream_fail(run->work, "no timer: %s", uv_strerror(rc));
    uv_run(&run->loop, UV_RUN_DEFAULT);
    pacer_stop(&run->pacer);
    run->work->elapsed_s = (double)(run->end_ns - run->start_ns) / 1e9;
    run->work->cpu_us = stream_cpu_us() - run->work->cpu_us;
    return run->failed ? -1 : 0;
}

static void end(pubsub_run_t *run)
{
    if (run->publisher) run->publisher->ops->close(run->publisher);
    if (run->subscriber) run->subscriber->ops->close(run->subscriber);
    uv_run(&run->loop, UV_RUN_DEFAULT);
    if (run->publisher) run->publisher->ops->destroy(run->publisher);
    if (run->subscriber) run->subscriber->ops->destroy(run->subscriber);
    uv_loop_close(&run->loop);
    free(run->channels);
    free(run->data);
}

static int deliver(stream_work_t *work, const client_ops_t *client)
{
    pubsub_run_t run;
    int rc = begin(&run, work, client);
    if (rc == 0) rc = subscribe_all(&run);
    if (rc == 0) rc = publish_all(&run);
    end(&run);
    return rc;
}

int stream_cairn_pubsub(stream_work_t *work)
{
    return deliver(work, &client_cairn);
}

int stream_hiredis_pubsub(stream_work_t *work)
{
    return deliver(work, &client_hiredis);
}
