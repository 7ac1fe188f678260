/* Puts that go without a script, by what is believed: which commands they are, and that the outcome
 * is right when the belief is not, because somebody else has changed the item in the meantime. */
#include "monitor.h"
#include "redis.h"
#include "store_client.h"

#include <stdio.h>

static redis_t redis;

static const cairn_vector_index_t plane = {.name = {"plane", 5}, .dimensions = 2};
static const cairn_store_options_t with_vectors = {.indexes = &plane, .index_count = 1};

#define PERSISTENT .options.ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST)

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

static bool has_run_a_transaction(void)
{
    return strstr(redis_ask(&redis, "INFO commandstats"), "cmdstat_exec:") != NULL;
}

/* A store that knows the server's time, and that there is namespace "a". Where an answer takes long
 * it has to ask more than once. */
static items_t *open_knowing(world_t *w)
{
    enum {
        TRIES = 1000
    };
    items_t *s = items_open(w, &with_vectors);
    redis_ask(&redis, "CONFIG RESETSTAT");
    for (int tries = 0; !has_run_a_transaction(); tries++) {
        assert_in_range(tries, 0, TRIES);
        items_put(s, "a", "first", "0");
    }
    return s;
}

#define assert_names(monitor, expected)                                                            \
    do {                                                                                           \
        monitor_read(monitor);                                                                     \
        assert_string_equal((monitor)->names, (expected));                                         \
    } while (0)

static item_facts_t facts_of(items_t *s, const char *key)
{
    items_get_raw(s, ns("a"), cairn_str(key), CAIRN_REFRESH_NO);
    assert_int_equal(s->own->fact_count, 1);
    return s->own->facts[0];
}

/* ---- which commands ---- */

static void what_is_new_and_what_is_known_need_no_script(world_t *w)
{
    monitor_t m;
    items_t *s = open_knowing(w);
    monitor_start(&m, &redis);
    assert_false(items_put(s, "a", "k", "1"));
    assert_names(&m, "MULTI GETRANGE PTTL SET ZADD ZADD EXEC");
    assert_true(items_put(s, "a", "k", "2"));
    assert_names(&m, "MULTI SET ZADD EXEC");
    assert_true(items_put(s, "a", "first", "2"));
    assert_names(&m, "MULTI SET ZADD EXEC");
    assert_false(items_put(s, "b", "k", "1"));
    assert_names(&m, "EVALSHA");
    monitor_stop(&m);
    assert_search(s, "b:k a:first a:k", .offset = 0);
    assert_search(s, "a:first a:k b:k", .order = CAIRN_ORDER_KEY);
}

static void of_what_is_large_only_the_head_comes_back(world_t *w)
{
    enum {
        LARGE = 5000
    };
    static char value[LARGE + 1];
    memset(value, '1', LARGE);
    monitor_t m;
    items_t *s = open_knowing(w);
    monitor_start(&m, &redis);
    items_put(s, "a", "k", value);
    assert_names(&m, "MULTI GETRANGE PTTL SET ZADD ZADD EXEC");
    items_put(s, "a", "k", value);
    assert_names(&m, "MULTI GETRANGE SET ZADD EXEC");
    monitor_stop(&m);
    assert_item(s, "a", "k", value);
}

static void what_expires_or_has_vectors_goes_by_the_script(world_t *w)
{
    const cairn_vector_t vector = {{"plane", 5}, (const float[]){1, 0}, 2};
    monitor_t m;
    items_t *s = open_knowing(w);
    items_put(s, "a", "k", "1");
    monitor_start(&m, &redis);
    items_put(s, "a", "k", "1", .options.ttl = cairn_ttl_ms(60000));
    assert_names(&m, "EVALSHA");
    items_put(s, "a", "k", "2", PERSISTENT); /* what had a TTL */
    assert_names(&m, "EVALSHA");
    items_put(s, "a", "k", "{}", {.vectors = &vector, .vector_count = 1});
    assert_names(&m, "MULTI UNLINK HSET PEXPIRE EVALSHA EXEC");
    monitor_stop(&m);
}

