/* Rule 19 and cairn/page.h: pages and cursors. */
#include "saver_suite.h"

#include <stdio.h>
#include <stdlib.h>

static void put_many(saver_client_t *s, const char *thread, const char *ns, int count)
{
    for (int i = 0; i < count; i++) {
        char id[16];
        snprintf(id, sizeof id, "%02d%s%s", i, thread, ns);
        saver_put(s, id, "a@1=x", .thread = thread, .ns = ns);
    }
}

static void a_list_comes_in_pages_of_the_size_asked_for(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    put_many(s, "t", "", 7);
    cairn_saver_query_t query = {.thread_id = cairn_str("t"), .paging.page_size = 3};
    ask_t *ask = s->own;
    static const char *const pages[] = {"06t 05t 04t", "03t 02t 01t", "00t"};
    for (int i = 0; i < 3; i++) {
        text_clear(&ask->refs);
        assert_status(ask_list(ask, &query), 0);
        ask_await(ask, 0);
        assert_string_equal(text_chars(&ask->refs), pages[i]);
        assert_int_equal(ask->cursor_len > 0, i < 2);
        query.paging.cursor = cairn_slice(ask->cursor, ask->cursor_len);
    }
}

static void pages_of_every_size_hold_the_same_rows(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    put_many(s, "t", "", 5);
    put_many(s, "t", "n", 5);
    put_many(s, "u", "", 5);
    put_many(s, "", "", 5);
    cairn_saver_query_t all = {0};
    char *expected = strdup(saver_list(s, &all));
    assert_non_null(expected);
    assert_contains(expected, "u//04u t/n/04tn 04t ''//04 u//03u t/n/03tn");
    for (uint32_t size = 1; size <= 21; size++) {
        all.paging.page_size = size;
        assert_string_equal(saver_list(s, &all), expected);
        assert_true(s->pages >= (20 + size - 1) / size);
    }
    free(expected);
}

static void no_page_is_longer_than_asked_for(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    put_many(s, "t", "", 9);
    put_many(s, "u", "n", 9);
    for (uint32_t size = 1; size < 10; size++) {
        cairn_saver_query_t query = {.paging.page_size = size};
        do {
            assert_status(ask_list(s->own, &query), 0);
            ask_await(s->own, 0);
            assert_in_range(s->own->count, 0, size);
            query.paging.cursor = cairn_slice(s->own->cursor, s->own->cursor_len);
        } while (s->own->cursor_len > 0);
    }
}

static void the_cursor_remembers_what_is_left_of_the_limit(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    put_many(s, "t", "", 9);
    cairn_slice_t t = cairn_str("t");
    for (uint32_t size = 1; size < 8; size++) {
        assert_list(s, "08t 07t 06t 05t", .thread_id = t, .paging.limit = cairn_limit(4),
                    .paging.page_size = size);
        assert_list(s, "08t 07t 06t 05t", .paging.limit = cairn_limit(4), .paging.page_size = size);
    }
}

static void a_page_whose_size_is_not_said_has_the_default(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    for (int i = 0; i < CAIRN_PAGE_DEFAULT + 1; i++) {
        char id[16];
        snprintf(id, sizeof id, "c%d", i);
        saver_put(s, id, "");
    }
    cairn_saver_query_t query = {.thread_id = cairn_str("t")};
    assert_status(ask_list(s->own, &query), 0);
    ask_await(s->own, 0);
    assert_int_equal(s->own->count, CAIRN_PAGE_DEFAULT);
    assert_true(s->own->cursor_len > 0);
}

static void a_page_size_beyond_the_most_is_refused(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    cairn_saver_query_t query = {.paging.page_size = CAIRN_PAGE_MAX + 1};
    assert_refused(s->own, ask_list(s->own, &query), CAIRN_ETOOBIG, "page_size");
    query.paging.page_size = CAIRN_PAGE_MAX;
    assert_status(ask_list(s->own, &query), 0);
    ask_await(s->own, 0);
}

/* The next page is asked for in the callback of the one before. */
static void ask_for_the_next(ask_t *ask)
{
    cairn_saver_query_t *query = ask->data;
    if (ask->status != 0 || ask->cursor_len == 0) return;
    char *cursor = malloc(ask->cursor_len);
    if (!cursor) abort();
    memcpy(cursor, ask->cursor, ask->cursor_len);
    query->paging.cursor = cairn_slice(cursor, ask->cursor_len);
    if (ask_list(ask, query) != 0) world_trouble(ask->client->world, "the next page was refused");
    memset(cursor, '#', ask->cursor_len);
    free(cursor);
}

static void the_next_page_may_be_asked_for_in_the_callback(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    put_many(s, "t", "", 6);
    cairn_saver_query_t query = {.thread_id = cairn_str("t"), .paging.page_size = 1};
    ask_t *ask = saver_ask(s);
    ask->data = &query;
    ask->react = ask_for_the_next;
    assert_status(ask_list(ask, &query), 0);
    ask_await(ask, 0);
    assert_string_equal(text_chars(&ask->refs), "05t 04t 03t 02t 01t 00t");
    assert_in_range(ask->calls, 6, 7);
}

