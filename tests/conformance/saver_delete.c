/* Rules 22-24: delete_thread, delete_for_runs. */
#include "saver_suite.h"

/* ---- 22: delete_thread ---- */

static void delete_thread_leaves_nothing_behind(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x b@1!", .run_id = "r1");
    saver_put(s, "c2", "a@2=y d@1~", .parent = "c1", .run_id = "r2");
    saver_put(s, "c3", "a@1=z", .ns = "n", .ttl = cairn_ttl_ms(100000));
    saver_put(s, "c1", "a@9=again", .run_id = "r3");
    saver_write(s, "c1", "t1", "a=1 __error__=e");
    saver_write(s, "not there yet", "t1", "a=1");
    saver_write(s, "c1", "t1", "a=1", .ns = "only writes");
    assert_int_equal(saver_delete_thread(s, "t"), 3);
    assert_none(s, latest());
    assert_none(s, at("c1"));
    assert_int_equal(saver_thread_ttl(s, "t"), CAIRN_TTL_ABSENT);
    saver_assert_empty(s);
}

static void delete_thread_leaves_other_threads_alone(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    static const char *const others[] = {"", "t*", "T", "tt", "t:", "{t}", "t%"};
    enum {
        OTHERS = sizeof others / sizeof *others
    };
    saver_put(s, "c", "a@1=gone");
    for (size_t i = 0; i < OTHERS; i++) {
        saver_put(s, "c", "a@1=kept", .thread = others[i]);
        saver_write(s, "c", "t1", "a=1", .thread = others[i]);
    }
    assert_int_equal(saver_delete_thread(s, "t"), 1);
    for (size_t i = 0; i < OTHERS; i++)
        assert_contains(saver_get(s, ref(others[i], NULL, NULL)), "/c a@1=kept [t1.0 a=1]");
    for (size_t i = 0; i < OTHERS; i++) assert_int_equal(saver_delete_thread(s, others[i]), 1);
    saver_assert_empty(s);
}

static void deleting_a_thread_that_is_not_there_is_a_no_op(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    assert_int_equal(saver_delete_thread(s, "t"), 0);
    saver_put(s, "c", "");
    assert_int_equal(saver_delete_thread(s, "u"), 0);
    assert_get(s, latest(), "c");
    assert_int_equal(saver_delete_thread(s, "t"), 1);
    assert_int_equal(saver_delete_thread(s, "t"), 0);
}

static void deleting_a_thread_of_writes_alone_counts_no_checkpoint(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_write(s, "c", "t1", "a=x");
    assert_int_equal(saver_delete_thread(s, "t"), 0);
    saver_put(s, "c", "");
    assert_get(s, latest(), "c");
    saver_delete_thread(s, "t");
    saver_assert_empty(s);
}

static void a_deleted_thread_begins_anew(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=old");
    saver_write(s, "c1", "t1", "a=old");
    saver_delete_thread(s, "t");
    saver_put(s, "c1", "a@1=new b@1");
    assert_get(s, latest(), "c1 a@1=new b@1");
}

static void delete_thread_asks_for_a_thread(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    assert_refused(s->own, ask_delete_thread(s->own, cairn_str(NULL)), UV_EINVAL, "thread_id");
}

/* ---- 23: delete_for_runs ---- */

static void delete_for_runs_reaches_every_thread_and_namespace(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .run_id = "r1");
    saver_put(s, "c2", "a@2=y", .run_id = "r2");
    saver_put(s, "c3", "a@1", .run_id = "r1", .ns = "n");
    saver_put(s, "c4", "a@1=z", .run_id = "r1", .thread = "u");
    saver_put(s, "c5", "", .run_id = "r3", .thread = "u");
    cairn_slice_t runs[] = {cairn_str("r1"), cairn_str("r3"), cairn_str("unknown")};
    assert_status(ask_delete_for_runs(s->own, runs, 3), 0);
    ask_await(s->own, 0);
    assert_int_equal(s->own->count, 4);
    assert_list(s, "c2", .headers_only = true);
    assert_get(s, latest(), "c2 a@2=y");
    assert_none(s, thread("u"));
}

