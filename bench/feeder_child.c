#include "feeder_child.h"
#include "message.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS = 8,
    INPUT_MAX = 1 << 20,
    REPLIES_MAX = 1 << 20,
    WORDS_MAX = 8,
    BLOCK_BYTES = 1 << 16,
    CHANNEL_MAX = 512
};

typedef struct word {
    const char *ptr;
    size_t len;
} word_t;

/* Output is either replies or a block of messages, never one in the middle of the other. */
typedef struct connection {
    int fd; /* -1: free */
    bool resp3;
    char channel[CHANNEL_MAX]; /* "" until subscribed */
    char *input;
    size_t input_len;
    char *replies;
    size_t replies_len;
    size_t replies_sent;
    char *block;
    size_t block_messages;
    size_t message_len;
    size_t block_len; /* being sent */
    size_t block_sent;
    uint64_t next_number;
} connection_t;

typedef struct feeder_child {
    int listener;
    int control;
    size_t payload;
    uint64_t left; /* to send */
    connection_t connections[CONNECTIONS];
} feeder_child_t;

/* ---- messages ---- */

/* One message without its payload's header, which changes. */
static size_t write_message(const connection_t *c, size_t payload, char *out, size_t size)
{
    int head = snprintf(out, size, "%c3\r\n$7\r\nmessage\r\n$%zu\r\n%s\r\n$%zu\r\n",
                        c->resp3 ? '>' : '*', strlen(c->channel), c->channel, payload);
    if (head < 0 || (size_t)head + payload + 2 > size) return 0;
    char *end = out + (size_t)head + payload;
    memset(out + head, 'x', payload);
    end[0] = '\r';
    end[1] = '\n';
    return (size_t)head + payload + 2;
}

static bool prepare_block(connection_t *c, size_t payload)
{
    size_t size = payload + CHANNEL_MAX + 64;
    size_t most = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    c->block = malloc(most);
    c->message_len = c->block ? write_message(c, payload, c->block, size) : 0;
    if (c->message_len == 0) return false;
    c->block_messages = most / c->message_len;
    for (size_t i = 1; i < c->block_messages; i++)
        memcpy(c->block + i * c->message_len, c->block, c->message_len);
    return true;
}

static void number_block(feeder_child_t *self, connection_t *c)
{
    size_t count = c->block_messages;
    if (self->left < count) count = (size_t)self->left;
    char *payload = c->block + c->message_len - 2 - self->payload;
    for (size_t i = 0; i < count; i++, payload += c->message_len) {
        message_t message = {.magic = MESSAGE_MAGIC, .number = c->next_number++};
        message_write(payload, &message);
    }
    if (self->left != UINT64_MAX) self->left -= count;
    c->block_len = count * c->message_len;
    c->block_sent = 0;
}

/* ---- commands ---- */

static void reply(connection_t *c, const char *text)
{
    size_t len = strlen(text);
    if (c->replies_len + len > REPLIES_MAX) return;
    memcpy(c->replies + c->replies_len, text, len);
    c->replies_len += len;
}

static void hello(connection_t *c, const word_t *words, size_t count)
{
    char text[256];
    if (count > 1) c->resp3 = words[1].len == 1 && words[1].ptr[0] == '3';
    snprintf(text, sizeof text,
             "%s\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.0.0\r\n"
             "$5\r\nproto\r\n:%d\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"
             "$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n",
             c->resp3 ? "%7" : "*14", c->resp3 ? 3 : 2);
    reply(c, text);
}

static void subscribe(feeder_child_t *self, connection_t *c, const word_t *words, size_t count)
{
    char text[CHANNEL_MAX + 64];
    if (count != 2 || words[1].len == 0 || words[1].len >= CHANNEL_MAX || c->block) {
        reply(c, "-ERR the feeder has one channel a connection\r\n");
        return;
    }
    memcpy(c->channel, words[1].ptr, words[1].len);
    c->channel[words[1].len] = '\0';
    snprintf(text, sizeof text, "%c3\r\n$9\r\nsubscribe\r\n$%zu\r\n%s\r\n:1\r\n",
             c->resp3 ? '>' : '*', words[1].len, c->channel);
    reply(c, text);
    if (!prepare_block(c, self->payload)) _exit(1);
}

static bool is(word_t word, const char *name)
{
    return word.len == strlen(name) && strncasecmp(word.ptr, name, word.len) == 0;
}

static void answer(feeder_child_t *self, connection_t *c, const word_t *words, size_t count)
{
    if (is(words[0], "PUBLISH"))
        reply(c, ":1\r\n");
    else if (is(words[0], "PING"))
        reply(c, c->resp3 || !c->block ? "+PONG\r\n" : "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    else if (is(words[0], "HELLO"))
        hello(c, words, count);
    else if (is(words[0], "SUBSCRIBE"))
        subscribe(self, c, words, count);
    else if (is(words[0], "INFO"))
        reply(c, "$19\r\nredis_version:7.0.0\r\n");
    else if (is(words[0], "CLIENT") || is(words[0], "AUTH") || is(words[0], "SELECT"))
        reply(c, "+OK\r\n");
    else
        reply(c, "-ERR the feeder does not know this command\r\n");
}

/* Reads `prefix` and a number. Returns what follows, or NULL if the line is not all there yet. */
static const char *read_number(const char *at, const char *end, char prefix, size_t *number)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    if (!newline) return NULL;
    if (*at != prefix) _exit(1); /* our own clients send no such thing */
    *number = strtoul(at + 1, NULL, 10);
    return newline + 1;
}

