#include "stage.h"

#include "exposition.h"
#include "latency.h"

#include <string.h>

static job_t a, b;

static int begin(void **state)
{
    a = (job_t){.name = "a"};
    b = (job_t){.name = "b"};
    return stage_begin(state);
}

static void ready_with_latency(void)
{
    stage.options.latency_stats = 1;
    stage_ready();
}

/* ---- buckets ---- */

static void every_value_has_its_bucket(void **state)
{
    (void)state;
    uint64_t least = 0;
    for (size_t i = 0; i < CAIRN_LATENCY_BUCKETS; i++) {
        uint64_t limit = cairn_latency_limit(i);
        assert_true(limit > least);
        assert_int_equal(latency_bucket(least), i);
        assert_int_equal(latency_bucket(limit - 1), i);
        if (i < CAIRN_LATENCY_BUCKETS - 1) assert_true(limit - least <= 1 + least / 4);
        least = limit;
    }
    assert_int_equal(cairn_latency_limit(CAIRN_LATENCY_BUCKETS - 1), UINT64_MAX);
    assert_int_equal(latency_bucket(UINT64_MAX), CAIRN_LATENCY_BUCKETS - 1);
    assert_true(cairn_latency_limit(CAIRN_LATENCY_BUCKETS - 2) > 100 * UINT64_C(1000000));
}

static void percentiles_are_the_buckets_highest_values(void **state)
{
    (void)state;
    cairn_latency_t latency = {0};
    assert_int_equal(cairn_latency_percentile(&latency, 50), 0);
    for (uint64_t us = 1; us <= 1000; us++) latency_record(&latency, us);
    assert_int_equal(cairn_latency_count(&latency), 1000);
    assert_int_equal(latency.sum_us, 500500);
    assert_int_equal(cairn_latency_percentile(&latency, -1), 1);
    assert_int_equal(cairn_latency_percentile(&latency, 0.1), 1);
    assert_int_equal(cairn_latency_percentile(&latency, 0.2), 2);
    assert_int_equal(cairn_latency_percentile(&latency, 50), 511);
    assert_int_equal(cairn_latency_percentile(&latency, 51.1), 511);
    assert_int_equal(cairn_latency_percentile(&latency, 51.2), 639);
    assert_int_equal(cairn_latency_percentile(&latency, 100), 1023);
    assert_int_equal(cairn_latency_percentile(&latency, 1000), 1023);
    latency_record(&latency, UINT64_MAX / 2);
    assert_true(cairn_latency_percentile(&latency, 100) == UINT64_MAX - 1);
}

/* ---- latency of requests ---- */

static void a_latency_is_from_submit_to_callback(void **state)
{
    (void)state;
    ready_with_latency();
    a.publish.req.timeout_ms = 1000;
    job_submit(&a);
    job_submit(&b);
    advance(3);
    puppet.held[0] = &b.publish.req;
    puppet.held[1] = &a.publish.req;
    puppet_publish_done(1);
    advance(997);
    assert_said("b done 1", "forget", "a UV_ETIMEDOUT ");
    cairn_stats_t stats = stage_stats();
    assert_int_equal(stats.latency.sum_us, 1003000);
    assert_int_equal(stats.latency.counts[latency_bucket(3000)], 1);
    assert_int_equal(stats.latency.counts[latency_bucket(1000000)], 1);
    assert_int_equal(cairn_latency_count(&stats.latency), 2);
}

static void no_latency_is_kept_that_was_not_asked_for(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    advance(3);
    puppet_publish_done(1);
    cairn_stats_t stats = stage_stats();
    assert_int_equal(stats.completed, 1);
    assert_int_equal(stats.latency.sum_us, 0);
    assert_int_equal(cairn_latency_count(&stats.latency), 0);
}

