/* Running a loop until something is so, with a watchdog instead of a sleep. */
#ifndef TESTS_SUPPORT_LOOP_H
#define TESTS_SUPPORT_LOOP_H

#include <stdbool.h>
#include <uv.h>

/* How long anything may take before a test is given up. Only failures wait this long. */
#define LOOP_DEADLINE_MS 60000

typedef bool (*loop_condition)(void *ctx);

/* Runs the loop until `done(ctx)`; false if LOOP_DEADLINE_MS pass first. */
bool loop_try_until(uv_loop_t *loop, loop_condition done, void *ctx);

/* The same for so many milliseconds, for what may not come at all. */
bool loop_try_for(uv_loop_t *loop, unsigned ms, loop_condition done, void *ctx);

/* As loop_try_until; fails the test, naming `what` was waited for. */
#define loop_run_until(loop, what, done, ctx)                                                      \
    loop_run_until_at((loop), (what), (done), (ctx), __FILE__, __LINE__)
void loop_run_until_at(uv_loop_t *loop, const char *what, loop_condition done, void *ctx,
                       const char *file, int line);

/* Runs whole turns without sleeping: for what is already on its way inside the process. */
void loop_turns(uv_loop_t *loop, int turns);

/* Runs the loop for as long: for what must not happen in that time. */
void loop_run_for(uv_loop_t *loop, unsigned ms);

/* Lets the loop come to its end, then closes it; fails the test if a handle is left open. */
void loop_finish(uv_loop_t *loop);

#endif
