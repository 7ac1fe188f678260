#include "check.h"
#include "list.h"
#include "random.h"
#include "wheel.h"

#define SPAN_MS ((uint64_t)1 << (WHEEL_LEVELS * WHEEL_SLOT_BITS))

static void assert_pops(wheel_t *wheel, wheel_entry_t *const *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        wheel_entry_t *popped = wheel_pop(wheel);
        assert_ptr_equal(popped, entries[i]);
        assert_false(list_linked(&popped->link));
    }
    assert_null(wheel_pop(wheel));
}

static void an_empty_wheel_has_nothing(void **state)
{
    (void)state;
    wheel_t wheel;
    wheel_init(&wheel, 1000);
    assert_int_equal(wheel_next(&wheel), WHEEL_NEVER);
    wheel_advance(&wheel, 1000 + 3 * SPAN_MS);
    assert_null(wheel_pop(&wheel));
    assert_int_equal(wheel_next(&wheel), WHEEL_NEVER);
}

/* One entry, on every level and on both sides of each level's bounds, from awkward starts. */
static void never_early_never_late(void **state)
{
    (void)state;
    static const uint64_t starts[] = {0, 1, 63, 64, 4095, SPAN_MS - 1, SPAN_MS, 5 * SPAN_MS - 70};
    static const uint64_t waits[] = {1,           2,
                                     63,          64,
                                     65,          4095,
                                     4096,        4097,
                                     262143,      262144,
                                     262145,      5000,
                                     SPAN_MS - 1, SPAN_MS,
                                     SPAN_MS + 1, 3 * SPAN_MS + 7,
                                     1u << 31,    (uint64_t)1 << 40};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        for (size_t j = 0; j < sizeof waits / sizeof *waits; j++) {
            wheel_t wheel;
            wheel_entry_t entry = {0};
            wheel_init(&wheel, starts[i]);
            uint64_t due_ms = starts[i] + waits[j];
            wheel_add(&wheel, &entry, due_ms);
            assert_true(wheel_next(&wheel) > starts[i]);
            assert_true(wheel_next(&wheel) <= due_ms);
            wheel_advance(&wheel, due_ms - 1);
            assert_null(wheel_pop(&wheel));
            assert_int_equal(wheel_next(&wheel), due_ms);
            wheel_advance(&wheel, due_ms);
            assert_pops(&wheel, (wheel_entry_t *[]){&entry}, 1);
            assert_int_equal(wheel_next(&wheel), WHEEL_NEVER);
        }
    }
}

/* Following wheel_next alone leads to the due time in at most two stops a level and span. */
static void following_next_arrives(void **state)
{
    (void)state;
    static const uint64_t waits[] = {1, 100, 5000, 86400000, SPAN_MS, 4 * SPAN_MS};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        wheel_t wheel;
        wheel_entry_t entry = {0};
        wheel_init(&wheel, 12345);
        wheel_add(&wheel, &entry, 12345 + waits[i]);
        unsigned stops = 0;
        while (list_linked(&entry.link)) {
            uint64_t next_ms = wheel_next(&wheel);
            assert_true(next_ms > wheel.now_ms || stops == 0);
            wheel_advance(&wheel, next_ms);
            if (wheel_pop(&wheel)) assert_int_equal(wheel.now_ms, 12345 + waits[i]);
            stops++;
        }
        assert_in_range(stops, 1, WHEEL_LEVELS + 2 * (1 + waits[i] / SPAN_MS));
    }
}

static void pops_in_due_order_over_all_levels(void **state)
{
    (void)state;
    wheel_t wheel;
    wheel_entry_t e[6] = {0};
    wheel_init(&wheel, 60);
    wheel_add(&wheel, &e[5], 60 + 2 * SPAN_MS);
    wheel_add(&wheel, &e[4], 70 + SPAN_MS);
    wheel_add(&wheel, &e[3], 300000);
    wheel_add(&wheel, &e[2], 5000);
    wheel_add(&wheel, &e[1], 64);
    wheel_add(&wheel, &e[0], 63);
    assert_int_equal(wheel_next(&wheel), 63);
    wheel_advance(&wheel, 3 * SPAN_MS);
    assert_pops(&wheel, (wheel_entry_t *[]){&e[0], &e[1], &e[2], &e[3], &e[4], &e[5]}, 6);
}

