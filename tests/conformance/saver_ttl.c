/* Rules 29, 30, 33, 34 and 35: what a TTL is of, and who sets it. */
#include "saver_suite.h"

#define HOUR 3600000
#define RUN_DOWN 20 /* ms until it makes a difference when a TTL began */

static const cairn_saver_options_t an_hour = {.default_ttl = {true, HOUR}};
static const cairn_saver_options_t an_hour_a_thread = {.default_ttl = {true, HOUR},
                                                       .ttl_scope = CAIRN_SCOPE_THREAD};

/* ---- 29: the default ---- */

static void without_a_default_what_is_put_is_persistent(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x");
    saver_write(s, "c1", "t1", "a=1");
    saver_write(s, "c2", "t1", "a=1", .thread = "u");
    assert_int_equal(saver_ttl(s, at("c1")), CAIRN_TTL_PERSIST);
    assert_int_equal(saver_thread_ttl(s, "t"), CAIRN_TTL_PERSIST);
    assert_int_equal(saver_thread_ttl(s, "u"), CAIRN_TTL_PERSIST);
}

static void the_default_is_of_every_put(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "a@1=x");
    assert_ttl(s, at("c1"), HOUR, s->moment);
    saver_put(s, "c2", "a@1", .ns = "n");
    assert_ttl(s, ref("t", "n", NULL), HOUR, s->moment);
    saver_write(s, "c3", "t1", "a=1", .thread = "u");
    assert_thread_ttl(s, "u", HOUR, s->moment);
}

static void a_default_of_minutes_converts_once(world_t *w)
{
    cairn_saver_options_t options = {.default_ttl = {.given = true}};
    assert_status(cairn_ttl_ms_from_minutes(0.75, &options.default_ttl.ms), 0);
    saver_client_t *s = saver_open(w, &options);
    saver_put(s, "c", "");
    assert_ttl(s, at("c"), 45000, s->moment);
}

static void a_default_may_say_persistent(world_t *w)
{
    cairn_saver_options_t options = {.default_ttl = {true, CAIRN_TTL_PERSIST}};
    saver_client_t *s = saver_open(w, &options);
    saver_put(s, "c", "");
    assert_int_equal(saver_ttl(s, at("c")), CAIRN_TTL_PERSIST);
}

static void a_ttl_of_0_or_less_is_an_error_never_a_delete(world_t *w)
{
    static const int64_t wrong[] = {0, -2, -1000, INT64_MIN};
    saver_client_t *s = saver_open(w, NULL);
    ask_t *ask = s->own;
    saver_put(s, "c1", "a@1=x");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cairn_ttl_t ttl = cairn_ttl_ms(wrong[i]);
        assert_refused(ask, ask_put(ask, &(put_words_t){.id = "c1", .ttl = ttl}), UV_EINVAL, "ttl");
        write_words_t write = {.at = "c1", .task = "t1", .writes = "a=1", .ttl = ttl};
        assert_refused(ask, ask_write(ask, &write), UV_EINVAL, "ttl");
        for (int scope = CAIRN_SCOPE_CHECKPOINT; scope <= CAIRN_SCOPE_THREAD; scope++)
            assert_refused(ask, ask_set_ttl(ask, (cairn_saver_scope_t)scope, at("c1"), ttl),
                           UV_EINVAL, "ttl");
        cairn_saver_t saver;
        cairn_saver_options_t options = {.default_ttl = ttl};
        assert_status(cairn_saver_init(&saver, &s->client->cairn, &options), UV_EINVAL);
    }
    assert_get(s, latest(), "c1 a@1=x");
    assert_int_equal(saver_ttl(s, latest()), CAIRN_TTL_PERSIST);
}

