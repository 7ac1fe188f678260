/* SEEKS -> READS -> JOINED -> OVER     where events come from
 *            ^________|                its queue was full, or the feed lost the sequence
 *
 * OPEN -> CLOSING                      close
 * OPEN -> DRAINING -> CLOSING          drain
 * OPEN -> TOLD                         ended, failed
 *
 * A tail that is slow queues what its feed passes on, up to its bounds; then it leaves the rest to
 * be read, which it begins when there is room again. So nothing is lost that the stream still has.
 *
 * Leaving a feed, freeing and the close callback happen only in the tail's own task, so lists stay
 * whole while callbacks run in the middle of them. */
#include "tail.h"

#include "feed.h"
#include "interfaces.h"
#include "list.h"

#include <cairn/sys/alloc.h>

#define DEFAULT_MAX_EVENTS 1024u
#define DEFAULT_MAX_BYTES (1u << 20)
#define FIRST_PAGE 32u
#define LARGEST_PAGE 512u
#define SEEK_PAGE 1000u

static bool is_before(cairn_position_t a, cairn_position_t b)
{
    return cairn_position_cmp(a, b) < 0;
}

static bool is_zero(cairn_position_t position)
{
    return position.high == 0 && position.low == 0;
}

static void notify(cairn_tail_t *tail, cairn_tail_notice_type_t type, int status, int64_t lost,
                   cairn_slice_t detail)
{
    cairn_tail_notice_t notice = {type, status, lost, detail};
    if (tail->handle->on_notice) tail->handle->on_notice(tail->handle, &notice);
}

static void notify_plain(cairn_tail_t *tail, cairn_tail_notice_type_t type)
{
    notify(tail, type, 0, 0, cairn_slice(NULL, 0));
}

void tail_wake(cairn_tail_t *tail)
{
    turn_defer(&tail->core->turn, &tail->task);
}

static bool may_deliver(const cairn_tail_t *tail)
{
    return tail->started && tail->state <= TAIL_DRAINING && (!tail->metered || tail->credit > 0) &&
           core_is_open(tail->core);
}

/* ---- telling and delivering ---- */

/* One of what comes before the next event, a gap only where that may be delivered. */
static bool tell_one(cairn_tail_t *tail, int64_t *lost, uint8_t *before)
{
    if (*lost != 0) {
        if (!may_deliver(tail)) return false;
        int64_t told = *lost;
        *lost = 0;
        notify(tail, CAIRN_TAIL_GAP, 0, told, cairn_slice(NULL, 0));
        return true;
    }
    if (*before & BEFORE_CLEARED) {
        *before &= (uint8_t)~BEFORE_CLEARED;
        notify_plain(tail, CAIRN_TAIL_CLEARED);
        return true;
    }
    if (*before & BEFORE_LIVE) {
        *before &= (uint8_t)~BEFORE_LIVE;
        notify_plain(tail, CAIRN_TAIL_LIVE);
        return true;
    }
    return false;
}

static void tell_before(cairn_tail_t *tail, bool with_gap)
{
    while (tail->queue.count == 0 && tail->state == TAIL_OPEN) {
        if (tail->lost != 0 && !with_gap) return;
        if (!tell_one(tail, &tail->lost, &tail->before)) return;
    }
}

static void tell_end(cairn_tail_t *tail)
{
    if (tail->source != TAIL_OVER || tail->queue.count > 0 || tail->state != TAIL_OPEN) return;
    if (!core_is_open(tail->core)) return;
    tail->state = TAIL_TOLD;
    tail_wake(tail);
    notify_plain(tail, CAIRN_TAIL_ENDED);
}

static void deliver(cairn_tail_t *tail, const cairn_stream_event_t *event)
{
    if (tail->metered) tail->credit--;
    tail->core->stats.delivered++;
    tail->position = event->position;
    tail->on_event(tail->handle, event);
}

/* Any callback may stop, drain or close: so all is looked at anew after each. */
static void deliver_queued(cairn_tail_t *tail)
{
    for (uint32_t budget = tail->queue.count; budget > 0 && may_deliver(tail); budget--) {
        if (tail->queue.count == 0) return;
        queued_event_t *front = event_queue_at(&tail->queue, 0);
        while (tell_one(tail, &front->lost, &front->before)) {
            if (!may_deliver(tail)) return;
        }
        shared_event_t *shared = event_queue_take(&tail->queue);
        deliver(tail, &shared->event);
        shared_event_release(shared);
    }
}

