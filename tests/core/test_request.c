#include "stage.h"

static job_t a, b, c;

static int begin(void **state)
{
    a = (job_t){.name = "a"};
    b = (job_t){.name = "b"};
    c = (job_t){.name = "c"};
    return stage_begin(state);
}

static int cancel(job_t *job)
{
    return cairn_cancel(&job->publish.req);
}

static bool is_active(const job_t *job)
{
    return cairn_is_active(&job->publish.req);
}

static void assert_detail(const job_t *job, const char *part)
{
    char text[512];
    cairn_slice_t detail = job->publish.req.detail;
    snprintf(text, sizeof text, "%.*s", (int)detail.len, detail.len ? detail.ptr : "");
    assert_contains(text, part);
}

/* ---- submit ---- */

static void an_accepted_request_calls_back_when_the_backend_is_done(void **state)
{
    (void)state;
    stage_ready();
    assert_status(job_try(&a), 0);
    assert_said("publish news a");
    assert_true(is_active(&a));
    assert_int_equal(stage_stats().inflight, 1);
    puppet_publish_done(3);
    assert_said("publish news a", "a done 3");
    assert_false(is_active(&a));
    cairn_stats_t stats = stage_stats();
    assert_int_equal(stats.requests, 1);
    assert_int_equal(stats.completed, 1);
    assert_int_equal(stats.failed, 0);
    assert_int_equal(stats.inflight, 0);
}

static void what_is_yours_stays(void **state)
{
    (void)state;
    stage_ready();
    a.publish.req.data = &b;
    a.publish.req.timeout_ms = 77;
    a.publish.req.flags = CAIRN_REQ_IDEMPOTENT;
    job_submit(&a);
    puppet_publish_done(0);
    assert_ptr_equal(a.publish.req.data, &b);
    assert_int_equal(a.publish.req.timeout_ms, 77);
    assert_int_equal(a.publish.req.flags, CAIRN_REQ_IDEMPOTENT);
}

static void requests_wait_while_the_handle_opens(void **state)
{
    (void)state;
    stage_open();
    stage_forget();
    job_submit(&a);
    puppet_connected();
    puppet_publish_done(1);
    assert_said("connected puppet 1.0", "a done 1");
}

static void a_callback_may_be_missing(void **state)
{
    (void)state;
    stage_ready();
    for (int i = 0; i < 2; i++) {
        assert_status(cairn_broker_publish(&stage.broker, &a.publish, cairn_str("news"),
                                           cairn_str("a"), NULL),
                      0);
        if (i == 0) puppet_publish_done(1);
        if (i == 1) puppet_fail(CAIRN_ESERVER, "no");
        assert_false(is_active(&a));
    }
}

static void resubmit(const char *line)
{
    if (is_line(line, "a")) job_submit(&a);
    stage.react = NULL;
}

static void a_request_is_usable_again_in_its_callback(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    stage.react = resubmit;
    puppet_publish_done(1);
    puppet_publish_done(2);
    assert_said("a done 1", "a done 2");
    job_submit(&a);
    stage.react = resubmit;
    puppet_fail(CAIRN_ESERVER, "no");
    puppet_publish_done(3);
    assert_said("a done 1", "a done 2", "a CAIRN_ESERVER no", "a done 3");
}

static void a_failure_brings_the_servers_words(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    puppet_fail(CAIRN_EDENIED, "NOPERM this user may not");
    assert_said("a CAIRN_EDENIED NOPERM this user may not");
    cairn_stats_t stats = stage_stats();
    assert_int_equal(stats.completed, 0);
    assert_int_equal(stats.failed, 1);
    assert_int_equal(stats.timed_out + stats.canceled, 0);
}

/* ---- refusals: error means silence ---- */

static void assert_refused(job_t *job, int status)
{
    uint64_t requests = stage_stats().requests;
    assert_status(job_try(job), status);
    assert_false(is_active(job));
    assert_int_equal(stage_stats().requests, requests);
    assert_int_equal(stage_stats().inflight, 0);
}

