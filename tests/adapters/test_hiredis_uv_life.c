/* How connections begin and end, and that nothing of them is left. */
#include "hiredis_fixture.h"

#include <hiredis/alloc.h>

#include <linux/net_tstamp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- attaching */

static void *fail_calloc(size_t count, size_t size)
{
    (void)count;
    (void)size;
    return NULL;
}

static void what_cannot_be_attached_is_refused(void **state)
{
    fixture_t *fixture = *state;
    client_t client;
    start_connecting(&client, fixture, server.port);
    assert_int_equal(cairn_hiredis_uv_attach(&fixture->group, client.ac), UV_EBUSY);
    disconnect_client(&client);

    redisAsyncContext *ac = redisAsyncConnectUnix("/nonexistent/socket");
    assert_non_null(ac);
    assert_int_not_equal(ac->err, 0);
    assert_int_equal(cairn_hiredis_uv_attach(&fixture->group, ac), UV_EBADF);
    redisAsyncFree(ac);

    ac = redisAsyncConnect("127.0.0.1", server.port);
    hiredisAllocFuncs failing = {malloc, fail_calloc, realloc, strdup, free};
    hiredisSetAllocators(&failing);
    cairn_hiredis_uv_t group;
    int init_status = cairn_hiredis_uv_init(&group, &fixture->loop);
    int attach_status = cairn_hiredis_uv_attach(&fixture->group, ac);
    hiredisResetAllocators();
    assert_int_equal(init_status, UV_ENOMEM);
    assert_int_equal(attach_status, UV_ENOMEM);
    cairn_hiredis_uv_close(&group, on_group_closed); /* does nothing */
    assert_int_equal(cairn_hiredis_uv_attach(&group, ac), UV_ECANCELED);
    assert_int_equal(cairn_hiredis_uv_attach(&fixture->group, ac), 0);
    redisAsyncFree(ac);
}

/* ---------------------------------------------------------------- connects that fail */

static void a_refused_connect_is_told_once(void **state)
{
    fixture_t *fixture = *state;
    client_t client;
    start_connecting(&client, fixture, server_free_port());
    assert_int_equal(redisAsyncCommand(client.ac, count_reply, NULL, "PING"), REDIS_OK);
    loop_run_until(&fixture->loop, "the refusal", is_connected, &client);
    loop_turns(&fixture->loop, 4);
    assert_int_equal(client.connects, 1);
    assert_int_equal(client.connect_status, REDIS_ERR);
    assert_int_equal(client.error, REDIS_ERR_IO);
    assert_int_equal(client.nulls, 1);
    assert_int_equal(client.disconnects, 0);
    assert_false(uv_loop_alive(&fixture->loop));
}

enum {
    FILLERS = 4
};

/* A listener whose backlog is full: whoever connects next hears nothing. */
static int listen_deaf(int *port, int *fillers)
{
    int fd = listen_on(port, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < FILLERS; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(fillers[i] >= 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, sizeof address);
    }
    return fd;
}

static void a_connect_times_out(void **state)
{
    fixture_t *fixture = *state;
    int port, fillers[FILLERS];
    int listener = listen_deaf(&port, fillers);

    struct timeval limit = {.tv_usec = 50000};
    redisOptions options = {.connect_timeout = &limit};
    REDIS_OPTIONS_SET_TCP(&options, "127.0.0.1", port);
    client_t client;
    uv_update_time(&fixture->loop);
    uint64_t begin = uv_now(&fixture->loop);
    adopt(&client, fixture, redisAsyncConnectWithOptions(&options));
    loop_run_until(&fixture->loop, "the timeout", is_connected, &client);
    assert_true(uv_now(&fixture->loop) - begin >= 50);
    assert_int_equal(client.connect_status, REDIS_ERR);
    assert_int_equal(client.error, REDIS_ERR_TIMEOUT);

    for (int i = 0; i < FILLERS; i++) close(fillers[i]);
    close(listener);
}

/* ---------------------------------------------------------------- command timeouts */

static void set_timeout(client_t *client, unsigned ms)
{
    struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
    assert_int_equal(redisAsyncSetTimeout(client->ac, limit), REDIS_OK);
}

/* Returns after how many milliseconds a server that stands still was given up. */
static uint64_t time_out(client_t *client)
{
    uv_loop_t *loop = &client->fixture->loop;
    client->replies = 0;
    assert_int_equal(server_pause(&server), 0);
    uv_update_time(loop);
    uint64_t begin = uv_now(loop);
    ping(client);
    loop_run_until(loop, "the timeout", is_disconnected, client);
    assert_int_equal(server_resume(&server), 0);
    assert_int_equal(client->nulls, 1);
    assert_int_equal(client->disconnect_status, REDIS_ERR);
    assert_int_equal(client->error, REDIS_ERR_TIMEOUT);
    return uv_now(loop) - begin;
}

