/* While the users of a value are counted, in a thread that takes many calls for it, others go on:
 * what has been counted already changes behind the count, and keeps its values all the same. */
#include "keyspace.h"
#include "redis.h"
#include "saver_client.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    HOUR = 3600000,
    MANY = 1000, /* 64 are counted a call */
    COUNTED = 2  /* calls, before others come in */
};

static redis_t redis;

static const cairn_saver_options_t an_hour = {.default_ttl = {true, HOUR}};

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

static bool has_counted_some(void *unused)
{
    (void)unused;
    const char *calls = strstr(redis_ask(&redis, "INFO commandstats"), "cmdstat_evalsha:calls=");
    return calls && atoi(strchr(calls, '=') + 1) > COUNTED;
}

static int loose_names(void)
{
    return atoi(redis_ask(&redis, "ZCARD langgraph:thread_loose:{t}")) - 1; /* and a number */
}

/* Without a turn of the loop, in which the answer would come. */
static void await_another_name(void)
{
    const uint64_t since_ns = uv_hrtime();
    while (loose_names() < 2) {
        if (uv_hrtime() - since_ns > UINT64_C(20000000000)) check_fail("no second name");
    }
}

/* The first and the last of many name x and y. Then the last is put without x, and the count of who
 * else does is under way. */
static ask_t *begin_counting(saver_client_t *s, const char *of_first, const char *of_last)
{
    saver_put_many(s, MANY, "");
    saver_put(s, "c00000", of_first);
    saver_put(s, "d", of_last);
    redis_ask(&redis, "CONFIG RESETSTAT");
    ask_t *ask = saver_ask(s);
    assert_status(ask_put(ask, &(put_words_t){.id = "d", .channels = ""}), 0);
    loop_run_until(&s->world->loop, "a count to be under way", has_counted_some, NULL);
    assert_int_equal(loose_names(), 1);
    return ask;
}

static void end_counting(ask_t *count)
{
    assert_false(ask_is_done(count));
    ask_await(count, 0);
    assert_int_equal(loose_names(), -1);
    keyspace_assert_whole(&redis);
}

static void check_put(world_t *w, const cairn_saver_options_t *options)
{
    saver_client_t *s = saver_open(w, options);
    saver_client_t *other = saver_open(w, options);
    assert_none(other, thread("none"));
    ask_t *count = begin_counting(s, "", "x@1=x");
    saver_put(other, "b", "x@1");
    end_counting(count);
    assert_get(s, at("b"), "b x@1=x");
}

static void a_new_user_of_a_value_keeps_it(world_t *w)
{
    check_put(w, NULL);
}

static void a_new_user_with_a_ttl_keeps_it(world_t *w)
{
    check_put(w, &an_hour);
}

static void a_put_anew_that_names_a_value_keeps_it(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    ask_t *count = begin_counting(s, "", "x@1=x");
    saver_put(s, "c00000", "x@1");
    end_counting(count);
    assert_get(s, at("c00000"), "c00000 x@1=x");
}

static void a_user_that_is_given_longer_to_live_keeps_its_value_as_long(world_t *w)
{
    static const int64_t longer[] = {2 * HOUR, CAIRN_TTL_PERSIST};
    for (int i = 0; i < 2; i++) {
        saver_client_t *s = saver_open(w, &an_hour);
        saver_client_t *other = saver_open(w, &an_hour);
        assert_none(other, thread("none"));
        ask_t *count = begin_counting(s, "x@1=x", "x@1");
        saver_set_ttl(other, at("c00000"), longer[i]);
        end_counting(count);
        int64_t left = atoll(redis_ask(&redis, "PTTL langgraph:checkpoint_blob:{t}:%:x:1"));
        if (longer[i] == CAIRN_TTL_PERSIST)
            assert_int_equal(left, -1);
        else
            assert_in_range(left, HOUR + 1, 2 * HOUR);
        clear();
    }
}

/* Somebody who adds a name and goes away: who counts begins anew, for that name too. */
static void a_name_that_is_added_is_counted_from_the_beginning(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_client_t *other = saver_open(w, NULL);
    saver_put(s, "e", "y@1=y");
    ask_t *count = begin_counting(s, "x@1=x y@1", "x@1");
    ask_t *brief = saver_ask(other);
    assert_status(ask_put(brief, &(put_words_t){.id = "e", .channels = ""}), 0);
    loop_turns(&w->loop, 1);
    await_another_name();
    assert_status(cairn_cancel(&brief->of.req), 0);
    end_counting(count);
    ask_await(brief, UV_ECANCELED);
    assert_get(s, at("c00000"), "c00000 x@1=x y@1=y");
}

static const scenario_t scenarios[] = {
    SCENARIO(a_new_user_of_a_value_keeps_it),
    SCENARIO(a_new_user_with_a_ttl_keeps_it),
    SCENARIO(a_put_anew_that_names_a_value_keeps_it),
    SCENARIO(a_user_that_is_given_longer_to_live_keeps_its_value_as_long),
    SCENARIO(a_name_that_is_added_is_counted_from_the_beginning),
};

int main(void)
{
    redis_start(&redis, NULL);
    saver_backend.clear = clear;
    int failures = SCENARIOS_RUN("redis: counting who uses a value", scenarios,
                                 redis_url(&redis, NULL, "?keepalive_ms=0"));
    redis_stop(&redis);
    return failures;
}
