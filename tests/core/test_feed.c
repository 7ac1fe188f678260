/* What a feed asks of its backend, and what its tails are told when links are lost and found. */
#include "stage.h"
#include "tail.h"

#include <cairn/stream.h>

#define RUN cairn_str("run")

/* ---- streams for the puppet ---- */

static cairn_feed_t *feed;
static cairn_stream_read_t *reads[PUPPET_HELD_MOST];
static cairn_stream_read_args_t asked[PUPPET_HELD_MOST];
static size_t read_count;

static int take_read(void *self, cairn_stream_read_t *req, const cairn_stream_read_args_t *args)
{
    (void)self;
    journal_add(&stage.journal, "read %s%llu", args->newest ? "newest " : "after ",
                (unsigned long long)(args->newest ? args->most : args->after.low));
    reads[read_count] = req;
    asked[read_count++] = *args;
    return 0;
}

static int take_feed_open(void *self, cairn_feed_t *opened)
{
    (void)self;
    journal_add(&stage.journal, "feed_open %.*s", (int)opened->stream.len, opened->stream.ptr);
    feed = opened;
    return 0;
}

static void take_feed_close(void *self, cairn_feed_t *closed)
{
    (void)self;
    journal_add(&stage.journal, "feed_close");
    puppet_api()->feeds->feed_closed(puppet.host, closed);
    feed = NULL;
}

static void forget(void *self, cairn_req_t *req)
{
    (void)self;
    journal_add(&stage.journal, "forget");
    for (size_t i = 0; i < read_count; i++) {
        if (&reads[i]->req != req) continue;
        read_count--;
        memmove(&reads[i], &reads[i + 1], (read_count - i) * sizeof *reads);
    }
}

static const cairn_stream_ops_t ops = {.size = sizeof(cairn_stream_ops_t),
                                       .read = take_read,
                                       .feed_open = take_feed_open,
                                       .feed_close = take_feed_close};
static cairn_backend_t backend;

/* ---- what the puppet says ---- */

static void up(void)
{
    puppet_api()->feeds->feed_up(puppet.host, feed);
}

static void down(void)
{
    puppet_api()->feeds->feeds_down(puppet.host, UV_ECONNRESET, cairn_str("lost"));
}

static cairn_stream_event_t event_at(uint64_t low)
{
    return (cairn_stream_event_t){.position = {1, low}, .event = cairn_str("m")};
}

static void push(uint64_t previous, uint64_t low)
{
    cairn_stream_event_t event = event_at(low);
    cairn_position_t before = {previous ? 1 : 0, previous};
    puppet_api()->feeds->feed_event(puppet.host, feed, before, &event);
}

static cairn_stream_read_t *take_out(size_t at)
{
    cairn_stream_read_t *req = reads[at];
    read_count--;
    memmove(&reads[at], &reads[at + 1], (read_count - at) * sizeof *reads);
    return req;
}

/* Answers a read, counted from the oldest, with the events from ... to of a stream that ends with
 * `last`. */
static void answer_at(size_t at, uint64_t from, uint64_t to, uint64_t last)
{
    cairn_stream_event_t events[16];
    cairn_stream_page_t page = {.events = events, .more = to < last};
    for (uint64_t low = from; low <= to; low++) events[page.count++] = event_at(low);
    if (last > 0) page.last = (cairn_position_t){1, last};
    puppet_api()->stream->read_done(take_out(at), &page);
}

static void answer(uint64_t from, uint64_t to, uint64_t last)
{
    answer_at(0, from, to, last);
}

static void refuse_read(int status)
{
    (puppet_api()->fail)(&take_out(0)->req, status, cairn_str("because"));
}

/* ---- those who follow ---- */

static cairn_streams_t streams;

typedef struct one {
    cairn_stream_tail_t tail;
    const char *name;
} one_t;

static void on_event(cairn_stream_tail_t *tail, const cairn_stream_event_t *event)
{
    const one_t *one = tail->data;
    journal_add(&stage.journal, "%s: %llu", one->name, (unsigned long long)event->position.low);
}

