/* Sending and receiving. One timestamp a message: that of a delivery is also that of the message
 * which the delivery made room for. */
#include "message.h"
#include "pubsub_run.h"

/* A tick sends what is due, so so many ticks a second are enough for any rate. When much is due,
 * it sends some of it and leaves the loop to its other work until the next tick. */
static const double most_ticks_per_s = 50000;
enum {
    MOST_A_TICK = 256
};

/* ---- sending ---- */

/* 0, or what publish returned. */
static int send_one(publisher_t *publisher, uint64_t time_ns)
{
    pubsub_run_t *run = publisher->run;
    const pubsub_config_t *config = run->config;
    uint16_t index = publisher->next_channel;
    const channel_t *channel = &run->channels[index];
    message_t message = {
        .magic = MESSAGE_MAGIC,
        .publisher = publisher->index,
        .channel = index,
        .number = publisher->next_numbers[index],
        .time_ns = time_ns,
    };
    message_write(publisher->payload, &message);
    client_t *client = publisher->client;
    int status = client->ops->publish(client, channel->name, channel->len, publisher->payload,
                                      config->payload);
    if (status < 0) pubsub_fail(run, "%s", client->error);
    if (status != 0) return status;
    publisher->next_numbers[index]++;
    publisher->next_channel = (uint16_t)((index + 1u) % config->channels);
    publisher->underway += config->subscribers;
    return 0;
}

static bool is_sending(const pubsub_run_t *run)
{
    return run->phase == PHASE_WARMUP || run->phase == PHASE_MEASURING;
}

/* Closed loop: as much as the window allows. */
static void fill_window(publisher_t *publisher, uint64_t now_ns)
{
    const pubsub_config_t *config = publisher->run->config;
    uint64_t most = (uint64_t)(config->window - 1) * config->subscribers;
    while (publisher->underway <= most && send_one(publisher, now_ns) == 0) continue;
}

/* Open loop: whatever the schedule says should have been sent by now. Its time is what the
 * schedule says, not when we got round to it. */
static void send_due(pubsub_run_t *run)
{
    const pubsub_config_t *config = run->config;
    uint64_t now_ns = uv_hrtime();
    for (int sent = 0; sent < MOST_A_TICK && is_sending(run); sent++) {
        uint64_t due_ns =
            run->traffic_start_ns + (uint64_t)((double)run->scheduled * run->period_ns);
        if (due_ns > now_ns) return;
        if (send_one(&run->publishers[run->scheduled % config->publishers], due_ns) != 0) return;
        if (run->phase == PHASE_MEASURING) hist_record(run->lag, now_ns - due_ns);
        run->scheduled++;
    }
}

static void on_tick(pacer_t *pacer)
{
    send_due(pacer->data);
}

void pubsub_traffic_start(pubsub_run_t *run)
{
    const pubsub_config_t *config = run->config;
    run->traffic_start_ns = uv_hrtime();
    if (config->feeder) {
        feeder_feed(config->feeder, FEEDER_ENDLESS);
    } else if (config->rate > 0) {
        double ticks_per_s = config->rate < most_ticks_per_s ? config->rate : most_ticks_per_s;
        run->period_ns = 1e9 / config->rate;
        int status = pacer_start(&run->pacer, &run->loop, run->traffic_start_ns,
                                 (uint64_t)(1e9 / ticks_per_s), on_tick, run);
        if (status < 0) pubsub_fail(run, "cannot set a timer: %s", uv_strerror(status));
    } else {
        for (uint32_t i = 0; i < config->publishers && is_sending(run); i++)
            fill_window(&run->publishers[i], run->traffic_start_ns);
    }
}

void pubsub_traffic_stop(pubsub_run_t *run)
{
    if (run->config->feeder) feeder_feed(run->config->feeder, 0);
    pacer_stop(&run->pacer);
}

void pubsub_traffic_room(pubsub_run_t *run, client_t *client)
{
    if (!is_sending(run) || run->config->feeder) return;
    if (run->config->rate > 0) {
        send_due(run);
        return;
    }
    uint64_t now_ns = uv_hrtime();
    for (uint32_t i = 0; i < run->config->publishers && is_sending(run); i++)
        if (run->publishers[i].client == client) fill_window(&run->publishers[i], now_ns);
}

uint64_t pubsub_traffic_underway(const pubsub_run_t *run)
{
    uint64_t underway = 0;
    for (uint32_t i = 0; i < run->config->publishers; i++) underway += run->publishers[i].underway;
    return underway;
}

/* ---- receiving ---- */

void pubsub_on_message(void *subscriber_data, const char *payload, size_t len)
{
    subscriber_t *subscriber = subscriber_data;
    pubsub_run_t *run = subscriber->run;
    const pubsub_config_t *config = run->config;
    message_t message;
    if (!message_read(&message, payload, len) || len != config->payload ||
        message.publisher >= config->publishers || message.channel >= config->channels) {
        pubsub_fail(run, "a message arrived that is not ours, or is damaged: %zu bytes", len);
        return;
    }
    size_t stream = (size_t)message.publisher * config->channels + message.channel;
    sequence_see(&subscriber->streams[stream], message.number);
    run->delivered++;
    if (config->feeder) return;

    publisher_t *publisher = &run->publishers[message.publisher];
    uint64_t now_ns = uv_hrtime();
    if (run->phase == PHASE_MEASURING || run->phase == PHASE_DRAINING)
        hist_record(run->latency, now_ns - message.time_ns);
    if (publisher->underway > 0) publisher->underway--;
    if (run->phase == PHASE_DRAINING)
        pubsub_drained(run);
    else if (config->rate <= 0 && is_sending(run))
        fill_window(publisher, now_ns);
}
