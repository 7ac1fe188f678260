/* What the parts of the workload know of each other: pubsub.c opens, times and closes a run,
 * pubsub_traffic.c sends and receives in between. */
#ifndef CAIRN_BENCH_PUBSUB_RUN_H
#define CAIRN_BENCH_PUBSUB_RUN_H

#include "loop_lag.h"
#include "pacer.h"
#include "pubsub.h"
#include "sequence.h"

typedef struct pubsub_run pubsub_run_t;

typedef struct publisher {
    pubsub_run_t *run;
    client_t *client;
    uint16_t index;
    uint16_t next_channel;
    uint64_t underway;      /* deliveries still to come */
    uint64_t *next_numbers; /* one a channel */
    char *payload;
} publisher_t;

typedef struct subscriber {
    pubsub_run_t *run;
    client_t *client;
    sequence_t *streams; /* one a publisher and channel */
} subscriber_t;

typedef struct channel {
    char name[64];
    size_t len;
} channel_t;

typedef enum phase {
    PHASE_OPENING,     /* until every client is ready */
    PHASE_SUBSCRIBING, /* until every subscription is up */
    PHASE_WARMUP,
    PHASE_MEASURING,
    PHASE_DRAINING, /* nothing is sent any more; what is underway arrives, and its latency counts,
                       for it would flatter to leave out what is late */
    PHASE_CLOSING
} phase_t;

struct pubsub_run {
    const pubsub_config_t *config;
    cairn_options_t options;
    bool shared;
    uv_loop_t loop;
    uv_timer_t phase_timer;
    uv_timer_t watch_timer;
    loop_lag_t loop_lag; /* if it is asked for */
    pacer_t pacer;
    phase_t phase;

    client_t **clients;
    uint32_t client_count;
    uint32_t ready;
    uint32_t subscribed;
    publisher_t *publishers;
    subscriber_t *subscribers;
    channel_t *channels;

    double period_ns; /* of an open loop */
    uint64_t traffic_start_ns;
    uint64_t scheduled; /* messages of an open loop that were sent */

    uint64_t delivered; /* in all; by the watch */
    uint64_t delivered_at_start, delivered_at_end;
    uint64_t measure_start_ns, measure_end_ns;
    double cpu_start_us, cpu_end_us;
    double server_start_us, server_end_us;
    uint64_t watched_delivered, watched_ns;
    unsigned idle_watches;

    hist_t *latency;
    hist_t *lag;
    bool failed;
    char *error;
};

/* pubsub.c: ends the run. The first text is kept. */
void pubsub_fail(pubsub_run_t *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* pubsub.c: goes on from draining if everything has arrived. */
void pubsub_drained(pubsub_run_t *run);

/* pubsub_traffic.c */
void pubsub_traffic_start(pubsub_run_t *run);
void pubsub_traffic_stop(pubsub_run_t *run);
void pubsub_traffic_room(pubsub_run_t *run, client_t *client);
uint64_t pubsub_traffic_underway(const pubsub_run_t *run);
void pubsub_on_message(void *subscriber, const char *payload, size_t len);

/* pubsub_setup.c: memory of a run. 0 or -1. */
int pubsub_setup(pubsub_run_t *run);
void pubsub_teardown(pubsub_run_t *run);

#endif