enum {
    MANY = 20
};

static void puts_of_one_turn_go_in_one_transaction(world_t *w)
{
    static char keys[MANY][16];
    monitor_t m;
    items_t *s = open_knowing(w);
    call_t *calls[MANY];
    for (int i = 0; i < MANY; i++) {
        calls[i] = items_call(s);
        snprintf(keys[i], sizeof keys[i], "k%02d", i);
    }
    monitor_start(&m, &redis);
    for (int i = 0; i < MANY; i++)
        assert_status(call_put(calls[i], &(item_words_t){.ns = "a", .key = keys[i], .value = "1"}),
                      0);
    for (int i = 0; i < MANY; i++) call_await(calls[i], 0);
    monitor_read(&m);
    assert_int_equal(m.trips, 1);
    assert_int_equal(m.commands, 2 + 5 * MANY);
    for (int i = 0; i < MANY; i++)
        assert_status(call_put(calls[i], &(item_words_t){.ns = "a", .key = keys[i], .value = "2"}),
                      0);
    for (int i = 0; i < MANY; i++) call_await(calls[i], 0);
    monitor_read(&m);
    assert_int_equal(m.trips, 1);
    assert_int_equal(m.commands, 2 + 2 * MANY);
    monitor_stop(&m);
    assert_int_equal(items_count(s, "a", NULL), MANY + 1);
    for (int i = 0; i < MANY; i++) assert_item(s, "a", keys[i], "2");
}

static void one_of_them_that_is_cancelled_is_not_carried_out(world_t *w)
{
    static const char *const keys[] = {"k1", "k2", "k3"};
    items_t *s = open_knowing(w);
    call_t *calls[3];
    for (int i = 0; i < 3; i++) {
        calls[i] = items_call(s);
        assert_status(call_put(calls[i], &(item_words_t){.ns = "a", .key = keys[i], .value = "1"}),
                      0);
    }
    assert_status(cairn_cancel(&calls[1]->of.req), 0);
    call_await(calls[0], 0);
    call_await(calls[1], UV_ECANCELED);
    call_await(calls[2], 0);
    assert_search(s, "a:first a:k1 a:k3", .order = CAIRN_ORDER_KEY);
}

static void a_server_without_memory_refuses_all_of_them_and_keeps_what_was(world_t *w)
{
    items_t *s = open_knowing(w);
    call_t *one = items_call(s), *other = items_call(s);
    redis_ask(&redis, "CONFIG SET maxmemory 1");
    assert_status(call_put(one, &(item_words_t){.ns = "a", .key = "first", .value = "1"}), 0);
    assert_status(call_put(other, &(item_words_t){.ns = "a", .key = "new", .value = "1"}), 0);
    call_await_any(one);
    call_await_any(other);
    redis_ask(&redis, "CONFIG SET maxmemory 0");
    assert_true(one->status < 0 && other->status < 0);
    assert_non_null(strstr(one->detail, "OOM"));
    assert_non_null(strstr(other->detail, "OOM"));
    assert_item(s, "a", "first", "0");
    assert_no_item(s, "a", "new");
}

static void one_of_them_that_fails_spares_the_others(world_t *w)
{
    items_t *s = open_knowing(w);
    call_t *calls[3];
    static const char *const keys[] = {"one", "alien", "other"};
    redis_ask(&redis, "HSET langgraph:store:{a}:alien field value");
    for (int i = 0; i < 3; i++) {
        calls[i] = items_call(s);
        assert_status(call_put(calls[i], &(item_words_t){.ns = "a", .key = keys[i], .value = "1"}),
                      0);
    }
    call_await(calls[0], 0);
    call_await(calls[1], CAIRN_ESERVER);
    call_await(calls[2], 0);
    assert_non_null(strstr(calls[1]->detail, "WRONGTYPE"));
    assert_item(s, "a", "one", "1");
    assert_item(s, "a", "other", "1");
    items_delete(s, "a", "alien");
    assert_search(s, "a:other a:one a:first", .offset = 0);
}

/* ---- beliefs that are wrong ---- */

