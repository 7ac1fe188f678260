/* Puts without a script whose belief was wrong, where more happens than one answer: several of one
 * item on their way at once, one that nobody waits for any more, one whose answer is lost. */
#include "redis.h"
#include "store_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static redis_t redis;

static const cairn_vector_index_t plane = {.name = {"plane", 5}, .dimensions = 2};
static const cairn_store_options_t with_vectors = {.indexes = &plane, .index_count = 1};

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

static bool has_run_a_transaction(void)
{
    return strstr(redis_ask(&redis, "INFO commandstats"), "cmdstat_exec:") != NULL;
}

/* Knows the server's time, and that there is namespace "a". Where an answer takes long it has to
 * ask more than once. */
static items_t *knowing(items_t *s)
{
    enum {
        TRIES = 1000
    };
    redis_ask(&redis, "CONFIG RESETSTAT");
    for (int tries = 0; !has_run_a_transaction(); tries++) {
        assert_in_range(tries, 0, TRIES);
        items_put(s, "a", "first", "0");
    }
    return s;
}

static items_t *open_knowing(world_t *w)
{
    return knowing(items_open(w, NULL));
}

static call_t *begin_put(items_t *s, const char *key, const char *value)
{
    call_t *call = items_call(s);
    assert_status(call_put(call, &(item_words_t){.ns = "a", .key = key, .value = value}), 0);
    return call;
}

static call_t *begin_ttl(items_t *s, const char *key, int64_t ttl_ms)
{
    call_t *call = items_call(s);
    assert_status(call_set_ttl(call, ns("a"), cairn_str(key), cairn_ttl_ms(ttl_ms)), 0);
    return call;
}

static item_facts_t facts_of(items_t *s, const char *key)
{
    items_get_raw(s, ns("a"), cairn_str(key), CAIRN_REFRESH_NO);
    assert_int_equal(s->own->fact_count, 1);
    return s->own->facts[0];
}

static void assert_listed(items_t *s, const char *in_order_of_keys)
{
    assert_search(s, in_order_of_keys, .order = CAIRN_ORDER_KEY);
    assert_namespaces(s, *in_order_of_keys ? "a" : "", .offset = 0);
}

/* ---- several on their way ---- */

static void of_two_puts_the_last_counts_though_both_guessed_wrong(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(other, "a", "k", "0");
    const item_facts_t before = facts_of(other, "k");
    call_t *one = begin_put(s, "k", "1"), *two = begin_put(s, "k", "2");
    call_await(one, 0);
    call_await(two, 0);
    assert_true(one->existed && two->existed);
    assert_item(other, "a", "k", "2");
    assert_true(facts_of(other, "k").created_at_us == before.created_at_us);
}

static void so_it_does_where_there_is_something_that_expires(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(other, "a", "k", "0", .options.ttl = cairn_ttl_ms(60000));
    items_put(other, "a", "l", "0", .options.ttl = cairn_ttl_ms(60000));
    items_put(other, "a", "m", "0", .options.ttl = cairn_ttl_ms(60000));
    call_t *one = begin_put(s, "k", "1"), *two = begin_put(s, "k", "2");
    call_t *put = begin_put(s, "l", "1"), *gone = items_call(s), *alone = begin_put(s, "m", "1");
    assert_status(call_delete(gone, ns("a"), cairn_str("l")), 0);
    call_await(one, 0);
    call_await(two, 0);
    call_await(put, 0);
    call_await(gone, 0);
    call_await(alone, 0);
    assert_item(other, "a", "k", "2");
    assert_no_item(other, "a", "l");
    assert_item(other, "a", "m", "1");
    assert_listed(other, "a:first a:k a:m");
    assert_string_equal(redis_ask(&redis, "EXISTS langgraph:store_expiry:{a}"), "0");
}

