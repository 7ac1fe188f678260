/* What is sent, when, and in which order. */
#include "hiredis_fixture.h"

#include <stdio.h>
#include <string.h>

enum {
    CLIENTS = 5
};

/* ---------------------------------------------------------------- order */

enum {
    PIPELINED = 10000
};

typedef struct sequence {
    int next;
} sequence_t;

static void check_echo(redisAsyncContext *ac, void *reply, void *privdata)
{
    (void)ac;
    sequence_t *sequence = privdata;
    redisReply *echo = reply;
    char expected[16];
    snprintf(expected, sizeof expected, "%d", sequence->next++);
    assert_non_null(echo);
    assert_int_equal(echo->type, REDIS_REPLY_STRING);
    assert_string_equal(echo->str, expected);
}

static bool all_echoed(void *ctx)
{
    return ((sequence_t *)ctx)->next == PIPELINED;
}

static void replies_come_in_order(void **state)
{
    client_t client;
    sequence_t sequence = {0};
    start_connecting(&client, *state, server.port);
    for (int i = 0; i < PIPELINED; i++) {
        assert_int_equal(redisAsyncCommand(client.ac, check_echo, &sequence, "ECHO %d", i),
                         REDIS_OK);
    }
    loop_run_until(&client.fixture->loop, "all replies", all_echoed, &sequence);
    disconnect_client(&client);
}

static void unix_sockets_work_too(void **state)
{
    client_t client;
    adopt(&client, *state, redisAsyncConnectUnix(server.unix_path));
    loop_run_until(&client.fixture->loop, "the connection", is_connected, &client);
    assert_int_equal(client.connect_status, REDIS_OK);
    assert_serves(&client);
    disconnect_client(&client);
}

static void subscriptions_are_heard(void **state)
{
    client_t subscriber, publisher;
    connect_client(&subscriber, *state, server.port);
    connect_client(&publisher, *state, server.port);
    assert_int_equal(redisAsyncCommand(subscriber.ac, count_reply, NULL, "SUBSCRIBE news"),
                     REDIS_OK);
    loop_run_until(&subscriber.fixture->loop, "the subscription", has_reply, &subscriber);
    subscriber.replies = 0;
    redisAsyncCommand(publisher.ac, NULL, NULL, "PUBLISH news hello");
    loop_run_until(&subscriber.fixture->loop, "the message", has_reply, &subscriber);
    disconnect_client(&subscriber);
    disconnect_client(&publisher);
}

/* ---------------------------------------------------------------- when it is flushed */

static redisAsyncContext *flushed[64];
static size_t flushes;

static void note_and_write(redisAsyncContext *ac)
{
    if (flushes < sizeof flushed / sizeof *flushed) flushed[flushes] = ac;
    flushes++;
    redisAsyncWrite(ac);
}

static void connect_watched(client_t *clients, redisContextFuncs *table, fixture_t *fixture,
                            void (*async_write)(redisAsyncContext *))
{
    for (int i = 0; i < CLIENTS; i++) {
        connect_client(&clients[i], fixture, server.port);
        replace_async_write(clients[i].ac, table, async_write);
    }
    flushes = 0;
}

static void disconnect_all(client_t *clients)
{
    for (int i = 0; i < CLIENTS; i++) disconnect_client(&clients[i]);
}

static void a_turn_is_one_write(void **state)
{
    fixture_t *fixture = *state;
    client_t clients[CLIENTS];
    redisContextFuncs table;
    connect_watched(clients, &table, fixture, note_and_write);
    for (int i = 0; i < 64; i++) ping(&clients[0]);
    assert_int_equal(flushes, 0);
    loop_run_until(&fixture->loop, "a reply", has_reply, &clients[0]);
    assert_int_equal(flushes, 1);
    assert_int_equal(clients[0].replies, 64);
    disconnect_all(clients);
}

static void first_to_wait_is_first_to_be_flushed(void **state)
{
    static const int asked[] = {3, 1, 4, 1, 0, 3, 2, 4};
    static const int expected[CLIENTS] = {3, 1, 4, 0, 2};
    fixture_t *fixture = *state;
    client_t clients[CLIENTS];
    redisContextFuncs table;
    connect_watched(clients, &table, fixture, note_and_write);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) ping(&clients[asked[i]]);
    loop_turns(&fixture->loop, 1);
    assert_int_equal(flushes, CLIENTS);
    for (int i = 0; i < CLIENTS; i++) assert_ptr_equal(flushed[i], clients[expected[i]].ac);
    disconnect_all(clients);
}

