/* What run streams cost: commands an operation, counted where the server counts them; keys, their
 * TTLs, and what is left when everything is gone; connections and memory of many tails. */
#include "monitor.h"
#include "redis.h"
#include "stream_client.h"

#include <cairn/alloc.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

/* ---- commands ---- */

#define assert_commands(monitor, expected)                                                         \
    assert_commands_at((monitor), (expected), __FILE__, __LINE__)
static void assert_commands_at(monitor_t *monitor, size_t expected, const char *file, int line)
{
    monitor_read(monitor);
    if (monitor->commands == expected) return;
    check_fail_at(file, line, "%zu commands, expected %zu; the last:%s", monitor->commands,
                  expected, monitor->last);
}

/* Connected, and the server knows the scripts. */
static streams_client_t *open_watched(world_t *w, monitor_t *monitor)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "warm", "a");
    monitor_start(monitor, &redis);
    return s;
}

static void an_append_is_one_command(world_t *w)
{
    monitor_t m;
    streams_client_t *s = open_watched(w, &m);
    cairn_position_t zero = {0, 0};
    cairn_stream_append_options_t first = {.expected_last = &zero, .ttl = cairn_ttl_ms(9000)};
    assert_ends(s->own, ask_append(s->own, "run", "a b#1", &first), 0);
    assert_commands(&m, 1);
    streams_append(s, "warm", "b");
    assert_commands(&m, 1);
    assert_in_range(m.script_calls, 1, 5);
    streams_append(s, "run", "c d e b#1 END#2");
    assert_commands(&m, 1);
    assert_ends(s->own, ask_append(s->own, "run", "x", NULL), UV_EPIPE);
    assert_commands(&m, 1);
    monitor_stop(&m);
}

static void appends_of_one_turn_to_a_stream_are_one_command(world_t *w)
{
    enum {
        APPENDS = 40
    };
    monitor_t m;
    streams_client_t *s = open_watched(w, &m);
    streams_ask_t *asks[APPENDS];
    char expected[APPENDS / 2 * 16] = "", word[16];
    for (int i = 0; i < APPENDS; i++) {
        asks[i] = streams_ask(s);
        snprintf(word, sizeof word, "%d", i);
        assert_status(ask_append(asks[i], i % 2 ? "odd" : "even", word, NULL), 0);
        if (i % 2 == 0) snprintf(expected + strlen(expected), 16, i ? " %d" : "%d", i);
    }
    for (int i = 0; i < APPENDS; i++) streams_ask_await(asks[i], 0);
    assert_commands(&m, 2);
    for (int i = 2; i < APPENDS; i++) {
        assert_int_equal(asks[i]->count, 1);
        assert_true(cairn_position_cmp(asks[i]->position, asks[i - 2]->position) > 0);
    }
    assert_stream(s, "even", expected);
    assert_int_equal(cairn_position_cmp(s->own->position, asks[APPENDS - 2]->position), 0);
    monitor_stop(&m);
}

static void nothing_of_a_turn_goes_behind_an_end(world_t *w)
{
    static const char *const words[] = {"a", "b END", "c", "d"};
    streams_client_t *s = streams_open(w, NULL);
    streams_ask_t *asks[4];
    for (int i = 0; i < 4; i++) {
        asks[i] = streams_ask(s);
        assert_status(ask_append(asks[i], "run", words[i], NULL), 0);
    }
    for (int i = 0; i < 4; i++) streams_ask_await(asks[i], i < 2 ? 0 : UV_EPIPE);
    assert_stream(s, "run", "a b END");
}

static void cancel(streams_ask_t *ask)
{
    world_t *w = ask->client->world;
    bool outer = world_call(w);
    assert_status(cairn_cancel(&ask->of.req), 0);
    world_return(w, outer);
}

static void appends_of_a_turn_may_be_cancelled_one_by_one(world_t *w)
{
    static const char *const words[] = {"b", "c", "d END"};
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a");
    for (int round = 0; round < 2; round++) {
        streams_ask_t *asks[3];
        for (int i = 0; i < 3; i++) {
            asks[i] = streams_ask(s);
            assert_status(ask_append(asks[i], "run", words[i], NULL), 0);
        }
        if (round == 0) cancel(asks[1]);
        cancel(asks[2]);
        if (round == 1) cancel(asks[0]);
        if (round == 1) cancel(asks[1]);
        for (int i = 0; i < 3; i++)
            streams_ask_await(asks[i], round == 0 && i == 0 ? 0 : UV_ECANCELED);
    }
    streams_append(s, "run", "e");
    assert_stream(s, "run", "a b e");
}

