/* Each request's beginning and end, told as it happens: enough for a span of OpenTelemetry.
 *
 *     db.system.name     system                   server.address   address
 *     db.operation.name  operation                server.port      port
 *     error.type         error, where status <0   duration         duration_us
 *
 * Keys and values are not told; what of them is fit to be seen, the application knows: `req` lies
 * in a request of its own, and req->data is its own too. */
#ifndef CAIRN_TRACE_H
#define CAIRN_TRACE_H

#include <cairn/request.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cairn cairn_t;

typedef enum cairn_trace_type {
    CAIRN_TRACE_BEGIN = 1, /* accepted; inside the submit, which is about to return 0 */
    CAIRN_TRACE_END        /* right before its callback; once for each BEGIN */
} cairn_trace_type_t;

/* Borrowed for the call. */
typedef struct cairn_trace {
    cairn_trace_type_t type;
    const cairn_req_t *req; /* of BEGIN and END the same. The library has some of its own, by which
                               tails read: "stream.read" with data NULL */
    const char *operation;  /* "saver.put", "store.search", "stream.append" ... Static */
    const char *system;     /* the backend: "redis", "memory". Static */
    cairn_slice_t address;  /* where requests go now: name or IP, a socket's path, or empty */
    uint16_t port;          /* 0: none */
    uint64_t time_us;       /* now, by uv_hrtime's clock (the handle's, if it has one of its own) */

    /* Of END. */
    int status;
    const char *error;    /* "UV_ETIMEDOUT" ...; NULL if status is 0. Static */
    cairn_slice_t detail; /* the failure in words, if there are any */
    uint64_t duration_us; /* since BEGIN, as in cairn_stats_t.latency; 0 without one */
} cairn_trace_t;

/* On the loop's thread. It may look at the handle (state, statistics), and must not submit, cancel
 * or close anything. A request that was submitted while there was no hook has an END alone. */
typedef void (*cairn_trace_cb)(cairn_t *cairn, const cairn_trace_t *trace);

#ifdef __cplusplus
}
#endif
#endif
