/* A handle without a connection: for how long requests wait, and what they are told. */
#include "stage.h"

static job_t a, b;

static int begin(void **state)
{
    a = (job_t){.name = "a"};
    b = (job_t){.name = "b"};
    int rc = stage_begin(state);
    stage.options.fail_fast_ms = 1000;
    stage.options.timeout_ms = 100000;
    return rc;
}

static void lose(const char *why)
{
    puppet_disconnected(UV_ECONNREFUSED, why);
}

static void what_waits_fails_when_there_was_no_connection_for_long(void **state)
{
    (void)state;
    stage_open();
    stage_forget();
    lose("nobody there");
    job_submit(&a);
    advance(900);
    lose("still nobody");
    stage_forget();
    assert_silence();
    advance(101);
    assert_said("forget", "a CAIRN_EDOWN still nobody");
}

static void new_work_is_refused_with_the_reason_until_there_is_a_connection(void **state)
{
    (void)state;
    stage_open();
    lose("nobody there");
    advance(1001);
    stage_forget();
    assert_status(job_try(&a), CAIRN_EDOWN);
    assert_true(cairn_err_retryable(CAIRN_EDOWN));
    assert_true(cairn_slice_eq(a.publish.req.detail, cairn_str("nobody there")));
    puppet_connected();
    job_submit(&a);
    assert_true(cairn_is_active(&a.publish.req));
}

static void the_time_counts_from_the_loss_of_each_connection(void **state)
{
    (void)state;
    stage_ready();
    advance(5000);
    lose("gone");
    advance(900);
    puppet_connected();
    advance(5000);
    lose("gone again");
    advance(900);
    stage_forget();
    job_submit(&a);
    assert_silence();
    advance(101);
    assert_said("forget", "a CAIRN_EDOWN gone again");
}

static void who_has_no_deadline_waits_on(void **state)
{
    (void)state;
    stage_ready();
    lose("gone");
    a.publish.req.timeout_ms = CAIRN_NO_TIMEOUT;
    b.publish.req.timeout_ms = CAIRN_NO_TIMEOUT;
    stage_forget();
    job_submit(&a);
    advance(1001);
    job_submit(&b);
    assert_silence();
}

static void zero_lets_all_wait_for_their_deadlines(void **state)
{
    (void)state;
    stage.options.fail_fast_ms = 0;
    stage_ready();
    lose("gone");
    stage_forget();
    job_submit(&a);
    advance(99999);
    assert_silence();
    advance(2);
    assert_said("forget", "a UV_ETIMEDOUT gone");
}

static void close_in_the_callback(const char *line)
{
    if (is_line(line, "a CAIRN_EDOWN")) stage_close();
}

static void closing_in_the_callback_works(void **state)
{
    (void)state;
    stage_ready();
    lose("gone");
    stage_forget();
    job_submit(&a);
    job_submit(&b);
    stage.react = close_in_the_callback;
    advance(1001);
    assert_said("forget", "forget", "a CAIRN_EDOWN gone", "b CAIRN_EDOWN gone",
                "close, 0 held, 0 topics", "closed");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, stage_end)
    const struct CMUnitTest tests[] = {
        TEST(what_waits_fails_when_there_was_no_connection_for_long),
        TEST(new_work_is_refused_with_the_reason_until_there_is_a_connection),
        TEST(the_time_counts_from_the_loss_of_each_connection),
        TEST(who_has_no_deadline_waits_on),
        TEST(zero_lets_all_wait_for_their_deadlines),
        TEST(closing_in_the_callback_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