static void of_what_another_has_put_anew_created_at_is_kept(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    items_delete(other, "a", "k");
    items_put(other, "a", "k", "2");
    const item_facts_t before = facts_of(other, "k");
    assert_true(items_put(s, "a", "k", "3"));
    const item_facts_t after = facts_of(other, "k");
    assert_true(after.created_at_us == before.created_at_us);
    assert_true(after.updated_at_us > before.updated_at_us);
    assert_item(other, "a", "k", "3");
    assert_search(s, "a:k a:first", .offset = 0);
}

static void what_another_has_deleted_is_new(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    const item_facts_t before = facts_of(s, "k");
    items_delete(other, "a", "k");
    assert_false(items_put(s, "a", "k", "2"));
    const item_facts_t after = facts_of(s, "k");
    assert_true(after.created_at_us > before.updated_at_us);
    assert_true(after.created_at_us == after.updated_at_us);
    assert_search(s, "a:first a:k", .order = CAIRN_ORDER_KEY);
    items_delete(s, "a", "first");
    items_delete(s, "a", "k");
    assert_string_equal(redis_ask(&redis, "DBSIZE"), "0");
}

static void a_namespace_that_another_has_emptied_is_listed_again(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    items_delete(other, "a", "k");
    items_delete(other, "a", "first");
    assert_namespaces(other, "", .offset = 0);
    assert_false(items_put(s, "a", "k", "2"));
    assert_namespaces(other, "a", .offset = 0);
    items_delete(other, "a", "k");
    assert_namespaces(other, "", .offset = 0);
    assert_false(items_put(s, "a", "new", "2"));
    assert_namespaces(other, "a", .offset = 0);
    assert_search(other, "a:new", .order = CAIRN_ORDER_KEY);
}

static void what_another_lets_expire_is_there_for_ever_again(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    items_delete(other, "a", "first");
    items_put(other, "a", "k", "2", .options.ttl = cairn_ttl_ms(60000));
    assert_true(items_put(s, "a", "k", "3"));
    assert_int_equal(items_ttl(s, "a", "k"), CAIRN_TTL_PERSIST);
    assert_search(other, "a:k", .offset = 0);
    assert_string_equal(redis_ask(&redis, "EXISTS langgraph:store_expiry:{a}"), "0");
    assert_string_equal(redis_ask(&redis, "PTTL langgraph:store_changes:{a}"), "-1");
    assert_string_equal(redis_ask(&redis, "PTTL langgraph:store_keys:{a}"), "-1");
}

/* It is still listed, as what expires soon is not taken off the lists at once. */
static void what_has_expired_and_is_put_again_stays_listed(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(other, "a", "k", "1", .options.ttl = cairn_ttl_ms(30));
    items_put(s, "a", "l", "1");
    items_await_gone(s, "a", "k");
    assert_false(items_put(s, "a", "k", "2"));
    assert_search(s, "a:k a:l a:first", .offset = 0);
    assert_int_equal(items_count(s, "a", NULL), 3);
    assert_string_equal(redis_ask(&redis, "EXISTS langgraph:store_expiry:{a}"), "0");
}

static void vectors_that_another_has_given_go(world_t *w)
{
    const cairn_vector_t vector = {{"plane", 5}, (const float[]){1, 0}, 2};
    items_t *s = open_knowing(w), *other = items_open(w, &with_vectors);
    items_put(s, "a", "k", "1");
    items_put(other, "a", "k", "{}", {.vectors = &vector, .vector_count = 1});
    assert_search(s, "a:k", .near = &vector, .paging.limit = cairn_limit(5));
    assert_true(items_put(s, "a", "k", "3"));
    assert_search(s, "", .near = &vector, .paging.limit = cairn_limit(5));
    assert_string_equal(redis_ask(&redis, "EXISTS langgraph:store_vectors:{a}:k"), "0");
}

static void what_was_guessed_to_be_new_and_is_not_is_an_update(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(other, "a", "k", "1");
    const item_facts_t before = facts_of(other, "k");
    assert_true(items_put(s, "a", "k", "2"));
    const item_facts_t after = facts_of(other, "k");
    assert_true(after.created_at_us == before.created_at_us);
    assert_true(after.updated_at_us > before.updated_at_us);
    assert_item(other, "a", "k", "2");
}

