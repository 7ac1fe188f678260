/* Time as it passes for a handle: on a clock that stands still until the test moves it, or by the
 * day, when `clock` is NULL. */
#ifndef TESTS_SUPPORT_TIMED_H
#define TESTS_SUPPORT_TIMED_H

#include "fake_clock.h"
#include "world.h"

/* When something was done: not before, and not after. */
typedef struct moment {
    uint64_t before_ms;
    uint64_t after_ms;
} moment_t;

void timed_open(client_t *client, fake_clock_t *clock);

/* Of a TTL that is to be over soon, though not before a request or two: longer where everything is
 * slower, which CAIRN_TEST_PACE says (how many times). */
int64_t timed_brief(int64_t ms);

uint64_t timed_now_ms(const fake_clock_t *clock);
void timed_pass(client_t *client, fake_clock_t *clock, unsigned ms);

/* A little time: between two looks at what it will do. Fails the test when it has been too much
 * since `since_ms`, naming `what` was waited for. */
void timed_wait(client_t *client, fake_clock_t *clock, uint64_t since_ms, const char *what);

/* What was `left` at `asked` of a TTL that began at `since` is right, as exactly as the clock
 * allows. */
void timed_check_left_at(const fake_clock_t *clock, int64_t left, moment_t asked, int64_t ttl_ms,
                         moment_t since, const char *file, int line);

#endif
