#include "chaos_proxy.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum {
    TICK_MS = 4,
    HELD_MOST = 1 << 20, /* then no more is read from that side */
    PIECE = 64 << 10,
    ORDERS = 64,
    BACKLOG = 512
};

typedef struct connection connection_t;

/* One direction: what was read from one side and is not yet written to the other. */
typedef struct flow {
    connection_t *connection;
    uv_tcp_t side; /* that is read from */
    struct flow *other;
    bool open;    /* the socket is there */
    bool reading; /* from it */
    chaos_spoil_t spoil;
    uint32_t amount;   /* of CHAOS_TEAR: bytes left */
    uint64_t hold_ms;  /* of CHAOS_DELAY: nothing goes before */
    uint32_t may_send; /* of CHAOS_THROTTLE, this tick */
    char *held;
    size_t count, room;
} flow_t;

struct connection {
    chaos_proxy_t *proxy;
    connection_t *next, *previous;
    flow_t requests, replies;
    uv_connect_t connecting;
    bool ending;
    int closing; /* sockets whose close callback has not come */
};

struct chaos_proxy {
    uv_thread_t thread;
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_async_t wake;
    uv_timer_t tick;
    int server_port;
    char where[32];
    chaos_space_t *space;
    uint64_t random;
    connection_t *first;
    chaos_order_t newcomers; /* what those that come must suffer */
    atomic_uint_least64_t accepted;

    uv_mutex_t lock; /* for what follows */
    chaos_order_t orders[ORDERS];
    size_t order_count;
    bool over;
};

static void must(int rc, const char *what)
{
    if (rc == 0) return;
    fprintf(stderr, "chaos proxy: %s: %s\n", what, uv_strerror(rc));
    exit(1);
}

static uint64_t roll(chaos_proxy_t *proxy)
{
    proxy->random ^= proxy->random << 13;
    proxy->random ^= proxy->random >> 7;
    proxy->random ^= proxy->random << 17;
    return proxy->random >> 11;
}

/* ---- the end of a connection ---- */

static void on_closed(uv_handle_t *handle)
{
    flow_t *flow = handle->data;
    connection_t *connection = flow->connection;
    if (--connection->closing > 0) return;
    if (connection->next) connection->next->previous = connection->previous;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        connection->proxy->first = connection->next;
    free(connection->requests.held);
    free(connection->replies.held);
    free(connection);
}

static void end_side(flow_t *flow, bool reset)
{
    if (!flow->open) return;
    flow->open = false;
    flow->connection->closing++;
    if (reset && uv_tcp_close_reset(&flow->side, on_closed) == 0) return;
    uv_close((uv_handle_t *)&flow->side, on_closed);
}

static void end(connection_t *connection, bool reset)
{
    if (connection->ending) return;
    connection->ending = true;
    end_side(&connection->requests, reset);
    end_side(&connection->replies, reset);
}

/* ---- forwarding ---- */

static void read_on(flow_t *flow);

/* How much of what is held may go now. */
static size_t allowance(const flow_t *flow)
{
    switch (flow->spoil) {
    case CHAOS_STALL:
        return 0;
    case CHAOS_DELAY:
        return uv_now(&flow->connection->proxy->loop) >= flow->hold_ms ? flow->count : 0;
    case CHAOS_TEAR:
        return flow->count < flow->amount ? flow->count : flow->amount;
    case CHAOS_THROTTLE:
        return flow->count < flow->may_send ? flow->count : flow->may_send;
    default:
        return flow->count;
    }
}

static void spend(flow_t *flow, size_t sent)
{
    flow->count -= sent;
    memmove(flow->held, flow->held + sent, flow->count);
    if (flow->spoil == CHAOS_THROTTLE) flow->may_send -= (uint32_t)sent;
    if (flow->spoil != CHAOS_TEAR) return;
    flow->amount -= (uint32_t)sent;
    if (flow->amount == 0) end(flow->connection, true);
}

static void forward(flow_t *flow)
{
    size_t count = allowance(flow);
    if (count == 0 || flow->connection->ending || !flow->other->reading) return;
    uv_buf_t piece = uv_buf_init(flow->held, (unsigned)count);
    int sent = uv_try_write((uv_stream_t *)&flow->other->side, &piece, 1);
    if (sent == UV_EAGAIN) return;
    if (sent < 0)
        end(flow->connection, true);
    else
        spend(flow, (size_t)sent);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    flow_t *flow = handle->data;
    (void)suggested;
    if (flow->room - flow->count < PIECE) {
        flow->room = flow->count + 2 * (size_t)PIECE;
        flow->held = realloc(flow->held, flow->room);
        if (!flow->held) abort();
    }
    *out = uv_buf_init(flow->held + flow->count, PIECE);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    flow_t *flow = stream->data;
    (void)buffer;
    if (got < 0) {
        end(flow->connection, got != UV_EOF);
        return;
    }
    if (flow->count == 0 && flow->spoil == CHAOS_DELAY)
        flow->hold_ms = uv_now(&flow->connection->proxy->loop) + flow->amount;
    flow->count += (size_t)got;
    forward(flow);
    if (flow->connection->ending || flow->count < HELD_MOST) return;
    uv_read_stop(stream);
}