/* ---- the order of one's own requests ---- */

static void a_guess_that_was_wrong_does_not_overtake_what_came_after_it(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    call_t *first = items_call(s), *second = items_call(s), *third = items_call(s);
    items_put(other, "a", "k", "0");
    items_put(other, "a", "l", "0");
    assert_status(call_put(first, &(item_words_t){.ns = "a", .key = "k", .value = "1"}), 0);
    assert_status(call_put(second, &(item_words_t){.ns = "a",
                                                   .key = "k",
                                                   .value = "2",
                                                   .options.ttl = cairn_ttl_ms(60000)}),
                  0);
    call_await(first, 0);
    call_await(second, 0);
    assert_true(first->existed && second->existed);
    assert_item(s, "a", "k", "2");
    assert_status(call_put(first, &(item_words_t){.ns = "a", .key = "l", .value = "1"}), 0);
    assert_status(call_delete(third, ns("a"), cairn_str("l")), 0);
    call_await(first, 0);
    call_await(third, 0);
    assert_true(first->existed && third->existed);
    assert_no_item(s, "a", "l");
}

static void what_is_put_later_has_the_later_time_whichever_way_it_goes(world_t *w)
{
    static char keys[MANY][16];
    items_t *s = open_knowing(w);
    call_t *calls[MANY];
    for (int i = 0; i < MANY; i++) {
        calls[i] = items_call(s);
        snprintf(keys[i], sizeof keys[i], "k%02d", MANY - i);
        item_words_t words = {.ns = "a", .key = keys[i], .value = "1"};
        if (i % 3 == 0) words.options.ttl = cairn_ttl_ms(60000);
        if (i % 3 == 1) words.ns = "a/b";
        assert_status(call_put(calls[i], &words), 0);
    }
    for (int i = 0; i < MANY; i++) call_await(calls[i], 0);
    items_search(s, NULL);
    assert_int_equal(s->own->fact_count, MANY + 1);
    int at = 0;
    for (int i = MANY; i-- > 0;) {
        const char *found = strstr(text_chars(&s->own->places), keys[i]);
        assert_non_null(found);
        const int position = (int)(found - text_chars(&s->own->places));
        assert_true(position >= at);
        at = position;
    }
}

static const scenario_t scenarios[] = {
    SCENARIO(what_is_new_and_what_is_known_need_no_script),
    SCENARIO(of_what_is_large_only_the_head_comes_back),
    SCENARIO(what_expires_or_has_vectors_goes_by_the_script),
    SCENARIO(puts_of_one_turn_go_in_one_transaction),
    SCENARIO(one_of_them_that_is_cancelled_is_not_carried_out),
    SCENARIO(a_server_without_memory_refuses_all_of_them_and_keeps_what_was),
    SCENARIO(one_of_them_that_fails_spares_the_others),
    SCENARIO(of_what_another_has_put_anew_created_at_is_kept),
    SCENARIO(what_another_has_deleted_is_new),
    SCENARIO(a_namespace_that_another_has_emptied_is_listed_again),
    SCENARIO(what_another_lets_expire_is_there_for_ever_again),
    SCENARIO(what_has_expired_and_is_put_again_stays_listed),
    SCENARIO(vectors_that_another_has_given_go),
    SCENARIO(what_was_guessed_to_be_new_and_is_not_is_an_update),
    SCENARIO(a_guess_that_was_wrong_does_not_overtake_what_came_after_it),
    SCENARIO(what_is_put_later_has_the_later_time_whichever_way_it_goes),
};

int main(void)
{
    redis_start(&redis, NULL);
    store_backend.clear = clear;
    store_backend.clock_slack_us = 2000;
    int failures = SCENARIOS_RUN("redis: store's puts without a script", scenarios,
                                 redis_url(&redis, NULL, "?keepalive_ms=0&clock_ms=60000"));
    redis_stop(&redis);
    return failures;
}
