#include "store_client.h"

#include <stdlib.h>

store_backend_t store_backend;

/* ---- life ---- */

/* When every handle is closed. */
static void end_stores(world_t *world)
{
    for (items_t *s = world->data, *next; s; s = next) {
        next = s->next;
        for (call_t *call = s->calls, *next_call; call; call = next_call) {
            next_call = call->next;
            if (!call_is_done(call))
                world_trouble(world, "a request accepted %d times called back %d times",
                              call->submits, call->calls);
            text_free(&call->text);
            text_free(&call->places);
            free(call->cursor);
            free(call);
        }
        free(s);
    }
}

static items_t *add_client(world_t *world, client_t *client, fake_clock_t *clock,
                           const cairn_store_options_t *options)
{
    items_t *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->world = world;
    s->client = client;
    s->clock = clock;
    s->next = world->data;
    world->data = s;
    world->at_end = end_stores;
    s->own = items_call(s);
    assert_status(cairn_store_init(&s->store, &client->cairn, options), 0);
    return s;
}

items_t *items_open(world_t *world, const cairn_store_options_t *options)
{
    bool first = !world->clients;
    if (first && store_backend.clear) store_backend.clear();
    items_t *s = add_client(world, world_client(world), NULL, options);
    if (store_backend.fake_clock) s->clock = &s->own_clock;
    timed_open(s->client, s->clock);
    return s;
}

items_t *items_beside(items_t *s, const cairn_store_options_t *options)
{
    return add_client(s->world, s->client, s->clock, options);
}

items_t *items_on(client_t *client)
{
    return add_client(client->world, client, NULL, NULL);
}

/* ---- blocking ---- */

uint64_t items_now_ms(const items_t *s)
{
    return timed_now_ms(s->clock);
}

static int64_t time_of_day_us(void)
{
    uv_timeval64_t now;
    assert_int_equal(uv_gettimeofday(&now), 0);
    return now.tv_sec * 1000000 + now.tv_usec;
}

static call_t *start(items_t *s)
{
    text_clear(&s->own->text);
    text_clear(&s->own->places);
    s->own->fact_count = 0;
    s->span.before_ms = items_now_ms(s);
    s->span.before_us = time_of_day_us();
    return s->own;
}

static void finish_at(items_t *s, int rc, const char *file, int line)
{
    if (rc != 0) print_error("refused: %s\n", s->own->detail);
    assert_status_at(rc, 0, file, line);
    call_await_at(s->own, 0, file, line);
    s->span.after_ms = items_now_ms(s);
    s->span.after_us = time_of_day_us();
}

#define finish(s, rc) finish_at((s), (rc), __FILE__, __LINE__)

bool items_put_at(items_t *s, const item_words_t *words, const char *file, int line)
{
    finish_at(s, call_put(start(s), words), file, line);
    return s->own->existed;
}

bool items_put_raw(items_t *s, cairn_namespace_t name, cairn_slice_t key, cairn_slice_t value)
{
    finish(s, call_put_raw(start(s), name, key, value, NULL));
    return s->own->existed;
}

bool items_delete(items_t *s, const char *path, const char *key)
{
    finish(s, call_delete(start(s), ns(path), cairn_str(key)));
    return s->own->existed;
}

const char *items_get_raw(items_t *s, cairn_namespace_t name, cairn_slice_t key,
                          cairn_refresh_t refresh)
{
    finish(s, call_get(start(s), name, key, refresh));
    return text_chars(&s->own->text);
}

const char *items_get(items_t *s, const char *path, const char *key)
{
    return items_get_raw(s, ns(path), cairn_str(key), CAIRN_REFRESH_DEFAULT);
}

bool items_has(items_t *s, const char *path, const char *key)
{
    items_get_raw(s, ns(path), cairn_str(key), CAIRN_REFRESH_NO);
    return s->own->count > 0;
}

void assert_item_at(items_t *s, const char *path, const char *key, const char *value,
                    const char *file, int line)
{
    finish_at(s, call_get(start(s), ns(path), cairn_str(key), CAIRN_REFRESH_DEFAULT), file, line);
    text_t expected = {0};
    if (value) {
        text_add_place(&expected, ns(path), cairn_str(key));
        text_add(&expected, "=%s", value);
    } else {
        text_add(&expected, "none");
    }
    assert_text_at(text_chars(&s->own->text), text_chars(&expected), file, line);
    text_free(&expected);
}