static void a_ttl_beyond_the_most_is_refused_and_the_most_is_kept(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    ask_t *ask = s->own;
    cairn_ttl_t beyond = cairn_ttl_ms(CAIRN_TTL_MAX_MS + 1);
    assert_refused(ask, ask_put(ask, &(put_words_t){.id = "c1", .ttl = beyond}), CAIRN_ETOOBIG,
                   "ttl");
    assert_refused(ask, ask_set_ttl(ask, CAIRN_SCOPE_CHECKPOINT, at("c1"), beyond), CAIRN_ETOOBIG,
                   "ttl");
    cairn_saver_options_t options = {.default_ttl = beyond};
    cairn_saver_t saver = {.options.shallow = true};
    assert_status(cairn_saver_init(&saver, &s->client->cairn, &options), CAIRN_ETOOBIG);
    assert_true(saver.options.shallow);
    saver_put(s, "c1", "a@1=x", .ttl = cairn_ttl_ms(CAIRN_TTL_MAX_MS));
    assert_ttl(s, at("c1"), CAIRN_TTL_MAX_MS, s->moment);
    assert_get(s, at("c1"), "c1 a@1=x");
    saver_put(s, "c2", "", .ttl = cairn_ttl_ms(60000));
    assert_int_equal(saver_set_ttl(s, at("c2"), CAIRN_TTL_MAX_MS), CAIRN_TTL_MAX_MS);
    assert_ttl(s, at("c2"), CAIRN_TTL_MAX_MS, s->moment);
}

static void a_scope_that_is_none_is_refused(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    cairn_saver_scope_t odd = (cairn_saver_scope_t)7;
    cairn_saver_options_t options = {.ttl_scope = odd};
    cairn_saver_t saver;
    assert_status(cairn_saver_init(&saver, &s->client->cairn, &options), UV_EINVAL);
    assert_refused(s->own, ask_ttl(s->own, odd, at("c1")), UV_EINVAL, "scope");
    assert_refused(s->own, ask_pin(s->own, odd, at("c1")), UV_EINVAL, "scope");
    cairn_checkpoint_ref_t nowhere = ref(NULL, NULL, "c");
    assert_refused(s->own, ask_ttl(s->own, CAIRN_SCOPE_CHECKPOINT, nowhere), UV_EINVAL,
                   "thread_id");
}

static void set_ttl_wants_a_ttl(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "");
    cairn_ttl_t nothing_said = {0};
    int rc = ask_set_ttl(s->own, CAIRN_SCOPE_CHECKPOINT, at("c1"), nothing_said);
    assert_refused(s->own, rc, UV_EINVAL, "ttl");
}

/* ---- 30: one TTL for the whole object ---- */

static void a_put_again_has_its_own_ttl(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .ttl = cairn_ttl_ms(HOUR));
    saver_put(s, "c1", "a@1", .ttl = cairn_ttl_ms(2 * HOUR));
    assert_ttl(s, at("c1"), 2 * HOUR, s->moment);
    saver_put(s, "c1", "a@1", .ttl = cairn_ttl_ms(HOUR / 2));
    assert_ttl(s, at("c1"), HOUR / 2, s->moment);
}

/* The writes had a short time left: if they had not been moved, they would go with the brief one,
 * which was put after them. */
static void a_put_gives_its_ttl_to_the_writes_that_came_before(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_write(s, "c1", "t1", "a=1", .ttl = cairn_ttl_ms(timed_brief(400)));
    saver_put(s, "c1", "a@1=x", .ttl = cairn_ttl_ms(HOUR));
    moment_t put = s->moment;
    saver_put(s, "c", "", .thread = "brief", .ttl = cairn_ttl_ms(timed_brief(400)));
    saver_await_gone(s, ref("brief", NULL, "c"));
    assert_get(s, at("c1"), "c1 a@1=x [t1.0 a=1]");
    assert_ttl(s, at("c1"), HOUR, put);
}

