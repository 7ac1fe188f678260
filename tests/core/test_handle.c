#include "stage.h"

static job_t a, b;

static int begin(void **state)
{
    a = (job_t){.name = "a"};
    b = (job_t){.name = "b"};

    return stage_begin(state);
}

/* ---- open ---- */

static void open_returns_at_once_and_calls_nobody(void **state)
{
    (void)state;
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_CLOSED);
    stage_open();
    assert_said("open puppet");
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_OPENING);
    assert_string_equal(cairn_server(&stage.cairn), "");
    stage_forget();
    assert_silence();
}

static void the_backend_gets_the_options_and_the_loop(void **state)
{
    (void)state;
    stage.options.timeout_ms = 4711;
    stage.options.port = 4712;
    stage_open();
    assert_int_equal(puppet.options.timeout_ms, 4711);
    assert_int_equal(puppet.options.port, 4712);
    assert_ptr_equal(puppet.host->loop, &stage.loop);
    assert_true(puppet_api()->size >= sizeof(cairn_host_api_t));
    assert_int_equal(puppet_api()->now_ms(puppet.host), stage.clock.now_ms);
}

static void open_without_options_is_a_memory_backend(void **state)
{
    (void)state;
    assert_status(cairn_open(&stage.cairn, &stage.loop, NULL, NULL), 0);
    assert_said("connected memory " CAIRN_VERSION_STRING);
    assert_string_equal(cairn_server(&stage.cairn), "memory " CAIRN_VERSION_STRING);
}

static void open_by_url_reads_the_url(void **state)
{
    (void)state;
    cairn_error_t error = {0};
    assert_status(cairn_open_url(&stage.cairn, &stage.loop, "nonsense", &error), CAIRN_EURL);
    assert_int_equal(error.code, CAIRN_EURL);
    assert_status(cairn_open_url(&stage.cairn, &stage.loop, "nonsense", NULL), CAIRN_EURL);
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_CLOSED);
    assert_status(cairn_open_url(&stage.cairn, &stage.loop, "memory:", &error), 0);
    assert_said("connected memory " CAIRN_VERSION_STRING);
}

static int try_open(cairn_error_t *error)
{
    memset(error, 0, sizeof *error);
    int rc = cairn_open(&stage.cairn, &stage.loop, &stage.options, error);
    if (rc < 0) assert_int_equal(error->code, rc);
    return rc;
}

static void an_open_handle_cannot_be_opened(void **state)
{
    (void)state;
    cairn_error_t error;
    stage_ready();
    job_submit(&a);
    assert_status(try_open(&error), UV_EBUSY);
    assert_status(cairn_open(&stage.cairn, &stage.loop, &stage.options, NULL), UV_EBUSY);
    puppet_publish_done(1);
    assert_said("a done 1");
    puppet.holds_close = true;
    stage_close();
    assert_status(try_open(&error), UV_EBUSY);
    assert_said("a done 1", "close, 0 held, 0 topics");
    assert_status(try_open(&error), UV_EBUSY);
}

static void bad_options_open_nothing(void **state)
{
    (void)state;
    cairn_error_t error;
    stage.options.timeout_ms = 0;
    assert_status(try_open(&error), CAIRN_EOPTION);
    assert_contains(error.text, "timeout_ms");
    stage.options.timeout_ms = 1;
    stage.options.scheme = NULL;
    assert_status(try_open(&error), CAIRN_EOPTION);
    assert_contains(error.text, "scheme");
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_CLOSED);
    assert_silence();
}

static void a_backend_that_does_not_open_leaves_nothing(void **state)
{
    (void)state;
    cairn_error_t error;
    puppet.open_status = UV_ENOSYS;
    assert_status(try_open(&error), UV_ENOSYS);
    assert_string_equal(error.text, "puppet will not open");
    assert_status(cairn_open(&stage.cairn, &stage.loop, &stage.options, NULL), UV_ENOSYS);
    assert_int_equal(alloc_live(), 0);
    assert_null(stage.cairn.core);
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_CLOSED);
    puppet.open_status = 0;
    stage_open();
    assert_said("open puppet", "open puppet", "open puppet");
}

static void open_and_close(void *ctx)
{
    (void)ctx;
    cairn_error_t error = {0};
    int rc = cairn_open(&stage.cairn, &stage.loop, &stage.options, &error);
    if (rc < 0) {
        assert_status(rc, UV_ENOMEM);
        assert_int_equal(error.code, UV_ENOMEM);
        return;
    }
    cairn_close(&stage.cairn, NULL);
    loop_run_until(&stage.loop, "close", stage_is_closed, NULL);
}

