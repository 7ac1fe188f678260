/* The laws of requests, shown on publish: silence, once, never inside, cancel. */
#include "broker_suite.h"

#include <stdlib.h>

static void the_callback_comes_later_and_once(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    pub_t *pub = client_publish(c, "news", "hello");
    assert_int_equal(pub->calls, 0);
    assert_true(cairn_is_active(&pub->publish.req));
    pub_await(pub, 0);
    assert_false(cairn_is_active(&pub->publish.req));
    assert_string_equal(pub->detail, "");
    client_fence(c);
    assert_int_equal(pub->calls, 1);
}

static void a_request_in_flight_is_refused_and_still_ends_once(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    pub_t *pub = client_publish(c, "news", "first");
    assert_status(pub_try(pub, probe->name, cairn_str("second")), UV_EBUSY);
    pub_await(pub, 0);
    client_fence(c);
    assert_int_equal(pub->calls, 1);
    probe_await(probe, "subscribed", "message first");
    assert_int_equal(probe->messages, 1);
}

static void a_refused_request_is_usable_afterwards(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    pub_t *pub = client_request(c);
    assert_status(pub_try(pub, cairn_str(""), cairn_str("x")), UV_EINVAL);
    assert_status(pub_try(pub, probe->name, cairn_str("hello")), 0);
    pub_await(pub, 0);
    assert_string_equal(pub->detail, "");
    probe_await(probe, "subscribed", "message hello");
}

static void a_handle_that_is_not_open_refuses(world_t *w)
{
    client_t *c = world_client(w);
    pub_t *pub = client_request(c);
    probe_t *probe = client_probe(c);
    assert_status(pub_try(pub, cairn_str("news"), cairn_str("x")), CAIRN_ECLOSED);
    assert_status(probe_try(probe, cairn_str("news"), NULL), CAIRN_ECLOSED);

    client_open(c, NULL);
    client_close(c);
    assert_status(pub_try(pub, cairn_str("news"), cairn_str("x")), CAIRN_ECLOSED);
    assert_status(probe_try(probe, cairn_str("news"), NULL), CAIRN_ECLOSED);
    assert_status(probe_try_pattern(probe, cairn_str("news*"), NULL), CAIRN_ECLOSED);

    client_await_closed(c);
    assert_status(pub_try(pub, cairn_str("news"), cairn_str("x")), CAIRN_ECLOSED);
    assert_status(probe_try(probe, cairn_str("news"), NULL), CAIRN_ECLOSED);
    assert_int_equal(pub->calls, 0);
}

static void free_request(cairn_broker_publish_t *req, int status, int64_t receivers)
{
    (void)status;
    (void)receivers;
    int *left = req->req.data;
    memset(req, 0xa5, sizeof *req);
    free(req);
    --*left;
}

static bool is_zero(void *ctx)
{
    return *(int *)ctx == 0;
}

static void a_request_may_be_freed_in_its_callback(world_t *w)
{
    client_t *c = world_open(w, NULL);
    int left = 10;
    for (int i = 0; i < 10; i++) {
        cairn_broker_publish_t *req = calloc(1, sizeof *req);
        assert_non_null(req);
        req->req.data = &left;
        assert_status(cairn_broker_publish(&c->broker, req, cairn_str("news"), cairn_str("hello"),
                                           free_request),
                      0);
        if (i >= 5) assert_status(cairn_cancel(&req->req), 0);
    }
    loop_run_until(&w->loop, "ten callbacks", is_zero, &left);
}

static void cancel_ends_a_request_later_and_once(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    pub_t *pub = client_publish(c, "news", "hello");
    assert_status(pub_cancel(pub), 0);
    assert_int_equal(pub->calls, 0);
    assert_true(cairn_is_active(&pub->publish.req));
    pub_await(pub, UV_ECANCELED);
    assert_int_equal(pub->receivers, -1);
    client_fence(c);
    assert_int_equal(pub->calls, 1);
}

static void cancel_of_what_is_not_in_flight_says_so(world_t *w)
{
    client_t *c = world_open(w, NULL);
    pub_t *pub = client_request(c);
    assert_status(pub_cancel(pub), UV_EALREADY);
    pub_again(pub, "news", "hello");
    pub_await(pub, 0);
    assert_status(pub_cancel(pub), UV_EALREADY);
    assert_int_equal(pub->calls, 1);
}