static void on_notice(cairn_stream_tail_t *tail, const cairn_tail_notice_t *notice)
{
    static const char *const words[] = {"",    "live",    "disconnected", "resumed",
                                        "gap", "cleared", "ended",        "failed"};
    const one_t *one = tail->data;
    journal_add(&stage.journal, "%s %s", one->name, words[notice->type]);
}

static void follow(one_t *one, const char *name, cairn_tail_from_t from)
{
    cairn_stream_tail_options_t options = {.from = from};
    one->name = name;
    one->tail.data = one;
    one->tail.on_notice = on_notice;
    assert_status(cairn_stream_tail_open(&streams, &one->tail, RUN, &options, on_event), 0);
}

static int begin(void **state)
{
    int rc = stage_begin(state);
    backend = puppet_backend;
    backend.capabilities = CAIRN_CAP_STREAMS;
    backend.stream = &ops;
    backend.forget = forget;
    stage.backends[0] = &backend;
    feed = NULL;
    read_count = 0;
    if (rc == 0) rc = cairn_streams_init(&streams, &stage.cairn, NULL);
    return rc;
}

static void ready(void)
{
    stage_open();
    puppet_api()->connected(puppet.host, CAIRN_CAP_STREAMS, "puppet 1.0");
    stage_forget();
}

/* `count` tails that have joined behind event 2. */
static void joined(one_t *tails, size_t count)
{
    static const char *const names[] = {"a", "b", "c"};
    ready();
    for (size_t i = 0; i < count; i++) follow(&tails[i], names[i], CAIRN_FROM_ALL);
    up();
    loop_turns(&stage.loop, 2);
    while (read_count > 0) answer(1, 2, 2);
    loop_turns(&stage.loop, 2);
    stage_forget();
}

/* ---- tests ---- */

static void a_tail_reads_its_history_once_and_from_then_on_nothing(void **state)
{
    (void)state;
    static one_t a;
    memset(&a, 0, sizeof a);
    ready();
    follow(&a, "a", CAIRN_FROM_ALL);
    assert_said("feed_open run");
    up();
    assert_said("feed_open run", "read after 0");
    answer(1, 2, 2);
    assert_said("feed_open run", "read after 0", "a: 1", "a: 2", "a live");
    stage_forget();
    push(2, 3);
    push(3, 4);
    assert_said("a: 3", "a: 4");
    stage_forget();
    loop_turns(&stage.loop, 4);
    advance(100000);
    assert_silence();
}

/* [joined] */
static void what_is_pushed_while_a_read_is_under_way_is_joined_to_it(void **state)
{
    (void)state;
    static one_t a;
    memset(&a, 0, sizeof a);
    ready();
    follow(&a, "a", CAIRN_FROM_ALL);
    up();
    assert_said("feed_open run", "read after 0");
    stage_forget();
    push(1, 2);
    push(2, 3);
    push(3, 4);
    assert_silence();
    answer(1, 2, 2);
    assert_said("a: 1", "a: 2", "a live", "a: 3", "a: 4");
}
/* [joined] end */

static void a_missed_push_is_repaired_by_one_read_for_all(void **state)
{
    (void)state;
    static one_t tails[3];
    memset(tails, 0, sizeof tails);
    joined(tails, 3);
    push(4, 5);
    assert_said("read after 2");
    push(5, 6);
    answer(3, 5, 5);
    assert_said("read after 2", "a: 3", "b: 3", "c: 3", "a: 4", "b: 4", "c: 4", "a: 5", "b: 5",
                "c: 5", "a: 6", "b: 6", "c: 6");
}

static void a_repeated_push_is_passed_over(void **state)
{
    (void)state;
    static one_t a;
    memset(&a, 0, sizeof a);
    joined(&a, 1);
    push(1, 2);
    push(0, 1);
    push(2, 3);
    push(2, 3);
    assert_said("a: 3");
    stage_forget();
    assert_silence();
}

static void a_link_that_is_back_costs_one_read_and_misses_nothing(void **state)
{
    (void)state;
    static one_t tails[2];
    memset(tails, 0, sizeof tails);
    joined(tails, 2);
    down();
    assert_said("a disconnected", "b disconnected");
    push(2, 3);
    up();
    assert_said("a disconnected", "b disconnected", "read after 2", "a resumed", "b resumed");
    stage_forget();
    answer(3, 4, 4);
    push(4, 5);
    assert_said("a: 3", "b: 3", "a: 4", "b: 4", "a: 5", "b: 5");
}

