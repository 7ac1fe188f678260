/* Every allocation of a stream's life fails once, and everything after it: over Redis in the layout
 * of Pure Graph, of one server and of a cluster. Whatever a submit accepted ends once, what it
 * gives is whole, and nothing is left behind. */
#include "alloc_fault.h"
#include "check.h"
#include "cluster.h"
#include "loop.h"

#include <cairn/stream.h>
#include <stdio.h>

#define MOST_ALLOCATIONS 2000
#define EVENTS 4

static redis_t redis;
static cluster_t cluster;

/* ---- one life ---- */

typedef struct life {
    uv_loop_t loop;
    cairn_t cairn;
    cairn_streams_t streams;
    cairn_stream_tail_t tail;
    cairn_stream_watch_t watch;
    cairn_stream_append_t append, end;
    cairn_stream_read_t read, behind;
    cairn_stream_count_t copy, length, clear;
    cairn_stream_info_t info;
    cairn_stream_ttl_t ttl;
    int accepted;
    int ended;
    int seen; /* by the tail */
    bool tailing, tail_over;
    bool closed;
    const char *flaw; /* what a callback found wrong */
} life_t;

static life_t it;

static bool accept_or_refuse(int rc)
{
    if (rc != 0) assert_status(rc, UV_ENOMEM);
    it.accepted += rc == 0;
    return rc == 0;
}

/* Without memory a link may be given up; then nobody can say what was carried out. */
static bool end(int status)
{
    it.ended++;
    return status == 0;
}

static void expect(bool is_so, const char *what)
{
    if (!is_so) it.flaw = what;
}

static void check_event(const cairn_stream_event_t *event)
{
    static const char *const data[] = {"a", "b", "c", ""};
    bool known = false;
    for (int i = 0; i < EVENTS; i++) known |= cairn_slice_eq(event->data.bytes, cairn_str(data[i]));
    expect(known, "an event is not whole");
}

static void on_appended(cairn_stream_append_t *req, int status,
                        const cairn_stream_appended_t *appended)
{
    (void)req;
    if (end(status)) expect(appended->count > 0, "nothing was appended");
}

static void on_page(cairn_stream_read_t *req, int status, const cairn_stream_page_t *page)
{
    (void)req;
    if (!end(status)) return;
    for (size_t i = 0; i < page->count; i++) check_event(&page->events[i]);
}

static void on_count(cairn_stream_count_t *req, int status, uint64_t events)
{
    (void)req;
    if (end(status)) expect(events <= EVENTS, "there are too many events");
}

static void on_info(cairn_stream_info_t *req, int status, const cairn_stream_facts_t *facts)
{
    (void)req;
    if (end(status) && facts) expect(facts->length <= EVENTS, "the facts are not whole");
}

static void on_ttl(cairn_stream_ttl_t *req, int status, int64_t ttl_ms)
{
    (void)req;
    if (end(status)) expect(ttl_ms == 60000 || ttl_ms == CAIRN_TTL_ABSENT, "another TTL was set");
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
    expect(status < 0, "nobody cancelled it");
}

static void on_closed(cairn_t *cairn)
{
    (void)cairn;
    it.closed = true;
}

static void submit_all(void)
{
    const cairn_slice_t run = cairn_str("run"), copy = cairn_str("copy");
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
    accept_or_refuse(cairn_stream_append(s, &it.append, run, entries, 3, NULL, on_appended));
    accept_or_refuse(cairn_stream_read(s, &it.read, run, NULL, on_page));
    accept_or_refuse(cairn_stream_read(s, &it.behind, run, &behind, on_page));
    accept_or_refuse(cairn_stream_append(s, &it.end, run, &last, 1, NULL, on_appended));
    accept_or_refuse(cairn_stream_info(s, &it.info, run, on_info));
    accept_or_refuse(cairn_stream_set_ttl(s, &it.ttl, run, cairn_ttl_ms(60000), on_ttl));
    accept_or_refuse(cairn_stream_copy(s, &it.copy, run, copy, (cairn_ttl_t){0}, on_count));
    accept_or_refuse(cairn_stream_length(s, &it.length, run, on_count));
    accept_or_refuse(cairn_stream_clear(s, &it.clear, copy, on_count));
}

static bool all_have_ended(void *ctx)
{
    (void)ctx;
    return it.ended == it.accepted;
}

static bool is_closed(void *ctx)
{
    (void)ctx;
    return it.closed;
}

static bool may_go_on;

static bool tail_is_over(void *ctx)
{
    (void)ctx;
    return it.tail_over;
}

static void live(void *url)
{
    memset(&it, 0, sizeof it);
    redis_ask(&redis, "FLUSHALL");
    (void)cluster_ask(&cluster, 0, "FLUSHALL");
    assert_int_equal(uv_loop_init(&it.loop), 0);
    int rc = cairn_open_url(&it.cairn, &it.loop, url, NULL);
    if (rc == 0) {
        assert_status(cairn_streams_init(&it.streams, &it.cairn, NULL), 0);
        submit_all();
        loop_run_until(&it.loop, "all to end", all_have_ended, NULL);
        if (may_go_on && it.tailing && it.accepted == 9 && !it.flaw)
            (void)loop_try_for(&it.loop, 300, tail_is_over, NULL);
        cairn_close(&it.cairn, on_closed);
        loop_run_until(&it.loop, "the handle to close", is_closed, NULL);
        assert_int_equal(it.ended, it.accepted);
        if (it.seen > 0) assert_in_range(it.seen, 1, EVENTS);
    } else {
        assert_status(rc, UV_ENOMEM);
    }
    loop_finish(&it.loop);
    if (it.flaw) check_fail("%s", it.flaw);
}

/* ---- every allocation of it ---- */

#define OPTIONS "stream_layout=pure_graph&timeout_ms=300&reconnect_min_ms=1&reconnect_max_ms=5"

static void check(alloc_fault_t fault, const char *url)
{
    char kept[512];
    may_go_on = fault == ALLOC_FAIL_ONCE;
    snprintf(kept, sizeof kept, "%s", url);
    alloc_fault_each(fault, MOST_ALLOCATIONS, live, kept);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    check(ALLOC_FAIL_ONCE, redis_url(&redis, NULL, "?" OPTIONS));
    check(ALLOC_FAIL_ONCE, redis_url(&redis, NULL, "?protocol=2&" OPTIONS));
}

static void each_allocation_in_a_cluster_may_fail(void **state)
{
    (void)state;
    check(ALLOC_FAIL_ONCE, cluster_url(&cluster, "cluster=yes&" OPTIONS));
}

static void memory_may_be_gone_from_any_allocation_on(void **state)
{
    (void)state;
    check(ALLOC_FAIL_FROM, redis_url(&redis, NULL, "?" OPTIONS));
}

static void memory_may_be_gone_in_a_cluster(void **state)
{
    (void)state;
    check(ALLOC_FAIL_FROM, cluster_url(&cluster, "cluster=yes&" OPTIONS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(each_allocation_in_a_cluster_may_fail),
        cmocka_unit_test(memory_may_be_gone_from_any_allocation_on),
        cmocka_unit_test(memory_may_be_gone_in_a_cluster),
    };
    const cluster_options_t options = {.masters = 1, .replicas = -1};
    redis_start(&redis, NULL);
    cluster_start(&cluster, &options);
    int failures = cmocka_run_group_tests_name(
        "allocation faults: streams in the layout of Pure Graph", tests, NULL, NULL);
    cluster_stop(&cluster);
    redis_stop(&redis);
    return failures;
}
