#include "check.h"
#include "journal.h"
#include "list.h"
#include "loop.h"
#include "turn.h"

typedef struct job {
    cairn_task_t task;
    const char *name;
    struct job *defers;   /* when it runs */
    struct job *undefers; /* and before that */
    int times;            /* how often it does either */
} job_t;

static struct {
    uv_loop_t loop;
    turn_t turn;
    journal_t journal;
} world;

static void run(cairn_task_t *task)
{
    job_t *job = CONTAINER_OF(task, job_t, task);
    journal_add(&world.journal, "%s", job->name);
    if (list_linked(&task->link)) journal_add(&world.journal, "still linked");
    if (job->times-- <= 0) return;
    if (job->undefers) turn_undefer(&job->undefers->task);
    if (job->defers) turn_defer(&world.turn, &job->defers->task);
}

static job_t job(const char *name)
{
    return (job_t){.task = {.run = run}, .name = name};
}

static void defer(job_t *job)
{
    turn_defer(&world.turn, &job->task);
}

static void await(size_t lines)
{
    assert_int_equal(world.journal.count, lines);
}

#define assert_ran(...) journal_await(&world.journal, &world.loop, __VA_ARGS__)

static int open_world(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    turn_init(&world.turn);
    return uv_loop_init(&world.loop);
}

static int begin(void **state)
{
    int rc = open_world(state);
    turn_attach(&world.turn, &world.loop);
    return rc;
}

static int end(void **state)
{
    (void)state;
    uv_close((uv_handle_t *)&world.turn.idle, NULL);
    loop_finish(&world.loop);
    journal_free(&world.journal);
    return 0;
}

static void tasks_run_later_in_the_order_they_were_deferred(void **state)
{
    (void)state;
    job_t a = job("a"), b = job("b"), c = job("c");
    defer(&b);
    defer(&a);
    defer(&c);
    await(0);
    loop_turns(&world.loop, 1);
    assert_ran("b", "a", "c");
}

static void a_task_runs_once(void **state)
{
    (void)state;
    job_t a = job("a");
    defer(&a);
    loop_turns(&world.loop, 3);
    assert_ran("a");
}

static void deferring_what_is_deferred_does_nothing(void **state)
{
    (void)state;
    job_t a = job("a"), b = job("b");
    defer(&a);
    defer(&b);
    defer(&a);
    loop_turns(&world.loop, 3);
    assert_ran("a", "b");
}

static void a_task_may_be_deferred_again_after_it_ran(void **state)
{
    (void)state;
    job_t a = job("a");
    defer(&a);
    loop_turns(&world.loop, 2);
    defer(&a);
    loop_turns(&world.loop, 2);
    assert_ran("a", "a");
}

static void undeferred_tasks_do_not_run(void **state)
{
    (void)state;
    job_t a = job("a"), b = job("b"), c = job("c");
    defer(&a);
    defer(&b);
    defer(&c);
    turn_undefer(&b.task);
    assert_false(list_linked(&b.task.link));
    loop_turns(&world.loop, 2);
    assert_ran("a", "c");
}

static void undeferring_what_is_not_deferred_is_harmless(void **state)
{
    (void)state;
    job_t a = job("a"), b = job("b");
    turn_undefer(&a.task);
    defer(&b);
    loop_turns(&world.loop, 2);
    turn_undefer(&b.task);
    turn_undefer(&b.task);
    assert_ran("b");
}

static void the_last_one_undeferred_leaves_room_for_the_next(void **state)
{
    (void)state;
    job_t a = job("a"), b = job("b");
    defer(&a);
    turn_undefer(&a.task);
    defer(&b);
    loop_turns(&world.loop, 1);
    assert_ran("b");
}

/* ---- from inside a task ---- */

static void what_a_task_defers_waits_for_the_next_turn(void **state)
{
    (void)state;
    job_t a = job("a"), b = job("b"), c = job("c");
    a.defers = &b;
    a.times = 1;
    defer(&a);
    defer(&c);
    loop_turns(&world.loop, 1);
    await(2);
    loop_turns(&world.loop, 1);
    assert_ran("a", "c", "b");
}

static void a_task_that_defers_itself_runs_once_a_turn(void **state)
{
    (void)state;
    job_t a = job("a");
    a.defers = &a;
    a.times = 3;
    defer(&a);
    for (size_t turn = 1; turn <= 4; turn++) {
        loop_turns(&world.loop, 1);
        await(turn);
    }
    loop_turns(&world.loop, 3);
    assert_ran("a", "a", "a", "a");
}

static void a_task_may_take_back_the_one_behind_it(void **state)
{
    (void)state;
    job_t a = job("a"), b = job("b"), c = job("c");
    a.undefers = &b;
    a.times = 1;
    defer(&a);
    defer(&b);
    defer(&c);
    loop_turns(&world.loop, 2);
    assert_ran("a", "c");
}

/* ... and the only one behind it, or the last. */
static void a_task_may_take_back_the_last_one(void **state)
{
    (void)state;
    job_t a = job("a"), b = job("b");
    a.undefers = &b;
    a.times = 1;
    defer(&a);
    defer(&b);
    loop_turns(&world.loop, 2);
    assert_ran("a");
    assert_false(uv_is_active((uv_handle_t *)&world.turn.idle));
}

