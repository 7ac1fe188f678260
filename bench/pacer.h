/* A tick on the loop at a fixed period of nanoseconds, which libuv's timers, of whole
 * milliseconds, cannot give. */
#ifndef CAIRN_BENCH_PACER_H
#define CAIRN_BENCH_PACER_H

#include <uv.h>

typedef struct pacer {
    uv_poll_t poll;
    int fd;
    void (*on_tick)(struct pacer *pacer);
    void *data;
} pacer_t;

/* The first tick comes at `first_ns` of uv_hrtime. 0 or a negative error of libuv. */
int pacer_start(pacer_t *pacer, uv_loop_t *loop, uint64_t first_ns, uint64_t period_ns,
                void (*on_tick)(pacer_t *pacer), void *data);

/* No tick after this. `pacer` must stay until the loop has ended. Twice is once. */
void pacer_stop(pacer_t *pacer);

#endif