static void two_puts_of_what_is_new_go_together(world_t *w)
{
    items_t *s = open_knowing(w);
    call_t *one = begin_put(s, "k", "1"), *two = begin_put(s, "k", "2");
    call_await(one, 0);
    call_await(two, 0);
    assert_true(!one->existed && two->existed);
    const item_facts_t facts = facts_of(s, "k");
    assert_true(facts.created_at_us < facts.updated_at_us);
    assert_item(s, "a", "k", "2");
    assert_listed(s, "a:first a:k");
}

static void two_puts_keep_when_it_was_created_though_both_believed_wrong(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    items_delete(other, "a", "k");
    items_put(other, "a", "k", "2");
    const item_facts_t before = facts_of(other, "k");
    call_t *one = begin_put(s, "k", "3"), *two = begin_put(s, "k", "4");
    call_await(one, 0);
    call_await(two, 0);
    assert_true(facts_of(other, "k").created_at_us == before.created_at_us);
    assert_item(other, "a", "k", "4");
}

/* Whose notion of the time is ahead of ours, as it may be a little. */
static void so_they_do_though_the_other_dates_it_later(world_t *w)
{
    items_t *s = open_knowing(w);
    items_put(s, "a", "k", "1");
    const int64_t later_us = facts_of(s, "k").updated_at_us + 60000000;
    char set[256];
    snprintf(set, sizeof set,
             "SET langgraph:store:{a}:k \"%" PRId64 " %" PRId64 " 0000000000000000\\n2\"", later_us,
             later_us);
    (void)redis_ask(&redis, set);
    call_t *one = begin_put(s, "k", "3"), *two = begin_put(s, "k", "4");
    call_await(one, 0);
    call_await(two, 0);
    assert_item(s, "a", "k", "4");
    assert_true(facts_of(s, "k").created_at_us == later_us);
    assert_true(facts_of(s, "k").updated_at_us > later_us);
}

static void two_puts_of_what_another_has_deleted_make_it_new(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    const item_facts_t before = facts_of(s, "k");
    items_delete(other, "a", "k");
    call_t *one = begin_put(s, "k", "3"), *two = begin_put(s, "k", "4");
    call_await(one, 0);
    call_await(two, 0);
    assert_true(!one->existed && two->existed);
    assert_true(facts_of(other, "k").created_at_us > before.updated_at_us);
    assert_listed(other, "a:first a:k");
}

static void a_ttl_that_is_set_behind_a_wrong_guess_stays(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(other, "a", "k", "0");
    call_t *put = begin_put(s, "k", "1"), *ttl = begin_ttl(s, "k", 60000);
    call_await(put, 0);
    call_await(ttl, 0);
    assert_item(other, "a", "k", "1");
    assert_true(items_ttl(other, "a", "k") > 0);
    assert_string_equal(redis_ask(&redis, "ZCARD langgraph:store_expiry:{a}"), "1");
}

static void a_ttl_that_is_set_behind_a_put_of_what_was_deleted_leaves_it_listed(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(s, "a", "k", "0");
    items_delete(other, "a", "k");
    items_delete(other, "a", "first");
    call_t *put = begin_put(s, "k", "1"), *ttl = begin_ttl(s, "k", 60000);
    call_await(put, 0);
    call_await(ttl, 0);
    assert_true(items_ttl(other, "a", "k") > 0);
    assert_listed(other, "a:k");
    assert_string_equal(redis_ask(&redis, "ZCARD langgraph:store_expiry:{a}"), "1");
    assert_true(atoi(redis_ask(&redis, "PTTL langgraph:store_changes:{a}")) > 0);
    items_delete(other, "a", "k");
    assert_string_equal(redis_ask(&redis, "DBSIZE"), "0");
}

/* ---- what callbacks do to those that are told behind them ---- */

static void cancel_next(call_t *call)
{
    call_t *other = call->data;
    call->react = NULL;
    assert_status(cairn_cancel(&other->of.req), 0);
    assert_status(call_put(call, &(item_words_t){.ns = "a", .key = "again", .value = "1"}), 0);
}

