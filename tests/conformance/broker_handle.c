/* The handle: states, events, capabilities, counters. */
#include "broker_suite.h"

#include <cairn/stream.h>

static void open_connects_in_the_background(world_t *w)
{
    client_t *c = world_client(w);
    assert_int_equal(cairn_state(&c->cairn), CAIRN_CLOSED);
    client_open(c, NULL);
    assert_int_equal(cairn_state(&c->cairn), CAIRN_OPENING);
    assert_int_equal(c->journal.count, 0);
    client_await(c, "connected");
    assert_int_equal(cairn_state(&c->cairn), CAIRN_READY);
}

static void close_when_connected(client_t *c, const char *line)
{
    if (strcmp(line, "connected") != 0) return;
    c->data = cairn_state(&c->cairn) == CAIRN_READY ? c : NULL;
    client_close(c);
}

static void the_state_is_ready_inside_the_connected_event_and_closing_after_close(world_t *w)
{
    client_t *c = world_client(w);
    c->react = close_when_connected;
    client_open(c, NULL);
    client_await_count(c, "connected", 1);
    assert_ptr_equal(c->data, c);
    assert_true(cairn_state(&c->cairn) == CAIRN_CLOSING || !c->open);
    client_await(c, "connected", "closed");
    assert_int_equal(cairn_state(&c->cairn), CAIRN_CLOSED);
}

static void a_handle_without_callbacks_works(world_t *w)
{
    client_t *c = world_client(w);
    c->cairn.on_event = NULL;
    client_open(c, NULL);
    pub_t *pub = client_publish(c, "news", "hello");
    pub_await(pub, 0);
}

static void opening_an_open_handle_is_refused(world_t *w)
{
    client_t *c = world_open(w, NULL);
    assert_status(client_try_open(c, NULL), UV_EBUSY);
    assert_int_equal(c->error.code, UV_EBUSY);
    assert_int_not_equal(c->error.text[0], '\0');
    client_await(c, "connected");
    client_close(c);
    assert_status(client_try_open(c, NULL), UV_EBUSY);
    client_await(c, "connected", "closed");
}

static void a_failed_open_leaves_nothing_behind(world_t *w)
{
    client_t *c = world_client(w);
    cairn_error_t error;
    assert_status(cairn_open_url(&c->cairn, &w->loop, "nonsense://host", &error), CAIRN_ESCHEME);
    assert_int_equal(error.code, CAIRN_ESCHEME);
    assert_status(cairn_open_url(&c->cairn, &w->loop, "memory:?bogus=1", NULL), CAIRN_EOPTION);
    assert_int_equal(cairn_state(&c->cairn), CAIRN_CLOSED);
    assert_false(uv_loop_alive(&w->loop));
    client_open(c, NULL);
    client_await(c, "connected");
}

static void an_open_handle_keeps_its_loop_alive(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    loop_turns(&w->loop, 3);
    assert_true(uv_loop_alive(&w->loop));
    client_close(c);
    client_await_closed(c);
    loop_turns(&w->loop, 3);
    assert_false(uv_loop_alive(&w->loop));
}

static void capabilities_tell_what_can_be_asked(world_t *w)
{
    client_t *c = world_open(w, NULL);
    uint64_t topics = CAIRN_CAP_TOPICS | CAIRN_CAP_PATTERNS;
    assert_int_equal(cairn_capabilities(&c->cairn) & topics, topics);
    client_await(c, "connected");
    uint64_t found = cairn_capabilities(&c->cairn);
    assert_int_equal(found & topics, topics);
    if (found & CAIRN_CAP_STORE_VECTORS) assert_true(found & CAIRN_CAP_STORE);
    if (found & CAIRN_CAP_STREAM_GROUPS) assert_true(found & CAIRN_CAP_STREAMS);
}

static void must_not_run(cairn_stream_count_t *req, int status, uint64_t events)
{
    (void)status;
    (void)events;
    world_t *w = req->req.data;
    world_trouble(w, "what was refused calls back");
}