static void read_on(flow_t *flow)
{
    if (flow->connection->ending || !flow->reading || flow->count >= HELD_MOST) return;
    int rc = uv_read_start((uv_stream_t *)&flow->side, on_room, on_read);
    if (rc != 0 && rc != UV_EALREADY) end(flow->connection, true);
}

static void on_tick(uv_timer_t *timer)
{
    chaos_proxy_t *proxy = timer->data;
    connection_t *next;
    for (connection_t *connection = proxy->first; connection; connection = next) {
        next = connection->next;
        flow_t *const flows[] = {&connection->requests, &connection->replies};
        for (int i = 0; i < 2; i++) {
            flows[i]->may_send = flows[i]->amount;
            forward(flows[i]);
            read_on(flows[i]);
        }
    }
}

/* ---- orders ---- */

static void spoil(flow_t *flow, const chaos_order_t *order)
{
    flow->spoil = order->spoil;
    flow->amount = order->amount > 0 ? order->amount : 1;
    flow->may_send = flow->amount;
    flow->hold_ms = 0;
    forward(flow);
}

static void suffer(connection_t *connection, const chaos_order_t *order)
{
    if (connection->ending) return;
    if (order->spoil == CHAOS_CUT || order->spoil == CHAOS_RESET) {
        end(connection, order->spoil == CHAOS_RESET);
        return;
    }
    if (order->requests || order->spoil == CHAOS_HEAL) spoil(&connection->requests, order);
    if (connection->ending) return;
    if (order->replies || order->spoil == CHAOS_HEAL) spoil(&connection->replies, order);
}

static void carry_out(chaos_proxy_t *proxy, const chaos_order_t *order)
{
    if (order->newcomers || order->spoil == CHAOS_HEAL) proxy->newcomers = *order;
    if (order->spoil == CHAOS_REFUSE) return;
    connection_t *next;
    for (connection_t *connection = proxy->first; connection; connection = next) {
        next = connection->next;
        bool is_victim = order->one_in <= 1 || roll(proxy) % order->one_in == 0;
        if (is_victim || order->spoil == CHAOS_HEAL) suffer(connection, order);
    }
}

static void shut_down(chaos_proxy_t *proxy)
{
    for (connection_t *connection = proxy->first; connection; connection = connection->next)
        end(connection, false);
    uv_close((uv_handle_t *)&proxy->listener, NULL);
    uv_close((uv_handle_t *)&proxy->tick, NULL);
    uv_close((uv_handle_t *)&proxy->wake, NULL);
}

static void on_wake(uv_async_t *wake)
{
    chaos_proxy_t *proxy = wake->data;
    chaos_order_t orders[ORDERS];
    uv_mutex_lock(&proxy->lock);
    const size_t count = proxy->order_count;
    const bool over = proxy->over;
    memcpy(orders, proxy->orders, sizeof orders);
    proxy->order_count = 0;
    uv_mutex_unlock(&proxy->lock);
    for (size_t i = 0; i < count; i++) carry_out(proxy, &orders[i]);
    if (over) shut_down(proxy);
}

/* ---- those that come ---- */

static void on_connected(uv_connect_t *connecting, int status)
{
    connection_t *connection = connecting->data;
    if (status == UV_ECANCELED || connection->ending) return;
    if (status < 0) {
        end(connection, true);
        return;
    }
    connection->requests.reading = connection->replies.reading = true;
    read_on(&connection->requests);
    read_on(&connection->replies);
}

static void begin_flow(flow_t *flow, connection_t *connection, flow_t *other)
{
    flow->connection = connection;
    flow->other = other;
    flow->side.data = flow;
    flow->open = true;
}

