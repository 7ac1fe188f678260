#include "check.h"
#include "deadlines.h"
#include "fake_clock.h"
#include "journal.h"
#include "list.h"
#include "loop.h"
#include "random.h"

#include <inttypes.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct alarm {
    cairn_deadline_t deadline;
    const char *name;
    struct alarm *stops; /* when it expires */
    struct alarm *starts;
    uint64_t starts_ms;
} alarm_t;

static struct {
    uv_loop_t loop;
    fake_clock_t clock;
    deadlines_t deadlines;
    journal_t journal;
} world;

static void expire(cairn_deadline_t *deadline)
{
    alarm_t *alarm = CONTAINER_OF(deadline, alarm_t, deadline);
    journal_add(&world.journal, "%s", alarm->name);
    if (list_linked(&deadline->link)) journal_add(&world.journal, "still linked");
    if (alarm->stops) deadlines_stop(&world.deadlines, &alarm->stops->deadline);
    if (alarm->starts)
        deadlines_start(&world.deadlines, &alarm->starts->deadline, alarm->starts_ms);
}

static alarm_t alarm_named(const char *name)
{
    return (alarm_t){.deadline = {.expire = expire}, .name = name};
}

static void start(alarm_t *alarm, uint64_t timeout_ms)
{
    deadlines_start(&world.deadlines, &alarm->deadline, timeout_ms);
}

static void stop(alarm_t *alarm)
{
    deadlines_stop(&world.deadlines, &alarm->deadline);
}

static void advance(uint64_t ms)
{
    world.clock.now_ms += ms;
    deadlines_tick(&world.deadlines);
}

#define assert_expired(...) journal_await(&world.journal, &world.loop, __VA_ARGS__)

static void begin_on(cairn_clock_t clock)
{
    memset(&world.journal, 0, sizeof world.journal);
    assert_int_equal(uv_loop_init(&world.loop), 0);
    memset(&world.deadlines, 0, sizeof world.deadlines);
    deadlines_init(&world.deadlines, &world.loop, clock);
}

static int begin_fake(void **state)
{
    (void)state;
    world.clock.now_ms = 1000;
    begin_on(fake_clock_hook(&world.clock));
    return 0;
}

static int begin_real(void **state)
{
    (void)state;
    begin_on((cairn_clock_t){0});
    return 0;
}

static int end(void **state)
{
    (void)state;
    uv_handle_t *handles[DEADLINES_HANDLES];
    deadlines_handles(&world.deadlines, handles);
    for (int i = 0; i < DEADLINES_HANDLES; i++) uv_close(handles[i], NULL);
    loop_finish(&world.loop);
    journal_free(&world.journal);
    return 0;
}

/* ---- by the handle's clock ---- */

static void now_is_the_clocks_time(void **state)
{
    (void)state;
    assert_int_equal(deadlines_now(&world.deadlines), 1000);
    world.clock.now_ms += 5;
    assert_int_equal(deadlines_now(&world.deadlines), 1005);
}

static void a_deadline_expires_when_its_time_has_passed_and_not_before(void **state)
{
    (void)state;
    alarm_t a = alarm_named("a");
    start(&a, 50);
    advance(0);
    advance(49);
    assert_int_equal(world.journal.count, 0);
    advance(1);
    assert_expired("a");
    advance(1000000);
    assert_expired("a");
}

static void deadlines_expire_in_the_order_they_are_due(void **state)
{
    (void)state;
    alarm_t a = alarm_named("a"), b = alarm_named("b"), c = alarm_named("c"), d = alarm_named("d");
    start(&a, 5000);
    start(&b, 70);
    start(&c, 100000);
    start(&d, 70);
    advance(100000);
    assert_expired("b", "d", "a", "c");
}

static void a_stopped_deadline_does_not_expire(void **state)
{
    (void)state;
    alarm_t a = alarm_named("a"), b = alarm_named("b");
    start(&a, 10);
    start(&b, 10);
    stop(&a);
    advance(10);
    assert_expired("b");
}

static void stopping_is_harmless_at_any_time(void **state)
{
    (void)state;
    alarm_t a = alarm_named("a"), b = alarm_named("b");
    stop(&a);
    start(&b, 10);
    stop(&b);
    stop(&b);
    start(&b, 10);
    advance(10);
    stop(&b);
    assert_expired("b");
}

static void a_deadline_may_be_started_again(void **state)
{
    (void)state;
    alarm_t a = alarm_named("a");
    start(&a, 10);
    stop(&a);
    start(&a, 20);
    advance(10);
    assert_int_equal(world.journal.count, 0);
    advance(10);
    start(&a, 5);
    advance(5);
    assert_expired("a", "a");
}