static void one_that_is_told_may_cancel_the_next_and_put_anew(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(s, "a", "two", "0");
    items_delete(other, "a", "two");
    call_t *one = begin_put(s, "one", "1"), *two = begin_put(s, "two", "1");
    call_t *three = begin_put(s, "three", "1");
    one->react = cancel_next;
    one->data = two;
    call_await(two, UV_ECANCELED);
    call_await(three, 0);
    call_await(one, 0);
    assert_int_equal(one->calls, 2);
    items_get(s, "a", "two");
    assert_listed(other, "a:again a:first a:one a:three a:two");
}

static void put_anew(call_t *call)
{
    call->react = NULL;
    assert_status(call_put(call, &(item_words_t){.ns = "a", .key = "k", .value = "3"}), 0);
}

static void await_that_exists(const char *key)
{
    const uint64_t since_ns = uv_hrtime();
    char command[64];
    snprintf(command, sizeof command, "EXISTS %s", key);
    while (strcmp(redis_ask(&redis, command), "1") != 0)
        if (uv_hrtime() - since_ns > UINT64_C(20000000000)) check_fail("%s: 0", command);
}

/* Of the two before it one is to be put again by a script and the other not mended yet, as that one
 * dates the item anew. */
static void one_that_is_put_between_two_answers_counts(world_t *w)
{
    items_t *s = open_knowing(w);
    char set[256];
    const int64_t later_us = facts_of(s, "first").updated_at_us + 60000000;
    snprintf(set, sizeof set,
             "SET langgraph:store:{a}:k \"%" PRId64 " %" PRId64 " 0000000000000000\\n0\"", later_us,
             later_us);
    (void)redis_ask(&redis, set);
    call_t *one = begin_put(s, "k", "1"), *between = begin_put(s, "between", "0");
    between->react = put_anew;
    uv_run(&w->loop, UV_RUN_NOWAIT);
    /* The answer is there, but not read: it is when the next is on its way. */
    await_that_exists("langgraph:store:{a}:between");
    const bool was_told = between->calls > 0; /* as it is now and then, already */
    call_t *two = begin_put(s, "k", "2");
    call_await(one, 0);
    call_await(two, 0);
    call_await(between, 0);
    assert_int_equal(between->calls, 2);
    assert_item(s, "a", "k", was_told ? "2" : "3");
}

static void close_all(call_t *call)
{
    client_close(call->items->client);
}

static void one_that_is_told_may_close(world_t *w)
{
    items_t *s = open_knowing(w);
    call_t *calls[3];
    for (int i = 0; i < 3; i++) calls[i] = begin_put(s, "k", "1");
    calls[1]->react = close_all;
    for (int i = 0; i < 3; i++) call_await_any(calls[i]);
    assert_status(calls[0]->status, 0);
    assert_status(calls[1]->status, 0);
    assert_status(calls[2]->status, UV_ECANCELED);
}

static void a_close_takes_back_what_is_on_its_way(world_t *w)
{
    items_t *s = open_knowing(w);
    redis_pause(&redis);
    call_t *sent = begin_put(s, "k", "1");
    loop_turns(&w->loop, 3);
    call_t *open = begin_put(s, "l", "1");
    client_close(s->client);
    call_await(sent, UV_ECANCELED);
    call_await(open, UV_ECANCELED);
    redis_resume(&redis);
}

/* ---- nobody waits any more ---- */

enum {
    SHORT_MS = 30
};

/* A put that is carried out when its deadline has passed. */
static void put_too_late(items_t *s, const char *key, const char *value)
{
    call_t *late = items_call(s);
    late->timeout_ms = SHORT_MS;
    redis_pause(&redis);
    assert_status(call_put(late, &(item_words_t){.ns = "a", .key = key, .value = value}), 0);
    call_await(late, UV_ETIMEDOUT);
    redis_resume(&redis);
    items_get(s, "a", key); /* its answer, and what comes of it, has been read */
    items_get(s, "a", key);
}

