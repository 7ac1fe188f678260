/* The workload: publishers send to channels, subscribers take it all in, and every message is
 * accounted for from publish to delivery. */
#ifndef CAIRN_BENCH_PUBSUB_H
#define CAIRN_BENCH_PUBSUB_H

#include "client.h"
#include "feeder.h"
#include "hist.h"
#include "row.h"

enum {
    PUBSUB_ENDS_MAX = 10000,
    PUBSUB_PAYLOAD_MAX = 1 << 26,
    PUBSUB_WINDOW_MAX = 65536
};

typedef struct pubsub_config {
    const char *url;
    const client_ops_t *client;
    uint32_t payload;
    uint32_t publishers;  /* each a handle of its own, unless `shared` */
    uint32_t subscribers; /* each a handle of its own, unless `shared`; each takes all channels */
    uint32_t channels;
    uint32_t window;   /* closed loop: messages a publisher has underway at most */
    double rate;       /* open loop, if > 0: messages a second, of all publishers together */
    double warmup_s;   /* not measured */
    double duration_s; /* measured */
    bool shared;       /* everything on one handle; what is in memory always is */
    bool loop_lag;     /* measure the longest turn of the loop, from opening to closing */
    int server_pid;    /* of a server of our own, whose processor time is then told; 0: none */
    feeder_t *feeder;  /* if any, it is the only publisher, and `url` leads to it */

    /* Called some times a second; may be NULL. */
    void (*on_progress)(const struct pubsub_config *config, double elapsed_s, double msgs_per_s);
} pubsub_config_t;

typedef struct pubsub_result {
    row_t row;
    hist_t latency;
    char server[64]; /* "redis 7.0.15" */
} pubsub_result_t;

/* Moderate values for all but the URL, which is that of a memory backend. */
void pubsub_config_init(pubsub_config_t *config);

/* Whether it makes sense at all: that the URL is right, and that the client can do it. 0, or -1
 * with a sentence in `error` (of CLIENT_ERROR_MAX). */
int pubsub_check(const pubsub_config_t *config, char *error);

/* Runs it on a loop of its own. 0, or -1 with a sentence in `error` (of CLIENT_ERROR_MAX). */
int pubsub_run(const pubsub_config_t *config, pubsub_result_t *result, char *error);

#endif