/* By the loop's own time: it is not the same in two turns, nor behind what was waited for. */
static void one_turn_has_one_time(void **state)
{
    (void)state;
    stage.cairn.clock = (cairn_clock_t){0};
    ready_with_latency();
    stamp_t *stamp = &stage.cairn.core->stamp;
    uint64_t first = stamp_us(stamp), hrtime = uv_hrtime();
    while (uv_hrtime() - hrtime < 2000) continue;
    assert_true(stamp_us(stamp) == first);
    puppet_api()->count_bytes(puppet.host, 0, 1);
    assert_true(stamp_us(stamp) == first);
    puppet_api()->count_bytes(puppet.host, 1, 0);
    uint64_t second = stamp_us(stamp);
    assert_true(second > first);
    hrtime = uv_hrtime();
    while (uv_hrtime() - hrtime < 2000) continue;
    loop_turns(&stage.loop, 1);
    assert_true(stamp_us(stamp) > second);
    assert_true(uv_is_active((uv_handle_t *)&stamp->prepare));
    loop_turns(&stage.loop, 3);
    assert_false(uv_is_active((uv_handle_t *)&stamp->prepare));
}

/* ---- failures by kind ---- */

static void failures_are_counted_by_kind(void **state)
{
    (void)state;
    static const struct {
        int status;
        cairn_failure_t failure;
    } rows[] = {
        {UV_ETIMEDOUT, CAIRN_FAILURE_TIMED_OUT},
        {UV_ECANCELED, CAIRN_FAILURE_CANCELED},
        {CAIRN_EFULL, CAIRN_FAILURE_FULL},
        {CAIRN_EMAYBE, CAIRN_FAILURE_CONNECTION},
        {CAIRN_EHALFOPEN, CAIRN_FAILURE_CONNECTION},
        {UV_ECONNREFUSED, CAIRN_FAILURE_CONNECTION},
        {UV_EOF, CAIRN_FAILURE_CONNECTION},
        {CAIRN_EAUTH, CAIRN_FAILURE_AUTH},
        {CAIRN_EDENIED, CAIRN_FAILURE_AUTH},
        {CAIRN_ESERVER, CAIRN_FAILURE_SERVER},
        {CAIRN_EOOM, CAIRN_FAILURE_SERVER},
        {CAIRN_ELOADING, CAIRN_FAILURE_SERVER},
        {CAIRN_EPROTOCOL, CAIRN_FAILURE_PROTOCOL},
        {CAIRN_ETOOBIG, CAIRN_FAILURE_REQUEST},
        {UV_EEXIST, CAIRN_FAILURE_REQUEST},
        {UV_ENOMEM, CAIRN_FAILURE_MEMORY},
        {-4242, CAIRN_FAILURE_OTHER},
    };
    uint64_t expected[CAIRN_FAILURES] = {0};
    stage_ready();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(cairn_failure_of(rows[i].status), rows[i].failure);
        job_submit(&a);
        puppet_fail(rows[i].status, "no");
        expected[rows[i].failure]++;
    }
    cairn_stats_t stats = stage_stats();
    assert_memory_equal(stats.failures, expected, sizeof expected);
    assert_int_equal(stats.failed, sizeof rows / sizeof *rows);
    assert_int_equal(stats.timed_out, 1);
    assert_int_equal(stats.canceled, 1);
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(cairn_failure_name(CAIRN_FAILURE_TIMED_OUT), "timed_out");
    assert_string_equal(cairn_failure_name(CAIRN_FAILURE_OTHER), "other");
    assert_string_equal(cairn_failure_name(CAIRN_FAILURES), "");
}

static void what_is_refused_is_no_request(void **state)
{
    (void)state;
    stage_ready();
    puppet.publish_status = CAIRN_EFULL;
    assert_status(job_try(&a), CAIRN_EFULL);
    puppet.publish_status = UV_ENOMEM;
    assert_status(job_try(&a), UV_ENOMEM);
    cairn_stats_t stats = stage_stats();
    assert_int_equal(stats.requests, 0);
    assert_int_equal(stats.failed, 0);
    assert_int_equal(stats.refused, 2);
    assert_int_equal(stats.refused_full, 1);
}

static void connects_after_the_first_are_reconnects(void **state)
{
    (void)state;
    stage_open();
    puppet_disconnected(UV_ECONNREFUSED, "no");
    puppet_connected();
    assert_int_equal(stage_stats().reconnects, 0);
    for (int i = 0; i < 2; i++) {
        puppet_disconnected(UV_EOF, "gone");
        puppet_connected();
    }
    assert_int_equal(stage_stats().reconnects, 2);
    assert_int_equal(stage_stats().connects, 3);
    assert_int_equal(stage_stats().disconnects, 3);
}