static void on_connection(uv_stream_t *listener, int status)
{
    chaos_proxy_t *proxy = listener->data;
    if (status < 0) return;
    connection_t *connection = calloc(1, sizeof *connection);
    if (!connection) abort();
    connection->proxy = proxy;
    connection->next = proxy->first;
    if (proxy->first) proxy->first->previous = connection;
    proxy->first = connection;
    must(uv_tcp_init(&proxy->loop, &connection->requests.side), "socket");
    must(uv_tcp_init(&proxy->loop, &connection->replies.side), "socket");
    begin_flow(&connection->requests, connection, &connection->replies);
    begin_flow(&connection->replies, connection, &connection->requests);
    atomic_fetch_add(&proxy->accepted, 1);

    struct sockaddr_in address;
    must(uv_ip4_addr("127.0.0.1", proxy->server_port, &address), "address");
    connection->connecting.data = connection;
    if (uv_accept(listener, (uv_stream_t *)&connection->requests.side) != 0 ||
        proxy->newcomers.spoil == CHAOS_REFUSE ||
        uv_tcp_connect(&connection->connecting, &connection->replies.side,
                       (struct sockaddr *)&address, on_connected) != 0) {
        end(connection, false);
        return;
    }
    uv_tcp_nodelay(&connection->requests.side, 1);
    uv_tcp_nodelay(&connection->replies.side, 1);
    if (proxy->newcomers.spoil != CHAOS_HEAL) suffer(connection, &proxy->newcomers);
}

/* ---- its life ---- */

void chaos_no_sigpipe(void)
{
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    must(pthread_sigmask(SIG_BLOCK, &pipe, NULL), "pthread_sigmask");
}

static void run(void *arg)
{
    chaos_proxy_t *proxy = arg;
    chaos_no_sigpipe();
    uv_run(&proxy->loop, UV_RUN_DEFAULT);
}

static int port_of(const uv_tcp_t *tcp)
{
    struct sockaddr_in address;
    int len = sizeof address;
    must(uv_tcp_getsockname(tcp, (struct sockaddr *)&address, &len), "getsockname");
    return ntohs(address.sin_port);
}

/* A socket belongs for good to the namespace in which it is made, and with it all it accepts; the
 * thread, and so the way to the server, stays outside. */
static void listen_at(chaos_proxy_t *proxy, const char *host)
{
    struct sockaddr_in address;
    must(uv_ip4_addr(host, 0, &address), "address");
    if (proxy->space) chaos_space_enter(proxy->space);
    must(uv_tcp_init_ex(&proxy->loop, &proxy->listener, AF_INET), "socket");
    if (proxy->space) chaos_space_leave(proxy->space);
    must(uv_tcp_bind(&proxy->listener, (struct sockaddr *)&address, 0), "bind");
    must(uv_listen((uv_stream_t *)&proxy->listener, BACKLOG, on_connection), "listen");
    snprintf(proxy->where, sizeof proxy->where, "%s:%d", host, port_of(&proxy->listener));
}

chaos_proxy_t *chaos_proxy_start(int server_port, uint64_t seed, chaos_space_t *space)
{
    chaos_proxy_t *proxy = calloc(1, sizeof *proxy);
    if (!proxy) abort();
    proxy->server_port = server_port;
    proxy->space = space;
    proxy->random = seed | 1;
    must(uv_mutex_init(&proxy->lock), "mutex");
    must(uv_loop_init(&proxy->loop), "loop");
    must(uv_async_init(&proxy->loop, &proxy->wake, on_wake), "async");
    must(uv_timer_init(&proxy->loop, &proxy->tick), "timer");
    proxy->wake.data = proxy->tick.data = proxy->listener.data = proxy;
    listen_at(proxy, space ? chaos_space_host(space) : "127.0.0.1");
    must(uv_timer_start(&proxy->tick, on_tick, TICK_MS, TICK_MS), "timer");
    must(uv_thread_create(&proxy->thread, run, proxy), "thread");
    return proxy;
}

const char *chaos_proxy_where(const chaos_proxy_t *proxy)
{
    return proxy->where;
}

void chaos_proxy_order(chaos_proxy_t *proxy, const chaos_order_t *order)
{
    uv_mutex_lock(&proxy->lock);
    if (proxy->order_count < ORDERS) proxy->orders[proxy->order_count++] = *order;
    uv_mutex_unlock(&proxy->lock);
    uv_async_send(&proxy->wake);
}

uint64_t chaos_proxy_accepted(chaos_proxy_t *proxy)
{
    return atomic_load(&proxy->accepted);
}

void chaos_proxy_stop(chaos_proxy_t *proxy)
{
    uv_mutex_lock(&proxy->lock);
    proxy->over = true;
    uv_mutex_unlock(&proxy->lock);
    uv_async_send(&proxy->wake);
    uv_thread_join(&proxy->thread);
    must(uv_loop_close(&proxy->loop), "loop_close");
    uv_mutex_destroy(&proxy->lock);
    free(proxy);
}