static void what_was_deleted_is_listed_though_nobody_waits_for_its_put(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    items_delete(other, "a", "k");
    items_delete(other, "a", "first");
    put_too_late(s, "k", "2");
    assert_item(other, "a", "k", "2");
    assert_listed(other, "a:k");
}

static void what_was_to_expire_stays_listed_though_nobody_waits_for_its_put(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_put(s, "a", "k", "1");
    items_put(other, "a", "k", "2", .options.ttl = cairn_ttl_ms(60000));
    put_too_late(s, "k", "3");
    assert_item(other, "a", "k", "3");
    assert_string_equal(redis_ask(&redis, "EXISTS langgraph:store_expiry:{a}"), "0");
}

static void vectors_of_before_go_though_nobody_waits_for_the_put(world_t *w)
{
    const cairn_vector_t vector = {{"plane", 5}, (const float[]){1, 0}, 2};
    items_t *s = open_knowing(w), *other = items_open(w, &with_vectors);
    items_put(s, "a", "k", "1");
    items_put(other, "a", "k", "{}", {.vectors = &vector, .vector_count = 1});
    put_too_late(s, "k", "3");
    assert_item(other, "a", "k", "3");
    assert_string_equal(redis_ask(&redis, "EXISTS langgraph:store_vectors:{a}:k"), "0");
}

static void what_was_guessed_new_is_listed_though_nobody_waits_for_its_put(world_t *w)
{
    items_t *s = open_knowing(w), *other = items_open(w, NULL);
    items_delete(other, "a", "first");
    put_too_late(s, "k", "2");
    assert_item(other, "a", "k", "2");
    assert_listed(other, "a:k");
}

/* ---- the answer is lost ---- */

static bool is_connected_again(void *ctx)
{
    return client_stats(ctx).connects >= 2;
}

static items_t *open_impatient(world_t *w)
{
    return knowing(items_on(world_open(w, "keepalive_ms=40&reconnect_min_ms=1")));
}

/* A put that the server carries out when its link has been given up. */
static void put_unheard(items_t *s, const char *key, const char *value)
{
    redis_pause(&redis);
    call_t *unheard = begin_put(s, key, value);
    call_await(unheard, CAIRN_EMAYBE);
    redis_resume(&redis);
    loop_run_until(&s->world->loop, "a new link", is_connected_again, s->client);
}

static void what_was_deleted_is_listed_though_the_answer_to_its_put_is_lost(world_t *w)
{
    items_t *other = items_open(w, NULL), *s = open_impatient(w);
    items_put(s, "a", "k", "1");
    items_delete(other, "a", "k");
    items_delete(other, "a", "first");
    put_unheard(s, "k", "2");
    items_put(s, "a", "k", "3"); /* as who has read CAIRN_EMAYBE may do */
    assert_item(other, "a", "k", "3");
    assert_listed(other, "a:k");
}

static void what_was_to_expire_stays_listed_though_the_answer_to_its_put_is_lost(world_t *w)
{
    items_t *other = items_open(w, NULL), *s = open_impatient(w);
    items_put(s, "a", "k", "1");
    items_put(other, "a", "k", "2", .options.ttl = cairn_ttl_ms(60000));
    put_unheard(s, "k", "3");
    items_get(s, "a", "k");
    assert_item(other, "a", "k", "3");
    assert_string_equal(redis_ask(&redis, "EXISTS langgraph:store_expiry:{a}"), "0");
}

/* ---- who has put it went before it was listed ---- */

