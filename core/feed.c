/* The sequence of a feed.
 *
 *     not synced --- a tail has read to the end ---> synced <--- missing events are read ---
 * repairing |                                         ^
 *                                                      +--- gap, or the link was lost -----------+
 *
 * Every event that is pushed names its predecessor. As long as that is the feed's tip, it is passed
 * on to the tails that have joined. If not, one read behind the tip, for all of them together,
 * brings what is missing. Tails that have not joined read by themselves.
 *
 * While a read is in flight, what is pushed is kept in `recent`; what the read tells and what is
 * kept overlap or touch, and are joined by position and predecessor. A kept event that fits to
 * nothing is a gap like any other. */
#include "feed.h"

#include "interfaces.h"
#include "list.h"

#define RECENT_MOST 256u
#define RECENT_MOST_BYTES (256u << 10)
#define REPAIR_PAGE 256u
#define RETRY_MS 100u

static const cairn_position_t beginning = {0, 0};

static bool is_before(cairn_position_t a, cairn_position_t b)
{
    return cairn_position_cmp(a, b) < 0;
}

static cairn_tail_t *tail_at(cairn_link_t *at)
{
    return CONTAINER_OF(at, cairn_tail_t, in_feed);
}

static bool has_joined(const feed_t *feed)
{
    for (cairn_link_t *at = feed->tails.next; at != &feed->tails; at = at->next)
        if (tail_at(at)->source == TAIL_JOINED) return true;
    return false;
}

static void wake_all(feed_t *feed)
{
    for (cairn_link_t *at = feed->tails.next; at != &feed->tails; at = at->next)
        tail_wake(tail_at(at));
    for (cairn_link_t *at = feed->watches.next; at != &feed->watches; at = at->next)
        watch_wake(CONTAINER_OF(at, cairn_watch_t, in_feed));
}

/* ---- reads ---- */

static void repair(feed_t *feed);

static void expire_retry(cairn_deadline_t *deadline)
{
    feed_t *feed = CONTAINER_OF(deadline, feed_t, retry);
    if (feed->repairing && !feed->repair) repair(feed);
    wake_all(feed);
}

void feed_retry(feed_t *feed)
{
    if (list_linked(&feed->retry.link)) return;
    feed->retry.expire = expire_retry;
    deadlines_start(&feed->core->deadlines, &feed->retry, RETRY_MS);
}

bool feed_may_read(const feed_t *feed)
{
    return !feed->repairing && !list_linked(&feed->retry.link);
}

bool feed_error_passes(int status)
{
    switch (status) {
    case UV_EINVAL:
    case UV_ENOTSUP:
    case CAIRN_EPROTOCOL:
    case CAIRN_ESERVER:
    case CAIRN_EAUTH:
    case CAIRN_EDENIED:
    case CAIRN_ETOOBIG:
        return false;
    default:
        return true;
    }
}

void feed_read_begins(feed_t *feed)
{
    feed->reading++;
}

void feed_read_ends(feed_t *feed)
{
    if (--feed->reading == 0) event_queue_free(&feed->recent);
}

static void drop_oldest_recent(feed_t *feed)
{
    shared_event_release(event_queue_take(&feed->recent));
}

static void keep_recent(feed_t *feed, passing_event_t *passing)
{
    if (feed->reading == 0) return;
    event_queue_t *recent = &feed->recent;
    if (event_queue_push(recent, passing, 0, 0) < 0) feed->epoch++;
    while (recent->count > RECENT_MOST || recent->bytes > RECENT_MOST_BYTES)
        drop_oldest_recent(feed);
}

/* ---- passing on ---- */

/* An event that follows the tip. A callback may add tails at the end, which it is not for; leaving
 * is deferred. */
static void pass_on(feed_t *feed, passing_event_t *passing)
{
    feed->tip = passing->event->position;
    const cairn_link_t *last = feed->tails.prev;
    for (cairn_link_t *at = &feed->tails; at != last;) {
        at = at->next;
        tail_offer(tail_at(at), passing);
    }
}

static void begin_repair(feed_t *feed)
{
    if (!has_joined(feed)) {
        feed->synced = false;
        return;
    }
    feed->repairing = true;
    repair(feed);
}