/* Whether the saver has a default or not. */
static void writes_join_the_expiry_of_their_checkpoint(world_t *w)
{
    saver_client_t *plain = saver_open(w, NULL);
    saver_client_t *s = saver_beside(plain, &an_hour);
    saver_put(s, "c1", "a@1=x");
    moment_t put = s->moment;
    saver_await_ttl(s, at("c1"), HOUR - RUN_DOWN);
    saver_write(s, "c1", "t1", "a=1");
    assert_ttl(s, at("c1"), HOUR, put);
    saver_write(plain, "c1", "t2", "a=2");
    assert_ttl(s, at("c1"), HOUR, put);
    saver_put(plain, "c2", "");
    saver_write(s, "c2", "t1", "a=1");
    assert_int_equal(saver_ttl(s, at("c2")), CAIRN_TTL_PERSIST);
}

/* Nor do they change what a refresh puts back. */
static void writes_do_not_undo_an_explicit_ttl(world_t *w)
{
    static const cairn_saver_get_options_t refresh = {.refresh = CAIRN_REFRESH_YES};
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "a@1=x", .ttl = cairn_ttl_ms(2 * HOUR));
    moment_t put = s->moment;
    saver_write(s, "c1", "t1", "a=1");
    assert_ttl(s, at("c1"), 2 * HOUR, put);
    saver_put(s, "c2", "");
    saver_set_ttl(s, at("c2"), 60000);
    moment_t set = s->moment;
    saver_write(s, "c2", "t1", "a=1");
    saver_write(s, "c2", "t2", "a=2");
    assert_ttl(s, at("c2"), 60000, set);
    saver_await_ttl(s, at("c2"), 60000 - RUN_DOWN);
    saver_get_with(s, at("c2"), &refresh);
    assert_ttl(s, at("c2"), 60000, s->moment);
}

static void writes_with_a_ttl_of_their_own_move_the_object(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .ttl = cairn_ttl_ms(HOUR));
    saver_write(s, "c1", "t1", "a=1", .ttl = cairn_ttl_ms(2 * HOUR));
    assert_ttl(s, at("c1"), 2 * HOUR, s->moment);
    saver_write(s, "c1", "t1", "a=1", .ttl = cairn_ttl_ms(HOUR / 2));
    assert_ttl(s, at("c1"), HOUR / 2, s->moment);
    saver_write(s, "c1", "t2", "a=1", .ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST));
    assert_int_equal(saver_ttl(s, at("c1")), CAIRN_TTL_PERSIST);
}

/* The call that makes the object says when it goes; later ones join. */
static void writes_before_their_checkpoint_get_the_default_ttl(world_t *w)
{
    saver_client_t *plain = saver_open(w, NULL);
    saver_client_t *s = saver_beside(plain, &an_hour);
    saver_write(s, "c1", "t1", "a=1");
    moment_t first = s->moment;
    assert_thread_ttl(s, "t", HOUR, first);
    saver_put(s, "c", "", .thread = "beside");
    saver_await_ttl(s, ref("beside", NULL, "c"), HOUR - RUN_DOWN);
    saver_write(s, "c1", "t2", "a=2");
    saver_write(plain, "c1", "t3", "a=3");
    assert_thread_ttl(s, "t", HOUR, first);
    saver_write(s, "c1", "t1", "a=1", .thread = "u", .ttl = cairn_ttl_ms(60000));
    moment_t brief = s->moment;
    saver_write(s, "c1", "t2", "a=2", .thread = "u");
    assert_thread_ttl(s, "u", 60000, brief);
    saver_write(plain, "c1", "t1", "a=1", .thread = "v");
    saver_write(s, "c1", "t2", "a=2", .thread = "v");
    assert_int_equal(saver_thread_ttl(s, "v"), CAIRN_TTL_PERSIST);
}

/* ---- 33: pin ---- */

static void pin_makes_a_checkpoint_permanent(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "a@1=x");
    saver_put(s, "c2", "a@1");
    moment_t put = s->moment;
    assert_int_equal(saver_pin(s, at("c1")), CAIRN_TTL_PERSIST);
    assert_int_equal(saver_ttl(s, at("c1")), CAIRN_TTL_PERSIST);
    assert_ttl(s, at("c2"), HOUR, put);
    assert_int_equal(saver_thread_ttl(s, "t"), CAIRN_TTL_PERSIST);
}

