/* How many system calls it takes, counted at the C library's door and printed beside those of
 * hiredis's own adapter. */
#include "hiredis_fixture.h"

#include <hiredis/adapters/libuv.h>

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

enum {
    ROUNDS = 500,
    WINDOW = 64,
    MEGABYTE = 1024 * 1024
};

/* ---------------------------------------------------------------- counting */

typedef struct calls {
    int control; /* epoll_ctl */
    int wait;    /* epoll_wait, epoll_pwait */
    int send;
    int recv;
} calls_t;

static calls_t calls;

/* These stand before the C library's functions of the same names, for hiredis and libuv too. */

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    calls.control++;
    return (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

int epoll_pwait(int epoll, struct epoll_event *events, int most, int ms, const sigset_t *mask)
{
    calls.wait++;
    return (int)syscall(SYS_epoll_pwait, epoll, events, most, ms, mask, (size_t)_NSIG / 8);
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int ms)
{
    return epoll_pwait(epoll, events, most, ms, NULL);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    calls.send++;
    return sendto(fd, bytes, len, flags, NULL, 0);
}

ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    calls.recv++;
    return recvfrom(fd, bytes, len, flags, NULL, NULL);
}

static int sum(const calls_t *counted)
{
    return counted->control + counted->wait + counted->send + counted->recv;
}

/* ---------------------------------------------------------------- the work that is counted */

/* ROUNDS times: so many GETs at once, and the next when all are answered. */
typedef struct work {
    client_t client;
    int at_once;
    int rounds_left;
    int awaited;
} work_t;

static void ask_a_round(work_t *work);

static void on_value(redisAsyncContext *ac, void *reply, void *privdata)
{
    (void)ac;
    work_t *work = privdata;
    assert_non_null(reply);
    assert_int_equal(((redisReply *)reply)->len, 64);
    if (--work->awaited > 0) return;
    if (--work->rounds_left > 0) {
        ask_a_round(work);
    } else {
        uv_stop(&work->client.fixture->loop);
    }
}

static void ask_a_round(work_t *work)
{
    work->awaited = work->at_once;
    for (int i = 0; i < work->at_once; i++) {
        assert_int_equal(redisAsyncCommand(work->client.ac, on_value, work, "GET key"), REDIS_OK);
    }
}

