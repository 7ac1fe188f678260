/* What a handle has done and how it is: counters, latencies, its connections, and all of it as text
 * for a monitoring system.
 *
 *     cairn_stats_t now, since;
 *     cairn_stats(&cairn, &now);
 *     cairn_stats_since(&now, &before, &since);
 *     printf("%llu requests, 99%% of them within %llu us\n", since.completed,
 *            cairn_latency_percentile(&since.latency, 99));
 *
 * Statistics are the handle's own and live in its process; nothing is sent anywhere. */
#ifndef CAIRN_STATS_H
#define CAIRN_STATS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cairn cairn_t;

/* ---- why requests failed ---- */

/* X(name, label, help). Append only. */
#define CAIRN_FAILURE_MAP(X)                                                                       \
    X(TIMED_OUT, "timed_out", "the deadline passed first")                                         \
    X(CANCELED, "canceled", "canceled, or the handle was closed")                                  \
    X(FULL, "full", "no room, after it was accepted")                                              \
    X(CONNECTION, "connection", "the link broke; CAIRN_EMAYBE is among them")                      \
    X(AUTH, "auth", "wrong password, or the user may not")                                         \
    X(SERVER, "server", "the server answered with an error")                                       \
    X(PROTOCOL, "protocol", "the server's answer makes no sense")                                  \
    X(REQUEST, "request", "not possible: too big, not valid, there already, not there")            \
    X(MEMORY, "memory", "out of memory here")                                                      \
    X(OTHER, "other", "anything else, such as a status of the application's own")

typedef enum cairn_failure {
#define CAIRN_FAILURE_ENUM(name, label, help) CAIRN_FAILURE_##name,
    CAIRN_FAILURE_MAP(CAIRN_FAILURE_ENUM)
#undef CAIRN_FAILURE_ENUM
    CAIRN_FAILURES
} cairn_failure_t;

/* Of which kind a status <0 is. */
cairn_failure_t cairn_failure_of(int status);

/* "timed_out" ...; "" of what is none. Static. */
const char *cairn_failure_name(cairn_failure_t failure);

/* ---- latency ---- */

/* Four buckets for each power of two: a value is known to 25 % or better. The last one also has
 * what is longer than two minutes. */
#define CAIRN_LATENCY_BUCKETS 104

/* Of requests, whatever their status, from submit to callback, in microseconds. Both moments are
 * the loop's: what is submitted, and what is answered, in one go has one time, read once. So the
 * wait for a loop that is busy counts. Kept if the option latency_stats is 1. */
typedef struct cairn_latency {
    uint64_t sum_us;
    uint64_t counts[CAIRN_LATENCY_BUCKETS];
} cairn_latency_t;

/* All values in a bucket are less than this; of the last: UINT64_MAX. */
uint64_t cairn_latency_limit(size_t bucket);

uint64_t cairn_latency_count(const cairn_latency_t *latency);

/* Microseconds that `percentile` percent (99.9) of the requests took at most, rounded up to what
 * the buckets can tell. 0 if there were none. */
uint64_t cairn_latency_percentile(const cairn_latency_t *latency, double percentile);

/* ---- the handle ---- */

/* Counters since open, never reset, and what is so now. Filling it costs a copy and a look at each
 * connection. */
typedef struct cairn_stats {
    uint64_t requests;    /* accepted */
    uint64_t completed;   /* with status 0 */
    uint64_t failed;      /* with any other status: the sum of `failures` */
    uint64_t timed_out;   /* UV_ETIMEDOUT: deadlines missed */
    uint64_t canceled;    /* UV_ECANCELED */
    uint64_t inflight;    /* now */
    uint64_t delivered;   /* messages handed to a subscription's callback */
    uint64_t dropped;     /* messages a subscription lost to its policy */
    uint64_t connects;    /* connections that became usable */
    uint64_t disconnects; /* attempts that failed and links that broke */
    uint64_t bytes_in;    /* from the server */
    uint64_t bytes_out;   /* to the server */

    uint64_t refused;         /* submits that returned <0, none of them among `requests` */
    uint64_t refused_full;    /* ... with CAIRN_EFULL */
    uint64_t reconnects;      /* of `connects`, those after the first */
    uint64_t queued_requests; /* now: commands no byte of which, or not all, has been written */
    uint64_t queued_bytes;    /* now: bytes not yet written */
    uint64_t failures[CAIRN_FAILURES];
    cairn_latency_t latency;
} cairn_stats_t;

/* Zeroes of a closed handle. */
void cairn_stats(const cairn_t *cairn, cairn_stats_t *out);

/* What happened from `before` to `now`, two snapshots of one handle: counters are differences, what
 * is so now stays. `out` may be either. */
void cairn_stats_since(const cairn_stats_t *now, const cairn_stats_t *before, cairn_stats_t *out);

/* ---- its connections ---- */

/* Commands are the backend's: a request may be several, and asking for a sign of life is one. */
typedef struct cairn_connection {
    uint32_t size;     /* for backends: sizeof(cairn_connection_t) */
    char role[16];     /* "commands", "subscriptions", "sentinel", "replica": only read from */
    char where[160];   /* "127.0.0.1:6379" */
    char state[16];    /* "ready", "connecting", "waiting" ... */
    uint64_t state_ms; /* for how long */
    uint64_t inflight; /* commands whose answer is awaited or that wait to be written */
    uint64_t inflight_bytes;
    uint64_t queued; /* of them, those not written */
    uint64_t queued_bytes;
    uint64_t answered; /* commands */
    uint64_t errors;   /* of them, with an error from the server */
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t attempts;   /* to connect */
    uint64_t connects;   /* of them, that made it usable */
    uint64_t losses;     /* attempts that failed and links that broke */
    char last_loss[256]; /* why, in words; empty if there was none */
} cairn_connection_t;

/* Fills at most `room`; returns how many there are. None of memory, or of a closed handle. */
size_t cairn_connections(const cairn_t *cairn, cairn_connection_t *out, size_t room);

/* ---- the servers behind it ---- */

/* One that the handle talks to: the server, or each node of a cluster that it uses. */
typedef struct cairn_node {
    uint32_t size; /* for backends: sizeof(cairn_node_t) */
    char role[16]; /* "server"; of a cluster "master", "replica", or "seed": whichever of the URL's
                      hosts is asked for the map, and subscribed at */
    char where[160];      /* "127.0.0.1:6379" */
    uint64_t ready;       /* 1: commands are answered, as far as is known; 0: they wait */
    uint64_t slots;       /* of a cluster: that it has, as the map says */
    uint64_t connections; /* now, whether usable or not */
    uint64_t inflight;    /* now, as of a cairn_connection_t, and what follows since it is used */
    uint64_t queued;
    uint64_t answered;
    uint64_t errors;
    uint64_t redirected; /* of a cluster: commands that it sent to another node: MOVED, ASK */
    uint64_t put_off;    /* ... that it could not take then: TRYAGAIN, CLUSTERDOWN */
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t connects;
    uint64_t losses;
    char last_loss[256]; /* of one of its connections, in words; empty if there was none */
} cairn_node_t;

/* Fills at most `room`; returns how many there are. None of memory, or of a closed handle. A node
 * that leaves the cluster takes its counters along. */
size_t cairn_nodes(const cairn_t *cairn, cairn_node_t *out, size_t room);

/* ---- as text ---- */

/* All of it in Prometheus's text format (version 0.0.4), for a server's /metrics: names begin with
 * "cairn_", times are in seconds. Returns the length, without the NUL; if that is `size` or more,
 * the text is cut there, as by snprintf. */
size_t cairn_stats_text(const cairn_t *cairn, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