static void open_survives_want_of_memory(void **state)
{
    (void)state;
    alloc_fault_each(ALLOC_FAIL_ONCE, 10, open_and_close, NULL);
    stage.options.scheme = "memory";
    alloc_fault_each(ALLOC_FAIL_ONCE, 10, open_and_close, NULL);
    alloc_watch();
}

static void note_deferred(cairn_task_t *task)
{
    (void)task;
    journal_add(&stage.journal, "deferred");
}

static void a_backend_may_defer_while_it_opens(void **state)
{
    (void)state;
    puppet.at_open.run = note_deferred;
    stage_open();
    assert_int_equal(stage.journal.count, 1);
    assert_said("open puppet", "deferred");
}

/* ---- finding the backend ---- */

static void the_scheme_picks_the_backend(void **state)
{
    (void)state;
    static const char *const schemes[] = {"puppet", "doll", "DOLL"};
    for (size_t i = 0; i < 3; i++) {
        stage.options.scheme = schemes[i];
        stage_open();
        stage_close();
        loop_run_until(&stage.loop, "close", stage_is_closed, NULL);
    }
    assert_int_equal(journal_count(&stage.journal, "open"), 3);
}

static void the_backends_given_come_before_the_built_in_ones(void **state)
{
    (void)state;
    cairn_backend_t memory = puppet_backend;
    memory.schemes = (const char *const[]){"memory", NULL};
    stage.backends[1] = &memory;
    stage.options.scheme = "memory";
    stage_open();
    assert_said("open memory");
    stage_close();
    loop_run_until(&stage.loop, "close", stage_is_closed, NULL);
    stage.backends[1] = NULL;
    stage_forget();
    stage_open();
    assert_said("connected memory " CAIRN_VERSION_STRING);
}

static void an_unknown_scheme_is_refused(void **state)
{
    (void)state;
    cairn_error_t error;
    stage.options.scheme = "gopher";
    assert_status(try_open(&error), CAIRN_ESCHEME);
    assert_contains(error.text, "gopher");
    stage.options.backends = NULL;
    stage.options.scheme = "puppet";
    assert_status(try_open(&error), CAIRN_ESCHEME);
    assert_int_equal(alloc_live(), 0);
    assert_silence();
}

static void assert_abi(cairn_backend_t *descriptor, int status, const char *says)
{
    cairn_error_t error;
    stage.backends[0] = descriptor;
    int rc = try_open(&error);
    assert_status(rc, status);
    if (status < 0) assert_contains(error.text, says);
    if (status < 0) assert_null(stage.cairn.core);
    if (status < 0) return;
    stage_close();
    loop_run_until(&stage.loop, "close", stage_is_closed, NULL);
}

static void a_backend_of_another_major_is_refused(void **state)
{
    (void)state;
    cairn_backend_t other = puppet_backend;
    other.abi_major = CAIRN_ABI_MAJOR + 1;
    assert_abi(&other, CAIRN_EABI, "puppet");
    assert_silence();
}

static void a_backend_of_another_minor_is_taken(void **state)
{
    (void)state;
    cairn_backend_t other = puppet_backend;
    other.abi_minor = CAIRN_ABI_MINOR + 100;
    other.size = sizeof other + 1000;
    assert_abi(&other, 0, "");
    other.abi_minor = 0;
    assert_abi(&other, 0, "");
}

/* What lies behind the magic of something else must not even be looked at. */
static void what_is_no_descriptor_is_refused(void **state)
{
    (void)state;
    static struct {
        uint32_t magic;
    } no_descriptor = {0x7f454c46};
    cairn_backend_t damaged = puppet_backend;
    damaged.magic = 0;
    damaged.schemes = NULL;
    assert_abi(&damaged, CAIRN_EABI, "descriptor");
    cairn_backend_t *at = (cairn_backend_t *)(void *)&no_descriptor;
    assert_abi(at, CAIRN_EABI, "descriptor");
}

static void a_descriptor_without_its_must_members_is_refused(void **state)
{
    (void)state;
    cairn_backend_t cut = puppet_backend;
    cut.size = offsetof(cairn_backend_t, forget);
    assert_abi(&cut, CAIRN_EABI, "puppet");
}

