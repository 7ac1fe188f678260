/* cairn/request.h and cairn/saver.h: the laws of requests, as they hold for the saver's. */
#include "saver_suite.h"

#include <stdio.h>

static void the_backend_says_that_it_can(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    client_await(s->client, "connected");
    assert_true(cairn_capabilities(&s->client->cairn) & CAIRN_CAP_SAVER);
}

static void requests_made_before_the_connect_wait_for_it(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    assert_int_equal(cairn_state(&s->client->cairn), CAIRN_OPENING);
    saver_put(s, "c1", "a@1=x");
    assert_get(s, latest(), "c1 a@1=x");
}

static void a_request_in_flight_is_busy(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    ask_t *ask = saver_ask(s);
    assert_status(ask_put(ask, &(put_words_t){.id = "c1"}), 0);
    assert_true(cairn_is_active(&ask->of.req));
    assert_status(ask_put(ask, &(put_words_t){.id = "c2"}), UV_EBUSY);
    ask_await(ask, 0);
    assert_false(cairn_is_active(&ask->of.req));
    assert_list(s, "c1", .headers_only = true);
}

static void on_each(ask_t *ask)
{
    if (ask->countdown-- == 0) return;
    char id[] = {'c', (char)('a' + ask->countdown), '\0'};
    if (ask_put(ask, &(put_words_t){.id = id, .channels = "a@1=x"}) != 0)
        world_trouble(ask->client->world, "a submit in a callback was refused");
}

static void a_request_may_be_submitted_again_in_its_callback(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    ask_t *ask = saver_ask(s);
    ask->react = on_each;
    ask->countdown = 5;
    assert_status(ask_put(ask, &(put_words_t){.id = "c"}), 0);
    ask_await(ask, 0);
    assert_int_equal(ask->calls, 6);
    assert_list(s, "ce cd cc cb ca c", .headers_only = true);
}

/* One of each kind. */
enum {
    KINDS = 9
};

static int submit_kind(ask_t *ask, int kind)
{
    cairn_slice_t t = cairn_str("t");
    cairn_slice_t channel = cairn_str("a");
    cairn_checkpoint_ref_t place = latest();
    cairn_saver_prune_options_t prune = {.thread_ids = &t, .thread_count = 1};
    switch (kind) {
    case 0:
        return ask_put(ask, &(put_words_t){.id = "c1", .channels = "a@1=x"});
    case 1:
        return ask_write(ask, &(write_words_t){.at = "c1", .task = "t1", .writes = "a=1"});
    case 2:
        return ask_get(ask, place, NULL);
    case 3:
        return ask_list(ask, NULL);
    case 4:
        return ask_delete_thread(ask, t);
    case 5:
        return ask_delete_for_runs(ask, &t, 1);
    case 6:
        return ask_prune(ask, &prune);
    case 7:
        return ask_copy(ask, t, cairn_str("u"));
    case 8:
        return ask_history(ask, &place, &channel, 1);
    default:
        return ask_pin(ask, CAIRN_SCOPE_CHECKPOINT, place);
    }
}

static void closing_cancels_what_is_in_flight(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    client_await(s->client, "connected");
    ask_t *asks[KINDS + 1];
    for (int i = 0; i <= KINDS; i++) {
        asks[i] = saver_ask(s);
        assert_status(submit_kind(asks[i], i), 0);
    }
    client_close(s->client);
    client_await_closed(s->client);
    for (int i = 0; i <= KINDS; i++) {
        assert_true(ask_is_done(asks[i]));
        assert_status(asks[i]->status, UV_ECANCELED);
    }
}

static void a_closed_handle_takes_no_requests(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    client_await(s->client, "connected");
    client_close(s->client);
    for (int i = 0; i <= KINDS; i++) assert_status(submit_kind(saver_ask(s), i), CAIRN_ECLOSED);
    assert_status(cairn_saver_start_ttl_sweeper(&s->saver, 1), CAIRN_ECLOSED);
    client_await_closed(s->client);
    for (int i = 0; i <= KINDS; i++) assert_status(submit_kind(saver_ask(s), i), CAIRN_ECLOSED);
    cairn_saver_stop_ttl_sweeper(&s->saver);
}

