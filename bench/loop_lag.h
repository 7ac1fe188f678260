/* How long a loop was kept from looking at its events: the longest turn, without the time it slept.
 *
 *     loop_lag_start(&lag, &loop);         before the loop runs
 *     ... loop_lag_longest_ms(&lag) ...
 *     loop_lag_stop(&lag);                 its handle closes */
#ifndef CAIRN_BENCH_LOOP_LAG_H
#define CAIRN_BENCH_LOOP_LAG_H

#include <stdint.h>
#include <uv.h>

typedef struct loop_lag {
    uv_prepare_t prepare; /* does not keep the loop alive */
    uint64_t at_ns;       /* when this turn began; the first begins with the start */
    uint64_t slept_ns;    /* in all, then */
    uint64_t longest_ns;
} loop_lag_t;

void loop_lag_start(loop_lag_t *lag, uv_loop_t *loop);
double loop_lag_longest_ms(const loop_lag_t *lag);
void loop_lag_stop(loop_lag_t *lag);

#endif