static void what_a_backend_cannot_do_it_refuses(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    cairn_streams_t streams;
    cairn_stream_count_t req;
    memset(&req, 0, sizeof req);
    req.req.data = w;
    assert_status(cairn_streams_init(&streams, &c->cairn, NULL), 0);
    if (cairn_capabilities(&c->cairn) & CAIRN_CAP_STREAMS) return;
    assert_status(cairn_stream_length(&streams, &req, cairn_str("run"), must_not_run), UV_ENOTSUP);
    assert_false(cairn_is_active(&req.req));
    assert_int_equal(client_stats(c).requests, 0);
    client_fence(c);
}

static void the_server_is_named_once_connected(world_t *w)
{
    client_t *c = world_open(w, NULL);
    assert_string_equal(cairn_server(&c->cairn), "");
    client_await(c, "connected");
    const char *space = strchr(cairn_server(&c->cairn), ' ');
    assert_non_null(space);
    assert_true(space[1] >= '0' && space[1] <= '9');
}

static void counters_follow_what_happens(world_t *w)
{
    client_t *c = world_open(w, NULL);
    assert_int_equal(client_stats(c).requests, 0);
    probe_t *probe = client_subscribed(c, "news", NULL);
    pub_t *pub = client_publish(c, "news", "hello");
    assert_int_equal(client_stats(c).requests, 1);
    assert_int_equal(client_stats(c).inflight, 1);
    pub_await(pub, 0);
    probe_await(probe, "subscribed", "message hello");

    cairn_stats_t stats = client_stats(c);
    assert_int_equal(stats.completed, 1);
    assert_int_equal(stats.failed, 0);
    assert_int_equal(stats.inflight, 0);
    assert_int_equal(stats.delivered, 1);
    assert_int_equal(stats.dropped, 0);

    pub_t *canceled = client_publish(c, "news", "bye");
    assert_status(pub_cancel(canceled), 0);
    pub_await(canceled, UV_ECANCELED);
    stats = client_stats(c);
    assert_int_equal(stats.requests, 2);
    assert_int_equal(stats.failed, 1);
    assert_int_equal(stats.canceled, 1);
}

static void a_refused_submit_is_not_counted(world_t *w)
{
    client_t *c = world_open(w, NULL);
    pub_t *pub = client_request(c);
    assert_status(pub_try(pub, cairn_str(""), cairn_str("x")), UV_EINVAL);
    assert_int_equal(client_stats(c).requests, 0);
    assert_int_equal(client_stats(c).failed, 0);
}

static void counters_of_a_closed_handle_are_zero(world_t *w)
{
    client_t *c = world_open(w, NULL);
    pub_await(client_publish(c, "news", "hello"), 0);
    client_close(c);
    client_await_closed(c);
    cairn_stats_t zero;
    memset(&zero, 0, sizeof zero);
    cairn_stats_t stats = client_stats(c);
    assert_memory_equal(&stats, &zero, sizeof stats);
}

static void handles_see_each_others_topics_if_shared_and_only_then(world_t *w)
{
    client_t *one = world_open(w, NULL);
    client_t *two = world_open(w, NULL);
    client_await(one, "connected");
    client_await(two, "connected");
    bool shared = cairn_capabilities(&one->cairn) & CAIRN_CAP_SHARED;
    probe_t *probe = client_subscribed(one, "news", NULL);
    pub_await(client_publish(two, "news", "from two"), 0);
    pub_await(client_publish(one, "news", "from one"), 0);
    if (shared)
        probe_await(probe, "subscribed", "message from two", "message from one");
    else
        probe_await(probe, "subscribed", "message from one");
}

const scenario_t broker_handle_scenarios[] = {
    SCENARIO(open_connects_in_the_background),
    SCENARIO(the_state_is_ready_inside_the_connected_event_and_closing_after_close),
    SCENARIO(a_handle_without_callbacks_works),
    SCENARIO(opening_an_open_handle_is_refused),
    SCENARIO(a_failed_open_leaves_nothing_behind),
    SCENARIO(an_open_handle_keeps_its_loop_alive),
    SCENARIO(capabilities_tell_what_can_be_asked),
    SCENARIO(what_a_backend_cannot_do_it_refuses),
    SCENARIO(the_server_is_named_once_connected),
    SCENARIO(counters_follow_what_happens),
    SCENARIO(a_refused_submit_is_not_counted),
    SCENARIO(counters_of_a_closed_handle_are_zero),
    SCENARIO(handles_see_each_others_topics_if_shared_and_only_then),
    {NULL, NULL},
};
