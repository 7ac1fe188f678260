/* Appends that claim their positions, by plain commands: what they cost; and that they keep their
 * order, are there once and nowhere else, whatever others do to the stream in the meantime. */
#include "monitor.h"
#include "redis.h"
#include "stream_client.h"

#include <stdio.h>
#include <stdlib.h>

#define HOUR_MS (3600 * 1000)
#define KEY "langgraph:queue:{run}"

/* MULTI, XADD, PEXPIRE twice, PUBLISH, EXEC. */
#define CLAIM_COMMANDS 6

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

/* The stream "run" holds "a b c", and this handle claims what it appends next. */
static streams_client_t *open_claiming(world_t *w, const cairn_streams_options_t *options)
{
    streams_client_t *s = streams_open(w, options);
    streams_append(s, "run", "a");
    streams_append(s, "run", "b");
    streams_append(s, "run", "c");
    return s;
}

static follower_t *follow(streams_client_t *s, cairn_tail_from_t from)
{
    follower_t *f = streams_follow_from(s, "run", from);
    f->quiet = true;
    follower_await_count(f, "live", 1);
    return f;
}

#define assert_told(follower, count, expected)                                                     \
    do {                                                                                           \
        follower_await_events((follower), (count));                                                \
        assert_string_equal(text_chars(&(follower)->text), (expected));                            \
        assert_int_equal(journal_count(&(follower)->journal, "gap"), 0);                           \
    } while (0)

static streams_ask_t *append(streams_client_t *s, const char *words)
{
    streams_ask_t *ask = streams_ask(s);
    assert_status(ask_append(ask, "run", words, NULL), 0);
    return ask;
}

/* Written, and not answered, as the server is stopped. */
static streams_ask_t *append_unanswered(streams_client_t *s, const char *words)
{
    streams_ask_t *ask = append(s, words);
    loop_turns(&s->world->loop, 3);
    assert_false(streams_ask_is_done(ask));
    return ask;
}

static void assert_is_at(streams_client_t *s, size_t index, const streams_ask_t *ask)
{
    assert_true(index < s->own->position_count);
    assert_int_equal(cairn_position_cmp(s->own->positions[index], ask->position), 0);
}

/* ---- what it costs ---- */

static void a_lone_append_takes_no_script(world_t *w)
{
    monitor_t m;
    streams_client_t *s = open_claiming(w, NULL);
    follower_t *f = follow(streams_open(w, NULL), CAIRN_FROM_NEW);
    monitor_start(&m, &redis);
    for (int i = 0; i < 10; i++) streams_append(s, "run", "x");
    follower_await_events(f, 10);
    monitor_read(&m);
    assert_int_equal(m.commands, 10 * CLAIM_COMMANDS); /* and no read by who follows */
    assert_int_equal(m.trips, 10);
    assert_int_equal(m.script_calls, 0);
    monitor_stop(&m);
    assert_told(f, 10, "x x x x x x x x x x");
    assert_stream(s, "run", "a b c x x x x x x x x x x");
    assert_stream_ttl(s, "run", CAIRN_STREAM_TTL_MS);
    assert_int_equal(s->own->positions[12].low, s->own->positions[0].low + 12);
}

static void large_ones_are_read_by_who_follows(world_t *w)
{
    enum {
        LARGE = 100000
    };
    monitor_t m;
    streams_client_t *s = open_claiming(w, NULL);
    follower_t *f = follow(streams_open(w, NULL), CAIRN_FROM_NEW);
    char *data = malloc(LARGE);
    assert_non_null(data);
    memset(data, 'x', LARGE);
    const cairn_stream_entry_t large = {.event = cairn_str("m"),
                                        .data = {cairn_str(TEXT_TYPE), cairn_slice(data, LARGE)}};
    monitor_start(&m, &redis);
    assert_ends(s->own, ask_append_raw(s->own, cairn_str("run"), &large, 1, NULL), 0);
    follower_await_events(f, 1);
    monitor_read(&m);
    assert_int_equal(m.script_calls, 0);
    monitor_stop(&m);
    streams_append(s, "run", "y");
    follower_await_events(f, 2);
    assert_int_equal(cairn_position_cmp(f->position, s->own->position), 0);
    assert_int_equal(journal_count(&f->journal, "gap"), 0);
    free(data);
}