/* A descriptor that ends before a table has none, whatever lies behind it. */
static void an_interface_without_a_table_is_not_supported(void **state)
{
    (void)state;
    cairn_broker_sub_t sub = {0};
    cairn_broker_ops_t short_ops = puppet_broker_ops;
    short_ops.size = offsetof(cairn_broker_ops_t, topic_close);
    cairn_backend_t without = puppet_backend;
    for (int i = 0; i < 3; i++) {
        without.broker = i == 0 ? NULL : &puppet_broker_ops;
        without.size = i == 1 ? offsetof(cairn_backend_t, broker) : sizeof without;
        if (i == 2) without.broker = &short_ops;
        stage.backends[0] = &without;
        stage_open();
        for (int connected = 0; connected < 2; connected++) {
            assert_int_equal(cairn_capabilities(&stage.cairn), CAIRN_CAP_SHARED);
            assert_status(job_try(&a), UV_ENOTSUP);
            assert_status(cairn_broker_subscribe(&stage.broker, &sub, cairn_str("a"), NULL,
                                                 (cairn_broker_message_cb)abort),
                          UV_ENOTSUP);
            puppet_connected();
        }
        stage_close();
        loop_run_until(&stage.loop, "close", stage_is_closed, NULL);
    }
}

/* ---- the middle of its life ---- */

static void connecting_makes_it_ready(void **state)
{
    (void)state;
    stage_open();
    stage_forget();
    puppet_connected();
    assert_said("connected puppet 1.0");
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_READY);
    assert_string_equal(cairn_server(&stage.cairn), "puppet 1.0");
    assert_int_equal(stage_stats().connects, 1);
    assert_int_equal(stage_stats().disconnects, 0);
}

static void a_failed_attempt_leaves_it_opening(void **state)
{
    (void)state;
    stage_open();
    stage_forget();
    puppet_disconnected(UV_ECONNREFUSED, "connect x:1: connection refused");
    puppet_disconnected(UV_ETIMEDOUT, "connect x:1: no answer in time");
    assert_said("disconnected UV_ECONNREFUSED connect x:1: connection refused",
                "disconnected UV_ETIMEDOUT connect x:1: no answer in time");
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_OPENING);
    assert_int_equal(stage_stats().disconnects, 2);
    puppet_connected();
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_READY);
}

static void a_lost_link_makes_it_reconnect(void **state)
{
    (void)state;
    stage_ready();
    puppet_disconnected(UV_EOF, "gone");
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_RECONNECTING);
    assert_string_equal(cairn_server(&stage.cairn), "");
    puppet_disconnected(UV_ECONNREFUSED, "still gone");
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_RECONNECTING);
    puppet_connected();
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_READY);
    assert_said("disconnected UV_EOF gone", "disconnected UV_ECONNREFUSED still gone",
                "connected puppet 1.0");
    assert_int_equal(stage_stats().connects, 2);
    assert_int_equal(stage_stats().disconnects, 2);
}

static void on_event_may_be_missing_and_may_change(void **state)
{
    (void)state;
    stage.cairn.on_event = NULL;
    stage_open();
    puppet_connected();
    assert_int_equal(cairn_state(&stage.cairn), CAIRN_READY);
    stage.cairn.on_event = stage_event;
    stage_forget();
    puppet_disconnected(UV_EOF, "gone");
    assert_said("disconnected UV_EOF gone");
}

static void long_words_are_cut(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    stage_open();
    stage_forget();
    puppet_api()->connected(puppet.host, PUPPET_CAPABILITIES, text);
    assert_in_range(strlen(cairn_server(&stage.cairn)), 40, sizeof text);
    puppet_disconnected(UV_EOF, text);
    assert_int_equal(journal_count(&stage.journal, "connected xxxxxxxxxxxx"), 1);
    assert_int_equal(journal_count(&stage.journal, "disconnected UV_EOF xxxxxxxxxxxx"), 1);
}

static void credit_is_told_to_who_was_refused_and_once(void **state)
{
    (void)state;
    stage_ready();
    puppet_api()->credit(puppet.host);
    assert_int_equal(stage.journal.count, 0);
    puppet.publish_status = CAIRN_EFULL;
    assert_status(job_try(&a), CAIRN_EFULL);
    assert_status(job_try(&b), CAIRN_EFULL);
    stage_forget();
    puppet_api()->credit(puppet.host);
    puppet_api()->credit(puppet.host);
    assert_said("credit");
    puppet.publish_status = UV_ENOMEM;
    assert_status(job_try(&a), UV_ENOMEM);
    stage_forget();
    puppet_api()->credit(puppet.host);
    assert_int_equal(stage.journal.count, 0);
}

static void refused_again(const char *line)
{
    if (is_line(line, "credit")) assert_status(job_try(&a), CAIRN_EFULL);
}