/* Passes on what was kept and follows the tip. */
static void pass_on_recent(feed_t *feed)
{
    for (uint32_t i = 0; i < feed->recent.count; i++) {
        shared_event_t *shared = event_queue_at(&feed->recent, i)->shared;
        if (!is_before(feed->tip, shared->event.position)) continue;
        if (cairn_position_cmp(shared->previous, feed->tip) != 0) {
            begin_repair(feed);
            return;
        }
        shared->users++;
        passing_event_t passing = {&shared->event, shared->previous, shared};
        pass_on(feed, &passing);
        passing_event_end(&passing);
    }
}

/* ---- repair ---- */

static void stop_repair(feed_t *feed)
{
    feed->repairing = false;
    if (!feed->repair) return;
    reader_abandon(feed->repair);
    feed->repair = NULL;
    feed_read_ends(feed);
}

/* Everybody goes on by himself. */
static void give_up_sync(feed_t *feed)
{
    feed->synced = false;
    for (cairn_link_t *at = feed->tails.next; at != &feed->tails; at = at->next)
        tail_unjoin(tail_at(at));
    wake_all(feed);
}

static void pass_on_page(feed_t *feed, const cairn_stream_page_t *page)
{
    if (page->lost != 0) {
        for (cairn_link_t *at = feed->tails.next; at != &feed->tails; at = at->next)
            if (tail_at(at)->source == TAIL_JOINED) tail_lost(tail_at(at), page->lost);
    }
    for (size_t i = 0; i < page->count; i++) {
        passing_event_t passing = {&page->events[i], feed->tip, NULL};
        pass_on(feed, &passing);
        passing_event_end(&passing);
    }
}

/* The server has lost what the stream held behind `last`, as a replica that is made master before
 * it had everything: those positions are given again. */
static void fall_back(feed_t *feed, cairn_position_t last)
{
    for (cairn_link_t *at = feed->tails.next; at != &feed->tails; at = at->next) {
        cairn_tail_t *tail = tail_at(at);
        if (tail->source != TAIL_JOINED || !is_before(last, tail->tip)) continue;
        tail_lost(tail, -1);
        tail->tip = last;
    }
}

/* Nothing is missing up to `last`. */
static void end_repair(feed_t *feed, cairn_position_t last)
{
    const bool is_there = last.high != 0 || last.low != 0;
    if (is_there && is_before(last, feed->tip)) fall_back(feed, last);
    feed->repairing = false;
    feed->tip = last;
    pass_on_recent(feed);
    if (!feed->repairing) wake_all(feed);
}

static void fail_repair(feed_t *feed, int status)
{
    feed->repairing = false;
    if (feed_error_passes(status)) feed_retry(feed);
    give_up_sync(feed);
}

static void on_repair_page(void *owner, int status, cairn_slice_t detail,
                           const cairn_stream_page_t *page)
{
    (void)detail; /* tails that are refused too tell it */
    feed_t *feed = owner;
    feed->repair = NULL;
    if (!core_is_open(feed->core)) {
        feed->repairing = false;
    } else if (status < 0) {
        fail_repair(feed, status);
    } else {
        pass_on_page(feed, page);
        bool fresh = feed->state == FEED_UP && feed->repair_epoch == feed->epoch;
        if (page->more || !fresh) {
            repair(feed);
        } else {
            end_repair(feed, page->last);
        }
    }
    feed_read_ends(feed);
}

/* Reads on behind the tip. What was kept so far is in what is read now, or gone for good. Waits for
 * the link or for better times, if need be: then it is called again. */
static void repair(feed_t *feed)
{
    if (feed->repair || feed->state != FEED_UP || list_linked(&feed->retry.link)) return;
    if (!core_is_open(feed->core)) return;
    if (feed->recent.count > 0) feed->epoch++;
    event_queue_free(&feed->recent);
    cairn_stream_read_args_t args = {.size = sizeof args,
                                     .stream = feed->shared.stream,
                                     .after = feed->tip,
                                     .most = REPAIR_PAGE};
    int status;
    feed->repair = reader_start(feed->core, &args, on_repair_page, feed, &status);
    if (!feed->repair) {
        feed_retry(feed);
        return;
    }
    feed->repair_epoch = feed->epoch;
    feed_read_begins(feed);
}

/* ---- joining ---- */

/* Whether what was kept goes on behind `at` up to the tip. */
static bool reaches_tip(const feed_t *feed, cairn_position_t at)
{
    for (uint32_t i = 0; i < feed->recent.count; i++) {
        const shared_event_t *shared = event_queue_at(&feed->recent, i)->shared;
        if (!is_before(at, shared->event.position)) continue;
        if (cairn_position_cmp(shared->previous, at) != 0) return false;
        at = shared->event.position;
    }
    return cairn_position_cmp(at, feed->tip) == 0;
}