/* ---- taking events in ---- */

static bool has_room(const cairn_tail_t *tail, const cairn_stream_event_t *event)
{
    const event_queue_t *queue = &tail->queue;
    if (queue->count == 0) return true;
    return queue->count < tail->max_events && queue->bytes + event_cost(event) <= tail->max_bytes;
}

static void went_past(cairn_tail_t *tail, const cairn_stream_event_t *event)
{
    tail->tip = event->position;
    if (!cairn_stream_ends(event->event)) return;
    tail->source = TAIL_OVER;
    tail_wake(tail);
}

bool tail_take(cairn_tail_t *tail, passing_event_t *passing)
{
    if (tail->source == TAIL_OVER) return true;
    if (may_deliver(tail)) tell_before(tail, true);
    if (tail->state != TAIL_OPEN) return true;
    if (tail->queue.count == 0 && may_deliver(tail)) {
        went_past(tail, passing->event);
        deliver(tail, passing->event);
        tell_end(tail);
        return true;
    }
    if (!has_room(tail, passing->event)) return false;
    if (event_queue_push(&tail->queue, passing, tail->lost, tail->before) < 0) return false;
    tail->lost = 0;
    tail->before = 0;
    went_past(tail, passing->event);
    if (may_deliver(tail)) tail_wake(tail);
    return true;
}

void tail_pass_by(cairn_tail_t *tail, cairn_position_t position)
{
    if (tail->source != TAIL_READS || tail->reader || !is_zero(tail->passed)) return;
    if (!is_before(tail->tip, position)) return; /* pushed once more */
    tail->passed = position;
}

void tail_offer(cairn_tail_t *tail, passing_event_t *passing)
{
    if (tail->state != TAIL_OPEN) return;
    cairn_position_t position = passing->event->position;
    if (tail->source != TAIL_JOINED) {
        tail_pass_by(tail, position);
    } else if (is_before(tail->tip, position) && !tail_take(tail, passing)) {
        tail->source = TAIL_READS;
        tail->passed = position;
        tail_wake(tail);
    }
}

void tail_lost(cairn_tail_t *tail, int64_t lost)
{
    bool unknown = tail->lost < 0 || lost < 0;
    tail->lost = unknown ? -1 : tail->lost + lost;
}

/* ---- reading ---- */

static void end_read(cairn_tail_t *tail)
{
    tail->reader = NULL;
    feed_read_ends(tail->feed);
}

static void abandon_read(cairn_tail_t *tail)
{
    if (!tail->reader) return;
    reader_abandon(tail->reader);
    end_read(tail);
}

/* The next page: as large as promises to fill a quarter to a half of what may be buffered. */
static void adapt_page(cairn_tail_t *tail, const cairn_stream_page_t *page)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < page->count; i++) bytes += event_cost(&page->events[i]);
    if (bytes > tail->max_bytes / 2 && tail->page_size > 1) tail->page_size /= 2;
    if (page->more && bytes <= tail->max_bytes / 4 && tail->page_size < LARGEST_PAGE)
        tail->page_size *= 2;
}

/* The events of a page; false if it could not take all of them in. */
static bool take_events(cairn_tail_t *tail, const cairn_stream_page_t *page)
{
    for (size_t i = 0; i < page->count; i++) {
        if (tail->state != TAIL_OPEN) return false;
        if (!is_before(tail->tip, page->events[i].position)) continue;
        passing_event_t passing = {&page->events[i], {0, 0}, NULL};
        bool taken = tail_take(tail, &passing);
        passing_event_end(&passing);
        if (!taken) return false;
    }
    return true;
}

/* What was pushed once and is not there any more, or what the backend says. */
static void take_losses(cairn_tail_t *tail, const cairn_stream_page_t *page)
{
    bool gone = !is_zero(tail->passed) &&
                (page->count == 0 || is_before(tail->passed, page->events[0].position));
    tail->passed = (cairn_position_t){0, 0};
    if (page->lost != 0) {
        tail_lost(tail, page->lost);
    } else if (gone) {
        tail_lost(tail, -1);
    }
}

