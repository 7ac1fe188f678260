#include "check.h"
#include "loop_lag.h"
#include "pubsub.h"

#include <math.h>
#include <stdlib.h>

enum {
    STALL_MS = 30,
    SLEEP_MS = 120
};

static void end(uv_timer_t *timer)
{
    loop_lag_t *lag = timer->data;
    loop_lag_stop(lag);
    loop_lag_stop(lag);
}

/* The end comes in another turn, however late it is. */
static void stall(uv_timer_t *timer)
{
    const uint64_t began_ns = uv_hrtime();
    while (uv_hrtime() - began_ns < STALL_MS * 1000000u) continue;
    uv_timer_start(timer->data, end, STALL_MS + SLEEP_MS, 0);
}

/* Whatever else holds the machine up: no turn is longer than all the time that was not slept. */
static void the_longest_turn_is_told_without_its_sleep(void **state)
{
    (void)state;
    uv_loop_t loop;
    loop_lag_t lag;
    uv_timer_t slow, last;
    assert_int_equal(uv_loop_init(&loop), 0);
    loop_lag_start(&lag, &loop);
    uv_timer_init(&loop, &slow);
    uv_timer_init(&loop, &last);
    slow.data = &last;
    last.data = &lag;
    uv_timer_start(&slow, stall, 1, 0);
    const uint64_t began_ns = uv_hrtime();
    uv_run(&loop, UV_RUN_DEFAULT);
    const double all_ms = (double)(uv_hrtime() - began_ns) / 1e6;
    const double slept_ms = (double)uv_metrics_idle_time(&loop) / 1e6;
    assert_true(loop_lag_longest_ms(&lag) >= STALL_MS);
    assert_true(loop_lag_longest_ms(&lag) <= all_ms - slept_ms + 1);
    uv_close((uv_handle_t *)&slow, NULL);
    uv_close((uv_handle_t *)&last, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static double lag_of_a_run(bool asked)
{
    char error[CLIENT_ERROR_MAX];
    pubsub_config_t config;
    pubsub_result_t *result = malloc(sizeof *result);
    assert_non_null(result);
    pubsub_config_init(&config);
    config.warmup_s = 0;
    config.duration_s = 0.05;
    config.loop_lag = asked;
    if (pubsub_run(&config, result, error) < 0) check_fail("%s", error);
    double ms = result->row.loop_lag_ms;
    free(result);
    return ms;
}

static void a_run_tells_it_if_asked(void **state)
{
    (void)state;
    assert_true(lag_of_a_run(true) > 0);
    assert_true(isnan(lag_of_a_run(false)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_turn_is_told_without_its_sleep),
        cmocka_unit_test(a_run_tells_it_if_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
