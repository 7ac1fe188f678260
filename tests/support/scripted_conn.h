/* One connection of a scripted server: commands in, paced bytes out. Private to scripted.c. */
#ifndef TESTS_SUPPORT_SCRIPTED_CONN_H
#define TESTS_SUPPORT_SCRIPTED_CONN_H

#include "scripted.h"

#include <cairn/bytes.h>

#define SCRIPTED_WORDS_MOST 64

struct scripted_conn {
    scripted_t *server;
    uv_tcp_t tcp;
    uv_idle_t pacer; /* active while paced bytes wait */
    int turns;       /* since the last piece */
    int handles;     /* not yet closed */
    bool closing;
    bool ending; /* close once everything is sent */

    int protocol;
    unsigned subscriptions;

    char *in;
    size_t in_len;
    size_t in_room;
    char *out;
    size_t out_len;
    size_t sent;
    scripted_conn_t *next;
};

/* Accepts the listener's next connection. */
void scripted_conn_accept(scripted_t *server);

void scripted_conn_send(scripted_conn_t *conn, const char *bytes, size_t len);

/* Reads commands, or leaves them where they are. */
void scripted_conn_read(scripted_conn_t *conn, bool on);

/* Closes at once, or once everything is sent. */
void scripted_conn_close(scripted_conn_t *conn);
void scripted_conn_end(scripted_conn_t *conn);

/* scripted.c: answers one command. */
void scripted_command(scripted_conn_t *conn, const cairn_slice_t *words, size_t count);

#endif
