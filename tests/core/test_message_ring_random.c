/* The ring against a list of copies: everything at random, and all of it compared. */
#include "random.h"
#include "ring_records.h"

#define MODEL_MOST 512u

typedef struct model {
    uint64_t random;
    message_ring_t ring;
    uint32_t max_messages;
    uint64_t max_bytes;
    size_t longest;
    copy_t queue[MODEL_MOST]; /* those not yet taken, oldest first */
    size_t count;
    bool taken;
    copy_t taken_copy;
    message_record_t taken_record;
    unsigned seed;
    bool faulty;        /* some allocations fail */
    size_t wraps;       /* records pushed before one that is older */
    size_t out_of_room; /* pushes refused by a bound */
    size_t starved;     /* and by want of memory */
} model_t;

static uint64_t cost_of(const copy_t *copy)
{
    return MESSAGE_RING_OVERHEAD + copy->channel_len + copy->payload_len;
}

static bool has_room(const model_t *m, const copy_t *copy)
{
    uint64_t bytes = cost_of(copy);
    for (size_t i = 0; i < m->count; i++) bytes += cost_of(&m->queue[i]);
    return m->count < m->max_messages && bytes <= m->max_bytes;
}

static size_t random_length(model_t *m)
{
    switch (random_below(&m->random, 4)) {
    case 0:
        return 0;
    case 1:
        return random_below(&m->random, 16);
    case 2:
        return random_below(&m->random, m->longest / 8 + 1);
    default:
        return random_below(&m->random, m->longest + 1);
    }
}

static void model_push(model_t *m)
{
    copy_t copy = {.seed = m->seed++,
                   .channel_len = random_below(&m->random, 3) ? 0 : random_length(m),
                   .payload_len = random_length(m),
                   .lost = (int64_t)random_below(&m->random, 4) - 1};
    if (m->faulty && random_below(&m->random, 10) > 0) alloc_fail(ALLOC_FAIL_ONCE, 1);
    message_record_t record = record_of(&copy);
    size_t tail_before = m->ring.tail;
    int rc = message_ring_push(&m->ring, &record);
    bool fault = alloc_fault_fired();
    alloc_fail(ALLOC_FAIL_ONCE, 0);
    if (!has_room(m, &copy)) {
        assert_int_equal(rc, UV_ENOBUFS);
        m->out_of_room++;
        return;
    }
    if (fault) {
        assert_int_equal(rc, UV_ENOMEM);
        m->starved++;
        return;
    }
    assert_int_equal(rc, 0);
    m->wraps += m->ring.tail <= tail_before && m->count > 0;
    m->queue[m->count++] = copy;
}

static copy_t model_shift(model_t *m)
{
    copy_t oldest = m->queue[0];
    memmove(m->queue, m->queue + 1, --m->count * sizeof *m->queue);
    return oldest;
}

static void model_take(model_t *m)
{
    if (m->taken) {
        assert_is(&m->taken_record, &m->taken_copy);
        message_ring_release(&m->ring);
        m->taken = false;
        return;
    }
    m->taken = message_ring_take(&m->ring, &m->taken_record);
    assert_int_equal(m->taken, m->count > 0);
    if (!m->taken) return;
    m->taken_copy = model_shift(m);
    assert_true(m->taken_record.lost == m->taken_copy.lost);
}

static void model_drop(model_t *m)
{
    int64_t lost = message_ring_drop_oldest(&m->ring);
    if (m->count == 0) {
        assert_int_equal(lost, 0);
        return;
    }
    int64_t sum = message_lost_add(model_shift(m).lost, 1);
    assert_true(lost == (m->count ? 0 : sum));
    if (m->count) m->queue[0].lost = message_lost_add(m->queue[0].lost, sum);
}

static void model_take_lost(model_t *m)
{
    int64_t lost = message_ring_take_lost(&m->ring);
    assert_true(lost == (m->count ? m->queue[0].lost : 0));
    if (m->count) m->queue[0].lost = 0;
}

static void model_step(model_t *m, uint64_t pushes_in_ten)
{
    if (random_below(&m->random, 10) < pushes_in_ten) {
        model_push(m);
    } else {
        switch (random_below(&m->random, 4)) {
        case 0:
            model_drop(m);
            break;
        case 1:
            model_take_lost(m);
            break;
        default:
            model_take(m);
            break;
        }
    }
    assert_int_equal(m->ring.count, m->count);
    assert_true(m->ring.capacity <= 8 * m->max_bytes || m->ring.capacity <= BLOCK);
    if (m->taken) assert_is(&m->taken_record, &m->taken_copy);
}

static void run_model(uint64_t seed, uint32_t max_messages, uint64_t max_bytes, size_t longest,
                      bool faulty)
{
    static model_t m;
    memset(&m, 0, sizeof m);
    m.random = seed;
    m.max_messages = max_messages;
    m.max_bytes = max_bytes;
    m.longest = longest;
    m.faulty = faulty;
    message_ring_init(&m.ring, max_messages, max_bytes);
    for (int i = 0; i < 4000; i++) model_step(&m, i / 500 % 2 ? 3 : 6);
    if (m.taken) model_take(&m);
    while (m.count) model_take(&m);
    assert_true(m.wraps > 0);
    assert_true(m.out_of_room > 0);
    if (faulty) assert_true(m.starved > 0);
    message_ring_free(&m.ring);
}

static void it_does_what_a_list_of_copies_does(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        run_model(seed, 20, 1u << 20, 100, false);
        run_model(seed, 500, 900, 200, false);
        run_model(seed, 500, 5000, 1500, false);
        run_model(seed, 60, 20001, 15000, false);
    }
}

static void it_does_so_with_memory_failing_now_and_then(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 106; seed++) {
        run_model(seed, 500, 20000, 2000, true);
        run_model(seed, 30, 100000, 15000, true);
    }
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, watch, nothing_left)
    const struct CMUnitTest tests[] = {
        TEST(it_does_what_a_list_of_copies_does),
        TEST(it_does_so_with_memory_failing_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