static bool catch_up(feed_t *feed, cairn_tail_t *tail, cairn_position_t last)
{
    if (!reaches_tip(feed, last)) return false;
    for (uint32_t i = 0; i < feed->recent.count; i++) {
        shared_event_t *shared = event_queue_at(&feed->recent, i)->shared;
        if (!is_before(tail->tip, shared->event.position)) continue;
        shared->users++;
        passing_event_t passing = {&shared->event, shared->previous, shared};
        bool taken = tail_take(tail, &passing);
        passing_event_end(&passing);
        if (!taken) return false;
    }
    return true;
}

bool feed_join(feed_t *feed, cairn_tail_t *tail, cairn_position_t last)
{
    if (feed->repairing) return false;
    if (!feed->synced) {
        feed->synced = true;
        feed->tip = last;
        tail->source = TAIL_JOINED;
        pass_on_recent(feed);
        return true;
    }
    /* The read is younger than the tip, and ends before it: the stream has begun anew. */
    bool gone = is_before(last, feed->tip) && cairn_position_cmp(tail->feed_tip, feed->tip) == 0;
    if (gone) feed->tip = last;
    if (is_before(last, feed->tip) && !catch_up(feed, tail, last)) return false;
    if (tail->source == TAIL_READS) tail->source = TAIL_JOINED;
    return true;
}

/* ---- opening and closing ---- */

int feed_open(cairn_core_t *core, cairn_slice_t stream, feed_t **out)
{
    feed_t *feed = feeds_find(&core->feeds, stream);
    bool is_new = !feed;
    if (is_new) feed = feeds_add(&core->feeds, stream);
    if (!feed) return UV_ENOMEM;
    *out = feed;
    if (!is_new && feed->state != FEED_CLOSING) return 0;

    feed->core = core;
    feed->state = FEED_OPENING;
    int rc = core->backend->stream->feed_open(core->self, &feed->shared);
    if (rc == 0) return 0;
    if (is_new) {
        feeds_remove(&core->feeds, feed);
    } else {
        feed->state = FEED_CLOSING;
    }
    return rc;
}

/* What it has going on by itself. */
static void settle(feed_t *feed)
{
    stop_repair(feed);
    deadlines_stop(&feed->core->deadlines, &feed->retry);
    event_queue_free(&feed->recent);
    feed->synced = false;
}

void feed_left(feed_t *feed)
{
    if (!list_empty(&feed->tails) || !list_empty(&feed->watches)) return;
    settle(feed);
    feed->state = FEED_CLOSING;
    feed->core->backend->stream->feed_close(feed->core->self, &feed->shared);
}

/* ---- the ways up from a backend ---- */

static feed_t *feed_of(cairn_feed_t *shared)
{
    return CONTAINER_OF(shared, feed_t, shared);
}

static cairn_feed_t *feed_find(const struct cairn_host *host, cairn_slice_t stream)
{
    feed_t *feed = feeds_find(&core_of(host)->feeds, stream);
    return feed ? &feed->shared : NULL;
}

static cairn_feed_t *feed_next(const struct cairn_host *host, const cairn_feed_t *previous)
{
    const cairn_link_t *all = &core_of(host)->feeds.names.all;
    const cairn_link_t *at =
        previous ? ((const feed_t *)(const void *)previous)->in_names.all.next : all->next;
    return at == all ? NULL : &CONTAINER_OF(at, feed_t, in_names.all)->shared;
}

static void feed_up(const struct cairn_host *host, cairn_feed_t *shared)
{
    (void)host;
    feed_t *feed = feed_of(shared);
    if (feed->state == FEED_CLOSING) return;
    feed->state = FEED_UP;
    feed->epoch++;
    if (feed->repairing) {
        repair(feed);
    } else if (feed->synced) {
        begin_repair(feed);
    }
    for (cairn_link_t *at = feed->tails.next; at != &feed->tails; at = at->next)
        tail_up(tail_at(at));
    for (cairn_link_t *at = feed->watches.next; at != &feed->watches; at = at->next)
        watch_up(CONTAINER_OF(at, cairn_watch_t, in_feed));
}