static void the_length_limit_holds(world_t *w)
{
    const cairn_streams_options_t options = {.max_events = 300};
    streams_client_t *s = open_claiming(w, &options);
    for (int i = 0; i < 400; i++) streams_append(s, "run", "x");
    assert_int_equal(streams_length(s, "run"), 300);
}

static void two_who_alternate_give_it_up(world_t *w)
{
    enum {
        EACH = 60
    };
    monitor_t m;
    streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
    follower_t *f = follow(streams_open(w, NULL), CAIRN_FROM_NEW);
    char expected[2 * EACH * 2 + 1] = "";
    streams_append(other, "warm", "o"); /* the scripts are loaded */
    monitor_start(&m, &redis);
    for (int i = 0; i < EACH; i++) {
        streams_append(s, "run", "s");
        streams_append(other, "run", "o");
        strcat(expected, i > 0 ? " s o" : "s o");
    }
    monitor_read(&m);
    assert_in_range(m.trips, 2 * EACH, 2 * EACH + 4);
    monitor_stop(&m);
    assert_told(f, 2 * EACH, expected);
    /* Alone again it goes back to claims. */
    for (int i = 0; i < 100; i++) streams_append(s, "run", "x");
    monitor_start(&m, &redis);
    streams_append(s, "run", "x");
    monitor_read(&m);
    assert_int_equal(m.commands, CLAIM_COMMANDS);
    monitor_stop(&m);
}

/* One that comes before the last is answered costs no more than a few calls. */
static void a_moments_haste_is_forgiven(world_t *w)
{
    enum {
        ROUNDS = 20,
        CALM = 20
    };
    monitor_t m;
    streams_client_t *s = open_claiming(w, NULL);
    size_t claims = 0;
    for (int i = 0; i < ROUNDS; i++) {
        redis_pause(&redis);
        streams_ask_t *one = append_unanswered(s, "x");
        streams_ask_t *two = append_unanswered(s, "x");
        redis_resume(&redis);
        streams_ask_await(one, 0);
        streams_ask_await(two, 0);
        monitor_start(&m, &redis);
        for (int k = 0; k < CALM; k++) streams_append(s, "run", "y");
        monitor_read(&m);
        claims += (m.commands - CALM) / (CLAIM_COMMANDS - 1);
        monitor_stop(&m);
    }
    assert_in_range(claims, ROUNDS * CALM * 9 / 10, ROUNDS * CALM);
}

static void so_does_who_does_not_wait_for_answers(world_t *w)
{
    monitor_t m;
    streams_client_t *s = open_claiming(w, NULL);
    char expected[16 * 4] = "a b c";
    redis_pause(&redis);
    streams_ask_t *asks[4];
    for (int i = 0; i < 4; i++) {
        asks[i] = append_unanswered(s, "x");
        strcat(expected, " x");
    }
    redis_resume(&redis);
    for (int i = 0; i < 4; i++) streams_ask_await(asks[i], 0);
    assert_stream(s, "run", expected);
    for (size_t i = 0; i < 4; i++) assert_is_at(s, 3 + i, asks[i]);
    monitor_start(&m, &redis);
    streams_append(s, "run", "y");
    monitor_read(&m);
    assert_int_equal(m.commands, 1);
    monitor_stop(&m);
}

/* ---- others append ---- */

