/* With cluster=auto: what is asked for before a server has said what it is waits as it was asked
 * for, whatever it turns out to be; within its deadline, within the bounds of the queue, and told
 * when nobody lets us in. */
#include "redis.h"
#include "saver_client.h"
#include "store_client.h"
#include "stream_client.h"

#include <string.h>

#define QUICK "?cluster=auto&reconnect_min_ms=1&reconnect_max_ms=20"
#define BRIEF_MS 200

static redis_t redis, locked;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

/* A handle that nobody has greeted yet. */
static client_t *early_client(world_t *w)
{
    clear();
    redis_pause(&redis);
    client_t *c = world_client(w);
    assert_status(client_try_open(c, NULL), 0);
    return c;
}

static items_t *early_items(world_t *w)
{
    return items_on(early_client(w));
}

static call_t *put_early(items_t *s, const char *key)
{
    call_t *call = items_call(s);
    assert_status(call_put(call, &(item_words_t){.ns = "a", .key = key, .value = "1"}), 0);
    return call;
}

/* ---- in its order ---- */

static void what_the_store_is_asked_waits(world_t *w)
{
    items_t *s = early_items(w);
    call_t *put = put_early(s, "k"), *get = items_call(s), *count = items_call(s);
    assert_status(call_get(get, ns("a"), cairn_str("k"), CAIRN_REFRESH_DEFAULT), 0);
    assert_status(call_count(count, ns("a"), cairn_slice(NULL, 0)), 0);
    loop_turns(&w->loop, 10);
    assert_int_equal(put->calls + get->calls + count->calls, 0);
    redis_resume(&redis);
    call_await(put, 0);
    call_await(get, 0);
    assert_string_equal(text_chars(&get->text), "a:k=1");
    call_await(count, 0);
    assert_int_equal(count->count, 1);
}

static void what_the_saver_is_asked_waits(world_t *w)
{
    saver_client_t *s = saver_on(early_client(w));
    ask_t *put = saver_ask(s), *list = saver_ask(s);
    assert_status(ask_put(put, &(put_words_t){.id = "c1", .channels = "a@1=x"}), 0);
    assert_status(ask_list(list, NULL), 0);
    loop_turns(&w->loop, 10);
    assert_int_equal(put->calls + list->calls, 0);
    redis_resume(&redis);
    ask_await(put, 0);
    ask_await(list, 0);
    assert_get(s, latest(), "c1 a@1=x");
}

static void what_streams_are_asked_waits(world_t *w)
{
    streams_client_t *s = streams_on(early_client(w));
    streams_ask_t *append = streams_ask(s), *length = streams_ask(s), *group = streams_ask(s);
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    assert_status(ask_append(append, "run", "a b", NULL), 0);
    assert_status(ask_length(length, "run"), 0);
    assert_status(ask_group_create(group, "run", "g", NULL), 0);
    loop_turns(&w->loop, 10);
    assert_int_equal(append->calls + length->calls + group->calls, 0);
    redis_resume(&redis);
    streams_ask_await(append, 0);
    streams_ask_await(length, 0);
    streams_ask_await(group, 0);
    assert_int_equal(length->count, 2);
    follower_await_events(f, 2);
}

/* ---- what else may come of it ---- */

static void what_was_given_may_be_overwritten_at_once(world_t *w)
{
    items_t *s = early_items(w);
    call_t *put = items_call(s);
    char key[] = "k", value[] = "{\"a\":1}", label[] = "users";
    cairn_slice_t labels[] = {cairn_str(label)};
    assert_status(
        call_put_raw(put, (cairn_namespace_t){labels, 1}, cairn_str(key), cairn_str(value), NULL),
        0);
    memset(key, 'x', sizeof key);
    memset(value, 'x', sizeof value);
    memset(label, 'x', sizeof label);
    labels[0] = cairn_slice(NULL, 0);
    redis_resume(&redis);
    call_await(put, 0);
    assert_item(s, "users", "k", "{\"a\":1}");
}

