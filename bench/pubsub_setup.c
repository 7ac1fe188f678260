#include "message.h"
#include "pubsub_run.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void name_channels(pubsub_run_t *run)
{
    for (uint32_t i = 0; i < run->config->channels; i++) {
        channel_t *channel = &run->channels[i];
        int len = snprintf(channel->name, sizeof channel->name, "cairn-bench:%d:%u", (int)getpid(),
                           (unsigned)i);
        channel->len = (size_t)len;
    }
}

static int setup_publisher(pubsub_run_t *run, uint32_t index)
{
    const pubsub_config_t *config = run->config;
    publisher_t *publisher = &run->publishers[index];
    *publisher = (publisher_t){
        .run = run,
        .index = (uint16_t)index,
        .next_numbers = calloc(config->channels, sizeof *publisher->next_numbers),
        .payload = malloc(config->payload),
    };
    if (!publisher->next_numbers || !publisher->payload) return -1;
    memset(publisher->payload, 'x', config->payload);
    return 0;
}

static int setup_subscriber(pubsub_run_t *run, uint32_t index)
{
    const pubsub_config_t *config = run->config;
    subscriber_t *subscriber = &run->subscribers[index];
    size_t streams = (size_t)config->publishers * config->channels;
    *subscriber = (subscriber_t){.run = run, .streams = calloc(streams, sizeof(sequence_t))};
    return subscriber->streams ? 0 : -1;
}

int pubsub_setup(pubsub_run_t *run)
{
    const pubsub_config_t *config = run->config;
    run->lag = calloc(1, sizeof *run->lag);
    run->clients = calloc((size_t)config->publishers + config->subscribers, sizeof *run->clients);
    run->publishers = calloc(config->publishers, sizeof *run->publishers);
    run->subscribers = calloc(config->subscribers, sizeof *run->subscribers);
    run->channels = calloc(config->channels, sizeof *run->channels);
    if (!run->lag || !run->clients || !run->publishers || !run->subscribers || !run->channels)
        return -1;
    name_channels(run);
    for (uint32_t i = 0; i < config->publishers; i++)
        if (setup_publisher(run, i) < 0) return -1;
    for (uint32_t i = 0; i < config->subscribers; i++)
        if (setup_subscriber(run, i) < 0) return -1;
    return 0;
}

void pubsub_teardown(pubsub_run_t *run)
{
    const pubsub_config_t *config = run->config;
    for (uint32_t i = 0; run->clients && i < run->client_count; i++)
        run->clients[i]->ops->destroy(run->clients[i]);
    for (uint32_t i = 0; run->publishers && i < config->publishers; i++) {
        free(run->publishers[i].next_numbers);
        free(run->publishers[i].payload);
    }
    for (uint32_t i = 0; run->subscribers && i < config->subscribers; i++)
        free(run->subscribers[i].streams);
    free(run->lag);
    free(run->clients);
    free(run->publishers);
    free(run->subscribers);
    free(run->channels);
}