static void what_changes_between_pages_doubles_and_hides_nothing_else(world_t *w)
{
    cairn_slice_t threads[] = {cairn_str("t"), cairn_str(NULL)};
    saver_client_t *s = saver_open(w, NULL);
    for (int i = 0; i < 2; i++) {
        saver_delete_thread(s, "t");
        put_many(s, "t", "", 6);
        cairn_saver_query_t query = {.thread_id = threads[i], .paging.page_size = 2};
        ask_t *ask = saver_ask(s);
        assert_status(ask_list(ask, &query), 0);
        ask_await(ask, 0);
        assert_string_equal(text_chars(&ask->refs), "05t 04t");
        saver_put(s, "09", "", .run_id = "r");
        saver_put(s, "04t", "", .run_id = "r");
        saver_put(s, "02t", "", .run_id = "r");
        assert_int_equal(saver_delete_run(s, "r"), 3);
        query.paging.page_size = 9;
        query.paging.cursor = cairn_slice(ask->cursor, ask->cursor_len);
        text_clear(&ask->refs);
        assert_status(ask_list(ask, &query), 0);
        ask_await(ask, 0);
        assert_string_equal(text_chars(&ask->refs), "03t 01t 00t");
    }
}

/* ---- cursors that are not ours ---- */

static void try_cursor(saver_client_t *s, const cairn_saver_query_t *asked, const char *bytes,
                       size_t len)
{
    char *exact = malloc(len + !len);
    assert_non_null(exact);
    if (len > 0) memcpy(exact, bytes, len);
    cairn_saver_query_t query = *asked;
    query.paging.cursor = cairn_slice(exact, len);
    int rc = ask_list(s->own, &query);
    free(exact);
    if (rc == 0) {
        ask_await_any(s->own);
        rc = s->own->status;
    }
    if (rc != 0) assert_status(rc, UV_EINVAL);
}

static void a_cursor_of_no_ones_making_is_an_error_or_a_wrong_page(world_t *w)
{
    static const char *const wrong[] = {
        "x",        "0",   "cursor",          "\x01",     "\xff\xff\xff\xff\xff\xff\xff\xff",
        "aaaaaaaa", "0:0", "-1:99999999999:", "00t:\x80",
    };
    saver_client_t *s = saver_open(w, NULL);
    put_many(s, "t", "", 6);
    put_many(s, "u", "n", 3);
    cairn_saver_query_t queries[] = {
        {.thread_id = cairn_str("t"), .paging.page_size = 2},
        {.paging.page_size = 2},
        {.checkpoint_ns = cairn_str("n"), .paging.page_size = 2},
    };
    char zeroes[64] = {0};
    for (size_t q = 0; q < 3; q++) {
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
            try_cursor(s, &queries[q], wrong[i], strlen(wrong[i]));
        for (size_t len = 1; len < sizeof zeroes; len++) try_cursor(s, &queries[q], zeroes, len);
    }
    assert_list(s, "05t 04t 03t 02t 01t 00t", .thread_id = cairn_str("t"));
}

static void a_damaged_cursor_is_an_error_or_a_wrong_page(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    put_many(s, "t", "", 6);
    put_many(s, "u", "n", 3);
    cairn_saver_query_t queries[] = {
        {.thread_id = cairn_str("t"), .paging.page_size = 2},
        {.paging.page_size = 2, .paging.limit = cairn_limit(5)},
    };
    for (size_t q = 0; q < 2; q++) {
        assert_status(ask_list(s->own, &queries[q]), 0);
        ask_await(s->own, 0);
        size_t len = s->own->cursor_len;
        char *cursor = malloc(len + 1);
        assert_non_null(cursor);
        memcpy(cursor, s->own->cursor, len);
        for (size_t cut = 1; cut < len; cut++) try_cursor(s, &queries[q], cursor, cut);
        cursor[len] = '\x7f';
        try_cursor(s, &queries[q], cursor, len + 1);
        for (size_t i = 0; i < len; i++) {
            for (int bit = 0; bit < 8; bit++) {
                cursor[i] = (char)(cursor[i] ^ 1 << bit);
                try_cursor(s, &queries[q], cursor, len);
                cursor[i] = (char)(cursor[i] ^ 1 << bit);
            }
        }
        try_cursor(s, &queries[1 - q], cursor, len);
        free(cursor);
    }
    assert_list(s, "05t 04t 03t 02t 01t 00t", .thread_id = cairn_str("t"));
}

const scenario_t saver_page_scenarios[] = {
    SCENARIO(a_list_comes_in_pages_of_the_size_asked_for),
    SCENARIO(pages_of_every_size_hold_the_same_rows),
    SCENARIO(no_page_is_longer_than_asked_for),
    SCENARIO(the_cursor_remembers_what_is_left_of_the_limit),
    SCENARIO(a_page_whose_size_is_not_said_has_the_default),
    SCENARIO(a_page_size_beyond_the_most_is_refused),
    SCENARIO(the_next_page_may_be_asked_for_in_the_callback),
    SCENARIO(what_changes_between_pages_doubles_and_hides_nothing_else),
    SCENARIO(a_cursor_of_no_ones_making_is_an_error_or_a_wrong_page),
    SCENARIO(a_damaged_cursor_is_an_error_or_a_wrong_page),
    {NULL, NULL},
};