static void what_was_left_unlisted_is_listed_by_who_puts_it_next(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "b", "k", "1");
    redis_ask(&redis, "COPY langgraph:store:{b}:k langgraph:store:{a}:k");
    assert_namespaces(s, "b", .offset = 0);
    assert_true(items_put(s, "a", "k", "2"));
    assert_item(s, "a", "k", "2");
    items_delete(s, "b", "k");
    assert_listed(s, "a:k");
    items_delete(s, "a", "k");
    assert_string_equal(redis_ask(&redis, "DBSIZE"), "0");
}

static void put_both(items_t *s, const char *one, const char *other)
{
    const cairn_store_op_t ops[] = {
        {.type = CAIRN_STORE_PUT, .ns = ns("a"), .key = cairn_str(one), .value = cairn_str("3")},
        {.type = CAIRN_STORE_PUT, .ns = ns("a"), .key = cairn_str(other), .value = cairn_str("4")},
    };
    assert_string_equal(items_batch(s, ops, 2), "put 1\nput 1");
    assert_item(s, "a", one, "3");
    assert_item(s, "a", other, "4");
}

static void so_it_is_by_a_batch(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "b", "k", "1");
    redis_ask(&redis, "COPY langgraph:store:{b}:k langgraph:store:{a}:k");
    redis_ask(&redis, "COPY langgraph:store:{b}:k langgraph:store:{a}:l");
    redis_ask(&redis, "COPY langgraph:store:{b}:k langgraph:store:{a}:m");
    items_delete(s, "b", "k");
    put_both(s, "k", "l"); /* where nothing is listed */
    assert_listed(s, "a:k a:l");
    assert_namespaces(s, "a", .offset = 0);
    put_both(s, "k", "m"); /* where others are */
    assert_listed(s, "a:k a:l a:m");
    items_delete(s, "a", "k");
    items_delete(s, "a", "l");
    items_delete(s, "a", "m");
    assert_string_equal(redis_ask(&redis, "DBSIZE"), "0");
}

static const scenario_t scenarios[] = {
    SCENARIO(of_two_puts_the_last_counts_though_both_guessed_wrong),
    SCENARIO(so_it_does_where_there_is_something_that_expires),
    SCENARIO(two_puts_of_what_is_new_go_together),
    SCENARIO(two_puts_keep_when_it_was_created_though_both_believed_wrong),
    SCENARIO(so_they_do_though_the_other_dates_it_later),
    SCENARIO(two_puts_of_what_another_has_deleted_make_it_new),
    SCENARIO(a_ttl_that_is_set_behind_a_wrong_guess_stays),
    SCENARIO(a_ttl_that_is_set_behind_a_put_of_what_was_deleted_leaves_it_listed),
    SCENARIO(one_that_is_told_may_cancel_the_next_and_put_anew),
    SCENARIO(one_that_is_put_between_two_answers_counts),
    SCENARIO(one_that_is_told_may_close),
    SCENARIO(a_close_takes_back_what_is_on_its_way),
    SCENARIO(what_was_deleted_is_listed_though_nobody_waits_for_its_put),
    SCENARIO(what_was_to_expire_stays_listed_though_nobody_waits_for_its_put),
    SCENARIO(vectors_of_before_go_though_nobody_waits_for_the_put),
    SCENARIO(what_was_guessed_new_is_listed_though_nobody_waits_for_its_put),
    SCENARIO(what_was_deleted_is_listed_though_the_answer_to_its_put_is_lost),
    SCENARIO(what_was_to_expire_stays_listed_though_the_answer_to_its_put_is_lost),
    SCENARIO(what_was_left_unlisted_is_listed_by_who_puts_it_next),
    SCENARIO(so_it_is_by_a_batch),
};

int main(void)
{
    redis_start(&redis, NULL);
    store_backend.clear = clear;
    store_backend.clock_slack_us = 2000;
    int failures = SCENARIOS_RUN("redis: store's puts that went by a wrong belief", scenarios,
                                 redis_url(&redis, NULL, ""));
    redis_stop(&redis);
    return failures;
}