static void what_is_taken_back_and_deferred_anew_goes_to_the_end(void **state)
{
    (void)state;
    job_t a = job("a"), b = job("b"), c = job("c");
    a.undefers = &b;
    a.defers = &b;
    a.times = 1;
    defer(&a);
    defer(&b);
    defer(&c);
    loop_turns(&world.loop, 1);
    await(2);
    loop_turns(&world.loop, 1);
    assert_ran("a", "c", "b");
}

/* b takes back what a deferred in the same turn, which stands behind the fence. */
static void a_task_may_take_back_what_waits_for_the_next_turn(void **state)
{
    (void)state;
    job_t a = job("a"), b = job("b"), c = job("c");
    a.defers = &c;
    a.times = 1;
    b.undefers = &c;
    b.times = 1;
    defer(&a);
    defer(&b);
    loop_turns(&world.loop, 3);
    assert_ran("a", "b");
    assert_false(uv_is_active((uv_handle_t *)&world.turn.idle));
}

/* ---- with the loop ---- */

static void tasks_deferred_before_attach_run_after_it(void **state)
{
    (void)state;
    job_t a = job("a"), b = job("b"), c = job("c");
    defer(&a);
    defer(&b);
    turn_undefer(&a.task);
    turn_attach(&world.turn, &world.loop);
    defer(&c);
    loop_turns(&world.loop, 1);
    assert_ran("b", "c");
}

static void an_idle_turn_lets_the_loop_end(void **state)
{
    (void)state;
    job_t a = job("a");
    assert_int_equal(uv_run(&world.loop, UV_RUN_DEFAULT), 0);
    defer(&a);
    assert_int_equal(uv_run(&world.loop, UV_RUN_DEFAULT), 0);
    assert_ran("a");
}

static job_t *deferred_by_handle;

static void on_timer(uv_timer_t *timer)
{
    journal_add(&world.journal, "timer");
    if (deferred_by_handle) defer(deferred_by_handle);
    uv_close((uv_handle_t *)timer, NULL);
}

static void on_prepare(uv_prepare_t *prepare)
{
    journal_add(&world.journal, "prepare");
    defer(deferred_by_handle);
    uv_close((uv_handle_t *)prepare, NULL);
}

static void on_check(uv_check_t *check)
{
    journal_add(&world.journal, "check");
    defer(deferred_by_handle);
    uv_close((uv_handle_t *)check, NULL);
}

/* A timer far away keeps the loop alive: if the loop slept, it would be for that long. */
static void the_loop_does_not_sleep_while_a_task_waits(void **state)
{
    (void)state;
    static uv_timer_t far; /* they are closed after this returns */
    static uv_prepare_t prepare;
    static uv_check_t check;
    job_t a = job("a"), b = job("b");
    uv_timer_init(&world.loop, &far);
    uv_timer_start(&far, on_timer, (uint64_t)LOOP_DEADLINE_MS * 100, 0);
    uint64_t begin_ns = uv_hrtime();

    deferred_by_handle = &a;
    uv_prepare_init(&world.loop, &prepare);
    uv_prepare_start(&prepare, on_prepare);
    uv_run(&world.loop, UV_RUN_NOWAIT); /* the idle phase is over when prepare defers */
    uv_run(&world.loop, UV_RUN_ONCE);

    deferred_by_handle = &b;
    uv_check_init(&world.loop, &check);
    uv_check_start(&check, on_check);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    uv_run(&world.loop, UV_RUN_ONCE);

    assert_ran("prepare", "a", "check", "b");
    assert_true(uv_hrtime() - begin_ns < LOOP_DEADLINE_MS * 1000000ull);
    uv_close((uv_handle_t *)&far, NULL);
}

static void endless_work_starves_no_timer(void **state)
{
    (void)state;
    static uv_timer_t timer;
    job_t a = job("a");
    a.defers = &a;
    a.times = INT32_MAX;
    deferred_by_handle = NULL;
    uv_timer_init(&world.loop, &timer);
    uv_timer_start(&timer, on_timer, 1, 0);
    defer(&a);
    journal_await_count(&world.journal, &world.loop, "timer", 1);
    turn_undefer(&a.task);
    assert_true(journal_count(&world.journal, "a") > 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(tasks_run_later_in_the_order_they_were_deferred),
        TEST(a_task_runs_once),
        TEST(deferring_what_is_deferred_does_nothing),
        TEST(a_task_may_be_deferred_again_after_it_ran),
        TEST(undeferred_tasks_do_not_run),
        TEST(undeferring_what_is_not_deferred_is_harmless),
        TEST(the_last_one_undeferred_leaves_room_for_the_next),
        TEST(what_a_task_defers_waits_for_the_next_turn),
        TEST(a_task_that_defers_itself_runs_once_a_turn),
        TEST(a_task_may_take_back_the_one_behind_it),
        TEST(a_task_may_take_back_the_last_one),
        TEST(what_is_taken_back_and_deferred_anew_goes_to_the_end),
        TEST(a_task_may_take_back_what_waits_for_the_next_turn),
        cmocka_unit_test_setup_teardown(tasks_deferred_before_attach_run_after_it, open_world, end),
        TEST(an_idle_turn_lets_the_loop_end),
        TEST(the_loop_does_not_sleep_while_a_task_waits),
        TEST(endless_work_starves_no_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