static void a_refused_claim_is_appended_behind(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
    follower_t *old = follow(other, CAIRN_FROM_NEW);
    streams_append(other, "run", "o");
    follower_t *young = follow(streams_open(w, NULL), CAIRN_FROM_NEW);
    follower_t *all = follow(streams_open(w, NULL), CAIRN_FROM_ALL);
    streams_append(s, "run", "x");
    const cairn_position_t at = s->own->position;
    assert_stream(s, "run", "a b c o x");
    assert_int_equal(cairn_position_cmp(s->own->positions[4], at), 0);
    assert_told(old, 2, "o x");
    assert_told(young, 1, "x");
    assert_told(all, 5, "a b c o x");
}

static void who_begins_to_follow_then_sees_no_ghost(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
    streams_client_t *reader = streams_open(w, NULL);
    streams_append(other, "run", "o");
    streams_length(reader, "run");
    redis_pause(&redis);
    streams_ask_t *ask = append_unanswered(s, "x");
    follower_t *f = streams_follow_from(reader, "run", CAIRN_FROM_ALL);
    loop_turns(&w->loop, 3);
    redis_resume(&redis);
    streams_ask_await(ask, 0);
    streams_append(s, "run", "y");
    f->quiet = true;
    assert_told(f, 6, "a b c o x y");
}

static void none_overtakes_a_refused_claim(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
    follower_t *f = follow(streams_open(w, NULL), CAIRN_FROM_NEW);
    streams_append(other, "run", "o");
    redis_pause(&redis);
    streams_ask_t *x = append_unanswered(s, "x");
    streams_ask_t *y = append_unanswered(s, "y");
    streams_ask_t *z = append_unanswered(s, "z#id");
    redis_resume(&redis);
    streams_ask_await(x, 0);
    streams_ask_await(y, 0);
    streams_ask_await(z, 0);
    assert_stream(s, "run", "a b c o x y z#id");
    assert_is_at(s, 4, x);
    assert_is_at(s, 5, y);
    assert_is_at(s, 6, z);
    assert_told(f, 4, "o x y z#id");
}

/* The same words, at the same position. */
static void the_event_of_another_is_not_taken_for_ones_own(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
    streams_append(other, "run", "x");
    redis_pause(&redis);
    streams_ask_t *x = append_unanswered(s, "x");
    streams_ask_t *y = append_unanswered(s, "y");
    redis_resume(&redis);
    streams_ask_await(x, 0);
    streams_ask_await(y, 0);
    assert_stream(s, "run", "a b c x x y");
    assert_is_at(s, 4, x);
}

static void a_script_that_is_not_known_changes_no_order(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
    streams_append(other, "run", "o");
    redis_ask(&redis, "SCRIPT FLUSH");
    redis_pause(&redis);
    streams_ask_t *x = append_unanswered(s, "x");
    streams_ask_t *y = append_unanswered(s, "y");
    redis_resume(&redis);
    streams_ask_await(x, 0);
    streams_ask_await(y, 0);
    assert_stream(s, "run", "a b c o x y");
}

/* ---- others end it ---- */

static void set_up_to_end(streams_client_t *other, int64_t ttl_ms)
{
    const cairn_stream_append_options_t options = {.ttl = cairn_ttl_ms(ttl_ms)};
    assert_ends(other->own, ask_append(other->own, "run", "END", &options), 0);
}

static void behind_an_end_a_claim_is_refused(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
    follower_t *f = follow(streams_open(w, NULL), CAIRN_FROM_NEW);
    set_up_to_end(other, 9 * HOUR_MS);
    assert_ends(s->own, ask_append(s->own, "run", "x", NULL), UV_EPIPE);
    assert_stream(s, "run", "a b c END");
    assert_stream_ttl(s, "run", 9 * HOUR_MS);
    assert_told(f, 1, "END");
    follower_await_count(f, "ended", 1);
}

