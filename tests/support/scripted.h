/* A server that answers as a test tells it to, on the test's own loop.
 *
 * Without instructions it is a small Redis: it greets, subscribes and acknowledges. Every command
 * that arrives goes into the journal as one line, beginning with its name in capitals; so do
 * "accept" and "close". */
#ifndef TESTS_SUPPORT_SCRIPTED_H
#define TESTS_SUPPORT_SCRIPTED_H

#include "world.h"

/* Instead of bytes: no answer, or the connection's end. Compared by address. */
extern const char SCRIPTED_SILENCE[];
extern const char SCRIPTED_HANGUP[];

typedef struct scripted_rule {
    char command[48];
    const char *reply;
    bool once;
    struct scripted_rule *next;
} scripted_rule_t;

typedef struct scripted_conn scripted_conn_t;

typedef struct scripted {
    uv_loop_t *loop;
    uv_tcp_t listener;
    bool listening;
    int port;
    char url[64];
    journal_t journal;
    scripted_rule_t *rules;
    scripted_conn_t *conns; /* newest first */
    unsigned accepted;
    size_t piece;    /* send in pieces of so many bytes, a loop turn between them; 0: whole */
    size_t split_at; /* send what lies before and behind this byte of a connection's output apart */
    bool deaf;       /* accept, then neither read nor answer */
    const char *mode; /* what it greets as; NULL: standalone */
} scripted_t;

void scripted_open(scripted_t *server, uv_loop_t *loop);

/* Closes everything; the loop must run once more before loop_finish. */
void scripted_close(scripted_t *server);

/* One that the world's handles connect to, and that goes with the world. */
scripted_t *scripted_of(world_t *world);

#define scripted_await_count(server, prefix, count)                                                \
    journal_await_count(&(server)->journal, (server)->loop, (prefix), (count))

/* Refuses connections from now on, and accepts them again on the same port. */
void scripted_refuse(scripted_t *server);
void scripted_accept(scripted_t *server);

/* How to answer `command`, "GET" or with its second word "CONFIG GET": the next one, or each. What
 * comes once goes first, in the order of the calls. `reply` must outlive the server. */
void scripted_once(scripted_t *server, const char *command, const char *reply);
void scripted_always(scripted_t *server, const char *command, const char *reply);

/* Sends what nobody asked for, on the newest connection, or the newest that is subscribed. */
void scripted_push(scripted_t *server, const char *bytes, size_t len);
void scripted_message(scripted_t *server, const char *channel, const char *payload);

/* Reads nothing from the connections there are, and reads again. */
void scripted_pause(scripted_t *server);
void scripted_resume(scripted_t *server);

/* Ends every connection. */
void scripted_hangup(scripted_t *server);

/* Bytes sent on the newest connection. */
size_t scripted_sent(const scripted_t *server);
bool scripted_has_subscriber(const scripted_t *server);

#endif
