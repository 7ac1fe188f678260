/* Every allocation of every operation of streams in memory fails once: then the operation is
 * refused, and what is kept is what was kept before. */
#include "alloc_fault.h"
#include "stream_client.h"

#include <stdlib.h>

#define MOST_ALLOCATIONS 60

/* ---- everything that is kept, as text ---- */

static const char *const names[] = {"run", "copy", "new", "dead"};

static void show_stream(text_t *out, streams_client_t *s, const char *name)
{
    if (!streams_info(s, name)) return;
    cairn_stream_facts_t facts = s->own->facts;
    text_add(out, "%s: %llu events, ttl %lld, %llu groups: ", name,
             (unsigned long long)facts.length, (long long)facts.ttl_ms,
             (unsigned long long)facts.groups);
    text_add(out, "%s\n", streams_text(s, name));
}

/* To be freed. */
static text_t kept(streams_client_t *s)
{
    text_t out = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) show_stream(&out, s, names[i]);
    group_info(s);
    cairn_group_facts_t facts = s->own->group_facts;
    text_add(&out, "%llu waiting, %llu held", (unsigned long long)facts.waiting,
             (unsigned long long)facts.held);
    return out;
}

/* ---- the operations ---- */

static cairn_position_t first_held;

static int append(streams_ask_t *ask)
{
    return ask_append(ask, "run", "x#9 a#1 y z 1 2 3 4 5 6 7 8 9", NULL);
}

static int append_to_a_new_one(streams_ask_t *ask)
{
    return ask_append(ask, "new", "x#9 y", NULL);
}

static int read_all(streams_ask_t *ask)
{
    return ask_read(ask, cairn_str("run"), NULL);
}

static int copy(streams_ask_t *ask)
{
    return ask_copy_stream(ask, "run", "copy", (cairn_ttl_t){0});
}

static int info(streams_ask_t *ask)
{
    return ask_info(ask, "run");
}

static int create_group(streams_ask_t *ask)
{
    return ask_group_create(ask, "run", "other", NULL);
}

static int create_group_and_stream(streams_ask_t *ask)
{
    return ask_group_create(ask, "new", "other", NULL);
}

static int read_one(streams_ask_t *ask)
{
    return ask_group_read(ask, "run", "g", "new member", 1, 0);
}

static int read_waiting(streams_ask_t *ask)
{
    return ask_group_read(ask, "copied", "w", "new member", 1, 50);
}

static int claim(streams_ask_t *ask)
{
    return ask_group_claim(ask, "run", "g", "new member", 1, 0);
}

static int bury(streams_ask_t *ask)
{
    return ask_group_nak(ask, "run", "g", &first_held, 1, 0);
}

static int ask_group(streams_ask_t *ask)
{
    return ask_group_info(ask, "run", "g");
}

/* ---- each with every fault ---- */

static void fill(streams_client_t *s)
{
    cairn_group_options_t once = {
        .from = CAIRN_FROM_ALL, .max_deliveries = 1, .dead_letter = cairn_str("dead")};
    streams_append(s, "run", "a#1 b c#2 d e");
    streams_append(s, "copied", "a");
    group_create(s, &once);
    assert_ends(s->own, ask_group_create(s->own, "copied", "w", NULL), 0);
    assert_string_equal(group_read(s, "one", 1), "a#1:1");
    first_held = s->own->positions[0];
}

static void all_or_nothing(world_t *w, int (*operation)(streams_ask_t *))
{
    streams_client_t *s = streams_open(w, NULL);
    s->own_clock.now_ms = 1000;
    fill(s);
    for (size_t nth = 1;; nth++) {
        assert_in_range(nth, 1, MOST_ALLOCATIONS);
        text_t before = kept(s);
        streams_ask_t *ask = streams_ask(s);
        alloc_fail(ALLOC_FAIL_ONCE, nth);
        int rc = operation(ask);
        bool met = alloc_fault_fired();
        alloc_fail(ALLOC_FAIL_ONCE, 0);
        assert_status(rc, met ? UV_ENOMEM : 0);
        text_t after = kept(s);
        if (met) assert_string_equal(text_chars(&after), text_chars(&before));
        text_free(&before);
        text_free(&after);
        if (met) continue;
        streams_pass_ms(s, 60);
        streams_ask_await(ask, 0);
        assert_true(nth > 1);
        return;
    }
}

