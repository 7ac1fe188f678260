/* Rules 36 and 42: what a TTL is of, who sets it, and that what has expired is gone at once. */
#include "store_suite.h"

#define HOUR 3600000

static const cairn_store_options_t an_hour = {.default_ttl = {true, HOUR}};

static void without_a_default_what_is_put_is_persistent(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "{}");
    assert_int_equal(items_ttl(s, "a", "k"), CAIRN_TTL_PERSIST);
}

static void the_default_is_of_every_put(world_t *w)
{
    items_t *s = items_open(w, &an_hour);
    items_put(s, "a", "k", "{}");
    assert_item_ttl(s, "a", "k", HOUR, s->span);
    items_get(s, "a", "k");
    assert_int_equal(s->own->facts[0].ttl_ms, HOUR);
}

static void a_default_of_minutes_converts_once(world_t *w)
{
    cairn_store_options_t options = {.default_ttl = {.given = true}};
    assert_status(cairn_ttl_ms_from_minutes(1.5, &options.default_ttl.ms), 0);
    items_t *s = items_open(w, &options);
    items_put(s, "a", "k", "{}");
    assert_item_ttl(s, "a", "k", 90000, s->span);
}

static void a_ttl_of_the_call_overrides_the_default(world_t *w)
{
    items_t *s = items_open(w, &an_hour);
    items_put(s, "a", "k", "{}", .options.ttl = cairn_ttl_ms(60000));
    assert_item_ttl(s, "a", "k", 60000, s->span);
}

static void persist_means_no_expiry_and_clears_an_existing_one(world_t *w)
{
    items_t *s = items_open(w, &an_hour);
    items_put(s, "a", "k", "{}");
    items_put(s, "a", "k", "{}", .options.ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST));
    assert_int_equal(items_ttl(s, "a", "k"), CAIRN_TTL_PERSIST);
    items_get(s, "a", "k");
    assert_int_equal(s->own->facts[0].ttl_ms, CAIRN_TTL_PERSIST);
}

static void a_put_again_has_its_own_ttl(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "1", .options.ttl = cairn_ttl_ms(60000));
    items_put(s, "a", "k", "2");
    assert_int_equal(items_ttl(s, "a", "k"), CAIRN_TTL_PERSIST);
    items_put(s, "a", "k", "3", .options.ttl = cairn_ttl_ms(50000));
    assert_item_ttl(s, "a", "k", 50000, s->span);
    items_t *hourly = items_beside(s, &an_hour);
    items_put(hourly, "a", "k", "4");
    assert_item_ttl(hourly, "a", "k", HOUR, hourly->span);
}

static void a_ttl_of_0_or_less_is_an_error_never_a_delete(world_t *w)
{
    static const int64_t wrong[] = {0, -2, -1000, INT64_MIN};
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "{}");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cairn_ttl_t ttl = cairn_ttl_ms(wrong[i]);
        item_words_t words = {"a", "k", "1", {.ttl = ttl}};
        assert_call_refused(s->own, call_put(s->own, &words), UV_EINVAL, "ttl");
        assert_call_refused(s->own, call_set_ttl(s->own, ns("a"), cairn_str("k"), ttl), UV_EINVAL,
                            "ttl");
        cairn_store_t store;
        cairn_store_options_t options = {.default_ttl = ttl};
        assert_status(cairn_store_init(&store, &s->client->cairn, &options), UV_EINVAL);
    }
    assert_item(s, "a", "k", "{}");
    assert_int_equal(items_ttl(s, "a", "k"), CAIRN_TTL_PERSIST);
}

static void the_longest_ttl_is_kept_and_a_longer_one_refused(world_t *w)
{
    items_t *s = items_open(w, NULL);
    item_words_t words = {"a", "k", "1", {.ttl = cairn_ttl_ms(CAIRN_TTL_MAX_MS + 1)}};
    assert_call_refused(s->own, call_put(s->own, &words), CAIRN_ETOOBIG, "ttl");
    items_put(s, "a", "k", "1", .options.ttl = cairn_ttl_ms(CAIRN_TTL_MAX_MS));
    assert_item_ttl(s, "a", "k", CAIRN_TTL_MAX_MS, s->span);
    assert_item(s, "a", "k", "1");
}

static void set_ttl_pin_and_unpin_change_it_and_nothing_else(world_t *w)
{
    items_t *s = items_open(w, &an_hour);
    items_put(s, "a", "k", "1");
    assert_int_equal(items_set_ttl(s, "a", "k", 60000), 60000);
    assert_item_ttl(s, "a", "k", 60000, s->span);
    assert_int_equal(items_pin(s, "a", "k"), CAIRN_TTL_PERSIST);
    assert_int_equal(items_ttl(s, "a", "k"), CAIRN_TTL_PERSIST);
    assert_int_equal(items_unpin(s, "a", "k"), HOUR);
    assert_item_ttl(s, "a", "k", HOUR, s->span);
    assert_item(s, "a", "k", "1");
    items_t *plain = items_beside(s, NULL);
    assert_int_equal(items_unpin(plain, "a", "k"), CAIRN_TTL_PERSIST);
    cairn_ttl_t nothing_said = {0};
    assert_call_refused(s->own, call_set_ttl(s->own, ns("a"), cairn_str("k"), nothing_said),
                        UV_EINVAL, "ttl");
}

