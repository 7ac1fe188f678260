/* Many events of a turn, or large ones, go as one transaction: what it costs, that it is all or
 * nothing, and that who follows on another handle sees every event once. */
#include "monitor.h"
#include "redis.h"
#include "stream_client.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MANY = 100
};

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

/* The stream "run" holds "first", and this handle knows that it is there. */
static streams_client_t *open_warm(world_t *w, const cairn_streams_options_t *options)
{
    char large[3000];
    memset(large, 'x', sizeof large);
    const cairn_stream_entry_t entry = {
        .event = cairn_str("m"), .data = {cairn_str(TEXT_TYPE), cairn_slice(large, sizeof large)}};
    streams_client_t *s = streams_open(w, options);
    streams_append(s, "run", "first");
    for (int i = 0; i < 2; i++) /* the first time it is wanted, it is not known yet */
        assert_ends(s->own, ask_append_raw(s->own, cairn_str("run"), &entry, 1, NULL), 0);
    streams_clear(s, "run");
    streams_append(s, "run", "begin");
    streams_append(s, "run", "first");
    return s;
}

static void submit_many(streams_client_t *s, streams_ask_t *asks[MANY], const char *word)
{
    for (int i = 0; i < MANY; i++) {
        char words[32];
        snprintf(words, sizeof words, "%s%d", word, i);
        asks[i] = streams_ask(s);
        assert_status(ask_append(asks[i], "run", words, NULL), 0);
    }
}

static void append_many(streams_client_t *s, const char *word, int status)
{
    streams_ask_t *asks[MANY];
    submit_many(s, asks, word);
    for (int i = 0; i < MANY; i++) streams_ask_await(asks[i], status);
    for (int i = 1; i < MANY && status == 0; i++) {
        assert_int_equal(asks[i]->count, 1);
        assert_int_equal(asks[i]->position.high, asks[i - 1]->position.high);
        assert_int_equal(asks[i]->position.low, asks[i - 1]->position.low + 1);
    }
}

static const char *many(const char *before, const char *word)
{
    static char text[MANY * 16];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", before);
    for (int i = 0; i < MANY; i++)
        len +=
            (size_t)snprintf(text + len, sizeof text - len, "%s%s%d", len > 0 ? " " : "", word, i);
    return text;
}

static follower_t *follow_elsewhere(world_t *w, cairn_tail_from_t from)
{
    follower_t *f = streams_follow_from(streams_open(w, NULL), "run", from);
    f->quiet = true;
    follower_await_count(f, "live", 1);
    return f;
}

/* ---- */

static void many_appends_of_a_turn_are_one_transaction(world_t *w)
{
    monitor_t m;
    streams_client_t *s = open_warm(w, NULL);
    follower_t *f = follow_elsewhere(w, CAIRN_FROM_NEW);
    monitor_start(&m, &redis);
    append_many(s, "a", 0);
    follower_await_events(f, MANY);
    monitor_read(&m);
    assert_int_equal(m.commands, MANY + 4); /* MULTI, XADDs, EVAL, PUBLISH, EXEC; no read */
    monitor_stop(&m);
    assert_string_equal(text_chars(&f->text), many("", "a"));
    assert_stream(s, "run", many("begin first", "a"));
    assert_stream_ttl(s, "run", CAIRN_STREAM_TTL_MS);
}

static void so_is_one_append_of_many(world_t *w)
{
    monitor_t m;
    streams_client_t *s = open_warm(w, NULL);
    follower_t *f = follow_elsewhere(w, CAIRN_FROM_NEW);
    static cairn_stream_entry_t entries[5000];
    for (size_t i = 0; i < 5000; i++)
        entries[i] = (cairn_stream_entry_t){
            .event = cairn_str("m"),
            .data = {cairn_str(TEXT_TYPE), cairn_str("a word of thirty characters or so")}};
    monitor_start(&m, &redis);
    assert_ends(s->own, ask_append_raw(s->own, cairn_str("run"), entries, 5000, NULL), 0);
    assert_int_equal(s->own->count, 5000);
    follower_await_events(f, 5000);
    monitor_read(&m);
    assert_in_range(m.commands, 5005, 5020); /* published in several messages; no read */
    monitor_stop(&m);
    assert_int_equal(streams_length(s, "run"), 5002);
}

static void behind_an_end_all_are_refused(world_t *w)
{
    streams_client_t *s = open_warm(w, NULL);
    streams_client_t *other = streams_open(w, NULL);
    follower_t *f = streams_follow_from(other, "run", CAIRN_FROM_ALL);
    follower_await(f, "event begin", "event first", "live");
    streams_append(other, "run", "END");
    append_many(s, "a", UV_EPIPE);
    assert_stream(s, "run", "begin first END");
    follower_await(f, "event begin", "event first", "live", "event END", "ended");
    append_many(s, "b", UV_EPIPE);
}

