/* The end of a handle, wherever it is asked for. */
#include "stage.h"

static job_t a, b;

static int begin(void **state)
{
    a = (job_t){.name = "a"};
    b = (job_t){.name = "b"};
    return stage_begin(state);
}

static void close_ends_what_is_in_flight_and_then_the_backend(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    job_submit(&b);
    stage_close();
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_CLOSING);
    assert_int_equal(puppet.held_count, 0);
    assert_int_equal(stage.journal.count, 2); /* both forgotten, nobody called */
    assert_said("forget", "forget", "a UV_ECANCELED ", "b UV_ECANCELED ", "close, 0 held, 0 topics",
                "closed");
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_CLOSED);
    assert_null(stage.cairn.core);
}

static void a_backend_may_take_its_time_to_close(void **state)
{
    (void)state;
    stage_ready();
    puppet.holds_close = true;
    stage_close();
    assert_said("close, 0 held, 0 topics");
    stage_forget();
    assert_silence();
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_CLOSING);
    puppet_closed();
    assert_int_equal(stage.journal.count, 0);
    assert_said("closed");
}

static void close_twice_closes_once(void **state)
{
    (void)state;
    stage_ready();
    stage_close();
    stage_close();
    assert_said("close, 0 held, 0 topics", "closed");
    stage_close();
    stage_forget();
    assert_silence();
}

static void close_without_a_callback_closes(void **state)
{
    (void)state;
    stage_ready();
    cairn_close(&stage.cairn, NULL);
    loop_run_until(&stage.loop, "close", stage_is_closed, NULL);
    assert_said("close, 0 held, 0 topics");
}

static void close_right_after_open(void **state)
{
    (void)state;
    stage_open();
    stage_close();
    assert_said("open puppet", "close, 0 held, 0 topics", "closed");
}

static void what_was_canceled_before_close_calls_back_once(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    job_submit(&b);
    assert_status(cairn_cancel(&b.publish.req), 0);
    stage_close();
    assert_status(cairn_cancel(&a.publish.req), UV_EALREADY);
    assert_said("forget", "forget", "b UV_ECANCELED ", "a UV_ECANCELED ", "close, 0 held, 0 topics",
                "closed");
}

static void what_is_closing_has_no_deadlines(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    puppet.holds_close = true;
    stage_close();
    advance(UINT64_C(1) << 30);
    assert_said("forget", "a UV_ECANCELED ", "close, 0 held, 0 topics");
    advance(UINT64_C(1) << 30);
}

static void close_now(const char *line)
{
    if (is_line(line, "a") || is_line(line, "disconnected")) stage_close();
}

static void close_in_the_callback_of_what_is_done(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    job_submit(&b);
    stage.react = close_now;
    puppet_publish_done(1);
    assert_said("a done 1", "forget", "b UV_ECANCELED ", "close, 0 held, 0 topics", "closed");
}

static void close_in_the_callback_of_a_timeout(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    job_submit(&b); /* due as well */
    stage.react = close_now;
    advance(5000);
    assert_said("forget", "a UV_ETIMEDOUT ", "forget", "b UV_ECANCELED ", "close, 0 held, 0 topics",
                "closed");
}

static void close_in_the_callback_of_what_was_canceled(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    job_submit(&b);
    stage.react = close_now;
    assert_status(cairn_cancel(&a.publish.req), 0);
    assert_said("forget", "a UV_ECANCELED ", "forget", "b UV_ECANCELED ", "close, 0 held, 0 topics",
                "closed");
}

static void close_in_an_event(void **state)
{
    (void)state;
    stage_ready();
    stage.react = close_now;
    puppet_disconnected(UV_EOF, "gone");
    puppet_disconnected(UV_EOF, "unheard");
    assert_said("disconnected UV_EOF gone", "close, 0 held, 0 topics", "closed");
}

static void a_closing_handle_hears_nothing_of_the_connection(void **state)
{
    (void)state;
    stage_ready();
    puppet.publish_status = CAIRN_EFULL;
    assert_status(job_try(&a), CAIRN_EFULL);
    stage_forget();
    puppet.holds_close = true;
    stage_close();
    puppet_disconnected(UV_EOF, "gone");
    puppet_connected();
    puppet_api()->credit(puppet.host);
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_CLOSING);
    assert_said("close, 0 held, 0 topics");
}