static void its_ttl_is_what_it_ended_with(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
    set_up_to_end(other, CAIRN_TTL_PERSIST);
    redis_pause(&redis);
    streams_ask_t *x = append_unanswered(s, "x");
    streams_ask_t *y = append_unanswered(s, "y");
    redis_resume(&redis);
    streams_ask_await(x, UV_EPIPE);
    streams_ask_await(y, UV_EPIPE);
    assert_stream(s, "run", "a b c END");
    assert_int_equal(streams_ttl(s, "run"), CAIRN_TTL_PERSIST);
}

static void or_was_given_later(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
    set_up_to_end(other, 9 * HOUR_MS);
    assert_int_equal(streams_set_ttl(other, "run", 5 * HOUR_MS), 5 * HOUR_MS);
    assert_ends(s->own, ask_append(s->own, "run", "x", NULL), UV_EPIPE);
    assert_stream_ttl(s, "run", 5 * HOUR_MS);
}

static void or_as_a_copy(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
    streams_append(other, "source", "a b c d e f g END");
    streams_clear(other, "run");
    assert_int_equal(streams_copy(other, "source", "run", cairn_ttl_ms(9 * HOUR_MS)), 8);
    assert_ends(s->own, ask_append(s->own, "run", "x", NULL), UV_EPIPE);
    assert_stream_ttl(s, "run", 9 * HOUR_MS);
    assert_stream(s, "run", "a b c d e f g END");
}

static void an_end_does_not_overtake_a_claim(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
    streams_append(other, "run", "o");
    redis_pause(&redis);
    streams_ask_t *x = append_unanswered(s, "x");
    streams_ask_t *end = append_unanswered(s, "END");
    redis_resume(&redis);
    streams_ask_await(x, 0);
    streams_ask_await(end, 0);
    assert_stream(s, "run", "a b c o x END");
}

/* ---- others clear it, or it expires ---- */

static void where_it_was_cleared_it_begins_anew(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
    const cairn_position_t before = s->own->position;
    follower_t *f = follow(streams_open(w, NULL), CAIRN_FROM_NEW);
    streams_clear(other, "run");
    follower_await_count(f, "cleared", 1);
    streams_append(s, "run", "x");
    streams_append(s, "run", "y");
    assert_told(f, 2, "x y");
    assert_stream(s, "run", "x y");
    assert_stream_ttl(s, "run", CAIRN_STREAM_TTL_MS);
    assert_true(cairn_position_cmp(s->own->positions[0], before) > 0);
    streams_read(s, "run", (cairn_stream_range_t){.after = before});
    assert_int_equal(s->own->lost, 0);
    assert_told(follow(other, CAIRN_FROM_ALL), 2, "x y");
}

static void where_it_has_gone_too(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL);
    follower_t *f = follow(streams_open(w, NULL), CAIRN_FROM_NEW);
    redis_ask(&redis, "DEL " KEY);
    streams_append(s, "run", "x");
    streams_append(s, "run", "y");
    assert_told(f, 2, "x y");
    assert_stream(s, "run", "x y");
    assert_stream_ttl(s, "run", CAIRN_STREAM_TTL_MS);
}

static void a_clear_does_not_overtake_a_claim(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
    streams_append(other, "run", "o");
    redis_pause(&redis);
    streams_ask_t *x = append_unanswered(s, "x");
    streams_ask_t *all = streams_ask(s);
    assert_status(ask_clear(all, "run"), 0);
    redis_resume(&redis);
    streams_ask_await(x, 0);
    streams_ask_await(all, 0);
    assert_int_equal(all->count, 5);
    assert_false(streams_exists(s, "run"));
}

/* ---- groups ---- */