static void the_past_is_due_at_the_next_advance(void **state)
{
    (void)state;
    wheel_t wheel;
    wheel_entry_t past = {0}, now = {0};
    wheel_init(&wheel, 500);
    wheel_add(&wheel, &past, 3);
    wheel_add(&wheel, &now, 500);
    assert_null(wheel_pop(&wheel));
    assert_int_equal(wheel_next(&wheel), 500);
    wheel_advance(&wheel, 500);
    assert_pops(&wheel, (wheel_entry_t *[]){&past, &now}, 2);
}

static void time_never_goes_back(void **state)
{
    (void)state;
    wheel_t wheel;
    wheel_entry_t entry = {0};
    wheel_init(&wheel, 1000);
    wheel_advance(&wheel, 400);
    assert_int_equal(wheel.now_ms, 1000);
    wheel_add(&wheel, &entry, 1001);
    wheel_advance(&wheel, 999);
    assert_null(wheel_pop(&wheel));
    wheel_advance(&wheel, 1001);
    assert_pops(&wheel, (wheel_entry_t *[]){&entry}, 1);
}

static void remove_is_harmless_in_every_state(void **state)
{
    (void)state;
    wheel_t wheel;
    wheel_entry_t entry = {0}, other = {0};
    wheel_init(&wheel, 0);
    wheel_remove(&wheel, &entry);

    wheel_add(&wheel, &entry, 5000);
    wheel_remove(&wheel, &entry);
    wheel_remove(&wheel, &entry);
    assert_int_equal(wheel_next(&wheel), WHEEL_NEVER);

    wheel_add(&wheel, &entry, 10);
    wheel_add(&wheel, &other, 10);
    wheel_advance(&wheel, 10);
    wheel_remove(&wheel, &entry);
    assert_false(list_linked(&entry.link));
    assert_pops(&wheel, (wheel_entry_t *[]){&other}, 1);
    wheel_remove(&wheel, &other);
    assert_int_equal(wheel_next(&wheel), WHEEL_NEVER);
}

static void remove_leaves_the_others_of_a_slot(void **state)
{
    (void)state;
    wheel_t wheel;
    wheel_entry_t first = {0}, second = {0};
    wheel_init(&wheel, 0);
    wheel_add(&wheel, &first, 5000);
    wheel_add(&wheel, &second, 5000);
    wheel_remove(&wheel, &first);
    wheel_advance(&wheel, 5000);
    assert_pops(&wheel, (wheel_entry_t *[]){&second}, 1);
}

static void what_waits_for_pop_is_next(void **state)
{
    (void)state;
    wheel_t wheel;
    wheel_entry_t due = {0}, later = {0};
    wheel_init(&wheel, 0);
    wheel_add(&wheel, &due, 10);
    wheel_add(&wheel, &later, 5000);
    wheel_advance(&wheel, 20);
    assert_int_equal(wheel_next(&wheel), 20);
    assert_ptr_equal(wheel_pop(&wheel), &due);
    assert_in_range(wheel_next(&wheel), 21, 5000);
}

/* ---- against an array ---- */

#define ENTRIES 200

typedef enum place {
    OUTSIDE,
    WAITING,
    DUE
} place_t;

typedef struct model {
    wheel_t wheel;
    wheel_entry_t entry[ENTRIES];
    place_t place[ENTRIES];
    uint64_t due_ms[ENTRIES];
    uint64_t random;
} model_t;

/* The least due time of all that are there, or WHEEL_NEVER. */
static uint64_t model_least(const model_t *model, place_t place)
{
    uint64_t least = WHEEL_NEVER;
    for (size_t i = 0; i < ENTRIES; i++)
        if (model->place[i] == place && model->due_ms[i] < least) least = model->due_ms[i];
    return least;
}

static uint64_t some_due_ms(model_t *model)
{
    uint64_t now_ms = model->wheel.now_ms;
    switch (random_below(&model->random, 8)) {
    case 0:
        return now_ms;
    case 1:
        return now_ms - random_below(&model->random, now_ms < 100 ? now_ms + 1 : 100);
    case 2:
        return now_ms + random_below(&model->random, 3);
    case 3:
        return now_ms + 5000;
    case 4:
        return now_ms + random_below(&model->random, 1 << 13);
    case 5:
        return (now_ms | 0x3ffff) + 1;
    case 6:
        return now_ms + random_below(&model->random, SPAN_MS);
    default:
        return now_ms + random_below(&model->random, 8 * SPAN_MS);
    }
}

