/* Deadlines on the loop: one timing wheel, one timer, whatever their number.
 *
 * In steady state nothing is armed or disarmed: the timer stays at the earliest deadline it has
 * ever been asked for and looks again when it fires. What is due expires after the next poll, not
 * before it, so that a reply already waiting in the socket wins over its deadline when the loop was
 * held up. */
#ifndef CAIRN_CORE_DEADLINES_H
#define CAIRN_CORE_DEADLINES_H

#include "wheel.h"

#include <cairn/cairn.h>
#include <uv.h>

/* Handles inside a deadlines_t that its owner must uv_close. */
#define DEADLINES_HANDLES 3

typedef struct deadlines {
    cairn_clock_t clock; /* {0}: the loop's time */
    wheel_t wheel;
    uint64_t armed_ms; /* when the timer fires */
    uv_timer_t timer;  /* always active: an open handle keeps its loop alive */
    uv_idle_t no_wait; /* active from the timer to the next check: polls without sleeping */
    uv_check_t check;
} deadlines_t;

void deadlines_init(deadlines_t *deadlines, uv_loop_t *loop, cairn_clock_t clock);

uint64_t deadlines_now(const deadlines_t *deadlines);

/* deadline->expire is called once, later, when `timeout_ms` have passed. */
void deadlines_start(deadlines_t *deadlines, cairn_deadline_t *deadline, uint64_t timeout_ms);

/* Harmless if not started, or expired. */
void deadlines_stop(deadlines_t *deadlines, cairn_deadline_t *deadline);

/* Expires what is due by the clock, as the timer would: for tests that move the clock. */
void deadlines_tick(deadlines_t *deadlines);

/* Fills DEADLINES_HANDLES handles. */
void deadlines_handles(deadlines_t *deadlines, uv_handle_t **out);

#endif