/* The timer of the first command is still running when the last one is sent. */
static void each_command_has_its_time(void **state)
{
    fixture_t *fixture = *state;
    client_t client;
    connect_client(&client, fixture, server.port);
    set_timeout(&client, 500);
    uv_update_time(&fixture->loop);
    assert_serves(&client);
    loop_run_for(&fixture->loop, 250);
    assert_true(time_out(&client) >= 500);
}

static void a_timeout_can_be_made_shorter(void **state)
{
    fixture_t *fixture = *state;
    client_t client;
    connect_client(&client, fixture, server.port);
    set_timeout(&client, 3600 * 1000);
    assert_serves(&client);
    set_timeout(&client, 50);
    uint64_t took = time_out(&client);
    assert_true(took >= 50 && took < LOOP_DEADLINE_MS);
}

static void an_idle_connection_does_not_time_out(void **state)
{
    fixture_t *fixture = *state;
    client_t client;
    connect_client(&client, fixture, server.port);
    set_timeout(&client, LOOP_DEADLINE_MS);
    assert_serves(&client);
    client.ac->ev.scheduleTimer(client.ac->ev.data, (struct timeval){.tv_usec = 10000});
    loop_run_for(&fixture->loop, 50);
    assert_int_equal(client.disconnects, 0);
    assert_serves(&client);
    disconnect_client(&client);
}

/* ---------------------------------------------------------------- freeing */

typedef void (*end_fn)(redisAsyncContext *ac);

static end_fn end_it;

static void end_on_connect(redisAsyncContext *ac, int status)
{
    on_connect(ac, status);
    end_it(ac);
}

static void end_on_reply(redisAsyncContext *ac, void *reply, void *privdata)
{
    count_reply(ac, reply, privdata);
    if (reply != NULL) end_it(ac);
}

static void end_while_connecting(fixture_t *fixture)
{
    client_t client;
    start_connecting(&client, fixture, server.port);
    end_it(client.ac);
    loop_turns(&fixture->loop, 2);
    start_connecting(&client, fixture, server.port);
    redisAsyncCommand(client.ac, NULL, NULL, "PING");
    loop_turns(&fixture->loop, 1);
    if (client.ac != NULL) redisAsyncFree(client.ac);
}

static void end_in_the_connect_callback(fixture_t *fixture)
{
    client_t client = {.fixture = fixture};
    redisAsyncContext *ac = redisAsyncConnect("127.0.0.1", server.port);
    assert_non_null(ac);
    ac->data = &client;
    assert_int_equal(cairn_hiredis_uv_attach(&fixture->group, ac), 0);
    assert_int_equal(redisAsyncSetConnectCallbackNC(ac, end_on_connect), REDIS_OK);
    assert_int_equal(redisAsyncSetDisconnectCallback(ac, on_disconnect), REDIS_OK);
    loop_run_until(&fixture->loop, "the disconnect", is_disconnected, &client);
    assert_int_equal(client.connects, 1);
    assert_int_equal(client.disconnect_status, REDIS_OK);
}

static void end_in_the_reply_callback(fixture_t *fixture)
{
    client_t client;
    connect_client(&client, fixture, server.port);
    redisAsyncCommand(client.ac, end_on_reply, NULL, "PING");
    for (int i = 0; i < 3; i++) redisAsyncCommand(client.ac, count_reply, NULL, "PING");
    loop_run_until(&fixture->loop, "the disconnect", is_disconnected, &client);
    assert_int_equal(client.replies, 4);
}

static void end_while_waiting_to_be_flushed(fixture_t *fixture)
{
    client_t client;
    connect_client(&client, fixture, server.port);
    ping(&client);
    end_it(client.ac);
    loop_run_until(&fixture->loop, "the disconnect", is_disconnected, &client);
    assert_int_equal(client.replies, 1);
}

static void write_and_end(redisAsyncContext *ac)
{
    redisAsyncWrite(ac);
    end_it(ac);
}

static void end_in_the_flush(fixture_t *fixture)
{
    client_t client;
    redisContextFuncs table;
    connect_client(&client, fixture, server.port);
    replace_async_write(client.ac, &table, write_and_end);
    ping(&client);
    loop_run_until(&fixture->loop, "the disconnect", is_disconnected, &client);
    assert_int_equal(client.replies, 1);
}