static void what_was_sent_by_hand_is_not_flushed_again(void **state)
{
    fixture_t *fixture = *state;
    client_t clients[CLIENTS];
    redisContextFuncs table;
    connect_watched(clients, &table, fixture, note_and_write);
    ping(&clients[0]);
    redisAsyncHandleWrite(clients[0].ac);
    assert_int_equal(flushes, 1);
    loop_run_until(&fixture->loop, "the reply", has_reply, &clients[0]);
    assert_int_equal(flushes, 1);
    disconnect_all(clients);
}

static client_t *asked_while_flushing;

static void write_and_ask_another(redisAsyncContext *ac)
{
    redisAsyncWrite(ac);
    if (asked_while_flushing == NULL) return;
    client_t *other = asked_while_flushing;
    asked_while_flushing = NULL;
    ping(other);
}

static bool has_two_replies(void *ctx)
{
    return ((client_t *)ctx)->replies == 2;
}

static void what_a_flush_asks_for_is_sent_too(void **state)
{
    fixture_t *fixture = *state;
    client_t clients[CLIENTS];
    redisContextFuncs table;
    connect_watched(clients, &table, fixture, write_and_ask_another);
    asked_while_flushing = &clients[1];
    ping(&clients[0]);
    loop_run_until(&fixture->loop, "the first's reply", has_reply, &clients[0]);
    loop_run_until(&fixture->loop, "the second's reply", has_reply, &clients[1]);
    asked_while_flushing = &clients[0]; /* itself, with its bytes just sent */
    clients[0].replies = 0;
    ping(&clients[0]);
    loop_run_until(&fixture->loop, "both replies", has_two_replies, &clients[0]);
    disconnect_all(clients);
}

static void ask_a_friend(redisAsyncContext *ac)
{
    client_t *client = ac->data;
    client_t *friend = asked_while_flushing == client ? client + 1 : asked_while_flushing;
    flushes++;
    friend->ac->ev.addWrite(friend->ac->ev.data);
}

