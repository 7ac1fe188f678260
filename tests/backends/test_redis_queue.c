#include "alloc_fault.h"
#include "check.h"
#include "redis_queue.h"

#include "../core/random.h"

#include <stdlib.h>
#include <string.h>

static redis_queue_t queue;

static int begin(void **state)
{
    (void)state;
    alloc_watch();
    memset(&queue, 0, sizeof queue);
    return 0;
}

static int end(void **state)
{
    (void)state;
    redis_queue_free(&queue);
    size_t live = alloc_live();
    alloc_unwatch();
    return live == 0 ? 0 : -1;
}

static void answered(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    (void)ctx, (void)status, (void)reply, (void)detail;
}

static uint64_t push(size_t bytes)
{
    assert_true(redis_queue_reserve(&queue));
    uint32_t number = (uint32_t)bytes;
    return redis_queue_push(&queue, (redis_entry_t){answered, &queue, bytes, number, ~number});
}

static void assert_is(uint64_t seq, size_t bytes)
{
    const redis_entry_t *entry = redis_queue_at(&queue, seq);
    assert_int_equal(entry->bytes, bytes);
    assert_int_equal(entry->flags, bytes);
    assert_int_equal(entry->skip, ~(uint32_t)bytes);
    assert_ptr_equal(entry->ctx, &queue);
    assert_true(entry->answer == answered);
}

static void an_empty_queue_holds_nothing(void **state)
{
    (void)state;
    assert_int_equal(redis_queue_count(&queue), 0);
    assert_int_equal(alloc_total(), 0);
    redis_queue_free(&queue);
}

static void entries_are_found_by_their_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < 1000; i++) assert_int_equal(push(i), i);
    assert_int_equal(redis_queue_count(&queue), 1000);
    for (size_t i = 0; i < 1000; i++) assert_is(i, i);
}

static void numbers_stay_as_the_queue_moves_and_grows(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (size_t i = 0; i < 20000; i++) {
        assert_int_equal(push(i), i);
        size_t takes = random_below(&random, i / 1000 % 2 ? 4 : 2);
        for (; takes > 0 && redis_queue_count(&queue) > 0; takes--) {
            assert_is(queue.head, queue.head);
            queue.head++;
        }
    }
    assert_int_equal(queue.tail, 20000);
    for (uint64_t seq = queue.head; seq != queue.tail; seq++) assert_is(seq, seq);
}

static void a_full_ring_is_used_to_its_last_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < 64; i++) push(i);
    assert_int_equal(alloc_total(), 1);
    for (size_t i = 64; i < 10000; i++) {
        queue.head++;
        push(i);
    }
    assert_int_equal(alloc_total(), 1);
    push(10000);
    assert_int_equal(alloc_total(), 2);
    for (uint64_t seq = queue.head; seq != queue.tail; seq++) assert_is(seq, seq);
}

static void numbers_may_come_back_to_zero(void **state)
{
    (void)state;
    queue.head = queue.tail = UINT64_MAX - 100;
    for (size_t i = 0; i < 300; i++) push(i);
    assert_int_equal(redis_queue_count(&queue), 300);
    for (size_t i = 0; i < 300; i++) assert_is(UINT64_MAX - 100 + i, i);
}

static void make_void(uint64_t seq)
{
    *redis_queue_at(&queue, seq) = (redis_entry_t){.flags = REDIS_CMD_VOID};
    queue.voids++;
}

static void voids_are_in_place_but_not_owed(void **state)
{
    (void)state;
    for (size_t i = 0; i < 10; i++) push(0);
    make_void(0);
    make_void(1);
    make_void(5);
    assert_int_equal(redis_queue_count(&queue), 10);
    assert_int_equal(redis_queue_owed(&queue), 7);
    redis_queue_skip_voids(&queue);
    assert_int_equal(queue.head, 2);
    assert_int_equal(redis_queue_count(&queue), 8);
    assert_int_equal(redis_queue_owed(&queue), 7);
    assert_is(2, 0);
    redis_queue_skip_voids(&queue);
    assert_int_equal(queue.head, 2);
}

static void a_queue_of_voids_comes_to_its_end(void **state)
{
    (void)state;
    redis_queue_skip_voids(&queue);
    for (size_t i = 0; i < 70; i++) push(0);
    for (uint64_t seq = 0; seq < 70; seq++) make_void(seq);
    redis_queue_skip_voids(&queue);
    assert_int_equal(queue.head, 70);
    assert_int_equal(redis_queue_count(&queue), 0);
    assert_int_equal(redis_queue_owed(&queue), 0);
    assert_int_equal(push(0), 70);
    assert_int_equal(redis_queue_owed(&queue), 1);
}

static void failed_growth_leaves_all_as_it_was(void **state)
{
    (void)state;
    alloc_fail(ALLOC_FAIL_ONCE, 1);
    assert_false(redis_queue_reserve(&queue));
    for (size_t i = 0; i < 64; i++) push(i);
    alloc_fail(ALLOC_FAIL_ONCE, 1);
    assert_false(redis_queue_reserve(&queue));
    assert_int_equal(redis_queue_count(&queue), 64);
    for (size_t i = 0; i < 64; i++) assert_is(i, i);
    push(64);
    assert_is(0, 0);
    assert_is(64, 64);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(an_empty_queue_holds_nothing),
        TEST(entries_are_found_by_their_number),
        TEST(numbers_stay_as_the_queue_moves_and_grows),
        TEST(a_full_ring_is_used_to_its_last_place),
        TEST(numbers_may_come_back_to_zero),
        TEST(voids_are_in_place_but_not_owed),
        TEST(a_queue_of_voids_comes_to_its_end),
        TEST(failed_growth_leaves_all_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
