/* A watch hears of the cancel that is pushed, and looks at the stream's end whenever its feed comes
 * up, for the one that it missed: nothing is appended behind a cancel. */
#include "feed.h"
#include "list.h"

#include <cairn/sys/alloc.h>

static bool wants_event(const cairn_watch_t *watch)
{
    return !watch->told && !watch->closing && core_is_open(watch->core);
}

void watch_wake(cairn_watch_t *watch)
{
    turn_defer(&watch->core->turn, &watch->task);
}

static void tell(cairn_watch_t *watch, int status, const cairn_stream_event_t *event)
{
    if (!wants_event(watch)) return;
    watch->told = true;
    watch_wake(watch);
    watch->on_cancel(watch->handle, status, event);
}

void watch_event(cairn_watch_t *watch, const cairn_stream_event_t *event)
{
    if (cairn_slice_eq(event->event, cairn_str(CAIRN_STREAM_CANCEL))) tell(watch, 0, event);
}

void watch_fail(cairn_watch_t *watch, int status, cairn_slice_t detail)
{
    (void)detail;
    tell(watch, status, NULL);
}

/* ---- looking at the end ---- */

static void on_page(void *owner, int status, cairn_slice_t detail, const cairn_stream_page_t *page)
{
    cairn_watch_t *watch = owner;
    watch->reader = NULL;
    if (!core_is_open(watch->core)) return;
    watch_wake(watch);
    if (status < 0 && feed_error_passes(status)) {
        feed_retry(watch->feed);
    } else if (status < 0) {
        watch_fail(watch, status, detail);
    } else {
        watch->checked = watch->epoch == watch->feed->epoch;
        if (page->count > 0) watch_event(watch, &page->events[page->count - 1]);
    }
}

static void check_end(cairn_watch_t *watch)
{
    feed_t *feed = watch->feed;
    if (watch->reader || watch->checked || !wants_event(watch)) return;
    if (feed->state != FEED_UP || list_linked(&feed->retry.link)) return;
    cairn_stream_read_args_t args = {
        .size = sizeof args, .stream = feed->shared.stream, .most = 1, .newest = true};
    int status;
    watch->reader = reader_start(watch->core, &args, on_page, watch, &status);
    watch->epoch = feed->epoch;
    if (!watch->reader) feed_retry(feed);
}

void watch_up(cairn_watch_t *watch)
{
    watch->checked = false;
    watch_wake(watch);
}

/* ---- the end ---- */

static void abandon_read(cairn_watch_t *watch)
{
    if (watch->reader) reader_abandon(watch->reader);
    watch->reader = NULL;
}

static void leave_feed(cairn_watch_t *watch)
{
    feed_t *feed = watch->feed;
    if (!feed) return;
    abandon_read(watch);
    watch->feed = NULL;
    list_remove(&watch->in_feed);
    feed_left(feed);
}

void watch_detach(cairn_watch_t *watch)
{
    abandon_read(watch);
    watch->feed = NULL;
}

static void destroy(cairn_watch_t *watch)
{
    turn_undefer(&watch->task);
    leave_feed(watch);
    list_remove(&watch->in_core);
    watch->handle->watch = NULL;
    cairn_free(watch);
}

static void finish_close(cairn_watch_t *watch)
{
    cairn_stream_watch_t *handle = watch->handle;
    cairn_watch_close_cb close_cb = watch->close_cb;
    destroy(watch);
    if (close_cb) close_cb(handle);
}

static void run(cairn_task_t *task)
{
    cairn_watch_t *watch = CONTAINER_OF(task, cairn_watch_t, task);
    if (watch->closing) {
        finish_close(watch);
    } else if (watch->told) {
        leave_feed(watch);
    } else if (watch->feed) {
        check_end(watch);
    }
}

void watch_end(cairn_watch_t *watch)
{
    cairn_stream_watch_t *handle = watch->handle;
    cairn_stream_watch_cb on_cancel = watch->on_cancel;
    if (watch->told || watch->closing) {
        finish_close(watch);
        return;
    }
    destroy(watch);
    on_cancel(handle, UV_ECANCELED, NULL);
}

/* ---- from the application ---- */

int watch_open(cairn_core_t *core, cairn_stream_watch_t *handle, cairn_slice_t stream,
               cairn_stream_watch_cb on_cancel)
{
    cairn_watch_t *watch = cairn_calloc(1, sizeof *watch);
    if (!watch) return UV_ENOMEM;
    int rc = feed_open(core, stream, &watch->feed);
    if (rc < 0) {
        cairn_free(watch);
        return rc;
    }
    watch->handle = handle;
    watch->core = core;
    watch->on_cancel = on_cancel;
    watch->task.run = run;
    list_push_back(&watch->feed->watches, &watch->in_feed);
    list_push_back(&core->watches, &watch->in_core);
    handle->watch = watch;
    watch_wake(watch);
    return 0;
}

void watch_close(cairn_watch_t *watch, cairn_watch_close_cb close_cb)
{
    core_check_thread(watch->core);
    if (watch->closing) return;
    watch->closing = true;
    watch->close_cb = close_cb;
    watch_wake(watch);
}