static void who_is_refused_in_the_credit_event_is_told_again(void **state)
{
    (void)state;
    stage_ready();
    puppet.publish_status = CAIRN_EFULL;
    assert_status(job_try(&a), CAIRN_EFULL);
    stage.react = refused_again;
    puppet_api()->credit(puppet.host);
    stage.react = NULL;
    puppet_api()->credit(puppet.host);
    assert_said("publish news a", "credit", "publish news a", "credit");
}

static void note_log(cairn_t *cairn, cairn_log_level_t level, const char *text)
{
    (void)cairn;
    journal_add(&stage.journal, "log %d %s", (int)level, text);
}

static void the_backends_log_reaches_the_application(void **state)
{
    (void)state;
    stage_ready();
    puppet_api()->log(puppet.host, CAIRN_LOG_WARN, "unheard");
    stage.cairn.on_log = note_log;
    puppet_api()->log(puppet.host, CAIRN_LOG_WARN, "heard");
    assert_said("log 2 heard");
}

static void bytes_are_counted(void **state)
{
    (void)state;
    stage_ready();
    puppet_api()->count_bytes(puppet.host, 10, 3);
    puppet_api()->count_bytes(puppet.host, UINT64_C(1) << 33, 4);
    assert_true(stage_stats().bytes_in == 10 + (UINT64_C(1) << 33));
    assert_int_equal(stage_stats().bytes_out, 7);
}

/* ---- capabilities ---- */

static void capabilities_are_the_descriptors_until_a_server_is_met(void **state)
{
    (void)state;
    assert_int_equal(cairn_capabilities(&stage.cairn), 0);
    stage_open();
    assert_int_equal(cairn_capabilities(&stage.cairn), PUPPET_CAPABILITIES);
    puppet_api()->connected(puppet.host, CAIRN_CAP_TOPICS | CAIRN_CAP_PERSISTENT, "small");
    assert_int_equal(cairn_capabilities(&stage.cairn), CAIRN_CAP_TOPICS);
    puppet_api()->connected(puppet.host, UINT64_MAX, "great");
    assert_int_equal(cairn_capabilities(&stage.cairn), PUPPET_CAPABILITIES);
}

static void what_the_server_cannot_do_is_refused(void **state)
{
    (void)state;
    static cairn_broker_sub_t sub; /* it ends with the handle, after this returns */
    cairn_broker_message_cb never = (cairn_broker_message_cb)abort;
    stage_open();
    puppet_api()->connected(puppet.host, CAIRN_CAP_SHARED, "small");
    assert_status(job_try(&a), UV_ENOTSUP);
    assert_contains(a.publish.req.detail.ptr, "puppet");
    assert_status(cairn_broker_subscribe(&stage.broker, &sub, cairn_str("a"), NULL, never),
                  UV_ENOTSUP);
    puppet_api()->connected(puppet.host, CAIRN_CAP_TOPICS, "greater");
    assert_status(cairn_broker_psubscribe(&stage.broker, &sub, cairn_str("a*"), NULL, never),
                  UV_ENOTSUP);
    assert_null(sub.sub);
    assert_status(cairn_broker_subscribe(&stage.broker, &sub, cairn_str("a"), NULL, never), 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, stage_end)
    const struct CMUnitTest tests[] = {
        TEST(open_returns_at_once_and_calls_nobody),
        TEST(the_backend_gets_the_options_and_the_loop),
        TEST(open_without_options_is_a_memory_backend),
        TEST(open_by_url_reads_the_url),
        TEST(an_open_handle_cannot_be_opened),
        TEST(bad_options_open_nothing),
        TEST(a_backend_that_does_not_open_leaves_nothing),
        TEST(open_survives_want_of_memory),
        TEST(a_backend_may_defer_while_it_opens),
        TEST(the_scheme_picks_the_backend),
        TEST(the_backends_given_come_before_the_built_in_ones),
        TEST(an_unknown_scheme_is_refused),
        TEST(a_backend_of_another_major_is_refused),
        TEST(a_backend_of_another_minor_is_taken),
        TEST(what_is_no_descriptor_is_refused),
        TEST(a_descriptor_without_its_must_members_is_refused),
        TEST(an_interface_without_a_table_is_not_supported),
        TEST(connecting_makes_it_ready),
        TEST(a_failed_attempt_leaves_it_opening),
        TEST(a_lost_link_makes_it_reconnect),
        TEST(on_event_may_be_missing_and_may_change),
        TEST(long_words_are_cut),
        TEST(credit_is_told_to_who_was_refused_and_once),
        TEST(who_is_refused_in_the_credit_event_is_told_again),
        TEST(the_backends_log_reaches_the_application),
        TEST(bytes_are_counted),
        TEST(capabilities_are_the_descriptors_until_a_server_is_met),
        TEST(what_the_server_cannot_do_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