static void delete_for_runs_takes_writes_and_values_along(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x b@1=y", .run_id = "r1");
    saver_write(s, "c1", "t1", "a=1");
    assert_int_equal(saver_delete_run(s, "r1"), 1);
    saver_assert_empty(s);
    saver_put(s, "c1", "a@1 b@1=new");
    assert_get(s, latest(), "c1 a@1 b@1=new");
}

static void delete_for_runs_leaves_the_values_that_others_use(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x b@1=y", .run_id = "r1");
    saver_put(s, "c2", "a@1 b@2=z", .run_id = "r2");
    saver_put(s, "c3", "a@1 b@1", .run_id = "r1");
    assert_int_equal(saver_delete_run(s, "r1"), 2);
    assert_get(s, latest(), "c2 a@1=x b@2=z");
}

static void no_runs_and_unknown_runs_are_a_no_op(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "", .run_id = "r1");
    saver_put(s, "c2", "");
    assert_status(ask_delete_for_runs(s->own, NULL, 0), 0);
    ask_await(s->own, 0);
    assert_int_equal(s->own->count, 0);
    assert_int_equal(saver_delete_run(s, "r"), 0);
    assert_int_equal(saver_delete_run(s, ""), 0);
    assert_list(s, "c2 c1", .headers_only = true);
}

static void any_bytes_make_a_run_id(world_t *w)
{
    static const char *const runs[] = {"", "*", "r:1", "r", "{r}", "%00", "r1"};
    enum {
        RUNS = sizeof runs / sizeof *runs
    };
    saver_client_t *s = saver_open(w, NULL);
    for (size_t i = 0; i < RUNS; i++) saver_put(s, runs[i], "", .run_id = runs[i]);
    for (size_t i = 0; i < RUNS; i++) {
        assert_int_equal(saver_delete_run(s, runs[i]), 1);
        assert_none(s, at(runs[i]));
    }
    saver_assert_empty(s);
}

static void an_absent_run_id_is_refused(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    cairn_slice_t runs[] = {cairn_str("r1"), cairn_str(NULL)};
    assert_refused(s->own, ask_delete_for_runs(s->own, runs, 2), UV_EINVAL, "run_id");
}

/* ---- 24: what is latest then ---- */

static void after_the_newest_goes_latest_is_the_next_newest(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .run_id = "r1");
    saver_put(s, "c2", "a@2=y", .run_id = "r2");
    saver_put(s, "c3", "a@3=z", .run_id = "r3");
    saver_delete_run(s, "r3");
    assert_get(s, latest(), "c2 a@2=y");
    saver_delete_run(s, "r1");
    assert_get(s, latest(), "c2 a@2=y");
    saver_delete_run(s, "r2");
    assert_none(s, latest());
}

const scenario_t saver_delete_scenarios[] = {
    SCENARIO(delete_thread_leaves_nothing_behind),
    SCENARIO(delete_thread_leaves_other_threads_alone),
    SCENARIO(deleting_a_thread_that_is_not_there_is_a_no_op),
    SCENARIO(deleting_a_thread_of_writes_alone_counts_no_checkpoint),
    SCENARIO(a_deleted_thread_begins_anew),
    SCENARIO(delete_thread_asks_for_a_thread),
    SCENARIO(delete_for_runs_reaches_every_thread_and_namespace),
    SCENARIO(delete_for_runs_takes_writes_and_values_along),
    SCENARIO(delete_for_runs_leaves_the_values_that_others_use),
    SCENARIO(no_runs_and_unknown_runs_are_a_no_op),
    SCENARIO(any_bytes_make_a_run_id),
    SCENARIO(an_absent_run_id_is_refused),
    SCENARIO(after_the_newest_goes_latest_is_the_next_newest),
    {NULL, NULL},
};