static void one_that_is_on_its_way_may_be_cancelled_too(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a");
    redis_pause(&redis);
    streams_ask_t *asks[3];
    for (int i = 0; i < 3; i++) {
        asks[i] = streams_ask(s);
        assert_status(ask_append(asks[i], "run", "b", NULL), 0);
    }
    loop_turns(&w->loop, 3);
    cancel(asks[1]);
    streams_ask_await(asks[1], UV_ECANCELED);
    redis_resume(&redis);
    streams_ask_await(asks[0], 0);
    streams_ask_await(asks[2], 0);
    assert_true(cairn_position_cmp(asks[2]->position, asks[0]->position) > 0);
    assert_stream(s, "run", "a b b b");
    assert_int_equal(cairn_position_cmp(s->own->positions[3], asks[2]->position), 0);
}

/* It is not pushed, but read by who follows; what is around it stays in order. */
static void a_large_event_is_read_by_who_follows(world_t *w)
{
    enum {
        LARGE = 100000
    };
    streams_client_t *s = streams_open(w, NULL);
    follower_t *f = streams_follow(s, "run", NULL);
    f->quiet = true;
    loop_turns(&w->loop, 1);
    char *data = malloc(LARGE);
    assert_non_null(data);
    memset(data, 'x', LARGE);
    data[LARGE - 1] = '\0';
    const cairn_stream_entry_t large = {
        .event = cairn_str("m"), .data = {cairn_str(TEXT_TYPE), cairn_slice(data, LARGE - 1)}};
    uint64_t events = 0;
    for (int i = 0; i < 6; i++) {
        streams_append(s, "run", "a");
        streams_ask_t *ask = streams_ask(s);
        assert_ends(ask, ask_append_raw(ask, cairn_str("run"), &large, 1, NULL), 0);
        streams_append(s, "run", "b");
        events += 3;
        if (i % 2) follower_await_events(f, events);
    }
    follower_await_events(f, events);
    assert_int_equal(cairn_position_cmp(f->position, s->own->position), 0);
    streams_ask_t *end = streams_ask(s);
    assert_ends(end, ask_end_run(end, "run", data), 0);
    follower_await_events(f, events + 1);
    free(data);
}

static void so_is_everything_but_a_read(world_t *w)
{
    static const cairn_group_options_t all = {.from = CAIRN_FROM_ALL};
    monitor_t m;
    streams_client_t *s = open_watched(w, &m);
    streams_append(s, "run", "a b c");
    group_create(s, &all);
    assert_string_equal(group_read(s, "one", 2), "a:1 b:1");
    assert_commands(&m, 3);
    group_nak(s, 0, 1, 0);
    group_ack(s, 0, 2);
    group_claim(s, "one", 2, 0);
    group_info(s);
    assert_commands(&m, 4);
    streams_length(s, "run");
    streams_exists(s, "run");
    streams_info(s, "run");
    streams_ttl(s, "run");
    streams_set_ttl(s, "run", 60000);
    assert_commands(&m, 5);
    streams_copy(s, "run", "copy", (cairn_ttl_t){0});
    streams_clear(s, "run");
    assert_commands(&m, 2);
    streams_read(s, "copy", (cairn_stream_range_t){.page_size = 2});
    assert_commands(&m, 4); /* MULTI, two, EXEC, in one flush */
    monitor_stop(&m);
}

static void an_idle_tail_asks_nothing(world_t *w)
{
    monitor_t m;
    streams_client_t *s = open_watched(w, &m);
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    follower_await(f, "live");
    assert_commands(&m, 5); /* SUBSCRIBE and one read */
    for (int i = 0; i < 20; i++) streams_append(s, "run", "a");
    follower_await_events(f, 20);
    assert_commands(&m, 20);
    follower_t *second = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    follower_await_count(second, "live", 1);
    assert_commands(&m, 4); /* one read: the subscription is shared */
    monitor_stop(&m);
}

