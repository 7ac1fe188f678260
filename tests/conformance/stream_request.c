/* cairn/request.h and cairn/stream.h: the laws of requests, as they hold for those of streams. */
#include "stream_suite.h"

#include <stdio.h>

static void the_backend_says_that_it_can(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    client_await(s->client, "connected");
    uint64_t wanted = CAIRN_CAP_STREAMS | CAIRN_CAP_STREAM_GROUPS | CAIRN_CAP_STREAMS_ATOMIC;
    assert_int_equal(cairn_capabilities(&s->client->cairn) & wanted, wanted);
}

static void requests_made_before_the_connect_wait_for_it(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    assert_int_equal(cairn_state(&s->client->cairn), CAIRN_OPENING);
    streams_append(s, "run", "a");
    assert_stream(s, "run", "a");
}

static void a_request_in_flight_is_busy(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_ask_t *ask = streams_ask(s);
    assert_status(ask_append(ask, "run", "a", NULL), 0);
    assert_true(cairn_is_active(&ask->of.req));
    assert_status(ask_append(ask, "run", "b", NULL), UV_EBUSY);
    streams_ask_await(ask, 0);
    assert_false(cairn_is_active(&ask->of.req));
    assert_stream(s, "run", "a");
}

static void append_again(streams_ask_t *ask)
{
    int *left = ask->data;
    if (--*left > 0 && ask_append(ask, "run", "a", NULL) != 0)
        world_trouble(ask->client->world, "a submit in a callback was refused");
}

static void a_request_may_be_submitted_again_in_its_callback(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_ask_t *ask = streams_ask(s);
    int left = 5;
    ask->react = append_again;
    ask->data = &left;
    assert_ends(ask, ask_append(ask, "run", "a", NULL), 0);
    assert_int_equal(streams_length(s, "run"), 5);
}

enum {
    KINDS = 17
};

static int submit_kind(streams_ask_t *ask, int kind)
{
    static const cairn_position_t position = {1, 1};
    static const cairn_group_options_t new_group;
    switch (kind) {
    case 0:
        return ask_append(ask, "run", "a", NULL);
    case 1:
        return ask_end_run(ask, "two", "");
    case 2:
        return ask_error_run(ask, "three", "");
    case 3:
        return ask_cancel_run(ask, "four", "");
    case 4:
        return ask_read(ask, cairn_str("run"), NULL);
    case 5:
        return ask_length(ask, "run");
    case 6:
        return ask_exists(ask, "run");
    case 7:
        return ask_clear(ask, "run");
    case 8:
        return ask_copy_stream(ask, "run", "copy", (cairn_ttl_t){0});
    case 9:
        return ask_info(ask, "run");
    case 10:
        return ask_stream_ttl(ask, "run");
    case 11:
        return ask_set_stream_ttl(ask, "run", cairn_ttl_ms(1000));
    case 12:
        return ask_group_create(ask, "run", "g", &new_group);
    case 13:
        return ask_group_ack(ask, "run", "g", &position, 1);
    case 14:
        return ask_group_nak(ask, "run", "g", &position, 1, 0);
    case 15:
        return ask_group_read(ask, "run", "g", "one", 1, 1000);
    default:
        return ask_group_info(ask, "run", "g");
    }
}

static void every_request_can_be_cancelled(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b");
    group_create(s, NULL);
    streams_ask_t *asks[KINDS];
    for (int i = 0; i < KINDS; i++) {
        asks[i] = streams_ask(s);
        assert_status(submit_kind(asks[i], i), 0);
        bool outer = world_call(w);
        assert_status(cairn_cancel(&asks[i]->of.req), 0);
        assert_status(cairn_cancel(&asks[i]->of.req), UV_EALREADY);
        world_return(w, outer);
    }
    for (int i = 0; i < KINDS; i++) streams_ask_await(asks[i], UV_ECANCELED);
}

static void a_close_ends_every_request(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    streams_append(s, "run", "a b");
    group_create(s, NULL);
    streams_ask_t *asks[KINDS];
    for (int i = 0; i < KINDS; i++) {
        asks[i] = streams_ask(s);
        assert_status(submit_kind(asks[i], i), 0);
    }
    client_close(s->client);
    client_await_closed(s->client);
    for (int i = 0; i < KINDS; i++) streams_ask_await(asks[i], UV_ECANCELED);
    for (int i = 0; i < KINDS; i++) assert_status(submit_kind(asks[i], i), CAIRN_ECLOSED);
}

static bool is_over(void *req)
{
    return !cairn_is_active(req);
}

static void a_callback_may_be_null(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    cairn_stream_append_t append;
    memset(&append, 0, sizeof append);
    cairn_stream_entry_t entry = {.event = cairn_str("m"),
                                  .data = {cairn_str(TEXT_TYPE), cairn_str("a")}};
    assert_status(
        cairn_stream_append(&s->streams, &append, cairn_str("run"), &entry, 1, NULL, NULL), 0);
    loop_run_until(&w->loop, "the append's end", is_over, &append.req);
    assert_stream(s, "run", "a");
}

static void an_open_tail_or_watch_is_busy(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    follower_t *f = streams_follow(s, "run", NULL);
    watcher_t *watcher = streams_watch(s, "run");
    assert_status(follower_try(f, cairn_str("run"), NULL), UV_EBUSY);
    assert_status(watcher_try(watcher, cairn_str("run")), UV_EBUSY);
    follower_close(f);
    assert_status(follower_try(f, cairn_str("run"), NULL), UV_EBUSY);
    follower_await(f, "closed");
    assert_status(follower_try(f, cairn_str("run"), NULL), 0);
}

static void two_handles_follow_what_one_of_them_appends(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    client_await(s->client, "connected");
    if (!(cairn_capabilities(&s->client->cairn) & CAIRN_CAP_SHARED)) return;
    streams_client_t *other = streams_open(w, NULL);
    follower_t *f = streams_follow(other, "run", NULL);
    watcher_t *watcher = streams_watch(other, "run");
    follower_await(f, "live");
    streams_append(s, "run", "a b");
    streams_append(other, "run", "c");
    streams_append(s, "run", "CANCEL");
    follower_await(f, "live", "event a", "event b", "event c", "event CANCEL", "ended");
    watcher_await(watcher, "cancelled CANCEL");
}

const scenario_t stream_request_scenarios[] = {
    SCENARIO(the_backend_says_that_it_can),
    SCENARIO(requests_made_before_the_connect_wait_for_it),
    SCENARIO(a_request_in_flight_is_busy),
    SCENARIO(a_request_may_be_submitted_again_in_its_callback),
    SCENARIO(every_request_can_be_cancelled),
    SCENARIO(a_close_ends_every_request),
    SCENARIO(a_callback_may_be_null),
    SCENARIO(an_open_tail_or_watch_is_busy),
    SCENARIO(two_handles_follow_what_one_of_them_appends),
    {NULL, NULL},
};
