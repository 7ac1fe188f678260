#include "random.h"
#include "ring_records.h"

#define NO_BOUND UINT32_MAX

static int push(message_ring_t *ring, unsigned seed, size_t payload_len)
{
    copy_t copy = {.seed = seed, .payload_len = payload_len};
    message_record_t record = record_of(&copy);
    return message_ring_push(ring, &record);
}

static void assert_takes(message_ring_t *ring, unsigned seed, size_t payload_len)
{
    copy_t copy = {.seed = seed, .payload_len = payload_len};
    message_record_t record;
    assert_true(message_ring_take(ring, &record));
    assert_is(&record, &copy);
    message_ring_release(ring);
}

/* ---- one thing at a time ---- */

static void an_empty_ring_has_nothing_and_no_memory(void **state)
{
    (void)state;
    message_ring_t ring;
    message_record_t record;
    message_ring_init(&ring, 10, 1000);
    assert_false(message_ring_take(&ring, &record));
    assert_int_equal(message_ring_take_lost(&ring), 0);
    assert_int_equal(message_ring_drop_oldest(&ring), 0);
    message_ring_release(&ring);
    assert_int_equal(ring.count, 0);
    assert_int_equal(alloc_total(), 0);
    message_ring_free(&ring);
}

static void records_come_out_whole_and_in_order(void **state)
{
    (void)state;
    message_ring_t ring;
    message_ring_init(&ring, NO_BOUND, UINT64_MAX);
    static const copy_t copies[] = {
        {1, 0, 0, 0}, {2, 5, 0, 3}, {3, 0, 1, 0}, {4, 7, 9, -1}, {5, 300, 12000, INT64_MAX},
    };
    for (size_t i = 0; i < 5; i++) {
        message_record_t record = record_of(&copies[i]);
        assert_int_equal(message_ring_push(&ring, &record), 0);
    }
    assert_int_equal(ring.count, 5);
    for (size_t i = 0; i < 5; i++) {
        message_record_t record;
        assert_true(message_ring_take(&ring, &record));
        assert_is(&record, &copies[i]);
        assert_true(record.lost == copies[i].lost);
        assert_int_equal(ring.count, 4 - i);
        message_ring_release(&ring);
    }
    message_ring_free(&ring);
}

static void slices_without_bytes_may_be_null(void **state)
{
    (void)state;
    message_ring_t ring;
    message_ring_init(&ring, NO_BOUND, UINT64_MAX);
    message_record_t record = {.lost = 2};
    assert_int_equal(message_ring_push(&ring, &record), 0);
    assert_true(message_ring_take(&ring, &record));
    assert_int_equal(record.channel.len, 0);
    assert_int_equal(record.payload.len, 0);
    assert_int_equal(record.lost, 2);
    message_ring_free(&ring);
}

static void the_bound_on_messages_is_exact(void **state)
{
    (void)state;
    message_ring_t ring;
    message_ring_init(&ring, 3, UINT64_MAX);
    for (unsigned i = 0; i < 3; i++) assert_int_equal(push(&ring, i, 10), 0);
    assert_int_equal(push(&ring, 3, 10), UV_ENOBUFS);
    assert_takes(&ring, 0, 10);
    assert_int_equal(push(&ring, 3, 10), 0);
    assert_int_equal(push(&ring, 4, 10), UV_ENOBUFS);
    message_ring_free(&ring);
}

/* A record taken and not yet released does not count. */
static void the_bound_on_messages_leaves_out_the_one_taken(void **state)
{
    (void)state;
    message_ring_t ring;
    message_record_t record;
    message_ring_init(&ring, 1, UINT64_MAX);
    assert_int_equal(push(&ring, 0, 10), 0);
    assert_true(message_ring_take(&ring, &record));
    assert_int_equal(push(&ring, 1, 10), 0);
    assert_int_equal(push(&ring, 2, 10), UV_ENOBUFS);
    message_ring_release(&ring);
    assert_takes(&ring, 1, 10);
    message_ring_free(&ring);
}

/* As broker.h says it: the bytes, and 32 a message on top; how they are aligned is no matter. */
static void the_bound_on_bytes_is_exact(void **state)
{
    (void)state;
    for (size_t len = 0; len < 40; len++) {
        message_ring_t ring;
        uint64_t cost = MESSAGE_RING_OVERHEAD + len;
        message_ring_init(&ring, NO_BOUND, 3 * cost);
        for (unsigned i = 0; i < 3; i++) assert_int_equal(push(&ring, i, len), 0);
        assert_int_equal(push(&ring, 3, 0), UV_ENOBUFS);
        assert_takes(&ring, 0, len);
        assert_int_equal(push(&ring, 3, len + 1), UV_ENOBUFS);
        assert_int_equal(push(&ring, 3, len), 0);
        message_ring_free(&ring);

        message_ring_init(&ring, NO_BOUND, cost - 1);
        assert_int_equal(push(&ring, 0, len), UV_ENOBUFS);
        assert_int_equal(ring.count, 0);
        message_ring_free(&ring);
    }
}