static void a_deadline_a_cancel_and_a_close_end_it(world_t *w)
{
    items_t *s = early_items(w);
    call_t *late = items_call(s);
    late->timeout_ms = BRIEF_MS;
    assert_status(call_put(late, &(item_words_t){.ns = "a", .key = "l", .value = "1"}), 0);
    call_t *cancelled = put_early(s, "c"), *closed = put_early(s, "d");
    assert_status(cairn_cancel(&cancelled->of.req), 0);
    call_await(cancelled, UV_ECANCELED);
    call_await(late, UV_ETIMEDOUT);
    client_close(s->client);
    call_await(closed, UV_ECANCELED);
    client_await_closed(s->client);
    redis_resume(&redis);
    assert_string_equal(redis_ask(&redis, "DBSIZE"), "0");
}

static void it_is_bounded_and_room_is_told(world_t *w)
{
    w->url = redis_url(&redis, NULL, QUICK "&max_inflight=2");
    items_t *s = early_items(w);
    call_t *first = put_early(s, "1"), *second = put_early(s, "2"), *third = items_call(s);
    const item_words_t words = {.ns = "a", .key = "3", .value = "1"};
    assert_status(call_put(third, &words), CAIRN_EFULL);
    redis_resume(&redis);
    call_await(first, 0);
    call_await(second, 0);
    client_await_count(s->client, "credit", 1);
    assert_status(call_put(third, &words), 0);
    call_await(third, 0);
}

static void what_is_too_big_is_refused_at_once(world_t *w)
{
    static char large[1 << 16];
    w->url = redis_url(&redis, NULL, QUICK "&max_queue_bytes=65536");
    items_t *s = early_items(w);
    memset(large, 'x', sizeof large);
    large[0] = large[sizeof large - 1] = '"';
    call_t *put = items_call(s);
    assert_status(
        call_put_raw(put, ns("a"), cairn_str("k"), cairn_slice(large, sizeof large), NULL),
        CAIRN_ETOOBIG);
    redis_resume(&redis);
}

static void a_password_that_is_lacking_is_told(world_t *w)
{
    w->url = redis_url(&locked, NULL, QUICK);
    client_t *c = world_client(w);
    assert_status(client_try_open(c, NULL), 0);
    call_await(put_early(items_on(c), "k"), CAIRN_EAUTH);
}

static void a_server_that_comes_back_finds_what_was_asked_meanwhile(world_t *w)
{
    items_t *s = items_open(w, NULL);
    assert_false(items_put(s, "a", "k", "1"));
    redis_pause(&redis);
    call_t *put = put_early(s, "k");
    redis_resume(&redis);
    call_await(put, 0);
    assert_true(put->existed);
}

static const scenario_t scenarios[] = {
    SCENARIO(what_the_store_is_asked_waits),
    SCENARIO(what_the_saver_is_asked_waits),
    SCENARIO(what_streams_are_asked_waits),
    SCENARIO(what_was_given_may_be_overwritten_at_once),
    SCENARIO(a_deadline_a_cancel_and_a_close_end_it),
    SCENARIO(it_is_bounded_and_room_is_told),
    SCENARIO(what_is_too_big_is_refused_at_once),
    SCENARIO(a_password_that_is_lacking_is_told),
    SCENARIO(a_server_that_comes_back_finds_what_was_asked_meanwhile),
};

int main(void)
{
    const server_options_t options = {.password = "secret"};
    redis_start(&redis, NULL);
    redis_start(&locked, &options);
    store_backend.clear = clear;
    int failures = SCENARIOS_RUN("redis: before it is known what it is, RESP3", scenarios,
                                 redis_url(&redis, NULL, QUICK));
    failures += SCENARIOS_RUN("redis: before it is known what it is, RESP2", scenarios,
                              redis_url(&redis, NULL, QUICK "&protocol=2"));
    redis_stop(&locked);
    redis_stop(&redis);
    return failures;
}