static void pin_without_an_id_is_of_the_latest(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "");
    moment_t put = s->moment;
    saver_put(s, "c2", "");
    assert_int_equal(saver_pin(s, latest()), CAIRN_TTL_PERSIST);
    assert_int_equal(saver_ttl(s, at("c2")), CAIRN_TTL_PERSIST);
    assert_ttl(s, at("c1"), HOUR, put);
}

static void pin_is_set_ttl_with_persist_and_a_put_may_pin(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "");
    assert_int_equal(saver_set_ttl(s, at("c1"), CAIRN_TTL_PERSIST), CAIRN_TTL_PERSIST);
    assert_int_equal(saver_ttl(s, at("c1")), CAIRN_TTL_PERSIST);
    saver_put(s, "c2", "", .ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST));
    assert_int_equal(saver_ttl(s, at("c2")), CAIRN_TTL_PERSIST);
}

static void a_later_refresh_does_not_unpin(world_t *w)
{
    static const cairn_saver_get_options_t refresh = {.refresh = CAIRN_REFRESH_YES};
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "a@1=x");
    saver_pin(s, at("c1"));
    assert_string_equal(saver_get_with(s, at("c1"), &refresh), "c1 a@1=x");
    assert_int_equal(saver_ttl(s, at("c1")), CAIRN_TTL_PERSIST);
}

static void a_later_put_with_the_default_does_not_unpin(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "a@1=x");
    saver_pin(s, at("c1"));
    saver_put(s, "c1", "a@1 b@1=y");
    assert_int_equal(saver_ttl(s, at("c1")), CAIRN_TTL_PERSIST);
    saver_write(s, "c1", "t1", "a=1");
    assert_int_equal(saver_ttl(s, at("c1")), CAIRN_TTL_PERSIST);
    assert_get(s, at("c1"), "c1 a@1=x b@1=y [t1.0 a=1]");
}

static void an_explicit_ttl_unpins(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "");
    saver_pin(s, at("c1"));
    assert_int_equal(saver_set_ttl(s, at("c1"), 60000), 60000);
    assert_ttl(s, at("c1"), 60000, s->moment);
    saver_pin(s, at("c1"));
    saver_put(s, "c1", "", .ttl = cairn_ttl_ms(70000));
    assert_ttl(s, at("c1"), 70000, s->moment);
    saver_pin(s, at("c1"));
    saver_write(s, "c1", "t1", "a=1", .ttl = cairn_ttl_ms(80000));
    assert_ttl(s, at("c1"), 80000, s->moment);
}

static void unpin_gives_the_savers_default(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_client_t *persistent = saver_beside(s, NULL);
    saver_put(s, "c1", "");
    saver_pin(s, at("c1"));
    assert_int_equal(saver_unpin(s, at("c1")), HOUR);
    assert_ttl(s, at("c1"), HOUR, s->moment);
    assert_int_equal(saver_unpin(persistent, at("c1")), CAIRN_TTL_PERSIST);
    assert_int_equal(saver_ttl(s, at("c1")), CAIRN_TTL_PERSIST);
}

static void a_thread_is_pinned_and_given_a_ttl_as_a_whole(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "");
    saver_put(s, "c2", "");
    saver_put(s, "c3", "", .ns = "n");
    saver_put(s, "c4", "", .thread = "u");
    moment_t put = s->moment;
    assert_status(ask_pin(s->own, CAIRN_SCOPE_THREAD, ref("t", "no matter", "which")), 0);
    ask_await(s->own, 0);
    assert_int_equal(s->own->ttl_ms, CAIRN_TTL_PERSIST);
    assert_int_equal(saver_ttl(s, at("c1")), CAIRN_TTL_PERSIST);
    assert_int_equal(saver_ttl(s, at("c2")), CAIRN_TTL_PERSIST);
    assert_int_equal(saver_ttl(s, ref("t", "n", "c3")), CAIRN_TTL_PERSIST);
    assert_ttl(s, thread("u"), HOUR, put);
    assert_int_equal(saver_set_thread_ttl(s, "t", 60000), 60000);
    moment_t set = s->moment;
    assert_ttl(s, at("c1"), 60000, set);
    assert_ttl(s, ref("t", "n", "c3"), 60000, set);
    assert_status(ask_unpin(s->own, CAIRN_SCOPE_THREAD, latest()), 0);
    ask_await(s->own, 0);
    assert_int_equal(s->own->ttl_ms, HOUR);
}

