/* Waits before connecting again: their bounds, how they grow, and that chance is fair. */
#include "check.h"
#include "redis_backoff.h"

#define SEED 20240607

static uint64_t longest(uint64_t min_ms, uint64_t max_ms, uint32_t attempt)
{
    uint64_t most = min_ms;
    while (attempt-- > 0 && most < max_ms) most = most > max_ms / 2 ? max_ms : most * 2;
    return most < max_ms ? most : max_ms;
}

static void keeps_within_bounds(void **state)
{
    (void)state;
    static const uint64_t bounds[][2] = {{1, 1},
                                         {1, 10},
                                         {50, 5000},
                                         {50, 50},
                                         {7, 1000},
                                         {100, 250},
                                         {3600000, 3600000},
                                         {1, UINT64_MAX},
                                         {UINT64_MAX, UINT64_MAX},
                                         {(uint64_t)1 << 63, UINT64_MAX},
                                         {3, (uint64_t)1 << 40}};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        for (uint64_t seed = 0; seed < 50; seed++) {
            redis_backoff_t backoff;
            redis_backoff_init(&backoff, bounds[i][0], bounds[i][1], seed);
            for (uint32_t attempt = 0; attempt < 200; attempt++) {
                uint64_t most = longest(bounds[i][0], bounds[i][1], attempt);
                uint64_t wait_ms = redis_backoff_next(&backoff);
                assert_true(wait_ms >= 1 && wait_ms <= most);
            }
        }
    }
}

/* The longest of many waits comes near the bound, attempt by attempt, and their mean near half. */
static void grows_to_its_maximum(void **state)
{
    (void)state;
    enum {
        TRIES = 2000,
        ATTEMPTS = 12
    };
    uint64_t sum[ATTEMPTS] = {0};
    uint64_t most[ATTEMPTS] = {0};
    for (uint64_t seed = 0; seed < TRIES; seed++) {
        redis_backoff_t backoff;
        redis_backoff_init(&backoff, 50, 5000, seed);
        for (uint32_t attempt = 0; attempt < ATTEMPTS; attempt++) {
            uint64_t wait_ms = redis_backoff_next(&backoff);
            sum[attempt] += wait_ms;
            if (wait_ms > most[attempt]) most[attempt] = wait_ms;
        }
    }
    for (uint32_t attempt = 0; attempt < ATTEMPTS; attempt++) {
        uint64_t bound = longest(50, 5000, attempt);
        assert_in_range(most[attempt], bound - bound / 20, bound);
        assert_in_range(sum[attempt] / TRIES, bound * 45 / 100, bound * 55 / 100);
    }
    assert_int_equal(longest(50, 5000, 0), 50);
    assert_int_equal(longest(50, 5000, ATTEMPTS - 1), 5000);
}

static void covers_the_range_evenly(void **state)
{
    (void)state;
    enum {
        VALUES = 10,
        DRAWS = 100000
    };
    unsigned drawn[VALUES + 1] = {0};
    redis_backoff_t backoff;
    redis_backoff_init(&backoff, VALUES, VALUES, SEED);
    for (unsigned i = 0; i < DRAWS; i++) drawn[redis_backoff_next(&backoff)]++;
    assert_int_equal(drawn[0], 0);
    for (unsigned i = 1; i <= VALUES; i++) {
        assert_in_range(drawn[i], DRAWS / VALUES * 95 / 100, DRAWS / VALUES * 105 / 100);
    }
}

static void begins_again_after_a_reset(void **state)
{
    (void)state;
    redis_backoff_t backoff;
    redis_backoff_init(&backoff, 5, 1000000, SEED);
    uint64_t most = 0;
    for (unsigned i = 0; i < 30; i++) {
        uint64_t wait_ms = redis_backoff_next(&backoff);
        if (wait_ms > most) most = wait_ms;
    }
    assert_true(most > 1000);
    for (unsigned i = 0; i < 100; i++) {
        redis_backoff_reset(&backoff);
        assert_in_range(redis_backoff_next(&backoff), 1, 5);
        assert_in_range(redis_backoff_next(&backoff), 1, 10);
    }
}

static void tells_neighbours_apart(void **state)
{
    (void)state;
    unsigned same = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        redis_backoff_t a, b;
        redis_backoff_init(&a, 1000000, 1000000, seed);
        redis_backoff_init(&b, 1000000, 1000000, seed + 1);
        same += redis_backoff_next(&a) == redis_backoff_next(&b);
    }
    assert_in_range(same, 0, 2);
}

static void mends_its_bounds(void **state)
{
    (void)state;
    redis_backoff_t backoff;
    redis_backoff_init(&backoff, 0, 0, SEED);
    for (unsigned i = 0; i < 100; i++) assert_int_equal(redis_backoff_next(&backoff), 1);
    redis_backoff_init(&backoff, 8, 3, SEED);
    for (unsigned i = 0; i < 100; i++) assert_in_range(redis_backoff_next(&backoff), 1, 8);
}

static void never_counts_over(void **state)
{
    (void)state;
    redis_backoff_t backoff;
    redis_backoff_init(&backoff, 1, 1000, SEED);
    backoff.attempt = UINT32_MAX - 1;
    uint64_t most = 0;
    for (unsigned i = 0; i < 100; i++) {
        uint64_t wait_ms = redis_backoff_next(&backoff);
        assert_in_range(wait_ms, 1, 1000);
        if (wait_ms > most) most = wait_ms;
    }
    assert_true(most > 900);
    assert_int_equal(backoff.attempt, UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_within_bounds),     cmocka_unit_test(grows_to_its_maximum),
        cmocka_unit_test(covers_the_range_evenly), cmocka_unit_test(begins_again_after_a_reset),
        cmocka_unit_test(tells_neighbours_apart),  cmocka_unit_test(mends_its_bounds),
        cmocka_unit_test(never_counts_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