static void cancel_twice_calls_back_once(world_t *w)
{
    client_t *c = world_open(w, NULL);
    pub_t *pub = client_publish(c, "news", "hello");
    assert_status(pub_cancel(pub), 0);
    int second = pub_cancel(pub);
    assert_true(second == 0 || second == UV_EALREADY);
    pub_await(pub, UV_ECANCELED);
    assert_status(pub_cancel(pub), UV_EALREADY);
    client_fence(c);
    assert_int_equal(pub->calls, 1);
}

static void cancel_oneself(pub_t *pub)
{
    pub->countdown = pub_cancel(pub);
}

static void cancel_inside_its_own_callback_is_too_late(world_t *w)
{
    client_t *c = world_open(w, NULL);
    pub_t *pub = client_request(c);
    pub->react = cancel_oneself;
    pub_again(pub, "news", "hello");
    pub_await(pub, 0);
    assert_status(pub->countdown, UV_EALREADY);
}

static void cancel_another(pub_t *pub)
{
    pub->countdown = pub_cancel(pub->data);
}

static void cancel_of_another_request_inside_a_callback_works(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    pub_t *first = client_request(c);
    pub_again(first, "news", "first");
    pub_t *second = client_publish(c, "news", "second");
    first->data = second;
    first->react = cancel_another;
    pub_await(first, 0);
    pub_await_any(second);
    if (first->countdown == 0)
        assert_status(second->status, UV_ECANCELED);
    else
        assert_status(second->status, 0);
}

static void resubmit(pub_t *pub)
{
    if (pub->calls == 1) pub_again(pub, "news", "second");
}

static void a_canceled_request_is_usable_in_its_callback(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    pub_t *pub = client_publish(c, "other", "first");
    pub->react = resubmit;
    assert_status(pub_cancel(pub), 0);
    probe_await(probe, "subscribed", "message second");
    pub_await(pub, 0);
    assert_int_equal(pub->calls, 2);
}

/* Cancel swallows the reply of what was sent: the requests behind it get their own. */
static void replies_still_match_their_requests_after_cancels(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    client_subscribed(c, "heard", NULL);
    pub_t *pubs[60];
    for (int i = 0; i < 60; i++) pubs[i] = client_publish(c, i % 3 ? "unheard" : "heard", "x");
    for (int i = 1; i < 60; i += 3) assert_status(pub_cancel(pubs[i]), 0);
    for (int i = 0; i < 60; i++) {
        pub_await(pubs[i], i % 3 == 1 ? UV_ECANCELED : 0);
        if (!(cairn_capabilities(&c->cairn) & CAIRN_CAP_RECEIVERS)) continue;
        assert_int_equal(pubs[i]->receivers, i % 3 == 1 ? -1 : i % 3 == 0);
    }
}

static void a_request_may_do_without_a_deadline(world_t *w)
{
    client_t *c = world_open(w, NULL);
    pub_t *pub = client_request(c);
    pub->publish.req.timeout_ms = CAIRN_NO_TIMEOUT;
    pub_again(pub, "news", "hello");
    pub_await(pub, 0);
}

static void ten_thousand_requests_in_one_turn_all_call_back(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    enum {
        COUNT = 10000
    };
    pub_t *last = NULL;
    for (int i = 0; i < COUNT; i++) last = client_publish(c, "nobody", "x");
    assert_int_equal(client_stats(c).inflight, COUNT);
    pub_await(last, 0);
    client_fence(c);
    assert_int_equal(client_stats(c).inflight, 0);
    assert_int_equal(client_stats(c).completed, COUNT + 1);
}

const scenario_t broker_request_scenarios[] = {
    SCENARIO(the_callback_comes_later_and_once),
    SCENARIO(a_request_in_flight_is_refused_and_still_ends_once),
    SCENARIO(a_refused_request_is_usable_afterwards),
    SCENARIO(a_handle_that_is_not_open_refuses),
    SCENARIO(a_request_may_be_freed_in_its_callback),
    SCENARIO(cancel_ends_a_request_later_and_once),
    SCENARIO(cancel_of_what_is_not_in_flight_says_so),
    SCENARIO(cancel_twice_calls_back_once),
    SCENARIO(cancel_inside_its_own_callback_is_too_late),
    SCENARIO(cancel_of_another_request_inside_a_callback_works),
    SCENARIO(a_canceled_request_is_usable_in_its_callback),
    SCENARIO(replies_still_match_their_requests_after_cancels),
    SCENARIO(a_request_may_do_without_a_deadline),
    SCENARIO(ten_thousand_requests_in_one_turn_all_call_back),
    {NULL, NULL},
};
