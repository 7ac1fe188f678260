/* A TCP proxy on the test's own loop, between clients and one server, that may be told to stop
 * behind so many commands: each it forwards whole, and then nothing more, of anybody.
 *
 *     cut_arm(&cut, 3);
 *     ... three commands arrive, the connections end, and new ones are refused ...
 *     cut_heal(&cut); */
#ifndef TESTS_SUPPORT_CUT_H
#define TESTS_SUPPORT_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

typedef struct cut_pair cut_pair_t;

typedef struct cut {
    uv_loop_t *loop;
    uv_tcp_t listener;
    int port;
    int server_port;
    size_t commands; /* forwarded since it was armed or healed */
    size_t most;     /* of them, while it is armed */
    bool armed;
    bool over; /* as many were */
    cut_pair_t *pairs;
} cut_t;

/* Listens on 127.0.0.1 for a server there. Ends the program with a message if it cannot. */
void cut_open(cut_t *cut, uv_loop_t *loop, int server_port);

/* Closes everything; the loop must run once more. */
void cut_close(cut_t *cut);

/* From now on `most` commands, and then the end. */
void cut_arm(cut_t *cut, size_t most);

/* Forwards everything again, and counts from 0. */
void cut_heal(cut_t *cut);

#endif