static void a_difference_has_what_happened_and_what_is_so(void **state)
{
    (void)state;
    ready_with_latency();
    job_submit(&a);
    advance(1);
    puppet_publish_done(1);
    job_submit(&a);
    cairn_stats_t before = stage_stats();
    advance(7);
    puppet_fail(CAIRN_ESERVER, "no");
    job_submit(&a);
    job_submit(&b);
    cairn_stats_t since = stage_stats();
    cairn_stats_since(&since, &before, &since);
    assert_int_equal(since.requests, 2);
    assert_int_equal(since.completed, 0);
    assert_int_equal(since.failures[CAIRN_FAILURE_SERVER], 1);
    assert_int_equal(since.inflight, 2);
    assert_int_equal(since.latency.sum_us, 7000);
    assert_int_equal(cairn_latency_count(&since.latency), 1);
}

/* ---- connections ---- */

static const cairn_connection_t links[] = {
    {.size = sizeof(cairn_connection_t),
     .role = "commands",
     .where = "host:1",
     .state = "ready",
     .inflight = 5,
     .queued = 3,
     .queued_bytes = 30,
     .answered = 7},
    {.size = sizeof(cairn_connection_t),
     .role = "subscriptions",
     .where = "/a \"quoted\" back\\slash\n",
     .state = "waiting",
     .queued = 1,
     .queued_bytes = 12},
};

static void give_links(void *self, cairn_connection_fn take, void *ctx)
{
    (void)self;
    for (size_t i = 0; i < 2; i++) take(ctx, &links[i]);
}

/* One of a backend that knows less than we do. */
static void give_an_old_one(void *self, cairn_connection_fn take, void *ctx)
{
    cairn_connection_t old = links[0];
    (void)self;
    old.size = offsetof(cairn_connection_t, queued);
    take(ctx, &old);
}

static cairn_backend_t with_links;

static void ready_with(void (*connections)(void *, cairn_connection_fn, void *))
{
    with_links = puppet_backend;
    with_links.connections = connections;
    stage.backends[0] = &with_links;
    ready_with_latency();
}

static void connections_are_told_as_far_as_there_is_room(void **state)
{
    (void)state;
    cairn_connection_t found[3];
    ready_with(give_links);
    assert_int_equal(cairn_connections(&stage.cairn, NULL, 0), 2);
    assert_int_equal(cairn_connections(&stage.cairn, found, 1), 2);
    assert_memory_equal(&found[0], &links[0], sizeof links[0]);
    assert_int_equal(cairn_connections(&stage.cairn, found, 3), 2);
    assert_memory_equal(found, links, sizeof links);
    assert_int_equal(stage_stats().queued_requests, 4);
    assert_int_equal(stage_stats().queued_bytes, 42);
}

static void a_backend_that_tells_less_is_understood(void **state)
{
    (void)state;
    cairn_connection_t found;
    ready_with(give_an_old_one);
    assert_int_equal(cairn_connections(&stage.cairn, &found, 1), 1);
    assert_int_equal(found.size, sizeof found);
    assert_int_equal(found.inflight, 5);
    assert_int_equal(found.queued, 0);
    assert_int_equal(found.answered, 0);
    assert_int_equal(stage_stats().queued_bytes, 0);
}

static void a_backend_without_connections_has_none(void **state)
{
    (void)state;
    cairn_backend_t shorter = puppet_backend;
    shorter.connections = give_links;
    shorter.size = offsetof(cairn_backend_t, connections);
    stage.backends[0] = &shorter;
    stage_ready();
    assert_int_equal(cairn_connections(&stage.cairn, NULL, 0), 0);
    assert_int_equal(stage_stats().queued_bytes, 0);
    stage_close();
    assert_int_equal(cairn_connections(&stage.cairn, NULL, 0), 0);
    loop_run_until(&stage.loop, "close", stage_is_closed, NULL);
    assert_int_equal(cairn_connections(&stage.cairn, NULL, 0), 0);
}