static void the_longest_time_is_kept(void **state)
{
    (void)state;
    alarm_t a = alarm_named("a"), b = alarm_named("b");
    start(&a, UINT32_MAX);
    start(&b, 86400000);
    advance(86399999);
    assert_int_equal(world.journal.count, 0);
    advance(1);
    advance(UINT32_MAX - 86400000ull - 1);
    assert_int_equal(world.journal.count, 1);
    advance(1);
    assert_expired("b", "a");
}

static void no_time_at_all_is_due_at_the_next_tick(void **state)
{
    (void)state;
    alarm_t a = alarm_named("a");
    start(&a, 0);
    assert_int_equal(world.journal.count, 0);
    advance(0);
    assert_expired("a");
}

/* ---- from inside an expiry ---- */

static void an_expiry_may_stop_another_that_is_due_too(void **state)
{
    (void)state;
    alarm_t a = alarm_named("a"), b = alarm_named("b"), c = alarm_named("c");
    a.stops = &b;
    start(&a, 10);
    start(&b, 10);
    start(&c, 11);
    advance(20);
    assert_expired("a", "c");
}

static void an_expiry_may_stop_one_that_is_due_much_later(void **state)
{
    (void)state;
    alarm_t a = alarm_named("a"), b = alarm_named("b");
    a.stops = &b;
    start(&a, 10);
    start(&b, 1000000);
    advance(10);
    advance(1000000);
    assert_expired("a");
}

static void an_expiry_may_start_itself_again(void **state)
{
    (void)state;
    alarm_t a = alarm_named("a");
    a.starts = &a;
    a.starts_ms = 10;
    start(&a, 10);
    for (int i = 0; i < 3; i++) advance(10);
    assert_expired("a", "a", "a");
    stop(&a);
}

/* It waits for the next tick: this one comes to an end. */
static void an_expiry_may_start_what_is_due_at_once(void **state)
{
    (void)state;
    alarm_t a = alarm_named("a");
    a.starts = &a;
    start(&a, 10);
    advance(10);
    assert_int_equal(world.journal.count, 1);
    advance(0);
    assert_int_equal(world.journal.count, 2);
    stop(&a);
}

/* ---- against a plain array ---- */

#define MODEL_ALARMS 300

typedef struct entry {
    cairn_deadline_t deadline;
    uint64_t due_ms; /* 0: not started */
    uint64_t fired_ms;
} entry_t;

static void note_expiry(cairn_deadline_t *deadline)
{
    entry_t *entry = CONTAINER_OF(deadline, entry_t, deadline);
    entry->fired_ms = world.clock.now_ms;
}

static void check_entries(entry_t *entries)
{
    for (size_t i = 0; i < MODEL_ALARMS; i++) {
        entry_t *entry = &entries[i];
        bool due = entry->due_ms && entry->due_ms <= world.clock.now_ms;
        if (due != (entry->fired_ms != 0))
            check_fail("due %" PRIu64 ", now %" PRIu64 ", expired %" PRIu64, entry->due_ms,
                       world.clock.now_ms, entry->fired_ms);
        if (due) entry->due_ms = entry->fired_ms = 0;
    }
}

static void each_expires_at_the_first_tick_at_which_it_is_due(void **state)
{
    (void)state;
    static entry_t entries[MODEL_ALARMS];
    memset(entries, 0, sizeof entries);
    uint64_t random = 42;
    for (int round = 0; round < 3000; round++) {
        entry_t *entry = &entries[random_below(&random, MODEL_ALARMS)];
        deadlines_stop(&world.deadlines, &entry->deadline);
        entry->due_ms = 0;
        if (random_below(&random, 4)) {
            uint64_t ms = random_below(&random, 1ull << random_below(&random, 30));
            entry->deadline.expire = note_expiry;
            entry->due_ms = world.clock.now_ms + ms;
            deadlines_start(&world.deadlines, &entry->deadline, ms);
        }
        advance(random_below(&random, 1ull << random_below(&random, 12)));
        check_entries(entries);
    }
    for (size_t i = 0; i < MODEL_ALARMS; i++)
        deadlines_stop(&world.deadlines, &entries[i].deadline);
}

/* ---- on the loop ---- */

static void a_deadline_expires_by_the_loop_alone(void **state)
{
    (void)state;
    alarm_t a = alarm_named("a"), b = alarm_named("b"), c = alarm_named("c");
    start(&a, 30);
    start(&b, 1);
    uint64_t begin_ns = uv_hrtime();
    assert_int_equal(world.journal.count, 0);
    assert_expired("b", "a");
    uint64_t took_ns = uv_hrtime() - begin_ns;
    assert_true(took_ns >= 29 * 1000000ull);                  /* libuv counts whole milliseconds */
    assert_true(took_ns < LOOP_DEADLINE_MS * 1000000ull / 2); /* and nothing else woke the loop */
    start(&c, 0);
    assert_expired("b", "a", "c");
}

