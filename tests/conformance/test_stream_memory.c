/* The memory backend: the reference, on a clock of the test's own. It lacks nothing of the suite.
 */
#include "alloc_fault.h"
#include "stream_suite.h"

static void expiry_is_exact_to_the_millisecond(world_t *w)
{
    cairn_streams_options_t options = {.ttl = cairn_ttl_ms(1000)};
    streams_client_t *s = streams_open(w, &options);
    streams_append(s, "run", "a");
    streams_pass_ms(s, 999);
    assert_int_equal(streams_ttl(s, "run"), 1);
    assert_stream(s, "run", "a");
    streams_pass_ms(s, 1);
    assert_false(streams_exists(s, "run"));
}

static void what_is_gone_gives_its_memory_back(world_t *w)
{
    cairn_streams_options_t options = {.ttl = cairn_ttl_ms(1000), .max_events = 100};
    streams_client_t *s = streams_open(w, &options);
    cairn_group_options_t all = {.from = CAIRN_FROM_ALL};
    streams_text(s, "run");
    size_t before = alloc_live();
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 50; k++) streams_append(s, "run", "a b c#1 d e#2");
        group_create(s, &all);
        assert_string_not_equal(group_read(s, "one", 50), "");
        assert_true(alloc_live() > before);
        if (i == 0) streams_clear(s, "run");
        if (i == 1) streams_await_gone(s, "run");
        assert_false(streams_exists(s, "run"));
        assert_int_equal(alloc_live(), before);
    }
}

static void a_handle_is_a_world_of_its_own(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_client_t *other = streams_open(w, NULL);
    follower_t *f = streams_follow(other, "run", NULL);
    follower_await(f, "live");
    streams_append(s, "run", "a");
    assert_stream(other, "run", "");
    assert_int_equal(f->events, 0);
}

static const scenario_t own_scenarios[] = {
    SCENARIO(expiry_is_exact_to_the_millisecond),
    SCENARIO(what_is_gone_gives_its_memory_back),
    SCENARIO(a_handle_is_a_world_of_its_own),
};

int main(void)
{
    static const stream_factory_t memory = {
        .name = "stream: memory", .url = "memory:", .backend = {.fake_clock = true}};
    int failures = stream_suite_run(&memory);
    return failures + SCENARIOS_RUN("stream: memory only", own_scenarios, "memory:");
}