static void where_there_is_a_group_its_keys_live_on(world_t *w)
{
    static const cairn_group_options_t all = {.from = CAIRN_FROM_ALL};
    monitor_t m;
    streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
    assert_int_equal(group_create(other, &all), 1);
    assert_string_equal(group_read(other, "one", 1), "a:1");
    group_nak(other, 0, 1, HOUR_MS);
    redis_ask(&redis, "PEXPIRE " KEY " 60000");
    redis_ask(&redis, "PEXPIRE langgraph:queue_more:{run} 60000");
    redis_ask(&redis, "PEXPIRE langgraph:queue_naks:{run}:g 60000");
    streams_append(s, "run", "x");
    streams_length(s, "run"); /* behind all that the append has caused */
    assert_stream_ttl(s, "run", CAIRN_STREAM_TTL_MS);
    assert_in_range(strtol(redis_ask(&redis, "PTTL langgraph:queue_more:{run}"), NULL, 10), 200000,
                    CAIRN_STREAM_TTL_MS);
    assert_in_range(strtol(redis_ask(&redis, "PTTL langgraph:queue_naks:{run}:g"), NULL, 10),
                    200000, CAIRN_STREAM_TTL_MS);
    assert_string_equal(group_read(other, "one", 9), "b:1 c:1 x:1");
    monitor_start(&m, &redis);
    streams_append(s, "run", "y");
    monitor_read(&m);
    assert_int_equal(m.commands, 1);
    monitor_stop(&m);
}

static void a_claim_wakes_who_waits(world_t *w)
{
    static const cairn_group_options_t new = {.from = CAIRN_FROM_NEW};
    streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
    assert_int_equal(group_create(other, &new), 1);
    streams_ask_t *read = streams_ask(other);
    assert_status(ask_group_read(read, "run", "g", "one", 5, 5000), 0);
    streams_length(other, "run");
    streams_append(s, "run", "x");
    streams_ask_await(read, 0);
    assert_string_equal(text_chars(&read->text), "x:1");
}

/* ---- all at random ---- */

enum {
    HANDLES = 3,
    STEPS = 200
};

typedef struct crowd {
    streams_client_t *clients[HANDLES];
    streams_ask_t *asks[STEPS];
    unsigned appended[HANDLES];
    unsigned seed;
} crowd_t;

static unsigned pick(crowd_t *crowd, unsigned below)
{
    crowd->seed = crowd->seed * 1664525u + 1013904223u;
    return (crowd->seed >> 16) % below;
}

static void append_some(crowd_t *crowd, world_t *w)
{
    unsigned who = 0;
    for (int i = 0; i < STEPS; i++) {
        char words[32];
        if (pick(crowd, 3) == 0) who = pick(crowd, HANDLES);
        snprintf(words, sizeof words, "%u-%u", who, crowd->appended[who]++);
        crowd->asks[i] = streams_ask(crowd->clients[who]);
        assert_status(ask_append(crowd->asks[i], "run", words, NULL), 0);
        switch (pick(crowd, 4)) {
        case 0:
            break;
        case 1:
            loop_turns(&w->loop, 1);
            break;
        default:
            streams_ask_await(crowd->asks[i], 0);
        }
    }
    for (int i = 0; i < STEPS; i++) streams_ask_await(crowd->asks[i], 0);
}

/* Each handle's are there, once and in order. */
static void check_words(const char *words)
{
    unsigned next[HANDLES] = {0}, count = 0;
    for (int len = 0; *words; words += len, count++) {
        unsigned who, number;
        assert_int_equal(sscanf(words, "%u-%u %n", &who, &number, &len), 2);
        assert_true(who < HANDLES);
        assert_int_equal(number, next[who]++);
        if (len == 0) break;
    }
    assert_in_range(count, STEPS - 1, STEPS);
    assert_int_equal(next[0] + next[1] + next[2], STEPS);
}

static void whoever_appends_all_is_there_once_and_in_order(world_t *w)
{
    for (unsigned seed = 1; seed <= 8; seed++) {
        crowd_t crowd = {.seed = seed};
        clear();
        for (int i = 0; i < HANDLES; i++) crowd.clients[i] = streams_open(w, NULL);
        follower_t *f = streams_follow_from(streams_open(w, NULL), "run", CAIRN_FROM_ALL);
        f->quiet = true;
        append_some(&crowd, w);
        follower_await_events(f, STEPS);
        check_words(text_chars(&f->text));
        assert_stream(crowd.clients[0], "run", text_chars(&f->text));
        assert_int_equal(journal_count(&f->journal, "gap"), 0);
        follower_close(f);
    }
}

