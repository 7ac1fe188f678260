/* Every allocation of a stream's life fails once, and everything after it: over Redis. Whatever a
 * submit accepted ends once, what it gives is whole, a tail sees events in order, and nothing is
 * left behind. */
#include "alloc_life.h"
#include "check.h"
#include "loop.h"

#include <cairn/group.h>
#include <stdio.h>

#define EVENTS 4

/* ---- one life ---- */

typedef struct life {
    cairn_streams_t streams;
    cairn_stream_tail_t tail;
    cairn_stream_watch_t watch;
    cairn_stream_append_t append, end;
    cairn_stream_read_t read, behind;
    cairn_stream_count_t copy, length, clear;
    cairn_stream_info_t info;
    cairn_stream_ttl_t ttl;
    cairn_group_change_t create;
    cairn_group_read_t wait, claim;
    cairn_group_info_t group;
    int seen; /* by the tail */
    bool tailing, tail_over;
} life_t;

static life_t it;

static void check_event(const cairn_stream_event_t *event)
{
    static const char *const data[] = {"a", "b", "c", ""};
    bool known = false;
    for (int i = 0; i < EVENTS; i++) known |= cairn_slice_eq(event->data.bytes, cairn_str(data[i]));
    alloc_life_expect(known, "an event is not whole");
}

static void on_appended(cairn_stream_append_t *req, int status,
                        const cairn_stream_appended_t *appended)
{
    (void)req;
    if (alloc_life_ends(status)) alloc_life_expect(appended->count > 0, "nothing was appended");
}

static void on_page(cairn_stream_read_t *req, int status, const cairn_stream_page_t *page)
{
    (void)req;
    if (!alloc_life_ends(status)) return;
    for (size_t i = 0; i < page->count; i++) check_event(&page->events[i]);
}

static void on_count(cairn_stream_count_t *req, int status, uint64_t events)
{
    (void)req;
    if (alloc_life_ends(status)) alloc_life_expect(events <= EVENTS, "there are too many events");
}

static void on_info(cairn_stream_info_t *req, int status, const cairn_stream_facts_t *facts)
{
    (void)req;
    if (alloc_life_ends(status) && facts)
        alloc_life_expect(facts->length <= EVENTS, "the facts are not whole");
}

static void on_ttl(cairn_stream_ttl_t *req, int status, int64_t ttl_ms)
{
    (void)req;
    if (alloc_life_ends(status))
        alloc_life_expect(ttl_ms == 60000 || ttl_ms == CAIRN_TTL_ABSENT, "another TTL was set");
}

static void on_changed(cairn_group_change_t *req, int status, uint64_t count)
{
    (void)req;
    if (alloc_life_ends(status)) alloc_life_expect(count == 1, "the group was there before");
}

static void on_given(cairn_group_read_t *req, int status, const cairn_delivery_t *deliveries,
                     size_t count)
{
    (void)req;
    if (!alloc_life_ends(status)) return;
    for (size_t i = 0; i < count; i++) check_event(&deliveries[i].event);
}

static void on_group(cairn_group_info_t *req, int status, const cairn_group_facts_t *facts)
{
    (void)req;
    if (alloc_life_ends(status))
        alloc_life_expect(facts->held <= EVENTS, "more is held than there is");
}

static void on_event(cairn_stream_tail_t *tail, const cairn_stream_event_t *event)
{
    (void)tail;
    check_event(event);
    it.seen++;
}

static void on_notice(cairn_stream_tail_t *tail, const cairn_tail_notice_t *notice)
{
    (void)tail;
    if (notice->type == CAIRN_TAIL_ENDED || notice->type == CAIRN_TAIL_FAILED) it.tail_over = true;
}

static void on_cancel(cairn_stream_watch_t *watch, int status, const cairn_stream_event_t *event)
{
    (void)watch, (void)event;
    alloc_life_expect(status < 0, "nobody cancelled it");
}

static void submit_all(void)
{
    const cairn_slice_t run = cairn_str("run"), copy = cairn_str("copy"), g = cairn_str("g");
    const cairn_slice_t m = cairn_str("m");
    const cairn_stream_entry_t entries[] = {
        {.event = m, .data = {cairn_str("json"), cairn_str("a")}, .id = cairn_str("1")},
        {.event = m, .data = {cairn_str("json"), cairn_str("b")}},
        {.event = m, .data = {cairn_str("json"), cairn_str("c")}}};
    const cairn_stream_entry_t last = {.event = cairn_str(CAIRN_STREAM_END),
                                       .data = {cairn_str("json"), cairn_str("")}};
    const cairn_stream_tail_options_t all = {.from = CAIRN_FROM_ALL};
    const cairn_stream_range_t behind = {.after = {1, 1}, .newest = false};
    cairn_streams_t *s = &it.streams;
    it.tail.on_notice = on_notice;
    int rc = cairn_stream_tail_open(s, &it.tail, run, &all, on_event);
    if (rc != 0) assert_status(rc, UV_ENOMEM);
    it.tailing = rc == 0;
    rc = cairn_stream_watch_open(s, &it.watch, run, on_cancel);
    if (rc != 0) assert_status(rc, UV_ENOMEM);
    alloc_life_accepts(cairn_group_create(s, &it.create, run, g, NULL, on_changed));
    alloc_life_accepts(cairn_group_read(s, &it.wait, run, g, m, 2, 100, on_given));
    alloc_life_accepts(cairn_stream_append(s, &it.append, run, entries, 3, NULL, on_appended));
    alloc_life_accepts(cairn_stream_read(s, &it.read, run, NULL, on_page));
    alloc_life_accepts(cairn_stream_read(s, &it.behind, run, &behind, on_page));
    alloc_life_accepts(cairn_group_claim(s, &it.claim, run, g, m, 2, 0, on_given));
    alloc_life_accepts(cairn_group_info(s, &it.group, run, g, on_group));
    alloc_life_accepts(cairn_stream_append(s, &it.end, run, &last, 1, NULL, on_appended));
    alloc_life_accepts(cairn_stream_info(s, &it.info, run, on_info));
    alloc_life_accepts(cairn_stream_set_ttl(s, &it.ttl, run, cairn_ttl_ms(60000), on_ttl));
    alloc_life_accepts(cairn_stream_copy(s, &it.copy, run, copy, (cairn_ttl_t){0}, on_count));
    alloc_life_accepts(cairn_stream_length(s, &it.length, run, on_count));
    alloc_life_accepts(cairn_stream_clear(s, &it.clear, copy, on_count));
}

static bool tail_is_over(void *ctx)
{
    (void)ctx;
    return it.tail_over;
}

static void live(void)
{
    memset(&it, 0, sizeof it);
    assert_status(cairn_streams_init(&it.streams, &alloc_life.cairn, NULL), 0);
    submit_all();
    alloc_life_await();
    if (alloc_life.fault == ALLOC_FAIL_ONCE && it.tailing && alloc_life.accepted == 13 &&
        !alloc_life.flaw)
        (void)loop_try_for(&alloc_life.loop, 300, tail_is_over, NULL);
}

static void check_tail(void)
{
    if (it.seen > 0) assert_in_range(it.seen, 1, EVENTS);
}

int main(void)
{
    return alloc_life_run("allocation faults: streams over redis", live, check_tail);
}
