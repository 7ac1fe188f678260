/* Rule 25: copy_thread. */
#include "saver_suite.h"

#include <stdlib.h>

/* What a list of the thread holds, without the thread; the caller frees. */
static char *contents(saver_client_t *s, const char *name)
{
    cairn_saver_query_t query = {.thread_id = cairn_str(name)};
    const char *all = saver_list_full(s, &query);
    text_t out = {0};
    for (const char *line = all; *line; line += strspn(line, "\n")) {
        size_t len = strcspn(line, "\n");
        size_t skip = strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == '/'
                          ? strlen(name) + 1
                          : 0;
        text_add(&out, "%.*s\n", (int)(len - skip), line + skip);
        line += len;
    }
    return out.chars ? out.chars : calloc(1, 1);
}

static void assert_same_contents(saver_client_t *s, const char *one, const char *other)
{
    char *a = contents(s, one);
    char *b = contents(s, other);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static void put_something(saver_client_t *s, const char *name)
{
    saver_put(s, "c1", "a@1=x b@1!", .thread = name, .run_id = "r1");
    saver_put(s, "c3", "a@1 b@2=y", .thread = name, .parent = "c1", .metadata = "{\"step\":3}");
    saver_put(s, "c2", "a@2=z d@1~", .thread = name, .parent = "c1");
    saver_put(s, "c2", "a@1=below", .thread = name, .ns = "n");
    saver_write(s, "c3", "t1", "a=1 __error__=e", .thread = name, .path = "p");
    saver_write(s, "c1", "t2", "b=1", .thread = name);
}

static void copy_thread_copies_everything(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    put_something(s, "src");
    assert_int_equal(saver_copy(s, "src", "dst"), 4);
    assert_get(s, ref("dst", NULL, NULL),
               "dst//c3 <c1 a@1=x b@2=y {\"step\":3} [t1.-1 __error__=e p] [t1.0 a=1 p]");
    assert_get(s, ref("dst", NULL, "c1"), "dst//c1 a@1=x b@1 [t2.0 b=1]");
    assert_get(s, ref("dst", "n", NULL), "dst/n/c2 a@1=below");
    assert_list(s, "dst//c3 dst//c2 dst//c1", .thread_id = cairn_str("dst"),
                .checkpoint_ns = cairn_str(""));
    assert_same_contents(s, "src", "dst");
}

static void the_source_stays_as_it_is(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    put_something(s, "src");
    char *before = contents(s, "src");
    saver_copy(s, "src", "dst");
    char *after = contents(s, "src");
    assert_string_equal(before, after);
    free(before);
    free(after);
    assert_int_equal(saver_thread_ttl(s, "src"), CAIRN_TTL_PERSIST);
}

static void source_and_copy_go_their_own_ways(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    put_something(s, "src");
    saver_copy(s, "src", "dst");
    saver_put(s, "c4", "a@1 b@2 d@1=w", .thread = "dst", .parent = "c3");
    saver_write(s, "c3", "t9", "a=9", .thread = "dst");
    assert_get(s, ref("src", NULL, NULL),
               "src//c3 <c1 a@1=x b@2=y {\"step\":3} [t1.-1 __error__=e p] [t1.0 a=1 p]");
    assert_int_equal(saver_delete_thread(s, "src"), 4);
    assert_contains(saver_get(s, ref("dst", NULL, NULL)), "dst//c4 <c3 a@1=x b@2=y");
    assert_get(s, ref("dst", "n", NULL), "dst/n/c2 a@1=below");
    assert_int_equal(saver_delete_thread(s, "dst"), 5);
    saver_assert_empty(s);
}

static void writes_without_their_checkpoint_are_copied_too(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "", .thread = "src");
    saver_write(s, "c2", "t1", "a=1", .thread = "src");
    assert_int_equal(saver_copy(s, "src", "dst"), 1);
    saver_put(s, "c2", "", .thread = "dst");
    assert_get(s, ref("dst", NULL, "c2"), "dst//c2 [t1.0 a=1]");
}

static void runs_are_copied_too(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "", .thread = "src", .run_id = "r1");
    saver_put(s, "c2", "", .thread = "src", .run_id = "r2");
    saver_copy(s, "src", "dst");
    assert_int_equal(saver_delete_run(s, "r1"), 2);
    assert_list(s, "dst//c2", .thread_id = cairn_str("dst"));
    assert_list(s, "src//c2", .thread_id = cairn_str("src"));
}