static void join(cairn_tail_t *tail, const cairn_stream_page_t *page)
{
    feed_t *feed = tail->feed;
    bool fresh = feed->state == FEED_UP && tail->epoch == feed->epoch;
    if (!fresh) return;
    if (!tail->has_joined) tail->before |= BEFORE_LIVE;
    bool joined = feed_join(feed, tail, page->last);
    if (!joined && (tail->before & BEFORE_LIVE)) {
        tail->before &= (uint8_t)~BEFORE_LIVE;
        return;
    }
    tail->has_joined = true; /* or was told so on the way */
    tail_wake(tail);
}

/* The stream ends before where the tail is: the server has lost what it held behind that, and gives
 * those positions again. One of another series it never gave, and is waited for. */
static void fall_back(cairn_tail_t *tail, cairn_position_t last)
{
    if (tail->tip.high != last.high || !is_before(last, tail->tip)) return;
    tail_lost(tail, -1);
    tail->tip = last;
    if (may_deliver(tail)) tell_before(tail, true); /* nothing may ever follow */
}

static void take_page(cairn_tail_t *tail, const cairn_stream_page_t *page)
{
    adapt_page(tail, page);
    take_losses(tail, page);
    if (page->count == 0 && !page->more) fall_back(tail, page->last);
    if (!take_events(tail, page)) return;
    if (page->more || tail->state != TAIL_OPEN || tail->source == TAIL_OVER) return;
    if (page->ended) {
        tail->source = TAIL_OVER;
        tail_wake(tail);
        return;
    }
    join(tail, page);
}

/* The position right before this one, whether an event has it or not. */
static cairn_position_t right_before(cairn_position_t at)
{
    if (at.low > 0) return (cairn_position_t){at.high, at.low - 1};
    return (cairn_position_t){at.high - 1, UINT64_MAX};
}

static void take_seek(cairn_tail_t *tail, const cairn_stream_page_t *page)
{
    bool found = true;
    if (tail->last == 0) {
        tail->tip = page->last;
    } else if (page->count > 0) {
        tail->tip = right_before(page->events[0].position);
        tail->last -= page->count < tail->last ? page->count : tail->last;
        tail->until = tail->tip;
        found = tail->last == 0 || !page->more;
    }
    if (!found) return;
    tail->position = tail->tip;
    tail->source = TAIL_READS;
}

static void read_on(cairn_tail_t *tail);

static void on_page(void *owner, int status, cairn_slice_t detail, const cairn_stream_page_t *page)
{
    cairn_tail_t *tail = owner;
    bool out_of_date = tail->read_again;
    tail->read_again = false;
    if (!core_is_open(tail->core)) {
        end_read(tail);
        return;
    }
    if (status < 0 && feed_error_passes(status)) {
        feed_retry(tail->feed);
    } else if (status < 0) {
        tail_fail(tail, status, detail);
    } else if (!out_of_date) {
        (tail->source == TAIL_SEEKS ? take_seek : take_page)(tail, page);
    }
    end_read(tail);
    read_on(tail);
}

static void start_read(cairn_tail_t *tail, const cairn_stream_read_args_t *args)
{
    int status;
    tail->reader = reader_start(tail->core, args, on_page, tail, &status);
    if (!tail->reader) {
        feed_retry(tail->feed);
        return;
    }
    tail->epoch = tail->feed->epoch;
    tail->feed_tip = tail->feed->tip;
    feed_read_begins(tail->feed);
}

static void seek(cairn_tail_t *tail)
{
    uint32_t most = tail->last < SEEK_PAGE ? (uint32_t)tail->last : SEEK_PAGE;
    cairn_stream_read_args_t args = {.size = sizeof args,
                                     .stream = tail->feed->shared.stream,
                                     .until = tail->until,
                                     .most = most > 0 ? most : 1,
                                     .newest = true};
    start_read(tail, &args);
}