static void one_may_be_down_alone(void **state)
{
    (void)state;
    static one_t a;
    memset(&a, 0, sizeof a);
    joined(&a, 1);
    puppet_api()->feeds->feed_down(puppet.host, feed, UV_ECONNRESET, cairn_str("lost"));
    assert_said("a disconnected");
    puppet_api()->feeds->feed_down(puppet.host, feed, UV_ECONNRESET, cairn_str("lost"));
    push(2, 3);
    up();
    assert_said("a disconnected", "read after 2", "a resumed");
    stage_forget();
    answer(3, 3, 3);
    assert_said("a: 3");
}

static void what_was_asked_before_the_link_was_back_does_not_join(void **state)
{
    (void)state;
    static one_t a;
    memset(&a, 0, sizeof a);
    ready();
    follow(&a, "a", CAIRN_FROM_ALL);
    up();
    assert_said("feed_open run", "read after 0");
    down();
    up();
    stage_forget();
    loop_turns(&stage.loop, 2);
    stage_forget();
    answer(1, 2, 2);
    assert_said("a: 1", "a: 2", "read after 2");
    answer(3, 3, 3);
    assert_said("a: 1", "a: 2", "read after 2", "a: 3", "a live");
}

static void a_read_that_failed_is_tried_again_a_little_later(void **state)
{
    (void)state;
    static one_t a;
    memset(&a, 0, sizeof a);
    ready();
    follow(&a, "a", CAIRN_FROM_ALL);
    up();
    assert_said("feed_open run", "read after 0");
    stage_forget();
    refuse_read(CAIRN_ELOADING);
    assert_silence();
    advance(100);
    assert_said("read after 0");
    stage_forget();
    answer(1, 1, 1);
    assert_said("a: 1", "a live");
}

static void a_read_that_is_denied_fails_the_tail(void **state)
{
    (void)state;
    static one_t a;
    memset(&a, 0, sizeof a);
    joined(&a, 1);
    push(4, 5);
    assert_said("read after 2");
    refuse_read(CAIRN_EDENIED);
    assert_said("read after 2", "read after 2");
    refuse_read(CAIRN_EDENIED);
    assert_said("read after 2", "read after 2", "a failed", "feed_close");
}

static void a_feed_that_is_refused_fails_its_tails(void **state)
{
    (void)state;
    static one_t tails[2];
    memset(tails, 0, sizeof tails);
    joined(tails, 2);
    puppet_api()->feeds->feed_failed(puppet.host, feed, CAIRN_EDENIED, cairn_str("no"));
    assert_said("a failed", "b failed");
}

static void the_last_who_leaves_closes_the_feed(void **state)
{
    (void)state;
    static one_t tails[2];
    memset(tails, 0, sizeof tails);
    joined(tails, 2);
    cairn_stream_tail_close(&tails[0].tail, NULL);
    loop_turns(&stage.loop, 2);
    assert_silence();
    cairn_stream_tail_close(&tails[1].tail, NULL);
    assert_said("feed_close");
}

static void a_clear_begins_anew(void **state)
{
    (void)state;
    static one_t a;
    memset(&a, 0, sizeof a);
    joined(&a, 1);
    puppet_api()->feeds->feed_cleared(puppet.host, feed);
    push(0, 7);
    push(7, 8);
    assert_said("a cleared", "a: 7", "a: 8");
}

static void a_repair_that_fails_in_the_middle_leaves_no_hole_for_who_was_reading(void **state)
{
    (void)state;
    static one_t a, b;
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    joined(&a, 1);
    follow(&b, "b", CAIRN_FROM_ALL);
    loop_turns(&stage.loop, 2);
    push(3, 4);
    assert_said("read after 0", "read after 2");
    stage_forget();
    push(4, 5);
    answer_at(1, 3, 3, 5);
    assert_said("a: 3", "read after 3");
    stage_forget();
    (puppet_api()->fail)(&take_out(1)->req, CAIRN_ELOADING, cairn_str("later"));
    answer_at(0, 1, 4, 4); /* carried out before 5 was appended */
    assert_said("b: 1", "b: 2", "b: 3", "b: 4");
    stage_forget();
    advance(100);
    assert_said("read after 3", "read after 4");
    stage_forget();
    answer(4, 5, 5);
    answer(5, 5, 5);
    assert_said("a: 4", "a: 5", "b: 5", "b live");
}