static void what_is_not_there_has_no_ttl_and_gets_none(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    assert_int_equal(items_ttl(s, "a", "l"), CAIRN_TTL_ABSENT);
    assert_int_equal(items_ttl(s, "b", "k"), CAIRN_TTL_ABSENT);
    assert_int_equal(items_set_ttl(s, "a", "l", 60000), CAIRN_TTL_ABSENT);
    assert_int_equal(items_pin(s, "b", "k"), CAIRN_TTL_ABSENT);
    assert_int_equal(items_unpin(s, "b", "k"), CAIRN_TTL_ABSENT);
    assert_no_item(s, "a", "l");
    assert_namespaces(s, "a", .max_depth = 0);
}

static void what_has_expired_is_gone_from_everywhere_at_once(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k1", "{\"n\":1}");
    items_put(s, "a", "k2", "{\"n\":1}", .options.ttl = cairn_ttl_ms(30));
    items_put(s, "a", "k3", "{\"n\":1}");
    items_put(s, "b", "k4", "{\"n\":1}", .options.ttl = cairn_ttl_ms(30));
    items_await_gone(s, "a", "k2");
    items_await_gone(s, "b", "k4");
    assert_no_item(s, "a", "k2");
    assert_int_equal(items_ttl(s, "a", "k2"), CAIRN_TTL_ABSENT);
    assert_search(s, "a:k3 a:k1", .offset = 0);
    assert_search(s, "a:k3 a:k1", .filter = cairn_str("{\"n\":1}"));
    assert_search(s, "a:k1", .offset = 1);
    assert_search(s, "", .prefix = ns("b"));
    assert_int_equal(items_count(s, NULL, NULL), 2);
    assert_namespaces(s, "a", .max_depth = 0);
    assert_false(items_delete(s, "a", "k2"));
}

static void no_page_comes_up_short_for_what_has_expired(world_t *w)
{
    items_t *s = items_open(w, NULL);
    for (const char *key = "abcdefghij"; *key; key++) {
        item_words_t words = {"n", (char[]){*key, '\0'}, "1", {.ttl = {*key % 2 == 0, 30}}};
        items_put_at(s, &words, __FILE__, __LINE__);
    }
    items_await_gone(s, "n", "j");
    items_await_gone(s, "n", "b");
    call_t *call = items_call(s);
    cairn_store_query_t query = {.paging.page_size = 3};
    assert_status(call_search(call, &query), 0);
    call_await(call, 0);
    assert_string_equal(text_chars(&call->places), "n:i n:g n:e");
    assert_true(call->cursor_len > 0);
    query.paging.cursor = cairn_slice(call->cursor, call->cursor_len);
    assert_status(call_search(call, &query), 0);
    call_await(call, 0);
    assert_string_equal(text_chars(&call->places), "n:i n:g n:e n:c n:a");
    assert_int_equal(call->cursor_len, 0);
}

static void what_has_expired_is_created_anew(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "1", .options.ttl = cairn_ttl_ms(20));
    items_get_raw(s, ns("a"), cairn_str("k"), CAIRN_REFRESH_NO);
    int64_t created_at_us = s->own->facts[0].created_at_us;
    items_await_gone(s, "a", "k");
    assert_false(items_put(s, "a", "k", "2"));
    assert_item(s, "a", "k", "2");
    assert_true(s->own->facts[0].created_at_us > created_at_us);
    assert_int_equal(items_ttl(s, "a", "k"), CAIRN_TTL_PERSIST);
}

static void what_has_expired_leaves_nothing(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a/b", "k1", "1", .options.ttl = cairn_ttl_ms(20));
    items_put(s, "c", "k2", "1", .options.ttl = cairn_ttl_ms(20));
    items_await_gone(s, "a/b", "k1");
    items_await_gone(s, "c", "k2");
    items_assert_empty(s);
}

static void sweeping_is_an_operation_that_may_find_nothing_to_do(world_t *w)
{
    items_t *s = items_open(w, &an_hour);
    items_put(s, "a", "k", "1");
    assert_status(cairn_store_start_ttl_sweeper(&s->store, 1), 0);
    assert_status(call_sweep(s->own), 0);
    call_await(s->own, 0);
    assert_int_equal(s->own->count, 0);
    cairn_store_stop_ttl_sweeper(&s->store);
    cairn_store_stop_ttl_sweeper(&s->store);
    assert_status(cairn_store_start_ttl_sweeper(&s->store, 0), UV_EINVAL);
    assert_item(s, "a", "k", "1");
}

const scenario_t store_ttl_scenarios[] = {
    SCENARIO(without_a_default_what_is_put_is_persistent),
    SCENARIO(the_default_is_of_every_put),
    SCENARIO(a_default_of_minutes_converts_once),
    SCENARIO(a_ttl_of_the_call_overrides_the_default),
    SCENARIO(persist_means_no_expiry_and_clears_an_existing_one),
    SCENARIO(a_put_again_has_its_own_ttl),
    SCENARIO(a_ttl_of_0_or_less_is_an_error_never_a_delete),
    SCENARIO(the_longest_ttl_is_kept_and_a_longer_one_refused),
    SCENARIO(set_ttl_pin_and_unpin_change_it_and_nothing_else),
    SCENARIO(what_is_not_there_has_no_ttl_and_gets_none),
    SCENARIO(what_has_expired_is_gone_from_everywhere_at_once),
    SCENARIO(no_page_comes_up_short_for_what_has_expired),
    SCENARIO(what_has_expired_is_created_anew),
    SCENARIO(what_has_expired_leaves_nothing),
    SCENARIO(sweeping_is_an_operation_that_may_find_nothing_to_do),
    {NULL, NULL},
};