static void search_all(items_t *s, const cairn_store_query_t *query, const char *file, int line)
{
    cairn_store_query_t asked = {0};
    if (query) asked = *query;
    call_t *call = start(s);
    s->pages = 0;
    do {
        finish_at(s, call_search(call, &asked), file, line);
        s->pages++;
        asked.paging.cursor = cairn_slice(call->cursor, call->cursor_len);
    } while (call->cursor_len > 0);
}

const char *items_search(items_t *s, const cairn_store_query_t *query)
{
    search_all(s, query, __FILE__, __LINE__);
    return text_chars(&s->own->places);
}

void assert_search_at(items_t *s, const cairn_store_query_t *query, const char *expected,
                      const char *file, int line)
{
    search_all(s, query, file, line);
    assert_text_at(text_chars(&s->own->places), expected, file, line);
}

static void list_all(items_t *s, const list_words_t *words, const char *file, int line)
{
    cairn_match_condition_t conditions[2];
    cairn_namespace_query_t query = {
        .conditions = conditions,
        .max_depth = words->max_depth,
        .offset = words->offset,
        .paging = {.limit = words->limit, .page_size = words->page_size},
    };
    if (words->prefix)
        conditions[query.condition_count++] =
            (cairn_match_condition_t){CAIRN_MATCH_PREFIX, ns(words->prefix)};
    if (words->suffix)
        conditions[query.condition_count++] =
            (cairn_match_condition_t){CAIRN_MATCH_SUFFIX, ns(words->suffix)};
    call_t *call = start(s);
    s->pages = 0;
    do {
        finish_at(s, call_list(call, &query), file, line);
        s->pages++;
        query.paging.cursor = cairn_slice(call->cursor, call->cursor_len);
    } while (call->cursor_len > 0);
}

const char *items_list(items_t *s, const list_words_t *words)
{
    list_all(s, words, __FILE__, __LINE__);
    return text_chars(&s->own->places);
}

void assert_namespaces_at(items_t *s, const list_words_t *words, const char *expected,
                          const char *file, int line)
{
    list_all(s, words, file, line);
    assert_text_at(text_chars(&s->own->places), expected, file, line);
}

uint64_t items_count(items_t *s, const char *prefix, const char *filter)
{
    finish(s, call_count(start(s), ns(prefix), cairn_str(filter)));
    return s->own->count;
}

const char *items_batch(items_t *s, const cairn_store_op_t *ops, size_t count)
{
    finish(s, call_batch(start(s), ops, count));
    assert_int_equal(s->own->count, count);
    return text_chars(&s->own->text);
}

void items_assert_empty(items_t *s)
{
    assert_search(s, "", .refresh = CAIRN_REFRESH_NO);
    assert_namespaces(s, "", .max_depth = 0);
    assert_int_equal(items_count(s, NULL, NULL), 0);
    if (store_backend.assert_empty) store_backend.assert_empty();
}

int64_t items_ttl(items_t *s, const char *path, const char *key)
{
    finish(s, call_ttl(start(s), ns(path), cairn_str(key)));
    return s->own->ttl_ms;
}

int64_t items_set_ttl(items_t *s, const char *path, const char *key, int64_t ttl_ms)
{
    finish(s, call_set_ttl(start(s), ns(path), cairn_str(key), cairn_ttl_ms(ttl_ms)));
    return s->own->ttl_ms;
}

int64_t items_pin(items_t *s, const char *path, const char *key)
{
    finish(s, call_pin(start(s), ns(path), cairn_str(key)));
    return s->own->ttl_ms;
}

int64_t items_unpin(items_t *s, const char *path, const char *key)
{
    finish(s, call_unpin(start(s), ns(path), cairn_str(key)));
    return s->own->ttl_ms;
}

/* ---- time ---- */

void assert_item_ttl_at(items_t *s, const char *path, const char *key, int64_t ttl_ms, span_t since,
                        const char *file, int line)
{
    int64_t left = items_ttl(s, path, key);
    const moment_t asked = {s->span.before_ms, s->span.after_ms};
    const moment_t began = {since.before_ms, since.after_ms};
    timed_check_left_at(s->clock, left, asked, ttl_ms, began, file, line);
}

void items_await_ttl(items_t *s, const char *path, const char *key, int64_t ttl_ms)
{
    uint64_t since_ms = items_now_ms(s);
    while (items_ttl(s, path, key) > ttl_ms)
        timed_wait(s->client, s->clock, since_ms, "a TTL to run down");
}

void items_await_gone(items_t *s, const char *path, const char *key)
{
    uint64_t since_ms = items_now_ms(s);
    while (items_has(s, path, key)) timed_wait(s->client, s->clock, since_ms, "an item to expire");
}