static void tell_watches(feed_t *feed, const cairn_stream_event_t *event)
{
    if (!cairn_slice_eq(event->event, cairn_str(CAIRN_STREAM_CANCEL))) return;
    const cairn_link_t *last = feed->watches.prev;
    for (cairn_link_t *at = &feed->watches; at != last;) {
        at = at->next;
        watch_event(CONTAINER_OF(at, cairn_watch_t, in_feed), event);
    }
}

static void feed_event(const struct cairn_host *host, cairn_feed_t *shared,
                       cairn_position_t previous, const cairn_stream_event_t *event)
{
    feed_t *feed = feed_of(shared);
    if (feed->state != FEED_UP || !core_is_open(core_of(host))) return;
    passing_event_t passing = {event, previous, NULL};
    tell_watches(feed, event);
    bool follows = feed->synced && !feed->repairing;
    if (!follows) {
        for (cairn_link_t *at = feed->tails.next; at != &feed->tails; at = at->next)
            tail_pass_by(tail_at(at), event->position);
    } else if (is_before(feed->tip, event->position)) {
        if (cairn_position_cmp(previous, feed->tip) == 0) {
            pass_on(feed, &passing);
        } else {
            begin_repair(feed);
        }
    }
    keep_recent(feed, &passing);
    passing_event_end(&passing);
}

static void feed_cleared(const struct cairn_host *host, cairn_feed_t *shared)
{
    feed_t *feed = feed_of(shared);
    if (feed->state != FEED_UP || !core_is_open(core_of(host))) return;
    stop_repair(feed);
    event_queue_free(&feed->recent);
    feed->epoch++;
    feed->tip = beginning;
    for (cairn_link_t *at = feed->tails.next; at != &feed->tails; at = at->next)
        tail_cleared(tail_at(at));
}

static void feed_failed(const struct cairn_host *host, cairn_feed_t *shared, int status,
                        cairn_slice_t detail)
{
    feed_t *feed = feed_of(shared);
    cairn_link_t tails, watches;
    list_init(&tails);
    list_init(&watches);
    list_splice_back(&tails, &feed->tails);
    list_splice_back(&watches, &feed->watches);
    for (cairn_link_t *at = tails.next; at != &tails; at = at->next) tail_detach(tail_at(at));
    for (cairn_link_t *at = watches.next; at != &watches; at = at->next)
        watch_detach(CONTAINER_OF(at, cairn_watch_t, in_feed));
    /* Gone before anybody hears of it: who opens then asks the server again. */
    settle(feed);
    feeds_remove(&core_of(host)->feeds, feed);
    while (!list_empty(&tails)) {
        cairn_tail_t *tail = tail_at(tails.next);
        list_remove(&tail->in_feed);
        tail_fail(tail, status, detail);
    }
    while (!list_empty(&watches)) {
        cairn_watch_t *watch = CONTAINER_OF(watches.next, cairn_watch_t, in_feed);
        list_remove(&watch->in_feed);
        watch_fail(watch, status, detail);
    }
}

static void go_down(feed_t *feed, int status, cairn_slice_t detail)
{
    if (feed->state != FEED_UP) return;
    feed->state = FEED_DOWN;
    for (cairn_link_t *in = feed->tails.next; in != &feed->tails; in = in->next)
        tail_down(tail_at(in), status, detail);
}

static void feeds_down(const struct cairn_host *host, int status, cairn_slice_t detail)
{
    const cairn_link_t *all = &core_of(host)->feeds.names.all;
    for (cairn_link_t *at = all->next; at != all; at = at->next)
        go_down(CONTAINER_OF(at, feed_t, in_names.all), status, detail);
}

static void feed_down(const struct cairn_host *host, cairn_feed_t *shared, int status,
                      cairn_slice_t detail)
{
    (void)host;
    go_down(feed_of(shared), status, detail);
}

static void feed_closed(const struct cairn_host *host, cairn_feed_t *shared)
{
    feed_t *feed = feed_of(shared);
    if (feed->state == FEED_CLOSING) feeds_remove(&core_of(host)->feeds, feed);
}

const cairn_feed_done_t core_feed_done = {
    .size = sizeof(cairn_feed_done_t),
    .feed_next = feed_next,
    .feed_find = feed_find,
    .feed_up = feed_up,
    .feed_event = feed_event,
    .feed_cleared = feed_cleared,
    .feed_failed = feed_failed,
    .feeds_down = feeds_down,
    .feed_closed = feed_closed,
    .feed_down = feed_down,
};