/* ---- keys ---- */

/* Of all keys: their number, and how many of them have no TTL. */
static void count_keys(unsigned *keys, unsigned *expiring)
{
    *keys = *expiring = 0;
    const char *line = strstr(redis_ask(&redis, "INFO keyspace"), "keys=");
    if (line) assert_int_equal(sscanf(line, "keys=%u,expires=%u", keys, expiring), 2);
}

static void every_key_has_a_ttl(world_t *w)
{
    static const cairn_group_options_t once = {
        .from = CAIRN_FROM_ALL, .max_deliveries = 1, .dead_letter = {"dead", 4}};
    unsigned keys, expiring;
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a#1 b#2 c");
    group_create(s, &once);
    assert_ends(s->own, ask_group_create(s->own, "run", "h", NULL), 0);
    assert_string_equal(group_read(s, "one", 1), "a#1:1");
    group_nak(s, 0, 1, 0);
    streams_append(s, "run", "d");
    static const cairn_group_options_t all = {.from = CAIRN_FROM_ALL};
    assert_ends(s->own, ask_group_create(s->own, "other", "g", &all), 0);
    streams_append(s, "other", "a b");
    assert_ends(s->own, ask_group_read(s->own, "other", "g", "m", 1, 0), 0);
    assert_ends(s->own, ask_group_nak(s->own, "other", "g", s->own->positions, 1, 100000), 0);
    streams_copy(s, "run", "copy", (cairn_ttl_t){0});
    streams_append(s, "gone", "x");
    streams_clear(s, "gone");
    count_keys(&keys, &expiring);
    assert_in_range(keys, 8, 12);
    assert_int_equal(expiring, keys);
}

static bool no_keys(void *ctx)
{
    unsigned keys, expiring;
    (void)ctx;
    count_keys(&keys, &expiring);
    return keys == 0;
}

static void after_clear_nothing_is_left(world_t *w)
{
    static const cairn_group_options_t all = {.from = CAIRN_FROM_ALL};
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a#1 b#2 c");
    group_create(s, &all);
    assert_string_equal(group_read(s, "one", 1), "a#1:1");
    group_nak(s, 0, 1, 100000);
    streams_copy(s, "run", "copy", cairn_ttl_ms(CAIRN_TTL_PERSIST));
    assert_int_equal(streams_clear(s, "run"), 3);
    assert_int_equal(streams_clear(s, "copy"), 3);
    loop_run_until(&w->loop, "the keys to go", no_keys, NULL);
}

static void ids_of_what_has_gone_are_forgotten(world_t *w)
{
    cairn_streams_options_t options = {.max_events = 10};
    streams_client_t *s = streams_open(w, &options);
    for (int i = 0; i < 1000; i++) {
        char words[32];
        snprintf(words, sizeof words, "a#%d", i);
        streams_append(s, "run", words);
    }
    long ids = strtol(redis_ask(&redis, "HLEN langgraph:queue_more:{run}"), NULL, 10);
    assert_in_range(ids, 10, 200);
    assert_int_equal(streams_length(s, "run"), 10);
}

/* ---- many tails ---- */

enum {
    TAILS = 10000
};

static size_t allocated;

static void *measured_malloc(size_t size)
{
    void *block = malloc(size);
    allocated += malloc_usable_size(block);
    return block;
}

static void *measured_realloc(void *old, size_t size)
{
    size_t before = old ? malloc_usable_size(old) : 0;
    void *block = realloc(old, size);
    if (block) allocated += malloc_usable_size(block) - before;
    return block;
}

static void measured_free(void *block)
{
    if (block) allocated -= malloc_usable_size(block);
    free(block);
}

typedef struct crowd {
    cairn_stream_tail_t tails[TAILS];
    unsigned opened, live, closed;
    unsigned events;
} crowd_t;

static crowd_t crowd;

static void count_event(cairn_stream_tail_t *tail, const cairn_stream_event_t *event)
{
    (void)tail, (void)event;
    crowd.events++;
}

static void count_live(cairn_stream_tail_t *tail, const cairn_tail_notice_t *notice)
{
    (void)tail;
    crowd.live += notice->type == CAIRN_TAIL_LIVE;
}

static void count_closed(cairn_stream_tail_t *tail)
{
    (void)tail;
    crowd.closed++;
}

