/* The memory backend: the reference, on a clock of the test's own. It lacks nothing of the suite.
 */
#include "alloc_fault.h"
#include "saver_suite.h"

static void pass(saver_client_t *s, uint64_t ms)
{
    fake_clock_advance(s->clock, &s->client->cairn, ms);
}

static void expiry_is_exact_to_the_millisecond(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .ttl = cairn_ttl_ms(1000));
    saver_put(s, "c2", "a@1", .ttl = cairn_ttl_ms(1001));
    pass(s, 999);
    assert_get(s, at("c1"), "c1 a@1=x");
    assert_int_equal(saver_ttl(s, at("c1")), 1);
    pass(s, 1);
    assert_none(s, at("c1"));
    assert_int_equal(saver_ttl(s, at("c1")), CAIRN_TTL_ABSENT);
    assert_get(s, at("c2"), "c2 a@1=x");
    pass(s, 1);
    assert_none(s, latest());
}

static void a_refresh_counts_from_the_read(world_t *w)
{
    static const cairn_saver_options_t refreshing = {.default_ttl = {true, 1000},
                                                     .refresh_on_read = true};
    saver_client_t *s = saver_open(w, &refreshing);
    saver_put(s, "c1", "a@1=x");
    saver_write(s, "c1", "t1", "a=1");
    for (int i = 0; i < 10; i++) {
        pass(s, 999);
        assert_get(s, latest(), "c1 a@1=x [t1.0 a=1]");
    }
    pass(s, 1000);
    assert_none(s, latest());
}

static void what_has_expired_gives_its_memory_back(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c0", "", .thread = "kept");
    saver_put(s, "c1", "", .thread = "gone", .ttl = cairn_ttl_ms(10));
    pass(s, 10);
    assert_none(s, thread("gone"));
    size_t before = alloc_live();
    for (int i = 0; i < 100; i++) {
        char id[] = {(char)('A' + i / 10), (char)('0' + i % 10), '\0'};
        saver_put(s, id, "a@1=x b@1=y", .ttl = cairn_ttl_ms(10), .run_id = id);
        saver_write(s, id, "t1", "a=1", .ttl = cairn_ttl_ms(10));
    }
    assert_true(alloc_live() > before);
    pass(s, 10);
    assert_none(s, latest());
    assert_int_equal(alloc_live(), before);
}

static void what_has_expired_is_freed_without_another_call(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c0", "", .thread = "kept");
    size_t before = alloc_live();
    saver_put(s, "c1", "a@1=x", .thread = "later", .ttl = cairn_ttl_ms(30));
    saver_write(s, "c2", "t1", "a=1", .thread = "later", .ttl = cairn_ttl_ms(20));
    size_t with_later = alloc_live();
    saver_put(s, "c3", "a@1=x b@1=y", .ttl = cairn_ttl_ms(10), .run_id = "r");
    size_t with_all = alloc_live();
    pass(s, 9);
    assert_int_equal(alloc_live(), with_all);
    pass(s, 1);
    assert_int_equal(alloc_live(), with_later);
    pass(s, 10);
    assert_in_range(alloc_live(), before + 1, with_later - 1);
    pass(s, 10);
    assert_int_equal(alloc_live(), before);
}

static void what_is_moved_is_freed_when_it_expires_then(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c0", "", .thread = "kept");
    size_t before = alloc_live();
    saver_put(s, "c1", "a@1=x", .thread = "later", .ttl = cairn_ttl_ms(10));
    size_t with_later = alloc_live();
    saver_put(s, "c2", "a@1=x", .thread = "sooner", .ttl = cairn_ttl_ms(10000));
    size_t with_both = alloc_live();
    saver_set_thread_ttl(s, "later", 1000);
    saver_set_thread_ttl(s, "sooner", 50);
    pass(s, 49);
    assert_int_equal(alloc_live(), with_both);
    pass(s, 1);
    assert_int_equal(alloc_live(), with_later);
    pass(s, 949);
    assert_int_equal(alloc_live(), with_later);
    pass(s, 1);
    assert_int_equal(alloc_live(), before);
}

static void what_is_deleted_gives_its_memory_back(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c0", "", .thread = "kept");
    saver_delete_thread(s, "t");
    size_t before = alloc_live();
    saver_put(s, "c1", "a@1=x b@1!", .run_id = "r1");
    saver_put(s, "c2", "a@1 d@1~", .ns = "n");
    saver_write(s, "c1", "t1", "a=1");
    saver_write(s, "c9", "t1", "a=1");
    saver_delete_thread(s, "t");
    assert_int_equal(alloc_live(), before);
}

static void a_handle_is_a_world_of_its_own(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_client_t *other = saver_open(w, NULL);
    saver_put(s, "c1", "");
    assert_none(other, latest());
    saver_assert_empty(other);
}

static const scenario_t own_scenarios[] = {
    SCENARIO(expiry_is_exact_to_the_millisecond),
    SCENARIO(a_refresh_counts_from_the_read),
    SCENARIO(what_has_expired_gives_its_memory_back),
    SCENARIO(what_has_expired_is_freed_without_another_call),
    SCENARIO(what_is_moved_is_freed_when_it_expires_then),
    SCENARIO(what_is_deleted_gives_its_memory_back),
    SCENARIO(a_handle_is_a_world_of_its_own),
};

int main(void)
{
    static const saver_factory_t memory = {
        .name = "saver: memory", .url = "memory:", .backend = {.fake_clock = true}};
    int failures = saver_suite_run(&memory);
    return failures + SCENARIOS_RUN("saver: memory only", own_scenarios, "memory:");
}
