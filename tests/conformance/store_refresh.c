/* Rule 42: reads and searches put the item's own TTL back. */
#include "store_suite.h"

#define MINUTE 60000
#define RUN_DOWN (MINUTE - 20)

static const cairn_store_options_t unrefreshing = {.refresh_on_read = CAIRN_REFRESH_NO};

static void put_and_let_run_down(items_t *s, const char *path, const char *key)
{
    items_put(s, path, key, "{\"n\":1}", .options.ttl = cairn_ttl_ms(MINUTE));
    items_await_ttl(s, path, key, RUN_DOWN);
}

static void assert_run_down(items_t *s, const char *path, const char *key)
{
    assert_in_range(items_ttl(s, path, key), 1, RUN_DOWN);
}

static void a_read_puts_the_items_own_ttl_back(world_t *w)
{
    items_t *s = items_open(w, NULL);
    put_and_let_run_down(s, "a", "k");
    items_get(s, "a", "k");
    assert_item_ttl(s, "a", "k", MINUTE, s->span);
}

static void a_search_refreshes_what_it_returns_and_only_that(world_t *w)
{
    items_t *s = items_open(w, NULL);
    put_and_let_run_down(s, "a", "k1");
    put_and_let_run_down(s, "a", "k2");
    put_and_let_run_down(s, "a", "k3");
    items_search(s, &(cairn_store_query_t){.offset = 1, .paging.limit = cairn_limit(1)});
    assert_item_ttl(s, "a", "k2", MINUTE, s->span);
    assert_run_down(s, "a", "k1");
    assert_run_down(s, "a", "k3");
}

static void what_the_filter_leaves_out_is_not_refreshed(world_t *w)
{
    items_t *s = items_open(w, NULL);
    put_and_let_run_down(s, "a", "k1");
    items_search(s, &(cairn_store_query_t){.filter = cairn_str("{\"n\":2}")});
    assert_run_down(s, "a", "k1");
    items_count(s, NULL, NULL);
    items_list(s, &(list_words_t){.max_depth = 0});
    assert_run_down(s, "a", "k1");
}

static void a_page_refreshes_its_own_items_only(world_t *w)
{
    items_t *s = items_open(w, NULL);
    put_and_let_run_down(s, "a", "k1");
    put_and_let_run_down(s, "a", "k2");
    call_t *call = items_call(s);
    cairn_store_query_t query = {.order = CAIRN_ORDER_KEY, .paging.page_size = 1};
    assert_status(call_search(call, &query), 0);
    call_await(call, 0);
    assert_string_equal(text_chars(&call->places), "a:k1");
    assert_in_range(items_ttl(s, "a", "k1"), RUN_DOWN + 1, MINUTE);
    assert_run_down(s, "a", "k2");
}

static void the_call_says_whether_to_refresh(world_t *w)
{
    items_t *s = items_open(w, NULL);
    put_and_let_run_down(s, "a", "k");
    items_get_raw(s, ns("a"), cairn_str("k"), CAIRN_REFRESH_NO);
    items_search(s, &(cairn_store_query_t){.refresh = CAIRN_REFRESH_NO});
    assert_run_down(s, "a", "k");
    items_search(s, &(cairn_store_query_t){.refresh = CAIRN_REFRESH_YES});
    assert_item_ttl(s, "a", "k", MINUTE, s->span);
}

static void the_store_says_it_where_the_call_does_not(world_t *w)
{
    items_t *s = items_open(w, &unrefreshing);
    put_and_let_run_down(s, "a", "k");
    items_get(s, "a", "k");
    items_search(s, NULL);
    assert_run_down(s, "a", "k");
    items_get_raw(s, ns("a"), cairn_str("k"), CAIRN_REFRESH_YES);
    assert_item_ttl(s, "a", "k", MINUTE, s->span);
}

static void a_refresh_never_adds_an_expiry(world_t *w)
{
    static const cairn_store_options_t hourly = {.default_ttl = {true, 3600000},
                                                 .refresh_on_read = CAIRN_REFRESH_YES};
    items_t *s = items_open(w, &hourly);
    items_put(s, "a", "k", "1", .options.ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST));
    items_get(s, "a", "k");
    items_search(s, NULL);
    assert_int_equal(items_ttl(s, "a", "k"), CAIRN_TTL_PERSIST);
}

static void a_refresh_puts_back_what_was_set_last(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a", "k", "1", .options.ttl = cairn_ttl_ms(30000));
    items_set_ttl(s, "a", "k", MINUTE);
    items_await_ttl(s, "a", "k", RUN_DOWN);
    items_get(s, "a", "k");
    assert_int_equal(s->own->facts[0].ttl_ms, MINUTE);
    assert_item_ttl(s, "a", "k", MINUTE, s->span);
    items_pin(s, "a", "k");
    items_get(s, "a", "k");
    assert_int_equal(items_ttl(s, "a", "k"), CAIRN_TTL_PERSIST);
}

static void another_stores_default_does_not_count_for_a_refresh(world_t *w)
{
    static const cairn_store_options_t hourly = {.default_ttl = {true, 3600000}};
    items_t *s = items_open(w, NULL);
    put_and_let_run_down(s, "a", "k");
    items_t *other = items_beside(s, &hourly);
    items_get(other, "a", "k");
    assert_item_ttl(other, "a", "k", MINUTE, other->span);
}

const scenario_t store_refresh_scenarios[] = {
    SCENARIO(a_read_puts_the_items_own_ttl_back),
    SCENARIO(a_search_refreshes_what_it_returns_and_only_that),
    SCENARIO(what_the_filter_leaves_out_is_not_refreshed),
    SCENARIO(a_page_refreshes_its_own_items_only),
    SCENARIO(the_call_says_whether_to_refresh),
    SCENARIO(the_store_says_it_where_the_call_does_not),
    SCENARIO(a_refresh_never_adds_an_expiry),
    SCENARIO(a_refresh_puts_back_what_was_set_last),
    SCENARIO(another_stores_default_does_not_count_for_a_refresh),
    {NULL, NULL},
};
