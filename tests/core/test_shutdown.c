/* A close that lets what is in flight finish. */
#include "stage.h"

static job_t a, b;

static int begin(void **state)
{
    a = (job_t){.name = "a"};
    b = (job_t){.name = "b"};
    return stage_begin(state);
}

static void shut_down(uint64_t timeout_ms)
{
    cairn_shutdown(&stage.cairn, timeout_ms, stage_closed);
}

static void it_waits_for_what_is_in_flight(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    job_submit(&b);
    shut_down(1000);
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_CLOSING);
    assert_silence();
    puppet_publish_done(1);
    assert_said("a done 1");
    stage_forget();
    assert_silence();
    puppet_publish_done(1);
    assert_said("b done 1", "close, 0 held, 0 topics", "closed");
}

static void with_nothing_in_flight_it_closes(void **state)
{
    (void)state;
    stage_ready();
    shut_down(1000);
    assert_int_equal(stage.journal.count, 0);
    assert_said("close, 0 held, 0 topics", "closed");
    shut_down(1000);
    stage_forget();
    assert_silence();
}

static void the_deadline_cancels_what_is_left(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    shut_down(1000);
    advance(999);
    assert_silence();
    advance(2);
    assert_said("forget", "a UV_ECANCELED ", "close, 0 held, 0 topics", "closed");
}

static void no_message(cairn_broker_sub_t *sub, const cairn_broker_message_t *message)
{
    (void)sub, (void)message;
    journal_add(&stage.journal, "A MESSAGE");
}

static void it_takes_no_work(void **state)
{
    (void)state;
    static cairn_broker_sub_t sub;
    stage_ready();
    job_submit(&a);
    shut_down(1000);
    assert_status(job_try(&b), CAIRN_ECLOSED);
    assert_status(cairn_broker_subscribe(&stage.broker, &sub, cairn_str("x"), NULL, no_message),
                  CAIRN_ECLOSED);
    puppet_publish_done(1);
    assert_said("a done 1", "close, 0 held, 0 topics", "closed");
}

static void events_are_told_meanwhile_and_what_waits_may_still_go(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    shut_down(1000);
    puppet_disconnected(UV_EOF, "gone");
    puppet_connected();
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_CLOSING);
    assert_int_equal(journal_count(&stage.journal, "disconnected UV_EOF gone"), 1);
    assert_int_equal(journal_count(&stage.journal, "connected"), 1);
    stage_forget();
    puppet_publish_done(1);
    assert_said("a done 1", "close, 0 held, 0 topics", "closed");
}

static void close_cuts_it_short_and_its_callback_is_kept(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    shut_down(1000);
    shut_down(5);
    cairn_close(&stage.cairn, NULL);
    assert_said("forget", "a UV_ECANCELED ", "close, 0 held, 0 topics", "closed");
}

static void shut_down_now(const char *line)
{
    if (is_line(line, "a done")) shut_down(1000);
}

static void in_a_callback_it_works(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    stage.react = shut_down_now;
    puppet_publish_done(1);
    assert_said("a done 1", "close, 0 held, 0 topics", "closed");
}

static void what_is_closed_stays_closed(void **state)
{
    (void)state;
    stage_ready();
    stage_close();
    shut_down(1000);
    assert_said("close, 0 held, 0 topics", "closed");
    shut_down(1000);
    stage_forget();
    assert_silence();
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, stage_end)
    const struct CMUnitTest tests[] = {
        TEST(it_waits_for_what_is_in_flight),
        TEST(with_nothing_in_flight_it_closes),
        TEST(the_deadline_cancels_what_is_left),
        TEST(it_takes_no_work),
        TEST(events_are_told_meanwhile_and_what_waits_may_still_go),
        TEST(close_cuts_it_short_and_its_callback_is_kept),
        TEST(in_a_callback_it_works),
        TEST(what_is_closed_stays_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