static void a_refusal_of_the_backend_is_passed_on(void **state)
{
    (void)state;
    stage_ready();
    puppet.publish_status = UV_ENOMEM;
    assert_refused(&a, UV_ENOMEM);
    assert_detail(&a, "memory");
    puppet.publish_status = CAIRN_EFULL;
    assert_refused(&a, CAIRN_EFULL);
    assert_detail(&a, "max_inflight");
    stage_forget();
    assert_silence();
    puppet.publish_status = 0;
    job_submit(&a);
    puppet_publish_done(0);
    assert_said("a done 0");
}

static void a_bad_channel_is_refused_before_the_backend_sees_it(void **state)
{
    (void)state;
    static char channel[CAIRN_CHANNEL_MAX + 1];
    stage_ready();
    cairn_broker_publish_t *req = &a.publish;
    assert_status(cairn_broker_publish(&stage.broker, req, cairn_slice(NULL, 0), cairn_str("x"),
                                       stage_published),
                  UV_EINVAL);
    assert_detail(&a, "channel");
    assert_status(cairn_broker_publish(&stage.broker, req, cairn_slice(channel, sizeof channel),
                                       cairn_str("x"), stage_published),
                  CAIRN_ETOOBIG);
    assert_detail(&a, "65537");
    assert_silence();
    assert_status(cairn_broker_publish(&stage.broker, req, cairn_slice(channel, CAIRN_CHANNEL_MAX),
                                       cairn_str("x"), stage_published),
                  0);
}

static void a_request_in_flight_is_busy_and_not_disturbed(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    assert_status(job_try(&a), UV_EBUSY);
    assert_int_equal(stage_stats().requests, 1);
    assert_int_equal(puppet.held_count, 1);
    puppet_publish_done(1);
    assert_said("a done 1");
}

static void a_handle_that_is_not_open_refuses(void **state)
{
    (void)state;
    assert_status(job_try(&a), CAIRN_ECLOSED);
    assert_int_equal(a.publish.req.detail.len, 0);
    stage_ready();
    stage_close();
    assert_status(job_try(&a), CAIRN_ECLOSED);
    loop_run_until(&stage.loop, "close", stage_is_closed, NULL);
    assert_status(job_try(&a), CAIRN_ECLOSED);
    assert_false(is_active(&a));
}

static void the_words_of_a_refusal_last_until_the_next_submit(void **state)
{
    (void)state;
    stage_ready();
    puppet.publish_status = UV_ENOMEM;
    assert_status(job_try(&a), UV_ENOMEM);
    loop_turns(&stage.loop, 3);
    advance(100000);
    assert_detail(&a, "memory");
}

/* ---- cancel ---- */

static void a_canceled_request_calls_back_later(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    assert_status(cancel(&a), 0);
    assert_int_equal(puppet.held_count, 0);
    assert_true(is_active(&a));
    assert_int_equal(stage.journal.count, 1); /* "forget" */
    assert_said("forget", "a UV_ECANCELED ");
    assert_false(is_active(&a));
    cairn_stats_t stats = stage_stats();
    assert_int_equal(stats.canceled, 1);
    assert_int_equal(stats.failed, 1);
    assert_int_equal(stats.inflight, 0);
}

static void cancel_twice_cancels_once(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    assert_status(cancel(&a), 0);
    assert_status(cancel(&a), UV_EALREADY);
    assert_said("forget", "a UV_ECANCELED ");
    assert_status(cancel(&a), UV_EALREADY);
    stage_forget();
    assert_silence();
}

static void what_is_not_in_flight_cannot_be_canceled(void **state)
{
    (void)state;
    assert_status(cancel(&a), UV_EALREADY);
    stage_ready();
    assert_status(cancel(&a), UV_EALREADY);
    job_submit(&a);
    puppet_publish_done(1);
    assert_status(cancel(&a), UV_EALREADY);
    assert_said("a done 1");
}

static void a_canceled_request_is_busy_until_its_callback(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    assert_status(cancel(&a), 0);
    assert_status(job_try(&a), UV_EBUSY);
    stage.react = resubmit;
    assert_said("forget", "a UV_ECANCELED ");
    assert_true(is_active(&a));
    puppet_publish_done(4);
    assert_said("forget", "a UV_ECANCELED ", "a done 4");
}

static int cancel_status;

static void cancel_b(const char *line)
{
    if (is_line(line, "a")) cancel_status = cancel(&b);
}

