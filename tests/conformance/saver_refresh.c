/* Rules 32 and 34: what a read does to a TTL. */
#include "saver_suite.h"

#define HOUR 3600000
#define RUN_DOWN 20 /* ms until a refresh makes a difference */

static const cairn_saver_get_options_t refresh = {.refresh = CAIRN_REFRESH_YES};
static const cairn_saver_get_options_t no_refresh = {.refresh = CAIRN_REFRESH_NO};
static const cairn_saver_options_t an_hour = {.default_ttl = {true, HOUR}};
static const cairn_saver_options_t refreshing = {.default_ttl = {true, HOUR},
                                                 .refresh_on_read = true};
static const cairn_saver_options_t refreshing_threads = {
    .default_ttl = {true, HOUR}, .ttl_scope = CAIRN_SCOPE_THREAD, .refresh_on_read = true};

static void a_read_refreshes_nothing_by_default(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "a@1=x");
    moment_t put = s->moment;
    saver_await_ttl(s, at("c1"), HOUR - RUN_DOWN);
    assert_get(s, at("c1"), "c1 a@1=x");
    assert_get(s, latest(), "c1 a@1=x");
    assert_ttl(s, at("c1"), HOUR, put);
}

static void refresh_on_read_puts_the_full_ttl_back(world_t *w)
{
    saver_client_t *s = saver_open(w, &refreshing);
    saver_put(s, "c1", "a@1=x");
    saver_await_ttl(s, at("c1"), HOUR - RUN_DOWN);
    assert_get(s, at("c1"), "c1 a@1=x");
    assert_ttl(s, at("c1"), HOUR, s->moment);
    saver_await_ttl(s, at("c1"), HOUR - RUN_DOWN);
    assert_get(s, latest(), "c1 a@1=x");
    assert_ttl(s, latest(), HOUR, s->moment);
}

static void a_call_may_refresh_or_not_whatever_the_saver_says(world_t *w)
{
    saver_client_t *s = saver_open(w, &an_hour);
    saver_client_t *r = saver_beside(s, &refreshing);
    saver_put(s, "c1", "a@1=x");
    moment_t put = s->moment;
    saver_await_ttl(s, at("c1"), HOUR - RUN_DOWN);
    saver_get_with(r, at("c1"), &no_refresh);
    assert_ttl(s, at("c1"), HOUR, put);
    saver_get_with(s, at("c1"), &refresh);
    assert_ttl(s, at("c1"), HOUR, s->moment);
}

static void the_full_ttl_is_the_one_last_given(world_t *w)
{
    saver_client_t *s = saver_open(w, &refreshing);
    saver_put(s, "c1", "", .ttl = cairn_ttl_ms(2 * HOUR));
    saver_await_ttl(s, at("c1"), 2 * HOUR - RUN_DOWN);
    assert_get(s, at("c1"), "c1");
    assert_ttl(s, at("c1"), 2 * HOUR, s->moment);
    saver_set_ttl(s, at("c1"), HOUR / 2);
    saver_await_ttl(s, at("c1"), HOUR / 2 - RUN_DOWN);
    assert_get(s, at("c1"), "c1");
    assert_ttl(s, at("c1"), HOUR / 2, s->moment);
}

static void a_read_of_headers_refreshes_all_of_it(world_t *w)
{
    static const cairn_saver_get_options_t headers = {.refresh = CAIRN_REFRESH_YES,
                                                      .headers_only = true};
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "a@1=x");
    saver_await_ttl(s, at("c1"), HOUR - RUN_DOWN);
    saver_get_with(s, at("c1"), &headers);
    assert_ttl(s, at("c1"), HOUR, s->moment);
}

static void refresh_never_gives_an_expiry_to_what_has_none(world_t *w)
{
    saver_client_t *plain = saver_open(w, NULL);
    saver_client_t *s = saver_beside(plain, &refreshing);
    saver_client_t *threads = saver_beside(plain, &refreshing_threads);
    saver_put(plain, "c1", "a@1=x");
    saver_put(plain, "c2", "a@1", .parent = "c1");
    assert_get(s, at("c1"), "c1 a@1=x");
    assert_get(s, latest(), "c2 <c1 a@1=x");
    assert_get(threads, at("c1"), "c1 a@1=x");
    assert_int_equal(saver_ttl(s, at("c1")), CAIRN_TTL_PERSIST);
    assert_int_equal(saver_ttl(s, at("c2")), CAIRN_TTL_PERSIST);
}

