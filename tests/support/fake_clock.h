/* A clock that stands still until a test moves it. */
#ifndef TESTS_SUPPORT_FAKE_CLOCK_H
#define TESTS_SUPPORT_FAKE_CLOCK_H

#include <cairn/cairn.h>

typedef struct fake_clock {
    uint64_t now_ms;
} fake_clock_t;

/* For cairn_t.clock, before cairn_open. */
cairn_clock_t fake_clock_hook(fake_clock_t *clock);

/* Moves time on and lets `cairn` see what is due. */
void fake_clock_advance(fake_clock_t *clock, cairn_t *cairn, uint64_t ms);

#endif