static void a_callback_may_cancel_another(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    job_submit(&b);
    job_submit(&c);
    stage.react = cancel_b;
    puppet_publish_done(1);
    assert_status(cancel_status, 0);
    puppet_publish_done(3);
    assert_said("a done 1", "forget", "c done 3", "b UV_ECANCELED ");
}

static void cancel_a(const char *line)
{
    if (is_line(line, "a")) cancel_status = cancel(&a);
}

static void a_callback_cannot_cancel_its_own_request(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    stage.react = cancel_a;
    cancel_status = 0;
    puppet_publish_done(1);
    assert_status(cancel_status, UV_EALREADY);
    assert_said("a done 1");
}

static void canceled_requests_call_back_in_order(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    job_submit(&b);
    job_submit(&c);
    assert_status(cancel(&c), 0);
    assert_status(cancel(&a), 0);
    assert_said("forget", "forget", "c UV_ECANCELED ", "a UV_ECANCELED ");
    puppet_publish_done(2);
    assert_said("forget", "forget", "c UV_ECANCELED ", "a UV_ECANCELED ", "b done 2");
}

/* ---- deadlines ---- */

static void a_request_times_out_at_its_own_deadline(void **state)
{
    (void)state;
    stage_ready();
    a.publish.req.timeout_ms = 300;
    job_submit(&a);
    advance(299);
    assert_silence();
    advance(1);
    assert_said("forget", "a UV_ETIMEDOUT ");
    assert_int_equal(puppet.held_count, 0);
    assert_false(is_active(&a));
    cairn_stats_t stats = stage_stats();
    assert_int_equal(stats.timed_out, 1);
    assert_int_equal(stats.failed, 1);
    assert_int_equal(stats.canceled, 0);
    assert_int_equal(stats.inflight, 0);
}

static void a_request_that_names_none_has_the_handles_deadline(void **state)
{
    (void)state;
    stage.options.timeout_ms = 1234;
    stage_ready();
    job_submit(&a);
    advance(1233);
    assert_silence();
    advance(1);
    assert_said("forget", "a UV_ETIMEDOUT ");
}

static void a_request_may_do_without_a_deadline(void **state)
{
    (void)state;
    stage_ready();
    a.publish.req.timeout_ms = CAIRN_NO_TIMEOUT;
    job_submit(&a);
    advance(UINT64_C(1) << 40);
    assert_silence();
    puppet_publish_done(1);
    assert_said("a done 1");
}

static void the_longest_timeout_is_a_timeout(void **state)
{
    (void)state;
    stage_ready();
    a.publish.req.timeout_ms = CAIRN_NO_TIMEOUT - 1;
    job_submit(&a);
    advance(CAIRN_NO_TIMEOUT - 2);
    assert_silence();
    advance(1);
    assert_said("forget", "a UV_ETIMEDOUT ");
}

static void what_is_done_in_time_does_not_time_out(void **state)
{
    (void)state;
    stage_ready();
    a.publish.req.timeout_ms = 300;
    job_submit(&a);
    advance(299);
    puppet_publish_done(1);
    advance(100000);
    assert_said("a done 1");
}

static void what_is_canceled_in_time_does_not_time_out(void **state)
{
    (void)state;
    stage_ready();
    a.publish.req.timeout_ms = 300;
    job_submit(&a);
    assert_status(cancel(&a), 0);
    advance(100000);
    assert_said("forget", "a UV_ECANCELED ");
    assert_int_equal(stage_stats().timed_out, 0);
}

static void a_timeout_says_why_there_is_no_connection(void **state)
{
    (void)state;
    stage_open();
    puppet_disconnected(UV_ECONNREFUSED, "connect 127.0.0.1:6379: connection refused");
    stage_forget();
    job_submit(&a);
    advance(5000);
    assert_said("forget", "a UV_ETIMEDOUT connect 127.0.0.1:6379: connection refused");
    stage_forget();
    puppet_connected();
    job_submit(&a);
    advance(5000);
    assert_said("connected puppet 1.0", "forget", "a UV_ETIMEDOUT ");
}

static void requests_time_out_in_the_order_they_are_due(void **state)
{
    (void)state;
    stage_ready();
    a.publish.req.timeout_ms = 300;
    b.publish.req.timeout_ms = 100;
    c.publish.req.timeout_ms = 300;
    job_submit(&a);
    job_submit(&b);
    job_submit(&c);
    advance(1000);
    assert_said("forget", "b UV_ETIMEDOUT ", "forget", "a UV_ETIMEDOUT ", "forget",
                "c UV_ETIMEDOUT ");
}

