/* A redis-server of one's own: on 127.0.0.1 and a unix socket, with nothing on disk but a private
 * folder that goes when the server does. The bench and all tests use it.
 *
 *     server_t server;
 *     if (server_start(&server, NULL) < 0) fail(server.error);
 *     ... server.port, server.unix_path ...
 *     server_stop(&server);
 *
 * CAIRN_REDIS_SERVER names another program (a path, or a name on PATH), e.g. valkey-server. All
 * calls block. The server dies with the thread that started it. */
#ifndef CAIRN_BENCH_SERVER_H
#define CAIRN_BENCH_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct server_options {
    const char *password; /* of the default user; NULL: none */
    char *const *args;    /* more arguments, as on redis-server's command line; NULL-terminated */
    const char *sentinel; /* if set, it is a sentinel, and this its configuration: lines */
    bool pin;             /* to `cpu` */
    const char *tls_cert; /* PEM files, for a port that speaks TLS; NULL: there is none */
    const char *tls_key;
    const char *tls_ca;
    int cpu;
} server_options_t;

typedef struct server {
    pid_t pid; /* 0 while it is not running */
    int port;
    int tls_port; /* with options.tls_cert */
    char folder[96];
    char unix_path[108];
    char error[512];          /* of the last call that failed, as one sentence */
    server_options_t options; /* borrowed from server_start's caller until server_stop */
} server_t;

/* Returns once the server answers. `options` may be NULL; what it points to must live until
 * server_stop. 0, or -1 with server->error set and nothing left to stop. */
int server_start(server_t *server, const server_options_t *options);

/* Ends the server, waits for it and removes its folder. Does nothing to one that failed to start
 * or was stopped. */
void server_stop(server_t *server);

/* Kills it as a crash would. Nothing holds its port until server_restart, which therefore tries for
 * some seconds if it finds the port taken. */
void server_kill(server_t *server);

/* Starts again, on the same port, what was killed; what runs is killed first. 0, or -1 with
 * server->error set; then server_restart may be tried again, and server_stop is still needed. */
int server_restart(server_t *server);

/* Stops the process from running, so that it neither reads nor answers, and lets it go on. */
int server_pause(server_t *server);
int server_resume(server_t *server);

/* Asks one command, words separated by blanks, over a connection of its own, and copies the reply:
 * a status, an error, an integer or one string, without the protocol around it. -1 if there was no
 * answer or the answer was an error; server->error says which. */
int server_ask(server_t *server, const char *command, char *reply, size_t size);

/* A port of 127.0.0.1 that nobody listens on, or -1. It lies outside the range from which the
 * kernel takes ports for outgoing connections, so that nobody is given it by chance while a server
 * is down, and no client connects to itself. */
int server_free_port(void);

#endif
