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

static const scenario_t scenarios[] = {
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