static void what_was_read_before_a_clear_is_not_told_behind_it(void **state)
{
    (void)state;
    static one_t a;
    memset(&a, 0, sizeof a);
    ready();
    follow(&a, "a", CAIRN_FROM_ALL);
    up();
    assert_said("feed_open run", "read after 0");
    stage_forget();
    puppet_api()->feeds->feed_cleared(puppet.host, feed);
    assert_said("a cleared");
    answer(1, 2, 2);
    assert_said("a cleared", "read after 0");
    answer(7, 7, 7);
    assert_said("a cleared", "read after 0", "a: 7", "a live");
}

static void on_cancel(cairn_stream_watch_t *watch, int status, const cairn_stream_event_t *event)
{
    (void)watch;
    journal_add(&stage.journal, "watch %s", event ? "cancelled" : cairn_err_name(status));
}

static void a_watch_looks_at_the_end_whenever_its_feed_comes_up(void **state)
{
    (void)state;
    static cairn_stream_watch_t watch;
    memset(&watch, 0, sizeof watch);
    ready();
    assert_status(cairn_stream_watch_open(&streams, &watch, RUN, on_cancel), 0);
    for (int i = 0; i < 2; i++) {
        up();
        assert_said("feed_open run", "read newest 1");
        answer(2, 2, 2);
        push(2, 3);
        down();
        stage_forget();
        journal_add(&stage.journal, "feed_open run");
    }
    up();
    assert_said("feed_open run", "read newest 1");
    cairn_stream_event_t cancel = {.position = {1, 4}, .event = cairn_str(CAIRN_STREAM_CANCEL)};
    cairn_stream_page_t page = {.events = &cancel, .count = 1, .ended = true};
    puppet_api()->stream->read_done(take_out(0), &page);
    assert_said("feed_open run", "read newest 1", "watch cancelled", "feed_close");
}

static void a_watch_whose_feed_is_refused_will_never_know(void **state)
{
    (void)state;
    static cairn_stream_watch_t watch;
    memset(&watch, 0, sizeof watch);
    ready();
    assert_status(cairn_stream_watch_open(&streams, &watch, RUN, on_cancel), 0);
    puppet_api()->feeds->feed_failed(puppet.host, feed, CAIRN_EDENIED, cairn_str("no"));
    assert_said("feed_open run", "watch CAIRN_EDENIED");
}

static void an_idle_tail_with_a_feed_of_its_own_is_small(void **state)
{
    (void)state;
    assert_in_range(sizeof(cairn_tail_t) + sizeof(feed_t), 1, 640);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, stage_end)
        TEST(a_tail_reads_its_history_once_and_from_then_on_nothing),
        TEST(what_is_pushed_while_a_read_is_under_way_is_joined_to_it),
        TEST(a_missed_push_is_repaired_by_one_read_for_all),
        TEST(a_repeated_push_is_passed_over),
        TEST(a_link_that_is_back_costs_one_read_and_misses_nothing),
        TEST(one_may_be_down_alone),
        TEST(what_was_asked_before_the_link_was_back_does_not_join),
        TEST(a_read_that_failed_is_tried_again_a_little_later),
        TEST(a_read_that_is_denied_fails_the_tail),
        TEST(a_feed_that_is_refused_fails_its_tails),
        TEST(the_last_who_leaves_closes_the_feed),
        TEST(a_clear_begins_anew),
        TEST(a_repair_that_fails_in_the_middle_leaves_no_hole_for_who_was_reading),
        TEST(what_was_read_before_a_clear_is_not_told_behind_it),
        TEST(a_watch_looks_at_the_end_whenever_its_feed_comes_up),
        TEST(a_watch_whose_feed_is_refused_will_never_know),
        TEST(an_idle_tail_with_a_feed_of_its_own_is_small),
    };
    return cmocka_run_group_tests_name("feeds", tests, NULL, NULL);
}
