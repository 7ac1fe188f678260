/* One handle, one loop, one thread: debug builds catch who calls from another. Each call is made on
 * a thread of a process of its own, which it ends. */
#include "ears.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static job_t job;

static int begin(void **state)
{
    int rc = ears_begin(state);
    job = (job_t){.name = "job"};
    job_submit(&job);
    subscribed(&a, "x", NULL);
    return rc;
}

/* How a process ends that makes the call on another thread: the signal, or 0. */
static int outcome(void (*call)(void *))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL); /* cmocka's would say that the test failed */
        close(STDERR_FILENO);
        uv_thread_t thread;
        if (uv_thread_create(&thread, call, NULL) == 0) uv_thread_join(&thread);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void assert_caught(void (*call)(void *))
{
#ifdef NDEBUG
    (void)call;
    skip();
#else
    assert_int_equal(outcome(call), SIGABRT);
#endif
}

static void ask(void *arg)
{
    (void)arg;
    (void)cairn_state(&stage.cairn);
}

static void asking_for_its_state_is_no_crime(void **state)
{
    (void)state;
    assert_int_equal(outcome(ask), 0);
}

static void do_publish(void *arg)
{
    (void)arg;
    static job_t other = {.name = "other"};
    (void)job_try(&other);
}

static void publish_is_caught(void **state)
{
    (void)state;
    assert_caught(do_publish);
}

static void do_cancel(void *arg)
{
    (void)arg;
    (void)!cairn_cancel(&job.publish.req);
}

static void cancel_is_caught(void **state)
{
    (void)state;
    assert_caught(do_cancel);
}

static void do_close(void *arg)
{
    (void)arg;
    cairn_close(&stage.cairn, NULL);
}

static void close_is_caught(void **state)
{
    (void)state;
    assert_caught(do_close);
}

static void do_subscribe(void *arg)
{
    (void)arg;
    (void)subscribe(&b, "y", NULL);
}

static void subscribe_is_caught(void **state)
{
    (void)state;
    assert_caught(do_subscribe);
}

static void do_unsubscribe(void *arg)
{
    (void)arg;
    unsubscribe(&a);
}

static void do_start(void *arg)
{
    (void)arg;
    start(&a);
}

static void do_stop(void *arg)
{
    (void)arg;
    stop(&a);
}

static void do_credit(void *arg)
{
    (void)arg;
    credit(&a, 1);
}

static void do_drain(void *arg)
{
    (void)arg;
    (void)drain(&a, 1000);
}

static void every_call_on_a_subscription_is_caught(void **state)
{
    (void)state;
    assert_caught(do_unsubscribe);
    assert_caught(do_start);
    assert_caught(do_stop);
    assert_caught(do_credit);
    assert_caught(do_drain);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, stage_end)
    const struct CMUnitTest tests[] = {
        TEST(asking_for_its_state_is_no_crime),
        TEST(publish_is_caught),
        TEST(cancel_is_caught),
        TEST(close_is_caught),
        TEST(subscribe_is_caught),
        TEST(every_call_on_a_subscription_is_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