static void await_ready(int fd, short events)
{
    struct pollfd ready = {.fd = fd, .events = events};
    assert_int_equal(poll(&ready, 1, LOOP_DEADLINE_MS), 1);
}

enum {
    MORE_THAN_A_SOCKET_TAKES = 16 * 1024 * 1024
};

/* The loop is told at once that there is a reply and that there is room to send on. */
static void end_with_more_to_send(fixture_t *fixture)
{
    client_t client;
    char *value = calloc(1, MORE_THAN_A_SOCKET_TAKES);
    assert_non_null(value);
    connect_client(&client, fixture, server.port);
    loop_turns(&fixture->loop, 2);
    assert_int_equal(server_pause(&server), 0);
    redisAsyncCommand(client.ac, end_on_reply, NULL, "PING");
    redisAsyncCommand(client.ac, count_reply, NULL, "SET big %b", value,
                      (size_t)MORE_THAN_A_SOCKET_TAKES);
    free(value);
    loop_turns(&fixture->loop, 1);
    assert_int_equal(server_resume(&server), 0);
    await_ready(client.ac->c.fd, POLLIN);
    await_ready(client.ac->c.fd, POLLOUT);
    loop_run_until(&fixture->loop, "the disconnect", is_disconnected, &client);
    assert_int_equal(client.replies, 2);
}

static void end_at_every_stage(fixture_t *fixture, end_fn end)
{
    end_it = end;
    end_while_connecting(fixture);
    end_in_the_connect_callback(fixture);
    end_in_the_reply_callback(fixture);
    end_while_waiting_to_be_flushed(fixture);
    end_in_the_flush(fixture);
    end_with_more_to_send(fixture);
    loop_turns(&fixture->loop, 4);
    assert_false(uv_loop_alive(&fixture->loop));
}

static void contexts_are_freed_at_every_stage(void **state)
{
    end_at_every_stage(*state, redisAsyncFree);
}

static void contexts_disconnect_at_every_stage(void **state)
{
    end_at_every_stage(*state, redisAsyncDisconnect);
}

/* ---------------------------------------------------------------- freeing another */

static client_t *victim;

static void free_the_victim(redisAsyncContext *ac, void *reply, void *privdata)
{
    count_reply(ac, reply, privdata);
    if (victim == NULL) return;
    redisAsyncContext *doomed = victim->ac;
    victim = NULL;
    redisAsyncFree(doomed);
}

static void write_and_free_the_victim(redisAsyncContext *ac)
{
    redisAsyncWrite(ac);
    if (victim != NULL) free_the_victim(ac, NULL, NULL);
}

static void one_that_waits_is_freed_by_one_that_is_flushed(void **state)
{
    fixture_t *fixture = *state;
    client_t clients[3];
    redisContextFuncs table;
    for (int i = 0; i < 3; i++) connect_client(&clients[i], fixture, server.port);
    replace_async_write(clients[0].ac, &table, write_and_free_the_victim);
    victim = &clients[1];
    for (int i = 0; i < 3; i++) ping(&clients[i]);
    loop_run_until(&fixture->loop, "the third's reply", has_reply, &clients[2]);
    assert_int_equal(clients[1].nulls, 1);
    disconnect_client(&clients[0]);
    disconnect_client(&clients[2]);
}

/* Both replies are there when the loop polls: it has the second's event in hand while the first's
 * callback frees it. */
static void one_that_has_a_reply_is_freed_by_another(void **state)
{
    fixture_t *fixture = *state;
    client_t clients[2];
    for (int i = 0; i < 2; i++) connect_client(&clients[i], fixture, server.port);
    loop_turns(&fixture->loop, 2);
    for (int i = 0; i < 2; i++) {
        victim = &clients[1 - i];
        redisAsyncCommand(clients[i].ac, free_the_victim, NULL, "PING");
    }
    for (int i = 0; i < 2; i++) redisAsyncHandleWrite(clients[i].ac);
    for (int i = 0; i < 2; i++) await_ready(clients[i].ac->c.fd, POLLIN);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    int left = clients[0].ac != NULL ? 0 : 1;
    victim = NULL;
    assert_null(clients[1 - left].ac);
    assert_int_equal(clients[1 - left].disconnects, 1);
    assert_serves(&clients[left]);
    disconnect_client(&clients[left]);
}

/* ---------------------------------------------------------------- reconnecting */

enum {
    RECONNECTS = 1000
};