/* ---- 34: per call, per thread ---- */

static void a_ttl_of_the_call_overrides_the_default(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "", .ttl = cairn_ttl_ms(2 * HOUR));
    assert_ttl(s, at("c1"), 2 * HOUR, s->moment);
    saver_put(s, "c2", "", .ttl = cairn_ttl_ms(60000));
    assert_ttl(s, at("c2"), 60000, s->moment);
    saver_put(s, "c3", "", .ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST));
    assert_int_equal(saver_ttl(s, at("c3")), CAIRN_TTL_PERSIST);
    saver_write(s, "c4", "t1", "a=1", .ttl = cairn_ttl_ms(90000), .thread = "u");
    assert_thread_ttl(s, "u", 90000, s->moment);
}

static void a_put_moves_only_its_checkpoint_unless_told_otherwise(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "", .ttl = cairn_ttl_ms(60000));
    moment_t put = s->moment;
    saver_put(s, "c2", "", .parent = "c1", .ttl = cairn_ttl_ms(HOUR));
    assert_ttl(s, at("c1"), 60000, put);
}

static void of_thread_scope_a_put_moves_the_whole_thread(world_t *w)
{
    saver_client_t *plain = saver_open(w, NULL);
    saver_client_t *s = saver_beside(plain, &an_hour_a_thread);
    saver_put(plain, "c1", "", .ttl = cairn_ttl_ms(60000));
    saver_put(plain, "c2", "", .ttl = cairn_ttl_ms(60000), .ns = "n");
    saver_put(plain, "c3", "", .ttl = cairn_ttl_ms(60000), .thread = "u");
    moment_t before = plain->moment;
    saver_put(s, "c4", "", .parent = "c1");
    moment_t put = s->moment;
    assert_ttl(s, at("c1"), HOUR, put);
    assert_ttl(s, ref("t", "n", "c2"), HOUR, put);
    assert_ttl(s, at("c4"), HOUR, put);
    assert_ttl(s, thread("u"), 60000, before);
    saver_set_thread_ttl(plain, "t", 60000);
    saver_write(s, "c1", "t1", "a=1");
    assert_ttl(s, at("c4"), HOUR, s->moment);
    saver_put(s, "c5", "", .ttl = cairn_ttl_ms(2 * HOUR));
    assert_ttl(s, at("c1"), 2 * HOUR, s->moment);
}

static void of_thread_scope_a_default_unpins_nothing(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour_a_thread);
    saver_put(s, "c1", "");
    saver_put(s, "c2", "");
    saver_pin(s, at("c1"));
    saver_put(s, "c3", "");
    const moment_t put = s->moment;
    assert_int_equal(saver_ttl(s, at("c1")), CAIRN_TTL_PERSIST);
    assert_ttl(s, at("c2"), HOUR, put);
}

/* ---- asking ---- */

static void what_is_not_there_has_no_ttl_and_gets_none(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(saver_ttl(s, at("c9")), CAIRN_TTL_ABSENT);
        assert_int_equal(saver_set_ttl(s, at("c9"), 60000), CAIRN_TTL_ABSENT);
        assert_int_equal(saver_pin(s, at("c9")), CAIRN_TTL_ABSENT);
        assert_int_equal(saver_thread_ttl(s, "u"), CAIRN_TTL_ABSENT);
        assert_int_equal(saver_set_thread_ttl(s, "u", 60000), CAIRN_TTL_ABSENT);
        assert_int_equal(saver_ttl(s, thread("u")), CAIRN_TTL_ABSENT);
        saver_put(s, "c1", "");
    }
    assert_list(s, "c1", .headers_only = true);
}