static void read_history(cairn_tail_t *tail)
{
    const event_queue_t *queue = &tail->queue;
    if (queue->count > tail->max_events / 2 || queue->bytes > tail->max_bytes / 2) return;
    uint32_t room = tail->max_events - queue->count;
    if (room == 0) return;
    cairn_stream_read_args_t args = {.size = sizeof args,
                                     .stream = tail->feed->shared.stream,
                                     .after = tail->tip,
                                     .most = tail->page_size < room ? tail->page_size : room};
    start_read(tail, &args);
}

/* Reads, if that is what it needs and there is somewhere for it to go. */
static void read_on(cairn_tail_t *tail)
{
    if (tail->state != TAIL_OPEN || tail->reader || !tail->feed) return;
    if (!core_is_open(tail->core) || list_linked(&tail->feed->retry.link)) return;
    if (tail->source == TAIL_SEEKS) {
        seek(tail);
    } else if (tail->source == TAIL_READS && tail->feed->state == FEED_UP && may_deliver(tail) &&
               feed_may_read(tail->feed)) {
        read_history(tail);
    }
}

/* ---- the end ---- */

static void leave_feed(cairn_tail_t *tail)
{
    feed_t *feed = tail->feed;
    if (!feed) return;
    abandon_read(tail);
    tail->feed = NULL;
    list_remove(&tail->in_feed);
    feed_left(feed);
}

static void destroy(cairn_tail_t *tail)
{
    turn_undefer(&tail->task);
    deadlines_stop(&tail->core->deadlines, &tail->drain_deadline);
    leave_feed(tail);
    list_remove(&tail->in_core);
    event_queue_free(&tail->queue);
    tail->handle->tail = NULL;
    cairn_free(tail);
}

static void finish_close(cairn_tail_t *tail)
{
    cairn_stream_tail_t *handle = tail->handle;
    cairn_tail_drain_cb drain_cb = tail->drain_cb;
    cairn_tail_close_cb close_cb = tail->close_cb;
    int64_t left = tail->queue.count;
    destroy(tail);
    if (drain_cb) drain_cb(handle, left);
    if (close_cb) close_cb(handle);
}

static void run(cairn_task_t *task)
{
    cairn_tail_t *tail = CONTAINER_OF(task, cairn_tail_t, task);
    if (tail->state == TAIL_CLOSING) {
        finish_close(tail);
        return;
    }
    if (!core_is_open(tail->core)) return; /* tail_end follows, and tells what there is to tell */
    if (tail->resumed) {
        tail->resumed = false;
        if (tail->state == TAIL_OPEN) notify_plain(tail, CAIRN_TAIL_RESUMED);
    }
    deliver_queued(tail);
    if (tail->queue.count > 0 && may_deliver(tail)) tail_wake(tail);
    tell_before(tail, false);
    tell_end(tail);
    if (tail->state == TAIL_DRAINING && tail->queue.count == 0) {
        finish_close(tail);
        return;
    }
    if (tail->source == TAIL_OVER || tail->state == TAIL_TOLD) leave_feed(tail);
    read_on(tail);
}

void tail_end(cairn_tail_t *tail)
{
    cairn_stream_tail_t *handle = tail->handle;
    if (tail->state != TAIL_OPEN) {
        finish_close(tail);
        return;
    }
    destroy(tail);
    cairn_tail_notice_t notice = {CAIRN_TAIL_FAILED, UV_ECANCELED, 0, cairn_str("handle closed")};
    if (handle->on_notice) handle->on_notice(handle, &notice);
}

/* ---- from the feed ---- */

void tail_unjoin(cairn_tail_t *tail)
{
    if (tail->source == TAIL_JOINED) tail->source = TAIL_READS;
}

void tail_cleared(cairn_tail_t *tail)
{
    if (tail->state != TAIL_OPEN || tail->source == TAIL_OVER) return;
    tail->before |= BEFORE_CLEARED;
    tail->read_again = tail->reader != NULL;
    tail->passed = (cairn_position_t){0, 0};
    tail_wake(tail);
}

void tail_up(cairn_tail_t *tail)
{
    if (tail->missed_link) tail->resumed = true;
    tail->missed_link = false;
    tail_wake(tail);
}

