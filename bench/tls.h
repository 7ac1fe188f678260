/* What TLS costs: the same work with it and without, and many handshakes at a time. */
#ifndef CAIRN_BENCH_TLS_H
#define CAIRN_BENCH_TLS_H

#include "row.h"
#include <stdint.h>

enum {
    TLS_BENCH_WORKS = 3,
    TLS_BENCH_HANDLES = 500
};

/* Medians. */
typedef struct tls_bench_side {
    double per_s;
    double client_us, server_us; /* processor time of one; NAN where it is not known */
} tls_bench_side_t;

typedef struct tls_bench_work {
    const char *name;
    tls_bench_side_t plain, tls;
    double ratio; /* of the rate with TLS over that without: the median of paired runs */
} tls_bench_work_t;

typedef struct tls_bench_storm {
    int handles; /* opened at once, on one loop */
    double open_ms;
    double connected_ms; /* until the last was */
    double stall_ms;     /* the longest time meanwhile in which the loop ran no timer */
    double stall_cpu_ms; /* the most work meanwhile that kept it from that: without what others on
                            this machine took */
} tls_bench_storm_t;

typedef struct tls_bench_result {
    tls_bench_work_t works[TLS_BENCH_WORKS];
    tls_bench_storm_t plain, tls;
} tls_bench_result_t;

/* On a redis-server started for it, with a certificate that the openssl command makes. Pins this
 * process to a core. 0, or -1 with a sentence in `error` (of CLIENT_ERROR_MAX). */
int tls_bench_run(bool quick, tls_bench_result_t *result, char *error);

#endif
