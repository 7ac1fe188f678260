/* Puts by plain commands that turn out to need the script behind them, where nobody waits for them
 * any more, or the answer is lost. */
#include "keyspace.h"
#include "redis.h"
#include "saver_client.h"

#define HOUR 3600000

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

/* What it put last is known to be the latest, and never to expire: until another has seen to it. */
static saver_client_t *put_three(saver_client_t *s)
{
    saver_put(s, "c1", "a@1=x");
    saver_put(s, "c2", "a@1");
    saver_put(s, "c3", "a@1");
    return s;
}

static const put_words_t fourth = {.id = "c4", .channels = "a@1 b@1=y"};

/* The put is carried out when its deadline has passed. */
static void put_too_late(saver_client_t *s)
{
    ask_t *late = saver_ask(s);
    late->timeout_ms = 30;
    redis_pause(&redis);
    assert_status(ask_put(late, &fourth), 0);
    ask_await(late, UV_ETIMEDOUT);
    redis_resume(&redis);
    for (int i = 0; i < 3; i++) saver_get(s, at("c1")); /* what comes of its answer has been done */
}

static bool is_connected_again(void *ctx)
{
    return client_stats(ctx).connects >= 2;
}

static saver_client_t *open_impatient(world_t *w)
{
    return saver_on(world_open(w, "keepalive_ms=40&reconnect_min_ms=1"));
}

/* The server carries it out when its link has been given up. */
static void put_unheard(saver_client_t *s)
{
    ask_t *unheard = saver_ask(s);
    redis_pause(&redis);
    assert_status(ask_put(unheard, &fourth), 0);
    ask_await(unheard, CAIRN_EMAYBE);
    redis_resume(&redis);
    loop_run_until(&s->world->loop, "a new link", is_connected_again, s->client);
    for (int i = 0; i < 3; i++) saver_get(s, at("c1"));
}

static void assert_it_stays(saver_client_t *s)
{
    assert_get(s, at("c4"), "c4 a@1=x b@1=y");
    assert_int_equal(saver_ttl(s, at("c4")), CAIRN_TTL_PERSIST);
    assert_string_equal(redis_ask(&redis, "PTTL langgraph:thread:{t}"), "-1");
    assert_string_equal(redis_ask(&redis, "PTTL langgraph:checkpoint_blob:{t}:%:a:1"), "-1");
    keyspace_assert_whole(&redis);
}

static void what_is_put_into_a_thread_that_expires_stays_though_nobody_waits(world_t *w)
{
    saver_client_t *s = put_three(saver_open(w, NULL));
    saver_set_thread_ttl(saver_open(w, NULL), "t", HOUR);
    put_too_late(s);
    assert_it_stays(s);
}

static void what_is_put_into_a_thread_that_expires_stays_though_its_answer_is_lost(world_t *w)
{
    saver_client_t *other = saver_open(w, NULL), *s = put_three(open_impatient(w));
    saver_set_thread_ttl(other, "t", HOUR);
    put_unheard(s);
    assert_it_stays(s);
}

/* ---- what was there before ---- */

static const put_words_t other_fourth = {.id = "c4", .channels = "a@1 z@1=q"};

static void what_it_took_the_place_of_goes_though_nobody_waits(world_t *w)
{
    saver_client_t *s = put_three(saver_open(w, NULL));
    saver_client_t *other = saver_open(w, NULL);
    assert_status(ask_put(other->own, &other_fourth), 0);
    ask_await(other->own, 0);
    put_too_late(s);
    assert_it_stays(s);
}

static void what_it_took_the_place_of_goes_though_its_answer_is_lost(world_t *w)
{
    saver_client_t *other = saver_open(w, NULL), *s = put_three(open_impatient(w));
    assert_status(ask_put(other->own, &other_fourth), 0);
    ask_await(other->own, 0);
    put_unheard(s);
    assert_it_stays(s);
}

/* Somebody died, who had put it by plain commands alone. */
static void replace_and_die(saver_client_t *other)
{
    assert_status(ask_put(other->own, &other_fourth), 0);
    ask_await(other->own, 0);
    redis_ask(&redis, "COPY langgraph:checkpoint:{t}:%:c4 langgraph:checkpoint_replaced:{t}:%:c4");
    redis_ask(&redis, "HSET langgraph:checkpoint:{t}:%:c4 l \"a:1 y:1\"");
    redis_ask(&redis, "SET langgraph:checkpoint_blob:{t}:%:y:1 e");
    redis_ask(&redis, "RPUSH langgraph:checkpoint_write:{t}:%:c4 \"\"");
}