/* Takes one command from what came in: how long it was, or 0 if it is not all there yet. */
static size_t take_command(feeder_child_t *self, connection_t *c, const char *begin,
                           const char *end)
{
    word_t words[WORDS_MAX];
    size_t count;
    const char *at = read_number(begin, end, '*', &count);
    if (!at) return 0;
    for (size_t i = 0; i < count; i++) {
        size_t len;
        at = at < end ? read_number(at, end, '$', &len) : NULL;
        if (!at || (size_t)(end - at) < len + 2) return 0;
        if (i < WORDS_MAX) words[i] = (word_t){at, len};
        at += len + 2;
    }
    if (count > 0) answer(self, c, words, count < WORDS_MAX ? count : WORDS_MAX);
    return (size_t)(at - begin);
}

static void take_commands(feeder_child_t *self, connection_t *c)
{
    size_t used = 0, len;
    while (used < c->input_len &&
           (len = take_command(self, c, c->input + used, c->input + c->input_len)) > 0)
        used += len;
    memmove(c->input, c->input + used, c->input_len - used);
    c->input_len -= used;
}

/* ---- connections ---- */

static void drop(connection_t *c)
{
    close(c->fd);
    free(c->input);
    free(c->replies);
    free(c->block);
    *c = (connection_t){.fd = -1};
}

static void accept_connection(feeder_child_t *self)
{
    int fd = accept4(self->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    for (int i = 0; i < CONNECTIONS; i++) {
        connection_t *c = &self->connections[i];
        if (c->fd >= 0) continue;
        *c = (connection_t){.fd = fd, .input = malloc(INPUT_MAX), .replies = malloc(REPLIES_MAX)};
        if (!c->input || !c->replies) _exit(1);
        return;
    }
    close(fd);
}

/* Sends on: false if the connection is no more. */
static bool send_rest(connection_t *c, const char *bytes, size_t len, size_t *sent)
{
    if (*sent == len) return true;
    ssize_t now = send(c->fd, bytes + *sent, len - *sent, MSG_NOSIGNAL);
    if (now < 0) return errno == EAGAIN || errno == EINTR;
    *sent += (size_t)now;
    return true;
}

static bool wants_to_write(const feeder_child_t *self, const connection_t *c)
{
    return c->replies_sent < c->replies_len || c->block_sent < c->block_len ||
           (c->block && self->left > 0);
}

static bool write_connection(feeder_child_t *self, connection_t *c)
{
    if (!send_rest(c, c->block, c->block_len, &c->block_sent)) return false;
    if (c->block_sent < c->block_len) return true;
    if (!send_rest(c, c->replies, c->replies_len, &c->replies_sent)) return false;
    if (c->replies_sent < c->replies_len) return true;
    c->replies_sent = c->replies_len = 0;
    if (!c->block || self->left == 0) return true;
    number_block(self, c);
    return send_rest(c, c->block, c->block_len, &c->block_sent);
}

static bool read_connection(feeder_child_t *self, connection_t *c)
{
    ssize_t len = recv(c->fd, c->input + c->input_len, INPUT_MAX - c->input_len, 0);
    if (len < 0) return errno == EAGAIN || errno == EINTR;
    if (len == 0) return false;
    c->input_len += (size_t)len;
    take_commands(self, c);
    return c->input_len < INPUT_MAX;
}

static void serve(feeder_child_t *self, connection_t *c, short events)
{
    bool alive = !(events & (POLLERR | POLLNVAL));
    if (alive && (events & (POLLIN | POLLHUP))) alive = read_connection(self, c);
    if (alive && wants_to_write(self, c)) alive = write_connection(self, c);
    if (!alive) drop(c);
}

void feeder_child_run(int listener, int control, size_t payload)
{
    feeder_child_t self = {.listener = listener, .control = control, .payload = payload};
    for (int i = 0; i < CONNECTIONS; i++) self.connections[i].fd = -1;
    for (;;) {
        struct pollfd fds[CONNECTIONS + 2] = {{.fd = control, .events = POLLIN},
                                              {.fd = listener, .events = POLLIN}};
        for (int i = 0; i < CONNECTIONS; i++) {
            connection_t *c = &self.connections[i];
            short events = c->fd >= 0 && wants_to_write(&self, c) ? POLLIN | POLLOUT : POLLIN;
            fds[i + 2] = (struct pollfd){.fd = c->fd, .events = events};
        }
        if (poll(fds, CONNECTIONS + 2, -1) < 0 && errno != EINTR) return;
        if (fds[0].revents &&
            recv(control, &self.left, sizeof self.left, 0) != (ssize_t)sizeof self.left)
            return;
        for (int i = 0; i < CONNECTIONS; i++)
            if (fds[i + 2].revents) serve(&self, &self.connections[i], fds[i + 2].revents);
        if (fds[1].revents) accept_connection(&self);
    }
}