static void on_time(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void flushing_without_end_does_not_starve_the_loop(void **state)
{
    fixture_t *fixture = *state;
    client_t clients[CLIENTS];
    redisContextFuncs table;
    static uv_timer_t timer;
    connect_watched(clients, &table, fixture, ask_a_friend);
    uv_timer_init(&fixture->loop, &timer);
    uv_timer_start(&timer, on_time, 20, 0);
    asked_while_flushing = &clients[0];
    clients[0].ac->ev.addWrite(clients[0].ac->ev.data);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_true(flushes > 2);
    uv_close((uv_handle_t *)&timer, NULL);
    disconnect_all(clients);
    asked_while_flushing = NULL;
}

/* ---------------------------------------------------------------- from wherever it is asked */

/* Asks once, from a callback of the handle under test; nothing else goes on in the loop, so a
 * command that waits for something else to happen waits until the deadline. */
typedef struct asker {
    client_t client;
    uv_timer_t deadline;
    bool asked;
    bool late;
    union {
        uv_handle_t any;
        uv_idle_t idle;
        uv_prepare_t prepare;
        uv_check_t check;
        uv_timer_t timer;
        uv_async_t async;
    } handle;
} asker_t;

static void stop_when_answered(redisAsyncContext *ac, void *reply, void *privdata)
{
    count_reply(ac, reply, privdata);
    uv_stop(&((client_t *)ac->data)->fixture->loop);
}

static void ask_once(uv_handle_t *handle)
{
    asker_t *asker = handle->data;
    if (asker->asked) return;
    asker->asked = true;
    redisAsyncCommand(asker->client.ac, stop_when_answered, NULL, "PING");
}

static void from_idle(uv_idle_t *idle)
{
    ask_once((uv_handle_t *)idle);
    uv_idle_stop(idle); /* while it is active, the loop does not sleep */
}

static void from_prepare(uv_prepare_t *prepare)
{
    ask_once((uv_handle_t *)prepare);
}

static void from_check(uv_check_t *check)
{
    ask_once((uv_handle_t *)check);
}

static void from_timer(uv_timer_t *timer)
{
    ask_once((uv_handle_t *)timer);
}

static void from_async(uv_async_t *async)
{
    ask_once((uv_handle_t *)async);
}

static void start_idle(uv_loop_t *loop, asker_t *asker)
{
    uv_idle_init(loop, &asker->handle.idle);
    uv_idle_start(&asker->handle.idle, from_idle);
}

static void start_prepare(uv_loop_t *loop, asker_t *asker)
{
    uv_prepare_init(loop, &asker->handle.prepare);
    uv_prepare_start(&asker->handle.prepare, from_prepare);
}

/* Its callback runs after a poll: which is made to end. */
static void start_check(uv_loop_t *loop, asker_t *asker)
{
    uv_check_init(loop, &asker->handle.check);
    uv_check_start(&asker->handle.check, from_check);
    redisAsyncCommand(asker->client.ac, NULL, NULL, "PING");
}

static void start_timer(uv_loop_t *loop, asker_t *asker)
{
    uv_timer_init(loop, &asker->handle.timer);
    uv_timer_start(&asker->handle.timer, from_timer, 1, 0);
}

static void start_async(uv_loop_t *loop, asker_t *asker)
{
    uv_async_init(loop, &asker->handle.async, from_async);
    uv_async_send(&asker->handle.async);
}

static void start_closing(uv_loop_t *loop, asker_t *asker)
{
    start_idle(loop, asker);
    uv_close(&asker->handle.any, ask_once);
}

static void on_deadline(uv_timer_t *timer)
{
    ((asker_t *)timer->data)->late = true;
    uv_stop(timer->loop);
}

static void assert_answered(fixture_t *fixture, void (*start)(uv_loop_t *, asker_t *))
{
    asker_t asker = {0};
    connect_client(&asker.client, fixture, server.port);
    loop_turns(&fixture->loop, 2); /* what connecting left behind */
    uv_timer_init(&fixture->loop, &asker.deadline);
    asker.deadline.data = &asker;
    uv_timer_start(&asker.deadline, on_deadline, LOOP_DEADLINE_MS, 0);
    asker.handle.any.data = &asker;
    start(&fixture->loop, &asker);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_false(asker.late);
    assert_int_equal(asker.client.replies, 1);
    disconnect_client(&asker.client);
    if (!uv_is_closing(&asker.handle.any)) uv_close(&asker.handle.any, NULL);
    uv_close((uv_handle_t *)&asker.deadline, NULL);
    loop_turns(&fixture->loop, 2);
}

static void commands_leave_from_any_callback(void **state)
{
    assert_answered(*state, start_idle);
    assert_answered(*state, start_prepare);
    assert_answered(*state, start_check);
    assert_answered(*state, start_timer);
    assert_answered(*state, start_async);
    assert_answered(*state, start_closing);
}

static void on_idle_ask(uv_idle_t *idle)
{
    ping(idle->data);
    uv_idle_stop(idle);
}

static void what_an_idle_callback_asks_leaves_in_the_same_turn(void **state)
{
    fixture_t *fixture = *state;
    client_t clients[CLIENTS];
    redisContextFuncs table;
    static uv_idle_t idle;
    connect_watched(clients, &table, fixture, note_and_write);
    loop_turns(&fixture->loop, 2);
    uv_idle_init(&fixture->loop, &idle);
    idle.data = &clients[0];
    uv_idle_start(&idle, on_idle_ask);
    loop_turns(&fixture->loop, 1);
    assert_int_equal(flushes, 1);
    loop_run_until(&fixture->loop, "the reply", has_reply, &clients[0]);
    uv_close((uv_handle_t *)&idle, NULL);
    disconnect_all(clients);
}

/* Who embeds the loop sleeps by uv_backend_timeout, in its own poll. */
static void an_embedder_learns_that_something_waits(void **state)
{
    fixture_t *fixture = *state;
    client_t client;
    connect_client(&client, fixture, server.port);
    loop_turns(&fixture->loop, 2);
    assert_int_equal(uv_backend_timeout(&fixture->loop), -1);
    ping(&client);
    assert_int_equal(uv_backend_timeout(&fixture->loop), 0);
    loop_turns(&fixture->loop, 1);
    assert_int_equal(uv_backend_timeout(&fixture->loop), -1);
    loop_run_until(&fixture->loop, "the reply", has_reply, &client);
    disconnect_client(&client);
}

static void a_group_alone_keeps_no_loop_alive(void **state)
{
    fixture_t *fixture = *state;
    assert_false(uv_loop_alive(&fixture->loop));
    client_t client;
    connect_client(&client, fixture, server.port);
    assert_serves(&client);
    disconnect_client(&client);
    loop_turns(&fixture->loop, 4);
    assert_false(uv_loop_alive(&fixture->loop));
}

/* ---------------------------------------------------------------- not hiredis's functions */

/* A connection whose bytes are its own: it sends pings, as many as it was asked for, in pieces of
 * three bytes, and counts the bytes that come back. */
typedef struct pinger {
    size_t left;
    size_t received;
} pinger_t;

static void pinger_write(redisAsyncContext *ac)
{
    pinger_t *pinger = ac->data;
    const char *half = pinger->left % 6 == 0 ? "PIN" : "G\r\n";
    assert_int_equal(send(ac->c.fd, half, 3, MSG_NOSIGNAL), 3);
    pinger->left -= 3;
    ac->ev.addRead(ac->ev.data);
    if (pinger->left > 0) {
        ac->ev.addWrite(ac->ev.data);
    } else {
        ac->ev.delWrite(ac->ev.data);
    }
}

static void pinger_read(redisAsyncContext *ac)
{
    char bytes[4096];
    pinger_t *pinger = ac->data;
    ssize_t got = recv(ac->c.fd, bytes, sizeof bytes, 0);
    assert_true(got > 0);
    pinger->received += (size_t)got;
}

static bool has_200_pongs(void *ctx)
{
    return ((pinger_t *)ctx)->received == 200 * strlen("+PONG\r\n");
}

static void any_table_of_functions_is_served(void **state)
{
    fixture_t *fixture = *state;
    client_t client;
    connect_client(&client, fixture, server.port);
    redisContextFuncs table = *client.ac->c.funcs;
    table.async_read = pinger_read;
    table.async_write = pinger_write;
    client.ac->c.funcs = &table;

    pinger_t pinger = {.left = 200 * strlen("PING\r\n")};
    client.ac->data = &pinger;
    client.ac->ev.addWrite(client.ac->ev.data);
    loop_run_until(&fixture->loop, "200 pongs", has_200_pongs, &pinger);
    assert_int_equal(pinger.left, 0);
    client.ac->data = &client;
    disconnect_client(&client);
}

/* ---------------------------------------------------------------- pausing */

static void a_paused_connection_reads_nothing(void **state)
{
    fixture_t *fixture = *state;
    client_t client;
    connect_client(&client, fixture, server.port);
    assert_serves(&client);
    client.replies = 0;
    assert_int_equal(server_pause(&server), 0);
    ping(&client);
    loop_turns(&fixture->loop, 1);
    client.ac->ev.delRead(client.ac->ev.data);
    assert_int_equal(server_resume(&server), 0);
    loop_run_for(&fixture->loop, 50);
    assert_int_equal(client.replies, 0);
    client.ac->ev.addRead(client.ac->ev.data);
    loop_run_until(&fixture->loop, "the reply", has_reply, &client);
    assert_serves(&client);
    disconnect_client(&client);
}

/* With nothing wanted nothing is polled, which shows in the loop having nothing to do. */
static void who_has_nothing_to_write_is_not_woken_for_it(void **state)
{
    fixture_t *fixture = *state;
    client_t client;
    start_connecting(&client, fixture, server.port);
    assert_true(uv_loop_alive(&fixture->loop));
    client.ac->ev.delWrite(client.ac->ev.data);
    assert_false(uv_loop_alive(&fixture->loop));
    client.ac->ev.addWrite(client.ac->ev.data);
    loop_run_until(&fixture->loop, "the connection", is_connected, &client);
    assert_serves(&client);
    disconnect_client(&client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(replies_come_in_order),
        TEST(unix_sockets_work_too),
        TEST(subscriptions_are_heard),
        TEST(a_turn_is_one_write),
        TEST(first_to_wait_is_first_to_be_flushed),
        TEST(what_was_sent_by_hand_is_not_flushed_again),
        TEST(what_a_flush_asks_for_is_sent_too),
        TEST(flushing_without_end_does_not_starve_the_loop),
        TEST(commands_leave_from_any_callback),
        TEST(what_an_idle_callback_asks_leaves_in_the_same_turn),
        TEST(an_embedder_learns_that_something_waits),
        TEST(a_group_alone_keeps_no_loop_alive),
        TEST(any_table_of_functions_is_served),
        TEST(a_paused_connection_reads_nothing),
        TEST(who_has_nothing_to_write_is_not_woken_for_it),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