#define ALL_OR_NOTHING(name, operation)                                                            \
    static void name(world_t *w)                                                                   \
    {                                                                                              \
        all_or_nothing(w, (operation));                                                            \
    }

ALL_OR_NOTHING(an_append_is_all_or_nothing, append)
ALL_OR_NOTHING(so_is_one_that_makes_the_stream, append_to_a_new_one)
ALL_OR_NOTHING(a_read_changes_nothing, read_all)
ALL_OR_NOTHING(a_copy_is_all_or_nothing, copy)
ALL_OR_NOTHING(info_changes_nothing, info)
ALL_OR_NOTHING(a_group_is_made_or_not, create_group)
ALL_OR_NOTHING(so_is_one_with_its_stream, create_group_and_stream)
ALL_OR_NOTHING(a_groups_read_is_all_or_nothing, read_one)
ALL_OR_NOTHING(so_is_one_that_waits, read_waiting)
ALL_OR_NOTHING(a_claim_is_all_or_nothing, claim)
ALL_OR_NOTHING(a_dead_letter_is_moved_or_not, bury)
ALL_OR_NOTHING(a_groups_info_changes_nothing, ask_group)

static void a_read_that_waits_is_told_that_memory_ran_out(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    fill(s);
    streams_ask_t *ask = streams_ask(s);
    assert_status(read_waiting(ask), 0);
    streams_ask_t *producer = streams_ask(s);
    assert_status(ask_append(producer, "copied", "b", NULL), 0);
    alloc_fail(ALLOC_FAIL_ONCE, 1);
    streams_ask_await(ask, UV_ENOMEM);
    alloc_fail(ALLOC_FAIL_ONCE, 0);
    streams_ask_await(producer, 0);
}

static void a_tail_or_a_watch_is_opened_or_not(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    fill(s);
    for (size_t nth = 1, done = 0; done == 0; nth++) {
        assert_in_range(nth, 1, MOST_ALLOCATIONS);
        follower_t *f = streams_follower(s);
        watcher_t *watcher = streams_watcher(s);
        cairn_stream_tail_options_t options = {.from = CAIRN_FROM_ALL};
        alloc_fail(ALLOC_FAIL_ONCE, nth);
        int rc = follower_try(f, cairn_str("run"), &options);
        if (rc == 0) rc = watcher_try(watcher, cairn_str("other"));
        done = !alloc_fault_fired();
        alloc_fail(ALLOC_FAIL_ONCE, 0);
        assert_true(rc == 0 || rc == UV_ENOMEM);
        if (!f->live) continue;
        streams_pass_ms(s, 200); /* what core could not read at first */
        follower_await_events(f, 5);
        follower_close(f);
        if (watcher->live) watcher_close(watcher);
        follower_await_count(f, "closed", 1);
    }
}

static const scenario_t scenarios[] = {
    SCENARIO(an_append_is_all_or_nothing),
    SCENARIO(so_is_one_that_makes_the_stream),
    SCENARIO(a_read_changes_nothing),
    SCENARIO(a_copy_is_all_or_nothing),
    SCENARIO(info_changes_nothing),
    SCENARIO(a_group_is_made_or_not),
    SCENARIO(so_is_one_with_its_stream),
    SCENARIO(a_groups_read_is_all_or_nothing),
    SCENARIO(so_is_one_that_waits),
    SCENARIO(a_claim_is_all_or_nothing),
    SCENARIO(a_dead_letter_is_moved_or_not),
    SCENARIO(a_groups_info_changes_nothing),
    SCENARIO(a_read_that_waits_is_told_that_memory_ran_out),
    SCENARIO(a_tail_or_a_watch_is_opened_or_not),
};

int main(void)
{
    streams_backend = (streams_backend_t){.fake_clock = true};
    return SCENARIOS_RUN("memory streams: allocation faults", scenarios, "memory:");
}