static void an_earlier_deadline_comes_before_what_was_armed(void **state)
{
    (void)state;
    alarm_t a = alarm_named("a"), b = alarm_named("b");
    start(&a, 3600000);
    loop_turns(&world.loop, 2);
    start(&b, 2);
    assert_expired("b");
    stop(&a);
}

static void the_loop_stays_alive_without_any_deadline(void **state)
{
    (void)state;
    assert_true(uv_loop_alive(&world.loop));
    loop_turns(&world.loop, 3);
    assert_true(uv_loop_alive(&world.loop));
}

/* The timer is moved for what comes earlier than all before, and for nothing else. */
static void steady_work_leaves_the_timer_alone(void **state)
{
    (void)state;
    alarm_t a = alarm_named("a"), b = alarm_named("b");
    start(&a, 1000);
    uint64_t armed_ms = world.deadlines.armed_ms;
    assert_int_equal(armed_ms, uv_now(&world.loop) + 1000);
    stop(&a);
    for (int i = 0; i < 1000; i++) {
        start(&b, 1000 + (uint64_t)i);
        stop(&b);
    }
    assert_int_equal(world.deadlines.armed_ms, armed_ms);
    start(&b, 999);
    assert_int_equal(world.deadlines.armed_ms, armed_ms - 1);
    stop(&b);
}

/* With a clock of its own that stands still, the timer fires for nothing, and does no harm. */
static void a_timer_that_fires_too_early_expires_nothing(void **state)
{
    (void)state;
    alarm_t a = alarm_named("a");
    start(&a, 5);
    loop_run_for(&world.loop, 40);
    assert_int_equal(world.journal.count, 0);
    advance(5);
    assert_expired("a");
}

static int sockets[2];

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    journal_add(&world.journal, "readable %d", status);
    uv_close((uv_handle_t *)poll, NULL);
}

static void hold_the_loop_up(unsigned ms)
{
    uint64_t until_ns = uv_hrtime() + ms * 1000000ull;
    while (uv_hrtime() < until_ns) continue;
}

/* A reply that was there in time is read before the deadline is looked at. */
static void what_waits_in_a_socket_wins_over_its_deadline(void **state)
{
    (void)state;
    static uv_poll_t poll;
    alarm_t a = alarm_named("a");
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    assert_int_equal(uv_poll_init(&world.loop, &poll, sockets[0]), 0);
    assert_int_equal(uv_poll_start(&poll, UV_READABLE, on_readable), 0);
    start(&a, 200);
    loop_turns(&world.loop, 1);
    assert_int_equal(world.journal.count, 0);
    assert_int_equal(write(sockets[1], "x", 1), 1);
    hold_the_loop_up(210);
    assert_expired("readable 0", "a");
    close(sockets[0]);
    close(sockets[1]);
}

static alarm_t late;

static void start_late(uv_prepare_t *prepare)
{
    journal_add(&world.journal, "prepare");
    start(&late, 0);
    uv_close((uv_handle_t *)prepare, NULL);
}

/* Started between the timer and the tick that it leads to, it must not be forgotten. */
static void a_deadline_started_right_before_the_tick_expires_too(void **state)
{
    (void)state;
    static uv_prepare_t prepare;
    alarm_t a = alarm_named("a");
    late = alarm_named("late");
    uv_prepare_init(&world.loop, &prepare);
    uv_prepare_start(&prepare, start_late);
    start(&a, 0);
    assert_expired("prepare", "a", "late");
}

int main(void)
{
#define FAKE(function) cmocka_unit_test_setup_teardown(function, begin_fake, end)
#define REAL(function) cmocka_unit_test_setup_teardown(function, begin_real, end)
    const struct CMUnitTest tests[] = {
        FAKE(now_is_the_clocks_time),
        FAKE(a_deadline_expires_when_its_time_has_passed_and_not_before),
        FAKE(deadlines_expire_in_the_order_they_are_due),
        FAKE(a_stopped_deadline_does_not_expire),
        FAKE(stopping_is_harmless_at_any_time),
        FAKE(a_deadline_may_be_started_again),
        FAKE(the_longest_time_is_kept),
        FAKE(no_time_at_all_is_due_at_the_next_tick),
        FAKE(an_expiry_may_stop_another_that_is_due_too),
        FAKE(an_expiry_may_stop_one_that_is_due_much_later),
        FAKE(an_expiry_may_start_itself_again),
        FAKE(an_expiry_may_start_what_is_due_at_once),
        FAKE(each_expires_at_the_first_tick_at_which_it_is_due),
        REAL(a_deadline_expires_by_the_loop_alone),
        REAL(an_earlier_deadline_comes_before_what_was_armed),
        REAL(the_loop_stays_alive_without_any_deadline),
        REAL(steady_work_leaves_the_timer_alone),
        FAKE(a_timer_that_fires_too_early_expires_nothing),
        REAL(what_waits_in_a_socket_wins_over_its_deadline),
        REAL(a_deadline_started_right_before_the_tick_expires_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
