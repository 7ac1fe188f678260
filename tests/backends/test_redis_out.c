#include "alloc_fault.h"
#include "check.h"
#include "redis_out.h"

#include "../core/random.h"

#include <cairn/sys/alloc.h>
#include <string.h>

static redis_out_t out;

static int begin(void **state)
{
    (void)state;
    alloc_watch();
    memset(&out, 0, sizeof out);
    return 0;
}

static int end(void **state)
{
    (void)state;
    redis_out_free(&out);
    size_t live = alloc_live();
    alloc_unwatch();
    return live == 0 ? 0 : -1;
}

/* Puts a command of bytes in that count on from `first`. */
static void put(unsigned first, size_t bytes)
{
    char *at = redis_out_reserve(&out, bytes);
    assert_non_null(at);
    for (size_t i = 0; i < bytes; i++) at[i] = (char)(first + i);
    out.tail += bytes;
}

static void assert_holds(unsigned first, size_t bytes)
{
    assert_int_equal(redis_out_held(&out), bytes);
    for (size_t i = 0; i < bytes; i++)
        if (out.buf[out.head + i] != (char)(first + i)) check_fail("byte %zu differs", i);
}

static void nothing_is_held_at_first(void **state)
{
    (void)state;
    assert_int_equal(redis_out_held(&out), 0);
    assert_int_equal(redis_out_unsent(&out), 0);
    assert_int_equal(alloc_total(), 0);
    redis_out_rewind(&out);
    redis_out_free(&out);
}

static void bytes_are_held_until_they_are_answered(void **state)
{
    (void)state;
    put(0, 10);
    put(10, 20);
    assert_int_equal(redis_out_unsent(&out), 30);
    out.sent += 30;
    assert_holds(0, 30);
    assert_int_equal(redis_out_unsent(&out), 0);
    redis_out_answered(&out, 10);
    assert_holds(10, 20);
    redis_out_answered(&out, 20);
    assert_holds(0, 0);
    assert_int_equal(out.tail, 0);
    assert_int_equal(redis_out_unsent(&out), 0);
}

static void what_was_sent_can_be_sent_again(void **state)
{
    (void)state;
    put(0, 100);
    out.sent += 70;
    redis_out_answered(&out, 30);
    redis_out_rewind(&out);
    assert_int_equal(redis_out_unsent(&out), 70);
    assert_int_equal(out.buf[out.sent], 30);
}

static void a_reservation_that_is_not_used_changes_nothing(void **state)
{
    (void)state;
    put(0, 10);
    assert_non_null(redis_out_reserve(&out, 100000));
    assert_holds(0, 10);
    put(10, 10);
    assert_holds(0, 20);
}

static void the_window_slides_without_growing(void **state)
{
    (void)state;
    put(0, 1000);
    out.sent += 1000;
    size_t allocations = alloc_total();
    for (unsigned i = 0; i < 100; i++) {
        put((i + 1) * 1000, 1000);
        out.sent += 500;
        redis_out_answered(&out, 1000);
        assert_holds((i + 1) * 1000, 1000);
        assert_int_equal(redis_out_unsent(&out), 500);
        out.sent += 500;
    }
    assert_int_equal(alloc_total(), allocations);
}

static void growth_fails_without_a_trace(void **state)
{
    (void)state;
    alloc_fail(ALLOC_FAIL_ONCE, 1);
    assert_null(redis_out_reserve(&out, 10));
    assert_int_equal(out.capacity, 0);
    put(0, 3000);
    out.sent += 100;
    redis_out_t before = out;
    alloc_fail(ALLOC_FAIL_ONCE, 1);
    assert_null(redis_out_reserve(&out, 6000));
    assert_memory_equal(&before, &out, sizeof out);
    assert_holds(0, 3000);
    put(3000, 6000);
    assert_holds(0, 9000);
    assert_int_equal(redis_out_unsent(&out), 8900);
}

static void what_no_memory_can_hold_is_refused(void **state)
{
    (void)state;
    put(0, 10);
    size_t allocations = alloc_total();
    assert_null(redis_out_reserve(&out, SIZE_MAX));
    assert_null(redis_out_reserve(&out, SIZE_MAX / 2));
    assert_null(redis_out_reserve(&out, SIZE_MAX / 4));
    assert_int_equal(alloc_total(), allocations);
    assert_holds(0, 10);
}

/* ---- against a stream of numbered bytes ---- */

#define COMMANDS_MOST 200

typedef struct model {
    uint64_t random;
    uint64_t head, sent, tail; /* numbers of bytes */
    size_t commands[COMMANDS_MOST];
    size_t count;
    bool failing;
} model_t;

/* 251 is no power of two: a byte in the wrong place shows. */
static char byte_of(uint64_t number)
{
    return (char)(number % 251);
}

static void model_put(model_t *m)
{
    size_t bytes = random_below(&m->random, random_below(&m->random, 8) ? 100 : 9000);
    if (m->count == COMMANDS_MOST) return;
    bool fails = random_below(&m->random, 4) == 0;
    if (fails) alloc_fail(ALLOC_FAIL_ONCE, 1);
    char *at = redis_out_reserve(&out, bytes + 20);
    fails = alloc_fault_fired();
    alloc_fail(ALLOC_FAIL_ONCE, 0);
    assert_true((at == NULL) == fails);
    if (!at) return;
    for (size_t i = 0; i < bytes; i++) at[i] = byte_of(m->tail + i);
    out.tail += bytes;
    m->tail += bytes;
    m->commands[m->count++] = bytes;
}

static void model_send(model_t *m)
{
    assert_int_equal(redis_out_unsent(&out), m->tail - m->sent);
    size_t took = random_below(&m->random, m->tail - m->sent + 1);
    for (size_t i = 0; i < took; i++)
        if (out.buf[out.sent + i] != byte_of(m->sent + i)) check_fail("byte %zu differs", i);
    out.sent += took;
    m->sent += took;
}

static void model_answer(model_t *m)
{
    if (m->count == 0 || m->sent - m->head < m->commands[0]) return;
    redis_out_answered(&out, m->commands[0]);
    m->head += m->commands[0];
    memmove(m->commands, m->commands + 1, --m->count * sizeof *m->commands);
}

static void it_does_what_a_stream_does(void **state)
{
    (void)state;
    static model_t m;
    memset(&m, 0, sizeof m);
    m.random = 11;
    for (int i = 0; i < 40000; i++) {
        switch (random_below(&m.random, i / 100 % 3 == 0 ? 3 : 6)) {
        case 0:
        case 1:
            model_put(&m);
            break;
        case 2:
            model_send(&m);
            break;
        default:
            model_answer(&m);
            break;
        }
        if (random_below(&m.random, 500) == 0) {
            redis_out_rewind(&out);
            m.sent = m.head;
        }
        assert_int_equal(redis_out_held(&out), m.tail - m.head);
    }
    assert_true(m.head > 1000000);
    assert_true(out.capacity < (size_t)8 * COMMANDS_MOST * 9000);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_held_at_first),
        TEST(bytes_are_held_until_they_are_answered),
        TEST(what_was_sent_can_be_sent_again),
        TEST(a_reservation_that_is_not_used_changes_nothing),
        TEST(the_window_slides_without_growing),
        TEST(growth_fails_without_a_trace),
        TEST(what_no_memory_can_hold_is_refused),
        TEST(it_does_what_a_stream_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