static void a_refresh_is_of_what_was_read_alone(world_t *w)
{
    saver_client_t *s = saver_open(w, &refreshing);
    saver_put(s, "c1", "a@1=x");
    moment_t put = s->moment;
    saver_put(s, "c2", "a@1", .parent = "c1");
    saver_await_ttl(s, at("c2"), HOUR - RUN_DOWN);
    assert_get(s, latest(), "c2 <c1 a@1=x");
    assert_ttl(s, at("c2"), HOUR, s->moment);
    assert_ttl(s, at("c1"), HOUR, put);
    assert_none(s, at("c9"));
    assert_ttl(s, at("c1"), HOUR, put);
}

static void lists_histories_and_questions_refresh_nothing(world_t *w)
{
    saver_client_t *s = saver_open(w, &refreshing);
    saver_put(s, "c1", "d@1=x");
    moment_t put = s->moment;
    saver_await_ttl(s, at("c1"), HOUR - RUN_DOWN);
    saver_list(s, NULL);
    assert_list(s, "c1", .thread_id = cairn_str("t"));
    saver_put(s, "c2", "d@2~", .parent = "c1", .ttl = cairn_ttl_ms(HOUR));
    assert_string_equal(saver_history(s, at("c2"), "d"), "d=x");
    assert_ttl(s, at("c1"), HOUR, put);
}

static void of_thread_scope_a_read_moves_the_whole_thread(world_t *w)
{
    saver_client_t *s = saver_open(w, &refreshing_threads);
    saver_put(s, "c1", "a@1=x");
    saver_put(s, "c2", "", .ns = "n");
    saver_put(s, "c3", "", .thread = "u");
    moment_t other = s->moment;
    saver_await_ttl(s, at("c1"), HOUR - RUN_DOWN);
    assert_get(s, at("c1"), "c1 a@1=x");
    moment_t read = s->moment;
    assert_ttl(s, at("c1"), HOUR, read);
    assert_ttl(s, ref("t", "n", "c2"), HOUR, read);
    assert_ttl(s, thread("u"), HOUR, other);
}

static void of_thread_scope_each_gets_its_own_full_ttl_back(world_t *w)
{
    saver_client_t *plain = saver_open(w, NULL);
    saver_client_t *s = saver_beside(plain, &refreshing_threads);
    saver_put(plain, "c1", "", .ttl = cairn_ttl_ms(HOUR));
    saver_put(plain, "c2", "", .ttl = cairn_ttl_ms(2 * HOUR));
    saver_put(plain, "c3", "");
    saver_await_ttl(s, at("c2"), 2 * HOUR - RUN_DOWN);
    assert_get(s, latest(), "c3");
    moment_t read = s->moment;
    assert_ttl(s, at("c1"), HOUR, read);
    assert_ttl(s, at("c2"), 2 * HOUR, read);
    assert_int_equal(saver_ttl(s, at("c3")), CAIRN_TTL_PERSIST);
}

static void a_read_of_thread_scope_without_refresh_moves_nothing(world_t *w)
{
    saver_client_t *s = saver_open(w, &refreshing_threads);
    saver_put(s, "c1", "");
    moment_t put = s->moment;
    saver_await_ttl(s, at("c1"), HOUR - RUN_DOWN);
    saver_get_with(s, at("c1"), &no_refresh);
    assert_ttl(s, at("c1"), HOUR, put);
}

const scenario_t saver_refresh_scenarios[] = {
    SCENARIO(a_read_refreshes_nothing_by_default),
    SCENARIO(refresh_on_read_puts_the_full_ttl_back),
    SCENARIO(a_call_may_refresh_or_not_whatever_the_saver_says),
    SCENARIO(the_full_ttl_is_the_one_last_given),
    SCENARIO(a_read_of_headers_refreshes_all_of_it),
    SCENARIO(refresh_never_gives_an_expiry_to_what_has_none),
    SCENARIO(a_refresh_is_of_what_was_read_alone),
    SCENARIO(lists_histories_and_questions_refresh_nothing),
    SCENARIO(of_thread_scope_a_read_moves_the_whole_thread),
    SCENARIO(of_thread_scope_each_gets_its_own_full_ttl_back),
    SCENARIO(a_read_of_thread_scope_without_refresh_moves_nothing),
    {NULL, NULL},
};
