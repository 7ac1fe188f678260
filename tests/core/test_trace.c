#include "stage.h"

#include <cairn/trace.h>

static job_t a, b;

/* Journals "begin OPERATION NAME" and "end OPERATION NAME STATUS DETAIL in MS". */
static void note(cairn_t *cairn, const cairn_trace_t *trace)
{
    assert_ptr_equal(cairn, &stage.cairn);
    const job_t *job = CAIRN_CONTAINER_OF(trace->req, job_t, publish.req);
    assert_string_equal(trace->system, "puppet");
    assert_true(trace->time_us == stage.clock.now_ms * 1000);
    if (trace->type == CAIRN_TRACE_BEGIN) {
        assert_int_equal(trace->duration_us, 0);
        assert_int_equal(trace->status, 0);
        journal_add(&stage.journal, "begin %s %s", trace->operation, job->name);
        return;
    }
    assert_false(cairn_is_active(trace->req));
    assert_true((trace->error == NULL) == (trace->status == 0));
    journal_add(&stage.journal, "end %s %s %s %.*s in %d", trace->operation, job->name,
                trace->error ? trace->error : "ok", (int)trace->detail.len,
                trace->detail.len ? trace->detail.ptr : "", (int)(trace->duration_us / 1000));
}

static int begin(void **state)
{
    a = (job_t){.name = "a"};
    b = (job_t){.name = "b"};
    int rc = stage_begin(state);
    stage.cairn.on_trace = note;
    return rc;
}

static int end(void **state)
{
    stage.cairn.on_trace = NULL; /* a test may leave something in flight, and a journal is freed */
    return stage_end(state);
}

static void a_request_begins_and_ends(void **state)
{
    (void)state;
    stage_ready();
    assert_status(job_try(&a), 0);
    advance(5);
    puppet_publish_done(1);
    assert_said("publish news a", "begin broker.publish a", "end broker.publish a ok  in 5",
                "a done 1");
}

static void an_error_has_its_name_and_words(void **state)
{
    (void)state;
    stage_ready();
    assert_status(job_try(&a), 0);
    puppet_fail(CAIRN_EDENIED, "NOPERM");
    assert_said("publish news a", "begin broker.publish a",
                "end broker.publish a CAIRN_EDENIED NOPERM in 0", "a CAIRN_EDENIED NOPERM");
}

static void what_is_refused_does_not_begin(void **state)
{
    (void)state;
    stage_ready();
    puppet.publish_status = CAIRN_EFULL;
    assert_status(job_try(&a), CAIRN_EFULL);
    assert_said("publish news a");
}

static void a_deadline_ends_it(void **state)
{
    (void)state;
    stage_ready();
    a.publish.req.timeout_ms = 10;
    assert_status(job_try(&a), 0);
    advance(10);
    assert_said("publish news a", "begin broker.publish a", "forget",
                "end broker.publish a UV_ETIMEDOUT  in 10", "a UV_ETIMEDOUT ");
}

static void canceling_ends_it_when_it_is_told(void **state)
{
    (void)state;
    stage_ready();
    assert_status(job_try(&a), 0);
    assert_status(cairn_cancel(&a.publish.req), 0);
    assert_int_equal(stage.journal.count, 3);
    assert_said("publish news a", "begin broker.publish a", "forget",
                "end broker.publish a UV_ECANCELED  in 0", "a UV_ECANCELED ");
}

static void closing_ends_everything_before_it_is_closed(void **state)
{
    (void)state;
    stage_ready();
    assert_status(job_try(&a), 0);
    assert_status(job_try(&b), 0);
    stage_close();
    assert_said("publish news a", "begin broker.publish a", "publish news b",
                "begin broker.publish b", "forget", "forget",
                "end broker.publish a UV_ECANCELED  in 0", "a UV_ECANCELED ",
                "end broker.publish b UV_ECANCELED  in 0", "b UV_ECANCELED ",
                "close, 0 held, 0 topics", "closed");
}

static void the_hook_may_come_and_go(void **state)
{
    (void)state;
    stage.cairn.on_trace = NULL;
    stage_ready();
    assert_status(job_try(&a), 0);
    stage.cairn.on_trace = note;
    advance(3);
    puppet_publish_done(1);
    assert_said("publish news a", "end broker.publish a ok  in 0", "a done 1");
    stage_forget();
    assert_status(job_try(&a), 0);
    stage.cairn.on_trace = NULL;
    puppet_publish_done(1);
    assert_said("publish news a", "begin broker.publish a", "a done 1");
}

/* ---- where ---- */

static const char *somewhere;
static char told[128];

static const char *where(void *self, const cairn_req_t *req)
{
    (void)self;
    if (req) assert_ptr_equal(req, &a.publish.req);
    return somewhere;
}

static void tell(cairn_t *cairn, const cairn_trace_t *trace)
{
    (void)cairn;
    snprintf(told, sizeof told, "%.*s %u", (int)trace->address.len, trace->address.ptr,
             (unsigned)trace->port);
}

static void an_address_is_a_name_and_a_port(void **state)
{
    (void)state;
    static const struct {
        const char *where, *told;
    } rows[] = {
        {"127.0.0.1:6379", "127.0.0.1 6379"},
        {"host:65535 (10.0.0.1)", "host 65535"},
        {"[::1]:7", "::1 7"},
        {"/run/a:b.sock", "/run/a:b.sock 0"},
        {"name", "name 0"},
        {"", " 0"},
    };
    cairn_backend_t placed = puppet_backend;
    placed.where = where;
    stage.backends[0] = &placed;
    stage_ready();
    stage.cairn.on_trace = tell;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        somewhere = rows[i].where;
        for (int ending = 0; ending < 2; ending++) {
            told[0] = '\0';
            if (ending) {
                puppet_publish_done(1);
            } else {
                job_submit(&a);
            }
            assert_string_equal(told, rows[i].told);
        }
    }
    stage_close();
    loop_run_until(&stage.loop, "close", stage_is_closed, NULL);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_request_begins_and_ends),         TEST(an_error_has_its_name_and_words),
        TEST(what_is_refused_does_not_begin),    TEST(a_deadline_ends_it),
        TEST(canceling_ends_it_when_it_is_told), TEST(closing_ends_everything_before_it_is_closed),
        TEST(the_hook_may_come_and_go),          TEST(an_address_is_a_name_and_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
