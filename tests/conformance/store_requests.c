/* cairn/request.h and cairn/store.h: the laws of requests, as they hold for the store's. */
#include "store_suite.h"

static void the_backend_says_that_it_can(world_t *w)
{
    items_t *s = items_open(w, NULL);
    client_await(s->client, "connected");
    assert_true(cairn_capabilities(&s->client->cairn) & CAIRN_CAP_STORE);
}

static void requests_made_before_the_connect_wait_for_it(world_t *w)
{
    items_t *s = items_open(w, NULL);
    assert_int_equal(cairn_state(&s->client->cairn), CAIRN_OPENING);
    items_put(s, "a", "k", "1");
    assert_item(s, "a", "k", "1");
}

static void requests_are_carried_out_in_the_order_of_their_calls(world_t *w)
{
    items_t *s = items_open(w, NULL);
    item_words_t first = {.ns = "a", .key = "k", .value = "1"},
                 second = {.ns = "a", .key = "k", .value = "2"};
    call_t *calls[5];
    for (int i = 0; i < 5; i++) calls[i] = items_call(s);
    assert_status(call_put(calls[0], &first), 0);
    assert_status(call_get(calls[1], ns("a"), cairn_str("k"), CAIRN_REFRESH_NO), 0);
    assert_status(call_put(calls[2], &second), 0);
    assert_status(call_delete(calls[3], ns("a"), cairn_str("k")), 0);
    assert_status(call_get(calls[4], ns("a"), cairn_str("k"), CAIRN_REFRESH_NO), 0);
    for (int i = 0; i < 5; i++) call_await(calls[i], 0);
    assert_string_equal(text_chars(&calls[1]->text), "a:k=1");
    assert_true(calls[2]->existed);
    assert_true(calls[3]->existed);
    assert_string_equal(text_chars(&calls[4]->text), "none");
}

enum {
    KINDS = 10
};

static int submit_kind(call_t *call, int kind)
{
    static const cairn_store_op_t op = {.type = CAIRN_STORE_LIST_NAMESPACES};
    item_words_t words = {.ns = "v", .key = "k", .value = "1"};
    cairn_slice_t key = cairn_str("k");
    switch (kind) {
    case 0:
        return call_put(call, &words);
    case 1:
        return call_get(call, ns("v"), key, CAIRN_REFRESH_DEFAULT);
    case 2:
        return call_delete(call, ns("v"), key);
    case 3:
        return call_search(call, NULL);
    case 4:
        return call_list(call, NULL);
    case 5:
        return call_batch(call, &op, 1);
    case 6:
        return call_count(call, ns(NULL), cairn_str(NULL));
    case 7:
        return call_ttl(call, ns("v"), key);
    case 8:
        return call_pin(call, ns("v"), key);
    default:
        return call_sweep(call);
    }
}

static void a_request_in_flight_is_busy(world_t *w)
{
    items_t *s = items_open(w, NULL);
    for (int kind = 0; kind < KINDS; kind++) {
        call_t *call = items_call(s);
        assert_status(submit_kind(call, kind), 0);
        assert_true(cairn_is_active(&call->of.req));
        assert_status(submit_kind(call, kind), UV_EBUSY);
        call_await(call, 0);
        assert_false(cairn_is_active(&call->of.req));
    }
}

static void on_each(call_t *call)
{
    if (call->countdown-- == 0) return;
    char key[] = {'k', (char)('a' + call->countdown), '\0'};
    item_words_t words = {.ns = "a", .key = key, .value = "1"};
    if (call_put(call, &words) != 0)
        world_trouble(call->items->world, "a submit in a callback was refused");
}

static bool has_run_down(void *ctx)
{
    const call_t *call = ctx;
    return call->countdown < 0;
}

static void a_request_may_be_submitted_again_in_its_callback(world_t *w)
{
    items_t *s = items_open(w, NULL);
    call_t *call = items_call(s);
    call->react = on_each;
    call->countdown = 5;
    item_words_t words = {.ns = "a", .key = "k", .value = "1"};
    assert_status(call_put(call, &words), 0);
    loop_run_until(&w->loop, "five puts, each in the callback of the one before", has_run_down,
                   call);
    assert_int_equal(items_count(s, "a", NULL), 6);
}

static void closing_cancels_what_is_in_flight(world_t *w)
{
    items_t *s = items_open(w, NULL);
    client_await(s->client, "connected");
    call_t *calls[KINDS];
    for (int kind = 0; kind < KINDS; kind++) {
        calls[kind] = items_call(s);
        assert_status(submit_kind(calls[kind], kind), 0);
    }
    client_close(s->client);
    client_await_closed(s->client);
    for (int kind = 0; kind < KINDS; kind++) {
        assert_true(call_is_done(calls[kind]));
        assert_status(calls[kind]->status, UV_ECANCELED);
    }
}

static void a_closed_handle_takes_no_requests(world_t *w)
{
    items_t *s = items_open(w, NULL);
    client_close(s->client);
    for (int kind = 0; kind < KINDS; kind++)
        assert_status(submit_kind(items_call(s), kind), CAIRN_ECLOSED);
    client_await_closed(s->client);
    for (int kind = 0; kind < KINDS; kind++)
        assert_status(submit_kind(items_call(s), kind), CAIRN_ECLOSED);
    assert_status(cairn_store_start_ttl_sweeper(&s->store, 1), CAIRN_ECLOSED);
    cairn_store_stop_ttl_sweeper(&s->store);
}