static void what_nobody_saw_to_goes_with_the_checkpoint(world_t *w)
{
    saver_client_t *s = put_three(saver_open(w, NULL));
    replace_and_die(saver_open(w, NULL));
    saver_put(s, "c5", "a@1");
    assert_int_equal(saver_prune(s, "t", 1), 4);
    keyspace_assert_whole(&redis);
    saver_delete_thread(s, "t");
    keyspace_await_empty(&redis);
}

static void what_nobody_saw_to_goes_with_the_next_put(world_t *w)
{
    saver_client_t *s = put_three(saver_open(w, NULL));
    replace_and_die(saver_open(w, NULL));
    assert_status(ask_put(s->own, &fourth), 0);
    ask_await(s->own, 0);
    redis_ask(&redis,
              "UNLINK langgraph:checkpoint_blob:{t}:%:y:1"); /* was replaced a second time */
    assert_it_stays(s);
}

/* ---- scripts that the server has forgotten ---- */

static void forget_scripts(saver_client_t *s)
{
    assert_none(s, at("c4"));
    redis_ask(&redis, "SCRIPT FLUSH");
}

static void what_meets_no_script_is_whole_though_nobody_waits(world_t *w)
{
    saver_client_t *s = put_three(saver_open(w, NULL));
    saver_client_t *late = saver_open(w, NULL);
    forget_scripts(late);
    put_too_late(late);
    assert_it_stays(s);
}

static void what_meets_no_script_is_whole_though_its_answer_is_lost(world_t *w)
{
    saver_client_t *s = put_three(saver_open(w, NULL));
    saver_client_t *unheard = open_impatient(w);
    forget_scripts(unheard);
    put_unheard(unheard);
    assert_it_stays(s);
}

static void so_is_what_takes_the_place_of_another(world_t *w)
{
    saver_client_t *s = put_three(saver_open(w, NULL));
    assert_status(ask_put(s->own, &other_fourth), 0);
    ask_await(s->own, 0);
    saver_client_t *late = saver_open(w, NULL), *unheard = open_impatient(w);
    assert_get(late, at("c4"), "c4 a@1=x z@1=q");
    redis_ask(&redis, "SCRIPT FLUSH");
    put_too_late(late);
    assert_it_stays(s);
    assert_status(ask_put(s->own, &other_fourth), 0);
    ask_await(s->own, 0);
    assert_get(unheard, at("c4"), "c4 a@1=x z@1=q");
    redis_ask(&redis, "SCRIPT FLUSH");
    put_unheard(unheard);
    assert_it_stays(s);
}

/* Of what has a TTL no key stays that has none. */
static void what_expires_does_so_though_it_meets_no_script(world_t *w)
{
    static const cairn_saver_options_t an_hour = {.default_ttl = {true, HOUR}};
    saver_client_t *s = saver_open(w, &an_hour), *late = saver_open(w, &an_hour);
    put_three(s);
    forget_scripts(late);
    put_too_late(late);
    assert_get(s, at("c4"), "c4 a@1=x b@1=y");
    assert_in_range(saver_ttl(s, at("c4")), HOUR - 60000, HOUR);
    keyspace_t found;
    keyspace_check(&redis, &found);
    assert_int_equal(found.without_ttl, 0);
    keyspace_assert_whole(&redis);
}

static const scenario_t scenarios[] = {
    SCENARIO(what_it_took_the_place_of_goes_though_nobody_waits),
    SCENARIO(what_it_took_the_place_of_goes_though_its_answer_is_lost),
    SCENARIO(what_nobody_saw_to_goes_with_the_checkpoint),
    SCENARIO(what_nobody_saw_to_goes_with_the_next_put),
    SCENARIO(what_meets_no_script_is_whole_though_nobody_waits),
    SCENARIO(what_meets_no_script_is_whole_though_its_answer_is_lost),
    SCENARIO(so_is_what_takes_the_place_of_another),
    SCENARIO(what_expires_does_so_though_it_meets_no_script),
    SCENARIO(what_is_put_into_a_thread_that_expires_stays_though_nobody_waits),
    SCENARIO(what_is_put_into_a_thread_that_expires_stays_though_its_answer_is_lost),
};

int main(void)
{
    redis_start(&redis, NULL);
    saver_backend.clear = clear;
    int failures = SCENARIOS_RUN("redis: saver's puts that nobody heard of", scenarios,
                                 redis_url(&redis, NULL, ""));
    redis_stop(&redis);
    return failures;
}