static void reconnect(const redisAsyncContext *ac, int status);

static void leave_at_once(const redisAsyncContext *ac, int status)
{
    on_connect(ac, status);
    redisAsyncDisconnect((redisAsyncContext *)ac);
}

static void connect_again(client_t *client)
{
    client->ac = redisAsyncConnect("127.0.0.1", server.port);
    assert_non_null(client->ac);
    client->ac->data = client;
    assert_int_equal(cairn_hiredis_uv_attach(&client->fixture->group, client->ac), 0);
    assert_int_equal(redisAsyncSetConnectCallback(client->ac, leave_at_once), REDIS_OK);
    assert_int_equal(redisAsyncSetDisconnectCallback(client->ac, reconnect), REDIS_OK);
}

static void reconnect(const redisAsyncContext *ac, int status)
{
    client_t *client = ac->data;
    on_disconnect(ac, status);
    if (client->disconnects < RECONNECTS) connect_again(client);
}

static bool has_reconnected(void *ctx)
{
    return ((client_t *)ctx)->disconnects == RECONNECTS;
}

static void the_disconnect_callback_may_reconnect(void **state)
{
    client_t client = {.fixture = *state};
    connect_again(&client);
    loop_run_until(&client.fixture->loop, "a thousand connections", has_reconnected, &client);
    assert_int_equal(client.connects, RECONNECTS);
}

/* The socket's number is another's before libuv has called back for the handle that had it. */
static void a_descriptor_is_reused_in_the_same_turn(void **state)
{
    fixture_t *fixture = *state;
    client_t client;
    connect_client(&client, fixture, server.port);
    for (int i = 0; i < RECONNECTS; i++) {
        int fd = client.ac->c.fd;
        ping(&client);
        disconnect_client(&client);
        start_connecting(&client, fixture, server.port);
        assert_int_equal(client.ac->c.fd, fd);
        if (i % 100 == 0) assert_serves(&client);
    }
    assert_serves(&client);
    disconnect_client(&client);
}

/* ---------------------------------------------------------------- broken connections */

static void a_reset_is_a_disconnect(void **state)
{
    fixture_t *fixture = *state;
    int port;
    int listener = listen_on(&port, 1);
    client_t client;
    connect_client(&client, fixture, port);
    loop_turns(&fixture->loop, 2);
    reset_peer(accept(listener, NULL, NULL));
    loop_run_until(&fixture->loop, "the disconnect", is_disconnected, &client);
    assert_int_equal(client.disconnect_status, REDIS_ERR);
    assert_int_equal(client.error, REDIS_ERR_IO);
    close(listener);
}

static void a_reset_while_paused_is_told_on_resuming(void **state)
{
    fixture_t *fixture = *state;
    int port;
    int listener = listen_on(&port, 1);
    client_t client;
    connect_client(&client, fixture, port);
    client.ac->ev.delRead(client.ac->ev.data);
    reset_peer(accept(listener, NULL, NULL));
    loop_run_for(&fixture->loop, 20);
    assert_int_equal(client.disconnects, 0);
    client.ac->ev.addRead(client.ac->ev.data);
    loop_run_until(&fixture->loop, "the disconnect", is_disconnected, &client);
    assert_int_equal(client.error, REDIS_ERR_IO);
    close(listener);
}

/* Timestamps of what was sent wait in the socket's error queue: poll reports an error that neither
 * reading nor writing shows. If it does before the reply is there, the reply meets a socket that
 * was shut down, and the system resets the connection. */
static void an_error_that_does_not_show_ends_the_connection(void **state)
{
    fixture_t *fixture = *state;
    client_t client;
    connect_client(&client, fixture, server.port);
    int stamps = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    int fd = client.ac->c.fd;
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps) != 0) {
        disconnect_client(&client);
        skip();
    }
    ping(&client);
    loop_run_until(&fixture->loop, "the disconnect", is_disconnected, &client);
    assert_int_equal(client.disconnect_status, REDIS_ERR);
    assert_true(client.error == REDIS_ERR_EOF || client.error == REDIS_ERR_IO);
    assert_int_equal(client.replies, 1);
}

/* ---------------------------------------------------------------- after hiredis let go */