static void a_request_that_is_cancelled_says_so_and_spares_the_others(world_t *w)
{
    items_t *s = items_open(w, NULL);
    client_await(s->client, "connected");
    call_t *calls[3 * KINDS];
    for (int i = 0; i < 3 * KINDS; i++) {
        calls[i] = items_call(s);
        if (i % 3 == 1)
            assert_status(submit_kind(calls[i], i / 3), 0);
        else
            assert_status(call_get(calls[i], ns("u"), cairn_str("k"), CAIRN_REFRESH_NO), 0);
    }
    for (int i = 1; i < 3 * KINDS; i += 3) assert_status(cairn_cancel(&calls[i]->of.req), 0);
    for (int i = 0; i < 3 * KINDS; i++) call_await(calls[i], i % 3 == 1 ? UV_ECANCELED : 0);
    assert_status(cairn_cancel(&calls[1]->of.req), UV_EALREADY);
    assert_no_item(s, "u", "k");
}

static void close_in_callback(call_t *call)
{
    client_close(call->items->client);
}

static void a_handle_may_be_closed_in_a_callback_of_any_kind(world_t *w)
{
    for (int kind = 0; kind < KINDS; kind++) {
        items_t *s = items_open(w, NULL);
        call_t *call = items_call(s);
        call_t *other = items_call(s);
        call->react = close_in_callback;
        assert_status(submit_kind(call, kind), 0);
        assert_status(call_get(other, ns("a"), cairn_str("k"), CAIRN_REFRESH_NO), 0);
        client_await_closed(s->client);
        assert_true(call_is_done(call));
        assert_true(call_is_done(other));
    }
}

typedef struct submitted {
    const cairn_req_t *reqs[KINDS];
    size_t count;
} submitted_t;

static bool are_over(void *ctx)
{
    const submitted_t *submitted = ctx;
    for (size_t i = 0; i < submitted->count; i++)
        if (cairn_is_active(submitted->reqs[i])) return false;
    return true;
}

static void a_callback_may_be_left_out(world_t *w)
{
    items_t *s = items_open(w, NULL);
    cairn_slice_t key = cairn_str("k");
    cairn_store_put_t put = {0};
    cairn_store_get_t get = {0};
    cairn_store_search_t search = {0};
    cairn_store_list_t list = {0};
    cairn_store_batch_t batch = {0};
    cairn_store_count_t count = {0};
    cairn_store_ttl_t ttl = {0};
    assert_status(cairn_store_put(&s->store, &put, ns("a"), key, cairn_str("1"), NULL, NULL), 0);
    assert_status(cairn_store_get(&s->store, &get, ns("a"), key, CAIRN_REFRESH_NO, NULL), 0);
    assert_status(cairn_store_search(&s->store, &search, NULL, NULL), 0);
    assert_status(cairn_store_list_namespaces(&s->store, &list, NULL, NULL), 0);
    assert_status(cairn_store_batch(&s->store, &batch, NULL, 0, NULL), 0);
    assert_status(cairn_store_count(&s->store, &count, ns(NULL), cairn_str(NULL), NULL), 0);
    assert_status(cairn_store_ttl(&s->store, &ttl, ns("a"), key, NULL), 0);
    submitted_t all = {
        {&put.req, &get.req, &search.req, &list.req, &batch.req, &count.req, &ttl.req}, 7};
    loop_run_until(&w->loop, "all requests to be over", are_over, &all);
    assert_item(s, "a", "k", "1");
}

static void hundreds_of_namespaces_at_a_time_do_not_mix(world_t *w)
{
    enum {
        MANY = 300
    };
    items_t *s = items_open(w, NULL);
    call_t *calls[2 * MANY];
    char names[MANY][32];
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "n/%d", i);
        calls[2 * i] = items_call(s);
        calls[2 * i + 1] = items_call(s);
        item_words_t words = {.ns = names[i], .key = "k", .value = names[i]};
        assert_status(call_put(calls[2 * i], &words), 0);
        assert_status(call_get(calls[2 * i + 1], ns(names[i]), cairn_str("k"), CAIRN_REFRESH_NO),
                      0);
    }
    for (int i = 0; i < 2 * MANY; i++) call_await(calls[i], 0);
    for (int i = 0; i < MANY; i++) {
        char expected[80];
        snprintf(expected, sizeof expected, "n/%d:k=n/%d", i, i);
        assert_string_equal(text_chars(&calls[2 * i + 1]->text), expected);
    }
}

const scenario_t store_request_scenarios[] = {
    SCENARIO(the_backend_says_that_it_can),
    SCENARIO(requests_made_before_the_connect_wait_for_it),
    SCENARIO(requests_are_carried_out_in_the_order_of_their_calls),
    SCENARIO(a_request_in_flight_is_busy),
    SCENARIO(a_request_may_be_submitted_again_in_its_callback),
    SCENARIO(closing_cancels_what_is_in_flight),
    SCENARIO(a_closed_handle_takes_no_requests),
    SCENARIO(a_request_that_is_cancelled_says_so_and_spares_the_others),
    SCENARIO(a_handle_may_be_closed_in_a_callback_of_any_kind),
    SCENARIO(a_callback_may_be_left_out),
    SCENARIO(hundreds_of_namespaces_at_a_time_do_not_mix),
    {NULL, NULL},
};
