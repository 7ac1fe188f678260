#include "pacer.h"
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

static const uint64_t ns_per_s = 1000000000;

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / ns_per_s), (long)(ns % ns_per_s)};
}

static void on_expired(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    pacer_t *pacer = poll->data;
    uint64_t expirations;
    if (read(pacer->fd, &expirations, sizeof expirations) < 0) return; /* woken for nothing */
    pacer->on_tick(pacer);
}

static void on_closed(uv_handle_t *handle)
{
    pacer_t *pacer = handle->data;
    close(pacer->fd);
    pacer->fd = -1;
}

int pacer_start(pacer_t *pacer, uv_loop_t *loop, uint64_t first_ns, uint64_t period_ns,
                void (*on_tick)(pacer_t *pacer), void *data)
{
    pacer->on_tick = on_tick;
    pacer->data = data;
    pacer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (pacer->fd < 0) return uv_translate_sys_error(errno);
    int status = uv_poll_init(loop, &pacer->poll, pacer->fd);
    if (status < 0) {
        close(pacer->fd);
        return status;
    }
    pacer->poll.data = pacer;
    struct itimerspec when = {.it_value = timespec_of(first_ns),
                              .it_interval = timespec_of(period_ns)};
    if (timerfd_settime(pacer->fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
        status = uv_translate_sys_error(errno);
    if (status == 0) status = uv_poll_start(&pacer->poll, UV_READABLE, on_expired);
    if (status < 0) pacer_stop(pacer);
    return status;
}

void pacer_stop(pacer_t *pacer)
{
    uv_handle_t *handle = (uv_handle_t *)&pacer->poll;
    if (pacer->on_tick && !uv_is_closing(handle)) uv_close(handle, on_closed);
    pacer->on_tick = NULL;
}
