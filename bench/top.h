/* `cairn-bench top`: how a server and a handle on it are, each second.
 *
 * A handle's statistics live in its process, so this shows the statistics of a handle of its own,
 * on which it publishes a few messages a second to nobody, beside what the server tells of itself.
 * A program that is to be seen itself serves cairn_stats_text (tests/examples/stats_metrics.c). */
#ifndef CAIRN_BENCH_TOP_H
#define CAIRN_BENCH_TOP_H

#include <cairn/cairn.h>
#include <cairn/stats.h>
#include "link.h"
#include <stdbool.h>
#include <stdio.h>

typedef struct top_config {
    const char *url;
    uint64_t count; /* samples; 0: for ever */
    uint64_t interval_ms;
    bool json; /* an object a line, rather than a screen */
} top_config_t;

/* X(name in INFO, what it is); all numbers. */
#define TOP_FIELDS(X)                                                                              \
    X(uptime_in_seconds, "up s")                                                                   \
    X(connected_clients, "clients")                                                                \
    X(blocked_clients, "blocked")                                                                  \
    X(rejected_connections, "rejected")                                                            \
    X(connected_slaves, "replicas")                                                                \
    X(instantaneous_ops_per_sec, "commands/s")                                                     \
    X(used_memory, "memory")                                                                       \
    X(maxmemory, "maxmemory")                                                                      \
    X(evicted_keys, "evicted")                                                                     \
    X(expired_keys, "expired")                                                                     \
    X(pubsub_channels, "channels")

typedef enum top_field {
#define TOP_ENUM(name, title) TOP_##name,
    TOP_FIELDS(TOP_ENUM)
#undef TOP_ENUM
    TOP_FIELD_COUNT
} top_field_t;

/* What INFO said. */
typedef struct top_info {
    bool given;
    char why[LINK_ERROR_MAX]; /* it is not */
    char role[16];            /* "master", "slave" */
    char link[16];            /* of a replica to its master: "up", "down" */
    uint64_t keys;            /* in all databases */
    uint64_t fields[TOP_FIELD_COUNT];
} top_info_t;

enum {
    TOP_CONNECTIONS_MAX = 32,
    TOP_NODES_MAX = 64
};

typedef struct top_sample {
    char server[64]; /* "redis 7.0.15" */
    cairn_state_t state;
    double seconds; /* since the sample before */
    top_info_t info;
    cairn_stats_t total;
    cairn_stats_t since; /* the sample before */
    size_t connection_count;
    cairn_connection_t connections[TOP_CONNECTIONS_MAX];
    size_t node_count; /* of a cluster; else there is the server alone */
    cairn_node_t nodes[TOP_NODES_MAX];
} top_sample_t;

/* Reads INFO's text. */
void top_info_read(const char *text, top_info_t *out);

/* Asks over a link of its own, which it keeps, makes and gives up as needed. */
void top_info_ask(redisContext **link, const char *url, top_info_t *out);

/* Writes one sample. */
void top_show(const top_config_t *config, const top_sample_t *sample, FILE *out);
int top_show_json(const top_sample_t *sample, FILE *out);

/* 0 if the handle was ready in the last sample; else -1, with a sentence in `error`. */
int top_run(const top_config_t *config, FILE *out, char error[LINK_ERROR_MAX]);

#endif