static void asking_after_the_end_does_nothing(void **state)
{
    fixture_t *fixture = *state;
    int port;
    int listener = listen_on(&port, 1);
    redisOptions options = {.options = REDIS_OPT_NOAUTOFREE};
    REDIS_OPTIONS_SET_TCP(&options, "127.0.0.1", port);
    client_t client;
    adopt(&client, fixture, redisAsyncConnectWithOptions(&options));
    loop_run_until(&fixture->loop, "the connection", is_connected, &client);
    close(accept(listener, NULL, NULL));
    redisAsyncContext *ac = client.ac;
    while (ac->err == 0) uv_run(&fixture->loop, UV_RUN_ONCE);
    loop_turns(&fixture->loop, 4);
    assert_false(uv_loop_alive(&fixture->loop));

    ac->ev.addWrite(ac->ev.data);
    ac->ev.delWrite(ac->ev.data);
    ac->ev.addRead(ac->ev.data);
    ac->ev.delRead(ac->ev.data);
    ac->ev.scheduleTimer(ac->ev.data, (struct timeval){.tv_sec = 1});
    assert_false(uv_loop_alive(&fixture->loop));
    redisAsyncFree(ac);
    close(listener);
}

/* ---------------------------------------------------------------- groups */

static void two_groups_share_a_loop(void **state)
{
    fixture_t *fixture = *state;
    fixture_t other = {.groups_closed = 0};
    assert_int_equal(cairn_hiredis_uv_init(&other.group, &fixture->loop), 0);
    other.group.data = &other;

    client_t first, second = {.fixture = fixture};
    connect_client(&first, fixture, server.port);
    second.ac = redisAsyncConnect("127.0.0.1", server.port);
    assert_non_null(second.ac);
    second.ac->data = &second;
    assert_int_equal(cairn_hiredis_uv_attach(&other.group, second.ac), 0);
    ping(&first);
    ping(&second);
    loop_run_until(&fixture->loop, "the first's reply", has_reply, &first);
    loop_run_until(&fixture->loop, "the second's reply", has_reply, &second);

    redisAsyncFree(second.ac);
    cairn_hiredis_uv_close(&other.group, on_group_closed);
    assert_serves(&first);
    loop_turns(&fixture->loop, 4);
    assert_int_equal(other.groups_closed, 1);
    assert_serves(&first);
    disconnect_client(&first);
}

static void a_closing_group_serves_whom_it_has(void **state)
{
    fixture_t *fixture = *state;
    client_t client;
    connect_client(&client, fixture, server.port);
    cairn_hiredis_uv_close(&fixture->group, on_group_closed);
    cairn_hiredis_uv_close(&fixture->group, NULL);
    redisAsyncContext *late = redisAsyncConnect("127.0.0.1", server.port);
    assert_int_equal(cairn_hiredis_uv_attach(&fixture->group, late), UV_ECANCELED);
    redisAsyncFree(late);

    assert_serves(&client);
    assert_int_equal(fixture->groups_closed, 0);
    ping(&client); /* in the queue when it goes */
    disconnect_client(&client);
    loop_turns(&fixture->loop, 4);
    assert_int_equal(fixture->groups_closed, 1);
    assert_false(uv_loop_alive(&fixture->loop));
    cairn_hiredis_uv_close(&fixture->group, on_group_closed);
    assert_false(uv_loop_alive(&fixture->loop));
}

static void a_group_can_be_used_again(void **state)
{
    fixture_t *fixture = *state;
    cairn_hiredis_uv_close(&fixture->group, NULL);
    loop_turns(&fixture->loop, 2);
    assert_int_equal(cairn_hiredis_uv_init(&fixture->group, &fixture->loop), 0);
    fixture->group.data = fixture;
    client_t client;
    connect_client(&client, fixture, server.port);
    assert_serves(&client);
    disconnect_client(&client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_cannot_be_attached_is_refused),
        TEST(a_refused_connect_is_told_once),
        TEST(a_connect_times_out),
        TEST(each_command_has_its_time),
        TEST(a_timeout_can_be_made_shorter),
        TEST(an_idle_connection_does_not_time_out),
        TEST(contexts_are_freed_at_every_stage),
        TEST(contexts_disconnect_at_every_stage),
        TEST(one_that_waits_is_freed_by_one_that_is_flushed),
        TEST(one_that_has_a_reply_is_freed_by_another),
        TEST(the_disconnect_callback_may_reconnect),
        TEST(a_descriptor_is_reused_in_the_same_turn),
        TEST(a_reset_is_a_disconnect),
        TEST(a_reset_while_paused_is_told_on_resuming),
        TEST(an_error_that_does_not_show_ends_the_connection),
        TEST(asking_after_the_end_does_nothing),
        TEST(two_groups_share_a_loop),
        TEST(a_closing_group_serves_whom_it_has),
        TEST(a_group_can_be_used_again),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