static calls_t count(work_t *work, int at_once)
{
    work->at_once = at_once;
    work->rounds_left = ROUNDS;
    calls = (calls_t){0};
    ask_a_round(work);
    uv_run(&work->client.fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(work->rounds_left, 0);
    return calls;
}

static void set_the_key(client_t *client)
{
    char value[65] = {0};
    memset(value, 'v', 64);
    client->replies = 0;
    redisAsyncCommand(client->ac, count_reply, NULL, "SET key %s", value);
    loop_run_until(&client->fixture->loop, "SET", has_reply, client);
    loop_turns(&client->fixture->loop, 4);
}

static void print_calls(const char *who, int at_once, const calls_t *counted)
{
    double operations = (double)ROUNDS * at_once;
    print_message("%-8s GET, %2d at once: %6.3f calls each (epoll_ctl %.3f, epoll_wait %.3f, "
                  "send %.3f, recv %.3f)\n",
                  who, at_once, sum(counted) / operations, counted->control / operations,
                  counted->wait / operations, counted->send / operations,
                  counted->recv / operations);
}

static calls_t count_ours(fixture_t *fixture, int at_once)
{
    work_t work;
    connect_client(&work.client, fixture, server.port);
    set_the_key(&work.client);
    calls_t counted = count(&work, at_once);
    disconnect_client(&work.client);
    print_calls("cairn", at_once, &counted);
    return counted;
}

static calls_t count_theirs(fixture_t *fixture, int at_once)
{
    work_t work = {.client.fixture = fixture};
    redisAsyncContext *ac = redisAsyncConnect("127.0.0.1", server.port);
    assert_non_null(ac);
    ac->data = &work.client;
    work.client.ac = ac;
    assert_int_equal(redisLibuvAttach(ac, &fixture->loop), REDIS_OK);
    assert_int_equal(redisAsyncSetConnectCallback(ac, on_connect), REDIS_OK);
    loop_run_until(&fixture->loop, "the connection", is_connected, &work.client);
    set_the_key(&work.client);
    calls_t counted = count(&work, at_once);
    disconnect_client(&work.client);
    print_calls("hiredis", at_once, &counted);
    return counted;
}

/* ---------------------------------------------------------------- tests */

static void a_lone_command_takes_three_calls(void **state)
{
    calls_t ours = count_ours(*state, 1);
    assert_int_equal(ours.control, 0);
    assert_int_equal(ours.send, ROUNDS);
    assert_int_equal(ours.recv, ROUNDS);
    assert_int_equal(ours.wait, ROUNDS);
    calls_t theirs = count_theirs(*state, 1);
    assert_true(sum(&ours) < sum(&theirs));
}

/* The server may answer in more pieces than one: what it is sent is up to us alone. */
static void a_window_of_commands_takes_one_send(void **state)
{
    calls_t ours = count_ours(*state, WINDOW);
    assert_int_equal(ours.control, 0);
    assert_int_equal(ours.send, ROUNDS);
    assert_int_equal(ours.recv, ours.wait);
    calls_t theirs = count_theirs(*state, WINDOW);
    assert_true(sum(&ours) < sum(&theirs));
}

/* libuv tries the socket with ADD and DEL; polling for writing is DEL and ADD; so is reading. */
static void connecting_takes_six_calls_of_epoll_ctl(void **state)
{
    fixture_t *fixture = *state;
    client_t first, client;
    connect_client(&first, fixture, server.port); /* the loop adds its own descriptors with it */
    loop_turns(&fixture->loop, 2);
    calls = (calls_t){0};
    start_connecting(&client, fixture, server.port);
    ping(&client);
    loop_run_until(&fixture->loop, "a reply", has_reply, &client);
    assert_int_equal(calls.control, 6);
    disconnect_client(&client);
    disconnect_client(&first);
}

static void pausing_and_resuming_takes_none(void **state)
{
    fixture_t *fixture = *state;
    client_t client;
    connect_client(&client, fixture, server.port);
    assert_serves(&client);
    calls = (calls_t){0};
    for (int i = 0; i < 10; i++) {
        client.ac->ev.delRead(client.ac->ev.data);
        loop_turns(&fixture->loop, 1);
        client.ac->ev.addRead(client.ac->ev.data);
        client.ac->ev.delWrite(client.ac->ev.data);
        loop_turns(&fixture->loop, 1);
    }
    assert_int_equal(calls.control, 0);
    assert_serves(&client);
    disconnect_client(&client);
}

static void a_paused_connection_lets_the_loop_sleep(void **state)
{
    fixture_t *fixture = *state;
    client_t client;
    connect_client(&client, fixture, server.port);
    assert_serves(&client);
    client.replies = 0;
    ping(&client);
    redisAsyncHandleWrite(client.ac);
    client.ac->ev.delRead(client.ac->ev.data);
    calls = (calls_t){0};
    loop_run_for(&fixture->loop, 100);
    assert_true(calls.wait < 20);
    assert_int_equal(calls.recv, 0);
    client.ac->ev.addRead(client.ac->ev.data);
    loop_run_until(&fixture->loop, "the reply", has_reply, &client);
    disconnect_client(&client);
}

/* ---------------------------------------------------------------- allocations */

static size_t allocations;

static void *count_malloc(size_t size)
{
    allocations++;
    return malloc(size);
}

static void *count_calloc(size_t number, size_t size)
{
    allocations++;
    return calloc(number, size);
}

static void *count_realloc(void *block, size_t size)
{
    allocations++;
    return realloc(block, size);
}

typedef struct bare {
    int rounds_left;
} bare_t;

static void bare_write(redisAsyncContext *ac)
{
    assert_int_equal(send(ac->c.fd, "PING\r\n", 6, MSG_NOSIGNAL), 6);
    ac->ev.delWrite(ac->ev.data);
    ac->ev.addRead(ac->ev.data);
}

static void bare_read(redisAsyncContext *ac)
{
    char pong[64];
    bare_t *bare = ac->data;
    assert_int_equal(recv(ac->c.fd, pong, sizeof pong, 0), 7);
    if (--bare->rounds_left > 0) ac->ev.addWrite(ac->ev.data);
}

static bool is_bare_done(void *ctx)
{
    return ((bare_t *)ctx)->rounds_left == 0;
}

/* With functions that allocate nothing, and a timeout that moves. */
static void nothing_is_allocated_for_a_command(void **state)
{
    fixture_t *fixture = *state;
    client_t client;
    bare_t bare = {.rounds_left = ROUNDS};
    connect_client(&client, fixture, server.port);
    assert_serves(&client);
    redisContextFuncs table = *client.ac->c.funcs;
    table.async_read = bare_read;
    table.async_write = bare_write;
    client.ac->c.funcs = &table;
    client.ac->data = &bare;

    /* Hooks cannot be taken out of libuv again; these give what malloc gives. */
    assert_int_equal(uv_replace_allocator(count_malloc, count_realloc, count_calloc, free), 0);
    hiredisAllocFuncs counting = {count_malloc, count_calloc, count_realloc, strdup, free};
    hiredisSetAllocators(&counting);
    allocations = 0;
    client.ac->ev.addWrite(client.ac->ev.data);
    loop_run_until(&fixture->loop, "the rounds", is_bare_done, &bare);
    hiredisResetAllocators();
    assert_int_equal(allocations, 0);
    client.ac->data = &client;
    disconnect_client(&client);
}

/* ---------------------------------------------------------------- a full socket */

enum {
    BIG_VALUES = 8
};

typedef struct big {
    int stored;
    int wrong;
} big_t;

static void on_stored(redisAsyncContext *ac, void *reply, void *privdata)
{
    (void)ac;
    big_t *big = privdata;
    redisReply *length = reply;
    bool right = length != NULL && length->type == REDIS_REPLY_INTEGER &&
                 length->integer == (big->stored + 1) * MEGABYTE;
    if (!right) big->wrong++;
    big->stored++;
}

static bool is_stored(void *ctx)
{
    return ((big_t *)ctx)->stored == BIG_VALUES;
}

/* One value, appended to again and again: each reply tells how much there is by then. */
static void send_big_values(client_t *client, big_t *big)
{
    char *value = malloc(MEGABYTE);
    assert_non_null(value);
    memset(value, 'v', MEGABYTE);
    redisAsyncCommand(client->ac, NULL, NULL, "DEL big");
    for (int i = 0; i < BIG_VALUES; i++) {
        redisAsyncCommand(client->ac, on_stored, big, "APPEND big %b", value, (size_t)MEGABYTE);
    }
    free(value);
}

static void a_full_socket_is_waited_for(void **state)
{
    fixture_t *fixture = *state;
    work_t work;
    big_t big = {0};
    connect_client(&work.client, fixture, server.port);
    set_the_key(&work.client);

    assert_int_equal(server_pause(&server), 0);
    calls = (calls_t){0};
    send_big_values(&work.client, &big);
    loop_run_for(&fixture->loop, 200);
    assert_true(calls.control >= 2); /* it polls for writing */
    assert_true(calls.wait < 100);   /* and sleeps */
    assert_int_equal(big.stored, 0);

    assert_int_equal(server_resume(&server), 0);
    loop_run_until(&fixture->loop, "all to be stored", is_stored, &big);
    assert_int_equal(big.wrong, 0);
    assert_true(calls.send > 1);

    loop_turns(&fixture->loop, 4);
    calls_t after = count(&work, 1);
    assert_int_equal(after.control, 0);
    assert_int_equal(sum(&after), 3 * ROUNDS);
    disconnect_client(&work.client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_lone_command_takes_three_calls),
        TEST(a_window_of_commands_takes_one_send),
        TEST(connecting_takes_six_calls_of_epoll_ctl),
        TEST(pausing_and_resuming_takes_none),
        TEST(a_paused_connection_lets_the_loop_sleep),
        TEST(nothing_is_allocated_for_a_command),
        TEST(a_full_socket_is_waited_for),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
