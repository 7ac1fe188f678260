/* A server that has less than it acknowledged, as one that was made master too early: what a tail
 * was told already is not there, and its positions are given again. */
#include "redis.h"
#include "stream_client.h"

#include <string.h>

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

/* The stream is as it was at the COPY, for a link that is made anew. */
static void fall_back_to_copy(void)
{
    redis_ask(&redis, "RENAME langgraph:queue:{copy} langgraph:queue:{run}");
    redis_ask(&redis, "CLIENT KILL TYPE normal SKIPME yes");
    redis_ask(&redis, "CLIENT KILL TYPE pubsub SKIPME yes");
}

/* Positions may come again behind it, and nowhere else. */
static void begin_anew(follower_t *follower, const char *line)
{
    if (strcmp(line, "gap -1") == 0) follower->position = (cairn_position_t){0, 0};
}

static void a_tail_is_told_that_what_it_knows_is_gone(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    f->react = begin_anew;
    streams_append(s, "run", "a");
    redis_ask(&redis, "COPY langgraph:queue:{run} langgraph:queue:{copy}");
    streams_append(s, "run", "b c");
    follower_await_events(f, 3);
    fall_back_to_copy();
    follower_await_count(f, "resumed", 1);
    streams_append(s, "run", "d e f");
    follower_await_events(f, 6);
    assert_int_equal(journal_count(&f->journal, "gap -1"), 1);
    assert_int_equal(streams_length(s, "run"), 4);
}

/* Who comes back with a position that was told before. */
static void so_is_one_that_begins_behind_what_is_gone(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a");
    redis_ask(&redis, "COPY langgraph:queue:{run} langgraph:queue:{copy}");
    const cairn_position_t told = streams_append(s, "run", "b c");
    fall_back_to_copy();
    follower_t *f = streams_follow_after(s, "run", told);
    f->react = begin_anew;
    follower_await(f, "gap -1", "live");
    streams_append(s, "run", "d");
    follower_await_events(f, 1);
    assert_int_equal(journal_count(&f->journal, "gap -1"), 1);
    assert_true(cairn_position_cmp(f->position, told) <= 0);
}

int main(void)
{
    static const scenario_t scenarios[] = {SCENARIO(a_tail_is_told_that_what_it_knows_is_gone),
                                           SCENARIO(so_is_one_that_begins_behind_what_is_gone)};
    redis_start(&redis, NULL);
    streams_backend.clear = clear;
    int failures = SCENARIOS_RUN("redis: streams RESP3 that lost their end", scenarios,
                                 redis_url(&redis, NULL, "?reconnect_min_ms=1&reconnect_max_ms=5"));
    failures +=
        SCENARIOS_RUN("redis: streams RESP2 that lost their end", scenarios,
                      redis_url(&redis, NULL, "?protocol=2&reconnect_min_ms=1&reconnect_max_ms=5"));
    redis_stop(&redis);
    return failures;
}