static void where_the_stream_was_cleared_they_begin_it_anew(world_t *w)
{
    streams_client_t *s = open_warm(w, NULL);
    streams_client_t *other = streams_open(w, NULL);
    const cairn_position_t before = streams_append(s, "run", "last");
    follower_t *f = follow_elsewhere(w, CAIRN_FROM_NEW);
    follower_t *late = streams_follow_after(other, "run", before);
    follower_await(late, "live");
    streams_clear(other, "run");
    append_many(s, "a", 0);
    follower_await_events(f, MANY);
    assert_string_equal(text_chars(&f->text), many("", "a"));
    assert_int_equal(journal_count(&f->journal, "gap"), 0);
    assert_stream(s, "run", many("", "a"));
    assert_true(cairn_position_cmp(s->own->positions[0], before) > 0);
    assert_stream_ttl(s, "run", CAIRN_STREAM_TTL_MS);
    streams_read(s, "run", (cairn_stream_range_t){.after = before});
    assert_int_equal(s->own->lost, 0); /* those before are of another stream */
}

static void where_there_is_nothing_but_a_group_they_go_to_it(world_t *w)
{
    static const cairn_group_options_t all = {.from = CAIRN_FROM_ALL};
    streams_client_t *s = open_warm(w, NULL);
    streams_client_t *other = streams_open(w, NULL);
    streams_clear(other, "run");
    assert_int_equal(group_create(other, &all), 1);
    append_many(s, "a", 0);
    group_info(other);
    assert_int_equal(other->own->group_facts.waiting, MANY);
    assert_string_equal(group_read(other, "one", 2), "a0:1 a1:1");
    assert_stream(s, "run", many("", "a"));
    streams_clear(other, "run");
    assert_int_equal(group_create(other, &all), 1);
    streams_append(s, "run", "b");
    assert_string_equal(group_read(other, "one", 2), "b:1");
}

static void without_the_scripts_nothing_comes_twice(world_t *w)
{
    streams_client_t *s = open_warm(w, NULL);
    follower_t *f = follow_elsewhere(w, CAIRN_FROM_NEW);
    redis_ask(&redis, "SCRIPT FLUSH");
    append_many(s, "a", 0);
    assert_stream(s, "run", many("begin first", "a"));
    follower_await_events(f, MANY);
    assert_string_equal(text_chars(&f->text), many("", "a"));
}

static void the_length_limit_holds(world_t *w)
{
    const cairn_streams_options_t options = {.max_events = 30};
    streams_client_t *s = open_warm(w, &options);
    const cairn_position_t before = s->own->position;
    append_many(s, "a", 0);
    assert_int_equal(streams_length(s, "run"), 30);
    streams_read(s, "run", (cairn_stream_range_t){.after = before});
    assert_true(s->own->lost != 0);
}

static void large_ones_are_read_by_who_follows(world_t *w)
{
    enum {
        LARGE = 100000
    };
    streams_client_t *s = open_warm(w, NULL);
    follower_t *f = follow_elsewhere(w, CAIRN_FROM_NEW);
    char *data = malloc(LARGE);
    assert_non_null(data);
    memset(data, 'x', LARGE);
    for (int i = 0; i < 10; i++) {
        const size_t size = i % 3 == 0 ? LARGE : 5000;
        const cairn_stream_entry_t entry = {
            .event = cairn_str("m"), .data = {cairn_str(TEXT_TYPE), cairn_slice(data, size)}};
        streams_ask_t *ask = streams_ask(s);
        assert_ends(ask, ask_append_raw(ask, cairn_str("run"), &entry, 1, NULL), 0);
    }
    follower_await_events(f, 10);
    assert_int_equal(f->events, 10);
    assert_int_equal(journal_count(&f->journal, "gap"), 0);
    free(data);
}

static void who_follows_on_the_same_handle_sees_them_too(world_t *w)
{
    streams_client_t *s = open_warm(w, NULL);
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_NEW);
    f->quiet = true;
    follower_await_count(f, "live", 1);
    append_many(s, "a", 0);
    follower_await_events(f, MANY);
    assert_string_equal(text_chars(&f->text), many("", "a"));
}

static void a_pattern_on_the_same_handle_does_no_harm(world_t *w)
{
    streams_client_t *s = open_warm(w, NULL);
    probe_t *all = client_probe(s->client);
    assert_status(probe_try_pattern(all, cairn_str("*"), NULL), 0);
    probe_await(all, "subscribed");
    append_many(s, "a", 0);
    assert_stream(s, "run", many("begin first", "a"));
    assert_int_equal(all->messages, 0);
}

int main(void)
{
    static const scenario_t scenarios[] = {
        SCENARIO(many_appends_of_a_turn_are_one_transaction),
        SCENARIO(so_is_one_append_of_many),
        SCENARIO(behind_an_end_all_are_refused),
        SCENARIO(where_the_stream_was_cleared_they_begin_it_anew),
        SCENARIO(where_there_is_nothing_but_a_group_they_go_to_it),
        SCENARIO(without_the_scripts_nothing_comes_twice),
        SCENARIO(the_length_limit_holds),
        SCENARIO(large_ones_are_read_by_who_follows),
        SCENARIO(who_follows_on_the_same_handle_sees_them_too),
        SCENARIO(a_pattern_on_the_same_handle_does_no_harm),
    };
    redis_start(&redis, NULL);
    if (!redis_is_at_least(&redis, 7, 0)) {
        print_message("this server gives events no numbers\n");
        redis_stop(&redis);
        return 0;
    }
    streams_backend.clear = clear;
    int failures = SCENARIOS_RUN("stream: push, RESP3", scenarios, redis_url(&redis, NULL, NULL));
    failures +=
        SCENARIOS_RUN("stream: push, RESP2", scenarios, redis_url(&redis, NULL, "?protocol=2"));
    redis_stop(&redis);
    return failures;
}