static void an_unbounded_push_counts_in_both_bounds(void **state)
{
    (void)state;
    message_ring_t ring;
    message_ring_init(&ring, 1, MESSAGE_RING_OVERHEAD + 10);
    copy_t copy = {.seed = 1, .payload_len = 5000};
    message_record_t record = record_of(&copy);
    assert_int_equal(message_ring_push_unbounded(&ring, &record), 0);
    copy.seed = 2;
    record = record_of(&copy);
    assert_int_equal(message_ring_push_unbounded(&ring, &record), 0);
    assert_int_equal(push(&ring, 3, 0), UV_ENOBUFS);
    assert_takes(&ring, 1, 5000);
    assert_int_equal(push(&ring, 3, 0), UV_ENOBUFS);
    assert_takes(&ring, 2, 5000);
    assert_int_equal(push(&ring, 3, 10), 0);
    message_ring_free(&ring);
}

static void channels_count_in_the_bound_on_bytes(void **state)
{
    (void)state;
    message_ring_t ring;
    message_ring_init(&ring, NO_BOUND, MESSAGE_RING_OVERHEAD + 20);
    copy_t copy = {.channel_len = 10, .payload_len = 11};
    message_record_t record = record_of(&copy);
    assert_int_equal(message_ring_push(&ring, &record), UV_ENOBUFS);
    copy.payload_len = 10;
    record = record_of(&copy);
    assert_int_equal(message_ring_push(&ring, &record), 0);
    message_ring_free(&ring);
}

/* ---- loss ---- */

static void losses_add_up_and_unknown_stays_unknown(void **state)
{
    (void)state;
    assert_int_equal(message_lost_add(0, 0), 0);
    assert_int_equal(message_lost_add(2, 3), 5);
    assert_int_equal(message_lost_add(-1, 3), -1);
    assert_int_equal(message_lost_add(3, -1), -1);
    assert_int_equal(message_lost_add(-1, -1), -1);
}

static void a_dropped_record_is_lost_before_the_next(void **state)
{
    (void)state;
    message_ring_t ring;
    message_ring_init(&ring, NO_BOUND, UINT64_MAX);
    static const int64_t lost[] = {4, 0, 10, -1, 0};
    for (unsigned i = 0; i < 5; i++) {
        copy_t copy = {.seed = i, .payload_len = 100, .lost = lost[i]};
        message_record_t record = record_of(&copy);
        assert_int_equal(message_ring_push(&ring, &record), 0);
    }
    assert_int_equal(message_ring_drop_oldest(&ring), 0);
    assert_int_equal(message_ring_drop_oldest(&ring), 0);
    assert_int_equal(message_ring_take_lost(&ring), 4 + 1 + 1 + 10);
    assert_int_equal(message_ring_take_lost(&ring), 0);
    assert_int_equal(message_ring_drop_oldest(&ring), 0);
    assert_int_equal(message_ring_take_lost(&ring), -1);
    assert_int_equal(message_ring_drop_oldest(&ring), 0);
    assert_int_equal(message_ring_drop_oldest(&ring), 2);
    assert_int_equal(ring.count, 0);
    message_ring_free(&ring);
}

static void unknown_loss_of_the_last_record_is_returned(void **state)
{
    (void)state;
    message_ring_t ring;
    message_ring_init(&ring, NO_BOUND, UINT64_MAX);
    message_record_t record = {.lost = -1};
    assert_int_equal(message_ring_push(&ring, &record), 0);
    assert_int_equal(message_ring_drop_oldest(&ring), -1);
    message_ring_free(&ring);
}

/* ---- wrapping ---- */

/* Moves head and tail of a ring of one block to `offset` and leaves it empty but for one record,
 * so that they do not fall back to the beginning. */
static void shift_to(message_ring_t *ring, size_t offset)
{
    assert_int_equal(push(ring, 900, offset - MESSAGE_RING_OVERHEAD), 0);
    assert_int_equal(push(ring, 901, 0), 0);
    assert_takes(ring, 900, offset - MESSAGE_RING_OVERHEAD);
    assert_int_equal(ring->head, offset);
}