static void a_request_that_is_cancelled_says_so_and_spares_the_others(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    client_await(s->client, "connected");
    saver_put(s, "c0", "");
    ask_t *asks[3 * (KINDS + 1)];
    for (int i = 0; i < 3 * (KINDS + 1); i++) {
        asks[i] = saver_ask(s);
        if (i % 3 == 1)
            assert_status(submit_kind(asks[i], i / 3), 0);
        else
            assert_status(ask_get(asks[i], ref("v", NULL, NULL), NULL), 0);
    }
    for (int i = 1; i < 3 * (KINDS + 1); i += 3) assert_status(cairn_cancel(&asks[i]->of.req), 0);
    for (int i = 0; i < 3 * (KINDS + 1); i++) ask_await(asks[i], i % 3 == 1 ? UV_ECANCELED : 0);
    assert_status(cairn_cancel(&asks[1]->of.req), UV_EALREADY);
    assert_none(s, ref("v", NULL, NULL));
}

static void close_in_callback(ask_t *ask)
{
    client_close(ask->client->client);
}

static void a_handle_may_be_closed_in_a_callback_of_any_kind(world_t *w)
{
    for (int kind = 0; kind <= KINDS; kind++) {
        saver_client_t *s = saver_open(w, NULL);
        ask_t *ask = saver_ask(s);
        ask_t *other = saver_ask(s);
        ask->react = close_in_callback;
        assert_status(submit_kind(ask, kind), 0);
        assert_status(ask_get(other, latest(), NULL), 0);
        client_await_closed(s->client);
        assert_true(ask_is_done(ask));
        assert_true(ask_is_done(other));
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
    saver_client_t *s = saver_open(w, NULL);
    cairn_checkpoint_ref_t place = latest();
    cairn_checkpoint_t checkpoint = {.id = cairn_str("c1")};
    cairn_saver_put_t put = {0};
    cairn_saver_get_t get = {0};
    cairn_saver_list_t list = {0};
    cairn_saver_delete_t delete = {0};
    cairn_saver_ttl_t ttl = {0};
    assert_status(
        cairn_saver_put(&s->saver, &put, &place, &checkpoint, cairn_str(NULL), NULL, NULL), 0);
    assert_status(cairn_saver_get(&s->saver, &get, &place, NULL, NULL), 0);
    assert_status(cairn_saver_list(&s->saver, &list, NULL, NULL), 0);
    assert_status(cairn_saver_pin(&s->saver, &ttl, CAIRN_SCOPE_CHECKPOINT, &place, NULL), 0);
    assert_status(cairn_saver_delete_thread(&s->saver, &delete, cairn_str("u"), NULL), 0);
    submitted_t all = {{&put.req, &get.req, &list.req, &delete.req, &ttl.req}, 5};
    loop_run_until(&w->loop, "all requests to be over", are_over, &all);
    assert_get(s, latest(), "c1");
}

static void hundreds_of_threads_at_a_time_do_not_mix(world_t *w)
{
    enum {
        MANY = 300
    };
    saver_client_t *s = saver_open(w, NULL);
    ask_t *asks[3 * MANY];
    char names[MANY][32];
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "thread-%d", i);
        char words[32];
        snprintf(words, sizeof words, "a@1=%d", i);
        for (int k = 0; k < 3; k++) asks[3 * i + k] = saver_ask(s);
        put_words_t put = {.id = "c", .channels = words, .thread = names[i]};
        write_words_t write = {
            .at = "c", .task = "t1", .writes = words, .thread = names[i], .path = names[i]};
        assert_status(ask_put(asks[3 * i], &put), 0);
        assert_status(ask_write(asks[3 * i + 1], &write), 0);
        assert_status(ask_get(asks[3 * i + 2], thread(names[i]), NULL), 0);
    }
    for (int i = 0; i < 3 * MANY; i++) ask_await(asks[i], 0);
    for (int i = 0; i < MANY; i++) {
        char expected[128];
        snprintf(expected, sizeof expected, "%s//c a@1=%d [t1.0 a\\x401=%d %s]", names[i], i, i,
                 names[i]);
        assert_string_equal(text_chars(&asks[3 * i + 2]->text), expected);
    }
}

const scenario_t saver_request_scenarios[] = {
    SCENARIO(the_backend_says_that_it_can),
    SCENARIO(requests_made_before_the_connect_wait_for_it),
    SCENARIO(a_request_in_flight_is_busy),
    SCENARIO(a_request_may_be_submitted_again_in_its_callback),
    SCENARIO(closing_cancels_what_is_in_flight),
    SCENARIO(a_closed_handle_takes_no_requests),
    SCENARIO(a_request_that_is_cancelled_says_so_and_spares_the_others),
    SCENARIO(a_handle_may_be_closed_in_a_callback_of_any_kind),
    SCENARIO(a_callback_may_be_left_out),
    SCENARIO(hundreds_of_threads_at_a_time_do_not_mix),
    {NULL, NULL},
};