static void model_add_one(model_t *model)
{
    size_t i = random_below(&model->random, ENTRIES);
    if (model->place[i] != OUTSIDE) return;
    uint64_t due_ms = some_due_ms(model), now_ms = model->wheel.now_ms;
    wheel_add(&model->wheel, &model->entry[i], due_ms);
    model->place[i] = WAITING;
    model->due_ms[i] = due_ms > now_ms ? due_ms : now_ms;
}

static void model_remove_one(model_t *model)
{
    size_t i = random_below(&model->random, ENTRIES);
    wheel_remove(&model->wheel, &model->entry[i]);
    model->place[i] = OUTSIDE;
}

static void model_check_next(const model_t *model)
{
    uint64_t next_ms = wheel_next(&model->wheel);
    uint64_t due = model_least(model, DUE), waiting = model_least(model, WAITING);
    if (due != WHEEL_NEVER) {
        assert_int_equal(next_ms, model->wheel.now_ms);
    } else if (waiting == WHEEL_NEVER) {
        assert_int_equal(next_ms, WHEEL_NEVER);
    } else {
        assert_true(next_ms <= waiting);
        assert_true(next_ms >= model->wheel.now_ms);
        /* Looking again at once would find nothing: a timer set to it would spin. */
        if (waiting > model->wheel.now_ms) assert_true(next_ms > model->wheel.now_ms);
    }
}

static uint64_t some_advance(model_t *model)
{
    uint64_t next_ms = wheel_next(&model->wheel);
    switch (random_below(&model->random, 6)) {
    case 0:
        return 0;
    case 1:
        return random_below(&model->random, 100);
    case 2:
        return random_below(&model->random, 10000);
    case 3:
        return random_below(&model->random, 2 * SPAN_MS);
    default:
        return next_ms == WHEEL_NEVER ? 1 : next_ms - model->wheel.now_ms;
    }
}

/* Pops what is due, as a loop would whose callbacks add and remove; may stop half way. */
static void model_advance(model_t *model)
{
    uint64_t now_ms = model->wheel.now_ms + some_advance(model);
    wheel_advance(&model->wheel, now_ms);
    assert_int_equal(model->wheel.now_ms, now_ms);
    for (size_t i = 0; i < ENTRIES; i++)
        if (model->place[i] == WAITING && model->due_ms[i] <= now_ms) model->place[i] = DUE;

    bool to_the_end = random_below(&model->random, 10) != 0;
    while (to_the_end || random_below(&model->random, 4) != 0) {
        model_check_next(model);
        uint64_t least = model_least(model, DUE);
        wheel_entry_t *entry = wheel_pop(&model->wheel);
        if (!entry) {
            assert_int_equal(least, WHEEL_NEVER);
            return;
        }
        size_t i = (size_t)(entry - model->entry);
        assert_int_equal(model->place[i], DUE);
        assert_int_equal(model->due_ms[i], least);
        model->place[i] = OUTSIDE;
        if (random_below(&model->random, 3) == 0) model_add_one(model);
        if (random_below(&model->random, 3) == 0) model_remove_one(model);
    }
}

static void agrees_with_an_array(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        model_t model = {.random = seed};
        wheel_init(&model.wheel, random_below(&model.random, 3) * (SPAN_MS - 100));
        for (unsigned step = 0; step < 2000; step++) {
            uint64_t choice = random_below(&model.random, 10);
            if (choice < 6)
                model_add_one(&model);
            else if (choice < 8)
                model_remove_one(&model);
            else
                model_advance(&model);
            model_check_next(&model);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_wheel_has_nothing),
        cmocka_unit_test(never_early_never_late),
        cmocka_unit_test(following_next_arrives),
        cmocka_unit_test(pops_in_due_order_over_all_levels),
        cmocka_unit_test(the_past_is_due_at_the_next_advance),
        cmocka_unit_test(time_never_goes_back),
        cmocka_unit_test(remove_is_harmless_in_every_state),
        cmocka_unit_test(remove_leaves_the_others_of_a_slot),
        cmocka_unit_test(what_waits_for_pop_is_next),
        cmocka_unit_test(agrees_with_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