static void a_thread_lives_until_the_last_of_it_goes(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "", .ttl = cairn_ttl_ms(90000));
    moment_t longest = s->moment;
    saver_put(s, "c2", "", .ttl = cairn_ttl_ms(60000));
    saver_put(s, "c3", "", .ns = "n", .ttl = cairn_ttl_ms(70000));
    assert_thread_ttl(s, "t", 90000, longest);
    saver_put(s, "c0", "", .ns = "m");
    assert_int_equal(saver_thread_ttl(s, "t"), CAIRN_TTL_PERSIST);
}

static void ttl_without_an_id_is_of_the_latest(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "", .ttl = cairn_ttl_ms(60000));
    saver_put(s, "c2", "", .ttl = cairn_ttl_ms(90000));
    assert_ttl(s, latest(), 90000, s->moment);
    assert_int_equal(saver_set_ttl(s, latest(), 80000), 80000);
    assert_ttl(s, at("c2"), 80000, s->moment);
}

/* ---- 35: nothing sweeps ---- */

static void sweeping_has_nothing_to_do(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "a@1=x");
    assert_status(cairn_saver_start_ttl_sweeper(&s->saver, 1), 0);
    assert_status(ask_sweep(s->own), 0);
    ask_await(s->own, 0);
    assert_int_equal(s->own->count, 0);
    cairn_saver_stop_ttl_sweeper(&s->saver);
    cairn_saver_stop_ttl_sweeper(&s->saver);
    assert_status(cairn_saver_start_ttl_sweeper(&s->saver, 0), UV_EINVAL);
    assert_get(s, latest(), "c1 a@1=x");
}

const scenario_t saver_ttl_scenarios[] = {
    SCENARIO(without_a_default_what_is_put_is_persistent),
    SCENARIO(the_default_is_of_every_put),
    SCENARIO(a_default_of_minutes_converts_once),
    SCENARIO(a_default_may_say_persistent),
    SCENARIO(a_ttl_of_0_or_less_is_an_error_never_a_delete),
    SCENARIO(a_ttl_beyond_the_most_is_refused_and_the_most_is_kept),
    SCENARIO(a_scope_that_is_none_is_refused),
    SCENARIO(set_ttl_wants_a_ttl),
    SCENARIO(a_put_again_has_its_own_ttl),
    SCENARIO(a_put_gives_its_ttl_to_the_writes_that_came_before),
    SCENARIO(writes_join_the_expiry_of_their_checkpoint),
    SCENARIO(writes_do_not_undo_an_explicit_ttl),
    SCENARIO(writes_with_a_ttl_of_their_own_move_the_object),
    SCENARIO(writes_before_their_checkpoint_get_the_default_ttl),
    SCENARIO(pin_makes_a_checkpoint_permanent),
    SCENARIO(pin_without_an_id_is_of_the_latest),
    SCENARIO(pin_is_set_ttl_with_persist_and_a_put_may_pin),
    SCENARIO(a_later_refresh_does_not_unpin),
    SCENARIO(a_later_put_with_the_default_does_not_unpin),
    SCENARIO(an_explicit_ttl_unpins),
    SCENARIO(unpin_gives_the_savers_default),
    SCENARIO(a_thread_is_pinned_and_given_a_ttl_as_a_whole),
    SCENARIO(a_ttl_of_the_call_overrides_the_default),
    SCENARIO(a_put_moves_only_its_checkpoint_unless_told_otherwise),
    SCENARIO(of_thread_scope_a_put_moves_the_whole_thread),
    SCENARIO(of_thread_scope_a_default_unpins_nothing),
    SCENARIO(what_is_not_there_has_no_ttl_and_gets_none),
    SCENARIO(a_thread_lives_until_the_last_of_it_goes),
    SCENARIO(ttl_without_an_id_is_of_the_latest),
    SCENARIO(sweeping_has_nothing_to_do),
    {NULL, NULL},
};