static void records_survive_every_place_of_the_wrap(void **state)
{
    (void)state;
    for (size_t offset = MESSAGE_RING_OVERHEAD; offset + MESSAGE_RING_OVERHEAD <= BLOCK;
         offset += 8) {
        for (size_t len = 0; len <= 480; len += 24) {
            message_ring_t ring;
            message_ring_init(&ring, NO_BOUND, UINT64_MAX);
            shift_to(&ring, offset);
            for (unsigned i = 0; i < 4; i++) assert_int_equal(push(&ring, i, len), 0);
            assert_takes(&ring, 901, 0);
            for (unsigned i = 0; i < 4; i++) {
                assert_takes(&ring, i, len);
                assert_int_equal(push(&ring, 4 + i, len), 0);
            }
            for (unsigned i = 4; i < 8; i++) assert_takes(&ring, i, len);
            assert_int_equal(ring.count, 0);
            assert_int_equal(ring.used, 0);
            assert_int_equal(ring.queued, 0);
            message_ring_free(&ring);
        }
    }
}

/* Small records take more than they count for in the bound: growth must know. */
static void growth_makes_room_whatever_is_there(void **state)
{
    (void)state;
    for (unsigned small = 0; small <= 25; small++) {
        for (size_t len = 1; len <= 4200; len += 40) {
            message_ring_t ring;
            message_ring_init(&ring, NO_BOUND, UINT64_MAX);
            for (unsigned i = 0; i < small; i++) assert_int_equal(push(&ring, i, 1), 0);
            assert_int_equal(push(&ring, 99, len), 0);
            assert_true(ring.used <= ring.capacity);
            for (unsigned i = 0; i < small; i++) assert_takes(&ring, i, 1);
            assert_takes(&ring, 99, len);
            message_ring_free(&ring);
        }
    }
}

/* The block is used to its last byte before another is asked for. */
static void a_full_block_wraps_without_growing(void **state)
{
    (void)state;
    message_ring_t ring;
    message_ring_init(&ring, NO_BOUND, UINT64_MAX);
    for (unsigned i = 0; i < 4; i++) assert_int_equal(push(&ring, i, 224), 0);
    for (unsigned i = 0; i < 1000; i++) {
        assert_takes(&ring, i, 224);
        assert_int_equal(push(&ring, i + 4, 224), 0);
    }
    assert_int_equal(ring.capacity, BLOCK);
    assert_int_equal(alloc_total(), 1);
    message_ring_free(&ring);
}

static void a_steady_state_allocates_nothing(void **state)
{
    (void)state;
    message_ring_t ring;
    uint64_t random = 7;
    message_ring_init(&ring, NO_BOUND, 16384);
    size_t warm = 0;
    for (unsigned i = 0; i < 20000; i++) {
        while (push(&ring, 1, random_below(&random, 600)) == UV_ENOBUFS)
            (void)message_ring_drop_oldest(&ring);
        if (i == 10000) warm = alloc_total();
    }
    assert_int_equal(alloc_total(), warm);
    assert_true(ring.capacity <= (size_t)4 * 16384);
    message_ring_free(&ring);
}

/* ---- while one is taken ---- */

typedef struct taken {
    message_ring_t ring;
    message_record_t record;
    copy_t copy;
} taken_t;

static void take_one(taken_t *t, size_t others)
{
    message_ring_init(&t->ring, NO_BOUND, UINT64_MAX);
    t->copy = (copy_t){.seed = 77, .channel_len = 9, .payload_len = 150};
    message_record_t record = record_of(&t->copy);
    assert_int_equal(message_ring_push(&t->ring, &record), 0);
    for (unsigned i = 0; i < others; i++) assert_int_equal(push(&t->ring, i, 150), 0);
    assert_true(message_ring_take(&t->ring, &t->record));
}

static void a_taken_record_survives_pushes_that_wrap(void **state)
{
    (void)state;
    taken_t t;
    take_one(&t, 2);
    for (unsigned i = 2; i < 5; i++) {
        assert_int_equal(push(&t.ring, i, 150), 0);
        assert_is(&t.record, &t.copy);
    }
    message_ring_release(&t.ring);
    for (unsigned i = 0; i < 5; i++) assert_takes(&t.ring, i, 150);
    message_ring_free(&t.ring);
}

static void a_taken_record_survives_growth_again_and_again(void **state)
{
    (void)state;
    taken_t t;
    take_one(&t, 2);
    for (unsigned i = 2; i < 400; i++) {
        assert_int_equal(push(&t.ring, i, 150), 0);
        assert_is(&t.record, &t.copy);
    }
    message_ring_release(&t.ring);
    for (unsigned i = 0; i < 400; i++) assert_takes(&t.ring, i, 150);
    message_ring_free(&t.ring);
}

/* A callback may publish so much that everything behind its own message goes, over and over. */
static void a_taken_record_survives_the_loss_of_all_others(void **state)
{
    (void)state;
    taken_t t;
    take_one(&t, 3);
    for (unsigned i = 3; i < 1000; i++) {
        (void)message_ring_drop_oldest(&t.ring);
        assert_int_equal(push(&t.ring, i, 150), 0);
        assert_is(&t.record, &t.copy);
    }
    assert_int_equal(t.ring.count, 3);
    assert_true(t.ring.capacity <= (size_t)4 * BLOCK);
    message_ring_release(&t.ring);
    for (unsigned i = 997; i < 1000; i++) assert_takes(&t.ring, i, 150);
    message_ring_free(&t.ring);
}

