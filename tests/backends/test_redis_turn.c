/* The share of a turn that goes to connecting: used up by work, given anew by the next turn. */
#include "check.h"
#include "redis_turn.h"

#define ACTION_NS 500000u
#define SHARE_NS (REDIS_TURN_SHARE_MS * 1000000u)

static uv_loop_t loop, other;

static int set_up(void **state)
{
    (void)state;
    return uv_loop_init(&loop) < 0 || uv_loop_init(&other) < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    return uv_loop_close(&loop) < 0 || uv_loop_close(&other) < 0 ? -1 : 0;
}

static void work(uv_loop_t *at)
{
    const uint64_t began_ns = redis_turn_clock();
    while (redis_turn_clock() - began_ns < ACTION_NS) continue;
    redis_turn_spent(at, began_ns);
}

/* The next turn is one when the clock has moved on. */
static void next_turn(uv_loop_t *of)
{
    const uint64_t before_ms = uv_now(of);
    while (uv_now(of) == before_ms) uv_update_time(of);
}

/* How many pieces a share is good for. */
static unsigned work_while(bool (*has_time)(const uv_loop_t *))
{
    unsigned pieces = 0;
    while (pieces < 2 * SHARE_NS / ACTION_NS && has_time(&loop)) {
        work(&loop);
        pieces++;
    }
    return pieces;
}

static void a_turn_has_a_share(void **state)
{
    (void)state;
    for (int turn = 0; turn < 3; turn++) {
        next_turn(&loop);
        const unsigned pieces = work_while(redis_turn_has_time);
        assert_in_range(pieces, 1, SHARE_NS / ACTION_NS);
        assert_false(redis_turn_has_time(&loop));
        assert_false(redis_turn_has_time_to_begin(&loop));
    }
}

static void what_begins_has_a_quarter_of_it(void **state)
{
    (void)state;
    next_turn(&loop);
    assert_in_range(work_while(redis_turn_has_time_to_begin), 1, SHARE_NS / 4 / ACTION_NS);
    assert_false(redis_turn_has_time_to_begin(&loop));
    redis_turn_spent(&loop, redis_turn_clock() - SHARE_NS);
    assert_false(redis_turn_has_time(&loop));
}

static void another_loop_has_a_share_of_its_own(void **state)
{
    (void)state;
    next_turn(&loop);
    redis_turn_spent(&loop, redis_turn_clock() - SHARE_NS);
    assert_false(redis_turn_has_time(&loop));
    assert_true(redis_turn_has_time(&other));
    assert_true(redis_turn_has_time_to_begin(&other));
}

static void what_others_do_in_a_turn_does_not_count(void **state)
{
    (void)state;
    next_turn(&loop);
    const uint64_t began_ns = redis_turn_clock();
    while (redis_turn_clock() - began_ns < 2 * (uint64_t)SHARE_NS) continue;
    assert_true(redis_turn_has_time_to_begin(&loop));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_has_a_share),
        cmocka_unit_test(what_begins_has_a_quarter_of_it),
        cmocka_unit_test(another_loop_has_a_share_of_its_own),
        cmocka_unit_test(what_others_do_in_a_turn_does_not_count),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