static void resubmit_on_timeout(const char *line)
{
    if (is_line(line, "a UV_ETIMEDOUT")) job_submit(&a);
}

static void a_request_submitted_in_its_timeout_has_a_new_deadline(void **state)
{
    (void)state;
    stage_ready();
    a.publish.req.timeout_ms = 100;
    job_submit(&a);
    stage.react = resubmit_on_timeout;
    advance(1000);
    assert_said("forget", "a UV_ETIMEDOUT ");
    advance(99);
    assert_said("forget", "a UV_ETIMEDOUT ");
    stage.react = NULL;
    advance(1);
    assert_said("forget", "a UV_ETIMEDOUT ", "forget", "a UV_ETIMEDOUT ");
}

static void cancel_b_on_timeout(const char *line)
{
    if (is_line(line, "a UV_ETIMEDOUT")) cancel_status = cancel(&b);
}

static void a_timeout_may_cancel_what_is_due_too(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    job_submit(&b);
    stage.react = cancel_b_on_timeout;
    advance(5000);
    assert_status(cancel_status, 0);
    assert_said("forget", "a UV_ETIMEDOUT ", "forget", "b UV_ECANCELED ");
    assert_int_equal(stage_stats().timed_out, 1);
}

static void finish_b(const char *line)
{
    if (is_line(line, "a UV_ETIMEDOUT")) puppet_publish_done(7);
}

static void a_timeout_may_meet_the_end_of_what_is_due_too(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    job_submit(&b);
    stage.react = finish_b;
    advance(5000);
    assert_said("forget", "a UV_ETIMEDOUT ", "b done 7");
}

static void deadlines_run_on_the_loops_time_too(void **state)
{
    (void)state;
    stage.cairn.clock = (cairn_clock_t){0};
    stage_ready();
    a.publish.req.timeout_ms = 20;
    uint64_t begin_ms = uv_now(&stage.loop); /* what a deadline is counted from */
    job_submit(&a);
    assert_said("forget", "a UV_ETIMEDOUT ");
    assert_true(uv_now(&stage.loop) - begin_ms >= 20);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, stage_end)
    const struct CMUnitTest tests[] = {
        TEST(an_accepted_request_calls_back_when_the_backend_is_done),
        TEST(what_is_yours_stays),
        TEST(requests_wait_while_the_handle_opens),
        TEST(a_callback_may_be_missing),
        TEST(a_request_is_usable_again_in_its_callback),
        TEST(a_failure_brings_the_servers_words),
        TEST(a_refusal_of_the_backend_is_passed_on),
        TEST(a_bad_channel_is_refused_before_the_backend_sees_it),
        TEST(a_request_in_flight_is_busy_and_not_disturbed),
        TEST(a_handle_that_is_not_open_refuses),
        TEST(the_words_of_a_refusal_last_until_the_next_submit),
        TEST(a_canceled_request_calls_back_later),
        TEST(cancel_twice_cancels_once),
        TEST(what_is_not_in_flight_cannot_be_canceled),
        TEST(a_canceled_request_is_busy_until_its_callback),
        TEST(a_callback_may_cancel_another),
        TEST(a_callback_cannot_cancel_its_own_request),
        TEST(canceled_requests_call_back_in_order),
        TEST(a_request_times_out_at_its_own_deadline),
        TEST(a_request_that_names_none_has_the_handles_deadline),
        TEST(a_request_may_do_without_a_deadline),
        TEST(the_longest_timeout_is_a_timeout),
        TEST(what_is_done_in_time_does_not_time_out),
        TEST(what_is_canceled_in_time_does_not_time_out),
        TEST(a_timeout_says_why_there_is_no_connection),
        TEST(requests_time_out_in_the_order_they_are_due),
        TEST(a_request_submitted_in_its_timeout_has_a_new_deadline),
        TEST(a_timeout_may_cancel_what_is_due_too),
        TEST(a_timeout_may_meet_the_end_of_what_is_due_too),
        TEST(deadlines_run_on_the_loops_time_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