static void ttls_are_copied_as_far_as_they_have_run(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .thread = "src", .ttl = cairn_ttl_ms(90000));
    moment_t at_90 = s->moment;
    saver_put(s, "c2", "a@1", .thread = "src", .ttl = cairn_ttl_ms(60000));
    moment_t at_60 = s->moment;
    saver_put(s, "c3", "b@1=y", .thread = "src");
    saver_write(s, "c9", "t1", "a=1", .thread = "src", .ttl = cairn_ttl_ms(70000));
    saver_await_ttl(s, ref("src", NULL, "c2"), 59990);
    saver_copy(s, "src", "dst");
    assert_ttl(s, ref("dst", NULL, "c1"), 90000, at_90);
    assert_ttl(s, ref("dst", NULL, "c2"), 60000, at_60);
    assert_int_equal(saver_ttl(s, ref("dst", NULL, "c3")), CAIRN_TTL_PERSIST);
    assert_ttl(s, ref("src", NULL, "c1"), 90000, at_90);
}

static void a_copy_expires_as_the_original_does(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x b@1=y", .thread = "src", .ttl = cairn_ttl_ms(timed_brief(60)));
    saver_put(s, "c2", "a@1", .thread = "src");
    saver_copy(s, "src", "dst");
    saver_await_gone(s, ref("dst", NULL, "c1"));
    saver_await_gone(s, ref("src", NULL, "c1"));
    assert_get(s, ref("dst", NULL, NULL), "dst//c2 a@1=x");
    assert_list(s, "dst//c2", .thread_id = cairn_str("dst"));
}

static void an_existing_target_gives_eexist(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    put_something(s, "src");
    saver_put(s, "c9", "", .thread = "full");
    saver_put(s, "c9", "", .thread = "below", .ns = "n");
    saver_write(s, "c9", "t1", "a=1", .thread = "written");
    static const char *const targets[] = {"full", "below", "written"};
    for (int i = 0; i < 3; i++) {
        assert_status(ask_copy(s->own, cairn_str("src"), cairn_str(targets[i])), 0);
        ask_await(s->own, UV_EEXIST);
        assert_int_equal(s->own->count, 0);
    }
    assert_list(s, "full//c9", .thread_id = cairn_str("full"));
    assert_list(s, "below/n/c9", .thread_id = cairn_str("below"));
    assert_list(s, "", .thread_id = cairn_str("written"));
}

static void a_target_that_was_deleted_or_has_expired_does_not_exist(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    put_something(s, "src");
    saver_put(s, "c9", "", .thread = "dst");
    saver_delete_thread(s, "dst");
    assert_int_equal(saver_copy(s, "src", "dst"), 4);
    saver_put(s, "c9", "a@1=x", .thread = "brief", .ttl = cairn_ttl_ms(30));
    saver_await_gone(s, ref("brief", NULL, "c9"));
    assert_int_equal(saver_copy(s, "src", "brief"), 4);
    assert_same_contents(s, "src", "brief");
}

static void a_source_that_is_not_there_makes_no_target(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    assert_int_equal(saver_copy(s, "src", "dst"), 0);
    assert_int_equal(saver_thread_ttl(s, "dst"), CAIRN_TTL_ABSENT);
    saver_assert_empty(s);
}

static void a_thread_is_not_copied_onto_itself(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    ask_t *ask = s->own;
    cairn_slice_t t = cairn_str("t");
    assert_refused(ask, ask_copy(ask, t, t), UV_EINVAL, "thread_id");
    assert_refused(ask, ask_copy(ask, t, cairn_str(NULL)), UV_EINVAL, "thread_id");
    assert_refused(ask, ask_copy(ask, cairn_str(NULL), t), UV_EINVAL, "thread_id");
}

const scenario_t saver_copy_scenarios[] = {
    SCENARIO(copy_thread_copies_everything),
    SCENARIO(the_source_stays_as_it_is),
    SCENARIO(source_and_copy_go_their_own_ways),
    SCENARIO(writes_without_their_checkpoint_are_copied_too),
    SCENARIO(runs_are_copied_too),
    SCENARIO(ttls_are_copied_as_far_as_they_have_run),
    SCENARIO(a_copy_expires_as_the_original_does),
    SCENARIO(an_existing_target_gives_eexist),
    SCENARIO(a_target_that_was_deleted_or_has_expired_does_not_exist),
    SCENARIO(a_source_that_is_not_there_makes_no_target),
    SCENARIO(a_thread_is_not_copied_onto_itself),
    {NULL, NULL},
};