/* ---- the server refuses ---- */

static void what_is_no_stream_is_an_error(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL);
    redis_ask(&redis, "DEL " KEY);
    redis_ask(&redis, "SET " KEY " text");
    assert_ends(s->own, ask_append(s->own, "run", "x", NULL), CAIRN_ESERVER);
    assert_ends(s->own, ask_append(s->own, "run", "x", NULL), CAIRN_ESERVER);
    redis_ask(&redis, "DEL " KEY);
    streams_append(s, "run", "y");
    assert_stream(s, "run", "y");
}

static void without_memory_nothing_is_done(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL);
    follower_t *f = follow(streams_open(w, NULL), CAIRN_FROM_NEW);
    redis_ask(&redis, "CONFIG SET maxmemory 1");
    s->own->flags = CAIRN_REQ_NO_RETRY;
    int accepted = ask_append(s->own, "run", "no", NULL);
    if (accepted == 0) streams_ask_await(s->own, CAIRN_EOOM);
    s->own->flags = 0;
    streams_ask_t *plain = streams_ask(s);
    accepted |= ask_append(plain, "run", "no", NULL);
    if (accepted == 0) streams_ask_await(plain, CAIRN_EOOM);
    redis_ask(&redis, "CONFIG SET maxmemory 0");
    assert_status(accepted, 0);
    streams_append(s, "run", "x");
    assert_told(f, 1, "x");
    assert_stream(s, "run", "a b c x");
}

static void what_is_refused_as_a_whole_is_not_made_good(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL);
    redis_ask(&redis, "ACL SETUSER default -pexpire");
    redis_pause(&redis);
    streams_ask_t *x = append_unanswered(s, "x");
    streams_ask_t *length = streams_ask(s);
    assert_status(ask_length(length, "run"), 0);
    redis_resume(&redis);
    streams_ask_await(x, CAIRN_EDENIED);
    streams_ask_await(length, 0);
    redis_ask(&redis, "ACL SETUSER default +pexpire");
    assert_int_equal(length->count, 3);
    assert_stream(s, "run", "a b c");
}

static void a_link_that_is_lost_leaves_it_in_doubt(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
    streams_append(other, "run", "o");
    redis_pause(&redis);
    streams_ask_t *x = append_unanswered(s, "x");
    streams_ask_t *y = append_unanswered(s, "y");
    redis_restart(&redis);
    streams_ask_await(x, CAIRN_EMAYBE);
    streams_ask_await(y, CAIRN_EMAYBE);
    streams_append(s, "run", "z");
    streams_append(s, "run", "z");
    streams_append(s, "run", "z");
    assert_stream(s, "run", "z z z");
}

/* ---- nobody waits ---- */

static void cancel(streams_ask_t *ask)
{
    world_t *w = ask->client->world;
    bool outer = world_call(w);
    assert_status(cairn_cancel(&ask->of.req), 0);
    world_return(w, outer);
    streams_ask_await(ask, UV_ECANCELED);
}

static void a_claim_may_be_cancelled(world_t *w)
{
    for (int behind = 0; behind < 2; behind++) {
        for (int refused = 0; refused < 2; refused++) {
            redis_ask(&redis, "FLUSHALL");
            streams_client_t *s = open_claiming(w, NULL), *other = streams_open(w, NULL);
            if (refused) streams_append(other, "run", "o");
            redis_pause(&redis);
            streams_ask_t *x = append_unanswered(s, "x");
            streams_ask_t *y = behind ? append_unanswered(s, "y") : NULL;
            cancel(x);
            redis_resume(&redis);
            if (y) streams_ask_await(y, 0);
            streams_append(s, "run", "z");
            static const char *const expected[2][2] = {{"a b c x z", "a b c o z"},
                                                       {"a b c x y z", "a b c o x y z"}};
            assert_stream(s, "run", expected[behind][refused]);
        }
    }
}