static void the_last_record_may_be_dropped_while_one_is_taken(void **state)
{
    (void)state;
    taken_t t;
    take_one(&t, 1);
    assert_int_equal(message_ring_drop_oldest(&t.ring), 1);
    assert_int_equal(message_ring_drop_oldest(&t.ring), 0);
    assert_is(&t.record, &t.copy);
    message_ring_release(&t.ring);
    assert_int_equal(t.ring.used, 0);
    assert_int_equal(push(&t.ring, 5, 900), 0);
    assert_int_equal(t.ring.capacity, BLOCK);
    message_ring_free(&t.ring);
}

static void freeing_with_a_record_taken_and_grown_frees_all(void **state)
{
    (void)state;
    taken_t t;
    take_one(&t, 2);
    for (unsigned i = 2; i < 20; i++) assert_int_equal(push(&t.ring, i, 150), 0);
    assert_non_null(t.ring.retired);
    message_ring_free(&t.ring);
    assert_int_equal(alloc_live(), 0);
}

/* ---- out of memory ---- */

static void the_first_push_may_find_no_memory(void **state)
{
    (void)state;
    message_ring_t ring;
    message_ring_init(&ring, NO_BOUND, UINT64_MAX);
    alloc_fail(ALLOC_FAIL_ONCE, 1);
    assert_int_equal(push(&ring, 1, 10), UV_ENOMEM);
    assert_int_equal(ring.count, 0);
    assert_int_equal(push(&ring, 1, 10), 0);
    assert_takes(&ring, 1, 10);
    message_ring_free(&ring);
}

static void failed_growth_leaves_all_as_it_was(void **state)
{
    (void)state;
    taken_t t;
    take_one(&t, 4);
    alloc_fail(ALLOC_FAIL_FROM, 1);
    unsigned pushed = 4;
    int rc;
    while ((rc = push(&t.ring, pushed, 150)) == 0) pushed++;
    assert_int_equal(rc, UV_ENOMEM);
    assert_true(alloc_fault_fired());
    assert_is(&t.record, &t.copy);
    assert_int_equal(t.ring.count, pushed);
    assert_int_equal(push(&t.ring, pushed, 150), UV_ENOMEM);

    message_ring_release(&t.ring);
    assert_takes(&t.ring, 0, 150);
    assert_int_equal(push(&t.ring, pushed, 150), 0); /* into the room that came free */
    alloc_fail(ALLOC_FAIL_ONCE, 0);
    for (unsigned i = 1; i <= pushed; i++) assert_takes(&t.ring, i, 150);
    assert_int_equal(t.ring.count, 0);
    message_ring_free(&t.ring);
}

static void a_record_beyond_all_memory_is_refused(void **state)
{
    (void)state;
    message_ring_t ring;
    message_ring_init(&ring, NO_BOUND, UINT64_MAX);
    assert_int_equal(push(&ring, 1, 10), 0);
    message_record_t record = {.payload = cairn_slice(scratch, SIZE_MAX / 2 + 1)};
    assert_int_equal(message_ring_push(&ring, &record), UV_ENOMEM);
    assert_takes(&ring, 1, 10);
    message_ring_free(&ring);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, watch, nothing_left)
    const struct CMUnitTest tests[] = {
        TEST(an_empty_ring_has_nothing_and_no_memory),
        TEST(records_come_out_whole_and_in_order),
        TEST(slices_without_bytes_may_be_null),
        TEST(the_bound_on_messages_is_exact),
        TEST(the_bound_on_messages_leaves_out_the_one_taken),
        TEST(the_bound_on_bytes_is_exact),
        TEST(an_unbounded_push_counts_in_both_bounds),
        TEST(channels_count_in_the_bound_on_bytes),
        TEST(losses_add_up_and_unknown_stays_unknown),
        TEST(a_dropped_record_is_lost_before_the_next),
        TEST(unknown_loss_of_the_last_record_is_returned),
        TEST(records_survive_every_place_of_the_wrap),
        TEST(growth_makes_room_whatever_is_there),
        TEST(a_full_block_wraps_without_growing),
        TEST(a_steady_state_allocates_nothing),
        TEST(a_taken_record_survives_pushes_that_wrap),
        TEST(a_taken_record_survives_growth_again_and_again),
        TEST(a_taken_record_survives_the_loss_of_all_others),
        TEST(the_last_record_may_be_dropped_while_one_is_taken),
        TEST(freeing_with_a_record_taken_and_grown_frees_all),
        TEST(the_first_push_may_find_no_memory),
        TEST(failed_growth_leaves_all_as_it_was),
        TEST(a_record_beyond_all_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