static bool all_live(void *ctx)
{
    (void)ctx;
    return crowd.live == crowd.opened;
}

static bool all_told(void *ctx)
{
    (void)ctx;
    return crowd.events == TAILS / 100;
}

static bool all_closed(void *ctx)
{
    (void)ctx;
    return crowd.closed == TAILS;
}

static unsigned count_connections(void)
{
    unsigned connections = 0;
    const char *line = strstr(redis_ask(&redis, "INFO clients"), "connected_clients:");
    assert_non_null(line);
    assert_int_equal(sscanf(line, "connected_clients:%u", &connections), 1);
    return connections - 1; /* that which asks */
}

static void open_tail(streams_client_t *s, unsigned number)
{
    char name[32];
    snprintf(name, sizeof name, "run-%u", number);
    crowd.tails[number].on_notice = count_live;
    bool outer = world_call(s->world);
    int rc = cairn_stream_tail_open(&s->streams, &crowd.tails[number], cairn_str(name), NULL,
                                    count_event);
    world_return(s->world, outer);
    assert_status(rc, 0);
    crowd.opened++;
}

/* A few at a time: what a burst makes of the connection's buffers is not a tail's. */
static void open_tails(streams_client_t *s)
{
    while (crowd.opened < TAILS) {
        open_tail(s, crowd.opened);
        if (crowd.opened % 50 == 0) loop_run_until(&s->world->loop, "tails", all_live, NULL);
    }
}

static void ten_thousand_tails_share_a_few_connections(void **state)
{
    world_t world, *w = &world;
    const cairn_allocator_t allocator = {measured_malloc, measured_realloc, measured_free};
    char name[32];
    world_begin(w, *state);
    assert_status(cairn_set_allocator(&allocator), 0);
    memset(&crowd, 0, sizeof crowd);
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "warm", "a");
    const unsigned before = allocated > 0 ? (unsigned)allocated : 0;
    open_tails(s);
    assert_in_range(count_connections(), 1, 4);
    for (int i = 0; i < TAILS; i += 100) {
        snprintf(name, sizeof name, "run-%d", i);
        streams_append(s, name, "a");
    }
    loop_run_until(&w->loop, "their events", all_told, NULL);
    const unsigned each = ((unsigned)allocated - before) / TAILS;
    print_message("%u bytes an idle tail\n", each);
    assert_in_range(each, 1, 1024);
    for (int i = 0; i < TAILS; i++) cairn_stream_tail_close(&crowd.tails[i], count_closed);
    loop_run_until(&w->loop, "them to close", all_closed, NULL);
    world_end(w);
    assert_status(cairn_set_allocator(NULL), 0);
}

int main(void)
{
    static const scenario_t scenarios[] = {
        SCENARIO(an_append_is_one_command),
        SCENARIO(appends_of_one_turn_to_a_stream_are_one_command),
        SCENARIO(nothing_of_a_turn_goes_behind_an_end),
        SCENARIO(appends_of_a_turn_may_be_cancelled_one_by_one),
        SCENARIO(one_that_is_on_its_way_may_be_cancelled_too),
        SCENARIO(a_large_event_is_read_by_who_follows),
        SCENARIO(so_is_everything_but_a_read),
        SCENARIO(an_idle_tail_asks_nothing),
        SCENARIO(every_key_has_a_ttl),
        SCENARIO(after_clear_nothing_is_left),
        SCENARIO(ids_of_what_has_gone_are_forgotten),
    };
    redis_start(&redis, NULL);
    streams_backend.clear = clear;
    const char *url = redis_url(&redis, NULL, NULL);
    const char *resp2 = redis_url(&redis, NULL, "?protocol=2");
    const struct CMUnitTest tests[] = {
        {"over RESP3", ten_thousand_tails_share_a_few_connections, NULL, NULL,
         (void *)(uintptr_t)url},
        {"over RESP2", ten_thousand_tails_share_a_few_connections, NULL, NULL,
         (void *)(uintptr_t)resp2},
    };
    int failures = SCENARIOS_RUN("stream: what it costs", scenarios, url);
    failures += cmocka_run_group_tests_name("stream: ten thousand tails", tests, NULL, NULL);
    redis_stop(&redis);
    return failures;
}