void tail_down(cairn_tail_t *tail, int status, cairn_slice_t detail)
{
    if (tail->state != TAIL_OPEN || tail->source == TAIL_OVER) return;
    bool told = tail->resumed; /* and not yet that it came back */
    tail->resumed = false;
    tail->missed_link = true;
    if (!told) notify(tail, CAIRN_TAIL_DISCONNECTED, status, 0, detail);
}

void tail_detach(cairn_tail_t *tail)
{
    abandon_read(tail);
    tail->feed = NULL;
}

void tail_fail(cairn_tail_t *tail, int status, cairn_slice_t detail)
{
    if (tail->state == TAIL_DRAINING) tail_close(tail, NULL);
    if (tail->state != TAIL_OPEN) return;
    tail->state = TAIL_TOLD;
    tail_wake(tail);
    notify(tail, CAIRN_TAIL_FAILED, status, 0, detail);
}

/* ---- from the application ---- */

static void expire_drain(cairn_deadline_t *deadline)
{
    finish_close(CONTAINER_OF(deadline, cairn_tail_t, drain_deadline));
}

static cairn_tail_t *tail_new(cairn_core_t *core, cairn_stream_tail_t *handle,
                              const cairn_stream_tail_options_t *options,
                              cairn_stream_event_cb on_event)
{
    cairn_tail_t *tail = cairn_calloc(1, sizeof *tail);
    if (!tail) return NULL;
    tail->handle = handle;
    tail->core = core;
    tail->on_event = on_event;
    tail->task.run = run;
    tail->drain_deadline.expire = expire_drain;
    tail->started = !options->stopped;
    tail->metered = options->credit > 0;
    tail->credit = options->credit;
    tail->max_events = options->max_events ? options->max_events : DEFAULT_MAX_EVENTS;
    tail->max_bytes = options->max_bytes ? options->max_bytes : DEFAULT_MAX_BYTES;
    tail->page_size = FIRST_PAGE;
    bool seeks = options->from == CAIRN_FROM_NEW || options->from == CAIRN_FROM_LAST;
    tail->source = seeks ? TAIL_SEEKS : TAIL_READS;
    if (options->from == CAIRN_FROM_LAST) tail->last = options->last;
    if (options->from == CAIRN_FROM_AFTER) tail->tip = options->after;
    tail->position = tail->tip;
    return tail;
}

int tail_open(cairn_core_t *core, cairn_stream_tail_t *handle, cairn_slice_t stream,
              const cairn_stream_tail_options_t *options, cairn_stream_event_cb on_event)
{
    cairn_tail_t *tail = tail_new(core, handle, options, on_event);
    if (!tail) return UV_ENOMEM;
    int rc = feed_open(core, stream, &tail->feed);
    if (rc < 0) {
        cairn_free(tail);
        return rc;
    }
    list_push_back(&tail->feed->tails, &tail->in_feed);
    list_push_back(&core->tails, &tail->in_core);
    handle->tail = tail;
    read_on(tail);
    return 0;
}

void tail_stop(cairn_tail_t *tail)
{
    core_check_thread(tail->core);
    tail->started = false;
}

void tail_start(cairn_tail_t *tail)
{
    core_check_thread(tail->core);
    tail->started = true;
    tail_wake(tail);
}

void tail_credit(cairn_tail_t *tail, uint32_t events)
{
    core_check_thread(tail->core);
    if (!tail->metered) return;
    tail->credit = events < UINT32_MAX - tail->credit ? tail->credit + events : UINT32_MAX;
    tail_wake(tail);
}

void tail_close(cairn_tail_t *tail, cairn_tail_close_cb close_cb)
{
    core_check_thread(tail->core);
    if (tail->state == TAIL_CLOSING) return;
    tail->state = TAIL_CLOSING;
    tail->close_cb = close_cb;
    tail_wake(tail);
}

int tail_drain(cairn_tail_t *tail, uint32_t timeout_ms, cairn_tail_drain_cb drain_cb)
{
    core_check_thread(tail->core);
    if (tail->state != TAIL_OPEN) return UV_EALREADY;
    tail->state = TAIL_DRAINING;
    tail->drain_cb = drain_cb;
    deadlines_start(&tail->core->deadlines, &tail->drain_deadline, timeout_ms);
    tail_wake(tail);
    return 0;
}