static void submit_in_vain(const char *line)
{
    if (!is_line(line, "a")) return;
    journal_add(&stage.journal, "submit: %s", cairn_err_name(job_try(&a)));
    journal_add(&stage.journal, "open: %s",
                cairn_err_name(cairn_open(&stage.cairn, &stage.loop, &stage.options, NULL)));
}

static void a_closing_handle_takes_no_work(void **state)
{
    (void)state;
    stage_ready();
    job_submit(&a);
    stage.react = submit_in_vain;
    stage_close();
    assert_said("forget", "a UV_ECANCELED ", "submit: CAIRN_ECLOSED", "open: UV_EBUSY",
                "close, 0 held, 0 topics", "closed");
}

static void reopen(const char *line)
{
    if (!is_line(line, "closed")) return;
    stage.react = NULL;
    stage_open();
    puppet_connected();
}

static void a_handle_may_be_opened_again_when_it_is_closed(void **state)
{
    (void)state;
    stage_ready();
    puppet_disconnected(UV_EOF, "gone");
    stage.react = reopen;
    stage_close();
    assert_said("disconnected UV_EOF gone", "close, 0 held, 0 topics", "closed", "open puppet",
                "connected puppet 1.0");
    assert_int_equal(stage_stats().disconnects, 0);
    job_submit(&a);
    puppet_publish_done(5);
    advance(5000);
    assert_string_equal(stage.journal.lines[stage.journal.count - 1], "a done 5");
}

static void free_handle(cairn_t *cairn)
{
    bool *freed = cairn->data;
    free(cairn);
    *freed = true;
}

static bool is_set(void *ctx)
{
    return *(bool *)ctx;
}

static void a_handle_may_be_freed_when_it_is_closed(void **state)
{
    (void)state;
    bool freed = false;
    cairn_t *cairn = calloc(1, sizeof *cairn);
    cairn->data = &freed;
    assert_status(cairn_open(cairn, &stage.loop, &stage.options, NULL), 0);
    cairn_close(cairn, free_handle);
    loop_run_until(&stage.loop, "close", is_set, &freed);
}

static void note_topic(cairn_broker_sub_t *sub, const cairn_broker_event_t *event)
{
    (void)sub;
    journal_add(&stage.journal, "event %d %s", (int)event->type, cairn_err_name(event->status));
}

/* As sys/backend.h promises it to backends. */
static void every_topic_is_closed_before_the_backend(void **state)
{
    (void)state;
    cairn_broker_sub_t subs[3] = {{.on_event = note_topic}};
    cairn_broker_message_cb never = (cairn_broker_message_cb)abort;
    stage_ready();
    assert_status(cairn_broker_subscribe(&stage.broker, &subs[0], cairn_str("x"), NULL, never), 0);
    assert_status(cairn_broker_subscribe(&stage.broker, &subs[1], cairn_str("x"), NULL, never), 0);
    assert_status(cairn_broker_subscribe(&stage.broker, &subs[2], cairn_str("y"), NULL, never), 0);
    assert_int_equal(puppet.topics_open, 2);
    stage_forget();
    stage_close();
    assert_said("event 6 UV_ECANCELED", "topic_close x", "topic_close y", "close, 0 held, 0 topics",
                "closed");
}

static void the_counters_of_a_closed_handle_are_zero(void **state)
{
    (void)state;
    cairn_stats_t zero = {0}, stats = {.requests = 5};
    cairn_stats(&stage.cairn, &stats);
    assert_memory_equal(&stats, &zero, sizeof zero);
    assert_string_equal(cairn_server(&stage.cairn), "");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, stage_end)
    const struct CMUnitTest tests[] = {
        TEST(close_ends_what_is_in_flight_and_then_the_backend),
        TEST(a_backend_may_take_its_time_to_close),
        TEST(close_twice_closes_once),
        TEST(close_without_a_callback_closes),
        TEST(close_right_after_open),
        TEST(what_was_canceled_before_close_calls_back_once),
        TEST(what_is_closing_has_no_deadlines),
        TEST(close_in_the_callback_of_what_is_done),
        TEST(close_in_the_callback_of_a_timeout),
        TEST(close_in_the_callback_of_what_was_canceled),
        TEST(close_in_an_event),
        TEST(a_closing_handle_hears_nothing_of_the_connection),
        TEST(a_closing_handle_takes_no_work),
        TEST(a_handle_may_be_opened_again_when_it_is_closed),
        TEST(a_handle_may_be_freed_when_it_is_closed),
        TEST(every_topic_is_closed_before_the_backend),
        TEST(the_counters_of_a_closed_handle_are_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