/* ---- as text ---- */

static char text[65536];

static const char *stats_text(void)
{
    size_t len = cairn_stats_text(&stage.cairn, text, sizeof text);
    assert_true(len < sizeof text);
    assert_int_equal(strlen(text), len);
    return text;
}

static void the_text_says_what_the_counters_say(void **state)
{
    (void)state;
    ready_with(give_links);
    for (int i = 0; i < 3; i++) {
        job_submit(&a);
        advance(2);
        puppet_publish_done(1);
    }
    job_submit(&a);
    puppet_fail(CAIRN_EDENIED, "no");
    job_submit(&a);
    exposition_check(stats_text());
    assert_true(exposition_value(text, "cairn_up") == 1);
    assert_true(exposition_value(text, "cairn_requests_total") == 5);
    assert_true(exposition_value(text, "cairn_requests_completed_total") == 3);
    assert_true(exposition_value(text, "cairn_requests_failed_total{kind=\"auth\"}") == 1);
    assert_true(exposition_value(text, "cairn_requests_failed_total{kind=\"server\"}") == 0);
    assert_true(exposition_value(text, "cairn_requests_inflight") == 1);
    assert_true(exposition_value(text, "cairn_request_duration_seconds_count") == 4);
    assert_true(exposition_value(text, "cairn_request_duration_seconds_sum") == 0.006);
    assert_true(exposition_value(text, "cairn_request_duration_seconds_bucket{le=\"0.001024\"}") ==
                1);
    assert_true(exposition_value(text, "cairn_request_duration_seconds_bucket{le=\"0.002048\"}") ==
                4);
    assert_true(exposition_value(text, "cairn_queued_bytes") == 42);
    assert_true(exposition_value(text, "cairn_connection_answered_total{connection=\"0\","
                                       "role=\"commands\",where=\"host:1\"}") == 7);
    assert_contains(text, "connection=\"1\",role=\"subscriptions\","
                          "where=\"/a \\\"quoted\\\" back\\\\slash\\n\",state=\"waiting\"} 1\n");
}

static void the_text_is_right_without_connections_and_when_closed(void **state)
{
    (void)state;
    exposition_check(stats_text());
    assert_true(exposition_value(text, "cairn_up") == 0);
    stage_open();
    exposition_check(stats_text());
    assert_lacks(text, "cairn_connection_");
    assert_lacks(text, "duration");
    assert_true(exposition_value(text, "cairn_up") == 0);
}

static void a_text_without_room_is_cut(void **state)
{
    (void)state;
    static char cut[65536];
    ready_with(give_links);
    size_t len = strlen(stats_text());
    assert_int_equal(cairn_stats_text(&stage.cairn, NULL, 0), len);
    for (size_t size = 1; size <= len + 1; size += 1 + size / 16) {
        memset(cut, 'x', sizeof cut);
        assert_int_equal(cairn_stats_text(&stage.cairn, cut, size), len);
        assert_int_equal(strlen(cut), size - 1);
        assert_memory_equal(cut, text, size - 1);
        assert_int_equal(cut[size], 'x');
    }
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, stage_end)
    const struct CMUnitTest tests[] = {
        TEST(every_value_has_its_bucket),
        TEST(percentiles_are_the_buckets_highest_values),
        TEST(a_latency_is_from_submit_to_callback),
        TEST(no_latency_is_kept_that_was_not_asked_for),
        TEST(one_turn_has_one_time),
        TEST(failures_are_counted_by_kind),
        TEST(kinds_have_names),
        TEST(what_is_refused_is_no_request),
        TEST(connects_after_the_first_are_reconnects),
        TEST(a_difference_has_what_happened_and_what_is_so),
        TEST(connections_are_told_as_far_as_there_is_room),
        TEST(a_backend_that_tells_less_is_understood),
        TEST(a_backend_without_connections_has_none),
        TEST(the_text_says_what_the_counters_say),
        TEST(the_text_is_right_without_connections_and_when_closed),
        TEST(a_text_without_room_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