static void behind_a_cancelled_claim_order_is_kept(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL);
    redis_pause(&redis);
    cancel(append_unanswered(s, "x"));
    streams_ask_t *y = append_unanswered(s, "y");
    streams_ask_t *z = append_unanswered(s, "z");
    redis_resume(&redis);
    streams_ask_await(y, 0);
    streams_ask_await(z, 0);
    assert_stream(s, "run", "a b c x y z");
}

/* ---- over one connection ---- */

static void who_follows_on_the_same_handle_sees_them_too(world_t *w)
{
    streams_client_t *s = open_claiming(w, NULL);
    follower_t *f = follow(s, CAIRN_FROM_NEW);
    for (int i = 0; i < 5; i++) streams_append(s, "run", "x");
    assert_told(f, 5, "x x x x x");
    probe_t *all = client_probe(s->client);
    assert_status(probe_try_pattern(all, cairn_str("*"), NULL), 0);
    probe_await(all, "subscribed");
    streams_append(s, "run", "y");
    assert_told(f, 6, "x x x x x y");
    assert_int_equal(all->messages, 0);
}

int main(void)
{
    static const scenario_t scenarios[] = {
        SCENARIO(a_lone_append_takes_no_script),
        SCENARIO(large_ones_are_read_by_who_follows),
        SCENARIO(the_length_limit_holds),
        SCENARIO(two_who_alternate_give_it_up),
        SCENARIO(so_does_who_does_not_wait_for_answers),
        SCENARIO(a_moments_haste_is_forgiven),
        SCENARIO(a_refused_claim_is_appended_behind),
        SCENARIO(who_begins_to_follow_then_sees_no_ghost),
        SCENARIO(none_overtakes_a_refused_claim),
        SCENARIO(the_event_of_another_is_not_taken_for_ones_own),
        SCENARIO(a_script_that_is_not_known_changes_no_order),
        SCENARIO(behind_an_end_a_claim_is_refused),
        SCENARIO(its_ttl_is_what_it_ended_with),
        SCENARIO(or_was_given_later),
        SCENARIO(or_as_a_copy),
        SCENARIO(an_end_does_not_overtake_a_claim),
        SCENARIO(where_it_was_cleared_it_begins_anew),
        SCENARIO(where_it_has_gone_too),
        SCENARIO(a_clear_does_not_overtake_a_claim),
        SCENARIO(where_there_is_a_group_its_keys_live_on),
        SCENARIO(a_claim_wakes_who_waits),
        SCENARIO(whoever_appends_all_is_there_once_and_in_order),
        SCENARIO(what_is_no_stream_is_an_error),
        SCENARIO(without_memory_nothing_is_done),
        SCENARIO(what_is_refused_as_a_whole_is_not_made_good),
        SCENARIO(a_link_that_is_lost_leaves_it_in_doubt),
        SCENARIO(a_claim_may_be_cancelled),
        SCENARIO(behind_a_cancelled_claim_order_is_kept),
        SCENARIO(who_follows_on_the_same_handle_sees_them_too),
    };
    redis_start(&redis, NULL);
    if (!redis_is_at_least(&redis, 7, 0)) {
        print_message("this server gives events no numbers\n");
        redis_stop(&redis);
        return 0;
    }
    streams_backend.clear = clear;
    int failures = SCENARIOS_RUN("stream: claims, RESP3", scenarios, redis_url(&redis, NULL, NULL));
    failures +=
        SCENARIOS_RUN("stream: claims, RESP2", scenarios, redis_url(&redis, NULL, "?protocol=2"));
    failures += SCENARIOS_RUN("stream: claims, pool", scenarios,
                              redis_url(&redis, NULL, "?max_connections=4&spread_after=1"));
    redis_stop(&redis);
    return failures;
}
