#include "cut.h"

#include "redis_frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BACKLOG = 64,
    PIECE = 64 << 10
};

/* What was read from one side and is not yet a whole command. */
typedef struct cut_side {
    cut_pair_t *pair;
    uv_tcp_t tcp;
    struct cut_side *other;
    char *held;
    size_t count, room;
    redis_frame_t frame;
} cut_side_t;

struct cut_pair {
    cut_t *cut;
    cut_pair_t *next, **at;
    cut_side_t client, server;
    uv_connect_t connecting;
    bool ending;
    int closing; /* sockets whose close callback has not come */
};

static void must(int rc, const char *what)
{
    if (rc == 0) return;
    fprintf(stderr, "cut: %s: %s\n", what, uv_strerror(rc));
    exit(1);
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *tcp)
{
    cut_side_t *side = tcp->data;
    cut_pair_t *pair = side->pair;
    free(side->held);
    if (--pair->closing == 0) free(pair);
}

static void end(cut_pair_t *pair)
{
    if (pair->ending) return;
    pair->ending = true;
    *pair->at = pair->next;
    if (pair->next) pair->next->at = pair->at;
    pair->closing = 2;
    uv_close((uv_handle_t *)&pair->client.tcp, on_closed);
    uv_close((uv_handle_t *)&pair->server.tcp, on_closed);
}

static void end_all(cut_t *cut)
{
    while (cut->pairs) end(cut->pairs);
}

/* ---- forwarding ---- */

typedef struct cut_write {
    uv_write_t req;
    char bytes[];
} cut_write_t;

static void on_written(uv_write_t *req, int status)
{
    (void)status;
    free(req->data);
}

/* The first `count` bytes of what is held. */
static void forward(cut_side_t *side, size_t count)
{
    cut_write_t *write = malloc(sizeof *write + count);
    if (!write) abort();
    write->req.data = write;
    memcpy(write->bytes, side->held, count);
    side->count -= count;
    memmove(side->held, side->held + count, side->count);
    uv_buf_t piece = uv_buf_init(write->bytes, (unsigned)count);
    if (uv_write(&write->req, (uv_stream_t *)&side->other->tcp, &piece, 1, on_written) != 0)
        free(write);
}

/* How many of the bytes held are whole commands that may go. */
static size_t allowance(cut_side_t *side)
{
    cut_t *cut = side->pair->cut;
    size_t count = 0, len;
    while (!cut->over && redis_frame_scan(&side->frame, side->held + count, side->count - count,
                                          UINT64_MAX, &len) == 1) {
        count += len;
        cut->commands++;
        cut->over = cut->armed && cut->commands >= cut->most;
    }
    return count;
}

static void on_room(uv_handle_t *tcp, size_t suggested, uv_buf_t *out)
{
    cut_side_t *side = tcp->data;
    (void)suggested;
    if (side->room - side->count < PIECE) {
        side->room = side->count + PIECE;
        side->held = realloc(side->held, side->room);
        if (!side->held) abort();
    }
    *out = uv_buf_init(side->held + side->count, PIECE);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    cut_side_t *side = stream->data;
    cut_pair_t *pair = side->pair;
    (void)buffer;
    if (got < 0) {
        end(pair);
        return;
    }
    side->count += (size_t)got;
    const size_t count = side == &pair->client ? allowance(side) : side->count;
    if (count > 0) forward(side, count);
    if (pair->cut->over) end_all(pair->cut);
}

static void on_connected(uv_connect_t *connecting, int status)
{
    cut_pair_t *pair = connecting->data;
    if (pair->ending) return;
    if (status < 0) {
        end(pair);
        return;
    }
    must(uv_read_start((uv_stream_t *)&pair->client.tcp, on_room, on_read), "read");
    must(uv_read_start((uv_stream_t *)&pair->server.tcp, on_room, on_read), "read");
}

/* ---- who comes ---- */

static void begin_side(cut_pair_t *pair, cut_side_t *side, cut_side_t *other)
{
    side->pair = pair;
    side->other = other;
    side->tcp.data = side;
    must(uv_tcp_init(pair->cut->loop, &side->tcp), "socket");
}

static void on_connection(uv_stream_t *listener, int status)
{
    cut_t *cut = listener->data;
    struct sockaddr_in address;
    if (status < 0) return;
    cut_pair_t *pair = calloc(1, sizeof *pair);
    if (!pair) abort();
    pair->cut = cut;
    pair->at = &cut->pairs;
    pair->next = cut->pairs;
    if (pair->next) pair->next->at = &pair->next;
    cut->pairs = pair;
    begin_side(pair, &pair->client, &pair->server);
    begin_side(pair, &pair->server, &pair->client);
    pair->connecting.data = pair;
    must(uv_accept(listener, (uv_stream_t *)&pair->client.tcp), "accept");
    must(uv_ip4_addr("127.0.0.1", cut->server_port, &address), "address");
    if (cut->over || uv_tcp_connect(&pair->connecting, &pair->server.tcp,
                                    (const struct sockaddr *)&address, on_connected) != 0)
        end(pair);
}

void cut_open(cut_t *cut, uv_loop_t *loop, int server_port)
{
    struct sockaddr_in address;
    int len = sizeof address;
    *cut = (cut_t){.loop = loop, .server_port = server_port};
    must(uv_tcp_init(loop, &cut->listener), "socket");
    cut->listener.data = cut;
    must(uv_ip4_addr("127.0.0.1", 0, &address), "address");
    must(uv_tcp_bind(&cut->listener, (const struct sockaddr *)&address, 0), "bind");
    must(uv_listen((uv_stream_t *)&cut->listener, BACKLOG, on_connection), "listen");
    must(uv_tcp_getsockname(&cut->listener, (struct sockaddr *)&address, &len), "getsockname");
    cut->port = ntohs(address.sin_port);
}

void cut_close(cut_t *cut)
{
    end_all(cut);
    uv_close((uv_handle_t *)&cut->listener, NULL);
}

void cut_arm(cut_t *cut, size_t most)
{
    cut->armed = true;
    cut->most = most;
    cut->commands = 0;
    cut->over = most == 0;
    if (cut->over) end_all(cut);
}

void cut_heal(cut_t *cut)
{
    cut->armed = cut->over = false;
    cut->commands = 0;
}
