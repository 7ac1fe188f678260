#include "loop_lag.h"

static void on_prepare(uv_prepare_t *prepare)
{
    loop_lag_t *lag = prepare->data;
    const uint64_t now_ns = uv_hrtime(), slept_ns = uv_metrics_idle_time(prepare->loop);
    const uint64_t turn_ns = now_ns - lag->at_ns - (slept_ns - lag->slept_ns);
    if (turn_ns > lag->longest_ns) lag->longest_ns = turn_ns;
    lag->at_ns = now_ns;
    lag->slept_ns = slept_ns;
}

void loop_lag_start(loop_lag_t *lag, uv_loop_t *loop)
{
    *lag = (loop_lag_t){.at_ns = uv_hrtime()};
    (void)uv_loop_configure(loop, UV_METRICS_IDLE_TIME); /* cannot fail before the loop runs */
    uv_prepare_init(loop, &lag->prepare);
    lag->prepare.data = lag;
    uv_prepare_start(&lag->prepare, on_prepare);
    uv_unref((uv_handle_t *)&lag->prepare);
}

double loop_lag_longest_ms(const loop_lag_t *lag)
{
    return (double)lag->longest_ns / 1e6;
}

void loop_lag_stop(loop_lag_t *lag)
{
    uv_handle_t *handle = (uv_handle_t *)&lag->prepare;
    if (handle->type == UV_PREPARE && !uv_is_closing(handle)) uv_close(handle, NULL);
}
