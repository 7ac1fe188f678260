/* A loop, a group on it, and plain hiredis connections to a server of one's own. */
#ifndef TESTS_ADAPTERS_HIREDIS_FIXTURE_H
#define TESTS_ADAPTERS_HIREDIS_FIXTURE_H

#include "check.h"
#include "loop.h"
#include "server.h"

#include <cairn/adapters/hiredis_uv.h>

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <uv.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static server_t server; /* one for all tests of a program */

typedef struct fixture {
    uv_loop_t loop;
    cairn_hiredis_uv_t group;
    int groups_closed;
} fixture_t;

/* A connection and what became of it. */
typedef struct client {
    fixture_t *fixture;
    redisAsyncContext *ac; /* NULL once hiredis has freed it, or is about to */
    int connects;
    int connect_status;
    int disconnects;
    int disconnect_status;
    int error; /* ac->err as the last of the two callbacks saw it */
    int replies;
    int nulls; /* callbacks without a reply */
} client_t;

/* ---------------------------------------------------------------- setup and teardown */

static inline int start_server(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    if (server_start(&server, NULL) == 0) return 0;
    print_error("%s\n", server.error);
    return -1;
}

static inline int stop_server(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

static inline int setup(void **state)
{
    static fixture_t fixture;
    fixture = (fixture_t){0};
    assert_int_equal(uv_loop_init(&fixture.loop), 0);
    assert_int_equal(cairn_hiredis_uv_init(&fixture.group, &fixture.loop), 0);
    fixture.group.data = &fixture;
    *state = &fixture;
    return 0;
}

static inline void on_group_closed(cairn_hiredis_uv_t *group)
{
    fixture_t *fixture = group->data;
    fixture->groups_closed++;
    assert_null(group->core);
}

/* Every test: nothing of it is left on the loop. */
static inline int teardown(void **state)
{
    fixture_t *fixture = *state;
    cairn_hiredis_uv_close(&fixture->group, on_group_closed);
    loop_finish(&fixture->loop);
    assert_int_equal(fixture->groups_closed, 1);
    return 0;
}

/* ---------------------------------------------------------------- connecting */

static inline void on_connect(const redisAsyncContext *ac, int status)
{
    client_t *client = ac->data;
    client->connects++;
    client->connect_status = status;
    client->error = ac->err;
    if (status != REDIS_OK) client->ac = NULL;
}

static inline void on_disconnect(const redisAsyncContext *ac, int status)
{
    client_t *client = ac->data;
    client->disconnects++;
    client->disconnect_status = status;
    client->error = ac->err;
    client->ac = NULL;
}

static inline void adopt(client_t *client, fixture_t *fixture, redisAsyncContext *ac)
{
    assert_non_null(ac);
    assert_int_equal(ac->err, 0);
    *client = (client_t){.fixture = fixture, .ac = ac};
    ac->data = client;
    assert_int_equal(cairn_hiredis_uv_attach(&fixture->group, ac), 0);
    assert_int_equal(redisAsyncSetConnectCallback(ac, on_connect), REDIS_OK);
    assert_int_equal(redisAsyncSetDisconnectCallback(ac, on_disconnect), REDIS_OK);
}

static inline void start_connecting(client_t *client, fixture_t *fixture, int port)
{
    adopt(client, fixture, redisAsyncConnect("127.0.0.1", port));
}

static inline bool is_connected(void *ctx)
{
    return ((client_t *)ctx)->connects > 0;
}

static inline bool is_disconnected(void *ctx)
{
    return ((client_t *)ctx)->disconnects > 0;
}

static inline void connect_client(client_t *client, fixture_t *fixture, int port)
{
    start_connecting(client, fixture, port);
    loop_run_until(&fixture->loop, "the connection", is_connected, client);
    assert_int_equal(client->connect_status, REDIS_OK);
}

static inline void disconnect_client(client_t *client)
{
    redisAsyncFree(client->ac);
    client->ac = NULL;
}

/* ---------------------------------------------------------------- commands */

static inline void count_reply(redisAsyncContext *ac, void *reply, void *privdata)
{
    (void)privdata;
    client_t *client = ac->data;
    if (reply == NULL) client->nulls++;
    client->replies++;
}

static inline void ping(client_t *client)
{
    assert_int_equal(redisAsyncCommand(client->ac, count_reply, NULL, "PING"), REDIS_OK);
}

static inline bool has_reply(void *ctx)
{
    return ((client_t *)ctx)->replies > 0;
}

static inline void assert_serves(client_t *client)
{
    client->replies = client->nulls = 0;
    ping(client);
    loop_run_until(&client->fixture->loop, "a reply", has_reply, client);
    assert_int_equal(client->nulls, 0);
}

/* ---------------------------------------------------------------- a peer that is no server */

static inline int listen_on(int *port, int backlog)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* Closes with a reset instead of a farewell. */
static inline void reset_peer(int fd)
{
    struct linger abortive = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &abortive, sizeof abortive), 0);
    assert_int_equal(close(fd), 0);
}

/* ---------------------------------------------------------------- watching async_write */

/* A table of functions that is hiredis's own, but for async_write. */
static inline void replace_async_write(redisAsyncContext *ac, redisContextFuncs *table,
                                       void (*async_write)(redisAsyncContext *))
{
    *table = *ac->c.funcs;
    table->async_write = async_write;
    ac->c.funcs = table;
}

#endif
