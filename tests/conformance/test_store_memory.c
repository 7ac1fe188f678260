/* The memory backend: the reference, on a clock of the test's own. It lacks nothing of the suite.
 */
#include "alloc_fault.h"
#include "store_suite.h"

static void pass(items_t *s, uint64_t ms)
{
    fake_clock_advance(s->clock, &s->client->cairn, ms);
}

static void expiry_is_exact_to_the_millisecond(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k1", "1", .options.ttl = cairn_ttl_ms(1000));
    items_put(s, "a", "k2", "1", .options.ttl = cairn_ttl_ms(1001));
    pass(s, 999);
    assert_int_equal(items_ttl(s, "a", "k1"), 1);
    assert_true(items_has(s, "a", "k1"));
    pass(s, 1);
    assert_no_item(s, "a", "k1");
    assert_int_equal(items_ttl(s, "a", "k1"), CAIRN_TTL_ABSENT);
    assert_true(items_has(s, "a", "k2"));
    pass(s, 1);
    items_assert_empty(s);
}

static void a_refresh_counts_from_the_read(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "1", .options.ttl = cairn_ttl_ms(1000));
    for (int i = 0; i < 10; i++) {
        pass(s, 999);
        if (i % 2)
            assert_item(s, "a", "k", "1");
        else
            assert_search(s, "a:k", .offset = 0);
    }
    pass(s, 1000);
    assert_no_item(s, "a", "k");
}

static void put_many(items_t *s, cairn_ttl_t ttl)
{
    for (char i = 0; i < 100; i++) {
        const char path[] = {'n', (char)('0' + i % 7), '/', (char)('a' + i % 3), '\0'};
        const char key[] = {(char)('A' + i / 10), (char)('0' + i % 10), '\0'};
        items_put(s, path, key, "{\"a\":1}", .options.ttl = ttl);
    }
}

static void what_has_expired_gives_its_memory_back(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "kept", "k", "1");
    size_t before = alloc_live();
    put_many(s, cairn_ttl_ms(10));
    assert_true(alloc_live() > before);
    pass(s, 10);
    assert_no_item(s, "n0/a", "A0");
    assert_int_equal(alloc_live(), before);
}

static void what_has_expired_is_freed_without_another_call(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "kept", "k", "1");
    size_t before = alloc_live();
    items_put(s, "a", "k1", "1", .options.ttl = cairn_ttl_ms(30));
    size_t with_last = alloc_live();
    items_put(s, "a", "k2", "1", .options.ttl = cairn_ttl_ms(20));
    size_t with_two = alloc_live();
    items_put(s, "b", "k3", "1", .options.ttl = cairn_ttl_ms(10));
    size_t with_all = alloc_live();
    pass(s, 9);
    assert_int_equal(alloc_live(), with_all);
    pass(s, 1);
    assert_int_equal(alloc_live(), with_two);
    pass(s, 10);
    assert_int_equal(alloc_live(), with_last);
    pass(s, 10);
    assert_int_equal(alloc_live(), before);
}

static void what_is_given_another_ttl_is_freed_when_it_expires_then(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "kept", "k", "1");
    size_t before = alloc_live();
    items_put(s, "a", "later", "1", .options.ttl = cairn_ttl_ms(10));
    size_t with_later = alloc_live();
    items_put(s, "b", "sooner", "1", .options.ttl = cairn_ttl_ms(10000));
    size_t with_both = alloc_live();
    items_set_ttl(s, "a", "later", 1000);
    items_set_ttl(s, "b", "sooner", 50);
    pass(s, 49);
    assert_int_equal(alloc_live(), with_both);
    pass(s, 1);
    assert_int_equal(alloc_live(), with_later);
    pass(s, 940);
    assert_item(s, "a", "later", "1"); /* which puts its time back */
    size_t with_read = alloc_live();
    pass(s, 999);
    assert_int_equal(alloc_live(), with_read);
    pass(s, 1);
    assert_int_equal(alloc_live(), before);
}

static void what_is_deleted_gives_its_memory_back(world_t *w)
{
    const cairn_vector_index_t index = {.name = {"v", 1}, .dimensions = 3};
    const cairn_store_options_t options = {.indexes = &index, .index_count = 1};
    const cairn_vector_t vector = {index.name, (const float[]){1, 2, 3}, 3};
    items_t *s = items_open(w, &options);
    items_put(s, "kept", "k", "1");
    size_t before = alloc_live();
    for (int i = 0; i < 3; i++)
        items_put(s, "a/b", "k", "1", {.vectors = &vector, .vector_count = 1});
    items_delete(s, "a/b", "k");
    assert_int_equal(alloc_live(), before);
}

static void a_handle_is_a_world_of_its_own(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_t *other = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    items_assert_empty(other);
}

static void two_puts_never_have_the_same_time(world_t *w)
{
    items_t *s = items_open(w, NULL);
    put_many(s, (cairn_ttl_t){0});
    items_search(s, NULL);
    for (size_t i = 1; i < s->own->fact_count; i++)
        assert_true(s->own->facts[i - 1].updated_at_us > s->own->facts[i].updated_at_us);
}

static const scenario_t own_scenarios[] = {
    SCENARIO(expiry_is_exact_to_the_millisecond),
    SCENARIO(a_refresh_counts_from_the_read),
    SCENARIO(what_has_expired_gives_its_memory_back),
    SCENARIO(what_has_expired_is_freed_without_another_call),
    SCENARIO(what_is_given_another_ttl_is_freed_when_it_expires_then),
    SCENARIO(what_is_deleted_gives_its_memory_back),
    SCENARIO(a_handle_is_a_world_of_its_own),
    SCENARIO(two_puts_never_have_the_same_time),
};

int main(void)
{
    static const store_factory_t memory = {
        .name = "store: memory", .url = "memory:", .backend = {.fake_clock = true}};
    int failures = store_suite_run(&memory);
    return failures + SCENARIOS_RUN("store: memory only", own_scenarios, "memory:");
}
